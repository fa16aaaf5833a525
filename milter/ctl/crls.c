/* smimectl crl list, fetch and import. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ctl.h"
#include "json.h"
#include "trust/trust.h"

/* ---- list ---- */

static json_t *
time_json(time_t when)
{
	char text[CLOCK_TEXT_SIZE];

	if (when == 0)
		return json_null();
	clock_format(when, text);
	return json_string(text);
}

static json_t *
crl_json(const struct trust_crl *crl)
{
	return json_pack("{s:o, s:o, s:s, s:o, s:s, s:o, s:o, s:I, s:o}",
		"issuer", json_text(crl->issuer), "source",
		json_text(crl->source), "origin", crl->origin, "number",
		json_text(crl->number), "sha256", crl->sha256, "this_update",
		time_json(crl->this_update), "next_update",
		time_json(crl->next_update), "entries",
		(json_int_t)crl->entries, "refused", json_text(crl->refused));
}

static void
print_crl(const struct trust_crl *crl)
{
	char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE] = "whenever";

	clock_format(crl->this_update, from);
	if (crl->next_update != 0)
		clock_format(crl->next_update, until);
	printf("%s\n  from       %s (%s)\n", crl->issuer, crl->source,
		crl->origin);
	if (crl->number != NULL)
		printf("  number     %s\n", crl->number);
	printf("  valid      %s to %s\n  revoked    %zu certificates\n", from,
		until, crl->entries);
	printf("  state      %s\n",
		crl->refused != NULL ? crl->refused : "good");
}

/* Without trust there are no lists; with `off` nobody looks at them. */
static void
complain_when_off(const struct trust *trust)
{
	if (!trust_uses_crls(trust))
		ctl_complain("trust.revocation is \"off\": no list is used");
}

int
command_crl_list(const struct request *request)
{
	struct conf *conf = NULL;
	struct list crls = { 0 };
	const struct trust_crl *crl;
	json_t *array;
	int code;

	if (ctl_load(request, &conf, &code) != 0)
		return code;
	complain_when_off(conf->gateway->trust);
	trust_describe_crls(conf->gateway->trust, &crls);
	array = json_array();
	LIST_FOREACH (crl, &crls) {
		if (request->json)
			json_array_append_new(array, crl_json(crl));
		else
			print_crl(crl);
	}
	if (request->json)
		json_answer(json_incref(array));
	json_decref(array);
	list_clear(&crls, trust_crl_free);
	conf_free(conf);
	return CTL_YES;
}

/* ---- fetch and import ---- */

static void
print_lines(const struct list *lines)
{
	const char *text;

	LIST_FOREACH (text, lines)
		printf("%s\n", text);
}

int
command_crl_fetch(const struct request *request)
{
	struct conf *conf = NULL;
	struct list certs = { 0 }, lines = { 0 };
	size_t failed = 0;
	int code;

	if (ctl_load(request, &conf, &code) != 0)
		return code;
	complain_when_off(conf->gateway->trust);
	gateway_list_certs(conf->gateway, &certs);
	trust_fetch_crls(conf->gateway->trust, &certs, &lines, &failed);
	if (lines.count == 0)
		ctl_complain("no certificate in use says where a list can be "
			     "fetched");
	if (request->json)
		json_answer(json_pack("{s:o,s:I}", "lines", json_texts(&lines),
			"failed", (json_int_t)failed));
	else
		print_lines(&lines);
	list_clear(&lines, mem_free);
	code = failed == 0 ? CTL_YES : CTL_NO;
	list_clear(&certs, cert_unref);
	conf_free(conf);
	return code;
}

static int
import_one(const struct conf *conf, const struct list *certs, const char *path,
	json_t *array)
{
	struct list lines = { 0 };
	struct error err = { 0 };
	bool good = trust_import_crls(conf->gateway->trust, certs, path, &lines,
			    &err) == 0;

	if (!good) {
		list_clear(&lines, mem_free);
		ctl_complain("%s", err.text);
	}
	if (array == NULL)
		print_lines(&lines);
	else
		json_array_append_new(array,
			json_pack("{s:o,s:b,s:o,s:o}", "file", json_text(path),
				"ok", good, "lines", json_texts(&lines), "why",
				json_text(good ? NULL : err.text)));
	list_clear(&lines, mem_free);
	return good ? CTL_YES : CTL_NO;
}

int
command_crl_import(const struct request *request)
{
	struct conf *conf = NULL;
	struct list certs = { 0 };
	json_t *array = NULL;
	const char *path;
	int code;

	if (ctl_load(request, &conf, &code) != 0)
		return code;
	complain_when_off(conf->gateway->trust);
	gateway_list_certs(conf->gateway, &certs);
	if (request->json)
		array = json_array();
	LIST_FOREACH (path, &request->words)
		if (import_one(conf, &certs, path, array) != CTL_YES)
			code = CTL_NO;
	if (array != NULL)
		json_answer(array);
	list_clear(&certs, cert_unref);
	conf_free(conf);
	return code;
}
