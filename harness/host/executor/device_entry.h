// What cuda_host/device.h calls. See there for what each is to a kernel.
#ifndef HARNESS_HOST_EXECUTOR_DEVICE_ENTRY_H_
#define HARNESS_HOST_EXECUTOR_DEVICE_ENTRY_H_

namespace cuda_host {

// Kinds of warp operations: lanes with the same mask meet only in the same kind.
inline constexpr int kSyncWarpKind = 0;
inline constexpr int kExchangeKind = 1;
inline constexpr int kVoteKind = 2;
inline constexpr int kMatchKind = 3;
inline constexpr int kReduceKind = 4;

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_DEVICE_ENTRY_H_
