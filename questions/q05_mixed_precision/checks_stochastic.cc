// Part A's stochastic rounding. The seeds are fixed, so that an answer gets the same verdict each time; bounds are five
// standard deviations of what is drawn.
#include <bit>
#include <cmath>

#include "questions/q05_mixed_precision/convert_case.h"

namespace q05 {

using workbench::CheckContext;

namespace {

constexpr uint64_t kSeeds[] = {1, 2, 0x123456789abcdef0u};
constexpr double kSigmas = 5;

ConvertCase Stochastic(uint64_t seed) {
  ConvertCase c;
  c.to = Format::kBFloat16;
  c.stochastic = true;
  c.seed = seed;
  return c;
}

bool Fails(CheckContext& context, const ConvertCase& c, const std::string& property, std::string expected,
           std::string actual) {
  workbench::Finding finding = NewFinding(property, Describe(c));
  finding.expected = std::move(expected);
  finding.actual = std::move(actual);
  context.Fail(finding);
  return false;
}

// Away from zero, where the result is the larger neighbour.
std::vector<double> Ups(const ConvertCase& c, const std::vector<uint32_t>& out) {
  std::vector<double> ups(out.size());
  for (size_t i = 0; i < out.size(); ++i) ups[i] = out[i] != c.in[i] >> 16;
  return ups;
}

// Numbers of all kinds: a neighbour, and the value itself where there is nothing to round.
bool JudgeNeighbours(CheckContext& context, uint64_t seed) {
  Draws draws(seed);
  ConvertCase c = Stochastic(seed);
  for (uint32_t top = 0; top < 512; ++top) {
    if ((top & 0xff) == 0xff) continue;
    for (int i = 0; i < 8; ++i) {
      const uint32_t bits = top << 23 | static_cast<uint32_t>(draws.Next() >> 41);
      c.in.push_back(bits);
      c.in.push_back(bits & 0xffff0000u);
    }
  }
  c.in.insert(c.in.end(), {0, 0x80000000u, 0x7f800000u, 0xff800000u});
  Answer answer;
  std::vector<uint32_t> out;
  if (!RunConvert(context, c, &answer, &out)) return false;
  Mismatches wrong;
  for (size_t i = 0; i < out.size(); ++i) {
    const uint32_t lower = c.in[i] >> 16, upper = lower + ((c.in[i] & 0xffff) != 0);
    if (out[i] == lower || out[i] == upper) continue;
    wrong.Add(i,
              DescribeCode(c.to, lower) + (upper == lower ? "" : " or " + DescribeCode(c.to, upper)) + " from " +
                  DescribeCode(c.from, c.in[i]),
              DescribeCode(c.to, out[i]));
  }
  return wrong.Judge(context, "out[i] is in[i], or one of its two neighbours", Describe(c), out.size());
}

// Above the largest finite value, and NaN.
bool JudgeEnds(CheckContext& context, bool saturate) {
  ConvertCase c = Stochastic(kSeeds[0]);
  c.saturate = saturate;
  for (int i = 0; i < 64; ++i)
    c.in.insert(c.in.end(), {0x7f7fc000u, 0xff7fc000u, 0x7f800001u, 0xffc00000u, 0x7f800000u});
  Answer answer;
  std::vector<uint32_t> out;
  if (!RunConvert(context, c, &answer, &out)) return false;
  Mismatches wrong;
  for (size_t i = 0; i < out.size(); ++i) {
    const uint32_t sign = c.in[i] >> 31 << 15, beyond = saturate ? 0x7f7f : 0x7f80;
    const uint32_t magnitude = out[i] & 0x7fff;
    const bool nan = IsNan(c.from, c.in[i]), infinite = (c.in[i] & 0x7fffffff) == 0x7f800000;
    if (nan ? IsNan(c.to, out[i])
            : (out[i] & 0x8000) == sign && (magnitude == beyond || (magnitude == 0x7f7f && !infinite))) {
      continue;
    }
    wrong.Add(i,
              nan ? "NaN"
                  : DescribeCode(c.to, sign | beyond) + (infinite ? "" : " or " + DescribeCode(c.to, sign | 0x7f7f)) +
                        " from " + DescribeCode(c.from, c.in[i]),
              DescribeCode(c.to, out[i]));
  }
  return wrong.Judge(context, "NaN stays NaN, what is above the largest value may overflow", Describe(c), out.size());
}

// The same value `count` times: how often it goes up.
bool JudgeFrequency(CheckContext& context, uint64_t seed, uint32_t bits, size_t count) {
  ConvertCase c = Stochastic(seed);
  c.in.assign(count, bits);
  Answer answer;
  std::vector<uint32_t> out;
  if (!RunConvert(context, c, &answer, &out)) return false;
  double ups = 0;
  for (const double up : Ups(c, out)) ups += up;
  const double n = static_cast<double>(count), p = (bits & 0xffff) * 0x1p-16;
  const double slack = kSigmas * std::sqrt(n * p * (1 - p)) + n * 0x1p-16 + 1;
  if (std::fabs(ups - n * p) <= slack) return true;
  return Fails(context, c, "a value goes up with the probability that is its distance from the lower neighbour",
               Number(n * p) + " times, give or take " + Number(slack) + ", of " + DescribeCode(c.from, bits),
               Number(ups) + " times");
}

// Halves between neighbours: whether element i went up says nothing about element i + lag of another call.
bool Uncorrelated(CheckContext& context, const ConvertCase& c, const std::vector<double>& a,
                  const std::vector<double>& b, size_t lag, const std::string& what) {
  const size_t n = a.size() - lag;
  double same = 0;
  for (size_t i = 0; i < n; ++i) same += a[i] == b[i + lag];
  const double half = static_cast<double>(n) / 2, slack = kSigmas * std::sqrt(static_cast<double>(n)) / 2;
  if (std::fabs(same - half) <= slack) return true;
  return Fails(context, c, "draws are independent between elements and between seeds",
               what + " agree " + Number(half) + " times, give or take " + Number(slack), Number(same) + " times");
}

bool JudgeIndependence(CheckContext& context, size_t count) {
  constexpr uint32_t kHalf = 0x3f808000u;
  std::vector<std::vector<double>> ups;
  ConvertCase c = Stochastic(0);
  c.in.assign(count, kHalf);
  for (const uint64_t seed : {uint64_t{7}, uint64_t{8}, uint64_t{7} << 32}) {
    c.seed = seed;
    Answer answer;
    std::vector<uint32_t> out;
    if (!RunConvert(context, c, &answer, &out)) return false;
    ups.push_back(Ups(c, out));
  }
  c.seed = 7;
  for (const size_t lag : {1, 2, 3, 4, 8, 16, 32, 64, 256, 1024}) {
    if (lag * 4 > count) break;
    if (!Uncorrelated(context, c, ups[0], ups[0], lag, "elements that are " + std::to_string(lag) + " apart"))
      return false;
  }
  for (const size_t other : {1, 2}) {
    for (const size_t lag : {0, 1, 2, 4}) {
      if (!Uncorrelated(context, c, ups[0], ups[other], lag,
                        "element i with seed 7 and element i + " + std::to_string(lag) + " with seed " +
                            (other == 1 ? "8" : "7 * 2^32")) ||
          !Uncorrelated(context, c, ups[other], ups[0], lag,
                        "element i with seed " + std::string(other == 1 ? "8" : "7 * 2^32") + " and element i + " +
                            std::to_string(lag) + " with seed 7")) {
        return false;
      }
    }
  }
  return true;
}

// A function of seed, index and value alone: not of the call, of the addresses, of how many elements there are.
bool JudgeReproducible(CheckContext& context, size_t count) {
  Draws draws(11);
  ConvertCase c = Stochastic(kSeeds[2]);
  for (size_t i = 0; i < count; ++i) c.in.push_back(0x3f800000u + static_cast<uint32_t>(draws.Below(0x1000000)));
  Answer answer;
  std::vector<uint32_t> first;
  if (!RunConvert(context, c, &answer, &first)) return false;
  for (int variant = 0; variant < 3; ++variant) {
    ConvertCase again = c;
    if (variant == 1) again.in_offset = 1, again.out_offset = 3;
    if (variant == 2) again.in.resize(count / 2 + 1);
    std::vector<uint32_t> out;
    if (!RunConvert(context, again, &answer, &out)) return false;
    Mismatches wrong;
    for (size_t i = 0; i < out.size(); ++i) {
      if (out[i] != first[i]) wrong.Add(i, DescribeCode(c.to, first[i]) + ", as before", DescribeCode(c.to, out[i]));
    }
    if (!wrong.Judge(context, "the same seed, index and value give the same result", Describe(again), out.size(),
                     variant == 0   ? "the same call again"
                     : variant == 1 ? "at other addresses"
                                    : "a shorter array")) {
      return false;
    }
  }
  return true;
}

}  // namespace

void CheckStochastic(CheckContext& context) {
  const size_t count = Affordable(context, 1 << 20, 40000, 4000);
  for (const uint64_t seed : kSeeds) {
    if (!JudgeNeighbours(context, seed)) return;
  }
  if (!JudgeEnds(context, false) || !JudgeEnds(context, true)) return;
  for (const uint64_t seed : kSeeds) {
    for (const uint32_t low : {0x0001u, 0x0100u, 0x2000u, 0x5555u, 0x8000u, 0xaaaau, 0xf000u, 0xffffu}) {
      // Positive, negative, and a subnormal.
      for (const uint32_t top : {0x3f80u, 0xc2c7u, 0x0013u}) {
        if (!JudgeFrequency(context, seed, top << 16 | low, count / 4)) return;
      }
    }
  }
  if (!JudgeReproducible(context, 10007)) return;
  (void)JudgeIndependence(context, count);
}

}  // namespace q05
