#!/usr/bin/env python3
"""concerns_test.py [-v] [WORD]...: what an administrator is told although
mail flows: certificates that end soon."""
import json
import os
import re
import subprocess
import sys

from harness import COMMON, Tally, World, expect, wait_for, words

RULES = '''
sign = ( { sender = "*@soon.example"; stores = "staff"; } );
'''
MANAGED = COMMON.replace(
    'stores = (', 'stores = (\n\t{ name = "book"; type = "managed"; },')
SOON, REPLACED, DISTANT = ('edna@soon.example', 'egon@soon.example',
                           'emil@soon.example')


def make(world, name, address, days, folder='staff'):
    """A certificate of its own making that ends so many days from now."""
    paths = [world.path('%s.%s' % (name, end)) for end in ('key', 'crt')]
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
         'ec_paramgen_curve:P-256', '-nodes', '-days', str(days), '-subj',
         '/CN=%s' % name, '-addext', 'subjectAltName=email:' + address,
         '-addext', 'basicConstraints=CA:FALSE', '-keyout', paths[0],
         '-out', paths[1]], check=True, capture_output=True)
    octets = b''.join(open(path, 'rb').read() for path in paths)
    return world.write('%s/%s.pem' % (folder, name), octets, 0o600)


def make_people(world):
    make(world, 'edna', SOON, 5)
    make(world, 'egon-old', REPLACED, 5)
    make(world, 'egon', REPLACED, 400)
    make(world, 'emil', DISTANT, 31)


def about(lines):
    return [line for line in lines if '.example> ' in line]


def concerns(world):
    code, answer, why = world.ctl('--json', 'status')
    expect(code == 0, why)
    return json.loads(answer)['concerns']


def status_names_what_ends_soon_and_has_no_successor(world):
    make_people(world)
    world.start(RULES)
    lines = wait_for(lambda: concerns(world), 20, 'a word in the status')
    expect(len(lines) == 1 and re.search(SOON + '.* in [45] days', lines[0]),
           'it says %s' % lines)
    expect('with its key' in lines[0], 'the key is not mentioned')
    code, text, _ = world.ctl('status')
    expect(code == 0 and 'to look at' in text and SOON in text, text)


def the_log_warns_once_a_day_whatever_is_reloaded(world):
    make_people(world)
    world.start(RULES)
    wait_for(lambda: SOON in world.log(), 20, 'a warning in the log')
    expect(world.ctl('reload')[0] == 0, 'no reload')
    wait_for(lambda: concerns(world), 20, 'a word of the new worker')
    expect(world.log().count(SOON) == 1, world.log())


def nothing_is_said_when_nothing_ends(world):
    world.start(RULES)
    code, text, _ = world.ctl('status')
    expect(code == 0 and 'to look at' not in text, text)


def check_warns_before_the_daemon_runs(world):
    make_people(world)
    world.configure(RULES)
    code, _, problems = world.ctl('check')
    lines = about(problems.splitlines())
    expect(code == 0 and len(lines) == 1 and SOON in lines[0],
           'exit %d, %s' % (code, problems))


def managed_stores_are_looked_at_too(world):
    """For certificates with a key that end, and for successors."""
    def bring(*arguments):
        code, out, why = world.ctl('cert', 'import', make(
            world, *arguments, '.'))
        expect(code == 0, out + why)
        return out.split()[0]
    world.configure(RULES, MANAGED)
    code, out, why = world.ctl('cert', 'import', '--empty')
    expect(code == 0, out + why)
    edna = bring('edna', SOON, 5)
    bring('emil', DISTANT, 400)
    make(world, 'egon-old', REPLACED, 5)
    bring('egon', REPLACED, 400)
    code, _, problems = world.ctl('check')
    lines = about(problems.splitlines())
    expect(code == 0 and len(lines) == 1 and SOON in lines[0],
           'exit %d, %s' % (code, problems))
    world.start(RULES, MANAGED)
    lines = wait_for(lambda: concerns(world), 20, 'a word in the status')
    expect(len(lines) == 1 and 'store book' in lines[0] and
           SOON in lines[0] and 'with its key' in lines[0], str(lines))
    code, out, why = world.ctl('cert', 'remove', edna)
    expect(code == 0, out + why)
    code, _, problems = world.ctl('check')
    expect(code == 0 and not about(problems.splitlines()), problems)


EMPTY = COMMON.replace(
    'stores = (', 'stores = (\n\t{ name = "book"; type = "managed"; },\n\t'
    '{ name = "empty"; type = "directory"; path = "@DIR@/empty"; },')
SOURCES = '''
sign = (
	{ name = "signs"; sender = "*@a.example"; stores = "book";
	  otherwise = "reject"; },
	{ name = "keyless"; sender = "*@b.example"; stores = "partners";
	  otherwise = "tempfail"; },
	{ name = "may"; sender = "*@c.example"; stores = "empty"; },
	{ name = "good"; sender = "*@d.example"; stores = "staff";
	  otherwise = "reject"; }
);
encrypt = (
	{ name = "strict"; recipient = "*@a.example"; stores = [ "empty",
	  "book" ]; otherwise = "reject"; },
	{ name = "by mode"; recipient = "*@b.example"; stores = "empty";
	  mode = "mandatory"; },
	{ name = "lax"; recipient = "*@c.example"; stores = "empty";
	  otherwise = "pass"; },
	{ name = "none"; recipient = "*@d.example"; mode = "none"; },
	{ name = "ready"; recipient = "*@e.example"; stores = [ "empty",
	  "partners" ]; otherwise = "reject"; },
	{ name = "asks"; recipient = "*@f.example"; stores = "ad";
	  otherwise = "reject"; },
	{ name = "lines"; table = "@W@/table"; mode = "none"; },
	{ name = "line"; table = "@W@/other"; mode = "none"; }
);
'''


def check_warns_of_rules_that_must_be_kept_without_any_source(world):
    os.mkdir(world.path('empty'))
    # A line may bring stores of its own, and is judged by them.
    world.write('table', b'g.example mode=mandatory stores=partners\n')
    world.write('other', b'h.example mode=mandatory stores=empty\n')
    common = EMPTY.replace('@DIR@', world.path('')).replace(
        'stores = (', 'stores = (\n\t{ name = "ad"; type = "ldap"; '
        'uri = "ldap://127.0.0.1:1"; base = "dc=example"; },')
    world.configure(SOURCES, common)
    code, out, why = world.ctl('cert', 'import', '--empty')
    expect(code == 0, out + why)
    code, _, problems = world.ctl('check')
    found = re.findall(r'rule "([^"]+)" must be kept, .* to (\w+) with in its '
                       r'stores \((.*)\)', problems)
    expect(code == 0 and found == [
        ('signs', 'sign', 'book'), ('keyless', 'sign', 'partners'),
        ('strict', 'encrypt', 'empty, book'),
        ('by mode', 'encrypt', 'empty'), ('line', 'encrypt', 'empty')], 'exit %d, %s' % (code, problems))


TESTS = [
    check_warns_of_rules_that_must_be_kept_without_any_source,
    status_names_what_ends_soon_and_has_no_successor,
    the_log_warns_once_a_day_whatever_is_reloaded,
    nothing_is_said_when_nothing_ends,
    check_warns_before_the_daemon_runs,
    managed_stores_are_looked_at_too,
]


def main():
    tally = Tally(words())
    for test in TESTS:
        if not tally.wants(test.__name__):
            continue
        world = World(common=COMMON)
        try:
            tally.run(test.__name__, test, world)
        finally:
            world.close()
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
