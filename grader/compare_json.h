// The document of a comparison; its schema is grader/compare.schema.json.
#ifndef GRADER_COMPARE_JSON_H_
#define GRADER_COMPARE_JSON_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grader/measurements.h"

namespace workbench {

// What the last grade of an implementation came to.
enum class GradeState {
  kNotGraded,  // no result, or nothing could be judged
  kRight,      // no check of correctness failed
  kWrong,      // one did: times of it count for nothing
  kNoVerdict,  // the grader itself failed
};

struct LastMarks {
  GradeState state = GradeState::kNotGraded;
  double earned = 0;
  double possible = 0;
  std::string lead;     // the first check of correctness that failed, else the first that failed
  std::string verdict;  // its kind
  bool stale = false;   // the source is newer than the result
};

struct ComparedCase {
  std::string name;
  std::string part;
  MeasuredOn measured_on = MeasuredOn::kCpu;
  std::vector<double> answer;  // seconds a call, a value a round
  std::vector<double> reference;
  std::string peer;  // a library's name, or empty
  std::vector<double> peer_seconds;
  std::string error;  // not empty: it could not be timed
};

struct SourcePair {
  std::string answer_path, answer_text;
  std::string reference_path, reference_text;
};

struct Comparison {
  std::string question;        // "q02_allreduce"
  std::string implementation;  // "answer", or "skeleton" before there is one
  bool gpu = false;
  std::string date;
  std::string repeat;
  LastMarks answer, reference;
  std::vector<ComparedCase> cases;
  std::vector<SourcePair> sources;
  std::vector<std::pair<std::string, std::string>> environment;
};

// Pretty-printed, ending in a newline. Text that is not UTF-8 has its bad bytes replaced.
std::string CompareJson(const Comparison& comparison);

// From the text of a grade's result.json. What is no such document counts as not graded.
LastMarks ReadLastMarks(const std::string& result_json);

}  // namespace workbench

#endif  // GRADER_COMPARE_JSON_H_
