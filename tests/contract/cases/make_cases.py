#!/usr/bin/env python3
"""Writes the cases beside this file: NAME.jsonl is a run's events, NAME.expected.json what judge must say of it
(verdict, causes in their order, findings as [clause, kind, key or null], clauses whose outcome matters), and
NAME.policy.json the policy, where it is not the default. Each case changes one thing of a healthy run.

Usage: make_cases.py   (after a change here; the files are committed, the tests read only them)
"""
import json
import pathlib

HERE = pathlib.Path(__file__).parent
MB = 1_000_000
GB = 1_000 * MB
EPS6, EPS5 = "358637bd", "3727c5ac"
CASES = {}


class Run:
    """A process's events in their order. Phases are methods, so that a case leaves one out or puts something between."""

    def __init__(self, pid=7, rank=0):
        self.events, self.pid, self.rank = [], pid, rank

    def ev(self, event, /, **fields):
        head = {"ev": event, "seq": len(self.events), "t_ns": 1000 * (len(self.events) + 1), "pid": self.pid,
                "rank": self.rank, "source": "self"}
        self.events.append({**head, **fields})
        return self

    def start(self, steps=12, arch="sm_89", **fields):
        config = {"steps": steps, "batch_size": 2, "alpha": 0.3, "learning_rate": 1.5e-5}
        return self.ev("run_start", workload="case", config=config, arch=arch, emulated=True, cold=fields.pop("cold", True), **fields)

    def compile(self, key, body, target="sm_89", load=True, at="kernels.cpp:1", **fields):
        self.ev("compile", cache="kernels", key=key, body=body, target=target, bytes=2048, ms=1.5, ok=True, at=at)
        if load:
            self.ev("load", module="m-" + body, cache="kernels", key=key, target=target, bytes=2048, native=fields.get("native", True))
        return self

    def offer(self, scope, key, body, taken=False, **fields):
        self.ev("offer", scope=scope, cache="kernels", key=key, body=body, at=f"prewarm.cpp:{len(self.events)}")
        return self if taken else self.compile(key, body, **fields)

    def prewarm(self, scope="model", kernels=None, **fields):
        self.ev("prewarm_begin", scope=scope, cache="kernels")
        for key, body in (KERNELS if kernels is None else kernels).items():
            self.offer(scope, key, body, **fields)
        return self.ev("prewarm_end", scope=scope, cache="kernels", claimed=len(KERNELS))

    def payload(self, scope="model", free=20 * GB, declared=2 * MB, weights=True):
        if free is not None:
            self.ev("memory", free=free, total=24 * GB, unified=False)
        self.ev("payload_begin", scope=scope, bytes=declared)
        if weights:
            self.ev("weights", scope=scope, path="w.safetensors", claimed_container="safetensors", container="safetensors", ok=True, finite=True)
        self.ev("alloc", name=scope + ".weights", bytes=MB)
        return self.ev("payload_end", scope=scope, bytes=declared)

    def batch(self, inputs=("p1", "p2", "p3", "p4"), labels=(5, 6, 7, 5), frozen=True, **fields):
        return self.ev("batch", frozen=frozen, digest="b", inputs=list(inputs), labels=list(labels), **fields)

    def use(self, kernels=None, scope="model", present=None):
        """Looks each up; what is not there is compiled."""
        for key, body in (KERNELS if kernels is None else kernels).items():
            hit = key in (KERNELS if present is None else present)
            self.ev("lookup", scope=scope, cache="kernels", key=key, body=body, hit=hit, at="model.cpp:9")
            if not hit:
                self.compile(key, body, at="model.cpp:9")
        return self

    def steps(self, losses=None, norm=1.0, **fields):
        for index, loss in enumerate(FALLING if losses is None else losses):
            step = {"step": index, "loss": loss, "ce": None if loss is None else fields.get("ce", 5.0), "grad_norm": norm, "tokens": 4, "ms": 2.0}
            self.ev("step", **{name: value for name, value in step.items() if value is not None})
        return self

    def checkpoint(self, **fields):
        checkpoint = {"path": "out.safetensors", "claimed_container": "safetensors", "container": "safetensors",
                      "bytes": 4096, "whole": True, "tensors": 3, "tensors_changed": 3, "initial_digest": "i",
                      "final_digest": "f", "finite": True}
        return self.ev("checkpoint", **{**checkpoint, **fields})

    def end(self, status="ok", **fields):
        return self.ev("run_end", status=status, **fields)

    def died(self, symptom="CUDA error: CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered"):
        return self.ev("error", text=symptom).end("failed", symptom=symptom)


NORM = "batched_rmsnorm_fwd_64_eps"
KERNELS = {"silu_forward": "b-silu", NORM + EPS6: "b-norm6", "batched_rope_fwd_4_16_32_th49742400": "b-rope"}
FALLING = [2.0 * 0.93 ** i for i in range(12)]
NOISY = [2.0 * 0.93 ** i * (1.06 if i % 3 == 2 else 1.0) for i in range(16)]  # a third of the steps rise


def case(name, run, verdict, causes=(), findings=(), clauses=None, warnings=0, policy=None):
    CASES[name] = (run, {"verdict": verdict, "causes": list(causes), "findings": [list(f) for f in findings],
                         "clauses": clauses or {}, "warnings": warnings}, policy)


def healthy():
    return Run().start().prewarm().payload().batch().use().steps().checkpoint().end()


def begun(**fields):
    return Run().start(**fields).prewarm().payload().batch()


def finished(run):
    return run.steps().checkpoint().end()


ALL_PASS = {f"KC-{i}": "pass" for i in range(1, 8)} | {f"DS-{i}": "pass" for i in range(1, 6)}
case("healthy", healthy(), "pass", clauses={**ALL_PASS, "DS-6": "not_applicable"})

# KC-1
silent = Run().start().batch().steps().checkpoint().end()
case("cache_silent", silent, "inconclusive", ["cache_silent"], clauses={"KC-1": "inconclusive", "KC-2": "inconclusive", "DS-3": "pass"})
case("prewarm_not_marked", finished(Run().start().compile("silu_forward", "b-silu").payload().batch().use({"silu_forward": "b-silu"})),
     "inconclusive", clauses={"KC-1": "inconclusive", "KC-3": "inconclusive"})
case("not_attested_cold", finished(Run().start(cold=False).prewarm().payload().batch().use()), "inconclusive",
     clauses={"KC-1": "inconclusive", "KC-2": "pass"})
unended = Run().start().ev("prewarm_begin", scope="model", cache="kernels").offer("model", "silu_forward", "b-silu").died("Error: no more")
case("prewarm_never_ended", unended, "fail", findings=[["DS-1", "no_steps", None]], clauses={"KC-1": "inconclusive"})

# KC-2 and KC-3
wrong_eps = {**{k: v for k, v in KERNELS.items() if NORM not in k}, NORM + EPS5: "b-norm5"}
case("drift_eps", finished(Run().start().prewarm(kernels=wrong_eps).payload().batch().use(present=wrong_eps)), "fail", ["prewarm_key_drift"],
     [["KC-2", "drifted", NORM + EPS6], ["KC-3", "drifted", NORM + EPS6], ["KC-6", "waste", NORM + EPS5]])
short = {"silu_forward": "b-silu", "batched_rmsnorm_fwd_64": "b-norm6"}
case("drift_absent_token_then_missing", finished(Run().start().prewarm(kernels=short).payload().batch().use(present=short)), "fail",
     ["prewarm_key_drift", "prewarm_missing"],
     [["KC-2", "drifted", NORM + EPS6], ["KC-3", "drifted", NORM + EPS6], ["KC-6", "waste", "batched_rmsnorm_fwd_64"],
      ["KC-2", "missing", "batched_rope_fwd_4_16_32_th49742400"], ["KC-3", "missing", "batched_rope_fwd_4_16_32_th49742400"]])
# Another kernel of the same family is no drift.
fewer = {k: v for k, v in KERNELS.items() if "rope" not in k} | {"batched_rope_bwd_4_16_32_th49742400": "b-ropeb"}
case("missing_is_not_drift", finished(Run().start().prewarm(kernels=fewer).payload().batch()
     .use({**KERNELS, "batched_rope_bwd_4_16_32_th49742400": "b-ropeb"}, present=fewer)), "fail", ["prewarm_missing"],
     [["KC-2", "missing", "batched_rope_fwd_4_16_32_th49742400"], ["KC-3", "missing", "batched_rope_fwd_4_16_32_th49742400"]])
# Two words for a type: another kernel.
typed = {**KERNELS, "gemm_f32_64_64": "b-f32"}
case("other_type_is_missing", finished(Run().start().prewarm(kernels=typed).payload().batch().use(typed | {"gemm_bf16_64_64": "b-bf16"}, present=typed)),
     "fail", ["prewarm_missing"], [["KC-2", "missing", "gemm_bf16_64_64"], ["KC-3", "missing", "gemm_bf16_64_64"]])
skip = Run().start().prewarm().ev("prewarm_begin", scope="backward", cache="kernels").ev("prewarm_end", scope="backward", cache="kernels")
skip.payload().batch().use().use({"silu_backward": "b-silub", "batched_rmsnorm_fwd_32_eps" + EPS6: "b-norm32"}, scope="backward")
case("skipped", finished(skip), "fail", ["prewarm_skipped"],
     [[c, "skipped", k] for c in ("KC-2", "KC-3") for k in ("silu_backward", "batched_rmsnorm_fwd_32_eps" + EPS6)])
shared = Run().start().ev("prewarm_begin", scope="model", cache="kernels")
for index, body in enumerate(KERNELS.values()):
    shared.offer("model", "silu_forward", body, taken=index > 0)
shared.ev("prewarm_end", scope="model", cache="kernels", claimed=3).payload().batch()
stopped = Run()
stopped.events = list(shared.events)
LOST = [k for k in KERNELS if k != "silu_forward"]
case("collided", finished(shared.use(present={"silu_forward"})), "fail", ["prewarm_key_collision"],
     [["KC-4", "two_bodies", "silu_forward"]] + [[c, "collided", k] for c in ("KC-2", "KC-3") for k in LOST])
first_lost = NORM + EPS6
stopped.use({"silu_forward": "b-silu", first_lost: "b-norm6"}, present={"silu_forward"}).died()
case("collided_and_stopped", stopped, "fail", ["prewarm_key_collision"],
     [["KC-4", "two_bodies", "silu_forward"], ["KC-2", "collided", first_lost], ["KC-3", "collided", first_lost], ["DS-1", "no_steps", None]])
# Two models that share a kernel offer the same body twice: no collision.
twice = Run().start().prewarm().ev("prewarm_begin", scope="student", cache="kernels").offer("student", "silu_forward", "b-silu", taken=True)
case("one_body_offered_twice", finished(twice.ev("prewarm_end", scope="student", cache="kernels").payload().batch().use()), "pass")
# A key with more tokens than its body needs: the second key costs a compile, and breaks nothing.
over = {**KERNELS, "scale_forward_64": "b-scale", "scale_forward_128": "b-scale"}
case("over_specified_key", finished(Run().start().prewarm(kernels=over).payload().batch().use(over, present=over)), "pass", warnings=1)
case("miss_declared", finished(begun().use({**KERNELS, "autotune_probe_1": "b-probe"})), "pass", warnings=2,
     policy={"exceptions": [{"clause": c, "pattern": "autotune_*", "reason": "probes on purpose"} for c in ("KC-2", "KC-3")]})
case("late_load", finished(begun().use().ev("load", module="cublas", target="sm_89", bytes=9 * MB, native=True)), "fail", ["late_load"], [["KC-3", "late_load", None]])
evicted = begun().use().ev("unload", module="m-b-silu", cache="kernels", key="silu_forward")
case("evicted", finished(evicted.ev("lookup", scope="model", cache="kernels", key="silu_forward", body="b-silu", hit=False).compile("silu_forward", "b-silu")),
     "fail", ["kernel_evicted"], [["KC-3", "evicted", "silu_forward"]])
case("unlogged_compile", finished(begun().use().ev("compile", cache="driver", ok=True, log="JIT of one module")), "fail", [], [["KC-3", "unlogged_jit", None]])
# Marks that come after what they mark: the compile belongs to the next one, of whatever kind.
marks = Run().start().compile("silu_forward", "b-silu").ev("compile", cache="driver", ok=True)
marks.ev("prewarm_end", scope="model", claimed=1).payload().batch().ev("lookup", cache="kernels", key="silu_forward", body="b-silu", hit=True)
case("compile_before_its_mark", finished(marks), "pass")
# A late compile of the first model is not the second model's pre-warm, though its mark follows.
late_first = Run().start().prewarm().use({"gelu_forward": "b-gelu"}).prewarm("student", {"tanh_forward": "b-tanh"}).payload().batch()
case("late_before_another_prewarm", finished(late_first.use(KERNELS | {"tanh_forward": "b-tanh"}, present=KERNELS | {"tanh_forward": 1})), "fail",
     ["prewarm_missing"], [["KC-2", "missing", "gelu_forward"], ["KC-3", "missing", "gelu_forward"]])

# KC-4
case("wrong_body", finished(begun().use({**KERNELS, NORM + EPS6: "b-norm6-right"})), "fail", ["prewarm_body_mismatch"], [["KC-4", "body_mismatch", NORM + EPS6]])

# KC-5
case("ptx", finished(Run().start().prewarm(target="compute_89", native=False).payload().batch().use()), "fail", ["target_mismatch"],
     [["KC-5", "target_mismatch", "batched_rmsnorm_fwd_64_eps358637bd"]])
case("ptx_declared", finished(Run().start().prewarm(target="compute_89", native=False).payload().batch().use()), "pass",
     policy={"policy": {"run_time_ptx_declared": {"reason": "kernels are generated as PTX"}}})
PTX_DECLARED = {"policy": {"run_time_ptx_declared": {"reason": "kernels are generated as PTX"}}}
case("ptx_declared_is_no_cubin_of_another_major", finished(Run().start(arch="sm_121").prewarm(target="sm_89", native=False).payload().batch().use()), "fail",
     ["target_mismatch"], [["KC-5", "target_mismatch", "batched_rmsnorm_fwd_64_eps358637bd"]], policy=PTX_DECLARED)
case("compiled_by_the_driver_for_nobody_knows_what", finished(begun().use().ev("load", module="x", bytes=9, native=False)), "fail", ["late_load", "target_mismatch"],
     [["KC-3", "late_load", None], ["KC-5", "target_mismatch", "x"]])
case("cubin_of_a_lower_minor", finished(Run().start(arch="sm_121").prewarm(target="sm_120").payload().batch().use()), "pass")
case("cubin_of_another_major", finished(Run().start(arch="sm_121").prewarm(target="sm_89").payload().batch().use()), "fail", ["target_mismatch"],
     [["KC-5", "target_mismatch", "batched_rmsnorm_fwd_64_eps358637bd"]])

# KC-6 and KC-7
unused = {**KERNELS, "gemm_forward_64_64_128": "b-gemm"}
case("waste", finished(Run().start().prewarm(kernels=unused).payload().batch().use()), "fail", ["prewarm_waste"], [["KC-6", "waste", "gemm_forward_64_64_128"]])
case("waste_declared", finished(Run().start().prewarm(kernels=unused).payload().batch().use()), "pass", warnings=1,
     policy={"exceptions": [{"clause": "KC-6", "pattern": "gemm_*", "reason": "fallback for other shapes"}]})
case("waste_within_budget", finished(Run().start().prewarm(kernels=unused).payload().batch().use()), "pass", warnings=1, policy={"policy": {"waste_budget_bytes": 4096}})
late_warm = Run().start().prewarm().payload().prewarm("student", {"tanh_forward": "b-tanh"}).batch()
case("prewarm_after_payload", finished(late_warm.use(KERNELS | {"tanh_forward": "b-tanh"}, present=KERNELS | {"tanh_forward": 1})), "fail",
     ["prewarm_after_payload"], [["KC-7", "prewarm_after_payload", None]])
case("workspace", finished(begun().ev("alloc", name="attention_workspace", bytes=7 * GB).use()), "fail", ["workspace_over_budget"], [["KC-7", "workspace_over_budget", "attention_workspace"]])
case("workspace_refused", begun().ev("alloc", name="attention_workspace", bytes=60 * GB, ok=False).died("out of memory"), "fail", ["workspace_over_budget"],
     [["KC-7", "workspace_over_budget", "attention_workspace"], ["DS-1", "no_steps", None]])
case("payload_over_memory", finished(Run().start().prewarm().payload(free=GB, declared=2 * GB).batch().use()), "fail", [], [["KC-7", "payload_over_free_memory", None]])

# DS-1 and DS-2
gap = begun().use().steps(FALLING[:6])
for index in range(7, 12):
    gap.ev("step", step=index, loss=FALLING[index], grad_norm=1.0)
case("missing_step", gap.checkpoint().end(), "fail", [], [["DS-1", "missing_steps", None]], {"DS-3": "inconclusive"})
case("missing_loss", begun().use().steps(FALLING[:5] + [None] + FALLING[6:]).checkpoint().end(), "fail", [], [["DS-1", "missing_loss", None]], {"DS-2": "inconclusive"})
case("too_few_steps", begun(steps=5).use().steps(FALLING[:5]).checkpoint().end(), "fail", [], [["DS-1", "too_few_steps", None]], {"DS-3": "inconclusive"})
case("fewer_than_declared", begun(steps=14).use().steps().checkpoint().end(), "fail", [], [["DS-1", "too_few_steps", None]])
case("cut_short", begun().use().steps(FALLING[:11]), "fail", [], [["DS-1", "too_few_steps", None]], {"KC-2": "inconclusive", "KC-3": "inconclusive"})
case("end_not_reported", begun().use().steps().checkpoint(), "inconclusive", clauses={"KC-2": "inconclusive", "DS-1": "pass", "DS-3": "pass"})
case("nan", begun().use().steps(FALLING[:4] + ["NaN"] * 8).checkpoint().end(), "fail", ["loss_not_finite"], [["DS-2", "loss_not_finite", None]], {"DS-3": "inconclusive"})
case("gradient_infinite", begun().use().steps(norm="Infinity").checkpoint().end(), "fail", ["loss_not_finite"], [["DS-2", "grad_norm_not_finite", None]], {"DS-3": "pass"})
case("zero_is_not_nan", begun().use().steps(FALLING[:9] + [0.0, 0.5, 0.0]).checkpoint().end(), "fail", [], [["DS-2", "loss_zero", None]], {"DS-3": "pass"})
case("zero_allowed", begun().use().steps(FALLING[:9] + [0.0, 0.5, 0.0]).checkpoint().end(), "pass", policy={"policy": {"allow_zero_loss": True}})
case("loss_repeats", begun().use().steps(FALLING[:9] + [0.5, 0.5, 0.5]).checkpoint().end(), "fail", [], [["DS-2", "loss_repeats", None]])
case("loss_repeats_twice", begun().use().steps(FALLING[:9] + [0.5, 0.5, 0.4]).checkpoint().end(), "pass")

# DS-3
case("bad_learning_rate", begun().use().steps([2.0 + 0.001 * (i % 4) for i in range(12)]).checkpoint().end(), "fail", ["loss_not_falling"],
     [["DS-3", "loss_not_falling", None], ["DS-3", "no_downward_trend", None]], {"DS-4": "pass"})
case("falls_too_little", begun().use().steps([2.0 - 0.001 * i for i in range(12)]).checkpoint().end(), "fail", ["loss_not_falling"], [["DS-3", "loss_not_falling", None]])
case("one_lucky_step", begun().use().steps([2.0 + 0.01 * i for i in range(11)] + [0.1]).checkpoint().end(), "fail", ["loss_not_falling"],
     [["DS-3", "loss_not_falling", None], ["DS-3", "no_downward_trend", None]])
case("noisy_and_falling", begun(steps=16).use().steps(NOISY).checkpoint().end(), "pass")
thawed = Run().start().prewarm().payload().batch(frozen=False).use()
case("batch_not_frozen", finished(thawed), "inconclusive", clauses={"DS-3": "inconclusive", "DS-4": "pass"})
case("nobody_attests_freezing", finished(Run().start().prewarm().payload().use()), "inconclusive", clauses={"DS-3": "inconclusive", "DS-4": "inconclusive"})

# DS-4
ONE_INPUT = {"inputs": ("p", "p", "p", "p"), "labels": (1, 2, 3, 4)}
case("degenerate_batch", Run().start().prewarm().payload().batch(**ONE_INPUT).use().steps([2.0 + 0.001 * (i % 4) for i in range(12)]).checkpoint().end(), "fail",
     ["degenerate_batch"], [["DS-4", "inputs_alike", None], ["DS-4", "conflicting_labels", None], ["DS-3", "loss_not_falling", None], ["DS-3", "no_downward_trend", None]])
case("constant_labels", finished(Run().start().prewarm().payload().batch(labels=(3, 3, 3, 3)).use()), "fail", ["degenerate_batch"], [["DS-4", "constant_labels", None]])
FEW_CONFLICTS = {"inputs": ("p", "p", "q", "r"), "labels": (1, 2, 3, 4)}
case("conflicts_allowed", finished(Run().start().prewarm().payload().batch(**FEW_CONFLICTS).use()), "pass", policy={"policy": {"conflicting_label_share": 0.5}})
floor = Run().start().prewarm().payload().batch(**FEW_CONFLICTS).use().steps(ce=0.3).checkpoint().end()
case("unsatisfiable", floor, "fail", ["contract_unsatisfiable"], [["DS-4", "contract_unsatisfiable", None]], {"DS-3": "not_applicable"},
     policy={"policy": {"conflicting_label_share": 0.5}})
large = Run().start().prewarm().payload().ev("batch", frozen=True, summary={"positions": 4096, "distinct_inputs": 1, "distinct_labels": 900, "conflicting_positions": 4096, "label_entropy_nats": 6.5})
case("degenerate_summary_at_its_floor", finished(large.use()), "fail", ["degenerate_batch"],
     [["DS-4", "inputs_alike", None], ["DS-4", "conflicting_labels", None], ["DS-4", "contract_unsatisfiable", None]], {"DS-3": "not_applicable"})

# DS-5 and DS-6
case("nothing_trained", begun().use().steps().checkpoint(tensors_changed=0, final_digest="i").end(), "fail", ["nothing_trained"], [["DS-5", "unchanged", None]])
case("no_gradient", begun().use().steps(norm=0.0).checkpoint().end(), "fail", ["nothing_trained"], [["DS-5", "no_gradient", None]])
case("checkpoint_of_another_container", begun().use().steps().checkpoint(container="apr").end(), "fail", ["weights_container_mismatch"], [["DS-5", "container_mismatch", None]])
case("no_checkpoint", begun().use().steps().end(), "inconclusive", clauses={"DS-5": "inconclusive"})
case("no_checkpoint_asked_for", begun().use().steps().end(), "pass", policy={"policy": {"checkpoint_required": False}})
case("as_declared", healthy(), "pass", clauses={"DS-6": "pass"}, policy={"policy": {"declared": {"steps": 12, "learning_rate": "1.5e-5"}}})
case("not_as_declared", healthy(), "fail", ["configuration_mismatch"], [["DS-6", "configuration_mismatch", None]], policy={"policy": {"declared": {"steps": 50}}})

# Runs that stop
apr = Run().start().prewarm().ev("payload_begin", scope="model", bytes=MB)
apr.ev("weights", scope="model", path="w.apr", claimed_container="safetensors", container="apr", magic="4150524e", ok=False, text="header too large")
case("weights_of_another_container", apr.died("Error: header too large"), "fail", ["weights_container_mismatch"], [["DS-1", "no_steps", None]])
case("poisoned_without_a_miss", begun().use().steps(FALLING[:3]).died(), "fail", ["stream_poisoned"], [["DS-1", "too_few_steps", None]])
case("stopped_long_after_a_miss", begun().use({**KERNELS, "gelu_forward": "b-gelu"}).steps(FALLING[:5]).died("Killed"), "fail", ["prewarm_missing"],
     [["KC-2", "missing", "gelu_forward"], ["KC-3", "missing", "gelu_forward"], ["DS-1", "too_few_steps", None]])

# A pre-warm grid: one cause with its boundary, not a drift for each key.
def decode(*sizes):
    return {f"decode_{size}_64": f"b-decode{size}" for size in sizes}


def grid(name, warmed, asked, causes, findings):
    warm, used = {**KERNELS, **decode(*warmed)}, {**KERNELS, **decode(*warmed), **decode(*asked)}
    case(name, finished(Run().start().prewarm(kernels=warm).payload().batch().use(used, present=warm)), "fail", causes,
         [[c, "drifted", f"decode_{size}_64"] for c in ("KC-2", "KC-3") for size in asked] + findings)


grid("grid_top_left_out", (1, 2, 4, 8, 16, 32), (48, 64, 128), ["warmup_grid_gap"], [])
grid("grid_stepped_over", (1, 2, 4, 8, 32), (16,), ["warmup_grid_gap"], [])
grid("grid_of_equal_steps", (128, 256, 384, 512), (144, 208, 640), ["warmup_grid_gap"], [])
# Near-misses: two values are no grid, and model sizes are none.
grid("two_values_are_no_grid", (64, 128), (256,), ["prewarm_key_drift"], [])
grid("sizes_are_no_grid", (64, 896, 1536), (2048,), ["prewarm_key_drift"], [])
both = {**KERNELS, **decode(1, 2, 4, 8)}
both_warm = {**{k: v for k, v in both.items() if NORM not in k}, NORM + EPS5: "b-norm5"}
case("grid_gap_and_drift", finished(Run().start().prewarm(kernels=both_warm).payload().batch().use({**both, **decode(16)}, present=both_warm)), "fail",
     ["warmup_grid_gap", "prewarm_key_drift"],
     [[c, "drifted", k] for c in ("KC-2", "KC-3") for k in (NORM + EPS6, "decode_16_64")] + [["KC-6", "waste", NORM + EPS5]])

# A pointer in the key: what was warmed is never found again, by nobody's drift. Near-miss: a hash names other content.
for what, warmed, asked, cause, more in (("pointer", "copy_0x7f3a9c0012f0_64", "copy_0x7f3a9c0aa2f0_64", "key_unstable", []),
                                         ("hash", "copy_9f86d081884c7d65", "copy_60303ae22b998861", "prewarm_missing", ["prewarm_waste"])):
    warm, used = {**KERNELS, warmed: "b-copy"}, {**KERNELS, asked: "b-copy2"}
    case(what + "_differs_in_one_run", finished(Run().start().prewarm(kernels=warm).payload().batch().use(used, present=warm)), "fail", [cause, *more],
         [["KC-2", "missing", asked], ["KC-3", "missing", asked], ["KC-6", "waste", warmed]])

# Causes that follow from another
case("nothing_trained_and_nothing_falls", begun().use().steps([2.0 + 0.001 * (i % 4) for i in range(12)], norm=0.0).checkpoint(tensors_changed=0, final_digest="i").end(),
     "fail", ["nothing_trained", "loss_not_falling of nothing_trained"],
     [["DS-5", "no_gradient", None], ["DS-5", "unchanged", None], ["DS-3", "loss_not_falling", None], ["DS-3", "no_downward_trend", None]])
case("poisoned_after_a_miss", begun().use({**KERNELS, "gelu_forward": "b-gelu"}).steps(FALLING[:5]).died(), "fail",
     ["prewarm_missing", "stream_poisoned of prewarm_missing"],
     [["KC-2", "missing", "gelu_forward"], ["KC-3", "missing", "gelu_forward"], ["DS-1", "too_few_steps", None]])
case("late_load_and_poisoned", begun().use().steps(FALLING[:3]).ev("load", module="cublas", target="sm_89", bytes=9 * MB, native=True)
     .ev("step", step=3, loss=1.6, grad_norm=1.0).died(), "fail", ["late_load", "stream_poisoned of late_load"],
     [["KC-3", "late_load", None], ["DS-1", "too_few_steps", None]])

# DS-5: what the runner read of the checkpoint, and KC-5: code for one architecture alone
case("checkpoint_not_whole", begun().use().steps().checkpoint(whole=False).end(), "fail", [], [["DS-5", "checkpoint_broken", None]])
case("checkpoint_not_finite", begun().use().steps().checkpoint(finite=False).end(), "fail", [], [["DS-5", "not_finite", None]])
case("code_for_one_architecture", finished(Run().start(arch="sm_121").prewarm(target="sm_120a").payload().batch().use()), "fail", ["target_mismatch"],
     [["KC-5", "target_mismatch", "batched_rmsnorm_fwd_64_eps358637bd"]])


def main():
    for old in HERE.glob("*.json*"):
        old.unlink()
    for name, (run, expected, policy) in CASES.items():
        lines = "".join(json.dumps(event) + "\n" for event in run.events)
        (HERE / f"{name}.jsonl").write_text(lines, encoding="utf-8")
        (HERE / f"{name}.expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
        if policy is not None:
            (HERE / f"{name}.policy.json").write_text(json.dumps(policy, indent=1) + "\n", encoding="utf-8")
    print(len(CASES), "cases")


if __name__ == "__main__":
    main()
