/* Which certificates will soon be of no use, with nothing in their place? */
#include <stdlib.h>

#include "base/mem.h"
#include "gateway/internal.h"

enum { DAY_SECONDS = 24 * 3600, SOON_DAYS = 30, LINES_MAX = 100 };

struct soon {
	const struct store *store;
	const struct cert *cert;
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
		if (store_is_in_memory(store) &&
			store_find(store, cert->addresses.item[0], NULL, 0,
				&found, NULL) != 0)
			break;
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
gather(const struct gateway *gateway, time_t now, struct list *certs,
	struct list *out)
{
	struct store *store;

	LIST_FOREACH (store, &gateway->stores) {
		size_t at = certs->count;

		if (!store_is_in_memory(store) ||
			store_list(store, certs, NULL) != 0)
			continue;
		for (; at < certs->count; at++) {
			struct cert *cert = certs->item[at];
			struct soon *soon;

			if (!is_soon(cert, now) ||
				is_replaced(gateway, cert, now))
				continue;
			soon = mem_alloc(sizeof(*soon));
			*soon = (struct soon){ store, cert };
			list_add(out, soon);
		}
	}
}

void
gateway_expiring(const struct gateway *gateway, time_t now, struct list *lines)
{
	struct list certs = { 0 }, all = { 0 };
	const struct soon *soon;
	size_t said = 0;

	gather(gateway, now, &certs, &all);
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
	list_clear(&all, mem_free);
	list_clear(&certs, cert_unref);
}
