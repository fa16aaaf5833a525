/*
 * What is protected already?  Any bytes as an entity, and as a CMS: an answer
 * in bounded time, and the same answer each time.
 */
#include <stdlib.h>

#include "smime/smime.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct span bytes = span_of(data, size);
	enum smime_kind first, again;
	struct error err;

	if (cms_recognise(bytes) != cms_recognise(bytes))
		abort();
	if (smime_detect(bytes, &first, &err) != 0 ||
		smime_detect(bytes, &again, &err) != 0 || first != again)
		abort();
	return 0;
}
