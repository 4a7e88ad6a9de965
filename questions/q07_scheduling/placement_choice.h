// Whether a placement that is possible is also the one that the policy wants. Every node's score is computed anew, from
// placement_api.h's definitions alone.
//
// Scores are computed in double here and in some other way in an answer, so a choice within kScoreTolerance of the
// least is right. A tie, where the lower node (GPU, rack) has to be taken, is then more than "the same number":
// everything that the two scores are made of is the same (capacities, what is free, each F(m) before and after), so
// that whatever formula an answer uses gives the same for both. kFirstFit's and kPack's scores are whole numbers: these
// are compared exactly.
#ifndef QUESTIONS_Q07_SCHEDULING_PLACEMENT_CHOICE_H_
#define QUESTIONS_Q07_SCHEDULING_PLACEMENT_CHOICE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "questions/q07_scheduling/placement_oracle.h"

namespace q07 {

inline constexpr double kScoreTolerance = 1e-9;

struct NodeScore {
  double score = 0;
  std::vector<int64_t> made_of;
  // kFragmentation: the best-fit score, which decides where growth is made of the same.
  double second = 0;
  std::vector<int64_t> second_made_of;
};

// Of one share on a node that it fits. Not for kRandom.
NodeScore ScoreOf(PlacementPolicy policy, std::span<const TypicalRequest> mix, const NodeState& node, int32_t index,
                  const Request& request);

// kFragmentation: the growth if the share gets these GPUs, in GPUs.
double Growth(std::span<const TypicalRequest> mix, const NodeState& node, const Request& request, uint32_t gpus);

struct Complaint {
  std::string property;
  std::string expected;
  std::string actual;
};

// REQUIRES: ClusterOracle::WhyNot has nothing against it. The cluster is as it was before it.
std::optional<Complaint> JudgeChoice(const ClusterOracle& cluster, PlacementPolicy policy,
                                     std::span<const TypicalRequest> mix, const Request& request,
                                     const std::vector<Share>& shares);

const char* NameOf(PlacementPolicy policy);
// "node 3, GPUs 0 2"
std::string Describe(const Share& share);
std::string Describe(const std::vector<Share>& shares);
// "2 GPUs of 1000 (20000 MiB each), CPU 4000, memory 8000, models 0 3, in an island, 3 shares"
std::string Describe(const Request& request);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PLACEMENT_CHOICE_H_
