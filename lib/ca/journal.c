/* The journal: lines that are only ever appended, and hang together. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "ca/internal.h"

enum { JOURNAL_MAX_BYTES = 1 << 30, HASH_LEN = CERT_SHA256_HEX - 1 };

void
journal_init(struct journal *journal, const char *folder)
{
	*journal = (struct journal){ .path = mem_printf("%s/journal", folder) };
	memset(journal->hash, '0', HASH_LEN);
}

void
journal_clear(struct journal *journal)
{
	mem_free(journal->path);
	*journal = (struct journal){ 0 };
}

/* ---- the chain ---- */

/* hash becomes that of a line, whose text begins behind its own hash. */
static int
chain(char hash[CERT_SHA256_HEX], struct span text, struct error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL &&
		    EVP_DigestInit_ex(
			    ctx, crypto_digest(CRYPTO_SHA256), NULL) == 1 &&
		    EVP_DigestUpdate(ctx, hash, HASH_LEN) == 1 &&
		    EVP_DigestUpdate(ctx, text.data, text.len) == 1 &&
		    EVP_DigestFinal_ex(ctx, digest, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	if (!good)
		return crypto_fail(err, ERROR_SYSTEM, "no digest can be made");
	hex_write(hash, span_of(digest, CERT_SHA256_BYTES));
	return 0;
}

/* ---- reading ---- */

const char *
journal_value(const struct journal_line *line, const char *name)
{
	for (size_t i = 0; i < line->fields; i++)
		if (strcmp(line->field[i].name, name) == 0)
			return line->field[i].value;
	return NULL;
}

/* In place: "%20" and the like. */
static void
decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		int byte = *text == '%' && text[1] != '\0'
				   ? hex_byte((unsigned char)text[1],
					     (unsigned char)text[2])
				   : -1;

		if (byte >= 0) {
			*to++ = (char)byte;
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static int
parse_time(const char *text, time_t *out)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	*out = timegm(&tm);
	return end != NULL && *end == '\0' ? 0 : -1;
}

/* NUMBER TIME WHO ACT name=value ...; -1 when it is none. */
static int
parse_line(struct span text, struct journal_line *out)
{
	char *rest = NULL, *word, *number, *when, *equal;

	out->space = mem_string_n(text.data, text.len);
	number = strtok_r(out->space, " ", &rest);
	when = strtok_r(NULL, " ", &rest);
	out->who = strtok_r(NULL, " ", &rest);
	out->act = strtok_r(NULL, " ", &rest);
	if (out->act == NULL || parse_time(when, &out->when) != 0)
		return -1;
	decode(out->who);
	out->number = strtoul(number, NULL, 10);
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		equal = strchr(word, '=');
		if (equal == NULL || out->fields == JOURNAL_FIELDS_MAX)
			return -1;
		*equal = '\0';
		decode(equal + 1);
		out->field[out->fields++] =
			(struct journal_field){ word, equal + 1 };
	}
	return 0;
}

/* Does the line follow from what was read?  Then that is part of it now. */
static int
follows(struct journal *journal, struct span line, struct error *err)
{
	char hash[CERT_SHA256_HEX];

	if (line.len < HASH_LEN + 1 || line.data[HASH_LEN] != ' ')
		return 0;
	memcpy(hash, journal->hash, sizeof(hash));
	if (chain(hash, span_of(line.data + HASH_LEN, line.len - HASH_LEN),
		    err) != 0)
		return -1;
	if (memcmp(hash, line.data, HASH_LEN) != 0)
		return 0;
	memcpy(journal->hash, hash, sizeof(hash));
	return 1;
}

static int
take_line(struct journal *journal, struct span text,
	int (*visit)(
		void *self, const struct journal_line *line, struct error *err),
	void *self, struct error *err)
{
	struct journal_line line = { 0 };
	int result = -1, good = follows(journal, text, err);

	if (good < 0)
		return -1;
	if (good == 0 ||
		parse_line(span_of(text.data + HASH_LEN, text.len - HASH_LEN),
			&line) != 0 ||
		line.number != journal->count + 1)
		error_set(err, ERROR_CONFIG,
			"%s: line %lu does not follow from the one before it: "
			"it was changed, or one is missing or was put in",
			journal->path, journal->count + 1);
	else
		result = visit(self, &line, err);
	journal->count++;
	journal->end += text.len + 1;
	journal->last = line.when;
	mem_free(line.space);
	return result;
}

/* What stands behind what was read. */
static int
read_rest(const struct journal *journal, struct buf *out, struct error *err)
{
	int fd = open(journal->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int result = -1;
	struct stat st;
	ssize_t got = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		goto out;
	if (st.st_size > JOURNAL_MAX_BYTES ||
		(uint64_t)st.st_size < journal->end) {
		error_set(err, ERROR_CONFIG,
			"%s: is shorter than it was, or far too long",
			journal->path);
		close(fd);
		return -1;
	}
	if (buf_reserve(out, (size_t)st.st_size - journal->end + 1, err) != 0) {
		close(fd);
		return -1;
	}
	do {
		out->len += (size_t)got;
		got = pread(fd, out->data + out->len,
			(size_t)st.st_size - journal->end - out->len,
			(off_t)(journal->end + out->len));
	} while (got > 0 || (got < 0 && errno == EINTR && (got = 0) == 0));
	result = got < 0 ? -1 : 0;
out:
	if (result != 0)
		error_set(err, ERROR_CONFIG, "%s: cannot be read: %s",
			journal->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
}

int
journal_read(struct journal *journal,
	int (*visit)(
		void *self, const struct journal_line *line, struct error *err),
	void *self, struct error *err)
{
	struct buf text = { 0 };
	struct span rest;
	const unsigned char *end;
	int result = read_rest(journal, &text, err);

	rest = buf_span(&text);
	while (result == 0 && rest.len != 0 &&
		(end = memchr(rest.data, '\n', rest.len)) != NULL) {
		size_t len = (size_t)(end - rest.data);

		result = take_line(
			journal, span_of(rest.data, len), visit, self, err);
		rest = span_of(end + 1, rest.len - len - 1);
	}
	buf_clear(&text);
	return result;
}

/* ---- writing ---- */

/* A line without its end is as good as any other when it follows. */
static int
only_lacks_its_end(
	const struct journal *journal, struct span tail, struct error *err)
{
	struct journal copy = *journal;

	return follows(&copy, tail, err);
}

int
journal_mend(const struct journal *journal, struct error *err)
{
	struct buf tail = { 0 };
	int fd = -1, done = 0, whole = 0;
	int result = read_rest(journal, &tail, err);

	if (result == 0 && tail.len != 0)
		whole = only_lacks_its_end(journal, buf_span(&tail), err);
	if (whole < 0)
		result = -1;
	if (result != 0 || tail.len == 0)
		goto out;
	fd = open(journal->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && whole)
		done = write(fd, "\n", 1) == 1;
	else
		done = fd >= 0 && ftruncate(fd, (off_t)journal->end) == 0;
	if (!done || fsync(fd) != 0)
		result =
			error_set(err, ERROR_SYSTEM, "%s: cannot be mended: %s",
				journal->path, strerror(errno));
out:
	if (fd >= 0)
		close(fd);
	buf_clear(&tail);
	return result;
}

void
journal_draft_begin(struct journal_draft *draft, const struct journal *journal,
	const char *who, time_t when)
{
	*draft = (struct journal_draft){
		.journal = journal, .count = journal->count, .who = who
	};
	memcpy(draft->hash, journal->hash, sizeof(draft->hash));
	clock_format(when, draft->when);
}

void
journal_drop(struct journal_draft *draft)
{
	buf_clear(&draft->text);
}

static int
add_encoded(struct buf *out, const char *text, struct error *err)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c > ' ' && c != '%' && c != 0x7f;

		if ((plain ? buf_add(out, text, 1, err)
			   : buf_add_format(out, err, "%%%02X", c)) != 0)
			return -1;
	}
	return 0;
}

static int
add_words(struct buf *out, const char *const *words, struct error *err)
{
	for (; words[0] != NULL; words += 2)
		if (words[1] != NULL &&
			(buf_add_format(out, err, " %s=", words[0]) != 0 ||
				add_encoded(out, words[1], err) != 0))
			return -1;
	return 0;
}

int
journal_add(struct journal_draft *draft, const char *act,
	const char *const *words, struct error *err)
{
	struct buf line = { .limit_bytes = JOURNAL_LINE_BYTES };
	int result = -1;

	if (buf_add_format(&line, err, " %lu %s ", draft->count + 1,
		    draft->when) != 0 ||
		add_encoded(&line, draft->who, err) != 0 ||
		buf_add_format(&line, err, " %s", act) != 0 ||
		add_words(&line, words, err) != 0)
		goto out;
	if (chain(draft->hash, buf_span(&line), err) != 0 ||
		buf_add_string(&draft->text, draft->hash, err) != 0 ||
		buf_add_span(&draft->text, buf_span(&line), err) != 0 ||
		buf_add_string(&draft->text, "\n", err) != 0)
		goto out;
	draft->count++;
	result = 0;
out:
	buf_clear(&line);
	return result;
}

int
journal_commit(struct journal_draft *draft, struct error *err)
{
	const struct journal *journal = draft->journal;
	int fd = open(journal->path,
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = 0;

	if (fd < 0 || file_put(fd, buf_span(&draft->text)) != 0 ||
		fdatasync(fd) != 0) {
		result = error_set(err, ERROR_SYSTEM,
			"%s: cannot be written: %s", journal->path,
			strerror(errno));
		/* Else the next one who has the lock does it. */
		if (fd >= 0 && ftruncate(fd, (off_t)journal->end) != 0)
			result = -1;
	}
	if (fd >= 0)
		close(fd);
	journal_drop(draft);
	return result;
}
