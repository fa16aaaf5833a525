#!/usr/bin/env python3
"""tnef_ctl_test.py [-v] [WORD]...: smimectl tnef shows what a winmail.dat
holds, alone or in a mail, and writes it to files and as a mail."""
import base64
import email
import email.policy
import hashlib
import json
import os
import sys

import winmail
from harness import expect, in_a_world, run_each

PNG = b'\x89PNG made up'
INNER = winmail.message(winmail.file('inner.bin', b'inner bytes'),
                        subject='within', body='inner text')


def sample(*more):
    return winmail.message(
        winmail.file('grün.txt', b'green'),
        winmail.image('pic.png', PNG, 'pic@example.com'),
        winmail.embedded('within', INNER), *more, subject='made up',
        props=winmail.html('<img src="cid:pic@example.com">'))


def mail_with(octets):
    return ('From: alice@example.com\r\nTo: bob@example.com\r\n'
            'Subject: outside\r\nMIME-Version: 1.0\r\n'
            'Content-Type: multipart/mixed; boundary=x\r\n\r\n'
            '--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n'
            '--x\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n'
            'Content-Transfer-Encoding: base64\r\n\r\n').encode() + (
                base64.encodebytes(octets).replace(b'\n', b'\r\n') +
                b'--x--\r\n')


def tnef(world, octets, *options, code=0):
    path = world.write('winmail.dat', octets)
    got, out, err = world.ctl('tnef', *options, path)
    expect(got == code, 'exit code %d\n%s%s' % (got, out, err))
    return out, err


def answer(world, octets, code=0):
    return json.loads(tnef(world, octets, '--json', code=code)[0])


def extracted(world, octets, name='out'):
    folder = world.path(name)
    tnef(world, octets, '-x', folder)
    found = {}
    for file in os.listdir(folder):
        with open(os.path.join(folder, file), 'rb') as stream:
            found[file] = stream.read()
    return found


def it_says_what_is_in_it(world):
    out = tnef(world, sample())[0]
    for wanted in ('class: IPM.Note', 'subject: made up', 'body: text/html',
                   '"grün.txt"', 'image/png', '<pic@example.com>, inline',
                   'message: ', '"inner.bin"'):
        expect(wanted in out, '%s is missing:\n%s' % (wanted, out))


def it_says_it_to_programs(world):
    for octets in (sample(), mail_with(sample())):
        got = answer(world, octets)
        expect(got['class'] == 'IPM.Note' and got['problems'] == [], got)
        kinds = [item['kind'] for item in got['items']]
        expect(kinds == ['body', 'attachment', 'attachment', 'message'],
               kinds)
        image = got['items'][2]
        expect(image['name'] == 'pic.png' and image['type'] == 'image/png' and
               image['content_id'] == 'pic@example.com', image)
        expect(image['bytes'] == len(PNG) and
               image['sha256'] == hashlib.sha256(PNG).hexdigest(), image)
        inner = got['items'][3]['message']
        expect(inner['items'][1]['name'] == 'inner.bin', inner)


def everything_becomes_a_file(world):
    for number, octets in enumerate((sample(), mail_with(sample()))):
        found = extracted(world, octets, 'out%d' % number)
        expect(sorted(found) == [
            'body.html', 'grün.txt', 'pic.png', 'within.eml'], found)
        expect(found['grün.txt'] == b'green' and found['pic.png'] == PNG,
               found)
        inner = email.message_from_bytes(found['within.eml'],
                                         policy=email.policy.default)
        expect(inner['subject'] == 'within', found['within.eml'])
        expect([part.get_content() for part in inner.iter_attachments()] == [
            b'inner bytes'], found['within.eml'])


def two_of_one_name_are_two_files(world):
    octets = winmail.message(*(
        winmail.file('a.txt', b'%d' % i) for i in range(3)))
    found = extracted(world, octets)
    expect(found == {'a.txt': b'0', 'a (2).txt': b'1', 'a (3).txt': b'2'},
           found)
    again = extracted(world, octets)
    expect(again['a.txt'] == b'0' and again['a (6).txt'] == b'2', again)


def no_name_leads_out_of_the_folder(world):
    names = ('../../evil', '/etc/evil', '..', '.', 'C:\\evil', '.profile',
             '-rf', 'a/../../b', 'x' * 3000 + '.txt', 'ü' * 300, 'nul\nline')
    octets = winmail.message(*(
        winmail.file(name, b'x', title=False) for name in names))
    before = set(os.listdir(world.path('.')))
    found = extracted(world, octets)
    expect(len(found) == len(names), found)
    expect(all(name[0] not in '.-' for name in found), found)
    after = set(os.listdir(world.path('.')))
    expect(after - before <= {'out', 'winmail.dat'}, after)


def no_link_is_followed(world):
    os.mkdir(world.path('out'))
    os.symlink(world.path('target'), world.path('out/a.txt'))
    found = world.path('out')
    tnef(world, winmail.message(winmail.file('a.txt', b'x')), '-x', found)
    expect(not os.path.exists(world.path('target')), 'followed')
    expect(os.path.exists(world.path('out/a (2).txt')), os.listdir(found))


def it_becomes_a_mail(world):
    tnef(world, sample(), '-o', world.path('mail'))
    alone = email.message_from_bytes(world.read('mail'),
                                     policy=email.policy.default)
    tnef(world, mail_with(sample()), '-o', world.path('mail'))
    whole = email.message_from_bytes(world.read('mail'),
                                     policy=email.policy.default)
    expect(alone['subject'] == 'made up', alone)
    expect(whole['subject'] == 'outside' and
           whole['to'] == 'bob@example.com', whole)
    for message in (alone, whole):
        names = [part.get_filename() for part in message.walk()]
        expect('grün.txt' in names and 'pic.png' in names and
               'winmail.dat' not in names, names)


def what_is_no_tnef_is_a_no(world):
    for octets in (b'', b'hello', mail_with(b'no TNEF at all'),
                   b'Subject: x\r\n\r\nhello\r\n'):
        err = tnef(world, octets, code=1)[1]
        expect('neither a winmail.dat nor a mail with one' in err, err)
    code = world.ctl('tnef', world.path('not there'))[0]
    expect(code == 3, code)
    code = world.ctl('tnef')[0]
    expect(code == 2, code)


def what_is_lost_is_said(world):
    got = answer(world, sample()[:-40], code=1)
    expect(not got['complete'] and got['problems'], got)
    expect(got['items'][1]['name'] == 'grün.txt', got)
    err = tnef(world, sample()[:-40], code=1)[1]
    expect('cut off' in err, err)


TESTS = [
    it_says_what_is_in_it,
    it_says_it_to_programs,
    everything_becomes_a_file,
    two_of_one_name_are_two_files,
    no_name_leads_out_of_the_folder,
    no_link_is_followed,
    it_becomes_a_mail,
    what_is_no_tnef_is_a_no,
    what_is_lost_is_said,
]


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
