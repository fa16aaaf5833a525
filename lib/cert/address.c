/*
 * The addresses a certificate names: rfc822Name (RFC 5280 4.2.1.6) and
 * SmtpUTF8Mailbox (RFC 9598); in old ones, which have neither, emailAddress in
 * the subject (RFC 8550 3).
 */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "cert/internal.h"

/* More than anybody has; each costs a comparison with all before it. */
enum { ADDRESSES_MAX = 1000 };

/* What X509_get_ext_d2i() says of it. */
enum { NO_EXTENSION = -1 };

/* Those of ASCII and, in UTF-8, U+0080 to U+009F. */
static bool
is_control(const unsigned char *at, const unsigned char *end)
{
	return *at < 0x20 || *at == 0x7f ||
	       (*at == 0xc2 && at + 1 < end && at[1] < 0xa0);
}

static bool
is_plain(const unsigned char *text, size_t len, bool ascii)
{
	for (size_t i = 0; i < len; i++)
		if (is_control(text + i, text + len) ||
			(ascii && text[i] > 0x7f))
			return false;
	return len != 0 && len <= ADDR_MAX_BYTES;
}

/*
 * What is no address is not there.  A NUL inside would make one name of two:
 * that check stands before anything takes the bytes for a C string.
 */
static void
add_address(const unsigned char *text, int len, bool ascii, struct list *out)
{
	struct address *address = NULL, *earlier;
	char *copy;

	if (len <= 0 || out->count >= ADDRESSES_MAX ||
		!is_plain(text, (size_t)len, ascii))
		return;
	copy = mem_string_n(text, (size_t)len);
	if (addr_parse(copy, &address, NULL) != 0)
		goto out;
	LIST_FOREACH (earlier, out) {
		if (addr_equal(earlier, address))
			goto out;
	}
	list_add(out, address);
	address = NULL;
out:
	address_free(address);
	mem_free(copy);
}

/* True for a name of mail, also when what it says is no address. */
static bool
add_general_name(const GENERAL_NAME *name, struct list *out)
{
	const ASN1_TYPE *value;

	if (name->type == GEN_EMAIL) {
		add_address(ASN1_STRING_get0_data(name->d.rfc822Name),
			ASN1_STRING_length(name->d.rfc822Name), true, out);
		return true;
	}
	if (name->type != GEN_OTHERNAME ||
		OBJ_obj2nid(name->d.otherName->type_id) !=
			NID_id_on_SmtpUTF8Mailbox)
		return false;
	value = name->d.otherName->value;
	if (value != NULL && value->type == V_ASN1_UTF8STRING)
		add_address(ASN1_STRING_get0_data(value->value.utf8string),
			ASN1_STRING_length(value->value.utf8string), false,
			out);
	return true;
}

/*
 * Is that all it says about mail?  Also of an extension that cannot be read:
 * what the issuer wrote there must not be made up for by the subject.
 */
static bool
add_alternative_names(X509 *x509, struct list *out)
{
	int critical = 0;
	GENERAL_NAMES *names =
		X509_get_ext_d2i(x509, NID_subject_alt_name, &critical, NULL);
	bool is_all = names == NULL && critical != NO_EXTENSION;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		is_all |=
			add_general_name(sk_GENERAL_NAME_value(names, i), out);
	GENERAL_NAMES_free(names);
	return is_all;
}

static void
add_subject(X509 *x509, struct list *out)
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(
			subject, NID_pkcs9_emailAddress, at)) >= 0) {
		unsigned char *utf8 = NULL;
		int len = ASN1_STRING_to_UTF8(
			&utf8, X509_NAME_ENTRY_get_data(
				       X509_NAME_get_entry(subject, at)));

		if (len > 0)
			add_address(utf8, len, true, out);
		OPENSSL_free(utf8);
	}
}

void
cert_read_addresses(X509 *x509, struct list *out)
{
	if (!add_alternative_names(x509, out))
		add_subject(x509, out);
}
