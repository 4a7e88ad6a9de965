#include "questions/q02_allreduce/oracle.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "questions/q02_allreduce/protocol.h"

namespace q02 {

Oracle::Oracle(const Operands& operands) : operands_(operands) {
  for (int rank = 0; rank < operands.ranks; ++rank) {
    std::vector<std::byte> input(operands.count * ElementBytes(operands.type));
    workbench::FillInput(operands.input, ElementTypeOf(operands.type), operands.seed, rank, operands.input_scale,
                         operands.count, input.data());
    inputs_.push_back(std::move(input));
  }
}

Oracle::Bound Oracle::BoundAt(size_t index) const {
  const workbench::ElementType type = ElementTypeOf(operands_.type);
  const workbench::ElementTraits& traits = workbench::TraitsOf(type);
  const double n = operands_.ranks;
  double sum = 0, magnitudes = 0, largest = -std::numeric_limits<double>::infinity();
  bool nan = false;
  int64_t wide = 0;
  for (const auto& input : inputs_) {
    const double value = workbench::ElementAt(type, input.data(), index);
    sum += value;
    magnitudes += std::fabs(value);
    nan = nan || std::isnan(value);
    if (value > largest) largest = value;
    if (operands_.type == DataType::kInt32) wide += static_cast<int64_t>(value);
  }
  if (operands_.op == ReduceOp::kMax) return {largest, 0, nan};
  if (operands_.type == DataType::kInt32) {
    const int64_t wrapped = static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(wide)));
    // C++ divides toward zero.
    const int64_t result = operands_.op == ReduceOp::kAverage ? wrapped / operands_.ranks : wrapped;
    return {static_cast<double>(result), 0, false};
  }
  const bool average = operands_.op == ReduceOp::kAverage;
  const double expected = average ? sum / n : sum;
  if (std::isnan(expected)) return {expected, 0, true};
  // Small integers and subnormals are made so that no order of adding them rounds.
  const bool exact_input = operands_.input == workbench::InputKind::kSmallIntegers ||
                           (operands_.input == workbench::InputKind::kSubnormal && !average);
  // A mean is exact only where 1/N is.
  if (exact_input && (!average || std::fmod(std::log2(n), 1.0) == 0)) return {expected, 0, false};
  const double scale = average ? magnitudes / n : magnitudes;
  double tolerance;
  if (operands_.rounding == Rounding::kPerHop) {
    // (N-1) additions round once each; a mean rounds each scaled input, and 1/N itself in fp32, as well.
    tolerance = ((n - 1) + (average ? n : 0)) * traits.unit_roundoff * scale + (average ? 2 * 0x1p-24 * scale : 0);
    if (average) tolerance += n * traits.min_subnormal;
  } else {
    tolerance = traits.unit_roundoff * std::fabs(expected) + (n + 1) * 0x1p-24 * scale + traits.min_subnormal;
  }
  // Products of roundoffs, and the double that this was computed in.
  return {expected, tolerance * (1 + 1e-3), false};
}

std::optional<Mismatch> Oracle::Compare(const void* output) const {
  const workbench::ElementType type = ElementTypeOf(operands_.type);
  std::optional<Mismatch> mismatch;
  for (size_t i = 0; i < operands_.count; ++i) {
    const Bound bound = BoundAt(i);
    const double actual = workbench::ElementAt(type, output, i);
    const bool good = bound.nan ? std::isnan(actual)
                                : (actual == bound.expected || std::fabs(actual - bound.expected) <= bound.tolerance);
    if (good) continue;
    if (!mismatch) {
      mismatch.emplace();
      mismatch->index = i;
      mismatch->expected = bound.nan ? "NaN" : workbench::DescribeValue(type, bound.expected);
      if (bound.tolerance > 0)
        mismatch->expected += " +- " + workbench::DescribeValue(workbench::ElementType::kFloat16, bound.tolerance);
      mismatch->actual = workbench::DescribeElement(type, output, i);
      uint32_t bits = 0;
      std::memcpy(&bits, static_cast<const char*>(output) + i * ElementBytes(operands_.type),
                  ElementBytes(operands_.type));
      if (bits == (ElementBytes(operands_.type) == 2 ? 0xffffu : 0xffffffffu)) mismatch->actual += ", never written";
    }
    ++mismatch->differing;
  }
  return mismatch;
}

}  // namespace q02
