#!/usr/bin/env python3
"""managed_test.py [-v] [WORD]...: what smimectl puts into a managed store or
takes out of it, the daemon serves at once, without a reload."""
import json
import os
import shutil
import stat
import subprocess
import sys

from harness import (COMMON, CTL, IS_ROOT, Skip, World, expect, in_a_world,
                     judge, run_each)

ALICE, PAULA, X = ('alice@example.com', 'paula@partner.example',
                   'x@elsewhere.example')
MANAGED = COMMON.replace(
    'stores = (', 'stores = (\n\t{ name = "book"; type = "managed"; },')
RULES = '''
sign = ( { name = "house"; sender = "*@example.com"; stores = "book";
	otherwise = "reject"; } );
encrypt = ( { name = "partners"; recipient = "*@partner.example";
	stores = "book"; otherwise = "reject"; } );
'''
PLAIN = (b'From: %s\r\nTo: %s\r\nSubject: kept\r\n\r\nDear reader, this is '
         b'a mail.\r\n')
ACCEPTED, REJECTED, TEMPFAILED = 0, 1, 2


def send(world, sender, recipient, socket=None):
    """The verdict; the result is in out."""
    message = world.write('mail', PLAIN % (sender.encode(),
                                           recipient.encode()))
    return world.sim('-s', socket or world.socket, '-f', sender, '-t',
                     recipient, '-o', world.path('out'), message)[0]


def signs(world, socket=None):
    code = send(world, ALICE, X, socket)
    if code == ACCEPTED:
        judge.verify(world.read('out'), world.path('pki/ca.pem'), ALICE)
    return code


def encrypts(world, who='paula', address=PAULA, socket=None):
    code = send(world, 'x@y.example', address, socket)
    if code == ACCEPTED:
        judge.decrypt(world.read('out'), world.path('pki/%s.pem' % who),
                      world.path('pki/%s.key' % who))
    return code


def ctl(world, *arguments, code=0):
    got, out, err = world.ctl('cert', *arguments)
    expect(got == code, 'cert %s: %d\n%s%s' % (
        ' '.join(arguments), got, out, err))
    return out + err


def import_alice(world, *more):
    return ctl(world, 'import', '--password-file', world.path('password'),
               world.path('pki/alice.p12'), *more)


def begin(world):
    world.configure(RULES, MANAGED)
    ctl(world, 'import', '--empty')
    world.start(RULES, MANAGED)


def book(world, *parts):
    return os.path.join(world.folder, 'state/stores/book', *parts)


def files(world, end):
    return sorted(os.path.join(where, name)
                  for where, _, names in os.walk(book(world))
                  for name in names if name.endswith(end))


# ---- at once ----

def an_import_serves_without_reload(world):
    begin(world)
    expect(signs(world) == REJECTED, 'signed without a certificate')
    expect(encrypts(world) == REJECTED, 'encrypted without a certificate')
    import_alice(world)
    ctl(world, 'import', world.path('pki/paula.pem'))
    expect(signs(world) == ACCEPTED, 'not signed')
    expect(encrypts(world) == ACCEPTED, 'not encrypted')
    expect(world.log().count(': started') == 1, 'there was a reload')


def a_removal_serves_without_reload(world):
    begin(world)
    import_alice(world)
    ctl(world, 'import', world.path('pki/paula.pem'))
    expect(signs(world) == ACCEPTED, 'not signed')
    expect(encrypts(world) == ACCEPTED, 'not encrypted')
    for name in ('alice', 'paula'):
        ctl(world, 'remove', world.fingerprint(name))
        ctl(world, 'remove', world.fingerprint(name), code=1)
    expect(signs(world) == REJECTED, 'still signed')
    expect(encrypts(world) == REJECTED, 'still encrypted')


def a_later_authority_goes_along_with_the_next_signature(world):
    begin(world)
    world.join('alice-alone.pem', 'alice.pem', 'alice.key')
    ctl(world, 'import', world.path('alice-alone.pem'))
    code = send(world, ALICE, X)
    expect(code == ACCEPTED, 'not signed')
    try:
        judge.verify(world.read('out'), world.path('pki/ca.pem'), ALICE)
    except judge.Wrong:
        pass
    else:
        raise judge.Wrong('the chain was there already')
    ctl(world, 'import', world.path('pki/intermediate.pem'))
    expect(signs(world) == ACCEPTED, 'not signed')


def two_daemons_share_one_state(world):
    begin(world)
    other = World()
    try:
        other.start(RULES, MANAGED.replace('@W@/state',
                                           world.path('state')))
        import_alice(world)
        code, out, err = other.ctl('cert', 'import',
                                   other.path('pki/paula.pem'))
        expect(code == 0, out + err)
        for one in (world, other):
            expect(signs(one) == ACCEPTED, 'not signed')
            expect(encrypts(one) == ACCEPTED, 'not encrypted')
        ctl(world, 'remove', world.fingerprint('paula'))
        for one in (world, other):
            expect(encrypts(one) == REJECTED, 'still encrypted')
    finally:
        other.close()


def the_better_origin_is_shown(world):
    begin(world)
    for origin in ('harvested', 'imported', 'issued'):
        ctl(world, 'import', '--origin', origin,
            world.path('pki/paula.pem'))
        out = ctl(world, 'list', '--store', 'book', '--json')
        found = json.loads(out)
        expect(len(found) == 1, out)
        expect(found[0]['origin'] == (
            'harvested' if origin == 'harvested' else 'imported'), out)
    expect(encrypts(world) == ACCEPTED, 'not encrypted')


def a_fresh_store_serves_from_the_first_import_on(world):
    world.configure(RULES, MANAGED)
    code, out, err = world.ctl('check')
    expect(code == 0 and err.count('cert import --empty') == 1, out + err)
    world.start(RULES, MANAGED)
    expect(world.log().count('cert import --empty') == 1, world.log())
    expect(not os.path.exists(book(world)), 'the daemon has made it')
    expect(signs(world) == TEMPFAILED, 'no tempfail of a signature')
    expect(encrypts(world) == TEMPFAILED, 'no tempfail of an encryption')
    expect('new one is made' in import_alice(world), 'it is not said')
    expect(signs(world) == ACCEPTED, 'not signed')
    expect(encrypts(world) == REJECTED, 'encrypted without a certificate')
    expect('new one is made' not in ctl(world, 'import', '--empty'),
           'made anew')
    code, out, err = world.ctl('check')
    expect(code == 0 and 'cert import --empty' not in err, out + err)
    expect(signs(world) == ACCEPTED, 'not signed')


# ---- rights ----

def files_belong_to_the_user_and_keys_to_nobody_else(world):
    begin(world)
    import_alice(world)
    for path in files(world, ''):
        found = os.stat(path)
        expect(not found.st_mode & 0o007, path)
        if IS_ROOT:
            expect(found.st_uid == 65534, path)
    keys = files(world, '.key')
    expect(len(keys) == 2, str(keys))
    for path in keys:
        expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600, path)
        with open(path) as key:
            expect(key.read().startswith('-----BEGIN PRIVATE KEY'), path)


def a_key_that_others_may_read_does_not_sign(world):
    begin(world)
    import_alice(world)
    for path in files(world, '.key'):
        os.chmod(path, 0o644)
    expect(signs(world) == REJECTED, 'signed with an open key')
    signs(world)
    expect(world.log().count('holds a private key that is not used') == 1,
           world.log()[-600:])
    for path in files(world, '.key'):
        os.chmod(path, 0o600)
    expect(signs(world) == ACCEPTED, 'not signed')


def the_user_may_import_without_root(world):
    if not IS_ROOT:
        raise Skip('needs root')
    begin(world)
    path = world.write('paula.pem', world.read('pki/paula.pem'))
    os.chmod(world.path('smime-milter.conf'), 0o644)
    done = subprocess.run(
        [CTL, '-c', world.path('smime-milter.conf'), 'cert', 'import', path],
        user='nobody', capture_output=True)
    expect(done.returncode == 0, done.stderr.decode())
    expect(encrypts(world) == ACCEPTED, 'not encrypted')
    # Whoever cannot write the folder cannot import.
    done = subprocess.run(
        [CTL, '-c', world.path('smime-milter.conf'), 'cert', 'import', path],
        user='daemon', group='daemon', extra_groups=[],
        capture_output=True)
    expect(done.returncode == 3, done.stdout.decode())
    expect(b'smimectl: ' in done.stderr, done.stderr.decode())


def only_root_exports_a_key(world):
    if not IS_ROOT:
        raise Skip('needs root')
    begin(world)
    import_alice(world)
    done = subprocess.run(
        [CTL, '-c', world.path('smime-milter.conf'), 'cert', 'export',
         '--key', '-o', '/tmp/never', ALICE], user='nobody',
        capture_output=True)
    expect(done.returncode == 1, done.stderr.decode())
    expect(b'only root' in done.stderr, done.stderr.decode())


def check_tries_the_keys_as_the_user(world):
    if not IS_ROOT:
        raise Skip('needs root')
    world.configure(RULES, MANAGED)
    import_alice(world)
    code, out, err = world.ctl('check')
    expect(code == 0 and 'cannot read it' not in err, out + err)
    for path in files(world, '.key'):
        os.chown(path, 0, 0)
    code, out, err = world.ctl('check')
    expect(err.count('.key: user nobody cannot read it: Permission') == 2,
           out + err)
    for path in files(world, '.key'):
        os.chmod(path, 0o604)
    code, out, err = world.ctl('check')
    expect(err.count('holds a private key that is not used') == 2, out + err)


def check_has_no_more_rights_than_the_user(world):
    """Root's own groups do not help, and not every key is a line."""
    if not IS_ROOT:
        raise Skip('needs root')
    world.configure(RULES, MANAGED)
    import_alice(world)
    for path in files(world, '.key'):
        os.chown(path, 0, 0)
        os.chmod(path, 0o640)
    code, out, err = world.ctl('check')
    expect(err.count('.key: user nobody cannot read it: Permission') == 2,
           out + err)
    folder = os.path.dirname(path)
    for i in range(30):
        with open('%s/%064x.key' % (folder, i), 'w') as key:
            os.fchmod(key.fileno(), 0o644)
    code, out, err = world.ctl('check')
    expect(err.count('holds a private key that is not used') <= 20 and
           err.count(': 12 more keys cannot be used') == 1, out + err)


# ---- faults ----

def a_state_that_is_gone_is_a_tempfail(world):
    begin(world)
    import_alice(world)
    ctl(world, 'import', world.path('pki/paula.pem'))
    os.rename(world.path('state'), world.path('away'))
    expect(signs(world) == TEMPFAILED, 'no tempfail of a signature')
    expect(encrypts(world) == TEMPFAILED, 'no tempfail of an encryption')
    os.rename(world.path('away'), world.path('state'))
    expect(signs(world) == ACCEPTED, 'not signed')
    expect(encrypts(world) == ACCEPTED, 'not encrypted')


def broken_files_are_said_and_spoil_nothing(world):
    begin(world)
    import_alice(world)
    ctl(world, 'import', world.path('pki/paula.pem'))
    path = [p for p in files(world, '.der') if '/paula@' in p][0]
    shutil.copy(path, os.path.dirname(path) + '/' + 'a' * 64 + '.der')
    with open(os.path.dirname(path) + '/' + 'b' * 64 + '.der', 'w') as bad:
        bad.write('nothing')
    for name in os.listdir(os.path.dirname(path)):
        os.chmod(os.path.join(os.path.dirname(path), name), 0o644)
    for _ in range(3):
        expect(encrypts(world) == ACCEPTED, 'not encrypted')
    expect(world.log().count('another certificate than its name') == 1,
           world.log()[-900:])
    expect(world.log().count('is no certificate') == 1, world.log()[-900:])
    os.truncate(path, 100)
    expect(encrypts(world) == REJECTED, 'encrypted with half a certificate')
    ctl(world, 'import', world.path('pki/paula.pem'))
    expect(encrypts(world) == ACCEPTED, 'an import does not repair')


def one_bad_file_keeps_no_other_out(world):
    begin(world)
    bad = world.write('bad', b'nothing')
    out = ctl(world, 'import', bad, world.path('pki/paula.pem'),
              world.path('no/such'), code=3)
    expect('neither PEM nor' in out and 'No such file' in out, out)
    expect(encrypts(world) == ACCEPTED, 'not encrypted')


# ---- what the commands print and write ----

def every_export_is_read_by_openssl(world):
    if not IS_ROOT:
        raise Skip('needs root')
    begin(world)
    import_alice(world)
    secret = ['--password-file', world.path('password')]
    out = world.path('exported')
    log = ''
    for form, more, command in (
            ('pem', [], ['x509', '-noout', '-in', out]),
            ('der', [], ['x509', '-inform', 'DER', '-noout', '-in', out]),
            ('p7b', [], ['pkcs7', '-inform', 'DER', '-noout', '-in', out]),
            ('p12', secret, ['pkcs12', '-noout', '-passin', 'pass:secret',
                             '-in', out]),
            ('sst', [], None),
            ('pem', ['--key'], ['pkey', '-noout', '-in', out]),
            ('p12', ['--key', *secret],
             ['pkcs12', '-nocerts', '-noenc', '-passin', 'pass:secret',
              '-in', out])):
        log += ctl(world, 'export', '--format', form, *more, '-o', out,
                   world.fingerprint('alice'))
        mode = stat.S_IMODE(os.stat(out).st_mode)
        expect(mode == (0o600 if '--key' in more else 0o644), '%o' % mode)
        if command is not None:
            printed = judge.openssl(*command)
            expect('-nocerts' not in command or b'PRIVATE KEY' in printed,
                   'no key')
    # The key's way out is in the log (here: stderr), with who and which.
    expect(log.count('exports the private key of certificate ' +
                     world.fingerprint('alice')) == 2, log)
    expect('uid 0' in log, log)
    # There and back again.
    ctl(world, 'remove', world.fingerprint('alice'))
    ctl(world, 'import', *secret, out)
    expect(signs(world) == ACCEPTED, 'not signed')


def an_export_replaces_no_device(world):
    """Root would rename a file over it."""
    begin(world)
    ctl(world, 'import', world.path('pki/paula.pem'))
    pipe, link = world.path('pipe'), world.path('link')
    if IS_ROOT:
        os.mknod(world.path('null'), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        ctl(world, 'export', '-o', world.path('null'), PAULA)
        expect(stat.S_ISCHR(os.stat(world.path('null')).st_mode),
               'replaced the device')
    os.mkfifo(pipe)
    os.symlink(pipe, link)
    for path in (pipe, link):
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        ctl(world, 'export', '-o', path, PAULA)
        octets = os.read(reader, 65536)
        os.close(reader)
        expect(octets.startswith(b'-----BEGIN CERT'), str(octets))
        expect(stat.S_ISFIFO(os.stat(path).st_mode), 'replaced the pipe')
    for path in ('-', '/dev/stdout'):
        with open(world.path('redirected'), 'wb') as out:
            done = subprocess.run(
                [CTL, '-c', world.path('smime-milter.conf'), 'cert', 'export',
                 '-o', path, PAULA], stdout=out, stderr=subprocess.PIPE)
        expect(done.returncode == 0 and b' written to ' in done.stderr,
               done.stderr.decode())
        octets = world.read('redirected')
        expect(octets.startswith(b'-----BEGIN CERT') and
               octets.endswith(b'-----\n'), str(octets))
        ctl(world, 'export', '--json', '-o', path, PAULA, code=2)


def a_store_that_cannot_tell_hides_no_other(world):
    world.configure(RULES, MANAGED)  # and nobody has made the store
    out = ctl(world, 'show', ALICE, code=3)
    expect('is its file system mounted?' in out and
           world.fingerprint('alice') in out, out)
    path = world.path('exported')
    out = ctl(world, 'export', '-o', path, ALICE, code=3)
    expect('is its file system mounted?' in out, out)
    judge.openssl('x509', '-noout', '-in', path)
    out = ctl(world, 'show', 'nobody@example.com', code=3)
    expect('has a certificate' not in out, out)


def every_answer_has_a_form_for_programs(world):
    begin(world)
    sha256 = world.fingerprint('paula')
    ctl(world, 'import', '--json', world.path('pki/paula.pem'))
    found = json.loads(ctl(world, 'export', '--json', '-o',
                           world.path('exported'), '--store', 'book', PAULA))
    expect((found['file'], found['format'], found['with_keys'],
            found['certificates'][0]['sha256']) == (
                world.path('exported'), 'pem', False, sha256), str(found))
    for code in (0, 1):
        got, out, err = world.ctl('cert', 'remove', '--json', sha256)
        expect(got == code and json.loads(out) == [
            {'sha256': sha256, 'store': 'book', 'removed': code == 0}],
            '%d %s %s' % (got, out, err))
    got, out, err = world.ctl('crl', 'fetch', '--json')
    found = json.loads(out)
    expect(found == {'lines': [], 'failed': 0}, out + err)
    got, out, err = world.ctl('crl', 'import', '--json', world.path('no'))
    found = json.loads(out)
    expect(got == 1 and not found[0]['ok'] and found[0]['why'], out + err)


def exports_that_cannot_be_are_refused(world):
    begin(world)
    ctl(world, 'import', world.path('pki/paula.pem'))
    out = world.path('exported')
    for code, *arguments in (
            (2, '--format', 'pfx', '-o', out, PAULA),
            (2, PAULA),
            (2, '--format', 'p12', '-o', out, PAULA),
            (2, '-o', out, 'nonsense'),
            (1, '-o', out, 'nobody@partner.example'),
            (1, '-o', out, '0' * 64),
            (2, '-o', out, '--store', 'none', PAULA),
            (1, '-o', out, '--store', 'staff', PAULA),
            (1, '--key', '-o', out, PAULA),
            (3, '-o', world.path('no/such'), PAULA)):
        ctl(world, 'export', *arguments, code=code)
        expect(not os.path.exists(out), str(arguments))


def show_tells_everything(world):
    begin(world)
    import_alice(world)
    sha256 = world.fingerprint('alice')
    for word in (ALICE, sha256, sha256.upper(),
                 world.path('pki/alice.pem')):
        out = ctl(world, 'show', word)
        for piece in (sha256, ALICE, 'digitalSignature', 'emailProtection',
                      'rsa-2048', 'trusted    yes', 'issuer     CN='):
            expect(piece in out, '%s lacks %s:\n%s' % (word, piece, out))
        found = json.loads(ctl(world, 'show', '--json', word))
        mine = [c for c in found if c['sha256'] == sha256]
        expect(len(mine) >= 1 and mine[0]['trusted'], str(found))
        expect(mine[0]['key_usage'][0] == 'digitalSignature', str(mine))
        expect({'store', 'addresses', 'subject', 'issuer', 'serial',
                'not_before', 'not_after', 'key', 'has_key', 'may',
                'origin', 'refused'} <= set(mine[0]), str(mine))
    out = ctl(world, 'show', world.path('pki/untrusted.pem'))
    expect('trusted    no: ' in out, out)
    ctl(world, 'show', 'nobody@example.com', code=1)
    ctl(world, 'show', 'nonsense', code=2)
    ctl(world, 'show', world.path('no/such'), code=3)
    ctl(world, 'show', world.path('pki/alice.p12'), code=3)
    ctl(world, 'show', '--password-file', world.path('password'),
        world.path('pki/alice.p12'))


def imports_that_cannot_be_are_refused(world):
    world.configure(RULES, MANAGED)
    paula = world.path('pki/paula.pem')
    for code, *arguments in (
            (2, 'import'), (2, 'remove'),
            (2, 'import', '--store', 'staff', paula),
            (2, 'import', '--origin', 'found', paula),
            (3, 'import', world.path('pki/alice.p12')),
            (2, 'remove', 'paula')):
        ctl(world, *arguments, code=code)
    two = MANAGED.replace(
        'stores = (', 'stores = (\n\t{ name = "two"; type = "managed"; },')
    world.configure(RULES, two)
    out = ctl(world, 'import', paula, code=2)
    expect('which of the managed stores' in out, out)
    ctl(world, 'import', '--store', 'two', paula)
    world.configure('', COMMON)
    out = ctl(world, 'import', paula, code=2)
    expect('no store of the type "managed"' in out, out)


TESTS = [
    an_import_serves_without_reload,
    a_removal_serves_without_reload,
    a_later_authority_goes_along_with_the_next_signature,
    two_daemons_share_one_state,
    the_better_origin_is_shown,
    a_fresh_store_serves_from_the_first_import_on,
    files_belong_to_the_user_and_keys_to_nobody_else,
    a_key_that_others_may_read_does_not_sign,
    the_user_may_import_without_root,
    only_root_exports_a_key,
    check_tries_the_keys_as_the_user,
    check_has_no_more_rights_than_the_user,
    a_state_that_is_gone_is_a_tempfail,
    broken_files_are_said_and_spoil_nothing,
    one_bad_file_keeps_no_other_out,
    every_export_is_read_by_openssl,
    an_export_replaces_no_device,
    a_store_that_cannot_tell_hides_no_other,
    every_answer_has_a_form_for_programs,
    exports_that_cannot_be_are_refused,
    show_tells_everything,
    imports_that_cannot_be_are_refused,
]


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
