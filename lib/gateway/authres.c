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

/* Where the comment that begins here ends; NULL: it does not. */
static const char *
comment_end(const char *at)
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
	return NULL;
}

static const char *
quoted_end(const char *at)
{
	for (at++; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '"')
			return at + 1;
	}
	return NULL;
}

/* Behind a comment, a quoted string or one character. */
static const char *
skip_one(const char *at, bool *open)
{
	const char *end = *at == '('   ? comment_end(at)
			  : *at == '"' ? quoted_end(at)
				       : at + 1;

	*open = *open || end == NULL;
	return end != NULL ? end : at + strlen(at);
}

/* A comment or a quote without an end: readers differ in what is in it. */
static bool
is_open(const char *at)
{
	bool open = false;

	while (*at != '\0')
		at = skip_one(at, &open);
	return open;
}

/* The ';' that ends this segment, or the end. */
static const char *
segment_end(const char *at)
{
	bool open = false;

	while (*at != '\0' && *at != ';')
		at = skip_one(at, &open);
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
	bool open = false;

	while (at < end && strchr(stops, *at) == NULL) {
		if (*at == '(') {
			at = skip_one(at, &open);
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

/* Our name, and then whatever cannot be a part of a name. */
static bool
begins_as_ours(const char *at, const char *end, const char *authserv_id)
{
	char *words = plain_text(at, end, "", true);
	const char *word = words;
	bool ours;

	for (; *authserv_id != '\0' && *word != '\0'; word++) {
		if (*word == ' ')
			continue;
		if (*word != tolower((unsigned char)*authserv_id))
			break;
		authserv_id++;
	}
	ours = *authserv_id == '\0' && word > words &&
	       !isalnum((unsigned char)*word) &&
	       (*word == '\0' || strchr(".-_", *word) == NULL);
	mem_free(words);
	return ours;
}

static bool
mentions(const char *value, const char *method)
{
	char *text = plain_text(value, value + strlen(value), "", false);
	bool does = strcasestr(value, method) != NULL ||
		    strcasestr(text, method) != NULL;

	mem_free(text);
	return does;
}

/*
 * Ours by its beginning, and not written as RFC 8601 has it: a comment or a
 * quote that does not end, or further words where the name stands.  Nobody
 * knows which results a mail program finds in it.
 */
static bool
is_muddled(const char *value, const char *end, const char *authserv_id)
{
	if (is_open(value))
		return begins_as_ours(value, end, authserv_id) ||
		       strcasestr(value, authserv_id) != NULL;
	return begins_as_ours(value, end, authserv_id) &&
	       !is_ours(value, end, authserv_id);
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

	if (is_muddled(value, end, authserv_id) && mentions(value, method))
		return 2;
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
