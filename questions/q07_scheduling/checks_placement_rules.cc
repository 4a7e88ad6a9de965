// Part B: what any placement has to keep to. Small clusters, where each rule alone decides.
#include <limits>

#include "questions/q07_scheduling/checks_placement.h"
#include "questions/q07_scheduling/placement_workload.h"

namespace q07 {
namespace {

using workbench::CheckContext;

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

// A mix for the scripts that run under all policies.
std::vector<TypicalRequest> SomeMix() { return {{GpuPart(500), 0.5}, {WholeGpus(1), 0.3}, {WholeGpus(4), 0.2}}; }

std::vector<GpuNode> Copies(int count, const GpuNode& node) {
  return std::vector<GpuNode>(static_cast<size_t>(count), node);
}

using Fill = std::function<void(PlacementScript*)>;

bool JudgeAll(CheckContext& context, const std::vector<GpuNode>& nodes, const std::string& what, const Fill& fill) {
  return JudgeUnderAll(
      context,
      [&](PlacementPolicy policy) {
        PlacementScript script(nodes, policy, SomeMix(), context.seed());
        fill(&script);
        return script;
      },
      what);
}

// Requests of a random kind, more than fit.
Fill Crowd(uint64_t seed, int count, const std::function<Request(Draw*)>& request) {
  return [=](PlacementScript* script) {
    Draw draw(seed);
    for (int i = 0; i < count; ++i) script->Place(request(&draw));
  };
}

}  // namespace

void CheckPlacementFit(CheckContext& context) {
  const std::vector<GpuNode> nodes = {MakeNode(4), MakeNode(8), MakeNode(0), MakeNode(2)};
  const bool small = JudgeAll(context, nodes, "whole GPUs on nodes of 4, 8, 0 and 2", [](PlacementScript* script) {
    for (const int32_t gpus : {2, 4, 8, 2, 1, 4, 3, 2, 1, 1, 1}) script->Place(WholeGpus(gpus));
    script->Place(CpuOnly(1000, 1000));
    script->Place(CpuOnly(64000));
    script->Place(CpuOnly(63000));
  });
  if (!small) return;
  JudgeAll(
      context, {MakeNode(8), MakeNode(4), MakeNode(16), MakeNode(1)}, "whole GPUs, more than there are",
      Crowd(context.seed(), 60, [](Draw* draw) {
        return With(WholeGpus(static_cast<int32_t>(draw->Of({0, 1, 1, 2, 3, 4, 8}))), draw->Of({0, 1000, 9000}), 0);
      }));
}

void CheckPlacementFractions(CheckContext& context) {
  const bool apart = JudgeAll(context, {MakeNode(2)}, "what is free is on two GPUs", [](PlacementScript* script) {
    for (const int64_t milli : {600, 600, 800, 401, 400, 1, 400, 1}) script->Place(GpuPart(milli));
  });
  if (!apart) return;
  const bool whole = JudgeAll(context, Copies(2, MakeNode(2)), "whole GPUs beside parts", [](PlacementScript* script) {
    const int32_t part = script->Place(GpuPart(1));
    script->Place(WholeGpus(2));
    script->Place(WholeGpus(2));
    script->Place(WholeGpus(1));
    script->Place(WholeGpus(1));
    script->Place(GpuPart(999));
    script->Release(part);
    script->Place(GpuPart(2));
    script->Place(GpuPart(1));
  });
  if (!whole) return;
  JudgeAll(context, Copies(3, MakeNode(4)), "parts of GPUs, more than there are",
           Crowd(context.seed(), 150, [](Draw* draw) {
             return draw->OneIn(8) ? WholeGpus(static_cast<int32_t>(1 + draw->Below(3)))
                                   : GpuPart(static_cast<int64_t>(1 + draw->Below(draw->OneIn(2) ? 1000 : 400)));
           }));
}

void CheckPlacementResources(CheckContext& context) {
  const GpuNode node = MakeNode(4, {.cpu_milli = 8000, .memory_mib = 4096, .gpu_memory_mib = 1000});
  const bool memory = JudgeAll(context, {node}, "GPU memory decides", [](PlacementScript* script) {
    script->Place(GpuPart(10, 1001));
    script->Place(WholeGpus(1));
    for (int i = 0; i < 5; ++i) script->Place(GpuPart(100, 600));
    script->Place(GpuPart(100, 401));
    script->Place(GpuPart(100, 400));
    script->Place(GpuPart(1));
    Request two = WholeGpus(2);
    two.gpu_memory_mib = 1001;
    script->Place(two);
  });
  if (!memory) return;
  const bool cpu = JudgeAll(context, {node, node}, "the CPU decides", [](PlacementScript* script) {
    script->Place(With(GpuPart(10), 8001, 0));
    for (int i = 0; i < 5; ++i) script->Place(With(GpuPart(10), 3000, 0));
    script->Place(CpuOnly(2001));
    script->Place(CpuOnly(2000));
    script->Place(CpuOnly(2000));
    script->Place(GpuPart(10));
    script->Place(CpuOnly(1));
  });
  if (!cpu) return;
  const bool host = JudgeAll(context, {node, node}, "host memory decides", [](PlacementScript* script) {
    script->Place(CpuOnly(0, 4097));
    for (int i = 0; i < 5; ++i) script->Place(With(WholeGpus(1), 0, 1500));
    script->Place(CpuOnly(0, 1097));
    script->Place(CpuOnly(0, 1096));
    script->Place(With(GpuPart(10), 0, 1096));
    script->Place(CpuOnly(0, 1));
    script->Place(WholeGpus(1));
  });
  if (!host) return;
  JudgeAll(context, Copies(4, node), "all of them together", Crowd(context.seed(), 100, [](Draw* draw) {
             return With(GpuPart(draw->Of({100, 300, 1000}), draw->Of({0, 200, 500, 900})), draw->Of({0, 500, 3000}),
                         draw->Of({0, 256, 1500}));
           }));
}

void CheckPlacementModels(CheckContext& context) {
  const std::vector<GpuNode> nodes = {MakeNode(2, {.model = 31}), MakeNode(2, {.model = 0}), MakeNode(0, {.model = 3}),
                                      MakeNode(2, {.model = 5}), MakeNode(4, {.model = 5})};
  JudgeAll(context, nodes, "models 31, 0, 3 (without GPUs), 5, 5", [](PlacementScript* script) {
    const auto of = [](Request request, uint32_t models) {
      request.models = models;
      return request;
    };
    constexpr uint32_t k31 = 1u << 31;
    script->Place(GpuPart(100));  // any model: the first node's
    for (const uint32_t models : {1u << 5, 1u, k31, 1u << 4, k31 | 1, 1u << 3, k31 | 1 << 5}) {
      script->Place(of(WholeGpus(2), models));
      script->Place(of(GpuPart(300), models));
      script->Place(of(CpuOnly(100), models));
    }
    for (int i = 0; i < 3; ++i) script->Place(GpuPart(700));
    script->Place(of(CpuOnly(64000), 1u << 3));
    script->Place(of(CpuOnly(63000), 1u << 3));
    script->Place(of(GpuPart(10), 1u << 1));
    for (int i = 0; i < 5; ++i) script->Place(of(GpuPart(10), ~0u));
  });
}

void CheckPlacementIslands(CheckContext& context) {
  const auto on = [&](int32_t gpus, int32_t island, const std::vector<int32_t>& sizes) {
    const std::string what = std::to_string(gpus) + " GPUs, islands of " + std::to_string(island);
    return JudgeAll(context, Copies(2, MakeNode(gpus, {.island = island})), what, [&](PlacementScript* script) {
      std::vector<int32_t> held;
      for (int round = 0; round < 2; ++round) {
        // One GPU each, of which some are given back: what is free is scattered.
        for (int32_t gpu = 0; gpu < 2 * gpus; ++gpu) held.push_back(script->Place(WholeGpus(1)));
        for (size_t i = 0; i < held.size(); ++i) {
          if (i % 3 != 0) script->Release(held[i]);
        }
        for (const int32_t size : sizes) held.push_back(script->Place(WholeGpus(size, Scope::kIsland)));
        for (const int32_t size : sizes) held.push_back(script->Place(WholeGpus(size)));
        held.push_back(script->Place(GpuPart(400)));
        for (const int32_t id : held) script->Release(id);
        held.clear();
        for (const int32_t size : sizes) held.push_back(script->Place(WholeGpus(size, Scope::kIsland)));
      }
    });
  };
  if (!on(8, 4, {2, 4, 3, 2, 5, 1})) return;
  if (!on(8, 2, {2, 2, 2, 3})) return;
  if (!on(8, 3, {3, 2, 3, 2, 4})) return;  // the last island has two
  if (!on(8, 0, {5, 3, 8, 2})) return;     // the node is one
  if (!on(4, 16, {3, 4, 2})) return;
  on(4, 1, {2, 1});
}

void CheckPlacementRacks(CheckContext& context) {
  std::vector<GpuNode> nodes;
  for (const int32_t rack : {70, 2, 9, 2, 9, 70, 9, 2, 9, 100000}) nodes.push_back(MakeNode(4, {.rack = rack}));
  const bool whole = JudgeAll(context, nodes, "racks of 2, 3, 4 and 1 nodes, all mixed", [](PlacementScript* script) {
    const auto of = [](int32_t gpus, int32_t shares) { return WholeGpus(gpus, Scope::kNode, shares); };
    script->Place(of(1, 5));  // no rack has five
    script->Place(of(1, 4));
    script->Place(of(3, 3));
    script->Place(of(4, 2));
    script->Place(of(2, 3));
    script->Place(of(2, 4));
    script->Place(of(1, 4));
    for (int i = 0; i < 4; ++i) script->Place(of(2, 2));
    for (int i = 0; i < 6; ++i) script->Place(WholeGpus(2));
    for (int i = 0; i < 6; ++i) script->Place(of(1, 2));
    for (int i = 0; i < 12; ++i) script->Place(WholeGpus(1));
  });
  if (!whole) return;
  // One node has room for all shares; they need one each.
  const std::vector<GpuNode> uneven = {MakeNode(16, {.rack = 1}), MakeNode(1, {.rack = 1}), MakeNode(2, {.rack = 0})};
  const bool each = JudgeAll(context, uneven, "a large node and small ones", [](PlacementScript* script) {
    script->Place(WholeGpus(2, Scope::kNode, 2));
    script->Place(WholeGpus(1, Scope::kNode, 2));
    script->Place(WholeGpus(1, Scope::kNode, 2));
    script->Place(WholeGpus(2));
  });
  if (!each) return;
  const bool back = JudgeAll(context, nodes, "all shares are given back", [](PlacementScript* script) {
    for (int round = 0; round < 3; ++round) {
      std::vector<int32_t> held;
      for (const int32_t shares : {4, 3, 2}) {
        held.push_back(script->Place(With(WholeGpus(4, Scope::kNode, shares), 64000, 262144)));
      }
      for (const int32_t id : held) script->Release(id);
      held.clear();
      for (int i = 0; i < 11; ++i) held.push_back(script->Place(With(WholeGpus(4), 64000, 262144)));
      script->Place(CpuOnly(1));
      for (const int32_t id : held) script->Release(id);
    }
  });
  if (!back) return;
  // The rack with room is the last one, and what is refused leaves nothing behind.
  JudgeAll(context, nodes, "refused again and again", [](PlacementScript* script) {
    for (int i = 0; i < 8; ++i) {
      Request six = With(WholeGpus(1, Scope::kNode, 6), 4000, 30000);
      script->Place(six);
      six.shares = std::numeric_limits<int32_t>::max();
      script->Place(six);
    }
    for (const int32_t shares : {4, 3, 2}) script->Place(With(WholeGpus(4, Scope::kNode, shares), 64000, 262144));
    script->Place(With(WholeGpus(4), 64000, 262144));
    script->Place(CpuOnly(1));
  });
}

void CheckPlacementRelease(CheckContext& context) {
  const GpuNode node = MakeNode(4, {.cpu_milli = 10000, .memory_mib = 1000, .gpu_memory_mib = 100});
  Request all = With(WholeGpus(4), 10000, 1000);
  all.gpu_memory_mib = 100;
  const Request some = With(GpuPart(500, 50), 1250, 125);
  // The releases are in the order of the placements, backwards, mixed.
  for (const size_t step : {size_t{1}, size_t{23}, size_t{7}}) {
    const bool same = JudgeAll(context, Copies(3, node), "all is given back, then taken as a whole", [&](auto* script) {
      for (int round = 0; round < 3; ++round) {
        std::vector<int32_t> held;
        for (int i = 0; i < 24; ++i) held.push_back(script->Place(some));
        script->Place(GpuPart(1));
        for (size_t i = 0; i < held.size(); ++i) script->Release(held[(i * step) % held.size()]);
        std::vector<int32_t> wholes;
        for (int i = 0; i < 3; ++i) wholes.push_back(script->Place(all));
        for (const Request& request : {CpuOnly(1), CpuOnly(0, 1), GpuPart(1)}) script->Place(request);
        script->Release(wholes[static_cast<size_t>(round)]);
        const int32_t again = script->Place(all);
        script->Place(CpuOnly(1));
        wholes[static_cast<size_t>(round)] = again;
        for (const int32_t id : wholes) script->Release(id);
      }
    });
    if (!same) return;
  }
  // Nothing is given back that was not taken: GPUs of one release, CPUs of another, and the node is as full as before.
  const bool exact = JudgeAll(context, Copies(2, node), "no more than what was taken", [&](PlacementScript* script) {
    std::vector<int32_t> held;
    for (int i = 0; i < 16; ++i) held.push_back(script->Place(some));
    for (int i = 0; i < 16; i += 3) {
      script->Release(held[static_cast<size_t>(i)]);
      script->Place(some);
      script->Place(some);
      script->Place(CpuOnly(1));
    }
  });
  if (!exact) return;
  JudgeAll(context, Copies(3, node), "two placers that know nothing of each other", [](PlacementScript* script) {
    std::vector<int32_t> held;
    for (int i = 0; i < 40; ++i) held.push_back(script->Place(GpuPart(500), i % 2));
    for (size_t i = 0; i < held.size(); i += 3) script->Release(held[i]);
    for (int i = 0; i < 40; ++i) script->Place(GpuPart(500), i % 2);
  });
}

void CheckPlacementNodes(CheckContext& context) {
  const auto fill = [](PlacementScript* script) {
    const int32_t first = script->Place(WholeGpus(3));
    script->SetUp(0, false);
    script->Place(WholeGpus(1));
    const int32_t second = script->Place(WholeGpus(4));
    script->Place(WholeGpus(2, Scope::kNode, 2));
    script->SetUp(0, true);
    script->Place(WholeGpus(4));  // what ran there still does
    script->Place(WholeGpus(1));
    script->SetUp(1, false);
    script->SetUp(0, false);
    script->SetUp(2, false);
    script->Place(GpuPart(1));
    script->Place(CpuOnly(0));
    script->Release(first);  // while it is down
    script->Release(second);
    script->Place(GpuPart(1));
    for (const int32_t node : {0, 1, 2}) {
      script->SetUp(node, true);
      script->SetUp(node, true);
      script->Place(WholeGpus(3));
    }
    script->SetUp(1, false);
    script->SetUp(1, false);
    script->SetUp(1, true);
    script->Place(WholeGpus(4));
    for (int i = 0; i < 8; ++i) script->Place(WholeGpus(1));
  };
  if (!JudgeAll(context, Copies(3, MakeNode(4)), "nodes that go down and come up", fill)) return;
  JudgeUnderAll(
      context,
      [&](PlacementPolicy policy) {
        RandomOptions options{.operations = 600, .racks = false, .nonsense = false, .two_placers = false};
        return RandomScript(policy, context.seed() + 17, options);
      },
      "random operations, with nodes that go down");
}

void CheckPlacementComplete(CheckContext& context) {
  for (uint64_t round = 0; round < 3; ++round) {
    const bool right = JudgeUnderAll(
        context,
        [&](PlacementPolicy policy) {
          RandomOptions options{.operations = 800, .nodes_change = round == 2, .nonsense = false};
          return RandomScript(policy, context.seed() + 100 * round, options);
        },
        "random operations: what is refused, and what it leaves behind");
    if (!right) return;
  }
  // One node of many, the last, is the only one.
  std::vector<GpuNode> nodes = Copies(300, MakeNode(1, {.cpu_milli = 1000}));
  nodes.push_back(MakeNode(1, {.cpu_milli = 2000, .rack = 1}));
  nodes.push_back(MakeNode(1, {.cpu_milli = 2000, .rack = 1}));
  JudgeAll(context, nodes, "only the last two of 302 nodes will do", [](PlacementScript* script) {
    Request pair = With(WholeGpus(1, Scope::kNode, 2), 1500, 0);
    script->Release(script->Place(pair));
    pair.shares = 3;
    script->Place(pair);
    script->Place(With(WholeGpus(1), 1500, 0));
    script->Place(With(WholeGpus(1), 1500, 0));
    script->Place(With(WholeGpus(1), 1500, 0));
  });
}

void CheckPlacementArguments(CheckContext& context) {
  const auto fill = [](PlacementScript* script) {
    for (int i = 0; i < 4; ++i) script->Place(With(GpuPart(400, 100), 1000, 1000));  // so that something is used
    const auto wrong = [&](auto change) {
      for (Request request : {CpuOnly(1000, 1000), GpuPart(500, 100), WholeGpus(2)}) {
        change(&request);
        script->Place(request);
      }
    };
    for (const int64_t number : {int64_t{-1}, -kHuge - 1, kHuge, kHuge - 1}) {
      wrong([&](Request* request) { request->cpu_milli = number; });
      wrong([&](Request* request) { request->memory_mib = number; });
      wrong([&](Request* request) { request->gpu_memory_mib = number; });
      wrong([&](Request* request) { request->gpu_milli = number; });
    }
    for (const int32_t number : {-1, std::numeric_limits<int32_t>::min()}) {
      wrong([&](Request* request) { request->gpus = number; });
      wrong([&](Request* request) { request->shares = number; });
    }
    wrong([](Request* request) { request->shares = 0; });
    for (const int64_t milli : {0, 1, 999, 1001, 2000}) {
      wrong([&](Request* request) { request->gpu_milli = milli; });
    }
    for (const int32_t gpus : {0, 1, 2, 17, 32, 33, 64, std::numeric_limits<int32_t>::max()}) {
      wrong([&](Request* request) { request->gpus = gpus; });
      script->Place(WholeGpus(gpus));
      script->Place(WholeGpus(gpus, Scope::kIsland));
    }
    script->Place(Request());
    wrong([](Request* request) { request->shares = std::numeric_limits<int32_t>::max(); });
    for (int i = 0; i < 3; ++i) script->Place(With(WholeGpus(16), 64000, 262144));
  };
  if (!JudgeAll(context, Copies(2, MakeNode(16)), "requests that make no sense, and some that do", fill)) return;

  const auto no_nodes = [](PlacementScript* script) {
    script->Place(Request());
    script->Place(WholeGpus(1));
    script->Place(WholeGpus(1, Scope::kNode, 2));
  };
  if (!JudgeAll(context, {}, "a cluster without nodes", no_nodes)) return;
  const auto refuses = [&](auto change, const std::string& what) {
    PlacementCase given;
    given.nodes = {MakeNode(2), MakeNode(2)};
    change(&given);
    return JudgeCreation(context, given, false, what);
  };
  for (const int32_t policy : {-1, 7, 1000}) {
    const auto change = [&](PlacementCase* given) { given->policy = static_cast<PlacementPolicy>(policy); };
    if (!refuses(change, "policy " + std::to_string(policy))) return;
  }
  const std::vector<std::pair<std::string, std::function<void(GpuNode*)>>> changes = {
      {"cpu_milli -1", [](GpuNode* node) { node->cpu_milli = -1; }},
      {"memory_mib -1", [](GpuNode* node) { node->memory_mib = -1; }},
      {"gpus -1", [](GpuNode* node) { node->gpus = -1; }},
      {"gpus 17", [](GpuNode* node) { node->gpus = kMaxGpusPerNode + 1; }},
      {"gpu_memory_mib -1", [](GpuNode* node) { node->gpu_memory_mib = -1; }},
      {"model -1", [](GpuNode* node) { node->model = -1; }},
      {"model 32", [](GpuNode* node) { node->model = 32; }},
      {"island -1", [](GpuNode* node) { node->island = -1; }},
      {"rack -1", [](GpuNode* node) { node->rack = -1; }},
  };
  for (const auto& [what, change] : changes) {
    if (!refuses([&](PlacementCase* given) { change(&given->nodes[1]); }, what)) return;
  }
}

}  // namespace q07
