// Bounds the memory that an answer may take while it reads files that say anything.
#ifndef QUESTIONS_Q13_CHECKPOINT_MEMORY_LIMIT_H_
#define QUESTIONS_Q13_CHECKPOINT_MEMORY_LIMIT_H_

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

namespace q13 {

// While it lives the process may have so much more memory that it writes to (Linux: RLIMIT_DATA counts private writable
// mappings). Allocations beyond that fail.
class MemoryLimit {
 public:
  explicit MemoryLimit(uint64_t more) {
    getrlimit(RLIMIT_DATA, &before_);
    std::ifstream status("/proc/self/status");
    std::string word;
    uint64_t kib = 0;
    while (status >> word && word != "VmData:") continue;
    if (!(status >> kib)) return;
    rlimit limit = before_;
    limit.rlim_cur = std::min<rlim_t>(before_.rlim_max, kib * 1024 + more);
    setrlimit(RLIMIT_DATA, &limit);
  }
  ~MemoryLimit() { setrlimit(RLIMIT_DATA, &before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_MEMORY_LIMIT_H_
