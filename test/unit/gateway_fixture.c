#include "gateway_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "pki_fixture.h"

static const char head[] =
	"listen = \"unix:/tmp/unused\";\n"
	"stores = (\n"
	" { name = \"all\"; type = \"directory\"; path = \"@PKI@\"; },\n"
	" { name = \"bob\"; type = \"file\"; path = \"@PKI@/bob.pem\"; } );\n"
	"trust = { anchors = [ \"@PKI@/ca.pem\" ];"
	" revocation = \"off\"; };\n";

static void
add_with_folder(struct buf *out, const char *text)
{
	const char *mark;

	while ((mark = strstr(text, "@PKI@")) != NULL) {
		assert_int_equal(
			buf_add(out, text, (size_t)(mark - text), NULL), 0);
		assert_int_equal(buf_add_string(out, pki_dir(), NULL), 0);
		text = mark + strlen("@PKI@");
	}
	assert_int_equal(buf_add_string(out, text, NULL), 0);
}

static void
print_problems(const struct list *problems)
{
	const struct problem *problem;

	LIST_FOREACH (problem, problems) {
		char *text = problem_format(problem);

		print_message("%s\n", text);
		mem_free(text);
	}
}

struct conf *
fixture_conf(const char *rules)
{
	char path[] = "/tmp/gateway-test-XXXXXX";
	int fd = mkstemp(path);
	struct buf text = { 0 };
	struct list problems = { 0 };
	struct conf *conf = NULL;

	assert_true(fd >= 0);
	add_with_folder(&text, head);
	add_with_folder(&text, rules);
	assert_int_equal(write(fd, text.data, text.len), (int)text.len);
	close(fd);
	if (conf_load(path, true, &conf, &problems) != 0) {
		print_problems(&problems);
		fail_msg("the rule file of the test is wrong");
	}
	unlink(path);
	list_clear(&problems, problem_free);
	buf_clear(&text);
	return conf;
}

static void
set_client(struct client *client, const char *text)
{
	if (strcmp(text, "local") == 0) {
		client->local = true;
		return;
	}
	client->family = AF_INET;
	client->ip = (struct in6_addr){
		.s6_addr = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 }
	};
	if (strncmp(text, "login ", 6) == 0)
		client->login = mem_string(text + 6);
}

void
fixture_mail(struct mail *mail, const struct fixture_mail *from)
{
	char *list = mem_string(from->recipients), *rest = NULL;
	struct error err;

	mail_init(mail, 0);
	set_client(&mail->client, from->client);
	assert_int_equal(
		mail_set_sender(mail, span_string(from->mail_from), &err), 0);
	for (char *one = strtok_r(list, " ", &rest); one != NULL;
		one = strtok_r(NULL, " ", &rest))
		assert_int_equal(
			mail_add_recipient(mail, span_string(one), &err), 0);
	assert_int_equal(
		mail_from_message(mail, span_string(from->message), &err), 0);
	mem_free(list);
}

char *
fixture_result(const struct outcome *outcome, const struct mail *mail)
{
	struct buf out = { 0 };
	struct sink sink = buf_sink(&out);
	struct error err;
	char *text;

	assert_int_equal(outcome_write_message(outcome, mail, &sink, &err), 0);
	text = mem_string_n(out.data, out.len);
	buf_clear(&out);
	return text;
}

struct store *
fixture_dead_directory(void)
{
	struct store_settings settings = { .name = "dead",
		.type = "ldap",
		.uri = "ldap://127.0.0.1:1",
		.base = "dc=example",
		.filter = "(mail=%s)",
		.timeout_seconds = 1 };
	struct list warnings = { 0 };
	struct store *store = NULL;

	list_add(&settings.attributes, mem_string("userCertificate"));
	assert_int_equal(store_open(&settings, &store, &warnings, NULL), 0);
	list_clear(&warnings, mem_free);
	list_clear(&settings.attributes, mem_free);
	return store;
}
