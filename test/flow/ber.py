"""DER taken apart, and written as others write it: BER (X.690 8)."""
INDEFINITE, END = b'\x80', b'\x00\x00'
OCTETS, CONSTRUCTED = 4, 0x20


def length(size):
    if size < 128:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, 'big')
    return bytes([128 | len(octets)]) + octets


def wrap(tag, *inside):
    octets = b''.join(inside)
    return bytes([tag]) + length(len(octets)) + octets


def element(der):
    """(tag, content, what follows); definite lengths and short tags only."""
    size, at = der[1], 2
    if size & 128:
        at += size & 127
        size = int.from_bytes(der[2:at], 'big')
    return der[0], der[at:at + size], der[at + size:]


def parts(der):
    """The elements inside of an element."""
    rest, found = element(der)[1], []
    while rest:
        after = element(rest)[2]
        found.append(rest[:len(rest) - len(after)])
        rest = after
    return found


def chopped(tag, content, size, nested):
    pieces = [wrap(OCTETS, content[at:at + size])
              for at in range(0, len(content), size)]
    if nested:
        pieces = [bytes([OCTETS | CONSTRUCTED]) + INDEFINITE + piece + END
                  for piece in pieces]
    return bytes([tag | CONSTRUCTED]) + INDEFINITE + b''.join(pieces) + END


def indefinite(der, size, nested=False, depth=0, above=0):
    """The outer layers of a CMS in indefinite lengths, its content chopped;
    what is below is hashed or read as DER by its owners."""
    tag, content, _ = element(der)
    if tag == 0x80 or (tag == OCTETS and above == 0xa0):
        return chopped(tag, content, size, nested)
    if tag not in (0x30, 0xa0) or depth > 4:
        return der
    inside = b''.join(indefinite(part, size, nested, depth + 1, tag)
                      for part in parts(der))
    return bytes([tag]) + INDEFINITE + inside + END
