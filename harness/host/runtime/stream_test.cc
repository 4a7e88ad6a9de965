#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "harness/host/runtime/stream_work.h"
#include "harness/host/runtime/test_kernels.h"

namespace cuda_host {
namespace {

class StreamTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_CUDA(cudaStreamCreateWithFlags(&a_, cudaStreamNonBlocking));
    ASSERT_CUDA(cudaStreamCreateWithFlags(&b_, cudaStreamNonBlocking));
    ASSERT_CUDA(cudaMallocHost(&pinned_, 64 * sizeof(int)));
    ASSERT_CUDA(cudaMalloc(&device_, 64 * sizeof(long)));
    for (int i = 0; i < 64; ++i) pinned_[i] = 0;
    ASSERT_CUDA(cudaMemset(device_, 0, 64 * sizeof(long)));
    ASSERT_CUDA(cudaDeviceSynchronize());
  }
  void TearDown() override {
    EXPECT_CUDA(cudaDeviceSynchronize());
    EXPECT_CUDA(cudaFreeHost(pinned_));
    EXPECT_CUDA(cudaFree(device_));
    EXPECT_CUDA(cudaStreamDestroy(a_));
    EXPECT_CUDA(cudaStreamDestroy(b_));
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  }
  long Read(const long* data) {
    long value = 0;
    EXPECT_CUDA(cudaMemcpy(&value, data, sizeof value, cudaMemcpyDeviceToHost));
    return value;
  }

  cudaStream_t a_ = nullptr, b_ = nullptr;
  int* pinned_ = nullptr;
  long* device_ = nullptr;
};

TEST_F(StreamTest, OneStreamKeepsItsOrder) {
  for (int digit = 1; digit <= 9; ++digit) ASSERT_CUDA(LaunchOne(a_, &Append, device_, long{digit}));
  ASSERT_CUDA(cudaStreamSynchronize(a_));
  EXPECT_EQ(Read(device_), 123456789);
}

TEST_F(StreamTest, WithoutAWaitTheHostReadsOldData) {
  int stale = 0;
  for (int i = 0; i < 64; ++i) {
    ASSERT_CUDA(LaunchOne(a_, &Set, reinterpret_cast<int*>(device_), i + 1));
    ASSERT_CUDA(cudaMemcpyAsync(&pinned_[0], device_, sizeof(int), cudaMemcpyDeviceToHost, a_));
    stale += static_cast<volatile int*>(pinned_)[0] != i + 1;
    ASSERT_CUDA(cudaStreamSynchronize(a_));
    ASSERT_EQ(pinned_[0], i + 1);
  }
  EXPECT_GE(stale, 40);
}

TEST_F(StreamTest, WhatIsWrittenToAPinnedSourceTooEarlyIsCopied) {
  int torn = 0;
  for (int i = 0; i < 64; ++i) {
    pinned_[0] = 2 * i;
    ASSERT_CUDA(cudaMemcpyAsync(device_, pinned_, sizeof(int), cudaMemcpyHostToDevice, a_));
    pinned_[0] = 2 * i + 1;
    ASSERT_CUDA(cudaStreamSynchronize(a_));
    torn += (Read(device_) & 0xffffffff) == 2 * i + 1;
  }
  EXPECT_GE(torn, 40);
}

TEST_F(StreamTest, APageableSourceIsFreeWhenTheCallReturns) {
  std::vector<int> source(1000);
  int* target = nullptr;
  ASSERT_CUDA(cudaMalloc(&target, source.size() * sizeof(int)));
  for (int i = 0; i < 32; ++i) {
    std::fill(source.begin(), source.end(), i);
    ASSERT_CUDA(cudaMemcpyAsync(target, source.data(), source.size() * sizeof(int), cudaMemcpyHostToDevice, a_));
    std::fill(source.begin(), source.end(), -1);
    ASSERT_CUDA(cudaMemcpyAsync(source.data(), target, source.size() * sizeof(int), cudaMemcpyDeviceToHost, a_));
    EXPECT_EQ(source, std::vector<int>(1000, i));
  }
  EXPECT_CUDA(cudaFree(target));
}

TEST_F(StreamTest, IndependentStreamsRunInBothOrders) {
  int a_first = 0, b_first = 0;
  for (int i = 0; i < 64; ++i) {
    ASSERT_CUDA(cudaMemsetAsync(device_, 0, sizeof(long), a_));
    ASSERT_CUDA(cudaStreamSynchronize(a_));
    ASSERT_CUDA(LaunchOne(a_, &Append, device_, 1L));
    ASSERT_CUDA(LaunchOne(b_, &Append, device_, 2L));
    ASSERT_CUDA(cudaStreamSynchronize(a_));
    ASSERT_CUDA(cudaStreamSynchronize(b_));
    (Read(device_) == 12 ? a_first : b_first) += 1;
  }
  EXPECT_GT(a_first, 3);
  EXPECT_GT(b_first, 3);
}

TEST_F(StreamTest, AnEventOrdersStreams) {
  cudaEvent_t event;
  ASSERT_CUDA(cudaEventCreate(&event));
  for (int i = 0; i < 32; ++i) {
    ASSERT_CUDA(cudaMemsetAsync(device_, 0, sizeof(long), b_));
    ASSERT_CUDA(LaunchOne(b_, &Append, device_, 1L));
    ASSERT_CUDA(cudaEventRecord(event, b_));
    ASSERT_CUDA(cudaStreamWaitEvent(a_, event));
    ASSERT_CUDA(LaunchOne(a_, &Append, device_, 2L));
    ASSERT_CUDA(cudaStreamSynchronize(a_));
    ASSERT_EQ(Read(device_), 12);
  }
  EXPECT_CUDA(cudaEventDestroy(event));
}

TEST_F(StreamTest, TheDefaultStreamComesBetweenBlockingStreams) {
  cudaStream_t blocking;
  ASSERT_CUDA(cudaStreamCreate(&blocking));
  for (int i = 0; i < 32; ++i) {
    ASSERT_CUDA(cudaMemsetAsync(device_, 0, sizeof(long), blocking));
    ASSERT_CUDA(LaunchOne(blocking, &Append, device_, 1L));
    ASSERT_CUDA(LaunchOne(nullptr, &Append, device_, 2L));
    ASSERT_CUDA(LaunchOne(cudaStreamPerThread, &Append, device_, 3L));
    ASSERT_CUDA(LaunchOne(cudaStreamLegacy, &Append, device_, 4L));
    ASSERT_CUDA(LaunchOne(blocking, &Append, device_, 5L));
    ASSERT_CUDA(cudaStreamSynchronize(blocking));
    ASSERT_EQ(Read(device_), 12345);
  }
  EXPECT_CUDA(cudaStreamDestroy(blocking));
}

TEST_F(StreamTest, KernelsThatWaitForEachOtherBothRun) {
  int* flags = nullptr;
  ASSERT_CUDA(cudaMalloc(&flags, 4 * sizeof(int)));
  ASSERT_CUDA(cudaMemset(flags, 0, 4 * sizeof(int)));
  ASSERT_CUDA(cudaDeviceSynchronize());
  ASSERT_CUDA(LaunchOne(a_, &AwaitFlag, static_cast<volatile int*>(flags), flags + 1));
  ASSERT_CUDA(LaunchOne(b_, &Set, flags, 7));
  ASSERT_CUDA(cudaStreamSynchronize(a_));
  ASSERT_CUDA(cudaMemcpy(pinned_, flags, 4 * sizeof(int), cudaMemcpyDeviceToHost));
  EXPECT_EQ(pinned_[1], 7);
  EXPECT_CUDA(cudaFree(flags));
}

TEST_F(StreamTest, WorkThatNobodyWaitsForRunsAllTheSame) {
  ASSERT_CUDA(LaunchOne(a_, &Set, pinned_, 5));
  while (static_cast<volatile int*>(pinned_)[0] != 5) sched_yield();
}

TEST_F(StreamTest, ADestroyedStreamFinishesItsWork) {
  cudaStream_t stream;
  ASSERT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  ASSERT_CUDA(LaunchOne(stream, &Set, pinned_, 6));
  ASSERT_CUDA(cudaStreamDestroy(stream));
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_EQ(pinned_[0], 6);
}

TEST_F(StreamTest, AQueryInALoopEnds) {
  ASSERT_CUDA(LaunchOne(a_, &Set, pinned_, 8));
  cudaError_t error;
  while ((error = cudaStreamQuery(a_)) == cudaErrorNotReady) {
  }
  EXPECT_EQ(error, cudaSuccess);
  EXPECT_EQ(pinned_[0], 8);
  (void)cudaGetLastError();
}

TEST_F(StreamTest, AHostFunctionRunsInOrderAndMayNotCallCuda) {
  struct Seen {
    int* value;
    int before = -1;
    cudaError_t error = cudaSuccess;
    std::thread::id thread;
  } seen{pinned_, -1, cudaSuccess, {}};
  ASSERT_CUDA(LaunchOne(a_, &Set, pinned_, 3));
  ASSERT_CUDA(cudaLaunchHostFunc(
      a_,
      [](void* argument) {
        auto* const s = static_cast<Seen*>(argument);
        s->before = *s->value;
        s->error = cudaDeviceSynchronize();
        s->thread = std::this_thread::get_id();
        *s->value = 4;
      },
      &seen));
  ASSERT_CUDA(cudaMemcpyAsync(device_, pinned_, sizeof(int), cudaMemcpyHostToDevice, a_));
  ASSERT_CUDA(cudaStreamSynchronize(a_));
  EXPECT_EQ(seen.before, 3);
  EXPECT_EQ(seen.error, cudaErrorNotPermitted);
  EXPECT_NE(seen.thread, std::this_thread::get_id());
  EXPECT_EQ(Read(device_) & 0xffffffff, 4);
}

TEST_F(StreamTest, ATaskRunsInOrderAndYields) {
  std::atomic<int> turns{0};
  ASSERT_CUDA(LaunchOne(a_, &Append, device_, 1L));
  ASSERT_CUDA(EnqueueTask(a_, "a task", [&, data = device_](const Operation& operation) {
    EXPECT_GT(operation.number, 0u);
    for (int i = 0; i < 10; ++i, ++turns) Yield();
    Append(data, 2);
  }));
  ASSERT_CUDA(LaunchOne(a_, &Append, device_, 3L));
  ASSERT_CUDA(cudaStreamSynchronize(a_));
  EXPECT_EQ(turns, 10);
  EXPECT_EQ(Read(device_), 123);
  EXPECT_EQ(EnqueueTask(reinterpret_cast<cudaStream_t>(this), "x", [](const Operation&) {}),
            cudaErrorInvalidResourceHandle);
}

TEST_F(StreamTest, SeveralThreadsEnqueueAtOnce) {
  long* counters = nullptr;
  constexpr int kThreads = 4, kLaunches = 50;
  ASSERT_CUDA(cudaMalloc(&counters, kThreads * sizeof(long)));
  ASSERT_CUDA(cudaMemset(counters, 0, kThreads * sizeof(long)));
  ASSERT_CUDA(cudaDeviceSynchronize());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([=] {
      cudaStream_t stream;
      ASSERT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
      for (int i = 0; i < kLaunches; ++i) {
        ASSERT_CUDA(LaunchOne(
            stream, +[](long* counter) { ++*counter; }, counters + t));
        if (i % 7 == 0) {
          ASSERT_CUDA(cudaStreamSynchronize(stream));
        }
      }
      ASSERT_CUDA(cudaStreamSynchronize(stream));
      ASSERT_CUDA(cudaStreamDestroy(stream));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t) EXPECT_EQ(Read(counters + t), kLaunches);
  EXPECT_CUDA(cudaFree(counters));
}

TEST_F(StreamTest, PropertiesOfAStream) {
  int lowest = 0, highest = 0, priority = 0, device = -1;
  unsigned flags = 0;
  unsigned long long id_a = 0, id_b = 0;
  ASSERT_CUDA(cudaDeviceGetStreamPriorityRange(&lowest, &highest));
  EXPECT_GT(lowest, highest);
  cudaStream_t stream;
  ASSERT_CUDA(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, highest - 10));
  EXPECT_CUDA(cudaStreamGetPriority(stream, &priority));
  EXPECT_EQ(priority, highest);
  EXPECT_CUDA(cudaStreamGetFlags(stream, &flags));
  EXPECT_EQ(flags, static_cast<unsigned>(cudaStreamNonBlocking));
  EXPECT_CUDA(cudaStreamGetDevice(stream, &device));
  EXPECT_EQ(device, 0);
  EXPECT_CUDA(cudaStreamGetId(a_, &id_a));
  EXPECT_CUDA(cudaStreamGetId(b_, &id_b));
  EXPECT_NE(id_a, id_b);
  EXPECT_CUDA(cudaStreamDestroy(stream));
  EXPECT_EQ(cudaStreamCreateWithFlags(&stream, 2), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamDestroy(nullptr), cudaErrorInvalidResourceHandle);
  (void)cudaGetLastError();
}

TEST_F(StreamTest, EventsTellTimeUnlessTheyMayNot) {
  cudaEvent_t start, end, untimed;
  ASSERT_CUDA(cudaEventCreate(&start));
  ASSERT_CUDA(cudaEventCreate(&end));
  ASSERT_CUDA(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming));
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
  EXPECT_CUDA(cudaEventQuery(start));  // never recorded
  ASSERT_CUDA(cudaEventRecord(start, a_));
  ASSERT_CUDA(LaunchOne(a_, &Set, pinned_, 8));
  ASSERT_CUDA(cudaEventRecord(end, a_));
  ASSERT_CUDA(cudaEventRecord(untimed, a_));
  ASSERT_CUDA(cudaEventSynchronize(end));
  EXPECT_EQ(pinned_[0], 8);
  EXPECT_CUDA(cudaEventElapsedTime(&milliseconds, start, end));
  EXPECT_GT(milliseconds, 0);
  ASSERT_CUDA(cudaStreamSynchronize(a_));
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, untimed), cudaErrorInvalidResourceHandle);
  cudaError_t error;
  while ((error = cudaEventQuery(untimed)) == cudaErrorNotReady) {
  }
  EXPECT_EQ(error, cudaSuccess);
  EXPECT_CUDA(cudaEventDestroy(start));
  EXPECT_CUDA(cudaEventDestroy(end));
  EXPECT_CUDA(cudaEventDestroy(untimed));
  EXPECT_EQ(cudaEventRecord(untimed, a_), cudaErrorInvalidResourceHandle);
  (void)cudaGetLastError();
}

}  // namespace
}  // namespace cuda_host
