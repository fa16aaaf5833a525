#include "softhsm_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cert_fixture.h"

/* Debian, Fedora and its relatives, FreeBSD. */
static const char *const places[] = { "/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm.so", "/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so" };

static const char *
find(void)
{
	if (system("command -v softhsm2-util pkcs11-tool >/dev/null") != 0)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(places); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

static void
set_up(void)
{
	const char *path = own_path("softhsm2.conf");
	char *text = mem_printf("directories.tokendir = %s\n"
				"objectstore.backend = file\n"
				"log.level = ERROR\n",
		own_path("tokens"));

	own_write("softhsm2.conf", span_string(text), 0600);
	own_run("mkdir -p tokens");
	setenv("SOFTHSM2_CONF", path, 1);
	mem_free(text);
}

const char *
softhsm_module(void)
{
	const char *module = find();

	if (module == NULL)
		printf("SoftHSM 2 or pkcs11-tool is not here\n");
	else if (access(own_path("softhsm2.conf"), R_OK) != 0)
		set_up();
	return module;
}

static void
run(char *command)
{
	own_run(command);
	mem_free(command);
}

void
softhsm_token(const char *label)
{
	run(mem_printf("softhsm2-util --init-token --free --label '%s' "
		       "--pin " SOFTHSM_PIN " --so-pin 4321 >/dev/null",
		label));
}

static void
put(const char *label, const char *options, const char *name, const char *id)
{
	run(mem_printf("pkcs11-tool --module %s --token-label '%s' -l -p "
		       "" SOFTHSM_PIN " -w '%s.token' -a '%s' -d %s %s "
		       ">/dev/null",
		softhsm_module(), label, name, name, id, options));
}

void
softhsm_put_cert(const char *label, const char *name, const char *id)
{
	run(mem_printf("openssl x509 -in \"$P/%s.pem\" -outform DER "
		       "-out '%s.token'",
		name, name));
	put(label, "-y cert", name, id);
}

/* The key inside an id-RSASSA-PSS one is a plain RSA key to a token. */
void
softhsm_put_key(const char *label, const char *name, const char *id)
{
	run(mem_printf("f='%s.token'; openssl pkey -in \"$P/%s.key\" -outform "
		       "DER -out $f; parse() { openssl asn1parse -inform DER "
		       "-in $f \"$@\"; }; ! parse | grep -q rsassaPss || "
		       "{ parse -noout -strparse $(parse | "
		       "sed -n '/OCTET STRING/s/:.*//p') -out $f.rsa && "
		       "mv $f.rsa $f; }",
		name, name));
	put(label,
		"-y privkey --usage-sign --usage-decrypt --usage-derive "
		"--sensitive --private",
		name, id);
}

void
softhsm_put(const char *label, const char *name, const char *id)
{
	softhsm_put_cert(label, name, id);
	softhsm_put_key(label, name, id);
}

void
softhsm_pull(void)
{
	own_run("mkdir -p pulled && mv tokens/* pulled");
}

void
softhsm_push(void)
{
	own_run("mv pulled/* tokens");
}
