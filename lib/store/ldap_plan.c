/* The settings of a store of type ldap, checked and made ready. */
#include <ldap.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/ldap_internal.h"

/* Where systems keep their authorities in one file. */
static const char *const system_authorities[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

static int
refuse_uri(const char *uri, const char *why, struct error *err)
{
	return error_set(err, ERROR_CONFIG, "uri: \"%s\" %s", uri, why);
}

static int
check_parts(const char *uri, const LDAPURLDesc *url,
	const struct store_settings *settings, struct error *err)
{
	bool local = strcmp(url->lud_scheme, "ldapi") == 0;

	if (!local && strcmp(url->lud_scheme, "ldap") != 0 &&
		strcmp(url->lud_scheme, "ldaps") != 0)
		return refuse_uri(
			uri, "is none of ldap://, ldaps:// and ldapi://", err);
	if (!local && (url->lud_host == NULL || url->lud_host[0] == '\0'))
		return refuse_uri(uri, "names no host", err);
	if ((url->lud_dn != NULL && url->lud_dn[0] != '\0') ||
		url->lud_attrs != NULL || url->lud_filter != NULL ||
		url->lud_exts != NULL)
		return refuse_uri(uri,
			"says more than a host: base, attributes and filter "
			"are settings of their own",
			err);
	if (settings->start_tls && strcmp(url->lud_scheme, "ldap") != 0)
		return refuse_uri(uri, "cannot be with start_tls", err);
	return 0;
}

static int
add_uri(struct ldap_plan *plan, const char *uri,
	const struct store_settings *settings, struct error *err)
{
	LDAPURLDesc *url = NULL;
	int result = -1;

	if (plan->uris.count == LDAP_URIS_MAX)
		return error_set(err, ERROR_LIMIT, "uri: more than %d servers",
			LDAP_URIS_MAX);
	if (ldap_url_parse(uri, &url) != LDAP_URL_SUCCESS) {
		refuse_uri(uri, "is no URI of a directory", err);
		goto out;
	}
	if (check_parts(uri, url, settings, err) != 0)
		goto out;
	list_add(&plan->uris, mem_string(uri));
	result = 0;
out:
	ldap_free_urldesc(url);
	return result;
}

static int
read_uris(struct ldap_plan *plan, const struct store_settings *settings,
	struct error *err)
{
	static const char blanks[] = " \t\r\n";
	const char *at = settings->uri ? settings->uri : "";

	for (at += strspn(at, blanks); *at != '\0'; at += strspn(at, blanks)) {
		size_t len = strcspn(at, blanks);
		char *uri = mem_string_n(at, len);
		int added = add_uri(plan, uri, settings, err);

		mem_free(uri);
		if (added != 0)
			return -1;
		at += len;
	}
	if (plan->uris.count == 0)
		return error_set(err, ERROR_CONFIG, "uri is missing");
	return 0;
}

static bool
has_scheme(const struct ldap_plan *plan, const char *scheme)
{
	const char *uri;

	LIST_FOREACH (uri, &plan->uris)
		if (span_starts_nocase(span_string(uri), scheme))
			return true;
	return false;
}

/* RFC 4513 5.1.2: a name with an empty password is nobody. */
static int
read_identity(struct ldap_plan *plan, const struct store_settings *settings,
	struct list *warnings, struct error *err)
{
	bool named = settings->bind_dn != NULL && settings->bind_dn[0] != '\0';

	if (!named && settings->password_file != NULL)
		return error_set(err, ERROR_CONFIG,
			"password_file is set, and bind_dn is not");
	if (!named)
		return 0;
	if (settings->password_file == NULL)
		return error_set(err, ERROR_CONFIG,
			"bind_dn is set, and password_file is not");
	if (store_read_password(settings, &plan->password, err) != 0)
		return -1;
	if (plan->password == NULL || plan->password[0] == '\0')
		return error_set(err, ERROR_CONFIG,
			"%s: an empty password is none for a directory",
			settings->password_file);
	plan->bind_dn = mem_string(settings->bind_dn);
	if (has_scheme(plan, "ldap://") && !plan->start_tls)
		list_add(warnings,
			mem_printf("store %s: the password goes to the "
				   "directory unprotected; use ldaps:// or "
				   "start_tls",
				plan->store));
	return 0;
}

static int
check_authorities(const char *path, struct error *err)
{
	struct buf bytes = { 0 };
	struct list certs = { 0 }, warnings = { 0 };
	int result = -1;

	if (file_read(path, cert_limits_default.file_bytes, &bytes, err) == 0)
		result = cert_load(buf_span(&bytes), NULL, path,
			&cert_limits_default, &certs, &warnings, err);
	buf_clear(&bytes);
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	return result;
}

static int
find_authorities(struct ldap_plan *plan, const struct store_settings *settings,
	struct error *err)
{
	if (settings->ca_file != NULL) {
		if (check_authorities(settings->ca_file, err) != 0)
			return error_prefix(err, "ca_file: ");
		plan->ca_file = mem_string(settings->ca_file);
		return 0;
	}
	for (size_t i = 0; i < COUNT_OF(system_authorities); i++)
		if (access(system_authorities[i], R_OK) == 0) {
			plan->ca_file = mem_string(system_authorities[i]);
			break;
		}
	return 0;
}

static bool
is_known_kind(const struct ldap_plan *plan, struct span name)
{
	const char *kind;

	LIST_FOREACH (kind, &plan->kinds)
		if (span_is_nocase(name, kind))
			return true;
	return false;
}

static bool
is_attribute(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.data[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
			!(c >= 'A' && c <= 'Z') && c != '-' && c != '.')
			return false;
	}
	return name.len != 0;
}

/* Servers differ in which of the two spellings they want. */
static int
read_attributes(struct ldap_plan *plan, const struct store_settings *settings,
	struct error *err)
{
	const char *text;
	size_t wanted = 0;

	LIST_FOREACH (text, &settings->attributes) {
		struct span name = span_of(text, strcspn(text, ";"));

		if (!is_attribute(name))
			return error_set(err, ERROR_CONFIG,
				"attributes: \"%s\" is no name of an attribute",
				text);
		if (is_known_kind(plan, name))
			continue;
		if (plan->kinds.count == LDAP_ATTRIBUTES_MAX)
			return error_set(err, ERROR_LIMIT,
				"attributes: more than %d",
				LDAP_ATTRIBUTES_MAX);
		list_add(&plan->kinds, mem_string_n(name.data, name.len));
		text = plan->kinds.item[plan->kinds.count - 1];
		plan->wanted[wanted++] = mem_printf("%s;binary", text);
		plan->wanted[wanted++] = mem_string(text);
	}
	if (wanted == 0)
		return error_set(err, ERROR_CONFIG, "attributes: none is set");
	return 0;
}

int
ldap_plan_make(const struct store_settings *settings, struct ldap_plan *out,
	struct list *warnings, struct error *err)
{
	*out = (struct ldap_plan){ .store = mem_string(settings->name),
		.base = mem_string(settings->base),
		.filter = mem_string(settings->filter),
		.start_tls = settings->start_tls,
		.timeout_ms = (int)settings->timeout_seconds * 1000 };
	if (out->base == NULL)
		return error_set(err, ERROR_CONFIG, "base is missing");
	if (out->filter == NULL)
		return error_set(err, ERROR_CONFIG, "filter is missing");
	if (out->timeout_ms <= 0)
		return error_set(
			err, ERROR_CONFIG, "timeout_seconds must be 1 or more");
	if (read_uris(out, settings, err) != 0 ||
		ldap_filter_check(out->filter, err) != 0 ||
		read_attributes(out, settings, err) != 0 ||
		read_identity(out, settings, warnings, err) != 0)
		return -1;
	return find_authorities(out, settings, err);
}

void
ldap_plan_clear(struct ldap_plan *plan)
{
	mem_free(plan->store);
	list_clear(&plan->uris, mem_free);
	mem_free(plan->base);
	mem_free(plan->bind_dn);
	mem_free_secret(plan->password);
	mem_free(plan->filter);
	mem_free(plan->ca_file);
	list_clear(&plan->kinds, mem_free);
	for (size_t i = 0; i < COUNT_OF(plan->wanted); i++)
		mem_free(plan->wanted[i]);
	*plan = (struct ldap_plan){ 0 };
}
