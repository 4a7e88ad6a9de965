// main() of every question's :compare: answer beside reference, batch by batch in ABBA order, with ratios and how sure
// they are; then the sources side by side.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "grader/bench_runner.h"
#include "grader/statistics.h"
#include "harness/launch/process_tree.h"

namespace workbench {
namespace {

struct Ratio {
  double median;
  double low;  // a 95 % confidence interval of the median, from order statistics
  double high;
};

// The interval between the order statistics l and n-1-l that holds the median with at least 95 %: binomial(n, 1/2).
Ratio MedianWithInterval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const int n = static_cast<int>(values.size());
  double tail = 0, term = std::pow(0.5, n);
  int low = 0;
  for (int k = 0; k < n / 2; ++k) {
    tail += term;
    if (2 * tail > 0.05) break;
    low = k + 1;
    term *= static_cast<double>(n - k) / (k + 1);
  }
  low = std::max(0, low - 1);
  return {Median(values), values[static_cast<size_t>(low)], values[static_cast<size_t>(n - 1 - low)]};
}

int Main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(
      stderr,
      "compare: this is a debug build, whose times mean nothing. Use: bazel run -c opt ... (or ./workbench compare)\n");
  return 2;
#endif
  OwnDescendants();
  BenchOptions options = ParseBenchOptions(argc, argv);
  std::string filter;
  std::vector<std::string> diffs;
  for (size_t i = 1; i < options.rest.size(); ++i) {
    const std::string& flag = options.rest[i];
    if (flag.rfind("--filter=", 0) == 0) {
      filter = flag.substr(9);
    } else if (flag.rfind("--diff=", 0) == 0) {
      diffs.push_back(flag.substr(7));
    } else {
      std::fprintf(stderr, "compare: unknown flag: %s\n", flag.c_str());
      return 2;
    }
  }
  const bool gpu = options.gpu;
  BenchRunner runner(options);
  std::printf("%-34s %12s %12s %8s %19s   %s\n", "case", "answer us", "reference us", "ratio", "95 % interval",
              "peer / reference");
  bool failed = false;
  for (const BenchmarkCase& benchmark_case : MakeBenchmarks(gpu)) {
    if (benchmark_case.name.find(filter) == std::string::npos) continue;
    if (!runner.Has("answer", benchmark_case.part) || !runner.Has("reference", benchmark_case.part)) continue;
    std::vector<double> ratios, answer, reference;
    constexpr int kRounds = 12;
    bool good = true;
    for (int round = 0; round < kRounds && good; ++round) {
      double pair[2] = {0, 0};
      for (int half = 0; half < 2 && good; ++half) {
        const int which = (half + round) % 2;
        Result<std::vector<double>> timed = runner.Time(benchmark_case, which == 0 ? "answer" : "reference");
        good = timed.ok();
        if (!good) {
          std::printf("%-34s %s\n", benchmark_case.name.c_str(), timed.status().message().c_str());
          break;
        }
        pair[which] = Median(*timed);
      }
      if (round == 0) continue;  // warm-up
      answer.push_back(pair[0]);
      reference.push_back(pair[1]);
      ratios.push_back(pair[0] / pair[1]);
    }
    if (!good) {
      failed = true;
      continue;
    }
    const Ratio ratio = MedianWithInterval(ratios);
    std::printf("%-34s %12.1f %12.1f %8.3f   [%6.3f, %7.3f]", benchmark_case.name.c_str(), Median(answer) * 1e6,
                Median(reference) * 1e6, ratio.median, ratio.low, ratio.high);
    if (!benchmark_case.peer.empty()) {
      Result<std::vector<double>> timed = runner.Time(benchmark_case, "peer");
      if (timed.ok()) std::printf("   %.3f (%s)", Median(*timed) / Median(reference), benchmark_case.peer.c_str());
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  for (const std::string& pair : diffs) {
    const size_t colon = pair.find(':');
    const std::string left = pair.substr(0, colon), right = pair.substr(colon + 1);
    std::printf("\n%s | %s\n", left.c_str(), right.c_str());
    std::fflush(stdout);
    const std::string command = "diff --side-by-side --width=180 '" + left + "' '" + right + "'";
    if (std::system(command.c_str()) < 0) std::printf("diff could not be started\n");
  }
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) { return workbench::Main(argc, argv); }
