"""Reports every kind of event once or more, from every part of the Python emitter. Usage: report_everything.py SCRATCH"""
import math
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "runner/workload/python"), str(HERE.parent)]
import smgate_events as smgate
import stand_ins

scratch = pathlib.Path(sys.argv[1])
sys.modules["triton"] = triton = stand_ins.Triton(scratch, with_knobs=True)
kernel = stand_ins.JITFunction(triton, "silu", ["x", "y", "BLOCK", "EPS"], "def silu(x, y): ...")
model = stand_ins.Module()
model.save(scratch / "initial.safetensors")
(scratch / "teacher.safetensors").write_bytes(b"APR\0\2\0\0\0" + bytes(64))

smgate.watch_triton()
try:
    with smgate.run("everything", {"steps": 2, "learning_rate": 1.5e-5}, "sm_90", "NVIDIA H100", version="1.0"):
        smgate.memory(free=1 << 30, total=1 << 31, unified=False)
        with smgate.prewarm("student"):
            smgate.warm(kernel, (1,), 0, 0, 1024, 1e-6)
        with smgate.payload("student", bytes=1 << 20):
            smgate.alloc("student.weights", 1 << 20)
            smgate.alloc("student.workspace", 1 << 40, ok=False)
            smgate.weights("student", str(scratch / "initial.safetensors"))
            smgate.weights("teacher", str(scratch / "teacher.safetensors"))
        training = smgate.Training(model, [[1, 2], [3, 4]], [[2, 9], [4, 9]])
        for loss in (4.0, math.nan):
            with training.step() as step:
                kernel.run((0, 0, 1024, 1e-6))
                step.report(loss, ce=1.5, kl=math.inf, grad_norm=2.0)
        smgate.batch([range(5000)], [range(1, 5001)], frozen=False)
        kernel.run((0, 0, 1024, 1e-5))
        smgate.unload("image", "triton", "key")
        model.save(scratch / "trained.safetensors")
        training.checkpoint(str(scratch / "trained.safetensors"))
        training.checkpoint(str(scratch / "absent.safetensors"))
        smgate.note("all but the end is well \udcff")
        raise MemoryError("out of memory")
except MemoryError:
    pass
