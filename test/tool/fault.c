/*
 * fault CONF MESSAGE FROM RCPT OUTDIR [N]: every allocation of the whole
 * process fails once, one after the other, while a mail goes its way.  A child
 * per try: it may give up (abort with a word, the MTA tries again) or say
 * tempfail; what it accepts goes to OUTDIR/N.eml and is for others to judge: it
 * is signed and encrypted, or came in by an inbound rule.
 * Anything else is counted as a failure.  With N: the N-th alone and without a
 * child, for a debugger.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "crypto/crypto.h"
#include "gateway/gateway.h"

enum { TRIES_MAX = 200000, MESSAGE_MAX = 1 << 20 };
enum {
	ACCEPTED,
	TEMPFAILED = 10,
	REFUSED,
	NOT_PROTECTED,
	NOT_WRITTEN,
	NEVER_FAILED
};

static long countdown;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const int armed = 0; /* the sanitizer has its own allocator */
#else
static const int armed = 1;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static int
is_due(void)
{
	return countdown > 0 && --countdown == 0;
}

void *
malloc(size_t size)
{
	return is_due() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return is_due() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return is_due() ? NULL : __libc_realloc(old, size);
}
#endif

static int
write_all(void *self, struct span bytes, struct error *err)
{
	(void)err;
	return fwrite(bytes.data, 1, bytes.len, self) == bytes.len ? 0 : -1;
}

/* In the child: the n-th allocation fails.  The exit status says what came. */
static int
try_once(const struct gateway *gateway, struct mail *mail, long n,
	const char *path)
{
	const struct gateway_run run = { 0 };
	struct outcome outcome;
	struct error err = { 0 };
	struct sink sink = { .put = write_all };

	outcome_init(&outcome);
	countdown = n;
	gateway_process(gateway, mail, &run, &outcome);
	if (countdown > 0)
		return NEVER_FAILED;
	if (outcome.verdict == VERDICT_TEMPFAIL)
		return TEMPFAILED;
	if (outcome.verdict != VERDICT_ACCEPT) {
		printf("allocation %ld: %s: %s\n", n,
			verdict_name(outcome.verdict), outcome.error.text);
		fflush(stdout);
		return REFUSED;
	}
	if (outcome.inbound.rule == NULL &&
		(!outcome.signed_ || !outcome.encrypted))
		return NOT_PROTECTED;
	sink.self = fopen(path, "w");
	if (sink.self == NULL ||
		outcome_write_message(&outcome, mail, &sink, &err) != 0 ||
		fclose(sink.self) != 0)
		return NOT_WRITTEN;
	return ACCEPTED;
}

struct tally {
	long accepted, tempfailed, gave_up, wrong;
};

/* 1 to go on, 0 when the allocation no longer exists. */
static int
count_child(int status, long n, struct tally *tally)
{
	/* SIGTRAP: GLib gives up so. */
	if (WIFSIGNALED(status) &&
		(WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGTRAP)) {
		tally->gave_up++;
	} else if (WIFSIGNALED(status)) {
		printf("allocation %ld: killed by signal %d\n", n,
			WTERMSIG(status));
		tally->wrong++;
	} else if (WEXITSTATUS(status) == NEVER_FAILED) {
		return 0;
	} else if (WEXITSTATUS(status) == ACCEPTED) {
		tally->accepted++;
	} else if (WEXITSTATUS(status) == TEMPFAILED) {
		tally->tempfailed++;
	} else {
		if (WEXITSTATUS(status) != REFUSED)
			printf("allocation %ld: %s\n", n,
				WEXITSTATUS(status) == NOT_PROTECTED
					? "accepted without protection"
					: "the result could not be written");
		tally->wrong++;
	}
	return 1;
}

static int
try_all(const struct gateway *gateway, struct mail *mail, const char *out)
{
	struct tally tally = { 0 };
	char path[1024];
	int status, more = 1;
	pid_t pid;

	for (long n = 1; more && n <= TRIES_MAX; n++) {
		snprintf(path, sizeof(path), "%s/%ld.eml", out, n);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			if (freopen("/dev/null", "w", stderr) == NULL)
				_exit(NOT_WRITTEN);
			_exit(try_once(gateway, mail, n, path));
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 2;
		more = count_child(status, n, &tally);
	}
	printf("%ld accepted, %ld tempfailed, %ld gave up, %ld wrong\n",
		tally.accepted, tally.tempfailed, tally.gave_up, tally.wrong);
	return tally.wrong != 0 || tally.tempfailed == 0;
}

static int
prepare(char **argv, struct conf **conf, struct mail *mail, struct buf *text)
{
	struct list problems = { 0 };
	struct error err = { 0 };

	if (conf_load(argv[1], true, conf, &problems) != 0 ||
		file_read(argv[2], MESSAGE_MAX, text, &err) != 0 ||
		mail_from_message(mail, buf_span(text), &err) != 0 ||
		mail_set_sender(mail, span_string(argv[3]), &err) != 0 ||
		mail_add_recipient(mail, span_string(argv[4]), &err) != 0) {
		fprintf(stderr, "fault: %s\n",
			err.text[0] != '\0' ? err.text : "the configuration");
		return -1;
	}
	mail->client.local = true;
	return 0;
}

int
main(int argc, char **argv)
{
	struct conf *conf = NULL;
	struct mail mail;
	struct buf text;

	crypto_watch_memory();
	if (argc != 6 && argc != 7) {
		fprintf(stderr, "usage: fault CONF MESSAGE FROM RCPT OUTDIR "
				"[N]\n");
		return 2;
	}
	if (!armed) {
		puts("fault: a sanitizer has its own allocator");
		return 0;
	}
	mail_init(&mail, MESSAGE_MAX);
	buf_init(&text, MESSAGE_MAX);
	if (prepare(argv, &conf, &mail, &text) != 0)
		return 2;
	if (argc == 7)
		return try_once(
			conf->gateway, &mail, atol(argv[6]), "/dev/stdout");
	return try_all(conf->gateway, &mail, argv[5]);
}
