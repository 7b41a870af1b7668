#!/usr/bin/env python3
"""Brings GitHub's description of its REST API and a mock of it (pinned in package.json), and cuts the description to the
operations that smgate uses. Run by ctest before the tests of label github; what is there already is kept.

Usage: prepare_api.py FOLDER   writes FOLDER/node_modules, FOLDER/github.json (OpenAPI, for the mock) and
                               FOLDER/operations.json (the same in draft-07's words, for the C++ tests)
"""
import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
OPERATIONS = [
    ("post", "/repos/{owner}/{repo}/check-runs"),
    ("get", "/repos/{owner}/{repo}/check-runs/{check_run_id}"),
    ("patch", "/repos/{owner}/{repo}/check-runs/{check_run_id}"),
    ("get", "/repos/{owner}/{repo}/commits/{ref}/check-runs"),
    ("post", "/repos/{owner}/{repo}/statuses/{sha}"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("get", "/repos/{owner}/{repo}/collaborators/{username}/permission"),
    ("get", "/repos/{owner}/{repo}/installation"),
    ("post", "/app/installations/{installation_id}/access_tokens"),
    ("get", "/app/hook/deliveries"),
    ("post", "/app/hook/deliveries/{delivery_id}/attempts"),
    ("get", "/repos/{owner}/{repo}/pulls"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("get", "/repos/{owner}/{repo}/git/matching-refs/{ref}"),
]


def install(folder):
    if (folder / "node_modules/.package-lock.json").exists():
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=600)


def lookup(document, ref):
    value = document
    for step in ref[2:].split("/"):
        value = value[step]
    return value


def close_over(document, cut, value):
    """Copies into `cut` every component that `value` refers to, and those that they refer to."""
    if isinstance(value, list):
        for item in value:
            close_over(document, cut, item)
    elif isinstance(value, dict):
        ref = value.get("$ref")
        if isinstance(ref, str):
            _, kind, name = ref[2:].split("/")
            if name not in cut.setdefault(kind, {}):
                cut[kind][name] = lookup(document, ref)
                close_over(document, cut, cut[kind][name])
        for item in value.values():
            close_over(document, cut, item)


def without_examples(value):
    if isinstance(value, list):
        return [without_examples(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: without_examples(item) for name, item in value.items() if not (name in ("example", "examples") or name.startswith("x-"))}


def draft_07(value):
    """OpenAPI 3.0's `nullable: true` as draft-07 says it; formats, which are advice, go."""
    if isinstance(value, list):
        return [draft_07(item) for item in value]
    if not isinstance(value, dict):
        return value
    others = {name: draft_07(item) for name, item in value.items() if name not in ("nullable", "format", "discriminator")}
    return {"anyOf": [others, {"type": "null"}]} if value.get("nullable") is True else others


def answers(cut, described):
    """By status: what a good answer looks like, and an example, which the fake GitHub fills its own answers up with."""
    found = {}
    for status, answer in described["responses"].items():
        answer = lookup({"components": cut}, answer["$ref"]) if "$ref" in answer else answer
        content = answer.get("content", {}).get("application/json")
        if status.startswith("2") and content:
            example = next(iter(content.get("examples", {}).values()), {})
            example = lookup({"components": cut}, example["$ref"]) if "$ref" in example else example
            found[status] = {"schema": draft_07(without_examples(content["schema"])), "example": example.get("value")}
    return found


def operation(cut, method, path, described):
    parameters = [lookup({"components": cut}, p["$ref"]) if "$ref" in p else p for p in described.get("parameters", [])]
    body = described.get("requestBody", {})
    return {
        "method": method.upper(), "path": path, "body_required": body.get("required", False),
        "body": draft_07(body.get("content", {}).get("application/json", {}).get("schema")),
        "query": {p["name"]: draft_07(p["schema"]) for p in parameters if p["in"] == "query"},
        "answers": described["answers"],
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    install(folder)
    stamp = folder / "operations.json"
    if stamp.exists() and stamp.stat().st_mtime > pathlib.Path(__file__).stat().st_mtime:
        return
    document = json.loads((folder / "node_modules/@octokit/openapi/generated/api.github.com.json").read_text("utf-8"))
    paths, components = {}, {}
    for method, path in OPERATIONS:
        paths.setdefault(path, {})[method] = document["paths"][path][method]
    close_over(document, components, paths)
    whole = {"openapi": document["openapi"], "info": document["info"], "paths": paths, "components": components}
    (folder / "github.json").write_text(json.dumps(whole))
    described = {(m, p): without_examples(paths[p][m]) | {"answers": answers(components, paths[p][m])} for m, p in OPERATIONS}
    components = without_examples(components)
    operations = [operation(components, m, p, described[m, p]) for m, p in OPERATIONS]
    stamp.write_text(json.dumps({"operations": operations, "components": draft_07(components)}))
    print(f"github api: {len(operations)} operations, {stamp.stat().st_size} bytes")


main()
