// Q13 for the grader: its parts and its checks, in the order in which they lead a verdict.
#include "questions/q13_checkpoint/checks.h"

#include <string>

workbench::Question workbench::MakeQuestion() {
  Question question;
  question.name = "q13_checkpoint";
  question.title = "Q13 Checkpointing";
  question.parts = {
      {"a", "a snapshot of device memory"},        {"b", "durable and atomic, on many ranks"}, {"c", "increments"},
      {"d", "shards, and other numbers of ranks"}, {"e", "compression by byte planes"},        {"f", "safetensors"}};
  for (void (*add)(std::vector<Check>*) : {q13::AddSnapshotChecks, q13::AddDurableChecks, q13::AddIncrementalChecks,
                                           q13::AddReshardChecks, q13::AddCompressChecks, q13::AddSafetensorsChecks}) {
    add(&question.checks);
  }
  for (const Check& check : question.checks) {
    // What needs a GPU in this question is about speed.
    if (check.spec.needs_gpu || check.spec.id.ends_with(q13::kSpeedSuffix))
      question.performance_checks.push_back(check.spec.id);
  }
  return question;
}
