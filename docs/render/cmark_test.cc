// Texts whose rendering is cmark's, though they look like what we change.
#include <gtest/gtest.h>

#include "docs/render/cmark_reference.h"

namespace workbench {
namespace {

const char* const kTexts[] = {
    // Dollars that are no formulas.
    "costs $5 or $6",
    "$ a$",
    "$a $",
    "a$",
    "$",
    "$$",
    "$$$$",
    "\\$a\\$",
    "$a\n\nb$",
    "$a\n- b$",
    "$a\n1. b$",
    "$a\n> b$",
    "$a\n```\nb$\n```",
    "`$a$`",
    "``$a` $b$``",
    "```\n$a$\n```",
    "~~~ $x$\n$a$\n~~~",
    "    $a$",
    "> ```\n> $a$\n> ```",
    "- a\n\n      $a$",
    "<!-- $a$ -->",
    "<a title='$a$'>b</a>",
    "[a]: <$b$> '$c$'\n[a]",
    "![a](b$c$d)",
    "[a](b$c$d \"$e$\")",
    "$5, $6 and $7",
    "US$5/US$6",
    "```sh\necho $HOME $PWD\n```",
    "$a\n\n$b",
    "`a` $ `b$`",
    // Fences and spans.
    "```\n```",
    "````\n```\n````",
    "~~~\n```\n~~~",
    "```a`b\n",
    "   ```\n   a\n   ```",
    "    ```\n    a",
    "``` a\nb",
    "`a\nb`",
    "``a`b``",
    "`a",
    "\\`a`",
    "- ```\n  a\n  ```\n- b",
    "> ~~~\n> a\n\nb",
    "```\n\n\n```",
    "~~~~ x y z\na\n~~~~~",
    // Blocks.
    "# a #",
    "#a",
    "a\n===",
    "a\n---\nb",
    "***",
    "- a\n\n  b\n- c",
    "1. a\n2. b",
    "10) a",
    "- a\n  - b\n    - c",
    "> a\nb",
    "a  \nb",
    "a\\\nb",
    "a\nb",
    "| a | b |\n|---|:-:|\n| `c|d` | ~~e~~ |",
    "| a |\n|---|\n| b |\n\nc",
    "a | b\n- | -\n1 | 2",
    "<details><summary>a</summary>\n\nb\n\n</details>",
    "<table><tr><td>a</td></tr></table>",
    "<div>\n*a*\n</div>",
    "<script>\nlet a = 1 < 2;\n</script>",
    "<?php a ?>",
    "<![CDATA[a]]>",
    "[a]: b\n\n[a]\n[A][]\n[c][a]",
    // Characters.
    "&amp; &lt; &#35; &#x22; &copy; &nosuch;",
    "a\tb",
    "\ta",
    "*a*b_c_",
    "**a*b*c**",
    "a * b * c",
    "_a_b",
    "\\*a\\*",
    "<b>a</b>",
    "www.a.b and a@b.c and http://a.b?c=d&e",
    "~a~ ~~b~~",
    "a\xc2\xa0"
    "b",
    "\xff\xfe",
    "\xf0\x9f\x98\x80",
    "a\r\nb\r\n",
    "&#0; &#xFFFD;",
    "![a *b* `c`](d \"e\")",
    "[a [b](c)](d)",
    "[a](<b c>)",
    "[a](b\\)c)",
    "<javascript:alert(1)>",
    "",
    "\n\n\n",
    "[a](javascript:b)",
    "![a](data:image/png;base64,AA==)",
    "![a](data:text/html,b)",
    "归约\n\n操作",
    "a\n归约",
};

TEST(Cmark, RendersTheseAlike) {
  for (const std::string text : kTexts) {
    for (const bool unsafe : {true, false})
      EXPECT_EQ(RenderedByUs(text, unsafe), RenderedByCmark(text, unsafe)) << text;
  }
}

TEST(Cmark, DoesNotRenderTheseAlike) {  // what docs/site/README.md lists
  for (const std::string text : {"$a$", "$$a$$", "归约\n操作", "<!-- code: a -->", "\xee\x80\x80"}) {
    EXPECT_NE(RenderedByUs(text, true), RenderedByCmark(text, true)) << text;
  }
}

}  // namespace
}  // namespace workbench
