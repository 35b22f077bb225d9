"""What the report says of evidence, and what a cell does without its tools."""

import contextlib
import io
import json
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import blake3
import edged_matrix as matrix

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Blake3Test(unittest.TestCase):
    """Against values of the reference implementation: bytes 0, 1, … 250, 0, … of these lengths."""

    def test_lengths_around_blocks_chunks_and_subtrees(self):
        expected = {
            0: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
            1: "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
            1023: "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
            1025: "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
            3073: "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
        }
        for length, digest in expected.items():
            with self.subTest(length=length):
                self.assertEqual(blake3.digest(bytes(i % 251 for i in range(length))), digest)


class EvidenceTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.evidence = pathlib.Path(temporary.name)

    def cell(self, arch, file_system, state="PASS", survivors=3, commit=COMMIT, failed=None):
        run = matrix.next_run(self.evidence, arch, file_system)
        steps = {step: {"state": "PASS", "detail": "", "seconds": 1.0} for step in matrix.STEPS}
        about = {
            "arch": arch, "file_system": file_system, "commit": commit, "seed": 1, "iterations": 20, "image": "blake3:00",
            "state": state, "seconds": 4.0, "steps": steps,
        }  # fmt: skip
        if state == "SKIP":
            about |= {"steps": {}, "reason": "a tool is missing"}
        else:
            (run / "crash_harness.json").write_text(json.dumps({"survivors": survivors, "run": {"seconds": id(run)}}))
        if failed:
            steps[failed] = {"state": "FAIL", "detail": "exit status 1", "seconds": 1.0}
        (run / "cell.json").write_text(json.dumps(about))
        matrix.write_manifest(run)
        return run

    def all_cells(self, **more):
        return [self.cell(arch, fs, **more) for arch in matrix.ARCHITECTURES for fs in matrix.FILE_SYSTEMS]

    def report(self):
        lines, good = matrix.summary(self.evidence)
        return "\n".join(lines), good

    def test_six_cells_that_passed_are_a_release(self):
        self.all_cells()
        text, good = self.report()
        self.assertTrue(good)
        self.assertIn("6 PASS, 0 FAIL, 0 SKIP.", text)
        self.assertIn("survivors of 6 cells are the same", text)
        self.assertIn("Release: **GO**.", text)

    def test_no_evidence_is_nothing_good(self):
        text, good = self.report()
        self.assertFalse(good)
        self.assertIn("No evidence", text)

    def test_a_skip_is_no_failure_and_no_release(self):
        self.cell("amd64", "ext4")
        self.cell("amd64", "xfs", state="SKIP")
        text, good = self.report()
        self.assertTrue(good)
        self.assertIn("1 PASS, 0 FAIL, 1 SKIP.", text)
        self.assertIn("amd64/xfs SKIP: a tool is missing", text)
        self.assertIn("NO GO** (not passed on one commit: amd64/xfs, arm64/ext4)", text)

    def test_a_failed_step_is_named(self):
        self.all_cells()
        self.cell("arm64", "xfs", state="FAIL", failed="known_good_log")
        text, good = self.report()
        self.assertFalse(good)
        self.assertIn("- arm64/xfs known_good_log: exit status 1", text)

    def test_the_newest_run_counts(self):
        self.cell("amd64", "ext4", state="FAIL", failed="unit_test")
        for _ in range(10):
            self.cell("amd64", "ext4")
        self.assertTrue(self.report()[1])

    def test_evidence_that_was_changed_fails(self):
        run = self.cell("amd64", "ext4")
        (run / "crash_harness.json").write_text("{}")
        text, good = self.report()
        self.assertFalse(good)
        self.assertIn("evidence changed: crash_harness.json", text)

    def test_evidence_that_came_or_went_fails(self):
        for change in ("add", "remove"):
            with self.subTest(change):
                run = self.cell("amd64", "ext4")
                if change == "add":
                    (run / "more.log").write_text("")
                else:
                    (run / "crash_harness.json").unlink()
                self.assertFalse(self.report()[1])

    def test_cells_that_crashed_differently_fail(self):
        self.cell("amd64", "ext4")
        self.cell("riscv64", "ext4", survivors=4)
        text, good = self.report()
        self.assertFalse(good)
        self.assertIn("The same seed crashed differently: amd64/ext4 against riscv64/ext4", text)

    def test_commits_are_not_mixed_into_a_release(self):
        self.all_cells()
        self.cell("arm64", "ext4", commit="f" * 40)
        text, good = self.report()
        self.assertTrue(good)
        self.assertIn("NO GO** (not passed on one commit: arm64/ext4)", text)

    def test_uncommitted_changes_are_no_release(self):
        self.all_cells(commit=COMMIT + "-dirty")
        self.assertIn("NO GO** (uncommitted changes)", self.report()[0])

    def test_a_page_shows_what_the_text_says(self):
        self.cell("amd64", "ext4")
        page = "\n".join(matrix.as_html(self.report()[0].splitlines()))
        self.assertIn("<td>amd64/ext4</td>", page)
        self.assertIn("<b>NO GO</b>", page)

    def run_matrix(self, *more):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            status = matrix.main(["run", "--evidence", str(self.evidence), "--images", str(self.evidence / "none"), *more])
        return status, out.getvalue()

    def test_a_missing_image_is_a_skip_with_the_command_that_makes_one(self):
        status, text = self.run_matrix("--arch", "riscv64", "--fs", "ext4")
        self.assertEqual(status, 0)
        self.assertIn("SKIP  no image of riscv64", text)
        self.assertIn("make dist", text)

    def test_a_gate_fails_if_nothing_ran(self):
        self.assertEqual(self.run_matrix("--arch", "riscv64", "--strict")[0], 1)

    def must_fail(self, *states):
        """The exit status where harness and log have to fail, for cells whose two steps ended so; none for a skip."""
        cells = [
            {"state": "FAIL" if each else "SKIP", "steps": dict(zip(("crash_harness", "known_good_log"), steps, strict=True)) if each else {}}
            for each in states
            for steps in [[{"state": state} for state in each.split()]]
        ]  # fmt: skip
        fs = [word for file_system in matrix.FILE_SYSTEMS[: len(cells)] for word in ("--fs", file_system)]
        with mock.patch.object(matrix, "run_cell", side_effect=cells):
            steps = ("--must-fail", "crash_harness", "--must-fail", "known_good_log")
            return self.run_matrix("--arch", "amd64", *fs, *steps)[0]

    def test_a_control_is_caught_only_if_every_step_of_every_cell_failed(self):
        self.assertEqual(self.must_fail("FAIL FAIL", "FAIL FAIL"), 0)
        self.assertEqual(self.must_fail("FAIL FAIL", ""), 0)
        self.assertEqual(self.must_fail("FAIL FAIL", "PASS FAIL"), 1)
        self.assertEqual(self.must_fail("FAIL PASS"), 1)
        self.assertEqual(self.must_fail(""), 1)

    def test_classes_of_ones_own_are_no_evidence_about_a_commit(self):
        with mock.patch.object(matrix.subprocess, "run", return_value=mock.Mock(stdout="")):  # A tree without changes.
            self.assertEqual(matrix.commit(), "")
            self.run_matrix("--arch", "riscv64", "--fs", "ext4", "--classes", "/nowhere")
        self.assertRegex(json.loads((self.evidence / "riscv64/ext4/run-1/cell.json").read_text())["commit"], "-dirty$")

    def test_a_missing_emulator_is_a_skip(self):
        (self.evidence / "images/edged-1-linux-riscv64").mkdir(parents=True)
        with mock.patch.dict(os.environ, PATH=""), mock.patch.object(matrix, "native", lambda: "amd64"):
            with self.assertRaisesRegex(matrix.Skip, "qemu-user-static"):
                matrix.Image(self.evidence / "images", "riscv64")

    def test_a_missing_mkfs_is_a_skip(self):
        with mock.patch.object(matrix.shutil, "which", lambda *_, **__: None):
            with self.assertRaisesRegex(matrix.Skip, "xfsprogs"), matrix.Volume("xfs", self.evidence):
                self.fail("it was mounted")


if __name__ == "__main__":
    unittest.main()
