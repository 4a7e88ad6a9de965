// Readers take whatever bytes there are: each small file is changed at random, 100,000 times in all, from fixed seeds.
// No reading crashes, hangs, keeps much memory, or takes what the checks forbid; an error is one line that names the
// file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "harness/traces/trace_random.h"
#include "harness/traces/trace_reader.h"

namespace workbench {
namespace {

constexpr int kRuns = 100'000;

std::string TestData(const std::string& name) {
  const char* folder = std::getenv("TEST_SRCDIR");
  return (folder ? std::string(folder) + "/" + std::getenv("TEST_WORKSPACE") + "/" : std::string()) +
         "harness/traces/testdata/" + name;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string Gzipped(const std::string& content) {
  std::string packed(content.size() + 1000, '\0');
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// One change: bytes put in, taken out, doubled, or replaced by what readers stumble over.
void Change(std::string* text, TraceRandom* random) {
  static const std::vector<std::string> pieces = {"\"",
                                                  ",",
                                                  "\n",
                                                  "\r",
                                                  "\r\n",
                                                  "\t",
                                                  "-",
                                                  "-1",
                                                  "nan",
                                                  "1e999",
                                                  "9223372036854775807",
                                                  "99999999999999999999",
                                                  "0.5",
                                                  "[",
                                                  "]",
                                                  "{",
                                                  "}",
                                                  "null",
                                                  "\\u0000",
                                                  "\"attempts\":",
                                                  ":",
                                                  std::string(1, '\0'),
                                                  "\xef\xbb\xbf",
                                                  "\xff",
                                                  "\x1f\x8b",
                                                  "None",
                                                  "2017-11-05 01:30:00",
                                                  "1000",
                                                  "|",
                                                  " ",
                                                  std::string(3000, '['),
                                                  std::string(2000, ',')};
  const size_t at = random->Below(text->size() + 1);
  const size_t length = random->Below(std::min<size_t>(text->size() - at, 30) + 1);
  switch (random->Below(6)) {
    case 0:
      text->insert(at, pieces[random->Below(pieces.size())]);
      break;
    case 1:
      text->erase(at, length);
      break;
    case 2:
      text->insert(random->Below(text->size() + 1), text->substr(at, length));
      break;
    case 3:
      text->replace(at, length, pieces[random->Below(pieces.size())]);
      break;
    case 4:
      if (at < text->size()) (*text)[at] = static_cast<char>(random->Next());
      break;
    default:
      text->resize(at);
      break;
  }
}

void ExpectConsistent(const ClusterTrace& trace) {
  int64_t before = 0;
  std::set<std::string> names;
  for (const TraceJob& job : trace.jobs) {
    ASSERT_GE(job.submit_ms, before);
    before = job.submit_ms;
    ASSERT_FALSE(job.name.empty());
    ASSERT_TRUE(names.insert(job.name).second);
    ASSERT_GE(job.gpus, 0);
    ASSERT_EQ(job.gpus == 0, job.gpu_milli == 0);
    ASSERT_TRUE(job.gpu_milli == 0 || job.gpu_milli == 1000 ||
                (job.gpus == 1 && job.gpu_milli > 0 && job.gpu_milli < 1000));
    ASSERT_GE(job.cpu_milli, 0);
    ASSERT_GE(job.memory_mib, 0);
    ASSERT_GE(job.duration_ms, kUnknownTime);
    if (job.ran()) {
      ASSERT_GE(job.start_ms, job.submit_ms);
      if (job.end_ms != kUnknownTime) {
        ASSERT_EQ(job.duration_ms, job.end_ms - job.start_ms);
      }
    }
  }
}

TEST(TraceFuzz, ReadersTakeAnything) {
  std::vector<std::string> files;
  for (const char* name : {"alibaba_nodes.csv", "alibaba_pods.csv", "alibaba_requests.csv", "philly_jobs.json",
                           "philly_machines.csv", "helios.csv", "gavel.trace", "gavel_6.trace", "workbench.csv"}) {
    files.push_back(ReadFile(TestData(name)));
    ASSERT_FALSE(files.back().empty()) << name;
  }
  // Shared memory is quicker than a disk.
  const std::string folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir();
  const std::string path = folder + "/trace_fuzz." + std::to_string(getpid());
  int good = 0, bad = 0;
  for (int run = 0; run < kRuns; ++run) {
    TraceRandom random(static_cast<uint64_t>(run));
    std::string text = files[random.Below(files.size())];
    const bool pack = random.Below(8) == 0;
    if (pack && random.Below(2) == 0) text = Gzipped(text);
    for (uint64_t changes = 1 + random.Below(4); changes > 0; --changes) Change(&text, &random);
    if (pack && random.Below(2) == 0) text = Gzipped(text);
    std::ofstream(path, std::ios::binary) << text;
    TraceReader reader({.skip_bad_rows = random.Below(2) == 0});
    const Result<TraceFormat> format = reader.Add(path);
    if (format.ok()) {
      ++good;
      ExpectConsistent(reader.Take());
    } else {
      ++bad;
      const std::string& message = format.status().message();
      ASSERT_THAT(message, testing::StartsWith(path + ":")) << run;
      ASSERT_THAT(message.substr(path.size()), testing::MatchesRegex(":[0-9]+:[0-9]+: .+")) << run;
      ASSERT_EQ(message.find_first_of(std::string("\n\r\0", 3)), std::string::npos) << run;
      ASSERT_LT(message.size(), 1000u) << run;
    }
    if (HasFatalFailure()) {
      ADD_FAILURE() << "run " << run << ":\n" << text;
      break;
    }
  }
  unlink(path.c_str());
  // Both happen often: the changes are neither harmless nor all fatal.
  EXPECT_GT(good, kRuns / 20);
  EXPECT_GT(bad, kRuns / 5);
#ifndef __SANITIZE_ADDRESS__  // which keeps what is freed
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  EXPECT_LT(used.ru_maxrss, 64 * 1024) << "KiB";
#endif
}

}  // namespace
}  // namespace workbench
