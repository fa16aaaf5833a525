/* Is there a revocation list where certificates will say it is? */
#include "authority.h"
#include "net/net.h"

enum { LIST_MAX_BYTES = 64 << 20 };

static int
check_url(const char *url)
{
	const struct net_settings net = { .timeout_seconds = 20,
		.limit_bytes = LIST_MAX_BYTES,
		.allow_private = true };
	struct buf bytes = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	if (net_init(&err) != 0 || net_fetch(url, &net, &bytes, &err) != 0) {
		ctl_complain("%s: %s", url, err.text);
		code = CTL_NO;
	}
	buf_clear(&bytes);
	return code;
}

static bool
is_among(const struct list *templates, const struct ca_template *template)
{
	for (size_t i = 0; i < templates->count; i++)
		if (templates->item[i] == template)
			return true;
	return false;
}

/* A URL is fixed for as long as the certificate lives; each line of a table
 * may have a template, and so a URL, of its own. */
int
issuance_check_urls(
	const struct request *request, const struct issuance *issuance)
{
	const struct ca_settings *settings = issuance->authority->settings;
	const struct ca_request *one;
	struct list templates = { 0 };
	int code = CTL_YES;

	if (request_option(request, "--check-url") == NULL)
		return CTL_YES;
	LIST_FOREACH (one, &issuance->requests) {
		const char *url = one->template->crl_url != NULL
					  ? one->template->crl_url
					  : settings->crl_url;

		if (code != CTL_YES || is_among(&templates, one->template))
			continue;
		list_add(&templates, (void *)one->template);
		code = url != NULL ? check_url(url)
				   : ctl_usage("authority %s has no crl_url",
					     settings->name);
	}
	list_clear(&templates, NULL);
	return code;
}
