// ncclGroupStart and ncclGroupEnd: calls are kept until the outermost group ends, then go on their streams together.
// A call outside a group is a group of its own.
#ifndef HARNESS_HOST_NCCL_GROUP_H_
#define HARNESS_HOST_NCCL_GROUP_H_

#include <functional>
#include <memory>

#include "harness/host/nccl/call.h"

namespace cuda_host::nccl {

// Whether the calling thread is in a group.
bool InGroup();
void StartGroup();
// Starts what has been added if this ends the outermost group. Returns the first error of any call in it; then nothing
// is started. `simulate`: nothing is started either.
ncclResult_t EndGroup(bool simulate = false);
// Makes the group fail with `result`, if that is an error. Returns it.
ncclResult_t FailGroup(ncclResult_t result);

// Both REQUIRE: in a group.
void AddCall(ncclComm_t comm, cudaStream_t stream, Call call);
// `done` gets the job's result, at the end of the group or, if `polled`, as soon as it is asked for: then it is called
// by the group's end with ncclInProgress.
void AddJob(std::shared_ptr<Job> job, bool polled, std::function<void(ncclResult_t)> done);

}  // namespace cuda_host::nccl

#endif  // HARNESS_HOST_NCCL_GROUP_H_
