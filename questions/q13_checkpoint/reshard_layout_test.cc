// The layouts and bounds of part d's checks, against what is counted element by element.
#include "questions/q13_checkpoint/reshard_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace q13 {
namespace {

using testing::ElementsAre;

ReshardTensor Make(Type type, std::vector<int64_t> shape) { return {"t", {type, std::move(shape)}, 1}; }

bool Holds(const ReshardBox& box, const std::vector<int64_t>& place) {
  for (size_t d = 0; d < place.size(); ++d) {
    if (place[d] < box.begin[d] || place[d] >= box.begin[d] + box.extent[d]) return false;
  }
  return true;
}

std::vector<int64_t> PlaceOf(const ReshardTensor& tensor, int64_t index) {
  std::vector<int64_t> place(tensor.info.shape.size());
  for (size_t d = place.size(); d-- > 0;) {
    place[d] = index % tensor.info.shape[d];
    index /= tensor.info.shape[d];
  }
  return place;
}

// How many ranks have each element.
std::vector<int> Holders(const ReshardTensor& tensor, const Layout& layout) {
  std::vector<int> holders;
  for (int64_t i = 0; i < ElementsOf(tensor.info.shape); ++i) {
    const std::vector<int64_t> place = PlaceOf(tensor, i);
    holders.push_back(static_cast<int>(std::count_if(layout.begin(), layout.end(), [&](const RankBoxes& boxes) {
      return std::any_of(boxes.begin(), boxes.end(), [&](const ReshardBox& box) { return Holds(box, place); });
    })));
  }
  return holders;
}

TEST(CutPointsTest, CutsAsItSays) {
  LayoutRandom random(1);
  EXPECT_THAT(CutPoints(10, 4, Cut::kCeiling, &random), ElementsAre(0, 3, 6, 9, 10));
  EXPECT_THAT(CutPoints(10, 4, Cut::kFloor, &random), ElementsAre(0, 3, 6, 8, 10));
  EXPECT_THAT(CutPoints(10, 4, Cut::kTinyFirst, &random), ElementsAre(0, 1, 2, 3, 10));
  EXPECT_THAT(CutPoints(2, 4, Cut::kCeiling, &random), ElementsAre(0, 1, 2, 2, 2));
  for (int i = 0; i < 100; ++i) {
    const std::vector<int64_t> points = CutPoints(10, 7, Cut::kUneven, &random);
    EXPECT_EQ(points.front(), 0);
    EXPECT_EQ(points.back(), 10);
    for (size_t k = 0; k + 1 < points.size(); ++k) EXPECT_LT(points[k], points[k + 1]);
  }
}

TEST(LayoutTest, GridsHoldEachElementOnceAndRandomOnesAtLeastOnce) {
  LayoutRandom random(2);
  const ReshardTensor tensor = Make(Type::kF32, {5, 7, 3});
  for (int i = 0; i < 200; ++i) {
    Layout grid(3), apart(4), overlapping(4);
    AddGrid(tensor, 0, std::vector<int64_t>{2, 4, 1}, static_cast<Cut>(i % 5), i, &random, &grid);
    AddRandom(tensor, 0, false, &random, &apart);
    AddRandom(tensor, 0, true, &random, &overlapping);
    for (const int holders : Holders(tensor, grid)) EXPECT_EQ(holders, 1);
    for (const int holders : Holders(tensor, apart)) EXPECT_EQ(holders, 1);
    for (const int holders : Holders(tensor, overlapping)) EXPECT_GE(holders, 1);
    for (const RankBoxes& boxes : overlapping) {
      for (const ReshardBox& box : boxes) EXPECT_TRUE(IsPlain(tensor, box));
    }
    EXPECT_EQ(UniqueBytes(std::vector{tensor}, overlapping), 4 * 5 * 7 * 3);
  }
}

TEST(LayoutTest, SharesAreWhatIsCounted) {
  LayoutRandom random(3);
  const ReshardTensor tensor = Make(Type::kF64, {6, 5});
  for (int i = 0; i < 100; ++i) {
    Layout layout(3);
    AddRandom(tensor, 0, true, &random, &layout);
    const std::vector<int> holders = Holders(tensor, layout);
    const std::vector<double> shares = ShareBytes(std::vector{tensor}, layout);
    for (size_t rank = 0; rank < layout.size(); ++rank) {
      double share = 0;
      for (int64_t k = 0; k < 30; ++k) {
        if (Holders(tensor, {layout[rank]})[static_cast<size_t>(k)] > 0) share += 8.0 / holders[static_cast<size_t>(k)];
      }
      EXPECT_NEAR(shares[rank], share, 1e-6);
    }
  }
}

// Whatever a chunk begins at, the chunks of a box that have wanted bytes are no more than the bound.
TEST(ReadBoundsTest, ChunksAtAnyPlaceAreWithinTheBound) {
  LayoutRandom random(4);
  const ReshardTensor tensor = Make(Type::kU8, {12, 50000});
  const std::vector<ReshardTensor> tensors = {tensor};
  for (int i = 0; i < 60; ++i) {
    Layout saved(3), loaded(1);
    AddAxis(tensor, 0, i % 2, Cut::kUneven, &random, &saved);
    AddAnyBoxes(tensor, 0, 1, false, &random, &loaded);
    const ReshardBox& wanted = loaded[0][0];
    const int64_t bound = ReadBounds(tensors, saved, loaded)[0] - 2 * MetadataBound(tensors, saved);
    int64_t read = 0;
    for (const RankBoxes& boxes : saved) {
      for (const ReshardBox& box : boxes) {
        const int64_t shift = random.Below(kShardChunk);  // where in a chunk the box begins
        std::set<int64_t> chunks;
        for (int64_t row = 0; row < box.extent[0]; ++row) {
          const int64_t y = box.begin[0] + row;
          const int64_t first = std::max(box.begin[1], wanted.begin[1]);
          const int64_t last = std::min(box.begin[1] + box.extent[1], wanted.begin[1] + wanted.extent[1]);
          if (y < wanted.begin[0] || y >= wanted.begin[0] + wanted.extent[0] || first >= last) continue;
          const int64_t at = shift + row * box.extent[1] - box.begin[1];
          for (int64_t chunk = (at + first) / kShardChunk; chunk <= (at + last - 1) / kShardChunk; ++chunk) {
            chunks.insert(chunk);
          }
        }
        read += static_cast<int64_t>(chunks.size()) * kShardChunk;
      }
    }
    EXPECT_LE(read, bound);
    EXPECT_GE(bound, BoxBytes(tensors, loaded[0]));
  }
}

TEST(ReadBoundsTest, OfAPartOfLongRowsIsFarBelowTheWhole) {
  LayoutRandom random(5);
  const ReshardTensor tensor = Make(Type::kF32, {8, 262144});
  Layout saved(4), loaded(4);
  AddAxis(tensor, 0, 0, Cut::kFloor, &random, &saved);
  AddAxis(tensor, 0, 1, Cut::kFloor, &random, &loaded);
  for (const int64_t bound : ReadBounds(std::vector{tensor}, saved, loaded)) EXPECT_LT(bound, (8 << 20) / 2);
}

}  // namespace
}  // namespace q13
