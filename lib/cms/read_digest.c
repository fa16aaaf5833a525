#include <string.h>

#include "cms/internal.h"

#define NIST_HASH "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"

/* Others verify nothing. */
static const struct {
	const char *oid;
	const char *name;
	int nid;
	const EVP_MD *(*md)(void);
} digests[READ_DIGESTS] = {
	{ "\x06\x05\x2b\x0e\x03\x02\x1a", "sha1", NID_sha1, EVP_sha1 },
	{ NIST_HASH "\x01", "sha256", NID_sha256, EVP_sha256 },
	{ NIST_HASH "\x02", "sha384", NID_sha384, EVP_sha384 },
	{ NIST_HASH "\x03", "sha512", NID_sha512, EVP_sha512 },
	{ NIST_HASH "\x04", "sha224", NID_sha224, EVP_sha224 },
};

int
read_digest_find(struct span oid)
{
	for (int i = 0; i < READ_DIGESTS; i++)
		if (span_is(oid, digests[i].oid))
			return i;
	return -1;
}

bool
read_digest_is_broken(struct span oid)
{
	return span_is(oid, "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05");
}

const char *
read_digest_name(int digest)
{
	return digests[digest].name;
}

int
read_digest_nid(int digest)
{
	return digests[digest].nid;
}

const EVP_MD *
read_digest_md(int digest)
{
	return digests[digest].md();
}

static bool
digest_pieces(const EVP_MD *md, const struct pieces *content,
	unsigned char *out, unsigned *len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done =
		context != NULL && EVP_DigestInit_ex(context, md, NULL) == 1;

	for (size_t i = 0; done && i < content->count; i++)
		done = EVP_DigestUpdate(context, content->item[i].data,
			       content->item[i].len) == 1;
	done = done && EVP_DigestFinal_ex(context, out, len) == 1;
	EVP_MD_CTX_free(context);
	return done;
}

int
read_digest_content(struct content_digests *made, int digest, struct span *out,
	struct error *err)
{
	if (!made->of[digest].done &&
		!digest_pieces(read_digest_md(digest), made->content,
			made->of[digest].bytes, &made->of[digest].len))
		return crypto_fail(err, ERROR_SYSTEM, "%s cannot be computed",
			digests[digest].name);
	made->of[digest].done = true;
	*out = span_of(made->of[digest].bytes, made->of[digest].len);
	return 0;
}
