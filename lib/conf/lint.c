/*
 * What libconfig takes without a word (two strings become one, numbers wrap),
 * and what it calls "syntax error" and no more.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

static bool
is_mark(const struct token *token, char mark)
{
	return token->kind == TOKEN_MARK && token->text.data[0] == mark;
}

/* libconfig 1.5 keeps the low 32 bits, also of 0x numbers. */
static bool
is_too_large(struct span text)
{
	char *copy = mem_string_n(text.data, text.len);
	char *end;
	long long value;
	bool large;

	errno = 0;
	value = strtoll(copy, &end, strncasecmp(copy, "0x", 2) == 0 ? 16 : 10);
	large = (*end == '\0' || *end == 'L') &&
		(errno == ERANGE || value > INT32_MAX || value < INT32_MIN);
	mem_free(copy);
	return large;
}

static void
find_traps(struct reader *reader, const struct token *before,
	const struct token *token)
{
	if (before->kind == TOKEN_STRING && token->kind == TOKEN_STRING)
		report_at(reader, PROBLEM_ERROR, token->line,
			"two strings without a comma between them would "
			"become one");
	if (token->kind == TOKEN_STRING &&
		memchr(token->text.data, '\n', token->text.len) != NULL)
		report_at(reader, PROBLEM_ERROR, token->line,
			"a string goes on in the next line: is its second "
			"quote missing?");
	if (token->kind == TOKEN_NUMBER && is_too_large(token->text))
		report_at(reader, PROBLEM_ERROR, token->line,
			"a number over 2147483647 (sizes can be written "
			"\"4G\")");
}

static const char *
explain(const struct token *before, const struct token *token)
{
	bool closes = is_mark(token, ']') || is_mark(token, ')');

	if (token->kind == TOKEN_OPEN_STRING)
		return "a string without its second quote";
	if (is_mark(before, ',') && closes)
		return "a comma before the closing bracket: after the last "
		       "item stands none";
	if (is_mark(before, '}') && is_mark(token, '{'))
		return "a comma is missing between two { groups }";
	if (is_mark(before, '=') && token->kind == TOKEN_WORD &&
		!span_is_nocase(token->text, "true") &&
		!span_is_nocase(token->text, "false"))
		return "text stands in quotes, and yes and no are true and "
		       "false";
	if (is_mark(token, '@'))
		return "@include stands at the start of a line, with the file "
		       "in quotes";
	return NULL;
}

void
lint_text(struct reader *reader, struct lint_hint *hint)
{
	struct span text = buf_span(&reader->source.text);
	struct lexer lexer = { text.data, text.data + text.len, 1, true };
	struct token before = { .kind = TOKEN_END }, token;

	*hint = (struct lint_hint){ 0 };
	do {
		const char *words;

		token = lexer_next(&lexer);
		find_traps(reader, &before, &token);
		words = explain(&before, &token);
		if (words != NULL && hint->line == 0) {
			hint->line = token.line;
			hint->text = words;
		}
		hint->no_end |= token.kind == TOKEN_OPEN_STRING;
		before = token;
	} while (token.kind != TOKEN_END);
}
