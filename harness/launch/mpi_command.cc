#include "harness/launch/mpi_command.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <thread>

namespace workbench {
namespace {

bool HasSeveralHosts(const std::string& extra) {
  if (extra.find("--hostfile") != std::string::npos || extra.find("--host") != std::string::npos) return true;
  const char* nodes = std::getenv("SLURM_JOB_NUM_NODES");
  return nodes != nullptr && std::atoi(nodes) > 1;
}

}  // namespace

MpiCommand MakeMpiCommand(int ranks, const std::string& folder) {
  const char* extra = std::getenv("WORKBENCH_MPI_ARGS");
  MpiCommand command;
  command.several_hosts = HasSeveralHosts(extra ? extra : "");
  std::vector<std::string>& arguments = command.arguments;
  arguments = {"mpirun", "-q", "-np", std::to_string(ranks)};
  if (geteuid() == 0) arguments.push_back("--allow-run-as-root");
  if (!command.several_hosts) {
    arguments.insert(arguments.end(), {"--oversubscribe", "--bind-to", "none"});
    // One host: no remote shell is looked for (a bare container has none), and messages go through shared memory.
    arguments.insert(arguments.end(), {"--mca", "plm", "isolated", "--mca", "btl", "self,vader"});
    arguments.insert(arguments.end(), {"--mca", "btl_vader_backing_directory", folder});
    // Ranks that outnumber the cores must give way while they wait.
    const unsigned cores = std::thread::hardware_concurrency();
    if (cores != 0 && static_cast<unsigned>(ranks) > cores) {
      arguments.insert(arguments.end(), {"--mca", "mpi_yield_when_idle", "1"});
    }
  }
  arguments.insert(arguments.end(), {"--mca", "orte_base_help_aggregate", "0"});
  std::istringstream words(extra ? extra : "");
  for (std::string word; words >> word;) arguments.push_back(word);
  command.environment = {"TMPDIR=" + folder, "PMIX_MCA_gds=hash", "OMPI_MCA_btl_base_warn_component_unused=0"};
  return command;
}

std::string ShellLine(const std::vector<std::string>& arguments) {
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    const bool plain =
        !argument.empty() &&
        argument.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@") ==
            std::string::npos;
    if (plain) {
      line += argument;
      continue;
    }
    line += '\'';
    for (const char c : argument) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace workbench
