/* Authorities, and what they issue. */
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

/* ---- kinds of values ---- */

/* "example.com" is everybody there; with an @ it is a pattern as it stands. */
static void
add_domain(struct reader *reader, const config_setting_t *at, const char *text,
	void *into)
{
	char *whole = mem_printf("%s%s", strchr(text, '@') ? "" : "*@", text);
	struct pattern *pattern = NULL;
	struct error err = { 0 };

	if (pattern_new(whole, &pattern, &err) != 0)
		report_error(reader, at, "%s", err.text);
	else
		list_add(into, pattern);
	mem_free(whole);
}

static void
set_domains(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	each_text(reader, setting, row, (char *)into + row->offset, add_domain);
}

static void
add_usage(struct reader *reader, const config_setting_t *at, const char *text,
	void *into)
{
	struct ca_template *item = into;

	if (strcmp(text, "sign") == 0)
		item->sign = true;
	else if (strcmp(text, "encrypt") == 0)
		item->encrypt = true;
	else if (strcmp(text, "non-repudiation") == 0)
		item->non_repudiation = true;
	else
		report_error(reader, at,
			"ca_templates.usage: \"%s\" is none of: sign, encrypt, "
			"non-repudiation",
			text);
}

static void
set_usage(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	each_text(reader, setting, row, into, add_usage);
}

static void
set_url(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const char **url = (const char **)((char *)into + row->offset);
	struct error err = { 0 };
	char space[ROW_LABEL_SIZE];

	kind_text.set(reader, setting, row, into);
	if (*url != NULL && ca_url_check(*url, &err) != 0)
		report_error(reader, setting, "%s: %s",
			row_label(row, space, sizeof(space)), err.text);
}

/* ---- groups ---- */

static void
add_authority(struct reader *reader, const config_setting_t *at)
{
	struct ca_settings *settings = mem_alloc(sizeof(*settings));

	group_read(reader, at, "ca", settings);
	list_add(&reader->conf->authorities, settings);
}

static void
set_ca(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into UNUSED)
{
	each_group(reader, setting, row->name, add_authority);
}

static void
add_template(struct reader *reader, const config_setting_t *at)
{
	struct ca_template *item = mem_alloc(sizeof(*item));
	size_t problems = reader->located.count;
	struct error err = { 0 };

	group_read(reader, at, "ca_templates", item);
	list_add(&reader->conf->ca_templates, item);
	if (reader->located.count == problems &&
		ca_template_check(item, &err) != 0)
		report_error(reader, at, "ca_templates.%s: %s", item->name,
			err.text);
}

static void
set_templates(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into UNUSED)
{
	each_group(reader, setting, row->name, add_template);
}

/* ---- what only all of them can tell ---- */

static void
check_store(
	struct reader *reader, const struct ca_settings *settings, unsigned at)
{
	const char *name;

	if (settings->store == NULL)
		return;
	LIST_FOREACH (name, &reader->conf->managed)
		if (strcmp(name, settings->store) == 0)
			return;
	report_at(reader, PROBLEM_ERROR, at,
		"ca.store: there is no store \"%s\" of the type \"managed\"",
		settings->store);
}

/* Opened by itself: who issues may not be the one who reads all stores. */
static void
take_key_store(struct reader *reader, struct ca_settings *settings, unsigned at)
{
	const struct store_draft *draft;

	if (settings->key_store == NULL)
		return;
	draft = stores_find(reader, settings->key_store);
	if (draft == NULL || !draft->complete ||
		strcmp(draft->type, "pkcs11") != 0) {
		report_at(reader, PROBLEM_ERROR, at,
			"ca.key_store: there is no store \"%s\" of the type "
			"\"pkcs11\"",
			settings->key_store);
		return;
	}
	settings->token = mem_alloc(sizeof(*settings->token));
	*settings->token =
		(struct store_settings){ .name = mem_string(draft->name),
			.type = mem_string(draft->type),
			.uri = mem_string(draft->uri),
			.module = mem_string(draft->module),
			.password_file = mem_string(draft->password_file) };
}

static bool
is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static void
check_other(struct reader *reader, const struct ca_settings *a,
	const struct ca_settings *b, unsigned at)
{
	if (is_same(a->name, b->name))
		report_at(reader, PROBLEM_ERROR, at,
			"there are two authorities with the name \"%s\"",
			a->name);
	else if (is_same(a->path, b->path) || is_same(a->crl_file, b->crl_file))
		report_at(reader, PROBLEM_ERROR, at,
			"authorities \"%s\" and \"%s\" have the same path or "
			"crl_file",
			a->name, b->name);
	else if (a->is_default && b->is_default)
		report_at(reader, PROBLEM_ERROR, at,
			"authorities \"%s\" and \"%s\" cannot both be the "
			"default",
			a->name, b->name);
}

static void
check_templates(struct reader *reader, unsigned at)
{
	const struct list *all = &reader->conf->ca_templates;
	const struct ca_template *a, *b;

	LIST_FOREACH (a, all)
		for (size_t i = a_i + 1; i < all->count; i++) {
			b = all->item[i];
			if (is_same(a->name, b->name))
				report_at(reader, PROBLEM_ERROR, at,
					"there are two templates with the name "
					"\"%s\"",
					a->name);
		}
}

void
authorities_finish(struct reader *reader, const config_setting_t *root)
{
	const struct list *all = &reader->conf->authorities;
	const config_setting_t *list = config_setting_get_member(root, "ca");
	struct ca_settings *settings;

	LIST_FOREACH (settings, all) {
		unsigned at = line_of(
			config_setting_get_elem(list, (unsigned)settings_i));

		if (reader->conf->ca_user != NULL)
			settings->user = mem_string(reader->conf->ca_user);
		check_store(reader, settings, at);
		take_key_store(reader, settings, at);
		for (size_t i = settings_i + 1; i < all->count; i++)
			check_other(reader, settings, all->item[i], at);
	}
	check_templates(reader, line_of_member(root, "ca_templates"));
}

const struct conf_kind kind_ca = { "a list of groups", set_ca, false };
const struct conf_kind kind_ca_templates = { "a list of groups", set_templates,
	false };
const struct conf_kind kind_domains = {
	"domains in quotes, in [ ] when there are several", set_domains, false
};
const struct conf_kind kind_usage = {
	"words in quotes, in [ ] when there are several", set_usage, false
};
const struct conf_kind kind_url = { "a URL in quotes", set_url, true };
