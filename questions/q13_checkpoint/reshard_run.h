// Runs sharded saves and loads of an answer on ranks that are threads, over files in memory, and looks at what came of
// them.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESHARD_RUN_H_
#define QUESTIONS_Q13_CHECKPOINT_RESHARD_RUN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/files/memory_io.h"
#include "questions/q13_checkpoint/reshard_case.h"
#include "questions/q13_checkpoint/thread_group.h"

namespace q13 {

struct ReshardEntries {
  decltype(&q13_shard_save) save = nullptr;
  decltype(&q13_shard_load) load = nullptr;
};

inline const char* const kReshardDirectory = "checkpoints";
// What there is before anything is saved: the directory.
workbench::FileTree EmptyReshardTree();

// A rank's boxes in memory of their own each, of exactly their size, with a pattern around them.
class BoxMemory {
 public:
  BoxMemory(const ReshardRequest& request, const RankBoxes& boxes, int misaligned);

  void Fill(int32_t version);
  void Poison();
  std::span<const Slice> slices() const { return slices_; }
  // Sets what `record` says of elements: which of `versions` all of them are of, else where they first differ from the
  // first of these.
  void Compare(std::span<const int32_t> versions, ReshardRankRecord* record) const;
  bool SurroundingsIntact() const;

 private:
  std::byte* Data(size_t box) { return memory_[box].data() + kAround + static_cast<size_t>(misaligned_); }
  const std::byte* Data(size_t box) const { return memory_[box].data() + kAround + static_cast<size_t>(misaligned_); }
  static constexpr size_t kAround = 128;

  const ReshardRequest& request_;
  const RankBoxes& boxes_;
  int misaligned_;
  std::vector<std::vector<std::byte>> memory_;
  std::vector<size_t> bytes_;
  std::vector<Slice> slices_;
};

// The mark of a rank whose save is about to begin, and that of one whose save has returned 0.
inline constexpr int64_t kSaveBegins = 1;
inline constexpr int64_t kSaveReturned = 2;

struct ReshardCall {
  bool save = false;
  int32_t layout = 0;
  std::vector<int32_t> versions = {0};  // saved: the first; loaded: each that may be
  int32_t misaligned = 0;
  int64_t order = -1;  // the seed of the order of the ranks' operations; -1: as it comes
  bool mark = false;
  int lost_rank = -1;  // at which of its AllGathers
  int64_t lost_at = 0;
  std::vector<int64_t>* gathers = nullptr;  // how many of them each rank made
};

ReshardStepRecord RunReshardCall(const ReshardEntries& entries, const ReshardRequest& request, const ReshardCall& call,
                                 workbench::MemoryIo* io);

// What a crash leaves now that loses all it can.
workbench::FileTree LeastThatIsLeft(const workbench::MemoryIo& io);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESHARD_RUN_H_
