"""What a case may expect of a result, a function per word.

    accept | reject | tempfail | quarantine
    reply REGEX             of the SMTP answer
    unchanged               octet for octet
    signed ADDRESS [detached|opaque]    the signer's certificate names him
    certificate NAME        the signer's certificate is the PKI's NAME.pem
    unsigned                no S/MIME outside of what came in
    encrypted NAME...       each of the PKI's NAMEs can open it
    closed NAME...          and these cannot
    recipients N            RecipientInfos
    printed REGEX           in what openssl prints of any layer
    content same            the innermost entity is the mail's own, in octets
    content decoded         the same after decoding each part
    outside REGEX           in the header
    no-outside REGEX
    log REGEX               in the mail's one log line
    trace REGEX             in the daemon's log of this mail, debug and all
"""
import email
import email.policy
import re

from harness import Wrong, expect, judge

STATUS = {'accept': 0, 'reject': 1, 'tempfail': 2, 'quarantine': 3}


class Result:
    """verdict, reply, message: what came out; before: what went in."""

    def __init__(self, world, case, before):
        self.world = world
        self.case = case
        self.before = before
        self.message = None
        self.verdict = self.reply = ''
        self.log = None  # the log line, where there is a log
        self.trace = None
        self.layers = None

    def innermost(self):
        """The entity below all layers, and what openssl prints of them."""
        if self.layers is None:
            self.layers = []
            self._open(self.message)
        return self.layers[-1].entity if self.layers else self.message

    def _open(self, entity):
        want = dict(e.partition(' ')[::2] for e in self.case.expectations)
        if 'encrypted' in want:
            for name in want['encrypted'].split():
                opened = judge.decrypt(
                    entity, self.world.path('pki/%s.pem' % name),
                    self.world.path('pki/%s.key' % name))
                if self.layers:
                    expect(opened.entity == self.layers[0].entity,
                           'two recipients read different mails')
                else:
                    self.layers.append(opened)
            entity = self.layers[0].entity
        if 'signed' in want:
            address = want['signed'].split()[0]
            self.layers.append(judge.verify(
                entity, self.world.path('pki/ca.pem'), address))


def verdict(result, word):
    expect(result.verdict == word, 'the verdict is %s %s' % (
        result.verdict, result.reply))


def reply(result, regex):
    expect(re.search(regex, result.reply), 'the reply is %s' % result.reply)


def unchanged(result, _):
    expect(result.message == result.before, 'the mail was changed')


def signed(result, words):
    form = words.split()[1:]
    result.innermost()
    entity = result.layers[0].entity if len(
        result.layers) > 1 else result.message
    if form:
        is_detached = judge.media_type(entity) == 'multipart/signed'
        expect(is_detached == (form[0] == 'detached'),
               'it is %s' % judge.media_type(entity))
    judge.outside(result.message)


def certificate(result, name):
    result.innermost()
    with open(result.world.path('pki/%s.pem' % name)) as pem:
        wanted = pem.read().strip()
    with judge.Files() as files:
        entity = result.message
        der = (judge.cms_octets(judge.part_octets(entity)[1])
               if judge.media_type(entity) == 'multipart/signed'
               else judge.cms_octets(entity))
        judge.openssl('cms', '-verify', '-noverify', '-binary', '-inform',
                      'DER', '-in', files.path('cms', der), '-content',
                      files.path('content', judge.part_octets(entity)[0]),
                      '-signer', files.path('signer'), '-out',
                      files.path('out'))
        expect(wanted in files.read('signer').decode(),
               'signed with another certificate than %s' % name)


def unsigned(result, _):
    expect(judge.media_type(result.message) == judge.media_type(
        result.before), 'it has become %s' % judge.media_type(result.message))


def encrypted(result, _):
    result.innermost()
    judge.outside(result.message)
    text = judge.split(result.before)[1].strip()
    if len(text) > 20:
        expect(text[:20] not in result.message, 'it is there in clear')


def closed(result, names):
    for name in names.split():
        try:
            judge.decrypt(result.message,
                          result.world.path('pki/%s.pem' % name),
                          result.world.path('pki/%s.key' % name))
        except Wrong:
            continue
        raise Wrong('%s can read it' % name)


def recipients(result, number):
    result.innermost()
    found = len(re.findall(r'd\.(ktri|kari):', result.layers[0].printed))
    expect(found == int(number), '%d RecipientInfos' % found)


def printed(result, regex):
    result.innermost()
    for layer in result.layers:
        if re.search(regex, layer.printed, re.DOTALL):
            return
    raise Wrong('openssl prints no %s' % regex)


def content_fields(entity):
    return [(n, v) for n, v in judge.fields(entity)
            if n.startswith('content-')]


def leaves(octets):
    """Every part's type and decoded octets."""
    message = email.message_from_bytes(octets, policy=email.policy.compat32)
    return [(part.get_content_type(), text_of(part))
            for part in message.walk() if not part.is_multipart()]


def text_of(part):
    octets = part.get_payload(decode=True) or b''
    return octets.replace(b'\r\n', b'\n').rstrip(b'\n')


def content(result, word):
    inner = result.innermost()
    if word == 'same':
        expect(judge.split(inner)[1] == judge.split(result.before)[1],
               'the body has changed')
        expect(content_fields(inner)[:len(content_fields(result.before))] ==
               content_fields(result.before), 'a Content- field has changed')
    else:
        expect(leaves(inner) == leaves(result.before),
               'a part has changed: %r %r' % (
                   leaves(inner)[:3], leaves(result.before)[:3]))


def header_of(result):
    return judge.split(result.message)[0].decode('latin-1')


def outside(result, regex):
    expect(re.search(regex, header_of(result), re.MULTILINE),
           'the header has no %s' % regex)


def no_outside(result, regex):
    expect(not re.search(regex, header_of(result), re.MULTILINE),
           'the header has %s' % regex)


def log(result, regex):
    if result.log is not None:
        expect(re.search(regex, result.log), 'the log says: %s' % result.log)


def trace(result, regex):
    if result.trace is not None:
        expect(re.search(regex, result.trace), 'the trace does not say %s:'
               '\n%s' % (regex, result.trace))


WORDS = {'reply': reply, 'unchanged': unchanged, 'signed': signed,
         'certificate': certificate, 'unsigned': unsigned,
         'encrypted': encrypted, 'closed': closed, 'recipients': recipients,
         'printed': printed, 'content': content, 'outside': outside,
         'no-outside': no_outside, 'log': log, 'trace': trace}


def judge_result(result):
    """Raises Wrong at the first expectation that is not met."""
    for expectation in result.case.expectations:
        word, _, rest = expectation.partition(' ')
        if word in STATUS:
            verdict(result, word)
        else:
            WORDS[word](result, rest)
    if result.message is not None and result.message != result.before:
        fit_for_travel(result.message)


def fit_for_travel(message):
    """Nothing that an MTA would have to change later."""
    body = judge.split(message)[1]
    if re.search(rb'\r(?!\n)|(?<!\r)\n|\0|[\x80-\xff]', body):
        raise Wrong('the new body is not 7-bit with CRLF')
    if max(map(len, body.split(b'\r\n'))) > 998:
        raise Wrong('the new body has lines over 998')
    for name in ('mime-version', 'content-type'):
        judge.field(message, name)  # one at most
