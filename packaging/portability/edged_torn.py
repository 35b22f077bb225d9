#!/usr/bin/env python3
"""What a file system itself makes of torn writes: no daemon, names that come and go, states of its disk, and whether they mount.

usage: edged_torn.py [--fs ext4|xfs]... [--states N] [--seed N]

The models of the disks in the other harnesses tear writes into pieces; a piece that a file system does not survive by itself
says nothing about edged. Needs root, loop devices and FUSE. Prints a line for each file system and size of the pieces.
"""

import argparse
import collections
import os
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import edged_disk  # noqa: E402  (beside this file)
import edged_guest as guests  # noqa: E402
import edged_host as host  # noqa: E402
import edged_matrix as matrix  # noqa: E402
import edged_replay as replay  # noqa: E402


def record(file_system, work):
    """Names come and go, and a freeze writes what the file system knows of them in place. Returns the entries in use."""
    guests.make_file_system(file_system, work / "base.img")
    guests.run("cp", "--sparse=always", work / "base.img", work / "disk.img")
    disk = edged_disk.Disk(work / "disk.img", edged_disk.WriteLog(work / "writes"))
    with host.Mounted(disk, file_system, work) as mounted:
        begin, names = disk.entries(), mounted.mount_point / "names"
        names.mkdir()
        for number in range(400):
            with open(names / f"{number:04d}", "wb") as file:
                file.write(b"x" * 100)
                file.flush()
                os.fsync(file.fileno())
            if number % 3 == 0 and number > 6:
                (names / f"{number - 5:04d}").unlink(missing_ok=True)
            if number % 5 == 0:
                for way in ("-f", "-u"):
                    guests.run("fsfreeze", way, mounted.mount_point)
        end = disk.entries()
        disk.log.file.flush()
    disk.close()
    return begin, list(edged_disk.WriteLog.read(work / "writes"))[:end]


def states(file_system, work, begin, entries, unit, options):
    """How many states of pieces of that size were mounted, and how many were not."""
    guests.run("cp", "--sparse=always", work / "base.img", work / "play.img")
    base, chance, seen = replay.Base(work / "play.img", entries, False), random.Random(options.seed), collections.Counter()
    (work / "state").mkdir(exist_ok=True)
    for cut in sorted(chance.randint(begin, len(entries)) for _ in range(options.states)):
        base.advance(cut)
        replay.make_state(base, work / "state.img", chance, "random", unit)
        try:
            replay.mount_state(file_system, work / "state.img", work / "state")
            seen["mounted"] += 1
        except OSError:
            seen["not mounted"] += 1
        host.unmount(work / "state")
    base.close()
    return f"{seen['mounted']} mounted, {seen['not mounted']} not"


def main():
    parser = argparse.ArgumentParser(prog="edged_torn.py", description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--fs", action="append", choices=matrix.FILE_SYSTEMS)
    parser.add_argument("--states", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        host.needs_root()
        for file_system in options.fs or matrix.FILE_SYSTEMS:
            with tempfile.TemporaryDirectory() as work:
                begin, entries = record(file_system, pathlib.Path(work))
                for unit in (edged_disk.SECTOR, 4096):
                    print(f"{file_system}, pieces of {unit}: {states(file_system, pathlib.Path(work), begin, entries, unit, options)}", flush=True)
    except guests.Skip as why:
        print(f"SKIP  {why}")
    return 0


if __name__ == "__main__":
    guests.end_in_order()
    host.own_mounts()
    sys.exit(main())
