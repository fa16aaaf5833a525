#!/usr/bin/env python3
"""The demo: what goes out, what comes in again, and what openssl says of it.
"""
import base64
import os
import re
import shutil
import signal
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, TOP + '/test/mta')

import judge  # noqa: E402
from daemon import Daemon  # noqa: E402
from judge import Wrong, expect  # noqa: E402
from world import BUILD, EIGHT_BIT, PLAIN, World, message  # noqa: E402

KEPT = TOP + '/demo-output'
ALICE, BOB = 'alice@example.com', 'bob@example.com'
PAULA, PETER = 'paula@partner.example', 'peter@partner.example'
NOBODY, OTHER = 'nobody@partner.example', 'otto@elsewhere.example'
STRANGER = 'stella@elsewhere.example'

RULES = '''
sign = (
	{{ name = "pss"; sender = "bob@example.com"; stores = "bob";
	   clients = [ "authenticated", "local", "127.0.0.1" ];
	   scheme = "pss"; form = "opaque"; otherwise = "reject"; }},
	{{ name = "house"; sender = "*@example.com"; stores = "staff";
	   clients = [ "authenticated", "local", "127.0.0.1" ];
	   otherwise = "reject"; }}
);
encrypt = (
	{{ name = "oaep"; recipient = "paula@partner.example";
	   stores = "partners"; key_transport = "oaep"; otherwise = "reject"; }},
	{{ name = "partners"; recipient = "*@partner.example";
	   stores = "partners"; otherwise = "reject"; }}
);
'''

# The partner's house: a second smtpd, and a daemon of its own behind it.
INSIDE = '''
listen = {{ socket = "unix:{socket}"; group = "postfix"; mode = "0660"; }};
control = {{ socket = "{inside}/control.sock"; }};
user = "nobody";
state = "{inside}";
pid_file = "{inside}/pid";
log = {{ level = "debug"; to = "stderr"; }};
trust = {{ anchors = [ "{pki}/ca.pem" ]; }};
stores = ( {{ name = "keys"; type = "directory"; path = "{inside}/keys"; }} );
inbound = ( {{ name = "house"; recipient = "*@*"; keys = "keys"; }} );
report = {{ authserv_id = "mx.partner.example"; }};
'''
DOORS = {'door': ('n', []), 'inside': ('n', [
    'smtpd_milters = unix:smime-milter/inside.sock'])}

HTML = (b'Content-Type: multipart/mixed; boundary="=_parts"\r\n\r\n'
        b'--=_parts\r\n'
        b'Content-Type: text/html; charset=utf-8\r\n'
        b'Content-Transfer-Encoding: 8bit\r\n\r\n'
        b'<p>The <b>offer</b> f\xc3\xbcr you is attached.</p>\r\n'
        b'--=_parts\r\n'
        b'Content-Type: application/octet-stream\r\n'
        b'Content-Disposition: attachment; filename="offer.bin"\r\n'
        b'Content-Transfer-Encoding: base64\r\n\r\n' +
        base64.encodebytes(bytes(range(256)) * 8).replace(b'\n', b'\r\n') +
        b'--=_parts--\r\n')


def same(entity, original):
    """The same content: octet by octet where nothing had to be re-encoded."""
    if judge.media_type(original).startswith('multipart/'):
        ours, theirs = judge.part_octets(entity), judge.part_octets(original)
        expect(len(ours) == len(theirs), 'a part is missing')
        for one, other in zip(ours, theirs):
            same(one + b'\r\n', other + b'\r\n')
    elif judge.decoded(entity).rstrip(b'\r\n') != judge.decoded(
            original).rstrip(b'\r\n'):
        raise Wrong('the content has changed')


# what, from, to, content, signed by, encrypted for, openssl must print
MAILS = [
    ('plain text', ALICE, OTHER, PLAIN, ALICE, None, 'sha256'),
    ('8-bit text', ALICE, OTHER, EIGHT_BIT, ALICE, None, 'sha256'),
    ('HTML + file', BOB, OTHER, HTML, BOB, None, 'rsassaPss'),
    ('plain text', STRANGER, PAULA, PLAIN, None, 'paula', 'rsaesOaep'),
    ('8-bit text', STRANGER, PETER, EIGHT_BIT, None, 'peter', 'aes-256-cbc'),
    ('HTML + file', ALICE, PAULA, HTML, ALICE, 'paula', 'rsaesOaep'),
    ('8-bit text', BOB, PETER, EIGHT_BIT, BOB, 'peter', 'aes-256-cbc'),
    ('no rule', STRANGER, OTHER, PLAIN, None, None, None),
    ('no key', ALICE, NOBODY, PLAIN, None, None, None),
]
SHOWN = 6  # signed and encrypted


def keep(number, kind, octets):
    with open('%s/%d-%s.eml' % (KEPT, number, kind), 'wb') as out:
        out.write(octets)


def try_mail(world, number, mail):
    """What came out, in words; Wrong when it is not as it has to be."""
    what, sender, recipient, entity, signer, reader, printed = mail
    subject = 'demo-%d' % number
    sent = message(sender, recipient, subject, entity)
    keep(number, 'sent', sent)
    reply = world.send('door', sender, [recipient], sent)
    if recipient == NOBODY:
        expect(reply.code // 100 == 5, 'not refused: %r' % reply)
        return 'refused: ' + ' '.join(reply.text.split())
    expect(reply.code == 250, 'not accepted: %r' % reply)
    data = world.arrived(subject).data
    keep(number, 'arrived', data)
    words = []
    seen, arrived = '', data
    if reader:
        opened = world.decrypt(data, reader)
        keep(number, 'decrypted', opened.entity)
        data, seen = opened.entity, seen + opened.printed
        words.append('encrypted for ' + reader)
    if signer:
        form = judge.media_type(data).split('/')[1]
        opened = world.verify(data, signer)
        keep(number, 'content', opened.entity)
        data, seen = opened.entity, seen + opened.printed
        words.append('signed by %s (%s)' % (signer.split('@')[0], form))
    same(data, entity)
    if printed:
        expect(printed in seen, 'openssl sees no %s' % printed)
        words.append(printed)
    if words:
        words.append('\n%10sin again: %s' % (
            '', try_back(world, number, mail, arrived)))
    return ', '.join(words).replace(', \n', '\n') or 'unchanged'


def report_of(data):
    """What the reader is told: our fields, from the top."""
    return [line for line in re.sub(
        r'\r\n[ \t]+', ' ', judge.split(data)[0].decode()).split('\r\n')
            if re.match('Authentication-Results:|X-SMIME-Milter-Info-', line)]


def try_back(world, number, mail, sent):
    """The same mail through the door of those who get it."""
    _, sender, recipient, entity, signer, reader, _ = mail
    reply = world.send('inside', sender, [recipient], sent)
    expect(reply.code == 250, 'not accepted: %r' % reply)
    data = world.arrived('demo-%d' % number).data
    keep(number, 'came-in', data)
    told = report_of(data)
    words = ['decrypted'] if reader else []
    found = re.search(r'smime=(\w+)', told[0]) if told else None
    expect(found and found[1] == ('pass' if signer else 'none'),
           'reported: %s' % told)
    words.append(found[0])
    if signer:
        expect('identifier=%s' % signer in told[0], 'signer: %s' % told[0])
        words[-1] += ' for ' + signer
        data = world.verify(data, signer).entity
    same(data, entity)
    return ', '.join(words)


def show_report(number):
    """The fields above one mail, as its reader gets them."""
    try:
        with open('%s/%d-came-in.eml' % (KEPT, number), 'rb') as came:
            told = report_of(came.read())
    except FileNotFoundError:
        return
    print('Above mail %d stands, when it has come in again:' % number)
    for line in told:
        print('  ' + line)


def open_inside(world):
    """The second daemon; it ends with the world."""
    inside = world.folder + '/inside'
    socket = world.postfix.spool('smime-milter/inside.sock')
    os.makedirs(inside + '/keys')
    shutil.chown(inside, 'nobody')
    for name in ('paula', 'peter'):
        with open('%s/keys/%s.pem' % (inside, name), 'wb') as out:
            os.fchmod(out.fileno(), 0o600)
            for file in world.key(name):
                with open(file, 'rb') as pem:
                    out.write(pem.read())
    daemon = Daemon(BUILD + '/smime-milter', inside, INSIDE.format(
        socket=socket, inside=inside, pki=world.pki), [socket])
    world.closing.append(daemon.stop)
    daemon.start()
    return daemon


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shutil.rmtree(KEPT, ignore_errors=True)
    os.mkdir(KEPT)
    wrong = 0
    world = World(RULES, DOORS)
    row = '%-4s %-2d %-12s %-25s %-25s %s'
    try:
        inside = open_inside(world)
        print('%-7s %-12s %-25s %-25s %s' % (
            '', 'sent', 'from', 'to', 'arrived, and what openssl found'))
        for number, mail in enumerate(MAILS, 1):
            try:
                came, good = try_mail(world, number, mail), 'ok'
            except Wrong as problem:
                came, good, wrong = str(problem), 'BAD', wrong + 1
            print(row % (good, number, *mail[:3], came), flush=True)
        show_report(SHOWN)
        keep_logs(world, inside)
    finally:
        left = world.close()
    if left:
        print('still running: %s' % ', '.join(left))
    hand_over()
    print('The mails and logs are in %s' % KEPT)
    print('All is right.' if not wrong and not left else
          '%d of %d mails are not as they have to be.' % (wrong, len(MAILS)))
    return 1 if wrong or left else 0


def keep_logs(world, inside):
    for name, text in (('smime-milter.log', world.daemon.log()),
                       ('inside.log', inside.log()),
                       ('postfix.log', world.postfix.log()),
                       ('smime-milter.conf', world.configuration())):
        with open(os.path.join(KEPT, name), 'w') as out:
            out.write(text)


def hand_over():
    """Where sudo was needed, the mails belong to the owner of the checkout."""
    owner = os.stat(TOP)
    for name in ['.'] + os.listdir(KEPT):
        os.chown(os.path.join(KEPT, name), owner.st_uid, owner.st_gid)


if __name__ == '__main__':
    sys.exit(main())
