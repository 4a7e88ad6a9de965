#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "cublas_v2.h"
#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "cuda_runtime_api.h"
#include "harness/host/blas/fake_stream.h"

namespace {

// A matrix of doubles and the same in the type that is tested, with ld above the rows; what is between must stay.
template <typename T>
struct Matrix {
  static constexpr double kPadding = 99;
  int rows, columns, ld;
  std::vector<T> data;

  Matrix(int rows, int columns, int ld)
      : rows(rows),
        columns(columns),
        ld(ld),
        data(static_cast<size_t>(ld) * columns, T(static_cast<float>(kPadding))) {}
  T& At(int i, int j) { return data[static_cast<size_t>(j) * ld + i]; }
  double Wide(int i, int j) const {
    if constexpr (std::is_arithmetic_v<T>) return static_cast<double>(data[static_cast<size_t>(j) * ld + i]);
    return static_cast<double>(static_cast<float>(data[static_cast<size_t>(j) * ld + i]));
  }
  // Multiples of 1/4 that every type holds (whole numbers for integers).
  void Fill(std::mt19937* random) {
    for (int j = 0; j < columns; ++j) {
      for (int i = 0; i < rows; ++i) {
        const float value = static_cast<float>(static_cast<int>((*random)() % 17) - 8);
        At(i, j) = static_cast<T>(std::is_integral_v<T> ? value : value / 4);
      }
    }
  }
  bool PaddingIsWhole() const {
    for (int j = 0; j < columns; ++j) {
      for (int i = rows; i < ld; ++i) {
        if (Wide(i, j) != kPadding) return false;
      }
    }
    return true;
  }
};

template <typename A, typename C>
double Expected(const Matrix<A>& a, bool ta, const Matrix<A>& b, bool tb, int k, int i, int j, double alpha,
                double beta, const Matrix<C>& c) {
  double sum = 0;
  for (int l = 0; l < k; ++l) sum += (ta ? a.Wide(l, i) : a.Wide(i, l)) * (tb ? b.Wide(j, l) : b.Wide(l, j));
  return alpha * sum + (beta == 0 ? 0 : beta * c.Wide(i, j));
}

class GemmTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(cublasCreate(&handle_), CUBLAS_STATUS_SUCCESS); }
  void TearDown() override { EXPECT_EQ(cublasDestroy(handle_), CUBLAS_STATUS_SUCCESS); }

  // All transposes, several sizes (tails of every block), all kinds of alpha and beta. The inputs are such that sums
  // are exact in the type that they are in, so what differs is the last rounding only: the result is exact, or rounded
  // once.
  template <typename A, typename C, typename S>
  void Check(cudaDataType in, cudaDataType out, cublasComputeType_t compute) {
    std::mt19937 random(7);
    const std::tuple<int, int, int> sizes[] = {{1, 1, 1}, {3, 5, 7},    {4, 4, 4},     {17, 9, 33},
                                               {5, 3, 0}, {64, 2, 130}, {300, 7, 129}, {1, 33, 20}};
    const std::pair<double, double> scales[] = {{1, 0}, {1, 1}, {-2, 3}, {0, 2}, {0, 0}};
    for (const auto& [m, n, k] : sizes) {
      for (int transposes = 0; transposes < 4; ++transposes) {
        const bool ta = transposes & 1;
        const bool tb = transposes & 2;
        Matrix<A> a(ta ? k : m, ta ? m : k, (ta ? k : m) + 3);
        Matrix<A> b(tb ? n : k, tb ? k : n, (tb ? n : k) + 1);
        a.Fill(&random);
        b.Fill(&random);
        for (const auto& [alpha, beta] : scales) {
          Matrix<C> c(m, n, m + 2);
          c.Fill(&random);
          const Matrix<C> before = c;
          const S alpha_value = static_cast<S>(static_cast<float>(alpha));
          const S beta_value = static_cast<S>(static_cast<float>(beta));
          ASSERT_EQ(cublasGemmEx(handle_, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, k,
                                 &alpha_value, a.data.data(), in, a.ld, b.data.data(), in, b.ld, &beta_value,
                                 c.data.data(), out, c.ld, compute, CUBLAS_GEMM_DEFAULT),
                    CUBLAS_STATUS_SUCCESS);
          ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
          for (int j = 0; j < n; ++j) {
            for (int i = 0; i < m; ++i) {
              const double wanted = Expected(a, ta, b, tb, k, i, j, alpha, beta, before);
              const C rounded = static_cast<C>(wanted);
              ASSERT_EQ(static_cast<double>(static_cast<float>(rounded)), c.Wide(i, j))
                  << m << " x " << n << " x " << k << ", transposes " << transposes << ", alpha " << alpha << ", beta "
                  << beta << ", element " << i << ", " << j << ": exactly " << wanted;
            }
          }
          ASSERT_TRUE(c.PaddingIsWhole());
        }
      }
    }
  }

  cublasHandle_t handle_ = nullptr;
};

TEST_F(GemmTest, Float) { Check<float, float, float>(CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F); }
TEST_F(GemmTest, Double) { Check<double, double, double>(CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F); }
TEST_F(GemmTest, Half) { Check<__half, __half, float>(CUDA_R_16F, CUDA_R_16F, CUBLAS_COMPUTE_32F); }
TEST_F(GemmTest, HalfScaledInHalf) { Check<__half, __half, __half>(CUDA_R_16F, CUDA_R_16F, CUBLAS_COMPUTE_16F); }
TEST_F(GemmTest, HalfToFloat) { Check<__half, float, float>(CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F); }
TEST_F(GemmTest, Bfloat16) { Check<__nv_bfloat16, __nv_bfloat16, float>(CUDA_R_16BF, CUDA_R_16BF, CUBLAS_COMPUTE_32F); }
TEST_F(GemmTest, Bfloat16ToFloat) {
  Check<__nv_bfloat16, float, float>(CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_16BF);
}
TEST_F(GemmTest, IntegersToInt) { Check<int8_t, int32_t, int32_t>(CUDA_R_8I, CUDA_R_32I, CUBLAS_COMPUTE_32I); }
TEST_F(GemmTest, IntegersToFloat) { Check<int8_t, float, float>(CUDA_R_8I, CUDA_R_32F, CUBLAS_COMPUTE_32F); }

// Halves are not summed in half: 4096 ones would stop at 2048.
TEST_F(GemmTest, HalfIsSummedInFloat) {
  const int k = 4096;
  const std::vector<__half> ones(k, __half(1.0f));
  __half c;
  const __half alpha(1.0f), beta(0.0f);
  ASSERT_EQ(
      cublasHgemm(handle_, CUBLAS_OP_T, CUBLAS_OP_N, 1, 1, k, &alpha, ones.data(), k, ones.data(), k, &beta, &c, 1),
      CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(static_cast<float>(c), 4096.0f);
}

TEST_F(GemmTest, WholeByteRange) {
  const int k = 1000;
  const std::vector<int8_t> least(k, -128), largest(k, 127);
  int32_t c[2] = {};
  const int32_t alpha = 1, beta = 0;
  const auto multiply = [&](const std::vector<int8_t>& b, int32_t* result) {
    return cublasGemmEx(handle_, CUBLAS_OP_T, CUBLAS_OP_N, 1, 1, k, &alpha, least.data(), CUDA_R_8I, k, b.data(),
                        CUDA_R_8I, k, &beta, result, CUDA_R_32I, 1, CUBLAS_COMPUTE_32I, CUBLAS_GEMM_DEFAULT);
  };
  ASSERT_EQ(multiply(least, &c[0]), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(multiply(largest, &c[1]), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(c[0], 16384 * k);
  EXPECT_EQ(c[1], -16256 * k);
}

// C is not read if beta is 0: what is there, NaN included, does not spread; otherwise it does.
template <typename T, typename Gemm>
void CheckNan(Gemm gemm) {
  const T nan(std::numeric_limits<float>::quiet_NaN());
  const std::vector<T> a(4, T(1.0f)), b(4, T(2.0f));
  for (const float beta : {0.0f, 1.0f}) {
    for (const int k : {0, 2}) {
      std::vector<T> c(4, nan);
      ASSERT_EQ(gemm(k, a.data(), b.data(), T(beta), c.data()), CUBLAS_STATUS_SUCCESS);
      ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
      for (const T& x : c) {
        if (beta == 0) {
          EXPECT_EQ(static_cast<float>(x), k == 0 ? 0.0f : 4.0f);
        } else {
          EXPECT_TRUE(std::isnan(static_cast<float>(x)));
        }
      }
    }
  }
}
TEST_F(GemmTest, BetaZeroDoesNotReadC) {
  CheckNan<float>([this](int k, const float* a, const float* b, float beta, float* c) {
    const float alpha = 1;
    return cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, k, &alpha, a, 2, b, 2, &beta, c, 2);
  });
  CheckNan<double>([this](int k, const double* a, const double* b, double beta, double* c) {
    const double alpha = 1;
    return cublasDgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, k, &alpha, a, 2, b, 2, &beta, c, 2);
  });
  CheckNan<__half>([this](int k, const __half* a, const __half* b, __half beta, __half* c) {
    const __half alpha(1.0f);
    return cublasHgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, k, &alpha, a, 2, b, 2, &beta, c, 2);
  });
}

// A NaN in A or B reaches its row or column, also by way of a zero.
TEST_F(GemmTest, NanInAReachesItsRow) {
  const float a[] = {NAN, 1, 1, 1};
  const float b[] = {0, 1, 0, 1};
  float c[4] = {};
  const float alpha = 1, beta = 0;
  ASSERT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &alpha, a, 2, b, 2, &beta, c, 2),
            CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_TRUE(std::isnan(c[0]));
  EXPECT_EQ(c[1], 1.0f);
  EXPECT_TRUE(std::isnan(c[2]));
  EXPECT_EQ(c[3], 1.0f);
}

// In pointer mode host the scalars are taken at the call, in pointer mode device when the work runs.
TEST_F(GemmTest, PointerModes) {
  const float a = 3, b = 5;
  for (const auto mode : {CUBLAS_POINTER_MODE_HOST, CUBLAS_POINTER_MODE_DEVICE}) {
    float alpha = 1, beta = 0, c = 100;
    ASSERT_EQ(cublasSetPointerMode(handle_, mode), CUBLAS_STATUS_SUCCESS);
    ASSERT_EQ(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, &a, 1, &b, 1, &beta, &c, 1),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(workbench::host::WaitingTasks(), 1u);
    EXPECT_EQ(c, 100);
    alpha = 2;
    beta = 1;
    ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
    EXPECT_EQ(c, mode == CUBLAS_POINTER_MODE_HOST ? 15 : 130);
  }
}

TEST_F(GemmTest, StridedBatches) {
  // A is shared (stride 0), B goes backward, and C leaves a gap.
  const float a[] = {1, 2, 3, 4};
  const float b[] = {1, 0, 0, 1, 0, 1, 1, 0, 2, 0, 0, 2};
  std::vector<float> c(15, -1);
  const float alpha = 1, beta = 0;
  ASSERT_EQ(cublasSgemmStridedBatched(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &alpha, a, 2, 0, b + 8, 2, -4, &beta,
                                      c.data(), 2, 5, 3),
            CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(c, (std::vector<float>{2, 4, 6, 8, -1, 3, 4, 1, 2, -1, 1, 2, 3, 4, -1}));
}

TEST_F(GemmTest, StridedBatchesOfHalvesCountInElements) {
  const std::vector<__half> a = {__half(1.0f), __half(2.0f), __half(3.0f)};
  std::vector<__half> c(3, __half(0.0f));
  const float alpha = 2, beta = 0;
  ASSERT_EQ(cublasGemmStridedBatchedEx(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, a.data(), CUDA_R_16F, 1, 1,
                                       a.data(), CUDA_R_16F, 1, 1, &beta, c.data(), CUDA_R_16F, 1, 1, 3,
                                       CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT_TENSOR_OP),
            CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(static_cast<float>(c[0]), 2);
  EXPECT_EQ(static_cast<float>(c[1]), 8);
  EXPECT_EQ(static_cast<float>(c[2]), 18);
}

TEST_F(GemmTest, BatchesByPointers) {
  const float a0 = 2, a1 = 3, b0 = 5, b1 = 7;
  float c0 = 1, c1 = 1;
  const float* a[] = {&a0, &a1};
  const float* b[] = {&b0, &b1};
  float* c[] = {&c1, &c0};
  const float alpha = 1, beta = 1;
  ASSERT_EQ(cublasSgemmBatched(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, a, 1, b, 1, &beta, c, 1, 2),
            CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(c1, 11);
  EXPECT_EQ(c0, 22);
}

TEST_F(GemmTest, OlderCodeNamesADataTypeAsCompute) {
  const float a = 3, b = 5, alpha = 1, beta = 0;
  float c = 0;
  ASSERT_EQ(cublasGemmEx(handle_, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &alpha, &a, CUDA_R_32F, 1, &b, CUDA_R_32F, 1,
                         &beta, &c, CUDA_R_32F, 1, CUDA_R_32F, CUBLAS_GEMM_DEFAULT),
            CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  EXPECT_EQ(c, 15);
}

TEST_F(GemmTest, BadArgumentsAreRefused) {
  const std::vector<float> x(64, 1.0f);
  std::vector<float> c(64, 7.0f);
  const float one = 1;
  const auto gemm = [&](cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, int lda, int ldb, int ldc) {
    return cublasSgemm(handle_, ta, tb, m, n, k, &one, x.data(), lda, x.data(), ldb, &one, c.data(), ldc);
  };
  const auto n = CUBLAS_OP_N, t = CUBLAS_OP_T;
  EXPECT_EQ(gemm(n, n, -1, 2, 2, 2, 2, 2), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(gemm(n, n, 4, 2, 3, 3, 3, 4), CUBLAS_STATUS_INVALID_VALUE) << "lda below m";
  EXPECT_EQ(gemm(t, n, 4, 2, 3, 2, 3, 4), CUBLAS_STATUS_INVALID_VALUE) << "lda below k";
  EXPECT_EQ(gemm(n, n, 4, 2, 3, 4, 2, 4), CUBLAS_STATUS_INVALID_VALUE) << "ldb below k";
  EXPECT_EQ(gemm(n, t, 4, 2, 3, 4, 1, 4), CUBLAS_STATUS_INVALID_VALUE) << "ldb below n";
  EXPECT_EQ(gemm(n, n, 4, 2, 3, 4, 3, 3), CUBLAS_STATUS_INVALID_VALUE) << "ldc below m";
  EXPECT_EQ(gemm(n, n, 0, 0, 0, 0, 1, 1), CUBLAS_STATUS_INVALID_VALUE) << "lda 0";
  EXPECT_EQ(gemm(n, n, 0, 2, 3, 1, 3, 1), CUBLAS_STATUS_SUCCESS) << "nothing to do";
  EXPECT_EQ(cublasSgemm(nullptr, n, n, 1, 1, 1, &one, x.data(), 1, x.data(), 1, &one, c.data(), 1),
            CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_EQ(cublasSgemm(handle_, n, n, 1, 1, 1, nullptr, x.data(), 1, x.data(), 1, &one, c.data(), 1),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasGemmEx(handle_, n, n, 1, 1, 1, &one, x.data(), CUDA_R_32F, 1, x.data(), CUDA_R_16F, 1, &one, c.data(),
                         CUDA_R_32F, 1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
            CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(workbench::host::WaitingTasks(), 0u);
  EXPECT_EQ(c, std::vector<float>(64, 7.0f));
}

}  // namespace
