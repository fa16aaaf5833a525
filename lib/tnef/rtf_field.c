#include <string.h>

#include "tnef/rtf.h"

static const char hyperlink[] = "HYPERLINK", mailto[] = "mailto:";

static struct span
behind(struct span s, size_t len)
{
	return len == 0 ? s : span_of(s.data + len, s.len - len);
}

int
tnef_rtf_begin_field(struct rtf *rtf, struct error *err)
{
	if (rtf->as != TNEF_RTF_OTHER || rtf->field_depth != 0 ||
		!tnef_rtf_is_shown(rtf))
		return 0;
	if (tnef_rtf_flush(&rtf->text, err) != 0)
		return -1;
	rtf->field_depth = rtf->depth;
	rtf->field_start = rtf->text.out->len;
	rtf->link_len = 0;
	tnef_rtf_top(rtf)->is_field = true;
	return 0;
}

void
tnef_rtf_add_link(struct rtf *rtf, struct span bytes)
{
	size_t room = sizeof(rtf->link) - rtf->link_len;
	size_t len = bytes.len < room ? bytes.len : room;

	memcpy(rtf->link + rtf->link_len, bytes.data, len);
	rtf->link_len += len;
}

/* HYPERLINK "address" and switches: the address; empty for all else. */
static struct span
link_address(const struct rtf *rtf)
{
	struct span rest = span_trim(span_of(rtf->link, rtf->link_len));
	bool is_quoted;
	size_t len = 0;

	if (rtf->link_len == sizeof(rtf->link) ||
		!span_starts_nocase(rest, hyperlink))
		return span_of(rest.data, 0);
	rest = span_trim(behind(rest, strlen(hyperlink)));
	is_quoted = rest.len != 0 && rest.data[0] == '"';
	rest = behind(rest, is_quoted);
	if (rest.len == 0 || rest.data[0] == '\\')
		return span_of(rest.data, 0);
	while (len < rest.len && rest.data[len] != '"' && rest.data[len] > ' ')
		len++;
	return span_of(rest.data, len);
}

/* What a link shows is followed by where it leads, unless it says so. */
int
tnef_rtf_end_field(struct rtf *rtf, struct error *err)
{
	struct buf *out = rtf->text.out;
	struct span address = link_address(rtf), shown, seen = address;

	rtf->field_depth = 0;
	if (address.len == 0)
		return 0;
	if (tnef_rtf_flush(&rtf->text, err) != 0)
		return -1;
	/* A line's end may have taken blanks away. */
	if (rtf->field_start > out->len)
		rtf->field_start = out->len;
	shown = behind(buf_span(out), rtf->field_start);
	if (span_starts_nocase(address, mailto))
		seen = behind(address, strlen(mailto));
	if (shown.len != 0 && span_find(shown, seen) != NULL)
		return 0;
	if (buf_add_string(out, shown.len != 0 ? " <" : "<", err) != 0 ||
		tnef_convert(&rtf->text.converters, out, address,
			rtf->default_page, err) != 0)
		return -1;
	return buf_add_string(out, ">", err);
}
