"""SMTP on raw bytes: a sink that keeps what it gets, and a client that sends
what it is given.  Nothing here parses or writes a message."""
import base64
import re
import socket
import threading
import time

from listener import Listener


class Mail:
    """One mail as it arrived: the envelope and the octets, dots undone."""

    def __init__(self, sender, recipients, data, arguments):
        self.sender = sender
        self.recipients = recipients
        self.data = data
        self.arguments = arguments  # what followed the path in MAIL


class Sink(Listener):
    """Takes every mail but those for bounces@.  eightbit may be changed at any time; it counts for
    the next EHLO."""

    def __init__(self):
        self.eightbit = True
        self.utf8 = False
        self.mails = []
        self.arrival = threading.Condition()
        super().__init__()

    def wait(self, match, seconds=30):
        """The first mail for which match(mail) holds, taken out; or None."""
        end = time.monotonic() + seconds
        with self.arrival:
            while True:
                for mail in self.mails:
                    if match(mail):
                        self.mails.remove(mail)
                        return mail
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.arrival.wait(left)

    def _serve(self, peer):
        try:
            with peer, peer.makefile('rb') as lines:
                self._session(peer, lines)
        except OSError:
            pass

    def _session(self, peer, lines):
        def say(*replies):
            peer.sendall(''.join(r + '\r\n' for r in replies).encode())
        say('220 sink ESMTP')
        sender, arguments, recipients = None, b'', []
        for line in lines:
            verb = line[:4].upper()
            if verb == b'EHLO':
                say('250-sink', *(['250-8BITMIME'] if self.eightbit else []),
                    *(['250-SMTPUTF8'] if self.utf8 else []),
                    '250-PIPELINING', '250 ENHANCEDSTATUSCODES')
            elif verb == b'MAIL':
                sender, arguments = path(line)
                recipients = []
                say('250 2.1.0 Ok')
            elif verb == b'RCPT' and path(line)[0].startswith('bounces@'):
                say('550 5.1.1 Nobody of that name')
            elif verb == b'RCPT':
                recipients.append(path(line)[0])
                say('250 2.1.5 Ok')
            elif verb == b'DATA' and not recipients:
                say('554 5.5.1 No recipients')
            elif verb == b'DATA':
                say('354 Go')
                data = read_data(lines)
                if data is None:
                    return
                with self.arrival:
                    self.mails.append(Mail(sender, recipients, data,
                                           arguments))
                    self.arrival.notify_all()
                say('250 2.0.0 Kept')
            elif verb == b'QUIT':
                say('221 2.0.0 Bye')
                return
            else:
                say('250 2.0.0 Ok')


def path(line):
    """MAIL FROM:<a@b> ARGUMENTS -> (a@b, ARGUMENTS)"""
    found = re.match(rb'[^:]*:\s*<([^>]*)>\s*(.*?)\r?\n?$', line)
    return (found[1].decode(), found[2]) if found else ('?', b'')


def read_data(lines):
    """Up to the lone dot, dots undone; None when the client went away."""
    kept = []
    for line in lines:
        if line == b'.\r\n':
            return b''.join(kept)
        kept.append(line[1:] if line.startswith(b'.') else line)
    return None


class Reply:
    def __init__(self, code, text):
        self.code = code
        self.text = text

    def __repr__(self):
        return '%d %s' % (self.code, self.text)


class Client:
    """One SMTP session.  source is the address it comes from."""

    def __init__(self, port, source='127.0.0.1', login=None, timeout=60):
        self.socket = socket.create_connection(
            ('127.0.0.1', port), timeout, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.socket.makefile('rb')
        self.greeting = self.reply()
        self.command('EHLO client.example')
        if login:
            plain = '\0%s\0%s' % login
            answer = self.command('AUTH PLAIN ' + base64.b64encode(
                plain.encode()).decode())
            if answer.code != 235:
                raise OSError('AUTH was refused: %r' % answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def reply(self):
        text = b''
        while True:
            line = self.lines.readline()
            if not line:
                return Reply(0, 'connection closed')
            text += line
            if line[3:4] != b'-':
                return Reply(int(line[:3]), text.decode().strip())

    def command(self, line):
        self.socket.sendall(line.encode() + b'\r\n')
        return self.reply()

    def send(self, sender, recipients, message, arguments=''):
        """The first reply that refuses, or the one to the final dot."""
        answer = self.command('MAIL FROM:<%s> %s' % (sender, arguments))
        if answer.code != 250:
            return answer
        refused = None
        taken = 0
        for recipient in recipients:
            answer = self.command('RCPT TO:<%s>' % recipient)
            if answer.code == 250:
                taken += 1
            else:
                refused = refused or answer
        if taken == 0:
            return refused
        answer = self.command('DATA')
        if answer.code != 354:
            return answer
        if not message.endswith(b'\r\n'):
            message += b'\r\n'
        self.socket.sendall(re.sub(rb'(?m)^\.', b'..', message) + b'.\r\n')
        return self.reply()


def send(port, sender, recipients, message, arguments='', **session):
    with Client(port, **session) as client:
        return client.send(sender, recipients, message, arguments)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_port(port, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False
