/* Who has logged in and had no certificate. */
#include <string.h>

#include "authority.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/owned.h"

enum { DAY_SECONDS = 24 * 3600 };

void
wanted_free(void *p)
{
	struct wanted *wanted = p;

	mem_free(wanted->address);
	mem_free(wanted->key);
	mem_free(wanted);
}

/* The first one that names the address; what is built in names nobody. */
static const struct ca_template *
find_template(const struct conf *conf, const struct address *address)
{
	const struct ca_template *item;
	const struct pattern *pattern;

	LIST_FOREACH (item, &conf->ca_templates)
		LIST_FOREACH (pattern, &item->domains)
			if (pattern_match(pattern, address))
				return item;
	return NULL;
}

/* What people have asked for does not count. */
static size_t
left_today(const struct authority *authority)
{
	size_t limit = authority->settings->wanted_day, issued = 0;
	const struct ca_entry *entry;
	struct list all = { 0 };
	time_t since = clock_now() - DAY_SECONDS;

	ca_list(authority->ca, &all);
	LIST_FOREACH (entry, &all)
		issued += entry->wanted && entry->issued > since;
	list_clear(&all, NULL);
	return issued < limit ? limit - issued : 0;
}

/* Whoever writes there may have written it twice. */
static bool
is_among(const struct list *all, const struct address *address)
{
	const struct wanted *one;

	LIST_FOREACH (one, all)
		if (strcmp(one->key, address->key) == 0)
			return true;
	return false;
}

static bool
may_issue(const struct ca_settings *settings, const struct address *address)
{
	const struct pattern *pattern;

	LIST_FOREACH (pattern, &settings->domains)
		if (pattern_match(pattern, address))
			return true;
	return settings->domains.count == 0;
}

/* When there is none that may, the first one says so. */
static const struct ca_settings *
find_settings(const struct conf *conf, const struct address *address)
{
	const struct ca_settings *settings;

	LIST_FOREACH (settings, &conf->authorities)
		if (may_issue(settings, address))
			return settings;
	return conf->authorities.item[0];
}

static bool
has_one(const struct authorities *all, const struct address *address)
{
	const struct authority *one;

	LIST_FOREACH (one, &all->each)
		if (ca_current(one->ca, address->key, clock_now()) != NULL)
			return true;
	return false;
}

static void
judge(const struct authorities *all, const struct authority *authority,
	const char *text, size_t left, struct list *out)
{
	struct ca_request request = { .internal = true };
	struct address *address = NULL;
	struct wanted *wanted;
	struct error err = { 0 };

	if (addr_parse(text, &address, NULL) != 0)
		return;
	request.template = find_template(authority->conf, address);
	request.address = address->text;
	if (has_one(all, address)) {
		gateway_wanted_drop(authority->conf->state, address);
	} else if (request.template == NULL || out->count >= left ||
		   is_among(out, address) ||
		   (all->whole && find_settings(authority->conf, address) !=
					  authority->settings)) {
		;
	} else if (ca_request_check(authority->ca, &request, &err) != 0) {
		ctl_complain("%s", err.text);
	} else {
		wanted = mem_alloc(sizeof(*wanted));
		wanted->address = mem_string(address->text);
		wanted->key = mem_string(address->key);
		wanted->template = request.template;
		list_add(out, wanted);
	}
	address_free(address);
}

int
wanted_read(const struct authorities *all, const struct authority *authority,
	struct list *out)
{
	const char *state = authority->conf->state, *text;
	size_t left = left_today(authority);
	struct list texts = { 0 };
	struct owned_was was;
	struct error err = { 0 };
	int result = owned_become(state, state, &was, &err);

	if (result == 0) {
		result = gateway_wanted_read(state, &texts, &err);
		LIST_FOREACH (text, &texts)
			judge(all, authority, text, left, out);
		owned_become_self(&was);
	}
	list_clear(&texts, mem_free);
	return result == 0 ? CTL_YES : ctl_trouble(&err);
}
