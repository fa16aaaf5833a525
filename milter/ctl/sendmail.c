/* Sendmail: what its .cf says about filters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "mta.h"

enum { CF_MAX_BYTES = 16 << 20 };

/* Seconds that Sendmail must be patient for; its own defaults are below. */
enum { NEEDED_READ_SECONDS = 10, NEEDED_END_SECONDS = 300 };

struct xfilter {
	char *name;
	char *socket;
	char flag;	   /* of F=; '\0': none */
	long read_seconds; /* R, default 10 */
	long end_seconds;  /* E, default 300 */
};

struct sendmail {
	struct list filters; /* struct xfilter * */
	char *input;	     /* O InputMailFilters */
	char *daemons;	     /* the InputMailFilters of DaemonPortOptions */
	double max_bytes;    /* O MaxMessageSize; 0: none */
};

static void
xfilter_free(void *item)
{
	struct xfilter *filter = item;

	mem_free(filter->name);
	mem_free(filter->socket);
	mem_free(filter);
}

static void
sendmail_clear(struct sendmail *sendmail)
{
	list_clear(&sendmail->filters, xfilter_free);
	mem_free(sendmail->input);
	mem_free(sendmail->daemons);
}

/* "30s", "5m", "1h", "90" */
static long
seconds(const char *text)
{
	char *unit;
	long count = strtol(text, &unit, 10);

	switch (*unit) {
	case 'm':
		return count * 60;
	case 'h':
		return count * 3600;
	case 'd':
		return count * 86400;
	}
	return count;
}

/* "S:30s;R:60s;E:10m" */
static void
take_times(struct xfilter *filter, const char *text)
{
	for (; text != NULL && *text != '\0'; text = strchr(text, ';')) {
		text += strspn(text, "; ");
		if (strncmp(text, "R:", 2) == 0)
			filter->read_seconds = seconds(text + 2);
		else if (strncmp(text, "E:", 2) == 0)
			filter->end_seconds = seconds(text + 2);
	}
}

/* Xname, S=local:/path, F=T, T=R:30s;E:5m */
static void
take_filter(struct sendmail *sendmail, char *text)
{
	struct xfilter *filter = mem_alloc(sizeof(*filter));
	char *rest = NULL;
	char *word = strtok_r(text, ",", &rest);

	filter->name = mem_string(word != NULL ? word : "");
	filter->read_seconds = 10;
	filter->end_seconds = 300;
	while ((word = strtok_r(NULL, ",", &rest)) != NULL) {
		word += strspn(word, " \t");
		if (strncasecmp(word, "S=", 2) == 0) {
			mem_free(filter->socket);
			filter->socket = mem_string(word + 2);
		} else if (strncasecmp(word, "F=", 2) == 0) {
			filter->flag = word[2];
		} else if (strncasecmp(word, "T=", 2) == 0) {
			take_times(filter, word + 2);
		}
	}
	list_add(&sendmail->filters, filter);
}

static const char *
option(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, "O ", 2) != 0)
		return NULL;
	line += 2 + strspn(line + 2, " ");
	if (strncasecmp(line, name, len) != 0)
		return NULL;
	line += len + strspn(line + len, " ");
	return *line == '=' ? line + 1 : NULL;
}

static void
take_daemon(struct sendmail *sendmail, const char *text)
{
	const char *own = strcasestr(text, "InputMailFilters=");
	char *more;

	if (own == NULL)
		return;
	more = mem_printf(
		"%s%s\n", sendmail->daemons ? sendmail->daemons : "", text);
	mem_free(sendmail->daemons);
	sendmail->daemons = more;
}

static void
take_line(struct sendmail *sendmail, char *line)
{
	const char *value;

	line[strcspn(line, "\r")] = '\0';
	if (line[0] == 'X')
		take_filter(sendmail, line + 1);
	if ((value = option(line, "InputMailFilters")) != NULL) {
		mem_free(sendmail->input);
		sendmail->input = mem_string(value);
	}
	if ((value = option(line, "MaxMessageSize")) != NULL)
		sendmail->max_bytes = strtod(value, NULL);
	if ((value = option(line, "DaemonPortOptions")) != NULL)
		take_daemon(sendmail, value);
}

static int
read_cf(struct sendmail *sendmail, const char *path, struct error *err)
{
	struct buf text = { 0 };
	char *line, *rest = NULL;
	int result = -1;

	if (file_read(path, CF_MAX_BYTES, &text, err) != 0 ||
		buf_add(&text, "", 1, err) != 0)
		goto out;
	/* A line that starts with a blank continues the one before. */
	for (size_t i = 0; i + 1 < text.len; i++)
		if (text.data[i] == '\n' &&
			(text.data[i + 1] == ' ' || text.data[i + 1] == '\t'))
			text.data[i] = ' ';
	line = strtok_r((char *)text.data, "\n", &rest);
	for (; line != NULL; line = strtok_r(NULL, "\n", &rest))
		take_line(sendmail, line);
	result = 0;
out:
	buf_clear(&text);
	return result;
}

/* ---- the checks ---- */

static const struct xfilter *
find_us(const struct sendmail *sendmail, const struct conf *conf)
{
	const struct xfilter *filter, *found = NULL;
	struct endpoint ours, one;

	endpoint_from_milter(conf->listen.socket, &ours);
	LIST_FOREACH (filter, &sendmail->filters) {
		if (filter->socket == NULL)
			continue;
		endpoint_from_milter(filter->socket, &one);
		if (endpoint_equal(&ours, &one))
			found = filter;
		endpoint_clear(&one);
	}
	endpoint_clear(&ours);
	return found;
}

static const char *
socket_of(const struct sendmail *sendmail, const char *name)
{
	const struct xfilter *filter;

	LIST_FOREACH (filter, &sendmail->filters)
		if (strcmp(filter->name, name) == 0 && filter->socket != NULL)
			return filter->socket;
	return "";
}

static void
mta_filter_free(void *item)
{
	struct filter *filter = item;

	mem_free(filter->text);
	mem_free(filter);
}

/* Where we stand in "O InputMailFilters=a,b"; -1: not there. */
static long
order_of(const struct sendmail *sendmail, const struct xfilter *us,
	struct list *filters)
{
	char *names = mem_string(sendmail->input ? sendmail->input : "");
	char *rest = NULL, *name = strtok_r(names, ",; ", &rest);
	long ours = -1;

	for (; name != NULL; name = strtok_r(NULL, ",; ", &rest)) {
		struct filter *filter = mem_alloc(sizeof(*filter));

		if (strcmp(name, us->name) == 0)
			ours = (long)filters->count;
		filter->text =
			mem_printf("%s %s", name, socket_of(sendmail, name));
		list_add(filters, filter);
	}
	mem_free(names);
	return ours;
}

static void
check_place(const struct sendmail *sendmail, const struct xfilter *us,
	struct findings *findings)
{
	struct list filters = { 0 };
	long ours = order_of(sendmail, us, &filters);

	if (ours < 0)
		find_error(findings,
			"filter %s is defined but not used: it "
			"is not in InputMailFilters (INPUT_MAIL_FILTER in "
			"the .mc does both)",
			us->name);
	else
		check_order(
			findings, "InputMailFilters", &filters, (size_t)ours);
	if (sendmail->daemons != NULL &&
		strstr(sendmail->daemons, us->name) == NULL)
		find_warning(findings,
			"a DaemonPortOptions line has "
			"InputMailFilters of its own without %s: mail "
			"that comes in there passes unprotected",
			us->name);
	list_clear(&filters, mta_filter_free);
}

static void
check_flag(const struct xfilter *us, struct findings *findings)
{
	switch (us->flag) {
	case 'T':
	case '4':
		find_note(findings, "filter %s is used, F=%c", us->name,
			us->flag);
		return;
	case 'R':
		find_warning(findings,
			"filter %s has F=R: mail is refused "
			"while the daemon is not there; F=T makes it "
			"wait",
			us->name);
		return;
	}
	find_error(findings,
		"filter %s has no F=T: a lost connection would "
		"let mail through in clear",
		us->name);
}

static void
check_times(const struct xfilter *us, struct findings *findings)
{
	if (us->read_seconds < NEEDED_READ_SECONDS)
		find_error(findings,
			"filter %s has R:%lds: smime-milter "
			"speaks up every 5 s during long work; T=S:30s;"
			"R:60s;E:10m is good",
			us->name, us->read_seconds);
	else if (us->read_seconds < 3 * NEEDED_READ_SECONDS)
		find_warning(findings,
			"filter %s waits %ld s for an answer "
			"(R): a busy machine may need more; T=S:30s;"
			"R:60s;E:10m is good",
			us->name, us->read_seconds);
	if (us->end_seconds < NEEDED_END_SECONDS)
		find_warning(findings,
			"filter %s has %ld s for a whole mail "
			"(E): large mail may need more; T=S:30s;R:60s;"
			"E:10m is good",
			us->name, us->end_seconds);
}

/* Sendmail does not start when others may write to the socket's folder. */
static void
check_folder(const struct conf *conf, struct findings *findings)
{
	struct endpoint ours;
	struct stat st;
	char *slash;

	endpoint_from_milter(conf->listen.socket, &ours);
	slash = ours.path != NULL ? strrchr(ours.path, '/') : NULL;
	if (slash != NULL && slash != ours.path) {
		*slash = '\0';
		if (stat(ours.path, &st) == 0 && (st.st_mode & 0022) != 0)
			find_error(findings,
				"%s is writable for group or "
				"others: Sendmail does not start with a "
				"filter there (chmod go-w)",
				ours.path);
	}
	endpoint_clear(&ours);
}

static void
check_rules(const struct sendmail *sendmail, const struct conf *conf,
	struct findings *findings)
{
	const struct gateway *gateway = conf->gateway;
	const struct sign_rule *rule = rules_need_sender_login(gateway);
	double ours = (double)gateway->limits.message_bytes;

	if (rule != NULL)
		find_warning(findings,
			"sign rule %s believes MAIL FROM of "
			"users who are logged in, and Sendmail lets them "
			"write any: every user can sign as a colleague; "
			"from_must_be = \"login\" in the rule prevents "
			"it",
			rule->rule.name);
	rule = rules_shut_out_localhost(gateway);
	if (rule != NULL)
		find_warning(findings,
			"sign rule %s does not name 127.0.0.1 "
			"in clients: mail from the sendmail command "
			"comes from there and is not signed",
			rule->rule.name);
	if (rules_layers(gateway) != 0 &&
		(sendmail->max_bytes == 0 || sendmail->max_bytes > ours))
		find_warning(findings,
			"MaxMessageSize is %.0f (0: none), "
			"limits.message %.0f: larger mail cannot be "
			"protected, and `otherwise` of its rule decides",
			sendmail->max_bytes, ours);
}

int
sendmail_check(const char *file, const struct conf *conf,
	struct findings *findings, struct error *err)
{
	struct sendmail sendmail = { 0 };
	const struct xfilter *us;
	int result = -1;

	findings->file = file;
	if (read_cf(&sendmail, file, err) != 0)
		goto out;
	us = find_us(&sendmail, conf);
	if (us == NULL) {
		find_error(findings,
			"no filter has our socket (%s): no mail "
			"comes to smime-milter; add INPUT_MAIL_FILTER to "
			"the .mc file",
			conf->listen.socket);
	} else {
		check_place(&sendmail, us, findings);
		check_flag(us, findings);
		check_times(us, findings);
	}
	check_folder(conf, findings);
	check_rules(&sendmail, conf, findings);
	result = 1;
out:
	findings->file = NULL;
	sendmail_clear(&sendmail);
	return result;
}
