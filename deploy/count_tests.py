#!/usr/bin/env python3
"""Adds up what the test programs left in a folder: ctest's PRESET.xml, and GoogleTest's files in PRESET/.

Prints the skipped programs, the failed cases and, last, `N passed, N failed`. A program that GoogleTest does not run, or that
died before it could write its cases, counts as one case; one that says what it lacks (a GPU) and skips counts as none.
"""
import pathlib
import sys
import xml.etree.ElementTree as xml


def cases_of_program(file):
    root = xml.parse(file).getroot()
    for case in root.iter("testcase"):
        if case.get("status") == "run" and case.get("result") != "skipped":
            yield f"{case.get('classname')}.{case.get('name')}", case.find("failure") is None


def was_skipped(entry):
    """True if the program itself asked for it; a program that could not be started is a failure."""
    skipped = entry.find("skipped")
    return skipped is not None and skipped.get("message") == "SKIP_REGULAR_EXPRESSION_MATCHED"


def cases_of_preset(junit):
    programs = {file.stem: list(cases_of_program(file)) for file in junit.with_suffix("").glob("*.xml")}
    for entry in xml.parse(junit).getroot().iter("testcase"):
        name, passed = entry.get("name"), entry.get("status") == "run"
        if was_skipped(entry):
            print(f"skipped: {junit.stem}: {name}")
            continue
        cases = programs.get(name, [])
        if not cases or (not passed and all(ok for _, ok in cases)):
            cases = cases + [(f"{name} (the program itself)", passed)]
        yield from ((f"{junit.stem}: {case}", ok) for case, ok in cases)


def main(folder):
    cases = [case for junit in sorted(pathlib.Path(folder).glob("*.xml")) for case in cases_of_preset(junit)]
    failed = [name for name, ok in cases if not ok]
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")


main(sys.argv[1])
