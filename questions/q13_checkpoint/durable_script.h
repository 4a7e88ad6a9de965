// Runs a script of part b: N ranks as threads, each with a store of the answer's, over one file system in memory.
#ifndef QUESTIONS_Q13_CHECKPOINT_DURABLE_SCRIPT_H_
#define QUESTIONS_Q13_CHECKPOINT_DURABLE_SCRIPT_H_

#include <functional>
#include <string>
#include <vector>

#include "harness/files/memory_io.h"
#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/durable_case.h"

namespace q13 {

using StoreCreate = decltype(&q13_store_create);

inline constexpr const char* kStoreDirectory = "checkpoints";

// MemoryIo::Mark of an action that a rank begins, and that it has returned from.
constexpr int64_t BeginMark(int64_t action) { return 2 * action; }
constexpr int64_t ReturnMark(int64_t action) { return 2 * action + 1; }

// An empty store: kStoreDirectory, durable.
workbench::FileTree EmptyStore();

// What happens around one action: faults that are set when every rank is about to begin it, and cleared when every rank
// has returned.
struct ArmedFault {
  int action = -1;
  workbench::IoFaults faults;
  int lost_rank = -1;  // that goes away at
  int64_t gather = 0;  // the so-many-th AllGather of the action
  // Set by the run:
  int64_t met = 0;                  // faults that there were
  std::vector<int64_t> operations;  // of each rank in the action
  std::vector<int64_t> gathers;
};

struct ScriptResult {
  std::vector<CallRecord> records;  // [action * ranks + rank]
  std::string misuse;
  std::string difference;  // of the first load that gave what no save of that step had
};

// `order`: operations by turns, of that seed; 0: as they come. `armed` may be null.
ScriptResult RunScript(StoreCreate create, workbench::MemoryIo* io, const DurableRequest& request,
                       const std::vector<Action>& actions, int ranks, bool order, ArmedFault* armed);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_DURABLE_SCRIPT_H_
