/* What an authority does for people: delivery, publishing. */
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

static void
set_delivery(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into UNUSED)
{
	struct ca_delivery_draft draft = { 0 };
	struct ca_delivery *delivery = &reader->conf->ca_delivery;

	group_read(reader, setting, row->name, &draft);
	*delivery = draft.delivery;
	delivery->legacy = draft.legacy != 0;
	delivery->reinject = draft.reinject != 0;
}

static void
set_publish(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into UNUSED)
{
	group_read(reader, setting, row->name, &reader->conf->ca_publish);
}

const struct conf_kind kind_ca_publish = { "a group", set_publish, false };
const struct conf_kind kind_ca_delivery = { "a group", set_delivery, false };

static void
check_delivery(struct reader *reader, const config_setting_t *group)
{
	const struct ca_delivery *delivery = &reader->conf->ca_delivery;
	struct address *from = NULL;
	struct error err = { 0 };

	if (delivery->from != NULL &&
		addr_parse(delivery->from, &from, &err) != 0)
		report_at(reader, PROBLEM_ERROR, line_of_member(group, "from"),
			"ca_delivery.from: %s", err.text);
	address_free(from);
	if (delivery->reinject && reader->conf->reinject.uri == NULL)
		report_at(reader, PROBLEM_ERROR, line_of_member(group, "via"),
			"ca_delivery.via is \"reinject\", but there is no "
			"reinject");
	if (delivery->password_command.count != 0 &&
		((char *)delivery->password_command.item[0])[0] != '/')
		report_at(reader, PROBLEM_ERROR,
			line_of_member(group, "password_command"),
			"ca_delivery.password_command begins with the path of "
			"a program");
}

static struct store_settings *
directory_new(
	const struct store_draft *draft, const struct conf_publish *publish)
{
	struct store_settings *own = mem_alloc(sizeof(*own));
	bool named = publish->bind_dn != NULL;
	const char *attribute;

	*own = (struct store_settings){ .name = mem_string(draft->name),
		.type = mem_string(draft->type),
		.uri = mem_string(draft->uri),
		.base = mem_string(draft->base),
		.filter = mem_string(draft->filter),
		.ca_file = mem_string(draft->ca_file),
		.bind_dn =
			mem_string(named ? publish->bind_dn : draft->bind_dn),
		.password_file = mem_string(
			named ? publish->password_file : draft->password_file),
		.start_tls = draft->start_tls,
		.timeout_seconds = draft->timeout_seconds,
		.cache_seconds = draft->cache_seconds,
		.negative_cache_seconds = draft->negative_cache_seconds };
	LIST_FOREACH (attribute, &draft->attributes)
		list_add(&own->attributes, mem_string(attribute));
	return own;
}

static void
directory_free(struct store_settings *own)
{
	if (own == NULL)
		return;
	mem_free((char *)own->name);
	mem_free((char *)own->type);
	mem_free((char *)own->uri);
	mem_free((char *)own->base);
	mem_free((char *)own->filter);
	mem_free((char *)own->ca_file);
	mem_free((char *)own->bind_dn);
	mem_free((char *)own->password_file);
	list_clear(&own->attributes, mem_free);
	mem_free(own);
}

void
conf_publish_clear(struct conf_publish *publish)
{
	mem_free(publish->store);
	mem_free(publish->bind_dn);
	mem_free(publish->password_file);
	directory_free(publish->directory);
}

static void
check_publish(struct reader *reader, const config_setting_t *group)
{
	struct conf_publish *publish = &reader->conf->ca_publish;
	const struct store_draft *store =
		publish->store != NULL ? stores_find(reader, publish->store)
				       : NULL;

	if (publish->store != NULL && (store == NULL || store->type == NULL ||
					      strcmp(store->type, "ldap") != 0))
		report_at(reader, PROBLEM_ERROR, line_of_member(group, "store"),
			"ca_publish.store: there is no store \"%s\" of the "
			"type \"ldap\"",
			publish->store);
	if ((publish->bind_dn == NULL) != (publish->password_file == NULL))
		report_at(reader, PROBLEM_ERROR, line_of(group),
			"ca_publish needs bind_dn and password_file, or "
			"neither");
	else if (store != NULL)
		publish->directory = directory_new(store, publish);
}

void
ca_service_finish(struct reader *reader, const config_setting_t *root)
{
	const config_setting_t *group =
		config_setting_get_member(root, "ca_delivery");

	if (group != NULL)
		check_delivery(reader, group);
	group = config_setting_get_member(root, "ca_publish");
	if (group != NULL)
		check_publish(reader, group);
}
