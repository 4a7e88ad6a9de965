// C = alpha op(A) op(B) + beta C on the CPU, for the element types of cuBLAS. Columns are contiguous.
#ifndef HARNESS_HOST_BLAS_GEMM_H_
#define HARNESS_HOST_BLAS_GEMM_H_

#include "library_types.h"

namespace cuda_host {

// What is multiplied, summed and scaled in. Halves are widened; kHalf differs from kFloat in the type of alpha and
// beta.
enum class GemmCompute { kHalf, kFloat, kDouble, kInt };

struct GemmShape {
  bool a_transposed = false;
  bool b_transposed = false;
  int m = 0;
  int n = 0;
  int k = 0;
  cudaDataType a_type = CUDA_R_32F;
  cudaDataType b_type = CUDA_R_32F;
  cudaDataType c_type = CUDA_R_32F;
  int lda = 0;
  int ldb = 0;
  int ldc = 0;
  GemmCompute compute = GemmCompute::kFloat;
};

// Whether cuBLAS has this combination of types.
bool GemmIsSupported(const GemmShape& shape);

// Computes it, on a supported shape with valid sizes. alpha and beta are exact in double for every compute type. C is
// not read if beta is 0, and A and B are not if alpha is. Each element of C is rounded to its type once.
void Gemm(const GemmShape& shape, double alpha, const void* a, const void* b, double beta, void* c);

}  // namespace cuda_host

#endif  // HARNESS_HOST_BLAS_GEMM_H_
