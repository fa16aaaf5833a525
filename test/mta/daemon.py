"""The daemon under test, in the foreground, its log in a file."""
import os
import signal
import socket
import subprocess
import time

from postfix import alive, wait_gone


class Daemon:
    def __init__(self, program, folder, configuration, sockets):
        self.program = program
        self.folder = folder
        self.sockets = sockets  # unix paths that answer when it is ready
        self.configuration = os.path.join(folder, 'smime-milter.conf')
        self.process = None
        self.configure(configuration)

    def configure(self, text):
        new = self.configuration + '.new'
        with open(new, 'w') as out:
            out.write(text)
        os.rename(new, self.configuration)

    def start(self, seconds=20):
        with open(os.path.join(self.folder, 'daemon.log'), 'ab') as log:
            self.process = subprocess.Popen(
                [self.program, '-f', '-c', self.configuration],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + seconds
        while not all(answers(path) for path in self.sockets):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise OSError('the daemon did not start: ' + self.log())
            time.sleep(0.05)

    def log(self):
        with open(os.path.join(self.folder, 'daemon.log'),
                  errors='replace') as log:
            return log.read()

    def workers(self):
        return children(self.process.pid)

    def reload(self):
        os.kill(self.process.pid, signal.SIGHUP)

    def stop(self, seconds=70):
        """The exit status; -9 when it had to be killed."""
        if self.process is None or self.process.poll() is not None:
            return None
        workers = self.workers()
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        end_all(workers)
        return self.process.returncode

    def kill(self):
        """The parent dies without a word; its workers are waited for."""
        if self.process is None:
            return True
        workers = self.workers() if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        return end_all(workers)


def end_all(pids):
    """True when all were gone by themselves."""
    gone = True
    for pid in pids:
        if not wait_gone(pid, 20):
            gone = False
            os.kill(pid, signal.SIGKILL)
    return gone


def children(pid):
    found = []
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open('/proc/%s/stat' % name) as stat:
                    after = stat.read().rpartition(')')[2].split()
            except OSError:
                continue
            if int(after[1]) == pid and after[0] != 'Z' and alive(int(name)):
                found.append(int(name))
    return found


def answers(path):
    probe = socket.socket(socket.AF_UNIX)
    try:
        probe.connect(path)
        return True
    except OSError:
        return False
    finally:
        probe.close()
