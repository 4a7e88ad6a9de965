// Part c: increments. What is tried is in incremental_*.cc; here is how long it may take and what it is worth.
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "grader/engine.h"
#include "grader/statistics.h"
#include "questions/q13_checkpoint/checks.h"
#include "questions/q13_checkpoint/incremental_case.h"

namespace q13 {
namespace {

using workbench::CheckContext;

// Of the read bandwidth, and of the time of a full save.
constexpr double kHashShare = 0.9, kIncrementShare = 0.05;

std::optional<IncrementalReply> RunScenario(CheckContext& context, IncrementalScenario scenario, uint64_t seed,
                                            bool reference = false) {
  IncrementalRequest request;
  request.scenario = scenario;
  request.seed = seed;
  request.size = context.checked()          ? IncrementalSize::kChecked
                 : context.long_tier()      ? IncrementalSize::kLong
                 : context.kernels_on_cpu() ? IncrementalSize::kCpu
                                            : IncrementalSize::kGpu;
  const double deadline = context.long_tier() ? 1800 : 180;
  CheckContext::Replies replies;
  const CheckContext::Inputs inputs = {{"seed", std::to_string(seed)}};
  if (!context.Run("c", 0, Encode(request), deadline, inputs, &replies, reference)) return std::nullopt;
  const std::optional<IncrementalReply> reply = DecodeIncrementalReply(replies[0]);
  workbench::Finding finding;
  if (!reply) {
    finding.property = "the runner's reply can be read";
    finding.actual = std::to_string(replies[0].size()) + " bytes that are none";
    context.Fail(finding);
    return std::nullopt;
  }
  for (const auto& [name, value] : reply->figures) context.Figure(name, value);
  if (reply->property.empty()) return reply;
  finding.property = reply->property;
  finding.input = reply->inputs;
  finding.expected = reply->expected;
  finding.actual = reply->actual;
  finding.detail = reply->detail;
  context.Fail(finding);
  return std::nullopt;
}

template <IncrementalScenario scenario>
void Check(CheckContext& context) {
  (void)RunScenario(context, scenario, context.seed());
}

bool SecondsFit(CheckContext& context, const IncrementalReply& reply) {
  double total = 0;
  for (const double seconds : reply.seconds) total += seconds;
  if (!reply.seconds.empty() && !reply.others.empty() && total > 0 && total <= context.last_case_seconds()) return true;
  workbench::Finding finding;
  finding.property = "the device's time fits into the time that passed outside";
  finding.actual = std::to_string(total) + " s of " + std::to_string(context.last_case_seconds());
  context.Fail(finding);
  return false;
}

std::string Rounded(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

void CheckHashSpeed(CheckContext& context) {
  const auto reply = RunScenario(context, IncrementalScenario::kHashSpeed, context.seed());
  if (!reply || !SecondsFit(context, *reply)) return;
  const double bytes = reply->figures.empty() ? 0 : reply->figures[0].second;
  const double hashing = workbench::Median(reply->seconds), reading = workbench::Median(reply->others);
  const double share = reading / hashing;
  context.SetDevice(reply->device);
  context.SetMeasuredOn(workbench::MeasuredOn::kGpu);
  context.RecordSamples("hash, 4 GiB", "answer", reply->seconds);
  context.RecordSamples("hash, 4 GiB", "reading alone", reply->others);
  context.Figure("hash: TB/s", bytes / hashing * 1e-12);
  context.Figure("reading alone: TB/s", bytes / reading * 1e-12);
  context.Figure("hash: share of read bandwidth", share);
  context.RecordRoofline(bytes / reading, std::nullopt, {"hash, 4 GiB", bytes, 0, hashing});
  context.EarnFraction(share >= kHashShare ? 1 : workbench::PerformanceFraction(1.05 * kHashShare / share),
                       Rounded(share, "%.3f") + " of the read bandwidth; 0.9 earns full marks");
}

void CheckSaveSpeed(CheckContext& context) {
  const auto reply = RunScenario(context, IncrementalScenario::kSaveSpeed, context.seed());
  if (!reply || !SecondsFit(context, *reply)) return;
  const double increment = workbench::Median(reply->seconds), full = workbench::Median(reply->others);
  const double share = increment / full;
  context.SetDevice(reply->device);
  context.SetMeasuredOn(workbench::MeasuredOn::kGpu);
  context.RecordSamples("save, 1 % of 2 GiB changed", "answer", reply->seconds);
  context.RecordSamples("save, all of 2 GiB", "answer", reply->others);
  context.Figure("1 % changed: ms", increment * 1e3);
  context.Figure("full save: ms", full * 1e3);
  context.Figure("1 % changed: share of the full save's time", share);
  context.EarnFraction(share <= kIncrementShare ? 1 : workbench::PerformanceFraction(1.05 * share / kIncrementShare),
                       Rounded(share, "%.4f") + " of a full save's time; 0.05 earns full marks");
}

}  // namespace

void AddIncrementalChecks(std::vector<workbench::Check>* checks) {
  using enum IncrementalScenario;
  const std::vector<workbench::Check> all = {
      {{"c.arguments",
        "arguments that make no sense",
        0.5,
        false,
        {"sizes and names are not looked at", "a missing step is taken for an empty one"}},
       Check<kArguments>},
      {{"c.hash",
        "equal hashes exactly for equal chunks",
        2,
        false,
        {"the position of a word does not matter: sums and exclusive ors of what is hashed word by word",
         "the end of a chunk is left out, or what is behind it counts", "only a part of the chunk is read",
         "the length does not count: zeros at the end"}},
       Check<kHash>},
      {{"c.avalanche",
        "a changed bit changes half of the hash",
        1,
        false,
        {"no finalisation: upper bits of the input do not reach lower bits of the hash"}},
       Check<kAvalanche>},
      {{"c.roundtrip",
        "what was saved is loaded, bit for bit",
        2,
        false,
        {"the last chunk is shorter", "work in the stream is not waited for", "an empty tensor has no chunk"}},
       Check<kRoundtrip>},
      {{"c.changes",
        "only what has changed is written",
        1.5,
        false,
        {"a tensor is written whole when a byte of it changes", "metadata grows with the number of steps"}},
       Check<kChanges>},
      {{"c.tensors",
        "new, deleted, renamed, resized, empty, another type",
        1.5,
        false,
        {"deleted keys are carried along", "chunks are looked for under their tensor's name alone",
         "a tensor that has shrunk keeps its old end"}},
       Check<kTensors>},
      {{"c.steps",
        "every step of a long chain",
        1,
        false,
        {"a step is overwritten by a later one", "the same step saved again is the old one"}},
       Check<kSteps>},
      {{"c.stats", "what Save says it did", 0.5, false, {"chunks that are the same are counted as written"}},
       Check<kStats>},
      {{"c.keep",
        "steps that are kept, files that are not",
        1.5,
        false,
        {"a file goes that a kept step still needs", "files are never removed",
         "the next save refers to chunks of a step that has gone"}},
       Check<kKeep>},
      {{"c.compact",
        "chains cut",
        1,
        false,
        {"later steps still refer to the files before", "nothing is rewritten",
         "chunks are moved and not found again"}},
       Check<kCompact>},
      {{"c.restart",
        "a new store goes on where the last one was",
        1,
        false,
        {"hashes are in memory only: everything is written again", "file names are used again"}},
       Check<kRestart>},
      {{"c.crash",
        "every crash point",
        1.5,
        false,
        {"the manifest is durable before its chunks are", "files are rewritten in place", "the directory is not synced",
         "data goes before the manifest that names it"}},
       Check<kCrash>},
      {{"c.errors",
        "every operation fails, once",
        1,
        false,
        {"an error is swallowed", "hashes of a save that failed are remembered: the next one leaves its chunks out",
         "short writes are not continued"}},
       Check<kErrors>},
      {{"c.bitflips",
        "every bit of every file",
        0.5,
        false,
        {"no checksum of the chunks, or of the manifest", "lengths in a file are trusted"}},
       Check<kBitflips>},
      {{"c.hash_speed",
        "hashing at 0.9 of the read bandwidth",
        1,
        true,
        {"too few bytes in flight", "more arithmetic than memory gives time for"}},
       CheckHashSpeed},
      {{"c.save_speed",
        "1 % of the chunks changed: 0.05 of a full save's time",
        0.5,
        true,
        {"everything is copied to the host before it is compared", "chunks are hashed one launch at a time"}},
       CheckSaveSpeed},
  };
  checks->insert(checks->end(), all.begin(), all.end());
}

}  // namespace q13
