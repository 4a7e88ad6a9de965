// Part B inside a rank, as rank_main sees it.
#ifndef QUESTIONS_Q02_ALLREDUCE_DEVICE_PART_H_
#define QUESTIONS_Q02_ALLREDUCE_DEVICE_PART_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "harness/runner/rank_program.h"
#include "harness/status.h"

namespace q02 {

class DevicePart {
 public:
  virtual ~DevicePart() = default;
  virtual workbench::Status Prepare(const workbench::RankEnvironment& environment) = 0;
  virtual workbench::Status Load(void* library) = 0;
  virtual workbench::Result<std::vector<std::byte>> Run(std::span<const std::byte> request) = 0;
};

std::unique_ptr<DevicePart> MakeDevicePart();

}  // namespace q02

#endif  // QUESTIONS_Q02_ALLREDUCE_DEVICE_PART_H_
