#include "questions/q02_allreduce/cost.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <sstream>

namespace q02 {
namespace {

constexpr Algorithm kAlgorithms[] = {Algorithm::kRing, Algorithm::kRecursiveDoubling, Algorithm::kHalvingDoubling,
                                     Algorithm::kTree};

int FloorLog2(int64_t n) { return std::bit_width(static_cast<uint64_t>(n)) - 1; }

int CeilLog2(int64_t n) { return n == 1 ? 0 : FloorLog2(n - 1) + 1; }

bool IsPowerOfTwo(int64_t n) { return std::has_single_bit(static_cast<uint64_t>(n)); }

// What ranks past the largest power of two add: their whole buffer to a partner, its reduction there, the result back.
double FoldCost(const CostModel& model, double bytes) {
  return IsPowerOfTwo(model.ranks) ? 0 : 2 * (model.alpha + model.beta * bytes) + model.gamma * bytes;
}

// A binary heap of ranks: root 0, children 2i+1 and 2i+2. The buffer is cut into k segments, which flow up, reduced on
// the way, and down again as soon as they are complete. A segment's message takes t, its reduction g.
//
// First segment, exactly: a rank with two children receives two messages one after the other and reduces the first
// while the second arrives, so a full level costs 2t + g upwards (t + 2g where g > t) and 2t downwards; the last level
// may be partly filled, and be hidden by its neighbours. Over all levels that makes e slots of max(t, g) and c of
// min(t, g) on the way up and e of t on the way down.
//
// Each further segment follows one period later: the load of the busiest port or CPU. An inner rank below the root
// receives two messages from its children and one from its parent (and sends as many), and reduces twice. It takes five
// ranks for an inner rank below the root to have two children; in smaller trees no port carries more than two.
double TreeCost(const CostModel& model, double bytes, double segments) {
  const double t = model.alpha + model.beta * bytes / segments;
  const double g = model.gamma * bytes / segments;
  const int64_t m = model.ranks + 1;
  const int e = FloorLog2(m) + FloorLog2(2 * m / 3) - 1;
  const int c = FloorLog2(4 * m / 5);
  const double first = e * (t + std::max(t, g)) + c * std::min(t, g);
  const int messages = model.ranks == 2 ? 1 : model.ranks <= 4 ? 2 : 3;
  const int reductions = model.ranks == 2 ? 1 : 2;
  return first + (segments - 1) * std::max(messages * t, reductions * g);
}

uint64_t CeilDivide(uint64_t a, uint64_t b) { return a / b + (a % b != 0); }

uint64_t Segments(uint64_t bytes, uint64_t segment_bytes) {
  return segment_bytes == 0 || segment_bytes >= bytes ? 1 : CeilDivide(bytes, segment_bytes);
}

// Deterministic on every platform, unlike the distributions of <random>.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {  // splitmix64
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  double LogUniform(double low, double high) { return low * std::pow(high / low, Uniform()); }

 private:
  uint64_t state_;
};

Group GroupOf(const CostModel& model, uint64_t bytes, const Best& best) {
  if (model.ranks == 1 || bytes == 0) return Group::kSmall;
  if (model.ranks >= 4096) return Group::kHuge;
  if (best.algorithm == Algorithm::kTree && Cost(model, Algorithm::kTree, bytes, 0) > 1.02 * best.seconds) {
    return Group::kSegment;
  }
  if (!IsPowerOfTwo(model.ranks)) return Group::kNonPowerOfTwo;
  const double latency = FloorLog2(model.ranks) * model.alpha;
  return model.beta * static_cast<double>(bytes) < latency ? Group::kSmall : Group::kLarge;
}

int64_t RandomRanks(Random& random) {
  switch (random.Next() % 4) {
    case 0:  // 2 .. 65536, powers of two
      return int64_t{1} << (1 + random.Next() % 16);
    case 1:  // 3 .. 65537, their neighbours above: the fewest ranks to fold
      return std::min<int64_t>(65536, (int64_t{1} << (1 + random.Next() % 16)) + 1);
    default:
      return static_cast<int64_t>(random.LogUniform(2, 65536));
  }
}

}  // namespace

double Cost(const CostModel& model, Algorithm algorithm, uint64_t bytes, uint64_t segment_bytes) {
  if (model.ranks == 1 || bytes == 0) return 0;
  const double s = static_cast<double>(bytes);
  const double n = static_cast<double>(model.ranks);
  const double log_p = FloorLog2(model.ranks);
  const double p = std::exp2(log_p);
  switch (algorithm) {
    case Algorithm::kRing:
      return 2 * (n - 1) * model.alpha + 2 * (n - 1) / n * model.beta * s + (n - 1) / n * model.gamma * s;
    case Algorithm::kRecursiveDoubling:
      return log_p * (model.alpha + model.beta * s + model.gamma * s) + FoldCost(model, s);
    case Algorithm::kHalvingDoubling:
      return 2 * log_p * model.alpha + 2 * (p - 1) / p * model.beta * s + (p - 1) / p * model.gamma * s +
             FoldCost(model, s);
    case Algorithm::kTree:
      return TreeCost(model, s, static_cast<double>(Segments(bytes, segment_bytes)));
  }
  return std::numeric_limits<double>::infinity();
}

double LowerBound(const CostModel& model, uint64_t bytes) {
  if (model.ranks == 1 || bytes == 0) return 0;
  const double n = static_cast<double>(model.ranks);
  const double others = (n - 1) / n * static_cast<double>(bytes);
  return std::max({CeilLog2(model.ranks) * model.alpha, 2 * model.beta * others, model.gamma * others});
}

// All numbers of segments and all segment sizes up to 256, and beyond that a grid in
// steps of 1/64, find the valley; a ternary search around the best of them finds its bottom.
Best BestTree(const CostModel& model, uint64_t bytes) {
  Best best{Algorithm::kTree, bytes, Cost(model, Algorithm::kTree, bytes, bytes)};
  auto consider = [&](uint64_t segment_bytes) {
    if (segment_bytes == 0 || segment_bytes > bytes) return;
    const double cost = Cost(model, Algorithm::kTree, bytes, segment_bytes);
    if (cost < best.seconds) best = {Algorithm::kTree, segment_bytes, cost};
  };
  for (uint64_t i = 1; i <= bytes; i += i < 256 ? 1 : i / 64) {
    consider(i);
    consider(CeilDivide(bytes, i));
  }
  const uint64_t segments = Segments(bytes, best.segment_bytes);
  uint64_t low = segments - segments / 32 - (segments > 1);
  uint64_t high = std::min(bytes, segments + segments / 32 + 1);
  // Over the reals: whole segment sizes make plateaus, which would mislead the search.
  auto cost_of = [&](uint64_t k) { return TreeCost(model, static_cast<double>(bytes), static_cast<double>(k)); };
  while (high - low > 2) {
    const uint64_t third = (high - low) / 3;
    cost_of(low + third) <= cost_of(high - third) ? high -= third : low += third;
  }
  for (uint64_t k = low; k <= high; ++k) {
    for (uint64_t segment_bytes = CeilDivide(bytes, k) - 1; segment_bytes <= CeilDivide(bytes, k) + 1;
         ++segment_bytes) {
      consider(segment_bytes);
    }
  }
  return best;
}

Best BestChoice(const CostModel& model, uint64_t bytes) {
  Best best{Algorithm::kRing, 0, Cost(model, Algorithm::kRing, bytes, 0)};
  if (best.seconds == 0) return best;
  for (Algorithm algorithm : kAlgorithms) {
    const Best found =
        algorithm == Algorithm::kTree ? BestTree(model, bytes) : Best{algorithm, 0, Cost(model, algorithm, bytes, 0)};
    if (found.seconds < best.seconds) best = found;
  }
  return best;
}

const char* CheckId(Group group) {
  constexpr const char* kIds[] = {"c.small", "c.large", "c.any_n", "c.segment", "c.huge"};
  return kIds[static_cast<int>(group)];
}

const char* AlgorithmName(Algorithm algorithm) {
  constexpr const char* kNames[] = {"ring", "recursive doubling", "halving-doubling", "tree"};
  const auto index = static_cast<size_t>(algorithm);
  return index < std::size(kNames) ? kNames[index] : "no algorithm";
}

std::vector<ChoiceCase> ChoiceCases(uint64_t seed) {
  std::vector<ChoiceCase> cases;
  auto add = [&cases](const CostModel& model, uint64_t bytes) {
    const Best best = BestChoice(model, bytes);
    cases.push_back({model, bytes, GroupOf(model, bytes, best), best});
  };
  const int64_t ranks[] = {1,    2,    3,    4,    5,    6,    7,    8,     12,    13,    16,    17,   31,
                           32,   64,   100,  127,  128,  255,  257,  509,   512,   768,   1000,  1023, 1024,
                           1025, 2047, 2048, 4095, 4096, 4097, 8192, 10007, 32768, 65521, 65535, 65536};
  // NVLink in one node, InfiniBand, 10 GbE with slow reduction.
  const CostModel links[] = {{0, 1e-6, 1 / 200e9, 0}, {0, 5e-6, 1 / 25e9, 1 / 60e9}, {0, 40e-6, 1 / 1e9, 1.6 / 1e9}};
  const uint64_t sizes[] = {0, 1, 4096, 1 << 17, (1 << 22) + 1, 1 << 26, uint64_t{1} << 32};
  for (int64_t n : ranks) {
    for (const CostModel& link : links) {
      for (uint64_t bytes : sizes) add({n, link.alpha, link.beta, link.gamma}, bytes);
    }
  }
  Random random(seed);
  for (int i = 0; i < 800; ++i) {
    CostModel model;
    model.ranks = RandomRanks(random);
    model.alpha = random.LogUniform(0.2e-6, 50e-6);
    model.beta = 1 / random.LogUniform(0.5e9, 400e9);
    model.gamma = random.Next() % 8 == 0 ? 0 : 2 * model.beta * random.Uniform();
    add(model, static_cast<uint64_t>(random.LogUniform(1, 0x1p36)));
  }
  return cases;
}

ChoiceVerdict JudgeChoice(const ChoiceCase& choice_case, const Choice& choice) {
  const double infinity = std::numeric_limits<double>::infinity();
  ChoiceVerdict verdict{false, infinity, choice_case.best, infinity, ""};
  std::ostringstream reason;
  const auto index = static_cast<int32_t>(choice.algorithm);
  if (index < 0 || index > static_cast<int32_t>(Algorithm::kTree)) {
    reason << "algorithm " << index << " is none of the four";
    verdict.reason = reason.str();
    return verdict;
  }
  if (choice.algorithm == Algorithm::kTree && choice.segment_bytes > choice_case.bytes) {
    reason << "segments of " << choice.segment_bytes << " bytes of a buffer of " << choice_case.bytes;
    verdict.reason = reason.str();
    return verdict;
  }
  verdict.chosen_seconds = Cost(choice_case.model, choice.algorithm, choice_case.bytes, choice.segment_bytes);
  const double best = choice_case.best.seconds;
  verdict.ratio = best == 0 ? 1 : verdict.chosen_seconds / best;
  verdict.ok = verdict.ratio <= kAllowedRatio;
  if (!verdict.ok) {
    reason << AlgorithmName(choice.algorithm);
    if (choice.algorithm == Algorithm::kTree) reason << " in segments of " << choice.segment_bytes << " bytes";
    reason << " takes " << verdict.chosen_seconds << " s; " << AlgorithmName(choice_case.best.algorithm);
    if (choice_case.best.algorithm == Algorithm::kTree) {
      reason << " in segments of " << choice_case.best.segment_bytes << " bytes";
    }
    reason << " takes " << best << " s";
    verdict.reason = reason.str();
  }
  return verdict;
}

}  // namespace q02
