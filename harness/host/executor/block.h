// One block of threads, each a flow of control that can wait.
//
// Threads run one after the other on the same stack for as long as none of them waits: a kernel without barriers is a
// loop. One that waits keeps the stack it is on, and the next thread gets another.
#ifndef HARNESS_HOST_EXECUTOR_BLOCK_H_
#define HARNESS_HOST_EXECUTOR_BLOCK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/host/executor/executor.h"
#include "harness/host/executor/fiber.h"
#include "harness/host/executor/random.h"

namespace cuda_host {

namespace check {
struct BlockState;
struct GridState;
}  // namespace check

class Block;

inline constexpr int kWarpSize = 32;
inline constexpr size_t kSharedReserve = size_t{256} << 10;  // address space for a block's shared memory

// A source position, as __builtin_FILE and __builtin_LINE give it.
struct Site {
  const char* file = "";
  int line = 0;
  const void* caller = nullptr;  // a return address, where that is all that is known
};

// A grid that has been started.
struct Grid {
  GridLaunch launch;
  std::function<void(cudaError_t)> done;
  uint64_t blocks = 0;
  uint64_t first = 0, stride = 1;  // the order of blocks: (first + i * stride) mod blocks
  uint64_t resident_limit = 1;     // how many fit on the stand-in's multiprocessors
  std::atomic<uint64_t> next{0};   // blocks admitted
  std::atomic<uint64_t> resident{0};
  std::atomic<uint64_t> finished{0};
  std::atomic<int> error{cudaSuccess};    // the first fault; no further block is started
  std::atomic<uint64_t> sync_arrived{0};  // blocks at the present grid.sync()
  std::atomic<uint64_t> sync_generation{0};
  std::unique_ptr<check::GridState, void (*)(check::GridState*)> check{nullptr, nullptr};
};

// What the lanes of a warp that were named by one mask exchange.
struct WarpOperation {
  uint32_t mask = 0;
  uint32_t arrived = 0;
  uint32_t to_read = 0;  // lanes that have yet to take their result, once complete
  int kind = -1;
  bool complete = false;
  bool free = true;
  Site site;  // of the first lane
  uint64_t values[kWarpSize];
};

struct Warp {
  uint32_t lanes = 0;  // that exist
  uint32_t unstarted = 0;
  uint32_t runnable = 0;  // suspended, may go on
  uint32_t yielded = 0;   // suspended, may go on when nobody else in the block can
  uint32_t at_barrier = 0;
  uint32_t in_operation = 0;
  uint32_t at_active = 0;  // asked who is active
  uint32_t exited = 0;
  std::vector<std::unique_ptr<WarpOperation>> operations;
};

struct Suspended {
  Fiber* fiber = nullptr;  // where it is suspended
  Site site;               // where it waits
  uint32_t active = 0;     // answer to "who is active"
};

enum class Turn { kFinished, kYielded, kFailed };

// What a worker runs, turn by turn.
class Runnable {
 public:
  virtual ~Runnable() = default;
  // Runs until it is finished or nothing in it can go on at the moment.
  virtual Turn Run() = 0;
};

class Block : public Runnable {
 public:
  Block(Grid* grid, uint64_t index, FiberPool* fibers);
  ~Block() override;

  Turn Run() override;

  Grid* grid() const { return grid_; }
  uint3 index() const { return index_; }
  uint64_t linear_index() const { return linear_index_; }
  uint32_t thread_count() const { return threads_; }
  uint32_t current() const { return current_; }  // the running thread
  uint3 ThreadIndex(uint32_t thread) const;
  check::BlockState* check_state() const { return check_.get(); }
  Suspended& lane(uint32_t thread) {
    if (lanes_.empty()) lanes_.resize(threads_);
    return lanes_[thread];
  }

  // ---- called by the running thread ----
  enum class Reduce { kNone, kCount, kAnd, kOr };
  // __syncthreads and its reducing forms.
  int Barrier(Reduce reduce, bool predicate, Site site);
  // Lets the others run; comes back when nobody else in the block can go on, or at once.
  void YieldThread(Site site);
  // A point at which the scheduler may take another thread: an atomic, a fence.
  void SchedulingPoint() {
    if ((scheduling_points_ = scheduling_points_ * 6364136223846793005u + 1442695040888963407u) >> 62 == 0)
      YieldThread({});
  }
  // Waits for the lanes of `mask`, then calls result(operation) and gives its value.
  template <typename Result>
  auto Exchange(uint32_t mask, int kind, uint64_t value, Site site, Result result) {
    WarpOperation* const operation = Arrive(mask, kind, value, site);
    const auto answer = result(*operation);
    const uint32_t bit = 1u << (current_ % kWarpSize);
    if ((operation->to_read &= ~bit) == 0) operation->free = true;
    return answer;
  }
  // The lanes of the warp that ask at the same place at the same time.
  uint32_t Active(Site site);
  // The kernel's fault: the grid ends with `error`. Does not return.
  [[noreturn]] void Fail(cudaError_t error);

  void* StaticShared(const void* key, const char* name, size_t bytes, size_t alignment);
  void* DynamicShared() const { return shared_; }
  size_t dynamic_shared_bytes() const { return grid_->launch.dynamic_shared_bytes; }

  struct SharedVariable {
    const void* key;
    const char* name;
    char* data;
    size_t bytes;
  };
  const std::vector<SharedVariable>& shared_variables() const { return variables_; }
  const char* shared() const { return shared_; }

  // "thread (3,0,0) at file.cu:12, thread ..." of up to a few of the threads that wait.
  std::string DescribeWaiting() const;

  // Entry of a kernel's fibers.
  static void ThreadLoop();

 private:
  WarpOperation* Arrive(uint32_t mask, int kind, uint64_t value, Site site);
  void CompleteOperation(Warp* warp, WarpOperation* operation);
  void ReleaseBarrier();
  void ThreadExited();
  // The next thread to run: current_ and the thread's variables are set. False if none can.
  bool PickNext();
  // Suspends the running thread (whose state the caller has set) and runs others.
  void SwitchAway();
  void Become(uint32_t thread);
  void DrawOrder();
  [[noreturn]] void LeaveForWorker();
  bool ResolveActive(Warp* warp, uint32_t warp_index);

  Grid* grid_;
  uint64_t linear_index_;
  uint3 index_;
  uint32_t threads_;
  FiberPool* fibers_;
  Context worker_;  // suspended in Run
  Fiber* running_ = nullptr;
  uint32_t current_ = 0;
  uint32_t alive_;
  uint32_t arrived_ = 0;
  uint32_t generation_ = 0;
  int count_[2] = {0, 0};  // of true predicates, by the parity of the barrier
  int total_[2] = {0, 0};
  uint32_t ready_warps_ = 0;
  bool any_yielded_ = false;
  bool failed_ = false;
  uint32_t warp_cursor_ = 0;
  uint32_t lane_rotation_ = 0, warp_rotation_ = 0;
  bool lanes_down_ = false, warps_down_ = false;
  Random random_;
  uint64_t scheduling_points_;
  const bool lanes_in_a_row_;  // one-dimensional
  std::vector<Warp> warps_;
  std::vector<Suspended> lanes_;  // made when the first one waits
  char* shared_ = nullptr;
  size_t shared_used_ = 0;
  std::vector<SharedVariable> variables_;
  std::unique_ptr<check::BlockState, void (*)(check::BlockState*)> check_{nullptr, nullptr};
};

// The block whose thread is running here, or null.
Block* CurrentBlock();

// Enters and leaves the state in which a fault or a preemption is the kernel's.
void SetCurrentBlock(Block* block);

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_BLOCK_H_
