#include "questions/q05_mixed_precision/judge.h"

#include <cmath>
#include <cstdio>
#include <numbers>

namespace q05 {

using workbench::CheckContext;
using workbench::Finding;

namespace {

constexpr double kDeadlineSeconds = 60;
constexpr int32_t kCudaErrorInvalidValue = 1;

}  // namespace

double Draws::Normal() {
  const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
  return radius * std::cos(2 * std::numbers::pi * Uniform());
}

size_t Affordable(const CheckContext& context, size_t gpu, size_t cpu, size_t checked) {
  return context.checked() ? checked : context.kernels_on_cpu() ? cpu : gpu;
}

const char* FunctionName(RequestKind kind) {
  switch (kind) {
    case RequestKind::kConvert:
    case RequestKind::kConvertRange:
      return "q05_convert";
    case RequestKind::kUnscale:
      return "q05_unscale";
    case RequestKind::kAdam:
      return "q05_adam";
    case RequestKind::kBiasCorrections:
      return "q05_adam_bias_corrections";
    case RequestKind::kGemm:
      return "q05_gemm";
    default:
      return "the function";
  }
}

Finding NewFinding(std::string property, const Inputs& inputs) {
  Finding finding;
  finding.property = std::move(property);
  finding.input = inputs;
  return finding;
}

bool NoCallError(CheckContext& context, RequestKind kind, int32_t error, const char* name, const Inputs& inputs) {
  if (error == 0) return true;
  Finding finding = NewFinding(std::string(FunctionName(kind)) + " returns cudaSuccess", inputs);
  finding.kind = workbench::VerdictKind::kDeviceError;
  finding.actual = std::string("it returned ") + name;
  context.Fail(finding);
  return false;
}

bool RunCall(CheckContext& context, const std::string& part, RequestKind kind, const workbench::DeviceCall& call,
             std::span<const std::byte> parameters, const Inputs& inputs, Answer* answer) {
  CheckContext::Replies replies;
  if (!context.Run(part, 0, call.Pack(static_cast<uint32_t>(kind), parameters), kDeadlineSeconds, inputs, &replies)) {
    return false;
  }
  answer->reply = std::move(replies[0]);
  answer->outcome = Read<workbench::CallOutcome>(answer->reply);
  answer->outcome.error_name[sizeof answer->outcome.error_name - 1] = '\0';
  return NoCallError(context, kind, answer->outcome.error, answer->outcome.error_name, inputs);
}

bool MustRefuseBytes(CheckContext& context, const std::string& part, RequestKind kind,
                     const std::vector<std::byte>& request, const Inputs& inputs) {
  CheckContext::Replies replies;
  if (!context.Run(part, 0, request, kDeadlineSeconds, inputs, &replies)) return false;
  workbench::CallOutcome outcome = Read<workbench::CallOutcome>(replies[0]);
  if (outcome.error == kCudaErrorInvalidValue) return true;
  outcome.error_name[sizeof outcome.error_name - 1] = '\0';
  Finding finding = NewFinding(std::string(FunctionName(kind)) + " refuses what its contract does not list", inputs);
  finding.expected = "cudaErrorInvalidValue";
  finding.actual = outcome.error == 0 ? "cudaSuccess" : outcome.error_name;
  context.Fail(finding);
  return false;
}

bool ZonesIntact(CheckContext& context, const Answer& answer, const std::vector<std::string>& names,
                 const Inputs& inputs) {
  const workbench::CallOutcome& outcome = answer.outcome;
  if (outcome.zone_buffer < 0) return true;
  const size_t buffer = static_cast<size_t>(outcome.zone_buffer);
  Finding finding = NewFinding("nothing outside of an output is written", inputs);
  finding.actual = "byte " + std::to_string(outcome.zone_offset) +
                   (outcome.zone_side ? " from the end of " : " from the begin of ") +
                   (buffer < names.size() ? names[buffer] : "workspace") + " has changed, " +
                   std::to_string(outcome.zone_bytes) + " in all";
  context.Fail(finding);
  return false;
}

bool InputsIntact(CheckContext& context, const Answer& answer, const std::vector<std::string>& names,
                  const Inputs& inputs) {
  const workbench::CallOutcome& outcome = answer.outcome;
  if (outcome.changed_input < 0) return true;
  Finding finding = NewFinding("inputs are left as they are", inputs);
  finding.actual = names[static_cast<size_t>(outcome.changed_input)] + " has changed, first its byte " +
                   std::to_string(outcome.changed_offset);
  context.Fail(finding);
  return false;
}

bool Mismatches::Judge(CheckContext& context, const std::string& property, const Inputs& inputs, uint64_t total,
                       const std::string& detail) const {
  if (count_ == 0) return true;
  Finding finding = NewFinding(property, inputs);
  finding.index = first_.index;
  finding.expected = first_.expected;
  finding.actual = first_.actual;
  finding.differing = count_;
  finding.total = total;
  finding.detail = detail;
  context.Fail(finding);
  return false;
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace q05
