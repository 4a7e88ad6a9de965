// The text of all pages for the search in the browser.
#ifndef DOCS_SITE_SEARCH_INDEX_H_
#define DOCS_SITE_SEARCH_INDEX_H_

#include <string>
#include <string_view>

#include "docs/site/site.h"

namespace workbench {

// A script that sets window.workbenchSearchIndex, so that it can be loaded from file:// as well:
//   {pages: [{url, en, zh}], sections: [[page, language, id, title, text], ...]}
// `url` is relative to the site's root, `en` and `zh` are titles (zh empty: no Chinese), `page` is an index into pages.
std::string SearchIndexScript(const Site& site);

// A JSON string that may stand in a script as well: control characters, quotes, "<" and U+2028/2029 are escaped.
std::string JsonString(std::string_view text);

}  // namespace workbench

#endif  // DOCS_SITE_SEARCH_INDEX_H_
