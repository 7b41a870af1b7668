#include "runner/check/render.hpp"

#include <nlohmann/json.hpp>

namespace smgate::check {

std::string render(const contract::Report& report, Format format, bool colour) {
  switch (format) {
    case Format::text:
      break;
    case Format::json:
      return contract::to_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    case Format::junit:
      return render_junit(report);
    case Format::markdown:
      return render_markdown(report);
  }
  return render_text(report, colour);
}

}  // namespace smgate::check
