#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

/* Keys that stand in such a file are of no use here and never touched. */
static int
read_files(const char *setting, const char *const *paths, size_t count,
	struct list *out, struct list *warnings, struct error *err)
{
	struct cert_pile *pile = cert_pile_new(&cert_limits_default);
	struct buf bytes = { 0 };
	size_t keys;
	int result = -1;

	for (size_t i = 0; i < count; i++) {
		struct cert_file file = { .source = paths[i],
			.without_keys = true };

		buf_reset(&bytes);
		if (file_read(paths[i], cert_limits_default.file_bytes, &bytes,
			    err) != 0)
			goto out;
		file.bytes = buf_span(&bytes);
		if (cert_pile_read(pile, &file, &keys, err) != 0)
			goto out;
	}
	cert_pile_take(pile, out, warnings);
	result = 0;
out:
	buf_clear(&bytes);
	cert_pile_free(pile);
	return result == 0 ? 0 : error_prefix(err, "%s: ", setting);
}

static void
warn_anchor(const struct cert *anchor, time_t now, struct list *warnings)
{
	char *subject = cert_subject(anchor);
	char date[11];

	cert_date_text(anchor->not_after, date);
	if (now > anchor->not_after)
		list_add(warnings,
			mem_printf("trust.anchors: %s: %s expired on %s",
				anchor->source, subject, date));
	else if (!cert_is_ca(anchor))
		list_add(warnings,
			mem_printf("trust.anchors: %s: %s is no authority: "
				   "only this certificate itself is trusted",
				anchor->source, subject));
	mem_free(subject);
}

int
trust_load_anchors(struct trust *trust, const struct trust_settings *settings,
	struct list *warnings, struct error *err)
{
	struct cert *anchor;

	if (read_files("trust.anchors", settings->anchors,
		    settings->anchor_count, &trust->anchors, warnings,
		    err) != 0)
		return -1;
	LIST_FOREACH (anchor, &trust->anchors) {
		if (X509_STORE_add_cert(trust->store, anchor->x509) != 1)
			return crypto_fail(err, ERROR_SYSTEM,
				"trust.anchors: %s", anchor->source);
		warn_anchor(anchor, clock_now(), warnings);
	}
	return 0;
}

int
trust_load_intermediates(struct trust *trust,
	const struct trust_settings *settings, struct list *warnings,
	struct error *err)
{
	struct list certs = { 0 };
	struct cert *cert;
	int result = -1;

	if (read_files("trust.intermediates", settings->intermediates,
		    settings->intermediate_count, &certs, warnings, err) != 0)
		goto out;
	LIST_FOREACH (cert, &certs) {
		if (X509_add_cert(trust->intermediates, cert->x509,
			    X509_ADD_FLAG_UP_REF) != 1) {
			crypto_fail(err, ERROR_SYSTEM, "trust.intermediates");
			goto out;
		}
	}
	result = 0;
out:
	list_clear(&certs, cert_unref);
	return result;
}
