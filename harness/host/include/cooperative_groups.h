// Cooperative groups: the block, the grid, tiles of a warp, and the lanes that happen to be together.
//
// Source of names and meaning: CUDA C++ Programming Guide, "Cooperative Groups". Not here: clusters, tiles of more than
// 32 threads.
#ifndef CUDA_HOST_COOPERATIVE_GROUPS_H_
#define CUDA_HOST_COOPERATIVE_GROUPS_H_

#include <cuda_runtime.h>

#include <cstring>
#include <type_traits>

namespace cooperative_groups {

#define CUDA_HOST_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace details {

inline unsigned ThreadRankInBlock() { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }
inline unsigned ThreadsInBlock() { return blockDim.x * blockDim.y * blockDim.z; }
inline unsigned FirstBits(unsigned n) { return n >= 32 ? 0xffffffffu : (1u << n) - 1; }

// The lanes of this thread's warp that exist.
inline unsigned WarpLanes() {
  const unsigned first = ThreadRankInBlock() & ~31u;
  return FirstBits(ThreadsInBlock() - first);
}

// A value of any size from another lane, in words of eight bytes.
template <typename T>
T FromLane(unsigned mask, const T& value, int lane, const char* file, int line) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 32,
                "shfl takes trivially copyable values of up to 32 bytes");
  alignas(8) unsigned char bytes[(sizeof(T) + 7) / 8 * 8] = {};
  memcpy(bytes, &value, sizeof value);
  for (size_t i = 0; i < sizeof bytes; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, sizeof word);
    word = ::cuda_host::WarpShuffle(mask, word, lane, file, line);
    memcpy(bytes + i, &word, sizeof word);
  }
  T result;
  memcpy(&result, bytes, sizeof result);
  return result;
}

// What groups of lanes of one warp have in common. Ranks are places among the set bits of `mask`.
class LaneGroup {
 public:
  explicit LaneGroup(unsigned mask) : mask_(mask) {}

  unsigned thread_rank() const { return static_cast<unsigned>(__builtin_popcount(mask_ & ((1u << Lane()) - 1))); }
  unsigned size() const { return static_cast<unsigned>(__builtin_popcount(mask_)); }
  unsigned num_threads() const { return size(); }
  void sync(CUDA_HOST_SITE) const { ::cuda_host::WarpBarrier(mask_, file, line); }

  template <typename T>
  T shfl(const T& value, int rank, CUDA_HOST_SITE) const {
    return FromLane(mask_, value, LaneOf(static_cast<unsigned>(rank) % size()), file, line);
  }
  template <typename T>
  T shfl_up(const T& value, unsigned delta, CUDA_HOST_SITE) const {
    const unsigned rank = thread_rank();
    return FromLane(mask_, value, LaneOf(rank < delta ? rank : rank - delta), file, line);
  }
  template <typename T>
  T shfl_down(const T& value, unsigned delta, CUDA_HOST_SITE) const {
    const unsigned rank = thread_rank();
    return FromLane(mask_, value, LaneOf(delta >= size() - rank ? rank : rank + delta), file, line);
  }
  template <typename T>
  T shfl_xor(const T& value, unsigned lane_mask, CUDA_HOST_SITE) const {
    const unsigned rank = thread_rank() ^ lane_mask;
    return FromLane(mask_, value, LaneOf(rank < size() ? rank : thread_rank()), file, line);
  }
  int any(int predicate, CUDA_HOST_SITE) const {
    return ::cuda_host::WarpBallot(mask_, predicate != 0, file, line) != 0 ? 1 : 0;
  }
  int all(int predicate, CUDA_HOST_SITE) const {
    return ::cuda_host::WarpBallot(mask_, predicate == 0, file, line) == 0 ? 1 : 0;
  }
  unsigned ballot(int predicate, CUDA_HOST_SITE) const {
    return ToRanks(::cuda_host::WarpBallot(mask_, predicate != 0, file, line));
  }
  template <typename T>
  unsigned match_any(T value, CUDA_HOST_SITE) const {
    return ToRanks(::cuda_host::WarpMatchAny(mask_, ::cuda_host::internal::ToBits(value), file, line));
  }
  template <typename T>
  unsigned match_all(T value, int& predicate, CUDA_HOST_SITE) const {
    const unsigned all = ::cuda_host::WarpMatchAll(mask_, ::cuda_host::internal::ToBits(value), file, line);
    predicate = all != 0 ? 1 : 0;
    return ToRanks(all);
  }

  unsigned LaneMask() const { return mask_; }

 protected:
  static unsigned Lane() { return ThreadRankInBlock() & 31; }
  int LaneOf(unsigned rank) const {
    unsigned rest = mask_;
    for (; rank > 0; --rank) rest &= rest - 1;
    return __builtin_ctz(rest);
  }
  unsigned ToRanks(unsigned lanes) const {
    unsigned ranks = 0;
    unsigned rank = 0;
    for (unsigned rest = mask_; rest != 0; rest &= rest - 1, ++rank) {
      if (lanes & (rest & (0u - rest))) ranks |= 1u << rank;
    }
    return ranks;
  }

  unsigned mask_;
};

}  // namespace details

class thread_block {
 public:
  void sync(CUDA_HOST_SITE) const { ::cuda_host::BlockSync(file, line); }
  static unsigned thread_rank() { return details::ThreadRankInBlock(); }
  static unsigned size() { return details::ThreadsInBlock(); }
  static unsigned num_threads() { return size(); }
  static dim3 group_index() { return blockIdx; }
  static dim3 thread_index() { return threadIdx; }
  static dim3 group_dim() { return blockDim; }
  static dim3 dim_threads() { return blockDim; }
};
inline thread_block this_thread_block() { return thread_block(); }

class grid_group {
 public:
  bool is_valid() const { return ::cuda_host::IsCooperative(); }
  void sync(CUDA_HOST_SITE) const { ::cuda_host::GridBarrier(file, line); }
  static unsigned long long block_rank() {
    return blockIdx.x + static_cast<unsigned long long>(gridDim.x) *
                            (blockIdx.y + static_cast<unsigned long long>(gridDim.y) * blockIdx.z);
  }
  static unsigned long long num_blocks() { return static_cast<unsigned long long>(gridDim.x) * gridDim.y * gridDim.z; }
  static unsigned long long thread_rank() { return block_rank() * thread_block::size() + thread_block::thread_rank(); }
  static unsigned long long size() { return num_blocks() * thread_block::size(); }
  static unsigned long long num_threads() { return size(); }
  static dim3 group_dim() { return gridDim; }
  static dim3 dim_blocks() { return gridDim; }
  static dim3 block_index() { return blockIdx; }
};
inline grid_group this_grid() { return grid_group(); }

class coalesced_group : public details::LaneGroup {
 public:
  explicit coalesced_group(unsigned mask, unsigned meta_rank = 0, unsigned meta_size = 1)
      : LaneGroup(mask), meta_rank_(meta_rank), meta_size_(meta_size) {}
  unsigned meta_group_rank() const { return meta_rank_; }
  unsigned meta_group_size() const { return meta_size_; }

 private:
  unsigned meta_rank_, meta_size_;
};

// The lanes of the warp that have come here together.
inline coalesced_group coalesced_threads(CUDA_HOST_SITE) {
  return coalesced_group(::cuda_host::WarpActive(file, line));
}

template <unsigned kSize, typename Parent = void>
class thread_block_tile : public details::LaneGroup {
  static_assert(kSize <= 32,
                "host mode has tiles of at most 32 threads: build larger ones from warps and shared memory");
  static_assert((kSize & (kSize - 1)) == 0 && kSize > 0, "a tile's size is a power of two");

 public:
  thread_block_tile() : LaneGroup((details::FirstBits(kSize) << (Lane() & ~(kSize - 1))) & details::WarpLanes()) {}
  // A tile that has forgotten what it is a part of.
  template <typename Other, std::enable_if_t<std::is_void_v<Parent> && !std::is_void_v<Other>, int> = 0>
  thread_block_tile(const thread_block_tile<kSize, Other>& other) : LaneGroup(other.LaneMask()) {}

  static constexpr unsigned size() { return kSize; }
  static constexpr unsigned num_threads() { return kSize; }
  static unsigned thread_rank() { return details::ThreadRankInBlock() & (kSize - 1); }
  // Of the tiles that the parent is split into.
  static unsigned meta_group_rank() { return RankInParent() / kSize; }
  static unsigned meta_group_size() { return (ParentSize() + kSize - 1) / kSize; }

  template <typename T>
  T shfl_xor(const T& value, unsigned lane_mask, CUDA_HOST_SITE) const {
    const unsigned rank = (thread_rank() ^ lane_mask) & (kSize - 1);
    return details::FromLane(mask_, value, static_cast<int>((Lane() & ~(kSize - 1)) | rank), file, line);
  }

 private:
  static unsigned RankInParent() {
    if constexpr (std::is_void_v<Parent> || std::is_same_v<Parent, thread_block>) {
      return details::ThreadRankInBlock();
    } else {
      return Parent::thread_rank();
    }
  }
  static unsigned ParentSize() {
    if constexpr (std::is_void_v<Parent> || std::is_same_v<Parent, thread_block>) {
      return details::ThreadsInBlock();
    } else {
      return Parent::size();
    }
  }
};

// A group whose kind is known at run time: a block or some lanes.
class thread_group {
 public:
  thread_group(const thread_block&) : is_block_(true), lanes_(0) {}
  thread_group(const details::LaneGroup& lanes) : is_block_(false), lanes_(lanes) {}
  void sync(CUDA_HOST_SITE) const {
    if (is_block_) {
      ::cuda_host::BlockSync(file, line);
    } else {
      lanes_.sync(file, line);
    }
  }
  unsigned thread_rank() const { return is_block_ ? thread_block::thread_rank() : lanes_.thread_rank(); }
  unsigned size() const { return is_block_ ? thread_block::size() : lanes_.size(); }
  unsigned num_threads() const { return size(); }

 private:
  bool is_block_;
  details::LaneGroup lanes_;
  friend thread_group tiled_partition(const thread_group&, unsigned);
};

template <unsigned kSize, typename Parent>
thread_block_tile<kSize, Parent> tiled_partition(const Parent&) {
  return thread_block_tile<kSize, Parent>();
}
template <unsigned kSize>
coalesced_group tiled_partition(const coalesced_group& parent) {
  const unsigned rank = parent.thread_rank();
  unsigned mask = 0, place = 0;
  for (unsigned rest = parent.LaneMask(); rest != 0; rest &= rest - 1, ++place) {
    if (place / kSize == rank / kSize) mask |= rest & (0u - rest);
  }
  return coalesced_group(mask, rank / kSize, (parent.size() + kSize - 1) / kSize);
}
inline thread_group tiled_partition(const thread_group& parent, unsigned size) {
  const unsigned lane = details::ThreadRankInBlock() & 31;
  if (parent.is_block_) {
    return details::LaneGroup((details::FirstBits(size) << (lane & ~(size - 1))) & details::WarpLanes());
  }
  const unsigned rank = parent.thread_rank();
  unsigned mask = 0, place = 0;
  for (unsigned rest = parent.lanes_.LaneMask(); rest != 0; rest &= rest - 1, ++place) {
    if (place / size == rank / size) mask |= rest & (0u - rest);
  }
  return details::LaneGroup(mask);
}
inline coalesced_group tiled_partition(const coalesced_group& parent, unsigned size) {
  const unsigned rank = parent.thread_rank();
  unsigned mask = 0, place = 0;
  for (unsigned rest = parent.LaneMask(); rest != 0; rest &= rest - 1, ++place) {
    if (place / size == rank / size) mask |= rest & (0u - rest);
  }
  return coalesced_group(mask, rank / size, (parent.size() + size - 1) / size);
}

// Those whose label (or predicate) is the same.
template <typename Group, typename Label>
coalesced_group labeled_partition(const Group& group, Label label, CUDA_HOST_SITE) {
  const unsigned mask = ::cuda_host::WarpMatchAny(group.LaneMask(), ::cuda_host::internal::ToBits(label), file, line);
  return coalesced_group(mask);
}
template <typename Group>
coalesced_group binary_partition(const Group& group, bool predicate, CUDA_HOST_SITE) {
  return labeled_partition(group, predicate ? 1 : 0, file, line);
}

template <typename Group>
void sync(const Group& group, CUDA_HOST_SITE) {
  group.sync(file, line);
}
template <typename Group>
auto thread_rank(const Group& group) {
  return group.thread_rank();
}
template <typename Group>
auto group_size(const Group& group) {
  return group.size();
}
template <typename Group, typename Function, typename... Arguments>
void invoke_one(const Group& group, Function&& function, Arguments&&... arguments) {
  if (group.thread_rank() == 0) function(static_cast<Arguments&&>(arguments)...);
}

#undef CUDA_HOST_SITE

}  // namespace cooperative_groups

#endif  // CUDA_HOST_COOPERATIVE_GROUPS_H_
