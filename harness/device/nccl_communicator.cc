#include "harness/device/nccl_communicator.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace workbench {

Status NcclStatus(ncclResult_t result, const char* call) {
  if (result == ncclSuccess) return Status::Ok();
  return Error(std::string(call) + ": " + ncclGetErrorString(result) + " (" + ncclGetLastError(nullptr) + ")");
}

Result<std::unique_ptr<NcclCommunicator>> NcclCommunicator::Create(const RankLinks& links, const GpuShare& share) {
  for (const auto& [name, value] : NcclEnvironment(share, links.rank)) setenv(name.c_str(), value.c_str(), 1);
  std::unique_ptr<NcclCommunicator> communicator(new NcclCommunicator());
  ncclUniqueId id{};
  Status status;
  if (links.rank == 0) status = NcclStatus(ncclGetUniqueId(&id), "ncclGetUniqueId");
  WB_RETURN_IF_ERROR(AllOk(links, status));
  std::vector<ncclUniqueId> ids(static_cast<size_t>(links.ranks));
  links.allgather(&id, sizeof id, ids.data());
  status = NcclStatus(ncclCommInitRank(&communicator->handle_, links.ranks, ids[0], links.rank), "ncclCommInitRank");
  WB_RETURN_IF_ERROR(AllOk(links, status));
  return communicator;
}

NcclCommunicator::~NcclCommunicator() {
  if (handle_ != nullptr) (void)ncclCommDestroy(handle_);
}

}  // namespace workbench
