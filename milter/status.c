/* How the daemon is: for people, for programs, for monitoring. */
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "metric/metric.h"
#include "parent.h"

/* Gauges are the sum over all workers; a dead one's share is gone with it. */
static void
set_gauges(const struct parent *parent)
{
	int64_t sessions = 0, mails = 0, bytes = 0;
	const struct child *child;

	LIST_FOREACH (child, &parent->children) {
		sessions += child->tally->sessions;
		mails += child->tally->mails_in_work;
		bytes += child->tally->bytes;
	}
	metric_add(METRIC_SESSIONS_OPEN,
		sessions - metric_get(METRIC_SESSIONS_OPEN));
	metric_add(
		METRIC_MAILS_IN_WORK, mails - metric_get(METRIC_MAILS_IN_WORK));
	metric_add(METRIC_BYTES_BUFFERED,
		bytes - metric_get(METRIC_BYTES_BUFFERED));
}

int
status_print_metrics(struct parent *parent, struct buf *out, struct error *err)
{
	set_gauges(parent);
	return metric_print(out, err);
}

static size_t
count_draining(const struct parent *parent)
{
	return parent->children.count - (parent->serving != NULL) -
	       (parent->starting != NULL);
}

static long
serving_pid(const struct parent *parent)
{
	return parent->serving != NULL ? (long)parent->serving->pid : 0;
}

static int
print_numbers(struct buf *out, const char *format, struct error *err)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const char *name = metric_name((enum metric)i);
		int64_t value = metric_get((enum metric)i);
		int failed;

		if (*format == 'j')
			failed = buf_add_format(
				out, err, ",\n  \"%s\": %" PRId64, name, value);
		else
			failed = value != 0 &&
				 buf_add_format(out, err, "%-18s %" PRId64 "\n",
					 name, value);
		if (failed)
			return -1;
	}
	return 0;
}

static void
read_concerns(const struct parent *parent, struct list *lines)
{
	if (parent->serving != NULL)
		concerns_read(&parent->serving->tally->concerns, lines);
}

static int
print_concerns(const struct parent *parent, struct buf *out, struct error *err)
{
	struct list lines = { 0 };
	const char *line;
	int failed = 0;

	read_concerns(parent, &lines);
	LIST_FOREACH (line, &lines)
		failed =
			failed || buf_add_format(out, err,
					  "to look at         %s\n", line) != 0;
	list_clear(&lines, mem_free);
	return failed ? -1 : 0;
}

/* The journal of copies: what it holds, or why it cannot be read. */
static int
print_journal(const struct parent *parent, struct buf *out, struct error *err)
{
	const struct gateway *gateway = parent->conf->gateway;
	struct journal_summary journal;
	struct error why;

	if (!gateway->split.on)
		return 0;
	if (gateway_journal_summary(gateway, &journal, &why) != 0)
		return buf_add_format(
			out, err, "copies             %s\n", why.text);
	return buf_add_format(out, err,
		"copies             sent to %zu recipients%s%s, %zu without an "
		"answer, %zu forgotten within a day\n",
		journal.sent, journal.since[0] != '\0' ? " since " : "",
		journal.since, journal.begun, journal.ending);
}

static int
print_journal_json(
	const struct parent *parent, struct buf *out, struct error *err)
{
	struct journal_summary journal;

	if (!parent->conf->gateway->split.on ||
		gateway_journal_summary(
			parent->conf->gateway, &journal, NULL) != 0)
		return buf_add_string(out, ",\n  \"journal\": null", err);
	return buf_add_format(out, err,
		",\n  \"journal\": { \"sent\": %zu, \"unanswered\": %zu, "
		"\"since\": \"%s\", \"ending\": %zu }",
		journal.sent, journal.begun, journal.since, journal.ending);
}

int
status_print(struct parent *parent, struct buf *out, struct error *err)
{
	char started[CLOCK_TEXT_SIZE], loaded[CLOCK_TEXT_SIZE];

	set_gauges(parent);
	clock_format(parent->started, started);
	clock_format(parent->loaded, loaded);
	if (buf_add_format(out, err,
		    "version            %s\n"
		    "parent             %ld, since %s\n"
		    "worker             %ld\n"
		    "finishing workers  %zu\n"
		    "listen             %s\n"
		    "configuration      %s, read %s\n"
		    "log level          %s\n",
		    SMIME_MILTER_VERSION, (long)getpid(), started,
		    serving_pid(parent), count_draining(parent),
		    parent->conf->listen.socket, parent->conf->path, loaded,
		    log_level_name(log_level())) != 0 ||
		print_numbers(out, "text", err) != 0 ||
		print_journal(parent, out, err) != 0 ||
		print_concerns(parent, out, err) != 0)
		return -1;
	if (parent->last_refusal == NULL)
		return 0;
	return buf_add_format(
		out, err, "last reload refused:\n%s", parent->last_refusal);
}

/* A JSON string (RFC 8259 7). */
static int
print_quoted(struct buf *out, const char *text, struct error *err)
{
	if (buf_add(out, "\"", 1, err) != 0)
		return -1;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 32 ? buf_add_format(out, err, "\\u%04x", c)
			   : ((c == '"' || c == '\\') &&
				     buf_add(out, "\\", 1, err) != 0) ||
					buf_add(out, text, 1, err) != 0)
			return -1;
	}
	return buf_add(out, "\"", 1, err);
}

static int
print_field(
	struct buf *out, const char *name, const char *text, struct error *err)
{
	if (buf_add_format(out, err, ",\n  \"%s\": ", name) != 0)
		return -1;
	return text == NULL ? buf_add_string(out, "null", err)
			    : print_quoted(out, text, err);
}

static int
print_concerns_json(
	const struct parent *parent, struct buf *out, struct error *err)
{
	struct list lines = { 0 };
	int failed = buf_add_string(out, ",\n  \"concerns\": [", err);

	read_concerns(parent, &lines);
	for (size_t i = 0; failed == 0 && i < lines.count; i++)
		if ((i != 0 && buf_add_string(out, ", ", err) != 0) ||
			print_quoted(out, lines.item[i], err) != 0)
			failed = -1;
	list_clear(&lines, mem_free);
	return failed != 0 ? -1 : buf_add_string(out, "]", err);
}

int
status_print_json(struct parent *parent, struct buf *out, struct error *err)
{
	char started[CLOCK_TEXT_SIZE], loaded[CLOCK_TEXT_SIZE];

	set_gauges(parent);
	clock_format(parent->started, started);
	clock_format(parent->loaded, loaded);
	if (buf_add_format(out, err,
		    "{\n  \"parent\": %ld,\n  \"worker\": %ld,\n"
		    "  \"finishing_workers\": %zu",
		    (long)getpid(), serving_pid(parent),
		    count_draining(parent)) != 0 ||
		print_field(out, "version", SMIME_MILTER_VERSION, err) != 0 ||
		print_field(out, "started", started, err) != 0 ||
		print_field(out, "configuration", parent->conf->path, err) !=
			0 ||
		print_field(out, "loaded", loaded, err) != 0 ||
		print_field(out, "listen", parent->conf->listen.socket, err) !=
			0 ||
		print_field(out, "log_level", log_level_name(log_level()),
			err) != 0 ||
		print_field(out, "last_refusal", parent->last_refusal, err) !=
			0 ||
		print_concerns_json(parent, out, err) != 0 ||
		print_journal_json(parent, out, err) != 0 ||
		print_numbers(out, "json", err) != 0)
		return -1;
	return buf_add_string(out, "\n}\n", err);
}
