// Owns a session whose ranks loop, until it is killed. Usage: session_owner RUNNER LIBRARY RANKS (0: one process, no
// MPI)
#include <cstdio>
#include <cstdlib>

#include "harness/launch/process_tree.h"
#include "harness/launch/rank_session.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  workbench::OwnDescendants();
  workbench::SessionOptions options;
  options.runner = argv[1];
  options.library = argv[2];
  options.ranks = std::atoi(argv[3]);
  if (options.ranks == 0) {
    options.ranks = 1;
    options.use_mpi = false;
    options.runner_arguments = {"--mpi=no"};
  }
  std::optional<workbench::Failure> failure;
  const auto session = workbench::RankSession::Start(options, &failure);
  if (failure) {
    std::printf("failed: %s %s\n", failure->what.c_str(), failure->output.c_str());
    return 1;
  }
  std::printf("running %s\n", session->command_line().c_str());
  std::fflush(stdout);
  std::vector<std::vector<std::byte>> replies;
  const std::string command = "loop";
  (void)session->Run(std::as_bytes(std::span(command)), 600, &replies);
  return 0;
}
