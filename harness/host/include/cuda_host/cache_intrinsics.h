// Loads and stores with a cache operator, for CUDA's scalars and vectors: here they are plain ones.
#ifndef CUDA_HOST_CACHE_INTRINSICS_H_
#define CUDA_HOST_CACHE_INTRINSICS_H_

#include "vector_types.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

#define CUDA_HOST_CACHED(type)                                        \
  inline type __ldg(const type* const p) { return *p; }               \
  inline type __ldca(const type* const p) { return *p; }              \
  inline type __ldcg(const type* const p) { return *p; }              \
  inline type __ldcs(const type* const p) { return *p; }              \
  inline type __ldcv(const type* const p) { return *p; }              \
  inline type __ldlu(const type* const p) { return *p; }              \
  inline void __stwb(type* const p, const type value) { *p = value; } \
  inline void __stcg(type* const p, const type value) { *p = value; } \
  inline void __stcs(type* const p, const type value) { *p = value; } \
  inline void __stwt(type* const p, const type value) { *p = value; }
CUDA_HOST_CACHED(char)
CUDA_HOST_CACHED(signed char)
CUDA_HOST_CACHED(short)
CUDA_HOST_CACHED(int)
CUDA_HOST_CACHED(long)
CUDA_HOST_CACHED(long long)
CUDA_HOST_CACHED(unsigned char)
CUDA_HOST_CACHED(unsigned short)
CUDA_HOST_CACHED(unsigned int)
CUDA_HOST_CACHED(unsigned long)
CUDA_HOST_CACHED(unsigned long long)
CUDA_HOST_CACHED(float)
CUDA_HOST_CACHED(double)
CUDA_HOST_CACHED(char2)
CUDA_HOST_CACHED(char4)
CUDA_HOST_CACHED(short2)
CUDA_HOST_CACHED(short4)
CUDA_HOST_CACHED(int2)
CUDA_HOST_CACHED(int4)
CUDA_HOST_CACHED(longlong2)
CUDA_HOST_CACHED(uchar2)
CUDA_HOST_CACHED(uchar4)
CUDA_HOST_CACHED(ushort2)
CUDA_HOST_CACHED(ushort4)
CUDA_HOST_CACHED(uint2)
CUDA_HOST_CACHED(uint4)
CUDA_HOST_CACHED(ulonglong2)
CUDA_HOST_CACHED(float2)
CUDA_HOST_CACHED(float4)
CUDA_HOST_CACHED(double2)
#undef CUDA_HOST_CACHED

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_HOST_CACHE_INTRINSICS_H_
