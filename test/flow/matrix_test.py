#!/usr/bin/env python3
"""matrix_test.py [-v] [WORD]...: every form, scheme, key and digest of a
signature, every cipher and key transport, and every error kind beside every
`otherwise`, as cases like those of cases_test.py."""
import sys

from caselist import Case
from cases_test import run_group
from harness import Tally, words

PLAIN = (b'From: @FROM@\r\nTo: @TO@\r\nSubject: matrix\r\n\r\n'
         b'Dear reader,\r\nthis is one of many.\r\n')

# name, the PKI's name, scheme, what openssl prints
KEYS = [('pkcs1', 'alice', 'pkcs1', 'rsaEncryption'),
        ('pss', 'alice', 'pss', 'rsassaPss'),
        ('psskey', 'pss', 'pss', 'rsassaPss'),
        ('p256', 'carol', 'pkcs1', 'ecdsa-with-SHA'),
        ('p384', 'dave', 'pkcs1', 'ecdsa-with-SHA')]
DIGESTS = ('sha1', 'sha256', 'sha384', 'sha512')
FORMS = ('detached', 'opaque')

CIPHERS = {'aes-128-cbc': 'aes-128-cbc', 'aes-192-cbc': 'aes-192-cbc',
           'aes-256-cbc': 'aes-256-cbc', 'aes-128-gcm': 'aes-128-gcm',
           'aes-256-gcm': 'aes-256-gcm', '3des': 'des-ede3-cbc'}
# name, the PKI's name, settings, what openssl prints
TRANSPORTS = [
    ('pkcs1', 'paula', '', 'rsaEncryption'),
    ('oaep-sha1', 'paula', 'key_transport = "oaep"; oaep_digest = "sha1";',
     'rsaesOaep'),
    ('oaep-sha256', 'paula', 'key_transport = "oaep"; '
     'oaep_digest = "sha256";', 'sha256'),
    ('oaep-sha512', 'paula', 'key_transport = "oaep"; '
     'oaep_digest = "sha512";', 'sha512'),
    ('ecdh', 'peter', '', 'dhSinglePass-stdDH-sha256kdf'),
]


def case(name, rules, sender, recipient, expectations, message=PLAIN):
    made = Case(name, 'matrix_test.py')
    made.rules = rules
    made.sender = sender
    made.recipients = [recipient]
    made.message = message
    made.expectations = expectations
    return made


def signatures():
    rules, drafts = [], []
    for form in FORMS:
        for name, who, scheme, printed in KEYS:
            for digest in DIGESTS:
                if digest == 'sha1' and scheme == 'pss':
                    continue
                sender = '%s-%s-%s@matrix.example' % (form, name, digest)
                rules.append(
                    '{ sender = "%s"; stores = "staff"; certificate = '
                    '"sha256:@SHA256:%s@"; form = "%s"; digest = "%s"; '
                    'scheme = "%s"; otherwise = "reject"; }' % (
                        sender, who, form, digest, scheme))
                drafts.append((form, name, who, digest, sender, printed))
    text = 'sign = (\n\t%s\n);\n' % ',\n\t'.join(rules)
    for form, name, who, digest, sender, printed in drafts:
        yield case(
            'sign_%s_%s_%s' % (form, name, digest), text, sender,
            'x@elsewhere.example',
            ['accept', 'signed %s@example.com %s' % (who, form),
             'printed ' + printed, 'printed ' + digest, 'content same'])


def envelopes():
    rules, drafts = [], []
    for cipher, cipher_printed in CIPHERS.items():
        for name, who, settings, printed in TRANSPORTS:
            recipient = '%s-%s@matrix.example' % (cipher, name)
            rules.append(
                '{ recipient = "%s"; stores = "partners"; certificate = '
                '"sha256:@SHA256:%s@"; cipher = "%s"; %s '
                'otherwise = "reject"; }' % (
                    recipient, who, cipher, settings))
            drafts.append((cipher, name, who, recipient, [
                cipher_printed, printed]))
    text = 'encrypt = (\n\t%s\n);\n' % ',\n\t'.join(rules)
    for cipher, name, who, recipient, printed in drafts:
        yield case(
            'encrypt_%s_%s' % (cipher, name), text, 'x@elsewhere.example',
            recipient, ['accept', 'encrypted ' + who, 'content same'] +
            ['printed ' + p for p in printed])


# ---- what cannot be protected: error kind x otherwise ----

TWO_FROM = PLAIN.replace(b'To: ', b'From: y@elsewhere.example\r\nTo: ')
STRANGER = PLAIN.replace(b'From: @FROM@', b'From: bob@example.com')
LARGE = PLAIN + b'0123456789 0123456789\r\n' * 4000
SIGN_TROUBLE = [
    # kind, sender, message, of the reply
    ('nokey', 'nocert@example.com', PLAIN, r'[45]\.7\.5'),
    ('format', 'alice@example.com', TWO_FROM, r'[45]\.6\.0'),
    ('trust', 'alice@example.com', STRANGER, r'[45]\.7\.1'),
    ('limit', 'alice@example.com', LARGE, r'[45]\.3\.4'),
]
ENCRYPT_TROUBLE = [
    ('nokey', 'nocert@example.com', PLAIN, r'[45]\.7\.5'),
    ('trust', 'untrusted@example.com', PLAIN, r'[45]\.7\.5'),
    ('limit', 'peter@partner.example', LARGE, r'[45]\.3\.4'),
]
REPLY = {'pass': [], 'tempfail': ['reply ^451 '], 'reject': ['reply ^550 '],
         'quarantine': []}
VERDICT = {'pass': 'accept'}


def troubles():
    limits = 'limits = { message = "64K"; };\n'
    for otherwise in ('pass', 'quarantine', 'tempfail', 'reject'):
        wanted = [VERDICT.get(otherwise, otherwise), 'unchanged',
                  *REPLY[otherwise]]
        text = limits + (
            'sign = ( { sender = "*@example.com"; stores = "staff"; '
            'otherwise = "%s"; } );\n' % otherwise)
        for kind, sender, message, code in SIGN_TROUBLE:
            yield case(
                'sign_%s_otherwise_%s' % (kind, otherwise), text, sender,
                'x@elsewhere.example', wanted + ['log kind=' + kind] + (
                    ['reply ' + code] if REPLY[otherwise] else []), message)
        if otherwise == 'quarantine':
            continue
        text = limits + (
            'encrypt = ( { recipient = "*"; stores = "partners"; '
            'otherwise = "%s"; } );\n' % otherwise).replace('"*"', '"*@*"')
        for kind, recipient, message, code in ENCRYPT_TROUBLE:
            yield case(
                'encrypt_%s_otherwise_%s' % (kind, otherwise), text,
                'x@elsewhere.example', recipient,
                wanted + ['log kind=' + kind] + (
                    ['reply ' + code] if REPLY[otherwise] else []), message)


def main():
    tally = Tally(words())
    groups = {}
    for make in (signatures, envelopes, troubles):
        for made in make():
            if tally.wants(made.name):
                groups.setdefault(made.rules, []).append(made)
    number = 1000
    for cases in groups.values():
        run_group(tally, cases, number)
        number += len(cases)
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
