"""What a harness outside of the daemon knows: numbered records, who acknowledged them, who has them; and the judgement."""

import http.client
import http.server
import os
import pathlib
import random
import re
import struct
import threading
import time

import wal_verify

FORM = re.compile(rb"numbered (\d+) (\d{9}) ")
SIZES = (20, 200, 2_000, 6_000, 16_000)


def text(seed, number):
    """The text of a record; the same for a seed and a number, wherever it is asked for."""
    chance = random.Random(f"{seed} {number}")
    size = chance.randint(0, chance.choice(SIZES))
    return b"numbered %d %09d " % (seed, number) + chance.randbytes(size).hex().encode()[:size] + b" end"


def _field(number, data):
    length, size = len(data), b""
    while length >= 0x80:
        size += bytes((length & 0x7F | 0x80,))
        length >>= 7
    return bytes((number << 3 | 2,)) + size + bytes((length,)) + data


def request(seed, number):
    """An OTLP request with one log record, in protobuf."""
    record = struct.pack("<BQ", 1 << 3 | 1, time.time_ns()) + _field(5, _field(1, text(seed, number)))
    return _field(1, _field(2, _field(2, record)))


def numbers(seed, data, problems, where):
    """The records in some bytes. What looks like one and is not whole is a problem."""
    found = []
    for match in FORM.finditer(data):
        number = int(match[2])
        whole = text(seed, number) if int(match[1]) == seed else b""
        if data[match.start() : match.start() + len(whole)] != whole or not whole:
            problems.append(f"{where}: record {number} of seed {int(match[1])} is not as it was sent")
        else:
            found.append(number)
    return found


class Book:
    """Numbers on paper: each line is forced before whoever reported it goes on."""

    def __init__(self, path):
        self.file, self.lock = open(path, "a+"), threading.Lock()  # noqa: SIM115  (closed by its owner)
        self.file.seek(0)
        self.lines = [tuple(map(int, line.split())) for line in self.file]

    def add(self, *values):
        with self.lock:
            self.file.write(" ".join(map(str, values)) + "\n")
            self.file.flush()
            os.fdatasync(self.file.fileno())
            self.lines.append(values)

    def until(self, life):
        """Numbers that were written down in a life or before."""
        with self.lock:
            return {number for number, of, *_ in self.lines if of <= life}

    def close(self):
        self.file.close()


class Client:
    """Sends numbered records, several at a time, and writes down each acknowledgement."""

    def __init__(self, seed, book, port, first, life, threads=3, position=lambda: 0):
        self.seed, self.book, self.port, self.life, self.position = seed, book, port, life, position
        self.next, self.lock, self.stopping = first, threading.Lock(), threading.Event()
        self.acknowledged, self.refused, self.changed = 0, {}, threading.Condition()
        self.threads = [threading.Thread(target=self._send, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        connection = None
        while not self.stopping.is_set():
            with self.lock:
                number, self.next = self.next, self.next + 1
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                headers = {"Content-Type": "application/x-protobuf"}
                connection.request("POST", "/v1/logs", request(self.seed, number), headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException) as problem:
                connection, status = None, type(problem).__name__
            if status == 200:
                self.book.add(number, self.life, self.position())
            with self.changed:
                if status == 200:
                    self.acknowledged += 1
                else:
                    self.refused[status] = self.refused.get(status, 0) + 1
                self.changed.notify_all()
            if status != 200:
                self.stopping.wait(0.05)

    def await_acknowledged(self, count, seconds, alive=lambda: True):
        deadline = time.monotonic() + seconds
        with self.changed:
            while self.acknowledged < count and alive():
                if not self.changed.wait(0.2) and time.monotonic() > deadline:
                    return False
        return self.acknowledged >= count

    def stop(self):
        """Returns the number behind the last one offered."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        return self.next


class Sink:
    """An OTLP destination on this machine, which answers 503 unless it is open, and writes down what it took."""

    def __init__(self, seed, book, position=lambda: 0):
        self.seed, self.book, self.open, self.life, self.problems = seed, book, False, 0, []
        self.position = position
        self.received = {line[0] for line in book.lines}
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if sink.open:
                    sink.take(body)
                self.send_response(200 if sink.open else 503)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # A client that lost its power.

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, body):
        for number in numbers(self.seed, body, self.problems, "the sink"):
            if number not in self.received:
                self.received.add(number)
                self.book.add(number, self.life, self.position())

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def read_log(state, seed):
    """Reads a state directory with the second reader: its result, the numbers in committed frames, the problems."""
    wal, problems, found = pathlib.Path(state) / "wal", [], []
    if not wal.is_dir():
        return None, found, problems
    files = {}

    def frame(line):
        if line["state"] != "committed":
            return
        name = line["file"]
        if name not in files:
            files[name] = (wal / name).read_bytes()
        data = files[name][line["offset"] : line["offset"] + line["bytes"]]
        got = numbers(seed, data, problems, f"seq {line['seq']}")
        if len(got) != 1 and line["kind"] == "batch":
            problems.append(f"seq {line['seq']} holds {len(got)} records")
        found.extend(got)

    result = wal_verify.verify(str(wal), None, True, frame)
    problems += [f"the second reader: {item['code']} {item['detail']}" for item in result["violations"][:5]]
    if result["quarantine"]:
        problems.append(f"a crash was taken for damage: {result['quarantine']}")
    return result, found, problems


def judge(state, seed, acknowledged, received, offered):
    """What is wrong with a state directory. acknowledged and received are sets of numbers, offered the first unused one."""
    try:
        result, found, problems = read_log(state, seed)
    except (OSError, ValueError) as problem:
        return {"problems": [f"the log cannot be read: {problem}"], "lost": len(acknowledged - received)}
    there = set(found)
    lost = sorted(acknowledged - there - received)
    if lost:
        problems.append(f"{len(lost)} acknowledged records are lost, among them {', '.join(map(str, lost[:5]))}")
    if len(there) != len(found):
        problems.append(f"{len(found) - len(there)} records are there twice")
    if invented := sorted(number for number in there if number >= offered):
        problems.append(f"records that nobody sent: {', '.join(map(str, invented[:5]))}")
    return {
        "problems": problems, "lost": len(lost), "records": len(found), "frames": result["frames"] if result else 0,
        "segments": len(result["segments"]) if result else 0, "torn": bool(result and result["torn"]),
    }  # fmt: skip
