// Q5 Mixed precision: what an answer implements. Part C, on the host; the other parts' entry points, on device memory,
// are in device_api.h.
//
// Sources: Micikevicius et al., "Mixed Precision Training", ICLR 2018 (loss scaling, master weights, fp32
// accumulation); IEEE 754-2019 (binary16, binary32); OCP 8-bit Floating Point Specification 1.0, 2023 (E4M3, E5M2);
// the manual of torch.amp.GradScaler; DeepSpeed, deepspeed/runtime/fp16/loss_scaler.py (DynamicLossScaler).
#ifndef QUESTIONS_Q05_MIXED_PRECISION_API_H_
#define QUESTIONS_Q05_MIXED_PRECISION_API_H_

#include <cstddef>
#include <cstdint>

namespace q05 {

// Bit patterns in memory: 4, 2, 2, 1 and 1 bytes an element.
//   kFloat16  binary16: 5 exponent bits, largest 65504, smallest normal 2^-14, smallest subnormal 2^-24
//   kBFloat16 the upper half of binary32: 8 exponent bits, 7 fraction bits
//   kE4M3     OCP E4M3 (also called e4m3fn): largest 448, no infinity, S.1111.111 is NaN, smallest subnormal 2^-9
//   kE5M2     OCP E5M2: largest 57344, infinities and NaNs as in IEEE 754, smallest subnormal 2^-16
enum class Format : int32_t { kFloat32 = 0, kFloat16 = 1, kBFloat16 = 2, kE4M3 = 3, kE5M2 = 4 };

constexpr size_t ElementBytes(Format format) {
  return format == Format::kFloat32 ? 4 : format == Format::kFloat16 || format == Format::kBFloat16 ? 2 : 1;
}

enum class Result : int32_t { kOk = 0, kInvalidArgument = 1, kScaleAtFloor = 2 };

// ---------------------------------------------------------------------------------------------------- Part C
//
// The dynamic loss scaler: it decides the scale, the steps that are skipped, and the order of the work around them.

// kConsecutive  PyTorch's rule. A tracker counts iterations without overflow; when it reaches growth_interval the scale
//               grows and the tracker starts again at 0. Overflow sets it to 0, whether the scale backs off or not.
// kSinceOverflow  DeepSpeed's rule. Iterations are numbered from 0, the last overflow is at -1 before there was one. At
//               the end of iteration i without overflow, if i - last_overflow - 1 is positive and a multiple of
//               growth_interval the scale grows: first after growth_interval + 1 iterations without overflow, then
//               every growth_interval. (So its fp16 optimisers, and DynamicLossScaler today; the latter used to leave
//               out the -1, and so to grow an iteration earlier.)
enum class GrowthRule : int32_t { kConsecutive = 0, kSinceOverflow = 1 };

struct ScalerConfig {
  double initial_scale = 65536;
  double growth_factor = 2;        // > 1
  double backoff_factor = 0.5;     // in (0, 1)
  int64_t growth_interval = 2000;  // >= 1
  double floor = 0;  // the scale never falls below it by backing off (a backoff ends at max(scale * factor, floor))
  // Nor rises above it by growing: a growth ends at min(scale * factor, ceiling), and is one in all other respects even
  // where the scale is there already.
  double ceiling = 1e300;
  // The scale backs off at the hysteresis-th overflow; those before it only skip their steps. 1: at the first.
  // The count is refilled when the scale grows, and with `refill_when_finite` also by every iteration without overflow.
  // Backing off leaves it used up: while it is not refilled every further overflow backs off.
  int32_t hysteresis = 1;
  int32_t refill_when_finite = 0;
  // Overflow that would back off while the scale is at the floor already: q05_scaler_step returns kScaleAtFloor, after
  // everything else of the iteration has been done.
  int32_t raise_at_floor = 0;
  GrowthRule growth_rule = GrowthRule::kConsecutive;
};

// Everything that a checkpoint has to hold. Restoring it into a scaler with the same configuration continues the
// sequence as if nothing had happened.
struct ScalerState {
  double scale;
  int64_t tracker;          // iterations without overflow since the last overflow or growth; 0 under kSinceOverflow
  int64_t iteration;        // iterations so far
  int64_t last_overflow;    // the number of the last iteration with overflow; -1: none yet
  int32_t hysteresis_left;  // 1 .. hysteresis: the scale backs off at the hysteresis_left-th overflow from here
  int32_t padding;
};

// An optimiser with its gradients, which are still multiplied by the scale. The judge's own; every call is recorded.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Multiplies the gradients by `inverse_scale`, once an iteration; returns whether any of them was infinite or NaN
  // and, through `norm`, the global norm of the unscaled gradients (meaningless after overflow).
  virtual bool Unscale(double inverse_scale, double* norm) = 0;
  // Multiplies the gradients by `factor`. Not called when nothing is to be clipped.
  virtual void Clip(double factor) = 0;
  // Updates the weights.
  virtual void Step() = 0;
};

// Makes a scaler in its first state. kInvalidArgument, and *scaler is nullptr, for a configuration that makes no sense
// (factors out of range or not finite, interval or hysteresis below 1, floor above ceiling, initial scale outside of
// [floor, ceiling] or not positive, an unknown rule).
extern "C" q05::Result q05_scaler_create(const q05::ScalerConfig& config, void** scaler);
extern "C" void q05_scaler_destroy(void* scaler);

// The factor that the loss of the coming iteration is multiplied by.
extern "C" double q05_scaler_scale(const void* scaler);

// One iteration, after the backward pass. Each optimiser: unscaled once by 1 / scale; if it had no overflow and its
// norm exceeds max_norm (0: no clipping), clipped by max_norm / norm; stepped. An optimiser with overflow is neither
// clipped nor stepped; the others are (as with torch.amp.GradScaler). Then the scale is updated once: an overflow in
// any optimiser is an overflow of the iteration. No optimisers: kInvalidArgument, nothing changes.
extern "C" q05::Result q05_scaler_step(void* scaler, q05::Optimizer* const* optimizers, int32_t count, double max_norm);

extern "C" void q05_scaler_save(const void* scaler, q05::ScalerState* state);
// kInvalidArgument, and nothing changes, for a state that no scaler of this configuration can be in: a scale that is
// not positive and finite or outside of [floor, ceiling], a negative count, a tracker that has reached growth_interval,
// last_overflow not in [-1, iteration), hysteresis_left not in [1, hysteresis].
extern "C" q05::Result q05_scaler_restore(void* scaler, const q05::ScalerState& state);

}  // namespace q05

#endif  // QUESTIONS_Q05_MIXED_PRECISION_API_H_
