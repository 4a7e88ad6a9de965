// The order in which tiles of D are computed.
#ifndef KERNELS_GEMM_SCHEDULE_H_
#define KERNELS_GEMM_SCHEDULE_H_

#include <cuda_runtime_api.h>

#include <cstdint>

namespace kernels::gemm_internal {

// Bands of kBand tiles along M; inside a band, down each column of tiles before the next. What runs at one time is then
// a patch of about kBand x (blocks / kBand) tiles, close to a square, and the rows of A and columns of B that it shares
// come from L2. The 66 clusters of an H100 were fastest with 8, among 2, 4, 6, 8, 11 and 16.
struct Schedule {
  static constexpr int kBand = 8;
  int tiles_m, tiles_n;
  int64_t count;

  __device__ void Locate(int64_t index, int* tile_m, int* tile_n) const {
    const int64_t band = index / (int64_t{kBand} * tiles_n);
    const int first = static_cast<int>(band) * kBand;
    const int height = min(kBand, tiles_m - first);
    const int inside = static_cast<int>(index - band * kBand * tiles_n);
    *tile_m = first + inside % height;
    *tile_n = inside / height;
  }
};

inline Schedule MakeSchedule(int m, int n, int tile_m, int tile_n) {
  const auto tiles = [](int extent, int tile) { return static_cast<int>((int64_t{extent} + tile - 1) / tile); };
  Schedule schedule;
  schedule.tiles_m = tiles(m, tile_m);
  schedule.tiles_n = tiles(n, tile_n);
  schedule.count = int64_t{schedule.tiles_m} * schedule.tiles_n;
  return schedule;
}

}  // namespace kernels::gemm_internal

#endif  // KERNELS_GEMM_SCHEDULE_H_
