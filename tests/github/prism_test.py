#!/usr/bin/env python3
"""Sends every request that the client can send to prism, a mock that validates by GitHub's own description.

Usage: prism_test.py FOLDER PROGRAM   FOLDER as prepare_api.py left it; PROGRAM prints the requests
"""
import http.client
import json
import pathlib
import socket
import subprocess
import sys

READY = "Prism is listening"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, method, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Accept": "application/vnd.github+json, application/json"}
    if body:
        headers["Content-Type"] = "application/json"
    connection.request(method, path, body.encode("utf-8") or None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(600).decode("utf-8", "replace")


def prism_refuses(port):
    """What must be refused: else the mock checks nothing."""
    runs = "/repos/acme/kernels/check-runs"
    summary = {"title": "t", "summary": "s" * 65536}
    refused = [
        {"head_sha": "a" * 40, "status": "queued"},
        {"name": "n", "head_sha": "a" * 40, "status": "completed", "conclusion": "passed"},
        {"name": "n", "head_sha": "a" * 40, "status": "queued", "output": summary},
    ]
    return [body for body in refused if ask(port, "POST", runs, json.dumps(body))[0] != 422]


def main():
    folder, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    printed = subprocess.run([program], check=True, capture_output=True, text=True, timeout=60).stdout
    requests = [json.loads(line) for line in printed.splitlines()]
    port = free_port()
    command = ["node", str(folder / "node_modules/@stoplight/prism-cli/dist/index.js"), "mock", "-h", "127.0.0.1", "-p", str(port),
               str(folder / "github.json")]
    failures = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as prism:
        try:
            for line in prism.stdout:
                if READY in line:
                    break
            for request in requests:
                status, text = ask(port, request["method"], request["path"], request["body"])
                if status >= 300:
                    failures.append(f'{request["method"]} {request["path"]}: {status} {text}')
            failures += [f"prism accepted {json.dumps(body)[:200]}" for body in prism_refuses(port)]
        finally:
            prism.terminate()
    print("\n".join(failures))
    print(f"prism: {len(requests)} requests, {len(failures)} failures")
    return 1 if failures or len(requests) < 50 else 0


sys.exit(main())
