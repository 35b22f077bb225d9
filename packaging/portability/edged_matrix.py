#!/usr/bin/env python3
"""The portability matrix: three architectures by two file systems, four steps a cell.

usage: edged_matrix.py run [--native-only] [--arch A]... [--fs F]... [--iterations N] [--seed N]
                           [--images DIR] [--evidence DIR] [--strict]
       edged_matrix.py report [--evidence DIR] [--html]

A cell makes a file system of its own in a file, mounts it, and runs with the runtime image of the architecture (foreign
ones under qemu-user): the unit tests of the log and of the locks, the randomized crash harness, a known-good log of five
entries that wal_verify.py reads, and a check of atomic rename. One failed step fails the cell. A tool that is missing
makes it SKIP, with the reason, never PASS and never FAIL.

Evidence goes to DIR/ARCH/FS/run-N (evidence beside this program by default); `report` reads nothing else. Exit status of
run: 0 no cell failed, 1 one failed, or with --strict nothing ran, 2 usage.
"""

import argparse
import contextlib
import html
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import blake3  # noqa: E402  (beside this file)

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ARCHITECTURES = ("amd64", "arm64", "riscv64")
FILE_SYSTEMS = ("ext4", "xfs")
# A release needs these on evidence of its own commit; the others inform.
GATED = (("amd64", "ext4"), ("amd64", "xfs"), ("arm64", "ext4"))
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "riscv64": "riscv64"}
EMULATORS = {"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static", "riscv64": "qemu-riscv64-static"}
# QEMU's default model for arm64 authenticates pointers in software, three times slower.
CPU_MODELS = {"arm64": "cortex-a72"}
# xfs refuses less than 300 MiB.
VOLUME_BYTES = 512 << 20
PACKAGES = {"telemetry": ("io.edged.disk", "io.edged.wal", "io.edged.otlp", "io.edged.zstd"), "lock": ("io.edged.lock",)}
# They need devices and tools of the host, or start virtual machines of their own beside the image; the crash harness, which starts
# hundreds of the image's, is a step of its own.
NOT_IN_A_CELL = r".*\.(DiskFaultTest|FuzzTest|OfficialToolTest|CrashHarnessTest)"
STEPS = ("unit_test", "crash_harness", "known_good_log", "atomic_rename")
SLOWER_WHEN_EMULATED = 8


class Skip(Exception):
    """Something that the cell needs is not here."""


class Failed(Exception):
    """A step did not end as it must."""


def native():
    return MACHINES.get(platform.machine(), platform.machine())


def commit(changed=False):
    """The commit of this tree; marked if something was changed since, or by the caller."""

    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "HEAD") + ("-dirty" if changed or git("status", "--porcelain", "--untracked-files=no") else "")


class Image:
    """The runtime image of an architecture, and how a program is started with it."""

    def __init__(self, images, arch):
        found = sorted(path for path in pathlib.Path(images).glob(f"edged-*-linux-{arch}") if path.is_dir())
        if not found:
            raise Skip(f"no image of {arch} under {images}: make dist")
        self.arch, self.home = arch, found[-1].resolve()
        self.emulator = []
        if arch != native():
            path = shutil.which(EMULATORS[arch])
            if path is None:
                raise Skip(f"{EMULATORS[arch]} is missing: apt-get install qemu-user-static")
            self.emulator = [path]

    def java(self):
        runtime = self.home / "lib/runtime"
        libraries = ":".join(str(self.home / "lib" / part) for part in ("sys", "runtime/lib", "runtime/lib/server"))
        loader = [str(self.home / "lib/sys/edged"), "--argv0", "java", "--library-path", libraries]
        return [*self.emulator, *loader, str(runtime / "bin/java")]

    def environment(self):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        kept |= {"LOCPATH": str(self.home / "lib/locale"), "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
        if self.emulator and self.arch in CPU_MODELS:
            kept["QEMU_CPU"] = CPU_MODELS[self.arch]
        return kept

    def patience(self, seconds):
        return seconds * (SLOWER_WHEN_EMULATED if self.emulator else 1)

    def fingerprint(self):
        try:
            return json.loads((self.home / "edge.lock.json").read_text())["behavioral_fingerprint"]
        except (OSError, ValueError, KeyError):
            return "unknown"


class Volume:
    """A file system in a file, mounted for as long as the cell runs."""

    def __init__(self, file_system, work):
        self.file_system, self.image, self.mount = file_system, work / "volume", work / "mount"

    def __enter__(self):
        program = shutil.which(f"mkfs.{self.file_system}", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if program is None:
            package = {"ext4": "e2fsprogs", "xfs": "xfsprogs"}[self.file_system]
            raise Skip(f"mkfs.{self.file_system} is missing: apt-get install {package}")
        if os.geteuid() != 0:
            raise Skip("mounting a file system needs root")
        self.mount.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(VOLUME_BYTES)
        force = {"ext4": "-F", "xfs": "-f"}[self.file_system]
        subprocess.run([program, "-q", force, str(self.image)], check=True, capture_output=True)
        done = subprocess.run(["mount", "-o", "loop", self.image, self.mount], capture_output=True, text=True)
        if done.returncode:
            raise Skip(f"{self.file_system} cannot be mounted here: {done.stderr.strip()}")
        return self.mount

    def __exit__(self, *_):
        if os.path.ismount(self.mount):
            subprocess.run(["umount", self.mount], check=False, capture_output=True)


class Cell:
    """One architecture on one file system; writes evidence while it runs."""

    def __init__(self, image, mount, evidence, options):
        self.image, self.mount, self.evidence, self.options = image, mount, evidence, options
        self.commands = []

    def classpath(self, module):
        return unit_test_path(module, self.options.classes if module == "telemetry" else ())

    def java(self, main, *arguments, classpath, log, seconds, options=(), directory=None):
        """Runs a class with the image; its words go to the log. Returns the exit status."""
        temporary = self.mount / "tmp"
        temporary.mkdir(exist_ok=True)
        command = [
            *self.image.java(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m", "-XX:+UseCompactObjectHeaders",
            "-XX:-UsePerfData", "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
            # The helper that the JDK starts children with is bound to a loader of the host.
            "-Djdk.lang.Process.launchMechanism=FORK",
            f"-Djava.io.tmpdir={temporary}",
            f"-Dcrash.child.command={' '.join(self.image.java())}",
            *options, "-classpath", ":".join(map(str, classpath)), main, *map(str, arguments),
        ]  # fmt: skip
        self.commands.append(" ".join(command))
        with open(self.evidence / log, "ab") as out:
            try:
                return subprocess.run(
                    command, stdout=out, stderr=subprocess.STDOUT, env=self.image.environment(), check=False,
                    cwd=directory or self.mount, timeout=self.image.patience(seconds), stdin=subprocess.DEVNULL,
                ).returncode  # fmt: skip
            except subprocess.TimeoutExpired:
                raise Failed(f"did not end within {self.image.patience(seconds)} s") from None

    def unit_test(self):
        total = 0
        for module, packages in PACKAGES.items():
            log = self.evidence / "unit_test.log"
            before = log.stat().st_size if log.exists() else 0
            status = self.java(
                "org.junit.platform.console.ConsoleLauncher", "execute", "--fail-if-no-tests", "--disable-banner",
                "--disable-ansi-colors", "--details=tree",
                *(f"--select-package={name}" for name in packages),
                f"--include-classname={self.options.unit_tests}", f"--exclude-classname={NOT_IN_A_CELL}",
                classpath=self.classpath(module), log=log.name, seconds=900, directory=ROOT / module,
            )  # fmt: skip
            with open(log, encoding="utf-8", errors="replace") as file:
                file.seek(before)
                text = file.read()
            passed, failed = (
                int(found[1]) if (found := re.search(rf"\[\s*(\d+) tests {word}\s*\]", text)) else -1
                for word in ("successful", "failed")
            )
            if status != 0 or failed != 0 or passed < 1:
                raise Failed(f"{module}: exit status {status}, {passed} passed, {failed} failed, see unit_test.log")
            total += passed
        return f"{total} passed"

    def crash_harness(self):
        result = self.evidence / "crash_harness.json"
        status = self.java(
            "io.edged.wal.CrashHarness", "--iterations", self.options.iterations, "--seed", self.options.seed,
            "--out", result, "--work", self.mount / "crash", "--second-reader", HERE / "wal_verify.py",
            classpath=self.classpath("telemetry"), log="crash_harness.log", seconds=60 + 6 * self.options.iterations,
        )  # fmt: skip
        if status != 0 or not result.exists():
            raise Failed(f"exit status {status}, see crash_harness.log")
        return (self.evidence / "crash_harness.log").read_text(errors="replace").strip().splitlines()[-1].split(";")[0]

    def known_good_log(self):
        directory = self.mount / "known-good"
        classpath = self.classpath("telemetry")
        log = "wal_verify_known_good.log"
        if (status := self.java("io.edged.wal.KnownGoodLog", directory, classpath=classpath, log=log, seconds=60)) != 0:
            raise Failed(f"writing it: exit status {status}, see {log}")
        done = subprocess.run(
            [sys.executable, str(HERE / "wal_verify.py"), "--json", "--expect-entries", "5", str(directory)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        (self.evidence / "wal_verify.json").write_text(done.stdout)
        with open(self.evidence / log, "a", encoding="utf-8") as out:
            out.write(done.stderr)
        if done.returncode != 0:
            raise Failed(f"wal_verify.py: exit status {done.returncode}, see wal_verify.json")
        return "5 entries, verified"

    def atomic_rename(self):
        result = self.evidence / "rename_check.json"
        status = self.java(
            "io.edged.disk.RenameCheck", self.mount / "rename", 200,
            classpath=self.classpath("telemetry"), log=result.name, seconds=60,
        )  # fmt: skip
        if status != 0 or not json.loads(result.read_text().strip().splitlines()[-1])["ok"]:
            raise Failed(f"exit status {status}, see rename_check.json")
        return "200 replacements"

    def run(self):
        """Runs the steps in order and goes on behind a failed one. Returns the steps' outcomes."""
        outcomes = {}
        for step in STEPS:
            started = time.monotonic()
            try:
                state, words = "PASS", getattr(self, step)()
            except (Failed, OSError, ValueError, KeyError, IndexError) as problem:
                state, words = "FAIL", str(problem)
            outcomes[step] = {"state": state, "detail": words, "seconds": round(time.monotonic() - started, 1)}
            print(f"    {step:16} {state}  {outcomes[step]['seconds']:7.1f} s  {words}", flush=True)
        return outcomes


def portability_files():
    return ROOT / "packaging/target/portability"


def unit_test_path(module, before=()):
    libraries = sorted((portability_files() / module).glob("*.jar"))
    console = sorted((portability_files() / "console").glob("junit-platform-console-standalone-*.jar"))
    own = [ROOT / module / "target" / part for part in ("test-classes", "classes")]
    if not libraries or not console or not all(path.is_dir() for path in own):
        raise Skip("the tests are not built: make portability-tests")
    # What the console brings along would be there twice, perhaps in two versions.
    libraries = [jar for jar in libraries if not jar.name.startswith(("junit-", "opentest4j", "apiguardian"))]
    return [*before, *own, *libraries, *console]


def next_run(evidence, arch, file_system):
    place = evidence / arch / file_system
    place.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.name[4:]) for path in place.glob("run-*") if path.name[4:].isdigit()), default=0)
    run = place / f"run-{number}"
    run.mkdir()
    return run


def write_manifest(run):
    """BLAKE3 of every file of the evidence."""
    lines = [f"{blake3.digest(path.read_bytes())}  {path.name}\n" for path in sorted(run.iterdir()) if path.is_file()]
    (run / "MANIFEST.b3").write_text("".join(lines))


def run_cell(arch, file_system, options):
    run = next_run(pathlib.Path(options.evidence), arch, file_system)
    started = time.monotonic()
    about = {
        "arch": arch, "file_system": file_system, "commit": commit(bool(options.classes)), "seed": options.seed,
        "iterations": options.iterations,
        "kernel": platform.release(), "host": native(), "python": platform.python_version(), "emulator": "none",
        "image": "none", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }  # fmt: skip
    print(f"{arch}/{file_system}", flush=True)
    commands = []
    try:
        with contextlib.ExitStack() as stack:
            image = Image(options.images, arch)
            unit_test_path("telemetry"), unit_test_path("lock")
            about["image"] = image.fingerprint()
            if image.emulator:
                version = subprocess.run([*image.emulator, "--version"], capture_output=True, text=True, check=False)
                about["emulator"] = version.stdout.splitlines()[0] if version.stdout else image.emulator[0]
            work = pathlib.Path(options.work) / f"{arch}-{file_system}-{os.getpid()}"
            work.mkdir(parents=True)
            stack.callback(shutil.rmtree, work, ignore_errors=True)
            mount = stack.enter_context(Volume(file_system, work))
            cell = Cell(image, mount, run, options)
            commands = cell.commands
            outcomes = cell.run()
            state = "PASS" if all(step["state"] == "PASS" for step in outcomes.values()) else "FAIL"
            result = about | {"state": state, "steps": outcomes}
    except Skip as why:
        print(f"    SKIP  {why}", flush=True)
        result = about | {"state": "SKIP", "reason": str(why), "steps": {}}
    result["seconds"] = round(time.monotonic() - started, 1)
    (run / "cell.json").write_text(json.dumps(result, indent=2) + "\n")
    (run / "cmd.txt").write_text("".join(f"{key}: {value}\n" for key, value in about.items()) + "\n" + "\n".join(commands) + "\n")
    write_manifest(run)
    return result


# ------------------------------------------------------------------------------------------------------------ report


def latest(evidence):
    """The newest run of each cell, in the order of the matrix, with its directory."""
    cells = []
    for arch in ARCHITECTURES:
        for file_system in FILE_SYSTEMS:
            runs = sorted(
                (path for path in (evidence / arch / file_system).glob("run-*") if (path / "cell.json").exists()),
                key=lambda path: int(path.name[4:]),
            )
            if runs:
                cells.append((json.loads((runs[-1] / "cell.json").read_text()), runs[-1]))
    return cells


def changed_evidence(run):
    """Names of files that are not as the manifest has them."""
    listed = {}
    with contextlib.suppress(OSError):
        for line in (run / "MANIFEST.b3").read_text().splitlines():
            fingerprint, name = line.split("  ", 1)
            listed[name] = fingerprint
    there = {path.name for path in run.iterdir() if path.is_file()} - {"MANIFEST.b3"}
    return sorted(
        name
        for name in there | set(listed)
        if name not in there or listed.get(name) != blake3.digest((run / name).read_bytes())
    )


def comparable(run):
    """What two cells of one seed must have in common."""
    try:
        result = json.loads((run / "crash_harness.json").read_text())
    except (OSError, ValueError):
        return None
    result.pop("run", None)
    return json.dumps(result, sort_keys=True)


def disagreements(cells):
    """Cells of one seed, count and commit whose crashes and survivors are not the same."""
    groups = {}
    for cell, run in cells:
        if (found := comparable(run)) is not None:
            key = (cell["commit"], cell["seed"], cell["iterations"])
            groups.setdefault(key, {}).setdefault(found, []).append(f"{cell['arch']}/{cell['file_system']}")
    return [sorted(map(tuple, group.values())) for group in groups.values() if len(group) > 1]


def summary(evidence):
    """Lines of Markdown, and whether nothing failed."""
    cells = latest(evidence)
    lines = ["# Portability matrix", ""]
    if not cells:
        return [*lines, f"No evidence under {evidence.name}."], False
    lines += ["| cell | state | " + " | ".join(STEPS) + " | s | commit | image |", "| --- " * (len(STEPS) + 5) + "|"]
    good = True
    for cell, run in cells:
        changed = changed_evidence(run)
        state = "FAIL" if changed else cell["state"]
        good &= state != "FAIL"
        steps = [cell["steps"].get(step, {}).get("state", "") for step in STEPS]
        lines.append(
            f"| {cell['arch']}/{cell['file_system']} | {state} | {' | '.join(steps)} | {cell['seconds']:.0f} "
            f"| {cell['commit'][:12]}{'-dirty' if cell['commit'].endswith('-dirty') else ''} | {cell['image'][:19]} |"
        )
        if changed:
            lines.append(f"| | evidence changed: {', '.join(changed)} |" + " |" * (len(STEPS) + 3))
    lines.append("")
    states = [cell["state"] for cell, _ in cells]
    lines.append(", ".join(f"{states.count(state)} {state}" for state in ("PASS", "FAIL", "SKIP")) + ".")
    for cell, run in cells:
        where = f"{cell['arch']}/{cell['file_system']}"
        if cell["state"] == "SKIP":
            lines.append(f"- {where} SKIP: {cell['reason']}")
        for step, outcome in cell["steps"].items():
            if outcome["state"] == "FAIL":
                lines.append(f"- {where} {step}: {outcome['detail']}")
    for group in disagreements(cells):
        good = False
        lines.append("- The same seed crashed differently: " + " against ".join(", ".join(names) for names in group))
    compared = sum(1 for _, run in cells if comparable(run) is not None)
    if good and compared > 1:
        lines.append(f"- The crash points and survivors of {compared} cells are the same, byte for byte.")
    head = cells[0][0]["commit"]
    passed = {(cell["arch"], cell["file_system"]) for cell, _ in cells if cell["state"] == "PASS" and cell["commit"] == head}
    missing = [f"{arch}/{file_system}" for arch, file_system in GATED if (arch, file_system) not in passed]
    clean = not head.endswith("-dirty")
    verdict = "GO" if good and clean and not missing else "NO GO"
    why = [*([f"not passed on one commit: {', '.join(missing)}"] if missing else []), *([] if clean else ["uncommitted changes"])]
    lines += ["", f"Release: **{verdict}**" + (f" ({'; '.join(why)})" if why else "") + "."]
    return lines, good


def as_html(lines):
    """The few forms of Markdown that the summary uses."""
    out = ["<!doctype html><meta charset=utf-8><title>Portability matrix</title>"]
    out.append("<style>body{font:16px sans-serif;margin:2em}td,th{padding:.2em .8em;border:1px solid #999}table{border-collapse:collapse}</style>")
    table = False
    for line in lines:
        text = html.escape(line)
        text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
        if line.startswith("|"):
            if not table:
                out.append("<table>")
            if not line.startswith("| ---"):
                tag = "td" if table else "th"
                out.append("<tr>" + "".join(f"<{tag}>{part.strip()}</{tag}>" for part in text.strip("| ").split("|")) + "</tr>")
            table = True
            continue
        if table:
            out.append("</table>")
            table = False
        if line.startswith("# "):
            out.append(f"<h1>{text[2:]}</h1>")
        elif line:
            out.append(f"<p>{text}</p>")
    return out


# -------------------------------------------------------------------------------------------------------------- main


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="edged_matrix.py", description=__doc__.split("\n\n", 1)[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run cells and write evidence")
    run.add_argument("--arch", action="append", choices=ARCHITECTURES)
    run.add_argument("--fs", action="append", choices=FILE_SYSTEMS)
    run.add_argument("--native-only", action="store_true")
    run.add_argument("--iterations", type=int, default=20)
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--unit-tests", default=r".*Test", help="regular expression of class names")
    run.add_argument("--images", default=str(ROOT / "packaging/target/dist"))
    run.add_argument("--work", default=str(ROOT / "packaging/target/portability/work"))
    run.add_argument("--strict", action="store_true", help="exit status 1 also if nothing ran")
    run.add_argument("--classes", action="append", default=[], help="directory of classes that stand before those of the build")
    run.add_argument(
        "--must-fail", action="append", default=[], choices=STEPS,
        help="exit status 0 if, and only if, this step failed in each cell that ran, and one did",
    )  # fmt: skip
    report = verbs.add_parser("report", help="render evidence, and nothing else")
    report.add_argument("--html", action="store_true")
    for verb in (run, report):
        verb.add_argument("--evidence", default=str(HERE / "evidence"))
    options = parser.parse_args(arguments)
    evidence = pathlib.Path(options.evidence).resolve()
    if options.verb == "report":
        lines, good = summary(evidence)
        print("\n".join(as_html(lines) if options.html else lines))
        return 0 if good else 1
    options.evidence = evidence
    options.classes = [pathlib.Path(directory).resolve() for directory in options.classes]
    architectures = [native()] if options.native_only else options.arch or list(ARCHITECTURES)
    results = [
        run_cell(arch, file_system, options) for arch in architectures for file_system in options.fs or FILE_SYSTEMS
    ]
    lines, good = summary(evidence)
    print("\n".join(["", *lines]))
    failed = any(result["state"] == "FAIL" for result in results) or not good
    ran = [result for result in results if result["state"] != "SKIP"]
    if options.must_fail:
        caught = ran and all(cell["steps"][step]["state"] == "FAIL" for cell in ran for step in options.must_fail)
        print(f"{'caught' if caught else 'NOT caught'} by {', '.join(options.must_fail)}")
        return 0 if caught else 1
    return 1 if failed or (options.strict and not ran) else 0


if __name__ == "__main__":
    # A SIGTERM takes down what is up, as any other end does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
