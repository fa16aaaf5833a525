/* The filter (RFC 4515) that asks a directory for an address. */
#include <ldap.h>
#include <string.h>

#include "base/mem.h"
#include "store/ldap_internal.h"

enum { FILTER_MAX_BYTES = 64 * 1024 };

static const char place[] = "%s";

int
ldap_filter_escape(struct buf *out, struct span value, struct error *err)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = value.data[i];
		bool special = c == '\0' || c == '*' || c == '(' || c == ')' ||
			       c == '\\';

		/* Not ASCII: UTF-8 would do as it is, other bytes would not. */
		if (special || c < 0x20 || c >= 0x7f) {
			if (buf_add_format(out, err, "\\%02x", c) != 0)
				return -1;
		} else if (buf_add(out, &c, 1, err) != 0) {
			return -1;
		}
	}
	return 0;
}

static int
fill(const char *filter, struct span value, struct buf *out, struct error *err)
{
	const char *at = filter, *next;

	for (; (next = strstr(at, place)) != NULL; at = next + strlen(place))
		if (buf_add(out, at, (size_t)(next - at), err) != 0 ||
			ldap_filter_escape(out, value, err) != 0)
			return -1;
	return buf_add_string(out, at, err);
}

int
ldap_filter_make(const char *filter, const struct address *address,
	struct buf *out, struct error *err)
{
	char *other = addr_u_labels(address);
	int result = -1;

	if (other != NULL && buf_add_string(out, "(|", err) != 0)
		goto out;
	if (fill(filter, span_string(address->key), out, err) != 0)
		goto out;
	if (other != NULL && (fill(filter, span_string(other), out, err) != 0 ||
				     buf_add_string(out, ")", err) != 0))
		goto out;
	result = 0;
out:
	mem_free(other);
	return result;
}

/*
 * The library judges a filter when it makes a request of it, and only then
 * looks for the server: this one is nowhere.
 */
static bool
is_filter(const char *text)
{
	static const char nobody[] = "ldapi://%2Fdev%2Fnull";
	LDAP *ld = NULL;
	int id, code = LDAP_FILTER_ERROR;

	if (text[0] == '(' && ldap_initialize(&ld, nobody) == LDAP_SUCCESS)
		code = ldap_search_ext(ld, "", LDAP_SCOPE_BASE, text, NULL, 0,
			NULL, NULL, NULL, 0, &id);
	if (ld != NULL)
		ldap_unbind_ext(ld, NULL, NULL);
	return code != LDAP_FILTER_ERROR;
}

int
ldap_filter_check(const char *filter, struct error *err)
{
	struct address *address = NULL;
	struct buf text = { 0 };
	int result = -1;

	buf_init(&text, FILTER_MAX_BYTES);
	if (strstr(filter, place) == NULL) {
		error_set(err, ERROR_CONFIG,
			"filter: \"%s\" has no %%s for the address", filter);
		goto out;
	}
	if (addr_parse("a@b.example", &address, err) != 0 ||
		ldap_filter_make(filter, address, &text, err) != 0 ||
		buf_add(&text, "", 1, err) != 0)
		goto out;
	if (!is_filter((const char *)text.data)) {
		error_set(err, ERROR_CONFIG,
			"filter: \"%s\" is no filter of a directory "
			"(RFC 4515)",
			filter);
		goto out;
	}
	result = 0;
out:
	address_free(address);
	buf_clear(&text);
	return result;
}
