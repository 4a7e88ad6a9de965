// CUDA's half precision: __half, __half2 and their functions. Its atomics and shuffles come with cuda_runtime.h.
#ifndef CUDA_FP16_H_
#define CUDA_FP16_H_

#include "cuda_host/narrow_arithmetic.h"
#include "vector_functions.h"
#include "vector_types.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

#define __CUDA_FP16_TYPES_EXIST__

#ifdef __CUDA_NO_HALF_CONVERSIONS__
#define CUDA_HOST_CONVERSIONS 0
#else
#define CUDA_HOST_CONVERSIONS 1
#endif
#ifdef __CUDA_NO_HALF_OPERATORS__
#define CUDA_HOST_OPERATORS 0
#else
#define CUDA_HOST_OPERATORS 1
#endif
#ifdef __CUDA_NO_HALF2_OPERATORS__
#define CUDA_HOST_OPERATORS2 0
#else
#define CUDA_HOST_OPERATORS2 1
#endif
#define CUDA_HOST_T __half
#define CUDA_HOST_T2 __half2
#define CUDA_HOST_RAW __half_raw
#define CUDA_HOST_RAW2 __half2_raw
#define CUDA_HOST_OTHER __nv_bfloat16
#define CUDA_HOST_FORMAT ::cuda_host::HalfFormat
#define CUDA_HOST_NAME(a, b) a##half##b
#define CUDA_HOST_NAME2(a, b) a##half2half##b

struct __nv_bfloat16;

#include "cuda_host/narrow_type.inc"

#define CUDART_INF_FP16 __ushort_as_half(static_cast<unsigned short>(0x7c00))
#define CUDART_NAN_FP16 __ushort_as_half(static_cast<unsigned short>(0x7fff))
#define CUDART_MIN_DENORM_FP16 __ushort_as_half(static_cast<unsigned short>(0x0001))
#define CUDART_MAX_NORMAL_FP16 __ushort_as_half(static_cast<unsigned short>(0x7bff))
#define CUDART_NEG_ZERO_FP16 __ushort_as_half(static_cast<unsigned short>(0x8000))
#define CUDART_ZERO_FP16 __ushort_as_half(static_cast<unsigned short>(0x0000))
#define CUDART_ONE_FP16 __ushort_as_half(static_cast<unsigned short>(0x3c00))

#ifndef CUDA_NO_HALF
typedef __half half;
typedef __half2 half2;
typedef __half __nv_half;
typedef __half2 __nv_half2;
typedef __half_raw __nv_half_raw;
typedef __half2_raw __nv_half2_raw;
typedef __half nv_half;
typedef __half2 nv_half2;
#endif

// NOLINTEND(readability-identifier-naming)

#endif  // CUDA_FP16_H_
