// Part A: several saves, failing ones, their memory, their end.
#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/checks_snapshot.h"
#include "questions/q13_checkpoint/snapshot_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;
using Step = SnapshotStep;

constexpr int64_t kSlack = 64 << 10;  // for tables, beside either budget

int64_t StateBytes(const CheckContext& context) {
  return context.gpu() ? 8 << 20 : context.checked() ? 12 << 10 : 80 << 10;
}
int64_t ChunkBytes(const CheckContext& context) { return StateBytes(context) / 12 / 8 * 8 + 8; }

void SetPlan(const SnapshotMemoryPlan& plan, SnapshotCase* script) {
  script->device_bytes = plan.device_bytes;
  script->pinned_bytes = plan.pinned_bytes;
  script->chunk_bytes = plan.chunk_bytes;
}

std::vector<SnapshotMemoryPlan> Plans(int64_t bytes, int64_t chunk) {
  return {{"room for one on the device", bytes, 2 * chunk, chunk},
          {"room for one and a half on the device", bytes + bytes / 2, 2 * chunk, chunk},
          {"room for two on the device, one pinned", 2 * bytes, bytes + chunk, chunk},
          {"room for one pinned", 0, bytes, chunk},
          {"room for one and a half pinned", bytes / 2, bytes + bytes / 2, chunk},
          {"a ring of three chunks", 0, 3 * chunk, chunk},
          {"one chunk", 0, chunk, chunk}};
}

bool JudgeOverlapping(CheckContext& context, const SnapshotMemoryPlan& plan, const std::vector<SnapshotTensor>& tensors,
                      int64_t saves, bool two_streams) {
  SnapshotTrial trial(context, std::to_string(saves) + " saves without a wait" +
                                   (two_streams ? ", from two streams in turns; " : "; ") + plan.name);
  SetPlan(plan, &trial.script);
  trial.script.tensors = tensors;
  trial.Do(Step::kHoldSink, 60);
  trial.Do(Step::kSlowSink, 100);
  std::vector<int> calls;
  std::vector<int64_t> sizes;
  for (int64_t save = 0; save < saves; ++save) {
    const int32_t stream = two_streams ? static_cast<int32_t>(save % 2) : 0;
    trial.Fill(save + 1, stream);
    sizes.push_back(save % 3 == 1 ? static_cast<int64_t>(tensors.size()) / 2 : -1);
    calls.push_back(trial.Save(save, sizes.back(), stream));
    if (two_streams) trial.Do(Step::kJoin, 1 - stream, 0, 0, stream);
  }
  trial.Fill(15, two_streams ? static_cast<int32_t>(saves % 2) : 0);
  const int wait = trial.Wait();
  if (!trial.Run() || !trial.Created()) return false;
  for (const int call : calls) {
    if (!trial.Returned(call, 0, "a Save while others are under way returns 0")) return false;
  }
  if (!trial.Waited(wait)) return false;
  for (int64_t save = 0; save < saves; ++save) {
    if (!trial.Whole(save, {save + 1, sizes[static_cast<size_t>(save)]})) return false;
  }
  return true;
}

// ---- a.errors

// Save `number` fails at write `at`; then a Save or a Wait must say so, once.
bool JudgeError(CheckContext& context, const SnapshotMemoryPlan& plan, const std::vector<SnapshotTensor>& tensors,
                int64_t at, int error, bool told_by_save) {
  SnapshotTrial trial(context, "write " + std::to_string(at) + " of save 1 returns " + SnapshotErrorName(error) +
                                   (told_by_save ? ", then a Save; " : ", then a Wait; ") + plan.name);
  SetPlan(plan, &trial.script);
  trial.script.tensors = tensors;
  trial.Fill(1);
  trial.Save(0);
  trial.Wait();
  trial.Do(Step::kFailWrite, 1, at, error);
  trial.Fill(2);
  const int failed = trial.Save(1);
  trial.script.saves = 4;
  const int awaited = trial.Do(Step::kAwaitFinish, 1);
  trial.Fill(3);
  const int told = told_by_save ? trial.Save(2) : trial.Wait();
  trial.Fill(4);
  const int next = trial.Save(3), wait = trial.Wait();
  if (!trial.Run() || !trial.Created()) return false;
  if (trial.result(awaited).timed_out) {
    return trial.Fail("Finish is called for a save whose Write failed", "one call",
                      "none within 10 s of the write that failed");
  }
  if (!trial.InOrder(1)) return false;
  if (trial.save(1).writes != at + 1) {
    return trial.Fail("nothing is written after the write that failed", std::to_string(at + 1) + " writes",
                      std::to_string(trial.save(1).writes));
  }
  if (trial.save(1).finishes != 1 || trial.save(1).error != error) {
    return trial.Fail(
        "Finish is told what Write returned, once", "one call with " + SnapshotErrorName(error),
        std::to_string(trial.save(1).finishes) + " calls, with " + SnapshotErrorName(trial.save(1).error));
  }
  // In a ring the sink may fail before the save has been captured: then Save itself may say so.
  const bool in_ring = trial.script.bytes() > std::max(plan.device_bytes, plan.pinned_bytes);
  const bool told_at_once = in_ring && trial.result(failed).value == error;
  if (!told_at_once && !trial.Returned(failed, 0, "Save returns 0 for what it has captured")) return false;
  if (!trial.Returned(told, told_at_once ? 0 : error,
                      told_at_once ? "an error is returned once (Save 1 has already returned it)"
                                   : "the next call of Save or Wait returns the error of the save that failed")) {
    return false;
  }
  if (told_by_save && !told_at_once && !trial.Untouched(2)) return false;
  if (!trial.Returned(next, 0, "an error is returned once, and later saves are right")) return false;
  return trial.Waited(wait) && trial.Whole(0, {1}) && trial.Whole(3, {4});
}

// Two under way, the first fails: the second is not harmed.
bool JudgeErrorBeside(CheckContext& context, const SnapshotMemoryPlan& plan,
                      const std::vector<SnapshotTensor>& tensors) {
  SnapshotTrial trial(context, std::string("two saves under way, the first fails; ") + plan.name);
  SetPlan(plan, &trial.script);
  trial.script.tensors = tensors;
  trial.Do(Step::kHoldSink, 5000);
  trial.Fill(1);
  const int first = trial.Save(0);
  trial.Fill(2);
  const int second = trial.Save(1);
  trial.Do(Step::kFailWrite, 0, 1, -EIO);
  trial.Do(Step::kFreeSink);
  const int told = trial.Wait(), again = trial.Wait();
  if (!trial.Run() || !trial.Created()) return false;
  for (const int call : {first, second}) {
    if (!trial.Returned(call, 0, "Save returns 0")) return false;
  }
  if (!trial.Returned(told, -EIO, "Wait returns the error of the save that failed")) return false;
  if (trial.result(told).finished != 2) {
    return trial.Fail("when Wait returns, all saves are finished, those that failed, too", "2 calls of Finish",
                      std::to_string(trial.result(told).finished));
  }
  return trial.Returned(again, 0, "an error is returned once") && trial.InOrder(0) && trial.Whole(1, {2});
}

}  // namespace

void CheckSnapshotOverlapping(CheckContext& context) {
  SnapshotDraws draws(context, 5);
  SnapshotCase shape;
  shape.tensors = MixedTensors(&draws, 20, StateBytes(context));
  for (const SnapshotMemoryPlan& plan : Plans(shape.bytes(), ChunkBytes(context))) {
    for (const bool two_streams : {false, true}) {
      if (!JudgeOverlapping(context, plan, shape.tensors, two_streams ? 4 : 6, two_streams)) return;
    }
  }
}

void CheckSnapshotErrors(CheckContext& context) {
  SnapshotDraws draws(context, 6);
  const int64_t chunk = ChunkBytes(context);
  SnapshotCase shape;
  shape.tensors = MixedTensors(&draws, 12, StateBytes(context));
  const int64_t bytes = shape.bytes();
  for (const SnapshotMemoryPlan& plan : {SnapshotMemoryPlan{"room on the device", bytes, 2 * chunk, chunk},
                                         {"room in pinned memory", 0, bytes, chunk},
                                         {"a ring", 0, 3 * chunk, chunk}}) {
    for (const int64_t at : {0, 1, 7}) {
      for (const bool told_by_save : {true, false}) {
        if (!JudgeError(context, plan, shape.tensors, at, at == 1 ? -ENOSPC : -EIO, told_by_save)) return;
      }
    }
  }
  for (const SnapshotMemoryPlan& plan : {SnapshotMemoryPlan{"room on the device", 2 * bytes, 2 * chunk, chunk},
                                         {"room in pinned memory", 0, 2 * bytes, chunk}}) {
    if (!JudgeErrorBeside(context, plan, shape.tensors)) return;
  }
}

void CheckSnapshotMemory(CheckContext& context) {
  SnapshotDraws draws(context, 7);
  const int64_t state = context.gpu() ? 4 << 20 : context.checked() ? 64 << 10 : 1 << 20, chunk = state / 16;
  std::vector<SnapshotMemoryPlan> plans = Plans(2 * state, chunk);
  if (context.checked()) plans.resize(4);
  for (const SnapshotMemoryPlan& plan : plans) {
    SnapshotTrial trial(context, std::string("what is allocated; ") + plan.name);
    SetPlan(plan, &trial.script);
    trial.script.tensors = MixedTensors(&draws, 12, 2 * state);
    trial.Do(Step::kSlowSink, 1000);
    int save_call = 0;
    for (int64_t save = 0; save < 3; ++save) {
      trial.Fill(save + 1);
      save_call = trial.Save(save);
    }
    const int wait = trial.Wait();
    if (!trial.Run() || !trial.Created() || !trial.Waited(wait)) return;
    const SnapshotMemory& memory = trial.reply().memory;
    if (memory.calls_between > 0) {
      trial.Fail("no memory is allocated or freed between create and destroy", "0 calls",
                 std::to_string(memory.calls_between), "three saves and a Wait");
      return;
    }
    if (memory.device_bytes > plan.device_bytes + kSlack) {
      trial.Fail("device memory stays within device_bytes (and 64 KiB for tables)",
                 std::to_string(plan.device_bytes) + " bytes", std::to_string(memory.device_bytes));
      return;
    }
    if (memory.pinned_bytes > plan.pinned_bytes + kSlack) {
      trial.Fail("pinned memory stays within pinned_bytes (and 64 KiB for tables)",
                 std::to_string(plan.pinned_bytes) + " bytes", std::to_string(memory.pinned_bytes));
      return;
    }
    const int64_t elsewhere = trial.script.bytes() - trial.result(save_call).taken;
    if (elsewhere > plan.device_bytes + plan.pinned_bytes) {
      trial.Fail("what the sink has not taken when Save returns is within the budgets",
                 "at most " + std::to_string(plan.device_bytes + plan.pinned_bytes) + " bytes",
                 std::to_string(elsewhere));
      return;
    }
    if (memory.left > 0) {
      trial.Fail("destroy frees what create has allocated", "0 bytes left", std::to_string(memory.left_bytes));
      return;
    }
    for (int64_t save = 0; save < 3; ++save) {
      if (!trial.Whole(save, {save + 1})) return;
    }
  }
}

void CheckSnapshotShutdown(CheckContext& context) {
  SnapshotDraws draws(context, 8);
  SnapshotCase shape;
  shape.tensors = MixedTensors(&draws, 12, StateBytes(context));
  for (const SnapshotMemoryPlan& plan : Plans(shape.bytes(), ChunkBytes(context))) {
    SnapshotTrial trial(context, std::string("destroyed with two saves under way; ") + plan.name);
    SetPlan(plan, &trial.script);
    trial.script.tensors = shape.tensors;
    trial.Do(Step::kCloseGate, 40);
    trial.Do(Step::kSlowSink, 200);
    for (int64_t save = 0; save < 2; ++save) {
      trial.Fill(save + 1);
      trial.Save(save);
    }
    trial.Fill(3);
    const int destroy = trial.Do(Step::kDestroy);
    if (!trial.Run() || !trial.Created()) return;
    if (trial.result(destroy).finished != 2) {
      trial.Fail("the destructor waits for the saves that are under way", "2 calls of Finish",
                 std::to_string(trial.result(destroy).finished));
      return;
    }
    if (!trial.Whole(0, {1}) || !trial.Whole(1, {2})) return;
  }
}

}  // namespace q13
