// Part D: how many bytes ranks write and read for what they have.
#include <algorithm>
#include <set>
#include <string>

#include "questions/q13_checkpoint/checks_reshard.h"
#include "questions/q13_checkpoint/reshard_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;
using workbench::Finding;

void FailBytes(CheckContext& context, const ReshardScript& script, const std::string& what, const std::string& property,
               size_t step, int rank, double limit, int64_t bytes, const std::string& detail) {
  Finding finding;
  finding.property = property;
  finding.input = {{"case", what}};
  for (const size_t one : std::set<size_t>{0, step}) {
    const ReshardStep& of = script.request().steps[one];
    finding.input.emplace_back(
        of.save ? "saved as" : "loaded as",
        LayoutText(script.request().tensors, script.request().layouts[static_cast<size_t>(of.layout)]));
  }
  finding.expected = "at most " + std::to_string(static_cast<int64_t>(limit)) + " bytes" +
                     (rank >= 0 ? " on rank " + std::to_string(rank) : "");
  finding.actual = std::to_string(bytes) + " bytes";
  finding.rank = rank;
  finding.detail = detail;
  context.Fail(finding);
}

// Bytes of all and of each, of the first step, a save.
//
// A rank's share: each element counts 1 / h on each of the h ranks that hold it. An answer may also give more to those
// that have little else to write; no rank has to write more than the largest share then. So that is the limit for all,
// with a quarter more, and a chunk for each box, since boxes are cut at chunks and rows.
bool JudgeWritten(CheckContext& context, const ReshardScript& script, const std::string& what,
                  const ReshardStepRecord& record) {
  const auto& tensors = script.request().tensors;
  const Layout& layout = script.request().layouts[static_cast<size_t>(script.request().steps.front().layout)];
  const int64_t unique = UniqueBytes(tensors, layout), metadata = MetadataBound(tensors, layout);
  int64_t written = 0;
  for (const ReshardRankRecord& rank : record.ranks) written += rank.written_bytes;
  if (written > unique + 2 * metadata) {
    FailBytes(context, script, what, "elements that several ranks hold are written once in all", 0, -1,
              static_cast<double>(unique + 2 * metadata), written,
              std::to_string(unique) + " bytes of different elements; " + std::to_string(2 * metadata) +
                  " are left for names, boxes and checksums");
    return false;
  }
  const std::vector<double> shares = ShareBytes(tensors, layout);
  const double share = *std::max_element(shares.begin(), shares.end());
  for (size_t rank = 0; rank < record.ranks.size(); ++rank) {
    const double limit = 1.25 * share + static_cast<double>(metadata) +
                         static_cast<double>(kShardChunk) * static_cast<double>(layout[rank].size());
    if (static_cast<double>(record.ranks[rank].written_bytes) <= limit) continue;
    FailBytes(context, script, what, "no rank writes much more than its share", 0, static_cast<int>(rank), limit,
              record.ranks[rank].written_bytes, "the largest share is " + std::to_string(static_cast<int64_t>(share)));
    return false;
  }
  return true;
}

void CheckOnce(CheckContext& context) {
  constexpr int64_t kRow = 16384;  // of f32: 64 KiB
  for (const int ranks : {2, 4, 7}) {
    const int64_t rows = 8 * ranks;
    const auto run = [&](const std::string& what, auto fill) {
      ReshardScript script(context.seed());
      Layout layout(static_cast<size_t>(ranks));
      fill(&script, &layout);
      const int32_t saved = script.AddLayout(std::move(layout));
      script.Save(saved);
      script.Load(saved);
      ReshardReply reply;
      const std::string name = what + ", " + std::to_string(ranks) + " ranks";
      return JudgeReshard(context, script, name, &reply) && JudgeWritten(context, script, name, reply.steps[0]);
    };
    if (!run("nothing replicated", [&](ReshardScript* script, Layout* layout) {
          const int32_t tensor = script->Tensor("weight", Type::kF32, {rows, kRow});
          AddAxis(script->tensor(tensor), tensor, 0, Cut::kFloor, script->random(), layout);
        })) {
      return;
    }
    if (!run("a tensor on all", [&](ReshardScript* script, Layout* layout) {
          const int32_t tensor = script->Tensor("weight", Type::kF32, {rows, kRow});
          AddWhole(script->tensor(tensor), tensor, 0, ranks, layout);
        })) {
      return;
    }
    // One row, many rows: it cannot be a matter of the first axis alone.
    if (!run("long and wide tensors on all", [&](ReshardScript* script, Layout* layout) {
          const int32_t wide = script->Tensor("wide", Type::kF32, {1, rows * kRow / 2});
          AddWhole(script->tensor(wide), wide, 0, ranks, layout);
          const int32_t tall = script->Tensor("tall", Type::kF32, {rows * kRow / 2, 1});
          AddWhole(script->tensor(tall), tall, 0, ranks, layout);
        })) {
      return;
    }
    if (!run("many small tensors on all", [&](ReshardScript* script, Layout* layout) {
          for (int i = 0; i < 64; ++i) {
            const int32_t tensor = script->Tensor("block." + std::to_string(i), Type::kF32, {4 * kRow / 16});
            AddWhole(script->tensor(tensor), tensor, 0, ranks, layout);
          }
        })) {
      return;
    }
    if (!run("rows that overlap by half", [&](ReshardScript* script, Layout* layout) {
          const int32_t tensor = script->Tensor("weight", Type::kF32, {4 * (ranks + 1), kRow});
          for (int64_t rank = 0; rank < ranks; ++rank) {
            (*layout)[static_cast<size_t>(rank)].push_back({tensor, {4 * rank, 0}, {8, kRow}});
          }
        })) {
      return;
    }
  }
}

bool JudgeRead(CheckContext& context, const ReshardScript& script, const std::string& what, size_t step,
               const ReshardStepRecord& record) {
  const auto& request = script.request();
  const Layout& saved = request.layouts[static_cast<size_t>(request.steps.front().layout)];
  const Layout& loaded = request.layouts[static_cast<size_t>(request.steps[step].layout)];
  const std::vector<int64_t> bounds = ReadBounds(request.tensors, saved, loaded);
  for (size_t rank = 0; rank < bounds.size(); ++rank) {
    if (record.ranks[rank].read_bytes <= bounds[rank]) continue;
    FailBytes(
        context, script, what, "a rank reads no data chunks but those that have elements of its slices, once each",
        step, static_cast<int>(rank), static_cast<double>(bounds[rank]), record.ranks[rank].read_bytes,
        "its boxes have " + std::to_string(BoxBytes(request.tensors, loaded[rank])) +
            " bytes; the rest is a chunk for each end of a run of bytes, and what names, boxes and checksums may take");
    return false;
  }
  return true;
}

// Saved by 4 along `from`, loaded by others along `to`.
bool JudgeReadsOf(CheckContext& context, std::vector<int64_t> shape, Type type, int from, int to, const char* what) {
  ReshardScript script(context.seed());
  script.Tensor("weight", type, std::move(shape));
  script.Save(script.ByAxis(4, from, Cut::kFloor));
  for (const int ranks : {1, 3, 4, 8}) script.Load(script.ByAxis(ranks, to, Cut::kFloor));
  ReshardReply reply;
  const std::string name = std::string(what) + ", from axis " + std::to_string(from) + " to " + std::to_string(to);
  if (!JudgeReshard(context, script, name, &reply)) return false;
  for (size_t step = 1; step < reply.steps.size(); ++step) {
    if (!JudgeRead(context, script, name, step, reply.steps[step])) return false;
  }
  return true;
}

// Bytes and seconds of a rank over the number of ranks, for the report.
bool MeasureCurves(CheckContext& context) {
  workbench::Chart bytes, seconds;
  bytes.title = "Bytes of the busiest rank, 8 MiB in all";
  bytes.x = {"ranks", "", true};
  bytes.y = {"bytes", "bytes", true};
  seconds.title = "CPU time of the busiest rank, 8 MiB in all";
  seconds.x = {"ranks", "", true};
  seconds.y = {"seconds", "seconds", true};
  bytes.measured_on = seconds.measured_on = workbench::MeasuredOn::kCpu;
  bytes.series = {{"its elements", {}}, {"written", {}}, {"read by as many ranks", {}}, {"read by 3, other axis", {}}};
  seconds.series = {{"save", {}}, {"load by as many ranks", {}}, {"load by 3, other axis", {}}};
  for (const int ranks : {1, 2, 3, 4, 6, 8, 11, 16}) {
    ReshardScript script(context.seed());
    script.Tensor("weight", Type::kF32, {48, 43691});
    const int32_t layout = script.ByAxis(ranks, 0, Cut::kFloor);
    script.Save(layout);
    script.Load(layout);
    script.Load(script.ByAxis(3, 1, Cut::kFloor));
    ReshardReply reply;
    const std::string name = "curves, saved by " + std::to_string(ranks);
    if (!JudgeReshard(context, script, name, &reply)) return false;
    for (size_t step = 1; step < 3; ++step) {
      if (!JudgeRead(context, script, name, step, reply.steps[step])) return false;
    }
    const auto most = [&](size_t step, auto field) {
      double value = 0;
      for (const ReshardRankRecord& rank : reply.steps[step].ranks) value = std::max(value, double(rank.*field));
      return value;
    };
    const auto point = [&](workbench::Chart* chart, size_t series, double value) {
      chart->series[series].points.emplace_back(ranks, value);
    };
    double own = 0;
    for (const RankBoxes& boxes : script.request().layouts[static_cast<size_t>(layout)]) {
      own = std::max(own, static_cast<double>(BoxBytes(script.request().tensors, boxes)));
    }
    point(&bytes, 0, own);
    point(&bytes, 1, most(0, &ReshardRankRecord::written_bytes));
    for (size_t step = 1; step < 3; ++step) point(&bytes, step + 1, most(step, &ReshardRankRecord::read_bytes));
    for (size_t step = 0; step < 3; ++step) point(&seconds, step, most(step, &ReshardRankRecord::cpu_seconds));
  }
  context.SetMeasuredOn(workbench::MeasuredOn::kCpu);
  context.Figure("bytes written by the busiest of 16 ranks / its elements",
                 bytes.series[1].points.back().second / bytes.series[0].points.back().second);
  context.Figure("bytes read by the busiest of 16 ranks / its elements",
                 bytes.series[2].points.back().second / bytes.series[0].points.back().second);
  context.RecordChart(std::move(bytes));
  context.RecordChart(std::move(seconds));
  return true;
}

void CheckReads(CheckContext& context) {
  // Rows of 1 MiB: a part of one is many chunks, in the order of the tensor and in that of the box that was saved.
  for (const int from : {0, 1}) {
    for (const int to : {0, 1}) {
      if (!JudgeReadsOf(context, {8, 262144}, Type::kF32, from, to, "8 MiB in long rows")) return;
    }
  }
  // Rows of 64 bytes: many of them in one chunk, which is not to be read for each.
  for (const int to : {0, 1}) {
    if (!JudgeReadsOf(context, {16384, 32}, Type::kBF16, 0, to, "1 MiB in short rows")) return;
  }
  if (!JudgeReadsOf(context, {64, 64, 128}, Type::kF64, 1, 2, "4 MiB in three dimensions")) return;
  if (!JudgeReadsOf(context, {1 << 21}, Type::kU8, 0, 0, "2 MiB in one dimension")) return;

  // One tensor of many, and a small part of a large one.
  ReshardScript script(context.seed());
  for (int i = 0; i < 12; ++i) script.Tensor("layer." + std::to_string(i), Type::kF32, {128, 1024});
  script.Save(script.ByAxis(4, 0, Cut::kFloor));
  Layout one(3);
  AddWhole(script.tensor(7), 7, 0, 1, &one);
  one[1].push_back({3, {60, 1000}, {2, 20}});
  script.Load(script.AddLayout(one));
  ReshardReply reply;
  const std::string name = "one tensor of twelve, a corner of another, and nothing";
  if (!JudgeReshard(context, script, name, &reply) || !JudgeRead(context, script, name, 1, reply.steps[1])) return;
  MeasureCurves(context);
}

}  // namespace

void AddReshardTrafficChecks(std::vector<workbench::Check>* checks) {
  checks->push_back({{"d.once",
                      "written once, by all",
                      1,
                      false,
                      {"every rank writes all that it holds", "the first rank that holds something writes it"}},
                     CheckOnce});
  checks->push_back({{"d.reads",
                      "read no more than needed",
                      1.5,
                      false,
                      {"whole files or whole boxes are read for a part of them", "a chunk is read again for each row",
                       "all ranks read what one of them needs"}},
                     CheckReads});
}

}  // namespace q13
