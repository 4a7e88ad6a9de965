// Q2's timed cases. Part A: the algorithm that suits the size, beside MPI_Allreduce.
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

}  // namespace
}  // namespace q02

std::vector<workbench::BenchmarkCase> workbench::MakeBenchmarks(bool gpu) {
  (void)gpu;
  std::vector<BenchmarkCase> benchmarks;
  for (const int ranks : {2, 4, 8}) {
    for (const q02::Size& size : q02::kHostSizes) benchmarks.push_back(q02::HostBenchmark(size, ranks));
  }
  return benchmarks;
}
