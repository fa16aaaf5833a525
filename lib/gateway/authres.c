/*
 * Authentication-Results (RFC 8601): whose it is, and which results stand in
 * it.  Read more liberally than written, since a mail program may be: comments
 * and blanks anywhere, quotes around words, any case, broken endings.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/internal.h"

/* Where the comment that begins here ends. */
static const char *
skip_comment(const char *at)
{
	unsigned depth = 0;

	for (; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '(')
			depth++;
		else if (*at == ')' && --depth == 0)
			return at + 1;
	}
	return at;
}

static const char *
skip_quoted(const char *at)
{
	for (at++; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '"')
			return at + 1;
	}
	return at;
}

/* The ';' that ends this segment, or the end. */
static const char *
segment_end(const char *at)
{
	while (*at != '\0' && *at != ';')
		if (*at == '(')
			at = skip_comment(at);
		else if (*at == '"')
			at = skip_quoted(at);
		else
			at++;
	return at;
}

/*
 * Without comments, blanks, control characters and quotes, in lower case; up
 * to the first of `stops` outside of quotes.  With blanks: as one each.
 */
static char *
plain_text(const char *at, const char *end, const char *stops, bool blanks)
{
	char *out = mem_alloc((size_t)(end - at) + 1), *to = out;

	while (at < end && strchr(stops, *at) == NULL) {
		if (*at == '(') {
			at = skip_comment(at);
			at = at < end ? at : end;
			continue;
		}
		if (blanks && isspace((unsigned char)*at) && to > out &&
			to[-1] != ' ')
			*to++ = ' ';
		if (*at == '\\' && at + 1 < end)
			at++;
		if ((unsigned char)*at > 32 && *at != '"' && *at != 127)
			*to++ = (char)tolower((unsigned char)*at);
		at++;
	}
	while (to > out && to[-1] == ' ')
		to--;
	*to = '\0';
	return out;
}

/* "id", or "id 1": the version of the field's syntax may follow. */
static bool
is_ours(const char *at, const char *end, const char *authserv_id)
{
	char *words = plain_text(at, end, "", true);
	char *joined = plain_text(at, end, "", false);
	char *version = strrchr(words, ' ');
	bool ours;

	if (version != NULL &&
		strspn(version + 1, "0123456789") == strlen(version + 1))
		*version = '\0';
	ours = strcasecmp(joined, authserv_id) == 0 ||
	       strcasecmp(words, authserv_id) == 0;
	if (!ours && strchr(words, ' ') != NULL) {
		char *to = words;

		for (const char *from = words; *from != '\0'; from++)
			if (*from != ' ')
				*to++ = *from;
		*to = '\0';
		ours = strcasecmp(words, authserv_id) == 0;
	}
	mem_free(joined);
	mem_free(words);
	return ours;
}

static bool
is_of_method(const char *at, const char *end, const char *method)
{
	char *name = plain_text(at, end, "=/", false);
	bool is = strcasecmp(name, method) == 0;

	mem_free(name);
	return is;
}

static bool
is_blank(const char *at, const char *end)
{
	char *text = plain_text(at, end, "", false);
	bool blank = text[0] == '\0';

	mem_free(text);
	return blank;
}

int
authres_without(const char *value, const char *authserv_id, const char *method,
	char **out)
{
	const char *end = segment_end(value), *at;
	char *text, *to;
	bool cut = false, more = false;

	if (!is_ours(value, end, authserv_id))
		return 0;
	to = text = mem_alloc(strlen(value) + 1);
	memcpy(to, value, (size_t)(end - value));
	to += end - value;
	for (at = end; *at != '\0'; at = end) {
		end = segment_end(at + 1);
		if (is_of_method(at + 1, end, method)) {
			cut = true;
			continue;
		}
		more = more || !is_blank(at + 1, end);
		memcpy(to, at, (size_t)(end - at));
		to += end - at;
	}
	*to = '\0';
	if (cut && more) {
		*out = text;
		return 1;
	}
	mem_free(text);
	return cut ? 2 : 0;
}
