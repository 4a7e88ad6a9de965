// What the checks of part A share: making a case, running it, and saying what was wrong with what came back.
#ifndef QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_JUDGE_H_
#define QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_JUDGE_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "grader/inputs.h"
#include "grader/question.h"
#include "questions/q13_checkpoint/snapshot_case.h"

namespace q13 {

// Of the first `tensors` tensors (-1: all) as they were in `version`.
struct ExpectedSave {
  int64_t version = 0;
  int64_t tensors = -1;
};

class SnapshotTrial {
 public:
  using Inputs = workbench::CheckContext::Inputs;

  SnapshotTrial(workbench::CheckContext& context, std::string what) : context_(context) {
    inputs_.emplace_back("case", std::move(what));
  }

  SnapshotCase script;

  // The script's actions, in order. Each returns its number.
  int Do(SnapshotStep step, int64_t a = 0, int64_t b = 0, int64_t c = 0, int32_t stream = 0);
  int Save(int64_t save, int64_t tensors = -1, int32_t stream = 0) {
    script.saves = std::max(script.saves, static_cast<int32_t>(save) + 1);
    return Do(SnapshotStep::kSave, save, tensors, 0, stream);
  }
  int Fill(int64_t version, int32_t stream = 0) { return Do(SnapshotStep::kFill, version, 0, 0, stream); }
  int Wait() { return Do(SnapshotStep::kWait); }

  // False, and the check has its finding, when something is wrong; so with all that follow.
  bool Run();
  bool Created();  // and not, where it must not be
  bool Returned(int action, int expected, const std::string& property);
  bool Waited(int action);  // a kWait: 0, and all saves finished
  // The save's bytes were written, once each, by calls that keep to the sink's rules, and are those of that version.
  bool Whole(int64_t save, ExpectedSave expected);
  // The sink's rules alone.
  bool InOrder(int64_t save);
  // Nothing of it was written, Finish not called.
  bool Untouched(int64_t save);
  bool Fail(const std::string& property, const std::string& expected, const std::string& actual,
            const std::string& detail = "");

  const SnapshotActionResult& result(int action) const { return reply_.actions[static_cast<size_t>(action)]; }
  const SnapshotSaveResult& save(int64_t save) const { return reply_.saves[static_cast<size_t>(save)]; }
  const SnapshotReply& reply() const { return reply_; }

 private:
  bool SameBytes(int64_t save, ExpectedSave expected);

  workbench::CheckContext& context_;
  Inputs inputs_;
  SnapshotReply reply_;
};

// "0", "kInvalid", "-EIO", ...
std::string SnapshotErrorName(int error);

// Random numbers of a check.
class SnapshotDraws {
 public:
  SnapshotDraws(const workbench::CheckContext& context, uint64_t salt)
      : state_(workbench::Mix(context.seed() ^ (salt << 32))) {}
  int64_t Below(int64_t limit) {
    state_ = workbench::Mix(state_);
    return static_cast<int64_t>(state_ % static_cast<uint64_t>(limit));
  }

 private:
  uint64_t state_;
};

// `count` tensors of `bytes` in all, about: of types, sizes and alignments of all kinds, some of them empty.
std::vector<SnapshotTensor> MixedTensors(SnapshotDraws* draws, int count, int64_t bytes);

// Where a state finds room.
struct SnapshotMemoryPlan {
  const char* name;
  int64_t device_bytes, pinned_bytes, chunk_bytes;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_JUDGE_H_
