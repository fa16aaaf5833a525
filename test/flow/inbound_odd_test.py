#!/usr/bin/env python3
"""inbound_odd_test.py [-v] [WORD]...: mail in clothes that are rare and legal,
or not quite legal and seen all the same, through the daemon."""
import base64
import binascii
import re
import sys
import zlib

from ber import indefinite, parts, wrap
from harness import expect
from inbound_mails import (BOB, PAULA, TEXT, body_of, header, html,
                           mixed, multipart_signed, pkcs7_mime)
from inbound_test import run_inbound, send, untouched

RULES = '''
inbound = (
	{ name = "house"; recipient = "*@example.com"; keys = "staff"; }
);
report = { authserv_id = "mx.example.com"; };
'''
CAROL = 'carol@example.com'
TYPE = b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data'
P7M = TYPE + b'; name=smime.p7m'
BASE64 = b'\r\nContent-Transfer-Encoding: base64\r\n\r\n'


def coded(octets, width=76, end=b'\r\n'):
    text = base64.b64encode(octets)
    return end.join(text[at:at + width]
                    for at in range(0, len(text), width)) + end


def quoted(octets):
    return binascii.b2a_qp(octets, istext=False).replace(b'=\n', b'=\r\n')


def footer_part():
    return (b'Content-Type: text/plain\r\n\r\n_____\r\nlist mailing list\r\n')


# ---- encrypted: (label, entity), each opens to TEXT ----

def in_odd_clothes(make):
    der = make.envelope()
    text = coded(der)
    octets = b'Content-Type: application/octet-stream; '
    for label, head in (
            ('the old type', TYPE.replace(b'pkcs7', b'x-pkcs7')),
            ('capitals', TYPE.upper()),
            ('no parameters', b'Content-Type: application/pkcs7-mime'),
            ('a parameter nobody knows', TYPE + b'; x=y; charset=binary'),
            ('a semicolon too many', TYPE + b';'),
            ('a comment', TYPE.replace(b';', b' (S/MIME) ;', 1)),
            ('no blank', TYPE.replace(b' ', b'')),
            ('folded everywhere', TYPE.replace(b' ', b'\r\n\t')),
            ('smime-type in quotes and capitals', TYPE.replace(
                b'enveloped-data', b'"Enveloped-Data"')),
            ('a name in RFC 2231 pieces', octets +
             b'name*0="smi"; name*1="me.p7m"'),
            ('a name in RFC 2231 octets', octets + b"name*=utf-8''smime%2Ep7m"),
            ('a file name alone', octets + b'x=y\r\nContent-Disposition: '
             b'attachment; filename="smime.P7M"'),
            ('a file name in RFC 2231 octets', octets + b'x=y\r\n'
             b"Content-Disposition: attachment; filename*=UTF-8''smime.p7m")):
        yield label, head + BASE64 + text
    for label, body in (
            ('lines of 64', coded(der, 64)), ('lines of 1', coded(der, 1)),
            ('lines of 77', coded(der, 77)), ('lines of 990', coded(der, 990)),
            ('no line end at the end', text[:-2]),
            ('blank lines between', coded(der, 76, b'\r\n\r\n')),
            ('blank lines around', b'\r\n\r\n' + text + b'\r\n\r\n'),
            ('blanks at the ends of lines', coded(der, 76, b' \t\r\n')),
            ('lines that begin with blanks', coded(der, 76, b'\r\n  ')),
            ('LF alone', coded(der, 76, b'\n')),
            ('no padding', text.rstrip(b'=\r\n') + b'\r\n'),
            ('bytes of no alphabet', coded(der, 76, b'!*\r\n'))):
        yield label, P7M + BASE64 + body
    for label, encoding, body in (
            ('BASE64', b'BASE64', text), ('quoted-printable',
                                          b'quoted-printable', quoted(der)),
            ('base64 as 7bit', b'7bit', text), ('binary', b'binary', der),
            ('8bit', b'8bit', der),
            ('a comment', b'base64 (as ever)', text)):
        yield 'encoding: ' + label, (P7M + b'\r\nContent-Transfer-Encoding: ' +
                                     encoding + b'\r\n\r\n' + body)


def made_oddly(make):
    def oaep(*more):
        options = ['-encrypt', '-aes256', '-recip', make.pem('bob'),
                   '-keyopt', 'rsa_padding_mode:oaep']
        for option in more:
            options += ['-keyopt', option]
        return make.cms(*options, content=TEXT)

    for digest in ('sha1', 'sha256', 'sha384', 'sha512'):
        yield 'OAEP ' + digest, oaep('rsa_oaep_md:' + digest)
        yield 'OAEP %s, MGF1 sha256' % digest, oaep(
            'rsa_oaep_md:' + digest, 'rsa_mgf1_md:sha256')
    yield 'OAEP with a label', oaep('rsa_oaep_md:sha256',
                                    'rsa_oaep_label:6c6162656c')
    yield 'by key identifier', make.envelope(TEXT, ('bob',), '-aes256',
                                             '-keyid')
    yield 'a shared key beside', make.envelope(
        TEXT, ('bob',), '-aes128', '-secretkey', '00' * 16, '-secretkeyid',
        '01')
    yield 'a password beside', make.envelope(
        TEXT, ('bob',), '-aes128', '-pwri_password', 'x')
    yield 'many recipients', make.envelope(
        TEXT, ('peter', 'petra', 'carol', 'dave', 'alice', 'bob'))
    for cipher in ('-aes-128-gcm', '-aes-192-gcm', '-aes-256-gcm'):
        yield cipher[1:], make.envelope(TEXT, ('bob',), cipher)
        yield cipher[1:] + ' streamed', make.envelope(
            TEXT, ('bob',), cipher, '-stream', '-indef')
    der = make.envelope()
    for size in (1, 16, 1000):
        yield 'indefinite lengths, octets by %d' % size, indefinite(der, size)
    yield 'octets within octets', indefinite(der, 100, nested=True)
    yield 'GCM, indefinite lengths', indefinite(
        make.envelope(TEXT, ('bob',), '-aes-256-gcm'), 50)
    yield 'originatorInfo', with_originator(make, der)
    yield 'unprotectedAttrs', with_unprotected(der)


def enveloped_parts(der):
    """The elements of the EnvelopedData."""
    oid, content = parts(der)
    return oid, parts(parts(content)[0])


def enveloped(oid, elements):
    return wrap(0x30, oid, wrap(0xa0, wrap(0x30, *elements)))


def with_originator(make, der):
    oid, (_, *rest) = enveloped_parts(der)
    certs = parts(parts(parts(make.certs_only())[1])[0])[3]
    return enveloped(oid, [b'\x02\x01\x02', wrap(0xa0, certs), *rest])


def with_unprotected(der):
    oid, (_, *rest) = enveloped_parts(der)
    attribute = wrap(0x30, b'\x06\x03\x55\x04\x03',
                     wrap(0x31, b'\x0c\x01x'))
    return enveloped(oid, [b'\x02\x01\x02', *rest, wrap(0xa1, attribute)])


def agreed_oddly(make):
    for name in ('carol', 'dave'):
        for cofactor in ('0', '1'):
            for digest in ('sha1', 'sha224', 'sha256', 'sha384', 'sha512'):
                yield '%s, cofactor %s, %s' % (name, cofactor, digest), make.cms(
                    '-encrypt', '-aes256', '-recip', make.pem(name), '-keyopt',
                    'ecdh_cofactor_mode:' + cofactor, '-keyopt',
                    'ecdh_kdf_md:' + digest, content=TEXT), name


def odd_envelopes_are_opened(world, make):
    wrong = []
    cases = [(*case, BOB) for case in in_odd_clothes(make)]
    cases += [(label, pkcs7_mime(der, 'enveloped-data'), BOB)
              for label, der in made_oddly(make)]
    cases += [(label, pkcs7_mime(der, 'enveloped-data'), name + '@example.com')
              for label, der, name in agreed_oddly(make)]
    for label, entity, to in cases:
        got = send(world, header(to=to) + entity, to=[to])
        if body_of(got.message) != body_of(TEXT):
            wrong.append('%s: %s' % (label, got.log[-300:]))
    expect(not wrong, '\n'.join(wrong))


# ---- signed ----

def signed_oddly(make):
    """(label, entity, verdict)"""
    der = make.signature(TEXT)
    good = multipart_signed(TEXT, der)
    second = good[good.rindex(b'--=-s\r\n') + 7:]
    for label, old, new in (
            ('protocol without quotes', b'"application/pkcs7-signature"',
             b'application/pkcs7-signature'),
            ('protocol in capitals', b'"application/pkcs7-signature"',
             b'"APPLICATION/PKCS7-SIGNATURE"'),
            ('the old protocol', b'"application/pkcs7-s',
             b'"application/x-pkcs7-s'),
            ('no protocol', b'\tprotocol="application/pkcs7-signature";',
             b'\t'),
            ('no micalg', b' micalg=sha-256;\r\n\t', b' '),
            ('an old micalg', b'sha-256', b'sha256'),
            ('a wrong micalg', b'sha-256', b'md5'),
            ('a list of micalg', b'sha-256', b'"sha-1,sha-256"'),
            ('micalg unknown', b'sha-256', b'unknown'),
            ('capitals', b'multipart/signed; micalg', b'MULTIPART/SIGNED; MICALG'),
            ('the boundary without quotes', b'boundary="=-s"', b'boundary=x')):
        entity = good.replace(old, new, 1)
        if new == b'boundary=x':
            entity = entity.replace(b'--=-s', b'--x')
        expect(entity != good, label)
        yield label, entity, 'pass'
    for label, old, new in (
            ('the old type of the second part', b'\r\nContent-Type: application/pkcs7-s',
             b'\r\nContent-Type: application/x-pkcs7-s'),
            ('no name', b'; name="smime.p7s"', b''),
            ('capitals in the second part', b'Content-Type: application/pkcs7',
             b'CONTENT-TYPE: Application/PKCS7'),
            ('a disposition', b'\r\nContent-Transfer', b'\r\nContent-Disposition: '
             b'attachment;\r\n filename="smime.p7s"\r\nContent-Transfer'),
            ('a description', b'\r\nContent-Transfer', b'\r\nContent-Description: '
             b'S/MIME Cryptographic Signature\r\nContent-Transfer')):
        changed = second.replace(old, new, 1) if old[:2] != b'\r\n' or \
            old in second else (b'\r\n' + second).replace(old, new, 1)[2:]
        expect(changed != second, label)
        yield label, good.replace(second, changed), 'pass'
    yield 'binary second part', good.replace(second, (
        b'Content-Type: application/pkcs7-signature\r\n'
        b'Content-Transfer-Encoding: binary\r\n\r\n' + der +
        b'\r\n--=-s--\r\n')), 'pass'
    yield 'lines of 990', good.replace(
        second, second.partition(b'\r\n\r\n')[0] + b'\r\n\r\n' +
        coded(der, 990) + b'\r\n--=-s--\r\n'), 'pass'
    yield 'a preamble', multipart_signed(
        TEXT, der, before=b'This is an S/MIME signed message\r\n\r\n'), 'pass'
    yield 'blank lines behind', good + b'\r\n\r\n', 'pass'
    yield 'blanks behind the delimiters', good.replace(
        b'--=-s\r\n', b'--=-s  \r\n'), 'pass'
    yield 'no line end at the end', good[:-2], 'pass'
    yield 'a footer behind', good + b'_____\r\nlist mailing list\r\n', 'neutral'
    yield 'a footer in the text', good.replace(
        b'h.\r\n\r\n--=-s', b'h.\r\n_____\r\nlist\r\n\r\n--=-s'), 'fail'
    yield 'a footer as a part', mixed(good, footer_part()), 'none'
    yield 'a footer as a third part', multipart_signed(
        TEXT, der, third=footer_part()), 'neutral'
    yield 'in a message', b'Content-Type: message/rfc822\r\n\r\n' + (
        header() + good), 'none'
    blanks = TEXT + b'two  \r\ntabs\t\r\n\r\n\r\n'
    yield 'blanks at the ends of lines', make.detached(blanks), 'pass'
    yield 'a multipart in it', make.detached(
        mixed(TEXT, html(b'<p>x</p>'))), 'pass'
    yield 'nothing in it', make.detached(
        b'Content-Type: text/plain\r\n\r\n'), 'pass'
    yield 'no field in it', make.detached(b'\r\nDear Bob\r\n'), 'pass'
    yield 'LF signed and sent as CRLF', multipart_signed(
        TEXT, make.signature(TEXT.replace(b'\r\n', b'\n'))), 'fail'
    for label, der in signatures(make):
        yield label, multipart_signed(TEXT, der), 'pass'
    for label, der in opaque_signatures(make):
        yield label, pkcs7_mime(der, 'signed-data'), 'pass'


def signatures(make):
    for digest in ('sha224', 'sha384', 'sha512'):
        yield digest, make.signature(TEXT, ('paula',), '-md', digest)
    yield 'PSS', make.signature(TEXT, ('paula',), '-keyopt',
                                'rsa_padding_mode:pss')
    yield 'by key identifier', make.signature(TEXT, ('paula',), '-keyid')
    yield 'RSA and EC', make.signature(TEXT, ('paula', 'peter'))
    yield 'CAdES', make.signature(TEXT, ('paula',), '-cades')
    yield 'no capabilities', make.signature(TEXT, ('paula',), '-nosmimecap')
    yield 'no certificate, but we know it', make.signature(
        TEXT, ('paula',), '-nocerts')
    yield 'a receipt is asked for', make.signature(
        TEXT, ('paula',), '-receipt_request_all', '-receipt_request_to', PAULA)
    yield 'all of it indefinite', indefinite(make.signature(TEXT), 10)


def resigned(make):
    return make.cms('-resign', '-inform', 'DER', '-signer', make.pem('peter'),
                    '-inkey', make.key('peter'), '-nodetach', content=make.signature(
                        TEXT, ('paula',), '-nodetach'))


def opaque_signatures(make):
    yield 'opaque, a signer added', resigned(make)
    yield 'opaque, indefinite', make.signature(
        TEXT, ('paula',), '-nodetach', '-stream', '-indef')
    der = make.signature(TEXT, ('paula',), '-nodetach')
    for size in (1, 13):
        yield 'opaque, octets by %d' % size, indefinite(der, size)
    yield 'opaque, octets within octets', indefinite(der, 13, nested=True)


def odd_signatures_have_their_verdict(world, make):
    wrong = []
    for label, entity, verdict in signed_oddly(make):
        message = header() + entity
        got = send(world, message)
        untouched(got, message)
        if got.verdict() != verdict:
            wrong.append('%s: %s, not %s: %s' % (
                label, got.verdict(), verdict, got.results()))
    expect(not wrong, '\n'.join(wrong))


# ---- what is neither ----

def compressed(content):
    """RFC 3274"""
    data = wrap(0x30, bytes.fromhex('06092a864886f70d010701'),
                wrap(0xa0, wrap(4, zlib.compress(content))))
    return wrap(0x30, bytes.fromhex('060b2a864886f70d0109100109'), wrap(
        0xa0, wrap(0x30, b'\x02\x01\x00', wrap(0x30, bytes.fromhex(
            '060b2a864886f70d0109100308')), data)))


def what_nobody_reads_arrives_as_it_came(world, make):
    wrong = []
    for label, entity, verdict in (
            ('compressed', pkcs7_mime(compressed(TEXT), 'compressed-data'),
             'neutral'),
            ('certificates', pkcs7_mime(make.certs_only(), 'certs-only'),
             'none'),
            ('a foreign cipher', make.encrypted(TEXT, ('bob',),
                                                '-camellia256'), 'neutral'),
            ('SHA-3', make.detached(TEXT, ('paula',), '-md', 'sha3-256'),
             'neutral'),
            ('encrypted, and a footer', mixed(make.encrypted(), footer_part()),
             'none'),
            ('encrypted in a message', b'Content-Type: message/rfc822\r\n\r\n' +
             header() + make.encrypted(), 'none')):
        message = header() + entity
        got = send(world, message)
        untouched(got, message)
        if got.verdict() != verdict:
            wrong.append('%s: %s %s' % (label, got.results(), got.log[-300:]))
    expect(not wrong, '\n'.join(wrong))


def layers_of_every_kind_are_undone(world, make):
    signed, opaque = make.detached(), make.opaque()
    squeezed = pkcs7_mime(compressed(TEXT), 'compressed-data')
    wrong = []
    for label, entity, inside, verdict in (
            ('triple, opaque', make.opaque(make.encrypted(opaque)), opaque,
             'pass'),
            ('triple, detached', make.detached(make.encrypted(
                signed.replace(b'=-s', b'=-t'))), signed.replace(
                    b'=-s', b'=-t'), 'pass'),
            ('encrypted twice', make.encrypted(make.encrypted(
                TEXT, ('bob',), '-aes-128-gcm')), TEXT, 'none'),
            ('signed twice, encrypted', make.encrypted(make.opaque(signed)),
             make.opaque(signed), 'pass'),
            ('compressed, encrypted', make.encrypted(squeezed), squeezed,
             'neutral'),
            ('certificates, encrypted', make.encrypted(pkcs7_mime(
                make.certs_only(), 'certs-only')), None, 'none')):
        got = send(world, header() + entity)
        if got.verdict() != verdict or 'did=decrypt' not in got.log or (
                inside and label != 'signed twice, encrypted' and
                label != 'triple, opaque' and
                body_of(got.message) != body_of(inside)):
            wrong.append('%s: %s %s' % (label, got.results(), got.log[-300:]))
    expect(not wrong, '\n'.join(wrong))


TESTS = [odd_envelopes_are_opened, odd_signatures_have_their_verdict,
         what_nobody_reads_arrives_as_it_came,
         layers_of_every_kind_are_undone]


def main():
    return run_inbound(RULES, TESTS, 'odd inbound')


if __name__ == '__main__':
    sys.exit(main())
