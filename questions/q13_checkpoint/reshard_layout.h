// Layouts of tensors over ranks for part d's checks, and what may be read and written for them.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESHARD_LAYOUT_H_
#define QUESTIONS_Q13_CHECKPOINT_RESHARD_LAYOUT_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/reshard_case.h"

namespace q13 {

// splitmix64 (Steele, Lea, Flood 2014).
class LayoutRandom {
 public:
  explicit LayoutRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next();
  int64_t Below(int64_t bound) { return bound <= 1 ? 0 : static_cast<int64_t>(Next() % static_cast<uint64_t>(bound)); }
  bool OneIn(int64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

enum class Cut : int32_t { kCeiling = 0, kFloor, kRandom, kTinyFirst, kUneven };

// Where [0, extent) is cut into `parts` parts: parts + 1 numbers. kCeiling: parts of ceil(extent / parts), the last
// ones shorter or empty, as torch.chunk; kFloor: as even as can be, the first ones longer by one, as numpy.array_split;
// kRandom: anywhere, parts may be empty; kTinyFirst: the first parts have one each, the last all the rest; kUneven:
// anywhere, but no part is empty where that can be.
std::vector<int64_t> CutPoints(int64_t extent, int64_t parts, Cut cut, LayoutRandom* random);

// Adds the tensor to the layout, cut into a grid of grid[d] parts in each dimension d; part i (row-major) goes to rank
// (first + i) % ranks.
void AddGrid(const ReshardTensor& tensor, int32_t number, std::span<const int64_t> grid, Cut cut, int first,
             LayoutRandom* random, Layout* layout);
// Cut along one axis into as many parts as there are ranks.
void AddAxis(const ReshardTensor& tensor, int32_t number, int axis, Cut cut, LayoutRandom* random, Layout* layout);
// All of it on the ranks [first, last).
void AddWhole(const ReshardTensor& tensor, int32_t number, int first, int last, Layout* layout);
// Some way at random; every element on some rank, perhaps on several; `overlap`: boxes may overlap.
void AddRandom(const ReshardTensor& tensor, int32_t number, bool overlap, LayoutRandom* random, Layout* layout);
// A part of what there is, at random, for loading: boxes anywhere, on the ranks in turn; `empty`: some may be, and they
// are on any ranks.
void AddAnyBoxes(const ReshardTensor& tensor, int32_t number, int boxes, bool empty, LayoutRandom* random,
                 Layout* layout);
// The ranks' boxes in another order.
void Shuffle(LayoutRandom* random, Layout* layout);

// What files may have besides elements: names, shapes, boxes and checksums, in any format that is not wasteful. For
// each chunk 64 bytes (a checksum, an offset, a length); for each box 512 bytes, 64 for each dimension and the name
// four times; for each rank 1 KiB; and 4 KiB. A box that is shared may be cut into a box for each of its holders, and a
// box into rows where others overlap it: thrice the boxes, then.
int64_t MetadataBound(std::span<const ReshardTensor> tensors, const Layout& saved);

// Of all tensors, each element once.
int64_t UniqueBytes(std::span<const ReshardTensor> tensors, const Layout& saved);
// By rank: an element that h ranks hold counts 1 / h of its bytes on each of them.
std::vector<double> ShareBytes(std::span<const ReshardTensor> tensors, const Layout& saved);

// By rank of `loaded`: what it may read. REQUIRES: boxes of `saved` do not overlap.
//
// An element lies in some chunk of at most kShardChunk bytes. A chunk is a run of bytes of something: of the saved box
// (row-major), of the whole tensor, or of several boxes one after the other. What a box needs of a saved box is some
// runs of bytes in that order; a chunk that has a byte of a run begins and ends less than kShardChunk away from it. So
// each run may cost one chunk more at each of its two ends ("one chunk per boundary"), and runs that are closer than
// that share what lies between: the bound is the measure of the union of the runs, each made longer by kShardChunk at
// both ends, whether or not it still lies in the saved box (the chunk may go on with another box). It is taken in the
// order of the saved box and in that of the whole tensor, and the larger counts. Metadata is read by every rank,
// perhaps twice (once to find the newest).
std::vector<int64_t> ReadBounds(std::span<const ReshardTensor> tensors, const Layout& saved, const Layout& loaded);
// The bytes of the boxes themselves.
int64_t BoxBytes(std::span<const ReshardTensor> tensors, const RankBoxes& boxes);

// Of one tensor, or (-1) of all.
std::string LayoutText(std::span<const ReshardTensor> tensors, const Layout& layout, int32_t only = -1);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESHARD_LAYOUT_H_
