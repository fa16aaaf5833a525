#!/usr/bin/env python3
"""tnef_test.py [-v] [WORD]...: mails with a winmail.dat through the daemon and
through `smimectl test`; what comes out is judged by openssl and by Python's
email package."""
import ast
import base64
import email
import email.policy
import glob
import os
import re
import sys

import winmail
from harness import COMPLAINT, Tally, Skip, World, expect, judge, words

RULES = '''
sign = (
	{ name = "unpacked"; sender = [ "alice@example.com", "noone@example.com" ];
	  stores = "staff"; tnef = true; },
	{ name = "packed"; sender = "carol@example.com"; stores = "staff"; }
);
encrypt = (
	{ name = "unpack"; recipient = "paula@partner.example";
	  stores = "partners"; tnef = true; otherwise = "reject"; },
	{ name = "leave"; recipient = "petra@partner.example";
	  stores = "partners"; otherwise = "reject"; }
);
'''
ALICE, CAROL = 'alice@example.com', 'carol@example.com'
PAULA, PETRA = 'paula@partner.example', 'petra@partner.example'
STRANGER = 'x@elsewhere.example'
PNG = b'\x89PNG\r\n\x1a\n' + bytes(range(256))
TYPE = 'application/ms-tnef; name="winmail.dat"'
NOTE = r'note="[^"]*winmail.dat kept: '


def lines(*texts):
    return ''.join(text + '\r\n' for text in texts).encode()


def winmail_part(octets, kind=TYPE):
    return lines('Content-Type: ' + kind, 'Content-Transfer-Encoding: base64',
                 'Content-Disposition: attachment; filename="winmail.dat"', ''
                 ) + base64.encodebytes(octets).replace(b'\n', b'\r\n')


def text_part(text='the text beside it\r\n', kind='text/plain'):
    return lines('Content-Type: %s; charset=us-ascii' % kind, '') + \
        text.encode()


def multipart(*parts, kind='mixed', boundary='=_outer'):
    made = lines('Content-Type: multipart/%s; boundary="%s"' % (
        kind, boundary), '', 'a preamble')
    for part in parts:
        made += lines('', '--' + boundary) + part
    return made + lines('', '--%s--' % boundary)


def mail(entity, sender=ALICE):
    return lines('From: %s' % sender, 'To: %s' % ', '.join(
        (PAULA, PETRA, STRANGER)), 'Subject: a winmail.dat',
        'X-MS-TNEF-Correlator: <1@x>', 'MIME-Version: 1.0') + entity


class Came:
    """A mail that came out of the daemon, its layers taken off."""

    def __init__(self, world, octets, sender, recipients):
        path = world.write('message', octets)
        number = Came.number = getattr(Came, 'number', 0) + 1
        arguments = ['-s', world.socket, '--raw', '--queue-id',
                     'TNEF%d' % number, '-o', world.path('out'), '-f', sender]
        for recipient in recipients:
            arguments += ['-t', recipient]
        status, printed = world.sim(*arguments, path)
        expect(status == 0, 'mtasim: %d %s' % (status, printed))
        self.message = world.read('out')
        self.log = re.findall(r'.*TNEF%d:.*result=.*' % number,
                              world.log())[-1]
        self.entity = self.message
        if PAULA in recipients:
            self.entity = opened = judge.decrypt(
                self.entity, world.path('pki/paula.pem'),
                world.path('pki/paula.key')).entity
            judge.fit_for_signing(opened)
        if 'did=' in self.log and 'sign' in re.search(
                r'did=(\S+)', self.log)[1].split(','):
            self.entity = judge.verify(
                self.entity, world.path('pki/ca.pem'), sender).entity
        self.email = email.message_from_bytes(
            self.entity, policy=email.policy.default)

    def shape(self):
        return shape(self.email)

    def leaf(self, kind, nth=0):
        found = [part for part in self.email.walk()
                 if part.get_content_type() == kind]
        expect(len(found) > nth, 'no %s in %s' % (kind, self.shape()))
        return found[nth]

    def files(self):
        return [(part.get_filename(), part.get_payload(decode=True))
                for part in self.email.walk()
                if part.get_content_disposition() == 'attachment' and
                part.get_content_type() != 'message/rfc822']


def shape(part):
    """mixed(alternative(plain,html),octet-stream)"""
    name = part.get_content_subtype()
    if not part.is_multipart():
        return name
    return '%s(%s)' % (name, ','.join(shape(p) for p in part.get_payload()))


def send(world, entity, sender=ALICE, recipients=(STRANGER,)):
    return Came(world, mail(entity, sender), sender, list(recipients))


def beside_text(octets, boundary='=_outer'):
    return multipart(text_part(), winmail_part(octets), boundary=boundary)


# ---- what the parts become: name, winmail.dat, shape of the result ----

HTML = winmail.html('<p>gr\u00fcn</p>')
SHAPES = {
    'files_stand_beside_the_text': (
        winmail.message(winmail.file('a.bin', b'1'),
                        winmail.file('b.bin', b'2')),
        'mixed(plain,octet-stream,octet-stream)'),
    'nothing_but_a_body_leaves_the_text': (
        winmail.message(body='the text beside it'), 'plain'),
    'html_joins_the_text': (
        winmail.message(props=HTML), 'alternative(plain,html)'),
    'images_stand_with_the_html': (
        winmail.message(
            winmail.image('a.png', PNG, 'one@x'),
            winmail.file('b.bin', b'2'),
            props=winmail.html('<img src="cid:one@x">')),
        'mixed(alternative(plain,related(html,png)),octet-stream)'),
    'messages_stand_as_messages': (
        winmail.message(winmail.embedded('inner', winmail.message(
            winmail.file('c.bin', b'3'), body='inside'))),
        'mixed(plain,rfc822(mixed(plain,octet-stream)))'),
    'rtf_stands_beside_the_text': (
        winmail.message(props=[winmail.rtf('{\\rtf1 plain \\b bold}')]),
        'mixed(plain,rtf)'),
}


def a_shape(world, name):
    octets, wanted = SHAPES[name]
    for sender, recipients in ((ALICE, [STRANGER]), ('y@z', [PAULA]),
                               (ALICE, [PAULA])):
        came = send(world, beside_text(octets), sender, recipients)
        expect(came.shape() == wanted, '%s, not %s\n%s' % (
            came.shape(), wanted, came.log))
        expect('did=unpack,' in came.log, came.log)
        expect(not re.search(NOTE, came.log), came.log)
        expect(came.email.get('From') is None, 'a field came inside')
        plain = came.leaf('text/plain').get_content()
        expect(plain.strip() == 'the text beside it', plain)
    outside = email.message_from_bytes(came.message)
    expect(outside['Subject'] == 'a winmail.dat' and
           outside['X-MS-TNEF-Correlator'] == '<1@x>', 'a field is lost')


# ---- one by one ----

def attachments_are_the_same_bytes(world):
    wanted = [('a.bin', bytes(range(256)) * 100), ('a.bin', b'a\nb\r\nc'),
              ('gr\u00fcn \u20ac.txt', b'x'), ('empty', b'')]
    made = winmail.message(*(winmail.file(*one) for one in wanted))
    for entity in (beside_text(made), winmail_part(made)):
        came = send(world, entity)
        expect(came.files() == wanted, came.files())


def a_mail_that_is_nothing_but_a_winmail_is_unpacked(world):
    made = winmail.message(winmail.file('a.bin', b'1'), body='gr\u00fcn',
                           props=HTML)
    came = send(world, lines('Content-Language: de', 'Content-Class: x') +
                winmail_part(made))
    expect(came.shape() == 'mixed(alternative(plain,html),octet-stream)',
           came.shape())
    expect(came.email['Content-Language'] == 'de', 'a field is lost')
    expect(came.leaf('text/plain').get_content().strip() == 'gr\u00fcn', '')
    expect(came.leaf('text/html').get_content().strip() ==
           '<p>gr\u00fcn</p>', '')


def a_better_text_takes_the_place_of_a_poor_one(world):
    made = winmail.message(body='gr\u00fcn', props=())
    came = send(world, multipart(text_part('gr?n\r\n'), winmail_part(made)))
    expect(came.shape() == 'plain', came.shape())
    expect(came.leaf('text/plain').get_content().strip() == 'gr\u00fcn',
           came.entity)
    came = send(world, multipart(text_part(' \r\n'), winmail_part(made)))
    expect(came.leaf('text/plain').get_content().strip() == 'gr\u00fcn',
           came.entity)


def a_body_that_is_html_already_stays_alone(world):
    body = multipart(text_part(), text_part('<p>x</p>', 'text/html'),
                     kind='alternative', boundary='=_inner')
    made = winmail.message(winmail.image('a.png', PNG, 'one@x'),
                           props=winmail.html('<img src="cid:one@x">'))
    came = send(world, multipart(body, winmail_part(made)))
    expect(came.shape() == 'related(alternative(plain,html),png)',
           came.shape())
    expect(body in came.entity, 'the part has changed')


def other_parts_stay_byte_for_byte(world):
    before = lines('Content-Type: X-odd/y ; a = b', 'X-Odd:  z', '') + b'  --q'
    after = text_part('a footer\r\n')
    came = send(world, multipart(
        text_part(), before, winmail_part(
            winmail.message(winmail.file('a.bin', b'1'))), after))
    expect(came.shape() == 'mixed(plain,y,octet-stream,plain)', came.shape())
    expect(b'\r\n' + before + b'\r\n--' in came.entity, 'before has changed')
    expect(after + b'\r\n--' in came.entity, 'after has changed')


def the_image_has_its_id_and_place(world):
    came = send(world, beside_text(SHAPES['images_stand_with_the_html'][0]))
    image = came.leaf('image/png')
    expect(image['Content-ID'] == '<one@x>', image['Content-ID'])
    expect(image.get_content_disposition() == 'inline', image)
    expect(image.get_payload(decode=True) == PNG, 'other bytes')


def an_inner_message_has_its_fields(world):
    inner = winmail.message(
        subject='gr\u00fcn', body='inside', props=[
            winmail.prop(0x0042, winmail.UNICODE, 'Ann M\u00fcller'),
            winmail.prop(0x0064, winmail.UNICODE, 'SMTP'),
            winmail.prop(0x0065, winmail.UNICODE, 'ann@example.net'),
            winmail.prop(0x0039, winmail.TIME, 1700000000)])
    came = send(world, beside_text(winmail.message(
        winmail.embedded('inner', inner))))
    part = came.leaf('message/rfc822').get_payload()[0]
    expect(part['Subject'] == 'gr\u00fcn', part['Subject'])
    expect('ann@example.net' in part['From'], part['From'])
    expect(part['From'].addresses[0].display_name == 'Ann M\u00fcller',
           part['From'])
    expect(part['Date'].datetime.timestamp() == 1700000000, part['Date'])


def a_winmail_in_a_forwarded_message_is_unpacked(world):
    inner = lines('From: y@z', 'Subject: inner', 'MIME-Version: 1.0') + \
        beside_text(winmail.message(winmail.file('a.bin', b'1')), '=_inner')
    came = send(world, multipart(
        text_part(), lines('Content-Type: message/rfc822', '') + inner))
    expect(came.shape() == 'mixed(plain,rfc822(mixed(plain,octet-stream)))',
           came.shape())
    part = came.leaf('message/rfc822').get_payload()[0]
    expect(part['Subject'] == 'inner' and part['From'] == 'y@z', part)
    expect(b'\r\na preamble\r\n' in came.entity, 'the outside has changed')


def other_names_and_types_are_found(world):
    made = winmail.message(winmail.file('a.bin', b'1'))
    for kind in ('application/vnd.ms-tnef', 'APPLICATION/MS-TNEF',
                 'application/octet-stream; name=WINMAIL.DAT',
                 'application/octet-stream'):
        came = send(world, multipart(text_part(), winmail_part(made, kind)))
        expect(came.files() == [('a.bin', b'1')], kind)


def a_winmail_in_a_signature_is_not_touched(world):
    inside = multipart(text_part(), winmail_part(
        winmail.message(winmail.file('a.bin', b'1'))))
    signature = lines('Content-Type: application/pkcs7-signature',
                      'Content-Transfer-Encoding: base64', '', 'MAA=')
    signed = multipart(
        inside, signature, boundary='=_signed',
        kind='signed; protocol="application/pkcs7-signature"')
    came = send(world, multipart(text_part(), signed, boundary='=_around'))
    expect(signed in came.entity, 'it has changed')
    expect('did=sign ' in came.log, came.log)


def any_rule_that_asks_for_it_is_enough(world):
    entity = beside_text(winmail.message(winmail.file('a.bin', b'1')))
    for sender, recipients, wanted in (
            (CAROL, [STRANGER], 'did=sign '),
            (CAROL, [PAULA], 'did=unpack,sign,encrypt '),
            (CAROL, [PAULA, PETRA], 'did=unpack,sign,encrypt '),
            ('y@z', [PETRA, PAULA], 'did=unpack,encrypt '),
            (ALICE, [STRANGER], 'did=unpack,sign ')):
        came = send(world, entity, sender, recipients)
        expect(wanted in came.log, came.log)
        expect((came.files() == [('a.bin', b'1')]) == ('unpack' in wanted),
               came.shape())


def a_mail_that_no_rule_protects_stays_as_it_is(world):
    entity = beside_text(winmail.message(winmail.file('a.bin', b'1')))
    for sender in ('y@z', 'noone@example.com'):
        came = send(world, entity, sender)
        expect(came.message == mail(entity, sender), 'it has changed')
        expect('did=nothing' in came.log, came.log)


# ---- what is broken ----

def broken():
    good = winmail.message(winmail.file('a.bin', b'1' * 1000),
                           winmail.file('b.bin', b'2' * 1000))
    yield 'cut_off', good[:-700]
    yield 'not_tnef', b'this is nothing'
    yield 'empty', b''
    yield 'a_length_of_4_gb', good[:26] + b'\xff' * 4 + good[30:]
    yield 'cut_in_the_header', good[:20]


def a_broken_one_is_kept_and_signed(world, octets):
    part = winmail_part(octets)
    for entity in (multipart(text_part(), part), part):
        came = send(world, entity)
        expect(re.search(NOTE, came.log), came.log)
        kept = [o for n, o in came.files() if n == 'winmail.dat']
        expect(kept == [octets], 'kept: %s of %s' % (
            list(map(len, kept)), came.shape()))
        expect('sign ' in came.log, came.log)


def what_could_be_read_stands_beside_it(world):
    good = winmail.message(winmail.file('a.bin', b'1' * 1000),
                           winmail.file('b.bin', b'2' * 1000))
    came = send(world, beside_text(good[:-700]))
    expect(('a.bin', b'1' * 1000) in came.files(), came.shape())


def or_nothing_stands_beside_it(world):
    good = winmail.message(winmail.file('a.bin', b'1' * 1000),
                           winmail.file('b.bin', b'2' * 1000))
    came = send(world, beside_text(good[:-700]))
    expect(came.shape() == 'mixed(plain,ms-tnef)', came.shape())
    expect(re.search(NOTE, came.log), came.log)
    expect(b'\r\na preamble\r\n' in came.entity, 'it has changed')


def broken_base64_is_left(world):
    part = winmail_part(winmail.message(winmail.file('a.bin', b'1')))
    part = part[:-6] + b'?!\r\n'
    came = send(world, multipart(text_part(), part))
    expect(re.search(NOTE, came.log), came.log)
    expect(came.shape() == 'mixed(plain,ms-tnef)', came.shape())


def damaged(good):
    """Cut off anywhere; each byte changed but for those that say what an
    attribute is and how long, which nothing vouches for."""
    for at in range(0, len(good), 4):
        yield 'cut at %d' % at, good[:at]
    for start, data, end in winmail.frames(good):
        for at in (start, *range(data, end + 2, 4)):
            yield 'changed at %d' % at, good[:at] + bytes(
                [good[at] ^ 0xff]) + good[at + 1:]


def whatever_is_damaged_the_rest_or_all_arrives(world):
    file = b'1' * 40
    good = winmail.message(winmail.file('a.bin', file), body='x', props=HTML)
    for what, octets in damaged(good):
        came = send(world, beside_text(octets))
        expect('sign ' in came.log, came.log)
        files = [content for _, content in came.files()]
        expect(octets in files or file in files or file not in octets and
               len(octets) != len(good) or 40 in map(len, files),
               '%s: %s\n%s' % (what, came.shape(), came.log))


def it_is_explained(world):
    path = world.write('message', mail(beside_text(winmail.message(
        winmail.file('a.bin', b'1'), props=HTML)), ALICE))
    status, printed, problems = world.ctl(
        'test', '-f', ALICE, '-t', STRANGER, path)
    expect(status == 0, problems)
    expect('did=unpack,sign' in printed, printed)
    expect('winmail.dat: bodies: 1, other items: 1' in printed, printed)


# ---- other people's ----

def corpora():
    root = os.environ.get('SMIME_CORPORA', '')
    for path in sorted(glob.glob(root + '/tnef-*/**/*.tnef', recursive=True) +
                       glob.glob(root + '/tnef-*/**/winmail.dat',
                                 recursive=True)):
        yield os.path.relpath(path, root), path


def expected_files(root):
    """name in any spelling -> possible bytes"""
    found = {}
    for path in glob.glob(root + '/tnef-*/**', recursive=True):
        if os.path.isfile(path) and not path.endswith(
                ('.tnef', '.list', '.txt')):
            name = os.path.basename(path)
            name = name[:-9] if name.endswith('.baseline') else name
            with open(path, 'rb') as file:
                found.setdefault(plain_name(name), []).append(file.read())
    return found


def plain_name(name):
    return re.sub(r'[^a-z0-9.]', '_', name.lower())


def names_of(root, path):
    """What another reader has found in that sample."""
    with open(root + '/EXPECTED.tsv', encoding='utf-8') as file:
        for line in file:
            found = re.match(r'(\S+)\t.* att=(\[.*?\])', line)
            if found and path == os.path.join(root, found[1]):
                return ast.literal_eval(found[2])
    return []


def a_sample_gives_its_attachments(world, path, expected):
    with open(path, 'rb') as file:
        octets = file.read()
    came = send(world, beside_text(octets))
    files = [(plain_name(part.get_filename() or ''),
              part.get_payload(decode=True)) for part in came.email.walk()
             if part.get_content_disposition()]
    for name, content in files:
        wanted = expected.get(name)
        # Some keep the 16 bytes in front that say what an OLE object is.
        if wanted and name not in ('message.rtf', 'winmail.dat'):
            expect(content in wanted or content in [w[16:] for w in wanted],
                   '%s has other bytes (%d)' % (name, len(content)))
    for name in names_of(os.environ['SMIME_CORPORA'], path):
        expect(plain_name(name) in [n for n, _ in files],
               'no %s in %s' % (name, came.shape()))


TESTS = [
    attachments_are_the_same_bytes,
    a_mail_that_is_nothing_but_a_winmail_is_unpacked,
    a_better_text_takes_the_place_of_a_poor_one,
    a_body_that_is_html_already_stays_alone, other_parts_stay_byte_for_byte,
    the_image_has_its_id_and_place, an_inner_message_has_its_fields,
    a_winmail_in_a_forwarded_message_is_unpacked,
    other_names_and_types_are_found, a_winmail_in_a_signature_is_not_touched,
    any_rule_that_asks_for_it_is_enough,
    a_mail_that_no_rule_protects_stays_as_it_is,
    what_could_be_read_stands_beside_it, broken_base64_is_left,
    whatever_is_damaged_the_rest_or_all_arrives, it_is_explained,
]


def ends_well(world):
    status = world.stop()
    expect(status == 0, 'the daemon ended with %s' % status)
    expect(not COMPLAINT.search(world.log()), world.log()[-3000:])


def no_corpora():
    raise Skip('SMIME_CORPORA is not here')


def run(tally, world):
    for name in SHAPES:
        if tally.wants(name):
            tally.run(name, a_shape, world, name)
    for test in TESTS:
        if tally.wants(test.__name__):
            tally.run(test.__name__, test, world)
    for name, octets in broken():
        if tally.wants('broken_' + name):
            tally.run('broken_' + name, a_broken_one_is_kept_and_signed, world,
                      octets)
    samples = list(corpora())
    expected = expected_files(os.environ.get('SMIME_CORPORA', ''))
    for name, path in samples:
        if tally.wants('sample_' + name):
            tally.run('sample_' + name, a_sample_gives_its_attachments, world,
                      path, expected)
    if not samples:
        tally.run('samples', no_corpora)


def main():
    tally = Tally(words())
    world = World()
    try:
        world.start(RULES)
        run(tally, world)
        ends_well(world)
        world.start(RULES + 'tnef_broken = "instead";\n')
        tally.run('or_nothing_stands_beside_it', or_nothing_stands_beside_it,
                  world)
        tally.run('end', ends_well, world)
    finally:
        world.close()
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
