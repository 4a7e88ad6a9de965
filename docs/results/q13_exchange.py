#!/usr/bin/env python3
"""Exchanges safetensors files with Python's `safetensors`, both ways, and with `torch` where it is installed.

  bazel build //questions/q13_checkpoint:safetensors_tool //solutions/q13_checkpoint:reference_f.so
  python3 docs/results/q13_exchange.py bazel-bin/questions/q13_checkpoint/safetensors_tool \\
      bazel-bin/solutions/q13_checkpoint/reference_f.so

Prints a line for each thing that was compared; exit status 1 if anything differs, 2 if nothing could be compared.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    import safetensors
except ImportError:
    print("SKIPPED: Python's safetensors is not installed")
    sys.exit(2)
try:
    import torch
    import safetensors.torch
except ImportError:
    torch = None

WIDTHS = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
          "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8}
TORCH_TYPES = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn",
               "I16": "int16", "U16": "uint16", "F16": "float16", "BF16": "bfloat16", "I32": "int32", "U32": "uint32",
               "F32": "float32", "F64": "float64", "I64": "int64", "U64": "uint64"}
# What Python's safetensors.serialize calls them.
SERIALIZE_TYPES = dict(TORCH_TYPES, F8_E4M3="float8_e4m3fn")
METADATA = {"format": "pt"}

failures = 0


def report(what, same, detail=""):
    global failures
    failures += not same
    print(("ok    " if same else "WRONG ") + what + (": " + detail if detail else ""))


def known_set():
    """name -> (type, shape, bytes), as safetensors_tool.cc makes it."""
    tensors = [("type." + t, t, [3, 5, 2]) for t in WIDTHS]
    tensors += [("scalar", "BF16", []), ("empty", "F8_E4M3", [4, 0]), ("large", "BF16", [300, 1000]),
                ('quotes " and \\', "F16", [7]), ("\u20ac/\U0001f600", "F8_E5M2", [13]),
                ("line\nfeed\ttab\x01", "U8", [1])]
    known = {}
    for k, (name, kind, shape) in enumerate(tensors):
        count = WIDTHS[kind]
        for extent in shape:
            count *= extent
        data = bytes((131 * i + 17 * k + 7) % 256 for i in range(count))
        known[name] = (kind, shape, bytes(b & 1 for b in data) if kind == "BOOL" else data)
    return known


def tool(mode, path):
    done = subprocess.run([sys.argv[1], sys.argv[2], mode, path], capture_output=True, text=True)
    if done.returncode != 0:
        report("safetensors_tool " + mode, False, done.stderr.strip())
        return ""
    return done.stdout


def read_by_tool(path):
    """name -> (type, shape, CRC-32), and the metadata."""
    tensors, metadata = {}, {}
    text = lambda field: "" if field == "-" else bytes.fromhex(field).decode()
    for line in tool("read", path).splitlines():
        fields = line.split(" ")
        if fields[0] == "metadata":
            metadata[text(fields[1])] = text(fields[2])
        else:
            shape = [] if fields[3] == "-" else [int(extent) for extent in fields[3].split(",")]
            tensors[text(fields[1])] = (fields[2], shape, int(fields[4], 16))
    return tensors, metadata


def compare_with_tool(what, path, expected, metadata):
    tensors, found = read_by_tool(path)
    report(what + ": names", set(tensors) == set(expected), "%d tensors" % len(expected))
    for name, (kind, shape, data) in expected.items():
        if tensors.get(name) != (kind, list(shape), zlib.crc32(data)):
            report(what + ": " + repr(name), False, str(tensors.get(name)))
    report(what + ": metadata", found == metadata, json.dumps(found))


def torch_bytes(tensor):
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def torch_tensor(kind, shape, data):
    dtype = getattr(torch, TORCH_TYPES[kind], None)
    if dtype is None:
        return None
    if not data:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(dtype).reshape(shape)


def exchange_bytes(folder):
    """With safetensors alone: its serializer and deserializer, bytes in and out."""
    known = known_set()
    ours = os.path.join(folder, "ours.safetensors")
    tool("write", ours)
    file = open(ours, "rb").read()
    found = dict(safetensors.deserialize(file))
    report("Python reads ours: names", set(found) == set(known), "%d tensors" % len(known))
    for name, (kind, shape, data) in known.items():
        entry = found.get(name, {})
        same = (entry.get("dtype"), list(entry.get("shape", [])), bytes(entry.get("data", b""))) == (kind, shape, data)
        if not same:
            report("Python reads ours: " + repr(name), False, str({k: v for k, v in entry.items() if k != "data"}))
    length = struct.unpack("<Q", file[:8])[0]
    report("ours: data begins at a multiple of 8", (8 + length) % 8 == 0, "header of %d bytes" % length)

    theirs = os.path.join(folder, "theirs.safetensors")
    entries, refused = {}, []
    for name, (kind, shape, data) in known.items():
        entry = {"dtype": SERIALIZE_TYPES[kind], "shape": shape, "data": data}
        try:
            safetensors.serialize({name: entry}, metadata=METADATA)
            entries[name] = entry
        except Exception as error:  # a type that this version does not have
            refused.append("%s (%s)" % (kind, error))
    with open(theirs, "wb") as out:
        out.write(safetensors.serialize(entries, metadata=METADATA))
    if refused:
        print("note  safetensors.serialize does not take " + ", ".join(sorted(set(refused))))
    compare_with_tool("we read Python's", theirs, {name: known[name] for name in entries}, METADATA)
    if not refused:
        report("the two files are the same, byte for byte", open(theirs, "rb").read() == file, "%d bytes" % len(file))


def exchange_torch(folder):
    known = known_set()
    ours = os.path.join(folder, "ours.safetensors")
    try:
        loaded = safetensors.torch.load_file(ours)
        for name, (kind, shape, data) in known.items():
            tensor = loaded[name]
            same = (str(tensor.dtype) == "torch." + TORCH_TYPES[kind] and list(tensor.shape) == shape
                    and torch_bytes(tensor) == data)
            if not same:
                report("torch loads ours: " + repr(name), False, "%s %s" % (tensor.dtype, list(tensor.shape)))
        report("torch loads ours", True, "%d tensors, BF16, F8_E4M3 and F8_E5M2 among them" % len(known))
        with safetensors.safe_open(ours, framework="pt") as opened:
            report("torch: metadata of ours", opened.metadata() == METADATA)
    except Exception as error:
        report("torch loads ours", False, repr(error))

    state = {}
    for name, (kind, shape, data) in known.items():
        tensor = torch_tensor(kind, shape, data)
        if tensor is None:
            print("note  this torch has no " + kind)
        else:
            state[name] = tensor
    generator = torch.Generator().manual_seed(13)
    for kind in ("F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"):
        dtype = getattr(torch, TORCH_TYPES[kind], None)
        if dtype is not None:
            state["random." + kind] = torch.randn(257, 33, generator=generator).to(dtype)
    theirs = os.path.join(folder, "torch.safetensors")
    safetensors.torch.save_file(state, theirs, metadata=METADATA)
    names = {"torch." + name: kind for kind, name in TORCH_TYPES.items()}
    expected = {name: (names[str(t.dtype)], list(t.shape), torch_bytes(t)) for name, t in state.items()}
    compare_with_tool("we read torch's", theirs, expected, METADATA)
    plain = {name: tensor for name, tensor in state.items() if not name.startswith("random.")}
    if len(plain) == len(known):
        safetensors.torch.save_file(plain, theirs, metadata=METADATA)
        report("torch's file is the same as ours, byte for byte", open(theirs, "rb").read() == open(ours, "rb").read())


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    print("safetensors %s, torch %s" % (safetensors.__version__, torch.__version__ if torch else "not installed"))
    with tempfile.TemporaryDirectory() as folder:
        exchange_bytes(folder)
        if torch:
            exchange_torch(folder)
        else:
            print("SKIPPED: torch is not installed")
    print("%d differ" % failures if failures else "all the same")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
