#include "docs/site/site.h"

#include <algorithm>
#include <cctype>

#include "docs/render/math.h"

namespace workbench {
namespace {

constexpr char kChinesePrefix[] = "zh-";

// "#C%2B%2B" is the same place as "#C++".
std::string Unescaped(const std::string& url) {
  std::string out;
  for (size_t at = 0; at < url.size(); ++at) {
    const bool escape = url[at] == '%' && at + 2 < url.size() &&
                        std::isxdigit(static_cast<unsigned char>(url[at + 1])) &&
                        std::isxdigit(static_cast<unsigned char>(url[at + 2]));
    out += escape ? static_cast<char>(std::stoi(url.substr(at + 1, 2), nullptr, 16)) : url[at];
    if (escape) at += 2;
  }
  return out;
}

class LinkResolver {
 public:
  LinkResolver(const Manifest& manifest, const PageSource& page, Language language, Site* site)
      : manifest_(manifest), page_(page), language_(language), site_(site) {}

  std::string Link(const std::string& written) const {
    const std::string url = Unescaped(written);
    if (!url.empty() && url[0] == '#') return "#" + (Chinese() ? kChinesePrefix + url.substr(1) : url.substr(1));
    if (url.empty() || IsElsewhere(url)) return written;
    const size_t hash = std::min(url.find('#'), url.size());
    const std::string target = ResolvePath(Source(), url.substr(0, hash)).value_or("../");
    std::string fragment = url.substr(hash);
    for (const PageSource& page : manifest_.pages) {
      const bool twin = target == page.chinese_path && !target.empty();
      const bool readme = page.path == (target.empty() ? "README.md" : target + "/README.md");
      if (target != page.path && !twin && !readme) continue;
      if (twin && !fragment.empty()) fragment = std::string("#") + kChinesePrefix + fragment.substr(1);
      // Only where the link is about the language does it change it: to the twin, and from a page to itself in English.
      const bool to_english = Chinese() && target == page_.path;
      const char* query = twin && !Chinese() ? "?lang=zh" : to_english ? "?lang=en" : "";
      return RelativePath(page_.output, page.output) + query + fragment;
    }
    if (manifest_.files.count(target) > 0) return RelativePath(page_.output, target);
    site_->troubles.push_back(Source() + " links to " + written +
                              ", which is not part of the site: add it to the site's pages, or mend the link");
    return written;
  }

  std::optional<ImageSource> Image(const std::string& url, SitePage* page) const {
    if (IsElsewhere(url)) return std::nullopt;
    const std::string target = ResolvePath(Source(), Unescaped(url)).value_or("../");
    if (manifest_.files.count(target) == 0) {
      site_->troubles.push_back(Source() + " shows " + url + ", which is not part of the site");
      return std::nullopt;
    }
    ImageSource source{RelativePath(page_.output, target), ""};
    const size_t dot = target.rfind('.');
    const std::string script = target.substr(0, dot) + ".js";
    if (manifest_.files.count(script) > 0) {
      const size_t slash = target.rfind('/') + 1;
      source.interactive = target.substr(slash, dot - slash);
      auto& scripts = page->figure_scripts;
      if (std::find(scripts.begin(), scripts.end(), script) == scripts.end()) scripts.push_back(script);
    }
    return source;
  }

 private:
  bool Chinese() const { return language_ == Language::kChinese; }
  const std::string& Source() const { return Chinese() ? page_.chinese_path : page_.path; }

  const Manifest& manifest_;
  const PageSource& page_;
  const Language language_;
  Site* site_;
};

// A header or a data file: its name and its text.
MarkdownFragment TextFragment(const std::string& path, const std::string& text) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const bool cpp = path.ends_with(".h") || path.ends_with(".cc") || path.ends_with(".cu");
  const std::string language = cpp ? "cpp" : path.ends_with(".json") ? "json" : "plain";
  MarkdownFragment fragment;
  fragment.title = name;
  fragment.sections.push_back({1, HeadingId(name), name, text});
  fragment.html = "<h1 id=\"" + HeadingId(name) + "\">" + EscapeHtml(name) + "</h1>\n<p class=\"path\"><code>" +
                  EscapeHtml(path) + "</code></p>\n<pre><code class=\"language-" + language + "\">" + EscapeHtml(text) +
                  "</code></pre>\n";
  return fragment;
}

}  // namespace

std::optional<Site> RenderSite(const Manifest& manifest, const ReadFile& read, std::string* error) {
  Site site;
  site.manifest = manifest;
  for (const PageSource& source : manifest.pages) {
    SitePage page;
    page.source = source;
    for (const Language language : {Language::kEnglish, Language::kChinese}) {
      const bool chinese = language == Language::kChinese;
      if (chinese && source.chinese_path.empty()) continue;
      const std::string& file = chinese ? source.chinese_file : source.file;
      const std::optional<std::string> text = read(file);
      if (!text) {
        *error = "cannot read " + file;
        return std::nullopt;
      }
      const LinkResolver resolver(manifest, source, language, &site);
      MarkdownOptions options;
      options.heading_links = true;
      options.heading_link_text = chinese ? "链接到:" : "Link to: ";
      options.tex = true;
      options.figures = true;
      options.id_prefix = chinese ? kChinesePrefix : "";
      options.link = [&](const std::string& url) { return resolver.Link(url); };
      options.image = [&](const std::string& url) { return resolver.Image(url, &page); };
      MarkdownFragment fragment =
          source.kind == PageKind::kText ? TextFragment(source.path, *text) : RenderMarkdown(*text, options);
      if (fragment.title.empty()) fragment.title = source.path.substr(source.path.rfind('/') + 1);
      if (chinese) {
        page.chinese = fragment;
      } else {
        page.english = fragment;
      }
    }
    site.pages.push_back(std::move(page));
  }
  return site;
}

}  // namespace workbench
