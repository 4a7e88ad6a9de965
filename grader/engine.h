// Runs a question's checks on an implementation.
#ifndef GRADER_ENGINE_H_
#define GRADER_ENGINE_H_

#include "grader/question.h"
#include "grader/verdict.h"

namespace workbench {

class Engine {
 public:
  Engine(const Question& question, const GradeOptions& options) : question_(question), options_(options) {}

  // `progress` is told the name of each check as it begins.
  GradeResult Grade(const std::function<void(const std::string&)>& progress);

 private:
  CheckResult RunCheck(const Check& check, CheckContext& context);
  std::string ForbiddenImport(const std::string& part) const;
  std::string WhyNotHere(const CheckSpec& spec) const;

  const Question& question_;
  GradeOptions options_;
};

// Marks for a performance ratio (time over the reference's time): 1 up to 1.05, 0 from 10, log-linear between.
double PerformanceFraction(double ratio);

}  // namespace workbench

#endif  // GRADER_ENGINE_H_
