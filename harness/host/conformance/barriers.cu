// __syncthreads, its reducing forms, __syncwarp.
#include "harness/host/conformance/conformance.h"

namespace {

__global__ void PingPong(int* out, int rounds) {
  __shared__ int buffers[2][1024];
  const int i = threadIdx.x, n = blockDim.x;
  buffers[0][i] = i;
  __syncthreads();
  for (int round = 0; round < rounds; ++round) {
    buffers[(round + 1) % 2][i] = buffers[round % 2][(i + 1) % n] + 1;
    __syncthreads();
  }
  out[i] = buffers[rounds % 2][i];
}

CONFORMANCE_CASE(barriers, rounds, "__syncthreads in a loop: each round reads what the neighbour wrote in the last") {
  for (int n : {1, 32, 33, 95, 1024}) {
    Device<int> out(n);
    PingPong<<<1, n>>>(out.data(), 37);
    EXPECT_EACH(out.Get(), i, int((i + 37) % n) + 37);
  }
}

__global__ void GlobalRounds(int* values) {
  const int n = blockDim.x;
  int* own = values + 2 * n * blockIdx.x;
  for (int round = 0; round < 5; ++round) {
    own[(round + 1) % 2 * n + threadIdx.x] = own[round % 2 * n + (threadIdx.x + 33) % n] + 1;
    __syncthreads();
  }
}

CONFORMANCE_CASE(barriers, global_memory, "a barrier orders the block's accesses to global memory as well") {
  Device<int> values(Make<int>(4 * 2 * 200, [](size_t i) { return int(i % 200); }));
  GlobalRounds<<<4, 200>>>(values.data());
  const auto result = values.Get();
  EXPECT_EACH(result, i, i / 200 % 2 == 1 ? int((i % 200 + 165) % 200) + 5 : result[i]);
}

__global__ void Reducing(int* counts, int* ands, int* ors, int threshold) {
  const int i = threadIdx.x + threadIdx.y * blockDim.x;
  counts[i] = __syncthreads_count(i < threshold ? 2 : 0);
  ands[i] = __syncthreads_and(i < threshold);
  ors[i] = __syncthreads_or(i == threshold ? 8 : 0);
}

CONFORMANCE_CASE(barriers, count_and_or, "__syncthreads_count, _and, _or: every thread gets the block's result") {
  const int n = 10 * 7;
  for (int threshold : {0, 1, 31, 32, 69, 70, 71}) {
    Device<int> counts(n), ands(n), ors(n);
    Reducing<<<1, dim3(10, 7)>>>(counts.data(), ands.data(), ors.data(), threshold);
    EXPECT_EACH(counts.Get(), i, threshold < n ? threshold : n);
    EXPECT_EACH(Make<int>(n, [v = ands.Get()](size_t i) { return v[i] != 0; }), i, int(threshold >= n));
    EXPECT_EACH(Make<int>(n, [v = ors.Get()](size_t i) { return v[i] != 0; }), i, int(threshold < n));
  }
}

__global__ void CountRepeatedly(int* out) {
  int sum = 0;
  for (int round = 0; round < 20; ++round) sum = sum * 3 + __syncthreads_count((threadIdx.x + round) % 7 == 0);
  out[threadIdx.x] = sum;
}

CONFORMANCE_CASE(barriers, count_in_loop, "reducing barriers one after the other do not mix") {
  const int n = 101;
  Device<int> out(n);
  CountRepeatedly<<<1, n>>>(out.data());
  int sum = 0;
  for (int round = 0; round < 20; ++round) {
    int count = 0;
    for (int i = 0; i < n; ++i) count += (i + round) % 7 == 0;
    sum = int(unsigned(sum) * 3u) + count;
  }
  EXPECT_EACH(out.Get(), i, sum);
}

__global__ void EarlyExit(int* out, int stay) {
  __shared__ int values[128];
  if (int(threadIdx.x) >= stay) return;
  values[threadIdx.x] = threadIdx.x;
  __syncthreads();
  const int count = __syncthreads_count(1);
  out[threadIdx.x] = values[stay - 1 - threadIdx.x] * 1000 + count;
}

CONFORMANCE_CASE(barriers, exited_threads,
                 "a barrier waits for the threads that have not returned, and counts those only") {
  for (int stay : {1, 40, 64, 127}) {
    Device<int> out(128);
    EarlyExit<<<1, 128>>>(out.data(), stay);
    EXPECT_EACH(out.Get(), i, int(i) < stay ? (stay - 1 - int(i)) * 1000 + stay : int(0xcdcdcdcd));
  }
}

__global__ void ShrinkingBlock(int* out) {
  __shared__ int alive;
  for (int round = 0; round < 10; ++round) {
    if (threadIdx.x == 0) alive = 0;
    __syncthreads();
    atomicAdd(&alive, 1);
    __syncthreads();
    if (threadIdx.x == 0) out[round] = alive;
    if (int(threadIdx.x) >= 100 - 10 * (round + 1) && threadIdx.x != 0) return;
    __syncthreads();
  }
}

CONFORMANCE_CASE(barriers, exit_between_rounds, "threads that leave between barriers, some each round") {
  Device<int> out(10);
  ShrinkingBlock<<<1, 100>>>(out.data());
  EXPECT_EACH(out.Get(), i, i == 0 ? 100 : 100 - 10 * int(i));
}

__global__ void UniformCondition(int* out, int which) {
  __shared__ int sum;
  if (threadIdx.x == 0) sum = 0;
  __syncthreads();
  if (which + blockIdx.x == 3) {
    atomicAdd(&sum, int(threadIdx.x));
    __syncthreads();
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
  } else {
    out[blockIdx.x * blockDim.x + threadIdx.x] = -1;
  }
}

CONFORMANCE_CASE(barriers, uniform_condition, "a barrier in a branch that whole blocks take or leave") {
  Device<int> out(5 * 70);
  UniformCondition<<<5, 70>>>(out.data(), 1);
  EXPECT_EACH(out.Get(), i, i / 70 == 2 ? 69 * 70 / 2 : -1);
}

__global__ void WarpExchange(int* out) {
  __shared__ int values[4][32];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int mine = threadIdx.x;
  // Only lanes of a warp read each other's values, and __syncwarp orders them.
  for (int round = 0; round < 6; ++round) {
    values[warp][lane] = mine;
    __syncwarp();
    mine = values[warp][(lane + 1) % 32] + 1;
    __syncwarp();
  }
  out[threadIdx.x] = mine;
}

CONFORMANCE_CASE(barriers, syncwarp, "__syncwarp orders the lanes' accesses to shared memory") {
  Device<int> out(128);
  WarpExchange<<<1, 128>>>(out.data());
  EXPECT_EACH(out.Get(), i, int(i / 32 * 32 + (i + 6) % 32) + 6);
}

__global__ void PartialSyncwarp(int* out) {
  __shared__ int values[32];
  const int lane = threadIdx.x;
  values[lane] = lane;
  if (lane % 2 == 0) {
    // The even lanes go twice round their ring, the odd ones five times.
    for (int round = 0; round < 2; ++round) {
      __syncwarp(0x55555555u);
      const int next = values[(lane + 2) % 32];
      __syncwarp(0x55555555u);
      values[lane] = next;
    }
  } else {
    for (int round = 0; round < 5; ++round) {
      __syncwarp(0xaaaaaaaau);
      const int next = values[(lane + 2) % 32];
      __syncwarp(0xaaaaaaaau);
      values[lane] = next;
    }
  }
  __syncwarp();
  out[lane] = values[lane ^ 1];
}

CONFORMANCE_CASE(barriers, syncwarp_partial, "__syncwarp with disjoint masks in the two sides of a branch") {
  Device<int> out(32);
  PartialSyncwarp<<<1, 32>>>(out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    const int lane = int(i) ^ 1;
    return (lane + (lane % 2 == 0 ? 4 : 10)) % 32;
  }());
}

__global__ void ManyBlocks(unsigned long long* sums) {
  __shared__ unsigned long long partial[64];
  const unsigned i = blockIdx.x * 64 + threadIdx.x;
  partial[threadIdx.x] = Mix(i) % 1000;
  for (int half = 32; half > 0; half /= 2) {
    __syncthreads();
    if (int(threadIdx.x) < half) partial[threadIdx.x] += partial[threadIdx.x + half];
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = partial[0];
}

CONFORMANCE_CASE(barriers, tree_reduction, "a reduction tree in shared memory over 300 blocks") {
  Device<unsigned long long> sums(300);
  ManyBlocks<<<300, 64>>>(sums.data());
  EXPECT_EACH(sums.Get(), b, [&] {
    unsigned long long sum = 0;
    for (size_t i = 0; i < 64; ++i) sum += Mix(b * 64 + i) % 1000;
    return sum;
  }());
}

}  // namespace
