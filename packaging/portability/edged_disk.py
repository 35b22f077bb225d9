"""A disk that forgets: a network block device with a volatile write cache, a log of what it was told, and faults.

What was written and not flushed is lost or kept at a power cut, in pieces, in any order, as a seed decides. A disk that
lies answers a flush and does nothing; it is what shows that a check can fail.
"""

import errno
import os
import socket
import struct
import threading
import time

SECTOR = 512
# Of the protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
NBDMAGIC, IHAVEOPT, OPTION_REPLY = 0x4E42444D41474943, 0x49484156454F5054, 0x3E889045565A9
REQUEST, REPLY = 0x25609513, 0x67446698
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
OPT_EXPORT_NAME, OPT_ABORT, OPT_INFO, OPT_GO = 1, 2, 6, 7
REP_ACK, REP_INFO, REP_UNSUPPORTED = 1, 3, 1 << 31 | 1
HAS_FLAGS, SEND_FLUSH, SEND_FUA = 1, 4, 8
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
FUA = 1

WRITTEN, WRITTEN_THROUGH, FLUSHED = 1, 2, 3
ENTRY = struct.Struct(">BQI")


class WriteLog:
    """What a disk was told, in order: writes with their bytes, and flushes."""

    def __init__(self, path):
        self.file, self.entries = open(path, "wb", buffering=1 << 20), 0

    def add(self, kind, offset=0, data=b""):
        self.file.write(ENTRY.pack(kind, offset, len(data)) + data)
        self.entries += 1

    def close(self):
        self.file.close()

    @staticmethod
    def read(path):
        """Entries as (kind, offset, bytes); one that is cut off at the end is left out."""
        with open(path, "rb") as file:
            while len(head := file.read(ENTRY.size)) == ENTRY.size:
                kind, offset, length = ENTRY.unpack(head)
                data = file.read(length)
                if len(data) < length:
                    return
                yield kind, offset, data


def pieces(offset, data, size):
    """The parts of a write that a device keeps or loses as a whole."""
    at = 0
    while at < len(data):
        end = min(len(data), (offset + at) // size * size + size - offset)
        yield offset + at, data[at:end]
        at = end


def kept(writes, random, policy, unit):
    """What of unforced writes [(offset, bytes, through)] is on the disk after a cut, in order, in pieces.

    policy is none, all, prefix (up to some write) or random (each piece with one half).
    """
    prefix = random.randint(0, len(writes)) if policy == "prefix" else len(writes)
    for number, (offset, data, through) in enumerate(writes):
        for piece in pieces(offset, data, unit):
            if through or (policy in ("all", "prefix") and number < prefix) or (policy == "random" and random.random() < 0.5):
                yield piece


# What a write is torn into. Whole sectors are all that a device promises to write at once, but xfs relies on more: it does not
# replay a block whose head is new already, so one that was torn behind its head stays so and the disk cannot be mounted.
UNITS = {"ext4": (SECTOR, 4096), "xfs": (4096,)}


def choose_cut(random, units):
    """A policy and a unit."""
    policy = random.choices(("random", "none", "prefix", "all"), (6, 2, 1, 1))[0]
    return policy, random.choice(units)


class Disk:
    """The file at `path`; one connection at a time. Its faults may be set at any time."""

    def __init__(self, path, log=None, lies=False, units=UNITS["ext4"]):
        self.units = units
        self.file = os.open(path, os.O_RDWR)
        self.size = os.fstat(self.file).st_size
        self.log, self.lies = log, lies
        self.unforced = []  # (offset, bytes before, bytes, through)
        self.counts = {"reads": 0, "writes": 0, "flushes": 0}
        self.write_error = self.flush_error = self.read_error = 0
        self.delay_seconds = 0.0
        self.flips = []  # (offset of a byte, mask): what reads return wrongly
        self.unreadable = []  # offsets of bytes whose sector gives an error
        self.runs = threading.Event()
        self.runs.set()

    def entries(self):
        return self.log.entries if self.log else 0

    def read(self, offset, length):
        self.counts["reads"] += 1
        if self.read_error or any(offset <= at < offset + length for at in self.unreadable):
            raise OSError(self.read_error or errno.EIO, "as told")
        data = os.pread(self.file, length, offset)
        for at, mask in self.flips:
            if offset <= at < offset + length:
                changed = bytearray(data)
                changed[at - offset] ^= mask
                data = bytes(changed)
        return data

    def write(self, offset, data, through):
        self.counts["writes"] += 1
        if self.write_error:
            raise OSError(self.write_error, "as told")
        self.unforced.append((offset, os.pread(self.file, len(data), offset), data, through and not self.lies))
        os.pwrite(self.file, data, offset)
        if self.log:
            self.log.add(WRITTEN_THROUGH if through else WRITTEN, offset, data)

    def flush(self):
        self.counts["flushes"] += 1
        if self.flush_error:
            raise OSError(self.flush_error, "as told")
        if self.log:
            self.log.add(FLUSHED)
        if not self.lies:
            self.unforced.clear()

    def trouble(self):
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        self.runs.wait()

    def await_unforced(self, seconds):
        """Returns once something is written and not flushed, or after some seconds."""
        deadline = time.monotonic() + seconds
        while not self.unforced and time.monotonic() < deadline:
            time.sleep(0.0002)

    def cut(self, random):
        """Takes the power away: of what was not forced a part is lost. Returns what happened."""
        policy, unit = choose_cut(random, self.units)
        sectors = sum(len(data) for _, _, data, _ in self.unforced) // SECTOR
        for offset, before, _, _ in reversed(self.unforced):
            os.pwrite(self.file, before, offset)
        stayed = 0
        for offset, data in kept([(offset, data, through) for offset, _, data, through in self.unforced], random, policy, unit):
            os.pwrite(self.file, data, offset)
            stayed += len(data) // SECTOR
        self.unforced.clear()
        return {"policy": policy, "unit": unit, "unforced_sectors": sectors, "kept_sectors": stayed}

    def close(self):
        os.close(self.file)
        if self.log:
            self.log.close()


class Server:
    """Serves a disk on a Unix socket until closed, to one client at a time."""

    def __init__(self, disk, path):
        self.disk, self.path, self.client, self.error = disk, str(path), None, None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(4)
        self.idle = threading.Condition()
        self.busy = self.closed = False
        self.thread = threading.Thread(target=self._run, name="disk", daemon=True)
        self.thread.start()

    def _run(self):
        while not self.closed:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.idle:
                self.client, self.busy = client, True
            try:
                self._serve(client)
            except (OSError, EOFError, struct.error):
                pass  # The client is gone; what it was told stands.
            except Exception as problem:  # noqa: BLE001  (a bug here must not look like a disk that lost data)
                self.error = problem
            finally:
                with self.idle:
                    client.close()
                    self.client, self.busy = None, False
                    self.idle.notify_all()

    def _exactly(self, client, length):
        data = bytearray(length)
        view, at = memoryview(data), 0
        while at < length:
            got = client.recv_into(view[at:])
            if got == 0:
                raise EOFError
            at += got
        return bytes(data)

    def _serve(self, client):
        client.sendall(struct.pack(">QQH", NBDMAGIC, IHAVEOPT, FIXED_NEWSTYLE | NO_ZEROES))
        no_zeroes = struct.unpack(">I", self._exactly(client, 4))[0] & NO_ZEROES
        flags = HAS_FLAGS | SEND_FLUSH | SEND_FUA
        while True:
            _, option, length = struct.unpack(">QII", self._exactly(client, 16))
            self._exactly(client, length)

            def answer(kind, data=b"", option=option):
                client.sendall(struct.pack(">QIII", OPTION_REPLY, option, kind, len(data)) + data)

            if option == OPT_EXPORT_NAME:
                client.sendall(struct.pack(">QH", self.disk.size, flags) + (b"" if no_zeroes else bytes(124)))
                break
            if option in (OPT_GO, OPT_INFO):
                answer(REP_INFO, struct.pack(">HQH", 0, self.disk.size, flags))
                answer(REP_ACK)
                if option == OPT_GO:
                    break
            elif option == OPT_ABORT:
                answer(REP_ACK)
                return
            else:
                answer(REP_UNSUPPORTED)
        while self._request(client):
            pass

    def _request(self, client):
        magic, flags, kind, cookie, offset, length = struct.unpack(">IHHQQI", self._exactly(client, 28))
        if magic != REQUEST or kind == DISCONNECT:
            return False
        data, answer, error = b"", b"", 0
        if kind == WRITE:
            data = self._exactly(client, length)
        self.disk.trouble()
        try:
            if kind == READ:
                answer = self.disk.read(offset, length)
            elif kind == WRITE:
                self.disk.write(offset, data, flags & FUA)
            elif kind == FLUSH:
                self.disk.flush()
            else:
                error = errno.EINVAL
        except OSError as problem:
            error = problem.errno
        client.sendall(struct.pack(">IIQ", REPLY, error, cookie) + (b"" if error else answer))
        return True

    def await_idle(self, seconds):
        """Returns once no client is connected and all that it asked for is done."""
        with self.idle:
            if not self.idle.wait_for(lambda: not self.busy, seconds):
                raise TimeoutError("the disk's client is still connected")
        if self.error:
            raise self.error

    def close(self):
        self.closed = True
        self.disk.runs.set()
        # A thread that waits in accept is woken by a shutdown, not by a close.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.idle:
            if self.client:
                try:
                    self.client.shutdown(socket.SHUT_RDWR)
                except OSError as problem:
                    if problem.errno != errno.ENOTCONN:  # It went away a moment ago by itself.
                        raise
        self.thread.join(10)
        os.unlink(self.path)
