// A picture of a run of the simulator: which job had which GPUs when, and how much of the cluster was allocated.
#ifndef QUESTIONS_Q07_SCHEDULING_SCHEDULE_SVG_H_
#define QUESTIONS_Q07_SCHEDULING_SCHEDULE_SVG_H_

#include <string>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

struct ScheduleDrawing {
  std::string title;
  // By number. Where there are two and more, a job has the colour of its tenant (the eighth stands for all others);
  // with none or one, neighbouring jobs have different colours.
  std::vector<std::string> tenants;
};

// Rows are GPUs, node after node, at most this many of them; the allocation below counts all.
inline constexpr int kMaxDrawnGpus = 128;

// An SVG document of its own, also fit to be put into an HTML page. Follows the reader's light or dark colour scheme.
// The simulator does not say which GPUs of a node a job has: it is drawn on the lowest that are free, in pieces if need
// be. A run that ended before its job was done (preempted, failed, killed, node lost) has a dark end.
std::string ScheduleSvg(const Workload& workload, const SimulationResult& result, const ScheduleDrawing& drawing);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SCHEDULE_SVG_H_
