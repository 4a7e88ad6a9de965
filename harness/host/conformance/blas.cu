// cuBLAS matrix products on small integers, which are exact in every type and order.
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <limits>

#include "harness/host/conformance/conformance.h"

namespace {

struct Handle {
  Handle() { OK(cublasCreate(&h)); }
  ~Handle() { (void)cublasDestroy(h); }
  cublasHandle_t h = nullptr;
};

template <typename T>
T From(float x) {
  return T(x);
}
template <typename T>
double To(T x) {
  return double(float(x));
}
template <>
double To(double x) {
  return x;
}

// Element (r, c) of op(A), A column-major with leading dimension ld.
template <typename T>
double At(const std::vector<T>& a, size_t base, int ld, cublasOperation_t op, int r, int c) {
  return To(op == CUBLAS_OP_N ? a[base + size_t(c) * ld + r] : a[base + size_t(r) * ld + c]);
}

struct Shape {
  int m, n, k, lda, ldb, ldc;
  cublasOperation_t opa, opb;
  double alpha, beta;
};

const std::vector<Shape>& Shapes() {
  static const std::vector<Shape> shapes = {{17, 9, 33, 17, 33, 17, CUBLAS_OP_N, CUBLAS_OP_N, 1, 0},
                                            {16, 24, 40, 40, 48, 16, CUBLAS_OP_T, CUBLAS_OP_N, 2, 1},
                                            {32, 8, 16, 32, 8, 40, CUBLAS_OP_N, CUBLAS_OP_T, 1, -1},
                                            {5, 64, 7, 8, 70, 6, CUBLAS_OP_T, CUBLAS_OP_T, -1, 3},
                                            {1, 1, 100, 100, 100, 1, CUBLAS_OP_T, CUBLAS_OP_N, 1, 0},
                                            {64, 48, 1, 64, 64, 64, CUBLAS_OP_N, CUBLAS_OP_C, 1, 1}};
  return shapes;
}

template <typename T>
std::vector<T> Numbers(size_t count, int seed) {
  return Make<T>(count, [=](size_t i) { return From<T>(float(int(Mix(i + 1000 * seed) % 7) - 3)); });
}

// multiply(shape, a, b, c) enqueues the product; `batch` matrices one behind the other.
template <typename In, typename Out, typename Multiply>
void Check(Multiply multiply, int batch = 1) {
  for (const Shape& s : Shapes()) {
    const size_t a_size = size_t(s.lda) * (s.opa == CUBLAS_OP_N ? s.k : s.m);
    const size_t b_size = size_t(s.ldb) * (s.opb == CUBLAS_OP_N ? s.n : s.k);
    const size_t c_size = size_t(s.ldc) * s.n;
    const auto a = Numbers<In>(a_size * batch, 1), b = Numbers<In>(b_size * batch, 2);
    const auto c = Numbers<Out>(c_size * batch, 3);
    Device<In> da(a), db(b);
    Device<Out> dc(c);
    multiply(s, da.data(), db.data(), dc.data(), a_size, b_size, c_size);
    EXPECT_EACH(Make<double>(c.size(), [v = dc.Get()](size_t i) { return To(v[i]); }), i, [&] {
      const size_t which = i / c_size;
      const int row = int(i % c_size) % s.ldc, column = int(i % c_size) / s.ldc;
      if (row >= s.m) return To(c[i]);
      double sum = 0;
      for (int j = 0; j < s.k; ++j) {
        sum += At(a, which * a_size, s.lda, s.opa, row, j) * At(b, which * b_size, s.ldb, s.opb, j, column);
      }
      return s.alpha * sum + s.beta * To(c[i]);
    }());
  }
}

CONFORMANCE_CASE(blas, sgemm, "cublasSgemm: every transposition, leading dimensions, alpha and beta") {
  Handle handle;
  Check<float, float>([&](const Shape& s, const float* a, const float* b, float* c, size_t, size_t, size_t) {
    const float alpha = float(s.alpha), beta = float(s.beta);
    OK(cublasSgemm(handle.h, s.opa, s.opb, s.m, s.n, s.k, &alpha, a, s.lda, b, s.ldb, &beta, c, s.ldc));
  });
}

CONFORMANCE_CASE(blas, dgemm, "cublasDgemm") {
  Handle handle;
  Check<double, double>([&](const Shape& s, const double* a, const double* b, double* c, size_t, size_t, size_t) {
    OK(cublasDgemm(handle.h, s.opa, s.opb, s.m, s.n, s.k, &s.alpha, a, s.lda, b, s.ldb, &s.beta, c, s.ldc));
  });
}

template <typename In, typename Out>
void CheckGemmEx(cudaDataType_t in, cudaDataType_t out) {
  Handle handle;
  Check<In, Out>([&](const Shape& s, const In* a, const In* b, Out* c, size_t, size_t, size_t) {
    const float alpha = float(s.alpha), beta = float(s.beta);
    OK(cublasGemmEx(handle.h, s.opa, s.opb, s.m, s.n, s.k, &alpha, a, in, s.lda, b, in, s.ldb, &beta, c, out, s.ldc,
                    CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  });
}

CONFORMANCE_CASE(blas, gemm_ex_half, "cublasGemmEx of __half to __half and to float, computed in float") {
  CheckGemmEx<__half, __half>(CUDA_R_16F, CUDA_R_16F);
  CheckGemmEx<__half, float>(CUDA_R_16F, CUDA_R_32F);
}
CONFORMANCE_CASE(blas, gemm_ex_bf16, "cublasGemmEx of __nv_bfloat16 to float") {
  CheckGemmEx<__nv_bfloat16, float>(CUDA_R_16BF, CUDA_R_32F);
}

CONFORMANCE_CASE(blas, strided_batched,
                 "cublasSgemmStridedBatched and cublasGemmStridedBatchedEx: three products in one call") {
  Handle handle;
  Check<float, float>(
      [&](const Shape& s, const float* a, const float* b, float* c, size_t as, size_t bs, size_t cs) {
        const float alpha = float(s.alpha), beta = float(s.beta);
        OK(cublasSgemmStridedBatched(handle.h, s.opa, s.opb, s.m, s.n, s.k, &alpha, a, s.lda, (long long)as, b, s.ldb,
                                     (long long)bs, &beta, c, s.ldc, (long long)cs, 3));
      },
      3);
  Check<__half, float>(
      [&](const Shape& s, const __half* a, const __half* b, float* c, size_t as, size_t bs, size_t cs) {
        const float alpha = float(s.alpha), beta = float(s.beta);
        OK(cublasGemmStridedBatchedEx(handle.h, s.opa, s.opb, s.m, s.n, s.k, &alpha, a, CUDA_R_16F, s.lda,
                                      (long long)as, b, CUDA_R_16F, s.ldb, (long long)bs, &beta, c, CUDA_R_32F, s.ldc,
                                      (long long)cs, 3, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
      },
      3);
}

CONFORMANCE_CASE(blas, beta_zero, "with beta 0 what C held does not matter, not even NaN") {
  Handle handle;
  Device<float> a(std::vector<float>(16, 1)), b(std::vector<float>(16, 2));
  Device<float> c(std::vector<float>(16, std::numeric_limits<float>::quiet_NaN()));
  const float one = 1, zero = 0;
  OK(cublasSgemm(handle.h, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, a.data(), 4, b.data(), 4, &zero, c.data(), 4));
  EXPECT_EACH(c.Get(), i, 8.0f);
}

__global__ void Scale(float* data, float factor) { data[threadIdx.x] *= factor; }

CONFORMANCE_CASE(blas, in_a_stream, "cublasSetStream: products in the order of a stream, between kernels") {
  cudaStream_t stream, seen = nullptr;
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  Handle handle;
  OK(cublasSetStream(handle.h, stream));
  OK(cublasGetStream(handle.h, &seen));
  EXPECT(seen == stream);
  Device<float> a(std::vector<float>(64, 1)), b(std::vector<float>(64, 1)), c(64);
  const float one = 1, zero = 0;
  for (int round = 0; round < 3; ++round) {
    Scale<<<1, 64, 0, stream>>>(a.data(), 2);
    OK(cublasSgemm(handle.h, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, 8, &one, a.data(), 8, b.data(), 8, &zero, c.data(), 8));
    Scale<<<1, 64, 0, stream>>>(c.data(), 0.125f);
    OK(cudaMemcpyAsync(a.data(), c.data(), 256, cudaMemcpyDeviceToDevice, stream));
  }
  OK(cudaStreamSynchronize(stream));
  EXPECT_EACH(a.Get(), i, 8.0f);
  OK(cublasSetStream(handle.h, nullptr));
  OK(cudaStreamDestroy(stream));
}

CONFORMANCE_CASE(blas, refused,
                 "bad sizes and leading dimensions: CUBLAS_STATUS_INVALID_VALUE; empty products succeed") {
  Handle handle;
  Device<float> a(16), b(16), c(std::vector<float>(16, 7));
  const float one = 1, zero = 0;
  const auto gemm = [&](int m, int k, int lda) {
    return cublasSgemm(handle.h, CUBLAS_OP_N, CUBLAS_OP_N, m, 4, k, &one, a.data(), lda, b.data(), 4, &zero, c.data(),
                       4);
  };
  EXPECT_EQ(gemm(-1, 4, 4), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(gemm(4, 4, 3), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(gemm(0, 4, 4), CUBLAS_STATUS_SUCCESS);
  EXPECT_EACH(c.Get(), i, 7.0f);
  EXPECT_EQ(cublasSgemm(nullptr, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, a.data(), 4, b.data(), 4, &zero, c.data(), 4),
            CUBLAS_STATUS_NOT_INITIALIZED);
}

}  // namespace
