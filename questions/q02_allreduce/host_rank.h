// Part A inside a rank: buffers, transports, the call.
#ifndef QUESTIONS_Q02_ALLREDUCE_HOST_RANK_H_
#define QUESTIONS_Q02_ALLREDUCE_HOST_RANK_H_

#include <mpi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "harness/status.h"
#include "questions/q02_allreduce/api.h"
#include "questions/q02_allreduce/protocol.h"

namespace q02 {

using HostEntry = decltype(&q02_allreduce_host);

class HostRank {
 public:
  HostRank();  // makes communicators: collective
  ~HostRank();
  void set_entry(HostEntry entry) { entry_ = entry; }

  workbench::Result<std::vector<std::byte>> RunCase(const HostCase& request);
  workbench::Result<std::vector<std::byte>> RunTiming(const HostTimingCase& request);

 private:
  // Memory for one operand: a red zone, an offset, the elements, a red zone.
  struct Buffer {
    std::vector<std::byte> storage;
    std::byte* data = nullptr;  // first element
    size_t bytes = 0;
    void Prepare(size_t element_bytes, size_t count, size_t offset_elements, bool reuse);
    // From the start of the red zone in front to the end of the one behind.
    std::span<const std::byte> WithRedZones() const { return {data - kRedZoneBytes, bytes + 2 * kRedZoneBytes}; }
  };

  workbench::Result<std::vector<std::byte>> RunCase(const HostCase& request, DataType buffer_type);
  workbench::Result<std::vector<std::byte>> RunFolded(const HostCase& request);

  void WaitForOthers();

  HostEntry entry_ = nullptr;
  int rank_ = 0;
  MPI_Comm headers_;
  MPI_Comm data_;
  Buffer in_;
  Buffer out_;
};

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_HOST_RANK_H_
