// make_float4 and the rest of CUDA's make_ functions.
#ifndef VECTOR_FUNCTIONS_H_
#define VECTOR_FUNCTIONS_H_

#include "vector_types.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

#define CUDA_HOST_MAKE(name, scalar)                                                   \
  constexpr name##1 make_##name##1(scalar x) { return {x}; }                           \
  constexpr name##2 make_##name##2(scalar x, scalar y) { return {x, y}; }              \
  constexpr name##3 make_##name##3(scalar x, scalar y, scalar z) { return {x, y, z}; } \
  constexpr name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }
#define CUDA_HOST_MAKE_WIDE(name, scalar)                                                                   \
  CUDA_HOST_MAKE(name, scalar)                                                                              \
  constexpr name##4_16a make_##name##4_16a(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; } \
  constexpr name##4_32a make_##name##4_32a(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }

CUDA_HOST_MAKE(char, signed char)
CUDA_HOST_MAKE(uchar, unsigned char)
CUDA_HOST_MAKE(short, short)
CUDA_HOST_MAKE(ushort, unsigned short)
CUDA_HOST_MAKE(int, int)
CUDA_HOST_MAKE(uint, unsigned int)
CUDA_HOST_MAKE_WIDE(long, long)
CUDA_HOST_MAKE_WIDE(ulong, unsigned long)
CUDA_HOST_MAKE_WIDE(longlong, long long)
CUDA_HOST_MAKE_WIDE(ulonglong, unsigned long long)
CUDA_HOST_MAKE(float, float)
CUDA_HOST_MAKE_WIDE(double, double)

#undef CUDA_HOST_MAKE
#undef CUDA_HOST_MAKE_WIDE

// NOLINTEND(readability-identifier-naming)

#endif  // VECTOR_FUNCTIONS_H_
