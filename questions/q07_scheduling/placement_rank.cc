#include "questions/q07_scheduling/placement_rank.h"

#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <unordered_map>

#include "questions/q07_scheduling/placement_case.h"

namespace q07 {
namespace {

using workbench::Error;
using workbench::Status;
using Clock = std::chrono::steady_clock;

// What is held: request and shares as they were then.
struct Held {
  Request request;
  std::vector<Share> shares;
};

// A placer, made from copies that are overwritten afterwards: they are valid during the call only.
std::unique_ptr<Placer> Create(decltype(&q07_placer_create) create, const PlacementCase& from) {
  std::vector<GpuNode> nodes = from.nodes;
  std::vector<TypicalRequest> typical = from.typical;
  PlacementConfig config;
  config.policy = from.policy;
  config.typical = typical;
  config.seed = from.seed;
  std::unique_ptr<Placer> placer(create(nodes, config));
  constexpr int64_t kNonsense = 0x5555;
  std::ranges::fill(nodes, GpuNode{kNonsense, kNonsense, 1, kNonsense, 7, 0, 77});
  std::ranges::fill(typical, TypicalRequest{{kNonsense, kNonsense, 1, 999, kNonsense, 1, Scope::kNode, 1}, 1.0});
  return placer;
}

// Of this process, all threads; what else runs on the machine does not count.
double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class Performance {
 public:
  explicit Performance(std::array<std::unique_ptr<Placer>, kPlacers> placers) : placers_(std::move(placers)) {}

  void Perform(const PlacementOperation& operation, std::vector<std::byte>* records) {
    Placer& placer = *placers_[static_cast<size_t>(operation.placer)];
    switch (operation.op) {
      case PlacementOp::kPlace: {
        // One vector for all calls: an answer that adds to what it finds there is noticed.
        PlacementRecord record;
        record.placed = placer.Place(operation.request, &shares_);
        record.size = static_cast<uint32_t>(std::min<size_t>(shares_.size(), UINT32_MAX));
        AppendRecord(record, shares_, records);
        if (record.placed != 0) held_[operation.id] = {operation.request, shares_};
        break;
      }
      case PlacementOp::kRelease:
        if (const auto it = held_.find(operation.id); it != held_.end()) {
          placer.Release(it->second.request, it->second.shares);
          held_.erase(it);
        }
        break;
      case PlacementOp::kSetUp:
        placer.SetUp(operation.node, operation.up != 0);
        break;
    }
  }

 private:
  std::array<std::unique_ptr<Placer>, kPlacers> placers_;
  std::vector<Share> shares_;
  std::unordered_map<int32_t, Held> held_;
};

}  // namespace

Status PlacementRank::Load(void* library) {
  create_ = reinterpret_cast<decltype(create_)>(dlsym(library, "q07_placer_create"));
  if (create_ == nullptr) {
    return Error("the implementation does not define q07_placer_create as placement_api.h declares it");
  }
  return Status::Ok();
}

workbench::Result<std::vector<std::byte>> PlacementRank::Run(std::span<const std::byte> request) {
  PlacementCase placement_case;
  if (!DecodePlacement(request, &placement_case)) return Error("a placement case that is malformed");
  PlacementReply reply;
  std::array<std::unique_ptr<Placer>, kPlacers> placers;
  const auto start = Clock::now();
  const double cpu_start = CpuSeconds();
  for (auto& placer : placers) {
    placer = Create(create_, placement_case);
    if (placer != nullptr) ++reply.created;
    // The second one is there for scripts that use it.
    const bool needs_more =
        std::ranges::any_of(placement_case.operations, [](const auto& one) { return one.placer > 0; });
    if (!needs_more) break;
  }
  std::vector<std::byte> records;
  // An operation on a placer that was not made is left out; the grader does not get that far.
  const bool complete = std::ranges::none_of(placement_case.operations, [&](const PlacementOperation& operation) {
    return placers[static_cast<size_t>(operation.placer)] == nullptr;
  });
  if (complete) {
    Performance performance(std::move(placers));
    for (const PlacementOperation& operation : placement_case.operations) {
      if (placement_case.budget_seconds > 0 && CpuSeconds() - cpu_start > placement_case.budget_seconds) {
        reply.out_of_time = 1;
        break;
      }
      performance.Perform(operation, &records);
      ++reply.done;
    }
  }
  reply.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<std::byte> bytes;
  Append(&bytes, reply);
  bytes.insert(bytes.end(), records.begin(), records.end());
  return bytes;
}

}  // namespace q07
