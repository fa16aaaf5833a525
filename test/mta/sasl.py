"""The server side of Dovecot's authentication protocol, as far as Postfix
needs it for AUTH PLAIN: logins without a SASL library or an account."""
import base64
import os

from listener import Listener


class SaslServer(Listener):
    def __init__(self, logins):
        self.logins = logins  # name -> password
        super().__init__()

    def _serve(self, peer):
        try:
            with peer, peer.makefile('rb') as lines:
                peer.sendall(handshake())
                for line in lines:
                    fields = line.decode().rstrip('\n').split('\t')
                    if fields[0] == 'AUTH':
                        peer.sendall(self._judge(fields[1], fields[2:]))
        except OSError:
            pass

    def _judge(self, number, arguments):
        name = password = ''
        for argument in arguments:
            if argument.startswith('resp='):
                plain = base64.b64decode(argument[5:]).decode()
                _, name, password = plain.split('\0')
        good = name and self.logins.get(name) == password
        return ('%s\t%s\tuser=%s\n' % (
            'OK' if good else 'FAIL', number, name)).encode()


def handshake():
    lines = ['VERSION\t1\t1', 'MECH\tPLAIN\tplaintext', 'SPID\t%d' %
             os.getpid(), 'CUID\t1', 'COOKIE\t' + '0' * 32, 'DONE']
    return ''.join(line + '\n' for line in lines).encode()
