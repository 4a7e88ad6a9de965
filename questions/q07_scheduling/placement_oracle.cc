#include "questions/q07_scheduling/placement_oracle.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>

namespace q07 {
namespace {

bool ModelWillDo(const GpuNode& node, const Request& request) {
  return request.models == 0 || ((request.models >> node.model) & 1) != 0;
}

int32_t IslandOf(const GpuNode& node, int32_t gpu) { return node.island == 0 ? 0 : gpu / node.island; }

uint32_t Bit(int32_t gpu) { return uint32_t{1} << gpu; }

// The lowest `count` of the GPUs in `of`; 0 if there are fewer.
uint32_t Lowest(uint32_t of, int32_t count) {
  uint32_t set = 0;
  for (int32_t gpu = 0; gpu < kMaxGpusPerNode && std::popcount(set) < count; ++gpu) set |= of & Bit(gpu);
  return std::popcount(set) == count ? set : 0;
}

}  // namespace

NodeState::NodeState(const GpuNode& node)
    : has(node),
      cpu_milli(node.cpu_milli),
      memory_mib(node.memory_mib),
      gpu_milli(static_cast<size_t>(node.gpus), 1000),
      gpu_memory_mib(static_cast<size_t>(node.gpus), node.gpu_memory_mib) {}

int64_t NodeState::free_gpu_milli() const {
  int64_t sum = 0;
  for (const int64_t milli : gpu_milli) sum += milli;
  return sum;
}

std::string NodeState::ToString() const {
  std::string text = up ? "" : "down, ";
  text += "free: CPU " + std::to_string(cpu_milli) + "/" + std::to_string(has.cpu_milli) + ", memory " +
          std::to_string(memory_mib) + "/" + std::to_string(has.memory_mib);
  if (has.gpus == 0) return text + ", no GPUs";
  text += ", GPUs";
  for (const int64_t milli : gpu_milli) text += " " + std::to_string(milli);
  text += ", GPU memory";
  for (const int64_t mib : gpu_memory_mib) text += " " + std::to_string(mib);
  text += "/" + std::to_string(has.gpu_memory_mib) + "; model " + std::to_string(has.model);
  if (has.island != 0) text += ", islands of " + std::to_string(has.island);
  return text + ", rack " + std::to_string(has.rack);
}

bool MakesSense(const Request& request) {
  if (request.cpu_milli < 0 || request.memory_mib < 0 || request.gpu_memory_mib < 0 || request.shares < 1) return false;
  if (request.gpus < 0) return false;
  if (request.gpus == 0) return request.gpu_milli == 0 && request.gpu_memory_mib == 0;
  if (request.gpus == 1) return request.gpu_milli >= 1 && request.gpu_milli <= 1000;
  return request.gpu_milli == 1000;
}

bool MakesSense(std::span<const GpuNode> nodes) {
  return std::ranges::all_of(nodes, [](const GpuNode& node) {
    return node.cpu_milli >= 0 && node.memory_mib >= 0 && node.gpus >= 0 && node.gpus <= kMaxGpusPerNode &&
           node.gpu_memory_mib >= 0 && node.model >= 0 && node.model < 32 && node.island >= 0 && node.rack >= 0;
  });
}

std::optional<std::string> WhyNot(const NodeState& node, const Request& request, uint32_t gpus) {
  if (!node.up) return "the node is down";
  if (!ModelWillDo(node.has, request)) {
    return "the node is of model " + std::to_string(node.has.model) + ", which will not do";
  }
  if (request.cpu_milli > node.cpu_milli) {
    return "it needs " + std::to_string(request.cpu_milli) + " CPU thousandths, of which the node has " +
           std::to_string(node.cpu_milli) + " free";
  }
  if (request.memory_mib > node.memory_mib) {
    return "it needs " + std::to_string(request.memory_mib) + " MiB of host memory, of which the node has " +
           std::to_string(node.memory_mib) + " free";
  }
  if (std::popcount(gpus) != request.gpus) {
    return "a share has " + std::to_string(request.gpus) + " GPUs, not " + std::to_string(std::popcount(gpus));
  }
  int32_t island = -1;
  for (int32_t gpu = 0; gpu < 32; ++gpu) {
    if ((gpus & Bit(gpu)) == 0) continue;
    if (gpu >= node.has.gpus) {
      return "GPU " + std::to_string(gpu) + " does not exist: the node has " + std::to_string(node.has.gpus);
    }
    const size_t at = static_cast<size_t>(gpu);
    if (request.gpu_milli > node.gpu_milli[at]) {
      return "it needs " + std::to_string(request.gpu_milli) + " thousandths of a GPU, of which GPU " +
             std::to_string(gpu) + " has " + std::to_string(node.gpu_milli[at]) + " free";
    }
    if (request.gpu_memory_mib > node.gpu_memory_mib[at]) {
      return "it needs " + std::to_string(request.gpu_memory_mib) + " MiB of a GPU's memory, of which GPU " +
             std::to_string(gpu) + " has " + std::to_string(node.gpu_memory_mib[at]) + " free";
    }
    if (request.scope != Scope::kIsland) continue;
    if (island >= 0 && island != IslandOf(node.has, gpu)) {
      return "its GPUs are in islands " + std::to_string(island) + " and " + std::to_string(IslandOf(node.has, gpu));
    }
    island = IslandOf(node.has, gpu);
  }
  return std::nullopt;
}

uint32_t GpusWithRoom(const NodeState& node, const Request& request) {
  uint32_t set = 0;
  if (request.gpus == 0) return set;
  for (int32_t gpu = 0; gpu < node.has.gpus; ++gpu) {
    const size_t at = static_cast<size_t>(gpu);
    if (node.gpu_milli[at] >= request.gpu_milli && node.gpu_memory_mib[at] >= request.gpu_memory_mib) set |= Bit(gpu);
  }
  return set;
}

std::vector<uint32_t> GpuChoices(const NodeState& node, const Request& request) {
  const uint32_t room = GpusWithRoom(node, request);
  std::vector<uint32_t> sets;
  if (request.gpus == 0) {
    sets.push_back(0);
  } else if (request.gpus == 1) {
    for (int32_t gpu = 0; gpu < node.has.gpus; ++gpu) {
      if ((room & Bit(gpu)) != 0) sets.push_back(Bit(gpu));
    }
  } else if (request.scope == Scope::kNode) {
    sets.push_back(Lowest(room, request.gpus));
  } else {
    std::map<int32_t, uint32_t> islands;
    for (int32_t gpu = 0; gpu < node.has.gpus; ++gpu) islands[IslandOf(node.has, gpu)] |= room & Bit(gpu);
    for (const auto& [island, of] : islands) sets.push_back(Lowest(of, request.gpus));
  }
  std::erase_if(sets, [&](uint32_t set) { return WhyNot(node, request, set).has_value(); });
  return sets;
}

bool Fits(const NodeState& node, const Request& request) { return !GpuChoices(node, request).empty(); }

void Take(const Request& request, uint32_t gpus, NodeState* node) {
  node->cpu_milli -= request.cpu_milli;
  node->memory_mib -= request.memory_mib;
  if (request.gpus == 0) ++node->requests_without_gpus;
  for (int32_t gpu = 0; gpu < node->has.gpus; ++gpu) {
    if ((gpus & Bit(gpu)) == 0) continue;
    node->gpu_milli[static_cast<size_t>(gpu)] -= request.gpu_milli;
    node->gpu_memory_mib[static_cast<size_t>(gpu)] -= request.gpu_memory_mib;
  }
}

void Give(const Request& request, uint32_t gpus, NodeState* node) {
  node->cpu_milli += request.cpu_milli;
  node->memory_mib += request.memory_mib;
  if (request.gpus == 0) --node->requests_without_gpus;
  for (int32_t gpu = 0; gpu < node->has.gpus; ++gpu) {
    if ((gpus & Bit(gpu)) == 0) continue;
    node->gpu_milli[static_cast<size_t>(gpu)] += request.gpu_milli;
    node->gpu_memory_mib[static_cast<size_t>(gpu)] += request.gpu_memory_mib;
  }
}

int64_t Fragmentation(const NodeState& node, const Request& typical) {
  int32_t with_room = 0;
  int64_t without_room = 0;  // thousandths that are free there
  for (const int64_t milli : node.gpu_milli) {
    if (milli >= typical.gpu_milli) {
      ++with_room;
    } else {
      without_room += milli;
    }
  }
  const bool can_run = ModelWillDo(node.has, typical) && node.cpu_milli >= typical.cpu_milli &&
                       node.memory_mib >= typical.memory_mib && with_room >= typical.gpus;
  return typical.gpus == 0 || !can_run ? node.free_gpu_milli() : without_room;
}

double Fragmentation(const NodeState& node, std::span<const TypicalRequest> mix) {
  double sum = 0;
  for (const TypicalRequest& one : mix) {
    sum += one.weight * static_cast<double>(Fragmentation(node, one.request)) / 1000;
  }
  return sum;
}

ClusterOracle::ClusterOracle(std::span<const GpuNode> nodes) : nodes_(nodes.begin(), nodes.end()) {}

std::vector<int32_t> ClusterOracle::Fitting(const Request& request) const {
  std::vector<int32_t> fitting;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (Fits(nodes_[i], request)) fitting.push_back(static_cast<int32_t>(i));
  }
  return fitting;
}

std::vector<int32_t> ClusterOracle::Witness(const Request& request) const {
  if (!MakesSense(request)) return {};
  const std::vector<int32_t> fitting = Fitting(request);
  if (request.shares == 1) return fitting;
  std::map<int32_t, std::vector<int32_t>> racks;
  for (const int32_t index : fitting) racks[node(index).has.rack].push_back(index);
  for (const auto& [rack, nodes] : racks) {
    if (nodes.size() >= static_cast<size_t>(request.shares)) return nodes;
  }
  return {};
}

std::optional<std::string> ClusterOracle::WhyNot(const Request& request, const std::vector<Share>& shares) const {
  if (shares.size() != static_cast<size_t>(request.shares)) {
    return std::to_string(request.shares) + " shares were asked for, " + std::to_string(shares.size()) + " were given";
  }
  std::set<int32_t> used;
  for (const Share& share : shares) {
    if (share.node < 0 || static_cast<size_t>(share.node) >= nodes_.size()) {
      return "node " + std::to_string(share.node) + " does not exist: there are " + std::to_string(nodes_.size());
    }
    if (!used.insert(share.node).second) return "two shares are on node " + std::to_string(share.node);
    if (node(share.node).has.rack != node(shares[0].node).has.rack) {
      return "node " + std::to_string(shares[0].node) + " is in rack " + std::to_string(node(shares[0].node).has.rack) +
             ", node " + std::to_string(share.node) + " in rack " + std::to_string(node(share.node).has.rack);
    }
    if (const auto why = q07::WhyNot(node(share.node), request, share.gpus)) {
      return "on node " + std::to_string(share.node) + ": " + *why;
    }
  }
  return std::nullopt;
}

void ClusterOracle::Take(const Request& request, const std::vector<Share>& shares) {
  for (const Share& share : shares) q07::Take(request, share.gpus, &nodes_[static_cast<size_t>(share.node)]);
}

void ClusterOracle::Give(const Request& request, const std::vector<Share>& shares) {
  for (const Share& share : shares) q07::Give(request, share.gpus, &nodes_[static_cast<size_t>(share.node)]);
}

double ClusterOracle::free_gpus() const {
  double sum = 0;
  for (const NodeState& node : nodes_) sum += static_cast<double>(node.free_gpu_milli()) / 1000;
  return sum;
}

double ClusterOracle::Fragmentation(std::span<const TypicalRequest> mix) const {
  double sum = 0;
  for (const NodeState& node : nodes_) sum += q07::Fragmentation(node, mix);
  return sum;
}

}  // namespace q07
