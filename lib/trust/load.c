/* What the settings name: files, and folders of files. */
#include <errno.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/walk.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

struct loading {
	struct cert_pile *pile;
	struct list crls; /* struct crl * */
	struct list *warnings;
	const char *setting;
};

/* Keys that stand in such a file are of no use here and never touched. */
static int
read_file(struct loading *self, const char *path, struct error *err)
{
	struct cert_file file = { .source = path, .without_keys = true };
	struct buf bytes = { 0 };
	size_t keys;
	int result = -1;

	if (file_read(path, cert_limits_default.file_bytes, &bytes, err) != 0)
		goto out;
	file.bytes = buf_span(&bytes);
	if (cert_pile_read(self->pile, &file, &keys, err) == 0)
		result = crl_take(self->pile, CRL_FILE, path, &self->crls, err);
out:
	buf_clear(&bytes);
	return result;
}

static int
read_in_folder(void *p, const char *path, const struct stat *st UNUSED,
	struct error *err UNUSED)
{
	struct loading *self = p;
	struct error why = { 0 };

	if (read_file(self, path, &why) != 0)
		list_add(self->warnings,
			mem_printf("%s: %s", self->setting, why.text));
	return 0;
}

static int
read_path(struct loading *self, const char *path, struct error *err)
{
	struct walk walk = { .file = read_in_folder,
		.self = self,
		.warnings = self->warnings,
		.source = self->setting };
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return walk_folder(&walk, path, err);
	return read_file(self, path, err);
}

/* Lists go into the set, wherever they stood. */
static int
read_setting(struct trust *trust, struct loading *self,
	const char *const *paths, size_t count, struct list *certs,
	struct error *err)
{
	int result = 0;

	self->pile = cert_pile_new(&cert_limits_default);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = read_path(self, paths[i], err);
	if (result == 0) {
		cert_pile_take(self->pile, certs, self->warnings);
		result = cert_pile_check(self->pile, err);
		if (self->crls.count > 0)
			set_add(trust, &self->crls);
	}
	list_clear(&self->crls, crl_unref);
	cert_pile_free(self->pile);
	return result == 0 ? 0 : error_prefix(err, "%s: ", self->setting);
}

static void
warn_anchor(const struct cert *anchor, time_t now, struct list *warnings)
{
	char *subject = cert_subject(anchor);
	char date[11];

	cert_date_text(anchor->not_after, date);
	if (now > anchor->not_after)
		list_add(warnings,
			mem_printf("trust.anchors: %s: %s expired on %s",
				anchor->source, subject, date));
	else if (!cert_is_ca(anchor))
		list_add(warnings,
			mem_printf("trust.anchors: %s: %s is no authority: "
				   "only this certificate itself is trusted",
				anchor->source, subject));
	mem_free(subject);
}

static int
load_anchors(struct trust *trust, const struct trust_settings *settings,
	struct list *warnings, struct error *err)
{
	struct loading loading = { .warnings = warnings,
		.setting = "trust.anchors" };
	struct cert *anchor;

	if (read_setting(trust, &loading, settings->anchors,
		    settings->anchor_count, &trust->anchors, err) != 0)
		return -1;
	if (settings->anchor_count != 0 && trust->anchors.count == 0)
		list_add(warnings,
			mem_string("trust.anchors: there is no certificate in "
				   "it, so nothing is trusted"));
	LIST_FOREACH (anchor, &trust->anchors) {
		if (X509_STORE_add_cert(trust->store, anchor->x509) != 1)
			return crypto_fail(err, ERROR_SYSTEM,
				"trust.anchors: %s", anchor->source);
		points_add_authority(&trust->points, anchor->x509);
		warn_anchor(anchor, clock_now(), warnings);
	}
	return 0;
}

static int
load_intermediates(struct trust *trust, const struct trust_settings *settings,
	struct list *warnings, struct error *err)
{
	struct loading loading = { .warnings = warnings,
		.setting = "trust.intermediates" };
	struct list certs = { 0 };
	struct cert *cert;
	int result = -1;

	if (read_setting(trust, &loading, settings->intermediates,
		    settings->intermediate_count, &certs, err) != 0)
		goto out;
	LIST_FOREACH (cert, &certs) {
		if (X509_add_cert(trust->intermediates, cert->x509,
			    X509_ADD_FLAG_UP_REF) != 1) {
			crypto_fail(err, ERROR_SYSTEM, "trust.intermediates");
			goto out;
		}
		points_add_authority(&trust->points, cert->x509);
		(void)points_add(&trust->points, cert->x509);
	}
	result = 0;
out:
	list_clear(&certs, cert_unref);
	return result;
}

static int
load_crls(struct trust *trust, const struct trust_settings *settings,
	struct list *warnings, struct error *err)
{
	struct loading loading = { .warnings = warnings,
		.setting = "trust.crls" };
	struct list certs = { 0 };
	int result = read_setting(trust, &loading, settings->crls,
		settings->crl_count, &certs, err);

	list_clear(&certs, cert_unref);
	return result;
}

int
trust_load(struct trust *trust, const struct trust_settings *settings,
	struct list *warnings, struct error *err)
{
	if (load_anchors(trust, settings, warnings, err) != 0 ||
		load_intermediates(trust, settings, warnings, err) != 0 ||
		load_crls(trust, settings, warnings, err) != 0)
		return -1;
	if (trust->revocation == TRUST_REVOCATION_OFF)
		return 0;
	if (trust->folder != NULL && access(trust->folder, R_OK | X_OK) != 0 &&
		errno != ENOENT)
		list_add(
			warnings, mem_printf("fetched revocation lists: %s: %s",
					  trust->folder, strerror(errno)));
	folder_look(trust, warnings);
	return 0;
}
