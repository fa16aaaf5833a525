/* Patterns of the rule file. */
#include "addr/internal.h"

#include <string.h>

#include "base/mem.h"

struct pattern {
	char *text;
	char *local; /* folded like a key */
	char *domain;
	bool wildcard;
};

static bool
has_wildcard(const char *text)
{
	return strpbrk(text, "*?") != NULL;
}

static int
refuse(const char *text, const char *why, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "pattern \"%s\": %s", text, why);
}

/* Exactly one "@", or a sentence that says what was probably meant. */
static int
find_at(const char *text, const char **at, struct error *err)
{
	*at = strchr(text, '@');
	if (strcmp(text, "*") == 0)
		return refuse(text, "has no @; for everyone write *@*", err);
	if (*at == NULL && strchr(text, '.') != NULL)
		return error_set(err, ERROR_CONFIG,
			"pattern \"%s\": has no @; for a whole domain write "
			"*@%s",
			text, text);
	if (*at == NULL)
		return refuse(text, "has no @", err);
	if (strchr(*at + 1, '@') != NULL)
		return refuse(text,
			"has more than one @ (is a comma missing "
			"between two strings?)",
			err);
	return 0;
}

static int
fold_local(const char *text, const char *at, char **out, struct error *err)
{
	struct reader reader = { (const unsigned char *)text,
		(const unsigned char *)at, true };
	struct address *address = NULL;
	struct words words;

	if (words_read(&reader, &words, err) != 0 ||
		words_address(&words, &address, err) != 0)
		return refuse(text,
			"what stands before the @ is no local "
			"part of an address",
			err);
	*out = mem_string(address->key);
	address_free(address);
	if (reader_peek(&reader) < 0)
		return 0;
	return refuse(
		text, "has a character before the @ that no address has", err);
}

/*
 * A label with a wildcard compares with A-labels, so it cannot be folded and
 * has to be written as one.
 */
static int
fold_wild_label(const char *label, const char *allowed, struct buf *out,
	struct error *err)
{
	for (; *label != '\0'; label++) {
		char c = *label;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
			strchr(allowed, c) == NULL)
			return error_set(err, ERROR_CONFIG,
				"a part of the "
				"domain with * or ? must be ASCII (write "
				"xn--... for other letters)");
		if (buf_add(out, &c, 1, err) != 0)
			return -1;
	}
	return 0;
}

static int
fold_label(const char *label, struct buf *out, struct error *err)
{
	char *key = NULL;
	int result;

	if (has_wildcard(label))
		return fold_wild_label(label, "-_*?", out, err);
	if (domain_key(label, &key, err) != 0)
		return -1;
	result = buf_add_string(out, key, err);
	mem_free(key);
	return result;
}

/* Label by label, because only whole labels can be made A-labels. */
static int
fold_wild_domain(const char *domain, char **out, struct error *err)
{
	struct buf folded = { 0 };
	char *copy = mem_string(domain), *rest = copy, *label;
	int result = -1;

	if (domain[0] == '[') {
		if (fold_wild_label(domain, "-.:[]*?", &folded, err) != 0)
			goto out;
		rest = NULL;
	}
	while ((label = strsep(&rest, ".")) != NULL) {
		if (label[0] == '\0') {
			error_set(err, ERROR_CONFIG, "an empty label");
			goto out;
		}
		if ((folded.len != 0 && buf_add(&folded, ".", 1, err) != 0) ||
			fold_label(label, &folded, err) != 0)
			goto out;
	}
	*out = mem_string_n(folded.data, folded.len);
	result = 0;
out:
	buf_clear(&folded);
	mem_free(copy);
	return result;
}

static int
fold_domain(const char *text, const char *domain, char **out, struct error *err)
{
	struct error why = { 0 };
	int failed;

	if (domain[0] == '\0')
		return refuse(text, "has nothing behind the @", err);
	failed = has_wildcard(domain) ? fold_wild_domain(domain, out, &why)
				      : domain_key(domain, out, &why);
	return failed ? refuse(text, why.text, err) : 0;
}

int
pattern_new(const char *text, struct pattern **out, struct error *err)
{
	struct pattern *pattern = NULL;
	const char *at;
	int result = -1;

	if (find_at(text, &at, err) != 0)
		return -1;
	pattern = mem_alloc(sizeof(*pattern));
	pattern->text = mem_string(text);
	pattern->wildcard = has_wildcard(text);
	if (strlen(text) > ADDR_MAX_BYTES) {
		error_set(err, ERROR_CONFIG, "a pattern of more than %d bytes",
			ADDR_MAX_BYTES);
		goto out;
	}
	if (at == text) {
		refuse(text,
			"has nothing before the @; for everyone there "
			"write *@",
			err);
		goto out;
	}
	if (fold_local(text, at, &pattern->local, err) != 0 ||
		fold_domain(text, at + 1, &pattern->domain, err) != 0)
		goto out;
	*out = pattern;
	pattern = NULL;
	result = 0;
out:
	pattern_free(pattern);
	return result;
}

void
pattern_free(void *pattern)
{
	struct pattern *p = pattern;

	if (p == NULL)
		return;
	mem_free(p->text);
	mem_free(p->local);
	mem_free(p->domain);
	mem_free(p);
}

/* One character, not one byte of it. */
static const char *
next_character(const char *p)
{
	for (p++; (*p & 0xc0) == 0x80; p++)
		;
	return p;
}

/*
 * Only the last * is ever tried again, so that the work is bounded by the
 * product of the lengths whatever the pattern.  any: "?" stands for every
 * character; otherwise not for a "*" in text, which is then a pattern itself.
 */
static bool
match(const char *pattern, const char *text, const char *end, bool any)
{
	const char *star = NULL, *retry = NULL;

	while (text < end) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern == '?' && (any || *text != '*')) {
			pattern++;
			text = next_character(text);
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool
pattern_match(const struct pattern *pattern, const struct address *address)
{
	/* A quoted local part may hold an @, a domain never does. */
	const char *at = strrchr(address->key, '@');

	return at != NULL && match(pattern->local, address->key, at, true) &&
	       match(pattern->domain, at + 1, at + strlen(at), true);
}

/* A pattern that matches another as a text matches what that one matches. */
static bool
covers(const char *broad, const char *narrow)
{
	return match(broad, narrow, narrow + strlen(narrow), false);
}

bool
pattern_covers(const struct pattern *broad, const struct pattern *narrow)
{
	return covers(broad->local, narrow->local) &&
	       covers(broad->domain, narrow->domain);
}

/*
 * Row by row over a, all prefixes of b with which its prefix has a text in
 * common: the work is the product of the lengths, which are limited.
 */
static bool
meets(const char *a, const char *b)
{
	size_t len = strlen(b);
	bool *common = mem_array(len + 1, sizeof(*common));
	bool result;

	common[0] = true;
	for (size_t i = 0; i < len && b[i] == '*'; i++)
		common[i + 1] = true;
	for (; *a != '\0'; a++) {
		bool before = common[0]; /* of the row above, one to the left */

		common[0] = before && *a == '*';
		for (size_t i = 0; i < len; i++) {
			bool above = common[i + 1];
			bool same = *a == b[i] || *a == '?' || b[i] == '?';

			if (*a == '*' || b[i] == '*')
				common[i + 1] =
					(*a == '*' && (above || common[i])) ||
					(b[i] == '*' && (above || common[i]));
			else
				common[i + 1] = before && same;
			before = above;
		}
	}
	result = common[len];
	mem_free(common);
	return result;
}

bool
pattern_meets(const struct pattern *a, const struct pattern *b)
{
	return meets(a->local, b->local) && meets(a->domain, b->domain);
}

bool
pattern_has_wildcard(const struct pattern *pattern)
{
	return pattern->wildcard;
}

const char *
pattern_text(const struct pattern *pattern)
{
	return pattern->text;
}
