#include "harness/host/executor/block.h"

#include <sys/mman.h>

#include <bit>
#include <cfenv>
#include <cstring>
#include <mutex>
#include <utility>

#include "harness/host/check/hooks.h"
#include "harness/host/executor/location.h"
#include "harness/host/executor/progress.h"

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace cuda_host {

constinit thread_local Block* t_block = nullptr;

namespace {

// Address space for shared memory.
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

void Block::Begin(Grid* grid, uint64_t index) {
  grid_ = grid;
  linear_index_ = index;
  const uint3& shape = grid->launch.grid;
  index_ = {static_cast<unsigned>(index), 0, 0};
  if (shape.y != 1 || shape.z != 1) {
    index_ = {static_cast<unsigned>(index % shape.x), static_cast<unsigned>(index / shape.x % shape.y),
              static_cast<unsigned>(index / shape.x / shape.y)};
  }
  threads_ = alive_ = grid->launch.block.x * grid->launch.block.y * grid->launch.block.z;
  random_ = Random(Seed() ^ (index * 0x2545f4914f6cdd1du) ^ grid->first);
  scheduling_points_ = random_.Next();
  warp_count_ = (threads_ + kWarpSize - 1) / kWarpSize;
  if (warps_.size() < warp_count_) {
    warps_.resize(warp_count_);
    lanes_.resize(size_t{warp_count_} * kWarpSize);
    contexts_.resize(size_t{warp_count_} * kWarpSize);
    order_.resize(size_t{warp_count_} * kWarpSize + 1);
  }
  ready_warps_ = 0;
  for (uint32_t w = 0; w < warp_count_; ++w) {
    const uint32_t lanes = std::min<uint32_t>(threads_ - w * kWarpSize, kWarpSize);
    warps_[w].Reset(lanes == kWarpSize ? ~0u : (1u << lanes) - 1);
    ready_warps_ |= 1u << w;
  }
  run_.indices = grid->thread_indices.empty() ? nullptr : grid->thread_indices.data();
  arrived_ = generation_ = warp_cursor_ = 0;
  count_[0] = count_[1] = total_[0] = total_[1] = 0;
  any_yielded_ = failed_ = released_ = false;
  begins_ = true;
  DrawOrder();
  if (check::g_enabled) {
    NeedShared();
    check_ = {check::NewBlock(this), check::DeleteBlock};
  }
  if (dynamic_shared_bytes() > 0) {
    NeedShared();
    FillWithGarbage(shared_, dynamic_shared_bytes(), random_.Next());
  }
  shared_used_ = RoundUp(dynamic_shared_bytes(), 128) + (check::g_enabled ? 128 : 0);
}

void Block::End() {
  expected_ = Expected::kNothing;
  run_.left = 0;
  next_ = &kNobody;
  if (fresh_ != nullptr) fibers_->Give(std::exchange(fresh_, nullptr));
  if (lanes_used_) {
    for (uint32_t t = 0; t < threads_; ++t) {
      if (lanes_[t].fiber != nullptr) fibers_->Give(lanes_[t].fiber);
      lanes_[t] = {};
    }
    lanes_used_ = false;
  }
  check_.reset();
  variables_.clear();
  has_shared_ = false;
}

Block::~Block() { GiveShared(shared_); }

void Block::NeedShared() {
  if (shared_ == nullptr) shared_ = TakeShared();
  has_shared_ = true;
}

uint3 Block::ThreadIndex(uint32_t thread) const {
  return run_.indices == nullptr ? uint3{thread, 0, 0} : run_.indices[thread];
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

bool Block::PickNext() {
  if (std::exchange(begins_, false)) {
    BeginOrder(Expected::kExits);
    return true;
  }
  if (std::exchange(released_, false) && !check::g_enabled) {  // the checks want to see every barrier
    BeginOrder(Expected::kBarrier);
    return true;
  }
  for (;;) {
    Warp& warp = warps_[warp_cursor_];
    if (const uint32_t ready = warp.unstarted | warp.runnable; ready != 0) {
      const uint32_t lane = FirstIn(ready, lane_rotation_, lanes_down_);
      Become(warp_cursor_ * kWarpSize + lane);
      warp.unstarted &= ~(1u << lane);
      warp.runnable &= ~(1u << lane);
      return true;
    }
    if (warp.at_active != 0 && ResolveActive(&warp, warp_cursor_)) continue;
    ready_warps_ &= ~(1u << warp_cursor_);
    if (ready_warps_ == 0) return false;
    warp_cursor_ = FirstIn(ready_warps_, warp_rotation_, warps_down_);
  }
}

// All that are alive, and can begin or go on.
void Block::BeginOrder(Expected expected) {
  uint32_t count = 0;
  for (uint32_t rest = ready_warps_; rest != 0;) {
    const uint32_t w = FirstIn(rest, warp_rotation_, warps_down_);
    rest &= ~(1u << w);
    // In 16 bits throughout, and known to be 32: a few vector instructions.
    uint16_t* const lanes = &order_[count];
    const uint16_t base = static_cast<uint16_t>(w * kWarpSize), down = lanes_down_ ? 0xffff : 0;
    const uint16_t first = static_cast<uint16_t>(lane_rotation_ + (down & 31));
    for (uint16_t i = 0; i < kWarpSize; ++i) {
      lanes[i] = static_cast<uint16_t>(base + ((first + ((i ^ down) - down)) & 31));
    }
    if (const uint32_t runnable = warps_[w].unstarted | warps_[w].runnable; runnable == ~0u) {
      count += kWarpSize;
    } else {
      for (uint32_t i = 0; i < kWarpSize; ++i) {
        const uint16_t thread = lanes[i];
        order_[count] = thread;
        count += runnable >> (thread % kWarpSize) & 1;
      }
    }
  }
  expected_ = expected;
  Become(order_[0]);
  if (expected == Expected::kExits) {
    run_.order = &order_[1];
    run_.left = count - 1;
  } else {
    order_[count] = kNobody;
    next_ = &order_[1];
  }
}

// Those before the running thread have done what was expected, and the running one is about to do something else.
void Block::SettleMasks() {
  if (expected_ == Expected::kExits) {
    if (run_.thread == order_[threads_ - 1]) {
      for (uint32_t w = 0; w < warp_count_; ++w) {
        warps_[w].exited = warps_[w].lanes;
        warps_[w].unstarted = 0;
      }
      warps_[run_.thread / kWarpSize].exited &= ~(1u << (run_.thread % kWarpSize));
      alive_ = 1;
    } else {
      for (uint32_t i = 0;; ++i) {
        const uint32_t thread = order_[i], bit = 1u << (thread % kWarpSize);
        warps_[thread / kWarpSize].unstarted &= ~bit;
        if (thread == run_.thread) break;
        warps_[thread / kWarpSize].exited |= bit;
        --alive_;
      }
    }
  } else if (expected_ == Expected::kBarrier) {
    for (const uint16_t* i = order_.data();; ++i) {
      const uint32_t thread = *i, bit = 1u << (thread % kWarpSize);
      warps_[thread / kWarpSize].runnable &= ~bit;
      if (i + 1 == next_) break;
      warps_[thread / kWarpSize].at_barrier |= bit;
      lanes_[thread].site = sync_site_;
      ++arrived_;
      ++total_[generation_ & 1];
    }
  }
  expected_ = Expected::kNothing;
  run_.left = 0;
  next_ = &kNobody;
  warp_cursor_ = run_.thread / kWarpSize;
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
  Block* const block = t_block;
  Fiber* const mine = block->fresh_;
  const GridLaunch& launch = block->grid_->launch;
  for (;;) {
    launch.run(launch.arguments.get(), &block->run_);
    block->ThreadExited();
    const bool more = block->PickNext();
    Context dead;
    if (more && block->lanes_[block->current()].fiber == nullptr) {
      block->fresh_ = mine;
      continue;
    }
    block->fresh_ = nullptr;
    block->fibers_->Give(mine);
    SwitchContext(&dead, more ? block->contexts_[block->current()] : block->worker_);
  }
}

Block::Switch Block::Leave() {
  const uint32_t mine = run_.thread;
  if (lanes_[mine].fiber == nullptr) lanes_[mine].fiber = std::exchange(fresh_, nullptr);
  lanes_used_ = true;
  // Lanes that take turns in a warp's functions: the first of PickNext's cases.
  if (Warp& warp = warps_[warp_cursor_]; warp.unstarted == 0 && warp.runnable != 0 && !released_) {
    const uint32_t lane = FirstIn(warp.runnable, lane_rotation_, lanes_down_);
    warp.runnable &= ~(1u << lane);
    Become(warp_cursor_ * kWarpSize + lane);
    return {&contexts_[mine], &contexts_[run_.thread]};
  }
  return {&contexts_[mine], PickNext() ? &ContextOf(run_.thread) : &worker_};
}

void Block::SwitchAway() {
  const auto [from, to] = Leave();
  if (from != to) SwitchContext(from, *to);
}

// Where it is suspended, or a new fiber for it and what else has not begun.
const Context& Block::ContextOf(uint32_t thread) {
  if (lanes_[thread].fiber != nullptr) return contexts_[thread];
  fresh_ = fibers_->Take(&Block::ThreadLoop);
  return fresh_->context;
}

Turn Block::Run() {
  t_block = this;
  ::threadIdx = {0, 0, 0};  // Become sets x alone where that is enough
  ::blockIdx = index_;
  ::blockDim = dim3(grid_->launch.block.x, grid_->launch.block.y, grid_->launch.block.z);
  ::gridDim = dim3(grid_->launch.grid.x, grid_->launch.grid.y, grid_->launch.grid.z);
  if (any_yielded_) {
    any_yielded_ = false;
    for (uint32_t w = 0; w < warp_count_; ++w) {
      if (warps_[w].yielded == 0) continue;
      warps_[w].runnable |= warps_[w].yielded;
      warps_[w].yielded = 0;
      ready_warps_ |= 1u << w;
    }
    DrawOrder();
  }
  if (PickNext()) {
    SwitchContext(&worker_, ContextOf(run_.thread));
  }
  t_block = nullptr;
  if (failed_) {
    std::fesetenv(FE_DFL_ENV);  // a fault comes from anywhere
    return Turn::kFailed;
  }
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
  Settle();
  Warp& warp = warps_[run_.thread / kWarpSize];
  const uint32_t bit = 1u << (run_.thread % kWarpSize);
  lanes_[run_.thread].fiber = nullptr;
  warp.exited |= bit;
  --alive_;
  if (arrived_ > 0 && arrived_ == alive_) ReleaseBarrier();
  if (warp.in_operation != 0) {
    for (const auto& operation : warp.operations) {
      if (!operation->free && !operation->complete && (operation->mask & bit) != 0 && AllArrived(warp, *operation)) {
        CompleteOperation(&warp, operation.get());
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------------------- barrier

void Block::ArriveAtBarrier(bool predicate, Site site) {
  Settle();
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
  warps_[run_.thread / kWarpSize].at_barrier |= 1u << (run_.thread % kWarpSize);
  Wait(site);
  count_[parity] += predicate ? 1 : 0;
  ++total_[parity];
  if (++arrived_ == alive_) ReleaseBarrier();
}

Block::Switch Block::SyncSlowly(Site site) {
  if (expected_ == Expected::kBarrier && *next_ == kNobody && site == sync_site_) {  // all are here
    const uint32_t mine = run_.thread;
    NextGeneration();
    BeginOrder(Expected::kBarrier);
    return {&contexts_[mine], &contexts_[run_.thread]};
  }
  // The first behind a barrier says which is expected of the others.
  if (expected_ == Expected::kBarrier && next_ == &order_[1] && *next_ != kNobody) {
    sync_site_ = site;
    return Sync();
  }
  ArriveAtBarrier(false, site);
  return Leave();
}

void Block::NextGeneration() {
  NoteProgress();
  arrived_ = 0;
  ++generation_;
  count_[generation_ & 1] = total_[generation_ & 1] = 0;
  DrawOrder();
}

int Block::Barrier(Reduce reduce, bool predicate, Site site) {
  const uint32_t parity = generation_ & 1;
  ArriveAtBarrier(predicate, site);
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
  for (uint32_t w = 0; w < warp_count_; ++w) {
    if (warps_[w].at_barrier == 0) continue;
    warps_[w].runnable |= warps_[w].at_barrier;
    warps_[w].at_barrier = 0;
    ready_warps_ |= 1u << w;
  }
  NextGeneration();
  released_ = true;
}

void Block::YieldThread(Site site) {
  Settle();
  warps_[run_.thread / kWarpSize].yielded |= 1u << (run_.thread % kWarpSize);
  if (site.line != 0) Wait(site);
  any_yielded_ = true;
  SwitchAway();
}

// -------------------------------------------------------------------------------------------------------------- shared

void* Block::StaticShared(const void* key, const char* name, size_t bytes, size_t alignment) {
  for (const SharedVariable& variable : variables_) {
    if (variable.key == key) return variable.data;
  }
  NeedShared();
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
    const Site& site = lanes_[t].site;
    if (site.line == 0 || site == last) continue;
    last = site;
    if (++shown > 4) return text + ", ...";
    const uint3 index = ThreadIndex(t);
    const char* what = warp.at_barrier & bit ? "__syncthreads" : warp.in_operation & bit ? "a warp function" : "a flag";
    text += (text.empty() ? "thread (" : ", thread (") + std::to_string(index.x) + "," + std::to_string(index.y) + "," +
            std::to_string(index.z) + ") in " + what + " at " +
            (site.line == Site::kCaller ? DescribeLocation(reinterpret_cast<uintptr_t>(site.file) - 1)
                                        : site.file + (":" + std::to_string(site.line)));
  }
  return text;
}

}  // namespace cuda_host
