// Part A's q13_restore: a case as the grader sends it to the runner, and what comes back.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESTORE_CASE_H_
#define QUESTIONS_Q13_CHECKPOINT_RESTORE_CASE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "questions/q13_checkpoint/snapshot_case.h"

namespace q13 {

// ---- What is asked for

enum class RestoreArguments : int32_t { kGood = 0, kNegativeBytes, kNoData, kNoSource };
// Which stream is at a gate as the call is made.
enum class RestoreGate : int32_t { kNone = 0, kStream, kOtherStream };

struct RestorePlan {
  int64_t pinned_bytes = 0, chunk_bytes = 0;
  int32_t readers = 8;
  RestoreArguments arguments = RestoreArguments::kGood;
  // The gate opens after `gate_ms`, by itself; or, unless that is negative, with a Read that begins when `gate_bytes`
  // have been given, or that gives the last byte.
  RestoreGate gate = RestoreGate::kNone;
  int32_t gate_ms = 0;
  int64_t gate_bytes = -1;
  int32_t short_reads = 0;  // Reads give less than they are asked for, and are interrupted
  int32_t delay_us = 0;     // of each Read
  int32_t at_once = 0;      // Reads are held back until so many are under way, once, and at most 2 s
  int32_t fail_with = 0;    // what Read number `fail_at` returns
  int64_t fail_at = -1;
  uint64_t seed = 0;
};

struct RestoreCase {
  RestorePlan plan;
  std::vector<SnapshotTensor> tensors;

  int64_t bytes() const;
  // Where the tensors lie in a block of memory, each with bytes of nobody's on both sides, and its size behind them.
  std::vector<int64_t> Layout() const;
};

// The block holds version 0 of "tensor" -1 before the call; the source has version 1 of the tensors.
inline constexpr int64_t kRestoreBlock = -1;

// ---- What happened

struct RestoreReads {
  int64_t calls = 0;
  int64_t largest = 0;           // bytes asked for
  int64_t outside = 0;           // of bytes that the tensors do not have, or of none
  int64_t not_host = 0;          // into memory that is not the host's
  int64_t after_failure = 0;     // begun after a Read had failed
  int64_t most_at_once = 0;      // under way
  int64_t left_under_way = 0;    // when the call returned
  int64_t after_return = 0;      // begun
  int32_t gave_up_together = 0;  // `at_once` was not reached in time
  int32_t padding = 0;
};

struct RestoreReply {
  int32_t value = 0;           // what q13_restore returned
  int32_t gate_by_itself = 0;  // the gate had opened by itself when it returned
  SnapshotMemory memory;
  RestoreReads reads;
  // The block: when all was done; as a copy in the stream right before the call found it; and one right after.
  std::vector<std::byte> block, before, after;
};

std::vector<std::byte> PackRestoreCase(const RestoreCase& asked);
bool ParseRestoreCase(std::span<const std::byte> bytes, RestoreCase* asked);
std::vector<std::byte> PackRestoreReply(const RestoreReply& reply);
bool ParseRestoreReply(std::span<const std::byte> bytes, RestoreReply* reply);

// ---- Speed

struct RestoreSpeedRequest {
  int32_t kind = 0;  // RequestKind::kSnapshot
  SnapshotForm form = SnapshotForm::kRestoreSpeed;
  int64_t bytes = 0;  // of state, about
  int64_t pinned_bytes = 0, chunk_bytes = 0;
  int32_t readers = 0;
  int32_t samples = 0;
  uint64_t seed = 0;
};

struct RestoreSpeedReply {
  char device[128] = {};
  double copy_seconds = 0;  // of a plain copy of as many bytes from pinned memory
  double read_seconds = 0;  // of reading them, by as many threads, into memory of their own
  int64_t bytes = 0;        // of the state
  int32_t error = 0;        // the first value of q13_restore that was not 0
  int32_t padding = 0;
  int64_t wrong_bytes = 0;  // over all samples
  uint64_t samples = 0;     // that many doubles follow
};

std::vector<std::byte> PackRestoreSpeed(RestoreSpeedRequest request);
// False, and nothing is known of the outputs, if it is no such reply.
bool ParseRestoreSpeed(std::span<const std::byte> bytes, RestoreSpeedReply* reply, std::vector<double>* seconds);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESTORE_CASE_H_
