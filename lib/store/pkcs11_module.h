/* Between pkcs11_module.c and the thread that looks after a module. */
#ifndef STORE_PKCS11_MODULE_H
#define STORE_PKCS11_MODULE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/pkcs11.h"

/*
 * Between two initialisations.  Keys point here for as long as they live, so
 * it is kept until the last one has gone and the library is opened again.
 */
struct token_opening {
	struct token_opening *next; /* older */
	struct token_module *module;
	struct token_slots *slots;
	_Atomic int keys; /* that are in use somewhere */
};

struct token_module {
	struct token_module *next;
	char *path;
	/* Read: keys and holdings are used.  Write: all is opened anew. */
	pthread_rwlock_t use;
	struct token_opening *current; /* NULL: closed; under use */
	struct token_opening *past;
	struct token *tokens; /* under use */

	bool keeping;
	pthread_t keeper;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool stop;
	bool trouble; /* a key did not work */
	bool missing; /* a token is not there */
	int64_t tried_ms;
	int64_t wait_ms;
};

/* ---- the caller holds module->use for writing ---- */

int module_begin(struct token_module *module, struct error *err) MUST_USE;
int module_read(struct token_module *module, struct token *token,
	struct list *warnings) MUST_USE;
/* Of an opening without keys nothing is left over. */
void module_drop_if_empty(struct token_module *module);
void module_end(struct token_module *module);
/* Keys in use are dead now, whoever still has one. */
void token_forget(struct token *token);

/* ---- pkcs11_keeper.c ---- */

int keeper_start(struct token_module *module, struct error *err) MUST_USE;
void keeper_stop(struct token_module *module);
/* A key did not work, or a token is not there. */
void keeper_wake(struct token_module *module, bool trouble, bool missing);

#endif
