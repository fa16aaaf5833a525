/* Certificate and key to their owner: the file, the mail, the password. */
#include "ca/deliver.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "ca/deliver_text.h"
#include "ca/internal.h"
#include "mime/mime.h"

enum { PAGES_MAX = 20, SUBJECT_MAX_BYTES = 500 };

void
ca_delivery_clear(struct ca_delivery *delivery)
{
	mem_free(delivery->from);
	mem_free(delivery->contact);
	mem_free(delivery->templates);
	mem_free(delivery->sendmail);
	list_clear(&delivery->password_command, mem_free);
}

/* ---- the password ---- */

int
ca_make_password(char **out, struct error *err)
{
	enum { LETTERS = 20, GROUP = 4, SIZE = LETTERS + LETTERS / GROUP };
	/* Without i, l and o. */
	static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz";
	enum { KINDS = sizeof(alphabet) - 1, FAIR = 256 / KINDS * KINDS };
	char *text = mem_alloc(SIZE);
	size_t len = 0;

	while (len < SIZE - 1) {
		unsigned char byte;

		if (random_bytes(&byte, 1, err) != 0) {
			mem_free_secret(text);
			return -1;
		}
		if (byte >= FAIR)
			continue; /* no letter shall be likelier */
		text[len++] = alphabet[byte % KINDS];
		if (len % (GROUP + 1) == GROUP && len < SIZE - 1)
			text[len++] = '-';
	}
	*out = text;
	return 0;
}

/* ---- the file ---- */

/* The root too: whoever gets the file has no other way to it. */
static int
with_root(const struct ca *ca, const struct cert *cert, struct cert **out,
	struct error *err)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	if (chain == NULL ||
		X509_add_cert(chain, ca_issuer(ca), X509_ADD_FLAG_UP_REF) !=
			1 ||
		X509_add_cert(chain, ca_root(ca), X509_ADD_FLAG_UP_REF) != 1) {
		sk_X509_pop_free(chain, X509_free);
		return crypto_fail(err, ERROR_SYSTEM, "no memory for a chain");
	}
	X509_up_ref(cert->x509);
	EVP_PKEY_up_ref(cert->key);
	return cert_new(cert->x509, cert->key, chain, CERT_ISSUED, cert->source,
		out, err);
}

int
ca_make_pkcs12(const struct ca *ca, const struct ca_delivery *delivery,
	const struct ca_parcel *parcel, struct buf *out, struct error *err)
{
	const struct cert_writing how = { .form = CERT_P12,
		.with_keys = true,
		.password = parcel->password,
		.legacy = delivery->legacy };
	struct cert *whole = NULL;
	int result = -1;

	if (parcel->cert->key == NULL)
		return error_set(err, ERROR_NOKEY,
			"%s: there is no key of certificate %s to deliver",
			parcel->entry->address, parcel->entry->serial);
	crypto_begin();
	if (with_root(ca, parcel->cert, &whole, err) == 0)
		result = write_one(&how, whole, out, err);
	cert_unref(whole);
	return result;
}

/* ---- pages of instructions ---- */

struct page {
	char *name;
	struct buf text;
};

static void
page_free(void *p)
{
	struct page *page = p;

	mem_free(page->name);
	buf_clear(&page->text);
	mem_free(page);
}

static int
is_page(const struct dirent *entry)
{
	return fnmatch("client-*.txt", entry->d_name, 0) == 0;
}

static int
read_pages(const char *folder, struct list *pages, struct error *err)
{
	struct dirent **all = NULL;
	int count = scandir(folder, &all, is_page, alphasort), result = 0;

	if (count < 0)
		return error_set(err, ERROR_CONFIG,
			"%s: templates cannot be read: %s", folder,
			strerror(errno));
	for (int i = 0; i < count; i++) {
		if (result == 0 && i < PAGES_MAX) {
			char *path =
				mem_printf("%s/%s", folder, all[i]->d_name);
			struct page *page = mem_alloc(sizeof(*page));

			page->name =
				mem_string(all[i]->d_name + strlen("client-"));
			list_add(pages, page);
			result = file_read(
				path, TEMPLATE_MAX_BYTES, &page->text, err);
			mem_free(path);
		}
		free(all[i]);
	}
	free(all);
	return result;
}

/* ---- the mail ---- */

/* "Subject: ..." and an empty line; text is what follows. */
static int
split_subject(struct span *text, char **subject, struct error *err)
{
	static const char name[] = "Subject:";
	const unsigned char *end =
		text->len != 0 ? memchr(text->data, '\n', text->len) : NULL;
	struct span line;

	if (end == NULL || !span_starts_nocase(*text, name))
		return error_set(err, ERROR_CONFIG,
			"delivery.txt must begin with a line \"Subject: ...\"");
	line = span_of(text->data, (size_t)(end - text->data));
	*text = span_of(end + 1, text->len - line.len - 1);
	line = span_trim(
		span_of(line.data + strlen(name), line.len - strlen(name)));
	if (line.len > SUBJECT_MAX_BYTES)
		return error_set(err, ERROR_CONFIG,
			"delivery.txt: its subject is too long");
	while (text->len != 0 && (*text->data == '\n' || *text->data == '\r'))
		*text = span_of(text->data + 1, text->len - 1);
	*subject = mem_string_n(line.data, line.len);
	return 0;
}

static int
say_fields(struct mime_node *mail, const struct ca_delivery *delivery,
	const struct ca_parcel *parcel, const char *subject, struct error *err)
{
	const char *at = strrchr(delivery->from, '@');
	time_t now = clock_now();
	char id[33], date[64], *text;
	struct tm when;

	if (random_hex(id, sizeof(id) - 1, err) != 0)
		return -1;
	gmtime_r(&now, &when);
	/* Nobody calls setlocale(): the names are English. */
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &when);
	text = mem_printf("<%s%s>", id, at != NULL ? at : "@localhost");
	mime_node_say(mail, "Date", date);
	mime_node_say_mailbox(mail, "From", NULL, delivery->from);
	mime_node_say_mailbox(mail, "To", NULL, parcel->to);
	mime_node_say(mail, "Subject", subject);
	mime_node_say(mail, "Message-ID", text);
	mime_node_say(mail, "Auto-Submitted", "auto-generated");
	mem_free(text);
	return 0;
}

static struct mime_node *
make_tree(const struct ca_parcel *parcel, struct span text, struct span file,
	const struct list *pages)
{
	struct mime_node *all = mime_multipart_new("mixed"), *leaf;
	char *name = filling_file_name(parcel);
	const struct page *page;

	mime_node_add(all, mime_text_new("text/plain", "utf-8", text));
	leaf = mime_leaf_new("application/x-pkcs12", file);
	mime_node_attach(leaf, name);
	mime_node_add(all, leaf);
	LIST_FOREACH (page, pages) {
		leaf = mime_text_new(
			"text/plain", "utf-8", buf_span(&page->text));
		mime_node_attach(leaf, page->name);
		mime_node_add(all, leaf);
	}
	mem_free(name);
	return mime_message_new(all);
}

int
ca_make_mail(const struct ca *ca, const struct ca_delivery *delivery,
	const struct ca_parcel *parcel, struct buf *out, struct error *err)
{
	const struct filling filling = { ca, delivery, parcel, false };
	struct buf words = { 0 }, file = { 0 };
	struct mime_node *mail = NULL;
	struct list pages = { 0 };
	char *subject = NULL;
	struct span text;
	int result = -1;

	if (filling_read(&filling, "delivery.txt", &words, err) != 0 ||
		read_pages(delivery->templates, &pages, err) != 0 ||
		ca_make_pkcs12(ca, delivery, parcel, &file, err) != 0)
		goto out;
	text = buf_span(&words);
	if (split_subject(&text, &subject, err) != 0)
		goto out;
	mime_compose_init();
	mail = make_tree(parcel, text, buf_span(&file), &pages);
	if (say_fields(mail, delivery, parcel, subject, err) == 0)
		result = mime_compose_message(mail, out, err);
out:
	mime_node_free(mail);
	list_clear(&pages, page_free);
	buf_clear(&words);
	buf_clear(&file);
	mem_free(subject);
	return result;
}

int
ca_make_password_text(const struct ca *ca, const struct ca_delivery *delivery,
	const struct ca_parcel *parcel, struct buf *out, struct error *err)
{
	const struct filling filling = { ca, delivery, parcel, true };

	return filling_read(&filling, "password.txt", out, err);
}
