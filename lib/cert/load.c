/* A file becomes certificates: which form is it? */
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

static struct span
without_mark(struct span bytes)
{
	static const unsigned char utf8_mark[] = { 0xef, 0xbb, 0xbf };

	if (bytes.len >= sizeof(utf8_mark) &&
		memcmp(bytes.data, utf8_mark, sizeof(utf8_mark)) == 0)
		return span_of(bytes.data + 3, bytes.len - 3);
	return bytes;
}

/* Base64 of a SEQUENCE with a long length, without any armour. */
static bool
is_bare_base64(struct span bytes)
{
	return bytes.len > 4 && memcmp(bytes.data, "MI", 2) == 0;
}

static int
read_bare_base64(struct reading *in, struct span bytes, struct error *err)
{
	struct buf der = { 0 };
	int result = -1;

	if (base64_decode(bytes, &der, NULL) != 0) {
		error_set(err, ERROR_FORMAT, "%s: broken base64", in->source);
		goto out;
	}
	result = read_der(in, buf_span(&der), err);
out:
	buf_clear(&der);
	return result;
}

/* As PowerShell writes text: UTF-16 with a mark in front. */
static bool
is_utf16(struct span bytes)
{
	return bytes.len >= 2 && bytes.data[0] == 0xff && bytes.data[1] == 0xfe;
}

/* What is not ASCII becomes a "?": only text between can be that. */
static int
read_utf16(struct reading *in, struct span bytes, struct error *err)
{
	struct buf text = { 0 };
	int result = -1;

	if (buf_reserve(&text, bytes.len / 2, err) != 0)
		goto out;
	for (size_t i = 2; i + 1 < bytes.len; i += 2)
		text.data[text.len++] =
			bytes.data[i + 1] == 0 && bytes.data[i] < 0x80
				? bytes.data[i]
				: '?';
	if (pem_is(buf_span(&text)))
		result = read_pem(in, buf_span(&text), err);
	else
		error_set(err, ERROR_FORMAT,
			"%s: text in UTF-16 that is not PEM", in->source);
out:
	buf_clear(&text);
	return result;
}

static int
read_form(struct reading *in, struct span bytes, struct error *err)
{
	struct span text = span_trim(without_mark(bytes));

	if (text.len == 0)
		return error_set(err, ERROR_FORMAT, "%s: is empty", in->source);
	if (bytes.len > in->pile->limits.file_bytes)
		return error_set(err, ERROR_LIMIT, "%s: more than %zu bytes",
			in->source, in->pile->limits.file_bytes);
	if (sst_is(bytes))
		return read_sst(in, bytes, err);
	if (is_utf16(bytes))
		return read_utf16(in, bytes, err);
	if (pem_is(text))
		return read_pem(in, text, err);
	if (is_bare_base64(text))
		return read_bare_base64(in, text, err);
	/* Not trimmed: a signature may end with a byte that is a blank. */
	return read_der(in, bytes, err);
}

int
cert_pile_read(struct cert_pile *pile, const struct cert_file *file,
	size_t *keys, struct error *err)
{
	struct reading in = { .pile = pile,
		.password = file->password,
		.without_keys = file->without_keys };
	struct pile_mark start;
	int result;

	in.source = mem_string(file->source);
	list_add(&pile->sources, (char *)in.source);
	start = reading_mark(&in);
	crypto_begin();
	result = read_form(&in, file->bytes, err);
	crypto_begin();
	*keys = in.keys;
	if (result == 0 && in.certs + in.keys + in.crls == 0 &&
		!in.may_be_empty)
		result = error_set(err, ERROR_FORMAT,
			"%s: holds no certificate that can be read", in.source);
	if (result != 0)
		reading_go_back(&in, &start);
	return result;
}

int
cert_load(struct span bytes, const char *password, const char *source,
	const struct cert_limits *limits, struct list *out,
	struct list *warnings, struct error *err)
{
	struct cert_pile *pile = cert_pile_new(limits);
	struct cert_file file = {
		.bytes = bytes, .password = password, .source = source
	};
	size_t keys, before = out->count;
	int result = -1;

	if (cert_pile_read(pile, &file, &keys, err) != 0)
		goto out;
	cert_pile_take(pile, out, warnings);
	if (cert_pile_check(pile, err) != 0) {
		error_prefix(err, "%s: ", source);
		goto out;
	}
	if (out->count == before) {
		error_set(err, ERROR_FORMAT,
			keys == 0 ? "%s: holds no certificate that can be read"
				  : "%s: holds a private key but no "
				    "certificate that can be read",
			source);
		goto out;
	}
	result = 0;
out:
	cert_pile_free(pile);
	return result;
}
