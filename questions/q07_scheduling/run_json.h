// A run of the simulator as JSON, for the page that replays it:
//
//   { "format": "q07-run-1",
//     "title": "...",
//     "end": 36000,                                           every time is in milliseconds from the start
//     "nodes": [ {"id": 0, "gpu_milli": 8000, "cpu_milli": 96000, "memory_mib": 786432}, ... ],
//     "tenants": ["BE", "LS"],                                by number; empty where there are none
//     "jobs": [ {"id": 7, "submit": 0, "tenant": 0, "priority": 0, "members": 1, "gpu_milli": 1000, "cpu_milli": 0,
//                "memory_mib": 0, "estimate": 5000, "duration": 5000}, ... ]       of one member; -1: not known
//     "runs": [ {"job": 7, "start": 0, "end": 5000, "reason": "finished", "nodes": [0]}, ... ]    a node for each
//     member "metrics": {"mean_jct_ms": 5000.0, ...} }               metrics.h
//
// reason: finished, killed, failed, node_lost, preempted, or open for a run that the end of the simulation cut short.
#ifndef QUESTIONS_Q07_SCHEDULING_RUN_JSON_H_
#define QUESTIONS_Q07_SCHEDULING_RUN_JSON_H_

#include <string>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

std::string RunJson(const std::string& title, const Workload& workload, const std::vector<std::string>& tenants,
                    const SimulationResult& result);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_RUN_JSON_H_
