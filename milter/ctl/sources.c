/*
 * Rules that must be kept, and stores in which there is nothing for them: every
 * mail of theirs would go by `otherwise`.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ready.h"

enum { NAMES_SIZE = 200 };

/* Any at all; of whom, and whether it is trusted, differs from mail to mail. */
static bool
has_any(struct store *store, enum cert_purpose purpose, bool weak_keys)
{
	struct list certs = { 0 };
	const struct cert *cert;
	bool found = false;

	/* A directory lists nothing, and is asked for each mail. */
	if (!store_is_in_memory(store) && !store_is_managed(store))
		return true;
	/* One that cannot list could not serve a mail either. */
	(void)!store_list(store, &certs, NULL);
	LIST_FOREACH (cert, &certs)
		found = found ||
			((purpose == CERT_TO_ENCRYPT || cert->key != NULL) &&
				cert_fits(cert, purpose, weak_keys, clock_now(),
					NULL) == 0);
	list_clear(&certs, cert_unref);
	return found;
}

static void
check_stores_of(const struct rule *rule, const struct list *stores,
	enum cert_purpose purpose, bool weak_keys, struct list *warnings)
{
	char names[NAMES_SIZE] = "";
	struct store *store;
	size_t len = 0;

	LIST_FOREACH (store, stores) {
		if (has_any(store, purpose, weak_keys))
			return;
		if (len < sizeof(names))
			len += (size_t)snprintf(names + len,
				sizeof(names) - len, "%s%s",
				len != 0 ? ", " : "", store_name(store));
	}
	list_add(warnings,
		mem_printf("rule \"%s\" must be kept, and there is no "
			   "certificate to %s with in its stores (%s): "
			   "otherwise decides for every mail",
			rule->name,
			purpose == CERT_TO_SIGN ? "sign" : "encrypt", names));
}

static bool
must_be_kept(const struct rule *rule)
{
	return !rule->none && rule->otherwise != OTHERWISE_PASS;
}

static bool
sign_must_be_kept(const struct sign_rule *rule)
{
	const struct sign_rule *variant;

	LIST_FOREACH (variant, &rule->variants)
		if (must_be_kept(&variant->rule))
			return true;
	return must_be_kept(&rule->rule);
}

/* What a table or a directory makes of it is a variant. */
static bool
encrypt_must_be_kept(const struct encrypt_rule *rule)
{
	const struct encrypt_rule *variant;

	LIST_FOREACH (variant, &rule->variants)
		if (must_be_kept(&variant->rule))
			return true;
	return must_be_kept(&rule->rule);
}

void
sources_check(const struct gateway *gateway, struct list *warnings)
{
	const struct encrypt_rule *encrypt;
	const struct sign_rule *sign;

	LIST_FOREACH (sign, &gateway->sign_rules)
		if (sign_must_be_kept(sign))
			check_stores_of(&sign->rule, &sign->stores,
				CERT_TO_SIGN, false, warnings);
	LIST_FOREACH (encrypt, &gateway->encrypt_rules)
		if (encrypt_must_be_kept(encrypt))
			check_stores_of(&encrypt->rule, &encrypt->stores,
				CERT_TO_ENCRYPT, encrypt->weak_keys, warnings);
}
