/* Templates with what they stand for put in. */
#include "ca/deliver_text.h"

#include <ctype.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

enum { WORD_MAX = 32 };

/* In a file's name whatever a file system may trip over becomes "_". */
char *
filling_file_name(const struct ca_parcel *parcel)
{
	char *name = mem_printf("%s.p12", parcel->entry->address);

	for (char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("@.-_+", *c) == NULL)
			*c = '_';
	if (name[0] == '.' || name[0] == '-')
		name[0] = '_';
	return name;
}

/* ---- what words stand for ---- */

static char *
text_address(const struct filling *self)
{
	return mem_string(self->parcel->entry->address);
}

static char *
text_name(const struct filling *self)
{
	const struct ca_entry *entry = self->parcel->entry;

	return mem_string(
		entry->name[0] != '\0' ? entry->name : entry->address);
}

static char *
text_organisation(const struct filling *self)
{
	const char *text = self->parcel->entry->organisation;

	return mem_string(text != NULL ? text : "");
}

static char *
text_authority(const struct filling *self)
{
	char name[256] = "";

	X509_NAME_get_text_by_NID(X509_get_subject_name(ca_issuer(self->ca)),
		NID_commonName, name, sizeof(name));
	return mem_string(name);
}

static char *
text_serial(const struct filling *self)
{
	return mem_string(self->parcel->entry->serial);
}

static char *
text_sha256(const struct filling *self)
{
	return mem_string(self->parcel->entry->sha256);
}

static char *
text_until(const struct filling *self)
{
	char date[11];

	cert_date_text(self->parcel->entry->not_after, date);
	return mem_string(date);
}

static char *
text_file(const struct filling *self)
{
	return filling_file_name(self->parcel);
}

static char *
text_contact(const struct filling *self)
{
	const struct ca_delivery *delivery = self->delivery;

	return mem_string(
		delivery->contact != NULL ? delivery->contact : delivery->from);
}

static char *
text_password(const struct filling *self)
{
	return mem_string(self->parcel->password);
}

static const struct {
	const char *word;
	char *(*text)(const struct filling *self);
	bool secret;
} words[] = {
	{ "address", text_address, false },
	{ "name", text_name, false },
	{ "organisation", text_organisation, false },
	{ "authority", text_authority, false },
	{ "serial", text_serial, false },
	{ "sha256", text_sha256, false },
	{ "until", text_until, false },
	{ "file", text_file, false },
	{ "contact", text_contact, false },
	{ "password", text_password, true },
};

/* ---- put in ---- */

/* The letters between { and }; 0: they are just text. */
static size_t
word_len(struct span text)
{
	size_t len = 1;

	while (len < text.len && len <= WORD_MAX &&
		(islower(text.data[len]) || isdigit(text.data[len])))
		len++;
	return len > 1 && len < text.len && text.data[len] == '}' ? len - 1 : 0;
}

/* A word is one line, whatever it was taken from. */
static void
flatten(char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			*text = ' ';
}

static int
put_word(const struct filling *self, struct span word, struct buf *out,
	struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		char *text;
		int result;

		if (!span_is(word, words[i].word))
			continue;
		if (words[i].secret && !self->secret)
			return error_set(err, ERROR_CONFIG,
				"the password must not stand in the mail that "
				"brings the key");
		text = words[i].text(self);
		flatten(text);
		result = buf_add_string(out, text, err);
		mem_free_secret(text);
		return result;
	}
	return error_set(err, ERROR_CONFIG, "nothing is known as {%.*s}",
		(int)word.len, (const char *)word.data);
}

static int
fill(const struct filling *self, struct span text, struct buf *out,
	struct error *err)
{
	while (text.len != 0) {
		const unsigned char *brace = memchr(text.data, '{', text.len);
		size_t plain = brace ? (size_t)(brace - text.data) : text.len,
		       len;

		if (buf_add(out, text.data, plain, err) != 0)
			return -1;
		text = span_of(text.data + plain, text.len - plain);
		len = text.len != 0 ? word_len(text) : 0;
		if (len != 0 && put_word(self, span_of(text.data + 1, len), out,
					err) != 0)
			return -1;
		if (len == 0 && text.len != 0) {
			if (buf_add(out, text.data, 1, err) != 0)
				return -1;
			text = span_of(text.data + 1, text.len - 1);
		} else if (len != 0) {
			text = span_of(text.data + len + 2, text.len - len - 2);
		}
	}
	return 0;
}

int
filling_read(const struct filling *filling, const char *name, struct buf *out,
	struct error *err)
{
	char *path = mem_printf("%s/%s", filling->delivery->templates, name);
	struct buf text = { 0 };
	int result = file_read(path, TEMPLATE_MAX_BYTES, &text, err);

	if (result == 0 && fill(filling, buf_span(&text), out, err) != 0)
		result = error_prefix(err, "%s: ", path);
	buf_clear(&text);
	mem_free(path);
	return result;
}
