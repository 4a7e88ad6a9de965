// What the library and the loop in RunThreads tell each other.
#ifndef CUDA_HOST_THREAD_RUN_H_
#define CUDA_HOST_THREAD_RUN_H_

#include <cstdint>

#include "vector_types.h"

namespace cuda_host {

// Threads of a block that have not begun, to be run one after the other for as long as none of them waits. The library
// fills it in, and sets `left` to 0 when one waits: it finds others for the rest.
struct ThreadRun {
  static constexpr uint32_t kBetween = ~0u;
  volatile uint32_t thread = 0;     // that runs. kBetween: none, and this is no point to preempt
  volatile uint32_t left = 0;       // how many come after it
  const uint16_t* order = nullptr;  // of those
  const uint3* indices = nullptr;   // of all the block's threads; null where they are (0,0,0), (1,0,0), ...
};

}  // namespace cuda_host

#endif  // CUDA_HOST_THREAD_RUN_H_
