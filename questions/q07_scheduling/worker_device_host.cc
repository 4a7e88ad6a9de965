// Host mode's device: memory is the process's own (private and writable, which is what RLIMIT_DATA counts), and work is
// sleep, so that workers do not slow each other down on a machine with few cores.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "questions/q07_scheduling/executor_case.h"
#include "questions/q07_scheduling/worker_device.h"

namespace q07 {

bool AllocateOnDevice(int64_t mib) {
  const size_t bytes = static_cast<size_t>(mib) << 20;
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return false;
  constexpr size_t kPage = 4096;
  for (size_t i = 0; i < bytes; i += kPage) static_cast<volatile char*>(at)[i] = 1;
  return true;
}

void WorkOnDevice(int64_t milliseconds, int32_t, const std::function<void()>& tick) {
  const int64_t end = MonotonicNs() + milliseconds * 1'000'000;
  for (int64_t now = MonotonicNs(); now < end; now = MonotonicNs()) {
    usleep(static_cast<useconds_t>(std::min(kTickMs * 1000, (end - now) / 1000 + 1)));
    tick();
  }
}

}  // namespace q07
