#!/usr/bin/env python3
"""pkcs11_test.py [-v] [WORD]...: keys on tokens (SoftHSM 2), end to end."""
import glob
import json
import os
import signal
import sys

from daemon_test import X, in_a_world, mail
from harness import (COMMON, IS_ROOT, Skip, Wrong, expect, judge, run_each,
                     wait_for)
from load_test import is_sanitized
from processes import only_worker, status
from softhsm import Tokens

ALICE, CAROL, BOB = ('%s@example.com' % name
                     for name in ('alice', 'carol', 'bob'))
MAILS = 2000
RULES = '''
sign = ( { name = "files"; sender = "bob@example.com"; stores = "bob"; },
	{ name = "card"; sender = "*@example.com"; stores = "hsm"; %s } );
'''
SELF = RULES + '''
encrypt = ( { name = "partners"; recipient = "paula@partner.example";
	sender = "*@example.com"; stores = "partners"; to_self = true;
	otherwise = "reject"; } );
'''


def fill(world, *names):
    tokens = Tokens(world)
    tokens.make('mail')
    for number, name in enumerate(names):
        tokens.put('mail', name, '%02d' % (number + 1))
    tokens.put('mail', 'intermediate', '77', key=False)
    return tokens


def with_store(text):
    return COMMON.replace('stores = (', 'stores = (\n\t%s,' % text)


def start(world, tokens, rules=RULES % '', uri='pkcs11:token=mail', **more):
    return world.start(rules, with_store(tokens.store(uri, **more)))


def send(world, sender, recipient=X):
    """The exit status of mtasim, and the mail that came back."""
    code, printed = world.sim(
        '-s', world.socket, '-f', sender, '-t', recipient, '-o',
        world.path('out'), mail(world, sender))
    return code, (world.read('out') if code == 0 else printed.encode())


def must_sign(world, sender):
    code, octets = send(world, sender)
    expect(code == 0, 'a mail got: %r' % octets)
    judge.verify(octets, world.pki + '/ca.pem', sender)


def is_signed(world, sender):
    return send(world, sender)[0] == 0


def must_wait(world, sender):
    code, octets = send(world, sender)
    expect(code == 2, 'not a tempfail but %d: %r' % (code, octets))


# ---- what a token is used for ----

def a_key_on_a_token_signs(world):
    tokens = fill(world, 'alice', 'carol')
    start(world, tokens)
    for sender in (ALICE, CAROL, BOB):
        must_sign(world, sender)
    # A system call that a worker no longer has was not missed.
    if 'Seccomp' in status(os.getpid()) and not is_sanitized() and \
            'keep all system calls' not in world.log():
        worker = only_worker(world.daemon)
        expect(status(worker)['Seccomp'] == ['2'], 'no sandbox')


def pss_signatures_too(world):
    tokens = fill(world, 'alice')
    start(world, tokens, RULES % 'scheme = "pss"; form = "opaque";')
    must_sign(world, ALICE)


def the_key_never_leaves_the_token(world):
    tokens = fill(world, 'alice', 'carol')
    start(world, tokens)
    must_sign(world, ALICE)
    keys = tokens.access('mail')
    expect(len(keys) == 2, '%d keys' % len(keys))
    for access in keys:
        expect('sensitive' in access and 'extractable' not in access,
               'a key can be read: %s' % access)


def the_sender_reads_his_copy(world):
    tokens = fill(world, 'alice')
    start(world, tokens, SELF % '')
    code, octets = send(world, ALICE, 'paula@partner.example')
    expect(code == 0, 'a mail got: %r' % octets)
    for name in ('alice', 'paula'):
        inside = judge.decrypt(octets, world.pki + '/%s.pem' % name,
                               world.pki + '/%s.key' % name)
        judge.verify(inside.entity, world.pki + '/ca.pem', ALICE)
    inside = tokens.decrypt('mail', 'alice', octets)
    if inside is not None:
        judge.verify(inside.entity, world.pki + '/ca.pem', ALICE)


def load_arguments(world, mails, *more):
    mix = ''.join('%s x@elsewhere.example signed %d\n' % (sender, size)
                  for sender in (ALICE, CAROL) for size in (400, 3000))
    return ('load', '-s', world.socket, '--mix', world.write(
        'mix', mix.encode()), '-n', str(mails), '-c', '8', '-k', '7',
        '--check-signer', '--verify', '50', '--json', *more)


def eight_clients_never_get_each_others_key(world):
    tokens = fill(world, 'alice', 'carol')
    start(world, tokens)
    code, printed = world.sim(*load_arguments(world, MAILS), timeout=600)
    counts = json.loads(printed.splitlines()[0])
    expect(code == 0 and counts['signed'] == counts['mails'] == MAILS, printed)
    if '-v' in sys.argv:
        print(printed.strip())


def under_load(world, disturb):
    """What mtasim counted while that went on."""
    enough = world.path('enough')
    session = world.sim_begin(*load_arguments(world, 10 ** 8, '--until',
                                              enough))
    try:
        wait_for(lambda: world.log().count('result=ok') > 50, 20, 'mails')
        disturb()
    finally:
        world.write('enough', b'')
        printed = session.communicate(timeout=300)[0]
    # Mails that have to wait are complained of in front of it.
    found = [line for line in printed.splitlines() if line.startswith('{')]
    expect(len(found) == 1, printed[-1000:])
    return json.loads(found[0]), printed[-1000:]


def reloads_under_load_lose_nothing(world):
    """Two workers have the token open at the same time."""
    tokens = fill(world, 'alice', 'carol')
    start(world, tokens)

    def disturb():
        for _ in range(4):
            code, out, err = world.ctl('reload')
            expect(code == 0, out + err)
    counts, printed = under_load(world, disturb)
    expect(counts['signed'] == counts['mails'] > 0, printed)


def a_token_pulled_under_load_lets_nothing_out(world):
    """Unsigned, or signed by somebody else: mails wait, no more."""
    tokens = fill(world, 'alice', 'carol')
    daemon = start(world, tokens)
    worker = only_worker(daemon)

    def disturb():
        for count in (1, 2):
            tokens.pull()
            wait_for(lambda: world.log().count('no such token') >= count, 30,
                     'a word in the log')
            tokens.push()
            wait_for(lambda: is_signed(world, ALICE), 60, 'the token')
    counts, printed = under_load(world, disturb)
    for bad in ('unsigned', 'wrong_signer', 'mixed_up', 'rejected',
                'violations', 'io_errors'):
        expect(counts[bad] == 0, printed)
    expect(counts['tempfailed'] > 0 and counts['signed'] > 0, printed)
    expect(counts['signed'] + counts['tempfailed'] == counts['mails'],
           printed)
    expect(only_worker(daemon) == worker, 'the worker was replaced')


def the_system_knows_its_modules(world):
    """Without `module` it is all that p11-kit has been told of."""
    if not glob.glob('/usr/share/p11-kit/modules/softhsm*') or \
            not glob.glob('/usr/lib*/**/p11-kit-proxy.so'):
        raise Skip('SoftHSM is not registered with p11-kit here')
    tokens = fill(world, 'alice')
    start(world, tokens, module_too=False)
    must_sign(world, ALICE)


def a_certificate_put_there_later_serves_after_a_reload(world):
    tokens = fill(world, 'alice')
    daemon = start(world, tokens)
    code, octets = send(world, CAROL)
    expect(code == 0 and b'multipart/signed' not in octets, 'signed already')
    worker = only_worker(daemon)
    tokens.put('mail', 'carol', '09')
    code, out, err = world.ctl('reload')
    expect(code == 0, out + err)
    only_worker(daemon, other_than=worker)
    must_sign(world, CAROL)


# ---- what can be wrong ----

def a_wrong_pin_starts_nothing(world):
    tokens = fill(world, 'alice')
    text = tokens.store('pkcs11:token=mail')
    world.write('pin', b'9999\n', 0o600)
    try:
        world.start(RULES % '', with_store(text))
    except (OSError, Wrong) as why:
        expect('the PIN in password_file is wrong' in str(why), str(why))
    else:
        expect(False, 'it started')
    # So that nobody starts it again and again, until the card is locked.
    status = world.daemon.process.wait(60)
    expect(status == 77, 'exit status %d' % status)
    world.daemon = None
    code, out, err = world.ctl('check')
    expect(code == 1 and 'the PIN in password_file is wrong' in err and
           'could not start' in out, out + err)


def a_pin_that_is_wrong_later_ends_the_daemon(world):
    """Each new worker would be one more try."""
    tokens = fill(world, 'alice')
    daemon = start(world, tokens)
    must_sign(world, ALICE)
    world.write('pin', b'9999\n', 0o600)
    code, out, err = world.ctl('reload')
    expect(code == 1 and 'the PIN in password_file is wrong' in out + err,
           out + err)
    must_sign(world, ALICE)
    os.kill(only_worker(daemon), signal.SIGKILL)
    status = daemon.process.wait(60)
    expect(status == 77, 'exit status %d' % status)
    expect('a PIN was refused' in world.log(), 'no word in the log')
    world.daemon = None


def a_missing_module_is_a_bad_configuration(world):
    tokens = fill(world, 'alice')
    tokens.module = '/nowhere/at-all.so'
    try:
        start(world, tokens)
    except (OSError, Wrong) as why:
        expect('module cannot be loaded' in str(why), str(why))
    status = world.daemon.process.wait(60)
    expect(status == 1, 'exit status %d' % status)
    world.daemon = None


def check_finds_what_the_daemon_would(world):
    tokens = fill(world, 'alice')
    world.configure(RULES % '', with_store(
        tokens.store('pkcs11:token=mail')))
    code, out, err = world.ctl('check')
    expect(code == 0 and 'hsm' not in err, out + err)
    code, out, err = world.ctl('cert', 'find', ALICE)
    expect(code == 0 and 'alice' in out, out + err)
    tokens.pull()
    code, out, err = world.ctl('check')
    expect(code == 0 and 'warning: ' in err and 'no such token' in err,
           out + err)


def check_looks_with_the_eyes_of_the_user(world):
    if not IS_ROOT:
        raise Skip('needs root')
    tokens = fill(world, 'alice')
    world.configure(RULES % '', with_store(
        tokens.store('pkcs11:token=mail')))
    os.chown(tokens.folder, 0, 0)
    code, out, err = world.ctl('check')
    expect(code == 0 and 'warning: ' in err and 'store hsm' in err, out + err)


def a_missing_module_starts_nothing(world):
    tokens = fill(world, 'alice')
    tokens.module = '/nowhere/at-all.so'
    world.configure(RULES % '', with_store(
        tokens.store('pkcs11:token=mail')))
    code, out, err = world.ctl('check')
    expect(code == 1 and 'module cannot be loaded' in err, out + err)


# ---- tokens that come and go ----

def a_token_may_come_after_the_start(world):
    tokens = fill(world, 'alice')
    tokens.pull()
    daemon = start(world, tokens)
    worker = only_worker(daemon)
    expect('no such token' in world.log(), 'no word in the log')
    must_wait(world, ALICE)
    must_sign(world, BOB)
    tokens.push()
    wait_for(lambda: is_signed(world, ALICE), 60, 'the token')
    must_sign(world, ALICE)
    expect(only_worker(daemon) == worker, 'the worker was replaced')


def a_missing_token_hides_no_other_store(world):
    tokens = fill(world, 'alice')
    tokens.pull()
    start(world, tokens)
    code, out, err = world.ctl('cert', 'list')
    expect(code == 3 and 'no such token' in err, 'exit %d: %s' % (code, err))
    expect(BOB in out, 'the other store is not listed: ' + out)


def a_token_that_comes_back_signs_again(world):
    tokens = fill(world, 'alice', 'carol')
    daemon = start(world, tokens)
    worker = only_worker(daemon)
    must_sign(world, ALICE)
    tokens.pull()
    for _ in range(3):
        must_wait(world, ALICE)
        must_sign(world, BOB)
    wait_for(lambda: 'no such token' in world.log(), 20, 'a word in the log')
    must_wait(world, CAROL)
    tokens.push()
    wait_for(lambda: is_signed(world, ALICE), 60, 'the token')
    for sender in (ALICE, CAROL, BOB):
        must_sign(world, sender)
    expect(only_worker(daemon) == worker, 'the worker was replaced')
    expect('opened again' in world.log(), 'no word in the log')


TESTS = (
    a_key_on_a_token_signs, pss_signatures_too,
    the_key_never_leaves_the_token, the_sender_reads_his_copy,
    eight_clients_never_get_each_others_key, reloads_under_load_lose_nothing,
    a_token_pulled_under_load_lets_nothing_out, the_system_knows_its_modules,
    a_certificate_put_there_later_serves_after_a_reload,
    a_wrong_pin_starts_nothing, a_pin_that_is_wrong_later_ends_the_daemon,
    a_missing_module_is_a_bad_configuration, check_finds_what_the_daemon_would,
    check_looks_with_the_eyes_of_the_user, a_missing_module_starts_nothing,
    a_token_may_come_after_the_start,
    a_missing_token_hides_no_other_store, a_token_that_comes_back_signs_again,
)


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
