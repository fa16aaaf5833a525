/* Names of people and authorities. */
#include <string.h>

#include "base/mem.h"
#include "ca/internal.h"

enum { VALUE_MAX_BYTES = 512 };

static bool
is_printable(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	return true;
}

int
name_add(X509_NAME *name, int nid, const char *value, struct error *err)
{
	int type = nid == NID_pkcs9_emailAddress || nid == NID_countryName ||
				   nid == NID_domainComponent
			   ? MBSTRING_ASC
			   : MBSTRING_UTF8;

	if (value == NULL)
		return 0;
	crypto_begin();
	if (value[0] == '\0' || strlen(value) > VALUE_MAX_BYTES ||
		!is_printable(value))
		return error_set(err, ERROR_CONFIG,
			"the name's %s is empty, too long, or holds control "
			"characters",
			OBJ_nid2sn(nid));
	if (X509_NAME_add_entry_by_NID(name, nid, type,
		    (const unsigned char *)value, -1, -1, 0) == 1)
		return 0;
	return crypto_fail(err, ERROR_CONFIG, "the name's %s \"%s\" cannot be",
		OBJ_nid2sn(nid), value);
}

static const struct {
	const char *word;
	int nid;
} attributes[] = { { "O", NID_organizationName },
	{ "OU", NID_organizationalUnitName }, { "C", NID_countryName },
	{ "ST", NID_stateOrProvinceName }, { "L", NID_localityName },
	{ "DC", NID_domainComponent }, { "GN", NID_givenName },
	{ "SN", NID_surname }, { "emailAddress", NID_pkcs9_emailAddress },
	{ "E", NID_pkcs9_emailAddress } };

static int
add_one(X509_NAME *name, struct span word, const char *value, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(attributes); i++)
		if (span_is_nocase(word, attributes[i].word))
			return name_add(name, attributes[i].nid, value, err);
	return error_set(err, ERROR_CONFIG,
		"\"%.*s\" is no part of a name here: O, OU, C, ST, L, DC, GN, "
		"SN and E are",
		(int)(word.len < 40 ? word.len : 40), (const char *)word.data);
}

/* Up to a comma that has no backslash before it. */
static const char *
read_value(const char *at, char *out)
{
	for (; *at != '\0' && *at != ','; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		*out++ = *at;
	}
	while (out[-1] == ' ')
		out--;
	*out = '\0';
	return *at == ',' ? at + 1 : at;
}

int
name_add_text(X509_NAME *name, const char *text, struct error *err)
{
	int result = 0;

	while (result == 0 && text != NULL && *text != '\0') {
		const char *equal = strchr(text, '=');
		char *value;

		if (equal == NULL)
			return error_set(err, ERROR_CONFIG,
				"\"%s\": a name is written as "
				"\"O=Example GmbH, C=DE\"",
				text);
		/* A guard in front of what blanks are cut from. */
		value = mem_alloc(strlen(equal) + 2);
		value[0] = '=';
		struct span word =
			span_trim(span_of(text, (size_t)(equal - text)));
		text = read_value(
			equal + 1 + strspn(equal + 1, " "), value + 1);
		result = add_one(name, word, value + 1, err);
		mem_free(value);
	}
	return result;
}
