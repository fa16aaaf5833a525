#include "concerns.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { LOOK_EVERY_SECONDS = 10, WARN_EVERY_SECONDS = 24 * 3600 };
enum { LISTS_EVERY_SECONDS = 60 };

static void
publish(struct concerns *out, const struct list *lines)
{
	unsigned turn = atomic_load(&out->turn) + 1;
	char *text = out->text[turn % 2];
	size_t at = 0;
	const char *line;

	LIST_FOREACH (line, lines) {
		size_t len = strlen(line);

		if (len + 2 > CONCERNS_BYTES - at)
			break;
		memcpy(text + at, line, len);
		at += len;
		text[at++] = '\n';
	}
	text[at] = '\0';
	atomic_store(&out->turn, turn);
}

/* Once a day, whatever is reloaded or replaced meanwhile. */
static void
warn_daily(_Atomic int64_t *warned_at, time_t now, const struct list *lines)
{
	int64_t before = atomic_load(warned_at);
	const char *line;

	if (lines->count == 0 || now - before < WARN_EVERY_SECONDS ||
		!atomic_compare_exchange_strong(warned_at, &before, now))
		return;
	LIST_FOREACH (line, lines)
		log_warning("%s", line);
}

/* What is looked at once a day only. */
struct daily {
	time_t looked_at;
	struct list own;
	time_t lists_at; /* more often: the lists of our authorities */
	struct list lists;
};

/* They are large files, and change rarely. */
static void
look_at_lists(const struct concerns_watch *watch, time_t now,
	struct daily *daily, struct list *lines)
{
	const struct ca_settings *settings;
	const char *line;

	if (now - daily->lists_at >= LISTS_EVERY_SECONDS) {
		list_clear(&daily->lists, mem_free);
		LIST_FOREACH (settings, watch->authorities)
			ca_crl_concern(settings, now, &daily->lists);
		daily->lists_at = now;
	}
	LIST_FOREACH (line, &daily->lists)
		list_add(lines, mem_string(line));
}

static void
look(const struct concerns_watch *watch, struct daily *daily)
{
	struct list lines = { 0 };
	time_t now = clock_now();

	if (now - daily->looked_at >= WARN_EVERY_SECONDS &&
		gateway_look_for_own(watch->gateway, now, &daily->own) == 0)
		daily->looked_at = now;
	gateway_expiring(watch->gateway, now, &daily->own, &lines);
	look_at_lists(watch, now, daily, &lines);
	warn_daily(watch->warned_at, now, &lines);
	gateway_concerns(watch->gateway, &lines);
	publish(watch->out, &lines);
	list_clear(&lines, mem_free);
}

static void *
keep_looking(void *arg)
{
	const struct concerns_watch watch = *(struct concerns_watch *)arg;
	struct daily daily = { 0 };
	const struct timespec pause = { LOOK_EVERY_SECONDS, 0 };

	mem_free(arg);
	for (;;) {
		look(&watch, &daily);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

int
concerns_start(const struct concerns_watch *watch, struct error *err)
{
	struct concerns_watch *copy = mem_alloc(sizeof(*copy));
	pthread_t thread;
	int why;

	*copy = *watch;
	why = pthread_create(&thread, NULL, keep_looking, copy);
	if (why != 0) {
		mem_free(copy);
		return error_set(err, ERROR_SYSTEM, "cannot start a thread: %s",
			strerror(why));
	}
	pthread_detach(thread);
	return 0;
}

void
concerns_read(const struct concerns *concerns, struct list *lines)
{
	char text[CONCERNS_BYTES], *line, *rest = NULL;

	memcpy(text, concerns->text[atomic_load(&concerns->turn) % 2],
		sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (line = strtok_r(text, "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest)) {
		for (char *c = line; *c != '\0'; c++)
			if (iscntrl((unsigned char)*c))
				*c = '?';
		list_add(lines, mem_string(line));
	}
}
