#include "base/thread.h"

#include <signal.h>
#include <string.h>

int
thread_start(
	void *(*run)(void *arg), void *arg, pthread_t *out, struct error *err)
{
	pthread_t thread;
	sigset_t all, before;
	int why;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	why = pthread_create(&thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (why != 0)
		return error_set(err, ERROR_SYSTEM, "cannot start a thread: %s",
			strerror(why));
	if (out != NULL)
		*out = thread;
	else
		pthread_detach(thread);
	return 0;
}
