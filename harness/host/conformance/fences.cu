// Hand-over between warps and blocks: flags, fences, tickets.
#include <numeric>

#include "harness/host/conformance/conformance.h"

namespace {

// A block's place in the order in which blocks have started: a block that waits for lower tickets only cannot wait in
// vain.
__device__ int Ticket(int* counter) {
  __shared__ int ticket;
  if (threadIdx.x == 0) ticket = atomicAdd(counter, 1);
  __syncthreads();
  return ticket;
}

__global__ void PassMessage(int* counter, volatile int* flag, int* message, int* out) {
  const int ticket = Ticket(counter);
  const int i = threadIdx.x, n = blockDim.x;
  if (ticket == 0) {
    message[i] = i * i;
    __threadfence();
    __syncthreads();
    if (i == 0) *flag = 1;
  } else {
    if (i == 0) {
      while (*flag == 0) {
      }
      __threadfence();
    }
    __syncthreads();
    out[(ticket - 1) * n + i] = message[n - 1 - i] + 1;
  }
}

CONFORMANCE_CASE(fences, flag_between_blocks, "data, __threadfence, a volatile flag: other blocks see the data") {
  Device<int> counter(std::vector<int>(1, 0)), flag(std::vector<int>(1, 0)), message(100), out(600);
  PassMessage<<<7, 100>>>(counter.data(), flag.data(), message.data(), out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    const int j = 99 - int(i % 100);
    return j * j + 1;
  }());
}

__global__ void LastBlockSum(const int* in, int n, int* partial, unsigned* arrived, int* total) {
  __shared__ bool last;
  __shared__ int sum;
  if (threadIdx.x == 0) sum = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&sum, in[i]);
  __syncthreads();
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
    __threadfence();
    last = atomicInc(arrived, gridDim.x - 1) == gridDim.x - 1;
    if (last) __threadfence();
  }
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  int all = 0;
  for (unsigned b = 0; b < gridDim.x; ++b) all += partial[b];
  *total = all;
}

CONFORMANCE_CASE(fences, last_block_sums, "the last block to finish adds what the others left, launch after launch") {
  const auto in = Make<int>(4000, [](size_t i) { return int(Mix(i) % 1000) - 200; });
  Device<int> values(in), partial(20), total(1);
  Device<unsigned> arrived(std::vector<unsigned>(1, 0));
  for (int n : {4000, 17, 2900}) {
    LastBlockSum<<<20, 64>>>(values.data(), n, partial.data(), arrived.data(), total.data());
    EXPECT_EQ(total.Get()[0], std::accumulate(in.begin(), in.begin() + n, 0));
  }
  EXPECT_EQ(arrived.Get()[0], 0u);
}

// What a tile offers: nothing yet, its own sum, or the sum of all tiles up to it.
constexpr unsigned long long kOwn = 1ull << 32, kPrefix = 2ull << 32;

__global__ void LookBackScan(const int* in, int* out, int n, int* counter, volatile unsigned long long* tiles) {
  __shared__ int sums[128];
  __shared__ int before;
  const int tile = Ticket(counter);
  const int i = tile * 128 + int(threadIdx.x);
  sums[threadIdx.x] = i < n ? in[i] : 0;
  for (int d = 1; d < 128; d *= 2) {
    __syncthreads();
    const int other = int(threadIdx.x) >= d ? sums[threadIdx.x - d] : 0;
    __syncthreads();
    sums[threadIdx.x] += other;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    const unsigned total = unsigned(sums[127]);
    tiles[tile] = (tile == 0 ? kPrefix : kOwn) | total;
    unsigned prefix = 0;
    for (int back = tile - 1; back >= 0; --back) {
      unsigned long long state;
      while ((state = tiles[back]) == 0) {
      }
      prefix += unsigned(state);
      if ((state & kPrefix) != 0) break;
    }
    if (tile > 0) tiles[tile] = kPrefix | (prefix + total);
    before = int(prefix);
  }
  __syncthreads();
  if (i < n) out[i] = before + sums[threadIdx.x];
}

CONFORMANCE_CASE(fences, decoupled_look_back, "a one-pass scan: each tile looks back at the sums of those before it") {
  const int n = 60 * 128 - 41;
  const auto in = Make<int>(n, [](size_t i) { return int(Mix(i) % 100) - 30; });
  Device<int> values(in), out(n), counter(std::vector<int>(1, 0));
  Device<unsigned long long> tiles(std::vector<unsigned long long>(60, 0));
  LookBackScan<<<60, 128>>>(values.data(), out.data(), n, counter.data(), tiles.data());
  std::vector<int> expected(n);
  std::partial_sum(in.begin(), in.end(), expected.begin());
  EXPECT_EACH(out.Get(), i, expected[i]);
}

__global__ void Chain(int* counter, volatile int* turn, int* value) {
  const int ticket = Ticket(counter);
  if (threadIdx.x != 0) return;
  while (*turn != ticket) {
  }
  __threadfence();
  *value = *value * 2 % 1009 + ticket;
  __threadfence();
  *turn = ticket + 1;
}

CONFORMANCE_CASE(fences, chain_of_blocks, "blocks update a plain variable in turn, each after the one before it") {
  Device<int> counter(std::vector<int>(1, 0)), turn(std::vector<int>(1, 0)), value(std::vector<int>(1, 1));
  Chain<<<50, 32>>>(counter.data(), turn.data(), value.data());
  int expected = 1;
  for (int ticket = 0; ticket < 50; ++ticket) expected = expected * 2 % 1009 + ticket;
  EXPECT_EQ(value.Get()[0], expected);
  EXPECT_EQ(turn.Get()[0], 50);
}

__global__ void RingBuffer(int* counter, int* slots, volatile int* written, volatile int* taken, int n,
                           long long* sum) {
  constexpr int kSlots = 4;
  const int ticket = Ticket(counter);
  if (threadIdx.x != 0) return;
  if (ticket == 0) {
    for (int i = 0; i < n; ++i) {
      while (i - *taken >= kSlots) {
      }
      __threadfence();
      slots[i % kSlots] = i * 7;
      __threadfence();
      *written = i + 1;
    }
  } else {
    long long total = 0;
    for (int i = 0; i < n; ++i) {
      while (*written <= i) {
      }
      __threadfence();
      total = total * 3 % 1000003 + slots[i % kSlots];
      __threadfence();
      *taken = i + 1;
    }
    *sum = total;
  }
}

CONFORMANCE_CASE(fences, ring_buffer,
                 "a producer block and a consumer block share four slots, both wait for each other") {
  // Both blocks are resident at once: two blocks of 32 threads, started cooperatively.
  Device<int> counter(std::vector<int>(1, 0)), slots(4), written(std::vector<int>(1, 0)), taken(std::vector<int>(1, 0));
  Device<long long> sum(1);
  int *c = counter.data(), *s = slots.data(), n = 300;
  volatile int *w = written.data(), *t = taken.data();
  long long* result = sum.data();
  void* arguments[] = {&c, &s, &w, &t, &n, &result};
  OK(cudaLaunchCooperativeKernel(RingBuffer, dim3(2), dim3(32), arguments, 0, nullptr));
  long long expected = 0;
  for (int i = 0; i < n; ++i) expected = expected * 3 % 1000003 + i * 7;
  EXPECT_EQ(sum.Get()[0], expected);
}

__global__ void WarpPipeline(int* out) {
  __shared__ int values[8][32];
  __shared__ volatile int ready[8];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (threadIdx.x < 8) ready[threadIdx.x] = 0;
  __syncthreads();
  int mine = lane;
  if (warp > 0) {
    while (ready[warp - 1] == 0) {
    }
    __threadfence_block();
    mine = values[warp - 1][(lane + 1) % 32] + 100;
  }
  values[warp][lane] = mine;
  __threadfence_block();
  __syncwarp();
  if (lane == 0) ready[warp] = 1;
  out[threadIdx.x] = mine;
}

CONFORMANCE_CASE(fences, flags_between_warps,
                 "warps of a block hand data on with __threadfence_block and a volatile flag") {
  Device<int> out(256);
  WarpPipeline<<<1, 256>>>(out.data());
  EXPECT_EACH(out.Get(), i, int(i % 32 + i / 32) % 32 + 100 * int(i / 32));
}

__global__ void SpinLock(int* lock, int* value, int rounds) {
  if (threadIdx.x % 32 != 0) return;
  for (int round = 0; round < rounds; ++round) {
    while (atomicCAS(lock, 0, 1) != 0) {
    }
    __threadfence();
    value[0] += 1;
    value[1] += value[0];
    __threadfence();
    atomicExch(lock, 0);
  }
}

CONFORMANCE_CASE(fences, spin_lock, "a lock by atomicCAS, with fences, around plain accesses") {
  Device<int> lock(std::vector<int>(1, 0)), value(std::vector<int>(2, 0));
  SpinLock<<<8, 128>>>(lock.data(), value.data(), 10);
  const int n = 8 * 4 * 10;
  EXPECT_EQ(value.Get()[0], n);
  EXPECT_EQ(value.Get()[1], n * (n + 1) / 2);
}

__global__ void GridBarrier(int* arrived, volatile int* release, int* values, int rounds) {
  const int blocks = gridDim.x;
  for (int round = 0; round < rounds; ++round) {
    const int from = (blockIdx.x + 1) % blocks;
    const int next = values[round % 2 * blocks + from] + round;
    if (threadIdx.x == 0) values[(round + 1) % 2 * blocks + blockIdx.x] = next;
    __syncthreads();
    if (threadIdx.x == 0) {
      __threadfence();
      if (atomicAdd(arrived, 1) == blocks * (round + 1) - 1) {
        __threadfence();
        *release = round + 1;
      }
      while (*release < round + 1) {
      }
      __threadfence();
    }
    __syncthreads();
  }
}

CONFORMANCE_CASE(fences, barrier_of_blocks, "a barrier over all blocks, built from an atomic counter and a flag") {
  const int blocks = 16, rounds = 11;
  Device<int> arrived(std::vector<int>(1, 0)), release(std::vector<int>(1, 0));
  Device<int> values(Make<int>(2 * blocks, [](size_t i) { return i < 16 ? int(i) : 0; }));
  int *a = arrived.data(), *v = values.data(), r = rounds;
  volatile int* f = release.data();
  void* arguments[] = {&a, &f, &v, &r};
  OK(cudaLaunchCooperativeKernel(GridBarrier, dim3(blocks), dim3(64), arguments, 0, nullptr));
  const auto result = values.Get();
  for (int b = 0; b < blocks; ++b) EXPECT_EQ(result[rounds % 2 * blocks + b], (b + rounds) % blocks + 55);
}

__global__ void MessageToHost(volatile int* data, volatile int* flag) {
  data[threadIdx.x] = int(threadIdx.x) * 5;
  __threadfence_system();
  __syncthreads();
  if (threadIdx.x == 0) *flag = 1;
}

CONFORMANCE_CASE(fences, flag_to_host,
                 "mapped host memory and __threadfence_system: the host sees data behind the flag") {
  int* host = nullptr;
  OK(cudaHostAlloc(reinterpret_cast<void**>(&host), 65 * sizeof(int), cudaHostAllocMapped));
  for (int i = 0; i < 65; ++i) host[i] = 0;
  int* device = nullptr;
  OK(cudaHostGetDevicePointer(reinterpret_cast<void**>(&device), host, 0));
  MessageToHost<<<1, 64>>>(device, device + 64);
  OK(cudaGetLastError());
  volatile int* flag = host + 64;
  while (*flag == 0 && cudaStreamQuery(nullptr) == cudaErrorNotReady) {
  }
  (void)cudaGetLastError();  // not ready is no error
  __sync_synchronize();
  int wrong = 0;
  for (int i = 0; i < 64; ++i) wrong += static_cast<volatile int*>(host)[i] != 5 * i;
  EXPECT_EQ(wrong, 0);
  OK(cudaDeviceSynchronize());
  EXPECT_EQ(*flag, 1);
  OK(cudaFreeHost(host));
}

}  // namespace
