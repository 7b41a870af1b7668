#!/usr/bin/env python3
"""What the scripts for a GPU take from elsewhere is still there: no GPU is needed to see that.

Usage: scripts_test.py BUILD_DIR
"""
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
import chain  # noqa: E402
import measure  # noqa: E402


def smoke(*arguments):
    return subprocess.run([binaries / "smgate-smoke", *arguments], capture_output=True, text=True).stdout.split()


class Scripts(unittest.TestCase):
    def test_break_a_line_that_both_prewarm_lists_hold(self):
        for place, line, instead in (chain.DEVICE, chain.EMULATED):
            source = (chain.ROOT / place).read_text()
            self.assertNotEqual(chain.broken(source, line, instead), source)

    def test_run_every_fault_and_control(self):
        self.assertEqual(set(measure.causes_of_faults()), set(smoke("--list-faults")))
        self.assertEqual(set(measure.CONTROLS), set(smoke("--list-controls")))

    def test_have_a_function_for_every_part(self):
        text = (HERE / "run.sh").read_text()
        parts = re.search(r"in this order: (.*)", text).group(1).split()
        self.assertEqual(parts, re.search(r"\|\| parts=\((.*)\)", text).group(1).split())
        self.assertEqual(set(parts), set(re.findall(r"^part_(\w+)\(\)", text, re.MULTILINE)))

    def test_carry_the_sources_that_the_job_builds(self):
        self.assertLessEqual({chain.DEVICE[0], "runner/workload/CMakeLists.txt", "runner/workload/main.cpp"}, set(chain.sources()))


if __name__ == "__main__":
    binaries = pathlib.Path(sys.argv.pop(1)).resolve() / "bin"
    unittest.main(verbosity=2)
