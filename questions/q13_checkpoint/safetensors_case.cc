#include "questions/q13_checkpoint/safetensors_case.h"

namespace q13 {
namespace {

void AppendHead(std::vector<std::byte>* buffer, SafetensorsOp op) {
  Append(buffer, RequestKind::kSafetensors);
  Append(buffer, op);
}

void AppendInfo(std::vector<std::byte>* buffer, const TensorInfo& info) {
  Append(buffer, info.type);
  AppendAll(buffer, std::span<const int64_t>(info.shape));
}

TensorInfo ReadInfo(Reader* reader) {
  TensorInfo info;
  info.type = reader->Read<Type>();
  info.shape = reader->ReadAll<int64_t>();
  return info;
}

void AppendMetadata(std::vector<std::byte>* buffer, const std::map<std::string, std::string>& metadata) {
  Append<uint64_t>(buffer, metadata.size());
  for (const auto& [key, value] : metadata) {
    AppendText(buffer, key);
    AppendText(buffer, value);
  }
}

std::map<std::string, std::string> ReadMetadata(Reader* reader) {
  std::map<std::string, std::string> metadata;
  const auto count = reader->Read<uint64_t>();
  for (uint64_t i = 0; i < count && reader->ok(); ++i) {
    std::string key = reader->ReadText();
    metadata[std::move(key)] = reader->ReadText();
  }
  return metadata;
}

}  // namespace

uint64_t SizeOf(const Text& text) {
  uint64_t size = 0;
  for (const Repeated& part : text) size += part.text.size() * part.count;
  return size;
}

std::vector<std::byte> Encode(const ParseRequest& request) {
  std::vector<std::byte> buffer;
  AppendHead(&buffer, SafetensorsOp::kParse);
  Append(&buffer, request.stale);
  Append<uint64_t>(&buffer, request.cases.size());
  for (const ParseCase& one : request.cases) {
    Append(&buffer, one.bytes);
    Append<uint64_t>(&buffer, one.head.size());
    for (const Repeated& part : one.head) {
      AppendText(&buffer, part.text);
      Append(&buffer, part.count);
    }
  }
  return buffer;
}

bool Decode(Reader* reader, ParseRequest* request) {
  request->stale = reader->Read<int32_t>();
  const auto count = reader->Read<uint64_t>();
  for (uint64_t i = 0; i < count && reader->ok(); ++i) {
    ParseCase one;
    one.bytes = reader->Read<uint64_t>();
    const auto parts = reader->Read<uint64_t>();
    for (uint64_t k = 0; k < parts && reader->ok(); ++k) {
      Repeated part;
      part.text = reader->ReadText();
      part.count = reader->Read<uint64_t>();
      one.head.push_back(std::move(part));
    }
    request->cases.push_back(std::move(one));
  }
  return reader->done();
}

std::vector<std::byte> Encode(const WriteRequest& request) {
  std::vector<std::byte> buffer;
  AppendHead(&buffer, SafetensorsOp::kWrite);
  Append<uint64_t>(&buffer, request.tensors.size());
  for (const WriteTensor& tensor : request.tensors) {
    AppendText(&buffer, tensor.name);
    AppendInfo(&buffer, tensor.info);
    Append(&buffer, tensor.misaligned);
    AppendAll(&buffer, std::span<const std::byte>(tensor.data));
  }
  AppendMetadata(&buffer, request.metadata);
  Append(&buffer, request.metadata_repeat);
  Append(&buffer, request.fail_at);
  Append(&buffer, request.keep);
  return buffer;
}

bool Decode(Reader* reader, WriteRequest* request) {
  const auto count = reader->Read<uint64_t>();
  for (uint64_t i = 0; i < count && reader->ok(); ++i) {
    WriteTensor tensor;
    tensor.name = reader->ReadText();
    tensor.info = ReadInfo(reader);
    tensor.misaligned = reader->Read<int32_t>();
    tensor.data = reader->ReadAll<std::byte>();
    request->tensors.push_back(std::move(tensor));
  }
  request->metadata = ReadMetadata(reader);
  request->metadata_repeat = reader->Read<uint64_t>();
  request->fail_at = reader->Read<int64_t>();
  request->keep = reader->Read<uint64_t>();
  return reader->done();
}

void AppendReply(std::vector<std::byte>* buffer, const ParseReply& reply) {
  Append(buffer, reply.end);
  Append(buffer, reply.error);
  Append<uint64_t>(buffer, reply.file.tensors.size());
  for (const SafetensorsEntry& tensor : reply.file.tensors) {
    AppendText(buffer, tensor.name);
    AppendInfo(buffer, tensor.info);
    Append(buffer, tensor.begin);
    Append(buffer, tensor.end);
  }
  AppendMetadata(buffer, reply.file.metadata);
}

bool ReadReply(Reader* reader, ParseReply* reply) {
  reply->end = reader->Read<CallEnd>();
  reply->error = reader->Read<FormatError>();
  const auto count = reader->Read<uint64_t>();
  for (uint64_t i = 0; i < count && reader->ok(); ++i) {
    SafetensorsEntry tensor;
    tensor.name = reader->ReadText();
    tensor.info = ReadInfo(reader);
    tensor.begin = reader->Read<int64_t>();
    tensor.end = reader->Read<int64_t>();
    reply->file.tensors.push_back(std::move(tensor));
  }
  reply->file.metadata = ReadMetadata(reader);
  return reader->ok();
}

void AppendReply(std::vector<std::byte>* buffer, const WriteReply& reply) {
  Append(buffer, reply.end);
  Append(buffer, reply.result);
  Append(buffer, reply.bytes);
  Append(buffer, reply.calls_after);
  AppendAll(buffer, std::span<const std::byte>(reply.file));
}

bool ReadReply(Reader* reader, WriteReply* reply) {
  reply->end = reader->Read<CallEnd>();
  reply->result = reader->Read<int32_t>();
  reply->bytes = reader->Read<uint64_t>();
  reply->calls_after = reader->Read<uint64_t>();
  reply->file = reader->ReadAll<std::byte>();
  return reader->ok();
}

}  // namespace q13
