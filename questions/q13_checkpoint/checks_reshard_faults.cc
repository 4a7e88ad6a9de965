// Part D: crashes, errors, lost ranks and damaged files.
#include <string>

#include "questions/q13_checkpoint/checks_reshard.h"
#include "questions/q13_checkpoint/reshard_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;

// Some sectors on each rank: rows on all, columns on all, something replicated, something on one.
int32_t AddSmall(ReshardScript* script, int ranks) {
  const int32_t rows = script->Tensor("rows", Type::kF32, {37, 11});
  const int32_t columns = script->Tensor("columns", Type::kBF16, {9, 43});
  const int32_t shared = script->Tensor("shared", Type::kF64, {53});
  const int32_t lone = script->Tensor("lone", Type::kI64, {3, 5});
  Layout layout(static_cast<size_t>(ranks));
  AddAxis(script->tensor(rows), rows, 0, Cut::kFloor, script->random(), &layout);
  AddAxis(script->tensor(columns), columns, 1, Cut::kCeiling, script->random(), &layout);
  AddWhole(script->tensor(shared), shared, 0, ranks, &layout);
  AddWhole(script->tensor(lone), lone, ranks - 1, ranks, &layout);
  return script->AddLayout(layout);
}

// A hundred bytes or so on two ranks: all bits can be tried.
int32_t AddTiny(ReshardScript* script) {
  const int32_t weight = script->Tensor("w", Type::kI16, {5, 3});
  const int32_t shared = script->Tensor("s", Type::kF32, {3});
  Layout layout(2);
  AddAxis(script->tensor(weight), weight, 0, Cut::kFloor, script->random(), &layout);
  AddWhole(script->tensor(shared), shared, 0, 2, &layout);
  return script->AddLayout(layout);
}

ReshardScript SmallScript(CheckContext& context, int ranks, int loading, bool second, ReshardMode mode) {
  ReshardScript script(context.seed());
  const int32_t layout = AddSmall(&script, ranks);
  script.request().recovery = script.ByAxis(loading, 1, Cut::kFloor);
  if (second) script.Save(layout, 0);
  script.Save(layout, 1);
  script.request().mode = mode;
  return script;
}

void CheckAtomic(CheckContext& context) {
  double images = 0;
  for (const bool second : {true, false}) {
    const int orders = context.long_tier() ? 300 : 12;
    for (int order = 0; order < orders; ++order) {
      ReshardScript script = SmallScript(context, 4, 3, second, ReshardMode::kCrash);
      script.request().seed += static_cast<uint64_t>(order);
      script.request().most = context.long_tier() ? 5000 : 600;
      const std::string what = second ? "a second save on 4 ranks is cut" : "the first save on 4 ranks is cut";
      if (!JudgeReshardSweep(context, script, what, &images)) return;
    }
  }
  context.Figure("different images after a crash", images);
}

void CheckErrors(CheckContext& context) {
  double cases = 0;
  ReshardScript load = SmallScript(context, 3, 2, false, ReshardMode::kFaults);
  load.Load(load.request().recovery, 1);
  const auto save = [&](int ranks, bool second) {
    return SmallScript(context, ranks, 2, second, ReshardMode::kFaults);
  };
  if (!JudgeReshardSweep(context, save(3, true), "a second save, of 3 ranks", &cases)) return;
  if (!JudgeReshardSweep(context, save(1, false), "a first save, of one rank", &cases)) return;
  if (!JudgeReshardSweep(context, save(3, false), "a first save, of 3 ranks", &cases)) return;
  if (!JudgeReshardSweep(context, load, "a load of 2 ranks", &cases)) return;
  context.Figure("errors", cases);
}

void CheckRankLost(CheckContext& context) {
  double cases = 0;
  const ReshardScript save = SmallScript(context, 4, 3, true, ReshardMode::kLost);
  if (!JudgeReshardSweep(context, save, "a save of 4 ranks", &cases)) return;
  ReshardScript load = SmallScript(context, 3, 3, false, ReshardMode::kLost);
  load.Load(load.request().recovery, 1);
  JudgeReshardSweep(context, load, "a load of 3 ranks", &cases);
}

void CheckBitflips(CheckContext& context) {
  double cases = 0;
  ReshardScript tiny(context.seed());
  const int32_t layout = AddTiny(&tiny);
  tiny.request().recovery = tiny.ByAxis(3, 0, Cut::kFloor);
  tiny.Save(layout, 1);
  tiny.request().mode = ReshardMode::kFlips;
  tiny.request().most = context.long_tier() ? 1 << 20 : 24000;
  if (!JudgeReshardSweep(context, tiny, "every bit of a small checkpoint", &cases)) return;

  // Of many chunks: any of them, wherever it lies.
  ReshardScript large(context.seed());
  large.Tensor("weight", Type::kF32, {96, 1024});
  const int32_t by2 = large.ByAxis(2, 0, Cut::kFloor);
  large.request().recovery = large.ByAxis(2, 1, Cut::kFloor);
  large.Save(by2, 1);
  large.request().mode = ReshardMode::kFlips;
  large.request().most = context.long_tier() ? 100000 : 150;
  if (!JudgeReshardSweep(context, large, "bits of a larger checkpoint", &cases)) return;
  context.Figure("damaged checkpoints", cases);
}

void CheckGarbage(CheckContext& context) {
  ReshardScript script(context.seed());
  const int32_t layout = AddTiny(&script);
  script.request().recovery = script.ByAxis(3, 0, Cut::kFloor);
  script.Save(layout, 1);
  script.request().mode = ReshardMode::kGarbage;
  script.request().most = context.long_tier() ? 1 << 20 : 20000;
  double cases = 0;
  if (!JudgeReshardSweep(context, script, "files that say anything", &cases)) return;
  context.Figure("damaged checkpoints", cases);
}

}  // namespace

void AddReshardFaultChecks(std::vector<workbench::Check>* checks) {
  const auto add = [&](const char* id, const char* title, double marks, std::vector<std::string> causes,
                       void (*run)(CheckContext&)) {
    checks->push_back({{id, title, marks, false, std::move(causes)}, run});
  };
  add("d.atomic", "every crash point, 4 ranks", 2,
      {"the checkpoint is named before all ranks have synced their files", "the directory is not synced",
       "files of the old checkpoint are changed or removed before the new one is durable",
       "ranks meet, and take that for durability"},
      CheckAtomic);
  add("d.errors", "EIO, ENOSPC, failed syncs on one rank", 1,
      {"a rank returns before the others have been told", "an error of a sync or a close is not looked at",
       "what is synced again after a sync that failed"},
      CheckErrors);
  add("d.rank_lost", "a rank goes away", 0.5, {"what AllGather returns is not looked at"}, CheckRankLost);
  add("d.bitflips", "every bit of every file", 1,
      {"chunks or metadata have no checksum, or it is not compared", "an error on one rank is not known to the others",
       "a checksum says nothing of where its chunk belongs"},
      CheckBitflips);
  add("d.garbage", "files that say anything", 0.5,
      {"a length or a count is believed before its checksum has been", "a sum of offset and length overflows"},
      CheckGarbage);
}

}  // namespace q13
