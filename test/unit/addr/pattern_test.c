/* Patterns of the rule file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "addr/addr.h"
#include "base/mem.h"

struct row {
	const char *pattern;
	const char *address;
	bool match;
};

static const struct row rows[] = {
	{ "a@b.example", "a@b.example", true },
	{ "A@B.Example", "a@b.example", true },
	{ "\"a\"@b", "a@b", true },
	{ "\"a b\"@c", "\"A b\"@c", true },
	{ "*@*", "a@b", true },
	{ "*@*", "\"a@b\"@[192.0.2.1]", true },
	{ "*@*", "", false },
	{ "*@*", "postmaster", false },
	{ "*@b.example", "a@b.example", true },
	{ "*@b.example", "a@B.EXAMPLE", true },
	{ "*@b.example", "a@c.b.example", false },
	{ "*@b.example", "a@b.example.net", false },
	{ "*@b.example", "a@ab.example", false },
	{ "*@b.example", "\"a@b.example\"@eve.example", false },
	{ "*@*.example", "a@b.example", true },
	{ "*@*.example", "a@c.b.example", true },
	{ "*@*.example", "a@example", false },
	{ "a*@b", "a@b", true },
	{ "a*@b", "abc@b", true },
	{ "a*@b", "ba@b", false },
	{ "*a@b", "aaa@b", true },
	{ "a?@b", "ab@b", true },
	{ "a?@b", "a@b", false },
	{ "a?@b", "abc@b", false },
	{ "?@b", "\xc3\xb6@b", true },
	{ "??@b", "\xc3\xb6@b", false },
	{ "j?rg@b", "j\xc3\xb6rg@b", true },
	{ "a*c*e@b", "abcde@b", true },
	{ "a*c*e@b", "abdce@b", true },
	{ "a*c*e@b", "abde@b", false },
	{ "*ab@c", "aab@c", true },
	{ "*a*b*@c", "xxaxxbxx@c", true },
	{ "**@**", "a@b", true },
	{ "*?@b", "a@b", true },
	{ "a@?", "a@b", true },
	{ "a@?", "a@b.c", false },
	{ "*@B\xc3\xbc"
	  "cher.example",
		"a@xn--bcher-kva.example", true },
	{ "*@*.b\xc3\xbc"
	  "cher.example",
		"a@mail.xn--bcher-kva.example", true },
	{ "*@xn--*.example",
		"a@b\xc3\xbc"
		"cher.example",
		true },
	{ "*@example.com", "a@ex\xd0\xb0mple.com", false },
	{ "*@[192.0.2.*]", "a@[192.0.2.7]", true },
	{ "*@[192.0.2.1]", "a@[192.0.2.1]", true },
	{ "a@b", "a@*", false },
	{ "a@b_c.example", "a@b_c.example", true },
};

static void
patterns_match_both_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct pattern *pattern = NULL;
		struct address *address = NULL;
		struct error err = { 0 };

		if (pattern_new(rows[i].pattern, &pattern, &err) != 0)
			fail_msg("%s", err.text);
		if (addr_parse_path(span_string(rows[i].address), &address,
			    &err) != 0) {
			/* "a@*": no address at all, so no match either. */
			assert_false(rows[i].match);
			pattern_free(pattern);
			continue;
		}
		if (pattern_match(pattern, address) != rows[i].match)
			fail_msg("%s: %s", rows[i].pattern, rows[i].address);
		assert_string_equal(pattern_text(pattern), rows[i].pattern);
		assert_int_equal(pattern_has_wildcard(pattern),
			strpbrk(rows[i].pattern, "*?") != NULL);
		pattern_free(pattern);
		address_free(address);
	}
}

static const struct {
	const char *pattern, *says;
} refused[] = {
	{ "*", "write *@*" },
	{ "", "has no @" },
	{ "alice", "has no @" },
	{ "example.com", "write *@example.com" },
	{ "@example.com", "write *@" },
	{ "alice@", "nothing behind the @" },
	{ "@", "nothing before the @" },
	{ "a@b@c", "more than one @ (is a comma missing" },
	{ "a@b.examplec@d.example", "more than one @ (is a comma missing" },
	{ "*@*@*", "more than one @" },
	{ " a@b", "before the @" },
	{ "a @b", "before the @" },
	{ "a,b@c", "before the @" },
	{ "<a@b>", "before the @" },
	{ "\"a@b", "more than one @|before the @" },
	{ "a@b ", "no domain has" },
	{ "a@b,c", "no domain has" },
	{ "a@b.", "empty label" },
	{ "a@.b", "empty label" },
	{ "a@b..c", "empty label" },
	{ "*@*..c", "empty label" },
	{ "*@*.", "empty label" },
	{ "*@*/c", "must be ASCII" },
	{ "*@b\xc3\xbc*.example", "must be ASCII" },
	{ "a@b\xfc", "UTF-8" },
	{ "*@*.b\xfc", "UTF-8" },
	{ "a\xfc@b", "before the @" },
};

static void
what_is_no_pattern_is_a_configuration_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct pattern *pattern = NULL;
		struct error err = { 0 };
		const char *says = refused[i].says;
		const char *other = strchr(says, '|');

		if (pattern_new(refused[i].pattern, &pattern, &err) == 0)
			fail_msg("taken: %s", refused[i].pattern);
		if (err.kind != ERROR_CONFIG)
			fail_msg("%s: kind %d", refused[i].pattern, err.kind);
		if (other == NULL ? strstr(err.text, says) == NULL
				  : strstr(err.text, other + 1) == NULL)
			fail_msg("%s: %s", refused[i].pattern, err.text);
	}
}

static void
a_long_pattern_is_refused(void **state)
{
	char text[ADDR_MAX_BYTES + 100];
	struct pattern *pattern = NULL;
	struct error err = { 0 };

	(void)state;
	memset(text, '*', sizeof(text));
	memcpy(text + sizeof(text) - 3, "@b", 3);
	assert_int_equal(pattern_new(text, &pattern, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
}

/* Exponential backtracking would never end here. */
static void
many_stars_are_matched_in_bounded_time(void **state)
{
	char text[ADDR_MAX_BYTES], address_text[ADDR_MAX_BYTES];
	struct pattern *pattern = NULL;
	struct address *address = NULL;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < 900; i++)
		text[i] = i % 2 ? '*' : 'a';
	strcpy(text + 900, "b@c");
	memset(address_text, 'a', 900);
	strcpy(address_text + 900, "@c");
	assert_int_equal(pattern_new(text, &pattern, &err), 0);
	assert_int_equal(addr_parse(address_text, &address, &err), 0);
	assert_false(pattern_match(pattern, address));
	pattern_free(pattern);
	address_free(address);
}

static const struct {
	const char *broad, *narrow;
	bool covers;
} covering[] = {
	{ "*@*", "a@b", true },
	{ "*@*", "*@*", true },
	{ "*@b", "a*@b", true },
	{ "a@b", "A@B", true },
	{ "?@b", "a@b", true },
	{ "?@b", "?@b", true },
	{ "*@*.b", "x?@c.*.b", true },
	{ "a*@b", "*@b", false },
	{ "?@b", "*@b", false },
	{ "a@b", "?@b", false },
	{ "*@b", "*@*", false },
	{ "*@b.c", "*@c", false },
};

static void
a_broad_pattern_covers_a_narrow_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(covering); i++) {
		struct pattern *broad = NULL, *narrow = NULL;

		assert_int_equal(
			pattern_new(covering[i].broad, &broad, NULL), 0);
		assert_int_equal(
			pattern_new(covering[i].narrow, &narrow, NULL), 0);
		if (pattern_covers(broad, narrow) != covering[i].covers)
			fail_msg(
				"%s %s", covering[i].broad, covering[i].narrow);
		pattern_free(broad);
		pattern_free(narrow);
	}
}

static const struct {
	const char *a, *b;
	bool meet;
} meeting[] = {
	{ "*@*", "a@b", true },
	{ "*@b", "a@*", true },
	{ "a*@b", "*c@b", true },
	{ "a*c@b", "*b*@b", true },
	{ "a?@b", "?c@b", true },
	{ "*?*@b", "a@B", true },
	{ "**a@b", "a@b", true },
	{ "a*@b", "a@b", true },
	{ "a@b", "c@b", false },
	{ "a*@b", "c*@b", false },
	{ "a?@b", "a@b", false },
	{ "*@b", "*@c", false },
	{ "*@*.b", "*@b", false },
	{ "*@*.b", "*@c.*", true },
	{ "*x?@b", "*xyz@b", false },
};

static void
patterns_meet_where_an_address_matches_both(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(meeting); i++) {
		struct pattern *a = NULL, *b = NULL;

		assert_int_equal(pattern_new(meeting[i].a, &a, NULL), 0);
		assert_int_equal(pattern_new(meeting[i].b, &b, NULL), 0);
		if (pattern_meets(a, b) != meeting[i].meet ||
			pattern_meets(b, a) != meeting[i].meet)
			fail_msg("%s and %s", meeting[i].a, meeting[i].b);
		pattern_free(a);
		pattern_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_both_parts),
		cmocka_unit_test(what_is_no_pattern_is_a_configuration_error),
		cmocka_unit_test(a_broad_pattern_covers_a_narrow_one),
		cmocka_unit_test(patterns_meet_where_an_address_matches_both),
		cmocka_unit_test(a_long_pattern_is_refused),
		cmocka_unit_test(many_stars_are_matched_in_bounded_time),
	};

	return cmocka_run_group_tests_name("addr/pattern", tests, NULL, NULL);
}
