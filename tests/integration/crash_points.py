#!/usr/bin/env python3
"""Stops server or runner, as kill -9 would, at each named crash point; restarts it; and holds what must then be true:
the run ends with the right verdict, no job reaches a verdict twice, none is lost, the API still answers.

Usage: crash_points.py BUILD_DIR [POINT...]     all points that the programs name, or the given ones

Those of the outbox, the recovery and the keyring need a GitHub: tests/github goes through them (server_process_test.cpp,
private_run_test.cpp).
"""
import json
import pathlib
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy" / "demo"))
from system import NOWHERE, System, pull_request_payload, push_payload  # noqa: E402

OF_GITHUB = ("reporter.", "sender.", "recovery.", "keyring.")
# Short, so that what only time brings (an expired lease, a heartbeat) comes soon; the test never asserts a duration.
SERVER = {"heartbeat_ms": 200, "lease_ms": 1500}
DEVICE = {"name": "played by a script", "memory_bytes": 24 * 2**30, "unified": False, "emulated": True}
SMOKE = 'cp recorded.jsonl "$SMGATE_EVENTS/1.jsonl"; for i in 1 2 3; do echo "line $i"; done; {wait}'


def gate(wait="true"):
    return json.dumps({"version": 1, "architectures": ["sm_89"], "stages": [
        {"name": "build", "command": "true"},
        {"name": "smoke", "command": SMOKE.format(wait=wait), "contract": "both", "timeout_s": 60}]})


def recorded(build, system):
    """A healthy run, recorded once, as files of a repository: its events, and the checkpoint that they name, which the
    runner reads. What is killed here is not the workload."""
    folder = system.folder / "recorded"
    folder.mkdir()
    subprocess.run([build / "bin/smgate-smoke", "--arch", "sm_89", "--scale", "tiny", "--compiler", "none", "--out", "out"],
                   cwd=folder, env={"SMGATE_EVENTS": str(folder)}, check=True, capture_output=True)
    events = next(folder.glob("*.jsonl")).read_text().replace(f"{folder}/", "")  # as if the job had made them
    checkpoint = next(event["path"] for event in map(json.loads, events.splitlines()) if event["ev"] == "checkpoint")
    return {"recorded.jsonl": events, checkpoint: (folder / checkpoint).read_bytes()}


class Watched:
    """One system with one program that stops at one point, once."""

    def __init__(self, build, point, files):
        self.build, self.point, self.files = build, point, files
        self.system = System(build, SERVER)
        self.once = self.system.folder / "went-off"
        self.armed = {"SMGATE_CRASH_AT": point, "SMGATE_CRASH_ONCE": str(self.once)}
        self.of_runner = point.startswith("runner.")

    def start(self):
        self.repository = self.system.repository("acme/kernels")
        self.system.start_server({} if self.of_runner else self.armed, restart=True)
        self.count_verdicts()
        self.system.start_runner("one", "sm_89", DEVICE, environment=self.armed if self.of_runner else {}, restart=True)

    def database(self):
        return sqlite3.connect(next((self.system.folder / "server").glob("*.db")), timeout=30)

    def count_verdicts(self):
        """A trigger of the test's own: every time a job's verdict is written, whoever writes it."""
        with self.database() as database:
            database.execute("CREATE TABLE test_verdicts (job TEXT, verdict TEXT)")
            database.execute("CREATE TRIGGER test_verdict AFTER UPDATE OF verdict ON jobs WHEN new.verdict IS NOT NULL "
                             "BEGIN INSERT INTO test_verdicts VALUES (new.id, new.verdict); END")

    def push(self, files, before, message="change"):
        commit = self.repository.commit(files, message)
        self.deliver("push", push_payload(self.repository, before, commit, message=message), commit)
        return commit

    def deliver(self, event, payload, name):
        """GitHub does not deliver again by itself, a person or the recovery does: the same delivery id until answered."""
        def delivered():
            try:
                return self.system.deliver(event, payload, delivery=f"delivery-{name}")
            except OSError:
                return None
        self.system.wait_for("the delivery to be taken", delivered)

    def check(self, commit, verdict="pass"):
        run = self.system.wait_for_verdict(commit, timeout_s=90)
        problems = []
        if not self.once.exists():
            problems.append("the point was never reached")
        if run["verdict"] != verdict:
            problems.append(f"verdict {run['verdict']}, not {verdict}: {run.get('reason')} {[job['causes'] for job in run['jobs']]}")
        with self.database() as database:
            written = database.execute("SELECT job, count(*) FROM test_verdicts GROUP BY job").fetchall()
            problems += [f"job {job} reached a verdict {count} times" for job, count in written if count != 1]
            if len(written) < len(run["jobs"]):
                problems.append(f"{len(written)} of {len(run['jobs'])} jobs reached a verdict")
        return problems


def plain(watched):
    commit = watched.push({".smgate.json": gate(), **watched.files}, NOWHERE)
    return watched.check(commit)


def source_fails_first(watched):
    """The repository cannot be read at first; the fetch is tried again."""
    hidden = watched.repository.folder.with_suffix(".hidden")
    commit = watched.repository.commit({".smgate.json": gate(), **watched.files}, "change")
    payload = push_payload(watched.repository, NOWHERE, commit)
    watched.repository.folder.rename(hidden)
    watched.deliver("push", payload, commit)
    watched.system.wait_for("the point", watched.once.exists)
    hidden.rename(watched.repository.folder)
    return watched.check(commit)


def host_fails_first(watched):
    """The runner is killed in the middle of a job: it reports the attempt lost, and the job is queued again."""
    marker = watched.system.folder / "started"
    wait = f'test -e {marker} || {{ touch {marker}; exec sleep 60; }}'
    commit = watched.push({".smgate.json": gate(wait), **watched.files}, NOWHERE)
    watched.system.wait_for("the job to start", marker.exists)
    watched.system.runners["one"].kill()
    return watched.check(commit)


def server_fails_too(watched):
    """The server is killed in the middle of a job: the runner offers the job to the next one, and dies as well."""
    marker = watched.system.folder / "started"
    wait = f"touch {marker}; while ! test -e {watched.once}; do sleep 0.05; done"
    commit = watched.push({".smgate.json": gate(wait), **watched.files}, NOWHERE)
    watched.system.wait_for("the job to start", marker.exists)
    watched.system.server.kill()
    return watched.check(commit)


def job_takes_its_time(watched):
    """The job runs until the point was reached: heartbeats renew its lease meanwhile."""
    wait = f"while ! test -e {watched.once}; do sleep 0.05; done"
    commit = watched.push({".smgate.json": gate(wait), **watched.files}, NOWHERE)
    return watched.check(commit)


def superseded(watched):
    """A newer head of a pull request comes while the older one's job runs."""
    marker = watched.system.folder / "started"
    files = {".smgate.json": gate(), **watched.files}
    base = watched.repository.commit(files, "base")
    watched.repository.git("switch", "--quiet", "-c", "topic")
    older = watched.repository.commit({".smgate.json": gate(f"touch {marker}; exec sleep 60")}, "older")
    now = time.time()
    watched.deliver("pull_request", pull_request_payload(watched.repository, "opened", base, older, "topic", now), "opened")
    watched.system.wait_for("the older head's job to start", marker.exists)
    newer = watched.repository.commit(files, "newer")
    payload = pull_request_payload(watched.repository, "synchronize", base, newer, "topic", now + 1, before=older)
    watched.deliver("pull_request", payload, "synchronize")
    problems = watched.check(newer)
    state = watched.system.run_of(older)["state"]
    return problems if state == "cancelled" else [*problems, f"the older head's run is {state}, not cancelled"]


def lease_expires(watched):
    """The runner is killed and stays away until its lease has expired."""
    marker = watched.system.folder / "started"
    wait = f'test -e {marker} || {{ touch {marker}; exec sleep 60; }}'
    commit = watched.push({".smgate.json": gate(wait), **watched.files}, NOWHERE)
    watched.system.wait_for("the job to start", marker.exists)
    runner = watched.system.runners["one"]
    runner.restart = False
    watched.system.runners.pop("one")
    runner.kill()
    watched.system.wait_for("the point", watched.once.exists)
    watched.system.runners["one"] = type(runner)(runner.command, runner.log, {}, True)
    return watched.check(commit)


def grows_old(watched):
    """A job's events and log are dropped when they are old; its verdict and report stay."""
    commit = watched.push({".smgate.json": gate(), **watched.files}, NOWHERE)
    run = watched.system.wait_for_verdict(commit, timeout_s=90)
    with watched.database() as database:
        database.execute("UPDATE jobs SET ended_ms = ended_ms - 100 * 86400000")
    watched.system.server.kill()  # the next one looks for old ones at its start
    watched.system.wait_for("the point", watched.once.exists)
    problems = watched.check(commit)
    with watched.database() as database:
        kept = database.execute("SELECT (SELECT count(*) FROM event_chunks), (SELECT count(*) FROM log_chunks), "
                                "(SELECT count(*) FROM job_reports)").fetchone()
    jobs = len(run["jobs"])
    return problems if kept == (0, jobs, jobs) else [*problems, f"events, logs, reports: {kept}"]


SCENARIOS = {
    "retention.raw_dropped": grows_old,
    "source.fetch_retried": source_fails_first,
    "result.job_requeued": host_fails_first,
    "scheduler.leases_expired": lease_expires,
    "session.leases_renewed": job_takes_its_time,
    "session.cancels_sent": superseded,
    "runner.lost_spooled": host_fails_first,
    "runner.resumed": server_fails_too,
}


def points_of(build):
    for program in ("smgate-server", "smgate-runner"):
        listed = subprocess.run([build / "bin" / program, "crash-points"], check=True, capture_output=True, text=True)
        yield from (point for point in listed.stdout.split() if not point.startswith(OF_GITHUB))


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    points = sys.argv[2:] or list(points_of(build))
    scratch = System(build)
    files = recorded(build, scratch)
    scratch.close()
    failed = 0
    for point in points:
        start = time.monotonic()
        watched = Watched(build, point, files)
        try:
            watched.start()
            problems = SCENARIOS.get(point, plain)(watched)
        except Exception as error:  # the report names the point; the logs stay
            problems = [f"{type(error).__name__}: {error}"]
        watched.system.close(keep_folder=bool(problems))
        failed += bool(problems)
        print(f"{'FAILED' if problems else 'ok'} {point} ({time.monotonic() - start:.1f} s)", *problems, sep="\n   ", flush=True)
    print(f"{len(points)} crash points, {failed} failed")
    return 1 if failed or not points else 0


if __name__ == "__main__":
    sys.exit(main())
