/* One copy, from its recipients to the complete message. */
#include <string.h>
#include <strings.h>

#include "base/event.h"
#include "base/mem.h"
#include "gateway/split.h"
#include "metric/metric.h"

/* A mail of 50 MB has no larger header; MTAs cut off much earlier. */
enum { HEADER_MAX_BYTES = 64 << 20 };
/* What an MTA takes out of a mail it is given, and another one does not. */
static const char *const private_fields[] = { "Bcc", "Resent-Bcc",
	"Return-Path", "Content-Length" };

struct shipment *
shipment_new(const struct plan_group *group, struct outcome_copy *copy)
{
	struct shipment *shipment = mem_alloc(sizeof(*shipment));

	shipment->group = group;
	shipment->copy = copy;
	return shipment;
}

void
shipment_unmake(struct shipment *shipment)
{
	smime_layer_clear(&shipment->layer);
	buf_clear(&shipment->header);
}

void
shipment_free(void *item)
{
	struct shipment *shipment = item;

	shipment_unmake(shipment);
	list_clear(&shipment->pending, NULL);
	mem_free(shipment->mail.recipients);
	mem_free(shipment->args);
	mem_free(shipment->lines.keys);
	mem_free(shipment->lines.path);
	mem_free(shipment);
}

const struct submit_recipient *
shipment_refused(const struct shipment *shipment)
{
	for (size_t i = 0; shipment != NULL && i < shipment->mail.count; i++)
		if (shipment->mail.recipients[i].code >= 500)
			return &shipment->mail.recipients[i];
	return NULL;
}

int
shipment_key(const struct work *work, const struct address *recipient,
	const struct plan_group *group, char out[CRYPTO_MAC_HEX],
	struct error *err)
{
	const struct copies *copies = work->gateway->copies;
	const char *rule = group->rule != NULL ? group->rule->rule.name : "";
	char *text = mem_printf(
		"recipient\n%s\n%s\n%s", work->plan.mac, recipient->key, rule);
	struct pieces all = { 0 };
	int result;

	pieces_add(&all, span_string(text));
	result = crypto_mac_hex(
		span_of(copies->key, sizeof(copies->key)), &all, out, err);
	mem_free(text);
	return result;
}

/* ---- the envelope ---- */

/* A bounce must not carry out what was opened. */
static char *
sender_args(const struct work *work)
{
	const char *args = work->mail->sender_args;
	char *text;

	if (!work->outcome->headers_only_bounce)
		return mem_string(args);
	text = mem_printf("RET=HDRS %s", args != NULL ? args : "");
	for (char *at = text + 1; (at = strcasestr(at, "RET=")) != NULL; at++)
		if (at[-1] == ' ')
			memcpy(at, "NOT=", 4); /* no server knows it */
	return text;
}

static void
note_doubt(const struct work *work)
{
	metric_add(METRIC_COPIES_REPEATED, 1);
	event(EVENT_WARNING,
		"%s: a copy is sent once more: whether the first one was taken "
		"is not known",
		work->mail->queue_id != NULL ? work->mail->queue_id : "-");
}

int
shipment_prepare(struct work *work, struct shipment *shipment,
	const struct journal_mail *journal, struct error *err)
{
	const struct outcome_copy *copy = shipment->copy;
	const struct address *from = work->mail->mail_from;
	struct submit_mail *mail = &shipment->mail;
	size_t count = copy->paths.count;
	bool doubt = false;

	shipment->args = sender_args(work);
	mail->sender = from != NULL ? from->text : "";
	mail->args = shipment->args;
	mail->recipients = mem_array(count, sizeof(*mail->recipients));
	shipment->lines.keys = mem_array(count, sizeof(*shipment->lines.keys));
	for (size_t i = 0; i < count; i++) {
		const struct mail_path *path = copy->paths.item[i];
		char *key = shipment->lines.keys[mail->count];
		enum journal_state state;

		if (shipment_key(work, copy->recipients.item[i],
			    shipment->group, key, err) != 0)
			return -1;
		state = journal_state_of(journal, key);
		doubt = doubt || state == JOURNAL_BEGUN;
		if (state == JOURNAL_SENT)
			continue;
		list_add(&shipment->pending, copy->recipients.item[i]);
		mail->recipients[mail->count++] =
			(struct submit_recipient){ .path = path->path,
				.args = path->args };
	}
	shipment->lines.count = mail->count;
	if (mail->count == 0)
		shipment->copy->state = COPY_SENT_BEFORE;
	if (doubt)
		note_doubt(work);
	return 0;
}

/* ---- the message ---- */

static void
copy_edits(const struct work *work, struct list *edits)
{
	const struct edit *edit;

	for (size_t i = 0; i < COUNT_OF(private_fields); i++)
		edit_add(edits, work->mail, EDIT_REMOVE,
			mem_string(private_fields[i]), NULL);
	LIST_FOREACH (edit, &work->outcome->edits) {
		struct edit *one = edit_add(edits, work->mail, edit->kind,
			mem_string(edit->name), mem_string(edit->value));

		one->count = edit->count;
		one->index = edit->index;
	}
}

static int
add_mark(struct work *work, struct shipment *shipment, struct list *edits,
	struct error *err)
{
	char mark[CRYPTO_MAC_HEX];

	if (!work->gateway->split.mark)
		return 0;
	if (mark_make(work->gateway->copies, &shipment->pending,
		    &shipment->mail.body, mark, err) != 0)
		return -1;
	edit_add(edits, work->mail, EDIT_INSERT, mem_string(mark_field),
		mem_printf(" %s", mark));
	return 0;
}

/* The layer of a copy: its own envelope, or the signature, or none. */
static int
choose_layer(struct work *work, struct shipment *shipment,
	const struct smime_layer **layer, struct error *err)
{
	*layer = NULL;
	if (shipment->group->rule != NULL) {
		*layer = &shipment->layer;
		return encrypt_for(
			work, shipment->group, &shipment->layer, err);
	}
	if (work->outcome->signed_)
		*layer = &work->outcome->layers[0];
	return 0;
}

int
shipment_make(struct work *work, struct shipment *shipment, struct error *err)
{
	struct submit_mail *mail = &shipment->mail;
	const struct smime_layer *layer;
	struct list edits = { 0 };
	struct sink sink = buf_sink(&shipment->header);
	bool changed;
	int result = -1;

	buf_init(&shipment->header, HEADER_MAX_BYTES);
	copy_edits(work, &edits);
	if (choose_layer(work, shipment, &layer, err) != 0 ||
		work_compose(work, layer, &edits, &mail->body, &changed, err) !=
			0)
		goto out;
	if (!changed)
		pieces_add(
			&mail->body, span_of(work->mail->entity.data +
						     work->mail->body_offset,
					     work->mail->entity.len -
						     work->mail->body_offset));
	if (add_mark(work, shipment, &edits, err) != 0 ||
		written_header(&edits, work->mail, &sink, err) != 0)
		goto out;
	mail->header = buf_span(&shipment->header);
	result = 0;
out:
	list_clear(&edits, edit_free);
	return result;
}
