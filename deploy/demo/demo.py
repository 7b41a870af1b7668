#!/usr/bin/env python3
"""smgate's main job, told by deploy/demo.sh: two commits, two emulated architectures, the verdicts and their causes."""
import argparse
import json
import os
import pathlib
import signal
import sys
import time

from commits import broken, outcomes, push_and_follow, say, summary, table
from system import NOWHERE, System

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
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
VERDICT_S_MAX = 180  # about ten on an idle machine


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
    files = {"prewarm.cpp": source, ".smgate.json": json.dumps(GATE, indent=2)}
    healthy, first = push_and_follow(system, repository, files, NOWHERE, "pre-warm every kernel", VERDICT_S_MAX)
    change = {"prewarm.cpp": broken(source, HEALTHY_LINE, BROKEN_LINE)}
    _, second = push_and_follow(system, repository, change, healthy, "simplify the pre-warm macro", VERDICT_S_MAX)
    return [first, second]


def wait_for_interrupt(url):
    say(f"the page stays up at {url}/ and the API at {url}/api/v1/runs until Ctrl-C")
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
        print(json.dumps({"runs": [summary(run) for run in runs]}) if arguments.json else f"\n{table(runs)}\n\npage: {system.url}/\nAPI:  {system.url}/api/v1/runs", flush=True)
        say(f"demo: {'as promised' if promised else 'NOT as promised'}, {time.monotonic() - start:.0f} s")
        if arguments.keep:
            wait_for_interrupt(system.url)
    finally:
        system.close()
    return 0 if promised else 1


if __name__ == "__main__":
    sys.exit(main())
