"""What the jobs of the browser tests report: recorded runs of the reference workload, and made ones that are large.

Used as a program by the stages of these jobs, so that everything takes the way of any other job: a runner starts it,
collects its events and its output, and sends them.

Usage: recordings.py NAME ARCH    writes into the folder that SMGATE_EVENTS names
"""
import json
import os
import pathlib
import struct
import sys

CASES = pathlib.Path(os.environ.get("SMGATE_CASES", "."))
LARGE_KEYS = 10_000
LARGE_STEPS = 20_000


class Events:
    def __init__(self, name="run.jsonl"):
        self.file = open(pathlib.Path(os.environ["SMGATE_EVENTS"]) / name, "a", encoding="utf-8")
        self.seq = 0

    def say(self, ev, **fields):
        self.file.write(json.dumps({"ev": ev, "seq": self.seq, "t_ns": 1_000_000 * self.seq, "pid": 7, "rank": 0,
                                    "source": "self", **fields}, separators=(",", ":")) + "\n")
        self.seq += 1

    def flush(self):
        self.file.flush()


def checkpoint():
    """Of one tensor, in the job's folder: the runner reads what a run names."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    content = struct.pack("<Q", len(header)) + header + struct.pack("<f", 0.5)
    path = pathlib.Path("trained.safetensors").resolve()
    path.write_bytes(content)
    return {"path": str(path), "bytes": len(content), "tensors": 1, "tensors_changed": 1}


def recorded(name, arch, change=lambda event: event):
    """A run of the smoke, recorded; its checkpoint is made here."""
    lines = []
    for line in (CASES / "faults" / f"{name}-{arch}.jsonl").read_text().splitlines():
        event = change(json.loads(line))
        lines.append(json.dumps({**event, **checkpoint()} if event["ev"] == "checkpoint" else event))
    (pathlib.Path(os.environ["SMGATE_EVENTS"]) / "run.jsonl").write_text("".join(line + "\n" for line in lines))
    print(f"{name} on {arch}: {len(lines)} events of a recorded run", flush=True)


def parted(arch):
    """The healthy recording, but on one architecture the loss is a fifth too high from step 6 on."""
    def higher(event):
        if arch == "sm_121" and event["ev"] == "step" and event["step"] >= 6:
            event["loss"] *= 1.2
        return event
    recorded("healthy", arch, higher)


def begin(events, arch, steps):
    events.say("run_start", workload="large", version="1", arch=arch, device=f"{arch} (emulated)", emulated=True, cold=True,
               config={"steps": steps})


def large(arch):
    """10,000 keys, one of which nobody warmed, and a long curve."""
    events = Events()
    begin(events, arch, LARGE_STEPS)
    keys = [f"gemm_forward_{i % 100}_{i // 100}_64" for i in range(LARGE_KEYS)]
    events.say("prewarm_begin", scope="model", cache="forward")
    for key in keys[1:]:
        events.say("offer", scope="model", cache="forward", key=key, body="sha256:" + key)
    events.say("prewarm_end", scope="model", cache="forward")
    for key in keys:
        events.say("lookup", scope="model", cache="forward", key=key, body="sha256:" + key, hit=key != keys[0])
    for step in range(LARGE_STEPS):
        events.say("step", step=step, loss=2 + 6 / (1 + step / 900) + 0.05 * ((step * 7919) % 101) / 101, grad_norm=1.5,
                   tokens=4096, ms=12.5)
    events.say("run_end", status="ok")
    for line in range(5000):
        print(f"line {line + 1}: nothing happened")
    print("\x1b[31merror: unexpected gamma\x1b[0m in <script>alert(1)</script>")


def live(arch):
    """Reports a step for each line that the test writes into a pipe, and ends with it."""
    events = Events()
    begin(events, arch, 20)
    events.flush()
    print("the job waits for its test", flush=True)
    with open(os.environ["SMGATE_PIPE"], encoding="utf-8") as pipe:
        for step, line in enumerate(pipe):
            events.say("step", step=step, loss=8 - 0.3 * step, grad_norm=1.0, tokens=64, ms=5.0)
            events.flush()
            print(f"step {step}: {line.strip()}", flush=True)
    events.say("run_end", status="ok")


def main(name, arch):
    if name in ("large", "live", "parted"):
        globals()[name](arch)
    else:
        recorded(name, arch)


if __name__ == "__main__":
    main(*sys.argv[1:])
