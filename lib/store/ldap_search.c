/* One question to a directory, and the reading of its answer. */
#include <ldap.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/ldap_internal.h"

/* What has come by then is still read. */
enum { GRACE_MS = 1000 };

struct question {
	const char *filter;
	int scope;
	int64_t deadline_ms;
	LDAP *ld;
	struct ldap_answer *answer;
};

static struct timeval
time_left(int64_t deadline_ms)
{
	int64_t ms = deadline_ms - clock_monotonic_ms();

	if (ms < 1)
		ms = 1;
	return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

static int
read_values(const struct question *question, LDAPMessage *entry,
	const char *attribute, struct error *err)
{
	struct berval **values =
		ldap_get_values_len(question->ld, entry, attribute);
	int result = 0;

	for (size_t i = 0; result == 0 && values != NULL && values[i] != NULL;
		i++)
		result = ldap_answer_add(question->answer, attribute,
			span_of(values[i]->bv_val, values[i]->bv_len), err);
	ldap_value_free_len(values);
	return result;
}

static int
read_entry(
	const struct question *question, LDAPMessage *entry, struct error *err)
{
	char *dn = ldap_get_dn(question->ld, entry), *attribute;
	BerElement *at = NULL;
	int result = ldap_answer_begin(
		question->answer, dn ? dn : "an entry without a name", err);

	attribute = result == 0 ? ldap_first_attribute(question->ld, entry, &at)
				: NULL;
	while (attribute != NULL) {
		if (result == 0)
			result = read_values(question, entry, attribute, err);
		ldap_memfree(attribute);
		attribute = ldap_next_attribute(question->ld, entry, at);
	}
	ber_free(at, 0);
	ldap_memfree(dn);
	if (result == 0)
		result = ldap_answer_end(question->answer, err);
	return result;
}

static enum ldap_search_end
lose(LDAP *ld, struct error *err)
{
	char words[200];
	int code = LDAP_SERVER_DOWN;

	(void)ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &code);
	ldap_connection_words(ld, code, words, sizeof(words));
	error_set(err, ERROR_SYSTEM, "the connection to the directory: %s",
		words);
	return LDAP_SEARCH_LOST;
}

/* What a directory refuses is never "there is none". */
static enum ldap_search_end
read_verdict(const struct question *question, LDAPMessage *message,
	struct error *err)
{
	const struct ldap_plan *plan = question->answer->plan;
	int code = LDAP_OTHER;
	char *text = NULL;

	if (ldap_parse_result(question->ld, message, &code, NULL, &text, NULL,
		    NULL, 0) != LDAP_SUCCESS)
		return lose(question->ld, err);
	if (code == LDAP_SIZELIMIT_EXCEEDED)
		error_set(err, ERROR_LIMIT,
			"the directory has more entries for one address than "
			"it gives out, or than %d",
			LDAP_ENTRIES_MAX);
	else if (code == LDAP_NO_SUCH_OBJECT)
		error_set(err, ERROR_SYSTEM,
			"base \"%s\" is not in the directory, or not to be "
			"seen by whom we are there",
			plan->base);
	else if (code != LDAP_SUCCESS)
		error_set(err, ERROR_SYSTEM, "the directory says: %s%s%.100s",
			ldap_err2string(code),
			text != NULL && text[0] != '\0' ? ": " : "",
			text != NULL ? text : "");
	ldap_memfree(text);
	if (code == LDAP_UNAVAILABLE || code == LDAP_BUSY)
		return LDAP_SEARCH_LOST;
	return code == LDAP_SUCCESS ? LDAP_SEARCH_DONE : LDAP_SEARCH_FAILED;
}

/* True when there is more to come. */
static bool
read_message(const struct question *question, LDAPMessage *message,
	enum ldap_search_end *end, struct error *err)
{
	switch (ldap_msgtype(message)) {
	case LDAP_RES_SEARCH_ENTRY:
		if (read_entry(question, message, err) == 0)
			return true;
		*end = LDAP_SEARCH_FAILED;
		return false;
	case LDAP_RES_SEARCH_RESULT:
		*end = read_verdict(question, message, err);
		return false;
	}
	return true; /* a referral to somebody we do not ask */
}

static enum ldap_search_end
read_answer(const struct question *question, int id, struct error *err)
{
	enum ldap_search_end end = LDAP_SEARCH_LATE;
	bool more = true;

	while (more) {
		struct timeval left = time_left(question->deadline_ms);
		LDAPMessage *message = NULL;
		int got = ldap_result(
			question->ld, id, LDAP_MSG_ONE, &left, &message);

		if (got < 0)
			return lose(question->ld, err);
		if (got == 0 || clock_monotonic_ms() >
					question->deadline_ms + GRACE_MS) {
			ldap_msgfree(message);
			error_set(err, ERROR_SYSTEM,
				"the directory did not answer in time");
			return LDAP_SEARCH_LATE;
		}
		more = read_message(question, message, &end, err);
		ldap_msgfree(message);
	}
	if (end == LDAP_SEARCH_FAILED)
		(void)ldap_abandon_ext(question->ld, id, NULL, NULL);
	return end;
}

static enum ldap_search_end
ask(const struct question *question, struct error *err)
{
	const struct ldap_answer *answer = question->answer;
	const struct ldap_plan *plan = answer->plan;
	char *one[] = { (char *)answer->attribute, NULL };
	struct timeval left = time_left(question->deadline_ms);
	int id, code;

	/* The server's own clock counts seconds, none of them is "no limit". */
	left.tv_sec++;
	code = ldap_search_ext(question->ld, plan->base, question->scope,
		question->filter,
		answer->attribute != NULL ? one : (char **)plan->wanted, 0,
		NULL, NULL, &left, LDAP_ENTRIES_MAX, &id);
	if (code == LDAP_SUCCESS)
		return read_answer(question, id, err);
	if (code == LDAP_FILTER_ERROR) {
		error_set(err, ERROR_CONFIG, "the filter is none");
		return LDAP_SEARCH_FAILED;
	}
	return lose(question->ld, err);
}

enum ldap_search_end
ldap_search_address(LDAP *ld, const char *filter, int64_t deadline_ms,
	struct ldap_answer *answer, struct error *err)
{
	const struct question question = { filter, LDAP_SCOPE_SUBTREE,
		deadline_ms, ld, answer };

	return ask(&question, err);
}

enum ldap_search_end
ldap_search_base(LDAP *ld, int64_t deadline_ms, struct ldap_answer *answer,
	struct error *err)
{
	const struct question question = { "(objectClass=*)", LDAP_SCOPE_BASE,
		deadline_ms, ld, answer };

	return ask(&question, err);
}
