// Part E: how small, and in what time.
#include <algorithm>
#include <cstdio>
#include <string>

#include "grader/engine.h"
#include "grader/inputs.h"
#include "grader/statistics.h"
#include "harness/workloads/trained_tensors.h"
#include "questions/q13_checkpoint/checks_compress.h"
#include "questions/q13_checkpoint/compress_judge.h"

namespace q13 {

using workbench::CheckContext;
using workbench::Mix;
using workbench::NumberFormat;
using workbench::TensorKind;

namespace {

// In e.ratio: by how much all tensors of a number format have to be smaller than what zlib -6 and zstd -3 make of them,
// and by how much a single one may be larger. What planes gain is 6 to 20 % (bf16 most, gradients least).
constexpr double kMargin = 0.05, kTolerance = 0.01;
constexpr double kBf16Weights = 0.75;
// In e.budget and e.random.
constexpr double kTinySeconds = 1e-3;
constexpr double kLargerIsSmaller = 0.03;

workbench::TrainingOptions Training(const CheckContext& context) {
  workbench::TrainingOptions options;
  options.seed = Mix(context.seed() + 8) % 1000000;
  return options;
}

std::string Text(double value, const char* format) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// CPU seconds that a call with a tiny budget may take: a low level several times over, the answer's own planes,
// threads.
double GenerousSeconds(const CompressOutcome& outcome, double zstd_seconds) {
  return 0.2 + 10 * zstd_seconds + 3 * outcome.split_cpu_seconds;
}

bool JudgeTime(CheckContext& context, const CompressData& data, const CompressOutcome& outcome, double zstd_seconds) {
  if (context.checked()) return true;  // times say nothing then
  const double allowed = GenerousSeconds(outcome, zstd_seconds);
  context.Figure(data.what + ": CPU seconds with a budget of 1 ms", outcome.cpu_seconds);
  if (outcome.cpu_seconds <= allowed) return true;
  CompressInputs inputs = Describe(data);
  inputs.emplace_back("budget_seconds", Text(kTinySeconds, "%g"));
  return FailCompress(
      context, "with next to no time, next to none is taken", inputs,
      "at most " + Text(allowed, "%.2f") + " s of all threads", Text(outcome.cpu_seconds, "%.2f") + " s",
      "allowed: 0.2 s, 10 times zstd -1 of the same bytes on one thread (" + Text(zstd_seconds, "%.3f") +
          " s), 3 times q13_split_planes and the copy to the host (" + Text(outcome.split_cpu_seconds, "%.3f") + " s)");
}

}  // namespace

void CheckCompressRatio(CheckContext& context) {
  const workbench::TrainedState state =
      workbench::TrainState(Affordable(context, 1 << 20, 1 << 18, 1 << 15), Training(context));
  for (const NumberFormat format : workbench::kNumberFormats) {
    const std::string format_name = workbench::NumberFormatName(format);
    size_t all = 0, all_zlib = 0, all_zstd = 0, all_bytes = 0;
    for (const TensorKind kind : workbench::kTensorKinds) {
      CompressData data;
      data.what = "trained " + std::string(workbench::TensorKindName(kind)) + ", " + format_name;
      data.element_bytes = workbench::NumberFormatBytes(format);
      data.bytes = workbench::Encode(state.of(kind), format);
      CompressOutcome outcome;
      if (!RunCompress(context, data, {.budget_seconds = 0.5}, &outcome)) return;
      if (!JudgeDecompress(context, data, outcome.out)) return;
      if (context.checked()) continue;  // too small for sizes to say anything
      const size_t size = outcome.out.size(), zlib = ZlibSize(data.bytes, 6), zstd = ZstdSize(data.bytes, 3);
      const auto bytes = static_cast<double>(data.bytes.size());
      context.Figure(data.what + ": ratio", static_cast<double>(size) / bytes);
      context.Figure(data.what + ": zlib -6", static_cast<double>(zlib) / bytes);
      context.Figure(data.what + ": zstd -3", static_cast<double>(zstd) / bytes);
      const size_t least = std::min(zlib, zstd);
      if (static_cast<double>(size) > (1 + kTolerance) * static_cast<double>(least)) {
        FailCompress(context, "no tensor is larger than plain zlib -6 or zstd -3 makes it", Describe(data),
                     "at most " + std::to_string(least) + " bytes (zlib " + std::to_string(zlib) + ", zstd " +
                         std::to_string(zstd) + ")",
                     std::to_string(size));
        return;
      }
      if (format == NumberFormat::kBFloat16 && kind == TensorKind::kWeights &&
          static_cast<double>(size) > kBf16Weights * bytes) {
        FailCompress(context, "weights in bf16 come down to three quarters", Describe(data),
                     "at most " + Percent(kBf16Weights), Percent(static_cast<double>(size) / bytes));
        return;
      }
      all += size;
      all_zlib += zlib;
      all_zstd += zstd;
      all_bytes += data.bytes.size();
    }
    if (context.checked()) continue;
    const double allowed = (1 - kMargin) * static_cast<double>(std::min(all_zlib, all_zstd));
    if (static_cast<double>(all) > allowed) {
      const auto total = static_cast<double>(all_bytes);
      FailCompress(
          context, "trained tensors become at least 5 % smaller than plain zlib -6 and zstd -3 make them",
          {{"data", "weights, both moments and gradients in " + format_name}, {"bytes", std::to_string(all_bytes)}},
          "at most " + Percent(allowed / total) + " of the bytes (zlib " +
              Percent(static_cast<double>(all_zlib) / total) + ", zstd " +
              Percent(static_cast<double>(all_zstd) / total) + ")",
          Percent(static_cast<double>(all) / total));
      return;
    }
  }
}

void CheckCompressBudget(CheckContext& context) {
  const CompressData data = WordsData(Affordable(context, 8u << 20, 8u << 20, 1 << 15), Mix(context.seed() + 9));
  double zstd_seconds = 0;
  ZstdSize(data.bytes, 1, &zstd_seconds);
  CompressOutcome tiny;
  if (!RunCompress(context, data, {.budget_seconds = kTinySeconds, .measure_split = true}, &tiny)) return;
  if (!JudgeTime(context, data, tiny, zstd_seconds)) return;
  if (!JudgeDecompress(context, data, tiny.out)) return;
  if (context.checked()) return;
  for (const double budget : {0.1, 2.0}) {
    CompressOutcome more;
    if (!RunCompress(context, data, {.budget_seconds = budget}, &more)) return;
    const bool long_enough = budget > 1;
    const double allowed = static_cast<double>(tiny.out.size()) * (long_enough ? 1 - kLargerIsSmaller : 1.01);
    context.Figure("words with " + Text(budget, "%g") + " s: ratio",
                   static_cast<double>(more.out.size()) / static_cast<double>(data.bytes.size()));
    if (static_cast<double>(more.out.size()) > allowed) {
      CompressInputs inputs = Describe(data);
      inputs.emplace_back("budget_seconds", Text(budget, "%g"));
      FailCompress(context,
                   long_enough ? "with much more time the result is smaller" : "more time makes nothing larger", inputs,
                   "at most " + Text(allowed, "%.0f") + " bytes, with 1 ms it were " + std::to_string(tiny.out.size()),
                   std::to_string(more.out.size()));
      return;
    }
    if (!JudgeDecompress(context, data, more.out)) return;
  }
}

void CheckCompressRandom(CheckContext& context) {
  const CompressData data = RandomData(Affordable(context, 8u << 20, 8u << 20, 1 << 14), 4, Mix(context.seed() + 10));
  double zstd_seconds = 0;
  ZstdSize(data.bytes, 1, &zstd_seconds);
  CompressOutcome outcome;
  if (!RunCompress(context, data, {.budget_seconds = kTinySeconds, .measure_split = true}, &outcome)) return;
  if (JudgeTime(context, data, outcome, zstd_seconds)) (void)JudgeDecompress(context, data, outcome.out);
}

}  // namespace q13
