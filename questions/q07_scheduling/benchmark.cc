// Q7's timed cases: how long an answer's decisions take. Part A and C: its functions' time for each Decide of a loaded
// cluster. Part B: for each request, on a cluster that is being filled. Host code on one core.
#include <string>

#include "grader/benchmark_case.h"
#include "questions/q07_scheduling/placement_case.h"
#include "questions/q07_scheduling/placement_workload.h"
#include "questions/q07_scheduling/policy_case.h"
#include "questions/q07_scheduling/sharing_case.h"
#include "questions/q07_scheduling/synthetic_load.h"

namespace q07 {
namespace {

using Replies = std::vector<std::vector<std::byte>>;

double SecondsEach(const RunnerReply& run) {
  return run.decisions > 0 ? static_cast<double>(run.scheduler_ns) * 1e-9 / static_cast<double>(run.decisions) : 0;
}

// A load above 1, so that there is always a queue.
SyntheticLoad Crowded(uint64_t seed) {
  SyntheticLoad load;
  load.nodes = 64;
  load.jobs = 5000;
  load.load = 1.1;
  load.seed = seed;
  return load;
}

workbench::BenchmarkCase PolicyBenchmark(const std::string& name, Policy policy) {
  workbench::BenchmarkCase benchmark;
  benchmark.name = "a/" + name;
  benchmark.part = "a";
  benchmark.request = [policy](uint64_t seed, bool) {
    PolicyRun run;
    run.parameters.policy = policy;
    run.workload = SyntheticPolicyWorkload(Crowded(seed));
    run.workload.kill_at_estimate = policy == Policy::kEasy;
    PolicyCase one;
    one.runs.push_back(run);
    return EncodePolicyCase(one);
  };
  benchmark.seconds = [](const Replies& replies) {
    std::vector<PolicyReply> runs;
    if (!DecodePolicyReplies(replies[0], 1, &runs)) return std::vector<double>();
    return std::vector<double>{SecondsEach(runs[0].run)};
  };
  return benchmark;
}

workbench::BenchmarkCase PlacementBenchmark(const std::string& name, PlacementPolicy policy) {
  constexpr int32_t kNodes = 400;
  workbench::BenchmarkCase benchmark;
  benchmark.name = "b/" + name;
  benchmark.part = "b";
  benchmark.request = [policy](uint64_t seed, bool) {
    const Stream stream = MakeStream(kNodes, seed);
    PlacementCase one;
    one.nodes = stream.nodes;
    one.typical = stream.mix;
    one.policy = policy;
    one.seed = seed;
    for (const Request& request : stream.requests) {
      PlacementOperation operation;
      operation.id = static_cast<int32_t>(one.operations.size());
      operation.request = request;
      one.operations.push_back(operation);
    }
    return EncodePlacement(one);
  };
  benchmark.seconds = [](const Replies& replies) {
    PlacementOutcome outcome;
    if (!DecodeOutcome(replies[0], &outcome) || outcome.reply.done == 0) return std::vector<double>();
    return std::vector<double>{outcome.reply.seconds / static_cast<double>(outcome.reply.done)};
  };
  return benchmark;
}

workbench::BenchmarkCase SharingBenchmark(const std::string& name, Sharing sharing, bool reclaim) {
  workbench::BenchmarkCase benchmark;
  benchmark.name = "c/" + name;
  benchmark.part = "c";
  benchmark.request = [sharing, reclaim](uint64_t seed, bool) {
    SharingCase one;
    one.rules.sharing = sharing;
    one.rules.reclaim = reclaim;
    one.rules.backfill_depth = reclaim ? 0 : 100;
    one.workload = SyntheticSharingWorkload(Crowded(seed));
    return EncodeSharing(one);
  };
  benchmark.seconds = [](const Replies& replies) {
    SharingReply reply;
    if (!DecodeSharingReply(replies[0], &reply)) return std::vector<double>();
    return std::vector<double>{SecondsEach(reply.run)};
  };
  return benchmark;
}

}  // namespace
}  // namespace q07

std::vector<workbench::BenchmarkCase> workbench::MakeBenchmarks(bool) {
  return {q07::PolicyBenchmark("sjf/512_gpus", q07::Policy::kSjf),
          q07::PolicyBenchmark("easy/512_gpus", q07::Policy::kEasy),
          q07::PlacementBenchmark("best_fit/400_nodes", q07::PlacementPolicy::kBestFit),
          q07::PlacementBenchmark("fragmentation/400_nodes", q07::PlacementPolicy::kFragmentation),
          q07::SharingBenchmark("fair_share_backfill/64_nodes", q07::Sharing::kFairShare, false),
          q07::SharingBenchmark("dominant_reclaim/64_nodes", q07::Sharing::kDominant, true)};
}
