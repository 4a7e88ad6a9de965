#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cublas_v2.h"
#include "cuda_runtime_api.h"
#include "harness/host/blas/fake_stream.h"

namespace {

class VectorsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(cublasCreate(&handle_), CUBLAS_STATUS_SUCCESS); }
  void TearDown() override { EXPECT_EQ(cublasDestroy(handle_), CUBLAS_STATUS_SUCCESS); }
  static void Run() { ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess); }
  cublasHandle_t handle_ = nullptr;
};

TEST_F(VectorsTest, Gemv) {
  // 2 x 3 with ld 3: rows 1 2 3 and 4 5 6.
  const float a[] = {1, 4, 99, 2, 5, 99, 3, 6, 99};
  const float x[] = {1, 10, 100};
  const float alpha = 2, beta = 1;
  float y[] = {1, -7, 1};  // every second
  ASSERT_EQ(cublasSgemv(handle_, CUBLAS_OP_N, 2, 3, &alpha, a, 3, x, 1, &beta, y, 2), CUBLAS_STATUS_SUCCESS);
  Run();
  EXPECT_EQ(y[0], 643);
  EXPECT_EQ(y[1], -7);
  EXPECT_EQ(y[2], 1309);

  // Transposed, x from its end, and y not read.
  const float none = 0;
  float z[] = {NAN, NAN, NAN};
  ASSERT_EQ(cublasSgemv(handle_, CUBLAS_OP_T, 2, 3, &alpha, a, 3, x, -1, &none, z, 1), CUBLAS_STATUS_SUCCESS);
  Run();
  EXPECT_EQ(z[0], 2 * (10 * 1 + 1 * 4));
  EXPECT_EQ(z[1], 2 * (10 * 2 + 1 * 5));
  EXPECT_EQ(z[2], 2 * (10 * 3 + 1 * 6));
  EXPECT_EQ(cublasSgemv(handle_, CUBLAS_OP_N, 4, 3, &alpha, a, 3, x, 1, &beta, y, 2), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(VectorsTest, AxpyScalCopy) {
  const double x[] = {1, 2, 3};
  double y[] = {10, 20, 30};
  const double alpha = 2;
  ASSERT_EQ(cublasDaxpy(handle_, 3, &alpha, x, -1, y, 1), CUBLAS_STATUS_SUCCESS);
  Run();
  EXPECT_EQ(y[0], 16);
  EXPECT_EQ(y[1], 24);
  EXPECT_EQ(y[2], 32);
  ASSERT_EQ(cublasDscal(handle_, 2, &alpha, y, 2), CUBLAS_STATUS_SUCCESS);
  Run();
  EXPECT_EQ(y[0], 32);
  EXPECT_EQ(y[1], 24);
  EXPECT_EQ(y[2], 64);
  double z[] = {0, 0, 0};
  ASSERT_EQ(cublasDcopy(handle_, 3, x, 1, z, 1), CUBLAS_STATUS_SUCCESS);
  Run();
  EXPECT_EQ(z[2], 3);
}

TEST_F(VectorsTest, ResultsAreThereOnReturn) {
  const float x[] = {3, -9, 4};
  const float y[] = {1, 2, 3};
  float dot = 0, norm = 0, sum = 0;
  int largest = 0;
  ASSERT_EQ(cublasSdot(handle_, 3, x, 1, y, 1, &dot), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasSnrm2(handle_, 2, x, 2, &norm), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasSasum(handle_, 3, x, 1, &sum), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasIsamax(handle_, 3, x, 1, &largest), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(dot, -3);
  EXPECT_EQ(norm, 5);
  EXPECT_EQ(sum, 16);
  EXPECT_EQ(largest, 2);
  ASSERT_EQ(cublasSdot(handle_, 0, x, 1, y, 1, &dot), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(dot, 0);
}

TEST_F(VectorsTest, ResultsOnTheDeviceComeWithTheStream) {
  const double x[] = {3, 4};
  double norm = -1;
  ASSERT_EQ(cublasSetPointerMode(handle_, CUBLAS_POINTER_MODE_DEVICE), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasDnrm2(handle_, 2, x, 1, &norm), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(norm, -1);
  EXPECT_EQ(workbench::host::WaitingTasks(), 1u);
  Run();
  EXPECT_EQ(norm, 5);
}

TEST_F(VectorsTest, NormsDoNotOverflow) {
  const float x[] = {3e38f, 1e38f};
  const double y[] = {3e300, 4e300};
  float norm = 0;
  double wide = 0;
  ASSERT_EQ(cublasSnrm2(handle_, 2, x, 1, &norm), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasDnrm2(handle_, 2, y, 1, &wide), CUBLAS_STATUS_SUCCESS);
  EXPECT_FLOAT_EQ(norm, static_cast<float>(std::sqrt(10.0) * 1e38));
  EXPECT_DOUBLE_EQ(wide, 5e300);
}

TEST_F(VectorsTest, HandleKeepsItsSettings) {
  int version = 0;
  EXPECT_EQ(cublasGetVersion(handle_, &version), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(version, CUBLAS_VERSION);
  const auto stream = reinterpret_cast<cudaStream_t>(this);
  cudaStream_t got = nullptr;
  EXPECT_EQ(cublasSetStream(handle_, stream), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasGetStream(handle_, &got), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(got, stream);
  cublasMath_t mode = CUBLAS_DEFAULT_MATH;
  EXPECT_EQ(cublasSetMathMode(handle_, CUBLAS_TF32_TENSOR_OP_MATH), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasGetMathMode(handle_, &mode), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(mode, CUBLAS_TF32_TENSOR_OP_MATH);
  EXPECT_EQ(cublasSetPointerMode(handle_, static_cast<cublasPointerMode_t>(5)), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasSetWorkspace(handle_, reinterpret_cast<void*>(0x1001), 16), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasGetStream(nullptr, &got), CUBLAS_STATUS_NOT_INITIALIZED);
  EXPECT_STREQ(cublasGetStatusName(CUBLAS_STATUS_NOT_SUPPORTED), "CUBLAS_STATUS_NOT_SUPPORTED");
  EXPECT_NE(std::string(cublasGetStatusString(CUBLAS_STATUS_INVALID_VALUE)).find("leading dimension"),
            std::string::npos);
}

}  // namespace
