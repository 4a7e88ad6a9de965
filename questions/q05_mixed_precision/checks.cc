// Q5 for the grader: its parts and its checks, in the order in which they lead a verdict.
#include "questions/q05_mixed_precision/checks.h"

workbench::Question workbench::MakeQuestion() {
  Question question;
  question.name = "q05_mixed_precision";
  question.title = "Q5 Mixed precision";
  question.parts = {{"a", "conversions between formats"},
                    {"b", "unscaling, with overflow found and the norm taken in the same pass"},
                    {"c", "the dynamic loss scaler"},
                    {"d", "fused Adam with master weights"},
                    {"e", "matrix product on tensor cores"},
                    {"f", "layers that need precision"},
                    {"g", "training in each format"}};
  question.performance_checks = {"a.speed", "b.speed", "b.many_tensors", "d.speed", "e.speed", "f.speed"};
  for (std::vector<Check> (*checks)() : {q05::ConvertChecks, q05::UnscaleChecks, q05::ScalerChecks, q05::AdamChecks,
                                         q05::GemmChecks, q05::NormChecks, q05::TrainChecks}) {
    for (Check& check : checks()) question.checks.push_back(std::move(check));
  }
  return question;
}
