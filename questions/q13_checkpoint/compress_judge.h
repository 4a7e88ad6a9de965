// What the checks of part E share: data, calls, and what has to come of them.
#ifndef QUESTIONS_Q13_CHECKPOINT_COMPRESS_JUDGE_H_
#define QUESTIONS_Q13_CHECKPOINT_COMPRESS_JUDGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "grader/question.h"
#include "questions/q13_checkpoint/compress_case.h"

namespace q13 {

using Bytes = std::vector<std::byte>;
using CompressInputs = workbench::CheckContext::Inputs;

inline constexpr int kElementBytes[] = {1, 2, 4, 8};
inline constexpr double kComfortableSeconds = 0.05;

// Elements, and what they are for a reader.
struct CompressData {
  std::string what;
  int element_bytes = 1;
  Bytes bytes;

  size_t elements() const { return bytes.size() / static_cast<size_t>(element_bytes); }
};

// ---- Data

CompressData RandomData(size_t elements, int element_bytes, uint64_t seed);
// Neighbours resemble each other: the upper bytes change slowly, the lowest are random.
CompressData SmoothData(size_t elements, int element_bytes, uint64_t seed);
// Words of a vocabulary, the frequent ones more often: what high levels find more in than low ones.
CompressData WordsData(size_t bytes, uint64_t seed);

size_t Affordable(const workbench::CheckContext& context, size_t gpu, size_t cpu, size_t checked);

// ---- Oracles

Bytes PlanesOf(const CompressData& data);  // byte j of element i at [j * elements + i]
size_t ZlibSize(const Bytes& bytes, int level, double* cpu_seconds = nullptr);
size_t ZstdSize(const Bytes& bytes, int level, double* cpu_seconds = nullptr);
size_t LargestStream(size_t bytes);  // that an input of so many may become

// ---- Calls. False when a failure was recorded.

CompressInputs Describe(const CompressData& data);

// Split, or join of planes that the judge made, with input and output so many bytes from an aligned address.
bool JudgePlanes(workbench::CheckContext& context, const CompressData& data, bool join, uint32_t in_offset,
                 uint32_t out_offset);

struct CompressOptions {
  double budget_seconds = kComfortableSeconds;
  uint32_t offset = 0;  // of the input
  bool null = false;
  bool measure_split = false;
};
// Compresses; the call has to succeed and leave its input alone.
bool RunCompress(workbench::CheckContext& context, const CompressData& data, const CompressOptions& options,
                 CompressOutcome* outcome);

struct DecompressOptions {
  uint64_t more_capacity = 0;
  uint32_t offset = 0;
  bool null = false;
};
// Decompresses what was made of `data`; it has to be `data` again, and nothing else may be written.
bool JudgeDecompress(workbench::CheckContext& context, const CompressData& data, const Bytes& stream,
                     const DecompressOptions& options = {});

bool JudgeRoundTrip(workbench::CheckContext& context, const CompressData& data, const CompressOptions& options = {},
                    const DecompressOptions& back = {});

// "kDamaged (2)", "an exception", ...
std::string ResultName(int32_t result);
std::string Percent(double fraction);

bool FailCompress(workbench::CheckContext& context, const std::string& property, const CompressInputs& inputs,
                  const std::string& expected, const std::string& actual, const std::string& detail = "");

// Runs `request` on part e and decodes its reply.
template <typename Outcome>
bool RunRequest(workbench::CheckContext& context, const Bytes& request, const CompressInputs& inputs, Outcome* outcome,
                bool reference = false) {
  constexpr double kDeadlineSeconds = 120;
  workbench::CheckContext::Replies replies;
  if (!context.Run("e", 0, request, kDeadlineSeconds, inputs, &replies, reference)) return false;
  if (Decode(Reader(replies[0]), outcome)) return true;
  return FailCompress(context, "the process that holds the answer replies in the judge's own words", inputs, "a reply",
                      "something else: the answer has written into the judge's memory");
}

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_COMPRESS_JUDGE_H_
