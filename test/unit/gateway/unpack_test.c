/*
 * A winmail.dat in a mail, unpacked: what comes out is a mail, whatever the
 * winmail.dat says.
 */
#include "../tnef_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway/gateway.h"
#include "mime/mime.h"

#define ROOT                                                                   \
	"From: a@example.com\r\nMIME-Version: 1.0\r\n"                         \
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static void
add(struct buf *out, const char *text)
{
	assert_int_equal(buf_add_string(out, text, NULL), 0);
}

/* The parts, and a winmail.dat behind them. */
static void
make_mail(struct buf *out, const char *parts, struct buf *winmail)
{
	add(out, ROOT);
	add(out, parts);
	add(out, "--b\r\nContent-Type: application/ms-tnef\r\n"
		 "Content-Transfer-Encoding: binary\r\n\r\n");
	assert_int_equal(buf_add_span(out, buf_span(winmail), NULL), 0);
	add(out, "\r\n--b--\r\n");
	buf_clear(winmail);
}

/* The mail with it unpacked, for strstr; the note, which is the caller's. */
static char *
unpack(struct buf *mail, struct buf *out)
{
	struct error err = { 0 };
	char *note = NULL;

	if (gateway_unpack_message(buf_span(mail), out, &note, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(buf_add(out, "", 1, NULL), 0);
	out->len--;
	buf_clear(mail);
	return note;
}

static void
make_empty(struct buf *out)
{
	made_begin(out);
	made_attribute(out, MADE_MESSAGE, ATT_CLASS, SPAN("IPM.Note"));
}

static void
nothing_in_it_is_an_empty_text(void **state UNUSED)
{
	struct buf winmail = { 0 }, mail = { 0 }, out = { 0 };

	make_empty(&winmail);
	make_mail(&mail, "", &winmail);
	assert_null(unpack(&mail, &out));
	assert_string_equal((const char *)out.data,
		"From: a@example.com\r\nMIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=us-ascii\r\n"
		"Content-Transfer-Encoding: 7bit\r\n\r\n");
	buf_clear(&out);
}

static void
a_part_without_a_body_is_not_the_whole_mail(void **state UNUSED)
{
	static const char *const parts[] = { "--b\r\n",
		"--b\r\nContent-Type: text/plain\r\n" };

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct buf winmail = { 0 }, mail = { 0 }, out = { 0 };
		struct mime_entity entity;

		make_empty(&winmail);
		make_mail(&mail, parts[i], &winmail);
		assert_null(unpack(&mail, &out));
		mime_entity_split(buf_span(&out), &entity);
		assert_int_equal(entity.separator.len, 2);
		assert_int_equal(
			mime_field_count(entity.header, "Content-Type"), 1);
		buf_clear(&out);
	}
}

static void
more_parts_than_the_limit_stay_as_they_are(void **state UNUSED)
{
	struct buf winmail = { 0 }, mail = { 0 }, out = { 0 }, parts = { 0 };
	char *note;

	for (int i = 0; i < 1000; i++)
		add(&parts, "--b\n");
	assert_int_equal(buf_add(&parts, "", 1, NULL), 0);
	made_sample(&winmail);
	make_mail(&mail, (const char *)parts.data, &winmail);
	note = unpack(&mail, &out);
	assert_non_null(strstr(note, "more parts than the limit"));
	assert_int_equal(out.len, 0);
	mem_free(note);
	buf_clear(&parts);
	buf_clear(&out);
}

/* ---- the fields of a message within ---- */

static void
make_within(struct buf *out, uint32_t tag, const char *value)
{
	struct made_list fields = { 0 }, list = { 0 };
	struct buf inner = { 0 };

	make_empty(&inner);
	made_text(&fields, 0x0042001e, "Ann");
	made_text(&fields, tag, value);
	made_properties(&inner, MADE_MESSAGE, &fields);
	make_empty(out);
	made_rendering(out, 1);
	made_int(&list, 0x37050003, 5);
	made_object(&list, 0x3701000d, made_iid_message, buf_span(&inner));
	made_properties(out, MADE_FILE, &list);
	buf_clear(&inner);
}

static void
fields_of_a_message_within_are_fit_for_a_mail(void **state UNUSED)
{
	enum { LONG = 2000 };
	static const uint32_t tags[] = { 0x1035001e, 0x1039001e, 0x1042001e,
		0x0037001e, 0x5d02001e };
	char value[LONG];

	memset(value, 'x', sizeof(value));
	value[0] = '<';
	value[LONG - 4] = '@';
	value[LONG - 2] = '>';
	value[LONG - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(tags); i++) {
		struct buf winmail = { 0 }, mail = { 0 }, out = { 0 };

		make_within(&winmail, tags[i], value);
		make_mail(&mail, "", &winmail);
		assert_null(unpack(&mail, &out));
		assert_non_null(
			strstr((const char *)out.data, "\r\nFrom: Ann"));
		assert_true(mime_is_fit(buf_span(&out)));
		buf_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_in_it_is_an_empty_text),
		cmocka_unit_test(a_part_without_a_body_is_not_the_whole_mail),
		cmocka_unit_test(more_parts_than_the_limit_stay_as_they_are),
		cmocka_unit_test(fields_of_a_message_within_are_fit_for_a_mail),
	};

	mime_compose_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
