// The collectives. All of them go in steps: in each, some ranks put a chunk on their stage, and some take from the
// others' stages. An all-reduce takes two steps a chunk: first all put their inputs there, then each rank the sum of
// its part of the chunk, so that the arithmetic is shared out and all get the same bits.
#include <algorithm>
#include <vector>

#include "harness/host/nccl/call.h"

namespace cuda_host::nccl {
namespace {

class Collective : public Transfer {
 public:
  Collective(const Call& call, const Operation& operation)
      : Transfer(call, operation),
        kind_(call.record.kind),
        ranks_(state().ranks()),
        rank_(state().rank()),
        root_(call.record.peer),
        count_(call.record.count),
        element_(TypeBytes(call.record.type)),
        index_(core().collectives++),
        step_(core().steps) {
    chunk_ = kStageBytes / element_;
    if (InBlocks()) chunk_ = std::max<size_t>(1, chunk_ / static_cast<size_t>(ranks_));
    const uint64_t chunks = (count_ + chunk_ - 1) / chunk_;
    steps_end_ = step_ + (kind_ == CallKind::kAllReduce ? 2 * chunks : chunks);
    first_step_ = step_;
    core().steps = steps_end_;
  }

  Status Step() override {
    if (core().Stopped()) return Status::kStopped;
    RankSlot& mine = state().mine();
    if (!announced_) {
      mine.calls[index_ % 2] = Record();
      mine.announced.store(index_ + 1, std::memory_order_release);
      announced_ = true;
    }
    // Nobody goes on before everybody has come: two records a rank are enough then.
    for (; checked_ < ranks_; ++checked_) {
      const RankSlot& other = state().slot(checked_);
      if (other.announced.load(std::memory_order_acquire) <= index_) return Wait(checked_);
      const CallRecord& record = other.calls[index_ % 2];
      if (!Fits(record)) return Mismatch(checked_, record);
      scalars_.push_back(record.scalar);
    }
    if (step_ == steps_end_) return Status::kDone;
    if (!published_) {
      if (const int busy = BusyRank(); busy >= 0) return Wait(busy);
      Publish();
      mine.published.store(step_ + 1, std::memory_order_release);
      published_ = true;
      return Status::kMoved;
    }
    if (const int missing = MissingRank(); missing >= 0) return Wait(missing);
    // The inputs of an all-reduce are still needed when the sums are published.
    if (!IsInputStep()) {
      Consume();
      mine.consumed.store(step_ + 1, std::memory_order_release);
    }
    published_ = false;
    ++step_;
    return step_ == steps_end_ ? Status::kDone : Status::kMoved;
  }

 private:
  bool Fits(const CallRecord& other) const {
    const CallRecord& own = call().record;
    return own.kind == other.kind && own.type == other.type && own.op == other.op && own.peer == other.peer &&
           own.count == other.count;
  }

  // The data on a stage is one block for each rank.
  bool InBlocks() const {
    return kind_ == CallKind::kReduceScatter || kind_ == CallKind::kAlltoAll || kind_ == CallKind::kScatter;
  }
  bool RootSends() const { return kind_ == CallKind::kBroadcast || kind_ == CallKind::kScatter; }
  bool RootReceives() const { return kind_ == CallKind::kReduce || kind_ == CallKind::kGather; }
  bool IsInputStep() const { return kind_ == CallKind::kAllReduce && (step_ - first_step_) % 2 == 0; }

  // The chunk of this step, in elements.
  size_t Begin() const {
    const uint64_t steps = step_ - first_step_;
    return (kind_ == CallKind::kAllReduce ? steps / 2 : steps) * chunk_;
  }
  size_t Length() const { return std::min(chunk_, count_ - Begin()); }
  // Where a rank's part of an all-reduce's chunk begins.
  size_t PartBegin(int rank) const { return Length() * static_cast<size_t>(rank) / static_cast<size_t>(ranks_); }

  const std::byte* Send(size_t element) const {
    return static_cast<const std::byte*>(call().send) + element * element_;
  }
  std::byte* Recv(size_t element) const { return static_cast<std::byte*>(call().recv) + element * element_; }

  // A rank that still needs what is in the slot of this step, or -1.
  int BusyRank() const {
    if (step_ < kStageSlots) return -1;
    for (int rank = 0; rank < ranks_; ++rank) {
      if (state().slot(rank).consumed.load(std::memory_order_acquire) < step_ + 1 - kStageSlots) return rank;
    }
    return -1;
  }

  // A rank whose data of this step is needed and not there, or -1.
  int MissingRank() const {
    if (RootReceives() && rank_ != root_) return -1;
    for (int rank = 0; rank < ranks_; ++rank) {
      if (RootSends() && rank != root_) continue;
      if (state().slot(rank).published.load(std::memory_order_acquire) <= step_) return rank;
    }
    return -1;
  }

  void Publish() {
    std::byte* stage = state().stage(rank_, step_);
    if (kind_ == CallKind::kAllReduce && !IsInputStep()) {
      const size_t begin = PartBegin(rank_);
      ReduceFrom(step_ - 1, begin, PartBegin(rank_ + 1) - begin, stage + begin * element_);
      state().mine().consumed.store(step_, std::memory_order_release);
      return;
    }
    if (RootSends() && rank_ != root_) return;
    const size_t bytes = Length() * element_;
    if (!InBlocks()) return ReadUser(stage, Send(Begin()), bytes);
    for (int to = 0; to < ranks_; ++to)
      ReadUser(stage + static_cast<size_t>(to) * bytes, Send(static_cast<size_t>(to) * count_ + Begin()), bytes);
  }

  void Consume() {
    const size_t begin = Begin();
    const size_t length = Length();
    const size_t bytes = length * element_;
    const size_t own_block = static_cast<size_t>(rank_) * bytes;
    switch (kind_) {
      case CallKind::kAllReduce:
        for (int from = 0; from < ranks_; ++from) {
          const size_t part = PartBegin(from);
          WriteUser(Recv(begin + part), state().stage(from, step_) + part * element_,
                    (PartBegin(from + 1) - part) * element_);
        }
        return;
      case CallKind::kReduce:
        if (rank_ != root_) return;
        AnnounceWrite(Recv(begin), bytes);
        return ReduceFrom(step_, 0, length, Recv(begin));
      case CallKind::kReduceScatter:
        AnnounceWrite(Recv(begin), bytes);
        return ReduceFrom(step_, static_cast<size_t>(rank_) * length, length, Recv(begin));
      case CallKind::kBroadcast:
        if (rank_ == root_ && call().send == call().recv) return;
        return WriteUser(Recv(begin), state().stage(root_, step_), bytes);
      case CallKind::kScatter:
        if (rank_ == root_ && Recv(0) == Send(static_cast<size_t>(rank_) * count_)) return;
        return WriteUser(Recv(begin), state().stage(root_, step_) + own_block, bytes);
      case CallKind::kGather:
      case CallKind::kAllGather:
        if (kind_ == CallKind::kGather && rank_ != root_) return;
        for (int from = 0; from < ranks_; ++from) {
          std::byte* to = Recv(static_cast<size_t>(from) * count_ + begin);
          if (from != rank_ || to != Send(begin)) WriteUser(to, state().stage(from, step_), bytes);
        }
        return;
      case CallKind::kAlltoAll:
        for (int from = 0; from < ranks_; ++from)
          WriteUser(Recv(static_cast<size_t>(from) * count_ + begin), state().stage(from, step_) + own_block, bytes);
        return;
      case CallKind::kSend:
      case CallKind::kRecv:
        return;
    }
  }

  // Reduces `length` elements, from `begin` on, of all stages of `step`.
  void ReduceFrom(uint64_t step, size_t begin, size_t length, void* out) const {
    std::vector<const void*> in;
    in.reserve(static_cast<size_t>(ranks_));
    for (int rank = 0; rank < ranks_; ++rank) in.push_back(state().stage(rank, step) + begin * element_);
    Reduce(call().record.type, call().record.op, ranks_, in.data(), scalars_.data(), length, out);
  }

  const CallKind kind_;
  const int ranks_, rank_, root_;
  const size_t count_, element_;
  const uint64_t index_;
  uint64_t step_, first_step_ = 0, steps_end_ = 0;
  size_t chunk_ = 0;
  bool announced_ = false;
  int checked_ = 0;
  bool published_ = false;
  std::vector<Scalar> scalars_;
};

}  // namespace

std::unique_ptr<Transfer> NewCollective(const Call& call, const Operation& operation) {
  return std::make_unique<Collective>(call, operation);
}

}  // namespace cuda_host::nccl
