#!/usr/bin/env python3
"""cases_test.py [-v] [WORD]...: every case of cases/*.cases whose name has a
WORD in it, through the daemon and through `smimectl test`; openssl judges."""
import glob
import json
import os
import sys

from caselist import filled, read_cases
from expectations import Result, STATUS, judge_result
from harness import COMPLAINT, HERE, Tally, World, Wrong, expect, words

VERDICTS = {number: word for word, number in STATUS.items()}


def client_of(case):
    """Options for mtasim, options for smimectl; None: it has none."""
    kind, _, name = case.client.partition(' ')
    if kind == 'local':
        return [], []
    if kind == 'login':
        return (['--client', '203.0.113.66', '--port', '1025', '--auth', name],
                ['--client', '203.0.113.66', '--auth', name])
    if kind == 'none':
        return ['--no-address'], None
    return ['--client', kind, '--port', '1025'], ['--client', kind]


def path_form(address, case):
    """Postfix's own submission says it without <>."""
    return address if case.client == 'local' else '<%s>' % address


def through_the_daemon(world, case, number, message):
    queue_id = 'CASE%d' % number
    log_start = os.path.getsize(world.path('daemon.log'))
    arguments = ['-s', world.socket, '--raw', '--replies', '--queue-id',
                 queue_id, '-o', world.path('out'), *client_of(case)[0],
                 '-f', path_form(case.sender, case)]
    for recipient in case.recipients:
        arguments += ['-t', path_form(recipient, case)]
    status, printed = world.sim(*arguments, message)
    expect(status in VERDICTS, 'mtasim: %s' % printed)
    result = Result(world, case, filled(case))
    result.verdict = VERDICTS[status]
    result.reply = printed.strip().rsplit('\n', 1)[-1].partition(
        ' %s ' % {'quarantine': 'held'}.get(result.verdict, result.verdict))[2]
    result.message = world.read('out')
    with open(world.path('daemon.log'), errors='replace') as log:
        log.seek(log_start)
        lines = [line for line in log if queue_id + ':' in line]
    result.trace = ''.join(lines)
    result.log = ''.join(line for line in lines if 'result=' in line)
    expect(result.log.count('\n') <= 1, 'more than one log line')
    return result


def through_smimectl(world, case, message):
    arguments = ['--json', 'test', '-f', case.sender, '-o',
                 world.path('out2'), *client_of(case)[1]]
    for recipient in case.recipients:
        arguments += ['-t', recipient]
    if os.path.exists(world.path('out2')):
        os.unlink(world.path('out2'))
    status, printed, problems = world.ctl(*arguments, message)
    expect(status in (0, 1), 'smimectl says %d: %s' % (status, problems))
    told = json.loads(printed)
    result = Result(world, case, filled(case))
    result.verdict = told['verdict']
    result.reply = told['reply'] or ''
    if os.path.exists(world.path('out2')):
        result.message = world.read('out2')
    return result


def run_case(world, case, number):
    message = world.write('message', filled(case))
    result = through_the_daemon(world, case, number, message)
    try:
        judge_result(result)
    except Wrong as why:
        raise Wrong('%s: by the daemon: %s\n  %s' % (
            case.place, why, result.log))
    if client_of(case)[1] is None:
        return
    result = through_smimectl(world, case, message)
    if result.message is None and result.verdict in ('reject', 'tempfail'):
        case.expectations = [e for e in case.expectations
                             if e.split()[0] not in ('unchanged', 'unsigned')]
    try:
        expect(result.message is not None or
               result.verdict in ('reject', 'tempfail'), 'no -o file')
        judge_result(result)
    except Wrong as why:
        raise Wrong('%s: by smimectl test: %s' % (case.place, why))


def run_group(tally, cases, number):
    """Cases with the same rules share a daemon."""
    world = World()
    try:
        world.write('logins', b'colleague carol@example.com\n')
        tally.run(cases[0].name + ' (start)', world.start, cases[0].rules)
        if world.daemon is None or world.daemon.process.poll() is not None:
            return
        for case in cases:
            number += 1
            tally.run(case.name, run_case, world, case, number)
        tally.run(cases[0].name + ' (end)', ends_well, world)
    finally:
        world.close()


def ends_well(world):
    status = world.stop()
    expect(status == 0, 'the daemon ended with %s' % status)
    expect(not COMPLAINT.search(world.log()), world.log()[-3000:])


def main():
    tally = Tally(words())
    groups = {}
    for path in sorted(glob.glob(HERE + '/cases/*.cases')):
        for case in read_cases(path):
            if tally.wants(case.name):
                groups.setdefault(case.rules, []).append(case)
    number = 0
    for cases in groups.values():
        run_group(tally, cases, number)
        number += len(cases)
    return tally.close()


if __name__ == '__main__':
    sys.exit(main())
