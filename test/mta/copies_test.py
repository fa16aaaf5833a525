#!/usr/bin/env python3
"""copies_test.py [WORD...]: every mix of recipients (mixes.py) through a real
Postfix with a re-injection port; openssl says who can read what arrived."""
import base64
import os
import re
import subprocess
import sys
import time

import judge
import mixes
from judge import Skip, expect
from run import alone
from smtp import Client, Reply
from world import PLAIN, World

RULES = '''
sign = ( {{ name = "house"; sender = "alice@example.com"; stores = "staff";
	clients = [ "127.0.0.1", "local" ]; otherwise = "reject"; }} );
encrypt = (
	{{ name = "later"; recipient = "*@later.example"; stores = "many";
	   trusted = false; otherwise = "tempfail"; }},
	{{ name = "optional"; recipient = "*@optional.example";
	   stores = "many"; trusted = false; otherwise = "pass"; }},
	{{ name = "gcm"; recipient = "*@gcm.example"; stores = "many";
	   trusted = false; cipher = "aes-128-gcm"; otherwise = "reject"; }},
	{{ name = "self"; recipient = "*@self.example"; stores = "many";
	   trusted = false; to_self = true; otherwise = "reject"; }},
	{{ name = "partners"; recipient = "*@partner.example";
	   stores = "many"; trusted = false; otherwise = "reject"; }}
);
internal = "*@example.com";
'''
SETTINGS = {
    'split': '''mixed = "split";
reinject = {{ uri = "smtp://127.0.0.1:{port_back}"; mark = false; }};
''',
    'split-local': '''mixed = "split";
reinject = {{ uri = "smtp://127.0.0.1:{port_back}"; mark = false; }};
''',
    'split-clear': '''mixed = "split"; internal_copy = "clear";
reinject = {{ uri = "smtp://127.0.0.1:{port_back}"; mark = false; }};
''',
    'split-mark': '''mixed = "split";
reinject = {{ uri = "smtp://127.0.0.1:{port_filtered}"; }};
''',
    'sendmail': '''mixed = "split";
reinject = {{ uri = "smtp://127.0.0.1:{port_sendmail}"; mark = false; }};
''',
    'all': '',
    'all-share': 'bcc = "share";\n',
}
DOORS = {'door': ('n', []), 'back': ('n', ['smtpd_milters =']),
         'filtered': ('n', [])}
ALICE = 'alice@example.com'


class Copies(World):
    """Certificates that nobody has signed, for all of mixes.PEOPLE."""

    def _make_stores(self):
        super()._make_stores()
        self.serials = {}
        os.mkdir(self.folder + '/many')
        for name, (address, kind) in mixes.PEOPLE.items():
            if name == 'alice':
                self.note_serial(name, self.pki + '/alice.pem')
            elif kind and name != 'R1':
                self.make_key(name, address, kind)

    def make_key(self, name, address, kind, san=None):
        pem = '%s/many/%s.pem' % (self.folder, name)
        key = '%s/%s.key' % (self.pki, name)
        new = ['-newkey', 'rsa:2048'] if kind == 'rsa' else [
            '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
        subprocess.run(
            ['openssl', 'req', '-x509', '-nodes', *new, '-keyout', key,
             '-out', pem, '-days', '30', '-subj', '/CN=' + name, '-addext',
             'subjectAltName=' + (san or 'email:' + escaped(address)),
             '-addext', 'keyUsage=keyEncipherment,keyAgreement',
             '-addext', 'basicConstraints=critical,CA:FALSE'],
            check=True, capture_output=True)
        self.note_serial(name, pem)
        if address.endswith('@example.com'):
            with open(pem) as cert, open(key) as secret:
                own = '%s/staff/%s.pem' % (self.folder, name)
                with open(own, 'w') as out:
                    os.fchmod(out.fileno(), 0o600)
                    out.write(cert.read() + secret.read())

    def note_serial(self, name, pem):
        serial = judge.openssl('x509', '-in', pem, '-noout', '-serial')
        self.serials[int(serial.decode().strip().split('=')[1], 16)] = name

    def use(self, setting, rules=None):
        """Another configuration, with the daemon started anew."""
        if setting == 'sendmail':
            why = self.add_sendmail()
            if why:
                raise Skip(why)
            self.names['port_sendmail'] = self.sendmail.back
        self.rules = rules or SETTINGS[setting] + RULES
        self.daemon.stop()
        self.daemon.configure(self.configuration())
        self.daemon.start()

    def configuration(self):
        text = super().configuration()
        return text.replace('stores = (', 'stores = (\n\t{ name = "many"; '
                            'type = "directory"; path = "%s/many"; },' %
                            self.folder, 1)


def escaped(address):
    """As a value in openssl's configuration."""
    return address.replace('\\', '\\\\').replace('"', '\\"')


def address(name):
    return mixes.PEOPLE[name][0]


def names_of(addresses):
    """As in PEOPLE; Postfix and IDNA may have spelt them anew."""
    known = {a: n for n, (a, _) in mixes.PEOPLE.items()}
    return sorted(known.get(a) or known[a.replace(
        'xn--bcher-kva', 'bücher')] for a in addresses)


def mail_for(subject, shown, hidden):
    to = ', '.join('<%s>' % address(name) for name in shown) or \
        'undisclosed-recipients:;'
    return ('From: <%s>\r\nTo: %s\r\nSubject: %s\r\n'
            'Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n'
            'Message-ID: <%s@example.com>\r\nMIME-Version: 1.0\r\n' % (
                ALICE, to, subject, subject)).encode() + PLAIN


def holders(world, entity):
    """Whom the RecipientInfos of this mail name."""
    with judge.Files() as files:
        der = files.path('der', base64.b64decode(judge.split(entity)[1]))
        text = judge.openssl('cms', '-cmsout', '-print', '-inform', 'DER',
                             '-in', der).decode()
    infos = text.partition('encryptedContentInfo')[0]
    serials = re.findall(r'serialNumber: (\S+)', infos)
    return sorted(world.serials[int(s, 0)] for s in serials)


def open_copy(world, mail, shown, setting):
    """(form, recipients, holders) of one mail as it arrived."""
    recipients = names_of(mail.recipients)
    entity = mail.data
    expect(judge.field(entity, 'x-smime-milter-copy') is None,
           'the mark is still there')
    expect(judge.field(entity, 'bcc') is None, 'Bcc is shown')
    if judge.media_type(entity) != 'application/pkcs7-mime':
        judge_signature(world, entity)
        return 'clear', recipients, []
    infos = holders(world, entity)
    if setting == 'all-share':
        shown = recipients
    lone = {name.lower() for name in recipients}
    for name in infos:
        expect(name in [s.lower() for s in shown] + ['alice'] or
               lone == {name}, '%s may not be known of here' % name)
    secret = [n for n in infos if n != 'alice'][0]
    pem = '%s/many/%s.pem' % (world.folder, secret)
    judge_signature(world, judge.decrypt(
        entity, pem, '%s/%s.key' % (world.pki, secret)).entity)
    return 'enc', recipients, infos


def judge_signature(world, entity):
    content = world.verify(entity, ALICE).entity
    expect(b'Dear reader' in content,
           'another content: %r' % content)


def wanted_copies(text):
    copies = []
    for part in text.split(';'):
        form, _, rest = part.strip().partition(': ')
        names, _, infos = rest.partition(' (')
        names = sorted(names.split())
        if form == 'clear':
            infos = []
        else:
            infos = sorted(infos.strip(')').split()) or names
        copies.append((form, names, infos))
    return sorted(copies)


def gather(world, subject, count):
    """All mails of that subject; none comes late."""
    found = []
    while len(found) < count:
        found.append(world.arrived(subject))
    end = time.monotonic() + 10
    while world.postfix.queue('active') + world.postfix.queue('incoming'):
        expect(time.monotonic() < end, 'the queue is never empty')
        time.sleep(0.02)
    line = b'\r\nSubject: ' + subject.encode() + b'\r\n'
    late = world.sink.wait(lambda m: line in judge.split(m.data)[0], 0)
    expect(late is None, 'one copy more: %s' % (late and late.recipients))
    return found


def send(world, setting, envelope, message):
    utf8 = 'SMTPUTF8' if any(not a.isascii() for a in envelope) else ''
    port = world.sendmail.port if setting == 'sendmail' else \
        world.postfix.ports['door']
    with Client(port) as client:
        return client.send(ALICE, envelope, message, utf8)


def mix(world, name, shown, hidden, outcome, setting):
    subject = name.replace('_', '-')
    envelope = [address(n) for n in shown + hidden]
    message = mail_for(subject, shown, hidden)
    if setting == 'split-local':
        world.postfix.sendmail(['-f', ALICE, *envelope],
                               message.replace(b'\r\n', b'\n'))
        reply = Reply(250, 'it is in the queue')
    else:
        reply = send(world, setting, envelope, message)
    if outcome[0].isdigit():
        code, _, words = outcome.partition(' ')
        expect(reply.code == int(code) and words in reply.text,
               'answered by %r' % reply)
        gather(world, subject, 0)
        return
    expect(reply.code == 250, 'answered by %r' % reply)
    if setting == 'sendmail':
        world.sendmail.run('-q')  # what a busy machine has put off
    wanted = wanted_copies(outcome)
    got = sorted(open_copy(world, mail, shown, setting) for mail in
                 gather(world, subject, len(wanted)))
    expect(got == wanted, 'got %s' % (got,))


def nobody_goes_without_whoever_dies(_):
    """The short form of soak.py."""
    import soak
    soak.soak(15, 4)


def run_all(count, words):
    if not words or 'soak' in words:
        count.run('soak', nobody_goes_without_whoever_dies, None)
    table = [m for m in mixes.read() if not words or
             any(word in m[0] for word in words)]
    if not table:
        return
    world = Copies(SETTINGS['split'] + RULES, DOORS,
                   ['enable_original_recipient = no'])
    try:
        world.sink.utf8 = True
        for setting in SETTINGS:
            rows = [m for m in table if m[1] == setting]
            try:
                if rows:
                    world.use(setting)
            except Skip as why:
                count.skipped += len(rows)
                print('skipped  %s: %s' % (setting, why))
                continue
            for name, _, shown, hidden, outcome in rows:
                def test(world):
                    mix(world, name, shown, hidden, outcome, setting)
                test.__name__ = name
                count.run(setting, test, world)
        if count.failed:
            print(world.daemon.log()[-6000:])
            print(world.postfix.log()[-3000:])
            if hasattr(world, 'sendmail'):
                print(world.sendmail.log()[-3000:])
    finally:
        world.close()


if __name__ == '__main__':
    sys.exit(alone(run_all))
