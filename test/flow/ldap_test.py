#!/usr/bin/env python3
"""ldap_test.py [-v] [WORD]...: certificates from a real directory, through
the daemon; the directory stops, starts, and stands still meanwhile."""
import os
import signal
import sys

import slapd
from harness import (COMMON, COMPLAINT, Skip, Tally, World, Wrong, expect,
                     judge, wait_for, words)
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
	  bind_dn = "%s"; password_file = "%s"; timeout_seconds = 3;
	  cache_seconds = %d; negative_cache_seconds = %d; }
);'''


class Directory:
    """A world whose configuration names a directory."""

    def __init__(self, cached=0):
        self.slapd = slapd.Slapd(pki=os.environ.get(
            'SMIME_PKI', os.path.join(os.environ.get('BUILD', 'build'),
                                      'pki')))
        try:
            self.world = World(common=COMMON)
        except BaseException:
            self.slapd.close()
            raise
        head, end = COMMON.rstrip()[:-3].rstrip(), STORE
        self.common = head + end % (
            self.slapd.tls_uri, slapd.SUFFIX, self.slapd.path('ca.pem'),
            slapd.READER, self.slapd.path('password'), cached, cached)

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
    expect('store ad: ' in directory.world.log() and
           'mails that need it have to wait' in directory.world.log(),
           'the log does not say that it is down')
    directory.slapd.start()
    directory.is_back(PAULA)
    directory.must_encrypt('peter')
    expect('store ad: the directory answers again' in directory.world.log(),
           'the log does not say that it is back')


def a_directory_that_stands_still_holds_up_no_other_mail(directory):
    directory.start()
    process = directory.slapd.process
    process.send_signal(signal.SIGSTOP)
    try:
        slow = directory.world.sim_begin(*directory.arguments(PETER, 'slow'))
        for _ in range(5):
            directory.must_pass()
        expect(slow.poll() is None, 'the slow mail ended before the others')
        told = slow.communicate(timeout=60)[0]
        expect(slow.returncode == 2, 'the slow mail got: ' + told)
        directory.must_wait(PETER)
        directory.must_pass()
    finally:
        process.send_signal(signal.SIGCONT)
    directory.is_back(PETER)
    directory.is_encrypted('peter')


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
    expect(descriptors(worker) < 32 + 40, '%d descriptors are open' %
           descriptors(worker))


def smimectl_names_entry_and_attribute(directory):
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


UNCACHED = [recipients_in_the_directory_get_it_encrypted,
            a_recipient_who_is_not_there_is_refused,
            a_stopped_directory_lets_its_mails_wait_and_no_others,
            a_directory_that_stands_still_holds_up_no_other_mail,
            a_daemon_starts_while_the_directory_is_down,
            many_at_once_share_the_connections,
            smimectl_names_entry_and_attribute]
CACHED = [kept_answers_outlive_the_directory]


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
