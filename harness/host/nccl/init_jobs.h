// Making a communicator, which takes all of its ranks.
#ifndef HARNESS_HOST_NCCL_INIT_JOBS_H_
#define HARNESS_HOST_NCCL_INIT_JOBS_H_

#include <memory>

#include "harness/host/nccl/communicator.h"

namespace cuda_host::nccl {

// Joins at once, and is done when all have joined. Returns null, with the error in `*result`, if it cannot.
std::shared_ptr<Job> NewInitJob(std::shared_ptr<Core> core, const Address& address, int ranks, int rank,
                                ncclResult_t* result);

// One rank's part in ncclCommSplit of `parent`. `core` becomes the new communicator, and stays empty without a color.
std::shared_ptr<Job> NewSplitJob(std::shared_ptr<Core> parent, std::shared_ptr<Core> core, int color, int key);

}  // namespace cuda_host::nccl

#endif  // HARNESS_HOST_NCCL_INIT_JOBS_H_
