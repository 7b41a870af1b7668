"""What the emitter needs of Triton and PyTorch, where neither is installed: their published interfaces, and no more.

triton_3_6: triton 3.6.0 (knobs.py, runtime/jit.py, compiler/compiler.py): a JITFunction asks knobs.runtime.jit_cache_hook,
compiles (knobs.compilation.listener), tells knobs.runtime.jit_post_compile_hook; its CompiledKernel loads at the first
launch (kernel_load_start_hook, kernel_load_end_hook) and calls launch_enter_hook with a LazyDict at each.
triton_3_2: triton 3.2.0: JITFunction.cache_hook and compiled_hook, CompiledKernel.launch_enter_hook; no listener.
Torch: tensors of torch 2.x as far as state_dict(), parameters(), gradients and .tolist() go.
"""
import collections
import ctypes
import hashlib
import json
import pathlib
import types

__name__ = "triton.stand_ins"  # whose frames are never taken for the caller, as those of the real one are not

Info = collections.namedtuple("JitFunctionInfo", "module name jit_function")
Target = collections.namedtuple("GPUTarget", "backend arch warp_size")


class HookChain:
    def __init__(self):
        self.calls = []

    def add(self, function):
        self.calls.append(function)

    def __call__(self, *arguments, **named):
        for call in self.calls:
            call(*arguments, **named)


class LazyDict:
    def __init__(self, data):
        self.data = data


class CompiledKernel:
    launch_enter_hook = None  # of the class until knobs came
    handles = iter(range(1000, 2000))

    def __init__(self, triton, src, metadata, group):
        self.triton, self.src, self.metadata, self.metadata_group = triton, src, metadata, group
        self.module = self.function = None

    def _init_handles(self):
        if self.module is not None:
            return
        self.module, self.function = next(self.handles), next(self.handles)
        if self.triton.knobs:
            hook = self.triton.knobs.runtime.kernel_load_end_hook
            hook(self.module, self.function, self.src.fn.fn_name, self.metadata_group, self.metadata["hash"])

    def launch(self):
        self._init_handles()
        knobs = self.triton.knobs
        hook = knobs.runtime.launch_enter_hook if knobs else CompiledKernel.launch_enter_hook
        if hook is not None:
            hook(LazyDict({"name": self.src.fn.fn_name, "function": self.function, "stream": 0}))


class Source:
    """ASTSource: what is compiled, apart from the options."""

    def __init__(self, fn, signature, constants, attrs):
        self.fn, self.signature, self.constants, self.attrs, self.name = fn, signature, constants, attrs, fn.fn_name


class JITFunction:
    cache_hook = compiled_hook = None  # of the class until knobs came

    def __init__(self, triton, name, arguments, text):
        self.triton, self.fn_name, self.arg_names = triton, name, arguments
        self.__module__, self.__qualname__ = "model", name
        self.cache_key = hashlib.sha256(text.encode()).hexdigest()
        self.device_caches = {0: ({}, Target("cuda", 90, 32))}

    def run(self, values, grid=None, warmup=False, num_warps=4):
        signature = {n: "constexpr" if n.isupper() else "*fp32" for n in self.arg_names}
        constants = {(i,): values[i] for i, n in enumerate(self.arg_names) if n.isupper()}
        attrs = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(self.arg_names) if not n.isupper()}
        key = str((tuple(signature.items()), values, num_warps))
        kernels = self.device_caches[0][0]
        if key not in kernels:
            self.compile(key, signature, constants, attrs, dict(num_warps=num_warps, num_stages=3, num_ctas=1), warmup)
        if not warmup:
            kernels[key].launch()
        return kernels[key]

    def warmup(self, *values, grid=None, **options):
        return self.run(values, grid, True, **options)

    def compile(self, key, signature, constants, attrs, options, warmup):
        triton, told = self.triton, dict(key=key, repr=self.fn_name, fn=Info("model", self.fn_name, self),
                                         is_manual_warmup=warmup, already_compiled=False)
        told["compile"] = dict(key=key, signature=signature, device=0, constants=constants, configs=[attrs], **options)
        before, after = ((triton.knobs.runtime.jit_cache_hook, triton.knobs.runtime.jit_post_compile_hook)
                         if triton.knobs else (JITFunction.cache_hook, JITFunction.compiled_hook))
        if before and before(**told):
            return
        src = Source(self, signature, constants, attrs)
        self.device_caches[0][0][key] = triton.compile(src, key, options)
        if after:
            after(**told)


class Triton:
    """The module: knobs where the version has them, and a compiler with a cache on disk."""

    def __init__(self, folder, with_knobs):
        self.folder = pathlib.Path(folder)
        self.knobs = None
        if with_knobs:
            runtime = types.SimpleNamespace(jit_cache_hook=None, jit_post_compile_hook=None,
                                            kernel_load_start_hook=HookChain(), kernel_load_end_hook=HookChain(),
                                            launch_enter_hook=HookChain())
            self.knobs = types.SimpleNamespace(runtime=runtime, compilation=types.SimpleNamespace(listener=None))
        self.runtime = types.SimpleNamespace(jit=types.SimpleNamespace(JITFunction=JITFunction))
        self.compiler = types.SimpleNamespace(CompiledKernel=CompiledKernel)

    def compile(self, src, key, options):
        name = src.fn.fn_name
        digest = hashlib.sha256((src.fn.cache_key + key).encode()).hexdigest()
        group = {f"{name}.{ext}": str(self.folder / f"{digest}.{ext}") for ext in ("ptx", "cubin", "json")}
        on_disk = pathlib.Path(group[f"{name}.json"]).exists()
        if not on_disk:
            pathlib.Path(group[f"{name}.ptx"]).write_text(".version 8.7\n.target sm_90a\n.address_size 64\n")
            pathlib.Path(group[f"{name}.cubin"]).write_bytes(b"\x7fELF" + digest.encode())
            pathlib.Path(group[f"{name}.json"]).write_text(json.dumps(options))
        metadata = {"hash": digest, "target": Target("cuda", 90, 32), **options}
        listener = self.knobs.compilation.listener if self.knobs else None
        if listener:
            listener(src=src, metadata=metadata, metadata_group=group, times=types.SimpleNamespace(total=1500),
                     cache_hit=on_disk)
        return CompiledKernel(self, src, metadata, group)


class Tensor:
    """A host tensor of float32."""

    def __init__(self, values):
        self.values, self.dtype, self.grad = (ctypes.c_float * len(values))(*values), "torch.float32", None

    detach = cpu = contiguous = float = lambda self: self

    def numel(self):
        return len(self.values)

    def element_size(self):
        return 4

    def data_ptr(self):
        return ctypes.addressof(self.values)

    def norm(self):
        return Tensor([sum(value * value for value in self.values) ** 0.5])

    def item(self):
        return self.values[0]


def stack(tensors):
    return Tensor([tensor.item() for tensor in tensors])


class Module:
    """A model of one weight of two numbers, and one of one."""

    def __init__(self):
        self.tensors = {"a": Tensor([1.0, 2.0]), "b": Tensor([3.0])}

    def state_dict(self):
        return dict(self.tensors)

    def parameters(self):
        return list(self.tensors.values())

    def save(self, path):
        """As safetensors.torch.save_file writes it."""
        header, data = {}, b""
        for name, tensor in self.tensors.items():
            raw = bytes(tensor.values)
            header[name] = {"dtype": "F32", "shape": [tensor.numel()], "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
        text = json.dumps(header).encode()
        pathlib.Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)
