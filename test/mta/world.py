"""Everything a test needs, in one private folder: PKI, daemon, MTAs, sink.
close() ends all of it by process id and removes the folder."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

import judge
import sendmail
from daemon import Daemon
from postfix import Postfix
from sasl import SaslServer
from smtp import Sink, send

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(TOP, 'build')))

COMMON = '''
listen = {{ socket = "unix:{socket}"; group = "{group}"; mode = "0660"; }};
control = {{ socket = "{folder}/control.sock"; }};
user = "nobody";
state = "{folder}/state";
pid_file = "{folder}/smime-milter.pid";
drain_seconds = 20;
log = {{ level = "debug"; to = "stderr"; }};
trust = {{ anchors = [ "{pki}/ca.pem" ];
	intermediates = [ "{pki}/intermediate.pem" ]; }};
stores = (
	{{ name = "staff"; type = "directory"; path = "{folder}/staff"; }},
	{{ name = "bob"; type = "file"; path = "{pki}/bob.p12";
	   password_file = "{folder}/password"; }},
	{{ name = "partners"; type = "directory"; path = "{folder}/partners"; }},
	{{ name = "down"; type = "ldap"; uri = "ldap://127.0.0.1:1";
	   base = "dc=example"; timeout_seconds = 1; }}
);
'''


class World:
    """rules: the sign and encrypt lists; {name} in it stands for a path."""

    def __init__(self, rules, doors=None, settings=(), services='',
                 logins=None):
        self.folder = tempfile.mkdtemp(prefix='smime-milter-', dir='/tmp')
        os.chmod(self.folder, 0o755)
        self.closing = []
        try:
            self._build(rules, doors or {'door': ('n', [])}, settings,
                        services, logins or {})
        except BaseException:
            self.close()
            raise

    def _build(self, rules, doors, settings, services, logins):
        self.pki = self._make_pki()
        self._make_stores()
        self.sink = self._closing(Sink(), 'close')
        sasl = self._closing(SaslServer(logins), 'close')
        # Relative, so that it is the same file with and without chroot.
        self.postfix = Postfix(
            self.folder + '/postfix', self.sink.port,
            'unix:smime-milter/milter.sock', doors, sasl.port, settings,
            services)
        self.closing.append(self.postfix.stop)
        place = self.postfix.spool('smime-milter')
        os.mkdir(place, 0o755)
        os.mkdir(self.folder + '/state')
        shutil.chown(self.folder + '/state', 'nobody')
        self.socket = place + '/milter.sock'
        self.names = {'socket': self.socket, 'pki': self.pki,
                      'folder': self.folder, 'group': 'postfix',
                      **{'port_' + name: port for name, port in
                         self.postfix.ports.items()}}
        self.rules = rules
        self.daemon = Daemon(BUILD + '/smime-milter', self.folder,
                             self.configuration(), [self.socket])
        self.closing.append(self.daemon.stop)
        self.daemon.start()
        self.postfix.start()

    def configuration(self):
        return (COMMON + self.rules).format(**self.names)

    def _closing(self, thing, verb):
        self.closing.append(getattr(thing, verb))
        return thing

    def _make_pki(self):
        """A copy: keys of the build folder stay where they are."""
        pki = self.folder + '/pki'
        made = os.environ.get('SMIME_PKI', BUILD + '/pki')
        if os.path.exists(made + '/ca.pem'):
            shutil.copytree(made, pki)
        else:
            subprocess.run(['sh', TOP + '/test/pki/make-pki.sh', pki,
                            '--quiet'], check=True)
        return pki

    def _make_stores(self):
        for name in ('staff', 'partners'):
            os.mkdir(os.path.join(self.folder, name))
        for name in ('alice', 'carol', 'dave', 'pss', 'frank',
                     'frank-expired'):
            with open('%s/staff/%s.pem' % (self.folder, name), 'w') as out:
                os.fchmod(out.fileno(), 0o600)
                for file in (name + '.pem', name + '.key',
                             'intermediate.pem'):
                    with open(os.path.join(self.pki, file)) as pem:
                        out.write(pem.read())
        for name in ('paula', 'petra', 'peter'):
            shutil.copy('%s/%s.pem' % (self.pki, name),
                        self.folder + '/partners')
        with open(self.folder + '/password', 'w') as out:
            os.fchmod(out.fileno(), 0o600)
            out.write('secret\n')

    def add_sendmail(self):
        """Sendmail beside Postfix, the same daemon behind it; None, or why
        not."""
        prefix = BUILD + '/sendmail'
        why = sendmail.fetch(prefix, HERE)
        if why is None:
            self.sendmail = sendmail.Sendmail(
                prefix, self.folder + '/sendmail', self.sink.port,
                'unix:' + self.socket)
            self.closing.append(self.sendmail.stop)
            self.sendmail.start()
        return why

    def key(self, name):
        return '%s/%s.pem' % (self.pki, name), '%s/%s.key' % (self.pki, name)

    def send(self, door, sender, recipients, message, **session):
        return send(self.postfix.ports[door], sender, recipients, message,
                    **session)

    def arrived(self, subject, seconds=40):
        """The mail with that subject, once."""
        line = b'\r\nSubject: ' + subject.encode() + b'\r\n'
        mail = self.sink.wait(lambda m: line in judge.split(m.data)[0],
                              seconds)
        judge.expect(mail is not None, '%s did not arrive' % subject)
        return mail

    def verify(self, entity, signer):
        return judge.verify(entity, self.pki + '/ca.pem', signer)

    def decrypt(self, entity, name):
        return judge.decrypt(entity, *self.key(name))

    def close(self):
        while self.closing:
            try:
                self.closing.pop()()
            except Exception as problem:  # the rest must end all the same
                print('at the end: %s' % problem, file=sys.stderr)
        left = left_behind(self.folder)
        if not os.environ.get('KEEP'):
            shutil.rmtree(self.folder, ignore_errors=True)
        return left


def left_behind(folder, seconds=10):
    """Processes that still have to do with that folder."""
    end = time.monotonic() + seconds
    while True:
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            if int(pid) == os.getpid():
                continue
            try:
                with open('/proc/%s/cmdline' % pid) as line:
                    command = line.read()
                place = os.readlink('/proc/%s/cwd' % pid)
            except OSError:
                continue
            if folder in command or place.startswith(folder):
                found.append('%s %s' % (pid, command.replace('\0', ' ')))
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.1)


def message(sender, recipient, subject, entity, more=b''):
    """A mail with CRLF; entity starts with its Content-* fields."""
    return (b'From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\n'
            b'Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n'
            b'Message-ID: <%s@example.com>\r\n%sMIME-Version: 1.0\r\n' % (
                sender.encode(), recipient.encode(), subject.encode(),
                subject.encode(), more)) + entity


PLAIN = (b'Content-Type: text/plain; charset=us-ascii\r\n'
         b'Content-Language: en\r\n\r\n'
         b'Dear reader,\r\n\r\n.a line with a leading dot\r\n')
EIGHT_BIT = (b'Content-Type: text/plain; charset=utf-8\r\n'
             b'Content-Transfer-Encoding: 8bit\r\n\r\n' +
             'Grüße aus Köln, 5 €\r\n'.encode())
LONG_LINES = (b'Content-Type: text/plain; charset=us-ascii\r\n\r\n' +
              b'word ' * 400 + b'end\r\nand a short one\r\n')
