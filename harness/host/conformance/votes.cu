// Votes, matches, and reductions over a warp.
#include "harness/host/conformance/conformance.h"

namespace {

__global__ void Votes(unsigned pattern, unsigned* out) {
  const unsigned lane = threadIdx.x % 32;
  const int predicate = (pattern >> lane & 1) != 0 ? 256 : 0;  // any nonzero value counts
  out[threadIdx.x] = __ballot_sync(0xffffffffu, predicate);
  out[64 + threadIdx.x] = __all_sync(0xffffffffu, predicate) != 0;
  out[128 + threadIdx.x] = __any_sync(0xffffffffu, predicate) != 0;
}

CONFORMANCE_CASE(votes, full_mask, "__ballot_sync, __all_sync, __any_sync over whole warps") {
  for (unsigned pattern : {0u, 1u, 0x80000000u, 0x12345678u, 0x7fffffffu, 0xffffffffu}) {
    Device<unsigned> out(192);
    Votes<<<1, 64>>>(pattern, out.data());
    EXPECT_EACH(out.Get(), i, i < 64 ? pattern : i < 128 ? unsigned(pattern == 0xffffffffu) : unsigned(pattern != 0));
  }
}

__global__ void PartialVotes(unsigned* out) {
  const unsigned lane = threadIdx.x;
  const unsigned low = 0x0000ffffu, high = 0xffff0000u;
  unsigned ballot, all, any;
  if (lane < 16) {
    ballot = __ballot_sync(low, lane % 3 == 0);
    all = __all_sync(low, lane < 16) != 0;
    any = __any_sync(low, lane >= 16) != 0;
  } else {
    ballot = __ballot_sync(high, lane % 3 == 0);
    all = __all_sync(high, lane < 31) != 0;
    any = __any_sync(high, lane == 31) != 0;
  }
  out[lane] = ballot;
  out[32 + lane] = all;
  out[64 + lane] = any;
}

CONFORMANCE_CASE(votes, partial_masks, "votes among the lanes of a mask: no other lane counts") {
  Device<unsigned> out(96);
  PartialVotes<<<1, 32>>>(out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    const bool low = i % 32 < 16;
    if (i < 32) return low ? 0x9249u : 0x49240000u;
    if (i < 64) return low ? 1u : 0u;
    return low ? 0u : 1u;
  }());
}

__global__ void VotesAfterExit(unsigned* out) {
  const unsigned lane = threadIdx.x;
  if (lane % 5 == 0) return;
  out[lane] = __ballot_sync(0xffffffffu, 1);
  out[32 + lane] = __all_sync(0xffffffffu, lane % 5 != 0) != 0;
  out[64 + lane] = __any_sync(0xffffffffu, lane % 5 == 0) != 0;
}

CONFORMANCE_CASE(votes, exited_lanes, "lanes that have returned have no vote") {
  Device<unsigned> out(96);
  VotesAfterExit<<<1, 32>>>(out.data());
  unsigned alive = 0;
  for (int lane = 0; lane < 32; ++lane) alive |= unsigned(lane % 5 != 0) << lane;
  EXPECT_EACH(out.Get(), i, i % 32 % 5 == 0 ? 0xcdcdcdcdu : i < 32 ? alive : i < 64 ? 1u : 0u);
}

__global__ void ShortWarpVotes(unsigned* out) {
  const unsigned mask = threadIdx.x < 32 ? 0xffffffffu : 0x1fffu;
  out[threadIdx.x] = __ballot_sync(mask, threadIdx.x % 2 == 0);
  out[45 + threadIdx.x] = __all_sync(mask, 1) != 0;
}

CONFORMANCE_CASE(votes, short_last_warp, "a last warp of 13 threads") {
  Device<unsigned> out(90);
  ShortWarpVotes<<<1, 45>>>(out.data());
  EXPECT_EACH(out.Get(), i, i < 32 ? 0x55555555u : i < 45 ? 0x1555u : 1u);
}

__global__ void ActiveMask(unsigned* out) {
  const unsigned lane = threadIdx.x;
  unsigned active = 0;
  if (lane % 3 == 1) active = __activemask();
  out[lane] = active;
}

CONFORMANCE_CASE(votes, activemask, "__activemask names the caller and no lane that did not take the branch") {
  Device<unsigned> out(32);
  ActiveMask<<<1, 32>>>(out.data());
  unsigned taken = 0;
  for (int lane = 0; lane < 32; ++lane) taken |= unsigned(lane % 3 == 1) << lane;
  const auto active = out.Get();
  for (int lane = 0; lane < 32; ++lane) {
    if (lane % 3 != 1) EXPECT_EQ(active[lane], 0u);
    if (lane % 3 == 1) EXPECT((active[lane] >> lane & 1) != 0);
    EXPECT_EQ(active[lane] & ~taken, 0u);
  }
}

template <typename T>
__global__ void MatchAny(const T* values, unsigned* out) {
  out[threadIdx.x] = __match_any_sync(0xffffffffu, values[threadIdx.x]);
}

template <typename T>
void CheckMatchAny() {
  // Values that differ in the highest bits only, too.
  const auto values = Make<T>(64, [](size_t i) {
    const T few = T(Mix(i) % 5);
    return std::is_integral_v<T> && sizeof(T) == 8 ? T(few * T(0x100000000u)) : few;
  });
  Device<T> in(values);
  Device<unsigned> out(64);
  MatchAny<<<1, 64>>>(in.data(), out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    unsigned mask = 0;
    for (size_t lane = 0; lane < 32; ++lane) mask |= unsigned(values[i / 32 * 32 + lane] == values[i]) << lane;
    return mask;
  }());
}

CONFORMANCE_CASE(votes, match_any, "__match_any_sync of 32- and 64-bit integers, float and double") {
  CheckMatchAny<int>();
  CheckMatchAny<unsigned>();
  CheckMatchAny<long long>();
  CheckMatchAny<unsigned long long>();
  CheckMatchAny<float>();
  CheckMatchAny<double>();
}

__global__ void MatchAll(const int* values, unsigned* masks, int* predicates) {
  const unsigned warp = threadIdx.x / 32;
  const unsigned mask = warp == 2 ? 0x0000ff0fu : 0xffffffffu;
  int predicate = -1;
  if ((mask >> threadIdx.x % 32 & 1) != 0) masks[threadIdx.x] = __match_all_sync(mask, values[threadIdx.x], &predicate);
  predicates[threadIdx.x] = predicate == -1 ? -1 : predicate != 0;
}

CONFORMANCE_CASE(votes, match_all, "__match_all_sync: the mask and a true predicate if all agree, else 0") {
  // Warp 0 agrees, one lane of warp 1 does not, and in warp 2 the lanes of the mask agree.
  const auto values = Make<int>(96, [](size_t i) {
    if (i < 32) return 9;
    if (i < 64) return i == 50 ? 8 : 9;
    return (0xff0fu >> (i - 64) & 1) != 0 ? -1 : int(i);
  });
  Device<int> in(values), predicates(96);
  Device<unsigned> masks(96);
  MatchAll<<<1, 96>>>(in.data(), masks.data(), predicates.data());
  EXPECT_EACH(masks.Get(), i, i < 32 ? 0xffffffffu : i < 64 ? 0u : values[i] == -1 ? 0xff0fu : 0xcdcdcdcdu);
  EXPECT_EACH(predicates.Get(), i, i < 32 ? 1 : i < 64 ? 0 : values[i] == -1 ? 1 : -1);
}

__global__ void MatchPartial(unsigned* out) {
  const unsigned lane = threadIdx.x;
  if (lane % 2 == 0) {
    out[lane] = __match_any_sync(0x55555555u, lane / 8);
  } else {
    out[lane] = __match_any_sync(0xaaaaaaaau, 1u);
  }
}

CONFORMANCE_CASE(votes, match_any_partial,
                 "__match_any_sync with disjoint masks: equal values elsewhere do not count") {
  Device<unsigned> out(32);
  MatchPartial<<<1, 32>>>(out.data());
  EXPECT_EACH(out.Get(), i, i % 2 == 0 ? 0x55u << (i / 8 * 8) : 0xaaaaaaaau);
}

template <typename T>
__global__ void Reduce(const T* values, unsigned mask, T* out) {
  const unsigned i = threadIdx.x;
  if ((mask >> i % 32 & 1) == 0) return;
  out[i] = __reduce_add_sync(mask, values[i]);
  out[64 + i] = __reduce_min_sync(mask, values[i]);
  out[128 + i] = __reduce_max_sync(mask, values[i]);
}

template <typename T>
void CheckReduce(unsigned mask) {
  const auto values = Make<T>(64, [](size_t i) { return T(Mix(i)); });  // sums wrap
  Device<T> in(values), out(192);
  Reduce<<<1, 64>>>(in.data(), mask, out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    if ((mask >> i % 32 & 1) == 0) return T(0xcdcdcdcdu);
    unsigned sum = 0;
    T least = values[i % 64], most = least;
    for (size_t lane = 0; lane < 32; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      const T value = values[i % 64 / 32 * 32 + lane];
      sum += unsigned(value);
      least = value < least ? value : least;
      most = value > most ? value : most;
    }
    return i < 64 ? T(sum) : i < 128 ? least : most;
  }());
}

CONFORMANCE_CASE(votes, reduce_arithmetic,
                 "__reduce_add_sync, _min, _max of int and unsigned, with full and partial masks") {
  for (unsigned mask : {0xffffffffu, 0x00010000u, 0x0f0f1234u}) {
    CheckReduce<int>(mask);
    CheckReduce<unsigned>(mask);
  }
}

__global__ void ReduceBits(const unsigned* values, unsigned* out) {
  const unsigned i = threadIdx.x, mask = 0x7fffffffu;
  if (i == 31) return;
  out[i] = __reduce_and_sync(mask, values[i]);
  out[32 + i] = __reduce_or_sync(mask, values[i]);
  out[64 + i] = __reduce_xor_sync(mask, values[i]);
}

CONFORMANCE_CASE(votes, reduce_bits, "__reduce_and_sync, _or, _xor") {
  const auto values =
      Make<unsigned>(32, [](size_t i) { return i == 31 ? 0xf0000000u : (unsigned(Mix(i)) & 0xfffffffu) | 0x10u; });
  Device<unsigned> in(values), out(96);
  ReduceBits<<<1, 32>>>(in.data(), out.data());
  unsigned all_and = ~0u, all_or = 0, all_xor = 0;
  for (int i = 0; i < 31; ++i) all_and &= values[i], all_or |= values[i], all_xor ^= values[i];
  EXPECT_EACH(out.Get(), i, i % 32 == 31 ? 0xcdcdcdcdu : i < 32 ? all_and : i < 64 ? all_or : all_xor);
}

}  // namespace
