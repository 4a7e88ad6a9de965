#include "questions/q05_mixed_precision/scaler_oracle.h"

#include <algorithm>

namespace q05 {

bool ScalerOracle::Grows() const {
  // Torch: every growth_interval iterations of a run. DeepSpeed: the same, but the run's first one does not count.
  const int64_t counted = config_.growth_rule == GrowthRule::kConsecutive ? run_ : run_ - 1;
  return counted >= config_.growth_interval && counted % config_.growth_interval == 0;
}

Result ScalerOracle::Iterate(bool overflow) {
  Result result = Result::kOk;
  if (overflow) {
    run_ = 0;
    ++spent_;
    last_overflow_ = iterations_;
    if (spent_ >= config_.hysteresis) {
      if (config_.raise_at_floor != 0 && scale_ == config_.floor) result = Result::kScaleAtFloor;
      scale_ = std::max(config_.floor, config_.backoff_factor * scale_);
    }
  } else {
    ++run_;
    const bool grows = Grows();
    if (grows) scale_ = std::min(config_.ceiling, config_.growth_factor * scale_);
    if (grows || config_.refill_when_finite != 0) spent_ = 0;
  }
  ++iterations_;
  return result;
}

ScalerState ScalerOracle::state() const {
  ScalerState state = {};
  state.scale = scale_;
  state.tracker = config_.growth_rule == GrowthRule::kConsecutive ? run_ % config_.growth_interval : 0;
  state.iteration = iterations_;
  state.last_overflow = last_overflow_;
  state.hysteresis_left = static_cast<int32_t>(std::max<int64_t>(1, config_.hysteresis - spent_));
  return state;
}

std::vector<RecordedSequence> TorchSequences() {
  ScalerConfig config;
  config.initial_scale = 4;
  config.backoff_factor = 0.25;
  config.growth_interval = 2;
  ScalerConfig every = config;
  every.growth_interval = 1;
  return {
      {"PyTorch's own test of the update of the scale", config, "..x", {4, 8, 2}},
      {"torch.amp.GradScaler", config, ".x..", {4, 1, 1, 2}},
      {"torch.amp.GradScaler", config, "......x", {4, 8, 8, 16, 16, 32, 8}},
      {"torch.amp.GradScaler", config, ".x.x.x..", {4, 1, 1, 0.25, 0.25, 0.0625, 0.0625, 0.125}},
      {"torch.amp.GradScaler", config, "xx....", {1, 0.25, 0.25, 0.5, 0.5, 1}},
      {"torch.amp.GradScaler", every, "..x.x", {8, 16, 4, 8, 2}},
  };
}

namespace {

ScalerConfig DeepSpeedConfig(double initial_scale) {
  ScalerConfig config;
  config.growth_rule = GrowthRule::kSinceOverflow;
  config.initial_scale = initial_scale;
  config.growth_interval = 2;
  config.floor = 1;
  return config;
}

}  // namespace

std::vector<RecordedSequence> DeepSpeedSequences() {
  return {
      {"DeepSpeed's test_no_overflow",
       DeepSpeedConfig(256),
       "..........",
       {256, 256, 512, 512, 1024, 1024, 2048, 2048, 4096, 4096}},
      {"DeepSpeed's test_some_overflow", DeepSpeedConfig(256), "xx...x", {128, 64, 64, 64, 128, 64}},
      {"DeepSpeed's rule", DeepSpeedConfig(256), "..x..x.....", {256, 256, 128, 128, 128, 64, 64, 64, 128, 128, 256}},
  };
}

std::vector<RecordedSequence> DeepSpeedFloorSequences() {
  ScalerConfig quarter = DeepSpeedConfig(16), two = DeepSpeedConfig(16);
  quarter.floor = 0.25;
  two.floor = 2;
  return {
      {"DeepSpeed's test_all_overflow, fused", DeepSpeedConfig(16), "xxxxxxxx", {8, 4, 2, 1, 1, 1, 1, 1}},
      {"DeepSpeed's test_all_overflow, unfused", quarter, "xxxxxxxx", {8, 4, 2, 1, 0.5, 0.25, 0.25, 0.25}},
      {"DeepSpeed's test_all_overflow, min_loss_scale 2", two, "xxxxxxxx", {8, 4, 2, 2, 2, 2, 2, 2}},
  };
}

std::vector<RecordedSequence> DeepSpeedHysteresisSequences() {
  ScalerConfig three = DeepSpeedConfig(256), refilled = DeepSpeedConfig(256), two = DeepSpeedConfig(256);
  three.hysteresis = 3;
  three.growth_interval = 1000;
  refilled.hysteresis = 2;
  refilled.growth_interval = 1000;
  refilled.refill_when_finite = 1;
  two.hysteresis = 2;
  return {
      {"DeepSpeed's test_hysteresis", three, "xxxx", {256, 256, 128, 64}},
      {"DeepSpeed's test_consecutive_hysteresis", refilled, "x.x.x.x.", {256, 256, 256, 256, 256, 256, 256, 256}},
      {"DeepSpeed's delayed_shift 2: overflows need not follow each other", two, "x.x.x", {256, 256, 128, 128, 64}},
      {"DeepSpeed's delayed_shift 2: growth refills it", two, "xx...xx", {256, 128, 128, 128, 256, 256, 128}},
  };
}

}  // namespace q05
