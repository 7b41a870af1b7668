#!/usr/bin/env python3
"""Holds a run of smgate-smoke against Hugging Face transformers: the same checkpoints, the same tokens.

It reads a folder DIR:
  teacher/config.json, teacher/model.safetensors    a Qwen2 model, as from_pretrained reads it
  student/config.json, student/model.safetensors    likewise: the student before its first step
  batch.json     {"batch": B, "seq": S, "inputs": [B*S token ids, row by row], "labels": [B*S], "math": "bf16" | "tf32" |
                 "fp32", "alpha": A, "temperature": T, "lr": LR, "beta1": .., "beta2": .., "adam_eps": ..,
                 "weight_decay": of tensors of two dimensions or more, "gradient_norm_max": the clip; 0: none}
  tokens.i32     optional: the inputs, then the labels, as int32 little-endian; in place of the two lists of batch.json
  logits.f32     the student's logits of step 0, B*S*V float32 little-endian
  gradients.safetensors    the student's gradients of step 0 before clipping, by the parameters' names in transformers
  curve.json     the losses, a list, one a step

Compared: logits and each gradient by ||ours - theirs|| / ||theirs||, the loss of step 0 relatively. Allowed: 2e-2 in bf16,
1e-3 in TF32 and fp32, or what PyTorch's own mode is from its fp32 where that is more: no arithmetic can agree with another
better than with the truth. Of a key's bias twice that: softmax hardly moves with it, so both its gradients are made of what
roundings left, and theirs are not ours. Then PyTorch trains as many steps as curve.json has, and the curves are held together as the clause
DS-7 does: step 0 as above, each step within 5 %, floor(n/100) steps free.

Prints a line a comparison, then `agree` or `differ`. Exit code 0: all agree; 1: something does not; 2: unusable input.

Usage: compare_transformers.py DIR [--device cuda]
       compare_transformers.py --self-test [--device cpu]   a tiny folder made by PyTorch itself must agree, and must
                                                            differ once each of its files is changed
"""
import argparse
import json
import math
import pathlib
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen2Config, Qwen2ForCausalLM

TOLERANCE = {"bf16": 2e-2, "tf32": 1e-3, "fp32": 1e-3}  # of one step; relative
STEP_TOLERANCE, FREE_SHARE = 0.05, 0.01  # of a curve, as DS-7 has them
TIED = "lm_head.weight"  # is the embedding where the two are tied
KEY_BIAS = "k_proj.bias"
FINE = ("alpha", "temperature", "lr", "beta1", "beta2", "adam_eps", "weight_decay", "gradient_norm_max")


class Unusable(Exception):
    """The folder is not as the docstring says."""


class Batch:
    def __init__(self, folder, device):
        values = json.loads((folder / "batch.json").read_text())
        missing = [name for name in ("batch", "seq", "math", *FINE) if name not in values]
        if missing:
            raise Unusable(f"batch.json has no {', '.join(missing)}")
        if values["math"] not in TOLERANCE:
            raise Unusable(f"batch.json: math is {values['math']}, none of {', '.join(TOLERANCE)}")
        self.math, self.shape = values["math"], (values["batch"], values["seq"])
        for name in FINE:
            setattr(self, name, float(values[name]))
        count = self.shape[0] * self.shape[1]
        if (folder / "tokens.i32").exists():
            both = floats_or_ints(folder / "tokens.i32", 2 * count, torch.int32).long()
        else:
            both = torch.tensor(values["inputs"] + values["labels"])
        if both.numel() != 2 * count or len(values.get("inputs", range(count))) not in (0, count):
            raise Unusable(f"{both.numel()} tokens and labels for {count} positions")
        self.inputs, self.labels = (half.reshape(self.shape).to(device) for half in both.split(count))


def floats_or_ints(path, count, dtype):
    """A plain file of little-endian numbers, as this machine has them."""
    if sys.byteorder != "little":
        raise Unusable("this program reads little-endian files on little-endian machines alone")
    if path.stat().st_size != 4 * count:
        raise Unusable(f"{path} has {path.stat().st_size} bytes, not {4 * count}")
    return torch.from_file(str(path), shared=False, size=count, dtype=dtype)


def load_model(folder, device):
    """In fp32; every tensor of the model must come from the file."""
    named = {"attn_implementation": "eager", "output_loading_info": True}
    try:
        model, told = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32, **named)
    except TypeError:  # transformers before 4.56
        model, told = Qwen2ForCausalLM.from_pretrained(folder, torch_dtype=torch.float32, **named)
    tied = {TIED} if model.config.tie_word_embeddings else set()
    wrong = {what: sorted(set(map(str, told[what])) - tied)
             for what in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    if any(wrong.values()):
        raise Unusable(f"{folder}: {', '.join(f'{what} {names[:3]}' for what, names in wrong.items() if names)}")
    model.config.use_cache = False
    declared = json.loads((pathlib.Path(folder) / "config.json").read_text())
    check_theta(model, (declared.get("rope_parameters") or declared).get("rope_theta"), folder)
    return model.to(device)


def check_theta(model, theta, folder):
    # The name of this setting differs between versions of transformers, which ignore one that they do not know.
    if theta is None:
        raise Unusable(f"{folder}/config.json does not say its rope_theta")
    frequencies = model.model.rotary_emb.inv_freq
    expected = float(theta) ** (-1 / len(frequencies))
    if not math.isclose(float(frequencies[1]), expected, rel_tol=1e-4):
        raise Unusable(f"transformers did not take rope_theta {theta} from {folder}/config.json")


class Mode:
    """The arithmetic of matrix products within."""

    def __init__(self, math_mode, device):
        self.precision = "high" if math_mode == "tf32" else "highest"
        self.autocast = torch.autocast(torch.device(device).type, torch.bfloat16, enabled=math_mode == "bf16")

    def __enter__(self):
        self.before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(self.precision)
        self.autocast.__enter__()

    def __exit__(self, *error):
        self.autocast.__exit__(*error)
        torch.set_float32_matmul_precision(self.before)


def distillation_loss(student, teacher, batch):
    log_softmax = torch.nn.functional.log_softmax
    student, teacher = student.float().flatten(0, 1), teacher.float().flatten(0, 1)
    ce = torch.nn.functional.cross_entropy(student, batch.labels.flatten())
    kl = torch.nn.functional.kl_div(log_softmax(student / batch.temperature, -1),
                                    log_softmax(teacher / batch.temperature, -1), log_target=True, reduction="batchmean")
    return batch.alpha * ce + (1 - batch.alpha) * batch.temperature**2 * kl


class Step:
    """The forward and backward pass; leaves the gradients in the student."""

    def __init__(self, teacher, student, batch, math_mode):
        student.zero_grad(set_to_none=True)
        with Mode(math_mode, batch.inputs.device):
            with torch.no_grad():
                wanted = teacher(batch.inputs).logits
            logits = student(batch.inputs).logits
            loss = distillation_loss(logits, wanted, batch)
        with Mode("tf32" if math_mode == "tf32" else "fp32", batch.inputs.device):
            loss.backward()  # autocast belongs to the forward pass; backward does as that did
        self.logits, self.loss = logits.detach().float(), loss.item()

    @staticmethod
    def gradients(student):
        return {name: p.grad.detach().float().cpu() for name, p in student.named_parameters() if p.grad is not None}


def apart(ours, theirs):
    """||ours - theirs|| / ||theirs||, in double so that a large tensor's sum of squares loses nothing."""
    ours, theirs = ours.double().flatten(), theirs.double().flatten()
    size, difference = theirs.norm().item(), (ours - theirs).norm().item()
    return difference / size if size > 0 else (0.0 if difference == 0 else math.inf)


class Comparison:
    def __init__(self, tolerance):
        self.tolerance, self.differ, self.count = tolerance, 0, 0

    def hold(self, what, error, noise=None, tolerance=None):
        tolerance = max(self.tolerance, noise or 0.0) if tolerance is None else tolerance
        good = error <= tolerance  # false where the error is not a number
        self.count += 1
        self.differ += not good
        beside = "" if noise is None else f"  (PyTorch against its fp32: {noise:.2e})"
        print(f"{'ok    ' if good else 'DIFFER'} {what}: {error:.2e}, allowed {tolerance:.1e}{beside}", flush=True)


def compare_first_step(folder, teacher, student, batch, compare):
    exact = Step(teacher, student, batch, "fp32")
    exact_logits, exact_gradients = exact.logits.cpu(), Step.gradients(student)
    theirs = Step(teacher, student, batch, batch.math)
    logits, gradients = theirs.logits.cpu(), Step.gradients(student)
    ours = floats_or_ints(folder / "logits.f32", logits.numel(), torch.float32).reshape(logits.shape)
    compare.hold("logits", apart(ours, logits), apart(logits, exact_logits))
    first = json.loads((folder / "curve.json").read_text())[0]
    compare.hold("loss of step 0", abs(first - theirs.loss) / abs(theirs.loss),
                 abs(theirs.loss - exact.loss) / abs(exact.loss))
    of_file = load_file(folder / "gradients.safetensors")
    if student.config.tie_word_embeddings:
        of_file.pop(TIED, None)
    names = set(of_file) ^ set(gradients)
    if names:
        raise Unusable(f"gradients that only one side has: {', '.join(sorted(names)[:4])}")
    for name in sorted(gradients):
        if of_file[name].numel() != gradients[name].numel():
            raise Unusable(f"the gradient {name} has another shape in the file")
        noise = apart(gradients[name], exact_gradients[name])
        twice = max(compare.tolerance, 2 * noise) if name.endswith(KEY_BIAS) else None
        compare.hold(f"gradient {name}", apart(of_file[name], gradients[name]), noise, twice)


def optimizer_of(student, batch):
    parameters = list(student.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": batch.weight_decay},
              {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=batch.lr, betas=(batch.beta1, batch.beta2), eps=batch.adam_eps)


def train(teacher, student, batch, steps):
    optimizer, losses = optimizer_of(student, batch), []
    for _ in range(steps):
        losses.append(Step(teacher, student, batch, batch.math).loss)
        gradients = [p.grad for p in student.parameters() if p.grad is not None]
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        if batch.gradient_norm_max > 0 and norm > batch.gradient_norm_max:
            torch._foreach_mul_(gradients, (batch.gradient_norm_max / norm).item())
        optimizer.step()
    return losses


def compare_curves(ours, theirs, compare):
    """As DS-7: relative to the larger of the two; floor(n/100) of the steps are free, step 0 is not."""
    def relative(a, b):
        return abs(a - b) / max(abs(a), abs(b)) if max(abs(a), abs(b)) > 0 else 0.0

    errors = [relative(a, b) for a, b in zip(ours, theirs)]
    errors = [math.inf if math.isnan(error) else error for error in errors]
    compare.hold("curve at step 0", errors[0])
    free = math.floor(len(errors) * FREE_SHARE)
    left = sorted(errors, reverse=True)[free:]
    print(f"       curve: {len(ours)} steps, {ours[0]:.6f} to {ours[-1]:.6f}; PyTorch {theirs[0]:.6f} to {theirs[-1]:.6f}")
    compare.hold(f"curve, the worst step but {free} free ones", left[0], tolerance=STEP_TOLERANCE)


def compare_folder(folder, device):
    folder = pathlib.Path(folder)
    batch = Batch(folder, device)
    teacher = load_model(folder / "teacher", device).eval().requires_grad_(False)
    student = load_model(folder / "student", device).train()
    compare = Comparison(TOLERANCE[batch.math])
    compare_first_step(folder, teacher, student, batch, compare)
    ours = json.loads((folder / "curve.json").read_text())
    compare_curves(ours, train(teacher, student, batch, len(ours)), compare)
    print(f"{compare.count - compare.differ} of {compare.count} comparisons agree")
    print("differ" if compare.differ else "agree")
    return 1 if compare.differ else 0


# --- the test of this program

def make_folder(folder, device, math_mode):
    """As smgate-smoke would write it, but by PyTorch: so that the comparison has nothing to find."""
    torch.manual_seed(7)
    rows, columns, vocab = 2, 8, 64
    for name, hidden, heads in (("teacher", 48, 12), ("student", 56, 14)):
        rope = {"rope_type": "default", "rope_theta": 1e6}
        config = Qwen2Config(vocab_size=vocab, hidden_size=hidden, intermediate_size=96, num_hidden_layers=2,
                             num_attention_heads=heads, num_key_value_heads=2, rope_theta=1e6, rope_parameters=rope,
                             rms_norm_eps=1e-6, tie_word_embeddings=True)
        Qwen2ForCausalLM(config).save_pretrained(folder / name)
    tokens = torch.randint(vocab, (rows, columns + 1))
    (folder / "batch.json").write_text(json.dumps({
        "batch": rows, "seq": columns, "inputs": tokens[:, :-1].flatten().tolist(),
        "labels": tokens[:, 1:].flatten().tolist(), "math": math_mode, "alpha": 0.3, "temperature": 4.0, "lr": 1e-3,
        "beta1": 0.9, "beta2": 0.999, "adam_eps": 1e-8, "weight_decay": 0.01, "gradient_norm_max": 1.0}))
    batch = Batch(folder, device)
    teacher, student = load_model(folder / "teacher", device), load_model(folder / "student", device)
    first = Step(teacher, student, batch, math_mode)
    (folder / "logits.f32").write_bytes(first.logits.cpu().contiguous().numpy().tobytes())
    save_file(Step.gradients(student), folder / "gradients.safetensors")
    (folder / "curve.json").write_text(json.dumps(train(teacher, student, batch, 20)))


def damaged(folder, what):
    """Changes one file by more than is allowed; returns how to put it back."""
    path = folder / what
    before = path.read_bytes()
    if what == "logits.f32":
        values = torch.frombuffer(bytearray(before), dtype=torch.float32)
        path.write_bytes((values * 1.03).numpy().tobytes())
    elif what == "curve.json":
        path.write_text(json.dumps([loss * (1.07 if i == 9 else 1) for i, loss in enumerate(json.loads(before))]))
    elif what == "batch.json":
        values = json.loads(before)
        path.write_text(json.dumps({**values, "labels": values["labels"][1:] + values["labels"][:1]}))
    else:
        tensors = load_file(path)
        name = sorted(tensors)[-1]
        tensors[name] = tensors[name] * 1.05
        save_file(tensors, path, metadata={"format": "pt"})
    return lambda: path.write_bytes(before)


def self_test(device):
    failed = 0
    for math_mode in ("bf16", "fp32"):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            make_folder(folder, device, math_mode)
            failed += compare_folder(folder, device) != 0
            for what in ("logits.f32", "gradients.safetensors", "curve.json", "batch.json", "student/model.safetensors"):
                put_back = damaged(folder, what)
                seen = compare_folder(folder, device) == 1
                print(f"{'ok' if seen else 'NOT SEEN'}: {what} changed, {math_mode}\n")
                failed += not seen
                put_back()
    print(f"self-test: {failed} of 12 wrong")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test(options.device)
    if options.folder is None:
        parser.error("give the folder DIR")
    try:
        return compare_folder(options.folder, options.device)
    except (Unusable, OSError, KeyError, ValueError) as error:
        print(f"compare_transformers: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
