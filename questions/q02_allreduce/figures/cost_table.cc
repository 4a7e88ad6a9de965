// Prints what cost.cc says of the grader's own cases, as JSON: figures_test.js holds cost_model.js against it.
#include <cstdio>

#include "questions/q02_allreduce/cost.h"

namespace {

using q02::Algorithm;

constexpr uint64_t kSeed = 4;
constexpr uint64_t kSegmentBytes = 4096;

void Print(const q02::ChoiceCase& one) {
  const q02::CostModel& model = one.model;
  const auto seconds = [&](Algorithm algorithm) { return q02::Cost(model, algorithm, one.bytes, kSegmentBytes); };
  std::printf(R"({"ranks": %lld, "alpha": %.17g, "beta": %.17g, "gamma": %.17g, "bytes": %llu, )",
              static_cast<long long>(model.ranks), model.alpha, model.beta, model.gamma,
              static_cast<unsigned long long>(one.bytes));
  std::printf(R"("segmentBytes": %llu, "seconds": [%.17g, %.17g, %.17g, %.17g], "bestTree": %.17g, "bound": %.17g, )",
              static_cast<unsigned long long>(kSegmentBytes), seconds(Algorithm::kRing),
              seconds(Algorithm::kRecursiveDoubling), seconds(Algorithm::kHalvingDoubling), seconds(Algorithm::kTree),
              q02::BestTree(model, one.bytes).seconds, q02::LowerBound(model, one.bytes));
  std::printf(R"("best": %.17g})", one.best.seconds);
}

}  // namespace

int main() {
  const char* separator = "[\n";
  for (const q02::ChoiceCase& one : q02::ChoiceCases(kSeed)) {
    if (one.bytes == 0) continue;
    std::fputs(separator, stdout);
    Print(one);
    separator = ",\n";
  }
  std::puts("\n]");
}
