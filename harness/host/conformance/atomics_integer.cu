// Atomics on integers: every operation and type, in global and shared memory, with what they return.
#include <algorithm>
#include <climits>

#include "harness/host/conformance/conformance.h"

namespace {

constexpr int kThreads = 2000;

// kOp on one word by all threads, in global memory and in each block's shared memory.
enum Op { kAdd, kSub, kMin, kMax, kAnd, kOr, kXor };

template <typename T>
__host__ __device__ T Operand(Op op, int i) {
  const unsigned long long mix = Mix(i);
  if (op == kAnd) return T(~(1ull << mix % (8 * sizeof(T))));
  if (op == kOr) return T(1ull << mix % (8 * sizeof(T)) & 0x5555555555555555ull);
  return T(mix);
}

template <Op kOp, typename T>
__device__ T Apply(T* word, T value) {
  if constexpr (kOp == kAdd) return atomicAdd(word, value);
  if constexpr (kOp == kSub) return atomicSub(word, value);
  if constexpr (kOp == kMin) return atomicMin(word, value);
  if constexpr (kOp == kMax) return atomicMax(word, value);
  if constexpr (kOp == kAnd) return atomicAnd(word, value);
  if constexpr (kOp == kOr) return atomicOr(word, value);
  if constexpr (kOp == kXor) return atomicXor(word, value);
}

template <Op kOp, typename T>
T OnHost(T word, T value) {
  using U = std::make_unsigned_t<T>;
  switch (kOp) {
    case kAdd:
      return T(U(word) + U(value));
    case kSub:
      return T(U(word) - U(value));
    case kMin:
      return std::min(word, value);
    case kMax:
      return std::max(word, value);
    case kAnd:
      return T(word & value);
    case kOr:
      return T(word | value);
    case kXor:
      return T(word ^ value);
  }
  return word;
}

template <Op kOp, typename T>
__global__ void Combine(T start, T* global, T* blocks, int n) {
  __shared__ T shared;
  if (threadIdx.x == 0) shared = start;
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    Apply<kOp>(global, Operand<T>(kOp, i));
    Apply<kOp>(&shared, Operand<T>(kOp, i));
  }
  __syncthreads();
  if (threadIdx.x == 0) blocks[blockIdx.x] = shared;
}

template <Op kOp, typename T>
void CheckCombine() {
  const T start = kOp == kAnd ? T(~0ull) : kOp == kOr ? T(0) : T(Mix(12345));
  const int blocks = (kThreads + 127) / 128;
  Device<T> global(std::vector<T>(1, start)), shared(blocks);
  Combine<kOp, T><<<blocks, 128>>>(start, global.data(), shared.data(), kThreads);
  T all = start;
  std::vector<T> each(blocks, start);
  for (int i = 0; i < kThreads; ++i) {
    all = OnHost<kOp, T>(all, Operand<T>(kOp, i));
    each[i / 128] = OnHost<kOp, T>(each[i / 128], Operand<T>(kOp, i));
  }
  EXPECT_EQ(global.Get()[0], all);
  EXPECT_EACH(shared.Get(), b, each[b]);
}

using Ull = unsigned long long;

CONFORMANCE_CASE(atomics, add_integers, "atomicAdd of int, unsigned, unsigned long long; sums wrap") {
  CheckCombine<kAdd, int>();
  CheckCombine<kAdd, unsigned>();
  CheckCombine<kAdd, Ull>();
}
CONFORMANCE_CASE(atomics, sub_integers, "atomicSub of int and unsigned") {
  CheckCombine<kSub, int>();
  CheckCombine<kSub, unsigned>();
}
CONFORMANCE_CASE(atomics, min_max_integers, "atomicMin and atomicMax of int, unsigned, long long, unsigned long long") {
  CheckCombine<kMin, int>();
  CheckCombine<kMin, unsigned>();
  CheckCombine<kMin, long long>();
  CheckCombine<kMin, Ull>();
  CheckCombine<kMax, int>();
  CheckCombine<kMax, unsigned>();
  CheckCombine<kMax, long long>();
  CheckCombine<kMax, Ull>();
}
CONFORMANCE_CASE(atomics, bitwise, "atomicAnd, atomicOr, atomicXor of int, unsigned, unsigned long long") {
  CheckCombine<kAnd, int>();
  CheckCombine<kAnd, unsigned>();
  CheckCombine<kAnd, Ull>();
  CheckCombine<kOr, int>();
  CheckCombine<kOr, unsigned>();
  CheckCombine<kOr, Ull>();
  CheckCombine<kXor, int>();
  CheckCombine<kXor, unsigned>();
  CheckCombine<kXor, Ull>();
}

template <typename T>
__global__ void Tickets(T* counter, T* out) {
  out[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(counter, T(1));
}

CONFORMANCE_CASE(atomics, old_values, "what atomicAdd returns: every ticket once") {
  Device<int> counter(std::vector<int>(1, -500)), out(1500);
  Tickets<<<15, 100>>>(counter.data(), out.data());
  auto tickets = out.Get();
  std::sort(tickets.begin(), tickets.end());
  EXPECT_EACH(tickets, i, int(i) - 500);
  Device<Ull> wide(std::vector<Ull>(1, 0xfffffff0ull)), wide_out(64);
  Tickets<<<2, 32>>>(wide.data(), wide_out.data());
  auto wide_tickets = wide_out.Get();
  std::sort(wide_tickets.begin(), wide_tickets.end());
  EXPECT_EACH(wide_tickets, i, 0xfffffff0ull + i);
}

template <typename T>
__global__ void Exchange(T* word, T* out) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = atomicExch(word, T(i + 1));
}

template <typename T>
void CheckExchange() {
  Device<T> word(std::vector<T>(1, T(0))), out(640);
  Exchange<<<10, 64>>>(word.data(), out.data());
  auto seen = out.Get();
  seen.push_back(word.Get()[0]);  // each value is seen once, by its successor or in the end
  std::sort(seen.begin(), seen.end());
  EXPECT_EACH(seen, i, T(i));
}

CONFORMANCE_CASE(atomics, exchange, "atomicExch of int, unsigned, unsigned long long, float: no value is lost") {
  CheckExchange<int>();
  CheckExchange<unsigned>();
  CheckExchange<Ull>();
  CheckExchange<float>();
}

__global__ void WrapUp(unsigned* word, unsigned limit, int* counts) {
  __shared__ unsigned own;
  if (threadIdx.x == 0) own = 0;
  __syncthreads();
  const unsigned old = atomicInc(word, limit);
  if (old <= limit) atomicAdd(&counts[old], 1);
  atomicInc(&own, limit);
  __syncthreads();
  if (threadIdx.x == 0) counts[limit + 1 + blockIdx.x] = int(own);
}

CONFORMANCE_CASE(atomics, inc_wraps, "atomicInc counts to its limit and starts again at 0") {
  Device<unsigned> word(std::vector<unsigned>(1, 0));
  Device<int> counts(std::vector<int>(7 + 5, 0));
  WrapUp<<<5, 100>>>(word.data(), 6, counts.data());  // 500 = 71 * 7 + 3
  EXPECT_EQ(word.Get()[0], 3u);
  EXPECT_EACH(counts.Get(), i, i < 7 ? 71 + int(i < 3) : 2);
  Device<unsigned> beyond(std::vector<unsigned>(1, 100));  // above the limit: back to 0
  Device<int> none(std::vector<int>(12, 0));
  WrapUp<<<1, 1>>>(beyond.data(), 6, none.data());
  EXPECT_EQ(beyond.Get()[0], 0u);
}

__global__ void WrapDown(unsigned* word, unsigned limit, int* counts) {
  const unsigned old = atomicDec(word, limit);
  if (old <= limit) atomicAdd(&counts[old], 1);
}

CONFORMANCE_CASE(atomics, dec_wraps, "atomicDec counts down, from 0 and from above its limit to the limit") {
  Device<unsigned> word(std::vector<unsigned>(1, 4));
  Device<int> counts(std::vector<int>(10, 0));
  WrapDown<<<5, 100>>>(word.data(), 9, counts.data());
  EXPECT_EQ(word.Get()[0], 4u);
  EXPECT_EACH(counts.Get(), i, 50);
  Device<unsigned> beyond(std::vector<unsigned>(1, 10));
  WrapDown<<<1, 1>>>(beyond.data(), 9, counts.data());
  EXPECT_EQ(beyond.Get()[0], 9u);
}

template <typename T>
__global__ void CasLoop(T* word, int* successes) {
  T expected = *static_cast<volatile T*>(word);
  for (;;) {
    const T seen = atomicCAS(word, expected, T(expected * 3 + 1));
    if (seen == expected) break;
    expected = seen;
  }
  atomicAdd(successes, 1);
}

template <typename T>
void CheckCas() {
  Device<T> word(std::vector<T>(1, T(1)));
  Device<int> successes(std::vector<int>(1, 0));
  CasLoop<<<6, 70>>>(word.data(), successes.data());
  T expected = 1;
  for (int i = 0; i < 420; ++i) expected = T(expected * 3 + 1);
  EXPECT_EQ(word.Get()[0], expected);
  EXPECT_EQ(successes.Get()[0], 420);
}

CONFORMANCE_CASE(atomics, compare_and_swap, "atomicCAS loops on unsigned, unsigned long long and unsigned short") {
  CheckCas<unsigned>();
  CheckCas<Ull>();
  CheckCas<unsigned short>();
}

__global__ void CasOnce(int* words, int* old) {
  old[0] = atomicCAS(&words[0], 5, 6);
  old[1] = atomicCAS(&words[1], 5, 6);
  old[2] = atomicMin(&words[2], INT_MIN);
  old[3] = atomicMax(&words[3], INT_MIN);
  old[4] = atomicSub(&words[4], -1);
}

CONFORMANCE_CASE(atomics, returns, "each returns the old value, whether or not it wrote") {
  Device<int> words(std::vector<int>{5, 7, 9, 11, INT_MAX}), old(5);
  CasOnce<<<1, 1>>>(words.data(), old.data());
  const int before[] = {5, 7, 9, 11, INT_MAX}, after[] = {6, 7, INT_MIN, 11, INT_MIN};
  EXPECT_EACH(old.Get(), i, before[i]);
  EXPECT_EACH(words.Get(), i, after[i]);
}

__global__ void Scoped(int* global, Ull* wide, int* blocks) {
  __shared__ int own[4];
  if (threadIdx.x < 4) own[threadIdx.x] = 0;
  __syncthreads();
  atomicAdd_block(&own[0], 1);
  atomicMax_block(&own[1], int(threadIdx.x));
  atomicOr_block(&own[2], 1 << threadIdx.x % 20);
  atomicExch_block(&own[3], 77);
  atomicAdd_system(&global[0], 2);
  atomicMin_system(&global[1], -int(threadIdx.x));
  atomicXor_system(&global[2], int(threadIdx.x) << blockIdx.x);
  atomicAdd_system(wide, 1ull << 33);
  atomicAdd_block(&blocks[4 * blockIdx.x + 3], 5);
  while (true) {  // each thread turns the word once
    const int old = *static_cast<volatile int*>(&global[3]);
    if (atomicCAS_system(&global[3], old, old + 1) == old) break;
  }
  __syncthreads();
  if (threadIdx.x < 3) blocks[4 * blockIdx.x + threadIdx.x] = own[threadIdx.x];
  if (threadIdx.x == 3) atomicAdd(&blocks[4 * blockIdx.x + 3], own[3]);
}

CONFORMANCE_CASE(atomics, scopes, "_block and _system variants") {
  Device<int> global(std::vector<int>(4, 0)), blocks(std::vector<int>(12, 0));
  Device<Ull> wide(std::vector<Ull>(1, 0));
  Scoped<<<3, 64>>>(global.data(), wide.data(), blocks.data());
  const auto result = global.Get();
  EXPECT_EQ(result[0], 384);
  EXPECT_EQ(result[1], -63);
  EXPECT_EQ(result[2], 0);
  EXPECT_EQ(result[3], 192);
  EXPECT_EQ(wide.Get()[0], 192ull << 33);
  const int expected[] = {64, 63, 0xfffff, 5 * 64 + 77};
  EXPECT_EACH(blocks.Get(), i, expected[i % 4]);
}

struct Node {
  int value;
  int next;
};

__global__ void Push(Node* nodes, int* head) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  nodes[i].value = i * 3;
  __threadfence();
  nodes[i].next = atomicExch(head, i);
}

CONFORMANCE_CASE(atomics, linked_list, "a linked list that all threads push to") {
  Device<Node> nodes(900);
  Device<int> head(std::vector<int>(1, -1));
  Push<<<9, 100>>>(nodes.data(), head.data());
  const auto list = nodes.Get();
  std::vector<int> seen(900, 0);
  int length = 0;
  for (int at = head.Get()[0]; at >= 0 && at < 900 && length <= 900; at = list[at].next, ++length) {
    ++seen[at];
    if (list[at].value != 3 * at) EXPECT_EQ(list[at].value, 3 * at);
  }
  EXPECT_EACH(seen, i, 1);
}

}  // namespace
