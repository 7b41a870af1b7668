// The report in the formats that people and their tools read. In each, verdict and most upstream cause come first, and
// two hundred missing keys stay readable: of one kind a few findings are shown and the rest is counted. Pure; any
// thread.
#pragma once

#include <string>

#include "common/contract/report.hpp"

namespace smgate::check {

enum class Format {
  text,      // a terminal
  json,      // schemas/report.schema.json
  junit,     // JUnit XML as Jenkins and GitLab read it: a clause is a test case
  markdown,  // GitHub Flavored Markdown: a comment or a job summary
};

// With a newline at its end. Colour is for a terminal and for text alone.
std::string render(const contract::Report& report, Format format, bool colour);

std::string render_text(const contract::Report& report, bool colour);
std::string render_junit(const contract::Report& report);
std::string render_markdown(const contract::Report& report);

}  // namespace smgate::check
