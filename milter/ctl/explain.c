/* What became of a mail, for people. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"
#include "trial.h"

enum { EDIT_SHOWN = 60, LOG_LINE_MAX = 2048, SHA256_SHOWN = 16 };

static void
line(const char *name, const char *text)
{
	printf("  %-12s %s\n", name, text != NULL ? text : "-");
}

/* Senders choose what stands in a header: control characters are not shown. */
static void
print_safe(const char *text, size_t limit)
{
	for (size_t i = 0; text[i] != '\0' && i < limit; i++)
		putchar((unsigned char)text[i] < 32 || text[i] == 127
				? ' '
				: text[i]);
	if (strlen(text) > limit)
		printf("...");
}

static void
print_address(const char *name, const struct address *address)
{
	printf("  %-12s <", name);
	print_safe(address != NULL ? address->text : "", ADDR_MAX_BYTES);
	printf(">\n");
}

static void
print_client(const struct client *client)
{
	char text[INET6_ADDRSTRLEN] = "address unknown";
	const void *ip = &client->ip;

	if (client->local) {
		line("client", "local");
		return;
	}
	if (client->family == AF_INET)
		ip = client->ip.s6_addr + 12;
	if (client->family != 0)
		inet_ntop(client->family, ip, text, sizeof(text));
	printf("  %-12s %s, %s%s\n", "client", text,
		client->login ? "logged in as " : "no login",
		client->login ? client->login : "");
}

static void
print_mail(const struct mail *mail)
{
	const struct address *recipient;

	printf("mail\n");
	print_client(&mail->client);
	print_address("MAIL FROM", mail->mail_from);
	LIST_FOREACH (recipient, &mail->recipients)
		print_address("RCPT TO", recipient);
	if (mail->failure.kind != ERROR_NONE)
		line("not whole", mail->failure.text);
}

static void
print_trace(const struct trial *trial)
{
	const char *text;

	printf("steps\n");
	if (!trial->wanted)
		printf("  no rule is for this mail: accepted at the end of "
		       "its header, the body is not looked at\n");
	LIST_FOREACH (text, &trial->trace.lines)
		printf("  %s\n", text);
}

/* The certificate itself, to say whose it is. */
static struct cert *
find_cert(const struct conf *conf, const char *sha256)
{
	char *text = mem_printf("sha256:%s", sha256);
	struct cert_selector *selector = NULL;
	struct list found = { 0 };
	struct cert *cert = NULL;
	struct store *store;

	if (cert_selector_new(text, &selector, NULL) == 0)
		LIST_FOREACH (store, &conf->gateway->stores)
			if (store_find(store, NULL, selector, 0, &found,
				    NULL) != 0)
				break;
	if (found.count != 0)
		cert = cert_ref(found.item[0]);
	list_clear(&found, cert_unref);
	cert_selector_free(selector);
	mem_free(text);
	return cert;
}

static void
print_cert(const struct conf *conf, const char *sha256)
{
	struct cert *cert = find_cert(conf, sha256);
	char until[CLOCK_TEXT_SIZE], key[64];
	char *subject;

	if (cert == NULL)
		return;
	subject = cert_subject(cert);
	cert_key_text(cert, key, sizeof(key));
	clock_format(cert->not_after, until);
	printf("               %s, %s%s, until %s\n", subject, key,
		cert->key != NULL ? " with its key" : "", until);
	mem_free(subject);
	cert_unref(cert);
}

static void
print_candidates(const struct conf *conf, const struct list *candidates,
	const char *used)
{
	const struct candidate *candidate;

	LIST_FOREACH (candidate, candidates) {
		const char *what = candidate->refused;

		if (what == NULL)
			what = strcmp(candidate->sha256, used) == 0
				       ? "used"
				       : "usable, but another ranks before it";
		printf("  %-12s %.*s (%s): %s\n", "candidate", SHA256_SHOWN,
			candidate->sha256, candidate->source, what);
		print_cert(conf, candidate->sha256);
	}
}

static void
print_sign(const struct sign_report *sign, const struct conf *conf)
{
	printf("signature\n");
	line("rule",
		sign->rule != NULL ? sign->rule : "none matches the sender");
	print_candidates(conf, &sign->candidates, sign->certificate);
	if (sign->certificate[0] != '\0')
		line("certificate", sign->certificate);
	line("signed", sign->done ? "yes" : "no");
	if (sign->why != NULL)
		line("why", sign->why);
}

static void
print_recipient(const struct recipient_report *report, const struct conf *conf)
{
	printf("recipient <");
	print_safe(report->address, ADDR_MAX_BYTES);
	printf(">\n");
	line("rule", report->rule != NULL ? report->rule
					  : "none matches the recipient");
	print_candidates(conf, &report->candidates, report->certificate);
	if (report->certificate[0] != '\0')
		line("certificate", report->certificate);
	line("plan", plan_name(report->plan));
	if (report->why != NULL)
		line("why", report->why);
}

static void
print_copy(const struct outcome_copy *copy)
{
	const struct address *address;

	printf("copy\n");
	line("form", copy->rule != NULL ? "encrypted" : "clear");
	if (copy->rule != NULL)
		line("rule", copy->rule);
	LIST_FOREACH (address, &copy->recipients)
		print_address("for", address);
}

static void
print_edit(const struct edit *edit)
{
	static const char *const words[] = {
		[EDIT_REMOVE] = "remove",
		[EDIT_SET] = "set",
		[EDIT_ADD] = "add",
		[EDIT_CHANGE] = "change",
		[EDIT_INSERT] = "insert",
	};

	printf("  %-12s %s %s", "header", words[edit->kind], edit->name);
	if (edit->value != NULL) {
		printf(":");
		print_safe(edit->value, EDIT_SHOWN);
	}
	printf("\n");
}

static void
print_outcome(const struct trial *trial)
{
	const struct outcome *outcome = &trial->outcome;
	const struct edit *edit;
	char text[LOG_LINE_MAX];

	printf("outcome\n");
	line("verdict", verdict_name(outcome->verdict));
	if (outcome->reply != NULL)
		line("reply", outcome->reply);
	if (outcome->error.kind != ERROR_NONE)
		printf("  %-12s %s (%s)\n", "because", outcome->error.text,
			error_kind_name(outcome->error.kind));
	LIST_FOREACH (edit, &outcome->edits)
		print_edit(edit);
	if (outcome->body_changed)
		printf("  %-12s replaced, %zu bytes\n", "body",
			pieces_len(&outcome->body));
	else
		line("body", "unchanged");
	outcome_log_line(outcome, &trial->mail, 0, text, sizeof(text));
	line("log", text);
}

void
explain_text(const struct trial *trial, const struct conf *conf)
{
	const struct recipient_report *report;
	const struct outcome_copy *copy;

	print_mail(&trial->mail);
	print_trace(trial);
	if (conf->gateway->inbound_rules.count != 0)
		explain_inbound(&trial->outcome.inbound);
	print_sign(&trial->outcome.sign, conf);
	LIST_FOREACH (report, &trial->outcome.recipients)
		print_recipient(report, conf);
	LIST_FOREACH (copy, &trial->outcome.copies)
		print_copy(copy);
	print_outcome(trial);
}
