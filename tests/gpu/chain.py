#!/usr/bin/env python3
"""The whole chain on a real device: a signed webhook in, a verdict for this host's architecture out, not emulated.

A server that counts no emulated run, an agent for the GPU of this host, and a git repository that holds the reference
workload's own sources: the job builds smgate-smoke from them and trains at the incident's scale, with a second run from
another folder and the four negative controls beside it. The first commit is healthy; the second brings the incident's root
cause into the pre-warm list. Prints the verdicts; exit code 0 only if the one passed and the other failed by
prewarm_key_collision, both on the device.

Usage: chain.py --bin FOLDER [--report FILE] [--scale seed] [--emulated ARCH] [--sandbox]
       FOLDER holds smgate-server and smgate-runner; --emulated plays an architecture, to try this program without a GPU;
       --sandbox has the jobs closed off by bubblewrap, as an agent does where nothing else is said
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/demo"))
from commits import broken, outcomes, push_and_follow, say, summary, table  # noqa: E402
from system import NOWHERE, System  # noqa: E402

WORKLOAD = "runner/workload"
# Of the pre-warm list for a GPU and of the one for the CPU back end: its file, its healthy line, and what breaks it.
DEVICE = ("runner/workload/cuda/prewarm.cpp",
          "cache_.offer(fault_ == Fault::kSharedKey ? kernels::model_weights(storage_).key : key, body, at);",
          "cache_.offer(kernels::model_weights(storage_).key, body, at);")
EMULATED = ("runner/workload/run/prewarm.cpp", "cache_.offer(fault_ == Fault::kSharedKey ? keys::silu_forward() : key, body, at);",
            "cache_.offer(keys::silu_forward(), body, at);")
VERDICT_S_MAX = 900  # the workload is built twice
TOOLS = ("PATH", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH")  # where a host keeps its toolchain; stages see nothing else


class DeviceSystem(System):
    """As in production: a job that only played its architecture counts as none."""

    def __init__(self, programs, emulated, sandbox):
        super().__init__(programs.parent)
        self.bin, self.emulated, self.sandbox = programs, emulated, sandbox

    def server_config(self):
        path = super().server_config()
        config = json.loads(path.read_text())
        return self.write_json(path.name, {**config, "emulated_satisfies_required": self.emulated})


def device_of_host():
    """Architecture and the agent's description of the first GPU."""
    asked = subprocess.run(["nvidia-smi", "--id=0", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"],
                           check=True, capture_output=True, text=True).stdout.strip()
    name, mib, capability = (part.strip() for part in asked.split(","))
    return "sm_" + capability.replace(".", ""), {"name": name, "memory_bytes": int(mib) * 2**20, "unified": False, "emulated": False}


def gate(arch, scale, backend):
    build = f"cmake -S {WORKLOAD} -B build && cmake --build build --target smgate-smoke -j {os.cpu_count()}"
    smoke = ["build/bin/smgate-smoke", "--backend", backend, "--arch", arch, "--scale", scale]
    return json.dumps({
        "version": 1, "architectures": [arch],
        "stages": [{"name": "build", "command": build, "timeout_s": 600},
                   {"name": "smoke", "command": smoke, "timeout_s": 300, "contract": "both"}],
        "stability": True, "controls": ["lr0", "shuffled-labels", "no-prewarm", "nan"]}, indent=2)


def sources():
    folder = ROOT / WORKLOAD
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(folder.rglob("*"))
            if path.suffix in (".cpp", ".hpp", ".txt")}


def as_promised(runs, emulated):
    healthy, second = runs
    jobs = [job for run in runs for job in run["jobs"]]
    first = [job["causes"][0]["id"] if job["causes"] else None for job in second["jobs"]]
    return (len(jobs) == 2 and all(job["emulated"] == emulated for job in jobs) and healthy["verdict"] == "pass"
            and second["verdict"] == "fail" and first == ["prewarm_key_collision"])


def report(run):
    clauses = [outcomes(job["clauses"]) for job in run["jobs"]]
    return {**summary(run), "webhook_to_verdict_s": run["webhook_to_verdict_s"], "clauses": clauses}


def run_chain(system, options):
    arch, device = device_of_host() if not options.emulated else (options.emulated, {
        "name": "emulated", "memory_bytes": 2**34, "unified": False, "emulated": True})
    repository = system.repository("acme/workload")
    system.start_server()
    system.start_runner("device-1", arch, device, {name: os.environ[name] for name in TOOLS if name in os.environ})
    say(f"server: {system.url}; runner: {device['name']}, {arch}{', emulated' if options.emulated else ''}")
    files = sources()
    files[".smgate.json"] = gate(arch, options.scale, "cpu" if options.emulated else "cuda")
    healthy, first = push_and_follow(system, repository, files, NOWHERE, "the workload as it is", VERDICT_S_MAX)
    place, line, instead = EMULATED if options.emulated else DEVICE
    change = {place: broken(files[place], line, instead)}
    _, second = push_and_follow(system, repository, change, healthy, "simplify the pre-warm", VERDICT_S_MAX)
    return [first, second]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--scale", default="seed")
    parser.add_argument("--emulated", metavar="ARCH")
    parser.add_argument("--sandbox", action="store_true")
    options = parser.parse_args()
    system = DeviceSystem(options.bin.resolve(), bool(options.emulated), options.sandbox)
    try:
        runs = run_chain(system, options)
        if options.report:
            options.report.write_text(json.dumps([report(run) for run in runs], indent=1))
        print(f"\n{table(runs)}\n", flush=True)
        for run in runs:
            print(f"{run['commit'][:12]}: webhook to verdict {run['webhook_to_verdict_s']} s; " + json.dumps(report(run)["clauses"]))
        promised = as_promised(runs, bool(options.emulated))
        for job in [] if promised else [job for run in runs for job in run["jobs"]]:
            say(f"--- log of {job['id']}\n" + system.request(f"/api/v1/jobs/{job['id']}/log")[-3000:])
        say("chain: " + ("as promised" if promised else "NOT as promised"))
    finally:
        if sys.exc_info()[0]:
            for log in system.folder.glob("*.log"):
                say(f"--- {log.name}\n{log.read_text()[-2000:]}")
        system.close()
    return 0 if promised else 1


if __name__ == "__main__":
    sys.exit(main())
