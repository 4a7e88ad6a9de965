// The judge's own kernels for part c's times.
#ifndef QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_KERNELS_H_
#define QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace q13::judge {

// Words of a counter, mixed: words[i] = splitmix64(key + i).
cudaError_t FillRandomWords(uint64_t* words, size_t count, uint64_t key, cudaStream_t stream);

// Reads vectors[0, count) of 16 bytes once, and nearly never writes *sink: what reading alone takes.
cudaError_t ReadOnce(const void* vectors, size_t count, uint32_t* sink, cudaStream_t stream);

}  // namespace q13::judge

#endif  // QUESTIONS_Q13_CHECKPOINT_INCREMENTAL_KERNELS_H_
