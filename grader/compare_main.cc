// main() of every question's :compare: answer beside reference, batch by batch in ABBA order, with ratios and how sure
// they are; then the sources side by side. Leaves a JSON document and a page for a browser behind.
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "grader/bench_runner.h"
#include "grader/compare_json.h"
#include "grader/environment.h"
#include "grader/report_files.h"
#include "grader/statistics.h"
#include "harness/launch/process_tree.h"

namespace workbench {
namespace {

constexpr int kRounds = 12;  // the first is a warm-up

struct CompareOptions {
  BenchOptions bench;
  std::string filter;
  std::vector<std::pair<std::string, std::string>> diffs;
  std::string out;
  std::string marks_answer, marks_reference;
};

bool Parse(int argc, char** argv, CompareOptions* options) {
  options->bench = ParseBenchOptions(argc, argv);
  for (size_t i = 1; i < options->bench.rest.size(); ++i) {
    const std::string& flag = options->bench.rest[i];
    const std::string value = flag.substr(std::min(flag.find('=') + 1, flag.size()));
    const auto is = [&](const char* name) { return flag.rfind(name, 0) == 0; };
    if (is("--filter=")) {
      options->filter = value;
    } else if (is("--diff=")) {
      options->diffs.emplace_back(value.substr(0, value.find(':')), value.substr(value.find(':') + 1));
    } else if (is("--out=")) {
      options->out = value;
    } else if (is("--marks-answer=")) {
      options->marks_answer = value;
    } else if (is("--marks-reference=")) {
      options->marks_reference = value;
    } else {
      std::fprintf(stderr,
                   "compare: unknown flag: %s. There are --filter=TEXT, --out=BASE (of BASE.json and BASE.html),\n"
                   "--marks-answer=FILE and --marks-reference=FILE (results of their last grades)\n",
                   flag.c_str());
      return false;
    }
  }
  return true;
}

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Seconds; 0 for a file that is not there.
double ChangedAt(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return 0;
  return static_cast<double>(info.st_mtim.tv_sec) + 1e-9 * static_cast<double>(info.st_mtim.tv_nsec);
}

// `file`, or where ./workbench keeps the results of a checkout.
LastMarks MarksFrom(std::string file, const std::string& kept, const std::vector<SourcePair>& sources,
                    std::string SourcePair::*path) {
  if (const char* checkout = std::getenv("BUILD_WORKSPACE_DIRECTORY"); file.empty() && checkout != nullptr) {
    file = std::string(checkout) + "/.workbench/results/" + kept + ".json";
  }
  if (file.empty() || ChangedAt(file) == 0) return {};
  LastMarks marks = ReadLastMarks(ReadWhole(file));
  for (const SourcePair& pair : sources) marks.stale = marks.stale || ChangedAt(pair.*path) > ChangedAt(file);
  return marks;
}

// Times a case on both in turns; prints its line.
ComparedCase RunCase(BenchRunner& runner, const BenchmarkCase& benchmark_case, bool gpu) {
  ComparedCase compared;
  compared.name = benchmark_case.name;
  compared.part = benchmark_case.part;
  compared.measured_on = gpu && benchmark_case.on_gpu ? MeasuredOn::kGpu : MeasuredOn::kCpu;
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    double pair[2] = {0, 0};
    for (int half = 0; half < 2; ++half) {
      const int which = (half + round) % 2;
      Result<std::vector<double>> timed = runner.Time(benchmark_case, which == 0 ? "answer" : "reference");
      if (!timed.ok()) {
        compared.error = timed.status().message();
        std::printf("%-34s %s\n", benchmark_case.name.c_str(), compared.error.c_str());
        std::fflush(stdout);
        return compared;
      }
      pair[which] = Median(*timed);
    }
    if (round == 0) continue;
    compared.answer.push_back(pair[0]);
    compared.reference.push_back(pair[1]);
    ratios.push_back(pair[0] / pair[1]);
  }
  const MedianInterval ratio = MedianWithInterval(ratios);
  std::printf("%-34s %12.1f %12.1f %8.3f   [%6.3f, %7.3f]", benchmark_case.name.c_str(), Median(compared.answer) * 1e6,
              Median(compared.reference) * 1e6, ratio.median, ratio.low, ratio.high);
  if (!benchmark_case.peer.empty()) {
    Result<std::vector<double>> timed = runner.Time(benchmark_case, "peer");
    if (timed.ok()) {
      compared.peer = benchmark_case.peer;
      compared.peer_seconds = *timed;
      std::printf("   %.3f (%s)", Median(*timed) / Median(compared.reference), benchmark_case.peer.c_str());
    }
  }
  std::printf("\n");
  std::fflush(stdout);
  return compared;
}

void PrintMarks(const Comparison& comparison, const std::string& number) {
  const LastMarks& answer = comparison.answer;
  const char* who = comparison.implementation.c_str();
  switch (answer.state) {
    case GradeState::kNotGraded:
      std::printf("The %s is not graded yet; ratios count only for a correct one: ./workbench grade %s\n", who,
                  number.c_str());
      break;
    case GradeState::kRight:
      std::printf("The %s's last marks: %.4g / %.4g\n", who, answer.earned, answer.possible);
      break;
    case GradeState::kWrong:
      std::printf("The %s is WRONG (%s: %s): the ratios count for nothing. Last marks: %.4g / %.4g\n", who,
                  answer.lead.c_str(), answer.verdict.c_str(), answer.earned, answer.possible);
      break;
    case GradeState::kNoVerdict:
      std::printf("The %s's last grade came to no verdict: whether the ratios count is not known\n", who);
      break;
  }
  if (answer.stale) std::printf("The source has changed since that grade.\n");
}

int Main(int argc, char** argv) {
#ifndef NDEBUG
  std::fprintf(
      stderr,
      "compare: this is a debug build, whose times mean nothing. Use: bazel run -c opt ... (or ./workbench compare)\n");
  return 2;
#endif
  OwnDescendants();
  CompareOptions options;
  if (!Parse(argc, argv, &options)) return 2;
  Comparison comparison;
  comparison.question = QuestionOfRunner(options.bench.runner);
  comparison.gpu = options.bench.gpu;
  comparison.implementation = "answer";
  for (const auto& [left, right] : options.diffs) {
    comparison.sources.push_back({left, ReadWhole(left), right, ReadWhole(right)});
    if (left.find("/skeleton/") != std::string::npos) comparison.implementation = "skeleton";
  }
  const std::string number = comparison.question.substr(0, comparison.question.find('_'));
  comparison.answer = MarksFrom(options.marks_answer, number, comparison.sources, &SourcePair::answer_path);
  comparison.reference =
      MarksFrom(options.marks_reference, number + ".reference", comparison.sources, &SourcePair::reference_path);
  comparison.repeat = "./workbench compare " + number + (options.filter.empty() ? "" : " --filter=" + options.filter);

  PrintMarks(comparison, number);
  std::printf("%-34s %12s %12s %8s %19s   %s\n", "case", "answer us", "reference us", "ratio", "95 % interval",
              "peer / reference");
  std::fflush(stdout);
  bool failed = false;
  BenchRunner runner(options.bench);
  for (const BenchmarkCase& benchmark_case : MakeBenchmarks(options.bench.gpu)) {
    if (benchmark_case.name.find(options.filter) == std::string::npos) continue;
    if (!runner.Has("answer", benchmark_case.part) || !runner.Has("reference", benchmark_case.part)) continue;
    comparison.cases.push_back(RunCase(runner, benchmark_case, options.bench.gpu));
    failed = failed || !comparison.cases.back().error.empty();
  }
  for (const auto& [left, right] : options.diffs) {
    std::printf("\n%s | %s\n", left.c_str(), right.c_str());
    std::fflush(stdout);
    const std::string command = "diff --side-by-side --width=180 '" + left + "' '" + right + "'";
    if (std::system(command.c_str()) < 0) std::printf("diff could not be started\n");
  }
  if (comparison.answer.state == GradeState::kWrong) PrintMarks(comparison, number);  // the table is far above by now
  const std::string base = ReportBase(options.out, comparison.question, "compare");
  if (!base.empty()) {
    comparison.date = UtcDate();
    comparison.environment = DescribeEnvironment(options.bench.gpu);
    const Status status = WriteReport(base, CompareJson(comparison));
    if (status.ok()) {
      std::printf("\nReport: %s.html\n", base.c_str());
    } else {
      std::fprintf(stderr, "compare: the report was not written: %s\n", status.message().c_str());
    }
  }
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace workbench

int main(int argc, char** argv) { return workbench::Main(argc, argv); }
