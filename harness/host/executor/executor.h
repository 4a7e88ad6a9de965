// Runs kernels, and everything else that a stream does, on fibers of a few worker threads.
//
// Started work makes progress whatever other work does: a thread that waits (at a barrier, for a flag, for a peer)
// gives way to the rest. What runs next is drawn from the run's seed. With one worker (the default;
// WORKBENCH_HOST_THREADS) the same seed gives the same order as long as the host waits for what it has started.
#ifndef HARNESS_HOST_EXECUTOR_EXECUTOR_H_
#define HARNESS_HOST_EXECUTOR_EXECUTOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cuda_host/thread_run.h"
#include "driver_types.h"
#include "harness/host/check/clock.h"
#include "vector_types.h"

namespace cuda_host {

// One launch, checked against the device's limits by whoever makes it.
struct GridLaunch {
  uint3 grid{1, 1, 1};
  uint3 block{1, 1, 1};
  size_t dynamic_shared_bytes = 0;
  bool cooperative = false;  // all blocks are resident at once: grid.sync() works
  std::string kernel;        // as written at the launch: "Reduce<float>"
  const char* file = "";     // of the launch
  int line = 0;
  // Runs the run's first thread, and on the same stack as many of the others as it likes: see RunThreads.
  void (*run)(const void* arguments, ThreadRun* run) = nullptr;
  std::shared_ptr<const void> arguments;
  Operation operation;  // for the race checker
};

// Starts a grid and returns. `done` is called once, on a worker, with cudaSuccess or the fault that ended the kernel
// (cudaErrorIllegalAddress, cudaErrorAssert, cudaErrorLaunchFailure, cudaErrorLaunchTimeout for a deadlock ...); it
// must not block.
void StartGrid(GridLaunch launch, std::function<void(cudaError_t)> done);

// Runs `body` on a fiber of a worker (256 KiB of stack). It may call Yield, and must not block in the kernel.
void StartTask(std::function<void()> body, std::function<void(cudaError_t)> done);

// Gives way to everything else that is started: call it in a loop that waits for something. In a kernel thread, in a
// task; on any other thread it is sched_yield.
void Yield();

// Whether the caller is a thread of a kernel, on a fiber.
bool InKernel();
// "Reduce<float>, block (0,1,0), thread (3,0,0)" of the calling kernel thread; "host code" elsewhere.
std::string Place();

// One line on stderr, "CUDA (host mode): ..." and kept for Findings().
void Report(const std::string& line);
// For what this stand-in does not do: reports "WHAT is not supported in host mode (PLACE): WHAT TO DO", returns
// cudaErrorNotSupported.
cudaError_t Unsupported(const std::string& what, const std::string& todo);

// Everything that the checks have found and Report has told since the last call, a finding a paragraph; empty if
// nothing.
std::string TakeFindings();

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_EXECUTOR_H_
