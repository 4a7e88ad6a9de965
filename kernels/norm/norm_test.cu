#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/norm/norm.cuh"
#include "kernels/norm/softmax.cuh"
#include "kernels/testing/device_array.h"
#include "kernels/testing/formats.h"

namespace kernels {
namespace {

template <typename T>
double ToDouble(T x) {
  uint16_t code;
  std::memcpy(&code, &x, sizeof code);
  return ValueOf(std::is_same_v<T, __half> ? kBinary16 : kBrain16, code);
}

// Half a unit in the last place of T, relative, and what fp32 inside may add.
template <typename T>
double Tolerance(double magnitude) {
  return (std::is_same_v<T, __half> ? 0x1p-11 : 0x1p-8) * 1.01 * magnitude + 0x1p-25;
}

template <typename T>
std::vector<T> Random(size_t count, uint64_t seed, float scale = 1, float shift = 0) {
  Sequence sequence(seed);
  std::vector<T> values(count);
  for (T& v : values) v = static_cast<T>(sequence.Uniform() * scale + shift);
  return values;
}

struct Shape {
  int64_t rows, hidden;
  size_t offset;  // of x, in elements
};
// Warps, blocks, rows that are not held; one element, and odd lengths; aligned and not.
const Shape kShapes[] = {{1, 1, 0},    {3, 7, 0},    {17, 8, 0},   {9, 256, 0},  {9, 264, 0},
                         {5, 1000, 0}, {8, 1024, 0}, {3, 1032, 0}, {2, 4096, 0}, {3, 1024, 1},
                         {2, 4099, 0}, {2, 8192, 3}, {0, 64, 0}};

template <typename T>
class NormTest : public testing::Test {};
using Elements = testing::Types<__half, __nv_bfloat16>;
TYPED_TEST_SUITE(NormTest, Elements);

// Forward and backward of one shape against double.
template <Normalization kKind, typename T>
void Check(const Shape& shape, float shift) {
  constexpr bool kCentred = kKind == Normalization::kLayer;
  constexpr float kEpsilon = 1e-5f;
  const auto rows = static_cast<size_t>(shape.rows), hidden = static_cast<size_t>(shape.hidden);
  const std::vector<T> x = Random<T>(rows * hidden, 1, 2, shift), dy = Random<T>(rows * hidden, 2);
  const std::vector<T> gamma = Random<T>(hidden, 3), beta = Random<T>(hidden, 4);
  DeviceArray<T> x_device(x, shape.offset), dy_device(dy), gamma_device(gamma), beta_device(beta);
  DeviceArray<T> y_device(rows * hidden), dx_device(rows * hidden);
  DeviceArray<float> mean_device(rows), rstd_device(rows), dgamma_device(hidden), dbeta_device(hidden);
  DeviceArray<char> workspace(NormBackwardWorkspaceBytes(shape.rows, shape.hidden));
  ASSERT_EQ((Norm<kKind, T>(shape.rows, shape.hidden, kEpsilon, x_device.data(), gamma_device.data(),
                            beta_device.data(), y_device.data(), mean_device.data(), rstd_device.data(), nullptr)),
            cudaSuccess);
  ASSERT_EQ((NormBackward<kKind, T>(shape.rows, shape.hidden, dy_device.data(), x_device.data(), gamma_device.data(),
                                    mean_device.data(), rstd_device.data(), dx_device.data(), dgamma_device.data(),
                                    dbeta_device.data(), workspace.data(), nullptr)),
            cudaSuccess);
  const std::vector<T> y = y_device.Read(), dx = dx_device.Read();
  const std::vector<float> mean_out = mean_device.Read(), rstd_out = rstd_device.Read();
  workspace.Read();
  std::vector<double> dgamma(hidden), dbeta(hidden), dgamma_size(hidden), dbeta_size(hidden);
  for (size_t r = 0; r < rows; ++r) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < hidden; ++i) mean += kCentred ? ToDouble(x[r * hidden + i]) / hidden : 0;
    for (size_t i = 0; i < hidden; ++i) variance += std::pow(ToDouble(x[r * hidden + i]) - mean, 2) / hidden;
    const double rstd = 1 / std::sqrt(variance + kEpsilon);
    if (kCentred) {
      ASSERT_NEAR(mean_out[r], mean, 1e-6 * (std::abs(shift) + 1));
    }
    ASSERT_NEAR(rstd_out[r], rstd, 2e-5 * rstd);
    double sum = 0, product = 0, size = 0;
    const auto normal = [&](size_t i) { return (ToDouble(x[r * hidden + i]) - mean) * rstd; };
    const auto gradient = [&](size_t i) { return ToDouble(dy[r * hidden + i]) * ToDouble(gamma[i]); };
    for (size_t i = 0; i < hidden; ++i) {
      sum += kCentred ? gradient(i) / hidden : 0;
      product += gradient(i) * normal(i) / hidden;
      size = std::max(size, std::abs(gradient(i)) + std::abs(normal(i)));
      dgamma[i] += ToDouble(dy[r * hidden + i]) * normal(i);
      dbeta[i] += ToDouble(dy[r * hidden + i]);
      dgamma_size[i] += std::abs(ToDouble(dy[r * hidden + i]) * normal(i));
      dbeta_size[i] += std::abs(ToDouble(dy[r * hidden + i]));
    }
    const double slack = 1e-5 * (1 + std::abs(shift) * rstd);  // mean and products in fp32
    for (size_t i = 0; i < hidden; ++i) {
      const double expected = normal(i) * ToDouble(gamma[i]) + (kCentred ? ToDouble(beta[i]) : 0);
      ASSERT_NEAR(ToDouble(y[r * hidden + i]), expected, Tolerance<T>(std::abs(expected)) + slack) << r << ", " << i;
      const double back = rstd * (gradient(i) - sum - normal(i) * product);
      ASSERT_NEAR(ToDouble(dx[r * hidden + i]), back, Tolerance<T>(std::abs(back)) + slack * rstd * (1 + size))
          << r << ", " << i << " of " << hidden;
    }
  }
  const std::vector<float> dgamma_out = dgamma_device.Read(), dbeta_out = dbeta_device.Read();
  for (size_t i = 0; i < hidden; ++i) {
    const double slack = 1e-5 * (1 + std::abs(shift));
    ASSERT_NEAR(dgamma_out[i], dgamma[i], slack * (1 + dgamma_size[i])) << i;
    if (kCentred) {
      ASSERT_NEAR(dbeta_out[i], dbeta[i], 1e-6 * (1 + dbeta_size[i])) << i;
    }
  }
}

TYPED_TEST(NormTest, LayerNorm) {
  for (const Shape& shape : kShapes) Check<Normalization::kLayer, TypeParam>(shape, 0);
}

TYPED_TEST(NormTest, RmsNorm) {
  for (const Shape& shape : kShapes) Check<Normalization::kRms, TypeParam>(shape, 0);
}

TYPED_TEST(NormTest, LayerNormFarFromZero) {  // E[x^2] - E[x]^2 would leave nothing of the variance
  Check<Normalization::kLayer, TypeParam>({4, 1024, 0}, 300);
  Check<Normalization::kLayer, TypeParam>({2, 4099, 0}, 300);
}

TYPED_TEST(NormTest, LongRows) {
  Check<Normalization::kLayer, TypeParam>({1, 32776, 0}, 0);
  Check<Normalization::kRms, TypeParam>({2, 65536, 0}, 0);
}

TYPED_TEST(NormTest, ManyRowsInSlabs) {
  Check<Normalization::kLayer, TypeParam>({1000, 40, 0}, 0);
  Check<Normalization::kRms, TypeParam>({300, 33, 0}, 0);
}

template <typename T>
void CheckSoftmax(const Shape& shape, std::vector<T> x) {
  const auto rows = static_cast<size_t>(shape.rows), hidden = static_cast<size_t>(shape.hidden);
  const std::vector<T> dy = Random<T>(rows * hidden, 2);
  DeviceArray<T> x_device(x, shape.offset), dy_device(dy), y_device(rows * hidden), dx_device(rows * hidden);
  ASSERT_EQ(Softmax<T>(shape.rows, shape.hidden, x_device.data(), y_device.data(), nullptr), cudaSuccess);
  ASSERT_EQ(SoftmaxBackward<T>(shape.rows, shape.hidden, dy_device.data(), y_device.data(), dx_device.data(), nullptr),
            cudaSuccess);
  const std::vector<T> y = y_device.Read(), dx = dx_device.Read();
  for (size_t r = 0; r < rows; ++r) {
    double largest = -INFINITY, sum = 0, product = 0;
    for (size_t i = 0; i < hidden; ++i) largest = std::max(largest, ToDouble(x[r * hidden + i]));
    const bool masked = std::isinf(largest);
    for (size_t i = 0; i < hidden; ++i) sum += masked ? 1 : std::exp(ToDouble(x[r * hidden + i]) - largest);
    for (size_t i = 0; i < hidden; ++i) product += ToDouble(dy[r * hidden + i]) * ToDouble(y[r * hidden + i]);
    for (size_t i = 0; i < hidden; ++i) {
      const double expected = masked ? 0 : std::exp(ToDouble(x[r * hidden + i]) - largest) / sum;
      ASSERT_NEAR(ToDouble(y[r * hidden + i]), expected, Tolerance<T>(expected) + 1e-5 * expected) << r << ", " << i;
      const double back = ToDouble(y[r * hidden + i]) * (ToDouble(dy[r * hidden + i]) - product);
      ASSERT_NEAR(ToDouble(dx[r * hidden + i]), back, Tolerance<T>(std::abs(back)) + 1e-6) << r << ", " << i;
    }
  }
}

TYPED_TEST(NormTest, Softmax) {
  for (const Shape& shape : kShapes) {
    CheckSoftmax(shape, Random<TypeParam>(static_cast<size_t>(shape.rows * shape.hidden), 5, 8));
  }
}

TYPED_TEST(NormTest, SoftmaxOfMaskedAndLargeRows) {
  for (const int64_t hidden : {5, 1024, 2048}) {
    std::vector<TypeParam> x = Random<TypeParam>(static_cast<size_t>(4 * hidden), 6, 60000);
    for (int64_t i = 0; i < hidden; ++i) {
      x[i] = static_cast<TypeParam>(-INFINITY);  // row 0: all masked
      if (i % 2 == 1) x[hidden + i] = static_cast<TypeParam>(-INFINITY);
    }
    CheckSoftmax({4, hidden, 0}, x);
  }
}

TYPED_TEST(NormTest, SoftmaxOfANaNIsNaN) {
  std::vector<TypeParam> x = Random<TypeParam>(3 * 16, 7);
  for (int i = 16; i < 32; ++i) x[i] = static_cast<TypeParam>(-INFINITY);
  x[20] = static_cast<TypeParam>(NAN);
  DeviceArray<TypeParam> in(x), out(x.size());
  ASSERT_EQ(Softmax<TypeParam>(3, 16, in.data(), out.data(), nullptr), cudaSuccess);
  const std::vector<TypeParam> y = out.Read();
  for (int i = 0; i < 48; ++i) EXPECT_EQ(std::isnan(ToDouble(y[i])), i / 16 == 1) << i;
}

}  // namespace
}  // namespace kernels
