#include "courier.h"

/* Postfix slows down, and then sends away, who says RSET a hundred times and
 * brings no mail (smtpd_junk_command_limit). */
enum { ASKS_MAX = 50 };

/* Another host's time is not ours: others may work meanwhile. */
static void
leave_place(struct courier_job *job)
{
	if (job->placed)
		budget_end_work(job->budget);
	job->placed = false;
}

static void
take_place(struct courier_job *job)
{
	job->placed = budget_begin_work(
		job->budget, job->settings.keep_working, job->settings.arg);
}

static int
open_session(struct courier_job *job, struct error *err)
{
	if (job->asks >= ASKS_MAX) {
		net_submit_close(job->session);
		job->session = NULL;
		job->asks = 0;
	}
	if (job->session != NULL)
		return 0;
	return net_submit_open(&job->settings, &job->session, err);
}

static enum submit_result
carry(struct courier_job *job, struct submit_mail *mail, struct error *err,
	enum submit_result (*how)(struct submit_session *session,
		struct submit_mail *mail, struct error *err))
{
	enum submit_result result = SUBMIT_LATER;

	leave_place(job);
	if (open_session(job, err) == 0)
		result = how(job->session, mail, err);
	take_place(job);
	return result;
}

static enum submit_result
ask(void *self, struct submit_mail *mail, struct error *err)
{
	struct courier_job *job = self;
	enum submit_result result = carry(self, mail, err, net_submit_ask);

	job->asks++;
	return result;
}

static enum submit_result
send_copy(void *self, struct submit_mail *mail, struct error *err)
{
	return carry(self, mail, err, net_submit_send);
}

void
courier_begin(struct courier_job *job, struct filter *filter,
	struct watch_job *watch, bool placed)
{
	const struct conf_reinject *reinject = &filter->conf->reinject;

	*job = (struct courier_job){
		.courier = { .ask = ask, .send = send_copy, .self = job },
		.settings = { .uri = reinject->uri,
			.start_tls = reinject->start_tls,
			.ca_file = reinject->ca_file,
			.login = reinject->login,
			.password = reinject->password,
			.timeout_seconds = reinject->timeout_seconds,
			.keep_working = watch_keep_working,
			.arg = watch },
		.budget = &filter->budget,
		.placed = placed,
	};
}

bool
courier_end(struct courier_job *job)
{
	net_submit_close(job->session);
	job->session = NULL;
	return job->placed;
}
