// Q2 AllReduce: what an answer implements. Parts A and C; part B's entry points are in device_api.h.
//
// All-reduce: every rank r of N gives a buffer x_r of `count` elements; afterwards every rank's output holds
//   y[i] = x_0[i] (+) x_1[i] (+) ... (+) x_{N-1}[i],
// the same bits on every rank (MPI-4.0, 6.9.6; NCCL's ncclAllReduce).
#ifndef QUESTIONS_Q02_ALLREDUCE_API_H_
#define QUESTIONS_Q02_ALLREDUCE_API_H_

#include <cstddef>
#include <cstdint>

#include "harness/answer/transport.h"

namespace q02 {

enum class DataType : int32_t { kFloat32 = 0, kFloat16 = 1, kBFloat16 = 2, kInt32 = 3 };

// kSum      int32 wraps modulo 2^32 (add as unsigned: signed overflow is undefined behaviour).
// kMax      for floating point, if any operand is NaN the result is a NaN (any NaN); +0 and -0 are equal.
// kAverage  floating point: the mean, without overflow on the way: for fp16, the mean of eight times 60000 is 60000.
//           int32: the wrapped sum divided by N, truncated toward zero, as NCCL's ncclAvg.
enum class ReduceOp : int32_t { kSum = 0, kMax = 1, kAverage = 2 };

enum class Algorithm : int32_t { kRing = 0, kRecursiveDoubling = 1, kHalvingDoubling = 2, kTree = 3 };

enum class Result : int32_t { kOk = 0, kInvalidArgument = 1, kInternalError = 2 };

constexpr size_t ElementBytes(DataType type) {
  return type == DataType::kFloat16 || type == DataType::kBFloat16 ? 2 : 4;
}

// ---------------------------------------------------------------------------------------------------- Part A
//
// All-reduce of host buffers by messages. Every rank calls it with the same arguments, but for the pointers.
//
//   in, out        `count` elements each. Either in == out (in place) or they do not overlap. Aligned to the element
//                  size, no more. With in != out the input must be unchanged afterwards. Nothing outside of
//                  out[0, count) may be written.
//   count          from 0 up; count * ElementBytes(type) may exceed 2^32. With count == 0 the pointers may be null.
//   algorithm      which of the four must be used; the transport counts messages and bytes, so it shows.
//   segment_bytes  0: one message a step, and the steps are counted. Otherwise the largest message that may be sent;
//                  a multiple of 4, at least 64. Longer pieces travel as several messages, and pipelining them is the
//                  point: a tree that waits for the whole buffer at each level is too slow (see Part C's model).
//                  kAnySegment: cut as you like; used where only the result and the time count.
//
// Rounding (fp16, bf16, fp32): a partial sum is kept in the element type and rounded to nearest even once per hop, so
// the result differs from the exact sum by at most (N-1) units of roundoff times the sum of magnitudes. kAverage scales
// each input by 1/N in fp32, rounds it to the element type, and sums those: N more roundings. (fp32: scale in fp32.)
//
// Steps and bytes that are judged (S = count * ElementBytes; p = the largest power of two <= N; r = N - p):
//   kRing               2(N-1) steps to one neighbour; each rank sends S - chunk_a + S - chunk_b, chunks as equal as
//                       whole elements allow; all ranks together 2(N-1) S.
//   kRecursiveDoubling  log2 p exchanges of the whole buffer, plus, when r > 0, one fold before and one unfold after:
//                       all ranks together p log2 p S + 2 r S.
//   kHalvingDoubling    recursive halving, then recursive doubling (Rabenseifner): 2 log2 p steps, all ranks together
//                       2(p-1) S, plus fold and unfold: at most 3 r S.
//   kTree               reduce to a root and broadcast, each link of a binary tree carrying S up and S down: all ranks
//                       together 2(N-1) S, no rank sends more than 3 S, and the depth is logarithmic.
//
// No MPI, NCCL or other collective may be called. Returns kOk, or kInvalidArgument for an unknown type, op or algorithm
// (before any message is sent).
inline constexpr size_t kAnySegment = ~size_t{0};

extern "C" q02::Result q02_allreduce_host(workbench::Transport& transport, const void* in, void* out, size_t count,
                                          q02::DataType type, q02::ReduceOp op, q02::Algorithm algorithm,
                                          size_t segment_bytes);

// ---------------------------------------------------------------------------------------------------- Part C
//
// The cost model: Hockney's alpha-beta-gamma with one full-duplex port a rank (Thakur, Rabenseifner, Gropp 2005; Chan
// et al. 2007). A message of b bytes takes alpha + b * beta seconds and occupies the sender's send port and the
// receiver's receive port for that long; reducing b bytes takes b * gamma seconds and runs beside the ports.
struct CostModel {
  int64_t ranks;  // N >= 1
  double alpha;   // seconds a message
  double beta;    // seconds a byte moved
  double gamma;   // seconds a byte reduced
};

struct Choice {
  Algorithm algorithm;
  uint64_t segment_bytes;  // kTree: size of the pipelined segments, 1 .. bytes (0: one segment). Otherwise ignored.
};

// Picks the algorithm and segment size for an all-reduce of `bytes` bytes that the closed forms in the spec say is
// fastest. Judged against the best of all algorithms and segment sizes: within 1 %.
extern "C" q02::Choice q02_choose(const q02::CostModel& model, uint64_t bytes);

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_API_H_
