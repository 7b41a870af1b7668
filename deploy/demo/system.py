"""A whole smgate on this machine: a server, runners, a git repository and GitHub's webhooks. Standard library only.

Used by the demo and by the tests that stop and restart its programs. Everything lives in one scratch folder; close()
ends what was started, by process id, and removes the folder.
"""
import hashlib
import hmac
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid

SECRET = "a secret that only GitHub and the server know"
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A. Developer", "GIT_AUTHOR_EMAIL": "developer@example.com",
    "GIT_COMMITTER_NAME": "A. Developer", "GIT_COMMITTER_EMAIL": "developer@example.com",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Repository:
    """A real git repository; `name` as GitHub would call it."""

    def __init__(self, folder, name):
        self.folder, self.name = pathlib.Path(folder), name
        self.folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", ".")

    def git(self, *arguments):
        return subprocess.run(["git", *arguments], cwd=self.folder, env={**os.environ, **GIT_ENVIRONMENT},
                              check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files, message):
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


NOWHERE = "0" * 40  # before a branch's first commit
PERSON = {"name": "developer", "email": "developer@example.com", "username": "developer"}


def github_user(login):
    return {"login": login, "id": 21031067, "node_id": "MDQ6VXNlcjIxMDMxMDY3", "type": "User", "site_admin": False,
            "url": f"https://api.github.com/users/{login}", "html_url": f"https://github.com/{login}"}


def github_repository(repository):
    """The fields of a repository that GitHub's webhooks carry."""
    owner, name = repository.name.split("/")
    api, page = f"https://api.github.com/repos/{repository.name}", f"https://github.com/{repository.name}"
    return {
        "id": 186853002, "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=", "name": name, "full_name": repository.name,
        "private": False, "owner": github_user(owner), "html_url": page, "description": None, "fork": False, "url": page,
        "git_url": f"git://github.com/{repository.name}.git", "ssh_url": f"git@github.com:{repository.name}.git",
        "clone_url": f"{page}.git", "commits_url": f"{api}/commits{{/sha}}", "default_branch": "main",
        "created_at": 1557933565, "updated_at": "2019-05-15T15:20:41Z", "pushed_at": int(time.time()), "size": 0,
        "language": "C++", "visibility": "public"}


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def push_payload(repository, before, after, branch="main", message="change"):
    """The fields of GitHub's push webhook, as its documentation and its published examples have them."""
    owner = repository.name.split("/")[0]
    page = f"https://github.com/{repository.name}"
    commit = {"id": after, "tree_id": "0" * 40, "distinct": True, "message": message, "timestamp": utc(time.time()),
              "url": f"{page}/commit/{after}", "author": PERSON, "committer": PERSON,
              "added": [], "removed": [], "modified": ["prewarm.cpp"]}
    return {
        "ref": f"refs/heads/{branch}", "before": before, "after": after, "repository": github_repository(repository),
        "pusher": {"name": owner, "email": "developer@example.com"}, "sender": github_user(owner),
        "created": before == NOWHERE, "deleted": False, "forced": False, "base_ref": None,
        "compare": f"{page}/compare/{before[:12]}...{after[:12]}", "commits": [commit], "head_commit": commit}


def pull_request_payload(repository, action, base, head, branch, updated, before=None):
    """The fields of GitHub's pull_request webhook: `updated` in seconds since 1970, `before` the head until then."""
    owner = repository.name.split("/")[0]
    page = f"https://github.com/{repository.name}/pull/1"

    def side(name, sha):
        return {"label": f"{owner}:{name}", "ref": name, "sha": sha, "user": github_user(owner),
                "repo": github_repository(repository)}
    payload = {
        "action": action, "number": 1, "repository": github_repository(repository), "sender": github_user(owner),
        "pull_request": {
            "id": 279147437, "number": 1, "state": "open", "locked": False, "title": "A change", "html_url": page,
            "user": github_user(owner), "body": None, "created_at": utc(updated), "updated_at": utc(updated),
            "closed_at": None, "merged_at": None, "draft": False, "head": side(branch, head), "base": side("main", base),
            "author_association": "OWNER", "merged": False, "commits": 1}}
    return {**payload, "before": before, "after": head} if before else payload


class Process:
    """A program of ours, its log in a file. With `restart`, one that a signal ended is started again, as an init system would."""

    def __init__(self, command, log, environment=None, restart=False):
        self.command, self.log, self.restart = [str(part) for part in command], pathlib.Path(log), restart
        self.environment = {**os.environ, **(environment or {})}
        self.lines, self.starts, self.stopping = queue.Queue(), 0, False
        self.start()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        self.starts += 1

    def watch(self):
        while True:
            for line in self.child.stdout:
                self.lines.put(line.rstrip("\n"))
            code = self.child.wait()
            if self.stopping or not self.restart or code >= 0:
                self.lines.put(None)
                return
            self.start()

    def first_line(self, timeout_s=30):
        line = self.lines.get(timeout=timeout_s)
        if line is None:
            raise RuntimeError(f"{self.command[0]} ended at once; its log says:\n{self.log.read_text()[-3000:]}")
        return line

    def kill(self):
        self.child.send_signal(signal.SIGKILL)

    def stop(self, timeout_s=30):
        self.stopping = True
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.watcher.join(timeout_s)
        return self.child.returncode


class System:
    sandbox = False  # the commits are the demo's own, and not every container allows it

    def __init__(self, build_dir, limits=None, settings=None):
        self.bin = pathlib.Path(build_dir).resolve() / "bin"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="smgate-"))
        self.port = free_port()  # fixed, so that a restarted server is found again
        self.url = f"http://127.0.0.1:{self.port}"
        self.server, self.runners = None, {}
        self.limits, self.settings = limits or {}, settings or {}
        self.clone_urls = {}

    def repository(self, name):
        made = Repository(self.folder / "repositories" / name, name)
        self.clone_urls[name] = str(made.folder)
        return made

    def write_json(self, name, value):
        path = self.folder / name
        path.write_text(json.dumps(value, indent=2))
        return path

    def server_config(self):
        return self.write_json("server.jsonc", {
            "listen": f"127.0.0.1:{self.port}",
            "data_folder": str(self.folder / "server"),
            "webhook_secret": SECRET,
            "emulated_satisfies_required": True,
            "repositories": [{"name": name, "clone_url": url} for name, url in self.clone_urls.items()],
            "limits": self.limits, **self.settings})

    def start_server(self, environment=None, restart=False):
        self.server = Process([self.bin / "smgate-server", "serve", "--config", self.server_config()],
                              self.folder / "server.log", environment, restart)
        self.wait_for("the server to listen", lambda: self.answers("/readyz"))
        return self.server

    def start_runner(self, name, arch, device, variables=None, environment=None, restart=False):
        token = subprocess.run([self.bin / "smgate-server", "token", "create", "--runner", name, "--arch", arch,
                                "--config", self.folder / "server.jsonc"], check=True, capture_output=True, text=True)
        config = self.write_json(f"{name}.jsonc", {
            "server": f"ws://127.0.0.1:{self.port}",
            "name": name, "arch": arch, "token": token.stdout.strip(),
            "data_folder": str(self.folder / name), "device": device, "env": variables or {},
            "sandbox": {"enabled": self.sandbox}})
        self.runners[name] = Process([self.bin / "smgate-runner", "agent", "--config", config],
                                     self.folder / f"{name}.log", environment, restart)
        return self.runners[name]

    def request(self, path, body=None, headers=None, timeout_s=30):
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {})
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            text = answer.read()
            return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text.decode()

    def answers(self, path):
        try:
            self.request(path, timeout_s=2)
            return True
        except (OSError, urllib.error.HTTPError):
            return False

    def deliver(self, event, payload, delivery=None):
        """Sends a webhook as GitHub does; returns the answer."""
        body = json.dumps(payload).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return self.request("/webhooks/github", body, {
            "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Event": event, "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
            "X-GitHub-Hook-ID": "292430182", "X-Hub-Signature-256": "sha256=" + signature})

    def wait_for(self, what, condition, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while True:
            value = condition()
            if value:
                return value
            for process in [self.server, *self.runners.values()]:
                if process and not process.restart and process.child.poll() is not None:
                    raise RuntimeError(f"{process.command[0]} ended with {process.child.returncode}; its log says:\n"
                                       + process.log.read_text()[-3000:])
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout_s} s for {what}; the logs are in {self.folder}")
            time.sleep(0.05)

    def run_of(self, commit):
        """The newest run of the commit with its jobs, or None. A server that is just restarting answers later."""
        try:
            page = self.request(f"/api/v1/runs?commit={commit}")
            return self.request(f"/api/v1/runs/{page['runs'][0]['id']}") if page["runs"] else None
        except OSError:
            return None

    def wait_for_verdict(self, commit, timeout_s=60, progress=None):
        def ended():
            run = self.run_of(commit)
            if run and progress:
                progress(run)
            return run if run and run["state"] in ("done", "held", "cancelled") else None
        return self.wait_for(f"a verdict on {commit[:12]}", ended, timeout_s)

    def stop(self):
        for process in [*self.runners.values(), self.server]:
            if process:
                process.stopping = True
        codes = {name: process.stop() for name, process in self.runners.items()}
        if self.server:
            codes["server"] = self.server.stop()
        self.runners, self.server = {}, None
        return codes

    def close(self, keep_folder=False):
        codes = self.stop()
        if not keep_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        return codes
