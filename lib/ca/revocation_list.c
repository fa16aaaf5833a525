/* Revocation lists: published, read, taken over. */
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ca/internal.h"

enum { CRL_MODE = 0644, CRL_MAX_BYTES = 256 << 20, DAY = 86400 };

/* ---- where it goes ---- */

static int
record(struct ca *ca, time_t next, size_t entries, struct error *err)
{
	char *number = mem_printf("%lu", ca->crl_number + 1);
	char *until = mem_printf("%lld", (long long)next);
	char *count = mem_printf("%zu", entries);
	int result = ca_record(ca, "crl",
		(const char *[]){ "number", number, "next", until, "entries",
			count, NULL },
		err);

	mem_free(number);
	mem_free(until);
	mem_free(count);
	return result;
}

/* With the lock.  It is whole before its number is recorded. */
static int
publish(struct ca *ca, unsigned days, struct error *err)
{
	time_t now = clock_now();
	time_t next =
		now + (time_t)(days ? days : ca->settings->crl_days) * DAY;
	const char *public = ca->settings->crl_file;
	char *path = ca_path(ca, "new/crl.der");
	struct buf der = { .limit_bytes = CRL_MAX_BYTES };
	size_t entries = 0;
	int result = -1;

	if (ca_check_clock(ca, now, err) == 0 &&
		list_make(ca, now, next, &entries, &der, err) == 0 &&
		ca_write(path, buf_span(&der), CRL_MODE, err) == 0) {
		result = record(ca, next, entries, err);
		if (result != 0)
			unlink(path);
		else
			result = ca_settle(ca, err);
	}
	if (result == 0 && public != NULL)
		result = ca_write(public, buf_span(&der), CRL_MODE, err);
	mem_free(path);
	buf_clear(&der);
	return result;
}

int
ca_crl(struct ca *ca, unsigned days, struct error *err)
{
	int result = -1;

	if (ca_is_locked(ca, err) != 0)
		return -1;
	if (ca_begin(ca, err) == 0)
		result = publish(ca, days, err);
	ca_end(ca);
	return result;
}

/* ---- reading ---- */

static X509_CRL *
parse(struct span bytes)
{
	const unsigned char *at = bytes.data;
	X509_CRL *crl;
	BIO *bio;

	crypto_begin();
	if (bytes.len != 0 && bytes.data[0] == 0x30)
		return d2i_X509_CRL(NULL, &at, (long)bytes.len);
	bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	crl = bio != NULL ? PEM_read_bio_X509_CRL(bio, NULL, NULL, (void *)"")
			  : NULL;
	BIO_free(bio);
	return crl;
}

X509_CRL *
list_read(const char *path)
{
	struct buf bytes = { 0 };
	X509_CRL *crl = NULL;

	if (file_read(path, CRL_MAX_BYTES, &bytes, NULL) == 0)
		crl = parse(buf_span(&bytes));
	buf_clear(&bytes);
	return crl;
}

long
list_number(X509_CRL *crl)
{
	ASN1_INTEGER *value =
		X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	int64_t number = -1;

	if (value == NULL || ASN1_INTEGER_get_int64(&number, value) != 1)
		number = -1;
	ASN1_INTEGER_free(value);
	crypto_begin();
	return (long)number;
}

/* Is it the last one there? */
static bool
is_current(const struct ca *ca, const char *path)
{
	X509_CRL *crl = list_read(path);
	bool current = crl != NULL && list_number(crl) == (long)ca->crl_number;

	X509_CRL_free(crl);
	return current;
}

bool
ca_crl_is_due(const struct ca *ca, time_t now)
{
	char *own = ca_path(ca, "crl.der");
	bool due = ca->crl_number == 0 || ca->crl_stale ||
		   now >= ca->crl_made + (ca->crl_next - ca->crl_made) / 2 ||
		   !is_current(ca, ca->settings->crl_file != NULL
					   ? ca->settings->crl_file
					   : own);

	mem_free(own);
	return due;
}

/* ---- another list of the same issuer ---- */

static int
take_over(const struct ca *ca, X509_REVOKED *revoked,
	struct journal_draft *draft, size_t *added, struct error *err)
{
	const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(revoked);
	ASN1_ENUMERATED *code =
		X509_REVOKED_get_ext_d2i(revoked, NID_crl_reason, NULL, NULL);
	long reason = code != NULL ? ASN1_ENUMERATED_get(code) : 0;
	char text[CA_SERIAL_HEX], *at = NULL;
	const struct ca_entry *entry;
	struct tm tm = { 0 };
	int result = 0;

	ASN1_ENUMERATED_free(code);
	if (serial_text(serial, text) != 0 ||
		ASN1_TIME_to_tm(
			X509_REVOKED_get0_revocationDate(revoked), &tm) != 1)
		return error_set(err, ERROR_FORMAT,
			"the list holds a serial number or date that is none");
	entry = entries_serial(ca, text);
	if (entry != NULL && entry->revoked != 0)
		return 0;
	at = mem_printf("%lld", (long long)timegm(&tm));
	result = journal_add(draft, "revoke",
		(const char *[]){ "serial", text, "reason",
			ca_reason_name((int)reason), "at", at, "from", "list",
			NULL },
		err);
	*added += result == 0;
	mem_free(at);
	return result;
}

static int
take_all(struct ca *ca, X509_CRL *crl, size_t *added, struct error *err)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	char *number = mem_printf("%ld", list_number(crl));
	struct journal_draft draft;
	int result;

	journal_draft_begin(&draft, &ca->journal, ca->who, clock_now());
	result = journal_add(&draft, "import-crl",
		(const char *[]){ "number", number, NULL }, err);
	for (int i = 0; result == 0 && i < sk_X509_REVOKED_num(all); i++)
		result = take_over(
			ca, sk_X509_REVOKED_value(all, i), &draft, added, err);
	if (result == 0)
		result = journal_commit(&draft, err);
	journal_drop(&draft);
	mem_free(number);
	return result == 0 ? journal_read(&ca->journal, entries_line, ca, err)
			   : -1;
}

int
ca_crl_import(
	struct ca *ca, struct span bytes, size_t *added, struct error *err)
{
	X509_CRL *crl = parse(bytes);
	int result = -1;

	*added = 0;
	if (crl == NULL)
		return crypto_fail(
			err, ERROR_FORMAT, "there is no revocation list");
	if (X509_NAME_cmp(X509_CRL_get_issuer(crl),
		    X509_get_subject_name(ca->issuer)) != 0 ||
		X509_CRL_verify(crl, X509_get0_pubkey(ca->issuer)) != 1)
		error_set(err, ERROR_TRUST,
			"the list was not signed by the issuer of authority %s",
			ca->settings->name);
	else if (ca_begin(ca, err) == 0)
		result = take_all(ca, crl, added, err);
	ca_end(ca);
	crypto_begin();
	X509_CRL_free(crl);
	return result;
}

/* ---- for those who only look ---- */

static time_t
time_of(const ASN1_TIME *when)
{
	struct tm tm = { 0 };

	return when != NULL && ASN1_TIME_to_tm(when, &tm) == 1 ? timegm(&tm)
							       : 0;
}

void
ca_crl_concern(
	const struct ca_settings *settings, time_t now, struct list *lines)
{
	const char *path = settings->crl_file;
	X509_CRL *crl = path != NULL ? list_read(path) : NULL;
	char date[11] = "";
	time_t from, next;

	if (path == NULL)
		return;
	if (crl == NULL) {
		list_add(lines, mem_printf("authority %s: %s: there is no "
					   "revocation list that can be read",
					settings->name, path));
		return;
	}
	from = time_of(X509_CRL_get0_lastUpdate(crl));
	next = time_of(X509_CRL_get0_nextUpdate(crl));
	cert_date_text(next, date);
	if (now >= next)
		list_add(lines, mem_printf("authority %s: %s: the revocation "
					   "list has ended on %s",
					settings->name, path, date));
	else if (now > next - (next - from) / 4)
		list_add(lines, mem_printf("authority %s: %s: the revocation "
					   "list ends on %s, and nobody has "
					   "made a new one",
					settings->name, path, date));
	X509_CRL_free(crl);
}
