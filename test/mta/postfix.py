"""A Postfix of our own: configuration, queue, log and port below one folder.
The machine's Postfix, if any, is neither read nor touched; only the package's
programs and its users are used."""
import os
import re
import shutil
import subprocess
import time

from smtp import free_port, wait_port

MAIN = '''
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.example.net
myorigin = example.net
mydestination =
local_transport = error:nobody lives here
local_recipient_maps =
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtp_host_lookup = native
relayhost = [127.0.0.1]:{sink}
smtp_connection_cache_on_demand = no
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtputf8_enable = yes
biff = no
message_size_limit = 60000000
mailbox_size_limit = 0
smtpd_client_connection_count_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{sasl}
smtpd_milters = {milter}
non_smtpd_milters = {milter}
milter_default_action = tempfail
milter_protocol = 6
'''

# service, private, chroot, wakeup, process limit, command
SERVICES = '''
pickup     unix n n 1 1 pickup
cleanup    unix n n - 0 cleanup
qmgr       unix n n 1 1 qmgr
tlsmgr     unix - n 1000? 1 tlsmgr
rewrite    unix - n - - trivial-rewrite
bounce     unix - n - 0 bounce
defer      unix - n - 0 bounce
trace      unix - n - 0 bounce
verify     unix - n - 1 verify
flush      unix n n 1000? 0 flush
proxymap   unix - n - - proxymap
proxywrite unix - n - 1 proxymap
smtp       unix - n - - smtp
relay      unix - n - - smtp
showq      unix n n - - showq
error      unix - n - - error
retry      unix - n - - error
discard    unix - n - - discard
anvil      unix - n - 1 anvil
scache     unix - n - 1 scache
postlog    unix-dgram n n - 1 postlogd
'''


class Postfix:
    """doors: {name: (chroot 'y' or 'n', [options for that smtpd])}; each gets
    a port of its own in self.ports, and PORT(name) in an option is that port.
    services: more lines for master.cf."""

    def __init__(self, folder, sink, milter, doors, sasl=0, settings=(),
                 services=''):
        self.folder = folder
        self.ports = {}
        for sub in ('etc', 'spool', 'data', 'log'):
            os.makedirs(os.path.join(folder, sub), mode=0o755)
        shutil.chown(os.path.join(folder, 'data'), 'postfix')
        if os.path.exists('/etc/postfix/dynamicmaps.cf'):
            shutil.copy('/etc/postfix/dynamicmaps.cf', self.etc())
        with open(self.etc('main.cf'), 'w') as main:
            main.write(MAIN.format(folder=folder, sink=sink, milter=milter,
                                   sasl=sasl))
            for setting in settings:
                main.write(setting + '\n')
        for name in doors:
            self.ports[name] = free_port()
        with open(self.etc('master.cf'), 'w') as master:
            for name, (chroot, options) in doors.items():
                master.write('127.0.0.1:%d inet n - %s - - smtpd\n' % (
                    self.ports[name], chroot))
                for option in options:
                    option = re.sub(r'PORT\((\w+)\)', lambda found: str(
                        self.ports[found[1]]), option)
                    master.write('  -o { %s }\n' % option)
            for line in SERVICES.strip().splitlines():
                service, kind, private, chroot, *rest = line.split()
                master.write(' '.join((service, kind, private, '-', chroot,
                                       *rest)) + '\n')
            master.write(services)

    def etc(self, name=''):
        return os.path.join(self.folder, 'etc', name)

    def spool(self, name=''):
        return os.path.join(self.folder, 'spool', name)

    def log(self):
        try:
            with open(os.path.join(self.folder, 'log/mail.log')) as log:
                return log.read()
        except FileNotFoundError:
            return ''

    def _postfix(self, verb):
        return subprocess.run(['postfix', '-c', self.etc(), verb],
                              stdin=subprocess.DEVNULL, capture_output=True)

    def pid(self):
        try:
            with open(self.spool('pid/master.pid')) as pid:
                return int(pid.read())
        except (FileNotFoundError, ValueError):
            return None

    def start(self):
        done = self._postfix('start')
        for port in self.ports.values():
            if not wait_port(port):
                raise OSError('Postfix does not answer: %s %s' % (
                    done.stderr.decode(), self.log()))

    def stop(self):
        pid = self.pid()
        if pid is None or not alive(pid):
            return
        self._postfix('stop')
        if not wait_gone(pid):
            self._postfix('abort')
            wait_gone(pid)

    def sendmail(self, arguments, message):
        """Mail handed over by the local sendmail command."""
        subprocess.run(['/usr/sbin/sendmail', '-C', self.etc(), *arguments],
                       input=message, check=True, timeout=60)

    def retry(self):
        """Deliver what waits, now."""
        subprocess.run(['postqueue', '-c', self.etc(), '-f'], check=True)

    def queue(self, name):
        """Queue files in hold, deferred, ..."""
        return [os.path.join(place, file) for place, _, files in
                os.walk(self.spool(name)) for file in files]

    def release(self):
        subprocess.run(['postsuper', '-c', self.etc(), '-H', 'ALL'],
                       check=True, capture_output=True)

    def empty(self):
        subprocess.run(['postsuper', '-c', self.etc(), '-d', 'ALL'],
                       check=True, capture_output=True)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_gone(pid, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False
