// Clusters and requests for part B's checks: small words for hand-made ones, and random ones.
#ifndef QUESTIONS_Q07_SCHEDULING_PLACEMENT_WORKLOAD_H_
#define QUESTIONS_Q07_SCHEDULING_PLACEMENT_WORKLOAD_H_

#include <cstdint>
#include <vector>

#include "harness/traces/cluster_trace.h"
#include "questions/q07_scheduling/placement_judge.h"

namespace q07 {

// ---- By hand

struct NodeOptions {
  int64_t cpu_milli = 64000;
  int64_t memory_mib = 262144;
  int64_t gpu_memory_mib = 81920;
  int32_t model = 0;
  int32_t island = 0;
  int32_t rack = 0;
};
GpuNode MakeNode(int32_t gpus, const NodeOptions& options = {});

Request CpuOnly(int64_t cpu_milli, int64_t memory_mib = 0);
// A part of one GPU (1000: all of it).
Request GpuPart(int64_t gpu_milli, int64_t gpu_memory_mib = 0);
Request WholeGpus(int32_t gpus, Scope scope = Scope::kNode, int32_t shares = 1);
Request With(Request request, int64_t cpu_milli, int64_t memory_mib);

// ---- At random, from a seed

class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u) {}
  uint64_t Below(uint64_t bound);
  bool OneIn(uint64_t count) { return Below(count) == 0; }
  // One of the values.
  int64_t Of(const std::vector<int64_t>& values) { return values[Below(values.size())]; }

 private:
  uint64_t state_;
};

struct RandomOptions {
  int32_t operations = 1000;
  bool racks = true;         // several racks, and requests of several shares
  bool nodes_change = true;  // nodes go down and come up
  bool nonsense = true;      // a request in 50 makes no sense
  bool two_placers = true;
};

// About half of the nodes are like another one, so that there are ties.
std::vector<GpuNode> RandomNodes(Draw* draw, bool racks);
std::vector<TypicalRequest> RandomMix(Draw* draw);
Request RandomRequest(Draw* draw, const RandomOptions& options);
PlacementScript RandomScript(PlacementPolicy policy, uint64_t seed, const RandomOptions& options);

// ---- A cluster and a stream of requests, from a trace

struct Stream {
  std::vector<GpuNode> nodes;
  std::vector<TypicalRequest> mix;  // of all kinds in it, as often as they come
  std::vector<Request> requests;    // until as many GPUs are asked for as there are
};
// The trace's nodes, its jobs in order. Empty if it has no nodes or no jobs.
Stream StreamOf(const workbench::ClusterTrace& trace);
// Of a made-up trace that has the marginals of Alibaba's of 2023 (harness/traces/trace_generator.h).
Stream MakeStream(int64_t nodes, uint64_t seed);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PLACEMENT_WORKLOAD_H_
