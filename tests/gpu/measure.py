#!/usr/bin/env python3
"""What tests/gpu/run.sh measures, part by part; each leaves its figures in WORK/figures.jsonl, and `table` prints them.

Usage: measure.py times WORK SMOKE RUNNER|- BATCH     two runs, with an empty and with a full disk cache
       measure.py faults WORK SMOKE RUNNER BATCH      every fault and every control, judged
       measure.py loads WORK SMOKE LIBRARY BATCH      modules that the driver loads after the pre-warm
       measure.py pytorch WORK BATCH [--compile]      pytorch_kd.py beside it
       measure.py table WORK
Exit code: 0; 1 where a check failed.
"""
import importlib.util
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
STEPS, SEQ = 62, 256
CONTROLS = {"lr0": "nothing_trained", "shuffled-labels": "degenerate_batch", "no-prewarm": "prewarm_skipped", "nan": "loss_not_finite"}
EXIT_PASS = 0
# figure: goal, unit
GOALS = {
    "4 x 256: median step": (20, "ms"), "4 x 256: process start to report, empty caches": (4, "s"),
    "32 x 256: median step": (90, "ms"), "32 x 256: peak device memory": (22, "GiB"),
    "pre-warm, empty disk cache": (2, "s"), "pre-warm, full disk cache": (0.3, "s")}


def keep(work, column, figures):
    with open(work / "figures.jsonl", "a") as file:
        file.write(json.dumps({"column": column, **figures}) + "\n")


class DeviceMemory:
    """The most that the whole device had in use, as the driver says it, some twenty times a second."""

    def __enter__(self):
        self.peak_mib = 0
        self.child = subprocess.Popen(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-lms", "50"],
                                      stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        return self

    def read(self):
        for line in self.child.stdout:
            if line.strip().isdigit():
                self.peak_mib = max(self.peak_mib, int(line))

    def __exit__(self, *error):
        self.child.terminate()
        self.child.wait()
        self.reader.join()


def events_of(folder):
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in open(file)]


def named(events, kind):
    return [event for event in events if event["ev"] == kind]


def run_smoke(command, folder):
    """Events and seconds of one run of smgate-smoke, from the start of its process to its end."""
    shutil.rmtree(folder, ignore_errors=True)
    start = time.monotonic()
    subprocess.run([*map(str, command), "--events", folder / "events", "--out", folder / "out"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, timeout=300)
    took = time.monotonic() - start
    events = events_of(folder / "events")
    shutil.rmtree(folder / "out", ignore_errors=True)
    return events, took


def at_seed(smoke, batch, *more):
    return [smoke, "--backend", "cuda", "--scale", "seed", "--batch", batch, "--steps", STEPS, "--json", *more]


def judged(runner, folder):
    """Exit code and report of smgate-runner check."""
    check = subprocess.run([runner, "check", "--json", folder / "events"], capture_output=True, text=True, timeout=300)
    if not check.stdout:
        sys.exit(f"measure.py: {runner} check says nothing (exit {check.returncode}): {check.stderr.strip()}")
    return check.returncode, json.loads(check.stdout)


def outcome_text(code, report):
    clauses = {}
    for clause in report["clauses"]:
        clauses.setdefault(clause["outcome"], []).append(clause["id"])
    failed = " ".join(clauses.get("fail", []))
    return (f"{report['verdict']} (exit {code}): " + ", ".join(f"{len(ids)} {outcome}" for outcome, ids in sorted(clauses.items()))
            + (f"; fails {failed}" if failed else ""))


def times(work, smoke, runner, batch):
    size, failed = f"{batch} x {SEQ}", 0
    cache = work / f"cache-{batch}"
    for name, more in (("no", []), ("empty", ["--disk-cache", cache]), ("full", ["--disk-cache", cache])):
        folder = work / f"times-{batch}-{name}"
        with DeviceMemory() as memory:
            events, took = run_smoke(at_seed(smoke, batch, *more), folder)
        steps, end = named(events, "step"), named(events, "run_end")
        late = sum(not event["hit"] for event in named(events, "lookup"))
        warm = (named(events, "prewarm_end")[-1]["t_ns"] - named(events, "prewarm_begin")[0]["t_ns"]) / 1e9
        figures = {f"{size}: median step": statistics.median(step["ms"] for step in steps),
                   f"{size}: process start to report, {name} disk cache": took,
                   f"{size}: peak device memory": memory.peak_mib / 1024, f"{size}: pre-warm, {name} disk cache": warm}
        if name == "no":
            figures[f"{size}: process start to report, empty caches"] = took
        if batch == 4 and name != "no":
            figures[f"pre-warm, {name} disk cache"] = warm
        keep(work, "smoke", figures)
        rises = sum(b["loss"] > a["loss"] for a, b in zip(steps, steps[1:]))
        print(f"{size}, {name} disk cache: median {figures[f'{size}: median step']:.2f} ms, start to report {took:.2f} s, pre-warm {warm:.2f} s, "
              f"peak {memory.peak_mib / 1024:.2f} GiB, late compiles {late}, loss {steps[0]['loss']:.4f} to {steps[-1]['loss']:.4f}, rises {rises}")
        failed += late > 0 or len(steps) != STEPS or [event["status"] for event in end] != ["ok"]
        if runner != "-" and name == "no":
            code, report = judged(runner, folder)
            print(f"  judged: {outcome_text(code, report)}")
            failed += code != EXIT_PASS
    return failed


def causes_of_faults():
    """The integration test's own table."""
    spec = importlib.util.spec_from_file_location("faults_test", HERE.parent / "integration/faults_test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CAUSES


def faults(work, smoke, runner, batch):
    causes = causes_of_faults()
    runs = [("--fault", name, expected[0]) for name, expected in causes.items()]
    runs += [("--control", name, expected) for name, expected in CONTROLS.items()]
    failed = 0
    for option, name, expected in runs:
        folder = work / "faults"
        run_smoke(at_seed(smoke, batch, option, name), folder)
        code, report = judged(runner, folder)
        first = report["causes"][0]["id"] if report["causes"] else "none"
        good = code != EXIT_PASS and first == expected
        failed += not good
        print(f"{'ok    ' if good else 'DIFFER'} {option[2:]} {name}: {outcome_text(code, report)}; first cause {first}", flush=True)
    print(f"{len(runs) - failed} of {len(runs)} faults and controls fail by their cause at {batch} x {SEQ}")
    return failed


def loads(work, smoke, library, batch):
    """Every module load that the driver tells, before and after the end of the last pre-warm span."""
    told, folder = work / "module-loads", work / "loads"
    told.unlink(missing_ok=True)
    os.environ.update({"CUDA_INJECTION64_PATH": str(library), "SMGATE_MODULE_LOADS": str(told)})
    events, _ = run_smoke(at_seed(smoke, batch), folder)
    for name in ("CUDA_INJECTION64_PATH", "SMGATE_MODULE_LOADS"):
        del os.environ[name]
    lines = told.read_text().splitlines() if told.exists() else []
    refused = [line for line in lines if not line[:1].isdigit()]
    warm = named(events, "prewarm_end")[-1]["t_ns"]
    first_step, end = named(events, "step")[0]["t_ns"], named(events, "run_end")[0]["t_ns"]
    when = [int(line.split()[0]) for line in lines if line not in refused]
    late = [line for line in lines if line not in refused and warm < int(line.split()[0]) < end]
    ours = len(named(events, "load"))
    print(f"{batch} x {SEQ}, module loads told by CUPTI: {len(when)}, of which our own kernels' {ours}; after the pre-warm: {len(late)}; "
          f"{STEPS} steps, first step ended {(first_step - warm) / 1e6:.0f} ms after it" + "".join(f"\n  {line}" for line in refused + late))
    keep(work, "smoke", {"module loads after pre-warm": len(late)})
    return bool(late or refused) or len(when) < ours


def pytorch(work, batch, options):
    run = subprocess.run([sys.executable, HERE / "pytorch_kd.py", "--batch", str(batch), "--steps", str(STEPS), *options],
                         capture_output=True, text=True)
    if run.returncode != 0:
        print(run.stdout[-500:] + run.stderr[-2000:])
        return 1
    told, size = json.loads(run.stdout.splitlines()[-1]), f"{batch} x {SEQ}"
    losses = told.pop("losses")
    print(json.dumps(told))
    keep(work, "torch.compile" if options else "PyTorch eager", {
        f"{size}: median step": told["median_step_ms"], f"{size}: peak device memory": told["peak_gib"],
        f"{size}: process start to report, empty caches": told["start_to_report_s"],
        f"{size}: start to report after imports": told["after_imports_s"], f"{size}: losses": [losses[0], losses[-1]]})
    return 0


def cell(value, unit):
    return "-" if value is None else f"{value:.2f} {unit}"


def table(work):
    path = work / "figures.jsonl"
    columns = {}
    for line in open(path) if path.exists() else []:
        figures = json.loads(line)
        # Of several runs that tell one figure the worst stands.
        kept = columns.setdefault(figures.pop("column"), {})
        for name, value in figures.items():
            kept[name] = max(kept[name], value) if name in kept and isinstance(value, (int, float)) else value
    print("| figure | PyTorch eager | torch.compile | goal | smgate-smoke | |\n|---|---|---|---|---|---|")
    for name, (goal, unit) in GOALS.items():
        eager, compiled, ours = (columns.get(column, {}).get(name) for column in ("PyTorch eager", "torch.compile", "smoke"))
        verdict = "-" if ours is None else "met" if ours <= goal else f"missed by {ours - goal:.2f} {unit}"
        print(f"| {name} | {cell(eager, unit)} | {cell(compiled, unit)} | {goal} {unit} | {cell(ours, unit)} | {verdict} |")
    return 0


def main(arguments):
    part, work = arguments[0], pathlib.Path(arguments[1])
    rest = arguments[2:]
    parts = {
        "times": lambda: times(work, rest[0], rest[1], int(rest[2])),
        "faults": lambda: faults(work, *rest),
        "loads": lambda: loads(work, *rest),
        "pytorch": lambda: pytorch(work, int(rest[0]), rest[1:]),
        "table": lambda: table(work)}
    return 1 if parts[part]() else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
