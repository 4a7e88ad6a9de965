// Q7 part C, reference. What a Decide costs must not grow with the cluster or the queue, so that
//   - nodes are found in a tree that knows the most that any node of a subtree has free: O(log nodes) for each one
//   used;
//   - tenants that wait are kept in the order of their shares, and filling goes through them once: what could not start
//     cannot after others have;
//   - the backfill walk goes from one job that may start to the next, in a tree that knows the least that any job of a
//     subtree needs, and shapes of jobs for which there were no nodes are not tried again;
//   - a reservation is one instant: what each node has at that time is kept up to date, and what a node can give away
//     without costing the reserved job a place is a second tree of nodes.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/sharing_api.h"

namespace q07 {
namespace {

// ------------------------------------------------------------------------------------------------ resources

constexpr int64_t Resources::*kEach[] = {&Resources::gpu_milli, &Resources::cpu_milli, &Resources::memory_mib};

template <typename Op>
Resources Zip(const Resources& a, const Resources& b, const Op& op) {
  return {op(a.gpu_milli, b.gpu_milli), op(a.cpu_milli, b.cpu_milli), op(a.memory_mib, b.memory_mib)};
}

int64_t Plus(int64_t a, int64_t b) { return b >= kUnlimited - a ? kUnlimited : a + b; }  // of limits, times

Resources operator+(const Resources& a, const Resources& b) { return Zip(a, b, std::plus<>()); }
Resources operator-(const Resources& a, const Resources& b) { return Zip(a, b, std::minus<>()); }
Resources operator*(const Resources& a, int64_t n) { return {a.gpu_milli * n, a.cpu_milli * n, a.memory_mib * n}; }
Resources SaturatingSum(const Resources& a, const Resources& b) { return Zip(a, b, Plus); }
Resources Least(const Resources& a, const Resources& b) {
  return Zip(a, b, [](int64_t x, int64_t y) { return std::min(x, y); });
}
Resources Most(const Resources& a, const Resources& b) {
  return Zip(a, b, [](int64_t x, int64_t y) { return std::max(x, y); });
}
bool operator==(const Resources& a, const Resources& b) {
  return a.gpu_milli == b.gpu_milli && a.cpu_milli == b.cpu_milli && a.memory_mib == b.memory_mib;
}
bool Within(const Resources& a, const Resources& limit) {
  return a.gpu_milli <= limit.gpu_milli && a.cpu_milli <= limit.cpu_milli && a.memory_mib <= limit.memory_mib;
}

// How many members fit.
int64_t Places(const Resources& room, const Resources& demand) {
  int64_t places = std::numeric_limits<int32_t>::max();
  for (const auto each : kEach) {
    if (demand.*each > 0) places = std::min(places, room.*each / demand.*each);
  }
  return std::max<int64_t>(places, 0);
}

constexpr Resources kNothing = {-1, -1, -1};  // of a node that is down: not even a job without needs fits

// Nodes by what they have to give.
class NodeTree {
 public:
  explicit NodeTree(size_t nodes) : leaves_(std::bit_ceil(std::max<size_t>(nodes, 1))), most_(2 * leaves_, kNothing) {}

  const Resources& operator[](int32_t node) const { return most_[leaves_ + static_cast<size_t>(node)]; }
  const Resources& most() const { return most_[1]; }

  void Set(int32_t node, const Resources& resources) {
    size_t i = leaves_ + static_cast<size_t>(node);
    most_[i] = resources;
    while (i /= 2) {
      const Resources most = Most(most_[2 * i], most_[2 * i + 1]);
      if (most == most_[i]) break;
      most_[i] = most;
    }
  }

  // The first node from `from` on that has `demand`; -1 if there is none.
  int32_t Next(int32_t from, const Resources& demand) const {
    size_t i = leaves_ + static_cast<size_t>(from);
    if (i == 2 * leaves_) return -1;
    while (true) {
      if (Within(demand, most_[i])) {
        if (i >= leaves_) return static_cast<int32_t>(i - leaves_);
        i *= 2;
      } else {
        while (i % 2 == 1) i /= 2;  // from a right child up, and from a left one to its sibling
        if (i++ == 0) return -1;
      }
    }
  }

  // First fit: all members, or false.
  bool Choose(int64_t members, const Resources& demand, std::vector<int32_t>* nodes) const {
    nodes->clear();
    for (int32_t node = 0; (node = Next(node, demand)) != -1; ++node) {
      Resources left = (*this)[node];
      for (; Within(demand, left); left = left - demand) {
        nodes->push_back(node);
        if (--members == 0) return true;
      }
    }
    return false;
  }

 private:
  size_t leaves_;
  std::vector<Resources> most_;  // of a heap: the root is 1, the nodes begin at leaves_
};

// ------------------------------------------------------------------------------------------------ jobs

struct Tenant;
struct Task;

// What makes a job startable or not, by comparison: no job of a set is if one with the least of each is not.
struct Needs {
  int64_t members = 1;
  Resources member, gang;  // of one, of all
  Time estimate = 0;

  friend Needs Least(const Needs& a, const Needs& b) {
    return {std::min(a.members, b.members), Least(a.member, b.member), Least(a.gang, b.gang),
            std::min(a.estimate, b.estimate)};
  }
};

struct Task {
  JobId id = 0;
  Time submit = 0;
  int32_t priority = 0;
  Needs needs;
  bool preemptible = true;
  Tenant* tenant = nullptr;

  std::vector<int32_t> nodes;  // while it runs
  Time started = 0;
  Time preempted = kUnknown;  // when, latest
  int64_t hopeless = -1;      // Sharing::nodes_came_up_ when it did not fit even the empty cluster

  // JobQueue's.
  Needs least;  // of its subtree
  Task* left = nullptr;
  Task* right = nullptr;
  int64_t count = 1;  // of its subtree

  std::pair<Time, JobId> Order() const { return {submit, id}; }
  // The heap order of JobQueue's trees: as good as random, and the same in every run (SplitMix64's output function).
  uint64_t Rank() const {
    auto x = static_cast<uint64_t>(id);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }
  Time End() const { return Plus(started, needs.estimate); }
};

// Which of a tenant's jobs is the first.
struct MoreUrgent {
  bool operator()(const Task* a, const Task* b) const {
    return std::tuple(b->priority, a->submit, a->id) < std::tuple(a->priority, b->submit, b->id);
  }
};

struct LessDeserving {
  bool operator()(const Task* a, const Task* b) const {
    return std::tuple(a->priority, b->started, b->id) < std::tuple(b->priority, a->started, a->id);
  }
};

// Queued jobs by submission: a treap.
class JobQueue {
 public:
  int64_t size() const { return Count(root_); }

  // The job with `index` others before it; there has to be one.
  Task* At(int64_t index) const {
    Task* task = root_;
    while (index != Count(task->left)) {
      const bool right = index > Count(task->left);
      if (right) index -= Count(task->left) + 1;
      task = right ? task->right : task->left;
    }
    return task;
  }

  // The first job behind `after` (nullptr: of all) whose needs are `wanted`, which must be true of lesser needs
  // wherever it is of greater ones.
  template <typename Wanted>
  Task* Next(const Task* after, const Wanted& wanted) const {
    return Next(root_, after, wanted);
  }

  void Insert(Task* task) {
    task->left = task->right = nullptr;
    Update(task);
    const auto [before, behind] = Split(root_, task);
    root_ = Join(Join(before, task), behind);
  }

  void Erase(Task* task) { root_ = Without(root_, task); }

 private:
  static int64_t Count(const Task* task) { return task == nullptr ? 0 : task->count; }

  static void Update(Task* task) {
    task->count = 1 + Count(task->left) + Count(task->right);
    task->least = task->needs;
    for (const Task* child : {task->left, task->right}) {
      if (child != nullptr) task->least = Least(task->least, child->least);
    }
  }

  static std::pair<Task*, Task*> Split(Task* root, const Task* at) {  // those before `at`, and the others
    if (root == nullptr) return {nullptr, nullptr};
    std::pair<Task*, Task*> parts;
    if (root->Order() < at->Order()) {
      parts = Split(root->right, at);
      root->right = std::exchange(parts.first, root);
    } else {
      parts = Split(root->left, at);
      root->left = std::exchange(parts.second, root);
    }
    Update(root);
    return parts;
  }

  static Task* Join(Task* before, Task* behind) {
    if (before == nullptr || behind == nullptr) return before == nullptr ? behind : before;
    Task* const root = before->Rank() > behind->Rank() ? before : behind;
    if (root == before) {
      root->right = Join(root->right, behind);
    } else {
      root->left = Join(before, root->left);
    }
    Update(root);
    return root;
  }

  static Task* Without(Task* root, const Task* task) {
    if (root == task) return Join(root->left, root->right);
    Task*& child = task->Order() < root->Order() ? root->left : root->right;
    child = Without(child, task);
    Update(root);
    return root;
  }

  template <typename Wanted>
  static Task* Next(Task* root, const Task* after, const Wanted& wanted) {
    if (root == nullptr || !wanted(root->least)) return nullptr;
    if (after == nullptr || after->Order() < root->Order()) {
      if (Task* const found = Next(root->left, after, wanted)) return found;
      if (wanted(root->needs)) return root;
    }
    return Next(root->right, after, wanted);
  }

  Task* root_ = nullptr;
};

// ------------------------------------------------------------------------------------------------ tenants

// used / quota, exactly, or a quotient that is rounded anyway.
struct Share {
  bool infinite = false;
  int64_t used = 0, quota = 1;
  double dominant = 0;

  friend bool operator<(const Share& a, const Share& b) {
    if (a.infinite || b.infinite) return !a.infinite;
    if (a.dominant != b.dominant) return a.dominant < b.dominant;
    return static_cast<__int128>(a.used) * b.quota < static_cast<__int128>(b.used) * a.quota;
  }
};

struct Cohort {
  Resources used, limit;
  std::vector<Tenant*> tenants;
};

struct Tenant {
  Quota quota;
  Resources limit;
  Resources used;
  Cohort* cohort = nullptr;  // nullptr: none
  Share share;               // as of the latest SharingScheduler::Reorder
  std::set<Task*, MoreUrgent> queued;
  std::set<Task*, LessDeserving> running;  // for reclaim

  bool IsAboveQuota() const { return !Within(used, quota.quota); }
  // How much more it may use; negative where a limit has come down.
  Resources Headroom() const {
    const Resources own = limit - used;
    return cohort == nullptr ? own : Least(own, cohort->limit - cohort->used);
  }
};

struct LessShare {
  bool operator()(const Tenant* a, const Tenant* b) const {
    if (a->share < b->share) return true;
    return !(b->share < a->share) && a->quota.tenant < b->quota.tenant;
  }
};

// What a running job gives back on a node, and when it does at the latest.
struct Ending {
  Time at = 0;
  const Task* task = nullptr;
  const Tenant* tenant = nullptr;
  Resources held;
};

// A job that is held up, and what there is at the instant for which it has a promise, when all running jobs whose
// estimate is over by then are gone. It stays promised as long as there are places for all its members at that time,
// and it is within its limits.
struct Reservation {
  Task* job = nullptr;
  Time at = 0;
  Time promised = 0;
  std::vector<Resources> room;  // of each node
  std::vector<int64_t> places;  // of each node, for members of the job
  int64_t spare = 0;            // places that it does not need
  Resources tenant_used, cohort_used;
};

// ------------------------------------------------------------------------------------------------ the scheduler

class SharingScheduler final : public Scheduler {
 public:
  SharingScheduler(const ClusterConfig& cluster, const SharingConfig& config)
      : sharing_(config.sharing),
        reclaims_(config.reclaim),
        depth_(cluster.kill_at_estimate ? config.backfill_depth : 0),
        up_(cluster.nodes.size(), true),
        free_(cluster.nodes.size()),
        endings_(cluster.nodes.size()),
        next_end_(cluster.nodes.size(), kUnlimited),
        available_(cluster.nodes.size()),
        spared_(cluster.nodes.size()) {
    for (const Node& node : cluster.nodes) {
      free_[static_cast<size_t>(node.id)] = node.capacity;
      available_.Set(node.id, node.capacity);
      capacity_ = capacity_ + node.capacity;
    }
    all_free_ = capacity_;
    for (const Quota& quota : config.quotas) tenants_[quota.tenant].quota = quota;
    ApplyQuotas();
  }

  void SetQuota(const Quota& quota) {
    const auto tenant = tenants_.find(quota.tenant);
    if (tenant == tenants_.end()) return;
    tenant->second.quota = quota;
    ApplyQuotas();
    DropReservation();
  }

  void OnSubmit(const Job& job) override {
    const auto tenant = tenants_.find(job.tenant);
    if (tenant == tenants_.end()) return;
    Task& task = tasks_[job.id];
    task.id = job.id;
    task.submit = job.submit;
    task.priority = job.priority;
    task.needs = {job.members, job.demand, job.demand * job.members,
                  job.estimate == kUnknown ? kUnlimited : job.estimate};
    task.preemptible = job.preemptible;
    task.tenant = &tenant->second;
    Queue(&task);
  }

  void OnStop(JobId job, StopReason reason, Time ran) override {
    const auto found = tasks_.find(job);
    if (found == tasks_.end()) return;
    Task* const task = &found->second;
    Release(task);
    if (depth_ > 0) {
      by_end_.erase({task->End(), task->id});
      ForEachNode(task, [&](int32_t node, int64_t) {
        std::vector<Ending>& endings = endings_[static_cast<size_t>(node)];
        std::erase_if(endings, [&](const Ending& ending) { return ending.task == task; });
        next_end_[static_cast<size_t>(node)] = endings.empty() ? kUnlimited : endings[0].at;
      });
    }
    is_earlier_ = true;
    if (reclaims_) task->tenant->running.erase(task);
    task->nodes.clear();
    Reorder(task->tenant);
    if (reason == StopReason::kFailed || reason == StopReason::kNodeLost) DropReservation();
    if (reason == StopReason::kFinished || reason == StopReason::kKilled) {
      tasks_.erase(found);
      return;
    }
    if (reason == StopReason::kPreempted) task->preempted = task->started + ran;
    Queue(task);
  }

  void OnNode(int32_t node, bool up) override {
    const auto n = static_cast<size_t>(node);
    if (up_[n] == up) return;
    up_[n] = up;
    all_free_ = up ? all_free_ + free_[n] : all_free_ - free_[n];
    if (up) {
      ++nodes_came_up_;
      is_earlier_ = true;
      failed_.clear();
    } else {
      DropReservation();
    }
    Refresh(node);
  }

  void Decide(Time now, Actions& actions) override {
    now_ = now;
    actions_ = &actions;
    do {
      if (held_.job != nullptr && std::exchange(is_earlier_, false)) MoveReservation();
      Fill();
    } while (reclaims_ && Reclaim());
    if (depth_ > 0) Backfill();
  }

 private:
  // ---- What tenants are due

  void ApplyQuotas() {
    cohorts_.clear();
    for (auto& [id, tenant] : tenants_) {
      const Quota& quota = tenant.quota;
      tenant.limit = quota.quota;
      tenant.cohort = nullptr;
      if (quota.cohort == -1) continue;
      tenant.cohort = &cohorts_[quota.cohort];
      tenant.limit = SaturatingSum(quota.quota, quota.borrowing_limit);
      tenant.cohort->limit = SaturatingSum(tenant.cohort->limit, quota.quota);
      tenant.cohort->used = tenant.cohort->used + tenant.used;
      tenant.cohort->tenants.push_back(&tenant);
    }
    for (auto& [id, tenant] : tenants_) Reorder(&tenant);
  }

  Share ShareOf(const Tenant& tenant) const {
    Share share;
    if (sharing_ == Sharing::kFairShare) {
      share.infinite = tenant.quota.quota.gpu_milli == 0;
      share.used = tenant.used.gpu_milli;
      share.quota = tenant.quota.quota.gpu_milli;
      return share;
    }
    share.infinite = tenant.quota.weight == 0;
    for (const auto each : kEach) {
      if (share.infinite || capacity_.*each == 0) continue;
      const double part = static_cast<double>(tenant.used.*each) / static_cast<double>(capacity_.*each);
      share.dominant = std::max(share.dominant, part / tenant.quota.weight);
    }
    return share;
  }

  // After the tenant's usage, quota or queue has changed.
  void Reorder(Tenant* tenant) {
    waiting_.erase(tenant);
    tenant->share = ShareOf(*tenant);
    if (!tenant->queued.empty()) waiting_.insert(tenant);
  }

  // ---- What jobs hold

  // On every change of what the node has, now or at the time of the reservation.
  void Refresh(int32_t node) {
    const auto n = static_cast<size_t>(node);
    available_.Set(node, up_[n] ? free_[n] : kNothing);
    if (held_.job == nullptr) return;
    const Resources& demand = held_.job->needs.member;
    const int64_t places = up_[n] ? Places(held_.room[n], demand) : 0;
    held_.spare += places - held_.places[n];
    held_.places[n] = places;
    spared_.Set(node, up_[n] ? Least(free_[n], held_.room[n] - demand * places) : kNothing);
  }

  // Calls visit(node, members there); a job's nodes are in order.
  template <typename Visit>
  static void ForEachNode(const Task* task, const Visit& visit) {
    const std::vector<int32_t>& nodes = task->nodes;
    for (size_t i = 0, end = 0; i < nodes.size(); i = end) {
      while (end < nodes.size() && nodes[end] == nodes[i]) ++end;
      visit(nodes[i], static_cast<int64_t>(end - i));
    }
  }

  // The job's members come (sign 1) or go (-1).
  void Count(const Task* task, int64_t sign) {
    const Resources gang = task->needs.gang * sign;
    const Resources member = task->needs.member * sign;
    Tenant* const tenant = task->tenant;
    tenant->used = tenant->used + gang;
    if (tenant->cohort != nullptr) tenant->cohort->used = tenant->cohort->used + gang;
    ForEachNode(task, [&](int32_t node, int64_t members) {
      const auto n = static_cast<size_t>(node);
      const Resources held = member * members;
      free_[n] = free_[n] - held;
      if (up_[n]) all_free_ = all_free_ - held;
      Refresh(node);
    });
    if (held_.job != nullptr && task->End() > held_.at) TakeFromRoom(task, sign);
  }

  void Occupy(const Task* task) { Count(task, 1); }
  void Release(const Task* task) {
    Count(task, -1);
    failed_.clear();
  }

  void Queue(Task* task) {
    task->tenant->queued.insert(task);
    if (depth_ > 0) queue_.Insert(task);
    Reorder(task->tenant);
  }

  void Start(Task* task, std::vector<int32_t> nodes) {
    if (task == held_.job) DropReservation();
    task->tenant->queued.erase(task);
    task->nodes = std::move(nodes);
    task->started = now_;
    if (depth_ > 0) {
      queue_.Erase(task);
      by_end_.emplace(std::pair(task->End(), task->id), task);
      ForEachNode(task, [&](int32_t node, int64_t members) {
        std::vector<Ending>& endings = endings_[static_cast<size_t>(node)];
        const auto is_before = [](const Ending& a, Time at) { return a.at < at; };
        const auto place = std::lower_bound(endings.begin(), endings.end(), task->End(), is_before);
        endings.insert(place, {task->End(), task, task->tenant, task->needs.member * members});
        next_end_[static_cast<size_t>(node)] = endings[0].at;
      });
    }
    if (reclaims_) task->tenant->running.insert(task);
    Occupy(task);
    Reorder(task->tenant);
    actions_->Start(task->id, task->nodes);
  }

  void DropReservation() {
    held_.job = nullptr;
    failed_.clear();
  }

  // ---- What can start

  static bool IsWithinLimits(const Task* task) { return Within(task->needs.gang, task->tenant->Headroom()); }

  // Whether it can start, and makes the reservation no later: then on which nodes.
  bool IsStartable(const Task* task, std::vector<int32_t>* nodes) {
    return task->preempted != now_ && IsWithinLimits(task) && Within(task->needs.gang, all_free_) &&
           (!Outlasts(task->needs.estimate) || task == held_.job || LeavesLimits(task)) && Choose(task, nodes);
  }

  // Whether a job that starts now may run at the time of the reservation.
  bool Outlasts(Time estimate) const { return held_.job != nullptr && Plus(now_, estimate) > held_.at; }

  bool Choose(const Task* task, std::vector<int32_t>* nodes) {
    const auto& [members, member, gang, estimate] = task->needs;
    if (task != held_.job && HasFailed(task->needs)) return false;
    const bool outlasts = task != held_.job && Outlasts(estimate);
    if (outlasts && spared_.Choose(members, member, nodes)) return true;
    if (outlasts && held_.spare == 0) return Fail({members, member, gang, held_.at - now_ + 1});
    if (!available_.Choose(members, member, nodes)) return Fail({members, member, gang, 0});
    if (!outlasts || ChooseSparingly(task, nodes)) return true;
    if (nodes->empty()) return Fail({1, member, member, held_.at - now_ + 1});
    went_wrong_ = true;
    return false;
  }

  bool Fail(const Needs& needs) {
    constexpr size_t kMost = 16;  // shapes of jobs, as a rule few
    if (failed_.size() < kMost) failed_.push_back(needs);
    return false;
  }

  bool HasFailed(const Needs& needs) const {
    return std::any_of(failed_.begin(), failed_.end(), [&](const Needs& failed) {
      return failed.members <= needs.members && failed.estimate <= needs.estimate &&
             Within(failed.member, needs.member);
    });
  }

  // Whether the reserved job is within its limits at its time, if `task` runs then.
  bool LeavesLimits(const Task* task) const {
    const Tenant* const tenant = held_.job->tenant;
    const Resources both = task->needs.gang + held_.job->needs.gang;
    if (task->tenant == tenant && !Within(held_.tenant_used + both, tenant->limit)) return false;
    const Cohort* const cohort = tenant->cohort;
    return cohort == nullptr || task->tenant->cohort != cohort || Within(held_.cohort_used + both, cohort->limit);
  }

  // One member after the other where it takes the fewest places from the reserved job.
  bool ChooseSparingly(const Task* task, std::vector<int32_t>* nodes) const {
    const Resources& member = task->needs.member;
    const Resources& reserved = held_.job->needs.member;
    struct Choice {
      int64_t costs;
      int32_t node;
      int64_t before;  // members on the node
      bool operator>(const Choice& other) const { return std::pair(costs, node) > std::pair(other.costs, other.node); }
    };
    std::priority_queue<Choice, std::vector<Choice>, std::greater<>> choices;
    const auto offer = [&](int32_t node, int64_t before) {
      const Resources& room = held_.room[static_cast<size_t>(node)];
      const int64_t costs = Places(room - member * before, reserved) - Places(room - member * (before + 1), reserved);
      choices.push({costs, node, before});
    };
    for (int32_t node = 0; (node = available_.Next(node, member)) != -1; ++node) offer(node, 0);
    nodes->clear();
    int64_t spare = held_.spare;
    for (int64_t i = 0; i < task->needs.members; ++i) {
      if (choices.empty() || choices.top().costs > spare) return false;
      const Choice choice = choices.top();
      choices.pop();
      spare -= choice.costs;
      nodes->push_back(choice.node);
      if (Within(member * (choice.before + 2), available_[choice.node])) offer(choice.node, choice.before + 1);
    }
    std::sort(nodes->begin(), nodes->end());
    return true;
  }

  bool TryStart(Task* task) {
    std::vector<int32_t> nodes;
    if (!IsStartable(task, &nodes)) return false;
    Start(task, std::move(nodes));
    return true;
  }

  // ---- 1. Filling

  void Fill() {
    for (auto next = waiting_.begin(); next != waiting_.end();) {
      Tenant* const tenant = *next++;
      if (held_.job != nullptr && held_.job->tenant == tenant && TryStart(held_.job)) {
        next = waiting_.begin();  // the reservation holds up nobody any more
        continue;
      }
      Task* const first = *tenant->queued.begin();
      if (first == held_.job || !TryStart(first)) continue;
      // One member after the other: what has no place may have one when others have taken theirs.
      if (std::exchange(went_wrong_, false)) {
        next = waiting_.begin();
        continue;
      }
      // Its share has grown; its turn may come again before the next tenant's.
      const auto again = waiting_.find(tenant);
      if (again != waiting_.end() && (next == waiting_.end() || LessShare()(tenant, *next))) next = again;
    }
  }

  // ---- 2. Reclaim

  bool Reclaim() {
    for (const Tenant* tenant : waiting_) {
      Task* const task = *tenant->queued.begin();
      if (tenant->cohort == nullptr || task->preempted == now_) continue;
      if (!Within(tenant->used + task->needs.gang, tenant->quota.quota)) continue;
      const std::vector<JobId> victims = Victims(task);
      for (const JobId victim : victims) actions_->Preempt(victim);  // OnStop does the rest
      if (!victims.empty()) return TryStart(task);
    }
    return false;
  }

  // The jobs to preempt, in order; none if that would not help. Tries it out: what it releases it occupies again.
  std::vector<JobId> Victims(const Task* task) {
    std::vector<int32_t> nodes;
    std::vector<Task*> victims;
    bool helps = false;
    std::priority_queue<std::pair<Task*, Tenant*>, std::vector<std::pair<Task*, Tenant*>>, MoreDeserving> least;
    for (Tenant* tenant : task->tenant->cohort->tenants) {
      if (tenant != task->tenant && tenant->IsAboveQuota() && !tenant->running.empty()) {
        least.emplace(*tenant->running.begin(), tenant);
      }
    }
    while (!helps && !least.empty()) {
      const auto [victim, tenant] = least.top();
      least.pop();
      if (!tenant->IsAboveQuota()) continue;  // nor will it be again
      if (const auto next = tenant->running.upper_bound(victim); next != tenant->running.end()) {
        least.emplace(*next, tenant);
      }
      if (!victim->preemptible || victim->started == now_) continue;
      Release(victim);
      victims.push_back(victim);
      helps = IsStartable(task, &nodes);
    }
    // Some may have been in vain: the most deserving are the first to be spared. Beside a reservation a choice of nodes
    // may come out better with less room, so until nobody else can be.
    for (bool again = helps; std::exchange(again, false);) {
      for (auto victim = victims.rbegin(); victim != victims.rend(); ++victim) {
        Occupy(*victim);
        if (IsStartable(task, &nodes)) {
          *victim = nullptr;
          again = true;
        } else {
          Release(*victim);
        }
      }
      std::erase(victims, nullptr);
    }
    std::vector<JobId> needed;
    for (const Task* victim : victims) {
      Occupy(victim);
      if (helps) needed.push_back(victim->id);
    }
    return needed;
  }

  struct MoreDeserving {
    bool operator()(const std::pair<Task*, Tenant*>& a, const std::pair<Task*, Tenant*>& b) const {
      return LessDeserving()(b.first, a.first);
    }
  };

  // ---- 3. Backfill

  void Backfill() {
    if (queue_.size() == 0) return;
    const std::pair<Time, JobId> last = queue_.At(std::min(depth_, queue_.size()) - 1)->Order();
    if (held_.job == nullptr) HoldUp();
    if (held_.job != nullptr && std::exchange(held_.promised, held_.at) != held_.at) {
      actions_->Reserve(held_.job->id, held_.at);
    }

    const auto may_start = [&](const Needs& needs) { return Within(needs.gang, all_free_) && !HasFailed(needs); };
    Task* task = nullptr;
    while ((task = queue_.Next(task, may_start)) != nullptr && task->Order() <= last) TryStart(task);
  }

  // Reserves for the first job that is held up.
  void HoldUp() {
    std::vector<int32_t> nodes;
    for (const Tenant* tenant : waiting_) {
      Task* const task = *tenant->queued.begin();
      if (!IsWithinLimits(task) || task->hopeless == nodes_came_up_) continue;
      if (available_.Choose(task->needs.members, task->needs.member, &nodes)) continue;
      if (Reserve(task)) return;
      task->hopeless = nodes_came_up_;
    }
  }

  // At the earliest time at which the job fits if nothing else starts; false if it never does.
  bool Reserve(Task* task) {
    const Resources& member = task->needs.member;
    const auto members = static_cast<size_t>(task->needs.members);
    // The times at which there is one place more, the earliest `members` of them, the latest first.
    std::priority_queue<Time> times;
    for (size_t n = 0; n < free_.size(); ++n) {
      if (!up_[n]) continue;
      if (times.size() == members && next_end_[n] >= times.top() && !Within(member, free_[n])) continue;
      Resources room = free_[n], wanted = member;
      Time at = now_;
      for (size_t i = 0, places = 0; places < members;) {
        if (times.size() == members && at >= times.top()) break;
        if (Within(wanted, room)) {
          if (times.size() == members) times.pop();
          times.push(at);
          wanted = wanted + member;
          ++places;
        } else if (i < endings_[n].size()) {
          at = endings_[n][i].at;
          room = room + endings_[n][i++].held;
        } else {
          break;
        }
      }
    }
    if (times.size() < members) return false;

    held_.at = times.top();
    held_.promised = kUnknown;
    held_.room = free_;
    held_.places.assign(free_.size(), 0);
    held_.spare = -task->needs.members;
    held_.tenant_used = task->tenant->used;
    held_.cohort_used = task->tenant->cohort == nullptr ? Resources() : task->tenant->cohort->used;
    held_.job = task;
    spared_ = available_;  // but for the nodes that have places
    for (size_t n = 0; n < free_.size(); ++n) {
      for (size_t i = 0; next_end_[n] <= held_.at && i < endings_[n].size(); ++i) {
        const Ending& ending = endings_[n][i];
        if (ending.at > held_.at) break;
        held_.room[n] = held_.room[n] + ending.held;
        if (ending.tenant == task->tenant) held_.tenant_used = held_.tenant_used - ending.held;
        if (ending.tenant->cohort == task->tenant->cohort) held_.cohort_used = held_.cohort_used - ending.held;
      }
      if (Within(member, held_.room[n])) Refresh(static_cast<int32_t>(n));
    }
    return true;
  }

  // Back to the earliest time, after jobs have ended early: step by step, to the latest end before.
  void MoveReservation() {
    while (held_.at > now_) {
      const Time at = held_.at;
      const auto first = by_end_.lower_bound({at, INT64_MIN}), last = by_end_.upper_bound({at, INT64_MAX});
      held_.at = first == by_end_.begin() ? now_ : std::max(now_, std::prev(first)->first.first);
      for (auto ending = first; ending != last; ++ending) TakeFromRoom(ending->second, 1);
      const Tenant* const tenant = held_.job->tenant;
      const Resources& gang = held_.job->needs.gang;
      if (held_.spare >= 0 && Within(held_.tenant_used + gang, tenant->limit) &&
          (tenant->cohort == nullptr || Within(held_.cohort_used + gang, tenant->cohort->limit))) {
        continue;
      }
      held_.at = at;
      for (auto ending = first; ending != last; ++ending) TakeFromRoom(ending->second, -1);
      return;
    }
  }

  // A running job holds what it has at the time of the reservation, too (sign 1), or no longer (-1).
  void TakeFromRoom(const Task* task, int64_t sign) {
    const Resources gang = task->needs.gang * sign;
    if (task->tenant == held_.job->tenant) held_.tenant_used = held_.tenant_used + gang;
    if (task->tenant->cohort == held_.job->tenant->cohort) held_.cohort_used = held_.cohort_used + gang;
    ForEachNode(task, [&](int32_t node, int64_t members) {
      const auto n = static_cast<size_t>(node);
      held_.room[n] = held_.room[n] - task->needs.member * (sign * members);
      Refresh(node);
    });
  }

  const Sharing sharing_;
  const bool reclaims_;
  const int64_t depth_;  // 0: no backfill

  std::vector<bool> up_;
  std::vector<Resources> free_;               // of each node, up or down
  std::vector<std::vector<Ending>> endings_;  // of each node, in order of time; for backfill
  std::vector<Time> next_end_;                // the first of these
  Resources capacity_, all_free_;             // of all nodes; of those that are up
  int64_t nodes_came_up_ = 0;
  NodeTree available_;  // what is free now
  NodeTree spared_;     // what may be used beyond held_.at without taking a place from held_.job, if there is one
  Reservation held_;
  // Needs for which there were no nodes: none that are as great or greater are tried until something is given back.
  std::vector<Needs> failed_;
  bool went_wrong_ = false;  // ChooseSparingly, but not for every job that needs as much

  std::unordered_map<JobId, Task> tasks_;  // looked up only: nothing depends on its order
  std::map<int32_t, Tenant> tenants_;
  std::map<int32_t, Cohort> cohorts_;
  std::set<Tenant*, LessShare> waiting_;            // those with queued jobs
  JobQueue queue_;                                  // for backfill
  std::map<std::pair<Time, JobId>, Task*> by_end_;  // running jobs, for backfill

  bool is_earlier_ = false;  // perhaps, what held_.job waits for
  Time now_ = 0;
  Actions* actions_ = nullptr;
};

bool MakesSense(const Quota& quota) {
  const Resources none;
  return quota.tenant >= 0 && quota.cohort >= -1 && std::isfinite(quota.weight) && quota.weight >= 0 &&
         Within(none, quota.quota) && Within(none, quota.borrowing_limit);
}

}  // namespace
}  // namespace q07

extern "C" q07::Scheduler* q07_sharing_create(const q07::ClusterConfig& cluster, const q07::SharingConfig& config) {
  if (config.sharing != q07::Sharing::kFairShare && config.sharing != q07::Sharing::kDominant) return nullptr;
  std::set<int32_t> tenants;
  for (const q07::Quota& quota : config.quotas) {
    if (!q07::MakesSense(quota) || !tenants.insert(quota.tenant).second) return nullptr;
  }
  return new q07::SharingScheduler(cluster, config);
}

extern "C" void q07_sharing_set_quota(q07::Scheduler* scheduler, const q07::Quota& quota) {
  if (q07::MakesSense(quota)) static_cast<q07::SharingScheduler*>(scheduler)->SetQuota(quota);
}
