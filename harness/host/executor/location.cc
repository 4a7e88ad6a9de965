#include "harness/host/executor/location.h"

#include <dlfcn.h>
#include <link.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

namespace cuda_host {
namespace {

// "file.cu:12" of one line of addr2line's output; empty if it knows nothing.
std::string Cleaned(std::string text) {
  text = text.substr(0, text.find_first_of("\n "));
  if (text.compare(0, 2, "??") == 0) return "";
  if (text.size() > 2 && text.compare(text.size() - 2, 2, ":?") == 0) return "";
  // Paths of a build folder say nothing to a reader.
  for (const char* root : {"/execroot/", "/sandbox/"}) {
    const size_t at = text.find(root);
    if (at == std::string::npos) continue;
    const size_t rest = text.find('/', at + std::strlen(root));
    if (rest != std::string::npos) text = text.substr(rest + 1);
  }
  constexpr char kHere[] = "/proc/self/cwd/";
  if (text.compare(0, sizeof kHere - 1, kHere) == 0) text = text.substr(sizeof kHere - 1);
  if (text.compare(0, 2, "./") == 0) text = text.substr(2);
  return text;
}

// Runs addr2line. Of the functions that are inlined there, the innermost that is the program's own counts.
std::string Ask(const std::string& module, const std::string& offset) {
  const std::string command = "addr2line -i -e '" + module + "' " + offset + " 2>/dev/null";
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  char line[4096];
  std::string found;
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    const std::string text = Cleaned(line);
    if (text.empty()) continue;
    const bool ours =
        text.find("harness/host/include/") != std::string::npos || text.compare(0, 13, "/usr/include/") == 0;
    if (found.empty() || !ours) found = text;
    if (!ours) break;
  }
  pclose(pipe);
  return found;
}

}  // namespace

std::string DescribeLocation(uintptr_t pc) {
  static std::mutex mutex;
  static auto* const known = new std::map<uintptr_t, std::string>;
  std::lock_guard<std::mutex> lock(mutex);
  if (const auto found = known->find(pc); found != known->end()) return found->second;
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(reinterpret_cast<void*>(pc), &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0 ||
      map == nullptr) {
    return "an unknown place";
  }
  char path[PATH_MAX];
  std::string module = map->l_name[0] != '\0' ? map->l_name : "/proc/self/exe";
  if (realpath(module.c_str(), path) != nullptr) module = path;
  char offset[32];
  std::snprintf(offset, sizeof offset, "0x%lx", static_cast<unsigned long>(pc - map->l_addr));
  std::string text;
  if (std::getenv("WORKBENCH_CONFINED") == nullptr) text = Ask(module, offset);
  if (text.empty()) text = "{" + module + "+" + offset + "}";
  (*known)[pc] = text;
  return text;
}

std::string ResolveLocations(const std::string& text) {
  std::string result;
  size_t at = 0;
  for (;;) {
    const size_t open = text.find("{/", at);
    const size_t close = open == std::string::npos ? open : text.find('}', open);
    const size_t plus = close == std::string::npos ? close : text.rfind("+0x", close);
    if (close == std::string::npos || plus == std::string::npos || plus < open) break;
    result += text.substr(at, open - at);
    const std::string found = Ask(text.substr(open + 1, plus - open - 1), text.substr(plus + 1, close - plus - 1));
    result += found.empty() ? text.substr(open, close + 1 - open) : found;
    at = close + 1;
  }
  return result + text.substr(at);
}

}  // namespace cuda_host
