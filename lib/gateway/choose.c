#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/internal.h"

void
candidate_free(void *item)
{
	struct candidate *candidate = item;

	mem_free(candidate->source);
	mem_free(candidate->refused);
	mem_free(candidate);
}

static void
note_candidate(
	struct list *candidates, const struct cert *cert, const char *refused)
{
	struct candidate *candidate;

	if (candidates == NULL)
		return;
	candidate = mem_alloc(sizeof(*candidate));
	memcpy(candidate->sha256, cert->sha256, sizeof(candidate->sha256));
	candidate->source = mem_string(cert->source);
	candidate->refused = mem_string(refused);
	list_add(candidates, candidate);
}

/* 0 when it may be used, -1 with the reason. */
static int
judge(const struct choice *choice, const struct cert *cert, time_t now,
	struct error *why)
{
	if (choice->selector == NULL &&
		!cert_names_address(cert, choice->address))
		return error_set(why, ERROR_NOKEY, "it is for another address");
	if (cert_fits(cert, choice->purpose, choice->weak_keys, now, why) != 0)
		return -1;
	if (choice->trust == NULL)
		return 0;
	if (choice->own && cert->key != NULL)
		return trust_check_revocation(choice->trust, cert, now, why);
	return trust_check(choice->trust, cert, choice->weak_keys, now, why);
}

/* Imported before issued before harvested, then the longest remaining. */
static bool
is_better(const struct cert *a, const struct cert *b)
{
	if (b == NULL)
		return true;
	if (a->origin != b->origin)
		return a->origin < b->origin;
	return a->not_after > b->not_after;
}

static void
describe_stores(const struct list *stores, char *out, size_t size)
{
	size_t len = 0;
	struct store *store;

	out[0] = '\0';
	LIST_FOREACH (store, stores) {
		int put = snprintf(out + len, size - len, "%s%s",
			len ? ", " : "", store_name(store));

		if (put < 0 || (size_t)put >= size - len)
			return;
		len += (size_t)put;
	}
}

static int
nothing_found(const struct choice *choice, struct error *err)
{
	char names[96];

	describe_stores(choice->stores, names, sizeof(names));
	if (choice->selector != NULL)
		return error_set(err, ERROR_NOKEY,
			"certificate %s is in no store of the rule (%s)",
			cert_selector_text(choice->selector), names);
	return error_set(err, ERROR_NOKEY, "no certificate for <%s> in %s",
		choice->address->text, names);
}

/*
 * What cannot be told now outweighs every refusal: that certificate may be
 * the good one.  Then the one that came nearest to being used.
 */
static bool
is_nearer(const struct error *a, const struct error *b)
{
	if (b->kind == ERROR_NONE || b->kind == ERROR_SYSTEM)
		return b->kind == ERROR_NONE;
	return a->kind == ERROR_SYSTEM || a->kind == ERROR_TRUST;
}

/* The reason of the candidate that came nearest, as an error of the whole. */
static int
all_refused(const struct choice *choice, const struct error *nearest,
	struct error *err)
{
	return error_set(err, nearest->kind,
		"no usable certificate for <%s>: %s", choice->address->text,
		nearest->text);
}

/*
 * When nothing is usable: a store that cannot tell now, or a certificate of
 * which it cannot be told, is never outweighed by what is sure; then a store
 * in trouble, whose answer is not known.
 */
static int
explain_none(const struct choice *choice, const struct error *trouble,
	const struct error *nearest, struct error *err)
{
	bool trouble_first =
		trouble->kind == ERROR_SYSTEM || nearest->kind != ERROR_SYSTEM;

	if (trouble->kind != ERROR_NONE && trouble_first)
		return error_set(err, trouble->kind, "%s", trouble->text);
	if (nearest->kind == ERROR_NONE)
		return nothing_found(choice, err);
	return all_refused(choice, nearest, err);
}

/*
 * Every store is asked.  One that cannot tell (a directory that is down) does
 * not make a good certificate of another one useless; *trouble is what to say
 * when there is none.
 */
static void
find_all(const struct choice *choice, struct list *found, struct error *trouble)
{
	struct store *store;
	struct error why;

	LIST_FOREACH (store, choice->stores)
		if (store_find(store, choice->selector ? NULL : choice->address,
			    choice->selector, choice->deadline_ms, found,
			    &why) != 0 &&
			(trouble->kind == ERROR_NONE ||
				(trouble->kind != ERROR_SYSTEM &&
					why.kind == ERROR_SYSTEM)))
			*trouble = why;
}

int
choose_cert(const struct choice *choice, struct list *candidates,
	struct cert **out, struct error *err)
{
	struct list found = { 0 };
	struct cert *cert, *best = NULL;
	struct error nearest = { 0 }, trouble = { 0 }, remark = { 0 };
	time_t now = clock_now();
	int result = -1;

	find_all(choice, &found, &trouble);
	LIST_FOREACH (cert, &found) {
		struct error why = { 0 };
		int good = judge(choice, cert, now, &why);

		note_candidate(candidates, cert, good == 0 ? NULL : why.text);
		if (good == 0 && is_better(cert, best)) {
			best = cert;
			remark = why;
		}
		if (good != 0 && is_nearer(&why, &nearest))
			nearest = why;
	}
	if (best != NULL) {
		*out = cert_ref(best);
		if (err != NULL && remark.text[0] != '\0')
			*err = remark;
		result = 0;
	} else {
		result = explain_none(choice, &trouble, &nearest, err);
	}
	list_clear(&found, cert_unref);
	return result;
}
