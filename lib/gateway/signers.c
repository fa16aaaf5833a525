/*
 * Prepared signers, one for each key and kind of signature: made at load for
 * every key that a sign rule may use, and kept; later only for keys that
 * appear then, of which those that were not used for longest go.
 */
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"

struct signer_entry {
	_Atomic int references;
	struct cert *cert; /* a reference; its chain may be another later */
	enum crypto_digest digest;
	enum cms_scheme scheme;
	/* Of the certificate to encrypt to, when that is another one. */
	char encryption[CERT_SHA256_HEX];
	struct cms_signer *signer;

	bool prepared; /* at load: it stays */
	_Atomic uint64_t used;
	struct signer_entry *next; /* of those that do not stay */
};

struct gateway_signers {
	pthread_rwlock_t lock;
	void *tree; /* tsearch(3) of struct signer_entry * */
	struct signer_entry *first;
	size_t count, most; /* of those that do not stay */
	_Atomic uint64_t uses;
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
	if (order == 0)
		order = strcmp(a->encryption, b->encryption);
	return order ? order : compare_chains(a->cert, b->cert);
}

/* ---- entries ---- */

static struct signer_entry *
entry_ref(struct signer_entry *entry)
{
	atomic_fetch_add(&entry->references, 1);
	return entry;
}

void
signer_release(void *item)
{
	struct signer_entry *entry = item;

	if (entry == NULL || atomic_fetch_sub(&entry->references, 1) != 1)
		return;
	cms_signer_free(entry->signer);
	cert_unref(entry->cert);
	mem_free(entry);
}

const struct cms_signer *
signer_cms(const struct signer_entry *entry)
{
	return entry->signer;
}

struct gateway_signers *
signers_new(size_t most)
{
	struct gateway_signers *signers = mem_alloc(sizeof(*signers));

	signers->most = most;
	pthread_rwlock_init(&signers->lock, NULL);
	return signers;
}

void
signers_free(struct gateway_signers *signers)
{
	if (signers == NULL)
		return;
	tdestroy(signers->tree, signer_release);
	pthread_rwlock_destroy(&signers->lock);
	mem_free(signers);
}

static void
touch(struct gateway_signers *signers, struct signer_entry *entry)
{
	uint64_t now = atomic_fetch_add(&signers->uses, 1) + 1;

	atomic_store(&entry->used, now);
}

static struct signer_entry *
find(struct gateway_signers *signers, const struct signer_entry *key)
{
	struct signer_entry **node, *found = NULL;

	pthread_rwlock_rdlock(&signers->lock);
	node = tfind(key, &signers->tree, compare);
	if (node != NULL && !cert_is_retired((*node)->cert)) {
		found = entry_ref(*node);
		touch(signers, found);
	}
	pthread_rwlock_unlock(&signers->lock);
	return found;
}

/* ---- putting one in; the lock is held for writing ---- */

static void
unlink_entry(struct gateway_signers *signers, const struct signer_entry *entry)
{
	struct signer_entry **link = &signers->first;

	while (*link != NULL && *link != entry)
		link = &(*link)->next;
	if (*link == NULL)
		return; /* one that was to stay */
	*link = entry->next;
	signers->count--;
}

static void
drop_oldest(struct gateway_signers *signers)
{
	struct signer_entry *entry, *oldest = signers->first;

	for (entry = oldest->next; entry != NULL; entry = entry->next)
		if (entry->used < oldest->used)
			oldest = entry;
	unlink_entry(signers, oldest);
	tdelete(oldest, &signers->tree, compare);
	signer_release(oldest);
}

/*
 * Another thread may have been faster: then its signer is the one.  Behind a
 * new handle to a token's key the old one goes, once its mails are done.
 */
static struct signer_entry *
insert(struct gateway_signers *signers, struct signer_entry *fresh)
{
	struct signer_entry **node, *kept = NULL, *old = NULL;

	pthread_rwlock_wrlock(&signers->lock);
	while (!fresh->prepared && signers->count >= signers->most)
		drop_oldest(signers);
	node = tsearch(fresh, &signers->tree, compare);
	if (node != NULL && *node != fresh && cert_is_retired((*node)->cert)) {
		old = *node;
		unlink_entry(signers, old);
		*node = fresh;
	}
	if (node != NULL) {
		kept = entry_ref(*node);
		touch(signers, kept);
	}
	if (kept == fresh && !fresh->prepared) {
		fresh->next = signers->first;
		signers->first = fresh;
		signers->count++;
	}
	pthread_rwlock_unlock(&signers->lock);
	if (kept != fresh)
		signer_release(fresh);
	signer_release(old);
	return kept;
}

/* ---- asking for one ---- */

/*
 * Where others shall encrypt to, when that is another certificate: it may be
 * renewed at any time.  NULL when there is none; SYSTEM when it cannot be
 * told now, since a signature without it would mislead.
 */
static int
find_encryption_cert(const struct sign_rule *rule, struct cert *cert,
	int64_t deadline_ms, struct cert **out, struct error *err)
{
	struct choice choice = { .stores = &rule->stores,
		.purpose = CERT_TO_ENCRYPT,
		.deadline_ms = deadline_ms };
	struct error why = { 0 };

	*out = NULL;
	if (cert->may_encrypt || cert->addresses.count == 0)
		return 0;
	choice.address = cert->addresses.item[0];
	if (choose_cert(&choice, NULL, out, &why) == 0 ||
		why.kind != ERROR_SYSTEM)
		return 0;
	return error_set(err, ERROR_SYSTEM,
		"its certificate to encrypt to cannot be looked up: %s",
		why.text);
}

static int
make(const struct signer_entry *key, struct cert *encryption,
	struct signer_entry **out, struct error *err)
{
	struct signer_entry *fresh = mem_alloc(sizeof(*fresh));

	fresh->references = 1;
	fresh->cert = cert_ref(key->cert);
	fresh->digest = key->digest;
	fresh->scheme = key->scheme;
	fresh->prepared = key->prepared;
	memcpy(fresh->encryption, key->encryption, sizeof(fresh->encryption));
	if (cms_signer_new(fresh->cert, fresh->digest, fresh->scheme,
		    fresh->cert->chain, encryption, &fresh->signer, err) != 0) {
		signer_release(fresh);
		return -1;
	}
	*out = fresh;
	return 0;
}

static int
get(struct gateway_signers *signers, struct signer_entry *key,
	struct cert *encryption, struct signer_entry **out, struct error *err)
{
	struct signer_entry *fresh = NULL;

	if (encryption != NULL)
		memcpy(key->encryption, encryption->sha256,
			sizeof(key->encryption));
	*out = find(signers, key);
	if (*out != NULL)
		return 0;
	if (make(key, encryption, &fresh, err) != 0)
		return -1;
	*out = insert(signers, fresh);
	return *out != NULL
		       ? 0
		       : error_set(err, ERROR_SYSTEM, "no memory for a signer");
}

int
signers_get(struct gateway_signers *signers, const struct sign_rule *rule,
	struct cert *cert, int64_t deadline_ms, struct signer_entry **out,
	struct error *err)
{
	struct signer_entry key = {
		.cert = cert, .digest = rule->digest, .scheme = rule->scheme
	};
	struct cert *encryption;
	int result;

	*out = NULL;
	if (find_encryption_cert(rule, cert, deadline_ms, &encryption, err) !=
		0)
		return -1;
	result = get(signers, &key, encryption, out, err);
	cert_unref(encryption);
	return result;
}

/* Does another certificate stand where only a look-up finds it? */
static bool
needs_look_up(const struct sign_rule *rule, const struct cert *cert)
{
	const struct store *store;

	LIST_FOREACH (store, &rule->stores)
		if (!cert->may_encrypt && !store_is_in_memory(store))
			return true;
	return false;
}

int
signers_prepare(struct gateway_signers *signers, const struct sign_rule *rule,
	struct cert *cert, struct error *err)
{
	struct signer_entry key = { .cert = cert,
		.digest = rule->digest,
		.scheme = rule->scheme,
		.prepared = true };
	struct signer_entry *entry = NULL;
	struct cert *encryption;
	struct error why = { 0 };
	int result;

	if (needs_look_up(rule, cert) ||
		find_encryption_cert(rule, cert, 0, &encryption, &why) != 0)
		return 0; /* each mail asks by itself */
	result = get(signers, &key, encryption, &entry, err);
	cert_unref(encryption);
	signer_release(entry);
	return result;
}
