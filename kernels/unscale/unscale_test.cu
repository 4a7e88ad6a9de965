#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/testing/device_array.h"
#include "kernels/testing/formats.h"
#include "kernels/unscale/unscale.cuh"

namespace kernels {
namespace {

template <typename T>
double ToDouble(T x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    uint16_t code;
    std::memcpy(&code, &x, sizeof code);
    return ValueOf(std::is_same_v<T, __half> ? kBinary16 : kBrain16, code);
  }
}

// The product rounded to fp32 and then to T, as a value.
template <typename T>
double Product(T x, float factor) {
  const float product = static_cast<float>(ToDouble(x) * factor);  // exact in double
  if constexpr (std::is_same_v<T, float>) {
    return product;
  } else {
    return RoundTo(std::is_same_v<T, __half> ? kBinary16 : kBrain16, product, false);
  }
}

template <typename T>
std::vector<T> Values(size_t count, uint64_t seed, float scale = 1) {
  Sequence sequence(seed);
  std::vector<T> values(count);
  for (T& v : values) v = static_cast<T>(sequence.Uniform() * scale);
  return values;
}

// The list on the device, each tensor at an alignment of its own.
template <typename T>
class List {
 public:
  explicit List(const std::vector<std::vector<T>>& tensors) {
    for (const std::vector<T>& values : tensors) {
      arrays_.push_back(std::make_unique<DeviceArray<T>>(values, arrays_.size() % 9));
      counts_.push_back(values.size());
    }
  }
  struct Outcome {
    float found_inf, norm;
    std::vector<std::vector<T>> tensors;
  };
  Outcome Unscale(float inverse_scale, float found_before = 0) {
    DeviceArray<float> scale(std::vector<float>{inverse_scale}), found(std::vector<float>{found_before}), norm(1);
    DeviceArray<char> workspace(UnscaleWorkspaceBytes(counts_.data(), Count()));
    EXPECT_EQ(kernels::Unscale<T>(Count(), At(), scale.data(), found.data(), norm.data(), workspace.data(), nullptr),
              cudaSuccess);
    Outcome outcome{found.Read()[0], norm.Read()[0], {}};
    for (auto& array : arrays_) outcome.tensors.push_back(array->Read());
    workspace.Read();
    return outcome;
  }
  auto At() {
    return [this](int32_t t) { return UnscaleTensor{arrays_[t]->data(), counts_[t]}; };
  }
  int32_t Count() const { return static_cast<int32_t>(counts_.size()); }
  const std::vector<size_t>& counts() const { return counts_; }

 private:
  std::vector<std::unique_ptr<DeviceArray<T>>> arrays_;
  std::vector<size_t> counts_;
};

template <typename T>
class UnscaleTest : public testing::Test {};
using Elements = testing::Types<float, __half, __nv_bfloat16>;
TYPED_TEST_SUITE(UnscaleTest, Elements);

TYPED_TEST(UnscaleTest, ProductsAndNormOfAnyList) {
  std::vector<std::vector<TypeParam>> tensors;
  for (size_t size : {0, 1, 2, 7, 8, 9, 1023, 0, 4097, 8191, 8192, 8193, 40001, 3}) {
    tensors.push_back(Values<TypeParam>(size, tensors.size(), 1000));
  }
  const float inverse_scale = 0.0037f;
  const auto outcome = List<TypeParam>(tensors).Unscale(inverse_scale);
  EXPECT_EQ(outcome.found_inf, 0);
  double squares = 0;
  for (size_t t = 0; t < tensors.size(); ++t) {
    for (size_t i = 0; i < tensors[t].size(); ++i) {
      squares += std::pow(ToDouble(tensors[t][i]) * inverse_scale, 2);
      ASSERT_EQ(ToDouble(outcome.tensors[t][i]), Product(tensors[t][i], inverse_scale)) << t << ", " << i;
    }
  }
  EXPECT_NEAR(outcome.norm, std::sqrt(squares), std::sqrt(squares) * 0x1p-20);
}

TYPED_TEST(UnscaleTest, ManyTensors) {
  std::vector<std::vector<TypeParam>> tensors;
  for (size_t t = 0; t < 1700; ++t) tensors.push_back(std::vector<TypeParam>(t % 5, static_cast<TypeParam>(1.0f)));
  const auto outcome = List<TypeParam>(tensors).Unscale(0.5f);
  for (const auto& tensor : outcome.tensors) {
    for (TypeParam x : tensor) ASSERT_EQ(ToDouble(x), 0.5);
  }
  EXPECT_NEAR(outcome.norm, 0.5 * std::sqrt(3400.0), 1e-5);
}

TYPED_TEST(UnscaleTest, FindsOneBadElement) {
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    for (size_t at : {size_t{0}, size_t{5}, size_t{20000}, size_t{20002}}) {
      std::vector<std::vector<TypeParam>> tensors = {Values<TypeParam>(10, 1), Values<TypeParam>(20003, 2)};
      tensors[1][at] = static_cast<TypeParam>(bad);
      const auto outcome = List<TypeParam>(tensors).Unscale(0.25f);
      EXPECT_EQ(outcome.found_inf, 1) << bad << " at " << at;
      EXPECT_EQ(ToDouble(outcome.tensors[0][3]), Product(tensors[0][3], 0.25f));
    }
  }
}

TYPED_TEST(UnscaleTest, AFlagThatIsSetStaysSet) {
  EXPECT_EQ(List<TypeParam>({Values<TypeParam>(100, 1)}).Unscale(1, 1).found_inf, 1);
}

TYPED_TEST(UnscaleTest, EmptyLists) {
  for (const auto& tensors : {std::vector<std::vector<TypeParam>>{}, std::vector<std::vector<TypeParam>>(3)}) {
    const auto outcome = List<TypeParam>(tensors).Unscale(0.5f);
    EXPECT_EQ(outcome.found_inf, 0);
    EXPECT_EQ(outcome.norm, 0);
  }
}

TEST(UnscaleRangeTest, NormNeitherOverflowsNorUnderflows) {
  const std::vector<float> large(1000, 1e37f), small(1000, 1e-40f);
  EXPECT_NEAR(List<float>({large}).Unscale(1).norm / 3.1622777e38, 1, 1e-6);
  EXPECT_NEAR(List<float>({small}).Unscale(1).norm / 3.1622777e-39, 1, 1e-5);  // a subnormal result
  EXPECT_NEAR(List<float>({large}).Unscale(1e-30f).norm / 3.1622777e8, 1, 1e-6);
}

TEST(UnscaleGraphTest, ReplaysWithItsOwnListAndTheScaleOfTheMoment) {
  List<float> list({Values<float>(5000, 1), Values<float>(300, 2)});
  const std::vector<float> before = List<float>({Values<float>(5000, 1)}).Unscale(1).tensors[0];
  DeviceArray<float> scale(std::vector<float>{0.5f}), found(std::vector<float>{0}), norm(1);
  DeviceArray<char> workspace(UnscaleWorkspaceBytes(list.counts().data(), list.Count()));
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  std::vector<UnscaleTensor> tensors = {list.At()(0), list.At()(1)};
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  ASSERT_EQ(
      Unscale<float>(
          2, [&](int32_t t) { return tensors[t]; }, scale.data(), found.data(), norm.data(), workspace.data(), stream),
      cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  ASSERT_EQ(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
  tensors.assign(2, UnscaleTensor{nullptr, 0});
  for (const float factor : {0.5f, 0.25f}) {
    ASSERT_EQ(cudaMemcpy(scale.data(), &factor, sizeof factor, cudaMemcpyDefault), cudaSuccess);
    ASSERT_EQ(cudaGraphLaunch(exec, stream), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  }
  std::vector<float> after(5000);
  ASSERT_EQ(cudaMemcpy(after.data(), list.At()(0).data, 5000 * sizeof(float), cudaMemcpyDefault), cudaSuccess);
  for (size_t i = 0; i < after.size(); ++i) ASSERT_EQ(after[i], before[i] * 0.125f);
  EXPECT_EQ(cudaGraphExecDestroy(exec), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST(UnscaleDeterminismTest, SameBitsEveryTime) {
  const std::vector<float> values = Values<float>(300000, 4);
  const float norm = List<float>({values}).Unscale(1).norm;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(List<float>({values}).Unscale(1).norm, norm);
}

}  // namespace
}  // namespace kernels
