/*
 * Words in front of a Subject, for readers whose program shows no header, and
 * look-alikes of them that came with the mail: these lose their brackets, in
 * whatever encoding (RFC 2047) they stand.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/mem.h"
#include "gateway/internal.h"

static const char tag_signed[] = "[signed]";
static const char tag_not_valid[] = "[signature not valid]";
static const char tag_encrypted[] = "[encrypted]";
static const char tag_not_vouched[] = "[encrypted, not authenticated]";

static const char *const words[] = { "signed", "signature", "encrypted" };

/* ---- encoded words ---- */

struct word {
	const char *start, *end; /* "=?" to behind "?=" */
	const char *text, *text_end;
	bool base64;
};

/* The encoded word that begins here. */
static bool
read_word(const char *at, struct word *out)
{
	const char *encoding, *text, *end;

	if (at[0] != '=' || at[1] != '?')
		return false;
	encoding = strchr(at + 2, '?');
	if (encoding == NULL || encoding[1] == '\0' || encoding[2] != '?')
		return false;
	text = encoding + 3;
	end = strstr(text, "?=");
	if (end == NULL || strchr("bBqQ", encoding[1]) == NULL)
		return false;
	*out = (struct word){ at, end + 2, text, end,
		tolower((unsigned char)encoding[1]) == 'b' };
	return true;
}

static int
hex(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
decode_q(const struct word *word, struct buf *out)
{
	for (const char *at = word->text; at < word->text_end; at++) {
		char c = *at == '_' ? ' ' : *at;

		if (*at == '=' && at + 2 < word->text_end && hex(at[1]) >= 0 &&
			hex(at[2]) >= 0) {
			c = (char)(hex(at[1]) << 4 | hex(at[2]));
			at += 2;
		}
		if (buf_add(out, &c, 1, NULL) != 0)
			return;
	}
}

static void
decode_word(const struct word *word, struct buf *out)
{
	struct span text =
		span_of(word->text, (size_t)(word->text_end - word->text));

	if (!word->base64)
		decode_q(word, out);
	else if (base64_decode(text, out, NULL) != 0)
		(void)!buf_add_span(out, text, NULL);
}

/* What a reader sees, as far as ASCII goes: blanks and NULs left out. */
static char *
seen(const char *subject)
{
	struct buf decoded = { 0 };
	struct word word;
	char *text, *to;

	while (*subject != '\0') {
		if (read_word(subject, &word)) {
			decode_word(&word, &decoded);
			subject = word.end;
		} else if (buf_add(&decoded, subject++, 1, NULL) != 0) {
			break;
		}
	}
	to = text = mem_alloc(decoded.len + 1);
	for (size_t i = 0; i < decoded.len; i++)
		if (decoded.data[i] > 32)
			*to++ = (char)tolower(decoded.data[i]);
	*to = '\0';
	buf_clear(&decoded);
	return text;
}

/* "[", and one of our words right behind it. */
static bool
has_tag(const char *subject)
{
	char *text = seen(subject);
	bool has = false;

	for (const char *at = text; (at = strchr(at, '[')) != NULL; at++)
		for (size_t i = 0; i < COUNT_OF(words); i++)
			has = has ||
			      strncmp(at + 1, words[i], strlen(words[i])) == 0;
	mem_free(text);
	return has;
}

/* ---- without brackets ---- */

static char
rounded(char c)
{
	return (char)(c == '[' ? '(' : c == ']' ? ')' : c);
}

static void
defuse_base64(const struct word *word, struct buf *out)
{
	struct buf bytes = { 0 }, text = { 0 };
	struct base64 encoder;

	decode_word(word, &bytes);
	for (size_t i = 0; i < bytes.len; i++)
		bytes.data[i] = (unsigned char)rounded((char)bytes.data[i]);
	base64_init(&encoder, &text);
	if (base64_put(&encoder, buf_span(&bytes), NULL) == 0 &&
		base64_end(&encoder, NULL) == 0)
		for (size_t i = 0; i < text.len; i++)
			if (text.data[i] > 32 &&
				buf_add(out, &text.data[i], 1, NULL) != 0)
				break;
	buf_clear(&bytes);
	buf_clear(&text);
}

/* "=5B" is a bracket, too; whatever was not, stays. */
static void
defuse_q(const struct word *word, struct buf *out)
{
	for (const char *at = word->text; at < word->text_end; at++) {
		bool coded = *at == '=' && at + 2 < word->text_end &&
			     at[1] == '5' && strchr("bBdD", at[2]) != NULL;
		const char *round_code =
			coded && tolower((unsigned char)at[2]) == 'b' ? "=28"
								      : "=29";
		char c = rounded(*at);

		if (coded)
			at += 2;
		if ((coded ? buf_add_string(out, round_code, NULL)
			   : buf_add(out, &c, 1, NULL)) != 0)
			return;
	}
}

static void
defuse_word(const struct word *word, struct buf *out)
{
	if (buf_add(out, word->start, (size_t)(word->text - word->start),
		    NULL) != 0)
		return;
	if (word->base64)
		defuse_base64(word, out);
	else
		defuse_q(word, out);
	(void)!buf_add_string(out, "?=", NULL);
}

char *
tags_defuse(const char *subject)
{
	struct buf out = { 0 };
	struct word word;
	char *text;

	if (!has_tag(subject))
		return NULL;
	while (*subject != '\0') {
		char c = rounded(*subject);

		if (read_word(subject, &word)) {
			defuse_word(&word, &out);
			subject = word.end;
			continue;
		}
		subject++;
		if (buf_add(&out, &c, 1, NULL) != 0)
			break;
	}
	text = mem_string_n(out.data, out.len);
	buf_clear(&out);
	return text;
}

/* ---- our own ---- */

static const char *
tag_for_encryption(const struct inbound_report *report)
{
	const struct inbound_layer *layer;
	const char *tag = NULL;

	LIST_FOREACH (layer, &report->layers)
		if (layer->encrypted && layer->opened && tag != tag_not_vouched)
			tag = layer->vouched_for ? tag_encrypted
						 : tag_not_vouched;
	return tag;
}

static const char *
tag_for_signature(const struct work *work)
{
	const struct inbound_report *report = &work->outcome->inbound;
	const struct inbound_layer *layer;

	if (!work->inbound.verify)
		return NULL;
	if (report->verdict == INBOUND_PASS)
		return tag_signed;
	LIST_FOREACH (layer, &report->layers)
		if (!layer->encrypted && layer->verdict != INBOUND_NONE)
			return tag_not_valid;
	return NULL;
}

/* The first Subject with its look-alikes gone, or NULL. */
static struct edit *
first_subject(struct work *work)
{
	struct list *edits = &work->outcome->edits;
	const struct mail_field *field;
	struct edit *edit;

	LIST_FOREACH (edit, edits)
		if (strcasecmp(edit->name, "Subject") == 0 && edit->index == 1)
			return edit;
	LIST_FOREACH (field, &work->mail->fields)
		if (strcasecmp(field->name, "Subject") == 0) {
			edit = edit_add(edits, work->mail, EDIT_CHANGE,
				mem_string(field->name),
				mem_string(field->value));
			edit->index = 1;
			return edit;
		}
	return edit_add(edits, work->mail, EDIT_ADD, mem_string("Subject"),
		mem_string(""));
}

void
tags_set(struct work *work)
{
	const char *encrypted = tag_for_encryption(&work->outcome->inbound);
	const char *signature = tag_for_signature(work);
	struct edit *edit;
	char *value;

	if (!work->gateway->report.subject_tags ||
		(encrypted == NULL && signature == NULL))
		return;
	edit = first_subject(work);
	value = mem_printf(" %s%s%s%s%s", encrypted ? encrypted : "",
		encrypted && signature ? " " : "", signature ? signature : "",
		edit->value[0] == ' ' || edit->value[0] == '\t' ||
				edit->value[0] == '\n'
			? ""
			: " ",
		edit->value);
	mem_free(edit->value);
	edit->value = value;
}
