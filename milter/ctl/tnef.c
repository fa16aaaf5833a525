/* smimectl tnef: what does a winmail.dat hold? */
#include "tnef.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "gateway/gateway.h"
#include "json.h"
#include "mime/mime.h"
#include "output.h"
#include "trial.h"

enum { HEX_SIZE = 2 * EVP_MAX_MD_SIZE + 1 };

/* A winmail.dat, alone or in a mail. */
struct winmail {
	struct buf file;
	struct buf decoded;
	struct span bytes;
	bool is_alone;
	struct tnef_message *message;
};

static void
winmail_clear(struct winmail *winmail)
{
	tnef_message_free(winmail->message);
	buf_clear(&winmail->decoded);
	buf_clear(&winmail->file);
}

static int
winmail_read(struct winmail *winmail, const char *path)
{
	struct error err = { 0 };
	int found = 1;

	if (trial_read_bytes(path, &winmail->file, &err) != 0)
		return ctl_trouble(&err);
	winmail->bytes = buf_span(&winmail->file);
	winmail->is_alone = tnef_is(winmail->bytes);
	if (!winmail->is_alone)
		found = gateway_find_tnef(buf_span(&winmail->file),
			&winmail->decoded, &winmail->bytes, &err);
	if (found == 0) {
		ctl_complain(
			"%s: neither a winmail.dat nor a mail with one", path);
		return CTL_NO;
	}
	if (found < 0 ||
		tnef_read(winmail->bytes, NULL, &winmail->message, &err) != 0)
		return ctl_trouble(&err);
	return CTL_YES;
}

/* ---- shown to people ---- */

static void
print_item(const struct tnef_item *item, int depth)
{
	printf("%*s%s: %s", depth, "", tnef_kind_name(item->kind),
		item->type != NULL ? item->type : "no type");
	if (item->charset != NULL)
		printf("; charset=%s", item->charset);
	if (item->method != NULL)
		printf("; method=%s", item->method);
	printf(", %zu bytes", item->data.len);
	if (item->name != NULL)
		printf(", \"%s\"%s", item->name,
			item->is_made_up ? " (made up)" : "");
	if (item->content_id != NULL)
		printf(", <%s>", item->content_id);
	printf("%s%s\n", item->is_inline ? ", inline" : "",
		item->is_hidden ? ", hidden" : "");
}

static void
print_message(const struct tnef_message *message, int depth)
{
	const struct tnef_item *item;

	printf("%*sclass: %s\n", depth, "",
		message->class != NULL ? message->class : "none");
	if (message->subject != NULL)
		printf("%*ssubject: %s\n", depth, "", message->subject);
	LIST_FOREACH (item, &message->bodies)
		print_item(item, depth);
	LIST_FOREACH (item, &message->items) {
		print_item(item, depth);
		if (item->message != NULL)
			print_message(item->message, depth + 8);
	}
}

/* ---- and to programs ---- */

static json_t *
sha256_json(struct span bytes)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[HEX_SIZE];
	unsigned len = 0;

	crypto_begin();
	if (EVP_Digest(bytes.data, bytes.len, digest, &len,
		    crypto_digest(CRYPTO_SHA256), NULL) != 1)
		return json_null();
	hex_write(hex, span_of(digest, len));
	return json_text(hex);
}

static json_t *message_json(const struct tnef_message *message);

static json_t *
item_json(const struct tnef_item *item)
{
	json_t *object = json_object();

	json_object_set_new(
		object, "kind", json_text(tnef_kind_name(item->kind)));
	json_object_set_new(object, "name", json_text(item->name));
	json_object_set_new(object, "type", json_text(item->type));
	json_object_set_new(object, "charset", json_text(item->charset));
	json_object_set_new(
		object, "bytes", json_integer((json_int_t)item->data.len));
	json_object_set_new(object, "sha256", sha256_json(item->data));
	json_object_set_new(object, "content_id", json_text(item->content_id));
	if (item->method != NULL)
		json_object_set_new(object, "method", json_text(item->method));
	if (item->message != NULL)
		json_object_set_new(
			object, "message", message_json(item->message));
	return object;
}

static json_t *
message_json(const struct tnef_message *message)
{
	json_t *object = json_object();
	json_t *items = json_array();
	const struct tnef_item *item;

	LIST_FOREACH (item, &message->bodies)
		json_array_append_new(items, item_json(item));
	LIST_FOREACH (item, &message->items)
		json_array_append_new(items, item_json(item));
	json_object_set_new(object, "class", json_text(message->class));
	json_object_set_new(object, "subject", json_text(message->subject));
	json_object_set_new(object, "items", items);
	json_object_set_new(object, "problems", json_texts(&message->problems));
	json_object_set_new(
		object, "complete", json_boolean(!message->is_incomplete));
	return object;
}

/* ---- the mail it becomes ---- */

static int
write_mail(const struct winmail *winmail, const char *path)
{
	struct buf mail = { 0 };
	struct error err = { 0 };
	char *note = NULL;
	int result;

	if (winmail->is_alone)
		result = gateway_tnef_mail(winmail->message, &mail, &err);
	else
		result = gateway_unpack_message(
			buf_span(&winmail->file), &mail, &note, &err);
	if (note != NULL)
		ctl_complain("%s", note);
	if (result == 0)
		result = output_write(path,
			buf_span(mail.len != 0 ? &mail : &winmail->file), 0666,
			&err);
	mem_free(note);
	buf_clear(&mail);
	return result == 0 ? CTL_YES : ctl_trouble(&err);
}

static int
answer(const struct request *request, const struct winmail *winmail)
{
	const char *mail = request_option(request, "-o");
	const char *dir = request_option(request, "-x");
	const char *problem;
	struct error err = { 0 };
	int code = CTL_YES;

	if (request->json)
		json_answer(message_json(winmail->message));
	else if (mail == NULL || !output_is_stdout(mail))
		print_message(winmail->message, 0);
	LIST_FOREACH (problem, &winmail->message->problems)
		ctl_complain("%s", problem);
	if (dir != NULL && tnef_extract(winmail->message, dir, &err) != 0)
		return ctl_trouble(&err);
	if (mail != NULL)
		code = write_mail(winmail, mail);
	return code == CTL_YES && winmail->message->is_incomplete ? CTL_NO
								  : code;
}

int
command_tnef(const struct request *request)
{
	struct winmail winmail = { 0 };
	struct error err = { 0 };
	int code;

	if (crypto_init(&err) != 0)
		return ctl_trouble(&err);
	mime_compose_init();
	code = winmail_read(&winmail, request_word(request, 0));
	if (code == CTL_YES)
		code = answer(request, &winmail);
	winmail_clear(&winmail);
	return code;
}
