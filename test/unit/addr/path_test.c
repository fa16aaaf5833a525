/* Single addresses: envelope, settings, certificates; and what is equal. */
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
	const char *text;
	const char *key;
};

static const struct row paths_good[] = {
	{ "plain", "<a@b.example>", "a@b.example", "a@b.example" },
	{ "without brackets", "a@b.example", "a@b.example", "a@b.example" },
	{ "null sender", "<>", "", "" },
	{ "null sender without brackets", "", "", "" },
	{ "upper case", "<Ann@B.Example>", "Ann@B.Example", "ann@b.example" },
	{ "all of atext", "<!#$%&'*+-/=?^_`{|}~@b>", "!#$%&'*+-/=?^_`{|}~@b",
		"!#$%&'*+-/=?^_`{|}~@b" },
	{ "needless quotes", "<\"a.b\"@c>", "\"a.b\"@c", "a.b@c" },
	{ "needless backslash", "<\"\\a\"@c>", "\"\\a\"@c", "a@c" },
	{ "quotes that are needed", "<\"A b\"@c>", "\"A b\"@c", "\"a b\"@c" },
	{ "quotes inside quotes", "<\"a\\\"b\\\\c\"@d>", "\"a\\\"b\\\\c\"@d",
		"\"a\\\"b\\\\c\"@d" },
	{ "an @ in quotes", "<\"a@b\"@c>", "\"a@b\"@c", "\"a@b\"@c" },
	{ "empty quoted string", "<\"\"@c>", "\"\"@c", "\"\"@c" },
	{ "IPv4 literal", "<a@[192.0.2.1]>", "a@[192.0.2.1]", "a@[192.0.2.1]" },
	{ "IPv6 literal", "<a@[IPv6:2001:DB8::1]>", "a@[IPv6:2001:DB8::1]",
		"a@[ipv6:2001:db8::1]" },
	{ "U-label",
		"<a@B\xc3\xbc"
		"cher.example>",
		"a@B\xc3\xbc"
		"cher.example",
		"a@xn--bcher-kva.example" },
	{ "A-label", "<a@XN--BCHER-KVA.example>", "a@XN--BCHER-KVA.example",
		"a@xn--bcher-kva.example" },
	{ "sharp s is not ss",
		"<a@stra\xc3\x9f"
		"e.example>",
		"a@stra\xc3\x9f"
		"e.example",
		"a@xn--strae-oqa.example" },
	{ "decomposed letter",
		"<a@bu\xcc\x88"
		"cher.example>",
		"a@bu\xcc\x88"
		"cher.example",
		"a@xn--bcher-kva.example" },
	{ "UTF-8 local part", "<J\xc3\xb6RG@b>", "J\xc3\xb6RG@b",
		"j\xc3\xb6rg@b" },
};

static const struct row paths_odd[] = {
	{ "source route", "<@a.example,@b.example:c@d>", "c@d", "c@d" },
	{ "bare local part", "postmaster", "postmaster", "postmaster" },
	{ "bare local part in brackets", "<Postmaster>", "Postmaster",
		"postmaster" },
	{ "two dots", "<a..b@c>", "a..b@c", "a..b@c" },
	{ "two dots in quotes", "<\"a..b\"@c>", "\"a..b\"@c", "a..b@c" },
	{ "dot before the @", "<a.@c>", "a.@c", "a.@c" },
	{ "underscore in the domain", "<a@b_c.example>", "a@b_c.example",
		"a@b_c.example" },
	{ "A-label of no IDN", "<a@xn--i-7iq.example>", "a@xn--i-7iq.example",
		"a@xn--i-7iq.example" },
	{ "percent and exclamation mark", "<a%b!c@d>", "a%b!c@d", "a%b!c@d" },
	{ "numbers only", "<1@2>", "1@2", "1@2" },
};

struct refused {
	const char *label;
	const char *in;
	size_t len; /* 0: strlen */
};

static const struct refused paths_refused[] = {
	{ "open bracket only", "<a@b", 0 },
	{ "close bracket only", "a@b>", 0 },
	{ "blank inside the brackets", "< >", 0 },
	{ "one bracket", "<", 0 },
	{ "blank before", " a@b", 0 },
	{ "blank inside", "<a @b>", 0 },
	{ "comment", "<a(c)@b>", 0 },
	{ "two @", "<a@b@c>", 0 },
	{ "two glued addresses", "a@b.examplec@d.example", 0 },
	{ "two brackets", "<a@b><c@d>", 0 },
	{ "parameters", "<a@b> SIZE=1", 0 },
	{ "no local part", "<@b>", 0 },
	{ "no domain", "<a@>", 0 },
	{ "empty label", "<a@b..c>", 0 },
	{ "dot at the end", "<a@b.>", 0 },
	{ "dot at the start", "<a@.b>", 0 },
	{ "comma", "a@b,c@d", 0 },
	{ "slash in the domain", "a@b/c", 0 },
	{ "percent in the domain", "a@b%c", 0 },
	{ "literal without end", "a@[192.0.2.1", 0 },
	{ "empty literal", "a@[]", 0 },
	{ "something behind a literal", "a@[192.0.2.1].b", 0 },
	{ "something in front of a literal", "a@b[192.0.2.1]", 0 },
	{ "quoted string without end", "\"a@b", 0 },
	{ "quoted string with only a backslash", "\"a\\\"@b", 0 },
	{ "quoted string beside an atom", "\"a\"b@c", 0 },
	{ "NUL", "a\0b@c", 5 },
	{ "NUL in the domain", "a@b\0c", 5 },
	{ "NUL in quotes", "\"\0\"@b", 5 },
	{ "tab in quotes", "\"\t\"@b", 0 },
	{ "line end in quotes", "\"a\n b\"@c", 0 },
	{ "line end behind", "a@b\n", 0 },
	{ "DEL", "a\x7f@b", 0 },
	{ "Latin-1", "a\xfc@b", 0 },
	{ "overlong UTF-8", "a\xc0\xaf@b", 0 },
	{ "overlong UTF-8 of three", "a\xe0\x80\xaf@b", 0 },
	{ "a surrogate", "a\xed\xa0\x80@b", 0 },
	{ "beyond Unicode", "a\xf4\x90\x80\x80@b", 0 },
	{ "half a sequence", "a\xc3@b", 0 },
	{ "Latin-1 in the domain", "a@b\xfc", 0 },
	{ "full-width @ in the domain",
		"a@b\xef\xbc\xa0"
		"c",
		0 },
	{ "heart in the domain", "a@\xe2\x99\xa5", 0 },
	{ "route without colon", "<@a,@b>", 0 },
	{ "route without @", "<@a,b:c@d>", 0 },
};

static void
accept_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct address *address = NULL;
		struct error err = { 0 };

		if (addr_parse_path(span_string(rows[i].in), &address, &err))
			fail_msg("%s: %s", rows[i].label, err.text);
		if (strcmp(address->text, rows[i].text) != 0 ||
			strcmp(address->key, rows[i].key) != 0)
			fail_msg("%s: %s, %s", rows[i].label, address->text,
				address->key);
		address_free(address);
	}
}

static void
paths_are_read(void **state)
{
	(void)state;
	accept_rows(paths_good, COUNT_OF(paths_good));
}

static void
odd_paths_are_read(void **state)
{
	(void)state;
	accept_rows(paths_odd, COUNT_OF(paths_odd));
}

static void
what_is_no_path_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths_refused); i++) {
		const struct refused *row = &paths_refused[i];
		struct address *address = NULL;
		struct error err = { 0 };
		struct span in =
			span_of(row->in, row->len ? row->len : strlen(row->in));

		if (addr_parse_path(in, &address, &err) == 0)
			fail_msg("%s: taken as %s", row->label, address->key);
		if (err.kind != ERROR_FORMAT)
			fail_msg("%s: kind %d", row->label, err.kind);
	}
}

static void
a_setting_is_local_part_at_domain_and_nothing_else(void **state)
{
	static const char *const bad[] = { "", "<a@b>", "postmaster", "@a:b@c",
		"A <a@b>", " a@b", "a@b ", "<>" };
	struct address *address = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(addr_parse("A@B", &address, &err), 0);
	assert_string_equal(address->key, "a@b");
	address_free(address);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		err.kind = ERROR_NONE;
		if (addr_parse(bad[i], &address, &err) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.kind, ERROR_FORMAT);
	}
}

static void
long_addresses_have_a_limit(void **state)
{
	char text[4 * ADDR_MAX_BYTES];
	struct address *address = NULL;
	struct error err = { 0 };

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + ADDR_MAX_BYTES - 2, "@b", 3);
	assert_int_equal(addr_parse(text, &address, &err), 0);
	address_free(address);
	memset(text, 'a', sizeof(text));
	memcpy(text + ADDR_MAX_BYTES - 1, "@b", 3);
	assert_int_equal(addr_parse(text, &address, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 3, "@b", 3);
	assert_int_equal(addr_parse(text, &address, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
}

static void
long_labels_are_refused(void **state)
{
	char text[80] = "a@";
	struct address *address = NULL;
	struct error err = { 0 };

	(void)state;
	memset(text + 2, 'b', 63);
	assert_int_equal(addr_parse(text, &address, &err), 0);
	address_free(address);
	memset(text + 2, 'b', 64);
	assert_int_equal(addr_parse(text, &address, &err), -1);
	assert_int_equal(err.kind, ERROR_FORMAT);
}

struct pair {
	const char *label, *a, *b;
	bool equal;
};

static const struct pair pairs[] = {
	{ "case of both parts", "Ann@Example.COM", "ann@example.com", true },
	{ "quotes", "\"ann\"@example.com", "ann@example.com", true },
	{ "U-label and A-label",
		"a@b\xc3\xbc"
		"cher.example",
		"a@xn--bcher-kva.example", true },
	{ "ideographic full stop",
		"a@b\xe3\x80\x82"
		"example",
		"a@b.example", true },
	{ "another local part", "ann@example.com", "anna@example.com", false },
	{ "a subdomain", "a@example.com", "a@mail.example.com", false },
	{ "a longer domain", "a@example.com", "a@example.com.net", false },
	{ "Cyrillic a in the domain", "a@ex\xd0\xb0mple.com", "a@example.com",
		false },
	{ "Cyrillic a in the local part", "\xd0\xb0nn@b", "ann@b", false },
	{ "Greek omicron", "a@g\xce\xbf\xce\xbfgle.example", "a@google.example",
		false },
	{ "dotless i", "a@exampl\xc4\xb1.example", "a@exampli.example", false },
	{ "sharp s and ss",
		"a@stra\xc3\x9f"
		"e.example",
		"a@strasse.example", false },
	{ "UTF-8 letters keep their case", "\xc3\x96@b", "\xc3\xb6@b", false },
	{ "composed and not", "\xc3\xb6@b", "o\xcc\x88@b", false },
	{ "plus parts", "a+b@c", "a@c", false },
	{ "dots", "a.b@c", "ab@c", false },
	{ "an @ in quotes", "\"a@b\"@c", "a@b", false },
};

static void
equal_is_what_the_key_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct address *a = NULL, *b = NULL, *copy;
		struct error err = { 0 };

		if (addr_parse(pairs[i].a, &a, &err) != 0 ||
			addr_parse(pairs[i].b, &b, &err) != 0)
			fail_msg("%s: %s", pairs[i].label, err.text);
		if (addr_equal(a, b) != pairs[i].equal ||
			addr_equal(b, a) != pairs[i].equal)
			fail_msg("%s: %s, %s", pairs[i].label, a->key, b->key);
		copy = address_copy(a);
		assert_true(addr_equal(a, copy));
		address_free(a);
		address_free(b);
		address_free(copy);
	}
}

static void
an_a_label_domain_has_another_spelling(void **state)
{
	static const struct {
		const char *address, *other;
	} rows[] = {
		{ "Ann@xn--bcher-kva.example", "ann@b\xc3\xbc"
					       "cher.example" },
		{ "ann@b\xc3\xbc"
		  "cher.example",
			"ann@b\xc3\xbc"
			"cher.example" },
		{ "\"a@b\"@mail.xn--bcher-kva.example", "\"a@b\"@mail.b\xc3\xbc"
							"cher.example" },
		{ "ann@example.com", NULL },
		{ "ann@xn--i-7iq.example", "ann@i\xe2\x9d\xa4.example" },
		{ "ann@[192.0.2.1]", NULL },
		{ "postmaster", NULL },
		{ "<>", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct address *address = NULL;
		struct error err = { 0 };
		char *other;

		if (addr_parse_path(
			    span_string(rows[i].address), &address, &err) != 0)
			fail_msg("%s: %s", rows[i].address, err.text);
		other = addr_u_labels(address);
		if (rows[i].other == NULL
				? other != NULL
				: other == NULL ||
					  strcmp(other, rows[i].other) != 0)
			fail_msg("%s: %s", rows[i].address, other);
		mem_free(other);
		address_free(address);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_read),
		cmocka_unit_test(odd_paths_are_read),
		cmocka_unit_test(what_is_no_path_is_refused),
		cmocka_unit_test(
			a_setting_is_local_part_at_domain_and_nothing_else),
		cmocka_unit_test(long_addresses_have_a_limit),
		cmocka_unit_test(long_labels_are_refused),
		cmocka_unit_test(equal_is_what_the_key_says),
		cmocka_unit_test(an_a_label_domain_has_another_spelling),
	};

	return cmocka_run_group_tests_name("addr/path", tests, NULL, NULL);
}
