// Odd but right: counts down to the next growth rather than up, goes through the optimisers backwards and in two
// rounds, unscaling all of them before any is stepped, and keeps api.h's state only for those who ask.
#include <cmath>
#include <vector>

#include "questions/q05_mixed_precision/api.h"

using q05::GrowthRule;
using q05::Optimizer;
using q05::Result;
using q05::ScalerConfig;
using q05::ScalerState;

namespace {

struct Scaler {
  ScalerConfig config;
  double scale;
  int64_t to_growth;       // finite iterations until the scale grows, this one included
  int64_t since_overflow;  // iterations since the last overflow, or since the start
  int64_t iteration;
  bool has_overflowed;
  int32_t absorbs;  // overflows

  explicit Scaler(const ScalerConfig& of)
      : config(of),
        scale(of.initial_scale),
        since_overflow(0),
        iteration(0),
        has_overflowed(false),
        absorbs(of.hysteresis - 1) {
    StartRun();
  }
  // DeepSpeed's rule leaves the first iteration of a run out.
  void StartRun() { to_growth = config.growth_interval + (config.growth_rule == GrowthRule::kSinceOverflow ? 1 : 0); }
};

}  // namespace

extern "C" Result q05_scaler_create(const ScalerConfig& c, void** scaler) {
  *scaler = nullptr;
  if (!(c.growth_factor > 1) || !std::isfinite(c.growth_factor)) return Result::kInvalidArgument;
  if (!(c.backoff_factor > 0 && c.backoff_factor < 1)) return Result::kInvalidArgument;
  if (c.growth_interval < 1 || c.hysteresis < 1) return Result::kInvalidArgument;
  if (!(c.initial_scale > 0) || !std::isfinite(c.initial_scale)) return Result::kInvalidArgument;
  if (!(c.initial_scale >= c.floor && c.initial_scale <= c.ceiling)) return Result::kInvalidArgument;
  if (static_cast<uint32_t>(c.growth_rule) > 1) return Result::kInvalidArgument;
  *scaler = new Scaler(c);
  return Result::kOk;
}

extern "C" void q05_scaler_destroy(void* scaler) { delete static_cast<Scaler*>(scaler); }

extern "C" double q05_scaler_scale(const void* scaler) { return static_cast<const Scaler*>(scaler)->scale; }

extern "C" Result q05_scaler_step(void* scaler, Optimizer* const* optimizers, int32_t count, double max_norm) {
  if (count <= 0) return Result::kInvalidArgument;
  Scaler& s = *static_cast<Scaler*>(scaler);
  std::vector<double> norms(static_cast<size_t>(count));
  std::vector<bool> bad(norms.size());
  bool overflow = false;
  for (int32_t i = count; i-- > 0;) {
    const auto at = static_cast<size_t>(i);
    bad[at] = optimizers[i]->Unscale(1.0 / s.scale, &norms[at]);
    overflow = overflow || bad[at];
  }
  for (int32_t i = count; i-- > 0;) {
    const auto at = static_cast<size_t>(i);
    if (bad[at]) continue;
    if (max_norm > 0 && norms[at] > max_norm) optimizers[i]->Clip(max_norm / norms[at]);
    optimizers[i]->Step();
  }

  ++s.iteration;
  if (!overflow) {
    ++s.since_overflow;
    if (s.config.refill_when_finite) s.absorbs = s.config.hysteresis - 1;
    if (--s.to_growth > 0) return Result::kOk;
    s.to_growth = s.config.growth_interval;
    s.absorbs = s.config.hysteresis - 1;
    s.scale = std::fmin(s.scale * s.config.growth_factor, s.config.ceiling);
    return Result::kOk;
  }
  s.has_overflowed = true;
  s.since_overflow = 0;
  s.StartRun();
  if (s.absorbs > 0) {
    --s.absorbs;
    return Result::kOk;
  }
  const bool stuck = s.scale == s.config.floor;
  s.scale = std::fmax(s.scale * s.config.backoff_factor, s.config.floor);
  return stuck && s.config.raise_at_floor ? Result::kScaleAtFloor : Result::kOk;
}

extern "C" void q05_scaler_save(const void* scaler, ScalerState* state) {
  const Scaler& s = *static_cast<const Scaler*>(scaler);
  *state = {};
  state->scale = s.scale;
  if (s.config.growth_rule == GrowthRule::kConsecutive) state->tracker = s.config.growth_interval - s.to_growth;
  state->iteration = s.iteration;
  state->last_overflow = s.has_overflowed ? s.iteration - 1 - s.since_overflow : -1;
  state->hysteresis_left = s.absorbs + 1;
}

extern "C" Result q05_scaler_restore(void* scaler, const ScalerState& state) {
  Scaler& s = *static_cast<Scaler*>(scaler);
  const ScalerConfig& c = s.config;
  if (!(state.scale > 0) || !std::isfinite(state.scale)) return Result::kInvalidArgument;
  if (!(state.scale >= c.floor && state.scale <= c.ceiling)) return Result::kInvalidArgument;
  if (state.tracker < 0 || state.tracker >= c.growth_interval || state.iteration < 0) return Result::kInvalidArgument;
  if (state.last_overflow < -1 || (state.last_overflow >= 0 && state.last_overflow >= state.iteration)) {
    return Result::kInvalidArgument;
  }
  if (state.hysteresis_left < 1 || state.hysteresis_left > c.hysteresis) return Result::kInvalidArgument;
  s.scale = state.scale;
  s.iteration = state.iteration;
  s.has_overflowed = state.last_overflow >= 0;
  s.since_overflow = state.iteration - 1 - state.last_overflow;
  s.absorbs = state.hysteresis_left - 1;
  if (c.growth_rule == GrowthRule::kConsecutive) {
    s.to_growth = c.growth_interval - state.tracker;
  } else {
    s.StartRun();
    if (s.since_overflow > 0) s.to_growth = c.growth_interval - (s.since_overflow - 1) % c.growth_interval;
  }
  return Result::kOk;
}
