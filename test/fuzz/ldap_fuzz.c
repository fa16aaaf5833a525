/*
 * What a directory may answer, and what a sender may have us ask for.  The
 * first octet says how the rest is cut: values of two attributes of one or
 * more entries.  The whole is also the local part of an address, which stays
 * inside its assertion whatever it holds.
 */
#include "certs.h"
#include "store/ldap_internal.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static char smime[] = "userSMIMECertificate", user[] = "userCertificate";
static void *kinds[] = { smime, user };
static char name[] = "ad";
static const struct ldap_plan plan = { .store = name,
	.kinds = { kinds, COUNT_OF(kinds), 0 } };

static const char *const attributes[] = { "userSMIMECertificate",
	"userCertificate;binary", "USERCERTIFICATE;range=0-1", "mail" };

/* A value: an octet for its attribute, two for its length, itself. */
static int
add_values(struct ldap_answer *answer, struct span rest, struct error *err)
{
	while (rest.len >= 3) {
		size_t kind = rest.data[0] % 8;
		size_t len = (size_t)rest.data[1] << 8 | rest.data[2];

		rest = span_of(rest.data + 3, rest.len - 3);
		if (len > rest.len)
			len = rest.len;
		if (kind < COUNT_OF(attributes)) {
			if (ldap_answer_add(answer, attributes[kind],
				    span_of(rest.data, len), err) != 0)
				return -1;
		} else {
			if (ldap_answer_end(answer, err) != 0 ||
				ldap_answer_begin(answer, "cn=x,dc=y", err) !=
					0)
				return -1;
		}
		rest = span_of(rest.data + len, rest.len - len);
	}
	return 0;
}

static void
read_answer(struct span rest)
{
	struct ldap_answer answer;
	struct error err = { 0 };
	struct cert *cert;

	ldap_answer_init(&answer, &plan);
	MUST(ldap_answer_begin(&answer, "cn=x", &err) == 0);
	if (add_values(&answer, rest, &err) != 0)
		MUST(err.kind == ERROR_LIMIT && err.text[0] != '\0');
	else
		MUST(ldap_answer_end(&answer, &err) == 0);
	MUST(answer.warnings.count <= LDAP_WARNINGS_MAX);
	LIST_FOREACH (cert, &answer.certs) {
		MUST(cert->key == NULL);
		MUST(!cert_is_ca(cert));
		ask(cert);
	}
	ldap_answer_clear(&answer);
}

/* Back to the octets it was made from: nothing is lost, nothing is added. */
static void
escape(struct span value)
{
	struct buf out = { 0 };
	size_t at = 0;

	buf_init(&out, 4 * value.len + 1);
	MUST(ldap_filter_escape(&out, value, NULL) == 0);
	for (size_t i = 0; i < value.len; i++) {
		char digits[3] = "";

		MUST(at < out.len);
		if (out.data[at] != '\\') {
			MUST(out.data[at] == value.data[i]);
			MUST(memchr("*()", value.data[i], 4) == NULL);
			MUST(value.data[i] < 0x80);
			at++;
			continue;
		}
		MUST(at + 3 <= out.len);
		memcpy(digits, out.data + at + 1, 2);
		MUST(strtoul(digits, NULL, 16) == value.data[i]);
		at += 3;
	}
	MUST(at == out.len);
	buf_clear(&out);
}

static size_t
count(struct span text, char wanted)
{
	size_t found = 0;

	for (size_t i = 0; i < text.len; i++)
		found += text.data[i] == (unsigned char)wanted;
	return found;
}

static void
ask_for(struct span text)
{
	struct address *address = NULL;
	struct buf filter = { 0 };

	if (addr_parse_path(text, &address, NULL) != 0)
		return;
	MUST(ldap_filter_make(
		     "(|(mail=%s)(p=smtp:%s))", address, &filter, NULL) == 0);
	MUST(count(buf_span(&filter), '(') == count(buf_span(&filter), ')'));
	MUST(count(buf_span(&filter), '(') == 3 ||
		count(buf_span(&filter), '(') == 7);
	MUST(count(buf_span(&filter), '*') == 0);
	MUST(count(buf_span(&filter), '\0') == 0);
	buf_clear(&filter);
	address_free(address);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct span all = span_of(data, size);

	read_answer(all);
	escape(all);
	ask_for(all);
	return 0;
}
