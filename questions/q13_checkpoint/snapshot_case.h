// Part A: a case as the grader sends it to the runner, and what comes back. A case is a script: what the judge does
// with a snapshotter, its stream and its sink, one action after another. (restore_case.h: those of q13_restore.)
#ifndef QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_CASE_H_
#define QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_CASE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace q13 {

// What a request is of part A's, behind the RequestKind.
enum class SnapshotForm : int32_t { kScript = 0, kSpeed, kRestore, kRestoreSpeed };

// ---- Contents

constexpr uint64_t PatternMix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}
constexpr uint64_t PatternKey(uint64_t seed, int64_t version, int64_t tensor) {
  return PatternMix(PatternMix(seed ^ (static_cast<uint64_t>(version) << 32)) + static_cast<uint64_t>(tensor));
}
constexpr uint8_t PatternByte(uint64_t key, uint64_t index) {
  return static_cast<uint8_t>(PatternMix(key ^ (index / 8)) >> (8 * (index % 8)));
}

// ---- Scripts

enum class SnapshotStep : int32_t {
  kFill = 0,   // enqueues version `a` of all tensors to the stream
  kSave,       // number `a`, of the first `b` tensors (-1: all)
  kBadSave,    // number `a`, with a first tensor that is wrong: `b` 0: bytes < 0, 1: no data
  kWait,       // Snapshotter::Wait
  kCloseGate,  // what is enqueued to the stream from here on waits until kOpenGate, at most `a` milliseconds
  kOpenGate,
  kHoldSink,  // writes wait until kFreeSink, at most `a` milliseconds, once `b` bytes of their save were taken
  kFreeSink,
  kSlowSink,     // each write takes `a` microseconds
  kFailWrite,    // of save `a`, number `b` (from 0): returns `c`
  kAwaitFinish,  // of save `a`, at most 10 s
  kSleep,        // `a` milliseconds
  kSync,         // waits for the stream
  kJoin,         // stream `a` comes behind what the stream has now
  kDestroy,      // the snapshotter; done at the end of each case that has not done it
};

struct SnapshotAction {
  SnapshotStep step = SnapshotStep::kFill;
  int32_t stream = 0;  // 0 or 1
  int64_t a = 0, b = 0, c = 0;
};

struct SnapshotTensor {
  int64_t bytes = 0;
  int32_t offset = 0;  // bytes from a 256-byte boundary
  int32_t type = 0;
};

struct SnapshotCase {
  int64_t device_bytes = 0, pinned_bytes = 0, chunk_bytes = 0;
  int32_t has_sink = 1;
  int32_t saves = 0;  // numbered from 0
  uint64_t seed = 0;
  std::vector<SnapshotTensor> tensors;
  std::vector<SnapshotAction> actions;

  int64_t bytes() const {
    int64_t sum = 0;
    for (const SnapshotTensor& tensor : tensors) sum += tensor.bytes;
    return sum;
  }
};

inline constexpr int kSnapshotStreams = 2;

// ---- What happened

struct SnapshotActionResult {
  int32_t value = 0;      // what the call returned
  int32_t timed_out = 0;  // bit 0: a gate opened by itself before the call returned; bit 1: the sink did; kAwaitFinish
  int32_t finished = 0;   // saves, when it returned
  int32_t padding = 0;
  int64_t taken = 0;  // bytes of this save that the sink's calls had taken when it returned (kSave)
};

// Of the calls of the sink.
struct SnapshotSaveResult {
  int32_t finishes = 0;
  int32_t error = 0;  // of the last Finish
  int64_t writes = 0;
  int64_t largest = 0;                // bytes of a write
  int32_t after_end = 0;              // calls after Finish, or after a write that failed (but Finish)
  int32_t outside = 0;                // writes of bytes that the tensors do not have
  int32_t not_host = 0;               // writes of memory that is not the host's
  int32_t at_once = 0;                // writes while another of the save was under way
  int32_t changed = 0;                // writes whose data changed during the call
  int32_t after_destroy = 0;          // calls after the snapshotter was gone
  int64_t missing = 0, repeated = 0;  // bytes that were not written, and that were written again
  int32_t first_tensor = -1;          // of the first such byte
  int32_t padding = 0;
  int64_t first_offset = 0;
};

// CUDA's memory, in use by the snapshotter at most: what was asked for.
struct SnapshotMemory {
  int64_t device_bytes = 0, pinned_bytes = 0;
  int32_t calls_between = 0;  // allocations and frees after create and before destroy
  int32_t left = 0;           // allocations that were not freed by destroy
  int64_t left_bytes = 0;
};

struct SnapshotReply {
  int32_t created = 0;
  SnapshotMemory memory;
  std::vector<SnapshotActionResult> actions;
  std::vector<SnapshotSaveResult> saves;
  std::vector<std::byte> contents;  // of save 0, tensor after tensor, of save 1, ...; zeros where nothing was written
};

std::vector<std::byte> PackSnapshotCase(const SnapshotCase& script);
bool ParseSnapshotCase(std::span<const std::byte> bytes, SnapshotCase* script);
std::vector<std::byte> PackSnapshotReply(const SnapshotReply& reply);
bool ParseSnapshotReply(std::span<const std::byte> bytes, SnapshotReply* reply);

// ---- Speed

enum class SnapshotRoom : int32_t { kDevice = 0, kPinned = 1, kRing = 2 };

struct SnapshotSpeedRequest {
  int32_t kind = 0;  // RequestKind::kSnapshot
  SnapshotForm form = SnapshotForm::kSpeed;
  SnapshotRoom room = SnapshotRoom::kDevice;
  int32_t samples = 0;
  int64_t bytes = 0;  // of state, about
  int64_t ring_bytes = 0;
  double sink_bytes_per_second = 0;  // 0: as fast as it is called
  int32_t slowdown = 0;              // time training beside the save
  int32_t padding = 0;
  uint64_t seed = 0;
};

struct SnapshotSpeedReply {
  char device[128] = {};
  double copy_bytes_per_second = 0;  // read and written by a device copy
  double plain_seconds = 0;          // of a plain copy of the state, to the device or to pinned memory
  int64_t bytes = 0;                 // of the state
  int32_t created = 0;
  int32_t error = 0;        // the first value of Save or Wait that was not 0
  int64_t wrong_words = 0;  // of those that the sink looked at
  int64_t wrong_bytes = 0;  // too few or too many, over all saves
  uint64_t samples = 0;  // that many doubles follow: stalls; with `slowdown` as many more: alone, and as many: beside
};

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_CASE_H_
