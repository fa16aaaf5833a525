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

/* One word for a rule, whatever its table says, is enough: was there one? */
static bool
lacks_source(const struct rule *rule, const struct list *stores,
	enum cert_purpose purpose, bool weak_keys, struct list *warnings)
{
	char names[NAMES_SIZE] = "";
	struct store *store;
	size_t len = 0;

	if (rule->none || rule->otherwise == OTHERWISE_PASS)
		return false;
	LIST_FOREACH (store, stores) {
		if (has_any(store, purpose, weak_keys))
			return false;
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
	return true;
}

static bool
sign_lacks_source(const struct sign_rule *rule, struct list *warnings)
{
	return lacks_source(
		&rule->rule, &rule->stores, CERT_TO_SIGN, false, warnings);
}

static bool
encrypt_lacks_source(const struct encrypt_rule *rule, struct list *warnings)
{
	return lacks_source(&rule->rule, &rule->stores, CERT_TO_ENCRYPT,
		rule->weak_keys, warnings);
}

/* What a table or a directory makes of a rule is a variant of it. */
void
sources_check(const struct gateway *gateway, struct list *warnings)
{
	const struct encrypt_rule *encrypt, *encrypts;
	const struct sign_rule *sign, *signs;

	LIST_FOREACH (sign, &gateway->sign_rules) {
		bool said = sign_lacks_source(sign, warnings);

		LIST_FOREACH (signs, &sign->variants)
			said = said || sign_lacks_source(signs, warnings);
	}
	LIST_FOREACH (encrypt, &gateway->encrypt_rules) {
		bool said = encrypt_lacks_source(encrypt, warnings);

		LIST_FOREACH (encrypts, &encrypt->variants)
			said = said || encrypt_lacks_source(encrypts, warnings);
	}
}
