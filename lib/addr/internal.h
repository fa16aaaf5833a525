/* What the files of this folder share. */
#ifndef ADDR_INTERNAL_H
#define ADDR_INTERNAL_H

#include "addr/addr.h"

/*
 * Text that is being read.  plain: an address as machines write it, without
 * blanks and comments, where the local part may have dots at its ends and
 * twice in a row: MTAs deliver such mail, and it is clear what is meant.
 */
struct reader {
	const unsigned char *next, *end;
	bool plain;
};

/*
 * A run of words (atoms and quoted strings) and dots: a display name, a
 * group's name, or a local part; what follows it decides.
 */
struct words {
	char text[ADDR_MAX_BYTES + 1]; /* without blanks and comments */
	char bare[ADDR_MAX_BYTES + 1]; /* and without quotes */
	size_t text_len, bare_len;
	size_t count;	/* words and dots */
	bool too_long;	/* for an address; fine for a display name */
	bool controls;	/* in a quoted string */
	bool is_local;	/* words and dots take turns */
	bool last_word; /* the last thing read was a word */
};

/* The next character, or -1 at the end. */
int reader_peek(const struct reader *reader);
/* Step over it when it is this one. */
bool reader_take(struct reader *reader, char c);
/* Blanks, folds and nested comments (RFC 5322 3.2.2). */
int reader_skip(struct reader *reader, struct error *err) MUST_USE;

int words_read(
	struct reader *reader, struct words *words, struct error *err) MUST_USE;

/* The "@" and the domain behind these words, and an address of both. */
int reader_address(struct reader *reader, const struct words *local,
	struct address **out, struct error *err) MUST_USE;
/* The words alone ("postmaster"). */
int words_address(const struct words *local, struct address **out,
	struct error *err) MUST_USE;
/* Source route (RFC 5321 4.1.1.3, obs-route): read and dropped. */
int reader_route(struct reader *reader, struct error *err) MUST_USE;

bool is_atext(int c);
bool is_utf8(const char *text);
/* What is compared of a local part; free with mem_free. */
char *local_key(const char *bare) MUST_USE;
/* What is compared of a domain. */
int domain_key(const char *domain, char **out, struct error *err) MUST_USE;

#endif
