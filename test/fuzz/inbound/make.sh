#!/bin/sh
# make.sh: keys for inbound_fuzz.c, and the mails it starts from, made by
# openssl.  The keys are no secret.  Only one text is ever signed with the
# sender's; that is how the fuzzer knows a forgery.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mails=$here/../corpus/inbound
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
cd "$T"
export OPENSSL_CONF=/dev/null

new_key() { # NAME rsa|ec
	case $2 in
	rsa) openssl genrsa -out "$1.key" 2048 2>/dev/null ;;
	ec) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$1.key" ;;
	esac
}
issue() { # NAME rsa|ec ADDRESS SERIAL
	new_key "$1" "$2"
	openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr" \
		-config "$T/req"
	printf 'subjectAltName=email:%s\nbasicConstraints=critical,CA:false\n' \
		"$3" >ext
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -days 36500 \
		-extfile ext -set_serial "$4" -out "$1.pem" 2>/dev/null
}
printf '[req]\ndistinguished_name=dn\n[dn]\n' >req
new_key ca ec
openssl req -x509 -new -key ca.key -subj /CN=fuzz -days 36500 -out ca.pem \
	-config req -addext basicConstraints=critical,CA:true \
	-addext keyUsage=critical,keyCertSign
issue sender ec sender@fuzz.example 2
issue reader ec reader@fuzz.example 3
issue old rsa reader@fuzz.example 4
issue stranger ec stranger@elsewhere.example 5

printf 'Content-Type: text/plain\r\n\r\nOnly this was signed.\r\n' >text
sign() { # IN OUT OPTION...
	in=$1 out=$2
	shift 2
	openssl cms -sign -binary -in "$in" -outform DER -out "$out" \
		-signer sender.pem -inkey sender.key "$@"
}
encrypt() { # IN OUT -CIPHER CERT OPTION...
	in=$1 out=$2 with=$3 cert=$4
	shift 4
	openssl cms -encrypt "$with" -binary -in "$in" -outform DER \
		-out "$out" -recip "$cert.pem" "$@"
}
base64() { openssl base64 -in "$1" | sed 's/$/\r/'; }
opaque() { # DER SMIME-TYPE
	printf 'Content-Type: application/pkcs7-mime; smime-type=%s\r\n' "$2"
	printf 'Content-Transfer-Encoding: base64\r\n\r\n'
	base64 "$1"
}
detached() { # CONTENT DER
	printf 'Content-Type: multipart/signed; boundary=b;\r\n'
	printf ' protocol="application/pkcs7-signature"\r\n\r\n--b\r\n'
	cat "$1"
	printf '\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n'
	printf 'Content-Transfer-Encoding: base64\r\n\r\n'
	base64 "$2"
	printf -- '--b--\r\n'
}
mail() { # NAME: the entity comes in
	{
		printf 'From: <sender@fuzz.example>\r\nMIME-Version: 1.0\r\n'
		cat
	} >"$mails/$1"
}

mkdir -p "$mails"
sign text d.der
detached text d.der | tee detached | mail detached
sign text o.der -nodetach
opaque o.der signed-data | tee opaque | mail opaque
sign text s.der -nodetach -stream -indef
opaque s.der signed-data | mail opaque-ber
sign text n.der -nocerts
detached text n.der | mail no-certificate
sign text t.der -signer stranger.pem -inkey stranger.key
detached text t.der | mail two-signers
sign text a.der -noattr
detached text a.der | mail no-attributes
sed 's/\r$//' text >lf
detached lf d.der | mail lines-of-lf
for cipher in aes-128-cbc aes-256-gcm des3 rc2; do
	case $cipher in
	rc2) more="-provider legacy -provider default" ;;
	*) more= ;;
	esac
	# shellcheck disable=SC2086
	encrypt text e.der -$cipher reader $more
	opaque e.der enveloped-data | mail $cipher
done
encrypt text r.der -aes128 old
opaque r.der enveloped-data | mail rsa
encrypt text p.der -aes128 old -keyopt rsa_padding_mode:oaep
opaque p.der enveloped-data | mail oaep
encrypt text i.der -aes128 reader -stream -indef
opaque i.der enveloped-data | mail encrypted-ber
encrypt text k.der -aes128 reader -keyid
opaque k.der authEnveloped-data | mail key-identifier
encrypt detached sd.der -aes128 reader
opaque sd.der enveloped-data | mail signed-encrypted
encrypt opaque so.der -aes-256-gcm reader
opaque so.der enveloped-data | tee gcm | mail opaque-gcm
openssl cms -sign -binary -nodetach -in gcm -outform DER -out w.der \
	-signer stranger.pem -inkey stranger.key
opaque w.der signed-data | mail wrapped
openssl crl2pkcs7 -nocrl -certfile sender.pem -outform DER -out c.der
opaque c.der certs-only | mail certs-only
printf 'Subject: [signed] x\r\nX-SMIME-Milter-Info-Signer-ID-0: x\r\n\
Authentication-Results: mx.fuzz.example; smime=pass\r\n\
Content-Type: text/plain\r\n\r\nHello\r\n' | mail forged
printf 'Content-Type: application/pkcs7-mime\r\n\r\n' | mail nothing

cat ca.pem >"$here/ca.pem"
cat reader.pem reader.key old.pem old.key sender.pem >"$here/keys.pem"
