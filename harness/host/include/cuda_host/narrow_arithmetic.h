// What the functions on half and bfloat16 need of each of them.
#ifndef CUDA_HOST_NARROW_ARITHMETIC_H_
#define CUDA_HOST_NARROW_ARITHMETIC_H_

#include "cuda_host/narrow.h"

namespace cuda_host {

// Of T: Format, Wide(T), FromCode(code), From(float or double) to nearest even.
template <typename T>
struct Narrowing;

// Clamped to [0, 1]; NaN and -0 give +0.
template <typename T>
constexpr T NarrowSaturate(T x) {
  const float wide = Narrowing<T>::Wide(x);
  if (!(wide > 0)) return Narrowing<T>::FromCode(0);
  return wide > 1 ? Narrowing<T>::FromCode(Narrowing<T>::Format::kOne) : x;
}

}  // namespace cuda_host

#endif  // CUDA_HOST_NARROW_ARITHMETIC_H_
