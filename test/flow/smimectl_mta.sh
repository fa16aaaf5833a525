# The part of smimectl_test.sh about check --mta: a postconf that says what it
# is told to, the real one where it is installed, and Sendmail's .cf files.

POSTFIX_USER=$(getent passwd postfix >/dev/null && echo postfix || id -un)
mkdir -p "$T/bin" "$T/queue/smime-milter" "$T/queue/pid"
chmod 755 "$T/queue" "$T/queue/smime-milter"
SOCKET=$T/queue/smime-milter/milter.sock

# rules NAME SOCKET [SIGN]: a configuration that listens there.
rules() {
	sed "s|unix:$T/run/milter.sock|$2|" "$W" >"$C/$1"
	[ -z "${3-}" ] || sed -i "s|^sign = .*|$3|" "$C/$1"
}
rules mta.conf "unix:$SOCKET" 'sign = ( { name = "ours"; sender = "*@example.com"; stores = "staff"; from_must_be = "login"; } );'
rules envelope.conf "unix:$SOCKET"
rules tcp.conf "inet:8897@127.0.0.1"
M=$C/mta.conf

# A socket that is there, so that its rights can be looked at.
python3 - "$SOCKET" <<'END'
import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).bind(sys.argv[1])
END
chmod 666 "$SOCKET"

# ---- a Postfix that is only told of ----

cat >"$T/bin/postconf" <<'END'
#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in
	-c) cd "$2" || exit 1; shift ;;
	-x) exec cat main ;;
	-M) exec cat master ;;
	-xP) exec cat overrides ;;
	esac
	shift
done
exit 1
END
chmod 755 "$T/bin/postconf"

# postfix NAME [main.cf line]...: a Postfix as it should be, but for the lines.
postfix() {
	P=$T/$1
	shift
	mkdir -p "$P"
	cat >"$P/main" <<END
config_directory = $P
compatibility_level = 3.6
queue_directory = $T/queue
mail_owner = $POSTFIX_USER
smtpd_milters = unix:smime-milter/milter.sock, inet:localhost:8891
non_smtpd_milters = unix:smime-milter/milter.sock
smtpd_milter_maps =
milter_default_action = tempfail
milter_protocol = 6
message_size_limit = 120000000
content_filter =
always_bcc =
receive_override_options =
smtpd_sasl_auth_enable = no
smtpd_sender_login_maps =
smtpd_sender_restrictions =
END
	for line; do
		sed -i "/^${line%% =*} =/d" "$P/main"
		echo "$line" >>"$P/main"
	done
	cat >"$P/master" <<END
smtp       inet  n       -       y       -       -       smtpd
submission inet  n       -       n       -       -       smtpd -o syslog_name=postfix/submission
cleanup    unix  n       -       -       -       0       cleanup
qmgr       unix  n       -       n       300     1       qmgr
END
	echo "submission/inet/smtpd_sasl_auth_enable = yes" >"$P/overrides"
}
# look [CONF]: check --mta at the Postfix made last.
look() {
	PATH=$T/bin:$PATH "$CTL" check --mta --postfix-config "$P" -c "${1-$M}" \
		>"$T/out" 2>"$T/err" </dev/null
	code=$?
}
L='unix:smime-milter/milter.sock'

postfix right
look
expect a_right_postfix_is_right 0 'out:is set up as it should be' \
	'out:ok: .*smtpd_milters of smtp/inet has our socket' \
	'out:ok: .*non_smtpd_milters of cleanup/unix' 'out:opendkim comes after' \
	'out:may connect' '-err:main.cf' '-err:master.cf'
PATH=$T/bin:$PATH "$CTL" check --json --postfix-config "$P" -c "$M" >"$T/out" 2>"$T/err"
json the_mta_in_json 'j["ok"] is True and j["mta"]["problems"] == [] and j["mta"]["notes"]'
postfix none 'smtpd_milters = ' 'non_smtpd_milters = '
look
expect a_postfix_without_us_is_wrong 1 'err:main.cf: .*no mail comes' \
	'err:non_smtpd_milters: mail from the sendmail command' \
	'err:submission/inet: .*unprotected'
postfix others 'smtpd_milters = inet:localhost:8897' 'non_smtpd_milters = unix:other.sock'
look
expect another_socket_is_not_ours 1 'err:no mail comes'
look "$C/tcp.conf"
expect tcp_sockets_are_compared_by_host_and_port 1 '-err:no mail comes' 'err:non_smtpd_milters'
postfix absolute "smtpd_milters = unix:$SOCKET"
look
expect an_absolute_path_does_not_work_in_a_chroot 1 'err:smtp/inet: .*chroot' \
	'err:write unix:smime-milter/milter.sock' '-err:submission/inet: .*chroot'
postfix chroot 'smtpd_milters = unix:/smime-milter/milter.sock'
look
expect a_path_as_the_chroot_sees_it_does_not_work_outside 1 'err:submission/inet: .*unprotected' '-err:smtp/inet'
postfix accept 'milter_default_action = accept'
look
expect default_action_accept_is_wrong 1 'err:a lost connection would let mail through in clear'
postfix reject 'milter_default_action = reject'
look
expect default_action_reject_is_a_warning 0 'err:warning: .*reject'
postfix quarantine 'milter_default_action = quarantine'
look
expect default_action_quarantine_is_wrong 1 'err:half-changed'
postfix each 'milter_default_action = accept' \
	"smtpd_milters = { $L, default_action=tempfail }, { inet:localhost:8891, default_action = accept }" \
	"non_smtpd_milters = {$L, connect_timeout=3s, default_action=accept}"
look
expect the_action_of_each_filter_counts 1 'err:non_smtpd_milters.*in clear' '-err: smtpd_milters'
for dkim in inet:localhost:8891 unix:opendkim/opendkim.sock inet:127.0.0.1:8892; do
	postfix dkim "smtpd_milters = $dkim, $L"
	look
	expect "dkim_before_us_is_wrong: $dkim" 1 'err:DKIM signature would not fit'
done
postfix clamav "smtpd_milters = $L unix:/clamav/clamav-milter.ctl"
look
expect a_virus_filter_after_us_sees_nothing 0 'err:warning: .*clamav-milter .*cannot look into'
postfix rspamd "smtpd_milters = inet:localhost:11332, $L"
look
expect rspamd_before_us_is_a_warning 0 'err:warning: .*rspamd'
postfix small 'message_size_limit = 10240000'
look
expect a_size_limit_without_room_is_a_warning 0 'err:message_size_limit is 10240000' 'err:552'
postfix roomy 'message_size_limit = 10240000'
printf 'cleanup/unix/message_size_limit = 21000000\n' >>"$P/overrides"
look
expect a_size_limit_with_room_is_well 0 '-err:message_size_limit'
postfix unlimited 'message_size_limit = 0'
look
expect no_size_limit_is_well 0 '-err:552' 'out:limits.message'
postfix override
printf 'submission/inet/smtpd_milters = inet:localhost:8891\n' >>"$P/overrides"
look
expect a_service_of_its_own_is_looked_at 1 'err:submission/inet: .*unprotected' '-err:smtp/inet'
postfix reinjection 'content_filter = smtp:[127.0.0.1]:10024'
printf '127.0.0.1:10025 inet n - n - - smtpd\n' >>"$P/master"
look
expect a_content_filter_may_bring_mail_twice 0 'err:warning: .*may come twice'
printf '127.0.0.1:10025/inet/receive_override_options = no_milters\nsubmission/inet/smtpd_milters = \n' >>"$P/overrides"
look
expect no_milters_is_understood 1 'out:10025/inet runs no milters' '-err:twice'
postfix login
look "$C/envelope.conf"
expect believing_mail_from_wants_login_checks 0 \
	'err:master.cf: submission/inet: .*sign rule ours.*colleague' '-err:smtp/inet: sign'
look
expect from_must_be_login_needs_no_checks 0 '-err:colleague'
for r in reject_sender_login_mismatch reject_authenticated_sender_login_mismatch; do
	postfix "$r" 'smtpd_sender_login_maps = hash:/x' "smtpd_sender_restrictions = permit_mynetworks, $r"
	look "$C/envelope.conf"
	expect "login_checks_are_seen: $r" 0 '-err:colleague'
done
postfix nomap 'smtpd_sender_restrictions = reject_sender_login_mismatch'
look "$C/envelope.conf"
expect login_checks_without_a_map_are_none 0 'err:colleague'
postfix odds 'always_bcc = archive@example.com' 'milter_protocol = 2' 'smtpd_milter_maps = cidr:/x'
look
expect odd_settings_are_named 1 'err:always_bcc' 'err:milter_protocol is 2' 'err:smtpd_milter_maps'
if [ "$(id -u)" = 0 ] && [ "$POSTFIX_USER" = postfix ]; then
	postfix rights
	chmod 600 "$SOCKET"
	look
	expect a_socket_postfix_may_not_use_is_wrong 1 'err:user postfix may not connect'
	chgrp postfix "$SOCKET"
	chmod 660 "$SOCKET"
	look
	expect the_group_opens_the_socket 0 'out:user postfix may connect'
	chmod 700 "$T/queue/smime-milter"
	look
	expect a_closed_folder_is_wrong 1 'err:may not enter .*/queue/smime-milter'
	chmod 755 "$T/queue/smime-milter"
else
	skip "rights of the socket need root and a user postfix"
fi
mv "$SOCKET" "$SOCKET.away"
look
expect a_socket_that_is_not_there_is_a_warning "$([ "$POSTFIX_USER" = postfix ] && echo 1 || echo 0)" \
	'err:warning: .*is the daemon running'
mv "$SOCKET.away" "$SOCKET"
PATH=$T/bin:$PATH "$CTL" check --mta --postfix-config "$T/nowhere" -c "$M" >"$T/out" 2>"$T/err"
code=$?
expect a_postfix_that_cannot_be_read_is_trouble 3 'err:postconf -c .*nowhere'
run check --mta -c "$C/broken.conf"
expect a_broken_configuration_comes_first 1 'err:nonsense' '-out:the MTA'

# No MTA at all: a folder in PATH whose postconf has no main.cf.
mkdir -p "$T/empty"
printf '#!/bin/sh\nexit 1\n' >"$T/empty/postconf"
chmod 755 "$T/empty/postconf"
if [ -e /etc/mail/sendmail.cf ]; then
	skip "no_mta_is_said_clearly: this machine has a sendmail.cf"
else
	PATH=$T/empty:$PATH "$CTL" check --mta -c "$M" >"$T/out" 2>"$T/err"
	code=$?
	expect no_mta_is_said_clearly 1 'err:no MTA was found'
fi

# ---- the real one ----

if real=$(PATH=$PATH:/usr/sbin command -v postconf); then
	P=$T/postfix
	mkdir -p "$P"
	for mark in good bad; do
		cat >"$P/main.cf" <<END
compatibility_level = 3.6
queue_directory = $T/queue
mail_owner = $POSTFIX_USER
ours = unix:smime-milter/milter.sock
smtpd_milters = \$ours
non_smtpd_milters = \$smtpd_milters
milter_default_action = tempfail
message_size_limit = 120000000
logins = reject_sender_login_mismatch
smtpd_sender_login_maps = inline:{ a=a }
END
		cat >"$P/master.cf" <<END
smtp inet n - y - - smtpd
submission inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
  -o { smtpd_sender_restrictions = \$logins, reject }
  -o { smtpd_milters = { \$ours, default_action=tempfail }, inet:localhost:8891 }
cleanup unix n - y - 0 cleanup
END
		[ $mark = good ] || sed -i 's/default_action=tempfail/default_action=accept/; s/\$logins, //' "$P/master.cf"
		MAIL_CONFIG=$P PATH=$PATH:/usr/sbin "$CTL" check --mta -c "$C/envelope.conf" \
			>"$T/out" 2>"$T/err"
		code=$?
		if [ $mark = good ]; then
			expect the_real_postconf_of_a_right_postfix 0 'out:submission/inet has our socket' \
				'out:opendkim comes after' '-err:warning: .*main.cf' '-err:colleague'
		else
			expect the_real_postconf_of_a_wrong_postfix 1 'err:in clear' 'err:colleague'
		fi
	done
	: "$real"
else
	skip "the_real_postconf: Postfix is not installed"
fi

# ---- Sendmail ----

# cf NAME [LINE]...: a sendmail.cf with these lines.
cf() {
	F=$T/$1.cf
	shift
	{
		echo "# a comment"
		echo "V10/Berkeley"
		echo "O MaxMessageSize=20000000"
		printf '%s\n' "$@"
	} >"$F"
	run check --sendmail-cf "$F" -c "$C/sendmail.conf"
}
rules sendmail.conf "unix:$SOCKET" 'sign = ( { name = "ours"; sender = "*@example.com"; stores = "staff"; from_must_be = "login"; clients = [ "authenticated", "127.0.0.1" ]; } );'
TIMES='T=S:30s;R:60s;E:10m'

cf right 'O InputMailFilters=spam,smime,dkim' 'Xspam, S=unix:/run/spam.sock' \
	"Xsmime, S=local:$SOCKET, F=T, $TIMES" 'Xdkim, S=inet:8891@localhost, F=T'
expect a_right_sendmail_is_right 0 'out:filter smime is used, F=T' 'out:comes after' "-err:$T/right.cf"
cf folded 'O InputMailFilters=smime' "Xsmime, S=local:$SOCKET," "	F=T," "	$TIMES"
expect folded_lines_are_read 0 'out:F=T'
cf none 'O InputMailFilters=dkim' 'Xdkim, S=inet:8891@localhost'
expect a_sendmail_without_us_is_wrong 1 'err:none.cf: .*no filter has our socket'
cf unused "Xsmime, S=local:$SOCKET, F=T, $TIMES"
expect a_filter_that_is_not_used_is_wrong 1 'err:not in InputMailFilters'
cf open 'O InputMailFilters=smime' "Xsmime, S=local:$SOCKET, $TIMES"
expect a_filter_without_a_flag_is_wrong 1 'err:no F=T.*in clear'
cf refusing 'O InputMailFilters=smime' "Xsmime, S=local:$SOCKET, F=R, $TIMES"
expect a_filter_that_refuses_is_a_warning 0 'err:warning: .*F=R'
cf hasty 'O InputMailFilters=smime' "Xsmime, S=local:$SOCKET, F=T, T=R:5s;E:1m"
expect a_hasty_sendmail_is_wrong 1 'err:R:5s' 'err:60 s for a whole mail'
cf default 'O InputMailFilters=smime' "Xsmime, S=local:$SOCKET, F=T"
expect default_times_are_a_warning 0 'err:warning: .*10 s for an answer'
cf dkim 'O InputMailFilters=opendkim,smime' 'Xopendkim, S=local:/run/x.sock' \
	"Xsmime, S=local:$SOCKET, F=T, $TIMES"
expect dkim_before_us_is_wrong_in_sendmail 1 'err:DKIM signature would not fit'
cf daemon 'O InputMailFilters=smime' "Xsmime, S=local:$SOCKET, F=T, $TIMES" \
	'O DaemonPortOptions=Name=MSA, Port=587, M=Ea, InputMailFilters=other'
expect a_port_with_filters_of_its_own_is_a_warning 0 'err:warning: .*DaemonPortOptions'
chmod 775 "$T/queue/smime-milter"
cf folder 'O InputMailFilters=smime' "Xsmime, S=local:$SOCKET, F=T, $TIMES"
expect a_folder_others_may_write_to_is_wrong 1 'err:Sendmail does not start'
chmod 755 "$T/queue/smime-milter"
rules sendmail.conf "inet:8897@127.0.0.1"
cf tcp 'O InputMailFilters=smime' "Xsmime, S=inet:8897@localhost, F=T, $TIMES"
expect sendmail_over_tcp_is_found 0 'out:F=T' 'err:warning: .*127.0.0.1' 'err:warning: .*from_must_be'
run check --sendmail-cf "$T/nowhere.cf" -c "$M"
expect a_missing_cf_is_trouble 3 'err:nowhere.cf'
