# shellcheck shell=sh
# lib.sh, to be sourced: a daemon in a private folder, for tests in sh.
#
#	. test/tool/lib.sh
#	lib_begin NAME              $T is a folder of its own, removed at the end
#	lib_daemon one unix <rules  a daemon called one; the rules from stdin
#	"$MTASIM" -s "$(lib_socket one)" ...
#	lib_stop one                its exit status
#
# Sets BUILD, DAEMON, CTL, MTASIM, PKI.  Daemons that still run at the end are
# ended by their process ids.

TOP=$(cd "$(dirname "$0")/../.." && pwd)
case ${BUILD:-build} in
/*) BUILD=${BUILD:-build} ;;
*) BUILD=$TOP/${BUILD:-build} ;;
esac
DAEMON=$BUILD/smime-milter
CTL=$BUILD/smimectl
MTASIM=$BUILD/test/tool/mtasim
PKI=${SMIME_PKI:-$BUILD/pki}
export BUILD DAEMON CTL MTASIM PKI
lib_running=

lib_end() {
	for name in $lib_running; do
		lib_stop "$name" >/dev/null 2>&1
	done
	rm -rf "$T"
}

lib_begin() {
	[ -e "$PKI/ca.pem" ] || sh "$TOP/test/pki/make-pki.sh" "$PKI" --quiet ||
		exit 1
	T=$(mktemp -d "/tmp/smime-$1.XXXXXX") || exit 1
	chmod 755 "$T"
	trap lib_end EXIT
	trap 'exit 1' HUP INT TERM
	mkdir "$T/staff" "$T/partners"
	for name in alice bob carol; do
		(umask 077 && cat "$PKI/$name.pem" "$PKI/$name.key" \
			"$PKI/intermediate.pem" >"$T/staff/$name.pem")
	done
	cp "$PKI/paula.pem" "$PKI/peter.pem" "$T/partners"
	cp "$PKI/ca.pem" "$PKI/intermediate.pem" "$T"
}

# A port of 127.0.0.1 that nobody has.
lib_port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

lib_socket() { cat "$T/$1/socket"; }

# lib_daemon NAME unix|inet: the rest of its configuration is read from stdin.
# Stores are staff (alice, bob, carol) and partners (paula, peter).
lib_daemon() {
	home=$T/$1
	mkdir -p "$home/state"
	[ "$(id -u)" != 0 ] || chown nobody "$home/state"
	case $2 in
	unix) echo "unix:$home/milter.sock" ;;
	inet) echo "inet:$(lib_port)@127.0.0.1" ;;
	esac >"$home/socket"
	{
		cat <<-END
		listen = { socket = "$(cat "$home/socket")"; mode = "0600"; };
		control = { socket = "$home/control.sock"; };
		user = "nobody";
		state = "$home/state";
		pid_file = "$home/pid";
		log = { level = "error"; to = "stderr"; };
		trust = { anchors = [ "$T/ca.pem" ];
			intermediates = [ "$T/intermediate.pem" ]; };
		stores = (
			{ name = "staff"; type = "directory"; path = "$T/staff"; },
			{ name = "partners"; type = "directory";
			  path = "$T/partners"; } );
		END
		cat
	} >"$home/conf"
	"$DAEMON" -f -c "$home/conf" </dev/null 2>>"$home/log" &
	echo $! >"$home/daemon"
	lib_running="$lib_running $1"
	tries=0
	until "$CTL" -c "$home/conf" status >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ $tries -gt 300 ] || ! kill -0 "$(cat "$home/daemon")"; then
			echo "the daemon does not start:" >&2
			cat "$home/log" >&2
			return 1
		fi
		sleep 0.1
	done
}

# The process that serves mails.
lib_worker() {
	cat /proc/"$(cat "$T/$1/daemon")"/task/*/children | awk '{ print $1 }'
}

lib_stop() {
	kill "$(cat "$T/$1/daemon")"
	wait "$(cat "$T/$1/daemon")"
	status=$?
	lib_running=$(echo " $lib_running " | sed "s/ $1 / /")
	return $status
}
