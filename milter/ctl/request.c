/* The command line becomes a struct request. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ctl.h"

static const struct option_row global_options[] = {
	{ "-c", "FILE", "the configuration file" },
	{ "--json", NULL, "answer in JSON" },
	{ 0 },
};

static const char *
printable(const char *text)
{
	return text != NULL ? text : "";
}

void
ctl_complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fflush(stdout);
	fputs("smimectl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

void
ctl_print_event(enum event_kind kind UNUSED, const char *text)
{
	ctl_complain("%s", text);
}

int
ctl_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("smimectl: ", stderr);
	vfprintf(stderr, format, args);
	fputs(" (smimectl help says more)\n", stderr);
	va_end(args);
	return CTL_USAGE;
}

int
ctl_trouble(const struct error *err)
{
	ctl_complain("%s", err->text);
	return CTL_TROUBLE;
}

int
ctl_worse(int one, int other)
{
	return one > other ? one : other;
}

/*
 * Does the argument name this option?  *value is what is glued to it
 * ("-fADDR", "--client=ADDR"), or NULL.
 */
static bool
names_option(
	const char *argument, const struct option_row *row, const char **value)
{
	size_t len = strlen(row->name);
	bool is_long = strncmp(row->name, "--", 2) == 0;

	*value = NULL;
	if (strncmp(argument, row->name, len) != 0)
		return false;
	if (argument[len] == '\0')
		return true;
	if (row->argument == NULL || (is_long && argument[len] != '='))
		return false;
	*value = argument + len + (is_long ? 1 : 0);
	return true;
}

static const struct option_row *
find_option(
	const char *argument, const struct option_row *rows, const char **value)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		if (names_option(argument, rows, value))
			return rows;
	return NULL;
}

static bool
is_word_of(const char *name, const char *first, const char *second)
{
	const char *blank = strchr(name, ' ');

	if (blank == NULL)
		return strcmp(name, first) == 0;
	return strlen(first) == (size_t)(blank - name) &&
	       strncmp(name, first, strlen(first)) == 0 && second != NULL &&
	       strcmp(blank + 1, second) == 0;
}

/* How many words of the command line are the command's name; 0: none. */
static int
find_command(int argc, char **argv, const struct command **out)
{
	const char *second = argc > 1 ? argv[1] : NULL;

	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
		return find_command(1, (char *[]){ (char[]){ "help" } }, out);
	if (strcmp(argv[0], "--version") == 0)
		return find_command(
			1, (char *[]){ (char[]){ "version" } }, out);
	for (const struct command *c = commands; c->name != NULL; c++) {
		if (!is_word_of(c->name, argv[0], second))
			continue;
		*out = c;
		return strchr(c->name, ' ') != NULL ? 2 : 1;
	}
	return 0;
}

static void
keep_option(struct request *request, const struct option_row *row,
	const char *value)
{
	struct given *given = mem_alloc(sizeof(*given));

	given->row = row;
	given->value = printable(value);
	list_add(&request->options, given);
	if (strcmp(row->name, "-c") == 0)
		request->conf_path = given->value;
	else if (strcmp(row->name, "--json") == 0)
		request->json = true;
}

/* One argument that is an option; *at is moved on to its last word. */
static int
take_option(int argc, char **argv, int *at, struct request *request)
{
	const struct command *command = request->command;
	const struct option_row *row;
	const char *value;

	row = find_option(argv[*at], command ? command->options : NULL, &value);
	if (row == NULL)
		row = find_option(argv[*at], global_options, &value);
	if (row == NULL) {
		ctl_usage("%s%sthere is no option %s",
			command ? command->name : "", command ? ": " : "",
			argv[*at]);
		return -1;
	}
	if (row->argument != NULL && value == NULL) {
		if (*at + 1 >= argc) {
			ctl_usage("%s needs a %s", row->name, row->argument);
			return -1;
		}
		value = argv[++*at];
	}
	keep_option(request, row, value);
	return 0;
}

static bool
is_option(const char *argument)
{
	return argument[0] == '-' && argument[1] != '\0';
}

static int
take_all(int argc, char **argv, struct request *request)
{
	bool options_end = false;

	for (int i = 1; i < argc; i++) {
		int words = 0;

		if (!options_end && strcmp(argv[i], "--") == 0) {
			options_end = true;
			continue;
		}
		if (request->command == NULL)
			words = find_command(
				argc - i, argv + i, &request->command);
		if (words != 0) {
			i += words - 1;
		} else if (!options_end && is_option(argv[i])) {
			if (take_option(argc, argv, &i, request) != 0)
				return -1;
		} else if (request->command == NULL) {
			ctl_usage("there is no command \"%s\"", argv[i]);
			return -1;
		} else {
			list_add(&request->words, argv[i]);
		}
	}
	return 0;
}

static int
judge(const struct request *request)
{
	const struct command *command = request->command;

	if (command == NULL) {
		ctl_usage("which command?");
		return -1;
	}
	if (request->words.count < command->words_min ||
		request->words.count > command->words_max) {
		ctl_usage("usage: smimectl %s %s", command->name,
			command->arguments);
		return -1;
	}
	if (request->json && !command->json) {
		ctl_usage("%s has no --json form", command->name);
		return -1;
	}
	return 0;
}

int
request_parse(int argc, char **argv, struct request *out)
{
	*out = (struct request){ .conf_path = CONF_DEFAULT_PATH };
	if (take_all(argc, argv, out) != 0)
		return -1;
	return judge(out);
}

void
request_clear(struct request *request)
{
	list_clear(&request->options, mem_free);
	list_clear(&request->words, NULL);
}

const char *
request_option(const struct request *request, const char *name)
{
	const char *value = NULL;
	const struct given *given;

	LIST_FOREACH (given, &request->options)
		if (strcmp(given->row->name, name) == 0)
			value = given->value;
	return value;
}

const char *
request_word(const struct request *request, size_t index)
{
	return index < request->words.count ? request->words.item[index] : NULL;
}
