"""A milter session by hand, for what mtasim never does: an old MTA, commands
out of time, packets looked at one by one."""
import socket
import struct

# Protocol flags (SMFIP_).
NR_HDR, NR_CONN, NR_RCPT, NR_BODY = 0x80, 0x1000, 0x8000, 0x80000
LEADSPC, SKIP = 0x100000, 0x400
MODERN = 0x1fffff
FINAL = b'acrtydq'  # accept, continue, reject, tempfail, reply, discard, ...


class Gone(Exception):
    """The milter has closed the connection."""


class Client:
    def __init__(self, where, protocol=MODERN):
        if where.startswith('unix:'):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(where[5:])
        else:
            port, _, host = where.partition(':')[2].partition('@')
            self.socket = socket.create_connection((host, int(port)))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(30)
        self.kept = b''
        self.send(b'O', struct.pack('>III', 6, 0x1ff, protocol))
        self.agreed = struct.unpack('>III', self.receive()[1][:12])[2]

    def close(self):
        self.socket.close()

    def send(self, command, data=b''):
        try:
            self.socket.sendall(struct.pack('>I', 1 + len(data)) + command +
                                data)
        except OSError as why:
            raise Gone(str(why))

    def _exactly(self, size):
        while len(self.kept) < size:
            try:
                more = self.socket.recv(65536)
            except ConnectionError as why:
                raise Gone(str(why))
            if not more:
                raise Gone('end')
            self.kept += more
        taken, self.kept = self.kept[:size], self.kept[size:]
        return taken

    def receive(self):
        size = struct.unpack('>I', self._exactly(4))[0]
        packet = self._exactly(size)
        return packet[:1], packet[1:]

    def ask(self, command, data=b'', silent=0):
        """The answer, or None where none was agreed."""
        self.send(command, data)
        if silent and self.agreed & silent:
            return None
        return self.receive()

    def connect(self):
        self.ask(b'C', b'localhost\0' b'4' + struct.pack('>H', 0) +
                 b'127.0.0.1\0', NR_CONN)

    def mail(self, sender):
        return self.ask(b'M', b'<%s>\0' % sender)[0]

    def recipient(self, address):
        self.ask(b'R', b'<%s>\0' % address, NR_RCPT)

    def fields(self, *fields):
        blank = b' ' if self.agreed & LEADSPC else b''
        for name, value in fields:
            self.ask(b'L', name + b'\0' + blank + value + b'\0', NR_HDR)
        return self.ask(b'N')[0]

    def body(self, octets):
        answer = self.ask(b'B', octets, NR_BODY)
        return answer[0] if answer else b'c'

    def begin(self, sender, *more):
        """A mail up to its end, exclusively; its last answer."""
        answer = self.mail(sender)
        if answer != b'c':
            return answer
        self.recipient(b'x@elsewhere.example')
        answer = self.fields((b'From', sender), (b'Subject', b'x'), *more)
        return self.body(b'Dear reader.\r\n') if answer == b'c' else answer

    def outcome(self):
        """Every packet up to the verdict, it included."""
        packets = [self.receive()]
        while packets[-1][0] not in FINAL:
            packets.append(self.receive())
        return packets

    def end(self):
        self.send(b'E')
        return self.outcome()

    def has_answered(self):
        self.socket.settimeout(0)
        try:
            self.kept += self.socket.recv(65536)
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(30)
        return bool(self.kept)
