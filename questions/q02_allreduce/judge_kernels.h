// The judge's own kernels for part B: they make inputs, check outputs, get in the way, and wait for peers. They share
// no code with kernels/ or with an answer.
#ifndef QUESTIONS_Q02_ALLREDUCE_JUDGE_KERNELS_H_
#define QUESTIONS_Q02_ALLREDUCE_JUDGE_KERNELS_H_

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace q02::judge {

inline constexpr int kMaxRanks = 8;

// In device memory; counts on by itself, so that replayed graphs make and check new data each time.
struct Progress {
  uint64_t call;  // index of the present call
  uint64_t wrong_calls;
  uint64_t wrong_elements;
  uint64_t wrong_here;   // in the present call
  uint64_t first_index;  // of the present call's first wrong element; all ones: none
  uint64_t failed;       // 1 once the four below are known
  uint64_t failed_call;
  uint64_t failed_index;
  double expected;
  double actual;
};

struct Shape {
  uint64_t count;
  int32_t type;
  int32_t op;
  int32_t rank;
  int32_t ranks;
  uint64_t seed;
};

// All of these enqueue and return cudaGetLastError(). `ahead`: the data is that of call progress->call + ahead.
cudaError_t Reset(Progress* progress, cudaStream_t stream);
// Fills in with f(seed, rank, call, index), and, unless it is null, out with a NaN pattern.
cudaError_t Fill(const Progress* progress, int ahead, const Shape& shape, void* in, void* out, cudaStream_t stream);
// Copies `bytes` bytes (an even number) from pristine to in, and, unless it is null, fills out with a NaN pattern. A
// kernel and not memory copies, which might take turns with other ranks' on a copy engine while those wait for this
// one.
cudaError_t Restore(const void* pristine, size_t bytes, void* in, void* out, cudaStream_t stream);
// Compares all of out with the result for the present call, then goes on to the next call.
cudaError_t CheckAndAdvance(Progress* progress, const Shape& shape, const void* out, cudaStream_t stream);
// Fills in with numbers that no call's f has. From the end to the begin: a peer that still reads is near the end.
cudaError_t Overwrite(const Shape& shape, void* in, cudaStream_t stream);
// Spins for 5 to 300 microseconds on a quarter of the (rank, call) pairs.
cudaError_t Skew(const Progress* progress, int ahead, const Shape& shape, cudaStream_t stream);
// Spins for that long, so that the host can put everything behind it before it runs.
cudaError_t Delay(uint64_t nanoseconds, cudaStream_t stream);
// Streams through `bytes` of `memory` with `blocks` blocks, for some tens of microseconds and never longer: the kernels
// that it runs beside may wait for its place on the GPU.
cudaError_t Traffic(void* memory, size_t bytes, int blocks, cudaStream_t stream);

// Takes `blocks` whole multiprocessors for that long, as soon as so many are idle.
cudaError_t Crowd(int blocks, uint64_t nanoseconds, cudaStream_t stream);

// A barrier between all ranks, as small as one can be: each rank raises its flag in every rank's memory and waits for
// all of its own. flags[r] is rank r's window: kMaxRanks words that peers raise, then one that counts this rank's
// barriers. Zero at first.
struct BarrierFlags {
  uint64_t* flags[kMaxRanks];
};
inline constexpr size_t kBarrierBytes = (kMaxRanks + 1) * sizeof(uint64_t);
cudaError_t Barrier(const BarrierFlags& flags, int rank, int ranks, cudaStream_t stream);

}  // namespace q02::judge

#endif  // QUESTIONS_Q02_ALLREDUCE_JUDGE_KERNELS_H_
