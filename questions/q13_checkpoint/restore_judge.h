// What the checks of part A's q13_restore share: running a case, and saying what was wrong with what came back.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESTORE_JUDGE_H_
#define QUESTIONS_Q13_CHECKPOINT_RESTORE_JUDGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q13_checkpoint/restore_case.h"

namespace q13 {

class RestoreTrial {
 public:
  RestoreTrial(workbench::CheckContext& context, std::string what) : context_(context) {
    inputs_.emplace_back("case", std::move(what));
  }

  RestoreCase asked;

  // False, and the check has its finding, when something is wrong; so with all that follow.
  bool Run();
  bool Returned(int expected, const std::string& property);
  // The source was called as it may be, whatever came of it.
  bool InOrder();
  // A copy of the block holds what it held before the call, or the source's tensors and nothing else that is new.
  bool Old(const std::vector<std::byte>& copy, const std::string& property) { return Holds(copy, false, property); }
  bool Restored(const std::vector<std::byte>& copy, const std::string& property) { return Holds(copy, true, property); }
  // 0, in order, every byte, and nothing beside them.
  bool Whole() {
    return Returned(0, "q13_restore returns 0") && InOrder() &&
           Restored(reply().block, "the tensors hold the source's bytes");
  }
  bool WithinReaders();
  // Budgets, and all of it freed.
  bool WithinMemory();
  bool Fail(const std::string& property, const std::string& expected, const std::string& actual,
            const std::string& detail = "");

  const RestoreReply& reply() const { return reply_; }

 private:
  bool Holds(const std::vector<std::byte>& copy, bool restored, const std::string& property);

  workbench::CheckContext& context_;
  workbench::CheckContext::Inputs inputs_;
  RestoreReply reply_;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESTORE_JUDGE_H_
