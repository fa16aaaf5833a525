"""What arrived, judged by `openssl cms` on the octets that arrived.  The MIME
around them is cut by hand: nothing is parsed and written again."""
import base64
import os
import quopri
import re
import subprocess
import tempfile


class Wrong(Exception):
    """Not what it has to be, in a sentence."""


class Skip(Exception):
    """Cannot be tried here, and why."""


def openssl(*arguments):
    done = subprocess.run(['openssl', *arguments], capture_output=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Wrong('openssl %s: %s' % (
            ' '.join(arguments[:2]), done.stderr.decode().strip()))
    return done.stdout


def split(entity):
    """header and body of an entity with CRLF line ends"""
    if entity.startswith(b'\r\n'):
        return b'', entity[2:]
    header, blank, body = entity.partition(b'\r\n\r\n')
    return header + b'\r\n', body


def fields(entity):
    """[(name in lower case, unfolded value)]"""
    header, _ = split(entity)
    unfolded = re.sub(rb'\r\n([ \t])', rb'\1', header)
    found = []
    for line in unfolded.split(b'\r\n'):
        name, colon, value = line.partition(b':')
        if colon:
            found.append((name.decode().lower(), value.strip().decode(
                'latin-1')))
    return found


def field(entity, name):
    """The value of the one field of that name; None when there is none."""
    values = [v for n, v in fields(entity) if n == name]
    if len(values) > 1:
        raise Wrong('%d %s fields' % (len(values), name))
    return values[0] if values else None


def media_type(entity):
    value = field(entity, 'content-type') or 'text/plain'
    return value.split(';')[0].strip().lower()


def parameter(entity, name):
    found = re.search(r';\s*%s="?([^";]+)"?' % name,
                      field(entity, 'content-type') or '', re.IGNORECASE)
    return found[1].strip() if found else None


def part_octets(entity):
    """The bodies between the delimiters of a multipart, octet by octet."""
    line = b'--' + parameter(entity, 'boundary').encode()
    body = b'\r\n' + split(entity)[1]
    pieces = re.split(rb'\r\n' + re.escape(line) + rb'(?:--)?[ \t]*(?=\r\n|$)',
                      body)
    return [piece[2:] for piece in pieces[1:-1]]


def decoded(entity):
    """The octets of a leaf, its transfer encoding undone."""
    body = split(entity)[1]
    encoding = (field(entity, 'content-transfer-encoding') or '7bit').lower()
    if encoding == 'base64':
        return base64.b64decode(body)
    if encoding == 'quoted-printable':
        return quopri.decodestring(body)
    return body


def fit_for_signing(content):
    """7-bit, CRLF, lines of at most 998 octets."""
    if re.search(rb'[\x80-\xff\0]', content):
        raise Wrong('what is signed is not 7-bit')
    if re.search(rb'\r(?!\n)|(?<!\r)\n', content):
        raise Wrong('what is signed has a bare CR or LF')
    if max(map(len, content.split(b'\r\n'))) > 998:
        raise Wrong('what is signed has lines over 998 octets')


class Files:
    """Octets as files that openssl can read; gone with the block."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def path(self, name, octets=None):
        path = os.path.join(self.folder.name, name)
        if octets is not None:
            with open(path, 'wb') as file:
                file.write(octets)
        return path

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()


class Opened:
    """A CMS layer taken off: the entity below it and what openssl prints of
    the layer."""

    def __init__(self, entity, printed, signer=None):
        self.entity = entity
        self.printed = printed
        self.signer = signer


def printed(files, der):
    path = files.path('print.der', der)
    return openssl('cms', '-cmsout', '-print', '-noout', '-inform', 'DER',
                   '-in', path).decode('utf-8', 'replace')


def cms_octets(entity):
    if (field(entity, 'content-transfer-encoding') or '').lower() != 'base64':
        raise Wrong('the CMS part is not base64')
    return base64.b64decode(split(entity)[1])


def verify(entity, anchors, signer):
    """Detached or opaque; anchors is a PEM file, signer an address."""
    with Files() as files:
        extra = []
        if media_type(entity) == 'multipart/signed':
            parts = part_octets(entity)
            if len(parts) != 2:
                raise Wrong('multipart/signed with %d parts' % len(parts))
            fit_for_signing(parts[0])
            der = cms_octets(parts[1])
            extra = ['-content', files.path('content', parts[0])]
        elif media_type(entity) == 'application/pkcs7-mime':
            der = cms_octets(entity)
        else:
            raise Wrong('not signed: it is %s' % media_type(entity))
        openssl('cms', '-verify', '-binary', '-inform', 'DER',
                '-in', files.path('cms', der), *extra, '-CAfile', anchors,
                '-signer', files.path('signer'), '-out', files.path('out'))
        named = openssl('x509', '-noout', '-email', '-in',
                        files.path('signer')).decode().split()
        if signer not in named:
            raise Wrong('signed by %s, not by %s' % (named, signer))
        return Opened(files.read('out'), printed(files, der), signer)


def decrypt(entity, certificate, key, *options):
    if media_type(entity) != 'application/pkcs7-mime':
        raise Wrong('not encrypted: it is %s' % media_type(entity))
    with Files() as files:
        der = cms_octets(entity)
        openssl('cms', '-decrypt', '-binary', '-inform', 'DER',
                '-in', files.path('cms', der), '-recip', certificate,
                '-inkey', key, *options, '-out', files.path('out'))
        return Opened(files.read('out'), printed(files, der))


def outside(entity):
    """What every protected mail has outside."""
    if field(entity, 'mime-version') != '1.0':
        raise Wrong('not one MIME-Version outside')
    if field(entity, 'content-type') is None:
        raise Wrong('no Content-Type outside')


def expect(true, sentence):
    if not true:
        raise Wrong(sentence)
