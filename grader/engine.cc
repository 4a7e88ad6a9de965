#include "grader/engine.h"

#include <algorithm>
#include <cmath>

#include "grader/elf_imports.h"

namespace workbench {
namespace {

bool Contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

double PerformanceFraction(double ratio) {
  if (!(ratio > 1.05)) return std::isnan(ratio) ? 0 : 1;
  if (ratio >= 10) return 0;
  return std::log(10 / ratio) / std::log(10 / 1.05);
}

std::string Engine::ForbiddenImport(const std::string& part) const {
  const auto it = options_.libraries.find(part);
  if (it == options_.libraries.end()) return "";
  Result<DynamicSymbols> symbols = ReadDynamicSymbols(it->second);
  return symbols.ok() ? FindForbiddenImport(*symbols) : "";
}

std::string Engine::WhyNotHere(const CheckSpec& spec) const {
  const std::string part = spec.part();
  if (spec.needs_gpu && !options_.gpu) return "no GPU";
  if (!options_.libraries.contains(part)) return "no implementation of this part was given";
  return "";
}

CheckResult Engine::RunCheck(const Check& check, CheckContext& context) {
  CheckResult result;
  result.spec = check.spec;
  if (std::string reason = WhyNotHere(check.spec); !reason.empty()) {
    result.kind = VerdictKind::kNotGraded;
    result.reason = reason;
    return result;
  }
  result.earned = check.spec.marks;
  context.result_ = &result;
  const double start = Now();
  check.run(context);
  result.seconds = Now() - start;
  context.result_ = nullptr;
  // A check that is too slow keeps what EarnFraction gave it.
  if (result.kind != VerdictKind::kPass && result.kind != VerdictKind::kTooSlow) result.earned = 0;
  return result;
}

GradeResult Engine::Grade(const std::function<void(const std::string&)>& progress) {
  GradeResult grade;
  grade.question = question_.name;
  grade.title = question_.title;
  grade.implementation = options_.implementation;
  grade.seed = options_.seed;
  grade.parts = question_.parts;
  grade.mode = options_.gpu ? "gpu" : "host";
  const double start = Now();
  CheckContext context(options_);
  std::vector<std::string> forbidden_parts;
  std::vector<std::string> wrong_parts;
  for (const auto& [part, title] : question_.parts) {
    if (!options_.part.empty() && options_.part != part) continue;
    const std::string import = ForbiddenImport(part);
    CheckResult result;
    result.spec = {part + ".imports",
                   "no library does the work",
                   0,
                   false,
                   {"a call to a library's own collective", "a way around the transport"}};
    if (!import.empty()) {
      forbidden_parts.push_back(part);
      result.kind = VerdictKind::kForbidden;
      Finding finding;
      finding.kind = VerdictKind::kForbidden;
      finding.property = "the implementation uses no library that does the work, and no way around the judge";
      finding.actual = "it imports " + import;
      result.finding = finding;
      grade.checks.push_back(result);
    } else if (options_.libraries.contains(part)) {
      grade.checks.push_back(result);
    }
  }
  for (const Check& check : question_.checks) {
    const std::string part = check.spec.part();
    if (!options_.part.empty() && options_.part != part) continue;
    if (!options_.checks.empty() && !Contains(options_.checks, check.spec.id)) continue;
    if (options_.correctness_only && Contains(question_.performance_checks, check.spec.id)) continue;
    if (options_.stop_at_first_failure && grade.lead() != nullptr) break;
    progress(check.spec.id);
    if (Contains(forbidden_parts, part)) {
      CheckResult result;
      result.spec = check.spec;
      result.kind = VerdictKind::kForbidden;
      Finding finding;
      finding.kind = VerdictKind::kForbidden;
      finding.property = "see " + part + ".imports";
      result.finding = finding;
      grade.checks.push_back(result);
      continue;
    }
    // Correctness gates performance: a fast wrong answer earns nothing for speed.
    if (WhyNotHere(check.spec).empty() && Contains(wrong_parts, part) &&
        Contains(question_.performance_checks, check.spec.id)) {
      CheckResult result;
      result.spec = check.spec;
      result.kind = VerdictKind::kTooSlow;
      Finding finding;
      finding.kind = VerdictKind::kTooSlow;
      finding.property = "performance counts once the part is correct";
      result.finding = finding;
      grade.checks.push_back(result);
      continue;
    }
    grade.checks.push_back(RunCheck(check, context));
    const VerdictKind kind = grade.checks.back().kind;
    if (kind != VerdictKind::kPass && kind != VerdictKind::kTooSlow && kind != VerdictKind::kNotGraded) {
      wrong_parts.push_back(part);
    }
  }
  // Ends the ranks in good order: what they left behind is found now.
  CheckResult leftovers;
  leftovers.spec = {"end", "nothing is left behind", 0, false, {"a thread or process that outlives its call"}};
  context.result_ = &leftovers;
  context.CloseAll(true);
  context.result_ = nullptr;
  if (leftovers.finding) grade.checks.push_back(leftovers);
  grade.attachments = std::move(context.attachments_);
  grade.device = context.device_;
  grade.seconds = Now() - start;
  return grade;
}

}  // namespace workbench
