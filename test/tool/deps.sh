#!/bin/sh
# deps.sh SET...: install what is missing, by package name, on Debian and its
# relatives.  Sets: build demo test fuzz format coverage.  Nothing is ever
# removed, no service is started, and an MTA that is here stays as it is.
set -eu

build="autoconf libmilter-dev libssl-dev libconfig-dev libidn2-dev
	libldap-dev libgmime-3.0-dev pkg-config libcurl4-openssl-dev
	libp11-dev libjansson-dev libsystemd-dev libseccomp-dev"
demo="openssl python3 postfix"
test="openssl python3 postfix libcmocka-dev gpgsm gpg-agent libnss3-tools
	openjdk-17-jdk-headless libbcprov-java libbcpkix-java libbcmail-java
	mandoc slapd softhsm2 libengine-pkcs11-openssl opensc"
fuzz="clang-14 libclang-rt-14-dev"
format="clang-format-14"
coverage="lcov libcmocka-dev"
openssl_wanted=3.0.22

say() { printf 'deps: %s\n' "$*" >&2; }
installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Another package that provides mail-transport-agent: postfix would push it out.
other_mta() {
	dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' |
		awk '$1 == "installed" && /mail-transport-agent/ &&
			$2 != "postfix" { print $2; exit }'
}

# Debian before bookworm's point release: GCM tag and CMS holes.
openssl_is_old() {
	v=$(dpkg-query -W -f '${Version}' libssl3 2>/dev/null) || return 1
	dpkg --compare-versions "$v" lt "$openssl_wanted"
}

wanted=
for set in "${@:-build}"; do
	case $set in
	build) wanted="$wanted $build" ;;
	demo) wanted="$wanted $demo" ;;
	test) wanted="$wanted $test" ;;
	fuzz) wanted="$wanted $fuzz" ;;
	format) wanted="$wanted $format" ;;
	coverage) wanted="$wanted $coverage" ;;
	*) say "no set of packages is called $set"; exit 2 ;;
	esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	say "this is no Debian: packages are not installed here by make."
	lacking=
	for tool in autoconf openssl python3 postfix; do
		case " $(echo $wanted) " in *" $tool "*) ;; *) continue ;; esac
		command -v $tool >/dev/null || lacking="$lacking $tool"
	done
	gmime=$(pkg-config --cflags gmime-3.0 2>/dev/null) || :
	for h in libmilter/mfapi.h openssl/cms.h libconfig.h idn2.h ldap.h \
		curl/curl.h gmime/gmime.h jansson.h cmocka.h; do
		case $h in cmocka.h)
			case $wanted in *cmocka*) ;; *) continue ;; esac ;;
		esac
		echo "#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <$h>" | ${CC:-cc} -E $gmime - >/dev/null 2>&1 || lacking="$lacking <$h>"
	done
	[ -z "$lacking" ] && { say "all that is needed seems to be here."; exit 0; }
	say "missing (programs, and headers of libraries):$lacking"
	exit 1
fi

missing=
for p in $wanted; do
	installed "$p" && continue
	case " $missing " in *" $p "*) continue ;; esac
	if [ "$p" = postfix ] && mta=$(other_mta) && [ -n "$mta" ]; then
		say "$mta is this machine's MTA and stays; what needs Postfix" \
			"is left out (a container or another machine has room for it)."
		continue
	fi
	missing="$missing $p"
done
if openssl_is_old; then
	missing="$missing libssl3"
	installed openssl && missing="$missing openssl"
fi
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=$(command -v sudo) || {
		say "these packages are missing, and only root can install them:$missing"
		exit 1
	}
fi

policy=/usr/sbin/policy-rc.d
ours=
cleanup() { [ -z "$ours" ] || $sudo rm -f "$policy"; }
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
	ours=yes
	printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
	$sudo chmod 755 "$policy"
fi

say "installing:$missing"
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q"
$apt update >/dev/null || say "apt-get update failed; trying with the old lists"
case " $missing " in *" postfix "*)
	echo 'postfix postfix/main_mailer_type select No configuration' |
		$sudo debconf-set-selections ;;
esac
# shellcheck disable=SC2086
$apt install -y --no-remove --no-install-recommends $missing >&2 || {
	say "apt-get could not install:$missing"
	exit 1
}
! openssl_is_old ||
	say "OpenSSL stays older than $openssl_wanted: see SECURITY"
