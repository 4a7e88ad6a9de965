// Part A: snapshots of device memory, and the list of all of its checks.
#include "questions/q13_checkpoint/checks_snapshot.h"

#include <cerrno>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/checks.h"
#include "questions/q13_checkpoint/checks_restore.h"
#include "questions/q13_checkpoint/snapshot_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;
using Step = SnapshotStep;

// For what a right answer does not wait for, and a wrong one is found out by waiting for.
constexpr int64_t kNeverMs = 5000;

// Bytes of a state.
int64_t StateBytes(const CheckContext& context) {
  return context.gpu() ? 12 << 20 : context.checked() ? 20 << 10 : 160 << 10;
}
// About 1 / 20 of it, and not a round number.
int64_t ChunkBytes(const CheckContext& context) { return StateBytes(context) / 20 / 8 * 8 + 8; }

std::vector<SnapshotTensor> Plain(const std::vector<int64_t>& sizes) {
  std::vector<SnapshotTensor> tensors;
  for (const int64_t bytes : sizes) tensors.push_back({bytes, 0, static_cast<int32_t>(Type::kU8)});
  return tensors;
}

void SetPlan(const SnapshotMemoryPlan& plan, SnapshotCase* script) {
  script->device_bytes = plan.device_bytes;
  script->pinned_bytes = plan.pinned_bytes;
  script->chunk_bytes = plan.chunk_bytes;
}

// ---- a.arguments

bool MustNotBeMade(CheckContext& context, const std::string& what, const SnapshotCase& script) {
  SnapshotTrial trial(context, what);
  trial.script = script;
  if (!trial.Run()) return false;
  if (trial.reply().created) {
    return trial.Fail("q13_snapshot_create refuses what makes no sense, or more memory than there is", "nullptr",
                      "a snapshotter");
  }
  if (trial.reply().memory.left == 0) return true;
  return trial.Fail("when q13_snapshot_create returns nullptr, nothing stays allocated", "0 bytes",
                    std::to_string(trial.reply().memory.left_bytes));
}

void CheckArguments(CheckContext& context) {
  constexpr int64_t kHuge = int64_t{1} << 50;
  SnapshotCase good;
  good.device_bytes = 0, good.pinned_bytes = 4096, good.chunk_bytes = 1024;
  SnapshotCase bad = good;
  bad.has_sink = 0;
  if (!MustNotBeMade(context, "no sink", bad)) return;
  for (const int64_t chunk : {int64_t{0}, int64_t{-1}}) {
    bad = good;
    bad.chunk_bytes = chunk;
    if (!MustNotBeMade(context, "chunk_bytes below 1", bad)) return;
  }
  for (const int64_t pinned : {int64_t{1023}, int64_t{0}, int64_t{-5}}) {
    bad = good;
    bad.pinned_bytes = pinned;
    if (!MustNotBeMade(context, "pinned_bytes below chunk_bytes", bad)) return;
  }
  bad = good;
  bad.device_bytes = -1;
  if (!MustNotBeMade(context, "device_bytes below 0", bad)) return;
  bad = good;
  bad.device_bytes = kHuge;
  if (!MustNotBeMade(context, "more device memory than there is", bad)) return;
  bad = good;
  bad.device_bytes = 4096, bad.pinned_bytes = kHuge;
  if (!MustNotBeMade(context, "more pinned memory than there is", bad)) return;

  for (const int64_t device : {0, 4096}) {
    SnapshotTrial trial(context, "a Save of nonsense, then one of sense");
    trial.script.device_bytes = device, trial.script.pinned_bytes = 4096, trial.script.chunk_bytes = 1024;
    trial.script.tensors = Plain({300, 0, 724});
    trial.Fill(1);
    trial.Do(Step::kSync);
    trial.script.saves = 3;
    const int negative = trial.Do(Step::kBadSave, 0, 0), no_data = trial.Do(Step::kBadSave, 1, 1);
    const int save = trial.Save(2);
    trial.Wait();
    if (!trial.Run() || !trial.Created()) return;
    if (!trial.Returned(negative, kInvalid, "Save refuses a tensor of a negative number of bytes")) return;
    if (!trial.Returned(no_data, kInvalid, "Save refuses a tensor that has bytes and no data")) return;
    if (!trial.Untouched(0) || !trial.Untouched(1)) return;
    if (!trial.Returned(save, 0, "Save returns 0 after calls that it has refused")) return;
  }
}

// ---- a.bytes

// Two versions, each saved while nothing else happens.
bool JudgeBytes(CheckContext& context, const std::string& what, const std::vector<SnapshotTensor>& tensors,
                int64_t chunk) {
  SnapshotCase shape;
  shape.tensors = tensors;
  const int64_t bytes = shape.bytes(), room = std::max(bytes, chunk);
  const SnapshotMemoryPlan plans[] = {
      {"room on the device, exactly", bytes, room, chunk},
      {"more room on the device", bytes + bytes / 3 + 77, room, chunk},
      {"room in pinned memory, exactly", 0, room, chunk},
      {"more room in pinned memory", 0, room + room / 3 + 77, chunk},
      {"one byte too few on the device", std::max<int64_t>(bytes - 1, 0), room, chunk},
  };
  for (const SnapshotMemoryPlan& plan : plans) {
    SnapshotTrial trial(context, what + "; " + plan.name);
    SetPlan(plan, &trial.script);
    trial.script.tensors = tensors;
    std::vector<int> saves, waits;
    for (int64_t round = 0; round < 2; ++round) {
      trial.Fill(round + 1);
      trial.Do(Step::kSync);
      saves.push_back(trial.Save(round));
      waits.push_back(trial.Wait());
    }
    if (!trial.Run() || !trial.Created()) return false;
    for (size_t round = 0; round < 2; ++round) {
      if (!trial.Returned(saves[round], 0, "Save returns 0") || !trial.Waited(waits[round])) return false;
      if (!trial.Whole(static_cast<int64_t>(round), {static_cast<int64_t>(round) + 1})) return false;
    }
  }
  return true;
}

void CheckBytes(CheckContext& context) {
  const int64_t c = context.checked() ? 512 : 4096;
  if (!JudgeBytes(context, "one tensor", Plain({c}), c)) return;
  if (!JudgeBytes(context, "one chunk and a bit", Plain({c + 1}), c)) return;
  if (!JudgeBytes(context, "sizes around a chunk", Plain({c - 1, c, c + 1, 1, 2 * c, 2 * c + 1, 3 * c - 1}), c)) return;
  if (!JudgeBytes(context, "no tensors", {}, c)) return;
  if (!JudgeBytes(context, "empty tensors alone", Plain({0, 0, 0}), c)) return;
  if (!JudgeBytes(context, "empty tensors between", Plain({0, 1, 0, 0, 2, 3, 0}), c)) return;
  if (!JudgeBytes(context, "a chunk of one byte", Plain({3, 0, 5, 1}), 1)) return;
  SnapshotDraws draws(context, 1);
  for (const int64_t chunk : {int64_t{37}, int64_t{1000}, ChunkBytes(context)}) {
    const int64_t bytes = chunk == 37 ? 2000 : chunk == 1000 ? 20000 : StateBytes(context);
    if (!JudgeBytes(context, "all types, sizes and alignments", MixedTensors(&draws, 24, bytes), chunk)) return;
  }
  const int many = context.checked() ? 60 : 400;
  if (!JudgeBytes(context, "many tensors", MixedTensors(&draws, many, StateBytes(context) / 2), ChunkBytes(context))) {
    return;
  }
}

// ---- a.ring

bool JudgeRing(CheckContext& context, const SnapshotMemoryPlan& plan, const std::vector<SnapshotTensor>& tensors,
               int64_t delay_us) {
  SnapshotTrial trial(context, std::string("a slow sink; ") + plan.name);
  SetPlan(plan, &trial.script);
  trial.script.tensors = tensors;
  trial.Do(Step::kSlowSink, delay_us);
  std::vector<int> saves, waits;
  for (int64_t round = 0; round < 2; ++round) {
    trial.Fill(round + 1);
    trial.Do(Step::kSync);
    saves.push_back(trial.Save(round));
    waits.push_back(trial.Wait());
  }
  if (!trial.Run() || !trial.Created()) return false;
  for (size_t round = 0; round < 2; ++round) {
    const int64_t number = static_cast<int64_t>(round);
    if (!trial.Returned(saves[round], 0, "Save returns 0") || !trial.Waited(waits[round])) return false;
    if (!trial.Whole(number, {number + 1})) return false;
  }
  return true;
}

void CheckRing(CheckContext& context) {
  SnapshotDraws draws(context, 4);
  const int64_t c = ChunkBytes(context);
  const SnapshotMemoryPlan plans[] = {{"two chunks", 0, 2 * c, c},
                                      {"four chunks and a bit", 0, 4 * c + 13, c},
                                      {"one chunk", 0, c, c},
                                      {"a chunk and a half", 0, c + c / 2, c},
                                      {"device memory for a third of it", StateBytes(context) / 3, 3 * c, c}};
  for (const SnapshotMemoryPlan& plan : plans) {
    if (!JudgeRing(context, plan, MixedTensors(&draws, 24, StateBytes(context)), 300)) return;
  }
  // On the device there is room, and the copies from there to the host go through the ring.
  const int64_t much = 4 * StateBytes(context);
  JudgeRing(context, {"room on the device, two chunks pinned", much, 2 * c, c},
            MixedTensors(&draws, 24, StateBytes(context)), 300);
}

// ---- a.frozen

// Version 1 is enqueued before Save, behind a gate; version 2 after it.
bool JudgeFrozen(CheckContext& context, const SnapshotMemoryPlan& plan, const std::vector<SnapshotTensor>& tensors,
                 bool in_ring) {
  SnapshotTrial trial(context, std::string("changes before and after; ") + plan.name);
  SetPlan(plan, &trial.script);
  trial.script.tensors = tensors;
  trial.Fill(0);
  trial.Do(Step::kSync);
  const int warm = trial.Save(0);  // what is only ever done once
  trial.Wait();
  // A Save that waits for the stream, or for the sink, gets them after a while.
  trial.Do(Step::kCloseGate, 120);
  trial.Do(Step::kHoldSink, in_ring ? 250 : 800);
  trial.Fill(1);
  const int save = trial.Save(1);
  trial.Do(Step::kSleep, 30);  // time for what does not wait for the stream
  trial.Fill(2);               // at the gate, too: it and copies that do not keep it waiting are let go at once
  trial.Do(Step::kOpenGate);
  trial.Do(Step::kSync);
  trial.Do(Step::kFreeSink);
  const int wait = trial.Wait();
  if (!trial.Run() || !trial.Created()) return false;
  return trial.Returned(warm, 0, "Save returns 0") && trial.Returned(save, 0, "Save returns 0") &&
         trial.Whole(0, {0}) && trial.Whole(1, {1}) && trial.Waited(wait);
}

void CheckFrozen(CheckContext& context) {
  SnapshotDraws draws(context, 2);
  const int64_t chunk = ChunkBytes(context);
  for (int round = 0; round < (context.checked() ? 1 : 3); ++round) {
    SnapshotCase shape;
    shape.tensors = MixedTensors(&draws, 20 + 13 * round, StateBytes(context));
    const int64_t bytes = shape.bytes();
    const SnapshotMemoryPlan plans[] = {{"room on the device, little pinned memory", bytes + 100, 3 * chunk, chunk},
                                        {"room in pinned memory", 0, bytes + 100, chunk},
                                        {"a ring", 0, 4 * chunk, chunk},
                                        {"room on the device and in pinned memory", bytes, bytes, chunk}};
    for (const SnapshotMemoryPlan& plan : plans) {
      const bool in_ring = plan.device_bytes < bytes && plan.pinned_bytes < bytes;
      if (!JudgeFrozen(context, plan, shape.tensors, in_ring)) return;
    }
  }
}

// ---- a.asynchronous

constexpr const char* kReturnsEarly = "Save returns without waiting for the stream, the copies or the sink";

// The stream at a gate and the sink held back, unless `gate_on_other`: then the other stream is at the gate.
bool JudgeAsynchronous(CheckContext& context, const SnapshotMemoryPlan& plan,
                       const std::vector<SnapshotTensor>& tensors, int64_t saves, bool gate_on_other) {
  SnapshotTrial trial(context, std::string(gate_on_other ? "another stream is held up; " : "the stream is held up, ") +
                                   (gate_on_other ? "" : "and so is the sink; ") + plan.name);
  SetPlan(plan, &trial.script);
  trial.script.tensors = tensors;
  trial.Fill(0);
  trial.Do(Step::kSync);
  trial.Save(0);
  trial.Wait();
  trial.Do(Step::kCloseGate, kNeverMs, 0, 0, gate_on_other ? 1 : 0);
  if (!gate_on_other) trial.Do(Step::kHoldSink, kNeverMs);
  std::vector<int> calls;
  for (int64_t save = 1; save <= saves; ++save) {
    trial.Fill(save);
    calls.push_back(trial.Save(save));
  }
  trial.Do(Step::kOpenGate);
  trial.Do(Step::kFreeSink);
  trial.Fill(15);
  const int wait = trial.Wait();
  if (!trial.Run() || !trial.Created()) return false;
  for (const int call : calls) {
    if (!trial.Returned(call, 0, "Save returns 0")) return false;
    if (trial.result(call).timed_out & 1) {
      return trial.Fail(gate_on_other ? "Save does not wait for streams other than its own" : kReturnsEarly,
                        "it returns while the stream is held up",
                        "it did not, for " + std::to_string(kNeverMs / 1000) + " s");
    }
    if (trial.result(call).timed_out & 2) {
      return trial.Fail(kReturnsEarly, "it returns while the sink is held up",
                        "it did not, for " + std::to_string(kNeverMs / 1000) + " s");
    }
  }
  if (!trial.Waited(wait)) return false;
  for (int64_t save = 0; save <= saves; ++save) {
    if (!trial.Whole(save, {save})) return false;
  }
  return true;
}

// The last chunks fit into the ring: Save must not wait until the sink has taken them, too.
bool JudgeLastRing(CheckContext& context, int64_t chunk) {
  SnapshotTrial trial(context, "the sink stops two chunks before the end");
  SetPlan({"", 0, 4 * chunk, chunk}, &trial.script);
  trial.script.tensors = Plain({6 * chunk, 4 * chunk, 8 * chunk});
  const int64_t bytes = trial.script.bytes();
  trial.Fill(1);
  trial.Do(Step::kHoldSink, kNeverMs, bytes - 2 * chunk);
  const int save = trial.Save(0);
  trial.Do(Step::kFreeSink);
  trial.Fill(2);
  const int wait = trial.Wait();
  if (!trial.Run() || !trial.Created()) return false;
  if (!trial.Returned(save, 0, "Save returns 0")) return false;
  if (trial.result(save).timed_out & 2) {
    return trial.Fail("Save returns when the last chunk is in pinned memory",
                      "it returns while the sink has two chunks to take, and the ring has room for four",
                      "it did not, for " + std::to_string(kNeverMs / 1000) + " s");
  }
  return trial.Waited(wait) && trial.Whole(0, {1});
}

// More than of some things a stream or a queue has room for, and fewer than CUDA lets wait in any stream (1024).
constexpr int64_t kManyChunks = 150;

void CheckAsynchronous(CheckContext& context) {
  SnapshotDraws draws(context, 3);
  SnapshotCase shape;
  shape.tensors = MixedTensors(&draws, 30, StateBytes(context));
  const int64_t bytes = shape.bytes(), chunk = ChunkBytes(context);
  const struct {
    SnapshotMemoryPlan plan;
    int64_t saves;
  } held[] = {{{"room on the device, exactly", bytes, 2 * chunk, chunk}, 1},
              {{"room on the device", 2 * bytes, chunk, chunk}, 2},
              {{"room in pinned memory, exactly", 0, bytes, chunk}, 1},
              {{"room in pinned memory", chunk, 3 * bytes, chunk}, 2},
              {{"room in pinned memory, many chunks", 0, bytes, bytes / kManyChunks}, 1}};
  for (const auto& [plan, saves] : held) {
    if (!JudgeAsynchronous(context, plan, shape.tensors, saves, false)) return;
  }
  for (const SnapshotMemoryPlan& plan : {SnapshotMemoryPlan{"room on the device", bytes, 2 * chunk, chunk},
                                         {"room in pinned memory", 0, bytes, chunk},
                                         {"a ring", 0, 3 * chunk, chunk}}) {
    if (!JudgeAsynchronous(context, plan, shape.tensors, 1, true)) return;
  }
  JudgeLastRing(context, chunk);
}

}  // namespace

void AddSnapshotChecks(std::vector<workbench::Check>* checks) {
  const std::vector<workbench::Check> mine = {
      {{"a.arguments",
        "arguments that make no sense",
        0.5,
        false,
        {"no test of the arguments", "the sum of sizes is taken before they are looked at",
         "what was allocated first stays when the second allocation fails"}},
       CheckArguments},
      {{"a.bytes",
        "every byte, once",
        1.5,
        false,
        {"the last, shorter chunk is left out", "an empty tensor ends the list", "a piece that crosses a chunk's end",
         "Finish is not called for a state of no bytes", "exact fits are taken for too large"}},
       CheckBytes},
      {{"a.ring",
        "more state than memory",
        1.5,
        false,
        {"a chunk is used again before the sink has taken it", "the sizes at the ring's end"}},
       CheckRing},
      {{"a.frozen",
        "the state at that point of the stream",
        2.5,
        false,
        {"the copy to the host is enqueued to another stream that does not wait for this one",
         "this stream does not wait for the copies on another", "tensors are read when the sink is ready for them"}},
       CheckFrozen},
      {{"a.asynchronous",
        "Save waits for no more than it has to",
        2.5,
        false,
        {"cudaDeviceSynchronize, cudaStreamSynchronize or cudaMemcpy in Save",
         "the default stream is used: it waits for others", "copies to memory that is not pinned",
         "a lock that the writer holds while it writes", "a queue of few chunks between Save and the writer",
         "an event with cudaEventBlockingSync for each chunk: only some dozens of them can wait in a stream"}},
       CheckAsynchronous},
      {{"a.overlapping",
        "a Save while others are under way",
        2,
        false,
        {"one staging buffer for all saves", "a lock held while waiting for memory that only its owner can free",
         "memory is given back to the wrong save"}},
       CheckSnapshotOverlapping},
      {{"a.errors",
        "the sink fails",
        2,
        false,
        {"the writer thread's error goes nowhere", "the error is kept, and returned again",
         "memory of the failed save is not given back", "writing goes on after the error"}},
       CheckSnapshotErrors},
      {{"a.memory",
        "memory within the budget, none of it during a save",
        1,
        false,
        {"buffers allocated at each Save", "a second pinned buffer", "not freed by the destructor"}},
       CheckSnapshotMemory},
      {{"a.shutdown",
        "destroyed with saves under way",
        1,
        false,
        {"the writer thread is told to stop, and drops what is queued", "the thread is detached"}},
       CheckSnapshotShutdown},
      {{"a.restore_bytes",
        "every byte comes back, and nothing beside them",
        0.5,
        false,
        {"a Read that gave less is taken for all of it", "-EINTR is taken for an error",
         "the last, shorter chunk is left out", "memory is read into again before its copy is done",
         "Read is given device memory"}},
       CheckRestoreBytes},
      {{"a.restore_order",
        "written at that point of the stream",
        0.5,
        false,
        {"copies on other streams do not wait for this one", "the copies are still under way when it returns",
         "the default stream is used: it waits for others"}},
       CheckRestoreOrder},
      {{"a.restore_overlap",
        "Reads at once, and beside the copies",
        0.5,
        false,
        {"one Read after the other", "a lock that is held while reading", "each Read waits for the copy before it",
         "more Reads at once than readers, where there is memory for them"}},
       CheckRestoreOverlap},
      {{"a.restore_errors",
        "the source fails; memory within the budget",
        0.5,
        false,
        {"the error stays in the thread", "the other readers go on", "0 bytes are taken for the end",
         "a pinned buffer of the state's size", "what is allocated stays when a Read has failed"}},
       CheckRestoreErrors},
      {{"a.stall",
        "how long training stands still",
        0.5,
        true,
        {"many small copies instead of a few kernels", "copies and the sink take turns instead of overlapping",
         "pageable memory"}},
       CheckSnapshotStall},
      {{"a.slowdown",
        "training beside a save",
        0.5,
        true,
        {"copies to the host by a kernel: the copy engine needs no multiprocessors",
         "the copies to the host are in the training's stream"}},
       CheckSnapshotSlowdown},
      {{"a.restore_speed",
        "how long a restore takes",
        0.5,
        true,
        {"pageable memory", "pinning takes longer than copying", "a lock that all readers take for each piece"}},
       CheckRestoreSpeed},
  };
  checks->insert(checks->end(), mine.begin(), mine.end());
}

}  // namespace q13
