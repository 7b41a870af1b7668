#include "server/dashboard/page.hpp"

#include <algorithm>
#include <utility>

#include "server/dashboard/page_files.hpp"

namespace smgate::dashboard {
namespace {

// Addresses of the page, as src/main.ts knows them.
constexpr const char* kAddresses[] = {"/",        "/runs/{id}", "/runs/{id}/log/{arch}", "/compare", "/trends",
                                      "/runners", "/audit"};

// Scripts, styles and data from this server alone, nothing inline, and no frame around it.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr const char* kForEver = "public, max-age=31536000, immutable";  // the name changes with the content

constexpr const char* kLeftOut =
    "This smgate-server was built without its web page: node and npm were not found, or SMGATE_PAGE was OFF.\n"
    "Everything it shows is at /api/v1/runs and /api/v1/runners. To have the page, install nodejs and npm (Debian 12's "
    "own will do) and build again.\n";

const PageFile* find_file(std::string_view path) {
  const std::vector<PageFile>& files = page_files();
  const auto file = std::find_if(files.begin(), files.end(), [&](const PageFile& other) { return other.path == path; });
  return file == files.end() ? nullptr : &*file;
}

// "gzip, br;q=0.5": whether gzip is among them and not refused by q=0.
bool takes_gzip(const http::Request& request) {
  const std::string accepted = request.header("accept-encoding").value_or("");
  const std::size_t at = accepted.find("gzip");
  if (at == std::string::npos) return false;
  const std::string parameters = accepted.substr(at + 4, accepted.find(',', at) - at - 4);
  return parameters.find("q=0") == std::string::npos || parameters.find("q=0.") != std::string::npos;
}

http::Response serve(const http::Request& request, const PageFile& file, const char* cache) {
  http::Response response;
  const std::string tag = "\"" + std::string(file.tag) + "\"";
  response.headers = {{"Content-Security-Policy", kPolicy},
                      {"Cache-Control", cache},
                      {"ETag", tag},
                      {"Vary", "Accept-Encoding"},
                      {"Cross-Origin-Opener-Policy", "same-origin"}};
  if (request.header("if-none-match") == tag) {
    response.status = 304;
    return response;
  }
  response.content_type = file.content_type;
  const bool packed = takes_gzip(request);
  if (packed) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = packed ? file.gzipped : file.bytes;
  return response;
}

boost::asio::awaitable<http::Response> serve_index(http::Request request) {
  const PageFile* index = find_file("/index.html");
  co_return index == nullptr ? http::text_response(200, kLeftOut) : serve(request, *index, "no-cache");
}

boost::asio::awaitable<http::Response> serve_asset(http::Request request) {
  const PageFile* file = find_file(request.path);
  if (file != nullptr) co_return serve(request, *file, kForEver);
  co_return http::problem_response({404, "not-found", "the page has no file of this name",
                                    "load the page again: it has changed since you opened it"},
                                   request.path);
}

}  // namespace

std::optional<http::Response> answer_with_page(http::Request request) {
  const PageFile* index = find_file("/index.html");
  const bool looks = request.method == "GET" || request.method == "HEAD";
  const bool browser = request.header("accept").value_or("").find("text/html") != std::string::npos;
  if (index == nullptr || !looks || !browser || request.path.starts_with("/api/")) return std::nullopt;
  request.headers.erase("if-none-match");
  http::Response response = serve(request, *index, "no-cache");
  response.status = 404;
  return response;
}

std::vector<http::Route> page_routes() {
  std::vector<http::Route> routes;
  for (const char* address : kAddresses) routes.push_back({"GET", address, serve_index, 0});
  routes.push_back({"GET", "/assets/{file}", serve_asset, 0});
  return routes;
}

}  // namespace smgate::dashboard
