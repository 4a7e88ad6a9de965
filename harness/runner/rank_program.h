// What a question runs inside each rank, under the harness's runner: the judge's side of the process that also holds
// the implementation.
#ifndef HARNESS_RUNNER_RANK_PROGRAM_H_
#define HARNESS_RUNNER_RANK_PROGRAM_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/launch/channel.h"
#include "harness/status.h"

namespace workbench {

struct RankEnvironment {
  int rank = 0;
  int size = 1;
  bool has_mpi = false;
  std::string part;  // of the question, whose implementation is going to be loaded
};

class RankProgram {
 public:
  virtual ~RankProgram() = default;

  // Before the implementation is loaded and before the process is confined: communicators, CUDA contexts.
  virtual Status Prepare(const RankEnvironment& environment) = 0;
  // After Prepare: true if the implementation's own work is to start processes (see confine.h).
  virtual bool StartsProcesses() const { return false; }
  // `library` is the dlopen handle of the implementation: look up its entry points. A missing one is an error.
  virtual Status Load(void* library) = 0;
  // Runs one case and returns the reply's payload. A returned error is the implementation's own ("returned 2").
  virtual Result<std::vector<std::byte>> Run(std::span<const std::byte> request) = 0;
};

// Defined once by each question's runner.
std::unique_ptr<RankProgram> MakeRankProgram();

// Tells the grader and ends this process at once.
[[noreturn]] void FailRun(ErrorKind kind, const std::string& text);

// For waits that the judge makes on the implementation's behalf: call when one has lasted a while, and when it is over.
void ReportBlocked(const std::string& waiting_for);
void ReportUnblocked();

}  // namespace workbench

#endif  // HARNESS_RUNNER_RANK_PROGRAM_H_
