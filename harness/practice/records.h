// What the history is made of: grades, and everything else that happened.
#ifndef HARNESS_PRACTICE_RECORDS_H_
#define HARNESS_PRACTICE_RECORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "harness/status.h"

namespace workbench {

// Times are milliseconds since 1970, UTC; days and hours of the local time zone are only made to be shown.
struct CheckRecord {
  std::string id;       // "a.tail"
  std::string verdict;  // the words of grader/result.schema.json
  double marks = 0;
  double earned = 0;
};

struct GradeRecord {
  int64_t id = 0;              // given by the history
  int64_t time_ms = 0;         // when it ended
  std::string question;        // "q02_allreduce"
  std::string part;            // empty for a grade of all parts
  std::string implementation;  // "answer", "skeleton", "reference"
  std::string mode;            // "host" or "gpu"
  uint64_t seed = 0;
  double earned = 0;
  double possible = 0;
  double not_graded = 0;
  std::string lead;     // the check to mend first; empty when none failed
  double seconds = 0;   // how long it took
  std::string sources;  // a hash of the answer's files; empty where it is not known
  std::vector<CheckRecord> checks;

  bool of_answer() const { return implementation == "answer"; }
  bool whole() const { return part.empty(); }
  // All that could be judged there was right.
  bool full_marks() const { return of_answer() && whole() && lead.empty() && possible > 0; }
};

struct EventRecord {
  int64_t id = 0;
  int64_t time_ms = 0;
  std::string kind;      // start, save, build_failed, hint, solution, reset, interview, quiz
  std::string question;  // or "-" where it is about none
  std::string detail;    // free text; JSON where a program reads it
};

// Reads what a grader wrote (grader/result.schema.json, schema 1). Time, part and sources are the caller's to add.
Result<GradeRecord> ParseResult(const std::string& json);

// Bytes that are not UTF-8 become U+FFFD.
std::string ValidUtf8(const std::string& text);

int64_t NowMs();

}  // namespace workbench

#endif  // HARNESS_PRACTICE_RECORDS_H_
