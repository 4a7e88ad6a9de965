// Q5 part C: the dynamic loss scaler. The contract is in questions/q05_mixed_precision/api.h: read what it says of
// hysteresis, and of what happens to the other optimisers when one overflows, twice.
//
// A way to go about it:
//   1. PyTorch's rule with one optimiser: unscale, step unless there was overflow, update.
//   2. Clipping: the norm that Unscale gives is that of the unscaled gradients.
//   3. Several optimisers: an overflow of each, and one update of the scale for all.
//   4. DeepSpeed's rule, hysteresis, floor and ceiling.
//   5. What a checkpoint has to hold; then what has to be refused.
#include "questions/q05_mixed_precision/api.h"

using q05::Optimizer;
using q05::Result;
using q05::ScalerConfig;
using q05::ScalerState;

// This start has a scale that never changes, and steps whatever happens.
extern "C" Result q05_scaler_create(const ScalerConfig& config, void** scaler) {
  *scaler = new ScalerConfig(config);
  return Result::kOk;
}

extern "C" void q05_scaler_destroy(void* scaler) { delete static_cast<ScalerConfig*>(scaler); }

extern "C" double q05_scaler_scale(const void* scaler) {
  return static_cast<const ScalerConfig*>(scaler)->initial_scale;
}

extern "C" Result q05_scaler_step(void* scaler, Optimizer* const* optimizers, int32_t count, double max_norm) {
  (void)max_norm;
  for (int32_t i = 0; i < count; ++i) {
    double norm = 0;
    optimizers[i]->Unscale(1 / q05_scaler_scale(scaler), &norm);
    optimizers[i]->Step();
  }
  return Result::kOk;
}

extern "C" void q05_scaler_save(const void* scaler, ScalerState* state) {
  *state = {};
  state->scale = q05_scaler_scale(scaler);
}

extern "C" Result q05_scaler_restore(void* scaler, const ScalerState& state) {
  (void)scaler;
  (void)state;
  return Result::kOk;
}
