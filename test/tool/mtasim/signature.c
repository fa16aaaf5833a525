/* Whose signature does a mail bear?  Judged on the octets, with OpenSSL. */
#include "mtasim.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct octets {
	const uint8_t *data;
	size_t length;
};

static bool
is_type(const struct message *message, const char *type)
{
	const char *value = message_field(message, "Content-Type");

	return value && strcasestr(value, type);
}

bool
message_is_encrypted(const struct message *message)
{
	return is_type(message, "application/pkcs7-mime") &&
	       is_type(message, "enveloped-data");
}

static const uint8_t *
find(struct octets in, const char *text)
{
	return in.length ? memmem(in.data, in.length, text, strlen(text))
			 : NULL;
}

/* Everything behind text. */
static bool
behind(struct octets *in, const char *text)
{
	const uint8_t *at = find(*in, text);

	if (!at)
		return false;
	at += strlen(text);
	in->length -= (size_t)(at - in->data);
	in->data = at;
	return true;
}

/* The first part, and what the second one's header is followed by. */
static bool
cut_parts(const struct message *message, struct octets *content,
	struct octets *signature)
{
	const char *value = message_field(message, "Content-Type");
	struct octets rest = { message->body, message->body_length };
	const uint8_t *end;
	char line[256];
	const char *name;
	size_t length;

	name = strcasestr(value, "boundary=");
	if (!name || !rest.length)
		return false;
	name += 9;
	name += *name == '"';
	length = strcspn(name, "\"; \t\n");
	snprintf(line, sizeof(line), "--%.*s\r\n", (int)length, name);
	if (length > 70 || !behind(&rest, line))
		return false;
	*content = rest;
	snprintf(line, sizeof(line), "\r\n--%.*s\r\n", (int)length, name);
	if (!behind(&rest, line) || !behind(&rest, "\r\n\r\n"))
		return false;
	content->length = (size_t)(rest.data - content->data);
	end = find(*content, line);
	content->length = (size_t)(end - content->data);
	*signature = rest;
	if ((end = find(rest, "\r\n--")))
		signature->length = (size_t)(end - rest.data);
	return true;
}

static int
base64_value(uint8_t octet)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";
	const char *at = octet ? strchr(alphabet, octet) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

static size_t
decode(struct octets in, uint8_t *out)
{
	uint32_t bits = 0;
	unsigned have = 0;
	size_t used = 0;

	for (; in.length && *in.data != '='; in.data++, in.length--) {
		int value = base64_value(*in.data);

		if (value < 0)
			continue;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[used++] = (uint8_t)(bits >> have);
		}
	}
	return used;
}

/* The address as rfc822Name: tag [1], length, octets. */
static bool
names(const uint8_t *der, size_t length, const char *address)
{
	uint8_t wanted[130];
	size_t n = strlen(address);

	if (n > 127)
		return false;
	wanted[0] = 0x81;
	wanted[1] = (uint8_t)n;
	memcpy(wanted + 2, address, n);
	return memmem(der, length, wanted, n + 2);
}

static bool
certificate_names(X509 *certificate, const char *address)
{
	STACK_OF(OPENSSL_STRING) *found = X509_get1_email(certificate);
	bool names_it = false;
	int i;

	for (i = 0; i < sk_OPENSSL_STRING_num(found); i++)
		names_it |=
			!strcasecmp(sk_OPENSSL_STRING_value(found, i), address);
	X509_email_free(found);
	return names_it;
}

static bool
verify(const uint8_t *der, size_t length, const struct octets *content,
	const char *sender, char why[160])
{
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, (long)length);
	BIO *detached = content->data ? BIO_new_mem_buf(content->data,
						(int)content->length)
				      : NULL;
	STACK_OF(X509) *signers = NULL;
	bool good = cms && CMS_verify(cms, NULL, NULL, detached, NULL,
				   CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;

	if (!good)
		snprintf(why, 160, "the signature is wrong: %s",
			ERR_reason_error_string(ERR_peek_last_error()));
	if (good)
		signers = CMS_get0_signers(cms);
	if (good && (sk_X509_num(signers) != 1 ||
			    !certificate_names(
				    sk_X509_value(signers, 0), sender))) {
		snprintf(why, 160, "the signer is not %s", sender);
		good = false;
	}
	sk_X509_free(signers);
	BIO_free(detached);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return good;
}

enum signature
signature_check(const struct message *message, const char *sender,
	const char *const *others, size_t other_count, bool fully,
	char why[160])
{
	struct octets content = { 0 },
		      text = { message->body, message->body_length };
	uint8_t *der;
	size_t length, i;
	bool good;

	if (is_type(message, "multipart/signed")) {
		if (!cut_parts(message, &content, &text)) {
			snprintf(why, 160, "a multipart/signed without parts");
			return SIGNATURE_NONE;
		}
	} else if (!is_type(message, "signed-data")) {
		snprintf(why, 160, "not signed");
		return SIGNATURE_NONE;
	}
	der = must(malloc(text.length + 1));
	length = decode(text, der);
	good = names(der, length, sender);
	for (i = 0; good && i < other_count; i++)
		if (strcasecmp(others[i], sender))
			good = !names(der, length, others[i]);
	if (!good)
		snprintf(why, 160, "no certificate of %s alone", sender);
	if (good && fully)
		good = verify(der, length, &content, sender, why);
	free(der);
	return good ? SIGNATURE_OURS : SIGNATURE_WRONG;
}
