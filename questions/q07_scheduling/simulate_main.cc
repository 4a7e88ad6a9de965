// A tool, not a judge: runs implementations on traces, in its own process, and prints what came of it. See
// kSimulateUsage.
#include <dlfcn.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "harness/traces/trace_generator.h"
#include "harness/traces/trace_reader.h"
#include "questions/q07_scheduling/metrics.h"
#include "questions/q07_scheduling/placement_metrics.h"
#include "questions/q07_scheduling/run_json.h"
#include "questions/q07_scheduling/schedule_svg.h"
#include "questions/q07_scheduling/simulate_options.h"

namespace q07 {
namespace {

using workbench::ClusterTrace;
using workbench::Error;
using workbench::Result;
using workbench::Status;

// Part A's settings that a trace does not have.
constexpr Time kTick = 60 * 1000;                                                                // kLeastAttained
constexpr int64_t kThresholds[] = {1000 * int64_t{3600 * 1000}, 1000 * int64_t{36'000 * 1000}};  // 1 and 10 GPU hours
constexpr Time kAgeing = 60 * 60 * 1000;

[[gnu::format(printf, 1, 2)]] std::string Text(const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof(buffer), format, arguments);
  va_end(arguments);
  return buffer;
}

// Of this process, so that other work on the machine does not count.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Result<void*> Symbol(const SimulateOptions& options, char part, const char* name) {
  const auto found = options.libraries.find(part);
  if (found == options.libraries.end()) return Error(std::string("part ") + part + ": give --library_" + part);
  // A name without a folder would be looked up in the system's.
  const std::string path = std::filesystem::absolute(found->second).string();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Error(std::string("cannot be loaded: ") + dlerror());
  void* symbol = dlsym(library, name);
  if (symbol == nullptr) return Error(path + " does not define " + name);
  return symbol;
}

Result<ClusterTrace> LoadTrace(const SimulateOptions& options) {
  if (options.traces.empty()) {
    workbench::TraceGeneratorOptions generator;
    generator.seed = options.seed;
    generator.jobs = options.jobs;
    return workbench::GenerateTrace(generator);
  }
  if (options.traces.size() == 1 && std::filesystem::is_directory(options.traces[0])) {
    return workbench::ReadAlibabaTrace(options.traces[0]);
  }
  return workbench::ReadTrace(options.traces);
}

void PrintCounts(char part, const TraceShape& shape, const TraceCounts& counts) {
  std::printf("\nPart %c: %s, %lld jobs on %.0f GPUs", part, ShapeName(shape).c_str(),
              static_cast<long long>(counts.jobs), counts.gpus);
  if (shape.shape != Shape::kArrivals) std::printf(", offered load %.3g", counts.load);
  const std::pair<int64_t, const char*> left_out[] = {{counts.never_scheduled, "were never scheduled"},
                                                      {counts.no_run_time, "have no run time"},
                                                      {counts.no_gpus, "ask for no GPU"},
                                                      {counts.too_large, "do not fit the cluster"}};
  const char* separator = "; jobs that are left out: ";
  for (const auto& [count, why] : left_out) {
    if (count == 0) continue;
    std::printf("%s%lld %s", separator, static_cast<long long>(count), why);
    separator = ", ";
  }
  std::printf("\n\n");
}

void PrintRow(const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) std::printf("| %s ", cell.c_str());
  std::printf("|\n");
}

void PrintHead(const std::vector<std::string>& cells) {
  PrintRow(cells);
  std::printf("|---");
  for (size_t i = 1; i < cells.size(); ++i) std::printf("|---:");
  std::printf("|\n");
}

// --svg and --json of one run; `alone`: there is no other.
Status WriteFiles(const SimulateOptions& options, const std::string& name, bool alone, const Workload& workload,
                  const std::vector<std::string>& tenants, const SimulationResult& result) {
  const std::string title = name + ", " + ShapeName(options.shape);
  for (const bool svg : {true, false}) {
    std::filesystem::path path(svg ? options.svg : options.json);
    if (path.empty()) continue;
    if (!alone) path.replace_filename(path.stem().string() + "-" + name + path.extension().string());
    std::ofstream file(path, std::ios::binary);
    file << (svg ? ScheduleSvg(workload, result, {title, tenants}) : RunJson(title, workload, tenants, result));
    file.close();
    if (!file) return Error("cannot write " + path.string());
  }
  return Status::Ok();
}

struct Timed {
  SimulationResult result;
  double seconds = 0;
};

Result<Timed> Run(const Workload& workload, const std::string& name, Scheduler* made,
                  void (*set_quota)(Scheduler*, const Quota&)) {
  const std::unique_ptr<Scheduler> scheduler(made);
  if (scheduler == nullptr) return Error(name + ": the implementation made no scheduler");
  Timed timed;
  const double before = CpuSeconds();
  timed.result = Simulate(workload, *scheduler, nullptr, false, true, set_quota);
  timed.seconds = CpuSeconds() - before;
  if (timed.result.broken) {
    return Error(name + ": broke a rule of the cluster: " + timed.result.violation.message);
  }
  return timed;
}

std::string HowItEnded(Ending ending) { return ending == Ending::kDone ? "" : " (jobs are left over)"; }

ClusterConfig ClusterOf(const Workload& workload) {
  ClusterConfig cluster;
  cluster.nodes = workload.nodes;
  cluster.tick = workload.tick;
  cluster.kill_at_estimate = workload.kill_at_estimate;
  return cluster;
}

std::vector<std::string> TimeCells(const Metrics& m) {
  std::vector<std::string> cells;
  for (const Distribution& times : {m.jct, m.wait}) {
    for (const double ms : {times.mean, times.median, times.p99}) cells.push_back(Text("%.0f", ms / 1000));
  }
  cells.push_back(Text("%.0f", static_cast<double>(m.makespan) / 1000));
  cells.push_back(Text("%.1f %%", 100 * m.allocation));
  cells.push_back(Text("%.1f %%", 100 * m.utilisation));
  cells.push_back(Text("%lld", static_cast<long long>(m.preemptions)));
  return cells;
}

std::vector<std::string> SpeedCells(const Metrics& m, double seconds) {
  return {Text("%.0f", m.decisions_per_second), Text("%.1f", m.p99_decision_ns / 1000), Text("%.3f", seconds)};
}

const std::vector<std::string> kTimeHeads = {
    "JCT mean, s", "median",      "p99",        "wait mean, s",      "median",
    "p99",         "makespan, s", "allocation", "utilisation of it", "preemptions"};
const std::vector<std::string> kSpeedHeads = {"decisions/s", "p99 decision, µs", "run, s"};

std::vector<std::string> Joined(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Status RunPolicies(const SimulateOptions& options, const ClusterTrace& trace, bool only_part) {
  const Result<void*> symbol = Symbol(options, 'a', "q07_policy_create");
  if (!symbol.ok()) return symbol.status();
  const auto create = reinterpret_cast<decltype(&q07_policy_create)>(*symbol);
  TraceCounts counts;
  Result<Workload> workload = PolicyWorkload(trace, options.shape, &counts);
  if (!workload.ok()) return workload.status();
  PrintCounts('A', options.shape, counts);
  PrintHead(Joined(Joined({"policy"}, kTimeHeads), kSpeedHeads));
  for (const std::string& name : options.policies) {
    PolicyConfig config;
    config.policy = static_cast<Policy>(NumberOf(kPolicyNames, name));
    config.thresholds = kThresholds;
    config.ageing_interval = kAgeing;
    config.backfill_depth = options.backfill_depth;
    const bool backfills = config.policy == Policy::kEasy || config.policy == Policy::kConservative;
    if (backfills && options.shape.estimates == TraceEstimates::kMissing) continue;
    workload->tick = config.policy == Policy::kLeastAttained ? kTick : 0;
    Result<Timed> timed = Run(*workload, name, create(ClusterOf(*workload), config), nullptr);
    if (!timed.ok()) return timed.status();
    const Metrics metrics = Measure(*workload, timed->result);
    PrintRow(Joined(Joined({name + HowItEnded(timed->result.ending)}, TimeCells(metrics)),
                    SpeedCells(metrics, timed->seconds)));
    const bool alone = only_part && options.policies.size() == 1;
    WB_RETURN_IF_ERROR(WriteFiles(options, name, alone, *workload, {}, timed->result));
  }
  return Status::Ok();
}

// The points at which a placement is looked at: for a cluster that is filled the marks and the end, else the peak.
std::vector<std::string> PointNames(const TraceShape& shape, const PlacementSequence& sequence) {
  if (shape.shape != Shape::kArrivals) return {"at the peak"};
  std::vector<std::string> names;
  for (const auto& [mark, requests] : sequence.marks) names.push_back(Text("at %.0f %%", 100 * mark));
  names.push_back(Text("at %.0f %%", 100 * shape.target));
  return names;
}

std::vector<std::string> PlacementCells(const TraceShape& shape, const PlacementRun& run) {
  std::vector<std::string> cells;
  const auto add = [&](const PlacementPoint& point, int64_t refused) {
    cells = Joined(cells, {Text("%.1f", point.allocated_gpus), Text("%.1f", point.stranded_gpus),
                           Text("%lld", static_cast<long long>(refused))});
  };
  if (shape.shape == Shape::kArrivals) {
    for (const PlacementPoint& point : run.points) add(point, point.refused);
  } else {
    add(run.peak, run.points.back().refused);
  }
  const double mean_us = 1e6 * run.seconds / static_cast<double>(std::max<int64_t>(run.places, 1));
  return Joined(cells, {Text("%.1f", mean_us), Text("%.1f", run.p99_place_ns / 1000), Text("%.3f", run.seconds)});
}

Status RunPlacements(const SimulateOptions& options, const ClusterTrace& trace) {
  const Result<void*> symbol = Symbol(options, 'b', "q07_placer_create");
  if (!symbol.ok()) return symbol.status();
  const auto create = reinterpret_cast<decltype(&q07_placer_create)>(*symbol);
  TraceCounts counts;
  Result<PlacementSequence> sequence = PlacementRequests(trace, options.shape, &counts);
  if (!sequence.ok()) return sequence.status();
  PrintCounts('B', options.shape, counts);
  std::vector<std::string> heads = {"placement"};
  for (const std::string& point : PointNames(options.shape, *sequence)) {
    heads = Joined(heads, {"allocated GPUs " + point, "stranded", "refused"});
  }
  PrintHead(Joined(heads, {"Place mean, µs", "p99", "run, s"}));
  for (const std::string& name : options.placements) {
    PlacementConfig config;
    config.policy = static_cast<PlacementPolicy>(NumberOf(kPlacementNames, name));
    config.typical = sequence->typical;
    config.seed = options.seed;
    const std::unique_ptr<Placer> placer(create(sequence->nodes, config));
    if (placer == nullptr) return Error(name + ": the implementation made no placer");
    const PlacementRun run = RunPlacement(*sequence, *placer);
    if (!run.broken.empty()) return Error(name + ": " + run.broken);
    PrintRow(Joined({name}, PlacementCells(options.shape, run)));
  }
  return Status::Ok();
}

Status RunSharings(const SimulateOptions& options, const ClusterTrace& trace, bool only_part) {
  const Result<void*> symbol = Symbol(options, 'c', "q07_sharing_create");
  if (!symbol.ok()) return symbol.status();
  const Result<void*> setter = Symbol(options, 'c', "q07_sharing_set_quota");
  if (!setter.ok()) return setter.status();
  const auto create = reinterpret_cast<decltype(&q07_sharing_create)>(*symbol);
  const auto set_quota = reinterpret_cast<decltype(&q07_sharing_set_quota)>(*setter);
  TraceCounts counts;
  std::vector<std::string> tenants;
  Result<Workload> workload = SharingWorkload(trace, options.shape, &counts, &tenants);
  if (!workload.ok()) return workload.status();
  PrintCounts('C', options.shape, counts);
  PrintHead(Joined(Joined(Joined({"sharing"}, kTimeHeads), {"Jain", "rho mean", "p99"}), kSpeedHeads));
  for (const std::string& name : options.sharings) {
    const int32_t number = NumberOf(kSharingNames, name);
    SharingConfig config;
    config.sharing = static_cast<Sharing>(number % 2);
    config.quotas = workload->quotas;
    config.reclaim = number / 2 == 1;
    config.backfill_depth = number / 2 == 2 ? options.backfill_depth : 0;
    Result<Timed> timed = Run(*workload, name, create(ClusterOf(*workload), config), set_quota);
    if (!timed.ok()) return timed.status();
    const Metrics metrics = Measure(*workload, timed->result);
    const std::vector<std::string> fairness = {Text("%.3f", metrics.jain), Text("%.2f", metrics.rho.mean),
                                               Text("%.2f", metrics.rho.p99)};
    PrintRow(Joined(Joined(Joined({name + HowItEnded(timed->result.ending)}, TimeCells(metrics)), fairness),
                    SpeedCells(metrics, timed->seconds)));
    const bool alone = only_part && options.sharings.size() == 1;
    WB_RETURN_IF_ERROR(WriteFiles(options, name, alone, *workload, tenants, timed->result));
  }
  return Status::Ok();
}

Status Run(const SimulateOptions& options) {
  const Result<ClusterTrace> trace = LoadTrace(options);
  if (!trace.ok()) return trace.status();
  const bool endless = options.shape.shape == Shape::kArrivals;  // for part B alone
  const bool only_part = options.parts.size() == 1;
  const auto has = [&](char part) { return options.parts.find(part) != std::string::npos; };
  if (has('a') && !endless) WB_RETURN_IF_ERROR(RunPolicies(options, *trace, only_part));
  if (has('b')) WB_RETURN_IF_ERROR(RunPlacements(options, *trace));
  if (has('c') && !endless) WB_RETURN_IF_ERROR(RunSharings(options, *trace, only_part));
  return Status::Ok();
}

int Main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (std::find(arguments.begin(), arguments.end(), "--help") != arguments.end()) {
    std::fputs(kSimulateUsage, stdout);
    return 0;
  }
  const Result<SimulateOptions> options = ParseSimulateOptions(arguments);
  if (!options.ok()) {
    std::fprintf(stderr, "simulate: %s\n\n%s", options.status().message().c_str(), kSimulateUsage);
    return 2;
  }
  if (const Status status = Run(*options); !status.ok()) {
    std::fprintf(stderr, "simulate: %s\n", status.message().c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace q07

int main(int argc, char** argv) { return q07::Main(argc, argv); }
