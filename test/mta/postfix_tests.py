"""What happens to mail that goes through a real Postfix."""
import base64
import ctypes
import email
import email.policy
import errno
import os
import re
import signal
import socket
import stat
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'flow'))

import judge  # noqa: E402
import winmail  # noqa: E402
from daemon import Daemon
from judge import Skip, Wrong, expect
from postfix import wait_gone
from smtp import Client, free_port, send, wait_port
from world import COMMON, EIGHT_BIT, LONG_LINES, PLAIN, TOP, message

sys.path += [TOP + '/test/interop', TOP + '/test/flow']
import cms_judge  # noqa: E402
import cms_makers  # noqa: E402
import inbound_mails  # noqa: E402

ALICE, BOB, CAROL = ('%s@example.com' % n for n in ('alice', 'bob', 'carol'))
DAVE, GHOST = 'dave@example.com', 'ghost@example.com'
PAULA, PETER = 'paula@partner.example', 'peter@partner.example'
PETRA = 'petra@partner.example'
NOBODY, CLEAR = 'nobody@partner.example', 'clear@elsewhere.example'
EARLY, DOWN = 'nobody@early.example', 'nobody@down.example'
FOREIGN = '127.0.0.9'  # an address no rule names

RULES = '''
sign = (
	{{ name = "personal"; sender = [ "carol@example.com",
	    "dave@example.com" ]; clients = "authenticated";
	   from_must_be = "login"; stores = "staff"; otherwise = "reject"; }},
	{{ name = "pss"; sender = "bob@example.com"; stores = "bob";
	   clients = [ "authenticated", "local", "127.0.0.1" ];
	   form = "opaque"; digest = "sha512"; scheme = "pss"; }},
	{{ name = "held"; sender = "ghost@example.com"; stores = "staff";
	   clients = [ "local", "127.0.0.1" ]; otherwise = "quarantine"; }},
	{{ name = "house"; sender = "*@example.com"; stores = "staff";
	   clients = [ "authenticated", "local", "127.0.0.1" ];
	   from_must_be = "envelope"; tnef = true; otherwise = "reject"; }}
);
encrypt = (
	{{ name = "oaep"; recipient = "paula@partner.example";
	   stores = "partners"; key_transport = "oaep"; tnef = true;
	   otherwise = "reject"; }},
	{{ name = "partners"; recipient = "*@partner.example";
	   stores = "partners"; otherwise = "reject"; }},
	{{ name = "early"; recipient = "*@early.example"; stores = "partners";
	   clients = [ "authenticated", "local", "127.0.0.1" ];
	   otherwise = "reject"; }},
	{{ name = "down"; recipient = "*@down.example"; stores = "down";
	   clients = [ "authenticated", "local", "127.0.0.1" ];
	   otherwise = "reject"; }}
);
inbound = (
	{{ name = "arriving"; recipient = "*@inbound.example";
	   keys = [ "staff", "bob" ];
	   keys_for = "any"; }}
);
report = {{ authserv_id = "mx.example.com"; }};
internal = "*@example.com";
'''
WHOLE = bytes(range(256)) * 40
READER, BOUNCING = 'reader@inbound.example', 'bounces@inbound.example'
STRANGER = 'paula@partner.example'
FORGED = (b'Authentication-Results: mx.example.com; smime=pass; dkim=pass\r\n'
          b'authentication-results: MX.example.com; smime=pass\r\n'
          b'Authentication-Results: other.example; smime=pass\r\n'
          b'X-SMIME-Milter-Info-Signer-Trusted-0-0: True\r\n' * 2)

# A cleanup of its own for mail that may grow, and for mail that may not.
DOORS = {
    'door': ('n', []),
    'jail': ('y', []),
    'login': ('n', ['smtpd_sasl_auth_enable = yes']),
    'small': ('n', ['message_size_limit = 20000']),
    'tight': ('n', ['cleanup_service_name = tight']),
}
SETTINGS = ['internal_mail_filter_classes = bounce']
TIGHT = 'tight unix n - n - 0 cleanup\n  -o { message_size_limit = 20000 }\n'
LOGINS = {CAROL: 'one', DAVE: 'two'}


def refused(reply, *words):
    """5xx with an enhanced code and words for the sender."""
    expect(reply.code // 100 == 5, 'not refused: %r' % reply)
    expect(re.match(r'5\d\d[ -]5\.\d+\.\d+ ', reply.text),
           'no enhanced code: %r' % reply)
    for word in words:
        expect(word.lower() in reply.text.lower(),
               'the sentence does not say %s: %r' % (word, reply))


def accepted(reply):
    expect(reply.code == 250, 'not accepted: %r' % reply)


def signed_mail_arrives_byte_for_byte(world):
    accepted(world.send('door', ALICE, [CLEAR], message(
        ALICE, CLEAR, 'signed', PLAIN)))
    data = world.arrived('signed').data
    judge.outside(data)
    expect(judge.field(data, 'content-language') is None,
           'a Content- field stayed outside')
    expect(world.verify(data, ALICE).entity == PLAIN,
           'the content has changed')


def opaque_pss_signature_arrives(world):
    accepted(world.send('door', BOB, [CLEAR], message(
        BOB, CLEAR, 'opaque', PLAIN)))
    opened = world.verify(world.arrived('opaque').data, BOB)
    expect(opened.entity == PLAIN, 'the content has changed')
    expect('rsassaPss' in opened.printed and 'sha512' in opened.printed,
           'not RSASSA-PSS with SHA-512')


def mail_of_the_sendmail_command_is_signed(world):
    mail = message(ALICE, CLEAR, 'local', PLAIN).replace(b'\r\n', b'\n')
    world.postfix.sendmail(['-f', ALICE, CLEAR], mail)
    opened = world.verify(world.arrived('local').data, ALICE)
    expect(opened.entity == PLAIN, 'the content has changed')


def encrypted_mail_arrives(world):
    stranger = 'someone@elsewhere.example'
    accepted(world.send('door', stranger, [PAULA], message(
        stranger, PAULA, 'encrypted', PLAIN)))
    data = world.arrived('encrypted').data
    judge.outside(data)
    expect(b'Dear reader' not in data, 'the text is there in clear')
    opened = world.decrypt(data, 'paula')
    expect(opened.entity == PLAIN, 'the content has changed')
    expect('rsaesOaep' in opened.printed, 'not RSAES-OAEP')


def signed_and_encrypted_mail_arrives(world):
    accepted(world.send('door', ALICE, [PETER], message(
        ALICE, PETER, 'both', EIGHT_BIT)))
    inner = world.decrypt(world.arrived('both').data, 'peter').entity
    opened = world.verify(inner, ALICE)
    expect(judge.decoded(opened.entity) == judge.decoded(EIGHT_BIT),
           'the text has changed')


def with_winmail():
    octets = winmail.message(winmail.file('gr\u00fcn.bin', WHOLE),
                             props=winmail.html('<p>gr\u00fcn</p>'))
    return (b'Content-Type: multipart/mixed; boundary="=_x"\r\n\r\n--=_x\r\n'
            b'Content-Type: text/plain\r\n\r\nDear reader\r\n--=_x\r\n'
            b'Content-Type: application/ms-tnef; name="winmail.dat"\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n' +
            base64.encodebytes(octets).replace(b'\n', b'\r\n') +
            b'\r\n--=_x--\r\n')


def looks_unpacked(entity):
    parts = list(email.message_from_bytes(
        entity, policy=email.policy.default).walk())
    expect([p.get_content_subtype() for p in parts] ==
           ['mixed', 'alternative', 'plain', 'html', 'octet-stream'],
           'not unpacked: %s' % [p.get_content_type() for p in parts])
    expect(parts[3].get_content().strip() == '<p>gr\u00fcn</p>', 'the text')
    expect(parts[4].get_filename() == 'gr\u00fcn.bin' and
           parts[4].get_payload(decode=True) == WHOLE, 'the file')


def a_winmail_is_unpacked_and_signed(world):
    accepted(world.send('door', ALICE, [CLEAR], message(
        ALICE, CLEAR, 'winmail', with_winmail())))
    looks_unpacked(world.verify(world.arrived('winmail').data, ALICE).entity)


def a_winmail_is_unpacked_and_encrypted(world):
    stranger = 'someone@elsewhere.example'
    accepted(world.send('door', stranger, [PAULA], message(
        stranger, PAULA, 'winmail2', with_winmail())))
    looks_unpacked(world.decrypt(
        world.arrived('winmail2').data, 'paula').entity)


def login_signs_its_own_address(world):
    accepted(world.send('login', CAROL, [CLEAR], message(
        CAROL, CLEAR, 'own', PLAIN), login=(CAROL, 'one')))
    world.verify(world.arrived('own').data, CAROL)


def login_gets_no_signature_as_a_colleague(world):
    refused(world.send('login', CAROL, [CLEAR], message(
        CAROL, CLEAR, 'colleague', PLAIN), login=(DAVE, 'two')))


def foreign_client_gets_no_signature(world):
    mail = message(ALICE, CLEAR, 'foreign', PLAIN)
    accepted(world.send('door', ALICE, [CLEAR], mail, source=FOREIGN))
    data = world.arrived('foreign').data
    expect(data.endswith(mail.partition(b'MIME-Version')[2]),
           'the mail has changed')


def chrooted_smtpd_reaches_the_socket(world):
    accepted(world.send('jail', ALICE, [CLEAR], message(
        ALICE, CLEAR, 'jail', PLAIN)))
    world.verify(world.arrived('jail').data, ALICE)


def eight_bit_mail_passes_a_seven_bit_hop(world):
    world.sink.eightbit = False
    try:
        accepted(world.send('door', ALICE, [CLEAR], message(
            ALICE, CLEAR, 'seven', EIGHT_BIT), arguments='BODY=8BITMIME'))
        data = world.arrived('seven').data
    finally:
        world.sink.eightbit = True
    opened = world.verify(data, ALICE)
    expect(judge.decoded(opened.entity) == judge.decoded(EIGHT_BIT),
           'the text has changed')


def long_lines_arrive_signed(world):
    accepted(world.send('door', ALICE, [CLEAR], message(
        ALICE, CLEAR, 'long', LONG_LINES)))
    opened = world.verify(world.arrived('long').data, ALICE)
    expect(judge.decoded(opened.entity) == judge.decoded(LONG_LINES),
           'the text has changed')


def null_sender_passes_unchanged(world):
    daemon = 'MAILER-DAEMON@elsewhere.example'
    mail = message(daemon, CLEAR, 'null', PLAIN)
    accepted(world.send('door', '', [CLEAR], mail))
    expect(world.arrived('null').data.endswith(
        mail.partition(b'MIME-Version')[2]), 'the mail has changed')


def refused_local_mail_comes_back_to_its_sender(world):
    """At RCPT Postfix would retry it for ever."""
    mail = message(ALICE, NOBODY, 'returned', PLAIN)
    world.postfix.sendmail(['-f', ALICE, NOBODY],
                           mail.replace(b'\r\n', b'\n'))
    bounce = world.sink.wait(lambda m: m.sender == '' and
                             b'Subject: returned' in m.data, 40)
    expect(bounce is not None, 'no bounce')
    expect(bounce.recipients == [ALICE], 'the bounce goes elsewhere')
    expect('milter configuration error' not in world.postfix.log(),
           'it was refused at RCPT')


def refusal_has_a_code_and_a_sentence(world):
    refused(world.send('door', ALICE, [NOBODY], message(
        ALICE, NOBODY, 'nobody', PLAIN)), NOBODY)


def one_recipient_is_refused_and_the_other_served(port, arrived, subject):
    """The sender reads our words, whichever MTA passes them on."""
    with Client(port) as client:
        expect(client.command('MAIL FROM:<%s>' % ALICE).code == 250, 'MAIL')
        expect(client.command('RCPT TO:<%s>' % CLEAR).code == 250, 'RCPT')
        reply = client.command('RCPT TO:<%s>' % EARLY)
        refused(reply, 'certificate', 'ask the recipient')
        expect(reply.text.startswith('550 5.7.5 '), 'says %r' % reply)
        reply = client.command('RCPT TO:<%s>' % DOWN)
        expect(reply.text.startswith('451 4.3.0 '), 'says %r' % reply)
        expect(client.command('DATA').code == 354, 'DATA')
        client.socket.sendall(message(ALICE, CLEAR, subject, PLAIN) +
                              b'.\r\n')
        accepted(client.reply())
    mail = arrived(subject)
    expect(mail.recipients == [CLEAR], 'it went to %s' % mail.recipients)


def recipient_without_a_certificate_is_refused_at_rcpt(world):
    one_recipient_is_refused_and_the_other_served(
        world.postfix.ports['door'], world.arrived, 'early')
    reply = world.send('login', CAROL, [NOBODY], message(
        CAROL, NOBODY, 'early-login', PLAIN), login=(CAROL, 'one'))
    refused(reply, 'Mail to this recipient')
    mail = message(ALICE, EARLY, 'early-local', PLAIN)
    world.postfix.sendmail(['-f', ALICE, EARLY], mail.replace(b'\r\n', b'\n'))
    bounce = world.sink.wait(lambda m: m.sender == '' and
                             b'Subject: early-local' in m.data, 40)
    expect(bounce is not None and bounce.recipients == [ALICE], 'no bounce')
    expect('milter configuration error' not in world.postfix.log(),
           'local mail was refused at RCPT')


def mixed_recipients_are_refused_together(world):
    refused(world.send('door', ALICE, [PAULA, CLEAR], message(
        ALICE, PAULA, 'mixed', PLAIN, b'Cc: <%s>\r\n' % CLEAR.encode())),
        CLEAR)


def blind_copy_is_refused(world):
    refused(world.send('door', ALICE, [PAULA, PETRA], message(
        ALICE, PAULA, 'blind', PLAIN)), 'Bcc')


def both_named_recipients_share_one_cms(world):
    accepted(world.send('door', ALICE, [PAULA, PETRA], message(
        ALICE, PAULA, 'shared', PLAIN, b'Cc: <%s>\r\n' % PETRA.encode())))
    data = world.arrived('shared').data
    for name in ('paula', 'petra'):
        opened = world.verify(world.decrypt(data, name).entity, ALICE)
        expect(opened.entity == PLAIN, 'the content has changed')


def expired_certificate_shadows_no_good_one(world):
    frank = 'frank@example.com'
    accepted(world.send('door', frank, [CLEAR], message(
        frank, CLEAR, 'frank', PLAIN)))
    world.verify(world.arrived('frank').data, frank)


def keys_are_read_once_at_load(world):
    """No mail waits for a file, and none hangs on it."""
    os.rename(world.folder + '/staff', world.folder + '/away')
    try:
        accepted(world.send('door', ALICE, [CLEAR], message(
            ALICE, CLEAR, 'once', PLAIN)))
        world.verify(world.arrived('once').data, ALICE)
    finally:
        os.rename(world.folder + '/away', world.folder + '/staff')


def tcp_sockets_do_not_wait_for_each_other(world):
    """libmilter does not set TCP_NODELAY, and Nagle costs 40 ms a mail."""
    port = free_port()
    folder = world.folder + '/tcp'
    os.mkdir(folder)
    names = dict(world.names, folder=folder)
    daemon = Daemon(world.daemon.program, folder, re.sub(
        r'socket = "unix:[^"]*milter.sock"; group = "postfix"; mode = "0660"',
        'socket = "inet:%d@127.0.0.1"' % port,
        (COMMON + RULES).format(**names)).replace(
            folder + '/staff', world.folder + '/staff').replace(
            folder + '/partners', world.folder + '/partners').replace(
            folder + '/password', world.folder + '/password'), [])
    try:
        daemon.start()
        expect(wait_port(port), 'nobody answers: ' + daemon.log())
        expect(daemon.workers(), 'no worker')
        for pid in daemon.workers():
            found = [s for s in sockets_of(pid)
                     if s.getsockname()[1:2] == (port,)]
            expect(found and all(
                s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                for s in found), 'a listener without TCP_NODELAY')
    finally:
        daemon.stop()


def sockets_of(pid):
    """Copies of a process's TCP sockets (pidfd_getfd(2))."""
    process = os.pidfd_open(pid)
    libc = ctypes.CDLL(None, use_errno=True)
    found = []
    for fd in os.listdir('/proc/%d/fd' % pid):
        copy = libc.syscall(438, process, int(fd), 0)
        if copy < 0:
            if ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
                raise Skip('pidfd_getfd(2) is not allowed here')
            continue  # closed meanwhile
        if stat.S_ISSOCK(os.fstat(copy).st_mode):
            copied = socket.socket(fileno=copy)
            if copied.family == socket.AF_INET:
                found.append(copied)
        else:
            os.close(copy)
    os.close(process)
    return found


def quarantine_is_the_hold_queue(world):
    accepted(world.send('door', GHOST, [CLEAR], message(
        GHOST, CLEAR, 'held', PLAIN)))
    expect(len(world.postfix.queue('hold')) == 1, 'nothing is on hold')
    world.postfix.release()
    world.arrived('held')


def body(octets):
    line = b'0123456789' * 7 + b'\r\n'
    return b'Content-Type: text/plain\r\n\r\n' + line * (octets // len(line))


def mail_may_grow_beyond_the_public_limit(world):
    accepted(world.send('small', ALICE, [PAULA], message(
        ALICE, PAULA, 'grown', body(18000))))
    data = world.arrived('grown').data
    expect(len(data) > 20000, 'it did not grow')
    world.verify(world.decrypt(data, 'paula').entity, ALICE)


def mail_over_the_queue_limit_is_refused_whole(world):
    reply = world.send('tight', ALICE, [PAULA], message(
        ALICE, PAULA, 'burst', body(18000)))
    expect(reply.code == 552, 'not 552: %r' % reply)


def session_between_commands_survives_a_reload(world):
    workers = world.daemon.workers()
    with Client(world.postfix.ports['door']) as client:
        accepted(client.send(ALICE, [CLEAR], message(
            ALICE, CLEAR, 'before', PLAIN)))
        world.daemon.reload()
        wait_for(lambda: set(world.daemon.workers()) - set(workers))
        accepted(client.send(ALICE, [CLEAR], message(
            ALICE, CLEAR, 'after', PLAIN)))
    for subject in ('before', 'after'):
        world.verify(world.arrived(subject).data, ALICE)
    expect(all(wait_gone(pid) for pid in workers), 'the old worker stays')


def bad_configuration_leaves_the_old_one_at_work(world):
    workers = world.daemon.workers()
    world.daemon.configure(world.configuration() + 'nonsense = 1;\n')
    try:
        world.daemon.reload()
        wait_for(lambda: 'nonsense' in world.daemon.log())
        accepted(world.send('door', ALICE, [CLEAR], message(
            ALICE, CLEAR, 'old', PLAIN)))
        world.verify(world.arrived('old').data, ALICE)
        expect(set(workers) <= set(world.daemon.workers()),
               'the old worker is gone')
    finally:
        world.daemon.configure(world.configuration())


def stopped_daemon_means_try_again_later(world):
    """451 for a client; a local mail waits and is signed afterwards."""
    expect(world.daemon.stop() == 0, 'the daemon did not stop with status 0')
    try:
        reply = world.send('door', ALICE, [CLEAR], message(
            ALICE, CLEAR, 'later', PLAIN))
        expect(reply.code == 451, 'not 451: %r' % reply)
        world.postfix.sendmail(['-f', ALICE, CLEAR], message(
            ALICE, CLEAR, 'waiting', PLAIN).replace(b'\r\n', b'\n'))
    finally:
        world.daemon.start()
    world.verify(world.arrived('waiting').data, ALICE)
    accepted(world.send('door', ALICE, [CLEAR], message(
        ALICE, CLEAR, 'later', PLAIN)))
    world.verify(world.arrived('later').data, ALICE)


def hand_over(world, subjects):
    for subject in subjects:
        world.postfix.sendmail(['-f', ALICE, CLEAR], message(
            ALICE, CLEAR, subject, PLAIN).replace(b'\r\n', b'\n'))


def killed_worker_loses_no_mail(world):
    subjects = ['worker-%d' % n for n in range(12)]
    hand_over(world, subjects[:6])
    killed = world.daemon.workers()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    hand_over(world, subjects[6:])
    for subject in subjects:
        world.verify(world.arrived(subject).data, ALICE)
    expect(not set(killed) & set(world.daemon.workers()) and
           world.daemon.workers(), 'the worker was not replaced')


def killed_parent_loses_no_mail(world):
    subjects = ['parent-%d' % n for n in range(12)]
    hand_over(world, subjects[:6])
    try:
        expect(world.daemon.kill(), 'the worker stays without its parent')
        hand_over(world, subjects[6:])
    finally:
        world.daemon.start()
    for subject in subjects:
        world.verify(world.arrived(subject).data, ALICE)


def incoming(world, encrypted=True):
    """PLAIN, signed by paula and encrypted for alice, as an entity."""
    with judge.Files() as files:
        certificate, key = world.key('paula')
        judge.openssl('cms', '-sign', '-binary', '-signer', certificate,
                      '-inkey', key, '-certfile',
                      world.pki + '/intermediate.pem', '-in',
                      files.path('plain', PLAIN), '-crlfeol', '-out',
                      files.path('signed'))
        if encrypted:
            judge.openssl('cms', '-encrypt', '-aes256', '-binary', '-crlfeol',
                          '-in', files.path('signed'), '-out',
                          files.path('encrypted'), world.key('alice')[0])
        entity = files.read('encrypted' if encrypted else 'signed')
    return entity.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n').replace(
        b'MIME-Version: 1.0\r\n', b'', 1)


def looks_opened(data, subject):
    """What a reader finds: forged fields gone, ours above the rest."""
    head, _ = judge.split(data)
    expect(PLAIN.partition(b'\r\n\r\n')[2].strip() in data,
           '%s is not open' % subject)
    results = re.findall(rb'(?im)^authentication-results:\s*([^\s;]+)\s*;'
                         rb'\s*(\w+=\w+)', head)
    expect(results == [(b'mx.example.com', b'smime=pass'),
                       (b'mx.example.com', b'dkim=pass'),
                       (b'other.example', b'smime=pass'),
                       (b'mx.example.com', b'dkim=pass'),
                       (b'other.example', b'smime=pass')],
           'results: %s' % results)
    trusted = re.findall(rb'(?im)^X-SMIME-Milter-Info-Signer-Trusted-(\d\S*): '
                         rb'(\w+)', head)
    expect(trusted == [(b'0-1', b'True')], 'trusted: %s' % trusted)
    expect(len(re.findall(rb'(?im)^content-type:', head)) == 1 and
           b'pkcs7-mime' not in head, 'outer fields stay')
    return head


def incoming_mail_is_opened_and_reported(world):
    mail = message(STRANGER, READER, 'opened', incoming(world), FORGED)
    accepted(world.send('door', STRANGER, [READER], mail))
    head = looks_opened(world.arrived('opened').data, 'opened')
    expect(head.index(b'smime=pass') < head.index(b'From:'), 'not on top')


def incoming_signed_mail_arrives_byte_for_byte(world):
    entity = incoming(world, False)
    accepted(world.send('door', STRANGER, [READER], message(
        STRANGER, READER, 'kept', entity)))
    data = world.arrived('kept').data
    expect(data.endswith(judge.split(entity)[1]), 'the body has changed')
    world.verify(data, STRANGER)


def undecryptable_mail_arrives_byte_for_byte(world, port=None):
    """For somebody else's key; cut off; with text around; empty."""
    maker = inbound_mails.Maker(Folder(world.folder))
    der = maker.envelope(PLAIN, ('peter',))
    stands = inbound_mails.pkcs7_mime(der, 'enveloped-data')
    entities = [stands,
                inbound_mails.pkcs7_mime(der[:-40], 'enveloped-data'),
                stands.replace(b'\r\n\r\n', b'\r\n\r\n \r\n. \r\n', 1),
                stands.partition(b'base64\r\n')[0] + b'base64\r\n\r\n']
    for number, entity in enumerate(entities):
        subject = 'closed-%d-%d' % (number, port or 0)
        accepted(send(port or world.postfix.ports['door'], STRANGER, [READER],
                      message(STRANGER, READER, subject, entity)))
        data = world.arrived(subject).data
        expect(judge.split(data)[1] == judge.split(entity)[1],
               '%s: the body has changed' % subject)
        expect([f for f in judge.fields(data) if f[0].startswith('content-')]
               == [f for f in judge.fields(entity)], 'fields have changed')
        expect(b'smime=neutral' in data, 'it is not reported')


class Folder:
    """What inbound_mails.Maker asks of a world."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, octets):
        with open(self.path(name), 'wb') as out:
            out.write(octets)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()


def mail_of_other_software(world, kind):
    """Signed and encrypted in its first way and in its last; all of them are
    tried without an MTA in test/interop/incoming_test.py."""
    name = kind.__name__.lower()
    try:
        maker = kind(world.pki, '%s/%s' % (world.folder, name))
    except cms_judge.Skip as why:
        raise Skip(str(why)) from why
    try:
        for number, form in enumerate(('detached', 'opaque')):
            signing = maker.SIGNING[-number]
            subject = '%s-%d' % (name, number)
            sender = cms_makers.ADDRESS[signing[0]]
            der = maker.sign(PLAIN, form, signing)
            entity = inbound_mails.multipart_signed(PLAIN, der) \
                if form == 'detached' else \
                inbound_mails.pkcs7_mime(der, 'signed-data')
            entity = inbound_mails.pkcs7_mime(
                maker.encrypt(entity, maker.ENCRYPTING[-number]),
                'enveloped-data')
            accepted(world.send('door', sender, [READER], message(
                sender, READER, subject, entity)))
            data = world.arrived(subject).data
            expect(b'smime=pass' in data, 'not verified: %r' % data[:600])
            expect(world.verify(data, sender).entity == PLAIN,
                   'the content has changed')
    finally:
        maker.close()


def mail_of_gpgsm_is_opened_and_verified(world):
    mail_of_other_software(world, cms_makers.Gpgsm)


def mail_of_nss_is_opened_and_verified(world):
    mail_of_other_software(world, cms_makers.Nss)


def mail_of_bouncy_castle_is_opened_and_verified(world):
    mail_of_other_software(world, cms_makers.Bc)


def mail_of_openssl_is_opened_and_verified(world):
    mail_of_other_software(world, cms_makers.Openssl)


def bounce_of_an_opened_mail_carries_the_header_alone(world):
    sender = 'someone@elsewhere.example'
    mail = message(sender, BOUNCING, 'bounced', incoming(world))
    accepted(world.send('door', sender, [BOUNCING], mail,
                        arguments='RET=FULL ENVID=E123 BODY=8BITMIME'))
    bounce = world.sink.wait(lambda m: m.recipients == [sender] and
                             b'Subject: bounced' in m.data, 40)
    expect(bounce is not None, 'no bounce')
    expect(b'Dear reader' not in bounce.data and
           b'text/rfc822-headers' in bounce.data, 'it carries the text')
    expect(b'E123' in bounce.data, 'ENVID is lost')
    expect('bad ESMTP' not in world.postfix.log(), 'Postfix complains')


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Wrong('waited in vain')
        time.sleep(0.05)


TESTS = [
    signed_mail_arrives_byte_for_byte, opaque_pss_signature_arrives,
    mail_of_the_sendmail_command_is_signed, encrypted_mail_arrives,
    signed_and_encrypted_mail_arrives, a_winmail_is_unpacked_and_signed,
    a_winmail_is_unpacked_and_encrypted, login_signs_its_own_address,
    login_gets_no_signature_as_a_colleague,
    foreign_client_gets_no_signature, chrooted_smtpd_reaches_the_socket,
    eight_bit_mail_passes_a_seven_bit_hop, long_lines_arrive_signed,
    null_sender_passes_unchanged,
    refused_local_mail_comes_back_to_its_sender,
    refusal_has_a_code_and_a_sentence,
    recipient_without_a_certificate_is_refused_at_rcpt,
    mixed_recipients_are_refused_together, blind_copy_is_refused, both_named_recipients_share_one_cms,
    expired_certificate_shadows_no_good_one, keys_are_read_once_at_load,
    tcp_sockets_do_not_wait_for_each_other, quarantine_is_the_hold_queue,
    mail_may_grow_beyond_the_public_limit,
    mail_over_the_queue_limit_is_refused_whole,
    session_between_commands_survives_a_reload,
    bad_configuration_leaves_the_old_one_at_work,
    stopped_daemon_means_try_again_later, killed_worker_loses_no_mail,
    killed_parent_loses_no_mail, incoming_mail_is_opened_and_reported,
    incoming_signed_mail_arrives_byte_for_byte,
    undecryptable_mail_arrives_byte_for_byte,
    mail_of_openssl_is_opened_and_verified,
    mail_of_gpgsm_is_opened_and_verified, mail_of_nss_is_opened_and_verified,
    mail_of_bouncy_castle_is_opened_and_verified,
    bounce_of_an_opened_mail_carries_the_header_alone,
]
