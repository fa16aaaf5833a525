#!/usr/bin/env python3
"""ask_test.py [-v] [WORD]...: recipients refused while the sender waits, by
the daemon and a directory that stops meanwhile."""
import signal
import struct
import sys

from harness import expect, run_each
from ldap_test import (ALICE, ELSEWHERE, PAULA, PETER, RULES, Directory,
                       in_a_directory)
from milter_client import NR_CONN, NR_RCPT, Client

NOBODY = 'nobody@partner.example'
PASSING = RULES.replace('"reject"', '"tempfail"')


def send(directory, recipients, *client):
    """The exit status, the replies to RCPT, and all that was printed."""
    world = directory.world
    mail = world.write('mail', (
        'From: %s\r\nTo: %s\r\n\r\nDear reader.\r\n' % (
            ALICE, ', '.join(recipients))).encode())
    path = '<%s>' if client else '%s'
    to = [word for r in recipients for word in ('-t', path % r)]
    code, printed = world.sim(
        '-s', world.socket, '-f', path % ALICE, *to, '-o', world.path('out'),
        '--replies', *client, mail)
    lines = [line[5:] for line in printed.splitlines()
             if line.startswith('RCPT ')]
    return code, lines, printed


OUTSIDE = ('--client', '192.0.2.1', '--port', '4711')
LOGIN = OUTSIDE + ('--auth', 'alice')


def one_is_refused_and_the_others_get_it(directory):
    directory.start()
    code, replies, printed = send(directory, [PAULA, NOBODY], *LOGIN)
    expect(code == 0, 'the mail got: ' + printed)
    expect(len(replies) == 1 and '550 5.7.5 Mail to this recipient' in
           replies[0] and NOBODY in replies[0], replies)
    directory.is_encrypted('paula')
    log = directory.world.log()
    expect('rcpts=2 sign=- encrypt=directory did=nothing result=reject' in
           log and 'rcpts=1 sign=house encrypt=directory did=sign,encrypt'
           in log, log[-800:])


def when_all_are_refused_there_is_no_mail(directory):
    directory.start()
    code, replies, printed = send(directory, [NOBODY, 'x' + NOBODY], *LOGIN)
    expect(code == 1 and len(replies) == 2, printed)


def a_stopped_directory_is_a_tempfail_at_rcpt(directory):
    directory.start()
    directory.slapd.stop()
    code, replies, printed = send(directory, [PAULA, ELSEWHERE], *LOGIN)
    expect(code == 0 and len(replies) == 1 and PAULA in replies[0] and
           '451 4.3.0 ' in replies[0], printed)
    directory.slapd.start()
    directory.is_back(PAULA)
    code, replies, printed = send(directory, [PAULA], *LOGIN)
    expect(code == 0 and not replies, printed)


def a_silent_directory_is_a_tempfail_at_rcpt(directory):
    directory.start()
    directory.must_encrypt('paula')
    process = directory.slapd.process
    process.send_signal(signal.SIGSTOP)
    try:
        code, replies, printed = send(directory, [PETER], *LOGIN)
    finally:
        process.send_signal(signal.SIGCONT)
    expect(code == 2 and '451 4.3.0 ' in printed and len(replies) == 1,
           printed)


def others_hear_of_it_at_the_end(directory):
    """The MTA's own submission, and who may not send out."""
    directory.start()
    for client in ((), OUTSIDE):
        code, replies, printed = send(directory, [NOBODY], *client)
        expect(code == 1 and not replies, '%s: %s' % (client, printed))


# ---- one session, packet by packet ----

def begin(directory):
    client = Client(directory.world.socket)
    client.ask(b'C', b'host\0' b'4' + struct.pack('>H', 4711) +
               b'192.0.2.1\0', NR_CONN)
    return client


def name_one(client, recipient):
    """MAIL and RCPT; the answer to RCPT."""
    client.send(b'D', b'M{auth_authen}\0alice\0')
    client.mail(ALICE.encode())
    return client.ask(b'R', b'<%s>\0' % recipient.encode())[0]


def it_is_looked_up_once(directory):
    directory.start()
    client = begin(directory)
    expect(name_one(client, PAULA) == b'c', 'refused')
    directory.slapd.stop()
    client.fields((b'From', ALICE.encode()), (b'To', PAULA.encode()))
    client.body(b'Dear reader.\r\n')
    packets = client.end()
    client.close()
    expect(packets[-1][0] == b'c', 'it was: %s' % packets)
    expect(any(c == b'b' for c, _ in packets), 'it was not changed')


def what_was_found_ends_with_its_mail(directory):
    directory.start()
    client = begin(directory)
    expect(name_one(client, PAULA) == b'c', 'refused')
    client.send(b'A')
    directory.slapd.stop()
    expect(name_one(client, PAULA) == b'y', 'no 451')
    client.close()


def no_answer_is_agreed_on_where_none_can_come(directory):
    for rules, quiet in ((RULES, 0), (PASSING, NR_RCPT),
                         (RULES + 'refuse_early = false;', NR_RCPT)):
        directory.world.start(rules, directory.common)
        client = Client(directory.world.socket)
        expect(client.agreed & NR_RCPT == quiet, rules)
        client.close()
        directory.world.stop()


TESTS = [one_is_refused_and_the_others_get_it,
         when_all_are_refused_there_is_no_mail,
         a_stopped_directory_is_a_tempfail_at_rcpt,
         a_silent_directory_is_a_tempfail_at_rcpt,
         others_hear_of_it_at_the_end, it_is_looked_up_once,
         what_was_found_ends_with_its_mail,
         no_answer_is_agreed_on_where_none_can_come]


def main():
    return run_each(TESTS, in_a_directory, 0)


if __name__ == '__main__':
    sys.exit(main())
