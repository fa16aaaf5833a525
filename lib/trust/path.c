/*
 * A path from a certificate to an anchor.  OpenSSL finds one; when that one
 * will not do (authorities that certify each other have several), another is
 * looked for without the intermediate that spoilt it.
 */
#include <openssl/x509_vfy.h>

#include "base/mem.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

enum {
	PATHS_MAX = 16, /* that are tried */
	WEAK_LEVEL = 1, /* RSA from 1024 bits */
	CA_SECURITY_BITS = 112
};

/* One try. */
struct
try {
	STACK_OF(X509) * untrusted; /* what is left of the intermediates */
	STACK_OF(X509) * path;	    /* borrowed from ctx; good or as far as
				       it went */
	int depth;		    /* whom the failure is about */
	bool final;		    /* no other path can be better */
};

/* RFC 5280 4.2.1.12, as everybody reads it for authorities too. */
static bool
is_for_mail(X509 *x509)
{
	return (X509_get_extended_key_usage(x509) & (XKU_SMIME | XKU_ANYEKU)) !=
	       0;
}

static void
shrink(struct verdict *verdict, X509 *x509)
{
	time_t from = crl_time(X509_get0_notBefore(x509));
	time_t until = crl_time(X509_get0_notAfter(x509));

	if (from > verdict->from)
		verdict->from = from;
	if (until != 0 && until < verdict->until)
		verdict->until = until;
}

static int
say_about(X509 *x509, const char *before, const char *after, struct error *why)
{
	char *subject = cert_name_text(X509_get_subject_name(x509));

	error_set(why, ERROR_TRUST, "%s%s%s", before, subject, after);
	mem_free(subject);
	return -1;
}

/* The path that was found: may it be used for mail, and how long? */
static int
judge_path(struct try *try, struct verdict *verdict, struct error *why)
{
	int count = sk_X509_num(try->path);

	for (int i = 0; i < count; i++) {
		X509 *x509 = sk_X509_value(try->path, i);

		shrink(verdict, x509);
		try->depth = i;
		try->final = i == 0;
		/* Only the last may be weak, where a rule says so. */
		if (i != 0 && EVP_PKEY_get_security_bits(X509_get0_pubkey(
				      x509)) < CA_SECURITY_BITS)
			return say_about(x509, "the key of ", " is weak", why);
		/* What an anchor is good for the administrator has said. */
		if (is_for_mail(x509) || (i != 0 && i == count - 1))
			continue;
		if (i == 0)
			return error_set(why, ERROR_TRUST,
				"its extendedKeyUsage does not allow e-mail");
		return say_about(x509, "",
			" may not issue certificates for e-mail "
			"(extendedKeyUsage)",
			why);
	}
	return 0;
}

/* Its own chain and ours; references are not counted in it. */
static STACK_OF(X509) *
	gather(const struct trust *trust, const struct cert *cert)
{
	STACK_OF(X509) *all = sk_X509_dup(trust->intermediates);

	for (int i = 0; all != NULL && i < sk_X509_num(cert->chain); i++)
		if (sk_X509_push(all, sk_X509_value(cert->chain, i)) == 0) {
			sk_X509_free(all);
			return NULL;
		}
	return all;
}

/* Whose lists are wanted, and who may sign them. */
static void
note_points(struct trust *trust, const STACK_OF(X509) * path)
{
	bool more = false;

	for (int i = 0; i < sk_X509_num(path) - 1; i++) {
		points_add_authority(
			&trust->points, sk_X509_value(path, i + 1));
		more |= points_add(&trust->points, sk_X509_value(path, i));
	}
	if (more)
		refresher_wake(trust->refresher);
}

static int
check_lists(struct trust *trust, struct try *try, time_t when,
	struct verdict *verdict, struct error *why)
{
	struct crl_set *set;
	int result;

	set = set_get(trust, &verdict->generation);
	if (trust->revocation == TRUST_REVOCATION_OFF) {
		set_unref(set);
		return 0;
	}
	note_points(trust, try->path);
	result = revocation_check(
		trust, set, try->path, when, &verdict->until, &try->depth, why);
	try->final = try->depth == 0;
	set_unref(set);
	return result;
}

static int
verify(X509_STORE_CTX *ctx, const struct trust *trust, const struct cert *cert,
	struct try *try, time_t when, bool weak_ok, struct error *why)
{
	int verified;

	if (X509_STORE_CTX_init(
		    ctx, trust->store, cert->x509, try->untrusted) != 1)
		return crypto_fail(
			why, ERROR_SYSTEM, "its path cannot be looked for");
	X509_STORE_CTX_set_time(ctx, 0, when);
	if (weak_ok)
		X509_VERIFY_PARAM_set_auth_level(
			X509_STORE_CTX_get0_param(ctx), WEAK_LEVEL);
	verified = X509_verify_cert(ctx);
	try->path = X509_STORE_CTX_get0_chain(ctx);
	if (verified == 1)
		return 0;
	try->depth = X509_STORE_CTX_get_error_depth(ctx);
	if (verified < 0 || crypto_lacked_memory())
		return error_set(
			why, ERROR_SYSTEM, "its path cannot be looked for");
	return trust_explain(ctx, why);
}

/* Every copy of it. */
static bool
take_out(STACK_OF(X509) * untrusted, const X509 *x509)
{
	bool found = false;

	for (int i = sk_X509_num(untrusted) - 1; i >= 0; i--)
		if (X509_cmp(sk_X509_value(untrusted, i), x509) == 0) {
			sk_X509_delete(untrusted, i);
			found = true;
		}
	return found;
}

/* The one it failed at, or else the topmost that is no anchor. */
static bool
drop_spoiler(struct try *try)
{
	int count = sk_X509_num(try->path);

	if (try->depth > 0 && try->depth < count &&
		take_out(try->untrusted, sk_X509_value(try->path, try->depth)))
		return true;
	for (int i = count - 1; i > 0; i--)
		if (take_out(try->untrusted, sk_X509_value(try->path, i)))
			return true;
	return false;
}

/* 1: not this one, but there may be another. */
static int
try_once(struct trust *trust, const struct cert *cert, struct try *try,
	time_t when, struct verdict *verdict, struct error *why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int result = -1;

	crypto_begin();
	try->final = false;
	try->path = NULL;
	try->depth = 0;
	if (ctx == NULL)
		crypto_fail(why, ERROR_SYSTEM, "its path cannot be looked for");
	else if (verify(ctx, trust, cert, try, when, verdict->weak_ok, why) ==
			 0 &&
		 judge_path(try, verdict, why) == 0 &&
		 check_lists(trust, try, when, verdict, why) == 0)
		result = 0;
	if (result != 0 && !try->final && drop_spoiler(try))
		result = 1;
	X509_STORE_CTX_free(ctx);
	crypto_begin();
	return result;
}

int
path_find(struct trust *trust, const struct cert *cert, time_t when,
	struct verdict *verdict, struct error *why)
{
	struct try try = { .untrusted = gather(trust, cert) };
	struct error first = { 0 };
	int result = 1;

	if (try.untrusted == NULL)
		return error_set(
			why, ERROR_SYSTEM, "its path cannot be looked for");
	for (int i = 0; result == 1 && i < PATHS_MAX; i++) {
		struct error one = { 0 };

		verdict->from = cert->not_before;
		verdict->until = cert->not_after;
		result = try_once(trust, cert, &try, when, verdict, &one);
		if (result == 0)
			first = one;
		/* What cannot be told now may be good later. */
		else if (first.kind == ERROR_NONE ||
			 (first.kind != ERROR_SYSTEM &&
				 one.kind == ERROR_SYSTEM))
			first = one;
	}
	sk_X509_free(try.untrusted);
	if (why != NULL)
		*why = first;
	return result == 0 ? 0 : -1;
}
