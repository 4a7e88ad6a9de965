#include "questions/q13_checkpoint/snapshot_case.h"

#include "questions/q13_checkpoint/protocol.h"

namespace q13 {

std::vector<std::byte> PackSnapshotCase(const SnapshotCase& script) {
  std::vector<std::byte> bytes;
  Append(&bytes, RequestKind::kSnapshot);
  Append(&bytes, SnapshotForm::kScript);
  Append(&bytes, script.device_bytes);
  Append(&bytes, script.pinned_bytes);
  Append(&bytes, script.chunk_bytes);
  Append(&bytes, script.has_sink);
  Append(&bytes, script.saves);
  Append(&bytes, script.seed);
  AppendAll(&bytes, std::span<const SnapshotTensor>(script.tensors));
  AppendAll(&bytes, std::span<const SnapshotAction>(script.actions));
  return bytes;
}

bool ParseSnapshotCase(std::span<const std::byte> bytes, SnapshotCase* script) {
  Reader reader(bytes);
  if (reader.Read<RequestKind>() != RequestKind::kSnapshot) return false;
  if (reader.Read<SnapshotForm>() != SnapshotForm::kScript) return false;
  script->device_bytes = reader.Read<int64_t>();
  script->pinned_bytes = reader.Read<int64_t>();
  script->chunk_bytes = reader.Read<int64_t>();
  script->has_sink = reader.Read<int32_t>();
  script->saves = reader.Read<int32_t>();
  script->seed = reader.Read<uint64_t>();
  script->tensors = reader.ReadAll<SnapshotTensor>();
  script->actions = reader.ReadAll<SnapshotAction>();
  return reader.done();
}

std::vector<std::byte> PackSnapshotReply(const SnapshotReply& reply) {
  std::vector<std::byte> bytes;
  Append(&bytes, reply.created);
  Append(&bytes, reply.memory);
  AppendAll(&bytes, std::span<const SnapshotActionResult>(reply.actions));
  AppendAll(&bytes, std::span<const SnapshotSaveResult>(reply.saves));
  AppendAll(&bytes, std::span<const std::byte>(reply.contents));
  return bytes;
}

bool ParseSnapshotReply(std::span<const std::byte> bytes, SnapshotReply* reply) {
  Reader reader(bytes);
  reply->created = reader.Read<int32_t>();
  reply->memory = reader.Read<SnapshotMemory>();
  reply->actions = reader.ReadAll<SnapshotActionResult>();
  reply->saves = reader.ReadAll<SnapshotSaveResult>();
  reply->contents = reader.ReadAll<std::byte>();
  return reader.done();
}

}  // namespace q13
