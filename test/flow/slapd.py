#!/usr/bin/env python3
"""A directory of our own: OpenLDAP's slapd on loopback, with its own schema,
database and TLS certificate in a folder that is removed in the end.

slapd.py PKI: for tests that are no Python.  Prints "ready FOLDER PORT
TLS_PORT", or "skipped: WHY"; obeys the lines "stop" and "start" with "done",
and ends with its standard input.
"""
import base64
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SCHEMAS = '/etc/ldap/schema'
MODULES = '/usr/lib/ldap'
SUFFIX = 'dc=example,dc=com'
READER = 'cn=reader,' + SUFFIX
WRITER = 'cn=writer,' + SUFFIX
PASSWORD = 'open sesame'

CONFIG = '''
include %(schemas)s/core.schema
include %(schemas)s/cosine.schema
include %(people)s
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'proxyAddresses'
	EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch
	SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'mailPerson' SUP top AUXILIARY
	MAY proxyAddresses )
modulepath %(modules)s
moduleload back_mdb
pidfile %(folder)s/slapd.pid
TLSCACertificateFile %(folder)s/ca.pem
TLSCertificateFile %(folder)s/server.pem
TLSCertificateKeyFile %(folder)s/server.key
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=hidden,%(suffix)s" by users read by * none
access to * by dn.exact="cn=writer,%(suffix)s" write by * read
database mdb
suffix "%(suffix)s"
directory %(folder)s/database
maxsize 33554432
dbnosync
'''

SERVER = '''
[req]
distinguished_name = name
prompt = no
[name]
CN = directory
[ca]
basicConstraints = critical, CA:true
[server]
subjectAltName = IP:127.0.0.1
extendedKeyUsage = serverAuth
'''


class Missing(Exception):
    """There is no slapd here."""


def find_slapd():
    for path in ('/usr/sbin/slapd', '/usr/local/sbin/slapd'):
        if os.access(path, os.X_OK):
            if not os.path.exists(SCHEMAS + '/inetorgperson.schema'):
                raise Missing('slapd has no schemas in ' + SCHEMAS)
            return path
    raise Missing('slapd is not installed')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def entry(dn, classes, **values):
    """LDIF; a value is text, bytes, or a list of them.  "__" is ";"."""
    lines = ['dn:: ' + base64.b64encode(dn.encode()).decode()]
    lines += ['objectClass: ' + name for name in classes]
    for name, many in values.items():
        for value in many if isinstance(many, list) else [many]:
            octets = value if isinstance(value, bytes) else value.encode()
            lines.append('%s:: %s' % (name.replace('__', ';'),
                                      base64.b64encode(octets).decode()))
    return '\n'.join(lines) + '\n\n'


def person(name, unit='people', **values):
    return entry('cn=%s,ou=%s,%s' % (name, unit, SUFFIX),
                 ['inetOrgPerson', 'mailPerson'], cn=name, sn=name, **values)


def tree():
    text = entry(SUFFIX, ['organization', 'dcObject'], o='Example',
                 dc='example')
    for unit in ('people', 'hidden', 'empty'):
        text += entry('ou=%s,%s' % (unit, SUFFIX), ['organizationalUnit'],
                      ou=unit)
    for dn, name in ((READER, 'reader'), (WRITER, 'writer')):
        text += entry(dn, ['person', 'simpleSecurityObject'], cn=name,
                      sn=name, userPassword=PASSWORD)
    return text


def standard_entries(pki):
    """What the tests ask for.  userCertificate takes certificates only."""
    def der(name):
        done = subprocess.run(
            ['openssl', 'x509', '-in', '%s/%s.pem' % (pki, name),
             '-outform', 'DER'], capture_output=True, check=True)
        return done.stdout

    def read(name):
        with open(os.path.join(pki, name), 'rb') as file:
            return file.read()

    text = tree()
    text += person('Paula', mail='paula@partner.example',
                   userCertificate__binary=der('paula'))
    text += person('Peter', mail='somebody@partner.example',
                   proxyAddresses=['SMTP:first@partner.example',
                                   'smtp:peter@partner.example'],
                   userCertificate__binary=der('peter'))
    text += person('Carol', mail='carol@example.com',
                   userSMIMECertificate=read('carol-der.p7b'))
    text += person('Dave', mail='dave@example.com',
                   userSMIMECertificate=[b'\x30\x82no certificate',
                                         der('dave')])
    text += person('Bob', mail='bob@example.com',
                   userCertificate__binary=der('bob'),
                   userSMIMECertificate=der('several'))
    text += person('Frank', mail='frank@example.com',
                   userCertificate__binary=[der('frank-expired'),
                                            der('frank')])
    text += person('Odd', mail='"a*b(c)d\\\\e"@example.com',
                   userCertificate__binary=der('alice'))
    text += person('Idn', proxyAddresses='smtp:post@b\u00fccher.example',
                   userCertificate__binary=der('idn'))
    text += person('Nobody', mail='nobody@example.com')
    text += person('Late', mail='late@example.com',
                   userCertificate__binary=der('late'))
    text += person('Secret', 'hidden', mail='secret@example.com',
                   userCertificate__binary=der('alice'))
    for word in ('none', 'Allow', 'MANDATORY', 'sometimes'):
        text += person('Mode ' + word, employeeType=word,
                       mail='%s@modes.example' % word.lower())
    text += person('Mode of a sender', employeeType=['none', 'mandatory'],
                   mail='strict@example.com')
    for number in range(25):
        text += person('Many%d' % number, mail='many@example.com')
    return text


class Slapd:
    def __init__(self, ldif=None, pki=None, compares=False):
        """compares: it has a rule for packs, as Active Directory has."""
        self.program = find_slapd()
        self.folder = tempfile.mkdtemp(prefix='smime-slapd-', dir='/tmp')
        os.chmod(self.folder, 0o755)
        self.process = None
        try:
            self._make_certificates()
            self._configure(compares)
            self._fill(ldif or standard_entries(pki))
            self._begin()
        except BaseException:
            self.close()
            raise

    def path(self, name):
        return os.path.join(self.folder, name)

    @property
    def uri(self):
        return 'ldap://127.0.0.1:%d' % self.port

    @property
    def tls_uri(self):
        return 'ldaps://127.0.0.1:%d' % self.tls_port

    def _openssl(self, *arguments):
        subprocess.run(['openssl', *arguments], cwd=self.folder,
                       capture_output=True, check=True)

    def _make_certificates(self):
        with open(self.path('openssl.cnf'), 'w') as out:
            out.write(SERVER)
        key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
               '-nodes', '-config', 'openssl.cnf']
        for name in ('ca', 'other'):
            self._openssl('req', '-x509', *key, '-extensions', 'ca', '-subj',
                          '/CN=%s of the directory' % name, '-days', '30',
                          '-keyout', name + '.key', '-out', name + '.pem')
        self._openssl('req', '-new', *key, '-keyout', 'server.key', '-out',
                      'server.csr')
        self._openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem',
                      '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30',
                      '-extfile', 'openssl.cnf', '-extensions', 'server',
                      '-out', 'server.pem')
        with open(self.path('password'), 'w') as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(PASSWORD + '\n')

    def _people(self):
        with open(SCHEMAS + '/inetorgperson.schema') as schema:
            text = schema.read()
        before, name, after = text.partition("NAME 'userSMIMECertificate'")
        with open(self.path('people.schema'), 'w') as out:
            out.write(before + name + after.replace(
                'SYNTAX 1.3.6.1.4.1.1466.115.121.1.5 )',
                'EQUALITY octetStringMatch '
                'SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )', 1))
        return self.path('people.schema')

    def _configure(self, compares):
        os.mkdir(self.path('database'))
        people = (self._people() if compares else
                  SCHEMAS + '/inetorgperson.schema')
        with open(self.path('slapd.conf'), 'w') as out:
            out.write(CONFIG % {'schemas': SCHEMAS, 'modules': MODULES,
                                'folder': self.folder, 'suffix': SUFFIX,
                                'people': people})

    def _fill(self, ldif):
        with open(self.path('entries.ldif'), 'w') as out:
            out.write(ldif)
        done = subprocess.run(
            [self.program, '-Tadd', '-q', '-f', self.path('slapd.conf'), '-l',
             self.path('entries.ldif')], capture_output=True)
        if done.returncode != 0:
            raise OSError('slapadd: ' + done.stderr.decode())

    def _begin(self):
        """Somebody else may have got a port since it was looked for."""
        self.port, self.tls_port = free_port(), free_port()
        try:
            self.start()
        except OSError:
            self.stop()
            self.port, self.tls_port = free_port(), free_port()
            self.start()

    def start(self, seconds=30):
        self.process = subprocess.Popen(
            [self.program, '-d', '0', '-f', self.path('slapd.conf'), '-h',
             '%s %s ldapi://%s' % (self.uri, self.tls_uri,
                                   self.path('ldapi').replace('/', '%2F'))],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + seconds
        while not (answers(self.port) and answers(self.tls_port)):
            if self.process.poll() is not None or time.monotonic() > end:
                raise OSError('slapd did not start')
            time.sleep(0.02)

    def stop(self, seconds=30):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(('127.0.0.1', port)) == 0


def main():
    try:
        slapd = Slapd(pki=sys.argv[1])
    except Missing as why:
        print('skipped: %s' % why, flush=True)
        return
    try:
        print('ready %s %d %d' % (slapd.folder, slapd.port, slapd.tls_port),
              flush=True)
        for line in sys.stdin:
            {'stop': slapd.stop, 'start': slapd.start}[line.strip()]()
            print('done', flush=True)
    finally:
        slapd.close()


if __name__ == '__main__':
    main()
