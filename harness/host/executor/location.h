// From code addresses to source lines.
#ifndef HARNESS_HOST_EXECUTOR_LOCATION_H_
#define HARNESS_HOST_EXECUTOR_LOCATION_H_

#include <cstdint>
#include <string>

namespace cuda_host {

// "file.cu:12" through binutils' addr2line. Where it is not installed, or this process may not start another
// (WORKBENCH_CONFINED is set), "{/path/of/module+0x1234}", which ResolveLocations turns into the same elsewhere.
// `pc` is the address of the instruction itself; of a return address give one less.
std::string DescribeLocation(uintptr_t pc);

// Replaces every "{module+0x...}" that can be resolved.
std::string ResolveLocations(const std::string& text);

}  // namespace cuda_host

#endif  // HARNESS_HOST_EXECUTOR_LOCATION_H_
