#!/usr/bin/env python3
"""Records what smgate-smoke reports under each of its faults on both architectures, as faults/FAULT-ARCH.jsonl: kernels
not compiled, ten steps, digests cut short. faults/expected.json, written by hand, says which causes each must show.

Usage: record_faults.py PATH/TO/smgate-smoke
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).parent / "faults"
DIGEST_CHARS = 10


def shortened(line):
    return re.sub(r'"([0-9a-f]{%d})[0-9a-f]{6,}"' % DIGEST_CHARS, r'"\1"', line)


def record(smoke, fault, arch):
    with tempfile.TemporaryDirectory() as scratch:
        command = [smoke, "--arch", arch, "--compiler", "none", "--steps", "10", "--events", scratch + "/events", "--out", scratch + "/out"]
        subprocess.run(command + (["--fault", fault] if fault != "healthy" else []), capture_output=True, check=False)
        lines = "".join(path.read_text(encoding="utf-8") for path in sorted(pathlib.Path(scratch, "events").glob("*.jsonl")))
        return "".join(shortened(line) + "\n" for line in lines.replace(scratch, "/tmp/smoke").splitlines())


def main():
    for fault, architectures in json.loads((FOLDER / "expected.json").read_text(encoding="utf-8")).items():
        for arch in architectures:
            (FOLDER / f"{fault}-{arch}.jsonl").write_text(record(sys.argv[1], fault, arch), encoding="utf-8")


if __name__ == "__main__":
    main()
