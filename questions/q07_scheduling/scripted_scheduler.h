// For tests: a scheduler that does at each Decide what a script says for that time, and notes what it is told.
#ifndef QUESTIONS_Q07_SCHEDULING_SCRIPTED_SCHEDULER_H_
#define QUESTIONS_Q07_SCHEDULING_SCRIPTED_SCHEDULER_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "questions/q07_scheduling/simulator.h"

namespace q07 {

class ScriptedScheduler : public Scheduler {
 public:
  using Step = std::function<void(Actions&)>;
  explicit ScriptedScheduler(std::map<Time, Step> script) : script_(std::move(script)) {}

  void OnSubmit(const Job& job) override { told.push_back("submit " + std::to_string(job.id)); }
  void OnStop(JobId job, StopReason reason, Time ran) override {
    told.push_back("stop " + std::to_string(job) + " " + std::to_string(static_cast<int32_t>(reason)) + " " +
                   std::to_string(ran));
    if (on_stop) on_stop();
  }
  void OnNode(int32_t node, bool up) override {
    told.push_back("node " + std::to_string(node) + (up ? " up" : " down"));
  }
  void Decide(Time now, Actions& actions) override {
    told.push_back("decide " + std::to_string(now));
    last = &actions;
    const auto step = script_.find(now);
    if (step != script_.end()) step->second(actions);
  }

  std::vector<std::string> told;
  std::function<void()> on_stop;
  Actions* last = nullptr;

 private:
  std::map<Time, Step> script_;  // by time
};

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_SCRIPTED_SCHEDULER_H_
