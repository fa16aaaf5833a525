/* Work on many equal things, spread over the processors. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stddef.h>

/*
 * work(self, first, end) is called until every number below count was in one
 * range of at most `step` of them: from several threads at once (no more than
 * there are processors, and no more than 8), which block every signal and are
 * gone when this returns.  Where no thread can be made, this one does it all.
 */
void parallel_run(size_t count, size_t step,
	void (*work)(void *self, size_t first, size_t end), void *self);

#endif
