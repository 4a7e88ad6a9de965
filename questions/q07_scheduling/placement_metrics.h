// What became of a sequence of part B's requests: for the tool `simulate`. Checks every placement, but judges no
// choice.
#ifndef QUESTIONS_Q07_SCHEDULING_PLACEMENT_METRICS_H_
#define QUESTIONS_Q07_SCHEDULING_PLACEMENT_METRICS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "questions/q07_scheduling/placement_api.h"
#include "questions/q07_scheduling/trace_workload.h"

namespace q07 {

struct PlacementPoint {
  double asked = 0;           // GPUs of all requests so far, as a share of the cluster's
  double allocated_gpus = 0;  // that running requests have
  double free_gpus = 0;
  // Of the free ones, those that the workload's own mix cannot use: placement_api.h's fragmentation, over all nodes.
  double stranded_gpus = 0;
  int64_t refused = 0;  // requests so far that fitted nowhere
};

struct PlacementRun {
  std::string broken;                  // what was over-allocated or made no sense, first; empty: nothing
  std::vector<PlacementPoint> points;  // at each mark of the sequence, and at its end
  PlacementPoint peak;                 // when most GPUs were allocated
  int64_t places = 0;
  double seconds = 0;  // wall clock of Place and Release, all together
  double p99_place_ns = 0;
};

PlacementRun RunPlacement(const PlacementSequence& sequence, Placer& placer);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PLACEMENT_METRICS_H_
