#!/bin/sh
# make-pki.sh DIR [--quiet]: a throwaway PKI below DIR, made by openssl.
#
# All certificates are valid from 2020 to 2044 unless the name says otherwise.
# A user is a set of files; the password is always "secret":
#   NAME.pem (certificate)  NAME.key (PKCS#8)  NAME.p12 (user, key, and the
#   chain of those who issued it)
# and for the people marked *, also
#   NAME.der  NAME.p7b (PEM)  NAME-der.p7b  NAME-old.p12 (RC2-40, 3DES)
#   NAME-nopass.p12 (empty password)  NAME-enc.key (encrypted PKCS#8)
#
# Authorities: ca (root)  intermediate (below it; issues everybody)
#   other-ca (a root nobody trusts)  expired-ca (ended 2021)  constrained-ca
#   (only @example.com)  no-sign-ca (a CA without keyCertSign)
#   sha1-ca (a root that signed itself with SHA-1)
#   deep-1 ... deep-9 (each below the one before, deep-1 below ca)
# People, NAME@example.com:
#   alice* bob* (RSA-2048)  carol* (P-256)  dave* (P-384)
#   pss* (SPKI id-RSASSA-PSS)  pss256 (the same, restricted to SHA-256)
#   erin-sign erin-encrypt (one address, two certificates)
#   frank-expired (2020 to 2021) frank (one address)
#   future (from 2043)  subject-only (address in the subject alone)
#   no-address  sign-only encrypt-only any-eku wrong-eku no-ku
#   weak (RSA-1024)  sha1 (signed with SHA-1)  several (alice2@, alias@ and
#   Third.Person@EXAMPLE.com)  upper (UPPER@EXAMPLE.COM)
#   idn (post@xn--bcher-kva.example and the SmtpUTF8Mailbox
#   jörg@bücher.example)  nul (an address with a NUL inside)
#   paula* petra peter (@partner.example; RSA-2048, RSA-2048 and P-256)
# Odd paths: selfsigned  untrusted (below other-ca)  late (below expired-ca)
#   inside (below constrained-ca) outside (the same, @partner.example)
#   unsigned (below no-sign-ca)  mallory (below alice, who is no CA)
#   deep (below deep-9)  shallow (below deep-6)
# More: alice-cafirst.p12 carol-cafirst.p12 (the CA before the user)
#   alice-nomac.p12  alice-null.p12 (made with -passout pass: and no MAC)
#   chain.pem (intermediate, ca)  roots.pem (ca, other-ca)
#   staff.pem (alice, bob, carol, their keys and the chain, text between)
#   staff.p7b (alice, bob, carol, the chain)
set -eu

dir=${1:?usage: make-pki.sh DIR [--quiet]}
quiet=${2:-}
mkdir -p "$dir"
cd "$dir"
umask 077
work=.work
mkdir -p $work
exec 3>$work/log

# The openssl command must not read the machine's configuration.
OPENSSL_CONF=$PWD/$work/ca.cnf
export OPENSSL_CONF

cat >$work/ca.cnf <<'END'
[req]
distinguished_name = dn
string_mask = utf8only
utf8 = yes
[dn]
[ca]
default_ca = us
[us]
database = .work/index
new_certs_dir = .work
default_md = sha256
rand_serial = yes
unique_subject = no
policy = any
preserve = yes
email_in_dn = yes
[any]
countryName = optional
organizationName = optional
commonName = optional
emailAddress = optional
END
: >$work/index

run() {
	"$@" >&3 2>&3 || {
		echo "make-pki: failed: $* (see $dir/$work/log)" >&2
		exit 1
	}
}

# key NAME KIND: NAME.key
key() {
	case $2 in
	rsa*) run openssl genpkey -algorithm RSA -out "$1.key" \
		-pkeyopt "rsa_keygen_bits:${2#rsa}" ;;
	p*) run openssl genpkey -algorithm EC -out "$1.key" \
		-pkeyopt "ec_paramgen_curve:P-${2#p}" ;;
	spss) run openssl genpkey -algorithm RSA-PSS -out "$1.key" \
		-pkeyopt rsa_keygen_bits:2048 ;;
	spss256) run openssl genpkey -algorithm RSA-PSS -out "$1.key" \
		-pkeyopt rsa_keygen_bits:2048 \
		-pkeyopt rsa_pss_keygen_md:sha256 \
		-pkeyopt rsa_pss_keygen_mgf1_md:sha256 \
		-pkeyopt rsa_pss_keygen_saltlen:32 ;;
	esac
}

# issue NAME ISSUER SUBJECT EXTENSIONS [FROM TO [MORE]]: NAME.pem
issue() {
	name=$1 issuer=$2 subject=$3
	from=${5:-20200101000000Z} to=${6:-20440101000000Z}
	shift 4
	[ $# -lt 2 ] || shift 2
	if [ "$name" = "$issuer" ]; then
		signer="-selfsign -keyfile $name.key"
	else
		signer="-cert $issuer.pem -keyfile $issuer.key"
	fi
	run openssl req -new -key "$name.key" -subj "$subject" \
		-out $work/csr
	run openssl ca -batch -notext -in $work/csr -out "$name.pem" $signer \
		-extfile $work/ext -startdate "$from" -enddate "$to" "$@"
	chmod 644 "$name.pem"
}

# authority NAME ISSUER CN [MORE-EXTENSIONS [FROM TO [MORE]]]
authority() {
	key "$1" p256
	{
		echo "subjectKeyIdentifier = hash"
		[ "$1" = "$2" ] || echo "authorityKeyIdentifier = keyid"
		case ${4:-} in
		*keyUsage*) ;;
		*) echo "keyUsage = critical, keyCertSign, cRLSign" ;;
		esac
		echo "basicConstraints = critical, CA:true"
		printf "%b\n" "${4:-}"
	} >$work/ext
	name=$1 issuer=$2 cn=$3
	shift 3
	[ $# -lt 1 ] || shift
	issue "$name" "$issuer" "/O=Example/CN=$cn" - "$@"
}

# user NAME KIND [FLAGS...]: defaults below; FLAGS are NAME=VALUE
#   san=LIST ("" for none) ku=LIST eku=LIST issuer=NAME subject=DN from= to=
#   md= (a digest for the signature)
user() {
	name=$1 kind=$2
	shift 2
	san="email:$name@example.com" eku=emailProtection issuer=intermediate
	case $kind in
	rsa*) ku=digitalSignature,keyEncipherment ;;
	spss*) ku=digitalSignature ;;
	*) ku=digitalSignature,keyAgreement ;;
	esac
	subject="/O=Example/CN=$name" from=20200101000000Z to=20440101000000Z
	md=sha256
	for flag in "$@"; do
		case ${flag%%=*} in
		san) san=${flag#*=} ;;
		ku) ku=${flag#*=} ;;
		eku) eku=${flag#*=} ;;
		issuer) issuer=${flag#*=} ;;
		subject) subject=${flag#*=} ;;
		from) from=${flag#*=} ;;
		to) to=${flag#*=} ;;
		md) md=${flag#*=} ;;
		esac
	done
	key "$name" "$kind"
	{
		echo "subjectKeyIdentifier = hash"
		[ "$name" = "$issuer" ] ||
			echo "authorityKeyIdentifier = keyid"
		[ -z "$ku" ] || echo "keyUsage = critical, $ku"
		[ -z "$eku" ] || echo "extendedKeyUsage = $eku"
		[ -z "$san" ] || echo "subjectAltName = $san"
	} >$work/ext
	issue "$name" "$issuer" "$subject" - "$from" "$to" -md "$md"
}

p12() { # p12 FILE NAME CHAIN [OPTIONS]
	file=$1 name=$2 chain=$3
	shift 3
	run openssl pkcs12 -export -in "$name.pem" -inkey "$name.key" \
		-name "$name" ${chain:+-certfile "$chain"} \
		-out "$file" "$@"
}

# all_forms NAME: what the people marked * have
all_forms() {
	run openssl x509 -in "$1.pem" -outform DER -out "$1.der"
	run openssl crl2pkcs7 -nocrl -certfile "$1.pem" -certfile chain.pem \
		-out "$1.p7b"
	run openssl crl2pkcs7 -nocrl -certfile "$1.pem" -certfile chain.pem \
		-outform DER -out "$1-der.p7b"
	p12 "$1-old.p12" "$1" chain.pem -legacy -passout pass:secret
	p12 "$1-nopass.p12" "$1" chain.pem -passout pass:
	run openssl pkcs8 -topk8 -in "$1.key" -out "$1-enc.key" \
		-passout pass:secret
}

hex() {
	od -An -v -tx1 "$@" | tr -d ' \n'
}

# safe FILE: the ContentInfos in a PKCS#12 without MAC, as hex
safe() {
	at=$(openssl asn1parse -inform DER -in "$1" |
		sed -n 's/^ *\([0-9]*\):.*OCTET STRING.*/\1/p' | head -n 1)
	run openssl asn1parse -inform DER -in "$1" -strparse "$at" -noout \
		-out $work/safe
	head_len=$(openssl asn1parse -inform DER -in $work/safe |
		sed -n '1s/.*hl=\([0-9]*\).*/\1/p')
	hex -j "$head_len" $work/safe
}

# The openssl command always puts the user's certificate first; programs in
# use do not, so this PKCS#12 is put together from two (RFC 7292).
ca_first() {
	cat intermediate.pem ca.pem "$1.pem" >$work/certs
	run openssl pkcs12 -export -nokeys -in $work/certs -nomac \
		-out $work/certs.p12 -passout pass:secret
	run openssl pkcs12 -export -nocerts -inkey "$1.key" -in "$1.pem" \
		-nomac -out $work/key.p12 -passout pass:secret
	body=$(safe $work/certs.p12)$(safe $work/key.p12)
	body=$(printf '3082%04x%s' $((${#body} / 2)) "$body")
	mac_key=$(openssl kdf -keylen 32 -kdfopt digest:SHA256 \
		-kdfopt hexpass:0073006500630072006500740000 \
		-kdfopt hexsalt:0102030405060708 -kdfopt id:3 \
		-kdfopt iter:2048 PKCS12KDF | tr -d ':\n')
	echo "asn1 = FORMAT:HEX,OCTETSTRING:$body" >$work/asn1
	run openssl asn1parse -genconf $work/asn1 -noout -out $work/octets
	tail -c +5 $work/octets >$work/body # without its tag and length
	mac=$(openssl dgst -sha256 -mac HMAC -macopt "hexkey:$mac_key" \
		-r $work/body | cut -d ' ' -f 1)
	cat >$work/asn1 <<END
asn1 = SEQUENCE:pfx
[pfx]
version = INTEGER:3
content = SEQUENCE:content
mac = SEQUENCE:mac
[content]
type = OID:1.2.840.113549.1.7.1
data = EXPLICIT:0,FORMAT:HEX,OCTETSTRING:$body
[mac]
info = SEQUENCE:info
salt = FORMAT:HEX,OCTETSTRING:0102030405060708
count = INTEGER:2048
[info]
algorithm = SEQUENCE:algorithm
value = FORMAT:HEX,OCTETSTRING:$mac
[algorithm]
oid = OID:2.16.840.1.101.3.4.2.1
null = NULL
END
	run openssl asn1parse -genconf $work/asn1 -noout -out "$1-cafirst.p12"
}

make_authorities() {
	authority ca ca "Example Root" "" 20150101000000Z 20450101000000Z
	authority intermediate ca "Example Intermediate" \
		"" 20150101000000Z 20450101000000Z
	authority other-ca other-ca "Other Root"
	authority expired-ca ca "Expired Intermediate" \
		"" 20150101000000Z 20210101000000Z
	authority constrained-ca ca "Constrained Intermediate" \
		"nameConstraints = critical, permitted;email:example.com"
	authority no-sign-ca ca "Intermediate without keyCertSign" \
		"keyUsage = critical, cRLSign"
	authority sha1-ca sha1-ca "SHA-1 Root" \
		"" 20150101000000Z 20450101000000Z -md sha1
	above=ca
	for i in 1 2 3 4 5 6 7 8 9; do
		authority deep-$i $above "Deep $i"
		above=deep-$i
	done
	cat intermediate.pem ca.pem >chain.pem
	cat ca.pem other-ca.pem >roots.pem
}

make_people() {
	user alice rsa2048
	user bob rsa2048
	user carol p256
	user dave p384
	user pss spss
	user pss256 spss256
	user erin-sign p256 san=email:erin@example.com ku=digitalSignature
	user erin-encrypt p256 san=email:erin@example.com ku=keyAgreement
	user frank p256
	user frank-expired p256 san=email:frank@example.com to=20210101000000Z
	user future p256 from=20430101000000Z
	user subject-only p256 san= \
		subject="/O=Example/CN=Old Style/emailAddress=subject-only@example.com"
	user no-address p256 san=
	user sign-only p256 ku=digitalSignature
	user encrypt-only p256 ku=keyAgreement
	user any-eku p256 eku=anyExtendedKeyUsage
	user wrong-eku p256 eku=serverAuth
	user no-ku p256 ku= eku=
	user weak rsa1024
	user sha1 p256 md=sha1
	user several p256 \
		san=email:alice2@example.com,email:alias@example.com,DNS:example.com,email:Third.Person@EXAMPLE.com
	user upper p256 san=email:UPPER@EXAMPLE.COM
	user paula rsa2048 san=email:paula@partner.example
	user petra rsa2048 san=email:petra@partner.example
	user peter p256 san=email:peter@partner.example
	# a@example.com NUL .evil.example, in one rfc822Name
	user nul p256 san=DER:30:1d:81:1b:61:40:65:78:61:6d:70:6c:65:2e:63:6f:6d:00:2e:65:76:69:6c:2e:65:78:61:6d:70:6c:65
}

make_odd_ones() {
	user idn p256 san="@san
[san]
email = post@xn--bcher-kva.example
otherName = 1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:jörg@bücher.example"
	user selfsigned p256 issuer=selfsigned
	user untrusted p256 issuer=other-ca
	user late p256 issuer=expired-ca
	user inside p256 issuer=constrained-ca
	user outside p256 issuer=constrained-ca san=email:outside@partner.example
	user unsigned p256 issuer=no-sign-ca
	user mallory p256 issuer=alice
	user deep p256 issuer=deep-9
	user shallow p256 issuer=deep-6
	cat deep-?.pem >deep-chain.pem
}

make_files() {
	for file in *.key; do
		name=${file%.key}
		case $name in
		*ca | deep-* | intermediate | *-enc) continue ;;
		esac
		case $name in
		deep | shallow) chain=deep-chain.pem ;;
		late) chain=expired-ca.pem ;;
		inside | outside) chain=constrained-ca.pem ;;
		unsigned) chain=no-sign-ca.pem ;;
		mallory) chain=alice.pem ;;
		untrusted) chain=other-ca.pem ;;
		selfsigned) chain= ;;
		*) chain=chain.pem ;;
		esac
		p12 "$name.p12" "$name" "$chain" -passout pass:secret
	done
	for name in alice bob carol dave pss paula; do
		all_forms $name
	done
	ca_first alice
	ca_first carol
	p12 alice-nomac.p12 alice chain.pem -nomac -passout pass:secret
	p12 alice-null.p12 alice chain.pem -nomac -certpbe NONE -keypbe NONE \
		-passout pass:
	{
		for name in alice bob carol; do
			echo "subject=CN = $name"
			echo "This text stands between."
			cat $name.pem $name.key
		done
		cat chain.pem
	} >staff.pem
	run openssl crl2pkcs7 -nocrl -certfile alice.pem -certfile bob.pem \
		-certfile carol.pem -certfile chain.pem -out staff.p7b
	chmod 644 ./*.p7b ./*.der chain.pem roots.pem deep-chain.pem
}

make_authorities
make_people
make_odd_ones
make_files
exec 3>&-
rm -rf $work
[ "$quiet" = --quiet ] || echo "a throwaway PKI is in $dir"
