// How to wait for another rank without taking the processor from it.
#ifndef HARNESS_HOST_NCCL_PATIENCE_H_
#define HARNESS_HOST_NCCL_PATIENCE_H_

#include <chrono>
#include <cstdlib>
#include <thread>

#include "harness/host/executor/executor.h"

namespace cuda_host::nccl {

class Patience {
 public:
  enum class Verdict {
    kWait,
    kLook,  // time to look whether the peers' processes are still there
    kLong,  // once: somebody may like to know what is waited for. WORKBENCH_HOST_NCCL_WAIT_S seconds (20)
  };

  // Call it whenever something has come.
  void Reset() { rounds_ = 0; }

  // Call it in a loop, when nothing has come.
  Verdict Wait() {
    using Clock = std::chrono::steady_clock;
    const auto now = Clock::now();
    if (rounds_ == 0) begin_ = looked_ = now;
    ++rounds_;
    Yield();
    // Other fibers of this worker want it as well, so the naps are rare and short. Another process gets the processor.
    if (rounds_ > 16) std::this_thread::yield();
    if (now - begin_ > std::chrono::milliseconds(5) && rounds_ % 8 == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    if (now - looked_ > std::chrono::milliseconds(50)) {
      looked_ = now;
      return Verdict::kLook;
    }
    if (!told_ && now - begin_ > LongWait()) {
      told_ = true;
      return Verdict::kLong;
    }
    return Verdict::kWait;
  }

 private:
  static std::chrono::seconds LongWait() {
    static const int seconds = [] {
      const char* text = std::getenv("WORKBENCH_HOST_NCCL_WAIT_S");
      return text == nullptr ? 20 : std::atoi(text);
    }();
    return std::chrono::seconds(seconds);
  }

  unsigned rounds_ = 0;
  bool told_ = false;
  std::chrono::steady_clock::time_point begin_, looked_;
};

}  // namespace cuda_host::nccl

#endif  // HARNESS_HOST_NCCL_PATIENCE_H_
