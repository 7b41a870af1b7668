#!/usr/bin/env python3
"""The distillation smoke's work in PyTorch, as its user would write it: what smgate-smoke is measured beside.

A frozen teacher of Qwen2.5-1.5B's shapes and a student of 0.5B's, seeded random weights, one frozen batch of seeded tokens
whose labels are the next tokens; loss = alpha * CE + (1 - alpha) * T^2 * KL(teacher_T || student_T); fp32 parameters,
gradient clipping, fused AdamW. Arithmetic: bf16 autocast with a teacher in bf16, or TF32.

Prints one JSON line a run: steps, times (from the start of the process, so that imports and compiling count), losses,
peak memory. Exit code 1 where a loss is not finite.

Usage: pytorch_kd.py [--compile] [--math bf16|tf32] [--batch B] [--seq S] [--steps N] [--lr LR] [--clip NORM]
                     [--scale seed|tiny]
"""
import argparse
import json
import math
import os
import time

ALPHA, TEMPERATURE, THETA, EPS = 0.3, 4.0, 1e6, 1e-6
WEIGHT_DECAY, ADAM_EPS, BETAS = 0.01, 1e-8, (0.9, 0.999)
TEACHER_SEED, STUDENT_SEED, TOKEN_SEED = 1, 2, 3
SETTLED_FROM = 5  # earlier steps still compile, allocate and choose algorithms
SHAPES = {  # hidden, intermediate, layers, heads, kv heads, vocabulary
    "seed": {"teacher": (1536, 8960, 28, 12, 2, 151936), "student": (896, 4864, 24, 14, 2, 151936)},
    "tiny": {"teacher": (96, 192, 2, 12, 2, 256), "student": (56, 112, 2, 14, 2, 256)},
}


def process_age_s():
    """Since the kernel started this process: the interpreter and the imports count."""
    with open("/proc/self/stat") as file:
        started_ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/uptime") as file:
        return float(file.read().split()[0]) - started_ticks / os.sysconf("SC_CLK_TCK")


def build(torch, shape, seed):
    from transformers import Qwen2Config, Qwen2ForCausalLM

    hidden, intermediate, layers, heads, kv_heads, vocab = shape
    rope = {"rope_type": "default", "rope_theta": THETA}
    config = Qwen2Config(vocab_size=vocab, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
                         num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=32768,
                         rms_norm_eps=EPS, rope_theta=THETA, rope_parameters=rope, tie_word_embeddings=True,
                         use_cache=False, attn_implementation="sdpa")
    torch.manual_seed(seed)
    with torch.device("cuda"):
        model = Qwen2ForCausalLM(config)
    # The name of this setting differs between versions of transformers: see that it arrived.
    second = float(model.model.rotary_emb.inv_freq[1])
    assert math.isclose(second, THETA ** (-2 / (hidden // heads)), rel_tol=1e-4), f"RoPE theta did not arrive: {second}"
    return model


def make_batch(torch, options, vocab):
    generator = torch.Generator().manual_seed(TOKEN_SEED)
    tokens = torch.randint(vocab, (options.batch, options.seq + 1), generator=generator).cuda()
    return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()


def distillation_loss(torch, student, teacher, labels):
    log_softmax, nll = torch.nn.functional.log_softmax, torch.nn.functional.cross_entropy
    student, teacher = student.float().flatten(0, 1), teacher.float().flatten(0, 1)
    kl = torch.nn.functional.kl_div(log_softmax(student / TEMPERATURE, -1), log_softmax(teacher / TEMPERATURE, -1),
                                    log_target=True, reduction="batchmean")
    return ALPHA * nll(student, labels.flatten()) + (1 - ALPHA) * TEMPERATURE**2 * kl


def optimizer_of(torch, model, lr):
    parameters = list(model.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": WEIGHT_DECAY},
              {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=BETAS, eps=ADAM_EPS, fused=True)


def train(torch, options):
    """Losses, and the seconds of each step with the device at rest around it."""
    bf16 = options.math == "bf16"
    torch.backends.cuda.matmul.allow_tf32 = True
    shapes = SHAPES[options.scale]
    teacher = build(torch, shapes["teacher"], TEACHER_SEED).eval().requires_grad_(False)
    student = build(torch, shapes["student"], STUDENT_SEED)
    teacher = teacher.bfloat16() if bf16 else teacher
    optimizer = optimizer_of(torch, student, options.lr)
    inputs, labels = make_batch(torch, options, shapes["student"][-1])

    def forward():
        with torch.autocast("cuda", torch.bfloat16, enabled=bf16):
            with torch.no_grad():
                wanted = teacher(inputs).logits
            return distillation_loss(torch, student(inputs).logits, wanted, labels)

    forward = torch.compile(forward) if options.compile else forward
    losses, seconds = [], []
    for _ in range(options.steps):
        torch.cuda.synchronize()
        start = time.perf_counter()
        loss = forward()
        loss.backward()
        if options.clip > 0:
            torch.nn.utils.clip_grad_norm_(student.parameters(), options.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
    return losses, seconds


def report(torch, options, imported_s, losses, seconds):
    settled = sorted(seconds[min(SETTLED_FROM, len(seconds) - 1):])
    ended_s = process_age_s()
    print(json.dumps({
        "program": "pytorch_kd", "mode": "compile" if options.compile else "eager", "math": options.math,
        "device": torch.cuda.get_device_name(), "torch": torch.__version__, "scale": options.scale,
        "batch": options.batch, "seq": options.seq, "steps": options.steps, "learning_rate": options.lr,
        "clip": options.clip, "median_step_ms": round(1e3 * settled[len(settled) // 2], 2),
        "first_step_s": round(seconds[0], 3), "start_to_report_s": round(ended_s, 2),
        "imports_s": round(imported_s, 2), "after_imports_s": round(ended_s - imported_s, 2),
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2), "initial_loss": losses[0],
        "final_loss": losses[-1], "rises": sum(b > a for a, b in zip(losses, losses[1:])), "losses": losses,
    }), flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compile", action="store_true", help="the forward pass and the loss through torch.compile")
    parser.add_argument("--math", choices=("bf16", "tf32"), default="bf16")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--seq", type=int, default=256)
    parser.add_argument("--steps", type=int, default=62)
    parser.add_argument("--lr", type=float, default=1.5e-5)
    parser.add_argument("--clip", type=float, default=1.0, help="largest gradient norm; 0: no clipping")
    parser.add_argument("--scale", choices=sorted(SHAPES), default="seed")
    return parser.parse_args()


def main():
    options = parse_options()
    import torch
    import transformers  # noqa: F401  its import is part of what a user waits for

    imported_s = process_age_s()
    losses, seconds = train(torch, options)
    report(torch, options, imported_s, losses, seconds)
    return 0 if all(map(math.isfinite, losses)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
