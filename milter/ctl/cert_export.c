/*
 * smimectl cert export.  A private key leaves only for root, and the log says
 * whose key left, for whom, and where it went.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "certs.h"
#include "output.h"

enum { KEY_MODE = 0600, CERT_MODE = 0644 };

struct export
{
	const struct request *request;
	const struct conf *conf;
	struct store *only; /* or NULL */
	struct cert_writing how;
	struct list hits; /* struct cert_hit *, each certificate once */
	int worst;	  /* the exit code of stores that cannot tell */
};

static int
read_options(const struct request *request, struct cert_writing *how)
{
	const char *form = request_option(request, "--format");
	const char *path = request_option(request, "-o");
	int found = cert_form_from_name(form != NULL ? form : "pem");

	if (found < 0)
		return ctl_usage("there is no format \"%s\": it is pem, der, "
				 "p12, p7b or sst",
			form);
	if (path == NULL)
		return ctl_usage("cert export: -o FILE says where to");
	if (request->json && output_is_stdout(path))
		return ctl_usage("cert export: --json answers on standard "
				 "output, so -o has to be another file");
	how->form = (enum cert_form)found;
	how->with_keys = request_option(request, "--key") != NULL;
	if (!how->with_keys || geteuid() == 0)
		return CTL_YES;
	ctl_complain("only root may export a private key");
	return CTL_NO;
}

static bool
is_there_already(const struct list *hits, const struct cert *cert)
{
	const struct cert_hit *hit;

	LIST_FOREACH (hit, hits)
		if (strcmp(hit->cert->sha256, cert->sha256) == 0)
			return true;
	return false;
}

/*
 * Of a word's certificates those that can be given as they are wanted.  A
 * store that cannot tell is no reason to keep back what another one has.
 */
static int
gather(struct export *export, const char *word)
{
	struct list found = { 0 };
	struct cert_hit *hit;
	size_t fitting = 0;
	int code = cert_collect(
		&export->conf->gateway->stores, export->only, word, &found);

	LIST_FOREACH (hit, &found) {
		bool fits = !export->how.with_keys || hit->cert->key != NULL;

		fitting += fits;
		if (!fits || is_there_already(&export->hits, hit->cert)) {
			cert_hit_free(hit);
			continue;
		}
		list_add(&export->hits, hit);
	}
	if (fitting != 0) {
		if (code > export->worst)
			export->worst = code;
		code = CTL_YES;
	} else if (code == CTL_YES) {
		ctl_complain(found.count == 0
				     ? "no store has a certificate for %s"
				     : "there is no private key for %s",
			word);
		code = CTL_NO;
	}
	list_clear(&found, NULL);
	return code;
}

/* Before it is written: nobody takes a key unseen. */
static void
log_keys(const struct export *export, const char *path)
{
	const char *sudo = getenv("SUDO_USER");
	const struct cert_hit *hit;

	log_open(export->conf->log_target, export->conf->log_facility);
	log_set_level(LOG_LEVEL_INFO);
	LIST_FOREACH (hit, &export->hits) {
		char *subject = cert_subject(hit->cert);

		log_warning("smimectl: uid %ld (%s) exports the private key "
			    "of certificate %s (%s, store %s) to %s",
			(long)getuid(), sudo != NULL ? sudo : "no sudo",
			hit->cert->sha256, subject, hit->store, path);
		mem_free(subject);
	}
}

static void
answer(const struct export *export, const char *path)
{
	const char *form = request_option(export->request, "--format");
	const struct cert_hit *hit;
	json_t *array;

	if (!export->request->json) {
		fprintf(output_is_stdout(path) ? stderr : stdout,
			"%zu certificate%s written to %s%s\n",
			export->hits.count, export->hits.count == 1 ? "" : "s",
			path,
			export->how.with_keys ? ", with private keys" : "");
		return;
	}
	array = json_array();
	LIST_FOREACH (hit, &export->hits)
		json_array_append_new(
			array, cert_json(hit->store, hit->cert, NULL));
	json_answer(json_pack("{s:o,s:s,s:b,s:o}", "file", json_text(path),
		"format", form != NULL ? form : "pem", "with_keys",
		export->how.with_keys, "certificates", array));
}

static int
write_file(struct export *export)
{
	const char *path = request_option(export->request, "-o");
	mode_t mode = export->how.with_keys ? KEY_MODE : CERT_MODE;
	struct list certs = { 0 };
	struct buf out = { 0 };
	struct error err = { 0 };
	const struct cert_hit *hit;
	int code = CTL_TROUBLE;

	LIST_FOREACH (hit, &export->hits)
		list_add(&certs, hit->cert);
	if (cert_write(&export->how, &certs, &out, &err) != 0) {
		code = err.kind == ERROR_CONFIG ? ctl_usage("%s", err.text)
						: ctl_trouble(&err);
		goto out;
	}
	if (export->how.with_keys)
		log_keys(export, path);
	code = output_write(path, buf_span(&out), mode, &err) == 0
		       ? CTL_YES
		       : ctl_trouble(&err);
	if (code == CTL_YES)
		answer(export, path);
out:
	list_clear(&certs, NULL);
	buf_clear(&out);
	return code;
}

int
command_cert_export(const struct request *request)
{
	struct export export = { .request = request };
	struct conf *conf = NULL;
	char *password = NULL;
	const char *word;
	int code = read_options(request, &export.how);

	if (code == CTL_YES)
		code = cert_password(request, &password);
	if (code != CTL_YES || ctl_load(request, &conf, &code) != 0)
		goto out;
	export.conf = conf;
	export.how.password = password;
	code = cert_named_store(request, conf, &export.only);
	LIST_FOREACH (word, &request->words)
		if (code == CTL_YES)
			code = gather(&export, word);
	if (code == CTL_YES)
		code = write_file(&export);
	if (code == CTL_YES)
		code = export.worst;
out:
	list_clear(&export.hits, cert_hit_free);
	conf_free(conf);
	mem_free_secret(password);
	return code;
}
