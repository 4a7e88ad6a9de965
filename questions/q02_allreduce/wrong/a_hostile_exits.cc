// check: a.values
// source: hostile
// why: ends the process with status 0 in the hope that silence is success
#include <cstdlib>

#include "questions/q02_allreduce/api.h"

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  std::exit(0);
}
