/* Revocation lists: which of them speak, and what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "pki_fixture.h"
#include "trust/trust.h"

enum { NOW = FIXTURE_NOW, IN_2028 = 1830297600 };

/*
 * make NAME ISSUER FROM UNTIL EXTENSIONS [REVOKED REASON]: NAME.crl, signed
 * by ISSUER.pem, in which REVOKED.pem stands.
 */
static const char maker[] =
	"make() {\n"
	"  name=$1 issuer=$2 from=$3 until=$4\n"
	"  printf '[ca]\\ndefault_ca=us\\n[us]\\ndatabase=idx\\n"
	"default_md=sha256\\ncrlnumber=num\\ncrl_extensions=ext\\n[idp]\\n"
	"%b\\n[ext]\\n%b\\n' \"$8\" \"$5\" "
	">crl.cnf\n"
	"  : >idx; echo 01 >num\n"
	"  [ -z \"$6\" ] || printf 'R\\t440101000000Z\\t251201000000Z,%s\\t%s"
	"\\tunknown\\t/CN=x\\n' $7 $(openssl x509 -in $6 -noout -serial | "
	"sed 's/.*=//') >idx\n"
	"  openssl ca -config crl.cnf -gencrl -cert $issuer.pem -keyfile "
	"$issuer.key -crl_lastupdate $from -crl_nextupdate $until -out "
	"$name.crl 2>make.log || { cat make.log >&2; exit 1; }\n"
	"}\n"
	"A=20251201000000Z Z=20270101000000Z I=$P/intermediate\n";

static void
make_lists(void)
{
	char *script = mem_printf("%s%s", maker,
		"make root $P/ca $A $Z ''\n"
		"make root-revokes $P/ca $A $Z '' $I.pem CACompromise\n"
		"make good $I $A $Z ''\n"
		"make revokes $I $A $Z '' $P/alice.pem keyCompromise\n"
		"make holds $I $A $Z '' $P/alice.pem certificateHold\n"
		"make no-reason $I $A $Z '' $P/alice.pem unspecified\n"
		"make newer $I 20251215000000Z $Z ''\n"
		"make stale $I 20240101000000Z 20250101000000Z ''\n"
		"make stale-revokes $I 20240101000000Z 20250101000000Z '' "
		"$P/alice.pem superseded\n"
		"make early $I 20260601000000Z $Z ''\n"
		"make other $P/other-ca $A $Z ''\n"
		"make delta $I $A $Z '2.5.29.27=critical,ASN1:INTEGER:1'\n"
		"make unknown $I $A $Z '1.2.3.4=critical,ASN1:NULL'\n"
		"make uncritical $I $A $Z '1.2.3.4=ASN1:NULL'\n"
		"make users $I $A $Z issuingDistributionPoint=critical,@idp "
		"'' '' onlyuser=TRUE\n"
		"make authorities $I $A $Z issuingDistributionPoint=critical,"
		"@idp '' '' onlyCA=TRUE\n"
		"make indirect $I $A $Z issuingDistributionPoint=critical,@idp "
		"'' '' indirectCRL=TRUE\n"
		"make reasons $I $A $Z issuingDistributionPoint=critical,@idp "
		"'' '' onlysomereasons=keyCompromise\n"
		"make reasons-revokes $I $A $Z issuingDistributionPoint="
		"critical,@idp $P/alice.pem keyCompromise "
		"onlysomereasons=keyCompromise\n"
		"make reasons-newer $I 20251220000000Z $Z "
		"issuingDistributionPoint=critical,@idp $P/alice.pem "
		"keyCompromise onlysomereasons=keyCompromise\n"
		"make reasons-users $I $A $Z issuingDistributionPoint="
		"critical,@idp $P/alice.pem keyCompromise "
		"'onlysomereasons=keyCompromise\\nonlyCA=TRUE'\n"
		"make users-newer $I 20251215000000Z $Z "
		"issuingDistributionPoint=critical,@idp '' '' onlyuser=TRUE\n"
		"make part $I $A $Z issuingDistributionPoint=critical,@idp "
		"'' '' fullname=URI:http://x.example/a.crl\n"
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -keyout fake.key -out "
		"fake.pem -subj '/O=Example/CN=Example Intermediate' -config "
		"/dev/null -days 9999 2>/dev/null\n"
		"make forged fake $A $Z ''\n"
		"make forged-reasons fake $A $Z issuingDistributionPoint="
		"critical,@idp $P/alice.pem keyCompromise "
		"onlysomereasons=keyCompromise\n"
		"openssl crl -in good.crl -outform DER -out good-der.crl\n"
		"LC_ALL=C sed s/270101000000Z/279901000000Z/ good-der.crl "
		">endless.crl\n"
		"make forged-revokes fake $A $Z '' $P/alice.pem superseded\n"
		"cat good.crl root.crl >both.crl\n");

	own_run(script);
	mem_free(script);
}

static struct trust *
make_trust(
	enum trust_revocation revocation, const char *const *crls, size_t count)
{
	const char *const anchors[] = { pki_path("ca.pem") };
	const char *const intermediates[] = { pki_path("intermediate.pem") };
	const struct trust_settings settings = { .anchors = anchors,
		.anchor_count = 1,
		.intermediates = intermediates,
		.intermediate_count = 1,
		.crls = crls,
		.crl_count = count,
		.revocation = revocation };
	struct trust *trust = NULL;
	struct list warnings = { 0 };
	struct error err = { 0 };

	clock_set(NOW);
	if (trust_new(&settings, &trust, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	list_clear(&warnings, mem_free);
	return trust;
}

static int
ask(struct trust *trust, const char *name, time_t when, struct error *why)
{
	char *file = mem_printf("%s.pem", name);
	struct loaded loaded;
	int result;

	load_path(pki_path(file), NULL, &loaded);
	*why = (struct error){ 0 };
	result = trust_check(trust, loaded.certs.item[0], false, when, why);
	loaded_clear(&loaded);
	mem_free(file);
	return result;
}

enum { LISTS = 3 };
/* Which lists are there, and what is said of alice. */
static const struct row {
	const char *label;
	const char *lists[LISTS];
	const char *revoked; /* TRUST, unless off */
	const char *unknown; /* SYSTEM when hard, a remark when soft */
	bool judge;	     /* openssl verify says the same as hard */
} rows[] = {
	/* good */
	{ "both lists", { "root", "good" }, NULL, NULL, true },
	{ "one file", { "both" }, NULL, NULL, false },
	{ "DER", { "root", "good-der" }, NULL, NULL, false },
	{ "only about users", { "root", "users" }, NULL, NULL, true },
	/* odd but accepted */
	{ "an unknown extension", { "root", "uncritical" }, NULL, NULL, true },
	{ "a stale one beside", { "root", "stale", "good" }, NULL, NULL, true },
	{ "some reasons, but the whole is newer",
		{ "root", "reasons-revokes", "newer" }, NULL, NULL, false },
	{ "some reasons, about others", { "root", "reasons-users", "good" },
		NULL, NULL, false },
	{ "some reasons, forged", { "root", "forged-reasons", "good" }, NULL,
		NULL, false },
	{ "a forged one beside", { "root", "forged-revokes", "good" }, NULL,
		NULL, false },
	{ "another one's beside", { "root", "other", "good" }, NULL, NULL,
		true },
	{ "the hold has ended", { "root", "holds", "newer" }, NULL, NULL,
		true },
	/* revoked */
	{ "its key is known", { "root", "revokes" },
		"it was revoked on 2025-12-01 (keyCompromise), says the CRL of "
		"CN=Example Intermediate,O=Example",
		NULL, true },
	{ "without a reason", { "root", "no-reason" },
		"revoked on 2025-12-01 (unspecified)", NULL, true },
	{ "on hold", { "root", "holds" },
		"revoked on 2025-12-01 (certificateHold)", NULL, true },
	{ "its authority", { "root-revokes", "good" },
		"its authority CN=Example Intermediate,O=Example was revoked "
		"on 2025-12-01 (cACompromise), says the CRL of CN=Example Root",
		NULL, true },
	{ "and nothing of the root", { "revokes" }, "it was revoked", NULL,
		true },
	{ "by a stale list", { "root", "stale-revokes" },
		"it was revoked on 2025-12-01 (superseded)", NULL, true },
	{ "by a list of some reasons", { "root", "good", "reasons-newer" },
		"it was revoked on 2025-12-01 (keyCompromise)", NULL, false },
	{ "by that alone", { "root", "reasons-revokes" },
		"it was revoked on 2025-12-01 (keyCompromise)", NULL, false },
	/* unknown */
	{ "no list", { NULL }, NULL,
		"no CRL of CN=Example Intermediate,O=Example: revocation "
		"unknown",
		true },
	{ "none of the root", { "good" }, NULL,
		"no CRL of CN=Example Root,O=Example: revocation unknown",
		true },
	{ "another one's", { "root", "other" }, NULL,
		"no CRL of CN=Example Intermediate", true },
	{ "stale", { "root", "stale" }, NULL,
		"the CRL of CN=Example Intermediate,O=Example is stale since "
		"2025-01-01: revocation unknown",
		true },
	{ "early", { "root", "early" }, NULL, "is not valid before 2026-06-01",
		true },
	{ "forged", { "root", "forged" }, NULL, "is not signed by it", true },
	{ "forged, and names it", { "root", "forged-revokes" }, NULL,
		"is not signed by it", true },
	{ "a delta list", { "root", "delta" }, NULL, "(a delta list)", true },
	{ "an indirect list", { "root", "indirect" }, NULL,
		"(an indirect list)", false },
	{ "only some reasons", { "root", "reasons" }, NULL,
		"it knows only some reasons", true },
	{ "no end that can be read", { "root", "endless" }, NULL,
		"its nextUpdate cannot be read", false },
	{ "a critical extension", { "root", "unknown" }, NULL,
		"critical extension that is not known", true },
	{ "only about authorities", { "root", "authorities" }, NULL,
		"no CRL of CN=Example Intermediate", true },
	{ "another part", { "root", "part" }, NULL,
		"no CRL of CN=Example Intermediate", true },
};

static size_t
paths_of(const struct row *row, const char *paths[LISTS])
{
	size_t count = 0;

	for (; count < LISTS && row->lists[count] != NULL; count++) {
		char *name = mem_printf("%s.crl", row->lists[count]);

		paths[count] = own_path(name);
		mem_free(name);
	}
	return count;
}

static bool
openssl_accepts(const char *const *paths, size_t count)
{
	char *command = mem_printf(
		"openssl verify -crl_check_all -purpose any -attime %d "
		"-no-CAfile -no-CApath -trusted %s/ca.pem -untrusted "
		"%s/intermediate.pem",
		NOW, pki_dir(), pki_dir());
	int status;

	for (size_t i = 0; i < count; i++) {
		char *longer = mem_printf("%s -CRLfile %s", command, paths[i]);

		mem_free(command);
		command = longer;
	}
	{
		char *whole = mem_printf(
			"%s %s/alice.pem >/dev/null 2>&1", command, pki_dir());

		status = system(whole);
		mem_free(whole);
	}
	mem_free(command);
	return status == 0;
}

/* Each question twice: the second answer may be kept from the first. */
static void
judge_row(const struct row *row, enum trust_revocation revocation)
{
	const char *paths[LISTS];
	size_t count = paths_of(row, paths);
	struct trust *trust = make_trust(revocation, paths, count);
	bool off = revocation == TRUST_REVOCATION_OFF;
	bool hard = revocation == TRUST_REVOCATION_HARD;

	for (int i = 0; i < 2; i++) {
		struct error why;
		int result = ask(trust, "alice", NOW, &why);
		enum error_kind kind = ERROR_NONE;

		if (row->revoked != NULL && !off)
			kind = ERROR_TRUST;
		else if (row->unknown != NULL && hard)
			kind = ERROR_SYSTEM;
		if (result != (kind == ERROR_NONE ? 0 : -1) || why.kind != kind)
			fail_msg("%s: %s", row->label, why.text);
		if (off)
			assert_string_equal(why.text, "");
		else if (row->revoked != NULL || row->unknown != NULL)
			assert_says(row->label, why.text,
				row->revoked ? row->revoked : row->unknown);
		else
			assert_string_equal(why.text, "");
	}
	trust_free(trust);
}

static void
lists_speak_or_it_is_said_why_not(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *paths[LISTS];
		size_t count = paths_of(&rows[i], paths);
		bool good = !rows[i].revoked && !rows[i].unknown;

		judge_row(&rows[i], TRUST_REVOCATION_OFF);
		judge_row(&rows[i], TRUST_REVOCATION_SOFT);
		judge_row(&rows[i], TRUST_REVOCATION_HARD);
		if (rows[i].judge && openssl_accepts(paths, count) != good)
			fail_msg("%s: openssl says otherwise", rows[i].label);
	}
}

static X509_CRL *
read_list(const char *name)
{
	struct buf bytes = { 0 };
	const unsigned char *at;
	X509_CRL *crl;
	char *command = mem_printf(
		"openssl crl -in %s.crl -outform DER -out one.der", name);

	own_run(command);
	mem_free(command);
	read_path(own_path("one.der"), &bytes);
	at = bytes.data;
	crl = d2i_X509_CRL(NULL, &at, (long)bytes.len);
	assert_non_null(crl);
	buf_clear(&bytes);
	return crl;
}

static void
add(struct trust *trust, const char *name)
{
	struct list crls = { 0 };

	list_add(&crls, read_list(name));
	assert_int_equal(trust_add_crls(trust, &crls, "store x", NULL), 0);
	assert_int_equal(crls.count, 0);
}

/* A kept answer is no older than the lists. */
static void
list_of_a_store_counts_at_once(void **state UNUSED)
{
	struct trust *trust = make_trust(TRUST_REVOCATION_SOFT, NULL, 0);
	struct error why;

	assert_int_equal(ask(trust, "alice", NOW, &why), 0);
	assert_says("before", why.text, "no CRL");
	add(trust, "revokes");
	assert_int_equal(ask(trust, "alice", NOW, &why), -1);
	assert_int_equal(why.kind, ERROR_TRUST);
	/* Another one of that authority, and one of another, are as before. */
	assert_int_equal(ask(trust, "bob", NOW, &why), 0);
	trust_free(trust);
}

static void
answer_ends_with_its_list(void **state UNUSED)
{
	const char *const lists[] = { own_path("root.crl"),
		own_path("good.crl") };
	struct trust *trust = make_trust(TRUST_REVOCATION_HARD, lists, 2);
	struct error why;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(trust, "alice", NOW, &why), 0);
		assert_int_equal(ask(trust, "alice", IN_2028, &why), -1);
		assert_int_equal(why.kind, ERROR_SYSTEM);
		assert_says("2028", why.text, "is stale since 2027-01-01");
	}
	trust_free(trust);
}

/* Nobody stands above an anchor. */
static void
anchor_itself_needs_no_list(void **state UNUSED)
{
	struct trust *trust = make_trust(TRUST_REVOCATION_HARD, NULL, 0);
	struct error why;

	assert_int_equal(ask(trust, "ca", NOW, &why), 0);
	assert_int_equal(ask(trust, "intermediate", NOW, &why), -1);
	assert_int_equal(why.kind, ERROR_SYSTEM);
	trust_free(trust);
}

static int
ask_alone(struct trust *trust, const char *name, struct error *why)
{
	struct cert *cert = pki_user(name);
	int result;

	*why = (struct error){ 0 };
	result = trust_check_revocation(trust, cert, NOW, why);
	cert_unref(cert);
	return result;
}

/* Ours may have no anchor here; what its own authority says counts. */
static void
own_certificate_is_asked_about_alone(void **state UNUSED)
{
	static const struct {
		const char *label, *list, *user;
		enum trust_revocation revocation;
		bool anchored, revoked;
	} cases[] = {
		{ "revoked", "revokes", "alice", TRUST_REVOCATION_SOFT, true,
			true },
		{ "hard", "revokes", "alice", TRUST_REVOCATION_HARD, true,
			true },
		{ "no anchor", "revokes", "alice", TRUST_REVOCATION_SOFT, false,
			true },
		{ "stale, but named", "stale-revokes", "alice",
			TRUST_REVOCATION_SOFT, true, true },
		{ "another one", "revokes", "bob", TRUST_REVOCATION_HARD, true,
			false },
		{ "good", "good", "alice", TRUST_REVOCATION_HARD, true, false },
		{ "unknown", "other", "alice", TRUST_REVOCATION_HARD, true,
			false },
		{ "forged", "forged-revokes", "alice", TRUST_REVOCATION_SOFT,
			true, false },
		{ "off", "revokes", "alice", TRUST_REVOCATION_OFF, true,
			false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *name = mem_printf("%s.crl", cases[i].list);
		const char *list = own_path(name);
		const char *anchor = pki_path("ca.pem");
		const char *issuer = pki_path("intermediate.pem");
		const struct trust_settings settings = { .anchors = &anchor,
			.anchor_count = cases[i].anchored,
			.intermediates = &issuer,
			.intermediate_count = 1,
			.crls = &list,
			.crl_count = 1,
			.revocation = cases[i].revocation };
		struct trust *trust = NULL;
		struct list warnings = { 0 };
		struct error why;
		int result;

		assert_int_equal(
			trust_new(&settings, &trust, &warnings, NULL), 0);
		result = ask_alone(trust, cases[i].user, &why);
		if (result != (cases[i].revoked ? -1 : 0) ||
			why.kind !=
				(cases[i].revoked ? ERROR_TRUST : ERROR_NONE))
			fail_msg("%s: %d %s", cases[i].label, result, why.text);
		if (result != 0)
			assert_says(cases[i].label, why.text,
				"it was revoked on 2025-12-01");
		list_clear(&warnings, mem_free);
		trust_free(trust);
		mem_free(name);
	}
}

static const struct trust_crl *
find_crl(const struct list *crls, const char *piece)
{
	const struct trust_crl *crl;

	LIST_FOREACH (crl, crls)
		if (strstr(crl->source, piece) != NULL)
			return crl;
	fail_msg("no list from %s", piece);
	return NULL;
}

static void
lists_are_described_and_trouble_is_named(void **state UNUSED)
{
	const char *const lists[] = { own_path("root.crl"),
		own_path("stale.crl"), own_path("forged.crl"),
		own_path("delta.crl"), own_path("other.crl"),
		own_path("revokes.crl") };
	struct trust *trust = make_trust(TRUST_REVOCATION_SOFT, lists, 6);
	struct list crls = { 0 }, concerns = { 0 };

	trust_describe_crls(trust, &crls);
	assert_int_equal(crls.count, 6);
	assert_null(find_crl(&crls, "/root.crl")->refused);
	assert_string_equal(find_crl(&crls, "/root.crl")->number, "01");
	assert_int_equal(find_crl(&crls, "/revokes.crl")->entries, 1);
	assert_string_equal(find_crl(&crls, "/root.crl")->origin, "file");
	assert_says("stale", find_crl(&crls, "/stale.crl")->refused,
		"stale since 2025-01-01");
	assert_says("forged", find_crl(&crls, "/forged.crl")->refused,
		"not signed by its issuer");
	assert_says("delta", find_crl(&crls, "/delta.crl")->refused,
		"a delta list");
	assert_says("other", find_crl(&crls, "/other.crl")->refused,
		"its issuer is not known here");
	trust_concerns(trust, &concerns);
	/* The stale one has a successor, the other one's nobody wants. */
	assert_int_equal(concerns.count, 2);
	assert_true(list_has(&concerns, "forged.crl): not used"));
	assert_true(list_has(&concerns, "delta.crl): not used"));
	list_clear(&crls, trust_crl_free);
	list_clear(&concerns, mem_free);
	trust_free(trust);
}

static void
stale_list_without_successor_is_a_concern(void **state UNUSED)
{
	const char *const lists[] = { own_path("stale.crl") };
	struct trust *trust = make_trust(TRUST_REVOCATION_SOFT, lists, 1);
	struct list concerns = { 0 }, warnings = { 0 };

	trust_concerns(trust, &concerns);
	assert_int_equal(concerns.count, 1);
	assert_true(list_has(&concerns, "stale since 2025-01-01"));
	trust_warn_unlisted(trust, &warnings);
	assert_int_equal(warnings.count, 0);
	trust_free(trust);
	trust = make_trust(TRUST_REVOCATION_HARD, lists, 1);
	trust_warn_unlisted(trust, &warnings);
	assert_int_equal(warnings.count, 2);
	assert_true(list_has(&warnings, "of CN=Example Root"));
	assert_true(list_has(&warnings, "of CN=Example Intermediate"));
	list_clear(&concerns, mem_free);
	list_clear(&warnings, mem_free);
	trust_free(trust);
}

static void
folders_may_stand_for_files(void **state UNUSED)
{
	const char *folder = own_path("lists");
	struct trust *trust;
	struct error why;

	own_run("mkdir lists && cp root.crl revokes.crl lists && echo no "
		">lists/README");
	trust = make_trust(TRUST_REVOCATION_HARD, &folder, 1);
	assert_int_equal(ask(trust, "alice", NOW, &why), -1);
	assert_int_equal(why.kind, ERROR_TRUST);
	assert_int_equal(ask(trust, "bob", NOW, &why), 0);
	trust_free(trust);
}

static void
bad_files_are_configuration_errors(void **state UNUSED)
{
	static const struct {
		const char *file, *says;
		enum error_kind kind;
	} files[] = {
		{ "nothing.crl", "trust.crls: ", ERROR_CONFIG },
		{ "text.crl", "trust.crls: ", ERROR_FORMAT },
		{ "cut.crl", "trust.crls: ", ERROR_FORMAT },
	};

	own_run("echo text >text.crl; openssl crl -in good.crl -outform DER "
		"-out whole.der; head -c 100 whole.der >cut.crl");
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		const char *path = own_path(files[i].file);
		const struct trust_settings settings = { .crls = &path,
			.crl_count = 1 };
		struct trust *trust = NULL;
		struct list warnings = { 0 };
		struct error err = { 0 };

		assert_int_equal(
			trust_new(&settings, &trust, &warnings, &err), -1);
		assert_int_equal(err.kind, files[i].kind);
		assert_says(files[i].file, err.text, files[i].says);
		list_clear(&warnings, mem_free);
	}
}

/* ---- the cache folder ---- */

static struct trust *
trust_with_folder(void)
{
	const char *const anchors[] = { pki_path("chain.pem") };
	const struct trust_settings settings = { .anchors = anchors,
		.anchor_count = 1,
		.revocation = TRUST_REVOCATION_SOFT,
		.cache = own_path("state/crls") };
	struct trust *trust = NULL;
	struct list warnings = { 0 };

	clock_set(NOW);
	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	list_clear(&warnings, mem_free);
	return trust;
}

static void
import_takes_what_a_known_authority_signed(void **state UNUSED)
{
	static const struct {
		const char *file, *says;
		enum error_kind kind;
	} refused[] = {
		{ "forged.crl", "is not signed by", ERROR_TRUST },
		{ "other.crl", "nothing is known of the issuer CN=Other",
			ERROR_TRUST },
		{ "delta.crl", "a delta list", ERROR_FORMAT },
		{ "text2", "", ERROR_FORMAT },
		{ "nothing", "", ERROR_CONFIG },
		{ "stale.crl", "is older than the one we have", ERROR_FORMAT },
	};
	struct trust *trust;
	struct list lines = { 0 };
	static const struct list none;
	struct error err = { 0 };

	own_run("mkdir state && echo x >text2");
	trust = trust_with_folder();
	if (trust_import_crls(
		    trust, &none, own_path("revokes.crl"), &lines, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(lines.count, 1);
	assert_true(list_has(&lines, "imported, 1 entries"));
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		err = (struct error){ 0 };
		assert_int_equal(
			trust_import_crls(trust, &none,
				own_path(refused[i].file), &lines, &err),
			-1);
		assert_int_equal(err.kind, refused[i].kind);
		assert_says(refused[i].file, err.text, refused[i].says);
	}
	own_run("test $(ls state/crls | wc -l) = 1 && test $(stat -c %a "
		"state/crls) = 750 && openssl crl -in state/crls/*.crl -noout "
		"-text | grep -q 'Key Compromise'");
	list_clear(&lines, mem_free);
	trust_free(trust);
}

static void
import(struct trust *trust, const char *name)
{
	static const struct list none;
	struct list lines = { 0 };
	struct error err = { 0 };

	if (trust_import_crls(trust, &none, own_path(name), &lines, &err) != 0)
		fail_msg("%s: %s", name, err.text);
	list_clear(&lines, mem_free);
}

/* Two keys of one name speak each for itself; so do the parts of one key. */
static void
import_replaces_what_is_about_the_same(void **state UNUSED)
{
	static const struct {
		const char *file;
		size_t count; /* that are there then */
	} steps[] = {
		{ "good.crl", 1 },
		{ "newer.crl", 1 },
		{ "forged.crl", 2 }, /* that key is an anchor here */
		{ "users.crl", 3 },
		{ "users-newer.crl", 3 },
		{ "authorities.crl", 4 },
		{ "newer.crl", 4 },
	};
	const char *const anchors[] = { pki_path("chain.pem"),
		own_path("fake.pem") };
	const struct trust_settings settings = { .anchors = anchors,
		.anchor_count = 2,
		.revocation = TRUST_REVOCATION_SOFT,
		.cache = own_path("state-keys/crls") };
	struct trust *trust = NULL;
	struct list warnings = { 0 };

	own_run("mkdir state-keys");
	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct list crls = { 0 };
		char *count = mem_printf("test $(ls state-keys/crls | wc -l) = "
					 "%zu",
			steps[i].count);

		import(trust, steps[i].file);
		trust_describe_crls(trust, &crls);
		if (crls.count != steps[i].count)
			fail_msg("%s: %zu lists", steps[i].file, crls.count);
		own_run(count);
		list_clear(&crls, trust_crl_free);
		mem_free(count);
	}
	list_clear(&warnings, mem_free);
	trust_free(trust);
}

static void
folder_is_read_at_the_next_start(void **state UNUSED)
{
	struct trust *trust;
	struct list crls = { 0 };
	const struct trust_crl *crl;

	trust = trust_with_folder();
	trust_describe_crls(trust, &crls);
	assert_int_equal(crls.count, 1);
	crl = crls.item[0];
	assert_string_equal(crl->origin, "imported");
	assert_string_equal(crl->source, own_path("revokes.crl"));
	assert_null(crl->refused);
	list_clear(&crls, trust_crl_free);
	trust_free(trust);
}

/* ---- threads ---- */

struct race {
	struct trust *trust;
	struct cert *alice;
	_Atomic int *revoked;
	int wrong;
};

/* Once it was said, the answer is never good again. */
static void *
ask_often(void *p)
{
	struct race *race = p;

	for (int i = 0; i < 2000; i++) {
		bool must = atomic_load(race->revoked);
		struct error why = { 0 };
		int result =
			trust_check(race->trust, race->alice, false, NOW, &why);

		race->wrong += must && result == 0;
	}
	return NULL;
}

static void
lists_come_while_others_ask(void **state UNUSED)
{
	enum { THREADS = 3 };
	struct trust *trust = make_trust(TRUST_REVOCATION_SOFT, NULL, 0);
	struct race race[THREADS];
	pthread_t thread[THREADS];
	struct cert *alice = pki_user("alice");
	_Atomic int revoked = 0;

	for (int i = 0; i < THREADS; i++) {
		race[i] = (struct race){ trust, alice, &revoked, 0 };
		assert_int_equal(
			pthread_create(&thread[i], NULL, ask_often, &race[i]),
			0);
	}
	add(trust, "root");
	add(trust, "good");
	add(trust, "revokes");
	add(trust, "other");
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	cert_unref(alice);
	trust_free(trust);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(race[i].wrong, 0);
}

static int
setup(void **state UNUSED)
{
	make_lists();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_speak_or_it_is_said_why_not),
		cmocka_unit_test(list_of_a_store_counts_at_once),
		cmocka_unit_test(answer_ends_with_its_list),
		cmocka_unit_test(anchor_itself_needs_no_list),
		cmocka_unit_test(own_certificate_is_asked_about_alone),
		cmocka_unit_test(lists_are_described_and_trouble_is_named),
		cmocka_unit_test(stale_list_without_successor_is_a_concern),
		cmocka_unit_test(folders_may_stand_for_files),
		cmocka_unit_test(bad_files_are_configuration_errors),
		cmocka_unit_test(import_takes_what_a_known_authority_signed),
		cmocka_unit_test(import_replaces_what_is_about_the_same),
		cmocka_unit_test(folder_is_read_at_the_next_start),
		cmocka_unit_test(lists_come_while_others_ask),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
