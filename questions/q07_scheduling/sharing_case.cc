#include "questions/q07_scheduling/sharing_case.h"

#include "questions/q07_scheduling/protocol.h"

namespace q07 {
namespace {

std::vector<std::byte> Encode(RequestKind kind, const SharingCase& one) {
  std::vector<std::byte> bytes;
  bytes.reserve(1024);
  Append(&bytes, kind);
  ByteWriter writer(&bytes);
  writer.Signed(static_cast<int32_t>(one.rules.sharing));
  writer.Unsigned(one.rules.reclaim);
  writer.Signed(one.rules.backfill_depth);
  writer.Unsigned(one.twin);
  Write(one.workload, &writer);
  return bytes;
}

}  // namespace

std::vector<std::byte> EncodeSharing(const SharingCase& one) { return Encode(RequestKind::kSharing, one); }

std::vector<std::byte> EncodeSharingCreate(const SharingCase& one) { return Encode(RequestKind::kSharingCreate, one); }

bool DecodeSharing(std::span<const std::byte> bytes, SharingCase* one) {
  ByteReader reader(bytes);
  one->rules.sharing = static_cast<Sharing>(reader.Signed32());
  one->rules.reclaim = reader.Unsigned() != 0;
  one->rules.backfill_depth = reader.Signed32();
  one->twin = reader.Unsigned() != 0;
  one->workload = ReadWorkload(&reader);
  return reader.ok() && reader.at_end();
}

std::vector<std::byte> EncodeSharingReply(const SharingReply& reply) {
  std::vector<std::byte> bytes;
  ByteWriter writer(&bytes);
  writer.Unsigned(reply.created);
  writer.Unsigned(reply.twin_differs);
  writer.Text(reply.difference);
  Write(reply.run, &writer);
  return bytes;
}

bool DecodeSharingReply(std::span<const std::byte> bytes, SharingReply* reply) {
  ByteReader reader(bytes);
  reply->created = reader.Unsigned() != 0;
  reply->twin_differs = reader.Unsigned() != 0;
  reply->difference = reader.Text();
  reply->run = ReadRunnerReply(&reader);
  return reader.ok() && reader.at_end();
}

}  // namespace q07
