#include "mtasim.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static char *
copy_octets(const uint8_t *octets, size_t length)
{
	char *copy = must(malloc(length + 1));

	memcpy(copy, octets, length);
	copy[length] = 0;
	return copy;
}

static struct field *
new_field(struct message *message, size_t at)
{
	struct field *field;

	if (message->count == message->room) {
		message->room = message->room ? message->room * 2 : 32;
		message->fields = must(realloc(message->fields,
			message->room * sizeof(*message->fields)));
	}
	field = message->fields + at;
	memmove(field + 1, field, (message->count - at) * sizeof(*field));
	message->count++;
	memset(field, 0, sizeof(*field));
	return field;
}

void
message_append(struct message *message, const char *name, const char *value)
{
	struct field *field = new_field(message, message->count);

	field->name = copy_text(name);
	field->value = copy_text(value);
}

void
message_add_body(struct message *message, const void *octets, size_t length)
{
	size_t wanted = message->body_length + length;

	if (wanted > message->body_room) {
		message->body_room = wanted + wanted / 2 + 4096;
		message->body =
			must(realloc(message->body, message->body_room));
	}
	if (length)
		memcpy(message->body + message->body_length, octets, length);
	message->body_length = wanted;
}

/* The length of the line that starts here, its LF included. */
static size_t
line_length(const uint8_t *from, const uint8_t *end)
{
	const uint8_t *lf = memchr(from, '\n', (size_t)(end - from));

	return lf ? (size_t)(lf - from) + 1 : (size_t)(end - from);
}

static size_t
without_line_end(const uint8_t *line, size_t length)
{
	if (length && line[length - 1] == '\n')
		length--;
	if (length && line[length - 1] == '\r')
		length--;
	return length;
}

static const uint8_t *
colon_of(const uint8_t *line, size_t length)
{
	const uint8_t *colon = memchr(line, ':', length);
	const uint8_t *p;

	for (p = line; colon && p < colon; p++)
		if (*p < 33 || *p > 126)
			return NULL;
	return colon == line ? NULL : colon;
}

static void
continue_field(struct field *field, const uint8_t *line, size_t length)
{
	size_t old = strlen(field->value);

	field->value = must(realloc(field->value, old + length + 2));
	field->value[old] = '\n';
	memcpy(field->value + old + 1, line, length);
	field->value[old + 1 + length] = 0;
}

/* The header; gives the place where the body starts. */
static const uint8_t *
parse_header(struct message *message, const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		size_t all = line_length(at, end);
		size_t length = without_line_end(at, all);
		const uint8_t *colon = colon_of(at, length);
		struct field *field;

		if (length == 0)
			return at + all;
		if (message->count && (*at == ' ' || *at == '\t')) {
			continue_field(message->fields + message->count - 1, at,
				length);
		} else if (colon) {
			field = new_field(message, message->count);
			field->name = copy_octets(at, (size_t)(colon - at));
			field->value = copy_octets(
				colon + 1, length - 1 - (size_t)(colon - at));
		} else {
			return at; /* no field: MTAs let the body begin */
		}
		at += all;
	}
	return end;
}

int
message_parse(
	struct message *message, const uint8_t *octets, size_t length, bool raw)
{
	const uint8_t *end = octets + length;
	const uint8_t *at;

	memset(message, 0, sizeof(*message));
	at = parse_header(message, octets, end);
	message_add_body(message, NULL, 0);
	while (!raw && at < end) {
		size_t all = line_length(at, end);

		if (at[all - 1] == '\n' && (all < 2 || at[all - 2] != '\r')) {
			message_add_body(message, at, all - 1);
			message_add_body(message, "\r\n", 2);
		} else {
			message_add_body(message, at, all);
		}
		at += all;
	}
	message_add_body(message, at, (size_t)(end - at));
	return 0;
}

int
message_read(struct message *message, const char *path, bool raw)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	uint8_t *octets = NULL;
	size_t used = 0, room = 0, n;
	int result;

	if (!file) {
		perror(path);
		return -1;
	}
	do {
		if (used == room)
			octets = must(realloc(octets, room += room + 65536));
		n = fread(octets + used, 1, room - used, file);
		used += n;
	} while (n);
	if (file != stdin)
		fclose(file);
	result = message_parse(message, octets, used, raw);
	free(octets);
	return result;
}

void
message_copy(struct message *to, const struct message *from, bool body)
{
	struct field *field;
	size_t i;

	memset(to, 0, sizeof(*to));
	field = new_field(to, 0);
	field->name = copy_text("Received");
	field->value = copy_text(" by this MTA");
	field->hidden = true;
	for (i = 0; i < from->count; i++)
		message_append(to, from->fields[i].name, from->fields[i].value);
	if (body)
		message_add_body(to, from->body, from->body_length);
}

void
message_clear(struct message *message)
{
	size_t i;

	for (i = 0; i < message->count; i++) {
		free(message->fields[i].name);
		free(message->fields[i].value);
	}
	free(message->fields);
	free(message->body);
	memset(message, 0, sizeof(*message));
}

int
message_write(const struct message *message, FILE *out)
{
	const struct field *field;
	const char *p;

	for (field = message->fields; field < message->fields + message->count;
		field++) {
		if (field->gone || field->hidden)
			continue;
		fprintf(out, "%s:", field->name);
		for (p = field->value; *p; p++) {
			if (*p == '\n')
				putc('\r', out);
			putc(*p, out);
			if (*p == '\n' && p[1] != ' ' && p[1] != '\t')
				putc('\t', out); /* as Postfix does */
		}
		fputs("\r\n", out);
	}
	fputs("\r\n", out);
	if (message->body_length)
		fwrite(message->body, 1, message->body_length, out);
	return ferror(out) ? -1 : 0;
}

const char *
message_field(const struct message *message, const char *name)
{
	size_t i;

	for (i = 0; i < message->count; i++)
		if (!message->fields[i].gone && !message->fields[i].hidden &&
			!strcasecmp(message->fields[i].name, name))
			return message->fields[i].value;
	return NULL;
}

/* ---- editing, as measured on Postfix 3.7 and Sendmail 8.17 ---- */

/* Sendmail counts a removed field, Postfix does not. */
static struct field *
nth(struct message *message, enum edit_rules rules, uint32_t index,
	const char *name)
{
	struct field *field = message->fields;
	uint32_t seen = 0;

	if (index == 0)
		index = 1;
	for (; field < message->fields + message->count; field++)
		if (!field->hidden && !strcasecmp(field->name, name) &&
			(!field->gone || rules == RULES_SENDMAIL) &&
			++seen == index)
			return field;
	return NULL;
}

/* Sendmail puts it in front of the first of that name. */
void
message_add(struct message *message, enum edit_rules rules, const char *name,
	const char *value)
{
	struct field *first =
		rules == RULES_SENDMAIL ? nth(message, rules, 1, name) : NULL;
	struct field *field = new_field(message,
		first ? (size_t)(first - message->fields) : message->count);

	field->name = copy_text(name);
	field->value = copy_text(value);
}

/* 0 is above the MTA's own Received field, 1 directly below it. */
void
message_insert(struct message *message, uint32_t index, const char *name,
	const char *value)
{
	size_t at = 0;
	struct field *field;

	for (; at < message->count && index; at++)
		if (!message->fields[at].gone)
			index--;
	field = new_field(message, at);
	field->name = copy_text(name);
	field->value = copy_text(value);
}

void
message_change(struct message *message, enum edit_rules rules, uint32_t index,
	const char *name, const char *value)
{
	struct field *field = nth(message, rules, index, name);

	if (!field) {
		if (*value)
			message_add(message, rules, name, value);
		return;
	}
	field->gone = !*value;
	if (field->gone)
		return;
	free(field->value);
	field->value = copy_text(value);
	if (rules == RULES_POSTFIX) { /* Sendmail keeps the old spelling */
		free(field->name);
		field->name = copy_text(name);
	}
}
