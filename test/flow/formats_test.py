#!/usr/bin/env python3
"""formats_test.py [-v] [WORD]...: certificates from files of every form, as
the daemon and smimectl meet them: serialized stores (SST) of Windows, and
PKCS#12 as other programs write it (NSS, Java, Bouncy Castle)."""
import glob
import json
import os
import re
import shutil
import struct
import subprocess
import sys

from daemon_test import in_a_world
from harness import BUILD, COMMON, Skip, Wrong, expect, judge, run_each

ALICE, PAULA = 'alice@example.com', 'paula@partner.example'
MAIL = (b'From: %s\r\nTo: %s\r\nSubject: x\r\n\r\nDear reader, this was '
        b'written.\r\n' % (ALICE.encode(), PAULA.encode()))
ENCRYPT = '''
encrypt = ( { name = "partners"; recipient = "*@partner.example";
	stores = "windows"; otherwise = "reject"; } );
'''
STORES = COMMON[:COMMON.index('trust = {')] + '''
trust = { anchors = [ "@W@/roots.sst" ];
	intermediates = [ "@W@/intermediates.sst" ]; };
stores = ( { name = "windows"; type = "%s"; path = "@W@/%s"; } );
'''


# ---- serialized stores ----

def element(number, content):
    return struct.pack('<3I', number, 1, len(content)) + content


def item(world, name):
    """A certificate of the PKI with the properties that Windows adds."""
    der = subprocess.run(
        ['openssl', 'x509', '-in', world.path('pki/%s.pem' % name),
         '-outform', 'DER'], capture_output=True, check=True).stdout
    friendly = (name + '\0').encode('utf-16-le')
    return (element(3, b'h' * 20) + element(11, friendly) +
            element(126, b'') + element(32, der))


def store(*items):
    return b'\0\0\0\0CERT' + b''.join(items) + b'\0' * 12


def make_stores(world, path='people.sst', kind='file'):
    people = store(item(world, 'paula'), element(32, b'\x30\x03\x02\x01\x01'),
                   item(world, 'untrusted'))
    os.makedirs(os.path.dirname(world.path(path)), exist_ok=True)
    world.write(path, people)
    world.write('roots.sst', store(item(world, 'ca'), item(world, 'deep-1')))
    world.write('intermediates.sst', store(item(world, 'intermediate')))
    return STORES % (kind, path if kind == 'file' else os.path.dirname(path))


def send(world, recipient):
    return world.sim('-s', world.socket, '-f', ALICE, '-t', recipient, '-o',
                     world.path('out'), world.write('mail', MAIL))


def must_be_for_paula(world):
    code, printed = send(world, PAULA)
    expect(code == 0, printed)
    opened = judge.decrypt(world.read('out'), world.path('pki/paula.pem'),
                           world.path('pki/paula.key'))
    expect(b'this was written' in opened.entity, 'something else is in it')


def an_sst_serves_encryption_and_trust(world):
    world.start(ENCRYPT, make_stores(world))
    must_be_for_paula(world)


def an_sst_in_a_folder_serves_too(world):
    world.start(ENCRYPT, make_stores(world, 'windows/people.sst', 'directory'))
    must_be_for_paula(world)


def without_the_intermediate_the_path_is_open(world):
    common = make_stores(world)
    world.write('intermediates.sst', store(item(world, 'other-ca')))
    world.start(ENCRYPT, common)
    code, printed = send(world, PAULA)
    expect(code == 1 and 'paula' in printed, 'it says %d: %s' % (
        code, printed))


def an_anchor_in_the_sst_is_needed(world):
    world.start(ENCRYPT.replace('partner.example', 'example.com'),
                make_stores(world))
    code, printed = send(world, 'untrusted@example.com')
    expect(code == 1, 'it says %d: %s' % (code, printed))


def what_an_sst_holds_is_listed(world):
    world.configure(ENCRYPT, make_stores(world))
    code, out, err = world.ctl('--json', 'cert', 'list')
    expect(code == 0, err)
    found = {one['addresses'][0]: one for one in json.loads(out)}
    expect(set(found) == {PAULA, 'untrusted@example.com'}, out)
    expect(found[PAULA]['sha256'] == world.fingerprint('paula') and
           found[PAULA]['may'] == ['sign', 'encrypt'] and
           found[PAULA]['has_key'] is False, out)


def a_damaged_item_is_a_warning_of_check(world):
    world.configure(ENCRYPT, make_stores(world))
    code, out, err = world.ctl('check')
    expect(code == 0 and re.search(
        r'warning: .*people.sst: a certificate that cannot be parsed was '
        r'skipped', err), 'check says %d: %s%s' % (code, out, err))


def a_store_without_certificates_is_refused(world):
    common = make_stores(world)
    for octets, wanted in ((store(), 'holds no certificate'),
                           (b'\1' + store()[1:], 'of version 1')):
        world.write('people.sst', octets)
        world.configure(ENCRYPT, common)
        code, out, err = world.ctl('check')
        expect(code == 1 and re.search('people.sst: .*' + wanted, err),
               'check says %d: %s%s' % (code, out, err))


def a_revocation_list_alone_is_no_store_but_fits_a_folder(world):
    common = make_stores(world, 'windows/people.sst', 'directory')
    crl = subprocess.run(
        ['openssl', 'ca', '-gencrl', '-config', '/dev/stdin', '-cert',
         world.path('pki/ca.pem'), '-keyfile', world.path('pki/ca.key'),
         '-crldays', '30'], capture_output=True, input=(
             '[ca]\ndefault_ca=u\n[u]\ndatabase=%s\ndefault_md=sha256\n' %
             world.write('index', b'')).encode()).stdout
    expect(b'X509 CRL' in crl, 'openssl made no list')
    world.write('windows/ca.crl', crl)
    world.configure(ENCRYPT, common)
    code, out, err = world.ctl('check')
    expect(code == 0 and 'ca.crl' not in err, 'check says: ' + err)
    world.configure(ENCRYPT, STORES % ('file', 'windows/ca.crl'))
    code, out, err = world.ctl('check')
    expect(code == 1 and 'ca.crl: holds no certificate' in err,
           'check says %d: %s%s' % (code, out, err))


# ---- PKCS#12 of other programs ----

PASSWORD, PLAIN = 'grüß dich', 'secret'


def need(program):
    if shutil.which(program) is None:
        raise Skip('no %s here' % program)


def run(*command):
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=120,
        env=dict(os.environ, LC_ALL='C.UTF-8'))
    if done.returncode != 0:
        raise Wrong('%s: %s' % (command[0], done.stdout[-300:]))


def must_open(world, name, password):
    world.write('word', password.encode() + b'\n', 0o600)
    os.chmod(world.path(name), 0o600)
    world.configure('', COMMON[:COMMON.index('stores = (')] + '''
stores = ( { name = "s"; type = "file"; path = "@W@/%s";
	password_file = "@W@/word"; } );
sign = ( { sender = "alice@example.com"; stores = "s"; } );
''' % name)
    code, out, err = world.ctl('--json', 'cert', 'list')
    expect(code == 0, err)
    with_key = [one['addresses'] for one in json.loads(out) if one['has_key']]
    expect(with_key == [[ALICE]], '%s: %s%s' % (name, out, err))


def nss_writes_it(world, cipher):
    need('pk12util')
    need('certutil')
    base = world.path('nss')
    os.mkdir(base)
    run('certutil', '-N', '-d', base, '--empty-password')
    run('pk12util', '-d', base, '-i', world.path('pki/alice.p12'), '-W',
        PLAIN)
    run('pk12util', '-d', base, '-o', world.path('nss.p12'), '-n', 'alice',
        '-W', PASSWORD, '-c', cipher)
    must_open(world, 'nss.p12', PASSWORD)


def java_writes_it(world, keystore):
    need('keytool')
    if keystore == 'modern':
        options = []
    else:
        options = ['-J-Dkeystore.pkcs12.legacy']
    run('keytool', *options, '-importkeystore', '-noprompt', '-srckeystore',
        world.path('pki/alice.p12'), '-srcstoretype', 'PKCS12',
        '-srcstorepass', PLAIN, '-destkeystore', world.path('java.p12'),
        '-deststoretype', 'PKCS12', '-deststorepass', PLAIN)
    must_open(world, 'java.p12', PLAIN)


# Its file is BER, and the password a BMPString as the RFC says.
CASTLE = '''
import java.io.*;
import java.security.*;
public class Castle {
    public static void main(String[] a) throws Exception {
        Provider bc = new org.bouncycastle.jce.provider.BouncyCastleProvider();
        KeyStore in = KeyStore.getInstance("PKCS12");
        in.load(new FileInputStream(a[0]), a[1].toCharArray());
        KeyStore out = KeyStore.getInstance(a[2], bc);
        out.load(null, null);
        String name = in.aliases().nextElement();
        out.setKeyEntry("alice", in.getKey(name, a[1].toCharArray()), null,
            in.getCertificateChain(name));
        try (OutputStream file = new FileOutputStream(a[3])) {
            out.store(file, "gr\\u00fc\\u00df dich".toCharArray());
        }
    }
}
'''


def bouncy_castle_writes_it(world, kind):
    need('javac')
    jars = [jar for jar in glob.glob('/usr/share/java/bc*.jar')
            if re.search(r'/bc(prov|util)\.jar$', jar)]
    if not jars:
        raise Skip('no Bouncy Castle here')
    world.write('Castle.java', CASTLE.encode())
    path = ':'.join(jars + [world.folder])
    run('javac', '-cp', path, '-d', world.folder, world.path('Castle.java'))
    run('java', '-cp', path, 'Castle', world.path('pki/alice.p12'), PLAIN,
        kind, world.path('castle.p12'))
    must_open(world, 'castle.p12', PASSWORD)


def a_pkcs12_of_nss_with_aes(world):
    nss_writes_it(world, 'AES-256-CBC')


def a_pkcs12_of_nss_with_3des(world):
    nss_writes_it(world, 'PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC')


def a_pkcs12_of_java(world):
    java_writes_it(world, 'modern')


def a_pkcs12_of_java_as_it_was(world):
    java_writes_it(world, 'legacy')


def a_pkcs12_of_bouncy_castle_in_ber(world):
    bouncy_castle_writes_it(world, 'PKCS12')


def a_pkcs12_of_bouncy_castle_in_der(world):
    bouncy_castle_writes_it(world, 'PKCS12-DEF')


TESTS = [
    an_sst_serves_encryption_and_trust, an_sst_in_a_folder_serves_too,
    without_the_intermediate_the_path_is_open, an_anchor_in_the_sst_is_needed,
    what_an_sst_holds_is_listed, a_damaged_item_is_a_warning_of_check,
    a_store_without_certificates_is_refused,
    a_revocation_list_alone_is_no_store_but_fits_a_folder,
    a_pkcs12_of_nss_with_aes, a_pkcs12_of_nss_with_3des, a_pkcs12_of_java,
    a_pkcs12_of_java_as_it_was, a_pkcs12_of_bouncy_castle_in_ber,
    a_pkcs12_of_bouncy_castle_in_der,
]


def main():
    expect(os.path.exists(BUILD), '%s is missing' % BUILD)
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
