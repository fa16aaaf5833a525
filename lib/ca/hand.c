/*
 * From the authority's user to the daemon's: a certificate on its way into the
 * managed store, as PEM, with its issuers and, for our own people, its key.
 */
#include <string.h>

#include "base/mem.h"
#include "ca/internal.h"

/* Itself, a few authorities, its key; no password is ever tried. */
static const struct cert_limits limits = { .file_bytes = CA_HAND_MAX_BYTES,
	.items = 8,
	.kdf_iterations = 1,
	.kdf_file_iterations = 1,
	.kdf_pile_iterations = 1,
	.crls = 1,
	.crl_bytes = CA_HAND_MAX_BYTES };

int
ca_hand(struct cert *cert, struct buf *out, struct error *err)
{
	const struct cert_writing how = { .form = CERT_PEM,
		.with_keys = cert->key != NULL };

	return write_one(&how, cert, out, err);
}

/* One that is no authority, and beside it nothing but those above it. */
static int
choose(const struct list *certs, struct cert **out, struct error *err)
{
	struct cert *cert;

	*out = NULL;
	LIST_FOREACH (cert, certs) {
		if (cert_is_ca(cert) && cert->key == NULL)
			continue;
		if (cert_is_ca(cert) || *out != NULL)
			return error_set(err, ERROR_FORMAT,
				"what was sent is more than one certificate "
				"and those of its authorities");
		*out = cert;
	}
	if (*out == NULL)
		return error_set(err, ERROR_FORMAT,
			"what was sent holds no certificate for an address");
	LIST_FOREACH (cert, certs)
		if (cert != *out && (*out)->chain == NULL)
			return error_set(err, ERROR_FORMAT,
				"what was sent holds an authority that has not "
				"issued the certificate");
	return 0;
}

static int
check(const struct cert *cert, const struct address *address, struct error *err)
{
	if (cert_names_address(cert, address))
		return 0;
	return error_set(err, ERROR_CONFIG,
		"certificate %s does not name %s, for whom it was sent",
		cert->sha256, address->text);
}

static int
put(const struct ca_place *place, const struct cert *cert, struct error *err)
{
	const struct store_settings settings = { .type = "managed",
		.name = place->store,
		.state = place->state,
		.user = place->user };
	struct list warnings = { 0 };
	struct store *store = NULL;
	int result = -1;

	if (store_open(&settings, &store, &warnings, err) == 0 &&
		store_start(store, &warnings, err) == 0)
		result = store_import(store, cert, CERT_ISSUED, err);
	list_clear(&warnings, mem_free);
	store_close(store);
	return result;
}

int
ca_take(const struct ca_place *place, struct span bytes,
	const struct address *address, struct error *err)
{
	struct list certs = { 0 }, warnings = { 0 };
	struct cert *cert;
	int result = -1;

	if (bytes.len > CA_HAND_MAX_BYTES)
		return error_set(err, ERROR_LIMIT,
			"what was sent is longer than %d bytes",
			CA_HAND_MAX_BYTES);
	if (cert_load(bytes, NULL, "what was sent", &limits, &certs, &warnings,
		    err) != 0)
		goto out;
	/* A key of another certificate, for one. */
	if (warnings.count != 0)
		error_set(err, ERROR_FORMAT, "%s",
			(const char *)warnings.item[0]);
	else if (choose(&certs, &cert, err) == 0 &&
		 check(cert, address, err) == 0)
		result = put(place, cert, err);
out:
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	return result;
}
