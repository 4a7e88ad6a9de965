// What is right in part D, by the workers' own words: what they wrote on the board, with their own clocks, is held
// against what the contract promises and what the executor reported.
//
// A worker writes "start" once it runs, and gives a last sign of life before it ends: it lived for longer than that
// span. So two spans that overlap are two processes that ran at once, whatever the machine's load; and what has to
// happen "as soon as" something is only called late after a margin that no load explains.
#ifndef QUESTIONS_Q07_SCHEDULING_EXECUTOR_JUDGE_H_
#define QUESTIONS_Q07_SCHEDULING_EXECUTOR_JUDGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q07_scheduling/executor_case.h"

namespace q07 {

// A job, and how it has to end.
struct PlannedJob {
  WorkerPlan plan;
  Outcome outcome = Outcome::kFinished;
  int32_t exit_code = 0;
};

struct ExecutorCase {
  std::string name;  // for the finding
  ExecutorRequest request;
  std::vector<PlannedJob> jobs;
};

struct ExecutorRun {
  ExecutorReply reply;
  std::vector<ProcessReport> reports;
  std::vector<WorkerSlot> slots;
};

// Judges one run. Each function looks at one property; false, and a finding, if it does not hold. They may be called in
// any order after Execute.
class ExecutorJudge {
 public:
  ExecutorJudge(workbench::CheckContext& context, ExecutorCase the_case)
      : context_(context), case_(std::move(the_case)) {}

  // Runs the case. False if there is nothing to judge: it crashed, hung, threw, or returned something else than 0.
  bool Execute();
  // The same, whatever it returned or however it ended.
  bool ExecuteAnyhow();

  bool Outcomes();     // how each ended
  bool Reports();      // ids, times, together, slowdown
  bool Memory();       // declared memory and number of those that ran at once
  bool Limits();       // of each process
  bool NoIdling();     // a job that fits is started
  bool InOrder();      // nobody is passed who would fit, nor for longer than 2 s
  bool OwnGroups();    // process group, inherited descriptors
  bool NothingLeft();  // zombies, processes, the executor's own descriptors

  const ExecutorCase& the_case() const { return case_; }
  const ExecutorRun& run() const { return run_; }
  bool Started(size_t job) const { return run_.slots[job].starts > 0; }
  double StartMs(size_t job) const { return Ms(run_.slots[job].start_ns); }
  double LastMs(size_t job) const { return Ms(run_.slots[job].last_ns()); }
  // Spans of certain life.
  bool Together(size_t a, size_t b) const;
  std::string Describe(size_t job) const;
  // Always false.
  bool Fail(const std::string& property, size_t job, const std::string& expected, const std::string& actual);
  bool FailRun(const std::string& property, const std::string& expected, const std::string& actual);

 private:
  static constexpr size_t kNoJob = ~size_t{0};
  bool Record(workbench::VerdictKind kind, const std::string& property, size_t job, const std::string& expected,
              const std::string& actual);
  bool Comes(size_t a, size_t b) const;  // a before b in the order of arrival
  double Ms(int64_t ns) const { return static_cast<double>(ns - run_.reply.call_ns) * 1e-6; }
  // When it may have taken its memory, by its report or its own word, whichever is earlier.
  double HeldFromMs(size_t job) const;
  // When it had surely given it back.
  double HeldUntilMs(size_t job) const;
  std::vector<double> Instants() const;
  // From one instant to the next: enough memory and a place for `job`, whoever else may have held some.
  bool SurelyFits(size_t job, double from, double to) const;
  bool LimitOnGpu(size_t job);

  workbench::CheckContext& context_;
  ExecutorCase case_;
  ExecutorRun run_;
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_EXECUTOR_JUDGE_H_
