#include "harness/host/nccl/init_jobs.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace cuda_host::nccl {
namespace {

using Clock = std::chrono::steady_clock;

// True every now and then: looking at processes takes system calls.
class Interval {
 public:
  bool Due() {
    const auto now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return false;
    last_ = now;
    return true;
  }

 private:
  Clock::time_point last_ = Clock::now();
};

ncclResult_t Join(Core* core, const Address& address, int ranks, int rank) {
  std::string error;
  const ncclResult_t result = core->state.Join(address, ranks, rank, &error);
  if (result != ncclSuccess) return SetLastError(result, "making a communicator: " + error);
  core->peers.resize(static_cast<size_t>(ranks));
  return ncclSuccess;
}

// What both jobs end with.
class AllJoined {
 public:
  ncclResult_t Step(const Core& core) {
    const SharedState& state = core.state;
    if (state.AllJoined()) {
      CloseJoinedStates();
      return ncclSuccess;
    }
    if (state.header().failed.load(std::memory_order_acquire) != 0)
      return SetLastError(ncclRemoteError, "making a communicator: another rank could not join, see its error");
    if (!interval_.Due()) return ncclInProgress;
    for (int rank = 0; rank < state.ranks(); ++rank) {
      const std::string gone = state.GoneReason(rank, /*deep=*/true);
      if (gone.empty() || state.AllJoined()) continue;
      state.header().failed.store(1, std::memory_order_release);
      return SetLastError(ncclRemoteError, "making a communicator: " + gone + " before all ranks had joined");
    }
    return ncclInProgress;
  }

  static std::string Waiting(const Core& core) {
    std::string missing;
    for (int rank = 0; rank < core.state.ranks(); ++rank) {
      if (core.state.slot(rank).state.load() == RankState::kAbsent) missing += " " + std::to_string(rank);
    }
    return "rank " + std::to_string(core.state.rank()) + " of " + std::to_string(core.state.ranks()) +
           " in the making of a communicator, for these ranks to join:" + missing;
  }

 private:
  Interval interval_;
};

class InitJob : public Job {
 public:
  explicit InitJob(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::string Waiting() const override { return AllJoined::Waiting(*core_); }

 protected:
  ncclResult_t Step() override { return all_joined_.Step(*core_); }

 private:
  std::shared_ptr<Core> core_;
  AllJoined all_joined_;
};

class SplitJob : public Job {
 public:
  SplitJob(std::shared_ptr<Core> parent, std::shared_ptr<Core> core, int color, int key)
      : parent_(std::move(parent)), core_(std::move(core)), color_(color) {
    RankSlot& mine = parent_->state.mine();
    index_ = mine.splits.load();
    mine.split[index_ % 2] = {color, key, {}};
    mine.splits.store(index_ + 1, std::memory_order_release);
  }

  std::string Waiting() const override {
    if (phase_ == Phase::kJoined) return AllJoined::Waiting(*core_);
    return "rank " + std::to_string(parent_->state.rank()) + " in ncclCommSplit, for rank " +
           std::to_string(waits_for_);
  }

 protected:
  ncclResult_t Step() override {
    if (phase_ == Phase::kColors) {
      for (int rank = 0; rank < parent_->state.ranks(); ++rank) {
        if (parent_->state.slot(rank).splits.load(std::memory_order_acquire) <= index_) return WaitFor(rank);
      }
      if (color_ == NCCL_SPLIT_NOCOLOR) return ncclSuccess;
      FindMembers();
      phase_ = Phase::kAddress;
    }
    if (phase_ == Phase::kAddress) {
      RankSlot& leader = parent_->state.slot(members_.front());
      if (members_.front() == parent_->state.rank()) {
        std::string error;
        const ncclResult_t result = CreateState(&leader.split[index_ % 2].address, &error);
        // Without a state the address is no valid one, which ends the others' waiting too.
        leader.split_addresses.store(index_ + 1, std::memory_order_release);
        if (result != ncclSuccess) return SetLastError(result, "ncclCommSplit: " + error);
      }
      if (leader.split_addresses.load(std::memory_order_acquire) <= index_) return WaitFor(members_.front());
      const auto at = std::find(members_.begin(), members_.end(), parent_->state.rank());
      const ncclResult_t result = Join(core_.get(), leader.split[index_ % 2].address, static_cast<int>(members_.size()),
                                       static_cast<int>(at - members_.begin()));
      if (result != ncclSuccess) return result;
      phase_ = Phase::kJoined;
    }
    return all_joined_.Step(*core_);
  }

 private:
  enum class Phase { kColors, kAddress, kJoined };

  void FindMembers() {
    std::vector<std::pair<int, int>> keys;  // and ranks, which decide between equal keys
    for (int rank = 0; rank < parent_->state.ranks(); ++rank) {
      const SplitRecord& record = parent_->state.slot(rank).split[index_ % 2];
      if (record.color == color_) keys.emplace_back(record.key, rank);
    }
    std::sort(keys.begin(), keys.end());
    for (const auto& [key, rank] : keys) members_.push_back(rank);
  }

  ncclResult_t WaitFor(int rank) {
    waits_for_ = rank;
    if (!interval_.Due()) return ncclInProgress;
    const std::string gone = parent_->state.GoneReason(rank, /*deep=*/true);
    // It may have done its part before it went.
    const RankSlot& slot = parent_->state.slot(rank);
    const uint64_t done = phase_ == Phase::kColors ? slot.splits.load() : slot.split_addresses.load();
    if (gone.empty() || done > index_) return ncclInProgress;
    return SetLastError(ncclRemoteError, "ncclCommSplit: " + gone + ": all ranks of the communicator have to call it");
  }

  std::shared_ptr<Core> parent_, core_;
  const int color_;
  uint64_t index_ = 0;
  Phase phase_ = Phase::kColors;
  int waits_for_ = 0;
  std::vector<int> members_;  // of the new communicator, as ranks of the parent
  Interval interval_;
  AllJoined all_joined_;
};

}  // namespace

std::shared_ptr<Job> NewInitJob(std::shared_ptr<Core> core, const Address& address, int ranks, int rank,
                                ncclResult_t* result) {
  *result = Join(core.get(), address, ranks, rank);
  if (*result != ncclSuccess) return nullptr;
  return std::make_shared<InitJob>(std::move(core));
}

std::shared_ptr<Job> NewSplitJob(std::shared_ptr<Core> parent, std::shared_ptr<Core> core, int color, int key) {
  return std::make_shared<SplitJob>(std::move(parent), std::move(core), color, key);
}

}  // namespace cuda_host::nccl
