// Kernels written out as the translator would leave them.
#include <gtest/gtest.h>

#include "cuda_host/device.h"
#include "cuda_host/launch.h"
// clang-format off: the internals come behind what kernels see.
#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "harness/host/executor/executor.h"
// clang-format on

namespace cuda_host {
namespace {

struct Shape {
  dim3 grid = dim3(1);
  dim3 block = dim3(32);
  size_t shared_bytes = 0;
  bool cooperative = false;
};

template <typename Kernel>
cudaError_t Launch(const Shape& shape, Kernel kernel) {
  std::mutex mutex;
  std::condition_variable over;
  bool done = false;
  cudaError_t result = cudaErrorUnknown;
  GridLaunch launch;
  launch.grid = shape.grid;
  launch.block = shape.block;
  launch.dynamic_shared_bytes = shape.shared_bytes;
  launch.cooperative = shape.cooperative;
  launch.kernel = "TestKernel";
  launch.arguments = std::make_shared<Kernel>(kernel);
  launch.run = [](const void* self, ThreadRun* run) { RunThreads(run, *static_cast<const Kernel*>(self)); };
  StartGrid(launch, [&](cudaError_t error) {
    std::lock_guard<std::mutex> lock(mutex);
    result = error;
    done = true;
    over.notify_all();
  });
  std::unique_lock<std::mutex> lock(mutex);
  over.wait(lock, [&] { return done; });
  return result;
}

TEST(ExecutorTest, EveryThreadRunsOnceWithItsIndex) {
  const dim3 grid(3, 2, 2), block(5, 4, 3);
  std::vector<int> seen(3 * 2 * 2 * 5 * 4 * 3);
  int* const data = seen.data();
  ASSERT_EQ(Launch({grid, block},
                   [=] {
                     const unsigned b = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
                     const unsigned t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
                     ++data[b * 60 + t];
                   }),
            cudaSuccess);
  EXPECT_EQ(seen, std::vector<int>(seen.size(), 1));
}

TEST(ExecutorTest, ALineOfThreadsAfterABoxHasNoOtherIndices) {
  int found = 0;
  int* const others = &found;
  ASSERT_EQ(Launch({dim3(1), dim3(4, 4, 4)}, [] {}), cudaSuccess);
  ASSERT_EQ(Launch({dim3(1), dim3(96)}, [=] { *others += threadIdx.y != 0 || threadIdx.z != 0; }), cudaSuccess);
  EXPECT_EQ(found, 0);
}

TEST(ExecutorTest, ThreadsThatLeaveTheOrderBehindABarrierAreFollowed) {
  // In each round others do something else than the next __syncthreads: exit, yield, shuffle, or wait at another one.
  std::vector<int> out(96, -1);
  int* const data = out.data();
  ASSERT_EQ(Launch({dim3(1), dim3(96)},
                   [=] {
                     const int t = static_cast<int>(threadIdx.x);
                     static const char key = 0;
                     int(&rounds)[96] = StaticShared<int[96]>(&key, "rounds");
                     rounds[t] = 0;
                     __syncthreads();
                     bool even = true;
                     for (int i = 1; i < 40; ++i) {
                       if (t == i * 2) return;
                       rounds[t] = i;
                       if (i % 3 == 0 && t >= 80) KERNELS_HOST_SPIN_PAUSE();
                       if (i % 5 == 0 && t >= 64 && t < 80) (void)__shfl_xor_sync(0xffffu, t, 1);
                       if (i % 7 == 0 ? __syncthreads_and(1) == 0 : false) return;
                       __syncthreads();
                       for (int other = 79; other < 96; ++other) even = even && (rounds[other] == i || i == 0);
                       __syncthreads();
                     }
                     data[t] = even ? 1 : 0;
                   }),
            cudaSuccess);
  for (int t = 0; t < 96; ++t) EXPECT_EQ(out[t], t < 80 && t % 2 == 0 && t > 0 ? -1 : 1) << t;
}

TEST(ExecutorTest, OrdersBehindBarriersAreDrawnAgain) {
  // Who comes first is another thread in most rounds, and every thread comes once.
  std::vector<int> first(50, -1), times(256);
  int* const firsts = first.data();
  int* const counts = times.data();
  int arrived = 0;
  int* const next = &arrived;
  ASSERT_EQ(Launch({dim3(1), dim3(256)},
                   [=] {
                     for (int i = 0; i < 50; ++i) {
                       __syncthreads();
                       if ((*next)++ == i * 256) firsts[i] = static_cast<int>(threadIdx.x);
                       ++counts[threadIdx.x];
                     }
                   }),
            cudaSuccess);
  EXPECT_EQ(times, std::vector<int>(256, 50));
  std::sort(first.begin(), first.end());
  EXPECT_GT(std::unique(first.begin(), first.end()) - first.begin(), 25);
}

TEST(ExecutorTest, ABarrierIsPassedByAllOrNone) {
  std::vector<int> out(256);
  int* const data = out.data();
  ASSERT_EQ(Launch({dim3(1), dim3(256)},
                   [=] {
                     static const char key = 0;
                     int(&shared)[256] = StaticShared<int[256]>(&key, "shared");
                     int x = static_cast<int>(threadIdx.x);
                     for (int i = 0; i < 10; ++i) {
                       shared[threadIdx.x] = x;
                       __syncthreads();
                       x = shared[(threadIdx.x + 1) % 256];
                       __syncthreads();
                     }
                     data[threadIdx.x] = x;
                   }),
            cudaSuccess);
  for (int t = 0; t < 256; ++t) EXPECT_EQ(out[t], (t + 10) % 256);
}

TEST(ExecutorTest, ThreadsThatHaveExitedAreNotWaitedFor) {
  int count = 0;
  int* const counter = &count;
  ASSERT_EQ(Launch({dim3(1), dim3(96)},
                   [=] {
                     if (threadIdx.x >= 70) return;
                     if (__syncthreads_count(threadIdx.x < 10) == 10) atomicAdd(counter, 1);
                     __syncwarp();
                   }),
            cudaSuccess);
  EXPECT_EQ(count, 70);
}

TEST(ExecutorTest, LanesOfDisjointMasksMeetOnTheirOwn) {
  std::vector<int> out(32);
  int* const data = out.data();
  ASSERT_EQ(Launch({},
                   [=] {
                     const int lane = static_cast<int>(threadIdx.x);
                     const unsigned mask = lane % 2 ? 0xaaaaaaaau : 0x55555555u;
                     int sum = lane;
                     if (lane % 2) {
                       for (int step = 2; step < 32; step *= 2) sum += __shfl_xor_sync(mask, sum, step);
                     } else {
                       for (int step = 2; step < 32; step *= 2) sum += __shfl_xor_sync(mask, sum, step);
                     }
                     data[lane] = sum;
                   }),
            cudaSuccess);
  for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(out[lane], lane % 2 ? 256 : 240);
}

TEST(ExecutorTest, ASpinOnAFlagThatAnotherBlockSetsEnds) {
  volatile int flag = 0;
  volatile int* const pointer = &flag;
  EXPECT_EQ(Launch({dim3(8), dim3(64)},
                   [=] {
                     if (blockIdx.x == 5 && threadIdx.x == 33) *pointer = 1;
                     while (*pointer == 0) KERNELS_HOST_SPIN_PAUSE();
                   }),
            cudaSuccess);
}

TEST(ExecutorTest, GridSyncWaitsForAllBlocks) {
  int counts[2] = {0, 0};
  int* const data = counts;
  ASSERT_EQ(Launch({dim3(16), dim3(64), 0, true},
                   [=] {
                     atomicAdd(&data[0], 1);
                     GridBarrier(__FILE__, __LINE__);
                     if (data[0] == 16 * 64) atomicAdd(&data[1], 1);
                   }),
            cudaSuccess);
  EXPECT_EQ(counts[1], 16 * 64);
}

TEST(ExecutorTest, OrdersAreDrawnAndSharedMemoryIsNotZero) {
  // The first thread to come is not always the same one.
  std::vector<int> first(64, -1);
  int* const data = first.data();
  bool zero = true;
  bool* const all_zero = &zero;
  ASSERT_EQ(Launch({dim3(64), dim3(64), 64},
                   [=] {
                     static const char key = 0;
                     int& arrived = StaticShared<int>(&key, "arrived");
                     if (*static_cast<int*>(DynamicShared(4)) != 0 || arrived != 0) *all_zero = false;
                     __syncthreads();
                     if (threadIdx.x == 0) arrived = 0;
                     __syncthreads();
                     if (atomicAdd(&arrived, 1) == 0) data[blockIdx.x] = static_cast<int>(threadIdx.x);
                   }),
            cudaSuccess);
  EXPECT_FALSE(zero);
  EXPECT_NE(std::count(first.begin(), first.end(), first[0]), 64);
}

TEST(ExecutorTest, AFaultEndsTheKernelAndNotTheProgram) {
  EXPECT_EQ(Launch({dim3(4), dim3(64)},
                   [] {
                     if (threadIdx.x == 3) *reinterpret_cast<volatile int*>(16) = 1;
                   }),
            cudaErrorIllegalAddress);
  EXPECT_NE(TakeFindings().find("illegal address: kernel TestKernel, block ("), std::string::npos);
  EXPECT_EQ(Launch({}, [] { assert(threadIdx.x != 9); }), cudaErrorAssert);
  EXPECT_EQ(Launch({}, [] { __trap(); }), cudaErrorLaunchFailure);
  EXPECT_EQ(Launch({}, [] {}), cudaSuccess);
}

TEST(ExecutorTest, AStackThatOverflowsIsAFaultToo) {
  struct Deep {
    static int Call(int n) {
      volatile char buffer[1000];
      buffer[n % 1000] = 1;
      return n == 1 << 30 ? 0 : Call(n + 1) + buffer[0];
    }
  };
  EXPECT_EQ(Launch({}, [] { (void)Deep::Call(0); }), cudaErrorIllegalAddress);
  EXPECT_NE(TakeFindings().find("stack overflows"), std::string::npos);
}

TEST(ExecutorTest, ThreadsThatWaitForEachOtherInVainAreADeadlock) {
  EXPECT_EQ(Launch({dim3(1), dim3(32)},
                   [] {
                     if (threadIdx.x < 16) {
                       __syncthreads();
                     } else {
                       __syncwarp();
                     }
                   }),
            cudaErrorLaunchTimeout);
  const std::string findings = TakeFindings();
  EXPECT_NE(findings.find("deadlock: kernel TestKernel, block (0,0,0)"), std::string::npos) << findings;
  EXPECT_NE(findings.find("__syncthreads at "), std::string::npos) << findings;
}

TEST(ExecutorTest, AMaskWithoutTheCallerIsRefused) {
  EXPECT_EQ(Launch({}, [] { (void)__shfl_sync(1u, 1, 0); }), cudaErrorLaunchFailure);
  EXPECT_NE(TakeFindings().find("invalid mask"), std::string::npos);
}

TEST(ExecutorTest, ActiveLanesAreThoseAtTheSamePlace) {
  std::vector<unsigned> out(32);
  unsigned* const data = out.data();
  // Outside of a macro, which would put both calls on one line.
  const auto kernel = [=] {
    if (threadIdx.x % 4 == 1) {
      data[threadIdx.x] = __activemask();
    } else {
      data[threadIdx.x] = __activemask();
    }
  };
  ASSERT_EQ(Launch({}, kernel), cudaSuccess);
  EXPECT_EQ(out[1], 0x22222222u);
  EXPECT_EQ(out[0], 0xddddddddu);
}

TEST(ExecutorTest, TasksGiveWayToEachOther) {
  std::mutex mutex;
  std::condition_variable over;
  int done = 0;
  std::atomic<int> turn{0};
  for (int self = 0; self < 2; ++self) {
    StartTask(
        [&turn, self] {
          for (int i = 0; i < 100; ++i) {
            while (turn % 2 != self) Yield();
            ++turn;
          }
        },
        [&](cudaError_t) {
          std::lock_guard<std::mutex> lock(mutex);
          ++done;
          over.notify_all();
        });
  }
  std::unique_lock<std::mutex> lock(mutex);
  over.wait(lock, [&] { return done == 2; });
  EXPECT_EQ(turn, 200);
}

}  // namespace
}  // namespace cuda_host
