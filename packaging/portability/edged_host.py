"""A daemon of this machine on a disk that can forget and fail: edged_disk behind FUSE and a loop device. Needs root."""

import contextlib
import ctypes
import http.client
import os
import pathlib
import signal
import subprocess
import time

import edged_disk
import edged_guest as guests


def needs_root():
    if os.geteuid() != 0:
        raise guests.Skip("mounting a file system needs root")


def own_mounts():
    """Gives this process and its children a table of mounts of their own. To be called before there are threads.

    Whoever makes a network or mount namespace meanwhile would get a copy of our mounts, and a file system that somebody still
    has is not unmounted: mounting the next state then shows the one before. They also end with us, however we end.
    """
    newns, recursive_private = 0x00020000, 1 << 14 | 1 << 18
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and (libc.unshare(newns) or libc.mount(None, b"/", None, recursive_private, None)):
        raise OSError(ctypes.get_errno(), "no mounts of our own")


def is_mounted(directory):
    """As the kernel has it: a directory of a file system that has shut itself down cannot even be looked at."""
    with open("/proc/self/mounts") as mounts:
        return any(line.split()[1] == str(directory) for line in mounts)


def unmount(directory, seconds=20):
    """Waits for files that are about to be closed; in the end lets go of the file system as it is."""
    deadline = time.monotonic() + seconds
    while is_mounted(directory):
        done = subprocess.run(["umount", str(directory)], capture_output=True, check=False)
        if done.returncode and time.monotonic() > deadline:
            subprocess.run(["umount", "-l", str(directory)], capture_output=True, check=False)
            return
        time.sleep(0.05 if done.returncode else 0)


class Mounted:
    """A file system of the disk, for as long as it is open. Everything is taken down again, whatever happened."""

    def __init__(self, disk, file_system, work):
        self.disk, self.file_system, self.work = disk, file_system, work
        self.mount_point, self.export = work / "mount", work / "export"
        self.device = None

    def __enter__(self):
        needs_root()
        nbdfuse = guests.program("nbdfuse", "libnbd-bin")
        guests.program("fusermount3", "fuse3")
        with contextlib.ExitStack() as stack:
            socket = pathlib.Path(f"/tmp/edged-disk-{os.getpid()}-{id(self) & 0xFFFF:04x}")
            server = edged_disk.Server(self.disk, socket)
            stack.callback(server.close)
            self.export.touch()
            self.mount_point.mkdir(exist_ok=True)
            process = subprocess.Popen(
                [nbdfuse, str(self.export), "--unix", str(socket)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(self._end, process)
            deadline = time.monotonic() + 20
            while self.export.stat().st_size == 0:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise guests.Skip("nbdfuse cannot export a disk here; does /dev/fuse exist?")
                time.sleep(0.02)
            self.mount()
            stack.callback(self.unmount)
            self.stack = stack.pop_all()
        return self

    def mount(self):
        """Attaches the device anew, for FUSE has a cache of its own, which it drops when the file is opened."""
        try:
            self.device = guests.run("losetup", "-f", "--show", self.export).strip()
        except OSError as problem:
            raise guests.Skip(f"no loop device: {problem}") from problem
        try:
            guests.run("mount", "-t", self.file_system, self.device, self.mount_point)
        except OSError:
            self._detach()
            raise

    def unmount(self):
        """What a machine that goes on can do; a file system that is gone for good is let go of."""
        unmount(self.mount_point)
        self._detach()

    def _detach(self):
        if self.device:
            subprocess.run(["losetup", "-d", self.device], capture_output=True, check=False)
            self.device = None

    def remount(self):
        """What a power cycle does to the page cache: nothing is shown any more that is not on the disk."""
        self.unmount()
        self.mount()

    def _end(self, process):
        subprocess.run(["fusermount3", "-u", "-z", str(self.export)], capture_output=True, check=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait(10)

    def __exit__(self, *_):
        self.disk.write_error = self.disk.flush_error = self.disk.read_error = 0
        self.disk.delay_seconds = 0
        self.disk.runs.set()
        self.stack.close()


class Daemon:
    """A daemon of this machine; it is gone when this is closed."""

    def __init__(self, work, state, sink, corruption="quarantine", preload=None, open_files=None):
        edged = guests.TARGET / "edged/bin/edged"
        if not edged.exists():
            raise guests.Skip("no daemon: make build")
        self.receiver, self.admin, self.log = guests.free_port(), guests.free_port(), work / "daemon.log"
        toml = work / "edge.toml"
        toml.write_text(
            guests.configuration(state, f"127.0.0.1:{self.receiver}", f"127.0.0.1:{self.admin}", f"127.0.0.1:{sink.port}", corruption)
        )
        toml.chmod(0o600)
        environment = os.environ | {"EDGED_JAVA": str(guests.java_home() / "bin/java"), "EDGED_OPTS": "-XX:TieredStopAtLevel=1"}
        if preload:
            environment["LD_PRELOAD"] = preload
        limit = [guests.program("prlimit", "util-linux"), f"--nofile={open_files}"] if open_files else []
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [*limit, str(edged), "run", "--config", str(toml)], stdout=out, stderr=out, env=environment, start_new_session=True
            )

    def lines(self):
        return self.log.read_text(errors="replace").splitlines()

    def get(self, path, seconds=5):
        """The status of a request to the admin port; None without an answer."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=seconds)
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status
        except (OSError, http.client.HTTPException):
            return None

    def alive(self):
        return self.process.poll() is None

    def await_status(self, path, status, seconds=60):
        deadline = time.monotonic() + seconds
        while self.get(path) != status:
            if not self.alive() or time.monotonic() > deadline:
                last = "; ".join(self.lines()[-3:])
                raise guests.Stuck(f"{path} never was {status}; the daemon said last: {last}")
            time.sleep(0.05)

    def await_ready(self, seconds=60):
        self.await_status("/readyz", 200, seconds)

    def await_exit(self, seconds=60):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as problem:
            raise guests.Stuck(f"the daemon did not end in {seconds} s") from problem

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.await_exit()

    def kill(self):
        if self.alive():
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
