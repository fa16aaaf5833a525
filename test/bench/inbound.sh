#!/bin/sh
# inbound.sh: mails that come in, made by openssl: decryptions and
# verifications per second beside the bare operations of RSA in the same run,
# and what a mail of 25 MB costs.  bench.sh calls it.
# shellcheck source=test/tool/lib.sh
. "$(dirname "$0")/../tool/lib.sh"
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

ROUNDS=${BENCH_ROUNDS:-3}
SECONDS_EACH=${BENCH_SECONDS:-2}
MEGABYTES=${BENCH_MEGABYTES:-25}
ALICE=alice@example.com BOB=bob@example.com

lib_begin inbound-bench
mkdir "$T/mix"
cat >"$T/rules" <<END
inbound = ( { recipient = "*@example.com"; keys = "staff"; } );
report = { authserv_id = "bench.example"; };
END

# content BYTES: an entity of about that size.
content() {
	python3 - "$1" <<'END'
import sys
line = b'TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFkaXBpc2Npbmcu\r\n'
sys.stdout.buffer.write(
    b'Content-Type: application/octet-stream\r\n'
    b'Content-Transfer-Encoding: base64\r\n\r\n' +
    line * max(1, int(sys.argv[1]) // len(line)))
END
}
sign() { # IN OUT
	openssl cms -sign -binary -crlfeol -in "$1" -out "$2" -signer \
		"$PKI/bob.pem" -inkey "$PKI/bob.key" -certfile \
		"$PKI/intermediate.pem"
}
encrypt() { # IN OUT
	openssl cms -encrypt -binary -crlfeol -aes256 -in "$1" -out "$2" \
		"$PKI/alice.pem"
}
# mail NAME: its entity comes in; it is in $T/NAME, and in a mix.
mail() {
	{
		printf 'From: %s\nTo: %s\nSubject: bench\n' $BOB $ALICE
		tr -d '\r'
	} >"$T/$1"
	echo "$BOB $ALICE any $T/$1" >"$T/mix/$1"
}
# mails NAME BYTES BYTES: signed, encrypted, and both.  What is encrypted
# grows by a third, and twice where it is base64 already.
mails() {
	content "$2" >"$T/content"
	sign "$T/content" "$T/signed"
	mail "$1-signed" <"$T/signed"
	content "$3" >"$T/content"
	encrypt "$T/content" "$T/encrypted"
	mail "$1-encrypted" <"$T/encrypted"
	sign "$T/content" "$T/signed"
	encrypt "$T/signed" "$T/encrypted"
	mail "$1-both" <"$T/encrypted"
}
# A figure is of no use when nothing was done.
must_be_done() {
	"$MTASIM" -s "$(lib_socket "$1")" -o "$T/out" -f "<$BOB>" \
		-t "<$ALICE>" "$T/$2" >"$T/err" 2>&1
	case $2 in
	*encrypted) sign='Encryption-Algorithm-0: AES256' ;;
	*) sign='smime=pass' ;;
	esac
	grep -q "$sign" "$T/out" || {
		echo "bench: $2 was not done: $(cat "$T/err")" >&2
		exit 1
	}
}

echo "incoming 1 KB mails, unix socket; best of $ROUNDS rounds"
mails small 1024 1024
lib_daemon small unix <"$T/rules" || exit 1
for what in signed encrypted both; do
	must_be_done small small-$what
done
for _ in $(seq "$ROUNDS"); do
	openssl speed -seconds "$SECONDS_EACH" rsa2048 2>/dev/null |
		awk '/^rsa 2048/ { print $6, $7 }' >"$T/speed"
	cut -d' ' -f1 "$T/speed" >>"$T/private"
	cut -d' ' -f2 "$T/speed" >>"$T/public"
	for what in signed encrypted both; do
		for c in 1 2; do
			load small-$what small -n 10000000 -c $c -k 1000 \
				--seconds "$SECONDS_EACH"
			value mails_per_second >>"$T/$what$c"
		done
	done
done
say "  bare RSA-2048, private and public, 1 thread" \
	"$(best "$T/private") $(best "$T/public")"
for what in signed encrypted both; do
	say "  $what, 1 and 2 connections" \
		"$(best "$T/${what}1") $(best "$T/${what}2") mails/s"
done
lib_stop small || echo "bench: not a clean end" >&2

echo "incoming $MEGABYTES MB mails, 1 connection; memory is the worker's peak"
bytes=$((MEGABYTES * 1024 * 1024))
mails large $bytes $((bytes * 18 / 25))
for what in signed encrypted both; do
	lib_daemon "fresh-$what" unix <"$T/rules" || exit 1
	load small-$what "fresh-$what" -n 50
	pid=$(lib_worker "fresh-$what")
	memory() { awk "/^$1:/ { print \$2 }" "/proc/$pid/status"; }
	echo 5 >"/proc/$pid/clear_refs" 2>/dev/null
	before=$(memory VmRSS)
	load large-$what "fresh-$what" -n 1
	peak=$(memory VmHWM)
	must_be_done "fresh-$what" large-$what
	load large-$what "fresh-$what" -n 6 -k 6
	size=$(wc -c <"$T/large-$what")
	say "  $what" "$(calc "$size / 1048576 * $(value mails_per_second)" 0) \
MB/s, $(calc "($peak - $before) * 1024 / $size - 1") x the mail beyond it"
	lib_stop "fresh-$what" || echo "bench: not a clean end" >&2
done
