#include "grader/html/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "grader/html/markup_check.h"

namespace workbench::html {
namespace {

using testing::HasSubstr;
using testing::Not;
using Lines = std::vector<std::string>;

// "=" a common line, "~" one beside another, "-" only left, "+" only right.
std::string Shape(const Lines& left, const Lines& right) {
  std::string shape;
  for (const DiffRow& row : DiffLines(left, right))
    shape += row.same ? '=' : row.left < 0 ? '+' : row.right < 0 ? '-' : '~';
  return shape;
}

// Every line once, in order, and "same" only where lines are.
void ExpectComplete(const Lines& left, const Lines& right) {
  int l = 0, r = 0;
  for (const DiffRow& row : DiffLines(left, right)) {
    EXPECT_TRUE(row.left < 0 || row.left == l++);
    EXPECT_TRUE(row.right < 0 || row.right == r++);
    EXPECT_TRUE(row.left >= 0 || row.right >= 0);
    EXPECT_TRUE(!row.same || left.at(static_cast<size_t>(row.left)) == right.at(static_cast<size_t>(row.right)));
  }
  EXPECT_EQ(l, static_cast<int>(left.size()));
  EXPECT_EQ(r, static_cast<int>(right.size()));
}

TEST(DiffTest, KnownShapes) {
  EXPECT_EQ(Shape({}, {}), "");
  EXPECT_EQ(Shape({"a"}, {"a"}), "=");
  EXPECT_EQ(Shape({"a"}, {}), "-");
  EXPECT_EQ(Shape({}, {"a"}), "+");
  EXPECT_EQ(Shape({"a"}, {"b"}), "~");
  EXPECT_EQ(Shape({"a", "b", "c"}, {"a", "c"}), "=-=");
  EXPECT_EQ(Shape({"a", "c"}, {"a", "b", "c"}), "=+=");
  EXPECT_EQ(Shape({"a", "b", "c"}, {"a", "x", "y", "c"}), "=~+=");
  EXPECT_EQ(Shape({"a", "a", "a"}, {"a", "a"}), "==-");
}

// A plain recursion says how many lines can be in common.
size_t MostInCommon(const Lines& a, const Lines& b, size_t i = 0, size_t j = 0) {
  if (i == a.size() || j == b.size()) return 0;
  if (a[i] == b[j]) return 1 + MostInCommon(a, b, i + 1, j + 1);
  return std::max(MostInCommon(a, b, i + 1, j), MostInCommon(a, b, i, j + 1));
}

TEST(DiffTest, RandomTextsAreCompleteAndKeepAsMuchAsCanBe) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    Lines left(random() % 9), right(random() % 9);
    for (Lines* lines : {&left, &right}) {
      for (std::string& line : *lines) line = std::string(1, static_cast<char>('a' + random() % 3));
    }
    ExpectComplete(left, right);
    const std::string shape = Shape(left, right);
    EXPECT_EQ(static_cast<size_t>(std::count(shape.begin(), shape.end(), '=')), MostInCommon(left, right));
  }
}

TEST(DiffTest, LargeTextsAreReplacedAsAWhole) {
  Lines left(6000), right(6000);
  for (size_t i = 0; i < left.size(); ++i) {
    left[i] = "l" + std::to_string(i);
    right[i] = "r" + std::to_string(i);
  }
  left[0] = right[0] = "same";
  ExpectComplete(left, right);
}

TEST(SplitLinesTest, CountsALastLineWithoutAnEnd) {
  EXPECT_THAT(SplitLines(""), testing::IsEmpty());
  EXPECT_THAT(SplitLines("a\n\nb"), testing::ElementsAre("a", "", "b"));
  EXPECT_THAT(SplitLines("a\n"), testing::ElementsAre("a"));
}

TEST(SideBySideTest, SignsAndMarksWhatDiffers) {
  const std::string view = SideBySide("mine.cc", "int x = 1;\nkept\n", "theirs.cc", "int y = 1;\nkept\nnew\n");
  EXPECT_EQ(MarkupFault(view), "");
  EXPECT_THAT(view, HasSubstr("-</td><td class=\"code removed\">int <del>x</del> = 1;</td>"));
  EXPECT_THAT(view, HasSubstr("+</td><td class=\"code added\">int <ins>y</ins> = 1;</td>"));
  EXPECT_THAT(view,
              HasSubstr("<td class=\"no\">3</td><td class=\"sign added\">+</td><td class=\"code added\">new</td>"));
}

TEST(SideBySideTest, LongStretchesThatAreTheSameAreFolded) {
  std::string same;
  for (int i = 0; i < 50; ++i) same += "line " + std::to_string(i) + "\n";
  EXPECT_THAT(SideBySide("a", same + "x\n" + same, "b", same + "y\n" + same), HasSubstr("46 lines are the same"));
  EXPECT_THAT(SideBySide("a", same, "b", same), HasSubstr("50 lines are the same"));
  EXPECT_THAT(SideBySide("a", "1\n2\n", "b", "1\n2\n"), Not(HasSubstr("are the same")));
}

TEST(SideBySideTest, AnythingInAFileStaysText) {
  const std::string evil = "<script>evil()</script>\n</pre></td></table><img src=x onerror=evil()>\n";
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  for (const std::string& left : {evil, bytes, bytes + "\xe4\xb8", std::string("\r\n\r\n")}) {
    for (const std::string& right : {std::string("\xe4\xb8\xad\n"), evil, std::string()}) {
      const std::string view = SideBySide("<b>\"'", left, "</td>", right);
      EXPECT_EQ(MarkupFault(view), "");
      EXPECT_THAT(view, Not(HasSubstr("<script")));
      EXPECT_THAT(view, Not(HasSubstr("<img")));
    }
  }
}

TEST(SideBySideTest, MarksBetweenWholeCharacters) {
  // U+4E2D and U+4E2E differ in their last byte only.
  EXPECT_THAT(SideBySide("a", "x\xe4\xb8\xady\n", "b", "x\xe4\xb8\xaey\n"), HasSubstr("x<del>\xe4\xb8\xad</del>y"));
  EXPECT_THAT(SideBySide("a", "x\xe4\xb8\xad\n", "b", "x\xe5\x84\xad\n"), HasSubstr("x<del>\xe4\xb8\xad</del>"));
}

}  // namespace
}  // namespace workbench::html
