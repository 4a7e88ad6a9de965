// main() of every question's :benchmark: Google Benchmark over the question's cases, on answer, reference and peer.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <memory>

#include "grader/bench_runner.h"
#include "grader/statistics.h"
#include "harness/launch/process_tree.h"

namespace workbench {
namespace {

// One iteration is one request: several batches, whose median is the time a call that is shown.
void RunOne(benchmark::State& state, BenchRunner* runner, const BenchmarkCase& benchmark_case, const std::string& who) {
  std::vector<double> seconds;
  if (Result<std::vector<double>> warm_up = runner->Time(benchmark_case, who); !warm_up.ok()) {
    state.SkipWithError(warm_up.status().message().c_str());
    return;
  }
  for (auto _ : state) {
    Result<std::vector<double>> timed = runner->Time(benchmark_case, who);
    if (!timed.ok()) {
      state.SkipWithError(timed.status().message().c_str());
      return;
    }
    state.SetIterationTime(Median(*timed));
    seconds.insert(seconds.end(), timed->begin(), timed->end());
  }
  const double median = Median(seconds);
  const double algbw = benchmark_case.bytes / median / 1e9;
  state.counters["median_us"] = median * 1e6;
  state.counters["algbw_GB/s"] = algbw;
  state.counters["busbw_GB/s"] = algbw * benchmark_case.bus_factor;
}

int Main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(
      stderr,
      "benchmark: this is a debug build, whose times mean nothing. Use: bazel run -c opt ... (or ./workbench bench)\n");
  return 2;
#endif
  OwnDescendants();
  BenchOptions options = ParseBenchOptions(argc, argv);
  std::vector<char*> rest;
  for (std::string& argument : options.rest) rest.push_back(argument.data());
  int rest_count = static_cast<int>(rest.size());
  rest.push_back(nullptr);
  const bool gpu = options.gpu;
  BenchRunner runner(options);
  benchmark::Initialize(&rest_count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(rest_count, rest.data())) return 2;
  for (const BenchmarkCase& benchmark_case : MakeBenchmarks(gpu)) {
    std::vector<std::string> implementations = {"answer", "reference"};
    if (!benchmark_case.peer.empty()) implementations.push_back("peer");
    for (const std::string& who : implementations) {
      if (!runner.Has(who, benchmark_case.part)) continue;
      const std::string name = benchmark_case.name + "/" + (who == "peer" ? benchmark_case.peer : who);
      benchmark::RegisterBenchmark(
          name.c_str(),
          [&runner, benchmark_case, who](benchmark::State& state) { RunOne(state, &runner, benchmark_case, who); })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond)
          ->Iterations(benchmark_case.repeats);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) { return workbench::Main(argc, argv); }
