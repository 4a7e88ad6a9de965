#include "questions/q05_mixed_precision/oracle_norm.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace q05 {
namespace {

constexpr double kUnit = 0x1p-24;

NormRowExpected LayerNorm(const NormRow& row) {
  const double n = static_cast<double>(row.x.size());
  NormRowExpected expected;
  double sum = 0, magnitude = 0, squares = 0;
  for (const double x : row.x) sum += x, magnitude += std::fabs(x);
  const double mean = sum / n;
  for (const double x : row.x) squares += (x - mean) * (x - mean);
  const double variance = squares / n, rstd = 1 / std::sqrt(variance + row.epsilon);
  expected.mean = {mean, n * kUnit * magnitude / n + 2 * kUnit * std::fabs(mean)};
  const double moved = expected.mean.tolerance;  // squared, it is added to the variance
  const double relative = (moved * moved + (n + 4) * kUnit * variance) / (2 * (variance + row.epsilon)) + 4 * kUnit;
  expected.rstd = {rstd, relative * rstd};
  for (size_t i = 0; i < row.x.size(); ++i) {
    const double x = row.x[i], centered = (x - mean) * rstd * row.gamma[i], y = centered + row.beta[i];
    expected.out.push_back({y, std::fabs(row.gamma[i]) * rstd * (moved + 2 * kUnit * (std::fabs(x) + std::fabs(mean))) +
                                   std::fabs(centered) * (relative + 3 * kUnit) +
                                   kUnit * (std::fabs(y) + std::fabs(row.beta[i]))});
  }
  return expected;
}

NormRowExpected RmsNorm(const NormRow& row) {
  const double n = static_cast<double>(row.x.size());
  NormRowExpected expected;
  double squares = 0;
  for (const double x : row.x) squares += x * x;
  const double rrms = 1 / std::sqrt(squares / n + row.epsilon), relative = (n + 4) * kUnit / 2 + 4 * kUnit;
  expected.rstd = {rrms, relative * rrms};
  for (size_t i = 0; i < row.x.size(); ++i) {
    const double y = row.x[i] * rrms * row.gamma[i];
    expected.out.push_back({y, std::fabs(y) * (relative + 4 * kUnit)});
  }
  return expected;
}

// Both: RMSNorm has no mean to take off, neither from x nor from the gradient.
NormRowExpected NormBackward(const NormRow& row, bool centered) {
  const double n = static_cast<double>(row.x.size()), sums = (n + 8) * kUnit;
  const double mean = centered ? row.mean : 0;
  std::vector<double> g, xhat, off;  // off: what fp32 may do to xhat
  double sum_g = 0, magnitude_g = 0, sum_gx = 0, magnitude_gx = 0, moved = 0;
  for (size_t i = 0; i < row.x.size(); ++i) {
    g.push_back(row.dy[i] * row.gamma[i]);
    xhat.push_back((row.x[i] - mean) * row.rstd);
    off.push_back(2 * kUnit * (std::fabs(row.x[i]) + std::fabs(mean)) * row.rstd);
    sum_g += g[i];
    magnitude_g += std::fabs(g[i]);
    sum_gx += g[i] * xhat[i];
    magnitude_gx += std::fabs(g[i] * xhat[i]);
    moved += std::fabs(g[i]) * off[i];
  }
  if (!centered) sum_g = magnitude_g = 0;
  NormRowExpected expected;
  for (size_t i = 0; i < row.x.size(); ++i) {
    const double projected = xhat[i] * sum_gx / n;
    const double tolerance = sums * magnitude_g / n + std::fabs(xhat[i]) * (sums * magnitude_gx + moved) / n +
                             off[i] * std::fabs(sum_gx) / n +
                             4 * kUnit * (std::fabs(g[i]) + std::fabs(sum_g) / n + std::fabs(projected));
    expected.out.push_back({row.rstd * (g[i] - sum_g / n - projected), row.rstd * tolerance});
    const double term = row.dy[i] * xhat[i];
    expected.dgamma.push_back({term, std::fabs(row.dy[i]) * off[i] + 2 * kUnit * std::fabs(term)});
    expected.dbeta.push_back({row.dy[i], 0});
  }
  return expected;
}

NormRowExpected Softmax(const NormRow& row) {
  const double n = static_cast<double>(row.x.size());
  const double largest = *std::max_element(row.x.begin(), row.x.end());
  NormRowExpected expected;
  double sum = 0;
  for (const double x : row.x) sum += std::isinf(x) ? 0 : std::exp(x - largest);
  for (const double x : row.x) {
    if (std::isinf(x)) {
      expected.out.push_back({0, 0});
      continue;
    }
    const double y = std::exp(x - largest) / sum;
    // The exponential's argument is rounded, too. Below 2^-126 fp32 has fewer digits, or none.
    expected.out.push_back({y, y * (n + 16 + 4 * (largest - x)) * kUnit + 0x1p-126});
  }
  return expected;
}

NormRowExpected SoftmaxBackward(const NormRow& row) {
  const double n = static_cast<double>(row.x.size());
  double sum = 0, magnitude = 0;
  for (size_t i = 0; i < row.x.size(); ++i) {
    sum += row.dy[i] * row.x[i];
    magnitude += std::fabs(row.dy[i] * row.x[i]);
  }
  NormRowExpected expected;
  for (size_t i = 0; i < row.x.size(); ++i) {
    const double y = row.x[i];
    expected.out.push_back(
        {y * (row.dy[i] - sum),
         std::fabs(y) * ((n + 4) * kUnit * magnitude + 3 * kUnit * (std::fabs(row.dy[i]) + std::fabs(sum)))});
  }
  return expected;
}

}  // namespace

bool Near(Format format, const Bound& bound, uint32_t code) {
  const double actual = Decode(format, code);
  return actual >= RoundTo(format, bound.value - bound.tolerance) &&
         actual <= RoundTo(format, bound.value + bound.tolerance);
}

NormRowExpected ExpectedRow(NormFunction function, const NormRow& row) {
  switch (function) {
    case NormFunction::kLayerNorm:
      return LayerNorm(row);
    case NormFunction::kLayerNormBackward:
      return NormBackward(row, true);
    case NormFunction::kRmsNorm:
      return RmsNorm(row);
    case NormFunction::kRmsNormBackward:
      return NormBackward(row, false);
    case NormFunction::kSoftmax:
      return Softmax(row);
    default:
      return SoftmaxBackward(row);
  }
}

}  // namespace q05
