// One NCCL communicator of all ranks.
#ifndef HARNESS_DEVICE_NCCL_COMMUNICATOR_H_
#define HARNESS_DEVICE_NCCL_COMMUNICATOR_H_

#include <nccl.h>

#include <memory>

#include "harness/device/gpu_sharing.h"
#include "harness/device/ipc_window.h"
#include "harness/status.h"

namespace workbench {

Status NcclStatus(ncclResult_t result, const char* call);

class NcclCommunicator {
 public:
  // Collective, on each rank's current device. Where GPUs are shared it sets NCCL_HOSTID and NCCL_SOCKET_IFNAME in this
  // process's environment (see gpu_sharing.h). NCCL starts threads and makes files in /dev/shm.
  static Result<std::unique_ptr<NcclCommunicator>> Create(const RankLinks& links, const GpuShare& share);
  ~NcclCommunicator();
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  ncclComm_t handle() const { return handle_; }

 private:
  NcclCommunicator() = default;
  ncclComm_t handle_ = nullptr;
};

}  // namespace workbench

#endif  // HARNESS_DEVICE_NCCL_COMMUNICATOR_H_
