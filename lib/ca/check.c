/* Do journal, files and lists agree? */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca/internal.h"

/* ---- the journal, for people ---- */

struct telling {
	struct list *lines;
};

static int
tell(void *p, const struct journal_line *line, struct error *err)
{
	const struct telling *self = p;
	struct buf text = { 0 };
	char when[CLOCK_TEXT_SIZE];
	int result;

	clock_format(line->when, when);
	result = buf_add_format(&text, err, "%lu %s %s %s", line->number, when,
		line->who, line->act);
	for (size_t i = 0; result == 0 && i < line->fields; i++)
		result = buf_add_format(&text, err, " %s=\"%s\"",
			line->field[i].name, line->field[i].value);
	if (result == 0) {
		char *copy = mem_string_n(text.data, text.len);

		for (char *c = copy; *c != '\0'; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				*c = '?';
		list_add(self->lines, copy);
	}
	buf_clear(&text);
	return result;
}

int
ca_audit(const struct ca *ca, struct list *lines, struct error *err)
{
	struct telling self = { lines };
	struct owned_was was;
	struct journal journal;
	int result;

	if (ca_become(ca->settings, &was, err) != 0)
		return -1;
	journal_init(&journal, ca->settings->path);
	result = journal_read(&journal, tell, &self, err);
	journal_clear(&journal);
	owned_become_self(&was);
	return result;
}

/* ---- certificates ---- */

static void
check_entry(struct ca *ca, const struct ca_entry *entry, struct list *problems)
{
	struct cert *cert = NULL;
	struct error err = { 0 };
	bool with_key = entry->has_key && ca->escrow != NULL;

	if (entry->sha256[0] == '\0')
		return; /* another list's */
	if (ca_load(ca, entry, with_key, &cert, &err) != 0)
		list_add(problems, mem_string(err.text));
	else if (X509_verify(cert->x509, X509_get0_pubkey(ca->issuer)) != 1)
		list_add(problems,
			mem_printf("certificate %s: its signature is not good",
				entry->serial));
	crypto_begin();
	cert_unref(cert);
}

static bool
is_recorded(const struct ca *ca, const char *name)
{
	char serial[CA_SERIAL_HEX] = "";

	if (strlen(name) != CA_SERIAL_HEX - 1 + strlen(".pem"))
		return false;
	memcpy(serial, name, CA_SERIAL_HEX - 1);
	return entries_serial(ca, serial) != NULL &&
	       strcmp(name + CA_SERIAL_HEX - 1, ".pem") == 0;
}

/* Also the last lines of a journal can be cut off. */
static void
check_folder(const struct ca *ca, struct list *problems)
{
	char *path = ca_path(ca, "certificates");
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (dir == NULL)
		list_add(problems, mem_printf("%s: cannot be opened: %s", path,
					   strerror(errno)));
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && !is_recorded(ca, entry->d_name))
			list_add(problems,
				mem_printf("%s/%s: stands in no line of the "
					   "journal",
					path, entry->d_name));
	if (dir != NULL)
		closedir(dir);
	mem_free(path);
}

/* ---- the list ---- */

static size_t
count_revoked(const struct ca *ca)
{
	const struct ca_entry *entry;
	size_t count = 0;

	LIST_FOREACH (entry, &ca->entries)
		count += entry->revoked != 0;
	return count;
}

static void
check_listed(const struct ca *ca, const char *path, X509_CRL *crl,
	struct list *problems)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	int count = all != NULL ? sk_X509_REVOKED_num(all) : 0;

	for (int i = 0; i < count; i++) {
		const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(
			sk_X509_REVOKED_value(all, i));
		char text[CA_SERIAL_HEX] = "";
		const struct ca_entry *entry =
			serial_text(serial, text) == 0
				? entries_serial(ca, text)
				: NULL;

		if (entry == NULL)
			list_add(problems,
				mem_printf("%s: revokes certificate %s, which "
					   "stands in no line of the journal",
					path, text));
	}
	if (list_number(crl) == (long)ca->crl_number && !ca->crl_stale &&
		(size_t)count != count_revoked(ca))
		list_add(problems,
			mem_printf("%s: revokes %d certificates, but the "
				   "journal %zu",
				path, count, count_revoked(ca)));
}

static void
check_crl(const struct ca *ca, const char *path, struct list *problems)
{
	X509_CRL *crl = list_read(path);

	if (crl == NULL && ca->crl_number == 0)
		return; /* none was made so far */
	if (crl == NULL)
		list_add(problems,
			mem_printf("%s: list %lu was made, but cannot be read",
				path, ca->crl_number));
	else if (X509_CRL_verify(crl, X509_get0_pubkey(ca->issuer)) != 1)
		list_add(problems,
			mem_printf("%s: its signature is not good", path));
	else if (list_number(crl) > (long)ca->crl_number)
		list_add(problems,
			mem_printf("%s: is list %ld, but the journal ends with "
				   "%lu",
				path, list_number(crl), ca->crl_number));
	else
		check_listed(ca, path, crl, problems);
	crypto_begin();
	X509_CRL_free(crl);
}

/* ---- all of it ---- */

static void
check_chain(const struct ca *ca, struct list *problems)
{
	crypto_begin();
	if (X509_verify(ca->root, X509_get0_pubkey(ca->root)) != 1)
		list_add(problems,
			mem_string("root.pem: its signature is not good"));
	if (X509_verify(ca->issuer, X509_get0_pubkey(ca->root)) != 1)
		list_add(problems,
			mem_string("issuer.pem: its signature is not good"));
	crypto_begin();
}

int
ca_check(struct ca *ca, struct list *problems, struct error *err)
{
	char *path = ca_path(ca, "crl.der");
	const struct ca_entry *entry;
	int result = ca_begin(ca, err);

	if (result == 0) {
		check_chain(ca, problems);
		check_folder(ca, problems);
		check_crl(ca, path, problems);
		if (ca->settings->crl_file != NULL)
			check_crl(ca, ca->settings->crl_file, problems);
	}
	ca_end(ca);
	LIST_FOREACH (entry, &ca->entries)
		if (result == 0)
			check_entry(ca, entry, problems);
	mem_free(path);
	return result;
}
