// The judge's own kernels: contents for what is too large to send.
#ifndef QUESTIONS_Q05_MIXED_PRECISION_JUDGE_KERNELS_H_
#define QUESTIONS_Q05_MIXED_PRECISION_JUDGE_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "questions/q05_mixed_precision/protocol.h"

namespace q05::judge {

// data[i] = first + i.
cudaError_t FillWithBits(uint32_t* data, uint32_t first, size_t count, cudaStream_t stream);

// Element i becomes what protocol.h says at Fill, in the buffer's type; for Fill::kPoison all bits are 1.
cudaError_t FillTimed(void* data, const TimedBuffer& shape, uint64_t seed, int buffer, cudaStream_t stream);

}  // namespace q05::judge

#endif  // QUESTIONS_Q05_MIXED_PRECISION_JUDGE_KERNELS_H_
