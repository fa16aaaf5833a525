"""What the flow tests share: a private folder with stores, the daemon in it,
mtasim in front of it, and a count of what passed."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'test', 'mta'))

import judge  # noqa: E402,F401
from daemon import Daemon  # noqa: E402
from judge import Wrong, expect  # noqa: E402,F401

BUILD = os.path.abspath(os.environ.get('BUILD', os.path.join(TOP, 'build')))
DAEMON = BUILD + '/smime-milter'
CTL = BUILD + '/smimectl'
MTASIM = BUILD + '/test/tool/mtasim'
IS_ROOT = os.geteuid() == 0
COMPLAINT = re.compile(r'Sanitizer|runtime error|data race')

# Who signs: certificate, key and chain in a file each.
STAFF = ('alice', 'bob', 'carol', 'dave', 'pss', 'pss256', 'frank',
         'frank-expired', 'erin-sign', 'erin-encrypt', 'encrypt-only',
         'several', 'upper', 'idn', 'weak', 'any-eku', 'wrong-eku')
# Whom we encrypt for: certificates alone.
PARTNERS = ('paula', 'petra', 'peter', 'untrusted', 'late', 'sign-only',
            'outside', 'selfsigned', 'frank-expired')

COMMON = '''
listen = { socket = "@SOCKET@"; mode = "0600"; };
control = { socket = "@W@/control.sock"; };
user = "nobody";
state = "@W@/state";
pid_file = "@W@/smime-milter.pid";
drain_seconds = 20;
log = { level = "debug"; to = "stderr"; };
trust = { anchors = [ "@W@/pki/ca.pem" ];
	intermediates = [ "@W@/pki/intermediate.pem" ]; };
stores = (
	{ name = "staff"; type = "directory"; path = "@W@/staff"; },
	{ name = "partners"; type = "directory"; path = "@W@/partners"; },
	{ name = "bare"; type = "file"; path = "@W@/pki/no-address.p12";
	  password_file = "@W@/password"; },
	{ name = "alice"; type = "file"; path = "@W@/pki/alice.p12";
	  password_file = "@W@/password"; },
	{ name = "bob"; type = "file"; path = "@W@/pki/bob-old.p12";
	  password_file = "@W@/password"; }
);
'''


class World:
    """A folder of its own in /tmp; close() ends the daemon and removes it."""

    def __init__(self, socket=None, common=COMMON):
        self.folder = tempfile.mkdtemp(prefix='smime-flow-', dir='/tmp')
        os.chmod(self.folder, 0o755)
        self.socket = socket or 'unix:%s/milter.sock' % self.folder
        self.common = common
        self.daemon = None
        self.pki = self.folder + '/pki'
        try:
            self._make_pki()
            self._make_stores()
        except BaseException:
            self.close()
            raise

    def _make_pki(self):
        made = os.environ.get('SMIME_PKI', BUILD + '/pki')
        if not os.path.exists(made + '/ca.pem'):
            subprocess.run(['sh', TOP + '/test/pki/make-pki.sh', made,
                            '--quiet'], check=True)
        shutil.copytree(made, self.pki)

    def _make_stores(self):
        for folder in ('staff', 'partners', 'state'):
            os.mkdir(os.path.join(self.folder, folder))
        if IS_ROOT:
            shutil.chown(self.folder + '/state', 'nobody')
        for name in STAFF:
            self.join('staff/%s.pem' % name, name + '.pem', name + '.key',
                      'intermediate.pem')
        for name in PARTNERS:
            self.join('partners/%s.pem' % name, name + '.pem')
        self.write('password', b'secret\n', 0o600)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, octets, mode=0o644):
        with open(self.path(name), 'wb') as out:
            os.fchmod(out.fileno(), mode)
            out.write(octets)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), 'rb') as file:
            return file.read()

    def join(self, name, *parts):
        octets = b''
        for part in parts:
            octets += self.read('pki/' + part)
        self.write(name, octets, 0o600)

    def fill(self, text):
        def fingerprint(found):
            return self.fingerprint(found[1])
        text = text.replace('@SOCKET@', self.socket)
        text = re.sub(r'@SHA256:([\w-]+)@', fingerprint, text)
        return text.replace('@W@', self.folder)

    def fingerprint(self, name):
        done = subprocess.run(
            ['openssl', 'x509', '-in', self.path('pki/%s.pem' % name),
             '-noout', '-fingerprint', '-sha256'],
            capture_output=True, check=True)
        return done.stdout.decode().partition('=')[2].strip().replace(
            ':', '').lower()

    def configure(self, rules, common=None):
        """The text of a whole configuration with these rules."""
        text = self.fill((common or self.common) + rules)
        self.write('smime-milter.conf', text.encode())
        return text

    def start(self, rules, common=None):
        text = self.configure(rules, common)
        probes = [self.socket[5:]] if self.socket.startswith('unix:') else [
            self.path('control.sock')]
        before = self.log().count(': started')
        self.daemon = Daemon(DAEMON, self.folder, text, probes)
        self.daemon.start(60)
        wait_for(lambda: self.log().count(': started') > before or
                 self.daemon.process.poll() is not None, 60, 'the start')
        expect(self.daemon.process.poll() is None, self.log()[-1000:])
        return self.daemon

    def stop(self):
        """The daemon's exit status."""
        if self.daemon is None:
            return None
        status = self.daemon.stop()
        self.daemon = None
        return status

    def close(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        if not os.path.exists(self.path('daemon.log')):
            return ''
        with open(self.path('daemon.log'), errors='replace') as log:
            return log.read()

    def sim(self, *arguments, timeout=120):
        """The exit status and what mtasim printed."""
        done = subprocess.run(
            [MTASIM, *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        return done.returncode, done.stdout.decode('utf-8', 'replace')

    def sim_begin(self, *arguments):
        return subprocess.Popen(
            [MTASIM, *arguments], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ctl(self, *arguments, timeout=60):
        done = subprocess.run(
            [CTL, '-c', self.path('smime-milter.conf'), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        return (done.returncode, done.stdout.decode('utf-8', 'replace'),
                done.stderr.decode('utf-8', 'replace'))


def wait_for(question, seconds=20, what='what was expected'):
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Wrong('waited %d s for %s' % (seconds, what))
        time.sleep(0.02)


class Skip(Exception):
    pass


class Tally:
    """Runs tests, says which failed, and closes with the count."""

    def __init__(self, wanted):
        self.wanted = wanted  # words of the command line; none: all
        self.passed = self.failed = self.skipped = 0

    def wants(self, name):
        return not self.wanted or any(w in name for w in self.wanted)

    def run(self, name, test, *arguments):
        start = time.monotonic()
        try:
            test(*arguments)
        except Skip as why:
            self.skipped += 1
            print('skipped: %s: %s' % (name, why))
        except (Wrong, OSError, subprocess.SubprocessError) as why:
            self.failed += 1
            print('FAILED: %s: %s' % (name, why))
        except Exception:
            self.failed += 1
            print('FAILED: %s\n%s' % (name, traceback.format_exc()))
        else:
            self.passed += 1
            if '-v' in sys.argv:
                print('ok: %s (%.1f s)' % (name, time.monotonic() - start))
        sys.stdout.flush()

    def close(self):
        print('%d passed, %d failed, %d skipped' % (
            self.passed, self.failed, self.skipped))
        return self.failed > 0


def words():
    return [word for word in sys.argv[1:] if not word.startswith('-')]


def run_each(tests, how, *more):
    """Each test that is wanted, as how(test, *more); the exit status."""
    tally = Tally(words())
    for test in tests:
        if tally.wants(test.__name__):
            tally.run(test.__name__, how, test, *more)
    return tally.close()


def in_a_world(test):
    """A world of its own, and a daemon that ends well if there is one."""
    world = World()
    try:
        test(world)
        status = world.stop()
        expect(status in (0, None), 'the daemon ended with %s' % status)
        expect(not COMPLAINT.search(world.log()), world.log()[-3000:])
    finally:
        world.close()
