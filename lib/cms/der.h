/*
 * Writing DER (X.690 clause 10) into a buffer, and the object identifiers of
 * CMS with their tag and length.  Internal to cms.
 */
#ifndef CMS_DER_H
#define CMS_DER_H

#include "base/buf.h"

enum {
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,	/* | n: [n] IMPLICIT of something primitive */
	DER_CONSTRUCTED = 0xa0, /* | n: [n] of something constructed */
};

/*
 * A writer keeps the first failure, so that a structure is written straight
 * through and asked once, at its end.
 */
struct der {
	struct buf *buf;
	struct error *err;
	int failed; /* 0, or -1 with err filled */
};

void der_add(struct der *der, struct span bytes);
void der_header(struct der *der, unsigned char tag, size_t len);
void der_element(struct der *der, unsigned char tag, struct span content);
/* What stands between open and close becomes the content of one element. */
size_t der_open(struct der *der);
void der_close(struct der *der, unsigned char tag, size_t opened);
/* Elements in the order of a SET OF (X.690 11.6); sorts item[] in place. */
void der_set_of(
	struct der *der, unsigned char tag, struct span *item, size_t count);

/* How long an element with len bytes of content is, header included. */
size_t der_len(size_t len);

#define OID_PKCS7 "\x2a\x86\x48\x86\xf7\x0d\x01\x07"
#define OID_PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09"
#define OID_DATA SPAN("\x06\x09" OID_PKCS7 "\x01")
#define OID_SIGNED_DATA SPAN("\x06\x09" OID_PKCS7 "\x02")
#define OID_ENVELOPED_DATA SPAN("\x06\x09" OID_PKCS7 "\x03")
#define OID_AUTH_ENVELOPED_DATA SPAN("\x06\x0b" OID_PKCS9 "\x10\x01\x17")

#define OID_CONTENT_TYPE SPAN("\x06\x09" OID_PKCS9 "\x03")
#define OID_MESSAGE_DIGEST SPAN("\x06\x09" OID_PKCS9 "\x04")
#define OID_SIGNING_TIME SPAN("\x06\x09" OID_PKCS9 "\x05")
#define OID_SMIME_CAPABILITIES SPAN("\x06\x09" OID_PKCS9 "\x0f")
#define OID_ALGORITHM_PROTECTION SPAN("\x06\x09" OID_PKCS9 "\x34")
#define OID_ENCRYP_KEY_PREF SPAN("\x06\x0b" OID_PKCS9 "\x10\x02\x0b")
#define OID_SIGNING_CERTIFICATE_V2 SPAN("\x06\x0b" OID_PKCS9 "\x10\x02\x2f")

#endif
