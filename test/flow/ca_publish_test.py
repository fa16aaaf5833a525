#!/usr/bin/env python3
"""ca_publish_test.py [-v] [WORD]...: certificates go into a directory of our
own (slapd) and come out of it again; openssl reads what stands there."""
import base64
import json
import os
import shutil
import subprocess
import sys

from harness import COMPLAINT, IS_ROOT, Skip, World, expect, run_each
from slapd import (READER, SUFFIX, WRITER, Missing, Slapd, person, tree)

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
ca_templates = ( { name = "user"; key = "p-256"; } );
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


def configure(world, who=WRITER):
    world.configure('', CONF.replace('@URI@', world.slapd.uri).replace(
        '@DIR@', world.slapd.folder).replace('@WHO@', who))


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


def a_directory_that_is_down_is_said(world):
    begin(world)
    issued(world, '--external', PAULA)
    world.slapd.stop()
    ca(world, 'publish', PAULA, code=TROUBLE)


TESTS = (a_certificate_is_published_once_and_found_by_the_gateway,
         the_pack_is_signed_and_says_what_its_owner_can_decrypt,
         what_is_revoked_goes_and_what_is_foreign_stays,
         who_has_no_entry_is_said,
         two_entries_of_an_address_are_not_touched,
         without_the_right_to_write_it_is_said,
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
