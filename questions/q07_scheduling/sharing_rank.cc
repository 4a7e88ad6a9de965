#include "questions/q07_scheduling/sharing_rank.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "questions/q07_scheduling/protocol.h"

namespace q07 {
namespace {

using workbench::Error;
using workbench::Status;

std::string Text(const Action& action) {
  const char* kinds[] = {"start", "preempt", "reserve"};
  std::string text = std::string(kinds[static_cast<int>(action.kind)]) + " job " + std::to_string(action.job);
  if (action.kind == ActionKind::kReserve) text += " at " + std::to_string(action.at);
  for (size_t i = 0; i < action.nodes.size() && i < 16; ++i) {
    text += (i == 0 ? " on nodes " : ", ") + std::to_string(action.nodes[i]);
  }
  return text;
}

// Two schedulers that are told the same. The first one decides; the second has to decide the same.
class Twins : public Scheduler {
 public:
  Twins(Scheduler* first, Scheduler* second, decltype(&q07_sharing_set_quota) set_quota)
      : first_(first), second_(second), set_quota_(set_quota) {}

  void OnSubmit(const Job& job) override {
    first_->OnSubmit(job);
    second_->OnSubmit(job);
  }
  void OnStop(JobId job, StopReason reason, Time ran) override {
    first_->OnStop(job, reason, ran);
    if (deciding_) {
      ran_.push_back(ran);  // the second is told when it has decided so, too
    } else {
      second_->OnStop(job, reason, ran);
    }
  }
  void OnNode(int32_t node, bool up) override {
    first_->OnNode(node, up);
    second_->OnNode(node, up);
  }
  void SetQuota(const Quota& quota) {
    set_quota_(first_, quota);
    set_quota_(second_, quota);
  }
  void Decide(Time now, Actions& actions) override {
    if (!difference_.empty()) return;  // the run is of no use any more
    Recorder recorder(&actions);
    ran_.clear();
    deciding_ = true;
    first_->Decide(now, recorder);
    deciding_ = false;
    Follower follower(recorder.actions(), ran_, second_);
    second_->Decide(now, follower);
    difference_ = follower.Difference();
    if (!difference_.empty()) difference_ = "at " + std::to_string(now) + ": " + difference_;
  }
  const std::string& difference() const { return difference_; }

 private:
  class Recorder : public Actions {
   public:
    explicit Recorder(Actions* actions) : real_(actions) {}
    bool Start(JobId job, std::span<const int32_t> nodes) override {
      Add({ActionKind::kStart, job, 0, {nodes.begin(), nodes.end()}});
      return ok_ = ok_ && real_->Start(job, nodes);
    }
    bool Preempt(JobId job) override {
      Add({ActionKind::kPreempt, job, 0, {}});
      return ok_ = ok_ && real_->Preempt(job);
    }
    bool Reserve(JobId job, Time at) override {
      Add({ActionKind::kReserve, job, at, {}});
      return ok_ = ok_ && real_->Reserve(job, at);
    }
    // Those that were done; the one that broke a rule, and what came after it, tell nothing.
    std::vector<Action> actions() const { return ok_ ? actions_ : std::vector<Action>(); }

   private:
    void Add(Action action) {
      if (ok_) actions_.push_back(std::move(action));
    }
    Actions* real_;
    bool ok_ = true;
    std::vector<Action> actions_;
  };

  class Follower : public Actions {
   public:
    Follower(std::vector<Action> actions, std::vector<Time> ran, Scheduler* scheduler)
        : actions_(std::move(actions)), ran_(std::move(ran)), scheduler_(scheduler) {}
    bool Start(JobId job, std::span<const int32_t> nodes) override {
      return Same({ActionKind::kStart, job, 0, {nodes.begin(), nodes.end()}});
    }
    bool Preempt(JobId job) override {
      if (!Same({ActionKind::kPreempt, job, 0, {}})) return false;
      if (stops_ < ran_.size()) scheduler_->OnStop(job, StopReason::kPreempted, ran_[stops_++]);
      return true;
    }
    bool Reserve(JobId job, Time at) override { return Same({ActionKind::kReserve, job, at, {}}); }

    std::string Difference() const {
      if (!difference_.empty() || next_ == actions_.size()) return difference_;
      return "one decides: " + Text(actions_[next_]) + "; the other does not";
    }

   private:
    bool Same(const Action& action) {
      if (!difference_.empty()) return false;
      if (next_ < actions_.size()) {
        const Action& other = actions_[next_++];
        if (other.kind == action.kind && other.job == action.job && other.at == action.at &&
            other.nodes == action.nodes) {
          return true;
        }
        difference_ = "one decides: " + Text(other) + "; the other: " + Text(action);
      } else {
        difference_ = "one decides: " + Text(action) + "; the other does not";
      }
      return false;
    }
    std::vector<Action> actions_;
    std::vector<Time> ran_;
    Scheduler* scheduler_;
    size_t next_ = 0, stops_ = 0;
    std::string difference_;
  };

  Scheduler* first_;
  Scheduler* second_;
  decltype(&q07_sharing_set_quota) set_quota_;
  bool deciding_ = false;
  std::vector<Time> ran_;
  std::string difference_;
};

// The simulator tells of quotas by a plain function.
Twins* twins_of_this_run = nullptr;
void SetQuotaOfTwins(Scheduler*, const Quota& quota) { twins_of_this_run->SetQuota(quota); }

}  // namespace

Status SharingRank::Load(void* library) {
  create_ = reinterpret_cast<decltype(create_)>(dlsym(library, "q07_sharing_create"));
  set_quota_ = reinterpret_cast<decltype(set_quota_)>(dlsym(library, "q07_sharing_set_quota"));
  if (create_ != nullptr && set_quota_ != nullptr) return Status::Ok();
  return Error(
      "the implementation does not define both of q07_sharing_create and q07_sharing_set_quota; are they still extern "
      "\"C\", with the signatures of sharing_api.h?");
}

std::unique_ptr<Scheduler> SharingRank::Create(const SharingCase& one) const {
  // What is valid during the call only is something else afterwards.
  std::vector<Node> nodes = one.workload.nodes;
  std::vector<Quota> quotas = one.workload.quotas;
  ClusterConfig cluster;
  cluster.nodes = nodes;
  cluster.tick = one.workload.tick;
  cluster.kill_at_estimate = one.workload.kill_at_estimate;
  SharingConfig config;
  config.sharing = one.rules.sharing;
  config.quotas = quotas;
  config.reclaim = one.rules.reclaim;
  config.backfill_depth = one.rules.backfill_depth;
  std::unique_ptr<Scheduler> scheduler(create_(cluster, config));
  std::fill(nodes.begin(), nodes.end(), Node{-1, {-1, -1, -1}});
  std::fill(quotas.begin(), quotas.end(), Quota{-1, -1, -1, {-1, -1, -1}, {-1, -1, -1}});
  return scheduler;
}

workbench::Result<std::vector<std::byte>> SharingRank::Run(std::span<const std::byte> request) {
  const RequestKind kind = KindOf(request);
  SharingCase one;
  if (request.size() < sizeof kind || !DecodeSharing(request.subspan(sizeof kind), &one)) {
    return Error("a request that is none of part c's");
  }
  SharingReply reply;
  const std::unique_ptr<Scheduler> scheduler = Create(one);
  reply.created = scheduler != nullptr;
  if (kind == RequestKind::kSharingCreate || !reply.created) return EncodeSharingReply(reply);
  if (!one.twin) {
    reply.run = MakeReply(Simulate(one.workload, *scheduler, nullptr, true, true, set_quota_));
    return EncodeSharingReply(reply);
  }
  const std::unique_ptr<Scheduler> second = Create(one);
  if (second == nullptr) {
    reply.twin_differs = true;
    reply.difference = "a second scheduler of the same configuration is not made";
    return EncodeSharingReply(reply);
  }
  Twins twins(scheduler.get(), second.get(), set_quota_);
  twins_of_this_run = &twins;
  reply.run = MakeReply(Simulate(one.workload, twins, nullptr, true, true, SetQuotaOfTwins));
  twins_of_this_run = nullptr;
  reply.difference = twins.difference();
  reply.twin_differs = !reply.difference.empty();
  return EncodeSharingReply(reply);
}

}  // namespace q07
