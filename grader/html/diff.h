// Two texts beside each other, line by line.
#ifndef GRADER_HTML_DIFF_H_
#define GRADER_HTML_DIFF_H_

#include <string>
#include <vector>

namespace workbench::html {

// A row of the side-by-side view: a line of the left text, of the right text, or of both. Indices count from 0; -1
// where that side has none. In a stretch that was replaced the first lines stand beside each other, and so on.
struct DiffRow {
  int left = -1;
  int right = -1;
  bool same = false;
};

// A shortest edit script (longest common subsequence of lines); every line of both texts is in exactly one row, in
// order. Texts of many thousand differing lines are taken as replaced as a whole.
std::vector<DiffRow> DiffLines(const std::vector<std::string>& left, const std::vector<std::string>& right);

// Without line ends; a last line without one counts too.
std::vector<std::string> SplitLines(const std::string& text);

// The view as markup: line numbers, "-" and "+" beside what was removed and added, the differing middle of a pair of
// lines marked, long unchanged stretches folded. `left_name` and `right_name` head the columns.
std::string SideBySide(const std::string& left_name, const std::string& left, const std::string& right_name,
                       const std::string& right);

}  // namespace workbench::html

#endif  // GRADER_HTML_DIFF_H_
