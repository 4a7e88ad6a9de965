#include "questions/q13_checkpoint/thread_group.h"

#include <chrono>
#include <thread>
#include <utility>

namespace q13 {
namespace {

using Bytes = std::vector<std::byte>;
using Lock = std::unique_lock<std::mutex>;

// A rank that is neither at an operation nor waiting is computing; after so long it is left out. Too short a time only
// makes the order less repeatable.
constexpr auto kPatience = std::chrono::milliseconds(20);

}  // namespace

TurnOrder::TurnOrder(int ranks, uint64_t seed)
    : places_(static_cast<size_t>(ranks)), random_(seed * 0x9e3779b97f4a7c15u + 1) {}

bool TurnOrder::Ready() const {
  for (const Place& place : places_) {
    if (place.waiting == 0 && place.idle == 0) return false;
  }
  return true;
}

void TurnOrder::Choose() {
  int waiting = 0;
  for (const Place& place : places_) waiting += place.waiting > 0;
  if (waiting == 0 || someone_chosen_) return;
  random_ = random_ * 6364136223846793005u + 1442695040888963407u;
  int which = static_cast<int>((random_ >> 33) % static_cast<uint64_t>(waiting));
  for (Place& place : places_) {
    if (place.waiting > 0 && which-- == 0) place.chosen = someone_chosen_ = true;
  }
  changed_.notify_all();
}

void TurnOrder::BeforeOperation(int rank) {
  Lock lock(mutex_);
  Place& place = places_[static_cast<size_t>(rank)];
  ++place.waiting;
  while (true) {
    if (!someone_chosen_ && Ready()) Choose();
    if (place.chosen) break;
    if (changed_.wait_for(lock, kPatience) == std::cv_status::timeout) Choose();
  }
  --place.waiting;
  place.chosen = someone_chosen_ = false;
}

void TurnOrder::SetIdle(int rank, bool idle) {
  const Lock lock(mutex_);
  places_[static_cast<size_t>(rank)].idle += idle ? 1 : -1;
  if (idle && Ready()) Choose();
}

class ThreadGroup::Meeting {
 public:
  Meeting(int ranks, TurnOrder* order)
      : order_(order),
        size_(static_cast<size_t>(ranks)),
        in_(size_),
        count_(size_),
        lose_at_(size_, -1),
        ended_(size_),
        given_(size_) {}

  bool Gather(int rank, const Bytes& mine, std::vector<Bytes>* all) {
    const size_t at = static_cast<size_t>(rank);
    Lock lock(mutex_);
    if (in_[at]) {
      Note("two threads of rank " + std::to_string(rank) + " were in AllGather at once");
      broken_ = true;
      changed_.notify_all();
      return false;
    }
    if (lose_at_[at] >= 0 && count_[at] >= lose_at_[at]) Break(lock);
    ++count_[at];
    if (broken_) return false;
    in_[at] = true;
    given_[at] = mine;
    const uint64_t generation = generation_;
    if (++arrived_ == size_) {
      result_ = std::make_shared<std::vector<Bytes>>(std::move(given_));
      given_.assign(size_, {});
      in_.assign(size_, false);
      arrived_ = 0;
      ++generation_;
      // On behalf of those that are about to wake up: none of them is idle any more.
      if (order_ != nullptr) {
        for (size_t i = 0; i < size_; ++i) {
          if (i != at) order_->SetIdle(static_cast<int>(i), false);
        }
      }
      changed_.notify_all();
      *all = *result_;
      return true;
    }
    CheckEnded();
    if (broken_) {
      in_[at] = false;
      return false;
    }
    if (order_ != nullptr) order_->SetIdle(rank, true);
    changed_.wait(lock, [&] { return generation_ != generation || broken_; });
    if (generation_ != generation) {
      // The next generation ends only when this rank has come again, so result_ is still this one's.
      *all = *result_;
      return true;
    }
    if (order_ != nullptr) order_->SetIdle(rank, false);
    in_[at] = false;
    return false;
  }

  void End(int rank) {
    Lock lock(mutex_);
    ended_[static_cast<size_t>(rank)] = true;
    CheckEnded();
  }
  void Begin() {
    const Lock lock(mutex_);
    ended_.assign(size_, false);
  }
  void LoseAt(int rank, int64_t gather) {
    const Lock lock(mutex_);
    lose_at_[static_cast<size_t>(rank)] = count_[static_cast<size_t>(rank)] + gather;
  }
  bool broken() const {
    const Lock lock(mutex_);
    return broken_;
  }
  int64_t count(int rank) const {
    const Lock lock(mutex_);
    return count_[static_cast<size_t>(rank)];
  }
  std::string misuse() const {
    const Lock lock(mutex_);
    return misuse_;
  }

 private:
  void Break(const Lock&) {
    broken_ = true;
    changed_.notify_all();
  }
  void Note(const std::string& what) {
    if (misuse_.empty()) misuse_ = what;
  }
  // Somebody waits for one that will not come.
  void CheckEnded() {
    if (broken_ || arrived_ == 0) return;
    for (size_t i = 0; i < size_; ++i) {
      if (!ended_[i] || in_[i]) continue;
      for (size_t k = 0; k < size_; ++k) {
        if (in_[k]) {
          Note("rank " + std::to_string(k) + " waits in an AllGather that rank " + std::to_string(i) +
               " does not make: it has returned from its last call");
          break;
        }
      }
      broken_ = true;
      changed_.notify_all();
      return;
    }
  }

  TurnOrder* order_;
  size_t size_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> in_;
  std::vector<int64_t> count_;
  std::vector<int64_t> lose_at_;
  std::vector<bool> ended_;
  std::vector<Bytes> given_;
  std::shared_ptr<std::vector<Bytes>> result_;
  size_t arrived_ = 0;
  uint64_t generation_ = 0;
  bool broken_ = false;
  std::string misuse_;
};

class ThreadGroup::RankGroup : public Group {
 public:
  RankGroup(Meeting* meeting, int rank, int size) : meeting_(meeting), rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  bool AllGather(const Bytes& mine, std::vector<Bytes>* all) override { return meeting_->Gather(rank_, mine, all); }

 private:
  Meeting* meeting_;
  int rank_;
  int size_;
};

ThreadGroup::ThreadGroup(int ranks, TurnOrder* order)
    : order_(order),
      answers_(std::make_unique<Meeting>(ranks, order)),
      judges_(std::make_unique<Meeting>(ranks, order)) {
  for (int rank = 0; rank < ranks; ++rank) {
    groups_.push_back(std::make_unique<RankGroup>(answers_.get(), rank, ranks));
  }
}
ThreadGroup::~ThreadGroup() = default;

Group* ThreadGroup::rank(int rank) { return groups_[static_cast<size_t>(rank)].get(); }

void ThreadGroup::Run(const std::function<void(int)>& body) {
  answers_->Begin();
  judges_->Begin();
  const auto run = [&](int rank) {
    body(rank);
    answers_->End(rank);
    judges_->End(rank);
    if (order_ != nullptr) order_->SetIdle(rank, true);
  };
  std::vector<std::thread> threads;
  for (int rank = 1; rank < size(); ++rank) threads.emplace_back(run, rank);
  run(0);
  for (std::thread& thread : threads) thread.join();
  if (order_ == nullptr) return;
  for (int rank = 0; rank < size(); ++rank) order_->SetIdle(rank, false);
}

bool ThreadGroup::Meet(int rank) {
  std::vector<Bytes> all;
  return judges_->Gather(rank, {}, &all);
}
void ThreadGroup::LoseAt(int rank, int64_t gather) { answers_->LoseAt(rank, gather); }
bool ThreadGroup::lost() const { return answers_->broken(); }
int64_t ThreadGroup::gathers(int rank) const { return answers_->count(rank); }
std::string ThreadGroup::misuse() const { return answers_->misuse(); }

}  // namespace q13
