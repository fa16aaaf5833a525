/*
 * What readers are told: one field per fact after our prefix, and
 * Authentication-Results (RFC 8601, RFC 7281).  Strangers choose what stands
 * in certificates, so nothing of it can end a line or a quoted string.
 */
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"

/*
 * Sendmail refuses more than 32 KB of header.  What does not fit is left out,
 * the recipients of the outer layers last; never the verdict.
 */
enum {
	REPORT_BYTES = 8192,
	VALUE_BYTES = 900,
	QUOTED_BYTES = 300,
	FOLD_AT = 70
};

static const char authres[] = "Authentication-Results";

struct writer {
	struct work *work;
	size_t bytes;
};

/* Printable ASCII alone, cut, and folded where there is a blank. */
static char *
safe_value(const char *text)
{
	size_t len = strlen(text), column = 0;
	char *out, *to;

	len = len < VALUE_BYTES ? len : VALUE_BYTES;
	to = out = mem_alloc(2 * len + 2);
	*to++ = ' ';
	for (size_t i = 0; i < len; i++, column++) {
		unsigned char c = (unsigned char)text[i];

		if (c == ' ' && column >= FOLD_AT) {
			*to++ = '\n';
			column = 0;
		}
		*to++ = c < 32 || c > 126 ? '?' : (char)c;
	}
	*to = '\0';
	return out;
}

/* Takes over name and value. */
static void
insert(struct writer *writer, char *name, char *value)
{
	size_t bytes = strlen(name) + strlen(value) + 3;
	bool verdict = strcmp(name, authres) == 0;

	if (!verdict && writer->bytes + bytes > REPORT_BYTES) {
		mem_free(name);
		mem_free(value);
		return;
	}
	writer->bytes += bytes;
	edit_add(&writer->work->outcome->edits, writer->work->mail, EDIT_INSERT,
		name, value);
}

static void
put(struct writer *writer, const char *what, const char *suffix,
	const char *text)
{
	insert(writer,
		mem_printf("%s-%s-%s", writer->work->gateway->report.headers,
			what, suffix),
		safe_value(text));
}

static void
put_bool(struct writer *writer, const char *what, const char *suffix, bool yes)
{
	put(writer, what, suffix, yes ? "True" : "False");
}

/* ---- our own fields ---- */

/* ISSUER/SERIAL/KEY-ID of the certificate, as far as it is known. */
static char *
party_text(const struct cms_party *party, const struct cert *cert)
{
	char *issuer =
		cert != NULL ? cert_issuer(cert) : mem_string(party->issuer);
	char *serial =
		cert != NULL ? cert_serial(cert) : mem_string(party->serial);
	char *text = mem_printf("%s/%s/%s", issuer, serial, party->key_id);

	mem_free(issuer);
	mem_free(serial);
	return text;
}

static void
put_encryption(
	struct writer *writer, const struct inbound_layer *layer, size_t level)
{
	const struct cms_envelope *envelope = &layer->envelope;
	char *suffix = mem_printf("%zu", level), *text;

	if (envelope->algorithm[0] != '\0') {
		text = envelope->key_bits != 0
			       ? mem_printf("%s, Key size: %u",
					 envelope->algorithm,
					 envelope->key_bits)
			       : mem_string(envelope->algorithm);
		put(writer, "Encryption-Algorithm", suffix, text);
		mem_free(text);
	}
	if (layer->opened)
		put_bool(writer, "Encryption-Authenticated", suffix,
			layer->vouched_for);
	mem_free(suffix);
}

static void
put_recipients(
	struct writer *writer, const struct inbound_layer *layer, size_t level)
{
	const struct cms_party *party;
	size_t index = 0;

	LIST_FOREACH (party, &layer->envelope.recipients) {
		char *suffix = mem_printf("%zu-%zu", index++, level);
		char *text = mem_printf("%s/%s/%s/%s", party->issuer,
			party->serial, party->key_id, party->key_algorithm);

		put(writer, "Encryption-Recipient", suffix, text);
		mem_free(text);
		mem_free(suffix);
	}
}

static bool
is_too_weak(const struct work *work, const struct inbound_signer *signer)
{
	return signer->cms->weak != 0 && !work->inbound.weak_ok;
}

/*
 * A reader of this field alone must not take a stranger with a certificate,
 * or a signature that anybody could have made, for the author.
 */
static bool
is_trusted(const struct work *work, const struct inbound_signer *signer)
{
	return signer->cms->verified && signer->trusted && signer->is_author &&
	       !is_too_weak(work, signer);
}

/* Why not, or a remark. */
static const char *
signer_why(const struct work *work, const struct inbound_signer *signer)
{
	if (!signer->cms->verified)
		return signer->cms->why.text;
	if (!signer->trusted)
		return signer->why.text;
	if (!signer->is_author)
		return "the certificate is not for the one address in From";
	if (is_too_weak(work, signer))
		return "the signature or its key is weak";
	return signer->why.text;
}

static void
put_signers(
	struct writer *writer, const struct inbound_layer *layer, size_t level)
{
	const struct work *work = writer->work;
	const struct inbound_signer *signer;
	size_t index = 0;

	LIST_FOREACH (signer, &layer->signers) {
		char *suffix = mem_printf("%zu-%zu", index++, level);
		char *id = party_text(&signer->cms->party, signer->cms->cert);

		put(writer, "Signer-ID", suffix, id);
		put_bool(writer, "Signer-Verified", suffix,
			signer->cms->verified);
		put_bool(writer, "Signer-Trusted", suffix,
			is_trusted(work, signer));
		if (signer_why(work, signer)[0] != '\0')
			put(writer, "Signer-Trusted-Info", suffix,
				signer_why(work, signer));
		mem_free(id);
		mem_free(suffix);
	}
}

/* ---- Authentication-Results ---- */

static bool
is_plain(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
						    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						    "0123456789.@_+-")] == '\0';
}

/* A quoted-string, or the word itself; a serial number may have kilobytes. */
static char *
quoted(const char *text)
{
	size_t len = strnlen(text, QUOTED_BYTES);
	char *out, *to;

	if (is_plain(text))
		return mem_string_n(text, len);
	to = out = mem_alloc(2 * len + 3);
	*to++ = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			*to++ = '\\';
		*to++ = c < 32 || c > 126 ? '?' : (char)c;
	}
	*to++ = '"';
	*to = '\0';
	return out;
}

static void
add_property(struct buf *out, const char *name, const char *text)
{
	char *value = quoted(text);

	(void)!buf_add_format(out, NULL, "\n\t%s=%s", name, value);
	mem_free(value);
}

/* Who has signed, as the layer that decides says it. */
static void
add_properties(struct buf *out, const struct inbound_report *report,
	const struct inbound_layer *layer)
{
	const struct inbound_signer *signer =
		layer != NULL ? verdict_author(layer) : NULL;

	if (report->identifier != NULL)
		add_property(out, "body.smime-identifier", report->identifier);
	if (signer == NULL && layer != NULL && layer->signers.count != 0)
		signer = layer->signers.item[0];
	if (signer == NULL || signer->cms->cert == NULL)
		return;
	{
		char *serial = cert_serial(signer->cms->cert);
		char *issuer = cert_issuer(signer->cms->cert);

		add_property(out, "body.smime-serial", serial);
		add_property(out, "body.smime-issuer", issuer);
		mem_free(serial);
		mem_free(issuer);
	}
}

static void
put_results(struct writer *writer, const struct inbound_layer *layer)
{
	const struct inbound_report *report = &writer->work->outcome->inbound;
	char *id = quoted(report_authserv_id(writer->work));
	struct buf value = { 0 };

	if (buf_add_format(&value, NULL, " %s;\n\tsmime=%s", id,
		    inbound_verdict_name(report->verdict)) == 0) {
		if (report->why != NULL && report->verdict != INBOUND_PASS)
			add_property(&value, "reason", report->why);
		add_properties(&value, report, layer);
		insert(writer, mem_string(authres),
			mem_string_n(value.data, value.len));
	}
	buf_clear(&value);
	mem_free(id);
}

/*
 * The mail may leave the house, too: what we think of it, and whose keys we
 * have, is not for strangers.
 */
static bool
is_for_strangers(struct work *work)
{
	for (size_t i = 0; i < work->inbound.count; i++) {
		const struct inbound_entry *entry = &work->inbound.entries[i];
		const struct encrypt_rule *rule = NULL;

		if (entry->rule != NULL)
			continue;
		if (encrypt_rule_for(work->gateway, &work->facts,
			    entry->address, work_trace(work), &rule) != 1)
			rule = NULL;
		if (!recipient_is_internal(work->gateway, rule, entry->address))
			return true;
	}
	return false;
}

void
report_write(struct work *work, const struct inbound_layer *decides)
{
	const struct list *layers = &work->outcome->inbound.layers;
	struct writer writer = { .work = work };
	const struct inbound_layer *layer;
	size_t level = 0;

	if (is_for_strangers(work)) {
		trace_add(work_trace(work),
			"no report: not every recipient has an inbound rule "
			"or is internal");
		return;
	}
	if (work->inbound.verify)
		put_results(&writer, decides);
	LIST_FOREACH (layer, layers) {
		if (layer->encrypted)
			put_encryption(&writer, layer, level);
		else if (work->inbound.verify)
			put_signers(&writer, layer, level);
		level++;
	}
	level = 0;
	LIST_FOREACH (layer, layers) {
		if (layer->encrypted)
			put_recipients(&writer, layer, level);
		level++;
	}
	tags_set(work);
}
