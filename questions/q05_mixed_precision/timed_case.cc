#include "questions/q05_mixed_precision/timed_case.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "questions/q05_mixed_precision/gemm_case.h"
#include "questions/q05_mixed_precision/norm_case.h"
#include "questions/q05_mixed_precision/oracle_adam.h"

namespace q05 {
namespace {

constexpr Format kHalf = Format::kFloat16, kBf16 = Format::kBFloat16;

// Windows of buffers of one kind of elements: calls judge(index, window, element in it) for each of windows [first,
// last).
template <typename Judge>
void ForWindows(const TimedCase& c, size_t first, size_t last, size_t element_bytes, const Judge& judge) {
  for (size_t w = first; w < last; ++w) {
    for (size_t i = 0; i < c.windows[w].bytes / element_bytes; ++i)
      judge(c.windows[w].offset / element_bytes + i, w, i);
  }
}

void JudgeCode(Format format, uint64_t index, uint32_t expected, uint32_t actual, Mismatches* wrong) {
  if (actual != expected) wrong->Add(index, DescribeCode(format, expected), DescribeCode(format, actual));
}

FillType TypeOf(Role role) {
  const bool floats = role >= Role::kGivenMean && role != Role::kOut;
  return floats ? FillType::kFloat32 : FillType::kBFloat16;
}

}  // namespace

double TimedValue(uint64_t seed, int buffer, uint64_t index, Fill fill) {
  const uint64_t random = workbench::Mix(TimedKey(seed, buffer) ^ index);
  switch (fill) {
    case Fill::kFraction:
      return (static_cast<double>(random % 129) - 64) / 64;
    case Fill::kPositive:
      return static_cast<double>(random % 64 + 1) / 64;
    case Fill::kOne:
      return 1;
    default:
      return 0;
  }
}

FillType FillTypeOf(Format format) {
  return format == Format::kFloat32    ? FillType::kFloat32
         : format == Format::kFloat16  ? FillType::kFloat16
         : format == Format::kBFloat16 ? FillType::kBFloat16
                                       : FillType::kByte;
}

void TimedCase::AddWindows(int buffer, uint64_t elements, size_t element_bytes, uint64_t length) {
  constexpr uint64_t kWindows = 16;
  length = std::min(elements, length);
  for (uint64_t i = 0; i < kWindows; ++i) {
    const uint64_t first = i + 1 == kWindows ? elements - length : (elements - length) / (kWindows - 1) * i;
    windows.push_back({buffer, 0, first * element_bytes, length * element_bytes});
  }
}

std::vector<std::byte> TimedCase::Request(uint64_t seed, int samples) const {
  TimingRequest request;
  request.call = kind;
  request.seed = seed;
  request.parameter_bytes = static_cast<uint32_t>(parameters.size());
  request.buffers = static_cast<uint32_t>(buffers.size());
  request.windows = static_cast<uint32_t>(windows.size());
  request.samples = samples;
  std::vector<std::byte> bytes;
  Append(&bytes, request);
  bytes.insert(bytes.end(), parameters.begin(), parameters.end());
  AppendAll(&bytes, buffers);
  AppendAll(&bytes, windows);
  return bytes;
}

std::vector<double> SecondsOf(std::span<const std::byte> reply) {
  const TimingReply result = Read<TimingReply>(reply);
  return result.call_error != 0 ? std::vector<double>() : ReadAll<double>(reply, sizeof result, result.samples);
}

TimedCase TimedConversion(Format from, Format to) {
  ConvertParameters parameters;
  parameters.count = uint64_t{1} << 28;
  parameters.from = static_cast<int32_t>(from);
  parameters.to = static_cast<int32_t>(to);
  TimedCase timed;
  timed.name = std::string(TraitsOf(from).name) + " to " + TraitsOf(to).name;
  timed.kind = RequestKind::kConvert;
  timed.SetParameters(parameters);
  timed.bytes = static_cast<double>(parameters.count) * static_cast<double>(ElementBytes(from) + ElementBytes(to));
  timed.buffers = {{parameters.count, FillTypeOf(from), Fill::kFraction},
                   {parameters.count, FillTypeOf(to), Fill::kPoison}};
  timed.AddWindows(1, parameters.count, ElementBytes(to));
  timed.judge = [to](const TimedCase& c, const TimedResult& result, Mismatches* wrong) {
    ForWindows(c, 0, c.windows.size(), ElementBytes(to), [&](uint64_t index, size_t w, size_t i) {
      const uint32_t expected = EncodeNearest(to, TimedValue(result.seed, 0, index, Fill::kFraction));
      JudgeCode(to, index, expected, CodeAt(to, result.windows[w].data(), i), wrong);
    });
  };
  return timed;
}

std::vector<uint64_t> SixteenTensors() { return std::vector<uint64_t>(16, uint64_t{1} << 24); }

std::vector<uint64_t> TwoThousandTensors() {
  Draws draws(20240229);
  std::vector<uint64_t> counts;
  for (int t = 0; t < 2000; ++t) counts.push_back(static_cast<uint64_t>(std::exp2(10 + 10 * draws.Uniform())));
  return counts;
}

TimedCase TimedList(const std::string& name, const std::vector<uint64_t>& counts) {
  TimedCase timed;
  timed.name = name;
  timed.kind = RequestKind::kUnscale;
  Append(&timed.parameters, UnscaleParameters{static_cast<int32_t>(kHalf), static_cast<int32_t>(counts.size())});
  uint64_t elements = 0;
  for (const uint64_t count : counts) {
    Append(&timed.parameters, TensorPlace{elements * 2, count});
    elements += count;
  }
  timed.bytes = 4.0 * static_cast<double>(elements);
  timed.buffers = {{elements, FillType::kFloat16, Fill::kFraction},
                   {1, FillType::kFloat32, Fill::kPositive},
                   {1, FillType::kFloat32, Fill::kZero},
                   {1, FillType::kFloat32, Fill::kPoison}};
  timed.AddWindows(0, elements, 2);
  timed.windows.push_back({2, 0, 0, 4});
  timed.windows.push_back({3, 0, 0, 4});
  auto sums = std::make_shared<std::map<uint64_t, double>>();  // of squares, by seed
  timed.judge = [elements, sums](const TimedCase& c, const TimedResult& result, Mismatches* wrong) {
    const float inverse = static_cast<float>(TimedValue(result.seed, 1, 0, Fill::kPositive));
    ForWindows(c, 0, c.windows.size() - 2, 2, [&](uint64_t index, size_t w, size_t i) {
      const float x = static_cast<float>(TimedValue(result.seed, 0, index, Fill::kFraction));
      JudgeCode(kHalf, index, EncodeNearest(kHalf, x * inverse), CodeAt(kHalf, result.windows[w].data(), i), wrong);
    });
    double& sum = (*sums)[result.seed];
    if (sum == 0) {
      for (uint64_t i = 0; i < elements; ++i) {
        const double x = TimedValue(result.seed, 0, i, Fill::kFraction);
        sum += x * x;  // exact: multiples of 2^-12
      }
    }
    const double norm = ValueAt(Format::kFloat32, result.windows.back().data(), 0), expected = std::sqrt(sum) * inverse;
    if (!(std::fabs(norm - expected) <= 0x1p-20 * expected)) wrong->Add(0, "norm " + Number(expected), Number(norm));
    const double found = ValueAt(Format::kFloat32, result.windows[result.windows.size() - 2].data(), 0);
    if (found != 0) wrong->Add(0, "found_inf 0", Number(found));
  };
  return timed;
}

TimedCase TimedAdam() {
  constexpr uint64_t kTensors = 16, kElements = uint64_t{1} << 24, kAll = kTensors * kElements;
  TimedCase timed;
  timed.name = "16 tensors of 2^24, bf16";
  timed.kind = RequestKind::kAdam;
  AdamParameters config;
  config.weight_decay = 0.01;
  config.tensors = kTensors;
  timed.SetParameters(config);
  for (uint64_t t = 0; t < kTensors; ++t) {
    const uint64_t first = t * kElements;
    Append(&timed.parameters, AdamPlace{kElements, {2 * first, 4 * first, 4 * first, 4 * first, 2 * first}});
  }
  timed.bytes = static_cast<double>(kAll) * (2 + 3 * (4 + 4) + 2);
  timed.buffers = {{kAll, FillType::kBFloat16, Fill::kFraction}, {kAll, FillType::kFloat32, Fill::kFraction},
                   {kAll, FillType::kFloat32, Fill::kFraction},  {kAll, FillType::kFloat32, Fill::kPositive},
                   {kAll, FillType::kBFloat16, Fill::kPoison},   {1, FillType::kFloat32, Fill::kPositive},
                   {1, FillType::kFloat32, Fill::kZero},         {1, FillType::kInt64, Fill::kZero}};
  for (const int b : {kMasters, kFirstMoments, kSecondMoments}) timed.AddWindows(b, kAll, 4);
  timed.AddWindows(kCopies, kAll, 2);
  timed.judge = [config](const TimedCase& c, const TimedResult& result, Mismatches* wrong) {
    const size_t windows = c.windows.size() / 4;  // of each buffer
    const float inverse = static_cast<float>(TimedValue(result.seed, kInverseScale, 0, Fill::kPositive));
    ForWindows(c, 0, windows, 4, [&](uint64_t index, size_t w, size_t i) {
      const auto value = [&](int b) {
        return TimedValue(result.seed, b, index, c.buffers[static_cast<size_t>(b)].fill);
      };
      const float g = static_cast<float>(value(kGradients)) * inverse;
      const AdamExpected expected =
          AdamStep(config, 1, g, {value(kMasters), value(kFirstMoments), value(kSecondMoments)});
      const auto judge = [&](size_t which, double wanted, double tolerance) {
        const double actual = ValueAt(Format::kFloat32, result.windows[which * windows + w].data(), i);
        if (!(std::fabs(actual - wanted) <= tolerance)) wrong->Add(index, Number(wanted), Number(actual));
        return actual;
      };
      const double master = judge(0, expected.value.master, expected.tolerance.master);
      judge(1, expected.value.first, expected.tolerance.first);
      judge(2, expected.value.second, expected.tolerance.second);
      JudgeCode(kBf16, index, EncodeNearest(kBf16, master), CodeAt(kBf16, result.windows[3 * windows + w].data(), i),
                wrong);
    });
  };
  return timed;
}

TimedCase TimedProduct(int64_t m, int64_t n, int64_t k) {
  GemmParameters p;
  p.m = m, p.n = n, p.k = k;
  p.lda = k, p.ldb = n, p.ldc = n, p.ldd = n;
  TimedCase timed;
  timed.name = std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k);
  timed.kind = RequestKind::kGemm;
  timed.SetParameters(p);
  const auto elements = [](int64_t rows, int64_t columns) { return static_cast<uint64_t>(rows * columns); };
  timed.buffers = {{elements(m, k), FillType::kBFloat16, Fill::kFraction},
                   {elements(k, n), FillType::kBFloat16, Fill::kFraction},
                   {},
                   {elements(m, n), FillType::kBFloat16, Fill::kPoison},
                   {}};
  timed.AddWindows(3, elements(m, n), 2, 32);
  timed.flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  timed.bytes = 2.0 * static_cast<double>(m * k + k * n + m * n);
  timed.judge = [p](const TimedCase& c, const TimedResult& result, Mismatches* wrong) {
    const uint64_t n = static_cast<uint64_t>(p.n), k = static_cast<uint64_t>(p.k);
    ForWindows(c, 0, c.windows.size(), 2, [&](uint64_t index, size_t w, size_t i) {
      double sum = 0, magnitude = 0;
      for (uint64_t t = 0; t < k; ++t) {
        const double product = TimedValue(result.seed, 0, index / n * k + t, Fill::kFraction) *
                               TimedValue(result.seed, 1, t * n + index % n, Fill::kFraction);
        sum += product;
        magnitude += std::fabs(product);
      }
      const uint32_t actual = CodeAt(kBf16, result.windows[w].data(), i);
      if (!Near(Finish(p, sum, magnitude, 0, 0), actual)) wrong->Add(index, Number(sum), DescribeCode(kBf16, actual));
    });
  };
  return timed;
}

TimedCase TimedRows(NormFunction function, int64_t hidden) {
  constexpr int64_t kElements = int64_t{1} << 27;
  constexpr int kRows = 6;  // that are looked at
  const int64_t rows = kElements / hidden;
  const std::vector<Role> roles = RolesOf(function);
  NormParameters p;
  p.function = function;
  p.format = static_cast<int32_t>(Format::kBFloat16);
  p.rows = rows;
  p.hidden = hidden;
  p.epsilon = 1e-5f;
  TimedCase timed;
  timed.name = std::string(NameOf(function)).substr(4) + ", hidden " + std::to_string(hidden);
  timed.kind = RequestKind::kNorm;
  timed.SetParameters(p);
  for (size_t b = 0; b < roles.size(); ++b) {
    const Role role = roles[b];
    const bool whole = role == Role::kX || role == Role::kDy || role == Role::kOut;
    const bool by_row =
        role == Role::kGivenMean || role == Role::kGivenRstd || role == Role::kMean || role == Role::kRstd;
    const bool output = role >= Role::kOut;
    const uint64_t elements = static_cast<uint64_t>(whole ? rows * hidden : by_row ? rows : hidden);
    const Fill fill = output                                             ? Fill::kPoison
                      : role == Role::kGivenRstd || role == Role::kGamma ? Fill::kPositive
                                                                         : Fill::kFraction;
    timed.buffers.push_back({elements, TypeOf(role), fill});
    timed.bytes += static_cast<double>(elements * BytesOf(TypeOf(role)));
    if (role != Role::kOut) continue;
    for (int64_t i = 0; i < kRows; ++i) {
      const uint64_t first = static_cast<uint64_t>((rows - 1) * i / (kRows - 1) * hidden);
      timed.windows.push_back({static_cast<int32_t>(b), 0, first * 2, static_cast<uint64_t>(hidden) * 2});
    }
  }
  timed.judge = [p, roles](const TimedCase& c, const TimedResult& result, Mismatches* wrong) {
    for (size_t w = 0; w < c.windows.size(); ++w) {
      const uint64_t n = static_cast<uint64_t>(p.hidden), first = c.windows[w].offset / 2;
      NormRow row;
      row.epsilon = p.epsilon;
      for (size_t b = 0; b < roles.size(); ++b) {
        const auto value = [&](uint64_t index) {
          return TimedValue(result.seed, static_cast<int>(b), index, c.buffers[b].fill);
        };
        if (roles[b] == Role::kGivenMean) row.mean = value(first / n);
        if (roles[b] == Role::kGivenRstd) row.rstd = value(first / n);
        for (uint64_t i = 0; i < n; ++i) {
          if (roles[b] == Role::kX) row.x.push_back(value(first + i));
          if (roles[b] == Role::kDy) row.dy.push_back(value(first + i));
          if (roles[b] == Role::kGamma) row.gamma.push_back(value(i));
          if (roles[b] == Role::kBeta) row.beta.push_back(value(i));
        }
      }
      const NormRowExpected expected = ExpectedRow(p.function, row);
      for (uint64_t i = 0; i < n; ++i) {
        const uint32_t code = CodeAt(Format::kBFloat16, result.windows[w].data(), i);
        if (!Near(Format::kBFloat16, expected.out[i], code)) {
          wrong->Add(first + i, Number(expected.out[i].value), DescribeCode(Format::kBFloat16, code));
        }
      }
    }
  };
  return timed;
}

}  // namespace q05
