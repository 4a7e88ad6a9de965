// check: a.values
// source: hostile
// why: defines MPI's functions in the hope that the judge calls them
#include <cstring>

#include "questions/q02_allreduce/api.h"

extern "C" int MPI_Isend(...) { return 0; }
extern "C" int MPI_Irecv(...) { return 0; }
extern "C" int MPI_Testall(...) { return 0; }

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  return q02::Result::kOk;
}
