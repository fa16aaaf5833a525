"""Mails that come in, made by openssl; and what attackers make of them."""
import base64
import subprocess

PAULA, BOB, ALICE = 'paula@partner.example', 'bob@example.com', \
    'alice@example.com'
TEXT = (b'Content-Type: text/plain; charset=utf-8\r\n'
        b'Content-Transfer-Encoding: 8bit\r\n\r\nMoin Bob, \xc3\xa4h.\r\n')


def header(sender=PAULA, to=BOB, subject='S', more=b''):
    return ('From: %s\r\nTo: %s\r\nSubject: %s\r\n'
            'Message-ID: <1@partner.example>\r\nMIME-Version: 1.0\r\n' % (
                sender, to, subject)).encode() + more


class Maker:
    def __init__(self, world):
        self.world = world

    def pem(self, name):
        return self.world.path('pki/%s.pem' % name)

    def key(self, name):
        return self.world.path('pki/%s.key' % name)

    def cms(self, *arguments, content=b''):
        """The CMS in DER."""
        source = self.world.write('made.in', content)
        target = self.world.path('made.der')
        subprocess.run(['openssl', 'cms', *arguments, '-binary', '-in', source,
                        '-outform', 'DER', '-out', target],
                       check=True, capture_output=True)
        return self.world.read('made.der')

    def signature(self, content, names=('paula',), *more):
        who = []
        for name in names:
            who += ['-signer', self.pem(name), '-inkey', self.key(name)]
        return self.cms('-sign', *who, '-certfile', self.pem('intermediate'),
                        *more, content=content)

    def detached(self, content=TEXT, names=('paula',), *more):
        """An entity: multipart/signed."""
        return multipart_signed(content, self.signature(content, names, *more))

    def opaque(self, content=TEXT, names=('paula',), *more):
        return pkcs7_mime(self.signature(content, names, '-nodetach', *more),
                          'signed-data')

    def encrypted(self, content=TEXT, names=('bob',), cipher='-aes256', *more):
        return pkcs7_mime(self.envelope(content, names, cipher, *more),
                          'enveloped-data')

    def envelope(self, content=TEXT, names=('bob',), cipher='-aes256', *more):
        """The CMS of an encrypted mail."""
        source = self.world.write('made.in', content)
        target = self.world.path('made.der')
        subprocess.run(['openssl', 'cms', '-encrypt', cipher, *more, '-binary',
                        '-in', source, '-outform', 'DER', '-out', target,
                        *[self.pem(name) for name in names]],
                       check=True, capture_output=True)
        return self.world.read('made.der')

    def certs_only(self):
        target = self.world.path('made.der')
        subprocess.run(['openssl', 'crl2pkcs7', '-nocrl', '-certfile',
                        self.pem('paula'), '-outform', 'DER', '-out', target],
                       check=True, capture_output=True)
        return self.world.read('made.der')


def lines64(octets):
    return base64.encodebytes(octets).replace(b'\n', b'\r\n')


def pkcs7_mime(der, kind):
    return (b'Content-Type: application/pkcs7-mime; smime-type=%s;\r\n'
            b'\tname="smime.p7m"\r\nContent-Transfer-Encoding: base64\r\n'
            b'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
            % kind.encode() + lines64(der))


def multipart_signed(content, der, before=b'', after=b'', third=b''):
    return (b'Content-Type: multipart/signed; micalg=sha-256;\r\n'
            b'\tprotocol="application/pkcs7-signature"; boundary="=-s"\r\n\r\n'
            + before + b'--=-s\r\n' + content +
            b'\r\n--=-s\r\nContent-Type: application/pkcs7-signature; '
            b'name="smime.p7s"\r\nContent-Transfer-Encoding: base64\r\n\r\n' +
            lines64(der) + (b'\r\n--=-s\r\n' + third if third else b'') +
            b'\r\n--=-s--\r\n' + after)


def mixed(*parts):
    octets = b'Content-Type: multipart/mixed; boundary="=-m"\r\n\r\n'
    for part in parts:
        octets += b'--=-m\r\n' + part + b'\r\n'
    return octets + b'--=-m--\r\n'


def html(text):
    return b'Content-Type: text/html\r\n\r\n' + text


def body_of(message):
    return message.partition(b'\r\n\r\n')[2]


def fields_of(message):
    """(name, value) with folds undone, in order."""
    found = []
    for line in message.partition(b'\r\n\r\n')[0].split(b'\r\n'):
        if line[:1] in (b' ', b'\t') and found:
            found[-1][1] += line
        else:
            name, _, value = line.partition(b':')
            found.append([name.decode(), value])
    return [(name, value.decode('utf-8', 'replace').replace('\t', ' ').strip())
            for name, value in found]


def values(message, name):
    return [value for field, value in fields_of(message)
            if field.lower() == name.lower()]


def flip(der, needle_or_at):
    """One bit of one byte is another."""
    octets = bytearray(der)
    octets[needle_or_at] ^= 1
    return bytes(octets)


def broken_envelopes(make, text=TEXT):
    """(what is wrong, CMS to Bob): each way not to open, or to be no good
    once opened."""
    cbc = make.envelope(text)
    gcm = make.envelope(text, ('bob',), '-aes-256-gcm')
    key = cbc.index(b'\x04\x82\x01\x00') + 4
    changed = make.detached(text).replace(b'Moin', b'Mein')
    return [('wrong key block, CBC', cbc[:key] + bytes([7] * 256) +
             cbc[key + 256:]),
            ('wrong key block, GCM', flip(gcm, gcm.index(
                b'\x04\x82\x01\x00') + 100)),
            # Not flip(cbc, -1): of noise one in 256 ends like a padding.
            ('wrong padding', flip(cbc, -17)),
            ('wrong tag', flip(gcm, -1)),
            ('wrong ciphertext, GCM', flip(gcm, -40)),
            ('no entity inside', make.envelope(
                text.replace(b'Content-', b'\x01\x02ntent-'))),
            ('a field of a message inside', make.envelope(
                b'Subject: x\r\n' + text)),
            ('broken signature inside', make.envelope(changed)),
            ('broken opaque signature inside', make.envelope(
                make.opaque(text, ('paula',), '-noattr')))]
