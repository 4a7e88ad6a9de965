// Which thread is which: grids and blocks of all shapes.
#include "harness/host/conformance/conformance.h"

namespace {

__global__ void GlobalIndex(int* out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = i;
}

CONFORMANCE_CASE(indexing, odd_length,
                 "blockIdx.x * blockDim.x + threadIdx.x, a guard for a length that no block divides") {
  const int n = 1000;
  Device<int> out(1024);
  GlobalIndex<<<(n + 95) / 96, 96>>>(out.data(), n);
  EXPECT_EACH(out.Get(), i, i < 1000 ? int(i) : int(0xcdcdcdcd));
}

__global__ void Where(uint3* thread, uint3* block, uint3* sizes) {
  const unsigned blocks = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned threads = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const unsigned i = blocks * (blockDim.x * blockDim.y * blockDim.z) + threads;
  thread[i] = threadIdx;
  block[i] = blockIdx;
  if (i == 0) {
    sizes[0] = make_uint3(gridDim.x, gridDim.y, gridDim.z);
    sizes[1] = make_uint3(blockDim.x, blockDim.y, blockDim.z);
  }
}

void CheckShape(dim3 grid, dim3 block) {
  const unsigned threads = block.x * block.y * block.z, blocks = grid.x * grid.y * grid.z;
  Device<uint3> thread(threads * blocks), in(threads * blocks), sizes(2);
  Where<<<grid, block>>>(thread.data(), in.data(), sizes.data());
  OK(cudaGetLastError());
  const auto t = thread.Get(), b = in.Get(), s = sizes.Get();
  const auto same = [](uint3 a, unsigned x, unsigned y, unsigned z) { return a.x == x && a.y == y && a.z == z; };
  EXPECT(same(s[0], grid.x, grid.y, grid.z));
  EXPECT(same(s[1], block.x, block.y, block.z));
  size_t i = 0;
  unsigned wrong = 0;
  for (unsigned bz = 0; bz < grid.z; ++bz)
    for (unsigned by = 0; by < grid.y; ++by)
      for (unsigned bx = 0; bx < grid.x; ++bx)
        for (unsigned tz = 0; tz < block.z; ++tz)
          for (unsigned ty = 0; ty < block.y; ++ty)
            for (unsigned tx = 0; tx < block.x; ++tx, ++i) wrong += !same(t[i], tx, ty, tz) || !same(b[i], bx, by, bz);
  EXPECT_EQ(wrong, 0u);
}

CONFORMANCE_CASE(indexing, grid_2d, "two-dimensional grids of two-dimensional blocks, sides odd") {
  CheckShape(dim3(5, 3), dim3(7, 9));
}
CONFORMANCE_CASE(indexing, grid_3d, "blockIdx and threadIdx in three dimensions") {
  CheckShape(dim3(2, 3, 5), dim3(3, 4, 2));
  CheckShape(dim3(1, 1, 7), dim3(1, 1, 1));
}
CONFORMANCE_CASE(indexing, largest_blocks, "blocks of 1024 threads along x, along y, and 64 deep along z") {
  CheckShape(2, 1024);
  CheckShape(2, dim3(1, 1024));
  CheckShape(2, dim3(4, 4, 64));
}
CONFORMANCE_CASE(indexing, dim3_defaults, "dim3 from an int or with sides left out: what is missing is 1") {
  const dim3 none, one(4), two(4, 5);
  EXPECT_EQ(none.x * none.y * none.z, 1u);
  EXPECT_EQ(one.x, 4u);
  EXPECT_EQ(one.y * one.z, 1u);
  EXPECT_EQ(two.z, 1u);
  CheckShape(3, 5);
  CheckShape({3, 2}, {5, 2});
}

__global__ void LastBlocks(unsigned* out) {
  if (blockIdx.x == gridDim.x - 1 && blockIdx.y == gridDim.y - 1 && blockIdx.z == gridDim.z - 1) {
    out[0] = blockIdx.x, out[1] = blockIdx.y, out[2] = blockIdx.z;
  }
  if (threadIdx.x == 0) atomicAdd(&out[3], 1u);
}

CONFORMANCE_CASE(indexing, largest_grids, "65535 blocks along y and along z, more than 65535 along x") {
  const dim3 grids[] = {dim3(1, 65535, 1), dim3(1, 1, 65535), dim3(70001, 1, 1)};
  for (const dim3& grid : grids) {
    Device<unsigned> out(std::vector<unsigned>(4, 0));
    LastBlocks<<<grid, 1>>>(out.data());
    OK(cudaGetLastError());
    const std::vector<unsigned> expected = {grid.x - 1, grid.y - 1, grid.z - 1, grid.x * grid.y * grid.z};
    EXPECT_EACH(out.Get(), i, expected[i]);
  }
}

__global__ void GridStride(const int* in, long long* out, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) out[i] = 3ll * in[i] - i;
}

CONFORMANCE_CASE(indexing, grid_stride, "a grid-stride loop over far more elements than threads") {
  const auto in = Make<int>(10007, [](size_t i) { return int(Mix(i)); });
  Device<int> values(in);
  Device<long long> out(in.size());
  GridStride<<<5, 77>>>(values.data(), out.data(), int(in.size()));
  EXPECT_EACH(out.Get(), i, 3ll * in[i] - (long long)i);
}

__global__ void WarpOf(unsigned* lanes, unsigned* members, int* size) {
  const unsigned linear = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  lanes[linear] = __shfl_sync(0xffffffffu, linear, 0);
  members[linear] = __ballot_sync(0xffffffffu, threadIdx.x == 0);
  if (linear == 0) *size = warpSize;
}

CONFORMANCE_CASE(indexing, warps_of_3d_blocks, "warps are 32 threads each in the order x, y, z") {
  Device<unsigned> first(192), rows(192);
  Device<int> size(1);
  WarpOf<<<1, dim3(6, 4, 8)>>>(first.data(), rows.data(), size.data());
  EXPECT_EACH(first.Get(), i, unsigned(i / 32 * 32));
  EXPECT_EACH(rows.Get(), i, [&] {
    unsigned mask = 0;
    for (unsigned lane = 0; lane < 32; ++lane) mask |= unsigned((i / 32 * 32 + lane) % 6 == 0) << lane;
    return mask;
  }());
  EXPECT_EQ(size.Get()[0], 32);
}

__global__ void SomeReturn(int* out, int n) {
  if (int(blockIdx.x) >= n) return;
  if (threadIdx.x % 3 == 1) return;
  out[blockIdx.x * blockDim.x + threadIdx.x] = blockIdx.x;
}

CONFORMANCE_CASE(indexing, early_return, "whole blocks and single threads that return at once") {
  Device<int> out(40 * 50);
  SomeReturn<<<40, 50>>>(out.data(), 31);
  EXPECT_EACH(out.Get(), i, i / 50 < 31 && i % 50 % 3 != 1 ? int(i / 50) : int(0xcdcdcdcd));
}

__global__ void Overflowing(unsigned long long* out) {
  out[blockIdx.x] = (unsigned long long)blockIdx.x * 4000000000u + threadIdx.x;
}

CONFORMANCE_CASE(indexing, wide_products, "64-bit indices from 32-bit coordinates; unsigned arithmetic wraps") {
  Device<unsigned long long> out(9);
  Overflowing<<<9, 1>>>(out.data());
  EXPECT_EACH(out.Get(), i, i * 4000000000ull);
}

}  // namespace
