#include "harness/host/nccl/elements.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace cuda_host::nccl {
namespace {

// An element type: how it lies in memory, what it is reduced in, and the way there and back. `Exact` is what averages
// are summed in.
template <typename T>
struct Integer {
  using Stored = T;
  using Wide = std::make_unsigned_t<T>;  // wraps around
  using Exact = Wide;
  static Wide Load(T stored) { return static_cast<Wide>(stored); }
  static T Store(Wide value) { return static_cast<T>(value); }
  static bool Less(Wide a, Wide b) { return static_cast<T>(a) < static_cast<T>(b); }
  static Wide Divide(Wide sum, int ranks) {
    using Quotient = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
    return static_cast<Wide>(static_cast<T>(sum) / static_cast<Quotient>(ranks));
  }
};

template <typename T, typename ExactT>
struct Native {
  using Stored = T;
  using Wide = T;
  using Exact = ExactT;
  static T Load(T stored) { return stored; }
  static T Store(ExactT value) { return static_cast<T>(value); }
  static bool Less(T a, T b) { return a < b; }
  static ExactT Divide(ExactT sum, int ranks) { return sum / static_cast<ExactT>(ranks); }
};

template <typename T>
struct Small {
  using Stored = T;
  using Wide = float;
  using Exact = float;
  static float Load(T stored) { return static_cast<float>(stored); }
  static T Store(float value) { return T(value); }
  static bool Less(float a, float b) { return a < b; }
  static float Divide(float sum, int ranks) { return sum / static_cast<float>(ranks); }
};

template <typename E>
typename E::Stored Read(const void* data, size_t i) {
  typename E::Stored stored;  // the buffers may be aligned to less
  std::memcpy(&stored, static_cast<const unsigned char*>(data) + i * sizeof stored, sizeof stored);
  return stored;
}

template <typename E>
void Write(void* data, size_t i, typename E::Stored stored) {
  std::memcpy(static_cast<unsigned char*>(data) + i * sizeof stored, &stored, sizeof stored);
}

// The elements go in strips, so that each strip's accumulators stay in the cache while the ranks are gone through.
constexpr size_t kStrip = 512;

template <typename E, typename Wide, typename First, typename Next, typename Last>
void Fold(int ranks, const void* const* in, size_t count, void* out, First first, Next next, Last last) {
  Wide accumulator[kStrip];
  for (size_t begin = 0; begin < count; begin += kStrip) {
    const size_t n = std::min(kStrip, count - begin);
    for (size_t i = 0; i < n; ++i) accumulator[i] = first(E::Load(Read<E>(in[0], begin + i)));
    for (int rank = 1; rank < ranks; ++rank) {
      for (size_t i = 0; i < n; ++i) accumulator[i] = next(accumulator[i], E::Load(Read<E>(in[rank], begin + i)), rank);
    }
    for (size_t i = 0; i < n; ++i) Write<E>(out, begin + i, E::Store(last(accumulator[i])));
  }
}

template <typename E>
bool IsNan(typename E::Wide value) {
  return value != value;
}

template <typename E>
void ReduceAs(ReduceKind kind, int ranks, const void* const* in, const Scalar* scalars, size_t count, void* out) {
  using Wide = typename E::Wide;
  using Exact = typename E::Exact;
  const auto same = [](Wide value) { return value; };
  switch (kind) {
    case ReduceKind::kSum:
      return Fold<E, Wide>(
          ranks, in, count, out, same, [](Wide a, Wide b, int) { return static_cast<Wide>(a + b); }, same);
    case ReduceKind::kProd:
      // 1U: a product of small unsigned numbers is one of int, which may not overflow.
      return Fold<E, Wide>(
          ranks, in, count, out, same, [](Wide a, Wide b, int) { return static_cast<Wide>(1U * a * b); }, same);
    case ReduceKind::kMax:
      return Fold<E, Wide>(
          ranks, in, count, out, same, [](Wide a, Wide b, int) { return E::Less(a, b) || IsNan<E>(a) ? b : a; }, same);
    case ReduceKind::kMin:
      return Fold<E, Wide>(
          ranks, in, count, out, same, [](Wide a, Wide b, int) { return E::Less(b, a) || IsNan<E>(a) ? b : a; }, same);
    case ReduceKind::kAvg:
      return Fold<E, Exact>(
          ranks, in, count, out, [](Wide value) { return static_cast<Exact>(value); },
          [](Exact a, Wide b, int) { return static_cast<Exact>(a + static_cast<Exact>(b)); },
          [ranks](Exact sum) { return E::Divide(sum, ranks); });
    case ReduceKind::kPreMulSum: {
      const auto product = [scalars](Wide value, int rank) {
        return static_cast<Wide>(1U * E::Load(Read<E>(scalars[rank].bytes, 0)) * value);
      };
      return Fold<E, Wide>(
          ranks, in, count, out, [&product](Wide value) { return product(value, 0); },
          [&product](Wide a, Wide b, int rank) { return static_cast<Wide>(a + product(b, rank)); }, same);
    }
  }
}

}  // namespace

size_t TypeBytes(ncclDataType_t type) {
  switch (type) {
    case ncclInt8:
    case ncclUint8:
    case ncclFloat8e4m3:
    case ncclFloat8e5m2:
      return 1;
    case ncclFloat16:
    case ncclBfloat16:
      return 2;
    case ncclInt32:
    case ncclUint32:
    case ncclFloat32:
      return 4;
    case ncclInt64:
    case ncclUint64:
    case ncclFloat64:
      return 8;
    default:
      return 0;
  }
}

const char* TypeName(ncclDataType_t type) {
  constexpr const char* kNames[] = {"ncclInt8",    "ncclUint8",    "ncclInt32",      "ncclUint32",
                                    "ncclInt64",   "ncclUint64",   "ncclFloat16",    "ncclFloat32",
                                    "ncclFloat64", "ncclBfloat16", "ncclFloat8e4m3", "ncclFloat8e5m2"};
  return TypeBytes(type) == 0 ? "no data type" : kNames[type];
}

const char* ReduceName(ReduceKind kind) {
  constexpr const char* kNames[] = {"ncclSum", "ncclProd", "ncclMax", "ncclMin", "ncclAvg", "premultiplied sum"};
  return kNames[static_cast<uint32_t>(kind)];
}

void Reduce(ncclDataType_t type, ReduceKind kind, int ranks, const void* const* in, const Scalar* scalars, size_t count,
            void* out) {
  switch (type) {
    case ncclInt8:
      return ReduceAs<Integer<int8_t>>(kind, ranks, in, scalars, count, out);
    case ncclUint8:
      return ReduceAs<Integer<uint8_t>>(kind, ranks, in, scalars, count, out);
    case ncclInt32:
      return ReduceAs<Integer<int32_t>>(kind, ranks, in, scalars, count, out);
    case ncclUint32:
      return ReduceAs<Integer<uint32_t>>(kind, ranks, in, scalars, count, out);
    case ncclInt64:
      return ReduceAs<Integer<int64_t>>(kind, ranks, in, scalars, count, out);
    case ncclUint64:
      return ReduceAs<Integer<uint64_t>>(kind, ranks, in, scalars, count, out);
    case ncclFloat16:
      return ReduceAs<Small<__half>>(kind, ranks, in, scalars, count, out);
    case ncclFloat32:
      return ReduceAs<Native<float, double>>(kind, ranks, in, scalars, count, out);
    case ncclFloat64:
      return ReduceAs<Native<double, double>>(kind, ranks, in, scalars, count, out);
    case ncclBfloat16:
      return ReduceAs<Small<__nv_bfloat16>>(kind, ranks, in, scalars, count, out);
    case ncclFloat8e4m3:
      return ReduceAs<Small<__nv_fp8_e4m3>>(kind, ranks, in, scalars, count, out);
    case ncclFloat8e5m2:
      return ReduceAs<Small<__nv_fp8_e5m2>>(kind, ranks, in, scalars, count, out);
    default:
      return;
  }
}

}  // namespace cuda_host::nccl
