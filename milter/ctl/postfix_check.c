/* Postfix: does every mail come to us, and none past us? */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "postfix.h"

struct look {
	struct postfix postfix;
	const struct conf *conf;
	struct endpoint ours;
	struct findings *findings;
	const char *queue;	 /* queue_directory */
	char *main, *master;	 /* the files */
	unsigned smtpds, served; /* services, and those that come to us */
};

static const char *
value(const struct look *look, const struct service *service, const char *name)
{
	return postfix_value(&look->postfix, service, name);
}

/* Which of the filters are we?  -1: none. */
static long
find_us(const struct look *look, const struct list *filters, bool chrooted)
{
	for (size_t i = 0; i < filters->count; i++) {
		const struct filter *filter = filters->item[i];
		struct endpoint one;
		bool same;

		endpoint_from_postfix(
			filter->text, look->queue, chrooted, &one);
		same = endpoint_equal(&one, &look->ours);
		endpoint_clear(&one);
		if (same)
			return (long)i;
	}
	return -1;
}

/* What a chrooted service ought to say instead. */
static void
complain_of_chroot(const struct look *look, const char *where)
{
	const char *path = look->ours.path;
	size_t len = strlen(look->queue);

	if (path != NULL && strncmp(path, look->queue, len) == 0 &&
		path[len] == '/')
		find_error(look->findings,
			"%s: the service runs chrooted in "
			"%s and cannot reach %s by that name; write "
			"unix:%s, which works with and without chroot",
			where, look->queue, path, path + len + 1);
	else
		find_error(look->findings,
			"%s: the service runs chrooted in "
			"%s and cannot reach %s; put the socket below that "
			"folder (listen.socket)",
			where, look->queue, path ? path : "our socket");
}

static void
check_default_action(const struct look *look, const struct service *service,
	const char *where, const struct filter *filter)
{
	const char *action = value(look, service, "milter_default_action");
	const char *own = filter->settings != NULL
				  ? strstr(filter->settings, "default_action")
				  : NULL;

	if (own != NULL) {
		own += strlen("default_action");
		action = own + strspn(own, " =");
	}
	if (strncmp(action, "tempfail", 8) == 0)
		return;
	if (strncmp(action, "accept", 6) == 0)
		find_error(look->findings,
			"%s: milter_default_action is "
			"accept: a lost connection would let mail through "
			"in clear; it must be tempfail",
			where);
	else if (strncmp(action, "quarantine", 10) == 0)
		find_error(look->findings,
			"%s: milter_default_action is "
			"quarantine: a lost connection would leave "
			"half-changed mail in the hold queue; it must be "
			"tempfail",
			where);
	else
		find_warning(look->findings,
			"%s: milter_default_action is "
			"%.40s: mail is refused while the daemon is not "
			"there; tempfail makes it wait",
			where, action);
}

/* 1 ours is among the milters, 0 not. */
static int
check_filters(const struct look *look, const struct service *service,
	const char *setting)
{
	struct list filters = { 0 };
	char *where = mem_printf(
		"%s of %s", setting, service != NULL ? service->id : "main.cf");
	bool chrooted = service != NULL && service->chrooted;
	long ours;

	postfix_filters(value(look, service, setting), &filters);
	ours = find_us(look, &filters, chrooted);
	if (ours < 0 && chrooted && find_us(look, &filters, false) >= 0) {
		complain_of_chroot(look, where);
		ours = find_us(look, &filters, false);
	}
	if (ours >= 0) {
		check_default_action(look, service, where, filters.item[ours]);
		check_order(look->findings, where, &filters, (size_t)ours);
		find_note(look->findings, "%s has our socket", where);
	}
	list_clear(&filters, filter_free);
	mem_free(where);
	return ours >= 0;
}

static bool
has_word(const char *text, const char *word)
{
	return strstr(text, word) != NULL;
}

static bool
takes_our_users(const struct service *service)
{
	static const char *const names[] = { "submission/", "submissions/",
		"smtps/", "587/", "465/" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strncmp(service->id, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void
check_smtpd(struct look *look, const struct service *service)
{
	bool off = has_word(
		value(look, service, "receive_override_options"), "no_milters");

	look->smtpds++;
	if (off) {
		find_note(look->findings, "%s runs no milters (no_milters)",
			service->id);
		return;
	}
	if (check_filters(look, service, "smtpd_milters")) {
		look->served++;
		return;
	}
	if (takes_our_users(service))
		find_error(look->findings,
			"%s: our socket is not in its "
			"smtpd_milters: mail submitted there passes "
			"unprotected",
			service->id);
	else
		find_warning(look->findings,
			"%s: our socket is not in its "
			"smtpd_milters: mail that comes in there passes "
			"unprotected",
			service->id);
}

static void
check_services(struct look *look)
{
	const struct service *service;
	bool cleanup = false;

	LIST_FOREACH (service, &look->postfix.services) {
		if (postfix_is_smtpd(service))
			check_smtpd(look, service);
		if (strcmp(service->command, "cleanup") != 0 || cleanup)
			continue;
		cleanup = true;
		if (!check_filters(look, service, "non_smtpd_milters"))
			find_error(look->findings,
				"our socket is not in "
				"non_smtpd_milters: mail from the sendmail "
				"command passes unprotected");
	}
	if (look->served == 0)
		find_error(look->findings,
			"our socket (%s) is not in "
			"smtpd_milters: no mail comes to smime-milter",
			look->conf->listen.socket);
	if (look->served > 1 && *value(look, NULL, "content_filter") != '\0')
		find_warning(look->findings,
			"content_filter is set and %u "
			"services bring mail to smime-milter: a mail may "
			"come twice; give the one that takes it back "
			"-o receive_override_options=no_milters, or the "
			"one before the filter -o smtpd_milters=",
			look->served);
}

/* ---- sizes ---- */

static double
limit_of(const struct look *look, const struct service *service)
{
	return strtod(value(look, service, "message_size_limit"), NULL);
}

static const struct service *
first(const struct look *look, const char *command)
{
	const struct service *service;

	LIST_FOREACH (service, &look->postfix.services)
		if (strcmp(service->command, command) == 0)
			return service;
	return NULL;
}

/*
 * smtpd takes mail up to its limit, cleanup refuses the grown mail above its
 * own: 552 for good, although the milter did all it could.
 */
static void
check_sizes(const struct look *look)
{
	unsigned layers = rules_layers(look->conf->gateway);
	double ours = (double)look->conf->gateway->limits.message_bytes;
	double most = limit_of(look, first(look, "cleanup"));
	double taken = 0;
	const struct service *service;

	LIST_FOREACH (service, &look->postfix.services) {
		double limit = limit_of(look, service);

		if (!postfix_is_smtpd(service))
			continue;
		if (limit == 0 || limit > ours)
			limit = ours;
		taken = limit > taken ? limit : taken;
	}
	if (layers != 0 && most != 0 && most < grown_bytes(taken, layers))
		find_warning(look->findings,
			"message_size_limit is %.0f: "
			"mail of more than about %.0f bytes grows above "
			"it when it is protected and is refused (552); "
			"set message_size_limit = %.0f, and -o "
			"message_size_limit=%.0f for the smtpd services "
			"in master.cf",
			most, most / grown_bytes(1, layers),
			grown_bytes(taken, layers), taken);
	if (most == 0 || most > grown_bytes(ours, layers))
		find_note(look->findings,
			"mail larger than limits.message "
			"(%.0f bytes) cannot be protected: `otherwise` of "
			"its rule decides",
			ours);
}

/* ---- senders ---- */

static bool
checks_senders(const struct look *look, const struct service *service)
{
	static const char *const lists[] = { "smtpd_client_restrictions",
		"smtpd_helo_restrictions", "smtpd_sender_restrictions",
		"smtpd_relay_restrictions", "smtpd_recipient_restrictions" };

	if (*value(look, service, "smtpd_sender_login_maps") == '\0')
		return false;
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const char *list = value(look, service, lists[i]);

		if (has_word(list, "reject_sender_login_mismatch") ||
			has_word(list,
				"reject_authenticated_sender_login_mismatch"))
			return true;
	}
	return false;
}

static void
check_senders(const struct look *look)
{
	const struct sign_rule *rule =
		rules_need_sender_login(look->conf->gateway);
	const struct service *service;

	LIST_FOREACH (service, &look->postfix.services) {
		if (rule == NULL || !postfix_is_smtpd(service) ||
			strcmp(value(look, service, "smtpd_sasl_auth_enable"),
				"yes") != 0 ||
			checks_senders(look, service))
			continue;
		find_warning(look->findings,
			"%s: sign rule %s believes MAIL "
			"FROM of users who are logged in, but Postfix "
			"lets them write any: every user can sign as a "
			"colleague; set smtpd_sender_login_maps and "
			"reject_sender_login_mismatch in "
			"smtpd_sender_restrictions, or from_must_be = "
			"\"login\" in the rule",
			service->id, rule->rule.name);
	}
}

/* ---- the rest ---- */

static void
check_running(const struct look *look)
{
	char *path = mem_printf("%s/pid/master.pid", look->queue);
	struct buf text = { 0 };
	long pid = 0;

	if (file_read(path, 64, &text, NULL) == 0 &&
		buf_add(&text, "", 1, NULL) == 0)
		pid = strtol((char *)text.data, NULL, 10);
	if (pid > 1 && (kill((pid_t)pid, 0) == 0 || errno == EPERM))
		find_note(look->findings, "Postfix is running");
	else
		find_note(look->findings, "Postfix is not running");
	buf_clear(&text);
	mem_free(path);
}

static void
check_odds(const struct look *look)
{
	long protocol = strtol(value(look, NULL, "milter_protocol"), NULL, 10);

	if (protocol != 0 && protocol < 6)
		find_error(look->findings,
			"milter_protocol is %ld: "
			"smime-milter needs 6",
			protocol);
	if (*value(look, NULL, "always_bcc") != '\0')
		find_warning(look->findings,
			"always_bcc is set: that "
			"recipient is added after smime-milter and gets "
			"encrypted mail he may not be able to read");
	if (*value(look, NULL, "smtpd_milter_maps") != '\0')
		find_warning(look->findings,
			"smtpd_milter_maps is set: for "
			"the clients it names it takes the place of "
			"smtpd_milters, and was not looked into");
	if (look->ours.path != NULL)
		check_socket_rights(look->findings, look->conf,
			value(look, NULL, "mail_owner"));
}

static void
look_at_all(struct look *look)
{
	const char *folder = value(look, NULL, "config_directory");

	look->queue = value(look, NULL, "queue_directory");
	look->main = mem_printf("%s/main.cf", folder);
	look->master = mem_printf("%s/master.cf", folder);
	endpoint_from_milter(look->conf->listen.socket, &look->ours);
	look->findings->file = look->main;
	check_running(look);
	check_services(look);
	check_sizes(look);
	check_odds(look);
	look->findings->file = look->master;
	check_senders(look);
}

int
postfix_check(const char *folder, const struct conf *conf,
	struct findings *findings, struct error *err)
{
	struct look look = { .conf = conf, .findings = findings };
	int there = postfix_read(&look.postfix, folder, err);

	if (there == 1)
		look_at_all(&look);
	findings->file = NULL;
	endpoint_clear(&look.ours);
	mem_free(look.main);
	mem_free(look.master);
	postfix_clear(&look.postfix);
	return there;
}
