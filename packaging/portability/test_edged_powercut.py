"""The disk that forgets, what its cuts leave, the oracle, and that each of them can find a loss. No guest, no root."""

import contextlib
import errno
import io
import json
import os
import pathlib
import random
import signal
import socket
import struct
import tempfile
import threading
import time
import unittest
from unittest import mock

import edged_disk
import edged_faults
import edged_guest as guests
import edged_host as host
import edged_matrix as matrix
import edged_oracle as oracle
import edged_powercut as powercut
import edged_replay
import test_wal_verify as logs

SEED = 5


class Nbd:
    """A client of the disk, as plain as can be."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.exactly(18)
        self.socket.sendall(struct.pack(">IQII", 1, edged_disk.IHAVEOPT, edged_disk.OPT_EXPORT_NAME, 0))
        self.size, self.flags = struct.unpack(">QH", self.exactly(10) + self.exactly(124)[:0])

    def exactly(self, length):
        data = b""
        while len(data) < length:
            data += self.socket.recv(length - len(data)) or self.fail()
        return data

    def fail(self):
        raise EOFError

    def ask(self, kind, offset=0, length=0, data=b"", flags=0):
        self.socket.sendall(struct.pack(">IHHQQI", edged_disk.REQUEST, flags, kind, 7, offset, length) + data)
        magic, error, cookie = struct.unpack(">IIQ", self.exactly(16))
        assert (magic, cookie) == (edged_disk.REPLY, 7)
        return error, self.exactly(length) if kind == edged_disk.READ and not error else b""

    def write(self, offset, data, flags=0):
        return self.ask(edged_disk.WRITE, offset, len(data), data, flags)[0]

    def flush(self):
        return self.ask(edged_disk.FLUSH)[0]

    def read(self, offset, length):
        return self.ask(edged_disk.READ, offset, length)[1]


class Temporary(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.work = pathlib.Path(temporary.name)

    def disk(self, sectors=64, **more):
        path = self.work / "disk.img"
        path.write_bytes(bytes(sectors * edged_disk.SECTOR))
        disk = edged_disk.Disk(path, **more)
        self.addCleanup(disk.close)
        return disk


class DiskTest(Temporary):
    def serve(self, disk):
        server = edged_disk.Server(disk, self.work / "socket")
        self.addCleanup(server.close)
        client = Nbd(self.work / "socket")
        self.addCleanup(client.socket.close)
        return server, client

    def test_a_client_reads_what_it_wrote(self):
        disk = self.disk()
        _, client = self.serve(disk)
        self.assertEqual(client.size, 64 * 512)
        self.assertEqual(client.flags, edged_disk.HAS_FLAGS | edged_disk.SEND_FLUSH | edged_disk.SEND_FUA)
        self.assertEqual(client.write(1024, b"a" * 512), 0)
        self.assertEqual(client.read(1024, 512), b"a" * 512)
        self.assertEqual(client.flush(), 0)
        self.assertEqual(disk.counts, {"reads": 1, "writes": 1, "flushes": 1})

    def test_faults_reach_the_client(self):
        disk = self.disk()
        _, client = self.serve(disk)
        disk.write_error, disk.flush_error, disk.flips = errno.ENOSPC, errno.EIO, [(3, 0x80)]
        self.assertEqual(client.write(0, b"a" * 512), errno.ENOSPC)
        self.assertEqual(client.flush(), errno.EIO)
        self.assertEqual(client.read(0, 5), b"\0\0\0\x80\0")
        disk.read_error = errno.EIO
        self.assertEqual(client.ask(edged_disk.READ, 0, 512)[0], errno.EIO)

    def test_a_client_that_is_killed_leaves_what_it_was_told(self):
        disk = self.disk()
        server, client = self.serve(disk)
        client.write(0, b"a" * 512)
        client.socket.sendall(struct.pack(">IHHQQI", edged_disk.REQUEST, 0, edged_disk.WRITE, 8, 512, 512) + b"b" * 100)
        client.socket.close()
        server.await_idle(10)
        self.assertEqual(len(disk.unforced), 1)

    def test_what_was_flushed_or_written_through_survives_every_cut(self):
        for seed in range(50):
            disk = self.disk()
            disk.write(0, b"a" * 4096, False)
            disk.flush()
            disk.write(8192, b"b" * 1024, True)
            disk.write(16384, b"c" * 4096, False)
            disk.cut(random.Random(seed))
            self.assertEqual(disk.read(0, 4096), b"a" * 4096)
            self.assertEqual(disk.read(8192, 1024), b"b" * 1024)

    def test_what_was_not_is_lost_kept_and_torn(self):
        seen = set()
        for seed in range(60):
            disk = self.disk()
            disk.write(0, b"a" * 4096, False)
            disk.cut(random.Random(seed))
            seen.add(disk.read(0, 4096).count(b"a"))
        self.assertLessEqual({0, 4096}, seen)
        self.assertTrue(seen - {0, 4096}, "no write was torn")
        self.assertFalse([size for size in seen if size % 512], "a sector was torn")

    def test_a_disk_tears_into_its_own_units(self):
        for units in edged_disk.UNITS.values():
            seen = set()
            for seed in range(40):
                disk = self.disk(units=units)
                disk.write(0, b"x" * 16384, False)
                cut = disk.cut(random.Random(seed))
                seen.add(cut["unit"])
                pages = [disk.read(at, 4096) for at in range(0, 16384, 4096)]
                if cut["unit"] == 4096:
                    self.assertLessEqual(set(pages), {bytes(4096), b"x" * 4096})
            self.assertEqual(seen, set(units))
        # xfs does not survive less by itself: make torn.
        self.assertEqual(min(edged_disk.UNITS["xfs"]), 4096)
        self.assertEqual(min(edged_disk.UNITS["ext4"]), edged_disk.SECTOR)

    def test_a_write_without_a_flush_is_waited_for(self):
        disk = self.disk()
        disk.await_unforced(0.01)
        self.assertEqual(disk.cut(random.Random(SEED))["unforced_sectors"], 0)
        writer = threading.Timer(0.05, lambda: disk.write(0, b"x" * edged_disk.SECTOR, False))
        writer.start()
        disk.await_unforced(20)
        self.assertEqual(disk.cut(random.Random(SEED))["unforced_sectors"], 1)
        writer.join()

    def test_a_later_write_never_gives_way_to_an_earlier_one(self):
        for seed in range(60):
            disk = self.disk()
            disk.write(0, b"a" * 512, False)
            disk.flush()
            disk.write(0, b"b" * 512, False)
            disk.write(0, b"c" * 512, True)
            disk.cut(random.Random(seed))
            self.assertEqual(disk.read(0, 512), b"c" * 512)

    def test_the_same_seed_cuts_the_same(self):
        def left(seed):
            disk = self.disk()
            for number in range(8):
                disk.write(number * 4096, bytes([number + 1]) * 4096, False)
            return disk.cut(random.Random(seed)), disk.read(0, 32768)

        self.assertEqual(left(3), left(3))

    def test_a_disk_that_lies_loses_what_was_flushed(self):
        disk = self.disk(lies=True)
        disk.write(0, b"a" * 512, True)
        disk.flush()
        self.assertEqual(disk.cut(mock.Mock(choices=lambda *_: ["none"], choice=lambda _: 512, random=lambda: 1.0))["kept_sectors"], 0)
        self.assertEqual(disk.read(0, 512), bytes(512))

    def test_a_write_log_reads_back_and_leaves_out_a_torn_end(self):
        disk = self.disk(log=edged_disk.WriteLog(self.work / "writes"))
        disk.write(512, b"a" * 512, False)
        disk.flush()
        disk.write(0, b"b" * 512, True)
        disk.log.file.flush()
        whole = [(1, 512, b"a" * 512), (3, 0, b""), (2, 0, b"b" * 512)]
        self.assertEqual(list(edged_disk.WriteLog.read(self.work / "writes")), whole)
        os.truncate(self.work / "writes", (self.work / "writes").stat().st_size - 1)
        self.assertEqual(list(edged_disk.WriteLog.read(self.work / "writes")), whole[:-1])


class OracleTest(Temporary):
    SMALL = [number for number in range(200) if len(oracle.text(SEED, number)) < 120]

    def small(self, count):
        return self.SMALL[:count]

    def log(self, frames):
        (self.work / "state/wal").mkdir(parents=True, exist_ok=True)
        (self.work / "state/wal" / logs.segment_name(1)).write_bytes(b"".join(frames))

    def frames(self, numbers):
        return [logs.batch(1, seq, body=oracle.request(SEED, number), items=1) for seq, number in enumerate(numbers, 1)]

    def judge(self, acknowledged, received=(), offered=10_000):
        return oracle.judge(self.work / "state", SEED, set(acknowledged), set(received), offered)

    def test_a_log_that_holds_all_is_right(self):
        numbers = self.small(5)
        self.log(self.frames(numbers))
        found = self.judge(numbers[:4])
        self.assertEqual(found["problems"], [])
        self.assertEqual(found["records"], 5)

    def test_what_is_neither_there_nor_received_is_lost(self):
        numbers = self.small(5)
        self.log(self.frames(numbers[:3]))
        self.assertEqual(self.judge(numbers, numbers[3:])["lost"], 0)
        found = self.judge(numbers, numbers[3:4])
        self.assertEqual(found["lost"], 1)
        self.assertIn("1 acknowledged records are lost", found["problems"][0])

    def test_a_directory_without_a_log_has_lost_everything(self):
        self.assertEqual(self.judge([1, 2])["lost"], 2)
        self.assertEqual(self.judge([])["problems"], [])

    def test_records_that_nobody_sent_or_that_are_there_twice_or_changed(self):
        numbers = self.small(3)
        self.log(self.frames([*numbers, numbers[0]]))
        found = self.judge(numbers, offered=numbers[2])
        self.assertIn("1 records are there twice", found["problems"])
        self.assertIn(f"records that nobody sent: {numbers[2]}", found["problems"])
        body = oracle.request(SEED, numbers[0]).replace(b" end", b" and")
        self.log([logs.batch(1, 1, body=body, items=1)])
        self.assertIn("not as it was sent", self.judge([])["problems"][0])

    def test_the_second_reader_has_a_say(self):
        numbers = self.small(3)
        first, second, third = self.frames(numbers)
        self.log([first, logs.flip(second, 80), third])
        self.assertTrue(any("the second reader" in problem for problem in self.judge([])["problems"]))

    def test_a_book_is_read_again(self):
        book = oracle.Book(self.work / "book")
        book.add(3, 0, 17)
        book.add(4, 1, 18)
        book.close()
        book = oracle.Book(self.work / "book")
        self.addCleanup(book.close)
        self.assertEqual((book.until(0), book.until(1)), ({3}, {3, 4}))

    def cut_a_log(self, seed, lies):
        """A log on a bare disk, one force a record, whose power goes. Returns what the oracle says."""
        disk, offset, numbers = self.disk(sectors=256, lies=lies), 0, self.small(20)
        for frame in self.frames(numbers):
            disk.write(offset, frame + logs.END, False)
            disk.flush()
            offset += len(frame)
        disk.cut(random.Random(seed))
        self.log([disk.read(0, disk.size)])
        return self.judge(numbers)

    def test_honest_forces_lose_nothing_and_a_lie_is_found(self):
        self.assertFalse([found for seed in range(6) if (found := self.cut_a_log(seed, lies=False)["problems"])])
        self.assertTrue([found for seed in range(6) if (found := self.cut_a_log(seed, lies=True)["lost"])])


class ReplayTest(Temporary):
    ENTRIES = [(1, 0, b"a" * 512), (1, 512, b"b" * 512), (3, 0, b""), (2, 1024, b"c" * 512), (1, 0, b"d" * 512)]

    def base(self, lies=False):
        path = self.work / "base.img"
        path.write_bytes(bytes(2048))
        base = edged_replay.Base(path, self.ENTRIES, lies)
        self.addCleanup(base.close)
        return base

    def test_the_base_is_the_disk_as_of_the_last_flush(self):
        base = self.base()
        base.advance(2)
        self.assertEqual((os.pread(base.file, 2048, 0), len(base.unforced)), (bytes(2048), 2))
        base.advance(5)
        self.assertEqual(os.pread(base.file, 2048, 0), b"a" * 512 + b"b" * 512 + bytes(1024))
        self.assertEqual(base.unforced, [(1024, b"c" * 512, True), (0, b"d" * 512, False)])

    def test_a_lie_forces_nothing(self):
        base = self.base(lies=True)
        base.advance(5)
        self.assertEqual((os.pread(base.file, 2048, 0), len(base.unforced)), (bytes(2048), 4))

    def test_a_copy_has_the_same_bytes_and_holes(self):
        source = self.work / "source"
        with open(source, "wb") as file:
            file.truncate(1 << 20)
            file.seek(300_000)
            file.write(b"x" * 5000)
        with open(source, "rb") as file:
            os.close(edged_replay.copy_sparse(file.fileno(), self.work / "copy"))
        self.assertEqual((self.work / "copy").read_bytes(), source.read_bytes())
        self.assertLess((self.work / "copy").stat().st_blocks * 512, 100_000)


    def test_a_copy_of_what_cannot_be_read_is_no_copy(self):
        with (
            open(self.work / "source", "w+b") as source,
            mock.patch.object(edged_replay.os, "lseek", side_effect=OSError(errno.EIO, "as told")),
            self.assertRaises(OSError),
        ):
            source.truncate(4096)
            os.close(edged_replay.copy_sparse(source.fileno(), self.work / "target"))

    def test_players_end_before_their_disks_are_taken_down(self):
        playing, closed = [], []

        class Player:
            def __init__(self, *_):
                pass

            def state(self, number, _cut):
                playing.append(number)
                time.sleep(0.05)
                if number == 4:
                    raise KeyboardInterrupt
                if closed:
                    raise AssertionError("a player is at work on what is gone")
                return [], 0

            def close(self):
                closed.append(len(playing))

        recording = mock.Mock(begin=0, entries=range(1000))
        options = mock.Mock(seed=SEED, states=1000, players=3, second_reader=0)
        with mock.patch.object(edged_replay, "Player", Player), self.assertRaises(KeyboardInterrupt):
            edged_replay.play(recording, "ext4", self.work, self.work, options, [])
        self.assertEqual(closed, [len(playing)] * 3)
        self.assertLess(len(playing), 20)

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_nobody_else_gets_a_copy_of_our_mounts(self):
        here = self.work / "mount"
        here.mkdir()
        ours, answer = os.pipe()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                host.own_mounts()
                guests.run("mount", "-t", "tmpfs", "none", here)
                os.write(answer, b"yes" if host.is_mounted(here) else b"no")
                time.sleep(60)
            os._exit(1)
        try:
            os.close(answer)
            self.assertEqual(os.read(ours, 3), b"yes")
            mounts = guests.run("unshare", "--mount", "cat", "/proc/self/mounts")
            self.assertNotIn(str(here), mounts)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(ours)


class HarnessTest(Temporary):
    def main(self, program, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            status = program.main([*arguments, "--evidence", str(self.work / "evidence"), "--work", str(self.work / "work")])
        return status, out.getvalue()

    def test_without_a_kernel_a_power_cut_is_a_skip(self):
        with mock.patch.object(guests, "GUEST", self.work / "none"):
            status, text = self.main(powercut, "--fs", "ext4")
        self.assertEqual(status, 0)
        self.assertIn("SKIP  no kernel for the guest: make guest", text)
        result = json.loads((self.work / "evidence/powercut/ext4/run-1/result.json").read_text())
        self.assertEqual(result["state"], "SKIP")

    def test_without_an_emulator_it_is_one_too(self):
        (self.work / "guest/boot").mkdir(parents=True)
        (self.work / "guest/boot/vmlinuz-1").touch()
        with mock.patch.object(guests, "GUEST", self.work / "guest"), mock.patch.object(guests, "PATH", ""):
            self.assertIn("SKIP  qemu-system-x86_64 is missing", self.main(powercut, "--fs", "xfs")[1])

    def test_without_root_replay_and_faults_are_skips(self):
        for program in (edged_replay, edged_faults):
            with mock.patch.object(os, "geteuid", lambda: 1000):
                status, text = self.main(program, "--fs", "ext4")
            self.assertEqual(status, 0)
            self.assertIn("SKIP", text)
            self.assertIn("needs root", text)

    def test_a_control_that_is_skipped_is_no_failure(self):
        with mock.patch.object(guests, "GUEST", self.work / "none"):
            self.assertEqual(self.main(powercut, "--fs", "ext4", "--lie", "disk", "--must-lose")[0], 0)

    def test_a_control_has_to_lose_records_and_not_its_patience(self):
        def result(problem, lost, acknowledged=5):
            lives = [{"found": {"lost": 0}}, {"found": {"lost": lost}, "problems": [problem]}]
            return {"lives": lives, "problems": [problem], "records": {"acknowledged": acknowledged}}

        self.assertTrue(powercut.reports_loss(result("3 acknowledged records are lost", 3)))
        self.assertTrue(powercut.reports_loss(result(f"failed: {powercut.NOT_MOUNTED}", 0)))
        self.assertFalse(powercut.reports_loss(result(f"failed: {powercut.NOT_MOUNTED}", 0, acknowledged=0)))
        self.assertFalse(powercut.reports_loss(result("the daemon was not ready in 180 s", 0)))
        self.assertIn(f"failed: {powercut.NOT_MOUNTED}", guests.INIT)

    def power_on(self, *outcomes, writes=0):
        """How often a guest was made whose boots end as told, and what came of it."""
        run = powercut.Run("ext4", SEED, self.work, self.work)
        run.socket, run.server = None, mock.Mock()
        run.disk = mock.Mock(counts={"writes": 0})

        def boot(outcome):
            def await_word(*_):
                run.disk.counts["writes"] += writes
                if outcome:
                    raise guests.Stuck(outcome)

            return mock.Mock(await_word=await_word)

        made = [boot(outcome) for outcome in outcomes]
        with mock.patch.object(guests, "Guest", side_effect=made) as guest, contextlib.redirect_stdout(io.StringIO()):
            try:
                came = run.power_on(False) is made[guest.call_count - 1]
            except guests.Stuck as problem:
                came = str(problem)
        self.assertEqual([item.cut.call_count for item in made[: guest.call_count]].count(0), 1 if came is True else 0)
        return guest.call_count, came

    def test_a_guest_that_does_not_come_up_is_powered_on_again(self):
        self.assertEqual(self.power_on(None), (1, True))
        self.assertEqual(self.power_on("the guest went away: mounted", None), (2, True))
        self.assertEqual(self.power_on(*["the guest went away: mounted"] * 3), (3, "the guest went away: mounted"))

    def test_a_guest_that_has_touched_the_disk_or_cannot_mount_it_is_not(self):
        refused = f"failed: {powercut.NOT_MOUNTED}"
        self.assertEqual(self.power_on(refused, None), (1, refused))
        self.assertEqual(self.power_on("the guest went away: mounted", None, writes=1)[0], 1)

    def test_nothing_kept_is_nothing_to_verify(self):
        self.assertEqual(self.main(powercut, "--verify", str(self.work))[0], 2)

    def test_moments_come_from_the_seed_and_differ(self):
        self.assertEqual(powercut.plan(7, 3), powercut.plan(7, 3))
        plans = [powercut.plan(7, life) for life in range(60)]
        self.assertEqual({plan["while"] for plan in plans}, {"sending", "starting"})
        self.assertEqual({plan["destination"] for plan in plans}, {True, False})
        self.assertEqual({plan["with_unforced"] for plan in plans}, {True, False})

    def test_evidence_has_a_manifest(self):
        with mock.patch.object(guests, "GUEST", self.work / "none"):
            self.main(powercut, "--fs", "ext4")
        self.assertEqual(matrix.changed_evidence(self.work / "evidence/powercut/ext4/run-1"), [])

    def test_the_packages_of_the_guest_are_pinned_by_version_and_hash(self):
        lines = (guests.HERE / "guest.lock").read_text().splitlines()
        pinned = [line.split() for line in lines if line.startswith("amd64 guest ")]
        names = [package for _, _, package, _, sha in pinned if len(sha) == 64]
        self.assertEqual([name.split("-")[0] for name in names], ["linux", "busybox", "libeatmydata1"])

    def test_an_initramfs_is_what_the_kernel_reads(self):
        image = guests.Archive()
        image.directory("bin")
        image.add("bin/sh", 0o100755, b"#!")
        image.link("lib", "usr/lib")
        data, names, at = image.end(), [], 0
        while at < len(data):
            self.assertEqual(data[at : at + 6], b"070701")
            fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
            name = data[at + 110 : at + 109 + fields[11]].decode()
            names.append((name, fields[1]))
            at += 110 + fields[11]
            at += -at % 4 + fields[6]
            at += -at % 4
        self.assertEqual(names, [("bin", 0o40755), ("bin/sh", 0o100755), ("lib", 0o120777), ("TRAILER!!!", 0)])


if __name__ == "__main__":
    unittest.main()
