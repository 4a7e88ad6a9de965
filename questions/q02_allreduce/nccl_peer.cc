#include "questions/q02_allreduce/nccl_peer.h"

#include <nccl.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "questions/q02_allreduce/api.h"

namespace q02 {
namespace {

using workbench::Error;
using workbench::Status;

Status NcclStatus(ncclResult_t result, const char* call) {
  if (result == ncclSuccess) return Status::Ok();
  return Error(std::string(call) + ": " + ncclGetErrorString(result) + " (" + ncclGetLastError(nullptr) + ")");
}

}  // namespace

struct NcclPeer::Communicator {
  ncclComm_t handle = nullptr;
  ~Communicator() {
    if (handle != nullptr) (void)ncclCommDestroy(handle);
  }
};

workbench::Result<std::unique_ptr<NcclPeer>> NcclPeer::Create(const workbench::RankLinks& links,
                                                              const workbench::GpuShare& share) {
  for (const auto& [name, value] : workbench::NcclEnvironment(share, links.rank))
    setenv(name.c_str(), value.c_str(), 1);
  std::unique_ptr<NcclPeer> peer(new NcclPeer());
  peer->communicator_ = std::make_unique<Communicator>();
  ncclUniqueId id{};
  Status status;
  if (links.rank == 0) status = NcclStatus(ncclGetUniqueId(&id), "ncclGetUniqueId");
  WB_RETURN_IF_ERROR(workbench::AllOk(links, status));
  std::vector<ncclUniqueId> ids(static_cast<size_t>(links.ranks));
  links.allgather(&id, sizeof id, ids.data());
  status =
      NcclStatus(ncclCommInitRank(&peer->communicator_->handle, links.ranks, ids[0], links.rank), "ncclCommInitRank");
  WB_RETURN_IF_ERROR(workbench::AllOk(links, status));
  return peer;
}

NcclPeer::~NcclPeer() = default;

Status NcclPeer::AllReduce(const DeviceOperation& operation, const void* in, void* out, cudaStream_t stream) {
  constexpr ncclDataType_t kTypes[] = {ncclFloat32, ncclFloat16, ncclBfloat16, ncclInt32};
  constexpr ncclRedOp_t kOps[] = {ncclSum, ncclMax, ncclAvg};
  if (operation.type < 0 || operation.type > 3 || operation.op < 0 || operation.op > 2)
    return Error("NCCL: no such type or op");
  return NcclStatus(ncclAllReduce(in, out, operation.count, kTypes[operation.type], kOps[operation.op],
                                  communicator_->handle, stream),
                    "ncclAllReduce");
}

}  // namespace q02
