#include "questions/q05_mixed_precision/timing.h"

#include <algorithm>
#include <cstdio>

#include "grader/engine.h"
#include "grader/statistics.h"

namespace q05 {

using workbench::CheckContext;

namespace {

constexpr double kDeadlineSeconds = 180;
constexpr int kRounds = 4, kSamples = 7;

}  // namespace

bool Speed::Measure() {
  std::vector<std::byte> request;
  Append(&request, RequestKind::kCeilings);
  CheckContext::Replies replies;
  if (!context_.Run(part_, 0, request, kDeadlineSeconds, {}, &replies)) return false;
  ceilings_ = Read<Ceilings>(replies[0]);
  ceilings_.device[sizeof ceilings_.device - 1] = '\0';
  context_.SetDevice(ceilings_.device);
  context_.SetMeasuredOn(workbench::MeasuredOn::kGpu);
  return measured_ = true;
}

bool Speed::Sample(const TimedCase& timed, uint64_t seed, bool reference, double* median) {
  const Inputs inputs = {{"case", timed.name}, {"seed", std::to_string(seed)}};
  CheckContext::Replies replies;
  if (!context_.Run(part_, 0, timed.Request(seed, kSamples), kDeadlineSeconds, inputs, &replies, reference))
    return false;
  TimingReply reply = Read<TimingReply>(replies[0]);
  reply.call_error_name[sizeof reply.call_error_name - 1] = '\0';
  if (!NoCallError(context_, timed.kind, reply.call_error, reply.call_error_name, inputs)) return false;
  TimedResult result;
  result.seed = seed;
  result.seconds = SecondsOf(replies[0]);
  size_t at = sizeof reply + result.seconds.size() * sizeof(double);
  uint64_t bytes = 0;
  for (const Window& window : timed.windows) {
    result.windows.push_back(ReadAll<std::byte>(replies[0], at, window.bytes));
    at += window.bytes;
    bytes += window.bytes;
  }
  Mismatches wrong;
  timed.judge(timed, result, &wrong);
  if (!wrong.Judge(context_, "the timed result is right", inputs, bytes)) return false;
  double total = 0;
  for (const double each : result.seconds) total += each;
  if (result.seconds.empty() || !(total > 0) || total > context_.last_case_seconds()) {
    context_.Fail(NewFinding("the device's time fits into the time that passed outside", inputs));
    return false;
  }
  *median = workbench::Median(result.seconds);
  context_.RecordSamples(timed.name, reference ? "reference" : "answer", result.seconds);
  return true;
}

bool Speed::Time(const TimedCase& timed) {
  if (!measured_ && !Measure()) return false;
  std::vector<double> answer, reference;
  for (int round = 0; round < kRounds; ++round) {
    for (int half = 0; half < 2; ++half) {
      const bool is_reference = (half == 0) == (round % 2 == 1);
      double median = 0;
      if (!Sample(timed, workbench::Mix(context_.seed() + static_cast<uint64_t>(round)), is_reference, &median))
        return false;
      (is_reference ? reference : answer).push_back(median);
    }
  }
  const double time = workbench::Median(answer), ratio = time / workbench::Median(reference);
  context_.Figure(timed.name + ": us", time * 1e6);
  context_.Figure(timed.name + ": time / reference", ratio);
  if (timed.flops > 0) {
    context_.Figure(timed.name + ": TFLOP/s", timed.flops / time * 1e-12);
  } else {
    context_.Figure(timed.name + ": % of measured copy bandwidth",
                    100 * timed.bytes / time / ceilings_.copy_bytes_per_second);
  }
  context_.RecordRoofline(ceilings_.copy_bytes_per_second, std::nullopt, {timed.name, timed.bytes, timed.flops, time});
  fraction_ += workbench::PerformanceFraction(ratio);
  ++cases_;
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", ratio);
  detail_ += (detail_.empty() ? "" : ", ") + timed.name + ": " + text + " times the reference's time";
  return true;
}

void Speed::Finish() { context_.EarnFraction(fraction_ / cases_, detail_); }

}  // namespace q05
