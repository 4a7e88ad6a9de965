// check: a.values
// source: hostile
// why: ends the process while it is being loaded
#include <unistd.h>

#include "questions/q02_allreduce/api.h"

__attribute__((constructor)) static void BeforeMain() { _exit(0); }

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  return q02::Result::kOk;
}
