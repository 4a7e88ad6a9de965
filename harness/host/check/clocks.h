// Who has done what before whom, inside kernels.
//
// A thread's life is cut into segments wherever it synchronises; an access is remembered by the segment that made it.
// Segment s happens before what thread t does now if
//   t is the same thread, or
//   same block, and the block has passed a barrier since s; same grid, and a grid.sync() since; or
//   same warp, and __syncwarp has told t's lane of s's epoch; or
//   another operation, which streams, events or the host have ordered before t's kernel; or
//   t has read a flag (atomic or volatile) and then fenced, where the flag was set behind a fence by a thread that knew
//   of s (or whose own s is). __threadfence_block does for threads of the same block.
// The last is a sparse vector clock; the others are what makes it sparse.
#ifndef HARNESS_HOST_CHECK_CLOCKS_H_
#define HARNESS_HOST_CHECK_CLOCKS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "harness/host/check/clock.h"
#include "harness/host/executor/block.h"

namespace cuda_host::check {

// A kernel, a copy, or (index 0) the host.
struct OperationInfo {
  std::string name;  // "kernel Reduce<float>", "cudaMemcpyAsync", "host code"
  Operation operation;
  bool is_kernel = false;
  uint3 grid{1, 1, 1}, block{1, 1, 1};
};

struct Segment {
  uint32_t operation = 0;
  uint32_t block = 0;
  uint32_t thread = 0;
  uint32_t barriers = 0;    // that the block had passed
  uint32_t grid_syncs = 0;  // that the grid had passed
  uint32_t epoch = 0;       // of the thread; for the host, its operation's number
};

// What has been learnt from flags.
struct FlagClock {
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> blocks;              // (operation, block): barriers
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> threads;  // (operation, block, thread): epoch
  std::map<uint32_t, uint32_t> grid_syncs;                               // operation: grid.sync()s
  std::set<uint32_t> operations;                                         // all that was before them
  bool everything = false;  // from another process: unknown, hence never accused

  bool Covers(const Segment& segment) const;
  void Join(const FlagClock& other);
};
using SharedClock = std::shared_ptr<const FlagClock>;
SharedClock Joined(const SharedClock& a, const SharedClock& b);

// A clock for everybody, and one that holds within the block only (and has what the first has).
struct ScopedClock {
  SharedClock device, block;
  void Join(const ScopedClock& other) {
    device = Joined(device, other.device);
    block = Joined(block, other.block);
  }
};

struct ThreadClock {
  uint32_t epoch = 1;
  uint32_t segment = 0;   // index, 0: none for the present state
  SharedClock acquired;   // since the last barrier
  ScopedClock fence;      // what the last fences cover
  ScopedClock seen;       // what flags that it has read carry: learnt at its next fence
  SharedClock last_seen;  // held: an address may be used again
};

struct GridState {
  uint32_t operation = 0;
  uint32_t syncs = 0;
  SharedClock acquired;  // at the last grid.sync()
};

struct BlockState {
  Block* block = nullptr;
  uint32_t barriers = 1;
  uint32_t grid_syncs = 0;
  bool has_fenced = false;
  std::vector<ThreadClock> threads;
  std::vector<uint32_t> warp_knows;  // [thread][lane]: epoch of that lane which the thread knows
  SharedClock acquired;              // at the last barrier
  ScopedClock fence;                 // what fences before the last barrier cover
};

// Everything below is guarded by one lock, which the callers in memory.cc hold.
class Clocks {
 public:
  Clocks();
  uint32_t AddOperation(OperationInfo info);
  const OperationInfo& operation(uint32_t index) const { return operations_[index]; }
  const Segment& segment(uint32_t index) const { return segments_[index]; }

  uint32_t SegmentOfThread(BlockState* state);
  uint32_t SegmentOfOperation(uint32_t operation);
  uint32_t SegmentOfHost();
  void SetHost(const Operation& host);

  bool OrderedBeforeThread(uint32_t segment, const BlockState& state, uint32_t thread) const;
  bool OrderedBeforeOperation(uint32_t segment, const OperationClock* before, uint32_t operation) const;
  bool OrderedBeforeHost(uint32_t segment) const;

  void Barrier(BlockState* state);
  void SyncWarp(BlockState* state, uint32_t warp, uint32_t mask);
  void GridSync(BlockState* state);
  void Fence(BlockState* state, bool block_only);
  // The running thread's atomic or volatile access to the word at `address`. `acquire` and `release`: it is its own
  // fence.
  void ReadFlag(BlockState* state, const void* address, bool maybe_remote, bool acquire);
  void WriteFlag(BlockState* state, const void* address, bool keep, bool release);
  void ForgetFlags(const void* begin, size_t bytes);

  // "kernel K, block (0,0,0), thread (3,0,0)", "cudaMemcpyAsync", "host code".
  std::string Describe(uint32_t segment) const;

 private:
  SharedClock Snapshot(BlockState* state, uint32_t thread) const;

  std::vector<OperationInfo> operations_;
  std::vector<Segment> segments_;
  struct FlagState {
    ScopedClock clock;
    uint32_t operation = 0, block = 0;  // for whose threads clock.block holds
  };
  std::map<const void*, FlagState> flags_;
  Operation host_;
  uint32_t host_segment_ = 0;
};

}  // namespace cuda_host::check

#endif  // HARNESS_HOST_CHECK_CLOCKS_H_
