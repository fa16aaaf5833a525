/* smimectl ca create and ca root. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "authority.h"
#include "base/file.h"
#include "base/mem.h"
#include "output.h"

enum { ROOT_DAYS = 7300, ISSUER_DAYS = 3650, DAYS_MAX = 36500 };
enum { FILE_MODE = 0644, KEY_MODE = 0600 };

/* As a certificate, so that its words are those of cert show. */
static struct cert *
cert_of(X509 *x509)
{
	struct cert *cert = NULL;

	X509_up_ref(x509);
	return cert_new(x509, NULL, NULL, CERT_FROM_FILE, "", &cert, NULL) == 0
		       ? cert
		       : NULL;
}

static json_t *
one_json(const struct cert *cert)
{
	char *subject = cert_subject(cert);
	char date[11];
	json_t *value;

	cert_date_text(cert->not_after, date);
	value = json_pack("{s:o,s:s,s:s}", "subject", json_text(subject),
		"sha256", cert->sha256, "until", date);
	mem_free(subject);
	return value;
}

static void
print_one(const char *what, const struct cert *cert)
{
	char *subject = cert_subject(cert);
	char date[11], key[32];

	cert_date_text(cert->not_after, date);
	cert_key_text(cert, key, sizeof(key));
	printf("%-7s %s\n  %s, valid until %s\n  sha256 %s\n", what, subject,
		key, date, cert->sha256);
	mem_free(subject);
}

static void
report(const struct request *request, const struct ca *ca)
{
	struct cert *root = cert_of(ca_root(ca));
	struct cert *issuer = cert_of(ca_issuer(ca));

	if (root != NULL && issuer != NULL && request->json) {
		json_answer(json_pack("{s:s,s:o,s:o}", "ca",
			ca_settings(ca)->name, "root", one_json(root), "issuer",
			one_json(issuer)));
	} else if (root != NULL && issuer != NULL) {
		print_one("root", root);
		print_one("issuer", issuer);
		printf("in %s; \"smimectl ca root -o FILE\" writes the root "
		       "for those who shall trust it\n",
			ca_settings(ca)->path);
	}
	cert_unref(root);
	cert_unref(issuer);
}

static int
create(const struct request *request, const struct ca_settings *settings,
	const struct ca_names *names)
{
	char *password = NULL, *who = authority_who();
	struct error err = { 0 };
	struct ca *ca = NULL;
	int code = authority_password(settings, true, &password);

	if (code == CTL_YES &&
		ca_create(settings, names, password, who, &err) != 0) {
		ctl_complain("%s", err.text);
		code = err.kind == ERROR_CONFIG ? CTL_NO : CTL_TROUBLE;
	} else if (code == CTL_YES) {
		code = authority_open_settings(settings, AUTHORITY_LOCKED, &ca);
	}
	if (code == CTL_YES)
		report(request, ca);
	ca_close(ca);
	mem_free_secret(password);
	mem_free(who);
	return code;
}

int
command_ca_create(const struct request *request)
{
	struct ca_names names = { .root = request_option(request, "--root"),
		.issuer = request_option(request, "--issuer"),
		.more = request_option(request, "--subject") };
	const struct ca_settings *settings = NULL;
	struct conf *conf = NULL;
	int code;

	if (names.root == NULL || names.issuer == NULL)
		return ctl_usage("usage: smimectl %s %s",
			request->command->name, request->command->arguments);
	code = authority_number(
		request, "--root-days", ROOT_DAYS, DAYS_MAX, &names.root_days);
	if (code == CTL_YES)
		code = authority_number(request, "--days", ISSUER_DAYS,
			DAYS_MAX, &names.issuer_days);
	if (code != CTL_YES || ctl_load_settings(request, &conf, &code) != 0)
		return code;
	code = authority_choose(request, conf, &settings);
	if (code == CTL_YES)
		code = create(request, settings, &names);
	conf_free(conf);
	return code;
}

/* ---- the root, and its key ---- */

static int
write_certificate(X509 *x509, const char *path)
{
	const struct cert_writing how = { .form = CERT_DER };
	struct cert *cert = cert_of(x509);
	struct list certs = { 0 };
	struct buf der = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	if (cert != NULL)
		list_add(&certs, cert);
	if (cert_write(&how, &certs, &der, &err) != 0 ||
		output_write(path, buf_span(&der), FILE_MODE, &err) != 0)
		code = ctl_trouble(&err);
	buf_clear(&der);
	list_clear(&certs, cert_unref);
	return code;
}

/* The name too, before the only other copy may go. */
static int
sync_above(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? mem_string(".")
		       : slash == path
			       ? mem_string("/")
			       : mem_string_n(path, (size_t)(slash - path));
	int result = output_is_stdout(path) ? 0 : file_sync_folder(folder, err);

	mem_free(folder);
	return result;
}

static int
write_key(struct ca *ca, const char *path)
{
	struct buf pem = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	if (ca_root_key(ca, &pem, &err) != 0 ||
		output_write(path, buf_span(&pem), KEY_MODE, &err) != 0 ||
		sync_above(path, &err) != 0)
		code = ctl_trouble(&err);
	buf_clear(&pem);
	return code;
}

int
command_ca_root(const struct request *request)
{
	const char *path = request_option(request, "-o");
	const char *key = request_option(request, "--key");
	bool issuer = request_option(request, "--issuer") != NULL;
	struct authority authority;
	struct error err = { 0 };
	int code = authority_open(request, AUTHORITY_LOCKED, &authority);

	if (code == CTL_YES && path != NULL)
		code = write_certificate(issuer ? ca_issuer(authority.ca)
						: ca_root(authority.ca),
			path);
	if (code == CTL_YES && key != NULL)
		code = write_key(authority.ca, key);
	if (code == CTL_YES &&
		request_option(request, "--remove-key") != NULL &&
		ca_root_key_remove(authority.ca, &err) != 0)
		code = ctl_trouble(&err);
	if (code == CTL_YES && path == NULL && key == NULL)
		report(request, authority.ca);
	authority_close(&authority);
	return code;
}
