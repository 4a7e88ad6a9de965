#include "grader/html/diff.h"

#include <algorithm>
#include <cstdint>

#include "grader/html/text.h"

namespace workbench::html {
namespace {

constexpr size_t kMostCells = 16u << 20;  // of the table of subsequence lengths: 64 MiB
constexpr size_t kContext = 4;            // unchanged lines shown around a change
constexpr size_t kFoldFrom = 6;           // fewer unchanged lines are not worth folding

using Lines = std::vector<std::string>;

// Appends rows for the lines [l, l_end) and [r, r_end), which have no common line that counts.
void AppendReplaced(size_t l, size_t l_end, size_t r, size_t r_end, std::vector<DiffRow>* rows) {
  for (; l < l_end || r < r_end;) {
    DiffRow row;
    if (l < l_end) row.left = static_cast<int>(l++);
    if (r < r_end) row.right = static_cast<int>(r++);
    rows->push_back(row);
  }
}

void AppendMiddle(const Lines& left, size_t l, size_t l_end, const Lines& right, size_t r, size_t r_end,
                  std::vector<DiffRow>* rows) {
  const size_t n = l_end - l, m = r_end - r;
  if ((n + 1) * (m + 1) > kMostCells) return AppendReplaced(l, l_end, r, r_end, rows);
  // common[i][j]: the longest common subsequence of left[l + i ..] and right[r + j ..]
  std::vector<uint32_t> common((n + 1) * (m + 1), 0);
  const auto at = [&](size_t i, size_t j) -> uint32_t& { return common[i * (m + 1) + j]; };
  for (size_t i = n; i-- > 0;) {
    for (size_t j = m; j-- > 0;) {
      at(i, j) = left[l + i] == right[r + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
    }
  }
  size_t i = 0, j = 0, from_i = 0, from_j = 0;
  while (i < n && j < m) {
    if (left[l + i] == right[r + j]) {
      AppendReplaced(l + from_i, l + i, r + from_j, r + j, rows);
      rows->push_back({static_cast<int>(l + i), static_cast<int>(r + j), true});
      from_i = ++i;
      from_j = ++j;
    } else if (at(i + 1, j) >= at(i, j + 1)) {
      ++i;
    } else {
      ++j;
    }
  }
  AppendReplaced(l + from_i, l + n, r + from_j, r + m, rows);
}

// Not within a UTF-8 sequence.
bool IsBoundary(const std::string& text, size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
}

// `line` with what differs from `other` between a common begin and a common end marked; all of it if nothing is common.
std::string MarkDifference(const std::string& line, const std::string& other, const char* element) {
  const size_t shorter = std::min(line.size(), other.size());
  size_t begin = 0, end = 0;
  while (begin < shorter && line[begin] == other[begin]) ++begin;
  while (!IsBoundary(line, begin) || !IsBoundary(other, begin)) --begin;
  while (end < shorter - begin && line[line.size() - 1 - end] == other[other.size() - 1 - end]) ++end;
  while (!IsBoundary(line, line.size() - end)) --end;
  const std::string middle = line.substr(begin, line.size() - begin - end);
  if (middle.empty() || middle.size() == line.size()) return Escape(line);
  return Escape(line.substr(0, begin)) + "<" + element + ">" + Escape(middle) + "</" + element + ">" +
         Escape(line.substr(line.size() - end));
}

std::string Cells(int index, const char* sign, const char* style, const std::string& markup) {
  if (index < 0) return "<td class=\"no none\"></td><td class=\"none\"></td><td class=\"none\"></td>";
  return "<td class=\"no\">" + std::to_string(index + 1) + "</td><td class=\"sign " + style + "\">" + sign +
         "</td><td class=\"code " + style + "\">" + markup + "</td>";
}

std::string RowMarkup(const DiffRow& row, const Lines& left, const Lines& right) {
  const auto line = [](const Lines& lines, int index) { return lines[static_cast<size_t>(index)]; };
  if (row.same) {
    const std::string markup = Escape(line(left, row.left));
    return "<tr class=\"same\">" + Cells(row.left, "", "", markup) + Cells(row.right, "", "", markup) + "</tr>\n";
  }
  std::string removed, added;
  if (row.left >= 0 && row.right >= 0) {
    removed = MarkDifference(line(left, row.left), line(right, row.right), "del");
    added = MarkDifference(line(right, row.right), line(left, row.left), "ins");
  } else if (row.left >= 0) {
    removed = Escape(line(left, row.left));
  } else {
    added = Escape(line(right, row.right));
  }
  return "<tr class=\"changed\">" + Cells(row.left, "-", "removed", removed) + Cells(row.right, "+", "added", added) +
         "</tr>\n";
}

std::string Table(const std::string& head, const std::string& rows) {
  return "<table class=\"diff\"><colgroup><col class=\"no\"><col class=\"sign\"><col><col class=\"no\"><col "
         "class=\"sign\">"
         "<col></colgroup>" +
         head + "<tbody>\n" + rows + "</tbody></table>\n";
}

}  // namespace

std::vector<std::string> SplitLines(const std::string& text) {
  Lines lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::vector<DiffRow> DiffLines(const Lines& left, const Lines& right) {
  const size_t shorter = std::min(left.size(), right.size());
  size_t begin = 0, end = 0;
  while (begin < shorter && left[begin] == right[begin]) ++begin;
  while (end < shorter - begin && left[left.size() - 1 - end] == right[right.size() - 1 - end]) ++end;
  std::vector<DiffRow> rows;
  for (size_t i = 0; i < begin; ++i) rows.push_back({static_cast<int>(i), static_cast<int>(i), true});
  AppendMiddle(left, begin, left.size() - end, right, begin, right.size() - end, &rows);
  for (size_t i = end; i > 0; --i) {
    rows.push_back({static_cast<int>(left.size() - i), static_cast<int>(right.size() - i), true});
  }
  return rows;
}

std::string SideBySide(const std::string& left_name, const std::string& left, const std::string& right_name,
                       const std::string& right) {
  const Lines left_lines = SplitLines(left), right_lines = SplitLines(right);
  const std::vector<DiffRow> rows = DiffLines(left_lines, right_lines);
  std::string out = Table("<thead><tr><th colspan=\"3\" scope=\"col\">" + Escape(left_name) +
                              "</th><th colspan=\"3\" scope=\"col\">" + Escape(right_name) + "</th></tr></thead>",
                          "");
  const auto shown = [&](size_t from, size_t to) {
    std::string markup;
    for (size_t i = from; i < to; ++i) markup += RowMarkup(rows[i], left_lines, right_lines);
    return markup.empty() ? "" : Table("", markup);
  };
  size_t from = 0;  // of the rows that have not been written
  for (size_t i = 0; i < rows.size();) {
    size_t end = i;
    while (end < rows.size() && rows[end].same == rows[i].same) ++end;
    const size_t fold_from = i == 0 ? 0 : i + kContext;
    const size_t fold_to = end == rows.size() ? end : end - std::min(end, kContext);
    if (rows[i].same && fold_to >= fold_from + kFoldFrom) {
      out += shown(from, fold_from) + "<details class=\"fold\"><summary>" + std::to_string(fold_to - fold_from) +
             " lines are the same</summary>" + shown(fold_from, fold_to) + "</details>\n";
      from = fold_to;
    }
    i = end;
  }
  return "<div class=\"diffs\">" + out + shown(from, rows.size()) + "</div>\n";
}

}  // namespace workbench::html
