/* What the settings of a table's line make of its rule. */
#include <search.h>
#include <string.h>

#include "base/mem.h"
#include "conf/table.h"

/* What a line may say. */
static const struct {
	const char *list, *name;
} settings[] = {
	{ "sign", "mode" },
	{ "sign", "otherwise" },
	{ "sign", "certificate" },
	{ "sign", "form" },
	{ "sign", "digest" },
	{ "sign", "scheme" },
	{ "sign", "sign" },
	{ "encrypt", "mode" },
	{ "encrypt", "locality" },
	{ "encrypt", "otherwise" },
	{ "encrypt", "stores" },
	{ "encrypt", "certificate" },
	{ "encrypt", "trusted" },
	{ "encrypt", "weak_keys" },
	{ "encrypt", "cipher" },
	{ "encrypt", "key_transport" },
	{ "encrypt", "oaep_digest" },
	{ "encrypt", "to_self" },
	{ "encrypt", "accept" },
};

/* Lines that say the same share a rule. */
struct variant {
	char *text; /* the settings of the line */
	void *rule; /* borrowed */
};

/* ---- problems ---- */

/* What was reported since then is a problem of this line. */
static void
place_problems(struct table_reader *t, size_t since)
{
	struct list *located = &t->reader->located;
	const char *name = t->draft->table != NULL ? "table" : "mode_from";

	for (size_t i = since; i < located->count; i++) {
		struct located *one = located->item[i];

		one->at = line_of_member(t->draft->at, name);
		if (t->line == 0) { /* of the rule itself */
			one->problem->line =
				source_where(&t->reader->source, one->at).line;
			continue;
		}
		mem_free(one->problem->file);
		one->problem->file = mem_string(t->draft->table);
		one->problem->line = t->line;
		if (t->draft->bad_lines == 1)
			one->problem->kind = PROBLEM_WARNING;
	}
}

void
table_report(struct table_reader *t, const char *text)
{
	size_t since = t->reader->located.count;

	report_at(t->reader, PROBLEM_ERROR, 0, "%s", text);
	place_problems(t, since);
}

/* ---- the settings of a line ---- */

static bool
may_say(const struct table_reader *t, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(settings); i++)
		if (strcmp(settings[i].list, t->draft->list) == 0 &&
			strcmp(settings[i].name, name) == 0)
			return true;
	return false;
}

/* "a,b" as an array. */
static void
add_texts(config_setting_t *group, const char *name, char *value)
{
	config_setting_t *array =
		config_setting_add(group, name, CONFIG_TYPE_ARRAY);
	char *one;

	while ((one = strsep(&value, ",")) != NULL)
		config_setting_set_string_elem(array, -1, one);
}

/* As it would stand in the rule; NULL when it is there already. */
static config_setting_t *
add_setting(config_setting_t *group, const struct conf_row *row, char *value)
{
	config_setting_t *setting;

	if (config_setting_get_member(group, row->name) != NULL)
		return NULL;
	if (row->kind == &kind_texts) {
		add_texts(group, row->name, value);
	} else if (row->kind == &kind_yes_no &&
		   (strcmp(value, "true") == 0 ||
			   strcmp(value, "false") == 0)) {
		setting =
			config_setting_add(group, row->name, CONFIG_TYPE_BOOL);
		config_setting_set_bool(setting, value[0] == 't');
	} else {
		setting = config_setting_add(
			group, row->name, CONFIG_TYPE_STRING);
		config_setting_set_string(setting, value);
	}
	return config_setting_get_member(group, row->name);
}

static void
read_setting(struct table_reader *t, config_setting_t *group, char *word,
	struct rule_draft *into)
{
	char *value = strchr(word, '='), *text = NULL;
	const struct conf_row *row;
	config_setting_t *setting;

	if (value == NULL)
		text = mem_printf(
			"\"%.60s\" is no setting: write name=value", word);
	else
		*value++ = '\0';
	if (text == NULL && !may_say(t, word))
		text = mem_printf("\"%.60s\" is no setting of a line of a %s "
				  "rule's table",
			word, t->draft->list);
	if (text != NULL) {
		table_report(t, text);
		mem_free(text);
		return;
	}
	row = row_find(t->draft->list, word);
	setting = add_setting(group, row, value);
	if (setting == NULL) {
		table_report(t, "a setting stands twice");
		return;
	}
	row->kind->set(t->reader, setting, row, into);
}

/* Only clients, login and name are asked of a variant beside its settings. */
static void
copy_rule(const struct rule *from, struct rule *to)
{
	const struct client_condition *client;

	*to = (struct rule){ .name = mem_string(from->name),
		.from_must_be = from->from_must_be };
	LIST_FOREACH (client, &from->clients) {
		struct client_condition *copy = mem_alloc(sizeof(*copy));

		*copy = *client;
		list_add(&to->clients, copy);
	}
}

/* What the line does not say is as in the rule. */
static void
inherit(const struct rule_draft *whole, struct rule_draft *draft)
{
	const char *name;

	if (draft->stores.count == 0)
		LIST_FOREACH (name, &whole->stores)
			list_add(&draft->stores, mem_string(name));
	if (draft->certificate == NULL)
		draft->certificate = mem_string(whole->certificate);
	rule_imply_mode(draft);
	if (draft->mode == -1 && draft->otherwise == -1) {
		draft->mode = whole->mode;
		draft->otherwise = whole->otherwise;
	}
	if (draft->locality == LOCALITY_AS_SET)
		draft->locality = whole->locality;
}

static void
check_variant(struct table_reader *t, const struct rule_draft *draft)
{
	struct error err = { 0 };

	if (draft->mode != MODE_NONE && draft->stores.count == 0 &&
		config_setting_get_member(draft->at, "stores") == NULL)
		table_report(t, "neither the line nor the rule has \"stores\"");
	if (strcmp(draft->list, "encrypt") == 0 &&
		cms_cipher_available(draft->cipher, &err) != 0)
		table_report(t, err.text);
}

/* A rule with these settings, or NULL after the problems were reported. */
static void *
make_variant(struct table_reader *t, char **words, size_t count)
{
	struct rule_draft draft = *t->draft;
	size_t since = t->reader->located.count;
	config_t config;
	void *rule = NULL;

	draft.stores = (struct list){ 0 };
	draft.certificate = NULL;
	draft.mode = draft.otherwise = -1;
	draft.locality = LOCALITY_AS_SET;
	copy_rule(t->made, &draft.rule);
	config_init(&config);
	for (size_t i = 0; i < count; i++)
		read_setting(t, config_root_setting(&config), words[i], &draft);
	inherit(t->draft, &draft);
	check_variant(t, &draft);
	if (t->reader->located.count == since)
		rule = rule_make(t->reader, &draft);
	if (t->reader->located.count != since) {
		place_problems(t, since);
		if (rule != NULL)
			rule_free(t->draft, rule);
		rule = NULL;
	}
	config_destroy(&config);
	rule_clear(&draft.rule);
	list_clear(&draft.stores, mem_free);
	mem_free(draft.certificate);
	return rule;
}

static int
compare(const void *left, const void *right)
{
	const struct variant *a = left, *b = right;

	return strcmp(a->text, b->text);
}

static void
variant_free(void *item)
{
	struct variant *variant = item;

	mem_free(variant->text);
	mem_free(variant);
}

void *
table_variant(struct table_reader *t, char **words, size_t count)
{
	struct variant wanted = { mem_string(""), NULL }, **node, *made;

	for (size_t i = 0; i < count; i++) {
		char *more = mem_printf("%s%s\n", wanted.text, words[i]);

		mem_free(wanted.text);
		wanted.text = more;
	}
	node = tfind(&wanted, &t->tree, compare);
	if (node == NULL)
		wanted.rule = make_variant(t, words, count);
	if (node != NULL || wanted.rule == NULL) {
		mem_free(wanted.text);
		return node != NULL ? (*node)->rule : NULL;
	}
	made = mem_alloc(sizeof(*made));
	*made = wanted;
	list_add(t->variants, made->rule);
	wanted.rule = made->rule;
	/* Without memory, the next line makes its own. */
	if (tsearch(made, &t->tree, compare) == NULL)
		variant_free(made);
	return wanted.rule;
}

void
table_forget(struct table_reader *t)
{
	tdestroy(t->tree, variant_free);
	t->tree = NULL;
}

/* ---- modes from a directory ---- */

static void
set_mode_from(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	group_read(reader, setting, row->name, into);
}

/* A variant with that one setting; NULL after an error. */
static void *
variant_make(struct reader *reader, const struct rule_draft *draft,
	struct rule *made, void *whole, struct list *variants,
	const char *setting)
{
	struct table_reader t = {
		.reader = reader, .draft = draft, .made = made, .whole = whole
	};
	char *words[] = { mem_string(setting) };
	void *rule = make_variant(&t, words, 1);

	if (rule != NULL)
		list_add(variants, rule);
	mem_free(words[0]);
	return rule;
}

/* Where it is asked. */
static void
find_directory(struct reader *reader, const struct rule_draft *draft,
	struct mode_from *mode_from)
{
	const struct store_draft *store =
		stores_find(reader, draft->mode_store);

	if (store == NULL)
		report_no_store(reader, draft, "mode_from", draft->mode_store);
	else if (store->type != NULL && strcmp(store->type, "ldap") != 0)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "mode_from"),
			"mode_from: store \"%s\" is of type %s, and only one "
			"of type ldap has attributes",
			draft->mode_store, store->type);
	else
		mode_from->store = store->store;
}

/* What is stricter than pass stays so, and what is of mode "none" does not. */
static const char *const mandatory[] = {
	[OTHERWISE_PASS] = "mode=mandatory",
	[OTHERWISE_QUARANTINE] = "otherwise=quarantine",
	[OTHERWISE_TEMPFAIL] = "otherwise=tempfail",
	[OTHERWISE_REJECT] = "otherwise=reject",
};

void
mode_from_finish(struct reader *reader, const struct rule_draft *draft,
	struct rule *made, void *whole, struct list *variants,
	struct mode_from *mode_from)
{
	const char *const words[] = { [MODE_NONE] = "mode=none",
		[MODE_ALLOW] = "mode=allow",
		[MODE_MANDATORY] = mandatory[made->otherwise] };
	bool is_sign = strcmp(draft->list, "sign") == 0;

	if (draft->mode_store == NULL || draft->mode_attribute == NULL)
		return;
	if (is_sign && draft->mode_of == MODE_OF_RECIPIENT)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "mode_from"),
			"mode_from: of a sign rule the sender's mode is "
			"asked");
	else
		find_directory(reader, draft, mode_from);
	mode_from->attribute = mem_string(draft->mode_attribute);
	mode_from->of_sender = is_sign || draft->mode_of == MODE_OF_SENDER;
	/* What is missing in one is missing in the next. */
	for (int mode = MODE_NONE; mode <= MODE_MANDATORY; mode++)
		if ((mode_from->by_mode[mode] = variant_make(reader, draft,
			     made, whole, variants, words[mode])) == NULL)
			break;
}

const struct conf_kind kind_mode_from = { "a group", set_mode_from, false };
