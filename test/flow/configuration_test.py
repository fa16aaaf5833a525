#!/usr/bin/env python3
"""configuration_test.py [-v] [WORD]...: what is wrong in a configuration is
said with file, line and sentence, by the daemon and by `smimectl check`, and
nothing starts."""
import os
import re
import subprocess
import sys

from daemon_test import in_a_world
from harness import COMMON, DAEMON, Tally, expect, words

WRONG = {
    'syntax': ('sign = ( { sender = ; } );', r':\d+: .*syntax'),
    'unknown_setting': ('colour = "blue";', r':\d+: .*colour'),
    'unknown_in_rule': ('sign = ( { sender = "*@example.com"; stores = '
                        '"staff"; colour = "blue"; } );', r':\d+: .*colour'),
    'wildcard_with_certificate': (
        'sign = ( { sender = "*@example.com"; stores = "staff"; certificate '
        '= "subject:CN=alice"; } );', r':\d+: '),
    'unknown_cipher': ('encrypt = ( { recipient = "*@example.com"; stores = '
                       '"staff"; cipher = "rot13"; otherwise = "reject"; } );',
                       r':\d+: .*rot13'),
    'otherwise_is_missing': (
        'encrypt = ( { recipient = "*@example.com"; stores = "staff"; } );',
        r':\d+: .*otherwise'),
    'unknown_store': ('sign = ( { sender = "*@example.com"; stores = '
                      '"nowhere"; } );', r':\d+: .*nowhere'),
    'lone_star': ('sign = ( { sender = "*"; stores = "staff"; } );',
                  r':\d+: .*\*@\*'),
    'two_strings_without_comma': (
        'sign = ( { sender = [ "a@example.com" "b@example.com" ]; stores = '
        '"staff"; } );', r':\d+: '),
    'split_needs_a_port': ('mixed = "split";',
                           r':\d+: .*needs reinject'),
    'tnef_is_of_a_later_version': (
        'sign = ( { sender = "*@example.com"; stores = "staff"; tnef = true; '
        '} );', r':\d+: .*not in this version'),
    'size_is_no_number': ('limits = { message = "many"; };', r':\d+: '),
    'login_map_is_missing': ('login_map = "@W@/none"; sign = ( { sender = '
                             '"*@example.com"; stores = "staff"; '
                             'from_must_be = "login"; } );', r':\d+: .*none'),
}


def a_wrong_configuration_starts_nothing(world, name):
    rules, wanted = WRONG[name]
    world.configure(rules)
    done = subprocess.run(
        [DAEMON, '-f', '-c', world.path('smime-milter.conf')],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    told = done.stderr.decode()
    expect(done.returncode == 1, 'exit status %d: %s' % (
        done.returncode, told))
    expect(re.search('smime-milter.conf' + wanted, told),
           'it says: ' + told)
    expect(not os.path.exists(world.path('milter.sock')), 'a socket is left')
    expect(not os.path.exists(world.path('smime-milter.pid')),
           'a pid file is left')
    code, out, err = world.ctl('check')
    expect(code == 1 and re.search('smime-milter.conf' + wanted, out + err),
           'check says %d: %s%s' % (code, out, err))


STORE = '''stores = ( { name = "s"; type = "file"; path = "@W@/%s";
	password_file = "@W@/%s"; } );
sign = ( { sender = "*@example.com"; stores = "s"; } );
'''
NO_STORES = COMMON[:COMMON.index('stores = (')]


def wrong_store(world, path, password, wanted):
    world.configure(STORE % (path, password), NO_STORES)
    done = subprocess.run(
        [DAEMON, '-f', '-c', world.path('smime-milter.conf')],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    told = done.stderr.decode()
    expect(done.returncode == 1, 'exit status %d' % done.returncode)
    expect(re.search(r'smime-milter.conf:\d+: .*' + wanted, told),
           'it says: ' + told)
    expect('wrong-one' not in told, 'the password is told')


def a_wrong_password_is_said(world):
    world.write('pass2', b'wrong-one\n', 0o600)
    wrong_store(world, 'pki/alice.p12', 'pass2', 'password')


def a_readable_password_file_is_refused(world):
    world.write('pass2', b'secret\n', 0o644)
    wrong_store(world, 'pki/alice.p12', 'pass2', 'pass2')


def a_missing_store_is_said(world):
    wrong_store(world, 'nowhere.p12', 'password', 'nowhere.p12')


def a_key_that_does_not_match_is_said(world):
    world.join('odd.pem', 'alice.pem', 'bob.key')
    world.configure(STORE.replace('password_file = "@W@/%s";', '') %
                    'odd.pem', NO_STORES)
    code, out, err = world.ctl('check')
    expect(code == 0 and re.search(
        r'warning: .*smime-milter.conf:\d+: .*odd.pem: .*key.*matches no', err),
        'check says %d: %s%s' % (code, out, err))


TESTS = [a_wrong_password_is_said, a_readable_password_file_is_refused,
         a_missing_store_is_said, a_key_that_does_not_match_is_said]


def main():
    tally = Tally(words())
    for test in TESTS:
        if tally.wants(test.__name__):
            tally.run(test.__name__, in_a_world, test)
    for name in WRONG:
        if tally.wants(name):
            tally.run('a_wrong_configuration: ' + name, in_a_world,
                      a_wrong_configuration_starts_nothing, name)
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
