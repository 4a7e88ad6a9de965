// Part A: how long training stands still, and how it does beside a save.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "grader/engine.h"
#include "grader/statistics.h"
#include "questions/q13_checkpoint/checks_snapshot.h"
#include "questions/q13_checkpoint/protocol.h"
#include "questions/q13_checkpoint/snapshot_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;
using workbench::Median;

constexpr double kDeadlineSeconds = 180;
constexpr int kRounds = 3, kSamples = 3;
constexpr double kWriterBytesPerSecond = 2e9;
constexpr const char* kNames[] = {"room on the device", "room in pinned memory", "a ring"};

struct Measured {
  SnapshotSpeedReply head;
  std::vector<double> stalls, alone, beside;
};

std::string Text(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

class Timing {
 public:
  explicit Timing(CheckContext& context) : context_(context) {}

  // False when a failure was recorded.
  bool Measure(SnapshotSpeedRequest request, bool reference, Measured* measured) {
    request.kind = static_cast<int32_t>(RequestKind::kSnapshot);
    request.samples = kSamples;
    request.bytes = int64_t{1} << (context_.long_tier() ? 32 : 30);
    request.ring_bytes = int64_t{256} << 20;
    const CheckContext::Inputs inputs = {{"case", kNames[static_cast<int>(request.room)]},
                                         {"bytes", std::to_string(request.bytes)}};
    std::vector<std::byte> bytes;
    Append(&bytes, request);
    CheckContext::Replies replies;
    if (!context_.Run("a", 0, bytes, kDeadlineSeconds, inputs, &replies, reference)) return false;
    Reader reader(replies[0]);
    measured->head = reader.Read<SnapshotSpeedReply>();
    const std::vector<double> times = reader.ReadAll<double>();
    measured->head.device[sizeof measured->head.device - 1] = '\0';
    context_.SetDevice(measured->head.device);
    context_.SetMeasuredOn(workbench::MeasuredOn::kGpu);
    const size_t samples = measured->head.samples;
    workbench::Finding finding;
    finding.input = inputs;
    finding.property = "what is timed is right";
    if (!reader.done() || !measured->head.created || samples != kSamples ||
        times.size() != samples * (request.slowdown ? 3 : 1)) {
      finding.actual = measured->head.created ? "no times" : "q13_snapshot_create returned nullptr";
    } else if (measured->head.error != 0) {
      finding.actual = "Save or Wait returned " + SnapshotErrorName(measured->head.error);
    } else if (measured->head.wrong_bytes != 0) {
      finding.expected = "every byte once";
      finding.actual = std::to_string(measured->head.wrong_bytes) + " bytes too many in all";
    } else if (measured->head.wrong_words != 0) {
      finding.actual = std::to_string(measured->head.wrong_words) + " wrong bytes of those looked at";
    }
    if (!finding.actual.empty()) {
      context_.Fail(finding);
      return false;
    }
    const auto part = [&](size_t i) {
      const auto begin = times.begin() + static_cast<std::ptrdiff_t>(i * samples);
      return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(samples));
    };
    measured->stalls = part(0);
    if (request.slowdown) measured->alone = part(1), measured->beside = part(2);
    return true;
  }

 private:
  CheckContext& context_;
};

// What a stall may be, by what this GPU and this writer can do.
double Limit(SnapshotRoom room, const SnapshotSpeedReply& head) {
  switch (room) {
    case SnapshotRoom::kDevice:
      return 1.5 * head.plain_seconds;
    case SnapshotRoom::kPinned:
      return 1.15 * head.plain_seconds;
    case SnapshotRoom::kRing:
      break;
  }
  return 1.1 * static_cast<double>(head.bytes - (int64_t{256} << 20)) / kWriterBytesPerSecond;
}

}  // namespace

void CheckSnapshotStall(CheckContext& context) {
  Timing timing(context);
  double fraction = 0;
  std::string detail;
  for (const SnapshotRoom room : {SnapshotRoom::kDevice, SnapshotRoom::kPinned, SnapshotRoom::kRing}) {
    const std::string name = kNames[static_cast<int>(room)];
    SnapshotSpeedRequest request;
    request.room = room;
    if (room == SnapshotRoom::kRing) request.sink_bytes_per_second = kWriterBytesPerSecond;
    std::vector<double> answer, reference;
    double limit = 0;
    Measured measured;
    // A ring's saves take as long as the writer does.
    for (int round = 0; round < (room == SnapshotRoom::kRing ? 1 : kRounds); ++round) {
      for (const bool is_reference : {round % 2 == 1, round % 2 == 0}) {
        request.seed = workbench::Mix(context.seed() + static_cast<uint64_t>(round));
        if (!timing.Measure(request, is_reference, &measured)) return;
        context.RecordSamples("stall, " + name, is_reference ? "reference" : "answer", measured.stalls);
        (is_reference ? reference : answer).push_back(Median(measured.stalls));
        if (is_reference) limit = std::max(limit, Limit(room, measured.head));
      }
    }
    const double stall = Median(answer), ratio = stall / std::max(limit, Median(reference));
    context.Figure(name + ": stall, ms", stall * 1e3);
    context.Figure(name + ": reference's stall, ms", Median(reference) * 1e3);
    context.Figure(name + ": stall that is allowed, ms", limit * 1e3);
    if (room != SnapshotRoom::kRing) context.Figure(name + ": plain copy, ms", measured.head.plain_seconds * 1e3);
    if (room == SnapshotRoom::kDevice) {
      context.RecordRoofline(measured.head.copy_bytes_per_second, std::nullopt,
                             {"stall, " + name, 2.0 * static_cast<double>(measured.head.bytes), 0, stall});
    }
    fraction += workbench::PerformanceFraction(ratio) / 3;
    detail += (detail.empty() ? "" : ", ") + name + ": " + Text(stall * 1e3, "%.2f ms") + " of " +
              Text(limit * 1e3, "%.2f ms");
  }
  context.EarnFraction(fraction, detail);
}

void CheckSnapshotSlowdown(CheckContext& context) {
  Timing timing(context);
  std::vector<double> answer, reference;
  for (int round = 0; round < kRounds; ++round) {
    for (const bool is_reference : {round % 2 == 1, round % 2 == 0}) {
      SnapshotSpeedRequest request;
      request.room = SnapshotRoom::kDevice;
      request.slowdown = 1;
      request.seed = workbench::Mix(context.seed() + static_cast<uint64_t>(round));
      Measured measured;
      if (!timing.Measure(request, is_reference, &measured)) return;
      const std::string who = is_reference ? "reference" : "answer";
      context.RecordSamples("training beside a save", who, measured.beside);
      if (!is_reference) context.RecordSamples("training beside a save", "alone", measured.alone);
      (is_reference ? reference : answer).push_back(Median(measured.beside) / Median(measured.alone));
    }
  }
  constexpr double kAllowed = 1.03;
  const double slowdown = Median(answer), allowed = std::max(kAllowed, Median(reference));
  context.Figure("time beside a save / alone", slowdown);
  context.Figure("the reference's", Median(reference));
  // A percent more is not nothing: full marks up to half a percent, none from 90 % on.
  context.EarnFraction(
      workbench::PerformanceFraction(1 + 10 * std::max(0.0, slowdown - allowed)),
      "training takes " + Text(slowdown, "%.3f") + " times as long beside a save; allowed: " + Text(allowed, "%.3f"));
}

}  // namespace q13
