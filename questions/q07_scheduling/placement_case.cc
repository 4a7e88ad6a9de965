#include "questions/q07_scheduling/placement_case.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace q07 {
namespace {

// Takes values off the front, as long as there are enough bytes.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <typename T>
  bool Read(T* value) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (bytes_.size() < sizeof *value) return false;
    std::memcpy(value, bytes_.data(), sizeof *value);
    bytes_ = bytes_.subspan(sizeof *value);
    return true;
  }
  template <typename T>
  bool Read(uint64_t count, std::vector<T>* values) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (count > bytes_.size() / sizeof(T)) return false;
    values->resize(count);
    if (count > 0) std::memcpy(values->data(), bytes_.data(), count * sizeof(T));
    bytes_ = bytes_.subspan(count * sizeof(T));
    return true;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace

std::vector<std::byte> EncodePlacement(const PlacementCase& placement_case) {
  PlacementRequestHeader header;
  header.policy = static_cast<int32_t>(placement_case.policy);
  header.seed = placement_case.seed;
  header.budget_seconds = placement_case.budget_seconds;
  header.nodes = static_cast<uint32_t>(placement_case.nodes.size());
  header.typical = static_cast<uint32_t>(placement_case.typical.size());
  header.operations = placement_case.operations.size();
  std::vector<std::byte> bytes;
  Append(&bytes, header);
  AppendAll(&bytes, std::span<const GpuNode>(placement_case.nodes));
  AppendAll(&bytes, std::span<const TypicalRequest>(placement_case.typical));
  AppendAll(&bytes, std::span<const PlacementOperation>(placement_case.operations));
  return bytes;
}

bool DecodePlacement(std::span<const std::byte> bytes, PlacementCase* placement_case) {
  Reader reader(bytes);
  PlacementRequestHeader header;
  if (!reader.Read(&header) || header.kind != RequestKind::kPlacement ||
      !reader.Read(header.nodes, &placement_case->nodes) || !reader.Read(header.typical, &placement_case->typical) ||
      !reader.Read(header.operations, &placement_case->operations) || !reader.empty()) {
    return false;
  }
  placement_case->policy = static_cast<PlacementPolicy>(header.policy);
  placement_case->seed = header.seed;
  placement_case->budget_seconds = header.budget_seconds;
  return std::ranges::all_of(placement_case->operations, [](const PlacementOperation& operation) {
    return operation.placer >= 0 && operation.placer < kPlacers;
  });
}

void AppendRecord(const PlacementRecord& record, std::span<const Share> shares, std::vector<std::byte>* bytes) {
  Append(bytes, record);
  AppendAll(bytes, shares.first(std::min<size_t>(record.size, kMaxRecordedShares)));
}

bool DecodeOutcome(std::span<const std::byte> bytes, PlacementOutcome* outcome) {
  Reader reader(bytes);
  if (!reader.Read(&outcome->reply)) return false;
  while (!reader.empty()) {
    PlacementRecord record;
    std::vector<Share> shares;
    if (!reader.Read(&record) || !reader.Read(std::min(record.size, kMaxRecordedShares), &shares)) return false;
    outcome->records.push_back(record);
    outcome->shares.push_back(std::move(shares));
  }
  return true;
}

}  // namespace q07
