/*
 * The key below `state`, and what is made with it: the name of a mail in the
 * journal, and the mark by which a copy that comes back is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/owned.h"
#include "base/random.h"
#include "gateway/split.h"

const char mark_field[] = "X-SMIME-Milter-Copy";

/* ---- the key ---- */

/* By a link, so that of two that make one at once, both use the same. */
static int
make_key(const char *path, struct error *err)
{
	unsigned char key[CRYPTO_MAC_BYTES];
	char *fresh = mem_printf("%s.%d", path, (int)getpid());
	int result = -1;

	if (random_bytes(key, sizeof(key), err) != 0 ||
		file_write_atomic(
			fresh, span_of(key, sizeof(key)), 0600, err) != 0)
		goto out;
	if (link(fresh, path) == 0 || errno == EEXIST)
		result = 0;
	else
		error_set(err, ERROR_CONFIG, "cannot make %s: %s", path,
			strerror(errno));
	unlink(fresh);
out:
	mem_wipe(key, sizeof(key));
	mem_free(fresh);
	return result;
}

static int
read_key(struct copies *copies, const char *path, struct error *err)
{
	struct buf bytes = { 0 };
	int result = -1;

	if (access(path, F_OK) != 0 && make_key(path, err) != 0)
		return -1;
	if (file_read_secret(path, CRYPTO_MAC_BYTES, &bytes, err) != 0)
		return -1;
	if (bytes.len != CRYPTO_MAC_BYTES) {
		error_set(err, ERROR_CONFIG, "%s is no key of %d bytes", path,
			CRYPTO_MAC_BYTES);
	} else {
		memcpy(copies->key, bytes.data, CRYPTO_MAC_BYTES);
		result = 0;
	}
	buf_clear(&bytes);
	return result;
}

int
copies_open(const struct split_settings *settings, struct copies **out,
	struct error *err)
{
	struct copies *copies = mem_alloc(sizeof(*copies));
	char *journal = mem_printf("%s/journal", settings->folder);
	char *key = mem_printf("%s/key", settings->folder);
	int result = -1;

	if (owned_make_below(settings->state, journal, 0700, err) == 0 &&
		read_key(copies, key, err) == 0 &&
		journal_open(journal, settings->keep_hours, &copies->journal,
			err) == 0)
		result = 0;
	if (result == 0)
		*out = copies;
	else
		copies_free(copies);
	mem_free(journal);
	mem_free(key);
	return result;
}

void
copies_free(struct copies *copies)
{
	if (copies == NULL)
		return;
	journal_free(copies->journal);
	mem_wipe(copies->key, sizeof(copies->key));
	mem_free(copies);
}

/* ---- which mail is it? ---- */

/* What a mail that is tried again has in common; others may add traces. */
static const char *const lasting[] = { "From", "Sender", "Reply-To", "To", "Cc",
	"Subject", "Date", "Message-ID", "Resent-From", "Resent-To",
	"Resent-Cc", "Resent-Date", "Resent-Message-ID" };

static int
add_field(struct buf *out, const struct mail_field *field, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(lasting); i++)
		if (strcasecmp(field->name, lasting[i]) == 0)
			return buf_add_format(
				out, err, "%s:%s\n", lasting[i], field->value);
	return 0;
}

/*
 * Without Message-ID two mails cannot be told from one that is tried again:
 * rather twice than not at all.
 */
static int
add_fields(struct buf *out, const struct mail *mail, struct error *err)
{
	const struct mail_field *field;
	bool named = false;
	char nonce[33];

	LIST_FOREACH (field, &mail->fields) {
		named = named || strcasecmp(field->name, "Message-ID") == 0;
		if (add_field(out, field, err) != 0)
			return -1;
	}
	if (named)
		return 0;
	return random_hex(nonce, 32, err) != 0
		       ? -1
		       : buf_add_string(out, nonce, err);
}

int
copies_name_mail(struct work *work, struct error *err)
{
	const struct copies *copies = work->gateway->copies;
	const struct address *from = work->facts.sender.mail_from;
	struct buf head = { 0 };
	struct pieces all = { 0 };
	int result = -1;

	if (copies == NULL)
		return 0;
	if (buf_add_format(&head, err, "mail\n%s\n", from->key) != 0 ||
		add_fields(&head, work->mail, err) != 0)
		goto out;
	pieces_add(&all, buf_span(&head));
	pieces_add(&all, buf_span(&work->mail->entity));
	result = crypto_mac_hex(span_of(copies->key, sizeof(copies->key)), &all,
		work->plan.mac, err);
out:
	buf_clear(&head);
	return result;
}

/* ---- the mark ---- */

static bool
ends_in_crlf(const struct pieces *body)
{
	if (body->count == 0)
		return true;
	return span_ends_nocase(body->item[body->count - 1], "\n");
}

int
mark_make(const struct copies *copies, const struct list *recipients,
	const struct pieces *body, char out[CRYPTO_MAC_HEX], struct error *err)
{
	const struct address *recipient;
	struct buf head = { 0 };
	struct pieces all = { 0 };
	int result = -1;

	if (buf_add_string(&head, "copy\n", err) != 0)
		goto out;
	LIST_FOREACH (recipient, recipients)
		if (buf_add_format(&head, err, "%s\n", recipient->key) != 0)
			goto out;
	pieces_add(&all, buf_span(&head));
	pieces_add(&all, SPAN("\n"));
	pieces_add_all(&all, body);
	/* As it comes back. */
	if (!ends_in_crlf(body))
		pieces_add(&all, SPAN("\r\n"));
	result = crypto_mac_hex(
		span_of(copies->key, sizeof(copies->key)), &all, out, err);
out:
	buf_clear(&head);
	return result;
}

static bool
is_mark(const struct mail_field *field)
{
	return strcasecmp(field->name, mark_field) == 0;
}

bool
mark_is_there(const struct gateway *gateway, const struct mail *mail)
{
	const struct mail_field *field;

	LIST_FOREACH (field, &mail->fields)
		if (gateway->split.on && is_mark(field))
			return true;
	return false;
}

int
mark_check(struct work *work, struct error *err)
{
	const struct copies *copies = work->gateway->copies;
	const struct mail *mail = work->mail;
	const struct mail_field *field, *first = NULL;
	struct pieces body = { 0 };
	char mark[CRYPTO_MAC_HEX];

	LIST_FOREACH (field, &mail->fields)
		if (first == NULL && is_mark(field))
			first = field;
	if (first == NULL || copies == NULL)
		return 0;
	edit_add(&work->outcome->edits, mail, EDIT_REMOVE,
		mem_string(mark_field), NULL);
	pieces_add(&body, span_of(mail->entity.data + mail->body_offset,
				  mail->entity.len - mail->body_offset));
	if (mark_make(copies, &mail->recipients, &body, mark, err) != 0)
		return -1;
	work->is_copy = crypto_equal(
		span_trim(span_string(first->value)), span_string(mark));
	trace_add(work_trace(work), "%s",
		work->is_copy ? "a copy of our own: not split again"
			      : "a mark of a copy that is not ours");
	return 0;
}
