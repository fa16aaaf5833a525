"""A Sendmail of our own.  Its packages conflict with Postfix's, so they are
unpacked, not installed; configuration, queue, log and port are below one
folder."""
import glob
import os
import shutil
import signal
import subprocess

from postfix import alive, wait_gone
from smtp import free_port, wait_port

PACKAGES = ('sendmail-bin sendmail-base sendmail-cf m4 libsigsegv2 libwrap0 '
            'libnsl2 libldap-2.5-0 libsasl2-2 libdb5.3 libtirpc3').split()

CONFIGURATION = '''divert(-1)
include(`{cf}/m4/cf.m4')
divert(0)dnl
OSTYPE(`linux')dnl
define(`MAIL_SETTINGS_DIR', `{etc}/')dnl
define(`confDOMAIN_NAME', `mx.example.net')dnl
define(`QUEUE_DIR', `{folder}/queue')dnl
define(`confPID_FILE', `{folder}/pid')dnl
define(`STATUS_FILE', `{etc}/statistics')dnl
define(`HELP_FILE', `{etc}/help')dnl
define(`ALIAS_FILE', `{etc}/aliases')dnl
define(`confSERVICE_SWITCH_FILE', `{etc}/switch')dnl
define(`confHOSTS_FILE', `{etc}/hosts')dnl
define(`confDEAD_LETTER_DROP', `{folder}/dead')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confDONT_BLAME_SENDMAIL', `{blameless}')dnl
define(`confTO_IDENT', `0s')dnl
define(`confDELIVERY_MODE', `i')dnl
define(`confREFUSE_LA', `999')dnl
define(`confQUEUE_LA', `999')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
define(`confLOG_LEVEL', `10')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`no_default_msa')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`MAIL_HUB', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink}')dnl
DAEMON_OPTIONS(`Name=MTA, Addr=127.0.0.1, Port={port}')dnl
DAEMON_OPTIONS(`Name=BACK, Addr=127.0.0.1, Port={back}, InputMailFilters=')dnl
INPUT_MAIL_FILTER(`smime', `S={milter}, F=T, T=C:30s;S:30s;R:60s;E:10m')dnl
MAILER(`smtp')dnl
'''
# The folders of a test are below /tmp, which everybody may write.
BLAMELESS = ('TrustStickyBit,GroupWritableDirPathSafe,MapInUnsafeDirPath,'
             'ClassFileInUnsafeDirPath,HelpFileInUnsafeDirPath')


def fetch(prefix, here):
    """Unpack Debian's Sendmail below prefix once; None, or why not."""
    ready = os.path.join(prefix, 'ready')
    if os.path.exists(ready):
        return None
    if not shutil.which('apt-get'):
        return 'no apt-get here to fetch Sendmail with'
    packages = os.path.join(prefix, 'packages')
    shutil.rmtree(prefix, ignore_errors=True)
    os.makedirs(packages)
    done = subprocess.run(['apt-get', '-q', 'download', *PACKAGES],
                          cwd=packages, capture_output=True)
    if done.returncode != 0:
        return 'apt-get cannot download Sendmail'
    for package in glob.glob(packages + '/*.deb'):
        subprocess.run(['dpkg', '-x', package, prefix + '/root'], check=True)
    # A copy has no set-gid bit, for which LD_LIBRARY_PATH would be ignored.
    shutil.copyfile(prefix + '/root/usr/libexec/sendmail/sendmail',
                    prefix + '/sendmail')
    os.chmod(prefix + '/sendmail', 0o755)
    subprocess.run(['cc', '-shared', '-fPIC', '-O1', '-o',
                    prefix + '/syslog_file.so', here + '/syslog_file.c'],
                   check=True)
    open(ready, 'w').close()
    return None


class Sendmail:
    def __init__(self, prefix, folder, sink, milter):
        self.prefix = prefix
        self.folder = folder
        self.port = free_port()
        self.back = free_port()
        etc = folder + '/etc'
        os.makedirs(etc, mode=0o755)
        os.makedirs(folder + '/queue', mode=0o700)
        write(etc + '/switch', 'hosts\tfiles\naliases\tfiles\n')
        write(etc + '/hosts', '127.0.0.1 localhost mx.example.net\n')
        write(etc + '/aliases', '')
        self.cf = etc + '/sendmail.cf'
        macros = prefix + '/root/usr/share/sendmail/cf'
        write(etc + '/sendmail.mc', CONFIGURATION.format(
            cf=macros, etc=etc, folder=folder, port=self.port,
            back=self.back, sink=sink,
            milter=milter, blameless=BLAMELESS))
        self.environment = dict(
            os.environ, LD_LIBRARY_PATH=libraries(prefix))
        with open(self.cf, 'wb') as out:
            subprocess.run(
                [prefix + '/root/usr/bin/m4', '-D_CF_DIR_=%s/' % macros,
                 etc + '/sendmail.mc'], cwd=macros + '/cf', stdout=out,
                stderr=subprocess.DEVNULL, env=self.environment, check=True)
        os.chmod(self.cf, 0o644)

    def run(self, *arguments, **options):
        environment = dict(
            self.environment, SYSLOG_FILE=self.folder + '/log',
            LD_PRELOAD=self.prefix + '/syslog_file.so')
        return subprocess.run(
            [self.prefix + '/sendmail', '-C' + self.cf, *arguments],
            env=environment, timeout=120, **options)

    def start(self):
        # Not capture_output: the daemon would keep the pipes open.
        with open(self.folder + '/start.log', 'wb') as out:
            self.run('-bd', stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        if not wait_port(self.port):
            raise OSError('Sendmail does not answer: %s' % self.log())

    def pid(self):
        try:
            with open(self.folder + '/pid') as pid:
                return int(pid.readline())
        except (FileNotFoundError, ValueError):
            return None

    def stop(self):
        pid = self.pid()
        if pid is None or not alive(pid):
            return
        os.kill(pid, signal.SIGTERM)
        if not wait_gone(pid, 10):
            os.kill(pid, signal.SIGKILL)

    def log(self):
        text = ''
        for name in ('start.log', 'log'):
            try:
                with open(os.path.join(self.folder, name),
                          errors='replace') as log:
                    text += log.read()
            except FileNotFoundError:
                pass
        return text

    def quarantined(self):
        return glob.glob(self.folder + '/queue/hf*')


def libraries(prefix):
    return ':'.join(glob.glob(prefix + '/root/usr/lib/*-linux-gnu') +
                    glob.glob(prefix + '/root/lib/*-linux-gnu'))


def write(path, text):
    with open(path, 'w') as out:
        out.write(text)
