"""What the demo and the chain on a real device do alike: they break a source, push a commit, follow its run to the verdict,
and tell people about it. Standard library only.
"""
import sys
import time

from system import push_payload


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


def broken(source, line, instead):
    if source.count(line) != 1:
        raise RuntimeError(f"the source does not hold the line {line!r} once")
    return source.replace(line, instead)


def push_and_follow(system, repository, files, before, message, timeout_s):
    """The commit, and its run when that has its verdict."""
    commit = repository.commit(files, message)
    say(f"commit {commit[:12]}: {message}; sending GitHub's signed push webhook")
    start = time.monotonic()
    system.deliver("push", push_payload(repository, before, commit, message=message))
    run = system.wait_for_verdict(commit, timeout_s, Progress())
    return commit, {**run, "webhook_to_verdict_s": round(time.monotonic() - start, 1)}


def outcomes(clauses):
    return {clause["id"]: clause["outcome"] for clause in clauses}


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
