#include "addr/internal.h"

#include <string.h>

#include "base/mem.h"

void
address_free(void *address)
{
	struct address *a = address;

	if (a == NULL)
		return;
	mem_free(a->text);
	mem_free(a->key);
	mem_free(a);
}

struct address *
address_copy(const struct address *address)
{
	struct address *copy = mem_alloc(sizeof(*copy));

	copy->text = mem_string(address->text);
	copy->key = mem_string(address->key);
	return copy;
}

bool
addr_equal(const struct address *a, const struct address *b)
{
	return strcmp(a->key, b->key) == 0;
}

static struct reader
plain_reader(struct span text)
{
	return (struct reader){ text.data, text.data + text.len, true };
}

static struct address *
null_sender(void)
{
	struct address *address = mem_alloc(sizeof(*address));

	address->text = mem_string("");
	address->key = mem_string("");
	return address;
}

static int
junk(struct error *err)
{
	return error_set(err, ERROR_FORMAT,
		"not an address: something stands behind its end");
}

/* [route] local-part ["@" domain], and nothing behind it. */
static int
read_path(struct reader *reader, struct address **out, struct error *err)
{
	struct address *address = NULL;
	struct words local;

	if (reader_peek(reader) == '@' && reader_route(reader, err) != 0)
		return -1;
	if (words_read(reader, &local, err) != 0)
		return -1;
	if (reader_peek(reader) == '@') {
		if (reader_address(reader, &local, &address, err) != 0)
			return -1;
	} else if (words_address(&local, &address, err) != 0) {
		return -1;
	}
	if (reader_peek(reader) >= 0) {
		address_free(address);
		return junk(err);
	}
	*out = address;
	return 0;
}

int
addr_parse_path(struct span text, struct address **out, struct error *err)
{
	struct reader reader;

	if (text.len >= 2 && text.data[0] == '<' &&
		text.data[text.len - 1] == '>')
		text = span_of(text.data + 1, text.len - 2);
	if (text.len == 0) {
		*out = null_sender();
		return 0;
	}
	reader = plain_reader(text);
	return read_path(&reader, out, err);
}

int
addr_parse(const char *text, struct address **out, struct error *err)
{
	struct reader reader = plain_reader(span_string(text));
	struct address *address = NULL;
	struct words local;

	if (words_read(&reader, &local, err) != 0 ||
		reader_address(&reader, &local, &address, err) != 0)
		return -1;
	if (reader_peek(&reader) >= 0) {
		address_free(address);
		return junk(err);
	}
	*out = address;
	return 0;
}
