// Q2 inside a rank: which entry points an implementation has, and which request runs what.
#include <dlfcn.h>

#include <memory>
#include <optional>

#include "harness/runner/rank_program.h"
#include "questions/q02_allreduce/device_part.h"
#include "questions/q02_allreduce/host_rank.h"
#include "questions/q02_allreduce/protocol.h"

namespace q02 {
namespace {

using workbench::Error;
using workbench::Status;

class Program : public workbench::RankProgram {
 public:
  Status Prepare(const workbench::RankEnvironment& environment) override {
    if (environment.part == "b") {
      device_ = MakeDevicePart();
      return device_->Prepare(environment);
    }
    if (environment.has_mpi) host_.emplace();
    return Status::Ok();
  }

  // A part's shared object has that part's entry point alone.
  Status Load(void* library) override {
    if (device_ != nullptr) return device_->Load(library);
    const auto host = reinterpret_cast<HostEntry>(dlsym(library, "q02_allreduce_host"));
    choose_ = reinterpret_cast<decltype(&q02_choose)>(dlsym(library, "q02_choose"));
    if (host_) host_->set_entry(host);
    if (host == nullptr && choose_ == nullptr) {
      return Error(
          "the implementation defines neither q02_allreduce_host nor q02_choose; is it still extern \"C\", with the "
          "signature of api.h?");
    }
    return Status::Ok();
  }

  workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request) override {
    if (device_ != nullptr) return device_->Run(request);
    switch (Read<RequestKind>(request)) {
      case RequestKind::kHost:
        return host_->RunCase(Read<HostCase>(request));
      case RequestKind::kHostTiming:
        return host_->RunTiming(Read<HostTimingCase>(request));
      case RequestKind::kChoose:
        return Choose(request);
      default:
        break;
    }
    return Error("an unknown request");
  }

 private:
  workbench::Result<std::vector<std::byte>> Choose(std::span<const std::byte> request) {
    std::vector<std::byte> reply;
    for (size_t at = sizeof(ChooseCase); at + sizeof(ChooseQuery) <= request.size(); at += sizeof(ChooseQuery)) {
      const ChooseQuery query = Read<ChooseQuery>(request, at);
      Append(&reply, choose_(query.model, query.bytes));
    }
    return reply;
  }

  std::unique_ptr<DevicePart> device_;
  std::optional<HostRank> host_;
  decltype(&q02_choose) choose_ = nullptr;
};

}  // namespace
}  // namespace q02

std::unique_ptr<workbench::RankProgram> workbench::MakeRankProgram() { return std::make_unique<q02::Program>(); }
