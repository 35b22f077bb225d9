"""What the programs that cut the power, replay disks and let them fail have in common: options, and evidence of a run."""

import argparse
import json
import pathlib
import platform
import time

import edged_guest as guests
import edged_matrix as matrix


def arguments(program, description):
    """A parser with the options that all of them have."""
    parser = argparse.ArgumentParser(prog=f"edged_{program}.py", description=description.split("\n\n", 1)[0])
    parser.add_argument("--fs", action="append", choices=matrix.FILE_SYSTEMS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evidence", default=str(guests.HERE / "evidence"))
    parser.add_argument("--work", default=str(guests.TARGET / program))
    return parser


def begin(program, file_system, options):
    """A fresh directory for the evidence, and what a result begins with."""
    lie = getattr(options, "lie", None)
    print(f"{program} {file_system}, seed {options.seed}" + (f", with a lie: {lie}" if lie else ""), flush=True)
    return matrix.next_run(pathlib.Path(options.evidence).resolve(), program, file_system), {
        "file_system": file_system, "seed": options.seed, "lie": lie or "none", "commit": matrix.commit(),
        "host": platform.platform(), "python": platform.python_version(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }  # fmt: skip


def finish(evidence, result, words):
    """Writes the result and the manifest, and says in a line how it went."""
    (evidence / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    matrix.write_manifest(evidence)
    print(f"{result['state']}  {words}, {evidence}", flush=True)
    return result
