// Inputs as a function of (seed, rank, index), so that every rank and the judge make the same data without talking.
#ifndef GRADER_INPUTS_H_
#define GRADER_INPUTS_H_

#include <cstddef>
#include <cstdint>

#include "grader/elements.h"

namespace workbench {

enum class InputKind : int32_t {
  kSmallIntegers = 0,  // multiples of `scale` of magnitude <= 8 * scale: sums over 32 ranks stay exact in every type
  kRandom = 1,         // floating point: random signs and fractions over 12 binades; int32: all bits random
  kLarge = 2,      // floating point: positive, in the upper part of the range: two of them overflow; int32: as kRandom
  kSpecial = 3,    // as kRandom, with NaN, infinities, signed zeros and subnormals sprinkled in
  kSubnormal = 4,  // floating point: multiples of the smallest subnormal, exact to add; int32: as kRandom
};

// A well-mixed 64-bit hash (splitmix64's finalizer; Steele, Lea, Flood 2014).
uint64_t Mix(uint64_t value);

// Fills `count` elements for `rank`. scale: for kSmallIntegers, 1 .. 32 (with scale > 1 the magnitude is <= 4 * scale).
void FillInput(InputKind kind, ElementType type, uint64_t seed, int rank, int scale, size_t count, void* data);

// Overwrites memory with a pattern that reads as NaN in every floating type (0xffff...) and -1 as int32.
void Poison(void* data, size_t bytes);

}  // namespace workbench

#endif  // GRADER_INPUTS_H_
