#!/usr/bin/env python3
"""The hard messages of the corpora, protected by the gateway and judged by
openssl and Python's email package: the same mail, or refused for a reason.

  protect_corpus_test.py
      Each message is made the mail of one known sender (its From fields are
      replaced), then signed, and encrypted, by `smimectl test -o`.  Of those
      with one Content-Type and no S/MIME or PGP at least 98 in 100 must come
      back as the same mail.  Whatever was encrypted comes in again: an
      inbound rule has to give back what openssl found in it, octet for octet.
      Prints numbers and every message that does not.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'mta')]
import judge  # noqa: E402
import mime_judge  # noqa: E402

ROOT = os.path.join(HERE, '..', '..')
BUILD = os.environ.get('BUILD', os.path.join(ROOT, 'build'))
CORPORA = os.environ.get('SMIME_CORPORA',
                         os.path.join(ROOT, '..', 'shared', 'corpora'))
PKI = os.environ.get('SMIME_PKI', os.path.join(BUILD, 'pki'))
PROTECTED = re.compile(
    rb'^content-type:\s*(multipart/(signed|encrypted)|'
    rb'application/(x-)?pkcs7)', re.I | re.M)
ENOUGH = 0.98

CONF = '''
listen = "unix:{dir}/unused";
stores = ( {{ name = "alice"; type = "directory"; path = "{dir}/alice"; }} );
trust = {{ anchors = "{pki}/ca.pem"; }};
'''
OUT = '''
sign = ( {{ sender = "alice@example.com"; stores = "alice";
           otherwise = "reject"; }} );
encrypt = ( {{ recipient = "alice@example.com"; stores = "alice";
              otherwise = "reject"; }} );
'''
BACK = '''
inbound = ( {{ recipient = "alice@example.com"; keys = "alice";
              strip_signature = true; }} );
'''


def header_of(data):
    """The fields, and where they end, as the gateway reads them."""
    end = 0
    for line in re.finditer(rb'[^\n]*\n|[^\n]+\Z', data):
        text = line.group()
        if not re.match(rb'[\x21-\x39\x3b-\x7e]+[ \t]*:|[ \t]', text) or \
                (end == 0 and text[:1] in b' \t'):
            break
        end = line.end()
    return data[:end], data[end:]


def with_sender(data):
    header, rest = header_of(data)
    header = re.sub(rb'^from[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*', b'', header,
                    flags=re.I | re.M)
    if header and not header.endswith(b'\n'):
        header += b'\r\n'
    if not rest.startswith((b'\r\n', b'\n')):
        rest = b'\r\n' + rest
    return b'From: alice@example.com\r\n' + header + rest


def counts(data):
    """Is it of the kind that has to be protected?"""
    header, rest = header_of(data)
    types = re.findall(rb'^content-type[ \t]*:', header, re.I | re.M)
    return len(types) <= 1 and not PROTECTED.search(header) and \
        b'-----BEGIN PGP' not in rest


class Bench:
    def __init__(self, folder):
        self.folder = folder
        os.mkdir(os.path.join(folder, 'alice'))
        for name in ('alice.pem', 'alice.key', 'intermediate.pem'):
            with open(os.path.join(PKI, name), 'rb') as source, \
                    open(os.open(os.path.join(folder, 'alice', name),
                                 os.O_WRONLY | os.O_CREAT, 0o600),
                         'wb') as copy:
                copy.write(source.read())
        for name, rules in (('out', OUT), ('back', BACK)):
            with open(os.path.join(folder, name + '.conf'), 'w') as file:
                file.write((CONF + rules).format(dir=folder, pki=PKI))

    def pass_through(self, rules, path, recipient, out):
        done = subprocess.run(
            [os.path.join(BUILD, 'smimectl'), '-c',
             os.path.join(self.folder, rules + '.conf'), 'test', '-f',
             'alice@example.com', '-t', recipient, '-o', out, path],
            capture_output=True, timeout=60)
        if done.returncode not in (0, 1):
            raise judge.Wrong('smimectl ended with %d: %s' % (
                done.returncode, done.stderr.decode('utf-8', 'replace')))
        if done.returncode == 1:
            reply = re.search(rb'why +(.*)|reply +(.*)', done.stdout)
            raise judge.Wrong('refused: %s' % (
                reply.group().decode() if reply else '?'))
        with open(out, 'rb') as file:
            return file.read()

    def unprotect(self, mail, encrypted):
        if encrypted:
            mail = judge.decrypt(mail, os.path.join(PKI, 'alice.pem'),
                                 os.path.join(PKI, 'alice.key')).entity
        return judge.verify(mail, os.path.join(PKI, 'ca.pem'),
                            'alice@example.com').entity

    def back(self, name, entity):
        """What is wrong with the mail when it has come in again."""
        mail = self.pass_through('back', name + '.out', 'alice@example.com',
                                 name + '.back')
        wrong = []
        if judge.split(mail)[1] != judge.split(entity)[1]:
            wrong.append('another body comes in again')
        if fields_of_content(mail) != fields_of_content(entity):
            wrong.append('other fields come in again')
        if b'; smime=pass' not in re.sub(rb'\r\n[ \t]+', b' ', mail):
            wrong.append('not verified when it comes in again')
        return wrong

    def run(self, number, path):
        with open(path, 'rb') as file:
            data = with_sender(mime_judge.canonical(file.read()))
        name = os.path.join(self.folder, str(number))
        with open(name, 'wb') as file:
            file.write(data)
        wrong, came_back = [], None
        try:
            for recipient in ('x@example.net', 'alice@example.com'):
                out = self.pass_through('out', name, recipient, name + '.out')
                entity = self.unprotect(out, recipient[0] == 'a')
                wrong += mime_judge.differences(data, entity, content=True)
            came_back = self.back(name, entity)
        except (judge.Wrong, AttributeError, ValueError) as why:
            wrong.append(str(why))
        return path, counts(data), wrong + (came_back or []), came_back


def fields_of_content(entity):
    return sorted(field for field in judge.fields(entity)
                  if field[0].startswith('content-'))


def main():
    if not os.path.isdir(CORPORA):
        print('skipped: no corpora in %s' % CORPORA)
        print('0 passed, 0 failed, 1 skipped')
        return 0
    listed = mime_judge.messages(CORPORA)
    with tempfile.TemporaryDirectory() as folder, \
            ThreadPoolExecutor(2) as pool:
        bench = Bench(folder)
        results = list(pool.map(lambda a: bench.run(*a), enumerate(listed)))
    of_kind = [r for r in results if r[1]]
    good = [r for r in of_kind if not r[2]]
    back = [r for r in results if r[3] is not None]
    lost = [r for r in back if r[3]]
    for path, kind, wrong, _ in results:
        if wrong:
            print('%s%s: %s' % (os.path.relpath(path, CORPORA),
                                '' if kind else ' (not counted)',
                                '; '.join(w[:150] for w in wrong[:2])))
    print('%d messages, %d of the kind to protect, '
          '%d protected with the same content' % (
              len(results), len(of_kind), len(good)))
    print('%d of %d encrypted ones came in again as they were' % (
        len(back) - len(lost), len(back)))
    enough = of_kind and len(good) >= ENOUGH * len(of_kind)
    failed = (0 if enough else 1) + len(lost)
    print('%d passed, %d failed, 0 skipped' % (
        len(good) + len(back) - len(lost), failed))
    return 1 if failed else 0


if __name__ == '__main__':
    argparse.ArgumentParser(description=__doc__).parse_args()
    sys.exit(main())
