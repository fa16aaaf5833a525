/* The resulting message: edits applied, body replaced. */
#include <string.h>
#include <strings.h>

#include "gateway/internal.h"

static int
write_field(const struct sink *out, const char *name, const char *value,
	struct error *err)
{
	struct buf line = { 0 };
	int result = -1;

	if (buf_add_format(&line, err, "%s:", name) != 0)
		goto out;
	for (; *value != '\0'; value++) {
		/* CR alone, or twice, is a line end to some on the way. */
		if (*value == '\r')
			continue;
		if ((*value == '\n' && buf_add(&line, "\r", 1, err) != 0) ||
			buf_add(&line, value, 1, err) != 0)
			goto out;
	}
	if (buf_add_string(&line, "\r\n", err) != 0)
		goto out;
	result = sink_put(out, buf_span(&line), err);
out:
	buf_clear(&line);
	return result;
}

/* The how manyeth of its name it is, from 1. */
static unsigned
index_of(const struct mail *mail, const struct mail_field *field)
{
	const struct mail_field *other;
	unsigned index = 0;

	LIST_FOREACH (other, &mail->fields) {
		index += strcasecmp(other->name, field->name) == 0;
		if (other == field)
			break;
	}
	return index;
}

/* Its value after all edits, or NULL when it is gone. */
static const char *
value_of(const struct list *edits, const struct mail *mail,
	const struct mail_field *field)
{
	const char *value = field->value;
	const struct edit *edit;

	LIST_FOREACH (edit, edits) {
		if (strcasecmp(edit->name, field->name) != 0)
			continue;
		switch (edit->kind) {
		case EDIT_REMOVE:
			return NULL;
		case EDIT_SET:
			return index_of(mail, field) == 1 ? edit->value : NULL;
		case EDIT_CHANGE:
			if (edit->index == index_of(mail, field))
				value = edit->value;
			break;
		case EDIT_ADD:
		case EDIT_INSERT:
			break;
		}
	}
	return value;
}

static int
write_edits(const struct list *edits, bool at_the_top, const struct sink *out,
	struct error *err)
{
	const struct edit *edit;

	LIST_FOREACH (edit, edits) {
		bool top = edit->kind == EDIT_INSERT;
		bool adds = top || edit->kind == EDIT_ADD ||
			    (edit->kind == EDIT_SET && edit->count == 0);

		if (adds && top == at_the_top &&
			write_field(out, edit->name, edit->value, err) != 0)
			return -1;
	}
	return 0;
}

int
written_header(const struct list *edits, const struct mail *mail,
	const struct sink *out, struct error *err)
{
	const struct mail_field *field;

	if (write_edits(edits, true, out, err) != 0)
		return -1;
	LIST_FOREACH (field, &mail->fields) {
		const char *value = value_of(edits, mail, field);

		if (value != NULL &&
			write_field(out, field->name, value, err) != 0)
			return -1;
	}
	if (write_edits(edits, false, out, err) != 0)
		return -1;
	return sink_put(out, SPAN("\r\n"), err);
}

int
outcome_write_message(const struct outcome *outcome, const struct mail *mail,
	const struct sink *out, struct error *err)
{
	if (written_header(&outcome->edits, mail, out, err) != 0)
		return -1;
	if (!outcome->body_changed && mail->entity.len == 0)
		return error_set(err, ERROR_SYSTEM,
			"the mail as it came is not kept any more");
	if (!outcome->body_changed)
		return sink_put(out,
			span_of(mail->entity.data + mail->body_offset,
				mail->entity.len - mail->body_offset),
			err);
	for (size_t i = 0; i < outcome->body.count; i++)
		if (sink_put(out, outcome->body.item[i], err) != 0)
			return -1;
	return 0;
}
