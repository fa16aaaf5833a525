/* smimectl ca revoke and ca crl. */
#include <stdio.h>
#include <string.h>

#include "authority.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "mta.h"
#include "output.h"

enum { LIST_MAX_BYTES = 256 << 20, FILE_MODE = 0644, DAYS_MAX = 3650 };

/* ---- the list ---- */

static const char *
list_path(const struct ca *ca, char **own)
{
	const struct ca_settings *settings = ca_settings(ca);

	*own = mem_printf("%s/crl.der", settings->path);
	return settings->crl_file != NULL ? settings->crl_file : *own;
}

static int
call_command(const struct ca *ca)
{
	const struct ca_settings *settings = ca_settings(ca);
	char *own = NULL;
	const char *const argv[] = { settings->crl_command, list_path(ca, &own),
		NULL };
	struct buf out = { 0 };
	struct error err = { 0 };
	int status = 0, code = CTL_YES;

	if (settings->crl_command == NULL) {
		code = CTL_YES;
	} else if (run_program(argv, &out, &status, &err) != 0) {
		code = ctl_trouble(&err);
	} else if (status != 0) {
		ctl_complain("%s: ended with exit code %d; the list is in %s",
			settings->crl_command, status, argv[1]);
		code = CTL_TROUBLE;
	}
	buf_clear(&out);
	mem_free(own);
	return code;
}

int
authority_make_crl(struct ca *ca, unsigned days)
{
	struct error err = { 0 };

	if (ca_crl(ca, days, &err) != 0)
		return ctl_trouble(&err);
	return call_command(ca);
}

/* ---- revoke ---- */

static int
revoke_word(struct ca *ca, const char *word, int reason, json_t *array)
{
	struct list found = { 0 };
	const struct ca_entry *entry;
	int code = authority_find(ca, word, &found);
	bool any = false;

	LIST_FOREACH (entry, &found) {
		struct error err = { 0 };
		bool is_meant =
			found.count == 1 ||
			(reason == CA_UNHELD
					? entry->revoked != 0 &&
						  entry->reason == CA_HELD
					: ca_entry_state(entry, clock_now()) ==
						  CA_VALID);

		if (!is_meant)
			continue;
		any = true;
		if (ca_revoke(ca, entry, reason, &err) != 0) {
			ctl_complain("%s", err.text);
			code = err.kind == ERROR_CONFIG ? CTL_NO : CTL_TROUBLE;
		} else if (array != NULL) {
			json_array_append_new(
				array, authority_entry_json(entry));
		} else {
			authority_entry_print(entry);
		}
	}
	if (found.count != 0 && !any) {
		ctl_complain("%s: no certificate is valid any more", word);
		code = CTL_NO;
	}
	list_clear(&found, NULL);
	return code;
}

static int
read_reason(const struct request *request, int *out)
{
	const char *name = request_option(request, "--reason");

	*out = ca_reason_from_name(name != NULL ? name : "unspecified");
	if (*out >= 0)
		return CTL_YES;
	return ctl_usage("there is no reason \"%s\": it is keyCompromise, "
			 "affiliationChanged, superseded, "
			 "cessationOfOperation, certificateHold, "
			 "removeFromCRL, privilegeWithdrawn or unspecified",
		name);
}

int
command_ca_revoke(const struct request *request)
{
	bool list = request_option(request, "--no-crl") == NULL;
	struct authority authority = { 0 };
	json_t *array = request->json ? json_array() : NULL;
	const char *word;
	int reason, code = read_reason(request, &reason), made;

	if (code == CTL_YES)
		code = authority_open(request,
			list ? AUTHORITY_UNLOCKED : AUTHORITY_LOCKED,
			&authority);
	if (code == CTL_YES) {
		LIST_FOREACH (word, &request->words) {
			int one =
				revoke_word(authority.ca, word, reason, array);

			code = ctl_worse(one, code);
		}
		made = list && ca_has_acted(authority.ca)
			       ? authority_make_crl(authority.ca, 0)
			       : CTL_YES;
		code = ctl_worse(made, code);
	}
	if (array != NULL)
		json_answer(array);
	authority_close(&authority);
	return code;
}

/* ---- crl ---- */

static int
import(struct ca *ca, const char *path)
{
	struct buf bytes = { 0 };
	struct error err = { 0 };
	size_t added = 0;
	int code = CTL_YES;

	if (file_read(path, LIST_MAX_BYTES, &bytes, &err) != 0) {
		code = ctl_trouble(&err);
	} else if (ca_crl_import(ca, buf_span(&bytes), &added, &err) != 0) {
		ctl_complain("%s: %s", path, err.text);
		code = err.kind == ERROR_SYSTEM ? CTL_TROUBLE : CTL_NO;
	} else {
		ctl_complain("%s: %zu revocations are taken over", path, added);
	}
	buf_clear(&bytes);
	return code;
}

static int
copy(const struct ca *ca, const char *to)
{
	char *own = NULL;
	const char *path = list_path(ca, &own);
	struct buf bytes = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	if (file_read(path, LIST_MAX_BYTES, &bytes, &err) != 0 ||
		output_write(to, buf_span(&bytes), FILE_MODE, &err) != 0)
		code = ctl_trouble(&err);
	buf_clear(&bytes);
	mem_free(own);
	return code;
}

static int
crl_of(const struct request *request, const struct conf *conf,
	const struct ca_settings *settings, unsigned days, json_t *array)
{
	bool if_due = request_option(request, "--if-due") != NULL;
	const char *from = request_option(request, "--import");
	const char *to = request_option(request, "-o");
	struct ca *ca = NULL;
	int code = authority_open_settings(settings, AUTHORITY_LOCKED, &ca);
	bool due =
		code == CTL_YES && (!if_due || ca_crl_is_due(ca, clock_now()));

	if (due) {
		ca_close(ca);
		ca = NULL;
		code = authority_open_settings(
			settings, AUTHORITY_UNLOCKED, &ca);
	}
	if (code == CTL_YES && from != NULL)
		code = import(ca, from);
	if (code == CTL_YES && due)
		code = authority_make_crl(ca, days);
	if (code == CTL_YES && to != NULL)
		code = copy(ca, to);
	if (array != NULL)
		json_array_append_new(array,
			json_pack("{s:s,s:b,s:b}", "ca", settings->name, "made",
				due && code == CTL_YES, "ok", code == CTL_YES));
	else if (code == CTL_YES && due)
		printf("authority %s: a new revocation list is made\n",
			settings->name);
	authority_close_ca(conf, ca);
	return code;
}

int
command_ca_crl(const struct request *request)
{
	bool all = request_option(request, "--if-due") != NULL &&
		   request_option(request, "--ca") == NULL;
	json_t *array = request->json ? json_array() : NULL;
	const struct ca_settings *settings = NULL;
	struct conf *conf = NULL;
	unsigned days = 0;
	int code = authority_number(request, "--days", 0, DAYS_MAX, &days);

	if (code == CTL_YES && ctl_load_settings(request, &conf, &code) == 0 &&
		!all)
		code = authority_choose(request, conf, &settings);
	if (code == CTL_YES && !all)
		code = crl_of(request, conf, settings, days, array);
	if (code == CTL_YES && all)
		LIST_FOREACH (settings, &conf->authorities) {
			int one = crl_of(request, conf, settings, days, array);

			code = ctl_worse(one, code);
		}
	if (array != NULL)
		json_answer(array);
	conf_free(conf);
	return code;
}
