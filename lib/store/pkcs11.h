/* Between the files of the pkcs11 store. */
#ifndef STORE_PKCS11_H
#define STORE_PKCS11_H

#include <pthread.h>

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

	pthread_mutex_t saying; /* of what is told to whoever asks */
	struct error said;
	time_t gone_since; /* 0: it is there */

	/* With a provider only. */
	pthread_mutex_t lock; /* of the state and the holdings */
	int64_t retry_at_ms, wait_ms;
};

/* Certificates as they were read, until they are in the holdings. */
void token_keep(struct token *token, struct cert_pile *pile,
	struct list *wanted, struct list *warnings);

/* Its state may be another now; the caller is the one who may change it. */
void token_note_state(struct token *token);

/* ---- pkcs11_provider.c: OpenSSL's provider, where libp11 is not built in */

/*
 * Its only way to be told is the environment, so there can be one for all
 * stores (CONFIG), and it has to be chosen before there are threads.
 */
int provider_choose_module(const char *path, struct error *err) MUST_USE;
/*
 * SYSTEM when the token is not there now, which is no reason not to go on;
 * CONFIG when it never will be: there is no provider, or the PIN is wrong.
 */
int provider_start(
	struct token *token, struct list *warnings, struct error *err) MUST_USE;
/* The same with what OpenSSL has already. */
int provider_begin(
	struct token *token, struct list *warnings, struct error *err) MUST_USE;
/*
 * Between these two the token is in no other thread's hands; one that was not
 * there is looked for, though not each time.  SYSTEM at deadline_ms (0: none).
 */
int provider_enter(
	struct token *token, int64_t deadline_ms, struct error *err) MUST_USE;
void provider_leave(struct token *token);
/*
 * Whatever an OSSL_STORE has behind that address; pin may be NULL.  SYSTEM,
 * also when there is nothing; CONFIG when the PIN did not open it.
 */
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

/*
 * For keys: enter the opening they come from.  -1 when it is over, or when
 * the token is being opened anew for too long.
 */
int opening_enter(struct token_opening *opening) MUST_USE;
/* How many keys of it there are. */
void opening_count(struct token_opening *opening, int change);
/* trouble: something is wrong with the token. */
void opening_leave(struct token_opening *opening, bool trouble);

/* ---- pkcs11_token.c: what is on a token ---- */

struct token_slots; /* all slots of a module */
int slots_open(const char *module_path, struct token_slots **out,
	struct error *err) MUST_USE;
/* The library forgets all sessions; keys that were read are dead then. */
void slots_end(struct token_slots *slots);
/* Only when no key that was read from it is in use any more. */
void slots_free(struct token_slots *slots);
/* The same after slots_end(); nobody has the library open. */
void slots_free_ended(struct token_slots *slots, const char *module_path);
int slots_read(struct token_slots *slots, struct token *token,
	struct token_opening *opening, struct list *warnings,
	struct error *err) MUST_USE;

/* ---- pkcs11_engine.c: keys that stay on the token ---- */

/* Was this program built with all that it takes? */
bool engine_is_here(void);
/* A key of our own that is used through opening_enter(), and counted. */
int engine_adopt(EVP_PKEY *key, struct token_opening *opening, EVP_PKEY **out,
	struct error *err) MUST_USE;

#endif
