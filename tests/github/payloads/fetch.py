#!/usr/bin/env python3
"""Brings the pinned webhook payloads into a build folder, once. Usage: fetch.py FOLDER"""
import pathlib
import shutil
import subprocess
import sys

here, folder = pathlib.Path(__file__).parent, pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name in ("package.json", "package-lock.json"):
    shutil.copy(here / name, folder / name)
if not (folder / "node_modules/@octokit/webhooks-examples/api.github.com/index.json").exists():
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
