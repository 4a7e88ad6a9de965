// Lanes of a warp that go different ways.
#include "harness/host/conformance/conformance.h"

namespace {

__global__ void FourGroups(int* out) {
  const unsigned lane = threadIdx.x % 32, group = lane / 8;
  const unsigned mask = 0xffu << (8 * group);
  int value = int(lane);
  // Group g goes round 3 g + 1 times: its lanes meet at other shuffles than those of the rest.
  for (unsigned round = 0; round <= 3 * group; ++round) {
    value += __shfl_sync(mask, value, int(lane + 1) % 8, 8);
    if (round % 2 == 0) value ^= int(__ballot_sync(mask, value & 1));
  }
  out[threadIdx.x] = value;
}

CONFORMANCE_CASE(divergence, disjoint_masks,
                 "four groups of lanes shuffle and vote at once, each a different number of times") {
  Device<int> out(64);
  FourGroups<<<1, 64>>>(out.data());
  int value[32];
  for (int lane = 0; lane < 32; ++lane) value[lane] = lane;
  for (int group = 0; group < 4; ++group) {
    int* v = value + 8 * group;
    for (int round = 0; round <= 3 * group; ++round) {
      int old[8];
      for (int i = 0; i < 8; ++i) old[i] = v[i];
      for (int i = 0; i < 8; ++i) v[i] += old[(i + 1) % 8];
      if (round % 2 != 0) continue;
      unsigned ballot = 0;
      for (int i = 0; i < 8; ++i) ballot |= unsigned(v[i] & 1) << (8 * group + i);
      for (int i = 0; i < 8; ++i) v[i] ^= int(ballot);
    }
  }
  EXPECT_EACH(out.Get(), i, value[i % 32]);
}

__global__ void SwitchArms(unsigned* out) {
  const unsigned lane = threadIdx.x;
  unsigned sum = 0;
  switch (lane % 4) {
    case 0:
      sum = __reduce_add_sync(0x11111111u, lane);
      break;
    case 1:
      sum = __reduce_max_sync(0x22222222u, lane);
      break;
    case 2:
      sum = __shfl_sync(0x44444444u, lane, 2);
      break;
    default:
      sum = __ballot_sync(0x88888888u, lane > 16);
      break;
  }
  __syncwarp();
  out[lane] = __shfl_xor_sync(0xffffffffu, sum, 1);
}

CONFORMANCE_CASE(divergence, switch_arms,
                 "a different warp function in each arm of a switch, then all lanes together") {
  Device<unsigned> out(32);
  SwitchArms<<<1, 32>>>(out.data());
  const unsigned results[] = {112, 29, 2, 0x88880000u};
  EXPECT_EACH(out.Get(), i, results[(i ^ 1) % 4]);
}

__global__ void TripCounts(int* out) {
  const int lane = threadIdx.x;
  int n = lane * 7 % 32, steps = 0;
  while (n != 1 && n != 0) {
    n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    ++steps;
  }
  __syncwarp();
  out[lane] = __shfl_down_sync(0xffffffffu, steps, 1);
}

CONFORMANCE_CASE(divergence, trip_counts,
                 "a loop that each lane leaves after another number of rounds, then a shuffle") {
  Device<int> out(32);
  TripCounts<<<1, 32>>>(out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    int n = int(i == 31 ? 31 : i + 1) * 7 % 32, steps = 0;
    for (; n > 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
  }());
}

__global__ void LanesLock(int* total, int* lock) {
  for (bool done = false; !done;) {
    if (atomicCAS(lock, 0, 1) == 0) {
      __threadfence();
      const int old = *static_cast<volatile int*>(total);
      *static_cast<volatile int*>(total) = old + int(threadIdx.x) + 1;
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}

CONFORMANCE_CASE(divergence, lock_between_lanes, "a spin lock that the lanes of a warp take one after the other") {
  Device<int> total(std::vector<int>(1, 0)), lock(std::vector<int>(1, 0));
  LanesLock<<<3, 64>>>(total.data(), lock.data());
  EXPECT_EQ(total.Get()[0], 3 * 64 * 65 / 2);
}

__global__ void LanesHandOver(int* out) {
  __shared__ volatile int turn;
  __shared__ volatile int value;
  const int lane = threadIdx.x;
  if (lane == 0) turn = 31, value = 1;
  __syncwarp();
  // Lane 31 goes first, lane 0 last: each waits for the one above it, in the same warp.
  while (turn != lane) {
  }
  __threadfence_block();
  const int mine = value;
  value = mine * 3 + lane;
  out[lane] = mine;
  __threadfence_block();
  turn = lane - 1;
}

CONFORMANCE_CASE(divergence, spin_within_warp,
                 "lanes that spin until another lane of their warp writes: each makes progress") {
  Device<int> out(32);
  LanesHandOver<<<1, 32>>>(out.data());
  std::vector<int> expected(32);
  unsigned value = 1;
  for (int lane = 31; lane >= 0; --lane) {
    expected[lane] = int(value);
    value = value * 3 + lane;
  }
  EXPECT_EACH(out.Get(), i, expected[i]);
}

__device__ unsigned Halves(unsigned mask, unsigned lane, unsigned first, unsigned count) {
  if (count == 1) return __ballot_sync(mask, 1) + lane;
  const unsigned half = count / 2;
  const unsigned low = ((half == 32 ? 0u : 1u << half) - 1u) << first;
  return lane < first + half ? Halves(low, lane, first, half) : Halves(mask & ~low, lane, first + half, half);
}

__global__ void NestedHalves(unsigned* out) {
  const unsigned lane = threadIdx.x;
  const unsigned own = Halves(0xffffffffu, lane, 0, 32);
  __syncwarp();
  out[lane] = own ^ __ballot_sync(0xffffffffu, (own & 1) != 0);
}

CONFORMANCE_CASE(divergence, nested, "branches in branches down to single lanes, by recursion") {
  Device<unsigned> out(32);
  NestedHalves<<<1, 32>>>(out.data());
  unsigned ballot = 0;
  for (unsigned lane = 0; lane < 32; ++lane) ballot |= (((1u << lane) + lane) & 1u) << lane;
  EXPECT_EACH(out.Get(), i, ((1u << i) + unsigned(i)) ^ ballot);
}

__global__ void ByKey(const int* keys, int* sums, int* leaders) {
  const unsigned lane = threadIdx.x;
  const unsigned peers = __match_any_sync(0xffffffffu, keys[lane]);
  const int leader = __ffs(int(peers)) - 1;
  // Each group of lanes with one key works by itself.
  int sum = __reduce_add_sync(peers, int(lane) + 1);
  if (keys[lane] % 2 == 0) sum += __shfl_sync(peers, 1000 * int(lane), leader);
  sums[lane] = sum;
  leaders[lane] = leader;
}

CONFORMANCE_CASE(divergence, groups_by_key, "groups found by __match_any_sync, a mask for each") {
  const auto keys = Make<int>(32, [](size_t i) { return int(Mix(i) % 6); });
  Device<int> in(keys), sums(32), leaders(32);
  ByKey<<<1, 32>>>(in.data(), sums.data(), leaders.data());
  const auto first = [&](size_t i) {
    int lane = 0;
    while (keys[lane] != keys[i]) ++lane;
    return lane;
  };
  EXPECT_EACH(leaders.Get(), i, first(i));
  EXPECT_EACH(sums.Get(), i, [&] {
    int sum = keys[i] % 2 == 0 ? 1000 * first(i) : 0;
    for (int lane = 0; lane < 32; ++lane) sum += keys[lane] == keys[i] ? lane + 1 : 0;
    return sum;
  }());
}

__global__ void WarpsApart(int* out) {
  __shared__ int values[8];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  // Warp w does w rounds of its own before it joins the barrier.
  int value = lane;
  for (int round = 0; round < warp; ++round) value = __shfl_xor_sync(0xffffffffu, value, 1 << (round % 5)) + 1;
  if (lane == 7) values[warp] = value;
  __syncthreads();
  out[threadIdx.x] = values[7 - warp];
}

CONFORMANCE_CASE(divergence, warps_apart, "warps that do different amounts of work before a barrier") {
  Device<int> out(256);
  WarpsApart<<<1, 256>>>(out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    const int warp = 7 - int(i) / 32;
    int source = 7;
    for (int round = 0; round < warp; ++round) source ^= 1 << (round % 5);
    return source + warp;
  }());
}

}  // namespace
