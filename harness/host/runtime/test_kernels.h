// Launches for tests that are plain C++: what the translator makes of <<<>>>.
#ifndef HARNESS_HOST_RUNTIME_TEST_KERNELS_H_
#define HARNESS_HOST_RUNTIME_TEST_KERNELS_H_

#include <gtest/gtest.h>

#include "cuda_host/launch_api.h"
#include "cuda_runtime.h"
#include "harness/host/executor/executor.h"

namespace cuda_host {

template <typename... P, typename... A>
cudaError_t LaunchOne(cudaStream_t stream, void (*kernel)(P...), A... a) {
  Launch("kernel", __FILE__, __LINE__, kernel, Configuration(1, 1, 0, stream))(a...);
  return cudaPeekAtLastError();
}

// Takes part of a chain whose result tells the order.
inline void Append(long* value, long digit) { *value = *value * 10 + digit; }
inline void Set(int* value, int to) { *value = to; }
// Waits for another kernel, or for the host.
inline void AwaitFlag(volatile int* flag, int* out) {
  while (*flag == 0) Yield();
  *out = *flag;
}

#define EXPECT_CUDA(call) EXPECT_EQ(call, cudaSuccess)
#define ASSERT_CUDA(call) ASSERT_EQ(call, cudaSuccess)

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_TEST_KERNELS_H_
