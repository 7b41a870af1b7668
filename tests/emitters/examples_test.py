#!/usr/bin/env python3
"""The README's two examples, as a user has them: a repository, the emitter copied into it, and `smgate-runner run`.

Usage: examples_test.py BUILD_DIR
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
WORKLOAD = HERE.parents[1] / "runner/workload"


class Example:
    """What both examples are held to; `program` is the file with the pre-warm, `right` and `wrong` a line of it."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = pathlib.Path(scratch.name) / "tree"
        shutil.copytree(HERE / self.example, self.tree)
        for file in self.emitter:
            copy = self.tree / file
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(WORKLOAD / self.emitter_folder / file, copy)

    def break_with(self, wrong):
        text = (self.tree / self.program).read_text()
        self.assertEqual(text.count(self.right), 1)
        (self.tree / self.program).write_text(text.replace(self.right, wrong))

    def runner(self, *arguments):
        done = subprocess.run([build / "bin/smgate-runner", *arguments], cwd=self.tree, capture_output=True, text=True,
                              timeout=300)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        return json.loads(done.stdout)

    def run_here(self):
        return self.runner("run", "--arch", "sm_89", "--emulated", "--json", "--keep", "../kept")

    def test_passes_every_clause_that_applies_to_one_run(self):
        report = self.run_here()
        outcomes = {clause["id"]: (clause["outcome"], clause.get("reason")) for clause in report["clauses"]}
        self.assertEqual(report["verdict"], "pass", outcomes)
        self.assertEqual((report["findings"], report["causes"]), ([], []))
        applied = [clause for clause, (outcome, _) in outcomes.items() if outcome == "pass"]
        self.assertEqual(applied, [f"KC-{n}" for n in range(1, 8)] + self.further + [f"DS-{n}" for n in range(1, 7)])
        events = next((self.tree.parent / "kept").glob("events/smoke"))
        self.assertEqual(self.runner("check", "--json", "--gate", ".smgate.json", events)["verdict"], "pass")

    def test_fails_with_the_drifted_key_both_values_and_the_line_that_warmed_it(self):
        self.break_with(self.wrong)
        report = self.run_here()
        self.assertEqual((report["verdict"], report["causes"][0]["id"]), ("fail", "prewarm_key_drift"))
        drift = [finding for finding in report["findings"] if finding["clause"] == "KC-2"]
        self.assertEqual([(t["run_time"], t["prewarmed"]) for t in drift[0]["tokens"]], [("0.001", "0.01")])
        self.assertRegex(drift[0]["evidence"][0]["at"], f"^{self.program}:[0-9]+$")


class Cpp(Example, unittest.TestCase):
    example, program, emitter_folder = "cpp_example", "train.cpp", "include"
    emitter = ["smgate/events.hpp", "smgate/events_text.hpp"]
    right, wrong = "  offer(cross_entropy(kVocab, kSmoothing));\n", "  offer(cross_entropy(kVocab, 1e-2f));\n"
    further = []


class Python(Example, unittest.TestCase):
    example, program, emitter_folder = "python_example", "train.py", "python"
    emitter = ["smgate_events.py"]
    right, wrong = "        offer(cross_entropy(VOCAB, SMOOTHING))\n", "        offer(cross_entropy(VOCAB, 1e-2))\n"

    further = ["KC-9"]  # its gate file asks for the second run, from another folder

    def test_fails_where_the_kernel_is_left_out(self):
        self.break_with("")
        self.assertEqual(self.run_here()["causes"][0]["id"], "prewarm_missing")


class Headers(unittest.TestCase):
    """The C++ emitter in a program's own build: any warning that it may have asked for, and the CUDA compiler."""

    def compile(self, *command):
        with tempfile.TemporaryDirectory() as scratch:
            source = pathlib.Path(scratch) / "program.cu"
            source.write_text('#include "smgate/events.hpp"\nvoid report() {\n  smgate::events::Writer writer("");\n'
                              "  const int tokens[2] = {1, 2};\n  writer.batch(tokens, tokens, 1, 2, true);\n}\n")
            done = subprocess.run([*command, "-std=c++17", "-I", WORKLOAD / "include", source], capture_output=True,
                                  text=True, cwd=scratch)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_compile_as_cpp17_without_a_warning(self):
        self.compile("g++", "-x", "c++", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow",
                     "-Wold-style-cast", "-Wsign-conversion")

    @unittest.skipUnless(shutil.which("nvcc"), "no CUDA toolkit on this machine")
    def test_compile_with_nvcc(self):
        self.compile("nvcc", "-c", "-o", "program.o")


if __name__ == "__main__":
    build = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
