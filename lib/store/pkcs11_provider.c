/*
 * Tokens through a provider of OpenSSL, for a program without libp11: the uri
 * is handed to OSSL_STORE, the provider keeps sessions and locks by itself.
 * A token that is not there is looked for by those who ask for it.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "store/pkcs11.h"

#define PROVIDER "pkcs11"
#define MODULE_VARIABLE "PKCS11_PROVIDER_MODULE"

/* Between two attempts, at first and at most. */
enum { WAIT_FIRST_MS = 1000, WAIT_MAX_MS = 60000 };

int
provider_choose_module(const char *path, struct error *err)
{
	const char *chosen = getenv(MODULE_VARIABLE);

	if (path == NULL)
		return 0;
	if (chosen != NULL && strcmp(chosen, path) != 0)
		return error_set(err, ERROR_CONFIG,
			"module %s: OpenSSL's provider for tokens uses %s "
			"already, and takes no second one",
			path, chosen);
	if (setenv(MODULE_VARIABLE, path, 1) != 0)
		return error_set(err, ERROR_SYSTEM, "no memory for a token");
	return 0;
}

/* Loaded once and for the life of the process: keys hold on to it. */
static int
load_provider(struct error *err)
{
	bool here = OSSL_PROVIDER_available(NULL, PROVIDER) == 1 ||
		    OSSL_PROVIDER_try_load(NULL, PROVIDER, 1) != NULL;

	crypto_begin();
	if (here)
		return 0;
	return error_set(err, ERROR_CONFIG,
		"this program was built without libp11, and OpenSSL has no "
		"provider for tokens (" PROVIDER ")");
}

/* ---- the PIN, for whoever asks ---- */

struct pin {
	const char *text; /* or NULL */
	bool given;
};

static int
answer(UI *ui, UI_STRING *question)
{
	struct pin *pin = UI_get0_user_data(ui);

	switch (UI_get_string_type(question)) {
	case UIT_PROMPT:
	case UIT_VERIFY:
		/* Once: a card locks after a few wrong ones. */
		if (pin->text == NULL || pin->given)
			return 0;
		pin->given = true;
		return UI_set_result(ui, question, pin->text) == 0;
	case UIT_NONE:
	case UIT_BOOLEAN:
	case UIT_INFO:
	case UIT_ERROR:
		break;
	}
	return 1;
}

/*
 * A token that did not take its PIN is not tried again; whatever else is
 * wrong may pass.
 */
static int
fail(struct error *err, const char *address, const struct pin *pin,
	const char *words)
{
	if (!pin->given)
		return crypto_fail(err, ERROR_SYSTEM, "%s: %s", address, words);
	crypto_fail(err, ERROR_CONFIG,
		"%s: %s with the PIN in password_file, which is not tried "
		"again",
		address, words);
	err->refused = true;
	return -1;
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
	const char *address, const struct pin *pin, struct error *err)
{
	int result = 0;

	while (result == 0 && !OSSL_STORE_eof(store)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(store);

		if (info != NULL) {
			result = take_found(pile, wanted, info, address, err);
			ERR_clear_error();
		} else if (ERR_peek_error() != 0) /* not just the end */
			result = fail(err, address, pin, "cannot be read");
		OSSL_STORE_INFO_free(info);
	}
	return result;
}

int
provider_fill(struct cert_pile *pile, struct list *wanted, const char *address,
	const char *pin, struct error *err)
{
	UI_METHOD *method = UI_create_method("PIN from a file");
	struct pin asked = { .text = pin };
	OSSL_STORE_CTX *store = NULL;
	int result = -1;

	crypto_begin();
	if (method == NULL || UI_method_set_reader(method, answer) != 0) {
		crypto_fail(err, ERROR_SYSTEM, "no memory for a token");
		goto out;
	}
	store = OSSL_STORE_open_ex(
		address, NULL, NULL, method, &asked, NULL, NULL, NULL);
	if (store == NULL) {
		fail(err, address, &asked, "cannot be opened");
		goto out;
	}
	result = take_all(store, pile, wanted, address, &asked, err);
	if (result == 0 && wanted->count == 0)
		result = error_set(err, ERROR_SYSTEM,
			"%s: no such token or certificate is here", address);
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
static int
read_token(struct token *token, struct list *warnings, struct error *err)
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

/* ---- a store ---- */

static void
wait_longer(struct token *token)
{
	if (token->wait_ms == 0)
		token->wait_ms = WAIT_FIRST_MS;
	else if (token->wait_ms < WAIT_MAX_MS / 2)
		token->wait_ms *= 2;
	else
		token->wait_ms = WAIT_MAX_MS;
	token->retry_at_ms = clock_monotonic_ms() + token->wait_ms;
}

static int
attempt(struct token *token, struct list *warnings)
{
	struct error why = { 0 };
	int result = read_token(token, warnings, &why);

	if (result == 0) {
		token->state = TOKEN_UP;
	} else {
		token->why = why;
		token->state =
			why.kind == ERROR_SYSTEM ? TOKEN_DOWN : TOKEN_REFUSED;
		wait_longer(token);
	}
	token_note_state(token);
	return result;
}

int
provider_start(struct token *token, struct list *warnings, struct error *err)
{
	if (load_provider(err) != 0)
		return -1;
	return provider_begin(token, warnings, err);
}

int
provider_begin(struct token *token, struct list *warnings, struct error *err)
{
	int result = 0;

	pthread_mutex_lock(&token->lock);
	if (attempt(token, warnings) != 0) {
		*err = token->why;
		result = -1;
	}
	pthread_mutex_unlock(&token->lock);
	return result;
}

static void
try_again(struct token *token)
{
	struct list warnings = { 0 }; /* of an attempt that failed: none */
	const char *text;

	if (attempt(token, &warnings) == 0)
		event(EVENT_INFO, "store %s: the token is there",
			token->store->name);
	else if (token->state == TOKEN_REFUSED)
		event(EVENT_ERROR, "store %s: %s; only a reload tries again",
			token->store->name, token->why.text);
	LIST_FOREACH (text, &warnings)
		event(EVENT_WARNING, "%s", text);
	list_clear(&warnings, mem_free);
}

int
provider_enter(struct token *token, int64_t deadline_ms, struct error *err)
{
	struct timespec end = { deadline_ms / 1000,
		deadline_ms % 1000 * 1000000 };
	int why = deadline_ms == 0 ? pthread_mutex_lock(&token->lock)
				   : pthread_mutex_clocklock(&token->lock,
					     CLOCK_MONOTONIC, &end);

	if (why != 0)
		return error_set(err, ERROR_SYSTEM,
			"the token is being looked for (%s)", strerror(why));
	if (token->state == TOKEN_DOWN && token->wait_ms != 0 &&
		clock_monotonic_ms() >= token->retry_at_ms)
		try_again(token);
	return 0;
}

void
provider_leave(struct token *token)
{
	pthread_mutex_unlock(&token->lock);
}
