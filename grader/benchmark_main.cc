// main() of every question's :benchmark: Google Benchmark over the question's cases, on answer, reference and peer.
// Leaves Google Benchmark's own JSON and a page for a browser behind.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "grader/bench_runner.h"
#include "grader/environment.h"
#include "grader/report_files.h"
#include "grader/statistics.h"
#include "harness/launch/process_tree.h"

namespace workbench {
namespace {

// One iteration is one request: several batches, whose median is the time a call that is shown.
// `copy_bandwidth`: of the GPU, or 0.
void RunOne(benchmark::State& state, BenchRunner* runner, const BenchmarkCase& benchmark_case, const std::string& who,
            double copy_bandwidth) {
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
  if (copy_bandwidth > 0 && benchmark_case.least_bytes > 0) {
    const double most = copy_bandwidth * benchmark_case.bytes / benchmark_case.least_bytes;
    state.counters["busbw_ceiling_GB/s"] = most * benchmark_case.bus_factor / 1e9;
  }
}

// Measured when it is first asked for, once for each number of ranks; 0 where the case has none, or it failed.
double CopyBandwidth(BenchRunner* runner, const BenchmarkCase& benchmark_case, std::map<int, double>* known) {
  if (!benchmark_case.ceiling_request) return 0;
  const auto [it, fresh] = known->try_emplace(benchmark_case.ranks, 0);
  if (fresh) {
    Result<double> measured = runner->CopyBandwidth(benchmark_case);
    if (measured.ok()) it->second = *measured;
  }
  return it->second;
}

void DescribeContext(const BenchOptions& options, const std::string& question,
                     const std::vector<BenchmarkCase>& cases) {
  benchmark::AddCustomContext("question", question);
  benchmark::AddCustomContext("mode", options.gpu ? "gpu" : "host");
  benchmark::AddCustomContext("repeat", "./workbench bench " + question.substr(0, question.find('_')));
  std::map<std::string, bool> on_gpu;
  for (const BenchmarkCase& one : cases) on_gpu[one.part] = options.gpu && one.on_gpu;
  for (const auto& [part, gpu] : on_gpu) benchmark::AddCustomContext("measured_on." + part, gpu ? "gpu" : "cpu");
  for (const auto& [name, value] : DescribeEnvironment(options.gpu)) benchmark::AddCustomContext(name, value);
}

// Google Benchmark writes its JSON to FILE, which becomes BASE.json with a page beside it. Empty, with a line on
// stderr, where nothing can be written.
std::string TemporaryFor(const std::string& base) {
  const std::string path = base + ".json." + std::to_string(getpid()) + ".bench";
  Status status = MakeFolderOf(base);
  const int fd = status.ok() ? open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
  if (status.ok() && fd < 0) status = ErrnoError("write " + path);
  if (fd >= 0) close(fd);
  if (status.ok()) return path;
  std::fprintf(stderr, "benchmark: no report will be written: %s\n", status.message().c_str());
  return "";
}

void WriteReportFrom(const std::string& path, const std::string& base) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream json;
  json << file.rdbuf();
  unlink(path.c_str());
  const Status status = WriteReport(base, json.str());
  if (status.ok()) {
    std::printf("\nReport: %s.html\n", base.c_str());
  } else {
    std::fprintf(stderr, "benchmark: the report was not written: %s\n", status.message().c_str());
  }
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
  std::string out;
  bool keep = true;  // not where nothing is run
  std::erase_if(options.rest, [&](const std::string& flag) {
    keep = keep && flag.rfind("--help", 0) != 0 && flag.rfind("--benchmark_list_tests", 0) != 0 &&
           flag.rfind("--benchmark_out", 0) != 0;  // theirs is where they asked for it
    if (flag.rfind("--out=", 0) != 0) return false;
    out = flag.substr(6);
    return true;
  });
  const std::string question = QuestionOfRunner(options.runner);
  const std::string base = keep ? ReportBase(out, question, "bench") : "";
  const std::string temporary = base.empty() ? "" : TemporaryFor(base);
  if (!temporary.empty()) {
    options.rest.push_back("--benchmark_out=" + temporary);
    options.rest.push_back("--benchmark_out_format=json");
  }
  std::vector<char*> rest;
  for (std::string& argument : options.rest) rest.push_back(argument.data());
  int rest_count = static_cast<int>(rest.size());
  rest.push_back(nullptr);
  const bool gpu = options.gpu;
  BenchRunner runner(options);
  benchmark::Initialize(&rest_count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(rest_count, rest.data())) {
    if (!temporary.empty()) unlink(temporary.c_str());
    return 2;
  }
  const std::vector<BenchmarkCase> cases = MakeBenchmarks(gpu);
  DescribeContext(options, question, cases);
  std::map<int, double> copy_bandwidths;
  for (const BenchmarkCase& benchmark_case : cases) {
    std::vector<std::string> implementations = {"answer", "reference"};
    if (!benchmark_case.peer.empty()) implementations.push_back("peer");
    for (const std::string& who : implementations) {
      if (!runner.Has(who, benchmark_case.part)) continue;
      const std::string name = benchmark_case.name + "/" + (who == "peer" ? benchmark_case.peer : who);
      benchmark::RegisterBenchmark(name.c_str(),
                                   [&, benchmark_case, who](benchmark::State& state) {
                                     RunOne(state, &runner, benchmark_case, who,
                                            CopyBandwidth(&runner, benchmark_case, &copy_bandwidths));
                                   })
          ->UseManualTime()
          ->Unit(benchmark::kMicrosecond)
          ->Iterations(benchmark_case.repeats);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  if (!temporary.empty()) WriteReportFrom(temporary, base);
  return 0;
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) { return workbench::Main(argc, argv); }
