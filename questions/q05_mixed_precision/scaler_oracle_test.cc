// The oracle gives the scales that are known of PyTorch and DeepSpeed.
#include "questions/q05_mixed_precision/scaler_oracle.h"

#include <gtest/gtest.h>

namespace q05 {
namespace {

void ExpectSequences(const std::vector<RecordedSequence>& sequences) {
  for (const RecordedSequence& one : sequences) {
    ASSERT_EQ(one.iterations.size(), one.scales.size()) << one.source;
    ScalerOracle oracle(one.config);
    for (size_t i = 0; i < one.scales.size(); ++i) {
      EXPECT_EQ(oracle.Iterate(one.iterations[i] == 'x'), Result::kOk);
      EXPECT_EQ(oracle.scale(), one.scales[i]) << one.source << ", " << one.iterations << ", iteration " << i;
    }
  }
}

TEST(ScalerOracleTest, Torch) { ExpectSequences(TorchSequences()); }
TEST(ScalerOracleTest, DeepSpeed) { ExpectSequences(DeepSpeedSequences()); }
TEST(ScalerOracleTest, Floor) { ExpectSequences(DeepSpeedFloorSequences()); }
TEST(ScalerOracleTest, Hysteresis) { ExpectSequences(DeepSpeedHysteresisSequences()); }

TEST(ScalerOracleTest, RaisesOnlyWhereItWouldBackOffAtTheFloor) {
  ScalerConfig config;
  config.initial_scale = 2;
  config.floor = 1;
  config.hysteresis = 2;
  config.raise_at_floor = 1;
  ScalerOracle oracle(config);
  EXPECT_EQ(oracle.Iterate(true), Result::kOk);  // absorbed
  EXPECT_EQ(oracle.Iterate(true), Result::kOk);  // to the floor
  EXPECT_EQ(oracle.scale(), 1);
  EXPECT_EQ(oracle.Iterate(true), Result::kScaleAtFloor);
  EXPECT_EQ(oracle.state().iteration, 3);
  EXPECT_EQ(oracle.state().last_overflow, 2);
  EXPECT_EQ(oracle.state().hysteresis_left, 1);
}

TEST(ScalerOracleTest, State) {
  ScalerConfig config;
  config.growth_interval = 3;
  config.hysteresis = 3;
  ScalerOracle oracle(config);
  for (const char c : std::string("x....")) oracle.Iterate(c == 'x');
  const ScalerState state = oracle.state();
  EXPECT_EQ(state.scale, 131072);
  EXPECT_EQ(state.tracker, 1);
  EXPECT_EQ(state.iteration, 5);
  EXPECT_EQ(state.last_overflow, 0);
  EXPECT_EQ(state.hysteresis_left, 3);  // the growth has refilled it
}

}  // namespace
}  // namespace q05
