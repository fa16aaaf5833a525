/*
 * Streams cut off, changed, and with numbers that cannot be true: always a
 * message with a problem that says so, and what is sound is there.
 */
#include "../tnef_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static bool
has_problem(const struct tnef_message *message, const char *words)
{
	const char *problem;

	LIST_FOREACH (problem, &message->problems)
		if (strstr(problem, words) != NULL)
			return true;
	return false;
}

/* A copy of its own, so that a read behind its end is noticed. */
static struct tnef_message *
read_copy(struct span bytes, unsigned char **copy)
{
	*copy = mem_alloc(bytes.len);
	memcpy(*copy, bytes.data, bytes.len);
	return made_read(span_of(*copy, bytes.len));
}

static void
cut_off_at_every_byte_it_says_so(void **state UNUSED)
{
	struct buf bytes = { 0 };
	size_t silent = 0;

	made_sample(&bytes);
	for (size_t len = 4; len < bytes.len; len++) {
		unsigned char *copy;
		struct tnef_message *message =
			read_copy(span_of(bytes.data, len), &copy);

		silent += !message->is_incomplete;
		tnef_message_free(message);
		mem_free(copy);
	}
	/* Between two attributes nothing shows that more was to come. */
	assert_in_range(silent, 1, 23);
	buf_clear(&bytes);
}

static void
every_byte_may_be_any_other(void **state UNUSED)
{
	static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct buf bytes = { 0 };

	made_sample(&bytes);
	for (size_t i = 4; i < bytes.len; i++)
		for (size_t v = 0; v < COUNT_OF(values); v++) {
			unsigned char old = bytes.data[i];
			struct tnef_message *message;

			bytes.data[i] = values[v];
			message = made_read(buf_span(&bytes));
			tnef_message_free(message);
			bytes.data[i] = old;
		}
	buf_clear(&bytes);
}

static void
every_length_may_be_four_gigabytes(void **state UNUSED)
{
	struct buf bytes = { 0 };

	made_sample(&bytes);
	for (size_t i = 4; i + 4 <= bytes.len; i++) {
		struct tnef_message *message;
		unsigned char old[4];

		memcpy(old, bytes.data + i, sizeof(old));
		memset(bytes.data + i, 0xff, sizeof(old));
		message = made_read(buf_span(&bytes));
		tnef_message_free(message);
		memcpy(bytes.data + i, old, sizeof(old));
	}
	buf_clear(&bytes);
}

static void
a_wrong_checksum_is_a_problem_and_no_loss(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_begin(&bytes);
	made_attribute(&bytes, MADE_MESSAGE, ATT_SUBJECT, SPAN("Hello"));
	bytes.data[bytes.len - 1] ^= 1;
	message = made_read(buf_span(&bytes));
	assert_string_equal(message->subject, "Hello");
	assert_true(has_problem(message, "checksum"));
	assert_false(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
garbage_at_the_end_is_a_problem_and_no_loss(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_sample(&bytes);
	made_number(&bytes, 2, 0);
	message = made_read(buf_span(&bytes));
	assert_int_equal(message->items.count, 4);
	assert_int_equal(message->problems.count, 1);
	assert_false(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
much_garbage_may_be_what_is_lost(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_sample(&bytes);
	for (int i = 0; i < 100; i++)
		made_number(&bytes, 1, 0x55);
	message = made_read(buf_span(&bytes));
	assert_int_equal(message->items.count, 4);
	assert_true(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&bytes);
}

/* ---- limits ---- */

static struct tnef_message *
read_with(struct buf *bytes, const struct tnef_limits *limits)
{
	struct tnef_message *message = NULL;
	struct error err = { 0 };

	if (tnef_read(buf_span(bytes), limits, &message, &err) != 0)
		fail_msg("%s", err.text);
	return message;
}

static void
no_more_attachments_than_the_limit(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_begin(&bytes);
	for (int i = 0; i < 5; i++) {
		made_rendering(&bytes, 1);
		made_attribute(&bytes, MADE_FILE, ATT_DATA, SPAN("x"));
	}
	message = read_with(&bytes, &(struct tnef_limits){ .attachments = 5 });
	assert_int_equal(message->items.count, 5);
	assert_false(message->is_incomplete);
	tnef_message_free(message);
	message = read_with(&bytes, &(struct tnef_limits){ .attachments = 4 });
	assert_int_equal(message->items.count, 4);
	assert_true(has_problem(message, "more attachments"));
	assert_true(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&bytes);
}

/* A message in a message in a message ... */
static void
make_deep(struct buf *bytes, unsigned depth)
{
	struct buf inner = { 0 };

	made_begin(bytes);
	for (unsigned i = 1; i < depth; i++) {
		struct made_list list = { 0 };

		inner = *bytes;
		*bytes = (struct buf){ 0 };
		made_begin(bytes);
		made_rendering(bytes, 1);
		made_int(&list, 0x37050003, 5);
		made_object(
			&list, 0x3701000d, made_iid_message, buf_span(&inner));
		made_properties(bytes, MADE_FILE, &list);
		buf_clear(&inner);
	}
}

static void
messages_deeper_than_the_limit_are_handed_over_as_they_are(void **state UNUSED)
{
	struct buf bytes = { 0 };
	const struct tnef_item *item;
	struct tnef_message *message;

	make_deep(&bytes, 3);
	message = read_with(&bytes, &(struct tnef_limits){ .depth = 3 });
	assert_false(message->is_incomplete);
	tnef_message_free(message);
	message = read_with(&bytes, &(struct tnef_limits){ .depth = 2 });
	assert_true(message->is_incomplete);
	assert_true(has_problem(message, "in a message within: messages"));
	item = made_item(message, TNEF_MESSAGE, 0);
	item = made_item(item->message, TNEF_ATTACHMENT, 0);
	assert_string_equal(item->type, "application/ms-tnef");
	assert_true(tnef_is(item->data));
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
a_thousand_messages_deep_is_no_deeper_than_fifty(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct tnef_message *message;

	make_deep(&bytes, 1000);
	message = read_with(&bytes, &(struct tnef_limits){ .depth = 10000 });
	assert_true(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
properties_by_the_million_meet_their_limit(void **state UNUSED)
{
	struct made_list list = { 0 };
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_begin(&bytes);
	made_text(&list, 0x0037001e, "Subject");
	for (int i = 0; i < 200000; i++)
		made_raw(&list, 0x60000001, SPAN(""));
	list.count = UINT32_MAX;
	made_properties(&bytes, MADE_MESSAGE, &list);
	message = made_read(buf_span(&bytes));
	assert_string_equal(message->subject, "Subject");
	assert_true(has_problem(message, "more properties"));
	assert_true(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
people_by_the_million_meet_their_limit(void **state UNUSED)
{
	struct buf table = { 0 };
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_number(&table, 4, UINT32_MAX);
	for (int i = 0; i < 10; i++) {
		struct made_list row = { 0 };

		made_text(&row, 0x3001001e, "Bob");
		made_list_end(&row, &table);
	}
	made_begin(&bytes);
	made_attribute(&bytes, MADE_MESSAGE, ATT_PEOPLE, buf_span(&table));
	message = read_with(&bytes, &(struct tnef_limits){ .people = 5 });
	assert_int_equal(message->people.count, 5);
	assert_true(has_problem(message, "more people"));
	tnef_message_free(message);
	message = read_with(&bytes, NULL);
	assert_int_equal(message->people.count, 10);
	assert_true(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&bytes);
	buf_clear(&table);
}

static void
no_more_is_made_than_the_limit(void **state UNUSED)
{
	struct made_list list = { 0 };
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_begin(&bytes);
	made_unicode(&list, 0x1000001f, "ten bytes.");
	made_properties(&bytes, MADE_MESSAGE, &list);
	message = read_with(&bytes, &(struct tnef_limits){ .made_bytes = 10 });
	assert_non_null(tnef_message_body(message, "text/plain"));
	tnef_message_free(message);
	message = read_with(&bytes, &(struct tnef_limits){ .made_bytes = 9 });
	assert_null(tnef_message_body(message, "text/plain"));
	assert_true(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_off_at_every_byte_it_says_so),
		cmocka_unit_test(every_byte_may_be_any_other),
		cmocka_unit_test(every_length_may_be_four_gigabytes),
		cmocka_unit_test(a_wrong_checksum_is_a_problem_and_no_loss),
		cmocka_unit_test(garbage_at_the_end_is_a_problem_and_no_loss),
		cmocka_unit_test(much_garbage_may_be_what_is_lost),
		cmocka_unit_test(no_more_attachments_than_the_limit),
		cmocka_unit_test(
			messages_deeper_than_the_limit_are_handed_over_as_they_are),
		cmocka_unit_test(
			a_thousand_messages_deep_is_no_deeper_than_fifty),
		cmocka_unit_test(properties_by_the_million_meet_their_limit),
		cmocka_unit_test(people_by_the_million_meet_their_limit),
		cmocka_unit_test(no_more_is_made_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
