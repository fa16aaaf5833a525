#!/usr/bin/env python3
"""inbound_corpus_test.py [-v] [WORD]...: the S/MIME mails of the corpora come
in.  Each is opened, verified and refused as EXPECTED.tsv there says, or for
the reason in DIFFERENT; bare CMS is put into a mail first.  Then all of them
once more through a real Postfix: what arrives is what smimectl said."""
import base64
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'flow')]

from harness import BUILD, CTL, Skip, Tally, expect, judge, words  # noqa: E402
from inbound_mails import pkcs7_mime  # noqa: E402
import world as mta  # noqa: E402

CORPORA = os.environ.get('SMIME_CORPORA', os.path.join(
    HERE, '..', '..', '..', 'shared', 'corpora'))
KEYS = ('smime-thunderbird', 'smime-rfc4134', 'smime-bouncycastle',
        'cms-openssl')
ANCHORS = ('smime-thunderbird/mailnews/test/data/smime/TestCA.pem',
           'smime-rfc4134/ca.pem')
READER = 'reader@inbound.example'

# Where we say something else than openssl did, and what.
NO_ENTITY = 'it cannot be decrypted: what was decrypted is no MIME entity'
DIFFERENT = {
    'ciphertext_from_1_1_1.cms': NO_ENTITY,
    '5.3.eml': NO_ENTITY,
    # RFC 8551 wants signedAttrs; without them content and attributes can be
    # exchanged for each other.
    '4.8.eml': 'it has no signedAttrs',
    '4.9.eml': 'it has no signedAttrs',
    'basicAS2.message': 'it has no signedAttrs',
    'rawAS2.message': 'it has no signedAttrs',
    # Signed with LF and kept so by the opaque signature around it; openssl
    # was asked about CRLF.
    'alice.env.dsig.SHA1.multipart.dave.sig.SHA1.opaque.eml': 'good',
    'alice.env.dsig.SHA256.multipart.dave.sig.SHA256.opaque.eml': 'good',
}
# Bare CMS: (name, what it has to be).
BARE = (
    ('smime-nss/nss/tests/smime/interop-openssl/fran-*.env', NO_ENTITY),
    ('smime-thunderbird/mailnews/test/data/smime/*.opaque', 'signed'),
    ('smime-bouncycastle/pkix/**/PSSSignDataSHA*Enc.sig', 'kept'),
    ('smime-bouncycastle/pkix/**/PSSSignDataSHA???.sig', 'kept'),
    ('smime-bouncycastle/pkix/**/counterSig.p7m', 'kept'),
    ('smime-rfc4134/*.bin', 'kept'),
    ('cms-openssl/test/**/*.cms', 'kept'),
    ('cms-openssl/test/**/encryptedData.der', 'kept'),
    ('pkcs7-tika/*.p7*', 'kept'),
)


class Corpora:
    def __init__(self, folder):
        self.folder = folder
        os.chmod(folder, 0o755)
        os.mkdir(folder + '/keys')
        for name in KEYS:
            for path in glob.glob('%s/%s/keys-pem/*.pem' % (CORPORA, name)):
                copy = '%s/keys/%s-%s' % (folder, name, os.path.basename(path))
                shutil.copy(path, copy)
                os.chmod(copy, 0o600)
        self.settings = (
            'stores = ( {{ name = "keys"; type = "directory"; '
            'path = "%s/keys"; }} );\n'
            'trust = {{ anchors = [ %s ]; revocation = "off"; }};\n' % (
                folder, ', '.join('"%s"' % os.path.join(
                    os.path.abspath(CORPORA), anchor)
                    for anchor in ANCHORS)))
        self.rules = ('inbound = ( {{ recipient = "*@inbound.example"; '
                      'keys = "keys"; keys_for = "any"; legacy = true; }} );\n'
                      'report = {{ authserv_id = "mx.example.com"; }};\n'
                      'limits = {{ decrypt_failures = 10000; }};\n')
        with open(folder + '/conf', 'w') as out:
            out.write(('listen = "unix:/unused"; state = "%s";\n' % folder +
                       self.settings + self.rules).format())

    def mail(self, octets):
        if octets.startswith(b'POST '):
            return self.from_http(octets)
        if octets[:1] == b'0' or octets.startswith(b'-----BEGIN'):
            return self.wrap(octets)
        return octets

    def from_http(self, octets):
        """AS2 as a mail: the signature's octets, which no SMTP carries, are
        put into base64; nothing covers how they are encoded."""
        octets = octets.partition(b'\r\n')[2]
        head = octets.rindex(b'\r\n\r\n', 0, octets.rindex(
            b'pkcs7-signature') + 150) + 2
        end = octets.rindex(b'\r\n--')
        return (octets[:head] + b'Content-Transfer-Encoding: base64\r\n\r\n' +
                base64.encodebytes(octets[head + 2:end]) + octets[end:])

    def wrap(self, octets):
        if octets.startswith(b'-----BEGIN'):
            octets = base64.b64decode(b''.join(
                octets.split(b'-----')[2].split()))
        return b'From: a@b.example\r\nMIME-Version: 1.0\r\n' + pkcs7_mime(
            octets, 'enveloped-data')

    def ask(self, octets):
        """What smimectl says, and the resulting mail."""
        source, out = self.folder + '/mail', self.folder + '/out'
        with open(source, 'wb') as file:
            file.write(octets)
        done = subprocess.run(
            [CTL, '-c', self.folder + '/conf', 'test', '--json', '-f',
             'a@b.example', '-t', READER, '-o', out, source],
            capture_output=True)
        expect(done.returncode == 0, 'smimectl: %s' % done.stderr[-300:])
        with open(out, 'rb') as file:
            return json.loads(done.stdout)['inbound'], file.read()


def with_crlf(octets):
    return octets.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


def same_body(one, other):
    """Files have LF or CRLF, and some no last line end; SMTP has CRLF."""
    one, other = (judge.split(with_crlf(mail))[1] for mail in (one, other))
    return one.rstrip(b'\r\n') == other.rstrip(b'\r\n')


# ---- what openssl saw ----

def observed():
    """(path, steps) of each mail in which there is something to undo."""
    with open(os.path.join(CORPORA, 'EXPECTED.tsv')) as table:
        for line in table:
            path, _, steps = line.rstrip('\n').split('\t')
            if path.startswith(('smime-', 'cms-')) and re.match(
                    'enc|clearsig|opaque', steps):
                yield path, steps.split(' > ')


def is_good(layer):
    return layer['signers'] and all(s['verified'] for s in layer['signers'])


def compare_layer(step, layer):
    if step.startswith('enc'):
        expect(layer['kind'] == 'encrypted' and layer['opened'],
               '%s, but %s' % (step, layer))
        return
    expect(layer['kind'] == 'signed', '%s, but %s' % (step, layer))
    good = re.match(r'\w+=good', step) is not None
    expect(bool(is_good(layer)) == good, '%s, but %s' % (step, layer))
    if good and 'now=ok' in step:
        expect(all(s['trusted'] for s in layer['signers']), 'not trusted')
    if good and 'now=FAIL' in step:
        expect(not any(s['trusted'] for s in layer['signers']), 'trusted')


def leaves(entity):
    """The content of each leaf, signatures taken off."""
    kind = judge.media_type(entity)
    if kind == 'multipart/signed':
        yield from leaves(judge.part_octets(entity)[0])
    elif kind.startswith('multipart/'):
        for part in judge.part_octets(entity):
            yield from leaves(part)
    elif 'pkcs7-mime' in kind:
        with judge.Files() as files:
            der = base64.b64decode(judge.split(entity)[1])
            yield from leaves(with_crlf(judge.openssl(
                'cms', '-verify', '-noverify', '-binary', '-inform', 'DER',
                '-in', files.path('cms', der))))
    else:
        yield judge.decoded(entity)


def forms(octets):
    """Line ends are not what the table is about."""
    lf = octets.replace(b'\r\n', b'\n')
    for one in (lf, lf.rstrip(b'\n'), lf.rstrip(b'\n') + b'\n',
                lf.rstrip(b'\n') + b'\n\n'):
        yield one
        yield one.replace(b'\n', b'\r\n')
    yield octets


def compare_content(steps, message):
    wanted = [re.search('sha=([0-9a-f]{16})', s)[1] for s in steps
              if 'sha=' in s]
    found = list(leaves(with_crlf(message)))
    for digest in wanted:
        expect(any(hashlib.sha256(form).hexdigest().startswith(digest)
                   for leaf in found for form in forms(leaf)),
               'no part has the digest %s' % digest)


def sample_behaves_as_noted(corpora, path, steps):
    with open(os.path.join(CORPORA, path), 'rb') as file:
        octets = corpora.mail(file.read())
    report, message = corpora.ask(octets)
    words_ = DIFFERENT.get(os.path.basename(path))
    if words_ is not None and words_ != 'good':
        said = [x['why'] for x in report['layers']] + [report['why']]
        expect(words_ in said, 'not %s, but %s' % (words_, said))
        expect(same_body(message, octets), 'the body has changed')
        return
    steps = [s for s in steps if s]
    layers = [s for s in steps if re.match('enc|clearsig|opaque', s)]
    expect(len(layers) == len(report['layers']) or 'BAD' in ''.join(layers),
           '%s, but %s' % (layers, report['layers']))
    for step, layer in zip(layers, report['layers']):
        if words_ == 'good':
            step = re.sub(r'=BAD.*', '=good', step)
        compare_layer(step, layer)
    if 'BAD' in ''.join(layers):
        expect(report['verdict'] != 'pass' or words_ == 'good', 'it passes')
    elif 'enc' not in ''.join(layers[1:]):
        compare_content(steps, message)


def bare_cms_is_never_lost(corpora, path, what):
    with open(path, 'rb') as file:
        octets = corpora.mail(file.read())
    if b'pkcs7-mime' not in octets:
        raise Skip('%s is no CMS' % os.path.basename(path))
    report, message = corpora.ask(octets)
    if what == NO_ENTITY:  # but it was decrypted
        expect(report['layers'][0]['why'] == NO_ENTITY, report)
    if what == 'signed':
        expect(is_good(report['layers'][0]), report)
    if not any(x['kind'] == 'encrypted' and x['opened']
               for x in report['layers']):
        expect(same_body(message, octets), 'the body has changed')


# ---- the same with an MTA ----

def arrives_as_smimectl_says(corpora, world, number, path):
    with open(path, 'rb') as file:
        octets = with_crlf(corpora.mail(file.read()))
    if max(map(len, octets.split(b'\r\n'))) > 998:
        raise Skip('Postfix breaks its lines')
    octets = re.sub(rb'(?im)^subject:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*', b'',
                    octets, count=1)
    octets = b'Subject: sample-%d\r\n' % number + octets
    report, message = corpora.ask(octets)
    reply = world.send('door', 'a@b.example', [READER], octets)
    expect(reply.code == 250, 'not accepted: %r' % reply)
    data = world.arrived('sample-%d' % number).data
    said = re.findall(rb'mx\.example\.com;\s+smime=(\w+)', data)
    expect(said == [report['verdict'].encode()], 'reported is %s' % said)
    expect(same_body(data, message), 'another body arrives')


def through_postfix(tally, corpora, paths):
    def can_be_tried():
        if os.getuid() != 0 or not shutil.which('postfix'):
            raise Skip('Postfix is not here, or starts for root only')
    tally.run('postfix', can_be_tried)
    if os.getuid() != 0 or not shutil.which('postfix'):
        return
    common = re.sub(r'(?s)trust = .*', '', mta.COMMON)
    mta.COMMON = common + corpora.settings
    world = mta.World(corpora.rules)
    try:
        for number, path in enumerate(paths):
            tally.run('postfix: ' + path, arrives_as_smimectl_says, corpora,
                      world, number, os.path.join(CORPORA, path))
    finally:
        left = world.close()
    tally.run('postfix (end)', expect, not left, left)


def run_all(tally, corpora):
    paths = []
    for path, steps in observed():
        if tally.wants(path):
            tally.run(path, sample_behaves_as_noted, corpora, path, steps)
            paths.append(path)
    for pattern, what in BARE:
        for path in sorted(glob.glob(os.path.join(CORPORA, pattern),
                                     recursive=True)):
            if tally.wants(path):
                tally.run(path, bare_cms_is_never_lost, corpora, path, what)
    through_postfix(tally, corpora, paths)


def main():
    tally = Tally(words())
    with tempfile.TemporaryDirectory(prefix='corpora-') as folder:
        if os.path.exists(os.path.join(CORPORA, 'EXPECTED.tsv')):
            run_all(tally, Corpora(folder))
        else:
            def is_here():
                raise Skip('%s is not here' % CORPORA)
            tally.run('corpora', is_here)
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
