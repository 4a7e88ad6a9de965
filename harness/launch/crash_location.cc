#include "harness/launch/crash_location.h"

#include <signal.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <vector>

namespace workbench {
namespace {

// "function (file:line)" for each offset; empty when addr2line is not there or knows nothing.
std::vector<std::string> Symbolize(const CrashPayload& crash, const std::string& library) {
  std::string command = "addr2line -f -C -s -e '" + library + "'";
  for (int i = 0; i < crash.frames; ++i) {
    char text[32];
    // A return address points behind its call: one back is inside it. The first frame is the faulting address itself.
    std::snprintf(text, sizeof text, " 0x%" PRIx64, crash.offsets[i] - (i == 0 ? 0 : 1));
    command += text;
  }
  std::vector<std::string> frames;
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return frames;
  char function[1024], place[1024];
  while (std::fgets(function, sizeof function, pipe) && std::fgets(place, sizeof place, pipe)) {
    function[std::strcspn(function, "\n")] = '\0';
    place[std::strcspn(place, "\n ")] = '\0';
    if (std::strcmp(function, "??") == 0) continue;
    std::string name = function;
    // "(anonymous namespace)::" tells the reader nothing, and its bracket is not that of the arguments.
    const std::string anonymous = "(anonymous namespace)::";
    for (size_t at; (at = name.find(anonymous)) != std::string::npos;) name.erase(at, anonymous.size());
    name = name.substr(0, std::min(name.find('('), name.size()));
    frames.push_back(name + (place[0] == '?' ? std::string() : " (" + std::string(place) + ")"));
  }
  pclose(pipe);
  return frames;
}

}  // namespace

std::string DescribeCrash(const CrashPayload& raw, const std::string& library) {
  CrashPayload crash = raw;
  crash.frames = std::clamp<int32_t>(crash.frames, 0, static_cast<int32_t>(std::size(crash.offsets)));
  std::string text = strsignal(crash.signal);
  if (crash.signal == SIGSEGV || crash.signal == SIGBUS) {
    char address[32];
    std::snprintf(address, sizeof address, " at address 0x%" PRIx64, crash.fault_address);
    text += address;
  }
  const std::vector<std::string> frames = Symbolize(crash, library);
  for (size_t i = 0; i < frames.size() && i < 6; ++i) text += (i == 0 ? ", in " : ", called from ") + frames[i];
  if (crash.frames == 0) text += ", outside of the implementation's code";
  return text;
}

}  // namespace workbench
