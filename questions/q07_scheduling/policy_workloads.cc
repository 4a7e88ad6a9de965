#include "questions/q07_scheduling/policy_workloads.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "grader/inputs.h"

namespace q07 {
namespace {

// Long after everything should be over, so that a run ends whatever an answer does.
Time LatestEnd(const Workload& workload) {
  Time end = 1000000;
  for (const TrueJob& truth : workload.jobs) {
    const Time run = truth.duration + truth.job.restart_cost;
    end = std::max(end, truth.job.submit) + 8 * run * static_cast<Time>(1 + truth.failures.size());
  }
  return end;
}

std::vector<JobId> ArbitraryIds(size_t count, Random* random) {
  std::set<JobId> used;
  std::vector<JobId> ids;
  while (ids.size() < count) {
    const JobId id = random->Between(-(int64_t{1} << 20), int64_t{1} << 40) >> random->Below(30);
    if (used.insert(id).second) ids.push_back(id);
  }
  return ids;
}

}  // namespace

uint64_t Random::Next() { return workbench::Mix(++counter_); }

double Random::Exponential(double mean) { return -mean * std::log(Uniform()); }

Workload RandomWorkload(uint64_t seed, const WorkloadOptions& options) {
  Random random(seed);
  Workload workload;
  workload.nodes.push_back({0, {1000 * options.gpus, 0, 0}});
  workload.tick = options.tick;
  workload.kill_at_estimate = options.kill_at_estimate;
  const std::vector<JobId> ids = ArbitraryIds(static_cast<size_t>(options.jobs), &random);
  double asked = 0;  // GPU time
  std::set<Time> estimates;
  for (const JobId id : ids) {
    TrueJob& truth = workload.jobs.emplace_back();
    Job& job = truth.job;
    job.id = id;
    // Mostly small, some large, a few that need all of it.
    const int64_t most = random.OneIn(8) ? options.gpus : random.OneIn(3) ? (options.gpus + 1) / 2 : 2;
    job.demand.gpu_milli = 1000 * random.Between(1, std::min(most, options.gpus));
    if (options.fractions) {
      if (random.OneIn(2)) job.demand.gpu_milli = random.Between(1, 1000);
      if (random.OneIn(12)) job.demand.gpu_milli = 0;
    }
    truth.duration = options.ties ? 10 * random.Between(1, 6) : random.Between(1, random.OneIn(4) ? 100000 : 10000);
    job.estimate = truth.duration;
    if (options.estimates != Estimates::kExact && !random.OneIn(4)) {
      job.estimate = options.ties ? 10 * random.Between(truth.duration / 10, 12)
                                  : truth.duration + random.Below(3 * truth.duration);
      if (options.estimates == Estimates::kWrong && random.OneIn(2)) {
        job.estimate = options.ties ? 10 * random.Between(1, truth.duration / 10) : random.Between(1, truth.duration);
      }
    }
    // None twice, unless they are to be.
    while (!options.ties && !estimates.insert(job.estimate).second) {
      ++job.estimate;
      if (options.estimates == Estimates::kExact) truth.duration = job.estimate;
    }
    if (options.missing_estimates && random.OneIn(4)) job.estimate = kUnknown;
    job.priority = static_cast<int32_t>(random.Below(options.ties ? 3 : options.priorities));
    if (options.restart_cost > 0) {
      job.restart_cost = random.Below(options.restart_cost);
      job.checkpoint_interval = random.Between(1, 1 + truth.duration / 2);
    }
    if (options.failures && random.OneIn(3)) {
      for (int64_t i = random.Between(1, 3); i > 0; --i) truth.failures.push_back(random.Between(1, truth.duration));
    }
    asked += static_cast<double>(job.demand.gpu_milli) / 1000 * static_cast<double>(truth.duration);
  }
  const double span = options.load > 0 ? asked / static_cast<double>(options.gpus) / options.load : 0;
  std::vector<Time> submits;
  for (size_t i = 0; i < ids.size(); ++i) {
    Time submit = static_cast<Time>(span * random.Uniform());
    if (options.ties) submit = submit / 20 * 20;
    submits.push_back(submit);
  }
  std::sort(submits.begin(), submits.end());
  for (size_t i = 0; i < ids.size(); ++i) workload.jobs[i].job.submit = submits[i];
  if (!options.ties) {
    // No two at once, however short the span is.
    for (size_t i = 1; i < ids.size(); ++i) {
      Time& submit = workload.jobs[i].job.submit;
      submit = std::max(submit, workload.jobs[i - 1].job.submit + (options.load > 0 ? 1 : 0));
    }
  }
  workload.end = LatestEnd(workload);
  return workload;
}

Workload MakeWorkload(int64_t gpus, const std::vector<Sketch>& jobs, bool kill_at_estimate, Time tick) {
  Workload workload;
  workload.nodes.push_back({0, {1000 * gpus, 0, 0}});
  workload.kill_at_estimate = kill_at_estimate;
  workload.tick = tick;
  for (const Sketch& sketch : jobs) {
    TrueJob& truth = workload.jobs.emplace_back();
    truth.job.id = sketch.id;
    truth.job.submit = sketch.submit;
    truth.job.priority = sketch.priority;
    truth.job.demand.gpu_milli = 1000 * sketch.gpus;
    truth.job.estimate = sketch.estimate == 0 ? sketch.duration : sketch.estimate;
    truth.duration = sketch.duration;
  }
  workload.end = LatestEnd(workload);
  return workload;
}

Workload WithOtherIds(const Workload& workload, uint64_t seed) {
  Random random(seed);
  std::vector<JobId> ids = ArbitraryIds(workload.jobs.size(), &random), old;
  std::sort(ids.begin(), ids.end());
  for (const TrueJob& truth : workload.jobs) old.push_back(truth.job.id);
  std::sort(old.begin(), old.end());
  Workload other = workload;
  for (TrueJob& truth : other.jobs) {
    const auto place = std::lower_bound(old.begin(), old.end(), truth.job.id) - old.begin();
    truth.job.id = ids[static_cast<size_t>(place)];
  }
  return other;
}

}  // namespace q07
