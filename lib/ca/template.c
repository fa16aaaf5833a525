/* What certificates are for. */
#include <string.h>

#include "base/mem.h"
#include "ca/internal.h"
#include "net/net.h"

static const struct ca_template built_in[] = {
	{ .name = (char *)"user",
		.days = 365,
		.key = CA_RSA_3072,
		.sign = true,
		.encrypt = true,
		.capabilities = true },
	{ .name = (char *)"sign-only",
		.days = 365,
		.key = CA_RSA_3072,
		.sign = true },
	{ .name = (char *)"encrypt-only",
		.days = 365,
		.key = CA_RSA_3072,
		.encrypt = true,
		.capabilities = true },
	{ .name = (char *)"domain",
		.days = 365,
		.key = CA_RSA_3072,
		.sign = true,
		.encrypt = true,
		.domain = true,
		.capabilities = true },
};

void
ca_template_free(void *p)
{
	struct ca_template *item = p;

	if (item == NULL)
		return;
	mem_free(item->name);
	list_clear(&item->extended, mem_free);
	list_clear(&item->domains, pattern_free);
	mem_free(item->crl_url);
	mem_free(item);
}

const struct ca_template *
ca_template_find(const struct list *own, const char *name)
{
	const struct ca_template *item;

	LIST_FOREACH (item, own)
		if (strcmp(item->name, name) == 0)
			return item;
	for (size_t i = 0; i < COUNT_OF(built_in); i++)
		if (strcmp(built_in[i].name, name) == 0)
			return &built_in[i];
	return NULL;
}

/* RFC 8550 4.4.4: with one of these a certificate may be used for mail. */
static bool
is_for_mail(const ASN1_OBJECT *purpose)
{
	int nid = OBJ_obj2nid(purpose);

	return nid == NID_email_protect || nid == NID_anyExtendedKeyUsage;
}

int
ca_template_check(const struct ca_template *item, struct error *err)
{
	bool for_mail = item->extended.count == 0;
	const char *name;

	if (!item->sign && !item->encrypt)
		return error_set(err, ERROR_CONFIG,
			"a certificate that may neither sign nor encrypt");
	LIST_FOREACH (name, &item->extended) {
		ASN1_OBJECT *object;

		crypto_begin();
		object = OBJ_txt2obj(name, 0);
		for_mail |= object != NULL && is_for_mail(object);
		ASN1_OBJECT_free(object);
		crypto_begin();
		if (object == NULL)
			return error_set(err, ERROR_CONFIG,
				"\"%s\" is no purpose: write \"clientAuth\" or "
				"its number, \"1.3.6.1.5.5.7.3.2\"",
				name);
	}
	if (!for_mail)
		return error_set(err, ERROR_CONFIG,
			"with an extended_usage that lacks \"emailProtection\" "
			"nobody may use the certificate for mail");
	return 0;
}

int
ca_url_check(const char *url, struct error *err)
{
	const char *slashes = strstr(url, "://"), *path;

	for (const char *c = url; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f ||
			strchr("\"<>\\^`{|}", *c))
			return error_set(err, ERROR_CONFIG,
				"\"%s\" holds what no URL may hold", url);
	path = slashes != NULL ? strchr(slashes + 3, '/') : NULL;
	if (!net_can_fetch(url) || slashes == NULL || slashes[3] == '/')
		return error_set(err, ERROR_CONFIG,
			"\"%s\" is no http, https or ldap URL with a host",
			url);
	if (path == NULL || path[1] == '\0')
		return error_set(err, ERROR_CONFIG,
			"\"%s\" names a host and no file there", url);
	return 0;
}
