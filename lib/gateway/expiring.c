/* Which certificates will soon be of no use, with nothing in their place? */
#include <stdlib.h>

#include "base/mem.h"
#include "gateway/internal.h"

enum { DAY_SECONDS = 24 * 3600, SOON_DAYS = 30, LINES_MAX = 100 };

struct soon {
	struct store *store;
	struct cert *cert; /* a reference */
};

static bool
is_good_for(const struct cert *cert, enum cert_purpose purpose, time_t when)
{
	return cert_fits(cert, purpose, false, when, NULL) == 0;
}

/* Does the other one do, for that address, whatever this one does? */
static bool
replaces(const struct cert *other, const struct cert *cert, time_t now)
{
	time_t later = now + (time_t)SOON_DAYS * DAY_SECONDS;

	if (other->not_after <= later)
		return false;
	return (!is_good_for(cert, CERT_TO_SIGN, now) ||
		       is_good_for(other, CERT_TO_SIGN, now)) &&
	       (!is_good_for(cert, CERT_TO_ENCRYPT, now) ||
		       is_good_for(other, CERT_TO_ENCRYPT, now));
}

/* A directory is not asked for what is on a watch all day long. */
static bool
is_quick(const struct store *store)
{
	return store_is_in_memory(store) || store_is_managed(store);
}

static bool
is_replaced(const struct gateway *gateway, const struct cert *cert, time_t now)
{
	struct list found = { 0 };
	const struct cert *other;
	struct store *store;
	bool replaced = false;

	if (cert->addresses.count == 0)
		return false;
	LIST_FOREACH (store, &gateway->stores)
		if (is_quick(store) &&
			store_find(store, cert->addresses.item[0], NULL, 0,
				&found, NULL) != 0)
			continue; /* it may be replaced there: not here */
	LIST_FOREACH (other, &found)
		replaced = replaced || replaces(other, cert, now);
	list_clear(&found, cert_unref);
	return replaced;
}

static bool
is_soon(const struct cert *cert, time_t now)
{
	return cert->not_after >= now &&
	       cert->not_after - now < (time_t)SOON_DAYS * DAY_SECONDS &&
	       !cert_is_ca(cert) &&
	       (is_good_for(cert, CERT_TO_SIGN, now) ||
		       is_good_for(cert, CERT_TO_ENCRYPT, now));
}

static int
by_end(const void *a, const void *b)
{
	const struct soon *const *x = a, *const *y = b;

	return ((*x)->cert->not_after > (*y)->cert->not_after) -
	       ((*x)->cert->not_after < (*y)->cert->not_after);
}

static char *
describe(const struct soon *soon, time_t now)
{
	const struct cert *cert = soon->cert;
	const struct address *address =
		cert->addresses.count ? cert->addresses.item[0] : NULL;
	long days = (long)((cert->not_after - now) / DAY_SECONDS);
	char *subject = address == NULL ? cert_subject(cert) : NULL, *line;
	char date[11];

	cert_date_text(cert->not_after, date);
	line = mem_printf("store %s: the certificate of %s%s%s%s expires on "
			  "%s, in %ld day%s, and no other one takes its place",
		store_name(soon->store), address ? "<" : "",
		address ? address->text : subject, address ? ">" : "",
		cert->key != NULL ? " (with its key)" : "", date, days,
		days == 1 ? "" : "s");
	mem_free(subject);
	return line;
}

static void
add(struct list *out, struct store *store, struct cert *cert)
{
	struct soon *soon = mem_alloc(sizeof(*soon));

	*soon = (struct soon){ store, cert_ref(cert) };
	list_add(out, soon);
}

void
gateway_own_free(void *p)
{
	struct soon *soon = p;

	if (soon == NULL)
		return;
	cert_unref(soon->cert);
	mem_free(soon);
}

int
gateway_look_for_own(
	const struct gateway *gateway, time_t now, struct list *kept)
{
	struct store *store;
	int result = 0;

	list_clear(kept, gateway_own_free);
	LIST_FOREACH (store, &gateway->stores) {
		struct list certs = { 0 };
		struct cert *cert;

		if (!store_is_managed(store))
			continue;
		if (store_list_own(store, &certs, NULL) != 0)
			result = -1;
		LIST_FOREACH (cert, &certs)
			if (is_soon(cert, now))
				add(kept, store, cert);
		list_clear(&certs, cert_unref);
	}
	return result;
}

/* It may have been removed since; who cannot tell is believed. */
static bool
is_there(const struct soon *soon)
{
	char *text = mem_printf("sha256:%s", soon->cert->sha256);
	struct cert_selector *selector = NULL;
	struct list found = { 0 };
	bool gone =
		cert_selector_new(text, &selector, NULL) == 0 &&
		store_find(soon->store, NULL, selector, 0, &found, NULL) == 0 &&
		found.count == 0;

	list_clear(&found, cert_unref);
	cert_selector_free(selector);
	mem_free(text);
	return !gone;
}

static void
gather(const struct gateway *gateway, time_t now, const struct list *kept,
	struct list *out)
{
	const struct soon *soon;
	struct store *store;
	struct cert *cert;

	LIST_FOREACH (store, &gateway->stores) {
		struct list certs = { 0 };

		if (store_is_in_memory(store) &&
			store_list(store, &certs, NULL) != 0)
			list_clear(&certs, cert_unref);
		LIST_FOREACH (cert, &certs)
			if (is_soon(cert, now) &&
				!is_replaced(gateway, cert, now))
				add(out, store, cert);
		list_clear(&certs, cert_unref);
	}
	LIST_FOREACH (soon, kept)
		if (is_soon(soon->cert, now) && is_there(soon) &&
			!is_replaced(gateway, soon->cert, now))
			add(out, soon->store, soon->cert);
}

void
gateway_expiring(const struct gateway *gateway, time_t now,
	const struct list *kept, struct list *lines)
{
	const struct soon *soon;
	struct list all = { 0 };
	size_t said = 0;

	gather(gateway, now, kept, &all);
	if (all.count != 0)
		qsort(all.item, all.count, sizeof(*all.item), by_end);
	LIST_FOREACH (soon, &all)
		if (said++ < LINES_MAX)
			list_add(lines, describe(soon, now));
	if (all.count > LINES_MAX)
		list_add(lines,
			mem_printf("%zu more certificates expire within %d "
				   "days",
				all.count - LINES_MAX, SOON_DAYS));
	list_clear(&all, gateway_own_free);
}
