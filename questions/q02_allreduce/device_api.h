// Q2 AllReduce, part B: device buffers of ranks that can map each other's memory.
#ifndef QUESTIONS_Q02_ALLREDUCE_DEVICE_API_H_
#define QUESTIONS_Q02_ALLREDUCE_DEVICE_API_H_

#include <cuda_runtime_api.h>

#include "questions/q02_allreduce/api.h"

namespace q02 {

inline constexpr int kMaxDeviceRanks = 8;

// One buffer a rank, all of the same size, each mapped into every rank (cudaIpcOpenMemHandle). data[r] is rank r's, as
// a device pointer that is valid in this process; data[rank] is this rank's own. On one GPU a peer's memory is as near
// as one's own; across GPUs it is reached over NVLink or PCIe.
struct DeviceWindow {
  void* data[kMaxDeviceRanks];
};

struct DeviceComm {
  int rank;
  int ranks;             // 1 .. kMaxDeviceRanks
  int ranks_per_device;  // how many of the ranks share this GPU, this one included
  int multiprocessors;   // of this GPU
  DeviceWindow scratch;  // zeroed on every rank before any rank's q02_device_init; nobody else touches it
  size_t scratch_bytes;  // at least 32 MiB; 256-byte aligned
};

// kOneShot: every rank reads every rank's input and reduces all of it: one exchange of flags on the way, for small
// sizes. kTwoShot: rank r reduces the r-th part and gives it to every rank: least bytes, for large sizes.
enum class DeviceAlgorithm : int32_t { kOneShot = 0, kTwoShot = 1 };

// Called once a rank before the first all-reduce, on the rank's current device. `state` is passed back to the other
// calls. May allocate device memory, which q02_device_destroy frees. All ranks have returned before any rank's first
// all-reduce.
extern "C" cudaError_t q02_device_init(const q02::DeviceComm& comm, void** state);
extern "C" cudaError_t q02_device_destroy(void* state);

// Enqueues an all-reduce on `stream` and returns without waiting for it.
//
//   in, out     `count` elements on every rank; data[rank] of the two are either the same on all ranks (in place) or do
//   not
//               overlap on any. Aligned to the element size, no more (the same offset from 256 bytes on all ranks).
//               The input is unchanged afterwards unless in place; nothing outside of out[0, count) is written.
//   order       Stream order on every rank, and only that: a rank may enqueue its next all-reduce at once, a thousand
//   in a
//               row, while a peer is still busy with the last; and when the call's work is complete on one rank's
//               stream, that rank may overwrite its input and read its output, whatever its peers are doing.
//   capture     Must be capturable into a CUDA graph and replayable: no synchronisation, no allocation, no host state
//   that
//               changes from call to call.
//   residency   A kernel that waits for a peer's flag must have that peer's kernel running: when ranks share a GPU, all
//               their grids have to fit on it together. multiprocessors / ranks_per_device blocks is a rank's fair
//               share, and one block a multiprocessor of that share is what is safe: blocks that wait with two on every
//               multiprocessor can keep a late rank's earlier kernel from being placed at all.
//   arithmetic  fp16, bf16: sums in fp32 over all ranks, rounded once to the element type. fp32: sums in fp32. kAverage
//               multiplies each input by 1/N in fp32 before adding. kMax and int32 as in part A. The same bits on every
//               rank.
//
// No NCCL or other collective may be called. Returns the first CUDA error of the launch, cudaErrorInvalidValue for an
// unknown type, op or algorithm.
extern "C" cudaError_t q02_device_allreduce(void* state, const q02::DeviceWindow& in, const q02::DeviceWindow& out,
                                            size_t count, q02::DataType type, q02::ReduceOp op,
                                            q02::DeviceAlgorithm algorithm, cudaStream_t stream);

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_DEVICE_API_H_
