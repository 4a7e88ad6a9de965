#include "harness/device/gpu_sharing.h"

namespace workbench {

GpuShare ShareGpus(int local_rank, int local_ranks, int device_count) {
  GpuShare share;
  share.device = local_rank % device_count;
  share.device_count = device_count;
  share.ranks_per_device = local_ranks / device_count + (share.device < local_ranks % device_count ? 1 : 0);
  share.ranks = local_ranks;
  return share;
}

std::string Label(const GpuShare& share) {
  const int used = share.ranks < share.device_count ? share.ranks : share.device_count;
  if (share.ranks == 1) return "one rank on one GPU";
  const std::string gpus = used == 1 ? "one GPU" : std::to_string(used) + " GPUs";
  return std::to_string(share.ranks) + " ranks " + (share.any_shared() ? "share " : "on ") + gpus;
}

std::vector<std::pair<std::string, std::string>> NcclEnvironment(const GpuShare& share, int rank) {
  if (!share.any_shared()) return {};
  return {{"NCCL_HOSTID", "workbench-rank-" + std::to_string(rank)}, {"NCCL_SOCKET_IFNAME", "lo"}};
}

}  // namespace workbench
