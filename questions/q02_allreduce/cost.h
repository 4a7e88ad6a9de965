// Q2 part C, the judge: what the four algorithms cost in the model of api.h, which choice is best, and the cases on
// which an answer's choices are judged.
//
// All costs are closed forms over the reals: chunks of S/N bytes are not rounded. cost_simulation.h plays the same four
// algorithms message by message; cost_test.cc holds the two against each other.
#ifndef QUESTIONS_Q02_ALLREDUCE_COST_H_
#define QUESTIONS_Q02_ALLREDUCE_COST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "questions/q02_allreduce/api.h"

namespace q02 {

// Seconds that an all-reduce of `bytes` bytes takes. With one rank or no bytes: 0. `segment_bytes` is for kTree alone;
// 0 and anything from `bytes` up mean one segment.
//
//   S = bytes, N = ranks, p = the largest power of two <= N; every form is the slowest rank's time.
//   kRing               2(N-1) alpha + 2(N-1)/N beta S + (N-1)/N gamma S
//   kRecursiveDoubling  log2 p (alpha + beta S + gamma S)                        + fold
//   kHalvingDoubling    2 log2 p alpha + 2(p-1)/p beta S + (p-1)/p gamma S       + fold
//                       fold = 2(alpha + beta S) + gamma S where N > p, else 0: the N-p ranks past p hand their buffer
//                       to a partner before, and get the result after.
//   kTree               e (t + max(t, g)) + c min(t, g) + (k-1) max(A t, B g), where
//                         k = ceil(S / segment_bytes), t = alpha + beta S/k, g = gamma S/k,
//                         e = floor(log2(N+1)) + floor(log2(2(N+1)/3)) - 1, c = floor(log2(4(N+1)/5)),
//                         A = 1, 2, 2 for N = 2, 3, 4 and 3 beyond, B = 1 for N = 2 and 2 beyond.
//                       TreeCost in cost.cc says why. Exact for k = 1, and for N <= 4 with g <= t. Otherwise, with g <=
//                       t, the tree in cost_simulation.h takes from 0 to 2 t less; with g > t from 10 % less to 7 %
//                       more. Where the tree is the best choice, at its best segment size, the two are within 2.5 %.
// Sources: Thakur, Rabenseifner, Gropp, "Optimization of collective communication operations in MPICH", IJHPCA 19(1),
// 2005; Rabenseifner, "Optimization of collective reduction operations", ICCS 2004, for halving-doubling.
//
// REQUIRES: model.ranks >= 1; alpha, beta and gamma are finite and not negative; `algorithm` is one of the four.
double Cost(const CostModel& model, Algorithm algorithm, uint64_t bytes, uint64_t segment_bytes);

// No all-reduce in this model is faster: the largest of ceil(log2 N) alpha, 2(N-1)/N beta S and (N-1)/N gamma S (Chan,
// Heimlich, Purkayastha, van de Geijn, "Collective communication: theory, practice, and experience", Concurrency and
// Computation 19(13), 2007). In general no algorithm meets the three of them at once.
double LowerBound(const CostModel& model, uint64_t bytes);

struct Best {
  Algorithm algorithm;
  uint64_t segment_bytes;  // 0 unless algorithm is kTree
  double seconds;
};

// The least cost over all segment sizes of the tree, and over all algorithms and segment sizes; by search, and within
// 0.01 % of it. REQUIRES: as Cost, and for BestTree bytes >= 1.
Best BestTree(const CostModel& model, uint64_t bytes);
Best BestChoice(const CostModel& model, uint64_t bytes);

// Which check a case belongs to, in the order in which the checks report.
enum class Group {
  kSmall,          // c.small    N a power of two, and latency outweighs bandwidth; also N = 1 and no bytes at all
  kLarge,          // c.large    N a power of two, and bandwidth outweighs latency
  kNonPowerOfTwo,  // c.any_n    N no power of two
  kSegment,        // c.segment  the tree is best, and with one segment it costs more than 2 % more
  kHuge,           // c.huge     N >= 4096, whatever is best
};
inline constexpr Group kGroups[] = {Group::kSmall, Group::kLarge, Group::kNonPowerOfTwo, Group::kSegment, Group::kHuge};

const char* CheckId(Group group);  // "c.small"
const char* AlgorithmName(Algorithm algorithm);

struct ChoiceCase {
  CostModel model;
  uint64_t bytes;
  Group group;
  Best best;
};

// A fixed grid and as many random cases again: N from 1 to 65536, bytes from 0 to 2^36, alpha 0.2 to 50 us, 1/beta 0.5
// to 400 GB/s, gamma 0 to 2 beta. Every group has cases, and every algorithm wins some of them clearly.
std::vector<ChoiceCase> ChoiceCases(uint64_t seed);

inline constexpr double kAllowedRatio = 1.01;

struct ChoiceVerdict {
  bool ok;
  double ratio;  // chosen / best; 1 where both are 0, infinity where the choice is not valid
  Best best;
  double chosen_seconds;
  std::string reason;  // empty when ok
};

// Ok when the choice is valid and costs at most kAllowedRatio times the best. Not valid: an algorithm that is none of
// the four; kTree with segments larger than the buffer.
ChoiceVerdict JudgeChoice(const ChoiceCase& choice_case, const Choice& choice);

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_COST_H_
