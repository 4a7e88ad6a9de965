// Part d under what goes wrong: a crash, an error, a lost rank or a damaged file at each place where there may be one.
// Runs where the answer is, since there are thousands of places.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESHARD_SWEEP_H_
#define QUESTIONS_Q13_CHECKPOINT_RESHARD_SWEEP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/files/memory_io.h"
#include "questions/q13_checkpoint/reshard_case.h"
#include "questions/q13_checkpoint/reshard_run.h"

namespace q13 {

class ReshardSweep {
 public:
  ReshardSweep(const ReshardEntries& entries, const ReshardRequest& request) : entries_(entries), request_(request) {}

  // All steps but the last (kCrash, kFaults, kLost), or all of them; then what the mode says.
  ReshardReply Run();

 private:
  using Describe = std::function<std::string()>;

  bool RunSteps(size_t count, workbench::MemoryIo* io);
  void RunCrashes();
  void RunFaults();
  void RunFaultsOfLoad(const workbench::FileTree& tree);
  void RunLost();
  void RunDamage();

  // One save that met a fault: what it returned, and what is there then.
  void JudgeFault(const workbench::MemoryIo& io, const ReshardStepRecord& save, int32_t error, int rank,
                  const Describe& describe);
  // Loads by the layout `recovery`: right when all ranks have all of the new state, or of the old one when that may be.
  // `nothing`: so is kNotFound. False: the fault is told.
  bool JudgeRecovery(const workbench::FileTree& tree, bool old_may_be, bool new_may_be, const std::string& property,
                     const Describe& describe);
  // What is there can be saved over, and is then found.
  bool JudgeLaterSave(const workbench::FileTree& tree, const Describe& describe);
  bool JudgeErrorsAgree(const ReshardStepRecord& record, const std::string& property, const Describe& describe);

  ReshardCall CallOf(const ReshardStep& step) const;
  bool Fail(const std::string& property, const std::string& expected, const std::string& actual,
            const Describe& describe);
  bool failed() const { return !reply_.fault.property.empty(); }

  ReshardEntries entries_;
  const ReshardRequest& request_;
  ReshardReply reply_;
  int32_t old_version_ = -1;  // -1: there is none
  int32_t new_version_ = -1;
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESHARD_SWEEP_H_
