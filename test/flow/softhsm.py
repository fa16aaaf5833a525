"""Tokens of SoftHSM 2 in a folder of their own, filled with OpenSC's
pkcs11-tool.  SOFTHSM2_CONF of this process, and so of every daemon it starts,
names that folder."""
import os
import re
import shutil
import subprocess

from harness import IS_ROOT, Skip, judge

PIN = '1234'
PLACES = ('/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm.so',
          '/usr/lib64/pkcs11/libsofthsm2.so',
          '/usr/local/lib/softhsm/libsofthsm2.so')


def module():
    for path in PLACES:
        if os.path.exists(path):
            return path
    raise Skip('SoftHSM 2 is not here')


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=True,
                          capture_output=True, text=True).stdout


class Tokens:
    """All tokens of a world; `owner` is whom the daemon becomes."""

    def __init__(self, world, owner='nobody'):
        self.module = module()
        for tool in ('softhsm2-util', 'pkcs11-tool'):
            if shutil.which(tool) is None:
                raise Skip('no %s here' % tool)
        self.world = world
        self.owner = owner
        self.folder = world.path('tokens')
        self.away = world.path('tokens-away')
        for folder in (self.folder, self.away):
            os.mkdir(folder)
        world.write('softhsm2.conf', (
            'directories.tokendir = %s\nobjectstore.backend = file\n'
            'log.level = ERROR\n' % self.folder).encode())
        os.environ['SOFTHSM2_CONF'] = world.path('softhsm2.conf')

    def give(self):
        """Back to the daemon's user, after a tool of root made files."""
        for folder in (self.folder, self.away):
            os.chmod(folder, 0o700)
        if IS_ROOT:
            run('chown', '-R', self.owner, self.folder, self.away)

    def make(self, label):
        run('softhsm2-util', '--init-token', '--free', '--label', label,
            '--pin', PIN, '--so-pin', '4321')
        self.give()

    def tool(self, label, *arguments):
        return run('pkcs11-tool', '--module', self.module, '--token-label',
                   label, '--login', '--pin', PIN, *arguments)

    def put(self, label, name, identity, *, key=True):
        """NAME.pem and NAME.key of the PKI."""
        der = self.world.path('token.der')
        run('openssl', 'x509', '-in', self.world.pki + '/%s.pem' % name,
            '-outform', 'DER', '-out', der)
        self.tool(label, '-w', der, '-y', 'cert', '-a', name, '-d', identity)
        if key:
            run('openssl', 'pkey', '-in', self.world.pki + '/%s.key' % name,
                '-outform', 'DER', '-out', der)
            self.tool(label, '-w', der, '-y', 'privkey', '-a', name, '-d',
                      identity, '--usage-sign', '--usage-decrypt',
                      '--usage-derive', '--sensitive', '--private')
        os.unlink(der)
        self.give()

    def access(self, label):
        """What the token says of its private keys: a set of words each."""
        listed = self.tool(label, '-O', '-y', 'privkey')
        return [set(re.split(r',\s*', found))
                for found in re.findall(r'Access:\s+(.*)', listed)]

    def decrypt(self, label, name, mail):
        """By OpenSSL's own engine for tokens, with the token's key: what was
        inside, or None where that engine is missing."""
        if subprocess.run(['openssl', 'engine', 'pkcs11'],
                          capture_output=True).returncode != 0:
            return None
        os.environ['PKCS11_MODULE_PATH'] = self.module
        return judge.decrypt(
            mail, self.world.pki + '/%s.pem' % name,
            'pkcs11:token=%s;object=%s;type=private;pin-value=%s' % (
                label, name, PIN), '-engine', 'pkcs11', '-keyform', 'engine')

    def pull(self):
        for name in os.listdir(self.folder):
            os.rename(os.path.join(self.folder, name),
                      os.path.join(self.away, name))

    def push(self):
        for name in os.listdir(self.away):
            os.rename(os.path.join(self.away, name),
                      os.path.join(self.folder, name))

    def store(self, uri, module_too=True, name='hsm'):
        """The text of a store; the PIN's file is made."""
        self.world.write('pin', PIN.encode() + b'\n', 0o600)
        return '{ name = "%s"; type = "pkcs11"; uri = "%s"; %s' \
            'password_file = "@W@/pin"; }' % (
                name, uri,
                'module = "%s"; ' % self.module if module_too else '')
