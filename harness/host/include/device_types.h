// The rounding modes that CUDA's conversions to E8M0 take.
#ifndef DEVICE_TYPES_H_
#define DEVICE_TYPES_H_

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.
enum cudaRoundMode { cudaRoundNearest, cudaRoundZero, cudaRoundPosInf, cudaRoundMinInf };
// NOLINTEND(readability-identifier-naming)

#endif  // DEVICE_TYPES_H_
