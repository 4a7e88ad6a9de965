// Boxes of a tensor: what two of them share, and in which runs of memory that lies.
#ifndef SOLUTIONS_Q13_CHECKPOINT_SHARD_BOXES_H_
#define SOLUTIONS_Q13_CHECKPOINT_SHARD_BOXES_H_

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace q13 {

struct Box {
  std::vector<int64_t> begin;
  std::vector<int64_t> extent;

  friend auto operator<=>(const Box&, const Box&) = default;
};

// REQUIRES: it is a part of a tensor whose bytes do not overflow.
inline int64_t Elements(const Box& box) {
  int64_t elements = 1;
  for (const int64_t extent : box.extent) {
    if (extent == 0) return 0;
  }
  for (const int64_t extent : box.extent) elements *= extent;
  return elements;
}

inline bool LiesIn(const Box& box, const std::vector<int64_t>& shape) {
  if (box.begin.size() != shape.size() || box.extent.size() != shape.size()) return false;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (box.begin[d] < 0 || box.extent[d] < 0) return false;
    if (box.begin[d] > shape[d] || box.extent[d] > shape[d] - box.begin[d]) return false;
  }
  return true;
}

// False: they share no element.
inline bool Intersect(const Box& a, const Box& b, Box* shared) {
  const size_t dimensions = a.begin.size();
  for (size_t d = 0; d < dimensions; ++d) {
    if (a.begin[d] >= b.begin[d] + b.extent[d] || b.begin[d] >= a.begin[d] + a.extent[d]) return false;
    if (a.extent[d] == 0 || b.extent[d] == 0) return false;
  }
  shared->begin.resize(dimensions);
  shared->extent.resize(dimensions);
  for (size_t d = 0; d < dimensions; ++d) {
    shared->begin[d] = std::max(a.begin[d], b.begin[d]);
    shared->extent[d] = std::min(a.begin[d] + a.extent[d], b.begin[d] + b.extent[d]) - shared->begin[d];
  }
  return true;
}

// Adds what is left of `box` without `cut`, which lies in it, as boxes that share nothing.
inline void Subtract(Box box, const Box& cut, std::vector<Box>* rest) {
  for (size_t d = 0; d < box.begin.size(); ++d) {
    const int64_t before = cut.begin[d] - box.begin[d];
    const int64_t after = box.extent[d] - before - cut.extent[d];
    for (const auto& [begin, extent] :
         {std::pair(box.begin[d], before), std::pair(cut.begin[d] + cut.extent[d], after)}) {
      if (extent == 0) continue;
      rest->push_back(box);
      rest->back().begin[d] = begin;
      rest->back().extent[d] = extent;
    }
    box.begin[d] = cut.begin[d];
    box.extent[d] = cut.extent[d];
  }
}

// The elements of a box as runs that are contiguous in two other boxes, `a` and `b`, each of which holds it.
class Overlap {
 public:
  Overlap(const Box& inner, const Box& a, const Box& b) {
    int64_t stride_a = 1;
    int64_t stride_b = 1;
    bool whole = true;  // of all dimensions behind this one
    for (size_t d = inner.begin.size(); d-- > 0;) {
      const int64_t extent = inner.extent[d];
      start_.a += (inner.begin[d] - a.begin[d]) * stride_a;
      start_.b += (inner.begin[d] - b.begin[d]) * stride_b;
      if (whole) {
        run_ *= extent;
      } else if (extent != 1) {
        outer_.push_back({extent, stride_a, stride_b});
      }
      whole = whole && extent == a.extent[d] && extent == b.extent[d];
      stride_a *= a.extent[d];
      stride_b *= b.extent[d];
    }
    std::reverse(outer_.begin(), outer_.end());
    for (const Dimension& dimension : outer_) runs_ *= dimension.extent;
  }

  bool single_run() const { return runs_ == 1; }

  // Calls use(place in a, place in b, elements) for each run, or part of one, among a's elements [first, last).
  template <typename Use>
  void ForEachRun(int64_t first, int64_t last, const Use& use) const {
    int64_t run = FirstRun(first);
    if (run == runs_) return;
    std::vector<int64_t> index(outer_.size());
    Place place = PlaceOf(run, &index);
    for (; run < runs_ && place.a < last; ++run) {
      const int64_t skipped = std::max<int64_t>(first - place.a, 0);
      use(place.a + skipped, place.b + skipped, std::min(place.a + run_, last) - place.a - skipped);
      for (size_t d = outer_.size(); d-- > 0;) {
        const Dimension& dimension = outer_[d];
        place.a += dimension.stride_a;
        place.b += dimension.stride_b;
        if (++index[d] < dimension.extent) break;
        index[d] = 0;
        place.a -= dimension.stride_a * dimension.extent;
        place.b -= dimension.stride_b * dimension.extent;
      }
    }
  }

 private:
  struct Dimension {
    int64_t extent;
    int64_t stride_a;
    int64_t stride_b;
  };
  struct Place {
    int64_t a = 0;
    int64_t b = 0;
  };

  Place PlaceOf(int64_t run, std::vector<int64_t>* index) const {
    Place place = start_;
    for (size_t d = outer_.size(); d-- > 0;) {
      (*index)[d] = run % outer_[d].extent;
      run /= outer_[d].extent;
      place.a += (*index)[d] * outer_[d].stride_a;
      place.b += (*index)[d] * outer_[d].stride_b;
    }
    return place;
  }

  // The first run that ends behind `first`: runs are in a's order.
  int64_t FirstRun(int64_t first) const {
    std::vector<int64_t> index(outer_.size());
    int64_t low = 0;
    int64_t high = runs_;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (PlaceOf(middle, &index).a + run_ > first) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  Place start_;
  int64_t run_ = 1;
  int64_t runs_ = 1;
  std::vector<Dimension> outer_;
};

}  // namespace q13

#endif  // SOLUTIONS_Q13_CHECKPOINT_SHARD_BOXES_H_
