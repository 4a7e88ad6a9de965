// Grid-wide groups: cudaLaunchCooperativeKernel and grid.sync().
#include <cooperative_groups.h>

#include "harness/host/conformance/conformance.h"

namespace {

namespace cg = cooperative_groups;

__global__ void GridRounds(int* values, int n, int rounds) {
  const cg::grid_group grid = cg::this_grid();
  const int stride = int(grid.size());
  for (int round = 0; round < rounds; ++round) {
    const int* from = values + round % 2 * n;
    int* to = values + (round + 1) % 2 * n;
    for (int i = int(grid.thread_rank()); i < n; i += stride) to[i] = from[(i + 1) % n] + from[(i + n / 2) % n] % 7;
    grid.sync();
  }
}

CONFORMANCE_CASE(grid_groups, grid_sync, "grid.sync() between rounds that read what other blocks wrote") {
  int n = 3000, rounds = 9;
  std::vector<int> now = Make<int>(n, [](size_t i) { return int(Mix(i) % 50); });
  std::vector<int> both = now;
  both.resize(2 * n);
  Device<int> values(both);
  int* data = values.data();
  void* arguments[] = {&data, &n, &rounds};
  OK(cudaLaunchCooperativeKernel(GridRounds, dim3(12), dim3(96), arguments, 0, nullptr));
  for (int round = 0; round < rounds; ++round) {
    const std::vector<int> old = now;
    for (int i = 0; i < n; ++i) now[i] = old[(i + 1) % n] + old[(i + n / 2) % n] % 7;
  }
  auto result = values.Get();
  result.erase(result.begin(), result.begin() + n);
  EXPECT_EACH(result, i, now[i]);
}

__global__ void GridShape(unsigned long long* out) {
  const cg::grid_group grid = cg::this_grid();
  const unsigned long long rank = grid.thread_rank();
  const unsigned linear =
      (blockIdx.y * gridDim.x + blockIdx.x) * blockDim.x * blockDim.y + threadIdx.y * blockDim.x + threadIdx.x;
  out[linear] = rank * 100 + (grid.is_valid() ? 1 : 0) + (grid.block_rank() == linear / 12 ? 2 : 0) +
                (grid.num_blocks() == 6 ? 4 : 0);
  if (rank == 0) out[72] = grid.size(), out[73] = grid.group_dim().x * 10 + grid.group_dim().y;
}

CONFORMANCE_CASE(grid_groups, grid_shape, "this_grid(): ranks, sizes and shape, in two dimensions") {
  Device<unsigned long long> out(74);
  unsigned long long* data = out.data();
  void* arguments[] = {&data};
  OK(cudaLaunchCooperativeKernel(GridShape, dim3(3, 2), dim3(4, 3), arguments, 0, nullptr));
  EXPECT_EACH(out.Get(), i, i < 72 ? i * 100 + 7 : i == 72 ? 72ull : 32ull);
}

template <typename T>
__global__ void GridSum(const T* in, T* partial, T* out, int n) {
  extern __shared__ unsigned char raw[];
  T* sums = reinterpret_cast<T*>(raw);
  const cg::grid_group grid = cg::this_grid();
  T sum = 0;
  for (int i = int(grid.thread_rank()); i < n; i += int(grid.size())) sum += in[i];
  sums[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    T total = 0;
    for (unsigned i = 0; i < blockDim.x; ++i) total += sums[i];
    partial[blockIdx.x] = total;
  }
  cg::sync(grid);
  if (grid.thread_rank() == 0) {
    T total = 0;
    for (unsigned i = 0; i < gridDim.x; ++i) total += partial[i];
    *out = total;
  }
}

CONFORMANCE_CASE(grid_groups, cooperative_template,
                 "a kernel template with dynamic shared memory, launched cooperatively on a stream") {
  int n = 2500;
  const auto in = Make<double>(n, [](size_t i) { return double(Mix(i) % 1024) / 8; });
  Device<double> values(in), partial(8), out(1);
  const double* source = values.data();
  double *sums = partial.data(), *result = out.data();
  void* arguments[] = {&source, &sums, &result, &n};
  cudaStream_t stream;
  OK(cudaStreamCreate(&stream));
  OK(cudaLaunchCooperativeKernel(GridSum<double>, dim3(8), dim3(64), arguments, 64 * sizeof(double), stream));
  OK(cudaStreamSynchronize(stream));
  double expected = 0;
  for (double value : in) expected += value;
  EXPECT_EQ(out.Get()[0], expected);
  OK(cudaStreamDestroy(stream));
}

__global__ void ManyThreads(int* out) {
  cg::this_grid().sync();
  if (threadIdx.x == 0) out[blockIdx.x] = 1;
}

CONFORMANCE_CASE(grid_groups, too_large,
                 "a cooperative grid that cannot be resident at once is refused, one that can runs") {
  int processors = 0, blocks = 0, supported = 0;
  OK(cudaDeviceGetAttribute(&supported, cudaDevAttrCooperativeLaunch, 0));
  EXPECT_EQ(supported, 1);
  OK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
  OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, ManyThreads, 1024, 0));
  EXPECT_EQ(blocks, 2);  // 2048 threads a multiprocessor on sm_90
  Device<int> out(std::vector<int>(processors * blocks + 1, 0));
  int* data = out.data();
  void* arguments[] = {&data};
  EXPECT_EQ(cudaLaunchCooperativeKernel(ManyThreads, dim3(processors * blocks + 1), dim3(1024), arguments, 0, nullptr),
            cudaErrorCooperativeLaunchTooLarge);
  EXPECT_EQ(cudaGetLastError(), cudaErrorCooperativeLaunchTooLarge);
  OK(cudaLaunchCooperativeKernel(ManyThreads, dim3(processors), dim3(64), arguments, 0, nullptr));
  EXPECT_EACH(out.Get(), i, int(i < size_t(processors)));
}

}  // namespace
