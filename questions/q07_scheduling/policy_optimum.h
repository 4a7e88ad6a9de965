// The best that any schedule can do, by trying all of them: for a few jobs on one GPU.
#ifndef QUESTIONS_Q07_SCHEDULING_POLICY_OPTIMUM_H_
#define QUESTIONS_Q07_SCHEDULING_POLICY_OPTIMUM_H_

#include <map>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

// The least sum of waits (start - submit) of jobs that need the whole node, without preemption and without keeping it
// idle for a job that is yet to come; over all orders. All jobs are submitted at 0.
Time LeastTotalWait(const Workload& workload);

// The least sum of times in the system (end - submit) of jobs that need the whole node, with preemption that costs
// nothing. Looks at every schedule that changes jobs at whole milliseconds: keep durations and submissions small.
Time LeastTotalTime(const Workload& workload);

// When each job would start under kFifo if every job ran for its estimate: for comparison with backfilling.
std::map<JobId, Time> FifoStarts(const Workload& workload);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_POLICY_OPTIMUM_H_
