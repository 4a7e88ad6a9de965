// What a site is made of: the list that Bazel writes, sorted into pages and files.
#ifndef DOCS_SITE_MANIFEST_H_
#define DOCS_SITE_MANIFEST_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace workbench {

enum class PageKind { kHome, kQuestion, kChapter, kMore, kText };

// One page of the site: a Markdown file and its Chinese twin (X.md, X.zh.md), or a text such as a header.
struct PageSource {
  PageKind kind;
  std::string path;          // in the checkout, such as "docs/metrics.md": links are relative to it
  std::string file;          // where to read it
  std::string chinese_path;  // empty: there is none
  std::string chinese_file;
  std::string output;    // in the site, such as "docs/metrics.html"
  std::string question;  // of kQuestion: "q02_allreduce"
};

struct Manifest {
  std::vector<PageSource> pages;              // in reading order: home, questions, chapters, more, texts
  std::map<std::string, std::string> files;   // path in the site -> where to read it: figures, figures' scripts
  std::map<std::string, std::string> assets;  // the same below assets/: styles, scripts, KaTeX
};

// Lines "KIND<tab>PATH<tab>FILE", KIND one of home, question, chapter, more, text, file, asset. What a line of a page's
// kind names that is no Markdown is a figure or its script (.svg, .png, .js), or a text. A question's pages lie in
// questions/NAME and solutions/NAME. An error, such as two homes or a twin without its English page, is told in
// `error`.
std::optional<Manifest> ParseManifest(std::string_view text, std::string* error);

// "docs/a.md" and "../README.md" -> "README.md"; the root is "". Nothing where it leads out of the tree.
std::optional<std::string> ResolvePath(std::string_view from, std::string_view relative);

// The way from the page `from` to `to`, both paths in the site.
std::string RelativePath(std::string_view from, std::string_view to);

}  // namespace workbench

#endif  // DOCS_SITE_MANIFEST_H_
