// Part B: everything together. Long random scripts, a stream that fills a cluster, a large cluster.
#include <cstdio>
#include <cstdlib>

#include "harness/traces/trace_reader.h"
#include "questions/q07_scheduling/checks_placement.h"
#include "questions/q07_scheduling/placement_choice.h"
#include "questions/q07_scheduling/placement_workload.h"

namespace q07 {
namespace {

using workbench::CheckContext;

// What a decent answer does in a second or two, and one that looks at the fragmentation of the whole cluster for each
// request in half a minute at the least, of CPU time.
constexpr double kScaleSeconds = 10;

std::string Percent(double part, double whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * part / whole);
  return text;
}

// Places the stream's requests under four policies. False when a failure was recorded.
bool JudgeStranded(CheckContext& context, const Stream& stream, const std::string& name) {
  double gpus = 0;
  for (const GpuNode& node : stream.nodes) gpus += node.gpus;
  struct Rival {
    PlacementPolicy policy;
    const char* name;
    double free = 0;
  };
  Rival rivals[] = {{PlacementPolicy::kBestFit, "best fit"},
                    {PlacementPolicy::kPack, "pack"},
                    {PlacementPolicy::kRandom, "random"},
                    {PlacementPolicy::kFragmentation, "fragmentation-aware"}};
  for (Rival& rival : rivals) {
    PlacementScript script(stream.nodes, rival.policy, stream.mix, context.seed());
    for (const Request& request : stream.requests) script.Place(request);
    PlacementAspects aspects;
    aspects.choices_every = stream.requests.size() / 50 + 1;
    aspects.shrinks = false;
    std::vector<ClusterOracle> after;
    if (!JudgePlacement(context, script, name, aspects, &after)) return false;
    rival.free = after[0].free_gpus();
    context.Figure(name + ": stranded by " + rival.name + " (% of GPUs)", 100 * rival.free / gpus);
  }
  for (const Rival& rival : rivals) {
    if (rival.policy == PlacementPolicy::kFragmentation || rivals[3].free < rival.free) continue;
    workbench::Finding finding;
    finding.property = "on this stream, fragmentation-aware placement leaves fewer GPUs that cannot be given away";
    finding.input = {{"stream", name},
                     {"nodes", std::to_string(stream.nodes.size())},
                     {"GPUs", std::to_string(static_cast<int>(gpus))},
                     {"requests", std::to_string(stream.requests.size())},
                     {"compared with", rival.name}};
    finding.expected =
        "less than " + Percent(rival.free, gpus) + " of the GPUs, which is what is left by " + rival.name;
    finding.actual = Percent(rivals[3].free, gpus);
    context.Fail(finding);
    return false;
  }
  return true;
}

}  // namespace

void CheckPlacementSequences(CheckContext& context) {
  const int rounds = context.long_tier() ? 2000 : 200;
  for (int round = 0; round < rounds; ++round) {
    RandomOptions options;
    options.operations = 500;
    options.racks = round % 3 != 0;
    options.nodes_change = round % 2 == 0;
    const PlacementPolicy policy = kAllPolicies[static_cast<size_t>(round) % std::size(kAllPolicies)];
    const PlacementScript script = RandomScript(policy, context.seed() * 7919 + static_cast<uint64_t>(round), options);
    if (!JudgePlacement(context, script, "random operations, round " + std::to_string(round))) return;
  }
}

// A property of the workload as much as of the policies, and no theorem: there are streams on which packing leaves
// less. On this one the reference strands less than all three with each of 70 seeds that were tried; the closest is
// pack, by 1.3 % of the GPUs in the mean and 0.7 % at the least.
void CheckPlacementStranded(CheckContext& context) {
  if (!JudgeStranded(context, MakeStream(1213, context.seed()), "generated")) return;
  const char* folder = std::getenv("WORKBENCH_TRACES");
  if (folder == nullptr) return;
  const auto trace = workbench::ReadAlibabaTrace(folder);
  if (trace.ok()) JudgeStranded(context, StreamOf(*trace), "Alibaba 2023");
}

void CheckPlacementScale(CheckContext& context) {
  const Stream stream = MakeStream(10000, context.seed());
  struct Load {
    PlacementPolicy policy;
    size_t requests;
  };
  for (const Load load : {Load{PlacementPolicy::kFragmentation, 30000}, Load{PlacementPolicy::kBestFit, 10000}}) {
    PlacementScript script(stream.nodes, load.policy, stream.mix, context.seed());
    script.SetBudget(kScaleSeconds);
    Draw draw(context.seed());
    std::vector<int32_t> held;
    for (size_t i = 0; i < load.requests && i < stream.requests.size(); ++i) {
      held.push_back(script.Place(stream.requests[i]));
      if (draw.OneIn(3)) script.Release(held[draw.Below(held.size())]);
    }
    PlacementAspects aspects;
    aspects.choices_every = load.requests / 20;
    aspects.shrinks = false;
    PlacementOutcome outcome;
    if (!JudgePlacement(context, script, "10,000 nodes", aspects, nullptr, &outcome)) return;
    context.Figure(std::string(NameOf(load.policy)) + ", microseconds an operation",
                   1e6 * outcome.reply.seconds / static_cast<double>(script.placement_case().operations.size()));
  }
}

}  // namespace q07
