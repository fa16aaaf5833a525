/*
 * Any bytes as a file of certificates, with and without a password.  What
 * loads holds together: keys fit, chains are of issuers, every question has
 * an answer; what does not load leaves nothing behind and says a sentence.
 */
#include "certs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load_certs(span_of(data, size), NULL);
	load_certs(span_of(data, size), "secret");
	return 0;
}
