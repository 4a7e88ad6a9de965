// Part A: conversions, bit for bit.
#include <bit>
#include <cmath>
#include <cstring>

#include "questions/q05_mixed_precision/checks.h"
#include "questions/q05_mixed_precision/convert_case.h"
#include "questions/q05_mixed_precision/timing.h"

namespace q05 {
namespace {

using workbench::CheckContext;

constexpr uint32_t kSignBit = 0x80000000u, kInfinityBits = 0x7f800000u;

uint32_t BitsOf(double value) { return std::bit_cast<uint32_t>(static_cast<float>(value)); }

// fp32 numbers on and next to everything that rounding to `format` turns on: codes first .. last, the middles between
// them, the neighbours of those; of both signs. At most about `most` numbers.
std::vector<uint32_t> AroundCodes(Format format, uint32_t first, uint32_t last, size_t most) {
  const uint32_t step = std::max<uint32_t>(1, static_cast<uint32_t>((last - first + 1) * 8 / most)) | 1;
  std::vector<uint32_t> bits;
  for (uint32_t code = first; code <= last; code += step) {
    const double value = Decode(format, code), next = Decode(format, code + 1);
    const uint32_t here = BitsOf(value),
                   middle = BitsOf(std::isinf(next) || std::isnan(next) ? value : (value + next) / 2);
    for (const uint32_t each : {here, middle - 1, middle, middle + 1}) {
      bits.push_back(each);
      bits.push_back(each ^ kSignBit);
    }
  }
  return bits;
}

// Random numbers that `format` has normal numbers for.
void AppendNormals(Format format, size_t count, Draws* draws, std::vector<uint32_t>* bits) {
  const uint32_t low = BitsOf(TraitsOf(format).min_normal()), high = BitsOf(TraitsOf(format).max_finite());
  for (size_t i = 0; i < count; ++i) {
    bits->push_back((low + static_cast<uint32_t>(draws->Below(high - low))) | (draws->Next() & 1 ? kSignBit : 0));
  }
}

// Counts that are no multiple of 16 are a.sizes' matter.
bool JudgePadded(CheckContext& context, ConvertCase* c) {
  while (c->in.size() % 16 != 0) c->in.push_back(0);
  return JudgeConvert(context, *c);
}

uint32_t FirstNormal(Format format) { return 1u << TraitsOf(format).fraction_bits; }

void CheckArguments(CheckContext& context) {
  constexpr int kBad[][4] = {
      // from, to, rounding, overflow
      {0, 0, 0, 0}, {1, 2, 0, 0}, {3, 3, 0, 0}, {0, 5, 0, 0}, {-1, 1, 0, 0},
      {0, 1, 2, 0}, {0, 1, 0, 2}, {0, 1, 1, 0}, {0, 3, 1, 1},
  };
  for (const auto& bad : kBad) {
    ConvertParameters parameters;
    parameters.count = 4;
    parameters.from = bad[0], parameters.to = bad[1], parameters.rounding = bad[2], parameters.overflow = bad[3];
    const std::vector<float> in(4, 1.0f);
    workbench::DeviceCall call;
    call.Input(in.data(), 16);
    call.Output(16);
    const Inputs inputs = {{"from", std::to_string(bad[0])},
                           {"to", std::to_string(bad[1])},
                           {"rounding", std::to_string(bad[2])},
                           {"overflow", std::to_string(bad[3])}};
    if (!MustRefuse(context, "a", RequestKind::kConvert, call, parameters, inputs)) return;
  }
}

// Every code of the formats.
void CheckWidening(CheckContext& context, const std::vector<Format>& formats) {
  for (const Format format : formats) {
    ConvertCase c;
    c.from = format;
    for (uint32_t code = 0; code < TraitsOf(format).codes(); ++code) c.in.push_back(code);
    if (!JudgeConvert(context, c)) return;
  }
}

void CheckRound(CheckContext& context, const std::vector<Format>& formats) {
  Draws draws(context, 1);
  for (const Format format : formats) {
    ConvertCase c;
    c.to = format;
    c.in = AroundCodes(format, FirstNormal(format), TraitsOf(format).largest - 1,
                       Affordable(context, 400000, 60000, 4000));
    AppendNormals(format, Affordable(context, 100000, 30000, 2000), &draws, &c.in);
    if (!JudgePadded(context, &c)) return;
  }
}

void CheckSubnormals(CheckContext& context) {
  Draws draws(context, 2);
  for (const Format format : kSmallFormats) {
    ConvertCase c;
    c.to = format;
    c.in = AroundCodes(format, 0, FirstNormal(format), Affordable(context, 100000, 20000, 2000));
    // Far below the smallest one, subnormal in fp32 too.
    for (const uint32_t bits : {0x1u, 0x2u, 0x7fffffu, 0x800000u, 0x10000000u}) {
      c.in.push_back(bits);
      c.in.push_back(bits | kSignBit);
    }
    const uint32_t limit = BitsOf(TraitsOf(format).min_normal());
    for (int i = 0; i < 2000; ++i) c.in.push_back(static_cast<uint32_t>(draws.Below(limit)) | (i % 2 ? kSignBit : 0));
    if (!JudgePadded(context, &c)) return;
  }
}

void CheckNan(CheckContext& context) {
  Draws draws(context, 3);
  std::vector<uint32_t> nans;
  for (int bit = 0; bit < 23; ++bit) nans.push_back(kInfinityBits | 1u << bit);
  for (int i = 0; i < 400; ++i) nans.push_back(kInfinityBits | (1 + static_cast<uint32_t>(draws.Below(0x7fffff))));
  for (const Format format : kSmallFormats) {
    for (const bool saturate : {false, true}) {
      ConvertCase c;
      c.to = format;
      c.saturate = saturate;
      for (const uint32_t bits : nans) {
        c.in.push_back(bits);
        c.in.push_back(bits | kSignBit);
      }
      if (!JudgePadded(context, &c)) return;
    }
  }
}

void CheckSaturate(CheckContext& context) {
  Draws draws(context, 4);
  for (const Format format : kSmallFormats) {
    for (const bool saturate : {false, true}) {
      ConvertCase c;
      c.to = format;
      c.saturate = saturate;
      const FormatTraits& traits = TraitsOf(format);
      const double spacing = traits.max_finite() - Decode(format, traits.largest - 1);
      const uint32_t middle = BitsOf(traits.max_finite() + spacing / 2), largest = BitsOf(traits.max_finite());
      for (uint32_t offset = 0; offset < 8; ++offset) {
        for (const uint32_t base : {largest, middle}) {
          c.in.push_back(base + offset);
          c.in.push_back((base - offset) | kSignBit);
        }
      }
      for (int i = 0; i < 500; ++i) {
        c.in.push_back((largest + static_cast<uint32_t>(draws.Below(kInfinityBits - largest))) |
                       (i % 2 ? kSignBit : 0));
      }
      c.in.push_back(kInfinityBits);
      c.in.push_back(kInfinityBits | kSignBit);
      if (!JudgePadded(context, &c)) return;
    }
  }
}

// A million numbers: every exponent with random fractions, and all places where something turns. In the long run, all
// numbers that there are.
void CheckAll(CheckContext& context) {
  if (context.long_tier()) {
    for (const Format format : kSmallFormats) {
      for (const bool saturate : {false, true}) {
        if (!JudgeAllBits(context, format, saturate)) return;
      }
    }
    return;
  }
  Draws draws(context, 5);
  const size_t per_exponent = Affordable(context, 4096, 4096, 64);
  std::vector<uint32_t> in;
  for (uint32_t top = 0; top < 512; ++top) {
    for (size_t i = 0; i < per_exponent / 2; ++i) in.push_back(top << 23 | static_cast<uint32_t>(draws.Next() >> 41));
  }
  for (const Format format : kSmallFormats) {
    for (const bool saturate : {false, true}) {
      ConvertCase c;
      c.to = format;
      c.saturate = saturate;
      c.in = in;
      if (!JudgeConvert(context, c)) return;
    }
  }
}

// Counts and alignments, in both directions.
template <typename Judge>
void ForSizes(CheckContext& context, uint64_t salt, const Judge& judge) {
  Draws draws(context, salt);
  std::vector<size_t> counts = {0, 1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 63, 127, 255, 256, 257, 1023, 4097};
  if (!context.checked()) counts.insert(counts.end(), {65537, 300007});
  for (const size_t count : counts) {
    for (const Format format : kSmallFormats) {
      for (const bool widen : {false, true}) {
        ConvertCase c;
        c.from = widen ? format : Format::kFloat32;
        c.to = widen ? Format::kFloat32 : format;
        c.in_offset = static_cast<uint32_t>(draws.Below(17));
        c.out_offset = static_cast<uint32_t>(draws.Below(17));
        for (size_t i = 0; i < count; ++i) {
          const uint32_t code = static_cast<uint32_t>(draws.Below(TraitsOf(format).largest));
          c.in.push_back(widen ? code : BitsOf(Decode(format, code)));
        }
        if (!judge(c)) return;
      }
    }
  }
}

void CheckGraph(CheckContext& context) {
  Draws draws(context, 9);
  for (const Format format : kSmallFormats) {
    ConvertCase c;
    c.to = format;
    c.calls = 3;
    c.graph = true;
    AppendNormals(format, 5000, &draws, &c.in);
    if (!JudgeConvert(context, c)) return;
  }
}

void CheckSpeed(CheckContext& context) {
  Speed speed(context, "a");
  for (const auto& [from, to] : {std::pair{Format::kFloat32, Format::kBFloat16},
                                 {Format::kFloat32, Format::kE4M3},
                                 {Format::kBFloat16, Format::kFloat32}}) {
    if (!speed.Time(TimedConversion(from, to))) return;
  }
  speed.Finish();
}

}  // namespace

std::vector<workbench::Check> ConvertChecks() {
  const auto round = [](std::vector<Format> formats) {
    return [formats = std::move(formats)](CheckContext& context) { CheckRound(context, formats); };
  };
  const auto widen = [](std::vector<Format> formats) {
    return [formats = std::move(formats)](CheckContext& context) { CheckWidening(context, formats); };
  };
  return {
      {{"a.arguments", "what is not listed is refused", 0.5, false, {"no default in the switch over the formats"}},
       CheckArguments},
      {{"a.exact16",
        "every fp16 and bf16 code to fp32",
        1,
        false,
        {"subnormals lose their value", "the exponent's bias is off", "fp16's exponent 31 is taken for a number"}},
       widen({Format::kFloat16, Format::kBFloat16})},
      {{"a.exact8",
        "every E4M3 and E5M2 code to fp32",
        0.5,
        false,
        {"E4M3's exponent 15 is taken for infinity: 256 to 448 are numbers", "subnormals"}},
       widen({Format::kE4M3, Format::kE5M2})},
      {{"a.round16",
        "fp32 to fp16 and bf16: nearest, ties to even",
        1,
        false,
        {"bits are cut off instead of rounded", "ties go away from zero"}},
       round({Format::kFloat16, Format::kBFloat16})},
      {{"a.fp8",
        "fp32 to E4M3 and E5M2: rounded once",
        1,
        false,
        {"rounded to fp16 first: a value just above a tie becomes the tie", "bits are cut off"}},
       round({Format::kE4M3, Format::kE5M2})},
      {{"a.subnormals",
        "subnormal results, and the sign of zero",
        1,
        false,
        {"results below the smallest normal number are flushed to zero", "half of the smallest subnormal: a tie",
         "-0 becomes 0"}},
       CheckSubnormals},
      {{"a.nan",
        "NaN stays NaN",
        0.5,
        false,
        {"a NaN whose upper bits are cut off or rounded is an infinity", "saturation makes it a number"}},
       CheckNan},
      {{"a.saturate",
        "what is too large, with and without saturation",
        1,
        false,
        {"saturated where infinity was asked for", "judged by the value before rounding",
         "E4M3: 464 is a tie and becomes 448; above it is NaN"}},
       CheckSaturate},
      {{"a.sizes",
        "any count and alignment",
        0.5,
        false,
        {"count / 8 drops the rest", "16-byte accesses at addresses that are only element-aligned"}},
       [](CheckContext& context) {
         ForSizes(context, 6, [&](const ConvertCase& c) { return JudgeConvert(context, c); });
       }},
      {{"a.stochastic",
        "stochastic rounding: unbiased and reproducible",
        1.5,
        false,
        {"a tie-breaking constant in place of a random number",
         "the same random bits for neighbouring elements or seeds",
         "the clock or the thread's number among what is drawn from", "exact values are moved"}},
       CheckStochastic},
      {{"a.all", "a million numbers; in the long run, all 2^32", 0.5, false, {"a range that no special case has"}},
       CheckAll},
      {{"a.bounds", "nothing outside of the output is written", 0.5, false, {"a vector store past the last element"}},
       [](CheckContext& context) {
         ForSizes(context, 7, [&](const ConvertCase& c) { return JudgeConvert(context, c, ConvertProperty::kBounds); });
       }},
      {{"a.input", "the input is not written to", 0.5, false, {"converted in place first"}},
       [](CheckContext& context) {
         ForSizes(context, 8, [&](const ConvertCase& c) { return JudgeConvert(context, c, ConvertProperty::kInput); });
       }},
      {{"a.graph", "captured once, replayed", 0.5, false, {"a synchronisation or an allocation in the call"}},
       CheckGraph},
      {{"a.speed",
        "2^28 elements",
        1.5,
        true,
        {"accesses of less than 16 bytes", "too few bytes in flight", "a division for each element"}},
       CheckSpeed},
  };
}

}  // namespace q05
