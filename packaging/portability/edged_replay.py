#!/usr/bin/env python3
"""Replays what a disk was told to crash states: cut anywhere, with unforced writes lost, reordered and torn.

usage: edged_replay.py [--fs ext4|xfs]... [--states N] [--seed N] [--seconds N] [--evidence DIR] [--second-reader N]
                       [--players N]
                       [--lie eatmydata|disk] [--must-lose]

One run of the daemon on a disk that writes down what it is told is the recording: records, rolls of segments, a
destination that comes and goes, a SIGKILL, a clean stop. A state is a seeded point of it, once the disk is mounted:
everything up to the last flush before, and of what follows a seeded part, in pieces of 512 or 4096 bytes. Each is mounted,
its log opened, read, appended to and opened again by the daemon's own code, and compared with who acknowledged and received
what before that point; every N-th also by the second reader, before and after. Needs root, loop devices and the tests of telemetry: make faults.

Exit status: 0 nothing is wrong or the run was skipped, 1 something is, 2 usage.
"""

import concurrent.futures
import contextlib
import errno
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import edged_disk  # noqa: E402  (beside this file)
import edged_evidence  # noqa: E402
import edged_guest as guests  # noqa: E402
import edged_host as host  # noqa: E402
import edged_matrix as matrix  # noqa: E402
import edged_oracle as oracle  # noqa: E402

EATMYDATA = "/usr/lib/x86_64-linux-gnu/libeatmydata.so"


def record(file_system, seed, seconds, work, evidence, lie=None):
    """Runs the daemon on a disk that writes down what it is told.

    Returns the first number that was not offered, and the entries with which the file system was in use and not yet unmounted.
    """
    chance, offered = random.Random(f"{seed} recording"), 0
    with contextlib.ExitStack() as stack:
        guests.make_file_system(file_system, work / "base.img")
        guests.run("cp", "--sparse=always", work / "base.img", work / "disk.img")
        disk = edged_disk.Disk(work / "disk.img", edged_disk.WriteLog(work / "writes"), lies=lie == "disk")
        stack.callback(disk.close)
        acknowledged, received = (oracle.Book(evidence / name) for name in ("acknowledged", "received"))
        stack.callback(acknowledged.close)
        stack.callback(received.close)
        sink = oracle.Sink(seed, received, disk.entries)
        stack.callback(sink.close)
        mounted = stack.enter_context(host.Mounted(disk, file_system, work))
        # Mounting ext4 writes its superblock, which spans two sectors: torn between them it wants e2fsck, with or without us.
        begin = disk.entries()
        preload = eatmydata() if lie == "eatmydata" else None
        for life, ending in enumerate(("kill", "stop", "kill")):
            with host.Daemon(work, mounted.mount_point / "edged", sink, preload=preload) as daemon:
                daemon.await_ready()
                client = oracle.Client(seed, acknowledged, daemon.receiver, offered, life, position=disk.entries)
                until = time.monotonic() + seconds / 3
                while time.monotonic() < until and daemon.alive():
                    sink.life, sink.open = life, chance.random() < 0.6
                    time.sleep(min(1.0, max(0.0, until - time.monotonic())))
                if ending == "kill":
                    daemon.kill()
                offered = client.stop()
                if ending == "stop" and (status := daemon.stop()) != 0:
                    raise guests.Stuck(f"the daemon ended with {status}: {daemon.lines()[-1:]}")
        # What follows is the unmounting of a disk that is not written any more.
        end = disk.entries()
        disk.log.file.flush()
        if sink.problems:
            raise guests.Stuck(sink.problems[0])
    return offered, begin, end


def eatmydata():
    for path in (EATMYDATA, guests.GUEST / guests.EATMYDATA):
        if pathlib.Path(path).exists():
            return str(path)
    raise guests.Skip("libeatmydata is missing: make guest")


class Base:
    """The disk as of the last flush before a point, which moves forward only."""

    def __init__(self, image, entries, lies):
        self.file, self.entries, self.lies = os.open(image, os.O_RDWR), entries, lies
        self.at = self.forced = 0
        self.unforced = []

    def advance(self, cut):
        """Takes the entries before a point."""
        while self.at < cut:
            kind, offset, data = self.entries[self.at]
            self.at += 1
            if kind != edged_disk.FLUSHED:
                self.unforced.append((offset, data, kind == edged_disk.WRITTEN_THROUGH))
            elif not self.lies:
                for start, written, _ in self.unforced:
                    os.pwrite(self.file, written, start)
                self.unforced.clear()

    def close(self):
        os.close(self.file)


def copy_sparse(source, target):
    """Copies what is allocated. The target is another file than the one of that name before.

    mount takes a loop device that a file still has, which must not be one with another state in it.
    """
    size = os.fstat(source).st_size
    with contextlib.suppress(FileNotFoundError):
        os.unlink(target)
    out = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.ftruncate(out, size)
        at = 0
        while at < size:
            try:
                at = os.lseek(source, at, os.SEEK_DATA)
            except OSError as problem:
                if problem.errno != errno.ENXIO:
                    raise
                break  # Nothing but a hole is left.
            end = os.lseek(source, at, os.SEEK_HOLE)
            os.lseek(out, at, os.SEEK_SET)
            while at < end:
                at += os.sendfile(out, source, at, end - at)
    except BaseException:
        os.close(out)
        raise
    return out


def make_state(base, image, chance, policy, unit):
    """The disk as a cut where the base stands leaves it."""
    out = copy_sparse(base.file, image)
    for offset, data in edged_disk.kept(base.unforced, chance, policy, unit):
        os.pwrite(out, data, offset)
    os.close(out)


def mount_state(file_system, image, mount_point):
    """All states have the identity of one file system, and xfs refuses to be mounted twice."""
    words = "loop,nouuid" if file_system == "xfs" else "loop"
    guests.run("mount", "-t", file_system, "-o", words, image, mount_point)


class Recovery:
    """The daemon's own code in one process that opens one log after the other."""

    def __init__(self, log):
        libraries = sorted((guests.TARGET / "edged/lib").glob("*.jar"))
        classes = guests.ROOT / "telemetry/target/test-classes"
        if not libraries:
            raise guests.Skip("no daemon: make build")
        if not (classes / "io/edged/wal/ReplayedLogs.class").exists():
            raise guests.Skip("the tests of telemetry are not built: make portability-tests")
        path = ":".join(str(item) for item in (classes, *libraries))
        command = [str(guests.java_home() / "bin/java"), "-XX:+UseSerialGC", "-Xmx256m", "-cp", path,
                   "--sun-misc-unsafe-memory-access=allow", "io.edged.wal.ReplayedLogs"]  # fmt: skip
        self.log = open(log, "ab")  # noqa: SIM115  (closed with the process)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def open(self, directory):
        """CRCs of the records by seq, or what went wrong."""
        try:
            self.process.stdin.write(f"{directory}\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().split()
        except BrokenPipeError:
            answer = []
        if not answer:
            raise guests.Stuck(f"the process that opens logs ended, see {self.log.name}; was something built meanwhile?")
        if answer[0] != "ok":
            return {}, " ".join(answer[1:])
        return {int(seq): int(crc) for seq, crc in (word.split(":") for word in answer[1:])}, None

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        self.process.stdout.close()
        self.log.close()


class Recording:
    """What a run has left behind: what its disk was told, who acknowledged what when, and how the disk began."""

    def __init__(self, seed, work, evidence, lies, offered, begin, end):
        self.seed, self.lies, self.offered, self.begin, self.image = seed, lies, offered, begin, work / "base.img"
        self.entries = list(edged_disk.WriteLog.read(work / "writes"))[:end]
        self.acknowledged, self.received = ({}, {})
        for name, into in (("acknowledged", self.acknowledged), ("received", self.received)):
            for line in (evidence / name).read_text().splitlines():
                number, _, position = map(int, line.split())
                into[number] = min(position, into.get(number, position))
        self.numbers = {zlib.crc32(oracle.text(seed, number)): number for number in range(offered)}


class Player:
    """Makes crash states of a recording and judges them, from the first place to the last."""

    def __init__(self, recording, file_system, work, evidence, second_reader):
        self.recording, self.file_system, self.work, self.second_reader = recording, file_system, work, second_reader
        self.mount_point = work / "state"
        self.mount_point.mkdir(parents=True)
        with contextlib.ExitStack() as stack:
            stack.callback(subprocess.run, ["umount", "-l", str(self.mount_point)], capture_output=True, check=False)
            guests.run("cp", "--sparse=always", recording.image, work / "base.img")
            self.base = Base(work / "base.img", recording.entries, recording.lies)
            stack.callback(self.base.close)
            self.recovery = Recovery(evidence / f"{work.name}.log")
            stack.callback(self.recovery.close)
            self.stack = stack.pop_all()

    def close(self):
        self.stack.close()

    def state(self, number, cut):
        """Makes one crash state and judges it. Returns its problems and how many records were lost."""
        chance = random.Random(f"{self.recording.seed} state {number}")
        policy, unit = edged_disk.choose_cut(chance, edged_disk.UNITS[self.file_system])
        self.base.advance(cut)
        image = self.work / "state.img"
        make_state(self.base, image, chance, policy, unit)
        acknowledged = {number for number, position in self.recording.acknowledged.items() if position <= cut}
        received = {number for number, position in self.recording.received.items() if position <= cut}
        where = f"state {number} (cut {cut}, {policy}, {unit})"
        try:
            mount_state(self.file_system, image, self.mount_point)
        except OSError as problem:
            kernel = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout.splitlines()
            said = [line for line in kernel[-20:] if "loop" in line][-2:]
            return [f"{where}: {problem} {said}"], len(acknowledged - received)
        try:
            problems, lost = self.judge(acknowledged, received, number)
        finally:
            host.unmount(self.mount_point)
        return [f"{where}: {problem}" for problem in problems], lost

    def judge(self, acknowledged, received, number):
        state, problems, seed = self.mount_point / "edged", [], self.recording.seed
        twice = self.second_reader and number % self.second_reader == 0 and (state / "wal").is_dir()
        if twice and acknowledged - received:  # Before the first record there may be no log yet that a reader could judge.
            problems += oracle.judge(state, seed, acknowledged, received, self.recording.offered)["problems"]
        found, problem = self.recovery.open(state / "wal")
        if problem:
            return [*problems, problem], len(acknowledged - received)
        records = [self.recording.numbers.get(crc) for crc in found.values()]
        there = set(records)
        if None in there:
            problems.append(f"{records.count(None)} records are not as they were sent")
        if len(there) != len(records):
            problems.append("a record is there twice")
        if lost := sorted(acknowledged - there - received):
            problems.append(f"{len(lost)} acknowledged records are lost, among them {', '.join(map(str, lost[:5]))}")
        quarantine = state / "wal/quarantine"
        if quarantine.is_dir() and any(quarantine.iterdir()):
            problems.append("a crash was taken for damage")
        if twice:
            problems += [f"after recovery: {problem}" for problem in oracle.read_log(state, seed)[2]]
        return problems, len(lost)


def play(recording, file_system, work, evidence, options, problems):
    """Makes and judges all states, some at a time. Returns how many were bad and how many records were lost in all."""
    chance = random.Random(f"{options.seed} cuts")
    cuts = sorted(chance.randint(recording.begin, len(recording.entries)) for _ in range(options.states))
    lock, done, bad, lost, started = threading.Lock(), 0, 0, 0, time.monotonic()
    ending = threading.Event()

    def some(player):
        nonlocal done, bad, lost
        for number in range(player, len(cuts), options.players):
            if ending.is_set():
                return
            found, gone = players[player].state(number, cuts[number])
            with lock:
                done, bad, lost = done + 1, bad + bool(found), lost + gone
                if found and bad <= 10:
                    print(f"    {found[0]}", flush=True)
                if found and bad <= 100:
                    problems.extend(found[:3])
                if done % 500 == 0:
                    print(f"    {done} states, {bad} bad, {time.monotonic() - started:.0f} s", flush=True)

    players = []
    with contextlib.ExitStack() as stack:
        for player in range(options.players):
            places = (recording, file_system, work / f"player-{player}", evidence, options.second_reader)
            players.append(Player(*places))
            stack.callback(players[-1].close)
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(options.players))
        # However this ends, players finish the state that they are at before it is taken down.
        stack.callback(ending.set)
        for future in concurrent.futures.as_completed([pool.submit(some, player) for player in range(options.players)]):
            future.result()
    return bad, lost


def replay(file_system, options):
    evidence, result = edged_evidence.begin("replay", file_system, options)
    work = pathlib.Path(options.work) / f"{file_system}-{os.getpid()}"
    result |= {"states": options.states, "problems": []}
    began = time.monotonic()
    try:
        host.needs_root()
        work.mkdir(parents=True)
        offered, begin, end = record(file_system, options.seed, options.seconds, work, evidence, options.lie)
        recording = Recording(options.seed, work, evidence, options.lie == "disk", offered, begin, end)
        flushes = sum(1 for kind, _, _ in recording.entries if kind == edged_disk.FLUSHED)
        result["recording"] = {
            "offered": offered, "acknowledged": len(recording.acknowledged), "received": len(recording.received),
            "writes": len(recording.entries) - flushes, "flushes": flushes, "seconds": round(time.monotonic() - began, 1),
        }  # fmt: skip
        print(f"    recorded {result['recording']}", flush=True)
        started = time.monotonic()
        bad, lost = play(recording, file_system, work, evidence, options, result["problems"])
        seconds = time.monotonic() - started
        if bad:  # With them the same states can be made again.
            for name in ("base.img", "writes"):
                guests.run("cp", "--sparse=always", work / name, evidence / name)
        result |= {
            "state": "FAIL" if bad else "PASS", "bad_states": bad, "lost": lost, "replay_seconds": round(seconds, 1),
            "states_a_minute": round(60 * options.states / seconds),
        }  # fmt: skip
        words = f"{options.states} states, {bad} bad, {lost} losses of records, {result['states_a_minute']} states a minute"
    except guests.Skip as why:
        result |= {"state": "SKIP", "reason": str(why)}
        words = str(why)
    except (guests.Stuck, OSError) as problem:
        result |= {"state": "FAIL", "problems": [*result["problems"], str(problem)]}
        words = str(problem)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    result["seconds"] = round(time.monotonic() - began, 1)
    return edged_evidence.finish(evidence, result, words)


def main(arguments=None):
    parser = edged_evidence.arguments("replay", __doc__)
    parser.add_argument("--states", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=12, help="of the recording")
    parser.add_argument("--players", type=int, default=2, help="how many states are made at a time")
    parser.add_argument("--second-reader", type=int, default=20, metavar="N", help="judges every N-th state, too; 0 for none")
    parser.add_argument("--lie", choices=("eatmydata", "disk"))
    parser.add_argument("--must-lose", action="store_true", help="exit status 0 if, and only if, a loss is reported")
    options = parser.parse_args(arguments)
    results = [replay(file_system, options) for file_system in options.fs or matrix.FILE_SYSTEMS]
    if options.must_lose:
        return 0 if all(result["state"] == "SKIP" or result.get("lost") for result in results) else 1
    return 1 if any(result["state"] == "FAIL" for result in results) else 0


if __name__ == "__main__":
    guests.end_in_order()
    host.own_mounts()
    sys.exit(main())
