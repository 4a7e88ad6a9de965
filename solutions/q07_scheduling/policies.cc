// Q7 part A, reference. A policy is an order of the jobs and a walk along it; what takes time is to find the next job
// that fits. So the queue is a search tree which knows, of each subtree, the least that any job in it needs: a walk
// goes from one job that can start to the next in O(log n), however many that cannot are between them.
//
// What changes with time does so at known instants (a job reaches its expected end, or the next threshold), and the
// order is kept between those: nothing is sorted again at a Decide.
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/api.h"

namespace q07 {
namespace {

constexpr Time kNever = INT64_MAX;

// For a >= 0: later than kNever is kNever.
Time Plus(Time a, Time b) { return b >= kNever - a ? kNever : a + b; }

// When a job that is expected to run for `length` ends: for a length that has passed, twice that, and so on.
Time ExpectedEnd(Time started, Time length, Time now) {
  while (length != kNever && Plus(started, length) <= now) length = Plus(length, length);
  return length == kNever ? kNever : Plus(started, length);
}

// ------------------------------------------------------------------------------------------------ jobs in an order

// Where a job stands: by the policy's value, the least first, then by submission, then by id.
struct Key {
  int64_t value = INT64_MIN;
  Time submit = INT64_MIN;
  JobId id = INT64_MIN;
  auto operator<=>(const Key&) const = default;
};

// What makes a job startable or not, by comparison: no job of a set is if one with the least of each is not.
struct Needs {
  int64_t gpu = 0;
  Time estimate = 0;  // kNever: unknown
  Time phase = 0;     // kPriority: when in an ageing interval it gets older
};

struct Task {
  JobId id = 0;
  Time submit = 0;
  int64_t priority = 0;
  Needs needs;
  Time ran = 0;           // in its earlier runs
  Time started = 0;       // of the run that goes on
  Time place = kUnknown;  // kConservative
  Key key;                // in the queue, or among the running jobs

  Time promised = kUnknown;  // kConservative: the place that has been promised

  // JobQueue's.
  Needs least;  // of its subtree
  Task* left = nullptr;
  Task* right = nullptr;
  int64_t count = 1;  // of its subtree
  uint64_t rank = 0;  // a heap by rank, the root has the greatest
};

// The queued jobs in the order of their keys: a treap.
class JobQueue {
 public:
  int64_t size() const { return Count(root_); }
  Task* First() const { return At(0); }

  // The job with `index` others before it; nullptr if there are no more than that.
  Task* At(int64_t index) const {
    Task* task = root_;
    while (task != nullptr && index != Count(task->left)) {
      const bool right = index > Count(task->left);
      if (right) index -= Count(task->left) + 1;
      task = right ? task->right : task->left;
    }
    return task;
  }

  // The first job behind `after` whose needs are `wanted`, which must be true of lesser needs wherever it is of
  // greater.
  template <typename Wanted>
  Task* Next(const Key& after, const Wanted& wanted) const {
    return Next(root_, after, wanted);
  }

  template <typename Visit>
  void ForEach(const Visit& visit) const {
    ForEach(root_, visit);
  }

  void Insert(Task* task) {
    // Random ranks make a balanced tree; these come from a sequence of their own, the same in each run (xorshift64).
    random_ ^= random_ << 13, random_ ^= random_ >> 7, random_ ^= random_ << 17;
    task->rank = random_;
    task->left = task->right = nullptr;
    Update(task);
    const auto [before, behind] = Split(root_, task->key);
    root_ = Join(Join(before, task), behind);
  }

  void Erase(Task* task) { root_ = Without(root_, task); }

 private:
  static int64_t Count(const Task* task) { return task == nullptr ? 0 : task->count; }

  static void Update(Task* task) {
    task->count = 1 + Count(task->left) + Count(task->right);
    task->least = task->needs;
    for (const Task* child : {task->left, task->right}) {
      if (child == nullptr) continue;
      task->least.gpu = std::min(task->least.gpu, child->least.gpu);
      task->least.estimate = std::min(task->least.estimate, child->least.estimate);
      task->least.phase = std::min(task->least.phase, child->least.phase);
    }
  }

  static std::pair<Task*, Task*> Split(Task* task, const Key& at) {  // keys < at, and the others
    if (task == nullptr) return {nullptr, nullptr};
    std::pair<Task*, Task*> parts;
    if (task->key < at) {
      parts = Split(task->right, at);
      task->right = std::exchange(parts.first, task);
    } else {
      parts = Split(task->left, at);
      task->left = std::exchange(parts.second, task);
    }
    Update(task);
    return parts;
  }

  static Task* Join(Task* before, Task* behind) {
    if (before == nullptr || behind == nullptr) return before == nullptr ? behind : before;
    Task* const root = before->rank > behind->rank ? before : behind;
    if (root == before) {
      root->right = Join(root->right, behind);
    } else {
      root->left = Join(before, root->left);
    }
    Update(root);
    return root;
  }

  static Task* Without(Task* root, Task* task) {
    if (root == task) return Join(task->left, task->right);
    Task*& child = task->key < root->key ? root->left : root->right;
    child = Without(child, task);
    Update(root);
    return root;
  }

  template <typename Wanted>
  static Task* Next(Task* task, const Key& after, const Wanted& wanted) {
    if (task == nullptr || !wanted(task->least)) return nullptr;
    if (after < task->key) {
      if (Task* const found = Next(task->left, after, wanted)) return found;
      if (wanted(task->needs)) return task;
    }
    return Next(task->right, after, wanted);
  }

  template <typename Visit>
  static void ForEach(Task* task, const Visit& visit) {
    if (task == nullptr) return;
    ForEach(task->left, visit);
    visit(task);
    ForEach(task->right, visit);
  }

  Task* root_ = nullptr;
  uint64_t random_ = 0x9e3779b97f4a7c15;
};

// The running jobs in the order of their keys.
using RunningJobs = std::map<Key, Task*>;

// ------------------------------------------------------------------------------------------------ all policies

class PolicyScheduler : public Scheduler {
 public:
  explicit PolicyScheduler(int64_t gpu_milli) : free_(gpu_milli) {}

  void OnSubmit(const Job& job) final {
    Task& task = tasks_[job.id];
    task.id = job.id;
    task.submit = job.submit;
    task.priority = job.priority;
    task.needs.gpu = job.demand.gpu_milli;
    task.needs.estimate = job.estimate == kUnknown ? kNever : job.estimate;
    Queue(&task);
  }

  void OnStop(JobId id, StopReason reason, Time ran) final {
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) return;
    Task* const task = &found->second;
    free_ += task->needs.gpu;
    const bool gone = reason == StopReason::kFinished || reason == StopReason::kKilled;
    OnStopped(task, task->started + ran, gone);
    task->ran += ran;
    if (gone) {
      tasks_.erase(found);
    } else {
      Queue(task);
    }
  }

  void OnNode(int32_t, bool) final {}

 protected:
  // By which a queued job is ordered, after which come submission and id. May set needs.phase.
  virtual int64_t QueuedBy(Task* task) const = 0;
  virtual void OnQueued(Task*) {}
  virtual void OnStarted(Task*, Time) {}
  virtual void OnStopped(Task*, Time, bool) {}

  bool Fits(const Task* task) const { return task->needs.gpu <= free_; }

  void Start(Task* task, Time now, Actions& actions) {
    queue_.Erase(task);
    free_ -= task->needs.gpu;
    task->started = now;
    OnStarted(task, now);
    actions.Start(task->id);
  }

  int64_t free_;
  JobQueue queue_;

 private:
  void Queue(Task* task) {
    const int64_t value = QueuedBy(task);
    task->key = {value, task->submit, task->id};
    queue_.Insert(task);
    OnQueued(task);
  }

  std::unordered_map<JobId, Task> tasks_;  // looked up only: nothing depends on its order
};

// ------------------------------------------------------------------------------------------------ one after the other

// kFifo, kSjf: the first job starts or holds up all others.
class InOrder : public PolicyScheduler {
 public:
  InOrder(int64_t gpu_milli, bool shortest_first) : PolicyScheduler(gpu_milli), shortest_first_(shortest_first) {}

  void Decide(Time now, Actions& actions) final {
    for (Task* task; (task = FirstAt(now)) != nullptr && Fits(task);) Start(task, now, actions);
  }

 protected:
  virtual Task* FirstAt(Time) const { return queue_.First(); }

  int64_t QueuedBy(Task* task) const override { return shortest_first_ ? task->needs.estimate : 0; }

 private:
  const bool shortest_first_;
};

// kPriority. With submit = a * interval + phase and now = n * interval + m, the effective priority is
//   priority + floor((now - submit) / interval) = n - (a - priority) - (phase > m ? 1 : 0).
// So jobs are ordered by a - priority, which time does not change. The greatest effective priority is found among those
// with the least such value and, unless one of them has phase <= m, those with the next.
class Ageing final : public InOrder {
 public:
  Ageing(int64_t gpu_milli, Time interval) : InOrder(gpu_milli, false), interval_(interval) {}

 protected:
  int64_t QueuedBy(Task* task) const override {
    if (interval_ == 0) return -task->priority;
    task->needs.phase = task->submit % interval_;
    return task->submit / interval_ - task->priority;
  }

  Task* FirstAt(Time now) const override {
    Task* const first = queue_.First();
    if (first == nullptr) return nullptr;
    const Time m = interval_ == 0 ? 0 : now % interval_;
    const auto is_older = [m](const Needs& needs) { return needs.phase <= m; };
    const int64_t value = first->key.value;
    Task* const older = queue_.Next({.value = value}, is_older);
    if (older != nullptr && older->key.value == value) return older;
    // All with this value are still one younger: as old as those of the next value that are older.
    Task* const next = queue_.Next({.value = value + 1}, is_older);
    const bool is_next = next != nullptr && next->key.value == value + 1 &&
                         std::pair(next->submit, next->id) < std::pair(first->submit, first->id);
    return is_next ? next : first;
  }

 private:
  const Time interval_;
};

// ------------------------------------------------------------------------------------------------ preemptive

// The jobs that should run are found by a walk along two orders at once, of the queued and of the running jobs.
class Preemptive : public PolicyScheduler {
 public:
  using PolicyScheduler::PolicyScheduler;

  void Decide(Time now, Actions& actions) final {
    Advance(now);
    Task* queued = queue_.First();
    if (queued == nullptr) return;
    // The running jobs before the first queued one run on: they all fit, as they do now. The others have to find room.
    auto running = running_.lower_bound(AmongRunning(queued->key, now));
    int64_t left = free_;
    for (auto it = running; it != running_.end(); ++it) left += it->second->needs.gpu;

    const auto fits = [&left](const Needs& needs) { return needs.gpu <= left; };
    std::vector<Task*> starts, preempted;
    if (!fits(queued->needs)) queued = queue_.Next(queued->key, fits);
    while (queued != nullptr || running != running_.end()) {
      const bool start =
          queued != nullptr && (running == running_.end() || AmongRunning(queued->key, now) < running->first);
      Task* const task = start ? queued : running++->second;
      if (fits(task->needs)) {
        left -= task->needs.gpu;
        if (start) starts.push_back(task);
      } else {
        preempted.push_back(task);  // it runs: a queued one has been asked whether it fits
      }
      if (queued != nullptr && (start || !fits(queued->needs))) queued = queue_.Next(queued->key, fits);
    }
    for (const Task* task : preempted) actions.Preempt(task->id);
    for (Task* task : starts) Start(task, now, actions);
  }

 protected:
  // Brings the keys of the running jobs up to now.
  virtual void Advance(Time now) = 0;
  // Where a queued job stands among the running ones.
  virtual Key AmongRunning(const Key& queued, Time now) const = 0;

  RunningJobs running_;
};

// kSrtf. Running jobs are ordered by their expected end, which stays while the remaining time shrinks; for a queued job
// that is now + its remaining time.
class ShortestRemaining final : public Preemptive {
 public:
  using Preemptive::Preemptive;

 protected:
  int64_t QueuedBy(Task* task) const override {
    const Time total = ExpectedEnd(0, task->needs.estimate, task->ran);
    return total == kNever ? kNever : total - task->ran;
  }

  Key AmongRunning(const Key& queued, Time now) const override {
    return {Plus(now, queued.value), queued.submit, queued.id};
  }

  void OnStarted(Task* task, Time now) override { Run(task, now); }
  void OnStopped(Task* task, Time, bool) override { running_.erase(task->key); }

  void Advance(Time now) override {
    while (!running_.empty() && running_.begin()->first.value <= now) {
      Task* const task = running_.begin()->second;
      running_.erase(running_.begin());
      Run(task, now);
    }
  }

 private:
  void Run(Task* task, Time now) {
    // As if it had run all the time that it has run right before its latest start.
    task->key.value = ExpectedEnd(task->started - task->ran, task->needs.estimate, now);
    running_.emplace(task->key, task);
  }
};

// kLeastAttained. A running job changes its queue at instants that are known beforehand.
class LeastAttained final : public Preemptive {
 public:
  LeastAttained(int64_t gpu_milli, std::span<const int64_t> thresholds)
      : Preemptive(gpu_milli), thresholds_(thresholds.begin(), thresholds.end()) {}

 protected:
  int64_t QueuedBy(Task* task) const override { return QueueAfter(task, task->ran); }
  Key AmongRunning(const Key& queued, Time) const override { return queued; }
  void OnStarted(Task* task, Time now) override { Run(task, now); }

  void OnStopped(Task* task, Time, bool) override {
    running_.erase(task->key);
    changes_.erase({NextChange(task), task->key});
  }

  void Advance(Time now) override {
    while (!changes_.empty() && changes_.begin()->first <= now) {
      Task* const task = running_.at(changes_.begin()->second);
      changes_.erase(changes_.begin());
      running_.erase(task->key);
      Run(task, now);
    }
  }

 private:
  // The run time that it takes a job to attain thresholds_[i].
  Time Reaches(const Task* task, size_t i) const {
    if (thresholds_[i] <= 0) return 0;
    return task->needs.gpu == 0 ? kNever : (thresholds_[i] - 1) / task->needs.gpu + 1;
  }

  int64_t QueueAfter(const Task* task, Time ran) const {
    size_t queue = 0;
    while (queue < thresholds_.size() && Reaches(task, queue) <= ran) ++queue;
    return static_cast<int64_t>(queue);
  }

  Time NextChange(const Task* task) const {
    const auto queue = static_cast<size_t>(task->key.value);
    if (queue == thresholds_.size()) return kNever;
    return Plus(task->started, Reaches(task, queue) - task->ran);
  }

  void Run(Task* task, Time now) {
    task->key.value = QueueAfter(task, task->ran + (now - task->started));
    running_.emplace(task->key, task);
    changes_.emplace(NextChange(task), task->key);
  }

  const std::vector<int64_t> thresholds_;
  std::set<std::pair<Time, Key>> changes_;  // of the running jobs' queues
};

// ------------------------------------------------------------------------------------------------ backfill

// Queued jobs by submission, running jobs by their expected end.
class Backfill : public PolicyScheduler {
 public:
  Backfill(int64_t gpu_milli, bool promises) : PolicyScheduler(gpu_milli), promises_(promises) {}

 protected:
  int64_t QueuedBy(Task*) const override { return 0; }
  void OnStarted(Task* task, Time now) override { Run(task, now); }
  void OnStopped(Task* task, Time, bool) override { running_.erase(task->key); }

  void Advance(Time now) {
    while (!running_.empty() && running_.begin()->first.value <= now) {
      Task* const task = running_.begin()->second;
      running_.erase(running_.begin());
      Run(task, now);
    }
  }

  const bool promises_;  // jobs end by their estimates, so that promises can be kept
  RunningJobs running_;

 private:
  void Run(Task* task, Time now) {
    task->key.value = ExpectedEnd(task->started, task->needs.estimate, now);
    running_.emplace(task->key, task);
  }
};

class Easy final : public Backfill {
 public:
  Easy(int64_t gpu_milli, bool promises, int64_t depth) : Backfill(gpu_milli, promises), depth_(depth) {}

  void Decide(Time now, Actions& actions) override {
    Advance(now);
    Task* head;
    while ((head = queue_.First()) != nullptr && Fits(head)) Start(head, now, actions);
    if (head == nullptr) return;

    int64_t extra = free_ - head->needs.gpu;  // at the shadow time, beside the head
    Time shadow = now;
    for (auto it = running_.begin(); it != running_.end() && (extra < 0 || it->first.value == shadow); ++it) {
      shadow = it->first.value;  // all that end at that time count
      extra += it->second->needs.gpu;
    }
    if (extra < 0) shadow = kNever;

    if (depth_ > 0 && queue_.size() > 1) {
      const auto can_start = [&](const Needs& needs) {
        return needs.gpu <= free_ && (needs.gpu <= extra || Plus(now, needs.estimate) <= shadow);
      };
      const Key last = queue_.At(std::min(depth_, queue_.size() - 1))->key;
      Key at = head->key;
      for (Task* task; (task = queue_.Next(at, can_start)) != nullptr && task->key <= last;) {
        at = task->key;
        if (Plus(now, task->needs.estimate) > shadow) extra -= task->needs.gpu;
        Start(task, now, actions);
      }
    }
    if (promises_ && shadow != kNever) actions.Reserve(head->id, shadow);
  }

 private:
  const int64_t depth_;
};

// The free GPUs as a function of time: from each step's time to the next one's, and after the last for ever. Steps are
// in blocks that know the most and the least in them, so that a search or a change goes over blocks, and into few of
// them.
class Profile {
 public:
  void Reset(Time now, int64_t free) { blocks_.assign(1, Block({{now, free}})); }

  // Forgets what was before now.
  void Trim(Time now) {
    const auto [block, step] = Find(now);
    blocks_.erase(blocks_.begin(), blocks_.begin() + block);
    std::vector<Step>& steps = blocks_[0].steps;
    steps.erase(steps.begin(), steps.begin() + step);
    steps[0].at = std::max(steps[0].at, now);
    blocks_[0].Update();
  }

  // Within [from, to); to may be kNever.
  void Add(Time from, Time to, int64_t gpu) {
    if (from >= to) return;
    if (to != kNever) MakeStep(to);
    MakeStep(from);
    const auto [first, begin] = Find(from);
    const auto [last, end] = to == kNever ? Position(std::ssize(blocks_), 0) : Find(to);
    for (ptrdiff_t i = first; i < std::ssize(blocks_) && i <= last; ++i) {
      Block& block = blocks_[i];
      const ptrdiff_t size = std::ssize(block.steps);
      block.Add(i == first ? begin : 0, i == last ? end : size, gpu);
    }
    // Steps that have become level with the one before go, so that there are no more than two for each job.
    if (to != kNever) EraseIfLevel(to);
    EraseIfLevel(from);
  }

  // From when on `gpu` are free for `duration`, or from `until` on as if they were.
  Time Earliest(int64_t gpu, Time duration, Time until) const {
    Time start = kNever;  // since when there has been room
    for (const Block& block : blocks_) {
      if (start == kNever ? block.most < gpu : block.least >= gpu) continue;
      for (const auto& [at, free] : block.steps) {
        if (at >= until) return std::min(start, until);
        if (start != kNever && at - start >= duration) return start;
        if (free + block.more < gpu) {
          start = kNever;
        } else {
          start = std::min(start, at);
        }
      }
    }
    return std::min(start, until);
  }

 private:
  struct Step {
    Time at;
    int64_t free;  // less what its block has more
  };

  struct Block {
    explicit Block(std::vector<Step> of) : steps(std::move(of)) { Update(); }

    void Update() {
      const auto [low, high] =
          std::minmax_element(steps.begin(), steps.end(), [](Step a, Step b) { return a.free < b.free; });
      least = low->free + more;
      most = high->free + more;
    }

    void Add(ptrdiff_t begin, ptrdiff_t end, int64_t gpu) {
      if (begin == 0 && end == std::ssize(steps)) {
        more += gpu, least += gpu, most += gpu;
        return;
      }
      for (ptrdiff_t i = begin; i < end; ++i) steps[i].free += gpu;
      Update();
    }

    std::vector<Step> steps;  // at least one
    int64_t more = 0;         // in all of them
    int64_t least = 0, most = 0;
  };

  using Position = std::pair<ptrdiff_t, ptrdiff_t>;  // a block, and a step in it

  // The last step that is not after `at`.
  Position Find(Time at) const {
    const auto is_after = [](Time time, const auto& one) { return time < one.at; };
    const auto block = std::upper_bound(blocks_.begin(), blocks_.end(), at,
                                        [](Time time, const Block& one) { return time < one.steps[0].at; }) -
                       1;
    const auto step = std::upper_bound(block->steps.begin(), block->steps.end(), at, is_after) - 1;
    return {block - blocks_.begin(), step - block->steps.begin()};
  }

  void MakeStep(Time at) {
    constexpr ptrdiff_t kMost = 48;  // steps in a block
    const auto [i, step] = Find(at);
    std::vector<Step>& steps = blocks_[i].steps;
    if (steps[step].at == at) return;
    steps.insert(steps.begin() + step + 1, {at, steps[step].free});
    if (std::ssize(steps) < kMost) return;
    Block half(std::vector<Step>(steps.begin() + kMost / 2, steps.end()));
    half.more = blocks_[i].more;
    half.Update();
    steps.resize(kMost / 2, {});
    blocks_[i].Update();
    blocks_.insert(blocks_.begin() + i + 1, std::move(half));
  }

  void EraseIfLevel(Time at) {
    const auto [i, step] = Find(at);
    if (i == 0 && step == 0) return;
    Block& block = blocks_[i];
    const Block& before = step > 0 ? block : blocks_[i - 1];
    const Step& previous = step > 0 ? block.steps[step - 1] : before.steps.back();
    if (previous.free + before.more != block.steps[step].free + block.more) return;
    block.steps.erase(block.steps.begin() + step);
    if (block.steps.empty()) {
      blocks_.erase(blocks_.begin() + i);
    } else if (step == 0) {
      block.Update();  // otherwise the one before has the same
    }
  }

  std::vector<Block> blocks_;
};

// The profile holds what runs and all places. As long as jobs end when they are expected to, and new ones come last,
// nothing in it moves; only an earlier end makes it worth while to look for earlier places.
class Conservative final : public Backfill {
 public:
  using Backfill::Backfill;

  void Decide(Time now, Actions& actions) override {
    if (!promises_ || void_) {
      MakePlaces(now);
    } else {
      profile_.Trim(now);
      if (freed_) {
        while (MovePlaces()) {
        }
      } else {
        std::sort(unplaced_.begin(), unplaced_.end(), [](Task* a, Task* b) { return a->key < b->key; });
        for (Task* task : unplaced_) MovePlace(task);
      }
    }
    void_ = freed_ = false;
    unplaced_.clear();

    std::vector<Task*> starts;
    queue_.ForEach([&](Task* task) {
      if (task->place == now) {
        starts.push_back(task);
      } else if (promises_ && task->place != task->promised) {
        task->promised = task->place;
        actions.Reserve(task->id, task->place);
      }
    });
    for (Task* task : starts) Start(task, now, actions);
  }

 protected:
  void OnQueued(Task* task) override {
    task->place = task->promised = kUnknown;
    unplaced_.push_back(task);
  }

  void OnStopped(Task* task, Time now, bool gone) override {
    if (gone) {
      freed_ |= now < task->key.value;
      if (promises_ && !void_) profile_.Add(now, task->key.value, task->needs.gpu);
    } else {
      void_ = true;  // one that has had its place is in front of others again
    }
    Backfill::OnStopped(task, now, gone);
  }

 private:
  void MakePlaces(Time now) {
    Advance(now);
    profile_.Reset(now, free_);
    for (const auto& [key, task] : running_) profile_.Add(key.value, kNever, task->needs.gpu);
    queue_.ForEach([](Task* task) { task->place = task->promised = kUnknown; });
    MovePlaces();
  }

  // Whether a place is another one than before.
  bool MovePlaces() {
    bool moved = false;
    queue_.ForEach([&](Task* task) { moved |= MovePlace(task); });
    return moved;
  }

  bool MovePlace(Task* task) {
    const auto [gpu, estimate, phase] = task->needs;
    const Time before = task->place == kUnknown ? kNever : task->place;
    const Time place = profile_.Earliest(gpu, estimate, before);
    const bool moves = place != task->place;
    if (place != before) {
      profile_.Add(before, Plus(before, estimate), gpu);
      profile_.Add(place, Plus(place, estimate), -gpu);
    }
    task->place = place;
    return moves;
  }

  Profile profile_;
  std::vector<Task*> unplaced_;  // queued since the last Decide
  bool void_ = true;             // no place counts any more
  bool freed_ = false;           // a job has ended before its expected end
};

std::unique_ptr<Scheduler> Create(const ClusterConfig& cluster, const PolicyConfig& config) {
  const int64_t gpu_milli = cluster.nodes.empty() ? 0 : cluster.nodes[0].capacity.gpu_milli;
  const bool promises = cluster.kill_at_estimate;
  switch (config.policy) {
    case Policy::kFifo:
      return std::make_unique<InOrder>(gpu_milli, false);
    case Policy::kSjf:
      return std::make_unique<InOrder>(gpu_milli, true);
    case Policy::kSrtf:
      return std::make_unique<ShortestRemaining>(gpu_milli);
    case Policy::kLeastAttained:
      return std::make_unique<LeastAttained>(gpu_milli, config.thresholds);
    case Policy::kPriority:
      return std::make_unique<Ageing>(gpu_milli, config.ageing_interval);
    case Policy::kEasy:
      return std::make_unique<Easy>(gpu_milli, promises, config.backfill_depth);
    case Policy::kConservative:
      return std::make_unique<Conservative>(gpu_milli, promises);
  }
  return nullptr;
}

}  // namespace
}  // namespace q07

extern "C" q07::Scheduler* q07_policy_create(const q07::ClusterConfig& cluster, const q07::PolicyConfig& config) {
  const auto not_increasing = [](int64_t a, int64_t b) { return a >= b; };
  const auto& thresholds = config.thresholds;
  if (std::adjacent_find(thresholds.begin(), thresholds.end(), not_increasing) != thresholds.end()) return nullptr;
  return q07::Create(cluster, config).release();
}
