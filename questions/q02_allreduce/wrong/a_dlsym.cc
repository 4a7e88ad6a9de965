// check: a.imports
// source: a forbidden library collective
// why: looks the collective up at run time
#include <dlfcn.h>

#include "questions/q02_allreduce/api.h"

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  auto* collective = dlsym(RTLD_DEFAULT, "MPI_Allreduce");
  return collective ? q02::Result::kInternalError : q02::Result::kOk;
}
