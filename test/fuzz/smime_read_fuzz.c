/*
 * What comes in: any bytes as a root of CMS, a multipart/signed, a plaintext.
 * What is called covered by the signature lies in the mail, and is followed
 * by its delimiter.
 */
#include <stdlib.h>
#include <string.h>

#include "smime/smime.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
split(struct span bytes)
{
	struct smime_parts parts;
	struct cms_signed read;
	enum smime_canonical form;
	struct error err;
	const unsigned char *end;

	if (smime_split_signed(bytes, &parts, &err) == 0) {
		end = parts.content.data + parts.content.len;
		if (parts.content.data < bytes.data ||
			end + parts.line_end.len + 2 > bytes.data + bytes.len ||
			memcmp(end + parts.line_end.len, "--", 2) != 0)
			abort();
		(void)!smime_read_signed(
			&parts, NULL, NULL, &read, &form, &err);
		cms_signed_clear(&read);
	} else if (parts.signature.len != 0) {
		abort();
	}
	smime_parts_clear(&parts);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct buf der = { 0 };
	enum cms_kind kind;
	struct error err;
	bool found = smime_cms_of(bytes, &der, &kind, &err) == 0;

	if (found != (kind != CMS_KIND_NONE) || (!found && der.len != 0) ||
		(found && cms_recognise(buf_span(&der)) != kind))
		abort();
	buf_clear(&der);
	split(bytes);
	(void)!smime_check_plaintext(bytes, &err);
	return 0;
}
