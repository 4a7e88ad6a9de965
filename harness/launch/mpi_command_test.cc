#include "harness/launch/mpi_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace workbench {
namespace {

using testing::Contains;
using testing::IsSupersetOf;
using testing::Not;

class MpiCommandTest : public testing::Test {
 protected:
  MpiCommandTest() {
    unsetenv("WORKBENCH_MPI_ARGS");
    unsetenv("SLURM_JOB_NUM_NODES");
  }
};

// The argument behind `flag`.
std::string After(const std::vector<std::string>& arguments, const std::string& flag) {
  const auto at = std::find(arguments.begin(), arguments.end(), flag);
  return at == arguments.end() || at + 1 == arguments.end() ? "" : *(at + 1);
}

TEST_F(MpiCommandTest, OneHost) {
  const MpiCommand command = MakeMpiCommand(5, "/tmp/folder");
  EXPECT_EQ(command.arguments[0], "mpirun");
  EXPECT_EQ(After(command.arguments, "-np"), "5");
  EXPECT_THAT(command.arguments, IsSupersetOf({"--oversubscribe", "isolated", "self,vader"}));
  EXPECT_EQ(After(command.arguments, "btl_vader_backing_directory"), "/tmp/folder");
  EXPECT_THAT(command.environment, Contains("TMPDIR=/tmp/folder"));
  EXPECT_FALSE(command.several_hosts);
}

// Open MPI refuses to run as root unless asked, and would be asked in vain as anybody else.
TEST_F(MpiCommandTest, AllowsRootOnlyToRoot) {
  const MpiCommand command = MakeMpiCommand(2, "/tmp/folder");
  EXPECT_EQ(std::count(command.arguments.begin(), command.arguments.end(), "--allow-run-as-root"),
            geteuid() == 0 ? 1 : 0);
}

TEST_F(MpiCommandTest, RanksThatOutnumberTheCoresYield) {
  EXPECT_EQ(After(MakeMpiCommand(4096, "/tmp/folder").arguments, "mpi_yield_when_idle"), "1");
  EXPECT_EQ(After(MakeMpiCommand(1, "/tmp/folder").arguments, "mpi_yield_when_idle"), "");
}

TEST_F(MpiCommandTest, MoreArgumentsComeLastSoThatTheyWin) {
  setenv("WORKBENCH_MPI_ARGS", "  --mca btl   tcp,self ", 1);
  const std::vector<std::string> arguments = MakeMpiCommand(2, "/tmp/folder").arguments;
  ASSERT_GE(arguments.size(), 3u);
  EXPECT_THAT(std::vector<std::string>(arguments.end() - 3, arguments.end()),
              testing::ElementsAre("--mca", "btl", "tcp,self"));
  EXPECT_THAT(arguments, Contains("--oversubscribe"));
}

TEST_F(MpiCommandTest, SeveralHostsGetNothingThatWorksOnOneOnly) {
  for (const bool slurm : {false, true}) {
    if (slurm) {
      unsetenv("WORKBENCH_MPI_ARGS");
      setenv("SLURM_JOB_NUM_NODES", "2", 1);
    } else {
      setenv("WORKBENCH_MPI_ARGS", "--hostfile /etc/hosts.mpi", 1);
    }
    const MpiCommand command = MakeMpiCommand(4096, "/tmp/folder");
    EXPECT_TRUE(command.several_hosts);
    EXPECT_EQ(After(command.arguments, "-np"), "4096");
    for (const char* flag :
         {"isolated", "self,vader", "--oversubscribe", "btl_vader_backing_directory", "mpi_yield_when_idle"}) {
      EXPECT_THAT(command.arguments, Not(Contains(flag)));
    }
    EXPECT_EQ(command.arguments.back() == "/etc/hosts.mpi", !slurm);
  }
  setenv("SLURM_JOB_NUM_NODES", "1", 1);
  EXPECT_FALSE(MakeMpiCommand(2, "/tmp/folder").several_hosts);
}

TEST(ShellLineTest, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(ShellLine({"mpirun", "-np", "2", "--a=b/c.so,d:e"}), "mpirun -np 2 --a=b/c.so,d:e");
  EXPECT_EQ(ShellLine({"echo", "", "two words", "$HOME", "a;b"}), "echo '' 'two words' '$HOME' 'a;b'");
  EXPECT_EQ(ShellLine({"echo", "it's"}), "echo 'it'\\''s'");
  EXPECT_EQ(ShellLine({}), "");
}

}  // namespace
}  // namespace workbench
