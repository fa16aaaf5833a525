/* An explicit certificate of the rule file. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "cert/internal.h"

struct cert_selector {
	char *text;
	char *sha256;		/* or NULL: then by subject */
	struct list attributes; /* char *: sorted "oid=value" */
};

enum { SUBJECT_MAX_BYTES = 4096 };

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort(struct list *attributes)
{
	if (attributes->count != 0)
		qsort(attributes->item, attributes->count, sizeof(void *),
			compare_strings);
}

/* Case and runs of blanks do not matter in names (RFC 5280 7.1). */
static char *
fold_value(const unsigned char *value, size_t len)
{
	struct span trimmed = span_trim(span_of(value, len));
	char *out = mem_alloc(trimmed.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < trimmed.len; i++) {
		unsigned char c = trimmed.data[i];

		if (c == ' ' && n != 0 && out[n - 1] == ' ')
			continue;
		out[n++] = c < 0x80 ? (char)tolower(c) : (char)c;
	}
	return out;
}

static void
add_attribute(const ASN1_OBJECT *type, const unsigned char *value, size_t len,
	struct list *out)
{
	char oid[128] = "";
	char *folded = fold_value(value, len);

	OBJ_obj2txt(oid, sizeof(oid), type, 1);
	list_add(out, mem_printf("%s=%s", oid, folded));
	mem_free(folded);
}

/* What people write, beside the names OpenSSL knows in this very spelling. */
static ASN1_OBJECT *
find_type(struct span word)
{
	static const char *const aliases[][2] = { { "e", "emailAddress" },
		{ "email", "emailAddress" }, { "mail", "emailAddress" },
		{ "emailaddress", "emailAddress" }, { "s", "ST" },
		{ "t", "title" }, { "g", "GN" }, { "gn", "GN" },
		{ "givenname", "GN" }, { "surname", "SN" },
		{ "serialnumber", "serialNumber" }, { "street", "street" } };
	char *text = mem_string_n(word.data, word.len);
	const char *name = text;
	ASN1_OBJECT *type;

	for (size_t i = 0; i < COUNT_OF(aliases); i++)
		if (span_is_nocase(word, aliases[i][0]))
			name = aliases[i][1];
	if (span_starts_nocase(word, "OID."))
		name = text + 4;
	type = OBJ_txt2obj(name, 0);
	for (char *c = text; type == NULL && *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	if (type == NULL)
		type = OBJ_txt2obj(name, 0);
	mem_free(text);
	return type;
}

/*
 * RFC 2253: the value up to an unescaped comma, semicolon or plus; *at goes
 * to that or the end.
 */
static int
read_value(const char **at, struct buf *out, struct error *err)
{
	bool quoted = false;
	const char *c = *at;

	for (; *c != '\0' && (quoted || !strchr(",;+", *c)); c++) {
		unsigned char byte = (unsigned char)*c;
		int escaped;

		if (byte == '"') {
			quoted = !quoted;
			continue;
		}
		if (byte == '\\' && c[1] != '\0' &&
			(escaped = hex_byte((unsigned char)c[1],
				 (unsigned char)c[2])) >= 0) {
			byte = (unsigned char)escaped;
			c += 2;
		} else if (byte == '\\' && c[1] != '\0') {
			byte = (unsigned char)*++c;
		}
		if (buf_add(out, &byte, 1, err) != 0)
			return -1;
	}
	*at = c;
	return quoted ? error_set(err, ERROR_CONFIG, "a quotation mark is open")
		      : 0;
}

static int
read_attribute(const char **at, struct list *out, struct error *err)
{
	const char *equals = strchr(*at, '=');
	struct buf value = { .limit_bytes = SUBJECT_MAX_BYTES };
	ASN1_OBJECT *type = NULL;
	struct span word;
	int result = -1;

	if (equals == NULL)
		return error_set(err, ERROR_CONFIG,
			"an attribute without \"=\" (write CN=Name,O=Firm)");
	word = span_trim(span_of(*at, (size_t)(equals - *at)));
	type = find_type(word);
	if (type == NULL) {
		error_set(err, ERROR_CONFIG, "unknown attribute \"%.*s\"",
			(int)(word.len < 40 ? word.len : 40),
			(const char *)word.data);
		goto out;
	}
	*at = equals + 1;
	if (read_value(at, &value, err) != 0)
		goto out;
	add_attribute(type, value.data, value.len, out);
	result = 0;
out:
	ASN1_OBJECT_free(type);
	buf_clear(&value);
	return result;
}

static int
read_subject(const char *text, struct list *out, struct error *err)
{
	const char *at = text;

	if (strlen(text) > SUBJECT_MAX_BYTES)
		return error_set(err, ERROR_CONFIG, "longer than %d bytes",
			SUBJECT_MAX_BYTES);
	for (;;) {
		if (read_attribute(&at, out, err) != 0)
			return -1;
		if (*at == '\0')
			break;
		at++;
	}
	sort(out);
	return 0;
}

/* 64 hexadecimal digits; colons and capitals as certificate viewers show. */
static int
read_sha256(const char *text, char **out, struct error *err)
{
	char *hex = mem_alloc(CERT_SHA256_HEX);
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == ':' || *text == ' ')
			continue;
		if (!isxdigit((unsigned char)*text) || n >= CERT_SHA256_HEX - 1)
			break;
		hex[n++] = (char)tolower((unsigned char)*text);
	}
	if (*text != '\0' || n != CERT_SHA256_HEX - 1) {
		mem_free(hex);
		return error_set(err, ERROR_CONFIG,
			"a SHA-256 has 64 hexadecimal digits");
	}
	*out = hex;
	return 0;
}

int
cert_selector_new(
	const char *text, struct cert_selector **out, struct error *err)
{
	struct cert_selector *selector = mem_alloc(sizeof(*selector));
	struct error why = { 0 };
	int result = -1;

	selector->text = mem_string(text);
	if (strncasecmp(text, "sha256:", 7) == 0)
		result = read_sha256(text + 7, &selector->sha256, &why);
	else if (strncasecmp(text, "subject:", 8) == 0)
		result = read_subject(text + 8, &selector->attributes, &why);
	else
		error_set(&why, ERROR_CONFIG,
			"neither \"address\" nor "
			"\"sha256:...\" nor \"subject:...\"");
	if (result != 0) {
		error_set(err, ERROR_CONFIG, "certificate \"%.80s\": %s", text,
			why.text);
		cert_selector_free(selector);
		return -1;
	}
	*out = selector;
	return 0;
}

void
cert_selector_free(struct cert_selector *selector)
{
	if (selector == NULL)
		return;
	list_clear(&selector->attributes, mem_free);
	mem_free(selector->sha256);
	mem_free(selector->text);
	mem_free(selector);
}

static void
list_subject(const X509_NAME *name, struct list *out)
{
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		unsigned char *utf8 = NULL;
		int len = ASN1_STRING_to_UTF8(
			&utf8, X509_NAME_ENTRY_get_data(entry));

		if (len >= 0)
			add_attribute(X509_NAME_ENTRY_get_object(entry), utf8,
				(size_t)len, out);
		OPENSSL_free(utf8);
	}
	sort(out);
}

static bool
subject_matches(const struct cert_selector *selector, const X509_NAME *name)
{
	struct list named = { 0 };
	bool same;

	if (X509_NAME_entry_count(name) != (int)selector->attributes.count)
		return false;
	list_subject(name, &named);
	same = named.count == selector->attributes.count;
	for (size_t i = 0; same && i < named.count; i++)
		same = strcmp(named.item[i], selector->attributes.item[i]) == 0;
	list_clear(&named, mem_free);
	return same;
}

bool
cert_selector_match(
	const struct cert_selector *selector, const struct cert *cert)
{
	if (selector->sha256 != NULL)
		return strcmp(selector->sha256, cert->sha256) == 0;
	return subject_matches(selector, X509_get_subject_name(cert->x509));
}

const char *
cert_selector_sha256(const struct cert_selector *selector)
{
	return selector->sha256;
}

const char *
cert_selector_text(const struct cert_selector *selector)
{
	return selector->text;
}
