#!/usr/bin/env python3
"""Cuts the power of a virtual machine that runs the daemon, again and again, and looks for what it had acknowledged.

usage: edged_powercut.py [--fs ext4|xfs]... [--cuts N] [--seed N] [--evidence DIR] [--keep]
                         [--lie eatmydata|disk|build] [--must-lose]
       edged_powercut.py --verify DIR

A guest (the pinned kernel, software emulation) runs the daemon on a disk whose write cache is volatile. A client outside
sends numbered records and writes down each acknowledgement, forced, before it goes on. At a seeded moment the emulator is
killed and a seeded part of what the disk was not told to flush is lost. The guest boots on that disk, shows what it
found, which is judged here, and the daemon has to come up without a hand. At the end it delivers what is left and stops.

--lie turns the daemon's forces into nothing (a preloaded library, a disk that ignores flushes, a build that does not
call force); a run must then report a loss, which --must-lose checks. --keep keeps the disk as each cut left it; --verify
judges kept disks again. Exit status: 0 nothing is wrong or the run was skipped, 1 something is, 2 usage.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import sys
import tarfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import edged_disk  # noqa: E402  (beside this file)
import edged_evidence  # noqa: E402
import edged_guest as guests  # noqa: E402
import edged_matrix as matrix  # noqa: E402
import edged_oracle as oracle  # noqa: E402

# On a machine that is busy with other work an emulator gets a small part of a processor.
BOOT_SECONDS, READY_SECONDS, LOAD_SECONDS, STOP_SECONDS = 300, 600, 600, 600
POWER_ONS = 3
# Rather more cuts than more records in front of each.
MOST_ACKNOWLEDGED = 150
NOT_MOUNTED = "the disk cannot be mounted"
LIES = ("eatmydata", "disk", "build")


def plan(seed, life):
    """When the power of a life goes, and whether its records find a destination; the same for the same seed."""
    chance = random.Random(f"{seed} {life}")
    return {
        "while": chance.choices(("sending", "starting"), (5, 1))[0],
        "acknowledged": chance.randint(0, MOST_ACKNOWLEDGED),
        "delay_seconds": round(chance.random() * 0.3, 3),
        "starting_seconds": round(chance.random() * 4, 3),
        "destination": chance.random() < 0.4,
        # A moment by the clock alone seldom lies between a write and its flush, which is where cuts are worst.
        "with_unforced": chance.random() < 0.7,
    }


def ready(port):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
        connection.close()
        return True if status == 200 else None
    except (OSError, http.client.HTTPException):
        return None


class Run:
    def __init__(self, file_system, seed, work, evidence, lie=None, log=None):
        self.file_system, self.seed, self.work, self.evidence, self.lie, self.log = file_system, seed, work, evidence, lie, log
        self.stack = contextlib.ExitStack()
        self.next, self.lives = 0, []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.work, ignore_errors=True)
            self.work.mkdir(parents=True)
            self.acknowledged = oracle.Book(self.evidence / "acknowledged")
            stack.callback(self.acknowledged.close)
            self.received = oracle.Book(self.evidence / "received")
            stack.callback(self.received.close)
            self.sink = oracle.Sink(self.seed, self.received)
            stack.callback(self.sink.close)
            guests.make_file_system(self.file_system, self.work / "disk.img")
            guests.make_initramfs(self.work / "initramfs", self.sink.port)
            self.application = guests.make_application(self.work / "application.img", self.work, self.lie == "build")
            log = edged_disk.WriteLog(self.log) if self.log else None
            units = edged_disk.UNITS[self.file_system]
            self.disk = edged_disk.Disk(self.work / "disk.img", log, lies=self.lie == "disk", units=units)
            stack.callback(self.disk.close)
            # A path of a Unix socket has at most 108 bytes.
            self.socket = pathlib.Path(f"/tmp/edged-powercut-{os.getpid()}-{self.file_system}")
            self.server = edged_disk.Server(self.disk, self.socket)
            stack.callback(self.server.close)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.stack.close()

    @contextlib.contextmanager
    def power(self, snapshot_only=False):
        """A guest that has mounted the disk, and is off when this ends, however it ends."""
        guest = self.power_on(snapshot_only)
        try:
            yield guest
        finally:
            self.power_off(guest)

    def power_on(self, snapshot_only):
        preload = "/app/libeatmydata.so" if self.lie == "eatmydata" else None
        for left in reversed(range(POWER_ONS)):
            with open(self.work / "snapshot.tar", "wb") as file:
                file.truncate(guests.SNAPSHOT_BYTES)
            guest = guests.Guest(self.work, self.socket, self.file_system, self.evidence / "console.log", preload, snapshot_only)
            writes = self.disk.counts["writes"]
            try:
                guest.await_word("mounted", BOOT_SECONDS)
                return guest
            except BaseException as problem:
                self.power_off(guest)
                # An emulated kernel that does not come up says nothing about a disk that it has not written to.
                if not left or not isinstance(problem, guests.Stuck) or "failed" in str(problem) or self.disk.counts["writes"] != writes:
                    raise
                print(f"    powered on again: {problem}", flush=True)

    def power_off(self, guest):
        guest.cut()
        self.server.await_idle(120)

    def judge(self, life):
        """What the guest showed, against what was known when the life before ended."""
        with unpacked(self.work / "snapshot.tar", self.work / "found") as state:
            return oracle.judge(state, self.seed, self.acknowledged.until(life), self.received.until(life), self.next)

    def found(self, guest, life):
        if life:
            return self.judge(life - 1)
        return {"problems": []}

    def life(self, number):
        """Boots, judges what the cut before left, sends, and cuts. Returns what happened."""
        moment, started = plan(self.seed, number), time.monotonic()
        about = {"life": number, "plan": moment, "problems": []}
        self.sink.life, self.sink.open = number, moment["destination"]
        acknowledged = 0
        try:
            with self.power() as guest:
                guest.await_word("snapshot found", BOOT_SECONDS)
                about["booted_seconds"] = round(time.monotonic() - started, 1)
                about["found"] = self.found(guest, number)
                about["problems"] += about["found"]["problems"]
                guest.await_word("started", 30)
                if moment["while"] == "starting":
                    time.sleep(moment["starting_seconds"])
                    if moment["with_unforced"]:
                        self.disk.await_unforced(2)
                else:
                    guests.await_http(lambda: ready(guest.admin), READY_SECONDS, guest)
                    about["ready_seconds"] = round(time.monotonic() - started, 1)
                    alive = lambda: guest.process.poll() is None  # noqa: E731
                    client = oracle.Client(
                        self.seed, self.acknowledged, guest.receiver, self.next, number, position=self.disk.entries
                    )
                    try:
                        if not client.await_acknowledged(moment["acknowledged"], LOAD_SECONDS, alive):
                            raise guests.Stuck(f"{client.acknowledged} acknowledged of {moment['acknowledged']}: {client.refused}")
                        time.sleep(moment["delay_seconds"])
                        if moment["with_unforced"]:
                            self.disk.await_unforced(2)
                    finally:
                        guest.cut()
                        self.next = client.stop()
                        acknowledged = client.acknowledged
        except guests.Stuck as problem:
            about["problems"].append(str(problem))
        about["acknowledged"] = acknowledged
        about["cut"] = self.disk.cut(random.Random(f"{self.seed} {number} cut"))
        about["seconds"] = round(time.monotonic() - started, 1)
        self.lives.append(about)
        return about

    def last(self, number):
        """Boots once more: all that is left has to arrive, and the daemon stops cleanly."""
        about, started = {"life": number, "plan": {"while": "never"}, "problems": []}, time.monotonic()
        self.sink.life, self.sink.open = number, True
        try:
            with self.power() as guest:
                guest.await_word("snapshot found", BOOT_SECONDS)
                about["found"] = self.found(guest, number)
                about["problems"] += about["found"]["problems"]
                guests.await_http(lambda: ready(guest.admin), READY_SECONDS, guest)
                wanted, deadline = self.acknowledged.until(number), time.monotonic() + LOAD_SECONDS
                while wanted - self.sink.received and time.monotonic() < deadline:
                    time.sleep(0.1)
                if missing := wanted - self.sink.received:
                    about["problems"].append(f"{len(missing)} acknowledged records were not delivered")
                guest.stop_daemon()
                ended = guest.await_word("daemon ended", STOP_SECONDS)
                if ended != "daemon ended 0":
                    about["problems"].append(ended)
                guest.await_word("snapshot left", 30)
                about["left"] = self.judge(number)
                about["problems"] += about["left"]["problems"]
                guest.await_word("unmounted", 30)
                guest.await_off(20)
        except guests.Stuck as problem:
            about["problems"].append(str(problem))
        about["problems"] += self.sink.problems
        about["seconds"] = round(time.monotonic() - started, 1)
        self.lives.append(about)
        return about


@contextlib.contextmanager
def unpacked(archive, into):
    """The state directory in a snapshot."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    try:
        with contextlib.suppress(tarfile.ReadError), tarfile.open(archive, "r:") as tar:
            tar.extractall(into, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(into)
        yield into / "edged"
    finally:
        shutil.rmtree(into, ignore_errors=True)


def keep_disk(run, life, evidence):
    place = evidence / f"cut-{life:04}"
    place.mkdir()
    guests.run("cp", "--sparse=always", run.work / "disk.img", place / "disk.img")
    about = {"life": life, "seed": run.seed, "file_system": run.file_system, "offered": run.next}
    (place / "about.json").write_text(json.dumps(about) + "\n")


def show(about):
    words = [f"life {about['life']:3}", f"{about['seconds']:6.1f} s", f"{about.get('acknowledged', 0):4} acknowledged"]
    if found := about.get("found", {}).get("records"):
        words.append(f"{found} found")
    if cut := about.get("cut"):
        words.append(f"cut while {about['plan']['while']}: {cut['policy']}, {cut['kept_sectors']} of {cut['unforced_sectors']} sectors kept")
    print("    " + ", ".join(words + [f"PROBLEM {problem}" for problem in about["problems"]]), flush=True)


def cut_power(file_system, options):
    started = time.monotonic()
    evidence, result = edged_evidence.begin("powercut", file_system, options)
    result |= {"cuts": options.cuts, "lives": []}
    try:
        result["kernel"] = guests.kernel().name
        emulator = guests.program("qemu-system-x86_64", "qemu-system-x86")
        result["emulator"] = guests.run(emulator, "--version").splitlines()[0]
        work = pathlib.Path(options.work) / f"{file_system}-{os.getpid()}"
        with Run(file_system, options.seed, work, evidence, options.lie, options.log) as run:
            result["application"], result["lives"] = run.application, run.lives
            for life in range(options.cuts):
                about = run.life(life)
                show(about)
                if options.keep or about["problems"]:
                    keep_disk(run, life, evidence)
                if about["problems"]:
                    break
            else:
                show(run.last(options.cuts))
            result["records"] = {
                "offered": run.next, "acknowledged": len(run.acknowledged.lines), "delivered": len(run.sink.received),
                "disk": run.disk.counts,
            }  # fmt: skip
        result["problems"] = [problem for life in result["lives"] for problem in life["problems"]]
        result["state"] = "FAIL" if result["problems"] else "PASS"
        words = f"{len(result['lives'])} lives, {result['records']['acknowledged']} acknowledged"
    except guests.Skip as why:
        result |= {"state": "SKIP", "reason": str(why), "problems": []}
        words = str(why)
    result["seconds"] = round(time.monotonic() - started, 1)
    return edged_evidence.finish(evidence, result, f"{words}, {result['seconds']} s")


def reports_loss(result):
    """Whether acknowledged records were missed, one by one or with the whole file system; a guest that is slow is no proof."""
    one_by_one = any(life.get("found", {}).get("lost", 0) + life.get("left", {}).get("lost", 0) for life in result["lives"])
    whole = any(NOT_MOUNTED in problem for problem in result["problems"]) and result["records"]["acknowledged"] > 0
    return one_by_one or whole


def verify(directory, options):
    """Judges kept disks again, each in a guest that only shows it."""
    directory, bad = pathlib.Path(directory).resolve(), 0
    places = sorted(path.parent for path in directory.glob("**/cut-*/about.json"))
    if not places:
        print(f"no kept disk under {directory}; --keep keeps them")
        return 2
    for place in places:
        about = json.loads((place / "about.json").read_text())
        work = pathlib.Path(options.work) / f"verify-{os.getpid()}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            for name in ("acknowledged", "received"):
                shutil.copy(place.parent / name, work / name)
            with Run(about["file_system"], about["seed"], work / "run", work) as run:
                run.next = about["offered"]
                guests.run("cp", "--sparse=always", place / "disk.img", run.work / "disk.img")
                with run.power(snapshot_only=True) as guest:
                    guest.await_word("snapshot found", BOOT_SECONDS)
                    found = run.judge(about["life"])
        except guests.Stuck as problem:
            found = {"problems": [str(problem)]}
        finally:
            shutil.rmtree(work, ignore_errors=True)
        bad += bool(found["problems"])
        print(f"{'FAIL' if found['problems'] else 'PASS'}  {place.name}  {'; '.join(found['problems']) or found['records']}", flush=True)
    return 1 if bad else 0


def main(arguments=None):
    parser = edged_evidence.arguments("powercut", __doc__)
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--log", help="writes down what the disk was told, for edged_replay.py")
    parser.add_argument("--lie", choices=LIES)
    parser.add_argument("--must-lose", action="store_true", help="exit status 0 if, and only if, a loss is reported")
    parser.add_argument("--keep", action="store_true", help="keeps the disk of each cut in the evidence")
    parser.add_argument("--verify", metavar="DIR", help="judges kept disks again")
    options = parser.parse_args(arguments)
    try:
        if options.verify:
            return verify(options.verify, options)
    except guests.Skip as why:
        print(f"SKIP  {why}")
        return 0
    results = [cut_power(file_system, options) for file_system in options.fs or matrix.FILE_SYSTEMS]
    if options.must_lose:
        return 0 if all(result["state"] == "SKIP" or reports_loss(result) for result in results) else 1
    return 1 if any(result["state"] == "FAIL" for result in results) else 0


if __name__ == "__main__":
    guests.end_in_order()
    sys.exit(main())
