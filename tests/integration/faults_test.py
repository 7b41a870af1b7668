#!/usr/bin/env python3
"""Every fault of the reference workload, as a user meets it: smgate-smoke runs it, smgate-runner check judges its events.

Usage: faults_test.py BUILD_DIR
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

# The contract's own table: every independent cause, upstream first. The second architecture stops at the first kernel
# that is not there, and so shows less of short-key.
CAUSES = {
    "unused-prewarm": ["prewarm_waste"],
    "oversized-workspace": ["workspace_over_budget"],
    "apr-weights": ["weights_container_mismatch"],
    "skipped-prewarm": ["prewarm_skipped"],
    "missing-stage": ["prewarm_missing"],
    "silent-cache": ["cache_silent"],
    "shared-key": ["prewarm_key_collision"],
    "short-key": ["prewarm_key_drift", "prewarm_missing"],
    "degenerate-batch": ["degenerate_batch"],
    "wrong-eps": ["prewarm_key_drift"],
    "wrong-body": ["prewarm_body_mismatch"],
}
STEPS = "10"  # the fewest that the contract judges
EXIT_PASS, EXIT_FAIL, EXIT_INCONCLUSIVE = 0, 1, 3


def judged(arch, *arguments):
    """Exit code and report of `smgate-runner check` on the events of one run."""
    with tempfile.TemporaryDirectory() as scratch:
        events = pathlib.Path(scratch) / "events"
        events.mkdir()
        subprocess.run([binaries / "smgate-smoke", "--arch", arch, "--compiler", "none", "--steps", STEPS, *arguments],
                       cwd=scratch, env={"SMGATE_EVENTS": str(events)}, capture_output=True, timeout=300)
        check = subprocess.run([binaries / "smgate-runner", "check", "--json", events], capture_output=True, text=True, timeout=300)
        return check.returncode, json.loads(check.stdout)


class Faults(unittest.TestCase):
    def expect(self, arch, fault, expected):
        code, report = judged(arch, "--fault", fault)
        independent = [cause["id"] for cause in report["causes"] if cause["consequence_of"] is None]
        self.assertEqual(independent, expected)
        self.assertEqual(report["causes"][0]["id"], expected[0])
        self.assertEqual(report["unexplained"], 0)
        self.assertIn(code, (EXIT_FAIL, EXIT_INCONCLUSIVE))
        self.assertEqual(code == EXIT_FAIL, report["verdict"] == "fail")

    def test_are_all_in_the_table(self):
        refused = subprocess.run([binaries / "smgate-smoke", "--fault", "no-such"], capture_output=True, text=True)
        names = re.search(r"unknown fault no-such \((.*)\)", refused.stdout + refused.stderr).group(1)
        self.assertEqual(set(re.split(r"[,|]\s*", names)) - {"none"}, set(CAUSES))

    def test_are_named_by_their_cause_where_they_are_tolerated(self):
        for fault, causes in CAUSES.items():
            with self.subTest(fault):
                self.expect("sm_89", fault, causes)

    def test_are_named_by_their_cause_where_the_run_stops(self):
        for fault, causes in CAUSES.items():
            with self.subTest(fault):
                self.expect("sm_121", fault, causes[:1])

    def test_are_absent_from_a_healthy_run(self):
        for arch in ("sm_89", "sm_121"):
            code, report = judged(arch)
            self.assertEqual((code, report["findings"], report["warnings"]), (EXIT_PASS, [], []))


if __name__ == "__main__":
    binaries = pathlib.Path(sys.argv.pop(1)) / "bin"
    unittest.main(verbosity=2)
