// Part C inside the process that holds the answer: runs the simulator with its schedulers.
#ifndef QUESTIONS_Q07_SCHEDULING_SHARING_RANK_H_
#define QUESTIONS_Q07_SCHEDULING_SHARING_RANK_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q07_scheduling/sharing_api.h"
#include "questions/q07_scheduling/sharing_case.h"

namespace q07 {

class SharingRank {
 public:
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // A request of sharing_case.h; the reply is a SharingReply.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  std::unique_ptr<Scheduler> Create(const SharingCase& one) const;

  decltype(&q07_sharing_create) create_ = nullptr;
  decltype(&q07_sharing_set_quota) set_quota_ = nullptr;
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SHARING_RANK_H_
