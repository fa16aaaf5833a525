/*
 * The configuration file and all it includes become one text with a map of
 * its lines.  libconfig's own @include knows one folder only, no absolute
 * path, and ends the process when it is given a folder to read.
 */
#include <libgen.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/internal.h"

struct source_line
source_where(const struct source *source, unsigned at)
{
	if (at == 0 || at > source->count)
		return (struct source_line){ NULL, 0 };
	return source->lines[at - 1];
}

void
source_clear(struct source *source)
{
	buf_clear(&source->text);
	mem_free(source->lines);
	list_clear(&source->files, mem_free);
	*source = (struct source){ 0 };
}

static void
add_line(struct source *source, const char *file, unsigned line)
{
	if (source->count == source->size) {
		source->size = source->size ? source->size * 2 : 256;
		source->lines = mem_grow(
			source->lines, source->size, sizeof(*source->lines));
	}
	source->lines[source->count++] = (struct source_line){ file, line };
}

/* Append text that begins at this line of the file; a new line of the whole
 * begins where the last one has ended. */
static int
append(struct source *source, struct span text, const char *file, unsigned line,
	struct error *err)
{
	bool fresh = source->text.len == 0 ||
		     source->text.data[source->text.len - 1] == '\n';

	for (size_t i = 0; i < text.len; i++) {
		if (fresh)
			add_line(source, file, line);
		fresh = text.data[i] == '\n';
		line += fresh;
	}
	return buf_add_span(&source->text, text, err);
}

/* Whose turn it is: a file, and where it was included. */
struct place {
	const char *path;
	const char *includer; /* NULL: the main file */
	unsigned line;
	unsigned depth;
};

static int read_file(struct reader *reader, const struct place *place,
	struct error *err) MUST_USE;

/* The name between the quotes, below the folder of the file it stands in. */
static char *
include_path(const char *file, struct span token)
{
	const unsigned char *quote = memchr(token.data, '"', token.len);
	size_t len = token.len - (size_t)(quote - token.data) - 2;
	char *name = mem_string_n(quote + 1, len);
	char *copy, *path;

	if (name[0] == '/')
		return name;
	copy = mem_string(file);
	path = mem_printf("%s/%s", dirname(copy), name);
	mem_free(copy);
	mem_free(name);
	return path;
}

static int
include(struct reader *reader, const char *file, const struct token *token,
	unsigned depth, struct error *err)
{
	char *path = include_path(file, token->text);
	const struct place place = { path, file, token->line, depth + 1 };
	int result = read_file(reader, &place, err);

	if (result == 0)
		result = append(
			&reader->source, SPAN("\n"), file, token->line, err);
	mem_free(path);
	return result;
}

static int
expand(struct reader *reader, const char *file, struct span text,
	unsigned depth, struct error *err)
{
	struct lexer lexer = { text.data, text.data + text.len, 1, true };
	const unsigned char *from = text.data;
	unsigned line = 1;

	for (;;) {
		struct token token = lexer_next(&lexer);
		struct span before =
			span_of(from, (size_t)(token.text.data - from));

		if (token.kind != TOKEN_INCLUDE && token.kind != TOKEN_END)
			continue;
		if (append(&reader->source, before, file, line, err) != 0)
			return -1;
		if (token.kind == TOKEN_END)
			return 0;
		if (include(reader, file, &token, depth, err) != 0)
			return -1;
		from = lexer.next;
		line = lexer.line;
	}
}

static int
read_bytes(const struct place *place, struct buf *out, struct error *err)
{
	if (place->depth > CONF_INCLUDE_DEPTH)
		return error_set(err, ERROR_LIMIT,
			"@include goes deeper than %d files",
			CONF_INCLUDE_DEPTH);
	if (file_read(place->path, CONF_FILE_MAX_BYTES, out, err) != 0)
		return -1;
	/* An editor that empties the file first must not leave us no rule. */
	if (out->len == 0 && place->includer == NULL)
		return error_set(err, ERROR_CONFIG,
			"%s: is empty (nothing would be protected; a comment "
			"is enough if that is wanted)",
			place->path);
	if (out->len != 0 && memchr(out->data, '\0', out->len) != NULL)
		return error_set(err, ERROR_CONFIG,
			"%s: has a NUL, so it is no text", place->path);
	return 0;
}

static int
read_file(struct reader *reader, const struct place *place, struct error *err)
{
	char *name = mem_string(place->path);
	struct buf bytes = { 0 };
	int result = -1;

	list_add(&reader->source.files, name);
	if (read_bytes(place, &bytes, err) == 0)
		result = expand(
			reader, name, buf_span(&bytes), place->depth, err);
	else if (place->includer != NULL)
		error_prefix(err, "%s:%u: ", place->includer, place->line);
	buf_clear(&bytes);
	return result;
}

int
source_read(struct reader *reader, const char *path)
{
	const struct place place = { .path = path };
	struct error err = { 0 };

	reader->source.text.limit_bytes = CONF_FILE_MAX_BYTES;
	if (read_file(reader, &place, &err) == 0 &&
		buf_add(&reader->source.text, "", 1, &err) == 0) {
		reader->source.text.len--;
		return 0;
	}
	report_elsewhere(reader, 0, NULL, 0, err.text);
	return -1;
}
