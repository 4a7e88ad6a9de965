// What is remembered of every byte that checked code touches: who wrote it last, who read it, whether it was written at
// all.
#ifndef HARNESS_HOST_CHECK_SHADOW_H_
#define HARNESS_HOST_CHECK_SHADOW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>

namespace cuda_host::check {

// One access: a segment, the place in the code, and whether it was an atomic or volatile one.
struct Past {
  uint32_t segment = 0;  // 0: none
  uint32_t place : 30 = 0;
  uint32_t flag : 1 = 0;
  uint32_t in_warp : 1 = 0;  // a volatile access to shared memory: no flag between lanes of one warp
};

struct Cell {
  Past write;
  Past reads[2];
};

// Four bytes. They share a cell until an access touches only some of them.
struct Word {
  Cell cell;
  uint32_t split = 0;   // 1 + index of the four bytes' own cells
  uint8_t defined = 0;  // a bit a byte
};

class Shadow {
 public:
  // The word that holds `address`; made, with its bytes taken for defined, if nobody has declared them before.
  Word& At(uintptr_t address) {
    const uintptr_t page = address / kPage;
    if (page != last_page_) {
      auto& entry = pages_[page];
      if (entry == nullptr) entry = MakePage(page * kPage);
      last_page_ = page;
      last_ = entry.get();
    }
    return (*last_)[address % kPage / 4];
  }
  std::array<Cell, 4>& Split(Word* word) {
    if (word->split == 0) {
      split_.emplace_back();
      split_.back().fill(word->cell);
      word->split = static_cast<uint32_t>(split_.size());
    }
    return split_[word->split - 1];
  }
  // For a few bytes that are being written.
  void SetDefinedBits(uintptr_t begin, size_t bytes) {
    for (uintptr_t at = begin; at < begin + bytes;) {
      Word& word = At(at);
      do {
        word.defined |= static_cast<uint8_t>(1u << at % 4);
      } while (++at < begin + bytes && at % 4 != 0);
    }
  }
  // Forgets all accesses, and sets whether the bytes are defined.
  void Reset(uintptr_t begin, size_t bytes, bool defined);
  void SetDefined(uintptr_t begin, size_t bytes, bool defined);
  void CopyDefined(uintptr_t to, uintptr_t from, size_t bytes);

 private:
  static constexpr uintptr_t kPage = 4096;
  using Page = std::array<Word, kPage / 4>;
  Page* Find(uintptr_t address) const {
    const auto found = pages_.find(address / kPage);
    return found == pages_.end() ? nullptr : found->second.get();
  }
  std::unique_ptr<Page> MakePage(uintptr_t begin) const;
  bool DefinedByRanges(uintptr_t address) const;

  std::map<uintptr_t, uintptr_t> undefined_;  // begin to end: bytes of pages that are not made
  std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages_;
  std::deque<std::array<Cell, 4>> split_;
  uintptr_t last_page_ = ~uintptr_t{0};
  Page* last_ = nullptr;
};

}  // namespace cuda_host::check

#endif  // HARNESS_HOST_CHECK_SHADOW_H_
