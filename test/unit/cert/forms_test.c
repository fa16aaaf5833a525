/* Every form a file may have, and what is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

struct form {
	const char *label;
	const char *file; /* of the PKI, or made by `command` in our folder */
	const char *command;
	const char *password;
	size_t certs, keys;
	const char *warning; /* NULL: there must be none */
};

static const struct form good[] = {
	{ "PEM, one", "alice.pem", NULL, NULL, 1, 0, NULL },
	{ "PEM, two", "chain.pem", NULL, NULL, 2, 0, NULL },
	{ "PEM with keys and text", "staff.pem", NULL, NULL, 5, 3, NULL },
	{ "a password nobody needs", "staff.pem", NULL, "x", 5, 3, NULL },
	{ "DER", "alice.der", NULL, NULL, 1, 0, NULL },
	{ "PKCS#7, PEM", "alice.p7b", NULL, NULL, 3, 0, NULL },
	{ "PKCS#7, DER", "alice-der.p7b", NULL, NULL, 3, 0, NULL },
	{ "PKCS#7 with several", "staff.p7b", NULL, NULL, 5, 0, NULL },
	{ "PKCS#12", "alice.p12", NULL, "secret", 3, 1, NULL },
	{ "PKCS#12, EC", "carol.p12", NULL, "secret", 3, 1, NULL },
	{ "PKCS#12, PSS", "pss.p12", NULL, "secret", 3, 1, NULL },
	{ "PKCS#12, RC2 and 3DES", "alice-old.p12", NULL, "secret", 3, 1,
		NULL },
	{ "PKCS#12, the CA first", "alice-cafirst.p12", NULL, "secret", 3, 1,
		NULL },
	{ "PKCS#12, the CA first, EC", "carol-cafirst.p12", NULL, "secret", 3,
		1, NULL },
	{ "PKCS#12, empty password", "alice-nopass.p12", NULL, "", 3, 1, NULL },
	{ "PKCS#12, RC4", "rc4.p12",
		"openssl pkcs12 -export -legacy -in $P/alice.pem -inkey "
		"$P/alice.key -certpbe PBE-SHA1-RC4-128 -keypbe "
		"PBE-SHA1-RC4-128 -passout pass:secret -out rc4.p12",
		"secret", 1, 1, NULL },
	{ "PKCS#12, AES and SHA-512", "new.p12",
		"openssl pkcs12 -export -in $P/alice.pem -inkey $P/alice.key "
		"-certpbe AES-128-CBC -keypbe AES-256-CBC -macalg sha512 "
		"-iter 10000 -passout pass:secret -out new.p12",
		"secret", 1, 1, NULL },
	{ "PKCS#12, certificates only", "certs.p12",
		"openssl pkcs12 -export -nokeys -in $P/chain.pem -passout "
		"pass:secret -out certs.p12",
		"secret", 2, 0, NULL },
	{ "encrypted PKCS#8 beside it", "enc.pem",
		"cat $P/alice.pem $P/alice-enc.key >enc.pem", "secret", 1, 1,
		NULL },
	{ "PKCS#8 encrypted with scrypt", "scrypt.pem",
		"openssl pkcs8 -topk8 -scrypt -in $P/alice.key -passout "
		"pass:secret -out s.key && cat s.key $P/alice.pem >scrypt.pem",
		"secret", 1, 1, NULL },
	{ "PKCS#8 encrypted with single DES", "des.pem",
		"openssl pkcs8 -topk8 -v1 PBE-MD5-DES -provider legacy "
		"-provider default -in $P/alice.key -passout pass:secret "
		"-out d.key && cat d.key $P/alice.pem >des.pem",
		"secret", 1, 1, NULL },
	{ "an RSA key of the old form", "rsa.pem",
		"openssl rsa -traditional -in $P/alice.key >rsa.pem && "
		"cat $P/alice.pem >>rsa.pem",
		NULL, 1, 1, NULL },
	{ "the same, encrypted", "rsaenc.pem",
		"openssl rsa -traditional -aes256 -passout pass:secret -in "
		"$P/alice.key >rsaenc.pem && cat $P/alice.pem >>rsaenc.pem",
		"secret", 1, 1, NULL },
	{ "an EC key of the old form", "ec.pem",
		"openssl ecparam -name P-256 >ec.pem && openssl ec -in "
		"$P/carol.key >>ec.pem && cat $P/carol.pem >>ec.pem",
		NULL, 1, 1, NULL },
	{ "a trusted certificate", "trusted.pem",
		"openssl x509 -in $P/ca.pem -trustout -addtrust "
		"emailProtection -out trusted.pem",
		NULL, 1, 0, NULL },
	{ "certificates in a signed CMS", "signed.p7m",
		"echo x | openssl cms -sign -nodetach -signer $P/alice.pem "
		"-inkey $P/alice.key -certfile $P/chain.pem -outform DER "
		"-out signed.p7m",
		NULL, 3, 0, NULL },
};

static const struct form odd[] = {
	{ "CR and LF", "crlf.pem", "sed 's/$/\\r/' $P/staff.pem >crlf.pem",
		NULL, 5, 3, NULL },
	{ "CR alone", "cr.pem", "tr '\\n' '\\r' <$P/staff.pem >cr.pem", NULL, 5,
		3, NULL },
	{ "CR alone, old encrypted key", "crenc.pem",
		"openssl rsa -traditional -aes128 -passout pass:secret -in "
		"$P/alice.key >e && cat $P/alice.pem e | tr '\\n' '\\r' "
		">crenc.pem",
		"secret", 1, 1, NULL },
	{ "UTF-8 mark", "bom.pem",
		"(printf '\\357\\273\\277'; cat $P/alice.pem) >bom.pem", NULL,
		1, 0, NULL },
	{ "UTF-16", "utf16.pem",
		"(printf '\\377\\376'; (echo gr\303\274\303\237; cat "
		"$P/staff.pem) | "
		"iconv -f UTF-8 -t UTF-16LE) >utf16.pem",
		NULL, 5, 3, NULL },
	{ "indented", "indented.pem",
		"sed 's/^/  /' $P/alice.pem >indented.pem", NULL, 1, 0, NULL },
	{ "no line end at the end", "noeol.pem",
		"printf %s \"$(cat $P/alice.pem)\" >noeol.pem", NULL, 1, 0,
		NULL },
	{ "lines of any length", "long.pem",
		"(echo '-----BEGIN CERTIFICATE-----'; base64 -w 0 "
		"$P/alice.der; echo; echo '-----END CERTIFICATE-----') "
		">long.pem",
		NULL, 1, 0, NULL },
	{ "base64 without armour", "bare.cer", "base64 $P/alice.der >bare.cer",
		NULL, 1, 0, NULL },
	{ "a PKCS#12 in PEM", "armoured.p12",
		"(echo '-----BEGIN PKCS12-----'; base64 $P/alice.p12; echo "
		"'-----END PKCS12-----') >armoured.p12",
		"secret", 3, 1, NULL },
	{ "a PKCS#7 labelled CMS", "cms.pem",
		"sed 's/PKCS7/CMS/' $P/alice.p7b >cms.pem", NULL, 3, 0, NULL },
	{ "two DER certificates", "two.der",
		"cat $P/alice.der $P/bob.der >two.der", NULL, 2, 0, NULL },
	{ "DER and a line end", "eol.der", "(cat $P/alice.der; echo) >eol.der",
		NULL, 1, 0, NULL },
	{ "DER and something", "more.der",
		"(cat $P/alice.der; echo more) >more.der", NULL, 1, 0,
		"5 bytes behind its end" },
	{ "the same twice", "twice.pem",
		"cat $P/alice.pem $P/alice.pem >twice.pem", NULL, 1, 0, NULL },
	{ "one key, two certificates", "renewed.pem",
		"openssl req -x509 -key $P/alice.key -subj /CN=a -days 9 "
		"-out r.pem -config /dev/null && cat r.pem $P/alice.pem "
		"$P/alice.key >renewed.pem",
		NULL, 2, 2, NULL },
	{ "a request and a list beside it", "other.pem",
		"openssl req -new -key $P/alice.key -subj /CN=a -config "
		"/dev/null >other.pem && openssl pkey -in $P/alice.key "
		"-pubout >>other.pem && cat $P/alice.pem >>other.pem",
		NULL, 1, 0, NULL },
	{ "a key nobody has", "stray.pem",
		"cat $P/alice.pem $P/bob.key >stray.pem", NULL, 1, 0,
		"a private key (rsa-2048) that matches no certificate" },
	{ "a broken certificate among others", "broken.pem",
		"(cat $P/alice.pem; sed '2s/^MII/MIJ/' $P/bob.pem) "
		">broken.pem",
		NULL, 1, 0, "a certificate that cannot be parsed" },
	{ "broken base64 among others", "base64.pem",
		"(cat $P/alice.pem; sed '3s/^...../!!!!!/' $P/bob.pem) "
		">base64.pem",
		NULL, 1, 0, "broken base64" },
	{ "no END line", "noend.pem",
		"(grep -v END $P/bob.pem; cat $P/alice.pem) >noend.pem", NULL,
		1, 0, "a BEGIN line without its END line" },
	{ "a block nobody knows", "unknown.pem",
		"(cat $P/alice.pem; echo '-----BEGIN X-----'; echo AAAA; echo "
		"'-----END X-----') >unknown.pem",
		NULL, 1, 0, "of an unknown kind" },
	{ "a key nobody can read", "badkey.pem",
		"(cat $P/alice.pem; echo '-----BEGIN PRIVATE KEY-----'; echo "
		"MAMCAQA=; echo '-----END PRIVATE KEY-----') >badkey.pem",
		NULL, 1, 0, "damaged or of an unknown kind" },
	{ "PKCS#12 without password, none set", "alice-nopass.p12", NULL, NULL,
		3, 1, NULL },
	{ "PKCS#12 without password, one set", "alice-nopass.p12", NULL, "x", 3,
		1, NULL },
	{ "PKCS#12 without MAC", "alice-nomac.p12", NULL, "secret", 3, 1,
		NULL },
	{ "PKCS#12 without MAC and encryption", "alice-null.p12", NULL, NULL, 3,
		1, NULL },
	{ "PKCS#12 and line ends", "eol.p12",
		"(cat $P/alice.p12; echo; echo) >eol.p12", "secret", 3, 1,
		NULL },
};

static void
check_form(const struct form *form)
{
	struct loaded loaded;
	struct cert *cert;
	size_t keys = 0;

	if (form->command != NULL)
		own_run(form->command);
	load_path(form->command ? own_path(form->file) : pki_path(form->file),
		form->password, &loaded);
	LIST_FOREACH (cert, &loaded.certs) {
		keys += cert->key != NULL;
		if (cert->key != NULL)
			assert_int_equal(
				X509_check_private_key(cert->x509, cert->key),
				1);
	}
	if (loaded.certs.count != form->certs || keys != form->keys)
		fail_msg("%s: %zu certificates and %zu keys", form->label,
			loaded.certs.count, keys);
	if (form->warning == NULL && loaded.warnings.count != 0)
		fail_msg(
			"%s: %s", form->label, (char *)loaded.warnings.item[0]);
	if (form->warning != NULL && !list_has(&loaded.warnings, form->warning))
		fail_msg("%s: not warned of", form->label);
	loaded_clear(&loaded);
}

static void
every_form_is_found_from_the_content(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(good); i++)
		check_form(&good[i]);
}

static void
odd_files_load_all_the_same(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		check_form(&odd[i]);
}

static void
user_of_a_pkcs12_is_whom_the_key_fits(void **state UNUSED)
{
	static const char *const files[] = { "alice.p12", "alice-cafirst.p12",
		"alice-old.p12", "alice-nomac.p12" };

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct loaded loaded;
		struct cert *user;
		char *subject;

		load_path(pki_path(files[i]), "secret", &loaded);
		user = loaded_user(&loaded);
		assert_non_null(user);
		subject = cert_subject(user);
		assert_says(files[i], subject, "CN=alice");
		mem_free(subject);
		loaded_clear(&loaded);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_found_from_the_content),
		cmocka_unit_test(odd_files_load_all_the_same),
		cmocka_unit_test(user_of_a_pkcs12_is_whom_the_key_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
