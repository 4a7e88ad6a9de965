// What an answer allocates through the CUDA runtime. snapshot_memory.cc defines the runtime's allocation functions in
// the runner: a shared object that is loaded into it finds those first, and they call the runtime's own.
#ifndef QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_MEMORY_H_
#define QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_MEMORY_H_

#include "questions/q13_checkpoint/snapshot_case.h"

namespace q13 {

// Counts what is allocated from here on, by anybody: the judge allocates nothing meanwhile.
void BeginCountingMemory();
// Between these, allocations and frees are calls_between.
void ForbidMemoryCalls(bool forbid);
SnapshotMemory EndCountingMemory();

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SNAPSHOT_MEMORY_H_
