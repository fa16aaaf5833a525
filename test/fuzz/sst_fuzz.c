/*
 * Any bytes as a serialized store, with their own header and with a good one:
 * no key comes out of it, every item is whole, and the same comes out of it
 * again.
 */
#include "certs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct result {
	int result;
	size_t certs, crls;
};

static struct result
read_store(struct span bytes)
{
	struct cert_pile *pile = cert_pile_new(&fuzz_limits);
	struct cert_file file = { .bytes = bytes, .source = "store" };
	struct list certs = { 0 }, crls = { 0 }, warnings = { 0 };
	struct error err = { 0 };
	struct result result = { 0 };
	const struct cert *cert;
	size_t keys;

	result.result = cert_pile_read(pile, &file, &keys, &err);
	cert_pile_take_crls(pile, &crls);
	cert_pile_take(pile, &certs, &warnings);
	result.certs = certs.count;
	result.crls = crls.count;
	if (result.result != 0) {
		MUST(certs.count + crls.count == 0 && err.text[0] != '\0');
	}
	MUST(warnings.count <= fuzz_limits.items + 101);
	LIST_FOREACH (cert, &certs) {
		ask(cert);
	}
	for (size_t i = 0; i < crls.count; i++)
		X509_CRL_free(crls.item[i]);
	list_clear(&crls, NULL);
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	cert_pile_free(pile);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf store = { 0 };
	struct result first, again;

	read_store(span_of(data, size));
	MUST(buf_add(&store, "\0\0\0\0CERT", 8, NULL) == 0);
	MUST(buf_add(&store, data, size, NULL) == 0);
	first = read_store(buf_span(&store));
	again = read_store(buf_span(&store));
	MUST(first.result == again.result && first.certs == again.certs &&
		first.crls == again.crls);
	buf_clear(&store);
	return 0;
}
