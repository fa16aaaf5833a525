#!/usr/bin/env python3
"""daemon_review_test.py [-v] [WORD]...: what an MTA, a stranger or bad luck
may do to the daemon at an odd moment."""
import contextlib
import ctypes
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time

from daemon_test import ALICE, RULES, free_port, in_a_world, send
from harness import COMMON, DAEMON, IS_ROOT, Skip, expect, run_each, wait_for
from milter_client import FINAL, LEADSPC, MODERN, Client, Gone
from postfix import alive, wait_gone
from processes import only_worker

SLOW = b'slow@elsewhere.example'


def start_slow(world, seconds, common=None):
    os.environ['SMIME_MILTER_TEST_DELAY'] = '%s:slow' % seconds
    try:
        world.start(RULES, common)
    finally:
        del os.environ['SMIME_MILTER_TEST_DELAY']


def connected(world, protocol=MODERN):
    client = Client(world.socket, protocol)
    client.connect()
    return client


def is_signed(packets):
    return packets[-1][0] in b'ac' and any(
        command in b'bmih' and b'multipart/signed' in data
        for command, data in packets)


def reload(world):
    code, out, err = world.ctl('reload')
    expect(code == 0, 'reload says %d: %s%s' % (code, out, err))


# ---- a worker that ends ----

def listening_unix_names(pid):
    inodes = set()
    for name in os.listdir('/proc/%d/fd' % pid):
        with contextlib.suppress(OSError):
            found = re.match(r'socket:\[(\d+)\]', os.readlink(
                '/proc/%d/fd/%s' % (pid, name)))
            if found:
                inodes.add(found[1])
    names = []
    with open('/proc/net/unix') as table:
        for line in table:
            parts = line.split()
            if len(parts) > 7 and parts[6] in inodes and parts[3] == (
                    '00010000'):
                names.append(parts[7])
    return names


def strangers_reach_no_other_socket_of_a_worker(world):
    """Whoever can connect is believed to be the MTA."""
    if not IS_ROOT:
        raise Skip('needs root to look at the worker')
    world.start(RULES)
    names = listening_unix_names(only_worker(world.daemon))
    expect(world.path('milter.sock') in names, 'not looked at: %s' % names)
    open_to_all = [name for name in names if name.startswith('@') or (
        name != world.path('milter.sock') and os.path.exists(name))]
    expect(not open_to_all, 'also listens on %s' % open_to_all)


def small_before_slow_while_draining(world):
    start_slow(world, 3)
    old = only_worker(world.daemon)
    clients = [connected(world) for _ in range(3)]
    reload(world)
    expect(alive(old), 'the old worker is gone')
    for client in clients[:2]:
        expect(client.begin(SLOW) == b'c', 'not taken')
    clients[2].begin(ALICE.encode())
    for client in clients[:2]:
        client.send(b'E')
    for _ in range(5):
        expect(is_signed(clients[2].end()), 'a small mail is not signed')
        expect(clients[2].begin(ALICE.encode()) == b'c', 'not taken')
    expect(not any(client.has_answered() for client in clients[:2]),
           'the slow ones ended first')
    for client in clients[:2]:
        expect(is_signed(client.outcome()), 'a slow mail is not signed')
    for client in clients:
        client.close()
    only_worker(world.daemon, old)
    expect('cannot connect' not in world.log(), 'no nudge through the decoy')


def small_before_slow_while_draining_on_inet(world):
    world.socket = 'inet:%d@127.0.0.1' % free_port()
    small_before_slow_while_draining(world)


def a_drained_session_gets_451_in_the_end(world):
    """A mail that had begun is finished all the same."""
    world.start(RULES, COMMON.replace('drain_seconds = 20',
                                      'drain_seconds = 1'))
    old = only_worker(world.daemon)
    idle, begun = connected(world), connected(world)
    expect(begun.begin(ALICE.encode()) == b'c', 'not taken')
    reload(world)

    def refused():
        packet = idle.ask(b'M', b'<%s>\0' % ALICE.encode())
        if packet[0] == b'c':
            idle.send(b'A')
            return None
        return packet
    command, data = wait_for(refused, 20, 'a refusal')
    expect(command == b'y' and data.startswith(b'451 4.3.2'),
           'it says %s %s' % (command, data))
    expect(is_signed(begun.end()), 'the mail that had begun is not signed')
    idle.close()
    begun.close()
    only_worker(world.daemon, old)
    send(world)


def a_stop_closes_idle_sessions_and_finishes_mails(world):
    world.start(RULES)
    worker = only_worker(world.daemon)
    idle, begun = connected(world), connected(world)
    expect(begun.begin(ALICE.encode()) == b'c', 'not taken')
    world.daemon.process.terminate()
    wait_for(lambda: not os.path.exists(world.path('milter.sock')), 10,
             'the socket to go')
    expect(idle.mail(ALICE.encode()) == b'y', 'a new mail is taken')
    expect(is_signed(begun.end()), 'the mail that had begun is not signed')
    expect(world.daemon.process.wait(30) == 0, 'not a clean end')
    expect(wait_gone(worker, 5), 'the worker lives on')
    try:
        idle.receive()
        raise AssertionError('an idle session lives on')
    except Gone:
        pass
    world.daemon = None


def answer_to(world, request):
    """From the control socket; smimectl would want a good file."""
    answer = b''
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(30)
        one.connect(world.path('control.sock'))
        one.sendall(request)
        with contextlib.suppress(ConnectionError):
            while more := one.recv(65536):
                answer += more
    return answer


# ---- a worker that dies while its configuration is bad ----

def a_worker_comes_back_when_the_file_is_good_again(world):
    world.start(RULES)
    good = world.read('smime-milter.conf')
    world.write('smime-milter.conf', good + b'sign = (;\n')
    os.kill(only_worker(world.daemon), signal.SIGKILL)
    # Late enough that the next try is seconds away.
    wait_for(lambda: world.log().count('no worker can start') >= 3, 30,
             'the word that no worker can start')
    expect(re.search(r'smime-milter.conf:\d+: ', world.log()),
           'the problem is not said')
    expect(answer_to(world, b'status\n').startswith(b'0\n'),
           'the parent does not answer')
    world.write('smime-milter.conf', good)
    wait_for(lambda: re.search(r'worker \d+ serves mails now', world.log()),
             15, 'the word that mails are served')
    send(world)


def a_half_written_file_is_not_taken(world):
    """Empty it is a good configuration, and protects nothing."""
    world.start(RULES)
    good = world.read('smime-milter.conf')
    with open(world.path('smime-milter.conf'), 'w') as out:
        os.kill(only_worker(world.daemon), signal.SIGKILL)
        time.sleep(0.7)
        out.write(good.decode())
    wait_for(lambda: re.search(r'worker \d+ serves mails now', world.log()),
             20, 'the word that mails are served')
    expect('has changed: that needs' not in world.log(), 'it was taken')
    send(world)


def a_dead_workers_successor_follows_the_new_file(world):
    """The parent as well: what it says is what is in force."""
    world.start(RULES)
    text = world.read('smime-milter.conf').replace(
        b'level = "debug"', b'level = "warning"')
    world.write('smime-milter.conf', text)
    worker = only_worker(world.daemon)
    os.kill(worker, signal.SIGKILL)
    only_worker(world.daemon, worker)
    send(world)
    out = world.ctl('status')[1]
    expect(re.search(r'log level +warning', out), out)
    expect(re.search(r'workers_replaced +1\b', out), out)
    expect(not re.search(r'^reloads ', out, re.M), out)


# ---- how it is started ----

def closed_standard_descriptors_hurt_nothing(world):
    world.configure(RULES)
    process = subprocess.Popen(
        ['/bin/sh', '-c', 'exec "$0" -f -c "$1" <&- >&- 2>&-', DAEMON,
         world.path('smime-milter.conf')])
    try:
        wait_for(lambda: os.path.exists(world.path('milter.sock')) or
                 process.poll() is not None, 60, 'the start')
        send(world)
        expect(world.read('smime-milter.pid') == b'%d\n' % process.pid,
               'in the pid file: %s' % world.read('smime-milter.pid'))
    finally:
        process.terminate()
        process.wait(60)


class Comparison(ctypes.Structure):
    _fields_ = [('arg', ctypes.c_uint), ('op', ctypes.c_int),
                ('a', ctypes.c_uint64), ('b', ctypes.c_uint64)]


def forbid_seccomp():
    """A kernel that takes no filters, from here on."""
    library = ctypes.CDLL('libseccomp.so.2')
    library.seccomp_init.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.seccomp_init(0x7fff0000))
    refusal = 0x00050000 | errno.EINVAL
    equal, set_filter = 4, 22  # PR_SET_SECCOMP
    library.seccomp_rule_add_array(
        handle, refusal, library.seccomp_syscall_resolve_name(b'prctl'), 1,
        ctypes.byref(Comparison(0, equal, set_filter, 0)))
    library.seccomp_rule_add_array(
        handle, refusal, library.seccomp_syscall_resolve_name(b'seccomp'), 0,
        None)
    if library.seccomp_load(handle) != 0:
        os._exit(77)


def a_missing_seccomp_is_said(world):
    with open(DAEMON, 'rb') as program:
        octets = program.read()
    if b'seccomp_load' not in octets or b'__asan_init' in octets or (
            b'__tsan_init' in octets):
        raise Skip('built without it')
    world.configure(RULES)
    with open(world.path('daemon.log'), 'ab') as log:
        process = subprocess.Popen(
            [DAEMON, '-f', '-c', world.path('smime-milter.conf')],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=forbid_seccomp)
    try:
        wait_for(lambda: ': started' in world.log() or
                 process.poll() is not None, 60, 'the start')
        if process.poll() == 77:
            raise Skip('no seccomp here')
        send(world)
        expect('warning: workers keep all system calls' in world.log(),
               'nothing is said')
    finally:
        process.terminate()
        process.wait(60)


# ---- strange peers ----

def silent_clients_keep_nobody_from_the_control_socket(world):
    world.start(RULES)
    silent = []
    for _ in range(40):
        one = socket.socket(socket.AF_UNIX)
        one.connect(world.path('control.sock'))
        silent.append(one)
    for request in (['status'], ['log', 'debug'], ['reload']):
        code, out, err = world.ctl(*request)
        expect(code == 0, '%s says %d: %s' % (request, code, err))
    for one in silent:
        one.close()


def garbage_on_the_control_socket_is_answered(world):
    world.start(RULES)
    for octets in (b'\0\n', b'x' * 1100, b'\xff\xfe\n', b'reload now\nlog\n',
                   b'\n', b' \n', b'log \x1b[31m\n'):
        expect(answer_to(world, octets)[:1] in (b'0', b'1', b'3'),
               'no answer to %s' % octets)
    expect('\x1b' not in world.log(), 'an escape sequence in the log')
    send(world)


def an_mta_that_strips_blanks_gets_values_without(world):
    world.start(RULES)
    for protocol in (0, MODERN & ~LEADSPC):
        client = connected(world, protocol)
        expect(not client.agreed & LEADSPC, 'agreed to what was not offered')
        client.begin(ALICE.encode())
        packets = client.end()
        expect(is_signed(packets), 'not signed')
        for command, data in packets:
            if command == b'h':
                value = data.split(b'\0')[1]
            elif command in b'mi':
                value = data[4:].split(b'\0')[1]
            else:
                continue
            expect(value == b'' or value[:1] not in b' \t',
                   'a value begins with a blank: %s' % data)
        client.close()


def long_work_is_told_of_and_edits_are_one_burst(world):
    start_slow(world, 9)
    client = connected(world)
    expect(client.begin(SLOW) == b'c', 'not taken')
    packets = client.end()
    kinds = b''.join(command for command, _ in packets)
    expect(is_signed(packets), 'not signed')
    expect(re.fullmatch(rb'p{1,4}[hmi]*b+[hmi]*[ac]', kinds),
           'the packets are %s' % kinds)
    client.close()


def work_ends_when_the_mta_has_gone(world):
    """Its place is free before the work would have ended."""
    start_slow(world, 60)
    client = connected(world)
    expect(client.begin(SLOW) == b'c', 'not taken')
    client.send(b'E')
    time.sleep(0.2)
    client.close()
    wait_for(lambda: re.search(
        r'mails_in_work 0\n[^$]*bytes_buffered 0\n',
        world.ctl('metrics')[1].replace('smime_milter_', '')), 30,
        'the budget to be given back')


def very_many_small_fields_are_refused(world):
    """Each takes more memory than its characters."""
    world.start('limits = { message = "1M"; };\n' + RULES)
    client = connected(world)
    expect(client.mail(ALICE.encode()) == b'c', 'not taken')
    client.recipient(b'x@elsewhere.example')
    answer = client.fields((b'From', ALICE.encode()),
                           *[(b'a', b'')] * 20000)
    if answer == b'c':
        client.body(b'Dear reader.\r\n')
        command, data = client.end()[-1]
        expect(command == b'y' and data.startswith(b'552 5.3.4'),
               'it says %s %s' % (command, data))
    else:
        expect(answer in FINAL and answer != b'a', 'answer %s' % answer)
    client.close()
    wait_for(lambda: 'smime_milter_bytes_buffered 0\n' in
             world.ctl('metrics')[1], 10, 'the bytes to be given back')
    send(world)


TESTS = [
    strangers_reach_no_other_socket_of_a_worker,
    small_before_slow_while_draining,
    small_before_slow_while_draining_on_inet,
    a_drained_session_gets_451_in_the_end,
    a_stop_closes_idle_sessions_and_finishes_mails,
    a_worker_comes_back_when_the_file_is_good_again,
    a_half_written_file_is_not_taken,
    a_dead_workers_successor_follows_the_new_file,
    closed_standard_descriptors_hurt_nothing, a_missing_seccomp_is_said,
    silent_clients_keep_nobody_from_the_control_socket,
    garbage_on_the_control_socket_is_answered,
    an_mta_that_strips_blanks_gets_values_without,
    long_work_is_told_of_and_edits_are_one_burst,
    work_ends_when_the_mta_has_gone, very_many_small_fields_are_refused,
]


def main():
    return run_each(TESTS, in_a_world)


if __name__ == '__main__':
    sys.exit(main())
