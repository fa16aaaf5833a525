/* What a good file becomes, odd ones among them, and what is warned of. */
#include <netinet/in.h>
#include <sys/syslog.h>

#include "written.h"

#define STORE "stores = ({ name = \"s\"; type = \"file\"; path = \"/s\"; });\n"
#define AD                                                                     \
	"{ name = \"ad\"; type = \"ldap\"; uri = \"ldaps://x\"; base = "       \
	"\"dc=x\"; "                                                           \
	"}"
#define LDAP "stores = ( " AD " );"
#define BOTH                                                                   \
	"stores = ( { name = \"s\"; type = \"file\"; path = \"/s\"; }, " AD    \
	" );"
#define SIGN STORE "sign = ({ sender = \"a@b\"; stores = \"s\";\n"
#define ENCRYPT                                                                \
	STORE "trust = { anchors = \"/a\"; };\n"                               \
	      "encrypt = ({ recipient = \"a@b\"; stores = \"s\";\n"            \
	      " otherwise = \"reject\";\n"
#define INBOUND                                                                \
	STORE "trust = { anchors = \"/a\"; };\n"                               \
	      "inbound = ({ recipient = \"*@a\";\n"
#define END "});\n"

static void
load(struct written *w, const char *text)
{
	if (written_load(w, text, false) != 0)
		fail_msg("%s", written_problems(w));
}

static void
a_file_of_comments_is_all_defaults(void **state)
{
	struct written w;
	struct conf *conf;

	(void)state;
	written_begin(&w);
	load(&w, "# nothing\n");
	conf = w.conf;
	assert_int_equal(w.problems.count, 0);
	assert_string_equal(conf->path, w.path);
	assert_string_equal(conf->listen.socket,
		"unix:/var/spool/postfix/smime-milter/milter.sock");
	assert_null(conf->listen.group);
	assert_int_equal(conf->listen.mode, 0660);
	assert_string_equal(
		conf->control.socket, "/run/smime-milter/control.sock");
	assert_int_equal(conf->control.mode, 0660);
	assert_int_equal(conf->control_writers.count, 0);
	assert_string_equal(conf->user, "smime-milter");
	assert_string_equal(conf->state, "/var/lib/smime-milter");
	assert_string_equal(
		conf->pid_file, "/run/smime-milter/smime-milter.pid");
	assert_int_equal(conf->drain_seconds, 300);
	assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
	assert_int_equal(conf->log_target, LOG_TO_SYSLOG);
	assert_int_equal(conf->log_facility, LOG_MAIL);
	assert_int_equal(conf->buffered_bytes, (size_t)1 << 30);
	assert_int_equal(conf->mails, 200);
	assert_int_equal(conf->gateway->limits.message_bytes, 50 << 20);
	assert_int_equal(conf->gateway->limits.encrypt_recipients, 500);
	assert_int_equal(conf->gateway->limits.copies, 100);
	assert_int_equal(conf->gateway->limits.header_fields, 1000);
	assert_int_equal(conf->gateway->limits.lookup_seconds, 8);
	assert_int_equal(conf->gateway->limits.mime.depth, 20);
	assert_int_equal(conf->gateway->limits.mime.parts, 1000);
	assert_int_equal(conf->gateway->sign_rules.count, 0);
	assert_int_equal(conf->gateway->encrypt_rules.count, 0);
	assert_int_equal(conf->gateway->limits.cms_layers, 4);
	assert_int_equal(conf->gateway->inbound_rules.count, 0);
	assert_string_equal(
		conf->gateway->report.headers, "X-SMIME-Milter-Info");
	assert_string_equal(conf->gateway->report.authserv_id, "");
	assert_false(conf->gateway->report.subject_tags);
	assert_false(conf->gateway->share_bcc);
	assert_int_equal(conf->gateway->tnef_broken, TNEF_BROKEN_BESIDE);
	assert_true(conf->gateway->refuse_early);
	assert_int_equal(conf->gateway->limits.tnef.depth, 10);
	assert_int_equal(conf->gateway->limits.tnef.attachments, 1000);
	assert_int_equal(conf->gateway->limits.tnef.people, 5000);
	assert_int_equal(conf->gateway->limits.tnef.properties, 100000);
	assert_int_equal(conf->gateway->limits.tnef.made_bytes, 64 << 20);
	assert_int_equal(conf->gateway->limits.tnef.ratio, 16);
	written_end(&w);
}

static void
every_top_setting_arrives(void **state)
{
	struct written w;
	struct conf *conf;

	(void)state;
	written_begin(&w);
	load(&w, "listen = { socket = \"inet6:8897@::1\"; group = \"g\";"
		 " mode = \"600\"; };\n"
		 "control = { socket = \"/c\"; group = \"h\";"
		 " writers = [ \"ann\", \"bob\" ]; };\n"
		 "user = \"u\"; state = \"/s\"; pid_file = \"/p\";\n"
		 "drain_seconds = 9;\n"
		 "log = { level = \"debug\"; to = \"stderr\";"
		 " facility = \"local3\"; };\n"
		 "limits = { message = \"2M\"; buffered = \"3g\"; mails = 4;"
		 " mime_depth = 5; mime_parts = 6; cms_layers = 7;"
		 " encrypt_recipients = 8; lookup_seconds = 9;"
		 " decrypt_failures = 10; harvest_day = 11;"
		 " harvest_total = 12; copies = 13;"
		 " header_fields = 140; };\n"
		 "report = { headers = \"X-Ours\"; authserv_id = \"mx\";"
		 " subject_tags = true; };\n"
		 "internal = [ \"*@a\", \"*@b\" ]; bcc = \"share\";\n"
		 "mixed = \"all-or-nothing\"; login_map = \"/nowhere\";\n"
		 "trust = { anchors = [ ]; intermediates = ( ); crls = [ ];"
		 " revocation = \"hard\"; fetch_crls = false;"
		 " fetch_private = true; proxy = \"http://p:3128\"; };\n");
	conf = w.conf;
	assert_string_equal(conf->listen.socket, "inet6:8897@::1");
	assert_string_equal(conf->listen.group, "g");
	assert_int_equal(conf->listen.mode, 0600);
	assert_string_equal(conf->control.socket, "/c");
	assert_string_equal(conf->control.group, "h");
	assert_int_equal(conf->control_writers.count, 2);
	assert_string_equal(conf->control_writers.item[1], "bob");
	assert_string_equal(conf->user, "u");
	assert_string_equal(conf->state, "/s");
	assert_string_equal(conf->pid_file, "/p");
	assert_int_equal(conf->drain_seconds, 9);
	assert_int_equal(conf->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(conf->log_target, LOG_TO_STDERR);
	assert_int_equal(conf->log_facility, LOG_LOCAL3);
	assert_int_equal(conf->gateway->limits.message_bytes, 2 << 20);
	assert_int_equal(conf->buffered_bytes, (size_t)3 << 30);
	assert_int_equal(conf->mails, 4);
	assert_int_equal(conf->gateway->limits.mime.depth, 5);
	assert_int_equal(conf->gateway->limits.mime.parts, 6);
	assert_int_equal(conf->gateway->limits.encrypt_recipients, 8);
	assert_int_equal(conf->gateway->limits.lookup_seconds, 9);
	assert_int_equal(conf->gateway->limits.cms_layers, 7);
	assert_int_equal(conf->gateway->limits.decrypt_failures, 10);
	assert_int_equal(conf->gateway->limits.harvest_day, 11);
	assert_int_equal(conf->gateway->limits.harvest_total, 12);
	assert_int_equal(conf->gateway->limits.copies, 13);
	assert_int_equal(conf->gateway->limits.header_fields, 140);
	assert_string_equal(conf->gateway->report.headers, "X-Ours");
	assert_string_equal(conf->gateway->report.authserv_id, "mx");
	assert_true(conf->gateway->report.subject_tags);
	assert_int_equal(conf->gateway->internal.count, 2);
	assert_true(conf->gateway->share_bcc);
	written_end(&w);
}

static void
what_a_winmail_may_cost_arrives(void **state)
{
	struct written w;
	const struct tnef_limits *tnef;

	(void)state;
	written_begin(&w);
	load(&w, "limits = { tnef_depth = 13; tnef_attachments = 14;"
		 " tnef_people = 15; tnef_properties = 16;"
		 " tnef_unpacked = \"17M\"; tnef_ratio = 18; };\n"
		 "tnef_broken = \"instead\";\n");
	tnef = &w.conf->gateway->limits.tnef;
	assert_int_equal(tnef->depth, 13);
	assert_int_equal(tnef->attachments, 14);
	assert_int_equal(tnef->people, 15);
	assert_int_equal(tnef->properties, 16);
	assert_int_equal(tnef->made_bytes, 17 << 20);
	assert_int_equal(tnef->ratio, 18);
	assert_int_equal(w.conf->gateway->tnef_broken, TNEF_BROKEN_INSTEAD);
	written_end(&w);
}

static void
triggers_and_what_is_left_alone_arrive(void **state)
{
	const struct special_settings *special;
	const struct encrypt_rule *rule;
	const struct sign_rule *sign;
	struct written w;

	(void)state;
	written_begin(&w);
	load(&w, SIGN "sign = \"when-encrypting\"; mode = \"mandatory\";" END);
	sign = w.conf->gateway->sign_rules.item[0];
	assert_true(sign->when_encrypting);
	assert_int_equal(sign->rule.otherwise, OTHERWISE_REJECT);
	assert_false(rule_has_trigger(&sign->rule));
	special = &w.conf->gateway->special;
	assert_int_equal(
		special->treatment[SPECIAL_CALENDAR], TREAT_SIGN_DETACHED);
	assert_int_equal(special->treatment[SPECIAL_REPORT], TREAT_SKIP);
	assert_int_equal(special->treatment[SPECIAL_PARTIAL], TREAT_REJECT);
	assert_int_equal(special->treatment[SPECIAL_ANSWER], TREAT_PROTECT);
	assert_false(special->even_mandatory[SPECIAL_REPORT]);
	load(&w, ENCRYPT
		"subject = \"x\"; subject_remove = true; header = { name = "
		"\"X-A\"; value = \"b*\"; }; size = { min = \"3K\"; max = "
		"5000; }; has_attachment = false;" END
		"leave_alone = { answers = \"skip\"; lists = \"opaque\"; "
		"even_mandatory = [ \"answers\", \"calendar\" ]; };");
	rule = w.conf->gateway->encrypt_rules.item[0];
	assert_string_equal(rule->rule.trigger.subject, "x");
	assert_true(rule->rule.trigger.subject_remove);
	assert_string_equal(rule->rule.trigger.header, "X-A");
	assert_string_equal(rule->rule.trigger.header_value, "b*");
	assert_int_equal(rule->rule.trigger.min_bytes, 3072);
	assert_int_equal(rule->rule.trigger.max_bytes, 5000);
	assert_int_equal(rule->rule.trigger.attachment, ATTACHMENT_NONE);
	special = &w.conf->gateway->special;
	assert_int_equal(special->treatment[SPECIAL_ANSWER], TREAT_SKIP);
	assert_int_equal(special->treatment[SPECIAL_LIST], TREAT_OPAQUE);
	assert_true(special->even_mandatory[SPECIAL_ANSWER]);
	assert_true(special->even_mandatory[SPECIAL_CALENDAR]);
	assert_false(special->even_mandatory[SPECIAL_REPORT]);
	written_end(&w);
}

static void
a_sign_rule_has_its_defaults(void **state)
{
	struct written w;
	const struct sign_rule *rule;
	const struct client_condition *condition;

	(void)state;
	written_begin(&w);
	load(&w, SIGN END);
	assert_int_equal(w.conf->gateway->sign_rules.count, 1);
	rule = w.conf->gateway->sign_rules.item[0];
	assert_string_equal(rule->rule.name, "sign 1");
	assert_int_equal(rule->rule.senders.count, 1);
	assert_int_equal(rule->rule.clients.count, 2);
	condition = rule->rule.clients.item[0];
	assert_int_equal(condition->kind, CLIENT_AUTHENTICATED);
	condition = rule->rule.clients.item[1];
	assert_int_equal(condition->kind, CLIENT_LOCAL);
	assert_int_equal(rule->rule.from_must_be, FROM_BY_CLIENT);
	assert_int_equal(rule->rule.otherwise, OTHERWISE_PASS);
	assert_null(rule->selector);
	assert_int_equal(rule->form, SMIME_FORM_DETACHED);
	assert_int_equal(rule->digest, CRYPTO_SHA256);
	assert_int_equal(rule->scheme, CMS_PKCS1);
	assert_false(rule->tnef);
	written_end(&w);
}

static void
every_setting_of_a_sign_rule_arrives(void **state)
{
	struct written w;
	const struct sign_rule *rule;

	(void)state;
	written_begin(&w);
	load(&w, SIGN "name = \"n\"; clients = \"192.0.2.0/24\";"
		      "from_must_be = \"any\"; form = \"opaque\";"
		      "certificate = \"subject:CN=x\"; tnef = true;"
		      "digest = \"sha512\"; scheme = \"pss\";"
		      "otherwise = \"quarantine\";" END);
	rule = w.conf->gateway->sign_rules.item[0];
	assert_string_equal(rule->rule.name, "n");
	assert_int_equal(rule->rule.clients.count, 1);
	assert_int_equal(rule->rule.from_must_be, FROM_ANY);
	assert_int_equal(rule->rule.otherwise, OTHERWISE_QUARANTINE);
	assert_non_null(rule->selector);
	assert_int_equal(rule->form, SMIME_FORM_OPAQUE);
	assert_int_equal(rule->digest, CRYPTO_SHA512);
	assert_int_equal(rule->scheme, CMS_PSS);
	assert_true(rule->tnef);
	written_end(&w);
}

static void
an_encrypt_rule_has_its_defaults(void **state)
{
	struct written w;
	const struct encrypt_rule *rule;

	(void)state;
	written_begin(&w);
	load(&w, ENCRYPT END);
	rule = w.conf->gateway->encrypt_rules.item[0];
	assert_string_equal(rule->rule.name, "encrypt 1");
	assert_int_equal(rule->rule.recipients.count, 1);
	assert_int_equal(rule->rule.senders.count, 0);
	assert_int_equal(rule->rule.clients.count, 0);
	assert_int_equal(rule->rule.otherwise, OTHERWISE_REJECT);
	assert_null(rule->selector);
	assert_true(rule->trusted);
	assert_false(rule->to_self);
	assert_false(rule->tnef);
	assert_false(rule->accept_pgp);
	assert_false(rule->share_bcc);
	assert_int_equal(rule->cipher, CMS_AES256_CBC);
	assert_int_equal(rule->transport, CMS_RSA_PKCS1);
	assert_int_equal(rule->oaep_digest, CRYPTO_SHA256);
	written_end(&w);
}

static void
every_setting_of_an_encrypt_rule_arrives(void **state)
{
	struct written w;
	const struct encrypt_rule *rule;

	(void)state;
	written_begin(&w);
	load(&w, "bcc = \"share\"; sign = ({ sender = \"c@d\"; stores = "
		 "\"s\"; });\n" ENCRYPT
		 "name = \"n\"; sender = [ \"c@d\", \"e@f\" ]; clients = "
		 "\"local\"; certificate = \"subject:CN=x\"; trusted = false;"
		 "cipher = \"aes-128-gcm\"; key_transport = \"oaep\";"
		 "oaep_digest = \"sha384\"; to_self = true; tnef = true;"
		 "accept = \"pgp\";" END);
	rule = w.conf->gateway->encrypt_rules.item[0];
	assert_string_equal(rule->rule.name, "n");
	assert_int_equal(rule->rule.senders.count, 2);
	assert_int_equal(rule->rule.clients.count, 1);
	assert_non_null(rule->selector);
	assert_false(rule->trusted);
	assert_true(rule->to_self);
	assert_true(rule->tnef);
	assert_true(rule->accept_pgp);
	assert_true(rule->share_bcc);
	assert_int_equal(rule->cipher, CMS_AES128_GCM);
	assert_int_equal(rule->transport, CMS_RSA_OAEP);
	assert_int_equal(rule->oaep_digest, CRYPTO_SHA384);
	written_end(&w);
}

/* Whoever says mandatory gets it, and as the rule says. */
static void
a_directory_may_ask_more_than_a_rule_of_none(void **state)
{
	struct written w;
	const struct encrypt_rule *rule, *one;

	(void)state;
	written_begin(&w);
	load(&w, BOTH "trust = { anchors = \"/a\"; };\n"
		      "encrypt = ({ recipient = \"*@b\"; stores = \"s\";"
		      " mode = \"none\"; otherwise = \"tempfail\"; mode_from ="
		      " { store = \"ad\"; attribute = \"x\"; }; });\n");
	rule = w.conf->gateway->encrypt_rules.item[0];
	assert_true(rule->rule.none);
	one = rule->mode_from.by_mode[MODE_MANDATORY];
	assert_false(one->rule.none);
	assert_int_equal(one->rule.otherwise, OTHERWISE_TEMPFAIL);
	one = rule->mode_from.by_mode[MODE_NONE];
	assert_true(one->rule.none);
	written_end(&w);
}

/* The words of the file and those of the code that uses them are the same. */
static void
an_inbound_rule_has_its_defaults(void **state)
{
	struct written w;
	const struct inbound_rule *rule;

	(void)state;
	written_begin(&w);
	load(&w, INBOUND END);
	assert_int_equal(w.conf->gateway->inbound_rules.count, 1);
	rule = w.conf->gateway->inbound_rules.item[0];
	assert_string_equal(rule->rule.name, "inbound 1");
	assert_int_equal(rule->rule.recipients.count, 1);
	assert_int_equal(rule->keys.count, 0);
	assert_true(rule->verify);
	assert_false(rule->any_key || rule->legacy || rule->weak_ok ||
		     rule->strip_signature);
	assert_null(rule->harvest);
	assert_int_equal(rule->undecryptable, OTHERWISE_PASS);
	assert_int_equal(rule->bad_signature, OTHERWISE_PASS);
	written_end(&w);
}

static void
every_setting_of_an_inbound_rule_arrives(void **state)
{
	struct written w;
	const struct inbound_rule *rule;

	(void)state;
	written_begin(&w);
	load(&w, INBOUND "name = \"n\"; keys_for = \"any\"; verify = true;"
			 " undecryptable = \"quarantine\"; legacy = true;"
			 " bad_signature = \"tempfail\";"
			 " strip_signature = true;"
			 " weak_signatures = \"pass\";" END);
	rule = w.conf->gateway->inbound_rules.item[0];
	assert_string_equal(rule->rule.name, "n");
	assert_true(rule->any_key && rule->legacy && rule->weak_ok &&
		    rule->strip_signature);
	assert_true(rule->verify);
	assert_int_equal(rule->undecryptable, OTHERWISE_QUARANTINE);
	assert_int_equal(rule->bad_signature, OTHERWISE_TEMPFAIL);
	load(&w, INBOUND "verify = false;" END);
	rule = w.conf->gateway->inbound_rules.item[0];
	assert_false(rule->verify);
	written_end(&w);
}

static void
every_cipher_digest_and_verdict_has_its_name(void **state)
{
	struct written w;

	(void)state;
	written_begin(&w);
	for (int i = 0; i < CMS_CIPHERS; i++) {
		const char *name = cms_cipher_name((enum cms_cipher)i);
		char *text = mem_printf(ENCRYPT "cipher = \"%s\";" END, name);
		const struct encrypt_rule *rule;

		load(&w, text);
		rule = w.conf->gateway->encrypt_rules.item[0];
		assert_int_equal(rule->cipher, i);
		mem_free(text);
	}
	for (int i = 0; i < CRYPTO_DIGESTS; i++) {
		const char *name = crypto_digest_name((enum crypto_digest)i);
		char *text = mem_printf(SIGN "digest = \"%s\";" END, name);
		const struct sign_rule *rule;

		load(&w, text);
		rule = w.conf->gateway->sign_rules.item[0];
		assert_int_equal(rule->digest, i);
		mem_free(text);
	}
	for (int i = OTHERWISE_PASS; i <= OTHERWISE_REJECT; i++) {
		const char *name = otherwise_name((enum otherwise)i);
		char *text = mem_printf(SIGN "otherwise = \"%s\";" END, name);
		const struct sign_rule *rule;

		load(&w, text);
		rule = w.conf->gateway->sign_rules.item[0];
		assert_int_equal(rule->rule.otherwise, i);
		mem_free(text);
	}
	written_end(&w);
}

static const struct {
	const char *label, *text;
} odd[] = {
	{ "a comment only", "# x\n// y\n/* z\n*/" },
	{ "no line end", "user = \"x\";" },
	{ "no semicolons", "user = \"x\"\nstate = \"/x\"\n" },
	{ "colons", "user : \"x\";\n" },
	{ "CRLF", "user = \"x\";\r\nstate = \"/x\";\r\n" },
	{ "a list for an array", "internal = ( \"*@a\", \"*@b\" );\n" },
	{ "a single string", "internal = \"*@a\";\n" },
	{ "empty lists of rules", "stores = ( ); sign = ( ); encrypt = ( );" },
	{ "empty groups", "log = { }; limits = { }; trust = { };" },
	{ "empty anchors", "trust = { anchors = [ ]; };" },
	{ "a plain path as socket", "listen = \"/m\";" },
	{ "local: as socket", "listen = \"local:/m\";" },
	{ "unix: at control", "control = \"unix:/c\";" },
	{ "control as a string", "control = \"/c\";" },
	{ "bytes as size", "limits = { message = 1000000; };" },
	{ "bytes as text", "limits = { message = \"1000000\"; };" },
	{ "size in K", "limits = { message = \"64k\"; };" },
	{ "long number", "limits = { message = 1000000L; };" },
	{ "quotes in comments", "# \"x\" \"y\"\nuser = \"x\";" },
	{ "commas in strings", "stores = ({ name = \"a, ]\"; type = \"file\"; "
			       "path = \"/a )\"; });" },
	{ "escaped quotes", "user = \"a\\\"b\";" },
	{ "a password to this host, IPv4",
		"reinject = { uri = \"smtp://127.0.0.2:10026\"; login = \"a\";"
		" password_file = \"/p\"; };" },
	{ "a password to this host, IPv6",
		"reinject = { uri = \"smtp://[::1]:10026\"; login = \"a\";"
		" password_file = \"/p\"; };" },
	{ "a password to this host, by name",
		"reinject = { uri = \"smtp://LocalHost\"; login = \"a\";"
		" password_file = \"/p\"; };" },
	{ "a directory for copies beside the keys",
		BOTH "sign = ({ sender = \"a@b\"; stores = [ \"s\", \"ad\" "
		     "]; });" },
	{ "stores behind their rules",
		"sign = ({ sender = \"a@b\"; stores = \"s\"; });" STORE },
	{ "a name in both lists",
		SIGN "name = \"n\";" END
		     "encrypt = ({ name = \"n\"; trusted = false; recipient = "
		     "\"a@b\"; stores = \"s\"; otherwise = \"pass\"; });" },
	{ "an exact address with a certificate",
		SIGN "certificate = \"subject:CN=a\";" END },
	{ "two exact addresses with a certificate",
		STORE "sign = ({ sender = [ \"a@b\", \"c@d\" ]; stores = "
		      "\"s\"; certificate = \"subject:CN=a\"; });" },
	{ "narrow before broad",
		SIGN "}, { sender = \"*@b\"; stores = \"s\";" END },
	{ "the same sender, another recipient",
		ENCRYPT "sender = \"x@y\"; }, { recipient = \"a@b\"; stores = "
			"\"s\"; otherwise = \"pass\";" END },
	{ "a rule for some clients before the same for all",
		ENCRYPT "clients = \"local\"; }, { recipient = \"a@b\"; stores "
			"= \"s\"; otherwise = \"pass\";" END },
	{ "OAEP without a digest", ENCRYPT "key_transport = \"oaep\";" END },
	{ "IDN pattern", "internal = \"*@b\xc3\xbc"
			 "cher.example\";" },
};

static void
odd_files_are_taken_without_a_word(void **state)
{
	struct written w;

	(void)state;
	written_begin(&w);
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		if (written_load(&w, odd[i].text, false) != 0 ||
			w.problems.count != 0)
			fail_msg("%s: %s", odd[i].label, written_problems(&w));
	written_end(&w);
}

static void
sockets_are_made_alike(void **state)
{
	struct written w;

	(void)state;
	written_begin(&w);
	load(&w, "listen = \"/m\"; control = \"unix:/c\";");
	assert_string_equal(w.conf->listen.socket, "unix:/m");
	assert_int_equal(w.conf->listen.mode, 0660);
	assert_string_equal(w.conf->control.socket, "/c");
	load(&w, "listen = { socket = \"local:/m\"; };");
	assert_string_equal(w.conf->listen.socket, "unix:/m");
	written_end(&w);
}

struct warned {
	const char *label, *text;
	unsigned line;
	const char *says;
};

static const struct warned warnings[] = {
	{ "keys in a directory",
		LDAP
		"\ntrust = { anchors = \"/a\"; }; inbound = ({ recipient = "
		"\"*@a\";\nkeys = \"ad\"; });\n",
		3, "has no keys: nothing is decrypted" },
	{ "any key", INBOUND "keys = \"s\";\nkeys_for = \"any\";" END, 5,
		"others' mail opened for him" },
	{ "undecryptable = reject with keys",
		INBOUND "keys = \"s\";\nundecryptable = \"reject\";" END, 5,
		"tells a stranger" },
	{ "undecryptable = tempfail with keys",
		INBOUND "keys = \"s\";\nundecryptable = \"tempfail\";" END, 5,
		"tells a stranger" },
	{ "old ciphers", INBOUND "legacy = true;" END, 4, "can be broken" },
	{ "verify without anchors", "inbound = (\n{ recipient = \"*@a\"; });\n",
		2, "no signer is trusted" },
	{ "an inbound rule for nothing",
		"inbound = (\n{ recipient = \"*@a\"; verify = false; });\n", 2,
		"has no keys and verifies nothing" },
	{ "an inbound rule below one for everybody",
		STORE "trust = { anchors = \"/a\"; };\n"
		      "inbound = ({ recipient = \"*@*\"; },\n"
		      "{ recipient = \"a@b\"; });\n",
		4, "can never apply" },
	{ "SHA-1", SIGN "digest = \"sha1\";" END, 3, "SHA-1" },
	{ "PSS", SIGN "scheme = \"pss\";" END, 3, "RSASSA-PSS" },
	{ "3DES", ENCRYPT "cipher = \"3des\";" END, 5, "" },
	{ "RC2", ENCRYPT "cipher = \"rc2-128\";" END, 5, "" },
	{ "TCP", "listen = \"inet:8897@127.0.0.1\";\n", 1,
		"every local user can connect" },
	{ "TCP for the world", "listen = \"inet:8897@0.0.0.0\";\n", 1,
		"every host that reaches it" },
	{ "IPv6", "\nlisten = { socket = \"inet6:8897@::1\"; };\n", 2,
		"every local user can connect, forge" },
	{ "open socket", "listen = { mode = \"0666\"; };\n", 1,
		"lets every local user connect" },
	{ "no anchors",
		STORE "encrypt = (\n{ recipient = \"a@b\"; stores = \"s\"; "
		      "otherwise = \"reject\"; });\n",
		3, "otherwise = \"reject\" decides for every mail" },
	{ "no anchors, pass",
		STORE "encrypt = (\n{ recipient = \"a@b\"; stores = \"s\"; "
		      "otherwise = \"pass\"; });\n",
		3, "otherwise = \"pass\" decides for every mail" },
	{ "broad before narrow",
		STORE "sign = ({ sender = \"*@b\"; stores = \"s\"; },\n"
		      "{ name = \"n\"; sender = [ \"a@b\", \"c*@b\" ]; "
		      "stores = \"s\"; });\n",
		3, "rule \"n\" can never apply: rule \"sign 1\" above it" },
	{ "twice the same sender",
		SIGN "},\n{ sender = \"A@B\"; stores = \"s\"; });\n", 4,
		"rule \"sign 2\" can never apply" },
	{ "broad before narrow recipient",
		ENCRYPT "},\n{ recipient = \"a@b\"; sender = \"x@y\"; stores = "
			"\"s\"; otherwise = \"pass\"; });\n",
		6, "rule \"encrypt 2\" can never apply" },
	{ "neither is the narrower",
		STORE "sign = ({ sender = \"a*@b\"; stores = \"s\"; },\n"
		      "{ sender = \"*c@b\"; stores = \"s\"; });\n",
		3, "rules \"sign 1\" and \"sign 2\" overlap" },
	{ "neither is the narrower, of recipient and sender",
		STORE "trust = { anchors = \"/a\"; };\n"
		      "encrypt = ({ recipient = \"*@b\"; sender = \"*@x\"; "
		      "stores = \"s\"; otherwise = \"pass\"; },\n"
		      "{ recipient = \"*@*\"; sender = \"y@x\"; stores = "
		      "\"s\"; otherwise = \"pass\"; });\n",
		4, "rules \"encrypt 1\" and \"encrypt 2\" overlap" },
	{ "any for authenticated clients", SIGN "from_must_be = \"any\";" END,
		3,
		"every authenticated client can have a signature for every" },
	{ "the whole Internet", SIGN "clients = \"0.0.0.0/0\";" END, 3,
		"the whole Internet" },
	{ "the whole IPv6 Internet", SIGN "clients = \"::/0\";" END, 3,
		"the whole Internet" },
	{ "to_self without sign rules", ENCRYPT "to_self = true;" END, 5,
		"there is no sign rule" },
	{ "a directory has no keys",
		LDAP "sign = ({ sender = \"a@b\";\nstores = \"ad\"; });\n", 2,
		"store \"ad\" is of type ldap and has no keys: rule \"sign "
		"1\"" },
	{ "a directory is asked by address",
		BOTH
		"sign = ({ sender = \"a@b\"; certificate = \"subject:CN=x\";\n"
		"stores = [ \"s\", \"ad\" ]; });\n",
		2, "it finds no subject:CN=x" },
	{ "a password to another host",
		"\nreinject = { uri = \"smtp://mx.example.com:25\"; login = "
		"\"a\";"
		" password_file = \"/p\"; };",
		2, "the password goes over the network as it is" },
	{ "a password to one with the name of this one in its own",
		"\nreinject = { uri = \"smtp://127.0.0.1.example.com\"; login "
		"= \"a\";"
		" password_file = \"/p\"; };",
		2, "the password goes over the network as it is" },
	{ "a password to one below localhost of others",
		"\nreinject = { uri = \"smtp://localhost.example.com\"; login "
		"= \"a\";"
		" password_file = \"/p\"; };",
		2, "the password goes over the network as it is" },
	{ "a password to one with a longer name",
		"\nreinject = { uri = \"smtp://localhosts\"; login = \"a\";"
		" password_file = \"/p\"; };",
		2, "the password goes over the network as it is" },
};

static void
risky_settings_are_warned_of(void **state)
{
	struct written w;

	(void)state;
	written_begin(&w);
	for (size_t i = 0; i < COUNT_OF(warnings); i++) {
		const struct warned *row = &warnings[i];
		int result = written_load(&w, row->text, false);
		const struct problem *problem = w.problems.item[0];

		if (result != 0 || w.problems.count != 1 ||
			problem->kind != PROBLEM_WARNING ||
			problem->line != row->line ||
			strstr(problem->text, row->says) == NULL)
			fail_msg("%s: %s", row->label, written_problems(&w));
	}
	written_end(&w);
}

static void
included_files_stand_below_the_folder_of_their_file(void **state)
{
	struct written w;
	char *absolute;

	(void)state;
	written_begin(&w);
	written_file(&w, "user.conf", "user = \"u\";");
	written_file(
		&w, "rules.conf", "{ sender = \"a@b\"; stores = \"s\"; }\n");
	load(&w, STORE "  @include \"user.conf\"\nsign = (\n"
		       "@include \"rules.conf\"\n);\n");
	assert_string_equal(w.conf->user, "u");
	assert_int_equal(w.conf->gateway->sign_rules.count, 1);
	absolute = mem_printf("@include \"%s/user.conf\"\n", w.folder);
	load(&w, absolute);
	assert_string_equal(w.conf->user, "u");
	mem_free(absolute);
	load(&w, "# @include \"none.conf\"\n/*\n@include \"none.conf\"\n*/\n");
	assert_string_equal(w.conf->user, "smime-milter");
	written_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_comments_is_all_defaults),
		cmocka_unit_test(every_top_setting_arrives),
		cmocka_unit_test(what_a_winmail_may_cost_arrives),
		cmocka_unit_test(a_sign_rule_has_its_defaults),
		cmocka_unit_test(triggers_and_what_is_left_alone_arrive),
		cmocka_unit_test(every_setting_of_a_sign_rule_arrives),
		cmocka_unit_test(an_encrypt_rule_has_its_defaults),
		cmocka_unit_test(every_setting_of_an_encrypt_rule_arrives),
		cmocka_unit_test(a_directory_may_ask_more_than_a_rule_of_none),
		cmocka_unit_test(an_inbound_rule_has_its_defaults),
		cmocka_unit_test(every_setting_of_an_inbound_rule_arrives),
		cmocka_unit_test(every_cipher_digest_and_verdict_has_its_name),
		cmocka_unit_test(odd_files_are_taken_without_a_word),
		cmocka_unit_test(sockets_are_made_alike),
		cmocka_unit_test(risky_settings_are_warned_of),
		cmocka_unit_test(
			included_files_stand_below_the_folder_of_their_file),
	};

	return cmocka_run_group_tests_name("conf/good", tests, NULL, NULL);
}
