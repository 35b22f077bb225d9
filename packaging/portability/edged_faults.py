#!/usr/bin/env python3
"""Disks that fail, fill up, hang and lie about what they hold, under the running daemon.

usage: edged_faults.py [--fs ext4|xfs]... [--fault NAME]... [--seed N] [--evidence DIR]

Each fault has a file system of its own on a disk that does as it is told. A client sends numbered records through the
fault; then the disk is well again, a daemon is started without a hand, and everything acknowledged has to arrive at a
destination, as it was sent, with a log that the second reader finds right. Needs root, loop devices and FUSE.

Exit status: 0 nothing is wrong or the run was skipped, 1 something is, 2 usage.
"""

import contextlib
import errno
import os
import pathlib
import shutil
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import edged_disk  # noqa: E402  (beside this file)
import edged_evidence  # noqa: E402
import edged_guest as guests  # noqa: E402
import edged_host as host  # noqa: E402
import edged_matrix as matrix  # noqa: E402
import edged_oracle as oracle  # noqa: E402

STORAGE_FAILED = 4
HANG_SECONDS = 6
BEFORE, AFTER = 60, 20


class Wrong(Exception):
    """The daemon did not do what it has to."""


def expect(holds, words):
    if not holds:
        raise Wrong(words)


class Scene:
    """A disk with a daemon, and what is known of its records."""

    def __init__(self, file_system, seed, work, evidence, stack, few_inodes=False):
        self.file_system, self.seed, self.work, self.evidence = file_system, seed, work, evidence
        work.mkdir(parents=True)
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        self.image = work / "disk.img"
        guests.make_file_system(file_system, self.image, few_inodes=few_inodes)
        self.disk = edged_disk.Disk(self.image)
        stack.callback(self.disk.close)
        self.acknowledged, self.received = (oracle.Book(work / name) for name in ("acknowledged", "received"))
        stack.callback(self.acknowledged.close)
        stack.callback(self.received.close)
        self.sink = oracle.Sink(seed, self.received)
        stack.callback(self.sink.close)
        self.mounted = stack.enter_context(host.Mounted(self.disk, file_system, work))
        self.state = self.mounted.mount_point / "edged"
        self.next, self.client = 0, None

    @contextlib.contextmanager
    def daemon(self, **limits):
        """A daemon that is ready, and in the end its log in the evidence."""
        with host.Daemon(self.work, self.state, self.sink, **limits) as daemon:
            try:
                daemon.await_ready()
                yield daemon
            finally:
                self.stop_sending()
                daemon.kill()
                shutil.copy(daemon.log, self.evidence)

    def send(self, daemon):
        self.client = oracle.Client(self.seed, self.acknowledged, daemon.receiver, self.next, 0)

    def stop_sending(self):
        if self.client:
            self.next, self.client = self.client.stop(), None

    def send_until(self, daemon, count, seconds=60):
        """Sends until so many more are acknowledged, and goes on sending."""
        if self.client is None:
            self.send(daemon)
        wanted = self.client.acknowledged + count
        expect(self.client.await_acknowledged(wanted, seconds, daemon.alive), f"no more acknowledged: {self.client.refused}")

    def everything_arrives(self, lost=frozenset()):
        """A daemon delivers all that was acknowledged, but for what the fault destroyed, and ends in order."""
        with self.daemon() as daemon:
            self.send_until(daemon, AFTER)
            self.stop_sending()
            self.sink.open = True
            deadline = time.monotonic() + 60
            while (missing := self.acknowledged.until(0) - self.sink.received - lost) and time.monotonic() < deadline:
                time.sleep(0.1)
            expect(not missing, f"{len(missing)} acknowledged records did not arrive, among them {sorted(missing)[:5]}")
            expect((status := daemon.stop()) == 0, f"the daemon ended with {status}")
        expect(not self.sink.problems, "; ".join(self.sink.problems[:3]))
        if not lost:
            found = oracle.judge(self.state, self.seed, self.acknowledged.until(0), self.sink.received, self.next)
            expect(not found["problems"], "; ".join(found["problems"][:3]))


def ends_and_comes_back(scene, break_disk):
    """A write or a force that fails ends the daemon with the code for storage; nothing is acknowledged behind it."""
    with scene.daemon() as daemon:
        scene.send_until(daemon, BEFORE)
        break_disk()
        status = daemon.await_exit()
        expect(status == STORAGE_FAILED, f"the daemon ended with {status}, not {STORAGE_FAILED}")
    disk = scene.disk
    disk.write_error = disk.flush_error = disk.read_error = 0
    scene.mounted.remount()
    scene.everything_arrives()
    return "exit 4, nothing lost after a remount"


def write_errors(scene):
    def fail():
        scene.disk.write_error = errno.EIO

    return ends_and_comes_back(scene, fail)


def flush_errors(scene):
    def fail():
        scene.disk.flush_error = errno.EIO

    return ends_and_comes_back(scene, fail)


def device_without_space(scene):
    """A thin volume whose pool is full refuses writes that its file system counted on."""

    def fail():
        scene.disk.write_error = errno.ENOSPC

    return ends_and_comes_back(scene, fail)


def read_only(scene):
    """What a file system does to itself when it finds an error."""

    def fail():
        mount_point = scene.mounted.mount_point
        if scene.file_system == "ext4":
            guests.run("mount", "-o", "remount,abort", mount_point)
        else:
            guests.run(guests.program("xfs_io", "xfsprogs"), "-x", "-c", "shutdown", mount_point)

    return ends_and_comes_back(scene, fail)


def refuses_and_goes_on(scene, fill, look, free):
    """The file system takes nothing more: refused with 429 while the daemon lives, and taken again without help."""
    with scene.daemon() as daemon:
        scene.send_until(daemon, BEFORE)
        with contextlib.suppress(OSError):
            fill()
        deadline = time.monotonic() + 90
        while not scene.client.refused.get(429) and time.monotonic() < deadline and daemon.alive():
            time.sleep(0.1)
        expect(scene.client.refused.get(429), f"the file system is full, and nothing was refused with 429: {scene.client.refused}")
        look(daemon)
        expect(daemon.get("/livez") == 200, "not live on a full file system")
        free()
        scene.send_until(daemon, AFTER)
        daemon.await_ready()
        refused = scene.client.refused[429]
        expect(set(scene.client.refused) <= {429}, f"refused otherwise, too: {scene.client.refused}")
    scene.everything_arrives()
    return f"429 {refused} times, accepted again by itself"


def full_file_system(scene):
    ballast = scene.mounted.mount_point / "ballast"

    def fill():
        with open(ballast, "wb") as file:
            while True:
                file.write(bytes(1 << 20))
                file.flush()

    return refuses_and_goes_on(scene, fill, lambda daemon: daemon.await_status("/readyz", 503), ballast.unlink)


def no_inodes(scene):
    """No further file can be made, while there is room in those that are there."""
    ballast = scene.mounted.mount_point / "ballast"

    def fill():
        ballast.mkdir()
        for number in range(1 << 20):
            (ballast / str(number)).touch()

    return refuses_and_goes_on(scene, fill, lambda _: None, lambda: shutil.rmtree(ballast))


def few_descriptors(scene):
    """Fewer files than the daemon would have open with all the connections that it takes."""
    with scene.daemon(open_files=90) as daemon, contextlib.ExitStack() as idle:
        scene.send_until(daemon, BEFORE)
        for _ in range(200):
            connection = idle.enter_context(socket.socket())
            connection.settimeout(5)
            connection.connect(("127.0.0.1", daemon.receiver))
        # The next segment is a file that cannot be opened: storage that failed. A service manager starts it again.
        status = daemon.await_exit(120)
        expect(status == STORAGE_FAILED, f"the daemon ended with {status}, not {STORAGE_FAILED}")
    scene.everything_arrives()
    return "exit 4 at the next segment, nothing lost"


def slow(scene):
    with scene.daemon() as daemon:
        scene.send_until(daemon, BEFORE)
        scene.disk.delay_seconds = 0.05
        started = time.monotonic()
        scene.send_until(daemon, AFTER)
        seconds = time.monotonic() - started
        expect(daemon.get("/livez") == 200, "not live on a slow disk")
        expect(set(scene.client.refused) <= {429}, f"refused otherwise: {scene.client.refused}")
        scene.disk.delay_seconds = 0
    scene.everything_arrives()
    return f"{AFTER / seconds:.0f} acknowledged a second at 50 ms a request of the device"


def hangs(scene, stop, go_on):
    with scene.daemon() as daemon:
        scene.send_until(daemon, BEFORE)
        stop()
        try:
            time.sleep(1)  # What was on its way arrives.
            before, slowest = scene.client.acknowledged, 0.0
            until = time.monotonic() + HANG_SECONDS
            while time.monotonic() < until:
                asked = time.monotonic()
                expect(daemon.get("/livez", 10) == 200, "not live while the disk hangs")
                expect(daemon.get("/metrics", 10) == 200, "no metrics while the disk hangs")
                slowest = max(slowest, time.monotonic() - asked)
                time.sleep(0.2)
            daemon.await_status("/readyz", 503, 30)
            expect(scene.client.acknowledged == before, "acknowledged while the disk hangs")
        finally:
            go_on()
        scene.send_until(daemon, AFTER)
        daemon.await_ready()
    scene.everything_arrives()
    return f"live (slowest answer {slowest:.1f} s), not ready, went on by itself"


def hung_device(scene):
    return hangs(scene, scene.disk.runs.clear, scene.disk.runs.set)


def frozen(scene):
    where = scene.mounted.mount_point
    return hangs(scene, lambda: guests.run("fsfreeze", "-f", where), lambda: guests.run("fsfreeze", "-u", where))


def old_record(scene):
    """An acknowledged record in the first segment, with segments behind it, and where its bytes are on the disk."""
    names = sorted(path.name for path in (scene.state / "wal").glob("*.wal"))
    expect(len(names) > 2, f"only {len(names)} segments")
    first = (scene.state / "wal" / names[0]).read_bytes()
    held = [number for number in oracle.numbers(scene.seed, first, [], names[0]) if number in scene.acknowledged.until(0)]
    number = next(number for number in held[len(held) // 2 :] if len(oracle.text(scene.seed, number)) > 600)
    # Long enough to be in one piece within a block, and nowhere else.
    needle = oracle.text(scene.seed, number)[100:300]
    image = scene.image.read_bytes()
    at = image.find(needle)
    if at < 0:
        needle = oracle.text(scene.seed, number)[310:510]
        at = image.find(needle)
    expect(at >= 0, "the record is not on the disk in one piece")
    return number, at


def send_segments(scene):
    """Several segments full of records, and a daemon that is gone."""
    with scene.daemon() as daemon:
        scene.send(daemon)
        while len(list((scene.state / "wal").glob("*.wal"))) < 4:
            scene.send_until(daemon, 50)
    scene.mounted.unmount()
    scene.mounted.mount()


def bit_flips(scene):
    """Bits of one old record have rotted: it is set aside, counted, never delivered changed; all others arrive."""
    send_segments(scene)
    number, at = old_record(scene)
    scene.disk.flips = [(at, 0x10), (at + 7, 0x01)]
    scene.mounted.remount()
    scene.everything_arrives(lost={number})
    expect(number not in scene.sink.received, "the damaged record was delivered")
    quarantine = scene.state / "wal/quarantine"
    expect(quarantine.is_dir() and any(quarantine.iterdir()), "nothing was set aside")
    return f"record {number} set aside, {len(scene.sink.received)} others delivered"


def bad_sector(scene):
    """A sector of an old segment cannot be read: what lies there is given up and counted, the rest arrives."""
    send_segments(scene)
    number, at = old_record(scene)
    scene.disk.unreadable = [at]
    scene.mounted.remount()
    # A read of the kernel is a page at least, which may hold parts of other records.
    near = {other for other in scene.acknowledged.until(0) if abs(other - number) < 200}
    scene.everything_arrives(lost=near)
    gone = near - scene.sink.received
    expect(number in gone, "the record arrived though it cannot be read")
    expect(len(gone) <= 40, f"{len(gone)} records were given up for one sector")
    return f"{len(gone)} records of one sector given up, {len(scene.sink.received)} others delivered"


FAULTS = {
    "write-errors": write_errors,
    "flush-errors": flush_errors,
    "device-without-space": device_without_space,
    "full-file-system": full_file_system,
    "no-inodes": no_inodes,
    "few-descriptors": few_descriptors,
    "slow": slow,
    "hung-device": hung_device,
    "frozen": frozen,
    "read-only": read_only,
    "bit-flips": bit_flips,
    "bad-sector": bad_sector,
}


def inject(name, file_system, options, evidence):
    work, started = pathlib.Path(options.work) / f"{name}-{file_system}-{os.getpid()}", time.monotonic()
    with contextlib.ExitStack() as stack:
        scene = Scene(file_system, options.seed, work, evidence, stack, few_inodes=name == "no-inodes")
        try:
            state, words = "PASS", FAULTS[name](scene)
        except (Wrong, guests.Stuck, OSError, StopIteration) as problem:
            state, words = "FAIL", str(problem) or type(problem).__name__
        outcome = {
            "state": state, "detail": words, "acknowledged": len(scene.acknowledged.lines), "received": len(scene.sink.received),
        }  # fmt: skip
    with contextlib.suppress(OSError):
        (evidence / "daemon.log").rename(evidence / f"{name}.log")
    outcome["seconds"] = round(time.monotonic() - started, 1)
    print(f"    {name:22} {state}  {outcome['seconds']:6.1f} s  {words}", flush=True)
    return outcome


def run(file_system, options):
    evidence, result = edged_evidence.begin("faults", file_system, options)
    result["faults"] = {}
    try:
        host.needs_root()
        for name in options.fault or FAULTS:
            result["faults"][name] = inject(name, file_system, options, evidence)
        result["state"] = "FAIL" if any(item["state"] == "FAIL" for item in result["faults"].values()) else "PASS"
    except guests.Skip as why:
        result |= {"state": "SKIP", "reason": str(why)}
    return edged_evidence.finish(evidence, result, result.get("reason") or f"{len(result['faults'])} faults")


def main(arguments=None):
    parser = edged_evidence.arguments("faults", __doc__)
    parser.add_argument("--fault", action="append", choices=FAULTS)
    options = parser.parse_args(arguments)
    results = [run(file_system, options) for file_system in options.fs or matrix.FILE_SYSTEMS]
    return 1 if any(result["state"] == "FAIL" for result in results) else 0


if __name__ == "__main__":
    guests.end_in_order()
    host.own_mounts()
    sys.exit(main())
