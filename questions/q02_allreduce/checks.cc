// Q2 for the grader: its parts and its checks, in the order in which they lead a verdict.
#include "questions/q02_allreduce/checks.h"

namespace {

void AddAll(std::vector<workbench::Check> checks, std::vector<workbench::Check>* to) {
  for (workbench::Check& check : checks) to->push_back(std::move(check));
}

}  // namespace

workbench::Question workbench::MakeQuestion() {
  Question question;
  question.name = "q02_allreduce";
  question.title = "Q2 AllReduce";
  question.parts = {{"a", "host buffers over point-to-point messages"},
                    {"b", "device buffers that ranks map into each other"},
                    {"c", "choosing algorithm and segment size"}};
  question.performance_checks = {"a.speed", "b.bandwidth", "b.latency"};
  AddAll(q02::HostChecks(), &question.checks);
  AddAll(q02::HostTrafficChecks(), &question.checks);
  AddAll(q02::DeviceChecks(), &question.checks);
  AddAll(q02::ChooseChecks(), &question.checks);
  return question;
}
