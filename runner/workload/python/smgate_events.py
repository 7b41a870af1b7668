"""Reports what a GPU program does, as the JSON lines that smgate judges (schemas/event.schema.json).

One file a process, in the folder that the environment variable SMGATE_EVENTS names; where it is not set, nothing happens.
Copy this file into any program: Python 3.8 and its standard library are enough; Triton and PyTorch are used where the
program has them. Telemetry never stops the program that it reports on: what cannot be reported is told once, on stderr,
and leaves a gap in the numbering, by which the gate knows. Every function may be called from any thread and after a fork.

    import smgate_events as smgate

    smgate.watch_triton()
    with smgate.run("my-trainer", config={"steps": 62, "batch_size": 4}):
        with smgate.prewarm("student"):
            smgate.warm(my_kernel, grid, x, y, n, BLOCK=1024)        # compiles and loads, launches nothing
        with smgate.payload("student"):
            model.cuda()
        training = smgate.Training(model, inputs, labels)            # one frozen batch
        for _ in range(62):
            with training.step() as step:
                loss.backward()
                step.report(loss)                                    # also ce=, kl=, grad_norm=
                optimizer.step()
        save_file(model.state_dict(), "out.safetensors")
        training.checkpoint("out.safetensors")
"""
import contextlib
import ctypes
import functools
import hashlib
import json
import math
import os
import re
import sys
import threading
import time
import weakref

TEXT_BYTES_MAX, NAME_BYTES_MAX = 65536, 4096
POSITIONS_LISTED_MAX = 4096  # of a batch; the runner passes on lines of up to 256 KB. A larger one is summarised
TEXTS = ("text", "log", "symptom", "version", "device", "target", "path", "compiler")  # may be long; the rest are names
MACHINERY = ("contextlib", "functools", "triton", "torch")  # packages that are never "the caller"
_FOLDER = os.path.join(os.getcwd(), "")


def _quiet(function):
    """What the wrapped function gets wrong is told once, and changes nothing for its caller."""

    @functools.wraps(function)
    def quiet(*arguments, **named):
        try:
            return function(*arguments, **named)
        except Exception as error:  # the program must go on, whatever its values or its Triton are like
            _tell(f"{function.__name__}: {type(error).__name__}: {error}")
            return None

    return quiet


def _tell(text, told=set()):
    if text not in told and len(told) < 20:
        told.add(text)
        with contextlib.suppress(Exception):
            print(f"smgate: not reported: {text}", file=sys.stderr, flush=True)


def _caller():
    """file:line of the frame that called into this module or the libraries that call back into it."""
    frame = sys._getframe(1)
    while frame.f_back:
        names = frame.f_globals
        if names is not globals() and str(names.get("__name__")).split(".")[0] not in MACHINERY:
            break
        frame = frame.f_back
    name = frame.f_code.co_filename
    return f"{name[len(_FOLDER):] if name.startswith(_FOLDER) else name}:{frame.f_lineno}"


def _plain(value, bytes_max=TEXT_BYTES_MAX):
    """As JSON has it: the words of the schema for floats that are not finite, texts cut where a character ends."""
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()  # a number of torch or NumPy
    if isinstance(value, float):
        return value if math.isfinite(value) else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value).encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore")


def _sha256(*texts):
    return hashlib.sha256("\n".join(map(str, texts)).encode("utf-8", "replace")).hexdigest()


def _torch_cuda():
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


class Writer:
    """One file of events; the module's functions write to one of their own. An empty folder: nothing is reported."""

    def __init__(self, folder=None):
        self.folder = os.environ.get("SMGATE_EVENTS", "") if folder is None else str(folder)
        rank = os.environ.get("RANK", "0")  # as torchrun sets it
        self._rank = int(rank) if rank.isdigit() else 0
        self._file = self._pid = None
        self._after_fork()
        me = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: me() and me()._after_fork())

    def _after_fork(self):
        self._lock = threading.Lock()  # the parent's may be held by a thread that the child does not have
        self.scopes = []  # whose pre-warm is open, the newest last

    @_quiet
    def emit(self, ev, at=None, **fields):
        """One event. Fields that are None are left out; `at` is the caller's line unless given."""
        if not self.folder:
            return
        body, failed = {}, None
        try:
            for name, value in {**fields, "at": at or _caller()}.items():
                if value is not None:
                    body[name] = _plain(value, TEXT_BYTES_MAX if name in TEXTS else NAME_BYTES_MAX)
        except Exception as error:  # of a value that is no number or text: the event is lost, and its number shows it
            failed = error
        with self._lock:
            self._open_for_this_process()
            head = {"ev": ev, "seq": self._seq, "t_ns": time.monotonic_ns(), "pid": self._pid, "rank": self._rank}
            self._seq += 1
            if failed:
                raise failed
            line = json.dumps({**head, "source": "self", **body}, allow_nan=False, separators=(",", ":")) + "\n"
            self._write(line.encode())

    def _open_for_this_process(self):
        if self._pid == os.getpid():
            if self._file is None:
                raise OSError(f"the folder {self.folder} cannot be written")
            return
        if self._file is not None:
            os.close(self._file)
        self._file, self._pid, self._seq, self._bytes = None, os.getpid(), 0, 0
        os.makedirs(self.folder, exist_ok=True)
        path = os.path.join(self.folder, f"events-{self._pid}-{time.monotonic_ns()}.jsonl")
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o666)

    def _write(self, line):
        """One write(2) a line, so that a killed program leaves whole lines; a full disk, too."""
        written = os.write(self._file, line)
        if written < len(line):
            os.ftruncate(self._file, self._bytes)
            raise OSError("the disk is full")
        self._bytes += written

    @contextlib.contextmanager
    def run(self, workload, config=None, arch=None, device=None, emulated=False, cold=None, version=None):
        """The whole of it: its start, and its end as it came. cold=True: no disk cache can have served a kernel."""
        cuda = _torch_cuda()
        if cuda and arch is None:
            arch = "sm_%d%d" % cuda.get_device_capability()
        if cuda and device is None:
            device = cuda.get_device_name()
        self.emit("run_start", workload=workload, version=version, config=config or {}, arch=arch, device=device,
                  emulated=emulated, cold=cold)
        try:
            yield self
        except BaseException as error:
            if isinstance(error, SystemExit) and error.code in (None, 0):
                self.emit("run_end", status="ok")
                raise
            text = f"{type(error).__name__}: {error}"
            self.emit("error", text=text)
            self.emit("run_end", status="failed", symptom=text)
            raise
        self.emit("run_end", status="ok")

    @contextlib.contextmanager
    def prewarm(self, scope, cache="triton"):
        """The span in which `scope`'s kernels are compiled on purpose. Empty ones are marked, too."""
        self.emit("prewarm_begin", scope=scope, cache=cache)
        self.scopes.append(scope)
        self.offers = 0
        try:
            yield
        finally:
            self.scopes.remove(scope)
            self.emit("prewarm_end", scope=scope, cache=cache, claimed=self.offers)
            self.memory()

    @contextlib.contextmanager
    def payload(self, scope, bytes=None):
        """The upload of `scope`'s weights and activations."""
        self.emit("payload_begin", scope=scope, bytes=bytes)
        try:
            yield
        finally:
            self.emit("payload_end", scope=scope, bytes=bytes)

    def offer(self, scope, cache, key, body, at=None):
        """A pre-warm hands `body`, by its digest, to `cache` under `key`."""
        self.offers = getattr(self, "offers", 0) + 1
        self.emit("offer", at, scope=scope, cache=cache, key=key, body=body)

    def lookup(self, scope, cache, key, body, hit, at=None):
        """`body`: of what the caller would build now, whatever the cache holds."""
        self.emit("lookup", at, scope=scope or None, cache=cache, key=key, body=body, hit=hit)

    def compile(self, cache, key, body, target=None, bytes=None, ms=None, ok=True, log=None, at=None):
        self.emit("compile", at, cache=cache, key=key, body=body, target=target, bytes=bytes, ms=ms, ok=ok, log=log)

    def load(self, module, cache=None, key=None, target=None, bytes=None, native=None, at=None):
        self.emit("load", at, module=module, cache=cache, key=key, target=target, bytes=bytes, native=native)

    def unload(self, module, cache=None, key=None):
        self.emit("unload", module=module, cache=cache, key=key)

    def alloc(self, name, bytes, ok=True):
        self.emit("alloc", name=name, bytes=bytes, ok=ok)

    @_quiet
    def memory(self, free=None, total=None, unified=None):
        """Without arguments what PyTorch says of its device; on a unified one, free is the host's MemAvailable."""
        cuda = _torch_cuda()
        if free is None and cuda:
            free, total = cuda.mem_get_info()
            unified = bool(getattr(cuda.get_device_properties(cuda.current_device()), "is_integrated", False))
            if unified:
                with open("/proc/meminfo") as info:
                    free = 1024 * int(re.search(r"MemAvailable:\s*(\d+)", info.read()).group(1))
        if free is not None:
            self.emit("memory", free=free, total=total, unified=bool(unified))

    @_quiet
    def batch(self, inputs, labels, frozen=True, ignored_label=-100):
        """Rows of token ids; labels[r][i] is what the model must say after inputs[r][i]. Ignored labels are left out."""
        rows, answers = (x.tolist() if hasattr(x, "tolist") else x for x in (inputs, labels))
        if rows and not hasattr(rows[0], "__iter__"):
            rows, answers = [rows], [answers]
        hashes, flat, whole = [], [], hashlib.sha256()
        for row, answer in zip(rows, answers):
            prefix = hashlib.sha256()
            for token, label in zip(row, answer):
                prefix.update(b"%d," % token)
                whole.update(b"%d,%d," % (token, label))
                if label != ignored_label:
                    hashes.append(prefix.hexdigest()[:16])
                    flat.append(label)
        if len(flat) <= POSITIONS_LISTED_MAX:
            self.emit("batch", frozen=frozen, digest=whole.hexdigest(), inputs=hashes, labels=flat)
        else:
            self.emit("batch", frozen=frozen, digest=whole.hexdigest(), summary=_summary(hashes, flat))

    def step(self, index, loss=None, ce=None, kl=None, grad_norm=None, tokens=None, ms=None):
        self.emit("step", step=index, loss=loss, ce=ce, kl=kl, grad_norm=grad_norm, tokens=tokens, ms=ms)

    @_quiet
    def weights(self, scope, path, claimed="safetensors"):
        """A file that is about to be read as `claimed`; what it is, is told by its bytes."""
        seen = read_safetensors(path)
        self.emit("weights", scope=scope, path=path, claimed_container=claimed, container=seen.container,
                  magic=seen.magic, digest=seen.digest(), finite=seen.finite, ok=not seen.error, text=seen.error)

    @_quiet
    def checkpoint(self, path, initial=None, claimed="safetensors"):
        """The file, read back; `initial`: what to compare it with, as tensors_of() or read_safetensors() gives it."""
        seen, changed, before, after = read_safetensors(path), None, None, None
        both = sorted(set(seen.tensors) & set(initial.tensors)) if initial else []
        if both and all(seen.tensors[name][0] == initial.tensors[name][0] for name in both):  # of one type each
            changed = sum(seen.tensors[name] != initial.tensors[name] for name in both)
            before, after = initial.digest(both), seen.digest(both)
        self.emit("checkpoint", path=path, claimed_container=claimed, container=seen.container, bytes=seen.bytes,
                  whole=not seen.error, tensors=len(seen.tensors), tensors_changed=changed, initial_digest=before,
                  final_digest=after, finite=seen.finite, text=seen.error)

    def error(self, text):
        self.emit("error", text=text)

    def note(self, text):
        self.emit("note", text=text)


def _summary(hashes, labels):
    counts = {}
    for prefix, label in zip(hashes, labels):
        of_prefix = counts.setdefault(prefix, {})
        of_prefix[label] = of_prefix.get(label, 0) + 1
    groups = [list(of_prefix.values()) for of_prefix in counts.values()]
    nats = sum(n * math.log(sum(group) / n) for group in groups for n in group)
    return {"positions": len(labels), "distinct_inputs": len(counts), "distinct_labels": len(set(labels)),
            "conflicting_positions": sum(sum(group) for group in groups if len(group) > 1),
            "label_entropy_nats": nats / len(labels)}


# --- tensors, in files and in memory

_EXPONENT = {  # by type: bytes an element, and of its last and last but one byte the bits that are all set where not finite
    "F64": (8, 0x7F, 0xF0), "F32": (4, 0x7F, 0x80), "BF16": (2, 0x7F, 0x80), "F16": (2, 0x7C, 0x00)}
_TYPES = {"torch.float64": "F64", "torch.float32": "F32", "torch.bfloat16": "BF16", "torch.float16": "F16"}
_CHUNK_BYTES = 1 << 24  # a multiple of every element's size


class Tensors:
    """What was seen of a file, or of a model: `tensors` maps each name to its type and the digest of its bytes."""

    def __init__(self):
        self.tensors, self.finite, self.error, self.container, self.magic, self.bytes = {}, None, None, None, None, 0

    def digest(self, names=None):
        names = sorted(self.tensors) if names is None else names
        return _sha256(*(f"{name} {self.tensors[name]}" for name in names)) if names else None


def _all_finite(data, kind):
    """Of the little-endian elements in `data`: no Python loop over them."""
    size, high_bits, low_bits = _EXPONENT[kind]
    high = data[size - 1::size].translate(bytes((b & high_bits) == high_bits for b in range(256)))
    low = data[size - 2::size].translate(bytes((b & low_bits) == low_bits for b in range(256)))
    return int.from_bytes(high, "little") & int.from_bytes(low, "little") == 0


def _check_header(header, data_bytes):
    end = 0
    for name, (start, stop) in sorted(((n, t["data_offsets"]) for n, t in header.items()), key=lambda x: x[1]):
        if start != end or stop < start:
            raise ValueError(f"tensor {name} begins at {start}; the one before it ends at {end}")
        end = stop
    if end != data_bytes:
        raise ValueError(f"the tensors take {end} bytes; the file holds {data_bytes}")


def _read_tensors(file, seen):
    length = int.from_bytes(file.read(8), "little")
    if length > seen.bytes - 8:
        raise ValueError(f"header too large: {length} bytes; the file has {seen.bytes}")
    header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    _check_header(header, seen.bytes - 8 - length)
    seen.finite = True
    for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        digest, left = hashlib.sha256(), tensor["data_offsets"][1] - tensor["data_offsets"][0]
        while left > 0:
            data = file.read(min(left, _CHUNK_BYTES))
            left -= len(data)
            digest.update(data)
            seen.finite = seen.finite and (tensor["dtype"] not in _EXPONENT or _all_finite(data, tensor["dtype"]))
        seen.tensors[name] = (tensor["dtype"], digest.hexdigest())


def read_safetensors(path):
    """Never raises: `error` says what is wrong with the file, `container` what its first bytes are."""
    seen = Tensors()
    try:
        with open(path, "rb") as file:
            seen.bytes = os.fstat(file.fileno()).st_size
            first = file.read(16)
            seen.magic = first.hex()
            plausible = first[8:9] == b"{" and int.from_bytes(first[:8], "little") <= seen.bytes - 8
            seen.container = ("apr" if first[:4] in (b"APR\0", b"APRN") else "gguf" if first[:4] == b"GGUF" else
                              "safetensors" if plausible else "unknown")
            file.seek(0)
            _read_tensors(file, seen)
    except Exception as error:  # whatever a file can hold
        seen.error = f"{type(error).__name__}: {error}"
    return seen


def tensors_of(model):
    """The tensors of a PyTorch module, as they are now: digests of their bytes, copied to the host one at a time."""
    seen = Tensors()
    for name, tensor in model.state_dict().items():
        host = tensor.detach().cpu().contiguous()
        data = (ctypes.c_char * (host.numel() * host.element_size())).from_address(host.data_ptr())
        seen.tensors[name] = (_TYPES.get(str(host.dtype), str(host.dtype)), hashlib.sha256(data).hexdigest())
    return seen


class Training:
    """A PyTorch training loop: its batch, its steps, its checkpoint against what `model` holds now."""

    def __init__(self, model=None, inputs=None, labels=None, frozen=True, writer=None):
        self.model, self.writer, self.index, self.tokens, self.initial = model, writer or _writer, 0, None, None
        if self.writer.folder:
            self._look(model, inputs, labels, frozen)

    @_quiet
    def _look(self, model, inputs, labels, frozen):
        self.initial = tensors_of(model) if model is not None else None
        if inputs is not None:
            self.tokens = inputs.numel() if hasattr(inputs, "numel") else sum(map(len, inputs))
            self.writer.batch(inputs, labels, frozen)

    @contextlib.contextmanager
    def step(self):
        """One step; what its `report` is not told, is absent. A step that raises is not reported."""
        told, start = _Step(self), time.perf_counter()
        yield told
        ms = 1e3 * (time.perf_counter() - start)
        self.writer.step(self.index, tokens=self.tokens, ms=ms, **told.values)
        self.index += 1

    def checkpoint(self, path, claimed="safetensors"):
        if self.writer.folder:
            self.writer.checkpoint(path, self.initial, claimed)


class _Step:
    def __init__(self, training):
        self.training, self.values = training, {}

    @_quiet
    def report(self, loss, ce=None, kl=None, grad_norm=None):
        """After backward, and after clipping if there is any (whose return value is grad_norm), before the optimizer."""
        if not self.training.writer.folder:
            return
        self.values = {"loss": _plain(loss), "ce": _plain(ce), "kl": _plain(kl)}
        self.values["grad_norm"] = _plain(grad_norm if grad_norm is not None else self._grad_norm())

    def _grad_norm(self):
        model = self.training.model
        gradients = [p.grad for p in model.parameters() if p.grad is not None] if model is not None else []
        torch = sys.modules.get("torch")
        return torch.stack([g.detach().float().norm() for g in gradients]).norm() if gradients and torch else None


# --- Triton, by the hooks that it publishes: triton.knobs (3.4 and later), JITFunction.cache_hook before


def _chain(owner, name, ours):
    """Ours, and what was hooked there before: its answer counts."""
    before = getattr(owner, name, None)
    if hasattr(before, "add") and hasattr(before, "calls"):  # a HookChain of 3.5 and later
        before.add(ours)
    elif before is None:
        setattr(owner, name, ours)
    else:
        def both(*arguments, **named):
            ours(*arguments, **named)
            return before(*arguments, **named)
        setattr(owner, name, both)


def _constant(value):
    value = getattr(value, "value", value)  # of a tl.constexpr
    text = getattr(value, "__name__", None) or (repr(value) if isinstance(value, float) else str(value))
    return re.sub(r" at 0x[0-9a-f]+", "", text)[:200]  # an address would differ in every run


class _Kernel:
    """A kernel and what it was specialised for: its key, its body, and, once compiled, its image."""

    def __init__(self, name, function, signature, constants, attributes, options):
        names = list(getattr(function, "arg_names", None) or [])
        named = lambda i: names[i] if isinstance(i, int) and i < len(names) else str(i)
        values = {".".join([named(path[0]), *map(str, path[1:])] if isinstance(path, tuple) else [named(path)]): value
                  for path, value in constants.items()}
        parts = []
        for index, (label, kind) in enumerate(signature.items()):
            divisible = any(a[0] == "tt.divisibility" for a in attributes.get((index,), [])) if attributes else False
            if named(label) not in values:
                parts.append(f"{named(label)}:{kind}{':16' if divisible else ''}")
        parts += [f"{label}={_constant(value)}" for label, value in values.items()]
        built = ",".join(f"{o[4:]}={options[o]}" for o in ("num_warps", "num_stages", "num_ctas") if options.get(o))
        extra = f",maxnreg={options['maxnreg']}" if options.get("maxnreg") else ""
        self.key = f"{name}({','.join(parts)})[{built}{extra}]"
        self.body = _sha256(getattr(function, "cache_key", None) or name, self.key)
        self.module = self.target = self.bytes = None

    def see(self, files, metadata):
        """`files`: what the compiler left, by name: the image, and the PTX that says its target."""
        paths = {str(name).rsplit(".", 1)[-1]: path for name, path in files.items()}
        image, ptx = paths.get("cubin") or paths.get("hsaco"), paths.get("ptx")
        arch = getattr(metadata.get("target"), "arch", None)
        self.target = f"sm_{arch}" if isinstance(arch, int) else arch
        if image:
            with open(image, "rb") as file:
                data = file.read()
            self.module, self.bytes = hashlib.sha256(data).hexdigest(), len(data)
        if ptx:
            with open(ptx, "rb") as file:
                found = re.search(rb"^\.target\s+(\w+)", file.read(8192), re.MULTILINE)
            self.target = found.group(1).decode() if found else self.target


def _name_of(module, name):
    # Inductor's modules are called by digests of their text, and of nothing that a person would know again.
    return name if not module or re.search(r"inductor|[a-z2-7]{30}", module) else f"{module}.{name}"


class _Triton:
    def __init__(self, writer, cache):
        self.writer, self.cache, self.thread = writer, cache, threading.local()
        self.scope_of, self.reported = {}, set()
        self.by_hash, self.by_function, self.unloaded = {}, {}, []

    def watch(self, triton):
        knobs = getattr(triton, "knobs", None)
        if knobs is None:
            function = triton.runtime.jit.JITFunction
            _chain(function, "cache_hook", self.asked)
            if hasattr(function, "compiled_hook"):
                _chain(function, "compiled_hook", self.compiled)
            _chain(triton.compiler.CompiledKernel, "launch_enter_hook", self.launched)
            return
        _chain(knobs.runtime, "jit_cache_hook", self.asked)
        _chain(knobs.runtime, "jit_post_compile_hook", self.compiled)
        _chain(knobs.runtime, "launch_enter_hook", self.launched)
        _chain(knobs.compilation, "listener", self.listened)
        if hasattr(knobs.runtime, "kernel_load_end_hook"):
            _chain(knobs.runtime, "kernel_load_end_hook", self.loaded)

    def _wanted(self, kernel):
        """Triton does not have it in memory: within a pre-warm an offer, else a lookup that missed."""
        if self.writer.scopes:
            self.scope_of[kernel.key] = self.writer.scopes[-1]
            self.writer.offer(self.writer.scopes[-1], self.cache, kernel.key, kernel.body)
        else:
            self.reported.add(kernel.key)
            self.writer.lookup(self.scope_of.get(kernel.key), self.cache, kernel.key, kernel.body, False)

    @_quiet
    def asked(self, *, fn, compile, **_):
        function = getattr(fn, "jit_function", None)
        configs = compile.get("configs") or [None]
        attributes = configs[0] if isinstance(configs[0], dict) else None
        kernel = _Kernel(_name_of(str(fn.module), fn.name), function, compile.get("signature") or {},
                         compile.get("constants") or {}, attributes, compile)
        self.thread.kernel, self.thread.start, self.thread.listened = kernel, time.perf_counter(), False
        self._wanted(kernel)

    @_quiet
    def listened(self, *, src, metadata, metadata_group, times, cache_hit):
        kernel, self.thread.kernel = getattr(self.thread, "kernel", None), None
        if kernel is None:  # compiled in another thread, or by Inductor, which asks no hook
            function = getattr(src, "fn", None)
            name = getattr(function, "__qualname__", None) or str(src.name)
            kernel = _Kernel(_name_of(getattr(function, "__module__", ""), name), function,
                             getattr(src, "signature", None) or {}, getattr(src, "constants", None) or {},
                             getattr(src, "attrs", None), metadata)
            self._wanted(kernel)
        self.thread.listened = True
        kernel.see(metadata_group, metadata)
        self.by_hash[metadata["hash"]] = kernel
        if cache_hit:
            self.writer.note(f"Triton's cache on disk served {kernel.key}")
        else:
            self.writer.compile(self.cache, kernel.key, kernel.body, kernel.target, kernel.bytes, times.total / 1e3)

    @_quiet
    def compiled(self, *, key, fn, compile, **_):
        """Where nothing listened (before 3.4), the kernel stands in its function's own cache."""
        kernel, self.thread.kernel = getattr(self.thread, "kernel", None), None
        if kernel is None or self.thread.listened:
            return
        function = fn.jit_function
        caches = getattr(function, "device_caches", None) or function.cache
        of_device = caches[compile["device"]]
        made = (of_device[0] if isinstance(of_device, tuple) else of_device)[key]
        metadata = made.metadata._asdict() if hasattr(made.metadata, "_asdict") else dict(made.metadata)
        kernel.see(getattr(made, "metadata_group", {}), metadata)
        self.unloaded.append((made, kernel))
        ms = 1e3 * (time.perf_counter() - self.thread.start)
        self.writer.compile(self.cache, kernel.key, kernel.body, kernel.target, kernel.bytes, ms)

    @_quiet
    def loaded(self, module, function, name, metadata_group, hash):
        kernel = self.by_hash.get(hash)
        self.by_function[function] = kernel
        key, target = (kernel.key, kernel.target) if kernel else (None, None)
        image = kernel.module if kernel and kernel.module else str(hash)
        self.writer.load(image, self.cache, key, target, kernel.bytes if kernel else None, native=True)

    def _kernel_of(self, function):
        if function not in self.by_function:  # loads show themselves since 3.5 only
            found = [pair for pair in self.unloaded if getattr(pair[0], "function", None) == function]
            self.by_function[function] = found[0][1] if found else None
        return self.by_function[function]

    @_quiet
    def launched(self, metadata):
        """A kernel that was in memory: its first launch outside of any pre-warm is the lookup that hit."""
        data = getattr(metadata, "data", metadata)  # a LazyDict, whose other values are for profilers
        function = data.get("function") if hasattr(data, "get") else None
        kernel = self._kernel_of(function) if function is not None and not self.writer.scopes else None
        if kernel is not None and kernel.key not in self.reported:
            self.reported.add(kernel.key)
            self.writer.lookup(self.scope_of.get(kernel.key), self.cache, kernel.key, kernel.body, True)


@_quiet
def watch_triton(writer=None, cache="triton"):
    """Before the first kernel. It cannot see a compile that fails: that raises, and the run says so."""
    writer = writer or _writer
    if writer.folder:
        import triton
        _Triton(writer, cache).watch(triton)


def warm(kernel, grid, *arguments, **named):
    """Compiles a Triton kernel for these arguments and loads its module; launches nothing. For within a pre-warm:
    Triton's own warmup leaves the loading to the first launch, which is then a late load."""
    made = kernel.warmup(*arguments, grid=grid, **named)
    for one in made if isinstance(made, list) else [made]:
        one = one.result() if hasattr(one, "result") else one
        if one is not None:
            one._init_handles()
    return made


_writer = Writer()
run, prewarm, payload, memory = _writer.run, _writer.prewarm, _writer.payload, _writer.memory
offer, lookup, compile, load, unload = _writer.offer, _writer.lookup, _writer.compile, _writer.load, _writer.unload
alloc, batch, weights, checkpoint = _writer.alloc, _writer.batch, _writer.weights, _writer.checkpoint
step, error, note = _writer.step, _writer.error, _writer.note
