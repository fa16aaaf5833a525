/* Is there an attachment, is it an invitation? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "mime/mime.h"

#define TYPE(x) "Content-Type: " x "\r\n"
#define MULTI(kind) TYPE("multipart/" kind "; boundary=b") "\r\n"
#define PART(x) "--b\r\n" x
#define END "--b--\r\n"
#define TEXT PART(TYPE("text/plain") "\r\nHello\r\n")
#define PDF TYPE("application/pdf") "\r\nx\r\n"
#define ATTACHED "Content-Disposition: attachment\r\n"
#define INLINE "Content-Disposition: inline; filename=a.png\r\n"
#define CALENDAR TYPE("text/calendar; method=REQUEST")

static const struct survey_case {
	const char *label, *entity;
	bool attachment, invitation;
} cases[] = {
	{ "text", TYPE("text/plain") "\r\nHello", false, false },
	{ "no type", "\r\nHello", false, false },
	{ "nothing", "", false, false },
	{ "both kinds of text",
		MULTI("alternative") TEXT PART(TYPE("text/html") "\r\nx\r\n")
			END,
		false, false },
	{ "a PDF alone", PDF, true, false },
	{ "a PDF behind the text", MULTI("mixed") TEXT PART(PDF) END, true,
		false },
	{ "text that is attached",
		MULTI("mixed") TEXT PART(ATTACHED "\r\nx\r\n") END, true,
		false },
	{ "text with a name",
		MULTI("mixed") TEXT PART(
			TYPE("text/csv; name=\"a.csv\"") "\r\nx\r\n") END,
		true, false },
	{ "a mail in the mail",
		MULTI("mixed") TEXT PART(TYPE("message/rfc822") "\r\nx\r\n")
			END,
		true, false },
	{ "a picture in the page",
		MULTI("related") TEXT PART(
			TYPE("image/png; name=a.png") INLINE "\r\nx\r\n") END,
		false, false },
	{ "a picture attached to the page",
		MULTI("related")
			TEXT PART(TYPE("image/png") ATTACHED "\r\nx\r\n") END,
		true, false },
	{ "a picture beside the text",
		MULTI("mixed") TEXT PART(TYPE("image/png") "\r\nx\r\n") END,
		true, false },
	{ "the signature of a signed mail",
		MULTI("signed") TEXT PART(TYPE("application/pkcs7-signature; "
					       "name=smime.p7s") "\r\nx\r\n")
			END,
		false, false },
	{ "a signed PDF",
		MULTI("signed") PART(PDF) PART(
			TYPE("application/pkcs7-signature") "\r\nx\r\n") END,
		true, false },
	{ "a type that is no type", TYPE("pdf") "\r\nx", true, false },
	{ "no closing delimiter", MULTI("mixed") TEXT PART(PDF), true, false },
	{ "behind the closing delimiter", MULTI("mixed") TEXT END PART(PDF),
		false, false },
	{ "no boundary", TYPE("multipart/mixed") "\r\nx", true, false },
	/* invitations */
	{ "an invitation alone", CALENDAR "\r\nx", false, true },
	{ "an invitation beside its text",
		MULTI("alternative") TEXT PART(CALENDAR "\r\nx\r\n") END, false,
		true },
	{ "an invitation with its file",
		MULTI("mixed") PART(CALENDAR "\r\nx\r\n")
			PART(TYPE("application/ics; name=a.ics") ATTACHED
				"\r\nx\r\n") END,
		true, true },
	{ "a calendar that is attached",
		MULTI("mixed") TEXT PART(CALENDAR ATTACHED "\r\nx\r\n") END,
		true, false },
	{ "a calendar that asks for nothing", TYPE("text/calendar") "\r\nx",
		false, false },
};

static void
parts_are_what_they_are(void **state)
{
	const struct mime_limits limits = { 20, 1000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct survey_case *c = &cases[i];
		struct mime_survey survey;

		mime_survey(span_string(c->entity), &limits, &survey);
		if (survey.attachment != c->attachment ||
			survey.invitation != c->invitation)
			fail_msg("%s: %d %d", c->label, survey.attachment,
				survey.invitation);
	}
}

static void
a_limit_counts_as_an_attachment(void **state)
{
	const struct mime_limits flat = { 0, 1000 }, few = { 20, 2 };
	struct span entity = SPAN(MULTI("mixed") TEXT TEXT END);
	struct mime_survey survey;

	(void)state;
	mime_survey(entity, &flat, &survey);
	assert_true(survey.attachment);
	mime_survey(entity, &few, &survey);
	assert_true(survey.attachment);
}

static void
endless_nesting_comes_to_an_end(void **state)
{
	const struct mime_limits limits = { 100000, 1000000 };
	struct buf entity = { 0 };
	struct mime_survey survey;

	(void)state;
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_add_format(&entity, NULL,
					 "Content-Type: multipart/mixed; "
					 "boundary=b%d\r\n\r\n--b%d\r\n",
					 i, i),
			0);
	mime_survey(buf_span(&entity), &limits, &survey);
	assert_true(survey.attachment);
	buf_clear(&entity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_what_they_are),
		cmocka_unit_test(a_limit_counts_as_an_attachment),
		cmocka_unit_test(endless_nesting_comes_to_an_end),
	};

	return cmocka_run_group_tests_name("mime/survey", tests, NULL, NULL);
}
