// Part A: the way back, from a source to device memory.
#include "questions/q13_checkpoint/checks_restore.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/restore_judge.h"
#include "questions/q13_checkpoint/snapshot_judge.h"

namespace q13 {
namespace {

using workbench::CheckContext;

// For what a right answer does not wait for, and a wrong one is found out by waiting for.
constexpr int32_t kNeverMs = 3000;

int64_t StateBytes(const CheckContext& context) {
  return context.gpu() ? 8 << 20 : context.checked() ? 16 << 10 : 120 << 10;
}
// About 1 / 30 of it, and not a round number.
int64_t ChunkBytes(const CheckContext& context) { return StateBytes(context) / 30 / 8 * 8 + 8; }

std::vector<SnapshotTensor> Plain(const std::vector<int64_t>& sizes) {
  std::vector<SnapshotTensor> tensors;
  for (const int64_t bytes : sizes) tensors.push_back({bytes, 0, static_cast<int32_t>(Type::kU8)});
  return tensors;
}

RestorePlan Plan(int64_t chunks, int64_t chunk, int32_t readers) {
  RestorePlan plan;
  plan.pinned_bytes = chunks * chunk;
  plan.chunk_bytes = chunk;
  plan.readers = readers;
  return plan;
}

// ---- a.restore_bytes

bool JudgeBytes(CheckContext& context, const std::string& what, const std::vector<SnapshotTensor>& tensors,
                int64_t chunk) {
  struct {
    const char* name;
    int64_t pinned_bytes;
    int32_t readers;
  } const plans[] = {{"one chunk of memory", chunk, 8},
                     {"two chunks and a bit, one reader", 2 * chunk + chunk / 2, 1},
                     {"five chunks, three readers", 5 * chunk, 3},
                     {"much memory", 64 * chunk, 8}};
  for (const auto& [name, pinned_bytes, readers] : plans) {
    for (const bool short_reads : {false, true}) {
      RestoreTrial trial(context, what + "; " + name + (short_reads ? "; short and interrupted reads" : ""));
      trial.asked.plan = Plan(1, chunk, readers);
      trial.asked.plan.pinned_bytes = pinned_bytes;
      trial.asked.plan.short_reads = short_reads;
      trial.asked.tensors = tensors;
      if (!trial.Run() || !trial.Whole()) return false;
    }
  }
  return true;
}

}  // namespace

void CheckRestoreBytes(CheckContext& context) {
  const int64_t c = context.checked() ? 512 : 4096;
  if (!JudgeBytes(context, "one tensor", Plain({c}), c)) return;
  if (!JudgeBytes(context, "sizes around a chunk", Plain({c - 1, c, c + 1, 1, 2 * c, 2 * c + 1, 3 * c - 1}), c)) return;
  if (!JudgeBytes(context, "no tensors", {}, c)) return;
  if (!JudgeBytes(context, "empty tensors alone", Plain({0, 0, 0}), c)) return;
  if (!JudgeBytes(context, "empty tensors between", Plain({0, 1, 0, 0, 2, c, 0}), c)) return;
  if (!JudgeBytes(context, "a chunk of one byte", Plain({3, 0, 5, 1}), 1)) return;
  SnapshotDraws draws(context, 9);
  for (const int64_t chunk : {int64_t{37}, ChunkBytes(context)}) {
    const int64_t bytes = chunk == 37 ? 2000 : StateBytes(context);
    if (!JudgeBytes(context, "all types, sizes and alignments", MixedTensors(&draws, 24, bytes), chunk)) return;
  }
  const int many = context.checked() ? 60 : 300;
  if (!JudgeBytes(context, "many tensors", MixedTensors(&draws, many, StateBytes(context) / 2), ChunkBytes(context))) {
    return;
  }
  // Copies that cannot begin for a while: memory that is read into again too early is seen in what they copy.
  for (const int32_t readers : {1, 3}) {
    RestoreTrial trial(context, "the stream is held up, and there is more state than memory");
    trial.asked.plan = Plan(2 * readers, ChunkBytes(context), readers);
    trial.asked.plan.gate = RestoreGate::kStream;
    trial.asked.plan.gate_ms = 60;
    trial.asked.tensors = MixedTensors(&draws, 12, StateBytes(context));
    if (!trial.Run() || !trial.Whole()) return;
  }
}

// ---- a.restore_order

void CheckRestoreOrder(CheckContext& context) {
  SnapshotDraws draws(context, 10);
  const int64_t chunk = ChunkBytes(context);
  const std::vector<SnapshotTensor> tensors = MixedTensors(&draws, 12, StateBytes(context));
  for (const RestorePlan& plan : {Plan(4, chunk, 2), Plan(1, chunk, 1), Plan(100, chunk, 8)}) {
    RestoreTrial trial(context, "a copy enqueued before the call, and one after it; the stream is held up");
    trial.asked.plan = plan;
    trial.asked.plan.gate = RestoreGate::kStream;
    trial.asked.plan.gate_ms = 150;
    trial.asked.tensors = tensors;
    if (plan.pinned_bytes > 10 * chunk) {
      // No reader has to wait for a copy: all is read while none can be made.
      trial.asked.tensors = Plain({4 * chunk});
      trial.asked.plan.at_once = 4;
    }
    if (!trial.Run() || !trial.Whole()) return;
    if (!trial.Old(trial.reply().before, "what was enqueued before the call finds the old bytes")) return;
    if (!trial.Restored(trial.reply().after, "what is enqueued after the call finds the new bytes")) return;
    if (!trial.reply().gate_by_itself) {
      trial.Fail("q13_restore returns when the copies are done, and the memory that they read is out of use",
                 "it returns after the stream was let go", "it returned while the stream was held up");
      return;
    }
  }
  // The gate opens as the last byte is read: by then most copies must have been made.
  for (const RestorePlan& plan : {Plan(2, chunk, 1), Plan(4, chunk, 4)}) {
    RestoreTrial trial(context, "another stream is held up until all is read");
    trial.asked.plan = plan;
    trial.asked.plan.gate = RestoreGate::kOtherStream;
    trial.asked.plan.gate_ms = kNeverMs;
    trial.asked.tensors = tensors;
    trial.asked.plan.gate_bytes = trial.asked.bytes();
    if (!trial.Run() || !trial.Whole()) return;
    if (trial.reply().gate_by_itself) {
      trial.Fail("the copies do not wait for streams other than the call's",
                 "all is read while another stream is held up",
                 "it was not, for " + std::to_string(kNeverMs / 1000) + " s");
      return;
    }
  }
}

// ---- a.restore_overlap

void CheckRestoreOverlap(CheckContext& context) {
  const int64_t chunk = ChunkBytes(context);
  const struct {
    const char* name;
    int64_t memory, state;  // in chunks
    int32_t readers, at_once, delay_us;
  } together[] = {{"two readers", 4, 12, 2, 2, 300},
                  {"eight readers, two chunks of memory", 2, 12, 8, 2, 300},
                  {"eight readers", 16, 30, 8, 8, 300},
                  {"eight readers, four chunks of state", 16, 4, 8, 4, 300},
                  {"three readers, much memory", 30, 30, 3, 3, 10000}};  // time for one too many
  for (const auto& [name, memory, state, readers, at_once, delay_us] : together) {
    RestoreTrial trial(context, std::string("Reads are held back until ") + std::to_string(at_once) +
                                    " are under way, or for 2 s; " + name);
    trial.asked.plan = Plan(memory, chunk, readers);
    trial.asked.plan.at_once = at_once;
    trial.asked.plan.delay_us = delay_us;
    trial.asked.tensors = Plain({state * chunk});
    if (!trial.Run() || !trial.Whole() || !trial.WithinReaders()) return;
    if (trial.reply().reads.gave_up_together) {
      trial.Fail("Reads overlap each other, as far as readers, memory and the number of chunks let them",
                 std::to_string(at_once) + " under way at once", std::to_string(trial.reply().reads.most_at_once));
      return;
    }
  }
  {
    RestoreTrial trial(context, "slow Reads, four readers, one chunk of memory");
    trial.asked.plan = Plan(1, chunk, 4);
    trial.asked.plan.delay_us = 300;
    trial.asked.tensors = Plain({12 * chunk + 3, 5});
    if (!trial.Run() || !trial.Whole()) return;
  }
  RestoreTrial trial(context, "one reader, two chunks of memory; the stream is held up until the second Read begins");
  trial.asked.plan = Plan(2, chunk, 1);
  trial.asked.plan.gate = RestoreGate::kStream;
  trial.asked.plan.gate_ms = kNeverMs;
  trial.asked.plan.gate_bytes = 1;
  trial.asked.tensors = Plain({8 * chunk});
  if (!trial.Run() || !trial.Whole()) return;
  if (trial.reply().gate_by_itself) {
    trial.Fail("Reads overlap the copies to the device", "the second Read begins while the first copy cannot",
               "it did not, for " + std::to_string(kNeverMs / 1000) + " s");
  }
}

// ---- a.restore_errors

namespace {

bool JudgeArguments(CheckContext& context, const std::string& what, const RestorePlan& plan) {
  RestoreTrial trial(context, what);
  trial.asked.plan = plan;
  trial.asked.tensors = Plain({300, 0, 724, 100});
  if (!trial.Run() || !trial.Returned(kInvalid, "q13_restore refuses what makes no sense")) return false;
  if (trial.reply().reads.calls > 0) {
    return trial.Fail("nothing is read when the arguments are refused", "0 calls of Read",
                      std::to_string(trial.reply().reads.calls));
  }
  return trial.WithinMemory() && trial.Old(trial.reply().block, "nothing is written when the arguments are refused");
}

bool JudgeAllArguments(CheckContext& context) {
  const RestorePlan good = Plan(4, 1024, 2);
  RestorePlan bad = good;
  for (const int64_t pinned : {1023, 0, -5}) {
    bad.pinned_bytes = pinned;
    if (!JudgeArguments(context, "pinned_bytes below chunk_bytes", bad)) return false;
  }
  bad = good;
  for (const int64_t chunk : {0, -1}) {
    bad.chunk_bytes = chunk;
    if (!JudgeArguments(context, "chunk_bytes below 1", bad)) return false;
  }
  bad = good;
  for (const int32_t readers : {0, -1}) {
    bad.readers = readers;
    if (!JudgeArguments(context, "readers below 1", bad)) return false;
  }
  bad = good;
  bad.arguments = RestoreArguments::kNoSource;
  if (!JudgeArguments(context, "no source", bad)) return false;
  bad.arguments = RestoreArguments::kNegativeBytes;
  if (!JudgeArguments(context, "a tensor of a negative number of bytes", bad)) return false;
  bad.arguments = RestoreArguments::kNoData;
  return JudgeArguments(context, "a tensor that has bytes and no data", bad);
}

bool JudgeError(CheckContext& context, RestorePlan plan, int64_t state, int64_t fail_at, int32_t fail_with) {
  RestoreTrial trial(context, "Read " + std::to_string(fail_at) + " returns " + SnapshotErrorName(fail_with));
  plan.fail_at = fail_at;
  plan.fail_with = fail_with;
  plan.delay_us = 200;
  trial.asked.plan = plan;
  trial.asked.tensors = Plain({state * plan.chunk_bytes});
  if (!trial.Run()) return false;
  if (!trial.Returned(fail_with == 0 ? -EIO : fail_with, fail_with == 0
                                                             ? "a tensor that is cut short is an error"
                                                             : "what a Read that failed has returned is returned")) {
    return false;
  }
  // One that another reader was about to begin is no fault.
  if (trial.reply().reads.after_failure >= plan.readers) {
    return trial.Fail("no Read is begun after one has failed",
                      "0, or where other readers had no time to hear of it, " + std::to_string(plan.readers - 1),
                      std::to_string(trial.reply().reads.after_failure));
  }
  return trial.InOrder() && trial.WithinMemory();
}

}  // namespace

void CheckRestoreErrors(CheckContext& context) {
  if (!JudgeAllArguments(context)) return;
  const int64_t chunk = ChunkBytes(context), state = 40;
  for (const RestorePlan& plan : {Plan(2, chunk, 1), Plan(2, chunk, 4), Plan(16, chunk, 8)}) {
    for (const int64_t at : {int64_t{0}, int64_t{7}, state - 1}) {
      for (const int32_t error : {-EIO, -EACCES, 0}) {
        if (!JudgeError(context, plan, state, at, error)) return;
      }
    }
  }
  // Large enough for 64 KiB to be little.
  SnapshotDraws draws(context, 11);
  const int64_t much = context.gpu() ? 16 << 20 : context.checked() ? 256 << 10 : 1 << 20;
  for (const RestorePlan& plan : {Plan(1, much / 16, 8), Plan(2, much / 16, 8), Plan(100, much / 16, 3)}) {
    RestoreTrial trial(context, "what is allocated");
    trial.asked.plan = plan;
    trial.asked.tensors = MixedTensors(&draws, 12, much);
    if (!trial.Run() || !trial.Whole() || !trial.WithinMemory()) return;
  }
}

}  // namespace q13
