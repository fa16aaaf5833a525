/* The issuer's key on a smart card or HSM. */
#include "base/mem.h"
#include "ca/internal.h"

/* Among those of a token, by what is public of it; NULL: the only one. */
static int
find_key(const struct list *certs, X509 *issuer, EVP_PKEY **out,
	const char *store, struct error *err)
{
	const EVP_PKEY *wanted = issuer ? X509_get0_pubkey(issuer) : NULL;
	const struct cert *cert;
	EVP_PKEY *found = NULL;
	size_t count = 0;

	LIST_FOREACH (cert, certs)
		if (wanted == NULL || EVP_PKEY_eq(X509_get0_pubkey(cert->x509),
					      wanted) == 1) {
			found = cert->key;
			count++;
		}
	crypto_begin();
	if (found == NULL || (wanted == NULL && count != 1))
		return error_set(err, ERROR_NOKEY,
			"store %s: there are %zu keys with a certificate, and "
			"the issuer of an authority needs %s",
			store, count,
			wanted != NULL ? "its own" : "just one to begin with");
	EVP_PKEY_up_ref(found);
	*out = found;
	return 0;
}

int
token_open(const struct store_settings *settings, X509 *issuer,
	struct store **store, EVP_PKEY **key, struct error *err)
{
	struct list warnings = { 0 }, certs = { 0 };
	int result = -1;

	if (store_open(settings, store, &warnings, err) == 0 &&
		store_start(*store, &warnings, err) == 0 &&
		store_list_own(*store, &certs, err) == 0)
		result = find_key(&certs, issuer, key, settings->name, err);
	/* Of a token that is not there the warning says why. */
	if (result != 0 && certs.count == 0 && warnings.count != 0)
		error_set(err, ERROR_SYSTEM, "%s",
			(const char *)warnings.item[0]);
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	return result;
}

void
ca_key_store_free(struct store_settings *settings)
{
	if (settings == NULL)
		return;
	mem_free((char *)settings->name);
	mem_free((char *)settings->type);
	mem_free((char *)settings->uri);
	mem_free((char *)settings->module);
	mem_free((char *)settings->password_file);
	mem_free(settings);
}
