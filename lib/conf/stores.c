/* Stores, and whom we trust. */
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"
#include "net/net.h"

static void
store_draft_free(void *item)
{
	struct store_draft *draft = item;

	mem_free(draft->name);
	mem_free(draft->type);
	mem_free(draft->path);
	mem_free(draft->password_file);
	mem_free(draft->uri);
	mem_free(draft->module);
	mem_free(draft->base);
	mem_free(draft->ca_file);
	mem_free(draft->bind_dn);
	mem_free(draft->filter);
	list_clear(&draft->attributes, mem_free);
	mem_free(draft);
}

void
stores_clear(struct reader *reader)
{
	list_clear(&reader->stores, store_draft_free);
	if (reader->trust == NULL)
		return;
	list_clear(&reader->trust->anchors, mem_free);
	list_clear(&reader->trust->intermediates, mem_free);
	list_clear(&reader->trust->crls, mem_free);
	mem_free(reader->trust->proxy);
	mem_free(reader->trust);
	reader->trust = NULL;
}

struct store_draft *
stores_find(const struct reader *reader, const char *name)
{
	struct store_draft *draft;

	LIST_FOREACH (draft, &reader->stores)
		if (draft->name != NULL && strcmp(draft->name, name) == 0)
			return draft;
	return NULL;
}

static void
report_warnings(struct reader *reader, unsigned at, struct list *warnings)
{
	const char *text;

	LIST_FOREACH (text, warnings)
		report_at(reader, PROBLEM_WARNING, at, "%s", text);
	list_clear(warnings, mem_free);
}

static void
open_store(struct reader *reader, struct store_draft *draft)
{
	const struct store_settings settings = { .name = draft->name,
		.type = draft->type,
		.path = draft->path,
		.password_file = draft->password_file,
		.uri = draft->uri,
		.module = draft->module,
		.base = draft->base,
		.bind_dn = draft->bind_dn,
		.filter = draft->filter,
		.ca_file = draft->ca_file,
		.start_tls = draft->start_tls,
		.attributes = draft->attributes,
		.timeout_seconds = draft->timeout_seconds,
		.cache_seconds = draft->cache_seconds,
		.negative_cache_seconds = draft->negative_cache_seconds,
		.state = reader->conf->state,
		.user = reader->conf->user };
	const char *where = draft->path != NULL ? "path" : "uri";
	unsigned at = line_of_member(draft->at,
		draft->path != NULL || draft->uri != NULL ? where : "name");
	struct list warnings = { 0 };
	struct error err = { 0 };

	if (store_open(&settings, &draft->store, &warnings, &err) == 0)
		list_add(&reader->conf->gateway->stores, draft->store);
	else
		report_at(reader, PROBLEM_ERROR, at, "%s", err.text);
	report_warnings(reader, at, &warnings);
}

/* What a store of each type must have and may have beside that. */
static const struct type_row {
	const char *type;
	const char *needs[4], *takes[12];
} types[] = {
	{ "file", { "path" }, { "password_file" } },
	{ "directory", { "path" }, { "password_file" } },
	{ "ldap", { "uri", "base" },
		{ "password_file", "start_tls", "ca_file", "bind_dn", "filter",
			"attributes", "timeout_seconds", "cache_seconds",
			"negative_cache_seconds" } },
	{ "pkcs11", { "uri" }, { "password_file", "module" } },
	{ "managed", { NULL }, { NULL } },
};

static bool
is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count && names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool
takes(const struct type_row *row, const char *name)
{
	static const char *const always[] = { "name", "type" };

	return is_one_of(name, always, COUNT_OF(always)) ||
	       is_one_of(name, row->needs, COUNT_OF(row->needs)) ||
	       is_one_of(name, row->takes, COUNT_OF(row->takes));
}

static const struct type_row *
find_type(const char *type)
{
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (strcmp(types[i].type, type) == 0)
			return &types[i];
	return NULL;
}

/* A store of an unknown type has no further problems of its own. */
static bool
is_known_type(struct reader *reader, const config_setting_t *at)
{
	const char *type = NULL;

	if (!config_setting_lookup_string(at, "type", &type) ||
		find_type(type) != NULL)
		return true; /* missing: group_read says so */
	report_at(reader, PROBLEM_ERROR, line_of_member(at, "type"),
		"there is no store type \"%s\": it is \"file\", "
		"\"directory\", \"ldap\", \"pkcs11\" or \"managed\"",
		type);
	return false;
}

static bool
fits_type(struct reader *reader, const struct store_draft *draft)
{
	const struct type_row *row = find_type(draft->type);
	int members = config_setting_length(draft->at);
	bool fits = row != NULL;

	for (int i = 0; fits && i < members; i++) {
		const config_setting_t *member =
			config_setting_get_elem(draft->at, (unsigned)i);

		if (takes(row, config_setting_name(member)))
			continue;
		report_error(reader, member,
			"a store of type \"%s\" has no \"%s\"", draft->type,
			config_setting_name(member));
		fits = false;
	}
	for (size_t i = 0; fits && i < COUNT_OF(row->needs); i++)
		if (row->needs[i] != NULL &&
			config_setting_get_member(draft->at, row->needs[i]) ==
				NULL) {
			report_error(reader, draft->at,
				"store \"%s\" has no \"%s\"", draft->name,
				row->needs[i]);
			fits = false;
		}
	return fits;
}

static bool
is_complete(struct reader *reader, const struct store_draft *draft)
{
	const struct store_draft *same;

	if (draft->name == NULL || draft->type == NULL)
		return false;
	same = stores_find(reader, draft->name);
	if (same != NULL && same != draft) {
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "name"),
			"there are two stores with the name \"%s\"",
			draft->name);
		return false;
	}
	return fits_type(reader, draft);
}

static void
add_store(struct reader *reader, const config_setting_t *at)
{
	struct store_draft *draft = mem_alloc(sizeof(*draft));
	const char *name = NULL;
	size_t problems;

	draft->at = at;
	list_add(&reader->stores, draft);
	if (!is_known_type(reader, at)) {
		/* Rules that name it are no second problem. */
		if (config_setting_lookup_string(at, "name", &name))
			draft->name = mem_string(name);
		return;
	}
	problems = reader->located.count;
	group_read(reader, at, "stores", draft);
	draft->complete =
		is_complete(reader, draft) && reader->located.count == problems;
}

static void
set_stores(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	(void)into;
	each_group(reader, setting, row->name, add_store);
}

/* The sentence begins with the setting's name. */
static unsigned
line_of_trust(const config_setting_t *setting, const char *text)
{
	static const char *const names[] = { "intermediates", "crls" };
	struct span rest = span_string(text);

	if (!span_starts_nocase(rest, "trust."))
		return line_of_member(setting, "anchors");
	rest.data += strlen("trust.");
	rest.len -= strlen("trust.");
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (span_starts_nocase(rest, names[i]))
			return line_of_member(setting, names[i]);
	return line_of_member(setting, "anchors");
}

/* Lists that stood beside the certificates of a store. */
static int
add_store_crls(struct gateway *gateway, struct error *err)
{
	struct list crls = { 0 };
	struct store *store;
	int result = 0;

	LIST_FOREACH (store, &gateway->stores) {
		char *source = mem_printf("store %s", store_name(store));

		store_take_crls(store, &crls);
		if (result == 0)
			result = trust_add_crls(
				gateway->trust, &crls, source, err);
		list_clear(&crls, cert_crl_free);
		mem_free(source);
	}
	return result;
}

static void
open_trust(struct reader *reader, const struct trust_draft *draft)
{
	char *cache = mem_printf("%s/crls", reader->conf->state);
	const struct trust_settings settings = {
		.anchors = (const char *const *)draft->anchors.item,
		.anchor_count = draft->anchors.count,
		.intermediates = (const char *const *)draft->intermediates.item,
		.intermediate_count = draft->intermediates.count,
		.crls = (const char *const *)draft->crls.item,
		.crl_count = draft->crls.count,
		.revocation = (enum trust_revocation)draft->revocation,
		.fetch_crls = draft->fetch_crls,
		.fetch_private = draft->fetch_private,
		.proxy = draft->proxy,
		.cache = cache,
	};
	struct gateway *gateway = reader->conf->gateway;
	struct list warnings = { 0 };
	struct error err = { 0 };

	if (trust_new(&settings, &gateway->trust, &warnings, &err) != 0 ||
		add_store_crls(gateway, &err) != 0)
		report_at(reader, PROBLEM_ERROR,
			line_of_trust(draft->at, err.text), "%s", err.text);
	report_warnings(
		reader, line_of_member(draft->at, "anchors"), &warnings);
	if (gateway->trust != NULL)
		trust_warn_unlisted(gateway->trust, &warnings);
	report_warnings(
		reader, line_of_member(draft->at, "revocation"), &warnings);
	mem_free(cache);
}

static void
set_proxy(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct trust_draft *draft = into;
	struct error err = { 0 };

	kind_text.set(reader, setting, row, into);
	if (draft->proxy != NULL && net_check_proxy(draft->proxy, &err) != 0)
		report_error(reader, setting, "trust.proxy: %s", err.text);
}

static void
set_trust(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	(void)into;
	if (reader->trust == NULL)
		reader->trust = mem_alloc(sizeof(*reader->trust));
	/* The default is a setting of a tree that is gone by then. */
	reader->trust->at = line_of(setting) != 0 ? setting : NULL;
	group_read(reader, setting, row->name, reader->trust);
	reader->anchor_count = reader->trust->anchors.count;
}

void
stores_finish(struct reader *reader)
{
	struct store_draft *draft;

	LIST_FOREACH (draft, &reader->stores) {
		if (draft->complete && strcmp(draft->type, "managed") == 0)
			list_add(&reader->conf->managed,
				mem_string(draft->name));
		if (draft->complete && reader->load_stores)
			open_store(reader, draft);
	}
	if (reader->trust != NULL && reader->load_stores)
		open_trust(reader, reader->trust);
}

const struct conf_kind kind_stores = { "a list of groups", set_stores, false };
const struct conf_kind kind_trust = { "a group", set_trust, false };
const struct conf_kind kind_proxy = { "text in quotes", set_proxy, true };
