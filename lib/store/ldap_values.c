/*
 * What an entry's attributes hold becomes certificates: a DER certificate, or
 * a PKCS#7 with the certificates of one person (RFC 2798 2.8).
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/ldap_internal.h"

/* A DN may be as long as it likes, a sentence may not. */
enum { DN_WORDS_MAX = 200 };

static const struct cert_limits value_limits = {
	.file_bytes = LDAP_VALUE_MAX_BYTES,
	.items = LDAP_VALUE_MAX_CERTS,
	.kdf_iterations = 1, /* no key is wanted from a directory */
	.crls = LDAP_VALUE_MAX_CERTS,
	.crl_bytes = LDAP_VALUE_MAX_BYTES,
};

void
ldap_answer_init(struct ldap_answer *answer, const struct ldap_plan *plan)
{
	*answer = (struct ldap_answer){ .plan = plan };
}

static void
forget_entry(struct ldap_answer *answer)
{
	mem_free(answer->dn);
	answer->dn = NULL;
	for (size_t i = 0; i < COUNT_OF(answer->pile); i++) {
		cert_pile_free(answer->pile[i]);
		answer->pile[i] = NULL;
	}
}

void
ldap_answer_clear(struct ldap_answer *answer)
{
	forget_entry(answer);
	list_clear(&answer->certs, cert_unref);
	list_clear(&answer->warnings, mem_free);
	list_clear(&answer->words, mem_free);
	*answer = (struct ldap_answer){ .plan = answer->plan,
		.attribute = answer->attribute };
}

static void
warn(struct ldap_answer *answer, const char *words)
{
	if (answer->warnings.count < LDAP_WARNINGS_MAX)
		list_add(&answer->warnings, mem_string(words));
}

int
ldap_answer_begin(struct ldap_answer *answer, const char *dn, struct error *err)
{
	forget_entry(answer);
	if (++answer->entries > LDAP_ENTRIES_MAX)
		return error_set(err, ERROR_LIMIT,
			"more than %d entries for one address: filter or base "
			"take in too much",
			LDAP_ENTRIES_MAX);
	answer->dn = mem_printf("%.*s%s", DN_WORDS_MAX, dn,
		strlen(dn) > DN_WORDS_MAX ? "..." : "");
	return 0;
}

static size_t
find_kind(const struct ldap_plan *plan, const char *attribute)
{
	struct span name = span_of(attribute, strcspn(attribute, ";"));
	size_t i = 0;

	while (i < plan->kinds.count &&
		!span_is_nocase(name, plan->kinds.item[i]))
		i++;
	return i;
}

static int
add_word(struct ldap_answer *answer, const char *attribute, struct span value,
	struct error *err)
{
	struct span name = span_of(attribute, strcspn(attribute, ";"));

	if (!span_is_nocase(name, answer->attribute))
		return 0;
	answer->bytes += value.len;
	if (++answer->values > LDAP_VALUES_MAX ||
		answer->bytes > LDAP_ANSWER_MAX_BYTES)
		return error_set(err, ERROR_LIMIT,
			"more than %d values or %d bytes for one address",
			LDAP_VALUES_MAX, LDAP_ANSWER_MAX_BYTES);
	list_add(&answer->words, mem_string_n(value.data, value.len));
	return 0;
}

int
ldap_answer_add(struct ldap_answer *answer, const char *attribute,
	struct span value, struct error *err)
{
	size_t kind, keys;
	struct cert_file file = { .bytes = value, .without_keys = true };
	struct error why = { 0 };
	char *source;

	if (answer->attribute != NULL)
		return add_word(answer, attribute, value, err);
	kind = find_kind(answer->plan, attribute);
	if (kind == answer->plan->kinds.count || answer->dn == NULL)
		return 0;
	answer->bytes += value.len;
	if (++answer->values > LDAP_VALUES_MAX ||
		answer->bytes > LDAP_ANSWER_MAX_BYTES)
		return error_set(err, ERROR_LIMIT,
			"more than %d certificates or %d bytes for one address",
			LDAP_VALUES_MAX, LDAP_ANSWER_MAX_BYTES);
	source = mem_printf("store %s: %s, %s", answer->plan->store, answer->dn,
		(const char *)answer->plan->kinds.item[kind]);
	file.source = source;
	if (answer->pile[kind] == NULL)
		answer->pile[kind] = cert_pile_new(&value_limits);
	if (cert_pile_read(answer->pile[kind], &file, &keys, &why) != 0)
		warn(answer, why.text);
	mem_free(source);
	if (why.kind != ERROR_SYSTEM)
		return 0;
	return error_set(err, why.kind, "%s", why.text);
}

static bool
has(const struct list *certs, const struct cert *wanted)
{
	const struct cert *cert;

	LIST_FOREACH (cert, certs)
		if (strcmp(cert->sha256, wanted->sha256) == 0)
			return true;
	return false;
}

/* The one that somebody would use who looks into this attribute alone. */
static bool
is_useful(const struct cert *cert, time_t now)
{
	return cert->may_encrypt && cert->not_before <= now &&
	       now <= cert->not_after;
}

static bool
lacks_any(const struct list *one, const struct list *other)
{
	time_t now = clock_now();
	const struct cert *cert;

	LIST_FOREACH (cert, one)
		if (is_useful(cert, now) && !has(other, cert))
			return true;
	return false;
}

static void
compare(struct ldap_answer *answer, const struct list *found)
{
	const struct ldap_plan *plan = answer->plan;

	for (size_t i = 0; i < plan->kinds.count; i++)
		for (size_t k = i + 1; k < plan->kinds.count; k++) {
			char *words;

			if (found[i].count == 0 || found[k].count == 0 ||
				(!lacks_any(&found[i], &found[k]) &&
					!lacks_any(&found[k], &found[i])))
				continue;
			words = mem_printf("store %s: %s: %s and %s hold "
					   "different certificates",
				plan->store, answer->dn,
				(const char *)plan->kinds.item[i],
				(const char *)plan->kinds.item[k]);
			warn(answer, words);
			mem_free(words);
		}
}

/* An authority beside its people has done its work: it is in their chains. */
static int
take_pile(struct ldap_answer *answer, size_t kind, struct list *out,
	struct error *err)
{
	struct list certs = { 0 }, warnings = { 0 };
	struct cert *cert;
	const char *words;

	if (answer->pile[kind] == NULL)
		return 0;
	cert_pile_take(answer->pile[kind], &certs, &warnings);
	LIST_FOREACH (cert, &certs)
		if (!cert_is_ca(cert))
			list_add(out, cert_ref(cert));
	LIST_FOREACH (words, &warnings)
		warn(answer, words);
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	return cert_pile_check(answer->pile[kind], err);
}

int
ldap_answer_end(struct ldap_answer *answer, struct error *err)
{
	struct list found[LDAP_ATTRIBUTES_MAX] = { { 0 } };
	struct cert *cert;
	int result = 0;

	if (answer->dn == NULL)
		return 0;
	for (size_t i = 0; i < answer->plan->kinds.count; i++)
		if (take_pile(answer, i, &found[i], err) != 0)
			result = -1;
	compare(answer, found);
	for (size_t i = 0; i < COUNT_OF(found); i++) {
		LIST_FOREACH (cert, &found[i])
			if (!has(&answer->certs, cert))
				list_add(&answer->certs, cert_ref(cert));
		list_clear(&found[i], cert_unref);
	}
	forget_entry(answer);
	return result;
}
