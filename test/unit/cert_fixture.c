#include "cert_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/list.h"
#include "base/mem.h"
#include "pki_fixture.h"

enum { READ_LIMIT_BYTES = 1 << 26 };

static char folder[] = "/tmp/smime-milter-cert-XXXXXX";
static struct list paths; /* char *: given out, freed at exit */

static void
clean_up(void)
{
	char *command = mem_printf("rm -rf %s", folder);

	if (system(command) != 0)
		fprintf(stderr, "%s is left behind\n", folder);
	mem_free(command);
	list_clear(&paths, mem_free);
}

static const char *
own_folder(void)
{
	static int made;

	if (!made) {
		made = mkdtemp(folder) != NULL;
		if (!made)
			fail_msg("%s cannot be made", folder);
		atexit(clean_up);
	}
	return folder;
}

static const char *
keep_path(const char *in, const char *name)
{
	char *path = mem_printf("%s/%s", in, name);

	list_add(&paths, path);
	return path;
}

const char *
pki_path(const char *name)
{
	own_folder();
	return keep_path(pki_dir(), name);
}

const char *
own_path(const char *name)
{
	return keep_path(own_folder(), name);
}

void
own_write(const char *name, struct span bytes, unsigned mode)
{
	struct error err = { 0 };

	if (file_write_atomic(own_path(name), bytes, mode, &err) != 0)
		fail_msg("%s", err.text);
}

void
own_copy(const char *pki_name, const char *name, unsigned mode)
{
	struct buf bytes = { 0 };

	read_path(pki_path(pki_name), &bytes);
	own_write(name, buf_span(&bytes), mode);
	buf_clear(&bytes);
}

void
own_run(const char *command)
{
	char *all = mem_printf("exec 2>/dev/null; cd %s && P=%s && %s",
		own_folder(), pki_dir(), command);

	if (system(all) != 0)
		fail_msg("failed: %s", command);
	mem_free(all);
}

void
read_path(const char *path, struct buf *out)
{
	struct error err = { 0 };

	if (file_read(path, READ_LIMIT_BYTES, out, &err) != 0)
		fail_msg("%s", err.text);
}

void
load_path(const char *path, const char *password, struct loaded *out)
{
	struct error err = { 0 };
	struct buf bytes = { 0 };

	*out = (struct loaded){ 0 };
	read_path(path, &bytes);
	if (cert_load(buf_span(&bytes), password, path, &cert_limits_default,
		    &out->certs, &out->warnings, &err) != 0)
		fail_msg("%s", err.text);
	buf_clear(&bytes);
}

void
loaded_clear(struct loaded *loaded)
{
	list_clear(&loaded->certs, cert_unref);
	list_clear(&loaded->warnings, mem_free);
}

struct cert *
loaded_user(const struct loaded *loaded)
{
	struct cert *cert;

	LIST_FOREACH (cert, &loaded->certs) {
		if (cert->key != NULL)
			return cert;
	}
	return NULL;
}

struct cert *
pki_user(const char *name)
{
	char *file = mem_printf("%s.p12", name);
	struct loaded loaded;
	struct cert *cert;

	load_path(pki_path(file), "secret", &loaded);
	cert = loaded_user(&loaded);
	if (cert == NULL)
		fail_msg("%s has no key", file);
	cert_ref(cert);
	loaded_clear(&loaded);
	mem_free(file);
	return cert;
}

bool
list_has(const struct list *texts, const char *piece)
{
	const char *text;

	LIST_FOREACH (text, texts) {
		if (strstr(text, piece) != NULL)
			return true;
	}
	return false;
}

void
assert_says(const char *label, const char *text, const char *piece)
{
	if (strstr(text, piece) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", label, text, piece);
}
