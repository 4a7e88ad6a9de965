// The references at scale: EASY backfill (part A) and fair share with backfill (part C) on 10,000 nodes of 8 GPUs at
// load 0.9, depth 1,000, from 10^4 to 10^6 jobs. Seconds of a whole simulation on one core, decisions a second, the
// 99th percentile of the time of a decision, the most memory in use so far, and what the time grows like.
//
//   scale_benchmark                        all
//   scale_benchmark --benchmark_filter=EASY
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "questions/q07_scheduling/api.h"
#include "questions/q07_scheduling/sharing_api.h"
#include "questions/q07_scheduling/simulator.h"
#include "questions/q07_scheduling/synthetic_load.h"

namespace q07 {
namespace {

constexpr int32_t kDepth = 1000;
constexpr int64_t kSizes[] = {10'000, 100'000, 1'000'000};

SyntheticLoad LoadOf(int64_t jobs, bool rush) {
  SyntheticLoad load;
  load.jobs = jobs;
  load.rush = rush;
  return load;
}

ClusterConfig ClusterOf(const Workload& workload) {
  ClusterConfig cluster;
  cluster.nodes = workload.nodes;
  cluster.tick = workload.tick;
  cluster.kill_at_estimate = workload.kill_at_estimate;
  return cluster;
}

double PeakGib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1 << 20);
}

// The exponent between this size and the last one that was timed: 1 is linear; n log n from 10^5 to 10^6 jobs is 1.08.
double Exponent(const std::string& name, int64_t jobs, double seconds) {
  static std::map<std::string, std::pair<int64_t, double>> last;
  const auto [it, first] = last.try_emplace(name, jobs, seconds);
  if (first || it->second.first >= jobs) {
    it->second = {jobs, seconds};
    return 0;
  }
  const double exponent = std::log(seconds / it->second.second) /
                          std::log(static_cast<double>(jobs) / static_cast<double>(it->second.first));
  it->second = {jobs, seconds};
  return exponent;
}

template <typename Create>
void Run(benchmark::State& state, const std::string& name, const Workload& workload, Create create) {
  SimulationResult result;
  double seconds = 0;
  for (auto _ : state) {
    const std::unique_ptr<Scheduler> scheduler(create(workload));
    const double before = static_cast<double>(clock()) / CLOCKS_PER_SEC;
    result = Simulate(workload, *scheduler, nullptr, false, true, &q07_sharing_set_quota);
    seconds = static_cast<double>(clock()) / CLOCKS_PER_SEC - before;
  }
  if (result.broken || result.ending != Ending::kDone) {
    state.SkipWithError(result.broken ? result.violation.message.c_str() : "the run did not come to its end");
    return;
  }
  std::vector<int64_t>& ns = result.decision_ns;
  int64_t all_ns = 0;
  for (const int64_t one : ns) all_ns += one;
  const auto p99 = ns.begin() + static_cast<std::ptrdiff_t>((ns.size() * 99 + 99) / 100 - 1);
  std::nth_element(ns.begin(), p99, ns.end());
  state.SetComplexityN(state.range(0));
  state.counters["decisions"] = static_cast<double>(result.decisions);
  state.counters["decisions/s"] = static_cast<double>(result.decisions) * 1e9 / static_cast<double>(all_ns);
  state.counters["p99_us"] = static_cast<double>(*p99) / 1000;
  state.counters["scheduler_s"] = static_cast<double>(all_ns) * 1e-9;
  state.counters["peak_GiB"] = PeakGib();
  state.counters["exponent"] = Exponent(name, state.range(0), seconds);
}

void Easy(benchmark::State& state, const std::string& name, bool rush) {
  Run(state, name, SyntheticPolicyWorkload(LoadOf(state.range(0), rush)), [](const Workload& workload) {
    PolicyConfig config;
    config.policy = Policy::kEasy;
    config.backfill_depth = kDepth;
    return q07_policy_create(ClusterOf(workload), config);
  });
}

void FairShare(benchmark::State& state, const std::string& name, bool rush) {
  Run(state, name, SyntheticSharingWorkload(LoadOf(state.range(0), rush)), [](const Workload& workload) {
    SharingConfig config;
    config.sharing = Sharing::kFairShare;
    config.quotas = workload.quotas;
    config.backfill_depth = kDepth;
    return q07_sharing_create(ClusterOf(workload), config);
  });
}

void Register(const std::string& name, void (*run)(benchmark::State&, const std::string&, bool), bool rush) {
  benchmark::internal::Benchmark* family =
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { run(state, name, rush); });
  for (const int64_t jobs : kSizes) family->Arg(jobs);
  family->ArgName("jobs")->Iterations(1)->Unit(benchmark::kSecond);
  if (!rush) family->Complexity(benchmark::oNLogN);
}

}  // namespace
}  // namespace q07

int main(int argc, char** argv) {
  q07::Register("EASY", q07::Easy, false);
  q07::Register("FairShare", q07::FairShare, false);
  q07::Register("EASY_rush", q07::Easy, true);
  q07::Register("FairShare_rush", q07::FairShare, true);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
