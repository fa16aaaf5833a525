/*
 * Certificates and keys on a smart card or HSM.  The keys never leave it: a
 * struct cert of this store has a handle as its key.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/pkcs11.h"

/* All tokens that the system has been told of. */
#define DEFAULT_MODULE "p11-kit-proxy.so"

int
pkcs11_store_open(struct store *store, const struct store_settings *settings,
	struct list *warnings UNUSED, struct error *err)
{
	struct token *token = mem_alloc(sizeof(*token));

	store->own = token;
	token->store = store;
	pthread_mutex_init(&token->lock, NULL);
	pthread_mutex_init(&token->saying, NULL);
	if (settings->uri == NULL)
		return error_set(err, ERROR_CONFIG, "uri is missing");
	if (token_uri_parse(settings->uri, &token->uri, err) != 0)
		return -1;
	token->module_path =
		mem_string(settings->module != NULL ? settings->module
						    : token->uri.module);
	if (!engine_is_here() &&
		provider_choose_module(token->module_path, err) != 0)
		return -1;
	return store_read_password(settings, &token->pin, err);
}

/* What is on the token, of which some is wanted and some is their issuers. */
void
token_keep(struct token *token, struct cert_pile *pile, struct list *wanted,
	struct list *warnings)
{
	bool all = token->uri.object == NULL && !token->uri.has_id;
	struct list found = { 0 }, kept = { 0 }, words = { 0 };
	struct cert *cert;
	X509 *x509;

	store_take(token->store, pile, &found, &words);
	LIST_FOREACH (cert, &found) {
		bool keep = all;

		LIST_FOREACH (x509, wanted)
			keep = keep || X509_cmp(x509, cert->x509) == 0;
		if (keep)
			list_add(&kept, cert);
		else
			cert_unref(cert);
	}
	list_clear(&found, NULL);
	/* Keys of certificates that were not asked for are no news. */
	for (size_t i = 0; all && i < words.count; i++)
		list_add(warnings, mem_string(words.item[i]));
	list_clear(&words, mem_free);
	holdings_fill(&token->store->holdings, &kept);
	if (token->store->holdings.certs.count == 0)
		list_add(warnings,
			mem_printf("store %s: %s: there is no certificate",
				token->store->name, token->uri.text));
}

/* A token that is not there may come; one that refuses will not. */
int
pkcs11_store_start(
	struct store *store, struct list *warnings, struct error *err)
{
	struct token *token = store->own;
	struct error why = { 0 };
	int result;

	if (!engine_is_here()) {
		result = provider_start(token, warnings, &why);
	} else {
		if (token->module_path == NULL)
			token->module_path = mem_string(DEFAULT_MODULE);
		result = module_add(token, warnings, &why);
	}
	if (result == 0)
		return 0;
	if (why.kind != ERROR_SYSTEM) {
		if (err != NULL)
			*err = why;
		return -1;
	}
	list_add(warnings,
		mem_printf("store %s: %s; mails that need it wait until it is "
			   "there",
			store->name, why.text));
	return 0;
}

static int
enter(struct token *token, int64_t deadline_ms, struct error *err)
{
	int result = token->module != NULL
			     ? module_enter(token->module, deadline_ms, err)
			     : provider_enter(token, deadline_ms, err);

	if (result != 0)
		return error_prefix(err, "store %s: ", token->store->name);
	return 0;
}

static void
leave(struct token *token)
{
	if (token->module != NULL)
		module_leave(token->module);
	else
		provider_leave(token);
}

/* While it is down nobody can tell what it has. */
static int
is_up(const struct token *token, struct error *err)
{
	if (token->state == TOKEN_UP)
		return 0;
	return error_set(err, ERROR_SYSTEM, "store %s: %s", token->store->name,
		token->why.kind != ERROR_NONE ? token->why.text
					      : "the token was not opened yet");
}

int
pkcs11_store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err)
{
	struct token *token = store->own;
	int result;

	if (enter(token, deadline_ms, err) != 0)
		return -1;
	result = is_up(token, err);
	if (result == 0)
		holdings_find(&store->holdings, address, selector, out);
	leave(token);
	return result;
}

int
pkcs11_store_list(struct store *store, struct list *out, struct error *err)
{
	struct token *token = store->own;
	int result;

	if (enter(token, 0, err) != 0)
		return -1;
	result = is_up(token, err);
	if (result == 0)
		result = store_list_held(store, out, err);
	leave(token);
	return result;
}

void
token_note_state(struct token *token)
{
	pthread_mutex_lock(&token->saying);
	if (token->state == TOKEN_UP)
		token->gone_since = 0;
	else if (token->gone_since == 0)
		token->gone_since = clock_now();
	token->said = token->why;
	pthread_mutex_unlock(&token->saying);
}

/* Without the locks of its use: those may be held for long. */
void
pkcs11_store_concern(struct store *store, struct list *lines)
{
	struct token *token = store->own;
	char since[CLOCK_TEXT_SIZE];

	pthread_mutex_lock(&token->saying);
	if (token->gone_since != 0) {
		clock_format(token->gone_since, since);
		list_add(lines, mem_printf("store %s: %s, since %s",
					store->name, token->said.text, since));
	}
	pthread_mutex_unlock(&token->saying);
}

void
pkcs11_store_close(struct store *store)
{
	struct token *token = store->own;

	if (token == NULL)
		return;
	module_remove(token);
	token_uri_clear(&token->uri);
	mem_free_secret(token->pin);
	pthread_mutex_destroy(&token->lock);
	pthread_mutex_destroy(&token->saying);
	mem_free(token->module_path);
	mem_free(token);
}
