// Q2's timed cases. Part A: the algorithm that suits the size, beside MPI_Allreduce. Part B: beside NCCL.
#include <algorithm>
#include <string>

#include "grader/benchmark_case.h"
#include "questions/q02_allreduce/protocol.h"

namespace q02 {
namespace {

struct Size {
  const char* name;
  size_t bytes;
  uint32_t calls;
  uint32_t batches;
};

constexpr Size kHostSizes[] = {
    {"1KiB", 1 << 10, 400, 5}, {"8KiB", 8 << 10, 200, 5}, {"64KiB", 64 << 10, 50, 5}, {"512KiB", 512 << 10, 10, 5},
    {"1MiB", 1 << 20, 10, 5},  {"8MiB", 8 << 20, 2, 5},   {"64MiB", 64 << 20, 1, 3},
};

Algorithm Suited(size_t bytes) {
  if (bytes <= 16 << 10) return Algorithm::kRecursiveDoubling;
  return bytes <= 256 << 10 ? Algorithm::kHalvingDoubling : Algorithm::kRing;
}

workbench::BenchmarkCase HostBenchmark(const Size& size, int ranks) {
  workbench::BenchmarkCase benchmark;
  const Algorithm algorithm = Suited(size.bytes);
  benchmark.name = "a/" + std::string(size.name) + "/ranks:" + std::to_string(ranks);
  benchmark.part = "a";
  benchmark.ranks = ranks;
  benchmark.bytes = static_cast<double>(size.bytes);
  benchmark.bus_factor = 2.0 * (ranks - 1) / ranks;
  benchmark.peer = "MPI_Allreduce";
  benchmark.repeats = 4;
  benchmark.request = [=](uint64_t seed, bool peer) {
    HostTimingCase request;
    request.algorithm = algorithm;
    request.count = size.bytes / sizeof(float);
    request.seed = seed;
    request.calls = size.calls;
    request.batches = size.batches;
    request.peer = peer;
    std::vector<std::byte> bytes;
    Append(&bytes, request);
    return bytes;
  };
  benchmark.seconds = [=](const std::vector<std::vector<std::byte>>& replies) {
    std::vector<double> seconds;
    for (uint32_t batch = 0; batch < size.batches; ++batch) {
      double slowest = 0;
      for (const auto& reply : replies) {
        slowest = std::max(slowest, Read<double>(reply, sizeof(HostTimingReply) + batch * sizeof(double)));
      }
      seconds.push_back(slowest);
    }
    return seconds;
  };
  return benchmark;
}

struct DeviceSize {
  const char* name;
  size_t bytes;
  int32_t algorithm;  // 0 one-shot, 1 two-shot
};

constexpr DeviceSize kDeviceSizes[] = {
    {"4KiB", 4 << 10, 0}, {"64KiB", 64 << 10, 0}, {"1MiB", 1 << 20, 1}, {"8MiB", 8 << 20, 1}, {"64MiB", 64 << 20, 1}};

workbench::BenchmarkCase DeviceBenchmark(const DeviceSize& size, int ranks) {
  workbench::BenchmarkCase benchmark;
  benchmark.name = "b/" + std::string(size.algorithm == 0 ? "one-shot/" : "two-shot/") + size.name +
                   "/ranks:" + std::to_string(ranks);
  benchmark.part = "b";
  benchmark.ranks = ranks;
  benchmark.bytes = static_cast<double>(size.bytes);
  benchmark.bus_factor = 2.0 * (ranks - 1) / ranks;
  benchmark.peer = "ncclAllReduce";
  benchmark.repeats = 2;
  benchmark.on_gpu = true;
  benchmark.least_bytes = 2.0 * ranks * benchmark.bytes;
  benchmark.ceiling_request = [] {
    DeviceRequest request;
    request.kind = RequestKind::kDeviceCeilings;
    std::vector<std::byte> bytes;
    Append(&bytes, request);
    return bytes;
  };
  benchmark.copy_bandwidth = [](const std::vector<std::vector<std::byte>>& replies) {
    return Read<DeviceCeilings>(replies[0]).copy_bytes_per_second;
  };
  const bool large = size.bytes >= 1 << 20;
  benchmark.request = [=](uint64_t seed, bool peer) {
    DeviceRequest request;
    request.kind = RequestKind::kDeviceTiming;
    TimingCase& timing = request.timing;
    timing.operation.count = size.bytes / sizeof(float);
    timing.operation.algorithm = size.algorithm;
    timing.seed = seed;
    timing.flush_l2 = large;
    timing.calls_per_sample = large ? 1 : 64;
    timing.samples = 15;
    if (peer) {  // NCCL on a shared GPU goes over sockets: slow, and not to be captured
      timing.timed_by = static_cast<int32_t>(TimedBy::kNccl);
      timing.graph = 0;
      timing.samples = 5;
      timing.warmup = 1;
      timing.calls_per_sample = large ? 1 : 8;
    }
    std::vector<std::byte> bytes;
    Append(&bytes, request);
    return bytes;
  };
  benchmark.seconds = [](const std::vector<std::vector<std::byte>>& replies) {
    const size_t samples = (replies[0].size() - sizeof(ManyReport)) / sizeof(double);
    std::vector<double> seconds(samples, 0.0);
    for (const auto& reply : replies) {
      for (size_t i = 0; i < samples; ++i) {
        seconds[i] = std::max(seconds[i], Read<double>(reply, sizeof(ManyReport) + i * sizeof(double)));
      }
    }
    return seconds;
  };
  return benchmark;
}

}  // namespace
}  // namespace q02

std::vector<workbench::BenchmarkCase> workbench::MakeBenchmarks(bool gpu) {
  std::vector<BenchmarkCase> benchmarks;
  for (const int ranks : {2, 4, 8}) {
    for (const q02::Size& size : q02::kHostSizes) benchmarks.push_back(q02::HostBenchmark(size, ranks));
    if (!gpu) continue;
    for (const q02::DeviceSize& size : q02::kDeviceSizes) benchmarks.push_back(q02::DeviceBenchmark(size, ranks));
  }
  return benchmarks;
}
