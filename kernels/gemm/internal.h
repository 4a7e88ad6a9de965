// What the paths have in common: the problem once Gemm has checked it and brought it to one form.
#ifndef KERNELS_GEMM_INTERNAL_H_
#define KERNELS_GEMM_INTERNAL_H_

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

namespace kernels::gemm_internal {

// A is m x k and B is k x n. K-major: the elements along K are neighbours in memory, and line i (row i of A, column i
// of B) starts at i * ld. Otherwise MN-major: line p holds the elements of one index along K, and starts at p * ld.
struct Operand {
  const __nv_bfloat16* data;
  int64_t ld;
  bool k_major;
};

// What becomes of the sums. C and D are row-major, of the same element type.
struct Epilogue {
  float alpha, beta;
  const void* c;
  int64_t ldc;
  void* d;
  int64_t ldd;
  const __nv_bfloat16* bias;
  bool bias_by_row;
  bool gelu;
};

// m, n and k are positive; D is row-major: a column-major product is brought to this form as D^T = B^T A^T.
struct Task {
  int m, n, k;
  Operand a, b;
  Epilogue epilogue;
  bool fp32_output;
};

// REQUIRES (sm_80 and sm_90): every line of both operands starts on a 16-byte boundary.
cudaError_t LaunchPortable(const Task& task, cudaStream_t stream);  // also with k = 0
cudaError_t LaunchSm80(const Task& task, cudaStream_t stream);
cudaError_t LaunchSm90(const Task& task, cudaStream_t stream);

// Copies `lines` lines of `length` elements, wherever they start, to lines that start at multiples of `to_ld` (itself a
// multiple of 8) elements. What lies past a line's end is not written.
cudaError_t LaunchAlignLines(const __nv_bfloat16* from, int64_t from_ld, int64_t lines, int64_t length,
                             __nv_bfloat16* to, int64_t to_ld, cudaStream_t stream);

}  // namespace kernels::gemm_internal

#endif  // KERNELS_GEMM_INTERNAL_H_
