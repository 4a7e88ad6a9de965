// Part F's cases: files to be read, or tensors to be written. What is long is told by repetition.
#ifndef QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_CASE_H_
#define QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_CASE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "questions/q13_checkpoint/api.h"
#include "questions/q13_checkpoint/protocol.h"

namespace q13 {

enum class SafetensorsOp : int32_t { kParse = 0, kWrite = 1 };

// `text`, so many times.
struct Repeated {
  std::string text;
  uint64_t count = 1;
};
using Text = std::vector<Repeated>;

struct ParseCase {
  Text head;           // what is there to be read
  uint64_t bytes = 0;  // of the file
};

struct ParseRequest {
  std::vector<ParseCase> cases;
  int32_t stale = 0;  // *file has something in it before the call
};

// What became of a call that could not end as it should.
enum class CallEnd : int32_t { kReturned = 0, kOutOfMemory = 1 };

struct ParseReply {
  CallEnd end = CallEnd::kReturned;
  FormatError error = FormatError::kOk;
  SafetensorsFile file;  // empty where `error` is not kOk
};

// How much a parser may add to its address space, for a head of that size.
constexpr uint64_t MemoryAllowance(uint64_t head_bytes) { return (64 << 20) + 64 * head_bytes; }

struct WriteTensor {
  std::string name;
  TensorInfo info;
  int32_t misaligned = 0;       // the data's address modulo 16
  std::vector<std::byte> data;  // may be shorter than `info` says where the call has to be refused
};

struct WriteRequest {
  std::vector<WriteTensor> tensors;
  std::map<std::string, std::string> metadata;
  uint64_t metadata_repeat = 1;       // each value so many times
  int64_t fail_at = -1;               // the sink fails at the piece that has this byte
  uint64_t keep = uint64_t{1} << 40;  // so many bytes of the file are told
};

struct WriteReply {
  CallEnd end = CallEnd::kReturned;
  int32_t result = 0;
  uint64_t bytes = 0;        // that the sink was given
  uint64_t calls_after = 0;  // of the sink, after it had failed
  std::vector<std::byte> file;
};

std::vector<std::byte> Encode(const ParseRequest& request);
std::vector<std::byte> Encode(const WriteRequest& request);
// What follows kind and op. False: it is not one.
bool Decode(Reader* reader, ParseRequest* request);
bool Decode(Reader* reader, WriteRequest* request);

void AppendReply(std::vector<std::byte>* buffer, const ParseReply& reply);
void AppendReply(std::vector<std::byte>* buffer, const WriteReply& reply);
bool ReadReply(Reader* reader, ParseReply* reply);
bool ReadReply(Reader* reader, WriteReply* reply);

uint64_t SizeOf(const Text& text);

}  // namespace q13

#endif  // QUESTIONS_Q13_CHECKPOINT_SAFETENSORS_CASE_H_
