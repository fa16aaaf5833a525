/*
 * New mail from a tree: what is written is fit for signing as it stands, says
 * what the tree says, and nothing in a name becomes a field.
 */
#include "../mime_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* Composes, frees the tree, and asserts what holds for every result. */
static void
compose(struct mime_node *tree, struct buf *out)
{
	struct error err = { 0 };

	if (mime_compose(tree, out, &err) != 0)
		fail_msg("%s", err.text);
	mime_node_free(tree);
	assert_true(is_safe(buf_span(out)));
	assert_true(mime_is_fit(buf_span(out)));
	/* For strstr. */
	assert_int_equal(buf_add(out, "", 1, NULL), 0);
	out->len--;
}

static void
says(const struct buf *out, const char *label, const char *words)
{
	if (strstr((const char *)out->data, words) == NULL)
		fail_msg("%s: no %s in:\n%s", label, words, out->data);
}

static void
is_exactly(const struct buf *out, const char *label, const char *words)
{
	if (strcmp((const char *)out->data, words) != 0)
		fail_msg("%s: not\n%s\nbut\n%s", label, words, out->data);
}

#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"

static void
text_is_encoded_as_it_needs(void **state)
{
	static const struct {
		const char *label;
		struct span text;
		const char *out;
	} rows[] = {
		{ "ASCII", S("a\r\nb\r\n"),
			PLAIN CTE "7bit\r\n\r\na\r\nb\r\n" },
		{ "LF becomes CRLF", S("a\nb"),
			PLAIN CTE "7bit\r\n\r\na\r\nb\r\n" },
		{ "nothing", S(""), PLAIN CTE "7bit\r\n\r\n" },
		{ "8-bit", S("a word and another one, gr" UE "n\r\n"),
			PLAIN QP "\r\na word and another one, gr=C3=BCn\r\n" },
		{ "mostly 8-bit", S(UE UE UE "\r\n"),
			PLAIN B64 "\r\nw7zDvMO8DQo=\r\n" },
		{ "NUL", S("a\0b"), PLAIN B64 "\r\nYQBi\r\n" },
		{ "bare CR", S("a\rb\n"), PLAIN QP "\r\na=0Db\r\n" },
		{ "blank at the end", S("-- \r\n"),
			PLAIN QP "\r\n=2D-=20\r\n" },
		{ "like a delimiter", S("a\n--x\n"),
			PLAIN QP "\r\na\r\n=2D-x\r\n" },
		{ "From ", S("From a\n"), PLAIN QP "\r\n=46rom a\r\n" },
		{ "a dot", S("a \n.\n"), PLAIN QP "\r\na=20\r\n=2E\r\n" },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		compose(mime_text_new("text/plain", "utf-8", rows[i].text),
			&out);
		is_exactly(&out, rows[i].label, rows[i].out);
		buf_clear(&out);
	}
}

static void
bytes_of_a_file_are_base64_whatever_its_type(void **state)
{
	struct mime_node *leaf = mime_leaf_new("text/plain", SPAN("a\nb"));
	struct buf out = { 0 };

	(void)state;
	mime_node_attach(leaf, "a.txt");
	compose(leaf, &out);
	is_exactly(&out, "file",
		"Content-Type: text/plain; name=a.txt\r\n" B64
		"Content-Disposition: attachment; filename=a.txt\r\n\r\n"
		"YQpi\r\n");
	buf_clear(&out);
}

static void
names_are_written_so_that_they_stay_names(void **state)
{
	static const struct {
		const char *label, *name, *out;
	} rows[] = {
		{ "a blank", "a b.txt", "filename=\"a b.txt\"" },
		{ "quotes", "a\"b\\c.txt", "filename=\"a\\\"b\\\\c.txt\"" },
		{ "outside ASCII", "gr" UE "n.pdf",
			"filename*=UTF-8''gr%C3%BCn.pdf" },
		{ "a line end", "a\r\nBcc: x@y.example",
			"filename=\"a  Bcc: x@y.example\"" },
		{ "no UTF-8", "a\xff.txt", "filename*=UTF-8''a%EF%BF%BD.txt" },
		{ "nothing", "", "Content-Disposition: attachment" },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct mime_node *leaf = mime_leaf_new("x/y", SPAN("a"));

		mime_node_attach(leaf, rows[i].name);
		compose(leaf, &out);
		says(&out, rows[i].label, rows[i].out);
		assert_null(strstr((const char *)out.data, "\r\nBcc"));
		buf_clear(&out);
	}
}

static void
a_long_name_is_cut_between_characters(void **state)
{
	struct mime_node *leaf = mime_leaf_new("x/y", SPAN("a"));
	struct buf name = { 0 }, out = { 0 };

	(void)state;
	assert_int_equal(buf_add_string(&name, "x", NULL), 0);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_add_string(&name, UE, NULL), 0);
	assert_int_equal(buf_add(&name, "", 1, NULL), 0);
	mime_node_attach(leaf, (const char *)name.data);
	compose(leaf, &out);
	assert_true(out.len < 3000);
	says(&out, "cut", "%C3%BC");
	assert_null(strstr((const char *)out.data, "%EF%BF%BD"));
	buf_clear(&name);
	buf_clear(&out);
}

static void
types_that_are_none_become_bytes(void **state)
{
	static const char *const types[] = { "", "text", "a b/c", "x/y\r\nz: 1",
		"message/rfc822", "multipart/mixed" };
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		compose(mime_leaf_new(types[i], SPAN("a")), &out);
		if (strcmp(types[i], "x/y\r\nz: 1") == 0)
			says(&out, types[i], "Content-Type: x/y\r\n");
		else
			is_exactly(&out, types[i],
				"Content-Type: application/octet-stream\r\n" B64
				"\r\nYQ==\r\n");
		buf_clear(&out);
	}
}

static void
a_tree_is_told_as_it_was_built(void **state)
{
	struct mime_node *mixed = mime_multipart_new("mixed");
	struct mime_node *related = mime_multipart_new("related");
	struct mime_node *image = mime_leaf_new("image/png", SPAN("\x89PNG"));
	struct mime_node *calendar =
		mime_text_new("text/calendar", "utf-8", SPAN("BEGIN\n"));
	struct buf out = { 0 }, told = { 0 };

	(void)state;
	mime_node_set(&image->content_id, "one@two");
	image->disposition = MIME_INLINE;
	mime_node_say(calendar, "method", "REQUEST");
	mime_node_add(related, mime_text_new("text/html", NULL, SPAN("<p>")));
	mime_node_add(related, image);
	mime_node_add(mixed, related);
	mime_node_add(mixed, calendar);
	mime_node_add(
		mixed, mime_verbatim_new(SPAN("X: y\r\n\r\n--as it is\r\n")));
	mixed->fields = SPAN("Content-Language: de\r\n");
	compose(mixed, &out);
	assert_memory_equal(out.data, "Content-Language: de\r\n", 22);
	says(&out, "root", "type=\"text/html\"");
	says(&out, "id", "Content-Id: <one@two>\r\n");
	says(&out, "method", "method=REQUEST");
	says(&out, "verbatim", "\r\nX: y\r\n\r\n--as it is\r\n\r\n--");
	tell_message(buf_span(&out), &told);
	assert_int_equal(buf_add(&told, "", 1, NULL), 0);
	says(&told, "image", "\x89PNG");
	buf_clear(&told);
	buf_clear(&out);
}

static void
a_message_has_its_fields_encoded(void **state)
{
	struct mime_node *message = mime_message_new(
		mime_text_new("text/plain", "utf-8", SPAN("hello\n")));
	struct buf out = { 0 };

	(void)state;
	mime_node_say_mailbox(
		message, "From", "M" UE "ller, Ann", "ann@example.com");
	mime_node_say_mailbox(message, "To", NULL, "bob@example.com");
	mime_node_say_mailbox(message, "To", "Only a Name", NULL);
	mime_node_say(message, "Subject", "gr" UE "n\r\nX-Injected: yes");
	mime_node_say(message, "Date", "Mon, 02 Nov 2026 10:00:00 +0000");
	compose(message, &out);
	says(&out, "type", "Content-Type: message/rfc822\r\n\r\n");
	says(&out, "from", " Ann <ann@example.com>\r\n");
	says(&out, "to", "To: bob@example.com, Only a Name: ;\r\n");
	says(&out, "subject", "\r\nSubject: =?UTF-8?");
	assert_null(strstr((const char *)out.data, "\r\nX-Inj"));
	says(&out, "content",
		"MIME-Version: 1.0\r\n" PLAIN CTE "7bit\r\n\r\nhello\r\n");
	buf_clear(&out);
}

static void
a_full_buffer_is_a_limit(void **state)
{
	struct mime_node *leaf = mime_leaf_new("x/y", SPAN(X1000));
	struct error err = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(mime_compose(leaf, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	mime_node_free(leaf);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_encoded_as_it_needs),
		cmocka_unit_test(bytes_of_a_file_are_base64_whatever_its_type),
		cmocka_unit_test(names_are_written_so_that_they_stay_names),
		cmocka_unit_test(a_long_name_is_cut_between_characters),
		cmocka_unit_test(types_that_are_none_become_bytes),
		cmocka_unit_test(a_tree_is_told_as_it_was_built),
		cmocka_unit_test(a_message_has_its_fields_encoded),
		cmocka_unit_test(a_full_buffer_is_a_limit),
	};

	mime_compose_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
