/*
 * What a remote sender is told: what he can do, and nothing about our
 * insides.  Enhanced codes: RFC 3463, RFC 7504 and the IANA registry.
 */
#include "base/mem.h"
#include "gateway/internal.h"

/* Without the class digit: it follows from the verdict. */
static const char *const table[][ERROR_CRYPTO + 1] = {
	[FAILING_TO_SIGN] = {
		[ERROR_SYSTEM] = "3.0 This mail cannot be signed right now, "
			"please try again later",
		[ERROR_CONFIG] = "3.5 This mail has to be signed, which is "
			"not set up properly; please tell your administrator",
		[ERROR_FORMAT] = "6.0 This mail has to be signed, and its "
			"form does not allow it; please send it with one "
			"sender in From and one Content-Type",
		[ERROR_LIMIT] = "3.4 This mail has to be signed, and is too "
			"large or too deeply nested for it; please send it in "
			"smaller parts",
		[ERROR_NOKEY] = "7.5 This mail has to be signed, and its "
			"sender has no certificate for it; please ask your "
			"administrator for one",
		[ERROR_TRUST] = "7.1 This mail has to be signed, and you may "
			"not sign for its sender; please use your own address",
		[ERROR_CRYPTO] = "3.0 This mail cannot be signed right now, "
			"please try again later",
	},
	[FAILING_TO_ENCRYPT] = {
		[ERROR_SYSTEM] = "3.0 This mail cannot be encrypted right "
			"now, please try again later",
		[ERROR_CONFIG] = "3.5 This mail has to be encrypted, which is "
			"not set up properly; please tell your administrator",
		[ERROR_FORMAT] = "6.0 This mail has to be encrypted, and its "
			"form does not allow it",
		[ERROR_LIMIT] = "3.4 This mail has to be encrypted, and is "
			"too large or has too many recipients for it; please "
			"send it in smaller parts",
		[ERROR_NOKEY] = "7.5 This mail has to be encrypted, and there "
			"is no usable certificate for its recipients",
		[ERROR_TRUST] = "7.5 This mail has to be encrypted, and there "
			"is no trusted certificate for its recipients",
		[ERROR_CRYPTO] = "3.0 This mail cannot be encrypted right "
			"now, please try again later",
	},
	[FAILING_TO_ENCRYPT_FOR] = {
		[ERROR_SYSTEM] = "3.0 Mail to this recipient has to be "
			"encrypted, and the certificate cannot be looked up "
			"right now, please try again later",
		[ERROR_CONFIG] = "3.5 Mail to this recipient has to be "
			"encrypted, which is not set up properly; please tell "
			"your administrator",
		[ERROR_NOKEY] = "7.5 Mail to this recipient has to be "
			"encrypted, and there is no usable certificate for the "
			"address; please ask the recipient for one and give it "
			"to your administrator, or send without this recipient",
		[ERROR_TRUST] = "7.5 Mail to this recipient has to be "
			"encrypted, and the certificate for the address is not "
			"trusted; please ask your administrator, or send "
			"without this recipient",
	},
	/* One sentence for every cause: nobody may learn which it was. */
	[FAILING_TO_DECRYPT] = {
		[ERROR_SYSTEM] = "3.0 This encrypted mail cannot be taken "
			"right now, please try again later",
		[ERROR_FORMAT] = "7.5 This encrypted mail cannot be opened "
			"here; please ask its recipients for their current "
			"certificates",
	},
	[FAILING_TO_VERIFY] = {
		[ERROR_SYSTEM] = "3.0 This signed mail cannot be taken right "
			"now, please try again later",
		[ERROR_FORMAT] = "7.7 The signature of this mail is not good; "
			"please send it again",
	},
	[FAILING_TO_SPLIT] = {
		[ERROR_SYSTEM] = "3.0 The recipients of this mail need copies "
			"of their own, which cannot be made right now; please "
			"try again later",
		[ERROR_FORMAT] = "7.1 The recipients of this mail need copies "
			"of their own, which cannot be made of this one; "
			"please send it to them separately",
	},
};

const char *
words_for(enum failing what, enum error_kind kind)
{
	return table[what][kind] != NULL ? table[what][kind]
					 : table[what][ERROR_SYSTEM];
}

char *
words_reply(enum verdict verdict, const char *words)
{
	switch (verdict) {
	case VERDICT_ACCEPT:
		return NULL;
	case VERDICT_QUARANTINE:
		return mem_string(words);
	case VERDICT_TEMPFAIL:
		return mem_printf("451 4.%s", words);
	case VERDICT_REJECT:
		return mem_printf("550 5.%s", words);
	}
	return NULL;
}
