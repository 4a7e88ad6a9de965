// Q5's timed cases, on a GPU: those of the checks, and conversions in more formats.
#include <string>

#include "grader/benchmark_case.h"
#include "questions/q05_mixed_precision/timed_case.h"

namespace q05 {
namespace {

workbench::BenchmarkCase Benchmark(const std::string& part, const TimedCase& timed) {
  workbench::BenchmarkCase benchmark;
  std::string name = timed.name;
  for (char& c : name) c = c == ' ' ? '_' : c;
  benchmark.name = part + "/" + name;
  benchmark.part = part;
  benchmark.on_gpu = true;
  benchmark.bytes = timed.bytes;
  benchmark.least_bytes = timed.bytes;
  benchmark.request = [timed](uint64_t seed, bool) { return timed.Request(seed, 9); };
  benchmark.seconds = [](const std::vector<std::vector<std::byte>>& replies) { return SecondsOf(replies[0]); };
  benchmark.ceiling_request = [] {
    std::vector<std::byte> request;
    Append(&request, RequestKind::kCeilings);
    return request;
  };
  benchmark.copy_bandwidth = [](const std::vector<std::vector<std::byte>>& replies) {
    return Read<Ceilings>(replies[0]).copy_bytes_per_second;
  };
  return benchmark;
}

}  // namespace
}  // namespace q05

std::vector<workbench::BenchmarkCase> workbench::MakeBenchmarks(bool gpu) {
  std::vector<BenchmarkCase> benchmarks;
  if (!gpu) return benchmarks;
  for (const q05::Format format :
       {q05::Format::kFloat16, q05::Format::kBFloat16, q05::Format::kE4M3, q05::Format::kE5M2}) {
    benchmarks.push_back(q05::Benchmark("a", q05::TimedConversion(q05::Format::kFloat32, format)));
    if (q05::ElementBytes(format) == 1) continue;  // 8-bit codes are not filled in, so they are not read either
    benchmarks.push_back(q05::Benchmark("a", q05::TimedConversion(format, q05::Format::kFloat32)));
  }
  benchmarks.push_back(q05::Benchmark("b", q05::TimedList("16_tensors", q05::SixteenTensors())));
  benchmarks.push_back(q05::Benchmark("b", q05::TimedList("2000_tensors", q05::TwoThousandTensors())));
  benchmarks.push_back(q05::Benchmark("d", q05::TimedAdam()));
  for (const auto& [m, n, k] : q05::kTimedProducts)
    benchmarks.push_back(q05::Benchmark("e", q05::TimedProduct(m, n, k)));
  for (const auto& [function, hidden] : q05::kTimedRows) {
    benchmarks.push_back(q05::Benchmark("f", q05::TimedRows(function, hidden)));
  }
  return benchmarks;
}
