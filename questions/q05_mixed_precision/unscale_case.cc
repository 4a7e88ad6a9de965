#include "questions/q05_mixed_precision/unscale_case.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace q05 {

using workbench::CheckContext;

namespace {

constexpr size_t kAlignment = 256;
constexpr std::byte kGap{0xa5};
constexpr int kArena = 0, kFound = 2, kNorm = 3;
const std::vector<std::string> kNames = {"the tensors", "inverse_scale", "found_inf", "norm"};
constexpr double kNormTolerance = 0x1p-20;

// The call, and where its tensors lie in the arena.
struct Prepared {
  workbench::DeviceCall call;
  std::vector<std::byte> parameters;
  std::vector<TensorPlace> places;
  std::vector<std::byte> arena;
};

Prepared Prepare(const UnscaleCase& c) {
  Prepared prepared;
  const size_t element = ElementBytes(c.format);
  size_t end = 0;
  for (const Tensor& tensor : c.tensors) {
    const size_t begin = (end + kAlignment - 1) / kAlignment * kAlignment + tensor.offset * element;
    prepared.places.push_back({tensor.null ? kNowhere : begin, tensor.codes.size()});
    end = begin + tensor.codes.size() * element + 16;
  }
  prepared.arena.assign(end, kGap);
  for (size_t t = 0; t < c.tensors.size(); ++t) {
    std::byte* data = prepared.arena.data() + (c.tensors[t].null ? 0 : prepared.places[t].offset);
    for (size_t i = 0; i < c.tensors[t].codes.size(); ++i) StoreCode(c.format, data, i, c.tensors[t].codes[i]);
  }
  prepared.call.InOut(prepared.arena.data(), prepared.arena.size());
  prepared.call.Input(&c.inverse_scale, sizeof(float));
  prepared.call.InOut(&c.found_before, sizeof(float));
  prepared.call.Output(sizeof(float));
  prepared.call.options.calls = c.calls;
  prepared.call.options.graph = c.graph;
  Append(&prepared.parameters,
         UnscaleParameters{static_cast<int32_t>(c.format), static_cast<int32_t>(c.tensors.size())});
  AppendAll(&prepared.parameters, prepared.places);
  return prepared;
}

bool Finite(Format format, uint32_t code) { return std::isfinite(Decode(format, code)); }

bool AnyNonFinite(const UnscaleCase& c) {
  for (const Tensor& tensor : c.tensors) {
    for (const uint32_t code : tensor.codes) {
      if (!Finite(c.format, code)) return true;
    }
  }
  return false;
}

uint32_t Unscaled(const UnscaleCase& c, uint32_t code) {
  const float product = static_cast<float>(Decode(c.format, code)) * c.inverse_scale;
  return EncodeNearest(c.format, product);
}

bool JudgeValues(CheckContext& context, const UnscaleCase& c, const Prepared& prepared, const std::byte* arena) {
  for (size_t t = 0; t < c.tensors.size(); ++t) {
    const std::vector<uint32_t>& codes = c.tensors[t].codes;
    if (codes.empty()) continue;
    Mismatches wrong;
    for (size_t i = 0; i < codes.size(); ++i) {
      const uint32_t actual = CodeAt(c.format, arena + prepared.places[t].offset, i);
      const bool finite = Finite(c.format, codes[i]);
      const uint32_t expected = Unscaled(c, codes[i]);
      if (finite ? actual == expected : !Finite(c.format, actual)) continue;
      wrong.Add(i,
                (finite ? DescribeCode(c.format, expected) : "anything that is not finite") + " from " +
                    DescribeCode(c.format, codes[i]),
                DescribeCode(c.format, actual));
    }
    Inputs inputs = Describe(c);
    inputs.emplace_back("tensor", std::to_string(t) + ", of " + std::to_string(codes.size()) + " elements");
    if (!wrong.Judge(context, "x becomes x * inverse_scale, rounded once", inputs, codes.size())) return false;
  }
  return true;
}

bool JudgeFound(CheckContext& context, const UnscaleCase& c, bool expected, float actual, int rank = -1) {
  if (actual == (expected ? 1.0f : 0.0f)) return true;
  workbench::Finding finding = NewFinding(
      "found_inf becomes 1 exactly when something was infinite or NaN, here or on another rank, or it was set",
      Describe(c));
  finding.rank = rank;
  finding.expected = expected ? "1" : "0";
  finding.actual = Number(actual);
  context.Fail(finding);
  return false;
}

bool JudgeNorm(CheckContext& context, const UnscaleCase& c, float actual, int rank = -1) {
  long double sum = 0;
  for (const Tensor& tensor : c.tensors) {
    for (const uint32_t code : tensor.codes) {
      const long double x = static_cast<long double>(Decode(c.format, code)) * c.inverse_scale;
      sum += x * x;
    }
  }
  const double expected = static_cast<double>(sqrtl(sum));
  if (std::fabs(actual - expected) <= kNormTolerance * expected) return true;
  workbench::Finding finding =
      NewFinding("norm is the root of the sum of squares of x * inverse_scale, to 2^-20", Describe(c));
  finding.rank = rank;
  finding.expected = Number(expected);
  finding.actual = Number(actual);
  context.Fail(finding);
  return false;
}

bool JudgeGaps(CheckContext& context, const UnscaleCase& c, const Prepared& prepared, const std::byte* arena) {
  std::vector<char> owned(prepared.arena.size());
  for (const TensorPlace& place : prepared.places) {
    if (place.count == 0) continue;
    std::fill_n(owned.begin() + static_cast<std::ptrdiff_t>(place.offset), place.count * ElementBytes(c.format), 1);
  }
  for (size_t i = 0; i < owned.size(); ++i) {
    if (owned[i] || arena[i] == kGap) continue;
    workbench::Finding finding = NewFinding("nothing outside of the tensors is written", Describe(c));
    for (size_t t = 0; t < prepared.places.size(); ++t) {
      if (prepared.places[t].offset != kNowhere && prepared.places[t].offset <= i) {
        finding.actual = "byte " + std::to_string(i - prepared.places[t].offset) + " from the begin of tensor " +
                         std::to_string(t) + " (" + std::to_string(c.tensors[t].codes.size()) +
                         " elements) has changed";
      }
    }
    context.Fail(finding);
    return false;
  }
  return true;
}

}  // namespace

size_t UnscaleCase::elements() const {
  size_t sum = 0;
  for (const Tensor& tensor : tensors) sum += tensor.codes.size();
  return sum;
}

Inputs Describe(const UnscaleCase& c) {
  Inputs inputs = {{"format", TraitsOf(c.format).name},
                   {"tensors", std::to_string(c.tensors.size())},
                   {"elements", std::to_string(c.elements())},
                   {"inverse_scale", Number(c.inverse_scale)}};
  std::string sizes;
  for (size_t t = 0; t < std::min<size_t>(c.tensors.size(), 8); ++t) {
    sizes += (t == 0 ? "" : ", ") + std::to_string(c.tensors[t].codes.size());
    if (c.tensors[t].offset != 0) sizes += " (offset " + std::to_string(c.tensors[t].offset) + ")";
    if (c.tensors[t].null) sizes += " (null)";
  }
  inputs.emplace_back("sizes", sizes + (c.tensors.size() > 8 ? ", ..." : ""));
  if (c.found_before != 0) inputs.emplace_back("found_inf before", Number(c.found_before));
  if (c.graph) inputs.emplace_back("launched", "from a graph");
  return inputs;
}

bool JudgeUnscale(CheckContext& context, const UnscaleCase& c, const UnscaleJudged& judged, uint32_t* norm_bits) {
  const Prepared prepared = Prepare(c);
  Answer answer;
  if (!RunCall(context, "b", RequestKind::kUnscale, prepared.call, std::span<const std::byte>(prepared.parameters),
               Describe(c), &answer)) {
    return false;
  }
  const std::byte* arena = answer.Bytes(prepared.call, kArena);
  const float found = answer.Output<float>(prepared.call, kFound)[0];
  const float norm = answer.Output<float>(prepared.call, kNorm)[0];
  const bool expect_found = c.found_before != 0 || AnyNonFinite(c);
  if (norm_bits != nullptr) *norm_bits = std::bit_cast<uint32_t>(norm);
  if (judged.values && !JudgeValues(context, c, prepared, arena)) return false;
  if (judged.found && !JudgeFound(context, c, expect_found, found)) return false;
  if (judged.norm && !expect_found && !JudgeNorm(context, c, norm)) return false;
  return !judged.bounds ||
         (ZonesIntact(context, answer, kNames, Describe(c)) && InputsIntact(context, answer, kNames, Describe(c)) &&
          JudgeGaps(context, c, prepared, arena));
}

bool JudgeUnscaleRanks(CheckContext& context, const std::vector<UnscaleCase>& cases) {
  const int ranks = static_cast<int>(cases.size());
  std::vector<Prepared> prepared;
  std::vector<std::byte> request, bodies;
  Append(&request, ByRank{RequestKind::kByRank, static_cast<uint32_t>(ranks)});
  bool expect_found = false;
  for (const UnscaleCase& c : cases) {
    prepared.push_back(Prepare(c));
    const std::vector<std::byte> body = prepared.back().call.Pack(
        static_cast<uint32_t>(RequestKind::kUnscale), std::span<const std::byte>(prepared.back().parameters));
    Append(&request, uint64_t{body.size()});
    bodies.insert(bodies.end(), body.begin(), body.end());
    expect_found = expect_found || c.found_before != 0 || AnyNonFinite(c);
  }
  request.insert(request.end(), bodies.begin(), bodies.end());
  CheckContext::Replies replies;
  Inputs inputs = {{"ranks", std::to_string(ranks)}};
  for (int rank = 0; rank < ranks; ++rank) {
    const UnscaleCase& c = cases[static_cast<size_t>(rank)];
    inputs.emplace_back("rank " + std::to_string(rank), std::to_string(c.tensors.size()) + " tensors, " +
                                                            (AnyNonFinite(c) ? "with" : "without") + " overflow");
  }
  if (!context.Run("b", ranks, request, 30, inputs, &replies)) return false;
  for (int rank = 0; rank < ranks; ++rank) {
    const UnscaleCase& c = cases[static_cast<size_t>(rank)];
    const workbench::DeviceCall& call = prepared[static_cast<size_t>(rank)].call;
    Answer answer;
    answer.reply = std::move(replies[static_cast<size_t>(rank)]);
    answer.outcome = Read<workbench::CallOutcome>(answer.reply);
    answer.outcome.error_name[sizeof answer.outcome.error_name - 1] = '\0';
    if (!NoCallError(context, RequestKind::kUnscale, answer.outcome.error, answer.outcome.error_name, inputs))
      return false;
    if (!JudgeFound(context, c, expect_found, answer.Output<float>(call, kFound)[0], rank)) return false;
    if (!expect_found && !JudgeNorm(context, c, answer.Output<float>(call, kNorm)[0], rank)) return false;
  }
  return true;
}

}  // namespace q05
