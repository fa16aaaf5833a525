#!/usr/bin/env python3
"""Are two messages the same mail?  Judged by Python's own email package.

  mime_judge.py same A B [--content] [--strict]
      Same structure, header fields but Content-Transfer-Encoding (unfolded),
      preamble, epilogue, decoded leaves, and the raw bytes of every
      multipart/signed.  0: the same; 1: prints what differs; 2: trouble.
      --content  of the root's fields only Content-* count (an MTA adds others)
      --strict   a repaired root (text/plain with charset unknown-8bit or
                 us-ascii added where no Content-Type was, MIME-Version added)
                 counts as a difference
  mime_judge.py fit FILE
      7-bit, CRLF only, no NUL, no line over 998?  0, or 1 and what is wrong.
  mime_judge.py canonical IN OUT
      The file as an MTA would hand it over: without a mailbox's "From " line,
      LF as CRLF.
  mime_judge.py list CORPORA
      The messages of the mime-* folders (results and pictures left out).
  mime_judge.py corpus CORPORA REWRITE [--keep DIR]
      Runs REWRITE IN OUT over all of them and judges; prints numbers and
      every message that is not identical.  0 when at least 98 in 100 of those
      with at most one Content-Type are identical and without residue.

As a module: differences(a, b, content=False, strict=False) -> list of
sentences; unfit(data) -> list of words.
"""
import argparse
import base64
import binascii
import collections
import email
import email.header
import email.policy
import os
import quopri
import re
import subprocess
import sys
import tempfile

POLICY = email.policy.compat32
NO_MESSAGE = ('.xml', '.bin', '.golden', '.png', '.out')
# Differences that are the judge's own: it does not know RFC 5322's obsolete
# blanks before a colon, and takes such a header for text.
KNOWN = ('obsolete.msg',)
TEXT_FIELDS = ('subject', 'comments', 'content-description', 'thread-topic')
REPAIRED = re.compile(r'text/plain; charset=(unknown-8bit|us-ascii)$')


def canonical(data):
    data = re.sub(rb'\r?\n', b'\r\n', data)
    return re.sub(rb'\A>?From [^\r\n]*\r\n', b'', data)


def unfit(data):
    wrong = []
    if re.search(rb'[\x80-\xff]', data):
        wrong.append('8bit')
    if b'\0' in data:
        wrong.append('nul')
    if re.search(rb'\r(?!\n)', data):
        wrong.append('cr')
    if re.search(rb'(?<!\r)\n', data):
        wrong.append('lf')
    if any(len(line) > 998 for line in data.split(b'\r\n')):
        wrong.append('long')
    return wrong


# ---- a message as a list of nodes ----

def fields_of(message, content):
    found = []
    for name, value in message._headers:
        if name.lower() == 'content-transfer-encoding':
            continue
        if content and not name.lower().startswith('content-'):
            continue
        found.append((name, re.sub(r'\r?\n(?=[ \t])', '', str(value))))
    return found


def readable(fields):
    """The fields that are text as a reader shows them: raw UTF-8 and encoded
    words in UTF-8 are the same."""
    shown = []
    for name, value in fields:
        if name.lower() in TEXT_FIELDS:
            raw = value.encode('utf-8', 'surrogateescape')
            value = raw.decode('utf-8', 'surrogateescape')
            if '=?utf-8?' in value.lower():
                value = str(email.header.make_header(
                    email.header.decode_header(value)))
        shown.append((name, value.strip()))
    return shown


def encoding_of(message):
    value = message.get('content-transfer-encoding') or ''
    return str(value).lower().strip()


def decoded_message(message, encoding):
    """A message/* that is transfer-encoded, which email does not decode."""
    raw = b''.join(part.as_bytes() for part in message.get_payload())
    if encoding == 'quoted-printable':
        return quopri.decodestring(raw)
    try:
        return base64.b64decode(raw)
    except binascii.Error:
        return re.sub(rb'[^A-Za-z0-9+/=]', b'', raw)


def leaf_of(message):
    encoding = encoding_of(message)
    if message.get_content_maintype() == 'message' and \
            message.is_multipart() and \
            encoding in ('base64', 'quoted-printable'):
        return decoded_message(message, encoding)
    if message.is_multipart():
        return None
    return message.get_payload(decode=True) or b''


def nodes_of(message, content, path='1'):
    leaf = leaf_of(message)
    nodes = [{
        'path': path,
        'type': message.get_content_type(),
        'fields': fields_of(message, content and path == '1'),
        'preamble': message.preamble,
        'epilogue': message.epilogue,
        'leaf': leaf,
    }]
    if leaf is None:
        for i, part in enumerate(message.get_payload()):
            nodes += nodes_of(part, content, '%s.%d' % (path, i + 1))
    return nodes


def signed_runs(message, raw):
    """The bytes from the first to the last delimiter of each signature."""
    runs = []
    for part in message.walk():
        if part.get_content_type() != 'multipart/signed':
            continue
        boundary = part.get_boundary()
        if not boundary:
            continue
        line = b'--' + boundary.encode('latin-1', 'replace')
        first, last = raw.find(line), raw.rfind(line)
        if 0 <= first < last:
            runs.append(raw[first:last])
    return runs


# ---- comparing ----

def without_repairs(before, after):
    """The fields of a root that was given what it lacked, without that."""
    had = {name.lower() for name, _ in before}
    kept = []
    for name, value in after:
        lower = name.lower()
        if lower not in had and (lower == 'mime-version' or (
                lower == 'content-type' and REPAIRED.match(value.strip()))):
            continue
        kept.append((name, value))
    return kept


def leaf_difference(a, b):
    if a == b:
        return None
    if a is None or b is None:
        return 'is a leaf in one only'
    if a.rstrip(b'\r\n') == b.rstrip(b'\r\n'):
        return 'leaf differs in its last line end'
    if re.sub(rb'\r\n?|\n', b'\n', a) == re.sub(rb'\r\n?|\n', b'\n', b):
        return 'leaf differs in line ends'
    if re.sub(rb'[ \t]+(?=\r?\n|$)', b'', a) == \
            re.sub(rb'[ \t]+(?=\r?\n|$)', b'', b):
        return 'leaf differs in blanks at line ends'
    return 'leaf differs'


def differences(raw_a, raw_b, content=False, strict=False):
    a = email.message_from_bytes(raw_a, policy=POLICY)
    b = email.message_from_bytes(raw_b, policy=POLICY)
    nodes_a, nodes_b = nodes_of(a, content), nodes_of(b, content)
    shape = [[(n['path'], n['type']) for n in x] for x in (nodes_a, nodes_b)]
    if shape[0] != shape[1]:
        return ['structure differs: %s, %s' % tuple(
            ' '.join('%s=%s' % n for n in s[:6]) for s in shape)]
    found = []
    for x, y in zip(nodes_a, nodes_b):
        fields = y['fields']
        if x['path'] == '1' and not strict:
            fields = without_repairs(x['fields'], fields)
        if x['fields'] != fields and \
                readable(x['fields']) != readable(fields):
            found.append('%s: header fields differ' % x['path'])
        for what in ('preamble', 'epilogue'):
            if x[what] != y[what]:
                found.append('%s: %s differs' % (x['path'], what))
        leaf = leaf_difference(x['leaf'], y['leaf'])
        if leaf:
            found.append('%s: %s' % (x['path'], leaf))
    for run in signed_runs(a, raw_a):
        if run not in raw_b:
            found.append('a multipart/signed was changed')
    return found


# ---- the corpora ----

def messages(corpora):
    for folder in sorted(os.listdir(corpora)):
        if not folder.startswith('mime-'):
            continue
        for place, _, names in os.walk(os.path.join(corpora, folder)):
            for name in sorted(names):
                if name != 'SOURCE.txt' and '_decoded_' not in name and \
                        not name.endswith(NO_MESSAGE):
                    yield os.path.join(place, name)


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def write(path, data):
    with open(path, 'wb') as file:
        file.write(data)


def types_of(raw):
    message = email.message_from_bytes(raw, policy=POLICY)
    return len(message.get_all('content-type') or [])


class Run:
    def __init__(self, rewrite, folder):
        self.rewrite = rewrite
        self.source = os.path.join(folder, 'in')
        self.target = os.path.join(folder, 'out')

    def __call__(self, raw):
        """-> (output or None, what the program said)"""
        write(self.source, raw)
        if os.path.exists(self.target):
            os.unlink(self.target)
        done = subprocess.run([self.rewrite, self.source, self.target],
                              capture_output=True, timeout=60)
        said = (done.stdout + done.stderr).decode('latin-1').strip()
        if done.returncode < 0 or done.returncode > 1:
            raise RuntimeError('%s: status %d' % (said, done.returncode))
        return (read(self.target) if done.returncode == 0 else None), said


def judge_one(run, raw):
    """-> ([words], text)"""
    out, said = run(raw)
    if out is None:
        return ['refused'], said
    words = []
    found = differences(raw, out)
    wrong = unfit(out)
    residue = ' residue=0 ' not in said
    if residue:
        words.append('residue')
    if found:
        words.append('differs')
    if wrong and not residue:
        words.append('unfit-unreported')
    if run(out)[0] != out:
        words.append('not-idempotent')
    words = words or ['identical']
    if out == raw:
        words.append('untouched')
    return words, '; '.join(found + wrong + [said])


def corpus(root, rewrite, keep):
    count = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(rewrite, folder)
        for path in messages(root):
            raw = canonical(read(path))
            words, text = judge_one(run, raw)
            if words[0] == 'differs' and os.path.basename(path) in KNOWN:
                words[0] = 'known'
            single = types_of(raw) <= 1
            count.update(words + ['messages'])
            count['single type'] += single
            count['single type, good'] += single and 'identical' in words
            if 'identical' in words:
                continue
            print('%-9s %s: %s' % (words[0], os.path.relpath(path, root),
                                   text))
            if keep:
                write(os.path.join(keep, os.path.basename(path)), raw)
    print(', '.join('%s %d' % item for item in sorted(count.items())))
    bad = count['differs'] + count['unfit-unreported'] + \
        count['not-idempotent']
    enough = count['single type, good'] * 100 >= count['single type'] * 98
    return 0 if enough and not bad else 1


def complain(found):
    for line in found:
        print(line)
    return 1 if found else 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    for name, words in (('same', ['a', 'b']), ('fit', ['file']),
                        ('canonical', ['source', 'target']),
                        ('list', ['corpora']),
                        ('corpus', ['corpora', 'rewrite'])):
        command = commands.add_parser(name)
        for word in words:
            command.add_argument(word)
        if name == 'same':
            command.add_argument('--content', action='store_true')
            command.add_argument('--strict', action='store_true')
        if name == 'corpus':
            command.add_argument('--keep')
    asked = parser.parse_args()
    if asked.command == 'same':
        return complain(differences(read(asked.a), read(asked.b),
                                    asked.content, asked.strict))
    if asked.command == 'fit':
        return complain(unfit(read(asked.file)))
    if asked.command == 'canonical':
        write(asked.target, canonical(read(asked.source)))
    if asked.command == 'list':
        print('\n'.join(messages(asked.corpora)))
    if asked.command == 'corpus':
        return corpus(asked.corpora, asked.rewrite, asked.keep)
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (OSError, RuntimeError) as trouble:
        print('mime_judge.py: %s' % trouble, file=sys.stderr)
        sys.exit(2)
