/* smimectl cert show: everything a certificate says, and what we think. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "certs.h"
#include "trust/trust.h"

/* What we think of it. */
struct opinion {
	struct error distrust, refusal;
	bool trusted, refused;
};

static void
judge(const struct conf *conf, const struct cert *cert, struct opinion *out)
{
	struct trust *trust = conf->gateway->trust;

	*out = (struct opinion){ 0 };
	if (trust == NULL)
		error_set(&out->distrust, ERROR_TRUST, "there is no anchor");
	else
		out->trusted = trust_check(trust, cert, true, clock_now(),
				       &out->distrust) == 0;
	out->refused = cert_fits_nothing(cert, &out->refusal);
}

static json_t *
hit_json(const struct conf *conf, const struct cert_hit *hit)
{
	struct cert_details details;
	struct opinion opinion;
	json_t *out;

	judge(conf, hit->cert, &opinion);
	cert_details_read(hit->cert, &details);
	out = cert_json(hit->store, hit->cert,
		opinion.refused ? opinion.refusal.text : NULL);
	json_object_update_new(out,
		json_pack("{s:s,s:b,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o}",
			"sha1", details.sha1, "authority", details.is_authority,
			"signature",
			details.signature.count
				? (char *)details.signature.item[0]
				: "",
			"key_usage", json_texts(&details.key_usage),
			"extended_key_usage",
			json_texts(&details.extended_key_usage), "policies",
			json_texts(&details.policies),
			"crl_distribution_points",
			json_texts(&details.crl_points), "ocsp",
			json_texts(&details.ocsp), "issuer_at",
			json_texts(&details.issuer_at), "trusted",
			opinion.trusted, "why",
			json_text(opinion.trusted ? NULL
						  : opinion.distrust.text)));
	cert_details_clear(&details);
	return out;
}

static void
print_lines(const char *label, const struct list *texts)
{
	const char *text;

	LIST_FOREACH (text, texts)
		printf("  %-10s %s\n", label, text);
}

static void
print_joined(const char *label, const struct list *texts)
{
	const char *text;

	if (texts->count == 0)
		return;
	printf("  %-10s", label);
	LIST_FOREACH (text, texts)
		printf(" %s", text);
	putchar('\n');
}

static void
print_names(const struct cert_hit *hit)
{
	const struct cert *cert = hit->cert;
	char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE], key[64];
	char *subject = cert_subject(cert), *issuer = cert_issuer(cert);
	char *serial = cert_serial(cert);
	const struct address *address;

	clock_format(cert->not_before, from);
	clock_format(cert->not_after, until);
	cert_key_text(cert, key, sizeof(key));
	printf("%s\n", cert->sha256);
	if (hit->store != NULL)
		printf("  store      %s (%s)\n", hit->store,
			cert_origin_name(cert->origin));
	printf("  from       %s\n  subject    %s\n  issuer     %s\n"
	       "  serial     %s\n",
		cert->source, subject, issuer, serial);
	LIST_FOREACH (address, &cert->addresses)
		printf("  address    %s\n", address->text);
	printf("  valid      %s to %s\n  key        %s%s\n", from, until, key,
		cert->key != NULL ? ", private key here" : "");
	mem_free(subject);
	mem_free(issuer);
	mem_free(serial);
}

static void
print_hit(const struct conf *conf, const struct cert_hit *hit)
{
	const struct cert *cert = hit->cert;
	struct cert_details details;
	struct opinion opinion;

	judge(conf, cert, &opinion);
	cert_details_read(cert, &details);
	print_names(hit);
	print_lines("signature", &details.signature);
	print_joined("usage", &details.key_usage);
	print_joined("extended", &details.extended_key_usage);
	print_joined("policies", &details.policies);
	print_lines("crl", &details.crl_points);
	print_lines("ocsp", &details.ocsp);
	print_lines("issuer at", &details.issuer_at);
	printf("  sha-1      %s\n", details.sha1);
	if (details.is_authority)
		printf("  authority  yes\n");
	printf("  may       %s%s\n", cert->may_sign ? " sign" : "",
		cert->may_encrypt ? " encrypt" : "");
	printf("  trusted    %s%s\n", opinion.trusted ? "yes" : "no: ",
		opinion.trusted ? "" : opinion.distrust.text);
	if (opinion.refused)
		printf("  refused    %s\n", opinion.refusal.text);
	cert_details_clear(&details);
}

static int
load_file(const struct request *request, const char *path, struct list *out)
{
	struct list certs = { 0 }, warnings = { 0 };
	struct buf bytes = { 0 };
	struct error err = { 0 };
	char *password = NULL;
	const char *text;
	struct cert *cert;
	int code = cert_password(request, &password);

	if (code == CTL_YES && (file_read(path, cert_limits_default.file_bytes,
					&bytes, &err) != 0 ||
				       cert_load(buf_span(&bytes), password,
					       path, &cert_limits_default,
					       &certs, &warnings, &err) != 0))
		code = ctl_trouble(&err);
	LIST_FOREACH (text, &warnings)
		ctl_complain("%s", text);
	LIST_FOREACH (cert, &certs) {
		struct cert_hit *hit = mem_alloc(sizeof(*hit));

		hit->cert = cert;
		list_add(out, hit);
	}
	list_clear(&certs, NULL);
	list_clear(&warnings, mem_free);
	buf_clear(&bytes);
	mem_free_secret(password);
	return code;
}

static void
answer(const struct request *request, const struct conf *conf,
	const struct list *hits)
{
	json_t *array = request->json ? json_array() : NULL;
	const struct cert_hit *hit;

	LIST_FOREACH (hit, hits)
		if (array != NULL)
			json_array_append_new(array, hit_json(conf, hit));
		else
			print_hit(conf, hit);
	if (array != NULL)
		json_answer(array);
}

int
command_cert_show(const struct request *request)
{
	const char *word = request_word(request, 0);
	struct list hits = { 0 };
	struct conf *conf = NULL;
	struct stat st;
	int code;

	if (ctl_load(request, &conf, &code) != 0)
		return code;
	if (strchr(word, '/') != NULL || stat(word, &st) == 0)
		code = load_file(request, word, &hits);
	else
		code = cert_collect(&conf->gateway->stores, NULL, word, &hits);
	/* A store that cannot tell hides no other one. */
	if (code == CTL_YES || hits.count != 0)
		answer(request, conf, &hits);
	if (code == CTL_YES && hits.count == 0) {
		ctl_complain("no store has a certificate for %s", word);
		code = CTL_NO;
	}
	list_clear(&hits, cert_hit_free);
	conf_free(conf);
	return code;
}
