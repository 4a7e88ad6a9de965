// From return addresses to source lines, with binutils' addr2line where it is installed.
#ifndef HARNESS_LAUNCH_CRASH_LOCATION_H_
#define HARNESS_LAUNCH_CRASH_LOCATION_H_

#include <string>

#include "harness/launch/channel.h"

namespace workbench {

// "Segmentation fault at address 0x10, in q02_allreduce_host (allreduce_host.cc:57), called from ...".
std::string DescribeCrash(const CrashPayload& crash, const std::string& library);

}  // namespace workbench

#endif  // HARNESS_LAUNCH_CRASH_LOCATION_H_
