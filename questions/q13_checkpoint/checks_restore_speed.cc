// Part A: how long a restore from memory takes.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "grader/engine.h"
#include "grader/statistics.h"
#include "questions/q13_checkpoint/checks_restore.h"
#include "questions/q13_checkpoint/restore_case.h"
#include "questions/q13_checkpoint/snapshot_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;
using workbench::Median;

constexpr double kDeadlineSeconds = 180;
constexpr int kRounds = 3, kSamples = 3;
constexpr double kAllowed = 1.25;  // times the slower of copying and reading alone
constexpr const char* kName = "restore, 8 readers";

std::string Milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", seconds * 1e3);
  return text;
}

// False when a failure was recorded.
bool Measure(CheckContext& context, const RestoreSpeedRequest& request, bool reference, RestoreSpeedReply* head,
             std::vector<double>* seconds) {
  const CheckContext::Inputs inputs = {{"bytes", std::to_string(request.bytes)},
                                       {"readers", std::to_string(request.readers)}};
  CheckContext::Replies replies;
  if (!context.Run("a", 0, PackRestoreSpeed(request), kDeadlineSeconds, inputs, &replies, reference)) return false;
  const bool parsed = ParseRestoreSpeed(replies[0], head, seconds);
  context.SetDevice(head->device);
  context.SetMeasuredOn(workbench::MeasuredOn::kGpu);
  workbench::Finding finding;
  finding.input = inputs;
  finding.property = "what is timed is right";
  if (!parsed || seconds->size() != static_cast<size_t>(request.samples)) {
    finding.actual = "no times";
  } else if (head->error != 0) {
    finding.actual = "q13_restore returned " + SnapshotErrorName(head->error);
  } else if (head->wrong_bytes != 0) {
    finding.actual = std::to_string(head->wrong_bytes) + " wrong bytes";
  } else {
    return true;
  }
  context.Fail(finding);
  return false;
}

}  // namespace

void CheckRestoreSpeed(CheckContext& context) {
  RestoreSpeedRequest request;
  request.bytes = int64_t{1} << (context.long_tier() ? 32 : 30);
  request.pinned_bytes = int64_t{64} << 20;
  request.chunk_bytes = int64_t{4} << 20;
  request.readers = 8;
  request.samples = kSamples;
  std::vector<double> answer, reference, copies, reads;
  RestoreSpeedReply head;
  for (int round = 0; round < kRounds; ++round) {
    for (const bool is_reference : {round % 2 == 1, round % 2 == 0}) {
      request.seed = workbench::Mix(context.seed() + static_cast<uint64_t>(round));
      std::vector<double> seconds;
      if (!Measure(context, request, is_reference, &head, &seconds)) return;
      context.RecordSamples(kName, is_reference ? "reference" : "answer", seconds);
      (is_reference ? reference : answer).push_back(Median(seconds));
      copies.push_back(head.copy_seconds);
      reads.push_back(head.read_seconds);
    }
  }
  const double bytes = static_cast<double>(head.bytes), slower = std::max(Median(copies), Median(reads));
  const double time = Median(answer), allowed = std::max(kAllowed * slower, Median(reference));
  context.Figure("restore, ms", time * 1e3);
  context.Figure("restore: GB/s", bytes / time / 1e9);
  context.Figure("reference's restore, ms", Median(reference) * 1e3);
  context.Figure("restore that is allowed, ms", allowed * 1e3);
  context.Figure("copies from pinned memory alone, ms", Median(copies) * 1e3);
  context.Figure("reads alone, ms", Median(reads) * 1e3);
  // The ceiling is no memory's: the slower of the two ways that the bytes have to go.
  context.RecordRoofline(bytes / slower, std::nullopt, {kName, bytes, 0, time});
  context.EarnFraction(workbench::PerformanceFraction(time / allowed),
                       Milliseconds(time) + " of " + Milliseconds(allowed) + "; copies alone take " +
                           Milliseconds(Median(copies)) + ", reads alone " + Milliseconds(Median(reads)));
}

}  // namespace q13
