#include "harness/host/executor/executor.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cfenv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "harness/host/check/hooks.h"
#include "harness/host/executor/block.h"
#include "harness/host/executor/faults.h"
#include "harness/host/executor/progress.h"

namespace cuda_host {
namespace {

// An odd number of pages: at powers of two all stacks would share a few sets of the TLB.
constexpr size_t kThreadStack = size_t{132} << 10;
constexpr size_t kTaskStack = size_t{256} << 10;

uint64_t EnvironmentNumber(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  return std::strtoull(text, nullptr, 0);
}

class Task;
constinit thread_local Task* t_task = nullptr;

// One function on a fiber.
class Task : public Runnable {
 public:
  Task(std::function<void()> body, std::function<void(cudaError_t)> done)
      : body_(std::move(body)), done_(std::move(done)) {}

  Turn Run() override {
    t_task = this;
    if (fiber_ == nullptr) fiber_ = fibers_->Take(&Task::Enter);
    SwitchContext(&worker_, fiber_->context);
    t_task = nullptr;
    if (!over_) return Turn::kYielded;
    fibers_->Give(fiber_);
    return Turn::kFinished;
  }
  void Suspend() {
    SwitchContext(&fiber_->context, worker_);
    t_task = this;
  }
  void set_fibers(FiberPool* fibers) { fibers_ = fibers; }
  void Done() { done_(cudaSuccess); }

 private:
  static void Enter() {
    Task* const task = t_task;
    task->body_();
    task->over_ = true;
    Context dead;
    SwitchContext(&dead, task->worker_);
  }

  std::function<void()> body_;
  std::function<void(cudaError_t)> done_;
  FiberPool* fibers_ = nullptr;
  Fiber* fiber_ = nullptr;
  Context worker_;
  bool over_ = false;
};

// What has been started and waits for a worker.
struct Queue {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::shared_ptr<Grid>> grids;  // with blocks that no worker has taken
  std::deque<std::unique_ptr<Task>> tasks;
  bool workers_started = false;
};

Queue& TheQueue() {
  static auto* queue = new Queue;  // outlives the workers
  return *queue;
}

// Blocks that fit on the stand-in's multiprocessors at once, as an sm_90 would count them.
uint64_t ResidentLimit(const GridLaunch& launch) {
  const uint64_t multiprocessors = EnvironmentNumber("WORKBENCH_HOST_SMS", 16);
  const uint64_t threads = uint64_t{launch.block.x} * launch.block.y * launch.block.z;
  const uint64_t warps = (threads + kWarpSize - 1) / kWarpSize;
  uint64_t blocks = std::min<uint64_t>(32, 64 / std::max<uint64_t>(warps, 1));
  blocks = std::min<uint64_t>(blocks, (uint64_t{228} << 10) / (launch.dynamic_shared_bytes + 1024));
  return std::max<uint64_t>(blocks, 1) * std::max<uint64_t>(multiprocessors, 1);
}

class Worker {
 public:
  explicit Worker(uint64_t index) : random_(Seed() ^ (index + 1) * 0x9e3779b97f4a7c15u) {}

  [[noreturn]] void Loop() {
    std::fesetenv(FE_DFL_ENV);
    PrepareWorkerForFaults();
    SetPreemption(true);
    for (;;) {
      const bool hungry = resident_.empty() || stalled_ >= resident_.size() || (yielded_ && random_.Below(4) == 0);
      if (hungry && !Admit()) {
        if (resident_.empty()) {
          Wait();
          continue;
        }
        if (stalled_ >= 2 * resident_.size()) Idle();
      }
      RunOne();
    }
  }

 private:
  struct Resident {
    std::shared_ptr<Grid> grid;  // null for a task
    std::unique_ptr<Runnable> work;
  };

  // Takes a block or a task, drawn from all that wait.
  bool Admit() {
    Queue& queue = TheQueue();
    std::unique_lock<std::mutex> lock(queue.mutex);
    open_.clear();
    for (size_t i = 0; i < queue.grids.size(); ++i) {
      if (queue.grids[i]->resident < queue.grids[i]->resident_limit) open_.push_back(i);
    }
    const size_t choices = open_.size() + (queue.tasks.empty() ? 0 : 1);
    if (choices == 0) return false;
    const size_t choice = choices == 1 ? 0 : random_.Below(choices);
    if (choice == open_.size()) {
      const size_t i = random_.Below(queue.tasks.size());
      std::unique_ptr<Task> task = std::move(queue.tasks[i]);
      queue.tasks.erase(queue.tasks.begin() + static_cast<std::ptrdiff_t>(i));
      lock.unlock();
      task->set_fibers(&task_fibers_);
      resident_.push_back({nullptr, std::move(task)});
    } else {
      const std::shared_ptr<Grid> grid = queue.grids[open_[choice]];
      const uint64_t i = grid->next++;
      ++grid->resident;
      if (grid->next == grid->blocks) {
        queue.grids.erase(queue.grids.begin() + static_cast<std::ptrdiff_t>(open_[choice]));
      }
      lock.unlock();
      // In 64 bits for all but huge grids.
      const uint64_t index =
          grid->blocks >> 31 == 0
              ? (i * grid->stride + grid->first) % grid->blocks
              : static_cast<uint64_t>((static_cast<unsigned __int128>(i) * grid->stride + grid->first) % grid->blocks);
      if (spare_.empty()) spare_.push_back(std::make_unique<Block>(&thread_fibers_));
      spare_.back()->Begin(grid.get(), index);
      resident_.push_back({grid, std::move(spare_.back())});
      spare_.pop_back();
      // Ranks' processes run side by side: one that is sometimes late with some of its blocks shows who does not wait.
      if (PeersExpected() && random_.Below(6) == 0) usleep(static_cast<useconds_t>(random_.Below(400)));
    }
    next_ = resident_.size() - 1;
    stalled_ = 0;
    Progressed();
    return true;
  }

  void RunOne() {
    const size_t i = next_ < resident_.size() ? next_ : random_.Below(resident_.size());
    Resident& resident = resident_[i];
    Turn turn = Turn::kFailed;
    if (resident.grid == nullptr || resident.grid->error == cudaSuccess) {
      if (resident.grid != nullptr) WatchKernel(reinterpret_cast<const void*>(resident.grid->launch.run));
      turn = resident.work->Run();
    }
    if (turn == Turn::kYielded) {
      yielded_ = true;
      ++stalled_;
      next_ = (i + 1 + random_.Below(2)) % resident_.size();
      return;
    }
    yielded_ = false;
    stalled_ = 0;
    Progressed();
    Resident over = std::move(resident);
    resident_.erase(resident_.begin() + static_cast<std::ptrdiff_t>(i));
    next_ = 0;
    Finish(std::move(over));
  }

  void Finish(Resident over) {
    if (over.grid == nullptr) {
      static_cast<Task*>(over.work.get())->Done();
      return;
    }
    auto* const block = static_cast<Block*>(over.work.release());
    block->End();
    spare_.emplace_back(block);
    Grid& grid = *over.grid;
    bool last;
    {
      Queue& queue = TheQueue();
      std::lock_guard<std::mutex> lock(queue.mutex);
      --grid.resident;
      ++grid.finished;
      if (grid.error != cudaSuccess && grid.next < grid.blocks) {
        grid.finished += grid.blocks - grid.next;  // those that are not started
        grid.next = grid.blocks;
        std::erase_if(queue.grids, [&](const std::shared_ptr<Grid>& other) { return other.get() == &grid; });
      }
      last = grid.finished == grid.blocks;
    }
    if (!last) return;
    grid.check.reset();
    const auto done = std::move(grid.done);
    done(static_cast<cudaError_t>(grid.error.load()));
  }

  // Everything here waits for something outside of it.
  void Idle() {
    sched_yield();
    if (++idle_ > 200) usleep(50);
    if (const std::string waiting = Overdue(); !waiting.empty()) {
      for (const Resident& resident : resident_) {
        if (resident.grid == nullptr) continue;
        int none = cudaSuccess;
        if (!resident.grid->error.compare_exchange_strong(none, cudaErrorLaunchTimeout)) continue;
        Report("deadlock: kernel " + resident.grid->launch.kernel + ": no thread has got any further for " + waiting +
               ": " + static_cast<Block*>(resident.work.get())->DescribeWaiting());
      }
      Progressed();
    }
  }

  void Wait() {
    Queue& queue = TheQueue();
    std::unique_lock<std::mutex> lock(queue.mutex);
    const auto is_work = [&] { return !queue.grids.empty() || !queue.tasks.empty(); };
    if (!is_work()) {
      SetPreemption(false);
      queue.wake.wait(lock, is_work);
    }
    SetPreemption(true);
    Progressed();
  }

  void Progressed() {
    idle_ = 0;
    NoteProgress();
  }

  Random random_;
  FiberPool thread_fibers_{kThreadStack};
  FiberPool task_fibers_{kTaskStack};
  std::vector<Resident> resident_;
  std::vector<std::unique_ptr<Block>> spare_;
  std::vector<size_t> open_;  // grids that Admit may take from
  size_t next_ = 0;           // to run
  size_t stalled_ = 0;        // turns in a row that ended in waiting
  size_t idle_ = 0;
  bool yielded_ = false;
};

void StartWorkers() {
  const uint64_t workers = std::clamp<uint64_t>(EnvironmentNumber("WORKBENCH_HOST_THREADS", 1), 1, 256);
  // Signals are for the program's own threads; what the hardware raises comes here all the same.
  sigset_t all, before;
  sigfillset(&all);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&all, signal);
  sigdelset(&all, PreemptSignal());
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (uint64_t i = 0; i < workers; ++i) std::thread([i] { (new Worker(i))->Loop(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// REQUIRES: the queue's mutex is held.
void WakeWorkers(Queue* queue) {
  if (!queue->workers_started) {
    queue->workers_started = true;
    InstallFaultHandlers();
    StartWorkers();
  }
  queue->wake.notify_all();
}

}  // namespace

uint64_t Seed() {
  static const uint64_t seed = EnvironmentNumber("WORKBENCH_HOST_SEED", 1);
  return seed;
}

void StartGrid(GridLaunch launch, std::function<void(cudaError_t)> done) {
  auto grid = std::make_shared<Grid>();
  grid->launch = std::move(launch);
  grid->done = std::move(done);
  grid->blocks = uint64_t{grid->launch.grid.x} * grid->launch.grid.y * grid->launch.grid.z;
  grid->resident_limit = ResidentLimit(grid->launch);
  if (const uint3& block = grid->launch.block; block.y != 1 || block.z != 1) {
    for (unsigned z = 0; z < block.z; ++z) {
      for (unsigned y = 0; y < block.y; ++y) {
        for (unsigned x = 0; x < block.x; ++x) grid->thread_indices.push_back({x, y, z});
      }
    }
  }
  static std::atomic<uint64_t> launches{0};
  Random random(Seed() ^ ++launches * 0xd1342543de82ef95u);
  grid->first = random.Below(grid->blocks);
  do {
    grid->stride = 1 + random.Below(grid->blocks);
  } while (std::gcd(grid->stride, grid->blocks) != 1);
  if (check::g_enabled) grid->check = {check::NewGrid(*grid), check::DeleteGrid};
  Queue& queue = TheQueue();
  std::lock_guard<std::mutex> lock(queue.mutex);
  queue.grids.push_back(std::move(grid));
  WakeWorkers(&queue);
}

void StartTask(std::function<void()> body, std::function<void(cudaError_t)> done) {
  Queue& queue = TheQueue();
  std::lock_guard<std::mutex> lock(queue.mutex);
  queue.tasks.push_back(std::make_unique<Task>(std::move(body), std::move(done)));
  WakeWorkers(&queue);
}

void Yield() {
  if (Block* const block = CurrentBlock(); block != nullptr) {
    block->YieldThread({});
  } else if (t_task != nullptr) {
    t_task->Suspend();
  } else {
    sched_yield();
  }
}

bool InKernel() { return CurrentBlock() != nullptr; }

std::string Place() {
  const Block* const block = CurrentBlock();
  if (block == nullptr) return "host code";
  const auto text = [](const uint3& i) {
    return "(" + std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z) + ")";
  };
  return "kernel " + block->grid()->launch.kernel + ", block " + text(block->index()) + ", thread " +
         text(block->ThreadIndex(block->current()));
}

}  // namespace cuda_host
