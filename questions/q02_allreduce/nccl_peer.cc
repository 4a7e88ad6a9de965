#include "questions/q02_allreduce/nccl_peer.h"

#include "harness/device/nccl_communicator.h"
#include "questions/q02_allreduce/api.h"

namespace q02 {

using workbench::Error;
using workbench::Status;

NcclPeer::NcclPeer(std::unique_ptr<workbench::NcclCommunicator> communicator)
    : communicator_(std::move(communicator)) {}

NcclPeer::~NcclPeer() = default;

workbench::Result<std::unique_ptr<NcclPeer>> NcclPeer::Create(const workbench::RankLinks& links,
                                                              const workbench::GpuShare& share) {
  workbench::Result<std::unique_ptr<workbench::NcclCommunicator>> made =
      workbench::NcclCommunicator::Create(links, share);
  if (!made.ok()) return made.status();
  return std::unique_ptr<NcclPeer>(new NcclPeer(std::move(*made)));
}

Status NcclPeer::AllReduce(const DeviceOperation& operation, const void* in, void* out, cudaStream_t stream) {
  constexpr ncclDataType_t kTypes[] = {ncclFloat32, ncclFloat16, ncclBfloat16, ncclInt32};
  constexpr ncclRedOp_t kOps[] = {ncclSum, ncclMax, ncclAvg};
  if (operation.type < 0 || operation.type > 3 || operation.op < 0 || operation.op > 2)
    return Error("NCCL: no such type or op");
  return workbench::NcclStatus(ncclAllReduce(in, out, operation.count, kTypes[operation.type], kOps[operation.op],
                                             communicator_->handle(), stream),
                               "ncclAllReduce");
}

}  // namespace q02
