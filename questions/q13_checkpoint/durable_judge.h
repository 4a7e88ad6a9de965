// Judges what came of a script of part b: which checkpoints may be there, and whether they are, whole.
#ifndef QUESTIONS_Q13_CHECKPOINT_DURABLE_JUDGE_H_
#define QUESTIONS_Q13_CHECKPOINT_DURABLE_JUDGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q13_checkpoint/durable_case.h"

namespace q13 {

// ---- Scripts

Action SaveOf(int64_t step, StateId state);
Action SaveAsyncOf(int64_t step, StateId state, bool hold = false);
Action WaitFor();
Action LoadOf(int64_t step);
Action ListSteps();
Action Reopen();
Action DamageOf(int target, int rank);
Action FaultsFrom(int fault);  // -1: none any more

// What a fresh process does: loads the latest, lists, loads each of `candidates`; saves `next` (unless it is < 0),
// loads the latest again.
std::vector<Action> RecoveryOf(const std::vector<int64_t>& candidates, int64_t next);

// ---- What is judged

class DurableJudge {
 public:
  // `what`: the case, in a few words.
  DurableJudge(workbench::CheckContext& context, std::string what, DurableRequest request);

  // Runs the case. False, as everywhere here: a finding has been recorded.
  bool Run();
  const DurableReply& reply() const { return reply_; }
  const Outcome& only() const { return reply_.outcomes.front(); }
  DurableRequest& request() { return request_; }

  // Of the actions of main (or recovery), on every rank.
  bool Returns(const Outcome& outcome, bool recovery, int action, int32_t code, const std::string& property);
  bool Fails(const Outcome& outcome, bool recovery, int action, const std::string& property);  // an error, no state
  bool Loads(const Outcome& outcome, bool recovery, int action, int64_t step, const StateId& state,
             const std::string& property);
  bool Lists(const Outcome& outcome, bool recovery, int action, const std::vector<int64_t>& steps,
             const std::string& property);
  // `recovery` is RecoveryOf's: what must have survived has, what was not saved is not there, and a save works.
  bool Recovers(const Outcome& outcome);
  // All of them.
  bool AllRecover();
  // Every rank returned 0, or every rank an error; of those `ours`, and kRankLost. Ranks `but` are not asked.
  bool SameEverywhere(const Outcome& outcome, int action, const std::vector<int32_t>& ours, int but = -1);

  bool Fail(const Outcome& outcome, const std::string& property, const std::string& expected, const std::string& actual,
            int rank = -1);
  const CallRecord& Record(const Outcome& outcome, bool recovery, int action, int rank) const;
  std::string Describe(const CallRecord& record, int rank) const;
  uint64_t Expected(const StateId& state, int rank);

 private:
  struct Version {
    int64_t step;
    StateId state;
  };
  using Model = std::vector<Version>;  // ascending steps

  std::vector<Model> ModelsOf(const Outcome& outcome) const;
  std::string Contradiction(const Outcome& outcome, const Model& model);
  bool WasBegun(const Outcome& outcome, const CallRecord& record, int rank);
  bool Is(const CallRecord& record, const Version& version, int rank);
  std::string NameOf(const Action& action) const;

  workbench::CheckContext& context_;
  std::string what_;
  DurableRequest request_;
  DurableReply reply_;
  std::map<std::pair<int64_t, int>, uint64_t> expected_;
};

std::string CodeName(int32_t code);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_DURABLE_JUDGE_H_
