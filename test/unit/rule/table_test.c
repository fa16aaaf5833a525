/* Who stands in a table? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rule/rule.h"

static void
add(struct table *table, const char *name, const char *value)
{
	struct error err = { 0 };

	if (table_add(table, name, (void *)value, &err) != 0)
		fail_msg("%s", err.text);
}

static const char *
find(const struct table *table, const char *text)
{
	struct address *address = NULL;
	const char *value;
	struct error err = { 0 };

	if (addr_parse_path(span_string(text), &address, &err) != 0)
		fail_msg("%s", err.text);
	value = table_find(table, address);
	address_free(address);
	return value;
}

static const struct {
	const char *address, *value; /* NULL: nothing */
} finds[] = {
	{ "bob@partner.example", "bob" },
	{ "BOB@Partner.Example", "bob" },
	{ "\"bob\"@partner.example", "bob" },
	{ "\"bob smith\"@partner.example", "smith" },
	{ "ann@partner.example", "domain" },
	{ "ann@mail.partner.example", "below" },
	{ "ann@a.b.partner.example", "below" },
	{ "ann@b\xc3\xbc"
	  "cher.example",
		"idn" },
	{ "ann@xn--bcher-kva.example", "idn" },
	{ "ann@B\xc3\x9c"
	  "CHER.example",
		"idn" },
	{ "\xc3\xa4nn@partner.example", "utf8" },
	{ "ann@partner.example.net", NULL },
	{ "ann@xpartner.example", NULL },
	{ "\"bob@partner.example\"@x.example", NULL },
	{ "\"x@partner.example\"@x.example", NULL },
	{ "postmaster", NULL },
	{ "", NULL },
	{ "ann@[192.0.2.1]", "literal" },
};

static void
the_narrowest_name_is_found(void **state)
{
	struct table *table = table_new();

	(void)state;
	add(table, "partner.example", "domain");
	add(table, ".partner.example", "below");
	add(table, "bob@partner.example", "bob");
	add(table, "\"bob smith\"@partner.example", "smith");
	add(table,
		"*@b\xc3\xbc"
		"cher.example",
		"idn");
	add(table, "\xc3\xa4nn@partner.example", "utf8");
	add(table, "@[192.0.2.1]", "literal");
	for (size_t i = 0; i < COUNT_OF(finds); i++) {
		const char *value = find(table, finds[i].address);

		if ((value == NULL) != (finds[i].value == NULL) ||
			(value != NULL && strcmp(value, finds[i].value) != 0))
			fail_msg("%s: %s", finds[i].address, value);
	}
	add(table, "*", "all");
	assert_string_equal(find(table, "x@y.example"), "all");
	assert_string_equal(find(table, "ann@partner.example"), "domain");
	assert_null(find(table, "postmaster"));
	table_free(table);
}

static const char *const refused[] = { "", "@", "b*@partner.example", "?@x.y",
	"*@*.example.*", "a@b@c", "a b@c.example", "b..c@", "*x", "@*",
	/* twice, in whatever way it is written */
	"partner.example", "@Partner.example", "*@PARTNER.EXAMPLE",
	"Bob@partner.example", "*.below.example", "*@*" };

static void
what_is_no_name_or_stands_twice_is_refused(void **state)
{
	struct table *table = table_new();

	(void)state;
	add(table, "partner.example", "x");
	add(table, "bob@partner.example", "x");
	add(table, ".below.example", "x");
	add(table, "*", "x");
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct error err = { 0 };

		if (table_add(table, refused[i], (void *)"y", &err) == 0)
			fail_msg("%s", refused[i]);
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
	assert_int_equal(table_count(table), 4);
	table_free(table);
}

static void
a_hundred_thousand_names_are_all_found(void **state)
{
	enum { COUNT = 100000 };
	struct table *table = table_new();
	char name[64];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "u%d@d%d.example", i, i % 1000);
		add(table, name, "x");
	}
	assert_int_equal(table_count(table), COUNT);
	for (int i = 0; i < COUNT; i += 7) {
		snprintf(name, sizeof(name), "u%d@d%d.example", i, i % 1000);
		assert_non_null(find(table, name));
		snprintf(name, sizeof(name), "v%d@d%d.example", i, i % 1000);
		assert_null(find(table, name));
	}
	table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_narrowest_name_is_found),
		cmocka_unit_test(what_is_no_name_or_stands_twice_is_refused),
		cmocka_unit_test(a_hundred_thousand_names_are_all_found),
	};

	return cmocka_run_group_tests_name("rule/table", tests, NULL, NULL);
}
