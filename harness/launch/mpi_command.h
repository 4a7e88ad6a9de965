// The mpirun command line, in one place.
#ifndef HARNESS_LAUNCH_MPI_COMMAND_H_
#define HARNESS_LAUNCH_MPI_COMMAND_H_

#include <string>
#include <vector>

namespace workbench {

struct MpiCommand {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  bool several_hosts = false;
};

// `mpirun -np RANKS`, quiet, as root or not, with more ranks than cores if need be, with its files under `folder`.
// $WORKBENCH_MPI_ARGS (split at spaces) is appended: a --hostfile there, or a Slurm allocation of several nodes, lets
// the ranks leave this machine, and nothing that only works on one host is set.
MpiCommand MakeMpiCommand(int ranks, const std::string& folder);

// One line to paste into a shell.
std::string ShellLine(const std::vector<std::string>& arguments);

}  // namespace workbench

#endif  // HARNESS_LAUNCH_MPI_COMMAND_H_
