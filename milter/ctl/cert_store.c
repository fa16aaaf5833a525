/* Which store, which certificates? */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "certs.h"

int
cert_named_store(const struct request *request, const struct conf *conf,
	struct store **out)
{
	const char *name = request_option(request, "--store");
	struct store *store;

	*out = NULL;
	if (name == NULL)
		return CTL_YES;
	LIST_FOREACH (store, &conf->gateway->stores)
		if (strcmp(store_name(store), name) == 0)
			*out = store;
	if (*out != NULL)
		return CTL_YES;
	return ctl_usage("there is no store \"%s\"", name);
}

int
cert_managed_name(const struct conf *conf, const char *wanted, const char **out)
{
	const char *name;

	*out = NULL;
	LIST_FOREACH (name, &conf->managed)
		if (wanted == NULL || strcmp(name, wanted) == 0)
			*out = name;
	if (wanted != NULL && *out == NULL)
		return ctl_usage(
			"there is no store \"%s\" of the type \"managed\"",
			wanted);
	if (conf->managed.count == 0)
		return ctl_usage("the configuration has no store of the type "
				 "\"managed\"");
	if (wanted == NULL && conf->managed.count > 1)
		return ctl_usage("which of the managed stores? --store says "
				 "it");
	return CTL_YES;
}

int
cert_open_named(const struct conf *conf, const char *name, struct store **out)
{
	struct store_settings settings = { .type = "managed" };
	struct list warnings = { 0 };
	struct error err = { 0 };
	int code = cert_managed_name(conf, name, &settings.name);

	settings.state = conf->state;
	settings.user = conf->user;
	if (code == CTL_YES &&
		(store_open(&settings, out, &warnings, &err) != 0 ||
			store_start(*out, &warnings, &err) != 0))
		code = ctl_trouble(&err);
	list_clear(&warnings, mem_free);
	return code;
}

int
cert_open_managed(const struct request *request, struct store **out)
{
	struct conf *conf = NULL;
	int code;

	if (ctl_load_settings(request, &conf, &code) != 0)
		return code;
	code = cert_open_named(conf, request_option(request, "--store"), out);
	conf_free(conf);
	return code;
}

int
cert_password(const struct request *request, char **out)
{
	const char *path = request_option(request, "--password-file");
	struct error err = { 0 };

	*out = NULL;
	if (path != NULL && file_read_password(path, out, &err) != 0)
		return ctl_trouble(&err);
	return CTL_YES;
}

struct cert_selector *
cert_word_selector(const char *word)
{
	struct cert_selector *selector = NULL;
	bool named = strncmp(word, "sha256:", 7) == 0;
	char *text = mem_printf("%s%s", named ? "" : "sha256:", word);

	if (cert_selector_new(text, &selector, NULL) != 0)
		selector = NULL;
	mem_free(text);
	return selector;
}

void
cert_hit_free(void *p)
{
	struct cert_hit *hit = p;

	if (hit == NULL)
		return;
	cert_unref(hit->cert);
	mem_free(hit);
}

static int
collect_from(struct store *store, const struct address *address,
	const struct cert_selector *selector, struct list *out)
{
	struct list found = { 0 };
	struct error err = { 0 };
	struct cert *cert;
	int code = CTL_YES;

	if (store_find(store, address, selector, 0, &found, &err) != 0)
		code = ctl_trouble(&err);
	LIST_FOREACH (cert, &found) {
		struct cert_hit *hit = mem_alloc(sizeof(*hit));

		hit->store = store_name(store);
		hit->cert = cert_ref(cert);
		list_add(out, hit);
	}
	list_clear(&found, cert_unref);
	return code;
}

int
cert_collect(const struct list *stores, struct store *only, const char *word,
	struct list *out)
{
	struct cert_selector *selector = cert_word_selector(word);
	struct address *address = NULL;
	struct error err = { 0 };
	struct store *store;
	int code = CTL_YES;

	if (selector == NULL && addr_parse(word, &address, &err) != 0)
		code = ctl_usage(
			"\"%s\" is neither a SHA-256 nor an address", word);
	else if (only != NULL)
		code = collect_from(only, address, selector, out);
	else
		LIST_FOREACH (store, stores) {
			int one = collect_from(store, address, selector, out);

			code = ctl_worse(one, code);
		}
	cert_selector_free(selector);
	address_free(address);
	return code;
}
