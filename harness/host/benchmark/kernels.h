// The kernels whose speed is measured, launched and waited for.
#ifndef HARNESS_HOST_BENCHMARK_KERNELS_H_
#define HARNESS_HOST_BENCHMARK_KERNELS_H_

#include <cuda_runtime_api.h>

namespace cuda_host::benchmark {

inline constexpr int kThreads = 256;

// n threads without a barrier: data[i] = 2 data[i] + 1.
cudaError_t Trivial(float* data, int n);
// Blocks that pass `barriers` barriers each, with an exchange through shared memory between them.
cudaError_t Barriers(int* out, int blocks, int barriers);
// Blocks whose warps do `shuffles` butterfly steps.
cudaError_t Shuffles(int* out, int blocks, int shuffles);

}  // namespace cuda_host::benchmark

#endif  // HARNESS_HOST_BENCHMARK_KERNELS_H_
