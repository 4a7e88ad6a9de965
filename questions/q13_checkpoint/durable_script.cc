#include "questions/q13_checkpoint/durable_script.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "questions/q13_checkpoint/thread_group.h"

namespace q13 {
namespace {

using workbench::FileTree;
using workbench::IoFaults;
using workbench::IoKind;
using workbench::IoOperation;
using workbench::MemoryIo;

// SaveAsync that has not returned after so long, with all Io held, waits for it.
constexpr auto kAsyncPatience = std::chrono::milliseconds(1500);

IoFaults FaultsOf(const FaultPlan& plan, uint64_t seed) {
  IoFaults faults;
  faults.seed = seed;
  faults.rank = plan.rank;
  faults.short_writes = faults.short_reads = plan.short_io != 0;
  faults.interrupt_every = plan.interrupt_every;
  faults.fail_at = plan.at;
  faults.fail_count = plan.count;
  faults.fail_kinds = static_cast<uint32_t>(plan.kinds);
  faults.error = plan.error;
  faults.space = plan.space;
  return faults;
}

// Tensors where a caller has them: at odd addresses, each in memory of its own.
class Tensors {
 public:
  explicit Tensors(const State& state) {
    for (const auto& [name, tensor] : state) {
      TensorView view{name, tensor.info, nullptr};
      if (!tensor.data.empty()) {
        buffers_.emplace_back(tensor.data.size() + 1);
        std::copy(tensor.data.begin(), tensor.data.end(), buffers_.back().begin() + 1);
        view.data = buffers_.back().data() + 1;
      }
      views_.push_back(std::move(view));
    }
  }
  std::vector<TensorView>& views() { return views_; }
  void Overwrite() {
    for (auto& buffer : buffers_) std::fill(buffer.begin(), buffer.end(), std::byte{0xe5});
  }

 private:
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<TensorView> views_;
};

void Make(Mistake mistake, std::vector<TensorView>* views, int64_t* step) {
  static float number = 0;
  if (mistake == Mistake::kTwice) {
    views->push_back({"twice", {Type::kF32, {}}, &number});
    views->push_back({"twice", {Type::kF32, {}}, &number});
  } else if (mistake == Mistake::kNegativeExtent) {
    views->push_back({"negative", {Type::kF32, {-1, -1}}, &number});
  } else if (mistake == Mistake::kOverflow) {
    views->push_back({"huge", {Type::kF64, {int64_t{1} << 32, int64_t{1} << 31, 2}}, &number});
  } else if (mistake == Mistake::kNegativeStep) {
    *step = -5;
  }
}

// One run: what its ranks share.
class Script {
 public:
  Script(StoreCreate create, MemoryIo* io, const DurableRequest& request, const std::vector<Action>& actions, int ranks,
         bool order, ArmedFault* armed)
      : create_(create),
        io_(io),
        request_(request),
        actions_(actions),
        armed_(armed),
        turns_(ranks, request.seed),
        group_(ranks, order ? &turns_ : nullptr) {
    result_.records.resize(actions.size() * static_cast<size_t>(ranks));
    differences_.resize(static_cast<size_t>(ranks));
    for (int rank = 0; rank < ranks; ++rank) views_.push_back(io->ForRank(rank));
    if (order) io->SetBeforeOperation([this](int rank) { turns_.BeforeOperation(rank); });
    if (armed != nullptr) {
      armed->operations.assign(static_cast<size_t>(ranks), 0);
      armed->gathers.assign(static_cast<size_t>(ranks), 0);
    }
  }

  ScriptResult Run() {
    group_.Run([this](int rank) { RunRank(rank); });
    io_->SetBeforeOperation(nullptr);
    result_.misuse = group_.misuse();
    for (const std::string& difference : differences_) {
      if (result_.difference.empty()) result_.difference = difference;
    }
    return std::move(result_);
  }

 private:
  void RunRank(int rank) {
    std::unique_ptr<Store> store = NewStore(rank);
    std::vector<std::unique_ptr<Tensors>> kept;  // SaveAsync's: changed, but there until the end
    for (size_t i = 0; i < actions_.size(); ++i) {
      CallRecord& record = result_.records[i * static_cast<size_t>(group_.size()) + static_cast<size_t>(rank)];
      const bool armed = armed_ != nullptr && static_cast<size_t>(armed_->action) == i;
      if (armed) Arm(rank);
      io_->Mark(rank, BeginMark(static_cast<int64_t>(i)));
      try {
        RunAction(actions_[i], rank, &store, &kept, &record);
      } catch (...) {
        record.code = kThrew;
      }
      io_->Mark(rank, ReturnMark(static_cast<int64_t>(i)));
      if (armed) Disarm(rank);
    }
  }

  std::unique_ptr<Store> NewStore(int rank) {
    StoreConfig config;
    config.io = views_[static_cast<size_t>(rank)].get();
    config.group = group_.rank(rank);
    config.directory = kStoreDirectory;
    config.keep = request_.keep;
    try {
      return std::unique_ptr<Store>(create_(config));
    } catch (...) {
      return nullptr;
    }
  }

  void Arm(int rank) {
    const size_t at = static_cast<size_t>(rank);
    group_.Meet(rank);
    armed_->operations[at] = io_->Counters(rank).operations;
    armed_->gathers[at] = group_.gathers(rank);
    if (rank == 0) {
      io_->SetFaults(armed_->faults);
      if (armed_->lost_rank >= 0) group_.LoseAt(armed_->lost_rank, armed_->gather);
    }
    group_.Meet(rank);
  }

  void Disarm(int rank) {
    const size_t at = static_cast<size_t>(rank);
    armed_->operations[at] = io_->Counters(rank).operations - armed_->operations[at];
    armed_->gathers[at] = group_.gathers(rank) - armed_->gathers[at];
    group_.Meet(rank);
    if (rank == 0) {
      armed_->met = io_->faults_met();
      io_->SetFaults({});
    }
    group_.Meet(rank);
  }

  void RunAction(const Action& action, int rank, std::unique_ptr<Store>* store,
                 std::vector<std::unique_ptr<Tensors>>* kept, CallRecord* record) {
    if (action.kind == ActionKind::kReopen) {
      store->reset();
      *store = NewStore(rank);
      record->code = *store == nullptr ? kNoStore : 0;
      return;
    }
    if (action.kind == ActionKind::kDamage || action.kind == ActionKind::kFaults) {
      group_.Meet(rank);
      if (rank == 0 && action.kind == ActionKind::kDamage) record->code = Damage(action) ? 0 : kNotRun;
      if (rank == 0 && action.kind == ActionKind::kFaults) {
        record->step = io_->faults_met();
        io_->SetFaults(action.fault < 0 ? IoFaults{}
                                        : FaultsOf(request_.faults[static_cast<size_t>(action.fault)], request_.seed));
      }
      group_.Meet(rank);
      return;
    }
    if (*store == nullptr) {
      record->code = kNoStore;
      return;
    }
    switch (action.kind) {
      case ActionKind::kSave:
      case ActionKind::kSaveAsync: {
        auto tensors = std::make_unique<Tensors>(MakeState(action.state, request_.seed, rank));
        int64_t step = action.step;
        if (action.rank < 0 || action.rank == rank) Make(action.mistake, &tensors->views(), &step);
        if (action.kind == ActionKind::kSave) {
          record->code = (*store)->Save(step, tensors->views());
          return;
        }
        if (action.hold != 0) BeginHold(rank);
        record->code = (*store)->SaveAsync(step, tensors->views());
        record->late = action.hold != 0 && released_;
        tensors->Overwrite();
        kept->push_back(std::move(tensors));
        if (action.hold != 0) EndHold(rank);
        return;
      }
      case ActionKind::kWait:
        record->code = (*store)->Wait();
        return;
      case ActionKind::kLoad: {
        State state;
        Add(&state);
        record->code = (*store)->Load(action.step, &state, &record->step);
        if (record->code == 0) {
          record->digest = Digest(state);
          Compare(state, *record, rank);
        } else {
          record->step = -1;
          record->state_left = !state.empty();
        }
        return;
      }
      case ActionKind::kSteps: {
        std::vector<int64_t> steps = {77};  // is to be replaced
        record->code = (*store)->Steps(&steps);
        if (record->code != 0) return;
        record->listed = static_cast<int32_t>(steps.size());
        std::copy_n(steps.begin(), std::min<size_t>(steps.size(), std::size(record->steps)), record->steps);
        return;
      }
      default:
        return;
    }
  }

  // For the finding's words alone: the grader judges by digests.
  void Compare(const State& state, const CallRecord& record, int rank) {
    std::string difference;
    for (const std::vector<Action>* actions : {&request_.main, &request_.recovery}) {
      for (const Action& action : *actions) {
        if ((action.kind != ActionKind::kSave && action.kind != ActionKind::kSaveAsync) || action.step != record.step) {
          continue;
        }
        difference = DifferenceBetween(state, MakeState(action.state, request_.seed, rank));
        if (difference.empty()) return;
      }
    }
    std::string& first = differences_[static_cast<size_t>(rank)];
    if (!difference.empty() && first.empty()) {
      first = "rank " + std::to_string(rank) + ", step " + std::to_string(record.step) + ": " + difference;
    }
  }

  // What was in the caller's state before goes.
  static void Add(State* state) { (*state)["left over"] = {}; }

  // Every rank's Io waits; after a while it goes on all the same, or an answer that waits for it would never end.
  void BeginHold(int rank) {
    group_.Meet(rank);
    if (rank == 0) {
      released_ = false;
      io_->Hold(true);
      const std::lock_guard<std::mutex> lock(hold_mutex_);
      hold_over_ = false;
      watchdog_ = std::thread([this] {
        std::unique_lock<std::mutex> lock(hold_mutex_);
        if (hold_changed_.wait_for(lock, kAsyncPatience, [this] { return hold_over_; })) return;
        released_ = true;
        io_->Hold(false);
      });
    }
    group_.Meet(rank);
  }

  void EndHold(int rank) {
    group_.Meet(rank);
    if (rank == 0) {
      {
        const std::lock_guard<std::mutex> lock(hold_mutex_);
        hold_over_ = true;
      }
      hold_changed_.notify_all();
      watchdog_.join();
      io_->Hold(false);
    }
    group_.Meet(rank);
  }

  bool Damage(const Action& action) {
    const std::vector<IoOperation> log = io_->Log();
    const IoOperation* longest = nullptr;
    for (const bool any_rank : {false, true}) {
      std::vector<bool> inside(static_cast<size_t>(group_.size()));
      for (const IoOperation& operation : log) {
        const size_t rank = static_cast<size_t>(operation.rank);
        if (operation.kind == IoKind::kMark) {
          if (operation.mark == BeginMark(action.target)) inside[rank] = true;
          if (operation.mark == ReturnMark(action.target)) inside[rank] = false;
        } else if (operation.kind == IoKind::kWrite && operation.result > 0 && inside[rank] &&
                   (any_rank || action.rank < 0 || action.rank == operation.rank) &&
                   (longest == nullptr || operation.result > longest->result)) {
          longest = &operation;
        }
      }
      if (longest != nullptr) break;
    }
    if (longest == nullptr) return false;
    // The middle: tensors, where they are long, rather than what stands before or after them.
    for (int64_t i = longest->result / 4; i < longest->result - longest->result / 4; ++i) {
      if (!io_->CorruptNode(longest->node, longest->offset + i, std::byte{0x10})) return false;
    }
    return true;
  }

  StoreCreate create_;
  MemoryIo* io_;
  const DurableRequest& request_;
  const std::vector<Action>& actions_;
  ArmedFault* armed_;
  TurnOrder turns_;
  ThreadGroup group_;
  std::vector<std::unique_ptr<workbench::Io>> views_;
  ScriptResult result_;
  std::vector<std::string> differences_;  // by rank

  std::atomic<bool> released_ = false;
  std::mutex hold_mutex_;
  std::condition_variable hold_changed_;
  bool hold_over_ = false;
  std::thread watchdog_;
};

}  // namespace

FileTree EmptyStore() {
  FileTree tree;
  tree.directories.insert(kStoreDirectory);
  return tree;
}

ScriptResult RunScript(StoreCreate create, MemoryIo* io, const DurableRequest& request,
                       const std::vector<Action>& actions, int ranks, bool order, ArmedFault* armed) {
  return Script(create, io, request, actions, ranks, order, armed).Run();
}

}  // namespace q13
