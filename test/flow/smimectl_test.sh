#!/bin/bash
# smimectl_test.sh: every command of smimectl, its exit codes, its JSON, and
# what it says about configurations and MTAs that are not as they should be.
# The program is $BUILD/smimectl.  Needs openssl and python3.
set -u
cd "$(dirname "$0")/../.." || exit 1
CTL=$PWD/${BUILD:-build}/smimectl
case ${BUILD:-build} in /*) CTL=$BUILD/smimectl ;; esac
HERE=$PWD/test/flow
T=$(mktemp -d "${TMPDIR:-/tmp}/smimectl.XXXXXX") || exit 1
chmod 755 "$T"
fake=
passed=0 failed=0 skipped=0 code=0
finish() {
	exec 9>&- 2>/dev/null
	[ -n "$fake" ] && wait "$fake" 2>/dev/null
	rm -rf "$T"
}
trap finish EXIT
unset VISUAL EDITOR MAIL_CONFIG

# ---- the tools of the test ----

pass() { passed=$((passed + 1)); }
skip() { skipped=$((skipped + 1)); echo "skipped: $1"; }
fail() {
	failed=$((failed + 1))
	echo "FAILED: $1"
	shift
	printf '    %s\n' "$@"
	echo "    exit code $code; standard output, then standard error:"
	sed 's/^/    > /' "$T/out" | head -n 40
	sed 's/^/    ! /' "$T/err" | head -n 20
}

# run ARGUMENTS...: smimectl, with what it prints in $T/out and $T/err.
run() {
	"$CTL" "$@" >"$T/out" 2>"$T/err" </dev/null
	code=$?
}

# expect SENTENCE CODE [out:REGEX|err:REGEX|-out:REGEX|-err:REGEX]...
expect() {
	local name=$1 want=$2 pattern wrong=
	shift 2
	[ "$code" = "$want" ] || wrong="exit code $want was expected"
	for pattern; do
		case $pattern in
		out:*) grep -qE -- "${pattern#out:}" "$T/out" || wrong=$pattern ;;
		err:*) grep -qE -- "${pattern#err:}" "$T/err" || wrong=$pattern ;;
		-out:*) grep -qE -- "${pattern#-out:}" "$T/out" && wrong=$pattern ;;
		-err:*) grep -qE -- "${pattern#-err:}" "$T/err" && wrong=$pattern ;;
		esac
	done
	grep -qE 'Sanitizer|runtime error' "$T/err" && wrong="a sanitizer spoke"
	if [ -z "$wrong" ]; then pass; else fail "$name" "$wrong"; fi
}

# json SENTENCE EXPRESSION: the output is JSON, and EXPRESSION holds of j.
json() {
	if python3 - "$T/out" "$2" 2>"$T/json" <<'END'
import json, re, sys
j = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else 1)
END
	then pass; else fail "$1" "$2" "$(tail -n 1 "$T/json")"; fi
}

# ---- what it works on ----

PKI=$T/pki
sh test/pki/make-pki.sh "$PKI" --quiet || exit 1
C=$T/etc
mkdir -p "$C/partners" "$T/run"
cp "$PKI/staff.pem" "$C/staff.pem"
chmod 600 "$C/staff.pem"
cp "$PKI/paula.pem" "$PKI/peter.pem" "$PKI/frank-expired.pem" "$C/partners"
cp "$PKI/roots.pem" "$C/roots.pem"
chmod 644 "$C/roots.pem" "$C"/partners/*

# Root's daemon needs a user; every machine has this one.
USER_OF_IT=nobody
# conf [NAME] <MORE: a configuration with the usual beginning.
conf() {
	{
		cat <<END
listen = { socket = "unix:$T/run/milter.sock"; mode = "0660"; };
control = { socket = "$T/run/control.sock"; };
user = "$USER_OF_IT";
pid_file = "$T/run/pid";
state = "$T/run";
stores = (
  { name = "staff"; type = "file"; path = "$C/staff.pem"; },
  { name = "partners"; type = "directory"; path = "$C/partners"; }
);
trust = { anchors = [ "$C/roots.pem" ]; intermediates = [ "$PKI/intermediate.pem" ]; };
END
		cat
	} >"$C/$1"
}
conf good.conf <<'END'
sign = (
  { name = "others"; sender = "*@example.org"; stores = "staff"; },
  { name = "ours"; sender = "*@example.com"; stores = "staff"; otherwise = "reject"; }
);
encrypt = (
  { name = "partners"; recipient = "*@partner.example"; stores = "partners"; otherwise = "reject"; },
  { name = "expired"; recipient = "frank@example.com"; stores = "partners"; otherwise = "tempfail"; }
);
END
G=$C/good.conf
conf works.conf <<'END'
sign = ( { name = "ours"; sender = "*@example.com"; stores = "staff"; } );
encrypt = ( { name = "partners"; recipient = "*@partner.example"; stores = "partners"; otherwise = "reject"; } );
END
W=$C/works.conf

# mail NAME FROM TO
mail() {
	printf 'From: %s\nTo: %s\nSubject: a letter\n\nHello.\n' "$2" "$3" >"$T/$1"
}
mail plain.eml 'Alice <alice@example.com>' 'dora@elsewhere.example'
mail secret.eml 'alice@example.com' 'paula@partner.example'
mail foreign.eml 'zoe@elsewhere.example' 'dora@elsewhere.example'
mail nobody.eml 'nobody@example.com' 'dora@elsewhere.example'
mail nocert.eml 'alice@example.com' 'unknown@partner.example'
mail expired.eml 'alice@example.com' 'frank@example.com'
printf 'From: a@example.com, b@example.com\nTo: x@y.example\n\nHello.\n' >"$T/two.eml"

# ---- the command line ----

run
expect no_command_is_a_usage_error 2 'err:which command'
run help
expect help_names_every_command 0 out:check out:edit out:reload out:metrics \
	'out:--client ADDR' 'out:Exit code: 0'
run --help
expect help_is_an_option_too 0 out:reload
run help test
expect help_explains_one_command 0 'out:--auth LOGIN' '-out:metrics'
run help nonsense
expect help_about_nothing_is_a_usage_error 2 err:nonsense
run version
expect version_is_printed 0 'out:^smimectl [0-9]+\.[0-9]+'
run nonsense
expect unknown_command_is_a_usage_error 2 'err:nonsense'
run check --nonsense
expect unknown_option_is_a_usage_error 2 'err:--nonsense'
run -f a@b test x
expect option_of_a_command_stands_after_it 2 'err:-f'
run check -c
expect option_without_its_value_is_a_usage_error 2 'err:-c needs a FILE'
run check extra
expect extra_words_are_a_usage_error 2 err:usage
run log
expect missing_words_are_a_usage_error 2 err:usage
run --json metrics
expect json_is_refused_where_there_is_none 2 'err:no --json'
run test -c "$G"
expect test_needs_a_message 2 'err:MESSAGE'
run test -c "$G" --all "$T/plain.eml"
expect test_all_takes_no_message 2 'err:--all'
run test -c "$G" --all --auth alice
expect test_all_takes_no_envelope 2 'err:--auth'
run check -c "$W"
expect c_stands_after_the_command 0
run -c "$W" check
expect c_stands_before_the_command 0
run -c"$W" check
expect c_may_be_glued 0
"$CTL" help >/dev/full 2>"$T/err"
code=$?
expect an_answer_that_cannot_be_written_is_trouble 3 'err:could not be written'

# ---- check ----

run check -c "$W"
expect check_says_what_it_does_and_trusts 0 'out:^signs: ours' \
	'out:^encrypts: partners .*reject' 'out:^trusts: ' 'out:could start' '-err:error'
run check -c "$W" --json
expect check_in_json_exits_alike 0
json check_json_has_its_keys 'j["ok"] is True and j["mta"] is None and isinstance(j["problems"], list) and j["trusts"]'
run check -c "$C/none.conf"
expect check_of_a_missing_file_names_it 1 'err:none\.conf' '-out:daemon could start'
printf 'listen = ;\n' >"$C/syntax.conf"
run check -c "$C/syntax.conf"
expect check_of_a_syntax_error_has_file_and_line 1 "err:^$C/syntax.conf:1: "
conf broken.conf <<'END'
nonsense = 1;
sign = ( { name = "a"; sender = "*"; stores = "nowhere"; } );
encrypt = ( { name = "b"; recipient = "*@x.example"; stores = "partners"; } );
END
run check -c "$C/broken.conf"
expect check_reports_every_problem_at_once 1 \
	"err:broken.conf:[0-9]+: .*nonsense" 'err:\*@\*' 'err:nowhere' 'err:otherwise'
run check -c "$C/broken.conf" --json
expect check_of_a_bad_file_in_json_exits_1 1
json check_json_has_file_line_and_sentence \
	'not j["ok"] and any(p["kind"] == "error" and p["line"] > 0 and p["file"].endswith("broken.conf") and "nonsense" in p["text"] for p in j["problems"])'
run test -c "$C/broken.conf" "$T/plain.eml"
expect test_with_a_broken_configuration_is_trouble 3 'err:nonsense'
sed 's/^user = .*/user = "no-such-user";/; s/mode = "0660"/group = "no-such-group"; mode = "0660"/' "$W" >"$C/homeless.conf"
run check -c "$C/homeless.conf"
expect check_looks_for_groups_of_sockets 1 'err:no group "no-such-group"' 'out:could not start'
if [ "$(id -u)" = 0 ]; then
	expect check_looks_for_the_user 1 'err:no user "no-such-user"'
	sed 's/^user = .*/user = "root";/' "$W" >"$C/root.conf"
	run check -c "$C/root.conf"
	expect check_refuses_root_as_the_user 1 'err:is root'
else
	skip "check_looks_for_the_user needs root"
fi
sed "s,path = \"$C/staff.pem\",path = \"$PKI/alice.p12\"; password_file = \"$C/pw\"," "$W" >"$C/password.conf"
printf 'wrong\n' >"$C/pw"
chmod 600 "$C/pw"
run check -c "$C/password.conf"
expect check_tries_the_key_files 1 'err:alice.p12.*password|password.*alice.p12'
printf 'secret\n' >"$C/pw"
chmod 644 "$C/pw"
run check -c "$C/password.conf"
expect check_refuses_a_secret_that_others_may_read 1 'err:pw: '
chmod 600 "$C/pw"
run check -c "$C/password.conf"
expect check_takes_the_right_password 0
conf untrusting.conf <<'END'
END
sed -i '/^trust/d' "$C/untrusting.conf"
run check -c "$C/untrusting.conf"
expect check_says_what_no_anchors_mean 0 'out:trusts: nothing'
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$CTL" check -c "$W" >"$T/out" 2>"$T/err"
	code=$?
	expect check_as_another_user_says_so 1 'err:staff.pem' 'err:you are not root'
else
	skip "check_as_another_user_says_so needs root and setpriv"
fi

# ---- test ----

run test -c "$G" "$T/plain.eml"
expect test_explains_rule_certificate_and_outcome 0 'out:others' \
	'out:rule +ours' 'out:candidate' 'out:signed +yes' 'out:verdict +accept' \
	'out:set Content-Type: multipart/signed' 'out:did=sign'
run test -c "$G" "$T/plain.eml" --json
expect test_in_json_exits_alike 0
json test_json_keeps_its_contract \
	'{"sign","recipients","inbound","verdict","reply","changed","copies"} <= set(j) and {"rule","certificate","did","why"} <= set(j["sign"]) and {"address","rule","certificate","plan","why","candidates"} <= set(j["recipients"][0])'
json test_json_says_what_was_done \
	'j["sign"]["rule"] == "ours" and j["sign"]["did"] is True and re.fullmatch("[0-9a-f]{64}", j["sign"]["certificate"]) and j["verdict"] == "accept" and j["reply"] is None and j["changed"] is True and j["copies"] == [] and j["inbound"] is None'
run test -c "$G" -o "$T/signed.eml" "$T/plain.eml"
expect test_writes_the_resulting_mail 0
openssl cms -verify -CAfile "$PKI/ca.pem" -in "$T/signed.eml" -out "$T/out" 2>"$T/err"
code=$?
expect openssl_verifies_what_test_wrote 0 'out:^Hello'
[ "$(stat -c %a "$T/signed.eml" 2>/dev/null)" = 600 ] && pass ||
	fail a_written_mail_is_for_its_owner_alone "$(ls -l "$T/signed.eml" 2>&1)"
run test -c "$G" -o /dev/stdout "$T/plain.eml"
expect test_writes_to_devices 0 'out:multipart/signed'
run test -c "$G" -o "$T/secret.out" "$T/secret.eml"
expect test_encrypts 0 'out:plan +encrypt' 'out:signed +yes'
openssl cms -decrypt -inkey "$PKI/paula.key" -recip "$PKI/paula.pem" \
	-in "$T/secret.out" -out "$T/inner" 2>"$T/err" &&
	openssl cms -verify -CAfile "$PKI/ca.pem" -in "$T/inner" -out "$T/out" 2>"$T/err"
code=$?
expect openssl_decrypts_and_verifies_what_test_wrote 0 'out:^Hello'
run test -c "$G" "$T/foreign.eml"
expect test_of_a_mail_no_rule_wants 0 'out:no rule is for this mail' \
	'out:verdict +accept' 'out:body +unchanged'
run test -c "$G" --json "$T/foreign.eml"
json test_json_of_an_untouched_mail 'j["sign"]["rule"] is None and j["sign"]["did"] is False and j["changed"] is False'
run test -c "$G" "$T/nobody.eml"
expect test_of_a_sender_without_certificate_is_rejected 1 \
	'out:rule +ours' 'out:verdict +reject' 'out:reply +55'
run test -c "$G" --json "$T/nobody.eml"
expect a_refused_mail_in_json_exits_1 1
json test_json_of_a_refused_mail 'j["verdict"] == "reject" and j["reply"].startswith("55") and j["sign"]["did"] is False and j["sign"]["why"]'
run test -c "$G" -o "$T/never.eml" "$T/nocert.eml"
expect test_of_a_recipient_without_certificate_is_rejected 1 'out:verdict +reject' \
	'err:never.eml is not written'
[ ! -e "$T/never.eml" ] && pass || fail a_refused_mail_is_not_written
run test -c "$G" "$T/expired.eml"
expect test_says_why_a_candidate_is_refused 1 'out:candidate .*expired' \
	'out:verdict +tempfail' 'out:reply +4'
run test -c "$G" --json "$T/expired.eml"
json candidates_have_their_reason 'any(re.search("expired", c["refused"] or "") and len(c["sha256"]) == 64 for r in j["recipients"] for c in r["candidates"])'
run test -c "$G" --client 192.0.2.7 -f alice@example.com "$T/plain.eml"
expect test_as_a_stranger_signs_nothing 0 'out:client +192.0.2.7, no login' 'out:signed +no' 'out:why'
run test -c "$G" --client=2001:db8::1 --auth alice@example.com "$T/plain.eml"
expect test_as_a_user_signs 0 'out:2001:db8::1, logged in' 'out:signed +yes'
run test -c "$G" --auth mallory@example.com -f mallory@example.com "$T/plain.eml"
expect test_as_a_colleague_does_not_sign 1 'out:signed +no' 'out:verdict +reject'
run test -c "$G" --client nonsense "$T/plain.eml"
expect client_must_be_an_address 2 'err:nonsense'
run test -c "$G" -t 'not an address' "$T/plain.eml"
expect recipient_must_be_an_address 2 'err:-t: '
run test -c "$G" -t paula@partner.example -t dora@elsewhere.example "$T/plain.eml"
expect mixed_recipients_are_all_or_nothing 1 'out:recipient <paula@partner.example>' \
	'out:recipient <dora@elsewhere.example>' 'out:verdict +reject'
run test -c "$G" -t dora@elsewhere.example "$T/two.eml"
expect two_authors_are_never_signed 1 'err:one mailbox' 'out:signed +no'
run test -c "$G" "$T/none.eml"
expect missing_message_is_trouble 3 'err:none.eml'
run test -c "$G" -o "$T/none/out" "$T/plain.eml"
expect unwritable_result_is_trouble 3 'err:none/out'
"$CTL" test -c "$G" - <"$T/plain.eml" >"$T/out" 2>"$T/err"
code=$?
expect message_may_come_from_a_file_as_standard_input 0 'out:signed +yes'
{ sleep 0.1; cat "$T/plain.eml"; } | "$CTL" test -c "$G" - >"$T/out" 2>"$T/err"
code=$?
expect message_may_come_from_a_pipe 0 'out:signed +yes'
printf 'From: alice@example.com\n\nno recipients\n' | "$CTL" test -c "$G" - >"$T/out" 2>"$T/err"
code=$?
expect a_mail_without_recipients_needs_t 2 'err:-t'
printf 'From: alice@example.com\nTo: \033[2J<x@y.example>, b\377@z.example\n\nx\n' |
	"$CTL" test -c "$G" --json -t x@y.example - >"$T/out" 2>"$T/err"
json odd_bytes_still_give_json '"verdict" in j'

run test -c "$W" --all
expect test_all_of_working_rules 0 'out:sign +ours .*works' 'out:encrypt +partners .*works' \
	'-out:FAILS'
run test -c "$G" --all
expect test_all_finds_rules_that_cannot_work 1 'out:sign +ours .*works' \
	'out:sign +others .*FAILS' 'out:encrypt +expired .*FAILS: .*expired'
run test -c "$G" --all --json
json test_all_json_is_a_row_per_rule '{(r["kind"], r["rule"]): r["ok"] for r in j} == {("sign","others"): False, ("sign","ours"): True, ("encrypt","partners"): True, ("encrypt","expired"): False} and all(r["ok"] == (r["why"] is None) for r in j)'
conf hidden.conf <<'END'
sign = (
  { name = "all"; sender = "*@*"; stores = "staff"; },
  { name = "alice"; sender = "alice@example.com"; stores = "staff"; },
  { name = "login"; sender = "bob@example.com"; stores = "staff"; clients = "192.0.2.0/24"; }
);
END
run test -c "$C/hidden.conf" --all
expect test_all_finds_rules_that_are_hidden 1 'out:alice .*FAILS: rule all stands before'
conf incoming.conf <<'END'
inbound = (
  { name = "reader"; recipient = "reader@example.com"; undecryptable = "pass"; },
  { name = "ours"; recipient = "*@example.com"; keys = "staff"; harvest = "book"; undecryptable = "reject"; bad_signature = "reject"; }
);
END
sed -i 's/^stores = (/&  { name = "book"; type = "managed"; },/' "$C/incoming.conf"
mkdir -p "$T/run/stores/book"
run test -c "$C/incoming.conf" --all
expect test_all_opens_and_verifies_by_each_inbound_rule 0 \
	'out:inbound +reader +reader@example.com +works$' \
	'out:inbound +ours +[a-z0-9-]+@example.com +works$'
[ -z "$(find "$T/run/stores/book" -type f -name '*.der')" ] && pass ||
	fail test_all_harvests_nothing
run test -c "$C/incoming.conf" --all --json
json test_all_json_has_inbound_rules '{(r["kind"], r["rule"], r["ok"], r["why"], r["remark"]) for r in j} == {("inbound", "reader", True, None, None), ("inbound", "ours", True, None, None)}'
conf keyless.conf <<'END'
inbound = (
  { name = "nobody"; recipient = "*@nowhere.example"; keys = "staff"; },
  { name = "everybody"; recipient = "*@*"; keys = "staff"; keys_for = "any"; },
  { name = "hidden"; recipient = "bob@example.com"; keys = "staff"; },
  { name = "certificates"; recipient = "*@partner.example"; keys = "partners"; }
);
END
run test -c "$C/keyless.conf" --all
expect test_all_finds_inbound_rules_that_cannot_work 1 \
	'out:inbound +nobody .*FAILS: none of its keys can open a mail' \
	'out:inbound +everybody +someone@example.com +works$' \
	'out:inbound +hidden .*FAILS: rule everybody stands before' \
	'out:inbound +certificates .*FAILS: none of its keys'
sed '/^trust/d' "$C/incoming.conf" >"$C/trustless.conf"
run test -c "$C/trustless.conf" --all
expect test_all_says_what_an_inbound_rule_could_not_show 0 \
	'out:inbound +ours .*works: the signature is good, but fail: '
sed 's/name = "staff"; .*path = ".*"/name = "staff"; type = "directory"; path = "'"$(echo "$C" | sed 's,/,\\/,g')"'\/partners"/; s/keys = "staff"; //' \
	"$C/incoming.conf" >"$C/unsigned.conf"
run test -c "$C/unsigned.conf" --all
expect test_all_takes_a_plain_mail_where_nobody_can_sign 0 \
	'out:inbound +ours .*works: no store has a key to sign a mail with'
conf empty.conf <<'END'
END
run test -c "$C/empty.conf" --all
expect test_all_without_rules_is_well 0 'out:no rules'

# ---- cert ----

run cert list -c "$G"
expect cert_list_shows_every_certificate 0 'out:alice@example.com' 'out:paula@partner.example' \
	'out:expired' 'out:private key here'
run cert list -c "$G" --json
json cert_json_keeps_its_contract \
	'all({"store","addresses","subject","issuer","serial","sha256","not_before","not_after","key","has_key","may","origin","refused"} <= set(c) for c in j) and len(j) >= 6'
json cert_json_has_times_and_keys \
	'any(c["addresses"] == ["alice@example.com"] and c["has_key"] and c["key"] == "rsa-2048" and c["may"] == ["sign","encrypt"] and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", c["not_after"]) and c["origin"] == "file" and c["refused"] is None for c in j)'
run cert find -c "$G" alice@example.com
expect cert_find_says_what_is_used 0 'out:to sign, by rule ours' '-out:paula'
run cert find -c "$G" paula@partner.example
expect cert_find_says_what_encrypts 0 'out:used +to encrypt'
run cert find -c "$G" --json frank@example.com
json cert_find_says_why_not 'len(j) == 1 and "expired" in j[0]["refused"]'
run cert find -c "$G" unknown@partner.example
expect cert_find_of_nobody_is_no 1 'err:unknown@partner.example'
run cert find -c "$G" nonsense
expect cert_find_wants_an_address 2

# ---- the running daemon ----

run status -c "$W"
expect status_without_a_daemon_is_trouble 3 'err:daemon'
run reload -c "$W"
expect reload_without_a_daemon_is_trouble 3 'err:daemon'

cat >"$T/answers" <<'END'
reload|0|reloaded
status|0|running since yesterday
metrics|0|# EOF
log debug|0|the log level is debug
log info|0|the log level is info
END
mkfifo "$T/life"
python3 "$HERE/control_fake.py" "$T/run/control.sock" "$T/answers" "$T/requests" \
	<"$T/life" >"$T/ready" &
fake=$!
exec 9>"$T/life"
for _ in $(seq 100); do
	grep -q ready "$T/ready" && break
	sleep 0.1
done
run status -c "$W"
expect status_prints_the_answer 0 'out:running since'
run metrics -c "$W"
expect metrics_prints_the_answer 0 'out:# EOF'
run log debug -c "$W"
expect log_debug_reminds_to_turn_it_back 0 'out:debug' 'out:smimectl log info'
run log info -c "$W"
expect log_info_needs_no_reminder 0 '-out:grows'
run log verbose -c "$W"
expect unknown_level_is_a_usage_error 2 'err:verbose'
run reload -c "$W"
expect reload_says_yes 0 'out:reloaded'
sed -i 's/^reload|.*/reload|1|x.conf:3: a sentence/' "$T/answers"
run reload -c "$W"
expect reload_says_why_not 1 'err:x.conf:3: a sentence' 'err:nothing is reloaded'
sed -i 's/^reload|.*/reload|3|you may not/' "$T/answers"
run reload -c "$W"
expect reload_without_the_right_is_trouble 3 'err:you may not'
run reload -c "$C/broken.conf"
expect reload_of_a_broken_file_is_no 1 'err:broken.conf:[0-9]+: .*nonsense' 'err:nothing is reloaded'
run status -c "$C/broken.conf"
expect status_without_knowing_whom_to_ask_is_trouble 3 'err:nonsense' 'err:was not asked'
sed -i 's/^reload|.*/reload|0|reloaded/' "$T/answers"

# ---- edit ----

# editor BODY: a scripted $EDITOR that gets the draft as $1.
editor() {
	printf '#!/bin/sh\n%s\n' "$1" >"$T/editor"
	chmod 755 "$T/editor"
	export EDITOR="$T/editor"
}
# edited ANSWERS: run edit on a fresh copy of the configuration.
edited() {
	printf "$1" | "$CTL" edit -c "$C/edit.conf" >"$T/out" 2>"$T/err"
	code=$?
}
# no_draft SENTENCE: nothing is left beside the configuration.
no_draft() {
	if ls "$C"/edit.conf.* >/dev/null 2>&1; then
		fail "$1" "$(ls "$C"/edit.conf.*)"
		rm -f "$C"/edit.conf.*
	else pass; fi
}
cp "$W" "$C/edit.conf"
chmod 640 "$C/edit.conf"
[ "$(id -u)" = 0 ] && chown 0:8 "$C/edit.conf"
rights=$(stat -c '%a %u %g' "$C/edit.conf")
: >"$T/requests"

editor 'exit 0'
edited ''
expect edit_without_a_change_does_nothing 0 'out:nothing changed'
no_draft edit_without_a_change_leaves_nothing
editor 'echo "# a word" >>"$1"'
edited ''
expect edit_installs_and_reloads 0 'out:is installed' 'out:reloaded'
grep -q '# a word' "$C/edit.conf" && pass || fail edit_installs_the_text
[ "$(stat -c '%a %u %g' "$C/edit.conf")" = "$rights" ] && pass ||
	fail edit_keeps_owner_and_mode "$(ls -l "$C/edit.conf")"
grep -q reload "$T/requests" && pass || fail edit_asks_the_daemon_to_reload
no_draft edit_leaves_nothing_beside_the_file

cp -p "$C/edit.conf" "$T/before"
editor 'echo "nonsense = 1;" >>"$1"'
edited 'n\n'
expect a_broken_file_never_goes_live 1 "err:$C/edit.conf:[0-9]+: .*nonsense" 'err:as it was'
cmp -s "$C/edit.conf" "$T/before" && pass || fail a_broken_file_leaves_the_old_one
no_draft a_refused_draft_is_removed
edited ''
expect without_an_answer_the_draft_is_kept 1 'err:kept in'
ls "$C"/edit.conf.edit.* >/dev/null 2>&1 && pass || fail the_draft_is_there
rm -f "$C"/edit.conf.edit.*
cmp -s "$C/edit.conf" "$T/before" && pass || fail a_kept_draft_leaves_the_old_one
editor 'if grep -q nonsense "$1"; then sed -i /nonsense/d "$1"; echo "# second" >>"$1"; else echo "nonsense = 1;" >>"$1"; fi'
edited 'y\n'
expect edit_again_mends_it 0 'err:nonsense' 'out:is installed'
grep -q '# second' "$C/edit.conf" && pass || fail the_mended_text_is_installed
editor 'exit 1'
edited ''
expect a_failing_editor_changes_nothing 3 'err:editor'
no_draft a_failing_editor_leaves_nothing
editor 'echo "# mine" >>"$1"; echo "# theirs" >>'"$C/edit.conf"
edited ''
expect a_change_by_somebody_else_is_not_overwritten 3 'err:somebody else'
rm -f "$C"/edit.conf.edit.*
grep -q '# theirs' "$C/edit.conf" && pass || fail the_change_by_somebody_else_stays
editor "$CTL edit -c $C/edit.conf >$T/second 2>&1; echo \$? >>$T/second; exit 0"
edited ''
grep -q 'somebody else is editing' "$T/second" && grep -qx 3 "$T/second" && pass ||
	fail two_editors_at_once_are_one_too_many "$(cat "$T/second")"
ln -sf "$C/edit.conf" "$T/link.conf"
editor 'echo "# by link" >>"$1"'
"$CTL" edit -c "$T/link.conf" >"$T/out" 2>"$T/err" </dev/null
code=$?
expect edit_follows_links 0
[ -L "$T/link.conf" ] && grep -q '# by link' "$C/edit.conf" && pass ||
	fail a_link_stays_a_link
mkdir "$C/more"
printf 'internal = "*@example.com";\n' >"$C/more/internal.conf"
editor 'echo "@include \"more/internal.conf\"" >>"$1"'
edited ''
expect edit_finds_included_files 0
EDITOR=/nowhere/editor VISUAL="$T/editor" "$CTL" edit -c "$C/edit.conf" >"$T/out" 2>"$T/err" </dev/null
code=$?
expect visual_goes_before_editor 1
rm -f "$C"/edit.conf.edit.*
run edit -c "$C/none.conf"
expect edit_of_a_missing_file_is_trouble 3 'err:none.conf'
sed -i 's/^reload|.*/reload|1|no room/' "$T/answers"
editor 'echo "# once more" >>"$1"'
edited ''
expect edit_says_when_the_daemon_did_not_reload 1 'err:no room'
sed -i 's/^reload|.*/reload|0|reloaded/' "$T/answers"
exec 9>&-
wait "$fake"
fake=
editor 'echo "# without a daemon" >>"$1"'
edited ''
expect edit_without_a_daemon_installs 0 'out:no daemon is running'

. "$HERE/smimectl_mta.sh"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
