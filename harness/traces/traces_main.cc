// traces list | check FILE... | convert FILE... | generate: see kHelp.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/status.h"
#include "harness/traces/trace_csv.h"
#include "harness/traces/trace_generator.h"
#include "harness/traces/trace_reader.h"
#include "harness/traces/trace_shapes.h"

namespace workbench {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

constexpr char kHelp[] = R"(traces list
traces check FILE... [--skip-bad]
traces convert FILE... [--out=x.csv] [--skip-bad]
traces generate [--seed=N] [--jobs=N] [--nodes=N] [--gpu-spec=SHARE] [--tenants=N] [--out=x.csv]

Traces of GPU clusters: where the public ones are found, whether files are what they should be, all of them as one
CSV format, and made-up ones. FILE is of the Alibaba 2023, Philly, Helios or Gavel trace, or a CSV file of this
program's; plain or gzip. Several files are read as one trace (nodes and jobs, say).

  list            each public trace: address, licence, files, columns
  check           reads the files and tells what is in them, or the first fault with file, line and column (bytes)
  convert         writes them as CSV
  generate        makes a trace that is like Alibaba's in its published marginals

  --out=FILE      where the CSV goes: whole or not at all; without it, to standard output
  --skip-bad      leaves out rows with bad values, and tells how many
  --seed=N        another trace; 1 if not given
  --jobs=N        how many; 8152 if not given
  --nodes=N       how many; 1213 if not given
  --gpu-spec=X    the share of GPU jobs that name the GPU models that will do, 0 to 1; 0 if not given
  --tenants=N     tenants that jobs belong to; 0, none, if not given

Exit codes: 0 fine, 1 a file is at fault or cannot be written, 2 wrong usage.

Example:
  traces convert openb_node_list_gpu_node.csv openb_pod_list_default.csv --out=alibaba.csv
)";

int Complain(int code, const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "workbench: %s\n", message.c_str());
  return code;
}

struct Arguments {
  std::string command;
  std::vector<std::string> files;
  std::string out;
  bool skip_bad = false;
  bool help = false;
  TraceGeneratorOptions generator;
};

template <typename T>
bool ParseWhole(const std::string& text, T* value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), *value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

Status SetOption(const std::string& name, const std::string& value, Arguments* arguments) {
  TraceGeneratorOptions& generator = arguments->generator;
  const auto need = [&](bool fine, const std::string& range) {
    return fine ? Status::Ok() : Error(name + " is a number from " + range + ", not '" + value + "'");
  };
  if (name == "--out") {
    arguments->out = value;
    return value.empty() ? Error("--out needs the name of a file") : Status::Ok();
  }
  if (name == "--seed") return need(ParseWhole(value, &generator.seed), "0 to 18446744073709551615");
  if (name == "--jobs") {
    return need(ParseWhole(value, &generator.jobs) && generator.jobs >= 1 && generator.jobs <= 20'000'000,
                "1 to 20000000");
  }
  if (name == "--nodes") {
    return need(ParseWhole(value, &generator.nodes) && generator.nodes >= 0 && generator.nodes <= 1'000'000,
                "0 to 1000000");
  }
  if (name == "--tenants") {
    return need(ParseWhole(value, &generator.tenants) && generator.tenants >= 0 && generator.tenants <= 1000,
                "0 to 1000");
  }
  return need(ParseWhole(value, &generator.gpu_spec) && generator.gpu_spec >= 0 && generator.gpu_spec <= 1, "0 to 1");
}

// The flags that a command has.
std::vector<std::string> FlagsOf(const std::string& command) {
  if (command == "check") return {"--skip-bad"};
  if (command == "convert") return {"--out", "--skip-bad"};
  if (command == "generate") return {"--seed", "--jobs", "--nodes", "--gpu-spec", "--tenants", "--out"};
  return {};
}

Result<Arguments> Parse(std::vector<std::string> words) {
  Arguments arguments;
  bool flags = true;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i];
    if (!flags || word.empty() || word[0] != '-' || word == "-") {
      if (arguments.command.empty()) {
        arguments.command = word;
      } else {
        arguments.files.push_back(word);
      }
      continue;
    }
    if (word == "--") {
      flags = false;
      continue;
    }
    if (word == "--help" || word == "-h") {
      arguments.help = true;
      return arguments;
    }
    std::optional<std::string> value;
    if (const size_t equals = word.find('='); equals != std::string::npos) {
      value = word.substr(equals + 1);
      word.resize(equals);
    }
    const std::vector<std::string> known = FlagsOf(arguments.command);
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      return Error("traces" + (arguments.command.empty() ? "" : " " + arguments.command) + ": what is '" + word +
                   "'? See ./workbench traces --help");
    }
    if (word == "--skip-bad") {
      if (value) return Error("--skip-bad takes no value");
      arguments.skip_bad = true;
      continue;
    }
    if (!value) {
      if (++i >= words.size()) return Error(word + " needs a value");
      value = words[i];
    }
    WB_RETURN_IF_ERROR(SetOption(word, *value, &arguments));
  }
  if (arguments.command.empty()) return Error("traces needs a word more: list, check, convert or generate");
  const bool has_files = arguments.command == "check" || arguments.command == "convert";
  if (!has_files && arguments.command != "list" && arguments.command != "generate") {
    return Error("traces: there is no '" + arguments.command + "': list, check, convert or generate");
  }
  if (has_files && arguments.files.empty())
    return Error("traces " + arguments.command + " needs files: traces list tells which");
  if (!has_files && !arguments.files.empty()) {
    return Error("traces " + arguments.command + " takes no file, and '" + arguments.files[0] +
                 "' is none of its flags");
  }
  return arguments;
}

// 1234567 as 1,234,567.
std::string Grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3 && digits[at - 4] != '-'; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

// "1 job", "2 jobs"
std::string Counted(size_t number, const std::string& what) {
  return Grouped(static_cast<int64_t>(number)) + " " + what + (number == 1 ? "" : "s");
}

std::string Gpus(int64_t milli) {
  return Grouped(milli / 1000) + "." + std::to_string(milli % 1000 / 100) + std::to_string(milli % 100 / 10);
}

// Words in lines of at most 100 characters, the first one after `first`, the others after as many spaces.
void PrintWrapped(const std::string& first, std::string_view text) {
  std::string line = first;
  const std::string margin(first.size(), ' ');
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (line.size() > first.size() && line.size() + 1 + word.size() > 100) {
      std::printf("%s\n", line.c_str());
      line = margin;
    }
    line += (line.size() > first.size() ? " " : "") + std::string(word);
  }
  std::printf("%s\n", line.c_str());
}

void PrintFormat(const TraceFormatInfo& format) {
  std::string columns;
  for (const std::string_view column : format.columns) {
    const bool optional = std::find(format.optional.begin(), format.optional.end(), column) != format.optional.end();
    columns += (columns.empty() ? "" : ", ") + (optional ? "[" + std::string(column) + "]" : std::string(column));
  }
  std::printf("  %s: %s\n", std::string(format.id).c_str(), std::string(format.what).c_str());
  PrintWrapped("    files    ", format.files);
  PrintWrapped("    columns  ", columns);
}

int List() {
  for (const TraceSource& source : TraceSources()) {
    std::printf("%s\n", std::string(source.title).c_str());
    PrintWrapped("  from     ", source.url);
    PrintWrapped("  paper    ", source.paper);
    PrintWrapped("  licence  ", source.licence);
    PrintWrapped("  note     ", source.notes);
    for (const TraceFormat format : source.formats) PrintFormat(InfoOf(format));
    std::printf("\n");
  }
  std::printf("Converted and generated traces\n");
  PrintFormat(InfoOf(TraceFormat::kWorkbench));
  std::printf(
      "\nColumns in [] come together or not at all. None of these files comes with the workbench: fetch those that you "
      "need, then\n"
      "  ./workbench traces check FILE...\n");
  return 0;
}

void PrintSummary(const ClusterTrace& trace) {
  if (!trace.nodes.empty()) {
    std::printf("nodes            %s with %s GPUs\n", Grouped(static_cast<int64_t>(trace.nodes.size())).c_str(),
                Grouped(trace.TotalGpus()).c_str());
  }
  if (trace.jobs.empty()) return;
  int64_t never = 0, unknown = 0, none = 0, part = 0, one = 0, more = 0, asked = 0;
  for (const TraceJob& job : trace.jobs) {
    never += !job.ran();
    unknown += job.duration_ms == kUnknownTime;
    none += job.gpus == 0;
    part += job.gpus == 1 && job.gpu_milli < 1000;
    one += job.gpus == 1 && job.gpu_milli == 1000;
    more += job.gpus > 1;
    asked += job.TotalGpuMilli();
  }
  std::printf("jobs             %s\n", Grouped(static_cast<int64_t>(trace.jobs.size())).c_str());
  std::printf("  ask for        no GPU %s, part of one %s, one %s, several %s; %s GPUs in all\n", Grouped(none).c_str(),
              Grouped(part).c_str(), Grouped(one).c_str(), Grouped(more).c_str(), Gpus(asked).c_str());
  std::printf("  no start       %s: never scheduled, or the trace does not tell\n", Grouped(never).c_str());
  std::printf("  no run time    %s\n", Grouped(unknown).c_str());
  std::printf("  submitted      within %.1f hours\n",
              static_cast<double>(trace.jobs.back().submit_ms - trace.jobs.front().submit_ms) / 3.6e6);
  std::printf("  at the peak    %s GPUs in use at once\n", Gpus(PeakGpuMilli(trace)).c_str());
}

// Reads all files; tells of each what it is, to `told`.
Result<ClusterTrace> ReadAll(const Arguments& arguments, std::FILE* told) {
  TraceReader reader({.skip_bad_rows = arguments.skip_bad});
  int64_t skipped = 0;
  for (const std::string& file : arguments.files) {
    const Result<TraceFormat> format = reader.Add(file);
    if (!format.ok()) return format.status();
    std::fprintf(told, "%s: %s\n", file.c_str(), std::string(InfoOf(*format).id).c_str());
    if (reader.skipped() > skipped) {
      std::fprintf(told, "  %s left out\n",
                   Counted(static_cast<size_t>(reader.skipped() - skipped), "bad row").c_str());
      skipped = reader.skipped();
    }
  }
  if (skipped > 0) {
    std::fflush(stdout);
    std::fprintf(stderr, "workbench: %s left out, the first: %s\n",
                 Counted(static_cast<size_t>(skipped), "bad row").c_str(), reader.first_skipped().c_str());
  }
  return reader.Take();
}

int Write(const ClusterTrace& trace, const std::string& out) {
  const Status written = out.empty() ? WriteTraceCsv(trace, stdout) : WriteTraceCsv(trace, out);
  if (!written.ok()) return Complain(kExitFailed, (out.empty() ? "standard output: " : "") + written.message());
  std::fprintf(stderr, "%s, %s%s\n", Counted(trace.nodes.size(), "node").c_str(),
               Counted(trace.jobs.size(), "job").c_str(), out.empty() ? "" : (": " + out).c_str());
  return 0;
}

int Main(std::vector<std::string> words) {
  // ./workbench runs this elsewhere: files are named from where its caller stands.
  if (const char* folder = std::getenv("WORKBENCH_CALLED_FROM"); folder != nullptr && chdir(folder) != 0) {
    return Complain(kExitFailed, std::string("cannot enter ") + folder);
  }
  Result<Arguments> arguments = Parse(std::move(words));
  if (!arguments.ok()) return Complain(kExitUsage, arguments.status().message());
  if (arguments->help) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (arguments->command == "list") return List();
  if (arguments->command == "generate") {
    Result<ClusterTrace> trace = GenerateTrace(arguments->generator);
    return trace.ok() ? Write(*trace, arguments->out) : Complain(kExitUsage, trace.status().message());
  }
  const bool check = arguments->command == "check";
  Result<ClusterTrace> trace = ReadAll(*arguments, check ? stdout : stderr);
  if (!trace.ok()) return Complain(kExitFailed, trace.status().message());
  if (!check) return Write(*trace, arguments->out);
  PrintSummary(*trace);
  return 0;
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) { return workbench::Main(std::vector<std::string>(argv + 1, argv + argc)); }
