#include "edits.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* The largest body packet of the protocol, and what one call may hold. */
enum { PACKET_BYTES = 65535, CALL_BYTES = PACKET_BYTES * 256 };
/* The same place at Postfix and Sendmail: below the MTA's own Received. */
enum { BELOW_RECEIVED = 1 };
/* libmilter takes no longer reply lines. */
enum { REPLY_BYTES = 900 };

static int
failed(struct error *err, const char *call)
{
	return error_set(err, ERROR_SYSTEM, "the MTA did not take %s", call);
}

/* ---- header ---- */

static int
change(SMFICTX *ctx, const struct edit *edit, unsigned index, const char *value)
{
	return smfi_chgheader(ctx, edit->name, (int)index, (char *)value) ==
			       MI_SUCCESS
		       ? 0
		       : -1;
}

/*
 * From the highest index down: Postfix renumbers after each deletion,
 * Sendmail does not.
 */
static int
remove_down_to(SMFICTX *ctx, const struct edit *edit, unsigned lowest)
{
	for (unsigned index = edit->count; index >= lowest; index--)
		if (change(ctx, edit, index, NULL) != 0)
			return -1;
	return 0;
}

static int
send_edit(SMFICTX *ctx, const struct edit *edit, bool leading_blanks)
{
	char *value = edit->value;

	if (value != NULL && !leading_blanks && *value == ' ')
		value++;
	switch (edit->kind) {
	case EDIT_REMOVE:
		return remove_down_to(ctx, edit, 1);
	case EDIT_SET:
		if (edit->count == 0)
			break;
		if (remove_down_to(ctx, edit, 2) != 0)
			return -1;
		return change(ctx, edit, 1, value);
	case EDIT_CHANGE:
		return change(ctx, edit, edit->index, value);
	case EDIT_INSERT:
		return smfi_insheader(ctx, BELOW_RECEIVED, edit->name, value) ==
				       MI_SUCCESS
			       ? 0
			       : -1;
	case EDIT_ADD:
		break;
	}
	return smfi_addheader(ctx, edit->name, value) == MI_SUCCESS ? 0 : -1;
}

/* Each insertion goes above the one before, and indices move: they are last. */
static int
send_edits(SMFICTX *ctx, const struct list *edits, bool leading_blanks)
{
	const struct edit *edit;

	LIST_FOREACH (edit, edits)
		if (edit->kind != EDIT_INSERT &&
			send_edit(ctx, edit, leading_blanks) != 0)
			return -1;
	for (size_t i = edits->count; i-- > 0;) {
		edit = edits->item[i];
		if (edit->kind == EDIT_INSERT &&
			send_edit(ctx, edit, leading_blanks) != 0)
			return -1;
	}
	return 0;
}

/* ---- body ---- */

struct packer {
	SMFICTX *ctx;
	unsigned char *held;
	size_t held_len;
};

static int
replace(SMFICTX *ctx, const unsigned char *data, size_t len)
{
	return smfi_replacebody(ctx, (unsigned char *)data, (int)len) ==
			       MI_SUCCESS
		       ? 0
		       : -1;
}

static int
flush(struct packer *packer)
{
	size_t len = packer->held_len;

	packer->held_len = 0;
	return len == 0 ? 0 : replace(packer->ctx, packer->held, len);
}

/* Small spans are put together; what fills a packet is sent from its place. */
static int
pack(struct packer *packer, struct span bytes)
{
	while (bytes.len != 0) {
		size_t room = PACKET_BYTES - packer->held_len;
		size_t len = bytes.len < room ? bytes.len : room;

		if (packer->held_len == 0 && bytes.len >= PACKET_BYTES) {
			len = bytes.len - bytes.len % PACKET_BYTES;
			len = len < CALL_BYTES ? len : CALL_BYTES;
			if (replace(packer->ctx, bytes.data, len) != 0)
				return -1;
		} else {
			memcpy(packer->held + packer->held_len, bytes.data,
				len);
			packer->held_len += len;
			if (packer->held_len == PACKET_BYTES &&
				flush(packer) != 0)
				return -1;
		}
		bytes.data += len;
		bytes.len -= len;
	}
	return 0;
}

static int
send_body(SMFICTX *ctx, const struct pieces *body)
{
	struct packer packer = { ctx, mem_alloc(PACKET_BYTES), 0 };
	int result = 0;

	for (size_t i = 0; i < body->count && result == 0; i++)
		result = pack(&packer, body->item[i]);
	if (result == 0)
		result = flush(&packer);
	if (result == 0 && pieces_len(body) == 0)
		result = replace(ctx, (const unsigned char *)"", 0);
	mem_wipe(packer.held, PACKET_BYTES);
	mem_free(packer.held);
	return result;
}

/* ---- reply ---- */

static bool
is_code(const char *text)
{
	return (text[0] == '4' || text[0] == '5') &&
	       isdigit((unsigned char)text[1]) &&
	       isdigit((unsigned char)text[2]) && text[3] == ' ';
}

/* "550 5.7.1 words" in three; libmilter's words are a format: '%' twice. */
static int
split_reply(const char *reply, char code[4], char status[16],
	char words[REPLY_BYTES])
{
	size_t len, to = 0;

	if (!is_code(reply))
		return -1;
	memcpy(code, reply, 3);
	code[3] = '\0';
	reply += 4;
	len = strcspn(reply, " ");
	if (len == 0 || len >= 16 || reply[0] != code[0])
		return -1;
	memcpy(status, reply, len);
	status[len] = '\0';
	for (reply += len + (reply[len] == ' ');
		*reply != '\0' && to + 3 < REPLY_BYTES; reply++) {
		words[to++] = *reply == '\r' || *reply == '\n' ? ' ' : *reply;
		if (*reply == '%')
			words[to++] = '%';
	}
	words[to] = '\0';
	return 0;
}

/* Without a reply of ours the MTA says its own words: no harm done. */
void
edits_set_reply(SMFICTX *ctx, const char *reply)
{
	char code[4], status[16], words[REPLY_BYTES];

	if (reply != NULL && split_reply(reply, code, status, words) == 0)
		(void)smfi_setreply(ctx, code, status, words);
}

/* ---- the envelope ---- */

/* What may be said again: SIZE is of the mail as it came, RET is ours. */
static bool
is_repeated(const char *arg, bool postfix)
{
	static const char *const keep[] = { "ENVID=", "BODY=", "SMTPUTF8",
		"AUTH=" };

	for (size_t i = 0; i < (postfix ? 1 : COUNT_OF(keep)); i++)
		if (strncasecmp(arg, keep[i], strlen(keep[i])) == 0)
			return true;
	return false;
}

char *
edits_return_headers(char **args, bool postfix)
{
	char *text = mem_string("RET=HDRS");

	for (; *args != NULL; args++) {
		char *more;

		if (!is_repeated(*args, postfix))
			continue;
		more = mem_printf("%s %s", text, *args);
		mem_free(text);
		text = more;
	}
	return text;
}

static bool
is_null_sender(const char *sender)
{
	return sender == NULL || sender[0] == '\0' || strcmp(sender, "<>") == 0;
}

/*
 * A bounce must not carry out what was opened.  Where the MTA cannot be asked
 * for that, the mail goes all the same.
 */
static int
protect_bounce(SMFICTX *ctx, const struct edits_envelope *envelope)
{
	if (!envelope->can_change || is_null_sender(envelope->sender))
		return 0;
	return smfi_chgfrom(ctx, (char *)envelope->sender,
		       (char *)envelope->args) == MI_SUCCESS
		       ? 0
		       : -1;
}

/* First of all: those who have copies must not get this one as well. */
static int
forget_recipients(SMFICTX *ctx, const struct list *forget)
{
	char *path;

	LIST_FOREACH (path, forget)
		if (smfi_delrcpt(ctx, path) != MI_SUCCESS)
			return -1;
	return 0;
}

static int
apply(SMFICTX *ctx, const struct outcome *outcome,
	const struct edits_envelope *envelope, bool leading_blanks,
	struct error *err)
{
	if (forget_recipients(ctx, &outcome->forget) != 0)
		return failed(err, "that recipients have copies");
	if (send_edits(ctx, &outcome->edits, leading_blanks) != 0)
		return failed(err, "a change to the header");
	if (outcome->headers_only_bounce && protect_bounce(ctx, envelope) != 0)
		return failed(err, "RET=HDRS");
	if (outcome->body_changed && send_body(ctx, &outcome->body) != 0)
		return failed(err, "the new body");
	if (outcome->verdict == VERDICT_QUARANTINE &&
		smfi_quarantine(ctx, outcome->reply != NULL
					     ? outcome->reply
					     : (char *)"smime-milter") !=
			MI_SUCCESS)
		return failed(err, "the wish to quarantine");
	return 0;
}

sfsistat
edits_send(SMFICTX *ctx, const struct outcome *outcome,
	const struct edits_envelope *envelope, bool leading_blanks,
	struct error *err)
{
	switch (outcome->verdict) {
	case VERDICT_REJECT:
		edits_set_reply(ctx, outcome->reply);
		return SMFIS_REJECT;
	case VERDICT_TEMPFAIL:
		edits_set_reply(ctx, outcome->reply);
		return SMFIS_TEMPFAIL;
	case VERDICT_ACCEPT:
	case VERDICT_QUARANTINE:
		break;
	}
	if (apply(ctx, outcome, envelope, leading_blanks, err) == 0)
		return SMFIS_CONTINUE;
	edits_set_reply(ctx, "451 4.3.0 The mail could not be changed, "
			     "please try again later");
	return SMFIS_TEMPFAIL;
}
