// Instead of the page's files, where a build has no Node or does not want the page.
#include "server/dashboard/page_files.hpp"

namespace smgate::dashboard {

const std::vector<PageFile>& page_files() {
  static const std::vector<PageFile> none;
  return none;
}

}  // namespace smgate::dashboard
