// What a schedule is worth: numbers of a whole run, from what ran when. Every number has one definition, here.
//
// Sources: Jain, Chiu and Hawe, "A Quantitative Measure of Fairness and Discrimination", DEC-TR-301, 1984 (the index);
// Mahajan et al., "Themis: Fair and Efficient GPU Cluster Scheduling", NSDI 2020 (finish-time fairness); Gu et al.,
// "Tiresias", NSDI 2019 (JCT: from submission to the end, queueing included).
#ifndef QUESTIONS_Q07_SCHEDULING_METRICS_H_
#define QUESTIONS_Q07_SCHEDULING_METRICS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

// Of a set of values; all 0 if there is none. Percentiles are by nearest rank: the value at place ceil(p / 100 * n) of
// the sorted ones, so they are values that occurred.
struct Distribution {
  int64_t count = 0;
  double mean = 0;
  double median = 0;
  double p99 = 0;
  double max = 0;
};

Distribution Summarize(std::vector<double> values);

// (sum x)^2 / (n sum x^2): 1 if all have the same, 1 / n if one has all. 1 for no values, and for zeros alone.
double JainIndex(std::span<const double> values);

struct Metrics {
  // Jobs by how they ended; `left`: still queued or running.
  int64_t finished = 0, killed = 0, left = 0;
  // Of jobs that are gone, in ms. JCT: last end - submission. Wait: first start - submission; what a job waits for
  // after it has been stopped is in its JCT alone.
  Distribution jct, wait;
  // Last end - first submission, in ms.
  Time makespan = 0;
  // Over the makespan, of all GPUs of all nodes, up or down: the part of the GPU time that is held by jobs...
  double allocation = 0;
  // ... and the part of the held GPU time that is work which was kept: not restarts, not what was lost when a job
  // failed, was preempted or killed, or its node went down.
  double utilisation = 0;
  // Over tenants with jobs: of the GPU time held by each.
  double jain = 1;
  // Finish-time fairness, rho = T(shared) / T(independent), of jobs that finished: their JCT over the JCT that they
  // would have with 1/n of the cluster for themselves, of n tenants with jobs: duration * max(1, n * GPUs asked for /
  // GPUs of the cluster). rho <= 1: sharing has cost the job nothing. (Themis takes the independent time from a model
  // of the training job, and counts tenants present; here it is this bound, with all tenants of the run.)
  Distribution rho;
  int64_t preemptions = 0, failures = 0, node_losses = 0;
  // Wall clock, if it was taken: decisions per second spent in the scheduler, and by nearest rank, in ns.
  double decisions_per_second = 0;
  double p99_decision_ns = 0;
};

Metrics Measure(const Workload& workload, const SimulationResult& result);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_METRICS_H_
