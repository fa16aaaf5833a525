"""A directory with one entry, just enough of LDAP (RFC 4511) for a reader:
every bind succeeds, every search finds the entry."""
import socketserver
import threading


def tlv(tag, *parts):
    body = b''.join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, 'big')
    return bytes([tag, 0x80 | len(size)]) + size + body


def read_message(file):
    """The whole of one message, or None."""
    head = file.read(2)
    if len(head) < 2:
        return None
    length = head[1]
    if length & 0x80:
        length = int.from_bytes(file.read(length & 0x7f), 'big')
    return file.read(length)


DONE = tlv(0x0a, b'\0') + tlv(0x04) + tlv(0x04)
BIND, UNBIND, SEARCH = 0x60, 0x42, 0x63


class LdapEntry:
    def __init__(self, attribute, value):
        self.attribute = attribute.encode()
        self.value = value  # None: the entry has gone
        self.referral = None  # a URL: ask there
        self.asked = 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    self.serve()
                except OSError:
                    pass

            def serve(self):
                outer.asked += 1
                while True:
                    message = read_message(self.rfile)
                    if message is None:
                        return
                    number = message[:2 + message[1]]
                    operation = message[2 + message[1]]
                    if operation == UNBIND:
                        return
                    for answer in outer.answers(operation):
                        self.wfile.write(tlv(0x30, number, answer))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def answers(self, operation):
        if operation == BIND:
            yield tlv(0x61, DONE)
        elif operation == SEARCH and self.referral is not None:
            yield tlv(0x65, tlv(0x0a, b'\x0a') + tlv(0x04) + tlv(0x04) + tlv(
                0xa3, tlv(0x04, self.referral.encode())))
        elif operation == SEARCH:
            if self.value is not None:
                yield tlv(0x64, tlv(0x04, b'cn=Flow Root,o=x'), tlv(
                    0x30, tlv(0x30, tlv(0x04, self.attribute), tlv(
                        0x31, tlv(0x04, self.value)))))
            yield tlv(0x65, DONE)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
