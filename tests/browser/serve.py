#!/usr/bin/env python3
"""What the browser looks at: real servers whose stores were filled the real way, by webhooks and runners.

Usage: serve.py BUILD_DIR

Prints one line of JSON when everything is there: addresses, runs, and the pipe whose lines the live job waits for.
Ends, and takes everything down, when its standard input ends.
"""
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "deploy" / "demo"))
from system import System, push_payload  # noqa: E402

NOWHERE = "0" * 40
DEVICES = {
    "sm_89": {"name": "RTX 4090 (emulated)", "memory_bytes": 24 * 2**30, "unified": False, "emulated": True},
    "sm_121": {"name": "GB10 (emulated)", "memory_bytes": 128_500_000_000, "unified": True, "emulated": True},
}
SOURCES = {"python": sys.executable, "program": str(HERE / "recordings.py")}


def gate(name, architectures):
    command = f'"{SOURCES["python"]}" "{SOURCES["program"]}" {name} $SMGATE_ARCH'
    return json.dumps({"version": 1, "architectures": architectures, "stages": [
        {"name": "smoke", "command": command, "timeout_s": 120, "contract": "both"}]})


def push(system, repository, branch, before, name, architectures=("sm_89", "sm_121")):
    commit = repository.commit({".smgate.json": gate(name, list(architectures)), "what": f"{branch} {name}"}, f"{branch}: {name}")
    system.deliver("push", push_payload(repository, before, commit, branch))
    return commit


def judged(system, commit):
    return system.wait_for_verdict(commit, timeout_s=110)["id"]


def fill(system, pipe):
    """One run after the other is begun, and all are waited for at the end. A repository's first commit says which
    architectures its branches must pass on."""
    kernels, large, hopper = (system.repository(f"acme/{name}") for name in ("kernels", "large", "hopper"))
    system.start_server()
    for arch, device in DEVICES.items():
        system.start_runner(f"emulated-{arch}", arch, device, {"SMGATE_CASES": str(ROOT / "tests/contract/cases"), "SMGATE_PIPE": str(pipe)})
    commits = {"healthy": push(system, kernels, "main", NOWHERE, "healthy"),
               "large": push(system, large, "main", NOWHERE, "large", ["sm_89"]),
               "waiting": push(system, hopper, "main", NOWHERE, "healthy", ["sm_90"])}
    runs = {"healthy": judged(system, commits["healthy"])}  # those that follow compare themselves with it
    for name, branch in (("shared-key", "topic/shorter-macro"), ("short-key", "topic/rope"), ("wrong-eps", "topic/eps"), ("parted", "topic/parted")):
        commits[name] = push(system, kernels, branch, commits["healthy"], name)
    runs.update({name: judged(system, commit) for name, commit in commits.items() if name not in ("healthy", "waiting")})
    runs["waiting"] = system.run_of(commits["waiting"])["id"]
    commits["live"] = push(system, large, "topic/live", commits["large"], "live", ["sm_89"])
    return {**runs, "live": system.wait_for("the live job", lambda: running(system, commits["live"]))}, commits


def running(system, commit):
    run = system.run_of(commit)
    return run["id"] if run and run["jobs"] and run["jobs"][0]["state"] == "leased" else None


def main(build):
    full, empty = System(build), System(build)
    try:
        pipe = full.folder / "pipe"
        os.mkfifo(pipe)
        empty.repository("acme/kernels")
        empty.start_server()
        runs, commits = fill(full, pipe)
        print(json.dumps({"url": full.url, "empty": empty.url, "runs": runs, "commits": commits, "pipe": str(pipe),
                          "folder": str(full.folder)}), flush=True)
        sys.stdin.read()
    finally:
        full.close()
        empty.close()


if __name__ == "__main__":
    main(sys.argv[1])
