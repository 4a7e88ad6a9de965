#include "docs/site/layout.h"

#include <algorithm>
#include <vector>

#include "docs/render/math.h"
#include "docs/site/words.h"

namespace workbench {
namespace {

// Before anything is drawn: the theme and the language that were chosen.
constexpr char kHeadScript[] = R"(<script>
(function (html) {
  var store = {}, asked = /[?&]lang=(en|zh)\b/.exec(location.search);
  try {
    store = localStorage;
    if (asked) store.setItem("workbench.language", asked[1]);
  } catch (error) { /* no storage: the choice lasts for this page */ }
  var language = asked ? asked[1] : store["workbench.language"];
  if (language !== "en" && language !== "zh") language = /^zh/i.test(navigator.language) ? "zh" : "en";
  html.classList.add("js");
  html.dataset.language = language;
  html.lang = language === "zh" ? "zh-Hans" : "en";
  var theme = store["workbench.theme"];
  if (theme === "light" || theme === "dark") html.dataset.theme = theme;
})(document.documentElement);
</script>
<noscript><style>article.zh { display: block; } .needs-js { display: none !important; }</style></noscript>
)";

constexpr char kMenuIcon[] =
    "<svg viewBox=\"0 0 20 20\" aria-hidden=\"true\"><path d=\"M3 5.5h14M3 10h14M3 14.5h14\"/></svg>";
constexpr char kSearchIcon[] =
    "<svg viewBox=\"0 0 20 20\" aria-hidden=\"true\"><circle cx=\"8.5\" cy=\"8.5\" r=\"5\"/><path d=\"m12.5 12.5 4.5 "
    "4.5\"/></svg>";
// A half-filled circle, a sun and a moon, of which the style shows one.
constexpr char kThemeIcons[] =
    "<svg class=\"auto\" viewBox=\"0 0 20 20\" aria-hidden=\"true\"><circle cx=\"10\" cy=\"10\" r=\"6.5\"/><path "
    "class=\"solid\" d=\"M10 3.5a6.5 6.5 0 0 1 0 13z\"/></svg>"
    "<svg class=\"light\" viewBox=\"0 0 20 20\" aria-hidden=\"true\"><circle cx=\"10\" cy=\"10\" r=\"3.5\"/><path "
    "d=\"M10 2v2m0 12v2M2 10h2m12 0h2M4.3 4.3l1.5 1.5m8.4 8.4 1.5 1.5m0-11.4-1.5 1.5m-8.4 8.4-1.5 1.5\"/></svg>"
    "<svg class=\"dark\" viewBox=\"0 0 20 20\" aria-hidden=\"true\"><path d=\"M16 11.8A6.5 6.5 0 0 1 8.2 4a6.5 6.5 0 1 "
    "0 "
    "7.8 7.8z\"/></svg>";

bool IsInNavigation(const SitePage& page) { return page.source.kind != PageKind::kText; }

std::string TitleInBoth(const SitePage& page) {
  return InBoth(EscapeHtml(page.Title(Language::kEnglish)), EscapeHtml(page.Title(Language::kChinese)));
}

// What a question's page is called beside its spec.
std::string NameInQuestion(const SitePage& page) {
  if (page.source.path.ends_with("/spec.md")) return InBoth(kProblem);
  if (page.source.path.ends_with("/hints.md")) return InBoth(kHints);
  if (page.source.path.ends_with("/notes.md")) return InBoth(kNotes);
  return TitleInBoth(page);
}

class Layout {
 public:
  Layout(const Site& site, const SitePage& page) : site_(site), page_(page) {}

  std::string Html() const {
    const std::string main = "<main id=\"content\" tabindex=\"-1\">\n" + Tabs() + Articles() + Turn() + "</main>\n";
    return "<!DOCTYPE html>\n<html lang=\"en\" data-root=\"" + To("") + "\">\n" + Head() + "<body>\n" + Top() +
           "<div class=\"frame" +
           (IsHome()                ? " home"
            : IsInNavigation(page_) ? ""
                                    : " text") +
           "\">\n" + Navigation() + main + Contents() + "</div>\n" + SearchDialog() + "</body>\n</html>\n";
  }

 private:
  bool IsHome() const { return page_.source.kind == PageKind::kHome; }
  bool Has(std::string_view mark) const {
    return page_.english.html.find(mark) != std::string::npos ||
           (page_.chinese && page_.chinese->html.find(mark) != std::string::npos);
  }

  std::string To(const std::string& path) const { return RelativePath(page_.source.output, path); }
  std::string Script(const std::string& path) const { return "<script defer src=\"" + To(path) + "\"></script>\n"; }
  std::string StyleSheet(const std::string& path) const {
    return "<link rel=\"stylesheet\" href=\"" + To(path) + "\">\n";
  }

  // A link to a page, marked where it is this one.
  std::string LinkTo(const SitePage& page, const std::string& text) const {
    const char* here = &page == &page_ ? " aria-current=\"page\"" : "";
    return "<a href=\"" + To(page.source.output) + "\"" + here + ">" + text + "</a>";
  }

  std::string Head() const {
    const std::string english = EscapeHtml(page_.Title(Language::kEnglish));
    const std::string chinese = EscapeHtml(page_.Title(Language::kChinese));
    std::string html =
        "<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n";
    html += "<title data-en=\"" + english + "\" data-zh=\"" + chinese + "\">" + english + "</title>\n";
    html += kHeadScript;
    const bool katex = Has("data-tex=") && site_.HasAsset("katex/katex.min.js");
    const bool highlight = Has("<code class=\"language-") && site_.HasAsset("highlight/highlight.min.js");
    if (katex) html += StyleSheet("assets/katex/katex.min.css");
    html += StyleSheet("assets/site.css") + StyleSheet("assets/content.css");
    if (katex) html += Script("assets/katex/katex.min.js");
    if (highlight) html += Script("assets/highlight/highlight.min.js");
    html += Script("assets/site.js") + Script("assets/search.js");
    for (const std::string& script : page_.figure_scripts) html += Script(script);
    return html + "</head>\n";
  }

  std::string Top() const {
    return "<a class=\"skip\" href=\"#content\">" + InBoth(kSkip) +
           "</a>\n<header class=\"top\">\n"
           "<button type=\"button\" id=\"menu-button\" class=\"icon needs-js\" aria-controls=\"site-nav\" "
           "aria-expanded=\"false\" aria-label=\"Menu\" data-label-zh=\"菜单\">" +
           kMenuIcon + "</button>\n<a class=\"brand\" href=\"" + To("index.html") + "\">" + InBoth(kSiteTitle) +
           "</a>\n<button type=\"button\" id=\"search-button\" class=\"needs-js\" " + LabelInBoth(kSearch) + ">" +
           kSearchIcon + InBoth(kSearch) +
           "<kbd>/</kbd></button>\n"
           "<button type=\"button\" id=\"language-button\" class=\"needs-js\">"
           "<span class=\"en\" lang=\"zh-Hans\">中文</span><span class=\"zh\" lang=\"en\">English</span></button>\n"
           "<button type=\"button\" id=\"theme-button\" class=\"icon needs-js\" aria-label=\"Theme: automatic\">" +
           kThemeIcons + "</button>\n</header>\n";
  }

  std::string Navigation() const {
    std::string html = "<nav id=\"site-nav\" aria-label=\"Pages\" data-label-zh=\"页面\">\n<ul>\n<li>" +
                       LinkTo(site_.pages[0], InBoth(kHome)) + "</li>\n</ul>\n" + NavigationOfQuestions();
    for (const auto& [kind, words] : {std::pair(PageKind::kChapter, kChapters), std::pair(PageKind::kMore, kMore)}) {
      std::string items;
      for (const SitePage& page : site_.pages) {
        if (page.source.kind == kind) items += "<li>" + LinkTo(page, TitleInBoth(page)) + "</li>\n";
      }
      if (!items.empty()) html += "<p class=\"group\">" + InBoth(words) + "</p>\n<ul>\n" + items + "</ul>\n";
    }
    return html + "</nav>\n";
  }

  std::string NavigationOfQuestions() const {
    std::string html, question;
    for (const SitePage& page : site_.pages) {
      if (page.source.kind != PageKind::kQuestion) continue;
      if (page.source.question != question) {
        html += question.empty() ? "<p class=\"group\">" + InBoth(kQuestions) + "</p>\n<ul>\n" : "</ul></li>\n";
        question = page.source.question;
        html += "<li><span class=\"question\">" + TitleInBoth(page) + "</span>\n<ul>\n";
      }
      html += "<li>" + LinkTo(page, NameInQuestion(page)) + "</li>\n";
    }
    return question.empty() ? "" : html + "</ul></li>\n</ul>\n";
  }

  // A question's pages side by side.
  std::string Tabs() const {
    if (page_.source.question.empty()) return "";
    std::string html = "<nav class=\"tabs\" aria-label=\"This question\" data-label-zh=\"本题\">\n";
    for (const SitePage& page : site_.pages) {
      if (page.source.question == page_.source.question) html += LinkTo(page, NameInQuestion(page)) + "\n";
    }
    return html + "</nav>\n";
  }

  std::string Articles() const {
    if (!page_.chinese) {
      std::string note;
      if (IsInNavigation(page_)) note = "<p class=\"zh note\" lang=\"zh-Hans\">本页还没有中文版。</p>\n";
      return note + "<article lang=\"en\">\n" + Content(page_.english, Language::kEnglish) + "</article>\n";
    }
    return "<article class=\"en\" lang=\"en\">\n" + Content(page_.english, Language::kEnglish) +
           "</article>\n<article class=\"zh\" lang=\"zh-Hans\">\n" + Content(*page_.chinese, Language::kChinese) +
           "</article>\n";
  }

  std::string Content(const MarkdownFragment& fragment, Language language) const {
    if (!IsHome()) return fragment.html;
    const std::string end = "</p>\n";
    const size_t at = fragment.html.find(end);
    if (at == std::string::npos) return fragment.html + Cards(language);
    return fragment.html.substr(0, at + end.size()) + Cards(language) + fragment.html.substr(at + end.size());
  }

  // The questions, and the chapters, on the home page.
  std::string Cards(Language language) const {
    const bool chinese = language == Language::kChinese;
    const auto word = [&](const Words& words) { return std::string(chinese ? words.chinese : words.english); };
    std::string html, question;
    for (const SitePage& page : site_.pages) {
      if (page.source.kind != PageKind::kQuestion) continue;
      const bool first = page.source.question != question;
      if (first) {
        if (!question.empty()) html += "</p></section>\n";
        question = page.source.question;
        const MarkdownFragment& text = chinese && page.chinese ? *page.chinese : page.english;
        html += "<section class=\"card\"><h2>" + EscapeHtml(text.title) + "</h2>\n<p>" +
                EscapeHtml(text.first_paragraph) + "</p>\n<p class=\"ways\">";
      }
      const std::string& path = page.source.path;
      const std::string name = path.ends_with("/spec.md")    ? word(kReadProblem)
                               : path.ends_with("/hints.md") ? word(kHints)
                               : path.ends_with("/notes.md") ? word(kNotes)
                                                             : EscapeHtml(page.Title(language));
      html += "<a" + std::string(first ? " class=\"primary\"" : "") + " href=\"" + To(page.source.output) + "\">" +
              name + "</a> ";
    }
    if (!question.empty()) html += "</p></section>\n";
    return "<div class=\"cards\">\n" + html + "</div>\n";
  }

  std::string Turn() const {
    std::vector<const SitePage*> order;
    for (const SitePage& page : site_.pages) {
      if (IsInNavigation(page)) order.push_back(&page);
    }
    const auto here = std::find(order.begin(), order.end(), &page_);
    if (here == order.end()) return "";
    std::string html = "<nav class=\"turn\" aria-label=\"Previous and next page\" data-label-zh=\"上一页与下一页\">\n";
    if (here != order.begin()) html += TurnLink("prev", kPrevious, **(here - 1));
    if (here + 1 != order.end()) html += TurnLink("next", kNext, **(here + 1));
    return html + "</nav>\n";
  }

  std::string TurnLink(const std::string& relation, const Words& words, const SitePage& page) const {
    std::string title = TitleInBoth(page);
    if (!page.source.path.ends_with("/spec.md") && !page.source.question.empty()) {
      title = SpecTitle(page.source.question) + " · " + NameInQuestion(page);
    }
    return "<a rel=\"" + relation + "\" href=\"" + To(page.source.output) + "\"><small>" + InBoth(words) + "</small>" +
           title + "</a>\n";
  }

  std::string SpecTitle(const std::string& question) const {
    for (const SitePage& page : site_.pages) {
      if (page.source.question == question) return TitleInBoth(page);  // the first one is the spec
    }
    return "";
  }

  std::string Contents() const {
    std::string html = ContentsOf(page_.english, page_.chinese ? "en" : "", Language::kEnglish);
    if (page_.chinese) html += ContentsOf(*page_.chinese, "zh", Language::kChinese);
    return html.empty() ? "" : "<aside class=\"contents\" " + LabelInBoth(kContents) + ">\n" + html + "</aside>\n";
  }

  static std::string ContentsOf(const MarkdownFragment& fragment, const std::string& style, Language language) {
    std::string items;
    int headings = 0;
    for (const MarkdownSection& section : fragment.sections) {
      if (section.level == 0 || section.level > 3 || headings++ == 0) continue;  // the first one is the page's title
      items += "<li class=\"level-" + std::to_string(section.level) + "\"><a href=\"#" + EscapeHtml(section.id) +
               "\">" + EscapeHtml(section.title) + "</a></li>\n";
    }
    if (headings < 3) return "";
    const std::string words = language == Language::kChinese ? kContents.chinese : kContents.english;
    const std::string lang = language == Language::kChinese ? "zh-Hans" : "en";
    return "<details open class=\"" + style + "\" lang=\"" + lang + "\"><summary>" + words + "</summary>\n<ul>\n" +
           items + "</ul></details>\n";
  }

  static std::string SearchDialog() {
    return "<dialog id=\"search\" " + LabelInBoth(kSearch) +
           ">\n<div class=\"field\"><input type=\"search\" autocomplete=\"off\" spellcheck=\"false\" "
           "aria-controls=\"search-results\" " +
           LabelInBoth(kSearch) +
           ">"
           "<button type=\"button\" class=\"close\">" +
           InBoth(kClose) +
           "</button></div>\n"
           "<p class=\"state\" role=\"status\"></p>\n<ul id=\"search-results\"></ul>\n</dialog>\n";
  }

  const Site& site_;
  const SitePage& page_;
};

}  // namespace

std::string LayOutPage(const Site& site, const SitePage& page) { return Layout(site, page).Html(); }

}  // namespace workbench
