#!/usr/bin/env python3
"""The judges behind cms_judge.sh, which says how to call them."""
import argparse
import base64
import email.parser
import email.policy
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SECONDS = 120
PASSWORD = 'secret'


class Fail(Exception):
    pass


class Skip(Exception):
    pass


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=SECONDS, **more)


def must(*command, **more):
    done = run(*command, **more)
    if done.returncode != 0:
        raise Fail('%s: %s' % (command[0], last_words(done.stdout)))
    return done.stdout


def last_words(output):
    lines = [line.strip() for line in
             output.decode('utf-8', 'replace').splitlines() if line.strip()]
    return ' | '.join(lines[-3:])[:300]


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def write(path, data):
    with open(path, 'wb') as file:
        file.write(data)
    return path


# ---- a mail taken apart: raw bytes are cut, never printed again ----

def with_crlf(data):
    return re.sub(rb'\r?\n', b'\r\n', data)


def split(entity):
    """Header (as a message without body) and raw body."""
    if entity.startswith(b'\r\n'):
        head, body = b'', entity[2:]
    else:
        head, _, body = entity.partition(b'\r\n\r\n')
    parser = email.parser.BytesHeaderParser(policy=email.policy.compat32)
    return parser.parsebytes(head + b'\r\n\r\n'), body


def parts(body, boundary):
    """What stands between the delimiter lines (RFC 2046 5.1.1)."""
    line = re.compile(rb'(?:^|\r\n)--' + re.escape(boundary.encode()) +
                      rb'(--)?[ \t]*(?:\r\n|$)')
    found = []
    at = line.search(body)
    while at and not at.group(1):
        # the CRLF behind a delimiter can be the one before the next
        after = line.search(body, at.end() - 2)
        if not after:
            raise Fail('the multipart has no end')
        found.append(body[at.end():max(at.end(), after.start())])
        at = after
    return found


def decoded(entity):
    header, body = split(entity)
    coding = str(header.get('Content-Transfer-Encoding', '7bit')).strip()
    if coding.lower() != 'base64':
        raise Fail('the CMS is %s and not base64' % coding)
    return base64.b64decode(body, validate=False)


def take_apart(path, content):
    """DER, and what a detached signature covers or None."""
    raw = read(path)
    if raw[:1] == b'0' and not re.match(rb'[!-9;-~]+:', raw):
        return raw, read(content) if content else None
    entity = with_crlf(raw)
    header, body = split(entity)
    kind = header.get_content_type()
    if kind == 'multipart/signed':
        inside = parts(body, header.get_param('boundary'))
        if len(inside) != 2:
            raise Fail('multipart/signed has %d parts' % len(inside))
        kind = split(inside[1])[0].get_content_type()
        if kind != 'application/pkcs7-signature':
            raise Fail('the second part is %s' % kind)
        return decoded(inside[1]), inside[0]
    if kind == 'application/pkcs7-mime':
        return decoded(entity), None
    raise Fail('this is %s, neither signed nor encrypted' % kind)


# ---- what a judge is known not to read ----

FEATURES = {
    'AuthEnvelopedData': bytes.fromhex('060b2a864886f70d0109100117'),
    'OAEP': bytes.fromhex('06092a864886f70d010107'),
    'ECDH': bytes.fromhex('06062b81040100')[:5],
    'RC2': bytes.fromhex('06082a864886f70d0302'),
    'PSS': bytes.fromhex('06092a864886f70d01010a'),
    # SHA-1 is the default, so its parameters are an empty SEQUENCE
    'PSS with SHA-1': bytes.fromhex('06092a864886f70d01010a3000'),
}
# A PSS OID in a SubjectPublicKeyInfo: before it SEQUENCE { SEQUENCE {.
PSS_KEY = re.compile(rb'\x30\x82..\x30[\x0b-\x60]' +
                     re.escape(FEATURES['PSS']) +
                     rb'(?:\x30[\x00-\x60].{0,96}?)?\x03\x82', re.DOTALL)


def features(der):
    found = {name for name, oid in FEATURES.items() if oid in der}
    if PSS_KEY.search(der):
        found.add('a PSS key')
    return found


# ---- openssl ----

class Judge:
    programs = ()
    cannot = {}

    def prepare(self, folder, ca):
        pass

    def finish(self):
        pass


class Openssl(Judge):
    programs = ('openssl',)

    def verify(self, job):
        command = ['openssl', 'cms', '-verify', '-binary', '-inform', 'DER',
                   '-in', job.der_file, '-CAfile', job.ca,
                   '-certfile', job.ca, '-purpose', 'any', '-out', job.out]
        if job.content is not None:
            command += ['-content', job.content_file]
        must(*command)

    def decrypt(self, job):
        command = ['openssl', 'cms', '-decrypt', '-binary', '-inform', 'DER',
                   '-in', job.der_file, '-inkey', job.key,
                   '-recip', job.cert, '-out', job.out]
        if 'RC2' in features(job.der):
            command += ['-provider', 'legacy', '-provider', 'default']
        must(*command)


# ---- gpgsm ----

class Gpgsm(Judge):
    programs = ('gpgsm', 'gpg-agent', 'openssl')
    cannot = {'verify': {'PSS with SHA-1'},
              'decrypt': {'AuthEnvelopedData', 'OAEP', 'ECDH', 'RC2'}}

    def prepare(self, folder, ca):
        self.home = os.path.join(folder, 'gnupg')
        os.mkdir(self.home, 0o700)
        self.environment = dict(os.environ, GNUPGHOME=self.home,
                                LC_ALL='C.UTF-8')
        settings = 'disable-crl-checks\ndisable-dirmngr\nno-tty\nbatch\n'
        write(os.path.join(self.home, 'gpgsm.conf'), settings.encode())
        write(os.path.join(self.home, 'gpg-agent.conf'),
              b'allow-loopback-pinentry\n')
        trust = ''
        for pem in certificates(ca):
            text = must('openssl', 'x509', '-noout', '-fingerprint', '-sha1',
                        input=pem).decode()
            trust += text.split('=')[1].strip() + ' S relax\n'
        write(os.path.join(self.home, 'trustlist.txt'), trust.encode())
        if ca:
            self.gpgsm('--import', ca)

    def gpgsm(self, *arguments, start=must):
        return start('gpgsm', '--pinentry-mode', 'loopback',
                     '--passphrase-fd', '0', '--yes', *arguments,
                     env=self.environment,
                     input=(PASSWORD + '\n').encode() * 3)

    def verify(self, job):
        command = ['--assume-binary', '--verify', job.der_file]
        if job.content is not None:
            command.append(job.content_file)
        else:
            command = ['--output', job.out] + command
        done = self.gpgsm(*command, start=run)
        good = b'Good signature' in done.stdout
        if good and b'hash is not valid for a' in done.stdout:
            raise Skip('gpgsm wants a hash as long as the EC key')
        if not good or done.returncode != 0:
            raise Fail(last_words(done.stdout))

    def decrypt(self, job):
        if is_ec(job.key):
            raise Skip('gpgsm cannot use EC keys for decryption')
        self.import_key(job)
        # The exit status also speaks of recipients it does not know.
        said = self.gpgsm('--status-fd', '1', '--output', job.out,
                          '--assume-binary', '--decrypt', job.der_file,
                          start=run).stdout
        if b'[GNUPG:] DECRYPTION_OKAY' not in said:
            raise Fail(last_words(said))

    def import_key(self, job):
        """gpgsm 2.2 takes some salts of a PKCS#12 for something else."""
        for _ in range(4):
            if self.gpgsm('--import', pkcs12(job), start=run).returncode == 0:
                return
        self.gpgsm('--import', pkcs12(job))

    def finish(self):
        run('gpgconf', '--kill', 'all', env=self.environment)


# ---- NSS ----

class Nss(Judge):
    programs = ('cmsutil', 'certutil', 'pk12util', 'openssl')
    cannot = {'verify': {'a PSS key'},
              'decrypt': {'AuthEnvelopedData', 'OAEP', 'ECDH', 'RC2'}}

    def prepare(self, folder, ca):
        self.base = 'sql:' + os.path.join(folder, 'nss')
        os.mkdir(self.base[4:], 0o700)
        must('certutil', '-N', '-d', self.base, '--empty-password')
        for i, pem in enumerate(certificates(ca)):
            one = write(os.path.join(folder, 'ca%d.pem' % i), pem)
            must('certutil', '-A', '-d', self.base, '-n', 'ca%d' % i,
                 '-t', ',C,' if is_root(one) else ',,', '-a', '-i', one)

    def verify(self, job):
        command = ['cmsutil', '-D', '-d', self.base, '-i', job.der_file,
                   '-u', '4']
        if job.content is not None:
            command += ['-c', job.content_file]
        said = run(*command, '-h', '1').stdout
        states = re.findall(rb'signer\d+\.status=(\w+)', said)
        if not states or any(state != b'GoodSignature' for state in states):
            raise Fail(last_words(said))
        must(*command, '-o', job.out)

    def decrypt(self, job):
        if is_ec(job.key):
            raise Skip('NSS 3.87 does not read ECDH')
        must('pk12util', '-i', pkcs12(job), '-d', self.base, '-W', PASSWORD,
             '-K', '')
        must('cmsutil', '-D', '-d', self.base, '-i', job.der_file,
             '-o', job.out)


# ---- Bouncy Castle ----

def classpath(*names):
    """The classes, compiled when they are older than their source."""
    build = os.path.join(ROOT, os.environ.get('BUILD', 'build'))
    classes = os.path.join(build, 'interop')
    jars = Bc.jars()
    path = ':'.join(jars + [classes])
    for name in names:
        made = os.path.join(classes, name + '.class')
        source = os.path.join(HERE, name + '.java')
        if not os.path.exists(made) or \
                os.path.getmtime(made) < os.path.getmtime(source):
            os.makedirs(classes, exist_ok=True)
            must('javac', '-nowarn', '-cp', path, '-d', classes, source)
    return path


class Bc(Judge):
    programs = ('java', 'javac')

    @staticmethod
    def jars():
        found = [glob.glob('/usr/share/java/%s.jar' % name) for name in
                 ('bcprov', 'bcpkix', 'bcutil')]
        if not all(found[:2]):
            raise Skip('libbcprov-java or libbcpkix-java is not installed')
        return [path for paths in found for path in paths]

    def judge(self, jobs):
        """One Java for all: a line in, a line out."""
        lines = ''
        for command, job in jobs:
            content = '-' if job.content is None else job.content_file
            lines += '\t'.join([command, job.der_file, content, job.ca or '-',
                                job.key or '-', job.cert or '-',
                                job.out]) + '\n'
        said = run('java', '-Xmx512m', '-cp', classpath('Cms', 'CmsJudge'), 'CmsJudge',
                   input=lines.encode())
        answers = said.stdout.decode('utf-8', 'replace').splitlines()
        answers = [line for line in answers if re.match('OK|FAIL', line)]
        if len(answers) != len(jobs):
            raise Fail(last_words(said.stdout))
        return answers

    def verify(self, job, command='verify'):
        answer = self.judge([(command, job)])[0]
        if answer != 'OK':
            raise Fail(answer[5:])

    def decrypt(self, job):
        self.verify(job, 'decrypt')


# ---- files the judges want ----

def certificates(path):
    if not path:
        return []
    return re.findall(rb'-----BEGIN CERTIFICATE-----.*?-----END '
                      rb'CERTIFICATE-----\n?', read(path), re.DOTALL)


def is_root(path):
    names = must('openssl', 'x509', '-in', path, '-noout', '-subject_hash',
                 '-issuer_hash').split()
    return names[0] == names[1]


def is_ec(path):
    said = must('openssl', 'pkey', '-in', path, '-noout', '-text_pub')
    return b'ASN1 OID' in said


def pkcs12(job):
    path = os.path.join(job.folder, 'key.p12')
    # what gpgsm 2.2 and NSS both read
    must('openssl', 'pkcs12', '-export', '-inkey', job.key, '-in', job.cert,
         '-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES',
         '-macalg', 'sha1', '-passout', 'pass:' + PASSWORD, '-out', path)
    return path


class Job:
    """A mail, taken apart into a folder."""

    def __init__(self, folder, mail, ca=None, key=None, cert=None,
                 content=None, out=None):
        self.folder = folder
        self.ca, self.key, self.cert = ca, key, cert
        self.out = out or os.path.join(folder, 'out')
        self.der, self.content = take_apart(mail, content)
        self.der_file = write(os.path.join(folder, 'cms.der'), self.der)
        if self.content is not None:
            self.content_file = write(os.path.join(folder, 'content'),
                                      self.content)


JUDGES = {'openssl': Openssl, 'gpgsm': Gpgsm, 'nss': Nss, 'bc': Bc}


def check_available(judge):
    for program in judge.programs:
        if not shutil.which(program):
            raise Skip('%s is not installed' % program)
    if hasattr(judge, 'jars'):
        judge.jars()


def ask(judge, command, job):
    """Returns when the judge says yes; Fail and Skip say why not."""
    try:
        getattr(judge, command)(job)
    except Fail as why:
        known = judge.cannot.get(command, set()) & features(job.der)
        if known:
            raise Skip('%s is known not to read %s' %
                       (type(judge).__name__.lower(),
                        ' and '.join(sorted(known)))) from why
        raise
    except subprocess.TimeoutExpired as why:
        raise Fail('no answer within %d seconds' % SECONDS) from why
    if command == 'verify' and job.content is not None:
        write(job.out, job.content)


def judge_mail(arguments):
    judge = JUDGES[arguments.judge]()
    check_available(judge)
    if arguments.command == 'available':
        return
    with tempfile.TemporaryDirectory(prefix='cms-judge-') as folder:
        job = Job(folder, arguments.mail, arguments.ca, arguments.key,
                  arguments.cert, arguments.content)
        judge.prepare(folder, arguments.ca)
        try:
            ask(judge, arguments.command, job)
        finally:
            judge.finish()
        if arguments.output:
            shutil.copyfile(job.out, arguments.output)


def main():
    parser = argparse.ArgumentParser(prog='cms_judge.sh')
    parser.add_argument('judge', choices=sorted(JUDGES))
    parser.add_argument('command', choices=('available', 'verify', 'decrypt'))
    parser.add_argument('mail', nargs='?')
    for option in ('--ca', '--key', '--cert', '--content'):
        parser.add_argument(option)
    parser.add_argument('-o', dest='output')
    arguments = parser.parse_args()
    if arguments.command != 'available' and not arguments.mail:
        parser.error('no MAIL')
    if arguments.command == 'verify' and not arguments.ca:
        parser.error('verify needs --ca')
    if arguments.command == 'decrypt' and not (arguments.key and
                                               arguments.cert):
        parser.error('decrypt needs --key and --cert')
    try:
        judge_mail(arguments)
    except Skip as why:
        print('SKIP', why)
        return 3
    except (Fail, OSError, ValueError) as why:
        print('FAIL', why)
        return 1
    print('OK')
    return 0


if __name__ == '__main__':
    sys.exit(main())
