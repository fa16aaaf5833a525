/* Which addresses a certificate names, and which it seems to name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

#define IDN "xn--bcher-kva.example"

struct row {
	const char *label;
	const char *subject;
	const char *san;  /* as openssl writes it; NULL: none */
	const char *keys; /* all of them, in order; "" for none */
};

static const struct row good[] = {
	{ "rfc822Name", "/CN=x", "email:a@b.example", "a@b.example" },
	{ "three, two of one kind", "/CN=x",
		"DER:3036810b6140622e6578616d706c65810b6340622e6578616d706c65"
		"a01a06082b06010505070809a00e0c0cc3bc40622e6578616d706c65",
		"a@b.example c@b.example \xc3\xbc@b.example" },
	{ "RFC 8398: a U-label", "/CN=x",
		"DER:3025a02306082b06010505070809a0170c156ac3b672674062c3bc6368"
		"65722e6578616d706c65",
		"j\xc3\xb6rg@" IDN },
	{ "RFC 9598: an A-label", "/CN=x",
		"DER:302ba02906082b06010505070809a01d0c1b6ac3b6726740786e2d2d62"
		"636865722d6b76612e6578616d706c65",
		"j\xc3\xb6rg@" IDN },
	{ "an A-label in capitals", "/CN=x", "email:a@XN--BCHER-KVA.Example",
		"a@" IDN },
	{ "in the subject of an old one", "/CN=x/emailAddress=A@b.example",
		NULL, "a@b.example" },
	{ "two in the subject",
		"/emailAddress=a@b.example/CN=x/emailAddress=c@b.example", NULL,
		"a@b.example c@b.example" },
	{ "in the subject, beside names of another kind",
		"/CN=x/emailAddress=a@b.example", "DNS:b.example",
		"a@b.example" },
};

static const struct row odd[] = {
	{ "the same twice", "/CN=x", "email:a@b.example,email:A@B.example",
		"a@b.example" },
	{ "the same in both places", "/CN=x/emailAddress=a@b.example",
		"email:a@b.example", "a@b.example" },
	{ "an SmtpUTF8Mailbox in ASCII", "/CN=x",
		"otherName:1.3.6.1.5.5.7.8.9;UTF8:q@b.example", "q@b.example" },
	{ "a NUL in one of two", "/CN=x",
		"DER:301d810e6140622e6578616d706c65002e63810b6340622e6578616d"
		"706c65",
		"c@b.example" },
};

static const struct row none[] = {
	{ "the subject says more than the alternative names",
		"/CN=x/emailAddress=boss@b.example", "email:a@b.example",
		"a@b.example" },
	{ "a NUL, and a good one in the subject",
		"/CN=x/emailAddress=boss@b.example",
		"DER:3010810e6140622e6578616d706c65002e63", "" },
	{ "alternative names that cannot be read",
		"/CN=x/emailAddress=boss@b.example", "DER:0500", "" },
	{ "a NUL in an SmtpUTF8Mailbox", "/CN=x",
		"DER:301ea01c06082b06010505070809a0100c0e6140622e6578616d706c65"
		"002e63",
		"" },
	{ "a control character of Unicode", "/CN=x",
		"DER:301ea01c06082b06010505070809a0100c0e6ac2856740622e6578616d"
		"706c65",
		"" },
	{ "bytes that are not UTF-8", "/CN=x",
		"DER:301da01b06082b06010505070809a00f0c0d6aff6740622e6578616d70"
		"6c65",
		"" },
	{ "a line end", "/CN=x", "DER:300d810b614062634040400a62632e64", "" },
	{ "an address as a name", "/CN=a@b.example", NULL, "" },
	{ "a user principal name", "/CN=x",
		"otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@b.example", "" },
	{ "only a domain", "/CN=b.example", "DNS:b.example", "" },
};

static int
make_key(void **state UNUSED)
{
	own_run("openssl ecparam -genkey -noout -name P-256 -out k");
	return 0;
}

static void
check_row(const struct row *row)
{
	char *san =
		row->san ? mem_printf("-addext 'subjectAltName=%s'", row->san)
			 : mem_string("");
	char *command = mem_printf("openssl req -x509 -key k -subj '%s' "
				   "-config /dev/null %s -out san.pem",
		row->subject, san);
	const struct address *address;
	const struct cert *cert;
	struct loaded loaded;
	char all[512] = "";

	own_run(command);
	load_path(own_path("san.pem"), NULL, &loaded);
	cert = loaded.certs.item[0];
	LIST_FOREACH (address, &cert->addresses) {
		if (all[0] != '\0')
			strcat(all, " ");
		strcat(all, address->key);
		assert_true(cert_names_address(cert, address));
	}
	if (strcmp(all, row->keys) != 0)
		fail_msg("%s: \"%s\"", row->label, all);
	loaded_clear(&loaded);
	mem_free(command);
	mem_free(san);
}

static void
every_address_of_mail_is_read(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(good); i++)
		check_row(&good[i]);
}

static void
one_address_is_there_once(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		check_row(&odd[i]);
}

static void
what_only_seems_to_be_an_address_is_left_out(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(none); i++)
		check_row(&none[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_of_mail_is_read),
		cmocka_unit_test(one_address_is_there_once),
		cmocka_unit_test(what_only_seems_to_be_an_address_is_left_out),
	};

	return cmocka_run_group_tests(tests, make_key, NULL);
}
