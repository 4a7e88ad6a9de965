// Q7 part B, reference. A score for each node and kind of request, kept; a Place scores again only the nodes that have
// changed since the last request of its kind, then takes the least of all scores in one pass. So what is expensive (the
// fragmentation of a node, over the whole mix and several GPUs) is done a few times a Place, whatever the cluster's
// size.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/placement_api.h"

using q07::GpuNode;
using q07::kMaxGpusPerNode;
using q07::PlacementConfig;
using q07::PlacementPolicy;
using q07::Placer;
using q07::Request;
using q07::Scope;
using q07::Share;
using q07::TypicalRequest;

namespace {

constexpr int64_t kWholeGpu = 1000;
constexpr double kDoesNotFit = std::numeric_limits<double>::infinity();
// Scores nearer than this are ties: sums of the same weights or shares, in another order, differ by less.
constexpr double kTie = 1e-10;
// Of how many kinds of requests scores are kept: 16 bytes a node each.
constexpr size_t kMaxKinds = 256;

// ------------------------------------------------------------------------------------- What a node has, and what fits

struct NodeState {
  GpuNode shape;
  bool up = true;
  // Free:
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  std::array<int64_t, kMaxGpusPerNode> gpu_milli = {};
  std::array<int64_t, kMaxGpusPerNode> gpu_memory_mib = {};
  int64_t all_gpu_milli = 0;  // the sum of gpu_milli

  int32_t shares_without_gpus = 0;  // that run here
  double fragmentation = 0;         // kFragmentation only
  int64_t changed = 0;              // when, by the placer's count of changes
};

NodeState Empty(const GpuNode& shape) {
  NodeState node;
  node.shape = shape;
  node.cpu_milli = shape.cpu_milli;
  node.memory_mib = shape.memory_mib;
  for (int32_t i = 0; i < shape.gpus; ++i) {
    node.gpu_milli[i] = kWholeGpu;
    node.gpu_memory_mib[i] = shape.gpu_memory_mib;
  }
  node.all_gpu_milli = shape.gpus * kWholeGpu;
  return node;
}

// sign 1: takes a share of `request` on GPUs `gpus`; -1: gives it back.
void Take(NodeState* node, const Request& request, uint32_t gpus, int64_t sign) {
  node->cpu_milli -= sign * request.cpu_milli;
  node->memory_mib -= sign * request.memory_mib;
  for (uint32_t left = gpus; left != 0; left &= left - 1) {
    const int i = std::countr_zero(left);
    node->gpu_milli[i] -= sign * request.gpu_milli;
    node->gpu_memory_mib[i] -= sign * request.gpu_memory_mib;
    node->all_gpu_milli -= sign * request.gpu_milli;
  }
  if (request.gpus == 0) node->shares_without_gpus += static_cast<int32_t>(sign);
}

bool MakesSense(const Request& request) {
  if (request.cpu_milli < 0 || request.memory_mib < 0 || request.gpu_memory_mib < 0) return false;
  if (request.scope != Scope::kNode && request.scope != Scope::kIsland) return false;
  if (request.shares < 1 || request.gpus < 0) return false;
  if (request.gpus == 0) return request.gpu_milli == 0 && request.gpu_memory_mib == 0;
  if (request.gpus == 1) return request.gpu_milli >= 1 && request.gpu_milli <= kWholeGpu;
  return request.gpu_milli == kWholeGpu;
}

bool MakesSense(const GpuNode& node) {
  return node.cpu_milli >= 0 && node.memory_mib >= 0 && node.gpus >= 0 && node.gpus <= kMaxGpusPerNode &&
         node.gpu_memory_mib >= 0 && node.model >= 0 && node.model < 32 && node.island >= 0 && node.rack >= 0;
}

bool ModelWillDo(const Request& request, int32_t model) {
  return request.models == 0 || (request.models >> model & 1) != 0;
}

// The GPUs that have room for what the request takes of each.
uint32_t GpusWithRoom(const NodeState& node, const Request& request) {
  uint32_t gpus = 0;
  for (int32_t i = 0; i < node.shape.gpus; ++i) {
    const bool room = node.gpu_milli[i] >= request.gpu_milli && node.gpu_memory_mib[i] >= request.gpu_memory_mib;
    gpus |= static_cast<uint32_t>(room) << i;
  }
  return gpus;
}

// Calls f(GPUs with room) for each group of GPUs, lowest first, that could hold all of the request's, until it returns
// true.
template <typename Function>
bool AnyGroup(const NodeState& node, const Request& request, Function f) {
  const uint32_t room = GpusWithRoom(node, request);
  const bool whole_node = request.scope == Scope::kNode || node.shape.island == 0;
  const int32_t size = whole_node ? kMaxGpusPerNode : std::min(node.shape.island, kMaxGpusPerNode);
  for (int32_t first = 0; first < std::max(node.shape.gpus, 1); first += size) {
    const uint32_t group = room & ((1u << size) - 1) << first;
    if (std::popcount(group) >= request.gpus && f(group)) return true;
  }
  return false;
}

bool Fits(const NodeState& node, const Request& request) {
  return node.up && ModelWillDo(request, node.shape.model) && node.cpu_milli >= request.cpu_milli &&
         node.memory_mib >= request.memory_mib && AnyGroup(node, request, [](uint32_t) { return true; });
}

uint32_t Lowest(uint32_t gpus, int32_t count) {
  uint32_t lowest = 0;
  for (; count > 0; --count) {
    lowest |= gpus & -gpus;
    gpus &= gpus - 1;
  }
  return lowest;
}

// ---------------------------------------------------------------------------------------------------- Fragmentation

// The typical requests, by gpu_milli, so that one walk over a node's GPUs in the order of what they have free does for
// all.
class Mix {
 public:
  explicit Mix(std::span<const TypicalRequest> typical) {
    for (const TypicalRequest& m : typical) {
      if (m.request.gpus == 0) {
        weight_without_gpus_ += m.weight;
      } else {
        with_gpus_.push_back(m);
      }
    }
    std::stable_sort(with_gpus_.begin(), with_gpus_.end(), [](const TypicalRequest& a, const TypicalRequest& b) {
      return a.request.gpu_milli < b.request.gpu_milli;
    });
  }

  double Fragmentation(const NodeState& node) const {
    std::array<int64_t, kMaxGpusPerNode> free = node.gpu_milli;
    const int32_t gpus = node.shape.gpus;
    std::sort(free.begin(), free.begin() + gpus);
    const int64_t all = node.all_gpu_milli;
    int32_t too_small = 0;  // GPUs that do not have gpu_milli free, and what they have
    int64_t unusable = 0;
    double sum = weight_without_gpus_ * static_cast<double>(all);
    for (const auto& [m, weight] : with_gpus_) {
      while (too_small < gpus && free[too_small] < m.gpu_milli) unusable += free[too_small++];
      const bool runs = m.cpu_milli <= node.cpu_milli && m.memory_mib <= node.memory_mib &&
                        ModelWillDo(m, node.shape.model) && gpus - too_small >= m.gpus;
      sum += weight * static_cast<double>(runs ? unusable : all);
    }
    return sum / kWholeGpu;
  }

 private:
  std::vector<TypicalRequest> with_gpus_;
  double weight_without_gpus_ = 0;
};

// ------------------------------------------------------------------------------------------------------------ Scores

// Least first: by `first`, ties by `second`.
struct Score {
  double first = kDoesNotFit;
  double second = 0;
};

struct Candidate {
  Score score;
  int32_t index = 0;
};

// The candidate of the least score; the first of those that tie with it. Not a sort: nearness is not transitive.
const Candidate& Least(const std::vector<Candidate>& candidates) {
  double first = kDoesNotFit;
  for (const Candidate& candidate : candidates) first = std::min(first, candidate.score.first);
  double second = kDoesNotFit;
  for (const Candidate& candidate : candidates) {
    if (candidate.score.first <= first + kTie) second = std::min(second, candidate.score.second);
  }
  return *std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& candidate) {
    return candidate.score.first <= first + kTie && candidate.score.second <= second + kTie;
  });
}

double ShareOf(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// The free shares that are left once the request is placed, summed.
double LeftOver(const NodeState& node, const Request& request) {
  return ShareOf(node.cpu_milli - request.cpu_milli, node.shape.cpu_milli) +
         ShareOf(node.memory_mib - request.memory_mib, node.shape.memory_mib) +
         ShareOf(node.all_gpu_milli - request.gpus * request.gpu_milli, node.shape.gpus * kWholeGpu);
}

double UsedShare(const NodeState& node, const Request& request) {
  return request.gpus == 0 ? 1 - ShareOf(node.cpu_milli, node.shape.cpu_milli)
                           : 1 - ShareOf(node.all_gpu_milli, node.shape.gpus * kWholeGpu);
}

double PackClass(const NodeState& node, const Request& request) {
  if (request.gpus == 1) {
    const uint32_t room = GpusWithRoom(node, request);
    for (int32_t i = 0; i < node.shape.gpus; ++i) {
      if ((room >> i & 1) != 0 && node.gpu_milli[i] < kWholeGpu) return 0;
    }
  }
  return node.all_gpu_milli < node.shape.gpus * kWholeGpu || node.shares_without_gpus > 0 ? 1 : 2;
}

// ------------------------------------------------------------------------------------------------------------ Placer

class ReferencePlacer final : public Placer {
 public:
  ReferencePlacer(std::span<const GpuNode> nodes, const PlacementConfig& config)
      : policy_(config.policy), mix_(config.typical), random_(config.seed) {
    for (const GpuNode& shape : nodes) {
      const auto node = static_cast<int32_t>(nodes_.size());
      nodes_.push_back(Empty(shape));
      everywhere_.push_back(node);
      racks_[shape.rack].push_back(node);
      latest_.push_front(node);
      place_in_latest_.push_back(latest_.begin());
      Changed(node);
    }
  }

  bool Place(const Request& request, std::vector<Share>* shares) override {
    shares->clear();
    if (!MakesSense(request)) return false;
    const std::vector<Score>& scores = ScoresOf(request);
    const std::vector<int32_t> chosen =
        request.shares == 1 ? Choose(scores, everywhere_, 1).nodes : ChooseInOneRack(scores, request.shares);
    for (int32_t node : chosen) {
      const uint32_t gpus = ChooseGpus(nodes_[node], request);
      Take(&nodes_[node], request, gpus, 1);
      Changed(node);
      shares->push_back({node, gpus});
    }
    return !shares->empty();
  }

  void Release(const Request& request, const std::vector<Share>& shares) override {
    for (const Share& share : shares) {
      Take(&nodes_[share.node], request, share.gpus, -1);
      Changed(share.node);
    }
  }

  void SetUp(int32_t node, bool up) override {
    nodes_[node].up = up;
    Changed(node);
  }

 private:
  // Requests that differ in nothing but the number of shares have the same scores.
  using Kind = std::array<int64_t, 7>;

  struct KeptScores {
    std::vector<Score> scores;  // of each node
    int64_t known = 0;          // changes up to this one are in
  };

  // Nodes for all shares, none if there are too few; and the sum of their scores.
  struct Choice {
    std::vector<int32_t> nodes;
    Score sum = {0, 0};
  };

  void Changed(int32_t node) {
    NodeState& state = nodes_[node];
    state.changed = ++changes_;
    latest_.splice(latest_.begin(), latest_, place_in_latest_[node]);
    if (policy_ == PlacementPolicy::kFragmentation) state.fragmentation = mix_.Fragmentation(state);
  }

  const std::vector<Score>& ScoresOf(const Request& request) {
    const Kind kind = {request.cpu_milli,
                       request.memory_mib,
                       request.gpus,
                       request.gpu_milli,
                       request.gpu_memory_mib,
                       request.models,
                       static_cast<int64_t>(request.scope)};
    if (kinds_.size() >= kMaxKinds && !kinds_.contains(kind)) {
      kinds_.erase(std::min_element(kinds_.begin(), kinds_.end(),
                                    [](const auto& a, const auto& b) { return a.second.known < b.second.known; }));
    }
    KeptScores& kept = kinds_[kind];
    kept.scores.resize(nodes_.size());
    for (int32_t node : latest_) {
      if (nodes_[node].changed <= kept.known) break;
      kept.scores[node] = ScoreOf(nodes_[node], request);
    }
    kept.known = changes_;
    return kept.scores;
  }

  Score ScoreOf(const NodeState& node, const Request& request) const {
    if (!Fits(node, request)) return {};
    switch (policy_) {
      case PlacementPolicy::kFirstFit:
      case PlacementPolicy::kRandom:
        return {0, 0};
      case PlacementPolicy::kBestFit:
        return {LeftOver(node, request), 0};
      case PlacementPolicy::kWorstFit:
        return {-LeftOver(node, request), 0};
      case PlacementPolicy::kSpread:
        return {UsedShare(node, request), 0};
      case PlacementPolicy::kPack:
        return {PackClass(node, request), static_cast<double>(node.all_gpu_milli)};
      case PlacementPolicy::kFragmentation:
        return {LeastGrowth(node, request).score.first, LeftOver(node, request)};
    }
    return {};
  }

  // Takes the best, `count` times. Scores of the nodes that are left do not change by it: each share has its own node.
  Choice Choose(const std::vector<Score>& scores, const std::vector<int32_t>& among, int32_t count) {
    candidates_.clear();
    for (int32_t node : among) {
      if (scores[node].first < kDoesNotFit) candidates_.push_back({scores[node], node});
    }
    Choice choice;
    if (candidates_.size() < static_cast<size_t>(count)) return choice;
    for (; count > 0; --count) {
      const Candidate& best = OneOf(candidates_);
      choice.nodes.push_back(best.index);
      choice.sum.first += best.score.first;
      choice.sum.second += best.score.second;
      candidates_.erase(candidates_.begin() + (&best - candidates_.data()));
    }
    return choice;
  }

  std::vector<int32_t> ChooseInOneRack(const std::vector<Score>& scores, int32_t shares) {
    std::vector<Choice> choices;
    std::vector<Candidate> racks;
    for (const auto& [number, nodes] : racks_) {
      Choice choice = Choose(scores, nodes, shares);
      if (choice.nodes.empty()) continue;
      racks.push_back({choice.sum, static_cast<int32_t>(choices.size())});
      choices.push_back(std::move(choice));
    }
    if (choices.empty()) return {};
    return choices[OneOf(racks).index].nodes;
  }

  const Candidate& OneOf(const std::vector<Candidate>& candidates) {
    if (policy_ == PlacementPolicy::kRandom) return candidates[random_() % candidates.size()];
    return Least(candidates);
  }

  // REQUIRES: the request fits.
  uint32_t ChooseGpus(const NodeState& node, const Request& request) {
    if (request.gpus == 1) return 1u << ChooseGpu(node, request);
    if (policy_ == PlacementPolicy::kRandom) return RandomGpus(node, request);
    // They are all wholly free, so that every policy takes the lowest.
    uint32_t gpus = 0;
    AnyGroup(node, request, [&](uint32_t group) {
      gpus = Lowest(group, request.gpus);
      return true;
    });
    return gpus;
  }

  // A request for one GPU may take any that has room, in whatever island.
  int32_t ChooseGpu(const NodeState& node, const Request& request) {
    if (policy_ == PlacementPolicy::kFragmentation) return LeastGrowth(node, request).index;
    const uint32_t room = GpusWithRoom(node, request);
    std::vector<Candidate> gpus;
    for (int32_t i = 0; i < node.shape.gpus; ++i) {
      if ((room >> i & 1) != 0) gpus.push_back({{GpuScore(node.gpu_milli[i]), 0}, i});
    }
    return OneOf(gpus).index;
  }

  double GpuScore(int64_t free_milli) const {
    switch (policy_) {
      case PlacementPolicy::kBestFit:
      case PlacementPolicy::kPack:
        return static_cast<double>(free_milli);
      case PlacementPolicy::kWorstFit:
      case PlacementPolicy::kSpread:
        return -static_cast<double>(free_milli);
      default:
        return 0;
    }
  }

  // kFragmentation: how much the node's fragmentation grows at least, and for one GPU: when it is taken from which.
  // More GPUs are wholly free ones, and it does not matter which.
  Candidate LeastGrowth(const NodeState& node, const Request& request) const {
    const auto growth = [&](uint32_t gpus) {
      NodeState after = node;
      Take(&after, request, gpus, 1);
      return mix_.Fragmentation(after) - node.fragmentation;
    };
    if (request.gpus != 1) return {{growth(Lowest(GpusWithRoom(node, request), request.gpus)), 0}, 0};
    std::vector<Candidate> gpus;
    for (uint32_t room = GpusWithRoom(node, request); room != 0; room &= room - 1) {
      const int i = std::countr_zero(room);
      const auto free = static_cast<double>(node.gpu_milli[i]);
      // GPUs with as much free grow it as much, and the first of them is taken.
      const auto same = [&](const Candidate& gpu) { return gpu.score.second == free; };
      if (std::any_of(gpus.begin(), gpus.end(), same)) continue;
      gpus.push_back({{growth(1u << i), free}, i});
    }
    return Least(gpus);
  }

  uint32_t RandomGpus(const NodeState& node, const Request& request) {
    std::vector<uint32_t> groups;
    AnyGroup(node, request, [&](uint32_t group) {
      groups.push_back(group);
      return false;
    });
    uint32_t gpus = groups[random_() % groups.size()];
    while (std::popcount(gpus) > request.gpus) gpus &= ~(1u << random_() % kMaxGpusPerNode);
    return gpus;
  }

  PlacementPolicy policy_;
  Mix mix_;
  std::mt19937_64 random_;
  std::vector<NodeState> nodes_;
  std::vector<int32_t> everywhere_;                // all nodes
  std::map<int32_t, std::vector<int32_t>> racks_;  // the nodes of each
  int64_t changes_ = 0;
  std::list<int32_t> latest_;  // the nodes, the latest changed first
  std::vector<std::list<int32_t>::iterator> place_in_latest_;
  std::map<Kind, KeptScores> kinds_;
  std::vector<Candidate> candidates_;  // Choose's, kept for its memory
};

}  // namespace

extern "C" Placer* q07_placer_create(std::span<const GpuNode> nodes, const PlacementConfig& config) {
  const auto policy = static_cast<int32_t>(config.policy);
  if (policy < 0 || policy > static_cast<int32_t>(PlacementPolicy::kRandom)) return nullptr;
  if (!std::all_of(nodes.begin(), nodes.end(), [](const GpuNode& node) { return MakesSense(node); })) return nullptr;
  return new ReferencePlacer(nodes, config);
}
