// Q7 for the grader: its parts and its checks, in the order in which they lead a verdict.
#include "questions/q07_scheduling/checks.h"

workbench::Question workbench::MakeQuestion() {
  Question question;
  question.name = "q07_scheduling";
  question.title = "Q7 GPU cluster scheduling";
  question.parts = {{"a", "policies: which job next"},
                    {"b", "placement: on which node and GPUs"},
                    {"c", "sharing: whose turn it is"},
                    {"d", "the executor: real processes on a real GPU"}};
  // Right answers that are slow in long queues or large clusters are right.
  question.performance_checks = {"a.scale", "b.scale"};
  q07::AddPolicyChecks(&question.checks);
  q07::AddPlacementChecks(&question.checks);
  q07::AddSharingChecks(&question.checks);
  q07::AddExecutorChecks(&question.checks);
  return question;
}
