#include "docs/site/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "docs/site/layout.h"
#include "docs/site/manifest.h"
#include "docs/site/search_index.h"

namespace workbench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kManifest[] =
    "home\tREADME.md\tREADME.md\n"
    "home\tREADME.zh.md\tREADME.zh.md\n"
    "question\tsolutions/q02_sum/notes.md\tnotes\n"
    "question\tquestions/q02_sum/hints.md\thints\n"
    "question\tquestions/q02_sum/spec.md\tspec\n"
    "question\tquestions/q02_sum/spec.zh.md\tspec.zh\n"
    "question\tquestions/q02_sum/api.h\tapi\n"
    "question\tquestions/q02_sum/figures/ring.svg\tring.svg\n"
    "question\tquestions/q02_sum/figures/ring.js\tring.js\n"
    "chapter\tdocs/metrics.md\tmetrics\n"
    "more\tdocs/results/README.md\tresults\n"
    "text\tLICENSE\tlicence\n"
    "asset\tsite.css\tsite.css\n";

class SiteTest : public testing::Test {
 protected:
  SiteTest() {
    for (const char* file :
         {"README.md", "README.zh.md", "notes", "hints", "spec", "spec.zh", "api", "metrics", "results", "licence"}) {
      files_[file] = std::string("# Title of ") + file + "\n\nFirst of " + file + ".\n\n## One\n\n## Two\n";
    }
  }

  Site Render(const std::string& manifest = kManifest) {
    std::string error;
    const std::optional<Manifest> parsed = ParseManifest(manifest, &error);
    EXPECT_TRUE(parsed) << error;
    const std::optional<Site> site = RenderSite(
        *parsed,
        [&](const std::string& file) {
          const auto found = files_.find(file);
          return found == files_.end() ? std::nullopt : std::optional<std::string>(found->second);
        },
        &error);
    EXPECT_TRUE(site) << error;
    return *site;
  }

  static const SitePage& PageOf(const Site& site, const std::string& path) {
    for (const SitePage& page : site.pages) {
      if (page.source.path == path) return page;
    }
    ADD_FAILURE() << "no page " << path;
    return site.pages[0];
  }

  // The HTML of a page's content, after its source has been set.
  std::string English(const std::string& path, const std::string& file, const std::string& markdown) {
    files_[file] = markdown;
    return PageOf(Render(), path).english.html;
  }

  std::map<std::string, std::string> files_;
};

std::string ErrorOf(const std::string& manifest) {
  std::string error;
  EXPECT_FALSE(ParseManifest(manifest, &error));
  return error;
}

TEST(Manifest, SortsPages) {
  std::string error;
  const std::optional<Manifest> manifest = ParseManifest(kManifest, &error);
  ASSERT_TRUE(manifest) << error;
  std::vector<std::string> outputs;
  for (const PageSource& page : manifest->pages) outputs.push_back(page.output);
  EXPECT_THAT(outputs, ElementsAre("index.html", "questions/q02_sum/spec.html", "questions/q02_sum/hints.html",
                                   "solutions/q02_sum/notes.html", "docs/metrics.html", "docs/results/README.html",
                                   "questions/q02_sum/api.h.html", "LICENSE.html"));
  EXPECT_EQ(manifest->pages[1].chinese_path, "questions/q02_sum/spec.zh.md");
  EXPECT_EQ(manifest->pages[3].question, "q02_sum");
  EXPECT_EQ(manifest->files.size(), 2u);
  EXPECT_EQ(manifest->assets.count("site.css"), 1u);
}

TEST(Manifest, TellsWhatIsWrong) {
  EXPECT_THAT(ErrorOf("home\tREADME.md\n"), HasSubstr("three columns"));
  EXPECT_THAT(ErrorOf("hme\tREADME.md\tx\n"), HasSubstr("unknown kind"));
  EXPECT_THAT(ErrorOf("chapter\ta.md\tx\n"), HasSubstr("home page"));
  EXPECT_THAT(ErrorOf("home\tREADME.md\tx\nhome\tother.md\ty\n"), HasSubstr("two pages"));
  EXPECT_THAT(ErrorOf("home\tREADME.md\tx\nchapter\ta.zh.md\ty\n"), HasSubstr("no English page"));
}

TEST(Paths, ResolveAndRelate) {
  EXPECT_EQ(ResolvePath("docs/a.md", "../README.md"), "README.md");
  EXPECT_EQ(ResolvePath("docs/a.md", "./b/../c.md"), "docs/c.md");
  EXPECT_EQ(ResolvePath("docs/a.md", ".."), "");
  EXPECT_EQ(ResolvePath("a.md", "../x"), std::nullopt);
  EXPECT_EQ(RelativePath("index.html", "docs/a.html"), "docs/a.html");
  EXPECT_EQ(RelativePath("docs/x/b.html", "docs/a.html"), "../a.html");
  EXPECT_EQ(RelativePath("docs/b.html", "assets/site.css"), "../assets/site.css");
  EXPECT_EQ(RelativePath("docs/b.html", ""), "../");
}

TEST_F(SiteTest, LinksLeadToPages) {
  const std::string html =
      English("questions/q02_sum/spec.md", "spec",
              "[a](hints.md#x) [b](api.h) [c](../../README.md) [d](../../docs/results/) [e](#one) "
              "[f](spec.zh.md) [g](spec.zh.md#二) [h](https://a.b/c.md) [i](../../docs/metrics.md)");
  for (const char* link :
       {"\"hints.html#x\"", "\"api.h.html\"", "\"../../index.html\"", "\"../../docs/results/README.html\"", "\"#one\"",
        "\"spec.html?lang=zh\"", "\"spec.html?lang=zh#zh-%E4%BA%8C\"", "\"https://a.b/c.md\"",
        "\"../../docs/metrics.html\""}) {
    EXPECT_THAT(html, HasSubstr(link));
  }
  EXPECT_THAT(Render().troubles, IsEmpty());
}

TEST_F(SiteTest, LinksOfChinesePages) {
  files_["spec.zh"] = "# 题\n\n[a](#题) [b](spec.md) [c](../../README.zh.md#x) [d](../../README.md)\n";
  const std::string html = PageOf(Render(), "questions/q02_sum/spec.md").chinese->html;
  EXPECT_THAT(html, HasSubstr("<h1 id=\"zh-题\">"));
  EXPECT_THAT(html, HasSubstr("\"#zh-%E9%A2%98\""));
  EXPECT_THAT(html, HasSubstr("\"spec.html?lang=en\""));
  EXPECT_THAT(html, HasSubstr("\"../../index.html#zh-x\""));
  EXPECT_THAT(html, HasSubstr("\"../../index.html\""));
}

TEST_F(SiteTest, TellsLinksAndImagesThatLeadNowhere) {
  files_["hints"] = "[a](nothing.md) ![b](figures/none.svg) [c](../../../outside)";
  EXPECT_THAT(Render().troubles, ElementsAre(HasSubstr("questions/q02_sum/hints.md links to nothing.md"),
                                             HasSubstr("figures/none.svg"), HasSubstr("../../../outside")));
}

TEST_F(SiteTest, FiguresWithAScriptAreInteractive) {
  files_["spec"] = "![b](figures/ring.svg)\n";
  const Site site = Render();
  const SitePage& page = PageOf(site, "questions/q02_sum/spec.md");
  EXPECT_THAT(page.english.html, HasSubstr("<figure class=\"interactive\" data-figure=\"ring\">"));
  EXPECT_THAT(page.english.html, HasSubstr("src=\"figures/ring.svg\""));
  EXPECT_THAT(LayOutPage(site, page), HasSubstr("<script defer src=\"figures/ring.js\"></script>"));
  EXPECT_THAT(LayOutPage(site, PageOf(site, "docs/metrics.md")), Not(HasSubstr("ring.js")));
}

TEST_F(SiteTest, APageHasBothLanguages) {
  const Site site = Render();
  const std::string html = LayOutPage(site, PageOf(site, "questions/q02_sum/spec.md"));
  EXPECT_THAT(html, HasSubstr("<article class=\"en\" lang=\"en\">\n<h1 id=\"title-of-spec\">Title of spec<a"));
  EXPECT_THAT(html, HasSubstr("<article class=\"zh\" lang=\"zh-Hans\">\n<h1 id=\"zh-title-of-speczh\">"));
  EXPECT_THAT(html, HasSubstr("data-zh=\"Title of spec.zh\""));
  EXPECT_THAT(LayOutPage(site, PageOf(site, "docs/metrics.md")), HasSubstr("本页还没有中文版"));
}

TEST_F(SiteTest, APageHasItsWays) {
  const Site site = Render();
  const std::string html = LayOutPage(site, PageOf(site, "questions/q02_sum/hints.md"));
  EXPECT_THAT(html, HasSubstr("<a rel=\"prev\" href=\"spec.html\">"));
  EXPECT_THAT(html, HasSubstr("<a rel=\"next\" href=\"../../solutions/q02_sum/notes.html\">"));
  EXPECT_THAT(html, HasSubstr("<a href=\"hints.html\" aria-current=\"page\">"));
  EXPECT_THAT(html, HasSubstr("<a class=\"skip\" href=\"#content\">"));
  EXPECT_THAT(html, HasSubstr("<li class=\"level-2\"><a href=\"#two\">Two</a></li>"));
  EXPECT_THAT(LayOutPage(site, site.pages[0]), Not(HasSubstr("rel=\"prev\"")));
  EXPECT_THAT(LayOutPage(site, site.pages[0]), HasSubstr("<h2>Title of spec</h2>\n<p>First of spec.</p>"));
  EXPECT_THAT(LayOutPage(site, PageOf(site, "docs/results/README.md")), Not(HasSubstr("rel=\"next\"")));
}

TEST_F(SiteTest, WorksWithoutKatexAndHighlighting) {
  files_["metrics"] = "$x$\n\n```cpp\nint a;\n```\n";
  Site site = Render();
  EXPECT_THAT(LayOutPage(site, PageOf(site, "docs/metrics.md")), HasSubstr("<mi>x</mi>"));
  EXPECT_THAT(LayOutPage(site, PageOf(site, "docs/metrics.md")), Not(HasSubstr("katex")));
  site = Render(std::string(kManifest) + "asset\tkatex/katex.min.js\tk\nasset\thighlight/highlight.min.js\th\n");
  EXPECT_THAT(LayOutPage(site, PageOf(site, "docs/metrics.md")), HasSubstr("../assets/katex/katex.min.css"));
  EXPECT_THAT(LayOutPage(site, PageOf(site, "docs/metrics.md")), HasSubstr("../assets/highlight/highlight.min.js"));
  EXPECT_THAT(LayOutPage(site, PageOf(site, "questions/q02_sum/hints.md")), Not(HasSubstr("katex")));
}

TEST_F(SiteTest, APageWithoutHeadingIsCalledByItsFile) {
  files_["metrics"] = "no heading\n";
  EXPECT_EQ(PageOf(Render(), "docs/metrics.md").english.title, "metrics.md");
}

TEST_F(SiteTest, TextsAreShownAsTheyAre) {
  files_["api"] = "#include <cstddef>\n";
  const Site site = Render();
  EXPECT_THAT(PageOf(site, "questions/q02_sum/api.h").english.html,
              HasSubstr("<pre><code class=\"language-cpp\">#include &lt;cstddef&gt;"));
}

TEST_F(SiteTest, SearchIndex) {
  files_["spec"] = "# A \"b\"\n\ntext </script> `c`\n";
  const std::string script = SearchIndexScript(Render());
  EXPECT_THAT(
      script,
      HasSubstr("{\"url\":\"questions/q02_sum/spec.html\",\"en\":\"A \\\"b\\\"\",\"zh\":\"Title of spec.zh\"}"));
  EXPECT_THAT(script, HasSubstr("[1,\"en\",\"a-b\",\"A \\\"b\\\"\",\"text c\"]"));
  EXPECT_THAT(script, Not(HasSubstr("</script>")));
}

TEST(JsonString, Escapes) { EXPECT_EQ(JsonString("a\"\\\n</\xe2\x80\xa8"), "\"a\\\"\\\\\\u000a\\u003c/\\u2028\""); }

TEST_F(SiteTest, TellsAPageThatCannotBeRead) {
  std::string error;
  const std::optional<Manifest> manifest = ParseManifest(kManifest, &error);
  EXPECT_FALSE(RenderSite(
      *manifest, [](const std::string&) { return std::nullopt; }, &error));
  EXPECT_EQ(error, "cannot read README.md");
}

}  // namespace
}  // namespace workbench
