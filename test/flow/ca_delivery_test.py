#!/usr/bin/env python3
"""ca_delivery_test.py [-v] [WORD]...: a key goes to its owner by mail and its
password another way; openssl, NSS and gpgsm import what arrives."""
import email
import email.policy
import json
import os
import pwd
import re
import shutil
import subprocess
import sys

from harness import (COMPLAINT, CTL, IS_ROOT, TOP, Skip, World, expect, judge,
                     run_each)
from smtp import Sink

ALICE, PAULA, X = ('alice@example.com', 'paula@partner.example',
                   'x@elsewhere.example')
BEGIN = '''
listen = { socket = "@SOCKET@"; mode = "0600"; };
control = { socket = "@W@/control.sock"; };
user = "nobody";
state = "@W@/state";
pid_file = "@W@/smime-milter.pid";
log = { level = "debug"; to = "stderr"; };
'''
HOUSE = BEGIN + '''
stores = ( { name = "book"; type = "managed"; } );
reinject = { uri = "smtp://127.0.0.1:@SINK@"; };
ca_user = "nobody";
ca = ( { name = "house"; path = "@W@/authorities/house"; store = "book";
	password_file = "@W@/passphrase"; key = "p-256";
	domains = [ "example.com", "partner.example" ];
	crl_url = "http://127.0.0.1:9/house.crl";
	crl_file = "@W@/web/house.crl"; } );
ca_templates = ( { name = "user"; key = "rsa-2048"; } );
ca_delivery = { from = "pki@example.com"; templates = "@W@/templates";
	contact = "help@example.com, 0123 456"; @MORE@ };
'''
RULES = '''
trust = { anchors = "@W@/root.cer"; crls = "@W@/web"; };
sign = ( { sender = "*@example.com"; stores = "book";
	otherwise = "reject"; } );
encrypt = ( { recipient = "*@partner.example"; stores = "book";
	otherwise = "reject"; } );
'''
SENDMAIL = '''#!/bin/sh
printf '%s\\n' "$@" >@W@/sent.arguments
cat >@W@/sent
exit 0
'''
GATEWAY = '''#!/bin/sh
{ printf '%s\\n' "$@"; env; } >@W@/told.arguments
cat >@W@/told
exit 0
'''
BY_SENDMAIL = 'sendmail = "@W@/sendmail";'
BY_COMMAND = BY_SENDMAIL + (
    'password_command = [ "@W@/gateway", "--from", "the house" ];')
BY_REINJECT = 'via = "reinject";'
CASTLE = '/usr/share/java/bcprov.jar'
PASSWORD = re.compile(r'[a-hjkmnp-z]{4}(-[a-hjkmnp-z]{4}){4}')
PLAIN = (b'From: %s\r\nTo: %s\r\nSubject: kept\r\n\r\nDear reader, this is '
         b'a mail.\r\n')
DONE, NO, USAGE, TROUBLE = range(4)


def ctl(world, *arguments, code=DONE):
    got, out, err = world.ctl(*arguments)
    expect(got == code, '%s: %d\n%s%s' % (' '.join(arguments), got, out, err))
    return out + err


def ca(world, *arguments, code=DONE):
    return ctl(world, 'ca', *arguments, code=code)


def ca_json(world, *arguments):
    got, out, err = world.ctl('ca', *arguments, '--json')
    expect(got == DONE, out + err)
    return json.loads(out)


def conf(world, more):
    return HOUSE.replace('@MORE@', more).replace(
        '@SINK@', str(world.sink.port))


def prepare(world, more=BY_SENDMAIL, rules=''):
    world.write('passphrase', b'open sesame\n', 0o600)
    os.mkdir(world.path('web'))
    if IS_ROOT:
        shutil.chown(world.path('web'), 'nobody')
    shutil.copytree(TOP + '/etc/templates', world.path('templates'))
    for name, text in (('sendmail', SENDMAIL), ('gateway', GATEWAY)):
        world.write(name, world.fill(text).encode(), 0o755)
    world.configure(rules, conf(world, more))


def begin(world, more=BY_SENDMAIL):
    prepare(world, more)
    ca(world, 'create', '--root', 'House Root', '--issuer', 'House Issuer')
    ctl(world, 'cert', 'import', '--empty')


def password_of(said):
    found = PASSWORD.search(said)
    expect(found, 'no password in ' + said)
    return found[0]


def opened(octets):
    """The mail's fields, text, PKCS#12 (name, bytes) and other files."""
    mail = email.message_from_bytes(octets, policy=email.policy.default)
    parts = list(mail.iter_attachments())
    files = [part for part in parts
             if part.get_content_type() == 'application/x-pkcs12']
    expect(len(files) == 1, 'not one PKCS#12 in the mail')
    others = {part.get_filename(): part.get_content() for part in parts
              if part is not files[0]}
    return (mail, mail.get_body().get_content(),
            (files[0].get_filename(), files[0].get_content()), others)


def import_with_openssl(world, octets, password):
    """Into paula.key and paula.pem."""
    world.write('file.p12', octets)
    for what, name in (('-nocerts', 'paula.key'), ('-clcerts', 'paula.pem')):
        done = subprocess.run(
            ['openssl', 'pkcs12', '-in', 'file.p12', what, '-nodes',
             '-passin', 'pass:' + password,
             '-out', name] + (['-nokeys'] if what == '-clcerts' else []),
            cwd=world.folder, capture_output=True)
        expect(done.returncode == 0, done.stderr.decode())


def import_with_nss(world, octets, password):
    if not shutil.which('pk12util'):
        raise Skip('no pk12util here')
    folder = world.path('nss')
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    world.write('file.p12', octets)
    world.write('file.pass', password.encode() + b'\n', 0o600)
    for line in (['certutil', '-N', '-d', folder, '--empty-password'],
                 ['pk12util', '-i', world.path('file.p12'), '-d', folder,
                  '-w', world.path('file.pass')]):
        done = subprocess.run(line, capture_output=True)
        expect(done.returncode == 0, done.stderr.decode())
    keys = subprocess.run(['certutil', '-K', '-d', folder],
                          capture_output=True).stdout.decode()
    expect('rsa' in keys, 'NSS has no key: ' + keys)
    known = subprocess.run(['certutil', '-L', '-d', folder],
                           capture_output=True).stdout.decode()
    for name in ('House Root', 'House Issuer', PAULA):
        expect(name in known, 'NSS does not know %s:\n%s' % (name, known))


def import_with_gpgsm(world, octets, password):
    # Before 2.4 it knows PBES2 in its oldest form alone.
    if not shutil.which('gpgsm'):
        raise Skip('no gpgsm here')
    home = world.path('gnupg')
    shutil.rmtree(home, ignore_errors=True)
    os.mkdir(home, 0o700)
    with open(home + '/gpg-agent.conf', 'w') as out:
        out.write('allow-loopback-pinentry\n')
    world.write('file.p12', octets)
    try:
        done = subprocess.run(
            ['gpgsm', '--homedir', home, '--batch', '--pinentry-mode',
             'loopback', '--passphrase-fd', '0', '--disable-dirmngr',
             '--import', world.path('file.p12')],
            input=password.encode() + b'\n', capture_output=True, timeout=60)
        keys = subprocess.run(
            ['gpgsm', '--homedir', home, '--batch', '--list-secret-keys'],
            capture_output=True, timeout=60).stdout.decode()
    finally:
        subprocess.run(['gpgconf', '--homedir', home, '--kill', 'all'],
                       capture_output=True)
    expect(PAULA in keys, 'gpgsm: %s\n%s' % (done.stderr.decode(), keys))


def import_with_java(world, octets, password):
    if not shutil.which('keytool'):
        raise Skip('no keytool here')
    world.write('file.p12', octets)
    castle = ['-provider', 'org.bouncycastle.jce.provider.BouncyCastleProvider',
              '-providerpath', CASTLE]
    for more in ([], castle if os.path.exists(CASTLE) else []):
        done = subprocess.run(
            ['keytool', '-list', '-v', '-storetype', 'PKCS12', '-keystore',
             world.path('file.p12'), '-storepass:env', 'PASSWORD', *more],
            capture_output=True, env=dict(os.environ, PASSWORD=password))
        said = done.stdout.decode()
        expect(done.returncode == 0 and 'PrivateKeyEntry' in said and
               'Certificate chain length: 3' in said, said)


# ---- all of it ----

def readme_lines():
    with open(TOP + '/README') as readme:
        text = readme.read()
    text = text[text.index('\nAN AUTHORITY OF YOUR OWN'):]
    text = text[:text.index('\n\n\n')]
    return [line.strip() for line in text.splitlines()
            if line.startswith('    smimectl ')]


def eight_lines_of_the_readme_make_a_signed_and_an_encrypted_mail(world):
    world.start('', BEGIN)
    prepare(world, BY_REINJECT, RULES)
    lines = readme_lines()
    expect(0 < len(lines) <= 8, '%d lines' % len(lines))
    script = 'set -e\nsmimectl() { %s -c %s "$@"; }\n' % (
        CTL, world.path('smime-milter.conf')) + '\n'.join(lines)
    done = subprocess.run(
        ['sh', '-c', script.replace('/etc/smime-milter', world.folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, cwd=world.folder)
    said = done.stdout.decode()
    expect(done.returncode == 0, said)
    arrived = world.sink.wait(lambda mail: PAULA in mail.recipients)
    expect(arrived, 'no mail with the key')
    _, _, (_, file), _ = opened(arrived.data)
    import_with_openssl(world, file, password_of(said))

    def send(recipient):
        message = world.write('mail', PLAIN % (ALICE.encode(),
                                               recipient.encode()))
        code, out = world.sim('-s', world.socket, '-f', ALICE, '-t', recipient,
                              '-o', world.path('out'), message)
        expect(code == 0, out + world.log()[-800:])
        return world.read('out')
    subprocess.run(['openssl', 'x509', '-inform', 'DER', '-in',
                    world.path('root.cer'), '-out', world.path('root.pem')],
                   check=True)
    judge.verify(send(X), world.path('root.pem'), ALICE)
    clear = judge.decrypt(send(PAULA), world.path('paula.pem'),
                          world.path('paula.key'))
    judge.verify(clear.entity, world.path('root.pem'), ALICE)


def the_worker_has_no_right_to_keys_of_the_authority(world):
    """Two users: the authority's and the daemon's."""
    if not IS_ROOT:
        raise Skip('not root')
    prepare(world)
    world.configure(RULES, conf(world, BY_SENDMAIL).replace(
        'ca_user = "nobody"', 'ca_user = "daemon"'))
    shutil.chown(world.path('web'), 'daemon')
    ca(world, 'create', '--root', 'House Root', '--issuer', 'House Issuer')
    ctl(world, 'cert', 'import', '--empty')
    ca(world, 'root', '-o', world.path('root.cer'))
    ca(world, 'issue', ALICE)
    ca(world, 'issue', '--external', '--deliver', PAULA)
    house = world.path('authorities/house')
    for where, folders, names in os.walk(house):
        for name in folders + names:
            path = os.path.join(where, name)
            expect(os.stat(path).st_uid == pwd.getpwnam('daemon').pw_uid,
                   path + ' does not belong to the authority')
            done = subprocess.run(['cat', path], user='nobody', group=65534,
                                  extra_groups=[], capture_output=True)
            expect(done.returncode != 0, path + ' can be read')
    for where, _, names in os.walk(world.path('state')):
        for name in names:
            path = os.path.join(where, name)
            expect(os.stat(path).st_uid == pwd.getpwnam('nobody').pw_uid,
                   path + ' does not belong to the daemon')


# ---- the mail ----

def the_mail_brings_the_file_and_a_page_for_each_program(world):
    begin(world)
    said = ca(world, 'issue', '--external', '--name', 'Paula Ünal', '--deliver',
              PAULA)
    mail, text, (name, file), others = opened(world.read('sent'))
    expect(world.read('sent.arguments') ==
           b'-i\n-f\npki@example.com\n--\n%s\n' % PAULA.encode(),
           'arguments of sendmail')
    expect(mail['To'] == PAULA and mail['From'] == 'pki@example.com',
           'From, To')
    expect(mail['Subject'] == 'Your certificate for ' + PAULA, 'Subject')
    expect(mail['Auto-Submitted'] == 'auto-generated', 'Auto-Submitted')
    expect(mail['Date'].datetime and mail['Message-ID'], 'Date, Message-ID')
    expect(name == PAULA + '.p12', name)
    for word in ('Dear Paula Ünal', 'House Issuer', 'help@example.com, 0123',
                 name):
        expect(word in text, '%s is not in the text' % word)
    expect(sorted(others) == ['android.txt', 'apple-mail.txt', 'ios.txt',
                              'outlook.txt', 'thunderbird.txt'], str(others))
    expect(world.read('sent').isascii(), 'the mail has the eighth bit')
    expect(password_of(said).encode() not in world.read('sent'),
           'the password is in the mail')
    import_with_openssl(world, file, password_of(said))
    pem = world.read('file.p12')
    expect(b'PRIVATE' not in pem, 'an open key')


def delivered(world, *options):
    begin(world)
    said = ca(world, 'issue', '--external', '--deliver', *options, PAULA)
    return opened(world.read('sent'))[2][1], password_of(said)


def openssl_and_nss_import_the_file(world):
    file, password = delivered(world)
    shown = subprocess.run(
        ['openssl', 'pkcs12', '-info', '-noout', '-passin',
         'pass:' + password, '-in', world.write('x.p12', file)],
        capture_output=True).stderr.decode()
    expect('PBES2, PBKDF2, AES-256-CBC' in shown and 'MAC: sha256' in shown,
           shown)
    import_with_openssl(world, file, password)
    import_with_nss(world, file, password)


def openssl_nss_and_gpgsm_import_the_legacy_file(world):
    file, password = delivered(world, '--legacy')
    shown = subprocess.run(
        ['openssl', 'pkcs12', '-info', '-noout', '-passin',
         'pass:' + password, '-in', world.write('x.p12', file)],
        capture_output=True).stderr.decode()
    expect('pbeWithSHA1And3-KeyTripleDES-CBC' in shown and
           'PBES2' not in shown and 'MAC: sha1' in shown, shown)
    import_with_openssl(world, file, password)
    import_with_gpgsm(world, file, password)
    import_with_nss(world, file, password)


def java_and_bouncy_castle_import_the_file(world):
    import_with_java(world, *delivered(world))


def java_and_bouncy_castle_import_the_legacy_file(world):
    import_with_java(world, *delivered(world, '--legacy'))


def no_password_and_no_key_is_printed_logged_or_kept(world):
    """All commands, good and failing, with both ways for passwords."""
    begin(world, BY_COMMAND)
    secrets = {'open sesame'}
    said = []

    def run(*arguments):
        code, out, err = world.ctl('ca', *arguments)
        said.append(out + err)
        if os.path.exists(world.path('told')):
            secrets.add(password_of(world.read('told').decode()))
            os.remove(world.path('told'))

    run('issue', '--external', '--deliver', PAULA)
    run('issue', '--json', ALICE)
    run('deliver', PAULA)
    run('deliver', '--json', '--legacy', PAULA)
    run('renew', '--json', PAULA)
    run('supersede', ALICE)
    gateway = world.read('gateway')
    world.write('gateway', b'#!/bin/sh\ncat >@W@/told; exit 7\n'.replace(
        b'@W@', world.folder.encode()), 0o755)
    run('deliver', PAULA)
    world.write('gateway', gateway, 0o755)
    sendmail = world.read('sendmail')
    world.write('sendmail', b'#!/bin/sh\nexit 75\n', 0o755)
    run('issue', '--external', '--deliver', PAULA)
    world.write('sendmail', sendmail, 0o755)
    run('deliver', '--pending')
    run('revoke', PAULA)
    run('crl')
    run('list', '--check')
    run('list', '--json')
    run('audit')
    run('root')
    world.write('passphrase', b'another one\n', 0o600)
    run('issue', ALICE)
    run('deliver', PAULA)
    expect(len(secrets) > 5, 'too few passwords: %d' % len(secrets))
    kept = {'what is printed': '\n'.join(said).encode(),
            'the log': world.log().encode(), 'the mail': world.read('sent')}
    for folder, _, names in os.walk(world.path('authorities')):
        for name in names:
            kept[name] = world.read(os.path.join(folder, name))
    expect('journal' in kept and len(kept) > 8, str(sorted(kept)))
    for where, octets in kept.items():
        for secret in secrets:
            expect(secret.encode() not in octets, 'a password is in ' + where)
        for line in (b'BEGIN PRIVATE', b'BEGIN RSA PRIVATE',
                     b'BEGIN EC PRIVATE'):
            expect(line not in octets, 'an open key is in ' + where)
    for where in ('what is printed', 'the log', 'journal'):
        expect(b'PRIVATE' not in kept[where], 'a key is in ' + where)


def it_is_sent_again_with_another_password(world):
    begin(world)
    first = ca(world, 'issue', '--external', '--deliver', PAULA)
    second = ca_json(world, 'deliver', '--to', 'p@home.example', PAULA)
    expect(second[0]['delivered_to'] == 'p@home.example', str(second))
    expect(second[0]['password'] != password_of(first), 'the same password')
    mail, _, (_, file), _ = opened(world.read('sent'))
    expect(mail['To'] == 'p@home.example', mail['To'])
    import_with_openssl(world, file, second[0]['password'])
    acts = ca(world, 'audit')
    expect(acts.count(' deliver ') == 2, acts)
    for password in (password_of(first), second[0]['password']):
        expect(password not in acts, 'a password is in the journal')


def without_escrow_it_is_sent_once(world):
    begin(world)
    said = ca(world, 'issue', '--external', '--no-escrow', '--deliver', PAULA)
    import_with_openssl(world, opened(world.read('sent'))[2][1],
                        password_of(said))
    said = ca(world, 'deliver', PAULA, code=NO)
    expect('not in escrow' in said, said)


def a_table_is_delivered_line_by_line(world):
    begin(world, BY_COMMAND)
    world.write('people.csv', b'address;name;telephone\n'
                b'a@partner.example;A;+49 1\nb@partner.example;B;+49 2\n')
    said = ca(world, 'issue', '--external', '--deliver', '--csv',
              world.path('people.csv'))
    expect(len(re.findall(r'^\w{32} delivered to', said, re.M)) == 2, said)
    expect(world.read('told').startswith(b'+49 2\n'), world.read('told'))


# ---- renewed ----

def in_store(world, address):
    """Digests of those that the gateway could encrypt for."""
    got, out, err = world.ctl('cert', 'list', '--store', 'book', '--json')
    expect(got == DONE, out + err)
    return {one['sha256'] for one in json.loads(out)
            if address in one['addresses']}


def entries(world, address):
    """Oldest first."""
    return [one for one in ca_json(world, 'list')
            if one['address'] == address]


def a_partners_new_certificate_waits_for_its_delivery(world):
    begin(world)
    ca(world, 'issue', '--external', '--deliver', PAULA)
    old = in_store(world, PAULA)
    expect(len(old) == 1, 'not in the store')
    said = ca(world, 'renew', PAULA)
    expect('mail is encrypted for the old certificate' in said, said)
    new = entries(world, PAULA)[-1]
    expect(new['held'] and in_store(world, PAULA) == old, 'used already')
    ca(world, 'issue', ALICE)
    expect(in_store(world, PAULA) == old, 'filed with others')
    said = ca(world, 'renew')
    expect('%s is not delivered yet' % new['serial'] in said, said)
    ca(world, 'deliver', PAULA)
    expect(in_store(world, PAULA) == old | {new['sha256']}, 'not filed')
    expect(not entries(world, PAULA)[-1]['held'], 'waits for ever')


def what_the_mta_does_not_take_is_sent_by_the_next_run(world):
    begin(world)
    ca(world, 'issue', '--external', '--deliver', '--days', '10',
       PAULA)
    old = in_store(world, PAULA)
    world.write('sendmail', b'#!/bin/sh\nexit 75\n', 0o755)
    timer = ('renew', '--within', '20', '--days', '100', '--deliver')
    said = ca(world, *timer, code=TROUBLE)
    expect('exit code 75' in said, said)
    expect(in_store(world, PAULA) == old, 'used, but not delivered')
    os.unlink(world.path('sent'))
    world.write('sendmail', world.fill(SENDMAIL).encode(), 0o755)
    said = ca(world, *timer)
    expect(len(entries(world, PAULA)) == 2, 'issued once more')
    expect(len(in_store(world, PAULA)) == 2, 'delivered, but not used')
    import_with_openssl(world, opened(world.read('sent'))[2][1],
                        password_of(said))


def what_is_issued_and_not_delivered_is_not_used(world):
    begin(world)
    world.write('sendmail', b'#!/bin/sh\nexit 75\n', 0o755)
    ca(world, 'issue', '--external', '--deliver', PAULA, code=TROUBLE)
    expect(in_store(world, PAULA) == set(), 'used')
    world.write('sendmail', world.fill(SENDMAIL).encode(), 0o755)
    ca(world, 'deliver', PAULA)
    expect(len(in_store(world, PAULA)) == 1, 'not used')


def what_nobody_can_open_is_not_used(world):
    """The MTA has the file, but its password is lost."""
    begin(world, BY_COMMAND)
    gateway = world.read('gateway')
    world.write('gateway', b'#!/bin/sh\nexit 7\n', 0o755)
    for more in ((), ('--no-escrow',)):
        ca(world, 'issue', '--external', '--deliver', *more, '--telephone',
           '+49 151 1', PAULA, code=TROUBLE)
        expect(in_store(world, PAULA) == set(), 'used')
    ca(world, 'revoke', entries(world, PAULA)[-1]['serial'])
    world.write('gateway', gateway, 0o755)
    ca(world, 'deliver', '--pending')
    expect(world.read('told').startswith(b'+49 151 1\n'), 'no number')
    expect(len(in_store(world, PAULA)) == 1, 'not used')


def what_cannot_be_shown_is_not_on_record(world):
    begin(world)
    for more in ((), ('--json',)):
        address = 'p%d@partner.example' % len(more)
        with open('/dev/full', 'w') as full:
            done = subprocess.run(
                [CTL, '-c', world.path('smime-milter.conf'), 'ca', 'issue',
                 '--external', '--deliver', *more, address],
                stdout=full, stderr=subprocess.PIPE)
        expect(done.returncode == TROUBLE, done.stderr.decode())
        expect(ca_json(world, 'list', address)[0]['to_deliver'] == address,
               'on record')
        expect(in_store(world, address) == set(), 'used')
    expect(len(ca_json(world, 'deliver', '--pending')) == 2, 'not sent')
    for address in ('p0@partner.example', 'p1@partner.example'):
        expect(len(in_store(world, address)) == 1, 'not used')


def one_that_will_not_do_keeps_no_other_from_renewal(world):
    begin(world)
    for address in (ALICE, 'a@partner.example'):
        ca(world, 'issue', '--days', '10', address)
    world.configure('', conf(world, BY_SENDMAIL).replace(
        ', "partner.example"', ''))
    said = ca(world, 'renew', '--within', '20', '--days', '100', code=NO)
    expect('a@partner.example' in said, said)
    expect(len(entries(world, ALICE)) == 2, 'not renewed')
    ca(world, 'renew', ALICE, 'a@partner.example', code=NO)
    expect(len(entries(world, ALICE)) == 2, 'half done')


def a_damaged_file_keeps_no_other_from_its_owner(world):
    """Nor from the revocation list."""
    begin(world)
    ca(world, 'issue', '--external', '--deliver', PAULA)
    whole = conf(world, BY_SENDMAIL)
    world.configure('', whole.replace(' store = "book";', '').replace(
        'type = "managed"; }',
        'type = "managed"; }, { name = "other"; type = "managed"; }'))
    ca(world, 'issue', '--external', 'p@partner.example')
    world.configure('', whole)
    serial = entries(world, 'p@partner.example')[0]['serial']
    os.truncate(world.path('authorities/house/certificates/%s.pem' % serial),
                100)
    os.unlink(world.path('sent'))
    said = ca(world, 'supersede', '--deliver', PAULA, code=TROUBLE)
    expect('left out' in said and os.path.exists(world.path('sent')), said)
    shown = subprocess.run(
        ['openssl', 'crl', '-inform', 'DER', '-noout', '-text', '-in',
         world.path('web/house.crl')], capture_output=True).stdout.decode()
    expect(entries(world, PAULA)[0]['serial'].upper() in shown,
           'not on the list')


def a_renewed_one_goes_where_the_old_one_went(world):
    begin(world, BY_COMMAND)
    ca(world, 'issue', '--external', '--deliver', '--to', 'p@home.example',
       '--telephone', '+49 151 1', PAULA)
    for more, to, number in (
            ((), b'p@home.example', '+49 151 1'),
            (('--to', 'q@home.example', '--telephone', '+49 2'),
             b'q@home.example', '+49 2'),
            ((), b'q@home.example', '+49 2')):
        os.unlink(world.path('told'))
        ca(world, 'renew', '--within', '36500', '--deliver', *more)
        expect(world.read('sent.arguments').endswith(b'--\n%s\n' % to),
               'not to %s' % to)
        expect(world.read('told').decode().startswith(number + '\n'),
               'another number')


def what_others_note_meanwhile_changes_nothing(world):
    """The old one is sent once more while the new one is on its way."""
    begin(world, BY_COMMAND)
    ca(world, 'issue', '--external', '--deliver', '--telephone', '+49 151 1',
       PAULA)
    old = entries(world, PAULA)[0]['serial']
    world.write('sendmail', world.fill(
        '#!/bin/sh\ncat >/dev/null\ntest -e @W@/once && exit 0\n'
        '>@W@/once\n%s -c @W@/smime-milter.conf ca deliver --to q@home.example '
        '--telephone "+49 151 2 222 222" %s\n' % (CTL, old)).encode(), 0o755)
    ca(world, 'renew', '--deliver', PAULA)
    expect(world.read('told').startswith(b'+49 151 1\n'), world.read('told'))
    acts = [line for line in ca(world, 'audit').splitlines()
            if ' deliver ' in line and old not in line]
    expect(len(acts) == 1 and 'to="%s"' % PAULA in acts[0], str(acts))


def our_own_keys_are_not_mailed_when_renewed(world):
    begin(world)
    ca(world, 'issue', ALICE)
    ca(world, 'renew', '--within', '36500', '--deliver')
    expect(len(in_store(world, ALICE)) == 2, 'not renewed')
    expect(not os.path.exists(world.path('sent')), 'mailed')


def a_superseded_partner_gets_the_new_one(world):
    begin(world)
    ca(world, 'issue', '--external', '--deliver', PAULA)
    ca(world, 'supersede', '--deliver', PAULA)
    states = [one['state'] for one in entries(world, PAULA)]
    expect(states == ['superseded', 'valid'], str(states))
    expect(entries(world, PAULA)[1]['sha256'] in in_store(world, PAULA),
           'not used')


# ---- the password ----

def the_password_reaches_the_command_on_its_standard_input_alone(world):
    begin(world, BY_COMMAND)
    said = ca(world, 'issue', '--external', '--deliver', '--telephone',
              '+49 151 1', PAULA)
    expect(not PASSWORD.search(said), 'the password is shown: ' + said)
    told = world.read('told').decode()
    expect(told.startswith('+49 151 1\nPassword of %s.p12: ' % PAULA), told)
    arguments = world.read('told.arguments').decode()
    expect(arguments.startswith('--from\nthe house\n'), arguments)
    expect(password_of(told) not in arguments, 'in argv or environment')
    import_with_openssl(world, opened(world.read('sent'))[2][1],
                        password_of(told))


def a_command_that_fails_is_said(world):
    begin(world, BY_COMMAND)
    world.write('gateway', b'#!/bin/sh\nexit 7\n', 0o755)
    said = ca(world, 'issue', '--external', '--deliver', PAULA, code=TROUBLE)
    expect('exit code 7' in said and 'nobody was told' in said, said)
    expect(not PASSWORD.search(said), 'the password is shown: ' + said)


def an_mta_that_fails_is_said(world):
    begin(world)
    world.write('sendmail', b'#!/bin/sh\nexit 75\n', 0o755)
    said = ca(world, 'issue', '--external', '--deliver', PAULA, code=TROUBLE)
    expect('exit code 75' in said and not PASSWORD.search(said), said)
    expect(' deliver ' not in ca(world, 'audit'), 'recorded all the same')
    world.write('sendmail', world.fill(SENDMAIL).encode(), 0o755)
    ca(world, 'deliver', PAULA)


def killed_before_it_is_delivered(world):
    """The machine stops: with the mail, or with the password, on its way."""
    begin(world, BY_COMMAND)
    kill = b'#!/bin/sh\nkill -9 $PPID\n'
    whole = {name: world.read(name) for name in ('sendmail', 'gateway')}
    options = ['--external', '--deliver', '--to', 'p@home.example']
    for number, (name, sent) in enumerate((('sendmail', False),
                                           ('gateway', True))):
        address = 'p%d@partner.example' % number
        world.write(name, kill, 0o755)
        code, out, err = world.ctl('ca', 'issue', *options, address)
        expect(code == -9, '%s: %d: %s' % (name, code, out + err))
        expect(os.path.exists(world.path('sent')) == sent, 'the mail')
        world.write(name, whole[name], 0o755)
        said = ca(world, 'list', address)
        expect('not delivered yet (for p@home.example)' in said, said)
        expect(ca_json(world, 'list', address)[0]['to_deliver'] ==
               'p@home.example', 'to_deliver')
        expect(not os.path.exists(world.path('told')), 'told already')
        said = ca(world, 'deliver', '--pending')
        expect('delivered to p@home.example' in said, said)
        import_with_openssl(world, opened(world.read('sent'))[2][1],
                            password_of(world.read('told').decode()))
        expect('not delivered' not in ca(world, 'list', address), 'still')
        os.remove(world.path('sent'))
        os.remove(world.path('told'))
        expect(ca(world, 'deliver', '--pending') == '', 'once more')
        expect(not os.path.exists(world.path('sent')), 'sent once more')
    expect(ca_json(world, 'list', '--check') is not None, 'the journal')


def what_failed_stays_to_be_delivered(world):
    begin(world, BY_COMMAND)
    for name in ('sendmail', 'gateway'):
        whole = world.read(name)
        world.write(name, b'#!/bin/sh\nexit 7\n', 0o755)
        ca(world, 'issue', '--external', '--deliver', PAULA, code=TROUBLE)
        world.write(name, whole, 0o755)
    ca(world, 'issue', '--external', '--deliver', PAULA)
    first, second, third = ca_json(world, 'list')
    expect(first['to_deliver'] == second['to_deliver'] == PAULA and
           third['to_deliver'] is None, 'to_deliver')
    ca(world, 'revoke', first['serial'])
    sent = ca_json(world, 'deliver', '--pending')
    expect([one['serial'] for one in sent] == [second['serial']], str(sent))
    ca(world, 'deliver', code=USAGE)
    ca(world, 'deliver', '--pending', PAULA, code=USAGE)


# ---- refused, with nothing issued or sent ----

def what_cannot_be_delivered_is_not_issued(world):
    begin(world)
    subprocess.run(
        ['openssl', 'req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj',
         '/CN=x', '-keyout', world.path('x.key'), '-out',
         world.path('x.csr')], capture_output=True, check=True)
    for label, options in (
            ('no key to deliver', ('--csr', world.path('x.csr'),
                                   '--deliver')),
            ('nobody would have the key', ('--no-escrow',)),
            ('--to', ('--deliver', '--to', 'a b')),
            ('no number', ('--deliver', '--telephone', '1\n2'))):
        said = ca(world, 'issue', '--external', *options, PAULA, code=USAGE)
        expect(label in said, said)
    world.configure('', re.sub('from = "[^"]*";', '', conf(world, '')))
    said = ca(world, 'issue', '--external', '--deliver', PAULA, code=USAGE)
    expect('ca_delivery.from' in said, said)
    expect(ca_json(world, 'list') == [], 'something issued')


def a_template_that_will_not_do_is_named(world):
    begin(world)
    ca(world, 'issue', '--external', PAULA)
    for label, text in (
            ('the password must not', 'Subject: x\n\n{password}\n'),
            ('nothing is known as {nme}', 'Subject: x\n\n{nme}\n'),
            ('must begin with a line', 'Dear {name}\n')):
        world.write('templates/delivery.txt', text.encode())
        said = ca(world, 'deliver', PAULA, code=NO)
        expect(label in said, said)
    expect(not os.path.exists(world.path('sent')), 'a mail was sent')
    world.write('templates/delivery.txt',
                b'Subject: { {x y} {}\nBcc: z@z.example\n\nok {name}\n')
    ca(world, 'deliver', PAULA)
    mail, text, _, _ = opened(world.read('sent'))
    expect(mail['Subject'] == '{ {x y} {}' and mail['Bcc'] is None, 'fields')


def a_name_cannot_add_a_field(world):
    begin(world)
    world.write('templates/delivery.txt', b'Subject: For {name}\n\nok\n')
    ca(world, 'issue', '--external', '--deliver', '--name',
       'Paula =?utf-8?q?x?= "<b@b.example>"', PAULA)
    mail = opened(world.read('sent'))[0]
    expect(mail['To'] == PAULA and len(mail.get_all('To')) == 1, 'To')


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, '__module__', '') == '__main__'
         and value.__code__.co_varnames[:1] == ('world',)
         and name not in ('ctl', 'ca', 'ca_json', 'conf', 'prepare', 'begin',
                          'delivered', 'in_store', 'entries')
         and not name.startswith('import_with')]


def in_a_world(test):
    world = World(common=BEGIN)
    world.sink = Sink()
    try:
        test(world)
        found = COMPLAINT.search(world.log())
        expect(not found, 'a sanitizer complained:\n' + world.log()[-2000:])
    finally:
        world.sink.close()
        world.close()


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
