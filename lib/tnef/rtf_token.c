#include <limits.h>
#include <string.h>

#include "base/hex.h"
#include "tnef/rtf.h"

enum { WORD_MAX_BYTES = 32, NUMBER_MAX_DIGITS = 10 };

static void
skip(struct span *rest, size_t len)
{
	*rest = span_of(rest->data + len, rest->len - len);
}

static bool
is_letter(unsigned char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* A minus counts only before a digit; what is too long for a number is cut. */
static void
take_number(struct span *rest, struct rtf_token *token)
{
	size_t at = rest->len != 0 && rest->data[0] == '-';
	long long number = 0;
	size_t start = at;

	if (at >= rest->len || !is_digit(rest->data[at]))
		return;
	for (; at < rest->len && is_digit(rest->data[at]); at++)
		if (at - start < NUMBER_MAX_DIGITS)
			number = number * 10 + (rest->data[at] - '0');
	if (number > INT_MAX)
		number = INT_MAX;
	token->number = (long)(start ? -number : number);
	token->has_number = true;
	skip(rest, at);
}

static void
take_word(struct span *rest, struct rtf_token *token)
{
	size_t len = 0;

	while (len < rest->len && len < WORD_MAX_BYTES &&
		is_letter(rest->data[len]))
		len++;
	token->kind = RTF_WORD;
	token->name = span_of(rest->data, len);
	skip(rest, len);
	take_number(rest, token);
	if (rest->len != 0 && rest->data[0] == ' ')
		skip(rest, 1);
	if (span_is(token->name, "bin") && token->number > 0)
		skip(rest, (size_t)token->number < rest->len
				   ? (size_t)token->number
				   : rest->len);
}

/* Behind a backslash. */
static void
take_control(struct span *rest, struct rtf_token *token)
{
	int byte;

	if (rest->len == 0)
		return;
	if (is_letter(rest->data[0])) {
		take_word(rest, token);
		return;
	}
	token->kind = RTF_SYMBOL;
	token->name = span_of(rest->data, 1);
	skip(rest, 1);
	if (token->name.data[0] != '\'' || rest->len < 2)
		return;
	byte = hex_byte(rest->data[0], rest->data[1]);
	if (byte < 0)
		return;
	token->kind = RTF_BYTES;
	token->is_hex = true;
	token->byte = (unsigned char)byte;
	token->name = span_of(&token->byte, 1);
	skip(rest, 2);
}

/* Line ends and other control characters mean nothing in RTF, but a tab. */
static bool
is_text(unsigned char c)
{
	return (c >= ' ' || c == '\t') && c != '{' && c != '}' && c != '\\';
}

void
tnef_rtf_token(struct span *rest, struct rtf_token *token)
{
	unsigned char c;
	size_t len = 0;

	*token = (struct rtf_token){ .kind = RTF_END };
	while (rest->len != 0 && rest->data[0] < ' ' && rest->data[0] != '\t')
		skip(rest, 1);
	if (rest->len == 0)
		return;
	c = rest->data[0];
	if (is_text(c)) {
		while (len < rest->len && is_text(rest->data[len]))
			len++;
		token->kind = RTF_BYTES;
		token->name = span_of(rest->data, len);
		skip(rest, len);
		return;
	}
	skip(rest, 1);
	if (c == '\\')
		take_control(rest, token);
	else
		token->kind = c == '{' ? RTF_OPEN : RTF_CLOSE;
}
