"""A daemon's control socket that answers what it is told to.

control_fake.py SOCKET ANSWERS LOG

ANSWERS has lines "request|code|text"; every request is written to LOG.  Prints
"ready" when it listens and ends with its standard input.
"""
import os
import select
import socket
import sys


def main():
    path, answers_path, log_path = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(8)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            break
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            request = lines.readline().decode().strip()
            if not request:
                continue
            with open(log_path, "a") as log:
                log.write(request + "\n")
            with open(answers_path) as answers:
                table = dict(line.rstrip("\n").split("|", 1)
                             for line in answers)
            code, text = table.get(request, "3|no answer").split("|")
            connection.sendall(f"{code}\n{text}\n".encode())
    os.unlink(path)


main()
