/* The thread that keeps the lists fresh, never in the way of a mail. */
#include <errno.h>
#include <string.h>

#include "base/event.h"
#include "base/mem.h"
#include "base/thread.h"
#include "trust/internal.h"

enum { LOOK_SECONDS = 2 };

struct refresher {
	struct trust *trust;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool woken, ended;
	atomic_bool stop;
	struct list certs; /* whose paths are not known yet */
	struct list told;  /* char *: trouble that was reported */
};

static bool
is_among(const char *text, const struct list *texts)
{
	const char *one;

	LIST_FOREACH (one, texts)
		if (strcmp(one, text) == 0)
			return true;
	return false;
}

/* Once per change, not once per look. */
static void
report(struct refresher *self)
{
	struct list now = { 0 };
	const char *text;

	describe_trouble(self->trust, &now);
	LIST_FOREACH (text, &now)
		if (!is_among(text, &self->told))
			event(EVENT_WARNING, "%s", text);
	list_clear(&self->told, mem_free);
	self->told = now;
}

static void
look(struct refresher *self)
{
	struct list warnings = { 0 };
	const char *text;

	folder_look(self->trust, &warnings);
	LIST_FOREACH (text, &warnings)
		event(EVENT_WARNING, "%s", text);
	list_clear(&warnings, mem_free);
	report(self);
}

static void
rest(struct refresher *self)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_SECONDS;
	pthread_mutex_lock(&self->lock);
	while (!self->woken && !atomic_load(&self->stop))
		if (pthread_cond_timedwait(&self->wake, &self->lock, &until) ==
			ETIMEDOUT)
			break;
	self->woken = false;
	pthread_mutex_unlock(&self->lock);
}

static void *
run(void *p)
{
	struct refresher *self = p;

	fetch_collect(self->trust, &self->certs, &self->stop);
	list_clear(&self->certs, cert_unref);
	while (!atomic_load(&self->stop)) {
		struct error err = { 0 };
		struct point *point = NULL;

		look(self);
		if (self->trust->fetch_crls)
			point = fetch_next_due(self->trust);
		if (point != NULL &&
			fetch_point(self->trust, point, &self->stop, &err) != 0)
			continue; /* it is told, and not due for now */
		/* What was not kept may be wanted again at once. */
		if (point == NULL || err.kind != ERROR_NONE)
			rest(self);
	}
	pthread_mutex_lock(&self->lock);
	self->ended = true;
	pthread_cond_broadcast(&self->wake);
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

void
refresher_wake(struct refresher *self)
{
	if (self == NULL)
		return;
	pthread_mutex_lock(&self->lock);
	self->woken = true;
	pthread_cond_broadcast(&self->wake);
	pthread_mutex_unlock(&self->lock);
}

static struct refresher *
make(struct trust *trust, struct list *certs)
{
	struct refresher *self = mem_alloc(sizeof(*self));
	pthread_condattr_t attributes;

	self->trust = trust;
	atomic_init(&self->stop, false);
	pthread_mutex_init(&self->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&self->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	self->certs = *certs;
	*certs = (struct list){ 0 };
	return self;
}

static void
unmake(struct refresher *self)
{
	list_clear(&self->certs, cert_unref);
	list_clear(&self->told, mem_free);
	pthread_cond_destroy(&self->wake);
	pthread_mutex_destroy(&self->lock);
	mem_free(self);
}

int
trust_refresh_start(struct trust *trust, struct list *certs, struct error *err)
{
	struct refresher *self;

	if (trust->refresher != NULL || trust->anchors.count == 0 ||
		trust->revocation == TRUST_REVOCATION_OFF) {
		list_clear(certs, cert_unref);
		return 0;
	}
	if (net_init(err) != 0) {
		list_clear(certs, cert_unref);
		return -1;
	}
	self = make(trust, certs);
	trust->refresher = self;
	/* A process that serves mails ends without waiting for it. */
	if (thread_start(run, self, NULL, err) == 0)
		return 0;
	trust->refresher = NULL;
	unmake(self);
	return -1;
}

void
trust_refresh_stop(struct trust *trust)
{
	if (trust == NULL || trust->refresher == NULL)
		return;
	atomic_store(&trust->refresher->stop, true);
	refresher_wake(trust->refresher);
}

void
refresher_free(struct refresher *self)
{
	if (self == NULL)
		return;
	atomic_store(&self->stop, true);
	refresher_wake(self);
	pthread_mutex_lock(&self->lock);
	while (!self->ended)
		pthread_cond_wait(&self->wake, &self->lock);
	pthread_mutex_unlock(&self->lock);
	unmake(self);
}
