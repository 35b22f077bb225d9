"""A virtual machine whose power can be cut: the pinned kernel, a busybox, the daemon on a disk of its own."""

import contextlib
import hashlib
import lzma
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / "packaging/target"
GUEST = TARGET / "guest"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
# xfs refuses less than 300 MiB.
DISK_BYTES = 320 << 20
SNAPSHOT_BYTES = 512 << 20
ADDRESS, GATEWAY = "10.0.2.15", "10.0.2.2"
RECEIVER, ADMIN = 4318, 9464
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4", "xfs")
# The emulator's compare-and-exchange of 16 bytes leaves wrong flags behind when an interrupt comes, and the kernel panics.
CPU = "max,cx16=off"
EATMYDATA = "usr/lib/x86_64-linux-gnu/libeatmydata.so.1"


class Skip(Exception):
    """Something that the run needs is not here."""


class Stuck(Exception):
    """The guest did not get where it had to in time, or went away by itself."""


def end_in_order():
    """Lets a SIGTERM take down what is up, as any other end does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def program(name, package):
    path = shutil.which(name, path=PATH)
    if path is None:
        raise Skip(f"{name} is missing: apt-get install {package}")
    return path


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise OSError(f"{words[0]}: {(done.stderr or done.stdout).strip()[:500]}")
    return done.stdout


def make_file_system(file_system, path, few_inodes=False):
    tool = program(f"mkfs.{file_system}", {"ext4": "e2fsprogs", "xfs": "xfsprogs"}[file_system])
    with open(path, "wb") as file:
        file.truncate(DISK_BYTES)
    force = {"ext4": "-F", "xfs": "-f"}[file_system]
    # ext4 would go on with its tables in the background, between the daemon's writes.
    more = ["-E", "lazy_itable_init=0,lazy_journal_init=0"] if file_system == "ext4" else []
    if few_inodes:
        more += {"ext4": ["-N", "128"], "xfs": ["-i", "maxpct=1"]}[file_system]
    run(tool, "-q", force, *more, path)


# ----------------------------------------------------------------------------------------------------------- what boots


def kernel():
    found = sorted((GUEST / "boot").glob("vmlinuz-*"))
    if not found:
        raise Skip("no kernel for the guest: make guest")
    return found[-1]


def modules(version):
    """The modules that the guest needs, in the order in which they are loaded."""
    base = GUEST / "usr/lib/modules" / version
    modprobe = program("modprobe", "kmod")
    if not (base / "modules.dep.bin").exists():
        link = GUEST / "lib"
        if not link.exists():
            link.symlink_to("usr/lib")
        run(program("depmod", "kmod"), "-b", GUEST, version)
    files = []
    for name in MODULES:
        done = subprocess.run(
            [modprobe, "-d", str(GUEST), "-S", version, "--show-depends", name], capture_output=True, text=True, check=False
        )
        for line in done.stdout.splitlines():  # Built in, or not of this kernel, is nothing to load.
            if line.startswith("insmod ") and (path := pathlib.Path(line.split()[1])) not in files:
                files.append(path)
    return files


def module_bytes(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


class Archive:
    """An initramfs, in the kernel's "newc" form."""

    def __init__(self):
        self.data, self.number = bytearray(), 0

    def add(self, name, mode, data=b""):
        self.number += 1
        fields = (self.number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        self.data += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)

    def directory(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def link(self, name, to):
        self.add(name, stat.S_IFLNK | 0o777, to.encode())

    def end(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev; mount -t tmpfs none /tmp
mkdir -p /dev/shm
for number in /modules/*; do insmod $number 2>/dev/null; done
word() { sed -n "s/.*edged\\.$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline; }
say() { echo "@GUEST $*"; }
off() { say off; poweroff -f; sleep 60; }
ifconfig lo 127.0.0.1 up; ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
mount -t ext4 -o ro /dev/vdb /app || { say failed: no application; off; }
mount -t $(word fs) /dev/vda /state || { say failed: the disk cannot be mounted; off; }
say mounted
snapshot() { # what is on the disk, as a tar on the third one
    dd if=/dev/zero of=/dev/vdc bs=4096 count=1 conv=fsync 2>/dev/null
    [ ! -d /state/edged ] || tar -c -C /state edged | dd of=/dev/vdc bs=65536 conv=fsync 2>/dev/null || { say failed: no snapshot; off; }
    say snapshot $1
}
snapshot found
[ "$(word snapshot)" != only ] || { umount /state; off; }
[ -z "$(word preload)" ] || echo "$(word preload)" >/etc/ld.so.preload
/app/start run --config /edge.toml >/dev/ttyS0 2>&1 &
daemon=$!
say started
read -r line # the host says stop
kill -TERM $daemon
wait $daemon
say daemon ended $?
snapshot left
umount /state && say unmounted
off
"""


def configuration(state, receiver, admin, sink, corruption="quarantine"):
    """Of a daemon with small segments, so that a run sees many of them."""
    return f"""node.id = "powercut"
storage = {{ dir = "{state}", reserve_bytes = 0, ceiling_bytes = "128 MiB" }}
receiver = {{ http = "{receiver}", allow_remote = true }}
admin = {{ listen = "{admin}", allow_remote = true, socket = "" }}
limits = {{ body_bytes = "1 MiB" }}
wal = {{ segment_bytes = "2 MiB", queue_bytes = "2 MiB", on_corruption = "{corruption}" }}

[[drain.destination]]
name = "host"
endpoint = "http://{sink}"
retry_initial = "100ms"
retry_max = "1s"
"""


def make_initramfs(path, sink_port):
    image = Archive()
    for name in ("bin", "proc", "sys", "dev", "tmp", "run", "etc", "app", "state", "modules", "var"):
        image.directory(name)
    image.add("dev/console", stat.S_IFCHR | 0o600)
    busybox = GUEST / "usr/bin/busybox"
    if not busybox.exists():
        raise Skip("no busybox for the guest: make guest")
    image.add("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes())
    version = kernel().name.removeprefix("vmlinuz-")
    for number, module in enumerate(modules(version)):
        image.add(f"modules/{number:02}-{module.name.split('.')[0]}", stat.S_IFREG | 0o644, module_bytes(module))
    image.add("init", stat.S_IFREG | 0o755, INIT.encode())
    toml = configuration("/state/edged", f"{ADDRESS}:{RECEIVER}", f"{ADDRESS}:{ADMIN}", f"{GATEWAY}:{sink_port}")
    image.add("edge.toml", stat.S_IFREG | 0o600, toml.encode())
    path.write_bytes(image.end())


def java_home():
    for home in (os.environ.get("JAVA_HOME", ""), *map(str, sorted(pathlib.Path("/usr/lib/jvm").glob("*")))):
        release = pathlib.Path(home) / "release"
        if home and (pathlib.Path(home) / "bin/jlink").exists() and release.exists():
            if (found := re.search(r'JAVA_VERSION="(\d+)', release.read_text())) and int(found[1]) >= 25:
                return pathlib.Path(home)
    raise Skip("neither an image of amd64 (make dist) nor a JDK 25 of this machine")


def runtime_of_this_machine(jdk):
    """A runtime from the machine's JDK with the C library that it runs on, for want of an image; made once."""
    made = TARGET / "powercut" / f"runtime-{jdk.name}"
    if made.exists():
        return made
    into = made.with_name(f"{made.name}-{os.getpid()}")
    into.mkdir(parents=True)
    run(jdk / "bin/jlink", "--add-modules", "java.se,jdk.unsupported,jdk.crypto.ec,jdk.zipfs,jdk.management",
        "--strip-debug", "--no-header-files", "--no-man-pages", "--output", into / "runtime")  # fmt: skip
    subprocess.run([into / "runtime/bin/java", "-Xshare:dump"], check=False, capture_output=True)
    (into / "sys").mkdir()
    libraries = set()
    for file in (into / "runtime/bin/java", *(into / "runtime/lib").rglob("*.so")):
        done = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False)
        libraries |= set(re.findall(r"(/\S*lib\S*\.so\S*) \(", done.stdout))
    for library in libraries:
        if not library.startswith(str(into)):
            shutil.copy(library, into / "sys")
    loader = next((into / "sys").glob("ld-linux*"))
    paths = "/app/sys:/app/runtime/lib:/app/runtime/lib/server"
    java = f'#!/bin/sh\nexec /app/sys/{loader.name} --argv0 java --library-path {paths} /app/runtime/bin/java "$@"\n'
    (into / "java").write_text(java)
    (into / "java").chmod(0o755)
    into.rename(made)
    return made


def jars(directory):
    """A digest of the jars in a directory, as release.sh has it."""
    lines = [f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in sorted(directory.glob("*.jar"))]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def take_forces_out(tree, work):
    """Makes the daemon in a directory one that never calls force: the mistake that the harnesses have to find."""
    source = ROOT / "telemetry/src/main/java/io/edged/disk/FileSystemDirectory.java"
    text, count = re.subn(r"channel\.force\((true|false)\);", "", source.read_text())
    if count != 2:
        raise OSError(f"{source.name} has {count} calls of force instead of 2; is it written otherwise now?")
    (work / "lie").mkdir()
    (work / "lie" / source.name).write_text(text)
    jar = next(tree.glob("lib/**/edged-telemetry-*.jar"))
    libraries = ":".join(map(str, jar.parent.glob("*.jar")))
    run(java_home() / "bin/javac", "-proc:none", "-nowarn", "-cp", libraries, "-d", work / "lie/classes", work / "lie" / source.name)
    patched = jar.with_suffix(".patched")
    with zipfile.ZipFile(jar) as old, zipfile.ZipFile(patched, "w") as new:
        for entry in old.infolist():
            path = work / "lie/classes" / entry.filename
            new.writestr(entry.filename, path.read_bytes() if path.is_file() else old.read(entry))
    patched.rename(jar)


def make_application(path, work, without_forces=False):
    """A disk with the daemon: the image of make dist, else the application with a runtime from the machine's JDK.

    Returns what was taken, for the evidence.
    """
    tree = work / "application"
    built, environment = jars(TARGET / "edged/lib"), ""
    images, made = sorted((TARGET / "dist").glob("edged-*-linux-amd64")), TARGET / "dist/made-amd64"
    # An image of an earlier build is no evidence about this one.
    if images and made.exists() and made.read_text().split()[-1] == built:
        shutil.copytree(images[-1], tree, symlinks=True)
        what = f"image {images[-1].name}"
    elif (TARGET / "edged/bin/edged").exists():
        shutil.copytree(TARGET / "edged", tree, symlinks=True)
        shutil.copytree(runtime_of_this_machine(java_home()), tree, symlinks=True, dirs_exist_ok=True)
        environment = 'EDGED_JAVA=/app/java EDGED_OPTS="-XX:TieredStopAtLevel=1 -Xshare:auto" '
        what = f"application with the runtime of {java_home().name}"
    else:
        raise Skip("no daemon: make build or make dist")
    if without_forces:
        take_forces_out(tree, work)
        what += " without forces"
    (tree / "start").write_text(f'#!/bin/sh\n{environment}exec /app/bin/edged "$@"\n')
    (tree / "start").chmod(0o755)
    shutil.copy(GUEST / EATMYDATA, tree / "libeatmydata.so")
    size = sum(item.lstat().st_size for item in tree.rglob("*"))
    with open(path, "wb") as file:
        file.truncate((size * 5 // 4 + (24 << 20)) // 4096 * 4096)
    run(program("mkfs.ext4", "e2fsprogs"), "-q", "-F", "-O", "^has_journal", "-m", "0", "-d", tree, path)
    shutil.rmtree(tree)
    return f"{what}, jars {built}"


# ---------------------------------------------------------------------------------------------------------- the machine


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guest:
    """One life of the machine, from power-on until it is off or its power is cut."""

    def __init__(self, work, socket_path, file_system, console, preload=None, snapshot_only=False):
        self.receiver, self.admin = free_port(), free_port()
        self.lines, self.said, self.ended = [], threading.Condition(), False
        # A kernel that is emulated on a busy machine finds that its timer does not work, and gives up.
        words = f"console=ttyS0 quiet panic=-1 no_timer_check edged.fs={file_system}"
        words += f" edged.preload={preload}" if preload else ""
        words += " edged.snapshot=only" if snapshot_only else ""
        forward = ",".join(
            f"hostfwd=tcp:127.0.0.1:{here}-{ADDRESS}:{there}" for here, there in ((self.receiver, RECEIVER), (self.admin, ADMIN))
        )
        drives = (
            (f"file=nbd+unix:///?socket={socket_path},format=raw,cache=writeback", ""),
            (f"file={work / 'application.img'},format=raw,readonly=on", ""),
            (f"file={work / 'snapshot.tar'},format=raw,cache=unsafe", ""),
        )
        command = [
            program("qemu-system-x86_64", "qemu-system-x86"), "-machine", "pc", "-accel", "tcg", "-cpu", CPU, "-smp", "1",
            "-m", "768", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", "-monitor", "none",
            "-kernel", kernel(), "-initrd", work / "initramfs", "-append", words,
            "-netdev", f"user,id=net,{forward}", "-device", "virtio-net-pci,netdev=net,romfile=",
        ]  # fmt: skip
        for number, (drive, _) in enumerate(drives):
            command += ["-drive", f"if=none,id=d{number},{drive}", "-device", f"virtio-blk-pci,drive=d{number}"]
        self.console = open(console, "ab")  # noqa: SIM115  (closed with the machine)
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.reader = threading.Thread(target=self._read, name="console", daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.console.write(line)
            self.console.flush()
            with self.said:
                self.lines.append(line.decode(errors="replace").rstrip())
                self.said.notify_all()
        with self.said:
            self.ended = True
            self.said.notify_all()

    def _find(self, word):
        # Firmware writes in front of the first line.
        found = [line.split("@GUEST ", 1)[1] for line in self.lines if "@GUEST " in line]
        for line in found:
            if line.startswith("failed"):
                raise Stuck(line)
        return next((line for line in found if line.startswith(word)), None)

    def await_word(self, word, seconds):
        """Waits until the guest says something that begins with the word; returns all of it."""
        with self.said:
            self.said.wait_for(lambda: self.ended or self._find(word) is not None, seconds)
            line = self._find(word)
            if line is None:
                last = "; ".join(self.lines[-3:])
                raise Stuck(f"the guest {'went away' if self.ended else f'did not in {seconds} s'}: {word}; it said last: {last}")
            return line

    def stop_daemon(self):
        self.process.stdin.write(b"stop\n")
        self.process.stdin.flush()

    def await_off(self, seconds):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.cut()

    def cut(self):
        """The power is gone; at once, whatever the machine does. Repeating it does nothing."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.reader.join(30)
        self.process.stdin.close()
        self.process.stdout.close()
        self.console.close()


def await_http(url_opener, seconds, guest):
    """Calls until it returns something true; ends early with the guest."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if guest.process.poll() is not None:
            raise Stuck("the guest went away before the daemon was ready")
        if (answer := url_opener()) is not None:
            return answer
        time.sleep(0.05)
    raise Stuck(f"the daemon was not ready in {seconds} s; it said last: {'; '.join(guest.lines[-3:])}")
