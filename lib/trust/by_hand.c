/* What smimectl crl does: fetch all now, import files. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "trust/internal.h"

static char *
line_for(const struct point *point, bool fetched, const struct error *err)
{
	if (!fetched)
		return mem_printf("%s: %s", point->issuer_text, err->text);
	if (err->kind != ERROR_NONE)
		return mem_printf("%s: fetched, but not kept: %s",
			point->issuer_text, err->text);
	return mem_printf("%s: fetched", point->issuer_text);
}

void
trust_fetch_crls(struct trust *trust, const struct list *certs,
	struct list *lines, size_t *failed)
{
	struct error err = { 0 };

	*failed = 0;
	if (net_init(&err) != 0) {
		list_add(lines, mem_string(err.text));
		*failed = 1;
		return;
	}
	fetch_collect(trust, certs, NULL);
	/* What stands above a list is found with it: no iterator. */
	for (size_t i = 0; i < trust->points.all.count; i++) {
		struct point *point = trust->points.all.item[i];
		bool fetched = fetch_point(trust, point, NULL, &err) == 0;

		list_add(lines, line_for(point, fetched, &err));
		*failed += !fetched || err.kind != ERROR_NONE;
	}
}

/* What part of its issuer's certificates it is about: "" for all of them. */
static char *
scope_text(const struct crl *crl)
{
	int at = X509_CRL_get_ext_by_NID(
		crl->x509, NID_issuing_distribution_point, -1);
	const ASN1_OCTET_STRING *octets;
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	char hex[CERT_SHA256_HEX];

	if (at < 0)
		return mem_string("");
	octets = X509_EXTENSION_get_data(X509_CRL_get_ext(crl->x509, at));
	EVP_Digest(ASN1_STRING_get0_data(octets),
		(size_t)ASN1_STRING_length(octets), digest, NULL, EVP_sha256(),
		NULL);
	hex_write(hex, span_of(digest, CERT_SHA256_BYTES));
	return mem_string(hex);
}

/*
 * A newer one about the same takes its place: of the same issuer, who may have
 * several keys, each of which speaks for what it issued itself.
 */
static char *
imported_name(struct crl *crl)
{
	const unsigned char *signer = crl_signer(crl);
	char *scope = scope_text(crl), *key, *name;
	char hex[CERT_SHA256_HEX] = "";

	if (signer != NULL)
		hex_write(hex, span_of(signer, CERT_SHA256_BYTES));
	key = mem_printf("imported %s %s %s", crl->issuer, hex, scope);
	name = folder_name(key);
	mem_free(scope);
	mem_free(key);
	return name;
}

static int
judge_all(struct trust *trust, const struct list *crls, const char *path,
	struct error *err)
{
	struct crl *crl;

	LIST_FOREACH (crl, crls) {
		if (fetch_judge(trust, crl, err) != 0)
			return error_prefix(err, "%s: ", path);
		crl->file = imported_name(crl);
		if (fetch_judge_age(trust, crl, err) != 0)
			return error_prefix(err, "%s: ", path);
	}
	return 0;
}

static int
write_all(struct trust *trust, const struct list *crls, struct list *lines,
	struct error *err)
{
	struct crl *crl;

	LIST_FOREACH (crl, crls) {
		char *name = mem_string(crl->file);
		int result = folder_write(trust, name, crl, err);
		char date[CLOCK_TEXT_SIZE] = "nothing";

		mem_free(name);
		if (result != 0)
			return -1;
		if (crl->next_update != 0)
			clock_format(crl->next_update, date);
		list_add(lines,
			mem_printf("%s: imported, %zu entries, good until %s%s",
				crl->issuer, crl->entries, date,
				crl_is_stale(crl, clock_now())
					? ": that is stale already"
					: ""));
	}
	return 0;
}

int
trust_import_crls(struct trust *trust, const struct list *certs,
	const char *path, struct list *lines, struct error *err)
{
	struct buf bytes = { 0 };
	struct list crls = { 0 };
	int result = -1;

	fetch_collect(trust, certs, NULL);
	if (file_read(path, cert_limits_default.file_bytes, &bytes, err) != 0 ||
		crl_read_any(buf_span(&bytes), CRL_IMPORTED, path, &crls,
			err) != 0 ||
		judge_all(trust, &crls, path, err) != 0 ||
		write_all(trust, &crls, lines, err) != 0)
		goto out;
	set_add(trust, &crls);
	result = 0;
out:
	list_clear(&crls, crl_unref);
	buf_clear(&bytes);
	return result;
}
