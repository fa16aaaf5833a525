/*
 * Tokens through a provider of OpenSSL, where the system has one: the uri is
 * handed to OSSL_STORE, the provider keeps sessions and locks by itself.
 */
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto.h"
#include "store/pkcs11.h"

#define PROVIDER "pkcs11"
#define MODULE_VARIABLE "PKCS11_PROVIDER_MODULE"

/* Loaded once and for the life of the process: keys hold on to it. */
bool
provider_is_here(const struct token *token)
{
	bool here = OSSL_PROVIDER_available(NULL, PROVIDER) == 1;

	if (!here) {
		/* Its only way to be told; before threads are there. */
		if (token->module_path != NULL)
			setenv(MODULE_VARIABLE, token->module_path, 0);
		here = OSSL_PROVIDER_try_load(NULL, PROVIDER, 1) != NULL;
	}
	crypto_begin();
	return here;
}

/* ---- the PIN, for whoever asks ---- */

static int
answer(UI *ui, UI_STRING *question)
{
	const char *pin = UI_get0_user_data(ui);

	switch (UI_get_string_type(question)) {
	case UIT_PROMPT:
	case UIT_VERIFY:
		return pin != NULL && UI_set_result(ui, question, pin) == 0;
	case UIT_NONE:
	case UIT_BOOLEAN:
	case UIT_INFO:
	case UIT_ERROR:
		break;
	}
	return 1;
}

static int
take_found(struct cert_pile *pile, struct list *wanted, OSSL_STORE_INFO *info,
	const char *source, struct error *err)
{
	X509 *x509;

	switch (OSSL_STORE_INFO_get_type(info)) {
	case OSSL_STORE_INFO_CERT:
		x509 = OSSL_STORE_INFO_get1_CERT(info);
		if (x509 != NULL && X509_up_ref(x509) == 1)
			list_add(wanted, x509);
		return cert_pile_add(pile, x509, NULL, source, err);
	case OSSL_STORE_INFO_PKEY:
		return cert_pile_add(pile, NULL,
			OSSL_STORE_INFO_get1_PKEY(info), source, err);
	}
	return 0;
}

static int
take_all(OSSL_STORE_CTX *store, struct cert_pile *pile, struct list *wanted,
	const char *address, struct error *err)
{
	int result = 0;

	while (result == 0 && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info != NULL)
			result = take_found(pile, wanted, info, address, err);
		else if (ERR_peek_error() != 0) /* not just the end */
			result = crypto_fail(err, ERROR_CONFIG,
				"%s: cannot be read", address);
		OSSL_STORE_INFO_free(info);
	}
	return result;
}

int
provider_fill(struct cert_pile *pile, struct list *wanted, const char *address,
	const char *pin, struct error *err)
{
	UI_METHOD *method = UI_create_method("PIN from a file");
	OSSL_STORE_CTX *store = NULL;
	int result = -1;

	crypto_begin();
	if (method == NULL || UI_method_set_reader(method, answer) != 0) {
		crypto_fail(err, ERROR_SYSTEM, "no memory for a token");
		goto out;
	}
	store = OSSL_STORE_open_ex(address, NULL, NULL, method,
		(void *)(uintptr_t)pin, NULL, NULL, NULL);
	if (store == NULL) {
		crypto_fail(err, ERROR_CONFIG, "%s: cannot be opened", address);
		goto out;
	}
	result = take_all(store, pile, wanted, address, err);
out:
	OSSL_STORE_close(store);
	UI_destroy_method(method);
	crypto_begin();
	return result;
}

static void
free_x509(void *x509)
{
	X509_free(x509);
}

/* The uri picks already: what it gave is what was wanted. */
int
provider_read(struct token *token, struct list *warnings, struct error *err)
{
	struct cert_pile *pile = cert_pile_new(&cert_limits_default);
	struct list wanted = { 0 };
	int result =
		provider_fill(pile, &wanted, token->uri.text, token->pin, err);

	if (result == 0)
		token_keep(token, pile, &wanted, warnings);
	list_clear(&wanted, free_x509);
	cert_pile_free(pile);
	return result;
}
