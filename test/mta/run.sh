#!/bin/sh
# run.sh [NAME...]: mail through a real Postfix and a real Sendmail.  Postfix
# starts for root only, so sudo is asked for where it needs no password.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
if ! command -v python3 >/dev/null; then
	echo "python3 is not here"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
as=
if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then
	as="sudo -n BUILD=$BUILD SMIME_PKI=$SMIME_PKI KEEP=$KEEP"
fi
# shellcheck disable=SC2086
exec $as python3 -B "$here/run.py" "$@"
