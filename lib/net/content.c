/* Header and body on their way to an SMTP server (RFC 5321 2.3.8, 4.5.2). */
#include <string.h>

#include "net/internal.h"

struct writer {
	struct smtp *smtp;
	bool line_start;
	bool after_cr;
};

static size_t
length_of_run(struct span bytes)
{
	size_t len = 0;

	while (len < bytes.len && bytes.data[len] != '\r' &&
		bytes.data[len] != '\n')
		len++;
	return len;
}

static int
end_line(struct writer *writer, struct error *err)
{
	writer->line_start = true;
	writer->after_cr = false;
	return smtp_put(writer->smtp, SPAN("\r\n"), err);
}

/*
 * Dots doubled; LF alone and CR alone end a line as CRLF does, or another
 * server might see the end and a second mail where this one sees text.
 */
static int
put(struct writer *writer, struct span bytes, struct error *err)
{
	while (bytes.len != 0) {
		size_t len = length_of_run(bytes);
		bool dot;

		if (writer->after_cr && bytes.data[0] != '\n' &&
			end_line(writer, err) != 0)
			return -1;
		dot = writer->line_start && bytes.data[0] == '.';
		if (len != 0) {
			if (dot && smtp_put(writer->smtp, SPAN("."), err) != 0)
				return -1;
			if (smtp_put(writer->smtp, span_of(bytes.data, len),
				    err) != 0)
				return -1;
			writer->line_start = false;
		} else if (bytes.data[0] == '\r') {
			writer->after_cr = true;
			len = 1;
		} else {
			if (end_line(writer, err) != 0)
				return -1;
			len = 1;
		}
		bytes.data += len;
		bytes.len -= len;
	}
	return 0;
}

int
smtp_put_content(
	struct smtp *smtp, const struct submit_mail *mail, struct error *err)
{
	struct writer writer = { .smtp = smtp, .line_start = true };

	if (put(&writer, mail->header, err) != 0)
		return -1;
	for (size_t i = 0; i < mail->body.count; i++)
		if (put(&writer, mail->body.item[i], err) != 0)
			return -1;
	if ((writer.after_cr || !writer.line_start) &&
		end_line(&writer, err) != 0)
		return -1;
	return smtp_flush(smtp, err);
}
