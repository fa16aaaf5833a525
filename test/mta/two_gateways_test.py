#!/usr/bin/env python3
"""two_gateways_test.py [WORD...]: mail through two daemons, one behind the
other, each with a state of its own.  What the first one has protected is not
protected again, nobody's copies are split twice, and the first one's marks
switch nothing off."""
import os
import re
import shutil
import sys

import judge
import mixes
from copies_test import ALICE, RULES, Copies, address, gather, mail_for, \
    open_copy, wanted_copies
from daemon import Daemon
from judge import expect
from run import alone
from smtp import Client
from world import BUILD

TO_SECOND = 'content_filter = smtp:[127.0.0.1]:PORT(second)'
OF_SECOND = 'smtpd_milters = unix:smime-milter/second.sock'
DOORS = {
    'door': ('n', [TO_SECOND]),
    'filtered': ('n', [TO_SECOND]),
    'back': ('n', ['smtpd_milters =', TO_SECOND]),
    'second': ('n', [OF_SECOND]),
    'second_filtered': ('n', [OF_SECOND]),
    'second_back': ('n', ['smtpd_milters =']),
}
SPLIT = '''mixed = "split";
reinject = {{ uri = "smtp://127.0.0.1:{port_%s}"; mark = %s; }};
'''
PLAIN = SPLIT % ('back', 'false'), SPLIT % ('second_back', 'false')
MARKED = SPLIT % ('filtered', 'true'), SPLIT % ('second_filtered', 'true')
# The first one's mark stays on its copies.
LEFT = SPLIT % ('back', 'true'), SPLIT % ('second_filtered', 'true')
NOTHING = '', ''
# The first one knows of no partners.
FEWER = re.sub(r'\{\{ name = "partners".*?\}\}',
               '{{ name = "partners"; recipient = "*@partner.example"; '
               'mode = "none"; }}', RULES, flags=re.DOTALL)
# ... and signs nothing.
NO_RULES = 'encrypt = ( );\n'

MANY = 'enc: r1; enc: e1; enc: g1; enc: r2; clear: c1'
# name: (settings of both, rules of the first, of the second, To, Bcc, outcome)
CASES = {
    'the_same_twice': (PLAIN, RULES, RULES, 'r1 e1 g1 c1', 'r2', MANY),
    'the_same_twice_with_marks': (MARKED, RULES, RULES, 'r1 e1 g1 c1', 'r2',
                                  MANY),
    'marks_of_the_first_are_unknown': (LEFT, RULES, RULES, 'r1 e1 g1 c1',
                                       'r2', MANY),
    'marks_of_the_first_protect_nobody_less': (
        LEFT, FEWER, RULES, 'g1 r1 e1 c1', '',
        'enc: g1; enc: r1; enc: e1; clear: c1'),
    'marks_of_the_first_stop_no_refusal': (
        LEFT, FEWER, RULES, 'g1 none', '', 'enc: g1'),
    'the_second_protects': (PLAIN, NO_RULES, RULES, 'r1 e1 c1', 'r2',
                            'enc: r1; enc: e1; enc: r2; clear: c1'),
    'the_first_protects': (PLAIN, RULES, NO_RULES, 'r1 e1 c1', 'r2',
                           'enc: r1; enc: e1; enc: r2; clear: c1'),
    'the_second_has_nothing_to_split': (
        (PLAIN[0], ''), RULES, RULES, 'r1 e1 g1 c1', 'r2', MANY),
    'the_first_does_not_split': (
        ('', PLAIN[1]), RULES, RULES, 'r1 r3', '', 'enc: r1 r3'),
    'neither_splits': (NOTHING, RULES, RULES, 'r1 r3', '', 'enc: r1 r3'),
}


class Row(Copies):
    """The second daemon beside the first one."""

    def __init__(self):
        self.second = None
        super().__init__(PLAIN[0] + RULES, DOORS, [
            'enable_original_recipient = no'])

    def _build(self, *arguments):
        super()._build(*arguments)
        folder = self.folder + '/second'
        os.makedirs(folder + '/state')
        shutil.chown(folder + '/state', 'nobody')
        self.second = Daemon(BUILD + '/smime-milter', folder, '', [
            os.path.dirname(self.socket) + '/second.sock'])
        self.closing.append(self.second.stop)

    def set_both(self, settings, rules):
        self.use('both', settings[0] + rules[0])
        self.rules = settings[1] + rules[1]
        text = self.configuration().replace(
            self.socket, self.second.sockets[0])
        for name in ('state', 'control.sock', 'smime-milter.pid'):
            text = text.replace('%s/%s"' % (self.folder, name),
                                '%s/second/%s"' % (self.folder, name))
        self.second.stop()
        self.second.configure(text)
        self.second.start()


def in_a_row(world, name):
    settings, first, second, shown, hidden, outcome = CASES[name]
    world.set_both(settings, (first, second))
    shown, hidden = shown.split(), hidden.split()
    subject = name.replace('_', '-')
    with Client(world.postfix.ports['door']) as client:
        reply = client.send(ALICE, [address(n) for n in shown + hidden],
                            mail_for(subject, shown, hidden))
    expect(reply.code == 250, 'answered by %r' % reply)
    wanted = wanted_copies(outcome)
    mails = gather(world, subject, len(wanted))
    for mail in mails:
        expect(b'enveloped' not in inside(world, mail), 'protected twice')
    got = sorted(open_copy(world, mail, shown, '') for mail in mails)
    expect(got == wanted, 'got %s' % (got,))


def inside(world, mail):
    """Header of what is in the outermost layer; its own when in clear."""
    if judge.media_type(mail.data) != 'application/pkcs7-mime':
        return judge.split(mail.data)[0]
    name = [n for n, (a, _) in mixes.PEOPLE.items()
            if a == mail.recipients[0]][0]
    return judge.split(judge.decrypt(
        mail.data, '%s/many/%s.pem' % (world.folder, name),
        '%s/%s.key' % (world.pki, name)).entity)[0]


def run_all(count, words):
    world = Row()
    try:
        for name in CASES:
            if words and not any(word in name for word in words):
                continue

            def test(world):
                in_a_row(world, name)
            test.__name__ = name
            count.run('Postfix', test, world)
        if count.failed:
            print(world.daemon.log()[-3000:])
            print(world.second.log()[-3000:])
            print(world.postfix.log()[-3000:])
    finally:
        world.close()


if __name__ == '__main__':
    sys.exit(alone(run_all))
