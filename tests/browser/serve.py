#!/usr/bin/env python3
"""What the browser looks at: real servers whose stores were filled the real way, by webhooks and runners.

Usage: serve.py BUILD_DIR

Prints one line of JSON when everything is there: addresses, runs, and the pipe whose lines the live job waits for.
Ends, and takes everything down, when its standard input ends.
"""
import json
import os
import pathlib
import sqlite3
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "deploy" / "demo"))
from system import NOWHERE, System, free_port, pull_request_payload, push_payload  # noqa: E402

POINTS = 1_000_000
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


def held(system, kernels, base):
    """A pull request whose head lies in a fork: nobody has let it run."""
    kernels.git("checkout", "--quiet", "-b", "from-a-fork")
    commit = kernels.commit({"what": "a stranger's change"}, "a stranger's change")
    kernels.git("checkout", "--quiet", "main")
    payload = pull_request_payload(kernels, "opened", base, commit, "better-kernels", int(time.time()))
    payload["pull_request"]["head"]["repo"] = {**payload["repository"], "id": 7, "full_name": "stranger/kernels", "fork": True}
    system.deliver("pull_request", payload)
    return system.wait_for("the held head", lambda: (system.run_of(commit) or {}).get("id"))


def lengthen(system, run):
    """Makes the curve of a judged run a million points long, in the table itself: a runner would report them for minutes."""
    chunk = 2048
    with sqlite3.connect(system.folder / "server" / "smgate.db", timeout=60) as database:
        (job, attempt), = database.execute("SELECT id, attempt FROM jobs WHERE run = ?", (run,))
        last, count = database.execute("SELECT max(first), count FROM curve_chunks WHERE job = ?", (job,)).fetchone()
        first = last + count
        while first < POINTS:
            steps = range(first, min(first + chunk, POINTS))
            data = b"".join(struct.pack("<BqdffffQ", 0b111, step, 2 + 0.05 * (step * 7919 % 101) / 101, 1.5, 0.5, 0, 0, 0) for step in steps)
            database.execute("INSERT INTO curve_chunks VALUES (?, ?, ?, ?, ?, ?)", (job, attempt, first, len(steps), first, data))
            first += len(steps)
        database.execute("DELETE FROM ready_curves WHERE job = ?", (job,))  # that of the curve as it was


def forget_log(system, run):
    """As if its log had been dropped: the server does that after days."""
    with sqlite3.connect(system.folder / "server" / "smgate.db", timeout=60) as database:
        database.execute("UPDATE jobs SET raw_dropped_ms = ended_ms WHERE run = ?", (run,))


def api_token(system, name="reader", scope="read,rerun,cancel,drain,approve"):
    made = subprocess.run([system.bin / "smgate-server", "token", "create", "--api", name, "--scope", scope, "--config",
                           system.folder / "server.jsonc"], check=True, capture_output=True, text=True)
    return made.stdout.strip()


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
    runs["held"] = held(system, kernels, commits["healthy"])
    lengthen(system, runs["large"])
    forget_log(system, runs["wrong-eps"])
    commits["live"] = push(system, large, "main", commits["large"], "live", ["sm_89"])
    return {**runs, "live": system.wait_for("the live job", lambda: running(system, commits["live"]))}, commits


def running(system, commit):
    run = system.run_of(commit)
    return run["id"] if run and run["jobs"] and run["jobs"][0]["state"] == "leased" else None


def main(build):
    # GitHub does not answer, so that calls to it wait and say why.
    full = System(build, settings={"github": {"api_url": f"http://127.0.0.1:{free_port()}", "token_file": "github-token"}})
    empty = System(build)
    try:
        (full.folder / "github-token").write_text("a token of nobody\n")
        pipe = full.folder / "pipe"
        os.mkfifo(pipe)
        empty.repository("acme/kernels")
        empty.start_server()
        runs, commits = fill(full, pipe)
        print(json.dumps({"url": full.url, "empty": empty.url, "runs": runs, "commits": commits, "pipe": str(pipe), "token": api_token(full),
                          "drainer": api_token(full, "drainer", "drain"), "empty_token": api_token(empty), "folder": str(full.folder)}), flush=True)
        sys.stdin.read()
    finally:
        full.close()
        empty.close()


if __name__ == "__main__":
    main(sys.argv[1])
