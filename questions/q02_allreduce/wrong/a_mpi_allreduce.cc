// check: a.imports
// source: a forbidden library collective
// why: calls the collective that it should build
#include <cstring>

#include "questions/q02_allreduce/api.h"

// What mpi.h would declare; the header itself is not among an answer's dependencies.
extern "C" int MPI_Allreduce(const void* in, void* out, int count, void* type, void* op, void* communicator);
extern "C" char ompi_mpi_float[], ompi_mpi_op_sum[], ompi_mpi_comm_world[];

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes) {
  return MPI_Allreduce(in, out, static_cast<int>(count), ompi_mpi_float, ompi_mpi_op_sum, ompi_mpi_comm_world) == 0
             ? q02::Result::kOk
             : q02::Result::kInternalError;
}
