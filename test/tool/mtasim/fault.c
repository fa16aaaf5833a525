#include "fault.h"

#include <dirent.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int
trial_fail(struct trial *trial, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(trial->why, sizeof(trial->why), format, args);
	va_end(args);
	return -1;
}

int
trial_open(struct trial *trial, struct session *session)
{
	struct result result;

	if (session_open(session, trial->socket, 20000, &result) == 0)
		return 0;
	session_close(session, false);
	return trial_fail(trial, "no session: %.200s", result.text);
}

int
trial_mail(struct trial *trial, struct session *session)
{
	struct result result;
	char why[160];
	int failed = 0;

	session_mail(session, &trial->alive, &result);
	if (result.status != SIM_ACCEPT)
		failed = trial_fail(trial, "a normal mail got %s: %.200s",
			status_name(result.status), result.text);
	else if (trial->want_signed &&
		 signature_check(&result.after, trial->alive.mail_from, NULL, 0,
			 true, why) != SIGNATURE_OURS)
		failed = trial_fail(trial, "a normal mail: %s", why);
	result_clear(&result);
	return failed;
}

int
trial_alive(struct trial *trial)
{
	struct session session;
	int failed = trial_open(trial, &session);

	if (failed)
		return failed;
	failed = trial_mail(trial, &session);
	session_close(&session, true);
	return failed;
}

/* ---- descriptors ---- */

static int
entries_of(int pid)
{
	char path[40];
	DIR *folder;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if (!(folder = opendir(path)))
		return 0;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static int
parent_of(int pid)
{
	char path[40], line[300];
	const char *after;
	FILE *file;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!(file = fopen(path, "r")))
		return 0;
	if (fgets(line, sizeof(line), file) && (after = strrchr(line, ')')) &&
		strlen(after) > 4)
		parent = atoi(after + 4);
	fclose(file);
	return parent;
}

int
trial_descriptors(const struct trial *trial)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	int count = entries_of(trial->pid);

	while (folder && (entry = readdir(folder))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && parent_of(pid) == trial->pid)
			count += entries_of(pid);
	}
	if (folder)
		closedir(folder);
	return count;
}

static int
all_given_back(struct trial *trial, int baseline)
{
	double end = now_seconds() + 15;
	int now;

	if (!trial->pid)
		return 0;
	while ((now = trial_descriptors(trial)) > baseline) {
		if (now_seconds() > end)
			return trial_fail(trial,
				"%d descriptors open, %d before", now,
				baseline);
		sleep_ms(20);
	}
	return 0;
}

/* ---- one after the other ---- */

static const struct fault *const tables[] = { stage_faults, packet_faults,
	mail_faults };

static int
try_one(struct trial *trial, const struct fault *fault, int baseline)
{
	int failed = fault->run(trial, fault);

	if (!failed)
		failed = trial_alive(trial);
	if (!failed)
		failed = all_given_back(trial, baseline);
	printf("%s %s%s%s\n", failed ? "FAILED" : "ok", fault->name,
		failed ? ": " : "", failed ? trial->why : "");
	fflush(stdout);
	return failed;
}

static int
run(struct trial *trial, const char *name)
{
	const struct fault *fault;
	unsigned passed = 0, failed = 0, skipped = 0;
	int baseline;
	size_t i;

	if (trial_alive(trial) < 0 || trial_alive(trial) < 0) {
		printf("FAILED before any fault: %s\n", trial->why);
		return 1;
	}
	sleep_ms(200);
	baseline = trial_descriptors(trial);
	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (fault = tables[i]; fault->name; fault++) {
			if (strcmp(name, "all") && strcmp(name, fault->name))
				continue;
			if (try_one(trial, fault, baseline))
				failed++;
			else
				passed++;
		}
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed || !passed;
}

static int
usage(void)
{
	const struct fault *fault;
	size_t i;

	fputs("usage: mtasim fault -s SOCKET -f SENDER -t RCPT [--signed]\n"
	      "  [--pid DAEMON] [--silence SECONDS] [--limit OCTETS] "
	      "NAME|all\n",
		stderr);
	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (fault = tables[i]; fault->name; fault++)
			fprintf(stderr, "  %s\n", fault->name);
	return SIM_USAGE;
}

static void
make_mail(struct trial *trial)
{
	static const char text[] = "a mail that must be served\r\n";
	char value[300];

	snprintf(value, sizeof(value), " %s", trial->alive.mail_from);
	message_append(&trial->message, "From", value);
	snprintf(value, sizeof(value), " %s", trial->rcpt);
	message_append(&trial->message, "To", value);
	message_append(&trial->message, "Subject", " alive");
	message_add_body(&trial->message, text, sizeof(text) - 1);
	trial->alive.message = &trial->message;
	trial->alive.rcpts = &trial->rcpt;
	trial->alive.rcpt_count = 1;
}

int
fault_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "signed", no_argument, NULL, 'g' },
		{ "pid", required_argument, NULL, 'p' },
		{ "silence", required_argument, NULL, 'w' },
		{ "limit", required_argument, NULL, 'l' },
		{ 0 },
	};
	static struct trial trial = { .silence_seconds = 1 };
	int option, status;

	job_init(&trial.alive);
	while ((option = getopt_long(argc, argv, "s:f:t:", options, NULL)) !=
		-1)
		switch (option) {
		case 's':
			trial.socket = optarg;
			break;
		case 'f':
			trial.alive.mail_from = optarg;
			break;
		case 't':
			trial.rcpt = optarg;
			break;
		case 'g':
			trial.want_signed = true;
			break;
		case 'p':
			trial.pid = atoi(optarg);
			break;
		case 'w':
			trial.silence_seconds = (unsigned)atoi(optarg);
			break;
		case 'l':
			trial.limit_bytes = strtoul(optarg, NULL, 10);
			break;
		default:
			return usage();
		}
	if (!trial.socket || !trial.rcpt || !trial.alive.mail_from ||
		optind + 1 != argc)
		return usage();
	make_mail(&trial);
	status = run(&trial, argv[optind]);
	message_clear(&trial.message);
	return status;
}
