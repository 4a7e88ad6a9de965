// Q5 part C, reference. One rule for what an iteration does to the scale (Update), one order of work around it (Step).
#include <algorithm>
#include <cmath>

#include "questions/q05_mixed_precision/api.h"

using q05::GrowthRule;
using q05::Optimizer;
using q05::Result;
using q05::ScalerConfig;
using q05::ScalerState;

namespace {

// Written so that NaN fails every comparison.
bool IsValid(const ScalerConfig& config) {
  const bool factors = config.growth_factor > 1 && std::isfinite(config.growth_factor) && config.backoff_factor > 0 &&
                       config.backoff_factor < 1;
  const bool counts = config.growth_interval >= 1 && config.hysteresis >= 1;
  const bool scale = config.initial_scale > 0 && std::isfinite(config.initial_scale) &&
                     config.floor <= config.initial_scale && config.initial_scale <= config.ceiling;
  const bool rule = config.growth_rule == GrowthRule::kConsecutive || config.growth_rule == GrowthRule::kSinceOverflow;
  return factors && counts && scale && rule;
}

class LossScaler {
 public:
  explicit LossScaler(const ScalerConfig& config) : config_(config) {
    state_.scale = config.initial_scale;
    state_.last_overflow = -1;
    state_.hysteresis_left = config.hysteresis;
  }

  double scale() const { return state_.scale; }
  const ScalerState& state() const { return state_; }

  Result Step(Optimizer* const* optimizers, int count, double max_norm) {
    if (count < 1) return Result::kInvalidArgument;
    bool overflow = false;
    for (int i = 0; i < count; ++i) {
      Optimizer& optimizer = *optimizers[i];
      double norm = 0;
      // The scale is the one that the loss was multiplied by: it changes only after the last optimiser.
      if (optimizer.Unscale(1 / state_.scale, &norm)) {
        overflow = true;
        continue;
      }
      if (max_norm > 0 && norm > max_norm) optimizer.Clip(max_norm / norm);
      optimizer.Step();
    }
    return Update(overflow);
  }

  Result Restore(const ScalerState& state) {
    const bool scale =
        state.scale > 0 && std::isfinite(state.scale) && state.scale >= config_.floor && state.scale <= config_.ceiling;
    const bool counts = state.iteration >= 0 && state.tracker >= 0 && state.tracker < config_.growth_interval &&
                        state.last_overflow >= -1 &&
                        (state.last_overflow == -1 || state.last_overflow < state.iteration) &&
                        state.hysteresis_left >= 1 && state.hysteresis_left <= config_.hysteresis;
    if (!scale || !counts) return Result::kInvalidArgument;
    state_ = state;
    return Result::kOk;
  }

 private:
  Result Update(bool overflow) {
    Result result = Result::kOk;
    if (overflow) {
      result = Overflowed();
    } else {
      if (config_.refill_when_finite) state_.hysteresis_left = config_.hysteresis;
      if (IsTimeToGrow()) {
        state_.scale = std::min(state_.scale * config_.growth_factor, config_.ceiling);
        state_.hysteresis_left = config_.hysteresis;
      }
    }
    ++state_.iteration;
    return result;
  }

  Result Overflowed() {
    state_.tracker = 0;
    state_.last_overflow = state_.iteration;
    if (state_.hysteresis_left > 1) {
      --state_.hysteresis_left;
      return Result::kOk;
    }
    const bool at_floor = state_.scale <= config_.floor;
    state_.scale = std::max(state_.scale * config_.backoff_factor, config_.floor);
    return at_floor && config_.raise_at_floor ? Result::kScaleAtFloor : Result::kOk;
  }

  // Counts this iteration, which had no overflow.
  bool IsTimeToGrow() {
    if (config_.growth_rule == GrowthRule::kSinceOverflow) {
      const int64_t stable = state_.iteration - state_.last_overflow - 1;
      return stable > 0 && stable % config_.growth_interval == 0;
    }
    if (++state_.tracker < config_.growth_interval) return false;
    state_.tracker = 0;
    return true;
  }

  ScalerConfig config_;
  ScalerState state_ = {};
};

}  // namespace

extern "C" Result q05_scaler_create(const ScalerConfig& config, void** scaler) {
  *scaler = nullptr;
  if (!IsValid(config)) return Result::kInvalidArgument;
  *scaler = new LossScaler(config);
  return Result::kOk;
}

extern "C" void q05_scaler_destroy(void* scaler) { delete static_cast<LossScaler*>(scaler); }

extern "C" double q05_scaler_scale(const void* scaler) { return static_cast<const LossScaler*>(scaler)->scale(); }

extern "C" Result q05_scaler_step(void* scaler, Optimizer* const* optimizers, int32_t count, double max_norm) {
  return static_cast<LossScaler*>(scaler)->Step(optimizers, count, max_norm);
}

extern "C" void q05_scaler_save(const void* scaler, ScalerState* state) {
  *state = static_cast<const LossScaler*>(scaler)->state();
}

extern "C" Result q05_scaler_restore(void* scaler, const ScalerState& state) {
  return static_cast<LossScaler*>(scaler)->Restore(state);
}
