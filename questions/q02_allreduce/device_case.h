// What the grader asks of a rank in part B, and what it hears. Trivially copyable, fixed sizes, no CUDA: travels over
// harness/launch/channel.
#ifndef QUESTIONS_Q02_ALLREDUCE_DEVICE_CASE_H_
#define QUESTIONS_Q02_ALLREDUCE_DEVICE_CASE_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace q02 {

inline constexpr size_t kDeviceRedZoneBytes = 4096;
inline constexpr uint8_t kDeviceRedZoneByte = 0xa5;
inline constexpr uint8_t kDevicePoisonByte = 0xff;  // reads as NaN in every floating type, -1 as int32

// Integers of api.h's and device_api.h's enums; values that those do not have are passed on as they are.
struct DeviceOperation {
  uint64_t count = 0;
  int32_t type = 0;
  int32_t op = 0;
  int32_t algorithm = 0;
  int32_t in_place = 0;
  int32_t in_offset = 0;   // elements from a multiple of 256 bytes, 0 .. 4096
  int32_t out_offset = 0;  // not used in place
};

// One input, given by the caller; the result of the last call.
struct DeviceCase {
  DeviceOperation operation;
  int32_t calls = 1;       // with the input written and the output poisoned anew, on the stream, before each
  int32_t graph = 0;       // capture one such call and replay it `calls` times
  int32_t keep_state = 0;  // 0: q02_device_destroy, scratch zeroed, q02_device_init before the first call
};

struct CaseExtras {
  // The first cudaError_t that q02_device_allreduce returned, or 0. Unless it is 0 nothing else is filled in.
  int32_t call_error = 0;
  char call_error_name[60] = {};
  // The red zones of all ranks are read when all ranks are done; these are this rank's.
  int32_t zone_broken = 0;
  int32_t zone_buffer = 0;  // of the first byte that has changed: 0 in, 1 out
  int32_t zone_side = 0;    // 0 in front of the data, 1 behind it
  int32_t padding = 0;
  int64_t zone_offset = 0;  // in bytes from the first element (negative) or from the end of the last (from 0 up)
  uint64_t zone_bytes = 0;  // how many bytes of all zones have changed
};

// Many all-reduces with no host in between. Before each, a kernel of the judge fills the input with small integers
// f(seed, rank, call, index), so that sums and maxima are exact in every type; after, one checks every element of the
// output against all ranks' f. Ops: kSum and kMax; kAverage for int32.
struct ManyCase {
  DeviceOperation operation;
  uint64_t seed = 0;
  int32_t calls = 1000;  // rounded up to a whole number of rounds
  // All-reduces in a row between filling and checking, each with buffers of its own, 1 .. 8. Rounds take turns with two
  // sets of buffers, so that a rank that is one call ahead of its peers does not touch what they still read.
  int32_t burst = 1;
  int32_t graph = 0;            // capture two rounds once, replay them
  int32_t skew = 0;             // before some calls, some ranks spin for 5 to 300 microseconds
  int32_t early_overwrite = 0;  // overwrite the input at once after each call (ignored in place)
  int32_t traffic = 0;          // a second stream of low priority keeps the memory busy
  int32_t keep_state = 0;
  // Before each call, one of the ranks has some of its multiprocessors taken away for 100 microseconds, so that a part
  // of its blocks starts late; its peers must not take the others' word for them. Not from a graph.
  int32_t crowd = 0;
};

struct ManyReport {
  int32_t call_error = 0;  // as in CaseExtras
  char call_error_name[60] = {};
  uint64_t calls = 0;  // that were checked
  uint64_t wrong_calls = 0;
  uint64_t wrong_elements = 0;  // over all calls
  uint64_t elements = 0;        // checked
  uint64_t first_call = 0;      // of the first wrong element
  uint64_t first_index = 0;
  double expected = 0;
  double actual = 0;
};

enum class TimedBy : int32_t { kAnswer = 0, kNccl = 1 };

// Samples of `calls_per_sample` all-reduces each. Before a sample the input is filled and the output poisoned; after
// it, the output is checked. In place is not timed: repeated sums would overflow.
struct TimingCase {
  DeviceOperation operation;
  uint64_t seed = 0;
  int32_t timed_by = 0;  // TimedBy
  int32_t samples = 20;
  int32_t warmup = 3;
  int32_t calls_per_sample = 1;
  int32_t graph = 1;     // replay a graph of the sample's calls (not for NCCL on a shared GPU)
  int32_t flush_l2 = 0;  // before each sample; use it with calls_per_sample = 1
  int32_t keep_state = 1;
  int32_t padding = 0;
};

static_assert(std::is_trivially_copyable_v<DeviceCase> && std::is_trivially_copyable_v<CaseExtras>);
static_assert(std::is_trivially_copyable_v<ManyCase> && std::is_trivially_copyable_v<ManyReport>);
static_assert(std::is_trivially_copyable_v<TimingCase>);

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_DEVICE_CASE_H_
