"""A re-injection port: takes mail as it is told to, and keeps what it took."""
import re
import ssl
import threading

from listener import Listener

DROP = object()  # the connection ends


class Copy:
    def __init__(self, sender, recipients, data):
        self.sender = sender          # the line of MAIL FROM
        self.recipients = recipients  # the lines of RCPT TO
        self.data = data

    def addresses(self):
        return sorted(re.search('<(.*)>', r)[1] for r in self.recipients)


class Port(Listener):
    """says(verb, line): an answer, DROP, None for the usual one, or what is to be
    done with the session, after which the connection ends; verb "."
    is the end of a mail, "taken" is after it has been kept."""

    def __init__(self, offers=('SIZE 60000000', '8BITMIME', 'DSN', 'SMTPUTF8'),
                 certificate=None, login=None):
        self.offers = offers
        self.login = login
        self.says = lambda verb, line: None
        self.copies = []
        self.lines = []
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.changed = threading.Condition()
        super().__init__()

    def verbs(self):
        return [line.split(' ')[0].upper() for line in self.lines]

    def taken(self):
        """What has come since it was asked last."""
        with self.changed:
            copies, self.copies = self.copies, []
            self.lines = []
        return copies

    def _serve(self, peer):
        try:
            peer.settimeout(60)
            Session(self, peer).run()
        except OSError:
            pass
        finally:
            peer.close()


class Session:
    def __init__(self, port, peer):
        self.port, self.peer = port, peer
        self.stream = peer.makefile('rb')
        self.sender, self.recipients = None, []
        self.secure = False

    def say(self, *lines):
        self.peer.sendall(''.join(line + '\r\n' for line in lines).encode())

    def run(self):
        self.say('220 port ESMTP')
        while True:
            line = self.stream.readline().decode().rstrip('\r\n')
            if not line:
                return
            verb = line.split(' ')[0].upper()
            with self.port.changed:
                self.port.lines.append(line)
            special = self.port.says(verb, line)
            if special is DROP:
                return
            if callable(special):
                return special(self)
            if special:
                self.say(special)
            elif verb == 'QUIT':
                return
            elif not getattr(self, 'on_' + verb.lower(), self.other)(line):
                return

    def other(self, line):
        self.say('250 2.0.0 Ok')
        return True

    def on_ehlo(self, line):
        more = list(self.port.offers)
        if self.port.tls and not self.secure:
            more.append('STARTTLS')
        if self.port.login and (self.secure or not self.port.tls):
            more.append('AUTH PLAIN')
        self.say(*('250-' + word for word in ['port'] + more), '250 HELP')
        return True

    def on_starttls(self, line):
        self.say('220 2.0.0 Go')
        self.peer = self.port.tls.wrap_socket(self.peer, server_side=True)
        self.stream = self.peer.makefile('rb')
        self.secure = True
        return True

    def on_auth(self, line):
        good = line == 'AUTH PLAIN ' + self.port.login
        self.say('235 2.7.0 Welcome' if good else '535 5.7.8 Who?')
        return True

    def on_mail(self, line):
        self.sender, self.recipients = line, []
        return self.other(line)

    def on_rcpt(self, line):
        self.recipients.append(line)
        return self.other(line)

    def on_data(self, line):
        self.say('354 Go')
        data = []
        while True:
            text = self.stream.readline()
            if not text:
                return False
            if text == b'.\r\n':
                break
            data.append(text[1:] if text.startswith(b'.') else text)
        with self.port.changed:
            self.port.lines.append('.')
        special = self.port.says('.', '.')
        if special is DROP:
            return False
        if special:
            self.say(special)
            return True
        with self.port.changed:
            self.port.copies.append(Copy(self.sender, self.recipients,
                                          b''.join(data)))
        if self.port.says('taken', '') is DROP:
            return False
        self.say('250 2.0.0 Kept')
        return True
