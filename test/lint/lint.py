#!/usr/bin/env python3
"""The house rules that a machine can remember.  Each rule is a function that
yields its complaints, or raises Skip; the table at the end names them."""
import glob
import os
import re
import shutil
import subprocess
import sys

FUNCTION_LINES = 60
FILE_LINES = 400
HEADER_LINES = 150
BUILD = os.environ.get('BUILD', 'build')

# The only places that may keep something between calls; crypto fetches digests
# and the legacy library once and never changes them; the library of a token
# exists once in a process, whatever the stores; GMime is made ready once.
MUTABLE = re.compile(r'lib/(base/(log|clock|event)|metric/|crypto/(digest|library|methods)'
                     r'|store/pkcs11_(module|engine)|mime/text)')


class Skip(Exception):
    pass


def read(path):
    with open(path, encoding='utf-8', errors='replace') as file:
        return file.read()


def sources(*roots):
    found = []
    for root in roots:
        for kind in ('c', 'h'):
            found += glob.glob('%s/**/*.%s' % (root, kind), recursive=True)
    return sorted(found)


PRODUCT = sources('lib', 'milter')
EVERYTHING = PRODUCT + sources('test')
# What has no first line of its own is read by another script.
SCRIPTS = [path for path in sorted(glob.glob('test/**/*.sh', recursive=True))
           if read(path).startswith('#!')]


# ---- layers and doors ----

def read_layers():
    layers, doors = {}, {}
    for line in read('lib/LAYERS').splitlines():
        words = line.split('#')[0].split()
        if not words:
            continue
        if words[0] == 'door':
            doors[words[1]] = words[2:]
        else:
            layers[words[0].rstrip(':')] = words[1:]
    return layers, doors


def room_of(path):
    if path.startswith('milter/'):
        return 'ctl' if path.startswith('milter/ctl/') else 'milter'
    return path.split('/')[1]


def includes(path):
    return re.findall(r'^\s*#\s*include\s+(["<])([^">]+)[">]', read(path),
                      re.MULTILINE)


def layers():
    allowed, doors = read_layers()
    for room in sorted({room_of(p) for p in PRODUCT} - set(allowed)):
        yield 'lib/LAYERS does not know %s' % room
    for path in PRODUCT:
        room = room_of(path)
        may = set(allowed.get(room, [])) | {room, 'base', 'metric'}
        for mark, name in includes(path):
            folder = name.split('/')[0]
            if mark == '"' and '/' in name and folder not in may:
                yield '%s: %s may not include %s' % (path, room, name)
            elif mark == '"' and '/' in name and folder not in (room, 'base'):
                if name != '%s/%s.h' % (folder, folder):
                    yield '%s: %s is not public' % (path, name)
            elif mark == '<':
                door = max((d for d in doors if name.startswith(d)),
                           key=len, default=None)
                if door and room not in doors[door]:
                    yield '%s: <%s> is not this folder\'s door' % (path, name)


def one_public_header():
    for folder in sorted(next(os.walk('lib'))[1]):
        path = 'lib/%s/%s.h' % (folder, folder)
        if folder != 'base' and not os.path.exists(path):
            yield '%s is missing: a folder has one public header' % path


# ---- lengths ----

def file_lengths():
    for path in PRODUCT:
        text = read(path)
        lines = text.count('\n')
        folder = os.path.basename(os.path.dirname(path))
        public = os.path.basename(path) == folder + '.h'
        limit = HEADER_LINES if public else FILE_LINES
        if lines > limit and 'lint: ' not in text:
            yield '%s has %d lines, more than %d' % (path, lines, limit)


def function_lengths():
    for path in EVERYTHING:
        name, start = '', 0
        for number, line in enumerate(read(path).splitlines(), 1):
            if re.match(r'\w+\(', line):
                name = line.split('(')[0]
            if line == '{':
                start = number
            elif line == '}' and start:
                if number - start - 1 > FUNCTION_LINES:
                    yield '%s:%d: %s has %d lines' % (
                        path, start, name, number - start - 1)
                start = 0


# ---- words ----

def without_comments(text):
    blank = lambda m: re.sub(r'[^\n]', ' ', m[0])
    text = re.sub(r'/\*.*?\*/', blank, text, flags=re.DOTALL)
    text = re.sub(r'//[^\n]*', blank, text)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def enumerators():
    names = set()
    for path in PRODUCT:
        for body in re.findall(r'\benum\s+\w+\s*\{([^}]*)\}',
                               without_comments(read(path))):
            names |= set(re.findall(r'(\w+)\s*(?:=[^,]*)?(?:,|$)',
                                    body.strip()))
    return names


def no_default_over_an_enum():
    """Then the compiler names the missing case (-Wswitch)."""
    names = enumerators()
    for path in PRODUCT:
        text = without_comments(read(path))
        for found in re.finditer(r'^(\t+)switch\b', text, re.MULTILINE):
            end = text.find('\n%s}' % found[1], found.end())
            body = text[found.end():end]
            level = r'^%s' % found[1]
            cases = re.findall(level + r'case\s+(\w+)', body, re.MULTILINE)
            if set(cases) & names and re.search(
                    level + r'default\s*:', body, re.MULTILINE):
                yield '%s:%d: default: in a switch over an enum' % (
                    path, text.count('\n', 0, found.start()) + 1)


def no_typedef():
    for path in PRODUCT:
        for number, line in enumerate(
                without_comments(read(path)).splitlines(), 1):
            if re.match(r'\s*typedef\b', line):
                yield '%s:%d: typedef' % (path, number)


def tests_include_no_source():
    for path in sources('test'):
        for _, name in includes(path):
            if name.endswith('.c'):
                yield '%s includes %s' % (path, name)


def functions_have_no_ifdef():
    for path in PRODUCT:
        inside = False
        for number, line in enumerate(read(path).splitlines(), 1):
            if line in ('{', '}'):
                inside = line == '{'
            elif inside and re.match(r'\s*#\s*if', line):
                yield '%s:%d: #if inside a function' % (path, number)


# ---- objects ----

def no_mutable_globals():
    objects = sorted(glob.glob(BUILD + '/lib/**/*.o', recursive=True))
    if not objects or not shutil.which('objdump'):
        raise Skip('no objects to look into, or no objdump')
    for path in objects:
        source = path[len(BUILD) + 1:]
        if MUTABLE.match(source) or not os.path.exists(source[:-1] + 'c'):
            continue
        table = subprocess.run(['objdump', '-t', path], text=True,
                               capture_output=True, check=True).stdout
        for line in table.splitlines():
            found = re.match(r'\S+ .{5}.O (\S+)\s+\S+\s+(?:\.hidden )?(\S+)',
                             line)
            if found and re.match(
                    r'\.(data(?!\.rel\.ro)|bss|tdata|tbss)|\*COM', found[1]):
                yield '%s: %s can change (%s)' % (source, found[2], found[1])


# ---- other people's checkers ----

def run(command, files):
    if not files:
        raise Skip('nothing to look at')
    done = subprocess.run(command + files, text=True, capture_output=True)
    if done.returncode == 0:
        return []
    lines = (done.stdout + done.stderr).splitlines()
    return lines[:40] or ['%s failed' % command[0]]


def tool(*names):
    for name in names:
        if shutil.which(name):
            return name
    raise Skip('%s is not here' % names[0])


def layout():
    yield from (line for line in run(
        [tool('clang-format-14', 'clang-format'), '--dry-run', '-Werror'],
        EVERYTHING) if 'error:' in line)


def manuals():
    yield from run([tool('mandoc'), '-Tlint', '-Wwarning'],
                   glob.glob('milter/*.8') + glob.glob('milter/ctl/*.1') +
                   glob.glob('etc/*.5'))


def shell():
    yield from run([tool('shellcheck'), '-S', 'warning'], SCRIPTS)


# ---- features ----

def features():
    """feature | path:test_name [path:test_name ...]"""
    if not os.path.exists('test/FEATURES'):
        yield 'test/FEATURES is missing'
        return
    for number, line in enumerate(read('test/FEATURES').splitlines(), 1):
        if not line.strip() or line.startswith('#'):
            continue
        feature, _, tests = line.partition('|')
        if not tests.split():
            yield 'test/FEATURES:%d: %s: no test' % (number, feature.strip())
        for test in tests.split():
            path, _, name = test.rpartition(':')
            if not os.path.exists(path):
                yield 'test/FEATURES:%d: %s is missing' % (number, path)
            elif not re.search(r'(?<!\w)%s(?!\w)' % re.escape(name),
                               read(path)):
                yield 'test/FEATURES:%d: no %s in %s' % (number, name, path)


RULES = [
    layers, one_public_header, file_lengths, function_lengths,
    no_default_over_an_enum, no_typedef, functions_have_no_ifdef,
    tests_include_no_source, no_mutable_globals, features, layout, manuals,
    shell,
]


def main():
    passed = failed = skipped = 0
    for rule in RULES:
        name = rule.__name__
        try:
            complaints = list(rule())
        except Skip as why:
            skipped += 1
            print('%s: skipped: %s' % (name, why))
            continue
        failed += bool(complaints)
        passed += not complaints
        for complaint in complaints:
            print('%s: %s' % (name, complaint))
    print('%d passed, %d failed, %d skipped' % (passed, failed, skipped))
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
