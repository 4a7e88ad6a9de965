// Part C: choices against the best of all, group by group.
#include <cmath>
#include <cstdio>

#include "questions/q02_allreduce/checks.h"
#include "questions/q02_allreduce/cost.h"
#include "questions/q02_allreduce/cost_svg.h"
#include "questions/q02_allreduce/protocol.h"

namespace q02 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

std::string Number(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string Describe(Algorithm algorithm, uint64_t segment_bytes) {
  if (algorithm < Algorithm::kRing || algorithm > Algorithm::kTree) {
    return "algorithm " + std::to_string(static_cast<int>(algorithm));
  }
  std::string text = AlgorithmName(algorithm);
  if (algorithm == Algorithm::kTree) text += " in segments of " + std::to_string(segment_bytes) + " B";
  return text;
}

CheckContext::Inputs Describe(const ChoiceCase& one) {
  return {{"ranks", std::to_string(one.model.ranks)},
          {"bytes", std::to_string(one.bytes)},
          {"alpha", Number("%.3g us", one.model.alpha * 1e6)},
          {"beta", Number("%.3g ns/B", one.model.beta * 1e9)},
          {"gamma", Number("%.3g ns/B", one.model.gamma * 1e9)}};
}

void CheckGroup(CheckContext& context, Group group) {
  std::vector<ChoiceCase> cases;
  for (const ChoiceCase& one : ChoiceCases(context.seed())) {
    if (one.group == group) cases.push_back(one);
  }
  std::vector<std::byte> request;
  Append(&request, ChooseCase{});
  for (const ChoiceCase& one : cases) Append(&request, ChooseQuery{one.model, one.bytes});
  CheckContext::Replies replies;
  if (!context.Run("c", 0, request, 30, {{"cases", std::to_string(cases.size())}}, &replies)) return;
  Finding finding;
  double worst = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Choice choice = Read<Choice>(replies[0], i * sizeof(Choice));
    const ChoiceVerdict verdict = JudgeChoice(cases[i], choice);
    if (verdict.ok) continue;
    ++finding.differing;
    if (verdict.ratio <= worst) continue;
    worst = verdict.ratio;
    finding.property = "the choice costs at most 1.01 times the best of all algorithms and segment sizes";
    finding.input = Describe(cases[i]);
    finding.expected = Describe(verdict.best.algorithm, verdict.best.segment_bytes) + ", " +
                       Number("%.6g us", verdict.best.seconds * 1e6);
    finding.actual = Describe(choice.algorithm, choice.segment_bytes) +
                     (std::isfinite(verdict.ratio) ? "" : ": " + verdict.reason) +
                     Number(", %.6g us", verdict.chosen_seconds * 1e6) + Number(" (%.3f times)", verdict.ratio);
  }
  if (finding.differing == 0) return;
  finding.detail =
      std::to_string(finding.differing) + " of " + std::to_string(cases.size()) + " cases are off; this is the worst";
  finding.differing = 0;
  context.Fail(finding);
}

// The answer's choices on a cluster that shows all four algorithms, drawn over the cost curves.
void AttachCurve(CheckContext& context) {
  const CostModel model{96, 5e-6, 1.0 / 25e9, 1.0 / 100e9};
  std::vector<std::byte> request;
  Append(&request, ChooseCase{});
  std::vector<uint64_t> sizes;
  for (uint64_t bytes = 64; bytes <= uint64_t{1} << 32; bytes *= 4) sizes.push_back(bytes);
  for (const uint64_t bytes : sizes) Append(&request, ChooseQuery{model, bytes});
  CheckContext::Replies replies;
  if (!context.Run("c", 0, request, 30, {{"ranks", std::to_string(model.ranks)}}, &replies)) return;
  std::vector<std::pair<uint64_t, Choice>> chosen;
  for (size_t i = 0; i < sizes.size(); ++i) chosen.emplace_back(sizes[i], Read<Choice>(replies[0], i * sizeof(Choice)));
  context.Attach("cost_curve.svg", CostCurveSvg(model, chosen));
}

}  // namespace

std::vector<workbench::Check> ChooseChecks() {
  const auto group = [](Group which) { return [which](CheckContext& context) { CheckGroup(context, which); }; };
  return {
      {{CheckId(Group::kSmall),
        "small buffers: latency",
        4,
        false,
        {"counting bytes only: a ring's 2(N-1) alpha is what small buffers pay",
         "gamma left out: reducing whole buffers is not free"}},
       group(Group::kSmall)},
      {{CheckId(Group::kLarge),
        "large buffers: bandwidth",
        4,
        false,
        {"taking halving-doubling for recursive doubling: it moves the ring's bytes in 2 log2 N steps",
         "32-bit bytes"}},
       group(Group::kLarge)},
      {{CheckId(Group::kNonPowerOfTwo),
        "N that is no power of two",
        4,
        false,
        {"the fold is left out of the cost of the two algorithms that need one",
         "log2 N rounded up where p, the power of two below, counts"}},
       group(Group::kNonPowerOfTwo)},
      {{CheckId(Group::kSegment),
        "the tree's segments",
        4,
        false,
        {"one segment: no pipelining",
         "the best number of segments is a square root; a fixed size is right at one size only"}},
       group(Group::kSegment)},
      {{CheckId(Group::kHuge),
        "4,096 ranks and more",
        4,
        false,
        {"an int32 product", "a rule of thumb that held for eight ranks"}},
       [](CheckContext& context) {
         CheckGroup(context, Group::kHuge);
         if (!context.failed()) AttachCurve(context);
       }},
  };
}

}  // namespace q02
