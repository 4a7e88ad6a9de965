#include "docs/render/markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "docs/render/math.h"

namespace workbench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::optional<std::string> OneImage(const std::string& path) {
  return path == "figures/a.svg" ? std::optional<std::string>("<svg/>") : std::nullopt;
}

std::string Render(const std::string& markdown) { return MarkdownPage(markdown, OneImage).html; }

TEST(MarkdownPage, HasTitleAndIdsAsOnGitHub) {
  const std::string html = Render("# Q2 *All*Reduce\n\n## Part A: over `messages`\n\n## Twice\n\n## Twice\n");
  EXPECT_THAT(html, HasSubstr("<title>Q2 AllReduce</title>"));
  EXPECT_THAT(html, HasSubstr("<h2 id=\"part-a-over-messages\">"));
  EXPECT_THAT(html, HasSubstr("<h2 id=\"twice\">"));
  EXPECT_THAT(html, HasSubstr("<h2 id=\"twice-1\">"));
}

TEST(HeadingId, KeepsLettersOfAllScripts) {
  EXPECT_EQ(HeadingId("N = 4, and more!"), "n--4-and-more");
  EXPECT_EQ(HeadingId("第二题:如何选择?"), "第二题如何选择");
  EXPECT_EQ(HeadingId("Träff's “two trees”"), "träffs-two-trees");
  EXPECT_EQ(HeadingId("a.values_1"), "avalues_1");
}

TEST(MarkdownPage, TablesScroll) {
  const std::string html = Render("| a | b |\n|---|---|\n| 1 | ~~2~~ |\n");
  EXPECT_THAT(html, HasSubstr("<div class=\"table\"><table>"));
  EXPECT_THAT(html, HasSubstr("</table></div>"));
  EXPECT_THAT(html, HasSubstr("<del>2</del>"));
}

TEST(MarkdownPage, MathSurvivesMarkdown) {
  const std::string html = Render("$x_0 + y_1$ and $a*b*c$, in\n\n| $\\lvert x \\rvert$ |\n|---|\n| $N-1$ |\n");
  EXPECT_THAT(html, HasSubstr("<msub><mi>x</mi><mn>0</mn></msub><mo>+</mo><msub><mi>y</mi><mn>1</mn></msub>"));
  EXPECT_THAT(html, HasSubstr("<mi>a</mi><mo>*</mo><mi>b</mi><mo>*</mo><mi>c</mi>"));
  EXPECT_THAT(html, HasSubstr("<mi>N</mi><mo>−</mo><mn>1</mn>"));
  EXPECT_THAT(html, Not(HasSubstr("<em>")));
}

TEST(MarkdownPage, DisplayMathMaySpanLines) {
  EXPECT_THAT(Render("$$a\n\\le b$$\n"), HasSubstr("<math class=\"math\" display=\"block\">"));
}

TEST(MarkdownPage, LeavesCodeAndMoneyAlone) {
  const std::string html = Render("`$a$` costs $5 or $6\n\n```\necho $HOME $PWD\n```\n\n~~~sh\n$x$\n~~~\n");
  EXPECT_THAT(html, HasSubstr("<code>$a$</code> costs $5 or $6"));
  EXPECT_THAT(html, HasSubstr("echo $HOME $PWD"));
  EXPECT_THAT(html, HasSubstr("$x$"));
  EXPECT_THAT(html, Not(HasSubstr("<math")));
}

TEST(MarkdownPage, MathInHeadingsAndImages) {
  const std::string html = Render("## The case $N=4$\n\n![of $N$](figures/a.svg)\n");
  EXPECT_THAT(html, HasSubstr("<h2 id=\"the-case-n4\">"));
  EXPECT_THAT(html, HasSubstr("alt=\"of $N$\""));
}

TEST(MarkdownPage, EmbedsImages) {
  EXPECT_THAT(Render("![x](figures/a.svg)"), HasSubstr("src=\"data:image/svg+xml;base64,PHN2Zy8+\""));
  EXPECT_EQ(MarkdownPage("![x](figures/b.svg)", OneImage).missing_image, "figures/b.svg");
}

TEST(MarkdownPage, LinksLeadToRenderedPages) {
  const std::string html = Render("[a](hints.md#x) [b](api.h) [c](https://a.b/c.md) [d](#e) [f](../../docs/ranks.md)");
  EXPECT_THAT(html, HasSubstr("href=\"hints.html#x\""));
  EXPECT_THAT(html, HasSubstr("href=\"api.h.html\""));
  EXPECT_THAT(html, HasSubstr("href=\"https://a.b/c.md\""));
  EXPECT_THAT(html, HasSubstr("href=\"#e\""));
  EXPECT_THAT(html, HasSubstr("href=\"../../docs/ranks.html\""));
}

TEST(MarkdownPage, KeepsDetails) {
  const std::string html = Render("<details><summary>1. Why?</summary>\n\nBecause *so*.\n\n</details>\n");
  EXPECT_THAT(html, HasSubstr("<details><summary>1. Why?</summary>"));
  EXPECT_THAT(html, HasSubstr("<em>so</em>"));
}

TEST(MathHtml, KnowsTheFormsInUse) {
  EXPECT_THAT(MathHtml("\\frac{2(N-1)}{N}S", false), HasSubstr("<mfrac><mrow><mn>2</mn>"));
  EXPECT_THAT(MathHtml("\\log_2 p", false), HasSubstr("<msub><mi>log</mi><mn>2</mn></msub>"));
  EXPECT_THAT(MathHtml("\\hat{y}", false), HasSubstr("<mover accent=\"true\">"));
  EXPECT_THAT(MathHtml("a^{-24}_i", false), HasSubstr("<msubsup>"));
  EXPECT_THAT(MathHtml("0.5\\text{ us}", false), HasSubstr("<mn>0.5</mn><mtext> us</mtext>"));
}

TEST(MathHtml, ShowsWhatItDoesNotKnow) {
  EXPECT_EQ(MathHtml("\\binom{n}{k} < 1", false), "<code class=\"math\">\\binom{n}{k} &lt; 1</code>");
  EXPECT_EQ(MathHtml("{a", true), "<code class=\"math display\">{a</code>");
  EXPECT_EQ(MathHtml("x_", false), "<code class=\"math\">x_</code>");
  EXPECT_EQ(MathHtml("x^", false), "<code class=\"math\">x^</code>");
  EXPECT_EQ(MathHtml("\\frac{1}", false), "<code class=\"math\">\\frac{1}</code>");
}

TEST(TextPage, Escapes) {
  EXPECT_THAT(TextPage("api.h", "#include <cstddef>\n").html, HasSubstr("#include &lt;cstddef&gt;"));
}

}  // namespace
}  // namespace workbench
