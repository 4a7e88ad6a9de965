// Part B's oracle: a cluster in plain numbers. It knows what is free, whether a request fits, and how fragmented a node
// is; it chooses nothing. Everything is computed anew at every question.
#ifndef QUESTIONS_Q07_SCHEDULING_PLACEMENT_ORACLE_H_
#define QUESTIONS_Q07_SCHEDULING_PLACEMENT_ORACLE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "questions/q07_scheduling/placement_api.h"

namespace q07 {

// A node as it is now.
struct NodeState {
  GpuNode has;
  bool up = true;
  int64_t cpu_milli = 0;                // free
  int64_t memory_mib = 0;               // free
  std::vector<int64_t> gpu_milli;       // free, of each GPU
  std::vector<int64_t> gpu_memory_mib;  // free, of each GPU
  int32_t requests_without_gpus = 0;    // that run here

  explicit NodeState(const GpuNode& node);
  int64_t free_gpu_milli() const;
  // For the user: "GPUs 1000 400 0 (thousandths free), ...".
  std::string ToString() const;
};

// No negative number, gpus and gpu_milli go together, shares >= 1.
bool MakesSense(const Request& request);
// A cluster that q07_placer_create takes.
bool MakesSense(std::span<const GpuNode> nodes);

// GPU sets of one share are masks: bit i is GPU i.

// Why these GPUs of the node cannot be the share's; nullopt: they can.
std::optional<std::string> WhyNot(const NodeState& node, const Request& request, uint32_t gpus);
// GPUs that have gpu_milli and gpu_memory_mib free, whatever the scope; 0 for a request without GPUs.
uint32_t GpusWithRoom(const NodeState& node, const Request& request);
// All sets of GPUs that one share may get on this node; none if it does not fit. For a request of one GPU, a set for
// each GPU; for one of several, the lowest set of each island (kIsland) or of the node (kNode): the other sets are of
// GPUs that are just as free. For a request without GPUs the empty set.
std::vector<uint32_t> GpuChoices(const NodeState& node, const Request& request);
bool Fits(const NodeState& node, const Request& request);

// REQUIRES: WhyNot says that they can.
void Take(const Request& request, uint32_t gpus, NodeState* node);
void Give(const Request& request, uint32_t gpus, NodeState* node);

// placement_api.h's F(m), in thousandths.
int64_t Fragmentation(const NodeState& node, const Request& typical);
// The sum over the mix, in GPUs.
double Fragmentation(const NodeState& node, std::span<const TypicalRequest> mix);

class ClusterOracle {
 public:
  explicit ClusterOracle(std::span<const GpuNode> nodes);

  const std::vector<NodeState>& nodes() const { return nodes_; }
  const NodeState& node(int32_t index) const { return nodes_[static_cast<size_t>(index)]; }
  void SetUp(int32_t node, bool up) { nodes_[static_cast<size_t>(node)].up = up; }

  // Nodes that a share of it fits, each on its own, in order.
  std::vector<int32_t> Fitting(const Request& request) const;
  // Somewhere it fits, all shares of it: those nodes that could be used. Empty: nowhere.
  // For one share all nodes that fit; for several those of the lowest rack that has enough of them.
  std::vector<int32_t> Witness(const Request& request) const;

  // What is wrong with this placement as such, whatever the policy; nullopt: nothing.
  std::optional<std::string> WhyNot(const Request& request, const std::vector<Share>& shares) const;

  void Take(const Request& request, const std::vector<Share>& shares);
  void Give(const Request& request, const std::vector<Share>& shares);

  // Sums over all nodes, in GPUs.
  double free_gpus() const;
  double Fragmentation(std::span<const TypicalRequest> mix) const;

 private:
  std::vector<NodeState> nodes_;
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PLACEMENT_ORACLE_H_
