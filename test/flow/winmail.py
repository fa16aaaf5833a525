"""A winmail.dat made up: attributes and MAPI properties as MS-OXTNEF has them,
written by somebody who has not seen the reader."""
import struct

MESSAGE, ATTACHMENT = 1, 2
VERSION, CODE_PAGE = 0x00089006, 0x00069007
CLASS, SUBJECT, BODY = 0x00078008, 0x00018004, 0x0002800c
PROPERTIES = 0x00069003
RENDER, TITLE, DATA, ATTACHMENT_PROPERTIES = (
    0x00069002, 0x00018010, 0x0006800f, 0x00069005)

INT, BOOL, OBJECT, STRING8, UNICODE, TIME, BINARY = (
    0x0003, 0x000b, 0x000d, 0x001e, 0x001f, 0x0040, 0x0102)
# MS-OXMSG 2.2: what an object of type IMessage begins with.
IMESSAGE = bytes.fromhex('0703020000000000c000000000000046')


def attribute(level, what, octets):
    return (struct.pack('<BII', level, what, len(octets)) + octets +
            struct.pack('<H', sum(octets) & 0xffff))


def padded(octets):
    return octets + bytes(-len(octets) % 4)


def prop(number, kind, value):
    """One MAPI property; number above 0x8000 needs a name and is not here."""
    head = struct.pack('<HH', kind, number)
    if kind == INT:
        return head + struct.pack('<i', value)
    if kind == BOOL:
        return head + struct.pack('<HH', value, 0)
    if kind == TIME:
        return head + struct.pack('<Q', (value + 11644473600) * 10 ** 7)
    if kind == UNICODE:
        value = value.encode('utf-16-le') + b'\0\0'
    elif kind == STRING8:
        value += b'\0'
    return head + struct.pack('<II', 1, len(value)) + padded(value)


def properties(*all_of_them):
    return struct.pack('<I', len(all_of_them)) + b''.join(all_of_them)


def stream(*attributes):
    return (struct.pack('<IH', 0x223e9f78, 1) +
            attribute(MESSAGE, VERSION, struct.pack('<I', 0x10000)) +
            attribute(MESSAGE, CODE_PAGE, struct.pack('<II', 1252, 0)) +
            b''.join(attributes))


def file(name, octets, *more, title=True):
    """An attachment: the short name is 8-bit, the long one a property."""
    short = name.encode('cp1252', 'replace') + b'\0'
    made = attribute(ATTACHMENT, RENDER, struct.pack('<HIHHI', 1, 0, 0, 0, 0))
    if title:
        made += attribute(ATTACHMENT, TITLE, short)
    if octets is not None:
        made += attribute(ATTACHMENT, DATA, octets)
    return made + attribute(
        ATTACHMENT, ATTACHMENT_PROPERTIES, properties(
            prop(0x3705, INT, 1), prop(0x3707, UNICODE, name), *more))


def image(name, octets, content_id):
    return file(name, octets, prop(0x370e, UNICODE, 'image/png'),
                prop(0x3712, UNICODE, content_id), prop(0x3714, INT, 4))


def embedded(name, inner):
    """A message within the message (PR_ATTACH_METHOD 5)."""
    return attribute(
        ATTACHMENT, RENDER, struct.pack('<HIHHI', 1, 0, 0, 0, 0)
    ) + attribute(ATTACHMENT, ATTACHMENT_PROPERTIES, properties(
        prop(0x3705, INT, 5), prop(0x3001, UNICODE, name),
        prop(0x3701, OBJECT, IMESSAGE + inner)))


def html(text, charset='utf-8', page=65001):
    return [prop(0x1013, BINARY, text.encode(charset)),
            prop(0x3fde, INT, page)]


def message(*attachments, subject='made up', body=None, props=(),
            kind=b'IPM.Microsoft Mail.Note\0'):
    made = [attribute(MESSAGE, CLASS, kind),
            attribute(MESSAGE, SUBJECT, subject.encode('cp1252') + b'\0')]
    if body is not None:
        made.append(attribute(MESSAGE, BODY, body.encode('cp1252') + b'\0'))
    if props:
        made.append(attribute(MESSAGE, PROPERTIES, properties(*props)))
    return stream(*made, *attachments)


def rtf(text):
    """PR_RTF_COMPRESSED that is not compressed (MELA)."""
    octets = text.encode()
    return prop(0x1009, BINARY, struct.pack(
        '<III', len(octets) + 12, len(octets), 0x414c454d) +
        struct.pack('<I', 0) + octets)


def frames(octets):
    """Where each attribute, its data, and its checksum begin."""
    at = 6
    while at + 11 <= len(octets):
        data = at + 9
        end = data + struct.unpack_from('<I', octets, at + 5)[0]
        yield at, data, end
        at = end + 2
