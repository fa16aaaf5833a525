/*
 * Some versions of the library wait without end for the other half of a TLS
 * record.  A thread watches each connection while it is made, and when its
 * time is over shuts it down, which ends every wait.
 */
#include <ldap.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/ldap_internal.h"

struct ldap_guard {
	ldap_conncb callbacks; /* the library's, as long as the connection */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	int timeout_ms;
	int64_t deadline_ms; /* 0: not connected yet */
	int fd;		     /* -1: none, or closed */
	bool over;
};

/* Once the handshake is done, the waits for each read and write. */
static void
bound_waits(int fd, int timeout_ms)
{
	const struct timeval wait = { timeout_ms / 1000,
		timeout_ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

static int
connected(LDAP *ld UNUSED, Sockbuf *socket, LDAPURLDesc *url UNUSED,
	struct sockaddr *address UNUSED, ldap_conncb *callbacks)
{
	struct ldap_guard *guard = callbacks->lc_arg;
	int fd = -1;

	if (ber_sockbuf_ctrl(socket, LBER_SB_OPT_GET_FD, &fd) != 1)
		return -1;
	bound_waits(fd, guard->timeout_ms);
	pthread_mutex_lock(&guard->lock);
	guard->fd = fd;
	guard->deadline_ms = clock_monotonic_ms() + guard->timeout_ms;
	pthread_cond_signal(&guard->changed);
	pthread_mutex_unlock(&guard->lock);
	return 0;
}

/* Without a socket: the connection's structure goes, too. */
static void
disconnected(LDAP *ld UNUSED, Sockbuf *socket, ldap_conncb *callbacks)
{
	struct ldap_guard *guard = callbacks->lc_arg;

	if (socket == NULL) {
		pthread_cond_destroy(&guard->changed);
		pthread_mutex_destroy(&guard->lock);
		mem_free(guard);
		return;
	}
	pthread_mutex_lock(&guard->lock);
	guard->fd = -1;
	pthread_mutex_unlock(&guard->lock);
}

static void *
watch(void *arg)
{
	struct ldap_guard *guard = arg;

	pthread_mutex_lock(&guard->lock);
	while (!guard->over) {
		int64_t until = guard->deadline_ms;
		const struct timespec at = { until / 1000,
			until % 1000 * 1000000 };

		if (until == 0)
			pthread_cond_wait(&guard->changed, &guard->lock);
		else if (clock_monotonic_ms() < until)
			pthread_cond_timedwait(
				&guard->changed, &guard->lock, &at);
		else {
			if (guard->fd >= 0)
				(void)shutdown(guard->fd, SHUT_RDWR);
			guard->deadline_ms = 0;
		}
	}
	pthread_mutex_unlock(&guard->lock);
	return NULL;
}

static struct ldap_guard *
make(int timeout_ms)
{
	struct ldap_guard *guard = mem_alloc(sizeof(*guard));
	pthread_condattr_t attributes;

	guard->callbacks = (ldap_conncb){ connected, disconnected, guard };
	guard->timeout_ms = timeout_ms;
	guard->fd = -1;
	pthread_mutex_init(&guard->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&guard->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return guard;
}

int
ldap_guard_begin(
	LDAP *ld, int timeout_ms, struct ldap_guard **out, struct error *err)
{
	struct ldap_guard *guard = make(timeout_ms);

	if (ldap_set_option(ld, LDAP_OPT_CONNECT_CB, &guard->callbacks) != 0) {
		disconnected(ld, NULL, &guard->callbacks);
		return error_set(
			err, ERROR_SYSTEM, "the LDAP library takes no options");
	}
	if (thread_start(watch, guard, &guard->thread, err) != 0)
		return -1;
	*out = guard;
	return 0;
}

void
ldap_guard_end(struct ldap_guard *guard)
{
	pthread_mutex_lock(&guard->lock);
	guard->over = true;
	pthread_cond_signal(&guard->changed);
	pthread_mutex_unlock(&guard->lock);
	pthread_join(guard->thread, NULL);
}
