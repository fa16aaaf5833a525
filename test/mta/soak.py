#!/usr/bin/env python3
"""soak.py [MAILS [SEED]]: mails for recipients of every kind, while worker,
re-injection port and Postfix are killed at random.  A client tries each mail
again until it is taken.  At the end: nobody went without, nobody got in clear
what a rule protects, and whoever got it twice can be told from the log."""
import collections
import os
import random
import re
import signal
import socket
import sys
import threading
import time

import judge
from copies_test import ALICE, DOORS, RULES, Copies, address, mail_for
from daemon import children
from judge import expect
from listener import Listener
from postfix import alive
from smtp import Client, path

SHOWN, HIDDEN = ['r1', 'e1', 'c1'], ['r2']
PROTECTED = {address(name) for name in ('r1', 'e1', 'r2')}
KEPT = address('r1')
SETTING = '''mixed = "split";
reinject = {{ uri = "smtp://127.0.0.1:{proxy}"; mark = false;
	timeout_seconds = 20; }};
'''
CLIENTS = 4


class Proxy(Listener):
    """Between the daemon and the re-injection port: it is slow, ends in the
    middle, keeps the last word to itself.  What the daemon says after an
    answer to a final dot shows that it has heard it."""

    def __init__(self, chance):
        self.target = None
        self.unheard = collections.Counter()  # dots, by subject and recipient
        self.lock = threading.Lock()
        self.random = chance
        self.deaths = collections.Counter()
        self.rate = 0.0
        super().__init__()

    def _dies(self, where):
        if self.random.random() >= self.rate:
            return False
        self.deaths[where] += 1
        return True

    def _serve(self, peer):
        try:
            with socket.create_connection(('127.0.0.1', self.target)) as port:
                peer.settimeout(60)
                port.settimeout(60)
                self._pass_on(peer, port)
        except OSError:
            pass
        finally:
            peer.close()

    def _count(self, told, number):
        with self.lock:
            for one in told:
                self.unheard[one] += number

    def _pass_on(self, peer, port):
        """Line by line, so that it is known where in the dialogue we are."""
        client, server = peer.makefile('rb'), port.makefile('rb')
        peer.sendall(answer(server))
        recipients, told = [], []
        while True:
            line = client.readline()
            if line:
                self._count(told, -1)
                told = []
            verb = line[:4].upper().strip().decode('latin-1')
            if not line or self._dies('before ' + verb):
                return
            port.sendall(line)
            reply = answer(server)
            if not reply or self._dies('after ' + verb):
                return
            peer.sendall(reply)
            if verb == 'QUIT':
                return
            if verb in ('MAIL', 'RSET'):
                recipients = []
            if verb == 'RCPT':
                recipients.append(path(line)[0])
            if verb != 'DATA' or not reply.startswith(b'354'):
                continue
            subject = ''
            while line != b'.\r\n':
                line = client.readline()
                if not line:
                    return
                if line.startswith(b'Subject: ') and not subject:
                    subject = line[9:].decode().strip()
                if line == b'.\r\n':
                    if self._dies('before the dot'):
                        return
                    told = [(subject, name) for name in recipients]
                    self._count(told, 1)
                port.sendall(line)
            reply = answer(server)
            if not reply or self._dies('after the dot'):
                return
            peer.sendall(reply)


def answer(stream):
    text = b''
    while True:
        line = stream.readline()
        if not line:
            return b''
        text += line
        if line[3:4] != b'-':
            return text


class Soak:
    def __init__(self, mails, seed):
        self.random = random.Random(seed)
        self.mails = mails
        self.proxy = Proxy(random.Random(seed + 1))
        self.doubtful = collections.Counter()  # tries that may have worked
        self.tries = 0
        self.kills = collections.Counter()
        self.next = iter(range(mails))
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.world = Copies(SETTING.replace('{proxy}', str(self.proxy.port)) +
                            RULES, DOORS, ['smtpd_client_connection_rate_limit'
                                           ' = 0'])
        self.proxy.target = self.world.postfix.ports['back']

    # ---- the clients ----

    def take(self):
        with self.lock:
            return next(self.next, None)

    def send_some(self):
        while True:
            number = self.take()
            if number is None:
                return
            while not self.try_once('soak-%d' % number):
                time.sleep(0.1)

    def try_once(self, subject):
        """True when it was taken."""
        envelope = [address(n) for n in SHOWN + HIDDEN]
        sent = False
        with self.lock:
            self.tries += 1
        try:
            with Client(self.world.postfix.ports['door'],
                        timeout=60) as client:
                for line in ['MAIL FROM:<%s>' % ALICE] + [
                        'RCPT TO:<%s>' % a for a in envelope] + ['DATA']:
                    if client.command(line).code // 100 not in (2, 3):
                        return False
                client.socket.sendall(mail_for(subject, SHOWN, HIDDEN))
                sent = True
                client.socket.sendall(b'.\r\n')
                code = client.reply().code
        except OSError:
            code = 0
        if code == 0 and sent:
            self.doubtful[subject] += 1
        expect(code // 100 != 5, '%s was refused for good' % subject)
        return code == 250

    # ---- death ----

    def kill_some(self):
        while not self.done.wait(self.random.uniform(0.3, 1.2)):
            kind = self.random.choice(['worker', 'worker', 'postfix', 'calm'])
            self.proxy.rate = self.random.choice([0, 0.01, 0.05])
            self.kills[kind] += 1
            if kind == 'worker':
                for pid in self.world.daemon.workers():
                    end(pid)
            elif kind == 'postfix':
                self.kill_postfix()
            self.revive()

    def kill_postfix(self):
        pid = self.world.postfix.pid()
        family = [pid] + children(pid)
        for one in family:
            end(one)
        limit = time.monotonic() + 20
        while any(alive(one) for one in family):
            expect(time.monotonic() < limit, 'Postfix does not die')
            time.sleep(0.02)
        self.world.postfix.start()

    def revive(self):
        """The parent waits longer after each death of a worker."""
        if self.kills['worker'] % 4 == 0 or \
                self.world.daemon.process.poll() is not None:
            self.world.daemon.stop()
            self.world.daemon.start()

    # ---- what came of it ----

    def run(self):
        threads = [threading.Thread(target=self.send_some)
                   for _ in range(CLIENTS)]
        killer = threading.Thread(target=self.kill_some)
        for thread in threads + [killer]:
            thread.start()
        for thread in threads:
            thread.join()
        self.done.set()
        killer.join()
        self.proxy.rate = 0.0
        self.settle()

    def settle(self):
        """Until the queue of Postfix is empty."""
        postfix = self.world.postfix
        end_of = time.monotonic() + 120
        while any(is_whole(path) for name in (
                'incoming', 'active', 'deferred', 'maildrop')
                for path in postfix.queue(name)):
            expect(time.monotonic() < end_of, 'the queue is never empty')
            postfix.retry()
            time.sleep(0.5)

    def arrived(self):
        """{subject: {recipient: queue ids}}; what is in clear is judged."""
        found = collections.defaultdict(
            lambda: collections.defaultdict(set))
        for mail in self.world.sink.mails:
            subject = judge.field(mail.data, 'subject')
            # Postfix's own: what it delivers twice after a death is one.
            queue_id = re.search(rb'with ESMTP\w* id (\w+)', mail.data)[1]
            kind = judge.field(mail.data, 'content-type')
            for recipient in mail.recipients:
                found[subject][recipient].add(queue_id)
                if recipient in PROTECTED:
                    expect('enveloped-data' in kind, '%s: %s for %s' % (
                        subject, kind, recipient))
        return found

    def judge(self):
        found = self.arrived()
        log = self.world.daemon.log()
        twice = kept_twice = 0
        for number in range(self.mails):
            subject = 'soak-%d' % number
            for name in SHOWN + HIDDEN:
                copies = len(found[subject][address(name)])
                expect(copies != 0, '%s: nothing for %s' % (subject, name))
                if address(name) == KEPT:
                    kept_twice += copies - 1
                    expect(copies - 1 <= self.doubtful[subject],
                           '%s: %d for %s' % (subject, copies, name))
                else:
                    twice += copies - 1
                    unheard = self.proxy.unheard[subject, address(name)]
                    expect(copies - 1 <= unheard, '%s: %d for %s, and %d '
                           'answers unheard' % (subject, copies, name,
                                                unheard))
        logged = log.count('a copy is sent once more')
        expect(twice <= logged, '%d doubles, and %d of them logged' % (
            twice, logged))
        expect('Sanitizer' not in log, log[-2000:])
        print('%d mails, %d tries; killed: %s; port: %s' % (
            self.mails, self.tries, dict(self.kills), dict(self.proxy.deaths)))
        print('doubles: %d of copies (%d logged), %d of what Postfix keeps, '
              'where its answer was lost' % (twice, logged, kept_twice))

    def close(self):
        self.done.set()
        self.world.close()
        self.proxy.close()


def is_whole(path):
    """Postfix leaves half of a file when it dies, without this mark."""
    try:
        return os.stat(path).st_mode & 0o100 != 0
    except OSError:
        return False


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, TypeError):
        pass


def soak(mails, seed):
    run = Soak(mails, seed)
    try:
        run.run()
        run.judge()
    except BaseException:
        print('seed %d' % seed)
        print(run.world.daemon.log()[-3000:])
        raise
    finally:
        run.close()


def main():
    mails = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    soak(mails, seed)
    print('1 passed, 0 failed, 0 skipped')


if __name__ == '__main__':
    main()
