"""What /proc tells of the daemon."""
import os

from harness import wait_for
from daemon import children


def descriptors(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


def status(pid):
    found = {}
    with open('/proc/%d/status' % pid) as file:
        for line in file:
            name, _, value = line.partition(':')
            found[name] = value.split()
    return found


def resident_kib(pid):
    return int(status(pid)['VmRSS'][0])


def only_worker(daemon, other_than=None, seconds=30):
    """The pid of the one worker, once it is alone."""
    def alone():
        found = children(daemon.process.pid)
        if len(found) == 1 and found[0] != other_than:
            return found[0]
        return None
    return wait_for(alone, seconds, 'one worker alone')
