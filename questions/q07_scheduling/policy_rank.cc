#include "questions/q07_scheduling/policy_rank.h"

#include <dlfcn.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace q07 {
namespace {

using workbench::Error;
using workbench::Status;

// What is left of memory that was an answer's to read during a call only.
constexpr int64_t kGone = -0x0bad0bad0bad0bad;

// An answer's scheduler, with something else that happens before its tenth Decide.
class Interrupted : public Scheduler {
 public:
  Interrupted(Scheduler* scheduler, std::function<void()> interruption)
      : scheduler_(scheduler), interruption_(std::move(interruption)) {}

  void OnSubmit(const Job& job) override { scheduler_->OnSubmit(job); }
  void OnStop(JobId job, StopReason reason, Time ran) override { scheduler_->OnStop(job, reason, ran); }
  void OnNode(int32_t node, bool up) override { scheduler_->OnNode(node, up); }
  void Decide(Time now, Actions& actions) override {
    if (++decisions_ == 10) interruption_();
    scheduler_->Decide(now, actions);
  }

 private:
  Scheduler* scheduler_;
  std::function<void()> interruption_;
  int decisions_ = 0;
};

}  // namespace

Status PolicyRank::Load(void* library) {
  create_ = reinterpret_cast<decltype(create_)>(dlsym(library, "q07_policy_create"));
  if (create_ != nullptr) return Status::Ok();
  return Error(
      "the implementation does not define q07_policy_create; is it still extern \"C\", with the signature of api.h?");
}

std::unique_ptr<Scheduler> PolicyRank::Create(const PolicyParameters& parameters, const Workload& workload) const {
  std::vector<Node> nodes = workload.nodes;
  std::vector<int64_t> thresholds = parameters.thresholds;
  std::unique_ptr<Scheduler> scheduler(
      create_({nodes, workload.tick, workload.kill_at_estimate},
              {parameters.policy, thresholds, parameters.ageing_interval, parameters.backfill_depth}));
  for (Node& node : nodes) node.capacity.gpu_milli = kGone;
  std::fill(thresholds.begin(), thresholds.end(), kGone);
  return scheduler;
}

workbench::Result<std::vector<std::byte>> PolicyRank::Run(std::span<const std::byte> request) {
  if (KindOf(request) == RequestKind::kPolicyCreate) {
    std::vector<PolicyParameters> configurations;
    if (!DecodePolicyCreate(request, &configurations)) return Error("the grader's request makes no sense");
    Workload workload;
    workload.nodes.push_back({0, {8000, 0, 0}});
    std::vector<std::byte> reply;
    for (const PolicyParameters& parameters : configurations) {
      reply.push_back(static_cast<std::byte>(Create(parameters, workload) != nullptr ? 1 : 0));
    }
    return reply;
  }
  PolicyCase policy_case;
  if (!DecodePolicyCase(request, &policy_case)) return Error("the grader's request makes no sense");
  std::vector<PolicyReply> replies(policy_case.runs.size());
  const auto run = [&](size_t i, const std::function<void()>& interruption) {
    const PolicyRun& one = policy_case.runs[i];
    const std::unique_ptr<Scheduler> scheduler = Create(one.parameters, one.workload);
    replies[i].created = scheduler != nullptr;
    if (scheduler == nullptr) return;
    Interrupted interrupted(scheduler.get(), interruption);
    Scheduler& driven = interruption != nullptr ? static_cast<Scheduler&>(interrupted) : *scheduler;
    replies[i].run = MakeReply(Simulate(one.workload, driven, nullptr, true, true, nullptr));
  };
  for (size_t i = 0; i < policy_case.runs.size(); ++i) {
    const bool pair = policy_case.nested && i + 1 < policy_case.runs.size();
    bool nested = false;
    if (pair) {
      run(i, [&] {
        run(i + 1, nullptr);
        nested = true;
      });
      if (!nested) run(i + 1, nullptr);  // the first one had fewer than ten decisions
      ++i;
    } else {
      run(i, nullptr);
    }
  }
  return EncodePolicyReplies(replies);
}

}  // namespace q07
