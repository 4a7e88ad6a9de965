// CUDA's bfloat16: __nv_bfloat16, __nv_bfloat162 and their functions. Its atomics and shuffles come with
// cuda_runtime.h.
#ifndef CUDA_BF16_H_
#define CUDA_BF16_H_

#include "cuda_fp16.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

#define __CUDA_BF16_TYPES_EXIST__

#ifdef __CUDA_NO_BFLOAT16_CONVERSIONS__
#define CUDA_HOST_CONVERSIONS 0
#else
#define CUDA_HOST_CONVERSIONS 1
#endif
#ifdef __CUDA_NO_BFLOAT16_OPERATORS__
#define CUDA_HOST_OPERATORS 0
#else
#define CUDA_HOST_OPERATORS 1
#endif
#ifdef __CUDA_NO_BFLOAT162_OPERATORS__
#define CUDA_HOST_OPERATORS2 0
#else
#define CUDA_HOST_OPERATORS2 1
#endif
#define CUDA_HOST_T __nv_bfloat16
#define CUDA_HOST_T2 __nv_bfloat162
#define CUDA_HOST_RAW __nv_bfloat16_raw
#define CUDA_HOST_RAW2 __nv_bfloat162_raw
#define CUDA_HOST_OTHER __half
#define CUDA_HOST_FORMAT ::cuda_host::Bfloat16Format
#define CUDA_HOST_NAME(a, b) a##bfloat16##b
#define CUDA_HOST_NAME2(a, b) a##bfloat162bfloat16##b

#include "cuda_host/narrow_type.inc"

#ifndef __CUDA_NO_HALF_CONVERSIONS__
inline __half::__half(const __nv_bfloat16 f) : __half(::cuda_host::Wide(f)) {}
#endif
#ifndef __CUDA_NO_BFLOAT16_CONVERSIONS__
inline __nv_bfloat16::__nv_bfloat16(const __half f) : __nv_bfloat16(::cuda_host::Wide(f)) {}
#endif

#define CUDART_INF_BF16 __ushort_as_bfloat16(static_cast<unsigned short>(0x7f80))
#define CUDART_NAN_BF16 __ushort_as_bfloat16(static_cast<unsigned short>(0x7fff))
#define CUDART_MIN_DENORM_BF16 __ushort_as_bfloat16(static_cast<unsigned short>(0x0001))
#define CUDART_MAX_NORMAL_BF16 __ushort_as_bfloat16(static_cast<unsigned short>(0x7f7f))
#define CUDART_NEG_ZERO_BF16 __ushort_as_bfloat16(static_cast<unsigned short>(0x8000))
#define CUDART_ZERO_BF16 __ushort_as_bfloat16(static_cast<unsigned short>(0x0000))
#define CUDART_ONE_BF16 __ushort_as_bfloat16(static_cast<unsigned short>(0x3f80))

typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_BF16_H_
