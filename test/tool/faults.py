#!/usr/bin/env python3
"""faults.py: each allocation fails once while a mail is signed and encrypted
(test/tool/fault); what leaves all the same is judged by openssl."""
import glob
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, TOP + '/test/mta')

import judge  # noqa: E402
from world import BUILD, EIGHT_BIT, message  # noqa: E402

ALICE, PAULA = 'alice@example.com', 'paula@partner.example'
PKI = os.environ.get('SMIME_PKI', BUILD + '/pki')
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
	otherwise = "reject"; }} );
encrypt = ( {{ recipient = "*@partner.example"; stores = "partners";
	key_transport = "oaep"; otherwise = "reject"; }} );
'''


def write(path, octets):
    with open(path, 'wb') as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(octets)


def judge_all(folder):
    wrong = 0
    mails = glob.glob(folder + '/*.eml')
    for path in mails:
        with open(path, 'rb') as mail:
            data = mail.read()
        try:
            inner = judge.decrypt(data, PKI + '/paula.pem',
                                  PKI + '/paula.key').entity
            opened = judge.verify(inner, PKI + '/ca.pem', ALICE)
            judge.expect(judge.decoded(opened.entity) ==
                         judge.decoded(EIGHT_BIT), 'the text has changed')
        except judge.Wrong as why:
            wrong += 1
            print('%s: %s' % (os.path.basename(path), why))
    print('%d accepted mails judged, %d wrong' % (len(mails), wrong))
    return wrong


def main():
    with tempfile.TemporaryDirectory() as folder:
        write(folder + '/password', b'secret\n')
        write(folder + '/conf', RULES.format(folder=folder,
                                             pki=PKI).encode())
        write(folder + '/mail', message(ALICE, PAULA, 'fault', EIGHT_BIT))
        done = subprocess.run(
            [BUILD + '/test/tool/fault', folder + '/conf', folder + '/mail',
             ALICE, PAULA, folder], stdin=subprocess.DEVNULL)
        failed = (done.returncode != 0) + (judge_all(folder) != 0)
    print('%d passed, %d failed, 0 skipped' % (2 - failed, failed))
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
