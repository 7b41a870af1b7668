"""The workload built for aarch64, which hosts of sm_121 are, and run there by QEMU: losses and weights are this build's.

Usage: aarch64_test.py SOURCE SMOKE     says "no cross compiler" or "no QEMU" where one is missing, and is skipped
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE, SMOKE = (pathlib.Path(word) for word in sys.argv[1:])
COMPILER, EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64-static"
RUN = ["--backend", "cpu", "--arch", "sm_121", "--scale", "tiny", "--compiler", "none", "--steps", "5", "--json"]


def checked(command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def build(folder):
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    checked(["cmake", "-G", "Ninja", "-S", SOURCE / "runner/workload", "-B", folder, "-DCMAKE_SYSTEM_NAME=Linux",
             "-DCMAKE_SYSTEM_PROCESSOR=aarch64", f"-DCMAKE_CXX_COMPILER={COMPILER}", "-DCMAKE_BUILD_TYPE=Debug",
             # QEMU 7.2 never comes back from the first thread of a program that is linked dynamically.
             "-DCMAKE_EXE_LINKER_FLAGS=-static", *launcher])
    checked(["cmake", "--build", folder, "--target", "smgate-smoke"])
    return folder / "bin/smgate-smoke"


def run(command, folder):
    """What it says of the run, and the digest of each file that it leaves."""
    said = checked([*command, *RUN, "--out", folder], env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    return said, {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def main():
    for program, words in ((COMPILER, "no cross compiler"), (EMULATOR, "no QEMU")):
        if not shutil.which(program):
            print(f"{words} to test with: {program} is not installed")
            return
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        there = run([EMULATOR, build(folder / "build")], folder / "there")
        here = run([SMOKE], folder / "here")
    assert len(here[1]) == 3, f"three files of weights, not {list(here[1])}"
    assert there == here, f"aarch64: {there}\nhere: {here}"
    print(f"alike on both: {here[0].strip()}")


main()
