// threadIdx, and the loop that runs a kernel's threads. It is in the kernel's translation unit, where the compiler sees
// both. Not for use by hand.
#ifndef CUDA_HOST_RUN_THREADS_H_
#define CUDA_HOST_RUN_THREADS_H_

#include <cstdint>

#include "cuda_host/thread_run.h"
#include "vector_types.h"

// threadIdx changes from thread to thread of the loop, so compilers must not take it for a constant, and kernels must
// not assign to it all the same: a const object with a mutable member.
struct cuda_host_thread_index : uint3 {
  struct Nothing {};
  [[no_unique_address]] mutable Nothing changes;
};
static_assert(sizeof(cuda_host_thread_index) == sizeof(uint3));

extern constinit const thread_local cuda_host_thread_index threadIdx __attribute__((tls_model("initial-exec")));

namespace cuda_host {

// Calls body() for the run's threads. The checks are about what the kernel does, and not about this.
template <typename Body>
__attribute__((no_sanitize("thread"))) inline void RunThreads(ThreadRun* run, Body body) {
  uint3& index = const_cast<cuda_host_thread_index&>(threadIdx);
  const uint3* const indices = run->indices;
  const uint16_t* order = run->order;
  uint32_t thread = run->thread;
  for (uint32_t left = run->left;; --left) {
    body();
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    run->thread = ThreadRun::kBetween;
    if (left == 0 || run->left == 0) break;
    thread = *order++;
    if (indices == nullptr) {
      index.x = thread;
    } else {
      index = indices[thread];
    }
    run->thread = thread;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  }
  run->thread = thread;
}

}  // namespace cuda_host

#endif  // CUDA_HOST_RUN_THREADS_H_
