#!/usr/bin/env python3
"""ca_publish_test.py [-v] [WORD]...: certificates go into a directory of our
own (slapd) and come out of it again; openssl reads what stands there."""
import base64
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import threading

from harness import COMPLAINT, CTL, IS_ROOT, Skip, World, expect, run_each
from slapd import (PASSWORD, READER, SUFFIX, WRITER, Missing, Slapd, person,
                   tree)

PAULA, BOB, NOBODY = ('paula@partner.example', 'bob@example.com',
                      'nobody@partner.example')
CONF = '''
listen = { socket = "@SOCKET@"; mode = "0600"; };
control = { socket = "@W@/control.sock"; };
user = "nobody";
state = "@W@/state";
pid_file = "@W@/smime-milter.pid";
stores = ( { name = "book"; type = "managed"; },
	{ name = "ad"; type = "ldap"; uri = "@URI@"; base = "%s";
	  bind_dn = "%s"; password_file = "@DIR@/password"; } );
encrypt = ( { recipient = "*@partner.example"; stores = "ad";
	trusted = false; otherwise = "reject"; } );
ca_user = "nobody";
ca = ( { name = "house"; path = "@W@/house"; store = "book";
	password_file = "@W@/passphrase"; key = "p-256"; } );
ca_templates = ( { name = "user"; key = "p-256"; },
	{ name = "signs"; key = "p-256"; usage = "sign"; } );
ca_publish = { store = "ad"; bind_dn = "@WHO@";
	password_file = "@DIR@/password"; };
''' % (SUFFIX, READER)
DONE, NO, USAGE, TROUBLE = range(4)


def ctl(world, *arguments, code=DONE):
    got, out, err = world.ctl(*arguments)
    expect(got == code, '%s: %d\n%s%s' % (' '.join(arguments), got, out, err))
    return out if '--json' in arguments else out + err


def ca(world, *arguments, code=DONE):
    return ctl(world, 'ca', *arguments, code=code)


def configure(world, who=WRITER, uri=None):
    world.configure('', CONF.replace('@URI@', uri or world.slapd.uri).replace(
        '@DIR@', world.slapd.folder).replace('@WHO@', who))


class Between:
    """Before the server gets a modification, somebody else makes one."""
    ASSERTION, NOTHING = b'1.3.6.1.1.12', b'1.3.6.1.1.99'

    def __init__(self, port, change, times=1, asserts=True):
        self.port, self.change, self.times = port, change, times
        self.asserts = asserts
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.uri = 'ldap://127.0.0.1:%d' % self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(('127.0.0.1', self.port))
            for pump in ((client, server, self._request),
                         (server, client, self._answer)):
                threading.Thread(target=self._pump, args=pump,
                                 daemon=True).start()

    @staticmethod
    def _pump(source, target, work):
        with source:
            try:
                while octets := source.recv(65536):
                    target.sendall(work(octets))
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def _request(self, octets):
        # RFC 4511 4.1.1: SEQUENCE { INTEGER, [APPLICATION 6] ...
        at = 2 + (octets[1] & 0x7f if octets[1] & 0x80 else 0)
        if octets[at + 2 + octets[at + 1]] == 0x66 and self.times > 0:
            self.times -= 1
            self.change()
        return octets

    def _answer(self, octets):
        return octets if self.asserts else octets.replace(self.ASSERTION,
                                                          self.NOTHING)

    def close(self):
        self.listener.close()


def put(world, name, attribute, *ders):
    """By somebody else, with OpenLDAP's own tool."""
    text = 'dn: cn=%s,ou=people,%s\nchangetype: modify\nreplace: %s\n' % (
        name, SUFFIX, attribute)
    text += ''.join('%s:: %s\n' % (attribute, base64.b64encode(der).decode())
                    for der in ders)
    subprocess.run(['ldapmodify', '-x', '-H', world.slapd.uri, '-D', WRITER,
                    '-w', PASSWORD], input=text.encode(), check=True,
                   capture_output=True)


def begin(world):
    world.write('passphrase', b'open sesame\n', 0o600)
    configure(world)
    ca(world, 'create', '--root', 'House Root', '--issuer', 'House Issuer')
    ctl(world, 'cert', 'import', '--empty')


def values(world, address, attribute):
    """What stands in the directory, by OpenLDAP's own tool."""
    done = subprocess.run(
        ['ldapsearch', '-LLL', '-x', '-H', world.slapd.uri, '-b', SUFFIX,
         '-o', 'ldif-wrap=no', '(mail=%s)' % address, attribute],
        capture_output=True, check=True)
    return [base64.b64decode(line.split(b':: ')[1])
            for line in done.stdout.splitlines()
            if line.lower().startswith(attribute.lower().encode()) and
            b':: ' in line]


def serials(world, ders):
    found = []
    for der in ders:
        done = subprocess.run(
            ['openssl', 'x509', '-inform', 'DER', '-noout', '-serial'],
            input=der, capture_output=True, check=True)
        found.append(done.stdout.decode().strip()[7:].lower())
    return sorted(found)


def issued(world, *arguments):
    out = ca(world, 'issue', '--json', *arguments)
    return [one['serial'].lstrip('0') for one in json.loads(out)]


def holds(world, address, expected):
    got = [serial.lstrip('0') for serial in serials(
        world, values(world, address, 'userCertificate;binary'))]
    expect(sorted(got) == sorted(expected), '%s has %s, not %s' % (
        address, got, expected))


def a_certificate_is_published_once_and_found_by_the_gateway(world):
    begin(world)
    serial = issued(world, '--external', PAULA)
    said = ca(world, 'publish', PAULA)
    expect('published, 1 certificate' in said, said)
    holds(world, PAULA, serial)
    said = ca(world, 'publish', PAULA)
    expect('as it was' in said, said)
    found = json.loads(ctl(world, 'cert', 'find', '--json', PAULA))
    expect(any(one['store'] == 'ad' and one['refused'] is None
               for one in found), str(found))
    expect(ca(world, 'audit').count(' publish ') == 1, 'not recorded once')


def the_pack_is_signed_and_says_what_its_owner_can_decrypt(world):
    begin(world)
    issued(world, '--external', PAULA)
    ca(world, 'publish')
    packs = values(world, PAULA, 'userSMIMECertificate')
    expect(len(packs) == 1, '%d packs' % len(packs))
    pack = world.write('pack.der', packs[0])
    ctl(world, 'ca', 'root', '-o', world.path('root.der'))
    subprocess.run(['openssl', 'x509', '-inform', 'DER', '-in',
                    world.path('root.der'), '-out', world.path('root.pem')],
                   check=True)
    done = subprocess.run(
        ['openssl', 'cms', '-verify', '-inform', 'DER', '-in', pack,
         '-content', '/dev/null', '-binary', '-CAfile',
         world.path('root.pem'), '-purpose', 'smimesign', '-out',
         '/dev/null'], capture_output=True)
    expect(done.returncode == 0, done.stderr.decode())
    shown = subprocess.run(
        ['openssl', 'cms', '-cmsout', '-print', '-noout', '-inform', 'DER',
         '-in', pack], capture_output=True, check=True).stdout.decode()
    expect('S/MIME Capabilities' in shown, 'no capabilities')
    expect('eContent: <ABSENT>' in shown, 'it has content')


def what_is_revoked_goes_and_what_is_foreign_stays(world):
    begin(world)
    before = values(world, BOB, 'userCertificate;binary')
    expect(len(before) == 1, 'no foreign certificate')
    foreign = [one.lstrip('0') for one in serials(world, before)]
    first = issued(world, '--external', BOB)
    ca(world, 'publish', BOB)
    holds(world, BOB, foreign + first)
    expect(len(values(world, BOB, 'userSMIMECertificate')) == 2, 'packs')
    second = issued(world, '--external', BOB)
    ca(world, 'revoke', '--reason', 'keyCompromise', first[0].rjust(32, '0'))
    ca(world, 'publish')
    holds(world, BOB, foreign + second)
    expect(len(values(world, BOB, 'userSMIMECertificate')) == 2, 'packs')
    ca(world, 'revoke', BOB)
    ca(world, 'publish', BOB)
    holds(world, BOB, foreign)
    expect(values(world, BOB, 'userSMIMECertificate') == [b'\x30\x03abc'],
           'the foreign pack')


def a_certificate_that_signs_only_stays_until_it_is_revoked(world):
    begin(world)
    signs = issued(world, '--external', '--template', 'signs', PAULA)
    both = issued(world, '--external', PAULA)
    folder = world.path('house/certificates/')
    der = subprocess.run(
        ['openssl', 'x509', '-in', folder + signs[0].rjust(32, '0') + '.pem',
         '-outform', 'DER'], capture_output=True, check=True).stdout
    put(world, 'Paula', 'userCertificate;binary', der)
    ca(world, 'publish', PAULA)
    holds(world, PAULA, signs + both)
    ca(world, 'revoke', signs[0].rjust(32, '0'))
    ca(world, 'publish', PAULA)
    holds(world, PAULA, both)


def somebody_elses_change(world, asserts):
    """It comes between our reading and our writing, with packs there."""
    begin(world)
    first = issued(world, '--external', PAULA)
    put(world, 'Paula', 'userSMIMECertificate', b'\x30\x03abc')
    ca(world, 'publish', PAULA)
    ours = [one for one in values(world, PAULA, 'userSMIMECertificate')
            if one != b'\x30\x03abc']
    expect(len(ours) == 1, 'no pack of ours')
    second = issued(world, '--external', PAULA)
    ca(world, 'revoke', first[0].rjust(32, '0'))
    between = Between(
        world.slapd.port, lambda: put(
            world, 'Paula', 'userSMIMECertificate', ours[0], b'\x30\x03abc',
            b'\x30\x03new'), asserts=asserts)
    try:
        configure(world, uri=between.uri)
        ca(world, 'publish', PAULA)
    finally:
        between.close()
    expect(between.times == 0, 'nothing came between')
    packs = values(world, PAULA, 'userSMIMECertificate')
    expect(len(packs) == 3 and ours[0] not in packs and
           {b'\x30\x03abc', b'\x30\x03new'} < set(packs), str(packs))
    holds(world, PAULA, second)


def a_change_in_between_is_kept_by_an_assertion(world):
    somebody_elses_change(world, True)


def a_change_in_between_is_kept_where_packs_can_be_compared(world):
    world.slapd.close()
    world.slapd = Slapd(entries(world), compares=True)
    if IS_ROOT:
        os.chmod(world.slapd.folder, 0o755)
    somebody_elses_change(world, False)


def a_directory_that_knows_neither_is_not_written_blindly(world):
    begin(world)
    issued(world, '--external', PAULA)
    put(world, 'Paula', 'userSMIMECertificate', b'\x30\x03abc')
    between = Between(world.slapd.port, None, 0, False)
    try:
        configure(world, uri=between.uri)
        said = ca(world, 'publish', PAULA, code=TROUBLE)
    finally:
        between.close()
    expect('cannot be changed' in said, said)
    expect(values(world, PAULA, 'userSMIMECertificate') == [b'\x30\x03abc'],
           'the foreign pack')


def an_entry_that_never_rests_is_said(world):
    begin(world)
    issued(world, '--external', PAULA)
    count = [0]

    def change():
        count[0] += 1
        put(world, 'Paula', 'userSMIMECertificate',
            b'\x30\x03ab%d' % count[0])

    between = Between(world.slapd.port, change, 100)
    try:
        configure(world, uri=between.uri)
        said = ca(world, 'publish', PAULA, code=TROUBLE)
    finally:
        between.close()
    expect('again and again' in said and count[0] > 1, said)
    holds(world, PAULA, [])


def who_has_no_entry_is_said(world):
    begin(world)
    issued(world, '--external', NOBODY)
    said = ca(world, 'publish', NOBODY, code=NO)
    expect('no entry' in said, said)
    ca(world, 'publish')


def two_entries_of_an_address_are_not_touched(world):
    begin(world)
    issued(world, '--external', 'many@example.com')
    said = ca(world, 'publish', 'many@example.com', code=TROUBLE)
    expect('several entries' in said, said)


def without_the_right_to_write_it_is_said(world):
    begin(world)
    issued(world, '--external', PAULA)
    configure(world, READER)
    said = ca(world, 'publish', PAULA, code=TROUBLE)
    expect('cannot be changed' in said and 'access' in said, said)
    holds(world, PAULA, [])


def a_damaged_file_is_left_out_and_named(world):
    begin(world)
    first, second = (issued(world, '--external', PAULA)[0] for _ in range(2))
    for damaged, good in ((first, second), (second, first)):
        path = world.path('house/certificates/%s.pem' % damaged.zfill(32))
        with open(path, 'r+b') as file:
            whole = file.read()
            file.seek(0)
            file.write(b'damaged')
        put(world, 'Paula', 'userCertificate;binary')
        out = ca(world, 'publish', code=TROUBLE)
        expect('left out' in out and path in out and 'published' in out, out)
        holds(world, PAULA, [good])
        with open(path, 'wb') as file:
            file.write(whole)
    ca(world, 'publish')
    expect(len(values(world, PAULA, 'userCertificate')) == 2, 'not both')


def the_authoritys_user_publishes_without_root(world):
    if not IS_ROOT:
        raise Skip('needs root, to be several users')
    user = pwd.getpwnam('games')
    conf = CONF.replace('ca_user = "nobody"', 'ca_user = "games"').replace(
        'stores = (', 'stores = ( { name = "keys"; type = "directory"; '
        'path = "@W@/keys"; },').replace(
            '"@DIR@/password"; };', '"@W@/writer"; };')
    for name, octets in (('passphrase', b'open sesame\n'),
                         ('writer', PASSWORD.encode())):
        shutil.chown(world.write(name, octets, 0o600), user.pw_uid)
    os.mkdir(world.path('keys'), 0o700)
    os.chmod(os.path.join(world.slapd.folder, 'password'), 0o600)
    world.configure('', conf.replace('@URI@', world.slapd.uri).replace(
        '@DIR@', world.slapd.folder).replace('@WHO@', WRITER))
    ca(world, 'create', '--root', 'House Root', '--issuer', 'House Issuer')
    ctl(world, 'cert', 'import', '--empty')
    issued(world, '--external', PAULA)
    done = subprocess.run(
        [CTL, '-c', world.path('smime-milter.conf'), 'ca', 'publish'],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, cwd='/',
        user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    expect(done.returncode == DONE, (done.stdout + done.stderr).decode())
    expect(len(values(world, PAULA, 'userCertificate')) == 1, 'not there')


def a_directory_that_is_down_is_said(world):
    begin(world)
    issued(world, '--external', PAULA)
    world.slapd.stop()
    ca(world, 'publish', PAULA, code=TROUBLE)


TESTS = (a_certificate_is_published_once_and_found_by_the_gateway,
         the_pack_is_signed_and_says_what_its_owner_can_decrypt,
         what_is_revoked_goes_and_what_is_foreign_stays,
         a_certificate_that_signs_only_stays_until_it_is_revoked,
         a_change_in_between_is_kept_by_an_assertion,
         a_change_in_between_is_kept_where_packs_can_be_compared,
         a_directory_that_knows_neither_is_not_written_blindly,
         an_entry_that_never_rests_is_said,
         who_has_no_entry_is_said,
         two_entries_of_an_address_are_not_touched,
         without_the_right_to_write_it_is_said,
         a_damaged_file_is_left_out_and_named,
         the_authoritys_user_publishes_without_root,
         a_directory_that_is_down_is_said)


def entries(world):
    der = subprocess.run(
        ['openssl', 'x509', '-in', world.path('pki/bob.pem'), '-outform',
         'DER'], capture_output=True, check=True).stdout
    text = tree() + person('Paula', mail=PAULA)
    text += person('Bob', mail=BOB, userCertificate__binary=der,
                   userSMIMECertificate=b'\x30\x03abc')
    for number in range(2):
        text += person('Many%d' % number, mail='many@example.com')
    return text


def in_a_world(test):
    world = World()
    world.slapd = None
    try:
        if not shutil.which('ldapsearch'):
            raise Skip('no ldapsearch here')
        try:
            world.slapd = Slapd(entries(world))
        except Missing as why:
            raise Skip(str(why))
        if IS_ROOT:
            os.chmod(world.slapd.folder, 0o755)
        test(world)
        found = COMPLAINT.search(world.log())
        expect(not found, 'a sanitizer complained:\n' + world.log()[-2000:])
    finally:
        if world.slapd is not None:
            world.slapd.close()
        world.close()


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
