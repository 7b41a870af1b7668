#!/usr/bin/env python3
"""The Python emitter with the real Triton and PyTorch: a small kernel beside a small model, trained for twelve steps.

Its events go where SMGATE_EVENTS says; `smgate-runner check` passes the healthy run, and of a run with --drift says
prewarm_key_drift (eps 1e-06 at run time, 1e-05 pre-warmed) first. Both need a GPU.

Usage: SMGATE_EVENTS=DIR emitter_real.py [--drift]
"""
import os
import pathlib
import sys
import tempfile

CACHE = tempfile.TemporaryDirectory()
os.environ["TRITON_CACHE_DIR"] = CACHE.name  # of this run alone: it is cold
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "runner/workload/python"))
import smgate_events as smgate
import torch
import triton
import triton.language as tl
from safetensors.torch import save_file

STEPS, VOCAB, COUNT, BLOCK = 12, 64, 4096, 1024


@triton.jit
def scale(x, y, n, EPS: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + i, mask=i < n) * 2 + EPS, mask=i < n)


def train(model, x, y, checkpoint):
    tokens = torch.randperm(VOCAB)[:34].reshape(2, 17).cuda()
    inputs, labels = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    training = smgate.Training(model, inputs, labels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(STEPS):
        with training.step() as step:
            scale[(COUNT // BLOCK,)](x, y, COUNT, 1e-6, BLOCK)
            loss = torch.nn.functional.cross_entropy(model(inputs).flatten(0, 1), labels.flatten())
            loss.backward()
            step.report(loss)
            optimizer.step()
            optimizer.zero_grad()
    save_file(model.state_dict(), checkpoint)
    training.checkpoint(checkpoint)


def main():
    warmed = 1e-5 if sys.argv[1:] == ["--drift"] else 1e-6
    torch.manual_seed(0)
    smgate.watch_triton()
    with smgate.run("emitter_real", {"steps": STEPS, "batch_size": 2}, cold=True), tempfile.TemporaryDirectory() as out:
        x, y = torch.ones(COUNT, device="cuda"), torch.empty(COUNT, device="cuda")
        with smgate.prewarm("model"):
            smgate.warm(scale, (COUNT // BLOCK,), x, y, COUNT, warmed, BLOCK)
        with smgate.payload("model", bytes=4 * VOCAB * 64):
            model = torch.nn.Sequential(torch.nn.Embedding(VOCAB, 32), torch.nn.Linear(32, VOCAB)).cuda()
        train(model, x, y, f"{out}/trained.safetensors")


if __name__ == "__main__":
    main()
