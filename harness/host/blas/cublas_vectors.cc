// The matrix-vector product and the vector functions. Sums are in double, or for double itself in long double, whose
// exponents also keep a norm from overflowing.
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "harness/host/blas/context.h"

namespace {

using cuda_host::Scalar;

// Element i of n with this increment: a negative one runs through them from the end.
template <typename T>
T* At(T* x, int i, int n, int increment) {
  return x + (increment >= 0 ? static_cast<ptrdiff_t>(i) * increment : static_cast<ptrdiff_t>(i - n + 1) * increment);
}

template <typename T>
using Sum = std::conditional_t<std::is_same_v<T, float>, double, long double>;

template <typename T>
cublasStatus_t Gemv(cublasHandle_t handle, const char* what, cublasOperation_t trans, int m, int n, const T* alpha,
                    const T* A, int lda, const T* x, int incx, const T* beta, T* y, int incy) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (trans != CUBLAS_OP_N && trans != CUBLAS_OP_T && trans != CUBLAS_OP_C) return CUBLAS_STATUS_INVALID_VALUE;
  if (m < 0 || n < 0 || lda < 1 || lda < m || incx == 0 || incy == 0) return CUBLAS_STATUS_INVALID_VALUE;
  if (alpha == nullptr || beta == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  if (A == nullptr || x == nullptr || y == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  return cuda_host::Enqueue(handle, what, [=, alpha = Scalar<T>(handle, alpha), beta = Scalar<T>(handle, beta)] {
    const bool transposed = trans != CUBLAS_OP_N;
    const int rows = transposed ? n : m;
    const int columns = transposed ? m : n;
    const ptrdiff_t row_stride = transposed ? lda : 1;
    const ptrdiff_t column_stride = transposed ? 1 : lda;
    const T a = alpha.Get();
    const T b = beta.Get();
    for (int i = 0; i < rows; ++i) {
      Sum<T> sum = 0;
      if (a != 0) {
        for (int j = 0; j < columns; ++j) {
          sum += static_cast<Sum<T>>(A[i * row_stride + j * column_stride]) * *At(x, j, columns, incx);
        }
      }
      T* element = At(y, i, rows, incy);
      // Not read if beta is 0.
      const Sum<T> before = b != 0 ? static_cast<Sum<T>>(b) * *element : 0;
      *element = static_cast<T>((a != 0 ? a * sum : 0) + before);
    }
  });
}

template <typename T>
cublasStatus_t Axpy(cublasHandle_t handle, const char* what, int n, const T* alpha, const T* x, int incx, T* y,
                    int incy) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (alpha == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (n <= 0) return CUBLAS_STATUS_SUCCESS;
  if (x == nullptr || y == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  return cuda_host::Enqueue(handle, what, [=, alpha = Scalar<T>(handle, alpha)] {
    const T a = alpha.Get();
    for (int i = 0; i < n; ++i) {
      T* element = At(y, i, n, incy);
      *element = static_cast<T>(static_cast<Sum<T>>(a) * *At(x, i, n, incx) + *element);
    }
  });
}

template <typename T>
cublasStatus_t Scal(cublasHandle_t handle, const char* what, int n, const T* alpha, T* x, int incx) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (alpha == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (n <= 0 || incx <= 0) return CUBLAS_STATUS_SUCCESS;
  if (x == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  return cuda_host::Enqueue(handle, what, [=, alpha = Scalar<T>(handle, alpha)] {
    const T a = alpha.Get();
    for (int i = 0; i < n; ++i) *At(x, i, n, incx) *= a;
  });
}

template <typename T>
cublasStatus_t Copy(cublasHandle_t handle, const char* what, int n, const T* x, int incx, T* y, int incy) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (n <= 0) return CUBLAS_STATUS_SUCCESS;
  if (x == nullptr || y == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  return cuda_host::Enqueue(handle, what, [=] {
    for (int i = 0; i < n; ++i) *At(y, i, n, incy) = *At(x, i, n, incx);
  });
}

// A result over nothing is 0.
template <typename T>
cublasStatus_t Dot(cublasHandle_t handle, const char* what, int n, const T* x, int incx, const T* y, int incy,
                   T* result) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (result == nullptr || (n > 0 && (x == nullptr || y == nullptr))) return CUBLAS_STATUS_INVALID_VALUE;
  return cuda_host::EnqueueResult(handle, what, result, [=] {
    Sum<T> sum = 0;
    for (int i = 0; i < n; ++i) sum += static_cast<Sum<T>>(*At(x, i, n, incx)) * *At(y, i, n, incy);
    return static_cast<T>(sum);
  });
}

template <typename T>
cublasStatus_t Nrm2(cublasHandle_t handle, const char* what, int n, const T* x, int incx, T* result) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (result == nullptr || (n > 0 && x == nullptr)) return CUBLAS_STATUS_INVALID_VALUE;
  return cuda_host::EnqueueResult(handle, what, result, [=] {
    Sum<T> sum = 0;
    for (int i = 0; incx > 0 && i < n; ++i) {
      const Sum<T> value = *At(x, i, n, incx);
      sum += value * value;
    }
    return static_cast<T>(std::sqrt(sum));
  });
}

template <typename T>
cublasStatus_t Asum(cublasHandle_t handle, const char* what, int n, const T* x, int incx, T* result) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (result == nullptr || (n > 0 && x == nullptr)) return CUBLAS_STATUS_INVALID_VALUE;
  return cuda_host::EnqueueResult(handle, what, result, [=] {
    Sum<T> sum = 0;
    for (int i = 0; incx > 0 && i < n; ++i) sum += std::fabs(static_cast<Sum<T>>(*At(x, i, n, incx)));
    return static_cast<T>(sum);
  });
}

// Counted from 1; the first of equal ones.
template <typename T>
cublasStatus_t Iamax(cublasHandle_t handle, const char* what, int n, const T* x, int incx, int* result) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (result == nullptr || (n > 0 && x == nullptr)) return CUBLAS_STATUS_INVALID_VALUE;
  return cuda_host::EnqueueResult(handle, what, result, [=] {
    if (n <= 0 || incx <= 0) return 0;
    int best = 0;
    for (int i = 1; i < n; ++i) {
      if (std::fabs(*At(x, i, n, incx)) > std::fabs(*At(x, best, n, incx))) best = i;
    }
    return best + 1;
  });
}

}  // namespace

extern "C" {

#define VECTOR_FUNCTIONS(prefix, lower, T)                                                                             \
  cublasStatus_t cublas##prefix##gemv_v2(cublasHandle_t handle, cublasOperation_t trans, int m, int n, const T* alpha, \
                                         const T* A, int lda, const T* x, int incx, const T* beta, T* y, int incy) {   \
    return Gemv(handle, "cublas" #prefix "gemv", trans, m, n, alpha, A, lda, x, incx, beta, y, incy);                  \
  }                                                                                                                    \
  cublasStatus_t cublas##prefix##axpy_v2(cublasHandle_t handle, int n, const T* alpha, const T* x, int incx, T* y,     \
                                         int incy) {                                                                   \
    return Axpy(handle, "cublas" #prefix "axpy", n, alpha, x, incx, y, incy);                                          \
  }                                                                                                                    \
  cublasStatus_t cublas##prefix##scal_v2(cublasHandle_t handle, int n, const T* alpha, T* x, int incx) {               \
    return Scal(handle, "cublas" #prefix "scal", n, alpha, x, incx);                                                   \
  }                                                                                                                    \
  cublasStatus_t cublas##prefix##copy_v2(cublasHandle_t handle, int n, const T* x, int incx, T* y, int incy) {         \
    return Copy(handle, "cublas" #prefix "copy", n, x, incx, y, incy);                                                 \
  }                                                                                                                    \
  cublasStatus_t cublas##prefix##dot_v2(cublasHandle_t handle, int n, const T* x, int incx, const T* y, int incy,      \
                                        T* result) {                                                                   \
    return Dot(handle, "cublas" #prefix "dot", n, x, incx, y, incy, result);                                           \
  }                                                                                                                    \
  cublasStatus_t cublas##prefix##nrm2_v2(cublasHandle_t handle, int n, const T* x, int incx, T* result) {              \
    return Nrm2(handle, "cublas" #prefix "nrm2", n, x, incx, result);                                                  \
  }                                                                                                                    \
  cublasStatus_t cublas##prefix##asum_v2(cublasHandle_t handle, int n, const T* x, int incx, T* result) {              \
    return Asum(handle, "cublas" #prefix "asum", n, x, incx, result);                                                  \
  }                                                                                                                    \
  cublasStatus_t cublasI##lower##amax_v2(cublasHandle_t handle, int n, const T* x, int incx, int* result) {            \
    return Iamax(handle, "cublasI" #lower "amax", n, x, incx, result);                                                 \
  }
VECTOR_FUNCTIONS(S, s, float)
VECTOR_FUNCTIONS(D, d, double)
#undef VECTOR_FUNCTIONS

}  // extern "C"
