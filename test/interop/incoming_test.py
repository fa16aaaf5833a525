#!/usr/bin/env python3
"""incoming_test.py [-v] [WORD]...: mail that comes in, made by openssl, gpgsm,
NSS and Bouncy Castle in every way they can, through the daemon: decrypted,
verified, reported.  A maker that is not here is a skip."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'flow')]

from cms_judge import Fail, Skip as NotHere  # noqa: E402
from cms_makers import ADDRESS, MAKERS  # noqa: E402
from harness import COMPLAINT, Skip, Tally, World, expect, words  # noqa: E402
from inbound_mails import (TEXT, body_of, header, multipart_signed,  # noqa: E402
                           pkcs7_mime)
from inbound_test import send, untouched, verdict_is  # noqa: E402

RULES = '''
inbound = ( { name = "house"; recipient = "*@example.com"; keys = "staff"; } );
report = { authserv_id = "mx.example.com"; };
'''


def signed(maker, form, way):
    der = maker.sign(TEXT, form, way)
    return multipart_signed(TEXT, der) if form == 'detached' else \
        pkcs7_mime(der, 'signed-data')


def encrypted(maker, entity, way):
    return pkcs7_mime(maker.encrypt(entity, way), 'enveloped-data')


def passes(got, signer, level):
    verdict_is(got, 'pass')
    expect('body.smime-identifier=' + ADDRESS[signer] in got.results()[0],
           'identifier: %s' % got.results())
    for name in ('Verified', 'Trusted'):
        expect(got.field('Signer-%s-0%s' % (name, level)) == 'True', name)


def is_verified(world, maker, form, way):
    message = header(ADDRESS[way[0]]) + signed(maker, form, way)
    got = send(world, message, sender=ADDRESS[way[0]])
    passes(got, way[0], '-0')
    untouched(got, message)


def is_opened(world, maker, way):
    to = ADDRESS[way[0]]
    got = send(world, header(to=to) + encrypted(maker, TEXT, way), to=[to])
    verdict_is(got, 'none')
    expect(body_of(got.message) == body_of(TEXT), got.log)
    expect(got.field('Encryption-Algorithm-0'), 'no algorithm')


def is_opened_and_verified(world, maker, form, signing, encrypting):
    sender, to = ADDRESS[signing[0]], ADDRESS[encrypting[0]]
    inner = signed(maker, form, signing)
    got = send(world, header(sender, to) +
               encrypted(maker, inner, encrypting), to=[to], sender=sender)
    passes(got, signing[0], '-1')
    expect(body_of(got.message) == body_of(inner), got.log)


def cases(maker):
    """A word for each, and what has to be true."""
    def word(way):
        return ' '.join(way)

    for way in maker.SIGNING:
        for form in ('detached', 'opaque'):
            yield form + ' ' + word(way), is_verified, (form, way)
    for way in maker.ENCRYPTING:
        yield word(way), is_opened, (way,)
    for i in range(max(len(maker.SIGNING), len(maker.ENCRYPTING))):
        signing = maker.SIGNING[i % len(maker.SIGNING)]
        encrypting = maker.ENCRYPTING[i % len(maker.ENCRYPTING)]
        form = ('detached', 'opaque')[i % 2]
        yield '%s %s in %s' % (form, word(signing), word(encrypting)), \
            is_opened_and_verified, (form, signing, encrypting)


def run_maker(tally, world, kind):
    name = kind.__name__.lower()
    try:
        maker = kind(world.pki, world.path(name))
    except NotHere as why:
        def is_here(why=why):
            raise Skip(why)
        tally.run(name, is_here)
        return

    def try_one(test, arguments):
        try:
            test(world, maker, *arguments)
        except Fail as why:
            raise OSError('%s does not make it: %s' % (name, why)) from why
    try:
        for label, test, arguments in cases(maker):
            label = '%s: %s: %s' % (name, test.__name__, label)
            if tally.wants(label):
                tally.run(label, try_one, test, arguments)
    finally:
        maker.close()


def ends_well(world):
    expect(world.stop() == 0, 'the daemon did not end well')
    expect(not COMPLAINT.search(world.log()), world.log()[-3000:])


def main():
    tally = Tally(words())
    world = World()
    try:
        world.start(RULES)
        for kind in MAKERS:
            run_maker(tally, world, kind)
        tally.run('incoming (end)', ends_well, world)
    finally:
        world.close()
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
