#!/usr/bin/env python3
"""Keeps the structure: who may include whom, how long files and functions may be, and which calls are banned.

Usage: check_structure.py ROOT          checks the tree; prints each breach as file:line: sentence; exit 1 where there is one
       check_structure.py --self-test   shows that each rule can fail
"""
import pathlib
import re
import sys

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
SOURCES = ("common", "server", "runner", "tests")

# Stages of the coordinator never use each other; only app, main and the tests know them all.
STAGES = ("http", "intake", "source", "scheduler", "session", "result", "verdict", "reporter", "sender", "recovery", "dashboard")
# Pure code takes values and `now`: no I/O, no clock, no threads.
PURE = ("common/contract/", "common/gate/", "common/protocol/", "server/intake/", "server/scheduler/")
IMPURE_HEADERS = re.compile(r"<(boost/asio|boost/beast|sqlite3|filesystem|fstream|chrono|thread|mutex|unistd|sys/)")

BANNED = {
    r"\bstd::system\s*\(|(?<![\w.:>])system\s*\(": "system(): use a supervised child or run_command",
    r"\b(strcpy|strcat|sprintf|gets|strtok)\s*\(": "unbounded C string call",
    r"\batoi\s*\(|\batof\s*\(": "atoi/atof hide errors: use from_chars",
    r"\brand\s*\(\s*\)|\bstd::random_device\b|\bmt19937": "randomness comes in through Random",
    r"\bstd::this_thread::sleep|(?<![\w.:>])u?sleep\s*\(": "never sleep: wait for the thing itself",
    r"\bdetached\b": "every coroutine is owned",
    r"\bsystem_clock::now\b": "wall time comes in through Clock",
    r"\busing namespace std;": "no using namespace std",
}
ALLOWED = {  # the one door each
    "common/clock.cpp": ("system_clock",),
    "common/random.cpp": ("randomness",),
}


def sources(root):
    for top in SOURCES:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".cu") and "node_modules" not in path.parts:
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8").splitlines()


def code_of(line):
    """The line without string literals and // comments, so that words in them break nothing."""
    line = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
    return line.split("//", 1)[0]


def stage_of(name):
    parts = name.split("/")
    return parts[1] if parts[0] == "server" and len(parts) > 2 else None


def edge_breach(name, included):
    top, other = name.split("/")[0], included.split("/")[0]
    if top in ("server", "runner") and other in ("server", "runner") and top != other:
        return f"{top} never includes {other}"
    if top == "common" and other in ("server", "runner"):
        return "common includes neither server nor runner"
    if name.startswith("runner/workload/") and other in ("common", "server") or other == "tests" and top != "tests":
        return f"{included} is out of reach from here"
    stage, used = stage_of(name), stage_of(included)
    if stage in STAGES and used in STAGES and stage != used and not (stage in ("session", "dashboard") and used == "http"):
        return f"stage {stage} never uses stage {used}"
    return None


def include_breaches(name, lines):
    for number, line in enumerate(lines, 1):
        quoted = re.match(r'\s*#include "([^"]+)"', line)
        if quoted and (breach := edge_breach(name, quoted.group(1))):
            yield number, breach
        if quoted and name.startswith("common/contract/") and re.match(r"common/(file|git|subprocess|clock)\.hpp", quoted.group(1)):
            yield number, "contract evaluation is pure"
        if re.match(r"\s*#include <", line) and name.startswith(PURE) and IMPURE_HEADERS.search(line):
            yield number, "pure code includes no I/O, clock or thread header"
        if re.search(r"#include <sqlite3", line) and not name.startswith(("server/store/", "tests/")):
            yield number, "SQL is known to the store alone"


OPENS_FUNCTION = re.compile(
    r"( {0,2})(?!namespace|class|struct|enum|union|extern|using|constexpr std::array|const )[\w:~<\[].*\) ?(const|noexcept|override|final|->|mutable|\w+\()?.*\{$")
BEGINS_SIGNATURE = re.compile(r"( {0,2})[\w:~<\[].*\(")


def joined_signature(lines, index):
    """The signature that begins in this line, as one line, where it goes on in the next ones; else the line itself."""
    text = lines[index].rstrip()
    if not BEGINS_SIGNATURE.match(text):
        return text
    for line in lines[index + 1:index + 12]:  # a longer list of parameters is no signature of ours
        if text.endswith(("{", ";", "}")) and text.count("(") <= text.count(")"):
            break
        text += " " + line.strip()
    return text


def function_breaches(name, lines):
    """clang-format closes a function at its own indentation; raw strings (kernel sources) are skipped."""
    start, indent, raw = None, "", False
    for number, line in enumerate(lines, 1):
        if raw:
            raw = not re.search(r'\)[A-Za-z_]*"', line)
            continue
        raw = bool(re.search(r'R"[A-Za-z_]*\((?!.*\)[A-Za-z_]*")', line))
        if start is None and not raw:
            signature = joined_signature(lines, number - 1)
            opened = OPENS_FUNCTION.match(signature)
            if opened and not signature.endswith("};"):
                start, indent = number, opened.group(1)
        elif line.startswith(indent + "}"):
            if number - start + 1 > FUNCTION_LINES_MAX:
                yield start, f"function of {number - start + 1} lines; the limit is {FUNCTION_LINES_MAX}"
            start = None


def call_breaches(name, lines):
    for number, line in enumerate(lines, 1):
        for pattern, why in BANNED.items():
            if re.search(pattern, code_of(line)) and not any(word in why or word in pattern for word in ALLOWED.get(name, ())):
                yield number, why


def breaches(name, lines):
    if len(lines) > FILE_LINES_MAX:
        yield len(lines), f"file of {len(lines)} lines; the limit is {FILE_LINES_MAX}"
    yield from include_breaches(name, lines)
    yield from function_breaches(name, lines)
    yield from call_breaches(name, lines)


def check(root):
    count = files = 0
    for name, lines in sources(root):
        files += 1
        for number, sentence in breaches(name, lines):
            print(f"{name}:{number}: {sentence}")
            count += 1
    print(f"structure: {files} files, {count} breaches")
    return 1 if count or not files else 0


def self_test():
    long_function = ["void f() {"] + ["  g();"] * FUNCTION_LINES_MAX + ["}"]
    wrapped_function = ["std::string f(int a,", "              int b) {"] + ["  g();"] * FUNCTION_LINES_MAX + ["}"]
    cases = [
        ("server/a/x.cpp", ['#include "runner/exec/child.hpp"']),
        ("common/x.cpp", ['#include "server/app.hpp"']),
        ("server/intake/x.cpp", ['#include "server/verdict/verdict.hpp"']),
        ("common/contract/x.cpp", ["#include <chrono>"]),
        ("server/verdict/x.cpp", ["#include <sqlite3.h>"]),
        ("runner/workload/x.cpp", ['#include "common/ids.hpp"']),
        ("common/x.cpp", ["int x;"] * (FILE_LINES_MAX + 1)),
        ("common/x.cpp", long_function),
        ("common/x.cpp", wrapped_function),
        ("common/x.cpp", ["  int r = rand();"]),
        ("tests/x.cpp", ["  usleep(5);"]),
    ]
    silent = [case for case in cases if not list(breaches(*case))]
    loud = list(breaches("server/app.cpp", ['#include "server/intake/intake.hpp"', "int x = 1;  // never sleep(1)"]))
    print(f"self-test: {len(cases)} breaches made, {len(silent)} not seen, {len(loud)} seen where none is")
    return 1 if silent or loud else 0


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1] == "--self-test" else check(pathlib.Path(sys.argv[1])))
