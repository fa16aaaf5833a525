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

/*
 * The order of the functions and the place of the flags are PKCS #11's (v2.40,
 * CK_FUNCTION_LIST, CK_TOKEN_INFO).
 */
static const char watcher[] =
	"#include <dlfcn.h>\n"
	"#include <stdio.h>\n"
	"#include <unistd.h>\n"
	"enum { TOKEN_INFO = 6, LOGIN = 18, CALLS = 68, FLAGS_AT = 96 };\n"
	"struct list { unsigned char version[2]; void *call[CALLS]; };\n"
	"static struct list *theirs, ours;\n"
	"static unsigned long token_info(unsigned long slot, char *info) {\n"
	"	unsigned long (*original)(unsigned long, char *) =\n"
	"		theirs->call[TOKEN_INFO], flags = 0;\n"
	"	unsigned long result = original(slot, info);\n"
	"	FILE *file = fopen(HERE \"/flags\", \"r\");\n"
	"	if (file != NULL && fscanf(file, \"%lx\", &flags) == 1)\n"
	"		*(unsigned long *)(info + FLAGS_AT) |= flags;\n"
	"	if (file != NULL) fclose(file);\n"
	"	return result;\n"
	"}\n"
	"static unsigned long login(unsigned long session, unsigned long who,\n"
	"		char *pin, unsigned long len) {\n"
	"	unsigned long (*original)(unsigned long, unsigned long, char "
	"*,\n"
	"		unsigned long) = theirs->call[LOGIN];\n"
	"	FILE *file = fopen(HERE \"/logins\", \"a\");\n"
	"	if (file != NULL) { fputc('x', file); fclose(file); }\n"
	"	if (access(HERE \"/refuse\", F_OK) == 0) return 0xa0;\n"
	"	return original(session, who, pin, len);\n"
	"}\n"
	"unsigned long C_GetFunctionList(struct list **out) {\n"
	"	unsigned long (*get)(struct list **) = dlsym(\n"
	"		dlopen(MODULE, RTLD_NOW), \"C_GetFunctionList\");\n"
	"	unsigned long result = get(&theirs);\n"
	"	ours = *theirs;\n"
	"	ours.call[TOKEN_INFO] = token_info;\n"
	"	ours.call[LOGIN] = login;\n"
	"	*out = &ours;\n"
	"	return result;\n"
	"}\n";

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

const char *
softhsm_watched_module(void)
{
	if (softhsm_module() == NULL)
		return NULL;
	if (system("command -v cc >/dev/null") != 0) {
		printf("there is no C compiler here\n");
		return NULL;
	}
	own_run("rm -f flags refuse logins");
	if (access(own_path("watcher.so"), R_OK) == 0)
		return own_path("watcher.so");
	own_write("watcher.c", span_string(watcher), 0600);
	run(mem_printf("cc -w -shared -fPIC -DHERE='\"%s\"' "
		       "-DMODULE='\"%s\"' -o watcher.so watcher.c",
		own_path("."), softhsm_module()));
	return own_path("watcher.so");
}

unsigned
softhsm_logins(void)
{
	struct buf bytes = { 0 };
	unsigned count = 0;

	if (access(own_path("logins"), R_OK) == 0) {
		read_path(own_path("logins"), &bytes);
		count = (unsigned)bytes.len;
		buf_clear(&bytes);
	}
	return count;
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
