"""CMS made by other people's software: each maker signs and encrypts octets
in the ways it can, and says which these are.

  SIGNING, ENCRYPTING   ways, as tuples; the first is the signer or reader
  sign(content, form, way)   form: detached | opaque     both give DER
  encrypt(content, way)

Keys are the test PKI's.  A maker that is not here raises cms_judge.Skip."""
import os
import subprocess

import cms_judge
from cms_judge import PASSWORD, check_available, must, read, write

PAULA, PETER, BOB, CAROL, DAVE = 'paula', 'peter', 'bob', 'carol', 'dave'
ADDRESS = {PAULA: 'paula@partner.example', PETER: 'peter@partner.example',
           BOB: 'bob@example.com', CAROL: 'carol@example.com',
           DAVE: 'dave@example.com'}
PSS = ('-keyopt', 'rsa_padding_mode:pss')
OAEP = ('-keyopt', 'rsa_padding_mode:oaep')


class Maker:
    judge = None  # the judge of the same software prepares its home
    SIGNING = ENCRYPTING = ()

    def __init__(self, pki, folder):
        check_available(self.judge)
        self.pki, self.folder = pki, folder
        self.made = 0
        os.mkdir(folder, 0o700)
        self.home = self.judge()
        self.home.prepare(folder, self.pem('chain'))
        self.open()

    def open(self):
        pass

    def close(self):
        self.home.finish()

    def pem(self, name):
        return os.path.join(self.pki, name + '.pem')

    def key(self, name):
        return os.path.join(self.pki, name + '.key')

    def file(self, name):
        return os.path.join(self.folder, name)

    def files(self, content):
        """What goes in, and where the CMS goes."""
        self.made += 1
        return (write(self.file('in%d' % self.made), content),
                self.file('out%d' % self.made))

    def pkcs12(self, name):
        """What gpgsm 2.2 and NSS both read."""
        path = self.file(name + '.p12')
        must('openssl', 'pkcs12', '-export', '-inkey', self.key(name), '-in',
             self.pem(name), '-name', name, '-certpbe', 'PBE-SHA1-3DES',
             '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1', '-passout',
             'pass:' + PASSWORD, '-out', path)
        return path


class Openssl(Maker):
    judge = cms_judge.Openssl
    SIGNING = (
        (PAULA,), (PAULA, '-md', 'sha512'), (PAULA, *PSS),
        (PAULA, *PSS, '-keyopt', 'rsa_pss_saltlen:0', '-md', 'sha384'),
        (PETER,), (PETER, '-md', 'sha384'), (PAULA, '-keyid'),
        (PAULA, '-stream', '-indef'), (PAULA, '-cades'))
    ENCRYPTING = tuple(
        [(BOB, '-' + cipher) for cipher in (
            'aes128', 'aes192', 'aes256', 'des3', 'aes-128-gcm',
            'aes-192-gcm', 'aes-256-gcm')] +
        [(BOB, '-aes128', *OAEP, '-keyopt', 'rsa_oaep_md:' + digest)
         for digest in ('sha1', 'sha224', 'sha256', 'sha384', 'sha512')] +
        [(BOB, '-aes256', *OAEP, '-keyopt', 'rsa_oaep_md:sha256', '-keyopt',
          'rsa_mgf1_md:sha1'), (BOB, '-aes128', '-keyid'),
         (BOB, '-aes128', '-stream', '-indef'),
         (CAROL, '-aes128'), (DAVE, '-aes256'), (CAROL, '-aes-256-gcm'),
         (DAVE, '-aes256', '-keyopt', 'ecdh_kdf_md:sha384'),
         (CAROL, '-des3'), (CAROL, '-aes128', '-keyopt',
                            'ecdh_cofactor_mode:1')])

    def cms(self, content, *arguments):
        source, made = self.files(content)
        must('openssl', 'cms', *arguments[:1], '-binary', '-in', source,
             '-outform', 'DER', '-out', made, *arguments[1:])
        return read(made)

    def sign(self, content, form, way):
        who, *options = way
        if form == 'detached':  # it would keep the content inside
            options = [o for o in options if o not in ('-stream', '-indef')]
        return self.cms(content, '-sign', '-signer', self.pem(who), '-inkey',
                        self.key(who), '-certfile', self.pem('intermediate'),
                        *options, *(['-nodetach'] if form == 'opaque' else []))

    def encrypt(self, content, way):
        who, cipher, *options = way
        return self.cms(content, '-encrypt', cipher, '-recip', self.pem(who),
                        *options)


class Gpgsm(Maker):
    judge = cms_judge.Gpgsm
    SIGNING = tuple((PAULA, '--digest-algo', digest) for digest in
                    ('SHA256', 'SHA384', 'SHA512'))
    ENCRYPTING = tuple((BOB, '--cipher-algo', cipher) for cipher in
                       ('3DES', 'AES', 'AES192', 'AES256'))

    def open(self):
        self.home.gpgsm('--import', self.pem(BOB))
        for _ in range(4):  # as cms_judge: some salts are misread
            if self.home.gpgsm('--import', self.pkcs12(PAULA),
                               start=cms_judge.run).returncode == 0:
                return
        raise cms_judge.Skip('gpgsm reads no key')

    def sign(self, content, form, way):
        who, *options = way
        source, made = self.files(content)
        self.home.gpgsm(
            '-u', ADDRESS[who], *options, '--output', made,
            '--detach-sign' if form == 'detached' else '--sign', source)
        return read(made)

    def encrypt(self, content, way):
        who, *options = way
        source, made = self.files(content)
        self.home.gpgsm('-r', ADDRESS[who], *options, '--output', made,
                        '--encrypt', source)
        return read(made)


class Nss(Maker):
    judge = cms_judge.Nss
    SIGNING = ((PAULA, '-H', 'SHA256'), (PAULA, '-H', 'SHA512'),
               (PAULA, '-H', 'SHA256', '-G'),
               (PAULA, '-H', 'SHA256', '-P', '-Y', 'paula'),
               (PETER, '-H', 'SHA256'))
    ENCRYPTING = ((BOB,),)

    def open(self):
        for name in (PAULA, PETER):
            must('pk12util', '-i', self.pkcs12(name), '-d', self.home.base,
                 '-W', PASSWORD, '-K', '')
        must('certutil', '-A', '-d', self.home.base, '-n', BOB, '-t', ',,',
             '-a', '-i', self.pem(BOB))

    def cmsutil(self, content, *arguments):
        source, made = self.files(content)
        must('cmsutil', *arguments, '-d', self.home.base, '-i', source, '-o',
             made)
        return read(made)

    def sign(self, content, form, way):
        who, *options = way
        return self.cmsutil(content, '-S', '-N', who, *options, *(
            ['-T'] if form == 'detached' else []))

    def encrypt(self, content, way):
        return self.cmsutil(content, '-E', '-r', ADDRESS[way[0]])


class Bc(Maker):
    """One Java for all of them: a line in, a line out."""
    judge = cms_judge.Bc
    SIGNING = tuple((PAULA, algorithm) for algorithm in (
        'SHA256withRSA', 'SHA512withRSA', 'SHA256withRSAandMGF1',
        'SHA384withRSAandMGF1')) + (
            (PETER, 'SHA256withECDSA'), (PETER, 'SHA512withECDSA'))
    ENCRYPTING = tuple(
        (BOB, cipher, 'PKCS1') for cipher in (
            'AES128_CBC', 'AES192_CBC', 'AES256_CBC', 'DES_EDE3_CBC',
            'AES128_GCM', 'AES256_GCM')) + tuple(
        (BOB, 'AES256_CBC', 'OAEP-SHA-' + digest) for digest in (
            '1', '256', '384', '512')) + tuple(
        (who, cipher, kdf) for who, cipher, kdf in (
            (CAROL, 'AES128_CBC', 'ECDH-SHA1KDF'),
            (CAROL, 'AES256_GCM', 'ECDH-SHA256KDF'),
            (CAROL, 'AES256_CBC', 'ECCDH-SHA256KDF'),
            (DAVE, 'AES256_CBC', 'ECDH-SHA384KDF'),
            (DAVE, 'AES256_CBC', 'ECDH-SHA512KDF')))

    def open(self):
        self.java = subprocess.Popen(
            ['java', '-Xmx256m', '-cp',
             cms_judge.classpath('Cms', 'CmsMake'), 'CmsMake'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)

    def close(self):
        self.java.stdin.close()
        self.java.wait(cms_judge.SECONDS)
        self.java.stdout.close()

    def ask(self, content, *words):
        source, made = self.files(content)
        self.java.stdin.write('\t'.join((*words, source, made)) + '\n')
        self.java.stdin.flush()
        answer = self.java.stdout.readline().strip()
        if answer != 'OK':
            raise cms_judge.Fail('Bouncy Castle: ' + answer)
        return read(made)

    def sign(self, content, form, way):
        who, algorithm = way
        return self.ask(content, 'sign', form, algorithm, self.key(who),
                        self.pem(who), self.pem('intermediate'))

    def encrypt(self, content, way):
        who, cipher, key_way = way
        return self.ask(content, 'encrypt', cipher, key_way, self.pem(who))


MAKERS = (Openssl, Gpgsm, Nss, Bc)
