#!/usr/bin/env python3
"""oracle.py [COUNT]: how long the daemon takes to answer a mail that opens and
ones that do not, in every way there is (medians; microseconds).  What differs
here a stranger may measure; SECURITY says what that is worth to him."""
import os
import statistics
import struct
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, TOP + '/test/flow')

from harness import COMMON, World  # noqa: E402
from inbound_mails import (BOB, PAULA, TEXT, Maker, broken_envelopes,  # noqa: E402
                           pkcs7_mime)
from milter_client import NR_CONN, Client  # noqa: E402

RULES = '''
inbound = ( { recipient = "*@example.com"; keys = "staff"; } );
report = { authserv_id = "mx.example.com"; };
limits = { decrypt_failures = 1000000; };
'''


def microseconds(client, entity):
    """From the end of the mail to the verdict."""
    head, _, body = entity.partition(b'\r\n\r\n')
    fields = [line.partition(b': ')[::2]
              for line in head.replace(b'\r\n\t', b' ').split(b'\r\n')]
    client.mail(PAULA.encode())
    client.recipient(BOB.encode())
    client.fields((b'From', PAULA.encode()), (b'Subject', b'x'), *fields)
    for at in range(0, len(body), 65535):
        client.body(body[at:at + 65535])
    start = time.perf_counter()
    client.end()
    return (time.perf_counter() - start) * 1e6


def measure(world, mails, count):
    """Turn by turn, so that a busy moment does not befall one kind alone."""
    client = Client(world.socket)
    client.ask(b'C', b'host\0' b'4' + struct.pack('>H', 4711) +
               b'192.0.2.1\0', NR_CONN)
    took = {label: [] for label in mails}
    for _ in range(count):
        for label, entity in mails.items():
            took[label].append(microseconds(client, entity))
    client.close()
    return {label: statistics.median(all) for label, all in took.items()}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    world = World()
    try:
        make = Maker(world)
        world.start(RULES, COMMON)
        for size in (0, 1 << 20):
            text = TEXT + b'x' * 62 * (size > 0) + b'\r\n' + (
                b'x' * 62 + b'\r\n') * (size // 64)
            mails = {'opens, CBC': make.encrypted(text),
                     'opens, GCM': make.encrypted(text, ('bob',),
                                                  '-aes-256-gcm'),
                     'opens, signed inside': make.encrypted(
                         make.detached(text))}
            for label, der in broken_envelopes(make, text):
                mails[label] = pkcs7_mime(der, 'enveloped-data')
            print('a text of %d bytes, %d times each' % (len(text), count))
            for label, median in measure(world, mails, count).items():
                print('  %-28s %7.0f' % (label, median))
            count = max(count // 10, 10)
    finally:
        world.close()


if __name__ == '__main__':
    main()
