#include "nudge.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"

/* libmilter waits on a socket for 5 s at a time. */
enum { BOTH_MS = 6000 };

static struct {
	pthread_mutex_t lock;
	struct address_of now, before;
	int64_t before_until_ms;
} aim = { .lock = PTHREAD_MUTEX_INITIALIZER };

int
nudge_aim(int listener, struct error *err)
{
	return listener_address(listener, &aim.now, err);
}

/* -1 with errno: nobody was touched. */
static int
touch(const struct address_of *where)
{
	int fd = socket(where->address.ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result, why;

	if (fd < 0)
		return -1;
	result = connect(
		fd, (const struct sockaddr *)&where->address, where->len);
	why = errno;
	close(fd);
	errno = why;
	/* Under way, or a queue that is full: as good as done. */
	return result == 0 || why == EINPROGRESS || why == EAGAIN ? 0 : -1;
}

int
nudge_aim_at_decoy(const struct address_of *decoy)
{
	pthread_mutex_lock(&aim.lock);
	aim.before = aim.now;
	aim.before_until_ms = clock_monotonic_ms() + BOTH_MS;
	aim.now = *decoy;
	pthread_mutex_unlock(&aim.lock);
	return touch(decoy);
}

void
nudge_once(void)
{
	struct address_of now, before;
	bool both;

	pthread_mutex_lock(&aim.lock);
	now = aim.now;
	before = aim.before;
	both = clock_monotonic_ms() < aim.before_until_ms;
	pthread_mutex_unlock(&aim.lock);
	(void)touch(&now);
	if (both)
		(void)touch(&before);
}
