#!/usr/bin/env python3
"""What PyTorch does for the kernels of Q5, on the GPU at hand: medians of CUDA events, L2 flushed, as JSON.

    python3 docs/results/q05_peers.py > q05_peers.json

Sizes and bytes are those of the benchmarks in kernels/: run both on one machine, one after the other.
"""
import json
import statistics

import torch
import torch.nn.functional as functional

DEVICE = "cuda"
FLUSH = torch.empty(256 << 20, dtype=torch.uint8, device=DEVICE)


def seconds(call, samples=30):
    times = []
    for i in range(samples + 3):
        FLUSH.fill_(60)
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        stop.record()
        stop.synchronize()
        if i >= 3:
            times.append(start.elapsed_time(stop) * 1e-3)
    return statistics.median(times)


def many_sizes(tensors=2000):
    return [int(2 ** (10 + 10 * (t * 1237 % tensors) / (tensors - 1))) for t in range(tensors)]


RESULTS = []


def record(name, call, byte_count=0, flops=0):
    time = seconds(call)
    entry = {"name": name, "median_us": time * 1e6}
    if byte_count:
        entry["TB/s"] = byte_count / time * 1e-12
    if flops:
        entry["TFLOP/s"] = flops / time * 1e-12
    RESULTS.append(entry)
    torch.cuda.empty_cache()


def copy():
    source = torch.randint(256, (1 << 30,), dtype=torch.uint8, device=DEVICE)
    target = torch.empty_like(source)
    record("copy of 1 GiB", lambda: target.copy_(source), 2 << 30)


def casts():
    count = 1 << 28
    wide = torch.randn(count, device=DEVICE)
    for dtype in (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2):
        narrow = torch.empty(count, dtype=dtype, device=DEVICE)
        narrow.copy_(wide)
        byte_count = count * (4 + narrow.element_size())
        record(f"cast float32 to {dtype}", lambda: narrow.copy_(wide), byte_count)
        record(f"cast {dtype} to float32", lambda: wide.copy_(narrow), byte_count)


def unscale():
    for name, sizes in (("16 of 2^24", [1 << 24] * 16), ("2000 of 2^10 to 2^20", many_sizes())):
        gradients = [torch.randn(size, device=DEVICE).half() for size in sizes]
        found, scale = torch.zeros(1, device=DEVICE), torch.ones(1, device=DEVICE)
        byte_count = 2 * sum(sizes)

        def check_and_unscale():
            torch._amp_foreach_non_finite_check_and_unscale_(gradients, found, scale)

        def norm():
            return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients, 2.0, dtype=torch.float32)))

        record(f"unscale, {name}", check_and_unscale, 2 * byte_count)
        record(f"norm, {name}", norm, byte_count)
        record(f"unscale and norm, {name}", lambda: (check_and_unscale(), norm()), 2 * byte_count)


def adam():
    parameters = [torch.randn(1 << 24, device=DEVICE, requires_grad=True) for _ in range(16)]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, fused=True)
    record("fused AdamW, all float32, 16 of 2^24", optimizer.step, 16 * (1 << 24) * 28)


def norms():
    count = 1 << 27
    for hidden in (1024, 2048, 4096, 8192, 16384):
        x = torch.randn(count // hidden, hidden, device=DEVICE, dtype=torch.bfloat16, requires_grad=True)
        weight = torch.ones(hidden, device=DEVICE, dtype=torch.bfloat16, requires_grad=True)
        bias = torch.zeros(hidden, device=DEVICE, dtype=torch.bfloat16, requires_grad=True)
        layers = {
            "layer_norm": (lambda: functional.layer_norm(x, (hidden,), weight, bias), [x, weight, bias]),
            "rms_norm": (lambda: functional.rms_norm(x, (hidden,), weight, 1e-5), [x, weight]),
            "softmax": (lambda: functional.softmax(x, -1), [x]),
        }
        for name, (forward, inputs) in layers.items():
            record(f"{name}, hidden {hidden}", forward, 2 * count * 2)
            out = forward()
            gradient = torch.randn_like(out)
            record(f"{name} backward, hidden {hidden}",
                   lambda: torch.autograd.grad(out, inputs, gradient, retain_graph=True), 3 * count * 2)
            del out, gradient


def matmul():
    for m, n, k in ((4096, 4096, 4096), (8192, 8192, 8192), (8192, 28672, 4096), (4095, 4097, 4099)):
        a = torch.randn(m, k, device=DEVICE, dtype=torch.bfloat16)
        b = torch.randn(n, k, device=DEVICE, dtype=torch.bfloat16)
        record(f"matmul {m} x {n} x {k}, B transposed", lambda: torch.matmul(a, b.t()), flops=2 * m * n * k)


def main():
    for measure in (copy, casts, unscale, adam, norms, matmul):
        measure()
    print(json.dumps({"device": torch.cuda.get_device_name(), "torch": torch.__version__, "results": RESULTS}, indent=1))


if __name__ == "__main__":
    main()
