// What `simulate` is asked to do.
#ifndef QUESTIONS_Q07_SCHEDULING_SIMULATE_OPTIONS_H_
#define QUESTIONS_Q07_SCHEDULING_SIMULATE_OPTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/status.h"
#include "questions/q07_scheduling/trace_workload.h"

namespace q07 {

struct SimulateOptions {
  std::vector<std::string> traces;  // a folder that has the Alibaba trace, or files; none: a trace that is made up
  int64_t jobs = 8152;              // of the one that is made up
  uint64_t seed = 1;
  TraceShape shape;
  std::string parts = "abc";
  std::vector<std::string> policies, placements, sharings;
  int32_t backfill_depth = 100;
  std::map<char, std::string> libraries;  // by part
  std::string svg, json;
};

inline const std::vector<std::string> kPolicyNames = {"fifo",     "sjf",  "srtf",        "least_attained",
                                                      "priority", "easy", "conservative"};  // by number of the Policy
inline const std::vector<std::string> kPlacementNames = {"first_fit", "best_fit",      "worst_fit", "spread",
                                                         "pack",      "fragmentation", "random"};
// Fair share or dominant, alone, with reclaim, or with backfill.
inline const std::vector<std::string> kSharingNames = {
    "fair", "dominant", "fair_reclaim", "dominant_reclaim", "fair_backfill", "dominant_backfill"};

extern const char kSimulateUsage[];

// Relative paths are taken from the folder in which the user called `bazel run`, where that is known.
workbench::Result<SimulateOptions> ParseSimulateOptions(const std::vector<std::string>& arguments);

// The number of `name` in `names`, REQUIRES: it is there.
int32_t NumberOf(const std::vector<std::string>& names, const std::string& name);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SIMULATE_OPTIONS_H_
