#!/usr/bin/env python3
"""ca_wanted_test.py [-v] [WORD]...: senders who log in and have no certificate
are noted, and get one without anybody asking."""
import json
import os
import shutil
import stat
import sys

from harness import expect, in_a_world, run_each

ALICE, X = 'alice@house.example', 'x@elsewhere.example'
CONF = '''
listen = { socket = "@SOCKET@"; mode = "0600"; };
control = { socket = "@W@/control.sock"; };
user = "nobody";
state = "@W@/state";
pid_file = "@W@/smime-milter.pid";
log = { level = "debug"; to = "stderr"; };
stores = ( { name = "book"; type = "managed"; } );
ca_user = "nobody";
ca = ( { name = "house"; path = "@W@/house"; store = "book";
	password_file = "@W@/passphrase"; key = "p-256"; wanted_day = 3; } );
ca_templates = ( { name = "staff"; key = "p-256"; days = 30;
	domains = "house.example"; } );
'''
RULES = '''
sign = ( { sender = "*@*"; stores = "book"; wanted = true;
	otherwise = "pass"; } );
'''
PLAIN = (b'From: %s\r\nTo: x@elsewhere.example\r\nSubject: kept\r\n\r\nDear '
         b'reader, this is a mail.\r\n')


def ctl(world, *arguments, code=0):
    got, out, err = world.ctl(*arguments)
    expect(got == code, '%s: %d\n%s%s' % (' '.join(arguments), got, out, err))
    return out if '--json' in arguments else out + err


def begin(world, rules=RULES):
    world.write('passphrase', b'open sesame\n', 0o600)
    world.configure(rules, CONF)
    ctl(world, 'ca', 'create', '--root', 'House Root', '--issuer', 'House')
    ctl(world, 'cert', 'import', '--empty')
    world.start(rules, CONF)


def send(world, sender, login=True):
    message = world.write('mail', PLAIN % sender.encode())
    more = ['--client', '203.0.113.66', '--port', '1025', '--auth',
            'somebody'] if login else []
    code, out = world.sim('-s', world.socket, '-f', sender, '-t', X, *more,
                          '-o', world.path('out'), message)
    expect(code == 0, out)
    return b'multipart/signed' in world.read('out')


def noted(world):
    folder = world.path('state/wanted')
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def issue(world):
    return [one['address'] for one in json.loads(
        ctl(world, 'ca', 'issue', '--wanted', '--json'))]


def who_logs_in_and_has_none_gets_one(world):
    begin(world)
    expect(not send(world, ALICE), 'signed with nothing')
    send(world, ALICE)
    names = noted(world)
    expect(len(names) == 1, str(names))
    path = world.path('state/wanted/' + names[0])
    expect(world.read(path) == ALICE.encode(), 'more than the address')
    expect(not os.stat(path).st_mode & (stat.S_IROTH | stat.S_IWOTH),
           'others may read it')
    expect(issue(world) == [ALICE], 'not issued')
    expect(send(world, ALICE), 'not signed: ' + world.log()[-500:])
    expect(issue(world) == [] and noted(world) == [], 'not forgotten')


def who_has_not_logged_in_is_not_noted(world):
    begin(world)
    send(world, ALICE, login=False)
    expect(noted(world) == [], str(noted(world)))


def without_wanted_nobody_is_noted(world):
    begin(world, RULES.replace('wanted = true;', ''))
    send(world, ALICE)
    expect(noted(world) == [], str(noted(world)))


def a_try_out_notes_nobody(world):
    begin(world)
    message = world.write('mail', PLAIN % ALICE.encode())
    ctl(world, 'test', '--auth', 'somebody', '--client', '192.0.2.1', message)
    expect(noted(world) == [], str(noted(world)))


def only_those_of_a_template_are_issued_for(world):
    begin(world)
    send(world, 'eve@foreign.example')
    send(world, ALICE)
    expect(issue(world) == [ALICE], 'for others as well')


def no_more_than_the_limit_within_a_day(world):
    begin(world)
    for number in range(5):
        send(world, 'user%d@house.example' % number)
    expect(len(issue(world)) == 3, 'not three')
    expect(issue(world) == [], 'more than the limit')


def what_people_ask_for_does_not_count(world):
    begin(world)
    for number in range(5):
        ctl(world, 'ca', 'issue', '--template', 'staff', '--external',
            'partner%d@house.example' % number)
        send(world, 'user%d@house.example' % number)
    expect(len(issue(world)) == 3, 'not three')
    expect(issue(world) == [], 'more than the limit')
    lines = ctl(world, 'ca', 'audit').splitlines()
    expect(sum('wanted' in line for line in lines) == 3, '\n'.join(lines))


def begin_two(world):
    """For house.example alone, and for everybody."""
    conf = CONF.replace('wanted_day = 3;', 'domains = "house.example";') \
        .replace('key = "p-256"; domains', 'key = "p-256"; default = true; '
                 'domains') \
        .replace('''"staff"; key = "p-256"; days = 30;
	domains = "house.example";''', '''"staff"; key = "p-256"; days = 9;
	domains = [ "house.example", "branch.example" ];''')
    row = conf[conf.index('ca = (') + 6:conf.index('ca_templates')]
    row = row[:row.index(' } );') + 2]
    other = row.replace('"house"', '"two"').replace('/house', '/two') \
        .replace('domains = "house.example";', '') \
        .replace('default = true;', '')
    conf = conf.replace(row, row + ',' + other)
    world.write('passphrase', b'open sesame\n', 0o600)
    world.configure(RULES, conf)
    for name in ('house', 'two'):
        ctl(world, 'ca', 'create', '--ca', name, '--root', name + ' Root',
            '--issuer', name + ' Issuer')
    ctl(world, 'cert', 'import', '--empty')
    world.start(RULES, conf)


def listed(world, name):
    return sorted(one['address'] for one in json.loads(
        ctl(world, 'ca', 'list', '--ca', name, '--json')))


def each_authority_issues_for_its_domains_and_one_for_a_note(world):
    begin_two(world)
    bob = 'bob@branch.example'
    for sender in (bob, ALICE, 'eve@foreign.example'):
        send(world, sender)
    expect(sorted(issue(world)) == [ALICE, bob], 'not each once')
    expect(listed(world, 'house') == [ALICE] and
           listed(world, 'two') == [bob], 'by the wrong authority')
    expect(send(world, ALICE) and send(world, bob), 'not signed')
    expect(issue(world) == [], 'again')


def who_has_one_of_another_authority_gets_no_second(world):
    begin_two(world)
    send(world, ALICE)
    ctl(world, 'ca', 'issue', '--ca', 'two', ALICE)
    expect(issue(world) == [], 'a second one')
    expect(noted(world) == [], 'not forgotten')


def all_authorities_renew_and_one_in_trouble_stops_no_other(world):
    begin_two(world)
    bob = 'bob@branch.example'
    for sender in (bob, ALICE):
        send(world, sender)
    issue(world)
    out = ctl(world, 'ca', 'renew', '--json', '--within', '10')
    expect(sorted(one['address'] for one in json.loads(out)) == [ALICE, bob],
           out)
    os.rename(world.path('house/issuer.pem'), world.path('house/gone'))
    code, out, err = world.ctl('ca', 'renew', '--json', '--within', '10')
    expect(code == 3 and '/house' in err, err)
    expect([one['address'] for one in json.loads(out)] == [bob], out)
    send(world, 'carol@branch.example')
    send(world, 'dave@house.example')
    code, out, err = world.ctl('ca', 'issue', '--wanted', '--json')
    expect(code == 3 and '/house' in err, err)
    expect([one['address'] for one in json.loads(out)] ==
           ['carol@branch.example'], out)
    code, out, err = world.ctl('ca', 'renew', '--ca', 'two', '--json')
    expect(code == 0, 'not this one alone: ' + err)
    os.rename(world.path('house/gone'), world.path('house/issuer.pem'))
    expect(issue(world) == ['dave@house.example'], 'what waits is forgotten')


def what_is_written_to_a_file_is_of_one_authority(world):
    begin_two(world)
    send(world, ALICE)
    out = ctl(world, 'ca', 'issue', '--wanted', '-o', world.path('pem'),
              code=2)
    expect('--ca says which' in out, out)
    ctl(world, 'ca', 'issue', '--wanted', '--ca', 'house', '-o',
        world.path('pem'))
    expect(world.read('pem').count(b'BEGIN CERT') > 0, 'nothing written')


def what_somebody_put_there_is_removed_with_a_word(world):
    begin(world)
    send(world, ALICE)
    folder = world.path('state/wanted/')
    names = noted(world)
    shutil.copy(folder + names[0], folder + 'f' * 64)
    with open(folder + '0' * 64, 'w') as out:
        out.write('a@house.example\nBcc: b@house.example')
    os.symlink(world.path('passphrase'), folder + '1' * 64)
    os.mkfifo(folder + '2' * 64)
    said = ctl(world, 'ca', 'issue', '--wanted')
    for number in 'f012':
        expect('%s: removed: ' % (folder + number * 64) in said, said)
    expect('open sesame' not in said, said)
    expect(noted(world) == names, 'something else is left')
    expect([one['address'] for one in json.loads(
        ctl(world, 'ca', 'list', '--json'))] == [ALICE], 'something else')


TESTS = (who_logs_in_and_has_none_gets_one,
         who_has_not_logged_in_is_not_noted,
         without_wanted_nobody_is_noted,
         a_try_out_notes_nobody,
         only_those_of_a_template_are_issued_for,
         no_more_than_the_limit_within_a_day,
         what_people_ask_for_does_not_count,
         each_authority_issues_for_its_domains_and_one_for_a_note,
         who_has_one_of_another_authority_gets_no_second,
         all_authorities_renew_and_one_in_trouble_stops_no_other,
         what_is_written_to_a_file_is_of_one_authority,
         what_somebody_put_there_is_removed_with_a_word)


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
