#include "nudge.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "listener.h"

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

int
nudge_aim_at_decoy(int decoy, struct error *err)
{
	struct address_of next;

	if (listener_address(decoy, &next, err) != 0)
		return -1;
	pthread_mutex_lock(&aim.lock);
	aim.before = aim.now;
	aim.before_until_ms = clock_monotonic_ms() + BOTH_MS;
	aim.now = next;
	pthread_mutex_unlock(&aim.lock);
	return 0;
}

static void
touch(const struct address_of *where)
{
	int fd = socket(where->address.ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	/* Under way or refused: either is as good as done. */
	(void)!connect(
		fd, (const struct sockaddr *)&where->address, where->len);
	close(fd);
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
	touch(&now);
	if (both)
		touch(&before);
}
