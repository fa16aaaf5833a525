/* One mail: what the milter makes of it. */
#include "mtasim.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct single {
	struct job job;
	const char *socket, *output;
	const char *rcpts[RCPTS_MAX];
	int timeout_ms;
	unsigned repeat;
	bool raw;
};

enum {
	O_CLIENT = 256,
	O_PORT,
	O_NO_ADDRESS,
	O_AUTH,
	O_MACRO,
	O_QUEUE_ID,
	O_SENDMAIL,
	O_REPLIES,
	O_RAW,
	O_CHUNK,
	O_WAIT,
	O_STOP,
	O_REPEAT,
	O_TIMEOUT
};

static const struct option options[] = {
	{ "client", required_argument, NULL, O_CLIENT },
	{ "port", required_argument, NULL, O_PORT },
	{ "no-address", no_argument, NULL, O_NO_ADDRESS },
	{ "auth", required_argument, NULL, O_AUTH },
	{ "macro", required_argument, NULL, O_MACRO },
	{ "queue-id", required_argument, NULL, O_QUEUE_ID },
	{ "sendmail-rules", no_argument, NULL, O_SENDMAIL },
	{ "replies", no_argument, NULL, O_REPLIES },
	{ "raw", no_argument, NULL, O_RAW },
	{ "chunk", required_argument, NULL, O_CHUNK },
	{ "wait", required_argument, NULL, O_WAIT },
	{ "stop", required_argument, NULL, O_STOP },
	{ "repeat", required_argument, NULL, O_REPEAT },
	{ "timeout", required_argument, NULL, O_TIMEOUT },
	{ 0 },
};

static int
usage(void)
{
	fputs("usage: mtasim -s SOCKET [-f MAILFROM] [-t RCPT]... [-o FILE]\n"
	      "  [--client ADDR] [--port N]  port 0, the default: submitted "
	      "locally\n"
	      "  [--no-address] [--auth LOGIN] [--queue-id ID]\n"
	      "  [--macro STAGE:NAME=VALUE] [--sendmail-rules] [--replies]\n"
	      "  [--raw]             line ends of MESSAGE as they are\n"
	      "  [--chunk OCTETS]    of body in a packet\n"
	      "  [--wait STAGE:FILE] before STAGE, until FILE is there\n"
	      "  [--stop STAGE]      abort there\n"
	      "  [--repeat N] [--timeout MS] MESSAGE\n"
	      "exit: 0 accept 1 reject 2 tempfail 3 quarantine, discard\n"
	      "  4 the milter broke the protocol 5 connection lost\n"
	      "mtasim load ..., mtasim fault ..., mtasim bare ...\n",
		stderr);
	return SIM_USAGE;
}

/* STAGE:REST */
static const char *
take_stage(const char *text, enum stage *stage)
{
	size_t length = strcspn(text, ":");

	*stage = stage_find(text, length);
	if (*stage >= STAGE_END || !text[length]) {
		fprintf(stderr, "mtasim: no stage in %s\n", text);
		exit(SIM_USAGE);
	}
	return text + length + 1;
}

static void
add_macro(struct job *job, char *text)
{
	struct macro *macro = job->macros + job->macro_count;
	char *name = (char *)take_stage(text, &macro->stage);
	char *equals = strchr(name, '=');

	if (!equals || job->macro_count == MACROS_MAX)
		exit(usage());
	*equals = 0;
	macro->name = name;
	macro->value = equals + 1;
	job->macro_count++;
}

static void
take_wait(struct job *job, const char *text)
{
	enum stage stage;
	const char *path = take_stage(text, &stage);

	job->wait[stage] = path;
}

static int
take_job_option(struct job *job, int option, char *value)
{
	switch (option) {
	case 'f':
		job->mail_from = value;
		break;
	case O_CLIENT:
		job->client = value;
		break;
	case O_PORT:
		job->port = (unsigned)atoi(value);
		break;
	case O_NO_ADDRESS:
		job->client = NULL;
		break;
	case O_AUTH:
		job->login = value;
		break;
	case O_MACRO:
		add_macro(job, value);
		break;
	case O_QUEUE_ID:
		job->queue_id = value;
		break;
	case O_SENDMAIL:
		job->rules = RULES_SENDMAIL;
		break;
	case O_REPLIES:
		job->replies = stdout;
		break;
	case O_CHUNK:
		job->chunk = strtoul(value, NULL, 10);
		break;
	case O_WAIT:
		take_wait(job, value);
		break;
	case O_STOP:
		job->stop_before = stage_find(value, strlen(value));
		break;
	default:
		return -1;
	}
	return 0;
}

static int
take_option(struct single *single, int option, char *value)
{
	switch (option) {
	case 's':
		single->socket = value;
		break;
	case 'o':
		single->output = value;
		break;
	case 't':
		if (single->job.rcpt_count == RCPTS_MAX)
			return -1;
		single->rcpts[single->job.rcpt_count++] = value;
		break;
	case O_RAW:
		single->raw = true;
		break;
	case O_REPEAT:
		single->repeat = (unsigned)atoi(value);
		break;
	case O_TIMEOUT:
		single->timeout_ms = atoi(value);
		break;
	default:
		return take_job_option(&single->job, option, value);
	}
	return 0;
}

static int
write_result(const struct single *single, const struct result *result)
{
	FILE *out;
	int failed;

	if (!single->output)
		return 0;
	out = fopen(single->output, "wb");
	failed = !out || message_write(&result->after, out) < 0;
	if (out && fclose(out))
		failed = 1;
	if (failed)
		perror(single->output);
	return failed;
}

/* The verdict is the last word: nothing may follow it. */
static void
listen_after(struct session *session, struct result *result)
{
	if (result->finished && wire_surprise(&session->wire, 50))
		session_fail(result, SIM_VIOLATION,
			"the milter spoke after its verdict");
}

static void
print_verdict(const struct result *result)
{
	if (result->stopped)
		puts("VERDICT stopped");
	else
		printf("VERDICT %s %s\n", status_name(result->status),
			result->text);
	fflush(stdout);
}

static void
run(struct single *single, struct result *result)
{
	struct session session;
	unsigned i;

	if (session_open(
		    &session, single->socket, single->timeout_ms, result) == 0)
		for (i = 0; i < single->repeat; i++) {
			if (i)
				result_clear(result);
			session_mail(&session, &single->job, result);
			listen_after(&session, result);
			print_verdict(result);
		}
	else
		print_verdict(result);
	session_close(&session, true);
}

int
single_main(int argc, char **argv)
{
	static struct single single;
	struct message message;
	struct result result;
	int option, status;

	job_init(&single.job);
	single.job.mail_from = "";
	single.job.rcpts = single.rcpts;
	single.timeout_ms = 30000;
	single.repeat = 1;
	while ((option = getopt_long(argc, argv, "s:f:t:o:", options, NULL)) !=
		-1)
		if (take_option(&single, option, optarg) < 0)
			return usage();
	if (!single.socket || optind + 1 != argc || !single.job.chunk ||
		single.job.stop_before > STAGE_END || !single.repeat)
		return usage();
	if (message_read(&message, argv[optind], single.raw) < 0)
		return SIM_USAGE;
	single.job.message = &message;
	run(&single, &result);
	status = (int)result.status;
	if (write_result(&single, &result))
		status = SIM_USAGE;
	result_clear(&result);
	message_clear(&message);
	return status;
}
