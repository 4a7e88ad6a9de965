// For the tests: elements of every data type, to and from double, and what each operation makes of them.
#ifndef HARNESS_HOST_NCCL_TEST_ELEMENTS_H_
#define HARNESS_HOST_NCCL_TEST_ELEMENTS_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "nccl.h"

namespace cuda_host::nccl {

struct ElementType {
  ncclDataType_t type;
  const char* name;
  size_t bytes;
  int significant_bits;  // 0: integer
  bool is_signed;
};

inline constexpr ElementType kElementTypes[] = {
    {ncclInt8, "int8", 1, 0, true},          {ncclUint8, "uint8", 1, 0, false},
    {ncclInt32, "int32", 4, 0, true},        {ncclUint32, "uint32", 4, 0, false},
    {ncclInt64, "int64", 8, 0, true},        {ncclUint64, "uint64", 8, 0, false},
    {ncclFloat16, "fp16", 2, 11, true},      {ncclFloat32, "fp32", 4, 24, true},
    {ncclFloat64, "fp64", 8, 53, true},      {ncclBfloat16, "bf16", 2, 8, true},
    {ncclFloat8e4m3, "fp8e4m3", 1, 4, true}, {ncclFloat8e5m2, "fp8e5m2", 1, 3, true},
};

template <typename T>
void PutAs(T value, std::byte* at) {
  std::memcpy(at, &value, sizeof value);
}
template <typename T>
T GetAs(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// REQUIRES: `value` is a whole number for integers, and not negative for unsigned ones.
inline void Put(const ElementType& type, double value, std::byte* at) {
  switch (type.type) {
    case ncclFloat16:
      return PutAs(__float2half(static_cast<float>(value)), at);
    case ncclBfloat16:
      return PutAs(__float2bfloat16(static_cast<float>(value)), at);
    case ncclFloat8e4m3:
      return PutAs(__nv_fp8_e4m3(static_cast<float>(value)), at);
    case ncclFloat8e5m2:
      return PutAs(__nv_fp8_e5m2(static_cast<float>(value)), at);
    case ncclFloat32:
      return PutAs(static_cast<float>(value), at);
    case ncclFloat64:
      return PutAs(value, at);
    default: {
      const auto whole = static_cast<int64_t>(value);
      std::memcpy(at, &whole, type.bytes);  // the low bytes come first
    }
  }
}

inline double Get(const ElementType& type, const std::byte* at) {
  switch (type.type) {
    case ncclFloat16:
      return static_cast<double>(__half2float(GetAs<__half>(at)));
    case ncclBfloat16:
      return static_cast<double>(__bfloat162float(GetAs<__nv_bfloat16>(at)));
    case ncclFloat8e4m3:
      return static_cast<double>(static_cast<float>(GetAs<__nv_fp8_e4m3>(at)));
    case ncclFloat8e5m2:
      return static_cast<double>(static_cast<float>(GetAs<__nv_fp8_e5m2>(at)));
    case ncclFloat32:
      return static_cast<double>(GetAs<float>(at));
    case ncclFloat64:
      return GetAs<double>(at);
    case ncclInt8:
      return GetAs<int8_t>(at);
    case ncclUint8:
      return GetAs<uint8_t>(at);
    case ncclInt32:
      return GetAs<int32_t>(at);
    case ncclUint32:
      return GetAs<uint32_t>(at);
    case ncclInt64:
      return static_cast<double>(GetAs<int64_t>(at));
    case ncclUint64:
      return static_cast<double>(GetAs<uint64_t>(at));
    default:
      return NAN;
  }
}

// The number of a small whole value after wrapping around in an integer type.
inline double Wrap(const ElementType& type, double value) {
  if (type.significant_bits != 0) return value;
  std::byte bytes[8];
  const auto whole = static_cast<int64_t>(value);
  std::memcpy(bytes, &whole, sizeof whole);
  return Get(type, bytes);
}

// What a rank has at element i: small numbers that every type holds exactly, different for each rank and place.
inline double InputValue(const ElementType& type, ncclRedOp_t op, int rank, size_t i) {
  const auto mixed = static_cast<int>((i * 7 + i / 11 + static_cast<size_t>(rank) * 3) % 6);
  if (op == ncclProd) {
    if (type.significant_bits != 0) return (mixed % 2 == 0 ? 1.0 : -1.0) * (mixed < 3 ? 2.0 : 0.5);
    return mixed % 3 + 1;
  }
  return type.is_signed ? mixed - 2 : mixed;
}

// The reduction of `inputs` in double, and by how much a correct result may differ.
struct Expected {
  double value;
  double tolerance;
};
inline Expected Fold(const ElementType& type, ncclRedOp_t op, const std::vector<double>& inputs) {
  double value = inputs[0];
  double magnitude = std::fabs(inputs[0]);
  for (size_t rank = 1; rank < inputs.size(); ++rank) {
    magnitude += std::fabs(inputs[rank]);
    switch (op) {
      case ncclProd:
        value = Wrap(type, value * inputs[rank]);
        break;
      case ncclMax:
        value = std::fmax(value, inputs[rank]);
        break;
      case ncclMin:
        value = std::fmin(value, inputs[rank]);
        break;
      default:
        value = Wrap(type, value + inputs[rank]);
    }
  }
  const bool whole = type.significant_bits == 0;
  if (op == ncclAvg) {
    value /= static_cast<double>(inputs.size());
    if (whole) value = std::trunc(value);
  }
  if (whole) return {value, 0};
  // Half a unit in the last place, and what the sums before it may have lost in float or double.
  const double half_unit = std::ldexp(1.0, -type.significant_bits);
  const double sums = magnitude * std::ldexp(1.0, type.bytes == 8 ? -50 : -21);
  return {value, std::fabs(value) * half_unit + (op == ncclMax || op == ncclMin || op == ncclProd ? 0 : sums)};
}

}  // namespace cuda_host::nccl

#endif  // HARNESS_HOST_NCCL_TEST_ELEMENTS_H_
