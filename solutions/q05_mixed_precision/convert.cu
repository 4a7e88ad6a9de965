// Q5 part A: conversions between fp32 and fp16, bf16, E4M3, E5M2. The contract is in device_api.h.
//
// Rounding in integers and the kernel around it: kernels/cast. This is the way there from the enums.
#include <cstddef>
#include <cstdint>

#include "kernels/cast/cast.cuh"
#include "questions/q05_mixed_precision/device_api.h"

namespace q05 {
namespace {

// function(F{}) for the format F of 16 or 8 bits; false if `format` is none of them.
template <typename Function>
cudaError_t WithSmallFloat(Format format, const Function& function) {
  switch (format) {
    case Format::kFloat16:
      return function(kernels::Float16{});
    case Format::kBFloat16:
      return function(kernels::BFloat16{});
    case Format::kE4M3:
      return function(kernels::E4M3{});
    case Format::kE5M2:
      return function(kernels::E5M2{});
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace

extern "C" cudaError_t q05_convert(const void* in, Format from, void* out, Format to, size_t count, Rounding rounding,
                                   Overflow overflow, uint64_t seed, cudaStream_t stream) {
  if (to == Format::kFloat32) {
    return WithSmallFloat(from, [&](auto format) {
      using F = decltype(format);
      return kernels::DecodeArray<F>(static_cast<const typename F::Code*>(in), static_cast<float*>(out), count, stream);
    });
  }
  if (from != Format::kFloat32) return cudaErrorInvalidValue;
  if (overflow != Overflow::kInfinity && overflow != Overflow::kSaturate) return cudaErrorInvalidValue;
  const bool saturate = overflow == Overflow::kSaturate;
  const auto* values = static_cast<const float*>(in);
  if (rounding == Rounding::kStochastic) {
    if (to != Format::kBFloat16) return cudaErrorInvalidValue;
    return kernels::EncodeArrayStochastically(values, static_cast<uint16_t*>(out), count, saturate, seed, stream);
  }
  if (rounding != Rounding::kNearestEven) return cudaErrorInvalidValue;
  return WithSmallFloat(to, [&](auto format) {
    using F = decltype(format);
    return kernels::EncodeArray<F>(values, static_cast<typename F::Code*>(out), count, saturate, stream);
  });
}

}  // namespace q05
