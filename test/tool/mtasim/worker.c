/* One connection after the other, mail after mail. */
#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RETRIES_MAX = 600, RETRY_MS = 50 };

static bool
take_mail(struct load *load, unsigned *number)
{
	bool more;

	pthread_mutex_lock(&load->lock);
	more = load->taken < load->mails &&
	       (!load->end || now_seconds() < load->end) &&
	       (!load->until || access(load->until, F_OK));
	*number = load->taken;
	if (more)
		load->taken++;
	pthread_mutex_unlock(&load->lock);
	return more;
}

static void
note_latency(struct worker *worker, double seconds)
{
	if (worker->latency_count == worker->latency_room) {
		worker->latency_room = worker->latency_room * 2 + 1024;
		worker->latencies = must(realloc(worker->latencies,
			worker->latency_room * sizeof(double)));
	}
	worker->latencies[worker->latency_count++] = seconds;
}

static void
complain(struct worker *worker, enum count count, const char *sender,
	const char *why)
{
	worker->counts[count]++;
	if (!*worker->complaint)
		snprintf(worker->complaint, sizeof(worker->complaint),
			"%.60s: %.130s", sender, why);
}

static void
check_signature(struct worker *worker, const struct kind *kind,
	const struct result *result, unsigned number)
{
	struct load *load = worker->load;
	bool fully = load->verify_every && number % load->verify_every == 0;
	enum signature got;
	char why[160];

	if (!load->check_signer) {
		const char *type =
			message_field(&result->after, "Content-Type");

		if (result->body_replaced && type && strcasestr(type, "signed"))
			worker->counts[COUNT_SIGNED]++;
		else
			complain(worker, COUNT_UNSIGNED, kind->sender,
				"not signed");
		return;
	}
	got = signature_check(&result->after, kind->sender, load->senders,
		load->kind_count, fully, why);
	worker->counts[COUNT_VERIFIED] += fully;
	if (got == SIGNATURE_OURS && result->body_replaced)
		worker->counts[COUNT_SIGNED]++;
	else
		complain(worker,
			got == SIGNATURE_WRONG ? COUNT_WRONG_SIGNER
					       : COUNT_UNSIGNED,
			kind->sender, why);
}

static void
judge_accepted(struct worker *worker, const struct kind *kind,
	const struct result *result, unsigned number, const char *serial)
{
	const struct message *after = &result->after;

	if (kind->expect == EXPECT_SIGNED) {
		check_signature(worker, kind, result, number);
		if (kind->serial && worker->load->check_signer &&
			(!after->body_length ||
				!memmem(after->body, after->body_length, serial,
					25)))
			complain(worker, COUNT_MIXED_UP, kind->sender,
				"the body is not the mail's own");
	} else if (kind->expect == EXPECT_ENCRYPTED) {
		if (result->body_replaced && message_is_encrypted(after))
			worker->counts[COUNT_ENCRYPTED]++;
		else
			complain(worker, COUNT_UNSIGNED, kind->sender,
				"not encrypted");
	} else if (kind->expect == EXPECT_PLAIN && result->body_replaced) {
		complain(worker, COUNT_WRONG_SIGNER, kind->sender,
			"changed, though it was to stay as it is");
	}
}

static void
judge(struct worker *worker, const struct kind *kind,
	const struct result *result, unsigned number, const char *serial)
{
	static const enum count counts[] = {
		[SIM_REJECT] = COUNT_REJECTED,
		[SIM_TEMPFAIL] = COUNT_TEMPFAILED,
		[SIM_HELD] = COUNT_HELD,
		[SIM_VIOLATION] = COUNT_VIOLATIONS,
		[SIM_IO] = COUNT_IO_ERRORS,
	};

	worker->counts[COUNT_MAILS]++;
	if (result->status == SIM_ACCEPT)
		judge_accepted(worker, kind, result, number, serial);
	else
		complain(worker, counts[result->status], kind->sender,
			result->text);
}

/* Connected or not: it must be, or result says why not. */
static int
be_connected(struct worker *worker, struct session *session, bool *open,
	struct result *result)
{
	if (*open)
		return 0;
	if (session_open(session, worker->load->socket,
		    (int)worker->load->timeout_ms, result) < 0) {
		session_close(session, false);
		return -1;
	}
	session->random = worker->number;
	*open = true;
	return 0;
}

/* The mail as this number's own. */
static void
make_job(const struct load *load, const struct kind *kind, struct message *own,
	const char *serial, struct job *job)
{
	job_init(job);
	if (kind->serial) {
		own->body = must(malloc(own->body_length));
		memcpy(own->body, kind->message.body, own->body_length);
		memcpy(own->body, serial, 25);
	}
	job->message = own;
	job->mail_from = kind->sender;
	job->rcpts = (const char *const *)kind->rcpts;
	job->rcpt_count = kind->rcpt_count;
	job->login = kind->login;
	job->pause_ms = load->pause_ms;
	job->headers_only = !load->check_signer;
	if (kind->client || kind->login) {
		job->client = kind->client ? kind->client : "192.0.2.1";
		job->port = 1025;
	}
}

static void
one_mail(struct worker *worker, struct session *session, bool *open,
	unsigned number)
{
	struct load *load = worker->load;
	struct kind *kind = load->kinds + number % load->kind_count;
	struct message own = kind->message;
	struct result result;
	struct job job;
	char serial[26], id[32];
	unsigned tries = 0;

	snprintf(serial, sizeof(serial), "serial %016u\r\n", number);
	snprintf(id, sizeof(id), "L%u", number);
	make_job(load, kind, &own, serial, &job);
	job.queue_id = id;
	for (;;) {
		double start = now_seconds();

		if (be_connected(worker, session, open, &result) == 0) {
			session_mail(session, &job, &result);
			note_latency(worker, now_seconds() - start);
		}
		if (*open && result.status >= SIM_VIOLATION) {
			session_close(session, false);
			*open = false;
		}
		if (!load->retry || tries++ == RETRIES_MAX ||
			(result.status != SIM_IO &&
				result.status != SIM_TEMPFAIL))
			break;
		worker->counts[COUNT_RETRIED]++;
		result_clear(&result);
		sleep_ms(RETRY_MS);
	}
	judge(worker, kind, &result, number, serial);
	result_clear(&result);
	if (kind->serial)
		free(own.body);
}

void *
load_worker(void *arg)
{
	struct worker *worker = arg;
	struct session session;
	unsigned number, served = 0;
	bool open = false;

	while (take_mail(worker->load, &number)) {
		one_mail(worker, &session, &open, number);
		if (open && ++served % worker->load->per_connection == 0) {
			session_close(&session, true);
			open = false;
		}
	}
	if (open)
		session_close(&session, true);
	return NULL;
}
