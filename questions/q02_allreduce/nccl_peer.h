// NCCL's all-reduce of the same buffers: the peer in part B's table. Only ever a number beside the answer's, never an
// oracle.
#ifndef QUESTIONS_Q02_ALLREDUCE_NCCL_PEER_H_
#define QUESTIONS_Q02_ALLREDUCE_NCCL_PEER_H_

#include <cuda_runtime_api.h>

#include <memory>

#include "harness/device/gpu_sharing.h"
#include "harness/device/ipc_window.h"
#include "harness/status.h"
#include "questions/q02_allreduce/device_case.h"

namespace workbench {
class NcclCommunicator;
}

namespace q02 {

class NcclPeer {
 public:
  // Collective. As workbench::NcclCommunicator::Create.
  static workbench::Result<std::unique_ptr<NcclPeer>> Create(const workbench::RankLinks& links,
                                                             const workbench::GpuShare& share);
  ~NcclPeer();
  NcclPeer(const NcclPeer&) = delete;
  NcclPeer& operator=(const NcclPeer&) = delete;

  // Enqueues it; fits DeviceRank::set_nccl.
  workbench::Status AllReduce(const DeviceOperation& operation, const void* in, void* out, cudaStream_t stream);

 private:
  explicit NcclPeer(std::unique_ptr<workbench::NcclCommunicator> communicator);
  std::unique_ptr<workbench::NcclCommunicator> communicator_;
};

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_NCCL_PEER_H_
