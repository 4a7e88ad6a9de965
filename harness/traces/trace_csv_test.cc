#include "harness/traces/trace_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/traces/trace_generator.h"
#include "harness/traces/trace_reader.h"

namespace workbench {
namespace {

using testing::HasSubstr;

std::string Fresh(const std::string& name) {
  const std::string folder = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder + "/trace.csv";
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int FilesBeside(const std::string& path) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(path).parent_path())) {
    files += entry.exists();
  }
  return files;
}

void ExpectSame(const ClusterTrace& a, const ClusterTrace& b) {
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    const TraceNode &x = a.nodes[i], &y = b.nodes[i];
    EXPECT_EQ(std::tie(x.name, x.cpu_milli, x.memory_mib, x.gpus, x.model, x.gpu_memory_mib),
              std::tie(y.name, y.cpu_milli, y.memory_mib, y.gpus, y.model, y.gpu_memory_mib));
  }
  ASSERT_EQ(a.jobs.size(), b.jobs.size());
  for (size_t i = 0; i < a.jobs.size(); ++i) {
    const TraceJob &x = a.jobs[i], &y = b.jobs[i];
    EXPECT_EQ(
        std::tie(x.name, x.user, x.tenant, x.submit_ms, x.start_ms, x.end_ms, x.duration_ms, x.gpus, x.gpu_milli),
        std::tie(y.name, y.user, y.tenant, y.submit_ms, y.start_ms, y.end_ms, y.duration_ms, y.gpus, y.gpu_milli));
    EXPECT_EQ(std::tie(x.cpu_milli, x.memory_mib, x.nodes, x.models, x.status, x.qos, x.type, x.steps),
              std::tie(y.cpu_milli, y.memory_mib, y.nodes, y.models, y.status, y.qos, y.type, y.steps));
  }
}

TEST(TraceCsv, IsReadBackAsItWas) {
  TraceGeneratorOptions options;
  options.jobs = 3000;
  options.nodes = 50;
  options.gpu_spec = 0.3;
  options.tenants = 5;
  ClusterTrace trace = *GenerateTrace(options);
  trace.nodes[0].name = " odd, \"node\"\r\n";
  trace.nodes[1].gpu_memory_mib = 0;
  TraceJob& odd = trace.jobs[7];
  odd.name = "a\tb,c";
  odd.user = "None";
  odd.status = "\"";
  odd.type = "LM (batch size 5)";
  odd.steps = 12;
  odd.nodes = 3;
  trace.jobs[8].start_ms = trace.jobs[8].end_ms = kUnknownTime;
  trace.jobs[8].duration_ms = 5;
  const std::string path = Fresh("back");
  const Status written = WriteTraceCsv(trace, path);
  ASSERT_TRUE(written.ok()) << written.message();
  EXPECT_EQ(FilesBeside(path), 1);
  struct stat file = {};
  stat(path.c_str(), &file);
  EXPECT_NE(file.st_mode & S_IRUSR, 0u);
  EXPECT_EQ(file.st_mode & 0111, 0u);
  TraceReader reader;
  const Result<TraceFormat> format = reader.Add(path);
  ASSERT_TRUE(format.ok()) << format.status().message();
  EXPECT_EQ(*format, TraceFormat::kWorkbench);
  ExpectSame(trace, reader.Take());
}

TEST(TraceCsv, TellsBadRows) {
  const std::string path = Fresh("rows");
  ClusterTrace trace;
  trace.jobs.resize(1);
  trace.jobs[0].name = "j";
  ASSERT_TRUE(WriteTraceCsv(trace, path).ok());
  const std::string good = ReadFile(path);
  EXPECT_THAT(good, testing::EndsWith("\njob,j,,,0,,,,0,0,0,0,1,,,,,,\n"));
  const auto fault = [&](const std::string& row) {
    std::ofstream(path) << good << row;
    return ReadTrace(std::vector{path}).status().message().substr(path.size());
  };
  EXPECT_EQ(fault("task,k,,,0,,,,0,0,0,0,1,,,,,,\n"), ":3:1: kind: 'task' is neither 'node' nor 'job'");
  EXPECT_EQ(fault("job,k,,,0,1,5,6,0,0,0,0,1,,,,,,\n"), ":3:15: duration_ms: '6' is not end_ms - start_ms");
  EXPECT_EQ(fault("job,k,,,-1,,,,0,0,0,0,1,,,,,,\n"), ":3:9: submit_ms: '-1' is negative");
}

TEST(TraceCsv, AFileThatIsThereStaysWholeWhenWritingFails) {
  const std::string path = Fresh("full");
  std::ofstream(path) << "old";
  TraceGeneratorOptions options;
  options.jobs = 20000;
  const ClusterTrace trace = *GenerateTrace(options);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small = {100'000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Status written = WriteTraceCsv(trace, path);
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_EQ(written.message(), path + ": cannot be written: File too large");
  EXPECT_EQ(ReadFile(path), "old");
  EXPECT_EQ(FilesBeside(path), 1);
  ASSERT_TRUE(WriteTraceCsv(trace, path).ok());
  EXPECT_EQ(ReadTrace(std::vector{path})->jobs.size(), 20000u);
}

TEST(TraceCsv, TellsPlacesWhereNothingCanBeWritten) {
  EXPECT_EQ(WriteTraceCsv({}, std::string("/nowhere/x.csv")).message(),
            "/nowhere/x.csv: cannot be made: No such file or directory");
  EXPECT_THAT(WriteTraceCsv({}, std::string("/dev/null")).message(), HasSubstr("is no plain file"));
  EXPECT_THAT(WriteTraceCsv({}, testing::TempDir()).message(), HasSubstr("is no plain file"));
}

}  // namespace
}  // namespace workbench
