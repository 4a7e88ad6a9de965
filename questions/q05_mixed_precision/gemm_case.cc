#include "questions/q05_mixed_precision/gemm_case.h"

#include <cmath>
#include <limits>

namespace q05 {

using workbench::CheckContext;

namespace {

constexpr Format kBf16 = Format::kBFloat16;
constexpr uint32_t kNan = 0x7fc0;
const std::vector<std::string> kNames = {"A", "B", "C", "D", "bias"};
constexpr int kC = 2, kD = 3;

// A matrix of the judge: values, and the codes that it has in memory.
struct Matrix {
  int64_t rows = 0, columns = 0, ld = 0;
  bool column_major = false;
  std::vector<uint16_t> codes;

  Matrix(int64_t rows, int64_t columns, int64_t pad, bool column_major)
      : rows(rows), columns(columns), ld((column_major ? rows : columns) + pad), column_major(column_major) {
    const int64_t lines = column_major ? columns : rows, length = column_major ? rows : columns;
    codes.assign(static_cast<size_t>(lines == 0 || length == 0 ? 0 : (lines - 1) * ld + length), kNan);
  }
  size_t At(int64_t i, int64_t j) const { return static_cast<size_t>(column_major ? j * ld + i : i * ld + j); }
  double Value(int64_t i, int64_t j) const { return Decode(kBf16, codes[At(i, j)]); }
  size_t bytes() const { return codes.size() * 2; }
  template <typename Draw>
  void Fill(const Draw& draw) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) codes[At(i, j)] = static_cast<uint16_t>(EncodeNearest(kBf16, draw()));
    }
  }
  // Row-major doubles.
  std::vector<double> Values() const {
    std::vector<double> values;
    values.reserve(static_cast<size_t>(rows * columns));
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) values.push_back(Value(i, j));
    }
    return values;
  }
};

struct Prepared {
  Matrix a, b, c, bias;
  workbench::DeviceCall call;
  GemmParameters parameters;
};

Prepared Prepare(const GemmCase& g) {
  Prepared p{{g.m, g.k, g.pads[0], g.a_column_major},
             {g.k, g.n, g.pads[1], g.b_column_major},
             {g.m, g.n, g.addend == Addend::kSameAsD ? g.pads[kD] : g.pads[kC], false},
             {1, g.n, 0, false},
             {},
             {}};
  Draws draws(g.seed);
  const auto ab = [&] { return g.ab(&draws); };
  const auto c = [&] { return g.c(&draws); };
  p.a.Fill(ab);
  p.b.Fill(ab);
  p.bias.Fill(c);
  if (!g.c_is_nan) p.c.Fill(c);
  const Matrix d(g.m, g.n, g.pads[kD], false);
  workbench::DeviceCall& call = p.call;
  call.Input(p.a.codes.data(), p.a.bytes(), g.offsets[0] * 2);
  call.Input(p.b.codes.data(), p.b.bytes(), g.offsets[1] * 2);
  call.Input(p.c.codes.data(), g.addend == Addend::kOwn ? p.c.bytes() : 0, g.offsets[kC] * 2);
  if (g.addend == Addend::kSameAsD) {
    call.InOut(p.c.codes.data(), p.c.bytes(), g.offsets[kD] * 2);
  } else {
    call.Output(d.bytes(), g.offsets[kD] * 2);
  }
  call.Input(p.bias.codes.data(), g.epilogue != 0 ? p.bias.bytes() : 0, g.offsets[4] * 2);
  call.options.calls = g.calls;
  call.options.graph = g.graph;
  GemmParameters& q = p.parameters;
  q.m = g.m, q.n = g.n, q.k = g.k;
  q.lda = p.a.ld, q.ldb = p.b.ld, q.ldc = p.c.ld, q.ldd = d.ld;
  q.a_layout = g.a_column_major, q.b_layout = g.b_column_major;
  q.alpha = g.alpha, q.beta = g.beta;
  q.epilogue = g.epilogue;
  q.addend = g.addend;
  return p;
}

// What lies between the rows of D is as it was.
bool JudgeGaps(CheckContext& context, const GemmCase& g, const Prepared& p, const std::byte* d) {
  const uint32_t before = g.addend == Addend::kSameAsD ? kNan : 0xffff;
  for (int64_t i = 0; i + 1 < g.m && g.n > 0; ++i) {
    for (int64_t j = g.n; j < p.parameters.ldd; ++j) {
      if (CodeAt(kBf16, d, static_cast<size_t>(i * p.parameters.ldd + j)) == before) continue;
      workbench::Finding finding = NewFinding("nothing outside of D is written", Describe(g));
      finding.actual = "row " + std::to_string(i) + ": the element at column " + std::to_string(j) + " has changed";
      context.Fail(finding);
      return false;
    }
  }
  return true;
}

}  // namespace

double OnesAndZeros(Draws* draws) { return static_cast<double>(draws->Below(3)) - 1; }

Inputs Describe(const GemmCase& g) {
  Inputs inputs = {{"m, n, k", std::to_string(g.m) + ", " + std::to_string(g.n) + ", " + std::to_string(g.k)},
                   {"layouts", std::string(g.a_column_major ? "A column-major" : "A row-major") +
                                   (g.b_column_major ? ", B column-major" : ", B row-major")},
                   {"alpha, beta", Number(g.alpha) + ", " + Number(g.beta)}};
  constexpr const char* kEpilogues[] = {"none", "bias", "bias and GELU"};
  inputs.emplace_back("epilogue", kEpilogues[g.epilogue]);
  inputs.emplace_back("c", g.addend == Addend::kSameAsD ? "the same as d"
                           : g.addend == Addend::kNull  ? "nullptr"
                           : g.c_is_nan                 ? "NaNs"
                                                        : "a matrix of its own");
  std::string pads, offsets;
  for (const int64_t pad : g.pads) pads += (pads.empty() ? "" : ", ") + std::to_string(pad);
  for (const uint32_t offset : g.offsets) offsets += (offsets.empty() ? "" : ", ") + std::to_string(offset);
  inputs.emplace_back("between rows", pads + " elements (A, B, C, D)");
  inputs.emplace_back("offsets", offsets + " elements");
  if (g.graph) inputs.emplace_back("launched", "from a graph");
  inputs.emplace_back("seed", std::to_string(g.seed));
  return inputs;
}

GemmExpected Finish(const GemmParameters& gemm, double sum, double magnitude, double c, double bias) {
  const double product = gemm.alpha * sum, addend = gemm.beta == 0 ? 0 : gemm.beta * c;
  const double added = gemm.epilogue != 0 ? bias : 0, x = product + addend + added;
  const double sums = std::fabs(gemm.alpha) * static_cast<double>(gemm.k) * 0x1p-24 * magnitude;
  const double rest = 4 * 0x1p-24 * (std::fabs(product) + std::fabs(addend) + std::fabs(added));
  if (gemm.epilogue != 2) return {x, sums + rest};
  // GELU's slope is at most 1.13; its own arithmetic is off by a few units of 1 + erf, which is at most 2.
  return {x / 2 * (1 + std::erf(x / std::sqrt(2.0))), 1.13 * (sums + rest) + 8 * 0x1p-24 * std::fabs(x)};
}

bool Near(const GemmExpected& expected, uint32_t code) {
  const double actual = Decode(kBf16, code);
  return actual >= RoundTo(kBf16, expected.value - expected.tolerance) &&
         actual <= RoundTo(kBf16, expected.value + expected.tolerance);
}

bool JudgeGemm(CheckContext& context, const GemmCase& g, GemmProperty property) {
  const Prepared p = Prepare(g);
  Answer answer;
  if (!RunCall(context, "e", RequestKind::kGemm, p.call, p.parameters, Describe(g), &answer)) return false;
  const std::byte* d = answer.Bytes(p.call, kD);
  if (property == GemmProperty::kBounds) {
    return ZonesIntact(context, answer, kNames, Describe(g)) && JudgeGaps(context, g, p, d);
  }
  if (property == GemmProperty::kInput) return InputsIntact(context, answer, kNames, Describe(g));

  const std::vector<double> a = p.a.Values(), b = p.b.Values();
  std::vector<double> sums(static_cast<size_t>(g.n)), magnitudes(static_cast<size_t>(g.n));
  Mismatches wrong;
  for (int64_t i = 0; i < g.m; ++i) {
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(magnitudes.begin(), magnitudes.end(), 0.0);
    for (int64_t t = 0; t < g.k; ++t) {
      const double left = a[static_cast<size_t>(i * g.k + t)];
      for (int64_t j = 0; j < g.n; ++j) {
        const double product = left * b[static_cast<size_t>(t * g.n + j)];
        sums[static_cast<size_t>(j)] += product;
        magnitudes[static_cast<size_t>(j)] += std::fabs(product);
      }
    }
    for (int64_t j = 0; j < g.n; ++j) {
      GemmExpected expected = Finish(p.parameters, sums[static_cast<size_t>(j)], magnitudes[static_cast<size_t>(j)],
                                     g.beta == 0 ? 0 : p.c.Value(i, j), p.bias.Value(0, j));
      if (g.exact) expected.tolerance = 0;
      const uint32_t code = CodeAt(kBf16, d, static_cast<size_t>(i * p.parameters.ldd + j));
      if (Near(expected, code)) continue;
      wrong.Add(static_cast<uint64_t>(i * g.n + j),
                DescribeCode(kBf16, EncodeNearest(kBf16, expected.value)) + ", exactly " + Number(expected.value) +
                    ", at row " + std::to_string(i) + ", column " + std::to_string(j),
                DescribeCode(kBf16, code));
    }
  }
  return wrong.Judge(context, "D = epilogue(alpha A B + beta C), summed in fp32 and rounded once", Describe(g),
                     static_cast<uint64_t>(g.m * g.n));
}

}  // namespace q05
