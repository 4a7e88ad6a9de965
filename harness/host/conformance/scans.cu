// Reductions, scans and other building blocks made of shuffles, votes and barriers.
#include <algorithm>

#include "harness/host/conformance/conformance.h"

namespace {

constexpr unsigned kAll = 0xffffffffu;

__device__ int WarpInclusiveScan(int value) {
  const int lane = threadIdx.x % 32;
  for (int d = 1; d < 32; d *= 2) {
    const int other = __shfl_up_sync(kAll, value, d);
    if (lane >= d) value += other;
  }
  return value;
}

__global__ void WarpScans(const int* in, int* inclusive, int* exclusive) {
  const int i = threadIdx.x;
  const int sum = WarpInclusiveScan(in[i]);
  inclusive[i] = sum;
  const int before = __shfl_up_sync(kAll, sum, 1);
  exclusive[i] = i % 32 == 0 ? 0 : before;
}

CONFORMANCE_CASE(scans, warp_scan, "inclusive and exclusive prefix sums in each warp") {
  const auto in = Make<int>(96, [](size_t i) { return int(Mix(i) % 100) - 50; });
  Device<int> values(in), inclusive(96), exclusive(96);
  WarpScans<<<1, 96>>>(values.data(), inclusive.data(), exclusive.data());
  const auto prefix = [&](size_t i, int own) {
    int sum = 0;
    for (size_t j = i / 32 * 32; j < i + own; ++j) sum += in[j];
    return sum;
  };
  EXPECT_EACH(inclusive.Get(), i, prefix(i, 1));
  EXPECT_EACH(exclusive.Get(), i, prefix(i, 0));
}

__device__ int BlockInclusiveScan(int value) {
  __shared__ int totals[32];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
  value = WarpInclusiveScan(value);
  if (lane == 31) totals[warp] = value;
  __syncthreads();
  if (warp == 0) {
    const int total = WarpInclusiveScan(lane < warps ? totals[lane] : 0);
    if (lane < warps) totals[lane] = total;
  }
  __syncthreads();
  const int result = value + (warp > 0 ? totals[warp - 1] : 0);
  __syncthreads();  // before the next call writes totals
  return result;
}

__global__ void BlockScans(const int* in, int* out, int n) {
  int carry = 0;
  __shared__ int last;
  for (int base = 0; base < n; base += blockDim.x) {
    const int i = base + threadIdx.x;
    const int sum = BlockInclusiveScan(i < n ? in[i] : 0) + carry;
    if (i < n) out[i] = sum;
    if (threadIdx.x == blockDim.x - 1) last = sum;
    __syncthreads();
    carry = last;
    __syncthreads();
  }
}

CONFORMANCE_CASE(scans, block_scan, "a prefix sum over a block's warps, tile after tile") {
  const auto in = Make<int>(3001, [](size_t i) { return int(Mix(i) % 1000) - 300; });
  std::vector<int> expected = in;
  for (size_t i = 1; i < in.size(); ++i) expected[i] += expected[i - 1];
  for (int threads : {32, 256, 1024}) {
    Device<int> values(in), out(in.size());
    BlockScans<<<1, threads>>>(values.data(), out.data(), int(in.size()));
    EXPECT_EACH(out.Get(), i, expected[i]);
  }
}

__global__ void BlockSums(const double* in, double* sums, int n) {
  __shared__ double partial[32];
  double sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += in[i];
  for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(kAll, sum, d);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x < 32) {
    sum = threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0;
    for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(kAll, sum, d);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
  }
}

CONFORMANCE_CASE(scans, block_reduction, "sums of doubles over warps, then over the block") {
  const int n = 5000;
  const auto in = Make<double>(n, [](size_t i) { return double(Mix(i) % 4096) / 16; });  // every sum is exact
  Device<double> values(in), sums(6);
  BlockSums<<<6, 192>>>(values.data(), sums.data(), n);
  EXPECT_EACH(sums.Get(), b, [&] {
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += i / 192 % 6 == int(b) ? in[i] : 0;
    return sum;
  }());
}

__global__ void SegmentedScan(const int* values, const int* heads, int* out) {
  const unsigned lane = threadIdx.x;
  const unsigned flags = __ballot_sync(kAll, heads[lane]) | 1u;
  // The last head at or below this lane.
  const int start = 31 - __clz(flags & (0xffffffffu >> (31 - lane)));
  int sum = values[lane];
  for (int d = 1; d < 32; d *= 2) {
    const int other = __shfl_up_sync(kAll, sum, d);
    if (int(lane) - d >= start) sum += other;
  }
  out[lane] = sum;
}

CONFORMANCE_CASE(scans, segmented_scan, "a segmented scan: ballot, clz and shuffles") {
  const auto values = Make<int>(32, [](size_t i) { return int(i) + 1; });
  const auto heads = Make<int>(32, [](size_t i) { return int(i == 3 || i == 4 || i == 17 || i == 31); });
  Device<int> in(values), flags(heads), out(32);
  SegmentedScan<<<1, 32>>>(in.data(), flags.data(), out.data());
  int sum = 0;
  std::vector<int> expected;
  for (int i = 0; i < 32; ++i) expected.push_back(sum = (heads[i] != 0 ? 0 : sum) + values[i]);
  EXPECT_EACH(out.Get(), i, expected[i]);
}

__global__ void Compact(const int* in, int* out, int* count, int n) {
  __shared__ int block_total, block_base;
  if (threadIdx.x == 0) block_total = 0;
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32;
  const int value = i < n ? in[i] : 0;
  const bool keep = i < n && value % 3 == 0;
  const unsigned kept = __ballot_sync(kAll, keep);
  int base = 0;
  if (lane == 0) base = atomicAdd(&block_total, __popc(kept));
  base = __shfl_sync(kAll, base, 0);
  __syncthreads();
  if (threadIdx.x == 0) block_base = atomicAdd(count, block_total);
  __syncthreads();
  if (keep) out[block_base + base + __popc(kept & ((1u << lane) - 1))] = value;
}

CONFORMANCE_CASE(scans, compaction, "warp-aggregated compaction: ballot, popc, one atomic a warp") {
  const int n = 2050;
  const auto in = Make<int>(n, [](size_t i) { return int(Mix(i) % 10000); });
  Device<int> values(in), out(n), count(std::vector<int>(1, 0));
  Compact<<<(n + 127) / 128, 128>>>(values.data(), out.data(), count.data(), n);
  std::vector<int> expected;
  for (int value : in) {
    if (value % 3 == 0) expected.push_back(value);
  }
  EXPECT_EQ(count.Get()[0], int(expected.size()));
  auto kept = out.Get();
  kept.resize(expected.size());
  std::sort(kept.begin(), kept.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EACH(kept, i, expected[i]);
}

__global__ void BitonicSort(int* values) {
  const unsigned lane = threadIdx.x % 32;
  int mine = values[threadIdx.x];
  for (unsigned size = 2; size <= 32; size *= 2) {
    for (unsigned stride = size / 2; stride > 0; stride /= 2) {
      const int other = __shfl_xor_sync(kAll, mine, stride);
      const bool ascending = (lane & size) == 0, lower = (lane & stride) == 0;
      mine = ascending == lower ? min(mine, other) : max(mine, other);
    }
  }
  values[threadIdx.x] = mine;
}

CONFORMANCE_CASE(scans, bitonic_sort, "a bitonic sort of each warp's values by shuffles") {
  auto expected = Make<int>(128, [](size_t i) { return int(Mix(i)); });
  Device<int> values(expected);
  BitonicSort<<<1, 128>>>(values.data());
  for (int warp = 0; warp < 4; ++warp) std::sort(expected.begin() + 32 * warp, expected.begin() + 32 * (warp + 1));
  EXPECT_EACH(values.Get(), i, expected[i]);
}

__global__ void Histogram(const unsigned char* in, int n, int* bins) {
  __shared__ int own[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x) own[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&own[in[i]], 1);
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x) {
    if (own[i] != 0) atomicAdd(&bins[i], own[i]);
  }
}

CONFORMANCE_CASE(scans, histogram, "a histogram in shared memory, added up in global memory") {
  const auto in = Make<unsigned char>(20000, [](size_t i) { return (unsigned char)(Mix(i) % 256 * (Mix(i + 7) % 2)); });
  Device<unsigned char> values(in);
  Device<int> bins(std::vector<int>(256, 0));
  Histogram<<<7, 160>>>(values.data(), int(in.size()), bins.data());
  std::vector<int> expected(256, 0);
  for (unsigned char value : in) ++expected[value];
  EXPECT_EACH(bins.Get(), i, expected[i]);
}

__global__ void MatrixProduct(const float* a, const float* b, float* c, int m, int n, int k) {
  __shared__ float as[16][16], bs[16][16];
  const int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
  float sum = 0;
  for (int base = 0; base < k; base += 16) {
    const int ka = base + threadIdx.x, kb = base + threadIdx.y;
    as[threadIdx.y][threadIdx.x] = row < m && ka < k ? a[row * k + ka] : 0;
    bs[threadIdx.y][threadIdx.x] = kb < k && column < n ? b[kb * n + column] : 0;
    __syncthreads();
    for (int i = 0; i < 16; ++i) sum += as[threadIdx.y][i] * bs[i][threadIdx.x];
    __syncthreads();
  }
  if (row < m && column < n) c[row * n + column] = sum;
}

CONFORMANCE_CASE(scans, tiled_product, "a tiled matrix product with ragged edges") {
  const int m = 37, n = 50, k = 45;
  const auto a = Make<float>(m * k, [](size_t i) { return float(int(Mix(i) % 17) - 8); });
  const auto b = Make<float>(k * n, [](size_t i) { return float(int(Mix(i + 5) % 13) - 6); });
  Device<float> da(a), db(b), dc(m * n);
  MatrixProduct<<<dim3(4, 3), dim3(16, 16)>>>(da.data(), db.data(), dc.data(), m, n, k);
  EXPECT_EACH(dc.Get(), i, [&] {
    float sum = 0;
    for (int j = 0; j < k; ++j) sum += a[i / n * k + j] * b[j * n + i % n];
    return sum;
  }());
}

__global__ void Stencil(const float* in, float* out, int n) {
  __shared__ float tile[128 + 6];
  const int i = int(blockIdx.x * 128 + threadIdx.x) - 3;
  for (int j = threadIdx.x, at = i; j < 134; j += 128, at += 128) tile[j] = at >= 0 && at < n ? in[at] : 0;
  __syncthreads();
  const int target = i + 3;
  float sum = 0;
  for (int d = 0; d < 7; ++d) sum += tile[threadIdx.x + d] * float(d + 1);
  if (target < n) out[target] = sum;
}

CONFORMANCE_CASE(scans, stencil, "a seven-point stencil with a halo in shared memory") {
  const int n = 1000;
  const auto in = Make<float>(n, [](size_t i) { return float(Mix(i) % 64); });
  Device<float> values(in), out(n);
  Stencil<<<8, 128>>>(values.data(), out.data(), n);
  EXPECT_EACH(out.Get(), i, [&] {
    float sum = 0;
    for (int d = -3; d <= 3; ++d) {
      const int j = int(i) + d;
      if (j >= 0 && j < n) sum += in[j] * float(d + 4);
    }
    return sum;
  }());
}

}  // namespace
