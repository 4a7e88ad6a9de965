// The four all-reduce algorithms, played message by message on ranks with ports and CPUs. It shares nothing with
// cost.h's closed forms but the model's parameters, and exists to check them.
#ifndef QUESTIONS_Q02_ALLREDUCE_COST_SIMULATION_H_
#define QUESTIONS_Q02_ALLREDUCE_COST_SIMULATION_H_

#include <cstdint>

#include "questions/q02_allreduce/api.h"

namespace q02 {

// Seconds until the last rank has the result.
//
// A rank has a send port, a receive port and a CPU; each does one thing at a time. A message of b bytes holds the
// sender's send port for alpha + b beta seconds, and, from then or as soon as that is free, the receiver's receive port
// for as long. A reduction of b bytes holds the CPU for b gamma seconds. Chunks are real numbers of bytes.
//
// Ring, recursive doubling and halving-doubling are steps of MPI_Sendrecv with one receive buffer: a message waits
// until its receiver has finished the step before. The tree has a buffer for each segment; in which order ports and
// CPUs serve what waits for them is free, so several orders are tried and the fastest counts.
//
// `segments`: the number of equal segments of the tree; otherwise ignored.
// REQUIRES: 1 <= model.ranks <= 1024, segments >= 1.
double SimulateAllReduce(const CostModel& model, Algorithm algorithm, uint64_t bytes, int segments);

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_COST_SIMULATION_H_
