// The pages of the site, rendered: content in both languages, links resolved, nothing of the layout yet.
#ifndef DOCS_SITE_SITE_H_
#define DOCS_SITE_SITE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "docs/render/markdown.h"
#include "docs/site/manifest.h"

namespace workbench {

enum class Language { kEnglish, kChinese };

struct SitePage {
  PageSource source;
  MarkdownFragment english;
  std::optional<MarkdownFragment> chinese;
  std::vector<std::string> figure_scripts;  // in the site; of the interactive figures shown

  const std::string& Title(Language language) const {
    return language == Language::kChinese && chinese ? chinese->title : english.title;
  }
};

struct Site {
  Manifest manifest;
  std::vector<SitePage> pages;
  std::vector<std::string> troubles;  // links and images that lead nowhere: "docs/a.md: ..."

  bool HasAsset(const std::string& path) const { return manifest.assets.count(path) > 0; }
};

// The content of a file; nothing when it cannot be read.
using ReadFile = std::function<std::optional<std::string>(const std::string& file)>;

// Renders all pages. Nothing when a page cannot be read; `error` says which. Ids of Chinese headings begin with "zh-".
std::optional<Site> RenderSite(const Manifest& manifest, const ReadFile& read, std::string* error);

}  // namespace workbench

#endif  // DOCS_SITE_SITE_H_
