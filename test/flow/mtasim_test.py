#!/usr/bin/env python3
"""mtasim_test.py [-v] [WORD]...: the tool that judges the daemon, judged: a
milter of a few lines says right and wrong things to it."""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from daemon_test import in_a_world
from harness import MTASIM, Tally, expect, words

ALL_ACTIONS, NO_STEPS = 0x1ff, 0x200  # no DATA, for a change
QUIET_MAIL, LEADING_SPACE = 0x4000, 0x100000
MAIL = (b'From: a@example.com\nX: one\nX: two\nx: three\nSubject: s\n\n'
        b'body\n')


def packet(command, data=b''):
    return struct.pack('>I', len(data) + 1) + command + data


def change(index, name, value):
    return packet(b'm', struct.pack('>I', index) + name + b'\0' + value +
                  b'\0')


class Milter(threading.Thread):
    """Answers 'c' to everything, and at the end of the body what it is told
    to; says[command] replaces an answer."""

    def __init__(self, at_end, steps=NO_STEPS | LEADING_SPACE,
                 actions=ALL_ACTIONS, says=None):
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.path = self.folder + '/s'
        self.at_end, self.steps, self.actions = at_end, steps, actions
        self.says = says or {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.listener.settimeout(20)
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        with client, client.makefile('rb') as stream:
            while True:
                head = stream.read(5)
                if len(head) < 5 or head[4:] == b'Q':
                    break
                stream.read(struct.unpack('>I', head[:4])[0] - 1)
                try:
                    client.sendall(self.answer(head[4:]))
                except OSError:
                    break

    def answer(self, command):
        if command in self.says:
            return self.says[command]
        if command == b'O':
            return packet(b'O', struct.pack('>III', 6, self.actions,
                                            self.steps))
        if command == b'E':
            return self.at_end
        return b'' if command in b'DA' else packet(b'c')

    def close(self):
        self.join(20)
        self.listener.close()
        shutil.rmtree(self.folder)


def sim(milter, *more):
    """Exit status, what was printed, the resulting mail."""
    path, out = milter.folder + '/mail', milter.folder + '/out'
    with open(path, 'wb') as file:
        file.write(MAIL)
    done = subprocess.run(
        [MTASIM, '-s', milter.path, '-f', '<a@example.com>', '-t', '<b@c>',
         '--timeout', '500', '-o', out, *more, path], timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    result = b''
    if os.path.exists(out):
        with open(out, 'rb') as file:
            result = file.read()
    milter.close()
    return done.returncode, done.stdout.decode(), result


def verdict(answer, status, text):
    got, printed, _ = sim(Milter(answer))
    expect(got == status and text in printed, '%d: %s' % (got, printed))


VERDICTS = {
    'continue': (packet(b'c'), 0, '250'),
    'accept': (packet(b'a'), 0, '250'),
    'reject': (packet(b'r'), 1, '550'),
    'tempfail': (packet(b't'), 2, '451'),
    'discard': (packet(b'd'), 3, 'held'),
    'quarantine': (packet(b'q', b'why\0') + packet(b'c'), 3, 'why'),
    'reply_5xx': (packet(b'y', b'554 5.7.1 no\0'), 1, '554 5.7.1 no'),
    'reply_4xx': (packet(b'y', b'450 4.2.0 later\0'), 2, '450 4.2.0 later'),
    'progress': (packet(b'p') * 3 + packet(b'c'), 0, '250'),
    'silence': (b'', 4, 'no answer'),
    'unknown': (packet(b'Z') + packet(b'c'), 4, 'unknown'),
    'reply_2xx': (packet(b'y', b'250 fine\0'), 4, 'violation'),
    'reply_without_nul': (packet(b'y', b'550 no'), 4, 'violation'),
    'short_change': (packet(b'm', b'\0\0') + packet(b'c'), 4, 'short'),
    'no_value': (packet(b'h', b'X\0') + packet(b'c'), 4, 'short'),
    'zero_length': (struct.pack('>I', 0), 5, 'io'),
    'huge_length': (b'\xff' * 4 + b'c', 5, 'io'),
    'edit_after_verdict': (packet(b'c') + packet(b'h', b'X\0 y\0'), 4,
                           'after its verdict'),
    'two_verdicts': (packet(b'c') * 2, 4, 'after its verdict'),
    'body_interrupted': (packet(b'b', b'1') + packet(b'h', b'X\0 y\0') +
                         packet(b'b', b'2') + packet(b'c'), 4,
                         'interrupted'),
    'cr_in_a_value': (packet(b'h', b'X\0 y\r\n z\0') + packet(b'c'), 4,
                      'breaks the header'),
    'lf_without_blank': (packet(b'h', b'X\0 y\nZ: z\0') + packet(b'c'), 4,
                         'breaks the header'),
}


def an_answer_in_a_quiet_stage_is_a_violation():
    got, printed, _ = sim(Milter(packet(b'c'), NO_STEPS | QUIET_MAIL))
    expect(got == 4, '%d: %s' % (got, printed))


def what_was_not_negotiated_is_a_violation():
    for edit in (packet(b'h', b'X\0 y\0'), packet(b'b', b'x'),
                 packet(b'q', b'why\0'), change(1, b'X', b' y')):
        got, printed, _ = sim(Milter(edit + packet(b'c'), actions=0))
        expect(got == 4 and 'not negotiated' in printed, printed)


def more_than_was_offered_is_a_violation():
    got, printed, _ = sim(Milter(packet(b'c'), steps=1 << 28))
    expect(got == 4 and 'not offered' in printed, printed)


def an_edit_before_the_end_is_a_violation():
    got, printed, _ = sim(Milter(
        packet(b'c'), says={b'N': packet(b'h', b'X\0 y\0')}))
    expect(got == 4, '%d: %s' % (got, printed))


def accept_at_the_end_of_the_header_is_obeyed():
    got, printed, result = sim(Milter(b'', says={b'N': packet(b'a')}))
    expect(got == 0 and result == MAIL.replace(b'\n', b'\r\n'), printed)


def a_refused_recipient_is_the_only_one():
    got, printed, _ = sim(Milter(b'', says={b'R': packet(b'r')}))
    expect(got == 1, '%d: %s' % (got, printed))


def edits(answer, postfix, sendmail):
    for rules, wanted in (([], postfix), (['--sendmail-rules'], sendmail)):
        got, printed, result = sim(Milter(answer + packet(b'c')), *rules)
        expect(got == 0, printed)
        lines = result.partition(b'\r\n\r\n')[0].split(b'\r\n')
        expect(lines == wanted, '%s: %r' % (rules, lines))


A, ONE, TWO, THREE, S = (b'From: a@example.com', b'X: one', b'X: two',
                         b'x: three', b'Subject: s')
EDITS = {
    'delete_1_then_2': (change(1, b'X', b'') + change(2, b'X', b''),
                        [A, TWO, S], [A, THREE, S]),
    'delete_from_the_top': (
        change(3, b'X', b'') + change(2, b'X', b'') + change(1, b'X', b''),
        [A, S], [A, S]),
    'change_takes_the_spelling': (change(3, b'X', b' 3'),
                                  [A, ONE, TWO, b'X: 3', S],
                                  [A, ONE, TWO, b'x: 3', S]),
    'change_of_a_missing_one': (change(1, b'New', b' n'),
                                [A, ONE, TWO, THREE, S, b'New: n'],
                                [A, ONE, TWO, THREE, S, b'New: n']),
    'add': (packet(b'h', b'X\0 four\0'),
            [A, ONE, TWO, THREE, S, b'X: four'],
            [A, b'X: four', ONE, TWO, THREE, S]),
    'delete_then_change': (change(1, b'Subject', b'') +
                           change(1, b'Subject', b' t'),
                           [A, ONE, TWO, THREE, b'Subject: t'],
                           [A, ONE, TWO, THREE, b'Subject: t']),
    'insert': (packet(b'i', b'\0\0\0\1New\0 n\0'),
               [b'New: n', A, ONE, TWO, THREE, S],
               [b'New: n', A, ONE, TWO, THREE, S]),
    'fold': (packet(b'h', b'F\0 a\n\tb\0'),
             [A, ONE, TWO, THREE, S, b'F: a', b'\tb'],
             [A, ONE, TWO, THREE, S, b'F: a', b'\tb']),
}


def a_wrong_signature_is_noticed(world):
    """Alice's rule has Bob's certificate; nobody signs for Carol."""
    world.start('sign = ( { sender = "alice@example.com"; stores = "staff"; '
                'certificate = "sha256:@SHA256:bob@"; } );')
    for sender, count in (('alice', '"wrong_signer": 4'),
                          ('carol', '"unsigned": 4')):
        mix = world.write('mix', b'%s@example.com x@y.example signed 99\n'
                          b'bob@example.com x@y.example any 99\n' %
                          sender.encode())
        code, printed = world.sim(
            'load', '-s', world.socket, '--mix', mix, '-n', '8',
            '--check-signer', '--json')
        expect(code == 1 and count in printed, printed)


def main():
    tally = Tally(words())
    for name, row in VERDICTS.items():
        if tally.wants('verdict_' + name):
            tally.run('verdict_' + name, verdict, *row)
    for name, row in EDITS.items():
        if tally.wants('edits_' + name):
            tally.run('edits_' + name, edits, *row)
    for test in (an_answer_in_a_quiet_stage_is_a_violation,
                 what_was_not_negotiated_is_a_violation,
                 more_than_was_offered_is_a_violation,
                 an_edit_before_the_end_is_a_violation,
                 accept_at_the_end_of_the_header_is_obeyed,
                 a_refused_recipient_is_the_only_one):
        if tally.wants(test.__name__):
            tally.run(test.__name__, test)
    if tally.wants('a_wrong_signature_is_noticed'):
        tally.run('a_wrong_signature_is_noticed', in_a_world,
                  a_wrong_signature_is_noticed)
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
