// CUDA's vector types and dim3, with the sizes and alignments of CUDA 13 on 64-bit Linux: another alignment would
// change the layout of structures and which vector accesses are allowed.
#ifndef VECTOR_TYPES_H_
#define VECTOR_TYPES_H_

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's.

// NAME1 to NAME4 of one scalar; the 1- and 3-vectors are aligned like the scalar.
#define CUDA_HOST_VECTORS_1_TO_3(name, scalar) \
  struct name##1 {                             \
    scalar x;                                  \
  };                                           \
  struct alignas(2 * sizeof(scalar)) name##2 { \
    scalar x, y;                               \
  };                                           \
  struct name##3 {                             \
    scalar x, y, z;                            \
  }
#define CUDA_HOST_VECTOR_4(name, scalar, alignment) \
  struct alignas(alignment) name {                  \
    scalar x, y, z, w;                              \
  }

CUDA_HOST_VECTORS_1_TO_3(char, signed char);
CUDA_HOST_VECTORS_1_TO_3(uchar, unsigned char);
CUDA_HOST_VECTORS_1_TO_3(short, short);
CUDA_HOST_VECTORS_1_TO_3(ushort, unsigned short);
CUDA_HOST_VECTORS_1_TO_3(int, int);
CUDA_HOST_VECTORS_1_TO_3(uint, unsigned int);
CUDA_HOST_VECTORS_1_TO_3(long, long);
CUDA_HOST_VECTORS_1_TO_3(ulong, unsigned long);
CUDA_HOST_VECTORS_1_TO_3(longlong, long long);
CUDA_HOST_VECTORS_1_TO_3(ulonglong, unsigned long long);
CUDA_HOST_VECTORS_1_TO_3(float, float);
CUDA_HOST_VECTORS_1_TO_3(double, double);

CUDA_HOST_VECTOR_4(char4, signed char, 4);
CUDA_HOST_VECTOR_4(uchar4, unsigned char, 4);
CUDA_HOST_VECTOR_4(short4, short, 8);
CUDA_HOST_VECTOR_4(ushort4, unsigned short, 8);
CUDA_HOST_VECTOR_4(int4, int, 16);
CUDA_HOST_VECTOR_4(uint4, unsigned int, 16);
CUDA_HOST_VECTOR_4(float4, float, 16);

// A 4-vector of 8-byte scalars is 16-byte aligned under its old name; CUDA 13 has two more, which say it.
#define CUDA_HOST_WIDE_VECTORS_4(name, scalar)   \
  CUDA_HOST_VECTOR_4(name##4, scalar, 16);       \
  CUDA_HOST_VECTOR_4(name##4##_16a, scalar, 16); \
  CUDA_HOST_VECTOR_4(name##4##_32a, scalar, 32)

CUDA_HOST_WIDE_VECTORS_4(long, long);
CUDA_HOST_WIDE_VECTORS_4(ulong, unsigned long);
CUDA_HOST_WIDE_VECTORS_4(longlong, long long);
CUDA_HOST_WIDE_VECTORS_4(ulonglong, unsigned long long);
CUDA_HOST_WIDE_VECTORS_4(double, double);

#undef CUDA_HOST_VECTORS_1_TO_3
#undef CUDA_HOST_VECTOR_4
#undef CUDA_HOST_WIDE_VECTORS_4

struct dim3 {
  unsigned int x, y, z;
  constexpr dim3(unsigned int vx = 1, unsigned int vy = 1, unsigned int vz = 1) : x(vx), y(vy), z(vz) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return uint3{x, y, z}; }
};

// NOLINTEND(readability-identifier-naming)

#endif  // VECTOR_TYPES_H_
