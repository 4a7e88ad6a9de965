#include "questions/q07_scheduling/run_json.h"

#include <nlohmann/json.hpp>

#include "questions/q07_scheduling/metrics.h"

namespace q07 {
namespace {

using Json = nlohmann::ordered_json;

const char* ReasonName(StopReason reason) {
  switch (reason) {
    case StopReason::kFinished:
      return "finished";
    case StopReason::kKilled:
      return "killed";
    case StopReason::kFailed:
      return "failed";
    case StopReason::kNodeLost:
      return "node_lost";
    case StopReason::kPreempted:
      return "preempted";
  }
  return "unknown";
}

Json ToJson(const Run& run, const char* reason) {
  return {{"job", run.job}, {"start", run.start}, {"end", run.end}, {"reason", reason}, {"nodes", run.nodes}};
}

}  // namespace

std::string RunJson(const std::string& title, const Workload& workload, const std::vector<std::string>& tenants,
                    const SimulationResult& result) {
  Json json = {{"format", "q07-run-1"}, {"title", title}, {"end", result.end}, {"nodes", Json::array()}};
  for (const Node& node : workload.nodes) {
    json["nodes"].push_back({{"id", node.id},
                             {"gpu_milli", node.capacity.gpu_milli},
                             {"cpu_milli", node.capacity.cpu_milli},
                             {"memory_mib", node.capacity.memory_mib}});
  }
  json["tenants"] = tenants;
  json["jobs"] = Json::array();
  for (const TrueJob& one : workload.jobs) {
    const Job& job = one.job;
    json["jobs"].push_back({{"id", job.id},
                            {"submit", job.submit},
                            {"tenant", job.tenant},
                            {"priority", job.priority},
                            {"members", job.members},
                            {"gpu_milli", job.demand.gpu_milli},
                            {"cpu_milli", job.demand.cpu_milli},
                            {"memory_mib", job.demand.memory_mib},
                            {"estimate", job.estimate},
                            {"duration", one.duration}});
  }
  json["runs"] = Json::array();
  for (const Run& run : result.runs) json["runs"].push_back(ToJson(run, ReasonName(run.reason)));
  for (const Run& run : result.open) json["runs"].push_back(ToJson(run, "open"));

  const Metrics metrics = Measure(workload, result);
  json["metrics"] = {{"finished", metrics.finished},
                     {"killed", metrics.killed},
                     {"left", metrics.left},
                     {"mean_jct_ms", metrics.jct.mean},
                     {"median_jct_ms", metrics.jct.median},
                     {"p99_jct_ms", metrics.jct.p99},
                     {"mean_wait_ms", metrics.wait.mean},
                     {"median_wait_ms", metrics.wait.median},
                     {"p99_wait_ms", metrics.wait.p99},
                     {"makespan_ms", metrics.makespan},
                     {"allocation", metrics.allocation},
                     {"utilisation", metrics.utilisation},
                     {"preemptions", metrics.preemptions},
                     {"jain", metrics.jain},
                     {"mean_rho", metrics.rho.mean}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace q07
