"""Reads the case files.

    message NAME <<         octets of a mail; Python's escapes; @FROM@, @TO@
    ...                     stand for the addresses; @REPEAT N LINE
    .
    rules NAME <<           sign, encrypt and the other lists of a rule file
    ...
    .
    case NAME               a sentence, with underscores
    rules NAME              or: rules <<
    client local | none | ADDRESS | login NAME
    from ADDRESS            MAIL FROM and, where a message says @FROM@, From
    to ADDRESS...
    message NAME            or: message <<
    expect ...              see expectations.py
"""
import codecs


def repeated(line):
    if not line.startswith('@REPEAT '):
        return line
    _, number, text = line.split(None, 2)
    return '\r\n'.join([text] * int(number))


class Case:
    def __init__(self, name, place):
        self.name = name
        self.place = place
        self.rules = ''
        self.client = 'local'
        self.sender = 'alice@example.com'
        self.recipients = ['paula@partner.example']
        self.message = b''
        self.expectations = []


class Reader:
    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            self.lines = file.read().split('\n')
        self.path = path
        self.at = 0
        self.messages = {}
        self.rules = {}
        self.cases = []

    def wrong(self, what):
        raise ValueError('%s:%d: %s' % (self.path, self.at, what))

    def block(self):
        start = self.at
        while self.at < len(self.lines) and self.lines[self.at] != '.':
            self.at += 1
        self.at += 1
        if self.at > len(self.lines):
            self.wrong('a block without its closing dot')
        return self.lines[start:self.at - 1]

    def octets(self):
        """CRLF between the lines; a backslash at a line's end joins it to
        the next one without."""
        text = '\r\n'.join(map(repeated, self.block())) + '\r\n'
        octets = codecs.escape_decode(
            text.replace('\\\r\n', '').encode('utf-8'))[0]
        return octets.replace(b'\\\n', b'')

    def named(self, table, words, read):
        """NAME <<, NAME, or <<"""
        if words == ['<<']:
            return read()
        if len(words) == 2 and words[1] == '<<':
            table[words[0]] = read()
            return None
        if len(words) != 1 or words[0] not in table:
            self.wrong('nothing is called %s' % ' '.join(words))
        return table[words[0]]

    def read(self):
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if line.strip() and not line.startswith('#'):
                self.line(line)
        return self.cases

    def line(self, line):
        verb, *words = line.split()
        case = self.cases[-1] if self.cases else None
        if verb == 'case':
            self.cases.append(Case(words[0], '%s:%d' % (self.path, self.at)))
            if case:
                self.cases[-1].rules = case.rules
        elif verb == 'message':
            got = self.named(self.messages, words, self.octets)
            if got is not None:
                case.message = got
        elif verb == 'rules':
            got = self.named(self.rules, words,
                             lambda: '\n'.join(self.block()) + '\n')
            if got is not None:
                case.rules = got
        elif verb == 'client':
            case.client = ' '.join(words)
        elif verb == 'from':
            case.sender = words[0] if words else ''
        elif verb == 'to':
            case.recipients = words
        elif verb == 'expect':
            case.expectations.append(line.split(None, 1)[1])
        else:
            self.wrong('what is %s?' % verb)


def read_cases(path):
    return Reader(path).read()


def filled(case):
    """The message with the addresses in their places."""
    return case.message.replace(b'@FROM@', case.sender.encode()).replace(
        b'@TO@', ', '.join(case.recipients).encode())
