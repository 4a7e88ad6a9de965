// Part F inside the process that holds an answer: files to read lie in front of a page that cannot be read, and memory
// is limited while the answer reads.
#ifndef QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_RANK_H_
#define QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_RANK_H_

#include <cstddef>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/safetensors_case.h"

namespace q13 {

class SafetensorsRank {
 public:
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // A ParseRequest (the reply is a ParseReply for each case) or a WriteRequest (a WriteReply).
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  ParseReply Parse(const ParseCase& one, bool stale);
  WriteReply Write(const WriteRequest& request);

  decltype(&q13_safetensors_parse) parse_ = nullptr;
  decltype(&q13_safetensors_write) write_ = nullptr;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_RANK_H_
