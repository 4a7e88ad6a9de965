// Which rank uses which GPU, and what follows when several ranks use the same one. No CUDA here: the caller counts
// devices.
#ifndef HARNESS_DEVICE_GPU_SHARING_H_
#define HARNESS_DEVICE_GPU_SHARING_H_

#include <string>
#include <utility>
#include <vector>

namespace workbench {

struct GpuShare {
  int device = 0;  // local rank r uses device r mod device_count
  int device_count = 1;
  int ranks_per_device = 1;  // local ranks on this rank's device, this one included
  int ranks = 1;             // local ranks in all

  bool any_shared() const { return ranks > device_count; }
};

// REQUIRES: device_count >= 1, 0 <= local_rank < local_ranks
GpuShare ShareGpus(int local_rank, int local_ranks, int device_count);

// "4 ranks share one GPU", "8 ranks share 2 GPUs", "2 ranks on 2 GPUs": for the label of every number measured so.
std::string Label(const GpuShare& share);

// What NCCL has to be told before ncclGetUniqueId: it refuses two ranks on one GPU of a host, and takes ranks with
// different NCCL_HOSTID to be on different hosts, which it then reaches by sockets. NCCL does not support that
// officially; numbers measured so say nothing about NCCL on GPUs of its own. Empty when no GPU is shared.
std::vector<std::pair<std::string, std::string>> NcclEnvironment(const GpuShare& share, int rank);

}  // namespace workbench

#endif  // HARNESS_DEVICE_GPU_SHARING_H_
