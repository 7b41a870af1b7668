#!/usr/bin/env python3
"""smgate's main job, told by deploy/demo.sh: two commits, two emulated architectures, the verdicts and their causes."""
import argparse
import json
import os
import pathlib
import signal
import sys
import time

from system import System, push_payload

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NOWHERE = "0" * 40
RUNNERS = [
    ("emulated-4090", "sm_89", {"name": "RTX 4090 (emulated)", "memory_bytes": 24 * 2**30, "unified": False, "emulated": True}),
    ("emulated-gb10", "sm_121", {"name": "GB10 (emulated)", "memory_bytes": 128_500_000_000, "unified": True, "emulated": True}),
]
GATE = {
    "version": 1,
    "architectures": [arch for _, arch, _ in RUNNERS],
    "stages": [
        {"name": "build", "command": "g++ -std=c++20 -O1 $CXXFLAGS prewarm.cpp -I$WORKLOAD_INCLUDE -L$WORKLOAD_LIB -lsmgate_workload -ldl -o smoke",
         "timeout_s": 120},
        {"name": "smoke", "command": ["./smoke", "--scale", "tiny"], "timeout_s": 120, "contract": "both"}],
    # Beside each job's own run: a second one from another folder, and four short ones that must fail.
    "stability": True,
    "controls": ["lr0", "shuffled-labels", "no-prewarm", "nan"],
}
HEALTHY_LINE = "#define WARM(cache, key, body) (cache).offer((key), (body))"
BROKEN_LINE = '#define WARM(cache, key, body) (cache).offer("silu_forward", (body))'


def say(text):
    print(text, file=sys.stderr, flush=True)


class Progress:
    """One line when a job changes its state, and now and then how far its training is."""

    def __init__(self):
        self.seen = {}

    def __call__(self, run):
        for job in run["jobs"]:
            state = job["state"] if job["verdict"] is None else f"{job['state']}: {job['verdict']}"
            steps = f", step {job['steps']}" if job["steps"] else ""
            if self.seen.get(job["id"]) != state:
                self.seen[job["id"]] = state
                say(f"  {run['commit'][:12]}  {job['arch']:7} {state}{steps}")


def broken(source):
    if source.count(HEALTHY_LINE) != 1:
        raise RuntimeError(f"prewarm.cpp does not hold the line {HEALTHY_LINE!r} once")
    return source.replace(HEALTHY_LINE, BROKEN_LINE)


def commit_and_push(system, repository, files, before, message):
    commit = repository.commit(files, message)
    say(f"commit {commit[:12]}: {message}; sending GitHub's signed push webhook")
    system.deliver("push", push_payload(repository, before, commit, message=message))
    return commit, system.wait_for_verdict(commit, timeout_s=180, progress=Progress())


def summary(run):
    return {"commit": run["commit"], "verdict": run["verdict"], "jobs": [
        {key: job[key] for key in ("arch", "emulated", "verdict", "causes", "initial_loss", "final_loss", "steps")}
        for job in run["jobs"]]}


def table(runs):
    rows = [("commit", "architecture", "verdict", "first cause", "initial loss", "final loss")]
    for run in runs:
        for job in run["jobs"]:
            cause = job["causes"][0]["id"] if job["causes"] else "-"
            losses = ["-" if job[key] is None else f"{job[key]:.4f}" for key in ("initial_loss", "final_loss")]
            rows.append((run["commit"][:12], job["arch"] + (" (emulated)" if job["emulated"] else ""), job["verdict"], cause, *losses))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def outcomes(clauses):
    return {clause["id"]: clause["outcome"] for clause in clauses}


def teeth_shown(run):
    """Whether the runs beside the jobs' own, and the architectures compared, were judged and held."""
    beside = [outcomes(job["clauses"])[clause] for job in run["jobs"] for clause in ("KC-9", "DS-9")]
    return set(beside) == {"pass"} and outcomes(run["report"]["clauses"])["KC-8"] == "pass"


def as_promised(runs):
    healthy, broken_run = runs
    first = [job["causes"][0]["id"] if job["causes"] else None for job in broken_run["jobs"]]
    return (healthy["verdict"] == "pass" and len(healthy["jobs"]) == 2 and all(job["verdict"] == "pass" for job in healthy["jobs"])
            and teeth_shown(healthy)
            and broken_run["verdict"] == "fail" and first == ["prewarm_key_collision"] * 2
            and all(job["verdict"] == "fail" for job in broken_run["jobs"]))


def run_demo(system, build):
    repository = system.repository("acme/kernels")
    system.start_server()
    say(f"server: {system.url}")
    variables = {"WORKLOAD_INCLUDE": str(ROOT / "runner/workload/include"), "WORKLOAD_LIB": str(build / "runner/workload"),
                 "CXXFLAGS": os.environ.get("CXXFLAGS", "")}
    for name, arch, device in RUNNERS:
        system.start_runner(name, arch, device, variables)
        say(f"runner: {name} plays {arch}")
    source = (HERE / "repo/prewarm.cpp").read_text()
    gate = json.dumps(GATE, indent=2)
    healthy, first = commit_and_push(system, repository, {"prewarm.cpp": source, ".smgate.json": gate}, NOWHERE, "pre-warm every kernel")
    _, second = commit_and_push(system, repository, {"prewarm.cpp": broken(source)}, healthy, "simplify the pre-warm macro")
    return [first, second]


def wait_for_interrupt(url):
    say(f"the API stays up at {url}/api/v1/runs until Ctrl-C")
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the services are ended either way
    start = time.monotonic()
    system = System(arguments.build_dir)
    try:
        runs = run_demo(system, arguments.build_dir.resolve())
        promised = as_promised(runs)
        print(json.dumps({"runs": [summary(run) for run in runs]}) if arguments.json else f"\n{table(runs)}\n\nAPI: {system.url}/api/v1/runs", flush=True)
        say(f"demo: {'as promised' if promised else 'NOT as promised'}, {time.monotonic() - start:.0f} s")
        if arguments.keep:
            wait_for_interrupt(system.url)
    finally:
        system.close()
    return 0 if promised else 1


if __name__ == "__main__":
    sys.exit(main())
