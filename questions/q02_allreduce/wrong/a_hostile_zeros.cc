// check: a.values
// source: hostile
// why: writes zeros
#include <cstring>

#include "questions/q02_allreduce/api.h"

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  if (count > 0) std::memset(out, 0, count * q02::ElementBytes(type));
  return q02::Result::kOk;
}
