/*
 * Into the managed store: by whoever may write there, or else, for the
 * authority's user, through the daemon.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "base/mem.h"
#include "certs.h"
#include "control/control.h"

enum { ANSWER_TIMEOUT_MS = 30 * 1000 };

/* Root, and whose the folder is. */
static bool
may_write(const char *state)
{
	struct stat st;

	return geteuid() == 0 || stat(state, &st) != 0 ||
	       st.st_uid == geteuid();
}

/* Is it there?  Better asked before than after. */
static int
look_into(struct store *store)
{
	struct address *nobody = NULL;
	struct list none = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	if (addr_parse("nobody@invalid", &nobody, &err) != 0 ||
		store_find(store, nobody, NULL, 0, &none, &err) != 0)
		code = ctl_trouble(&err);
	list_clear(&none, cert_unref);
	address_free(nobody);
	return code;
}

static int
open_store(struct filing *filing, const struct conf *conf, const char *name)
{
	int code = cert_open_named(conf, name, &filing->store);

	return code == CTL_YES ? look_into(filing->store) : code;
}

/* Would it take one from us? */
static int
ask_daemon(const char *path, const char *name)
{
	struct buf text = { .limit_bytes = CONTROL_ANSWER_MAX };
	char *request = mem_printf("may-file %s", name);
	struct error err = { 0 };
	int code = CTL_YES;

	if (control_ask(path, request, ANSWER_TIMEOUT_MS, &code, &text, &err) !=
		0) {
		ctl_complain("the store is not ours to write, and the daemon, "
			     "which would, cannot be asked");
		code = ctl_trouble(&err);
	} else if (code != CTL_YES) {
		ctl_complain("the store is not ours to write, and the daemon "
			     "would not take it from us: %.*s",
			(int)text.len, (const char *)text.data);
	}
	buf_clear(&text);
	mem_free(request);
	return code;
}

static int
find_daemon(struct filing *filing, const struct conf *conf, const char *name)
{
	const char *path = conf->control.socket;
	int code = cert_managed_name(conf, name, &filing->name);

	if (strncmp(path, "unix:", 5) == 0)
		path += 5;
	if (code == CTL_YES)
		code = ask_daemon(path, filing->name);
	if (code == CTL_YES)
		filing->socket = path;
	return code;
}

int
filing_open(const struct conf *conf, const char *name, struct filing *out)
{
	return may_write(conf->state) ? open_store(out, conf, name)
				      : find_daemon(out, conf, name);
}

void
filing_close(struct filing *filing)
{
	store_close(filing->store);
}

static int
hand_over(void *p, const struct ca_entry *entry, struct cert *cert,
	struct error *err)
{
	const struct filing *filing = p;
	struct buf bytes = { .limit_bytes = CA_HAND_MAX_BYTES };
	struct buf text = { .limit_bytes = CONTROL_ANSWER_MAX };
	char *request = NULL;
	int code = CTL_TROUBLE, result = -1;

	if (ca_hand(cert, &bytes, err) != 0)
		goto out;
	request = mem_printf(
		"file %zu %s %s", bytes.len, entry->address, filing->name);
	if (control_hand(filing->socket, request, buf_span(&bytes),
		    ANSWER_TIMEOUT_MS, &code, &text, err) != 0)
		goto out;
	result = code == CTL_YES
			 ? 0
			 : error_set(err,
				   code == CTL_NO ? ERROR_CONFIG : ERROR_SYSTEM,
				   "%s: the daemon did not take it: %.*s",
				   entry->address, (int)text.len,
				   (const char *)text.data);
out:
	buf_clear(&bytes);
	buf_clear(&text);
	mem_free(request);
	return result;
}

int
filing_run(struct filing *filing, struct ca *ca, struct error *err)
{
	if (filing->socket != NULL)
		return ca_file_by(ca, hand_over, filing, err);
	return filing->store != NULL ? ca_file(ca, filing->store, err) : 0;
}
