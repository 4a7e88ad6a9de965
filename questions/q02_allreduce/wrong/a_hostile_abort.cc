// check: a.values
// source: hostile
// why: fails an assertion
#undef NDEBUG
#include <cassert>

#include "questions/q02_allreduce/api.h"

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  assert(count == 12345 && "this never holds");
  return q02::Result::kOk;
}
