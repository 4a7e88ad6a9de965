#include "grader/html/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <regex>

#include "grader/html/case_name.h"
#include "grader/html/markup_check.h"
#include "grader/html/scale.h"

namespace workbench::html {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// Well formed, no number that SVG does not know, and everything within the drawing.
void ExpectDrawn(const std::string& figure) {
  EXPECT_EQ(MarkupFault(figure), "");
  const size_t begin = figure.find("<svg"), end = figure.find("</svg>");
  ASSERT_NE(begin, std::string::npos);
  const std::string svg = figure.substr(begin, end - begin);
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  const std::regex number(" (?:x|cx)=\"(-?[0-9.]+)\"");
  for (std::sregex_iterator it(svg.begin(), svg.end(), number), none; it != none; ++it) {
    EXPECT_GE(std::stod((*it)[1]), 0) << it->str();
    EXPECT_LE(std::stod((*it)[1]), 600) << it->str();
  }
  EXPECT_THAT(svg, HasSubstr("role=\"img\""));
  EXPECT_THAT(svg, HasSubstr("<title>"));
}

Chart ChartOf(std::vector<std::pair<double, double>> points, bool logarithmic, bool bars = false) {
  return {.title = "a chart",
          .bars = bars,
          .x = {"size", "bytes", logarithmic},
          .y = {"time", "seconds", logarithmic},
          .series = {{"answer", std::move(points)}},
          .limits = {}};
}

TEST(ChartTest, NothingToDrawIsNoFigure) {
  EXPECT_EQ(ChartFigure(Chart()), "");
  EXPECT_EQ(ChartFigure(ChartOf({}, false)), "");
  EXPECT_EQ(ChartFigure(ChartOf({{1, NAN}, {NAN, 1}, {1, INFINITY}}, false)), "");
  EXPECT_EQ(ChartFigure(ChartOf({{1, 0}, {0, 1}, {-1, -1}}, true)), "");
}

TEST(ChartTest, OneFewAndManyPointsAreDrawn) {
  for (const bool logarithmic : {false, true}) {
    for (const bool bars : {false, true}) {
      for (const int n : {1, 2, 3, 40, 41, 5000}) {
        std::vector<std::pair<double, double>> points;
        for (int i = 1; i <= n; ++i) points.emplace_back(i * 1024.0, i * 1e-6);
        const std::string figure = ChartFigure(ChartOf(points, logarithmic, bars));
        ExpectDrawn(figure);
        const size_t marks = Count(figure, bars ? "<rect class=\"bar s1\"" : "<circle class=\"m s1\"");
        EXPECT_EQ(marks, bars || n <= 40 ? static_cast<size_t>(n) + 1 : 1u);  // one is the legend's
        EXPECT_EQ(Count(figure, "<th scope=\"row\">"), static_cast<size_t>(n));
      }
    }
  }
}

TEST(ChartTest, WhatCannotBeDrawnIsLeftOutAndCounted) {
  const std::string figure = ChartFigure(ChartOf({{1, 1}, {2, NAN}, {3, -1}, {4, 0}, {5, 2}}, true));
  ExpectDrawn(figure);
  EXPECT_THAT(figure, HasSubstr("3 numbers could not be drawn"));
  EXPECT_EQ(Count(figure, "<circle class=\"m s1\""), 2u + 1);
  EXPECT_THAT(ChartFigure(ChartOf({{1, 1}, {5, 2}}, true)), Not(HasSubstr("could not")));
}

TEST(ChartTest, ExtremeNumbersStayInTheDrawing) {
  const double most = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::denorm_min();
  for (const bool logarithmic : {false, true}) {
    ExpectDrawn(ChartFigure(ChartOf({{least, most}, {most, least}}, logarithmic)));
    ExpectDrawn(ChartFigure(ChartOf({{5, 5}, {5, 5}}, logarithmic)));
  }
  ExpectDrawn(ChartFigure(ChartOf({{-3, -5}, {0, 0}, {2, 7}}, false)));
}

TEST(ChartTest, SeriesDifferInMoreThanColour) {
  Chart chart = ChartOf({{1, 1}}, false);
  for (int i = 0; i < 6; ++i) chart.series.push_back({"more", {{1.0, i}}});
  const std::string figure = ChartFigure(chart);
  ExpectDrawn(figure);
  EXPECT_THAT(figure, HasSubstr("<circle class=\"m s1\""));
  for (const char* shape : {"h7.6v7.6", "l5 8.6h-10z", "l5 5.2l-5 5.2", "l-5-8.6h10z", "h9m-4.5-4.5v9"}) {
    EXPECT_THAT(figure, HasSubstr(shape));
  }
}

TEST(ChartTest, ALimitBelongsToTheRange) {
  Chart chart = ChartOf({{1, 1}, {2, 2}}, false);
  chart.limits = {{"the ceiling", 100}, {"unknown", NAN}};
  const std::string figure = ChartFigure(chart);
  ExpectDrawn(figure);
  EXPECT_EQ(Count(figure, "class=\"limit\""), 1u);
  EXPECT_THAT(figure, HasSubstr(">100 s<"));  // a tick there
}

TEST(DistributionTest, DrawsEverySampleUpToAnAmount) {
  for (const size_t n : {size_t{1}, size_t{4}, size_t{5}, size_t{300}, size_t{301}, size_t{20000}}) {
    std::vector<double> seconds;
    for (size_t i = 0; i < n; ++i) seconds.push_back(1e-3 + 1e-6 * static_cast<double>(i));
    const std::string figure =
        DistributionFigure("times", {{"answer", seconds}, {"reference", {1e-3}}}, MeasuredOn::kCpu);
    ExpectDrawn(figure);
    EXPECT_EQ(Count(figure, "<circle class=\"dot s1\""), std::min<size_t>(n, 300));
    EXPECT_EQ(Count(figure, "class=\"box"), n >= 5 ? 1u : 0u);
    EXPECT_EQ(Count(figure, "class=\"median\""), 2u);
    EXPECT_THAT(figure, HasSubstr("measured on the CPU"));
  }
}

TEST(DistributionTest, ItsTableHasTheMedianAndNearestRanks) {
  const std::string figure = DistributionFigure("times", {{"answer", {4, 1, 3, 2}}}, MeasuredOn::kUnknown);
  EXPECT_THAT(figure,
              HasSubstr("<td class=\"number\">4</td><td class=\"number\">1 s</td><td class=\"number\">1 s</td>"
                        "<td class=\"number\">2.5 s</td><td class=\"number\">4 s</td><td class=\"number\">4 s</td>"));
}

TEST(DistributionTest, TimesThatAreNoneAreLeftOut) {
  EXPECT_EQ(DistributionFigure("times", {}, MeasuredOn::kCpu), "");
  EXPECT_EQ(DistributionFigure("times", {{"answer", {NAN, 0, -1, INFINITY}}}, MeasuredOn::kCpu), "");
  const std::string figure = DistributionFigure("times", {{"answer", {NAN, 1, 100}}, {"none", {}}}, MeasuredOn::kCpu);
  ExpectDrawn(figure);
  EXPECT_THAT(figure, HasSubstr("1 samples without a time"));
}

TEST(RooflineTest, NeedsACeilingAndAPoint) {
  const RooflinePoint point = {"two-shot", 1e9, 1e8, 1e-3};
  EXPECT_EQ(RooflineFigure("roofline", {.bytes_per_second = 4e12, .flops_per_second = {}, .points = {}}), "");
  for (const double ceiling : {0.0, double{NAN}, double{INFINITY}}) {
    EXPECT_EQ(RooflineFigure("roofline", {.bytes_per_second = ceiling, .flops_per_second = {}, .points = {point}}), "");
  }
  RooflinePoint no_time = point;
  no_time.seconds = 0;
  EXPECT_EQ(RooflineFigure("roofline", {.bytes_per_second = 4e12, .flops_per_second = {}, .points = {no_time}}), "");
  const std::string figure =
      RooflineFigure("roofline", {.bytes_per_second = 4e12, .flops_per_second = {}, .points = {point, no_time}});
  ExpectDrawn(figure);
  EXPECT_THAT(figure, HasSubstr("compute peak: not measured"));
  EXPECT_THAT(figure, HasSubstr("1 points without"));
  EXPECT_THAT(figure, HasSubstr("<td class=\"number\">25</td>"));  // % of the copy bandwidth
}

TEST(RooflineTest, AMeasuredPeakMakesARidge) {
  const std::string figure = RooflineFigure(
      "roofline",
      {.bytes_per_second = 4e12, .flops_per_second = 8e14, .points = {{"gemm", 1e9, 1e12, 2e-3}, {"copy", 1e9, 1, 1}}});
  ExpectDrawn(figure);
  EXPECT_THAT(figure, HasSubstr("800 TFLOP/s"));
  EXPECT_TRUE(std::regex_search(figure, std::regex("class=\"roof\" d=\"M[0-9. ]+L[0-9. ]+H576\"")));
  EXPECT_THAT(figure, HasSubstr("<td class=\"number\">62.5</td>"));  // % of the compute peak
}

TEST(ScaleTest, TicksLieInTheRangeAndRise) {
  for (const bool logarithmic : {false, true}) {
    for (const Unit unit : {Unit::kPlain, Unit::kBytes, Unit::kSeconds}) {
      for (const auto& [least, most] : {std::pair(1.0, 1e6), {0.5, 0.7}, {1e-9, 1e-9}, {3.0, 4096.0}, {7.0, 1e30}}) {
        const Scale scale(least, most, unit, logarithmic, 0, 100);
        EXPECT_GE(scale.ticks().size(), 2u) << least << " " << most << logarithmic;
        EXPECT_LE(scale.ticks().size(), 12u) << least << " " << most << logarithmic;
        for (size_t i = 1; i < scale.ticks().size(); ++i)
          EXPECT_LT(scale.At(scale.ticks()[i - 1]), scale.At(scale.ticks()[i]));
      }
    }
  }
}

TEST(CaseNameTest, TakesNamesApart) {
  const CaseName bench = ParseCaseName("b/two-shot/64MiB/ranks:4/ncclAllReduce/iterations:2/manual_time", true);
  EXPECT_EQ(bench.part, "b");
  EXPECT_EQ(bench.variant, "two-shot");
  EXPECT_EQ(bench.bytes, 64 << 20);
  EXPECT_EQ(bench.ranks, 4);
  EXPECT_EQ(bench.who, "ncclAllReduce");
  const CaseName compare = ParseCaseName("a/1KiB/ranks:2", false);
  EXPECT_EQ(compare.part, "a");
  EXPECT_EQ(compare.variant, "");
  EXPECT_EQ(compare.bytes, 1024);
  EXPECT_EQ(ParseCaseName("", true).part, "");
  EXPECT_EQ(ParseCaseName("whatever", true).bytes, 0);
}

}  // namespace
}  // namespace workbench::html
