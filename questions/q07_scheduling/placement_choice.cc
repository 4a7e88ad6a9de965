#include "questions/q07_scheduling/placement_choice.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <map>
#include <tuple>

namespace q07 {
namespace {

// Sums of classes lead sums of thousandths: kMaxRecordedShares * 16,000 is less.
constexpr double kPackClass = 1e9;

std::string Number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.12g", value);
  return text;
}

double Part(int64_t free, int64_t of) { return of == 0 ? 0 : static_cast<double>(free) / static_cast<double>(of); }

double FreeShares(const NodeState& node) {
  return Part(node.cpu_milli, node.has.cpu_milli) + Part(node.memory_mib, node.has.memory_mib) +
         Part(node.free_gpu_milli(), int64_t{1000} * node.has.gpus);
}

// The same for all GPUs that a share may get.
double FreeSharesAfter(const NodeState& node, const Request& request) {
  NodeState after = node;
  Take(request, GpuChoices(node, request).front(), &after);
  return FreeShares(after);
}

std::vector<int64_t> FreeSharesMadeOf(const NodeState& node) {
  return {node.has.cpu_milli, node.cpu_milli, node.has.memory_mib,
          node.memory_mib,    node.has.gpus,  node.free_gpu_milli()};
}

int PackClass(const NodeState& node, const Request& request) {
  bool uses_used = false, has_used = node.requests_without_gpus > 0;
  const uint32_t room = GpusWithRoom(node, request);
  for (int32_t gpu = 0; gpu < node.has.gpus; ++gpu) {
    if (node.gpu_milli[static_cast<size_t>(gpu)] == 1000) continue;
    has_used = true;
    if (request.gpus == 1 && ((room >> gpu) & 1) != 0) uses_used = true;
  }
  return uses_used ? 0 : has_used ? 1 : 2;
}

int64_t FreeOf(const NodeState& node, uint32_t gpu_bit) {
  return node.gpu_milli[static_cast<size_t>(std::countr_zero(gpu_bit))];
}

// The GPUs that the policy wants (of kFragmentation: the best ones, without tolerance).
uint32_t WantedGpus(PlacementPolicy policy, std::span<const TypicalRequest> mix, const NodeState& node,
                    const Request& request) {
  const std::vector<uint32_t> choices = GpuChoices(node, request);  // the lowest first
  if (request.gpus != 1 || policy == PlacementPolicy::kFirstFit) return choices.front();
  const bool most_free = policy == PlacementPolicy::kWorstFit || policy == PlacementPolicy::kSpread;
  const auto key = [&](uint32_t gpu) {
    const double growth = policy == PlacementPolicy::kFragmentation ? Growth(mix, node, request, gpu) : 0;
    return std::pair(growth, most_free ? -FreeOf(node, gpu) : FreeOf(node, gpu));
  };
  return *std::ranges::min_element(choices, {}, key);
}

struct Candidate {
  int32_t node = 0;
  NodeScore score;
};

bool IsExact(PlacementPolicy policy) {
  return policy == PlacementPolicy::kFirstFit || policy == PlacementPolicy::kPack;
}

std::string Words(PlacementPolicy policy, const NodeScore& score) {
  if (policy == PlacementPolicy::kPack) {
    const double of_class = std::floor(score.score / kPackClass);
    return "class " + Number(of_class) + ", " + Number(score.score - of_class * kPackClass) + " thousandths free";
  }
  if (policy == PlacementPolicy::kFragmentation) {
    return "growth " + Number(score.score) + ", best-fit score " + Number(score.second);
  }
  return "score " + Number(score.score);
}

// Whether `other` has to be taken rather than `chosen`, though the scores are the same.
bool WinsTie(const Candidate& other, const Candidate& chosen) {
  if (other.score.made_of != chosen.score.made_of) return false;
  if (other.score.second < chosen.score.second - kScoreTolerance) return true;
  return other.score.second_made_of == chosen.score.second_made_of && other.node < chosen.node;
}

bool Before(const Candidate& a, const Candidate& b) {
  return std::tuple(a.score.score, a.score.second, a.node) < std::tuple(b.score.score, b.score.second, b.node);
}

std::string Words(PlacementPolicy policy, const Candidate& candidate) {
  const std::string node = "node " + std::to_string(candidate.node);
  return policy == PlacementPolicy::kFirstFit ? node : node + " (" + Words(policy, candidate.score) + ")";
}

std::string Words(PlacementPolicy policy, std::span<const Candidate> candidates) {
  std::string text;
  for (const Candidate& one : candidates) text += (text.empty() ? "" : ", ") + Words(policy, one);
  return text;
}

const char* PropertyOf(PlacementPolicy policy) {
  switch (policy) {
    case PlacementPolicy::kFirstFit:
      return "first fit takes the lowest node that fits";
    case PlacementPolicy::kBestFit:
      return "best fit takes the node that has the least left, as free shares of CPU, memory and GPUs after placing";
    case PlacementPolicy::kWorstFit:
      return "worst fit takes the node that has the most left, as free shares of CPU, memory and GPUs after placing";
    case PlacementPolicy::kSpread:
      return "spread takes the node of which the least share is used (GPUs; CPUs for a request without GPUs)";
    case PlacementPolicy::kPack:
      return "pack takes a node with room on a used GPU before one that is used, that before an empty one; then the "
             "fewest free GPU thousandths";
    case PlacementPolicy::kFragmentation:
      return "fragmentation-aware placement takes the node whose fragmentation grows least";
    case PlacementPolicy::kRandom:
      return "";
  }
  return "";
}

double Sum(std::span<const Candidate> candidates) {
  double sum = 0;
  for (const Candidate& one : candidates) sum += one.score.score;
  return sum;
}

// The best nodes of a rack for all shares, in the order of their numbers.
using Rack = std::vector<Candidate>;

bool MadeOfTheSame(const Rack& a, const Rack& b) {
  return std::ranges::equal(a, b, [](const Candidate& x, const Candidate& y) {
    return x.score.made_of == y.score.made_of && x.score.second_made_of == y.score.second_made_of;
  });
}

std::optional<Complaint> JudgeRack(const ClusterOracle& cluster, PlacementPolicy policy,
                                   const std::vector<Candidate>& fitting, const std::vector<Candidate>& chosen) {
  std::map<int32_t, std::vector<Candidate>> racks;
  for (const Candidate& one : fitting) racks[cluster.node(one.node).has.rack].push_back(one);
  std::map<int32_t, Rack> best;
  for (auto& [number, of] : racks) {
    if (of.size() < chosen.size()) continue;
    std::ranges::sort(of, Before);
    Rack rack(of.begin(), of.begin() + static_cast<ptrdiff_t>(chosen.size()));
    std::ranges::sort(rack, {}, &Candidate::node);
    best[number] = std::move(rack);
  }
  const int32_t taken = cluster.node(chosen[0].node).has.rack;
  const double sum = Sum(chosen);
  for (const auto& [number, rack] : best) {
    const bool first_rack = policy == PlacementPolicy::kFirstFit && number < taken;
    const bool better = policy == PlacementPolicy::kFirstFit ? first_rack : Sum(rack) < sum - kScoreTolerance;
    const bool tie = number < taken && (IsExact(policy) ? Sum(rack) == sum : MadeOfTheSame(rack, chosen));
    if (better || tie) {
      return Complaint{first_rack ? "first fit takes the lowest rack that has enough nodes"
                       : better   ? "the rack is that whose best nodes have the least sum of scores"
                                  : "of racks that are the same the lower one is taken",
                       "rack " + std::to_string(number) + ": " + Words(policy, rack),
                       "rack " + std::to_string(taken) + ": " + Words(policy, chosen)};
    }
  }
  for (const Candidate& one : racks[taken]) {
    if (std::ranges::any_of(chosen, [&](const Candidate& other) { return other.node == one.node; })) continue;
    for (const Candidate& other : chosen) {
      if (one.score.score < other.score.score - kScoreTolerance || WinsTie(one, other)) {
        return Complaint{"of its rack, the nodes with the least scores are taken; ties: the lower ones",
                         Words(policy, best[taken]), Words(policy, chosen)};
      }
    }
  }
  return std::nullopt;
}

std::optional<Complaint> JudgeNode(PlacementPolicy policy, const std::vector<Candidate>& fitting,
                                   const Candidate& chosen) {
  const Candidate& least = *std::ranges::min_element(fitting, Before);
  if (chosen.score.score > least.score.score + kScoreTolerance) {
    return Complaint{PropertyOf(policy), Words(policy, least), Words(policy, chosen)};
  }
  // The lowest of those that have to be taken rather than it.
  const Candidate* wins = nullptr;
  for (const Candidate& one : fitting) {
    if (WinsTie(one, chosen) && (wins == nullptr || Before(one, *wins))) wins = &one;
  }
  if (wins == nullptr) return std::nullopt;
  return Complaint{wins->score.second < chosen.score.second - kScoreTolerance
                       ? "of nodes whose fragmentation grows by the same, best fit's is taken"
                       : "of nodes that are the same the lower one is taken",
                   Words(policy, *wins), Words(policy, chosen)};
}

std::optional<Complaint> JudgeGpus(PlacementPolicy policy, std::span<const TypicalRequest> mix, const NodeState& node,
                                   const Request& request, const Share& share) {
  const uint32_t wanted = WantedGpus(policy, mix, node, request);
  if (share.gpus == wanted) return std::nullopt;
  std::string growth;
  if (policy == PlacementPolicy::kFragmentation && request.gpus == 1) {
    const double of_share = Growth(mix, node, request, share.gpus), of_wanted = Growth(mix, node, request, wanted);
    const bool lower_is_same = std::ranges::any_of(GpuChoices(node, request), [&](uint32_t gpu) {
      return gpu < share.gpus && FreeOf(node, gpu) == FreeOf(node, share.gpus);
    });
    if (of_share <= of_wanted + kScoreTolerance && !lower_is_same) return std::nullopt;
    growth = " (growth " + Number(of_share) + ", not " + Number(of_wanted) + ")";
  }
  const char* property = "GPUs: the lowest that are possible";
  if (request.gpus == 1) {
    switch (policy) {
      case PlacementPolicy::kBestFit:
      case PlacementPolicy::kPack:
        property = "of the node's GPUs, the least free one that fits; ties: the lower";
        break;
      case PlacementPolicy::kWorstFit:
      case PlacementPolicy::kSpread:
        property = "of the node's GPUs, the most free one; ties: the lower";
        break;
      case PlacementPolicy::kFragmentation:
        property =
            "of the node's GPUs, that with the least growth of fragmentation; of those that are as free, the lowest";
        break;
      default:
        break;
    }
  }
  return Complaint{property, Describe(Share{share.node, wanted}), Describe(share) + growth};
}

}  // namespace

double Growth(std::span<const TypicalRequest> mix, const NodeState& node, const Request& request, uint32_t gpus) {
  NodeState after = node;
  Take(request, gpus, &after);
  return Fragmentation(after, mix) - Fragmentation(node, mix);
}

NodeScore ScoreOf(PlacementPolicy policy, std::span<const TypicalRequest> mix, const NodeState& node, int32_t index,
                  const Request& request) {
  NodeScore score;
  switch (policy) {
    case PlacementPolicy::kFirstFit:
      score.score = index;
      score.made_of = {index};
      break;
    case PlacementPolicy::kBestFit:
      score.score = FreeSharesAfter(node, request);
      score.made_of = FreeSharesMadeOf(node);
      break;
    case PlacementPolicy::kWorstFit:
      score.score = -FreeSharesAfter(node, request);
      score.made_of = FreeSharesMadeOf(node);
      break;
    case PlacementPolicy::kSpread:
      if (request.gpus == 0) {
        score.score = 1 - Part(node.cpu_milli, node.has.cpu_milli);
        score.made_of = {node.cpu_milli, node.has.cpu_milli};
      } else {
        score.score = 1 - Part(node.free_gpu_milli(), int64_t{1000} * node.has.gpus);
        score.made_of = {node.free_gpu_milli(), node.has.gpus};
      }
      break;
    case PlacementPolicy::kPack:
      score.score = PackClass(node, request) * kPackClass + static_cast<double>(node.free_gpu_milli());
      score.made_of = {PackClass(node, request), node.free_gpu_milli()};
      break;
    case PlacementPolicy::kFragmentation: {
      const uint32_t gpus = WantedGpus(policy, mix, node, request);
      score.score = Growth(mix, node, request, gpus);
      NodeState after = node;
      Take(request, gpus, &after);
      score.made_of = node.gpu_milli;
      score.made_of.push_back(gpus);
      for (const TypicalRequest& one : mix) {
        score.made_of.push_back(Fragmentation(node, one.request));
        score.made_of.push_back(Fragmentation(after, one.request));
      }
      score.second = FreeSharesAfter(node, request);
      score.second_made_of = FreeSharesMadeOf(node);
      break;
    }
    case PlacementPolicy::kRandom:
      break;
  }
  return score;
}

std::optional<Complaint> JudgeChoice(const ClusterOracle& cluster, PlacementPolicy policy,
                                     std::span<const TypicalRequest> mix, const Request& request,
                                     const std::vector<Share>& shares) {
  if (policy == PlacementPolicy::kRandom) return std::nullopt;
  std::vector<Candidate> fitting, chosen;
  for (const int32_t node : cluster.Fitting(request)) {
    fitting.push_back({node, ScoreOf(policy, mix, cluster.node(node), node, request)});
    if (std::ranges::any_of(shares, [&](const Share& share) { return share.node == node; })) {
      chosen.push_back(fitting.back());
    }
  }
  const auto of_nodes =
      shares.size() > 1 ? JudgeRack(cluster, policy, fitting, chosen) : JudgeNode(policy, fitting, chosen[0]);
  if (of_nodes) return of_nodes;
  for (const Share& share : shares) {
    if (const auto of_gpus = JudgeGpus(policy, mix, cluster.node(share.node), request, share)) return of_gpus;
  }
  return std::nullopt;
}

const char* NameOf(PlacementPolicy policy) {
  constexpr const char* kNames[] = {"kFirstFit", "kBestFit",       "kWorstFit", "kSpread",
                                    "kPack",     "kFragmentation", "kRandom"};
  const auto index = static_cast<size_t>(policy);
  return index < std::size(kNames) ? kNames[index] : "a policy that does not exist";
}

std::string Describe(const Share& share) {
  std::string text = "node " + std::to_string(share.node);
  if (share.gpus == 0) return text;
  text += std::popcount(share.gpus) == 1 ? ", GPU" : ", GPUs";
  for (int gpu = 0; gpu < 32; ++gpu) {
    if (((share.gpus >> gpu) & 1) != 0) text += " " + std::to_string(gpu);
  }
  return text;
}

std::string Describe(const std::vector<Share>& shares) {
  std::string text;
  for (const Share& share : shares) text += (text.empty() ? "" : "; ") + Describe(share);
  return text.empty() ? "no shares" : text;
}

std::string Describe(const Request& request) {
  std::string text;
  if (request.gpus != 0 || request.gpu_milli != 0 || request.gpu_memory_mib != 0) {
    text += std::to_string(request.gpus) + (request.gpus == 1 ? " GPU" : " GPUs") + " x " +
            std::to_string(request.gpu_milli) + " thousandths";
    if (request.gpu_memory_mib != 0) text += " with " + std::to_string(request.gpu_memory_mib) + " MiB";
    text += ", ";
  }
  text += "CPU " + std::to_string(request.cpu_milli) + ", memory " + std::to_string(request.memory_mib);
  if (request.models != 0) {
    text += ", of models";
    for (int model = 0; model < 32; ++model) {
      if (((request.models >> model) & 1) != 0) text += " " + std::to_string(model);
    }
  }
  if (request.scope == Scope::kIsland) text += ", in an island";
  if (request.shares != 1) text += ", " + std::to_string(request.shares) + " shares";
  return text;
}

}  // namespace q07
