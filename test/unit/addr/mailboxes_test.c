/* From, To and Cc: what a signature or a key hangs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "addr/addr.h"
#include "base/mem.h"

struct row {
	const char *label;
	const char *in;
	const char *keys; /* each with a blank behind it */
};

static const struct row good[] = {
	{ "plain", " a@b.example", "a@b.example " },
	{ "brackets", "<a@b>", "a@b " },
	{ "display name", "Ann Other <a@b>", "a@b " },
	{ "quoted display name", "\"Other, Ann\" <a@b>", "a@b " },
	{ "comment behind", "a@b (Ann Other)", "a@b " },
	{ "nested comment", "(a (b (c\\) d) e)) a@b", "a@b " },
	{ "two", "a@b, Ann <c@d>", "a@b c@d " },
	{ "fold with CRLF", "Ann\r\n <a@b>,\r\n\tc@d", "a@b c@d " },
	{ "fold with LF", " Ann\n <a@b>,\n\tc@d", "a@b c@d " },
	{ "line end behind", "a@b\r\n", "a@b " },
	{ "encoded word", "=?utf-8?Q?J=C3=B6rg?= <a@b>", "a@b " },
	{ "encoded word in a comment", "a@b (=?utf-8?Q?J=C3=B6rg?=)", "a@b " },
	{ "group", "Team: a@b, Ann <c@d>;", "a@b c@d " },
	{ "empty group", "undisclosed-recipients:;", "" },
	{ "group beside mailboxes", "a@b, Team: c@d;, e@f", "a@b c@d e@f " },
	{ "quoted local part", "\"a b\"@c", "\"a b\"@c " },
	{ "domain literal", "<a@[192.0.2.1]>", "a@[192.0.2.1] " },
	{ "UTF-8 name", "J\xc3\xb6rg <a@b>", "a@b " },
	{ "UTF-8 address",
		"<j\xc3\xb6rg@b\xc3\xbc"
		"cher.example>",
		"j\xc3\xb6rg@xn--bcher-kva.example " },
};

static const struct row odd[] = {
	{ "blanks around dot and @", "a . b @ c . d", "a.b@c.d " },
	{ "comments everywhere", "(1)a(2).(3)b(4)@(5)c(6).(7)d(8)",
		"a.b@c.d " },
	{ "name with dots", "J. R. Other Jr. <a@b>", "a@b " },
	{ "the address as the name", "a@b <A@B>, c@d<c@d>", "a@b c@d " },
	{ "name that starts with a dot", ". <a@b>", "a@b " },
	{ "name and no blank", "Ann<a@b>", "a@b " },
	{ "mixed words", "\"a\".b.\"c\"@d", "a.b.c@d " },
	{ "empty elements", ", ,a@b,, c@d,", "a@b c@d " },
	{ "empty elements in a group", "G:,a@b,,;", "a@b " },
	{ "source route", "<@x,@y:a@b>", "a@b " },
	{ "source route with empty elements", "<,@x, ,@y:a@b>", "a@b " },
	{ "Latin-1 name", "J\xf6rg <a@b>", "a@b " },
	{ "control character in a quoted name", "\"\x01\" <a@b>", "a@b " },
	{ "empty quoted name", "\"\" <a@b>", "a@b " },
	{ "fold inside quotes", "\"A\r\n B\" <a@b>", "a@b " },
	{ "fold inside the local part", "\"a\r\n b\"@c", "\"a b\"@c " },
	{ "blanks in the brackets", "< a@b >", "a@b " },
	{ "comment in the brackets", "<(c)a@b(c)>", "a@b " },
	{ "blanks in a literal", "a@[ 192.0.2.1\r\n ]", "a@[192.0.2.1] " },
	{ "blank folds", "a@b,\r\n \r\n c@d", "a@b c@d " },
	{ "address in the comment", "eve@x (alice@example.com)", "eve@x " },
	{ "address in the quoted name", "\"alice@example.com\" <eve@x>",
		"eve@x " },
	{ "address in an encoded word",
		"=?utf-8?B?YWxpY2VAZXhhbXBsZS5jb20=?= <eve@x>", "eve@x " },
	{ "address in an encoded word, as Q",
		"=?utf-8?Q?=3Calice=40example.com=3E?= <eve@x>", "eve@x " },
	{ "parentheses in quotes", "\"(\" <a@b>", "a@b " },
	{ "quote in a comment", "(\") a@b", "a@b " },
	{ "same twice", "a@b, a@b", "a@b a@b " },
};

struct refused {
	const char *label;
	const char *in;
	const char *keys; /* read before the error */
	size_t len;	  /* 0: strlen */
};

static const struct refused refused[] = {
	{ "nothing", "", "", 0 },
	{ "blanks", " \r\n ", "", 0 },
	{ "only commas", ",,", "", 0 },
	{ "only a comment", "(a@b)", "", 0 },
	{ "name without address", "Ann", "", 0 },
	{ "name behind a mailbox", "a@b, Ann", "a@b ", 0 },
	{ "null path", "<>", "", 0 },
	{ "junk behind the brackets", "<a@b> c", "a@b ", 0 },
	{ "address behind the brackets", "<a@b> <c@d>", "a@b ", 0 },
	{ "two without a comma", "a@b c@d", "a@b ", 0 },
	{ "glued addresses", "a@b@c", "a@b ", 0 },
	{ "another address as the name", "alice@example.com <eve@x>",
		"alice@example.com eve@x ", 0 },
	{ "a name behind the address as the name", "a@b c <a@b>", "a@b ", 0 },
	{ "@ in a raw encoded word", "=?utf-8?Q?alice@example.com?= <eve@x>",
		"", 0 },
	{ "comma in the name", "Other, Ann <a@b>", "", 0 },
	{ "semicolon between", "a@b; c@d", "a@b ", 0 },
	{ "semicolon without group", "a@b;", "a@b ", 0 },
	{ "group without end", "G: a@b", "a@b ", 0 },
	{ "group in a group", "G: H: a@b;;", "", 0 },
	{ "group without name", ": a@b;", "", 0 },
	{ "junk behind a group", "G: a@b; c@d", "a@b ", 0 },
	{ "open bracket", "<a@b", "", 0 },
	{ "close bracket", "a@b>", "a@b ", 0 },
	{ "bracket in brackets", "<<a@b>>", "", 0 },
	{ "comment without end", "a@b (c", "", 0 },
	{ "comment end alone", "a@b )", "a@b ", 0 },
	{ "comment that ends in a backslash", "a@b (\\", "", 0 },
	{ "quotes without end", "\"Ann <a@b>", "", 0 },
	{ "quotes that end in a backslash", "\"Ann\\", "", 0 },
	{ "words before the @", "Ann a@b", "", 0 },
	{ "word behind a quoted word", "\"a\" b@c", "", 0 },
	{ "two dots", "a..b@c", "", 0 },
	{ "dot first", ".a@b", "", 0 },
	{ "dot before the @", "a.@b", "", 0 },
	{ "empty label", "a@b..c", "", 0 },
	{ "dot behind the domain", "a@b.", "", 0 },
	{ "dot before the domain", "a@.b", "", 0 },
	{ "no domain", "a@", "", 0 },
	{ "no local part", "@b", "", 0 },
	{ "blank in the domain", "a@b c", "a@b ", 0 },
	{ "brackets in the name", "[List] <a@b>", "", 0 },
	{ "NUL", "a@b\0", "a@b ", 4 },
	{ "NUL in a comment", "(\0) a@b", "", 7 },
	{ "NUL in quotes", "\"\0\" <a@b>", "", 9 },
	{ "quoted NUL", "\"\\\0\" <a@b>", "", 10 },
	{ "quoted NUL in a comment", "(\\\0) a@b", "", 8 },
	{ "NUL in the name", "Ann\0 <a@b>", "", 10 },
	{ "bare CR", "Ann\r <a@b>", "", 0 },
	{ "bare CR in quotes", "\"A\rB\" <a@b>", "", 0 },
	{ "line end that is no fold", "a@b,\nc@d", "a@b ", 0 },
	{ "header smuggled in a comment", "(\r\nFrom: eve@x) a@b", "", 0 },
	{ "header smuggled in quotes", "\"\nFrom: eve@x\" <a@b>", "", 0 },
	{ "control character in the local part", "\"\x01\"@b", "", 0 },
	{ "control character in an atom", "\x01@b", "", 0 },
	{ "Latin-1 local part", "j\xf6rg@b", "", 0 },
	{ "Latin-1 domain", "a@b\xf6", "", 0 },
	{ "literal without end", "a@[192.0.2.1", "", 0 },
	{ "comment in a literal", "a@[(c)192.0.2.1]", "", 0 },
	{ "route without colon", "<@x a@b>", "", 0 },
};

static char *
keys_of(const struct list *list)
{
	char *keys = mem_string("");
	const struct address *address;

	LIST_FOREACH (address, list) {
		char *more = mem_printf("%s%s ", keys, address->key);

		mem_free(keys);
		keys = more;
	}
	return keys;
}

static void
accept_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct list found = { 0 };
		struct error err = { 0 };
		char *keys;

		if (addr_parse_mailboxes(span_string(rows[i].in), &found, &err))
			fail_msg("%s: %s", rows[i].label, err.text);
		keys = keys_of(&found);
		if (strcmp(keys, rows[i].keys) != 0)
			fail_msg("%s: %s", rows[i].label, keys);
		mem_free(keys);
		list_clear(&found, address_free);
	}
}

static void
mailboxes_are_read(void **state)
{
	(void)state;
	accept_rows(good, COUNT_OF(good));
}

static void
odd_mailboxes_are_read(void **state)
{
	(void)state;
	accept_rows(odd, COUNT_OF(odd));
}

static void
what_cannot_be_read_surely_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		const struct refused *row = &refused[i];
		struct list found = { 0 };
		struct error err = { 0 };
		struct span in =
			span_of(row->in, row->len ? row->len : strlen(row->in));
		char *keys;

		if (addr_parse_mailboxes(in, &found, &err) == 0)
			fail_msg("%s: taken", row->label);
		if (err.kind != ERROR_FORMAT)
			fail_msg("%s: kind %d", row->label, err.kind);
		keys = keys_of(&found);
		if (strcmp(keys, row->keys) != 0)
			fail_msg("%s: %s", row->label, keys);
		mem_free(keys);
		list_clear(&found, address_free);
	}
}

static void
errors_never_quote_the_field(void **state)
{
	struct list found = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		addr_parse_mailboxes(SPAN("Secret words"), &found, &err), -1);
	assert_null(strstr(err.text, "Secret"));
	list_clear(&found, address_free);
}

static void
the_list_is_appended_to(void **state)
{
	struct list found = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(addr_parse_mailboxes(SPAN("a@b"), &found, &err), 0);
	assert_int_equal(addr_parse_mailboxes(SPAN("c@d"), &found, &err), 0);
	assert_int_equal(found.count, 2);
	list_clear(&found, address_free);
}

static void
a_field_has_a_limit_of_addresses(void **state)
{
	struct buf text = { 0 };
	struct list found = { 0 };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ADDR_LIST_MAX; i++)
		assert_int_equal(buf_add_string(&text, "a@b,", &err), 0);
	assert_int_equal(
		addr_parse_mailboxes(buf_span(&text), &found, &err), 0);
	assert_int_equal(found.count, ADDR_LIST_MAX);
	list_clear(&found, address_free);
	assert_int_equal(buf_add_string(&text, "c@d", &err), 0);
	assert_int_equal(
		addr_parse_mailboxes(buf_span(&text), &found, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(found.count, ADDR_LIST_MAX);
	list_clear(&found, address_free);
	buf_clear(&text);
}

/* A megabyte of each: deep nesting and long words neither recurse nor
 * overflow. */
static void
hostile_fields_are_read_in_one_go(void **state)
{
	static const char *const unit[] = { "(", "\"", "\\", "<", "a.", "a ",
		"@", ",", "a@", "\"a\".", "(a)", "\r\n ", "G:", "@a,", "[" };
	static const char *const front[] = { "", "(", "\"", "a@[", "<@", "<" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(unit) * COUNT_OF(front); i++) {
		struct buf text = { 0 };
		struct list found = { 0 };
		struct error err = { 0 };

		assert_int_equal(
			buf_add_string(&text, front[i % COUNT_OF(front)], &err),
			0);
		while (text.len < 1000000)
			assert_int_equal(
				buf_add_string(
					&text, unit[i / COUNT_OF(front)], &err),
				0);
		assert_int_equal(
			addr_parse_mailboxes(buf_span(&text), &found, &err),
			-1);
		list_clear(&found, address_free);
		buf_clear(&text);
	}
}

static void
a_long_display_name_does_no_harm(void **state)
{
	struct buf text = { 0 };
	struct list found = { 0 };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(buf_add_string(&text, "Ann ", &err), 0);
	assert_int_equal(buf_add_string(&text, "<a@b>", &err), 0);
	assert_int_equal(
		addr_parse_mailboxes(buf_span(&text), &found, &err), 0);
	assert_int_equal(found.count, 1);
	list_clear(&found, address_free);
	buf_clear(&text);
}

static void
a_long_address_in_a_field_is_a_limit(void **state)
{
	char text[ADDR_MAX_BYTES + 100];
	struct list found = { 0 };
	struct error err = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 3, "@b", 3);
	assert_int_equal(
		addr_parse_mailboxes(span_string(text), &found, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	list_clear(&found, address_free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailboxes_are_read),
		cmocka_unit_test(odd_mailboxes_are_read),
		cmocka_unit_test(what_cannot_be_read_surely_is_an_error),
		cmocka_unit_test(errors_never_quote_the_field),
		cmocka_unit_test(the_list_is_appended_to),
		cmocka_unit_test(a_field_has_a_limit_of_addresses),
		cmocka_unit_test(hostile_fields_are_read_in_one_go),
		cmocka_unit_test(a_long_display_name_does_no_harm),
		cmocka_unit_test(a_long_address_in_a_field_is_a_limit),
	};

	return cmocka_run_group_tests_name("addr/mailboxes", tests, NULL, NULL);
}
