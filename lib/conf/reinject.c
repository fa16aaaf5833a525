/* Copies for recipients whose mail is another: whether, and where to. */
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/internal.h"
#include "net/net.h"

static void
set_mixed(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	int split = 0;

	(void)into;
	kind_word.set(reader, setting, row, &split);
	reader->conf->gateway->split.on = split != 0;
}

static void
set_internal_copy(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	int clear = 0;

	(void)into;
	kind_word.set(reader, setting, row, &clear);
	reader->conf->gateway->split.internal_clear = clear != 0;
}

static void
set_reinject(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	(void)into;
	group_read(reader, setting, row->name, &reader->conf->reinject);
}

const struct conf_kind kind_mixed = { "a word in quotes", set_mixed, false };
const struct conf_kind kind_internal_copy = { "a word in quotes",
	set_internal_copy, false };
const struct conf_kind kind_reinject = { "a group", set_reinject, false };

static void
check_login(struct reader *reader, const config_setting_t *at)
{
	struct conf_reinject *reinject = &reader->conf->reinject;
	struct error err = { 0 };

	if ((reinject->login == NULL) != (reinject->password_file == NULL))
		report_error(reader, at,
			"reinject needs login and password_file, or neither");
	else if (reinject->login != NULL && reader->load_stores &&
		 file_read_password(reinject->password_file,
			 &reinject->password, &err) != 0)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(at, "password_file"), "reinject: %s",
			err.text);
	if (reinject->login != NULL && !reinject->start_tls &&
		strncasecmp(reinject->uri, "smtps:", 6) != 0 &&
		!net_submit_stays_here(reinject->uri))
		report_warning(reader, at,
			"reinject: the password goes over the network as it "
			"is, without start_tls");
}

static void
check_reinject(struct reader *reader, const config_setting_t *at)
{
	struct conf_reinject *reinject = &reader->conf->reinject;
	struct error err = { 0 };

	if (reinject->uri == NULL)
		return; /* that has been said */
	if (net_check_submit(reinject->uri, &err) != 0)
		report_at(reader, PROBLEM_ERROR, line_of_member(at, "uri"),
			"reinject.uri: %s", err.text);
	check_login(reader, at);
}

void
reinject_finish(struct reader *reader, const config_setting_t *root)
{
	struct split_settings *split = &reader->conf->gateway->split;
	const config_setting_t *at =
		config_setting_get_member(root, "reinject");
	struct conf *conf = reader->conf;

	if (at != NULL)
		check_reinject(reader, at);
	else if (split->on)
		report_at(reader, PROBLEM_ERROR, line_of_member(root, "mixed"),
			"mixed = \"split\" needs reinject: where copies go");
	if (split->internal_clear && !split->on)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(root, "internal_copy"),
			"internal_copy = \"clear\" needs mixed = \"split\": a "
			"mail has one body for all recipients");
	split->mark = conf->reinject.mark;
	split->keep_hours = conf->reinject.keep_hours;
	split->state = mem_string(conf->state);
	split->folder = mem_printf("%s/copies", conf->state);
}
