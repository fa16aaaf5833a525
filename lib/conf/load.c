#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	mem_free(conf->path);
	mem_free(conf->listen.socket);
	mem_free(conf->listen.group);
	mem_free(conf->control.socket);
	mem_free(conf->control.group);
	list_clear(&conf->control_writers, mem_free);
	mem_free(conf->user);
	mem_free(conf->state);
	mem_free(conf->pid_file);
	gateway_free(conf->gateway);
	list_clear(&conf->managed, mem_free);
	mem_free(conf->ca_user);
	list_clear(&conf->authorities, ca_settings_free);
	list_clear(&conf->ca_templates, ca_template_free);
	ca_delivery_clear(&conf->ca_delivery);
	conf_publish_clear(&conf->ca_publish);
	mem_free(conf->reinject.uri);
	mem_free(conf->reinject.ca_file);
	mem_free(conf->reinject.login);
	mem_free(conf->reinject.password_file);
	mem_free_secret(conf->reinject.password);
	mem_free(conf);
}

/* gateway_prepare() names the rule; the file has its line. */
static unsigned
line_of_rule(const struct reader *reader, const char *text)
{
	const struct rule_draft *draft;

	LIST_FOREACH (draft, &reader->drafts) {
		char *start = mem_printf("rule %s ", draft->made->name);
		bool found = strcmp(draft->list, "sign") == 0 &&
			     strncmp(text, start, strlen(start)) == 0;

		mem_free(start);
		if (found)
			return line_of(draft->at);
	}
	return 0;
}

static void
prepare(struct reader *reader)
{
	struct list warnings = { 0 };
	struct error err = { 0 };
	const char *text;

	if (gateway_prepare(reader->conf->gateway, &warnings, &err) != 0)
		report_at(reader, PROBLEM_ERROR, 0, "%s", err.text);
	LIST_FOREACH (text, &warnings)
		report_at(reader, PROBLEM_WARNING, line_of_rule(reader, text),
			"%s", text);
	list_clear(&warnings, mem_free);
}

static void
forget_problems(struct reader *reader)
{
	struct located *located;

	LIST_FOREACH (located, &reader->located) {
		problem_free(located->problem);
		mem_free(located);
	}
	list_clear(&reader->located, NULL);
}

/* Behind a syntax error everything else may be a consequence. */
static void
report_syntax(
	struct reader *reader, unsigned line, const struct lint_hint *hint)
{
	bool hinted = hint->line != 0 && hint->line <= line;

	forget_problems(reader);
	report_at(reader, PROBLEM_ERROR, hinted ? hint->line : line,
		"syntax error%s%s", hinted ? ": " : "",
		hinted ? hint->text : "");
}

static void
report_refusal(struct reader *reader, const config_t *config,
	const struct lint_hint *hint)
{
	unsigned line = (unsigned)config_error_line(config);
	const char *text = config_error_text(config);

	if (strcmp(text, "syntax error") == 0) {
		report_syntax(reader, line, hint);
		return;
	}
	forget_problems(reader);
	report_at(reader, PROBLEM_ERROR, line, "%s", text);
}

static void
read_settings(struct reader *reader, const config_setting_t *root)
{
	group_read(reader, root, "", reader->conf);
	stores_finish(reader);
	authorities_finish(reader, root);
	ca_service_finish(reader, root);
	rules_finish(reader);
	check_rules(reader);
	check_listen(reader, root);
	reinject_finish(reader, root);
	if (reader->load_stores && !has_error(reader))
		prepare(reader);
}

static void
read_text(struct reader *reader)
{
	const char *text = (const char *)reader->source.text.data;
	struct lint_hint hint;
	config_t config;

	lint_text(reader, &hint);
	config_init(&config);
	/* source_read() has put in what is included. */
	config_set_include_dir(&config, "/nonexistent");
	if (hint.no_end)
		report_syntax(reader, UINT_MAX, &hint);
	else if (config_read_string(&config, text) != CONFIG_TRUE)
		report_refusal(reader, &config, &hint);
	else if (!has_error(reader))
		read_settings(reader, config_root_setting(&config));
	/* else libconfig holds something that the file does not say */
	rules_clear(reader);
	stores_clear(reader);
	config_destroy(&config);
}

int
conf_load(const char *path, bool load_stores, struct conf **out,
	struct list *problems)
{
	struct reader reader = { .load_stores = load_stores };
	bool failed;

	reader.conf = mem_alloc(sizeof(*reader.conf));
	reader.conf->path = mem_string(path);
	reader.conf->gateway = gateway_new();
	if (source_read(&reader, path) == 0)
		read_text(&reader);
	failed = report_end(&reader, problems);
	source_clear(&reader.source);
	if (failed) {
		conf_free(reader.conf);
		return -1;
	}
	*out = reader.conf;
	return 0;
}
