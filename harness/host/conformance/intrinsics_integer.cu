// Integer intrinsics, against plain 64- and 128-bit arithmetic.
#include <algorithm>
#include <climits>
#include <cstring>

#include "harness/host/conformance/conformance.h"

namespace {

using Ull = unsigned long long;

// Edge values first, then arbitrary ones.
Ull Sample(size_t i) {
  const Ull edges[] = {
      0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, ~0ull};
  if (i < 100) return edges[i % 10] | (i >= 50 ? Ull(i) : 0);
  return Mix(i) >> Mix(i + 1000000) % 64;
}

constexpr size_t kSamples = 2048;

template <typename Out, typename Function>
__global__ void Apply(const Ull* a, const Ull* b, const Ull* c, Out* out, Function function) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  out[i] = function(a[i], b[i], c[i]);
}

// A function object that runs on the device, against one on the host, for kSamples triples.
template <typename Out, typename DeviceFunction, typename HostFunction>
void Check(const char* name, DeviceFunction function, HostFunction expected) {
  const auto a = Make<Ull>(kSamples, Sample);
  const auto b = Make<Ull>(kSamples, [](size_t i) { return Sample(i < 100 ? i / 10 : i * 7 + 3); });
  const auto c = Make<Ull>(kSamples, [](size_t i) { return Mix(i + 77) >> Mix(i) % 64; });
  Device<Ull> da(a), db(b), dc(c);
  Device<Out> out(kSamples);
  Apply<<<kSamples / 128, 128>>>(da.data(), db.data(), dc.data(), out.data(), function);
  OK(cudaGetLastError());
  const auto result = out.Get();
  for (size_t i = 0; i < kSamples; ++i) {
    const Out want = expected(a[i], b[i], c[i]);
    if (std::memcmp(&result[i], &want, sizeof(Out)) == 0) continue;
    conformance::Fail(__FILE__, __LINE__,
                      std::string(name) + "(" + std::to_string(a[i]) + ", " + std::to_string(b[i]) + ", " +
                          std::to_string(c[i]) + "): expected " + conformance::Show(want) + ", is " +
                          conformance::Show(result[i]));
    return;
  }
}

// A device function as an object: DEVICE(Name, type, expression of a, b, c).
#define DEVICE(Name, Out, ...)                                                                                \
  struct Name {                                                                                               \
    __device__ Out operator()([[maybe_unused]] Ull a, [[maybe_unused]] Ull b, [[maybe_unused]] Ull c) const { \
      return __VA_ARGS__;                                                                                     \
    }                                                                                                         \
  }
#define HOST(...) [](Ull a, [[maybe_unused]] Ull b, [[maybe_unused]] Ull c) { return __VA_ARGS__; }

DEVICE(Popc, int, __popc(unsigned(a)));
DEVICE(Popcll, int, __popcll(a));
DEVICE(Clz, int, __clz(int(a)));
DEVICE(Clzll, int, __clzll((long long)(a)));
DEVICE(Ffs, int, __ffs(int(a)));
DEVICE(Ffsll, int, __ffsll((long long)(a)));
DEVICE(Brev, unsigned, __brev(unsigned(a)));
DEVICE(Brevll, Ull, __brevll(a));

int Leading(Ull a, int bits) {
  int n = 0;
  while (n < bits && (a >> (bits - 1 - n) & 1) == 0) ++n;
  return n;
}
int FirstSet(Ull a) {
  for (int i = 0; i < 64; ++i) {
    if ((a >> i & 1) != 0) return i + 1;
  }
  return 0;
}
Ull Reversed(Ull a, int bits) {
  Ull result = 0;
  for (int i = 0; i < bits; ++i) result |= (a >> i & 1) << (bits - 1 - i);
  return result;
}
int Ones(Ull a) {
  int n = 0;
  for (; a != 0; a &= a - 1) ++n;
  return n;
}

CONFORMANCE_CASE(intrinsics, bits, "__popc, __clz, __ffs, __brev and their 64-bit forms") {
  Check<int>("__popc", Popc(), HOST(Ones(unsigned(a))));
  Check<int>("__popcll", Popcll(), HOST(Ones(a)));
  Check<int>("__clz", Clz(), HOST(Leading(unsigned(a), 32)));
  Check<int>("__clzll", Clzll(), HOST(Leading(a, 64)));
  Check<int>("__ffs", Ffs(), HOST(FirstSet(unsigned(a))));
  Check<int>("__ffsll", Ffsll(), HOST(FirstSet(a)));
  Check<unsigned>("__brev", Brev(), HOST(unsigned(Reversed(unsigned(a), 32))));
  Check<Ull>("__brevll", Brevll(), HOST(Reversed(a, 64)));
}

DEVICE(FunnelL, unsigned, __funnelshift_l(unsigned(a), unsigned(b), unsigned(c)));
DEVICE(FunnelR, unsigned, __funnelshift_r(unsigned(a), unsigned(b), unsigned(c)));
DEVICE(FunnelLc, unsigned, __funnelshift_lc(unsigned(a), unsigned(b), unsigned(c)));
DEVICE(FunnelRc, unsigned, __funnelshift_rc(unsigned(a), unsigned(b), unsigned(c)));

Ull Joined(Ull low, Ull high) { return high << 32 | (low & 0xffffffffu); }

CONFORMANCE_CASE(intrinsics, funnel_shift, "__funnelshift_l, _r (shift modulo 32), _lc, _rc (at most 32)") {
  Check<unsigned>("l", FunnelL(), HOST(unsigned(Joined(a, b) << (c & 31) >> 32)));
  Check<unsigned>("r", FunnelR(), HOST(unsigned(Joined(a, b) >> (c & 31))));
  Check<unsigned>("lc", FunnelLc(), HOST(unsigned(Joined(a, b) << std::min(unsigned(c), 32u) >> 32)));
  Check<unsigned>("rc", FunnelRc(), HOST(unsigned(Joined(a, b) >> std::min(unsigned(c), 32u))));
}

DEVICE(BytePerm, unsigned, __byte_perm(unsigned(a), unsigned(b), unsigned(c) & 0x7777u));

CONFORMANCE_CASE(intrinsics, byte_perm, "__byte_perm picks four of eight bytes") {
  Check<unsigned>("__byte_perm", BytePerm(), HOST([=] {
                    unsigned result = 0;
                    for (int i = 0; i < 4; ++i) result |= unsigned(Joined(a, b) >> 8 * (c >> 4 * i & 7) & 255) << 8 * i;
                    return result;
                  }()));
}

DEVICE(Mulhi, int, __mulhi(int(a), int(b)));
DEVICE(Umulhi, unsigned, __umulhi(unsigned(a), unsigned(b)));
DEVICE(Mul64hi, long long, __mul64hi((long long)(a), (long long)(b)));
DEVICE(Umul64hi, Ull, __umul64hi(a, b));
DEVICE(Mul24, int, __mul24(int(a), int(b)));
DEVICE(Umul24, unsigned, __umul24(unsigned(a), unsigned(b)));

int Low24(Ull a) { return int(unsigned(a) << 8) >> 8; }

CONFORMANCE_CASE(intrinsics, high_products, "__mulhi, __umulhi, __mul64hi, __umul64hi, __mul24, __umul24") {
  Check<int>("__mulhi", Mulhi(), HOST(int((long long)(int(a)) * int(b) >> 32)));
  Check<unsigned>("__umulhi", Umulhi(), HOST(unsigned(Ull(unsigned(a)) * unsigned(b) >> 32)));
  Check<long long>("__mul64hi", Mul64hi(), HOST((long long)(__int128((long long)(a)) * (long long)(b) >> 64)));
  Check<Ull>("__umul64hi", Umul64hi(), HOST(Ull((unsigned __int128)(a)*b >> 64)));
  Check<int>("__mul24", Mul24(), HOST(int((long long)(Low24(a)) * Low24(b))));
  Check<unsigned>("__umul24", Umul24(), HOST(unsigned((a & 0xffffff) * (b & 0xffffff))));
}

DEVICE(Sad, unsigned, __sad(int(a), int(b), unsigned(c)));
DEVICE(Usad, unsigned, __usad(unsigned(a), unsigned(b), unsigned(c)));
DEVICE(Hadd, int, __hadd(int(a), int(b)));
DEVICE(Rhadd, int, __rhadd(int(a), int(b)));
DEVICE(Uhadd, unsigned, __uhadd(unsigned(a), unsigned(b)));
DEVICE(Urhadd, unsigned, __urhadd(unsigned(a), unsigned(b)));

CONFORMANCE_CASE(intrinsics, averages,
                 "__sad, __usad, __hadd, __rhadd, __uhadd, __urhadd without overflow in between") {
  Check<unsigned>("__sad", Sad(), HOST(unsigned(std::abs((long long)(int(a)) - int(b))) + unsigned(c)));
  Check<unsigned>("__usad", Usad(),
                  HOST(unsigned(std::abs((long long)(unsigned(a)) - (long long)(unsigned(b)))) + unsigned(c)));
  Check<int>("__hadd", Hadd(), HOST(int(((long long)(int(a)) + int(b)) >> 1)));
  Check<int>("__rhadd", Rhadd(), HOST(int(((long long)(int(a)) + int(b) + 1) >> 1)));
  Check<unsigned>("__uhadd", Uhadd(), HOST(unsigned((Ull(unsigned(a)) + unsigned(b)) >> 1)));
  Check<unsigned>("__urhadd", Urhadd(), HOST(unsigned((Ull(unsigned(a)) + unsigned(b) + 1) >> 1)));
}

DEVICE(Dp4a, int, __dp4a(int(a), int(b), int(c)));
DEVICE(Dp4aU, unsigned, __dp4a(unsigned(a), unsigned(b), unsigned(c)));
DEVICE(Dp2aLo, int, __dp2a_lo(int(a), int(b), int(c)));
DEVICE(Dp2aHi, int, __dp2a_hi(int(a), int(b), int(c)));

int SignedByte(Ull a, int i) { return static_cast<signed char>(a >> 8 * i); }
int UnsignedByte(Ull a, int i) { return int(a >> 8 * i & 255); }
int SignedShort(Ull a, int i) { return static_cast<short>(a >> 16 * i); }

CONFORMANCE_CASE(intrinsics, dot_products, "__dp4a signed and unsigned, __dp2a_lo and __dp2a_hi") {
  Check<int>("__dp4a", Dp4a(), HOST([=] {
               unsigned sum = unsigned(c);
               for (int i = 0; i < 4; ++i) sum += unsigned(SignedByte(a, i) * SignedByte(b, i));
               return int(sum);
             }()));
  Check<unsigned>("__dp4a unsigned", Dp4aU(), HOST([=] {
                    unsigned sum = unsigned(c);
                    for (int i = 0; i < 4; ++i) sum += unsigned(UnsignedByte(a, i) * UnsignedByte(b, i));
                    return sum;
                  }()));
  Check<int>("__dp2a_lo", Dp2aLo(),
             HOST(int(unsigned(SignedShort(a, 0) * SignedByte(b, 0)) + unsigned(SignedShort(a, 1) * SignedByte(b, 1)) +
                      unsigned(c))));
  Check<int>("__dp2a_hi", Dp2aHi(),
             HOST(int(unsigned(SignedShort(a, 0) * SignedByte(b, 2)) + unsigned(SignedShort(a, 1) * SignedByte(b, 3)) +
                      unsigned(c))));
}

DEVICE(MinInt, int, min(int(a), int(b)));
DEVICE(MaxUnsigned, unsigned, max(unsigned(a), unsigned(b)));
DEVICE(MinMixed, unsigned, min(int(a), unsigned(b)));  // both as unsigned
DEVICE(MaxLong, long long, max((long long)(a), (long long)(b)));
DEVICE(MinUll, Ull, min(a, b));
DEVICE(Clamp, int, max(-1000, min(int(a), 1000)));
DEVICE(Absolute, int, abs(int(a | 1) == INT_MIN + 1 ? 5 : int(a | 1)));

CONFORMANCE_CASE(intrinsics, min_max_integers, "min and max of signed, unsigned, 64-bit and mixed operands; abs") {
  Check<int>("min int", MinInt(), HOST(std::min(int(a), int(b))));
  Check<unsigned>("max unsigned", MaxUnsigned(), HOST(std::max(unsigned(a), unsigned(b))));
  Check<unsigned>("min mixed", MinMixed(), HOST(std::min(unsigned(a), unsigned(b))));
  Check<long long>("max long long", MaxLong(), HOST(std::max((long long)(a), (long long)(b))));
  Check<Ull>("min unsigned long long", MinUll(), HOST(std::min(a, b)));
  Check<int>("clamp", Clamp(), HOST(std::clamp(int(a), -1000, 1000)));
  Check<int>("abs", Absolute(), HOST(int(a | 1) == INT_MIN + 1 ? 5 : std::abs(int(a | 1))));
}

DEVICE(FloatBits, unsigned, __float_as_uint(__uint_as_float(unsigned(a) & 0x7f7fffffu)));
DEVICE(DoubleHalves, double, __hiloint2double(int(a & 0x7fefffffu), int(b)));
DEVICE(HighInt, int, __double2hiint(__longlong_as_double((long long)(a & 0x7fefffffffffffffull))));
DEVICE(LowInt, int, __double2loint(__longlong_as_double((long long)(a & 0x7fefffffffffffffull))));

double FromBits(Ull bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

CONFORMANCE_CASE(intrinsics, bit_casts,
                 "__float_as_uint, __uint_as_float, __hiloint2double, __double2hiint, __double2loint") {
  Check<unsigned>("float bits", FloatBits(), HOST(unsigned(a) & 0x7f7fffffu));
  Check<double>("__hiloint2double", DoubleHalves(), HOST(FromBits((a & 0x7fefffffu) << 32 | unsigned(b))));
  Check<int>("__double2hiint", HighInt(), HOST(int((a & 0x7fefffffffffffffull) >> 32)));
  Check<int>("__double2loint", LowInt(), HOST(int(a)));
}

DEVICE(Shifts, unsigned, (unsigned(a) << (c & 31)) ^ (unsigned(b) >> (c & 31)) ^ unsigned(int(b) >> (c & 31)));
// The divisors are odd, and not -1.
DEVICE(Division, unsigned,
       unsigned(a % (b | 1)) + unsigned(int(a) / ((int(b) & 0x7fffffff) | 1)) + unsigned(a) % (unsigned(c) | 1));

CONFORMANCE_CASE(intrinsics, plain_arithmetic, "shifts, divisions and remainders as in C++") {
  Check<unsigned>("shifts", Shifts(),
                  HOST((unsigned(a) << (c & 31)) ^ (unsigned(b) >> (c & 31)) ^ unsigned(int(b) >> (c & 31))));
  Check<unsigned>(
      "division", Division(),
      HOST(unsigned(a % (b | 1)) + unsigned(int(a) / ((int(b) & 0x7fffffff) | 1)) + unsigned(a) % (unsigned(c) | 1)));
}

__global__ void ReadOnly(const int* __restrict__ in, const float4* __restrict__ vectors, float* out) {
  const int i = threadIdx.x;
  const float4 v = __ldg(&vectors[i]);
  out[i] = float(__ldg(&in[i])) + v.x + v.y * v.z - v.w;
}

CONFORMANCE_CASE(intrinsics, ldg, "__ldg of int and float4") {
  Device<int> in(Make<int>(64, [](size_t i) { return int(i) * 2; }));
  Device<float4> vectors(Make<float4>(64, [](size_t i) { return make_float4(float(i), 2, 3, 4); }));
  Device<float> out(64);
  ReadOnly<<<1, 64>>>(in.data(), vectors.data(), out.data());
  EXPECT_EACH(out.Get(), i, float(3 * i) + 2);
}

}  // namespace
