/* Between the files of the pkcs11 store. */
#ifndef STORE_PKCS11_H
#define STORE_PKCS11_H

#include "store/internal.h"

/* ---- pkcs11_uri.c: which token, and which certificates on it (RFC 7512) */

enum { TOKEN_ID_BYTES = 64 };

/* What is NULL was not asked for. */
struct token_uri {
	char *text; /* all of it */
	char *token, *manufacturer, *model, *serial;
	char *slot;			  /* its number, in decimal */
	char *object;			  /* CKA_LABEL of the certificate */
	char *type;			  /* "cert" or "private" */
	char *module;			  /* module-path */
	unsigned char id[TOKEN_ID_BYTES]; /* CKA_ID of the certificate */
	size_t id_len;
	bool has_id;
};

/* CONFIG, also for a PIN inside. */
int token_uri_parse(
	const char *text, struct token_uri *out, struct error *err) MUST_USE;
void token_uri_clear(struct token_uri *uri);
bool token_uri_picks(const struct token_uri *uri, const char *label,
	const unsigned char *id, size_t id_len);

/* ---- a store on a token ---- */

enum token_state {
	TOKEN_DOWN,    /* not there now: looked for again and again */
	TOKEN_UP,      /* its certificates are in store->holdings */
	TOKEN_REFUSED, /* PIN or configuration: not tried again */
};

struct token_module;
struct token_opening;

struct token {
	struct store *store; /* name and holdings */
	struct token_uri uri;
	char *pin;		     /* or NULL */
	char *module_path;	     /* NULL: what the system has */
	struct token_module *module; /* NULL: before start, or a provider */
	struct token *next;	     /* on the same module */
	enum token_state state, before;
	struct error why; /* while it is not up */
};

/* Certificates as they were read, until they are in the holdings. */
void token_keep(struct token *token, struct cert_pile *pile,
	struct list *wanted, struct list *warnings);

/* ---- pkcs11_provider.c: where OpenSSL has a provider for tokens ---- */

bool provider_is_here(const struct token *token);
int provider_read(
	struct token *token, struct list *warnings, struct error *err) MUST_USE;
/* Whatever an OSSL_STORE has behind that address; pin may be NULL. */
int provider_fill(struct cert_pile *pile, struct list *wanted,
	const char *address, const char *pin, struct error *err) MUST_USE;

/* ---- pkcs11_module.c: a token's library, opened once per process ---- */

/*
 * Reads the token and adds it to those that are looked after: when it is
 * gone it is looked for in the background until it is back.  SYSTEM when it
 * is not there now, which is no reason not to go on; CONFIG when it never
 * will be.  err is not NULL.
 */
int module_add(
	struct token *token, struct list *warnings, struct error *err) MUST_USE;
void module_remove(struct token *token);
/*
 * Between these two no token of the module is opened anew.  SYSTEM when one
 * is being opened until deadline_ms (0: wait).
 */
int module_enter(struct token_module *module, int64_t deadline_ms,
	struct error *err) MUST_USE;
void module_leave(struct token_module *module);

/* For keys: enter the opening they come from.  -1 when it is over. */
int opening_enter(struct token_opening *opening);
/* trouble: something is wrong with the token. */
void opening_leave(struct token_opening *opening, bool trouble);

/* ---- pkcs11_token.c: what is on a token ---- */

struct token_slots; /* all slots of a module */
int slots_open(const char *module_path, struct token_slots **out,
	struct error *err) MUST_USE;
/* The library forgets all sessions; keys that were read are dead then. */
void slots_end(struct token_slots *slots);
/* Only when no key was read from it. */
void slots_free(struct token_slots *slots);
int slots_read(struct token_slots *slots, struct token *token,
	struct token_opening *opening, struct list *warnings,
	struct error *err) MUST_USE;

/* ---- pkcs11_engine.c: keys that stay on the token ---- */

/* The key is used through opening_enter() from now on. */
int engine_adopt(EVP_PKEY *key, struct token_opening *opening,
	struct error *err) MUST_USE;

#endif
