/* smime-milter: the daemon's command line. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "background.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "parent.h"

static const char usage[] =
	"usage: smime-milter [-fhV] [-c FILE]\n"
	"  -c FILE  the configuration (" CONF_DEFAULT_PATH ")\n"
	"  -f       stay in the foreground\n"
	"  -h       this help\n"
	"  -V       the version\n";

/* A test aid, see below. */
#define DELAY_NAME "SMIME_MILTER_TEST_DELAY"

struct options {
	const char *conf_path;
	bool foreground;
	bool is_done; /* -h and -V have said all there is to say */
};

static int
read_options(int argc, char **argv, struct options *out)
{
	int option;

	*out = (struct options){ .conf_path = CONF_DEFAULT_PATH };
	while ((option = getopt(argc, argv, "c:fhV")) != -1) {
		switch (option) {
		case 'c':
			out->conf_path = optarg;
			break;
		case 'f':
			out->foreground = true;
			break;
		case 'h':
			fputs(usage, stdout);
			out->is_done = true;
			break;
		case 'V':
			puts("smime-milter " SMIME_MILTER_VERSION);
			out->is_done = true;
			break;
		default:
			fputs(usage, stderr);
			return -1;
		}
	}
	if (optind == argc)
		return 0;
	fputs(usage, stderr);
	return -1;
}

/*
 * For tests: "SECONDS:LOCALPART" makes mails from that local part slow, as a
 * directory that does not answer would.  Never for a daemon.
 */
static int
read_delay(bool foreground, struct delay *out)
{
	const char *text = getenv(DELAY_NAME);
	char *end;
	double seconds;

	*out = (struct delay){ 0 };
	if (text == NULL)
		return 0;
	seconds = strtod(text, &end);
	if (!foreground || *end != ':' || !(seconds >= 0 && seconds <= 60) ||
		strlen(end + 1) >= sizeof(out->local_part)) {
		fprintf(stderr, DELAY_NAME " is a test aid: SECONDS:LOCALPART, "
					   "with -f only\n");
		return -1;
	}
	out->ms = (unsigned)(seconds * 1000);
	strcpy(out->local_part, end + 1);
	return 0;
}

/* The daemon leaves this folder, and reads the file again when it reloads. */
static char *
absolute(const char *path)
{
	char here[PATH_MAX];

	if (path[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return mem_string(path);
	return mem_printf("%s/%s", here, path);
}

static struct conf *
load(const char *path)
{
	struct list problems = { 0 };
	const struct problem *problem;
	struct conf *conf = NULL;
	int failed = conf_load(path, false, &conf, &problems);

	/* Warnings come again from the worker, with those about stores. */
	LIST_FOREACH (problem, &problems) {
		char *text = problem_format(problem);

		if (failed && problem->kind == PROBLEM_ERROR) {
			fprintf(stderr, "%s\n", text);
			log_error("%s", text);
		}
		mem_free(text);
	}
	list_clear(&problems, problem_free);
	return failed ? NULL : conf;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct error err;
	struct delay delay;
	struct conf *conf;
	char *path;
	int report = -1;

	crypto_watch_memory();
	background_fill_standard();
	if (read_options(argc, argv, &options) != 0)
		return 2;
	if (options.is_done)
		return EXIT_SUCCESS;
	if (read_delay(options.foreground, &delay) != 0)
		return 2;
	/* Until the configuration says more. */
	log_open(LOG_TO_SYSLOG, LOG_MAIL);
	path = absolute(options.conf_path);
	conf = load(path);
	mem_free(path);
	if (conf == NULL)
		return EXIT_FAILURE;
	log_open(conf->log_target, conf->log_facility);
	if (!options.foreground && background_enter(&report, &err) != 0) {
		fprintf(stderr, "smime-milter: %s\n", err.text);
		conf_free(conf);
		return EXIT_FAILURE;
	}
	return parent_run(conf, report, &delay);
}
