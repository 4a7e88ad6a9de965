// The matrix products: one, many by pointers, many by strides; each of them in the end a call of Gemm for every batch.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "harness/host/blas/context.h"
#include "harness/host/blas/gemm.h"

namespace {

using cuda_host::GemmCompute;
using cuda_host::GemmShape;

std::optional<GemmCompute> ComputeOf(cublasComputeType_t type) {
  switch (type) {
    case CUBLAS_COMPUTE_16F:
    case CUBLAS_COMPUTE_16F_PEDANTIC:
      return GemmCompute::kHalf;
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
    case CUBLAS_COMPUTE_32F_FAST_16F:
    case CUBLAS_COMPUTE_32F_FAST_16BF:
    case CUBLAS_COMPUTE_32F_FAST_TF32:
    case CUBLAS_COMPUTE_32F_EMULATED_16BFX9:
      return GemmCompute::kFloat;
    case CUBLAS_COMPUTE_64F:
    case CUBLAS_COMPUTE_64F_PEDANTIC:
    case CUBLAS_COMPUTE_64F_EMULATED_FIXEDPOINT:
      return GemmCompute::kDouble;
    case CUBLAS_COMPUTE_32I:
    case CUBLAS_COMPUTE_32I_PEDANTIC:
      return GemmCompute::kInt;
  }
  return std::nullopt;
}

ptrdiff_t SizeOf(cudaDataType type) {
  switch (type) {
    case CUDA_R_64F:
      return 8;
    case CUDA_R_32F:
    case CUDA_R_32I:
      return 4;
    case CUDA_R_8I:
      return 1;
    default:
      return 2;
  }
}

double Read(GemmCompute compute, const void* scalar) {
  switch (compute) {
    case GemmCompute::kHalf:
      return static_cast<double>(static_cast<float>(*static_cast<const __half*>(scalar)));
    case GemmCompute::kFloat:
      return static_cast<double>(*static_cast<const float*>(scalar));
    case GemmCompute::kDouble:
      return *static_cast<const double*>(scalar);
    case GemmCompute::kInt:
      return static_cast<double>(*static_cast<const int32_t*>(scalar));
  }
  return 0;
}

// One side of a batch: an array of pointers, in device memory, or the first matrix and the stride in elements.
struct Operand {
  const void* const* array = nullptr;
  const void* first = nullptr;
  long long stride = 0;

  bool Missing() const { return array == nullptr && first == nullptr; }
  const void* At(int i, cudaDataType type) const {
    if (array != nullptr) return array[i];
    return static_cast<const char*>(first) + i * stride * SizeOf(type);
  }
};

struct Call {
  cublasHandle_t handle;
  const char* what;
  cublasOperation_t transa;
  cublasOperation_t transb;
  int m;
  int n;
  int k;
  const void* alpha;
  Operand a;
  cudaDataType a_type;
  int lda;
  Operand b;
  cudaDataType b_type;
  int ldb;
  const void* beta;
  Operand c;
  cudaDataType c_type;
  int ldc;
  int batches;
  cublasComputeType_t compute;
};

bool IsOperation(cublasOperation_t operation) {
  return operation == CUBLAS_OP_N || operation == CUBLAS_OP_T || operation == CUBLAS_OP_C;
}

cublasStatus_t Run(const Call& call) {
  if (call.handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!IsOperation(call.transa) || !IsOperation(call.transb)) return CUBLAS_STATUS_INVALID_VALUE;
  if (call.m < 0 || call.n < 0 || call.k < 0 || call.batches < 0) return CUBLAS_STATUS_INVALID_VALUE;
  const bool a_transposed = call.transa != CUBLAS_OP_N;
  const bool b_transposed = call.transb != CUBLAS_OP_N;
  if (call.lda < std::max(1, a_transposed ? call.k : call.m)) return CUBLAS_STATUS_INVALID_VALUE;
  if (call.ldb < std::max(1, b_transposed ? call.n : call.k)) return CUBLAS_STATUS_INVALID_VALUE;
  if (call.ldc < std::max(1, call.m)) return CUBLAS_STATUS_INVALID_VALUE;
  if (call.alpha == nullptr || call.beta == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  const auto compute = ComputeOf(call.compute);
  if (!compute) return CUBLAS_STATUS_INVALID_VALUE;
  const GemmShape shape{.a_transposed = a_transposed,
                        .b_transposed = b_transposed,
                        .m = call.m,
                        .n = call.n,
                        .k = call.k,
                        .a_type = call.a_type,
                        .b_type = call.b_type,
                        .c_type = call.c_type,
                        .lda = call.lda,
                        .ldb = call.ldb,
                        .ldc = call.ldc,
                        .compute = *compute};
  if (!GemmIsSupported(shape)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (call.m == 0 || call.n == 0 || call.batches == 0) return CUBLAS_STATUS_SUCCESS;
  if (call.c.Missing()) return CUBLAS_STATUS_INVALID_VALUE;
  if (call.k > 0 && (call.a.Missing() || call.b.Missing())) return CUBLAS_STATUS_INVALID_VALUE;

  const bool on_device = call.handle->pointer_mode == CUBLAS_POINTER_MODE_DEVICE;
  const double alpha = on_device ? 0 : Read(*compute, call.alpha);
  const double beta = on_device ? 0 : Read(*compute, call.beta);
  return cuda_host::Enqueue(call.handle, call.what, [call, shape, on_device, alpha, beta] {
    const double alpha_now = on_device ? Read(shape.compute, call.alpha) : alpha;
    const double beta_now = on_device ? Read(shape.compute, call.beta) : beta;
    for (int i = 0; i < call.batches; ++i) {
      Gemm(shape, alpha_now, call.a.At(i, shape.a_type), call.b.At(i, shape.b_type), beta_now,
           const_cast<void*>(call.c.At(i, shape.c_type)));
    }
  });
}

Operand One(const void* matrix) { return {.first = matrix}; }
Operand Strided(const void* first, long long stride) { return {.first = first, .stride = stride}; }
Operand Array(const void* array) { return {.array = static_cast<const void* const*>(array)}; }

}  // namespace

extern "C" {

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                            int k, const void* alpha, const void* A, cudaDataType Atype, int lda, const void* B,
                            cudaDataType Btype, int ldb, const void* beta, void* C, cudaDataType Ctype, int ldc,
                            cublasComputeType_t computeType, cublasGemmAlgo_t) {
  return Run({handle, "cublasGemmEx", transa, transb, m,    n,      k,     alpha, One(A), Atype,
              lda,    One(B),         Btype,  ldb,    beta, One(C), Ctype, ldc,   1,      computeType});
}

cublasStatus_t cublasGemmBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m,
                                   int n, int k, const void* alpha, const void* const Aarray[], cudaDataType Atype,
                                   int lda, const void* const Barray[], cudaDataType Btype, int ldb, const void* beta,
                                   void* const Carray[], cudaDataType Ctype, int ldc, int batchCount,
                                   cublasComputeType_t computeType, cublasGemmAlgo_t) {
  return Run({handle,
              "cublasGemmBatchedEx",
              transa,
              transb,
              m,
              n,
              k,
              alpha,
              Array(Aarray),
              Atype,
              lda,
              Array(Barray),
              Btype,
              ldb,
              beta,
              Array(Carray),
              Ctype,
              ldc,
              batchCount,
              computeType});
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb,
                                          int m, int n, int k, const void* alpha, const void* A, cudaDataType Atype,
                                          int lda, long long int strideA, const void* B, cudaDataType Btype, int ldb,
                                          long long int strideB, const void* beta, void* C, cudaDataType Ctype, int ldc,
                                          long long int strideC, int batchCount, cublasComputeType_t computeType,
                                          cublasGemmAlgo_t) {
  return Run({handle,
              "cublasGemmStridedBatchedEx",
              transa,
              transb,
              m,
              n,
              k,
              alpha,
              Strided(A, strideA),
              Atype,
              lda,
              Strided(B, strideB),
              Btype,
              ldb,
              beta,
              Strided(C, strideC),
              Ctype,
              ldc,
              batchCount,
              computeType});
}

cublasStatus_t cublasSgemmEx(cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n,
                             int k, const float* alpha, const void* A, cudaDataType Atype, int lda, const void* B,
                             cudaDataType Btype, int ldb, const float* beta, void* C, cudaDataType Ctype, int ldc) {
  return Run({handle, "cublasSgemmEx", transa, transb, m,    n,      k,     alpha, One(A), Atype,
              lda,    One(B),          Btype,  ldb,    beta, One(C), Ctype, ldc,   1,      CUBLAS_COMPUTE_32F});
}

#define TYPED_GEMMS(prefix, suffix, element, type, compute)                                                        \
  cublasStatus_t cublas##prefix##gemm##suffix(cublasHandle_t handle, cublasOperation_t transa,                     \
                                              cublasOperation_t transb, int m, int n, int k, const element* alpha, \
                                              const element* A, int lda, const element* B, int ldb,                \
                                              const element* beta, element* C, int ldc) {                          \
    return Run({handle, "cublas" #prefix "gemm",                                                                   \
                transa, transb,                                                                                    \
                m,      n,                                                                                         \
                k,      alpha,                                                                                     \
                One(A), type,                                                                                      \
                lda,    One(B),                                                                                    \
                type,   ldb,                                                                                       \
                beta,   One(C),                                                                                    \
                type,   ldc,                                                                                       \
                1,      compute});                                                                                 \
  }                                                                                                                \
  cublasStatus_t cublas##prefix##gemmBatched(                                                                      \
      cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n, int k,              \
      const element* alpha, const element* const Aarray[], int lda, const element* const Barray[], int ldb,        \
      const element* beta, element* const Carray[], int ldc, int batchCount) {                                     \
    return Run({handle,                                                                                            \
                "cublas" #prefix "gemmBatched",                                                                    \
                transa,                                                                                            \
                transb,                                                                                            \
                m,                                                                                                 \
                n,                                                                                                 \
                k,                                                                                                 \
                alpha,                                                                                             \
                Array(Aarray),                                                                                     \
                type,                                                                                              \
                lda,                                                                                               \
                Array(Barray),                                                                                     \
                type,                                                                                              \
                ldb,                                                                                               \
                beta,                                                                                              \
                Array(Carray),                                                                                     \
                type,                                                                                              \
                ldc,                                                                                               \
                batchCount,                                                                                        \
                compute});                                                                                         \
  }                                                                                                                \
  cublasStatus_t cublas##prefix##gemmStridedBatched(                                                               \
      cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n, int k,              \
      const element* alpha, const element* A, int lda, long long int strideA, const element* B, int ldb,           \
      long long int strideB, const element* beta, element* C, int ldc, long long int strideC, int batchCount) {    \
    return Run({handle,                                                                                            \
                "cublas" #prefix "gemmStridedBatched",                                                             \
                transa,                                                                                            \
                transb,                                                                                            \
                m,                                                                                                 \
                n,                                                                                                 \
                k,                                                                                                 \
                alpha,                                                                                             \
                Strided(A, strideA),                                                                               \
                type,                                                                                              \
                lda,                                                                                               \
                Strided(B, strideB),                                                                               \
                type,                                                                                              \
                ldb,                                                                                               \
                beta,                                                                                              \
                Strided(C, strideC),                                                                               \
                type,                                                                                              \
                ldc,                                                                                               \
                batchCount,                                                                                        \
                compute});                                                                                         \
  }
TYPED_GEMMS(S, _v2, float, CUDA_R_32F, CUBLAS_COMPUTE_32F)
TYPED_GEMMS(D, _v2, double, CUDA_R_64F, CUBLAS_COMPUTE_64F)
TYPED_GEMMS(H, , __half, CUDA_R_16F, CUBLAS_COMPUTE_16F)
#undef TYPED_GEMMS

}  // extern "C"
