#include "questions/q05_mixed_precision/oracle_adam.h"

#include <algorithm>
#include <cmath>

namespace q05 {

double BiasCorrection(double beta, int64_t step) {
  if (beta == 0) return 1;
  return static_cast<double>(-expm1l(static_cast<long double>(step) * logl(static_cast<long double>(beta))));
}

double FloatUlp(double value) {
  if (value == 0) return 0x1p-149;
  return std::max(std::ldexp(1.0, std::ilogb(value) - 23), 0x1p-149);
}

AdamExpected AdamStep(const AdamParameters& config, int64_t step, double gradient, const AdamElement& before) {
  const double decay = config.weight_decay * before.master;
  const double g = config.decoupled ? gradient : gradient + decay;
  const double largest_g = config.decoupled ? std::fabs(g) : std::max(std::fabs(gradient), std::fabs(decay));
  AdamExpected expected;
  AdamElement& value = expected.value;
  AdamElement& tolerance = expected.tolerance;

  value.first = config.beta1 * before.first + (1 - config.beta1) * g;
  const double largest_first = std::max(std::fabs(config.beta1 * before.first), (1 - config.beta1) * largest_g);
  tolerance.first = 4 * FloatUlp(largest_first);

  value.second = config.beta2 * before.second + (1 - config.beta2) * g * g;
  tolerance.second = 4 * FloatUlp(std::max(config.beta2 * before.second, (1 - config.beta2) * largest_g * largest_g));

  const double root = std::sqrt(value.second / BiasCorrection(config.beta2, step)) + config.epsilon;
  const double rate = config.learning_rate / BiasCorrection(config.beta1, step) / root;
  const double shrink = config.decoupled ? config.learning_rate * decay : 0;
  value.master = before.master - shrink - rate * value.first;
  const double update = rate * std::max(largest_first, std::fabs(value.first));
  const double largest = std::max({std::fabs(before.master), std::fabs(shrink), update});
  // What the second moment is off by moves the root, too.
  const double moved = value.second > 0 ? update * tolerance.second / (2 * value.second) : 0;
  tolerance.master = 4 * FloatUlp(largest) + moved;
  return expected;
}

}  // namespace q05
