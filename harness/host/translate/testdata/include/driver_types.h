// A stand-in for the tests: what launch.h needs.
#ifndef TESTDATA_DRIVER_TYPES_H_
#define TESTDATA_DRIVER_TYPES_H_

#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))

enum cudaError_t { cudaSuccess, cudaErrorInvalidConfiguration };
using cudaStream_t = struct CUstream_st*;

#endif  // TESTDATA_DRIVER_TYPES_H_
