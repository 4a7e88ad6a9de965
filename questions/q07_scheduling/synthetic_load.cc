#include "questions/q07_scheduling/synthetic_load.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace q07 {
namespace {

constexpr int32_t kTenants = 16;
constexpr double kMedianMs = 20 * 60 * 1000;
constexpr double kDeviation = 1.5;
constexpr double kPeriodMs = 6 * 60 * 60 * 1000;
constexpr int32_t kLargest = 64;  // GPUs

// The standard library's distributions are not the same everywhere; these are.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }  // [0, 1)
  double Exponential() { return -std::log1p(-Uniform()); }
  double Normal() {
    const double radius = std::sqrt(2 * Exponential());
    return radius * std::cos(2 * std::numbers::pi * Uniform());
  }

 private:
  std::mt19937_64 engine_;
};

Time Rounded(double ms) { return static_cast<Time>(std::floor(ms + 0.5)); }

// 1 with probability 1/2, 2 with 1/4, ... and what is left for the largest.
int32_t Gpus(Dice& dice) {
  int32_t gpus = 1;
  while (gpus < kLargest && dice.Uniform() < 0.5) gpus *= 2;
  return gpus;
}

// (1 + log2(kLargest) / 2): of the distribution above.
constexpr double kMeanGpus = 4;

// Twice as many arrivals in the first third of each period as on average, half as many in the rest of it.
double Uneven(double even) {
  const double in_period = std::fmod(even, kPeriodMs);
  const double rush = kPeriodMs * 2 / 3;
  return even - in_period + (in_period < rush ? in_period / 2 : kPeriodMs / 3 + (in_period - rush) * 2);
}

std::vector<TrueJob> Jobs(const SyntheticLoad& load) {
  Dice dice(load.seed);
  const double mean_ms = kMedianMs * std::exp(kDeviation * kDeviation / 2);
  const double gpus = static_cast<double>(load.nodes) * load.gpus_per_node;
  const double gap_ms = mean_ms * kMeanGpus / (gpus * load.load);
  std::vector<TrueJob> jobs(static_cast<size_t>(load.jobs));
  double now = 0;  // in time of even arrivals
  JobId id = 0;
  for (TrueJob& job : jobs) {
    now += gap_ms * dice.Exponential();
    job.duration = std::max<Time>(1, Rounded(kMedianMs * std::exp(kDeviation * dice.Normal())));
    job.job.id = id++;
    job.job.submit = Rounded(load.rush ? Uneven(now) : now);
    job.job.tenant = static_cast<int32_t>(dice.Uniform() * kTenants);
    job.job.demand.gpu_milli = 1000 * Gpus(dice);
    job.job.estimate = std::max(job.duration, Rounded(static_cast<double>(job.duration) * (1 + 4 * dice.Uniform())));
  }
  return jobs;
}

}  // namespace

Workload SyntheticPolicyWorkload(const SyntheticLoad& load) {
  Workload workload;
  workload.nodes = {{0, {int64_t{1000} * load.nodes * load.gpus_per_node, 0, 0}}};
  workload.jobs = Jobs(load);
  workload.kill_at_estimate = true;
  return workload;
}

Workload SyntheticSharingWorkload(const SyntheticLoad& load) {
  Workload workload;
  Resources all;
  for (int32_t i = 0; i < load.nodes; ++i) {
    const int64_t gpus = load.gpus_per_node;
    workload.nodes.push_back({i, {1000 * gpus, 12'000 * gpus, 96 * 1024 * gpus}});
    all.gpu_milli += 1000 * gpus;
    all.cpu_milli += 12'000 * gpus;
    all.memory_mib += 96 * 1024 * gpus;
  }
  workload.jobs = Jobs(load);
  for (TrueJob& job : workload.jobs) {
    const int64_t gpus = job.job.demand.gpu_milli / 1000;
    job.job.members = static_cast<int32_t>((gpus + 7) / 8);
    const int64_t of_member = gpus / job.job.members;
    job.job.demand = {1000 * of_member, 10'000 * of_member, 64 * 1024 * of_member};
    job.job.checkpoint_interval = 10 * 60 * 1000;
    job.job.restart_cost = 60 * 1000;
    job.job.estimate += job.job.restart_cost;  // allows for one restart
  }
  for (int32_t tenant = 0; tenant < kTenants; ++tenant) {
    Quota quota;
    quota.tenant = tenant;
    quota.cohort = 0;
    quota.quota = {all.gpu_milli / kTenants, all.cpu_milli / kTenants, all.memory_mib / kTenants};
    quota.borrowing_limit = {kUnlimited, kUnlimited, kUnlimited};
    workload.quotas.push_back(quota);
  }
  workload.kill_at_estimate = true;
  return workload;
}

}  // namespace q07
