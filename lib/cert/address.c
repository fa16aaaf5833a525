/*
 * The addresses a certificate names: rfc822Name (RFC 5280 4.2.1.6),
 * SmtpUTF8Mailbox (RFC 9598) and, in old ones, emailAddress in the subject
 * (RFC 8550 3).
 */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "cert/internal.h"

/* More than anybody has; each costs a comparison with all before it. */
enum { ADDRESSES_MAX = 1000 };

static bool
is_plain(const unsigned char *text, size_t len, bool ascii)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] == 0x7f ||
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

static void
add_general_name(const GENERAL_NAME *name, struct list *out)
{
	const ASN1_TYPE *value;

	if (name->type == GEN_EMAIL) {
		add_address(ASN1_STRING_get0_data(name->d.rfc822Name),
			ASN1_STRING_length(name->d.rfc822Name), true, out);
		return;
	}
	if (name->type != GEN_OTHERNAME ||
		OBJ_obj2nid(name->d.otherName->type_id) !=
			NID_id_on_SmtpUTF8Mailbox)
		return;
	value = name->d.otherName->value;
	if (value != NULL && value->type == V_ASN1_UTF8STRING)
		add_address(ASN1_STRING_get0_data(value->value.utf8string),
			ASN1_STRING_length(value->value.utf8string), false,
			out);
}

static void
add_alternative_names(X509 *x509, struct list *out)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		add_general_name(sk_GENERAL_NAME_value(names, i), out);
	GENERAL_NAMES_free(names);
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
	add_alternative_names(x509, out);
	add_subject(x509, out);
}
