#!/usr/bin/env python3
"""Writes the cases of several event streams, a folder each: jobs/NAME holds the parts of a job (main.jsonl, again.jsonl,
control:NAME.jsonl), runs/NAME a stream for each architecture (sm_89.jsonl) and for the base branch's green run on it
(sm_89.base.jsonl), branches/NAME the failing runs of a branch, oldest first. expected.json says what must be said of it, policy.json is the policy where it is not the default.

Usage: make_cases_of_several.py   (after a change here; the files are committed, the tests read only them)
"""
import json
import math
import shutil

from make_cases import EPS5, EPS6, FALLING, HERE, KERNELS, NORM, Run, begun, finished, healthy

CASES = {}
ONE = "silu_forward"


def case(name, streams, verdict, causes=(), findings=(), clauses=None, warnings=0, policy=None):
    CASES[name] = (streams, {"verdict": verdict, "causes": list(causes), "findings": [list(f) for f in findings],
                             "clauses": clauses or {}, "warnings": warnings}, policy)


def on(arch, kernels=None, losses=None, ms=2.0, emulated=False, mode="fp32", weights="w0", tokens="b", device=None, steps=12, dies=False, **start):
    """A run on a device, with all that a comparison asks for."""
    run = Run()
    config = {"steps": steps, "batch_size": 2, "alpha": 0.3, "learning_rate": 1.5e-5, "math_mode": mode}
    if mode is None:
        del config["math_mode"]
    run.ev("run_start", workload="case", config=config, arch=arch, device=device or "device of " + arch, emulated=emulated, cold=True, **start)
    kernels = KERNELS if kernels is None else kernels
    run.prewarm(kernels=kernels, target=arch).ev("payload_begin", scope="model", bytes=1000)
    run.ev("weights", scope="model", path="w.safetensors", claimed_container="safetensors", container="safetensors", ok=True, finite=True,
           **({"digest": weights} if weights else {}))
    run.ev("payload_end", scope="model", bytes=1000).ev("batch", frozen=True, digest=tokens, inputs=["p1", "p2", "p3", "p4"], labels=[5, 6, 7, 5])
    run.use(kernels, present=kernels)
    for index, loss in enumerate(FALLING if losses is None else losses):
        step = {"step": index, "loss": loss, "ce": 5.0, "grad_norm": 1.0, "tokens": 4, "ms": ms}
        run.ev("step", **{name: value for name, value in step.items() if value is not None})
        if dies and index == 3:
            return run.died()
    return run.checkpoint().end()


def pair(left=None, right=None, base_left=None, base_right=None):
    streams = {"sm_89": on("sm_89", **(left or {})), "sm_121": on("sm_121", **(right or {}))}
    if base_left is not None:
        streams["sm_89.base"] = on("sm_89", **base_left)
    if base_right is not None:
        streams["sm_121.base"] = on("sm_121", **base_right)
    return streams


EMULATED = {"emulated": True}
ALL_AGREE = {"KC-8": "pass", "DS-7": "pass", "DS-8": "not_applicable"}
case("runs/agree", pair(), "pass", clauses=ALL_AGREE)
case("runs/agree_emulated", pair(EMULATED, EMULATED), "pass", clauses={"KC-8": "pass", "DS-7": "not_applicable", "DS-8": "not_applicable"})
case("runs/one_architecture", {"sm_89": on("sm_89")}, "pass", clauses={"KC-8": "not_applicable", "DS-7": "not_applicable"})
case("runs/no_run_on_one", {"sm_89": on("sm_89"), "sm_121": None}, "pass", clauses={"KC-8": "not_applicable", "DS-7": "not_applicable"})
with_arch = [{**KERNELS, f"gemm_{arch}_64_64": "b-gemm"} for arch in ("sm_89", "sm_121")]
case("runs/architecture_in_a_key", pair({"kernels": with_arch[0]}, {"kernels": with_arch[1]}), "pass", clauses=ALL_AGREE)

# KC-8
PTX, BLAS = {**KERNELS, "gemm_ptx_64_64_128": "b-ptx"}, {**KERNELS, "cublas_gemm_64_64_128": "b-blas"}
BOTH = [["KC-8", "used_on_some", "cublas_gemm_64_64_128"], ["KC-8", "used_on_some", "gemm_ptx_64_64_128"]]
REASON = "cuBLAS has no kernel for sm_121 here"


def declared(*differences):
    return {"differences": [{"pattern": p, "architectures": a, "reason": REASON} for p, a in differences]}


case("runs/keys_differ", pair({"kernels": BLAS}, {"kernels": PTX}), "fail", ["architectures_disagree"], BOTH, {"KC-8": "fail", "DS-7": "pass"})
case("runs/keys_differ_as_declared", pair({"kernels": BLAS}, {"kernels": PTX}), "pass", clauses=ALL_AGREE,
     policy=declared(("cublas_*", ["sm_89"]), ("gemm_ptx_*", ["sm_121"])))
case("runs/keys_differ_on_the_other_side", pair({"kernels": BLAS}, {"kernels": PTX}), "fail", ["architectures_disagree"], BOTH[:1], warnings=1,
     policy=declared(("cublas_*", ["sm_121"]), ("gemm_ptx_*", ["sm_121"])))
case("runs/declared_difference_gone", pair({"kernels": BLAS}, {"kernels": BLAS}), "pass", warnings=1, policy=declared(("cublas_*", ["sm_89"])))
case("runs/declared_for_an_architecture_elsewhere", pair(), "pass", policy=declared(("wgmma_*", ["sm_90"])))
# Near-miss: a poisoned run's keys are cut short, which is no disagreement.
case("runs/one_poisoned", pair({}, {"kernels": {ONE: "b-silu"}, "dies": True}), "pass", clauses={"KC-8": "not_applicable", "DS-7": "not_applicable"})
blind = pair()
blind["sm_121"].events = [e for e in blind["sm_121"].events if e["ev"] != "lookup"]
for index, event in enumerate(blind["sm_121"].events):
    event["seq"] = index
case("runs/lookups_not_reported", blind, "inconclusive", clauses={"KC-8": "inconclusive", "DS-7": "pass"})
lossy = pair()
del lossy["sm_89"].events[5]
case("runs/events_lost", lossy, "inconclusive", clauses={"KC-8": "inconclusive"})

# DS-7
case("runs/step_0_apart", pair({}, {"losses": [x * 1.002 for x in FALLING]}), "fail", ["architectures_disagree"], [["DS-7", "step0_differs", None]])
case("runs/step_0_apart_in_bf16", pair({"mode": "bf16"}, {"mode": "bf16", "losses": [x * 1.01 for x in FALLING]}), "pass", clauses=ALL_AGREE)
case("runs/step_0_apart_beyond_bf16", pair({"mode": "bf16"}, {"mode": "bf16", "losses": [x * 1.03 for x in FALLING]}), "fail",
     ["architectures_disagree"], [["DS-7", "step0_differs", None]])
case("runs/tf32_is_as_fp32", pair({"mode": "tf32"}, {"mode": "tf32", "losses": [x * 1.0005 for x in FALLING]}), "pass", clauses=ALL_AGREE)
WANDERS = [x * (1.1 if i == 7 else 1) for i, x in enumerate(FALLING)]
case("runs/one_step_of_twelve_apart", pair({}, {"losses": WANDERS}), "fail", ["architectures_disagree"], [["DS-7", "losses_differ", None]])
LONG = [2 * math.exp(-i / 80) for i in range(200)]
case("runs/two_steps_of_200_are_free", pair({"steps": 200, "losses": LONG}, {"steps": 200, "losses": [x * (1.1 if i in (50, 51) else 1) for i, x in enumerate(LONG)]}),
     "pass", clauses=ALL_AGREE)
case("runs/three_steps_of_200_are_not", pair({"steps": 200, "losses": LONG}, {"steps": 200, "losses": [x * (1.1 if i in (50, 51, 52) else 1) for i, x in enumerate(LONG)]}),
     "fail", ["architectures_disagree"], [["DS-7", "losses_differ", None]])
UNDECIDED = {"KC-8": "pass", "DS-7": "inconclusive"}
case("runs/math_modes_differ", pair({}, {"mode": "tf32"}), "inconclusive", clauses=UNDECIDED)
case("runs/math_mode_not_recorded", pair({}, {"mode": None}), "inconclusive", clauses=UNDECIDED)
case("runs/math_mode_without_tolerance", pair({"mode": "fp16"}, {"mode": "fp16"}), "inconclusive", clauses=UNDECIDED)
# Near-miss: other weights explain other losses.
case("runs/weights_differ", pair({}, {"weights": "w1", "losses": [x * 1.5 for x in FALLING]}), "inconclusive", clauses=UNDECIDED)
case("runs/tokens_differ", pair({}, {"tokens": "c", "losses": [x * 1.5 for x in FALLING]}), "inconclusive", clauses=UNDECIDED)
case("runs/steps_differ", pair({}, {"steps": 11, "losses": FALLING[:11]}), "inconclusive", clauses=UNDECIDED)
case("runs/one_emulated", pair({}, {"emulated": True, "losses": WANDERS}), "fail", ["architectures_disagree"], [["DS-7", "losses_differ", None]])
case("runs/keys_and_losses_differ", pair({"kernels": BLAS}, {"kernels": PTX, "losses": WANDERS}), "fail", ["architectures_disagree"],
     BOTH + [["DS-7", "losses_differ", None]])

# DS-8
FAST = {"KC-8": "pass", "DS-7": "pass", "DS-8": "pass"}
case("runs/as_fast", pair(base_left={}, base_right={}), "pass", clauses=FAST)
case("runs/a_little_slower", pair({"ms": 2.1}, {}, {}, {}), "pass", clauses=FAST)
case("runs/slower", pair({}, {"ms": 2.5}, {}, {}), "fail", ["slower"], [["DS-8", "slower", None]], {"DS-8": "fail"})
case("runs/slower_as_allowed", pair({}, {"ms": 2.5}, {}, {}), "pass", clauses=FAST, policy={"policy": {"speed_loss_share": 0.3}})
case("runs/slower_than_another_device", pair({}, {"ms": 2.5}, None, {"device": "a larger one"}), "pass", clauses=ALL_AGREE)
case("runs/slower_and_emulated", pair(EMULATED, {"ms": 9.0, "emulated": True}, EMULATED, EMULATED), "pass", clauses={"DS-8": "not_applicable"})
case("runs/times_not_reported", pair({"ms": None}, {}, {}, {}), "inconclusive", clauses={"DS-8": "inconclusive"})
case("runs/slower_and_keys_differ", pair({"kernels": BLAS}, {"ms": 2.5}, {}, {}), "fail", ["architectures_disagree", "slower"],
     [BOTH[0], ["DS-8", "slower", None]])

# KC-9
STABLE = {"stability": True}


def keyed(key, losses=None, steps=12):
    kernels = {**KERNELS, key: "b-own"} if key else KERNELS
    run = Run().start(steps=steps).prewarm(kernels=kernels).payload().batch().use(kernels, present=kernels)
    return run.steps(FALLING[:steps] if losses is None else losses).checkpoint().end()


def twice(first, second, steps=12):
    return {"main": keyed(first), "again": keyed(second, steps=steps)}


def unstable(name, first, second):
    case("jobs/" + name, twice(first, second), "fail", ["key_unstable"], [["KC-9", "unstable_token", first]], {"KC-9": "fail"}, policy=STABLE)


case("jobs/stable", twice("gemm_64_64_128", "gemm_64_64_128"), "pass", clauses={"KC-9": "pass", "DS-9": "not_applicable"}, policy=STABLE)
case("jobs/not_asked_for", {"main": healthy()}, "pass", clauses={"KC-8": "not_applicable", "KC-9": "not_applicable", "DS-7": "not_applicable",
                                                               "DS-8": "not_applicable", "DS-9": "not_applicable"})
unstable("pointer_in_a_key", "copy_0x7f3a9c0012f0_64", "copy_0x7f3a9c0aa2f0_64")
unstable("path_in_a_key", "load_64 /tmp/job-1/a.cu", "load_64 /tmp/job-2/a.cu")
unstable("time_in_a_key", "gemm_64_1764000001", "gemm_64_1764000077")
unstable("random_number_in_a_key", "gemm_64_9f86d081884c7d65", "gemm_64_60303ae22b998861")
case("jobs/second_run_uses_fewer", twice("eval_forward_64", None, steps=10), "pass", clauses={"KC-9": "pass"}, warnings=1, policy=STABLE)
# Near-miss: another kernel is no unstable key; nothing explains it.
case("jobs/second_run_uses_another", twice("eval_forward_64", "probe_forward_64"), "fail", [],
     [["KC-9", "not_used_before", "probe_forward_64"], ["KC-9", "not_used_again", "eval_forward_64"]], policy=STABLE)
case("jobs/second_run_is_missing", {"main": healthy()}, "inconclusive", clauses={"KC-9": "inconclusive"}, policy=STABLE)
case("jobs/second_run_died", {"main": healthy(), "again": begun().use().steps(FALLING[:3]).died()}, "inconclusive", clauses={"KC-9": "inconclusive"}, policy=STABLE)
case("jobs/first_run_died", {"main": begun().use().steps(FALLING[:3]).died(), "again": healthy()}, "fail", ["stream_poisoned"],
     [["DS-1", "too_few_steps", None]], {"KC-9": "not_applicable"}, policy=STABLE)

# DS-9
FLAT = [2.0] + [2.0 + 0.001 * (i % 3) for i in range(9)]
CONTROLS = {"control:lr0": begun(steps=10).use().steps(FLAT).checkpoint().end(),
            "control:shuffled-labels": Run().start(steps=10).prewarm().payload().batch(inputs=("p", "p", "q", "q"), labels=(1, 2, 2, 1)).use().steps(FALLING[:10]).checkpoint().end(),
            "control:no-prewarm": Run().start(steps=10).prewarm(kernels={}).payload().batch().use(present={}).steps(FALLING[:10]).checkpoint().end(),
            "control:nan": begun(steps=10).use().steps(FALLING[:5] + ["NaN"] + FALLING[6:10]).checkpoint().end()}
NAMES = [name.removeprefix("control:") for name in CONTROLS]
ASKED = {"controls": NAMES}
case("jobs/controls_fail", {"main": healthy(), **CONTROLS}, "pass", clauses={"DS-9": "pass"}, policy=ASKED)
for part, missed in (("control:lr0", "DS-3"), ("control:shuffled-labels", "DS-4"), ("control:no-prewarm", "KC-2"), ("control:nan", "DS-2")):
    name = part.removeprefix("control:").replace("-", "_")
    case(f"jobs/control_{name}_passes", {"main": healthy(), **CONTROLS, part: keyed(None)}, "inconclusive", ["contract_without_teeth"],
         clauses={"DS-9": "inconclusive", missed: "pass"}, warnings=2 if "prewarm" in part else 1, policy=ASKED)
# Near-misses: a control that did not run, or could not be judged, shows nothing.
case("jobs/control_is_missing", {"main": healthy(), "control:lr0": CONTROLS["control:lr0"]}, "inconclusive", clauses={"DS-9": "inconclusive"},
     policy={"controls": ["lr0", "nan"]})
case("jobs/control_died", {"main": healthy(), "control:lr0": begun(steps=10).use().steps(FLAT[:4]).died()}, "inconclusive", clauses={"DS-9": "inconclusive"},
     policy={"controls": ["lr0"]})
# A gate file that forgives every miss has no teeth.
case("jobs/exception_takes_the_teeth", {"main": healthy(), **CONTROLS}, "inconclusive", ["contract_without_teeth"], clauses={"DS-9": "inconclusive"}, warnings=1,
     policy={**ASKED, "exceptions": [{"clause": "KC-2", "pattern": "*", "reason": "for now"}]})


# A branch of failing runs: for each its first cause, how many are alike by then while their keys differ (0: none),
# and whether that is the signal.
def poisoned(run, address, job, key=None):
    at = f" in `{key}`" if key else ""
    return run.died(f"CUDA error: CUDA_ERROR_ILLEGAL_ADDRESS (700) at {address}{at}: an illegal memory access was encountered "
                    f"(/tmp/smgate/job-{job}/src/stream.rs:{40 + job}, 12:{job:02}:07.331)")


def stops_at(key, job, address, scope="model", prewarm=None, name_it=False):
    """The run dies at the first kernel that is not there, as sm_121 does."""
    run = prewarm or Run().start(arch="sm_121").prewarm(target="sm_121")
    run.payload().batch().use().use({key: "b-" + key}, scope=scope)
    return poisoned(run, address, job, key if name_it else None)


def skips(scope):
    run = Run().start(arch="sm_121").prewarm(target="sm_121").ev("prewarm_begin", scope=scope, cache="kernels")
    return run.ev("prewarm_end", scope=scope, cache="kernels")


def shares_a_key():
    run = Run().start(arch="sm_121").ev("prewarm_begin", scope="model", cache="kernels")
    for index, body in enumerate(KERNELS.values()):
        run.offer("model", ONE, body, taken=index > 0)
    run.ev("prewarm_end", scope="model", cache="kernels").payload().batch()
    return poisoned(run.use({ONE: "b-silu", NORM + EPS6: "b-norm6"}, present={ONE}), "0x7f31c0de4000", 17)


def branch(name, runs):
    streams = {f"{index + 1}": run for index, (run, *_) in enumerate(runs)}
    CASES["branches/" + name] = (streams, [told for _, *told in runs], None)


AS_LIVED = [(stops_at("softmax_backward", 10, "0x7f12a0000000", scope="backward", prewarm=skips("backward")), "prewarm_skipped", 0, False),
            (stops_at("rms_norm_gamma_reduce_64", 13, "0x7fe900c00200"), "prewarm_missing", 2, False),
            (shares_a_key(), "prewarm_key_collision", 3, True),
            (stops_at(NORM + EPS5, 20, "0x7fa0bb000010"), "prewarm_key_drift", 4, True)]
branch("incident_as_lived", AS_LIVED)
branch("kernel_named_in_the_text", [(stops_at("silu_backward", 1, "0x7f0000001000", name_it=True), "prewarm_missing", 0, False),
                                    (stops_at("gelu_backward", 2, "0x7f0000002000", name_it=True), "prewarm_missing", 2, False)])
# Near-misses: one missing key again and again is itself the cause; another error is another failure.
branch("same_key_each_time", [(stops_at("silu_backward", job, "0x7f%010x" % job), "prewarm_missing", 0, False) for job in (1, 2, 3)])
other = begun(arch="sm_121").use().use({"tanh_forward": "b-tanh"}).died("out of memory: tried to allocate 61.2 GB")
branch("another_error_between", [AS_LIVED[0], (other, "prewarm_missing", 0, False), (AS_LIVED[1][0], "prewarm_missing", 2, False)])


def main():
    for kind in ("jobs", "runs", "branches"):
        shutil.rmtree(HERE / kind, ignore_errors=True)
    for name, (streams, expected, policy) in CASES.items():
        folder = HERE / name
        folder.mkdir(parents=True)
        for part, run in streams.items():
            lines = "" if run is None else "".join(json.dumps(event) + "\n" for event in run.events)
            (folder / f"{part}.jsonl").write_text(lines, encoding="utf-8")
        (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
        if policy is not None:
            (folder / "policy.json").write_text(json.dumps(policy, indent=1) + "\n", encoding="utf-8")
    print(len(CASES), "cases of several streams")


if __name__ == "__main__":
    main()
