#!/usr/bin/env python3
"""Verifies a write-ahead log against docs/wal-format.md and nothing else.

usage: wal_verify.py [--json] [--dump] [--expect-entries N] [--no-follow-gaps] DIR

DIR is the state directory or its wal/ directory, of a log that no process is writing. Nothing is changed. The last line
of standard output is one JSON object; with --dump one line per frame precedes it. Exit status: 0 nothing is wrong,
1 violations, 2 usage or unreadable files.

The code of a violation names the rule that is broken:

  file_name log_id                              names of files, one log id
  length kind header header_crc body_crc        a frame that had to be intact and is not
  entry entry_crc
  missing hole junk seq_gap seq overlap         a frame that is not there, not where it belongs, or there twice
  group group_span commit                       numbers of groups, commit flags
  metadata event written_at mergeable           intact frames with content that the format does not allow
  safe_size safe_crc safe_seq                   telemetry.safe_seq
  pos_crc pos_json pos_member lanes cursors gaps  telemetry.pos
  ledger counted_to notices no_segment
  expect_entries                                --expect-entries

`missing` is an end of the log before something that was forced, `hole` the same with an intact frame behind it. In
`items` and in the ledger an entry is one item of the signal logs.
"""

import argparse
import bisect
import collections
import datetime
import errno
import json
import mmap
import os
import re
import struct
import sys
import zlib

KIB, MIB = 1 << 10, 1 << 20
MAX_FRAME = 65 * MIB
MAX_METADATA = 64 * KIB
MAX_BODY = 64 * MIB
MAX_EVENT = MIB
MAX_GROUP = 4095
MAX_DONE = 64
MAX_SEQ = (1 << 63) - 1
SIGNALS = {1: "logs", 2: "metrics", 3: "traces"}
LEDGER_SIGNALS = ("logs", "metrics", "traces", "unknown")
GAP_REASONS = ("ceiling", "corruption", "passed")
IDENTITY, GZIP, ZSTD = 0, 1, 2
COMMIT, MERGEABLE = 1, 2

# ---------------------------------------------------------------------------------------------------------- CRC-32C

POLYNOMIAL = 0x82F63B78
LANE = 256  # bytes of one lane where many lanes are computed side by side
BLOCK = MIB  # bytes that are computed at once
WIDE_FROM = 8 * KIB  # below, lanes do not pay


def _byte_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


def _slices():
    tables = [_byte_table()]
    for _ in range(7):
        tables.append([tables[0][value & 255] ^ value >> 8 for value in tables[-1]])
    return tables


SLICES = _slices()
PLANES = [bytes(value >> shift & 255 for value in SLICES[0]) for shift in (0, 8, 16, 24)]


def _zeros(register, count):
    for _ in range(count):
        register = SLICES[0][register & 255] ^ register >> 8
    return register


def _lane_shift():
    """Four tables that together move a register over LANE zero bytes."""
    bits = [_zeros(1 << bit, LANE) for bit in range(32)]
    tables = []
    for first in (0, 8, 16, 24):
        table = [0] * 256
        for value in range(1, 256):
            low = value & -value
            table[value] = table[value ^ low] ^ bits[first + low.bit_length() - 1]
        tables.append(table)
    return tables


LANE_SHIFT = _lane_shift()


def _narrow(data, register):
    a, b, c, d, e, f, g, h = reversed(SLICES)
    whole = len(data) & ~7
    for low, high in struct.iter_unpack("<II", data[:whole]):
        low ^= register
        register = (a[low & 255] ^ b[low >> 8 & 255] ^ c[low >> 16 & 255] ^ d[low >> 24]
                    ^ e[high & 255] ^ f[high >> 8 & 255] ^ g[high >> 16 & 255] ^ h[high >> 24])
    for byte in data[whole:]:
        register = h[(register ^ byte) & 255] ^ register >> 8
    return register


def _wide(block, register):
    """All lanes of a block advance by one byte per round; byte k of all their registers is one large integer."""
    lanes = len(block) // LANE
    number = int.from_bytes
    r0 = r1 = r2 = r3 = 0
    for column in range(LANE):
        index = (r0 ^ number(block[column::LANE], "little")).to_bytes(lanes, "little")
        r0 = r1 ^ number(index.translate(PLANES[0]), "little")
        r1 = r2 ^ number(index.translate(PLANES[1]), "little")
        r2 = r3 ^ number(index.translate(PLANES[2]), "little")
        r3 = number(index.translate(PLANES[3]), "little")
    s0, s1, s2, s3 = LANE_SHIFT
    columns = [r.to_bytes(lanes, "little") for r in (r0, r1, r2, r3)]
    for b0, b1, b2, b3 in zip(*columns):
        register = (s0[register & 255] ^ s1[register >> 8 & 255] ^ s2[register >> 16 & 255] ^ s3[register >> 24]
                    ^ (b0 | b1 << 8 | b2 << 16 | b3 << 24))
    return register


def crc32c(data, crc=0):
    """The CRC of what `crc` is the CRC of, followed by `data`."""
    register = crc ^ 0xFFFFFFFF
    view = memoryview(data)
    at = 0
    while len(view) - at >= WIDE_FROM:
        size = min(BLOCK, (len(view) - at) // LANE * LANE)
        register = _wide(bytes(view[at:at + size]), register)
        at += size
    return _narrow(view[at:], register) ^ 0xFFFFFFFF


def self_test():
    if crc32c(b"123456789") != 0xE3069283:
        raise AssertionError("CRC-32C is computed wrongly")
    sample = bytes(i * i >> 3 & 255 for i in range(WIDE_FROM + LANE + 5))
    if crc32c(sample) != _narrow(sample, 0xFFFFFFFF) ^ 0xFFFFFFFF:
        raise AssertionError("CRC-32C of long data is computed wrongly")


# -------------------------------------------------------------------------------------------------------- sets of seqs


class Runs:
    """A set of seqs: ascending runs that neither overlap nor touch."""

    def __init__(self, runs=()):
        self.froms, self.tos = [], []
        for first, last in sorted(runs):
            if self.tos and first <= self.tos[-1] + 1:
                self.tos[-1] = max(self.tos[-1], last)
            else:
                self.froms.append(first)
                self.tos.append(last)

    def __iter__(self):
        return zip(self.froms, self.tos)

    def __contains__(self, seq):
        at = bisect.bisect_right(self.froms, seq) - 1
        return at >= 0 and seq <= self.tos[at]

    def outside(self, first, last):
        """The parts of first..last that are not in the set."""
        parts = []
        at = bisect.bisect_left(self.tos, first)
        while first <= last:
            start = self.froms[at] if at < len(self.froms) else last + 1
            if start > first:
                parts.append((first, min(start - 1, last)))
            first = self.tos[at] + 1 if at < len(self.tos) else last + 1
            at += 1
        return parts


# ---------------------------------------------------------------------------------------------------------------- JSON

SPACE = re.compile(r"[ \t\n\r]*")
SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null")


def _refuse_constant(text):
    raise ValueError(text + " is not JSON")


def parse_json(text):
    """Numbers stay text, so their size does not matter."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def _deep_is_object(text):
    """Without recursion, for JSON that is nested too deeply for the standard library."""
    at = SPACE.match(text).end()
    if text[at:at + 1] != "{":
        return False
    stack, want = [], "value"
    while True:
        at = SPACE.match(text, at).end()
        char = text[at:at + 1]
        if want == "after":
            if not stack:
                return not char
            if char == stack[-1]:
                stack.pop()
            elif char == ",":
                want = "key" if stack[-1] == "}" else "value"
            else:
                return False
            at += 1
            continue
        if want.endswith("key") and char == '"':
            at = SPACE.match(text, json.decoder.scanstring(text, at + 1)[1]).end()
            if text[at:at + 1] != ":":
                return False
            at, want = at + 1, "value"
        elif want.startswith("first") and char == stack[-1]:
            stack.pop()
            at, want = at + 1, "after"
        elif want.endswith("key"):
            return False
        elif char == "{":
            stack.append("}")
            at, want = at + 1, "first key"
        elif char == "[":
            stack.append("]")
            at, want = at + 1, "first value"
        elif char == '"':
            at, want = json.decoder.scanstring(text, at + 1)[1], "after"
        else:
            scalar = SCALAR.match(text, at)
            if not scalar:
                return False
            at, want = scalar.end(), "after"


def is_json_object(data):
    """Whether bytes or a string are one JSON object."""
    try:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8")
        try:
            return isinstance(parse_json(text), dict)
        except RecursionError:
            return _deep_is_object(text)
    except ValueError:
        return False


# -------------------------------------------------------------------------------------------------------------- frames

HEADER = struct.Struct(">BBBBIqqIIIIII")
TRAILER = re.compile(rb',"crc32c":"([0-9a-f]{8})"\}\Z')
TRAILER_SIZE = 21
ENTRY_SEQ = re.compile(rb'\{"seq":(0|[1-9][0-9]{0,18}),')
ENTRY_HEAD = re.compile(rb'\{"seq":(?:0|[1-9][0-9]{0,18}),"written_at":"([^"]*)","event":(?=\{)')
ENTRY_TAIL = re.compile(rb'\}(?:,"group":([1-9][0-9]*))?(,"commit":true)?\Z')
TAIL_SIZE = 64
INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})\.[0-9]{9}Z")
CANDIDATE = re.compile(rb'\x01[\x01-\x03][\x00-\x02][\x00-\x03]|\{"seq":[0-9]')

Defect = collections.namedtuple("Defect", "code detail sealed")
"""Why there is no intact frame. Sealed: its checksum holds, so a writer made it so; it is never a torn write."""

END = "end"


def defect(code, detail, sealed=False):
    return Defect(code, detail, sealed)


class Frame:
    __slots__ = ("offset", "end", "kind", "seq", "group", "commit", "signal", "items", "faults", "more", "lane_hint",
                 "body_bytes")

    def __init__(self, kind, seq, group, commit, signal, items, faults, more):
        self.kind, self.seq, self.group, self.commit = kind, seq, group, commit
        self.signal, self.items, self.faults, self.more = signal, items, faults, more
        self.lane_hint = None
        self.body_bytes = more["event_bytes" if kind == "entry" else "body_bytes"]
        self.offset = self.end = None

    @property
    def identity(self):
        return self.seq - self.group


class Segment:
    """One file, mapped; `seed` is the CRC of what every seeded CRC begins with."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.first, self.log = int(name[:20]), name[21:37]
        self.seed = crc32c(struct.pack(">QQ", int(self.log, 16), self.first))
        self.data = b""

    def __enter__(self):
        with open(os.path.join(self.folder, self.name), "rb") as file:
            if os.fstat(file.fileno()).st_size:
                self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self

    def __exit__(self, *error):
        if self.data:
            self.data.close()

    def crc(self, covered):
        return crc32c(covered, self.seed)

    def crc_of(self, start, end, crc=0):
        with memoryview(self.data) as view, view[start:end] as part:
            return crc32c(part, crc)


def length_at(segment, offset):
    if len(segment.data) - offset < 4:
        return 0
    return struct.unpack_from(">I", segment.data, offset)[0]


def read_frame(segment, offset, wanted=None):
    """The intact frame at an offset, or a Defect. With `wanted`, only frames whose seq is in that range are looked at."""
    length = length_at(segment, offset)
    if length == 0:
        return defect(END, "the log ends")
    start, end = offset + 4, offset + 4 + length
    if length > MAX_FRAME or end > len(segment.data):
        return defect("length", "length %d" % length)
    kind = segment.data[start]
    if kind == 0x01:
        frame = read_batch(segment, start, end, wanted)
    elif kind == 0x7B:
        frame = read_entry(segment, start, end, wanted)
    else:
        return defect("kind", "first byte 0x%02x" % kind)
    if isinstance(frame, Frame):
        frame.offset, frame.end = offset, end
    return frame


def read_batch(segment, start, end, wanted):
    if end - start < HEADER.size:
        return defect("header", "shorter than a header")
    header = HEADER.unpack_from(segment.data, start)
    _, signal, encoding, flags, items, seq, written, metadata_size, body_size, crc, group, body_crc, _ = header
    body = start + HEADER.size + metadata_size
    if body + body_size != end:
        return defect("header", "the lengths do not add up")
    if wanted and seq not in wanted:
        return defect("seq", "seq %d" % seq)
    covered = bytearray(segment.data[start:body])
    covered[32:36] = bytes(4)
    if segment.crc(covered) != crc:
        return defect("header_crc", "checksum of header and metadata")
    fault = header_fault(header, segment.first)
    if fault:
        return defect("header", fault, sealed=True)
    if segment.crc_of(body, end) != body_crc:
        return defect("body_crc", "checksum of the body")
    more = {"encoding": encoding, "mergeable": bool(flags & MERGEABLE), "written_at": written,
            "metadata_bytes": metadata_size, "body_bytes": body_size}
    faults = batch_faults(segment, bytes(covered[HEADER.size:]), body, end, encoding, flags)
    frame = Frame("batch", seq, group, bool(flags & COMMIT), SIGNALS[signal], items, faults, more)
    frame.lane_hint = string_member(bytes(covered[HEADER.size:]), "lane")
    return frame


def header_fault(header, first_seq):
    _, signal, encoding, flags, _, seq, _, metadata_size, body_size, _, group, _, reserved = header
    if signal not in SIGNALS:
        return "signal %d" % signal
    if encoding > ZSTD:
        return "encoding %d" % encoding
    if flags & ~(COMMIT | MERGEABLE):
        return "flags 0x%02x" % flags
    if seq < first_seq:
        return "seq %d is below the name of the segment" % seq
    if metadata_size > MAX_METADATA:
        return "metadata length %d" % metadata_size
    if body_size > MAX_BODY:
        return "body length %d" % body_size
    if group > MAX_GROUP:
        return "group %d" % group
    if reserved:
        return "bytes 44 to 47 are not 0"
    return None


def batch_faults(segment, metadata, body, end, encoding, flags):
    faults = []
    if metadata and not is_json_object(metadata):
        faults.append(("metadata", "metadata are not a JSON object in UTF-8"))
    if flags & MERGEABLE and not is_mergeable(segment.data, body, end, encoding):
        faults.append(("mergeable", "flagged mergeable, but the body has other top-level fields than number 1"))
    return faults


def read_entry(segment, start, end, wanted):
    head = ENTRY_SEQ.match(segment.data, start, min(end, start + 32))
    if wanted and not (head and int(head[1]) in wanted):
        return defect("seq", "another seq")
    covered = end - TRAILER_SIZE
    trailer = TRAILER.match(segment.data[covered:end]) if covered > start else None
    if not trailer:
        return defect("entry", "does not end with crc32c")
    if segment.crc_of(start, covered, segment.seed) != int(trailer[1], 16):
        return defect("entry_crc", "checksum of the entry")
    if not head:
        return defect("entry", "does not begin with seq", sealed=True)
    return read_members(bytes(segment.data[start:covered]), int(head[1]), segment.first)


def read_members(covered, seq, first_seq):
    """An entry whose checksum holds."""
    head = ENTRY_HEAD.match(covered)
    tail = ENTRY_TAIL.search(covered, max(0, len(covered) - TAIL_SIZE))
    if not head or not tail:
        return defect("entry", "members are not those of the format, in its order", sealed=True)
    if not first_seq <= seq <= MAX_SEQ:
        return defect("entry", "seq %d" % seq, sealed=True)
    group = int(tail[1] or 0)
    if group > MAX_GROUP:
        return defect("entry", "group %d" % group, sealed=True)
    event = covered[head.end():tail.start() + 1]
    if len(event) > MAX_EVENT:
        return defect("entry", "event of %d bytes" % len(event), sealed=True)
    written = head[1].decode("utf-8", "replace")
    faults = []
    if not is_instant(written):
        faults.append(("written_at", "written_at is not an instant with nine decimals"))
    if not is_json_object(event):
        faults.append(("event", "event is not a JSON object in UTF-8"))
    more = {"written_at": written, "event_bytes": len(event)}
    frame = Frame("entry", seq, group, tail[2] is not None, "logs", 1, faults, more)
    frame.lane_hint = string_member(event, "kind")
    return frame


def string_member(text, name):
    """What a JSON object says under a name, or None if that is no string."""
    try:
        value = json.loads(text.decode("utf-8")) if text else {}
    except (ValueError, RecursionError):
        return None
    value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def is_instant(text):
    match = INSTANT.fullmatch(text)
    if not match:
        return False
    try:
        datetime.datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return False
    return True


def search(segment, offset, wanted):
    """The first intact frame at or behind an offset whose seq is wanted, or None."""
    at = offset + 4
    while True:
        candidate = CANDIDATE.search(segment.data, at)
        if not candidate:
            return None
        at = candidate.start()
        found = read_frame(segment, at - 4, wanted)
        if isinstance(found, Frame):
            return found
        at += 1


# ----------------------------------------------------------------------------------------------------------- mergeable

CHUNK = 64 * KIB
INFLATE_LIMIT = 1 << 30


def is_mergeable(data, start, end, encoding):
    """Whether every top-level field has number 1 and wire type 2. zstd and what is too large pass."""
    if encoding == ZSTD:
        return True
    chunks = slices(data, start, end)
    try:
        return only_field_one(inflate(chunks) if encoding == GZIP else chunks)
    except OverflowError:
        return True
    except (zlib.error, EOFError):
        return False


def slices(data, start, end):
    for at in range(start, end, CHUNK):
        yield data[at:min(end, at + CHUNK)]


def inflate(chunks):
    """The members of a gzip file, decompressed."""
    total, stream = 0, zlib.decompressobj(wbits=31)
    for rest in chunks:
        while rest:
            if stream.eof:
                stream = zlib.decompressobj(wbits=31)
            piece = stream.decompress(rest, CHUNK)
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
            total += len(piece)
            yield piece
            if total > INFLATE_LIMIT:
                raise OverflowError
    if not stream.eof:
        raise EOFError


def only_field_one(chunks):
    skip = shift = size = 0
    in_size = False
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            if skip:
                step = min(skip, len(chunk) - at)
                skip, at = skip - step, at + step
                continue
            byte = chunk[at]
            at += 1
            if not in_size:
                if byte != 0x0A:
                    return False
                in_size, shift, size = True, 0, 0
                continue
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                in_size, skip = False, size
            elif shift > 63:
                return False
    return not skip and not in_size


# --------------------------------------------------------------------------------------------------------------- files

SAFE_SEQ, POS = "telemetry.safe_seq", "telemetry.pos"
SEGMENT_NAME = re.compile(r"[0-9]{20}\.[0-9a-f]{16}\.wal")
QUARANTINE_NAME = re.compile(r"[0-9]+-[0-9]+\.(bin|json)")
LOG_FILES = (".wal", SAFE_SEQ, POS)
IGNORED = (".tmp", ".prepared", ".foreign")


class Report:
    def __init__(self):
        self.violations = []
        self.unchecked = []

    def violate(self, code, detail, file=None, offset=None, seq=None):
        self.violations.append({"code": code, "file": file, "offset": offset, "seq": seq, "detail": detail})


class Listing:
    """The files of a wal/ directory by what they are."""

    def __init__(self, folder, report):
        self.segments, self.ignored, self.quarantine = [], [], []
        names = sorted(os.listdir(folder))
        self.has_safe_seq, self.has_pos = SAFE_SEQ in names, POS in names
        for name in names:
            if SEGMENT_NAME.fullmatch(name) and int(name[:20]) <= MAX_SEQ:
                self.segments.append(name)
            elif name.endswith(IGNORED):
                self.ignored.append(name)
            elif name == "quarantine":
                self.list_quarantine(os.path.join(folder, name), report)
            elif name not in (SAFE_SEQ, POS):
                report.violate("file_name", "a name that the format does not have", file=name)

    def list_quarantine(self, folder, report):
        for name in sorted(os.listdir(folder)):
            if QUARANTINE_NAME.fullmatch(name):
                self.quarantine.append(name)
            elif name.endswith(IGNORED):
                self.ignored.append("quarantine/" + name)
            else:
                report.violate("file_name", "a name that the format does not have", file="quarantine/" + name)


def read_whole(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def read_safe_seq(data, report):
    """The safe point, or None if the file does not tell it."""
    if len(data) != 12:
        report.violate("safe_size", "%d bytes instead of 12" % len(data), file=SAFE_SEQ)
        return None
    seq, crc = struct.unpack("<QI", data)
    if crc32c(data[:8]) != crc:
        report.violate("safe_crc", "checksum", file=SAFE_SEQ)
        return None
    return seq


# ------------------------------------------------------------------------------------------------------- telemetry.pos

Gap = collections.namedtuple("Gap", "first last reason")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
MEMBERS = ("version", "log", "cursors", "gaps", "ledger", "counted_to", "notices", "crc32c")
MAX_KIND = 64


class Lanes:
    """The rule that says in which lane a frame travels: without one, all in one lane of any name."""

    def __init__(self, rules):
        self.rules = rules

    def has(self, name):
        return len(self.rules) < 2 or any(rule["name"] == name for rule in self.rules)

    def of(self, frame):
        """The name of a frame's lane, or None for the only one."""
        if len(self.rules) < 2:
            return None
        hint = frame.lane_hint
        for rule in self.rules:
            if frame.kind == "entry":
                if hint and len(hint) <= MAX_KIND and hint in rule["kinds"]:
                    return rule["name"]
            elif frame.signal == "logs" and rule["min_severity"] > 0 and rule["name"] == hint:
                return rule["name"]
        for rule in self.rules:
            if rule["min_severity"] == 0 and frame.signal in rule["signals"]:
                return rule["name"]
        return None


class Cursor:
    def __init__(self, name, seq, done):
        self.name, self.seq, self.done = name, seq, done
        self.lane = name.split("/", 1)[1]
        self.settled = Runs([(0, seq)] + [tuple(run) for run in done])
        self.expected = self.expected_bytes = 0


class Positions:
    """What telemetry.pos says; whatever is not as the format has it is reported and left out."""

    def __init__(self, report):
        self.report = report
        self.log, self.counted_to = None, None
        self.cursors, self.gaps, self.ledger, self.notices = [], [], [], []
        self.lanes = Lanes([])

    def violate(self, code, detail, seq=None):
        self.report.violate(code, detail, file=POS, seq=seq)

    def read(self, data):
        trailer = TRAILER.match(data[-TRAILER_SIZE:])
        if not trailer:
            self.violate("pos_json", "does not end with crc32c")
        elif crc32c(data[:-TRAILER_SIZE]) != int(trailer[1], 16):
            self.violate("pos_crc", "checksum")
        else:
            self.read_json(data)

    def read_json(self, data):
        try:
            text = data.decode("utf-8")
            root = json.loads(text, object_pairs_hook=self.unique, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            self.violate("pos_json", "not JSON in UTF-8 with each member once")
            return
        if re.search(r"\s", STRING.sub("", text)):
            self.violate("pos_json", "white space")
        if self.has_members(root, MEMBERS, "the file", optional=("lanes",)):
            self.read_root(root)

    @staticmethod
    def unique(pairs):
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError("a member twice")
        return members

    def has_members(self, value, names, what, optional=()):
        if not isinstance(value, dict):
            self.violate("pos_member", what + " is not an object")
            return False
        odd = sorted((set(value) - set(optional)) ^ set(names))
        if odd:
            self.violate("pos_member", "%s: missing or unknown: %s" % (what, ", ".join(odd)))
        return not odd

    def is_list(self, root, name):
        if isinstance(root[name], list):
            return True
        self.violate("pos_member", name + " is not an array")
        return False

    def read_root(self, root):
        if root["version"] != 1 or not is_number(root["version"]):
            self.violate("pos_member", "version is not 1")
        if isinstance(root["log"], str) and re.fullmatch("[0-9a-f]{16}", root["log"]):
            self.log = root["log"]
        else:
            self.violate("pos_member", "log is not an id of a log")
        if is_number(root["counted_to"]):
            self.counted_to = root["counted_to"]
        else:
            self.violate("pos_member", "counted_to is not a seq")
        if "lanes" in root:
            self.read_lanes(root)
        readers = (("cursors", self.read_cursor), ("gaps", self.read_gap), ("ledger", self.read_row),
                   ("notices", self.read_notice))
        for name, reader in readers:
            if self.is_list(root, name):
                for value in root[name]:
                    reader(value)
        self.check_gaps()

    def read_lanes(self, root):
        if not self.is_list(root, "lanes"):
            return
        for rule in root["lanes"]:
            if not self.has_members(rule, ("name", "kinds", "signals", "min_severity"), "lane"):
                return
            if not isinstance(rule["name"], str) or not is_number(rule["min_severity"]) or not all(
                    isinstance(rule[name], list) and all(isinstance(one, str) for one in rule[name])
                    for name in ("kinds", "signals")):
                self.violate("lanes", "a lane is not what it should be")
                return
        names = [rule["name"] for rule in root["lanes"]]
        taken = [signal for rule in root["lanes"] if rule["min_severity"] == 0 for signal in rule["signals"]]
        kinds = [kind for rule in root["lanes"] for kind in rule["kinds"]]
        if sorted(taken) != ["logs", "metrics", "traces"] or len(set(kinds)) != len(kinds) or len(set(names)) != len(names):
            self.violate("lanes", "a name or kind is there twice, or a signal not once")
            return
        self.lanes = Lanes(root["lanes"])

    def read_cursor(self, value):
        if not self.has_members(value, ("name", "seq", "done"), "cursor", optional=("sent", "parts")):
            return
        name, seq, done = value["name"], value["seq"], value["done"]
        if not isinstance(name, str) or not re.fullmatch(r"[^/]+/.+", name, re.S):
            self.violate("cursors", "a name that is not destination/lane")
        elif name in [cursor.name for cursor in self.cursors]:
            self.violate("cursors", "%s is there twice" % name)
        elif not self.lanes.has(name.split("/", 1)[1]):
            self.violate("cursors", "%s: there is no such lane" % name)
        elif not is_number(value.get("sent", 0)):
            self.violate("cursors", "%s: sent is not a seq" % name)
        elif not is_number(seq) or not isinstance(done, list) or not all(map(is_run, done)):
            self.violate("cursors", "%s: seq or done is not what it should be" % name)
        else:
            self.check_done(name, seq, done)
            self.check_parts(name, value.get("parts", []))
            self.cursors.append(Cursor(name, seq, done))

    def check_parts(self, name, parts):
        """Frames that were cut: each from item 0 on without gaps."""
        for frame in parts if isinstance(parts, list) else [None]:
            if not self.has_members(frame, ("seq", "items"), "parts of a frame"):
                return
            next_item = 0
            for part in frame["items"] if isinstance(frame["items"], list) else [None]:
                if not self.has_members(part, ("first", "last"), "a part", ("delivered", "dead_lettered", "dropped")):
                    return
                if part["first"] != next_item or not is_run([part["first"], part["last"]]):
                    self.violate("cursors", "%s: parts of a frame overlap or leave a gap" % name)
                    return
                next_item = part["last"] + 1

    def check_done(self, name, seq, done):
        if len(done) > MAX_DONE:
            self.violate("cursors", "%s: %d settled runs" % (name, len(done)))
        if done and done[0][0] <= seq:
            self.violate("cursors", "%s: a settled run is not above the cursor" % name, seq=seq)
        for (_, before), (after, _) in zip(done, done[1:]):
            if after <= before + 1:
                self.violate("cursors", "%s: settled runs overlap, touch or descend" % name, seq=after)

    def read_gap(self, value):
        if not self.has_members(value, ("from", "to", "reason"), "gap"):
            return
        first, last, reason = value["from"], value["to"], value["reason"]
        if not is_run([first, last]) or reason not in GAP_REASONS:
            self.violate("gaps", "bounds or reason are not what they should be")
        else:
            self.gaps.append(Gap(first, last, reason))

    def check_gaps(self):
        ordered = sorted(self.gaps)
        for one, next_one in zip(ordered, ordered[1:]):
            if next_one.first <= one.last:
                self.violate("gaps", "gaps overlap", seq=next_one.first)

    def read_row(self, row):
        members = ("cursor", "signal", "accepted", "delivered", "dead_lettered", "dropped")
        optional = ("pending_bytes",) if isinstance(row, dict) and "pending_bytes" in row else ()
        if not self.has_members(row, members, "ledger", optional):
            return
        dropped = row["dropped"]
        numbers = [row["accepted"], row["delivered"], row["dead_lettered"]]
        numbers += dropped.values() if isinstance(dropped, dict) else [None]
        size = row.get("pending_bytes", 0)
        if not isinstance(row["cursor"], str) or row["signal"] not in LEDGER_SIGNALS or not all(map(is_number, numbers + [size])):
            self.violate("ledger", "a row is not what it should be")
        elif (row["cursor"], row["signal"]) in [(cursor, signal) for cursor, signal, _, _ in self.ledger]:
            self.violate("ledger", "%s %s is there twice" % (row["cursor"], row["signal"]))
        else:
            self.ledger.append((row["cursor"], row["signal"], numbers[0] - sum(numbers[1:]), row.get("pending_bytes")))

    def read_notice(self, value):
        if isinstance(value, str) and is_json_object(value):
            self.notices.append(value)
        else:
            self.violate("notices", "a notice is not a JSON object in a string")


def is_number(value):
    return type(value) is int and 0 <= value <= MAX_SEQ


def is_run(value):
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] <= value[1]


# ------------------------------------------------------------------------------------------------------------- reading


class Group:
    """Frames of one group that were read, before it is known whether it is committed."""

    def __init__(self, identity, start):
        self.identity, self.start = identity, start
        self.frames, self.lost = [], []
        self.ended = False


class Log:
    """What the segments hold, as far as it is kept: counts, not frames."""

    def __init__(self, report, gaps, safe, positions, dump):
        self.report, self.safe, self.positions, self.dump = report, safe, positions, dump
        self.gaps = Runs((gap.first, gap.last) for gap in gaps)
        self.proof = max([safe or 0] + [gap.last for gap in gaps])
        self.segments, self.missing = [], []
        self.entries = self.batches = 0
        self.items = dict.fromkeys(SIGNALS.values(), 0)
        self.last_committed = self.torn = None
        self.safe_fault = None

    def count(self, segment, frame):
        if frame.kind == "entry":
            self.entries += 1
        else:
            self.batches += 1
        self.items[frame.signal] += frame.items
        self.last_committed = frame.seq
        if frame.seq == self.safe and not frame.commit:
            self.safe_fault = "a frame without commit flag"
        counted_to = self.positions.counted_to
        if counted_to is not None and frame.seq <= counted_to:
            lane = self.positions.lanes.of(frame)
            for cursor in self.positions.cursors:
                if lane in (None, cursor.lane) and frame.seq not in cursor.settled:
                    cursor.expected += frame.items
                    cursor.expected_bytes += frame.body_bytes
        self.dump_frame(segment, frame, "committed")

    def dump_frame(self, segment, frame, state):
        if self.dump:
            line = {"file": segment.name, "offset": frame.offset, "bytes": frame.end - frame.offset, "kind": frame.kind,
                    "seq": frame.seq, "group": frame.group, "commit": frame.commit, "state": state,
                    "signal": frame.signal, "items": frame.items}
            self.dump(dict(line, **frame.more))


class Walk:
    """Reads one segment. `limit` is the name of the next segment, or None in the last."""

    def __init__(self, log, segment, limit):
        self.log, self.segment, self.is_last = log, segment, limit is None
        self.limit = MAX_SEQ + 1 if self.is_last else limit
        self.bound = log.proof if self.is_last else limit - 1  # up to here everything was forced
        self.offset, self.next_seq = 0, segment.first
        self.read_seq = segment.first - 1  # of the last intact frame that is in no gap
        self.group = None
        self.defect = None
        self.frames = 0

    def run(self):
        while self.step():
            pass
        self.finish()

    def violate(self, code, detail, offset, seq):
        self.log.report.violate(code, detail, file=self.segment.name, offset=offset, seq=seq)

    def step(self):
        found = read_frame(self.segment, self.offset)
        if isinstance(found, Frame) and self.next_seq <= found.seq < self.limit:
            self.take(found, None)
            return True
        self.defect = self.classify(found)
        if self.defect.sealed:
            self.violate(self.defect.code, self.defect.detail, self.offset, self.next_seq)
        if not self.is_last and not self.log.gaps.outside(self.next_seq, self.bound):
            return False
        found = search(self.segment, self.offset + 1, range(self.next_seq, self.limit))
        if found:
            self.take(found, self.defect)
        return found is not None

    def classify(self, found):
        if isinstance(found, Defect):
            return found
        if found.seq in self.log.gaps:
            return defect("seq", "a frame of a gap, seq %d" % found.seq)
        if found.seq >= self.limit:
            return defect("overlap", "seq %d belongs to the next segment" % found.seq, sealed=True)
        return defect("seq", "seq %d again" % found.seq, sealed=True)

    def take(self, frame, skipped):
        """An intact frame at the offset or, behind a defect that was skipped, farther on."""
        start, expected = self.offset, self.next_seq
        lost = self.log.gaps.outside(expected, frame.seq - 1)
        self.offset, self.next_seq = frame.end, frame.seq + 1
        if skipped is None:
            for part in lost:
                self.lose(part, "seq_gap", "the next frame follows without them", start)
            lost = []
        elif frame.seq == expected:
            code = "hole" if skipped.code == END else "junk"
            self.violate(code, "%d bytes between two frames" % (frame.offset - start), start, expected)
        lost = [(part, skipped, start) for part in lost]
        if frame.seq in self.log.gaps:
            self.lose_all(lost)
            self.log.dump_frame(self.segment, frame, "gap")
            return
        for code, detail in frame.faults:
            self.violate(code, detail, frame.offset, frame.seq)
        self.join(frame, lost, start)

    def lose(self, part, code, detail, offset):
        """A range of seqs that were forced and are not there."""
        first, last = part
        which = "seq %d" % first if first == last else "seqs %d to %d" % part
        self.log.missing.append(part)
        self.violate(code, "%s: %s" % (which, detail), offset, first)

    def lose_all(self, lost):
        for part, why, offset in lost:
            self.lose(part, "hole" if why.code == END else why.code, why.detail, offset)

    def join(self, frame, lost, start):
        """Adds a frame to its group. What was lost before the group was forced, as this frame is of a later one."""
        identity = frame.identity
        self.lose_all(((first, min(last, identity - 1)), why, at) for (first, last), why, at in lost if first < identity)
        lost = [((max(first, identity), last), why, at) for (first, last), why, at in lost if last >= identity]
        if self.group and self.group.identity == identity:
            if self.group.ended:
                self.violate("group", "the group goes on behind its commit flag", frame.offset, frame.seq)
        else:
            self.settle(next_identity=identity)
            self.check_start(frame)
            self.group = Group(identity, start)
        self.group.frames.append(frame)
        self.group.lost += lost
        self.read_seq = frame.seq
        if frame.commit:
            self.group.ended = True
            if not self.group.lost:
                self.settle()

    def check_start(self, frame):
        """A group begins with number 0, unless its first frames are lost or in a gap."""
        if frame.identity < self.segment.first:
            self.violate("group_span", "the group begins before the segment", frame.offset, frame.seq)
        elif frame.identity <= self.read_seq:
            self.violate("group", "number %d in a group that begins here" % frame.group, frame.offset, frame.seq)

    def settle(self, next_identity=None):
        """Decides about the group that was read, before one that follows or for good; true unless it is phantoms."""
        group, self.group = self.group, None
        if not group:
            return True
        complete = group.ended and not group.lost
        if not complete and next_identity is None and group.identity > self.bound:
            for frame in group.frames:
                self.log.dump_frame(self.segment, frame, "phantom")
            self.log.torn = {"offset": group.start, "phantoms": len(group.frames)}
            return False
        self.lose_all(group.lost)
        for frame in group.frames:
            self.frames += 1
            self.log.count(self.segment, frame)
        if not group.ended:
            self.check_end(group, next_identity)
        return True

    def check_end(self, group, next_identity):
        """A committed group without commit flag: unless the frame that had it is lost or in a gap, it never had one."""
        last = group.frames[-1]
        follower = last.seq + 1
        if next_identity is not None:
            excused = next_identity != follower
        else:
            excused = follower <= self.bound
        if not excused:
            why = " (%s)" % self.defect.detail if next_identity is None else ""
            self.violate("commit", "the group ends without commit flag" + why, last.offset, last.seq)

    def finish(self):
        committed = self.settle()
        lost = self.log.gaps.outside(self.next_seq, self.bound)
        for part in lost:
            code = "missing" if self.defect.code == END else self.defect.code
            self.lose(part, code, self.defect.detail, self.offset)
        if self.is_last and not lost and (not committed or self.defect.code != END):
            self.tear()
        self.log.segments.append({"file": self.segment.name, "first_seq": self.segment.first, "frames": self.frames,
                                  "end": self.log.torn["offset"] if self.log.torn else self.offset})

    def tear(self):
        torn = self.log.torn or {"offset": self.offset, "phantoms": 0}
        end, length = self.offset, length_at(self.segment, self.offset)
        if length:
            end = min(end + 4 + length, len(self.segment.data))
        self.log.torn = {"file": self.segment.name, "offset": torn["offset"], "bytes": end - torn["offset"],
                         "phantoms": torn["phantoms"]}


# ------------------------------------------------------------------------------------------------------ the whole log


def own_segments(listing, positions, folder, report):
    """Segments of the log, by seq; those of another log are reported."""
    log_id = positions.log
    if log_id is None and listing.segments:
        log_id = listing.segments[0][21:37]
    own = []
    for name in listing.segments:
        if name[21:37] == log_id:
            own.append(Segment(folder, name))
        else:
            report.violate("log_id", "a segment of another log than %s" % log_id, file=name)
    return log_id, own


def read_segments(log, segments):
    for segment, following in zip(segments, segments[1:] + [None]):
        with segment:
            Walk(log, segment, following.first if following else None).run()


def check_safe_seq(log, gaps, segments, report):
    """Below the first segment nothing is left to compare the safe point with."""
    safe = log.safe
    if not safe or not segments:
        return
    fault = log.safe_fault
    if any(gap.reason == "passed" and gap.first <= safe < gap.last for gap in gaps):
        fault = "within a gap"
    if safe > log_end(log, gaps, segments):
        fault = "behind the end of the log"
    if fault:
        report.violate("safe_seq", fault, file=SAFE_SEQ, seq=safe)


def log_end(log, gaps, segments):
    """The last seq that was given to a committed frame or accounted for in a gap."""
    ends = [log.last_committed or 0] + [gap.last for gap in gaps]
    return max(ends + [segment.first - 1 for segment in segments[-1:]])


def check_positions(log, positions, gaps, segments):
    if not segments:
        if log.safe or positions.counted_to or any(cursor.seq for cursor in positions.cursors):
            log.report.violate("no_segment", "seqs were given away, but there is no segment")
        return
    end = log_end(log, gaps, segments)
    for cursor in positions.cursors:
        if max([cursor.seq] + [run[1] for run in cursor.done]) > end:
            positions.violate("cursors", "%s is behind the end of the log, %d" % (cursor.name, end), seq=cursor.seq)
    if positions.counted_to is not None and positions.counted_to > end:
        positions.violate("counted_to", "behind the end of the log, %d" % end, seq=positions.counted_to)


def check_ledger(log, positions, gaps, segments):
    pending = dict.fromkeys((cursor.name for cursor in positions.cursors), 0)
    sizes = dict(pending)
    for name, signal, value, size in positions.ledger:
        if value < 0:
            positions.violate("ledger", "%s %s: pending is %d" % (name, signal, value))
        if name in pending:
            pending[name] += value
            sizes[name] = None if sizes[name] is None or (value and size is None) else sizes[name] + (size or 0)
        else:
            positions.violate("ledger", "%s is not a cursor" % name)
    for cursor in positions.cursors:
        cursor.pending, cursor.checked = pending[cursor.name], can_count(log, positions, segments, cursor)
        if not cursor.checked:
            log.report.unchecked.append("ledger of %s: frames that it needs are not there" % cursor.name)
            continue
        unread = unread_in_gaps(gaps, cursor, positions.counted_to)
        if not cursor.expected <= cursor.pending <= cursor.expected + unread:
            positions.violate("ledger", "%s: pending is %d, but %d items are not settled"
                              % (cursor.name, cursor.pending, cursor.expected), seq=cursor.seq)
        elif not unread and sizes[cursor.name] not in (None, cursor.expected_bytes):
            positions.violate("ledger", "%s: pending_bytes are %d, but the bodies that are not settled have %d"
                              % (cursor.name, sizes[cursor.name], cursor.expected_bytes), seq=cursor.seq)


def can_count(log, positions, segments, cursor):
    """Whether all that the cursor has not settled could be read."""
    if positions.counted_to is None:
        return False
    accounted = Runs(list(cursor.settled) + list(log.gaps))
    first = segments[0].first if segments else positions.counted_to + 1
    parts = [(0, first - 1)] + log.missing
    return not any(accounted.outside(start, min(end, positions.counted_to)) for start, end in parts)


def unread_in_gaps(gaps, cursor, counted_to):
    """Damaged frames that may still be pending as one item each of the signal unknown."""
    return sum(last - first + 1 for gap in gaps if gap.reason == "corruption"
               for first, last in cursor.settled.outside(gap.first, min(gap.last, counted_to)))


def verify(folder, expect_entries=None, follow_gaps=True, dump=None):
    """Reads a wal/ directory and returns what is printed."""
    report = Report()
    listing = Listing(folder, report)
    positions = Positions(report)
    if listing.has_pos:
        positions.read(read_whole(folder, POS))
    safe = read_safe_seq(read_whole(folder, SAFE_SEQ), report) if listing.has_safe_seq else None
    gaps = sorted(positions.gaps) if follow_gaps else []
    log_id, segments = own_segments(listing, positions, folder, report)
    log = Log(report, gaps, safe, positions, dump)
    read_segments(log, segments)
    check_safe_seq(log, gaps, segments, report)
    check_positions(log, positions, gaps, segments)
    check_ledger(log, positions, gaps, segments)
    if expect_entries is not None and log.entries != expect_entries:
        report.violate("expect_entries", "%d entries, expected %d" % (log.entries, expect_entries))
    return summary(log_id, log, positions, listing, segments)


def summary(log_id, log, positions, listing, segments):
    cursors = [{"name": cursor.name, "seq": cursor.seq, "done": cursor.done, "pending": cursor.pending,
                "expected": cursor.expected if cursor.checked else None} for cursor in positions.cursors]
    return {
        "ok": not log.report.violations,
        "log": log_id,
        "segments": log.segments,
        "frames": log.entries + log.batches,
        "entries": log.entries,
        "batches": log.batches,
        "items": log.items,
        "first_seq": segments[0].first if segments else None,
        "last_committed_seq": log.last_committed,
        "safe_seq": log.safe,
        "counted_to": positions.counted_to,
        "torn": log.torn,
        "cursors": cursors,
        "gaps": [{"from": gap.first, "to": gap.last, "reason": gap.reason} for gap in positions.gaps],
        "notices": len(positions.notices),
        "ignored": listing.ignored,
        "quarantine": listing.quarantine,
        "unchecked": log.report.unchecked,
        "violations": log.report.violations,
    }


# -------------------------------------------------------------------------------------------------------- command line


def count_argument(text):
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(prog="wal_verify.py", description="Verifies a write-ahead log.")
    parser.add_argument("--json", action="store_true", help="nothing for people on standard error")
    parser.add_argument("--dump", action="store_true", help="one line of JSON per frame, before the result")
    parser.add_argument("--expect-entries", type=count_argument, metavar="N", help="how many committed entries there are")
    parser.add_argument("--follow-gaps", dest="follow_gaps", action="store_true", default=True,
                        help="pass over the gaps of telemetry.pos (default)")
    parser.add_argument("--no-follow-gaps", dest="follow_gaps", action="store_false",
                        help="every seq has to be there")
    parser.add_argument("dir", metavar="DIR", help="state directory or its wal/ directory")
    return parser.parse_args(arguments)


def print_line(value):
    print(json.dumps(value, separators=(",", ":")))


def explain(result):
    """The lines for people."""
    for violation in result["violations"]:
        known = [key for key in ("file", "offset", "seq") if violation[key] is not None]
        where = " ".join("%s %s" % (key, violation[key]) for key in known)
        yield "violation %s: %s%s" % (violation["code"], violation["detail"], where and " [%s]" % where)
    if result["torn"]:
        yield "torn tail: %(bytes)d bytes at offset %(offset)d of %(file)s, %(phantoms)d intact phantoms" % result["torn"]
    for text in result["unchecked"]:
        yield "not checked: " + text
    yield "%s: %d frames, %d entries, %d batches, last committed seq %s" % (
        "ok" if result["ok"] else "NOT OK", result["frames"], result["entries"], result["batches"],
        result["last_committed_seq"])


def log_folder(path):
    """The wal/ directory. An empty one is a log that has just been made; any other empty directory is none."""
    nested = os.path.join(path, "wal")
    if os.path.isdir(nested):
        return nested
    names = os.listdir(path)
    if os.path.basename(os.path.abspath(path)) != "wal" and not any(name.endswith(LOG_FILES) for name in names):
        raise OSError(errno.ENOENT, "no log in this directory")
    return path


def main(arguments=None):
    self_test()
    options = parse_arguments(arguments)
    try:
        folder = log_folder(options.dir)
        result = verify(folder, options.expect_entries, options.follow_gaps, print_line if options.dump else None)
    except OSError as error:
        print("wal_verify.py: cannot read: %s" % error.strerror, file=sys.stderr)
        return 2
    print_line(result)
    if not options.json:
        for line in explain(result):
            print(line, file=sys.stderr)
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
