#!/usr/bin/env python3
"""CMS of ours before every judge: each way to sign and to encrypt, wrapped
into a mail.  A judge that is not here is a skip, and so is each reason for
which a judge is known not to read a thing."""
import base64
import collections
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cms_judge  # noqa: E402

ROOT = cms_judge.ROOT
BUILD = os.environ.get('BUILD', 'build')
MAKE = os.path.join(ROOT, BUILD, 'test/tool/cms_make')

DIGESTS = ('sha1', 'sha256', 'sha384', 'sha512')
SIGNERS = (('alice', 'pkcs1'), ('alice', 'pss'), ('pss', 'pss'),
           ('carol', 'pkcs1'), ('dave', 'pkcs1'))
CIPHERS = ('aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'aes-128-gcm',
           'aes-256-gcm', '3des', 'rc2-128')
WAYS = (('alice', 'pkcs1', 'sha256'), ('alice', 'oaep', 'sha1'),
        ('alice', 'oaep', 'sha256'), ('alice', 'oaep', 'sha384'),
        ('alice', 'oaep', 'sha512'), ('carol', 'pkcs1', 'sha256'),
        ('dave', 'pkcs1', 'sha256'))
CONTENT = (b'Content-Type: text/plain; charset=us-ascii\r\n\r\n' +
           b'One line like every other.\r\n' * 200)


def make(words):
    done = subprocess.run([MAKE] + words, input=CONTENT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        raise cms_judge.Fail(done.stderr.decode())
    return done.stdout


def opaque_mail(der):
    return (b'From: alice@example.com\r\nMIME-Version: 1.0\r\n'
            b'Content-Type: application/pkcs7-mime; name=smime.p7m\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n' +
            base64.encodebytes(der).replace(b'\n', b'\r\n'))


def clear_mail(der, content=CONTENT):
    return (b'From: alice@example.com\r\nMIME-Version: 1.0\r\n'
            b'Content-Type: multipart/signed; micalg=sha-256; boundary="b=1";\r\n'
            b' protocol="application/pkcs7-signature"\r\n\r\nPreamble\r\n'
            b'--b=1\r\n' + content + b'\r\n--b=1\r\n'
            b'Content-Type: application/pkcs7-signature; name=smime.p7s\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n' +
            base64.encodebytes(der).replace(b'\n', b'\r\n') +
            b'\r\n--b=1--\r\n')


def cases(pki):
    """Label, what to do with it, whose it is, and the mail."""
    def file(name):
        return os.path.join(pki, name)

    for form in ('detached', 'opaque'):
        for who, scheme in SIGNERS:
            for digest in DIGESTS:
                der = make(['sign', form, digest, scheme, file('chain.pem'),
                            file(who + '.p12')])
                mail = clear_mail(der) if form == 'detached' \
                    else opaque_mail(der)
                yield ' '.join((form, who, scheme, digest)), 'verify', who, mail
    for cipher in CIPHERS:
        for who, way, digest in WAYS:
            der = make(['encrypt', cipher, way, digest, file(who + '.pem'),
                        file('bob.pem')])
            yield ' '.join((cipher, who, way, digest)), 'decrypt', who, \
                opaque_mail(der)
    for who in ('alice', 'carol', 'dave'):
        der = make(['encrypt', 'aes-256-cbc', 'pkcs1', 'sha256'] +
                   [file(name + '.pem') for name in ('alice', 'carol',
                                                     'dave')])
        yield 'mixed, read by ' + who, 'decrypt', who, opaque_mail(der)
    der = make(['sign', 'detached', 'sha256', 'pkcs1', file('chain.pem'),
                file('alice.p12')])
    yield 'changed', 'refuse', 'alice', \
        clear_mail(der, CONTENT.replace(b'other', b'0ther'))


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def count(self, name, jobs, answers):
        reasons = collections.Counter()
        for answer, (label, command, _) in zip(answers, jobs):
            word = answer.split()[0]
            if word == 'SKIP':
                reasons[answer] += 1
            elif word == ('FAIL' if command == 'refuse' else 'OK'):
                self.passed += 1
            else:
                self.failed += 1
                print('%s: %s: %s' % (name, label, answer))
        for answer, times in sorted(reasons.items()):
            print('%s: %d times %s' % (name, times, answer))
        self.skipped += len(reasons)  # once for each reason


def answer_of(judge, command, job):
    try:
        cms_judge.ask(judge, command, job)
        if cms_judge.read(job.out) != CONTENT:
            return 'FAIL other content came out'
    except cms_judge.Skip as why:
        return 'SKIP %s' % why
    except cms_judge.Fail as why:
        return 'FAIL %s' % why
    return 'OK'


def try_judge(name, jobs, folder, ca, tally):
    judge = cms_judge.JUDGES[name]()
    try:
        cms_judge.check_available(judge)
    except cms_judge.Skip as why:
        print('%s: SKIP %s' % (name, why))
        tally.skipped += 1
        return
    judge.prepare(folder, ca)
    try:
        if name == 'bc':  # one Java for all
            answers = judge.judge([
                ('decrypt' if command == 'decrypt' else 'verify', job)
                for _, command, job in jobs])
            answers = ['FAIL other content came out'
                       if answer == 'OK' and cms_judge.read(job.out) != CONTENT
                       else answer
                       for answer, (_, _, job) in zip(answers, jobs)]
        else:
            answers = [answer_of(judge, 'decrypt' if command == 'decrypt'
                                 else 'verify', job)
                       for _, command, job in jobs]
    finally:
        judge.finish()
    tally.count(name, jobs, answers)


def main():
    tally = Tally()
    subprocess.run(['make', '-s', '--no-print-directory', '-C', ROOT,
                    os.path.relpath(MAKE, ROOT) if not os.path.isabs(BUILD)
                    else MAKE], check=True)
    with tempfile.TemporaryDirectory(prefix='cms-test-') as folder:
        pki = os.path.join(folder, 'pki')
        subprocess.run([os.path.join(ROOT, 'test/pki/make-pki.sh'), pki,
                        '--quiet'], check=True)
        ca = os.path.join(pki, 'chain.pem')
        made = list(cases(pki))
        for name in cms_judge.JUDGES:
            home = os.path.join(folder, name)
            os.mkdir(home)
            jobs = []
            for i, (label, command, who, mail) in enumerate(made):
                place = os.path.join(home, str(i))
                os.mkdir(place)
                path = cms_judge.write(os.path.join(place, 'mail'), mail)
                jobs.append((label, command, cms_judge.Job(
                    place, path, ca, os.path.join(pki, who + '.key'),
                    os.path.join(pki, who + '.pem'))))
            try_judge(name, jobs, home, ca, tally)
    print('%d passed, %d failed, %d skipped' %
          (tally.passed, tally.failed, tally.skipped))
    return 1 if tally.failed else 0


if __name__ == '__main__':
    sys.exit(main())
