#!/usr/bin/env python3
"""load_test.py [-v] [WORD]...: many mails at once, with reloads, deaths and
misbehaving clients in between.  SMIME_LONG=1: in the numbers that the project
promises; otherwise fewer."""
import json
import os
import signal
import sys
import threading
import time

from daemon_test import RULES, in_a_world, send
from harness import MTASIM, expect, run_each, wait_for
from processes import descriptors, only_worker, resident_kib

IS_LONG = bool(os.environ.get('SMIME_LONG'))
MAILS = 16000 if IS_LONG else 3000
FIRST = 2000 if IS_LONG else MAILS // 2  # then memory is measured
RELOADS = 100 if IS_LONG else 12
MIX = ''.join('%s x@elsewhere.example signed %d\n' % (sender, size)
              for sender in ('alice@example.com', 'bob@example.com')
              for size in (400, 3000))


def load_arguments(world, mails, *more):
    path = world.write('mix', MIX.encode())
    return ['load', '-s', world.socket, '--mix', path, '-n', str(mails),
            '-c', '8', '-k', '7', '--check-signer', '--verify', '50',
            '--json', *more]


def judge(code, printed, mails):
    counts = json.loads(printed.splitlines()[0])
    expect(code == 0 and counts['signed'] == counts['mails'] and
           (mails is None or counts['mails'] == mails), printed)
    return counts


def load(world, mails, *more):
    code, printed = world.sim(*load_arguments(world, mails, *more),
                              timeout=1800)
    return judge(code, printed, mails)


def nobody_gets_another_ones_signature(world):
    """And memory stays where it is."""
    world.start(RULES)
    worker = only_worker(world.daemon)
    load(world, FIRST)
    before = resident_kib(worker)
    open_before = descriptors(worker)
    load(world, MAILS - FIRST)
    expect(only_worker(world.daemon) == worker, 'the worker was replaced')
    wait_for(lambda: descriptors(worker) <= open_before, 15,
             'the descriptors to be given back')
    after = resident_kib(worker)
    if '-v' in sys.argv:
        print('memory: %d KiB, then %d KiB' % (before, after))
    expect(is_sanitized() or after <= before * 1.05,
           '%d KiB after %d mails, %d KiB after %d' % (
               before, FIRST, after, MAILS))


def is_sanitized():
    with open(MTASIM, 'rb') as program:
        octets = program.read()
    return b'__asan_init' in octets or b'__tsan_init' in octets


class Load:
    """Mails by eight clients for as long as the block lasts."""

    def __init__(self, world, *more):
        self.world = world
        self.more = more

    def __enter__(self):
        self.session = self.world.sim_begin(*load_arguments(
            self.world, 10 ** 8, '--until', self.world.path('enough'),
            *self.more))
        time.sleep(0.3)
        return self

    def __exit__(self, kind, *_):
        self.world.write('enough', b'')
        printed = self.session.communicate(timeout=600)[0]
        os.unlink(self.world.path('enough'))
        if kind is None:
            self.counts = judge(self.session.returncode, printed, None)


def reloads_under_load_lose_nothing(world):
    world.start(RULES)
    send(world)
    world.ctl('reload')
    worker = only_worker(world.daemon)
    parent = world.daemon.process.pid
    before = descriptors(parent)
    with Load(world, '--pause', '4'):
        for done in range(RELOADS):
            code, out, err = world.ctl('reload')
            expect(code == 0, 'reload %d says %d: %s%s' % (
                done, code, out, err))
    only_worker(world.daemon, worker, 60)
    wait_for(lambda: descriptors(parent) <= before, 10,
             'the descriptors to be given back')


def sighups_under_load_lose_nothing(world):
    """Those that come during a reload are merged."""
    world.start(RULES)
    worker = only_worker(world.daemon)
    with Load(world, '--pause', '3'):
        for _ in range(100):
            world.daemon.reload()
            time.sleep(0.02)
    only_worker(world.daemon, worker, 60)


def a_worker_killed_under_load_loses_nothing(world):
    """The MTA tries again."""
    world.start(RULES)
    with Load(world, '--retry'):
        for _ in range(3):
            worker = only_worker(world.daemon)
            os.kill(worker, signal.SIGKILL)
            only_worker(world.daemon, worker)
            time.sleep(0.5)


def a_parent_killed_under_load_loses_nothing(world):
    world.start(RULES)
    worker = only_worker(world.daemon)
    with Load(world, '--retry'):
        expect(world.daemon.kill(), 'worker %d does not end' % worker)
        world.daemon = None
        world.start(RULES)
        time.sleep(0.5)


def a_stop_under_load_finishes_what_has_begun(world):
    """And the next daemon serves the rest."""
    world.start(RULES)
    with Load(world, '--retry'):
        expect(world.stop() == 0, 'not a clean end')
        world.start(RULES)
        time.sleep(0.5)


def misbehaving_clients_hurt_nobody(world):
    world.start('limits = { message = "1M"; };\n' + RULES)
    code, printed = world.sim(
        'fault', '-s', world.socket, '-f', 'alice@example.com', '-t',
        'paula@partner.example', '--signed', '--limit', '1048576', '--pid',
        str(world.daemon.process.pid), 'all', timeout=900)
    failed = [line for line in printed.splitlines()
              if line.startswith('FAILED')]
    expect(code == 0 and not failed, '\n  '.join(failed) or printed[-300:])


def misbehaving_clients_during_load(world):
    """The others notice nothing."""
    world.start('limits = { message = "1M"; };\n' + RULES)
    stop = threading.Event()

    def misbehave():
        while not stop.is_set():
            world.sim('fault', '-s', world.socket, '-f', 'alice@example.com',
                      '-t', 'paula@partner.example', 'garbage-header')
            world.sim('fault', '-s', world.socket, '-f', 'alice@example.com',
                      '-t', 'paula@partner.example', 'vanish-after-eob')

    other = threading.Thread(target=misbehave)
    other.start()
    try:
        load(world, MAILS // 3)
    finally:
        stop.set()
        other.join()


TESTS = [
    nobody_gets_another_ones_signature, reloads_under_load_lose_nothing,
    sighups_under_load_lose_nothing, a_worker_killed_under_load_loses_nothing,
    a_parent_killed_under_load_loses_nothing,
    a_stop_under_load_finishes_what_has_begun,
    misbehaving_clients_hurt_nobody, misbehaving_clients_during_load,
]


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
