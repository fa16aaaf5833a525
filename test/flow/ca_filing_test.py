#!/usr/bin/env python3
"""ca_filing_test.py [-v] [WORD]...: the authority's user, who is neither root
nor the daemon's, hands what it issues to the daemon over the control socket."""
import grp
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys

from harness import (CTL, HERE, IS_ROOT, Skip, expect, in_a_world, run_each,
                     wait_for)

ALICE, X = 'alice@house.example', 'x@elsewhere.example'
DAEMON, FILER, OTHER = 'nobody', 'games', 'daemon'
CONF = '''
listen = { socket = "@SOCKET@"; mode = "0600"; };
control = { socket = "@W@/control.sock"; group = "@GROUP@";
	writers = [ "games" ]; };
user = "nobody";
state = "@W@/state";
pid_file = "@W@/smime-milter.pid";
log = { level = "debug"; to = "stderr"; };
stores = ( { name = "book"; type = "managed"; } );
ca_user = "games";
ca = ( { name = "house"; path = "@W@/house"; store = "book";
	password_file = "@W@/passphrase"; key = "p-256"; } );
ca_templates = ( { name = "staff"; key = "p-256"; days = 30;
	domains = "house.example"; } );
'''
RULES = '''
sign = ( { sender = "*@*"; stores = "book"; wanted = true;
	otherwise = "pass"; } );
'''
PLAIN = (b'From: %s\r\nTo: x@elsewhere.example\r\nSubject: kept\r\n\r\nDear '
         b'reader, this is a mail.\r\n')
# The request line, then its bytes, on standard input; these go when the daemon
# says so.
PEER = r'''
import os, socket, sys
os.setgroups([int(sys.argv[5])])
os.setgid(int(sys.argv[4]))
os.setuid(int(sys.argv[3]))
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
line, _, data = sys.stdin.buffer.read().partition(b"\n")
peer.sendall(line + b"\n")
first = peer.recv(2)
if first == b"+\n":
    peer.sendall(data)
    if sys.argv[2] == "end":
        peer.shutdown(socket.SHUT_WR)
    if sys.argv[2] == "hold":
        print("held", flush=True)
    first = b""
while True:
    more = peer.recv(4096)
    if not more:
        break
    first += more
sys.stdout.buffer.write(first)
'''


def who(name):
    entry = pwd.getpwnam(name)
    return {'user': entry.pw_uid, 'group': entry.pw_gid,
            'extra_groups': [pwd.getpwnam(DAEMON).pw_gid]}


def as_filer(world, *arguments, code=0):
    done = subprocess.run(
        [CTL, '-c', world.path('smime-milter.conf'), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, cwd='/',
        **who(FILER))
    out, err = done.stdout.decode(), done.stderr.decode()
    expect(done.returncode == code, '%s: %d\n%s%s' % (
        ' '.join(arguments), done.returncode, out, err))
    return out if '--json' in arguments else out + err


def begin(world, start=True):
    if not IS_ROOT:
        raise Skip('needs root, to be several users')
    group = grp.getgrgid(pwd.getpwnam(DAEMON).pw_gid).gr_name
    conf = CONF.replace('@GROUP@', group)
    os.chmod(world.path('state'), 0o750)
    shutil.chown(world.path('state'), DAEMON, group)
    world.write('passphrase', b'open sesame\n', 0o600)
    shutil.chown(world.path('passphrase'), FILER)
    world.configure(RULES, conf)
    for arguments in (('ca', 'create', '--root', 'House Root', '--issuer',
                       'House'), ('cert', 'import', '--empty')):
        code, out, err = world.ctl(*arguments)
        expect(code == 0, out + err)
    if start:
        world.start(RULES, conf)
    return conf


def send(world):
    message = world.write('mail', PLAIN % ALICE.encode())
    code, out = world.sim('-s', world.socket, '-f', ALICE, '-t', X,
                          '--client', '203.0.113.66', '--port', '1025',
                          '--auth', 'somebody', '-o', world.path('out'),
                          message)
    expect(code == 0, out)
    return b'multipart/signed' in world.read('out')


def peer_begin(world, name, request, data=b'', how='stay'):
    numbers = who(name)
    peer = subprocess.Popen(
        [sys.executable, '-c', PEER, world.path('control.sock'), how,
         str(numbers['user']), str(numbers['group']),
         str(numbers['extra_groups'][0])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    peer.stdin.write(request.encode() + b'\n' + data)
    peer.stdin.close()
    return peer


def peer(world, name, request, data=b'', how='stay'):
    with peer_begin(world, name, request, data, how) as process:
        answer = process.stdout.read().decode()
    answer = answer.removeprefix('held\n')
    return answer[:1], answer[2:]


def openssl(world, *arguments):
    subprocess.run(['openssl', *arguments], check=True, capture_output=True,
                   cwd=world.folder)


def make(world, name, address, *more):
    """A certificate that signs itself, and its key."""
    openssl(world, 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:P-256', '-nodes', '-days', '9', '-subj',
            '/CN=' + name, '-addext', 'subjectAltName=email:' + address,
            '-addext', 'basicConstraints=CA:' + (more or ('FALSE',))[0],
            '-keyout', name + '.key', '-out', name + '.pem')
    return world.read(name + '.pem') + world.read(name + '.key')


def filed(world):
    """Names of files in the store, without authorities, and keys alone."""
    return sorted(os.path.join(folder, name) for folder, _, names
                  in os.walk(world.path('state/stores/book'))
                  if '/authorit' not in folder for name in names)


def the_authoritys_user_files_what_it_issues(world):
    begin(world)
    expect(not send(world), 'signed with nothing')
    expect(len(os.listdir(world.path('state/wanted'))) == 1, 'not noted')
    issued = json.loads(as_filer(world, 'ca', 'issue', '--wanted', '--json'))
    expect([one['address'] for one in issued] == [ALICE], str(issued))
    listed = json.loads(as_filer(world, 'ca', 'list', '--json'))
    expect(listed[0]['filed'], str(listed))
    expect(send(world), 'not signed: ' + world.log()[-800:])
    expect(os.listdir(world.path('state/wanted')) == [], 'not forgotten')
    expect('is filed for user number %d' % who(FILER)['user'] in world.log(),
           'nothing in the log')
    keys = 0
    for path in filed(world):
        about = os.stat(path)
        expect(about.st_uid == pwd.getpwnam(DAEMON).pw_uid, path)
        with open(path, 'rb') as file:
            is_key = b'PRIVATE KEY' in file.read()
        keys += is_key
        expect(not is_key or stat.S_IMODE(about.st_mode) == 0o600, path)
    expect(keys > 0, 'no key in the store')


def partners_are_filed_without_a_key(world):
    begin(world)
    as_filer(world, 'ca', 'issue', '--external', 'paula@house.example')
    expect(filed(world), 'not filed')
    for path in filed(world):
        with open(path, 'rb') as file:
            expect(b'PRIVATE' not in file.read(), path)


def what_was_issued_and_not_filed_is_filed_by_the_next_run(world):
    conf = begin(world, start=False)
    world.write('answers', b'may-file book|0|\n')
    with subprocess.Popen(
            [sys.executable, HERE + '/control_fake.py',
             world.path('control.sock'), world.path('answers'),
             world.path('asked')], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE) as fake:
        fake.stdout.readline()
        os.chmod(world.path('control.sock'), 0o666)
        out = as_filer(world, 'ca', 'issue', ALICE, code=3)
        expect('not in the store yet' in out, out)
        fake.stdin.close()
    expect(b'PRIVATE' not in world.read('asked'), 'the key was sent')
    world.start(RULES, conf)
    expect(not send(world), 'signed already')
    as_filer(world, 'ca', 'issue', '--wanted')
    expect(send(world), 'not filed by the next run')
    listed = json.loads(as_filer(world, 'ca', 'list', '--json'))
    expect(len(listed) == 1, 'issued twice')


def without_a_daemon_nothing_is_issued(world):
    begin(world, start=False)
    out = as_filer(world, 'ca', 'issue', ALICE, code=3)
    expect('not ours to write' in out and 'nobody listens' in out, out)
    expect(json.loads(as_filer(world, 'ca', 'list', '--json')) == [],
           'issued')


def who_may_not_file_issues_nothing(world):
    conf = begin(world, start=False)
    world.start(RULES, conf.replace('"games" ]', '"daemon" ]'))
    out = as_filer(world, 'ca', 'issue', ALICE, code=3)
    expect('not take it from us' in out and 'control.writers' in out, out)
    expect(json.loads(as_filer(world, 'ca', 'list', '--json')) == [],
           'issued')
    # One that was issued by somebody else is not renewed, either.
    code, text, err = world.ctl('ca', 'issue', ALICE)
    expect(code == 0, text + err)
    out = as_filer(world, 'ca', 'renew', '--within', '400', code=3)
    expect('control.writers' in out, out)
    expect(len(json.loads(as_filer(world, 'ca', 'list', '--json'))) == 1,
           'renewed')


def a_store_that_the_daemon_lacks_is_said_before(world):
    conf = begin(world)
    other = ', { name = "other"; type = "managed"; } );\nca_user'
    world.configure(RULES, conf.replace(' );\nca_user', other))
    out = as_filer(world, 'ca', 'issue', '--store', 'other', ALICE, code=1)
    expect('no store "other"' in out, out)
    expect(json.loads(as_filer(world, 'ca', 'list', '--json')) == [],
           'issued')


def the_same_again_is_fine(world):
    begin(world)
    data = make(world, 'alice', ALICE)
    request = 'file %d %s book' % (len(data), ALICE)
    for _ in range(2):
        code, text = peer(world, FILER, request, data)
        expect(code == '0', text)


def who_is_not_named_may_not_and_sends_no_key(world):
    begin(world)
    data = make(world, 'alice', ALICE)
    code, text = peer(world, OTHER, 'file %d %s book' % (len(data), ALICE),
                      data)
    expect(code == '3' and 'control.writers' in text, code + text)
    expect(filed(world) == [], 'filed')
    expect('may not ask for file' in world.log(), 'nothing in the log')


def who_may_file_may_nothing_else(world):
    begin(world)
    for request in ('reload', 'log debug'):
        code, text = peer(world, FILER, request)
        expect(code == '3' and 'only root' in text, request + text)
    code, text = peer(world, FILER, 'status')
    expect(code == '0', text)


def refused(world, cases):
    begin(world)
    for label, request, data, how, code, word in cases(world):
        if request is None:
            request = 'file %d %s book' % (len(data), ALICE)
        got, text = peer(world, FILER, request, data, how)
        expect(got == code and word in text,
               '%s: %s %s' % (label, got, text))
        expect(filed(world) == [], label + ': filed')
    # And the daemon is none the worse for it.
    data = make(world, 'alice', ALICE)
    code, text = peer(world, FILER, 'file %d %s book' % (len(data), ALICE),
                      data)
    expect(code == '0', text)


def what_is_no_certificate_of_the_address_is_refused(world):
    def cases(world):
        alice = make(world, 'alice', ALICE)
        make(world, 'eve', 'eve@house.example')
        root = make(world, 'root', ALICE, 'TRUE')
        openssl(world, 'pkcs8', '-topk8', '-in', 'alice.key', '-passout',
                'pass:x', '-out', 'locked.key')
        own = world.read('alice.pem')
        return (
            ('a key of another', None, own + world.read('eve.key'), 'stay',
             '1', 'key'),
            ('another address', None,
             world.read('eve.pem') + world.read('eve.key'), 'stay', '1',
             'does not name'),
            ('a key alone', None, world.read('alice.key'), 'stay', '1', ''),
            ('a key behind a password', None,
             own + world.read('locked.key'), 'stay', '1', 'password'),
            ('an authority', None, root, 'stay', '1', 'more than one'),
            ('two of them', None, alice + world.read('eve.pem'), 'stay', '1',
             'more than one'),
            ('another authority', None, alice + world.read('root.pem'),
             'stay', '1', 'has not issued'),
            ('rubbish', None, b'x' * 100, 'stay', '1', ''))
    refused(world, cases)


def what_is_no_request_is_refused(world):
    def cases(world):
        data = make(world, 'alice', ALICE)
        count = len(data)
        return (
            ('too large', 'file 65537 %s book' % ALICE, b'x' * 65537, 'stay',
             '1', 'at most'),
            ('very large', 'file 99999999999999999999 %s book' % ALICE, b'',
             'stay', '1', 'at most'),
            ('nothing', 'file 0 %s book' % ALICE, b'', 'stay', '1',
             'how long'),
            ('no number', 'file -5 %s book' % ALICE, data, 'stay', '1',
             'how long'),
            ('half of it', 'file %d %s book' % (count + 1, ALICE), data,
             'end', '1', 'shorter'),
            ('no address', 'file %d nobody book' % count, data, 'stay', '1',
             ''),
            ('no store', 'file %d %s' % (count, ALICE), data, 'stay', '1',
             'no store'),
            ('another store', 'file %d %s ../book' % (count, ALICE), data,
             'stay', '1', 'no store'),
            ('no words', 'file', data, 'stay', '1', 'how long'))
    refused(world, cases)


def slow_peers_keep_nobody_waiting(world):
    begin(world)
    data = make(world, 'alice', ALICE)
    request = 'file %d %s book' % (len(data), ALICE)
    slow = []
    try:
        for _ in range(4):
            one = peer_begin(world, FILER, request, data[:50], 'hold')
            slow.append(one)
            expect(one.stdout.readline() == b'held\n', 'not heard')
        code, text = peer(world, FILER, request, data)
        expect(code == '3' and 'try later' in text, code + text)
        expect(peer(world, FILER, 'status')[0] == '0', 'no status')
        # Nor for ever: each is told when its time is over.
        for one in slow:
            answer = one.stdout.read().decode()
            expect(answer.startswith('3') and 'in time' in answer, answer)
    finally:
        for one in slow:
            one.kill()
            one.wait()
            one.stdout.close()
    code = wait_for(lambda: peer(world, FILER, request, data)[0] == '0',
                    what='a place')
    expect(code, 'the places are not free again')


TESTS = (the_authoritys_user_files_what_it_issues,
         partners_are_filed_without_a_key,
         what_was_issued_and_not_filed_is_filed_by_the_next_run,
         without_a_daemon_nothing_is_issued,
         who_may_not_file_issues_nothing,
         a_store_that_the_daemon_lacks_is_said_before,
         the_same_again_is_fine,
         who_is_not_named_may_not_and_sends_no_key,
         who_may_file_may_nothing_else,
         what_is_no_certificate_of_the_address_is_refused,
         what_is_no_request_is_refused,
         slow_peers_keep_nobody_waiting)


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
