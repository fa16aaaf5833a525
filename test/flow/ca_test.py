#!/usr/bin/env python3
"""ca_test.py [-v] [WORD]...: smimectl ca makes an authority; what it issues
serves the daemon at once, and openssl judges all of it."""
import http.server
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time

from harness import (CTL, IS_ROOT, Skip, expect, in_a_world, judge, run_each,
                     wait_for)
from softhsm import Tokens

ALICE, PAULA, X = ('alice@house.example', 'paula@partner.example',
                   'x@elsewhere.example')
CONF = '''
listen = { socket = "@SOCKET@"; mode = "0600"; };
control = { socket = "@W@/control.sock"; };
user = "nobody";
state = "@W@/state";
pid_file = "@W@/smime-milter.pid";
log = { level = "debug"; to = "stderr"; };
stores = ( { name = "book"; type = "managed"; } );
ca_user = "nobody";
ca = ( { name = "house"; path = "@W@/authorities/house";
	password_file = "@W@/passphrase"; key = "p-256";
	domains = [ "house.example", "partner.example" ];
	crl_url = "http://127.0.0.1:@PORT@/house.crl";
	crl_file = "@W@/web/house.crl"; } );
ca_templates = ( { name = "quick"; days = 20; key = "p-256"; } );
'''
RULES = '''
trust = { anchors = "@W@/root.cer"; crls = "@W@/web"; };
sign = ( { sender = "*@house.example"; stores = "book";
	otherwise = "reject"; } );
encrypt = ( { recipient = "*@partner.example"; stores = "book";
	otherwise = "reject"; } );
'''
CREATE = ('create', '--root', 'House Root', '--issuer', 'House Issuer',
          '--subject', 'O=House\\, Inc., C=DE')
PLAIN = (b'From: %s\r\nTo: %s\r\nSubject: kept\r\n\r\nDear reader, this is '
         b'a mail.\r\n')
DONE, NO, USAGE, TROUBLE = range(4)


def ca(world, *arguments, code=DONE):
    got, out, err = world.ctl('ca', *arguments)
    expect(got == code, 'ca %s: %d\n%s%s' % (' '.join(arguments), got, out,
                                             err))
    return out + err


def listed(world, *arguments):
    got, out, err = world.ctl('ca', 'list', '--json', *arguments)
    expect(got == DONE, out + err)
    return json.loads(out)


def prepare(world, rules='', conf=CONF):
    world.write('passphrase', b'open sesame\n', 0o600)
    os.mkdir(world.path('web'))
    if IS_ROOT:
        shutil.chown(world.path('web'), 'nobody')
    world.configure(rules, conf.replace('@PORT@', '9'))


def make_store(world):
    code, out, err = world.ctl('cert', 'import', '--empty')
    expect(code == DONE, out + err)


def begin(world, rules='', conf=CONF):
    prepare(world, rules, conf)
    ca(world, *CREATE)
    make_store(world)


def house(world, *parts):
    return os.path.join(world.folder, 'authorities/house', *parts)


def openssl(world, *arguments, code=0):
    done = subprocess.run(['openssl', *arguments], cwd=world.folder,
                          capture_output=True)
    expect((done.returncode == 0) == (code == 0), 'openssl %s: %s' % (
        ' '.join(arguments), done.stderr.decode()))
    return done.stdout.decode()


def send(world, sender, recipient):
    message = world.write('mail', PLAIN % (sender.encode(),
                                           recipient.encode()))
    return world.sim('-s', world.socket, '-f', sender, '-t', recipient, '-o',
                     world.path('out'), message)[0]


def issuing_chain(world):
    """Certificates that end where openssl begins."""
    openssl(world, 'x509', '-inform', 'DER', '-in', 'root.cer', '-out',
            'root.pem')


# ---- all of it ----

def from_nothing_to_a_signed_and_an_encrypted_mail(world):
    prepare(world, RULES)
    make_store(world)
    for line in (CREATE, ('root', '-o', world.path('root.cer')),
                 ('issue', '--name', 'Alice Adams', ALICE),
                 ('issue', '--external', '-o', world.path('paula.pem'),
                  PAULA)):
        ca(world, *line)
    ca(world, 'crl')
    world.start(RULES, CONF.replace('@PORT@', '9'))
    issuing_chain(world)
    expect(send(world, ALICE, X) == 0, 'not signed: ' + world.log()[-500:])
    judge.verify(world.read('out'), world.path('root.pem'), ALICE)
    expect(send(world, ALICE, PAULA) == 0,
           'not encrypted: ' + world.log()[-500:])
    found = listed(world, PAULA)[0]
    password = openssl(world, 'pkey', '-in', house(world, 'escrow.key'),
                       '-passin', 'file:passphrase', '-outform', 'DER',
                       '-out', 'escrow.der') or subprocess.run(
        ['sha256sum', world.path('escrow.der')], capture_output=True,
        check=True).stdout.decode().split()[0]
    openssl(world, 'pkey', '-in',
            house(world, 'certificates', found['serial'] + '.pem'),
            '-passin', 'pass:' + password, '-out', 'paula.key')
    clear = judge.decrypt(world.read('out'), world.path('paula.pem'),
                          world.path('paula.key'))
    expect(clear, 'not decrypted')


def a_later_one_serves_without_a_reload(world):
    begin(world, RULES)
    ca(world, 'root', '-o', world.path('root.cer'))
    ca(world, 'crl')
    world.start(RULES, CONF.replace('@PORT@', '9'))
    expect(send(world, ALICE, X) == 1, 'signed with nothing')
    ca(world, 'issue', '--template', 'quick', ALICE)
    expect(send(world, ALICE, X) == 0, 'not signed: ' + world.log()[-500:])
    issuing_chain(world)
    judge.verify(world.read('out'), world.path('root.pem'), ALICE)
    expect(world.log().count(': started') == 1, 'there was a reload')


def what_is_revoked_signs_no_more(world):
    begin(world, RULES)
    ca(world, 'root', '-o', world.path('root.cer'))
    ca(world, 'issue', '--template', 'quick', ALICE)
    ca(world, 'revoke', '--reason', 'keyCompromise', ALICE)
    world.start(RULES, CONF.replace('@PORT@', '9'))
    expect(send(world, ALICE, X) == 1, 'still signed')
    ca(world, 'issue', '--template', 'quick', ALICE)
    expect(send(world, ALICE, X) == 0, 'not signed with the new one')


def old_keys_go_on_decrypting_after_a_renewal(world):
    begin(world)
    ca(world, 'issue', '--template', 'quick', ALICE)
    ca(world, 'renew', '--within', '30')
    ca(world, 'renew', '--within', '30', '--same-key')
    entries = listed(world, ALICE)
    expect(len(entries) == 3 and all(e['state'] == 'valid' for e in entries),
           entries)
    code, out, _ = world.ctl('cert', 'list', '--store', 'book', '--json')
    expect(code == DONE, out)
    expect(sum(cert['has_key'] for cert in json.loads(out)) == 3, out)
    # What has a successor is not renewed again.
    ca(world, 'renew', '--within', '19')
    expect(len(listed(world, ALICE)) == 3, 'renewed too early')


def several_authorities_have_one_default_and_do_not_mix(world):
    rest = ('domains = [ "house.example" ]; key = "p-256"; '
            'password_file = "@W@/passphrase"; }')
    begin(world, conf=CONF.replace('name = "house";',
                                   'name = "house"; default = true;').replace(
        'house.crl"; } );', 'house.crl"; },\n\t{ name = "yard"; '
        'path = "@W@/authorities/yard"; ' + rest + ' );'))
    ca(world, 'create', '--ca', 'yard', '--root', 'Yard Root', '--issuer',
       'Yard Issuer')
    ca(world, 'issue', '--template', 'quick', ALICE)
    ca(world, 'issue', '--ca', 'yard', '--template', 'quick', ALICE)
    for name, other, more in (('house', 'yard', ()),
                              ('yard', 'house', ('--ca', 'yard'))):
        entry, = listed(world, *more)
        pem = 'authorities/%s/certificates/%s.pem' % (name, entry['serial'])
        for which, code in ((name, 0), (other, 1)):
            folder = 'authorities/' + which
            openssl(world, 'verify', '-CAfile', folder + '/root.pem',
                    '-untrusted', folder + '/issuer.pem', pem, code=code)
    ca(world, 'revoke', '--ca', 'yard', listed(world)[0]['serial'], code=NO)


# ---- many ----

def a_table_becomes_certificates(world):
    begin(world)
    table = world.write('people.csv', (
        'name;address;who;template;days\r\n'
        '"Adams; Alice";%s;internal;quick;\r\n'
        'Jörg;jörg@house.example;;quick;3\r\n'
        'Paula;%s;external;quick;\r\n' % (ALICE, PAULA)).encode())
    ca(world, 'issue', '--csv', table)
    entries = {e['address']: e for e in listed(world)}
    expect(set(entries) == {ALICE, 'jörg@house.example', PAULA}, entries)
    expect(entries[ALICE]['name'] == 'Adams; Alice', entries)
    expect(entries[PAULA]['internal'] is False and
           entries[ALICE]['internal'] is True, entries)
    for entry in entries.values():
        openssl(world, 'verify', '-x509_strict', '-purpose', 'smimesign',
                '-CAfile', house(world, 'root.pem'), '-untrusted',
                house(world, 'issuer.pem'),
                house(world, 'certificates', entry['serial'] + '.pem'))


def one_bad_line_of_a_table_issues_nothing(world):
    begin(world)
    for bad in ('x@foreign.example,quick,', 'x,quick,', 'x@house.example,no,',
                'x@house.example,quick,many',
                'x@house.example,quick,30000'):
        table = world.write('people.csv', (
            'address,template,days\n%s,quick,\n%s\n' % (ALICE, bad)).encode())
        code, out, err = world.ctl('ca', 'issue', '--csv', table)
        expect(code in (NO, USAGE) and err, '%s: %d %s' % (bad, code, err))
        expect(listed(world) == [], bad)
    table = world.write('people.csv', b'name\nx\n')
    expect('people.csv:1: ' in ca(world, 'issue', '--csv', table,
                                  code=TROUBLE), 'no line')


def all_are_those_who_have_none(world):
    begin(world)
    ca(world, 'issue', '--template', 'quick', ALICE)
    users = world.write('users', (
        '# a table of Postfix\n%s  maildir\nbob@house.example  maildir\n'
        'nobody maildir\n' % ALICE).encode())
    said = ca(world, 'issue', '--template', 'quick', '--all', users)
    expect('nobody' in said, said)
    expect(sorted(e['address'] for e in listed(world)) ==
           [ALICE, 'bob@house.example'], listed(world))
    ca(world, 'issue', '--template', 'quick', '--all', users)
    expect(len(listed(world)) == 2, 'issued again')


# ---- whatever happens in the middle ----

def killed_at_any_time_all_agree(world):
    begin(world)
    ca(world, 'issue', '--external', '--template', 'quick', PAULA)
    addresses = ['u%d@house.example' % i for i in range(4)]
    rounds, killed = 40, 0
    random.seed(7)
    for number in range(rounds):
        serials = [e['serial'] for e in listed(world, '--state', 'valid')]
        command = ['issue', '--external', '--template', 'quick', *addresses]
        if number % 2 and serials:
            command = ['revoke', random.choice(serials)]
        process = subprocess.Popen(
            [CTL, '-c', world.path('smime-milter.conf'), 'ca', *command],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(random.uniform(0.0, 1.2))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        said = ca(world, 'audit')
        expect('smimectl:' not in said, said)
    ca(world, 'crl')
    ca(world, 'list', '--check')
    entries = listed(world)
    expect(len({e['serial'] for e in entries}) == len(entries), 'twice')
    revoked = sum(e['state'] == 'revoked' for e in entries)
    text = openssl(world, 'crl', '-inform', 'DER', '-in', 'web/house.crl',
                   '-noout', '-text')
    expect(text.count('Serial Number') == revoked, text)
    expect(killed > 0, 'nothing was killed')


def a_damaged_file_is_named_and_left_out(world):
    two = CONF.replace('type = "managed"; }', 'type = "managed"; },\n\t'
                       '{ name = "other"; type = "managed"; }')
    begin(world)
    world.configure('', two.replace('@PORT@', '9'))
    ca(world, 'issue', '--external', '--template', 'quick', PAULA)
    path = house(world, 'certificates', listed(world)[0]['serial'] + '.pem')
    os.truncate(path, 100)
    world.configure('', CONF.replace('@PORT@', '9'))
    said = ca(world, 'issue', '--template', 'quick', ALICE, code=TROUBLE)
    expect('%s: left out: %s' % (PAULA, path) in said and
           '1 of 2 certificates had to be left out' in said, said)
    expect([one['filed'] for one in listed(world)] == [False, True],
           'filed all the same, or stopped')


def two_at_once_wait_for_each_other(world):
    begin(world)
    processes = [subprocess.Popen(
        [CTL, '-c', world.path('smime-milter.conf'), 'ca', 'issue',
         '--external', '--template', 'quick',
         *['p%d-%d@partner.example' % (k, i) for i in range(40)]],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for k in range(3)]
    for process in processes:
        expect(process.wait(120) == DONE, 'one has failed')
    expect(len(listed(world)) == 120, 'not all')
    ca(world, 'list', '--check')


def who_waits_too_long_says_for_whom(world):
    begin(world)
    ca(world, 'issue', '--external', '--template', 'quick', PAULA)
    process = subprocess.Popen(['flock', house(world, 'lock'), 'sleep', '3'])
    try:
        time.sleep(0.2)
        said = ca(world, 'issue', '--external', '--template', 'quick', PAULA)
        expect('waiting for process' in said, said)
    finally:
        process.wait()


def a_full_disk_leaves_nothing_half_done(world):
    prepare(world)
    os.mkdir(world.path('authorities'))
    if not IS_ROOT or subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', 'size=400k', 'none',
             world.path('authorities')], capture_output=True).returncode:
        raise Skip('no small file system can be mounted')
    try:
        ca(world, *CREATE)
        make_store(world)
        addresses = ['u%d@partner.example' % i for i in range(32)]
        for _ in range(20):
            code, _, err = world.ctl('ca', 'issue', '--external',
                                     '--template', 'quick', *addresses)
            if code != DONE:
                break
        expect(code == TROUBLE and 'No space left' in err, err)
        ca(world, 'list', '--check')
        expect(len(listed(world)) % 32 == 0, 'half a batch')
        os.remove(house(world, 'root.key'))
        expect(os.listdir(house(world, 'new')) == [], 'something is left')
    finally:
        subprocess.run(['umount', world.path('authorities')], check=True)


# ---- refused ----

REFUSED = [
    ('foreign domain', NO, ('issue', 'x@foreign.example'), 'domains'),
    ('a control character', NO, ('issue', 'x\x01@house.example'), 'control'),
    ('no address', NO, ('issue', 'alice'), 'no address'),
    ('too many days', NO, ('issue', '--days', '20000', ALICE),
     'more than the issuer'),
    ('days that are none', USAGE, ('issue', '--days', 'x', ALICE), '--days'),
    ('an unknown template', USAGE, ('issue', '--template', 'x', ALICE),
     'no template'),
    ('nobody', USAGE, ('issue',), 'for whom'),
    ('an unknown authority', USAGE, ('issue', '--ca', 'x', ALICE),
     'no authority'),
    ('no request', NO, ('issue', '--csr', '/dev/null', ALICE), 'PKCS#10'),
    ('a request for two', USAGE, ('issue', '--csr', '/dev/null', ALICE, X),
     'one address'),
    ('nothing to revoke', NO, ('revoke', PAULA), 'no certificate'),
    ('an unknown reason', USAGE, ('revoke', '--reason', 'x', PAULA),
     'no reason'),
    ('created twice', NO, CREATE, 'is there already'),
    ('a URL that nobody serves', NO, ('issue', '--check-url', ALICE),
     'house.crl'),
    ('a list that is none', NO, ('crl', '--import', '/dev/null'),
     'no revocation list'),
]


def what_cannot_be_is_refused_with_a_sentence(world):
    begin(world)
    for label, code, arguments, says in REFUSED:
        said = ca(world, *arguments, code=code)
        expect(says in said and said.count('\n') == 1,
               '%s: %s' % (label, said))
    expect(listed(world) == [], 'something was issued')
    ca(world, 'list', '--check')


def a_wrong_passphrase_is_said(world):
    begin(world)
    world.write('passphrase', b'close sesame\n', 0o600)
    said = ca(world, 'issue', ALICE, code=TROUBLE)
    expect('passphrase is not the right one' in said, said)
    world.write('passphrase', b'open sesame\n', 0o604)
    said = ca(world, 'issue', ALICE, code=TROUBLE)
    expect('everybody may read' in said, said)


def the_same_name_for_both_makes_nothing(world):
    prepare(world)
    said = ca(world, 'create', '--root', 'A', '--issuer', 'a', code=NO)
    expect('same name' in said, said)
    expect(os.listdir(world.path('authorities')) == []
           if os.path.exists(world.path('authorities')) else True, 'left')


def a_journal_edited_by_hand_stops_everything(world):
    begin(world)
    ca(world, 'issue', '--external', '--template', 'quick', PAULA)
    with open(house(world, 'journal'), 'r+b') as journal:
        octets = journal.read().replace(b'paula@', b'peter@')
        journal.seek(0)
        journal.write(octets)
    for command in (('list',), ('audit',), ('issue', ALICE), ('crl',)):
        said = ca(world, *command, code=TROUBLE)
        expect('does not follow' in said, said)


# ---- the web, the timer, the daemon ----

def the_url_is_tried_before_it_is_fixed(world):
    prepare(world)
    handler = type('Quiet', (http.server.SimpleHTTPRequestHandler,), {
        'log_message': lambda *_: None,
        '__init__': lambda self, *a: http.server.SimpleHTTPRequestHandler
        .__init__(self, *a, directory=world.path('web'))})
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        world.configure('', CONF.replace('@PORT@',
                                         str(server.server_address[1])))
        ca(world, *CREATE)
        make_store(world)
        arguments = ('issue', '--check-url', '--external', '--template',
                     'quick', PAULA)
        ca(world, *arguments, code=NO)
        ca(world, 'crl')
        ca(world, *arguments)
    finally:
        server.shutdown()
        server.server_close()


def as_nobody():
    os.setgid(65534)
    os.setuid(65534)


def the_timer_needs_no_root(world):
    if not IS_ROOT:
        raise Skip('only root can become another')
    begin(world)
    shutil.chown(world.path('passphrase'), 'nobody')
    command = [CTL, '-c', world.path('smime-milter.conf'), 'ca', 'crl',
               '--if-due']
    for words_said in ('a new revocation list', ''):
        done = subprocess.run(command, preexec_fn=as_nobody, text=True,
                              capture_output=True)
        expect(done.returncode == DONE, done.stderr)
        expect(words_said in done.stdout and
               bool(words_said) == bool(done.stdout), done.stdout)
    # Root does it with the same rights.
    ca(world, 'crl')
    for where, _, names in os.walk(house(world)):
        for name in names:
            st = os.stat(os.path.join(where, name))
            expect(st.st_uid == 65534, '%s belongs to %d' % (name, st.st_uid))
            expect('.key' not in name or not st.st_mode & 0o077, name)
    st = os.stat(world.path('web/house.crl'))
    expect(st.st_uid == 65534 and stat.S_IMODE(st.st_mode) == 0o644,
           'the list: %o' % st.st_mode)
    expect(stat.S_IMODE(os.stat(house(world)).st_mode) == 0o700, 'the folder')


def the_daemon_says_when_no_list_is_there(world):
    begin(world, RULES.replace('crls = "@W@/web"; ', ''))
    ca(world, 'root', '-o', world.path('root.cer'))
    rules = RULES.replace('crls = "@W@/web"; ', '')
    world.start(rules, CONF.replace('@PORT@', '9'))

    def concerns():
        code, out, err = world.ctl('--json', 'status')
        expect(code == DONE, err)
        return [line for line in json.loads(out)['concerns']
                if 'authority house' in line]
    lines = wait_for(concerns, 20, 'a word in the status')
    expect('no revocation list' in lines[0], lines)


def the_issuers_key_may_lie_on_a_token(world):
    tokens = Tokens(world)
    tokens.make('ca')
    tokens.put('ca', 'alice', '01')
    conf = CONF.replace('stores = (', 'stores = ( %s,' % tokens.store(
        'pkcs11:token=ca')).replace('crl_url', 'key_store = "hsm"; crl_url')
    prepare(world, conf=conf)
    if IS_ROOT:
        shutil.chown(world.path('pin'), 'nobody')
    ca(world, *CREATE)
    make_store(world)
    expect(not os.path.exists(house(world, 'issuer.key')), 'a key in a file')
    ca(world, 'issue', '--external', '--template', 'quick', PAULA)
    ca(world, 'crl')
    ca(world, 'list', '--check')
    serial = listed(world)[0]['serial']
    openssl(world, 'verify', '-x509_strict', '-CAfile',
            house(world, 'root.pem'), '-untrusted',
            house(world, 'issuer.pem'),
            house(world, 'certificates', serial + '.pem'))
    tokens.pull()
    said = ca(world, 'issue', '--external', PAULA, code=TROUBLE)
    expect('hsm' in said, said)
    tokens.push()
    tokens.put('ca', 'bob', '02')
    ca(world, 'crl')
    shutil.rmtree(house(world))
    said = ca(world, *CREATE, code=TROUBLE)
    expect('just one' in said, said)


def a_list_is_handed_to_a_command(world):
    script = world.path('publish')
    world.write('publish', b'#!/bin/sh\nopenssl crl -inform DER -in "$1" '
                b'-noout >%s/called\n' % world.folder.encode(), 0o755)
    begin(world, conf=CONF.replace('crl_file', 'crl_command = "%s"; crl_file'
                                   % script))
    ca(world, 'crl')
    expect(os.path.exists(world.path('called')), 'not called')
    world.write('publish', b'#!/bin/sh\nexit 3\n', 0o755)
    expect('exit code 3' in ca(world, 'crl', code=TROUBLE), 'not said')


def every_act_is_in_the_audit(world):
    begin(world)
    ca(world, 'issue', '--template', 'quick', ALICE)
    ca(world, 'supersede', ALICE)
    ca(world, 'root', '--key', world.path('root.key'), '--remove-key')
    logged = ca(world, 'crl').splitlines()[-1]
    with open(house(world, 'journal')) as journal:
        last = journal.read().splitlines()[-1]
    expect('last one is ' + last.split()[0] in logged, logged)
    said = ca(world, 'audit')
    for act in (' create ', ' issue ', ' file ', ' revoke ', ' crl ',
                ' export-root-key', ' remove-root-key'):
        expect(act in said, '%s: %s' % (act, said))
    expect(stat.S_IMODE(os.stat(world.path('root.key')).st_mode) == 0o600,
           'anybody reads the key')
    expect(not os.path.exists(house(world, 'root.key')), 'still there')
    states = [e['state'] for e in listed(world, ALICE)]
    expect(sorted(states) == ['superseded', 'valid'], states)


def principal(world, serial):
    """What openssl reads there, by the numbers of the structure."""
    openssl(world, 'x509', '-in', house(world, 'certificates',
                                        serial + '.pem'), '-out', 'one.pem')
    text = openssl(world, 'x509', '-in', 'one.pem', '-noout', '-ext',
                   'subjectAltName')
    return text.partition('UPN')[2].strip(': \n')


def a_principal_name_of_its_own_is_kept_and_checked(world):
    begin(world, conf=CONF.replace('name = "quick";',
                                   'name = "quick"; upn = true;'))
    quick = ('issue', '--template', 'quick')
    ca(world, *quick, '--upn', 'a.l\u00fcth@corp.local', ALICE)
    table = world.write('people.csv', b'address;upn\n'
                        b'bob@house.example;bob@corp.local\n'
                        b'carol@house.example;\n')
    ca(world, *quick, '--csv', table)
    ca(world, 'renew', ALICE)
    names = {}
    for entry in listed(world):
        names.setdefault(entry['address'], []).append(
            principal(world, entry['serial']))
    expect(names == {ALICE: ['a.l\u00fcth@corp.local'] * 2,
                     'bob@house.example': ['bob@corp.local'],
                     'carol@house.example': ['carol@house.example']},
           str(names))
    for label, name in (('no realm', 'dave'), ('nothing behind it', 'dave@'),
                        ('nothing before it', '@corp.local'),
                        ('two realms', 'dave@corp@local'),
                        ('a blank', 'da ve@corp.local'),
                        ('a control character', 'da\x07ve@corp.local'),
                        ('a C1 control character', 'da\x85ve@corp.local'),
                        ('not UTF-8', os.fsdecode(b'da\xffve@corp.local')),
                        ('too long', 'd' * 1024 + '@corp.local')):
        out = ca(world, *quick, '--upn', name, 'dave@house.example', code=NO)
        expect('of the form user@realm' in out, label + ': ' + out)
    out = ca(world, 'issue', '--upn', 'dave@corp.local', 'dave@house.example',
             code=NO)
    expect('has no user principal name' in out, out)
    out = ca(world, *quick, '--upn', 'dave@corp.local', 'dave@house.example',
             'eve@house.example', code=USAGE)
    expect('for one address' in out, out)
    expect(len(listed(world)) == 4, 'issued nevertheless')


TESTS = [
    from_nothing_to_a_signed_and_an_encrypted_mail,
    a_later_one_serves_without_a_reload,
    what_is_revoked_signs_no_more,
    old_keys_go_on_decrypting_after_a_renewal,
    several_authorities_have_one_default_and_do_not_mix,
    a_table_becomes_certificates,
    one_bad_line_of_a_table_issues_nothing,
    a_principal_name_of_its_own_is_kept_and_checked,
    all_are_those_who_have_none,
    killed_at_any_time_all_agree,
    a_damaged_file_is_named_and_left_out,
    two_at_once_wait_for_each_other,
    who_waits_too_long_says_for_whom,
    a_full_disk_leaves_nothing_half_done,
    what_cannot_be_is_refused_with_a_sentence,
    a_wrong_passphrase_is_said,
    the_same_name_for_both_makes_nothing,
    a_journal_edited_by_hand_stops_everything,
    the_url_is_tried_before_it_is_fixed,
    the_timer_needs_no_root,
    the_daemon_says_when_no_list_is_there,
    the_issuers_key_may_lie_on_a_token,
    a_list_is_handed_to_a_command,
    every_act_is_in_the_audit,
]


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
