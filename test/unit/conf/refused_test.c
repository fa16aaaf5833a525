/* Every sentence about a bad file: where it points, and what it says. */
#include "written.h"

#define STORE "stores = ({ name = \"s\"; type = \"file\"; path = \"/s\"; });\n"
#define SIGN STORE "sign = ({ sender = \"a@b\"; stores = \"s\";\n"
#define ENCRYPT                                                                \
	STORE "trust = { anchors = \"/a\"; };\n"                               \
	      "encrypt = ({ recipient = \"a@b\"; stores = \"s\";\n"            \
	      " otherwise = \"reject\";\n"
#define INBOUND STORE "inbound = ({ recipient = \"*@a\";\n"
#define END "});\n"

struct row {
	const char *label;
	const char *text;
	unsigned line;
	const char *says;
};

static const struct row refused[] = {
	/* syntax */
	{ "no equals sign", "user \"x\";\n", 1, "syntax error" },
	{ "no second quote", "state = \"/x;\nuser = 1;\n", 1,
		"a string without its second quote" },
	{ "comma before ]", "\ninternal = [\n \"*@b\", ];\n", 3,
		"a comma before the closing bracket" },
	{ "comma before )", "stores = (\n { name = \"s\"; },\n);\n", 3,
		"a comma before the closing bracket" },
	{ "no comma between groups", "stores = ( { name = \"a\"; }\n{ } );\n",
		2, "a comma is missing between two { groups }" },
	{ "word without quotes", "user = smime;\n", 1,
		"text stands in quotes" },
	{ "yes for true", "trust = { fetch_crls = yes; };\n", 1,
		"yes and no are true and false" },
	{ "twice the same", "user = \"a\";\nuser = \"b\";\n", 2,
		"duplicate setting name" },
	{ "mixed array", "internal = [ \"*@b\", 1 ];\n", 1,
		"mismatched element type" },
	{ "include not at the start", "user = \"a\"; @include \"x\"\n", 1,
		"@include stands at the start of a line" },
	{ "bracket without end", "internal = [ \"*@b\";\n", 1, "syntax error" },
	/* traps of libconfig */
	{ "two strings", "internal = [ \"*@a.example\"\n \"*@b.example\" ];\n",
		2, "two strings without a comma between them" },
	{ "two strings at a scalar", "user = \"a\" \"b\";\n", 1,
		"two strings without a comma" },
	{ "string over two lines", "user = \"a\nb\";\n", 1,
		"a string goes on in the next line" },
	{ "number that wraps", "limits = {\n buffered = 4294967297; };\n", 2,
		"a number over 2147483647" },
	{ "hex number that wraps", "limits = { mails = 0x100000001; };\n", 1,
		"a number over 2147483647" },
	{ "number of 20 digits", "drain_seconds = 99999999999999999999;\n", 1,
		"a number over 2147483647" },
	/* unknown settings */
	{ "misspelt", "usr = \"x\";\n", 1, "did you mean \"user\"?" },
	{ "letters swapped", "\ndrian_seconds = 1;\n", 2,
		"did you mean \"drain_seconds\"?" },
	{ "misspelt in a rule", SIGN "otherwize = \"pass\";" END, 3,
		"unknown setting \"otherwize\" in sign: did you mean "
		"\"otherwise\"?" },
	{ "at the wrong place", "mime_depth = 3;\n", 1,
		"unknown setting \"mime_depth\" in the top level: did you mean "
		"the one in limits?" },
	{ "nothing like it", "colour = 1;\n", 1,
		"unknown setting \"colour\" in the top level" },
	{ "encrypt's setting in sign", SIGN "cipher = \"3des\";" END, 3,
		"did you mean the one in encrypt?" },
	{ "sign's setting in encrypt", ENCRYPT "digest = \"sha1\";" END, 5,
		"did you mean the one in sign?" },
	/* triggers and modes */
	{ "subject of nothing", SIGN "subject = \"*\";" END, 3,
		"subject: \"*\" stands in every Subject" },
	{ "nothing to remove", SIGN "subject_remove = true;" END, 3,
		"subject_remove needs a subject" },
	{ "header without name", SIGN "header = { value = \"x\"; };" END, 3,
		"header has no \"name\"" },
	{ "no name of a field", SIGN "header = { name = \"a b\"; };" END, 3,
		"\"a b\" is no name of a field" },
	{ "a field no mail can do without",
		SIGN "header = { name = \"from\"; };" END, 3,
		"no mail can do without from" },
	{ "a field of the content",
		SIGN "header = { name = \"Content-Type\"; };" END, 3,
		"no mail can do without Content-Type" },
	{ "size that no mail has",
		SIGN "size = { min = \"2K\"; max = \"1K\"; };" END, 3,
		"size: min is more than max" },
	{ "no size", SIGN "size = { min = \"large\"; };" END, 3,
		"size.min must be a size such as" },
	{ "size of nothing", SIGN "size = { min = \"0\"; };" END, 3,
		"size.min is nothing" },
	{ "attachment in words", SIGN "has_attachment = \"yes\";" END, 3,
		"sign.has_attachment must be true or false" },
	{ "allow and reject",
		SIGN "mode = \"allow\"; otherwise = \"reject\";" END, 3,
		"otherwise = \"reject\" does not" },
	{ "mandatory and pass",
		SIGN "mode = \"mandatory\"; otherwise = \"pass\";" END, 3,
		"must not pass" },
	{ "a mode from no directory",
		ENCRYPT
		"mode_from = { store = \"s\"; attribute = \"x\"; };" END,
		5, "only one of type ldap has attributes" },
	{ "a mode from nowhere",
		ENCRYPT
		"mode_from = { store = \"x\"; attribute = \"x\"; };" END,
		5, "there is no store \"x\"" },
	{ "a mode from a directory, and no stores",
		"stores = ({ name = \"ad\"; type = \"ldap\"; uri = "
		"\"ldaps://x\"; base = \"dc=x\"; });\n"
		"encrypt = ({ recipient = \"*@b\"; mode = \"none\";\n"
		"mode_from = { store = \"ad\"; attribute = \"x\"; };" END,
		3, "neither the line nor the rule has \"stores\"" },
	{ "a recipient's mode for a signature",
		SIGN "mode_from = { store = \"s\"; attribute = \"x\";"
		     " of = \"recipient\"; };" END,
		3, "of a sign rule the sender's mode is asked" },
	{ "a certificate for a whole table",
		STORE "sign = ({ table = \"/t\"; stores = \"s\";\n"
		      " certificate = \"subject:CN=x\"; });\n",
		3, "with a table it stands on their lines" },
	{ "nothing of that is left alone",
		"leave_alone = { even_mandatory = \"mail\"; };\n", 1,
		"even_mandatory: \"mail\" is none of the settings" },
	{ "fragments protected", "leave_alone = { partial = \"protect\"; };\n",
		1, "\"protect\" is none of: reject, pass" },
	/* kinds */
	{ "number for text", "user = 1;\n", 1, "user must be text in quotes" },
	{ "empty text", "user = \"\";\n", 1, "user is empty" },
	{ "relative path", "state = \"state\";\n", 1,
		"must be a whole path, from / on" },
	{ "text for a number", "limits = { mails = \"200\"; };\n", 1,
		"limits.mails must be a whole number" },
	{ "fraction", "limits = { mails = 2.5; };\n", 1,
		"limits.mails must be a whole number" },
	{ "zero", "limits = { mails = 0; };\n", 1,
		"limits.mails must be from 1 to 100000" },
	{ "negative", "drain_seconds = -1;\n", 1, "must be from 1 to 86400" },
	{ "number for yes or no", ENCRYPT "trusted = 1;" END, 5,
		"encrypt.trusted must be true or false" },
	{ "text for yes or no", ENCRYPT "to_self = \"true\";" END, 5,
		"encrypt.to_self must be true or false" },
	{ "size without digits", "limits = { message = \"M\"; };\n", 1,
		"limits.message must be a size such as \"50M\"" },
	{ "size with MB", "limits = { message = \"50MB\"; };\n", 1,
		"must be a size" },
	{ "size with a blank", "limits = { message = \"50 M\"; };\n", 1,
		"must be a size" },
	{ "size with T", "limits = { message = \"1T\"; };\n", 1,
		"must be a size" },
	{ "negative size", "limits = { message = \"-1\"; };\n", 1,
		"must be a size" },
	{ "negative number as size", "limits = { message = -1; };\n", 1,
		"must be a size" },
	{ "size that wraps",
		"limits = { message = \"18446744073709551617\"; };", 1,
		"must be a size" },
	{ "size that wraps by its unit",
		"limits = { message = \"17179869185G\"; };\n", 1, "size" },
	{ "small size", "limits = { message = \"1K\"; };\n", 1,
		"must be from \"64K\" to \"1024G\"" },
	{ "message over buffered",
		"limits = { buffered = \"10M\";\n message = \"20M\"; };\n", 2,
		"limits.message is more than limits.buffered" },
	{ "unknown word", "log = { level = \"verbose\"; };\n", 1,
		"\"verbose\" is none of: error, warning, info, debug" },
	{ "misspelt word", "log = { level = \"worning\"; };\n", 1,
		"(did you mean \"warning\"?)" },
	{ "word in another case", SIGN "otherwise = \"Reject\";" END, 3,
		"(did you mean \"reject\"?)" },
	{ "number for a word", "log = { to = 1; };\n", 1,
		"log.to must be a word in quotes" },
	{ "group for text", "user = { };\n", 1, "user must be text" },
	{ "text for a group", "limits = \"50M\";\n", 1,
		"limits must be a group: { ... }" },
	{ "list for a group", "trust = ( );\n", 1, "trust must be a group" },
	{ "group for a list", "sign = { };\n", 1,
		"sign must be a list of groups" },
	{ "strings for a list", "stores = ( \"a\" );\n", 1,
		"stores must be a list of groups" },
	{ "array for a list", "encrypt = [ ];\n", 1,
		"encrypt must be a list of groups" },
	{ "number for strings", "internal = 1;\n", 1,
		"internal must be patterns in quotes" },
	{ "group in strings", "internal = ( { } );\n", 1,
		"here stand strings in quotes only" },
	{ "empty string in an array", "internal = [ \"\" ];\n", 1,
		"an empty string" },
	{ "empty array", "internal = [ ];\n", 1, "internal is an empty list" },
	/* sockets */
	{ "socket without kind", "listen = \"milter.sock\";\n", 1,
		"is none of \"unix:/PATH\"" },
	{ "relative socket", "listen = \"unix:milter.sock\";\n", 1,
		"must be a whole path" },
	{ "number for a socket", "listen = 8897;\n", 1, "listen must be" },
	{ "socket without address", "listen = \"inet:8897\";\n", 1,
		"must be PORT@ADDRESS, such as \"inet:8897@127.0.0.1\"" },
	{ "socket with a name", "listen = \"inet:8897@localhost\";\n", 1,
		"\"localhost\" is no IPv4 address" },
	{ "IPv6 in inet", "listen = \"inet:8897@::1\";\n", 1,
		"\"::1\" is no IPv4 address" },
	{ "brackets", "listen = \"inet6:8897@[::1]\";\n", 1,
		"is no IPv6 address" },
	{ "port 0", "listen = \"inet:0@127.0.0.1\";\n", 1, "PORT@ADDRESS" },
	{ "large port", "listen = \"inet:65536@127.0.0.1\";\n", 1,
		"PORT@ADDRESS" },
	{ "very large port", "listen = \"inet:4294975193@127.0.0.1\";\n", 1,
		"PORT@ADDRESS" },
	{ "negative port", "listen = \"inet:-1@127.0.0.1\";\n", 1,
		"PORT@ADDRESS" },
	{ "port with a sign", "listen = \"inet:+88@127.0.0.1\";\n", 1,
		"PORT@ADDRESS" },
	{ "long path",
		"listen = "
		"\"unix:/"
		"01234567890123456789012345678901234567890123456789012345"
		"678901234567890123456789012345678901234567890123456789012345"
		"\"",
		1, "at most 107 bytes" },
	{ "mode as a number", "listen = { mode = 0660; };\n", 1,
		"listen.mode must be octal digits in quotes" },
	{ "mode that is none", "listen = { mode = \"0680\"; };\n", 1,
		"\"0680\" is no mode" },
	{ "long mode", "listen = { mode = \"10660\"; };\n", 1, "is no mode" },
	{ "setuid mode", "listen = { mode = \"4660\"; };\n", 1, "is no mode" },
	{ "control on TCP", "control = \"inet:1@127.0.0.1\";\n", 1,
		"control.socket must be a path" },
	{ "unknown in listen", "listen = { sock = \"/x\"; };\n", 1,
		"did you mean \"socket\"?" },
	/* stores */
	{ "store without name",
		"stores = (\n{ type = \"file\"; path = \"/s\"; "
		"});\n",
		2, "stores has no \"name\"" },
	{ "store without type",
		"stores = ({ name = \"s\"; path = \"/s\"; });\n", 1,
		"stores has no \"type\"" },
	{ "store without path",
		"stores = ({ name = \"s\";\n type = \"file\"; "
		"});\n",
		1, "store \"s\" has no \"path\"" },
	{ "unknown type", "stores = ({ name = \"s\";\n type = \"pfx\"; });\n",
		2, "there is no store type \"pfx\"" },
	{ "two stores of one name",
		"stores = ({ name = \"s\"; type = \"file\"; path = \"/s\"; },\n"
		"{ name = \"s\"; type = \"file\"; path = \"/t\"; });\n",
		2, "there are two stores with the name \"s\"" },
	{ "relative store",
		"stores = ({ name = \"s\"; type = \"file\";\n"
		"path = \"s.pem\"; });\n",
		2, "stores.path: \"s.pem\" must be a whole path" },
	{ "a directory without uri",
		"stores = ({ name = \"ad\"; type = \"ldap\"; base = \"dc=x\"; "
		"});\n",
		1, "store \"ad\" has no \"uri\"" },
	{ "a directory without base",
		"stores = ({ name = \"ad\"; type = \"ldap\";\n"
		"uri = \"ldaps://x\"; });\n",
		1, "store \"ad\" has no \"base\"" },
	{ "a directory with a path",
		"stores = ({ name = \"ad\"; type = \"ldap\"; base = \"dc=x\"; "
		"uri "
		"= "
		"\"ldaps://x\";\n path = \"/s\"; });\n",
		2, "a store of type \"ldap\" has no \"path\"" },
	{ "no time for a directory",
		"stores = ({ name = \"ad\"; type = \"ldap\"; base = \"dc=x\"; "
		"uri "
		"= "
		"\"ldaps://x\";\n timeout_seconds = 0; });\n",
		2, "timeout_seconds" },
	/* sign rules */
	{ "sign without sender", STORE "sign = ({ stores = \"s\"; });\n", 2,
		"sign has no \"sender\"" },
	{ "sign without stores", "sign = ({ sender = \"a@b\"; });\n", 1,
		"sign has no \"stores\"" },
	{ "empty sender", STORE "sign = ({ sender = [ ]; stores = \"s\"; });\n",
		2, "sign.sender is an empty list" },
	{ "star alone", STORE "sign = ({ sender = \"*\"; stores = \"s\"; });\n",
		2, "for everyone write *@*" },
	{ "glued patterns",
		STORE "sign = ({ sender = \"a@b.c@d\"; stores = \"s\"; });\n",
		2, "more than one @ (is a comma missing" },
	{ "second pattern is bad",
		STORE "sign = ({ sender = [ \"a@b\",\n \"c\" ]; stores = "
		      "\"s\"; });\n",
		3, "pattern \"c\": has no @" },
	{ "no such store",
		STORE "sign = ({ sender = \"a@b\";\n stores = "
		      "\"x\"; });\n",
		3, "there is no store \"x\"" },
	{ "misspelt store",
		"stores = ({ name = \"staff\"; type = \"file\"; path = "
		"\"/s\"; });\nsign = ({ sender = \"a@b\"; stores = "
		"\"stuff\"; });\n",
		2, "there is no store \"stuff\" (did you mean \"staff\"?)" },
	{ "empty stores", STORE "sign = ({ sender = \"a@b\"; stores = [ ]; });",
		2, "sign.stores is an empty list" },
	{ "bad client", SIGN "clients = [ \"local\",\n\"localhost\" ];" END, 4,
		"\"localhost\" is no client" },
	{ "bad network", SIGN "clients = \"192.0.2.1/24\";" END, 3,
		"bits behind its prefix" },
	{ "empty clients", SIGN "clients = [ ];" END, 3,
		"sign.clients is an empty list" },
	{ "bad from_must_be", SIGN "from_must_be = \"header\";" END, 3,
		"is none of: login, envelope, any" },
	{ "bad form", SIGN "form = \"clear\";" END, 3,
		"is none of: detached, opaque" },
	{ "bad digest", SIGN "digest = \"sha-256\";" END, 3,
		"(did you mean \"sha256\"?)" },
	{ "MD5", SIGN "digest = \"md5\";" END, 3,
		"is none of: sha1, sha256, sha384, sha512" },
	{ "bad scheme", SIGN "scheme = \"oaep\";" END, 3,
		"is none of: pkcs1, pss" },
	{ "bad otherwise", SIGN "otherwise = \"drop\";" END, 3,
		"is none of: pass, quarantine, tempfail, reject" },
	{ "bad certificate", SIGN "certificate = \"mine\";" END, 3,
		"certificate: " },
	{ "short fingerprint", SIGN "certificate = \"sha256:12\";" END, 3,
		"certificate: " },
	{ "wildcard with a certificate",
		STORE "sign = ({ sender = \"*@b\"; stores = \"s\";\n"
		      "certificate = \"subject:CN=x\"; });\n",
		3, "an explicit certificate is for exact addresses" },
	{ "question mark with a certificate",
		STORE
		"sign = ({ sender = [ \"a@b\", \"?@b\" ]; stores = \"s\";\n"
		"certificate = \"subject:CN=x\"; });\n",
		3, "\"?@b\" is a pattern" },
	{ "two rules of one name",
		SIGN "name = \"n\"; },\n"
		     "{ sender = \"c@d\"; stores = \"s\"; name = \"n\"; });\n",
		4, "there are two sign rules with the name \"n\"" },
	/* encrypt rules */
	{ "encrypt without recipient",
		STORE "encrypt = ({ stores = \"s\"; otherwise = \"pass\"; });",
		2, "encrypt has no \"recipient\"" },
	{ "encrypt without stores",
		"encrypt = ({ recipient = \"a@b\"; otherwise = \"pass\"; });\n",
		1, "encrypt has no \"stores\"" },
	{ "encrypt without otherwise",
		STORE "encrypt = ({ recipient = \"a@b\"; stores = \"s\"; });\n",
		2, "encrypt has no \"otherwise\"" },
	{ "quarantine",
		STORE "encrypt = ({ recipient = \"a@b\"; stores = "
		      "\"s\"; otherwise = \"quarantine\"; });\n",
		2, "is none of: pass, tempfail, reject" },
	{ "unknown cipher", ENCRYPT "cipher = \"aes-512-cbc\";" END, 5,
		"is none of: aes-128-cbc, aes-192-cbc, aes-256-cbc, "
		"aes-128-gcm, aes-256-gcm, 3des, rc2-128" },
	{ "AES-192 GCM", ENCRYPT "cipher = \"aes-192-gcm\";" END, 5,
		"is none of:" },
	{ "bad transport", ENCRYPT "key_transport = \"pss\";" END, 5,
		"is none of: pkcs1, oaep" },
	{ "OAEP digest without OAEP", ENCRYPT "oaep_digest = \"sha512\";" END,
		5, "oaep_digest needs key_transport = \"oaep\"" },
	{ "bad accept", ENCRYPT "accept = \"gpg\";" END, 5, "is none of: pgp" },
	{ "wildcard recipient with a certificate",
		STORE "encrypt = ({ recipient = \"*@b\"; stores = \"s\"; "
		      "otherwise = \"reject\";\ncertificate = "
		      "\"subject:CN=x\"; });\n",
		3, "\"*@b\" is a pattern" },
	{ "bad bcc", "bcc = \"hide\";\n", 1, "is none of: reject, share" },
	/* not in this version */
	{ "managed with a path",
		"stores = ({ name = \"b\"; type = \"managed\";\n path = "
		"\"/b\"; });\n",
		2, "a store of type \"managed\" has no \"path\"" },
	{ "pkcs11 without uri",
		"stores = ({ name = \"h\"; type = \"pkcs11\"; });\n", 1,
		"store \"h\" has no \"uri\"" },
	{ "ldap's settings",
		"stores = ({ name = \"s\"; type = \"file\"; path "
		"= \"/s\";\n filter = \"x\"; });\n",
		2, "a store of type \"file\" has no \"filter\"" },
	{ "inbound is no list", "inbound = { };\n", 1,
		"inbound must be a list of groups" },
	{ "inbound without recipient", STORE "inbound = ({ keys = \"s\"; });\n",
		2, "inbound has no \"recipient\"" },
	{ "inbound with a bare star", "inbound = ({ recipient = \"*\"; });\n",
		1, "write *@*" },
	{ "keys in an unknown store", INBOUND "keys = \"staf\";" END, 3,
		"there is no store \"staf\"" },
	{ "harvest into an unknown store", INBOUND "harvest = \"x\";" END, 3,
		"there is no store \"x\"" },
	{ "harvest into a file", INBOUND "harvest = \"s\";" END, 3,
		"into a managed one only" },
	{ "harvest without verify",
		"stores = ({ name = \"b\"; type = \"managed\"; });\n"
		"inbound = ({ recipient = \"*@a\"; verify = false;\n"
		"harvest = \"b\"; });\n",
		3, "harvest needs verify = true" },
	{ "strip_signature without verify",
		INBOUND "verify = false;\nstrip_signature = true;" END, 4,
		"strip_signature needs verify = true" },
	{ "bad keys_for", INBOUND "keys_for = \"all\";" END, 3,
		"is none of: recipient, any" },
	{ "bad undecryptable", INBOUND "undecryptable = \"drop\";" END, 3,
		"is none of: pass, quarantine, tempfail, reject" },
	{ "bad bad_signature", INBOUND "bad_signature = \"hold\";" END, 3,
		"is none of: pass, quarantine, tempfail, reject" },
	{ "bad weak_signatures", INBOUND "weak_signatures = true;" END, 3,
		"must be a word in quotes" },
	{ "two inbound rules of one name",
		"inbound = ({ name = \"n\"; recipient = \"a@a\"; },\n"
		"{ name = \"n\"; recipient = \"b@a\"; });\n",
		2, "two inbound rules with the name \"n\"" },
	{ "unknown in inbound", INBOUND "otherwise = \"pass\";" END, 3,
		"otherwise" },
	{ "reinject to the web", "reinject = { uri = \"http://x\"; };\n", 1,
		"reinject.uri: it is no URL such as smtp://127.0.0.1:10026" },
	{ "reinject to nowhere", "reinject = { };\n", 1,
		"reinject has no \"uri\"" },
	{ "reinject with a path", "reinject = { uri = \"smtp://x/y\"; };\n", 1,
		"reinject.uri: nothing may stand behind host and port" },
	{ "reinject with a login alone",
		"reinject = { uri = \"smtp://x\"; login = \"a\"; };\n", 1,
		"reinject needs login and password_file, or neither" },
	{ "clear copies for internal people without split",
		"internal_copy = \"clear\";\n", 1,
		"internal_copy = \"clear\" needs mixed = \"split\": a mail has "
		"one body for all recipients" },
	{ "report is no group", "report = 1;\n", 1, "report must be a group" },
	{ "headers of everybody", "report = { headers = \"Subject\"; };\n", 1,
		"must begin with \"X-\"" },
	{ "headers that end in a hyphen",
		"report = { headers = \"X-Ours-\"; };\n", 1,
		"not end with \"-\"" },
	{ "headers with a colon", "report = { headers = \"X-a:b\"; };\n", 1,
		"letters, digits" },
	{ "no headers", "report = { headers = \"\"; };\n", 1, "is empty" },
	{ "split", "mixed = \"split\";\n", 1,
		"mixed = \"split\" needs reinject: where copies go" },
	{ "tnef in sign", SIGN "tnef = \"yes\";" END, 3,
		"sign.tnef must be true or false" },
	{ "tnef in encrypt", ENCRYPT "tnef = 1;" END, 5,
		"encrypt.tnef must be true or false" },
	{ "unknown tnef_broken", "tnef_broken = \"drop\";\n", 1,
		"is none of: beside, instead" },
	{ "no depth", "limits = { tnef_depth = 0; };\n", 1,
		"limits.tnef_depth must be from 1 to 50" },
	{ "too much depth", "limits = { tnef_depth = 51; };\n", 1,
		"limits.tnef_depth must be from 1 to 50" },
	{ "no size", "limits = { tnef_unpacked = \"1K\"; };\n", 1,
		"limits.tnef_unpacked must be from" },
	{ "unknown revocation", "trust = { revocation = \"ocsp\"; };\n", 1,
		"is none of: off, soft, hard" },
	{ "revocation is no word", "trust = { revocation = true; };\n", 1,
		"trust.revocation must be a word in quotes" },
	{ "relative CRL", "trust = {\n crls = [ \"x.crl\" ]; };\n", 2,
		"\"x.crl\" must be a whole path" },
	{ "fetch_crls is no word", "trust = { fetch_crls = \"true\"; };\n", 1,
		"trust.fetch_crls must be true or false" },
	{ "fetch_private is no number", "trust = { fetch_private = 1; };\n", 1,
		"trust.fetch_private must be true or false" },
	{ "empty proxy", "trust = {\n proxy = \"\"; };\n", 2,
		"trust.proxy is empty" },
	{ "proxy without scheme", "trust = {\n proxy = \"p:3128\"; };\n", 2,
		"trust.proxy: it is no URL" },
	{ "proxy of another kind", "trust = {\n proxy = \"ftp://p\"; };\n", 2,
		"trust.proxy: a proxy begins with http://, https:// or "
		"socks5h://" },
	{ "proxy with a password", "trust = {\n proxy = \"http://a:b@p\"; };\n",
		2,
		"trust.proxy: a name or password for the proxy cannot stand in "
		"it" },
	{ "relative anchor", "trust = { anchors = \"ca.pem\"; };\n", 1,
		"\"ca.pem\" must be a whole path" },
};

static const struct problem *
find_problem(const struct written *w, const struct row *row)
{
	const struct problem *problem;

	LIST_FOREACH (problem, &w->problems)
		if (problem->kind == PROBLEM_ERROR &&
			strcmp(problem->file, w->path) == 0 &&
			problem->line == row->line &&
			strstr(problem->text, row->says) != NULL)
			return problem;
	return NULL;
}

static unsigned
count_errors(const struct written *w)
{
	const struct problem *problem;
	unsigned count = 0;

	LIST_FOREACH (problem, &w->problems)
		count += problem->kind == PROBLEM_ERROR;
	return count;
}

static void
every_problem_has_its_line_and_sentence(void **state)
{
	struct written w;

	(void)state;
	written_begin(&w);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		const struct row *row = &refused[i];
		int result = written_load(&w, row->text, false);
		char *all = written_problems(&w);

		if (result == 0)
			fail_msg("%s: taken", row->label);
		if (find_problem(&w, row) == NULL || count_errors(&w) != 1)
			fail_msg("%s: want line %u, %s; have\n%s", row->label,
				row->line, row->says, all);
		assert_null(w.conf);
		mem_free(all);
	}
	written_end(&w);
}

static void
all_problems_are_told_in_the_order_of_the_file(void **state)
{
	struct written w;
	char *all;

	(void)state;
	written_begin(&w);
	assert_int_equal(written_load(&w,
				 "sign = ({ sender = \"x\";\n"
				 "  stores = \"nowhere\";\n"
				 "  digest = \"md5\"; });\n"
				 "colour = 1;\n"
				 "limits = { mails = 0; };\n"
				 "report = ( );\n",
				 false),
		-1);
	all = written_problems(&w);
	assert_int_equal(w.problems.count, 6);
	for (unsigned i = 0; i < 6; i++)
		if (((struct problem *)w.problems.item[i])->line != i + 1)
			fail_msg("%s", all);
	mem_free(all);
	written_end(&w);
}

static void
a_syntax_error_is_told_alone(void **state)
{
	struct written w;

	(void)state;
	written_begin(&w);
	assert_int_equal(written_load(&w,
				 "colour = 1;\nuser = \"a\" \"b\";\n"
				 "log = [ \"a\", ];\ninbound = 2;\n",
				 false),
		-1);
	assert_int_equal(w.problems.count, 1);
	assert_int_equal(((struct problem *)w.problems.item[0])->line, 3);
	written_end(&w);
}

static void
a_missing_file_is_named_with_user_and_reason(void **state)
{
	struct written w;
	char *all;

	(void)state;
	written_begin(&w);
	assert_int_equal(conf_load(w.path, false, &w.conf, &w.problems), -1);
	all = written_problems(&w);
	assert_non_null(strstr(all, w.path));
	assert_non_null(strstr(all, "No such file"));
	mem_free(all);
	written_forget(&w);
	assert_int_equal(conf_load(w.folder, false, &w.conf, &w.problems), -1);
	all = written_problems(&w);
	assert_non_null(strstr(all, "is a folder"));
	mem_free(all);
	written_end(&w);
}

static void
a_file_with_a_nul_is_refused(void **state)
{
	struct written w;
	struct error err = { 0 };

	(void)state;
	written_begin(&w);
	assert_int_equal(
		file_write_atomic(w.path, SPAN("user = \"a\0b\";"), 0600, &err),
		0);
	assert_int_equal(conf_load(w.path, false, &w.conf, &w.problems), -1);
	assert_non_null(
		strstr(((struct problem *)w.problems.item[0])->text, "NUL"));
	written_end(&w);
}

/* ---- @include ---- */

static void
expect(struct written *w, const char *text, const char *file, unsigned line,
	const char *says)
{
	int result = written_load(w, text, false);
	char *all = written_problems(w);
	char *want =
		file ? mem_printf("E %s/%s:%u: %s", w->folder, file, line, says)
		     : mem_string(says);

	if (result == 0 || strstr(all, want) == NULL)
		fail_msg("want %s, have %s", want, all);
	mem_free(want);
	mem_free(all);
}

static void
problems_of_included_files_have_their_file_and_line(void **state)
{
	struct written w;

	(void)state;
	written_begin(&w);
	written_file(&w, "good.conf", "state = \"/x\";");
	written_file(&w, "bad.conf", "# x\ncolour = 1;\n");
	written_file(&w, "broken.conf", "\n\nuser = ;\n");
	written_file(&w, "deep.conf", "\n@include \"bad.conf\"\n");
	written_file(&w, "self.conf", "@include \"self.conf\"\n");
	expect(&w, "@include \"bad.conf\"\n", "bad.conf", 2, "unknown setting");
	expect(&w, "\n@include \"deep.conf\"\n", "bad.conf", 2, "unknown");
	expect(&w, "@include \"broken.conf\"\n", "broken.conf", 3,
		"syntax error");
	expect(&w, "@include \"good.conf\"\n\ncolour = 1;\n", "main.conf", 3,
		"unknown setting");
	expect(&w, "\n@include \"none.conf\"\n", NULL, 0, "main.conf:2: ");
	expect(&w, "\n@include \"none.conf\"\n", NULL, 0, "none.conf: user ");
	expect(&w, "\n@include \"none.conf\"\n", NULL, 0, "No such file");
	expect(&w, "@include \"self.conf\"\n", NULL, 0,
		"@include goes deeper than 10 files");
	expect(&w, "@include \".\"\n", NULL, 0, "is a folder");
	written_end(&w);
}

static void
an_empty_file_is_refused(void **state)
{
	char path[] = "/tmp/smime-milter-conf-XXXXXX";
	struct list problems = { 0 };
	struct conf *conf = NULL;
	const struct problem *first;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(conf_load(path, false, &conf, &problems), -1);
	assert_int_equal(problems.count, 1);
	first = problems.item[0];
	assert_int_equal(first->kind, PROBLEM_ERROR);
	assert_non_null(strstr(first->text, "is empty"));
	list_clear(&problems, problem_free);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_is_refused),
		cmocka_unit_test(every_problem_has_its_line_and_sentence),
		cmocka_unit_test(
			all_problems_are_told_in_the_order_of_the_file),
		cmocka_unit_test(a_syntax_error_is_told_alone),
		cmocka_unit_test(a_missing_file_is_named_with_user_and_reason),
		cmocka_unit_test(a_file_with_a_nul_is_refused),
		cmocka_unit_test(
			problems_of_included_files_have_their_file_and_line),
	};

	return cmocka_run_group_tests_name("conf/refused", tests, NULL, NULL);
}
