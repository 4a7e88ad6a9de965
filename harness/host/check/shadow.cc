#include "harness/host/check/shadow.h"

#include <algorithm>

namespace cuda_host::check {

bool Shadow::DefinedByRanges(uintptr_t address) const {
  auto range = undefined_.upper_bound(address);
  if (range == undefined_.begin()) return true;
  --range;
  return address >= range->second;
}

std::unique_ptr<Shadow::Page> Shadow::MakePage(uintptr_t begin) const {
  auto page = std::make_unique<Page>();
  for (size_t i = 0; i < kPage; ++i) {
    if (DefinedByRanges(begin + i)) (*page)[i / 4].defined |= 1u << i % 4;
  }
  return page;
}

void Shadow::Reset(uintptr_t begin, size_t bytes, bool defined) {
  SetDefined(begin, bytes, defined);
  const uintptr_t end = begin + bytes;
  for (uintptr_t at = begin; at < end;) {
    const uintptr_t page_end = (at / kPage + 1) * kPage;
    if (at % kPage == 0 && page_end <= end) {
      pages_.erase(at / kPage);
      if (last_page_ == at / kPage) last_page_ = ~uintptr_t{0};
    } else if (Page* const page = Find(at); page != nullptr) {
      for (uintptr_t word = (at + 3) / 4 * 4; word + 4 <= std::min(end, page_end); word += 4) {
        Word& reset = (*page)[word % kPage / 4];
        reset.cell = Cell{};
        reset.split = 0;
      }
    }
    at = page_end;
  }
}

void Shadow::SetDefined(uintptr_t begin, size_t bytes, bool defined) {
  if (bytes == 0) return;
  const uintptr_t end = begin + bytes;
  // The ranges: take this one out, then put it in if it is undefined.
  auto range = undefined_.upper_bound(begin);
  if (range != undefined_.begin()) --range;
  while (range != undefined_.end() && range->first < end) {
    const auto [from, to] = *range;
    if (to <= begin) {
      ++range;
      continue;
    }
    range = undefined_.erase(range);
    if (from < begin) undefined_[from] = begin;
    if (to > end) undefined_[end] = to;
  }
  if (!defined) undefined_[begin] = end;
  // And the pages that are made.
  for (uintptr_t at = begin; at < end;) {
    const uintptr_t stop = std::min(end, (at / kPage + 1) * kPage);
    Page* const page = Find(at);
    for (; page != nullptr && at < stop; ++at) {
      Word& word = (*page)[at % kPage / 4];
      const uint8_t bit = static_cast<uint8_t>(1u << at % 4);
      word.defined = defined ? word.defined | bit : word.defined & ~bit;
    }
    at = stop;
  }
}

void Shadow::CopyDefined(uintptr_t to, uintptr_t from, size_t bytes) {
  // Runs of equal state, so that large defined copies are one step.
  size_t begin = 0;
  const auto is_defined = [&](size_t i) {
    Page* const page = Find(from + i);
    if (page == nullptr) return DefinedByRanges(from + i);
    return ((*page)[(from + i) % kPage / 4].defined >> (from + i) % 4 & 1) != 0;
  };
  while (begin < bytes) {
    const bool defined = is_defined(begin);
    size_t end = begin + 1;
    while (end < bytes && is_defined(end) == defined) ++end;
    SetDefined(to + begin, end - begin, defined);
    begin = end;
  }
}

}  // namespace cuda_host::check
