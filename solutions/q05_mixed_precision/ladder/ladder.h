// D = A B^T five times, from the first thing that comes to mind to the fastest.
//
// A is m x k, B is n x k, D is m x n, all row-major bf16; sums in fp32. The rungs take sizes that their tiles divide
// (multiples of 256 suit all), so that each file is about one idea; kernels/gemm is the last one for any size.
#ifndef SOLUTIONS_Q05_MIXED_PRECISION_LADDER_LADDER_H_
#define SOLUTIONS_Q05_MIXED_PRECISION_LADDER_LADDER_H_

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

namespace ladder {

struct Problem {
  int m, n, k;
  const __nv_bfloat16 *a, *b;
  __nv_bfloat16* d;
};

cudaError_t Naive(const Problem& problem, cudaStream_t stream);            // naive.cu
cudaError_t Tiled(const Problem& problem, cudaStream_t stream);            // tiled.cu
cudaError_t TensorCore(const Problem& problem, cudaStream_t stream);       // tensor_core.cu
cudaError_t Pipelined(const Problem& problem, cudaStream_t stream);        // pipelined.cu
cudaError_t WarpSpecialised(const Problem& problem, cudaStream_t stream);  // warp_specialised.cu

}  // namespace ladder

#endif  // SOLUTIONS_Q05_MIXED_PRECISION_LADDER_LADDER_H_
