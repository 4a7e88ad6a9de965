// Part D inside a runner: makes jobs of the grader's plans and calls q07_execute, in a process of its own so that it
// can be killed; sees what it leaves behind.
#ifndef QUESTIONS_Q07_SCHEDULING_EXECUTOR_RANK_H_
#define QUESTIONS_Q07_SCHEDULING_EXECUTOR_RANK_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "harness/status.h"
#include "questions/q07_scheduling/executor_api.h"
#include "questions/q07_scheduling/executor_case.h"

namespace q07 {

class ExecutorRank {
 public:
  ~ExecutorRank();
  // `library`: the dlopen handle of the implementation.
  workbench::Status Load(void* library);
  // An ExecutorRequest and its plans; the reply is an ExecutorReply with reports and slots.
  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request);

 private:
  workbench::Status OpenBoard();

  decltype(&q07_execute) execute_ = nullptr;
  std::string worker_;  // the program's path
  int board_fd_ = -1;
  Board* board_ = nullptr;
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_EXECUTOR_RANK_H_
