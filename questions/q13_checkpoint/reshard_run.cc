#include "questions/q13_checkpoint/reshard_run.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>

#include "harness/files/crash_images.h"

namespace q13 {
namespace {

using workbench::FileTree;
using workbench::MemoryIo;

constexpr std::byte kPattern{0xa5};
constexpr std::byte kPoison{0x5a};

// Calls visit(index in the tensor of the row's first element, elements of the row) in row-major order.
template <typename Visit>
void ForEachRow(const TensorInfo& info, const ReshardBox& box, Visit visit) {
  const size_t dimensions = box.begin.size();
  if (ElementsOf(box.extent) == 0) return;
  std::vector<int64_t> at(dimensions);
  while (true) {
    int64_t index = 0;
    for (size_t d = 0; d < dimensions; ++d) index = index * info.shape[d] + box.begin[d] + at[d];
    visit(index, dimensions == 0 ? 1 : box.extent[dimensions - 1]);
    if (dimensions < 2) return;
    size_t d = dimensions - 1;
    while (d > 0 && at[d - 1] + 1 == box.extent[d - 1]) at[--d] = 0;
    if (d == 0) return;
    ++at[d - 1];
  }
}

double ThreadSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

int CallEntry(const ReshardEntries& entries, bool save, workbench::Io* io, Group* group,
              std::span<const Slice> slices) {
  try {
    return (save ? entries.save : entries.load)(io, group, kReshardDirectory, slices);
  } catch (...) {
    return kReshardThrew;
  }
}

}  // namespace

FileTree EmptyReshardTree() {
  FileTree tree;
  tree.directories.insert(kReshardDirectory);
  return tree;
}

BoxMemory::BoxMemory(const ReshardRequest& request, const RankBoxes& boxes, int misaligned)
    : request_(request), boxes_(boxes), misaligned_(misaligned) {
  for (const ReshardBox& box : boxes) {
    const ReshardTensor& tensor = request.tensors[static_cast<size_t>(box.tensor)];
    // What makes no sense has no elements that a right answer would touch.
    const int64_t elements = IsPlain(tensor, box) ? ElementsOf(box.extent) : 0;
    bytes_.push_back(static_cast<size_t>(elements * TypeBytes(tensor.info.type)));
    memory_.emplace_back(bytes_.back() + 2 * kAround + static_cast<size_t>(misaligned), kPattern);
    Slice slice{tensor.name, tensor.info, box.begin, box.extent, nullptr};
    if (bytes_.back() > 0 || !IsPlain(tensor, box)) slice.data = memory_.back().data() + kAround + misaligned;
    slices_.push_back(std::move(slice));
  }
}

void BoxMemory::Fill(int32_t version) {
  for (size_t i = 0; i < boxes_.size(); ++i) {
    const ReshardTensor& tensor = request_.tensors[static_cast<size_t>(boxes_[i].tensor)];
    if (bytes_[i] == 0) continue;
    const size_t width = static_cast<size_t>(TypeBytes(tensor.info.type));
    std::byte* to = Data(i);
    ForEachRow(tensor.info, boxes_[i], [&](int64_t index, int64_t elements) {
      for (int64_t k = 0; k < elements; ++k, to += width) {
        const uint64_t value = ElementOf(request_.seed, version, tensor, index + k);
        std::memcpy(to, &value, width);
      }
    });
  }
}

void BoxMemory::Poison() {
  for (size_t i = 0; i < boxes_.size(); ++i) std::fill_n(Data(i), bytes_[i], kPoison);
}

bool BoxMemory::SurroundingsIntact() const {
  for (size_t i = 0; i < boxes_.size(); ++i) {
    const size_t begin = kAround + static_cast<size_t>(misaligned_), end = begin + bytes_[i];
    const std::vector<std::byte>& memory = memory_[i];
    for (size_t k = 0; k < memory.size(); k = k + 1 == begin ? end : k + 1) {
      if (memory[k] != kPattern) return false;
    }
  }
  return true;
}

void BoxMemory::Compare(std::span<const int32_t> versions, ReshardRankRecord* record) const {
  record->elements = 0;
  record->matched = kAnyVersion;
  for (const int32_t version : versions) {
    int64_t differing = 0, elements = 0;
    for (size_t i = 0; i < boxes_.size(); ++i) {
      const ReshardTensor& tensor = request_.tensors[static_cast<size_t>(boxes_[i].tensor)];
      if (bytes_[i] == 0) continue;
      const size_t width = static_cast<size_t>(TypeBytes(tensor.info.type));
      const std::byte* from = Data(i);
      ForEachRow(tensor.info, boxes_[i], [&](int64_t index, int64_t count) {
        elements += count;
        for (int64_t k = 0; k < count; ++k, from += width) {
          const uint64_t expected = ElementOf(request_.seed, version, tensor, index + k);
          uint64_t actual = 0;
          std::memcpy(&actual, from, width);
          if (actual == expected || differing++ > 0 || version != versions.front()) continue;
          record->wrong_slice = static_cast<int32_t>(i);
          record->wrong_index = index + k;
          record->expected = expected;
          record->actual = actual;
          record->wrong_version = -1;
          for (int32_t other = 0; other < 4 && width > 1; ++other) {
            if (ElementOf(request_.seed, other, tensor, index + k) == actual) record->wrong_version = other;
          }
        }
      });
    }
    if (version == versions.front()) record->differing = differing;
    record->elements = elements;
    if (elements == 0) return;
    record->matched = differing == 0 ? version : -1;
    if (differing == 0) {
      record->wrong_slice = -1;
      record->differing = 0;
      return;
    }
  }
}

ReshardStepRecord RunReshardCall(const ReshardEntries& entries, const ReshardRequest& request, const ReshardCall& call,
                                 MemoryIo* io) {
  const Layout& layout = request.layouts[static_cast<size_t>(call.layout)];
  const int ranks = static_cast<int>(layout.size());
  std::unique_ptr<TurnOrder> order;
  if (call.order >= 0) order = std::make_unique<TurnOrder>(ranks, static_cast<uint64_t>(call.order));
  ThreadGroup group(ranks, order.get());
  if (call.lost_rank >= 0) group.LoseAt(call.lost_rank, call.lost_at);

  std::vector<std::unique_ptr<workbench::Io>> views;
  std::vector<std::unique_ptr<BoxMemory>> memory;
  for (int rank = 0; rank < ranks; ++rank) {
    views.push_back(io->ForRank(rank));
    memory.push_back(std::make_unique<BoxMemory>(request, layout[static_cast<size_t>(rank)], call.misaligned));
    if (call.save) {
      memory.back()->Fill(call.versions.front());
    } else {
      memory.back()->Poison();
    }
  }
  io->ResetCounters();
  if (order != nullptr) io->SetBeforeOperation([&](int rank) { order->BeforeOperation(rank); });

  ReshardStepRecord result;
  result.ranks.resize(static_cast<size_t>(ranks));
  const auto start = std::chrono::steady_clock::now();
  group.Run([&](int rank) {
    const size_t at = static_cast<size_t>(rank);
    ReshardRankRecord& record = result.ranks[at];
    if (call.mark) io->Mark(rank, kSaveBegins);
    const double before = ThreadSeconds();
    record.code = CallEntry(entries, call.save, views[at].get(), group.rank(rank), memory[at]->slices());
    record.cpu_seconds = ThreadSeconds() - before;
    if (call.mark && record.code == 0) io->Mark(rank, kSaveReturned);
  });
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (order != nullptr) io->SetBeforeOperation(nullptr);

  for (int rank = 0; rank < ranks; ++rank) {
    const size_t at = static_cast<size_t>(rank);
    ReshardRankRecord& record = result.ranks[at];
    const workbench::IoCounters counters = io->Counters(rank);
    record.read_bytes = counters.read_bytes;
    record.written_bytes = counters.written_bytes;
    if (call.save || record.code == 0) memory[at]->Compare(call.versions, &record);
    if (call.save && record.matched == -1) record.overrun = 2;
    if (!memory[at]->SurroundingsIntact()) record.overrun = 1;
    if (call.gathers != nullptr) call.gathers->push_back(group.gathers(rank));
  }
  // Of a group that was broken on purpose some ranks never come, and that is no misuse.
  if (call.lost_rank < 0) result.misuse = group.misuse();
  const FileTree tree = io->Tree();
  result.files = static_cast<int64_t>(tree.files.size());
  result.bytes = static_cast<int64_t>(tree.TotalBytes());
  return result;
}

FileTree LeastThatIsLeft(const MemoryIo& io) {
  workbench::CrashReplay replay(io.Start());
  for (const workbench::IoOperation& operation : io.Log()) {
    if (operation.kind != workbench::IoKind::kMark) replay.Apply(operation);
  }
  const auto units = replay.Units();
  return replay.Image(units, std::vector<bool>(units.size(), false));
}

}  // namespace q13
