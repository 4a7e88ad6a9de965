#include "questions/q05_mixed_precision/convert_case.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace q05 {

using workbench::CheckContext;

namespace {

// A value's code, or any NaN for a NaN.
bool Matches(Format format, uint32_t actual, uint32_t expected) {
  return actual == expected || (IsNan(format, expected) && IsNan(format, actual));
}

uint32_t Expected(const ConvertCase& c, uint32_t code) { return EncodeNearest(c.to, Decode(c.from, code), c.saturate); }

std::string Described(const ConvertCase& c, size_t index, uint32_t code) {
  return DescribeCode(c.to, code) + " from " + DescribeCode(c.from, c.in[index]);
}

}  // namespace

Inputs Describe(const ConvertCase& c) {
  Inputs inputs = {
      {"from", TraitsOf(c.from).name}, {"to", TraitsOf(c.to).name}, {"count", std::to_string(c.in.size())}};
  if (c.from == Format::kFloat32) {
    inputs.emplace_back("overflow", c.saturate ? "to the largest value" : "to infinity");
    inputs.emplace_back("rounding", c.stochastic ? "stochastic, seed " + std::to_string(c.seed) : "to nearest even");
  }
  if (c.in_offset != 0 || c.out_offset != 0) {
    inputs.emplace_back("offsets", std::to_string(c.in_offset) + " and " + std::to_string(c.out_offset) + " elements");
  }
  if (c.graph) inputs.emplace_back("launched", "from a graph");
  return inputs;
}

bool RunConvert(CheckContext& context, const ConvertCase& c, Answer* answer, std::vector<uint32_t>* out) {
  const size_t count = c.in.size(), from_bytes = ElementBytes(c.from), to_bytes = ElementBytes(c.to);
  std::vector<std::byte> in(count * from_bytes);
  for (size_t i = 0; i < count; ++i) StoreCode(c.from, in.data(), i, c.in[i]);
  workbench::DeviceCall call;
  call.Input(in.data(), in.size(), c.in_offset * static_cast<uint32_t>(from_bytes));
  const int output = call.Output(count * to_bytes, c.out_offset * static_cast<uint32_t>(to_bytes));
  call.options.calls = c.calls;
  call.options.graph = c.graph;
  ConvertParameters parameters;
  parameters.count = count;
  parameters.seed = c.seed;
  parameters.from = static_cast<int32_t>(c.from);
  parameters.to = static_cast<int32_t>(c.to);
  parameters.rounding = c.stochastic;
  parameters.overflow = c.saturate;
  if (!RunCall(context, "a", RequestKind::kConvert, call, parameters, Describe(c), answer)) return false;
  out->resize(count);
  const std::byte* bytes = answer->Bytes(call, output);
  for (size_t i = 0; i < count; ++i) (*out)[i] = CodeAt(c.to, bytes, i);
  return true;
}

bool JudgeConvert(CheckContext& context, const ConvertCase& c, ConvertProperty property) {
  Answer answer;
  std::vector<uint32_t> out;
  if (!RunConvert(context, c, &answer, &out)) return false;
  const std::vector<std::string> names = {"in", "out"};
  if (property == ConvertProperty::kBounds) return ZonesIntact(context, answer, names, Describe(c));
  if (property == ConvertProperty::kInput) return InputsIntact(context, answer, names, Describe(c));
  Mismatches wrong;
  for (size_t i = 0; i < out.size(); ++i) {
    const uint32_t expected = Expected(c, c.in[i]);
    if (!Matches(c.to, out[i], expected)) wrong.Add(i, Described(c, i, expected), DescribeCode(c.to, out[i]));
  }
  return wrong.Judge(context, "out[i] is in[i] in the other format", Describe(c), out.size());
}

bool JudgeAllBits(CheckContext& context, Format format, bool saturate) {
  constexpr uint64_t kChunk = uint64_t{1} << 24;
  ConvertCase c;
  c.to = format;
  c.saturate = saturate;
  const auto expected = [&](uint64_t bits) {
    return EncodeNearest(format, std::bit_cast<float>(static_cast<uint32_t>(bits)), saturate);
  };
  for (uint64_t first = 0; first < uint64_t{1} << 32; first += kChunk) {
    const double largest = std::fabs(Decode(Format::kFloat32, static_cast<uint32_t>(first + kChunk - 1)));
    // Where nothing overflows, saturation changes nothing.
    if (saturate && largest < TraitsOf(format).max_finite() / 2) continue;
    ConvertRange range;
    range.to = static_cast<int32_t>(format);
    range.overflow = saturate;
    range.first = first;
    range.count = kChunk;
    std::vector<std::byte> request;
    Append(&request, range);
    Inputs inputs = Describe(c);
    inputs[2] = {"in", "all numbers from " + DescribeCode(Format::kFloat32, static_cast<uint32_t>(first)) + " on"};
    CheckContext::Replies replies;
    if (!context.Run("a", 0, request, 300, inputs, &replies)) return false;
    workbench::CallOutcome outcome = Read<workbench::CallOutcome>(replies[0]);
    outcome.error_name[sizeof outcome.error_name - 1] = '\0';
    if (!NoCallError(context, RequestKind::kConvert, outcome.error, outcome.error_name, inputs)) return false;
    const std::byte* out = replies[0].data() + sizeof outcome;
    Mismatches wrong;
    // What rounds to the same code lies side by side: only the ends of such a run are looked for.
    for (uint64_t begin = 0; begin < kChunk;) {
      const uint32_t code = expected(first + begin);
      uint64_t end = begin + 1, step = 1;
      while (end + step <= kChunk && expected(first + end + step - 1) == code) end += step, step *= 2;
      for (; step > 0; step /= 2) {
        if (end + step <= kChunk && expected(first + end + step - 1) == code) end += step;
      }
      for (uint64_t i = begin; i < end; ++i) {
        const uint32_t actual = CodeAt(format, out, i);
        if (Matches(format, actual, code)) continue;
        wrong.Add(
            first + i,
            DescribeCode(format, code) + " from " + DescribeCode(Format::kFloat32, static_cast<uint32_t>(first + i)),
            DescribeCode(format, actual));
      }
      begin = end;
    }
    if (!wrong.Judge(context, "out[i] is in[i] in the other format", inputs, kChunk)) return false;
  }
  return true;
}

}  // namespace q05
