#include "grader/verdict.h"

namespace workbench {

const char* VerdictName(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kPass:
      return "pass";
    case VerdictKind::kWrong:
      return "wrong";
    case VerdictKind::kCrash:
      return "crash";
    case VerdictKind::kHang:
      return "hang";
    case VerdictKind::kForbidden:
      return "forbidden";
    case VerdictKind::kDeviceError:
      return "device_error";
    case VerdictKind::kLeak:
      return "leak";
    case VerdictKind::kTooSlow:
      return "too_slow";
    case VerdictKind::kNotGraded:
      return "not_graded";
    case VerdictKind::kGraderFault:
      return "grader_fault";
  }
  return "grader_fault";
}

// A fault of the workbench's own costs no marks.
bool WasJudged(const CheckResult& check) {
  return check.kind != VerdictKind::kNotGraded && check.kind != VerdictKind::kGraderFault;
}

double GradeResult::earned() const {
  double sum = 0;
  for (const CheckResult& check : checks) sum += check.earned;
  return sum;
}

double GradeResult::possible() const {
  double sum = 0;
  for (const CheckResult& check : checks) {
    if (WasJudged(check)) sum += check.spec.marks;
  }
  return sum;
}

double GradeResult::not_graded() const {
  double sum = 0;
  for (const CheckResult& check : checks) {
    if (!WasJudged(check)) sum += check.spec.marks;
  }
  return sum;
}

const CheckResult* GradeResult::lead() const {
  for (const CheckResult& check : checks) {
    if (check.kind != VerdictKind::kPass && check.kind != VerdictKind::kNotGraded) return &check;
  }
  return nullptr;
}

}  // namespace workbench
