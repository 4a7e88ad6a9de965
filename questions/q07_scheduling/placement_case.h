// Part B's cases: a cluster, a policy and a script of operations on placers that are made from them. The reply says
// what the answer did: a PlacementReply, then a PlacementRecord for each kPlace, with its shares.
//
// A script does not know what an answer is going to choose: kRelease names the kPlace whose choice is given back, and
// nothing happens if that was refused, is not in the script, or has been released. So any operation can be left out of
// a script (a failure is shrunk that way).
#ifndef QUESTIONS_Q07_SCHEDULING_PLACEMENT_CASE_H_
#define QUESTIONS_Q07_SCHEDULING_PLACEMENT_CASE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "questions/q07_scheduling/placement_api.h"
#include "questions/q07_scheduling/protocol.h"

namespace q07 {

// Placers that live at once, all made from the same case.
inline constexpr int kPlacers = 2;
// Shares that are recorded of one placement; more are only counted. No request of a case asks for as many.
inline constexpr uint32_t kMaxRecordedShares = 64;

enum class PlacementOp : int32_t { kPlace = 0, kRelease = 1, kSetUp = 2 };

struct PlacementOperation {
  PlacementOp op = PlacementOp::kPlace;
  int32_t placer = 0;
  int32_t id = 0;    // kPlace: its own, unique in the script; kRelease: of the kPlace that is given back
  int32_t node = 0;  // kSetUp
  int32_t up = 0;    // kSetUp
  int32_t padding = 0;
  Request request;  // kPlace
};

struct PlacementCase {
  std::vector<GpuNode> nodes;
  PlacementPolicy policy = PlacementPolicy::kFirstFit;
  std::vector<TypicalRequest> typical;
  uint64_t seed = 0;
  // The runner gives up between operations once they have taken as much CPU time (the reply is short, and says so);
  // 0: never.
  double budget_seconds = 0;
  std::vector<PlacementOperation> operations;
};

// Followed by the nodes, the typical requests and the operations.
struct PlacementRequestHeader {
  RequestKind kind = RequestKind::kPlacement;
  int32_t policy = 0;
  uint64_t seed = 0;
  double budget_seconds = 0;
  uint32_t nodes = 0;
  uint32_t typical = 0;
  uint64_t operations = 0;
};

struct PlacementReply {
  int32_t created = 0;  // placers that q07_placer_create made, of kPlacers
  int32_t out_of_time = 0;
  uint64_t done = 0;   // operations
  double seconds = 0;  // that they took, by the wall clock
};

struct PlacementRecord {
  int32_t placed = 0;  // what Place returned
  uint32_t size = 0;   // of *shares after it; min(size, kMaxRecordedShares) Shares follow
};

struct PlacementOutcome {
  PlacementReply reply;
  std::vector<PlacementRecord> records;    // of the kPlace operations, in order
  std::vector<std::vector<Share>> shares;  // of each
};

std::vector<std::byte> EncodePlacement(const PlacementCase& placement_case);
// False for bytes that are no case. Both sides check: what comes from the other one is only bytes.
bool DecodePlacement(std::span<const std::byte> bytes, PlacementCase* placement_case);

void AppendRecord(const PlacementRecord& record, std::span<const Share> shares, std::vector<std::byte>* bytes);
// False for bytes that are no reply.
bool DecodeOutcome(std::span<const std::byte> bytes, PlacementOutcome* outcome);

}  // namespace q07

#endif  // QUESTIONS_Q07_SCHEDULING_PLACEMENT_CASE_H_
