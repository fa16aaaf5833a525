/* What was found in files becomes certificates. */
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

/* Fewer certificates are not worth a thread. */
enum { STEP = 256 };

/* Certificates that are made at once by several threads. */
struct making {
	struct cert_pile *pile;
	struct chains chains;
	struct made {
		struct cert *cert;
		char *why;   /* there is none */
		bool may_be; /* another time */
	} * made;
};

static void
make_certs(void *p, size_t first, size_t end)
{
	struct making *making = p;

	for (size_t i = first; i < end; i++) {
		struct found_cert *found = &making->pile->cert[i];
		struct made *made = &making->made[i];
		struct error why;

		X509_up_ref(found->x509);
		if (cert_make(found->x509, found->key,
			    chains_above(&making->chains, found->x509),
			    CERT_FROM_FILE, found->source, found->sha256,
			    &made->cert, &why) != 0) {
			made->why = mem_string(why.text);
			made->may_be = why.kind == ERROR_SYSTEM;
		}
		found->key = NULL;
	}
	crypto_begin();
}

void
cert_pile_take(struct cert_pile *pile, struct list *out, struct list *warnings)
{
	struct making making = { .pile = pile };

	pile_drop_doubles(pile);
	pile_join_keys(pile);
	chains_init(&making.chains, pile);
	making.made = mem_array(pile->cert_count, sizeof(*making.made));
	parallel_run(pile->cert_count, STEP, make_certs, &making);
	for (size_t i = 0; i < pile->cert_count; i++) {
		if (making.made[i].cert != NULL)
			list_add(out, making.made[i].cert);
		else
			list_add(&pile->warnings, making.made[i].why);
		pile->incomplete = pile->incomplete || making.made[i].may_be;
	}
	pile->incomplete =
		pile->incomplete || atomic_load(&making.chains.incomplete);
	mem_free(making.made);
	chains_clear(&making.chains);
	pile_truncate(pile, 0, 0);
	pile_move_list(warnings, &pile->warnings);
	crypto_begin();
}
