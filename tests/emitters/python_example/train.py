"""A trainer whose kernels are compiled at run time, gated by smgate: it trains a table of bigrams on one frozen batch.

No GPU, no PyTorch: kernels are Python functions compiled from text, and the run says that it is emulated. Everything that
the gate asks for is a line with `smgate.`; smgate_events.py stands beside this file. With Triton, smgate.watch_triton()
reports the cache's part by itself; with PyTorch, smgate.Training(model, inputs, labels) the rest.
"""
import array
import hashlib
import json
import math
import os
import struct
import time

import smgate_events as smgate

VOCAB, ROWS, COLUMNS, SMOOTHING, RATE = 32, 2, 12, 1e-3, 2.0
STEPS = min(30, int(os.environ.get("SMGATE_STEPS_MAX", 30)))  # a second run of the gate needs fewer
ARCH = os.environ.get("SMGATE_ARCH", "sm_89")


# --- the kernels: a key that names every constant of the body, and the body

def bits(value):
    return struct.pack(">f", value).hex()


def cross_entropy(vocab, eps):
    """Loss and gradient of one position; the labels are smoothed by eps."""
    return f"cross_entropy_{vocab}_eps{bits(eps)}", f"""
def kernel(x, dx, label, scale):
    top = max(x)
    sum_ = sum(math.exp(v - top) for v in x)
    loss = 0
    for i in range({vocab}):
        p, t = math.exp(x[i] - top) / sum_, {eps} / {vocab} + (1 - {eps} if i == label else 0)
        loss -= t * math.log(p)
        dx[i] += (p - t) * scale
    return loss
"""


def sgd(rows, vocab):
    return f"sgd_{rows}x{vocab}", f"""
def kernel(weights, gradient, rate):
    for r in range({rows}):
        for i in range({vocab}):
            weights[r][i] -= rate * gradient[r][i]
    return math.sqrt(sum(g * g for row in gradient for g in row))
"""


# --- the cache

cache = {}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def built(key, body):
    start, names = time.perf_counter(), {"math": math}
    code = compile(body, key, "exec")
    exec(code, names)
    smgate.compile("kernels", key, digest(body), ARCH, len(code.co_code), 1e3 * (time.perf_counter() - start))
    smgate.load(digest(repr(code.co_code) + key), "kernels", key, ARCH, len(code.co_code), native=True)
    return names["kernel"]


def offer(kernel):
    key, body = kernel
    smgate.offer("bigrams", "kernels", key, digest(body))
    if key not in cache:
        cache[key] = built(key, body)


def get(kernel):
    key, body = kernel
    smgate.lookup("bigrams", "kernels", key, digest(body), hit=key in cache)
    if key not in cache:
        cache[key] = built(key, body)
    return cache[key]


# --- the run

def prewarm():
    with smgate.prewarm("bigrams", "kernels"):
        offer(cross_entropy(VOCAB, SMOOTHING))
        offer(sgd(VOCAB, VOCAB))
    page, pages, free = (os.sysconf(name) for name in ("SC_PAGE_SIZE", "SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
    smgate.memory(free * page, pages * page, unified=True)


def save(path, weights):
    data = array.array("f", [value for row in weights for value in row]).tobytes()
    header = json.dumps({"w": {"dtype": "F32", "shape": [VOCAB, VOCAB], "data_offsets": [0, len(data)]}}).encode()
    with open(path, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header + data)


def train():
    with smgate.payload("bigrams", bytes=8 * VOCAB * VOCAB):
        weights = [[0.0] * VOCAB for _ in range(VOCAB)]
        save("initial.safetensors", weights)
    count = ROWS * COLUMNS
    inputs = [[i * 5 % VOCAB for i in range(r * COLUMNS, (r + 1) * COLUMNS)] for r in range(ROWS)]
    labels = [[(i * 7 + 3) % VOCAB for i in range(r * COLUMNS, (r + 1) * COLUMNS)] for r in range(ROWS)]
    training = smgate.Training(inputs=inputs, labels=labels)
    for _ in range(STEPS):
        with training.step() as step:
            gradient, loss = [[0.0] * VOCAB for _ in range(VOCAB)], 0
            for token, label in zip(sum(inputs, []), sum(labels, [])):
                loss += get(cross_entropy(VOCAB, SMOOTHING))(weights[token], gradient[token], label, 1 / count) / count
            norm = get(sgd(VOCAB, VOCAB))(weights, gradient, RATE)
            step.report(loss, grad_norm=norm)
    save("trained.safetensors", weights)
    smgate.checkpoint("trained.safetensors", initial=smgate.read_safetensors("initial.safetensors"))


if __name__ == "__main__":
    config = {"steps": STEPS, "batch_size": ROWS, "learning_rate": RATE}
    with smgate.run("bigrams", config, ARCH, "this machine's processor", emulated=True, cold=True):
        prewarm()
        train()
