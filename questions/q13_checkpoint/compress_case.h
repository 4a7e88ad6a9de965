// Part E between grader and runner: calls, and what came of them. A request is an int32_t RequestKind::kCompress, a
// CompressMode, and what the mode says.
#ifndef QUESTIONS_Q13_CHECKPOINT_COMPRESS_CASE_H_
#define QUESTIONS_Q13_CHECKPOINT_COMPRESS_CASE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/protocol.h"

namespace q13 {

enum class CompressMode : int32_t {
  kPlanes = 1,  // the rest is a DeviceCall with PlanesParameters, an input and an output; so is the reply
  kCompress,    // CompressCall, CompressOutcome
  kDecompress,  // DecompressCall, DecompressOutcome
  kDamage,      // DamageCall, DamageOutcome
  kTiming,      // PlanesTiming, PlanesTimes
  kCeilings,    // nothing, CompressCeilings
};

struct PlanesParameters {
  uint64_t elements = 0;
  int32_t element_bytes = 0;
  int32_t join = 0;
};

// In place of what an entry point returned.
inline constexpr int32_t kThrewException = std::numeric_limits<int32_t>::min();

struct CompressCall {
  uint64_t elements = 0;
  int32_t element_bytes = 0;
  uint32_t offset = 0;  // bytes from an aligned address
  double budget_seconds = 0;
  int32_t null = 0;           // a null pointer; only without data
  int32_t measure_split = 0;  // what q13_split_planes of the same data and a copy to the host take
  std::vector<std::byte> data;
};

struct CompressOutcome {
  int32_t result = 0;
  double wall_seconds = 0, cpu_seconds = 0;  // of the call; CPU: of all threads
  double split_cpu_seconds = 0;
  int64_t changed = -1;        // first byte of the input, or near it, that is not what it was, from its begin
  std::vector<std::byte> out;  // only if result is 0
};

struct DecompressCall {
  uint64_t capacity = 0;
  uint32_t offset = 0;
  int32_t null = 0;  // a null pointer for the data; only without capacity
  std::vector<std::byte> stream;
};

struct DecompressOutcome {
  int32_t result = 0;
  uint64_t bytes = 0;
  int64_t outside = 0;          // bytes written in front of the room or behind it,
  int64_t first_outside = 0;    // the first one from its begin
  std::vector<std::byte> data;  // all of the room, only if result is 0
};

enum class Damage : int32_t {
  kFlips = 0,   // of each bit, or of `samples` random ones
  kTruncation,  // every length, or `samples` random ones
  kAppended,
  kWords,    // extreme values in every 4- and 8-byte word of the front
  kMoved,    // `samples` times two parts exchanged, or one repeated
  kGarbage,  // `samples` times nothing of a stream, or its front alone
};
inline constexpr Damage kDamages[] = {Damage::kFlips, Damage::kTruncation, Damage::kAppended,
                                      Damage::kWords, Damage::kMoved,      Damage::kGarbage};

struct DamageCall {
  Damage damage = Damage::kFlips;
  uint64_t samples = 0;  // 0: all
  uint64_t seed = 0;
  uint64_t capacity = 0;
  uint64_t more_memory = 0;  // that the process may take meanwhile; 0: any
  std::vector<std::byte> stream;
};

struct DamageOutcome {
  uint64_t cases = 0;
  uint64_t wrong = 0;  // that did not return kDamaged, or wrote outside
  int32_t result = 0;  // of the first of these
  int32_t outside = 0;
  std::string first;  // what was done to the stream
};

struct PlanesTiming {
  uint64_t elements = 0;
  int32_t element_bytes = 0;
  int32_t join = 0;
  uint64_t seed = 0;
  int32_t samples = 0;
};

// Byte i of what is timed. Its period is odd: no two planes are alike.
inline constexpr size_t kTimingPeriod = (1 << 20) + 7;
inline constexpr size_t kTimingWindow = 4096;

struct PlanesTimes {
  int32_t error = 0;
  std::vector<double> seconds;
  std::vector<std::byte> first, last;  // windows at the begin and the end of the result
};

struct CompressCeilings {
  double copy_bytes_per_second = 0;
  char device[192] = {};
};

std::vector<std::byte> StartCompressRequest(CompressMode mode);

std::vector<std::byte> Encode(const CompressCall& call);
std::vector<std::byte> Encode(const CompressOutcome& outcome);
std::vector<std::byte> Encode(const DecompressCall& call);
std::vector<std::byte> Encode(const DecompressOutcome& outcome);
std::vector<std::byte> Encode(const DamageCall& call);
std::vector<std::byte> Encode(const DamageOutcome& outcome);
std::vector<std::byte> Encode(const PlanesTiming& call);
std::vector<std::byte> Encode(const PlanesTimes& times);

// False: not one, or not all of one.
bool Decode(Reader reader, CompressCall* call);
bool Decode(Reader reader, CompressOutcome* outcome);
bool Decode(Reader reader, DecompressCall* call);
bool Decode(Reader reader, DecompressOutcome* outcome);
bool Decode(Reader reader, DamageCall* call);
bool Decode(Reader reader, DamageOutcome* outcome);
bool Decode(Reader reader, PlanesTiming* call);
bool Decode(Reader reader, PlanesTimes* times);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_COMPRESS_CASE_H_
