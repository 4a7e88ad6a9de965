// Part c inside the process that holds an answer.
#ifndef QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_RANK_H_
#define QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_RANK_H_

#include <cstddef>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q13_checkpoint/incremental_judge.h"

namespace q13 {

class IncrementalRank {
 public:
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // An IncrementalRequest; the reply is an IncrementalReply.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

  void SetEntries(const IncrementalEntries& entries) { entries_ = entries; }  // for tests, without a library

 private:
  IncrementalEntries entries_;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_RANK_H_
