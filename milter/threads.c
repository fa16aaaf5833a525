/*
 * A thread for each session, from its first command to its last.
 *
 * Debian builds libmilter with a pool: each command of a session goes to
 * whatever thread is free, which costs two hand-overs a command, and wake-ups
 * get lost, so that a fast mail waits for a slow one, up to 10 s.  The
 * library finds its own pool by name, as any other function: what is defined
 * here comes first, and the pool never starts.  Where libmilter is built
 * without it (configure looks), it does the same thing by itself.
 */
#include <libmilter/mfapi.h>

#ifdef HAVE_MILTER_POOL

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"

/* libmilter's own time for a session that says nothing, in its default. */
enum { IDLE_MS = 7210 * 1000 };
enum { ENGINE_WAITS = 1 }; /* mi_engine(): no command is there yet */

/* libmilter's, declared in none of its public headers. */
int mi_engine(SMFICTX_PTR ctx);
void mi_clr_ctx(SMFICTX_PTR ctx);
/* What it calls, defined here. */
int mi_pool_controller_init(void);
int mi_start_session(SMFICTX_PTR ctx);

struct session_thread {
	SMFICTX_PTR ctx;
	int fd;
};

/* A context does not say its descriptor; its listener has just had it. */
static __thread int accepted = -1;

int
accept(int fd, __SOCKADDR_ARG address, socklen_t *restrict len)
{
	accepted = accept4(fd, address, len, SOCK_CLOEXEC);
	return accepted;
}

static void
wait_for_command(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int ready;

	do
		ready = poll(&wait, 1, IDLE_MS);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		shutdown(fd, SHUT_RDWR); /* the engine reads the end */
}

static void *
serve_session(void *arg)
{
	struct session_thread session = *(struct session_thread *)arg;

	mem_free(arg);
	while (mi_engine(session.ctx) == ENGINE_WAITS)
		wait_for_command(session.fd);
	mi_clr_ctx(session.ctx);
	return NULL;
}

int
mi_start_session(SMFICTX_PTR ctx)
{
	struct session_thread *session = mem_alloc(sizeof(*session));
	pthread_t thread;
	int why;

	*session = (struct session_thread){ ctx, accepted };
	why = pthread_create(&thread, NULL, serve_session, session);
	if (why != 0) {
		log_error("cannot start a thread for a session: error %d", why);
		mem_free(session);
		return MI_FAILURE;
	}
	pthread_detach(thread);
	return MI_SUCCESS;
}

int
mi_pool_controller_init(void)
{
	return MI_SUCCESS;
}

#endif
