#!/usr/bin/env python3
"""faults.py: each allocation fails once while a mail is signed and encrypted,
with a winmail.dat and without, and while one is decrypted and verified
(test/tool/fault); what leaves all the same is judged by openssl, or compared
with what it should be."""
import base64
import glob
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, TOP + '/test/mta')
sys.path.insert(0, TOP + '/test/flow')

import judge  # noqa: E402
import winmail  # noqa: E402
from world import BUILD, EIGHT_BIT, message  # noqa: E402

ALICE, PAULA = 'alice@example.com', 'paula@partner.example'
PKI = os.environ.get('SMIME_PKI', BUILD + '/pki')
FILE, WITHIN = bytes(range(256)), 'a text within'
RULES = '''
listen = "unix:{folder}/socket";
stores = (
	{{ name = "staff"; type = "file"; path = "{pki}/alice.p12";
	   password_file = "{folder}/password"; }},
	{{ name = "partners"; type = "file"; path = "{pki}/paula.pem"; }}
);
trust = {{ anchors = [ "{pki}/ca.pem" ];
	intermediates = [ "{pki}/intermediate.pem" ]; }};
sign = ( {{ sender = "*@example.com"; stores = "staff"; scheme = "pss";
	tnef = true; otherwise = "reject"; }} );
encrypt = ( {{ recipient = "*@partner.example"; stores = "partners";
	key_transport = "oaep"; otherwise = "reject"; }} );
inbound = ( {{ recipient = "*@example.com"; keys = "staff"; {strict} }} );
report = {{ authserv_id = "mx.example.com"; }};
'''
# Under these a failure of ours must not become a verdict on the mail.
STRICT = 'undecryptable = "reject"; bad_signature = "reject";'


def write(path, octets):
    with open(path, 'wb') as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(octets)


def cms(*arguments, content):
    return subprocess.run(['openssl', 'cms', '-binary', '-outform', 'DER',
                           *arguments], input=content, check=True,
                          capture_output=True).stdout


def incoming(changed):
    """(the mail, what is inside): signed by Paula, encrypted to Alice."""
    text = b'Content-Type: text/plain\r\n\r\nThe word is mellon.\r\n'
    der = cms('-sign', '-signer', PKI + '/paula.pem', '-inkey',
              PKI + '/paula.key', '-certfile', PKI + '/intermediate.pem',
              content=text)
    inside = (b'Content-Type: multipart/signed; boundary="=-s"; micalg=sha-256;'
              b'\r\n protocol="application/pkcs7-signature"\r\n\r\n--=-s\r\n' +
              (text.replace(b'mellon', b'friend') if changed else text) +
              b'\r\n--=-s\r\nContent-Type: application/pkcs7-signature\r\n'
              b'Content-Transfer-Encoding: base64\r\n\r\n' + lines(der) +
              b'\r\n--=-s--\r\n')
    der = cms('-encrypt', '-aes256', PKI + '/alice.pem', content=inside)
    return (b'From: %s\r\nTo: %s\r\nMIME-Version: 1.0\r\n'
            b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data'
            b'\r\nContent-Transfer-Encoding: base64\r\n\r\n' % (
                PAULA.encode(), ALICE.encode()) + lines(der), inside)


def with_winmail():
    """Text, HTML, a file and a message within: the pieces, and the mail's."""
    made = winmail.message(
        winmail.file('a.bin', FILE), winmail.embedded(
            'within', winmail.message(subject='within', body=WITHIN)),
        body='A poor text', props=winmail.html('<p>Gr\u00fc\u00dfe</p>'))
    return (b'Content-Type: multipart/mixed; boundary=b\r\n\r\n'
            b'--b\r\n\r\nA poor text\r\n--b\r\n'
            b'Content-Type: application/ms-tnef; name="winmail.dat"\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n' + lines(made) +
            b'--b--\r\n')


def lines(octets):
    return base64.encodebytes(octets).replace(b'\n', b'\r\n')


def body_of(octets):
    return octets.partition(b'\r\n\r\n')[2]


def judge_outgoing(data):
    inner = judge.decrypt(data, PKI + '/paula.pem', PKI + '/paula.key').entity
    opened = judge.verify(inner, PKI + '/ca.pem', ALICE)
    judge.expect(judge.decoded(opened.entity) == judge.decoded(EIGHT_BIT),
                 'the text has changed')


def judge_unpacked(data):
    """All of it is there, or the winmail.dat as it came."""
    inner = judge.decrypt(data, PKI + '/paula.pem', PKI + '/paula.key').entity
    opened = judge.verify(inner, PKI + '/ca.pem', ALICE).entity
    kept = b'name="winmail.dat"' in opened
    found = [lines(FILE).strip() in opened, WITHIN.encode() in opened,
             b'text/html' in opened]
    judge.expect(kept or all(found), 'something of it is lost')
    judge.expect(kept != any(found), 'something of it is there twice')


def judge_incoming(came, inside, good):
    """Opened as a whole, or as it came; "pass" for what is good alone."""
    def judge_one(data):
        opened = body_of(data) == body_of(inside)
        judge.expect(opened or body_of(data) == body_of(came),
                     'neither what came nor what was inside')
        judge.expect((b'Content-Type: multipart/signed' in data) == opened,
                     'header and body do not belong together')
        judge.expect(b'smime=pass' not in data or (opened and good),
                     'a false pass')
    return judge_one


def judge_all(folder, judge_one):
    wrong = 0
    mails = glob.glob(folder + '/*.eml')
    for path in mails:
        with open(path, 'rb') as mail:
            data = mail.read()
        os.unlink(path)
        try:
            judge_one(data)
        except judge.Wrong as why:
            wrong += 1
            print('%s: %s' % (os.path.basename(path), why))
    print('%d accepted mails judged, %d wrong' % (len(mails), wrong))
    return wrong


def run(folder, mail, sender, recipient, judge_one, strict=''):
    """How many of the two went wrong: the program, the mails it accepted."""
    write(folder + '/conf', RULES.format(folder=folder, pki=PKI,
                                         strict=strict).encode())
    write(folder + '/mail', mail)
    done = subprocess.run([BUILD + '/test/tool/fault', folder + '/conf',
                           folder + '/mail', sender, recipient, folder],
                          stdin=subprocess.DEVNULL)
    return (done.returncode != 0) + (judge_all(folder, judge_one) != 0)


def main():
    with tempfile.TemporaryDirectory() as folder:
        write(folder + '/password', b'secret\n')
        failed = run(folder, message(ALICE, PAULA, 'fault', EIGHT_BIT),
                     ALICE, PAULA, judge_outgoing)
        failed += run(folder, message(ALICE, PAULA, 'fault', with_winmail()),
                      ALICE, PAULA, judge_unpacked)
        for changed, strict in ((False, ''), (True, ''), (False, STRICT)):
            mail, inside = incoming(changed)
            failed += run(folder, mail, PAULA, ALICE,
                          judge_incoming(mail, inside, not changed), strict)
    print('%d passed, %d failed, 0 skipped' % (10 - failed, failed))
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
