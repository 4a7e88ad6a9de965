// Ends with status 0 if all __shared__ variables are what they say, and otherwise with the line of the first that is not.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#define EXPECT(condition) \
  if (!(condition)) std::exit(__LINE__ % 256)

template <typename T>
bool IsAligned(const T& x, size_t alignment) {
  return reinterpret_cast<uintptr_t>(&x) % alignment == 0;
}

template <typename T, typename U>
constexpr bool kIs = std::is_same_v<std::remove_reference_t<T>, U>;

struct Member {
  int everywhere;
  __device__ int Get() { return everywhere; }
};

extern __shared__ int everywhere[];
extern __shared__ int everywhere[];  // as from a header
namespace other {
extern __shared__ __align__(512) double reals[][4];
}

template <typename T>
__device__ T* Decayed(T* p) {
  return p;
}

__device__ int Hidden(int everywhere) { return everywhere + Member{4}.Get(); }

__global__ void OutsideFunctions() {
  int* p = everywhere;
  EXPECT(p == Decayed(everywhere) && p + 3 == &everywhere[3] && p + 1 == everywhere + 1);
  EXPECT(static_cast<void*>(p) == static_cast<void*>(&everywhere));
  *everywhere = 5;
  EXPECT(*reinterpret_cast<int*>(everywhere) == 5 && ::everywhere[0] == 5);
  float(*rows)[2] = reinterpret_cast<float(*)[2]>(everywhere);
  rows[1][1] = 2.0f;
  EXPECT(reinterpret_cast<float&>(everywhere[3]) == 2.0f);
  EXPECT(reinterpret_cast<double*>(p) == other::reals[0] && &other::reals[1][0] == reinterpret_cast<double*>(p) + 4);
  EXPECT(Hidden(1) == 5);
}

template <typename T, int kN>
struct Traits {
  using Row = T[kN];
};

template <typename T, int kN>
__global__ void Static() {
  __shared__ T a[2][kN], *b, (*c)[kN];
  EXPECT((kIs<decltype(a), T[2][kN]> && kIs<decltype(b), T*> && kIs<decltype(c), T(*)[kN]>));
  EXPECT(sizeof(a) == 2 * kN * sizeof(T) && sizeof a[0] / sizeof a[0][0] == kN);
  static __shared__ alignas(128) typename Traits<T, kN + (kN > 2)>::Row row;
  EXPECT(IsAligned(row, 128) && sizeof(row) == sizeof(T) * (kN + (kN > 2)));
  volatile __shared__ float v[32];
  EXPECT((kIs<decltype(v), volatile float[32]>));
  __shared__ __align__(16) struct {
    int x;
    float y;
  } pair, pairs[2];
  EXPECT(IsAligned(pair, 16) && sizeof pairs == 16 && sizeof pair == 8);
  __shared__ struct __align__(32) Wide { char c; } wide[2];
  EXPECT(sizeof wide == 64 && IsAligned(wide, 32));
  unsigned __shared__ count, big alignas(64)[2], attributed[3] __attribute__((aligned(256)));
  EXPECT(IsAligned(big, 64) && IsAligned(attributed, 256) && sizeof(attributed) == 12);
  __shared__ const char* text;
  [[maybe_unused]] __shared__ ::std::pair<int, std::pair<T, char>> nested[sizeof(std::pair<int, T>) > 4 ? 2 : 1];
  if (threadIdx.x == 0) {
    for (int i = 0; i < 2 * kN; ++i) a[i / kN][i % kN] = T(i);
    count = 0;
    text = "text";
    b = a[1];
    c = a;
    pair.y = 3;
    v[31] = 1;
    nested[1].second.first = T(4);
  }
  EXPECT(b[1] == T(kN + 1) && c[1][0] == T(kN) && pair.y == 3 && v[31] == 1 && std::strcmp(text, "text") == 0);
  count += 1;
  EXPECT(count == threadIdx.x + 1);
  for (int round = 0; round < 2; ++round) {
    __shared__ int count;  // another one
    if (round == 0) count = 11;
    EXPECT(count == 11);
  }
}

__global__ void Dynamic(int n) {
  extern __shared__ __align__(1024) unsigned char bytes[];
  extern __shared__ float rows[][32];
  if (n > 0) {
    extern __shared__ int everywhere[];  // hides the one outside
    everywhere[0] = 7;
    EXPECT(reinterpret_cast<int&>(bytes[0]) == 7);
  }
  rows[1][0] = 3.0f;
  EXPECT(reinterpret_cast<float*>(bytes)[32] == 3.0f && IsAligned(bytes, 1024));
}

int main() {
  OutsideFunctions<<<1, 1>>>();
  Static<int, 3><<<2, 2>>>();
  EXPECT(std::strcmp(fake::variables[0].name, "a") == 0 && fake::variables[0].bytes == 2 * 3 * sizeof(int));
  Static<double, 2><<<2, 4>>>();
  Dynamic<<<1, 1, 1024>>>(1);
  return 0;
}
