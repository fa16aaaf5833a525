/*
 * Every setting of the file, a row each.
 * lint: long, because there is one table of them.
 */
#include <stddef.h>
#include <sys/syslog.h>

#include "conf/internal.h"

static const struct conf_word log_levels[] = { { "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING }, { "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG }, { NULL, 0 } };
static const struct conf_word log_targets[] = { { "syslog", LOG_TO_SYSLOG },
	{ "stderr", LOG_TO_STDERR }, { NULL, 0 } };
static const struct conf_word facilities[] = { { "mail", LOG_MAIL },
	{ "daemon", LOG_DAEMON }, { "user", LOG_USER },
	{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 }, { NULL, 0 } };
static const struct conf_word mixed[] = { { "all-or-nothing", 0 },
	{ "split", 1 }, { NULL, 0 } };
static const struct conf_word internal_copies[] = { { "protect", 0 },
	{ "clear", 1 }, { NULL, 0 } };
static const struct conf_word bcc[] = { { "reject", 0 }, { "share", 1 },
	{ NULL, 0 } };
static const struct conf_word tnef_broken[] = { { "beside",
							TNEF_BROKEN_BESIDE },
	{ "instead", TNEF_BROKEN_INSTEAD }, { NULL, 0 } };
static const struct conf_word revocation[] = { { "off", TRUST_REVOCATION_OFF },
	{ "soft", TRUST_REVOCATION_SOFT }, { "hard", TRUST_REVOCATION_HARD },
	{ NULL, 0 } };
static const struct conf_word from_must_be[] = { { "login", FROM_LOGIN },
	{ "envelope", FROM_ENVELOPE }, { "any", FROM_ANY }, { NULL, 0 } };
static const struct conf_word forms[] = { { "detached", SMIME_FORM_DETACHED },
	{ "opaque", SMIME_FORM_OPAQUE }, { NULL, 0 } };
static const struct conf_word digests[] = { { "sha1", CRYPTO_SHA1 },
	{ "sha256", CRYPTO_SHA256 }, { "sha384", CRYPTO_SHA384 },
	{ "sha512", CRYPTO_SHA512 }, { NULL, 0 } };
static const struct conf_word schemes[] = { { "pkcs1", CMS_PKCS1 },
	{ "pss", CMS_PSS }, { NULL, 0 } };
static const struct conf_word ciphers[] = { { "aes-128-cbc", CMS_AES128_CBC },
	{ "aes-192-cbc", CMS_AES192_CBC }, { "aes-256-cbc", CMS_AES256_CBC },
	{ "aes-128-gcm", CMS_AES128_GCM }, { "aes-256-gcm", CMS_AES256_GCM },
	{ "3des", CMS_3DES }, { "rc2-128", CMS_RC2_128 }, { NULL, 0 } };
static const struct conf_word transports[] = { { "pkcs1", CMS_RSA_PKCS1 },
	{ "oaep", CMS_RSA_OAEP }, { NULL, 0 } };
static const struct conf_word accepts[] = { { "pgp", ACCEPT_PGP },
	{ NULL, 0 } };
/* A mail cannot be quarantined for one recipient and not for the others. */
static const struct conf_word encrypt_otherwise[] = {
	{ "pass", OTHERWISE_PASS }, { "tempfail", OTHERWISE_TEMPFAIL },
	{ "reject", OTHERWISE_REJECT }, { NULL, 0 }
};
static const struct conf_word sign_otherwise[] = { { "pass", OTHERWISE_PASS },
	{ "quarantine", OTHERWISE_QUARANTINE },
	{ "tempfail", OTHERWISE_TEMPFAIL }, { "reject", OTHERWISE_REJECT },
	{ NULL, 0 } };

static const struct conf_word keys_for[] = { { "recipient", 0 }, { "any", 1 },
	{ NULL, 0 } };
static const struct conf_word weak_signatures[] = { { "policy", 0 },
	{ "pass", 1 }, { NULL, 0 } };

static const struct conf_word key_kinds[] = { { "rsa-2048", CA_RSA_2048 },
	{ "rsa-3072", CA_RSA_3072 }, { "rsa-4096", CA_RSA_4096 },
	{ "p-256", CA_P256 }, { "p-384", CA_P384 }, { NULL, 0 } };
static const struct conf_word ca_digests[] = { { "sha256", CRYPTO_SHA256 },
	{ "sha384", CRYPTO_SHA384 }, { "sha512", CRYPTO_SHA512 }, { NULL, 0 } };
static const struct conf_word ca_schemes[] = { { "pkcs1", CA_PKCS1 },
	{ "pss", CA_PSS }, { NULL, 0 } };

static const struct conf_word pkcs12_forms[] = { { "aes", 0 }, { "legacy", 1 },
	{ NULL, 0 } };
static const struct conf_word delivery_ways[] = { { "sendmail", 0 },
	{ "reinject", 1 }, { NULL, 0 } };

static const struct conf_range drain_range = { 1, 86400 };
static const struct conf_range mails_range = { 1, 100000 };
static const struct conf_range depth_range = { 1, 1000 };
static const struct conf_range parts_range = { 1, 1000000 };
static const struct conf_range layers_range = { 1, 100 };
static const struct conf_range recipients_range = { 1, 100000 };
static const struct conf_range fields_range = { 100, 10000 };
static const struct conf_range seconds_range = { 1, 3600 };
static const struct conf_range hours_range = { 1, 8784 };
static const struct conf_range count_range = { 0, 100000000 };
static const struct conf_range properties_range = { 1, 100000000 };
static const struct conf_range tnef_depth_range = { 1, 50 };
static const struct conf_range cache_range = { 0, 86400 };
static const struct conf_range days_range = { 1, 36500 };

static const struct conf_word when_to_sign[] = { { "always", 0 },
	{ "when-encrypting", 1 }, { NULL, 0 } };

static const struct conf_word left_mails[] = { { "protect", TREAT_PROTECT },
	{ "sign", TREAT_SIGN }, { "skip", TREAT_SKIP }, { NULL, 0 } };
static const struct conf_word left_calendar[] = { { "sign-detached",
							  TREAT_SIGN_DETACHED },
	{ "skip", TREAT_SKIP }, { "protect", TREAT_PROTECT }, { NULL, 0 } };
static const struct conf_word left_lists[] = { { "detached", TREAT_DETACHED },
	{ "opaque", TREAT_OPAQUE }, { "skip", TREAT_SKIP },
	{ "protect", TREAT_PROTECT }, { NULL, 0 } };
static const struct conf_word left_partial[] = { { "reject", TREAT_REJECT },
	{ "pass", TREAT_SKIP }, { NULL, 0 } };

static const struct conf_word modes[] = { { "none", MODE_NONE },
	{ "allow", MODE_ALLOW }, { "mandatory", MODE_MANDATORY }, { NULL, 0 } };
static const struct conf_word mode_of[] = { { "recipient", MODE_OF_RECIPIENT },
	{ "sender", MODE_OF_SENDER }, { NULL, 0 } };
static const struct conf_word localities[] = { { "internal",
						       LOCALITY_INTERNAL },
	{ "external", LOCALITY_EXTERNAL }, { NULL, 0 } };
static const struct conf_word bad_lines[] = { { "refuse", 0 }, { "skip", 1 },
	{ NULL, 0 } };

#define AT(type, field) offsetof(struct type, field)
#define ROW(where, name, fallback, kind, offset, detail)                       \
	{                                                                      \
		where, name, fallback, false, &kind, offset, detail            \
	}
#define NEEDED(where, name, kind, offset, detail)                              \
	{                                                                      \
		where, name, NULL, true, &kind, offset, detail                 \
	}

/* What of a mail makes a rule apply; the same for both lists. */
#define TRIGGERS(where)                                                        \
	ROW(where, "subject", NULL, kind_trigger_text,                         \
		AT(rule_draft, rule.trigger.subject), NULL),                   \
		ROW(where, "subject_remove", "false", kind_yes_no,             \
			AT(rule_draft, rule.trigger.subject_remove), NULL),    \
		ROW(where, "header", NULL, kind_trigger_header,                \
			AT(rule_draft, rule.trigger), NULL),                   \
		ROW(where, "size", NULL, kind_trigger_size,                    \
			AT(rule_draft, rule.trigger), NULL),                   \
		ROW(where, "has_attachment", NULL, kind_trigger_attachment,    \
			AT(rule_draft, rule.trigger.attachment), NULL)

#define LEFT(name, fallback, kind, words)                                      \
	ROW("leave_alone", name, "\"" fallback "\"", kind_word,                \
		AT(special_settings, treatment[kind]), words)

/* Who it is for, when these are many; the same for both lists. */
#define TABLES(where)                                                          \
	ROW(where, "table", NULL, kind_path, AT(rule_draft, table), NULL),     \
		ROW(where, "table_bad_lines", "\"refuse\"", kind_word,         \
			AT(rule_draft, bad_lines), bad_lines),                 \
		ROW(where, "mode", NULL, kind_word, AT(rule_draft, mode),      \
			modes)

static const struct conf_row rows[] = {
	ROW("", "listen", "{ }", kind_listen, 0, NULL),
	ROW("", "control", "{ }", kind_control, 0, NULL),
	ROW("", "user", "\"smime-milter\"", kind_text, AT(conf, user), NULL),
	ROW("", "state", "\"/var/lib/smime-milter\"", kind_path,
		AT(conf, state), NULL),
	ROW("", "pid_file", "\"/run/smime-milter/smime-milter.pid\"", kind_path,
		AT(conf, pid_file), NULL),
	ROW("", "drain_seconds", "300", kind_number, AT(conf, drain_seconds),
		&drain_range),
	ROW("", "log", "{ }", kind_log, 0, NULL),
	ROW("", "limits", "{ }", kind_limits, 0, NULL),
	ROW("", "stores", NULL, kind_stores, 0, NULL),
	ROW("", "trust", "{ }", kind_trust, 0, NULL),
	ROW("", "sign", NULL, kind_sign, 0, NULL),
	ROW("", "encrypt", NULL, kind_encrypt, 0, NULL),
	ROW("", "login_map", NULL, kind_login_map, 0, NULL),
	ROW("", "internal", NULL, kind_internal, AT(gateway, internal), NULL),
	ROW("", "mixed", "\"all-or-nothing\"", kind_mixed, 0, mixed),
	ROW("", "bcc", "\"reject\"", kind_bcc, 0, bcc),
	ROW("", "refuse_early", "true", kind_refuse_early, 0, NULL),
	ROW("", "tnef_broken", "\"beside\"", kind_tnef_broken, 0, tnef_broken),
	ROW("", "internal_copy", "\"protect\"", kind_internal_copy, 0,
		internal_copies),
	ROW("", "reinject", NULL, kind_reinject, 0, NULL),
	ROW("", "inbound", NULL, kind_inbound, 0, NULL),
	ROW("", "report", "{ }", kind_report, 0, NULL),
	ROW("", "leave_alone", "{ }", kind_leave_alone, 0, NULL),
	ROW("", "ca", NULL, kind_ca, 0, NULL),
	ROW("", "ca_templates", NULL, kind_ca_templates, 0, NULL),
	ROW("", "ca_delivery", "{ }", kind_ca_delivery, 0, NULL),
	ROW("", "ca_publish", NULL, kind_ca_publish, 0, NULL),
	ROW("", "ca_user", "\"smime-milter-ca\"", kind_text, AT(conf, ca_user),
		NULL),

	ROW("listen", "socket",
		"\"unix:/var/spool/postfix/smime-milter/milter.sock\"",
		kind_socket, AT(conf, listen.socket), NULL),
	ROW("listen", "group", NULL, kind_text, AT(conf, listen.group), NULL),
	ROW("listen", "mode", "\"0660\"", kind_mode, AT(conf, listen.mode),
		NULL),

	ROW("control", "socket", "\"/run/smime-milter/control.sock\"",
		kind_control_socket, AT(conf, control.socket), NULL),
	ROW("control", "group", NULL, kind_text, AT(conf, control.group), NULL),
	ROW("control", "writers", NULL, kind_texts, AT(conf, control_writers),
		NULL),

	ROW("log", "level", "\"info\"", kind_word, AT(conf, log_level),
		log_levels),
	ROW("log", "to", "\"syslog\"", kind_word, AT(conf, log_target),
		log_targets),
	ROW("log", "facility", "\"mail\"", kind_word, AT(conf, log_facility),
		facilities),

	ROW("limits", "message", "\"50M\"", kind_size,
		AT(limits_draft, message), NULL),
	ROW("limits", "buffered", "\"1G\"", kind_size,
		AT(limits_draft, buffered), NULL),
	ROW("limits", "mails", "200", kind_number, AT(limits_draft, mails),
		&mails_range),
	ROW("limits", "mime_depth", "20", kind_number,
		AT(limits_draft, mime_depth), &depth_range),
	ROW("limits", "mime_parts", "1000", kind_number,
		AT(limits_draft, mime_parts), &parts_range),
	ROW("limits", "cms_layers", "4", kind_number,
		AT(limits_draft, cms_layers), &layers_range),
	ROW("limits", "encrypt_recipients", "500", kind_number,
		AT(limits_draft, encrypt_recipients), &recipients_range),
	ROW("limits", "copies", "100", kind_number, AT(limits_draft, copies),
		&recipients_range),
	ROW("limits", "header_fields", "1000", kind_number,
		AT(limits_draft, header_fields), &fields_range),
	ROW("limits", "lookup_seconds", "8", kind_number,
		AT(limits_draft, lookup_seconds), &seconds_range),
	ROW("limits", "decrypt_failures", "100", kind_number,
		AT(limits_draft, decrypt_failures), &count_range),
	ROW("limits", "harvest_day", "1000", kind_number,
		AT(limits_draft, harvest_day), &count_range),
	ROW("limits", "harvest_total", "100000", kind_number,
		AT(limits_draft, harvest_total), &count_range),
	ROW("limits", "tnef_depth", "10", kind_number,
		AT(limits_draft, tnef_depth), &tnef_depth_range),
	ROW("limits", "tnef_attachments", "1000", kind_number,
		AT(limits_draft, tnef_attachments), &parts_range),
	ROW("limits", "tnef_people", "5000", kind_number,
		AT(limits_draft, tnef_people), &parts_range),
	ROW("limits", "tnef_properties", "100000", kind_number,
		AT(limits_draft, tnef_properties), &properties_range),
	ROW("limits", "tnef_unpacked", "\"64M\"", kind_size,
		AT(limits_draft, tnef_unpacked), NULL),
	ROW("limits", "tnef_ratio", "16", kind_number,
		AT(limits_draft, tnef_ratio), &parts_range),

	NEEDED("reinject", "uri", kind_text, AT(conf_reinject, uri), NULL),
	ROW("reinject", "start_tls", "false", kind_yes_no,
		AT(conf_reinject, start_tls), NULL),
	ROW("reinject", "ca_file", NULL, kind_path, AT(conf_reinject, ca_file),
		NULL),
	ROW("reinject", "login", NULL, kind_text, AT(conf_reinject, login),
		NULL),
	ROW("reinject", "password_file", NULL, kind_path,
		AT(conf_reinject, password_file), NULL),
	ROW("reinject", "timeout_seconds", "300", kind_number,
		AT(conf_reinject, timeout_seconds), &seconds_range),
	ROW("reinject", "mark", "true", kind_yes_no, AT(conf_reinject, mark),
		NULL),
	ROW("reinject", "keep_hours", "120", kind_number,
		AT(conf_reinject, keep_hours), &hours_range),

	NEEDED("stores", "name", kind_text, AT(store_draft, name), NULL),
	NEEDED("stores", "type", kind_text, AT(store_draft, type), NULL),
	ROW("stores", "path", NULL, kind_path, AT(store_draft, path), NULL),
	ROW("stores", "password_file", NULL, kind_path,
		AT(store_draft, password_file), NULL),
	ROW("stores", "uri", NULL, kind_text, AT(store_draft, uri), NULL),
	ROW("stores", "module", NULL, kind_path, AT(store_draft, module), NULL),
	ROW("stores", "base", NULL, kind_text, AT(store_draft, base), NULL),
	ROW("stores", "start_tls", "false", kind_yes_no,
		AT(store_draft, start_tls), NULL),
	ROW("stores", "ca_file", NULL, kind_path, AT(store_draft, ca_file),
		NULL),
	ROW("stores", "bind_dn", NULL, kind_text, AT(store_draft, bind_dn),
		NULL),
	ROW("stores", "filter", "\"(|(mail=%s)(proxyAddresses=smtp:%s))\"",
		kind_text, AT(store_draft, filter), NULL),
	ROW("stores", "attributes",
		"[ \"userSMIMECertificate;binary\", "
		"\"userCertificate;binary\" ]",
		kind_texts, AT(store_draft, attributes), NULL),
	ROW("stores", "timeout_seconds", "5", kind_number,
		AT(store_draft, timeout_seconds), &seconds_range),
	ROW("stores", "cache_seconds", "300", kind_number,
		AT(store_draft, cache_seconds), &cache_range),
	ROW("stores", "negative_cache_seconds", "60", kind_number,
		AT(store_draft, negative_cache_seconds), &cache_range),

	ROW("trust", "anchors", "[ ]", kind_paths, AT(trust_draft, anchors),
		NULL),
	ROW("trust", "intermediates", "[ ]", kind_paths,
		AT(trust_draft, intermediates), NULL),
	ROW("trust", "crls", "[ ]", kind_paths, AT(trust_draft, crls), NULL),
	ROW("trust", "revocation", "\"soft\"", kind_word,
		AT(trust_draft, revocation), revocation),
	ROW("trust", "fetch_crls", "true", kind_yes_no,
		AT(trust_draft, fetch_crls), NULL),
	ROW("trust", "fetch_private", "false", kind_yes_no,
		AT(trust_draft, fetch_private), NULL),
	ROW("trust", "proxy", NULL, kind_proxy, AT(trust_draft, proxy), NULL),

	ROW("sign", "name", NULL, kind_text, AT(rule_draft, rule.name), NULL),
	ROW("sign", "sender", NULL, kind_patterns, AT(rule_draft, rule.senders),
		NULL),
	TABLES("sign"),
	ROW("sign", "mode_from", NULL, kind_mode_from, 0, NULL),
	ROW("sign", "clients", "[ \"authenticated\", \"local\" ]", kind_clients,
		AT(rule_draft, rule.clients), NULL),
	ROW("sign", "from_must_be", NULL, kind_word,
		AT(rule_draft, rule.from_must_be), from_must_be),
	ROW("sign", "stores", NULL, kind_texts, AT(rule_draft, stores), NULL),
	ROW("sign", "certificate", "\"address\"", kind_text,
		AT(rule_draft, certificate), NULL),
	ROW("sign", "form", "\"detached\"", kind_word, AT(rule_draft, form),
		forms),
	ROW("sign", "digest", "\"sha256\"", kind_word, AT(rule_draft, digest),
		digests),
	ROW("sign", "scheme", "\"pkcs1\"", kind_word, AT(rule_draft, scheme),
		schemes),
	TRIGGERS("sign"),
	ROW("sign", "sign", "\"always\"", kind_word, AT(rule_draft, when),
		when_to_sign),
	ROW("sign", "wanted", "false", kind_yes_no, AT(rule_draft, wanted),
		NULL),
	ROW("sign", "tnef", "false", kind_yes_no, AT(rule_draft, tnef), NULL),
	ROW("sign", "otherwise", NULL, kind_word, AT(rule_draft, otherwise),
		sign_otherwise),

	ROW("encrypt", "name", NULL, kind_text, AT(rule_draft, rule.name),
		NULL),
	ROW("encrypt", "recipient", NULL, kind_patterns,
		AT(rule_draft, rule.recipients), NULL),
	TABLES("encrypt"),
	ROW("encrypt", "mode_from", NULL, kind_mode_from, 0, NULL),
	ROW("encrypt", "locality", NULL, kind_word, AT(rule_draft, locality),
		localities),
	ROW("encrypt", "sender", NULL, kind_patterns,
		AT(rule_draft, rule.senders), NULL),
	ROW("encrypt", "clients", NULL, kind_clients,
		AT(rule_draft, rule.clients), NULL),
	TRIGGERS("encrypt"),
	ROW("encrypt", "stores", NULL, kind_texts, AT(rule_draft, stores),
		NULL),
	ROW("encrypt", "certificate", "\"address\"", kind_text,
		AT(rule_draft, certificate), NULL),
	ROW("encrypt", "trusted", "true", kind_yes_no, AT(rule_draft, trusted),
		NULL),
	ROW("encrypt", "weak_keys", "false", kind_yes_no,
		AT(rule_draft, weak_keys), NULL),
	ROW("encrypt", "cipher", "\"aes-256-cbc\"", kind_word,
		AT(rule_draft, cipher), ciphers),
	ROW("encrypt", "key_transport", "\"pkcs1\"", kind_word,
		AT(rule_draft, transport), transports),
	ROW("encrypt", "oaep_digest", "\"sha256\"", kind_word,
		AT(rule_draft, oaep_digest), digests),
	ROW("encrypt", "to_self", "false", kind_yes_no, AT(rule_draft, to_self),
		NULL),
	ROW("encrypt", "tnef", "false", kind_yes_no, AT(rule_draft, tnef),
		NULL),
	ROW("encrypt", "accept", NULL, kind_word, AT(rule_draft, accept),
		accepts),
	ROW("encrypt", "otherwise", NULL, kind_word, AT(rule_draft, otherwise),
		encrypt_otherwise),

	NEEDED("mode_from", "store", kind_text, AT(rule_draft, mode_store),
		NULL),
	NEEDED("mode_from", "attribute", kind_text,
		AT(rule_draft, mode_attribute), NULL),
	ROW("mode_from", "of", NULL, kind_word, AT(rule_draft, mode_of),
		mode_of),

	NEEDED("header", "name", kind_trigger_text, AT(trigger, header), NULL),
	ROW("header", "value", "\"*\"", kind_trigger_text,
		AT(trigger, header_value), NULL),

	ROW("size", "min", NULL, kind_trigger_bytes, AT(trigger, min_bytes),
		NULL),
	ROW("size", "max", NULL, kind_trigger_bytes, AT(trigger, max_bytes),
		NULL),

	ROW("inbound", "name", NULL, kind_text, AT(rule_draft, rule.name),
		NULL),
	NEEDED("inbound", "recipient", kind_patterns,
		AT(rule_draft, rule.recipients), NULL),
	ROW("inbound", "keys", NULL, kind_texts, AT(rule_draft, stores), NULL),
	ROW("inbound", "keys_for", "\"recipient\"", kind_word,
		AT(rule_draft, keys_for), keys_for),
	ROW("inbound", "verify", "true", kind_yes_no, AT(rule_draft, verify),
		NULL),
	ROW("inbound", "harvest", NULL, kind_text, AT(rule_draft, harvest),
		NULL),
	ROW("inbound", "undecryptable", "\"pass\"", kind_word,
		AT(rule_draft, undecryptable), sign_otherwise),
	ROW("inbound", "bad_signature", "\"pass\"", kind_word,
		AT(rule_draft, bad_signature), sign_otherwise),
	ROW("inbound", "strip_signature", "false", kind_yes_no,
		AT(rule_draft, strip_signature), NULL),
	ROW("inbound", "weak_signatures", "\"policy\"", kind_word,
		AT(rule_draft, weak_signatures), weak_signatures),
	ROW("inbound", "legacy", "false", kind_yes_no, AT(rule_draft, legacy),
		NULL),

	LEFT("reports", "skip", SPECIAL_REPORT, left_mails),
	LEFT("partial", "reject", SPECIAL_PARTIAL, left_partial),
	LEFT("calendar", "sign-detached", SPECIAL_CALENDAR, left_calendar),
	LEFT("answers", "protect", SPECIAL_ANSWER, left_mails),
	LEFT("lists", "detached", SPECIAL_LIST, left_lists),
	LEFT("bulk", "protect", SPECIAL_BULK, left_mails),
	ROW("leave_alone", "even_mandatory", "[ ]", kind_even_mandatory, 0,
		NULL),

	ROW("report", "headers", "\"X-SMIME-Milter-Info\"", kind_text,
		AT(report_settings, headers), NULL),
	ROW("report", "authserv_id", "\"\"", kind_any_text,
		AT(report_settings, authserv_id), NULL),
	ROW("report", "subject_tags", "false", kind_yes_no,
		AT(report_settings, subject_tags), NULL),

	NEEDED("ca", "name", kind_text, AT(ca_settings, name), NULL),
	NEEDED("ca", "path", kind_path, AT(ca_settings, path), NULL),
	ROW("ca", "default", "false", kind_yes_no, AT(ca_settings, is_default),
		NULL),
	ROW("ca", "password_file", NULL, kind_path,
		AT(ca_settings, password_file), NULL),
	ROW("ca", "key_store", NULL, kind_text, AT(ca_settings, key_store),
		NULL),
	ROW("ca", "key", "\"rsa-3072\"", kind_word, AT(ca_settings, key),
		key_kinds),
	ROW("ca", "digest", "\"sha256\"", kind_word, AT(ca_settings, digest),
		ca_digests),
	ROW("ca", "scheme", "\"pkcs1\"", kind_word, AT(ca_settings, scheme),
		ca_schemes),
	ROW("ca", "domains", NULL, kind_domains, AT(ca_settings, domains),
		NULL),
	ROW("ca", "wanted_day", "100", kind_number, AT(ca_settings, wanted_day),
		&count_range),
	ROW("ca", "store", NULL, kind_text, AT(ca_settings, store), NULL),
	ROW("ca", "crl_url", NULL, kind_url, AT(ca_settings, crl_url), NULL),
	ROW("ca", "crl_file", NULL, kind_path, AT(ca_settings, crl_file), NULL),
	ROW("ca", "crl_days", "30", kind_number, AT(ca_settings, crl_days),
		&days_range),
	ROW("ca", "crl_command", NULL, kind_path, AT(ca_settings, crl_command),
		NULL),

	NEEDED("ca_templates", "name", kind_text, AT(ca_template, name), NULL),
	ROW("ca_templates", "days", "365", kind_number, AT(ca_template, days),
		&days_range),
	ROW("ca_templates", "key", "\"rsa-3072\"", kind_word,
		AT(ca_template, key), key_kinds),
	ROW("ca_templates", "usage", "[ \"sign\", \"encrypt\" ]", kind_usage, 0,
		NULL),
	ROW("ca_templates", "extended_usage", "[ \"emailProtection\" ]",
		kind_texts, AT(ca_template, extended), NULL),
	ROW("ca_templates", "domain", "false", kind_yes_no,
		AT(ca_template, domain), NULL),
	ROW("ca_templates", "domains", NULL, kind_domains,
		AT(ca_template, domains), NULL),
	ROW("ca_templates", "upn", "false", kind_yes_no, AT(ca_template, upn),
		NULL),
	ROW("ca_templates", "capabilities", "true", kind_yes_no,
		AT(ca_template, capabilities), NULL),
	ROW("ca_templates", "crl_url", NULL, kind_url, AT(ca_template, crl_url),
		NULL),

	ROW("ca_delivery", "from", NULL, kind_text,
		AT(ca_delivery_draft, delivery.from), NULL),
	ROW("ca_delivery", "contact", NULL, kind_text,
		AT(ca_delivery_draft, delivery.contact), NULL),
	ROW("ca_delivery", "templates", "\"/etc/smime-milter/templates\"",
		kind_path, AT(ca_delivery_draft, delivery.templates), NULL),
	ROW("ca_delivery", "pkcs12", "\"aes\"", kind_word,
		AT(ca_delivery_draft, legacy), pkcs12_forms),
	ROW("ca_delivery", "via", "\"sendmail\"", kind_word,
		AT(ca_delivery_draft, reinject), delivery_ways),
	ROW("ca_delivery", "sendmail", "\"/usr/sbin/sendmail\"", kind_path,
		AT(ca_delivery_draft, delivery.sendmail), NULL),
	ROW("ca_delivery", "password_command", NULL, kind_texts,
		AT(ca_delivery_draft, delivery.password_command), NULL),

	NEEDED("ca_publish", "store", kind_text, AT(conf_publish, store), NULL),
	ROW("ca_publish", "bind_dn", NULL, kind_text, AT(conf_publish, bind_dn),
		NULL),
	ROW("ca_publish", "password_file", NULL, kind_path,
		AT(conf_publish, password_file), NULL),
};

const struct conf_row *
conf_rows(size_t *count)
{
	*count = COUNT_OF(rows);
	return rows;
}
