// Q7 part D: jobs as processes. The contract is in questions/q07_scheduling/executor_api.h.
//
// A way to go about it:
//   1. fork and execvpe one job after the other; waitpid; exit code or minus the signal in the report.
//   2. A child that cannot exec: how does its parent learn of it, and tell it from a program that exits with 127?
//   3. Several at a time: who has ended? (pidfd_open and poll; or waitpid with WNOHANG)
//   4. Memory: what is taken and given back; the limit of each process (setrlimit, or the variables of MPS).
//   5. Deadlines, process groups, inherited descriptors, PR_SET_PDEATHSIG. What may a child call between fork and exec?
//   6. Who may pass whom, and for how long; what sharing costs.
#include "questions/q07_scheduling/executor_api.h"

using q07::ExecutorConfig;
using q07::ProcessJob;
using q07::ProcessReport;

// This start says of every job that it could not be started.
extern "C" int q07_execute(const ExecutorConfig& config, std::span<const ProcessJob> jobs,
                           std::span<ProcessReport> reports) {
  (void)config;  // TODO: memory, processes, limits
  for (size_t i = 0; i < jobs.size(); ++i) {
    reports[i] = {};
    reports[i].id = jobs[i].id;  // TODO: start it, wait for it, report it
  }
  return 0;
}
