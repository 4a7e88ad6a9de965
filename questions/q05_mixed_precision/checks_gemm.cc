// Part E: the matrix product.
#include <cmath>

#include "questions/q05_mixed_precision/checks.h"
#include "questions/q05_mixed_precision/gemm_case.h"
#include "questions/q05_mixed_precision/timing.h"

namespace q05 {
namespace {

using workbench::CheckContext;

GemmCase Product(int64_t m, int64_t n, int64_t k, Draws* draws) {
  GemmCase g;
  g.m = m, g.n = n, g.k = k;
  g.exact = true;
  g.seed = draws->Next() % 1000000;
  return g;
}

// Numbers as they are in a network.
double Gaussian(Draws* draws) { return draws->Normal(); }
double Integer(Draws* draws) { return static_cast<double>(draws->Below(17)) - 8; }
// Multiples of 1/16, of magnitude below 16: 8 bits.
double Sixteenths(Draws* draws) { return (static_cast<double>(draws->Below(511)) - 255) / 16; }

void CheckArguments(CheckContext& context) {
  const std::vector<uint16_t> data(64, 0x3f80);
  for (int bad = 0; bad < 4; ++bad) {
    GemmParameters p;
    p.m = p.n = p.k = p.lda = p.ldb = p.ldc = p.ldd = 8;
    if (bad == 0) p.a_layout = 2;
    if (bad == 1) p.b_layout = -1;
    if (bad >= 2) p.epilogue = bad == 2 ? 3 : -1;
    workbench::DeviceCall call;
    call.Input(data.data(), 128);
    call.Input(data.data(), 128);
    call.Input(data.data(), 128);
    call.Output(128);
    call.Input(data.data(), 16);
    const Inputs inputs = {{"layouts", std::to_string(p.a_layout) + ", " + std::to_string(p.b_layout)},
                           {"epilogue", std::to_string(p.epilogue)}};
    if (!MustRefuse(context, "e", RequestKind::kGemm, call, p, inputs)) return;
  }
}

void CheckValues(CheckContext& context) {
  Draws draws(context, 1);
  const int64_t large = static_cast<int64_t>(Affordable(context, 512, 128, 64));
  for (const auto& [m, n, k] :
       {std::tuple<int64_t, int64_t, int64_t>{64, 64, 64}, {large, 64, 64}, {64, large, 128}, {large, large, 192}}) {
    if (context.checked() && k > 64) continue;
    if (!JudgeGemm(context, Product(m, n, k, &draws))) return;
  }
}

void CheckLayouts(CheckContext& context) {
  Draws draws(context, 2);
  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) {
      for (const int64_t pad : {0, 8, 64}) {
        GemmCase g = Product(64, 128, 64, &draws);
        g.a_column_major = a, g.b_column_major = b;
        for (int64_t& each : g.pads) each = pad;
        if (!JudgeGemm(context, g)) return;
      }
    }
  }
}

// Sizes that are no multiples of anything, leading dimensions and addresses likewise.
template <typename Judge>
void ForSizes(CheckContext& context, uint64_t salt, int rounds, const Judge& judge) {
  Draws draws(context, salt);
  constexpr int64_t kSizes[] = {1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 33, 47, 63, 65, 72, 100, 127, 129, 143};
  const uint64_t sizes = context.checked() ? 11 : std::size(kSizes);
  for (int round = 0; round < rounds; ++round) {
    GemmCase g = Product(kSizes[draws.Below(sizes)], kSizes[draws.Below(sizes)], kSizes[draws.Below(sizes)], &draws);
    if (context.gpu() && round % 8 == 7) g.m *= 7, g.n *= 3;
    g.a_column_major = draws.Next() & 1, g.b_column_major = draws.Next() & 1;
    for (int64_t& pad : g.pads) pad = draws.Next() & 1 ? static_cast<int64_t>(draws.Below(20)) : 0;
    for (uint32_t& offset : g.offsets) offset = draws.Next() & 1 ? static_cast<uint32_t>(draws.Below(9)) : 0;
    if (!judge(g)) return;
  }
}

int Rounds(const CheckContext& context) { return static_cast<int>(Affordable(context, 200, 60, 8)); }

void CheckSizes(CheckContext& context) {
  Draws draws(context, 3);
  for (const auto& [m, n, k] :
       {std::tuple<int64_t, int64_t, int64_t>{0, 5, 5}, {5, 0, 5}, {0, 0, 0}, {64, 64, 65}, {1, 1, 1}}) {
    if (!JudgeGemm(context, Product(m, n, k, &draws))) return;
  }
  for (const Addend addend : {Addend::kNull, Addend::kOwn}) {  // D = 0, D = beta C
    GemmCase g = Product(9, 40, 0, &draws);
    g.addend = addend;
    g.beta = addend == Addend::kOwn ? 1.0f : 0.0f;
    if (!JudgeGemm(context, g)) return;
  }
  ForSizes(context, 4, Rounds(context), [&](const GemmCase& g) { return JudgeGemm(context, g); });
}

void CheckEpilogue(CheckContext& context) {
  Draws draws(context, 5);
  GemmCase bias_alone = Product(9, 40, 0, &draws);
  bias_alone.epilogue = 1;
  if (!JudgeGemm(context, bias_alone)) return;
  for (const int32_t epilogue : {1, 2}) {
    for (const auto& [m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{64, 64, 64}, {33, 100, 40}, {70, 9, 16}}) {
      GemmCase g = Product(m, n, k, &draws);
      g.epilogue = epilogue;
      g.c = Gaussian;
      g.alpha = 0.3f;
      g.offsets[4] = static_cast<uint32_t>(draws.Below(5));
      g.exact = false;
      if (!JudgeGemm(context, g)) return;
    }
  }
}

void CheckBeta(CheckContext& context) {
  Draws draws(context, 6);
  for (const auto& [alpha, beta] : {std::pair{1.0f, 1.0f}, {2.0f, 0.0f}, {-0.5f, 3.0f}, {0.0f, 1.0f}, {0.0f, 0.0f}}) {
    for (const Addend addend : {Addend::kOwn, Addend::kSameAsD, Addend::kNull}) {
      for (const bool nan : {false, true}) {
        if (beta != 0 && (nan || addend == Addend::kNull)) continue;
        GemmCase g = Product(64, 72, 64, &draws);
        if (nan) g.m = 35, g.n = 50;
        g.alpha = alpha, g.beta = beta;
        g.addend = addend;
        g.c_is_nan = nan;
        g.pads[2] = g.pads[3] = 3;
        if (!JudgeGemm(context, g)) return;
      }
    }
  }
}

void CheckRounding(CheckContext& context) {
  Draws draws(context, 7);
  for (const auto& [alpha, beta] : {std::pair{1.0f, 1.0f}, {0.25f, -1.0f}, {1.5f, 2.0f}}) {
    for (const int32_t epilogue : {0, 1}) {
      GemmCase g = Product(64, 64, 64, &draws);
      g.ab = Integer;
      g.c = Sixteenths;
      g.alpha = alpha, g.beta = beta;
      g.epilogue = epilogue;
      g.addend = Addend::kOwn;
      if (!JudgeGemm(context, g)) return;
    }
  }
}

// Sums that no format with less than fp32's fraction can hold on the way.
void CheckAccumulation(CheckContext& context) {
  Draws draws(context, 8);
  const int64_t k = static_cast<int64_t>(Affordable(context, 1 << 17, 1 << 17, 1 << 11));
  const int64_t side = static_cast<int64_t>(Affordable(context, 128, 8, 4));
  GemmCase g = Product(side, side, k, &draws);
  g.ab = [](Draws*) { return 1.0; };
  if (!JudgeGemm(context, g)) return;
  g = Product(side, side, k, &draws);
  g.ab = Integer;  // sums below 2^23
  if (!JudgeGemm(context, g)) return;
  g = Product(side, side, k, &draws);
  g.ab = Gaussian;
  g.exact = false;
  (void)JudgeGemm(context, g);
}

void CheckGraph(CheckContext& context) {
  Draws draws(context, 11);
  for (const auto& [m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{64, 64, 64}, {33, 65, 47}}) {
    GemmCase g = Product(m, n, k, &draws);
    g.calls = 3;
    g.graph = true;
    if (!JudgeGemm(context, g)) return;
  }
}

void CheckSpeed(CheckContext& context) {
  Speed speed(context, "e");
  for (const auto& [m, n, k] : kTimedProducts) {
    if (!speed.Time(TimedProduct(m, n, k))) return;
  }
  speed.Finish();
}

}  // namespace

std::vector<workbench::Check> GemmChecks() {
  return {
      {{"e.arguments", "unknown layouts and epilogues are refused", 0.5, false, {"a cast to bool"}}, CheckArguments},
      {{"e.values",
        "whole tiles, row-major",
        2,
        false,
        {"indices of a fragment", "a stage of shared memory is read before it is filled, or filled before it is read"}},
       CheckValues},
      {{"e.layouts",
        "row- and column-major, any leading dimension",
        2,
        false,
        {"one of the two is taken for its transpose", "the row's length in place of the leading dimension"}},
       CheckLayouts},
      {{"e.sizes",
        "any m, n, k, alignment and leading dimension",
        3,
        false,
        {"the last part of k that fills no tile is dropped", "what is past the edge is read and multiplied by 0: NaN",
         "16-byte accesses at addresses that are only element-aligned", "m, n or k of 0"}},
       CheckSizes},
      {{"e.accumulation",
        "sums in fp32: k = 2^17",
        1.5,
        false,
        {"bf16 or fp16 accumulators: a sum of ones stays at 256 or 2048", "parts of the sum are kept in bf16"}},
       CheckAccumulation},
      {{"e.epilogue",
        "bias and GELU",
        1.5,
        false,
        {"GELU's tanh form: off by up to 5e-4", "the bias is added by rows", "GELU in bf16"}},
       CheckEpilogue},
      {{"e.beta",
        "alpha and beta; with beta 0, C is not read",
        1.5,
        false,
        {"0 times NaN is NaN", "C is read after D has been written over it", "a null pointer is read"}},
       CheckBeta},
      {{"e.rounding",
        "one rounding, at the end",
        1,
        false,
        {"A B is rounded to bf16 before C is added", "bits are cut off"}},
       CheckRounding},
      {{"e.bounds", "nothing outside of D is written", 1, false, {"whole tiles are stored"}},
       [](CheckContext& context) {
         ForSizes(context, 9, Rounds(context) / 2,
                  [&](const GemmCase& g) { return JudgeGemm(context, g, GemmProperty::kBounds); });
       }},
      {{"e.input", "A, B, C and the bias are not written to", 0.5, false, {"transposed or padded in place"}},
       [](CheckContext& context) {
         ForSizes(context, 10, Rounds(context) / 3,
                  [&](const GemmCase& g) { return JudgeGemm(context, g, GemmProperty::kInput); });
       }},
      {{"e.graph",
        "captured once, replayed",
        0.5,
        false,
        {"a tile counter in the workspace that is not reset", "a descriptor in host memory that is gone"}},
       CheckGraph},
      {{"e.speed",
        "4096^3, 8192^3, 8192 x 28672 x 4096, 4095 x 4097 x 4099",
        5,
        true,
        {"no tensor cores", "no overlap of copies and products", "bank conflicts", "ragged sizes on a slow path"}},
       CheckSpeed},
  };
}

}  // namespace q05
