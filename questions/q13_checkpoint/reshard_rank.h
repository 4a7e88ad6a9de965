// Part d inside the process that holds an implementation.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESHARD_RANK_H_
#define QUESTIONS_Q13_CHECKPOINT_RESHARD_RANK_H_

#include <cstddef>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q13_checkpoint/reshard_run.h"

namespace q13 {

class ReshardRank {
 public:
  workbench::Status Load(void* library);
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  ReshardEntries entries_;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESHARD_RANK_H_
