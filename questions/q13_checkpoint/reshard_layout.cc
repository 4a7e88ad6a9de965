#include "questions/q13_checkpoint/reshard_layout.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace q13 {
namespace {

// Calls visit(begin, extent) for each part of the grid that `points` makes, row-major.
template <typename Visit>
void ForEachCell(const std::vector<std::vector<int64_t>>& points, Visit visit) {
  const size_t dimensions = points.size();
  std::vector<size_t> at(dimensions);
  std::vector<int64_t> begin(dimensions), extent(dimensions);
  for (const auto& one : points) {
    if (one.size() < 2) return;
  }
  while (true) {
    for (size_t d = 0; d < dimensions; ++d) {
      begin[d] = points[d][at[d]];
      extent[d] = points[d][at[d] + 1] - begin[d];
    }
    visit(begin, extent);
    size_t d = dimensions;
    while (d > 0 && at[d - 1] + 2 == points[d - 1].size()) at[--d] = 0;
    if (d == 0) return;
    ++at[d - 1];
  }
}

RankBoxes& Of(Layout* layout, int64_t rank) { return (*layout)[static_cast<size_t>(rank) % layout->size()]; }

std::vector<int64_t> Zeros(const ReshardTensor& tensor) { return std::vector<int64_t>(tensor.info.shape.size()); }

// Cuts the box at random into about `parts`.
void Split(const ReshardBox& box, int64_t parts, LayoutRandom* random, std::vector<ReshardBox>* boxes) {
  std::vector<size_t> axes;
  for (size_t d = 0; d < box.extent.size(); ++d) {
    if (box.extent[d] > 1) axes.push_back(d);
  }
  if (parts < 2 || axes.empty()) {
    boxes->push_back(box);
    return;
  }
  const size_t d = axes[static_cast<size_t>(random->Below(static_cast<int64_t>(axes.size())))];
  const int64_t first = 1 + random->Below(box.extent[d] - 1);
  ReshardBox left = box, right = box;
  left.extent[d] = first;
  right.begin[d] += first;
  right.extent[d] -= first;
  const int64_t share = 1 + random->Below(parts - 1);
  Split(left, share, random, boxes);
  Split(right, parts - share, random, boxes);
}

// Bytes of the union of [begin - C, end + C) of the runs of bytes that `inner` has in the row-major order of `outer`,
// which has it inside.
int64_t DilatedRuns(const ReshardBox& inner, std::span<const int64_t> outer_begin,
                    std::span<const int64_t> outer_extent, int64_t element_bytes) {
  const size_t dimensions = inner.begin.size();
  std::vector<int64_t> stride(dimensions, 1);
  for (size_t d = dimensions; d-- > 1;) stride[d - 1] = stride[d] * outer_extent[d];
  std::vector<int64_t> at(dimensions);
  int64_t covered = 0, end_of_last = 0;
  bool first = true;
  const int64_t row = dimensions == 0 ? 1 : inner.extent[dimensions - 1];
  while (true) {
    int64_t offset = 0;
    for (size_t d = 0; d < dimensions; ++d) offset += (inner.begin[d] - outer_begin[d] + at[d]) * stride[d];
    const int64_t begin = offset * element_bytes - kShardChunk;
    const int64_t end = (offset + row) * element_bytes + kShardChunk;
    covered += end - (first ? begin : std::max(begin, end_of_last));
    end_of_last = end;
    first = false;
    if (dimensions < 2) return covered;
    size_t d = dimensions - 1;
    while (d > 0 && at[d - 1] + 1 == inner.extent[d - 1]) at[--d] = 0;
    if (d == 0) return covered;
    ++at[d - 1];
  }
}

bool Intersect(const ReshardBox& a, const ReshardBox& b, ReshardBox* both) {
  *both = a;
  for (size_t d = 0; d < a.begin.size(); ++d) {
    both->begin[d] = std::max(a.begin[d], b.begin[d]);
    both->extent[d] = std::min(a.begin[d] + a.extent[d], b.begin[d] + b.extent[d]) - both->begin[d];
  }
  return ElementsOf(both->extent) > 0;
}

// Calls visit(bytes, ranks) for each cell of a tensor that no box cuts, with the ranks that hold it.
template <typename Visit>
void ForEachHolding(std::span<const ReshardTensor> tensors, const Layout& layout, Visit visit) {
  for (size_t number = 0; number < tensors.size(); ++number) {
    const TensorInfo& info = tensors[number].info;
    const size_t dimensions = info.shape.size();
    // Boxes that several ranks have are looked at once.
    std::map<std::pair<std::vector<int64_t>, std::vector<int64_t>>, std::set<size_t>> boxes;
    for (size_t rank = 0; rank < layout.size(); ++rank) {
      for (const ReshardBox& box : layout[rank]) {
        if (box.tensor == static_cast<int32_t>(number) && ElementsOf(box.extent) > 0) {
          boxes[{box.begin, box.extent}].insert(rank);
        }
      }
    }
    std::vector<std::set<int64_t>> edges(dimensions);
    for (const auto& [box, ranks] : boxes) {
      for (size_t d = 0; d < dimensions; ++d) {
        edges[d].insert(box.first[d]);
        edges[d].insert(box.first[d] + box.second[d]);
      }
    }
    std::vector<std::vector<int64_t>> points(dimensions);
    for (size_t d = 0; d < dimensions; ++d) points[d].assign(edges[d].begin(), edges[d].end());
    if (boxes.empty()) continue;
    ForEachCell(points, [&](const std::vector<int64_t>& begin, const std::vector<int64_t>& extent) {
      std::set<size_t> ranks;
      for (const auto& [box, holders] : boxes) {
        bool inside = true;
        for (size_t d = 0; d < dimensions; ++d) {
          inside = inside && box.first[d] <= begin[d] && begin[d] < box.first[d] + box.second[d];
        }
        if (inside) ranks.insert(holders.begin(), holders.end());
      }
      if (!ranks.empty()) visit(ElementsOf(extent) * TypeBytes(info.type), ranks);
    });
  }
}

}  // namespace

uint64_t LayoutRandom::Next() {
  uint64_t value = state_ += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

std::vector<int64_t> CutPoints(int64_t extent, int64_t parts, Cut cut, LayoutRandom* random) {
  std::vector<int64_t> points(static_cast<size_t>(parts) + 1);
  const bool full = cut == Cut::kUneven && extent >= parts;
  for (int64_t i = 0; i <= parts; ++i) {
    int64_t& point = points[static_cast<size_t>(i)];
    switch (cut) {
      case Cut::kCeiling:
        point = std::min(extent, i * ((extent + parts - 1) / parts));
        break;
      case Cut::kFloor:
        point = i * (extent / parts) + std::min(i, extent % parts);
        break;
      case Cut::kRandom:
        point = i == 0 ? 0 : i == parts ? extent : random->Below(extent + 1);
        break;
      case Cut::kUneven:  // of what is left when each part has one
        point = i == 0 ? 0 : i == parts ? extent - (full ? parts : 0) : random->Below(extent - (full ? parts : 0) + 1);
        break;
      case Cut::kTinyFirst:
        point = i == parts ? extent : std::min(i, extent);
        break;
    }
  }
  std::sort(points.begin(), points.end());
  for (size_t i = 0; full && i < points.size(); ++i) points[i] += static_cast<int64_t>(i);
  return points;
}

void AddGrid(const ReshardTensor& tensor, int32_t number, std::span<const int64_t> grid, Cut cut, int first,
             LayoutRandom* random, Layout* layout) {
  std::vector<std::vector<int64_t>> points;
  for (size_t d = 0; d < grid.size(); ++d) points.push_back(CutPoints(tensor.info.shape[d], grid[d], cut, random));
  int64_t part = first;
  ForEachCell(points, [&](const std::vector<int64_t>& begin, const std::vector<int64_t>& extent) {
    Of(layout, part++).push_back({number, begin, extent});
  });
}

void AddAxis(const ReshardTensor& tensor, int32_t number, int axis, Cut cut, LayoutRandom* random, Layout* layout) {
  std::vector<int64_t> grid(tensor.info.shape.size(), 1);
  if (!grid.empty()) grid[static_cast<size_t>(axis) % grid.size()] = static_cast<int64_t>(layout->size());
  AddGrid(tensor, number, grid, cut, 0, random, layout);
}

void AddWhole(const ReshardTensor& tensor, int32_t number, int first, int last, Layout* layout) {
  for (int rank = first; rank < last; ++rank) Of(layout, rank).push_back({number, Zeros(tensor), tensor.info.shape});
}

void AddRandom(const ReshardTensor& tensor, int32_t number, bool overlap, LayoutRandom* random, Layout* layout) {
  const int64_t ranks = static_cast<int64_t>(layout->size());
  const ReshardBox whole{number, Zeros(tensor), tensor.info.shape};
  const int64_t way = random->Below(4);
  std::vector<ReshardBox> boxes;
  if (way == 0) {
    boxes.push_back(whole);
  } else if (way == 1 && !tensor.info.shape.empty()) {
    const size_t axis = static_cast<size_t>(random->Below(static_cast<int64_t>(tensor.info.shape.size())));
    const std::vector<int64_t> points =
        CutPoints(tensor.info.shape[axis], ranks, static_cast<Cut>(random->Below(4)), random);
    for (size_t i = 0; i + 1 < points.size(); ++i) {
      boxes.push_back(whole);
      boxes.back().begin[axis] = points[i];
      boxes.back().extent[axis] = points[i + 1] - points[i];
    }
  } else {
    Split(whole, 1 + random->Below(2 * ranks), random, &boxes);
  }
  for (const ReshardBox& box : boxes) {
    const int64_t copies = overlap && random->OneIn(2) ? 1 + random->Below(std::min<int64_t>(ranks, 4)) : 1;
    const int64_t first = random->Below(ranks);
    for (int64_t copy = 0; copy < copies; ++copy) {
      ReshardBox mine = box;
      for (size_t d = 0; overlap && d < mine.begin.size(); ++d) {
        if (!random->OneIn(3)) continue;
        const int64_t before = random->Below(mine.begin[d] + 1);
        const int64_t after = random->Below(tensor.info.shape[d] - mine.begin[d] - mine.extent[d] + 1);
        mine.begin[d] -= before;
        mine.extent[d] += before + after;
      }
      Of(layout, first + copy).push_back(mine);
    }
  }
}

void AddAnyBoxes(const ReshardTensor& tensor, int32_t number, int boxes, bool empty, LayoutRandom* random,
                 Layout* layout) {
  for (int i = 0; i < boxes; ++i) {
    ReshardBox box{number, Zeros(tensor), tensor.info.shape};
    for (size_t d = 0; d < box.begin.size(); ++d) {
      const int64_t least = empty && random->OneIn(8) ? 0 : std::min<int64_t>(1, tensor.info.shape[d]);
      box.begin[d] = random->Below(tensor.info.shape[d] - least + 1);
      box.extent[d] = least + random->Below(tensor.info.shape[d] - box.begin[d] - least + 1);
    }
    Of(layout, empty ? random->Below(static_cast<int64_t>(layout->size())) : i).push_back(box);
  }
}

void Shuffle(LayoutRandom* random, Layout* layout) {
  for (RankBoxes& boxes : *layout) {
    for (size_t i = boxes.size(); i > 1; --i) {
      std::swap(boxes[i - 1], boxes[static_cast<size_t>(random->Below(static_cast<int64_t>(i)))]);
    }
  }
}

int64_t BoxBytes(std::span<const ReshardTensor> tensors, const RankBoxes& boxes) {
  int64_t bytes = 0;
  for (const ReshardBox& box : boxes) {
    bytes += ElementsOf(box.extent) * TypeBytes(tensors[static_cast<size_t>(box.tensor)].info.type);
  }
  return bytes;
}

int64_t MetadataBound(std::span<const ReshardTensor> tensors, const Layout& saved) {
  int64_t bytes = 4096 + 1024 * static_cast<int64_t>(saved.size());
  for (const RankBoxes& boxes : saved) {
    for (const ReshardBox& box : boxes) {
      const ReshardTensor& tensor = tensors[static_cast<size_t>(box.tensor)];
      const int64_t chunks = ElementsOf(box.extent) * TypeBytes(tensor.info.type) / kShardChunk + 1;
      const int64_t names = 4 * static_cast<int64_t>(tensor.name.size());
      bytes += 3 * (512 + 64 * static_cast<int64_t>(box.begin.size()) + names) + 64 * chunks;
    }
  }
  return bytes;
}

int64_t UniqueBytes(std::span<const ReshardTensor> tensors, const Layout& saved) {
  int64_t sum = 0;
  ForEachHolding(tensors, saved, [&](int64_t bytes, const std::set<size_t>&) { sum += bytes; });
  return sum;
}

std::vector<double> ShareBytes(std::span<const ReshardTensor> tensors, const Layout& saved) {
  std::vector<double> share(saved.size());
  ForEachHolding(tensors, saved, [&](int64_t bytes, const std::set<size_t>& ranks) {
    for (const size_t rank : ranks) share[rank] += static_cast<double>(bytes) / static_cast<double>(ranks.size());
  });
  return share;
}

std::vector<int64_t> ReadBounds(std::span<const ReshardTensor> tensors, const Layout& saved, const Layout& loaded) {
  std::vector<int64_t> bounds;
  for (const RankBoxes& boxes : loaded) {
    int64_t bound = 2 * MetadataBound(tensors, saved);
    for (const ReshardBox& box : boxes) {
      if (ElementsOf(box.extent) == 0) continue;
      const TensorInfo& info = tensors[static_cast<size_t>(box.tensor)].info;
      int64_t by_boxes = 0;
      for (const RankBoxes& stored : saved) {
        for (const ReshardBox& from : stored) {
          ReshardBox both;
          if (from.tensor != box.tensor || !Intersect(from, box, &both)) continue;
          by_boxes += DilatedRuns(both, from.begin, from.extent, TypeBytes(info.type));
        }
      }
      const std::vector<int64_t> zeros(info.shape.size());
      bound += std::max(by_boxes, DilatedRuns(box, zeros, info.shape, TypeBytes(info.type)));
    }
    bounds.push_back(bound);
  }
  return bounds;
}

std::string LayoutText(std::span<const ReshardTensor> tensors, const Layout& layout, int32_t only) {
  constexpr size_t kMost = 400;
  std::string text;
  for (size_t rank = 0; rank < layout.size() && text.size() < kMost; ++rank) {
    text += (rank == 0 ? "rank " : "; rank ") + std::to_string(rank) + ":";
    if (layout[rank].empty()) text += " nothing";
    for (const ReshardBox& box : layout[rank]) {
      if (only >= 0 && box.tensor != only) continue;
      if (only < 0) text += " " + NameText(tensors[static_cast<size_t>(box.tensor)].name);
      text += " " + BoxText(box);
      if (text.size() > kMost) break;
    }
  }
  return text.size() > kMost ? text.substr(0, kMost) + " ..." : text;
}

}  // namespace q13
