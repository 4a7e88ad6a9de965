// Part b inside the process that holds an answer: its stores, on the judge's file system and groups.
#ifndef QUESTIONS_Q13_CHECKPOINT_DURABLE_RANK_H_
#define QUESTIONS_Q13_CHECKPOINT_DURABLE_RANK_H_

#include <cstddef>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q13_checkpoint/durable_script.h"

namespace q13 {

class DurableRank {
 public:
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // A DurableRequest; the reply is a DurableReply.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

  void SetEntry(StoreCreate create) { create_ = create; }  // for tests, without a library

 private:
  StoreCreate create_ = nullptr;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_DURABLE_RANK_H_
