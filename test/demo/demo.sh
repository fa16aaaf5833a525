#!/bin/sh
# demo.sh: mails through a private Postfix and smime-milter, judged by openssl.
# Postfix starts for root only.
here=$(cd "$(dirname "$0")" && pwd) || exit 1
for program in python3 openssl postfix; do
	PATH=$PATH:/usr/sbin command -v $program >/dev/null || {
		echo "demo: $program is missing, and without it no demo" >&2
		exit 1
	}
done
as=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "demo: Postfix starts for root only, and sudo is missing" >&2
		exit 1
	}
	as="sudo BUILD=$BUILD"
fi
PATH=$PATH:/usr/sbin
export PATH
# shellcheck disable=SC2086
exec $as python3 -B "$here/demo.py"
