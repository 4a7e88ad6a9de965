#include "harness/workloads/trained_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "harness/answer/half.h"

namespace workbench {
namespace {

TrainingOptions Small() {
  TrainingOptions options;
  options.inputs = 24;
  options.hidden = 32;
  options.classes = 5;
  options.steps = 300;
  return options;
}

double MeanSquare(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * value;
  return sum / static_cast<double>(values.size());
}

TEST(TrainTest, Learns) {
  for (const uint64_t seed : {1, 2, 3}) {
    TrainingOptions options = Small();
    options.seed = seed;
    const TrainedModel model = Train(options);
    EXPECT_LT(model.last_loss, 0.8 * model.first_loss) << "seed " << seed;
  }
}

TEST(TrainTest, DefaultsLearnToo) {
  const TrainedModel model = Train({});
  EXPECT_LT(model.last_loss, 0.95 * model.first_loss);
  EXPECT_EQ(model.parameters(), 128u * 256 + 256 + 256 * 256 + 256 + 256 * 16 + 16);
}

TEST(TrainTest, HasEveryTensorOfEveryLayer) {
  const TrainedModel model = Train(Small());
  std::vector<std::string> names;
  for (const LayerTensor& tensor : model.tensors) {
    names.push_back(tensor.name);
    size_t size = 1;
    for (const int64_t extent : tensor.shape) size *= static_cast<size_t>(extent);
    EXPECT_EQ(tensor.weights.size(), size);
    EXPECT_EQ(tensor.first_moments.size(), size);
    EXPECT_EQ(tensor.second_moments.size(), size);
    EXPECT_EQ(tensor.gradients.size(), size);
  }
  EXPECT_THAT(names, testing::ElementsAre("layer0.weight", "layer0.bias", "layer1.weight", "layer1.bias",
                                          "layer2.weight", "layer2.bias"));
  EXPECT_THAT(model.tensors[0].shape, testing::ElementsAre(32, 24));
  EXPECT_THAT(model.tensors[5].shape, testing::ElementsAre(5));
}

TEST(TrainTest, ValuesAreThoseOfATraining) {
  const TrainedState state = TrainState(5000, Small());
  for (const TensorKind kind : kTensorKinds) {
    for (const float value : state.of(kind)) ASSERT_TRUE(std::isfinite(value)) << TensorKindName(kind);
  }
  for (const float value : state.of(TensorKind::kSecondMoments)) ASSERT_GE(value, 0);
  EXPECT_GT(MeanSquare(state.of(TensorKind::kWeights)), 1e-3);
  EXPECT_GT(MeanSquare(state.of(TensorKind::kGradients)), 0);
  // The first moment averages gradients that mostly cancel; the second averages their squares.
  EXPECT_LT(MeanSquare(state.of(TensorKind::kFirstMoments)), MeanSquare(state.of(TensorKind::kGradients)));
  const auto& weights = state.of(TensorKind::kWeights);
  EXPECT_GT(std::set<float>(weights.begin(), weights.end()).size(), weights.size() * 9 / 10);
}

TEST(TrainTest, TheSameSeedGivesTheSameValues) {
  const TrainedState first = TrainState(2000, Small()), second = TrainState(2000, Small());
  for (const TensorKind kind : kTensorKinds) EXPECT_TRUE(std::ranges::equal(first.of(kind), second.of(kind)));
  TrainingOptions other = Small();
  other.seed = 99;
  EXPECT_FALSE(std::ranges::equal(first.of(TensorKind::kWeights), TrainState(2000, other).of(TensorKind::kWeights)));
}

// More than one model has: other models, not copies; and threads make no difference.
TEST(TrainStateTest, MoreIsFromMoreModels) {
  const size_t parameters = Train(Small()).parameters();
  const TrainedState one = TrainState(3 * parameters + 7, Small(), 1),
                     many = TrainState(3 * parameters + 7, Small(), 3);
  for (const TensorKind kind : kTensorKinds) {
    ASSERT_EQ(one.of(kind).size(), 3 * parameters + 7);
    EXPECT_TRUE(std::ranges::equal(one.of(kind), many.of(kind)));
    const auto first = one.of(kind).subspan(0, parameters), second = one.of(kind).subspan(parameters, parameters);
    EXPECT_FALSE(std::ranges::equal(first, second)) << TensorKindName(kind);
  }
  TrainingOptions next = Small();
  ++next.seed;
  const TrainedState alone = TrainState(parameters, next);
  EXPECT_TRUE(
      std::ranges::equal(one.of(TensorKind::kWeights).subspan(parameters, parameters), alone.of(TensorKind::kWeights)));
}

TEST(TrainStateTest, Nothing) {
  for (const TensorKind kind : kTensorKinds) EXPECT_TRUE(TrainState(0).of(kind).empty());
}

TEST(EncodeTest, IsLittleEndianAndRoundsToEven) {
  const float values[] = {1.0f, -2.5f, 1.00390625f, 65519.0f};
  const auto word = [](const std::vector<std::byte>& bytes, size_t at, int width) {
    uint32_t code = 0;
    for (int b = width; b-- > 0;) code = code << 8 | static_cast<uint32_t>(bytes[at * static_cast<size_t>(width) + b]);
    return code;
  };
  const auto fp32 = Encode(values, NumberFormat::kFloat32), bf16 = Encode(values, NumberFormat::kBFloat16),
             fp16 = Encode(values, NumberFormat::kFloat16);
  ASSERT_EQ(fp32.size(), 16u);
  ASSERT_EQ(bf16.size(), 8u);
  ASSERT_EQ(fp16.size(), 8u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(word(fp32, i, 4), std::bit_cast<uint32_t>(values[i]));
  EXPECT_EQ(word(bf16, 0, 2), 0x3f80u);
  EXPECT_EQ(word(bf16, 1, 2), 0xc020u);
  EXPECT_EQ(word(bf16, 2, 2), 0x3f80u);  // half way, to even
  EXPECT_EQ(word(fp16, 0, 2), 0x3c00u);
  EXPECT_EQ(word(fp16, 1, 2), 0xc100u);
  EXPECT_EQ(word(fp16, 3, 2), 0x7bffu);
}

TEST(RandomBytesTest, LookRandomAndAreRepeatable) {
  const std::vector<std::byte> bytes = RandomBytes(100003, 5);
  EXPECT_EQ(bytes, RandomBytes(100003, 5));
  EXPECT_NE(bytes, RandomBytes(100003, 6));
  const std::vector<std::byte> prefix = RandomBytes(1001, 5);
  EXPECT_TRUE(std::equal(prefix.begin(), prefix.end(), bytes.begin()));
  std::vector<int> counts(256);
  for (const std::byte b : bytes) ++counts[static_cast<size_t>(b)];
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Gt(250), testing::Lt(550))));
}

}  // namespace
}  // namespace workbench
