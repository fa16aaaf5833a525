/*
 * PEM (RFC 7468 and the older forms): blocks between BEGIN and END lines,
 * any text around them, any line ends.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

enum { LABEL_MAX = 64 };
#define BEGIN "-----BEGIN "

struct block {
	char label[LABEL_MAX];
	struct span head; /* "Proc-Type: ..." of an old encrypted key */
	struct span body; /* base64 */
};

static int
read_certificate(struct reading *in, struct span der, struct error *err)
{
	return read_certificates(in, der, false, err);
}

static int
read_trusted(struct reading *in, struct span der, struct error *err)
{
	return read_certificates(in, der, true, err);
}

static const struct label {
	const char *text;
	int (*read)(struct reading *in, struct span der, struct error *err);
	bool may_fail; /* beside others: a warning */
	bool key;
} labels[] = {
	{ "CERTIFICATE", read_certificate, true, false },
	{ "X509 CERTIFICATE", read_certificate, true, false },
	{ "TRUSTED CERTIFICATE", read_trusted, true, false },
	{ "X509 CRL", read_crl, true, false },
	{ "CRL", read_crl, true, false },
	{ "PKCS7", read_pkcs7, false, false },
	{ "PKCS #7 SIGNED DATA", read_pkcs7, false, false },
	{ "CMS", read_pkcs7, false, false },
	{ "PKCS12", read_pkcs12, false, false },
	{ "PRIVATE KEY", read_plain_key, false, true },
	{ "ANY PRIVATE KEY", read_plain_key, false, true },
	{ "RSA PRIVATE KEY", read_plain_key, false, true },
	{ "EC PRIVATE KEY", read_plain_key, false, true },
	{ "DSA PRIVATE KEY", read_plain_key, false, true },
	{ "ENCRYPTED PRIVATE KEY", read_encrypted_key, false, true },
	/* Of no use here, and no reason for a warning. */
	{ "EC PARAMETERS", NULL, false, false },
	{ "DH PARAMETERS", NULL, false, false },
	{ "DSA PARAMETERS", NULL, false, false },
	{ "CERTIFICATE REQUEST", NULL, false, false },
	{ "NEW CERTIFICATE REQUEST", NULL, false, false },
	{ "PUBLIC KEY", NULL, false, false },
	{ "RSA PUBLIC KEY", NULL, false, false },
};

static struct span
rest_from(struct span bytes, const unsigned char *at)
{
	return span_of(at, (size_t)(bytes.data + bytes.len - at));
}

/* The words at the start of a line, from there on; or nothing. */
static struct span
find_line(struct span bytes, struct span words)
{
	struct span rest = bytes;
	const unsigned char *at;

	while ((at = span_find(rest, words)) != NULL) {
		const unsigned char *before = at;

		while (before > bytes.data &&
			(before[-1] == ' ' || before[-1] == '\t'))
			before--;
		if (before == bytes.data || before[-1] == '\n' ||
			before[-1] == '\r')
			return rest_from(bytes, at);
		rest = rest_from(bytes, at + words.len);
	}
	return (struct span){ 0 };
}

bool
pem_is(struct span bytes)
{
	return find_line(bytes, SPAN(BEGIN)).data != NULL;
}

/* RFC 1421 headers end with an empty line, whatever ends its lines. */
static void
split_head(struct block *block)
{
	static const struct span empty_lines[] = { { (const void *)"\n\n", 2 },
		{ (const void *)"\r\n\r\n", 4 }, { (const void *)"\r\r", 2 } };
	struct span body = span_trim(block->body);

	if (!span_starts_nocase(body, "Proc-Type:"))
		return;
	for (size_t i = 0; i < COUNT_OF(empty_lines); i++) {
		const unsigned char *at = span_find(body, empty_lines[i]);

		if (at == NULL)
			continue;
		block->head = span_of(body.data, (size_t)(at - body.data));
		block->body = rest_from(body, at);
		return;
	}
}

/* What stands between BEGIN and "-----", or an empty span. */
static struct span
read_label(struct span rest)
{
	const unsigned char *dashes;

	if (rest.len > LABEL_MAX + 4)
		rest.len = LABEL_MAX + 4;
	dashes = span_find(rest, SPAN("-----"));
	return dashes ? span_of(rest.data, (size_t)(dashes - rest.data))
		      : (struct span){ 0 };
}

/*
 * The next block; *rest goes behind it.  1, 0 when there is none, -1 when
 * its END does not stand before the next BEGIN.
 */
static int
next_block(struct span *rest, struct block *block)
{
	char end_line[LABEL_MAX + 16];
	struct span found = find_line(*rest, SPAN(BEGIN)), label, end;

	*block = (struct block){ 0 };
	if (found.data == NULL)
		return 0;
	*rest = rest_from(found, found.data + sizeof(BEGIN) - 1);
	label = read_label(*rest);
	if (label.len == 0 || label.len >= LABEL_MAX)
		return -1;
	memcpy(block->label, label.data, label.len);
	found = rest_from(*rest, label.data + label.len + 5);
	end = find_line(found, SPAN(BEGIN));
	if (end.data != NULL)
		found.len = (size_t)(end.data - found.data);
	snprintf(end_line, sizeof(end_line), "-----END %s-----", block->label);
	end = find_line(found, span_string(end_line));
	if (end.data == NULL)
		return -1;
	block->body = span_of(found.data, (size_t)(end.data - found.data));
	*rest = rest_from(*rest, end.data);
	split_head(block);
	return 1;
}

static int
give_password(char *out, int size, int writing UNUSED, void *password)
{
	size_t len = password ? strlen(password) : 0;

	if (password == NULL || len > (size_t)size)
		return -1;
	memcpy(out, password, len);
	return (int)len;
}

/* One SEQUENCE from end to end, as each form of a key is. */
static bool
is_one_sequence(const struct buf *der)
{
	const unsigned char *at = der->data;
	long len = 0;
	int tag = 0, class = 0;
	int flags = ASN1_get_object(&at, &len, &tag, &class, (long)der->len);

	return flags == V_ASN1_CONSTRUCTED && tag == V_ASN1_SEQUENCE &&
	       at + len == der->data + der->len;
}

/*
 * A key encrypted the way of RFC 1421; one round of MD5, so no limit.  The
 * padding seems good for one wrong password in 256.
 */
static int
decrypt_block(const struct reading *in, const struct block *block,
	struct buf *der, struct error *err)
{
	char *head = mem_printf(
		"%.*s\n", (int)block->head.len, (const char *)block->head.data);
	char *password = mem_string(in->password);
	EVP_CIPHER_INFO cipher;
	long len = (long)der->len;
	int result = -1;

	for (char *c = head; *c != '\0'; c++)
		if (*c == '\r')
			*c = '\n';
	if (PEM_get_EVP_CIPHER_INFO(head, &cipher) != 1) {
		crypto_fail(err, ERROR_FORMAT,
			"%s: a private key encrypted in an unknown way",
			in->source);
		goto out;
	}
	if (PEM_do_header(&cipher, der->data, &len, give_password, password) !=
		1) {
		secret_refused(in, "a private key", err);
		goto out;
	}
	der->len = (size_t)len;
	result = is_one_sequence(der)
			 ? 0
			 : secret_refused(in, "a private key", err);
out:
	mem_free(head);
	mem_free_secret(password);
	return result;
}

static const struct label *
find_label(const char *text)
{
	for (size_t i = 0; i < COUNT_OF(labels); i++)
		if (strcmp(labels[i].text, text) == 0)
			return &labels[i];
	return NULL;
}

static int
read_block(struct reading *in, const struct block *block, struct error *err)
{
	const struct label *label = find_label(block->label);
	struct error why = { 0 };
	struct buf der = { 0 };
	int result = -1;

	if (label == NULL)
		reading_warn(in, "a block of an unknown kind was skipped");
	if (label == NULL || label->read == NULL)
		return 0;
	if (label->key && in->without_keys)
		return reading_add_key(in, NULL, err);
	if (base64_decode(block->body, &der, NULL) != 0 || der.len == 0)
		error_set(&why, ERROR_FORMAT, "%s: broken base64 in a %s block",
			in->source, label->text);
	else if (block->head.len == 0 ||
		 decrypt_block(in, block, &der, &why) == 0)
		result = label->read(in, buf_span(&der), &why);
	buf_clear(&der);
	crypto_begin();
	if (result == 0 || (why.kind == ERROR_FORMAT && label->may_fail)) {
		if (result != 0)
			reading_warn_words(in, why.text);
		return 0;
	}
	return error_set(err, why.kind, "%s", why.text);
}

int
read_pem(struct reading *in, struct span bytes, struct error *err)
{
	struct block block;
	int found;

	while ((found = next_block(&bytes, &block)) != 0) {
		if (found < 0)
			reading_warn(in, "a BEGIN line without its END line");
		else if (read_block(in, &block, err) != 0)
			return -1;
	}
	return 0;
}
