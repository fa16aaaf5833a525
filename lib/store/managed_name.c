/* What files and folders of a managed store are called.  See managed.h. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "store/managed.h"

const enum cert_origin managed_origins[MANAGED_ORIGINS] = { CERT_IMPORTED,
	CERT_ISSUED, CERT_HARVESTED };

static const char *const words[] = { [CERT_FROM_FILE] = "imported",
	[CERT_IMPORTED] = "imported",
	[CERT_ISSUED] = "issued",
	[CERT_HARVESTED] = "harvested" };

/* What may stand behind the SHA-256; of certificates the best first. */
static const struct {
	const char *end;
	enum managed_kind kind;
	enum cert_origin origin;
} ends[] = {
	{ ".imported.der", MANAGED_CERT, CERT_IMPORTED },
	/* By hand. */
	{ ".der", MANAGED_CERT, CERT_IMPORTED },
	{ ".pem", MANAGED_CERT, CERT_IMPORTED },
	{ ".imported.pem", MANAGED_CERT, CERT_IMPORTED },
	{ ".issued.der", MANAGED_CERT, CERT_ISSUED },
	{ ".issued.pem", MANAGED_CERT, CERT_ISSUED },
	{ ".harvested.der", MANAGED_CERT, CERT_HARVESTED },
	{ ".harvested.pem", MANAGED_CERT, CERT_HARVESTED },
	{ ".key", MANAGED_KEY, CERT_IMPORTED },
};

/* mkostemp(3) puts a dot and six characters behind the name. */
enum { RANDOM_LEN = 6 };

const char *
managed_origin_word(enum cert_origin origin)
{
	return words[origin];
}

const char *
managed_cert_end(size_t i)
{
	return ends[i].kind == MANAGED_CERT ? ends[i].end : NULL;
}

static void
read_end(const char *end, struct managed_name *out)
{
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		if (strcmp(end, ends[i].end) == 0) {
			out->kind = ends[i].kind;
			out->origin = ends[i].origin;
		}
}

bool
managed_is_half_written(const char *name)
{
	struct managed_name whole = { 0 };
	size_t len = strlen(name);
	char *copy;

	if (len <= CERT_SHA256_HEX + RANDOM_LEN ||
		name[len - RANDOM_LEN - 1] != '.')
		return false;
	copy = mem_string_n(name, len - RANDOM_LEN - 1);
	managed_read_name(copy, &whole);
	mem_free(copy);
	return whole.kind == MANAGED_CERT || whole.kind == MANAGED_KEY;
}

void
managed_read_name(const char *name, struct managed_name *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = strspn(name, digits);

	*out = (struct managed_name){ 0 };
	if (name[0] == '.') {
		out->kind = MANAGED_HIDDEN;
		return;
	}
	if (len != CERT_SHA256_HEX - 1)
		return;
	memcpy(out->sha256, name, len);
	read_end(name + len, out);
	if (out->kind == MANAGED_FOREIGN && managed_is_half_written(name))
		out->kind = MANAGED_HIDDEN;
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("@._+-", c) != NULL);
}

static void
digest_hex(const char *text, char out[CERT_SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };

	(void)EVP_Digest(text, strlen(text), digest, NULL,
		crypto_digest(CRYPTO_SHA256), NULL);
	hex_write(out, span_of(digest, CERT_SHA256_BYTES));
}

char *
managed_encode(const char *text)
{
	char *out = mem_alloc(3 * strlen(text) + 1), *at = out;
	char hex[CERT_SHA256_HEX];

	for (const char *c = text; *c != '\0'; c++) {
		if (is_plain(*c) && (*c != '.' || c != text))
			*at++ = *c;
		else
			at += sprintf(at, "%%%02X", (unsigned char)*c);
	}
	if (strlen(out) <= NAME_MAX)
		return out;
	mem_free(out);
	digest_hex(text, hex);
	return mem_printf("%%sha256-%s", hex);
}

char *
managed_address_folder(const char *root, const char *key)
{
	char *name = managed_encode(key), *path;
	char hex[CERT_SHA256_HEX];

	digest_hex(key, hex);
	path = mem_printf("%s/addresses/%.2s/%s", root, hex, name);
	mem_free(name);
	return path;
}

char *
managed_certificate_folder(const char *root, const char *sha256)
{
	return mem_printf("%s/certificates/%.2s", root, sha256);
}

char *
managed_authority_folder(const char *root, const X509_NAME *name)
{
	/* Of the canonical form, so that case and blanks do not matter. */
	return mem_printf("%s/authorities/%08lx", root,
		X509_NAME_hash_ex(name, NULL, NULL, NULL));
}

char *
managed_cert_path(
	const char *folder, const char *sha256, enum cert_origin origin)
{
	return mem_printf("%s/%s.%s.der", folder, sha256, words[origin]);
}

char *
managed_key_path(const char *folder, const char *sha256)
{
	return mem_printf("%s/%s.key", folder, sha256);
}
