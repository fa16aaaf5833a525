/*
 * What comes in, whole: any bytes as a mail through gateway_process(), with a
 * rule that delivers as it is and one that takes everything off.  Only one
 * text was ever signed with the sender's key (test/fuzz/inbound/make.sh), so
 * that whatever else passes is a forgery; a mail that was not opened keeps its
 * body; and what was opened is an entity.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define FOLDER "test/fuzz/inbound/"
#define MUST(condition) must(condition, #condition)

enum { FILE_LIMIT_BYTES = 1 << 20 };

static const char signed_text[] =
	"Content-Type: text/plain\n\nOnly this was signed.\n";
/* No client is barred, and no decryption costs the fuzzer the next one. */
static const char rules[] =
	"listen = \"unix:/unused\"; state = \"/unused\";\n"
	"stores = ( { name = \"all\"; type = \"file\"; path = \"%s\"; } );\n"
	"trust = { anchors = \"%s\"; revocation = \"off\"; };\n"
	"inbound = ( { recipient = \"reader@fuzz.example\"; keys = \"all\"; "
	"},\n"
	" { recipient = \"strip@fuzz.example\"; keys = \"all\";\n"
	"   keys_for = \"any\"; legacy = true; strip_signature = true; } );\n"
	"internal = \"*@fuzz.example\";\n"
	"report = { authserv_id = \"mx.fuzz.example\"; subject_tags = true; "
	"};\n";

/* A file of its own, which nobody else may read; path is a template. */
static void
write_private(char *path, struct span bytes)
{
	int fd = mkstemp(path);

	MUST(fd >= 0);
	MUST(write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len);
	close(fd);
}

static struct conf *
load(void)
{
	char keys[] = "/tmp/inbound-fuzz-XXXXXX";
	char path[] = "/tmp/inbound-fuzz-XXXXXX";
	struct buf bytes = { 0 };
	struct list problems = { 0 };
	struct problem *problem;
	struct conf *conf = NULL;
	char *anchors = realpath(FOLDER "ca.pem", NULL), *text;

	MUST(file_read(FOLDER "keys.pem", FILE_LIMIT_BYTES, &bytes, NULL) == 0);
	write_private(keys, buf_span(&bytes));
	MUST(anchors != NULL);
	text = mem_printf(rules, keys, anchors);
	write_private(path, span_string(text));
	if (conf_load(path, true, &conf, &problems) != 0) {
		LIST_FOREACH (problem, &problems)
			fprintf(stderr, "%s\n", problem->text);
		abort();
	}
	unlink(keys);
	unlink(path);
	list_clear(&problems, problem_free);
	buf_clear(&bytes);
	mem_free(text);
	free(anchors);
	return conf;
}

/* Whatever ends its lines. */
static bool
is_signed_text(struct span content)
{
	size_t at = 0;

	for (size_t i = 0; i < content.len; i++)
		if (content.data[i] != '\r' &&
			content.data[i] != (unsigned char)signed_text[at++])
			return false;
	return at == strlen(signed_text);
}

/* Where the last layer is what passed, its content is at hand. */
static void
check_pass(const struct inbound_report *report)
{
	const struct inbound_layer *last;

	MUST(report->layers.count != 0 && report->identifier != NULL);
	last = report->layers.item[report->layers.count - 1];
	if (last->encrypted || last->verdict != INBOUND_PASS)
		return;
	if (last->parts.content.data != NULL)
		MUST(is_signed_text(last->parts.content));
	else if (last->cms.content.len != 0)
		MUST(is_signed_text(last->cms.content));
}

static void
check_layers(const struct inbound_report *report)
{
	const struct inbound_layer *layer;
	bool opened = false;

	LIST_FOREACH (layer, &report->layers) {
		MUST(layer->encrypted || !layer->opened);
		MUST(!layer->envelope.authenticated || !layer->opened ||
			layer->vouched_for);
		opened = opened || layer->opened;
	}
	MUST(opened == report->decrypted);
	if (report->verdict == INBOUND_PASS)
		check_pass(report);
}

/* came: the entity as it was handed in. */
static void
check_entity(const struct outcome *outcome, const struct mail *mail,
	struct span came)
{
	const struct inbound_report *report = &outcome->inbound;
	struct span entity = buf_span(&mail->entity);
	struct error err;

	MUST(outcome->body_changed == (report->decrypted || report->stripped) ||
		outcome->verdict != VERDICT_ACCEPT);
	if (!report->decrypted && !report->stripped)
		MUST(span_equal(entity, came));
	else
		MUST(smime_check_plaintext(entity, &err) == 0);
}

static void
deliver(const struct gateway *gateway, const char *recipient, struct span bytes)
{
	struct mail mail;
	struct outcome outcome;
	struct buf came = { 0 }, result = { 0 };
	struct sink sink = buf_sink(&result);
	struct error err;

	mail_init(&mail, FILE_LIMIT_BYTES);
	mail.client.local = true;
	outcome_init(&outcome);
	MUST(mail_set_sender(&mail, SPAN("<sender@fuzz.example>"), &err) == 0);
	MUST(mail_add_recipient(&mail, span_string(recipient), &err) == 0);
	if (mail_from_message(&mail, bytes, &err) != 0)
		goto out;
	MUST(buf_add_span(&came, buf_span(&mail.entity), &err) == 0);
	gateway_process(gateway, &mail, NULL, &outcome);
	MUST(outcome_write_message(&outcome, &mail, &sink, &err) == 0);
	check_layers(&outcome.inbound);
	check_entity(&outcome, &mail, buf_span(&came));
out:
	outcome_clear(&outcome);
	mail_clear(&mail);
	buf_clear(&came);
	buf_clear(&result);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct conf *conf;

	if (conf == NULL)
		conf = load();
	deliver(conf->gateway, "<reader@fuzz.example>", span_of(data, size));
	deliver(conf->gateway, "<strip@fuzz.example>", span_of(data, size));
	return 0;
}
