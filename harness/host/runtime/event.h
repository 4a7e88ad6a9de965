// The events that have handles. REQUIRES, for all of it: the scheduler's lock.
#ifndef HARNESS_HOST_RUNTIME_EVENT_H_
#define HARNESS_HOST_RUNTIME_EVENT_H_

#include <memory>

#include "harness/host/runtime/operation.h"

namespace cuda_host {

// Null if there is none.
std::shared_ptr<CUevent_st> FindEvent(cudaEvent_t handle);
std::shared_ptr<CUevent_st> NewEvent(unsigned flags);
void ForgetEvents();

}  // namespace cuda_host

#endif  // HARNESS_HOST_RUNTIME_EVENT_H_
