// Part b's cases: scripts that all ranks run against one file system in memory, what is done to it, and what came of
// it. Grader and runner make the same tensors from a few numbers, so that neither sends any.
#ifndef QUESTIONS_Q13_CHECKPOINT_DURABLE_CASE_H_
#define QUESTIONS_Q13_CHECKPOINT_DURABLE_CASE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/protocol.h"

namespace q13 {

enum class Contents : int32_t {
  kSmall = 0,  // a few tensors of some sectors; each rank its own, rank 3 none
  kTypes = 1,  // every type, shapes of 0 .. 7 dimensions, empty ones, odd names
  kTiny = 2,   // a hundred bytes
  kLarge = 3,  // 48 KiB and more a rank
};
struct StateId {
  Contents contents = Contents::kSmall;
  int32_t number = 0;  // another one: other values, and some other shapes
};
State MakeState(const StateId& id, uint64_t seed, int rank);
// Of names, types, shapes and data.
uint64_t Digest(const State& state);
// The first of what differs, in a sentence; empty: nothing.
std::string DifferenceBetween(const State& got, const State& saved);

enum class ActionKind : int32_t {
  kSave = 0,
  kSaveAsync,  // then the tensors are overwritten
  kWait,
  kLoad,
  kSteps,
  kReopen,  // the store is destroyed, and one made anew
  kDamage,  // the longest write of the action `target`, by `rank` if it wrote: the middle half of its bytes change
  kFaults,  // from here on, of `fault`; -1: none
};

enum class Mistake : int32_t { kNone = 0, kTwice, kNegativeExtent, kOverflow, kNegativeStep };

struct Action {
  ActionKind kind = ActionKind::kLoad;
  StateId state = {};
  int64_t step = 0;                  // kLoad: or kLatest
  Mistake mistake = Mistake::kNone;  // kSave, kSaveAsync; of `rank` alone, or with -1 of all
  int32_t rank = -1;
  int32_t hold = 0;     // kSaveAsync: Io waits until every rank has returned from it
  int32_t target = -1;  // kDamage
  int32_t fault = -1;   // kFaults, of DurableRequest::faults
  int32_t padding = 0;
};

struct FaultPlan {
  uint64_t kinds = 0;  // bits of workbench::IoKind
  int64_t at = -1;     // kFaults: each in turn
  int64_t count = 1;
  int64_t space = -1;
  int32_t error = 0;
  int32_t rank = -1;
  int32_t short_io = 0;
  int32_t interrupt_every = 0;
};

enum class DurableMode : int32_t {
  kRun = 0,
  kCrash = 1,     // the log from the action `first` on is cut everywhere; `recovery` runs on each image
  kFaults = 2,    // the action `first` meets each fault, on each rank, at each operation; then the rest, then
                  // `recovery`, on what is there and on what a crash leaves that loses all it can
  kRankLost = 3,  // likewise: at each AllGather of the action, each rank
  kFlips = 4,     // `recovery` on each file with each bit changed, cut short and lengthened
  kGarbage = 5,   // ... and on each file with what is made up
  kRestart = 7,   // `recovery` on what is there, with `recovery_ranks` ranks
  kCreate = 6,    // q13_store_create with what makes no sense: one record for each, code 1 if it gave a store
};

struct DurableRequest {
  RequestKind kind = RequestKind::kDurable;
  DurableMode mode = DurableMode::kRun;
  int32_t ranks = 1;
  int32_t recovery_ranks = 1;
  int32_t keep = 2;
  int32_t first = 0;  // of main
  uint64_t seed = 0;
  int32_t order = 0;                                   // 1: operations of the ranks in an order by the seed
  int32_t exhaustive = 6, singles = 12, samples = 12;  // of crash images
  int64_t most_images = 1 << 20;                       // kCrash, kFlips; more bits than these are sampled
  std::vector<FaultPlan> faults;
  std::vector<Action> main;
  std::vector<Action> recovery;
};
std::vector<std::byte> Encode(const DurableRequest& request);
// Nothing for what makes no sense.
std::optional<DurableRequest> DecodeDurableRequest(std::span<const std::byte> bytes);

// What no function returns.
inline constexpr int32_t kThrew = -1000000;
inline constexpr int32_t kNoStore = -1000001;  // q13_store_create gave none
inline constexpr int32_t kNotRun = -1000002;

struct CallRecord {
  int32_t code = kNotRun;
  int32_t listed = 0;      // kSteps: how many there were
  int64_t step = -1;       // kLoad: loaded; kFaults: how many there were until then
  uint64_t digest = 0;     // kLoad
  int32_t state_left = 0;  // an error, and a state that is not empty
  int32_t late = 0;        // kSaveAsync: it returned only when Io went on
  int64_t steps[8] = {};   // kSteps: the first
};

struct Outcome {
  std::string example;  // the first that came out so
  uint64_t count = 0;
  int32_t begun = 0;                 // kCrash: actions of main that some rank had begun
  int32_t returned = 0;              // and that had returned on some rank
  int32_t fault_rank = -1;           // kFaults, kRankLost
  int32_t error = 0;                 // kFaults: the error given
  std::vector<CallRecord> main;      // [action * ranks + rank]
  std::vector<CallRecord> recovery;  // [action * recovery_ranks + rank]
  int64_t files = 0, bytes = 0;      // after main; kCrash: after recovery
  std::string misuse;                // of the group
  std::string difference;            // of the first tensor that was loaded and is not what was saved, in `example`
};

struct DurableReply {
  uint64_t cases = 0;    // images, faults, flips
  uint64_t dropped = 0;  // outcomes beyond the most that are sent
  std::vector<Outcome> outcomes;
};
std::vector<std::byte> Encode(const DurableReply& reply);
std::optional<DurableReply> DecodeDurableReply(std::span<const std::byte> bytes);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_DURABLE_CASE_H_
