/* What was found in files, until it becomes certificates. */
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

/* Of one file; a hostile one could fill a log with them. */
enum { WARNINGS_MAX = 100 };

struct cert_pile *
cert_pile_new(const struct cert_limits *limits)
{
	struct cert_pile *pile = mem_alloc(sizeof(*pile));

	pile->limits = limits ? *limits : cert_limits_default;
	pile->budget = &pile->own;
	return pile;
}

struct cert_pile *
cert_pile_part(struct cert_pile *whole)
{
	struct cert_pile *part = cert_pile_new(&whole->limits);

	part->budget = whole->budget;
	return part;
}

void
cert_crl_free(void *crl)
{
	X509_CRL_free(crl);
}

static size_t
crl_bytes(const X509_CRL *crl)
{
	int len = i2d_X509_CRL(crl, NULL);

	return len > 0 ? (size_t)len : 0;
}

void
pile_truncate(struct cert_pile *pile, size_t certs, size_t keys)
{
	while (pile->cert_count > certs) {
		struct found_cert *last = &pile->cert[--pile->cert_count];

		X509_free(last->x509);
		EVP_PKEY_free(last->key);
	}
	while (pile->key_count > keys)
		EVP_PKEY_free(pile->key[--pile->key_count].key);
}

static void
give_back(struct pile_budget *budget, size_t bytes)
{
	atomic_fetch_sub(&budget->crls, 1);
	atomic_fetch_sub(&budget->crl_bytes, bytes);
}

/* What others are adding at the same moment counts already. */
static int
take_up(struct reading *in, size_t bytes, struct error *err)
{
	struct pile_budget *budget = in->pile->budget;
	const struct cert_limits *limits = &in->pile->limits;
	size_t count = atomic_fetch_add(&budget->crls, 1);
	size_t before = atomic_fetch_add(&budget->crl_bytes, bytes);

	if (count < limits->crls && before <= limits->crl_bytes &&
		bytes <= limits->crl_bytes - before)
		return 0;
	give_back(budget, bytes);
	if (count >= limits->crls)
		return error_set(err, ERROR_LIMIT,
			"%s: more than %u revocation lists", in->source,
			limits->crls);
	return error_set(err, ERROR_LIMIT,
		"%s: more than %zu bytes of revocation lists", in->source,
		limits->crl_bytes);
}

static void
truncate_crls(struct cert_pile *pile, size_t crls)
{
	while (pile->crls.count > crls) {
		X509_CRL *last = pile->crls.item[--pile->crls.count];

		give_back(pile->budget, crl_bytes(last));
		X509_CRL_free(last);
	}
}

void
cert_pile_free(struct cert_pile *pile)
{
	if (pile == NULL)
		return;
	pile_truncate(pile, 0, 0);
	mem_free(pile->cert);
	mem_free(pile->key);
	list_clear(&pile->sources, mem_free);
	list_clear(&pile->warnings, mem_free);
	list_clear(&pile->crls, cert_crl_free);
	mem_free(pile);
}

struct pile_mark
reading_mark(const struct reading *in)
{
	return (struct pile_mark){ in->pile->cert_count, in->pile->key_count,
		in->pile->crls.count, in->pile->warnings.count, in->certs,
		in->keys, in->crls, in->warned };
}

void
reading_go_back(struct reading *in, const struct pile_mark *mark)
{
	struct list *warnings = &in->pile->warnings;

	pile_truncate(in->pile, mark->pile_certs, mark->pile_keys);
	truncate_crls(in->pile, mark->pile_crls);
	while (warnings->count > mark->warnings)
		mem_free(warnings->item[--warnings->count]);
	in->certs = mark->certs;
	in->keys = mark->keys;
	in->crls = mark->crls;
	in->warned = mark->warned;
}

static int
check_items(const struct reading *in, struct error *err)
{
	if (in->certs + in->keys <= in->pile->limits.items)
		return 0;
	return error_set(err, ERROR_LIMIT,
		"%s: more than %u certificates and keys", in->source,
		in->pile->limits.items);
}

static void
add_found(struct cert_pile *pile, const struct found_cert *found)
{
	if (pile->cert_count == pile->cert_size) {
		pile->cert_size = pile->cert_size ? pile->cert_size * 2 : 8;
		pile->cert = mem_grow(
			pile->cert, pile->cert_size, sizeof(*pile->cert));
	}
	pile->cert[pile->cert_count++] = *found;
}

static void
add_found_key(struct cert_pile *pile, const struct found_key *found)
{
	if (pile->key_count == pile->key_size) {
		pile->key_size = pile->key_size ? pile->key_size * 2 : 8;
		pile->key =
			mem_grow(pile->key, pile->key_size, sizeof(*pile->key));
	}
	pile->key[pile->key_count++] = *found;
}

void
pile_move_list(struct list *to, struct list *from)
{
	for (size_t i = 0; i < from->count; i++)
		list_add(to, from->item[i]);
	list_clear(from, NULL);
}

void
cert_pile_append(struct cert_pile *pile, struct cert_pile *from)
{
	for (size_t i = 0; i < from->cert_count; i++)
		add_found(pile, &from->cert[i]);
	for (size_t i = 0; i < from->key_count; i++)
		add_found_key(pile, &from->key[i]);
	from->cert_count = from->key_count = 0;
	pile_move_list(&pile->sources, &from->sources);
	pile_move_list(&pile->warnings, &from->warnings);
	pile_move_list(&pile->crls, &from->crls);
	if (from->budget == pile->budget)
		return;
	pile->budget->crls += atomic_exchange(&from->budget->crls, 0);
	pile->budget->crl_bytes += atomic_exchange(&from->budget->crl_bytes, 0);
	pile->budget->iterations += from->budget->iterations;
}

/* Also fills the cache of extensions, here where several threads do it. */
static bool
is_odd(X509 *x509)
{
	X509_check_purpose(x509, -1, 0);
	return X509_get0_pubkey(x509) == NULL ||
	       (X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0;
}

/*
 * OpenSSL does not always say that it was for lack of memory that it could
 * read no key or extension: then it reads the certificate again.
 */
static bool
is_in_part(X509 *x509)
{
	bool odd = is_odd(x509), in_part = crypto_lacked_memory();
	X509 *again;

	if (!odd || in_part)
		return in_part;
	again = X509_dup(x509);
	in_part = again == NULL || !is_odd(again) || crypto_lacked_memory();
	X509_free(again);
	crypto_begin();
	return in_part;
}

int
reading_add_cert(struct reading *in, X509 *x509, struct error *err)
{
	struct found_cert found = { .x509 = x509, .source = in->source };

	in->certs++;
	if (check_items(in, err) != 0)
		goto fail;
	if (cert_digest(x509, found.sha256) != 0) {
		crypto_fail(err, ERROR_SYSTEM,
			"%s: a certificate cannot be digested", in->source);
		goto fail;
	}
	if (is_in_part(x509)) {
		error_set(err, ERROR_SYSTEM,
			"%s: no memory to read a certificate", in->source);
		goto fail;
	}
	add_found(in->pile, &found);
	return 0;
fail:
	X509_free(x509);
	return -1;
}

int
reading_add_key(struct reading *in, EVP_PKEY *key, struct error *err)
{
	in->keys++;
	if (check_items(in, err) != 0) {
		EVP_PKEY_free(key);
		return -1;
	}
	if (in->without_keys || key == NULL) {
		EVP_PKEY_free(key);
		return 0;
	}
	add_found_key(in->pile,
		&(struct found_key){ .key = key, .source = in->source });
	return 0;
}

int
reading_add_crl(struct reading *in, X509_CRL *crl, struct error *err)
{
	struct cert_pile *pile = in->pile;
	size_t bytes = crl_bytes(crl);

	if (take_up(in, bytes, err) != 0) {
		X509_CRL_free(crl);
		return -1;
	}
	in->crls++;
	list_add(&pile->crls, crl);
	return 0;
}

void
reading_warn_words(struct reading *in, const char *words)
{
	if (in->warned < WARNINGS_MAX)
		list_add(&in->pile->warnings, mem_string(words));
	else if (in->warned == WARNINGS_MAX)
		list_add(&in->pile->warnings,
			mem_printf("%s: more is wrong with it", in->source));
	in->warned++;
}

int
cert_pile_add(struct cert_pile *pile, X509 *x509, EVP_PKEY *key,
	const char *source, struct error *err)
{
	char *kept = mem_string(source);
	struct reading in = { .pile = pile,
		.source = kept,
		.certs = pile->cert_count,
		.keys = pile->key_count };

	list_add(&pile->sources, kept);
	if (x509 != NULL && reading_add_cert(&in, x509, err) != 0) {
		EVP_PKEY_free(key);
		return -1;
	}
	return key != NULL ? reading_add_key(&in, key, err) : 0;
}

void
reading_warn(struct reading *in, const char *format, ...)
{
	char text[200], *words;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	words = mem_printf("%s: %s", in->source, text);
	reading_warn_words(in, words);
	mem_free(words);
}

int
reading_skip(struct reading *in, const char *what, struct error *err)
{
	if (crypto_lacked_memory())
		return error_set(err, ERROR_SYSTEM, "%s: no memory to read %s",
			in->source, what);
	reading_warn(in, "%s was skipped", what);
	return 0;
}

int
cert_pile_check(const struct cert_pile *pile, struct error *err)
{
	if (!pile->incomplete)
		return 0;
	return error_set(
		err, ERROR_SYSTEM, "no memory to read all certificates");
}

void
cert_pile_take_crls(struct cert_pile *pile, struct list *out)
{
	for (size_t i = 0; i < pile->crls.count; i++)
		give_back(pile->budget, crl_bytes(pile->crls.item[i]));
	pile_move_list(out, &pile->crls);
}
