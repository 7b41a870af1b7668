#!/usr/bin/env python3
"""The Python emitter: its lines, its hooks in Triton, its training loop, and that it never stops anybody.

Usage: python_test.py BUILD_DIR
"""
import contextlib
import io
import json
import math
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import types
import unittest

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "runner/workload/python"), str(HERE.parent)]
import smgate_events as smgate
import stand_ins


class Case(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.writer = smgate.Writer(self.folder / "events")

    def events(self, ev=None):
        lines = [line for file in sorted((self.folder / "events").iterdir()) for line in file.read_text().splitlines()]
        return [event for event in map(json.loads, lines) if ev in (None, event["ev"])]

    def check(self):
        """The report of the gate, by the program that judges."""
        done = subprocess.run([build / "bin/smgate-runner", "check", "--json", self.folder / "events"],
                              capture_output=True, text=True)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        return json.loads(done.stdout)


class WriterTest(Case):
    def test_marks_the_process_and_the_line_of_the_caller(self):
        self.writer.note("one"), self.writer.note("two")
        one, two = self.events()
        self.assertEqual((one["seq"], two["seq"], one["pid"], one["source"]), (0, 1, os.getpid(), "self"))
        self.assertRegex(one["at"], r"python_test\.py:\d+$")
        self.assertGreaterEqual(two["t_ns"], one["t_ns"])

    def test_writes_floats_as_the_shortest_that_reads_back_and_names_the_rest(self):
        self.writer.step(0, loss=0.1, ce=math.nan, kl=math.inf, grad_norm=-math.inf)
        line = next((self.folder / "events").iterdir()).read_text()
        self.assertIn('"loss":0.1,"ce":"NaN","kl":"Infinity","grad_norm":"-Infinity"', line)

    def test_cuts_texts_where_a_character_ends_and_survives_any_bytes(self):
        self.writer.error("\u20ac" * smgate.TEXT_BYTES_MAX + "\udcff")
        text = self.events()[0]["text"]
        self.assertEqual(len(text), smgate.TEXT_BYTES_MAX // 3)

    def test_opens_a_file_of_its_own_in_a_child_forked_while_a_thread_reports(self):
        stop = threading.Event()
        busy = threading.Thread(target=lambda: [self.writer.note("parent") for _ in iter(stop.is_set, True)])
        busy.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                self.writer.note("child")
                os._exit(0)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
        stop.set(), busy.join()
        expected = {}
        for event in self.events():
            self.assertEqual(event["seq"], expected.get(event["pid"], 0))
            expected[event["pid"]] = event["seq"] + 1
        self.assertEqual(len(expected), 21)

    def test_leaves_a_gap_and_no_half_line_where_the_disk_is_full(self):
        if os.fork() == 0:
            with contextlib.redirect_stderr(io.StringIO()):
                self.writer.note("fits")
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
                self.writer.note("x" * 300)
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                self.writer.note("fits again")
            os._exit(0)
        os.wait()
        self.assertEqual([event["seq"] for event in self.events()], [0, 2])

    def test_never_stops_the_program(self):
        class Broken:
            def item(self):
                raise RuntimeError("no value")

        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            self.writer.step(0, loss=Broken())
            self.writer.batch(3, None)
            smgate.Writer("/proc/no-such-folder").note("nobody hears")
        self.assertEqual(told.getvalue().count("smgate: not reported:"), 3, told.getvalue())
        self.writer.note("after them")
        self.assertEqual([event["seq"] for event in self.events()], [1], "the lost step left a gap")

    def test_does_nothing_without_a_folder(self):
        silent = smgate.Writer("")
        with silent.run("quiet"), silent.prewarm("m"), silent.payload("m"):
            silent.memory(), silent.batch([[1]], [[2]])
        self.assertFalse((self.folder / "events").exists())

    def test_tells_how_the_run_ended_and_lets_the_error_through(self):
        with self.assertRaises(ValueError), self.writer.run("trainer"):
            raise ValueError("bad shape")
        self.assertEqual([event["ev"] for event in self.events()], ["run_start", "error", "run_end"])
        self.assertEqual(self.events("run_end")[0]["symptom"], "ValueError: bad shape")


class TritonTest(Case):
    def triton(self, with_knobs=True):
        triton = stand_ins.Triton(self.folder, with_knobs)
        sys.modules["triton"] = triton
        self.addCleanup(sys.modules.pop, "triton")
        self.addCleanup(self.unhook)
        smgate.watch_triton(self.writer)
        return triton

    @staticmethod
    def unhook():
        stand_ins.JITFunction.cache_hook = stand_ins.JITFunction.compiled_hook = None
        stand_ins.CompiledKernel.launch_enter_hook = None

    def silu(self, triton):
        return stand_ins.JITFunction(triton, "silu", ["x", "y", "BLOCK", "EPS"], "def silu(x, y): ...")

    def test_reports_a_prewarmed_kernel_as_offer_compile_load_and_one_hit(self):
        kernel = self.silu(self.triton())
        with self.writer.prewarm("student"):
            smgate.warm(kernel, (1,), 0, 0, 1024, 1e-6)
        kernel.run((0, 0, 1024, 1e-6)), kernel.run((0, 0, 1024, 1e-6))
        kinds = [event["ev"] for event in self.events()]
        self.assertEqual(kinds, ["prewarm_begin", "offer", "compile", "load", "prewarm_end", "lookup"])
        offer, compiled, load, lookup = self.events()[1:4] + self.events()[5:]
        key = "model.silu(x:*fp32:16,y:*fp32:16,BLOCK=1024,EPS=1e-06)[warps=4,stages=3,ctas=1]"
        self.assertEqual({e["key"] for e in (offer, compiled, load, lookup)}, {key})
        self.assertEqual(len({e["body"] for e in (offer, compiled, lookup)}), 1)
        self.assertEqual((compiled["target"], compiled["ms"], load["native"]), ("sm_90a", 1.5, True))
        self.assertEqual((lookup["hit"], lookup["scope"]), (True, "student"))

    def test_shows_a_key_that_drifted_with_both_values_decoded(self):
        kernel = self.silu(self.triton())
        with self.writer.run("t", arch="sm_90", cold=True):
            with self.writer.prewarm("student"):
                smgate.warm(kernel, (1,), 0, 0, 1024, 1e-5)
            kernel.run((0, 0, 1024, 1e-6))
        report = self.check()
        self.assertEqual((report["verdict"], report["causes"][0]["id"]), ("fail", "prewarm_key_drift"))
        drift = [f for f in report["findings"] if f["clause"] == "KC-2"][0]
        self.assertEqual([(t["run_time"], t["prewarmed"]) for t in drift["tokens"]], [("1e-06", "1e-05")])

    def test_sees_that_warmup_alone_leaves_the_load_to_the_first_launch(self):
        kernel = self.silu(self.triton())
        with self.writer.prewarm("student"):
            kernel.warmup(0, 0, 1024, 1e-6)
        kernel.run((0, 0, 1024, 1e-6))
        self.assertEqual([f["kind"] for f in self.check()["findings"] if f["clause"] == "KC-3"], ["late_load"])

    def test_keeps_the_hooks_that_were_there_and_heeds_their_answers(self):
        triton = stand_ins.Triton(self.folder, True)
        asked = []
        triton.knobs.runtime.jit_cache_hook = lambda **told: asked.append(told) or True
        sys.modules["triton"] = triton
        self.addCleanup(sys.modules.pop, "triton")
        smgate.watch_triton(self.writer)
        with self.assertRaises(KeyError):  # the hook said that nothing is to be compiled
            self.silu(triton).run((0, 0, 1024, 1e-6))
        self.assertEqual(len(asked), 1)

    def test_says_when_the_cache_on_disk_served(self):
        triton = self.triton()
        self.silu(triton).warmup(0, 0, 1024, 1e-6)
        self.silu(triton).warmup(0, 0, 1024, 1e-6)  # as in another process: nothing in memory
        self.assertEqual(len(self.events("compile")), 1)
        self.assertIn("on disk", self.events("note")[0]["text"])

    def test_reads_the_hooks_of_older_versions(self):
        kernel = self.silu(self.triton(with_knobs=False))
        with self.writer.prewarm("student"):
            smgate.warm(kernel, (1,), 0, 0, 1024, 1e-6)
        kernel.run((0, 0, 1024, 1e-6)), kernel.run((0, 0, 512, 1e-6))
        kinds = [(event["ev"], event.get("hit")) for event in self.events() if "key" in event]
        self.assertEqual(kinds, [("offer", None), ("compile", None), ("lookup", True), ("lookup", False),
                                 ("compile", None)])
        self.assertEqual({e["target"] for e in self.events("compile")}, {"sm_90a"})

    def test_survives_a_triton_that_is_not_as_it_knows_it(self):
        triton = self.triton()
        told = io.StringIO()
        with contextlib.redirect_stderr(told):
            triton.knobs.runtime.jit_cache_hook(anything="else")
            triton.knobs.compilation.listener()
            triton.knobs.runtime.launch_enter_hook(None)
        self.assertIn("not reported", told.getvalue())


class TrainingTest(Case):
    def setUp(self):
        super().setUp()
        sys.modules["torch"] = types.SimpleNamespace(stack=stand_ins.stack,
                                                     cuda=types.SimpleNamespace(is_available=lambda: False))
        self.addCleanup(sys.modules.pop, "torch")
        self.model = stand_ins.Module()

    def test_reports_batch_steps_and_the_checkpoint_against_the_initial_weights(self):
        training = smgate.Training(self.model, [[1, 2], [3, 4]], [[2, 9], [4, 9]], writer=self.writer)
        for loss in (4.0, 2.0):
            with training.step() as step:
                self.model.tensors["a"].grad = stand_ins.Tensor([3.0, 0.0])
                self.model.tensors["b"].grad = stand_ins.Tensor([4.0])
                step.report(stand_ins.Tensor([loss]), ce=1.5)
                self.model.tensors["a"].values[0] += 0.5
        self.model.save(self.folder / "out.safetensors")
        training.checkpoint(self.folder / "out.safetensors")
        first, second = self.events("step")
        self.assertEqual([first[n] for n in ("step", "loss", "ce", "grad_norm", "tokens")], [0, 4.0, 1.5, 5.0, 4])
        self.assertEqual((second["step"], second["loss"]), (1, 2.0))
        saved = self.events("checkpoint")[0]
        self.assertEqual([saved[n] for n in ("container", "whole", "tensors", "tensors_changed", "finite")],
                         ["safetensors", True, 2, 1, True])
        self.assertNotEqual(saved["initial_digest"], saved["final_digest"])

    def test_hashes_whole_prefixes_and_leaves_ignored_labels_out(self):
        self.writer.batch([[1, 2, 3], [1, 2, 4]], [[2, 5, 9], [2, -100, 9]])
        batch = self.events()[0]
        self.assertEqual(batch["labels"], [2, 5, 9, 2, 9])
        self.assertEqual(batch["inputs"][0], batch["inputs"][3])
        self.assertEqual(len(set(batch["inputs"])), 4)

    def test_summarises_a_batch_too_long_for_a_line(self):
        rows = smgate.POSITIONS_LISTED_MAX // 4
        self.writer.batch([[1, 2, 3, 4, 5]] * rows, [[2, 3, 4, 5, row % 2] for row in range(rows)])
        summary = self.events()[0]["summary"]
        self.assertEqual((summary["positions"], summary["distinct_inputs"]), (5 * rows, 5))
        self.assertEqual((summary["distinct_labels"], summary["conflicting_positions"]), (6, rows))
        self.assertAlmostEqual(summary["label_entropy_nats"], math.log(2) / 5)

    def test_knows_values_that_are_not_finite_in_every_type(self):
        for kind, good, bad in (("F32", "0000803f", "0000807f"), ("BF16", "803f", "c07f"), ("F16", "003c", "007c"),
                                ("F64", "000000000000f03f", "000000000000f8ff")):
            self.assertTrue(smgate._all_finite(bytes.fromhex(good * 3), kind))
            self.assertFalse(smgate._all_finite(bytes.fromhex(good * 2 + bad), kind), kind)

    def test_reads_no_further_where_a_file_is_not_what_it_claims(self):
        path = self.folder / "model.safetensors"
        self.model.save(path)
        whole = path.read_bytes()
        for data, container in ((b"APR\0" + whole, "apr"), (b"GGUF" + whole, "gguf"), (whole[:-1], "safetensors"),
                                (b"\xff" * 64, "unknown"), (b"", "unknown")):
            path.write_bytes(data)
            seen = smgate.read_safetensors(path)
            self.assertEqual(seen.container, container)
            self.assertTrue(seen.error, data[:8])
        self.assertTrue(smgate.read_safetensors(self.folder / "absent").error)


if __name__ == "__main__":
    build = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
