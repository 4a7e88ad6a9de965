// main() of every question's grader: reads flags, grades, prints the verdict, writes the result, compares with what was
// expected.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include "grader/engine.h"
#include "grader/environment.h"
#include "grader/html_report.h"
#include "grader/report.h"
#include "grader/result_json.h"
#include "harness/launch/process_tree.h"

namespace workbench {
namespace {

constexpr const char* kUsage = R"(Grades an implementation of a question.

  --library=PART=PATH     the implementation's shared object for a part (repeat)
  --reference=PART=PATH   the reference's, for performance ratios (repeat)
  --runner=PATH           the program that loads it
  --implementation=NAME   what to call it in the report
  --part=PART             judge only this part
  --check=ID              judge only this check (repeat)
  --seed=N                inputs (default: $WORKBENCH_SEED, else fresh)
  --mode=host|gpu
  --checked                the runner and the libraries are built with host mode's race and memory checks
  --long                  the long tier ($WORKBENCH_LONG=1)
  --expect=full           exit 0 only for full marks (the default)
  --expect=wrong          exit 0 only if it is judged wrong without a crash or a fault
  --expect=rejected       exit 0 only if the check named in --wrong leads the verdict
  --stop_at_first_failure
  --progress              a line on stderr as each check begins, terminal or not
  --correctness_only      leave out performance
  --wrong=FILE            a known-wrong answer: a line with "check: ID" names the check that must lead
  --json=FILE             write the result there too
)";

struct MainOptions {
  GradeOptions grade;
  std::string expect = "full";
  std::string wrong_file;
  std::string json_file;
  bool progress = false;
};

// "a=path" -> entry.
bool AddPart(const std::string& text, std::map<std::string, std::string>* parts) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return false;
  (*parts)[text.substr(0, equals)] = text.substr(equals + 1);
  return true;
}

bool ParseSeed(const std::string& text, uint64_t* seed) {
  char* end = nullptr;
  *seed = std::strtoull(text.c_str(), &end, 0);
  return !text.empty() && *end == '\0';
}

std::string ParseOptions(int argc, char** argv, MainOptions* options) {
  std::random_device random;
  options->grade.seed = random() % 1000000000u;
  if (const char* text = std::getenv("WORKBENCH_SEED"); text && !ParseSeed(text, &options->grade.seed)) {
    return std::string("WORKBENCH_SEED is not a number: '") + text + "'";
  }
  if (const char* text = std::getenv("WORKBENCH_LONG"); text && std::string(text) == "1")
    options->grade.long_tier = true;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (name == "--library") {
      if (!AddPart(value, &options->grade.libraries)) return argument + ": expected PART=PATH";
    } else if (name == "--reference") {
      if (!AddPart(value, &options->grade.references)) return argument + ": expected PART=PATH";
    } else if (name == "--runner") {
      options->grade.runner = value;
    } else if (name == "--implementation") {
      options->grade.implementation = value;
    } else if (name == "--part") {
      options->grade.part = value;
    } else if (name == "--check") {
      options->grade.checks.push_back(value);
    } else if (name == "--seed") {
      if (!ParseSeed(value, &options->grade.seed)) return "--seed: not a number: '" + value + "'";
    } else if (name == "--mode") {
      if (value != "host" && value != "gpu") return "--mode: host or gpu";
      options->grade.gpu = value == "gpu";
    } else if (name == "--long") {
      options->grade.long_tier = true;
    } else if (name == "--expect") {
      options->expect = value;
    } else if (name == "--stop_at_first_failure") {
      options->grade.stop_at_first_failure = true;
    } else if (name == "--progress") {
      options->progress = true;
    } else if (name == "--correctness_only") {
      options->grade.correctness_only = true;
    } else if (name == "--wrong") {
      options->wrong_file = value;
    } else if (name == "--checked") {
      options->grade.checked = true;
    } else if (name == "--json") {
      options->json_file = value;
    } else {
      return "unknown flag: " + argument;
    }
  }
  return "";
}

// The ids behind "check:" in the first lines of a known-wrong answer: the check that it was written for, then, where a
// race may show elsewhere first, the others that may lead.
std::vector<std::string> WantedChecks(const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t at = line.find("check:");
    if (at == std::string::npos) continue;
    std::istringstream words(line.substr(at + 6));
    std::vector<std::string> ids;
    for (std::string id; words >> id;) {
      if (id.back() == ',') id.pop_back();
      ids.push_back(id);
    }
    return ids;
  }
  return {};
}

// Compares a verdict with what a test expects; says what is amiss.
bool AsExpected(const MainOptions& options, const GradeResult& grade) {
  const CheckResult* lead = grade.lead();
  if (options.expect == "full") {
    if (lead == nullptr && grade.possible() == 0) {
      std::printf("\nSKIPPED: nothing of it can be judged here\n");
    }
    return lead == nullptr;
  }
  if (lead == nullptr) {
    std::printf("\nExpected a rejection; it got full marks.\n");
    return false;
  }
  if (options.expect == "wrong") {
    for (const CheckResult& check : grade.checks) {
      if (check.kind == VerdictKind::kCrash || check.kind == VerdictKind::kHang ||
          check.kind == VerdictKind::kGraderFault || check.kind == VerdictKind::kForbidden) {
        std::printf("\nExpected wrong results; %s is '%s'.\n", check.spec.id.c_str(), VerdictName(check.kind));
        return false;
      }
    }
    return true;
  }
  const std::vector<std::string> wanted = WantedChecks(options.wrong_file);
  if (wanted.empty()) {
    std::printf("\n%s has no line with \"check: ID\".\n", options.wrong_file.c_str());
    return false;
  }
  if (lead->kind == VerdictKind::kGraderFault) {
    std::printf("\nExpected %s to reject it; the grader itself failed.\n", wanted[0].c_str());
    return false;
  }
  if (std::find(wanted.begin(), wanted.end(), lead->spec.id) == wanted.end()) {
    std::printf("\nExpected %s to lead the verdict; it is %s.\n", wanted[0].c_str(), lead->spec.id.c_str());
    return false;
  }
  return true;
}

// Bazel keeps what a test writes there; outside of Bazel nothing is written unless asked for. What cannot be written is
// told, and changes nothing about the verdict.
void WriteOutputs(const MainOptions& options, const GradeResult& grade) {
  const std::string json = ResultJson(grade);
  if (!options.json_file.empty()) {
    if (Status status = WriteFileAtomically(options.json_file, json); !status.ok()) {
      std::fprintf(stderr, "grader: the result was not written: %s\n", status.message().c_str());
    }
  }
  const char* folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  if (folder == nullptr) return;
  Status status = WriteFileAtomically(std::string(folder) + "/result.json", json);
  for (const auto& [name, content] : grade.attachments) {
    if (status.ok()) status = WriteFileAtomically(std::string(folder) + "/" + name, content);
  }
  if (status.ok()) {
    Result<std::string> page = HtmlReport(json, {grade.attachments.begin(), grade.attachments.end()});
    status = page.ok() ? WriteFileAtomically(std::string(folder) + "/report.html", *page) : page.status();
  }
  if (!status.ok()) std::fprintf(stderr, "grader: the result was not written: %s\n", status.message().c_str());
}

int Main(int argc, char** argv) {
  OwnDescendants();
  MainOptions options;
  if (const std::string error = ParseOptions(argc, argv, &options); !error.empty()) {
    std::fprintf(stderr, "grader: %s\n\n%s", error.c_str(), kUsage);
    return 2;
  }
  const Question question = MakeQuestion();
  const bool terminal = isatty(1) != 0 && std::getenv("NO_COLOR") == nullptr;
  Engine engine(question, options.grade);
  GradeResult grade = engine.Grade([&](const std::string& id) {
    if (isatty(2) != 0) std::fprintf(stderr, "\r\033[K%s: %s ...", question.name.c_str(), id.c_str());
    if (options.progress) std::fprintf(stderr, "%s ...\n", id.c_str());
  });
  if (isatty(2) != 0) std::fprintf(stderr, "\r\033[K");
  const std::string number = question.name.substr(0, question.name.find('_'));
  if (options.grade.implementation == "answer" || options.grade.implementation == "reference" ||
      options.grade.implementation == "skeleton") {
    grade.repeat_command =
        "./workbench grade " + number + (options.grade.implementation == "reference" ? " --reference" : "") +
        (options.grade.part.empty() ? "" : " --part " + options.grade.part) + " --seed " + std::to_string(grade.seed);
  }
  grade.date = UtcDate();
  std::cout << TerminalReport(question, grade, {.colour = terminal}) << std::flush;
  if (!options.json_file.empty() || std::getenv("TEST_UNDECLARED_OUTPUTS_DIR") != nullptr) {
    grade.environment = DescribeEnvironment(options.grade.gpu);
    WriteOutputs(options, grade);
  }
  const bool expected = AsExpected(options, grade);
  std::fflush(nullptr);
  return expected ? 0 : 1;
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) { return workbench::Main(argc, argv); }
