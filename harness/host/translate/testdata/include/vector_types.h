// A stand-in for the tests: what launch.h needs.
#ifndef TESTDATA_VECTOR_TYPES_H_
#define TESTDATA_VECTOR_TYPES_H_

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

#endif  // TESTDATA_VECTOR_TYPES_H_
