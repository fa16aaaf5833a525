/* What is compared of an address. */
#include "addr/internal.h"

#include <idn2.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* RFC 1035 2.3.4 */
enum { LABEL_MAX_BYTES = 63, DOMAIN_MAX_BYTES = 255 };

static int
lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

static void
lower_all(char *text)
{
	for (; *text != '\0'; text++)
		*text = (char)lower(*text);
}

/* Length of the UTF-8 sequence this byte begins (RFC 3629), 0: none. */
static size_t
sequence_len(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

bool
is_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p != '\0') {
		size_t len = sequence_len(*p);

		if (len == 0 || (*p == 0xe0 && p[1] < 0xa0) ||
			(*p == 0xed && p[1] > 0x9f) ||
			(*p == 0xf0 && p[1] < 0x90) ||
			(*p == 0xf4 && p[1] > 0x8f))
			return false;
		for (p++; len > 1; len--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static bool
needs_quotes(const char *bare)
{
	const unsigned char *p = (const unsigned char *)bare;

	if (*p == '\0')
		return true;
	for (; *p != '\0'; p++)
		if (!is_atext(*p) && *p != '.')
			return true;
	return false;
}

char *
local_key(const char *bare)
{
	char *key = mem_alloc(2 * strlen(bare) + 3), *to = key;
	bool quotes = needs_quotes(bare);

	if (quotes)
		*to++ = '"';
	for (; *bare != '\0'; bare++) {
		if (*bare == '"' || *bare == '\\')
			*to++ = '\\';
		*to++ = (char)lower(*bare);
	}
	if (quotes)
		*to++ = '"';
	return key;
}

static int
broken(const char *what, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "not an address: %s", what);
}

static bool
is_one_of(int c, const char *more)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr(more, c) != NULL);
}

/*
 * Letters, digits, hyphens, and the underscore that real mail has.  A dot at
 * the end is no part of a mail domain (RFC 5321 2.3.5 and 4.1.2, RFC 5322
 * 3.4.1), so it is an error and not taken off: an MTA may see another one.
 */
static int
check_ascii(const char *domain, struct error *err)
{
	size_t label = 0;

	if (strlen(domain) > DOMAIN_MAX_BYTES)
		return broken("a domain of more than 255 bytes", err);
	for (const char *p = domain;; p++) {
		if (*p == '.' || *p == '\0') {
			if (label == 0)
				return broken(
					"a domain with an empty label", err);
			if (label > LABEL_MAX_BYTES)
				return broken("a domain with a label of more "
					      "than 63 bytes",
					err);
			label = 0;
		} else if (is_one_of(*p, "-_")) {
			label++;
		} else {
			return broken("a character that no domain has", err);
		}
		if (*p == '\0')
			return 0;
	}
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 4.1.3) */
static int
check_literal(const char *domain, struct error *err)
{
	size_t len = strlen(domain);

	if (len < 3 || domain[len - 1] != ']')
		return broken("a broken domain literal", err);
	for (size_t i = 1; i < len - 1; i++)
		if (!is_one_of(domain[i], ".:-"))
			return broken("a broken domain literal", err);
	return 0;
}

/*
 * The A-label form (RFC 5891 5, mapped as UTS 46 says).  A name that is
 * ASCII and no good IDN ("xn--" and nonsense, or a heart) is still a name of
 * the DNS and compares as it stands; with other characters it is an error.
 */
static int
to_a_label(char **domain, struct error *err)
{
	uint8_t *found = NULL;
	int result = 0;

	if (idn2_lookup_u8((const uint8_t *)*domain, &found,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) {
		mem_free(*domain);
		*domain = mem_string((const char *)found);
		lower_all(*domain);
	} else if (!span_is_ascii(span_string(*domain))) {
		result = broken("a domain that is no good IDN", err);
	}
	idn2_free(found);
	return result;
}

int
domain_key(const char *domain, char **out, struct error *err)
{
	char *key = NULL;
	int result = -1;

	if (!is_utf8(domain))
		return broken("bytes that are not UTF-8", err);
	key = mem_string(domain);
	lower_all(key);
	if (key[0] == '[') {
		if (check_literal(key, err) != 0)
			goto out;
	} else {
		if ((!span_is_ascii(span_string(key)) ||
			    strstr(key, "xn--") != NULL) &&
			to_a_label(&key, err) != 0)
			goto out;
		/* Also what the mapping has made of other characters. */
		if (check_ascii(key, err) != 0)
			goto out;
	}
	*out = key;
	key = NULL;
	result = 0;
out:
	mem_free(key);
	return result;
}

char *
addr_u_labels(const struct address *address)
{
	const char *at = strrchr(address->key, '@');
	char *found = NULL, *key = NULL;

	if (at == NULL || idn2_to_unicode_8z8z(at + 1, &found, 0) != IDN2_OK)
		return NULL;
	if (strcmp(found, at + 1) != 0)
		key = mem_printf("%.*s@%s", (int)(at - address->key),
			address->key, found);
	idn2_free(found);
	return key;
}
