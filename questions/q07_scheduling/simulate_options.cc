#include "questions/q07_scheduling/simulate_options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>

namespace q07 {
namespace {

using workbench::Error;
using workbench::Result;
using workbench::Status;

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> words;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::string FromUsersFolder(const std::string& path) {
  const char* folder = std::getenv("BUILD_WORKING_DIRECTORY");
  if (path.empty() || path[0] == '/' || folder == nullptr) return path;
  return std::string(folder) + "/" + path;
}

Status ParseNumber(const std::string& flag, const std::string& text, int64_t least, int64_t most, int64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (error == std::errc() && end == text.data() + text.size() && *value >= least && *value <= most) {
    return Status::Ok();
  }
  return Error(flag + " needs a whole number from " + std::to_string(least) + " to " + std::to_string(most));
}

Status ParseNames(const std::string& flag, const std::string& text, const std::vector<std::string>& known,
                  std::vector<std::string>* names) {
  *names = Split(text);
  for (const std::string& name : *names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string message = flag + ": '" + name + "' is none of";
    for (const std::string& one : known) message += " " + one;
    return Error(message);
  }
  return Status::Ok();
}

Status ParseEstimates(const std::string& text, TraceEstimates* estimates) {
  if (text == "true") {
    *estimates = TraceEstimates::kTrue;
  } else if (text == "over") {
    *estimates = TraceEstimates::kOver;
  } else if (text == "wrong") {
    *estimates = TraceEstimates::kWrong;
  } else if (text == "missing") {
    *estimates = TraceEstimates::kMissing;
  } else {
    return Error("--estimates is true, over, wrong or missing");
  }
  return Status::Ok();
}

Status ParseFlag(const std::string& name, const std::string& value, SimulateOptions* options) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  int64_t number = 0;
  if (name == "--trace") {
    options->traces.push_back(FromUsersFolder(value));
  } else if (name == "--generate") {
    if (!value.empty()) return ParseNumber(name, value, 1, kMost, &options->jobs);
  } else if (name == "--seed") {
    WB_RETURN_IF_ERROR(ParseNumber(name, value, 0, std::numeric_limits<int64_t>::max(), &number));
    options->seed = static_cast<uint64_t>(number);
  } else if (name == "--shape") {
    return ParseShape(value, &options->shape);
  } else if (name == "--gpus") {
    return ParseNumber(name, value, 1, kMost, &options->shape.gpus);
  } else if (name == "--longest") {
    WB_RETURN_IF_ERROR(ParseNumber(name, value, 1, kMost, &number));
    options->shape.longest = number * 1000;
  } else if (name == "--estimates") {
    return ParseEstimates(value, &options->shape.estimates);
  } else if (name == "--parts") {
    if (value.empty() || value.find_first_not_of("abc") != std::string::npos) {
      return Error("--parts is some of a, b and c, as in --parts=ac");
    }
    options->parts = value;
  } else if (name == "--policies") {
    return ParseNames(name, value, kPolicyNames, &options->policies);
  } else if (name == "--placements") {
    return ParseNames(name, value, kPlacementNames, &options->placements);
  } else if (name == "--sharings") {
    return ParseNames(name, value, kSharingNames, &options->sharings);
  } else if (name == "--backfill_depth") {
    WB_RETURN_IF_ERROR(ParseNumber(name, value, 0, kMost, &number));
    options->backfill_depth = static_cast<int32_t>(number);
  } else if (name == "--reference_a" || name == "--reference_b" || name == "--reference_c") {
    options->libraries.try_emplace(name.back(), value);
  } else if (name == "--library_a" || name == "--library_b" || name == "--library_c") {
    options->libraries[name.back()] = FromUsersFolder(value);
  } else if (name == "--svg") {
    options->svg = FromUsersFolder(value);
  } else if (name == "--json") {
    options->json = FromUsersFolder(value);
  } else {
    return Error("'" + name + "' is no flag");
  }
  return Status::Ok();
}

}  // namespace

const char kSimulateUsage[] =
    R"(Runs policies on a trace and prints what came of it, as tables.

  simulate [--trace=FOLDER | --trace=FILE ... | --generate[=JOBS]] [flags]

  --trace=FOLDER         the Alibaba trace of 2023; --trace=FILE, as often as needed: files in any format of
                         ./workbench traces. Without it a trace like Alibaba's is made up (--seed=N).
  --shape=recorded       or arrivals:SHARE (part b: jobs come and stay until they ask for SHARE of all GPUs), or
                         load:SHARE (compressed in time to this load)
  --gpus=N               on a part of the cluster that has N GPUs
  --longest=SECONDS      with load: longer jobs are cut to this
  --estimates=true       or over (killed at 1 to 5 times the run time), wrong (either way), missing
  --parts=abc            those of the question that are run
  --policies=NAMES       part a: fifo sjf srtf least_attained priority easy conservative
  --placements=NAMES     part b: first_fit best_fit worst_fit spread pack fragmentation random
  --sharings=NAMES       part c: fair dominant fair_reclaim dominant_reclaim fair_backfill dominant_backfill
  --backfill_depth=N     100
  --library_a=FILE.so    an implementation of part a; the reference if it is not given. Also _b and _c.
  --svg=FILE.svg         draws the runs of parts a and c; with several of them, FILE-NAME.svg
  --json=FILE.json       writes them down, as run_json.h says; names as for --svg
)";

Result<SimulateOptions> ParseSimulateOptions(const std::vector<std::string>& arguments) {
  SimulateOptions options;
  options.policies = kPolicyNames;
  options.placements = kPlacementNames;
  options.sharings = kSharingNames;
  for (const std::string& argument : arguments) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (Status status = ParseFlag(name, value, &options); !status.ok()) return status;
  }
  options.shape.seed = options.seed;
  return options;
}

int32_t NumberOf(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<int32_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

}  // namespace q07
