// The files of the web page, built from server/web and compiled in. Constant data; any thread.
#pragma once

#include <string_view>
#include <vector>

namespace smgate::dashboard {

struct PageFile {
  std::string_view path;  // "/index.html", "/assets/index-1a2b3c4d.js"
  std::string_view content_type;
  std::string_view tag;  // changes with the content
  std::string_view bytes;
  std::string_view gzipped;
};

// Empty where the program was built without the page.
const std::vector<PageFile>& page_files();

}  // namespace smgate::dashboard
