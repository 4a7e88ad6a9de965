#!/usr/bin/env python3
"""Q13's reference on a disk beside torch.save, safetensors and torch.distributed.checkpoint, in one run, as JSON.

    bazel build -c opt --config=gpu //questions/q13_checkpoint:disk_benchmark //solutions/q13_checkpoint:all
    python3 docs/results/q13_peers.py DIRECTORY > q13_peers.json

DIRECTORY is on the disk that is meant and has room for three times 4 GiB. What is ours and the peers take turns:
disk_benchmark writes model.safetensors and loads it, then safetensors loads the same file from the page cache. The
peers save the same tensors: to the page cache, as they do, with no word of the disk. Times are wall times, medians.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import safetensors.torch
import torch
import torch.distributed
import torch.distributed.checkpoint

ROUNDS = 2
BENCHMARK = "bazel-bin/questions/q13_checkpoint/disk_benchmark"
LIBRARIES = ["bazel-bin/solutions/q13_checkpoint/reference_%s.so" % part for part in "af"]


def seconds(call):
    torch.cuda.synchronize()
    begin = time.perf_counter()
    result = call()
    torch.cuda.synchronize()
    return time.perf_counter() - begin, result


def ours(directory):
    """Name of a benchmark -> its samples: times in seconds and stalls in ms."""
    out = os.path.join(directory, "disk_benchmark.json")
    subprocess.run(
        [BENCHMARK, *LIBRARIES, directory, "--keep", "--benchmark_enable_random_interleaving=true",
         "--benchmark_repetitions=3", "--benchmark_out=" + out, "--benchmark_out_format=json"],
        check=True, stdout=sys.stderr)
    with open(out) as file:
        runs = json.load(file)["benchmarks"]
    os.remove(out)
    samples = {}
    for run in runs:
        if run["run_type"] != "iteration":
            continue
        name = run["run_name"].split("/iterations")[0]
        samples.setdefault(name, []).append(run["real_time"] * 1e-3)
        if "stall_ms" in run:
            samples.setdefault(name + ", stall", []).append(run["stall_ms"] * 1e-3)
    return samples


def peers(directory, file):
    samples = {}

    def record(name, time):
        samples.setdefault(name, []).append(time)

    for _ in range(3):
        with open(file, "rb", buffering=0) as cached:
            while cached.read(64 << 20):
                pass
        time, state = seconds(lambda: safetensors.torch.load_file(file, device="cuda"))
        record("safetensors.torch.load_file, warm", time)
    target = os.path.join(directory, "peer.tmp")
    record("torch.save", seconds(lambda: torch.save(state, target))[0])
    os.remove(target)
    record("safetensors.torch.save_file", seconds(lambda: safetensors.torch.save_file(state, target))[0])
    os.remove(target)
    future = None

    def asynchronous():
        nonlocal future
        future = torch.distributed.checkpoint.async_save(state, checkpoint_id=target)

    record("torch.distributed.checkpoint.async_save, stall", seconds(asynchronous)[0])
    future.result()
    shutil.rmtree(target)
    return samples


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    file = os.path.join(directory, "model.safetensors")
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    samples = {}
    for _ in range(ROUNDS):
        for made in (ours(directory), peers(directory, file)):
            for name, times in made.items():
                samples.setdefault(name, []).extend(times)
    size = os.path.getsize(file)
    os.remove(file)
    json.dump({
        "device": torch.cuda.get_device_name(), "torch": torch.__version__, "safetensors": safetensors.__version__,
        "bytes": size,
        "median_seconds": {name: statistics.median(times) for name, times in sorted(samples.items())},
        "samples_seconds": samples,
    }, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
