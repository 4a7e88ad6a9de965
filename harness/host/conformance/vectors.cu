// The vector types: sizes, alignments, wide accesses.
#include <cstddef>

#include "harness/host/conformance/conformance.h"

namespace {

struct Layout {
  unsigned size, alignment;
};

__global__ void Layouts(Layout* out) {
  int i = 0;
#define LAYOUT(type) out[i++] = {unsigned(sizeof(type)), unsigned(alignof(type))}
  LAYOUT(char1), LAYOUT(char2), LAYOUT(char3), LAYOUT(char4);
  LAYOUT(uchar2), LAYOUT(uchar3), LAYOUT(uchar4);
  LAYOUT(short1), LAYOUT(short2), LAYOUT(short3), LAYOUT(short4), LAYOUT(ushort4);
  LAYOUT(int1), LAYOUT(int2), LAYOUT(int3), LAYOUT(int4), LAYOUT(uint2), LAYOUT(uint3), LAYOUT(uint4);
  LAYOUT(longlong1), LAYOUT(longlong2), LAYOUT(ulonglong2), LAYOUT(longlong3);
  LAYOUT(float1), LAYOUT(float2), LAYOUT(float3), LAYOUT(float4);
  LAYOUT(double1), LAYOUT(double2), LAYOUT(double3), LAYOUT(dim3);
#undef LAYOUT
}

CONFORMANCE_CASE(vectors, layouts, "sizes and alignments of char1 to double3 and dim3") {
  const std::vector<Layout> expected = {{1, 1}, {2, 2},  {3, 1},   {4, 4}, {2, 2},   {3, 1},   {4, 4},  {2, 2},
                                        {4, 4}, {6, 2},  {8, 8},   {8, 8}, {4, 4},   {8, 8},   {12, 4}, {16, 16},
                                        {8, 8}, {12, 4}, {16, 16}, {8, 8}, {16, 16}, {16, 16}, {24, 8}, {4, 4},
                                        {8, 8}, {12, 4}, {16, 16}, {8, 8}, {16, 16}, {24, 8},  {12, 4}};
  Device<Layout> out(expected.size());
  Layouts<<<1, 1>>>(out.data());
  const auto layouts = out.Get();
  for (size_t i = 0; i < expected.size(); ++i) {
    if (layouts[i].size == expected[i].size && layouts[i].alignment == expected[i].alignment) continue;
    conformance::Fail(__FILE__, __LINE__,
                      "type " + std::to_string(i) + ": size " + std::to_string(layouts[i].size) + ", alignment " +
                          std::to_string(layouts[i].alignment));
  }
}

__global__ void WideCopy(const float4* in, float4* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    float4 v = in[i];
    v.x += v.w;
    out[n - 1 - i] = v;
  }
}

CONFORMANCE_CASE(vectors, wide_accesses, "an array of float read and written as float4") {
  Device<float> in(Make<float>(400, [](size_t i) { return float(i); })), out(400);
  WideCopy<<<2, 64>>>(reinterpret_cast<const float4*>(in.data()), reinterpret_cast<float4*>(out.data()), 100);
  EXPECT_EACH(out.Get(), i, [&] {
    const int from = (99 - int(i / 4)) * 4 + int(i % 4);
    return i % 4 == 0 ? float(from + from + 3) : float(from);
  }());
}

__global__ void Makers(double* out) {
  const char3 c = make_char3(-1, 2, 3);
  const uchar4 u = make_uchar4(250, 1, 2, 3);
  const short2 s = make_short2(-300, 7);
  const int4 i = make_int4(1, -2, 3, -4);
  const uint3 w = make_uint3(1, 2, 4000000000u);
  const longlong2 l = make_longlong2(-(1ll << 40), 5);
  const float3 f = make_float3(0.5f, 0.25f, 0.125f);
  const double2 d = make_double2(1e100, -1);
  const double values[] = {double(c.x + c.y + c.z),       double(u.x + u.w), double(s.x * s.y),
                           double(i.x + i.y * i.z * i.w), double(w.z),       double(l.x + l.y),
                           double(f.x + f.y + f.z),       d.x * d.y};
  out[threadIdx.x] = values[threadIdx.x];
}

CONFORMANCE_CASE(vectors, makers, "make_char3 to make_double2 and their members") {
  Device<double> out(8);
  Makers<<<1, 8>>>(out.data());
  const double expected[] = {4, 253, -2100, 25, 4000000000.0, -1099511627771.0, 0.875, -1e100};
  EXPECT_EACH(out.Get(), i, expected[i]);
}

__device__ float3 operator+(float3 a, float3 b) { return make_float3(a.x + b.x, a.y + b.y, a.z + b.z); }
__device__ float Dot(float3 a, float3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

__global__ void Operators(const float3* in, float* out) {
  const int i = threadIdx.x;
  const float3 sum = in[i] + in[i + 1];
  out[i] = Dot(sum, sum);
}

CONFORMANCE_CASE(vectors, user_operators, "operators that the user defines on float3") {
  Device<float3> in(Make<float3>(33, [](size_t i) { return make_float3(float(i), float(i) + 1, 2); }));
  Device<float> out(32);
  Operators<<<1, 32>>>(in.data(), out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    const float x = float(2 * i + 1), y = float(2 * i + 3);
    return x * x + y * y + 16.0f;
  }());
}

struct alignas(16) Particle {
  float position[3];
  int id;
  double mass;
};

__global__ void Records(Particle* particles, size_t* layout) {
  Particle p = particles[threadIdx.x];
  p.position[p.id % 3] += 1;
  p.mass *= 2;
  particles[threadIdx.x] = p;
  if (threadIdx.x == 0)
    layout[0] = sizeof(Particle), layout[1] = offsetof(Particle, mass), layout[2] = alignof(Particle);
}

CONFORMANCE_CASE(vectors, records, "a struct with alignas is laid out as on the host") {
  const auto in = Make<Particle>(50, [](size_t i) { return Particle{{float(i), 1, 2}, int(i), double(i) / 4}; });
  Device<Particle> particles(in);
  Device<size_t> layout(3);
  Records<<<1, 50>>>(particles.data(), layout.data());
  const size_t expected[] = {sizeof(Particle), offsetof(Particle, mass), alignof(Particle)};
  EXPECT_EACH(layout.Get(), i, expected[i]);
  const auto out = particles.Get();
  int wrong = 0;
  for (int i = 0; i < 50; ++i) {
    wrong += out[i].position[i % 3] != in[i].position[i % 3] + 1 || out[i].mass != in[i].mass * 2 || out[i].id != i;
  }
  EXPECT_EQ(wrong, 0);
}

__global__ void SharedVectors(int4* out) {
  __shared__ int4 tile[64];
  const int i = threadIdx.x;
  tile[i] = make_int4(i, i + 1, i + 2, i + 3);
  __syncthreads();
  const int* flat = reinterpret_cast<const int*>(tile);
  out[i] = make_int4(flat[i], flat[64 + i], flat[128 + i], flat[192 + i]);
}

CONFORMANCE_CASE(vectors, shared_vectors, "int4 in shared memory, read as int") {
  Device<int4> out(64);
  SharedVectors<<<1, 64>>>(out.data());
  const auto result = out.Get();
  const auto flat = [](int k) { return k / 4 + k % 4; };
  int wrong = 0;
  for (int i = 0; i < 64; ++i) {
    wrong += result[i].x != flat(i) || result[i].y != flat(64 + i) || result[i].z != flat(128 + i) ||
             result[i].w != flat(192 + i);
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
