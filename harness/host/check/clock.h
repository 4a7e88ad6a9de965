// Which operations have happened before which: what streams, events and the host's waits order, and nothing else.
#ifndef HARNESS_HOST_CHECK_CLOCK_H_
#define HARNESS_HOST_CHECK_CLOCK_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace cuda_host {

// A vector clock over timelines. Timeline 0 is the host's; each stream has one of its own, never used again. On a
// timeline operations are numbered from 1, and each happens before the next.
class OperationClock {
 public:
  // How many operations of `timeline` have happened.
  uint64_t Get(uint32_t timeline) const {
    for (const auto& [line, number] : entries_) {
      if (line == timeline) return number;
    }
    return 0;
  }
  void Raise(uint32_t timeline, uint64_t number) {
    for (auto& [line, present] : entries_) {
      if (line == timeline) {
        present = std::max(present, number);
        return;
      }
    }
    entries_.emplace_back(timeline, number);
  }
  void Join(const OperationClock& other) {
    for (const auto& [line, number] : other.entries_) Raise(line, number);
  }

 private:
  std::vector<std::pair<uint32_t, uint64_t>> entries_;
};

// One operation (a kernel, a copy): its place, and all that happens before it. The host's own accesses are operation
// {0, number of the host's last call that ordered something}.
struct Operation {
  uint32_t timeline = 0;
  uint64_t number = 0;
  std::shared_ptr<const OperationClock> before;
  const void* caller = nullptr;  // return address of the program's call, where checks are on (check::HostCaller)
};

}  // namespace cuda_host

#endif  // HARNESS_HOST_CHECK_CLOCK_H_
