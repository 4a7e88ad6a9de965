#include "questions/q07_scheduling/sharing_script.h"

#include <algorithm>
#include <map>
#include <utility>

namespace q07 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

constexpr size_t kShown = 24;  // jobs, tenants, changes

// What should hold, by rule: the simulator's, then the judge's own.
const std::map<std::string, std::string>& Properties() {
  static const std::map<std::string, std::string> properties = {
      {"over_allocation", "no more is given than a node has"},
      {"dead_node", "jobs run on nodes that are up"},
      {"gang_incomplete", "a gang starts with all of its members"},
      {"not_queued", "only queued jobs are started"},
      {"not_running", "only running jobs are preempted"},
      {"not_preemptible", "only preemptible jobs are preempted"},
      {"started_now", "what has started in a Decide is not preempted in it"},
      {"clock", "nothing is done or promised for the past"},
      {"promise_broken", "a promise is kept"},
      {"promise_later", "a promise is not put off"},
      {"promise_unfounded", "promises are made only where jobs are killed at their estimates"},
      {"idle", "nobody's first job that is startable is left waiting"},
      {"share_order", "of the tenants whose first job is startable, the one with the least share is next"},
      {"over_limit", "tenants and cohorts stay within their limits, with all that has started counted"},
      {"overtaken", "a tenant's jobs start in the order of priority, submission, id"},
      {"restarted", "what has been preempted in a Decide is not started in it"},
      {"victims_wasted", "jobs are preempted for one that starts in the same Decide"},
      {"reclaim_missed", "a tenant gets back what is its own"},
      {"not_reclaim", "jobs are preempted to reclaim only"},
      {"after_backfill", "jobs are preempted before backfill"},
      {"within_quota", "nobody is preempted who uses no more than its quota"},
      {"outside_cohort", "a tenant reclaims from its own cohort"},
      {"claimant", "it is a tenant's first job that reclaims"},
      {"claim_to_borrow", "nothing is reclaimed in order to borrow"},
      {"claim_order", "of the tenants that may reclaim, the one with the least share does"},
      {"needless", "no more jobs are preempted than needed"},
      {"more_deserving", "the less deserving jobs are preempted first"},
      {"backfill_depth", "no more than backfill_depth jobs are walked"},
      {"backfill_missed", "backfill starts what can start"},
      {"delays", "nothing starts that makes the reservation later"},
      {"no_reservation", "the job that is held up has a reservation"},
      {"not_held_up", "it is the job that is held up that has a reservation"},
      {"wrong_promise", "what is promised is the earliest time"},
  };
  return properties;
}

std::string Text(int64_t amount, int64_t unit) {
  if (amount == kUnlimited) return "unlimited";
  if (amount >= kPlenty) return "plenty of";
  if (amount % unit == 0) return std::to_string(amount / unit);
  return std::to_string(amount) + "/" + std::to_string(unit);
}

std::string Text(const Resources& resources) {
  return Text(resources.gpu_milli, kGpu) + " GPUs, " + Text(resources.cpu_milli, kGpu) + " CPUs, " +
         Text(resources.memory_mib, kGib) + " GiB";
}

std::string Text(const Quota& quota) {
  std::string text = "tenant " + std::to_string(quota.tenant) + ": " + Text(quota.quota);
  if (quota.cohort >= 0) {
    text += "; cohort " + std::to_string(quota.cohort) + ", borrows up to " + Text(quota.borrowing_limit);
  }
  char weight[32];
  std::snprintf(weight, sizeof weight, "%.9g", quota.weight);
  return text + "; weight " + weight;
}

std::string Text(const TrueJob& truth) {
  const Job& job = truth.job;
  std::string text = "job " + std::to_string(job.id) + ": at " + std::to_string(job.submit) + ", tenant " +
                     std::to_string(job.tenant) + ", " +
                     (job.members == 1 ? "" : std::to_string(job.members) + " members of ") + Text(job.demand) +
                     ", runs for " + std::to_string(truth.duration);
  if (job.estimate == kUnknown) {
    text += " (no estimate)";
  } else if (job.estimate != truth.duration) {
    text += " (estimate " + std::to_string(job.estimate) + ")";
  }
  if (job.priority != 0) text += ", priority " + std::to_string(job.priority);
  if (!job.preemptible) text += ", not preemptible";
  for (size_t i = 0; i < truth.failures.size(); ++i) {
    text += (i == 0 ? ", fails after " : " and ") + std::to_string(truth.failures[i]);
  }
  return text;
}

std::string Text(const Action& action) {
  const char* kinds[] = {"start ", "preempt ", "reserve "};
  std::string text = kinds[static_cast<int>(action.kind)] + std::to_string(action.job);
  if (action.kind == ActionKind::kReserve) text += " at " + std::to_string(action.at);
  for (size_t i = 0; i < action.nodes.size(); ++i) {
    if (i == 8) return text + ", ...";
    text += (i == 0 ? " on nodes " : ", ") + std::to_string(action.nodes[i]);
  }
  return text;
}

template <typename T>
void Describe(const std::string& one, const std::string& more, const std::vector<T>& all,
              std::vector<std::pair<std::string, std::string>>* to) {
  for (size_t i = 0; i < all.size() && i < kShown; ++i) to->emplace_back(one, Text(all[i]));
  if (all.size() > kShown) to->emplace_back(more, std::to_string(all.size() - kShown) + " more");
}

// Judges a reply. Empty rule: nothing is wrong.
SimulationResult Judge(const SharingCase& one, const SharingReply& reply, std::string* expected) {
  SharingJudge judge(one.rules);
  SimulationResult result = Replay(one.workload, reply.run.log, &judge);
  *expected = judge.expected();
  return result;
}

bool RunSharing(CheckContext& context, const SharingCase& one, double deadline_seconds, SharingReply* reply) {
  CheckContext::Replies replies;
  if (!context.Run("c", 0, EncodeSharing(one), deadline_seconds, DescribeSharing(one), &replies)) return false;
  if (!replies.empty() && DecodeSharingReply(replies[0], reply)) return true;
  Finding finding;
  finding.property = "the run's decisions come back whole";
  finding.input = DescribeSharing(one);
  finding.actual = "a reply that cannot be read: something has written over the runner's memory";
  context.Fail(finding);
  return false;
}

}  // namespace

void SharingScript::Nodes(int count, int64_t gpus, int64_t cpus, int64_t memory) {
  for (int i = 0; i < count; ++i) {
    one_.workload.nodes.push_back(
        {static_cast<int32_t>(one_.workload.nodes.size()), {gpus * kGpu, cpus * kGpu, memory * kGib}});
  }
}

Quota& SharingScript::Tenant(int32_t tenant, int64_t gpus, int32_t cohort) {
  Quota quota;
  quota.tenant = tenant;
  quota.cohort = cohort;
  quota.quota = {gpus * kGpu, kPlenty, kPlenty};
  quota.borrowing_limit = {kPlenty, kPlenty, kPlenty};
  return one_.workload.quotas.emplace_back(quota);
}

TrueJob& SharingScript::Add(Time submit, int32_t tenant, int64_t gpus, Time duration) {
  return AddGang(submit, tenant, 1, gpus, duration);
}

TrueJob& SharingScript::AddGang(Time submit, int32_t tenant, int32_t members, int64_t gpus, Time duration) {
  TrueJob truth;
  // 61 is prime to 9973, a prime: all different for as many jobs.
  truth.job.id = static_cast<JobId>((one_.workload.jobs.size() + 1) * 61 % 9973);
  truth.job.submit = submit;
  truth.job.tenant = tenant;
  truth.job.members = members;
  truth.job.demand = {gpus * kGpu, gpus * kGpu, 0};
  truth.job.estimate = duration;
  truth.duration = duration;
  return one_.workload.jobs.emplace_back(truth);
}

void SharingScript::Node(Time at, int32_t node, bool up) { one_.workload.node_changes.push_back({at, node, up}); }

void SharingScript::Change(Time at, const Quota& quota) { one_.workload.quota_changes.push_back({at, quota}); }

void SharingScript::KillAtEstimate(int32_t backfill_depth) {
  one_.workload.kill_at_estimate = true;
  one_.rules.backfill_depth = backfill_depth;
}

SharingCase SharingScript::Case() const {
  SharingCase one = one_;
  std::stable_sort(one.workload.jobs.begin(), one.workload.jobs.end(),
                   [](const TrueJob& a, const TrueJob& b) { return a.job.submit < b.job.submit; });
  return one;
}

std::vector<std::pair<std::string, std::string>> DescribeSharing(const SharingCase& one) {
  std::vector<std::pair<std::string, std::string>> text;
  text.emplace_back("sharing", one.rules.sharing == Sharing::kFairShare ? "kFairShare" : "kDominant");
  text.emplace_back("reclaim", one.rules.reclaim ? "on" : "off");
  text.emplace_back("backfill", one.rules.backfill_depth == 0   ? "off"
                                : one.workload.kill_at_estimate ? "depth " + std::to_string(one.rules.backfill_depth)
                                                                : "off (jobs are not killed at their estimates)");
  const std::vector<Node>& nodes = one.workload.nodes;
  for (size_t first = 0, shown = 0; first < nodes.size() && shown < kShown; ++shown) {
    size_t last = first;
    const auto same = [&](size_t other) { return Text(nodes[other].capacity) == Text(nodes[first].capacity); };
    while (last + 1 < nodes.size() && same(last + 1)) ++last;
    text.emplace_back(first == last ? "node " + std::to_string(first)
                                    : "nodes " + std::to_string(first) + " to " + std::to_string(last),
                      Text(nodes[first].capacity));
    first = last + 1;
  }
  Describe("quota", "quotas", one.workload.quotas, &text);
  Describe("job", "jobs", one.workload.jobs, &text);
  for (size_t i = 0; i < one.workload.node_changes.size() && i < kShown; ++i) {
    const NodeChange& change = one.workload.node_changes[i];
    text.emplace_back("node change", "at " + std::to_string(change.at) + " node " + std::to_string(change.node) +
                                         (change.up ? " comes up" : " goes down"));
  }
  for (size_t i = 0; i < one.workload.quota_changes.size() && i < kShown; ++i) {
    const QuotaChange& change = one.workload.quota_changes[i];
    text.emplace_back("quota change", "at " + std::to_string(change.at) + " " + Text(change.quota));
  }
  return text;
}

Finding ExplainSharing(const SharingCase& one, const SharingReply& reply, const SimulationResult& result,
                       const std::string& expected, const std::string& what) {
  Finding finding;
  const auto property = Properties().find(result.violation.rule);
  finding.property = property == Properties().end() ? result.violation.rule : property->second;
  finding.input = DescribeSharing(one);
  std::string running;
  for (size_t i = 0; i < result.open.size() && i < kShown; ++i) {
    running += (i == 0 ? "" : "; ") + std::to_string(result.open[i].job) + " since " +
               std::to_string(result.open[i].start) + " on nodes";
    for (size_t j = 0; j < result.open[i].nodes.size() && j < 8; ++j) {
      running += " " + std::to_string(result.open[i].nodes[j]);
    }
  }
  finding.input.emplace_back("time", std::to_string(result.violation.now));
  finding.input.emplace_back("running then", running.empty() ? "nothing" : running);
  if (result.decisions > 0 && static_cast<size_t>(result.decisions) <= reply.run.log.decisions.size()) {
    std::string decided;
    const std::vector<Action>& actions = reply.run.log.decisions[static_cast<size_t>(result.decisions - 1)];
    for (size_t i = 0; i < actions.size() && i < kShown; ++i) decided += (i == 0 ? "" : "; ") + Text(actions[i]);
    finding.input.emplace_back("all that was decided then", decided.empty() ? "nothing" : decided);
  }
  finding.expected = expected;
  finding.actual = "at " + std::to_string(result.violation.now) + ": " + result.violation.message;
  finding.detail = what;
  return finding;
}

bool JudgeSharing(CheckContext& context, const SharingCase& one, const std::string& what, bool shrink,
                  double deadline_seconds) {
  SharingReply reply;
  if (!RunSharing(context, one, deadline_seconds, &reply)) return false;
  if (!reply.created || reply.twin_differs) {
    Finding finding;
    finding.input = DescribeSharing(one);
    finding.property = reply.created ? "the same events get the same decisions, whatever else lives in the process"
                                     : "q07_sharing_create makes a scheduler of what is valid";
    finding.expected = reply.created ? "two schedulers that are told the same decide the same" : "a scheduler";
    finding.actual = reply.created ? reply.difference : "nullptr";
    finding.detail = what;
    context.Fail(finding);
    return false;
  }
  std::string expected;
  SimulationResult result = Judge(one, reply, &expected);
  if (!result.broken) return true;
  SharingCase smaller = one;
  if (shrink) {
    const std::string rule = result.violation.rule;
    smaller = ShrinkSharing(
        one,
        [&](const SharingCase& candidate) {
          SharingReply its;
          std::string ignored;
          if (!RunSharing(context, candidate, deadline_seconds, &its) || !its.created) return false;
          return Judge(candidate, its, &ignored).violation.rule == rule;
        },
        400);
    if (context.failed() || !RunSharing(context, smaller, deadline_seconds, &reply)) return false;
    result = Judge(smaller, reply, &expected);
    if (!result.broken) {  // it decides differently every time
      if (!RunSharing(context, one, deadline_seconds, &reply)) return false;
      smaller = one;
      result = Judge(one, reply, &expected);
    }
  }
  context.Fail(ExplainSharing(smaller, reply, result, expected, what));
  return false;
}

bool JudgeSharingCreate(CheckContext& context, const SharingCase& one, bool valid, const std::string& what) {
  CheckContext::Inputs inputs = DescribeSharing(one);
  inputs.emplace_back(valid ? "valid" : "invalid", what);
  CheckContext::Replies replies;
  if (!context.Run("c", 0, EncodeSharingCreate(one), 30, inputs, &replies)) return false;
  SharingReply reply;
  if (!replies.empty() && DecodeSharingReply(replies[0], &reply) && reply.created == valid) return true;
  Finding finding;
  finding.property = valid ? "q07_sharing_create makes a scheduler of what is valid"
                           : "q07_sharing_create refuses what makes no sense";
  finding.input = inputs;
  finding.expected = valid ? "a scheduler" : "nullptr";
  finding.actual = valid ? "nullptr" : "a scheduler";
  context.Fail(finding);
  return false;
}

SharingCase ShrinkSharing(SharingCase one, const std::function<bool(const SharingCase&)>& fails, int attempts) {
  // Removes runs of elements, long ones first, as long as it goes on failing.
  const auto shrink = [&](auto member) {
    for (size_t run = std::max<size_t>(1, (one.workload.*member).size() / 2); run > 0; run /= 2) {
      for (size_t at = 0; at < (one.workload.*member).size() && attempts > 0;) {
        SharingCase smaller = one;
        auto& elements = smaller.workload.*member;
        elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(at),
                       elements.begin() + static_cast<std::ptrdiff_t>(std::min(at + run, elements.size())));
        --attempts;
        if (fails(smaller)) {
          one = std::move(smaller);
        } else {
          at += run;
        }
      }
    }
  };
  for (size_t before = 0; before != one.workload.jobs.size() && attempts > 0;) {
    before = one.workload.jobs.size();
    shrink(&Workload::jobs);
    shrink(&Workload::node_changes);
    shrink(&Workload::quota_changes);
  }
  for (size_t i = 0; i < one.workload.jobs.size() && attempts > 0; ++i) {
    if (one.workload.jobs[i].failures.empty()) continue;
    SharingCase smaller = one;
    smaller.workload.jobs[i].failures.clear();
    --attempts;
    if (fails(smaller)) one = std::move(smaller);
  }
  return one;
}

}  // namespace q07
