#include "harness/host/executor/block.h"

#include <sys/mman.h>

#include <bit>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include "harness/host/check/hooks.h"
#include "harness/host/executor/device_entry.h"
#include "harness/host/executor/location.h"
#include "harness/host/executor/progress.h"

// The variables that kernels see. Declared const in cuda_host/device.h: to a thread they are.
constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace cuda_host {
namespace {

constinit thread_local Block* t_block = nullptr;

// Address space for shared memory, reused from block to block.
std::mutex g_shared_mutex;
std::vector<char*>& FreeShared() {
  static auto* free = new std::vector<char*>;
  return *free;
}

char* TakeShared() {
  {
    std::lock_guard<std::mutex> lock(g_shared_mutex);
    if (!FreeShared().empty()) {
      char* const memory = FreeShared().back();
      FreeShared().pop_back();
      return memory;
    }
  }
  void* memory =
      mmap(nullptr, kSharedReserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

void GiveShared(char* memory) {
  if (memory == nullptr) return;
  std::lock_guard<std::mutex> lock(g_shared_mutex);
  FreeShared().push_back(memory);
}

// Memory that nobody has written is not zero.
void FillWithGarbage(void* data, size_t bytes, uint64_t draw) {
  std::memset(data, 0xc0 | static_cast<int>(draw & 0x3f), bytes);
}

size_t RoundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

Block* CurrentBlock() { return t_block; }
void SetCurrentBlock(Block* block) { t_block = block; }

Block::Block(Grid* grid, uint64_t index, FiberPool* fibers)
    : grid_(grid),
      linear_index_(index),
      index_{static_cast<unsigned>(index % grid->launch.grid.x),
             static_cast<unsigned>(index / grid->launch.grid.x % grid->launch.grid.y),
             static_cast<unsigned>(index / grid->launch.grid.x / grid->launch.grid.y)},
      threads_(grid->launch.block.x * grid->launch.block.y * grid->launch.block.z),
      fibers_(fibers),
      alive_(threads_),
      random_(Seed() ^ (index * 0x2545f4914f6cdd1du) ^ grid->first),
      scheduling_points_(random_.Next()),
      lanes_in_a_row_(grid->launch.block.y == 1 && grid->launch.block.z == 1),
      warps_((threads_ + kWarpSize - 1) / kWarpSize) {
  for (size_t w = 0; w < warps_.size(); ++w) {
    const uint32_t lanes = std::min<uint32_t>(threads_ - static_cast<uint32_t>(w) * kWarpSize, kWarpSize);
    warps_[w].lanes = warps_[w].unstarted = lanes == kWarpSize ? ~0u : (1u << lanes) - 1;
    ready_warps_ |= 1u << w;
  }
  DrawOrder();
  if (check::g_enabled) {
    shared_ = TakeShared();
    check_ = {check::NewBlock(this), check::DeleteBlock};
  }
  if (dynamic_shared_bytes() > 0) {
    if (shared_ == nullptr) shared_ = TakeShared();
    FillWithGarbage(shared_, dynamic_shared_bytes(), random_.Next());
  }
  shared_used_ = RoundUp(dynamic_shared_bytes(), 128) + (check::g_enabled ? 128 : 0);
}

Block::~Block() {
  for (Suspended& lane : lanes_) {
    if (lane.fiber != nullptr) fibers_->Give(lane.fiber);
  }
  if (running_ != nullptr) fibers_->Give(running_);
  check_.reset();
  GiveShared(shared_);
}

uint3 Block::ThreadIndex(uint32_t thread) const {
  const uint3& shape = grid_->launch.block;
  if (shape.y == 1 && shape.z == 1) return {thread, 0, 0};
  return {thread % shape.x, thread / shape.x % shape.y, thread / shape.x / shape.y};
}

void Block::DrawOrder() {
  const uint64_t draw = random_.Next();
  lane_rotation_ = draw & 31;
  lanes_down_ = (draw >> 5 & 1) != 0;
  warp_rotation_ = draw >> 6 & 31;
  warps_down_ = (draw >> 11 & 1) != 0;
}

namespace {
// The first set bit in the drawn order. REQUIRES: mask != 0.
inline uint32_t FirstIn(uint32_t mask, uint32_t rotation, bool down) {
  const uint32_t rotated = std::rotr(mask, static_cast<int>(rotation));
  const uint32_t bit = static_cast<uint32_t>(down ? 31 - std::countl_zero(rotated) : std::countr_zero(rotated));
  return (bit + rotation) & 31;
}
}  // namespace

void Block::Become(uint32_t thread) {
  current_ = thread;
  ::threadIdx = ThreadIndex(thread);
}

bool Block::PickNext() {
  for (;;) {
    Warp& warp = warps_[warp_cursor_];
    if (const uint32_t ready = warp.unstarted | warp.runnable; ready != 0) {
      const uint32_t lane = FirstIn(ready, lane_rotation_, lanes_down_);
      warp.unstarted &= ~(1u << lane);
      warp.runnable &= ~(1u << lane);
      Become(warp_cursor_ * kWarpSize + lane);
      return true;
    }
    if (warp.at_active != 0 && ResolveActive(&warp, warp_cursor_)) continue;
    ready_warps_ &= ~(1u << warp_cursor_);
    if (ready_warps_ == 0) return false;
    warp_cursor_ = FirstIn(ready_warps_, warp_rotation_, warps_down_);
  }
}

bool Block::ResolveActive(Warp* warp, uint32_t warp_index) {
  const uint32_t first = FirstIn(warp->at_active, lane_rotation_, lanes_down_);
  const Site& site = lanes_[warp_index * kWarpSize + first].site;
  uint32_t group = 0;
  for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
    if ((warp->at_active >> lane & 1) == 0) continue;
    const Site& other = lanes_[warp_index * kWarpSize + lane].site;
    if (other.line == site.line && other.file == site.file) group |= 1u << lane;
  }
  for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
    if (group >> lane & 1) lanes_[warp_index * kWarpSize + lane].active = group;
  }
  warp->at_active &= ~group;
  warp->runnable |= group;
  return true;
}

void Block::ThreadLoop() {
  for (;;) {
    Block* const block = t_block;
    block->grid_->launch.run(block->grid_->launch.arguments.get());
    // Nobody waits, and the warp has threads that have not begun: the loop that a kernel without barriers is.
    if (Warp& warp = block->warps_[block->warp_cursor_];
        block->arrived_ == 0 && warp.in_operation == 0 && warp.unstarted != 0) {
      warp.exited |= 1u << (block->current_ % kWarpSize);
      --block->alive_;
      if (block->lanes_in_a_row_) {
        const uint32_t lane = FirstIn(warp.unstarted, block->lane_rotation_, block->lanes_down_);
        warp.unstarted &= ~(1u << lane);
        block->current_ = block->warp_cursor_ * kWarpSize + lane;
        ::threadIdx.x = block->current_;
        continue;
      }
    } else {
      block->ThreadExited();
    }
    if (!block->PickNext()) {
      Fiber* const mine = block->running_;
      block->running_ = nullptr;
      block->fibers_->Give(mine);
      Context dead;
      SwitchContext(&dead, block->worker_);
    }
    if (block->lanes_.empty()) continue;  // none has ever been suspended
    Suspended& next = block->lanes_[block->current_];
    if (next.fiber == nullptr) continue;  // not begun: here
    block->fibers_->Give(block->running_);
    block->running_ = next.fiber;
    next.fiber = nullptr;
    Context dead;
    SwitchContext(&dead, block->running_->context);
  }
}

void Block::SwitchAway() {
  Fiber* const mine = running_;
  lane(current_).fiber = mine;
  if (!PickNext()) {
    running_ = nullptr;
    SwitchContext(&mine->context, worker_);
    return;
  }
  Suspended& next = lanes_[current_];
  if (next.fiber == mine) {
    next.fiber = nullptr;
    return;
  }
  if (next.fiber != nullptr) {
    running_ = next.fiber;
    next.fiber = nullptr;
  } else {
    running_ = fibers_->Take(&Block::ThreadLoop);
  }
  SwitchContext(&mine->context, running_->context);
}

Turn Block::Run() {
  t_block = this;
  ::blockIdx = index_;
  ::blockDim = dim3(grid_->launch.block.x, grid_->launch.block.y, grid_->launch.block.z);
  ::gridDim = dim3(grid_->launch.grid.x, grid_->launch.grid.y, grid_->launch.grid.z);
  if (any_yielded_) {
    any_yielded_ = false;
    for (size_t w = 0; w < warps_.size(); ++w) {
      if (warps_[w].yielded == 0) continue;
      warps_[w].runnable |= warps_[w].yielded;
      warps_[w].yielded = 0;
      ready_warps_ |= 1u << w;
    }
    DrawOrder();
  }
  if (PickNext()) {
    running_ = lanes_.empty() ? nullptr : std::exchange(lanes_[current_].fiber, nullptr);
    if (running_ == nullptr) running_ = fibers_->Take(&Block::ThreadLoop);
    SwitchContext(&worker_, running_->context);
  }
  t_block = nullptr;
  if (failed_) return Turn::kFailed;
  if (alive_ == 0) return Turn::kFinished;
  if (any_yielded_) return Turn::kYielded;
  Report("deadlock: kernel " + grid_->launch.kernel + ", block (" + std::to_string(index_.x) + "," +
         std::to_string(index_.y) + "," + std::to_string(index_.z) +
         "): every thread waits for another that will not come: " + DescribeWaiting());
  int none = cudaSuccess;
  grid_->error.compare_exchange_strong(none, cudaErrorLaunchTimeout);
  return Turn::kFailed;
}

void Block::LeaveForWorker() {
  Context dead;
  SwitchContext(&dead, worker_);
  __builtin_unreachable();
}

void Block::Fail(cudaError_t error) {
  int none = cudaSuccess;
  grid_->error.compare_exchange_strong(none, error);
  failed_ = true;
  LeaveForWorker();
}

void Block::ThreadExited() {
  Warp& warp = warps_[current_ / kWarpSize];
  const uint32_t bit = 1u << (current_ % kWarpSize);
  warp.exited |= bit;
  --alive_;
  if (arrived_ > 0 && arrived_ == alive_) ReleaseBarrier();
  if (warp.in_operation != 0) {
    for (const auto& operation : warp.operations) {
      if (!operation->free && !operation->complete && (operation->mask & bit) != 0) {
        CompleteOperation(&warp, operation.get());
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------------------- barrier

int Block::Barrier(Reduce reduce, bool predicate, Site site) {
  if (check::g_enabled && arrived_ > 0) {
    for (uint32_t t = 0; t < threads_; ++t) {  // the first one that waits
      if ((warps_[t / kWarpSize].at_barrier >> (t % kWarpSize) & 1) == 0) continue;
      const Site first = lanes_[t].site;
      if (first.line != site.line || std::strcmp(first.file, site.file) != 0) {
        check::OnDivergentBarrier(this, first, site);
      }
      break;
    }
  }
  const uint32_t parity = generation_ & 1;
  Warp& warp = warps_[current_ / kWarpSize];
  warp.at_barrier |= 1u << (current_ % kWarpSize);
  lane(current_).site = site;
  count_[parity] += predicate ? 1 : 0;
  ++total_[parity];
  if (++arrived_ == alive_) ReleaseBarrier();
  SwitchAway();
  switch (reduce) {
    case Reduce::kCount:
      return count_[parity];
    case Reduce::kAnd:
      return count_[parity] == total_[parity] ? 1 : 0;
    case Reduce::kOr:
      return count_[parity] != 0 ? 1 : 0;
    case Reduce::kNone:
      break;
  }
  return 0;
}

void Block::ReleaseBarrier() {
  if (check::g_enabled) check::OnBarrier(this);
  NoteProgress();
  arrived_ = 0;
  ++generation_;
  count_[generation_ & 1] = total_[generation_ & 1] = 0;
  for (size_t w = 0; w < warps_.size(); ++w) {
    if (warps_[w].at_barrier == 0) continue;
    warps_[w].runnable |= warps_[w].at_barrier;
    warps_[w].at_barrier = 0;
    ready_warps_ |= 1u << w;
  }
  DrawOrder();
}

void Block::YieldThread(Site site) {
  warps_[current_ / kWarpSize].yielded |= 1u << (current_ % kWarpSize);
  if (site.line != 0 || site.caller != nullptr) lane(current_).site = site;
  any_yielded_ = true;
  SwitchAway();
}

// ---------------------------------------------------------------------------------------------------------------- warp

WarpOperation* Block::Arrive(uint32_t mask, int kind, uint64_t value, Site site) {
  Warp& warp = warps_[current_ / kWarpSize];
  const uint32_t lane = current_ % kWarpSize;
  const uint32_t bit = 1u << lane;
  if ((mask & bit) == 0) {
    char text[64];
    std::snprintf(text, sizeof text, "0x%08x does not name the calling lane %u", mask, lane);
    Report("invalid mask: " + Place() + " at " + site.file + ":" + std::to_string(site.line) + ": " + text);
    Fail(cudaErrorLaunchFailure);
  }
  WarpOperation* operation = nullptr;
  WarpOperation* free = nullptr;
  for (const auto& candidate : warp.operations) {
    if (candidate->free) {
      free = candidate.get();
    } else if (!candidate->complete && candidate->mask == mask && candidate->kind == kind) {
      operation = candidate.get();
      break;
    }
  }
  if (operation == nullptr) {
    if (free == nullptr) {
      warp.operations.push_back(std::make_unique<WarpOperation>());
      free = warp.operations.back().get();
    }
    operation = free;
    operation->free = operation->complete = false;
    operation->mask = mask;
    operation->kind = kind;
    operation->arrived = 0;
    operation->site = site;
  }
  operation->values[lane] = value;
  operation->arrived |= bit;
  this->lane(current_).site = site;
  warp.in_operation |= bit;
  CompleteOperation(&warp, operation);
  if (!operation->complete) {
    SwitchAway();
  } else {
    warp.runnable &= ~bit;  // this one goes on at once
  }
  return operation;
}

void Block::CompleteOperation(Warp* warp, WarpOperation* operation) {
  if ((operation->mask & warp->lanes & ~warp->exited & ~operation->arrived) != 0) return;
  NoteProgress();
  operation->complete = true;
  operation->to_read = operation->arrived;
  warp->in_operation &= ~operation->arrived;
  warp->runnable |= operation->arrived;
  const uint32_t index = static_cast<uint32_t>(warp - warps_.data());
  ready_warps_ |= 1u << index;
  if (check::g_enabled && operation->kind == kSyncWarpKind) check::OnSyncWarp(this, index, operation->arrived);
}

uint32_t Block::Active(Site site) {
  Warp& warp = warps_[current_ / kWarpSize];
  warp.at_active |= 1u << (current_ % kWarpSize);
  lane(current_).site = site;
  ready_warps_ |= 1u << (current_ / kWarpSize);
  SwitchAway();
  return lanes_[current_].active;
}

// -------------------------------------------------------------------------------------------------------------- shared

void* Block::StaticShared(const void* key, const char* name, size_t bytes, size_t alignment) {
  for (const SharedVariable& variable : variables_) {
    if (variable.key == key) return variable.data;
  }
  if (shared_ == nullptr) shared_ = TakeShared();
  const size_t offset = RoundUp(shared_used_, std::max<size_t>(alignment, 16));
  // Where accesses are checked, something must lie between two variables to be stepped on.
  const size_t gap = check::g_enabled ? 64 : 0;
  if (shared_ == nullptr || offset + bytes + gap > kSharedReserve) {
    Report("too much shared memory: kernel " + grid_->launch.kernel + ": `" + name + "` of " + std::to_string(bytes) +
           " bytes does not fit beside what the block has");
    Fail(cudaErrorLaunchOutOfResources);
  }
  variables_.push_back({key, name, shared_ + offset, bytes});
  shared_used_ = offset + bytes + gap;
  FillWithGarbage(shared_ + offset, bytes, random_.Next());
  if (check::g_enabled) check::OnSharedVariable(this, variables_.back());
  return shared_ + offset;
}

std::string Block::DescribeWaiting() const {
  std::string text;
  int shown = 0;
  Site last;
  for (uint32_t t = 0; t < threads_; ++t) {
    const Warp& warp = warps_[t / kWarpSize];
    const uint32_t bit = 1u << (t % kWarpSize);
    if ((warp.exited | warp.unstarted) & bit) continue;
    if (lanes_.empty()) break;
    const Site& site = lanes_[t].site;
    if (site.line == 0 && site.caller == nullptr) continue;
    if (site.line == last.line && site.file == last.file && site.caller == last.caller) continue;
    last = site;
    if (++shown > 4) return text + ", ...";
    const uint3 index = ThreadIndex(t);
    const char* what = warp.at_barrier & bit ? "__syncthreads" : warp.in_operation & bit ? "a warp function" : "a flag";
    text += (text.empty() ? "thread (" : ", thread (") + std::to_string(index.x) + "," + std::to_string(index.y) + "," +
            std::to_string(index.z) + ") in " + what + " at " +
            (site.caller != nullptr ? DescribeLocation(reinterpret_cast<uintptr_t>(site.caller) - 1)
                                    : site.file + (":" + std::to_string(site.line)));
  }
  return text;
}

}  // namespace cuda_host
