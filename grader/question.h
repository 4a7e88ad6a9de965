// What a question gives the grader: a name, its checks, and how to run each.
#ifndef GRADER_QUESTION_H_
#define GRADER_QUESTION_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "grader/verdict.h"
#include "harness/launch/rank_session.h"
#include "harness/launch/shared_devices.h"

namespace workbench {

struct GradeOptions {
  std::string implementation = "answer";
  std::map<std::string, std::string> libraries;   // part -> shared object; parts without one are not graded
  std::map<std::string, std::string> references;  // part -> the reference's shared object, for performance
  std::string runner;
  std::string part;                 // empty: all
  std::vector<std::string> checks;  // ids; empty: all
  uint64_t seed = 0;
  bool gpu = false;
  bool long_tier = false;
  bool stop_at_first_failure = false;
  bool correctness_only = false;
  bool checked = false;  // host mode's race and memory checks are built in: slow, so sizes are small
};

// Passed to each check. Owns the running ranks; sessions are kept between checks.
class CheckContext {
 public:
  explicit CheckContext(const GradeOptions& options);
  ~CheckContext();

  const GradeOptions& options() const { return options_; }
  uint64_t seed() const { return options_.seed; }
  bool gpu() const { return options_.gpu; }
  bool long_tier() const { return options_.long_tier; }
  // Kernels run on the CPU, or with checks even: what is large on a GPU takes too long.
  bool kernels_on_cpu() const { return !options_.gpu; }
  bool checked() const { return options_.checked; }

  using Inputs = std::vector<std::pair<std::string, std::string>>;
  using Replies = std::vector<std::vector<std::byte>>;

  // Runs one case of `part` on `ranks` ranks of the implementation (or, with `reference`, of the reference); ranks = 0:
  // one process without MPI. On a failure it is recorded as the check's finding, with `inputs`, and false is returned:
  // the check should return too.
  bool Run(const std::string& part, int ranks, std::span<const std::byte> request, double deadline_seconds,
           const Inputs& inputs, Replies* replies, bool reference = false);

  // Ends the ranks that ran it: what comes next gets fresh ones.
  void DropSession(const std::string& part, int ranks);

  // Records the check's finding. The first one counts.
  void Fail(Finding finding);
  // The check cannot be judged here.
  void NotGraded(std::string reason);
  // A measured number for the report ("ratio", 1.02).
  void Figure(std::string name, double value);

  // More of what was measured, for the HTML report; nothing of it is judged. Numbers that are not finite are kept and
  // shown as not measured. What is said to be from a GPU is taken for the CPU's where there is none.
  //
  // Where the check's figures and samples come from. Say it once, whenever.
  void SetMeasuredOn(MeasuredOn where);
  // Seconds a call of the case ("ring, 64 MiB") by `who`: "answer", "reference", or a library's name. A later call with
  // the same names adds to them. The report draws their distribution.
  void RecordSamples(const std::string& case_name, const std::string& who, std::span<const double> seconds);
  // Curves over sizes or ranks, or bars over steps.
  void RecordChart(Chart chart);
  // What the problem needs at least (bytes read and written, FLOPs) and the time it took, under ceilings measured on
  // this GPU in this run: the larger of those told counts. Ignored without a GPU.
  void RecordRoofline(double bytes_per_second, std::optional<double> flops_per_second, RooflinePoint point);

  // Earn only this fraction of the marks (performance). Below 1 the verdict is "too slow".
  void EarnFraction(double fraction, std::string detail);
  void Attach(std::string file_name, std::string content);
  // The GPU and how ranks share it, for the report's first line.
  void SetDevice(std::string device) { device_ = std::move(device); }

  bool failed() const { return result_->finding.has_value(); }
  // How the last request's time looked from outside, for a bound on what the ranks say.
  double last_case_seconds() const { return last_case_seconds_; }
  const std::string& last_command_line() const { return last_command_line_; }

 private:
  friend class Engine;
  void CloseAll(bool report_leaks);
  RankSession* SessionFor(const std::string& part, int ranks, bool reference, const Inputs& inputs);
  void Record(const Failure& failure, const Inputs& inputs, bool reference);

  GradeOptions options_;
  CheckResult* result_ = nullptr;
  SharedDevices devices_;
  std::map<std::string, std::unique_ptr<RankSession>> sessions_;
  std::vector<std::pair<std::string, std::string>> attachments_;
  std::string device_;
  int lost_sessions_ = 0;
  double last_case_seconds_ = 0;
  std::string last_command_line_;
};

struct Check {
  CheckSpec spec;
  std::function<void(CheckContext&)> run;
};

struct Question {
  std::string name;                                        // "q02_allreduce"
  std::string title;                                       // "AllReduce"
  std::vector<std::pair<std::string, std::string>> parts;  // "a" -> what it is
  std::vector<Check> checks;                               // in the order in which they lead
  std::vector<std::string> performance_checks;             // ids; judged only once the part is correct
};

// Defined once by each question.
Question MakeQuestion();

}  // namespace workbench

#endif  // GRADER_QUESTION_H_
