// Part F: LayerNorm, RMSNorm, softmax, forward and backward.
#include <cmath>
#include <limits>

#include "questions/q05_mixed_precision/checks.h"
#include "questions/q05_mixed_precision/norm_case.h"
#include "questions/q05_mixed_precision/timing.h"

namespace q05 {
namespace {

using workbench::CheckContext;

constexpr Format kHalves[] = {Format::kFloat16, Format::kBFloat16};
constexpr NormFunction kFunctions[] = {NormFunction::kLayerNorm, NormFunction::kLayerNormBackward,
                                       NormFunction::kRmsNorm,   NormFunction::kRmsNormBackward,
                                       NormFunction::kSoftmax,   NormFunction::kSoftmaxBackward};

NormCase Rows(NormFunction function, Format format, int64_t rows, int64_t hidden, Draws* draws) {
  NormCase c;
  c.function = function;
  c.format = format;
  c.rows = rows;
  c.hidden = hidden;
  c.seed = draws->Next() % 1000000;
  return c;
}

void CheckArguments(CheckContext& context) {
  const std::vector<float> data(64, 1.0f);
  for (const NormFunction function : kFunctions) {
    for (const int format : {0, 3, 9}) {
      NormParameters p;
      p.function = function;
      p.format = format;
      p.rows = 2;
      p.hidden = 8;
      p.epsilon = 1e-5f;
      workbench::DeviceCall call;
      for (size_t i = 0; i < RolesOf(function).size(); ++i) call.InOut(data.data(), 64);
      const Inputs inputs = {{"function", NameOf(function)}, {"format", std::to_string(format)}};
      if (!MustRefuse(context, "f", RequestKind::kNorm, call, p, inputs)) return;
    }
  }
}

// Everything is exact in every format: LayerNorm's rows have the mean 1 and the variance 1, RMSNorm's the mean square 1
// (and a mean). With epsilon 3 the root is 2.
void CheckForward(CheckContext& context, NormFunction function) {
  Draws draws(context, 1 + static_cast<uint64_t>(function));
  for (const Format format : kHalves) {
    for (const float epsilon : {1e-5f, 3.0f}) {
      for (const int64_t hidden : {64, 256}) {
        NormCase c = Rows(function, format, static_cast<int64_t>(Affordable(context, 100, 20, 4)), hidden, &draws);
        c.epsilon = epsilon;
        c.x = [function](Draws*, int64_t r, int64_t i) {
          if (function == NormFunction::kLayerNorm) return (i + r) % 2 ? 0.0 : 2.0;
          return (i + r) % 4 ? 1.0 : -1.0;
        };
        if (!JudgeNorm(context, c, {})) return;
      }
    }
  }
}

void CheckSoftmax(CheckContext& context) {
  Draws draws(context, 7);
  for (const Format format : kHalves) {
    for (const double size : {1.0, 8.0, 3000.0}) {
      NormCase c =
          Rows(NormFunction::kSoftmax, format, static_cast<int64_t>(Affordable(context, 100, 20, 4)), 200, &draws);
      c.x = [size](Draws* d, int64_t, int64_t) { return d->Normal() * size; };
      if (!JudgeNorm(context, c, {})) return;
    }
  }
}

void CheckBackward(CheckContext& context, NormFunction function) {
  Draws draws(context, 8 + static_cast<uint64_t>(function));
  for (const Format format : kHalves) {
    for (const int64_t rows : {1, 40, 300}) {
      if (context.checked() && rows > 40) continue;
      if (!JudgeNorm(context, Rows(function, format, rows, 96, &draws), {})) return;
    }
  }
}

// A mean that is much larger than the deviations from it.
void CheckCancellation(CheckContext& context) {
  Draws draws(context, 20);
  for (const Format format : kHalves) {
    const double mean = format == Format::kFloat16 ? 1000 : 400, deviation = format == Format::kFloat16 ? 0.7 : 2.5;
    for (const double sign : {1.0, -1.0}) {
      NormCase c =
          Rows(NormFunction::kLayerNorm, format, static_cast<int64_t>(Affordable(context, 50, 10, 2)), 1000, &draws);
      c.x = [=](Draws* d, int64_t, int64_t) { return sign * mean + deviation * d->Normal(); };
      if (!JudgeNorm(context, c, {.coarse = true})) return;
    }
  }
}

// Squares, and sums of squares, beyond 65504.
void CheckHalfOverflow(CheckContext& context) {
  Draws draws(context, 21);
  for (const double size : {300.0, 20000.0}) {
    for (const NormFunction function : {NormFunction::kLayerNorm, NormFunction::kRmsNorm,
                                        NormFunction::kLayerNormBackward, NormFunction::kRmsNormBackward}) {
      NormCase c = Rows(function, Format::kFloat16, static_cast<int64_t>(Affordable(context, 50, 10, 3)), 512, &draws);
      c.x = [size](Draws* d, int64_t, int64_t) { return d->Signed() * size; };
      c.dy = [size](Draws* d) { return d->Signed() * size; };
      if (!JudgeNorm(context, c, {.coarse = true})) return;
    }
  }
}

void CheckPrecision(CheckContext& context) {
  Draws draws(context, 22);
  for (const NormFunction function : kFunctions) {
    for (const Format format : kHalves) {
      NormCase c = Rows(function, format, static_cast<int64_t>(Affordable(context, 200, 20, 2)), 777, &draws);
      if (function < NormFunction::kSoftmax) {
        c.x = [](Draws* d, int64_t, int64_t) { return 0.3 + d->Normal(); };
      }
      if (!JudgeNorm(context, c, {})) return;
    }
  }
}

void CheckMask(CheckContext& context) {
  Draws draws(context, 23);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const Format format : kHalves) {
    for (const int64_t hidden : {1, 33, 128, 500}) {
      NormCase c = Rows(NormFunction::kSoftmax, format, 6, hidden, &draws);
      // Causal rows; one that has nothing left, one that has its last element alone.
      c.x = [hidden](Draws* d, int64_t r, int64_t i) {
        const double x = d->Normal() * 3;
        if (r == 1) return -kInfinity;
        if (r == 2) return i + 1 == hidden ? x : -kInfinity;
        return i <= r * hidden / 6 ? x : -kInfinity;
      };
      if (!JudgeNorm(context, c, {})) return;
    }
  }
}

// Rows of every length, buffers at every address.
template <typename Judge>
void ForSizes(CheckContext& context, uint64_t salt, const Judge& judge) {
  Draws draws(context, salt);
  std::vector<int64_t> sizes = {1, 2, 3, 7, 8, 31, 33, 64, 127, 255, 257};
  if (!context.checked())
    sizes.insert(sizes.end(), {1000, 1023, 1024, 1025, 2049, 4096, 5003, 8192, 12289, 16384, 65536});
  for (const NormFunction function : kFunctions) {
    for (const int64_t hidden : sizes) {
      const int64_t rows = hidden > 8192 ? 2 : static_cast<int64_t>(draws.Below(7));
      NormCase c = Rows(function, kHalves[draws.Below(2)], rows, hidden, &draws);
      c.offset = draws.Next() & 1 ? static_cast<uint32_t>(draws.Below(9)) : 0;
      if (!judge(c)) return;
    }
    NormCase tall =
        Rows(function, Format::kBFloat16, static_cast<int64_t>(Affordable(context, 70001, 3001, 100)), 5, &draws);
    if (!judge(tall)) return;
  }
}

void CheckRepeatable(CheckContext& context) {
  Draws draws(context, 26);
  for (const NormFunction function : {NormFunction::kLayerNormBackward, NormFunction::kRmsNormBackward}) {
    const int64_t rows = static_cast<int64_t>(Affordable(context, 5000, 700, 50));
    const NormCase c = Rows(function, Format::kBFloat16, rows, 40, &draws);
    std::vector<std::byte> first;
    for (int run = 0; run < 5; ++run) {
      std::vector<std::byte> outputs;
      if (!JudgeNorm(context, c, {.values = false}, &outputs)) return;
      if (run == 0) first = outputs;
      if (outputs == first) continue;
      workbench::Finding finding =
          NewFinding("the same inputs give the same bits of dgamma and dbeta in every run", Describe(c));
      finding.actual = "run " + std::to_string(run) + " differs from the first";
      context.Fail(finding);
      return;
    }
  }
}

void CheckGraph(CheckContext& context) {
  Draws draws(context, 27);
  for (const NormFunction function : kFunctions) {
    NormCase c = Rows(function, Format::kFloat16, 17, 300, &draws);
    c.calls = 3;
    c.graph = true;
    if (!JudgeNorm(context, c, {})) return;
  }
}

void CheckSpeed(CheckContext& context) {
  Speed speed(context, "f");
  for (const auto& [function, hidden] : kTimedRows) {
    if (!speed.Time(TimedRows(function, hidden))) return;
  }
  speed.Finish();
}

}  // namespace

std::vector<workbench::Check> NormChecks() {
  const auto forward = [](NormFunction function) {
    return [=](CheckContext& context) { CheckForward(context, function); };
  };
  const auto backward = [](NormFunction function) {
    return [=](CheckContext& context) { CheckBackward(context, function); };
  };
  return {
      {{"f.arguments", "fp32 and 8-bit formats are refused", 0.5, false, {"no default in the switch"}}, CheckArguments},
      {{"f.layer_norm",
        "LayerNorm",
        1,
        false,
        {"eps outside of the root", "divided by n - 1", "gamma and beta by row"}},
       forward(NormFunction::kLayerNorm)},
      {{"f.rms_norm", "RMSNorm", 1, false, {"a mean is taken off", "eps outside of the root"}},
       forward(NormFunction::kRmsNorm)},
      {{"f.softmax",
        "softmax, also of large numbers",
        1,
        false,
        {"exp without the maximum taken off: infinity over infinity", "the sum is rounded to the format"}},
       CheckSoftmax},
      {{"f.layer_norm_backward",
        "LayerNorm's gradients",
        1.5,
        false,
        {"the terms by way of mean and variance", "gamma is forgotten, or taken twice", "dgamma of x instead of x^"}},
       backward(NormFunction::kLayerNormBackward)},
      {{"f.rms_norm_backward",
        "RMSNorm's gradients",
        1,
        false,
        {"the mean of the gradient is taken off, as in LayerNorm", "rrms once instead of three times"}},
       backward(NormFunction::kRmsNormBackward)},
      {{"f.softmax_backward", "softmax's gradient", 0.5, false, {"the sum over the row is missing"}},
       backward(NormFunction::kSoftmaxBackward)},
      {{"f.half_overflow",
        "squares and sums beyond 65504",
        1,
        false,
        {"the variance, or the squares, in half", "dgamma and dbeta are added up in half"}},
       CheckHalfOverflow},
      {{"f.cancellation",
        "a large mean, a small variance",
        1,
        false,
        {"E[x^2] - E[x]^2: both are 10^6, the difference is lost"}},
       CheckCancellation},
      {{"f.precision",
        "fp32 inside, one rounding",
        1,
        false,
        {"x^ is rounded to the format before gamma", "the mean is rounded to the format"}},
       CheckPrecision},
      {{"f.mask", "-infinity is masked, whole rows too", 0.5, false, {"-inf - -inf is NaN", "0 / 0"}}, CheckMask},
      {{"f.sizes",
        "rows of 1 to 65536 elements, at any address",
        1,
        false,
        {"a row has to fit into a block, or into registers",
         "16-byte accesses at addresses that are only element-aligned",
         "no rows: a grid of no blocks; dgamma is 0 all the same"}},
       [](CheckContext& context) {
         ForSizes(context, 24, [&](const NormCase& c) { return JudgeNorm(context, c, {}); });
       }},
      {{"f.bounds", "nothing else is written, inputs stay", 0.5, false, {"a vector store past the last row"}},
       [](CheckContext& context) {
         ForSizes(context, 25,
                  [&](const NormCase& c) { return JudgeNorm(context, c, {.values = false, .bounds = true}); });
       }},
      {{"f.repeatable", "the same bits of dgamma and dbeta in every run", 0.5, false, {"atomicAdd of floats"}},
       CheckRepeatable},
      {{"f.graph", "captured once, replayed", 0.5, false, {"the workspace is taken to be zero the second time"}},
       CheckGraph},
      {{"f.speed",
        "2^27 elements, hidden 1024 to 16384",
        1.5,
        true,
        {"a row is read twice from memory", "too few bytes in flight", "dgamma goes over the rows again"}},
       CheckSpeed},
  };
}

}  // namespace q05
