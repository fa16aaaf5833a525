#!/bin/sh
# bench.sh: signatures, megabytes, memory and latencies, and stores of
# 100,000 certificates (STORE_BENCH_COUNT makes them smaller), in about five
# minutes.  What is compared is measured in turn, in the same run.
# shellcheck source=test/tool/lib.sh
. "$(dirname "$0")/../tool/lib.sh"
# shellcheck source=test/bench/lib.sh
. "$(dirname "$0")/lib.sh"

ROUNDS=${BENCH_ROUNDS:-3}
SECONDS_EACH=${BENCH_SECONDS:-2}
A=alice@example.com P=paula@partner.example X=x@elsewhere.example

lib_begin bench
mkdir "$T/mix" "$T/figures"
cat >"$T/rules" <<END
sign = ( { sender = "*@example.com"; stores = "staff"; },
	{ sender = "slow@slow.example"; stores = "staff"; } );
encrypt = ( { recipient = "*@partner.example"; stores = "partners";
	otherwise = "reject"; } );
END

# What a mail of mtasim's making has on top is part of it, too.
mix() { echo "$2 $3 $4 $5" >"$T/mix/$1"; }
mix signed $A $X signed 1024
mix encrypted x@y.example $P encrypted 1024
mix both $A $P encrypted 1024


lib_daemon unix unix <"$T/rules" || exit 1
lib_daemon tcp inet <"$T/rules" || exit 1
load signed unix -n 500 -c 2 -k 100 # warm

echo "signatures per second, 1 KB mails, unix socket; best of $ROUNDS rounds"
# Processor time of the worker, in hundredths of a second.
used() { sed 's/.*) //' "/proc/$(lib_worker unix)/stat" |
	awk '{ print $12 + $13 }'; }
for _ in $(seq "$ROUNDS"); do
	for c in 1 2; do
		"$MTASIM" bare -c $c -t "$SECONDS_EACH" "$PKI/alice.key" \
			>>"$T/figures/bare$c"
		before=$(used)
		load signed unix -n 10000000 -c $c -k 1000 \
			--seconds "$SECONDS_EACH"
		echo "$(value mails_per_second)" "$(calc \
			"($(used) - $before) * 10000 / $(value mails)" 1)" \
			>>"$T/figures/daemon$c"
	done
done
for c in 1 2; do
	# shellcheck disable=SC2046
	set -- $(best "$T/figures/bare$c") $(best "$T/figures/daemon$c")
	say "  bare RSA-2048, $c thread(s)" "$1, $2 us of processor each"
	say "  daemon, $c connection(s)" "$3, $4 us of processor each"
	say "  ratio" "$(calc "$3 / $1") (of processor time $(calc "$2 / $4"))"
done

echo "1 KB mails, 2 connections"
for what in signed encrypted both; do
	load $what unix -n 10000000 -c 2 -k 1000 --seconds "$SECONDS_EACH"
	per=$(value mails_per_second)
	say "  $what" "$per mails/s, $(calc "$per * 1.2 / 1024") MB/s"
done

python3 - "$T/large" "$A" "$X" <<'END'
import sys
line = b'TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFkaXBpc2NpbmcgZWxpdC4u\n'
with open(sys.argv[1], 'wb') as out:
    out.write(b'From: %s\nTo: %s\nSubject: large\nMIME-Version: 1.0\n'
              b'Content-Type: application/octet-stream\n'
              b'Content-Transfer-Encoding: base64\n\n' % (
                  sys.argv[2].encode(), sys.argv[3].encode()))
    out.write(line * (25 * 1024 * 1024 // (len(line) + 1)))
END
{ echo "From: x@y.example"; tail -n +2 "$T/large"; } >"$T/large-x"
mix large-signed $A $X signed "$T/large"
mix large-encrypted x@y.example $P encrypted "$T/large-x"
mix large-both $A $P encrypted "$T/large"

echo "25 MB mails, 1 connection; memory is the worker's peak over the mail"
for what in signed encrypted both; do
	lib_daemon "fresh-$what" unix <"$T/rules" || exit 1
	load $what "fresh-$what" -n 50
	pid=$(lib_worker "fresh-$what")
	memory() { awk "/^$1:/ { print \$2 }" "/proc/$pid/status"; }
	echo 5 >"/proc/$pid/clear_refs" 2>/dev/null
	before=$(memory VmRSS)
	load large-$what "fresh-$what" -n 1
	peak=$(memory VmHWM)
	load large-$what "fresh-$what" -n 6 -k 6
	say "  $what" "$(calc "25 * $(value mails_per_second)" 0) MB/s,\
 $(calc "$peak / 25600") x the mail ($(calc "($peak - $before) / 25600") more\
 than idle)"
	lib_stop "fresh-$what" || echo "bench: not a clean end" >&2
done

echo "1 KB mails, one at a time, while others take 3 s each"
SMIME_MILTER_TEST_DELAY=3:slow
export SMIME_MILTER_TEST_DELAY
lib_daemon slow unix <"$T/rules" || exit 1
unset SMIME_MILTER_TEST_DELAY
mix slow slow@slow.example $X any 1024
"$MTASIM" load -s "$(lib_socket slow)" --mix "$T/mix/slow" -n 8 -c 4 -k 2 \
	>"$T/slow.out" 2>&1 &
slow=$!
sleep 0.3
load signed slow -n 1000 -c 1 -k 1
say "  p50, p99, max of 1000 (ms)" \
	"$(value p50_ms) $(value p99_ms) $(value max_ms)"
wait $slow || cat "$T/slow.out"

echo "signed 1 KB mails, TCP beside unix socket, 2 connections"
for _ in $(seq "$ROUNDS"); do
	for socket in unix tcp; do
		load signed $socket -n 10000000 -c 2 -k 100 \
			--seconds "$SECONDS_EACH"
		value mails_per_second >>"$T/figures/$socket"
	done
done
unix=$(best "$T/figures/unix") tcp=$(best "$T/figures/tcp")
say "  unix, TCP, ratio" "$unix $tcp $(calc "$tcp / $unix")"

"$(dirname "$0")/inbound.sh"

for program in "$BUILD"/test/bench/*_bench; do
	[ ! -x "$program" ] || "$program"
done
