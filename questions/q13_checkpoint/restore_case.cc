#include "questions/q13_checkpoint/restore_case.h"

#include "questions/q13_checkpoint/protocol.h"

namespace q13 {

int64_t RestoreCase::bytes() const {
  int64_t sum = 0;
  for (const SnapshotTensor& tensor : tensors) sum += tensor.bytes;
  return sum;
}

std::vector<int64_t> RestoreCase::Layout() const {
  constexpr int64_t kAlignment = 256;
  std::vector<int64_t> places;
  int64_t at = kAlignment;
  for (const SnapshotTensor& tensor : tensors) {
    places.push_back(at + tensor.offset);
    at += (tensor.offset + tensor.bytes + 2 * kAlignment - 1) / kAlignment * kAlignment;
  }
  places.push_back(at + kAlignment);
  return places;
}

std::vector<std::byte> PackRestoreCase(const RestoreCase& asked) {
  std::vector<std::byte> bytes;
  Append(&bytes, RequestKind::kSnapshot);
  Append(&bytes, SnapshotForm::kRestore);
  Append(&bytes, asked.plan);
  AppendAll(&bytes, std::span<const SnapshotTensor>(asked.tensors));
  return bytes;
}

bool ParseRestoreCase(std::span<const std::byte> bytes, RestoreCase* asked) {
  Reader reader(bytes);
  if (reader.Read<RequestKind>() != RequestKind::kSnapshot) return false;
  if (reader.Read<SnapshotForm>() != SnapshotForm::kRestore) return false;
  asked->plan = reader.Read<RestorePlan>();
  asked->tensors = reader.ReadAll<SnapshotTensor>();
  return reader.done();
}

std::vector<std::byte> PackRestoreReply(const RestoreReply& reply) {
  std::vector<std::byte> bytes;
  Append(&bytes, reply.value);
  Append(&bytes, reply.gate_by_itself);
  Append(&bytes, reply.memory);
  Append(&bytes, reply.reads);
  for (const std::vector<std::byte>* copy : {&reply.block, &reply.before, &reply.after}) {
    AppendAll(&bytes, std::span<const std::byte>(*copy));
  }
  return bytes;
}

bool ParseRestoreReply(std::span<const std::byte> bytes, RestoreReply* reply) {
  Reader reader(bytes);
  reply->value = reader.Read<int32_t>();
  reply->gate_by_itself = reader.Read<int32_t>();
  reply->memory = reader.Read<SnapshotMemory>();
  reply->reads = reader.Read<RestoreReads>();
  for (std::vector<std::byte>* copy : {&reply->block, &reply->before, &reply->after}) {
    *copy = reader.ReadAll<std::byte>();
  }
  return reader.done();
}

std::vector<std::byte> PackRestoreSpeed(RestoreSpeedRequest request) {
  request.kind = static_cast<int32_t>(RequestKind::kSnapshot);
  const std::byte* at = reinterpret_cast<const std::byte*>(&request);
  return {at, at + sizeof request};
}

bool ParseRestoreSpeed(std::span<const std::byte> bytes, RestoreSpeedReply* reply, std::vector<double>* seconds) {
  Reader reader(bytes);
  *reply = reader.Read<RestoreSpeedReply>();
  reply->device[sizeof reply->device - 1] = '\0';
  seconds->clear();
  for (uint64_t i = 0; i < reply->samples && reader.ok(); ++i) seconds->push_back(reader.Read<double>());
  return reader.done();
}

}  // namespace q13
