// RenderMarkdown: what it adds to cmark's rendering, and what a text by others cannot do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "docs/render/markdown.h"

namespace workbench {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Safe(const std::string& markdown) {
  MarkdownOptions options;
  options.unsafe = false;
  options.tex = true;
  options.heading_links = true;
  options.figures = true;
  return RenderMarkdown(markdown, options).html;
}

std::string Trusted(const std::string& markdown) { return RenderMarkdown(markdown, MarkdownOptions()).html; }

TEST(Safe, ScriptsAndTagsAreLeftOut) {
  EXPECT_EQ(Safe("<script>alert(1)</script>\n"), "<!-- raw HTML omitted -->\n");
  EXPECT_THAT(Safe("a <img src=x onerror=alert(1)> b"), Not(HasSubstr("<img")));
  EXPECT_THAT(Safe("a <b onclick=alert(1)>b</b>"), Not(HasSubstr("<b")));
  EXPECT_THAT(Safe("<details><summary>x</summary>\n\ny\n\n</details>"), Not(HasSubstr("<details")));
  EXPECT_THAT(Safe("<script\n>alert(1)</script\n>"), Not(HasSubstr("<script")));
  EXPECT_THAT(Safe("<svg/onload=alert(1)>"), Not(HasSubstr("<svg")));
}

TEST(Safe, LinksThatRunSomethingLeadNowhere) {
  for (const char* url : {"javascript:alert(1)", "JaVaScRiPt:alert(1)", "javascript&#58;alert(1)", "vbscript:x",
                          "data:text/html,<script>alert(1)</script>", "file:///etc/passwd"}) {
    const std::string html = Safe(std::string("[a](<") + url + ">) ![b](<" + url + ">) <" + url + ">");
    for (const char* scheme : {"href=\"javascript", "href=\"JaVa", "href=\"vbscript", "href=\"data", "href=\"file",
                               "src=\"javascript", "src=\"JaVa", "src=\"vbscript", "src=\"data:text", "src=\"file"}) {
      EXPECT_THAT(html, Not(HasSubstr(scheme))) << url;
    }
  }
  EXPECT_THAT(Safe("[a](https://a.b)"), HasSubstr("href=\"https://a.b\""));
}

TEST(Safe, NothingBreaksOutOfAttributes) {
  const std::string attack = "$\" onmouseover=alert(1) x=\"$ ";
  for (const std::string& text :
       std::vector<std::string>{attack, "[a](b '" + attack + "')", "![" + attack + "](b)", "# " + attack,
                                "[a](<" + attack + ">)", "![a](b \"&#xE000;0&#xE001;\") " + attack,
                                "[a](b \"&#xE002;0&#xE003;\")\n\n# h", "```a&#xE000;0&#xE001;\nx\n```\n" + attack}) {
    EXPECT_THAT(Safe(text), Not(HasSubstr("\" onmouseover"))) << text;
    EXPECT_THAT(Safe(text), Not(HasSubstr("=\"<"))) << text;
  }
  EXPECT_THAT(Safe("$<img src=x onerror=alert(1)>$"), Not(HasSubstr("<img")));
  EXPECT_THAT(Safe("$$\\text{<script>alert(1)</script>}$$"), Not(HasSubstr("<script")));
}

TEST(Safe, MarksThatATextBringsItself) {
  EXPECT_EQ(Safe("a &#xE002;0&#xE003; b"), "<p>a 0 b</p>\n");
  EXPECT_EQ(Safe("\xee\x80\x80"
                 "0\xee\x80\x81"),
            "<p>\xef\xbf\xbd"
            "0\xef\xbf\xbd</p>\n");
  EXPECT_EQ(Safe("&#xE000;99&#xE001;"), "<p>99\xee\x80\x81</p>\n");
}

TEST(Trusted, RawHtmlStays) {
  EXPECT_EQ(Trusted("a <b title=\"$x$\">$x$</b>"),
            "<p>a <b title=\"$x$\"><math class=\"math\"><mrow><mi>x</mi></mrow></math></b></p>\n");
}

TEST(Trusted, DirectivesAreLeftOut) {
  EXPECT_EQ(Trusted("<!-- code: a.h#L1 -->\n```cpp\nint a;\n```\n"),
            "<pre><code class=\"language-cpp\">int a;\n</code></pre>\n");
  EXPECT_EQ(Trusted("87.9 %<!-- number: a.json#/x %.1f --> of it"), "<p>87.9 % of it</p>\n");
  EXPECT_EQ(Trusted("a <!-- codes --> b"), "<p>a <!-- codes --> b</p>\n");
}

TEST(Trusted, MathIsNotCode) {
  EXPECT_THAT(Trusted("    $x$\n"), HasSubstr("<pre><code>$x$\n"));
  EXPECT_THAT(Trusted("`` `$x$ ``"), HasSubstr("<code>`$x$</code>"));
  EXPECT_THAT(Trusted("[$x$](a$x$)"), HasSubstr("href=\"a$x$\""));
}

TEST(Trusted, MathStaysInItsParagraph) {
  EXPECT_THAT(Trusted("$a\n+ b$"), HasSubstr("<li>b$</li>"));
  EXPECT_THAT(Trusted("$a\n# b$"), HasSubstr("<h1 id=\"b\">b$</h1>"));
  EXPECT_THAT(Trusted("$2\n\\cdot 3$"), HasSubstr("<mo>⋅</mo><mn>3</mn>"));
}

TEST(Trusted, LineBreaksBetweenChineseCharacters) {
  EXPECT_EQ(Trusted("归约\n操作"), "<p>归约操作</p>\n");
  EXPECT_EQ(Trusted("归约,\nring\n操作"), "<p>归约,\nring\n操作</p>\n");
}

TEST(Options, HeadingsWithPrefixAndLink) {
  MarkdownOptions options;
  options.id_prefix = "zh-";
  options.heading_links = true;
  options.heading_link_text = "Link to: ";
  const MarkdownFragment fragment = RenderMarkdown("# A `b` $c$\n\ntext *in*side\n\n## A\n\n## A\n", options);
  EXPECT_THAT(fragment.html, HasSubstr("<h1 id=\"zh-a-b-c\">A <code>b</code> <math"));
  EXPECT_THAT(fragment.html,
              HasSubstr("</math><a class=\"anchor\" href=\"#zh-a-b-c\" aria-label=\"Link to: A b $c$\">#</a></h1>"));
  EXPECT_THAT(fragment.html, HasSubstr("<h2 id=\"zh-a-1\">A<a"));
  EXPECT_EQ(fragment.title, "A b $c$");
  EXPECT_EQ(fragment.first_paragraph, "text inside");
  EXPECT_THAT(fragment.sections,
              ElementsAre(Field(&MarkdownSection::text, "text inside"), Field(&MarkdownSection::id, "zh-a"),
                          Field(&MarkdownSection::id, "zh-a-1")));
}

TEST(Options, Figures) {
  MarkdownOptions options;
  options.figures = true;
  options.image = [](const std::string& url) { return ImageSource{"../" + url, url == "b.svg" ? "b" : ""}; };
  const auto render = [&](const std::string& markdown) { return RenderMarkdown(markdown, options).html; };
  EXPECT_EQ(render("![x](a.svg)"), "<figure>\n<img src=\"../a.svg\" alt=\"x\" />\n</figure>\n");
  EXPECT_THAT(render("![x](b.svg)"), HasSubstr("<figure class=\"interactive\" data-figure=\"b\">"));
  EXPECT_EQ(render("see ![x](a.svg)"), "<p>see <img src=\"../a.svg\" alt=\"x\" /></p>\n");
}

TEST(Options, FormulasCarryTheirTex) {
  MarkdownOptions options;
  options.tex = true;
  EXPECT_THAT(RenderMarkdown("$a<b$", options).html,
              HasSubstr("<span class=\"math\" data-tex=\"a&lt;b\"><math class=\"math\">"));
  EXPECT_THAT(RenderMarkdown("$$a$$", options).html, HasSubstr("<span class=\"math display\" data-tex=\"a\">"));
}

TEST(IsElsewhere, KnowsSchemes) {
  for (const char* url : {"https://a.b", "mailto:a@b", "#a", "/a", "", "data:,"}) EXPECT_TRUE(IsElsewhere(url)) << url;
  for (const char* url : {"a.md", "a/b:c", "../a#b:c", "a?b:c"}) EXPECT_FALSE(IsElsewhere(url)) << url;
}

}  // namespace
}  // namespace workbench
