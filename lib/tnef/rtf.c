#include "tnef/rtf.h"
#include "base/mem.h"
#include "tnef/internal.h"

static void
add_body(struct tnef_message *message, const char *type, const char *charset,
	struct buf *bytes)
{
	struct tnef_item *item = tnef_item_new(TNEF_BODY, type);

	item->charset = mem_string(charset);
	tnef_item_own(item, bytes);
	list_add(&message->bodies, item);
}

static void
tell(struct tnef_message *message, const struct tnef_rtf_report *report)
{
	if (report->unknown_page != 0)
		tnef_problem(message, true,
			"the RTF body has text in code page %u, which is not "
			"known",
			report->unknown_page);
	if (report->bad_bytes != 0)
		tnef_problem(message, true,
			"the RTF body has %zu bytes without a meaning in "
			"their code page",
			report->bad_bytes);
	if (report->is_cut)
		tnef_problem(message, true, "the RTF body has no end");
	if (report->is_more)
		tnef_problem(
			message, true, "the RTF body goes on behind its end");
}

/* 1: made, and a body unless it is empty.  0: a problem.  -1: SYSTEM. */
static int
make_body(struct tnef_reader *reader, struct tnef_message *message,
	struct span rtf, enum tnef_rtf_kind kind, struct error *err)
{
	struct tnef_rtf_report report = { 0 };
	struct error why = { 0 };
	struct buf made;
	int result = 0;

	tnef_made_begin(reader, &made);
	if (tnef_rtf_write(rtf, kind, &made, &report, &why) != 0) {
		result = tnef_trouble(message, "the RTF body", &why, err);
		goto out;
	}
	result = 1;
	tell(message, &report);
	tnef_made_end(reader, &made);
	if (made.len != 0)
		add_body(message,
			kind == TNEF_RTF_HTML ? "text/html" : "text/plain",
			"utf-8", &made);
out:
	buf_clear(&made);
	return result;
}

/*
 * HTML is better than RTF, and text that RTF wraps is better than a text made
 * from it.  Where there is HTML already, RTF says the same once more, and so
 * does a wrapped text where there is text.  What was written as RTF is kept as
 * such, and so is what cannot be read.
 */
int
tnef_add_rtf(struct tnef_reader *reader, struct tnef_message *message,
	struct buf *rtf, struct error *err)
{
	enum tnef_rtf_kind kind = tnef_rtf_kind(buf_span(rtf));
	bool has_html = tnef_message_body(message, "text/html") != NULL;
	bool has_text = tnef_message_body(message, "text/plain") != NULL;
	bool is_kept = kind == TNEF_RTF_OTHER && !has_html;
	int made = 1;

	if (kind == TNEF_RTF_NONE && rtf->len != 0) {
		tnef_problem(message, true, "the RTF body is not RTF");
		is_kept = true;
	} else if (kind != TNEF_RTF_NONE && !has_html &&
		   (kind == TNEF_RTF_HTML || !has_text)) {
		made = make_body(reader, message, buf_span(rtf), kind, err);
	}
	if (made < 0)
		return -1;
	if (is_kept || made == 0)
		add_body(message, "application/rtf", NULL, rtf);
	else
		buf_clear(rtf);
	return 0;
}
