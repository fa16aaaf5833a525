/* What kinds of parts are in a mail: enough for a rule to ask. */
#include "mime/internal.h"

enum { NAME_SIZE = 8, DEPTH_HARD_MAX = 100 };

struct surveyor {
	const struct mime_limits *limits;
	struct mime_survey *out;
	unsigned parts;
};

static void survey_entity(
	struct surveyor *s, struct span bytes, bool related, unsigned depth);

/* ---- one leaf ---- */

static bool
has_name(const struct mime_type *type, const char *parameter)
{
	char name[NAME_SIZE];

	return mime_type_parameter(type, parameter, name, sizeof(name)) == 1;
}

/* "attachment" with or without a file's name; both may be missing. */
static void
read_disposition(struct span header, bool *attached, bool *named)
{
	struct mime_field field;
	struct mime_type disposition;
	struct span rest;

	*attached = *named = false;
	if (mime_field_find(header, "Content-Disposition", 0, &field) != 1)
		return;
	rest = field.value;
	*attached = span_is_nocase(mime_token_next(&rest), "attachment");
	disposition = (struct mime_type){ .value = field.value };
	*named = has_name(&disposition, "filename");
}

/*
 * Text that is shown is none, whatever its kind; neither is what belongs to
 * a page beside it (RFC 2387), such as the picture in a signature.
 */
static void
survey_leaf(struct surveyor *s, const struct mime_entity *entity,
	const struct mime_type *type, bool related)
{
	bool attached, named, text = strcmp(type->type, "text") == 0;

	read_disposition(entity->header, &attached, &named);
	named = named || has_name(type, "name");
	if (mime_type_is(type, "text/calendar") && !attached &&
		has_name(type, "method")) {
		s->out->invitation = true;
		return;
	}
	if (attached || (!related && (named || !text)))
		s->out->attachment = true;
}

/* ---- composites ---- */

static void
survey_multipart(struct surveyor *s, struct span body,
	const struct mime_type *type, unsigned depth)
{
	struct span boundary = span_of(type->boundary, type->boundary_len);
	bool related = mime_type_is(type, "multipart/related");
	bool is_signed = mime_type_is(type, "multipart/signed");
	const unsigned char *part = NULL; /* where one began */
	struct span rest = body;

	while (rest.len != 0) {
		struct span line = mime_line_next(&rest);
		enum mime_delimiter kind = mime_delimiter_of(line, boundary);

		if (kind == MIME_DELIMITER_NONE)
			continue;
		if (part != NULL)
			survey_entity(s, mime_part_before(part, line.data),
				related, depth + 1);
		/* A signature is no attachment of what it signs. */
		if (kind == MIME_DELIMITER_CLOSE || (part != NULL && is_signed))
			return;
		part = rest.data;
	}
	if (part != NULL)
		survey_entity(s, mime_between(part, body.data + body.len),
			related, depth + 1);
}

static void
survey_entity(
	struct surveyor *s, struct span bytes, bool related, unsigned depth)
{
	struct mime_entity entity;
	struct mime_type type;

	if (depth > s->limits->depth || depth > DEPTH_HARD_MAX ||
		++s->parts > s->limits->parts) {
		s->out->attachment = true;
		return;
	}
	mime_entity_split(bytes, &entity);
	mime_type_of(entity.header, &type);
	if (strcmp(type.type, "multipart") == 0 && type.boundary_len != 0)
		survey_multipart(s, entity.body, &type, depth);
	else
		survey_leaf(s, &entity, &type, related);
}

void
mime_survey(struct span entity, const struct mime_limits *limits,
	struct mime_survey *out)
{
	struct surveyor s = { .limits = limits, .out = out };

	*out = (struct mime_survey){ 0 };
	survey_entity(&s, entity, false, 0);
}
