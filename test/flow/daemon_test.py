#!/usr/bin/env python3
"""daemon_test.py [-v] [WORD]...: how the daemon starts, stops, reloads, and
what it does when somebody dies."""
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

from harness import (BUILD, COMMON, COMPLAINT, CTL, DAEMON, IS_ROOT, Skip,
                     World, Wrong, expect, run_each, wait_for)
from processes import descriptors, only_worker, status
from postfix import alive, wait_gone

ALICE, X = 'alice@example.com', 'x@elsewhere.example'
RULES = '''
sign = ( { name = "house"; sender = "*@example.com"; stores = "staff"; },
	{ name = "slow"; sender = "slow@elsewhere.example"; stores = "bob";
	  certificate = "sha256:@SHA256:bob@"; } );
'''
PLAIN = b'From: %s\r\nTo: x@elsewhere.example\r\n\r\nDear reader.\r\n'


def mail(world, sender=ALICE):
    return world.write('mail-' + sender, PLAIN % sender.encode())


def arguments(world, sender=ALICE):
    return ['-s', world.socket, '-f', sender, '-t', X, '-o',
            world.path('out')]


def send(world, sender=ALICE):
    """Must come back signed."""
    code, printed = world.sim(*arguments(world, sender), mail(world, sender))
    expect(code == 0, 'a mail got: ' + printed)
    expect(b'multipart/signed' in world.read('out'), 'a mail is not signed')


def free_port(family=socket.AF_INET, host='127.0.0.1'):
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


# ---- sockets and rights ----

def serves_a_unix_socket(world):
    world.start(RULES)
    send(world)
    mode = os.stat(world.path('milter.sock'))
    expect(stat.S_IMODE(mode.st_mode) == 0o600, 'mode %o' % mode.st_mode)


def serves_an_inet_socket(world):
    world.socket = 'inet:%d@127.0.0.1' % free_port()
    world.start(RULES)
    send(world)


def serves_an_inet6_socket(world):
    try:
        port = free_port(socket.AF_INET6, '::1')
    except OSError:
        raise Skip('no IPv6 here')
    world.socket = 'inet6:%d@::1' % port
    world.start(RULES)
    send(world)


def socket_has_the_group_and_mode_it_is_given(world):
    if not IS_ROOT:
        raise Skip('needs root')
    world.start(RULES, COMMON.replace(
        'mode = "0600"', 'mode = "0660"; group = "mail"'))
    found = os.stat(world.path('milter.sock'))
    expect(stat.S_IMODE(found.st_mode) == 0o660, 'mode %o' % found.st_mode)
    import grp
    expect(grp.getgrgid(found.st_gid).gr_name == 'mail', 'not its group')


def an_old_socket_file_is_replaced(world):
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(world.path('milter.sock'))
    world.start(RULES)
    send(world)


def root_is_given_up_for_good(world):
    if not IS_ROOT:
        raise Skip('needs root')
    world.start(RULES)
    found = status(only_worker(world.daemon))
    nobody = str(pwd.getpwnam('nobody').pw_uid)
    expect(found['Uid'] == [nobody] * 4, 'Uid %s' % found['Uid'])
    expect('0' not in found['Gid'] + found['Groups'], 'a group of root')
    for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
        expect(int(found[name][0], 16) == 0, '%s %s' % (name, found[name]))
    expect(found['NoNewPrivs'] == ['1'], 'it may gain privileges')


def works_without_root(world):
    if not IS_ROOT:
        world.start(RULES)
        send(world)
        return
    if not shutil.which('runuser'):
        raise Skip('no runuser here')
    world.configure(RULES)
    for path, folders, files in os.walk(world.folder):
        for name in ['.'] + files:
            shutil.chown(os.path.join(path, name), 'nobody')
    log = open(world.path('daemon.log'), 'ab')
    own = subprocess.Popen(
        ['runuser', '-u', 'nobody', '--', DAEMON, '-f', '-c',
         world.path('smime-milter.conf')], stdout=log, stderr=log)
    log.close()
    try:
        wait_for(lambda: 'started' in world.log() or own.poll() is not None,
                 30, 'the start')
        expect(own.poll() is None, 'it ended: ' + world.log())
        send(world)
    finally:
        pid = int(world.read('smime-milter.pid').decode().split()[0])
        os.kill(pid, signal.SIGTERM)
        expect(own.wait(60) == 0, 'it ended with %s' % own.returncode)


# ---- processes ----

def runs_in_the_background(world):
    world.configure(RULES, COMMON.replace('to = "stderr"', 'to = "syslog"'))
    done = subprocess.run(
        [DAEMON, '-c', world.path('smime-milter.conf')],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, timeout=60)
    expect(done.returncode == 0, 'exit status %d' % done.returncode)
    pid = int(world.read('smime-milter.pid').decode().split()[0])
    try:
        send(world)
    finally:
        os.kill(pid, signal.SIGTERM)
    expect(wait_gone(pid, 30), 'it does not end')
    expect(not os.path.exists(world.path('milter.sock')) or
           not answers(world), 'the socket still answers')


def answers(world):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(world.path('milter.sock'))
            return True
        except OSError:
            return False


def a_second_daemon_does_not_start(world):
    world.start(RULES)
    done = subprocess.run(
        [DAEMON, '-f', '-c', world.path('smime-milter.conf')],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    expect(done.returncode == 1, 'exit status %d' % done.returncode)
    send(world)


def a_killed_worker_is_replaced(world):
    world.start(RULES)
    send(world)
    worker = only_worker(world.daemon)
    os.kill(worker, signal.SIGKILL)
    only_worker(world.daemon, worker)
    send(world)


def a_killed_parent_takes_its_worker_along(world):
    world.start(RULES)
    worker = only_worker(world.daemon)
    session = world.sim_begin(
        *arguments(world), '--wait', 'eob:' + world.path('go'), mail(world))
    expect('WAITING' in session.stdout.readline(), 'it does not wait')
    world.daemon.process.kill()
    world.daemon.process.wait()
    world.write('go', b'')
    told = session.communicate(timeout=60)[0]
    expect(session.returncode == 0, 'the mail in work got: ' + told)
    expect(wait_gone(worker, 30), 'the worker lives on')
    world.daemon = None
    world.start(RULES)
    send(world)


def slow_mail(world):
    """In work now, and for a second or three."""
    session = world.sim_begin(*arguments(world, 'slow@elsewhere.example')[:-1],
                              world.path('slow.out'),
                              mail(world, 'slow@elsewhere.example'))
    time.sleep(0.3)
    return session


def the_stop_waits_for_a_mail_in_work(world):
    os.environ['SMIME_MILTER_TEST_DELAY'] = '2:slow'
    try:
        world.start(RULES)
    finally:
        del os.environ['SMIME_MILTER_TEST_DELAY']
    session = slow_mail(world)
    expect(world.stop() == 0, 'not a clean end')
    told = session.communicate(timeout=60)[0]
    expect(session.returncode == 0, 'the mail in work got: ' + told)
    expect(b'multipart/signed' in world.read('slow.out'), 'it is not signed')


def a_small_mail_ends_before_a_slow_one(world):
    os.environ['SMIME_MILTER_TEST_DELAY'] = '3:slow'
    try:
        world.start(RULES)
    finally:
        del os.environ['SMIME_MILTER_TEST_DELAY']
    slow = [slow_mail(world) for _ in range(2)]
    for _ in range(20):
        send(world)
    expect(all(s.poll() is None for s in slow),
           'the slow ones had ended before the small ones')
    for session in slow:
        told = session.communicate(timeout=60)[0]
        expect(session.returncode == 0, 'a slow mail got: ' + told)


# ---- reload ----

def a_reload_takes_the_new_rules(world):
    world.start('sign = ( );')
    code, printed = world.sim(*arguments(world), mail(world))
    expect(code == 0 and b'multipart' not in world.read('out'), printed)
    worker = only_worker(world.daemon)
    world.configure(RULES)
    code, out, err = world.ctl('reload')
    expect(code == 0, 'reload says %d: %s%s' % (code, out, err))
    send(world)
    only_worker(world.daemon, worker)


STAGES = ('helo', 'mail', 'rcpt', 'data', 'header', 'eoh', 'body', 'eob')


def sessions_between_two_commands_survive_a_reload(world):
    world.start(RULES)
    path = mail(world)
    old = only_worker(world.daemon)
    sessions = {}
    for stage in STAGES:
        sessions[stage] = world.sim_begin(
            '-s', world.socket, '-f', ALICE, '-t', X, '-o',
            world.path('out-' + stage), '--wait',
            '%s:%s' % (stage, world.path('go')), path)
        expect('WAITING' in sessions[stage].stdout.readline(), 'no wait')
    for _ in range(3):
        code, out, err = world.ctl('reload')
        expect(code == 0, 'reload says %d: %s%s' % (code, out, err))
    send(world)
    expect(alive(old), 'the old worker has left its sessions')
    world.write('go', b'')
    for stage, session in sessions.items():
        told = session.communicate(timeout=60)[0]
        expect(session.returncode == 0, 'before %s: %s' % (stage, told))
        expect(b'multipart/signed' in world.read('out-' + stage),
               'before %s: not signed' % stage)
    only_worker(world.daemon, old)


def a_bad_file_leaves_the_old_rules_at_work(world):
    world.start(RULES)
    worker = only_worker(world.daemon)
    with open(world.path('smime-milter.conf'), 'a') as out:
        out.write('sign = (;\n')
    code, out, err = world.ctl('reload')
    expect(code == 1 and re.search(r'smime-milter.conf:\d+: ', out + err),
           'reload says %d: %s%s' % (code, out, err))
    world.daemon.reload()
    wait_for(lambda: re.search(r'smime-milter.conf:\d+: ', world.log()), 10,
             'the problem in the log')
    send(world)
    expect(only_worker(world.daemon) == worker, 'another worker is at work')
    expect(alive(worker), 'the worker is gone')


def a_store_that_breaks_leaves_the_old_rules_at_work(world):
    world.start(RULES)
    worker = only_worker(world.daemon)
    os.rename(world.path('pki/alice.p12'), world.path('pki/gone'))
    code, out, err = world.ctl('reload')
    expect(code == 1, 'reload says %d: %s%s' % (code, out, err))
    send(world)
    expect(only_worker(world.daemon) == worker, 'another worker is at work')


def a_reload_leaves_no_descriptor(world):
    world.start(RULES)
    send(world)
    for _ in range(2):
        world.ctl('reload')
    worker = only_worker(world.daemon)
    parent = world.daemon.process.pid
    before = descriptors(parent), descriptors(worker)
    for _ in range(10):
        code, out, err = world.ctl('reload')
        expect(code == 0, 'reload says %d: %s%s' % (code, out, err))
    worker = only_worker(world.daemon, worker)
    wait_for(lambda: (descriptors(parent), descriptors(worker)) <= before, 10,
             'the descriptors to be as before')


def the_control_socket_answers(world):
    world.start(RULES)
    for _ in range(3):
        send(world)
    code, out, err = world.ctl('status')
    expect(code == 0 and out, 'status says %d: %s' % (code, err))
    code, out, err = world.ctl('metrics')
    expect(code == 0 and out.rstrip().endswith('# EOF'), 'no OpenMetrics')
    expect(re.search(r'signed\S* 3\b', out), 'no 3 signed mails: ' + out)
    world.ctl('reload')
    expect(re.search(r'signed\S* 3\b', world.ctl('metrics')[1]),
           'a reload forgets the counters')
    for level in ('error', 'debug'):
        code, out, err = world.ctl('log', level)
        expect(code == 0, 'log %s says %d: %s' % (level, code, err))


TESTS = [
    serves_a_unix_socket, serves_an_inet_socket, serves_an_inet6_socket,
    socket_has_the_group_and_mode_it_is_given, an_old_socket_file_is_replaced,
    root_is_given_up_for_good, works_without_root, runs_in_the_background,
    a_second_daemon_does_not_start, a_killed_worker_is_replaced,
    a_killed_parent_takes_its_worker_along, the_stop_waits_for_a_mail_in_work,
    a_small_mail_ends_before_a_slow_one, a_reload_takes_the_new_rules,
    sessions_between_two_commands_survive_a_reload,
    a_bad_file_leaves_the_old_rules_at_work,
    a_store_that_breaks_leaves_the_old_rules_at_work,
    a_reload_leaves_no_descriptor, the_control_socket_answers,
]


def in_a_world(test, *more):
    world = World()
    try:
        test(world, *more)
        status_ = world.stop()
        expect(status_ in (0, None), 'the daemon ended with %s' % status_)
        expect(not COMPLAINT.search(world.log()), world.log()[-3000:])
    except Wrong as why:
        raise Wrong('\n  '.join([str(why)] + world.log().splitlines()[-6:]))
    finally:
        world.close()


def main():
    expect(os.path.exists(CTL), '%s is missing' % BUILD)
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
