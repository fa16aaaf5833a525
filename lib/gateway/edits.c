#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/internal.h"

void
edit_free(void *item)
{
	struct edit *edit = item;

	mem_free(edit->name);
	mem_free(edit->value);
	mem_free(edit);
}

static unsigned
count_fields(const struct mail *mail, const char *name)
{
	const struct mail_field *field;
	unsigned count = 0;

	LIST_FOREACH (field, &mail->fields)
		count += strcasecmp(field->name, name) == 0;
	return count;
}

static struct edit *
find_edit(const struct list *edits, const char *name)
{
	struct edit *edit;

	LIST_FOREACH (edit, edits)
		if (strcasecmp(edit->name, name) == 0)
			return edit;
	return NULL;
}

struct edit *
edit_find(const struct list *edits, const char *name, unsigned index)
{
	struct edit *edit;

	LIST_FOREACH (edit, edits)
		if (strcasecmp(edit->name, name) == 0 && edit->index == index)
			return edit;
	return NULL;
}

struct edit *
edit_add(struct list *edits, const struct mail *mail, enum edit_kind kind,
	char *name, char *value)
{
	struct edit *edit = mem_alloc(sizeof(*edit));

	*edit = (struct edit){ .kind = kind,
		.name = name,
		.value = value,
		.count = count_fields(mail, name) };
	list_add(edits, edit);
	return edit;
}

/* A layer's value as the milter protocol wants it: folds as LF. */
static char *
milter_value(struct span value)
{
	char *copy, *to;

	while (value.len != 0 && (value.data[value.len - 1] == '\n' ||
					 value.data[value.len - 1] == '\r'))
		value.len--;
	copy = to = mem_string_n(value.data, value.len);
	for (const char *from = copy; *from != '\0'; from++)
		if (*from != '\r')
			*to++ = *from;
	*to = '\0';
	return copy;
}

/* The mail has one MIME-Version, "1.0"; anything else becomes that. */
static void
repair_mime_version(struct list *edits, const struct mail *mail)
{
	const struct mail_field *field;
	bool good = count_fields(mail, "MIME-Version") == 1;

	LIST_FOREACH (field, &mail->fields)
		if (strcasecmp(field->name, "MIME-Version") == 0 &&
			!span_is(span_trim(span_string(field->value)), "1.0"))
			good = false;
	if (!good)
		edit_add(edits, mail, EDIT_SET, mem_string("MIME-Version"),
			mem_string(" 1.0"));
}

static bool
belongs_to_entity(struct span name)
{
	return span_starts_nocase(name, "Content-");
}

/* What the entity does not say is not to be had from the mail as it came. */
static void
remove_others(const struct mail *mail, struct list *edits)
{
	const struct mail_field *old;

	LIST_FOREACH (old, &mail->fields)
		if (belongs_to_entity(span_string(old->name)) &&
			find_edit(edits, old->name) == NULL)
			edit_add(edits, mail, EDIT_REMOVE,
				mem_string(old->name), NULL);
}

int
edits_for_layer(const struct mail *mail, const struct smime_layer *layer,
	struct list *edits, struct error *err)
{
	struct span header = buf_span(&layer->header);
	struct mime_field field;

	repair_mime_version(edits, mail);
	while (mime_field_next(&header, &field) == 1)
		edit_add(edits, mail, EDIT_SET,
			mem_string_n(field.name.data, field.name.len),
			milter_value(field.value));
	if (find_edit(edits, "Content-Type") == NULL)
		return error_set(err, ERROR_CRYPTO,
			"a protected layer without Content-Type");
	remove_others(mail, edits);
	return 0;
}

/*
 * An entity without Content-Type is plain text (RFC 2045 5.2), and said to
 * be: the field must not be missing where another one has just been.
 */
void
edits_for_entity(
	const struct mail *mail, struct span header, struct list *edits)
{
	struct mime_field field;

	repair_mime_version(edits, mail);
	while (mime_field_next(&header, &field) == 1) {
		char *name;

		if (!belongs_to_entity(field.name))
			continue;
		name = mem_string_n(field.name.data, field.name.len);
		/* Whoever reads it takes the first one. */
		if (find_edit(edits, name) != NULL)
			mem_free(name);
		else
			edit_add(edits, mail, EDIT_SET, name,
				milter_value(field.value));
	}
	if (find_edit(edits, "Content-Type") == NULL)
		edit_add(edits, mail, EDIT_SET, mem_string("Content-Type"),
			mem_string(" text/plain; charset=us-ascii"));
	remove_others(mail, edits);
}
