#!/usr/bin/env python3
"""ca_delivery_test.py [WORD...]: keys are delivered by a real Postfix, by its
sendmail and by its re-injection port."""
import email
import email.policy
import os
import re
import shutil
import subprocess
import sys

import judge
from judge import expect
from run import alone
from world import BUILD, COMMON, TOP, World

PAULA, ALICE = 'paula@partner.example', 'alice@house.example'
RULES = '''
encrypt = ( {{ recipient = "*@partner.example"; stores = "book";
	trusted = false; otherwise = "reject"; }} );
reinject = {{ uri = "smtp://127.0.0.1:{port_back}"; }};
ca_user = "nobody";
ca = ( {{ name = "house"; path = "{folder}/house"; store = "book";
	password_file = "{folder}/password"; key = "p-256"; }} );
ca_templates = ( {{ name = "user"; key = "rsa-2048"; }} );
ca_delivery = {{ from = "pki@house.example"; templates = "{folder}/templates";
	sendmail = "{folder}/sendmail"; via = "VIA"; }};
'''
DOORS = {'door': ('n', []), 'back': ('n', ['smtpd_milters ='])}


class House(World):
    def configuration(self):
        text = COMMON.replace('stores = (', 'stores = (\n\t{{ name = "book"; '
                              'type = "managed"; }},')
        return (text + self.rules).format(**self.names)

    def use(self, via):
        self.rules = RULES.replace('VIA', via)
        with open(self.folder + '/ctl.conf', 'w') as out:
            out.write(self.configuration())

    def ctl(self, *arguments):
        done = subprocess.run(
            [BUILD + '/smimectl', '-c', self.folder + '/ctl.conf',
             *arguments], stdin=subprocess.DEVNULL, capture_output=True)
        out = done.stdout.decode() + done.stderr.decode()
        expect(done.returncode == 0, ' '.join(arguments) + ': ' + out)
        return out

    def prepare(self):
        shutil.copytree(TOP + '/etc/templates', self.folder + '/templates')
        with open(self.folder + '/sendmail', 'w') as out:
            os.fchmod(out.fileno(), 0o755)
            out.write('#!/bin/sh\nexec /usr/sbin/sendmail -C %s "$@"\n' %
                      self.postfix.etc())
        self.use('sendmail')
        self.ctl('ca', 'create', '--root', 'Root', '--issuer', 'Issuer')
        self.ctl('cert', 'import', '--empty')


def opens(world, address, said):
    """The mail of that recipient holds a PKCS#12 that this password opens."""
    mail = world.sink.wait(lambda m: address in m.recipients, 40)
    expect(mail, 'nothing arrived: ' + world.postfix.log()[-1500:])
    expect(mail.sender == 'pki@house.example', mail.sender)
    parsed = email.message_from_bytes(mail.data, policy=email.policy.default)
    files = [part.get_content() for part in parsed.iter_attachments()
             if part.get_content_type() == 'application/x-pkcs12']
    expect(len(files) == 1, 'no PKCS#12 in the mail')
    password = re.search(r'password ([a-z-]+)', said)[1]
    done = subprocess.run(
        ['openssl', 'pkcs12', '-info', '-noout', '-passin',
         'pass:' + password], input=files[0], capture_output=True)
    expect(done.returncode == 0, done.stderr.decode())


def postfix_sendmail_delivers_a_key(world):
    world.use('sendmail')
    opens(world, ALICE, world.ctl('ca', 'issue', '--deliver', ALICE))


def the_port_of_copies_delivers_what_a_rule_would_encrypt(world):
    world.use('reinject')
    opens(world, PAULA, world.ctl('ca', 'issue', '--external', '--deliver',
                                  PAULA))


def every_other_mail_to_him_is_encrypted_then(world):
    world.send('door', ALICE, [PAULA],
               b'From: <%s>\r\nTo: <%s>\r\nSubject: later\r\n\r\nHello\r\n' %
               (ALICE.encode(), PAULA.encode()))
    mail = world.arrived('later')
    expect(b'enveloped-data' in judge.split(mail.data)[0], 'in clear')


TESTS = (postfix_sendmail_delivers_a_key,
         the_port_of_copies_delivers_what_a_rule_would_encrypt,
         every_other_mail_to_him_is_encrypted_then)


def run_all(count, words):
    world = House(RULES.replace('VIA', 'sendmail'), DOORS)
    try:
        world.prepare()
        world.daemon.reload()
        for test in TESTS:
            if not words or any(word in test.__name__ for word in words):
                count.run('Postfix', test, world)
        if count.failed:
            print(world.daemon.log()[-3000:])
    finally:
        world.close()


if __name__ == '__main__':
    sys.exit(alone(run_all))
