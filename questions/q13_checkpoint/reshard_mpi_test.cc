// Part d as it is used: the reference on MPI ranks that are processes, and files on a disk. 4 ranks save, 3 load; 3
// save something newer, 4 and 1 load it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "harness/launch/mpi_command.h"

namespace q13 {
namespace {

std::string g_program, g_library;

class ReshardMpiTest : public testing::Test {
 protected:
  ReshardMpiTest() {
    // Short: Open MPI's sockets lie there.
    std::string name = (std::filesystem::temp_directory_path() / "reshard_XXXXXX").string();
    folder_ = mkdtemp(name.data());
    std::filesystem::create_directory(folder_ / "root");
  }
  ~ReshardMpiTest() override { std::filesystem::remove_all(folder_); }

  int Run(int ranks, const std::string& what, int version) {
    workbench::MpiCommand command = workbench::MakeMpiCommand(ranks, folder_.string());
    command.arguments.insert(command.arguments.end(),
                             {g_program, what, std::to_string(version), g_library, (folder_ / "root").string()});
    std::vector<std::string> line = {"env"};
    line.insert(line.end(), command.environment.begin(), command.environment.end());
    line.insert(line.end(), command.arguments.begin(), command.arguments.end());
    return std::system(workbench::ShellLine(line).c_str());
  }

  std::filesystem::path folder_;
};

TEST_F(ReshardMpiTest, OtherNumbersOfRanksLoadWhatWasSaved) {
  if (workbench::MakeMpiCommand(1, "").several_hosts) GTEST_SKIP() << "the ranks would not share a disk";
  ASSERT_EQ(Run(4, "save", 0), 0);
  EXPECT_EQ(Run(3, "load", 0), 0);
  ASSERT_EQ(Run(3, "save", 1), 0);
  EXPECT_EQ(Run(4, "load", 1), 0);
  EXPECT_EQ(Run(1, "load", 1), 0);
  EXPECT_NE(Run(2, "load", 0), 0) << "the older one's elements, which are gone";
}

}  // namespace
}  // namespace q13

// Arguments: the program that a rank runs, and the library.
int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  if (count != 3) return 2;
  q13::g_program = std::filesystem::absolute(arguments[1]);
  q13::g_library = std::filesystem::absolute(arguments[2]);
  return RUN_ALL_TESTS();
}
