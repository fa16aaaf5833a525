#!/usr/bin/env python3
"""copies_test.py [-v] [WORD]...: copies on their way to a re-injection port
that takes them, or not, or dies, and a daemon that dies."""
import base64
import datetime
import json
import os
import re
import signal
import subprocess
import threading
import time

from daemon_test import in_a_world
from harness import IS_ROOT, Skip, expect, run_each, wait_for, words
from milter_client import NR_RCPT, Client, Gone
from reinjection import DROP, Port

RULES = '''
mixed = "split";
reinject = { uri = "smtp://127.0.0.1:@PORT@"; mark = @MARK@; @MORE@ };
sign = ( { sender = "alice@example.com"; stores = "staff"; } );
encrypt = ( { name = "partners"; recipient = "*@partner.example";
	stores = "partners"; otherwise = "reject"; } );
'''
ALICE, SOMEBODY = b'alice@example.com', b'somebody@example.net'
PAULA, PETER = b'paula@partner.example', b'peter@partner.example'
CLEAR = b'clear@elsewhere.example'
BODY = b'Dear reader,\r\n\r\n.a dot\r\n..two\r\n.\r\nend\r\n'


def start(world, port, mark='false', more='', scheme=''):
    rules = RULES.replace('@PORT@', str(port.port)).replace(
        '@MARK@', mark).replace('@MORE@', more)
    if scheme:
        rules = rules.replace('smtp://127.0.0.1', scheme)
    world.start(rules)


def begin(world, recipients=(PAULA, PETER, CLEAR), sender=ALICE, body=BODY,
          name=b'one', more=(), options=b'', recipient_options=b''):
    """A mail up to its end, exclusively."""
    client = Client(world.socket)
    client.connect()
    client.ask(b'M', b'<%s>\0%s' % (sender, options))
    for address in recipients:
        client.ask(b'R', b'<%s>\0%s' % (address, recipient_options), NR_RCPT)
    fields = [(b'From', b'<%s>' % sender),
              (b'To', b', '.join(b'<%s>' % r for r in recipients)),
              (b'Subject', b'a mail'), *more]
    if name:
        fields.append((b'Message-ID', b'<%s@example.com>' % name))
    client.fields(*fields)
    for at in range(0, len(body), 65535):
        client.body(body[at:at + 65535])
    return client


def end(client):
    """(verdict, reply, recipients that the MTA forgets)"""
    packets = client.end()
    client.close()
    kinds = {b'c': 'accept', b'a': 'accept', b't': 'tempfail',
             b'r': 'reject'}
    command, data = packets[-1]
    text = data.rstrip(b'\0').decode()
    verdict = kinds.get(command) or (
        'tempfail' if text.startswith('4') else 'reject')
    return verdict, text, [d.rstrip(b'\0') for c, d in packets if c == b'-']


def send(world, *arguments, **more):
    return end(begin(world, *arguments, **more))


def forgotten(*addresses):
    return sorted(b'<%s>' % a for a in addresses)


def addresses_of(copies):
    return sorted(c.addresses() for c in copies)


BOTH = sorted([[PETER.decode()], [CLEAR.decode()]])


def with_port(test):
    def run(world):
        port = Port()
        try:
            test(world, port)
        finally:
            port.close()
    run.__name__ = test.__name__
    return run


# ---- what goes out ----

@with_port
def everybody_but_those_the_mta_keeps_gets_a_copy(world, port):
    start(world, port)
    verdict, _, forget = send(world)
    expect(verdict == 'accept', verdict)
    expect(sorted(forget) == forgotten(PETER, CLEAR), 'forgets %s' % forget)
    expect(addresses_of(port.taken()) == BOTH, 'other copies')
    expect('did=sign,encrypt,split result=ok copies=2' in world.log(),
           world.log()[-400:])


@with_port
def what_the_sender_asked_of_delivery_goes_along(world, port):
    start(world, port)
    send(world, [PAULA, CLEAR], options=b'RET=FULL\0ENVID=abc\0SIZE=9\0X=1\0',
         recipient_options=b'NOTIFY=NEVER\0ORCPT=rfc822;a+2Bb@x\0')
    copy = port.taken()[0]
    expect(re.fullmatch(r'MAIL FROM:<alice@example.com> SIZE=\d+ RET=FULL '
                        r'ENVID=abc', copy.sender), copy.sender)
    expect(copy.recipients == ['RCPT TO:<clear@elsewhere.example> NOTIFY=NEVER'
                               ' ORCPT=rfc822;a+2Bb@x'], copy.recipients)
    port.offers = ()
    send(world, [PAULA, CLEAR], options=b'RET=FULL\0ENVID=abc\0', name=b'two',
         recipient_options=b'NOTIFY=NEVER\0')
    copy = port.taken()[0]
    expect(copy.sender == 'MAIL FROM:<alice@example.com>', copy.sender)
    expect(copy.recipients == ['RCPT TO:<clear@elsewhere.example>'],
           copy.recipients)


@with_port
def a_word_that_begins_like_one_we_know_is_not_said(world, port):
    start(world, port)
    body = BODY + 'Grüße\r\n'.encode()
    send(world, [PAULA, CLEAR], SOMEBODY, body, options=b'SMTPUTF8X\0'
         b'BODY=8BITMIMEX\0ENVID=BODY=8BITMIME\0smtputf8\0')
    copy, = port.taken()
    expect(re.fullmatch('MAIL FROM:<somebody@example.net> SIZE=[0-9]+ BODY='
                        '8BITMIME ENVID=BODY=8BITMIME smtputf8', copy.sender),
           copy.sender)


@with_port
def a_clear_copy_is_the_mail_as_it_came(world, port):
    start(world, port)
    body = BODY + 'Grüße\r\n'.encode() + b'x' * 70 + b'\r\n'
    for number, text in enumerate((body, body * 9000, b'no end', b'', b'.',
                                   b'.\r\n.\r\n')):
        verdict, reply, _ = send(
            world, [PAULA, CLEAR], SOMEBODY, text, b'n%d' % number,
            [(b'X-Folded', b'one\n\ttwo'), (b'Bcc', b'<x@example.com>')])
        expect(verdict == 'accept', reply)
        copy, = port.taken()
        header, _, got = copy.data.partition(b'\r\n\r\n')
        if text and not text.endswith(b'\r\n'):
            text += b'\r\n'
        expect(got == text, 'body %d is another' % number)
        expect(b'X-Folded: one\r\n\ttwo' in header, header)
        expect(b'\r\nBcc:' not in header, 'Bcc is shown')
        expect(('BODY=8BITMIME' in copy.sender) == (b'\xc3' in text),
               copy.sender)


@with_port
def many_recipients_are_many_mails(world, port):
    start(world, port)
    many = [b'c%03d@elsewhere.example' % n for n in range(250)]
    verdict, reply, forget = send(world, [PAULA] + many)
    expect(verdict == 'accept', reply)
    expect(len(forget) == 250, 'forgets %d' % len(forget))
    copies = port.taken()
    expect([len(c.recipients) for c in copies] == [100, 100, 50],
           [len(c.recipients) for c in copies])
    got = [a for c in copies for a in c.addresses()]
    expect(sorted(got) == [a.decode() for a in many], 'somebody is missing')


@with_port
def a_mark_is_only_believed_when_it_is_ours(world, port):
    start(world, port, 'true')
    send(world, [PAULA, CLEAR])
    copy, = port.taken()
    mark = re.search(rb'^X-SMIME-Milter-Copy: ([0-9a-f]{64})\r\n', copy.data)
    expect(mark, copy.data[:200])
    forged = [(b'X-SMIME-Milter-Copy', mark[1])]
    verdict, _, forget = send(world, [PAULA, CLEAR], more=forged,
                              name=b'another')
    expect(verdict == 'accept' and forget == forgotten(CLEAR),
           'a mark of another mail stops the split')
    expect(port.taken()[0].data.count(b'X-SMIME-Milter-Copy') == 1,
           'the forged mark goes on')


# ---- what the port says ----

def refused(world, port, verb, answer, verdict, words, number=1):
    """The numberth of these commands gets that answer; what comes of it."""
    seen = []

    def says(what, line):
        if what == verb and (verb != 'RCPT' or 'peter' in line):
            seen.append(line)
            if len(seen) == number:
                return answer
        return None
    port.says = says
    name = b'%s%d' % (re.sub(r'\W', '', verb + str(answer)).encode()[:30],
                      number)
    got, reply, forget = send(world, name=name)
    port.says = lambda what, line: None
    expect(len(seen) >= number, '%s was said %d times (%s)' % (
        verb, len(seen), name))
    expect(got == verdict and words in reply, '%s %s: %s %s' % (
        verb, answer, got, reply))
    expect(not forget, 'the MTA forgets recipients of a refused mail')
    return name


@with_port
def who_is_refused_before_anything_is_sent_stops_all(world, port):
    start(world, port)
    refused(world, port, 'RCPT', '550 5.1.1 Nobody of that name', 'reject',
            '550 5.1.1 <peter@partner.example>: Nobody of that name')
    refused(world, port, 'RCPT', '550 no code', 'reject',
            '550 5.0.0 <peter@partner.example>: no code')
    refused(world, port, 'RCPT', '450 4.2.0 Not now', 'tempfail', '451 4.3.0')
    refused(world, port, 'MAIL', '451 4.3.0 No', 'tempfail', '451 4.3.0')
    refused(world, port, 'MAIL', '552 5.3.4 Too large', 'reject', 'Too large')
    expect('DATA' not in port.verbs() and not port.taken(), 'a copy was sent')


@with_port
def what_is_not_taken_is_sent_on_the_next_try_alone(world, port):
    start(world, port)
    for verb, answer, number in (
            ('.', '451 4.3.0 Full', 1), ('.', '451 4.3.0 Full', 2),
            ('DATA', '451 4.3.0 Full', 2), ('DATA', DROP, 2),
            ('RCPT', '450 4.2.0 Not now', 2), ('MAIL', DROP, 4),
            ('RSET', DROP, 1), ('QUIT', DROP, 1)):
        verdict = 'accept' if verb == 'QUIT' else 'tempfail'
        if verb == 'QUIT':
            name = b'quit'
            port.says = lambda what, line: DROP if what == 'QUIT' else None
            expect(send(world, name=name)[0] == 'accept', 'QUIT matters')
        else:
            name = refused(world, port, verb, answer, verdict, '',
                           number)
        first = port.taken()
        verdict, reply, forget = send(world, name=name)
        expect(verdict == 'accept', reply)
        expect(sorted(forget) == forgotten(PETER, CLEAR), forget)
        expect(addresses_of(first + port.taken()) == BOTH,
               '%s %s: not one copy each' % (verb, answer))


@with_port
def a_copy_refused_at_its_end_is_told_to_the_sender(world, port):
    start(world, port)
    refused(world, port, '.', '554 5.6.0 Not this', 'reject', '550 5.')
    refused(world, port, 'RCPT', '550 5.1.1 Gone', 'reject',
            '550 5.1.1 <peter@partner.example>: Gone', 2)


@with_port
def nobody_there_is_a_tempfail(world, port):
    start(world, port)
    port.close()
    verdict, reply, forget = send(world)
    expect(verdict == 'tempfail' and not forget, reply)


@with_port
def the_mta_hears_of_slow_copies(world, port):
    start(world, port)
    port.says = lambda what, line: time.sleep(9) if what == 'taken' else None
    client = begin(world, [PAULA, CLEAR])
    packets = client.end()
    expect(packets[-1][0] in b'ca', packets)
    expect(any(c == b'p' for c, _ in packets), 'no progress was told')


@with_port
def a_port_that_never_answers_is_given_up(world, port):
    start(world, port, more='timeout_seconds = 1;')
    never = threading.Event()
    for verb in ('MAIL', 'DATA', '.'):
        port.says = lambda what, line: never.wait(30) and None \
            if what == verb else None
        expect(send(world, name=verb.encode())[0] == 'tempfail', verb)
    never.set()


# ---- the journal ----

@with_port
def a_port_whose_answer_never_ends_is_given_up(world, port):
    """Each byte comes in time, and there is always another one."""
    start(world, port, more='timeout_seconds = 1;')
    outcome = []

    def talk(session):
        end = time.monotonic() + 30
        try:
            while time.monotonic() < end:
                session.say(*['250-and'] * 100)
            outcome.append('listened to')
        except OSError:
            outcome.append('given up')
    port.says = lambda what, line: talk if what == 'MAIL' else None
    verdict, reply, _ = send(world, [PAULA, CLEAR])
    expect(verdict == 'tempfail', reply)
    wait_for(lambda: outcome, 30, 'an end')
    expect(outcome == ['given up'] and 'no answer in time' in world.log(),
           '%s, %s' % (outcome, world.log()[-300:]))


@with_port
def a_mail_that_is_tried_again_brings_no_second_copy(world, port):
    start(world, port)
    send(world)
    port.taken()
    verdict, _, forget = send(world)
    expect(verdict == 'accept' and not port.taken(), 'copies came twice')
    expect(sorted(forget) == forgotten(PETER, CLEAR), forget)
    world.stop()
    start(world, port)
    verdict, _, forget = send(world, more=[(b'X-Spam', b'12:00')])
    expect(verdict == 'accept' and not port.taken(),
           'copies came twice, after a restart')
    code, out, err = world.ctl('reload')
    expect(code == 0, err)
    send(world)
    expect(not port.taken(), 'copies came twice, after a reload')


@with_port
def another_mail_is_another_mail(world, port):
    start(world, port)
    send(world)
    expect(len(port.taken()) == 2, 'no copies')
    for difference in ({'name': b'two'}, {'body': BODY + b'more\r\n'},
                       {'sender': SOMEBODY}, {'more': [(b'Date', b'x')]}):
        send(world, **difference)
        expect(len(port.taken()) == 2, 'not sent: %s' % difference)
    send(world, name=None)
    send(world, name=None)
    expect(len(port.taken()) == 4, 'mails without Message-ID are taken for '
           'one that is tried again')


@with_port
def who_has_a_copy_gets_no_other_one_from_the_mta(world, port):
    """Another recipient first, and another group is the one that is kept."""
    start(world, port)
    send(world, [PAULA, PETER])
    expect(addresses_of(port.taken()) == [[PETER.decode()]], 'not peter')
    _, _, forget = send(world, [PETER, PAULA])
    # To is another, so this is another mail; the same fields are not:
    expect(forget, 'nobody is forgotten')
    port.taken()
    client = Client(world.socket)
    client.connect()
    client.ask(b'M', b'<%s>\0' % ALICE)
    for address in (PETER, PAULA):
        client.ask(b'R', b'<%s>\0' % address, NR_RCPT)
    client.fields((b'From', b'<%s>' % ALICE),
                  (b'To', b'<%s>, <%s>' % (PAULA, PETER)),
                  (b'Subject', b'a mail'),
                  (b'Message-ID', b'<one@example.com>'))
    client.body(BODY)
    verdict, _, forget = end(client)
    expect(verdict == 'accept', verdict)
    expect(b'<%s>' % PETER in forget, 'peter gets it twice')
    expect(addresses_of(port.taken()) == [[PAULA.decode()]], 'not paula')


@with_port
def a_lost_answer_is_sent_again_and_logged(world, port):
    start(world, port)
    port.says = lambda what, line: DROP if what == 'taken' else None
    expect(send(world)[0] == 'tempfail', 'a lost answer is taken for a yes')
    first = port.taken()
    expect(len(first) == 1, '%d copies' % len(first))
    port.says = lambda what, line: None
    expect(send(world)[0] == 'accept', 'not on the second try')
    both = sorted(BOTH + [first[0].addresses()])
    expect(addresses_of(first + port.taken()) == both, 'lost, or thrice')
    expect('a copy is sent once more' in world.log(), world.log()[-800:])
    code, out, _ = world.ctl('metrics')
    for line in ('copies_in_doubt_total 1', 'copies_repeated_total 1',
                 'copies_sent_total 2'):
        expect(line in out, '%s is not in %s' % (line, out))


@with_port
def status_shows_the_journal(world, port):
    start(world, port)
    code, out, _ = world.ctl('status')
    expect('sent to 0 recipients, 0 without' in out, out)
    send(world)
    port.says = lambda what, line: DROP if what == 'taken' else None
    send(world, name=b'two')
    code, out, _ = world.ctl('status')
    expect(re.search(r'copies +sent to 2 recipients since \d{4}-\d\d-\d\d, '
                     '1 without an answer', out), out)
    code, out, _ = world.ctl('--json', 'status')
    expect('"journal": { "sent": 2, "unanswered": 1, "since": "2' in out, out)


@with_port
def status_shows_what_will_be_forgotten(world, port):
    start(world, port, more='keep_hours = 48')
    send(world)
    status = json.loads(world.ctl('--json', 'status')[1])
    expect(status['journal']['ending'] == 0, status['journal'])
    journal = world.path('state/copies/journal')
    day, = [d for d in os.listdir(journal) if d != 'lock']
    old = (datetime.date.fromisoformat(day) - datetime.timedelta(2))
    os.rename(journal + '/' + day, '%s/%s' % (journal, old))
    _, out, _ = world.ctl('status')
    expect('sent to 2 recipients since %s, 0 without an answer, 2 forgotten '
           'within a day\n' % old in out, out)
    status = json.loads(world.ctl('--json', 'status')[1])
    expect(status['journal']['ending'] == 2, status['journal'])


@with_port
def status_shows_what_is_held(world, port):
    start(world, port)
    held = begin(world, [PAULA, CLEAR])
    status = wait_for(lambda: json.loads(world.ctl('--json', 'status')[1]),
                      5, 'a status')
    expect(status['mails_in_work'] == 1 and
           status['bytes_buffered'] > len(BODY), status)
    _, out, _ = world.ctl('status')
    expect(re.search(r'^mails_in_work +1$', out, re.M) and
           re.search(r'^bytes_buffered +[1-9]', out, re.M), out)
    end(held)


@with_port
def two_at_the_same_mail_do_not_both_send_it(world, port):
    start(world, port)
    go, come = threading.Event(), threading.Event()

    def says(what, line):
        if what == 'taken':
            come.set()
            go.wait(30)
    port.says = says
    first = begin(world)
    first.send(b'E')
    expect(come.wait(30), 'nothing is sent')
    verdict, reply, _ = send(world)
    go.set()
    expect(verdict == 'tempfail', verdict)
    expect(first.outcome()[-1][0] in b'ca', 'the first one fails')
    first.close()
    expect(addresses_of(port.taken()) == BOTH, 'other copies')


@with_port
def a_journal_that_cannot_be_written_stops_all_before_anything(world, port):
    if not IS_ROOT:
        raise Skip('only root can take the folder from the daemon')
    start(world, port)
    send(world)
    port.taken()
    journal = world.path('state/copies/journal')
    os.rename(journal, journal + '.away')
    with open(journal, 'w'):
        pass
    expect(send(world, name=b'two')[0] == 'tempfail', 'sent without journal')
    expect(not port.taken(), 'a copy was sent')
    os.unlink(journal)
    os.rename(journal + '.away', journal)
    expect(send(world, name=b'two')[0] == 'accept', 'still not')


@with_port
def a_full_disk_stops_all_before_anything(world, port):
    state = world.path('state')
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=777',
                           'tmpfs', state], capture_output=True)
    if done.returncode != 0:
        raise Skip('no file system can be mounted here')
    try:
        start(world, port)
        expect(send(world)[0] == 'accept', 'not even with room')
        port.taken()
        with open(state + '/filler', 'wb', 0) as filler:
            try:
                while True:
                    filler.write(b'x' * 512)
            except OSError:
                pass
        # Mails of every shard, so that one needs a new page.
        for number in range(40):
            verdict, _, _ = send(world, name=b'n%d' % number)
            copies = len(port.taken())
            expect((verdict, copies) in (('accept', 2), ('tempfail', 0)),
                   '%s with %d copies' % (verdict, copies))
            if verdict == 'tempfail':
                break
        expect(verdict == 'tempfail', 'the disk was never full')
        os.unlink(state + '/filler')
        expect(send(world, name=b'n%d' % number)[0] == 'accept', 'still full')
        expect(len(port.taken()) == 2, 'lost')
    finally:
        world.stop()
        subprocess.run(['umount', state])


@with_port
def key_and_journal_are_for_the_user_alone(world, port):
    start(world, port)
    send(world)
    key = os.stat(world.path('state/copies/key'))
    expect(key.st_mode & 0o777 == 0o600 and key.st_size == 32, oct(key.st_mode))
    for folder, _, files in os.walk(world.path('state/copies')):
        expect(os.stat(folder).st_mode & 0o077 == 0, folder)
        for name in files:
            path = os.path.join(folder, name)
            expect(os.stat(path).st_mode & 0o077 == 0, path)
            with open(path, 'rb') as file:
                expect(b'peter' not in file.read(), '%s names peter' % path)


@with_port
def old_days_are_forgotten(world, port):
    start(world, port)
    send(world)
    world.stop()
    journal = world.path('state/copies/journal')
    day, = [d for d in os.listdir(journal) if d != 'lock']
    os.rename(journal + '/' + day, journal + '/2020-01-01')
    start(world, port)
    expect(os.listdir(journal) == ['lock'], os.listdir(journal))


# ---- death ----

def kill_worker(world):
    for pid in world.daemon.workers():
        os.kill(pid, signal.SIGKILL)


STEPS = [('EHLO', 1), ('MAIL', 1), ('RCPT', 1), ('RSET', 1), ('MAIL', 2),
         ('RSET', 2), ('MAIL', 3), ('RCPT', 3), ('DATA', 1), ('.', 1),
         ('taken', 1), ('MAIL', 4), ('DATA', 2), ('.', 2), ('taken', 2),
         ('QUIT', 1)]


@with_port
def whenever_the_worker_dies_nobody_goes_without(world, port):
    start(world, port)
    for verb, number in STEPS:
        seen = []

        def says(what, line):
            if what == verb:
                seen.append(line)
                if len(seen) == number:
                    kill_worker(world)
                    return DROP
            return None
        port.says = says
        name = b'%s%d' % (verb.strip('.').encode() or b'dot', number)
        try:
            verdict = end(begin(world, name=name))[0]
        except Gone:
            verdict = 'gone'
        first = port.taken()
        port.says = lambda what, line: None
        expect(verdict == 'gone' or (verdict, verb) == ('accept', 'QUIT'),
               '%s %d: %s' % (verb, number, verdict))
        # The parent waits longer each time before it makes a new worker.
        world.stop()
        start(world, port)
        again = send(world, name=name)[0]
        expect(again == 'accept', '%s %d: then %s' % (verb, number, again))
        copies = addresses_of(first + port.taken())
        doubt = [first[-1].addresses()] if verb == 'taken' else []
        expect(copies == sorted(BOTH + doubt), '%s %d: %s' % (
            verb, number, copies))


# ---- who it speaks to ----

def make_certificate(world):
    cert, key = world.path('port.pem'), world.path('port.key')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
                    '-keyout', key, '-out', cert, '-days', '2', '-subj',
                    '/CN=localhost', '-addext',
                    'subjectAltName=DNS:localhost,IP:127.0.0.1'], check=True,
                   capture_output=True)
    os.chmod(cert, 0o644)
    return cert, key


def tls_and_login_are_as_they_are_set(world):
    cert, key = make_certificate(world)
    secret = base64.b64encode(b'\0gate\0secret').decode()
    port = Port(certificate=(cert, key), login=secret)
    more = ('start_tls = true; ca_file = "%s"; login = "gate"; '
            'password_file = "%s";' % (cert, world.path('password')))
    try:
        start(world, port, more=more)
        expect(send(world)[0] == 'accept', world.log()[-600:])
        expect('STARTTLS' in port.verbs() and 'AUTH' in port.verbs(),
               port.verbs())
        port.login = base64.b64encode(b'\0gate\0other').decode()
        expect(send(world, name=b'two')[0] == 'tempfail',
               'sent without a login')
        port.login = secret
        world.stop()
        start(world, port, more=more.replace(cert, world.path('pki/ca.pem')))
        expect(send(world, name=b'three')[0] == 'tempfail',
               'sent to whoever it was')
        port.tls = None
        world.stop()
        start(world, port, more=more)
        expect(send(world, name=b'four')[0] == 'tempfail',
               'sent without TLS')
    finally:
        port.close()


@with_port
def test_shows_the_copies(world, port):
    start(world, port)
    message = world.write('message', b'From: <alice@example.com>\r\nTo: '
                          b'<paula@partner.example>, <peter@partner.example>, '
                          b'<clear@elsewhere.example>\r\n\r\nx\r\n')
    code, out, err = world.ctl('--json', 'test', message)
    expect(code == 0 and '"encrypted": false' in out, out + err)
    expect(out.count('"recipients": [') == 3, out)
    code, out, err = world.ctl('test', message)
    expect(out.count('\ncopy\n') == 2, out)
    expect(not port.lines, 'it was sent')


TESTS = [
    everybody_but_those_the_mta_keeps_gets_a_copy,
    what_the_sender_asked_of_delivery_goes_along,
    a_clear_copy_is_the_mail_as_it_came,
    many_recipients_are_many_mails,
    a_mark_is_only_believed_when_it_is_ours,
    who_is_refused_before_anything_is_sent_stops_all,
    what_is_not_taken_is_sent_on_the_next_try_alone,
    a_copy_refused_at_its_end_is_told_to_the_sender,
    nobody_there_is_a_tempfail,
    the_mta_hears_of_slow_copies,
    a_port_that_never_answers_is_given_up,
    a_port_whose_answer_never_ends_is_given_up,
    a_word_that_begins_like_one_we_know_is_not_said,
    a_mail_that_is_tried_again_brings_no_second_copy,
    another_mail_is_another_mail,
    who_has_a_copy_gets_no_other_one_from_the_mta,
    a_lost_answer_is_sent_again_and_logged,
    status_shows_the_journal,
    status_shows_what_will_be_forgotten,
    status_shows_what_is_held,
    two_at_the_same_mail_do_not_both_send_it,
    a_journal_that_cannot_be_written_stops_all_before_anything,
    a_full_disk_stops_all_before_anything,
    key_and_journal_are_for_the_user_alone,
    old_days_are_forgotten,
    whenever_the_worker_dies_nobody_goes_without,
    tls_and_login_are_as_they_are_set,
    test_shows_the_copies,
]


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    raise SystemExit(main())
