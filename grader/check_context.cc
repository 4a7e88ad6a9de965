#include <algorithm>
#include <cstdlib>

#include "grader/question.h"
#include "harness/host/executor/location.h"

namespace workbench {
namespace {

// After this many lost sessions the rest of a grade is not worth the wait: each may have cost a whole deadline.
constexpr int kMaxLostSessions = 6;

VerdictKind KindOf(FailureKind kind) {
  switch (kind) {
    case FailureKind::kCrash:
      return VerdictKind::kCrash;
    case FailureKind::kHang:
    case FailureKind::kDeadlock:
      return VerdictKind::kHang;
    case FailureKind::kForbidden:
      return VerdictKind::kForbidden;
    case FailureKind::kImplementationError:
      return VerdictKind::kWrong;
    case FailureKind::kDeviceError:
      return VerdictKind::kDeviceError;
    case FailureKind::kLeak:
      return VerdictKind::kLeak;
    case FailureKind::kHarness:
      return VerdictKind::kGraderFault;
  }
  return VerdictKind::kGraderFault;
}

const char* PropertyOf(FailureKind kind) {
  switch (kind) {
    case FailureKind::kCrash:
      return "the implementation returns";
    case FailureKind::kHang:
      return "the implementation ends within its deadline";
    case FailureKind::kDeadlock:
      return "no rank waits for ever";
    case FailureKind::kForbidden:
      return "the implementation makes no forbidden call";
    case FailureKind::kImplementationError:
      return "the implementation keeps to its interface";
    case FailureKind::kDeviceError:
      return "CUDA and NCCL report no error";
    case FailureKind::kLeak:
      return "nothing is left behind";
    case FailureKind::kHarness:
      return "the workbench runs the implementation";
  }
  return "";
}

}  // namespace

CheckContext::CheckContext(const GradeOptions& options) : options_(options), devices_(options.gpu) {
  // What host mode draws its orders from, in every rank.
  setenv("WORKBENCH_HOST_SEED", std::to_string(options.seed).c_str(), 1);
}

CheckContext::~CheckContext() { CloseAll(false); }

void CheckContext::Record(const Failure& failure, const Inputs& inputs, bool reference) {
  Finding finding;
  finding.kind = reference ? VerdictKind::kGraderFault : KindOf(failure.kind);
  finding.property = PropertyOf(failure.kind);
  finding.input = inputs;
  finding.rank = failure.rank;
  finding.actual = cuda_host::ResolveLocations(failure.what);
  finding.output = failure.output;
  if (reference) finding.detail = "this happened in the reference, not in the answer";
  Fail(std::move(finding));
}

RankSession* CheckContext::SessionFor(const std::string& part, int ranks, bool reference, const Inputs& inputs) {
  const std::string key = part + (reference ? ".reference." : ".") + std::to_string(ranks);
  if (auto it = sessions_.find(key); it != sessions_.end()) return it->second.get();
  if (lost_sessions_ >= kMaxLostSessions) {
    Finding finding;
    finding.kind = VerdictKind::kCrash;
    finding.property = "the implementation survives to be judged";
    finding.actual = "not reached: it had already crashed or hung " + std::to_string(lost_sessions_) + " times";
    Fail(std::move(finding));
    return nullptr;
  }
  SessionOptions session;
  session.runner = options_.runner;
  session.library = reference ? options_.references[part] : options_.libraries[part];
  session.ranks = ranks;
  // Parts that need no messages need no mpirun either.
  session.use_mpi = ranks > 0;
  if (!session.use_mpi) {
    session.ranks = 1;
    session.runner_arguments.push_back("--mpi=no");
  }
  session.runner_arguments.push_back("--part=" + part);
  // The CUDA runtime makes files of its own when it first meets a kernel.
  if (options_.gpu) session.runner_arguments.push_back("--create_files=yes");
  session.environment = devices_.Environment();
  session.keep_processes = [this, key] {
    std::vector<pid_t> processes = devices_.Processes();
    for (const auto& [other_key, other] : sessions_) {
      if (other_key == key) continue;
      for (const pid_t pid : other->processes()) processes.push_back(pid);
    }
    return processes;
  };
  std::optional<Failure> failure;
  std::unique_ptr<RankSession> started = RankSession::Start(session, &failure);
  if (failure) {
    ++lost_sessions_;
    Record(*failure, inputs, reference);
    return nullptr;
  }
  RankSession* raw = started.get();
  last_command_line_ = raw->command_line();
  sessions_[key] = std::move(started);
  return raw;
}

bool CheckContext::Run(const std::string& part, int ranks, std::span<const std::byte> request, double deadline_seconds,
                       const Inputs& inputs, Replies* replies, bool reference) {
  if (result_ != nullptr) ++result_->cases;
  RankSession* session = SessionFor(part, ranks, reference, inputs);
  if (session == nullptr) return false;
  std::optional<Failure> failure = session->Run(request, deadline_seconds, replies);
  last_case_seconds_ = session->last_case_seconds();
  if (!failure) return true;
  ++lost_sessions_;
  Record(*failure, inputs, reference);
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.get() == session; });
  if (options_.gpu) {
    // A fault under MPS ends every client, and a kernel that hangs stays: start over.
    CloseAll(false);
    devices_.Stop();
  }
  return false;
}

void CheckContext::DropSession(const std::string& part, int ranks) {
  sessions_.erase(part + "." + std::to_string(ranks));
}

void CheckContext::Fail(Finding finding) {
  if (result_->finding) return;
  result_->kind = finding.kind;
  result_->finding = std::move(finding);
}

void CheckContext::NotGraded(std::string reason) {
  if (result_->finding) return;
  result_->kind = VerdictKind::kNotGraded;
  result_->reason = std::move(reason);
}

void CheckContext::Figure(std::string name, double value) { result_->figures.emplace_back(std::move(name), value); }

void CheckContext::SetMeasuredOn(MeasuredOn where) {
  result_->measured_on = where == MeasuredOn::kGpu && !gpu() ? MeasuredOn::kCpu : where;
}

void CheckContext::RecordSamples(const std::string& case_name, const std::string& who,
                                 std::span<const double> seconds) {
  auto& samples = result_->samples;
  auto it = std::find_if(samples.begin(), samples.end(), [&](const auto& entry) { return entry.first == case_name; });
  if (it == samples.end()) it = samples.insert(samples.end(), {case_name, {}});
  std::vector<double>& of_who = it->second[who];
  of_who.insert(of_who.end(), seconds.begin(), seconds.end());
}

void CheckContext::RecordChart(Chart chart) {
  if (chart.measured_on == MeasuredOn::kGpu && !gpu()) chart.measured_on = MeasuredOn::kCpu;
  result_->charts.push_back(std::move(chart));
}

void CheckContext::RecordRoofline(double bytes_per_second, std::optional<double> flops_per_second,
                                  RooflinePoint point) {
  if (!gpu()) return;
  if (!result_->roofline) result_->roofline.emplace();
  Roofline& roofline = *result_->roofline;
  roofline.bytes_per_second = std::max(roofline.bytes_per_second, bytes_per_second);
  if (flops_per_second) roofline.flops_per_second = std::max(roofline.flops_per_second.value_or(0), *flops_per_second);
  roofline.points.push_back(std::move(point));
}

void CheckContext::EarnFraction(double fraction, std::string detail) {
  if (result_->finding) return;
  result_->earned = result_->spec.marks * std::clamp(fraction, 0.0, 1.0);
  if (fraction >= 1) return;
  Finding finding;
  finding.kind = VerdictKind::kTooSlow;
  finding.property = "as fast as the reference";
  finding.detail = std::move(detail);
  Fail(std::move(finding));
}

void CheckContext::Attach(std::string file_name, std::string content) {
  attachments_.emplace_back(std::move(file_name), std::move(content));
}

void CheckContext::CloseAll(bool report_leaks) {
  for (auto& [key, session] : sessions_) {
    std::optional<Failure> failure = session->Close();
    if (failure && report_leaks && result_ != nullptr) Record(*failure, {}, false);
  }
  sessions_.clear();
}

}  // namespace workbench
