#include "harness/status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace workbench {
namespace {

TEST(StatusTest, ContextIsAddedInFront) {
  EXPECT_EQ(Error("no such file").WithContext("reading x").message(), "reading x: no such file");
  EXPECT_TRUE(Status::Ok().WithContext("reading x").ok());
}

TEST(StatusTest, ErrnoErrorCarriesTheSystemsWords) {
  errno = ENOENT;
  EXPECT_EQ(ErrnoError("open /x").message(), "open /x failed: No such file or directory");
}

Status ReturnsEarly(bool* reached_end) {
  WB_RETURN_IF_ERROR(Status::Ok());
  WB_RETURN_IF_ERROR(Error("stop"));
  *reached_end = true;
  return Status::Ok();
}

TEST(StatusTest, ReturnIfErrorReturnsTheFirstError) {
  bool reached_end = false;
  EXPECT_EQ(ReturnsEarly(&reached_end).message(), "stop");
  EXPECT_FALSE(reached_end);
}

TEST(ResultTest, HoldsAValueOrAnError) {
  Result<int> good = 3;
  Result<int> bad = Error("none");
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, 3);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().message(), "none");
}

}  // namespace
}  // namespace workbench
