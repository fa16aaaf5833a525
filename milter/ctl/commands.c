/* The commands: grammar and help in one table. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ctl.h"

/* clang-format off */
const struct command commands[] = {
	{ "check", "[--mta]", "read the configuration as the daemon would",
		command_check, 0, 0, true, {
		{ "--mta", NULL, "look at Postfix and Sendmail too" },
		{ "--postfix-config", "DIR", "Postfix' configuration folder" },
		{ "--sendmail-cf", "FILE", "Sendmail's configuration file" },
		{ 0 } } },
	{ "edit", "", "edit, check, install and reload the configuration",
		command_edit, 0, 0, false, { { 0 } } },
	{ "test", "[OPTION...] MESSAGE | --all",
		"what would happen to this mail, and why",
		command_test, 0, 1, true, {
		{ "-f", "MAILFROM", "envelope sender (default: From)" },
		{ "-t", "RCPT", "a recipient; may be repeated "
			"(default: To and Cc)" },
		{ "--client", "ADDR", "the client's IP address" },
		{ "--auth", "LOGIN", "the client's login name" },
		{ "-o", "FILE", "write the resulting mail" },
		{ "--all", NULL, "every rule against a made-up mail" },
		{ 0 } } },
	{ "verify", "[OPTION...] FILE", "whose mail is it?  0: its signature passes",
		command_verify, 1, 1, true, {
		{ "--at", "TIME", "judge certificates as of that time" },
		{ "-o", "FILE", "write the resulting mail" },
		{ 0 } } },
	{ "decrypt", "[OPTION...] FILE", "open a mail by hand",
		command_decrypt, 1, 1, true, {
		{ "--at", "TIME", "judge certificates as of that time" },
		{ "-o", "FILE", "write the resulting mail" },
		{ 0 } } },
	{ "tnef", "[OPTION...] FILE",
		"what does a winmail.dat hold?  0: all of it could be read",
		command_tnef, 1, 1, true, {
		{ "-x", "DIR", "write what is in it to files there" },
		{ "-o", "FILE", "write the resulting mail" },
		{ 0 } } },
	{ "reload", "", "make the daemon read its configuration again",
		command_reload, 0, 0, false, { { 0 } } },
	{ "status", "", "what the daemon is doing",
		command_status, 0, 0, true, { { 0 } } },
	{ "metrics", "", "the daemon's counters as OpenMetrics text",
		command_metrics, 0, 0, false, { { 0 } } },
	{ "log", "LEVEL", "log error, warning, info or debug from now on",
		command_log, 1, 1, false, { { 0 } } },
	{ "cert list", "[--store NAME]", "every certificate in the stores",
		command_cert_list, 0, 0, true, {
		{ "--store", "NAME", "of this store alone" },
		{ 0 } } },
	{ "cert find", "ADDRESS", "the certificates that name an address",
		command_cert_find, 1, 1, true, { { 0 } } },
	{ "cert show", "FILE|SHA256|ADDRESS",
		"everything about certificates of a file or of the stores",
		command_cert_show, 1, 1, true, {
		{ "--password-file", "F", "holds the password of FILE" },
		{ 0 } } },
	{ "cert import", "[OPTION...] FILE...",
		"put certificates and keys into a managed store",
		command_cert_import, 0, COMMAND_ANY_WORDS, true, {
		{ "--store", "NAME", "which one, when there are several" },
		{ "--empty", NULL, "make the store, though without a FILE" },
		{ "--password-file", "F", "holds the password of the files" },
		{ "--origin", "ORIGIN",
			"imported (the default), issued or harvested" },
		{ 0 } } },
	{ "cert export", "[OPTION...] -o FILE SHA256|ADDRESS...",
		"write certificates for other programs",
		command_cert_export, 1, COMMAND_ANY_WORDS, true, {
		{ "-o", "FILE", "the file to write" },
		{ "--format", "FORM", "pem (the default), der, p12, p7b, sst" },
		{ "--key", NULL, "with private keys: p12 or pem, root only" },
		{ "--password-file", "F", "holds the password to protect it" },
		{ "--store", "NAME", "of this store alone" },
		{ 0 } } },
	{ "cert remove", "[--store NAME] SHA256...",
		"take certificates and their keys out of a managed store",
		command_cert_remove, 1, COMMAND_ANY_WORDS, true, {
		{ "--store", "NAME", "which one, when there are several" },
		{ 0 } } },
	{ "crl list", "", "every revocation list that is known",
		command_crl_list, 0, 0, true, { { 0 } } },
	{ "crl fetch", "", "fetch the lists of all certificates in use now",
		command_crl_fetch, 0, 0, true, { { 0 } } },
	{ "crl import", "FILE...", "put lists where the daemon finds them",
		command_crl_import, 1, COMMAND_ANY_WORDS, true, { { 0 } } },
	{ "ca create", "--root NAME --issuer NAME [OPTION...]",
		"make a certification authority: root and issuer",
		command_ca_create, 0, 0, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "--root", "NAME", "common name of the root" },
		{ "--issuer", "NAME", "common name of the issuer" },
		{ "--subject", "TEXT", "more of both, \"O=Example, C=DE\"" },
		{ "--root-days", "N", "how long the root is valid (7300)" },
		{ "--days", "N", "how long the issuer is valid (3650)" },
		{ 0 } } },
	{ "ca root", "[OPTION...]", "the root, for those who shall trust it",
		command_ca_root, 0, 0, false, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "-o", "FILE", "write the certificate, as DER" },
		{ "--issuer", NULL, "the issuer's instead of the root's" },
		{ "--key", "FILE", "write its key, encrypted as it is" },
		{ "--remove-key", NULL, "take its key from this machine" },
		{ 0 } } },
	{ "ca issue", "[OPTION...] ADDRESS...",
		"certificates for addresses; the gateway uses their keys",
		command_ca_issue, 0, COMMAND_ANY_WORDS, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "--external", NULL, "for partners, who use the key" },
		{ "--template", "NAME", "user (the default), sign-only, "
			"encrypt-only, domain, or one of ca_templates" },
		{ "--name", "NAME", "common name (the address)" },
		{ "--organisation", "NAME", "organisation in the name" },
		{ "--upn", "NAME", "user principal name (the address)" },
		{ "--days", "N", "how long it is valid" },
		{ "--csr", "FILE", "for the key of this request (PKCS#10)" },
		{ "--csv", "FILE", "for each line of a table" },
		{ "--all", "FILE", "for each address that has none yet" },
		{ "--wanted", NULL, "for those who log in and have none; "
			"alone: of all authorities" },
		{ "--store", "NAME", "the managed store where they are put" },
		{ "--deliver", NULL, "as ca deliver does, at once" },
		{ "--to", "ADDRESS", "mail it there instead" },
		{ "--telephone", "N", "for password_command" },
		{ "--legacy", NULL, "a file for old programs (3DES)" },
		{ "--no-escrow", NULL, "with --deliver: keep no copy of the key" },
		{ "--check-url", NULL, "is the revocation list's URL there?" },
		{ "-o", "FILE", "write the certificates as PEM, without keys" },
		{ 0 } } },
	{ "ca renew", "[OPTION...] [ADDRESS|SERIAL...]",
		"new certificates in time; old ones stay valid",
		command_ca_renew, 0, COMMAND_ANY_WORDS, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "--within", "DAYS", "all that end within (30), of all "
			"authorities" },
		{ "--same-key", NULL, "certify the old key again" },
		{ "--days", "N", "how long it is valid" },
		{ "--deliver", NULL, "new keys as ca deliver does; partners' "
			"are renewed as well" },
		{ "--to", "ADDRESS", "mail it there instead" },
		{ "--telephone", "N", "for password_command" },
		{ "--legacy", NULL, "a file for old programs (3DES)" },
		{ "--store", "NAME", "the managed store where they are put" },
		{ 0 } } },
	{ "ca supersede", "[OPTION...] ADDRESS|SERIAL...",
		"new certificates at once; old ones are revoked",
		command_ca_supersede, 1, COMMAND_ANY_WORDS, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "--template", "NAME", "instead of the old one's" },
		{ "--days", "N", "how long it is valid" },
		{ "--deliver", NULL, "new keys as ca deliver does" },
		{ "--to", "ADDRESS", "mail it there instead" },
		{ "--telephone", "N", "for password_command" },
		{ "--legacy", NULL, "a file for old programs (3DES)" },
		{ "--store", "NAME", "the managed store where they are put" },
		{ 0 } } },
	{ "ca revoke", "[OPTION...] ADDRESS|SERIAL...",
		"put certificates on the revocation list",
		command_ca_revoke, 1, COMMAND_ANY_WORDS, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "--reason", "WORD", "keyCompromise, affiliationChanged, "
			"cessationOfOperation, certificateHold, removeFromCRL, "
			"..." },
		{ "--no-crl", NULL, "make no new list now" },
		{ 0 } } },
	{ "ca crl", "[OPTION...]", "make the next revocation list",
		command_ca_crl, 0, 0, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "--days", "N", "until the next one must be there" },
		{ "--if-due", NULL, "only if it must be; of all authorities" },
		{ "--import", "FILE", "take over what this list revokes" },
		{ "-o", "FILE", "write it there, too" },
		{ 0 } } },
	{ "ca list", "[OPTION...] [ADDRESS|SERIAL...]",
		"what was issued, and what became of it",
		command_ca_list, 0, COMMAND_ANY_WORDS, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "--state", "WORD",
			"valid, expired, revoked or superseded only" },
		{ "--within", "DAYS", "valid ones that end within" },
		{ "--check", NULL, "do journal, files and lists agree?" },
		{ 0 } } },
	{ "ca deliver", "[OPTION...] [ADDRESS|SERIAL...]",
		"certificate and key to their owner, by mail; and a password",
		command_ca_deliver, 0, COMMAND_ANY_WORDS, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ "--pending", NULL, "all that did not reach its owner" },
		{ "--to", "ADDRESS", "mail it there instead" },
		{ "--telephone", "N", "for password_command" },
		{ "--legacy", NULL, "a file for old programs (3DES)" },
		{ 0 } } },
	{ "ca publish", "[--ca NAME] [ADDRESS...]",
		"certificates into a directory, and revoked ones out of it",
		command_ca_publish, 0, COMMAND_ANY_WORDS, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ 0 } } },
	{ "ca audit", "[--ca NAME]", "every act: when, who, what",
		command_ca_audit, 0, 0, true, {
		{ "--ca", "NAME", "which one, when there are several" },
		{ 0 } } },
	{ "help", "[COMMAND]", "this text, or all about one command",
		command_help, 0, 2, false, { { 0 } } },
	{ "version", "", "the version of this program",
		command_version, 0, 0, false, { { 0 } } },
	{ 0 }
};
/* clang-format on */

static void
print_command(const struct command *command, bool options)
{
	char *left = mem_printf("%s %s", command->name, command->arguments);
	printf("  %-34s", left);
	if (strlen(left) > 34)
		printf("\n  %-34s", "");
	printf(" %s\n", command->help);
	mem_free(left);
	for (const struct option_row *row = command->options;
		options && row->name != NULL; row++) {
		left = mem_printf(
			"%s %s", row->name, row->argument ? row->argument : "");
		printf("      %-30s %s\n", left, row->help);
		mem_free(left);
	}
}

static int
help_all(void)
{
	printf("usage: smimectl [-c FILE] [--json] COMMAND ...\n\n");
	for (const struct command *c = commands; c->name != NULL; c++)
		print_command(c, true);
	printf("\n-c FILE and --json may also stand after COMMAND.  FILE is\n"
	       "%s unless -c says otherwise.\n"
	       "Exit code: 0 yes or done, 1 no, 2 usage, 3 could not tell.\n",
		CONF_DEFAULT_PATH);
	return CTL_YES;
}

int
command_help(const struct request *request)
{
	const char *wanted = request_word(request, 0);
	bool found = false;

	if (wanted == NULL)
		return help_all();
	for (const struct command *c = commands; c->name != NULL; c++) {
		size_t len = strcspn(c->name, " ");

		if (strlen(wanted) != len || strncmp(wanted, c->name, len) != 0)
			continue;
		print_command(c, true);
		found = true;
	}
	return found ? CTL_YES
		     : ctl_usage("there is no command \"%s\"", wanted);
}

int
command_version(const struct request *request UNUSED)
{
	printf("smimectl %s\n", SMIME_MILTER_VERSION);
	return CTL_YES;
}
