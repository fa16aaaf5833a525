#!/usr/bin/env python3
"""run.py [NAME...]: all tests, or those with NAME in their name."""
import os
import shutil
import signal
import sys
import time
import traceback

import postfix_tests
import sendmail_tests
from judge import Skip, Wrong
from world import BUILD, World


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, mta, test, world):
        name = '%s: %s' % (mta, test.__name__)
        start = time.monotonic()
        try:
            test(world)
            self.passed += 1
            print('ok       %s (%.1f s)' % (name, time.monotonic() - start))
        except Skip as why:
            self.skip(mta, [test], why)
        except Wrong as wrong:
            self.failed += 1
            print('FAILED   %s: %s' % (name, wrong))
        except Exception:
            self.failed += 1
            print('FAILED   %s' % name)
            traceback.print_exc()
        sys.stdout.flush()

    def skip(self, mta, tests, why):
        self.skipped += len(tests)
        for test in tests:
            print('skipped  %s: %s: %s' % (mta, test.__name__, why))

    def close(self):
        print('%d passed, %d failed, %d skipped' % (
            self.passed, self.failed, self.skipped))
        return self.failed > 0


def chosen(tests, words):
    return [t for t in tests if not words or
            any(word in t.__name__ for word in words)]


def missing():
    if not os.access(BUILD + '/smime-milter', os.X_OK):
        return 'the daemon is not built'
    if os.getuid() != 0:
        return 'Postfix starts for root only'
    for program in ('postfix', 'openssl'):
        if not shutil.which(program):
            return '%s is not here' % program
    return None


def alone(run_all):
    """A program of its own: run_all(count, words); the exit status."""
    count = Count()
    why = missing()
    if why:
        print('skipped: %s' % why)
        count.skipped = 1
    else:
        run_all(count, sys.argv[1:])
    return count.close()


def nothing_else_arrived(world):
    left = ['<%s> to %s' % (m.sender, m.recipients) for m in world.sink.mails]
    if left:
        raise Wrong('also delivered: %s' % ', '.join(left))


def run_all(count, words):
    mine = chosen(postfix_tests.TESTS, words)
    theirs = chosen(sendmail_tests.TESTS, words)
    why = missing()
    if why:
        count.skip('postfix', mine, why)
        count.skip('sendmail', theirs, why)
        return
    world = World(postfix_tests.RULES, postfix_tests.DOORS,
                  postfix_tests.SETTINGS, postfix_tests.TIGHT,
                  postfix_tests.LOGINS)
    try:
        for test in mine:
            count.run('postfix', test, world)
        why = world.add_sendmail() if theirs else None
        if why:
            count.skip('sendmail', theirs, why)
        else:
            for test in theirs:
                count.run('sendmail', test, world)
        count.run('both', nothing_else_arrived, world)
        if count.failed:
            show_logs(world)
    finally:
        left = world.close()

    def nothing_is_left_running(_):
        if left:
            raise Wrong(', '.join(left))
    count.run('both', nothing_is_left_running, None)


def show_logs(world):
    print('-- the daemon\n' + world.daemon.log()[-12000:])
    print('-- Postfix\n' + world.postfix.log()[-4000:])


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    count = Count()
    try:
        run_all(count, sys.argv[1:])
    except Exception:
        traceback.print_exc()
        count.failed += 1
    return count.close()


if __name__ == '__main__':
    sys.exit(main())
