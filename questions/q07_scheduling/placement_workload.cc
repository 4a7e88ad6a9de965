#include "questions/q07_scheduling/placement_workload.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "grader/inputs.h"
#include "harness/traces/trace_generator.h"
#include "harness/traces/trace_shapes.h"

namespace q07 {
namespace {

// A change that makes the request mean nothing.
void MakeNonsense(Draw* draw, Request* request) {
  switch (draw->Below(8)) {
    case 0:
      request->cpu_milli = -1;
      break;
    case 1:
      request->memory_mib = -1;
      break;
    case 2:
      request->gpu_memory_mib = -1;
      break;
    case 3:
      request->gpus = -1;
      break;
    case 4:
      request->shares = 0;
      break;
    case 5:
      request->gpus = 0;
      request->gpu_milli = 500;
      break;
    case 6:
      request->gpus = 1;
      request->gpu_milli = 1001;
      break;
    default:
      request->gpus = 2;
      request->gpu_milli = 500;
      break;
  }
}

}  // namespace

GpuNode MakeNode(int32_t gpus, const NodeOptions& options) {
  return {options.cpu_milli, options.memory_mib, gpus,        options.gpu_memory_mib,
          options.model,     options.island,     options.rack};
}

Request CpuOnly(int64_t cpu_milli, int64_t memory_mib) { return With(Request(), cpu_milli, memory_mib); }

Request GpuPart(int64_t gpu_milli, int64_t gpu_memory_mib) {
  Request request;
  request.gpus = 1;
  request.gpu_milli = gpu_milli;
  request.gpu_memory_mib = gpu_memory_mib;
  return request;
}

Request WholeGpus(int32_t gpus, Scope scope, int32_t shares) {
  Request request;
  request.gpus = gpus;
  request.gpu_milli = gpus == 0 ? 0 : 1000;
  request.scope = scope;
  request.shares = shares;
  return request;
}

Request With(Request request, int64_t cpu_milli, int64_t memory_mib) {
  request.cpu_milli = cpu_milli;
  request.memory_mib = memory_mib;
  return request;
}

uint64_t Draw::Below(uint64_t bound) { return workbench::Mix(++state_) % bound; }

std::vector<GpuNode> RandomNodes(Draw* draw, bool racks) {
  std::vector<GpuNode> nodes;
  const uint64_t count = 1 + draw->Below(12);
  for (uint64_t i = 0; i < count; ++i) {
    if (i > 0 && draw->OneIn(2)) {
      nodes.push_back(nodes[draw->Below(nodes.size())]);
    } else {
      NodeOptions options;
      options.cpu_milli = draw->Of({8000, 16000, 32000, 64000});
      options.memory_mib = draw->Of({16384, 32768, 98304});
      options.gpu_memory_mib = draw->Of({16384, 40960, 81920});
      options.model = static_cast<int32_t>(draw->Of({0, 0, 0, 1, 2, 31}));
      options.island = static_cast<int32_t>(draw->Of({0, 0, 2, 3, 4}));
      const auto gpus = static_cast<int32_t>(draw->Of({0, 1, 2, 4, 4, 8, 8, 16}));
      nodes.push_back(MakeNode(gpus, options));
    }
    if (racks) nodes.back().rack = static_cast<int32_t>(draw->Of({0, 1, 7}));
  }
  return nodes;
}

std::vector<TypicalRequest> RandomMix(Draw* draw) {
  std::vector<TypicalRequest> mix(3 + draw->Below(5));
  double sum = 0;
  for (TypicalRequest& one : mix) {
    Request request;
    const uint64_t kind = draw->Below(8);
    if (kind > 0) {
      request.gpus = kind < 7 ? 1 : static_cast<int32_t>(draw->Of({2, 4}));
      request.gpu_milli = kind < 5 ? draw->Of({100, 200, 250, 300, 500, 700}) : 1000;
    }
    request.cpu_milli = draw->Of({0, 1000, 2000, 4000});
    request.memory_mib = draw->Of({0, 1024, 4096});
    if (draw->OneIn(5)) request.models = 1u << draw->Of({0, 1, 2});
    one.request = request;
    one.weight = static_cast<double>(1 + draw->Below(9));
    sum += one.weight;
  }
  for (TypicalRequest& one : mix) one.weight /= sum;
  return mix;
}

Request RandomRequest(Draw* draw, const RandomOptions& options) {
  Request request;
  const uint64_t kind = draw->Below(20);
  if (kind < 3) {
    request.gpus = 0;
  } else if (kind < 11) {
    request.gpus = 1;
    request.gpu_milli =
        draw->OneIn(4) ? static_cast<int64_t>(1 + draw->Below(1000)) : draw->Of({100, 200, 250, 300, 500, 700});
  } else if (kind < 15) {
    request.gpus = 1;
    request.gpu_milli = 1000;
  } else {
    request.gpus = static_cast<int32_t>(draw->Of({2, 2, 3, 4, 8, 17}));
    request.gpu_milli = 1000;
    if (draw->OneIn(2)) request.scope = Scope::kIsland;
  }
  request.cpu_milli = draw->Of({0, 500, 1000, 2000, 4000, 9000});
  request.memory_mib = draw->Of({0, 512, 1024, 4096, 12288});
  if (request.gpus > 0) request.gpu_memory_mib = draw->Of({0, 0, 2048, 8192, 20480, 50000});
  if (draw->OneIn(5)) request.models = static_cast<uint32_t>(draw->Of({1, 2, 3, 5, 1ll << 31, (1ll << 31) | 2}));
  if (options.racks && draw->OneIn(5)) request.shares = static_cast<int32_t>(2 + draw->Below(3));
  if (options.nonsense && draw->OneIn(50)) MakeNonsense(draw, &request);
  return request;
}

PlacementScript RandomScript(PlacementPolicy policy, uint64_t seed, const RandomOptions& options) {
  Draw draw(seed);
  const std::vector<GpuNode> nodes = RandomNodes(&draw, options.racks);
  PlacementScript script(nodes, policy,
                         policy == PlacementPolicy::kFragmentation ? RandomMix(&draw) : std::vector<TypicalRequest>(),
                         seed);
  std::vector<int32_t> held;
  // How many placements are there for each that is released: the cluster is crowded, and now and then it empties.
  uint64_t crowd = 20;
  for (int32_t i = 0; i < options.operations; ++i) {
    if (draw.OneIn(200)) crowd = static_cast<uint64_t>(draw.Of({3, 20, 60}));
    const uint64_t what = draw.Below(20);
    if (options.nodes_change && what == 0) {
      script.SetUp(static_cast<int32_t>(draw.Below(nodes.size())), !draw.OneIn(3));
    } else if (!held.empty() && (held.size() > crowd || what < 7)) {
      const size_t at = draw.Below(held.size());
      script.Release(held[at]);
      held[at] = held.back();
      held.pop_back();
    } else {
      const int32_t placer = options.two_placers && draw.OneIn(4) ? 1 : 0;
      held.push_back(script.Place(RandomRequest(&draw, options), placer));
    }
  }
  return script;
}

Stream StreamOf(const workbench::ClusterTrace& trace) {
  Stream stream;
  std::map<std::string, int32_t> models;
  for (const workbench::TraceNode& node : trace.nodes) {
    const int32_t model = models.emplace(node.model, static_cast<int32_t>(models.size())).first->second;
    // The trace tells of no racks and islands.
    stream.nodes.push_back({node.cpu_milli, node.memory_mib, node.gpus, node.gpu_memory_mib, model, 0, 0});
  }
  auto shaped = workbench::ArrivalsOnly(trace, 1, workbench::ArrivalOrder::kRecorded, 0);
  if (!shaped.ok()) return {};
  using Kind = std::tuple<int64_t, int64_t, int32_t, int64_t>;
  std::map<Kind, int> kinds;
  for (const workbench::TraceJob& job : shaped->jobs) {
    Request request;
    request.cpu_milli = job.cpu_milli;
    request.memory_mib = job.memory_mib;
    request.gpus = job.gpus;
    request.gpu_milli = job.gpu_milli;
    stream.requests.push_back(request);
    if (++kinds[Kind(job.cpu_milli, job.memory_mib, job.gpus, job.gpu_milli)] == 1) stream.mix.push_back({request, 0});
  }
  for (TypicalRequest& one : stream.mix) {
    const Request& request = one.request;
    one.weight = kinds[Kind(request.cpu_milli, request.memory_mib, request.gpus, request.gpu_milli)] /
                 static_cast<double>(stream.requests.size());
  }
  return stream;
}

Stream MakeStream(int64_t nodes, uint64_t seed) {
  workbench::TraceGeneratorOptions options;
  options.seed = seed;
  options.nodes = nodes;
  options.jobs = 7 * nodes;  // about as many as in the trace; they come again if they are too few
  const auto trace = workbench::GenerateTrace(options);
  return trace.ok() ? StreamOf(*trace) : Stream();
}

}  // namespace q07
