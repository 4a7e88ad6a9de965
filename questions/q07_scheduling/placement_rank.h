// Part B inside a runner: the answer's placers, and a script that is performed on them.
#ifndef QUESTIONS_Q07_SCHEDULING_PLACEMENT_RANK_H_
#define QUESTIONS_Q07_SCHEDULING_PLACEMENT_RANK_H_

#include <cstddef>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q07_scheduling/placement_api.h"

namespace q07 {

class PlacementRank {
 public:
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // placement_case.h has the request and the reply.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  decltype(&q07_placer_create) create_ = nullptr;
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PLACEMENT_RANK_H_
