// Cooperative groups within a block.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>

#include "harness/host/conformance/conformance.h"

namespace {

namespace cg = cooperative_groups;

__global__ void BlockGroup(int* out) {
  __shared__ int values[105];
  const cg::thread_block block = cg::this_thread_block();
  const int rank = int(block.thread_rank());
  values[rank] = rank;
  block.sync();
  const dim3 index = block.group_index(), thread = block.thread_index();
  int ok = block.size() == 105 && block.num_threads() == 105;
  ok &= index.x == blockIdx.x && index.y == blockIdx.y && thread.x == threadIdx.x && thread.y == threadIdx.y &&
        thread.z == threadIdx.z;
  ok &= block.dim_threads().x == 5 && block.dim_threads().y == 7 && block.dim_threads().z == 3;
  out[(blockIdx.y * gridDim.x + blockIdx.x) * 105 + rank] = ok != 0 ? values[104 - rank] : -1;
}

CONFORMANCE_CASE(groups, thread_block, "thread_block: rank, size, indices and sync") {
  Device<int> out(105 * 4);
  BlockGroup<<<dim3(2, 2), dim3(5, 7, 3)>>>(out.data());
  EXPECT_EACH(out.Get(), i, 104 - int(i % 105));
}

template <unsigned kSize>
__global__ void Tiles(unsigned* out) {
  const cg::thread_block block = cg::this_thread_block();
  const cg::thread_block_tile<kSize> tile = cg::tiled_partition<kSize>(block);
  const unsigned rank = tile.thread_rank(), i = threadIdx.x, n = blockDim.x;
  unsigned sum = i + 1;
  for (unsigned d = kSize / 2; d > 0; d /= 2) sum += tile.shfl_xor(sum, d);
  out[i] = sum;
  out[n + i] = tile.meta_group_rank() * 1000 + tile.meta_group_size();
  out[2 * n + i] = tile.ballot(i % 3 == 0);
  out[3 * n + i] = tile.shfl(i, kSize - 1) * 4 + (tile.any(rank == 0) ? 1 : 0) + (tile.all(rank == 0) ? 2 : 0);
  out[4 * n + i] = tile.shfl_up(i, 1) * 1000 + tile.shfl_down(i, 1);
  out[5 * n + i] = tile.match_any(i / 2 % 2);
  out[6 * n + i] = rank * 100 + tile.size();
  tile.sync();
}

template <unsigned kSize>
void CheckTiles() {
  const unsigned n = 96;
  Device<unsigned> out(7 * n);
  Tiles<kSize><<<1, n>>>(out.data());
  OK(cudaGetLastError());
  EXPECT_EACH(out.Get(), k, [&]() -> unsigned {
    const unsigned i = unsigned(k) % n, first = i / kSize * kSize, last = first + kSize - 1, rank = i % kSize;
    const auto mask = [&](auto condition) {
      unsigned bits = 0;
      for (unsigned lane = 0; lane < kSize; ++lane) bits |= unsigned(condition(first + lane)) << lane;
      return bits;
    };
    switch (k / n) {
      case 0:
        return kSize * (first + 1 + last + 1) / 2;
      case 1:
        return i / kSize * 1000 + n / kSize;
      case 2:
        return mask([](unsigned j) { return j % 3 == 0; });
      case 3:
        return last * 4 + 1 + (kSize == 1 ? 2 : 0);
      case 4:
        return (rank == 0 ? i : i - 1) * 1000 + (rank == kSize - 1 ? i : i + 1);
      case 5:
        return mask([&](unsigned j) { return j / 2 % 2 == i / 2 % 2; });
      default:
        return rank * 100 + kSize;
    }
  }());
}

CONFORMANCE_CASE(groups, tiles_32, "tiled_partition<32>: shuffles, votes, match, meta group") { CheckTiles<32>(); }
CONFORMANCE_CASE(groups, tiles_16, "tiled_partition<16>") { CheckTiles<16>(); }
CONFORMANCE_CASE(groups, tiles_8, "tiled_partition<8>") { CheckTiles<8>(); }
CONFORMANCE_CASE(groups, tiles_4_2_1, "tiled_partition<4>, <2> and <1>") {
  CheckTiles<4>();
  CheckTiles<2>();
  CheckTiles<1>();
}

__global__ void TilesApart(int* out) {
  const auto tile = cg::tiled_partition<8>(cg::this_thread_block());
  int value = int(threadIdx.x);
  // Tile t goes round t times: tiles do not wait for each other.
  for (unsigned round = 0; round < tile.meta_group_rank(); ++round) {
    value = tile.shfl(value, (tile.thread_rank() + 1) % 8) + 1;
    tile.sync();
  }
  out[threadIdx.x] = value;
}

CONFORMANCE_CASE(groups, tiles_diverge, "tiles of one warp that loop a different number of times") {
  Device<int> out(64);
  TilesApart<<<1, 64>>>(out.data());
  EXPECT_EACH(out.Get(), i, [&] {
    const int tile = int(i) / 8;
    return tile * 8 + (int(i) + tile) % 8 + tile;
  }());
}

__global__ void DynamicTiles(unsigned size, unsigned* out) {
  const cg::thread_group tile = cg::tiled_partition(cg::this_thread_block(), size);
  __shared__ unsigned sums[128];
  if (tile.thread_rank() == 0) sums[threadIdx.x] = 0;
  tile.sync();
  atomicAdd(&sums[threadIdx.x / size * size], threadIdx.x);
  tile.sync();
  out[threadIdx.x] = sums[threadIdx.x / size * size] * 100 + unsigned(tile.size());
}

CONFORMANCE_CASE(groups, dynamic_tiles, "tiled_partition with a size known at run time: rank, size, sync") {
  for (unsigned size : {1u, 2u, 8u, 32u}) {
    Device<unsigned> out(128);
    DynamicTiles<<<1, 128>>>(size, out.data());
    EXPECT_EACH(out.Get(), i, [&] {
      unsigned sum = 0;
      for (unsigned j = 0; j < size; ++j) sum += unsigned(i) / size * size + j;
      return sum * 100 + size;
    }());
  }
}

__global__ void TileOfTile(unsigned* out) {
  const auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  const auto quad = cg::tiled_partition<4>(warp);
  out[threadIdx.x] = quad.shfl(threadIdx.x, 3) * 10000 + quad.meta_group_rank() * 100 + quad.meta_group_size();
}

CONFORMANCE_CASE(groups, tile_of_tile, "a tile partitioned again") {
  Device<unsigned> out(64);
  TileOfTile<<<1, 64>>>(out.data());
  EXPECT_EACH(out.Get(), i, unsigned(i / 4 * 4 + 3) * 10000 + unsigned(i % 32 / 4) * 100 + 8);
}

template <unsigned kSize>
__global__ void Reductions(const int* in, int* out) {
  const auto tile = cg::tiled_partition<kSize>(cg::this_thread_block());
  const int i = threadIdx.x, n = blockDim.x, value = in[i];
  out[i] = cg::reduce(tile, value, cg::plus<int>());
  out[n + i] = cg::reduce(tile, value, cg::less<int>());
  out[2 * n + i] = cg::reduce(tile, value, cg::greater<int>());
  out[3 * n + i] = cg::reduce(tile, value, cg::bit_xor<int>());
  out[4 * n + i] = cg::reduce(tile, value, cg::bit_and<int>());
  out[5 * n + i] = cg::reduce(tile, value, cg::bit_or<int>());
  out[6 * n + i] = int(cg::reduce(tile, double(value % 100), cg::plus<double>()));
}

template <unsigned kSize>
void CheckReductions() {
  const auto in = Make<int>(64, [](size_t i) { return int(Mix(i) % 100000) - 50000; });
  Device<int> values(in), out(7 * 64);
  Reductions<kSize><<<1, 64>>>(values.data(), out.data());
  EXPECT_EACH(out.Get(), k, [&]() -> int {
    const size_t first = k % 64 / kSize * kSize;
    int sum = 0, least = in[first], most = in[first], bits_xor = 0, bits_and = -1, bits_or = 0, reals = 0;
    for (size_t j = first; j < first + kSize; ++j) {
      sum += in[j], bits_xor ^= in[j], bits_and &= in[j], bits_or |= in[j], reals += in[j] % 100;
      least = in[j] < least ? in[j] : least;
      most = in[j] > most ? in[j] : most;
    }
    const int results[] = {sum, least, most, bits_xor, bits_and, bits_or, reals};
    return results[k / 64];
  }());
}

CONFORMANCE_CASE(groups, reduce, "cg::reduce with plus, less, greater and the bit operations, at several tile sizes") {
  CheckReductions<32>();
  CheckReductions<8>();
  CheckReductions<2>();
}

__global__ void Scans(int* out) {
  const auto tile = cg::tiled_partition<16>(cg::this_thread_block());
  const int value = int(threadIdx.x) * 3 + 1;
  out[threadIdx.x] = cg::inclusive_scan(tile, value);
  out[64 + threadIdx.x] = cg::exclusive_scan(tile, value, cg::plus<int>());
}

CONFORMANCE_CASE(groups, scan, "cg::inclusive_scan and cg::exclusive_scan over a tile") {
  Device<int> out(128);
  Scans<<<1, 64>>>(out.data());
  EXPECT_EACH(out.Get(), k, [&] {
    const int i = int(k) % 64, last = k < 64 ? i : i - 1;
    int sum = 0;
    for (int j = i / 16 * 16; j <= last; ++j) sum += 3 * j + 1;
    return sum;
  }());
}

__global__ void Coalesced(unsigned* counts, unsigned* leaders, unsigned* total) {
  const unsigned i = threadIdx.x;
  if (i % 3 == 0) {
    // Which lanes are together is not defined; that its members agree, and that each is in one group, is.
    const cg::coalesced_group active = cg::coalesced_threads();
    const unsigned size = active.size(), rank = active.thread_rank();
    const unsigned leader = active.shfl(i, 0);
    const unsigned members = active.ballot(1);
    counts[i] = size * 1000 + rank;
    leaders[i] = leader;
    if (rank == 0) atomicAdd(total, size);
    if (__popc(members) != int(size) || !active.all(active.shfl(size, 0) == size)) atomicAdd(total, 100000u);
    active.sync();
  }
}

CONFORMANCE_CASE(groups, coalesced_threads, "coalesced_threads in a branch: the groups' members agree and add up") {
  Device<unsigned> counts(96), leaders(96), total(std::vector<unsigned>(1, 0));
  Coalesced<<<1, 96>>>(counts.data(), leaders.data(), total.data());
  EXPECT_EQ(total.Get()[0], 32u);
  const auto leader = leaders.Get(), count = counts.Get();
  for (unsigned i = 0; i < 96; i += 3) {
    unsigned members = 0, before = 0;
    for (unsigned j = 0; j < 96; j += 3) members += leader[j] == leader[i], before += leader[j] == leader[i] && j < i;
    EXPECT_EQ(count[i], members * 1000 + before);
    EXPECT_EQ(leader[i] / 32, i / 32);
  }
}

__global__ void AggregatedAtomic(int* counter, int* slots) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (Mix(i) % 3 == 0) return;
  const cg::coalesced_group active = cg::coalesced_threads();
  int base = 0;
  if (active.thread_rank() == 0) base = atomicAdd(counter, int(active.size()));
  slots[i] = active.shfl(base, 0) + int(active.thread_rank());
}

CONFORMANCE_CASE(groups, aggregated_atomic, "one atomic for each coalesced group, every member a slot of its own") {
  Device<int> counter(std::vector<int>(1, 0)), slots(500);
  AggregatedAtomic<<<5, 100>>>(counter.data(), slots.data());
  int expected = 0;
  for (int i = 0; i < 500; ++i) expected += Mix(i) % 3 != 0;
  EXPECT_EQ(counter.Get()[0], expected);
  std::vector<int> used(expected, 0);
  const auto result = slots.Get();
  for (int i = 0; i < 500; ++i) {
    if (Mix(i) % 3 != 0 && result[i] >= 0 && result[i] < expected) ++used[result[i]];
  }
  EXPECT_EACH(used, i, 1);
}

__global__ void Partitions(int* out) {
  const auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  const int i = threadIdx.x, label = i % 32 * i % 5;
  const auto same = cg::labeled_partition(warp, label);
  out[i] = int(same.size()) * 1000000 + int(same.thread_rank()) * 10000 + cg::reduce(same, i % 32, cg::plus<int>());
  const auto half = cg::binary_partition(warp, i % 3 == 0);
  out[64 + i] = int(half.size()) * 10000 + half.shfl(i % 32, 1);
}

CONFORMANCE_CASE(groups, partitions, "labeled_partition and binary_partition of a warp") {
  Device<int> out(128);
  Partitions<<<1, 64>>>(out.data());
  EXPECT_EACH(out.Get(), k, [&] {
    const int i = int(k) % 64, base = i / 32 * 32;
    int size = 0, rank = 0, sum = 0, second = -1;
    for (int j = base; j < base + 32; ++j) {
      const bool member = k < 64 ? j % 32 * j % 5 == i % 32 * i % 5 : (j % 3 == 0) == (i % 3 == 0);
      if (!member) continue;
      if (++size == 2) second = j % 32;
      rank += j < i;
      sum += j % 32;
    }
    return k < 64 ? size * 1000000 + rank * 10000 + sum : size * 10000 + second;
  }());
}

}  // namespace
