#!/usr/bin/env python3
"""ldap_test.py [-v] [WORD]...: certificates from a real directory, through
the daemon; the directory stops, starts, and stands still meanwhile."""
import signal
import socket
import sys
import threading

import slapd
from harness import (COMMON, COMPLAINT, IS_ROOT, Skip, Tally, World, Wrong,
                     expect, judge, wait_for, words)
from processes import descriptors, only_worker

ALICE, ELSEWHERE = 'alice@example.com', 'x@elsewhere.example'
PAULA, PETER = 'paula@partner.example', 'peter@partner.example'
RULES = '''
sign = ( { name = "house"; sender = "*@example.com"; stores = "alice"; } );
encrypt = (
	{ name = "directory"; recipient = "*@partner.example"; stores = "ad";
	  otherwise = "reject"; },
	{ name = "file"; recipient = "*@elsewhere.example"; stores = "partners";
	  certificate = "address"; otherwise = "pass"; }
);
'''
STORE = ''',
	{ name = "ad"; type = "ldap"; uri = "%s"; base = "%s"; ca_file = "%s";
	  bind_dn = "%s"; password_file = "%s"; timeout_seconds = %d;
	  cache_seconds = %d; negative_cache_seconds = %d; }
);
limits = { lookup_seconds = %d; };
'''


class Directory:
    """A world whose configuration names a directory."""

    def __init__(self, cached=0, patience=3):
        slapd.find_slapd()
        self.world = World(common=COMMON)
        try:
            self.slapd = slapd.Slapd(pki=self.world.pki)
        except BaseException:
            self.world.close()
            raise
        self.tls_uri = self.slapd.tls_uri
        self.cached, self.patience = cached, patience

    @property
    def common(self):
        return COMMON.rstrip()[:-3].rstrip() + STORE % (
            self.tls_uri, slapd.SUFFIX, self.slapd.path('ca.pem'),
            slapd.READER, self.slapd.path('password'), self.patience,
            self.cached, self.cached, self.patience)

    def close(self):
        try:
            self.world.close()
        finally:
            self.slapd.close()

    def start(self):
        self.world.start(RULES, self.common)

    def arguments(self, recipient, name='out'):
        mail = self.world.write('mail-' + name, (
            'From: %s\r\nTo: %s\r\n\r\nDear reader.\r\n' % (
                ALICE, recipient)).encode())
        return ['-s', self.world.socket, '-f', ALICE, '-t', recipient, '-o',
                self.world.path(name), mail]

    def send(self, recipient):
        return self.world.sim(*self.arguments(recipient))

    def must_encrypt(self, name):
        code, printed = self.send(name + '@partner.example')
        expect(code == 0, 'a mail got: ' + printed)
        self.is_encrypted(name)

    def is_encrypted(self, name, file='out'):
        pki = self.world.path('pki/' + name)
        opened = judge.decrypt(self.world.read(file), pki + '.pem',
                               pki + '.key')
        expect(b'Dear reader.' in opened.entity, 'the content is another')

    def must_wait(self, recipient):
        code, printed = self.send(recipient)
        expect(code == 2, 'a mail got %d: %s' % (code, printed))

    def status(self):
        code, text, why = self.world.ctl('status')
        expect(code == 0, 'status says: ' + why)
        return text

    def must_pass(self):
        code, printed = self.send(ELSEWHERE)
        expect(code == 0, 'another mail got: ' + printed)
        expect(b'multipart/signed' in self.world.read('out'), 'not signed')

    def is_back(self, recipient):
        """Without a reload; the two seconds of rest are over soon."""
        worker = only_worker(self.world.daemon)
        wait_for(lambda: self.send(recipient)[0] == 0, 30,
                 'the directory to be used again')
        expect(only_worker(self.world.daemon) == worker, 'a reload')


def recipients_in_the_directory_get_it_encrypted(directory):
    directory.start()
    directory.must_encrypt('paula')
    directory.must_encrypt('peter')
    directory.must_pass()


MODES = '''
encrypt = (
	{ name = "modes"; recipient = "*@modes.example"; stores = "partners";
	  mode = "allow";
	  mode_from = { store = "ad"; attribute = "employeeType"; }; },
	{ name = "senders"; recipient = "*@elsewhere.example";
	  stores = "partners"; mode = "allow"; mode_from = {
	    store = "ad"; attribute = "employeeType"; of = "sender"; }; }
);
'''
SIGNING = '''
sign = (
	{ name = "directory"; sender = "*@example.com"; stores = "staff";
	  mode = "%s"; clients = [ "local", "127.0.0.1" ];
	  mode_from = { store = "ad"; attribute = "employeeType"; }; }
);
'''
# Nobody of them has a certificate: 0 passes in clear, 1 is refused.
OF_MODES = {'none': 0, 'allow': 0, 'mandatory': 1, 'sometimes': 1,
            'unknown': 0}


def a_directory_says_the_mode_of_a_recipient(directory):
    directory.world.start(MODES, directory.common)
    for word, wanted in OF_MODES.items():
        code, printed = directory.send(word + '@modes.example')
        expect(code == wanted, '%s got %d: %s' % (word, code, printed))


def a_directory_says_the_mode_of_a_sender(directory):
    directory.world.start(MODES, directory.common)
    for sender, wanted in ((ALICE, 0), ('strict@example.com', 1)):
        mail = directory.world.write('mail', (
            'From: %s\r\nTo: y@elsewhere.example\r\n\r\nx\r\n' % sender
            ).encode())
        code, printed = directory.world.sim(
            '-s', directory.world.socket, '-f', sender, '-t',
            'y@elsewhere.example', mail)
        expect(code == wanted, '%s got %d: %s' % (sender, code, printed))


def a_directory_says_whether_a_sender_is_signed_for(directory):
    world = directory.world
    # Who is nowhere in it goes by the rule, and who has no certificate.
    for mode, sender, mail_from, wanted in (
            ('allow', ALICE, ALICE, 'signed'),
            ('none', ALICE, ALICE, 'unsigned'),
            ('allow', 'who@example.com', 'who@example.com', 'unsigned'),
            ('mandatory', 'who@example.com', 'who@example.com',
             'refused'),
            ('allow', 'strict@example.com', 'strict@example.com', 'refused'),
            ('none', 'strict@example.com', 'strict@example.com', 'refused'),
            ('mandatory', 'lax@example.com', 'lax@example.com', 'unsigned'),
            # Whoever writes another's From does not get his mode.
            ('mandatory', 'lax@example.com', ALICE, 'refused')):
        world.stop()
        world.start(SIGNING % mode, directory.common)
        mail = world.write('mail', (
            'From: %s\r\nTo: %s\r\n\r\nx\r\n' % (sender, ELSEWHERE)
            ).encode())
        code, printed = world.sim('-s', world.socket, '-f', mail_from, '-t',
                                  ELSEWHERE, '-o', world.path('out'), mail)
        got = 'refused' if code == 1 else 'unsigned'
        if code == 0 and b'multipart/signed' in world.read('out'):
            got = 'signed'
        expect(got == wanted, '%s %s from %s: %s, %s' % (
            mode, sender, mail_from, got, printed))
    directory.slapd.stop()
    world.stop()
    world.start(SIGNING % 'allow', directory.common)
    directory.must_wait(ELSEWHERE)
    directory.slapd.start()


def a_directory_that_cannot_tell_the_mode_lets_mails_wait(directory):
    directory.world.start(MODES, directory.common)
    expect(directory.send('none@modes.example')[0] == 0, 'refused')
    directory.slapd.stop()
    directory.must_wait('allow@modes.example')
    code, printed = directory.send('none@modes.example')
    expect(code == 0, 'what was answered is not kept: ' + printed)
    directory.slapd.start()
    directory.is_back('allow@modes.example')


def a_recipient_who_is_not_there_is_refused(directory):
    directory.start()
    code, printed = directory.send('nobody@partner.example')
    expect(code == 1, 'a mail got %d: %s' % (code, printed))


def a_stopped_directory_lets_its_mails_wait_and_no_others(directory):
    directory.start()
    directory.must_encrypt('paula')
    directory.slapd.stop()
    directory.must_wait(PAULA)
    directory.must_wait(PETER)
    directory.must_pass()
    wait_for(lambda: 'store ad: since ' in directory.status(), 60,
             'the directory in the status')
    expect('store ad: ' in directory.world.log() and
           'mails that need it have to wait' in directory.world.log(),
           'the log does not say that it is down')
    directory.slapd.start()
    directory.is_back(PAULA)
    directory.must_encrypt('peter')
    expect('store ad: the directory answers again' in directory.world.log(),
           'the log does not say that it is back')
    wait_for(lambda: 'store ad: ' not in directory.status(), 60,
             'the directory to leave the status')


def a_directory_that_stands_still_holds_up_no_other_mail(directory):
    directory.patience = 60
    directory.start()
    process = directory.slapd.process
    process.send_signal(signal.SIGSTOP)
    try:
        slow = directory.world.sim_begin(*directory.arguments(PETER, 'slow'))
        for _ in range(5):
            directory.must_pass()
        expect(slow.poll() is None, 'the slow mail ended before the others')
    finally:
        process.send_signal(signal.SIGCONT)
    told = slow.communicate(timeout=120)[0]
    expect(slow.returncode == 0, 'the slow mail got: ' + told)
    directory.is_encrypted('peter', 'slow')


def silence_is_a_tempfail_within_the_limit(directory):
    directory.patience = 2
    directory.start()
    process = directory.slapd.process
    process.send_signal(signal.SIGSTOP)
    try:
        directory.must_wait(PETER)
        directory.must_wait(PAULA)
        directory.must_pass()
    finally:
        process.send_signal(signal.SIGCONT)
    directory.is_back(PETER)
    directory.is_encrypted('peter')


class Cutter:
    """Between client and server; after cut() it lets only so many octets of
    each connection's server through, and keeps the connection open."""

    def __init__(self, port):
        self.port = port
        self.left = None  # None: everything
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, octets):
        self.left = octets

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
                server = socket.create_connection(('127.0.0.1', self.port))
            except OSError:
                return
            self.sockets += [client, server]
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pass, args=pair,
                                 daemon=True).start()

    def _pass(self, source, target, is_server):
        left = None
        try:
            while True:
                octets = source.recv(65536)
                if not octets:
                    break
                if is_server and self.left is not None:
                    left = self.left if left is None else left
                    octets, left = octets[:left], max(0, left - len(octets))
                target.sendall(octets)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in self.sockets:
            one.close()


def half_a_tls_record_is_a_tempfail_within_the_limit(directory):
    cutter = Cutter(directory.slapd.tls_port)
    directory.tls_uri = 'ldaps://127.0.0.1:%d' % (
        cutter.listener.getsockname()[1])
    directory.patience = 2
    try:
        directory.start()
        directory.must_encrypt('paula')
        cutter.cut(20)
        for _ in range(4):  # in an answer, in a handshake, or at once
            directory.must_wait(PETER)
            directory.must_pass()
        cutter.cut(None)
        directory.is_back(PETER)
        directory.is_encrypted('peter')
    finally:
        cutter.close()


def a_daemon_starts_while_the_directory_is_down(directory):
    directory.slapd.stop()
    directory.start()
    expect('store ad: ' in directory.world.log(), 'no warning at the start')
    directory.must_wait(PAULA)
    directory.must_pass()
    directory.slapd.start()
    directory.is_back(PAULA)
    directory.is_encrypted('paula')


def kept_answers_outlive_the_directory(directory):
    directory.start()
    directory.must_encrypt('paula')
    code, printed = directory.send('nobody@partner.example')
    expect(code == 1, 'a mail got: ' + printed)
    directory.slapd.stop()
    directory.must_encrypt('paula')
    code, printed = directory.send('nobody@partner.example')
    expect(code == 1, 'a mail got: ' + printed)
    directory.must_wait(PETER)


def many_at_once_share_the_connections(directory):
    directory.start()
    directory.must_encrypt('paula')
    worker = only_worker(directory.world.daemon)
    for _ in range(2):
        sessions = [
            (name, directory.world.sim_begin(*directory.arguments(
                name + '@partner.example', '%s-%d' % (name, number))))
            for number in range(20) for name in ('paula', 'peter')]
        for number, (name, session) in enumerate(sessions):
            told = session.communicate(timeout=60)[0]
            expect(session.returncode == 0, 'a mail got: ' + told)
            directory.is_encrypted(name, '%s-%d' % (name, number // 2))
    expect(not IS_ROOT or descriptors(worker) < 32 + 40,
           'more than 32 connections')


def smimectl_names_entry_and_attribute_and_what_is_wrong(directory):
    directory.world.configure(RULES, directory.common)
    code, out, err = directory.world.ctl('cert', 'find', PETER)
    expect(code == 0, 'find says %d: %s' % (code, err))
    code, out, err = directory.world.ctl(
        'test', '-f', ALICE, '-t', PETER,
        directory.arguments(PETER)[-1])
    expect(code == 0 and 'cn=Peter' in out and 'userCertificate' in out,
           'test says %d: %s%s' % (code, out, err))
    directory.slapd.stop()
    code, out, err = directory.world.ctl('cert', 'find', PETER)
    expect(code == 3 and 'store ad: ' in err, 'find says %d: %s%s' % (
        code, out, err))
    code, out, err = directory.world.ctl('check')
    expect(code == 0 and 'warning: ' in err and 'store ad: ' in err,
           'check says %d: %s%s' % (code, out, err))


UNCACHED = [recipients_in_the_directory_get_it_encrypted,
            a_directory_says_the_mode_of_a_recipient,
            a_directory_says_the_mode_of_a_sender,
            a_directory_says_whether_a_sender_is_signed_for,
            a_recipient_who_is_not_there_is_refused,
            a_stopped_directory_lets_its_mails_wait_and_no_others,
            a_directory_that_stands_still_holds_up_no_other_mail,
            silence_is_a_tempfail_within_the_limit,
            half_a_tls_record_is_a_tempfail_within_the_limit,
            a_daemon_starts_while_the_directory_is_down,
            many_at_once_share_the_connections,
            smimectl_names_entry_and_attribute_and_what_is_wrong]
CACHED = [kept_answers_outlive_the_directory,
          a_directory_that_cannot_tell_the_mode_lets_mails_wait]


def in_a_directory(test, cached):
    try:
        directory = Directory(cached)
    except slapd.Missing as why:
        raise Skip(str(why))
    world = directory.world
    try:
        test(directory)
        status = world.stop()
        expect(status in (0, None), 'the daemon ended with %s' % status)
        expect(not COMPLAINT.search(world.log()), world.log()[-3000:])
    except Wrong as why:
        raise Wrong('\n  '.join([str(why)] + world.log().splitlines()[-6:]))
    finally:
        directory.close()


def main():
    tally = Tally(words())
    for tests, cached in ((UNCACHED, 0), (CACHED, 300)):
        for test in tests:
            if tally.wants(test.__name__):
                tally.run(test.__name__, in_a_directory, test, cached)
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
