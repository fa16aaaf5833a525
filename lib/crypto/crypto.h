/*
 * What all users of OpenSSL share: its error queue, and the digests and
 * ciphers of the rule file, fetched once.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

enum crypto_digest { CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512 };
enum { CRYPTO_DIGESTS = 4 };

/*
 * First of all in main(): OpenSSL takes its allocator before anything else.
 * Without it a lack of memory is known from the error queue alone.
 */
void crypto_watch_memory(void);
/* Fetch what mails need; once, before any thread starts.  Idempotent. */
int crypto_init(struct error *err) MUST_USE;

/* Borrowed, fetched once (EVP_MD_fetch is slow). */
const EVP_MD *crypto_digest(enum crypto_digest digest);
/* "sha256"; for MIME "sha-256". */
const char *crypto_digest_name(enum crypto_digest digest);
const char *crypto_digest_micalg(enum crypto_digest digest);
/* -1 when there is no such digest. */
int crypto_digest_from_name(const char *name) MUST_USE;

/*
 * Call before every operation: the queue may hold an error of another mail.
 */
void crypto_begin(void);
/*
 * Fill err with a sentence from `what` and the first reason in the queue,
 * empty the queue, return -1.  An allocation failure becomes ERROR_SYSTEM.
 */
int crypto_fail(struct error *err, enum error_kind kind, const char *format,
	...) PRINTF_LIKE(3, 4);
/*
 * Was memory missing since the operation began?  For operations that answer
 * "no" then too.  The queue is empty afterwards.
 */
bool crypto_lacked_memory(void);
/*
 * The same, or that a token was not there (an error of the library ENGINE):
 * trouble of our own, which passes, and not of the input.
 */
bool crypto_had_trouble(void);
/*
 * After success: the queue must be empty too; OpenSSL 3.0 was seen to report
 * success with a broken result.  0, or -1 CRYPTO (SYSTEM when memory was
 * short) with the queue emptied.
 */
int crypto_end(const char *what, struct error *err) MUST_USE;

/*
 * HMAC-SHA-256 (RFC 2104) of all the pieces, one behind the other, in
 * lower-case hex.
 */
enum { CRYPTO_MAC_BYTES = 32, CRYPTO_MAC_HEX = 65 };
int crypto_mac_hex(struct span key, const struct pieces *data,
	char out[CRYPTO_MAC_HEX], struct error *err) MUST_USE;
/* Without telling by the time it takes where they differ. */
bool crypto_equal(struct span a, struct span b);

/*
 * The library context with the legacy provider (RC2), made at first call,
 * NULL when the provider cannot be loaded.
 */
OSSL_LIB_CTX *crypto_legacy(void);

/* A sentence when this OpenSSL is older than 3.0.22, or NULL. */
const char *crypto_version_warning(void);

#endif
