#include "grader/environment.h"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

namespace workbench {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

void Add(const std::string& name, const std::string& value, Entries* entries) {
  if (!value.empty()) entries->emplace_back(name, value);
}

// What stands behind `key` and, if there is one, `separator`, in the first line that begins with it.
std::string FirstValue(const std::string& path, const std::string& key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const size_t at = line.find(separator, key.size() - 1);
    std::string value = at == std::string::npos ? "" : line.substr(at + 1);
    std::erase(value, '"');
    const size_t begin = value.find_first_not_of(" \t");
    return begin == std::string::npos ? "" : value.substr(begin);
  }
  return "";
}

std::string Cores() {
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::to_string(online);
  const int usable = CPU_COUNT(&allowed);
  return std::to_string(usable) + (usable < online ? " of " + std::to_string(online) : "");
}

std::string Memory() {
  char text[32];
  const double bytes = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  std::snprintf(text, sizeof text, "%.1f GiB", bytes / (1 << 30));
  return text;
}

std::string Compiler() {
#if defined(__clang__)
  return __VERSION__;
#else
  return "g++ " __VERSION__;
#endif
}

// "2.28.3" from a header's MAJOR, MINOR and PATCH macros; empty if it is not there.
std::string VersionInHeader(const std::string& path, const std::string& prefix) {
  const std::string define = "#define " + prefix;
  const std::string major = FirstValue(path, define + "MAJOR ", ' ');
  if (major.empty()) return "";
  return major + "." + FirstValue(path, define + "MINOR ", ' ') + "." + FirstValue(path, define + "PATCH ", ' ');
}

// CUDA_VERSION is 1000 * major + 10 * minor.
std::string CudaVersion(const std::string& home) {
  const int version = std::atoi(FirstValue(home + "/include/cuda.h", "#define CUDA_VERSION ", ' ').c_str());
  return version == 0 ? "" : std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

void AddGpus(Entries* entries) {
  // nvidia-smi comes with the driver; the grader itself links no CUDA.
  FILE* pipe = popen(
      "timeout 10 nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,clocks.max.mem,"
      "power.limit --format=csv,noheader 2>/dev/null",
      "r");
  if (pipe == nullptr) return;
  char line[512];
  for (int gpu = 0; std::fgets(line, sizeof line, pipe) != nullptr; ++gpu) {
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) {
      field.erase(0, field.find_first_not_of(' '));
      while (!field.empty() && (field.back() == '\n' || field.back() == ' ')) field.pop_back();
      fields.push_back(field);
    }
    if (fields.size() != 7) continue;
    const std::string name = "GPU " + std::to_string(gpu);
    Add(name, fields[0] + ", driver " + fields[1] + ", power limit " + fields[6], entries);
    Add(name + " clocks after the run",
        "SM " + fields[2] + " of " + fields[3] + ", memory " + fields[4] + " of " + fields[5], entries);
  }
  pclose(pipe);
}

}  // namespace

Entries DescribeEnvironment(bool gpu) {
  Entries entries;
  Add("CPU", FirstValue("/proc/cpuinfo", "model name", ':'), &entries);
  Add("cores", Cores(), &entries);
  Add("memory", Memory(), &entries);
  Add("system", FirstValue("/etc/os-release", "PRETTY_NAME=", '='), &entries);
  utsname kernel;
  if (uname(&kernel) == 0) Add("kernel", std::string(kernel.sysname) + " " + kernel.release, &entries);
  Add("compiler", Compiler(), &entries);
  if (!gpu) return entries;
  AddGpus(&entries);
  const char* home = std::getenv("CUDA_HOME");
  const std::string cuda = home == nullptr || *home == '\0' ? "/usr/local/cuda" : home;
  Add("CUDA Toolkit", CudaVersion(cuda), &entries);
  for (const std::string& folder : {cuda + "/include", std::string("/usr/include")}) {
    const std::string version = VersionInHeader(folder + "/nccl.h", "NCCL_");
    Add("NCCL", version, &entries);
    if (!version.empty()) break;
  }
  return entries;
}

std::string UtcDate() {
  const std::time_t now = std::time(nullptr);
  std::tm utc;
  char text[32];
  if (gmtime_r(&now, &utc) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) return "";
  return text;
}

}  // namespace workbench
