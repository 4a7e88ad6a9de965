#include "harness/host/check/clocks.h"

#include <algorithm>
#include <utility>

namespace cuda_host::check {

bool FlagClock::Covers(const Segment& s) const {
  if (everything) return true;
  if (const auto it = blocks.find({s.operation, s.block}); it != blocks.end() && s.barriers < it->second) return true;
  if (const auto it = grid_syncs.find(s.operation); it != grid_syncs.end() && s.grid_syncs < it->second) return true;
  const auto it = threads.find({s.operation, s.block, s.thread});
  return it != threads.end() && s.epoch <= it->second;
}

namespace {
template <typename Map>
void JoinMaps(Map* into, const Map& other) {
  for (const auto& [key, value] : other) {
    auto& present = (*into)[key];
    present = std::max(present, value);
  }
}
}  // namespace

void FlagClock::Join(const FlagClock& other) {
  JoinMaps(&blocks, other.blocks);
  JoinMaps(&threads, other.threads);
  JoinMaps(&grid_syncs, other.grid_syncs);
  operations.insert(other.operations.begin(), other.operations.end());
  everything = everything || other.everything;
}

SharedClock Joined(const SharedClock& a, const SharedClock& b) {
  if (a == nullptr || a == b) return b;
  if (b == nullptr) return a;
  auto joined = std::make_shared<FlagClock>(*a);
  joined->Join(*b);
  return joined;
}

Clocks::Clocks() {
  operations_.push_back({"host code", {}, false});
  segments_.emplace_back();  // index 0 is none
}

uint32_t Clocks::AddOperation(OperationInfo info) {
  operations_.push_back(std::move(info));
  return static_cast<uint32_t>(operations_.size() - 1);
}

uint32_t Clocks::SegmentOfThread(BlockState* state) {
  const uint32_t thread = state->block->current();
  ThreadClock& clock = state->threads[thread];
  if (clock.segment == 0) {
    const GridState* const grid = state->block->grid()->check.get();
    segments_.push_back({grid->operation, static_cast<uint32_t>(state->block->linear_index()), thread, state->barriers,
                         state->grid_syncs, clock.epoch});
    clock.segment = static_cast<uint32_t>(segments_.size() - 1);
  }
  return clock.segment;
}

uint32_t Clocks::SegmentOfOperation(uint32_t operation) {
  segments_.push_back({operation, 0, 0, 0, 0, 0});
  return static_cast<uint32_t>(segments_.size() - 1);
}

uint32_t Clocks::SegmentOfHost() {
  if (host_segment_ == 0) {
    segments_.push_back({0, 0, 0, 0, 0, static_cast<uint32_t>(host_.number)});
    host_segment_ = static_cast<uint32_t>(segments_.size() - 1);
  }
  return host_segment_;
}

void Clocks::SetHost(const Operation& host) {
  host_ = host;
  host_segment_ = 0;
}

bool Clocks::OrderedBeforeOperation(uint32_t index, const OperationClock* before, uint32_t operation) const {
  const Segment& s = segments_[index];
  if (s.operation == operation) return true;
  if (before == nullptr) return true;  // nothing is known: nobody is accused
  if (s.operation == 0) return s.epoch <= before->Get(0);
  const Operation& other = operations_[s.operation].operation;
  return other.number <= before->Get(other.timeline);
}

bool Clocks::OrderedBeforeHost(uint32_t index) const {
  const Segment& s = segments_[index];
  if (s.operation == 0 || host_.before == nullptr) return true;
  const Operation& other = operations_[s.operation].operation;
  return other.number <= host_.before->Get(other.timeline);
}

bool Clocks::OrderedBeforeThread(uint32_t index, const BlockState& state, uint32_t thread) const {
  const Segment& s = segments_[index];
  const GridState& grid = *state.block->grid()->check;
  if (s.operation == grid.operation) {
    if (s.grid_syncs < state.grid_syncs) return true;
    if (s.block == state.block->linear_index()) {
      if (s.thread == thread || s.barriers < state.barriers) return true;
      if (s.thread / kWarpSize == thread / kWarpSize &&
          s.epoch <= state.warp_knows[thread * kWarpSize + s.thread % kWarpSize]) {
        return true;
      }
    }
  } else if (OrderedBeforeOperation(index, operations_[grid.operation].operation.before.get(), grid.operation)) {
    return true;
  }
  for (const SharedClock* clock : {&state.threads[thread].acquired, &state.acquired}) {
    if (*clock == nullptr) continue;
    if ((*clock)->Covers(s)) return true;
    for (const uint32_t operation : (*clock)->operations) {
      const Operation& other = operations_[operation].operation;
      if (operation != s.operation && other.before != nullptr &&
          OrderedBeforeOperation(index, other.before.get(), operation)) {
        return true;
      }
    }
  }
  return false;
}

SharedClock Clocks::Snapshot(BlockState* state, uint32_t thread) const {
  auto clock = std::make_shared<FlagClock>();
  const ThreadClock& own = state->threads[thread];
  if (state->acquired != nullptr) clock->Join(*state->acquired);
  if (own.acquired != nullptr) clock->Join(*own.acquired);
  const uint32_t operation = state->block->grid()->check->operation;
  const uint32_t block = static_cast<uint32_t>(state->block->linear_index());
  clock->blocks[{operation, block}] = state->barriers;
  clock->threads[{operation, block, thread}] = own.epoch;
  const uint32_t warp_begin = thread / kWarpSize * kWarpSize;
  for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
    if (const uint32_t epoch = state->warp_knows[thread * kWarpSize + lane]; epoch > 0 && warp_begin + lane != thread) {
      clock->threads[{operation, block, warp_begin + lane}] = epoch;
    }
  }
  if (state->grid_syncs > 0) clock->grid_syncs[operation] = state->grid_syncs;
  clock->operations.insert(operation);
  return clock;
}

void Clocks::Barrier(BlockState* state) {
  ++state->barriers;
  // Many threads have learnt the same (of one flag, say): join each clock once.
  const FlagClock* last = nullptr;
  const FlagClock* last_fence = nullptr;
  for (ThreadClock& thread : state->threads) {
    if (thread.acquired != nullptr) {
      if (thread.acquired.get() != last) state->acquired = Joined(state->acquired, thread.acquired);
      last = thread.acquired.get();
      thread.acquired = nullptr;
    }
    if (thread.fence.block != nullptr) {
      if (thread.fence.block.get() != last_fence) state->fence.Join(thread.fence);
      last_fence = thread.fence.block.get();
      thread.fence = {};
    }
    thread.segment = 0;
  }
}

void Clocks::SyncWarp(BlockState* state, uint32_t warp, uint32_t mask) {
  uint32_t known[kWarpSize] = {};
  const uint32_t begin = warp * kWarpSize;
  const uint32_t end = std::min<uint32_t>(begin + kWarpSize, static_cast<uint32_t>(state->threads.size()));
  SharedClock acquired;
  ScopedClock fence;
  for (uint32_t t = begin; t < end; ++t) {
    if ((mask >> (t - begin) & 1) == 0) continue;
    for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
      known[lane] = std::max(known[lane], state->warp_knows[t * kWarpSize + lane]);
    }
    known[t - begin] = std::max(known[t - begin], state->threads[t].epoch);
    acquired = Joined(acquired, state->threads[t].acquired);
    fence.Join(state->threads[t].fence);
  }
  for (uint32_t t = begin; t < end; ++t) {
    if ((mask >> (t - begin) & 1) == 0) continue;
    std::copy(known, known + kWarpSize, state->warp_knows.begin() + t * kWarpSize);
    ThreadClock& thread = state->threads[t];
    thread.acquired = acquired;
    thread.fence = fence;
    ++thread.epoch;
    thread.segment = 0;
  }
}

void Clocks::GridSync(BlockState* state) {
  GridState* const grid = state->block->grid()->check.get();
  state->grid_syncs = static_cast<uint32_t>(state->block->grid()->sync_generation.load());
  grid->syncs = std::max(grid->syncs, state->grid_syncs);
  for (ThreadClock& thread : state->threads) thread.segment = 0;
}

void Clocks::Fence(BlockState* state, bool block_only) {
  const uint32_t thread = state->block->current();
  ThreadClock& clock = state->threads[thread];
  state->has_fenced = true;
  // What the flags that it has read carry is learnt now ...
  clock.acquired = Joined(clock.acquired, block_only ? clock.seen.block : Joined(clock.seen.device, clock.seen.block));
  // ... and what it knows is what flags that it sets from here on carry.
  clock.fence.block = Snapshot(state, thread);
  if (!block_only) clock.fence.device = clock.fence.block;
  ++clock.epoch;
  clock.segment = 0;
}

void Clocks::ReadFlag(BlockState* state, const void* address, bool maybe_remote, bool acquire) {
  ThreadClock& thread = state->threads[state->block->current()];
  const auto found = flags_.find(address);
  if (found == flags_.end()) {
    if (!maybe_remote) return;
    // Set by another process, of whose doings nothing is known here.
    static const SharedClock everything = [] {
      auto all = std::make_shared<FlagClock>();
      all->everything = true;
      return all;
    }();
    if (acquire) {
      thread.acquired = everything;
    } else {
      thread.seen = {everything, everything};
    }
    return;
  }
  const FlagState& flag = found->second;
  ScopedClock clock = flag.clock;
  if (flag.operation != state->block->grid()->check->operation || flag.block != state->block->linear_index()) {
    clock.block = clock.device;
  }
  const SharedClock mark = clock.block != nullptr ? clock.block : clock.device;
  if (mark == nullptr || (mark == thread.last_seen && !acquire)) return;
  if (acquire) {
    thread.acquired = Joined(thread.acquired, Joined(clock.device, clock.block));
  } else {
    thread.seen.Join(clock);
  }
  thread.last_seen = mark;
}

void Clocks::WriteFlag(BlockState* state, const void* address, bool keep, bool release) {
  const uint32_t index = state->block->current();
  ThreadClock& thread = state->threads[index];
  ScopedClock clock;
  if (release) {
    clock.device = clock.block = Snapshot(state, index);
    ++thread.epoch;
    thread.segment = 0;
  } else {
    clock = state->fence;
    clock.Join(thread.fence);
  }
  FlagState& flag = flags_[address];
  const uint32_t operation = state->block->grid()->check->operation;
  const uint32_t block = static_cast<uint32_t>(state->block->linear_index());
  if (flag.operation != operation || flag.block != block) flag.clock.block = flag.clock.device;
  flag.operation = operation;
  flag.block = block;
  if (keep) {
    flag.clock.Join(clock);
  } else {
    flag.clock = clock;
  }
}

void Clocks::ForgetFlags(const void* begin, size_t bytes) {
  const char* const end = static_cast<const char*>(begin) + bytes;
  flags_.erase(flags_.lower_bound(begin), flags_.lower_bound(end));
}

std::string Clocks::Describe(uint32_t index) const {
  const Segment& s = segments_[index];
  const OperationInfo& info = operations_[s.operation];
  if (!info.is_kernel) return info.name;
  const auto text = [](uint32_t i, const uint3& shape) {
    return "(" + std::to_string(i % shape.x) + "," + std::to_string(i / shape.x % shape.y) + "," +
           std::to_string(i / shape.x / shape.y) + ")";
  };
  return info.name + ", block " + text(s.block, info.grid) + ", thread " + text(s.thread, info.block);
}

}  // namespace cuda_host::check
