// What a number was measured on, for the reports.
#ifndef GRADER_ENVIRONMENT_H_
#define GRADER_ENVIRONMENT_H_

#include <string>
#include <utility>
#include <vector>

namespace workbench {

// Names and values for people: CPU, cores, memory, system, kernel, compiler; with `gpu` also what nvidia-smi says of
// each GPU (name, driver, clocks now and at most, power limit), and the CUDA Toolkit and NCCL whose headers are
// installed. What cannot be found out is left out. Without `gpu` nothing of a GPU is in it. Takes up to a few seconds.
std::vector<std::pair<std::string, std::string>> DescribeEnvironment(bool gpu);

// Now, as "2026-11-27T10:00:00Z".
std::string UtcDate();

}  // namespace workbench

#endif  // GRADER_ENVIRONMENT_H_
