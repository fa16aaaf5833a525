#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <malloc.h>

#include "base/base64.h"
#include "base/mem.h"
#include "gateway_fixture.h"

enum { MIXES = 120, PEOPLE = 12, SEED = 20260131 };

static const char *const people[PEOPLE] = { "alice@example.com",
	"bob@example.com", "BOB@Example.com", "paula@partner.example",
	"petra@partner.example", "carol@example.com", "dave@example.com",
	"peter@partner.example", "clear@elsewhere.example",
	"other@elsewhere.example", "maybe@optional.example",
	"erin@example.com" };

#define RULES                                                                  \
	"mixed = \"split\"; reinject = { uri = \"smtp://127.0.0.1:1\"; };"     \
	"sign = ( { sender = \"alice@example.com\"; stores = \"all\"; } );"    \
	"encrypt = ("                                                          \
	" { recipient = \"*@optional.example\"; stores = \"all\";"             \
	"   otherwise = \"pass\"; },"                                          \
	" { recipient = \"paula@*\"; stores = \"all\"; otherwise = "           \
	"\"reject\";"                                                          \
	"   cipher = \"aes-128-gcm\"; },"                                      \
	" { recipient = [ \"*@example.com\", \"*@partner.example\" ];"         \
	"   stores = \"all\"; otherwise = \"reject\"; to_self = true; } );"

/* ---- what goes out ---- */

struct sent {
	struct list to; /* char * */
	char *header;
	struct buf body;
};

static void
sent_free(void *item)
{
	struct sent *sent = item;

	list_clear(&sent->to, mem_free);
	mem_free(sent->header);
	buf_clear(&sent->body);
	mem_free(sent);
}

static enum submit_result
take(void *self, struct submit_mail *mail, struct error *err)
{
	struct sent *sent = mem_alloc(sizeof(*sent));

	for (size_t i = 0; i < mail->count; i++)
		list_add(&sent->to, mem_string(mail->recipients[i].path));
	sent->header = mem_string_n(mail->header.data, mail->header.len);
	assert_int_equal(buf_add_pieces(&sent->body, &mail->body, err), 0);
	list_add(self, sent);
	return SUBMIT_TAKEN;
}

static enum submit_result
say_yes(void *self, struct submit_mail *mail, struct error *err)
{
	(void)self;
	(void)mail;
	(void)err;
	return SUBMIT_TAKEN;
}

/* ---- one mix ---- */

struct mix {
	struct gateway *gateway;
	struct list sent; /* struct sent *: the kept one as well */
	bool there[PEOPLE], shown[PEOPLE];
	unsigned number;
};

static bool
is_listed(const struct list *list, const char *text)
{
	const char *other;

	LIST_FOREACH (other, list)
		if (strcmp(other, text) == 0)
			return true;
	return false;
}

static char *
message_of(const struct mix *mix)
{
	struct buf text = { 0 };
	char *copy;

	assert_int_equal(buf_add_format(&text, NULL,
				 "From: alice@example.com\nMessage-ID: <%u@x>\n"
				 "To: nobody@example.net",
				 mix->number),
		0);
	for (size_t i = 0; i < PEOPLE; i++)
		if (mix->shown[i])
			assert_int_equal(buf_add_format(&text, NULL, ",\n %s",
						 people[i]),
				0);
	assert_int_equal(buf_add_string(&text, "\n\nHello\n", NULL), 0);
	copy = mem_string_n(text.data, text.len);
	buf_clear(&text);
	return copy;
}

static void
keep_rest(
	struct mix *mix, const struct mail *mail, const struct outcome *outcome)
{
	struct sent *sent = mem_alloc(sizeof(*sent));
	const struct mail_path *path;

	LIST_FOREACH (path, &mail->paths)
		if (!is_listed(&outcome->forget, path->path))
			list_add(&sent->to, mem_string(path->path));
	sent->header = fixture_result(outcome, mail);
	strstr(sent->header, "\r\n\r\n")[2] = '\0';
	assert_int_equal(buf_add_pieces(&sent->body, &outcome->body, NULL), 0);
	list_add(&mix->sent, sent);
}

static void
send_mix(struct mix *mix)
{
	const struct courier courier = {
		.ask = say_yes, .send = take, .self = &mix->sent
	};
	const struct gateway_run run = { .courier = &courier };
	char *message = message_of(mix), list[1000] = "";
	struct fixture_mail from = { "local", "alice@example.com", list,
		message };
	struct outcome outcome;
	struct mail mail;

	for (size_t i = 0; i < PEOPLE; i++)
		if (mix->there[i])
			snprintf(list + strlen(list),
				sizeof(list) - strlen(list), "%s ", people[i]);
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(mix->gateway, &mail, &run, &outcome);
	if (outcome.verdict != VERDICT_ACCEPT)
		fail_msg("%s: %s", list, outcome.error.text);
	keep_rest(mix, &mail, &outcome);
	outcome_clear(&outcome);
	mail_clear(&mail);
	mem_free(message);
}

/* ---- what must hold for every mail that goes out ---- */

static bool
same_address(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

static bool
is_shown(const struct mix *mix, const char *address)
{
	for (size_t i = 0; i < PEOPLE; i++)
		if (mix->shown[i] && same_address(people[i], address))
			return true;
	return false;
}

static bool
is_alone(const struct sent *sent)
{
	const char *to;

	LIST_FOREACH (to, &sent->to)
		if (!same_address(to, sent->to.item[0]))
			return false;
	return true;
}

/* To whom this certificate belongs, among the recipients; or NULL. */
static const char *
holder_of(const struct cert *cert, const struct sent *sent)
{
	struct address *address = NULL;
	const char *to, *found = NULL;

	LIST_FOREACH (to, &sent->to) {
		assert_int_equal(addr_parse(to, &address, NULL), 0);
		if (cert_names_address(cert, address))
			found = to;
		address_free(address);
	}
	return found;
}

static void
judge_envelope(const struct mix *mix, const struct sent *sent)
{
	struct list certs = { 0 };
	struct cms_envelope envelope;
	struct buf der = { 0 };
	const struct cert *cert;
	size_t named = 0;

	assert_int_equal(base64_decode(buf_span(&sent->body), &der, NULL), 0);
	assert_int_equal(
		cms_read_envelope(buf_span(&der), NULL, &envelope, NULL), 0);
	gateway_list_certs(mix->gateway, &certs);
	LIST_FOREACH (cert, &certs) {
		const struct address *first = cert->addresses.count != 0
						      ? cert->addresses.item[0]
						      : NULL;
		const char *holder;

		if (!cms_envelope_is_for(&envelope, cert) || first == NULL)
			continue;
		named++;
		holder = holder_of(cert, sent);
		if (holder == NULL &&
			strcmp(first->key, "alice@example.com") != 0)
			fail_msg("mix %u: a RecipientInfo of <%s>, who does "
				 "not get it",
				mix->number, first->key);
		if (holder != NULL && !is_alone(sent) && !is_shown(mix, holder))
			fail_msg(
				"mix %u: others see <%s>", mix->number, holder);
	}
	assert_true(named > 0);
	list_clear(&certs, cert_unref);
	cms_envelope_clear(&envelope);
	buf_clear(&der);
}

static bool
may_be_clear(const char *to)
{
	return strstr(to, "@elsewhere.example") != NULL ||
	       strstr(to, "@optional.example") != NULL;
}

static void
judge_sent(const struct mix *mix, const struct sent *sent)
{
	const char *to;

	if (strstr(sent->header, "enveloped-data") != NULL ||
		strstr(sent->header, "authEnveloped-data") != NULL) {
		judge_envelope(mix, sent);
		return;
	}
	LIST_FOREACH (to, &sent->to)
		if (!may_be_clear(to))
			fail_msg("mix %u: <%s> in clear", mix->number, to);
	assert_non_null(strstr(sent->header, "multipart/signed"));
}

static void
judge_mix(const struct mix *mix)
{
	const struct sent *sent;

	for (size_t i = 0; i < PEOPLE; i++) {
		size_t times = 0;

		LIST_FOREACH (sent, &mix->sent)
			times += is_listed(&sent->to, people[i]);
		if (times != mix->there[i])
			fail_msg("mix %u: %zu mails for <%s>", mix->number,
				times, people[i]);
	}
	LIST_FOREACH (sent, &mix->sent)
		judge_sent(mix, sent);
}

static struct conf *
restart(const char *state, const char *settings)
{
	struct list warnings = { 0 };
	char *rules;
	struct conf *conf;
	struct error err = { 0 };

	rules = mem_printf("state = \"%s\"; %s", state, settings);
	conf = fixture_conf(rules);
	if (gateway_start(conf->gateway, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	list_clear(&warnings, mem_free);
	mem_free(rules);
	return conf;
}

static struct conf *
start(char *state, const char *settings)
{
	assert_non_null(mkdtemp(state));
	return restart(state, settings);
}

static void
remove_all(const char *folder)
{
	char *command = mem_printf("rm -rf '%s'", folder);

	assert_int_equal(system(command), 0);
	mem_free(command);
}

static void
no_envelope_names_whom_its_readers_may_not_know_of(void **state)
{
	char folder[] = "/tmp/smime-copies-XXXXXX";
	struct conf *conf = start(folder, RULES);

	(void)state;
	srand(SEED);
	for (unsigned i = 0; i < MIXES; i++) {
		struct mix mix = { .gateway = conf->gateway, .number = i };
		bool any = false;

		for (size_t k = 0; k < PEOPLE; k++) {
			mix.there[k] = rand() % 3 == 0;
			mix.shown[k] = rand() % 2 == 0;
			any = any || mix.there[k];
		}
		/* Without a certificate for encryption he stops all. */
		mix.there[PEOPLE - 1] = false;
		if (any) {
			mix.there[0] = true;
			send_mix(&mix);
			judge_mix(&mix);
		}
		list_clear(&mix.sent, sent_free);
	}
	conf_free(conf);
	remove_all(folder);
}

/* One of each form, and what the header and the rules say of them. */
static void
a_sender_decides_for_every_copy(void **state)
{
	static const char rules[] =
		"mixed = \"split\"; reinject = { uri = \"smtp://127.0.0.1:1\"; "
		"};"
		"sign = ( { sender = \"alice@example.com\"; stores = \"all\";"
		" sign = \"when-encrypting\"; } );"
		"encrypt = ( { recipient = \"bob@*\"; stores = \"all\";"
		" otherwise = \"reject\"; subject = \"[encrypt]\";"
		" subject_remove = true; } );";
	char folder[] = "/tmp/smime-copies-XXXXXX";
	struct conf *conf = start(folder, rules);
	struct list copies = { 0 };
	const struct courier courier = {
		.ask = say_yes, .send = take, .self = &copies
	};
	const struct gateway_run run = { .courier = &courier };
	struct fixture_mail from = { "local", "alice@example.com",
		"bob@example.com clear@elsewhere.example",
		"From: alice@example.com\nTo: bob@example.com\n"
		"Subject: [encrypt] hello\nX-A: x\rX-Forged: y\n"
		"Message-ID: <1@x>\n\nHello\n" };
	const struct sent *copy;
	struct outcome outcome;
	struct mail mail;

	(void)state;
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, &run, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_ACCEPT);
	assert_true(outcome.encrypted);
	assert_true(outcome.signed_);
	assert_int_equal(copies.count, 1);
	copy = copies.item[0];
	assert_string_equal(copy->to.item[0], "clear@elsewhere.example");
	assert_null(strstr(copy->header, "[encrypt]"));
	assert_non_null(strstr(copy->header, "hello"));
	assert_null(strstr(copy->header, "multipart/signed"));
	assert_null(strstr(copy->header, "\rX-Forged"));
	assert_true(span_is(buf_span(&copy->body), "Hello\r\n"));
	outcome_clear(&outcome);
	mail_clear(&mail);
	list_clear(&copies, sent_free);
	conf_free(conf);
	remove_all(folder);
}

/* In whatever order the sender has named them. */
static void
our_own_go_by_the_strictest_rule(void **state)
{
	static const char rules[] =
		"mixed = \"split\"; reinject = { uri = \"smtp://127.0.0.1:1\"; "
		"}; internal = \"nobody@example.com\";"
		"encrypt = ( { recipient = \"bob@*\"; stores = \"all\";"
		" otherwise = \"pass\"; }, { recipient = \"paula@*\";"
		" stores = \"all\"; otherwise = \"reject\"; } );";
	static const char *const orders[] = {
		"bob@example.com paula@partner.example nobody@example.com",
		"paula@partner.example bob@example.com nobody@example.com"
	};
	char folder[] = "/tmp/smime-copies-XXXXXX";
	struct conf *conf = start(folder, rules);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		struct fixture_mail from = {
			"local", "alice@example.com", orders[i],
			"From: alice@example.com\nTo: bob@example.com, "
			"paula@partner.example, nobody@example.com\n\nHello\n"
		};
		struct outcome outcome;
		struct mail mail;

		fixture_mail(&mail, &from);
		outcome_init(&outcome);
		gateway_process(conf->gateway, &mail, NULL, &outcome);
		assert_int_equal(outcome.verdict, VERDICT_REJECT);
		outcome_clear(&outcome);
		mail_clear(&mail);
	}
	conf_free(conf);
	remove_all(folder);
}

/* ---- a copy that comes back ---- */

#define MARKED                                                                 \
	"mixed = \"split\"; reinject = { uri = \"smtp://127.0.0.1:1\";"        \
	" mark = true; };"
#define STRICT_AND_LAX(store, otherwise)                                       \
	MARKED "encrypt = ( { recipient = \"paula@*\"; stores = \"all\";"      \
	       " otherwise = \"reject\"; }, { recipient = \"*@example.com\";"  \
	       " stores = \"" store "\"; otherwise = \"" otherwise "\"; } );"

static enum verdict
process_copy(const struct gateway *gateway, const struct sent *copy)
{
	struct buf message = { 0 };
	char recipients[200] = "", *text;
	struct fixture_mail from = { "127.0.0.1", "alice@example.com",
		recipients, NULL };
	struct outcome outcome;
	enum verdict verdict;
	struct mail mail;
	const char *to;

	LIST_FOREACH (to, &copy->to)
		snprintf(recipients + strlen(recipients),
			sizeof(recipients) - strlen(recipients), "%s ", to);
	assert_int_equal(
		buf_add_format(&message, NULL, "%s%.*s", copy->header,
			(int)copy->body.len, (const char *)copy->body.data),
		0);
	text = mem_string_n(message.data, message.len);
	from.message = text;
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(gateway, &mail, NULL, &outcome);
	assert_false(outcome.encrypted);
	verdict = outcome.verdict;
	outcome_clear(&outcome);
	mail_clear(&mail);
	mem_free(text);
	buf_clear(&message);
	return verdict;
}

/*
 * It went in clear for want of certificates, which are there by now: they
 * would show its Bcc recipients to one another.
 */
static void
a_clear_copy_that_comes_back_goes_by_otherwise(void **state)
{
	static const char *const later[] = { STRICT_AND_LAX("all", "pass"),
		STRICT_AND_LAX("all", "reject") };
	char folder[] = "/tmp/smime-copies-XXXXXX";
	struct conf *conf = start(folder, STRICT_AND_LAX("bob", "pass"));
	struct list copies = { 0 };
	const struct courier courier = {
		.ask = say_yes, .send = take, .self = &copies
	};
	const struct gateway_run run = { .courier = &courier };
	struct fixture_mail from = { "local", "alice@example.com",
		"paula@partner.example carol@example.com dave@example.com",
		"From: alice@example.com\nTo: paula@partner.example\n"
		"Message-ID: <1@x>\n\nHello\n" };
	struct outcome outcome;
	struct mail mail;

	(void)state;
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, &run, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_ACCEPT);
	assert_int_equal(copies.count, 1);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
	for (size_t i = 0; i < COUNT_OF(later); i++) {
		conf = restart(folder, later[i]);
		assert_int_equal(process_copy(conf->gateway, copies.item[0]),
			i == 0 ? VERDICT_ACCEPT : VERDICT_REJECT);
		conf_free(conf);
	}
	list_clear(&copies, sent_free);
	remove_all(folder);
}

/* ---- how many ---- */

#define HIDDEN                                                                 \
	"bob@example.com paula@partner.example carol@example.com "             \
	"dave@example.com"

static void
process_for(struct gateway *gateway, const char *message, struct list *copies,
	struct outcome *outcome)
{
	const struct courier courier = {
		.ask = say_yes, .send = take, .self = copies
	};
	const struct gateway_run run = { .courier = &courier };
	struct fixture_mail from = { "local", "alice@example.com", HIDDEN,
		message };
	struct mail mail;

	fixture_mail(&mail, &from);
	outcome_init(outcome);
	gateway_process(gateway, &mail, &run, outcome);
	assert_int_equal(outcome->forget.count, copies->count);
	mail_clear(&mail);
}

/* The three that the header does not name have one each. */
static void
a_mail_that_needs_too_many_copies_has_none(void **state)
{
	char folder[] = "/tmp/smime-copies-XXXXXX";
	struct conf *conf = start(folder,
		"limits = { copies = 3; }; mixed = \"split\";"
		"reinject = { uri = \"smtp://127.0.0.1:1\"; };"
		"encrypt = ( { recipient = \"*@*\"; stores = \"all\";"
		" otherwise = \"pass\"; } );");
	static const char message[] = "From: alice@example.com\n"
				      "To: bob@example.com\n\nHello\n";

	(void)state;
	for (unsigned limit = 4; limit-- > 2;) {
		struct list copies = { 0 };
		struct outcome outcome;

		conf->gateway->limits.copies = limit;
		process_for(conf->gateway, message, &copies, &outcome);
		if (limit == 3) {
			assert_int_equal(outcome.verdict, VERDICT_ACCEPT);
			assert_int_equal(copies.count, 3);
		} else {
			assert_int_equal(outcome.verdict, VERDICT_REJECT);
			assert_int_equal(outcome.error.kind, ERROR_LIMIT);
			assert_non_null(strstr(outcome.reply, "550 5.5.3 "));
			assert_non_null(strstr(outcome.reply, "Bcc"));
			assert_int_equal(copies.count, 0);
			assert_int_equal(outcome.copies.count, 0);
		}
		outcome_clear(&outcome);
		list_clear(&copies, sent_free);
	}
	conf_free(conf);
	remove_all(folder);
}

enum { LARGE = 4 << 20, COPIES_SEEN = 3 };

struct watched {
	size_t used[COPIES_SEEN];
	size_t count;
};

static enum submit_result
weigh(void *self, struct submit_mail *mail, struct error *err)
{
	struct watched *watched = self;
	struct mallinfo2 info = mallinfo2();

	(void)err;
	assert_true(pieces_len(&mail->body) > LARGE);
	assert_true(watched->count < COPIES_SEEN);
	watched->used[watched->count++] = info.uordblks + info.hblkhd;
	return SUBMIT_TAKEN;
}

static void
copies_do_not_stand_in_memory_together(void **state)
{
	static const char header[] = "From: alice@example.com\n"
				     "To: bob@example.com\n\n";
	char folder[] = "/tmp/smime-copies-XXXXXX";
	struct conf *conf = start(folder, RULES);
	struct watched watched = { 0 };
	const struct courier courier = {
		.ask = say_yes, .send = weigh, .self = &watched
	};
	const struct gateway_run run = { .courier = &courier };
	char *message = malloc(LARGE + sizeof(header));
	struct fixture_mail from = { "local", "alice@example.com", HIDDEN,
		message };
	struct outcome outcome;
	struct mail mail;

	(void)state;
	memcpy(message, header, sizeof(header));
	for (size_t i = sizeof(header) - 1; i < LARGE; i++)
		message[i] = i % 64 == 0 ? '\n' : 'x';
	message[LARGE] = '\0';
	fixture_mail(&mail, &from);
	free(message);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, &run, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_ACCEPT);
	assert_int_equal(watched.count, COPIES_SEEN);
	for (size_t i = 1; i < COPIES_SEEN; i++)
		assert_true(watched.used[i] < watched.used[0] + LARGE / 2);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
	remove_all(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			no_envelope_names_whom_its_readers_may_not_know_of),
		cmocka_unit_test(a_sender_decides_for_every_copy),
		cmocka_unit_test(our_own_go_by_the_strictest_rule),
		cmocka_unit_test(
			a_clear_copy_that_comes_back_goes_by_otherwise),
		cmocka_unit_test(a_mail_that_needs_too_many_copies_has_none),
		cmocka_unit_test(copies_do_not_stand_in_memory_together)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
