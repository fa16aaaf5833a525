#!/usr/bin/env python3
"""crl_test.py [-v] [WORD]...: revocation lists from servers that are good,
slow, wrong, huge or gone, and what becomes of mail meanwhile."""
import hashlib
import http.server
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

from harness import (COMMON, COMPLAINT, CTL, IS_ROOT, World, expect, run_each,
                     wait_for, words)
from ldap_entry import LdapEntry

PEOPLE = ('otto', 'rita')  # rita will be revoked
RULES = '''
encrypt = ( { name = "flow"; recipient = "*@flow.example"; stores = "flow";
	otherwise = "reject"; } );
'''
MAIL = (b'From: alice@example.com\r\nTo: %s\r\nSubject: x\r\n\r\n'
        b'Dear reader.\r\n')
STORE = '''stores = (
	{ name = "flow"; type = "directory"; path = "@W@/flow"; },'''


# ---- an authority ----

CA_EXTENSIONS = '''basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
'''
LIST_CONF = '''[ca]
default_ca = us
[us]
database = %(folder)s/index
crlnumber = %(folder)s/number
default_md = sha256
'''


class Authority:
    """A root of its own, and two people below it."""

    def __init__(self, world, points, name='Flow'):
        self.world = world
        self.folder = world.path('ca-' + name)
        self.name = name
        os.mkdir(self.folder)
        self.make('ca', '/CN=%s Root' % name, CA_EXTENSIONS)
        self.pem = self.folder + '/ca.pem'
        for person in PEOPLE:
            self.issue(person, points)
        self.number = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        subprocess.run(('openssl',) + arguments, check=True, cwd=self.folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def make(self, name, subject, extensions, days='3650'):
        with open(self.path('ext'), 'w') as out:
            out.write(extensions)
        self.run('ecparam', '-genkey', '-noout', '-name', 'prime256v1',
                 '-out', name + '.key')
        self.run('req', '-new', '-key', name + '.key', '-subj', subject,
                 '-config', '/dev/null', '-out', 'csr')
        signer = (['-signkey', 'ca.key'] if name == 'ca' else
                  ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'])
        self.run('x509', '-req', '-in', 'csr', *signer, '-days', days,
                 '-extfile', 'ext', '-out', name + '.pem')

    def issue(self, person, points, usage='keyAgreement', days='3650'):
        extensions = ('keyUsage = critical, %s\nextendedKeyUsage = '
                      'emailProtection\nsubjectAltName = email:%s@flow.example'
                      '\n' % (usage, person))
        if points:
            extensions += 'crlDistributionPoints = %s\n' % ', '.join(
                'p%d' % i for i in range(len(points)))
        for i, point in enumerate(points):
            extensions += '[p%d]\nfullname = @n%d\n[n%d]\n' % (i, i, i)
            for k, url in enumerate(point.split(' ')):
                extensions += 'URI.%d = %s\n' % (k, url)
        self.make(person, '/CN=' + person, extensions, days)

    def give(self, *people):
        """To the store, certificates alone."""
        folder = self.world.path('flow')
        os.makedirs(folder, exist_ok=True)
        for person in people or PEOPLE:
            with open(self.path(person + '.pem'), 'rb') as file:
                self.world.write('flow/%s.pem' % person, file.read())

    def list(self, *revoked, days=7, form='DER', since=None):
        """A new list's bytes."""
        self.number += 1
        with open(self.path('index'), 'w') as index:
            for person in revoked:
                serial = subprocess.run(
                    ['openssl', 'x509', '-in', self.path(person + '.pem'),
                     '-noout', '-serial'], capture_output=True, check=True,
                    text=True).stdout.partition('=')[2].strip()
                index.write('R\t440101000000Z\t251201000000Z,keyCompromise\t'
                            '%s\tunknown\t/CN=x\n' % serial)
        with open(self.path('number'), 'w') as number:
            number.write('%02X\n' % self.number)
        with open(self.path('conf'), 'w') as conf:
            conf.write(LIST_CONF % {'folder': self.folder})
        self.run('ca', '-config', 'conf', '-gencrl', '-cert', 'ca.pem',
                 '-keyfile', 'ca.key', '-crldays', str(days), '-out', 'crl',
                 *(['-crl_lastupdate', since] if since else []))
        self.run('crl', '-in', 'crl', '-outform', form, '-out', 'crl.out')
        with open(self.path('crl.out'), 'rb') as file:
            return file.read()


# ---- a server that is not always good ----

class Server:
    """routes: path -> bytes, or a function of the request's handler."""

    def __init__(self):
        outer = self
        self.routes = {}
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                answer = outer.routes.get(self.path)
                try:
                    if callable(answer):
                        answer(self)
                    elif answer is None:
                        self.send_error(404)
                    else:
                        send(self, answer)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = 'http://127.0.0.1:%d' % self.port
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def close(self):
        if self.thread is not None:
            self.http.shutdown()
            self.thread.join()
            self.http.server_close()
            self.thread = None


def send(handler, octets):
    handler.send_response(200)
    handler.send_header('Content-Length', str(len(octets)))
    handler.end_headers()
    handler.wfile.write(octets)


def redirect(to):
    def answer(handler):
        handler.send_response(302)
        handler.send_header('Location', to)
        handler.send_header('Content-Length', '0')
        handler.end_headers()
    return answer


class Gate:
    """Answers when it is opened; says when somebody waits."""

    def __init__(self, octets):
        self.octets = octets
        self.waited = threading.Event()
        self.opened = threading.Event()

    def __call__(self, handler):
        self.waited.set()
        self.opened.wait(60)
        send(handler, self.octets)


class Endless:
    """Bytes without an end; says when the other side has had enough."""

    def __init__(self):
        self.started = threading.Event()
        self.ended = threading.Event()

    def __call__(self, handler):
        handler.send_response(200)
        handler.end_headers()
        self.started.set()
        try:
            while True:
                handler.wfile.write(b'0' * 65536)
        except OSError:
            self.ended.set()


# ---- what the tests share ----

def common(revocation='soft', more='fetch_private = true;'):
    trust = ('trust = { anchors = [ "@W@/pki/ca.pem", "@W@/ca-Flow/ca.pem" ];'
             '\n\trevocation = "%s"; %s' % (revocation, more))
    text = COMMON.replace('trust = { anchors = [ "@W@/pki/ca.pem" ];', trust)
    expect(text != COMMON, 'the harness has other words now')
    return text.replace('stores = (', STORE)


def mail(world, person):
    """mtasim's verdict and words; an accepted mail must be encrypted."""
    to = person + '@flow.example'
    path = world.write('mail-' + person, MAIL % to.encode())
    code, told = world.sim('-s', world.socket, '-f', 'alice@example.com', '-t',
                           to, '-o', world.path('out'), path)
    if code == 0:
        expect(b'pkcs7-mime' in world.read('out'), 'it went out in clear')
    return code, told


def expect_mail(world, person, code, *pieces):
    found, told = mail(world, person)
    expect(found == code, 'a mail to %s got %d: %s' % (person, found, told))
    for piece in pieces:
        expect(piece in world.log(), 'the log lacks "%s": %s' % (
            piece, world.log()[-600:]))


def wait_for_log(world, piece, count=1):
    wait_for(lambda: world.log().count(piece) >= count, 40,
             'the log to say: ' + piece)


ACCEPT, REJECT, TEMPFAIL = 0, 1, 2
REVOKED = 'was revoked on 2025-12-01 (keyCompromise)'


class Scene:
    def __init__(self, points=None):
        self.server = Server()
        self.world = World()
        try:
            self.ca = Authority(self.world, points(self.server) if points else
                                [self.server.url + '/flow.crl'])
            self.ca.give()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.world.close()
        self.server.close()


def in_a_scene(test):
    scene = Scene()
    try:
        test(scene.world, scene.server, scene.ca)
        expect(not COMPLAINT.search(scene.world.log()), scene.world.log())
    finally:
        for route in scene.server.routes.values():
            if isinstance(route, Gate):
                route.opened.set()
        scene.close()


# ---- the daemon ----

def soft_passes_until_the_list_is_there(world, server, ca):
    gate = server.routes['/flow.crl'] = Gate(ca.list('rita'))
    world.start(RULES, common('soft'))
    expect(gate.waited.wait(40), 'nobody asked for the list')
    expect_mail(world, 'rita', ACCEPT,
                'note="no CRL of CN=Flow Root: revocation unknown"')
    gate.opened.set()
    wait_for_log(world, 'fetched from ' + server.url)
    expect_mail(world, 'rita', REJECT, REVOKED)
    expect_mail(world, 'otto', ACCEPT)
    expect(world.log().count('reload') == 0, 'it was reloaded')


def hard_waits_until_the_list_is_there(world, server, ca):
    gate = server.routes['/flow.crl'] = Gate(ca.list('rita'))
    world.start(RULES, common('hard'))
    expect(gate.waited.wait(40), 'nobody asked for the list')
    expect_mail(world, 'otto', TEMPFAIL,
                'no CRL of CN=Flow Root: revocation unknown')
    gate.opened.set()
    wait_for_log(world, 'fetched from ' + server.url)
    expect_mail(world, 'rita', REJECT, REVOKED)
    expect_mail(world, 'otto', ACCEPT)


OWN = '''
sign = ( { name = "own"; sender = "*@flow.example"; stores = "flow";
	otherwise = "reject"; } );
'''
TO_SELF = '''
sign = ( { name = "own"; sender = "nobody@flow.example"; stores = "flow"; } );
encrypt = ( { name = "flow"; recipient = "otto@flow.example"; stores = "flow";
	to_self = true; otherwise = "reject"; } );
'''


def from_own(world, ca, person, to, revoked):
    """A mail of ours, our own certificate revoked or not: code and words."""
    ca.issue(person, [], 'digitalSignature, keyAgreement')
    world.write('flow/own.pem', b''.join(
        open(ca.path(person + end), 'rb').read() for end in ('.pem', '.key')),
        0o600)
    world.write('own.crl', ca.list(*revoked))
    path = world.write('mail', MAIL.replace(
        b'alice@example.com', b'%s@flow.example' % person.encode())
        % to.encode())
    return ['-s', world.socket, '-f', person + '@flow.example', '-t', to,
            '-o', world.path('out'), path]


def own_common():
    return common('soft', 'fetch_crls = false; crls = "@W@/own.crl";')


def a_revoked_certificate_of_our_own_signs_nothing(world, server, ca):
    order = from_own(world, ca, 'rita', 'x@elsewhere.example', ['rita'])
    os.unlink(world.path('flow/rita.pem'))
    world.start(OWN, own_common())
    code, told = world.sim(*order)
    expect(code == REJECT and REVOKED in world.log(), told + world.log())
    world.write('own.crl', ca.list('otto'))
    expect(world.ctl('reload')[0] == 0, 'no reload')
    code, told = world.sim(*order)
    expect(code == ACCEPT and b'multipart/signed' in world.read('out'), told)


def a_revoked_certificate_of_our_own_gets_no_copy(world, server, ca):
    order = from_own(world, ca, 'rita', 'otto@flow.example', ['rita'])
    os.unlink(world.path('flow/rita.pem'))
    world.start(TO_SELF, own_common())
    code, told = world.sim(*order)
    expect(code == ACCEPT and b'pkcs7-mime' in world.read('out'), told)
    expect('no copy for self' in world.log() and REVOKED in world.log(),
           world.log())


def off_looks_at_nothing(world, server, ca):
    server.routes['/flow.crl'] = ca.list('rita')
    world.start(RULES, common('off'))
    expect_mail(world, 'rita', ACCEPT)
    expect(server.asked == [], 'it asked for a list')


def lists_survive_a_restart_with_the_server_gone(world, server, ca):
    server.routes['/flow.crl'] = ca.list('rita')
    world.start(RULES, common('hard'))
    wait_for_log(world, 'fetched from ' + server.url)
    expect(world.stop() == 0, 'not a clean end')
    server.close()
    if IS_ROOT:
        owner = os.stat(world.path('state')).st_uid
        expect(os.stat(world.path('state/crls')).st_uid == owner and
               os.stat(world.path('state/crls')).st_mode & 0o777 == 0o750,
               'the folder is not the user\'s')
    world.start(RULES, common('hard'))
    expect_mail(world, 'otto', ACCEPT)
    expect_mail(world, 'rita', REJECT, REVOKED)


def a_slow_list_delays_no_mail(world, server, ca):
    gate = server.routes['/flow.crl'] = Gate(ca.list())
    world.start(RULES, common('soft'))
    expect(gate.waited.wait(40), 'nobody asked for the list')
    for _ in range(20):
        expect_mail(world, 'otto', ACCEPT)
    expect(not gate.opened.is_set() and 'fetched from' not in world.log(),
           'the list was there')
    expect(world.stop() == 0, 'a slow list keeps it from ending')


def a_huge_list_is_let_go(world, server, ca):
    endless = server.routes['/flow.crl'] = Endless()
    world.start(RULES, common('soft'))
    expect(endless.started.wait(40), 'nobody asked for the list')
    expect_mail(world, 'otto', ACCEPT)
    expect(endless.ended.wait(40), 'it goes on reading')
    wait_for_log(world, 'cannot be fetched: %s/flow.crl' % server.url)
    expect_mail(world, 'otto', ACCEPT)


def a_list_that_is_gone_is_said_once(world, server, ca):
    world.start(RULES, common('hard'))
    wait_for_log(world, 'the server answers with status 404')
    expect_mail(world, 'otto', TEMPFAIL)
    expect_mail(world, 'rita', TEMPFAIL)
    expect(world.log().count('status 404') == 1, 'said more than once')


def wrong_answers_are_not_used(world, server, ca):
    other = Authority(world, [], 'Other')
    forger = Authority(world, [], 'Forger')
    forger.make('ca', '/CN=Flow Root', CA_EXTENSIONS)
    answers = {
        'html': (b'<html>Hello</html>', 'is no revocation list'),
        'other': (other.list(), 'is a list of CN=Other Root'),
        'forged': (forger.list('otto'), 'is not signed by CN=Flow Root'),
        'cut': (ca.list('rita')[:-20], 'is no revocation list'),
        'empty': (b'', 'is no revocation list'),
    }
    world.configure(RULES, common('hard'))
    for name, (octets, wanted) in answers.items():
        server.routes['/flow.crl'] = octets
        code, out, err = world.ctl('crl', 'fetch')
        expect(code == 1 and wanted in out, '%s: %d %s%s' % (
            name, code, out, err))
    expect(not os.path.exists(world.path('state/crls')) or
           os.listdir(world.path('state/crls')) == [], 'one was kept')


def redirects_lead_to_http_only(world, server, ca):
    world.configure(RULES, common('hard'))
    server.routes['/there.crl'] = ca.list()
    for to, code, wanted in (
            ('file:///etc/passwd', 1, 'by the protocol "file"'),
            ('ldap://127.0.0.1/cn=x', 1, 'by the protocol "ldap"'),
            ('/flow.crl', 1, 'more than 3 redirects'),
            ('/there.crl', 0, ': fetched')):
        server.routes['/flow.crl'] = redirect(to)
        found, out, err = world.ctl('crl', 'fetch')
        expect(found == code and wanted in out, '%s: %d %s%s' % (
            to, found, out, err))


def private_addresses_are_refused_by_default(world, server, ca):
    server.routes['/flow.crl'] = ca.list()
    world.start(RULES, common('soft', ''))
    wait_for_log(world, '127.0.0.1 is a private address')
    expect(server.asked == [], 'it asked all the same')
    code, out, err = world.ctl('crl', 'fetch')
    expect(code == 1 and 'private address' in out, out + err)
    expect(server.asked == [], 'smimectl asked all the same')


def local_name():
    """One that only a look-up leads to this host, where there is one."""
    for name in ('ip6-localhost', os.uname().nodename):
        try:
            found = socket.getaddrinfo(name, 0)
        except OSError:
            continue
        if all(ipaddress.ip_address(one[4][0].partition('%')[0]).is_private
               for one in found):
            return name
    return 'localhost'


def a_name_of_a_private_address_is_refused_too(world, server, ca):
    ca.issue('otto', ['http://localhost:%d/x.crl' % server.port])
    ca.issue('rita', ['http://%s:%d/x.crl' % (local_name(), server.port)])
    entry = LdapEntry('certificateRevocationList;binary', ca.list())
    try:
        ca.issue('ida', ['ldap://%s:%d/cn=x?certificateRevocationList?base' % (
            local_name(), entry.port)])
        ca.give('otto', 'rita', 'ida')
        world.configure(RULES, common('soft', ''))
        code, out, err = world.ctl('crl', 'fetch')
        lines = out.splitlines()
        expect(code == 1 and len(lines) == 3, out + err)
        for line in lines:
            expect('private address' in line, line)
        expect(server.asked == [], 'it asked all the same')
        expect(entry.asked == 0, 'it asked a directory all the same')
    finally:
        entry.close()


def a_referral_is_not_followed(world, server, ca):
    there = LdapEntry('certificateRevocationList;binary', ca.list())
    here = LdapEntry('certificateRevocationList;binary', None)
    here.referral = 'ldap://127.0.0.1:%d/cn=x' % there.port
    try:
        ca.issue('otto', ['ldap://127.0.0.1:%d/cn=x?certificateRevocationList?'
                          'base' % here.port])
        ca.give('otto')
        world.configure(RULES, common())
        code, out, err = world.ctl('crl', 'fetch')
        expect(code == 1 and here.asked == 1, out + err)
        expect(there.asked == 0, 'it went there')
    finally:
        here.close()
        there.close()


def what_cannot_be_kept_is_said(world, server, ca):
    server.routes['/flow.crl'] = ca.list()
    world.configure(RULES, common().replace(
        'state = "@W@/state"', 'state = "@W@/nowhere"'))
    code, out, err = world.ctl('crl', 'fetch')
    expect(code == 1 and 'not kept' in out and 'nowhere' in out, out + err)


def no_room_in_the_folder(world, server):
    """As a full disk: a file is made beside, and cannot take the place."""
    name = hashlib.sha256((server.url + '/flow.crl').encode()).hexdigest()
    os.makedirs(world.path('state/crls/%s.crl' % name))
    if IS_ROOT:
        shutil.chown(world.path('state/crls'), 'nobody')


def no_right_in_the_folder(world, server):
    os.mkdir(world.path('state/crls'), 0o555)
    if IS_ROOT:
        os.chmod(world.path('state/crls'), 0o755)


def expect_use(world, server, times):
    """Of the one list, for as long as the folder is looked at twice."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        expect_mail(world, 'rita', REJECT, REVOKED)
        expect_mail(world, 'otto', ACCEPT)
    expect(len(server.asked) == times, 'asked %d times' % len(server.asked))


def what_cannot_be_kept_is_used(world, server, ca):
    server.routes['/flow.crl'] = ca.list('rita')
    no_room_in_the_folder(world, server)
    world.start(RULES, common('hard'))
    wait_for_log(world, 'CN=Flow Root: not kept: ')
    wait_for_log(world, 'fetched from ' + server.url)
    expect_use(world, server, 1)


def what_may_not_be_kept_is_used(world, server, ca):
    server.routes['/flow.crl'] = ca.list('rita')
    no_right_in_the_folder(world, server)
    world.start(RULES, common('hard'))
    wait_for_log(world, 'CN=Flow Root: not kept: ')
    wait_for_log(world, 'fetched from ' + server.url)
    expect_use(world, server, 1)


def an_old_file_replaces_no_newer_list(world, server, ca):
    server.routes['/flow.crl'] = ca.list(since='20260101000000Z')
    world.configure(RULES, common('hard'))
    code, out, err = world.ctl('crl', 'fetch')
    expect(code == 0, out + err)
    folder = world.path('state/crls')
    if IS_ROOT:
        shutil.chown(folder, 'root')
    else:
        os.chmod(folder, 0o555)
    file = os.path.join(folder, os.listdir(folder)[0])
    os.utime(file, (0, 0))  # so that it is time to fetch again
    server.routes['/flow.crl'] = ca.list('rita')
    world.start(RULES, common('hard'))
    wait_for_log(world, 'CN=Flow Root: not kept: ')
    expect_use(world, server, 2)
    # A change in the folder, and what is wrong in it is said once.
    os.chmod(folder, 0o755)
    for name in ('one', 'two', 'three'):
        world.write('state/crls/%s.crl' % name, b'not a list')
        wait_for_log(world, name + '.crl')
    expect_use(world, server, 2)
    for name in ('one', 'two', 'three'):
        expect(world.log().count(name + '.crl') == 1, world.log())


def two_lists_of_a_file_speak(world, server, ca):
    other = Authority(world, [], 'Other')
    os.mkdir(world.path('state/crls'))
    world.write('state/crls/both.crl', other.list(form='PEM') +
                ca.list('rita', form='PEM'))
    world.start(RULES, common('hard', 'fetch_crls = false;'))
    expect_mail(world, 'rita', REJECT, REVOKED)
    expect_mail(world, 'otto', ACCEPT)


def a_link_leads_root_nowhere(world, server, ca):
    """The folder is the user's; smimectl of root goes there as that user."""
    if not IS_ROOT:
        return
    server.routes['/flow.crl'] = ca.list()
    os.mkdir(world.path('roots'), 0o755)
    os.symlink(world.path('roots'), world.path('state/crls'))
    world.configure(RULES, common())
    code, out, err = world.ctl('crl', 'fetch')
    expect(code == 1 and 'not kept' in out, out + err)
    expect(os.listdir(world.path('roots')) == [], 'root followed a link')
    os.unlink(world.path('state/crls'))
    code, out, err = world.ctl('crl', 'fetch')
    user = os.stat(world.path('state')).st_uid
    folder = world.path('state/crls')
    expect(code == 0 and os.stat(folder).st_uid == user, out + err)
    for name in os.listdir(folder):
        expect(os.stat(os.path.join(folder, name)).st_uid == user, name)


def a_proxy_is_asked(world, server, ca):
    url = 'http://lists.example.invalid/flow.crl'
    for person in PEOPLE:
        ca.issue(person, [url])
    ca.give()
    server.routes[url] = ca.list('rita')
    world.start(RULES, common('soft', 'proxy = "%s";' % server.url))
    wait_for_log(world, 'fetched from ' + url)
    expect(server.asked == [url], 'asked for: %s' % server.asked)
    expect_mail(world, 'rita', REJECT, REVOKED)


def the_environment_names_no_proxy(world, server, ca):
    server.routes['/flow.crl'] = ca.list()
    world.configure(RULES, common())
    done = subprocess.run(
        [CTL, '-c', world.path('smime-milter.conf'), 'crl', 'fetch'],
        env=dict(os.environ, http_proxy='http://127.0.0.1:1',
                 all_proxy='http://127.0.0.1:1'), capture_output=True)
    expect(done.returncode == 0, done.stdout + done.stderr)


def a_directory_has_lists_too(world, server, ca):
    entry = LdapEntry('certificateRevocationList;binary', None)
    try:
        for person in PEOPLE:
            ca.issue(person, ['ldap://127.0.0.1:%d/cn=Flow%%20Root,o=x?'
                              'certificateRevocationList;binary?base' %
                              entry.port])
        ca.give()
        entry.value = ca.list('rita')
        world.start(RULES, common('hard'))
        wait_for_log(world, 'fetched from ldap://')
        expect_mail(world, 'rita', REJECT, REVOKED)
        expect_mail(world, 'otto', ACCEPT)
        entry.value = None
        code, out, err = world.ctl('crl', 'fetch')
        expect(code == 1 and 'no such entry' in out, out + err)
    finally:
        entry.close()


def the_second_url_serves_when_the_first_does_not(world, server, ca):
    for person in PEOPLE:
        ca.issue(person, ['%s/gone.crl %s/there.crl' % (
            server.url, server.url)])
    ca.give()
    server.routes['/there.crl'] = ca.list('rita')
    world.start(RULES, common('hard'))
    wait_for_log(world, 'fetched from %s/there.crl' % server.url)
    expect_mail(world, 'rita', REJECT, REVOKED)
    expect('cannot be fetched' not in world.log(), 'it complains')


# ---- smimectl ----

def the_daemon_sees_what_is_imported(world, server, ca):
    world.start(RULES, common('hard', 'fetch_crls = false;'))
    expect_mail(world, 'otto', TEMPFAIL)
    path = world.write('by-hand.crl', ca.list('rita', form='PEM'))
    code, out, err = world.ctl('crl', 'import', path)
    expect(code == 0 and 'CN=Flow Root: imported, 1 entries' in out, out + err)
    wait_for(lambda: mail(world, 'otto')[0] == ACCEPT, 40, 'the list')
    expect_mail(world, 'rita', REJECT, REVOKED)
    expect(server.asked == [], 'it fetched')
    # And that it goes.
    os.unlink(os.path.join(world.path('state/crls'),
                           os.listdir(world.path('state/crls'))[0]))
    wait_for(lambda: mail(world, 'otto')[0] == TEMPFAIL, 40, 'no list')


def an_old_list_does_not_come_back(world, server, ca):
    old = world.write('old.crl', ca.list())
    older = subprocess.run(
        ['openssl', 'crl', '-in', old, '-noout', '-lastupdate'],
        capture_output=True, check=True, text=True).stdout
    new = ca.list('rita')
    wait_for(lambda: ca.list('rita') and older not in subprocess.run(
        ['openssl', 'crl', '-in', ca.path('crl'), '-noout', '-lastupdate'],
        capture_output=True, check=True, text=True).stdout, 10, 'a second')
    with open(ca.path('crl'), 'rb') as file:
        new = file.read()
    server.routes['/flow.crl'] = new
    world.configure(RULES, common('hard'))
    code, out, err = world.ctl('crl', 'fetch')
    expect(code == 0, out + err)
    server.routes['/flow.crl'] = world.read('old.crl')
    code, out, err = world.ctl('crl', 'fetch')
    expect(code == 1 and 'older than the one we have' in out, out + err)


def lists_are_listed(world, server, ca):
    server.routes['/flow.crl'] = ca.list('rita')
    world.configure(RULES, common('hard'))
    code, out, err = world.ctl('crl', 'list', '--json')
    expect(code == 0 and json.loads(out) == [], out + err)
    expect(world.ctl('crl', 'fetch')[0] == 0, 'not fetched')
    code, out, err = world.ctl('crl', 'list', '--json')
    expect(code == 0, err)
    found = json.loads(out)
    expect(len(found) == 1, out)
    expect(found[0]['issuer'] == 'CN=Flow Root' and
           found[0]['source'] == server.url + '/flow.crl' and
           found[0]['origin'] == 'fetched' and found[0]['number'] == '01' and
           found[0]['entries'] == 1 and found[0]['refused'] is None, out)
    code, out, err = world.ctl('crl', 'list')
    expect('from       %s/flow.crl (fetched)' % server.url in out and
           'state      good' in out, out)
    code, out, err = world.ctl('check')
    expect('hard' in err and 'Example Root' in err, err)
    expect('current revocation list of CN=Flow Root' not in err, err)


def find(world, person):
    code, out, err = world.ctl('cert', 'find', person + '@flow.example',
                               '--json')
    expect(code == 0, '%s: %s%s' % (person, out, err))
    found = json.loads(out)
    expect(len(found) == 1, out)
    return found[0]['refused'] or ''


def refused(world, ca, person, code, piece):
    """find says why, and nothing is encrypted with it."""
    ca.give(person)
    world.start(RULES, common('hard', 'fetch_crls = false; crls = "@W@/list";')
                )
    said = find(world, person)
    expect(piece in said, '%s: find says "%s"' % (person, said))
    found, told = mail(world, person)
    expect(found == code, '%s: a mail got %d, %s' % (person, found, told))


def find_says_revoked(world, server, ca):
    world.write('list', ca.list('rita'))
    refused(world, ca, 'rita', REJECT, REVOKED)


def find_says_revocation_unknown(world, server, ca):
    other = Authority(world, [], 'Other')
    world.write('list', other.list())
    refused(world, ca, 'otto', TEMPFAIL, 'revocation unknown')


def find_says_untrusted(world, server, ca):
    other = Authority(world, [], 'Other')
    world.write('list', ca.list())
    other.issue('uwe', [])
    other.give('uwe')
    refused(world, other, 'uwe', REJECT, 'no anchor')


def find_says_expired(world, server, ca):
    world.write('list', ca.list())
    ca.run('ecparam', '-genkey', '-noout', '-name', 'prime256v1', '-out',
           'erik.key')
    ca.run('req', '-new', '-key', 'erik.key', '-subj', '/CN=erik', '-config',
           '/dev/null', '-out', 'erik.csr')
    with open(ca.path('erik.ext'), 'w') as out:
        out.write('[x]\nkeyUsage = critical, keyAgreement\n'
                  'subjectAltName = email:erik@flow.example\n')
    with open(ca.path('conf'), 'w') as conf:
        conf.write(LIST_CONF % {'folder': ca.folder} +
                   'serial = %s/erik.srl\nnew_certs_dir = %s\npolicy = any\n'
                   '[any]\ncommonName = supplied\n' % (ca.folder, ca.folder))
    for name, text in (('index', ''), ('erik.srl', '77\n')):
        with open(ca.path(name), 'w') as out:
            out.write(text)
    ca.run('ca', '-batch', '-config', 'conf', '-in', 'erik.csr', '-cert',
           'ca.pem', '-keyfile', 'ca.key', '-startdate', '20200101000000Z',
           '-enddate', '20210101000000Z', '-extfile', 'erik.ext',
           '-extensions', 'x', '-out', 'erik.pem', '-notext')
    refused(world, ca, 'erik', REJECT, 'expired on 2021-01-01')


def find_says_wrong_purpose(world, server, ca):
    world.write('list', ca.list())
    ca.issue('sigi', [], 'digitalSignature')
    refused(world, ca, 'sigi', REJECT, 'keyUsage does not allow')


TESTS = [soft_passes_until_the_list_is_there,
         a_revoked_certificate_of_our_own_signs_nothing,
         a_revoked_certificate_of_our_own_gets_no_copy,
         hard_waits_until_the_list_is_there, off_looks_at_nothing,
         lists_survive_a_restart_with_the_server_gone,
         a_slow_list_delays_no_mail, a_huge_list_is_let_go,
         a_list_that_is_gone_is_said_once, wrong_answers_are_not_used,
         redirects_lead_to_http_only,
         private_addresses_are_refused_by_default,
         a_name_of_a_private_address_is_refused_too,
         a_referral_is_not_followed, what_cannot_be_kept_is_said,
         what_cannot_be_kept_is_used, what_may_not_be_kept_is_used,
         a_link_leads_root_nowhere,
         an_old_file_replaces_no_newer_list, two_lists_of_a_file_speak,
         a_proxy_is_asked,
         the_environment_names_no_proxy, a_directory_has_lists_too,
         the_second_url_serves_when_the_first_does_not,
         the_daemon_sees_what_is_imported, an_old_list_does_not_come_back,
         lists_are_listed, find_says_revoked, find_says_revocation_unknown,
         find_says_untrusted, find_says_expired, find_says_wrong_purpose]


def main():
    return run_each(TESTS, in_a_scene)


if __name__ == '__main__':
    sys.exit(main())
