#!/usr/bin/env python3
"""odd_test.py [WORD...]: recipients and subjects as hardly anybody writes
them, and hundreds of recipients, through a real Postfix and a real Sendmail:
one copy for each, none in clear, nobody shown to whom he was hidden."""
import collections
import email.header
import re
import subprocess
import sys
import time

import judge
from copies_test import ALICE, DOORS, Copies, holders
from judge import Skip, expect
from run import alone
from smtp import Client
from world import PLAIN

RULES = '''
sign = ( {{ name = "house"; sender = "alice@example.com"; stores = "staff";
	clients = [ "127.0.0.1", "local" ]; otherwise = "reject"; }} );
encrypt = (
	{{ name = "marked"; recipient = "*@asked.example"; stores = "many";
	   trusted = false; subject = "[encrypt]"; subject_remove = true;
	   clients = [ "127.0.0.1", "local" ]; otherwise = "reject"; }},
	{{ name = "partners"; stores = "many"; trusted = false;
	   recipient = [ "*@partner.example", "*@bücher.example" ];
	   otherwise = "reject"; }}
);
limits = {{ encrypt_recipients = 600; copies = 200; }};
'''
SPLIT = '''mixed = "split";
reinject = {{ uri = "smtp://127.0.0.1:{%s}"; mark = %s; }};
'''
SETTINGS = {'split': SPLIT % ('port_back', 'false'),
            'mark': SPLIT % ('port_filtered', 'true'),
            'sendmail': SPLIT % ('port_sendmail', 'false'),
            'all': '', 'share': 'bcc = "share";\n'}
# An address, the kind of its key, and its alternative name where that is
# another.
KEYS = [
    ('rsa@partner.example', 'rsa', None),
    ('ec@partner.example', 'ec', None),
    ('asked@asked.example', 'rsa', None),
    ('"john doe"@partner.example', 'rsa', None),
    ('"a@b"@partner.example', 'rsa', None),
    ('"quote\\"d\\\\"@partner.example', 'rsa', None),
    ('otto@bücher.example', 'rsa', 'email:otto@xn--bcher-kva.example'),
    ('jürgen@partner.example', 'ec',
     # openssl reads it as Latin-1 and writes UTF-8
     'otherName:1.3.6.1.5.5.7.8.9;UTF8:j\udcfcrgen@partner.example'),
]
MANY = {'rsa': 150, 'ec': 60, 'hidden': 130}


class Odd(Copies):
    def _make_stores(self):
        super(Copies, self)._make_stores()
        self.serials = {}
        subprocess.run(['mkdir', self.folder + '/many'], check=True)
        for number, (address, kind, san) in enumerate(KEYS):
            self.make_key('key%d' % number, address, kind, san)

    def make_many(self):
        """Certificates for MANY, each for an address, of two keys."""
        for group, count in MANY.items():
            key = self.pki + ('/key1.key' if group == 'ec' else '/key0.key')
            for number in range(count):
                name = '%s%03d' % (group, number)
                pem = '%s/many/%s.pem' % (self.folder, name)
                subprocess.run(
                    ['openssl', 'req', '-x509', '-key', key, '-out', pem,
                     '-days', '30', '-subj', '/CN=' + name, '-addext',
                     'subjectAltName=email:%s@partner.example' % name,
                     '-addext', 'keyUsage=keyEncipherment,keyAgreement',
                     '-addext', 'basicConstraints=critical,CA:FALSE'],
                    check=True, capture_output=True)
                self.note_serial(name, pem)

    def use(self, setting):
        super().use(setting, SETTINGS[setting] + RULES)


RSA, EC, JOHN, AT, QUOTE = (KEYS[i][0] for i in (0, 1, 3, 4, 5))
OTTO, OTTO_A = KEYS[6][0], 'otto@xn--bcher-kva.example'
JUERGEN, ASKED = KEYS[7][0], KEYS[2][0]
C1, C2 = 'c1@elsewhere.example', 'c2@elsewhere.example'
ALL_SPLIT = ('split', 'mark', 'sendmail')
POSTFIX = ('split', 'mark')

# name: (settings, To, RCPT, what comes of it).  That is a reply's words, or
# lists of those who share a mail, in the order of RCPT; "clear" begins the
# list of those who get it so.
ROWS = {
    'quoted_local_parts': (
        ALL_SPLIT, [JOHN, AT, QUOTE, EC, C1], [JOHN, AT, QUOTE, EC, C1],
        [[JOHN, AT, QUOTE], [EC], ['clear', C1]]),
    'quoted_together': (
        ('all',), [JOHN, AT, RSA], [JOHN, AT, RSA], [[JOHN, AT, RSA]]),
    'quoted_pairs_in_to': (
        ALL_SPLIT, ['"john\\ doe"@partner.example', '"\\r\\s\\a"@partner.example',
                    '"a\\@b"@(at)partner . example'],
        [JOHN, RSA, AT], [[JOHN, RSA, AT]]),
    'needless_quotes_in_rcpt': (
        POSTFIX, [RSA, EC], ['"rsa"@partner.example', EC],
        [[RSA], [EC]]),
    'quoted_bcc': (
        ALL_SPLIT, [RSA], [RSA, JOHN, AT, C1],
        [[RSA], [JOHN], [AT], ['clear', C1]]),
    'quoted_bcc_is_refused': (
        ('all',), [RSA], [RSA, JOHN], '550 5.7.1'),
    'groups_and_comments': (
        ('split', 'sendmail'),
        ['Friends (of old): Bob (a (nested\\)) one) <rsa@partner.example>,'
         ' "Doe, John" <"john doe"@partner.example>; (end)',
         '(x) ec (y) @ (z) partner.example'],
        [RSA, JOHN, EC], [[RSA, JOHN], [EC]]),
    'groups_and_comments_together': (
        ('all',), ['A: rsa@partner.example;, B:;, "C, D": '
                   '"john doe"@partner.example;'],
        [RSA, JOHN], [[RSA, JOHN]]),
    'nobody_is_named': (
        ALL_SPLIT, ['undisclosed-recipients:;'], [RSA, JOHN],
        [[RSA], [JOHN]]),
    'a_comment_names_nobody': (
        ('split', 'sendmail'), [RSA + ' (ec@partner.example, ' + JOHN + ')',
                    '"<%s>" <%s>' % (JOHN.replace('"', '\\"'), C1)],
        [RSA, JOHN, C1], [[RSA], [JOHN], ['clear', C1]]),
    'a_broken_to_names_whom_it_can': (
        ('split',), ['Mueller, Bob <rsa@partner.example>', JOHN + ' x y'],
        [RSA, JOHN, EC], [[RSA, JOHN], [EC]]),
    'other_case': (
        ALL_SPLIT, ['Rsa@Partner.Example', EC],
        ['Rsa@Partner.Example', 'rsa@partner.example', EC],
        [[RSA], [EC]]),
    'other_case_that_goes': (
        ALL_SPLIT, [EC, RSA, C1],
        [EC, 'RSA@partner.EXAMPLE', RSA, C1, 'C1@ELSEWHERE.example'],
        [[EC], [RSA], ['clear', C1]]),
    'other_case_as_bcc': (
        ALL_SPLIT, [EC], [EC, RSA, 'Rsa@partner.example'], [[EC], [RSA]]),
    'other_case_in_to': (
        ('all',), ['RSA@PARTNER.EXAMPLE', '"JOHN DOE"@partner.example'],
        [RSA, JOHN], [[RSA, JOHN]]),
    'other_case_together': (
        ('all',), [RSA], [RSA, 'RSA@Partner.example'], [[RSA]]),
    'u_label_in_to': (
        POSTFIX, [OTTO, EC], [OTTO_A, EC], [[OTTO], [EC]]),
    'upper_case_u_label_in_to': (
        POSTFIX, ['Otto@BÜCHER.example', RSA], [OTTO_A, RSA],
        [[OTTO, RSA]]),
    'decomposed_u_label_in_to': (
        ('split',), ['otto@bu\u0308cher.example', RSA], [OTTO_A, RSA],
        [[OTTO, RSA]]),
    'a_label_in_to': (
        POSTFIX, ['OTTO@XN--bcher-kva.example', EC],
        [OTTO, EC], [[OTTO], [EC]]),
    'u_label_that_goes': (
        POSTFIX, [EC, OTTO], [EC, OTTO], [[EC], [OTTO]]),
    'both_labels_are_one': (
        POSTFIX, [EC, OTTO], [EC, OTTO, OTTO_A],
        [[EC], [OTTO]]),
    'u_label_in_to_together': (
        ('all',), [OTTO, RSA], [OTTO_A, RSA], [[OTTO, RSA]]),
    'u_label_as_bcc': (
        ('all',), [RSA], [OTTO_A, RSA], '550 5.7.1'),
    'utf8_local_part': (
        POSTFIX, [RSA, JUERGEN, C1], [RSA, JUERGEN, C1],
        [[RSA], [JUERGEN], ['clear', C1]]),
    'utf8_local_part_stays': (
        POSTFIX, [JUERGEN, RSA], [JUERGEN, RSA],
        [[JUERGEN], [RSA]]),
    'utf8_in_clear': (
        POSTFIX, [RSA, 'grün@elsewhere.example'],
        [RSA, 'grün@elsewhere.example', 'zwölf@elsewhere.example'],
        [[RSA], ['clear', 'grün@elsewhere.example',
                 'zwölf@elsewhere.example']]),
    'utf8_for_two_kinds': (
        ('all',), [JUERGEN, RSA], [JUERGEN, RSA], '550 5.7.1'),
    'latin_1_in_to_names_nobody': (
        ('split',), [b'j\xfcrgen@partner.example', EC], [EC, RSA],
        [[EC], [RSA]]),
    'source_route': (
        ALL_SPLIT, [RSA, EC],
        ['@hop.example,@two.example:' + RSA, '@hop.example:' + EC,
         '@partner.example:' + C1],
        [[RSA], [EC], ['clear', C1]]),
    'source_route_together': (
        ('all',), ['<@a.example,@b.example:%s>' % RSA, JOHN],
        ['@hop.example:' + RSA, JOHN], [[RSA, JOHN]]),
    'percent_hack': (
        ALL_SPLIT + ('all',), [RSA],
        [RSA, 'ec%partner.example@mx.example.net'], '550 5.7.5'),
    'percent_hack_in_clear': (
        POSTFIX, [RSA], [RSA, 'c1%elsewhere.example@mx.example.net'],
        [[RSA], ['clear', 'c1%elsewhere.example@mx.example.net']]),
    'percent_hack_of_ours': (
        POSTFIX, [RSA], [RSA, 'c1%elsewhere.example@[127.0.0.1]'],
        [[RSA], ['clear', C1]]),
    'sendmail_percent_hack': (
        ('sendmail',), [RSA], [RSA, 'c1%elsewhere.example@mx.example.net'],
        [[RSA], ['clear', C1]]),
    'bang_path': (
        ALL_SPLIT + ('all',), [RSA],
        [RSA, 'partner.example!ec@mx.example.net'], '550 5.7.5'),
}


def normal(address):
    """Postfix and IDNA may have spelt it anew."""
    local, _, domain = address.rpartition('@')
    return local.lower() + '@' + domain.lower().encode().decode('idna') \
        if domain.isascii() else local.lower() + '@' + domain.lower()


def distinct(addresses):
    """An MTA may take bob@ and Bob@ for two, who then share a mail."""
    return sorted({normal(address) for address in addresses})


def mail(subject, to, entity=PLAIN):
    value = b',\r\n '.join(t if isinstance(t, bytes) else t.encode()
                           for t in to)
    return (b'From: <%s>\r\nTo: %s\r\n%sDate: Thu, 01 Jan 2026 12:00:00 +0000'
            b'\r\nMessage-ID: <%s@example.com>\r\nMIME-Version: 1.0\r\n' % (
                ALICE.encode(), value, subject if isinstance(subject, bytes)
                else b'Subject: %s\r\n' % subject.encode(),
                str(hash(subject)).encode())) + entity


def send(world, setting, envelope, message):
    utf8 = 'SMTPUTF8' if any(not a.isascii() for a in envelope) or \
        not judge.split(message)[0].isascii() else ''
    port = world.sendmail.port if setting == 'sendmail' else \
        world.postfix.ports['door']
    with Client(port) as client:
        return client.send(ALICE, envelope, message, utf8)


def settle(world, setting):
    """Until nobody has any mail left to deliver."""
    if setting == 'sendmail':
        world.sendmail.run('-q')
    end = time.monotonic() + 60
    # The way a mail goes: what moves on meanwhile is seen where it comes to.
    while world.postfix.queue('incoming') + world.postfix.queue('active') + \
            world.postfix.queue('deferred'):
        expect(time.monotonic() < end, 'the queue is never empty')
        time.sleep(0.02)


def take(world):
    with world.sink.arrival:
        mails, world.sink.mails = world.sink.mails, []
    return mails


def opened(world, arrived):
    """('clear', names) or ('enc', names), and who is shown in it."""
    data = arrived.data
    expect(judge.field(data, 'x-smime-milter-copy') is None, 'a mark is left')
    if any(not a.isascii() for a in arrived.recipients):
        expect(b'SMTPUTF8' in arrived.arguments, 'without SMTPUTF8: %s' %
               arrived.arguments)
    if judge.media_type(data) != 'application/pkcs7-mime':
        return 'clear', arrived.recipients, []
    return 'enc', arrived.recipients, holders(world, data)


def key_name(address):
    keys = {normal(a): 'key%d' % n for n, (a, _, _) in enumerate(KEYS)}
    return keys[normal(address)]


def odd(world, setting, name):
    _, to, envelope, outcome = ROWS[name]
    subject = '%s-%s' % (name.replace('_', '-'), setting)
    reply = send(world, setting, envelope, mail(subject, to))
    settle(world, setting)
    arrived = take(world)
    if isinstance(outcome, str):
        expect(reply.text.startswith(outcome), 'answered by %r' % reply)
        expect(not arrived, 'it came all the same')
        return
    expect(reply.code == 250, 'answered by %r' % reply)
    wanted = sorted(('clear', distinct(names[1:]), [])
                    if names[0] == 'clear' else
                    ('enc', distinct(names),
                     sorted(map(key_name, names))) for names in outcome)
    got = sorted((form, distinct(names), infos) for form, names, infos in
                 (opened(world, one) for one in arrived))
    expect(got == wanted, '\ngot    %s\nwanted %s' % (got, wanted))


# ---- subjects ----

LONG = b' '.join([b'word'] * 12)
# name: (Subject, is it protected, and as it is read then; None: whatever)
SUBJECTS = {
    'plain': (b'[encrypt] hello', True, 'hello'),
    'other_case': (b'hello [EnCrYpT]', True, 'hello'),
    'nothing_else': (b'[encrypt]', True, ''),
    'not_there': (b'encrypt hello', False, 'encrypt hello'),
    'words_of_two_charsets': (
        b'=?utf-8?q?gr=C3=BCn_=5Benc?= =?iso-8859-15?b?cnlwdF0gcm90?=',
        True, 'grün rot'),
    'folded_between_words': (
        b'=?UTF-8?Q?=5Benc?=\r\n\t=?us-ascii?Q?rypt=5D?= =?koi8-r?B?z9LFzA==?=',
        True, 'орел'),
    'utf_16_and_gb': (
        b'=?utf-16be?b?AFsAZQBuAGMAcgB5AHAAdABd?= =?gb2312?b?xOO6ww==?=',
        True, '你好'),
    'folded_around': (b'hello\r\n [encrypt]\r\n world', True,
                      'hello world'),
    'folded_within': (b'[enc\r\n rypt] hello', False, '[enc rypt] hello'),
    'no_end_of_the_word': (b'=?utf-8?q?=5Bencrypt=5D hello', False, None),
    'unknown_charset': (b'=?x-none?q?=5Bencrypt=5D?= [encrypt] hello', True,
                        None),
    'latin_1_bytes': (b'gr\xfcn [encrypt] \xff', True, None),
    'a_word_within_a_word': (
        b'=?utf-8?q?=3D=3Futf-8=3Fq=3F=5Bencrypt=5Dhi=3F=3D?=', True,
        '=?utf-8?q?hi?='),
    'one_within_another': (b'a [enc[encrypt]rypt] b', True, 'a b'),
    'twice': (b'[encrypt] [encrypt] a [encrypt]', True, 'a'),
    'hundreds_of_times': (b'\r\n '.join([b'[encrypt]'] * 700), True, None),
    'a_field_in_a_word': (
        b'=?utf-8?q?=5Bencrypt=5D=0D=0ABcc:_eve@elsewhere.example?=', True,
        'Bcc: eve@elsewhere.example'),
    'two_subjects': (b'hello\r\nSubject: [encrypt] you', True, None),
    'forty_kilobytes': (
        b'[encrypt]' + b'\r\n '.join([b''] + [LONG] * 660), True,
        b' '.join([LONG] * 660).decode()),
    'a_hundred_kilobytes': (
        b'[encrypt]' + b'\r\n '.join([b''] + [LONG] * 1700), True, None),
    'a_hundred_kilobytes_without': (
        b'hello' + b'\r\n '.join([b''] + [LONG] * 1700), False, None),
}


def readable(data):
    """As Python reads it; it joins what was folded."""
    value = judge.field(data, 'subject')
    text = str(email.header.make_header(email.header.decode_header(value)))
    return re.sub(r'\s+', ' ', text).strip()


def hostile(world, setting, name):
    subject, protected, wanted = SUBJECTS[name]
    envelope = [ASKED, RSA, C1] if setting == 'split' else [ASKED]
    reply = send(world, setting, envelope,
                 mail(b'Subject: ' + subject + b'\r\n', envelope))
    expect(reply.code == 250, 'answered by %r' % reply)
    settle(world, setting)
    forms = {}
    for one in take(world):
        form, names, _ = opened(world, one)
        forms.update(dict.fromkeys(names, form))
        header = judge.split(one.data)[0]
        expect(not re.search(rb'(?im)^bcc:', header), 'a field was made')
        if wanted is not None:
            expect(readable(one.data) == wanted,
                   'Subject %r' % readable(one.data)[:200])
    expect(forms.pop(ASKED) == ('enc' if protected else 'clear'),
           'protected: %s' % (not protected))
    expect(forms == ({RSA: 'enc', C1: 'clear'} if setting == 'split' else {}),
           forms)


# ---- hundreds ----

def many(group):
    return ['%s%03d@partner.example' % (group, n) for n in range(MANY[group])]


def hundreds_of_recipients(world, setting):
    """Some shown, some hidden, some in clear, of several kinds: everybody has
    one copy, and whoever is hidden has one alone."""
    shown, hidden = many('rsa') + many('ec'), many('hidden')
    clear = ['c%03d@elsewhere.example' % n for n in range(120)]
    subject = 'hundreds-' + setting
    reply = send(world, setting, hidden[:9] + clear + shown + hidden[9:],
                 mail(subject, shown))
    expect(reply.code == 250, 'answered by %r' % reply)
    settle(world, setting)
    copies = collections.Counter()
    for one in take(world):
        form, names, infos = opened(world, one)
        copies.update(names)
        expect(form == ('clear' if names[0] in clear else 'enc'), names)
        known = {name.partition('@')[0] for name in
                 (shown if names[0] in shown else names)}
        expect(form == 'clear' or set(infos) <= known, '%s: shown to %s' % (
            sorted(set(infos) - known), names))
        expect(form == 'clear' or names[0].partition('@')[0] in infos,
               'nothing for %s' % names)
    expect(copies == collections.Counter(shown + hidden + clear),
           'not one for each: %s' % (copies - collections.Counter(
               shown + hidden + clear)))


def hundreds_together(world, setting):
    shown = many('rsa')
    subject = 'hundreds-' + setting
    reply = send(world, setting, shown, mail(subject, shown))
    expect(reply.code == 250, 'answered by %r' % reply)
    settle(world, setting)
    copies = collections.Counter()
    for one in take(world):
        copies.update(one.recipients)
        expect(len(holders(world, one.data)) == len(shown), 'not for all')
    expect(copies == collections.Counter(shown), 'not one for each')
    reply = send(world, setting, shown + many('hidden'), mail('b', shown))
    expect(reply.text.startswith('550 5.7.1') and 'Bcc' in reply.text,
           'answered by %r' % reply)
    settle(world, setting)
    expect(not take(world), 'it came all the same')


HUNDREDS = [(hundreds_of_recipients, ('split', 'mark', 'sendmail')),
            (hundreds_together, ('all',))]


def tests_for(setting, words):
    tests = []
    for name in ROWS:
        if setting in ROWS[name][0]:
            def row(world, setting, name=name):
                odd(world, setting, name)
            row.__name__ = name
            tests.append(row)
    for name in SUBJECTS if setting in ('split', 'all') else ():
        def subject(world, setting, name=name):
            hostile(world, setting, name)
        subject.__name__ = 'subject_' + name
        tests.append(subject)
    tests += [test for test, settings in HUNDREDS if setting in settings]
    return [test for test in tests if not words or
            any(word in test.__name__ for word in words)]


def run_all(count, words):
    world = Odd(SETTINGS['split'] + RULES, DOORS,
                ['enable_original_recipient = no'])
    try:
        world.sink.utf8 = True
        world.make_many()
        for setting in SETTINGS:
            tests = tests_for(setting, words)
            try:
                if tests:
                    world.use(setting)
            except Skip as why:
                count.skip(setting, tests, why)
                continue
            for test in tests:
                def run(world):
                    test(world, setting)
                run.__name__ = test.__name__
                count.run(setting, run, world)
        if count.failed:
            print(world.daemon.log()[-6000:])
    finally:
        world.close()


if __name__ == '__main__':
    sys.exit(alone(run_all))
