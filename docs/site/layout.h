// One page of the site as HTML: the template around rendered Markdown.
#ifndef DOCS_SITE_LAYOUT_H_
#define DOCS_SITE_LAYOUT_H_

#include <string>
#include <vector>

#include "docs/site/site.h"

namespace workbench {

// The whole page: head, navigation, both languages, contents, the way to the pages before and after it. Without
// JavaScript it shows English and below it Chinese, and formulas as MathML.
std::string LayOutPage(const Site& site, const SitePage& page);

}  // namespace workbench

#endif  // DOCS_SITE_LAYOUT_H_
