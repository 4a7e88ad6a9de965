// The judge's own kernels of Q13: contents for device memory, and something to train.
#ifndef QUESTIONS_Q13_CHECKPOINT_JUDGE_KERNELS_H_
#define QUESTIONS_Q13_CHECKPOINT_JUDGE_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace q13::judge {

// data[i] = PatternByte(key, i) of snapshot_case.h, at any address and length.
cudaError_t FillPattern(void* data, size_t bytes, uint64_t key, cudaStream_t stream);

// Reads and writes data[0, count) once, with `rounds` multiply-adds an element in between.
cudaError_t Train(float* data, size_t count, int rounds, cudaStream_t stream);

}  // namespace q13::judge

#endif  // QUESTIONS_Q13_CHECKPOINT_JUDGE_KERNELS_H_
