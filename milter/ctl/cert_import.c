/* smimectl cert import and remove: what a managed store holds. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "certs.h"

static int
read_origin(const struct request *request, enum cert_origin *out)
{
	static const enum cert_origin origins[] = { CERT_IMPORTED, CERT_ISSUED,
		CERT_HARVESTED };
	const char *name = request_option(request, "--origin");

	*out = CERT_IMPORTED;
	if (name == NULL)
		return CTL_YES;
	for (size_t i = 0; i < COUNT_OF(origins); i++)
		if (strcmp(name, cert_origin_name(origins[i])) == 0) {
			*out = origins[i];
			return CTL_YES;
		}
	return ctl_usage("there is no origin \"%s\": it is imported, issued "
			 "or harvested",
		name);
}

/* What is wrong with one file keeps no other out. */
static int
read_files(
	const struct request *request, const char *password, struct list *certs)
{
	struct cert_pile *pile = cert_pile_new(&cert_limits_default);
	struct list warnings = { 0 };
	struct error err = { 0 };
	const char *path, *text;
	int code = CTL_YES;

	LIST_FOREACH (path, &request->words) {
		struct cert_file file = { .password = password,
			.source = path };
		struct buf bytes = { 0 };
		struct error why = { 0 };
		size_t keys;

		if (file_read(path, cert_limits_default.file_bytes, &bytes,
			    &why) == 0)
			file.bytes = buf_span(&bytes);
		if (why.kind != ERROR_NONE ||
			cert_pile_read(pile, &file, &keys, &why) != 0)
			code = ctl_trouble(&why);
		buf_clear(&bytes);
	}
	cert_pile_take(pile, certs, &warnings);
	if (cert_pile_check(pile, &err) != 0)
		code = ctl_trouble(&err);
	LIST_FOREACH (text, &warnings)
		ctl_complain("%s", text);
	list_clear(&warnings, mem_free);
	cert_pile_free(pile);
	return code;
}

/* As the store has it now. */
static int
report(const struct request *request, struct store *store, const char *sha256,
	json_t *array)
{
	struct list hits = { 0 };
	const struct cert_hit *hit;
	int code = cert_collect(NULL, store, sha256, &hits);

	LIST_FOREACH (hit, &hits) {
		char *subject = cert_subject(hit->cert);

		if (request->json)
			json_array_append_new(
				array, cert_json(hit->store, hit->cert, NULL));
		else
			printf("%s %s into %s%s: %s\n", hit->cert->sha256,
				cert_origin_name(hit->cert->origin), hit->store,
				hit->cert->key != NULL ? ", with private key"
						       : "",
				subject);
		mem_free(subject);
	}
	list_clear(&hits, cert_hit_free);
	return code;
}

/* Whoever sees this and did not expect it has something to mount. */
static int
make_store(struct store *store)
{
	struct error err = { 0 };
	int made = store_make(store, &err);

	if (made < 0)
		return ctl_trouble(&err);
	if (made > 0)
		ctl_complain("store %s was not there: a new one is made",
			store_name(store));
	return CTL_YES;
}

static int
import_all(const struct request *request, struct store *store,
	enum cert_origin origin)
{
	json_t *array = json_array();
	struct list certs = { 0 };
	const struct cert *cert;
	char *password = NULL;
	int code = cert_password(request, &password);

	if (code == CTL_YES)
		code = read_files(request, password, &certs);
	if (certs.count != 0 || request_option(request, "--empty") != NULL) {
		int made = make_store(store);

		code = made != CTL_YES ? made : code;
	}
	LIST_FOREACH (cert, &certs) {
		struct error err = { 0 };

		if (store_import(store, cert, origin, &err) != 0)
			code = ctl_trouble(&err);
		else if (report(request, store, cert->sha256, array) != CTL_YES)
			code = CTL_TROUBLE;
	}
	if (request->json)
		json_answer(json_incref(array));
	json_decref(array);
	mem_free_secret(password);
	list_clear(&certs, cert_unref);
	return code;
}

int
command_cert_import(const struct request *request)
{
	struct store *store = NULL;
	enum cert_origin origin;
	int code = read_origin(request, &origin);

	if (code == CTL_YES && request->words.count == 0 &&
		request_option(request, "--empty") == NULL)
		code = ctl_usage("cert import: which files? (--empty makes a "
				 "store without any)");
	if (code == CTL_YES)
		code = cert_open_managed(request, &store);
	if (code == CTL_YES)
		code = import_all(request, store, origin);
	store_close(store);
	return code;
}

/* ---- remove ---- */

static void
answer_removal(const struct request *request, const struct store *store,
	const char *sha256, bool removed, json_t *array)
{
	if (request->json)
		json_array_append_new(
			array, json_pack("{s:s,s:o,s:b}", "sha256", sha256,
				       "store", json_text(store_name(store)),
				       "removed", removed));
	else if (removed)
		printf("%s removed from %s\n", sha256, store_name(store));
}

static int
remove_one(const struct request *request, struct store *store, const char *word,
	json_t *array)
{
	struct cert_selector *selector = cert_word_selector(word);
	struct error err = { 0 };
	int removed, code = CTL_YES;

	if (selector == NULL)
		return ctl_usage(
			"\"%s\" is no SHA-256: 64 hexadecimal digits", word);
	removed = store_remove(store, cert_selector_sha256(selector), &err);
	if (removed < 0)
		code = ctl_trouble(&err);
	if (removed == 0) {
		ctl_complain("%s is not in store %s", word, store_name(store));
		code = CTL_NO;
	}
	if (removed >= 0)
		answer_removal(request, store, cert_selector_sha256(selector),
			removed > 0, array);
	cert_selector_free(selector);
	return code;
}

int
command_cert_remove(const struct request *request)
{
	struct store *store = NULL;
	const char *word;
	int code = cert_open_managed(request, &store);
	json_t *array = json_array();

	LIST_FOREACH (word, &request->words)
		if (code == CTL_YES || code == CTL_NO) {
			int one = remove_one(request, store, word, array);

			code = ctl_worse(one, code);
		}
	if (request->json && store != NULL)
		json_answer(json_incref(array));
	json_decref(array);
	store_close(store);
	return code;
}
