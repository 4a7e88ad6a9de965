#include "questions/q13_checkpoint/reshard_rank.h"

#include <dlfcn.h>

#include <optional>
#include <type_traits>

#include "questions/q13_checkpoint/reshard_sweep.h"

namespace q13 {
namespace {

using workbench::MemoryIo;
using workbench::Status;

ReshardReply RunSteps(const ReshardEntries& entries, const ReshardRequest& request) {
  ReshardReply reply;
  MemoryIo io(EmptyReshardTree());
  for (const ReshardStep& step : request.steps) {
    workbench::IoFaults faults;
    faults.seed = request.seed;
    faults.rank = step.faults.rank;
    faults.short_reads = faults.short_writes = step.faults.short_io != 0;
    faults.interrupt_every = step.faults.interrupt_every;
    io.SetFaults(faults);
    ReshardCall call;
    call.save = step.save;
    call.layout = step.layout;
    call.versions = {step.version};
    call.misaligned = step.misaligned;
    reply.steps.push_back(RunReshardCall(entries, request, call, &io));
    ++reply.cases;
  }
  return reply;
}

}  // namespace

Status ReshardRank::Load(void* library) {
  const auto find = [&](const char* name, auto* entry) {
    *entry = reinterpret_cast<std::remove_pointer_t<decltype(entry)>>(dlsym(library, name));
    return *entry != nullptr;
  };
  if (find("q13_shard_save", &entries_.save) && find("q13_shard_load", &entries_.load)) return Status::Ok();
  return workbench::Error(
      "the implementation does not define q13_shard_save and q13_shard_load; are they still extern \"C\", with the "
      "signatures of api.h?");
}

workbench::Result<std::vector<std::byte>> ReshardRank::Run(std::span<const std::byte> bytes) {
  const std::optional<ReshardRequest> request = DecodeReshardRequest(bytes);
  if (!request.has_value()) return workbench::Error("the request is not one of part d");
  if (request->mode == ReshardMode::kRun) return Encode(RunSteps(entries_, *request));
  return Encode(ReshardSweep(entries_, *request).Run());
}

}  // namespace q13
