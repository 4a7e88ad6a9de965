// What a grade consists of. Everything that is shown or stored (terminal, JSON, HTML) is made from a GradeResult.
#ifndef GRADER_VERDICT_H_
#define GRADER_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grader/measurements.h"

namespace workbench {

enum class VerdictKind {
  kPass,
  kWrong,        // a judged property does not hold
  kCrash,        // a signal, an exit, an exception
  kHang,         // a deadline passed, or every rank waits for another
  kForbidden,    // a call that an implementation may not make
  kDeviceError,  // CUDA or NCCL reported an error
  kLeak,         // processes, requests or memory left behind
  kTooSlow,      // correct, and below the performance that earns full marks
  kNotGraded,    // cannot be judged here, or was not reached; the reason says why
  kGraderFault,  // the workbench's own fault, never charged to the implementation
};

// "wrong", "crash", ...; the words of the JSON schema.
const char* VerdictName(VerdictKind kind);

// One property that does not hold, on one input.
struct Finding {
  VerdictKind kind = VerdictKind::kWrong;
  std::string property;                                    // a sentence: what should hold
  std::vector<std::pair<std::string, std::string>> input;  // ranks, count, type, op, ...
  std::string expected;                                    // empty where it makes no sense
  std::string actual;
  std::optional<uint64_t> index;  // of the first element that is wrong
  int rank = -1;
  uint64_t differing = 0;  // elements that are wrong, of
  uint64_t total = 0;
  std::string detail;  // anything else, in a sentence
  std::string output;  // what the implementation printed
};

// A check as the question declares it.
struct CheckSpec {
  std::string id;     // "a.tail"; the part is what stands before the first dot
  std::string title;  // a few words
  double marks = 0;
  bool needs_gpu = false;
  std::vector<std::string> causes;  // what usually causes a failure, most likely first

  std::string part() const { return id.substr(0, id.find('.')); }
};

struct CheckResult {
  CheckSpec spec;
  VerdictKind kind = VerdictKind::kPass;
  double earned = 0;
  std::optional<Finding> finding;
  std::string reason;  // kNotGraded: why
  double seconds = 0;
  uint64_t cases = 0;
  std::vector<std::pair<std::string, double>> figures;  // measured numbers, named with their units
  // For the HTML report only.
  MeasuredOn measured_on = MeasuredOn::kUnknown;         // figures and samples
  std::vector<std::pair<std::string, Samples>> samples;  // by case
  std::vector<Chart> charts;
  std::optional<Roofline> roofline;
};

// Its marks count towards what could be earned.
bool WasJudged(const CheckResult& check);

struct GradeResult {
  std::string question;  // "q02_allreduce"
  std::string title;
  std::string implementation;  // "answer", "skeleton", "reference", ...
  uint64_t seed = 0;
  std::string mode;    // "host" or "gpu"
  std::string device;  // empty, or the GPU's name and how ranks share it
  std::string repeat_command;
  double seconds = 0;
  std::string date;                                              // when it ended: "2026-11-27T10:00:00Z"
  std::vector<std::pair<std::string, std::string>> parts;        // "a" -> what it is
  std::vector<std::pair<std::string, std::string>> environment;  // "CPU" -> "..."; grader/environment.h
  std::vector<CheckResult> checks;
  std::vector<std::pair<std::string, std::string>> attachments;  // file name, content (SVG figures)

  double earned() const;
  double possible() const;    // marks that could be judged here
  double not_graded() const;  // marks that could not
  // The first check that failed, or null.
  const CheckResult* lead() const;
  bool full_marks() const { return lead() == nullptr; }
};

}  // namespace workbench

#endif  // GRADER_VERDICT_H_
