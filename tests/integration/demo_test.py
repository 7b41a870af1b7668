#!/usr/bin/env python3
"""The demo, as a user runs it, held to what it promises: its JSON, its exit code, and that it leaves nothing behind.

Usage: demo_test.py BUILD_DIR
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

DEMO = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "demo.sh"


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as scratch:
            done = subprocess.run([DEMO, "--json", "--build-dir", build], capture_output=True, text=True, timeout=600,
                                  env={**os.environ, "TMPDIR": scratch})
            cls.left = list(pathlib.Path(scratch).iterdir())
        cls.code, cls.progress = done.returncode, done.stderr
        cls.runs = json.loads(done.stdout)["runs"] if done.returncode == 0 else []

    def setUp(self):
        self.assertEqual(self.code, 0, self.progress)
        self.healthy, self.broken = self.runs

    def jobs(self, run):
        return {job["arch"]: job for job in run["jobs"]}

    def test_prints_every_field_of_every_job(self):
        for run in self.runs:
            self.assertEqual(set(run), {"commit", "verdict", "jobs"})
            self.assertRegex(run["commit"], "^[0-9a-f]{40}$")
            self.assertEqual(set(self.jobs(run)), {"sm_89", "sm_121"})
            for job in run["jobs"]:
                self.assertEqual(set(job), {"arch", "emulated", "verdict", "causes", "initial_loss", "final_loss", "steps"})
                self.assertIs(job["emulated"], True)

    def test_passes_the_healthy_commit_on_both_architectures(self):
        self.assertEqual(self.healthy["verdict"], "pass")
        for job in self.healthy["jobs"]:
            self.assertEqual((job["verdict"], job["causes"], job["steps"]), ("pass", [], 62))
            self.assertLess(job["final_loss"], 0.95 * job["initial_loss"])

    def test_finds_the_one_cause_on_both_architectures(self):
        self.assertEqual(self.broken["verdict"], "fail")
        for job in self.broken["jobs"]:
            self.assertEqual(job["verdict"], "fail")
            self.assertEqual([cause["id"] for cause in job["causes"]], ["prewarm_key_collision"])
            self.assertGreater(job["causes"][0]["explains"], 0)

    def test_trains_on_where_the_defect_is_harmless_and_stops_where_it_is_not(self):
        harmless, fatal = self.jobs(self.broken)["sm_89"], self.jobs(self.broken)["sm_121"]
        self.assertEqual(harmless["steps"], 62)
        self.assertLess(harmless["final_loss"], harmless["initial_loss"])
        self.assertLess(fatal["steps"] or 0, 62)

    def test_leaves_no_file_behind(self):
        self.assertEqual(self.left, [])


if __name__ == "__main__":
    build = sys.argv.pop(1)
    unittest.main(verbosity=2)
