/* A clause for an administrator from what stopped OpenSSL. */
#include <openssl/x509_vfy.h>
#include <string.h>

#include "base/mem.h"
#include "trust/internal.h"

enum about { ABOUT_NOBODY, ABOUT_SUBJECT, ABOUT_ISSUER };

/* before, the name it is about (of the certificate it stopped at), after */
static const struct reason {
	int code;
	enum about about;
	const char *before, *after;
} reasons[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ABOUT_ISSUER,
		"no anchor or intermediate for issuer ", "" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, ABOUT_ISSUER,
		"no anchor for issuer ", "" },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, ABOUT_ISSUER,
		"no anchor or intermediate for issuer ", "" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, ABOUT_NOBODY,
		"it signed itself and is not one of the anchors", "" },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, ABOUT_SUBJECT, "its root ",
		" is not one of the anchors" },
	{ X509_V_ERR_INVALID_CA, ABOUT_SUBJECT, "",
		" stands above it but is no authority" },
	{ X509_V_ERR_KEYUSAGE_NO_CERTSIGN, ABOUT_SUBJECT, "",
		" may not sign certificates (keyUsage)" },
	{ X509_V_ERR_PERMITTED_VIOLATION, ABOUT_NOBODY,
		"the name constraints of an authority do not permit one of "
		"its names",
		"" },
	{ X509_V_ERR_EXCLUDED_VIOLATION, ABOUT_NOBODY,
		"the name constraints of an authority exclude one of its "
		"names",
		"" },
	{ X509_V_ERR_PATH_LENGTH_EXCEEDED, ABOUT_SUBJECT,
		"there are more authorities below ", " than it allows" },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, ABOUT_NOBODY,
		"its path is longer than 8 certificates", "" },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, ABOUT_NOBODY, "its key is weak", "" },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, ABOUT_SUBJECT, "the key of ",
		" is weak" },
	{ X509_V_ERR_CA_MD_TOO_WEAK, ABOUT_SUBJECT, "the signature on ",
		" uses a weak digest" },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, ABOUT_SUBJECT, "the signature on ",
		" is wrong" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, ABOUT_SUBJECT, "",
		" has a critical extension that is not known" },
	{ X509_V_ERR_CERT_REJECTED, ABOUT_SUBJECT, "",
		" is marked as not to be trusted for e-mail" },
};

static void
date_of(const ASN1_TIME *time, char out[11])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) == 1)
		cert_date_text(timegm(&tm), out);
	else
		memcpy(out, "?", 2);
}

static int
explain_date(
	int code, X509 *x509, int depth, const char *subject, struct error *why)
{
	bool expired = code == X509_V_ERR_CERT_HAS_EXPIRED;
	char date[11];

	date_of(expired ? X509_get0_notAfter(x509) : X509_get0_notBefore(x509),
		date);
	return error_set(why, ERROR_TRUST, "%s%s %s %s",
		depth == 0 ? "it" : "its authority ", depth == 0 ? "" : subject,
		expired ? "expired on" : "is not valid before", date);
}

static int
explain_row(const struct reason *reason, const char *subject,
	const char *issuer, struct error *why)
{
	const char *name = "";

	switch (reason->about) {
	case ABOUT_NOBODY:
		break;
	case ABOUT_SUBJECT:
		name = subject;
		break;
	case ABOUT_ISSUER:
		name = issuer;
		break;
	}
	return error_set(why, ERROR_TRUST, "%s%s%s", reason->before, name,
		reason->after);
}

static int
explain(int code, int depth, X509 *x509, struct error *why)
{
	char *subject = cert_name_text(X509_get_subject_name(x509));
	char *issuer = cert_name_text(X509_get_issuer_name(x509));
	const struct reason *reason = NULL;

	for (size_t i = 0; reason == NULL && i < COUNT_OF(reasons); i++)
		if (reasons[i].code == code)
			reason = &reasons[i];
	if (code == X509_V_ERR_CERT_HAS_EXPIRED ||
		code == X509_V_ERR_CERT_NOT_YET_VALID)
		explain_date(code, x509, depth, subject, why);
	else if (reason != NULL)
		explain_row(reason, subject, issuer, why);
	else
		error_set(why, ERROR_TRUST, "%s: %s", subject,
			X509_verify_cert_error_string(code));
	mem_free(subject);
	mem_free(issuer);
	return -1;
}

int
trust_explain(X509_STORE_CTX *ctx, struct error *why)
{
	int code = X509_STORE_CTX_get_error(ctx);
	X509 *x509 = X509_STORE_CTX_get_current_cert(ctx);

	if (code == X509_V_ERR_OUT_OF_MEM)
		return error_set(
			why, ERROR_SYSTEM, "no memory to look for its path");
	if (x509 == NULL)
		return error_set(why, ERROR_TRUST, "%s",
			X509_verify_cert_error_string(code));
	return explain(code, X509_STORE_CTX_get_error_depth(ctx), x509, why);
}
