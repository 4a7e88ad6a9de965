#include "questions/q07_scheduling/executor_mixed.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <string>
#include <vector>

#include "grader/inputs.h"
#include "questions/q07_scheduling/executor_judge.h"

namespace q07 {
namespace {

using workbench::CheckContext;

// ---- d.interference: two at a time

constexpr int kPair = 2;
constexpr size_t kSlowdowns = 4;
constexpr int kUntilNextTry = 8;
constexpr double kWorthwhile = 1.1 * kPair;

struct Sharing {
  const char* name;
  bool measure;
  int64_t contention;  // percent: two together are that much slower
  int jobs;
  int64_t run_ms;
};

ExecutorCase PairsOf(const Sharing& sharing) {
  ExecutorCase the_case;
  the_case.name = sharing.name;
  the_case.request.device_memory_mib = 1000;
  the_case.request.base_mib = 16;
  the_case.request.max_processes = kPair;
  the_case.request.measure_interference = sharing.measure;
  the_case.request.patience_ms = 30'000;
  for (int i = 0; i < sharing.jobs; ++i) {
    PlannedJob& job = the_case.jobs.emplace_back();
    job.plan.id = i;
    job.plan.memory_mib = 1;
    job.plan.work_ms = job.plan.run_ms = sharing.run_ms;
    job.plan.contention = sharing.contention;
  }
  return the_case;
}

std::vector<size_t> OrderOfEnding(const ExecutorJudge& judge) {
  std::vector<size_t> order(judge.the_case().jobs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return judge.LastMs(a) < judge.LastMs(b); });
  return order;
}

// The place, in the order of ending, of the job after which the mean slowdown of the last four that ran in pairs is too
// great; the number of jobs if there is none.
size_t FirstTooSlow(const ExecutorJudge& judge, const std::vector<size_t>& order) {
  std::deque<double> slowdowns;
  for (size_t at = 0; at < order.size(); ++at) {
    const ProcessReport& report = judge.run().reports[order[at]];
    if (report.together != kPair) continue;
    slowdowns.push_back(report.slowdown);
    if (slowdowns.size() > kSlowdowns) slowdowns.pop_front();
    const double sum = std::accumulate(slowdowns.begin(), slowdowns.end(), 0.0);
    if (slowdowns.size() == kSlowdowns && sum / kSlowdowns > kWorthwhile) return at;
  }
  return order.size();
}

bool RanInAPair(const ExecutorJudge& judge, size_t job) {
  for (size_t k = 0; k < judge.the_case().jobs.size(); ++k) {
    if (k != job && judge.Together(job, k)) return true;
  }
  return false;
}

// After `slow` (a place in the order) eight jobs run alone, then two together are tried again.
bool GaveUpAndTriedAgain(ExecutorJudge& judge, const std::vector<size_t>& order, size_t slow) {
  // Ends that are close may have been seen in the other order: the first start afterwards is left out, and so is the
  // last.
  constexpr double kCloseMs = 100;
  const double from = judge.LastMs(order[slow]) + kCloseMs;
  const size_t again = slow + kUntilNextTry;
  if (again + 2 >= order.size()) return true;  // too few are left to see it
  const double until = judge.LastMs(order[again - 1]);
  for (size_t i = 0; i < order.size(); ++i) {
    if (judge.StartMs(i) <= from || judge.StartMs(i) >= until) continue;
    for (size_t k = 0; k < order.size(); ++k) {
      if (k == i || judge.StartMs(k) > judge.StartMs(i) || judge.LastMs(k) <= judge.StartMs(i)) continue;
      return judge.Fail(
          "when the last four that ran two together were slower by more than 1.1 * 2 on average, jobs run alone", i,
          "no other beside it: fewer than eight have finished since " + judge.Describe(order[slow]) + " did",
          judge.Describe(k) + " still ran when it started");
    }
  }
  // By the ninth at the latest.
  const double tried = judge.LastMs(order[again + 1]);
  size_t pairs = 0, left = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (judge.LastMs(i) < tried) continue;
    ++left;
    pairs += RanInAPair(judge, i);
  }
  if (left < 4 || pairs > 0) return true;
  return judge.FailRun("two together are tried again after eight more jobs have finished",
                       "a pair among the last " + std::to_string(left) + " jobs", "all of them ran alone");
}

// ---- d.mixed

constexpr int kMixedJobs = 40;
constexpr int64_t kMixedDevice = 96;
constexpr int kOvercommitter = 17;

// Where interference is real.
bool Measures(const CheckContext& context) { return context.gpu() && context.long_tier(); }

// The jobs' total work is that of `mean_ms` each.
ExecutorCase Mixed(const CheckContext& context, int32_t max_processes, int64_t mean_ms) {
  const int64_t unit = context.gpu() ? 512 : 1, base = context.gpu() ? 1024 : 16;
  ExecutorCase the_case;
  the_case.name =
      "40 jobs of mixed memory, " +
      (max_processes == 1 ? std::string("one at a time") : "up to " + std::to_string(max_processes) + " at a time");
  the_case.request.device_memory_mib = kMixedDevice * unit;
  the_case.request.base_mib = base;
  the_case.request.max_processes = max_processes;
  the_case.request.measure_interference = Measures(context);
  the_case.request.patience_ms = 20'000 + kMixedJobs * (2 * mean_ms + 2000);
  uint64_t counter = context.seed() * 7919;
  const auto random = [&](int64_t below) {
    return static_cast<int64_t>(workbench::Mix(++counter) % static_cast<uint64_t>(below));
  };
  constexpr int64_t kUnits[] = {6, 8, 10, 12, 16, 20, 24, 32, 48, 64};
  constexpr int32_t kPercents[] = {10, 20, 25, 30, 50};
  for (int i = 0; i < kMixedJobs; ++i) {
    PlannedJob& job = the_case.jobs.emplace_back();
    job.plan.id = 500 + i * 17 % kMixedJobs;
    job.plan.arrival_ms = random(mean_ms * 4);
    job.plan.memory_mib = kUnits[random(std::size(kUnits))] * unit;
    job.plan.threads_percent = kPercents[random(std::size(kPercents))];
    job.plan.work_ms = job.plan.run_ms = mean_ms * (50 + random(101)) / 100;
    job.plan.deadline_ms = 20 * job.plan.work_ms + 30'000;
    job.plan.on_device = 1;
    job.plan.use_mib = job.plan.memory_mib - (context.gpu() ? base : 0);
    if (i != kOvercommitter) continue;
    job.plan.memory_mib = 16 * unit;
    job.plan.use_mib = 3 * job.plan.memory_mib;
    job.outcome = Outcome::kOutOfMemory;
    job.exit_code = kRefusedCode;
  }
  return the_case;
}

double SecondsOf(const ExecutorJudge& judge) {
  return static_cast<double>(judge.run().reply.return_ns - judge.run().reply.call_ns) * 1e-9;
}

struct Totals {
  double alone_ms = 0;   // all jobs, one after the other, as declared
  double width_ms = 0;   // work * width, in percent of the device, of the jobs that finish
  double memory_ms = 0;  // work * memory, likewise
};

Totals TotalsOf(const ExecutorCase& the_case) {
  Totals totals;
  for (const PlannedJob& job : the_case.jobs) {
    if (job.outcome != Outcome::kFinished) continue;
    const auto work = static_cast<double>(job.plan.work_ms);
    totals.alone_ms += work;
    totals.width_ms += work * job.plan.threads_percent;
    totals.memory_ms +=
        100 * work * static_cast<double>(job.plan.memory_mib) / static_cast<double>(the_case.request.device_memory_mib);
  }
  return totals;
}

// On a GPU, what of its multiprocessors was busy with work that had been declared; host mode's work is sleep, and only
// its memory means anything.
void FiguresOf(CheckContext& context, const Totals& totals, double seconds, const std::string& which) {
  context.Figure("makespan, " + which + " (s)", seconds);
  if (context.gpu()) context.Figure("utilisation, " + which + " (%)", totals.width_ms / seconds / 1000);
  context.Figure("memory in use, " + which + " (%)", totals.memory_ms / seconds / 1000);
}

// Memory that is held, by the workers' own words.
workbench::Chart MemoryChart(const ExecutorJudge& judge, bool gpu) {
  std::vector<std::pair<double, double>> changes;
  for (size_t i = 0; i < judge.the_case().jobs.size(); ++i) {
    if (!judge.Started(i)) continue;
    const auto bytes = static_cast<double>(judge.the_case().jobs[i].plan.memory_mib << 20);
    changes.emplace_back(judge.StartMs(i) / 1000, bytes);
    changes.emplace_back(judge.LastMs(i) / 1000, -bytes);
  }
  std::sort(changes.begin(), changes.end());
  workbench::Chart chart;
  chart.title = "Declared memory of the jobs that run";
  chart.x = {"time", "seconds", false};
  chart.y = {"memory", "bytes", false};
  chart.measured_on = gpu ? workbench::MeasuredOn::kGpu : workbench::MeasuredOn::kCpu;
  chart.limits = {{"device", static_cast<double>(judge.the_case().request.device_memory_mib << 20)}};
  workbench::Series series{"memory", {{0, 0}}};
  double held = 0;
  for (const auto& [seconds, bytes] : changes) {
    series.points.emplace_back(seconds, held);
    held += bytes;
    series.points.emplace_back(seconds, held);
  }
  chart.series.push_back(std::move(series));
  return chart;
}

double MeanSlowdown(const ExecutorJudge& judge) {
  double sum = 0;
  int count = 0;
  for (const ProcessReport& report : judge.run().reports) {
    if (report.outcome != Outcome::kFinished) continue;
    sum += report.slowdown;
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

}  // namespace

void CheckInterference(CheckContext& context) {
  ExecutorJudge bad(context, PairsOf({"each of two together takes four times as long", true, 400, 18, 150}));
  if (!bad.Execute() || !bad.Outcomes()) return;
  const std::vector<size_t> order = OrderOfEnding(bad);
  const size_t slow = FirstTooSlow(bad, order);
  if (slow < order.size() && !GaveUpAndTriedAgain(bad, order, slow)) return;
  for (const Sharing& sharing :
       {Sharing{"each of two together takes half as long again", true, 150, 12, 220},
        Sharing{"two and a half times as long, but nobody asked to measure", false, 250, 12, 220}}) {
    ExecutorJudge good(context, PairsOf(sharing));
    if (!good.Execute() || !good.Outcomes()) return;
    // On a machine with hiccups sharing may have been slow indeed.
    const bool slow_here = sharing.measure && FirstTooSlow(good, OrderOfEnding(good)) < good.the_case().jobs.size();
    if (!slow_here && !good.NoIdling()) return;
  }
}

void CheckMixed(CheckContext& context) {
  context.SetMeasuredOn(context.gpu() ? workbench::MeasuredOn::kGpu : workbench::MeasuredOn::kCpu);
  constexpr int32_t kAtATime = 8;
  // Quick: some seconds. Long: about two minutes.
  const int64_t mean_ms = !context.long_tier() ? 500 : context.gpu() ? 9000 : 11'000;
  ExecutorJudge shared(context, Mixed(context, kAtATime, mean_ms));
  if (!shared.Execute()) return;
  if (context.gpu() && !shared.run().reply.mps) {
    context.NotGraded("no MPS daemon runs here, and limits of GPU memory are MPS's");
    return;
  }
  if (!shared.Outcomes() || !shared.Reports() || !shared.Memory() || !shared.Limits() ||
      (!Measures(context) && !(shared.NoIdling() && shared.InOrder())) || !shared.OwnGroups() ||
      !shared.NothingLeft()) {
    return;
  }
  const Totals totals = TotalsOf(shared.the_case());
  FiguresOf(context, totals, SecondsOf(shared), "shared");
  context.Figure("mean slowdown", MeanSlowdown(shared));
  context.RecordChart(MemoryChart(shared, context.gpu()));
  if (!context.gpu() || !context.long_tier()) {
    FiguresOf(context, totals, totals.alone_ms / 1000, "exclusive, as declared");
    return;
  }
  ExecutorJudge exclusive(context, Mixed(context, 1, mean_ms));
  if (!exclusive.Execute() || !exclusive.Outcomes() || !exclusive.NothingLeft()) return;
  FiguresOf(context, totals, SecondsOf(exclusive), "exclusive");
}

}  // namespace q07
