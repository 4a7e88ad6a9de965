#include "questions/q07_scheduling/executor_judge.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace q07 {
namespace {

using workbench::CheckContext;
using workbench::VerdictKind;

// Between q07_execute being called and its clock being read, or between two clock readings around a system call: what a
// loaded machine may take.
constexpr double kClockMs = 250;
// From a process's fork to its first word.
constexpr double kStartUpMs = 2000;
// After memory was freed or a job arrived: for an executor that polls, on a loaded machine.
constexpr double kPromptMs = 1000;
// Between a process's last word and its being reaped, while which its memory is taken.
constexpr double kTearDownMs = 300;
constexpr double kTearDownOnGpuMs = 5000;
constexpr double kTogetherMs = 300;  // starts closer than this are "at once"
constexpr double kBlinkMs = 10;
constexpr double kPassingMs = 2000;
constexpr double kPassingSlackMs = 400;
constexpr int64_t kMarginSeconds = 10;

std::string Number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string Milliseconds(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f ms", value);
  return text;
}

const char* NameOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFinished:
      return "kFinished";
    case Outcome::kOutOfMemory:
      return "kOutOfMemory";
    case Outcome::kFailed:
      return "kFailed";
    case Outcome::kDeadline:
      return "kDeadline";
    case Outcome::kNotStarted:
      return "kNotStarted";
  }
  return "no Outcome";
}

std::string Ending(Outcome outcome, int32_t code) {
  return std::string(NameOf(outcome)) + ", exit code " + std::to_string(code);
}

const char* What(const WorkerPlan& plan) {
  switch (plan.mode) {
    case WorkerMode::kWork:
      return plan.use_mib > plan.memory_mib ? "takes more memory than it declared" : "works and exits";
    case WorkerMode::kCrash:
      return "dies of SIGSEGV";
    case WorkerMode::kForever:
      return "ignores SIGTERM and runs for ever";
    case WorkerMode::kLinger:
      return "leaves a child behind";
    case WorkerMode::kNoProgram:
      return "its program does not exist";
    case WorkerMode::kNoArgv:
    case WorkerMode::kNoArgv0:
      return "has no argv";
  }
  return "";
}

// MiB of "0=<number><unit>"; -1: not understood.
double MibOfLimit(const char* text) {
  const char* equals = std::strchr(text, '=');
  char* unit = nullptr;
  const double number = std::strtod(equals != nullptr ? equals + 1 : text, &unit);
  if (number <= 0) return -1;
  switch (*unit) {
    case 'G':
    case 'g':
      return number * 1024;
    case 'M':
    case 'm':
      return number;
    case 'K':
    case 'k':
      return number / 1024;
    default:
      return number / (1 << 20);
  }
}

}  // namespace

// ---- Running

bool ExecutorJudge::ExecuteAnyhow() {
  ExecutorRequest& request = case_.request;
  request.jobs = static_cast<int32_t>(case_.jobs.size());
  request.gpu = context_.gpu();
  std::vector<std::byte> bytes;
  Append(&bytes, request);
  for (const PlannedJob& job : case_.jobs) Append(&bytes, job.plan);
  const CheckContext::Inputs inputs = {{"case", case_.name}};
  CheckContext::Replies replies;
  const double deadline = static_cast<double>(request.patience_ms) / 1000 + kMarginSeconds;
  if (!context_.Run("d", 0, bytes, deadline, inputs, &replies)) return false;
  run_.reply = Read<ExecutorReply>(replies[0]);
  const auto reports = static_cast<size_t>(std::clamp(run_.reply.reports, 0, kMaxProcessJobs + 1));
  run_.reports = ReadAll<ProcessReport>(replies[0], sizeof run_.reply, reports);
  run_.slots = ReadAll<WorkerSlot>(replies[0], sizeof run_.reply + reports * sizeof(ProcessReport), case_.jobs.size());
  if (run_.reports.size() != static_cast<size_t>(request.reports) || run_.slots.size() != case_.jobs.size()) {
    return Record(VerdictKind::kCrash, "the reply is whole", kNoJob, "reports and slots of all jobs",
                  std::to_string(replies[0].size()) + " bytes");
  }
  for (WorkerSlot& slot : run_.slots) {
    slot.mps_pipe[sizeof slot.mps_pipe - 1] = slot.mps_limit[sizeof slot.mps_limit - 1] = '\0';
  }
  return true;
}

bool ExecutorJudge::Execute() {
  case_.request.reports = static_cast<int32_t>(case_.jobs.size());
  if (!ExecuteAnyhow()) return false;
  const ExecutorReply& reply = run_.reply;
  switch (reply.end) {
    case ExecutorEnd::kReturned:
      break;
    case ExecutorEnd::kStillRuns: {
      std::string unfinished;
      for (size_t i = 0; i < case_.jobs.size(); ++i) {
        if (Started(i) && run_.slots[i].end_ns != 0) continue;
        unfinished +=
            (unfinished.empty() ? "" : "; ") + Describe(i) + (Started(i) ? " has not ended" : " has not started");
        if (unfinished.size() > 300) break;
      }
      return Record(VerdictKind::kHang, "q07_execute returns when all jobs have ended", kNoJob,
                    "all have ended long before " + Milliseconds(static_cast<double>(case_.request.patience_ms)),
                    "it still runs. " + (unfinished.empty() ? "All jobs have ended" : unfinished));
    }
    case ExecutorEnd::kThrew:
      return Record(VerdictKind::kCrash, "no exception leaves q07_execute", kNoJob, "", "one did");
    case ExecutorEnd::kKilled:
    case ExecutorEnd::kDied: {
      const int status = reply.result;
      const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                                  : "exit status " + std::to_string(WEXITSTATUS(status));
      return Record(VerdictKind::kCrash, "the process that calls q07_execute lives", kNoJob, "", "it ended: " + how);
    }
  }
  if (reply.result != 0) return FailRun("q07_execute returns 0", "0", std::to_string(reply.result));
  return true;
}

// ---- Findings

std::string ExecutorJudge::Describe(size_t job) const {
  const WorkerPlan& plan = case_.jobs[job].plan;
  std::string text = "job " + std::to_string(plan.id) + " (" + std::to_string(plan.memory_mib) + " MiB, arrives at " +
                     std::to_string(plan.arrival_ms) + " ms, works for " + std::to_string(plan.work_ms) + " ms";
  if (plan.mode != WorkerMode::kWork || plan.use_mib > plan.memory_mib) text += std::string(", ") + What(plan);
  if (plan.exit_code != 0) text += ", exits with " + std::to_string(plan.exit_code);
  if (plan.deadline_ms < 60'000) text += ", deadline " + std::to_string(plan.deadline_ms) + " ms";
  return text + ")";
}

bool ExecutorJudge::Record(VerdictKind kind, const std::string& property, size_t job, const std::string& expected,
                           const std::string& actual) {
  workbench::Finding finding;
  finding.kind = kind;
  finding.property = property;
  finding.input = {{"case", case_.name},
                   {"device", std::to_string(case_.request.device_memory_mib) + " MiB, at most " +
                                  std::to_string(case_.request.max_processes) + " processes"},
                   {"jobs", std::to_string(case_.jobs.size())}};
  if (job != kNoJob) finding.input.emplace_back("job", Describe(job));
  finding.expected = expected;
  finding.actual = actual;
  context_.Fail(std::move(finding));
  return false;
}

bool ExecutorJudge::Fail(const std::string& property, size_t job, const std::string& expected,
                         const std::string& actual) {
  return Record(VerdictKind::kWrong, property, job, expected, actual);
}

bool ExecutorJudge::FailRun(const std::string& property, const std::string& expected, const std::string& actual) {
  return Record(VerdictKind::kWrong, property, kNoJob, expected, actual);
}

// ---- Properties

bool ExecutorJudge::Outcomes() {
  for (size_t i = 0; i < case_.jobs.size(); ++i) {
    const PlannedJob& job = case_.jobs[i];
    const ProcessReport& report = run_.reports[i];
    const int64_t starts = job.outcome == Outcome::kNotStarted ? 0 : 1;
    if (run_.slots[i].starts != starts) {
      return Fail("a job is started once, unless it can never run", i, std::to_string(starts) + " starts",
                  std::to_string(run_.slots[i].starts) + " starts");
    }
    // What a signal at the deadline is, is the executor's to choose.
    const bool code = job.outcome == Outcome::kNotStarted || report.exit_code == job.exit_code ||
                      (job.outcome == Outcome::kDeadline && report.exit_code < 0);
    if (report.outcome != job.outcome || !code) {
      return Fail("a job's outcome and exit code are reported", i, Ending(job.outcome, job.exit_code),
                  Ending(report.outcome, report.exit_code));
    }
    const bool enough = job.outcome != Outcome::kFinished || run_.slots[i].end_ns != 0;
    if (!enough) return Fail("a job that is reported as finished has ended by itself", i, "it has", "it was stopped");
  }
  return true;
}

bool ExecutorJudge::Reports() {
  const double total = Ms(run_.reply.return_ns);
  for (size_t i = 0; i < case_.jobs.size(); ++i) {
    const WorkerPlan& plan = case_.jobs[i].plan;
    const ProcessReport& report = run_.reports[i];
    if (report.id != plan.id) {
      return Fail("reports[i] is jobs[i]'s", i, "id " + std::to_string(plan.id), "id " + std::to_string(report.id));
    }
    if (case_.jobs[i].outcome == Outcome::kNotStarted) continue;
    const auto start = static_cast<double>(report.start_ms), end = static_cast<double>(report.end_ms);
    if (StartMs(i) < static_cast<double>(plan.arrival_ms) - 1) {
      return Fail("no job starts before it arrives", i,
                  "a start at " + std::to_string(plan.arrival_ms) + " ms or later",
                  "its process ran at " + Milliseconds(StartMs(i)));
    }
    if (start > StartMs(i) + 2 || start < StartMs(i) - kStartUpMs || report.start_ms < plan.arrival_ms) {
      return Fail("start_ms is when the job was started, since the call", i,
                  "shortly before its process said so, at " + Milliseconds(StartMs(i)), Milliseconds(start));
    }
    if (end < LastMs(i) - kClockMs || end > total + 1 || end < start) {
      return Fail(
          "end_ms is when the job had been reaped, since the call", i,
          "after its last sign of life at " + Milliseconds(LastMs(i)) + " and by the return at " + Milliseconds(total),
          Milliseconds(end));
    }
    const double slowdown =
        report.outcome == Outcome::kFinished ? (end - start) / static_cast<double>(plan.work_ms) : 0;
    const double tolerance = report.outcome == Outcome::kFinished ? 2.0 / static_cast<double>(plan.work_ms) : 0;
    if (!(std::abs(report.slowdown - slowdown) <= tolerance + 1e-9)) {
      return Fail("slowdown is (end - start) / work of a job that finished, else 0", i, Number(slowdown),
                  Number(report.slowdown));
    }
    // At least those that certainly lived at one instant of its life; at most those that by the reports may have.
    int32_t least = 1, most = 1;
    for (size_t at = 0; at < case_.jobs.size(); ++at) {
      if (!Started(at)) continue;
      int32_t alive = 0, reported = 0;
      const double reported_at = std::max(start, static_cast<double>(run_.reports[at].start_ms));
      for (size_t k = 0; k < case_.jobs.size(); ++k) {
        if (!Started(k)) continue;
        const double from = std::max(StartMs(i), StartMs(at));
        alive += StartMs(k) <= from && from < LastMs(k) && from < LastMs(i);
        reported += static_cast<double>(run_.reports[k].start_ms) <= reported_at &&
                    reported_at <= static_cast<double>(run_.reports[k].end_ms) && reported_at <= end;
      }
      least = std::max(least, alive);
      most = std::max(most, reported);
    }
    if (report.together < least || report.together > most) {
      return Fail("together is the most jobs that ran at once while it did", i,
                  least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most),
                  std::to_string(report.together));
    }
  }
  return true;
}

bool ExecutorJudge::Together(size_t a, size_t b) const {
  return Started(a) && Started(b) && StartMs(a) < LastMs(b) && StartMs(b) < LastMs(a);
}

bool ExecutorJudge::Memory() {
  for (size_t i = 0; i < case_.jobs.size(); ++i) {
    if (!Started(i)) continue;
    int64_t memory = 0;
    int32_t count = 0;
    std::string who;
    for (size_t k = 0; k < case_.jobs.size(); ++k) {
      if (!Started(k) || StartMs(k) > StartMs(i) || (k != i && LastMs(k) <= StartMs(i))) continue;
      memory += case_.jobs[k].plan.memory_mib;
      ++count;
      who += (who.empty() ? "jobs " : ", ") + std::to_string(case_.jobs[k].plan.id);
    }
    const std::string when = " at " + Milliseconds(StartMs(i)) + ", when this job started: " + who;
    if (memory > case_.request.device_memory_mib) {
      return Fail("the declared memories of the jobs that run never exceed the device's", i,
                  "at most " + std::to_string(case_.request.device_memory_mib) + " MiB",
                  std::to_string(memory) + " MiB" + when);
    }
    if (count > case_.request.max_processes) {
      return Fail("no more than max_processes run at a time", i, std::to_string(case_.request.max_processes),
                  std::to_string(count) + when);
    }
  }
  return true;
}

bool ExecutorJudge::Limits() {
  for (size_t i = 0; i < case_.jobs.size(); ++i) {
    if (!Started(i)) continue;
    if (run_.reply.mps) {
      if (!LimitOnGpu(i)) return false;
      continue;
    }
    const int64_t expected = (case_.jobs[i].plan.memory_mib + case_.request.base_mib) << 20;
    if (run_.slots[i].data_limit != expected) {
      return Fail("in host mode a process's RLIMIT_DATA is memory_mib + base_mib", i,
                  std::to_string(expected) + " bytes",
                  run_.slots[i].data_limit < 0 ? "none" : std::to_string(run_.slots[i].data_limit) + " bytes");
    }
  }
  return true;
}

bool ExecutorJudge::LimitOnGpu(size_t job) {
  const WorkerSlot& slot = run_.slots[job];
  const std::string pipe(slot.mps_pipe);
  if (pipe != std::string(run_.reply.mps_pipe, strnlen(run_.reply.mps_pipe, sizeof run_.reply.mps_pipe))) {
    return Fail("the job's CUDA_MPS_PIPE_DIRECTORY is the configuration's", job, run_.reply.mps_pipe,
                pipe.empty() ? "not set" : pipe);
  }
  const auto least = static_cast<double>(case_.jobs[job].plan.memory_mib);
  const double most = least + static_cast<double>(case_.request.base_mib);
  const double limit = MibOfLimit(slot.mps_limit);
  if (limit < least - 1 || limit > most + 1) {
    return Fail("the job's CUDA_MPS_PINNED_DEVICE_MEM_LIMIT is its declared memory", job,
                "0=" + Number(least) + "M (or with base_mib, 0=" + Number(most) + "M)",
                slot.mps_limit[0] == '\0' ? "not set" : slot.mps_limit);
  }
  return true;
}

double ExecutorJudge::HeldFromMs(size_t job) const {
  return std::min(StartMs(job), static_cast<double>(run_.reports[job].start_ms));
}

double ExecutorJudge::HeldUntilMs(size_t job) const {
  // A process with a CUDA context takes its time to go.
  const double grace = context_.gpu() && case_.jobs[job].plan.on_device ? kTearDownOnGpuMs : kTearDownMs;
  const double last = LastMs(job);
  return std::clamp(static_cast<double>(run_.reports[job].end_ms), last, last + grace);
}

bool ExecutorJudge::SurelyFits(size_t job, double from, double to) const {
  int64_t memory = case_.jobs[job].plan.memory_mib;
  int32_t count = 1;
  for (size_t k = 0; k < case_.jobs.size(); ++k) {
    if (k == job || !Started(k) || HeldFromMs(k) >= to || HeldUntilMs(k) <= from) continue;
    memory += case_.jobs[k].plan.memory_mib;
    ++count;
  }
  return memory <= case_.request.device_memory_mib && count <= case_.request.max_processes;
}

bool ExecutorJudge::Comes(size_t a, size_t b) const {
  const int64_t at = case_.jobs[a].plan.arrival_ms, bt = case_.jobs[b].plan.arrival_ms;
  return at < bt || (at == bt && a < b);
}

std::vector<double> ExecutorJudge::Instants() const {
  std::vector<double> instants;
  for (size_t k = 0; k < case_.jobs.size(); ++k) {
    // From here on it may be in nobody's way: it has waited so long that others wait for it.
    instants.push_back(static_cast<double>(case_.jobs[k].plan.arrival_ms) + kPassingMs - kPassingSlackMs);
    instants.push_back(static_cast<double>(case_.jobs[k].plan.arrival_ms));
    if (!Started(k)) continue;
    instants.push_back(HeldFromMs(k));
    instants.push_back(HeldUntilMs(k));
  }
  std::sort(instants.begin(), instants.end());
  return instants;
}

bool ExecutorJudge::NoIdling() {
  const std::vector<double> instants = Instants();
  for (size_t i = 0; i < case_.jobs.size(); ++i) {
    if (!Started(i)) continue;
    const auto arrival = static_cast<double>(case_.jobs[i].plan.arrival_ms);
    // One that has waited too long keeps others from starting; not if it could have started itself.
    const auto held_up = [&](double at, double to) {
      for (size_t k = 0; k < case_.jobs.size(); ++k) {
        const double since = static_cast<double>(case_.jobs[k].plan.arrival_ms);
        if (Comes(k, i) && Started(k) && at < StartMs(k) && at >= since + kPassingMs - kPassingSlackMs &&
            !SurelyFits(k, at, to)) {
          return true;
        }
      }
      return false;
    };
    double idle = 0, since = 0;
    for (size_t n = 0; n + 1 < instants.size(); ++n) {
      const double from = std::max(instants[n], arrival), to = std::min(instants[n + 1], StartMs(i));
      if (from >= to) continue;
      if (!SurelyFits(i, from, to) || held_up(from, to)) {
        // Reports are in whole milliseconds: one that ends and the next that starts may seem to overlap.
        if (to - from > kBlinkMs) idle = 0;
        continue;
      }
      if (idle == 0) since = from;
      idle += to - from;
      if (idle > kPromptMs) {
        return Fail("a job starts as soon as its memory is free and fewer than max_processes run", i,
                    "a start soon after " + Milliseconds(since) + ", from when on it fits",
                    "it started at " + Milliseconds(StartMs(i)));
      }
    }
  }
  return true;
}

bool ExecutorJudge::InOrder() {
  for (size_t i = 0; i < case_.jobs.size(); ++i) {
    if (!Started(i)) continue;
    const auto arrival = static_cast<double>(case_.jobs[i].plan.arrival_ms);
    double first_passed = 1e300;
    for (size_t k = 0; k < case_.jobs.size(); ++k) {
      if (Started(k) && Comes(i, k) && StartMs(k) + kTogetherMs < StartMs(i)) {
        first_passed = std::min(first_passed, StartMs(k));
      }
    }
    for (size_t k = 0; k < case_.jobs.size(); ++k) {
      if (!Started(k) || !Comes(i, k) || StartMs(k) + kTogetherMs >= StartMs(i)) continue;
      const double at = StartMs(k);
      const std::string passed =
          Describe(k) + " started at " + Milliseconds(at) + ", this one at " + Milliseconds(StartMs(i));
      if (HeldFromMs(k) - kTogetherMs >= arrival && SurelyFits(i, HeldFromMs(k) - kTogetherMs, HeldFromMs(k))) {
        return Fail("jobs start in order of arrival, ties as given", i,
                    "a start before that of those behind it: it fitted", passed);
      }
      // Passed at `first_passed`, it did not fit then: from then at the latest its two seconds run.
      if (at > std::max(first_passed, arrival) + kPassingMs + kPassingSlackMs) {
        return Fail("a job that does not fit holds up no other for 2 s; then nothing else starts before it does", i,
                    "nobody passes it more than 2 s after it first did not fit", passed);
      }
    }
  }
  return true;
}

bool ExecutorJudge::OwnGroups() {
  for (size_t i = 0; i < case_.jobs.size(); ++i) {
    const WorkerSlot& slot = run_.slots[i];
    if (!Started(i)) continue;
    if (slot.group != slot.pid) {
      return Fail("every process is the leader of a process group of its own", i, "group " + std::to_string(slot.pid),
                  "process " + std::to_string(slot.pid) + " is in group " + std::to_string(slot.group));
    }
    if (slot.inherited != 0) {
      return Fail("a job inherits no file descriptor but 0, 1 and 2", i, "none",
                  std::to_string(slot.inherited) + " more, the first of them " + std::to_string(slot.first_inherited));
    }
  }
  return true;
}

bool ExecutorJudge::NothingLeft() {
  const ExecutorReply& reply = run_.reply;
  if (reply.zombies > 0) {
    return FailRun("every process has been waited for when q07_execute returns", "no zombies",
                   std::to_string(reply.zombies) + " zombies");
  }
  if (reply.left_running > 0) {
    return FailRun("nothing that a job started runs on when q07_execute has returned", "no processes",
                   std::to_string(reply.left_running) + " still run 1.5 s later");
  }
  if (reply.descriptors_after != reply.descriptors_before) {
    return FailRun("the executor closes what it has opened",
                   std::to_string(reply.descriptors_before) + " open descriptors, as before the call",
                   std::to_string(reply.descriptors_after));
  }
  return true;
}

}  // namespace q07
