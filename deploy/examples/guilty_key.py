#!/usr/bin/env python3
"""Prints the guilty key of the last failing run: python3 guilty_key.py http://127.0.0.1:8080"""
import json
import os
import sys
import urllib.request


def get(path):
    request = urllib.request.Request(sys.argv[1] + path)
    if "SMGATE_TOKEN" in os.environ:
        request.add_header("Authorization", "Bearer " + os.environ["SMGATE_TOKEN"])
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


failing = get("/api/v1/runs?verdict=fail&limit=1")["runs"]
if not failing:
    sys.exit("no run has failed")
for job in get("/api/v1/runs/" + failing[0]["id"])["jobs"]:
    if job["guilty_key"]:
        print(f'{job["arch"]}: {job["guilty_key"]} ({job["causes"][0]["id"]}: {job["causes"][0]["text"]})')
