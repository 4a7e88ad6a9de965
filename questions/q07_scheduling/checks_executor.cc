// Part D's checks: cases of a few jobs each, in which one thing can go wrong. Most of their time is spent asleep.
#include <signal.h>

#include <cerrno>
#include <limits>

#include "questions/q07_scheduling/checks.h"
#include "questions/q07_scheduling/executor_judge.h"
#include "questions/q07_scheduling/executor_mixed.h"

namespace q07 {
namespace {

using workbench::CheckContext;

// A device of 96 units. On a GPU a unit is larger, so that a CUDA context is small beside a job.
constexpr int64_t kDevice = 96;

int64_t UnitMib(const CheckContext& context) { return context.gpu() ? 256 : 1; }
int64_t BaseMib(const CheckContext& context) { return context.gpu() ? 1024 : 16; }

ExecutorCase CaseOf(const CheckContext& context, const std::string& name, int32_t max_processes = 8) {
  ExecutorCase the_case;
  the_case.name = name;
  the_case.request.device_memory_mib = kDevice * UnitMib(context);
  the_case.request.base_mib = BaseMib(context);
  the_case.request.max_processes = max_processes;
  // A CUDA context takes up to a second to make.
  if (context.gpu()) the_case.request.patience_ms = 90'000;
  return the_case;
}

// A job that only waits, with ids in no order.
PlannedJob& AddJob(ExecutorCase* the_case, const CheckContext& context, int64_t arrival_ms, int64_t units,
                   int64_t run_ms) {
  PlannedJob& job = the_case->jobs.emplace_back();
  job.plan.id = 1000 + static_cast<int64_t>(the_case->jobs.size() * 37 % 101);
  job.plan.arrival_ms = arrival_ms;
  job.plan.memory_mib = units * UnitMib(context);
  job.plan.work_ms = job.plan.run_ms = run_ms;
  return job;
}

// One that takes its memory and works on the device.
PlannedJob& AddDeviceJob(ExecutorCase* the_case, const CheckContext& context, int64_t arrival_ms, int64_t units,
                         int64_t run_ms) {
  PlannedJob& job = AddJob(the_case, context, arrival_ms, units, run_ms);
  job.plan.on_device = 1;
  job.plan.threads_percent = 30;
  // The context's memory is the process's, too.
  job.plan.use_mib = job.plan.memory_mib - (context.gpu() ? BaseMib(context) : 0);
  return job;
}

void Expect(PlannedJob* job, Outcome outcome, int32_t code) {
  job->outcome = outcome;
  job->exit_code = code;
}

// True if limits of memory mean something here; in GPU mode they are MPS's.
bool LimitsExist(CheckContext& context, const ExecutorJudge& judge) {
  if (!context.gpu() || judge.run().reply.mps) return true;
  context.NotGraded("no MPS daemon runs here, and limits of GPU memory are MPS's");
  return false;
}

void CheckRuns(CheckContext& context) {
  ExecutorCase jobs = CaseOf(context, "three jobs that overlap, then one alone");
  AddDeviceJob(&jobs, context, 0, 10, 200);
  AddDeviceJob(&jobs, context, 100, 8, 150);
  AddDeviceJob(&jobs, context, 50, 12, 300);
  PlannedJob& fails = AddDeviceJob(&jobs, context, 900, 8, 100);
  fails.plan.exit_code = 3;
  Expect(&fails, Outcome::kFailed, 3);
  // With room to spare: limits are another check's.
  for (PlannedJob& job : jobs.jobs) job.plan.use_mib /= 2;
  ExecutorJudge judge(context, jobs);
  (void)(judge.Execute() && judge.Outcomes() && judge.Reports());
}

void CheckMemory(CheckContext& context) {
  ExecutorCase memory = CaseOf(context, "twelve jobs of all sizes");
  for (const int64_t units : {40, 50, 30, 20, 60, 96, 10, 10, 80, 33, 33, 33}) {
    AddDeviceJob(&memory, context, 0, units, 150);
  }
  ExecutorJudge judge(context, memory);
  if (!judge.Execute() || !LimitsExist(context, judge)) return;
  if (!judge.Limits() || !judge.Memory() || !judge.Outcomes()) return;

  ExecutorCase processes = CaseOf(context, "nine small jobs, two at a time", 2);
  for (int i = 0; i < 9; ++i) AddJob(&processes, context, 0, 1, 80);
  ExecutorJudge two(context, processes);
  (void)(two.Execute() && two.Outcomes() && two.Memory() && two.Limits());
}

void CheckOvercommitter(CheckContext& context) {
  ExecutorCase jobs = CaseOf(context, "a job that takes three times what it declared, between two others");
  AddDeviceJob(&jobs, context, 0, 30, 700);
  PlannedJob& over = AddDeviceJob(&jobs, context, 0, 20, 300);
  over.plan.use_mib = 3 * over.plan.memory_mib;
  Expect(&over, Outcome::kOutOfMemory, kRefusedCode);
  AddDeviceJob(&jobs, context, 0, 30, 700);
  AddDeviceJob(&jobs, context, 50, 90, 100);
  ExecutorJudge judge(context, jobs);
  if (!judge.Execute() || !LimitsExist(context, judge)) return;
  const WorkerPlan& plan = judge.the_case().jobs[1].plan;
  const int64_t got = judge.run().slots[1].allocated_mib, most = plan.memory_mib + BaseMib(context);
  if (got > most) {
    judge.Fail("a job gets no more memory than it declared", 1,
               "an allocation is refused before it has " + std::to_string(most) + " MiB",
               "it got " + std::to_string(got) + " MiB");
    return;
  }
  (void)judge.Outcomes();
}

void CheckParallel(CheckContext& context) {
  ExecutorCase jobs = CaseOf(context, "four jobs of a quarter each, then one of all");
  for (int i = 0; i < 4; ++i) AddJob(&jobs, context, 0, kDevice / 4, 900);
  AddJob(&jobs, context, 100, kDevice, 100);
  AddJob(&jobs, context, 100, kDevice, 100);
  ExecutorJudge judge(context, jobs);
  if (!judge.Execute() || !judge.Outcomes()) return;
  for (size_t i = 1; i < 4; ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (judge.Together(i, k)) continue;
      judge.Fail("jobs that fit run together", i, "together with " + judge.Describe(k), "one after the other");
      return;
    }
  }
  (void)judge.NoIdling();
}

void CheckArrival(CheckContext& context) {
  ExecutorCase jobs = CaseOf(context, "one at a time", 1);
  for (const int64_t arrival : {0, 60, 30, 30, 60, 0, 30}) AddJob(&jobs, context, arrival, 10, arrival == 0 ? 250 : 60);
  ExecutorJudge judge(context, jobs);
  if (!judge.Execute() || !judge.Outcomes()) return;
  constexpr size_t kExpected[] = {0, 5, 2, 3, 6, 1, 4};
  for (size_t i = 1; i < std::size(kExpected); ++i) {
    const size_t before = kExpected[i - 1], job = kExpected[i];
    if (judge.StartMs(before) < judge.StartMs(job)) continue;
    judge.Fail("jobs start in order of arrival, ties as given", before, "before " + judge.Describe(job), "after it");
    return;
  }
}

void CheckPassing(CheckContext& context) {
  ExecutorCase jobs = CaseOf(context, "a job that does not fit, and small ones behind it");
  AddJob(&jobs, context, 0, 60, 3600);
  AddJob(&jobs, context, 100, 60, 100);
  AddJob(&jobs, context, 600, 30, 100);
  AddJob(&jobs, context, 2900, 30, 100);
  ExecutorJudge judge(context, jobs);
  if (!judge.Execute() || !judge.Outcomes()) return;
  constexpr size_t kRuns = 0, kBlocked = 1, kPasses = 2, kTooLate = 3;
  if (judge.StartMs(kPasses) > judge.LastMs(kRuns)) {
    judge.Fail("a job that does not fit holds up no other that does, for 2 s", kPasses,
               "a start at about 600 ms: it fits beside " + judge.Describe(kRuns),
               "it waited, behind " + judge.Describe(kBlocked));
    return;
  }
  if (judge.StartMs(kTooLate) < judge.LastMs(kRuns)) {
    judge.Fail("when a job has not fitted for 2 s, nothing else starts before it does", kTooLate,
               "it waits until " + judge.Describe(kBlocked) + " has started",
               "it started beside " + judge.Describe(kRuns) + ", and took memory that the other waits for");
  }
}

void CheckOrder(CheckContext& context) {
  CheckArrival(context);
  if (!context.failed()) CheckPassing(context);
}

void CheckFailures(CheckContext& context) {
  ExecutorCase jobs = CaseOf(context, "jobs that fail in every way, and others beside them");
  AddJob(&jobs, context, 0, 20, 900);
  PlannedJob& crash = AddJob(&jobs, context, 0, 20, 100);
  crash.plan.mode = WorkerMode::kCrash;
  Expect(&crash, Outcome::kFailed, -SIGSEGV);
  for (const int32_t code : {1, 127, 128 + SIGSEGV, 255}) {
    PlannedJob& job = AddJob(&jobs, context, 20, 10, 60);
    job.plan.exit_code = code;
    Expect(&job, Outcome::kFailed, code);
  }
  PlannedJob& refused = AddJob(&jobs, context, 20, 10, 60);
  refused.plan.exit_code = kRefusedCode;
  Expect(&refused, Outcome::kOutOfMemory, kRefusedCode);
  PlannedJob& missing = AddJob(&jobs, context, 40, 20, 60);
  missing.plan.mode = WorkerMode::kNoProgram;
  Expect(&missing, Outcome::kNotStarted, 0);
  Expect(&AddJob(&jobs, context, 40, kDevice + 1, 60), Outcome::kNotStarted, 0);
  PlannedJob& endless = AddJob(&jobs, context, 40, 0, 60);
  endless.plan.memory_mib = std::numeric_limits<int64_t>::max();
  Expect(&endless, Outcome::kNotStarted, 0);
  // Needs all that the others had.
  AddJob(&jobs, context, 60, kDevice, 60);
  ExecutorJudge judge(context, jobs);
  (void)(judge.Execute() && judge.Outcomes());
}

void CheckDeadline(CheckContext& context) {
  ExecutorCase jobs = CaseOf(context, "a job that never ends, beside one that started earlier");
  AddJob(&jobs, context, 0, 30, 3500);
  PlannedJob& forever = AddJob(&jobs, context, 0, 60, 500);
  forever.plan.mode = WorkerMode::kForever;
  forever.plan.deadline_ms = 1000;
  Expect(&forever, Outcome::kDeadline, -SIGKILL);
  // Has to wait for the other's memory, and would be late if its deadline ran from its arrival.
  AddJob(&jobs, context, 0, 60, 700).plan.deadline_ms = 1600;
  ExecutorJudge judge(context, jobs);
  if (!judge.Execute()) return;
  constexpr double kLate = 1200;
  const ProcessReport& report = judge.run().reports[1];
  if (!judge.Started(1) || judge.LastMs(1) - judge.StartMs(1) > 1000 + kLate) {
    judge.Fail("a job is killed at its deadline", 1, "its end 1000 ms after its start",
               judge.Started(1)
                   ? "it lived for " + std::to_string(static_cast<int64_t>(judge.LastMs(1) - judge.StartMs(1))) + " ms"
                   : "it never ran");
    return;
  }
  if (!judge.Outcomes()) return;
  const int64_t took = report.end_ms - report.start_ms;
  if (took < 999 || static_cast<double>(took) > 1000 + kLate) {
    judge.Fail("a job is killed and reaped at its deadline, not before", 1, "end_ms - start_ms is about 1000",
               std::to_string(took));
  }
}

void CheckLeftBehind(CheckContext& context) {
  ExecutorCase jobs = CaseOf(context, "a job that leaves a child behind");
  PlannedJob& leaves = AddJob(&jobs, context, 0, 10, 100);
  leaves.plan.mode = WorkerMode::kLinger;
  AddJob(&jobs, context, 0, 10, 1700);
  AddJob(&jobs, context, 0, 10, 100);
  ExecutorJudge judge(context, jobs);
  if (!judge.Execute() || !judge.Outcomes() || !judge.OwnGroups() || !judge.NothingLeft()) return;
  constexpr double kLate = 1000;
  const double lived_on = static_cast<double>(judge.run().slots[0].grandchild_ns - judge.run().slots[0].end_ns) * 1e-6;
  if (lived_on > kLate) {
    judge.Fail("what a job leaves behind is killed with it", 0, "its child dies when it has ended",
               "the child lived on for " + std::to_string(static_cast<int64_t>(lived_on)) + " ms");
    return;
  }

  ExecutorCase orphans = CaseOf(context, "the executor's process is killed while three jobs run");
  for (int i = 0; i < 3; ++i) AddJob(&orphans, context, 0, 10, 1000).plan.mode = WorkerMode::kForever;
  orphans.request.reports = 3;
  orphans.request.kill_executor_at = 3;
  ExecutorJudge killed(context, orphans);
  if (!killed.ExecuteAnyhow()) return;
  if (killed.run().reply.end != ExecutorEnd::kKilled) {
    killed.FailRun("three jobs that fit run together until the executor is killed", "three processes", "fewer");
  } else if (killed.run().reply.left_running > 0) {
    killed.FailRun("if the executor dies, its jobs die", "no processes",
                   std::to_string(killed.run().reply.left_running) + " still run 1.5 s later");
  }
}

struct BadRequest {
  const char* what;
  void (*change)(ExecutorCase*);
};

constexpr BadRequest kBadRequests[] = {
    {"fewer reports than jobs", [](ExecutorCase* c) { c->request.reports = 1; }},
    {"more reports than jobs", [](ExecutorCase* c) { c->request.reports = 3; }},
    {"max_processes is 0", [](ExecutorCase* c) { c->request.max_processes = 0; }},
    {"max_processes is -1", [](ExecutorCase* c) { c->request.max_processes = -1; }},
    {"device_memory_mib is -1", [](ExecutorCase* c) { c->request.device_memory_mib = -1; }},
    {"base_mib is -1", [](ExecutorCase* c) { c->request.base_mib = -1; }},
    {"a job's memory_mib is -1", [](ExecutorCase* c) { c->jobs[1].plan.memory_mib = -1; }},
    {"a job's arrival_ms is -1", [](ExecutorCase* c) { c->jobs[1].plan.arrival_ms = -1; }},
    {"a job's work_ms is -1", [](ExecutorCase* c) { c->jobs[1].plan.work_ms = -1; }},
    {"a job's deadline_ms is -1", [](ExecutorCase* c) { c->jobs[1].plan.deadline_ms = -1; }},
    {"a job's threads_percent is 0", [](ExecutorCase* c) { c->jobs[1].plan.threads_percent = 0; }},
    {"a job's threads_percent is 101", [](ExecutorCase* c) { c->jobs[1].plan.threads_percent = 101; }},
    {"a job's argv is nullptr", [](ExecutorCase* c) { c->jobs[1].plan.mode = WorkerMode::kNoArgv; }},
    {"a job's argv[0] is nullptr", [](ExecutorCase* c) { c->jobs[1].plan.mode = WorkerMode::kNoArgv0; }},
};

void CheckArguments(CheckContext& context) {
  ExecutorJudge none(context, CaseOf(context, "no jobs at all"));
  if (!none.Execute()) return;
  for (const BadRequest& bad : kBadRequests) {
    ExecutorCase jobs = CaseOf(context, bad.what);
    for (int i = 0; i < 2; ++i) AddJob(&jobs, context, 0, 10, 20);
    jobs.request.reports = 2;
    bad.change(&jobs);
    ExecutorJudge judge(context, jobs);
    if (!judge.ExecuteAnyhow()) return;
    const ExecutorRun& run = judge.run();
    if (run.reply.end != ExecutorEnd::kReturned || run.reply.result != EINVAL) {
      judge.FailRun("arguments that make no sense are refused", "EINVAL",
                    run.reply.end == ExecutorEnd::kReturned ? std::to_string(run.reply.result) : "it did not return");
      return;
    }
    bool untouched = true;
    for (const ProcessReport& report : run.reports) {
      untouched = untouched && report.id == kUntouched && report.end_ms == kUntouched;
    }
    if (!untouched || judge.Started(0) || judge.Started(1)) {
      judge.FailRun("a call that is refused starts nothing and leaves `reports` as they are", "nothing has changed",
                    untouched ? "a job was started" : "the reports have changed");
      return;
    }
  }
}

}  // namespace

void AddExecutorChecks(std::vector<workbench::Check>* checks) {
  const std::vector<workbench::Check> own = {
      {{"d.runs",
        "jobs run, and are reported",
        2,
        false,
        {"an exit status is not taken apart (WEXITSTATUS)", "reports in the order of ending", "another clock"}},
       CheckRuns},
      {{"d.memory",
        "the memory of jobs that run together, and each one's limit",
        2,
        false,
        {"memory is taken when a process has started and not when that is decided", "the limit without base_mib",
         "setrlimit on the executor and not on the child", "on a GPU: the variables of MPS are not in the child's"}},
       CheckMemory},
      {{"d.overcommitter",
        "a job that takes more than it declared fails alone",
        2,
        false,
        {"no limit was set", "exit code 77 is taken for any other", "one failure ends the rest"}},
       CheckOvercommitter},
      {{"d.parallel",
        "jobs that fit do run together",
        1,
        false,
        {"waiting for a process directly after it was started", "memory of a job that has ended is not given back"}},
       CheckParallel},
      {{"d.order",
        "the order of arrival, passing, and the 2 s rule",
        1.5,
        false,
        {"the order of the span and not of arrival", "the first that does not fit holds up all others",
         "a large job is passed for ever"}},
       CheckOrder},
      {{"d.failures",
        "crashes, exit codes, programs that do not exist, jobs that never fit",
        1.5,
        false,
        {"a signal and 128 + signal are the same", "127 is taken for a program that could not be executed",
         "a failed job's memory is not given back", "a job that can never fit is waited for"}},
       CheckFailures},
      {{"d.deadline",
        "a job that ignores SIGTERM and never ends",
        1.5,
        false,
        {"waiting for one process while another's deadline passes", "deadlines from arrival", "SIGTERM alone"}},
       CheckDeadline},
      {{"d.left_behind",
        "grandchildren, zombies, descriptors, and an executor that is killed",
        1.5,
        false,
        {"kill(pid) and not kill(-pid)", "no setpgid, or too late", "descriptors without close-on-exec",
         "no PR_SET_PDEATHSIG"}},
       CheckLeftBehind},
      {{"d.interference",
        "sharing that does not pay",
        1,
        false,
        {"slowdowns are measured and not used", "what has been given up is never tried again",
         "the threshold is 1.1 and not 1.1 n"}},
       CheckInterference},
      {{"d.arguments",
        "arguments that make no sense",
        0.5,
        false,
        {"checked when the job's turn comes", "reports are cleared first"}},
       CheckArguments},
      {{"d.mixed",
        "40 jobs of mixed memory, one of which takes more than it declared",
        0.5,
        false,
        {"what only happens with many: descriptors run out, two processes end at once"}},
       CheckMixed},
  };
  checks->insert(checks->end(), own.begin(), own.end());
}

}  // namespace q07
