/* smimectl test: what would happen to this mail, and why. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trial.h"

static int
put_to_file(void *self, struct span bytes, struct error *err)
{
	if (fwrite(bytes.data, 1, bytes.len, self) == bytes.len)
		return 0;
	return error_set(err, ERROR_SYSTEM, "%s", strerror(errno));
}

/* What is in a mail is nobody else's business. */
static FILE *
open_result(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

/*
 * Not through a file beside it: FILE may be a pipe or /dev/stdout.  A mail
 * that would not be delivered is not written.
 */
int
trial_write(const struct trial *trial, const char *path)
{
	struct error err = { 0 };
	struct sink sink = { .put = put_to_file };
	int result;

	if (trial->outcome.verdict > VERDICT_QUARANTINE) {
		ctl_complain(
			"%s is not written: there is no resulting mail", path);
		return CTL_YES;
	}
	sink.self = open_result(path);
	if (sink.self == NULL) {
		ctl_complain("%s: %s", path, strerror(errno));
		return CTL_TROUBLE;
	}
	if (trial->outcome.body_changed || trial->outcome.edits.count != 0)
		result = outcome_write_message(
			&trial->outcome, &trial->mail, &sink, &err);
	else
		result = sink_put(&sink, buf_span(&trial->message), &err);
	if (fclose(sink.self) != 0 && result == 0)
		result = error_set(&err, ERROR_SYSTEM, "%s", strerror(errno));
	if (result != 0)
		ctl_complain("%s: %s", path, err.text);
	return result == 0 ? CTL_YES : CTL_TROUBLE;
}

static int
test_one(const struct request *request, const struct conf *conf)
{
	const char *path = request_option(request, "-o");
	struct trial trial;
	int code, written = CTL_YES;

	trial_init(&trial, conf->gateway);
	code = trial_from_request(&trial, request);
	if (code != CTL_YES)
		goto out;
	trial_run(&trial, conf->gateway);
	if (request->json)
		explain_json(&trial);
	else
		explain_text(&trial, conf);
	code = trial.outcome.verdict == VERDICT_ACCEPT ? CTL_YES : CTL_NO;
	if (path != NULL)
		written = trial_write(&trial, path);
out:
	trial_clear(&trial);
	return written == CTL_YES ? code : written;
}

/* --all knows its own mails; a MESSAGE and its options make no sense there. */
static int
judge_words(const struct request *request)
{
	bool all = request_option(request, "--all") != NULL;
	const struct given *given;

	if (!all && request->words.count == 0)
		return ctl_usage("test needs a MESSAGE (\"-\" is standard "
				 "input), or --all");
	if (!all)
		return CTL_YES;
	if (request->words.count != 0)
		return ctl_usage("test --all takes no MESSAGE");
	LIST_FOREACH (given, &request->options)
		if (strchr("fto", given->row->name[1]) != NULL ||
			strcmp(given->row->name, "--auth") == 0 ||
			strcmp(given->row->name, "--client") == 0)
			return ctl_usage(
				"test --all takes no %s", given->row->name);
	return CTL_YES;
}

int
command_test(const struct request *request)
{
	struct conf *conf = NULL;
	int code = judge_words(request);

	if (code != CTL_YES)
		return code;
	if (ctl_load(request, &conf, &code) != 0)
		return code;
	code = request_option(request, "--all") != NULL
		       ? test_all(request, conf)
		       : test_one(request, conf);
	conf_free(conf);
	return code;
}
