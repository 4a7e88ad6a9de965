// Part d's cases: tensors, layouts of their boxes over ranks, and what is done with them on one file system in memory.
// Elements are a function of (seed, version, tensor, index in the whole tensor): no data is sent, and every element
// that is loaded can be told from every other.
#ifndef QUESTIONS_Q13_CHECKPOINT_RESHARD_CASE_H_
#define QUESTIONS_Q13_CHECKPOINT_RESHARD_CASE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/protocol.h"

namespace q13 {

struct ReshardTensor {
  std::string name;
  TensorInfo info;
  uint64_t content = 0;  // whose elements: tensors of the same number and version have the same bytes
};

struct ReshardBox {
  int32_t tensor = 0;  // of ReshardRequest::tensors
  std::vector<int64_t> begin = {};
  std::vector<int64_t> extent = {};
};
int64_t ElementsOf(std::span<const int64_t> extent);  // of a scalar: 1

using RankBoxes = std::vector<ReshardBox>;
using Layout = std::vector<RankBoxes>;  // by rank

// True where a box lies in its tensor, and that is one that there can be.
bool IsPlain(const ReshardTensor& tensor, const ReshardBox& box);

// Element `index` (row-major in the whole tensor): its TypeBytes first bytes.
uint64_t ElementOf(uint64_t seed, int32_t version, const ReshardTensor& tensor, int64_t index);

struct ReshardFaults {
  int32_t rank = -1;
  int32_t short_io = 0;
  int32_t interrupt_every = 0;
};

struct ReshardStep {
  bool save = false;
  int32_t layout = 0;   // of ReshardRequest::layouts
  int32_t version = 0;  // of the elements that are saved, or expected
  ReshardFaults faults = {};
  int32_t misaligned = 0;  // data begins so many bytes past an aligned address
};

enum class ReshardMode : int32_t {
  kRun = 0,     // the steps, one after the other
  kCrash = 1,   // the steps; then the log of the last one is cut everywhere, and `recovery` loaded from each image
  kFaults = 2,  // the last step meets an error at each of its operations, on each rank in turn
  kLost = 3,    // the last step loses each rank at each of its AllGathers
  kFlips = 4,   // after the steps: `recovery` is loaded with each bit of each file changed, and files cut, swapped, ...
  kGarbage = 5,  // ... and with files that say anything
};

struct ReshardRequest {
  RequestKind kind = RequestKind::kReshard;
  ReshardMode mode = ReshardMode::kRun;
  uint64_t seed = 0;
  int64_t most = int64_t{1} << 40;  // cases of a mode; where there would be more they are sampled
  std::vector<ReshardTensor> tensors;
  std::vector<Layout> layouts;
  std::vector<ReshardStep> steps;  // the last save of `steps` is the new state, the one before it the old
  int32_t recovery = 0;            // layout
};
std::vector<std::byte> Encode(const ReshardRequest& request);
// Nothing for what makes no sense. Boxes may make none: that is what some checks are about.
std::optional<ReshardRequest> DecodeReshardRequest(std::span<const std::byte> bytes);

inline constexpr int32_t kReshardThrew = -1000000;  // an exception left the function
inline constexpr int32_t kAnyVersion = -2;

struct ReshardRankRecord {
  int32_t code = 0;
  int32_t overrun = 0;         // 1: memory around a box was written; 2: memory that was to be saved was
  int32_t matched = -1;        // the version that all elements are of; kAnyVersion where there are none
  int32_t wrong_slice = -1;    // else the first of this rank's with an element that is not of the version expected
  int32_t wrong_version = -1;  // whose element of that place it is, if it is one's
  int64_t wrong_index = 0;     // in the whole tensor
  uint64_t expected = 0, actual = 0;
  int64_t differing = 0, elements = 0;
  int64_t read_bytes = 0, written_bytes = 0;
  double cpu_seconds = 0;  // of the rank's thread
};

struct ReshardStepRecord {
  std::vector<ReshardRankRecord> ranks;
  int64_t files = 0, bytes = 0;  // there afterwards
  double seconds = 0;
  std::string misuse;  // of the group
};

// What a mode other than kRun found first.
struct ReshardFault {
  std::string property;  // empty: nothing
  std::string expected, actual, detail;
  int32_t rank = -1;
  int64_t index = -1;
  int64_t differing = 0, total = 0;
  std::vector<std::pair<std::string, std::string>> input;
};

struct ReshardReply {
  uint64_t cases = 0;  // images, errors, flips, ...
  std::vector<ReshardStepRecord> steps;
  ReshardFault fault;
};
std::vector<std::byte> Encode(const ReshardReply& reply);
std::optional<ReshardReply> DecodeReshardReply(std::span<const std::byte> bytes);

// "0", "kNotFound", "-EIO", "an exception".
std::string ReshardCodeName(int32_t code);
// In quotes, and so that it can be shown.
std::string NameText(const std::string& name);
// "[4, 5] f32"
std::string TensorText(const TensorInfo& info);
std::string BoxText(const ReshardBox& box);
// The element `index` of a tensor as "[1, 2, 3]".
std::string PlaceText(const TensorInfo& info, int64_t index);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_RESHARD_CASE_H_
