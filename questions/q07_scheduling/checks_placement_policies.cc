// Part B: what each policy takes. A cluster made by hand for each thing that can be got wrong, then random ones.
#include <algorithm>
#include <cstring>
#include <set>

#include "questions/q07_scheduling/checks_placement.h"
#include "questions/q07_scheduling/placement_choice.h"
#include "questions/q07_scheduling/placement_workload.h"

namespace q07 {
namespace {

using workbench::CheckContext;
using Nodes = std::vector<GpuNode>;
using Requests = std::vector<Request>;

bool JudgeRequests(CheckContext& context, PlacementPolicy policy, const Nodes& nodes, const Requests& requests,
                   const std::string& what, const std::vector<TypicalRequest>& mix = {}) {
  PlacementScript script(nodes, policy, mix, context.seed());
  for (const Request& request : requests) script.Place(request);
  return JudgePlacement(context, script, what);
}

Nodes Copies(int count, GpuNode node, int racks = 1) {
  Nodes nodes;
  for (int i = 0; i < count; ++i) {
    node.rack = racks - 1 - i % racks;
    nodes.push_back(node);
  }
  return nodes;
}

// Nodes that are the same, which is where ties are; then random ones; then random ones with racks.
bool JudgeAtRandom(CheckContext& context, PlacementPolicy policy, const std::vector<TypicalRequest>& mix = {}) {
  PlacementScript same(Copies(8, MakeNode(4, {.cpu_milli = 16000}), 2), policy, mix, context.seed());
  Draw draw(context.seed());
  std::vector<int32_t> held;
  for (int i = 0; i < 250; ++i) {
    Request request = GpuPart(draw.Of({200, 500, 1000}));
    if (draw.OneIn(3)) request = draw.OneIn(2) ? CpuOnly(1000) : WholeGpus(2);
    if (draw.OneIn(4)) request.shares = 2;
    held.push_back(same.Place(request));
    if (draw.OneIn(2)) same.Release(held[draw.Below(held.size())]);
  }
  if (!JudgePlacement(context, same, "eight nodes that are the same, in two racks")) return false;
  for (uint64_t round = 0; round < 24; ++round) {
    RandomOptions options{.operations = 500,
                          .racks = round % 2 == 1,
                          .nodes_change = round % 4 == 3,
                          .nonsense = false,
                          .two_placers = false};
    const PlacementScript script = RandomScript(policy, context.seed() * 31 + round, options);
    if (!JudgePlacement(context, script, "random requests and releases")) return false;
  }
  return true;
}

TypicalRequest Typical(Request request, double weight) { return {request, weight}; }

Request OfModels(Request request, uint32_t models) {
  request.models = models;
  return request;
}

}  // namespace

void CheckPlacementBestFit(CheckContext& context) {
  constexpr PlacementPolicy kPolicy = PlacementPolicy::kBestFit;
  const Nodes sizes = {MakeNode(8), MakeNode(2), MakeNode(4), MakeNode(0)};
  if (!JudgeRequests(context, kPolicy, sizes,
                     {WholeGpus(1), WholeGpus(1), WholeGpus(1), CpuOnly(32000), CpuOnly(32000), CpuOnly(32000),
                      GpuPart(500), GpuPart(600), GpuPart(400)},
                     "nodes of 8, 2, 4 and 0 GPUs")) {
    return;
  }
  const Nodes uneven = {MakeNode(4, {.cpu_milli = 96000, .memory_mib = 65536}),
                        MakeNode(4, {.cpu_milli = 32000, .memory_mib = 262144}),
                        MakeNode(4, {.cpu_milli = 64000, .memory_mib = 131072})};
  if (!JudgeRequests(context, kPolicy, uneven,
                     {With(WholeGpus(1), 16000, 1024), With(WholeGpus(1), 1000, 32768), With(WholeGpus(1), 8000, 8192),
                      With(WholeGpus(2), 20000, 0), CpuOnly(0, 60000), CpuOnly(30000), With(GpuPart(100), 0, 4096)},
                     "CPU and memory count as shares of what the node has")) {
    return;
  }
  JudgeAtRandom(context, kPolicy);
}

void CheckPlacementWorstFit(CheckContext& context) {
  constexpr PlacementPolicy kPolicy = PlacementPolicy::kWorstFit;
  const Nodes sizes = {MakeNode(2), MakeNode(8), MakeNode(4), MakeNode(0)};
  if (!JudgeRequests(context, kPolicy, sizes,
                     {WholeGpus(1), WholeGpus(4), WholeGpus(1), CpuOnly(1000), GpuPart(500), GpuPart(300), GpuPart(200),
                      GpuPart(200)},
                     "nodes of 2, 8, 4 and 0 GPUs")) {
    return;
  }
  JudgeAtRandom(context, kPolicy);
}

void CheckPlacementSpread(CheckContext& context) {
  constexpr PlacementPolicy kPolicy = PlacementPolicy::kSpread;
  // Half of two GPUs is more than a third of eight: shares count, not GPUs.
  const Nodes sizes = {MakeNode(2), MakeNode(8, {.cpu_milli = 32000}), MakeNode(4)};
  if (!JudgeRequests(context, kPolicy, sizes,
                     {WholeGpus(1), WholeGpus(1), WholeGpus(1), WholeGpus(1), WholeGpus(1), WholeGpus(1), GpuPart(300),
                      GpuPart(300), GpuPart(300), CpuOnly(1000), CpuOnly(1000), CpuOnly(1000), CpuOnly(1000)},
                     "nodes of 2, 8 and 4 GPUs")) {
    return;
  }
  JudgeAtRandom(context, kPolicy);
}

void CheckPlacementPack(CheckContext& context) {
  constexpr PlacementPolicy kPolicy = PlacementPolicy::kPack;
  // Node 1 has a used GPU with room, node 2 a used one without, node 3 a request without GPUs, node 0 nothing.
  PlacementScript classes(Copies(4, MakeNode(2)), kPolicy);
  for (const int32_t node : {0, 2, 3}) classes.SetUp(node, false);
  const int32_t part = classes.Place(GpuPart(300));
  classes.SetUp(1, false);
  classes.SetUp(2, true);
  classes.Place(GpuPart(900));
  classes.SetUp(2, false);
  classes.SetUp(3, true);
  const int32_t without = classes.Place(CpuOnly(1000));
  for (const int32_t node : {0, 1, 2}) classes.SetUp(node, true);
  classes.Release(classes.Place(GpuPart(700)));  // beside the part
  classes.Release(classes.Place(GpuPart(701)));  // nowhere beside one: the node that is fullest of those that are used
  classes.Release(classes.Place(WholeGpus(2)));  // on the node without used GPUs that is not empty
  classes.Release(classes.Place(CpuOnly(1000)));
  classes.Release(without);
  classes.Release(classes.Place(WholeGpus(2)));  // now it is as empty as node 0
  classes.Release(part);
  classes.Place(GpuPart(500));
  classes.Place(GpuPart(500));
  if (!JudgePlacement(context, classes, "one node of each class")) return;
  const Nodes sizes = {MakeNode(8), MakeNode(4), MakeNode(2), MakeNode(4)};
  if (!JudgeRequests(context, kPolicy, sizes,
                     {GpuPart(600), GpuPart(600), GpuPart(600), GpuPart(300), GpuPart(400), WholeGpus(2), WholeGpus(1),
                      WholeGpus(1), GpuPart(100), WholeGpus(1)},
                     "nodes of 8, 4, 2 and 4 GPUs")) {
    return;
  }
  JudgeAtRandom(context, kPolicy);
}

void CheckPlacementFragmentation(CheckContext& context) {
  constexpr PlacementPolicy kPolicy = PlacementPolicy::kFragmentation;
  const std::vector<TypicalRequest> halves = {Typical(GpuPart(500), 0.75), Typical(WholeGpus(1), 0.25)};
  const std::vector<TypicalRequest> wholes = {Typical(GpuPart(500), 0.25), Typical(WholeGpus(1), 0.75)};
  // Parts of 300 and 500 fill GPUs in a way that depends on what the mix asks for.
  Requests parts;
  for (const int64_t milli : {500, 300, 700, 300, 200, 500, 400, 600, 300, 1000, 250, 100, 500}) {
    parts.push_back(GpuPart(milli));
  }
  for (const auto& mix : {halves, wholes}) {
    if (!JudgeRequests(context, kPolicy, Copies(3, MakeNode(2)), parts, "parts of GPUs on nodes that are the same",
                       mix)) {
      return;
    }
  }
  // A request without GPUs strands the GPUs of a node that it leaves without CPUs.
  const Nodes cpus = {MakeNode(4, {.cpu_milli = 8000}), MakeNode(1, {.cpu_milli = 8000}),
                      MakeNode(0, {.cpu_milli = 8000}), MakeNode(2, {.memory_mib = 8192})};
  const std::vector<TypicalRequest> needs_cpu = {Typical(With(GpuPart(500), 4000, 4096), 0.5),
                                                 Typical(With(WholeGpus(1), 6000, 8192), 0.3),
                                                 Typical(CpuOnly(2000), 0.2)};
  if (!JudgeRequests(context, kPolicy, cpus,
                     {CpuOnly(5000), CpuOnly(5000), CpuOnly(3000), CpuOnly(0, 1024), CpuOnly(2000, 1024),
                      With(GpuPart(500), 1000, 100), With(GpuPart(200), 3000, 0), CpuOnly(1000), CpuOnly(1000)},
                     "CPU and memory that GPUs need", needs_cpu)) {
    return;
  }
  // Nobody asks for model 2, so its GPUs are lost already; a request that may run there should.
  const Nodes models = {MakeNode(2, {.model = 1}), MakeNode(2, {.model = 2}), MakeNode(2, {.model = 1})};
  const std::vector<TypicalRequest> of_model = {Typical(OfModels(GpuPart(400), 2), 0.6),
                                                Typical(OfModels(WholeGpus(2), 2), 0.4)};
  if (!JudgeRequests(context, kPolicy, models,
                     {GpuPart(600), OfModels(GpuPart(300), 2), GpuPart(300), WholeGpus(1), OfModels(GpuPart(500), 2),
                      GpuPart(700), WholeGpus(1)},
                     "models that the mix does not ask for", of_model)) {
    return;
  }
  // Several GPUs, which parts on GPUs of their own would break up.
  const std::vector<TypicalRequest> several = {Typical(WholeGpus(4), 0.4), Typical(WholeGpus(2), 0.3),
                                               Typical(GpuPart(300), 0.3)};
  if (!JudgeRequests(context, kPolicy, Copies(3, MakeNode(4, {.island = 2})),
                     {WholeGpus(1), GpuPart(300), WholeGpus(2, Scope::kIsland), GpuPart(800), GpuPart(100),
                      WholeGpus(1), WholeGpus(2), GpuPart(200), WholeGpus(2, Scope::kIsland)},
                     "a mix that asks for four GPUs", several)) {
    return;
  }
  // As much growth: what is left of CPUs decides.
  const Nodes ties = {MakeNode(2, {.cpu_milli = 64000}), MakeNode(2, {.cpu_milli = 32000}),
                      MakeNode(2, {.cpu_milli = 32000})};
  if (!JudgeRequests(context, kPolicy, ties,
                     {With(GpuPart(500), 1000, 0), With(GpuPart(500), 1000, 0), With(WholeGpus(1), 1000, 0),
                      CpuOnly(1000), CpuOnly(8000), With(GpuPart(500), 1000, 0)},
                     "nodes whose fragmentation grows by the same", halves)) {
    return;
  }
  JudgeAtRandom(context, kPolicy, several);
}

void CheckPlacementRandom(CheckContext& context) {
  constexpr PlacementPolicy kPolicy = PlacementPolicy::kRandom;
  // One of 2,000 nodes.
  Nodes many = Copies(2000, MakeNode(1, {.cpu_milli = 1000}));
  many[1234].cpu_milli = 2000;
  PlacementScript one(many, kPolicy, {}, context.seed());
  for (int i = 0; i < 5; ++i) one.Release(one.Place(With(GpuPart(10), 2000, 0)));
  if (!JudgePlacement(context, one, "one of 2,000 nodes will do")) return;

  // Every possible node is chosen by one seed or another; requests of two shares: in every rack.
  Nodes nodes;
  for (int i = 0; i < 12; ++i) nodes.push_back(MakeNode(i % 3 == 0 ? 1 : 4, {.rack = i / 4}));
  for (const int32_t shares : {1, 2}) {
    const Request request = WholeGpus(2, Scope::kNode, shares);
    std::set<int32_t> chosen;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      PlacementScript script(nodes, kPolicy, {}, context.seed() + seed);
      for (int i = 0; i < 300; ++i) script.Release(script.Place(request));
      PlacementOutcome outcome;
      if (!JudgePlacement(context, script, "the same request again and again", {}, nullptr, &outcome)) return;
      for (const auto& placed : outcome.shares) {
        for (const Share& share : placed) chosen.insert(share.node);
      }
    }
    for (const int32_t node : ClusterOracle(nodes).Fitting(request)) {
      if (chosen.contains(node)) continue;
      workbench::Finding finding;
      finding.property = "every node that is possible is chosen with a probability that is not 0";
      finding.input = {{"policy", NameOf(kPolicy)}, {"request", Describe(request)}, {"seeds", "10"}};
      finding.expected = "node " + std::to_string(node) + " is chosen now and then";
      finding.actual = "never in 3,000 placements on an empty cluster of 12 nodes";
      context.Fail(finding);
      return;
    }
  }

  // The same seed, the same choices: with another placer of the same process, and in another process.
  RandomOptions options{.operations = 400, .nonsense = false, .two_placers = false};
  for (uint64_t round = 0; round < 4; ++round) {
    const PlacementScript script = RandomScript(kPolicy, context.seed() + round, options);
    PlacementOutcome first, again;
    if (!JudgePlacement(context, script, "random requests and releases", {}, nullptr, &first)) return;
    if (round % 2 == 1) context.DropSession("b", 0);
    if (!JudgePlacement(context, script, "random requests and releases", {}, nullptr, &again)) return;
    const auto same = [](const std::vector<Share>& a, const std::vector<Share>& b) {
      return std::ranges::equal(a, b,
                                [](const Share& x, const Share& y) { return x.node == y.node && x.gpus == y.gpus; });
    };
    if (std::ranges::equal(first.shares, again.shares, same)) continue;
    workbench::Finding finding;
    finding.property = "the same seed gives the same choices";
    finding.input = {{"policy", NameOf(kPolicy)}, {"seed", std::to_string(script.placement_case().seed)}};
    finding.expected = "the same choices as the first time";
    const auto at = std::ranges::mismatch(first.shares, again.shares, same);
    finding.actual = at.in1 == first.shares.end() || at.in2 == again.shares.end()
                         ? "another number of placements"
                         : Describe(*at.in1) + ", then " + Describe(*at.in2);
    finding.index = static_cast<uint64_t>(at.in1 - first.shares.begin());
    finding.detail = round % 2 == 1 ? "in another process" : "in the same process, with another placer";
    context.Fail(finding);
    return;
  }
}

}  // namespace q07
