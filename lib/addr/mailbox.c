/* addr-spec, mailbox, group and list of RFC 5322 3.4 and 4.4. */
#include "addr/internal.h"

#include <string.h>

#include "base/mem.h"

static int
broken(const char *what, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "not an address: %s", what);
}

static int
too_long(struct error *err)
{
	return error_set(err, ERROR_LIMIT, "an address of more than %d bytes",
		ADDR_MAX_BYTES);
}

static int
check_local(const struct words *local, struct error *err)
{
	if (local->count == 0)
		return broken("nothing before the @", err);
	if (!local->is_local)
		return broken("words without a dot between them before the "
			      "@, or a dot too many",
			err);
	if (local->controls)
		return broken("a control character", err);
	if (local->too_long)
		return too_long(err);
	if (!is_utf8(local->text))
		return broken("bytes that are not UTF-8", err);
	return 0;
}

int
words_address(
	const struct words *local, struct address **out, struct error *err)
{
	struct address *address;

	if (check_local(local, err) != 0)
		return -1;
	address = mem_alloc(sizeof(*address));
	address->text = mem_string(local->text);
	address->key = local_key(local->bare);
	*out = address;
	return 0;
}

struct domain {
	char text[ADDR_MAX_BYTES + 1];
	size_t len;
};

static int
domain_add(struct domain *domain, int c, struct error *err)
{
	if (domain->len == ADDR_MAX_BYTES)
		return too_long(err);
	domain->text[domain->len++] = (char)c;
	return 0;
}

/* "[192.0.2.1]", "[IPv6:...]": blanks inside are dropped. */
static int
read_literal(struct reader *reader, struct domain *domain, struct error *err)
{
	for (;;) {
		int c = reader_peek(reader);

		if (!reader->plain &&
			(c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
			if (reader_skip(reader, err) != 0)
				return -1;
			continue;
		}
		if (c <= 32 || c >= 127 || c == '(')
			return broken("a domain literal without end", err);
		if (domain_add(domain, c, err) != 0)
			return -1;
		reader->next++;
		if (c == ']')
			return 0;
	}
}

static int
read_atoms(struct reader *reader, struct domain *domain, struct error *err)
{
	do {
		if (reader_skip(reader, err) != 0)
			return -1;
		if (!is_atext(reader_peek(reader)))
			return broken(
				"a domain with an empty label, or none", err);
		for (; is_atext(reader_peek(reader)); reader->next++)
			if (domain_add(domain, *reader->next, err) != 0)
				return -1;
		if (reader_skip(reader, err) != 0)
			return -1;
		if (reader_peek(reader) == '.' &&
			domain_add(domain, '.', err) != 0)
			return -1;
	} while (reader_take(reader, '.'));
	return 0;
}

static int
read_domain(struct reader *reader, struct domain *domain, struct error *err)
{
	int failed;

	domain->len = 0;
	if (reader_skip(reader, err) != 0)
		return -1;
	failed = reader_peek(reader) == '[' ? read_literal(reader, domain, err)
					    : read_atoms(reader, domain, err);
	domain->text[domain->len] = '\0';
	return failed;
}

int
reader_address(struct reader *reader, const struct words *local,
	struct address **out, struct error *err)
{
	struct address *address = NULL;
	char *local_part = NULL, *domain_part = NULL;
	struct domain domain;
	int result = -1;

	if (!reader_take(reader, '@'))
		return broken("it has no @", err);
	if (check_local(local, err) != 0 ||
		read_domain(reader, &domain, err) != 0)
		return -1;
	if (local->text_len + domain.len >= ADDR_MAX_BYTES)
		return too_long(err);
	if (domain_key(domain.text, &domain_part, err) != 0)
		goto out;
	local_part = local_key(local->bare);
	address = mem_alloc(sizeof(*address));
	address->text = mem_printf("%s@%s", local->text, domain.text);
	address->key = mem_printf("%s@%s", local_part, domain_part);
	*out = address;
	result = 0;
out:
	mem_free(local_part);
	mem_free(domain_part);
	return result;
}

/* "@a,@b:" in front of the address of a path. */
int
reader_route(struct reader *reader, struct error *err)
{
	struct domain hop;

	do {
		if (reader_skip(reader, err) != 0)
			return -1;
		if (reader_peek(reader) == ',')
			continue; /* obs-route: empty elements */
		if (!reader_take(reader, '@'))
			return broken("a source route without @", err);
		if (read_domain(reader, &hop, err) != 0 ||
			reader_skip(reader, err) != 0)
			return -1;
	} while (reader_take(reader, ','));
	return reader_take(reader, ':')
		       ? 0
		       : broken("a source route without a colon", err);
}

/* "<" has been seen: "<" [route] addr-spec ">" */
static int
read_angle(struct reader *reader, struct address **out, struct error *err)
{
	struct address *address = NULL;
	struct words local;

	reader->next++;
	if (reader_skip(reader, err) != 0)
		return -1;
	if ((reader_peek(reader) == '@' || reader_peek(reader) == ',') &&
		reader_route(reader, err) != 0)
		return -1;
	if (words_read(reader, &local, err) != 0 ||
		reader_address(reader, &local, &address, err) != 0)
		return -1;
	if (reader_skip(reader, err) != 0 || !reader_take(reader, '>')) {
		address_free(address);
		return broken("\"<\" without \">\"", err);
	}
	*out = address;
	return 0;
}

static int
append(struct list *out, struct address *address, size_t first,
	struct error *err)
{
	if (out->count - first >= ADDR_LIST_MAX) {
		address_free(address);
		return error_set(err, ERROR_LIMIT,
			"more than %d addresses in one field", ADDR_LIST_MAX);
	}
	list_add(out, address);
	return 0;
}

/*
 * "a@b <a@b>": a display name that should have been quoted, and that many
 * programs write so.  It is harmless as long as it is the same address.
 */
static int
read_named_by_itself(struct reader *reader, struct list *out, size_t first,
	struct error *err)
{
	const struct address *name = out->item[out->count - 1];
	struct address *address = NULL;

	if (reader_skip(reader, err) != 0)
		return -1;
	if (reader_peek(reader) != '<')
		return 0;
	if (read_angle(reader, &address, err) != 0)
		return -1;
	if (addr_equal(name, address)) {
		address_free(address);
		return 0;
	}
	if (append(out, address, first, err) != 0)
		return -1;
	return broken("a display name that is another address", err);
}

/*
 * One mailbox, appended to out, or a group's name with its colon: then
 * *in_group is set.  first is how many were in out before this field.
 */
static int
read_element(struct reader *reader, bool *in_group, struct list *out,
	size_t first, struct error *err)
{
	struct address *address = NULL;
	struct words words;

	if (words_read(reader, &words, err) != 0)
		return -1;
	switch (reader_peek(reader)) {
	case '@':
		if (reader_address(reader, &words, &address, err) != 0 ||
			append(out, address, first, err) != 0)
			return -1;
		return read_named_by_itself(reader, out, first, err);
	case '<':
		if (read_angle(reader, &address, err) != 0)
			return -1;
		return append(out, address, first, err);
	case ':':
		if (*in_group || words.count == 0)
			return broken("a colon at the wrong place", err);
		reader->next++;
		*in_group = true;
		return 0;
	}
	return broken("words without an @", err);
}

/* Behind a mailbox or a group comes a comma or the end. */
static int
expect_comma(const struct reader *reader, bool in_group, struct error *err)
{
	int c = reader_peek(reader);

	if (c < 0 || c == ',' || (in_group && c == ';'))
		return 0;
	return broken("something stands behind its end", err);
}

static int
read_list(struct reader *reader, struct list *out, struct error *err)
{
	bool in_group = false, was_group, found = false;
	size_t first = out->count;

	for (;;) {
		if (reader_skip(reader, err) != 0)
			return -1;
		if (reader_peek(reader) < 0)
			break;
		if (reader_take(reader, ',')) /* empty ones: obs-mbox-list */
			continue;
		was_group = in_group;
		if (in_group && reader_take(reader, ';'))
			in_group = false;
		else if (read_element(reader, &in_group, out, first, err) != 0)
			return -1;
		found = true;
		if (in_group && !was_group)
			continue;
		if (reader_skip(reader, err) != 0 ||
			expect_comma(reader, in_group, err) != 0)
			return -1;
	}
	if (in_group)
		return broken("a group without \";\"", err);
	return found ? 0 : broken("it is empty", err);
}

int
addr_parse_mailboxes(struct span value, struct list *out, struct error *err)
{
	struct reader reader = { value.data, value.data + value.len, false };

	return read_list(&reader, out, err);
}
