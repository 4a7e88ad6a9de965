// Words of the template, in both languages.
#ifndef DOCS_SITE_WORDS_H_
#define DOCS_SITE_WORDS_H_

#include <string>

namespace workbench {

struct Words {
  const char* english;
  const char* chinese;
};

inline constexpr Words kSiteTitle = {"AI Infra Workbench", "AI 基础设施练习台"};
inline constexpr Words kHome = {"Home", "首页"};
inline constexpr Words kQuestions = {"Questions", "题目"};
inline constexpr Words kChapters = {"Chapters", "章节"};
inline constexpr Words kMore = {"More", "更多"};
inline constexpr Words kProblem = {"Problem", "题面"};
inline constexpr Words kHints = {"Hints", "提示"};
inline constexpr Words kNotes = {"Solution notes", "解答说明"};
inline constexpr Words kReadProblem = {"Read the problem", "阅读题面"};
inline constexpr Words kContents = {"On this page", "本页目录"};
inline constexpr Words kPrevious = {"Previous", "上一页"};
inline constexpr Words kNext = {"Next", "下一页"};
inline constexpr Words kSearch = {"Search", "搜索"};
inline constexpr Words kClose = {"Close", "关闭"};
inline constexpr Words kSkip = {"Skip to the content", "跳到正文"};

// Both, of which the style shows one.
inline std::string InBoth(const std::string& english, const std::string& chinese) {
  return "<span class=\"en\" lang=\"en\">" + english + "</span><span class=\"zh\" lang=\"zh-Hans\">" + chinese +
         "</span>";
}
inline std::string InBoth(const Words& words) { return InBoth(words.english, words.chinese); }

// An aria-label in English, and its Chinese for site.js.
inline std::string LabelInBoth(const Words& words) {
  return std::string("aria-label=\"") + words.english + "\" data-label-zh=\"" + words.chinese + "\"";
}

}  // namespace workbench

#endif  // DOCS_SITE_WORDS_H_
