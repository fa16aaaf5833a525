/* Stores, and whom we trust. */
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

static void
store_draft_free(void *item)
{
	struct store_draft *draft = item;

	mem_free(draft->name);
	mem_free(draft->type);
	mem_free(draft->path);
	mem_free(draft->password_file);
	mem_free(draft);
}

void
stores_clear(struct reader *reader)
{
	list_clear(&reader->stores, store_draft_free);
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
		.password_file = draft->password_file };
	struct list warnings = { 0 };
	struct error err = { 0 };

	if (store_open(&settings, &draft->store, &warnings, &err) == 0)
		list_add(&reader->conf->gateway->stores, draft->store);
	else
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "path"), "%s", err.text);
	report_warnings(reader, line_of_member(draft->at, "path"), &warnings);
}

/* What a store of a later version needs is not asked for. */
static int
check_type(struct reader *reader, const config_setting_t *at)
{
	const char *type = NULL;
	int known;

	if (!config_setting_lookup_string(at, "type", &type))
		return 0; /* missing: group_read says so */
	known = store_type_known(type);
	if (known == 1)
		return 0;
	if (known == 0)
		report_at(reader, PROBLEM_ERROR, line_of_member(at, "type"),
			"a store of type \"%s\" is not in this version", type);
	else
		report_at(reader, PROBLEM_ERROR, line_of_member(at, "type"),
			"there is no store type \"%s\": it is \"file\" or "
			"\"directory\"",
			type);
	return -1;
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
	if (draft->path != NULL)
		return true;
	if (config_setting_get_member(draft->at, "path") == NULL)
		report_error(reader, draft->at, "store \"%s\" has no \"path\"",
			draft->name);
	return false;
}

static void
add_store(struct reader *reader, const config_setting_t *at)
{
	struct store_draft *draft = mem_alloc(sizeof(*draft));
	const char *name = NULL;

	draft->at = at;
	list_add(&reader->stores, draft);
	if (check_type(reader, at) != 0) {
		/* Rules that name it are no second problem. */
		if (config_setting_lookup_string(at, "name", &name))
			draft->name = mem_string(name);
		return;
	}
	group_read(reader, at, "stores", draft);
	if (is_complete(reader, draft) && reader->load_stores)
		open_store(reader, draft);
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
	static const char name[] = "trust.intermediates";

	return line_of_member(setting,
		strncmp(text, name, sizeof(name) - 1) == 0 ? "intermediates"
							   : "anchors");
}

static void
open_trust(struct reader *reader, const config_setting_t *setting,
	const struct trust_draft *draft)
{
	const struct trust_settings settings = {
		.anchors = (const char *const *)draft->anchors.item,
		.anchor_count = draft->anchors.count,
		.intermediates = (const char *const *)draft->intermediates.item,
		.intermediate_count = draft->intermediates.count,
	};
	struct list warnings = { 0 };
	struct error err = { 0 };

	if (trust_new(&settings, &reader->conf->gateway->trust, &warnings,
		    &err) != 0)
		report_at(reader, PROBLEM_ERROR,
			line_of_trust(setting, err.text), "%s", err.text);
	report_warnings(reader, line_of_member(setting, "anchors"), &warnings);
}

static void
set_trust(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct trust_draft draft = { 0 };

	(void)into;
	group_read(reader, setting, row->name, &draft);
	reader->anchor_count = draft.anchors.count;
	if (reader->load_stores)
		open_trust(reader, setting, &draft);
	list_clear(&draft.anchors, mem_free);
	list_clear(&draft.intermediates, mem_free);
}

const struct conf_kind kind_stores = { "a list of groups", set_stores, false };
const struct conf_kind kind_trust = { "a group", set_trust, false };
