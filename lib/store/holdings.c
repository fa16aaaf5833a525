/*
 * Certificates by address: a table with open addressing, filled once.  One
 * address may stand in it several times, each in a place of its own.
 */
#include <string.h>

#include "base/mem.h"
#include "store/internal.h"

static size_t
hash(const char *key)
{
	uint64_t value = 14695981039346656037u; /* FNV-1a */

	for (; *key != '\0'; key++)
		value = (value ^ (unsigned char)*key) * 1099511628211u;
	return (size_t)(value ^ value >> 32);
}

static void
put(struct holdings *holdings, const char *key, struct cert *cert)
{
	size_t mask = holdings->places - 1, at = hash(key) & mask;

	while (holdings->place[at].key != NULL)
		at = (at + 1) & mask;
	holdings->place[at] = (struct holding){ key, cert };
}

void
holdings_fill(struct holdings *holdings, struct list *certs)
{
	struct address *address;
	struct cert *cert;
	size_t addresses = 0;

	holdings->certs = *certs;
	*certs = (struct list){ 0 };
	LIST_FOREACH (cert, &holdings->certs) {
		addresses += cert->addresses.count;
	}
	/* At most half full, so that a search ends soon. */
	for (holdings->places = 16; holdings->places < 2 * addresses;)
		holdings->places *= 2;
	holdings->place = mem_array(holdings->places, sizeof(*holdings->place));
	LIST_FOREACH (cert, &holdings->certs) {
		LIST_FOREACH (address, &cert->addresses) {
			put(holdings, address->key, cert);
		}
	}
}

void
holdings_clear(struct holdings *holdings)
{
	mem_free(holdings->place);
	list_clear(&holdings->certs, cert_unref);
	*holdings = (struct holdings){ 0 };
}

static void
find_address(const struct holdings *holdings, const char *key, struct list *out)
{
	size_t mask = holdings->places - 1, at = hash(key) & mask;
	const struct holding *place;

	if (holdings->places == 0)
		return;
	for (; (place = &holdings->place[at])->key != NULL;
		at = (at + 1) & mask)
		if (strcmp(place->key, key) == 0)
			list_add(out, cert_ref(place->cert));
}

void
holdings_find(const struct holdings *holdings, const struct address *address,
	const struct cert_selector *selector, struct list *out)
{
	struct cert *cert;

	if (address != NULL) {
		find_address(holdings, address->key, out);
		return;
	}
	LIST_FOREACH (cert, &holdings->certs) {
		if (cert_selector_match(selector, cert))
			list_add(out, cert_ref(cert));
	}
}
