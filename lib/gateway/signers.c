/*
 * Prepared signers, one for each key and kind of signature: made at load for
 * every key that a sign rule may use, later only for keys that appear then.
 */
#include <pthread.h>
#include <search.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"

struct signer_entry {
	struct cert *cert; /* a reference; its chain may be another later */
	enum crypto_digest digest;
	enum cms_scheme scheme;
	struct cms_signer *signer;
	struct signer_entry *retired; /* the one before it, perhaps in use */
};

struct gateway_signers {
	pthread_rwlock_t lock;
	void *tree; /* tsearch(3) of struct signer_entry * */
};

static int
compare_chains(const struct cert *a, const struct cert *b)
{
	int count = sk_X509_num(a->chain);
	int order = count - sk_X509_num(b->chain);

	for (int i = 0; order == 0 && i < count; i++)
		order = X509_cmp(
			sk_X509_value(a->chain, i), sk_X509_value(b->chain, i));
	return order;
}

static int
compare(const void *left, const void *right)
{
	const struct signer_entry *a = left, *b = right;
	int order = strcmp(a->cert->sha256, b->cert->sha256);

	if (order == 0)
		order = (int)a->digest - (int)b->digest;
	if (order == 0)
		order = (int)a->scheme - (int)b->scheme;
	return order ? order : compare_chains(a->cert, b->cert);
}

static void
entry_free(void *item)
{
	struct signer_entry *entry = item, *before;

	for (; entry != NULL; entry = before) {
		before = entry->retired;
		cms_signer_free(entry->signer);
		cert_unref(entry->cert);
		mem_free(entry);
	}
}

struct gateway_signers *
signers_new(void)
{
	struct gateway_signers *signers = mem_alloc(sizeof(*signers));

	pthread_rwlock_init(&signers->lock, NULL);
	return signers;
}

void
signers_free(struct gateway_signers *signers)
{
	if (signers == NULL)
		return;
	tdestroy(signers->tree, entry_free);
	pthread_rwlock_destroy(&signers->lock);
	mem_free(signers);
}

static const struct cms_signer *
find(struct gateway_signers *signers, const struct signer_entry *key)
{
	const struct cms_signer *signer;
	struct signer_entry **node;

	pthread_rwlock_rdlock(&signers->lock);
	node = tfind(key, &signers->tree, compare);
	signer = node != NULL && !cert_is_retired((*node)->cert)
			 ? (*node)->signer
			 : NULL;
	pthread_rwlock_unlock(&signers->lock);
	return signer;
}

/* Where others shall encrypt to, when that is another certificate. */
static struct cert *
find_encryption_cert(const struct sign_rule *rule, struct cert *cert)
{
	struct cert *found = NULL;
	struct choice choice = { .stores = &rule->stores,
		.purpose = CERT_TO_ENCRYPT };

	if (cert->may_encrypt || cert->addresses.count == 0)
		return NULL;
	choice.address = cert->addresses.item[0];
	return choose_cert(&choice, NULL, &found, NULL) == 0 ? found : NULL;
}

/*
 * Another thread may have been faster: then its signer is the one.  Behind a
 * new handle to a token's key the old one is kept, since mails may be on
 * their way with it.
 */
static const struct cms_signer *
insert(struct gateway_signers *signers, struct signer_entry *fresh)
{
	struct signer_entry **node, *kept = NULL;

	pthread_rwlock_wrlock(&signers->lock);
	node = tsearch(fresh, &signers->tree, compare);
	if (node != NULL && *node != fresh && cert_is_retired((*node)->cert)) {
		fresh->retired = *node;
		*node = fresh;
	}
	if (node != NULL)
		kept = *node;
	pthread_rwlock_unlock(&signers->lock);
	if (kept != fresh)
		entry_free(fresh);
	return kept != NULL ? kept->signer : NULL;
}

int
signers_get(struct gateway_signers *signers, const struct sign_rule *rule,
	struct cert *cert, const struct cms_signer **out, struct error *err)
{
	const struct signer_entry key = {
		.cert = cert, .digest = rule->digest, .scheme = rule->scheme
	};
	struct signer_entry *fresh;
	struct cert *encryption;
	int made;

	*out = find(signers, &key);
	if (*out != NULL)
		return 0;
	fresh = mem_alloc(sizeof(*fresh));
	*fresh = key;
	cert_ref(cert);
	encryption = find_encryption_cert(rule, cert);
	made = cms_signer_new(cert, rule->digest, rule->scheme, cert->chain,
		encryption, &fresh->signer, err);
	cert_unref(encryption);
	if (made != 0) {
		entry_free(fresh);
		return -1;
	}
	*out = insert(signers, fresh);
	return *out != NULL
		       ? 0
		       : error_set(err, ERROR_SYSTEM, "no memory for a signer");
}
