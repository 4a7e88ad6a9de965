// The crash matrix: the log of some operations is cut at every one of them, and each cut gives the images that a crash
// there may leave. An operation log may be of several ranks; what they had been told by then is said by their marks
// (MemoryIo::Mark).
#ifndef QUESTIONS_Q13_CHECKPOINT_CRASH_MATRIX_H_
#define QUESTIONS_Q13_CHECKPOINT_CRASH_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/files/crash_images.h"
#include "harness/files/memory_io.h"

namespace q13 {

struct CrashPoint {
  const workbench::FileTree& tree;        // for a new MemoryIo; cheap to copy
  size_t cut;                             // the log's operations [0, cut) had happened
  const std::map<int, int64_t>& marks;    // rank -> its last mark before the cut
  std::function<std::string()> describe;  // "crash after rank 0: sync x; lost: ..."; valid during the visit
};

struct CrashMatrixOptions {
  size_t first_cut = 0;  // earlier ones are passed over
  workbench::CrashOptions images;
  int64_t most_images = 1 << 20;  // distinct ones, about: spread over the cuts, at least one each
};

struct CrashMatrixCounts {
  int64_t cuts = 0;
  int64_t images = 0;    // made
  int64_t distinct = 0;  // visited: equal images with equal marks are visited once
};

// `start`: what was there, durable, before the log. Ends early when `visit` says false.
CrashMatrixCounts ForEachCrash(const workbench::FileTree& start, const std::vector<workbench::IoOperation>& log,
                               const CrashMatrixOptions& options, const std::function<bool(const CrashPoint&)>& visit);

// The first cut at or after the `mark` of any rank; the log's length when there is none.
size_t CutAtMark(const std::vector<workbench::IoOperation>& log, int64_t mark);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_CRASH_MATRIX_H_
