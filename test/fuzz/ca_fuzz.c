/* Tables of people and requests of strangers. */
#include "ca/ca.h"
#include "certs.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
read_table(struct span text)
{
	struct list rows = { 0 };
	struct error err = { 0 };
	const struct ca_row *row;

	if (ca_read_table(text, "x", &rows, &err) != 0)
		MUST(err.kind == ERROR_FORMAT && err.text[0] != '\0');
	else
		LIST_FOREACH (row, &rows)
			MUST(row->value[CA_ADDRESS][0] != '\0');
	list_clear(&rows, ca_row_free);
}

static void
read_addresses(struct span text)
{
	struct list words = { 0 };
	const char *word;

	ca_read_addresses(text, &words);
	LIST_FOREACH (word, &words)
		MUST(word[0] != '\0' && strpbrk(word, " \t\r\n") == NULL);
	list_clear(&words, mem_free);
}

static void
read_request(struct span bytes)
{
	X509_REQ *csr = NULL;
	struct error err = { 0 };

	if (ca_read_csr(bytes, &csr, &err) != 0)
		MUST(err.kind != ERROR_NONE && csr == NULL);
	else
		MUST(X509_REQ_get0_pubkey(csr) != NULL);
	X509_REQ_free(csr);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct span all = span_of(data, size);

	read_table(all);
	read_addresses(all);
	read_request(all);
	return 0;
}
