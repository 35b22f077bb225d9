#!/usr/bin/env python3
"""Tests of wal_verify.py on logs that are built here byte by byte, after docs/wal-format.md."""

import contextlib
import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from random import Random
from unittest import mock

import wal_verify

LOG = 0x0123456789ABCDEF
INSTANT = "2026-11-21T12:00:00.000000000Z"
WRITTEN = 1795262400000000000
COMMIT, MERGEABLE = 1, 2


def crc(data):
    """Bit by bit, so that it has nothing in common with the tables under test."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def seeded(first, data, log=LOG):
    return crc(log.to_bytes(8, "big") + first.to_bytes(8, "big") + data)


def framed(payload):
    return struct.pack(">I", len(payload)) + payload


def batch(first, seq, group=0, commit=True, **odd):
    """A frame; `odd` replaces fields, the checksums are right for what is written unless they are replaced too."""
    body, metadata = odd.get("body", b"\x0a\x03abc"), odd.get("metadata", b"")
    flags = odd.get("flags", COMMIT if commit else 0)

    def header(checksum):
        return struct.pack(">BBBBIqqIIIIII", odd.get("kind", 1), odd.get("signal", 1), odd.get("encoding", 0), flags,
                           odd.get("items", 7), seq, odd.get("written", WRITTEN), odd.get("metadata_size", len(metadata)),
                           odd.get("body_size", len(body)), checksum, group, odd.get("body_crc", crc(body)),
                           odd.get("reserved", 0))

    checksum = odd.get("crc", seeded(odd.get("seed_first", first), header(0) + metadata, odd.get("seed_log", LOG)))
    return framed(header(checksum) + metadata + body)


def sealed_entry(first, text, log=LOG):
    """An entry with the given bytes before its checksum."""
    return framed(text + b',"crc32c":"%08x"}' % seeded(first, text, log))


def entry_text(seq, group=0, commit=True, event=b'{"a":1}', written=INSTANT):
    text = b'{"seq":%d,"written_at":"%s","event":%s' % (seq, written.encode(), event)
    if group:
        text += b',"group":%d' % group
    return text + b',"commit":true' if commit else text


def entry(first, seq, group=0, commit=True, **odd):
    return sealed_entry(first, entry_text(seq, group, commit, **odd))


def segment_name(first, log=LOG):
    return "%020d.%016x.wal" % (first, log)


def safe_point(seq):
    data = struct.pack("<Q", seq)
    return data + struct.pack("<I", crc(data))


def sealed_pos(text):
    return text + b',"crc32c":"%08x"}' % crc(text)


def positions(**members):
    value = {"version": 1, "log": "%016x" % LOG, "cursors": [], "gaps": [], "ledger": [], "counted_to": 0, "notices": []}
    value.update(members)
    return sealed_pos(json.dumps(value, separators=(",", ":")).encode()[:-1])


def gap(first, last, reason="corruption"):
    return {"from": first, "to": last, "reason": reason}


def cursor(name, seq, done=()):
    return {"name": name, "seq": seq, "done": [list(run) for run in done]}


def row(name, signal="logs", accepted=0, delivered=0, dead_lettered=0, dropped=None):
    return {"cursor": name, "signal": signal, "accepted": accepted, "delivered": delivered,
            "dead_lettered": dead_lettered, "dropped": dropped or {}}


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]


END = bytes(4)
TAIL = bytes(64)


class LogTest(unittest.TestCase):
    """A directory for one log, and what the verifier says about it."""

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def write(self, name, data):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def segment(self, first, *parts, log=LOG):
        self.write(segment_name(first, log), b"".join(parts))

    def verify(self, **options):
        return wal_verify.verify(self.dir, **options)

    def codes(self, **options):
        return [violation["code"] for violation in self.verify(**options)["violations"]]

    def assert_codes(self, *expected, **options):
        self.assertEqual(list(expected), self.codes(**options))

    def dump(self):
        lines = []
        wal_verify.verify(self.dir, dump=lines.append)
        return lines


class CrcTest(unittest.TestCase):
    def test_known_vector(self):
        self.assertEqual(0xE3069283, wal_verify.crc32c(b"123456789"))
        self.assertEqual(0xE3069283, crc(b"123456789"))

    def test_all_lengths_and_continuation(self):
        data = bytes(i * 31 + (i >> 3) & 255 for i in range(9000))
        for size in list(range(40)) + [8191, 8192, 8193, 8447, 8448, 8449, 9000]:
            self.assertEqual(crc(data[:size]), wal_verify.crc32c(data[:size]))
        self.assertEqual(crc(data), wal_verify.crc32c(data[100:], wal_verify.crc32c(data[:100])))

    def test_more_than_one_block(self):
        data = bytes(range(256)) * 4 * 1024 + b"rest" * 3000
        self.assertEqual(wal_verify._narrow(data, 0xFFFFFFFF) ^ 0xFFFFFFFF, wal_verify.crc32c(data))

    def test_self_test(self):
        wal_verify.self_test()
        for name, broken, message in (("crc32c", lambda data: 0, "^CRC-32C is"), ("_wide", lambda block, register: 0, "long")):
            with mock.patch.object(wal_verify, name, broken), self.assertRaisesRegex(AssertionError, message):
                wal_verify.self_test()


class RunsTest(unittest.TestCase):
    def test_runs_that_overlap_or_touch(self):
        runs = wal_verify.Runs([(20, 22), (1, 10), (2, 3), (11, 12), (14, 14)])
        self.assertEqual([(1, 12), (14, 14), (20, 22)], list(runs))
        self.assertEqual([0, 13, 15, 19, 23],
                         [seq for seq in (0, 1, 5, 12, 13, 14, 15, 19, 20, 22, 23) if seq not in runs])

    def test_outside(self):
        runs = wal_verify.Runs([(3, 4), (7, 7)])
        expected = {(1, 9): [(1, 2), (5, 6), (8, 9)], (3, 4): [], (4, 5): [(5, 5)], (5, 6): [(5, 6)], (2, 3): [(2, 2)],
                    (7, 8): [(8, 8)], (8, 7): [], (9, 9): [(9, 9)], (6, 5): []}
        for bounds, parts in expected.items():
            self.assertEqual(parts, runs.outside(*bounds), bounds)


class DeepJsonTest(unittest.TestCase):
    """What reads deeply nested JSON agrees with the standard library about the rest."""

    RIGHT = ('{}', ' { } ', '{"a":1}', '{"a":[]}', '{"a":[ ]}',
             '{ "a" : [ 1 , -2.5e+3 , true , false , null , "x" ] , "b" : { } }',
             '{"a":{"b":[[],[{}]]},"c":"\\u00e9\\n"}')
    WRONG = ('', '[]', '1', '{', '}', '{"a"', '{"a":', '{"a":1', '{"a":1,}', '{,}', '{"a":[1,]}', '{"a":[,1]}',
             '{"a":[1 2]}', '{"a" 1}', '{"a";1}', '{1:1}', '{a:1}', '{"a":1]', '{"a":[1}', '{"a":1}}', '{"a":1}x',
             '{"a":1}{}', '{"a":tru}', '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":NaN}', '{"a":"x}', '{"a":"\\x"}', '{"a":"\t"}',
             '{"a":1,"b"}', '{"a":1 "b":2}',
             '{"a":1:2}', '{"a":1;"b":2}', '{"a":1,[}', '{"a":1,{}}', '{"a":]}', '{"a":}', '{"a":{}', '{"a":[}]}',
             '{]', '{[', '{{}}', '{"a":\x0b1}')

    def check(self, text):
        try:
            return wal_verify._deep_is_object(text)
        except ValueError:
            return False

    def test_right(self):
        for text in self.RIGHT:
            self.assertTrue(self.check(text), text)
            self.assertTrue(wal_verify.is_json_object(text), text)

    def test_wrong(self):
        for text in self.WRONG:
            self.assertFalse(self.check(text), text)
            self.assertFalse(wal_verify.is_json_object(text), text)


class CleanLogTest(LogTest):
    def fill(self):
        self.segment(1, batch(1, 1, 0, False, signal=2), entry(1, 2, 1, False), batch(1, 3, 2, True, signal=3), entry(1, 4),
                     TAIL)
        self.segment(5, entry(5, 5, 0, False), entry(5, 6, 1), batch(5, 7, body=b"", metadata=b'{"k":"v"}'), TAIL)
        self.write("telemetry.safe_seq", safe_point(6))
        self.write("telemetry.pos", positions(
            cursors=[cursor("a/x", 2, [(4, 4)]), cursor("b/x", 7)],
            ledger=[row("a/x", accepted=10, delivered=3), row("a/x", "metrics", 7, 5, 1, {"expired": 1}),
                    row("a/x", "traces", 7), row("b/x", accepted=7, delivered=7)],
            counted_to=6, notices=['{"e":1}']))

    def test_nothing_is_wrong(self):
        self.fill()
        # a/x has yet to settle 3, 5 and 6 of the six frames that are counted: 7 + 1 + 1 items
        self.write("telemetry.pos", positions(
            cursors=[cursor("a/x", 2, [(4, 4)]), cursor("b/x", 7)],
            ledger=[row("a/x", accepted=4, delivered=2), row("a/x", "metrics", 7, 5, 1, {"expired": 1}),
                    row("a/x", "traces", 7), row("b/x", accepted=7, delivered=7)],
            counted_to=6, notices=['{"e":1}']))
        result = self.verify()
        self.assertEqual([], result["violations"])
        self.assertTrue(result["ok"])
        self.assertEqual((7, 4, 3), (result["frames"], result["entries"], result["batches"]))
        self.assertEqual({"logs": 11, "metrics": 7, "traces": 7}, result["items"])
        self.assertEqual((1, 7, 6), (result["first_seq"], result["last_committed_seq"], result["safe_seq"]))
        self.assertIsNone(result["torn"])
        self.assertEqual([("a/x", 9, 9), ("b/x", 0, 0)],
                         [(c["name"], c["pending"], c["expected"]) for c in result["cursors"]])
        self.assertEqual([4, 3], [s["frames"] for s in result["segments"]])

    def test_ledger_that_is_wrong_by_one(self):
        self.fill()
        self.assert_codes("ledger")

    def test_empty_directory_and_empty_segment(self):
        self.assert_codes()
        self.segment(1)
        self.assert_codes()
        self.segment(1, TAIL)
        self.write("telemetry.safe_seq", safe_point(0))
        self.assert_codes()

    def test_segment_ends_with_the_file_or_with_less_than_a_length(self):
        for rest in (b"", b"\x01", b"\x01\x02\x03"):
            self.segment(1, entry(1, 1), rest)
            self.segment(2, entry(2, 2), rest)
            result = self.verify()
            self.assertEqual(([], None), (result["violations"], result["torn"]))

    def test_frames_of_an_older_life_behind_the_end(self):
        self.segment(10, entry(10, 10), END, entry(3, 3), entry(10, 9), END)
        result = self.verify()
        self.assertEqual(([], None, 1), (result["violations"], result["torn"], result["frames"]))

    def test_frames_of_this_life_behind_the_end(self):
        """What is left of a tail that was given up: its seqs are below those that are looked for."""
        for stale in (entry(1, 2), batch(1, 2), framed(b'{"seq":2}')):
            self.segment(1, entry(1, 1), entry(1, 4), END, stale, TAIL)
            self.write("telemetry.pos", positions(gaps=[gap(2, 3, "passed")]))
            result = self.verify()
            self.assertEqual(([], None, 2), (result["violations"], result["torn"], result["frames"]))
            self.assertEqual(2, len(self.dump()))

    def test_bodies_that_look_like_frames(self):
        inner = entry(99, 2) + batch(99, 2)
        self.segment(1, batch(1, 1, body=inner), flip(batch(1, 2, body=inner), 60), TAIL)
        result = self.verify()
        self.assertEqual([], result["violations"])
        self.assertEqual(0, result["torn"]["phantoms"])

    def test_entries_as_the_format_allows_them(self):
        events = [b"{}", b'{ "a" : [1, 2.5e9, -0, true, null, "\\u00e9\xc3\xa9"] }', b'{"x":{},"commit":true}',
                  b'{"group":5}',
                  b'{"n":' + b"9" * 5000 + b"}", b'{"d":' + b"[" * 20000 + b"1" + b"]" * 20000 + b"}"]
        self.segment(1, *[entry(1, i + 1, i, i == len(events) - 1, event=event) for i, event in enumerate(events)], TAIL)
        self.assert_codes()
        self.assertEqual(list(range(len(events))), [line["group"] for line in self.dump()])

    def test_mergeable_bodies(self):
        body = b"\x0a\x03abc\x0a\x00\x0a\x81\x02" + b"x" * 257
        long_body = b"\x0a\x80\x80\x08" + bytes(131072)
        two_members = gzip.compress(body, mtime=0) + gzip.compress(body, mtime=0)
        self.segment(1, batch(1, 1, flags=3, body=body), batch(1, 2, flags=3, encoding=1, body=two_members),
                     batch(1, 3, flags=3, encoding=2, body=b"?"), batch(1, 4, flags=3, body=b""),
                     batch(1, 5, flags=3, body=long_body),
                     batch(1, 6, flags=3, body=b"\x0a\x83" + b"\x80" * 8 + b"\x00abc"),
                     batch(1, 7, flags=3, encoding=1, body=gzip.compress(long_body)), TAIL)
        self.assert_codes()

    def test_largest_group(self):
        frames = [batch(1, 1 + k, k, False, body=b"") for k in range(4095)]
        for last in (batch(1, 4096, 4095), entry(1, 4096, 4095)):
            self.segment(1, *frames, last, TAIL)
            self.assert_codes()
        self.assertEqual(4096, self.verify()["frames"])

    def test_leftovers_are_listed_and_ignored(self):
        for name in ("x.tmp", "y.prepared", segment_name(7) + ".foreign", "quarantine/3-4.bin.tmp"):
            self.write(name, b"?")
        self.write("quarantine/3-4.bin", b"?")
        self.write("quarantine/3-4.json", b"?")
        result = self.verify()
        self.assertEqual([], result["violations"])
        self.assertEqual([segment_name(7) + ".foreign", "quarantine/3-4.bin.tmp", "x.tmp", "y.prepared"],
                         sorted(result["ignored"]))
        self.assertEqual(["3-4.bin", "3-4.json"], result["quarantine"])


class NameTest(LogTest):
    def test_odd_names(self):
        names = ["1.0123456789abcdef.wal", segment_name(1)[:-5] + "F.wal", "%020d.%016x.wal" % (1 << 63, LOG), "notes.txt",
                 "quarantine/3.bin"]
        for name in names:
            self.write(name, b"")
        self.assertEqual(sorted(names), sorted(v["file"] for v in self.verify()["violations"]))
        self.assertEqual({"file_name"}, set(self.codes()))

    def test_two_logs(self):
        self.segment(1, entry(1, 1), TAIL)
        self.segment(2, TAIL, log=LOG + 1)
        self.assert_codes("log_id")

    def test_segments_of_another_log_than_the_positions(self):
        self.segment(1, TAIL, log=LOG + 1)
        self.write("telemetry.pos", positions())
        self.assert_codes("log_id")


class DamageTest(LogTest):
    """Damage before something that proves that it was forced."""

    def damaged(self, second, *expected):
        self.segment(1, entry(1, 1), second, entry(1, 3), TAIL)
        result = self.verify()
        self.assertEqual(list(expected), [v["code"] for v in result["violations"]])
        for violation in result["violations"]:
            self.assertEqual((segment_name(1), len(entry(1, 1)), 2),
                             (violation["file"], violation["offset"], violation["seq"]))
        self.assertEqual(2, result["frames"])

    def test_length(self):
        for length in (65 * 1024 * 1024 + 1, 10_000, 0xFFFFFFFF):
            self.damaged(struct.pack(">I", length) + batch(1, 2)[4:], "length")

    def test_length_above_the_limit_in_a_file_that_is_large_enough(self):
        self.segment(1, struct.pack(">I", 65 * 1024 * 1024 + 1), b"\x02")
        with open(os.path.join(self.dir, segment_name(1)), "r+b") as file:
            file.truncate(66 * 1024 * 1024)
        self.write("telemetry.safe_seq", safe_point(1))
        self.assertEqual("length", self.codes()[0])

    def test_kind(self):
        self.damaged(batch(1, 2, kind=2), "kind")

    def test_header_too_short_or_lengths_that_do_not_add_up(self):
        self.damaged(framed(b"\x01" * 47), "header")
        self.damaged(batch(1, 2, body_size=6), "header")

    def test_header_checksum(self):
        for at in (4 + 4, 4 + 40, 4 + 33):
            self.damaged(flip(batch(1, 2), at), "header_crc")
        self.damaged(flip(batch(1, 2, metadata=b'{"k":1}'), 4 + 50), "header_crc")

    def test_body_checksum(self):
        self.damaged(flip(batch(1, 2), -1 + len(batch(1, 2))), "body_crc")
        self.damaged(batch(1, 2, body_crc=seeded(1, b"\x0a\x03abc")), "body_crc")

    def test_entry_checksum(self):
        frame = entry(1, 2)
        self.damaged(flip(frame, frame.index(b'"a"') + 1), "entry_crc")
        self.damaged(frame[:-3] + bytes([frame[-3] ^ 1]) + frame[-2:], "entry_crc")

    def test_entry_without_checksum(self):
        self.damaged(framed(b'{"seq":2}'), "entry")
        self.damaged(framed(entry_text(2) + b',"crc32c":"%08X"}' % 0xABCDEF01), "entry")

    def test_seeds(self):
        """A frame that is right for another segment or another log is no frame here."""
        self.damaged(batch(1, 2, seed_first=9), "header_crc")
        self.damaged(batch(1, 2, seed_log=LOG ^ 1), "header_crc")
        self.damaged(entry(9, 2), "entry_crc")
        self.damaged(sealed_entry(1, entry_text(2), LOG ^ 1), "entry_crc")

    def test_hole_of_zeros(self):
        self.damaged(bytes(len(entry(1, 2))), "hole")
        self.damaged(bytes(5000), "hole")

    def test_hole_before_a_batch(self):
        self.segment(1, entry(1, 1), bytes(5000), batch(1, 3), TAIL)
        self.assert_codes("hole")

    def test_hole_where_no_seq_is_lost(self):
        self.segment(1, entry(1, 1), bytes(100), entry(1, 2), TAIL)
        self.assert_codes("hole")

    def test_bytes_between_frames(self):
        self.segment(1, entry(1, 1), b"\0\0\0\x03abc", entry(1, 2), TAIL)
        self.assert_codes("junk")

    def test_each_lost_seq_is_part_of_the_violation(self):
        self.segment(1, entry(1, 1), bytes(300), entry(1, 5), TAIL)
        violation, = self.verify()["violations"]
        self.assertIn("seqs 2 to 4", violation["detail"])

    def test_damage_in_a_segment_that_is_not_the_last(self):
        self.segment(1, entry(1, 1), flip(entry(1, 2), 20), TAIL)
        self.segment(3, TAIL)
        self.assert_codes("entry_crc")
        self.segment(1, entry(1, 1), TAIL)
        self.assert_codes("missing")

    def test_frames_behind_the_damage_are_read(self):
        self.segment(1, entry(1, 1), flip(entry(1, 2), 20), entry(1, 3), TAIL)
        self.segment(4, TAIL)
        violation, = self.verify()["violations"]
        self.assertEqual(("entry_crc", 2), (violation["code"], violation["seq"]))
        self.assertIn("seq 2:", violation["detail"])
        self.assertEqual(2, self.verify()["frames"])

    def test_damage_at_the_safe_point(self):
        self.segment(1, entry(1, 1), flip(entry(1, 2), 20), TAIL)
        self.write("telemetry.safe_seq", safe_point(1))
        self.assert_codes()
        self.write("telemetry.safe_seq", safe_point(2))
        self.assertEqual(["entry_crc", "safe_seq"], self.codes())
        self.assertIsNone(self.verify()["torn"])

    def test_group_of_which_a_part_is_proved(self):
        """The first frame of a group is at the safe point, its commit frame is damaged."""
        self.segment(1, entry(1, 1, 0, False), entry(1, 2, 1, False), flip(entry(1, 3, 2), 20), TAIL)
        self.write("telemetry.safe_seq", safe_point(1))
        result = self.verify()
        self.assertEqual(["commit", "safe_seq"], [violation["code"] for violation in result["violations"]])
        self.assertIn("checksum of the entry", result["violations"][0]["detail"])
        self.assertEqual(2, result["frames"])


class SealedTest(LogTest):
    """Frames whose checksum holds but that the format does not allow: wrong wherever they are."""

    def sealed(self, code, *frames):
        for frame in frames:
            self.segment(5, frame, TAIL)
            self.assert_codes(code)

    def test_fields_of_a_batch(self):
        self.sealed("header", batch(5, 5, signal=0), batch(5, 5, signal=4), batch(5, 5, encoding=3), batch(5, 5, flags=5),
                    batch(5, 5, flags=0x81), batch(5, 5, group=4096), batch(5, 5, reserved=1), batch(5, 4), batch(5, -5))

    def test_length_of_metadata(self):
        fits = b'{"k":"' + b"x" * (64 * 1024 - 8) + b'"}'
        self.segment(5, batch(5, 5, metadata=fits), TAIL)
        self.assert_codes()
        self.sealed("header", batch(5, 5, metadata=fits[:-2] + b'x"}'))

    def test_length_of_a_body(self):
        header = list(wal_verify.HEADER.unpack(batch(5, 5)[4:52]))
        self.assertIsNone(wal_verify.header_fault(header, 5))
        header[8] = 64 * 1024 * 1024
        self.assertIsNone(wal_verify.header_fault(header, 5))
        header[8] += 1
        self.assertEqual("body length 67108865", wal_verify.header_fault(header, 5))

    def test_members_of_an_entry(self):
        text = entry_text(5)
        head, event = text[:text.index(b'"event"')], b'"event":{}'
        self.sealed(
            "entry",
            sealed_entry(5, text.replace(b'"seq":5', b'"seq": 5')),
            sealed_entry(5, text.replace(b'"seq":5', b'"seq":05')),
            sealed_entry(5, text.replace(b',"written', b', "written')),
            sealed_entry(5, text.replace(b',"commit":true', b',"commit": true')),
            sealed_entry(5, text.replace(b',"commit":true', b',"commit":false')),
            sealed_entry(5, text + b" "),
            sealed_entry(5, b'{"written_at":"%s","seq":5,%s,"commit":true' % (INSTANT.encode(), event)),
            sealed_entry(5, b'{"seq":5,%s,"written_at":"%s","commit":true' % (event, INSTANT.encode())),
            sealed_entry(5, head + event + b',"commit":true,"group":1'),
            sealed_entry(5, head + event + b',"group":0,"commit":true'),
            sealed_entry(5, head + event + b',"group":4096,"commit":true'),
            sealed_entry(5, head + event + b',"other":1,"commit":true'),
            sealed_entry(5, head + b'"event":[],"commit":true'),
            entry(5, 4), entry(5, 1 << 63))

    def test_length_of_an_event(self):
        event = b'{"x":"' + b"x" * (1024 * 1024 - 8) + b'"}'
        with fast_crc():
            self.segment(5, entry(5, 5, event=event), TAIL)
            self.assert_codes()
            self.sealed("entry", entry(5, 5, event=event[:-2] + b'x"}'))

    def test_event_that_is_no_json(self):
        deep = b'{"d":' + b"[" * 20000 + b"]" * 20000
        self.sealed("event", *[entry(5, 5, event=event) for event in (
            b'{"a"}', b'{"a":NaN}', b'{"a":1}{"b":1}', b'{"a":"\xff"}', b'{"a":"\n"}', b"{,}", deep + b",}", deep + b"]}",
            deep + b',"x"}', deep + b',"x":tru}', deep + b',"x":{1:2}}', deep + b"}{}")])

    def test_instant(self):
        self.sealed("written_at", *[entry(5, 5, written=written) for written in (
            "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.000Z", "2026-11-21T12:00:00.000000000+00:00",
            "2026-11-21 12:00:00.000000000Z", "2026-02-30T12:00:00.000000000Z", "2026-11-21T24:00:00.000000000Z")])

    def test_metadata(self):
        self.sealed("metadata", *[batch(5, 5, metadata=metadata) for metadata in (b"[]", b"{", b'{"a":"\xff"}')])

    def test_mergeable(self):
        self.sealed("mergeable", *[batch(5, 5, flags=3, body=body) for body in (
            b"\x12\x03abc", b"\x08\x01", b"\x0a\x03abcd", b"\x0a\x04abc", b"\x0a", b"\x0a" + b"\x80" * 10 + b"\x00")])
        cut = gzip.compress(b"\x0a\x03abc", mtime=0)
        self.sealed("mergeable", *[batch(5, 5, flags=3, encoding=1, body=body) for body in (
            b"\x0a\x03abc", b"", cut[:-1], gzip.compress(b"\x10\x01", mtime=0), cut * 2 + b"\0",
            cut + gzip.compress(b"\x10\x01", mtime=0), cut + cut[:-1])])

    def test_mergeable_is_not_checked_without_end(self):
        body = gzip.compress(b"\x0a\x80\x80\x08" + bytes(131072) + b"\x10", mtime=0)
        self.sealed("mergeable", batch(5, 5, flags=3, encoding=1, body=body))
        with mock.patch.object(wal_verify, "INFLATE_LIMIT", 1000):
            self.assert_codes()


@contextlib.contextmanager
def fast_crc():
    """For long frames; the verifier's own sum has been compared with the slow one by then."""
    global crc
    slow, crc = crc, wal_verify.crc32c
    try:
        yield
    finally:
        crc = slow


class OrderTest(LogTest):
    def test_seq_that_was_left_out(self):
        self.segment(1, entry(1, 1), entry(1, 3), TAIL)
        self.assert_codes("seq_gap")

    def test_seq_that_is_there_twice(self):
        self.segment(1, entry(1, 1), entry(1, 2), entry(1, 2), TAIL)
        self.assert_codes("seq")

    def test_segment_that_does_not_begin_with_its_name(self):
        self.segment(1, entry(1, 2), TAIL)
        self.assert_codes("seq_gap")

    def test_segments_that_overlap(self):
        self.segment(1, entry(1, 1), entry(1, 2), TAIL)
        self.segment(2, entry(2, 2), TAIL)
        self.assert_codes("overlap")

    def test_missing_segment(self):
        self.segment(1, entry(1, 1), TAIL)
        self.segment(3, entry(3, 3), TAIL)
        violation, = self.verify()["violations"]
        self.assertEqual(("missing", 2), (violation["code"], violation["seq"]))


class GroupTest(LogTest):
    def test_group_that_does_not_begin_with_zero(self):
        self.segment(1, entry(1, 1), entry(1, 2, 1), TAIL)
        self.assert_codes("group")

    def test_number_left_out(self):
        self.segment(1, entry(1, 1, 0, False), entry(1, 2, 2), TAIL)
        self.assertIn("group_span", self.codes())
        self.segment(1, entry(1, 1), entry(1, 2, 0, False), entry(1, 3, 2), TAIL)
        self.assertIn("group", self.codes())

    def test_commit_flag_before_the_last_frame(self):
        self.segment(1, entry(1, 1, 0, True), entry(1, 2, 1, True), TAIL)
        self.assert_codes("group")

    def test_commit_flag_before_the_last_frame_of_a_damaged_group(self):
        frames = [entry(1, 1, 0, False), flip(entry(1, 2, 1, False), 20), entry(1, 3, 2), entry(1, 4, 3), entry(1, 5)]
        self.segment(1, *frames, TAIL)
        self.assertIn("group", self.codes())

    def test_no_commit_flag_before_the_next_group(self):
        self.segment(1, entry(1, 1, 0, False), entry(1, 2), TAIL)
        self.assert_codes("commit")
        self.segment(3, TAIL)
        self.assert_codes("commit")

    def test_commit_flag_that_was_lost(self):
        damaged = flip(entry(1, 2, 1), 20)
        self.segment(1, entry(1, 1, 0, False), damaged, entry(1, 3), TAIL)
        self.assert_codes("entry_crc")
        self.segment(1, entry(1, 1, 0, False), damaged, TAIL)
        self.write("telemetry.safe_seq", safe_point(2))
        self.assertEqual(["entry_crc", "safe_seq"], self.codes())

    def test_numbers_that_run_backwards(self):
        self.segment(1, entry(1, 1), entry(1, 2, 0, False), entry(1, 3, 2), entry(1, 4), TAIL)
        result = self.verify()
        self.assertIn("group", [violation["code"] for violation in result["violations"]])
        self.assertEqual((None, 4), (result["torn"], result["frames"]))

    def test_no_commit_flag_at_the_end_of_a_segment(self):
        self.segment(1, entry(1, 1, 0, False), TAIL)
        self.segment(2, TAIL)
        self.assert_codes("commit")

    def test_group_in_two_segments(self):
        self.segment(1, entry(1, 1, 0, False), TAIL)
        self.segment(2, entry(2, 2, 1), TAIL)
        self.assertEqual(["commit", "group_span"], self.codes())


class TornTest(LogTest):
    def torn(self, *frames):
        self.segment(1, *frames)
        result = self.verify()
        self.assertEqual([], result["violations"])
        return result["torn"]

    def test_broken_frame_at_the_end(self):
        first = entry(1, 1)
        for second in (entry(1, 2)[:-10] + bytes(10), flip(batch(1, 2), 56), flip(batch(1, 2), 20),
                       b"\0\0\0\x05\x07abcd"):
            self.assertEqual({"file": segment_name(1), "offset": len(first), "bytes": len(second), "phantoms": 0},
                             self.torn(first, second, TAIL))

    def test_remains_in_a_segment_that_is_not_the_last(self):
        self.segment(1, entry(1, 1), b"\0\0\0\x05\x07abcd", TAIL)
        self.segment(2, TAIL)
        result = self.verify()
        self.assertEqual(([], None), (result["violations"], result["torn"]))

    def test_length_that_is_none(self):
        torn = self.torn(entry(1, 1), b"\xff\xff\xff\xff", bytes(10))
        self.assertEqual((len(entry(1, 1)), 14), (torn["offset"], torn["bytes"]))
        torn = self.torn(entry(1, 1), b"\0\0\x10\x00", bytes(10))
        self.assertEqual(14, torn["bytes"])
        self.assertEqual(4, self.torn(entry(1, 1), b"\0\0\0\1")["bytes"])
        self.assertEqual(7, self.torn(entry(1, 1), framed(b"\1\1\0"))["bytes"])

    def test_group_without_its_end(self):
        first, second, third = entry(1, 1), entry(1, 2, 0, False), entry(1, 3, 1, False)
        expected = {"file": segment_name(1), "offset": len(first), "bytes": len(second + third), "phantoms": 2}
        self.assertEqual(expected, self.torn(first, second, third, TAIL))
        result = self.verify()
        self.assertEqual((1, 1), (result["frames"], result["last_committed_seq"]))
        self.assertEqual(len(first), result["segments"][0]["end"])

    def test_group_without_its_beginning_or_middle(self):
        first, second, third, fourth = entry(1, 1), entry(1, 2, 0, False), entry(1, 3, 1, False), entry(1, 4, 2)
        self.assertEqual(2, self.torn(first, bytes(len(second)), third, fourth, TAIL)["phantoms"])
        torn = self.torn(first, second, flip(third, 30), fourth, TAIL)
        self.assertEqual((len(first), len(second + third + fourth), 2), (torn["offset"], torn["bytes"], torn["phantoms"]))

    def test_later_group_proves_that_it_was_forced(self):
        frames = [entry(1, 1), entry(1, 2, 0, False), flip(entry(1, 3, 1, False), 30), entry(1, 4, 2)]
        self.segment(1, *frames, entry(1, 5, 0, False), TAIL)
        result = self.verify()
        self.assertEqual([("entry_crc", 3)], [(v["code"], v["seq"]) for v in result["violations"]])
        self.assertEqual((3, 1), (result["frames"], result["torn"]["phantoms"]))

    def test_later_group_of_which_only_the_second_frame_is_left(self):
        lost, other = entry(1, 2), entry(1, 3, 0, False)
        self.segment(1, entry(1, 1), bytes(len(lost + other)), entry(1, 4, 1), TAIL)
        result = self.verify()
        self.assertEqual([("hole", 2)], [(v["code"], v["seq"]) for v in result["violations"]])
        self.assertIn("seq 2:", result["violations"][0]["detail"])
        self.assertEqual(1, result["torn"]["phantoms"])

    def test_gap_proves_that_a_group_was_forced(self):
        frames = [entry(1, 1, 0, False), entry(1, 2, 1, False), entry(1, 3, 2, False)]
        self.segment(1, frames[0], flip(frames[1], 20), frames[2], TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(2, 2)]))
        self.assert_codes("commit")
        self.segment(1, *frames, TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(4, 4)]))
        self.assert_codes()
        self.assertEqual(3, self.verify()["frames"])

    def test_gap_behind_what_is_missing(self):
        self.segment(1, entry(1, 1), TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(3, 4)]))
        violation, = self.verify()["violations"]
        self.assertEqual(("missing", 2), (violation["code"], violation["seq"]))

    def test_states_in_the_dump(self):
        self.segment(1, entry(1, 1), batch(1, 2, 0, False), TAIL)
        lines = self.dump()
        self.assertEqual(["committed", "phantom"], [line["state"] for line in lines])
        self.assertEqual([0, len(entry(1, 1))], [line["offset"] for line in lines])


class RandomTest(LogTest):
    """Groups of random sizes; of the last one, blocks of 64 bytes were written or not."""

    def build(self, random):
        forced, seq = b"", 1
        for _ in range(random.randrange(4)):
            group, seq = self.group(random, seq)
            forced += group
        last, end = self.group(random, seq)
        return forced, seq - 1, last, end - 1

    @staticmethod
    def group(random, seq):
        size, frames = random.randrange(1, 4), b""
        for k in range(size):
            body = bytes(random.randrange(200))
            if random.random() < 0.5:
                frames += batch(1, seq + k, k, k == size - 1, body=body)
            else:
                frames += entry(1, seq + k, k, k == size - 1, event=b'{"x":"' + b"y" * len(body) + b'"}')
        return frames, seq + size

    def test_torn_group_is_no_violation(self):
        random = Random(1)
        for _ in range(150):
            forced, safe, last, end = self.build(random)
            blocks = [last[at:at + 64] if random.random() < 0.7 else bytes(64) for at in range(0, len(last), 64)]
            self.segment(1, forced, *blocks, TAIL)
            self.write("telemetry.safe_seq", safe_point(safe))
            result = self.verify()
            self.assertEqual([], result["violations"])
            whole = b"".join(blocks)[:len(last)] == last
            self.assertEqual(end if whole else safe, result["last_committed_seq"] or 0)

    def test_damage_to_a_forced_group_is_one(self):
        random = Random(2)
        for _ in range(150):
            forced, safe, last, end = self.build(random)
            data = forced + last
            at = random.randrange(len(data))
            self.segment(1, flip(data, at), TAIL)
            self.write("telemetry.safe_seq", safe_point(end))
            self.assertNotEqual([], self.codes())
            self.write("telemetry.safe_seq", safe_point(0))
            result = self.verify()
            self.assertEqual(at < len(forced), bool(result["violations"]))
            self.assertLessEqual(result["last_committed_seq"] or 0, end)


class GapTest(LogTest):
    def test_damage_in_a_gap(self):
        self.segment(1, entry(1, 1), flip(entry(1, 2), 20), bytes(50), entry(1, 4), TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(2, 3)]))
        self.assert_codes()
        self.assertEqual(2, self.verify()["frames"])
        self.assert_codes("entry_crc", follow_gaps=False)

    def test_damage_before_an_intact_frame_of_a_gap(self):
        self.segment(1, entry(1, 1), bytes(300), entry(1, 3), TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(3, 3)]))
        self.assert_codes("hole")

    def test_numbers_that_no_frame_has(self):
        self.segment(1, entry(1, 1), entry(1, 4), TAIL)
        self.segment(7, entry(7, 7), TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(2, 3, "passed"), gap(5, 6, "passed")]))
        self.assert_codes()

    def test_gap_that_is_too_short(self):
        self.segment(1, entry(1, 1), entry(1, 4), TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(2, 2, "passed")]))
        violation, = self.verify()["violations"]
        self.assertEqual(("seq_gap", 3), (violation["code"], violation["seq"]))

    def test_frames_of_a_gap_do_not_count(self):
        self.segment(1, entry(1, 1), entry(1, 2, 0, False), entry(1, 3, 1, False), TAIL)
        self.segment(4, entry(4, 4), TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(2, 3, "passed")]))
        self.assert_codes()
        self.assertEqual((2, 4), (self.verify()["frames"], self.verify()["last_committed_seq"]))
        self.assertEqual(["committed", "gap", "gap", "committed"], [line["state"] for line in self.dump()])

    def test_stale_frame_of_a_gap_behind_the_end(self):
        """The tail that was given up is partly overwritten; what is left of it stands where a frame could be."""
        self.segment(1, entry(1, 1), entry(1, 4), entry(1, 3, 1, False), TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(2, 3, "passed")]))
        result = self.verify()
        self.assertEqual(([], 2), (result["violations"], result["frames"]))

    def test_group_that_loses_frames_to_a_gap(self):
        frames = [entry(1, 1, 0, False), entry(1, 2, 1, False), entry(1, 3, 2, False), entry(1, 4, 3), entry(1, 5)]
        for lost in range(4):
            damaged = [flip(frame, 20) if k == lost else frame for k, frame in enumerate(frames)]
            self.segment(1, *damaged, TAIL)
            self.write("telemetry.pos", positions(gaps=[gap(lost + 1, lost + 1)]))
            self.assert_codes()
            self.assertEqual(4, self.verify()["frames"])

    def test_bounds_and_reasons(self):
        self.segment(9, TAIL)
        for odd in (gap(3, 2), gap(-1, 2), gap(1, 1 << 63), gap("1", 2), gap(True, 2), gap(1, 2, "other")):
            self.write("telemetry.pos", positions(gaps=[odd]))
            self.assert_codes("gaps")
        self.write("telemetry.pos", positions(gaps=[gap(2, 4), gap(4, 5)]))
        self.assert_codes("gaps")


class SafePointTest(LogTest):
    def setUp(self):
        super().setUp()
        self.segment(5, entry(5, 5), entry(5, 6, 0, False), entry(5, 7, 1), TAIL)
        self.segment(8, entry(8, 8), TAIL)

    def test_values(self):
        self.write("telemetry.pos", positions(gaps=[gap(9, 12, "passed")]))
        expected = {0: [], 2: [], 4: [], 5: [], 6: ["safe_seq"], 7: [], 8: [], 10: ["safe_seq"], 12: [],
                    13: ["missing", "safe_seq"], (1 << 64) - 1: ["missing", "safe_seq"]}
        for seq, codes in expected.items():
            self.write("telemetry.safe_seq", safe_point(seq))
            self.assertEqual(codes, self.codes(), seq)

    def test_gap_of_damaged_frames(self):
        """The frame that it was the seq of is lost."""
        self.write("telemetry.pos", positions(gaps=[gap(9, 12)]))
        self.write("telemetry.safe_seq", safe_point(10))
        self.assert_codes()

    def test_end_of_the_log(self):
        self.write("telemetry.safe_seq", safe_point(9))
        self.assertEqual(["missing", "safe_seq"], self.codes())

    def test_size(self):
        for data in (b"", safe_point(5) + b"\0", safe_point(5)[:11]):
            self.write("telemetry.safe_seq", data)
            self.assert_codes("safe_size")

    def test_checksum(self):
        self.write("telemetry.safe_seq", flip(safe_point(5), 9))
        self.assert_codes("safe_crc")
        self.write("telemetry.safe_seq", struct.pack(">Q", 5) + struct.pack(">I", crc(struct.pack(">Q", 5))))
        self.assert_codes("safe_crc")


class PositionsTest(LogTest):
    def setUp(self):
        super().setUp()
        self.segment(1, *[entry(1, seq) for seq in range(1, 10)], TAIL)

    def assert_pos(self, data, *codes):
        self.write("telemetry.pos", data)
        self.assert_codes(*codes)

    def text(self, **members):
        return positions(**members)[:-21]

    def test_checksum(self):
        self.assert_pos(flip(positions(), 30), "pos_crc")
        self.assert_pos(positions() + b"\n", "pos_json")
        self.assert_pos(b"", "pos_json")

    def test_json(self):
        self.assert_pos(sealed_pos(self.text()[:-1]), "pos_json")
        self.assert_pos(sealed_pos(self.text() + b',"version":1'), "pos_json")
        self.assert_pos(sealed_pos(self.text(notices=["{}"]).replace(b"{}", b"\xff")), "pos_json")
        self.assert_pos(sealed_pos(self.text().replace(b":1,", b": 1,")), "pos_json")
        self.assert_pos(sealed_pos(self.text().replace(b":1,", b":NaN,")), "pos_json")

    def test_white_space_in_strings(self):
        self.assert_pos(positions(notices=['{ "a" : "\\" " }']))
        self.assertEqual(1, self.verify()["notices"])

    def test_members(self):
        self.assert_pos(sealed_pos(self.text() + b',"more":1'), "pos_member")
        self.assert_pos(sealed_pos(self.text().replace(b'"version":1,', b"")), "pos_member")
        for odd in ({"version": 2}, {"version": True}, {"log": "0123"}, {"log": None}, {"counted_to": -1},
                    {"counted_to": "1"}, {"counted_to": 1.0}, {"cursors": {}}, {"gaps": None}, {"ledger": 1},
                    {"notices": "x"}):
            self.assert_pos(positions(**odd), "pos_member")
        for member in ("cursors", "gaps", "ledger"):
            self.assert_pos(positions(**{member: [{"odd": 1}]}), "pos_member")
            self.assert_pos(positions(**{member: [1]}), "pos_member")

    def test_notices(self):
        self.assert_pos(positions(notices=[{"a": 1}]), "notices")
        self.assert_pos(positions(notices=["[]"]), "notices")

    def test_cursors(self):
        def odd(*cursors):
            self.assert_pos(positions(cursors=list(cursors)), "cursors")

        odd(cursor("no lane", 1))
        odd(cursor(5, 1))
        odd(cursor("a/x", 1), cursor("a/x", 2))
        odd(cursor("a/x", -1))
        odd(cursor("a/x", 1, [(5, 4)]))
        odd(cursor("a/x", 1, [(5,)]))
        odd({"name": "a/x", "seq": 1, "done": {}})
        odd({"name": "a/x", "seq": 1, "done": [5]})
        odd(cursor("a/x", 3, [(3, 4)]))
        odd(cursor("a/x", 1, [(3, 4), (5, 6)]))
        odd(cursor("a/x", 1, [(6, 7), (3, 4)]))
        odd(cursor("a/x", 1, [(3, 6), (5, 8)]))
        odd(cursor("a/x", 10))
        odd(cursor("a/x", 1, [(9, 10)]))

    def test_cursors_that_are_right(self):
        self.assert_pos(positions(cursors=[cursor("a/x", 9), cursor("a/y/z", 1, [(3, 4), (6, 9)])], gaps=[]))
        self.assert_pos(positions(cursors=[cursor("a/x", 12)], gaps=[gap(10, 12, "passed")]))

    def test_number_of_settled_runs(self):
        self.segment(200, TAIL)
        self.write(segment_name(1), b"")
        os.remove(os.path.join(self.dir, segment_name(1)))
        runs = [(3 * k, 3 * k) for k in range(1, 66)]
        self.assert_pos(positions(cursors=[cursor("a/x", 1, runs[:64])]))
        self.assert_pos(positions(cursors=[cursor("a/x", 1, runs)]), "cursors")

    def test_counted_to(self):
        self.assert_pos(positions(counted_to=9))
        self.assert_pos(positions(counted_to=10), "counted_to")
        self.assert_pos(positions(counted_to=None, cursors=[cursor("a/x", 1)]), "pos_member")

    def test_no_segment(self):
        os.remove(os.path.join(self.dir, segment_name(1)))
        self.assert_pos(positions())
        self.assert_pos(positions(counted_to=3), "no_segment")
        self.assert_pos(positions(cursors=[cursor("a/x", 1)]), "no_segment")
        self.assert_pos(positions())
        self.write("telemetry.safe_seq", safe_point(1))
        self.assert_codes("no_segment")


def lane(name, kinds, signals, min_severity=0):
    return {"name": name, "kinds": kinds, "signals": signals, "min_severity": min_severity}


class LedgerTest(LogTest):
    """Nine entries: one item each."""

    def setUp(self):
        super().setUp()
        self.frames = [entry(1, seq) for seq in range(1, 10)]
        self.segment(1, *self.frames, TAIL)

    def ledger(self, rows, cursors, counted_to, *codes, **members):
        self.write("telemetry.pos", positions(ledger=rows, cursors=cursors, counted_to=counted_to, **members))
        self.assert_codes(*codes)

    def test_sum_over_signals(self):
        rows = [row("a/x", accepted=7, delivered=4, dropped={"expired": 1, "refused": 1}), row("a/x", "unknown", 3, 0, 1)]
        self.ledger(rows, [cursor("a/x", 3, [(5, 5)])], 7)
        self.ledger(rows, [cursor("a/x", 4)], 7)
        self.ledger(rows, [cursor("a/x", 4)], 8, "ledger")
        self.ledger(rows, [cursor("a/x", 3)], 7, "ledger")
        self.ledger(rows, [cursor("a/x", 3, [(5, 6)])], 7, "ledger")

    def test_bytes_of_bodies(self):
        rows = [row("a/x", accepted=2), dict(row("a/x", "traces"), pending_bytes=0)]
        for size, codes in ((14, []), (15, ["ledger"]), (13, ["ledger"]), ("14", ["ledger"] * 2), (-1, ["ledger"] * 2)):
            rows[0]["pending_bytes"] = size
            self.ledger(rows, [cursor("a/x", 5)], 7, *codes)
        del rows[0]["pending_bytes"]
        self.ledger(rows, [cursor("a/x", 5)], 7)

    def test_no_rows(self):
        self.ledger([], [cursor("a/x", 7)], 7)
        self.ledger([], [cursor("a/x", 6)], 7, "ledger")

    def test_negative(self):
        rows = [row("a/x", accepted=1, delivered=2), row("a/x", "traces", 1)]
        self.ledger(rows, [cursor("a/x", 7)], 7, "ledger")

    def test_rows(self):
        for odd in (row(1), row([]), row("a/x", "events"), row("a/x", accepted=-1), row("a/x", accepted=1.0),
                    row("a/x", dropped=[1]), row("a/x", dropped={"x": "1"}), row("b/x")):
            self.ledger([odd], [cursor("a/x", 9)], 9, "ledger")
        self.ledger([row("a/x"), row("a/x")], [cursor("a/x", 9)], 9, "ledger")

    def test_lanes(self):
        self.frames[0] = entry(1, 1, event=b'{"a":{"kind":"k"},"kind":"k"}')
        self.segment(1, *self.frames, TAIL)
        lanes = [lane("error", ["k"], []), lane("severe", [], ["logs"], 17),
                 lane("rest", [], ["logs", "metrics", "traces"])]
        both = [cursor("a/error", 0), cursor("a/rest", 0)]
        rows = [row("a/error", accepted=1), row("a/rest", accepted=8)]
        self.ledger(rows, both, 9, lanes=lanes)
        self.ledger(rows, both, 9, "ledger", "ledger")
        self.ledger(rows[:1], [cursor("a/error", 0), cursor("a/rest", 9)], 9, lanes=lanes)
        self.ledger(rows, both + [cursor("a/none", 9)], 9, "cursors", lanes=lanes)
        sent = dict(cursor("a/error", 0), sent=4096, parts=[
            {"seq": 1, "items": [{"first": 0, "last": 3, "delivered": 4, "dead_lettered": 0, "dropped": {}},
                                 {"first": 4, "last": 4}]}])
        self.ledger(rows, [sent, both[1]], 9, lanes=lanes)
        sent["parts"][0]["items"][1]["first"] = 5
        self.ledger(rows, [sent, both[1]], 9, "cursors", lanes=lanes)
        self.ledger(rows, [dict(both[0], sent=-1), both[1]], 9, "cursors", "ledger", lanes=lanes)
        for odd in ([lane("error", ["k"], [])], lanes + [lane("x", ["k"], [])], lanes + [lane("y", [], ["logs"])]):
            self.ledger([], [], 9, "lanes", lanes=odd)

    def test_phantoms_are_not_counted(self):
        self.segment(1, *self.frames[:4], entry(1, 5, 0, False), TAIL)
        self.ledger([row("a/x", accepted=4)], [cursor("a/x", 0)], 4)

    def test_frames_of_a_gap(self):
        damaged = self.frames[:3] + [flip(self.frames[3], 20)] + self.frames[4:]
        self.segment(1, *damaged, TAIL)
        for pending, codes in ((7, ["ledger"]), (8, []), (9, []), (10, ["ledger"])):
            self.ledger([row("a/x", accepted=pending)], [cursor("a/x", 0)], 9, *codes, gaps=[gap(4, 4)])
        self.ledger([row("a/x", accepted=5)], [cursor("a/x", 4)], 9, gaps=[gap(4, 4)])
        self.ledger([row("a/x", accepted=6)], [cursor("a/x", 4)], 9, "ledger", gaps=[gap(4, 4)])

    def test_segments_that_are_not_there(self):
        os.remove(os.path.join(self.dir, segment_name(1)))
        self.segment(10, entry(10, 10), TAIL)
        self.ledger([row("a/x", accepted=3)], [cursor("a/x", 8)], 10)
        result = self.verify()
        self.assertEqual((1, None), (len(result["unchecked"]), result["cursors"][0]["expected"]))
        self.ledger([row("a/x", accepted=3)], [cursor("a/x", 9)], 10, "ledger")

    def test_frames_that_are_missing(self):
        self.segment(1, *self.frames[:3], bytes(len(self.frames[3])), *self.frames[4:], TAIL)
        self.ledger([row("a/x", accepted=9)], [cursor("a/x", 0)], 9, "hole")
        result = self.verify()
        self.assertEqual((1, None), (len(result["unchecked"]), result["cursors"][0]["expected"]))


class GoldenTest(LogTest):
    """Bytes that were written down once: a batch and an entry of one group, an entry of its own, the end."""

    SEGMENT = bytes.fromhex(
        "0000004a0103000200000002000000000000000118ea0da41e9d80000000001500000005f1cb9fe400000000c43ab708"
        "000000007b2270617468223a222f76312f747261636573227d0a036162630000007d7b22736571223a322c2277726974"
        "74656e5f6174223a22323032362d31312d32315431323a30303a30302e3030303030303030305a222c226576656e7422"
        "3a7b226e616d65223a22676f6c64656e227d2c2267726f7570223a312c22636f6d6d6974223a747275652c2263726333"
        "3263223a223134656665343238227d000000737b22736571223a332c227772697474656e5f6174223a22323032362d31"
        "312d32315431323a30303a30302e3030303030303030305a222c226576656e74223a7b226e616d65223a2273696e676c"
        "65227d2c22636f6d6d6974223a747275652c22637263333263223a226164336632346238227d00000000")
    SAFE = bytes.fromhex("0200000000000000c448501e")
    POS = (
        b'{"version":1,"log":"0123456789abcdef","cursors":[{"name":"main/default","seq":1,"done":[]}],"gaps":['
        b'],"ledger":[{"cursor":"main/default","signal":"traces","accepted":2,"delivered":2,"dead_lettered":0,'
        b'"dropped":{}},{"cursor":"main/default","signal":"logs","accepted":2,"delivered":0,"dead_lettered":0,'
        b'"dropped":{}}],"counted_to":3,"notices":[],"crc32c":"6140e898"}')

    def test_writer_of_these_tests(self):
        frames = batch(1, 1, 0, False, signal=3, items=2, metadata=b'{"path":"/v1/traces"}', flags=MERGEABLE)
        frames += entry(1, 2, 1, event=b'{"name":"golden"}') + entry(1, 3, event=b'{"name":"single"}') + END
        self.assertEqual(self.SEGMENT.hex(), frames.hex())
        self.assertEqual(self.SAFE.hex(), safe_point(2).hex())
        self.assertEqual(self.POS, positions(cursors=[cursor("main/default", 1)],
                                             ledger=[row("main/default", "traces", 2, 2), row("main/default", "logs", 2)],
                                             counted_to=3))

    def test_verifier(self):
        self.write(segment_name(1), self.SEGMENT)
        self.write("telemetry.safe_seq", self.SAFE)
        self.write("telemetry.pos", self.POS)
        result = self.verify(expect_entries=2)
        self.assertEqual([], result["violations"])
        self.assertEqual({"logs": 2, "metrics": 0, "traces": 2}, result["items"])
        self.assertEqual(2, result["cursors"][0]["expected"])

    def test_every_byte_counts(self):
        """Any bit of a forced log is covered by a check."""
        self.write("telemetry.safe_seq", self.SAFE)
        self.segment(4, TAIL)
        for at in range(len(self.SEGMENT) - len(END)):
            self.write(segment_name(1), flip(self.SEGMENT, at))
            self.assertNotEqual([], self.codes(), at)


class CommandTest(LogTest):
    def run_main(self, *arguments):
        script = os.path.join(os.path.dirname(os.path.abspath(wal_verify.__file__)), "wal_verify.py")
        done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def test_status_and_streams(self):
        self.segment(1, entry(1, 1), entry(1, 2)[:-1], TAIL)
        status, out, err = self.run_main(self.dir)
        self.assertEqual(0, status)
        self.assertTrue(json.loads(out)["ok"])
        self.assertIn("torn tail", err)
        self.assertIn("\nok: 1 frames", err)
        self.assertNotIn(self.dir, out + err)
        self.assertEqual((0, out, ""), self.run_main("--json", self.dir))
        status, out, err = self.run_main("--expect-entries", "2", self.dir)
        self.assertEqual(1, status)
        self.assertEqual("expect_entries", json.loads(out)["violations"][0]["code"])
        self.assertEqual("violation expect_entries: 1 entries, expected 2", err.splitlines()[0])
        self.assertIn("NOT OK: 1 frames", err)
        self.segment(1, entry(1, 1), entry(1, 1), TAIL)
        err = self.run_main(self.dir)[2]
        self.assertIn(" [file %s offset %d seq 2]" % (segment_name(1), len(entry(1, 1))), err)

    def test_dump(self):
        self.segment(1, entry(1, 1), batch(1, 2), TAIL)
        _, out, _ = self.run_main("--json", "--dump", self.dir)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([("entry", 1), ("batch", 2)], [(line["kind"], line["seq"]) for line in lines[:-1]])
        self.assertEqual(2, lines[-1]["frames"])

    def test_gaps_can_be_left_out(self):
        self.segment(1, entry(1, 1), entry(1, 3), TAIL)
        self.write("telemetry.pos", positions(gaps=[gap(2, 2)]))
        self.assertEqual(0, self.run_main("--json", self.dir)[0])
        self.assertEqual(0, self.run_main("--json", "--follow-gaps", self.dir)[0])
        self.assertEqual(1, self.run_main("--json", "--no-follow-gaps", self.dir)[0])

    def test_state_directory(self):
        self.write("LOCK", b"")
        self.assertEqual(2, self.run_main("--json", self.dir)[0])
        os.makedirs(os.path.join(self.dir, "wal"))
        self.assertEqual(0, self.run_main("--json", self.dir)[0])
        self.assertEqual(0, self.run_main("--json", os.path.join(self.dir, "wal"))[0])
        self.write("wal/" + segment_name(1), entry(1, 2))
        self.assertEqual(1, self.run_main("--json", self.dir)[0])

    def test_usage(self):
        self.segment(1, TAIL)
        self.assertEqual(0, self.run_main("--expect-entries", "0", self.dir)[0])
        for arguments in ((), ("--odd", self.dir), ("--expect-entries", "x", self.dir),
                          ("--expect-entries", "-1", self.dir), (os.path.join(self.dir, "none"),)):
            self.assertEqual(2, self.run_main(*arguments)[0])

    def test_same_output_twice(self):
        self.segment(1, entry(1, 1), bytes(40), entry(1, 3), TAIL)
        self.assertEqual(self.run_main(self.dir), self.run_main(self.dir))


class GoldenLogTest(unittest.TestCase):
    """The logs of format version 1 that the Java tests read too; what must be found stands beside each."""

    FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                          "telemetry", "src", "test", "resources", "golden", "v1")

    def test_every_log(self):
        names = sorted(os.listdir(self.FOLDER))
        self.assertIn("clean", names)
        for name in names:
            with self.subTest(name):
                folder = os.path.join(self.FOLDER, name)
                with open(os.path.join(folder, "expected.json"), encoding="ascii") as file:
                    expected = json.load(file)
                frames = []
                result = wal_verify.verify(os.path.join(folder, "wal"), dump=frames.append)
                self.assertEqual(expected["violations"], [one["code"] for one in result["violations"]])
                self.assertEqual(expected["sound"], result["ok"])
                self.assertEqual(runs(expected["records"]),
                                 [frame["seq"] for frame in frames if frame["state"] == "committed"])


def runs(text):
    """ "1-3,5" as numbers."""
    numbers = []
    for run in text.split(","):
        first, _, last = run.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


if __name__ == "__main__":
    unittest.main()
