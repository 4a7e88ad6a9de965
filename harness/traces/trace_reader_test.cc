#include "harness/traces/trace_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace workbench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kPodHeader[] =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";
constexpr char kNodeHeader[] = "sn,cpu_milli,memory_mib,gpu,model\n";

std::string TestData(const std::string& name) {
  const char* folder = std::getenv("TEST_SRCDIR");
  return (folder ? std::string(folder) + "/" + std::getenv("TEST_WORKSPACE") + "/" : std::string()) +
         "harness/traces/testdata/" + name;
}

std::string WriteFile(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string Gzipped(const std::string& content) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

ClusterTrace MustRead(const std::vector<std::string>& paths) {
  Result<ClusterTrace> trace = ReadTrace(paths);
  EXPECT_TRUE(trace.ok()) << trace.status().message();
  return trace.ok() ? *trace : ClusterTrace();
}

// The error without the path: "LINE:COLUMN: message". One line, whatever the file holds.
std::string Fault(const std::string& content, const std::string& name = "trace") {
  const std::string path = WriteFile(name, content);
  const Result<ClusterTrace> trace = ReadTrace(std::vector{path});
  if (trace.ok()) return "ok";
  const std::string& message = trace.status().message();
  EXPECT_THAT(message, StartsWith(path + ":"));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  EXPECT_LT(message.size(), path.size() + 700);
  return message.substr(path.size() + 1);
}

std::string PodFault(const std::string& rows) { return Fault(kPodHeader + rows); }

TEST(TraceReader, ReadsAlibaba) {
  const ClusterTrace trace = MustRead({TestData("alibaba_nodes.csv"), TestData("alibaba_pods.csv")});
  ASSERT_EQ(trace.nodes.size(), 4u);
  EXPECT_EQ(trace.TotalGpus(), 14);
  EXPECT_EQ(trace.nodes[3].name, "node-d");
  EXPECT_EQ(trace.nodes[3].gpu_memory_mib, 32768);
  EXPECT_EQ(trace.nodes[2].model, "");
  ASSERT_EQ(trace.jobs.size(), 5u);
  std::vector<std::string> names;
  for (const TraceJob& job : trace.jobs) names.push_back(job.name);
  EXPECT_THAT(names, ElementsAre("pod-0", "pod-1", "pod-2", "pod-3", "pod-4"));  // by submission
  const TraceJob& shared = trace.jobs[2];
  EXPECT_EQ(shared.submit_ms, 70'000);
  EXPECT_EQ(shared.start_ms, 75'000);
  EXPECT_EQ(shared.end_ms, 400'000);
  EXPECT_EQ(shared.duration_ms, 325'000);
  EXPECT_EQ(shared.gpu_milli, 320);
  EXPECT_EQ(shared.TotalGpuMilli(), 320);
  EXPECT_EQ(shared.status, "Failed");
  EXPECT_EQ(shared.qos, "BE");
  const TraceJob& pending = trace.jobs[3];
  EXPECT_FALSE(pending.ran());
  EXPECT_EQ(pending.end_ms, 140'000);
  EXPECT_EQ(pending.duration_ms, kUnknownTime);
  EXPECT_THAT(pending.models, ElementsAre("V100M16", "V100M32"));
  EXPECT_EQ(trace.jobs[4].TotalGpuMilli(), 8000);
}

TEST(TraceReader, ReadsAlibabaRequestsWithoutTimes) {
  const ClusterTrace trace = MustRead({TestData("alibaba_requests.csv")});
  ASSERT_EQ(trace.jobs.size(), 3u);
  EXPECT_EQ(trace.jobs[2].gpus, 2);
  EXPECT_EQ(trace.jobs[2].submit_ms, 0);
  EXPECT_FALSE(trace.jobs[2].ran());
}

TEST(TraceReader, ReadsPhilly) {
  const ClusterTrace trace = MustRead({TestData("philly_jobs.json"), TestData("philly_machines.csv")});
  ASSERT_EQ(trace.nodes.size(), 2u);
  EXPECT_EQ(trace.nodes[1].gpus, 8);
  EXPECT_EQ(trace.nodes[1].gpu_memory_mib, 24 * 1024);
  ASSERT_EQ(trace.jobs.size(), 4u);
  const TraceJob& never = trace.jobs[0];
  EXPECT_EQ(never.name, "application_1_0001");
  EXPECT_FALSE(never.ran());
  EXPECT_EQ(never.gpus, 0);
  const TraceJob& twice = trace.jobs[1];
  EXPECT_EQ(twice.submit_ms, 1'507'363'809'000);  // date -d '2017-10-07 01:10:09 PDT' +%s
  EXPECT_EQ(twice.start_ms - twice.submit_ms, 120'000);
  EXPECT_EQ(twice.duration_ms, 7'200'000);
  EXPECT_EQ(twice.gpus, 4);
  EXPECT_EQ(twice.gpu_milli, 1000);
  EXPECT_EQ(twice.nodes, 2);
  EXPECT_EQ(twice.tenant, "vc-a");
  EXPECT_EQ(twice.user, "u1");
  EXPECT_EQ(twice.status, "Pass");
  // Clocks were set back at 02:00: it ran from 01:50 for 20 minutes.
  EXPECT_EQ(trace.jobs[2].duration_ms, 20 * 60'000);
  EXPECT_EQ(trace.jobs[3].submit_ms, 1'512'115'200'000);  // date -d '2017-12-01 00:00:00 PST' +%s
  EXPECT_TRUE(trace.jobs[3].ran());
  EXPECT_EQ(trace.jobs[3].duration_ms, kUnknownTime);
}

TEST(TraceReader, ReadsHelios) {
  const ClusterTrace trace = MustRead({TestData("helios.csv")});
  ASSERT_EQ(trace.jobs.size(), 3u);
  EXPECT_EQ(trace.jobs[0].submit_ms, 1'591'728'061'000);
  EXPECT_EQ(trace.jobs[0].duration_ms, 36'848'000);
  EXPECT_EQ(trace.jobs[0].cpu_milli, 4000);
  EXPECT_EQ(trace.jobs[1].gpus, 16);
  EXPECT_EQ(trace.jobs[1].nodes, 2);
  EXPECT_EQ(trace.jobs[1].tenant, "vcX");
  EXPECT_FALSE(trace.jobs[2].ran());
  EXPECT_EQ(trace.jobs[2].gpu_milli, 0);
}

TEST(TraceReader, ReadsGavel) {
  const ClusterTrace trace = MustRead({TestData("gavel.trace")});
  ASSERT_EQ(trace.jobs.size(), 2u);
  EXPECT_EQ(trace.jobs[0].name, "job-1");
  EXPECT_EQ(trace.jobs[0].type, "LM (batch size 5)");
  EXPECT_EQ(trace.jobs[0].steps, 10027);
  EXPECT_EQ(trace.jobs[1].submit_ms, 12'500);
  EXPECT_EQ(trace.jobs[1].gpus, 2);
  EXPECT_EQ(trace.jobs[1].duration_ms, kUnknownTime);
  const ClusterTrace old = MustRead({TestData("gavel_6.trace")});
  ASSERT_EQ(old.jobs.size(), 2u);
  EXPECT_EQ(old.jobs[1].submit_ms, 55'000);
  EXPECT_EQ(old.jobs[1].steps, 307);
  EXPECT_EQ(Fault("ResNet\tpython\t--steps\t1\tmany\t1\t1\t-1\t0\n"), "1:25: total_steps: 'many' is not a number");
  EXPECT_EQ(Fault("ResNet\tpython\t--steps\t1\t5\t0\t1\t-1\t0\n"),
            "1:27: scale_factor: a job of Gavel's has at least one GPU");
  EXPECT_EQ(Fault("ResNet\tpython\n"), "1:8: 2 fields between tabs, where a job of Gavel's has 10, 9 or 6");
}

TEST(TraceReader, ReadsGzipWhateverItsName) {
  for (const char* name : {"alibaba_pods.csv", "philly_jobs.json", "gavel.trace"}) {
    const ClusterTrace plain = MustRead({TestData(name)});
    const ClusterTrace packed = MustRead({WriteFile("packed", Gzipped(ReadFile(TestData(name))))});
    ASSERT_EQ(plain.jobs.size(), packed.jobs.size());
    EXPECT_EQ(plain.jobs.back().end_ms, packed.jobs.back().end_ms);
  }
}

TEST(TraceReader, TellsGzipThatIsCutOffOrDamaged) {
  std::string rows = kPodHeader;
  for (int i = 0; i < 5000; ++i) {
    rows += "p" + std::to_string(i) + ",1,1,0,0,,BE,Running," + std::to_string(i * i % 977) + ",2000,1000\n";
  }
  const std::string packed = Gzipped(rows);
  for (size_t kept :
       {packed.size() - 1, packed.size() - 8, packed.size() / 2, size_t{11}, size_t{10}, size_t{4}, size_t{2}}) {
    EXPECT_THAT(Fault(packed.substr(0, kept)), HasSubstr("the gzip data ends too early: the file is cut off")) << kept;
  }
  EXPECT_THAT(Fault(packed.substr(0, packed.size() / 2)), testing::MatchesRegex("[0-9]+:[0-9]+: .*"));
  std::string damaged = packed;
  damaged[damaged.size() - 6] ^= 1;  // its checksum
  EXPECT_THAT(Fault(damaged), HasSubstr("the gzip data is damaged"));
  damaged = packed;
  damaged[packed.size() / 2] ^= 0x55;
  EXPECT_NE(Fault(damaged), "ok");
  EXPECT_THAT(Fault(Gzipped(std::string(kPodHeader) + Gzipped("x"))), Not("ok"));
}

TEST(TraceReader, AcceptsMarksAndLineEnds) {
  const std::string row = "a,1,1,0,0,,BE,Running,0,1,0";
  for (const std::string& file :
       {std::string("\xef\xbb\xbf") + kPodHeader + row, kPodHeader + row + "\n\n\n", kPodHeader + row + "\r\n",
        kPodHeader + row + "\r", std::string("\n\r\n") + kPodHeader + "\n" + row}) {
    EXPECT_EQ(Fault(file), "ok") << file;
  }
  std::string crlf = kPodHeader;
  crlf.insert(crlf.size() - 1, "\r");
  EXPECT_EQ(Fault(crlf + row + "\r\n" + "b" + row.substr(1) + "\r\n"), "ok");
  EXPECT_EQ(Fault(crlf + row + "\r\n" + "b,-1" + row.substr(3) + "\r\n"), "3:3: cpu_milli: '-1' is negative");
  EXPECT_EQ(Fault("\xef\xbb\xbf[]"), "ok");
}

TEST(TraceReader, AcceptsQuotesAndSpaces) {
  const ClusterTrace trace = MustRead(
      {WriteFile("quotes", std::string(kPodHeader) +
                               "\"a,\"\"b\"\"\nc\", 1 ,1.0,\"0\",,nan,,Running,1.5,None,\nd,1,1,0,0,,,,2,2,2\n")});
  ASSERT_EQ(trace.jobs.size(), 2u);
  EXPECT_EQ(trace.jobs[0].name, "a,\"b\"\nc");
  EXPECT_EQ(trace.jobs[0].submit_ms, 1500);
  EXPECT_EQ(trace.jobs[0].end_ms, kUnknownTime);
  EXPECT_EQ(PodFault("\"a\nb\",-1,1,0,0,,,,0,1,0\n"), "3:4: cpu_milli: '-1' is negative");
  EXPECT_EQ(PodFault("\"a\n,1,1,0,0,,,,0,1,0\n"), "2:1: the quoted field does not end");
  EXPECT_EQ(PodFault("\"a\"b,1,1,0,0,,,,0,1,0\n"), "2:4: text after the closing quote of a field");
  EXPECT_EQ(PodFault("a\"b\",1,1,0,0,,,,0,1,0\n"), "2:2: a quote within a field that does not begin with one");
}

TEST(TraceReader, TellsBadNumbers) {
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,-5,1,0\n"), "2:14: creation_time: '-5' is negative");
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,nan,1,0\n"), "2:14: creation_time: 'nan' is not a number");
  EXPECT_EQ(PodFault("a,NaN,1,0,0,,,,0,1,0\n"), "2:3: cpu_milli: 'NaN' is not a number");
  EXPECT_EQ(PodFault("a,inf,1,0,0,,,,0,1,0\n"), "2:3: cpu_milli: 'inf' is not a number");
  EXPECT_EQ(PodFault("a,1e3,1,0,0,,,,0,1,0\n"), "2:3: cpu_milli: '1e3' is not a number");
  EXPECT_EQ(PodFault("a,0x10,1,0,0,,,,0,1,0\n"), "2:3: cpu_milli: '0x10' is not a number");
  EXPECT_EQ(PodFault("a,,1,0,0,,,,0,1,0\n"), "2:3: cpu_milli: there is no number");
  EXPECT_EQ(PodFault("a,1.5,1,0,0,,,,0,1,0\n"), "2:3: cpu_milli: '1.5' is not a whole number");
  EXPECT_EQ(PodFault("a,.,1,0,0,,,,0,1,0\n"), "2:3: cpu_milli: '.' is not a number");
  EXPECT_EQ(PodFault("a,-,1,0,0,,,,0,1,0\n"), "2:3: cpu_milli: '-' is not a number");
  EXPECT_EQ(PodFault("a,-0,1,0,0,,,,0,1,0\n"), "ok");
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,0,1,-0.5\n"), "2:18: scheduled_time: '-0.5' is negative");
}

TEST(TraceReader, TellsNumbersThatAreTooLarge) {
  EXPECT_EQ(PodFault("a,9223372036854775808,1,0,0,,,,0,1,0\n"),
            "2:3: cpu_milli: '9223372036854775808' is too large: the most is 1000000000000");
  EXPECT_EQ(PodFault("a,1,1,4294967297,1000,,,,0,1,0\n"),
            "2:7: num_gpu: '4294967297' is too large: the most is 1000000");
  EXPECT_THAT(PodFault("a,1,1,0,0,,,,99999999999999999999999999,1,0\n"), HasSubstr("is too large"));
  EXPECT_THAT(PodFault("a,1," + std::string(5000, '9') + ",0,0,,,,0,1,0\n"),
              StartsWith("2:5: memory_mib: '9999999999999999999999999999999999999999...' is too large"));
}

TEST(TraceReader, TellsWhatCannotBe) {
  EXPECT_EQ(PodFault("a,1,1,0,500,,,,0,1,0\n"), "2:9: 500 thousandths of a GPU, but no GPU");
  EXPECT_EQ(PodFault("a,1,1,1,0,,,,0,1,0\n"), "2:9: 0 thousandths of each GPU, where 1 to 1000 can be asked for");
  EXPECT_EQ(PodFault("a,1,1,1,1001,,,,0,1,0\n"), "2:9: 1001 thousandths of each GPU, where 1 to 1000 can be asked for");
  EXPECT_EQ(PodFault("a,1,1,2,500,,,,0,1,0\n"), "2:9: a part of each of 2 GPUs: only one GPU can be shared");
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,5,9,4\n"), "2:18: it starts before it is submitted");
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,5,6,7\n"), "2:16: it ends before it starts");
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,5,4,\n"), "2:16: it ends before it is submitted");
  EXPECT_EQ(PodFault(",1,1,0,0,,,,5,9,5\n"), "2:1: the job has no name");
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,0,1,0\nb,1,1,0,0,,,,0,1,0\na,1,1,0,0,,,,0,1,0\n"),
            "4:1: the job 'a' was on line 2 already");
  EXPECT_EQ(Fault(std::string(kNodeHeader) + "n,1,1,0,\nn,1,1,0,\n"), "3:1: the node 'n' was on line 2 already");
  EXPECT_EQ(Fault(std::string(kNodeHeader) + "n,1,1,2,\n"), "2:9: model: a node with GPUs tells no model");
  const std::string pods = TestData("alibaba_pods.csv");
  EXPECT_THAT(ReadTrace(std::vector{pods, pods}).status().message(),
              HasSubstr(":2:1: the job 'pod-2' was on line 2 already"));
}

TEST(TraceReader, TellsBadTables) {
  EXPECT_EQ(Fault(""), "1:1: the file is empty");
  EXPECT_EQ(Fault("\n\n"), "1:1: the file is empty");
  EXPECT_EQ(Fault("\xef\xbb\xbf"), "1:1: the file is empty");
  EXPECT_EQ(Fault(kPodHeader), "1:1: no rows follow the header");
  EXPECT_THAT(
      Fault("name,cpu_milli,memory_mib,num_gpu,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"),
      StartsWith("1:1: the column 'gpu_milli' of alibaba-pods is missing; there are 'name', 'cpu_milli', "));
  EXPECT_THAT(
      Fault("name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,deletion_time,scheduled_time\n"),
      StartsWith("1:1: the column 'creation_time' of alibaba-pods is missing"));
  EXPECT_THAT(Fault("job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time\n"),
              StartsWith("1:1: the column 'end_time' of helios is missing"));
  EXPECT_EQ(Fault("sn,cpu_milli,memory_mib,gpu,model,gpu\n"), "1:35: the column 'gpu' is there twice");
  EXPECT_EQ(Fault("fruit,colour\napple,red\n"),
            "1:1: the columns are those of no trace that can be read: 'fruit', 'colour'");
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,0,1\n"), "2:16: 10 fields, where the header has 11");
  EXPECT_EQ(PodFault("a,1,1,0,0,,,,0,1,0,7\n"), "2:20: 12 fields, where the header has 11");
  EXPECT_EQ(PodFault(std::string(2000, ',')), "2:1000: more than 1000 fields");
  EXPECT_EQ(PodFault("a\x01,1"), "2:2: a control character");
  EXPECT_EQ(PodFault("a\rb,1"), "2:2: a carriage return that ends no line");
  EXPECT_EQ(PodFault(std::string("a,1\0,1", 6)), "2:4: a NUL byte: this is no text file");
  EXPECT_EQ(Fault(std::string(100, '\0')), "1:1: a NUL byte: this is no text file");
}

TEST(TraceReader, TellsLongLines) {
  const std::string line(10'000'000, '7');
  const std::string fault = ": the line is longer than 1048576 bytes";
  EXPECT_EQ(Fault(line), "1:1048577" + fault);
  EXPECT_EQ(PodFault(line), "2:1048577" + fault);
  EXPECT_EQ(PodFault("\"" + line), "2:1048577" + fault);
  EXPECT_EQ(Fault("a\t" + line), "1:1048577" + fault);
  EXPECT_EQ(Fault(Gzipped(line)), "1:1048577" + fault);
  EXPECT_THAT(Fault("[{\"jobid\": \"" + line), HasSubstr(fault));
  EXPECT_THAT(Fault("[{\"jobid\": " + line), HasSubstr(fault));
  EXPECT_THAT(Fault("[" + std::string(10'000'000, ' ')), HasSubstr(fault));
}

std::string Job(const std::string& more, const std::string& submitted = "2017-10-07 01:00:00") {
  return "[\n{\"status\": \"Pass\", \"vc\": \"v\", \"jobid\": \"j\", \"user\": \"u\",\n \"submitted_time\": \"" +
         submitted + "\"" + more + "}]";
}

TEST(TraceReader, TellsBadJobLogs) {
  EXPECT_EQ(Fault(Job(", \"attempts\": []")), "ok");
  EXPECT_EQ(Fault("[]"), "ok");
  EXPECT_EQ(Fault(Job("")), "2:1: the job has no 'attempts'");
  EXPECT_EQ(Fault(Job(", \"attempts\": []", "yesterday")),
            "3:30: submitted_time: 'yesterday' is not a date: YYYY-MM-DD HH:MM:SS");
  EXPECT_EQ(Fault(Job(", \"attempts\": []", "2017-02-29 00:00:00")),
            "3:40: submitted_time: '2017-02-29 00:00:00' is a date that does not exist");
  EXPECT_THAT(Fault(Job(", \"attempts\": 7")), HasSubstr("attempts is no text"));
  EXPECT_THAT(Fault(Job(", \"attempts\": \"x\"")), HasSubstr("attempts is no list"));
  EXPECT_THAT(Fault(Job(", \"attempts\": {}")), HasSubstr("attempts: an object is not what belongs here"));
  EXPECT_THAT(Fault(Job(", \"attempts\": [[]]")), HasSubstr(": a list is not what belongs here"));
  EXPECT_THAT(
      Fault(
          Job(",\n\"attempts\": [{\"start_time\": \"2017-10-07 02:00:00\",\n \"end_time\": \"2017-10-07 01:59:59\"}]")),
      StartsWith("5:34: it ends before it starts"));
  EXPECT_THAT(Fault(Job(",\n\"attempts\": [{\"start_time\": \"2017-10-07 00:59:59\", \"end_time\": null}]")),
              HasSubstr("it starts before it is submitted"));
  EXPECT_THAT(Fault("[{\"jobid\": \"a\\u0000b\"}]"), HasSubstr("a NUL byte within a text"));
  EXPECT_THAT(Fault("{\"a\": 1}"), StartsWith("1:1: an object, where the job log is a list of jobs"));
  EXPECT_THAT(Fault("[1]"), HasSubstr("a value, where a job is expected"));
  EXPECT_THAT(Fault("[[]]"), HasSubstr("a list, where a job is expected"));
  EXPECT_THAT(Fault("[\n{,}]"), StartsWith("2:2: this is no JSON: "));
  EXPECT_EQ(Fault("[]]"), "1:3: text after the list of jobs");
  EXPECT_EQ(Fault("["), "1:1: the JSON ends too early");
  EXPECT_THAT(Fault("[}"), StartsWith("1:2: this is no JSON: "));
  EXPECT_THAT(Fault(Job(", \"attempts\": []").substr(0, 60)), HasSubstr("the JSON ends too early"));
  EXPECT_THAT(Fault("[{\"a\":" + std::string(100'000, '[')), HasSubstr("too deep"));
  const std::string job = Job(", \"attempts\": []");
  const std::string twice = job.substr(0, job.size() - 1) + "," + job.substr(1);
  EXPECT_THAT(Fault(twice), HasSubstr("the job 'j' was on line 2 already"));
  EXPECT_THAT(Fault(Gzipped(job).substr(0, 50)), HasSubstr("the file is cut off"));
  std::string nul = job;
  nul[nul.size() - 2] = '\0';
  EXPECT_THAT(Fault(nul), HasSubstr("a NUL byte"));
}

TEST(TraceReader, TellsBadMachinesAndDates) {
  const std::string machines = "machineId,number of GPUs, single GPU mem\n";
  EXPECT_EQ(Fault(machines + "m1,8,24\n"), "2:6: single GPU mem: '24' is no amount of memory, such as 24GB");
  EXPECT_EQ(Fault(machines + "m1,8,xGB\n"), "2:6: single GPU mem: 'x' is not a number");
  const std::string helios = "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time\n";
  EXPECT_EQ(Fault(helios + "1,u,v,1,1,1,X,2020-06-09 24:00:00,None,None\n"),
            "2:15: submit_time: '2020-06-09 24:00:00' is a date that does not exist");
  EXPECT_EQ(Fault(helios + "1,u,v,1,1,1,X,None,None,None\n"),
            "2:15: submit_time: 'None' is not a date: YYYY-MM-DD HH:MM:SS");
}

TEST(TraceReader, TellsFilesThatCannotBeRead) {
  EXPECT_THAT(ReadTrace(std::vector<std::string>{"/nowhere/x.csv"}).status().message(),
              "/nowhere/x.csv: cannot be opened: No such file or directory");
  EXPECT_THAT(ReadTrace(std::vector<std::string>{testing::TempDir()}).status().message(),
              HasSubstr("is a folder, not a file"));
}

TEST(TraceReader, LeavesOutBadRowsWhenTold) {
  TraceReader reader({.skip_bad_rows = true});
  const std::string path =
      WriteFile("bad", std::string(kPodHeader) + "a,1,1,0,0,,,,0,1,0\nb,x,1,0,0,,,,0,1,0\na,1,1,0,0,,,,0,1,0\n" +
                           "c,1,1,0,7,,,,0,1,0\nd,1\ne,1,1,0,0,,,,0,1,0\n");
  ASSERT_TRUE(reader.Add(path).ok());
  EXPECT_EQ(reader.skipped(), 4);
  EXPECT_EQ(reader.first_skipped(), path + ":3:3: cpu_milli: 'x' is not a number");
  EXPECT_EQ(reader.Take().jobs.size(), 2u);
  TraceReader philly({.skip_bad_rows = true});
  ASSERT_TRUE(philly.Add(WriteFile("bad.json", Job("") + "")).ok());
  EXPECT_EQ(philly.skipped(), 1);
}

TEST(GpuMemory, IsKnownByModel) {
  EXPECT_EQ(GpuMemoryMib("V100M32"), 32768);
  EXPECT_EQ(GpuMemoryMib("T4"), 16384);
  EXPECT_EQ(GpuMemoryMib("G3"), 30000);
  EXPECT_EQ(GpuMemoryMib(""), 0);
}

}  // namespace
}  // namespace workbench
