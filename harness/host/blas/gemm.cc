#include "harness/host/blas/gemm.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "harness/host/blas/host_blas.h"

namespace cuda_host {
namespace {

// c(m x n) = a(m x k) b(k x n), all packed. Blocks of `a` stay in the cache while four columns at a time go by. Each
// element is summed in the order of k. Integers wrap, so T is unsigned for them.
template <typename T>
void Multiply(int m, int n, int k, const T* a, const T* b, T* c) {
  constexpr int kRows = 256;
  constexpr int kDepth = 128;
  std::fill_n(c, static_cast<size_t>(m) * n, T(0));
  for (int i0 = 0; i0 < m; i0 += kRows) {
    const int rows = std::min(kRows, m - i0);
    for (int l0 = 0; l0 < k; l0 += kDepth) {
      const int l1 = std::min(l0 + kDepth, k);
      int j = 0;
      for (; j + 4 <= n; j += 4) {
        T* __restrict c0 = c + static_cast<size_t>(j) * m + i0;
        T* __restrict c1 = c0 + m;
        T* __restrict c2 = c1 + m;
        T* __restrict c3 = c2 + m;
        const T* b0 = b + static_cast<size_t>(j) * k;
        for (int l = l0; l < l1; ++l) {
          const T* __restrict column = a + static_cast<size_t>(l) * m + i0;
          const T x0 = b0[l];
          const T x1 = b0[static_cast<size_t>(k) + l];
          const T x2 = b0[2 * static_cast<size_t>(k) + l];
          const T x3 = b0[3 * static_cast<size_t>(k) + l];
          for (int i = 0; i < rows; ++i) {
            const T value = column[i];
            c0[i] += value * x0;
            c1[i] += value * x1;
            c2[i] += value * x2;
            c3[i] += value * x3;
          }
        }
      }
      for (; j < n; ++j) {
        T* __restrict c0 = c + static_cast<size_t>(j) * m + i0;
        for (int l = l0; l < l1; ++l) {
          const T* __restrict column = a + static_cast<size_t>(l) * m + i0;
          const T x0 = b[static_cast<size_t>(j) * k + l];
          for (int i = 0; i < rows; ++i) c0[i] += column[i] * x0;
        }
      }
    }
  }
}

void MultiplyPacked(int m, int n, int k, const uint32_t* a, const uint32_t* b, uint32_t* c) {
  Multiply(m, n, k, a, b, c);
}
template <typename T>
void MultiplyPacked(int m, int n, int k, const T* a, const T* b, T* c) {
  FortranGemm<T> library;
  if constexpr (std::is_same_v<T, float>) {
    library = TheHostBlas().sgemm;
  } else {
    library = TheHostBlas().dgemm;
  }
  if (library == nullptr) return Multiply(m, n, k, a, b, c);
  const T one(1), zero(0);
  library("N", "N", &m, &n, &k, &one, a, &m, b, &k, &zero, c, &m, 1, 1);
}

// f(the elements' type).
template <typename F>
void WithType(cudaDataType type, F f) {
  switch (type) {
    case CUDA_R_32F:
      return f(float());
    case CUDA_R_64F:
      return f(double());
    case CUDA_R_16F:
      return f(__half());
    case CUDA_R_16BF:
      return f(__nv_bfloat16());
    case CUDA_R_8I:
      return f(int8_t());
    default:
      return f(int32_t());
  }
}

// T is what the sums are in. Integers go by way of int32_t for the sign.
template <typename T, typename Element>
T Widened(Element x) {
  if constexpr (std::is_same_v<T, uint32_t>) {
    return static_cast<uint32_t>(static_cast<int32_t>(x));
  } else if constexpr (std::is_same_v<Element, __half> || std::is_same_v<Element, __nv_bfloat16>) {
    return static_cast<T>(static_cast<float>(x));
  } else {
    return static_cast<T>(x);
  }
}

// op(x), of rows x columns, packed.
template <typename T>
std::vector<T> Packed(cudaDataType type, const void* data, bool transposed, int rows, int columns, int ld) {
  std::vector<T> packed(static_cast<size_t>(rows) * columns);
  WithType(type, [&]<typename Element>(Element) {
    const auto* x = static_cast<const Element*>(data);
    const size_t row_stride = transposed ? ld : 1;
    const size_t column_stride = transposed ? 1 : ld;
    for (int j = 0; j < columns; ++j) {
      for (int i = 0; i < rows; ++i) {
        packed[static_cast<size_t>(j) * rows + i] = Widened<T>(x[i * row_stride + j * column_stride]);
      }
    }
  });
  return packed;
}

template <typename T, typename Element>
void Store(const GemmShape& shape, T alpha, const std::vector<T>& sums, T beta, Element* c) {
  for (int j = 0; j < shape.n; ++j) {
    for (int i = 0; i < shape.m; ++i) {
      Element& element = c[static_cast<size_t>(j) * shape.ldc + i];
      T value = sums.empty() ? T(0) : alpha * sums[static_cast<size_t>(j) * shape.m + i];
      if (beta != T(0)) value += beta * Widened<T>(element);
      element = static_cast<Element>(value);
    }
  }
}

template <typename T>
void Compute(const GemmShape& shape, T alpha, const void* a, const void* b, T beta, void* c) {
  std::vector<T> sums;
  if (alpha != T(0) && shape.k > 0) {
    sums.resize(static_cast<size_t>(shape.m) * shape.n);
    const auto packed_a = Packed<T>(shape.a_type, a, shape.a_transposed, shape.m, shape.k, shape.lda);
    const auto packed_b = Packed<T>(shape.b_type, b, shape.b_transposed, shape.k, shape.n, shape.ldb);
    MultiplyPacked(shape.m, shape.n, shape.k, packed_a.data(), packed_b.data(), sums.data());
  }
  WithType(shape.c_type, [&]<typename Element>(Element) { Store(shape, alpha, sums, beta, static_cast<Element*>(c)); });
}

// The library's own, where nothing has to be widened.
template <typename T>
bool ComputeInPlace(FortranGemm<T> library, const GemmShape& shape, T alpha, const void* a, const void* b, T beta,
                    void* c) {
  constexpr cudaDataType kType = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_64F;
  if (library == nullptr || shape.a_type != kType || shape.b_type != kType || shape.c_type != kType) return false;
  // Its conventions for beta = 0 and alpha = 0 are cuBLAS's, but for k = 0 not every library's.
  if (shape.k == 0) return false;
  library(shape.a_transposed ? "T" : "N", shape.b_transposed ? "T" : "N", &shape.m, &shape.n, &shape.k, &alpha,
          static_cast<const T*>(a), &shape.lda, static_cast<const T*>(b), &shape.ldb, &beta, static_cast<T*>(c),
          &shape.ldc, 1, 1);
  return true;
}

}  // namespace

bool GemmIsSupported(const GemmShape& shape) {
  const cudaDataType in = shape.a_type;
  const cudaDataType out = shape.c_type;
  if (shape.b_type != in) return false;
  switch (shape.compute) {
    case GemmCompute::kHalf:
      return in == CUDA_R_16F && out == CUDA_R_16F;
    case GemmCompute::kDouble:
      return in == CUDA_R_64F && out == CUDA_R_64F;
    case GemmCompute::kInt:
      return in == CUDA_R_8I && out == CUDA_R_32I;
    case GemmCompute::kFloat:
      break;
  }
  if (in == CUDA_R_16F || in == CUDA_R_16BF) return out == in || out == CUDA_R_32F;
  return (in == CUDA_R_32F || in == CUDA_R_8I) && out == CUDA_R_32F;
}

void Gemm(const GemmShape& shape, double alpha, const void* a, const void* b, double beta, void* c) {
  if (shape.m == 0 || shape.n == 0) return;
  switch (shape.compute) {
    case GemmCompute::kDouble:
      if (ComputeInPlace(TheHostBlas().dgemm, shape, alpha, a, b, beta, c)) return;
      return Compute<double>(shape, alpha, a, b, beta, c);
    case GemmCompute::kInt:
      return Compute<uint32_t>(shape, static_cast<uint32_t>(static_cast<int32_t>(alpha)), a, b,
                               static_cast<uint32_t>(static_cast<int32_t>(beta)), c);
    case GemmCompute::kHalf:
    case GemmCompute::kFloat:
      if (ComputeInPlace(TheHostBlas().sgemm, shape, static_cast<float>(alpha), a, b, static_cast<float>(beta), c)) {
        return;
      }
      return Compute<float>(shape, static_cast<float>(alpha), a, b, static_cast<float>(beta), c);
  }
}

}  // namespace cuda_host
