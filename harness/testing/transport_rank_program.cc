// Scenarios that exercise a Transport inside ranks; judge_transport_test.cc and mpi_transport_test.cc start them.
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "harness/runner/rank_program.h"
#include "harness/testing/transport_case.h"
#include "harness/transport/judge_transport.h"
#include "harness/transport/mpi_transport.h"

namespace workbench {
namespace {

using Scenario = std::string (*)(Transport&);  // what went wrong, or empty

int Next(const Transport& transport) { return (transport.rank() + 1) % transport.size(); }
int Previous(const Transport& transport) { return (transport.rank() + transport.size() - 1) % transport.size(); }

// A message's content, from who sends it and the how-manieth it is.
std::vector<uint32_t> Content(int rank, int number) {
  std::vector<uint32_t> content(static_cast<size_t>(number * 37 % 301));
  std::iota(content.begin(), content.end(), static_cast<uint32_t>(rank * 1000003 + number * 10007));
  return content;
}

// Many messages to the next rank, with three tags and sizes from 0 up; receives are posted tag by tag and waited for in
// any order. Within a tag they must match in the order of sending.
std::string Order(Transport& transport) {
  constexpr int kMessages = 300, kTags = 3;
  std::vector<std::vector<uint32_t>> outgoing, incoming(kMessages);
  std::vector<Transport::Request> requests;
  std::vector<int> numbers;
  for (int tag = 0; tag < kTags; ++tag) {
    for (int i = tag; i < kMessages; i += kTags) {
      incoming[static_cast<size_t>(i)].assign(Content(0, i).size(), 0);
      auto& buffer = incoming[static_cast<size_t>(i)];
      requests.push_back(transport.Irecv(buffer.data(), buffer.size() * 4, Previous(transport), tag));
      numbers.push_back(i);
    }
  }
  for (int i = 0; i < kMessages; ++i) outgoing.push_back(Content(transport.rank(), i));
  for (int i = 0; i < kMessages; ++i) {
    const auto& content = outgoing[static_cast<size_t>(i)];
    requests.push_back(transport.Isend(content.data(), content.size() * 4, Next(transport), i % kTags));
  }
  for (size_t left = requests.size(); left > 0; --left) {
    const size_t which = transport.WaitAny(requests);
    if (which >= requests.size() || requests[which].id != -1) return "WaitAny did not reset what it returned";
    if (which >= numbers.size()) continue;
    const int i = numbers[which];
    if (incoming[static_cast<size_t>(i)] != Content(Previous(transport), i))
      return "message " + std::to_string(i) + " is not what was sent";
  }
  return "";
}

std::string EmptyMessages(Transport& transport) {
  transport.SendRecv(nullptr, 0, Next(transport), nullptr, 0, Previous(transport), 5);
  Transport::Request requests[2] = {transport.Isend(nullptr, 0, Next(transport), 6),
                                    transport.Irecv(nullptr, 0, Previous(transport), 6)};
  transport.WaitAll(requests);
  return "";
}

// What names nothing is passed over, and waiting for it returns at once.
std::string WaitAnyOfSome(Transport& transport) {
  Transport::Request nothing;
  transport.Wait(nothing);
  int value = 0;
  if (transport.rank() == 0) {
    const int sent = 42;
    usleep(20000);
    transport.Send(&sent, sizeof sent, 1, 0);
    return "";
  }
  Transport::Request requests[4] = {{}, {}, transport.Irecv(&value, sizeof value, 0, 0), {}};
  const size_t which = transport.WaitAny(requests);
  return which == 2 && requests[2].id == -1 && value == 42
             ? ""
             : "index " + std::to_string(which) + ", value " + std::to_string(value);
}

// Everyone sends before anyone receives.
std::string SendCycle(Transport& transport) {
  int sent = transport.rank(), received = -1;
  transport.Send(&sent, sizeof sent, Next(transport), 7);
  transport.Recv(&received, sizeof received, Previous(transport), 7);
  return received == Previous(transport) ? "" : "received " + std::to_string(received);
}

std::string SendRecvCycle(Transport& transport) {
  int sent = transport.rank(), received = -1;
  transport.SendRecv(&sent, sizeof sent, Next(transport), &received, sizeof received, Previous(transport), 7);
  return received == Previous(transport) ? "" : "received " + std::to_string(received);
}

std::string SizeMismatch(Transport& transport) {
  char data[16] = {};
  if (transport.rank() == 0) transport.Send(data, 8, 1, 3);
  if (transport.rank() == 1) transport.Recv(data, 16, 0, 3);
  return "";
}

std::string NotWaitedFor(Transport& transport) {
  static int value;  // outlives the request
  if (transport.rank() == 0) (void)transport.Isend(&value, sizeof value, 1, 0);
  if (transport.rank() == 1) transport.Recv(&value, sizeof value, 0, 0);
  return "";
}

std::string WaitTwice(Transport& transport) {
  int value = 0;
  Transport::Request request = transport.Isend(&value, sizeof value, Next(transport), 0);
  Transport::Request copy = request;
  transport.Recv(&value, sizeof value, Previous(transport), 0);
  transport.Wait(request);
  transport.Wait(copy);
  return "";
}

std::string WaitAnyOfNothing(Transport& transport) {
  Transport::Request requests[2];
  (void)transport.WaitAny(requests);
  return "";
}

std::string NoSuchRank(Transport& transport) {
  transport.Send(nullptr, 0, transport.size(), 0);
  return "";
}

std::string NoSuchTag(Transport& transport) {
  transport.Send(nullptr, 0, Next(transport), 32768);
  return "";
}

// 2(N-1) steps to the right, as a ring all-reduce makes.
std::string RingSteps(Transport& transport) {
  char out[10] = {}, in[10];
  for (int step = 0; step < 2 * (transport.size() - 1); ++step) {
    transport.SendRecv(out, sizeof out, Next(transport), in, sizeof in, Previous(transport), 0);
  }
  return "";
}

// Rank 0 sends two messages to rank 1, which then sends one to rank 2.
std::string Relay(Transport& transport) {
  char data[10] = {};
  if (transport.rank() == 0) {
    transport.Send(data, 10, 1, 0);
    transport.Send(data, 4, 1, 0);
  } else if (transport.rank() == 1) {
    transport.Recv(data, 10, 0, 0);
    transport.Recv(data, 4, 0, 0);
    transport.Send(data, 2, 2, 0);
  } else if (transport.rank() == 2) {
    transport.Recv(data, 2, 1, 0);
  }
  return "";
}

// An answer that writes to a buffer between Isend and Wait, or reads one between Irecv and Wait, is wrong; over a kind
// transport it gets away with it.
std::string BuffersAreTheTransports(Transport& transport) {
  if (transport.rank() == 0) {
    int early = 1;
    Transport::Request request = transport.Isend(&early, sizeof early, 1, 0);
    early = 2;
    transport.Wait(request);
    const int second = 3;
    transport.Send(&second, sizeof second, 1, 1);
    return "";
  }
  int first = -1, second = -1;
  Transport::Request request = transport.Irecv(&first, sizeof first, 0, 0);
  transport.Recv(&second, sizeof second, 0, 1);  // was sent after the first one
  usleep(20000);
  const int before_wait = first;
  transport.Wait(request);
  return std::to_string(before_wait) + " then " + std::to_string(first);
}

// More than an int can count, and than one piece holds.
std::string Huge(Transport& transport) {
  constexpr size_t kBytes = (size_t{1} << 30) + 5;
  std::vector<char> data(kBytes);
  const size_t marks[] = {0, 1, (size_t{1} << 30) - 1, size_t{1} << 30, kBytes - 1};
  for (int round = 0; round < 2; ++round) {
    if (transport.rank() == 0) {
      for (const size_t at : marks) data[at] = static_cast<char>(at % 101 + 1);
      if (round == 0) transport.Send(data.data(), kBytes, 1, 0);
      if (round == 1) transport.SendRecv(data.data(), kBytes, 1, nullptr, 0, 1, 0);
      continue;
    }
    std::fill(data.begin(), data.end(), 0);
    if (round == 0) {
      Transport::Request request = transport.Irecv(data.data(), kBytes, 0, 0);
      (void)transport.WaitAny(std::span(&request, 1));
    } else {
      transport.SendRecv(nullptr, 0, 0, data.data(), kBytes, 0, 0);
    }
    for (const size_t at : marks) {
      if (data[at] != static_cast<char>(at % 101 + 1))
        return "byte " + std::to_string(at) + " is wrong in round " + std::to_string(round);
    }
  }
  return "";
}

const std::map<std::string, Scenario>& Scenarios() {
  static const auto& scenarios = *new std::map<std::string, Scenario>{
      {"order", Order},
      {"empty_messages", EmptyMessages},
      {"wait_any_of_some", WaitAnyOfSome},
      {"send_cycle", SendCycle},
      {"send_recv_cycle", SendRecvCycle},
      {"size_mismatch", SizeMismatch},
      {"not_waited_for", NotWaitedFor},
      {"wait_twice", WaitTwice},
      {"wait_any_of_nothing", WaitAnyOfNothing},
      {"no_such_rank", NoSuchRank},
      {"no_such_tag", NoSuchTag},
      {"ring_steps", RingSteps},
      {"relay", Relay},
      {"buffers_are_the_transports", BuffersAreTheTransports},
      {"huge", Huge},
  };
  return scenarios;
}

// A rank that has returned still has messages to acknowledge: it must go on calling MPI until everyone has returned.
void WaitForOthers(MPI_Comm communicator) {
  MPI_Request request;
  WB_CHECK_MPI(MPI_Ibarrier(communicator, &request));
  int done = 0;
  for (int turns = 0; done == 0; ++turns) {
    WB_CHECK_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    usleep(100);
    if (turns == 3000) ReportBlocked("for the other ranks to return");
  }
}

class TransportProgram : public RankProgram {
 public:
  Status Prepare(const RankEnvironment&) override {
    for (MPI_Comm* communicator : {&headers_, &data_}) {
      WB_CHECK_MPI(MPI_Comm_dup(MPI_COMM_WORLD, communicator));
      WB_CHECK_MPI(MPI_Comm_set_errhandler(*communicator, MPI_ERRORS_RETURN));
    }
    return Status::Ok();
  }
  Status Load(void*) override { return Status::Ok(); }

  Result<std::vector<std::byte>> Run(std::span<const std::byte> request) override {
    TransportCase test;
    std::memcpy(&test, request.data(), sizeof test);
    const auto scenario = Scenarios().find(test.name);
    if (scenario == Scenarios().end()) return Error(std::string("no scenario ") + test.name);
    TransportReply reply;
    std::string trouble;
    if (test.judge != 0) {
      JudgeTransport transport(headers_, data_, test.options);
      trouble = scenario->second(transport);
      reply.counts = transport.Finish();
      WaitForOthers(MPI_COMM_WORLD);
    } else {
      MpiTransport transport(data_);
      trouble = scenario->second(transport);
    }
    std::snprintf(reply.trouble, sizeof reply.trouble, "%s", trouble.c_str());
    const auto bytes = std::as_bytes(std::span(&reply, 1));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }

 private:
  MPI_Comm headers_ = MPI_COMM_NULL;
  MPI_Comm data_ = MPI_COMM_NULL;
};

}  // namespace

std::unique_ptr<RankProgram> MakeRankProgram() { return std::make_unique<TransportProgram>(); }

}  // namespace workbench
