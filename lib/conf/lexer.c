/* Tokens as libconfig sees them, for what it does not tell about them. */
#include <string.h>

#include "conf/internal.h"

static int
peek(const struct lexer *lexer, size_t ahead)
{
	return (size_t)(lexer->end - lexer->next) > ahead ? lexer->next[ahead]
							  : -1;
}

static void
step(struct lexer *lexer)
{
	if (*lexer->next == '\n') {
		lexer->line++;
		lexer->line_start = true;
	}
	lexer->next++;
}

static void
skip_line(struct lexer *lexer)
{
	while (lexer->next < lexer->end && *lexer->next != '\n')
		lexer->next++;
}

static void
skip_comment(struct lexer *lexer)
{
	lexer->next += 2;
	while (lexer->next < lexer->end &&
		!(peek(lexer, 0) == '*' && peek(lexer, 1) == '/'))
		step(lexer);
	for (int i = 0; i < 2 && lexer->next < lexer->end; i++)
		lexer->next++;
	lexer->line_start = false;
}

static void
skip_blanks(struct lexer *lexer)
{
	while (lexer->next < lexer->end) {
		int c = peek(lexer, 0);

		if (c == '#' || (c == '/' && peek(lexer, 1) == '/'))
			skip_line(lexer);
		else if (c == '/' && peek(lexer, 1) == '*')
			skip_comment(lexer);
		else if (strchr(" \t\r\n\f", c) != NULL && c != '\0')
			step(lexer);
		else
			break;
	}
}

static enum token_kind
read_string(struct lexer *lexer)
{
	bool escaped = false;

	for (lexer->next++; lexer->next < lexer->end; step(lexer)) {
		int c = *lexer->next;

		if (c == '"' && !escaped) {
			lexer->next++;
			return TOKEN_STRING;
		}
		escaped = c == '\\' && !escaped;
	}
	return TOKEN_OPEN_STRING;
}

static bool
is_name(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c > 0 && strchr("-_*+.", c) != NULL);
}

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static enum token_kind
read_name(struct lexer *lexer)
{
	int first = peek(lexer, 0);
	bool number = is_digit(first) || (strchr("+-.", first) != NULL &&
						 is_digit(peek(lexer, 1)));

	while (is_name(peek(lexer, 0)))
		lexer->next++;
	return number ? TOKEN_NUMBER : TOKEN_WORD;
}

/* libconfig: ^[ \t]*@include[ \t]+\" */
static bool
is_include(const struct lexer *lexer)
{
	static const char word[] = "@include";
	size_t len = sizeof(word) - 1;

	return lexer->line_start && (size_t)(lexer->end - lexer->next) > len &&
	       memcmp(lexer->next, word, len) == 0 &&
	       (peek(lexer, len) == ' ' || peek(lexer, len) == '\t');
}

static enum token_kind
read_include(struct lexer *lexer)
{
	lexer->next += strlen("@include");
	while (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t')
		lexer->next++;
	if (peek(lexer, 0) != '"')
		return TOKEN_MARK;
	return read_string(lexer) == TOKEN_STRING ? TOKEN_INCLUDE
						  : TOKEN_OPEN_STRING;
}

struct token
lexer_next(struct lexer *lexer)
{
	struct token token = { .kind = TOKEN_END };

	skip_blanks(lexer);
	token.line = lexer->line;
	token.text.data = lexer->next;
	if (lexer->next == lexer->end)
		return token;
	if (is_include(lexer)) {
		token.kind = read_include(lexer);
	} else if (peek(lexer, 0) == '"') {
		token.kind = read_string(lexer);
	} else if (is_name(peek(lexer, 0))) {
		token.kind = read_name(lexer);
	} else {
		token.kind = TOKEN_MARK;
		lexer->next++;
	}
	lexer->line_start = false;
	token.text.len = (size_t)(lexer->next - token.text.data);
	return token;
}
