/* A list of requests, carried out. */
#include <string.h>

#include "authority.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "output.h"

enum { FILE_MODE = 0644 };

static void
request_free(void *p)
{
	struct ca_request *request = p;

	ca_request_clear(request);
	mem_free(request);
}

void
issuance_clear(struct issuance *issuance)
{
	list_clear(&issuance->requests, request_free);
	filing_close(&issuance->filing);
}

static bool
is_any_internal(const struct issuance *issuance)
{
	const struct ca_request *request;

	LIST_FOREACH (request, &issuance->requests)
		if (request->internal)
			return true;
	return false;
}

int
issuance_open_store(const struct request *request, struct issuance *issuance)
{
	const struct authority *authority = issuance->authority;
	const char *name = request_option(request, "--store");

	if (name == NULL)
		name = authority->settings->store;
	/* Partners can do without one. */
	if (name == NULL && !is_any_internal(issuance) &&
		authority->conf->managed.count != 1)
		return CTL_YES;
	return filing_open(authority->conf, name, &issuance->filing);
}

static int
check_all(const struct issuance *issuance)
{
	const struct ca_request *request;
	int code = CTL_YES;

	LIST_FOREACH (request, &issuance->requests) {
		struct error err = { 0 };

		if (ca_request_check(issuance->authority->ca, request, &err) ==
			0)
			continue;
		ctl_complain("%s", err.text);
		code = err.kind == ERROR_SYSTEM ? CTL_TROUBLE : CTL_NO;
	}
	return code;
}

/* Processors have time while the disk is waited for, and there are several. */
static void
make_keys(void *p, size_t first, size_t end)
{
	struct ca_request *batch = p;

	/* What fails here is tried again, and said, by ca_issue(). */
	for (size_t i = first; i < end; i++)
		(void)!ca_make_key(&batch[i], NULL);
}

static void
say(struct issuance *issuance, const struct ca_request *request)
{
	if (issuance->array != NULL)
		json_array_append_new(
			issuance->array, authority_entry_json(request->entry));
	else
		authority_entry_print(request->entry);
}

static int
issue_batch(struct issuance *issuance, size_t first, size_t count)
{
	struct ca_request batch[CA_BATCH_MAX];
	struct error err = { 0 };
	int code = CTL_YES;

	for (size_t i = 0; i < count; i++)
		batch[i] = *(
			struct ca_request *)issuance->requests.item[first + i];
	if (count > 1)
		parallel_run(count, 1, make_keys, batch);
	if (ca_issue(issuance->authority->ca, batch, count, &err) != 0) {
		ctl_complain("%s", err.text);
		code = err.kind == ERROR_CONFIG ? CTL_NO : CTL_TROUBLE;
	}
	for (size_t i = 0; i < count; i++)
		*(struct ca_request *)issuance->requests.item[first + i] =
			batch[i];
	return code;
}

/* Also what an earlier one has left to do. */
int
issuance_file(struct issuance *issuance)
{
	struct error err = { 0 };

	if (filing_run(&issuance->filing, issuance->authority->ca, &err) == 0)
		return CTL_YES;
	ctl_complain("issued, but not in the store yet (the next \"ca issue\" "
		     "or \"ca renew\" tries again): %s",
		err.text);
	return CTL_TROUBLE;
}

static int
write_output(const struct issuance *issuance)
{
	const struct cert_writing how = { .form = CERT_PEM };
	const struct ca_request *request;
	struct list certs = { 0 };
	struct buf out = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	LIST_FOREACH (request, &issuance->requests)
		if (request->cert != NULL)
			list_add(&certs, request->cert);
	if (issuance->output != NULL && certs.count != 0 &&
		(cert_write(&how, &certs, &out, &err) != 0 ||
			output_write(issuance->output, buf_span(&out),
				FILE_MODE, &err) != 0))
		code = ctl_trouble(&err);
	list_clear(&certs, NULL);
	buf_clear(&out);
	return code;
}

int
issuance_run(struct issuance *issuance)
{
	const size_t all = issuance->requests.count;
	int code = check_all(issuance), filed = CTL_YES, one;

	if (code == CTL_YES && all == 0)
		code = issuance_file(issuance);
	for (size_t first = 0; code == CTL_YES && first < all;
		first += CA_BATCH_MAX) {
		size_t count =
			all - first < CA_BATCH_MAX ? all - first : CA_BATCH_MAX;

		code = issue_batch(issuance, first, count);
		one = issuance_file(issuance);
		filed = ctl_worse(one, filed);
		for (size_t i = 0; code == CTL_YES && i < count; i++)
			say(issuance, issuance->requests.item[first + i]);
	}
	if (code == CTL_YES)
		code = write_output(issuance);
	return ctl_worse(filed, code);
}
