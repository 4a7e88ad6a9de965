// Q2 part C: which all-reduce, and in which segments.
//
// Three of the four algorithms have one cost each, a handful of operations, so all are computed and compared. What wins
// where, roughly, for buffers from small to large:
//
//   recursive doubling   log2 N messages, the fewest possible, but the whole buffer in each.
//   halving-doubling     twice the messages, and about 2S bytes a rank: where N is a power of two, the bytes of the
//                        ring in far fewer messages. It is an algorithm for large buffers as well.
//   tree                 2S bytes a link, but three messages of each segment meet at one port: about 3S. It pays where
//                        the others pay more: where N is no power of two, so that halving-doubling moves another 2S to
//                        fold ranks in; and where reducing is slow, as it alone reduces while it sends.
//   ring                 2(N-1) messages, for any N: the best once S is so large that latency does not count.
//
// The tree's cost depends on the number of segments k too. With t = alpha + beta S/k the time of a message and g =
// gamma S/k that of its reduction,
//
//   T(k) = e (t + max(t, g)) + c min(t, g)      the first segment's way up and down
//        + (k-1) max(A t, B g)                  the others follow at the pace of the busiest port or CPU
//
// T is convex in k, and made of at most three pieces, each of the form a k + b + d/k:
//
//   few segments      A t < B g                the CPUs set the pace; a = 0: more segments are always better
//   more              A t >= B g, but g > t    the ports do, though a reduction takes longer than a message
//   many              t >= g                   a message takes longer: alpha keeps t up, while g shrinks with k
//
// A piece has its minimum at sqrt(d / a), or, if that lies outside the piece's interval, at the nearer end of it. So
// the best k is one of two clamped square roots, up to rounding to a number of segments that exists.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "questions/q02_allreduce/api.h"

namespace {

using q02::Algorithm;
using q02::Choice;
using q02::CostModel;

// The times of one buffer's bytes, and the powers of two around the number of ranks.
struct Problem {
  Problem(const CostModel& model, uint64_t bytes)
      : n(static_cast<double>(model.ranks)),
        log_p(std::bit_width(static_cast<uint64_t>(model.ranks)) - 1),
        p(std::ldexp(1.0, log_p)),
        alpha(model.alpha),
        move(model.beta * static_cast<double>(bytes)),
        reduce(model.gamma * static_cast<double>(bytes)) {}

  double n;
  int log_p;
  double p;  // largest power of two <= n
  double alpha;
  double move;    // beta S
  double reduce;  // gamma S
};

double RingCost(const Problem& x) { return 2 * (x.n - 1) * x.alpha + (x.n - 1) / x.n * (2 * x.move + x.reduce); }

// The n - p ranks past p send their buffer to a partner, which reduces it, and get the result when all is done.
double FoldCost(const Problem& x) { return x.n == x.p ? 0 : 2 * (x.alpha + x.move) + x.reduce; }

double RecursiveDoublingCost(const Problem& x) { return x.log_p * (x.alpha + x.move + x.reduce) + FoldCost(x); }

double HalvingDoublingCost(const Problem& x) {
  return 2 * x.log_p * x.alpha + (x.p - 1) / x.p * (2 * x.move + x.reduce) + FoldCost(x);
}

// The tree's numbers, which depend on N alone.
class Tree {
 public:
  explicit Tree(const Problem& problem)
      : x_(problem), ports_(BusiestPort(problem.n)), reductions_(problem.n >= 3 ? 2 : 1) {
    // How full the last level of the heap is, N + 1 = 2^levels (1 + fill), decides how much of it shows.
    const int levels = std::ilogb(problem.n + 1);
    const double fill = std::ldexp(problem.n + 1, -levels) - 1;
    e_ = 2 * (levels - 1) + (fill >= 0.5 ? 1 : 0);
    c_ = levels - 1 + (fill >= 0.25 ? 1 : 0);
  }

  double Cost(double k) const {
    const double t = x_.alpha + x_.move / k;
    const double g = x_.reduce / k;
    return e_ * (t + std::max(t, g)) + c_ * std::min(t, g) + (k - 1) * std::max(ports_ * t, reductions_ * g);
  }

  // The segment size of least cost, and that cost in *seconds.
  uint64_t BestSegment(uint64_t bytes, double* seconds) const {
    const double most = static_cast<double>(bytes);
    uint64_t best = bytes;
    *seconds = Cost(1);
    for (const double k : {BestWhereMessagesAreSlower(), BestWhereReductionsAreSlower()}) {
      // Neighbours of k that exist. A size s makes ceil(S/s) segments: the smallest size that makes no more than
      // `below` segments is ceil(S/below), the largest one that makes more is one less.
      const auto below = static_cast<uint64_t>(std::clamp(std::floor(k), 1.0, most));
      const uint64_t larger = (bytes - 1) / below + 1;
      for (const uint64_t segment : {larger, std::max<uint64_t>(larger - 1, 1)}) {
        const double cost = Cost(static_cast<double>((bytes - 1) / segment + 1));
        if (cost < *seconds) {
          *seconds = cost;
          best = segment;
        }
      }
    }
    return best;
  }

 private:
  static int BusiestPort(double n) {
    if (n >= 5) return 3;   // an inner rank's: two children and a parent
    return n >= 3 ? 2 : 1;  // the root's: its children
  }

  // The minimum of a k + d/k.
  static double Valley(double a, double d) {
    return a > 0 ? std::sqrt(d / a) : std::numeric_limits<double>::infinity();
  }

  // The k from which message * t >= reduction * g; 0 where that is always so.
  double Crossing(double message, double reduction) const {
    const double excess = reduction * x_.reduce - message * x_.move;
    return excess > 0 ? excess / (message * x_.alpha) : 0;
  }

  // t >= g: T = 2e t + c g + (k-1) ports t.
  double BestWhereMessagesAreSlower() const {
    const double valley = Valley(ports_ * x_.alpha, (2 * e_ - ports_) * x_.move + c_ * x_.reduce);
    return std::max(valley, Crossing(1, 1));
  }

  // g > t: T = e (t + g) + c t + (k-1) ports t while the ports set the pace. Where the CPUs do, T falls with k, up to
  // the lower end of this interval.
  double BestWhereReductionsAreSlower() const {
    const double valley = Valley(ports_ * x_.alpha, (e_ + c_ - ports_) * x_.move + e_ * x_.reduce);
    return std::max(Crossing(ports_, reductions_), std::min(valley, Crossing(1, 1)));
  }

  Problem x_;
  int ports_;       // messages of one segment through the busiest port
  int reductions_;  // and its reductions on the busiest CPU
  int e_;           // slots of max(t, g) on the way up, and of t on the way down
  int c_;           // slots of min(t, g) on the way up
};

}  // namespace

extern "C" Choice q02_choose(const CostModel& model, uint64_t bytes) {
  Choice best{Algorithm::kRing, 0};
  if (model.ranks == 1 || bytes == 0) return best;  // nothing to do, and no cost to compare
  const Problem problem(model, bytes);
  double least = RingCost(problem);
  auto consider = [&](Algorithm algorithm, double seconds, uint64_t segment_bytes) {
    if (seconds >= least) return;
    least = seconds;
    best = {algorithm, segment_bytes};
  };
  consider(Algorithm::kRecursiveDoubling, RecursiveDoublingCost(problem), 0);
  consider(Algorithm::kHalvingDoubling, HalvingDoublingCost(problem), 0);
  double tree_seconds = 0;
  const uint64_t segment = Tree(problem).BestSegment(bytes, &tree_seconds);
  consider(Algorithm::kTree, tree_seconds, segment);
  return best;
}
