// Part E on a GPU: planes at the speed of memory, and compression beside zlib.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
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

namespace {

constexpr int kSamples = 15, kRuns = 5;
constexpr double kShareOfCopy = 0.9;  // of a device-to-device copy's bandwidth, that planes are to have
constexpr double kTimesZlib = 20;     // the speed of zlib -6 on one thread

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The windows of a timed result, from its definition.
bool JudgeWindows(CheckContext& context, const PlanesTiming& call, const PlanesTimes& times,
                  const CompressInputs& inputs) {
  const Bytes tile = workbench::RandomBytes(kTimingPeriod, call.seed);
  const auto width = static_cast<size_t>(call.element_bytes);
  const size_t bytes = call.elements * width;
  const auto expected = [&](size_t at) {
    const size_t from =
        call.join != 0 ? at % width * call.elements + at / width : at % call.elements * width + at / call.elements;
    return tile[from % tile.size()];
  };
  size_t wrong = 0;
  for (size_t i = 0; i < kTimingWindow; ++i) {
    wrong += times.first[i] != expected(i) ? 1 : 0;
    wrong += times.last[i] != expected(bytes - kTimingWindow + i) ? 1 : 0;
  }
  return wrong == 0 || FailCompress(context, "what is timed is right", inputs, "",
                                    std::to_string(wrong) + " wrong bytes of those looked at");
}

// Achieved bandwidth over the copy's; 0 when a failure was recorded.
double ShareOfCopy(CheckContext& context, int width, bool join, double copy) {
  PlanesTiming call;
  call.element_bytes = width;
  call.elements = (size_t{1} << 30) / static_cast<size_t>(width);
  call.join = join ? 1 : 0;
  call.seed = Mix(context.seed() + 11);
  call.samples = kSamples;
  const std::string name = std::string(join ? "join" : "split") + ", " + std::to_string(width) + " bytes an element";
  const CompressInputs inputs = {{"case", name + ", 1 GiB"}};
  PlanesTimes times;
  if (!RunRequest(context, Encode(call), inputs, &times)) return 0;
  if (times.error != 0 || times.seconds.size() != kSamples || times.first.size() != kTimingWindow ||
      times.last.size() != kTimingWindow) {
    FailCompress(context, "the function returns cudaSuccess", inputs, "", "error " + std::to_string(times.error));
    return 0;
  }
  if (!JudgeWindows(context, call, times, inputs)) return 0;
  double total = 0;
  for (const double each : times.seconds) total += each;
  if (!(total > 0) || total > context.last_case_seconds()) {
    FailCompress(context, "the device's time fits into the time that passed outside", inputs, "", "");
    return 0;
  }
  const double median = MedianOf(times.seconds), bytes = 2.0 * (size_t{1} << 30);
  context.RecordSamples(name, "answer", times.seconds);
  context.RecordRoofline(copy, std::nullopt, {name, bytes, 0, median});
  context.Figure(name + ": % of measured copy bandwidth", 100 * bytes / median / copy);
  return bytes / median / copy;
}

}  // namespace

void CheckCompressSpeed(CheckContext& context) {
  CheckContext::Replies replies;
  if (!context.Run("e", 0, StartCompressRequest(CompressMode::kCeilings), 120, {}, &replies)) return;
  CompressCeilings ceilings = Reader(replies[0]).Read<CompressCeilings>();
  ceilings.device[sizeof ceilings.device - 1] = '\0';
  context.SetDevice(ceilings.device);
  context.SetMeasuredOn(workbench::MeasuredOn::kGpu);
  double fraction = 0;
  double least = 1e9;
  for (const int width : {2, 4, 8}) {
    for (const bool join : {false, true}) {
      const double share = ShareOfCopy(context, width, join, ceilings.copy_bytes_per_second);
      if (context.failed()) return;
      least = std::min(least, share);
      fraction += workbench::PerformanceFraction(kShareOfCopy / share) / 6;
    }
  }

  // Weights, moments and gradients in one tensor, as a checkpoint has them.
  const workbench::TrainedState state = workbench::TrainState(size_t{4} << 20);
  CompressData data;
  data.what = "trained weights, moments and gradients, fp32";
  data.element_bytes = 4;
  for (const workbench::TensorKind kind : workbench::kTensorKinds) {
    const Bytes part = workbench::Encode(state.of(kind), workbench::NumberFormat::kFloat32);
    data.bytes.insert(data.bytes.end(), part.begin(), part.end());
  }
  double zlib_seconds = 0;
  const size_t zlib = ZlibSize(data.bytes, 6, &zlib_seconds);
  const auto bytes = static_cast<double>(data.bytes.size());
  std::vector<double> seconds;
  size_t largest = 0;
  for (int run = 0; run < kRuns; ++run) {
    CompressOutcome outcome;
    // Half of the time in which it is to be over: the rest is for memory, copies and threads.
    if (!RunCompress(context, data, {.budget_seconds = zlib_seconds / kTimesZlib / 2}, &outcome)) return;
    if (run == 0 && !JudgeDecompress(context, data, outcome.out)) return;
    seconds.push_back(outcome.wall_seconds);
    largest = std::max(largest, outcome.out.size());
  }
  const double times_zlib = zlib_seconds / MedianOf(seconds);
  context.RecordSamples("compress, 64 MiB of trained state", "answer", seconds);
  context.Figure("compress: GB/s", bytes / MedianOf(seconds) * 1e-9);
  context.Figure("compress: times the speed of zlib -6", times_zlib);
  context.Figure("compress: ratio", static_cast<double>(largest) / bytes);
  context.Figure("zlib -6: ratio", static_cast<double>(zlib) / bytes);
  double compress = workbench::PerformanceFraction(kTimesZlib / times_zlib);
  if (largest >= zlib) compress = 0;  // fast, and nothing gained
  char text[160];
  std::snprintf(text, sizeof text, "planes at %.2f of the copy's bandwidth or more, compression at %.1f times zlib -6",
                least, times_zlib);
  context.EarnFraction((fraction + compress) / 2, text);
}

}  // namespace q13
