/* Which authority, who asks, and the passphrase. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "authority.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

enum { PASSPHRASE_MAX = 1024 };

char *
authority_who(void)
{
	const struct passwd *entry = getpwuid(getuid());
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const char *name = entry != NULL ? entry->pw_name : NULL;
	char *number = mem_printf("%ld", (long)getuid());
	char *who = mem_printf("%s%s%s%s", name != NULL ? name : number,
		sudo ? "(" : "", sudo ? sudo : "", sudo ? ")" : "");

	mem_free(number);
	return who;
}

int
authority_choose(const struct request *request, const struct conf *conf,
	const struct ca_settings **out)
{
	const char *wanted = request_option(request, "--ca");
	const struct ca_settings *settings;

	*out = NULL;
	if (conf->authorities.count == 0)
		return ctl_usage("the configuration has no authority (ca)");
	LIST_FOREACH (settings, &conf->authorities)
		if (wanted != NULL ? strcmp(settings->name, wanted) == 0
				   : settings->is_default ||
					     conf->authorities.count == 1)
			*out = settings;
	if (*out != NULL)
		return CTL_YES;
	if (wanted != NULL)
		return ctl_usage("there is no authority \"%s\"", wanted);
	return ctl_usage("which of the authorities?  --ca says it, or "
			 "default = true");
}

/* ---- the passphrase ---- */

static int
read_line(int tty, const char *prompt, char text[PASSPHRASE_MAX])
{
	size_t len = 0;

	(void)!write(tty, prompt, strlen(prompt));
	while (len < PASSPHRASE_MAX - 1) {
		ssize_t got = read(tty, text + len, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		if (text[len] == '\n')
			break;
		len++;
	}
	text[len] = '\0';
	(void)!write(tty, "\n", 1);
	return 0;
}

/* Without echo. */
static int
ask(int tty, const char *name, bool twice, char **out)
{
	char first[PASSPHRASE_MAX] = "", second[PASSPHRASE_MAX] = "";
	char *prompt = mem_printf("Passphrase of authority %s: ", name);
	struct termios was, silent;
	int code = CTL_TROUBLE;

	if (tcgetattr(tty, &was) != 0)
		goto out;
	silent = was;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(tty, TCSAFLUSH, &silent) != 0)
		goto out;
	if (read_line(tty, prompt, first) == 0 &&
		(!twice || read_line(tty, "Once more: ", second) == 0))
		code = CTL_YES;
	tcsetattr(tty, TCSAFLUSH, &was);
	if (code == CTL_YES && twice && strcmp(first, second) != 0)
		code = ctl_usage("the two passphrases are not the same");
	if (code == CTL_YES)
		*out = mem_string(first);
out:
	mem_wipe(first, sizeof(first));
	mem_wipe(second, sizeof(second));
	mem_free(prompt);
	return code;
}

int
authority_password(const struct ca_settings *settings, bool twice, char **out)
{
	struct error err = { 0 };
	int tty, code;

	*out = NULL;
	if (settings->password_file != NULL)
		return file_read_password(settings->password_file, out, &err) ==
				       0
			       ? CTL_YES
			       : ctl_trouble(&err);
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0)
		return ctl_usage("authority %s: its passphrase stands in no "
				 "password_file, and there is no terminal to "
				 "ask",
			settings->name);
	code = ask(tty, settings->name, twice, out);
	close(tty);
	return code;
}

/* ---- opened ---- */

int
authority_open_settings(const struct ca_settings *settings,
	enum authority_how how, struct ca **out)
{
	char *password = NULL, *who = authority_who();
	struct error err = { 0 };
	int code = CTL_YES;

	if (ca_open(settings, who, out, &err) != 0)
		code = ctl_trouble(&err);
	else if (how == AUTHORITY_UNLOCKED)
		code = authority_password(settings, false, &password);
	if (code == CTL_YES && how == AUTHORITY_UNLOCKED &&
		ca_unlock(*out, password, &err) != 0)
		code = ctl_trouble(&err);
	mem_free_secret(password);
	mem_free(who);
	return code;
}

int
authority_open(const struct request *request, enum authority_how how,
	struct authority *out)
{
	int code;

	*out = (struct authority){ 0 };
	if (ctl_load_settings(request, &out->conf, &code) != 0)
		return code;
	code = authority_choose(request, out->conf, &out->settings);
	if (code == CTL_YES)
		code = authority_open_settings(out->settings, how, &out->ca);
	return code;
}

void
authority_close_ca(const struct conf *conf, struct ca *ca)
{
	char *seal = ca != NULL ? ca_seal(ca) : NULL;

	if (seal != NULL) {
		log_open(conf->log_target, conf->log_facility);
		log_set_level(LOG_LEVEL_INFO);
		log_info("smimectl: %s", seal);
	}
	mem_free(seal);
	ca_close(ca);
}

void
authority_close(struct authority *authority)
{
	authority_close_ca(authority->conf, authority->ca);
	conf_free(authority->conf);
}

static int
open_one(struct authorities *all, const struct ca_settings *settings)
{
	struct authority *one = mem_alloc(sizeof(*one));
	int code;

	*one = (struct authority){ .conf = all->conf, .settings = settings };
	code = authority_open_settings(settings, AUTHORITY_UNLOCKED, &one->ca);
	if (code == CTL_YES) {
		list_add(&all->each, one);
		return code;
	}
	authority_close_ca(all->conf, one->ca);
	mem_free(one);
	return code;
}

int
authority_open_all(
	const struct request *request, bool all, struct authorities *out)
{
	const struct ca_settings *settings;
	int code, one;

	*out = (struct authorities){ 0 };
	if (ctl_load_settings(request, &out->conf, &code) != 0)
		return code;
	if (!all || request_option(request, "--ca") != NULL ||
		out->conf->authorities.count == 0) {
		code = authority_choose(request, out->conf, &settings);
		return code == CTL_YES ? open_one(out, settings) : code;
	}
	out->whole = true;
	LIST_FOREACH (settings, &out->conf->authorities) {
		one = open_one(out, settings);
		code = ctl_worse(one, code);
	}
	return code;
}

void
authority_close_all(struct authorities *authorities)
{
	struct authority *one;

	LIST_FOREACH (one, &authorities->each)
		authority_close_ca(authorities->conf, one->ca);
	list_clear(&authorities->each, mem_free);
	conf_free(authorities->conf);
}

/* ---- what is asked for ---- */

int
authority_number(const struct request *request, const char *option,
	unsigned fallback, unsigned most, unsigned *out)
{
	const char *text = request_option(request, option);
	unsigned long value = fallback;
	char *end = NULL;

	if (text != NULL)
		value = strtoul(text, &end, 10);
	if (text != NULL && (*text < '0' || *text > '9' || *end != '\0' ||
				    value < 1 || value > most))
		return ctl_usage("%s: \"%s\" is no number from 1 to %u", option,
			text, most);
	*out = (unsigned)value;
	return CTL_YES;
}

int
authority_find(const struct ca *ca, const char *word, struct list *out)
{
	size_t before = out->count;

	ca_find(ca, word, out);
	if (out->count != before)
		return CTL_YES;
	ctl_complain("authority %s has issued no certificate %s",
		ca_settings(ca)->name, word);
	return CTL_NO;
}
