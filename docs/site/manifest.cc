#include "docs/site/manifest.h"

#include <algorithm>

namespace workbench {
namespace {

constexpr std::string_view kChinese = ".zh.md";

struct Line {
  PageKind kind;
  std::string path;
  std::string file;
};

std::optional<PageKind> KindOf(std::string_view word) {
  if (word == "home") return PageKind::kHome;
  if (word == "question") return PageKind::kQuestion;
  if (word == "chapter") return PageKind::kChapter;
  if (word == "more") return PageKind::kMore;
  if (word == "text") return PageKind::kText;
  return std::nullopt;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t at = 0;
  for (size_t end; (end = text.find(separator, at)) != std::string_view::npos; at = end + 1)
    parts.emplace_back(text.substr(at, end - at));
  parts.emplace_back(text.substr(at));
  return parts;
}

std::string Folder(std::string_view path) { return std::string(path.substr(0, path.rfind('/') + 1)); }

std::string QuestionOf(const std::string& path) {
  const std::vector<std::string> parts = Split(path, '/');
  return parts.size() >= 3 ? parts[1] : "";
}

// Spec, hints and notes come in this order.
int RankInQuestion(const std::string& path) {
  if (path.ends_with("/spec.md")) return 0;
  if (path.ends_with("/hints.md")) return 1;
  return path.ends_with("/notes.md") ? 2 : 3;
}

std::string OutputOf(const Line& line) {
  if (line.kind == PageKind::kHome) return "index.html";
  if (line.kind == PageKind::kText) return line.path + ".html";
  return line.path.substr(0, line.path.size() - 3) + ".html";
}

}  // namespace

std::optional<Manifest> ParseManifest(std::string_view text, std::string* error) {
  Manifest manifest;
  std::vector<Line> lines;
  std::map<std::string, std::string> chinese;
  for (const std::string& row : Split(text, '\n')) {
    if (row.empty()) continue;
    const std::vector<std::string> columns = Split(row, '\t');
    if (columns.size() != 3) {
      *error = "not three columns: " + row;
      return std::nullopt;
    }
    const std::string& path = columns[1];
    const std::string& file = columns[2];
    const std::optional<PageKind> kind = KindOf(columns[0]);
    if (columns[0] == "asset") {
      manifest.assets[path] = file;
    } else if (columns[0] == "file" || path.ends_with(".svg") || path.ends_with(".png") || path.ends_with(".js")) {
      manifest.files[path] = file;
    } else if (!kind) {
      *error = "unknown kind: " + row;
      return std::nullopt;
    } else if (path.ends_with(kChinese)) {
      chinese[path] = file;
    } else {
      lines.push_back({path.ends_with(".md") ? *kind : PageKind::kText, path, file});
    }
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    if (a.kind != PageKind::kQuestion) return false;
    const std::string question_a = QuestionOf(a.path), question_b = QuestionOf(b.path);
    if (question_a != question_b) return question_a < question_b;
    return RankInQuestion(a.path) < RankInQuestion(b.path);
  });
  for (const Line& line : lines) {
    PageSource page{line.kind, line.path, line.file, "", "", OutputOf(line), ""};
    if (line.kind == PageKind::kQuestion) page.question = QuestionOf(line.path);
    const std::string twin = line.path.ends_with(".md") ? line.path.substr(0, line.path.size() - 3) + ".zh.md" : "";
    if (const auto found = chinese.find(twin); found != chinese.end()) {
      page.chinese_path = found->first;
      page.chinese_file = found->second;
      chinese.erase(found);
    }
    const bool twice = std::any_of(manifest.pages.begin(), manifest.pages.end(),
                                   [&](const PageSource& other) { return other.output == page.output; });
    if (twice) {
      *error = "two pages would be " + page.output + "; one of them is " + page.path;
      return std::nullopt;
    }
    manifest.pages.push_back(page);
  }
  if (!chinese.empty()) {
    *error = chinese.begin()->first + " has no English page beside it";
    return std::nullopt;
  }
  if (manifest.pages.empty() || manifest.pages[0].kind != PageKind::kHome) {
    *error = "no page is the home page";
    return std::nullopt;
  }
  return manifest;
}

std::optional<std::string> ResolvePath(std::string_view from, std::string_view relative) {
  std::vector<std::string> parts;
  for (const std::string& part : Split(Folder(from) + std::string(relative), '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return std::nullopt;
    } else {
      parts.pop_back();
    }
  }
  std::string path;
  for (const std::string& part : parts) path += (path.empty() ? "" : "/") + part;
  return path;
}

std::string RelativePath(std::string_view from, std::string_view to) {
  std::string up;
  std::string folder = Folder(from);
  while (!to.starts_with(folder)) {
    folder.pop_back();
    folder = Folder(folder);
    up += "../";
  }
  return up + std::string(to.substr(folder.size()));
}

}  // namespace workbench
